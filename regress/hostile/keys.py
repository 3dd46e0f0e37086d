# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The bytes of the private keys are in the keeper's memory and in nobody
# else's: not in the parent's, which opens their files, not in a tlsproxy's,
# which serves the handshakes they sign, not in a broker's.  Root reads all
# of each process's memory and looks for each key's secret numbers, in both
# orders of octets (the reverse is how OpenSSL holds a number), and its text.

import base64
import os
import signal
import socket
import ssl
import subprocess
import time

from daemon import (IS_ROOT, SAN, Skip, Wampd, free_port, make_cert,
                    run_cases, tmpdir, wait_until)
from memory import find
from wampclient import Client

PIECE = 16		# octets of a number that are looked for together

CONF = '''prefork 2
brokers 2
keypair "rsa" { certificate "%s" key "%s" }
keypair "ec" { certificate "%s" key "%s" }
listen on 127.0.0.1 port %d tls { keypair "rsa" }
listen on 127.0.0.1 port %d tls { keypair "ec" }
listen on socket "%s" mode 0666
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''


# -- what is secret ----------------------------------------------------------

def der_items(data):
    """The values of the elements of a DER sequence."""
    def head(at):
        n = data[at + 1]
        if n < 128:
            return at + 2, n
        k = n & 127
        return at + 2 + k, int.from_bytes(data[at + 2:at + 2 + k], 'big')
    at, n = head(0)
    end, out = at + n, []
    while at < end:
        begin, n = head(at)
        out.append(data[begin:begin + n])
        at = begin + n
    return out


def secrets(key):
    """{name: octets} that only the keeper may hold."""
    der = subprocess.run(['openssl', 'pkey', '-in', key, '-traditional',
                          '-outform', 'DER'], check=True,
                         capture_output=True).stdout
    items = [i.lstrip(b'\0') for i in der_items(der)]
    if len(items) >= 9:
        numbers = dict(zip(('d', 'p', 'q', 'dp', 'dq', 'qinv'), items[3:9]))
    else:
        numbers = {'scalar': items[1]}
    found = {}
    for name, n in numbers.items():
        # a piece of either end, in case the rest was overwritten
        for where, piece in (('high', n[:PIECE]), ('low', n[-PIECE:])):
            assert len(piece) == PIECE, (name, len(n))
            found['%s, %s end' % (name, where)] = piece
            found['%s, %s end reversed' % (name, where)] = piece[::-1]
    text = [line for line in open(key).read().split('\n')
            if line and not line.startswith('-')]
    # not the first line, the same in every key of its kind, nor those that
    # hold what the certificate holds as well
    public = items[1] if len(items) >= 9 else b''
    for i, line in enumerate(text[1:-1]):
        if base64.b64decode(line)[8:24] not in public:
            found['line %d of its text' % (i + 2)] = line.encode()
    return found


# -- the cases ---------------------------------------------------------------

def handshake(port, kind):
    """One with a certificate of that kind."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    ctx.set_ciphers({'rsa': 'ECDHE-RSA-AES128-GCM-SHA256',
                     'ec': 'ECDHE-ECDSA-AES128-GCM-SHA256'}[kind])
    with socket.create_connection(('127.0.0.1', port), 10) as s:
        s.settimeout(10)
        with ctx.wrap_socket(s, server_hostname=kind) as t:
            return t.cipher()


class Daemon(Wampd):
    def __init__(self, quick=False):
        if not IS_ROOT:
            raise Skip('only root may read the memory of the processes')
        if SAN and not quick:
            raise Skip('takes minutes under sanitizers')
        self.d = tmpdir()
        self.ports = {'rsa': free_port(), 'ec': free_port()}
        self.sock = self.d + '/s'
        self.files = {}
        for kind in ('rsa', 'ec'):
            self.files[kind] = make_cert(self.d, kind, kind)
        self.learn()
        super().__init__(self.conf())

    def conf(self, **other):
        files = dict(self.files, **other)
        return CONF % (files['rsa'] + files['ec'] + (
            self.ports['rsa'], self.ports['ec'], self.sock))

    def learn(self):
        self.secrets = {kind: secrets(key)
                        for kind, (_, key) in self.files.items()}

    def renew(self):
        new = tmpdir()
        for kind, (crt, key) in self.files.items():
            c, k = make_cert(new, kind, kind)
            os.rename(c, crt)
            os.rename(k, key)
        self.learn()

    def handshakes(self):
        def works():
            try:
                return [handshake(self.ports[k], k) for k in self.files]
            except OSError:
                return None
        for _ in range(6):
            wait_until(works, 20, 'handshakes')

    def check(self, secrets=None):
        """In the keeper, and nowhere else."""
        secrets = secrets or self.secrets
        everybody = dict(self.children(), parent=self.pid)
        assert len(everybody) == 7, everybody
        for kind, wanted in secrets.items():
            for name, pid in everybody.items():
                there = find(pid, wanted)
                if name != 'keeper':
                    assert not there, '%s key in %s: %s' % (kind, name,
                                                            there)
                else:
                    # else the search itself is broken
                    assert any('reversed' in n for n in there), (kind, there)

    def check_wiped(self, wanted):
        """Nowhere.  In the keeper its number as it is used, and its text:
        of what its decoder of DER allocates OpenSSL does not wipe all."""
        for name, pid in dict(self.children(), parent=self.pid).items():
            there = [n for n in find(pid, wanted) if name != 'keeper' or
                     'reversed' in n or 'text' in n]
            assert not there, 'in %s: %s' % (name, there)

    def replaced(self, name):
        old = self.child(name)
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: self.children().get(name, old) != old, 30, name)
        wait_until(lambda: len(self.children()) == 6, 30, 'six children')


def after_handshakes():
    """keys: in the keeper only, after handshakes with RSA and EC"""
    with Daemon(quick=True) as w:
        w.handshakes()
        with Client(w.sock) as c:
            c.subscribe('com.example.t')
            w.check()


def during_handshakes():
    """keys: in the keeper only, in the middle of many handshakes"""
    with Daemon() as w:
        w.handshakes()
        pids = []
        for _ in range(2):
            pid = os.fork()
            if pid == 0:
                end = time.monotonic() + 60
                while time.monotonic() < end:
                    for kind in w.files:
                        try:
                            handshake(w.ports[kind], kind)
                        except OSError:
                            pass
                os._exit(0)
            pids.append(pid)
        try:
            for _ in range(2):
                w.check()
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def after_restarts():
    """keys: in the keeper only, after the keeper and a tlsproxy died"""
    with Daemon() as w:
        w.handshakes()
        for name in ('keeper', 'tlsproxy 0'):
            w.replaced(name)
            w.handshakes()
        w.check()


def after_reload():
    """keys: in the keeper only, after a reload; the old ones nowhere"""
    with Daemon() as w:
        w.handshakes()
        old = w.secrets
        w.renew()
        assert w.reload()
        begin = time.monotonic()
        w.handshakes()
        w.check()
        # they were kept for handshakes that had begun, and wiped after
        w.check(old)
        time.sleep(max(0, 21.5 - (time.monotonic() - begin)))
        for wanted in old.values():
            w.check_wiped(wanted)
        # refused: what was read of it is gone as well
        crt, key = make_cert(tmpdir(), 'foreign', 'ec')
        assert not w.reload(w.conf(ec=(w.files['ec'][0], key)))
        w.check_wiped(secrets(key))
        w.check()


def not_in_logs():
    """keys: nothing of them in the log"""
    with Daemon(quick=True) as w:
        w.handshakes()
        assert w.reload()
        log = open(w.log_path, 'rb').read()
        for wanted in w.secrets.values():
            for name, octets in wanted.items():
                assert octets not in log, name


run_cases([after_handshakes, during_handshakes, after_restarts, after_reload,
           not_in_logs])
