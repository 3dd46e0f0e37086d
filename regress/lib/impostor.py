# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Routers that only listen: over TLS with the certificate they were given, or
# on a Unix socket.  They note every octet that they are told.

import hashlib
import os
import pwd
import socket
import ssl
import subprocess
import threading

from daemon import IS_ROOT, Skip, test_user, wait_until
from wampcrun import CERTS, SLOW, cert, openssl


def der(*args):
    return subprocess.run(('openssl',) + args, cwd=CERTS, check=True,
                          capture_output=True).stdout


def spki(name):
    """A certificate's SubjectPublicKeyInfo, in DER."""
    pem = der('x509', '-in', name + '.crt', '-noout', '-pubkey')
    return subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'DER'],
                          input=pem, check=True, capture_output=True).stdout


def whole(name):
    return der('x509', '-in', name + '.crt', '-outform', 'DER')


def sha(n, octets):
    return hashlib.new('sha%d' % n, octets).hexdigest()


def issue(name, san, ca='ca', days='30', chain=()):
    """NAME.crt and NAME.key, signed by ca, and what else is sent with it."""
    with open(cert(name) + '.ext', 'w') as f:
        f.write('subjectAltName=' + san)
    openssl('req', '-nodes', '-newkey', 'ec', '-pkeyopt',
            'ec_paramgen_curve:prime256v1', '-subj', '/CN=' + name,
            '-keyout', name + '.key', '-out', name + '.csr')
    openssl('x509', '-req', '-in', name + '.csr', '-CA', ca + '.crt',
            '-CAkey', ca + '.key', '-CAcreateserial', '-days', days,
            '-extfile', name + '.crt.ext', '-out', name + '.crt')
    with open(cert(name), 'a') as f:
        for other in chain:
            with open(cert(other)) as g:
                f.write(g.read())


def issue_authority(name, ca='ca'):
    """One below the other."""
    issue(name, 'DNS:%s.example\nbasicConstraints=critical,CA:TRUE' % name,
          ca)


class Impostor:
    def __init__(self, name='good', port=0, client_ca=None):
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.load_cert_chain(cert(name), cert(name)[:-3] + 'key')
        if client_ca is not None:
            self.ctx.verify_mode = ssl.CERT_REQUIRED
            self.ctx.load_verify_locations(cert(client_ca))
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(('127.0.0.1', port))
        self.sock.listen(5)
        self.port = self.sock.getsockname()[1]
        self.came = self.ended = self.shaken = 0
        self.heard = b''
        self.names = []             # subjects of the clients' certificates

    def __enter__(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        # a shutdown, not a close, wakes accept()
        self.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.sock.close()

    def run(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            self.came += 1
            c.settimeout(10 * SLOW)
            try:
                self.serve(c)
            except OSError:         # ssl.SSLError is one
                pass
            self.ended += 1

    def serve(self, c):
        with self.ctx.wrap_socket(c, server_side=True) as s:
            self.shaken += 1
            subject = (s.getpeercert() or {}).get('subject', ())
            self.names += [v for rdn in subject for k, v in rdn
                           if k == 'commonName']
            while True:
                octets = s.recv(65536)
                if not octets:
                    return
                self.heard += octets
                # RawSocket: no serializer of yours
                s.sendall(b'\x7f\x10\0\0')

    def told(self):
        """All that was said on the connections so far, once they ended."""
        wait_until(lambda: self.ended == self.came, 10 * SLOW,
                   'the end of the connections')
        return self.heard


# -- on a Unix socket ---------------------------------------------------------

def other_user():
    """The uid of one, for root alone."""
    if not IS_ROOT or test_user() is None:
        raise Skip('only root can be another user')
    return pwd.getpwnam(test_user()).pw_uid


def listening(path, uid=None):
    """A socket on which listen() was called, by another user if asked."""
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    if uid is None:
        s.listen(5)
        return s
    pid = os.fork()
    if pid == 0:
        try:
            os.setuid(uid)
            s.listen(5)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    return s


def heard(s):
    """What the peers of a listening socket said to it."""
    s.settimeout(0)
    said = b''
    try:
        while True:
            c, _ = s.accept()
            c.settimeout(5)
            said += c.recv(100)
            c.close()
    except BlockingIOError:
        return said
