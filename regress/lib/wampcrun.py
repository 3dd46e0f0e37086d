# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampc as tests run it, the certificates that it believes or not, and a
# router to run it against.

import os
import re
import ssl
import subprocess

from daemon import B, SAN, tmpdir
from fakerouter import FakeRouter

WAMPC = os.path.join(B, 'bin', 'wampc')
SLOW = 3 if SAN else 1
SERIALIZERS = ('json', 'msgpack', 'cbor')
WELCOME = [2, 1, {'roles': {'broker': {}, 'dealer': {}}}]
REPORT = re.compile(r'Sanitizer|runtime error:')


class Out:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __repr__(self):
        return 'status %r, stdout %r, stderr %r' % (
            self.status, self.out[:300], self.err[:300])


def popen(args, **kw):
    kw.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.Popen([WAMPC] + list(args), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **kw)


def finish(p, stdin=None, timeout=20):
    try:
        out, err = p.communicate(stdin, timeout * SLOW)
    except subprocess.TimeoutExpired:
        p.kill()
        raise AssertionError('wampc does not end: %r' % (p.communicate(),))
    out, err = (x.decode('utf-8', 'backslashreplace') for x in (out, err))
    assert not REPORT.search(err), err
    return Out(p.returncode, out, err)


def wampc(*args, stdin=None, timeout=20, **kw):
    if stdin is not None:
        kw['stdin'] = subprocess.PIPE
    return finish(popen(args, **kw), stdin, timeout)


def expect(r, status, out=None, err=None):
    """The result, exactly; err is a regular expression, None: empty."""
    assert r.status == status, r
    if out is not None:
        assert r.out == out, r
    if err is None:
        assert r.err == '', r
    else:
        assert re.search(err, r.err), r
        assert r.err.count('\n') == 1 and r.err.startswith('wampc: '), r


def line(args, kwargs='{}'):
    return '{"args":%s,"kwargs":%s}\n' % (args, kwargs)


# -- certificates -------------------------------------------------------------

CERTS = tmpdir()


def openssl(*args):
    subprocess.run(('openssl',) + args, check=True, cwd=CERTS,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certs():
    for ca in ('ca', 'otherca'):
        openssl('req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt',
                'ec_paramgen_curve:prime256v1', '-days', '30', '-subj',
                '/CN=' + ca, '-keyout', ca + '.key', '-out', ca + '.crt')
    for name, san, days in (
            ('good', 'DNS:localhost,IP:127.0.0.1', '30'),
            ('wrongname', 'DNS:example.org,IP:127.0.0.2', '30'),
            ('expired', 'DNS:localhost,IP:127.0.0.1', '-1')):
        with open(os.path.join(CERTS, 'ext'), 'w') as f:
            f.write('subjectAltName=' + san)
        openssl('req', '-nodes', '-newkey', 'ec', '-pkeyopt',
                'ec_paramgen_curve:prime256v1', '-subj', '/CN=' + name,
                '-keyout', name + '.key', '-out', name + '.csr')
        openssl('x509', '-req', '-in', name + '.csr', '-CA', 'ca.crt',
                '-CAkey', 'ca.key', '-CAcreateserial', '-days', days,
                '-extfile', 'ext', '-out', name + '.crt')


def cert(name):
    return os.path.join(CERTS, name + '.crt')


def tls_context(name='good'):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(cert(name), cert(name)[:-3] + 'key')
    return ctx


# -- the router in a place ----------------------------------------------------

class Place:
    """A fake router and the options by which wampc finds it."""

    def __init__(self, transport='unix', serializer='msgpack', **kw):
        self.transport, self.ser = transport, serializer
        self.args = ['--serializer', serializer]
        if transport == 'unix':
            path = os.path.join(tmpdir(), 'sock')
            self.router = FakeRouter(path=path, **kw)
            self.args += ['-s', path]
            return
        tls = tls_context() if transport in ('rss', 'wss') else None
        self.router = FakeRouter(port=0, tls=tls, **kw)

    def __enter__(self):
        self.router.__enter__()
        t, port = self.transport, self.router.port
        if t != 'unix':
            self.args += ['-u', '%s://localhost:%d%s' % (
                t, port, '/ws' if t.startswith('ws') else '')]
            self.args += ['--insecure'] if t in ('rs', 'ws') else \
                ['--cafile', cert('ca')]
        return self

    def __exit__(self, *exc):
        self.router.__exit__(*exc)
        if exc[0] is None:
            assert not self.router.errors, self.router.errors

    def run(self, *args, **kw):
        return wampc(*self.args, *args, **kw)

    def start(self, *args, **kw):
        return popen(self.args + list(args), **kw)

    def service(self, verb, uri, *args, options=(), **kw):
        """Start subscribe or register, and wait until it is."""
        n = len(self.router.conns)
        p = self.start(verb, *options, uri, *args, **kw)
        code = {'subscribe': 32, 'register': 64}[verb]
        assert self.router.wait(lambda: any(
            m[0] == code for c in self.router.conns[n:]
            for m in c.messages)), 'no %s' % verb
        return p


# -- reports ------------------------------------------------------------------

def bound(fn, *args):
    """fn with its arguments, and its name for the report."""
    def case():
        fn(*args)
    case.__doc__ = fn.__doc__ or fn.__name__.replace('_', ' ')
    return case
