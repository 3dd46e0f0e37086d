# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampc as tests run it, and the certificates that it believes or not.

import os
import re
import ssl
import subprocess

from daemon import B, SAN, tmpdir

WAMPC = os.path.join(B, 'bin', 'wampc')
SLOW = 3 if SAN else 1
SERIALIZERS = ('json', 'msgpack', 'cbor')
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
