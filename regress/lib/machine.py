# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A Debian of its own in a directory, and as a machine: its own processes
# under the real init of sysvinit or under systemd, its own network without a
# way out.  Needs root.

import os
import shutil
import signal
import subprocess

from daemon import Skip, wait_until
from disttree import clean_env, run

# init does what it is told here and nothing that a real machine needs
INITTAB = '''id:2:initdefault:
l2:2:wait:/etc/init.d/rc 2
'''
# the mounts that systemd finds in a container
MOUNTS = '''set -e
mount --make-rprivate /
mount --bind . .
cd "$PWD"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
if [ "$1" = unified ]; then
	mount -t cgroup2 cgroup2 sys/fs/cgroup
else
	mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
	mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
	mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
	mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
fi
hostname router.example
ip link set lo up
exec env container=lxc chroot . /lib/systemd/systemd
'''
PATH = '/usr/sbin:/usr/bin:/sbin:/bin'


def mirror():
    """Where this machine gets its Debian 12."""
    out = run('apt-get', 'indextargets', '--format',
              '$(CODENAME) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages')
    for line in out.splitlines():
        codename, component, uri = line.split()[:3]
        if (codename, component) == ('bookworm', 'main'):
            return uri
    return 'http://deb.debian.org/debian'


class Machine:
    def __init__(self, root):
        self.root = root
        self.proc = None
        self.pid = None
        self.cgroups = []

    def make(self, *packages):
        """Begin to make it: finish() waits for that."""
        self.log = open(self.root + '.log', 'w')
        self.proc = subprocess.Popen(
            ['mmdebstrap', '--mode=root', '--variant=apt', '--include=' +
             ','.join(('sysvinit-core', 'mount') + packages), 'bookworm',
             self.root, mirror()], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, env=clean_env())

    def finish(self):
        status = self.proc.wait(600)
        self.proc = None
        self.log.close()
        with open(self.root + '.log') as f:
            assert status == 0, f.read()
        with open(self.root + '/etc/inittab', 'w') as f:
            f.write(INITTAB)
        with open(self.root + '/etc/hosts', 'w') as f:
            f.write('127.0.0.1 localhost\n')
        shutil.copy('/etc/resolv.conf', self.root + '/etc/resolv.conf')

    def env(self):
        return {'PATH': PATH, 'LC_ALL': 'C.UTF-8',
                'DEBIAN_FRONTEND': 'noninteractive'}

    def outside(self, *cmd, **kw):
        """In its directory, with this machine's network."""
        proxies = {k: v for k, v in os.environ.items()
                   if k.lower().endswith('_proxy')}
        return run('chroot', self.root, *cmd,
                   env=dict(self.env(), **proxies), **kw)

    def boot(self):
        self.proc = subprocess.Popen(
            ['unshare', '--pid', '--mount', '--net', '--uts', '--ipc',
             '--fork', '--kill-child', 'chroot', self.root, '/bin/sh', '-c',
             'mount -t proc proc /proc &&'
             ' mount -t tmpfs -o mode=755 tmpfs /run &&'
             ' mkdir -p /run/lock && hostname router.example &&'
             ' ip link set lo up && exec /sbin/init'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=self.env())
        self.find_init('init')
        # it has entered the runlevel when what that starts was waited for
        wait_until(lambda: self.run('pgrep', '-x', 'rc', status=None) == '' and
                   self.run('runlevel', status=None), 60, 'the runlevel')

    def find_init(self, name):
        children = '/proc/%d/task/%d/children' % (self.proc.pid,
                                                  self.proc.pid)

        def init():
            with open(children) as f:
                pid = f.read().strip()
            if not pid:
                return None
            with open('/proc/%s/comm' % pid) as f:
                return pid if f.read().strip() == name else None
        self.pid = wait_until(init, 60, name)

    def boot_systemd(self):
        """In control groups of its own, as in a container."""
        with open('/proc/mounts') as f:
            mounts = [x.split()[1:4] for x in f]
        top = {kind: at for at, kind, opts in mounts if kind == 'cgroup2' or
               (kind == 'cgroup' and 'name=systemd' in opts.split(','))}
        if 'cgroup2' not in top:
            raise Skip('no control groups')
        layout = 'unified' if top['cgroup2'] == '/sys/fs/cgroup' else 'hybrid'
        self.cgroups = ['%s/wampd-test-%d' % (x, os.getpid())
                        for x in top.values()]
        try:
            for d in self.cgroups:
                os.mkdir(d)
        except OSError as e:
            raise Skip('no control groups of our own: %s' % e)
        self.proc = subprocess.Popen(
            ['/bin/sh', '-c', 'for d; do echo $$ >$d/cgroup.procs; done;'
             ' exec unshare --pid --mount --net --uts --ipc --cgroup --fork'
             ' --kill-child /bin/sh -c "$MOUNTS" sh ' + layout, 'sh'] +
            self.cgroups, cwd=self.root, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(self.env(), MOUNTS=MOUNTS))
        self.find_init('systemd')
        wait_until(lambda: self.run('systemctl', 'is-system-running',
                                    status=None).strip() in
                   ('running', 'degraded'), 120, 'systemd')

    def enter(self):
        return ('nsenter', '-t', self.pid, '-m', '-p', '-n', '-u', '-i', '-C',
                '-r', '-w')

    def run(self, *cmd, **kw):
        """In the running machine."""
        return run(*self.enter(), *cmd, env=self.env(), **kw)

    def popen(self, *cmd, **kw):
        return subprocess.Popen(self.enter() + cmd, env=self.env(),
                                stdin=subprocess.DEVNULL, text=True, **kw)

    def off(self):
        """As by a power cut."""
        if self.proc is not None:
            if self.pid is not None:
                os.kill(int(self.pid), signal.SIGKILL)
            else:
                self.proc.kill()
            self.proc.wait()
        self.proc = self.pid = None
        for top in self.cgroups:
            for d, _, _ in os.walk(top, topdown=False):
                wait_until(lambda: self.is_empty(d), 60, d)
        self.cgroups = []

    @staticmethod
    def is_empty(d):
        try:
            os.rmdir(d)
        except OSError:
            return False
        return True

    def files(self, without=()):
        """All names in it."""
        found = set()
        for d, dirs, names in os.walk(self.root):
            at = d[len(self.root):]
            dirs[:] = [x for x in dirs if at + '/' + x not in without]
            found.update(at + '/' + x for x in dirs + names)
        return found
