# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What starts wampd: scripts that a shell can read, and, in the long form,
# sysvinit, OpenRC, runit and s6 themselves, each as process 1 of a bare
# Debian of its own, through one list of checks.
# LONG=1: the real init systems

import glob
import os
import shutil
import signal
import subprocess

from daemon import (B, EMPTYDIR, IS_ROOT, LONG, SAN, TOP, done, is_alive,
                    proc_stat, run_case, skip, tmpdir, wait_until)

PACKAGES = ('sysvinit-core sysv-rc runit s6 libevent-core-2.1-7 libtls26 '
            'libmsgpackc2 libseccomp2 libargon2-1 libidn12 libbsd0 '
            'libunbound8').split()
SLIM = ['--dpkgopt=force-unsafe-io', '--aptopt=Acquire::Languages "none"'] + [
    '--dpkgopt=path-exclude=/usr/share/%s/*' % d
    for d in ('doc', 'man', 'locale', 'zoneinfo')]
CONF = '/etc/wampd.conf'
SOCKET = '/run/wampd/wampd.sock'
CONTROL = '/run/wampd/control.sock'
PIDFILE = '/run/wampd.pid'


# -- the scripts ----------------------------------------------------------------

def syntax():
    """each script can be read by a shell"""
    found = [f for d in ('init.d', 'openrc', 'runit', 's6', 'rc.d')
             for f in glob.glob('%s/etc/%s/**' % (TOP, d), recursive=True)
             if f.endswith(('/run', '/wampd')) and os.path.isfile(f)]
    assert len(found) == 8, found
    for f in found:
        subprocess.run(['sh', '-n', f], check=True)
        with open(f) as text:
            assert text.readline().startswith('#!/'), f


# -- trees ------------------------------------------------------------------------

def mirrors():
    """Where this machine has its Debian from, as lines of sources.list."""
    p = subprocess.run(
        ['apt-get', 'indextargets', '--format',
         '$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)',
         'Created-By: Packages'], capture_output=True, text=True)
    return [ln.split('|')[1] for ln in p.stdout.split('\n')
            if ln.startswith('Debian|')]


def run(cmd, **kw):
    p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL, text=True, **kw)
    assert p.returncode == 0, '%s: %s' % (cmd, p.stdout)
    return p.stdout


def make_trees(where):
    """where/sysv and where/openrc: the latter takes the place of sysv-rc"""
    run(['mmdebstrap', '--variant=apt', '--include=' + ','.join(PACKAGES)] +
        SLIM + ['--customize-hook=cp -ax "$1" %s/sysv' % where,
                '--customize-hook=chroot "$1" apt-get -y -qq '
                '--no-install-recommends install openrc',
                'bookworm', where + '/openrc'] + mirrors())


def install(tree, words):
    """What make install puts there."""
    env = {k: v for k, v in os.environ.items()
           if k not in ('B', 'MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')}
    run(['make', '-s', '-C', TOP, 'B=' + B, 'DESTDIR=' + tree,
         'INIT=' + words, 'install'], env=env)
    for user in ('_wampd', '_wampbroker', '_wampkeeper', '_wampmetrics'):
        run(['chroot', tree, 'useradd', '-r', '-M', '-U', '-d', EMPTYDIR,
             '-s', '/usr/sbin/nologin', user])


# -- a machine ----------------------------------------------------------------------

BOOT = '''
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
for d in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs $d; done
for f in null zero full random urandom; do
	: >dev/$f
	mount --bind /dev/$f dev/$f
done
shift
exec chroot . /usr/bin/env -i "$@"
'''


