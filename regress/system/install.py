# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# make install into a directory of its own: works from there, as root with
# the init script and as an ordinary user.

import json
import os
import pwd
import re
import shutil
import subprocess

from daemon import (IS_ROOT, TOP, Skip, ensure_users, run_cases,
                    test_user, tmpdir, wait_until)

ROOT = tmpdir()


def paths(prefix):
    return ['PREFIX=' + prefix, 'SYSCONFDIR=' + prefix + '/etc',
            'RUNDIR=' + prefix + '/run']


def install(prefix, *more, target=('install',), status=0):
    """What is installed does not depend on how the suite itself is built."""
    env = {k: v for k, v in os.environ.items()
           if k not in ('SAN', 'B', 'MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')}
    p = subprocess.run(
        ['make', '-s', '-j2', '-C', TOP, 'B=' + ROOT + '/build', 'OPT=-O0',
         'SAN=', *target] + paths(prefix) + list(more), env=env,
        capture_output=True, text=True)
    assert p.returncode == status, p.stdout + p.stderr
    return p.stdout + p.stderr


def run(*cmd, status=0, **kw):
    p = subprocess.run(list(cmd), capture_output=True, text=True, timeout=120,
                       stdin=subprocess.DEVNULL, **kw)
    assert status is None or p.returncode == status, (
        cmd, p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


def talk(prefix, **kw):
    """An event from one wampc to another, with no option at all."""
    sub = subprocess.Popen(
        [prefix + '/bin/wampc', 'subscribe', '-n', '1', 'com.example.t'],
        stdout=subprocess.PIPE, text=True, **kw)
    try:
        def heard():
            subprocess.run([prefix + '/bin/wampc', 'publish',
                            'com.example.t', '7'], timeout=30, **kw)
            return sub.poll() is not None
        wait_until(heard, 20, 'an event')
        assert json.loads(sub.stdout.readline())['args'] == [7]
    finally:
        sub.kill()


def tree():
    """programs, pages, configuration and init script are where they belong"""
    ensure_users()
    prefix = ROOT + '/inst'
    install(prefix)
    for name in ('sbin/wampd', 'sbin/wampctl', 'bin/wampc',
                 'libexec/wampd/keeper', 'libexec/wampd/tlsproxy',
                 'libexec/wampd/broker', 'libexec/wampd/metrics',
                 'etc/wampd.conf',
                 'etc/init.d/wampd', 'share/man/man8/wampd.8',
                 'share/man/man8/wampctl.8',
                 'share/bash-completion/completions/wampc',
                 'share/bash-completion/completions/wampctl', 'etc/wampd/tls'):
        assert os.path.exists(prefix + '/' + name), name
    assert os.stat(prefix + '/etc/wampd/tls').st_mode & 0o777 == 0o700
    with open(prefix + '/etc/wampd.conf') as f:
        assert prefix + '/run/wampd/wampd.sock' in f.read()
    with open(prefix + '/etc/init.d/wampd') as f:
        text = f.read()
    assert '@' not in text.replace('"$@"', ''), text
    assert 'DAEMON=%s/sbin/wampd\n' % prefix in text
    # what was changed is kept
    with open(prefix + '/etc/wampd.conf', 'a') as f:
        f.write('# changed\n')
    out = install(prefix)
    assert 'wampd.conf kept' in out, out
    with open(prefix + '/etc/wampd.conf') as f:
        assert f.read().endswith('# changed\n')
    assert os.path.exists(prefix + '/etc/wampd.conf.new')


# what starts it, below SYSCONFDIR or PREFIX, and its mode
INIT = {
    'sysv': {'etc/init.d/wampd': 0o755},
    'systemd': {'lib/systemd/system/wampd.service': 0o644,
                'lib/sysusers.d/wampd.conf': 0o644,
                'lib/tmpfiles.d/wampd.conf': 0o644},
    'openrc': {'etc/init.d/wampd': 0o755},
    'runit': {'etc/sv/wampd/run': 0o755, 'etc/sv/wampd/log/run': 0o755},
    's6': {'etc/s6/sv/wampd/run': 0o755, 'etc/s6/sv/wampd/type': 0o644,
           'etc/s6/sv/wampd/notification-fd': 0o644,
           'etc/s6/sv/wampd/timeout-kill': 0o644,
           'etc/s6/sv/wampd/log/run': 0o755},
    'openbsd': {'etc/rc.d/wampd': 0o555},
    'freebsd': {'etc/rc.d/wampd': 0o555},
}


def files_below(d):
    return {os.path.join(where, f) for where, _, names in os.walk(d)
            for f in names}


def init_files():
    """INIT: each word brings its files, uninstall takes them away"""
    for word, files in INIT.items():
        d = ROOT + '/init.' + word
        at = ['DESTDIR=' + d, 'INIT=' + word]
        install('/opt/w', *at, target=('install-init',))
        at_place = {d + '/opt/w/' + f for f in files}
        assert files_below(d) == at_place, (word, files_below(d))
        for f, mode in files.items():
            f = d + '/opt/w/' + f
            assert os.stat(f).st_mode & 0o777 == mode, f
            with open(f) as text:
                for line in text:
                    assert not re.search('@[A-Z]+@|' + d, line), (f, line)
        install('/opt/w', *at, target=('uninstall',))
        assert files_below(d) == set(), word
        assert not [w for w, _, _ in os.walk(d) if w.endswith('/wampd')], word
    d = ROOT + '/init.none'
    install('/opt/w', 'DESTDIR=' + d, 'INIT=', target=('install-init',))
    assert not os.path.exists(d)
    out = install('/opt/w', 'DESTDIR=' + d, 'INIT=upstart',
                  target=('install-init',), status=2)
    assert 'INIT=upstart: none of: sysv systemd' in out, out


def destdir():
    """DESTDIR: a tree to be packaged, without users of this machine"""
    d = ROOT + '/dest'
    prefix = ROOT + '/user'
    install(prefix, 'DESTDIR=' + d)
    assert os.path.exists(d + prefix + '/sbin/wampd')
    assert os.path.isdir(d + '/var/empty/wampd')
    with open(d + prefix + '/etc/init.d/wampd') as f:
        assert d not in f.read()
    assert not os.path.exists(prefix)
    install(prefix, 'DESTDIR=' + d, 'uninstall', target=())
    for sub in ('sbin', 'bin', 'share/man/man1', 'share/man/man8'):
        assert os.listdir(d + prefix + '/' + sub) == [], sub
    left = [os.path.join(at, x) for at, _, names in os.walk(d) for x in names]
    assert left == [d + prefix + '/etc/wampd.conf'], left


def init_script():
    """the init script's verbs and exit statuses"""
    if not IS_ROOT:
        raise Skip('needs root')
    if not os.path.exists('/lib/lsb/init-functions'):
        raise Skip('no /lib/lsb/init-functions')
    prefix = ROOT + '/inst'
    install(prefix)
    init = prefix + '/etc/init.d/wampd'
    pidfile = prefix + '/run/wampd.pid'
    conf = prefix + '/etc/wampd.conf'

    def pid():
        with open(pidfile) as f:
            return int(f.read())

    def verb(v, status=0):
        return run(init, v, status=status)
    try:
        verb('status', 3)
        verb('reload', 7)
        verb('stop')
        verb('try-restart')
        verb('status', 3)
        verb('start')
        first = pid()
        verb('start')
        assert pid() == first
        verb('status')
        talk(prefix)
        verb('reload')
        verb('force-reload')
        assert pid() == first
        verb('restart')
        second = pid()
        assert second != first
        verb('try-restart')
        third = pid()
        assert third != second
        talk(prefix)
        # a broken configuration stops nothing
        shutil.copy(conf, conf + '.good')
        with open(conf, 'a') as f:
            f.write('nonsense\n')
        for v in ('reload', 'force-reload', 'restart', 'try-restart',
                  'configtest'):
            out = verb(v, 1)
            assert 'wampd.conf:' in out, (v, out)
        assert pid() == third
        verb('status')
        os.rename(conf + '.good', conf)
        verb('configtest')
        verb('stop')
        assert not os.path.exists(pidfile)
        # a stale pidfile that names another process
        with open(pidfile, 'w') as f:
            f.write('%d\n' % os.getpid())
        verb('stop')
        verb('start')
        verb('stop')
        os.rename(conf, conf + '.gone')
        verb('start', 6)
        os.rename(conf + '.gone', conf)
        verb('bogus', 2)
    finally:
        subprocess.run([init, 'stop'], capture_output=True)


def ordinary_user():
    """installed by an ordinary user it works for that user"""
    user = test_user() if IS_ROOT else None
    if IS_ROOT and user is None:
        raise Skip('no ordinary user')
    prefix = ROOT + '/user'
    kw = {}
    install(prefix)
    if user is not None:
        pw = pwd.getpwnam(user)
        run('chown', '-R', '%d:%d' % (pw.pw_uid, pw.pw_gid), prefix)
        kw = {'user': pw.pw_uid, 'group': pw.pw_gid, 'extra_groups': []}
    out = run(prefix + '/sbin/wampd', '-p', prefix + '/run/wampd.pid', **kw)
    with open(prefix + '/run/wampd.pid') as f:
        pid = int(f.read())
    try:
        assert os.stat('/proc/%d' % pid) is not None, out
        talk(prefix, **kw)
    finally:
        os.kill(pid, 15)
        wait_until(lambda: not os.path.exists(prefix + '/run/wampd.pid'), 20,
                   'the end')


run_cases([tree, init_script, init_files, destdir, ordinary_user])
