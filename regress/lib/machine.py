# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A Debian of its own in a directory, and as a machine: its own processes
# under the real init of sysvinit, its own network without a way out.  Needs
# root.

import os
import shutil
import signal
import subprocess

from daemon import wait_until
from disttree import clean_env, run

# init does what it is told here and nothing that a real machine needs
INITTAB = '''id:2:initdefault:
l2:2:wait:/etc/init.d/rc 2
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
        return run('chroot', self.root, *cmd, env=self.env(), **kw)

    def boot(self):
        self.proc = subprocess.Popen(
            ['unshare', '--pid', '--mount', '--net', '--uts', '--ipc',
             '--fork', '--kill-child', 'chroot', self.root, '/bin/sh', '-c',
             'mount -t proc proc /proc && mount -t tmpfs -o mode=755 tmpfs /run &&'
             ' mkdir -p /run/lock && hostname router.example &&'
             ' ip link set lo up && exec /sbin/init'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=self.env())
        children = '/proc/%d/task/%d/children' % (self.proc.pid,
                                                  self.proc.pid)

        def init():
            with open(children) as f:
                pid = f.read().strip()
            if not pid:
                return None
            with open('/proc/%s/comm' % pid) as f:
                return pid if f.read().strip() == 'init' else None
        self.pid = wait_until(init, 60, 'init')
        # it has entered the runlevel when what that starts was waited for
        wait_until(lambda: self.run('pgrep', '-x', 'rc', status=None) == '' and
                   self.run('runlevel', status=None), 60, 'the runlevel')

    def run(self, *cmd, **kw):
        """In the running machine."""
        return run('nsenter', '-t', self.pid, '-m', '-p', '-n', '-u', '-i',
                   '-r', '-w', *cmd, env=self.env(), **kw)

    def popen(self, *cmd, **kw):
        return subprocess.Popen(
            ('nsenter', '-t', self.pid, '-m', '-p', '-n', '-u', '-i', '-r',
             '-w') + cmd, env=self.env(), stdin=subprocess.DEVNULL,
            text=True, **kw)

    def off(self):
        """As by a power cut."""
        if self.proc is not None:
            if self.pid is not None:
                os.kill(int(self.pid), signal.SIGKILL)
            else:
                self.proc.kill()
            self.proc.wait()
        self.proc = self.pid = None

    def files(self, without=()):
        """All names in it."""
        found = set()
        for d, dirs, names in os.walk(self.root):
            at = d[len(self.root):]
            dirs[:] = [x for x in dirs if at + '/' + x not in without]
            found.update(at + '/' + x for x in dirs + names)
        return found