class Machine:
    """A tree with a process 1 of its own.  Words of a class that says which:
    verbs are shell commands; what differs in exit statuses is in status."""

    init = []
    verbs = {}
    codes = {}
    supervised = False
    after_crash = 'start'
    tells_ready = True      # when start returns, it serves

    def __init__(self, tree):
        self.tree = tree
        self.log = tree + '/../' + self.name + '.log'
        self.prepare()
        self.start()

    def path(self, p):
        return self.tree + p

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), 'w') as f:
            f.write(text)
        os.chmod(self.path(path), mode)

    def prepare(self):
        pass

    def start(self):
        with open(self.log, 'ab') as out:
            self.proc = subprocess.Popen(
                ['unshare', '--pid', '--fork', '--kill-child', '--mount',
                 '--net', '--uts', '--ipc', 'sh', '-c', BOOT, 'sh',
                 self.tree] + self.init, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out)
        kids = '/proc/%d/task/%d/children' % (self.proc.pid, self.proc.pid)

        def first():
            assert self.proc.poll() is None, self.said()
            with open(kids) as f:
                return int(f.read() or 0)
        self.pid1 = wait_until(first, 30, 'process 1')

        def booted():
            assert self.proc.poll() is None, self.said()
            try:
                return self.sh(self.is_up)[0] == 0
            except FileNotFoundError:
                return False
        wait_until(booted, 60, 'the boot')

    def end(self):
        self.proc.kill()
        self.proc.wait()

    def said(self):
        with open(self.log, errors='replace') as f:
            return f.read()

    def sh(self, cmd):
        """From a bare shell: its exit status, and what it printed."""
        p = subprocess.run(
            ['nsenter', '-t', str(self.pid1), '-m', '-p', '-n', '-u', '-i',
             '-r', '-w', '/usr/bin/env', '-i', '/bin/sh', '-c', cmd],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120)
        return p.returncode, p.stdout

    def verb(self, name, code=0):
        """code: the status, or what codes says for this situation"""
        code = self.codes.get(code, code)
        rc, out = self.sh(self.verbs[name])
        assert rc == code, '%s: status %s, not %s: %s' % (name, rc, code, out)
        return out

    def processes(self):
        """{name: [process numbers as we see them]}"""
        ns = os.readlink('/proc/%d/ns/pid' % self.pid1)
        found = {}
        for d in os.listdir('/proc'):
            try:
                if d.isdigit() and is_alive(int(d)) and \
                        os.readlink('/proc/%s/ns/pid' % d) == ns:
                    with open('/proc/%s/comm' % d) as f:
                        found.setdefault(f.read().strip(), []).append(int(d))
            except OSError:
                pass
        return found

    def parent(self):
        # a child that was forked has the same name until it runs its own
        pids = self.processes().get('wampd', [])
        first = [p for p in pids if (proc_stat(p) or (None,))[0] not in pids]
        assert len(first) <= 1, self.processes()
        return first[0] if first else None

    def serves(self):
        return self.sh('wampc -w 10 publish com.example.t 1')[0] == 0

    def is_gone(self):
        p = self.processes()
        return not any(n in p for n in ('wampd', 'keeper', 'tlsproxy',
                                        'broker', 'metrics'))

    def gone(self):
        wait_until(self.is_gone, 30, 'the end')


class Sysv(Machine):
    name = 'sysv'
    init = ['/sbin/init']
    is_up = 'test -e /run/booted'
    verbs = {v: '/etc/init.d/wampd ' + v for v in (
        'start', 'stop', 'restart', 'reload', 'force-reload', 'try-restart',
        'status', 'configtest')}
    verbs['boot'] = 'update-rc.d wampd defaults'
    # the runlevels as process 1 is told to change them
    verbs['on'], verbs['off'] = 'telinit 3', 'telinit 1'
    codes = {'stopped': 3, 'crashed': 1, 'reload stopped': 7, 'broken': 1}

    def prepare(self):
        # the machine's own services have nothing to do in a namespace
        for f in glob.glob(self.path('/etc/rc?.d/*')):
            os.unlink(f)
        self.write('/etc/inittab', 'id:2:initdefault:\n' + ''.join(
            'l%d:%d:wait:/etc/init.d/rc %d\n' % (n, n, n)
            for n in range(7)) + 'b:2:once:/bin/touch /run/booted\n')


class Openrc(Machine):
    name = 'openrc'
    init = ['/sbin/init']
    is_up = 'test -e /run/booted'
    verbs = {v: 'rc-service wampd ' + v for v in (
        'start', 'stop', 'restart', 'reload', 'status', 'configtest')}
    verbs['boot'] = 'rc-update add wampd default'
    verbs['on'], verbs['off'] = 'openrc default', 'openrc nonetwork'
    # it takes what it has started for started
    after_crash = 'restart'
    codes = {'stopped': 3, 'crashed': 32, 'reload stopped': 1, 'broken': 1}

    def prepare(self):
        for f in glob.glob(self.path('/etc/runlevels/*/*')):
            os.unlink(f)
        self.write('/etc/inittab', 'id:2:initdefault:\n'
                   'a::sysinit:/sbin/openrc sysinit\n'
                   'b:2:wait:/sbin/openrc boot\n'
                   'c:2:wait:/sbin/openrc default\n'
                   'd:2:once:/bin/touch /run/booted\n')


