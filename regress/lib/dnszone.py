# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Zones of our own, signed by ldnsutils and served on the loopback interface
# by nsd, and a place where their names are those of this machine.

import copy
import os
import shutil
import socket
import struct
import subprocess

from daemon import IS_ROOT, Skip, free_port, tmpdir, wait_until
from wampcrun import SLOW, WAMPC, finish

TOOLS = ('nsd', 'ldns-keygen', 'ldns-signzone', 'unshare')
ROOT_KEY = '/usr/share/dns/root.key'
PATH = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'


def need_tools():
    for t in TOOLS:
        if shutil.which(t, path=PATH) is None:
            raise Skip('no ' + t)
    if not Hosts(()).works():
        raise Skip('no mount namespace for a hosts file of our own')


class Hosts:
    """/etc/hosts in which these names are 127.0.0.1, a resolv.conf and keys
    of the root, for one program alone."""

    def __init__(self, names, nameserver='127.0.0.1', anchors=None):
        self.dir = tmpdir()
        with open(os.path.join(self.dir, 'hosts'), 'w') as f:
            f.write('127.0.0.1 localhost %s\n' % ' '.join(names))
        with open(os.path.join(self.dir, 'resolv.conf'), 'w') as f:
            f.write('nameserver %s\n' % nameserver)
        self.mount = ('cd %s && mount --bind hosts /etc/hosts && '
                      'mount --bind resolv.conf /etc/resolv.conf' % self.dir)
        if anchors is not None:
            self.mount += ' && mount --bind %s %s' % (anchors, ROOT_KEY)

    def command(self, *args):
        return ['unshare', '-m' if IS_ROOT else '-rm', 'sh', '-c',
                self.mount + ' && exec "$@"', 'sh'] + list(args)

    def works(self):
        return subprocess.run(self.command('true'),
                              stderr=subprocess.DEVNULL).returncode == 0

    def start(self, *args):
        return subprocess.Popen(
            self.command(WAMPC, *args), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wampc(self, *args):
        return finish(self.start(*args))


class Zones:
    """nsd with zones that are signed, or not, or no longer."""

    address = '127.0.0.1'
    port = None

    def __init__(self):
        self.dir = tmpdir()
        self.zones = {}
        self.anchors = os.path.join(self.dir, 'anchors')
        open(self.anchors, 'w').close()

    def path(self, name):
        return os.path.join(self.dir, name)

    def tool(self, *args):
        p = subprocess.run(args, cwd=self.dir, capture_output=True,
                           text=True, env=dict(os.environ, PATH=PATH))
        assert p.returncode == 0, (args, p.stderr)
        return p.stdout.strip()

    def add(self, zone, lines, signed=True, dates=(), change=None):
        """lines: of the zone; dates: of signatures; change: (old, new) in
        the signed file."""
        with open(self.path(zone), 'w') as f:
            f.write('$ORIGIN %s.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 '
                    '86400 60\n@ NS ns\nns A 127.0.0.1\n' % zone)
            f.write(''.join(line + '\n' for line in lines))
        self.zones[zone] = zone
        if not signed:
            return
        keys = [self.tool('ldns-keygen', '-a', 'ECDSAP256SHA256', *ksk, zone)
                for ksk in (['-k'], [])]
        with open(self.path(keys[0] + '.key')) as f, \
                open(self.anchors, 'a') as g:
            g.write(f.read())
        self.tool('ldns-signzone', *dates, zone, *keys)
        self.zones[zone] = zone + '.signed'
        if change is not None:
            with open(self.path(zone + '.signed')) as f:
                text = f.read()
            assert text.count(change[0]) == 1, text
            with open(self.path(zone + '.signed'), 'w') as f:
                f.write(text.replace(*change))

    def at(self, address, port):
        """The same, served elsewhere."""
        z = copy.copy(self)
        z.address, z.port = address, port
        return z

    def __enter__(self):
        self.port = self.port or free_port()
        conf = ('server:\n ip-address: %s@%d\n username: ""\n'
                ' chroot: ""\n zonesdir: "%s"\n database: ""\n'
                ' pidfile: ""\n logfile: "%s"\n xfrdfile: "%s"\n'
                ' xfrdir: "%s"\n zonelistfile: "%s"\n server-count: 1\n'
                'remote-control:\n control-enable: no\n' % (
                    self.address, self.port, self.dir, self.path('log'),
                    self.path('xfrd'), self.dir, self.path('list')))
        for zone, file in self.zones.items():
            conf += 'zone:\n name: "%s"\n zonefile: "%s"\n' % (zone, file)
        with open(self.path('nsd.conf'), 'w') as f:
            f.write(conf)
        self.proc = subprocess.Popen(
            [shutil.which('nsd', path=PATH), '-d', '-c',
             self.path('nsd.conf')], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(self.answers, 20 * SLOW, 'nsd')
        except BaseException:
            self.__exit__()
            raise
        return self

    def answers(self):
        """Does it answer with data about the last zone?"""
        if self.proc.poll() is not None:
            with open(self.path('log')) as f:
                raise AssertionError('nsd: ' + f.read())
        labels = list(self.zones)[-1].encode().split(b'.')
        q = struct.pack('>6H', 7, 0, 1, 0, 0, 0) + b''.join(
            bytes([len(x)]) + x for x in labels) + b'\0\0\x06\0\x01'
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(0.5)
        try:
            s.sendto(q, (self.address, self.port))
            a = s.recv(4096)
        except OSError:
            return False
        finally:
            s.close()
        return len(a) > 12 and a[3] & 15 == 0 and a[6:8] != b'\0\0'

    def __exit__(self, *exc):
        self.proc.terminate()
        try:
            self.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()

    def resolver(self):
        return '%s@%d' % (self.address, self.port)
