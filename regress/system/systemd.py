# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What systemd is given: the unit, held against systemd's own tools and run
# with the same restrictions (systemd itself does not run here), the users
# and the directories.

import os
import re
import shutil
import signal
import subprocess
import sys

import unitfile
from daemon import (B, EMPTYDIR, IS_ROOT, SAN, TOP, USERS, Skip, Wampd,
                    free_port, is_alive, run_cases, tmpdir, wait_until)
from wampclient import Client

UNIT = tmpdir() + '/wampd.service'


def fill(name, path, **more):
    """A file of etc/ as make install writes it."""
    places = {'SBINDIR': B + '/sbin', 'SYSCONFDIR': '/etc', 'RUNDIR': '/run',
              'EMPTYDIR': EMPTYDIR}
    places.update(more)
    with open(TOP + '/etc/' + name) as f:
        text = f.read()
    for k, v in places.items():
        text = text.replace('@%s@' % k, v)
    assert '@' not in re.sub(r'@[a-z]', '', text), text
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)


def tool(name, *args, status=0):
    if shutil.which(name) is None:
        raise Skip('no ' + name)
    p = subprocess.run([name, *args], capture_output=True, text=True,
                       env=dict(os.environ, SYSTEMD_COLORS='0'))
    assert p.returncode == status, (p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


def verify():
    """systemd-analyze verify has nothing to say"""
    out = tool('systemd-analyze', 'verify', '--man=no', UNIT)
    # of units that are installed here
    ours = [ln for ln in out.split('\n') if 'wampd' in ln]
    assert ours == [], out


def exposure():
    """systemd-analyze security: exposed by 3.0 at most"""
    out = tool('systemd-analyze', 'security', '--offline=true', '--no-pager',
               UNIT)
    level = float(re.search(r'Overall exposure level.*: (\d+\.\d)',
                            out).group(1))
    assert level <= 3.0, out


def capabilities():
    """the unit leaves the capabilities that wampd keeps, and no others"""
    if not IS_ROOT:
        raise Skip('needs root')
    with Wampd(CONF % free_port()) as w:
        with open('/proc/%d/status' % w.pid) as f:
            text = f.read()
    for kind in ('CapBnd', 'CapPrm', 'CapEff'):
        kept = int(re.search(r'%s:\s+(\w+)' % kind, text).group(1), 16)
        want = unitfile.capabilities(unitfile.read(UNIT))
        assert kept == want, '%s %x, unit %x' % (kind, kept, want)


CONF = '''
prefork 1
listen on 127.0.0.1 port %d
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''


class Unit(Wampd):
    """wampd with the restrictions of the unit; it may write to one
    directory."""

    def __init__(self, conf, writable):
        self.writable = writable
        super().__init__(conf)

    def command(self):
        return [sys.executable, unitfile.__file__, UNIT,
                self.writable] + super().command()


def may_restrict():
    if not IS_ROOT:
        raise Skip('needs root')
    if SAN:
        raise Skip('sanitizers need more')
    if shutil.which('systemd-analyze') is None:
        raise Skip('no systemd-analyze')
    if subprocess.run(['unshare', '-m', 'true'],
                      capture_output=True).returncode != 0:
        raise Skip('no mount namespaces here')


def ns(pid, kind):
    return os.readlink('/proc/%s/ns/%s' % (pid, kind))


def restricted():
    """it runs, reloads, starts children again and is upgraded with the unit's
    restrictions"""
    may_restrict()
    d = tmpdir()
    path = d + '/s'
    port = free_port()

    def conf(more, mode):
        return (CONF % port + 'listen on socket "%s" mode %s %s\n' % (
            path, mode, more))
    w = Unit(conf('owner "daemon"', '0600'), d)
    with w:
        with open('/proc/%d/status' % w.pid) as f:
            text = f.read()
        assert 'Seccomp:\t2\n' in text and 'NoNewPrivs:\t1\n' in text, text
        assert 'sandbox: capab' not in w.log(), w.log()
        Client(('127.0.0.1', port)).close()
        Client(path).close()
        for name, pid in w.children().items():
            for kind in ('net', 'ipc', 'mnt'):
                assert ns(pid, kind) != ns(w.pid, kind), (name, kind)
        assert (os.stat(path).st_mode & 0o777, os.stat(path).st_uid) == (
            0o600, 1)
        # a mode that only its owner may give it
        assert w.reload(conf('owner "daemon"', '0660'))
        assert (os.stat(path).st_mode & 0o777, os.stat(path).st_uid) == (
            0o660, 1)
        # children are started under the same restrictions
        old = w.child('keeper')
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: w.children().get('keeper', old) != old, 30,
                   'another keeper')
        assert w.reload(conf('owner "daemon"', '0600'))
        Client(('127.0.0.1', port)).close()
        w.proc.send_signal(signal.SIGUSR2)
        w.wait_log('upgrade: the old processes are gone', 60)
        assert 'upgraded: this is wampd' in w.log(), w.log()
        Client(('127.0.0.1', port)).close()
        Client(path).close()
        assert w.reload(conf('owner "daemon"', '0660'))
        assert w.reload(conf('owner "daemon"', '0600'))
        kids = w.children().values()
        w.kill()
        wait_until(lambda: not any(is_alive(p) for p in kids), 30,
                   'the children to end')
        w.proc = None
        # the socket that stays behind belongs to somebody else
        assert os.stat(path).st_uid == 1
        with Unit(conf('owner "daemon"', '0606'), d):
            assert (os.stat(path).st_mode & 0o777, os.stat(path).st_uid) == (
                0o606, 1)
            Client(path).close()


def users():
    """systemd-sysusers makes the users, with no shell"""
    if not IS_ROOT:
        raise Skip('needs root')
    root = tmpdir()
    fill('sysusers.d/wampd.conf', root + '/usr/lib/sysusers.d/wampd.conf')
    os.mkdir(root + '/etc')
    for _ in range(2):
        tool('systemd-sysusers', '--root=' + root)
    with open(root + '/etc/passwd') as f:
        found = [ln.strip().split(':') for ln in f if ln.startswith('_')]
    assert sorted(u[0] for u in found) == sorted(USERS), found
    assert all(u[5] == EMPTYDIR and u[6] == '/usr/sbin/nologin' and
               int(u[2]) > 0 for u in found), found


def directories():
    """systemd-tmpfiles makes the directories"""
    if not IS_ROOT:
        raise Skip('needs root')
    root = tmpdir()
    fill('tmpfiles.d/wampd.conf', root + '/usr/lib/tmpfiles.d/wampd.conf')
    os.mkdir(root + '/etc')
    for name in ('passwd', 'group'):
        with open('%s/etc/%s' % (root, name), 'w') as f:
            f.write('root:x:0:0:root:/root:/bin/sh\n' if name == 'passwd'
                    else 'root:x:0:\n')
    for _ in range(2):
        tool('systemd-tmpfiles', '--create', '--root=' + root)
    for d in (root + '/run/wampd', root + EMPTYDIR):
        st = os.stat(d)
        assert (st.st_uid, st.st_mode & 0o7777) == (0, 0o755), d
        assert os.listdir(d) == []


fill('systemd/wampd.service', UNIT)
run_cases([verify, exposure, capabilities, restricted, users, directories])