class Supervised(Machine):
    """Starts it again by itself; log lines go to a directory."""
    supervised = True
    codes = {'stopped': 1, 'reload stopped': 0, 'broken': 0}
    path1 = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'

    def prepare(self):
        shutil.rmtree(self.path('/var/log/wampd'), ignore_errors=True)

    def logged(self):
        try:
            with open(self.path('/var/log/wampd/current')) as f:
                return f.read()
        except FileNotFoundError:
            return ''


class Runit(Supervised):
    name = 'runit'
    tells_ready = False
    init = [Supervised.path1, '/usr/bin/runsvdir', '-P', '/etc/service']
    is_up = 'sv status wampd'
    verbs = {'start': 'sv -w 60 start wampd', 'stop': 'sv -w 30 stop wampd',
             'restart': 'sv -w 30 restart wampd', 'reload': 'sv hup wampd',
             'status': 'sv status wampd | grep ^run:',
             'boot': 'rm /etc/sv/wampd/down',
             # /etc/runit/3
             'off': 'sv -w 196 force-stop /etc/service/*'}

    def prepare(self):
        super().prepare()
        self.write('/etc/sv/wampd/down', '')
        # what /etc/service is there
        os.symlink('/etc/sv/wampd',
                   self.path('/etc/runit/runsvdir/default/wampd'))


class S6(Supervised):
    name = 's6'
    init = [Supervised.path1, '/usr/bin/s6-svscan', '/service']
    is_up = 's6-svstat /service/wampd'
    verbs = {'start': 's6-svc -wU -T 60000 -u /service/wampd',
             'stop': 's6-svc -wD -T 30000 -d /service/wampd',
             'restart': 's6-svc -wR -T 60000 -r /service/wampd',
             'reload': 's6-svc -h /service/wampd',
             'status': 'test "$(s6-svstat -o up,ready /service/wampd)" = '
                       '"true true"',
             'boot': 'rm /service/wampd/down',
             'off': 's6-svscanctl -t /service'}

    def prepare(self):
        super().prepare()
        shutil.copytree(self.path('/etc/s6/sv/wampd'),
                        self.path('/service/wampd'))
        self.write('/service/wampd/down', '')


# -- the checks -----------------------------------------------------------------------

def set_conf(m, text=''):
    m.write(CONF, m.conf + text)


def start(m):
    m.verb('start')
    if not m.tells_ready:
        wait_until(m.serves, 60, 'service')
    assert m.serves(), m.said()


def first_start(m):
    """stopped, started, serves when start returns"""
    m.verb('status', 'stopped')
    start(m)
    m.verb('status')


def start_again(m):
    """start of what runs changes nothing"""
    pid = m.parent()
    m.verb('start')
    assert m.parent() == pid and m.serves()


def reload(m):
    """reload: the same process, the new configuration"""
    pid = m.parent()
    set_conf(m, 'listen on socket "/run/wampd/more.sock"\n')
    m.verb('reload')
    wait_until(lambda: os.path.exists('/proc/%d/root/run/wampd/more.sock' %
                                      m.pid1), 30, 'the new listener')
    set_conf(m)
    m.verb('reload')
    wait_until(lambda: not os.path.exists(
        '/proc/%d/root/run/wampd/more.sock' % m.pid1), 30,
        'the end of the new listener')
    assert m.parent() == pid and m.serves()


def broken(m):
    """a configuration with an error: the old one goes on, and it is named"""
    pid = m.parent()
    set_conf(m, 'nonsense\n')
    if m.supervised:
        m.verb('reload')
        wait_until(lambda: 'configuration not reloaded' in m.logged(), 30,
                   'the refusal')
        assert 'wampd.conf:' in m.logged()
    else:
        for v in m.verbs:
            if v in ('reload', 'restart', 'force-reload', 'try-restart',
                     'configtest'):
                out = m.verb(v, 'broken')
                assert 'wampd.conf:' in out, (v, out)
    assert m.parent() == pid and m.serves()
    set_conf(m)


def restart(m):
    """restart: another process"""
    pid = m.parent()
    m.verb('restart')
    wait_until(lambda: m.parent() not in (None, pid), 30, 'another process')
    wait_until(m.serves, 30, 'service')


def child_killed(m):
    """a child that dies is replaced, and status does not change"""
    pid = m.parent()
    old = m.processes()['broker'][0]
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: m.processes().get('broker', [old])[0] != old, 30,
               'another broker')
    wait_until(m.serves, 30, 'service')
    m.verb('status')
    assert m.parent() == pid


def stop(m):
    """stop: nothing is left when it returns; stop again"""
    m.verb('stop')
    assert m.is_gone(), m.processes()
    for path in PIDFILE, SOCKET, CONTROL:
        assert not os.path.exists('/proc/%d/root%s' % (m.pid1, path)), path
    m.verb('status', 'stopped')
    m.verb('stop')
    m.verb('reload', 'reload stopped')
    m.verb('status', 'stopped')
    assert m.is_gone()


def broken_start(m):
    """start with an error in the configuration: said, and not started"""
    set_conf(m, 'nonsense\n')
    if m.supervised:
        before = m.logged().count('wampd.conf:')
        # both wait for a start in vain, or for as long as they are told
        m.sh(m.verbs['start'].replace('60', '3'))
        wait_until(lambda: m.logged().count('wampd.conf:') > before, 30,
                   'the refusal')
        set_conf(m)
        # once the error is gone it starts by itself
        wait_until(m.serves, 60, 'service')
        m.verb('stop')
    else:
        out = m.verb('start', 'broken')
        assert 'wampd.conf:' in out, out
        set_conf(m)
    assert m.is_gone()
    m.verb('status', 'stopped')


def crashed(m):
    """kill -9 of the parent: started again, by the supervisor or by hand"""
    start(m)
    pid = m.parent()
    os.kill(pid, signal.SIGKILL)
    if m.supervised:
        wait_until(lambda: m.parent() not in (None, pid), 30,
                   'another process')
        wait_until(m.serves, 30, 'service')
        m.verb('stop')
        assert m.is_gone()
        return
    m.gone()
    m.verb('status', 'crashed')
    for path in PIDFILE, SOCKET, CONTROL:
        assert os.path.exists('/proc/%d/root%s' % (m.pid1, path)), path
    m.verb(m.after_crash)
    assert m.serves(), m.said()
    m.verb('status')
    # and stop after it
    os.kill(m.parent(), signal.SIGKILL)
    m.gone()
    m.verb('stop')
    m.verb('status', 'stopped')
    start(m)
    m.verb('stop')
    assert m.is_gone()


def at_boot(m):
    """it is there after a boot, and ends properly with its runlevel"""
    m.verb('boot')
    m.end()
    m.start()
    wait_until(m.serves, 30, 'service')
    m.verb('status')
    if m.supervised:
        before = m.logged().count('wampd: stopped')
        # this shell may not live to tell how it went
        m.sh(m.verbs['off'])
        wait_until(lambda: m.logged().count('wampd: stopped') == before + 1,
                   30, 'a proper end')
        return
    m.verb('off')
    m.gone()
    m.verb('on')
    wait_until(m.serves, 30, 'service')


CHECKS = [first_start, start_again, reload, broken, restart, child_killed,
          stop, broken_start, crashed, at_boot]


def check_all(kind, tree):
    m = kind(tree)
    try:
        with open(m.path(CONF)) as f:
            m.conf = f.read()
        for fn in CHECKS:
            run_case(lambda: fn(m), kind.name + ': ', fn.__doc__)
    finally:
        m.end()


def main():
    run_case(syntax)
    if not LONG:
        done()
    for why, is_so in (('needs root', not IS_ROOT),
                       ('sanitizers need other libraries', SAN),
                       ('no mmdebstrap', not shutil.which('mmdebstrap'))):
        if is_so:
            skip('init systems', why)
            done()
    d = tmpdir()
    make_trees(d)
    install(d + '/sysv', 'sysv runit s6')
    install(d + '/openrc', 'openrc')
    for kind in Sysv, Runit, S6, Openrc:
        check_all(kind, d + ('/openrc' if kind is Openrc else '/sysv'))
    done()


main()
