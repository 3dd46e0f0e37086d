# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# "authenticate tls": whom a client certificate makes of its owner, and that
# nothing else makes anybody that.  Who gets through the handshake at all is
# client_certs.py's business.

import os
import ssl

from daemon import Wampd, free_port, make_cert, run_cases, tmpdir
from pki import CA, context
from wampclient import Client, Closed

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

D = tmpdir()
SERVER, SERVER_KEY = make_cert(D)
ONE = CA(D, 'one')
NO_METHOD = 'wamp.error.no_matching_auth_method'


def listen(port, how='optional'):
    items = '\tclient ca "%s" %s\n' % (ONE.crt, how) if how else ''
    return 'listen on 127.0.0.1 port %d tls {\n\tkeypair "k"\n%s}\n' % (
        port, items)


def realm(*lines, anonymous=False, name='realm1'):
    return 'realm "%s" {\n%s\tauthenticate tls {\n%s\t}\n%s}\n' % (
        name, '\tauthenticate anonymous role "guest"\n' if anonymous else '',
        ''.join('\t\t%s\n' % l for l in lines), ''.join(
            '\trole "%s" { allow any }\n' % r
            for r in ('device', 'gateway', 'guest', 'admin')))


def conf(*parts):
    return 'prefork 1\nkeypair "k" { certificate "%s" key "%s" }\n' % (
        SERVER, SERVER_KEY) + ''.join(parts)


def connect(port, cert=None, version=None, **kw):
    return Client(('127.0.0.1', port), tls=context(SERVER, cert, version),
                  **kw)


def who(port, cert=None, methods=None, version=None, realm='realm1', **kw):
    """(authid, role, method), or the reason of the ABORT."""
    details = {} if methods is None else {'authmethods': methods}
    c = connect(port, cert, version, join=False, **kw)
    try:
        m = None
        c.send(1, realm, dict({'roles': {'caller': {}}}, **details))
        m = c.recv()
        if m[0] == 3:
            return m[2]
        assert m[0] == 2, m
        d = m[2]
        assert d['authprovider'] == 'static', d
        return d['authid'], d['authrole'], d['authmethod']
    finally:
        c.close()


def is_guest(w):
    return w[1:] == ('guest', 'anonymous')


# -- lines ------------------------------------------------------------------------

def lines():
    """subject, fingerprint and name; RSA and EC; each transport"""
    port = free_port()
    gate = ONE.issue('gate', kind='rsa')
    sensor = ONE.issue('sensor-7')
    plant = ONE.issue([('O', 'x'), ('CN', 'y')], kind='p384',
                      sans=['dns:M1.Plant.example.org', 'ip:192.0.2.7',
                            'email:ops@example.org', 'uri:urn:m:1',
                            'ip:2001:db8::7'])
    fp = gate.fingerprint.upper()
    colons = ':'.join(fp[i:i + 2] for i in range(0, 64, 2))
    text = 'log debug\n' + conf(listen(port), realm(
        'fingerprint "SHA256:%s" authid "gateway-1" role "gateway"' % colons,
        'subject "/CN=sensor-*" role "device"',
        'name "dns:*.plant.EXAMPLE.org" role "device"'))
    with Wampd(text) as w:
        for version in (V12, V13):
            for transport in ('rawsocket', 'websocket'):
                for ser in ('json', 'msgpack', 'cbor'):
                    kw = {'version': version, 'transport': transport,
                          'serializer': ser}
                    assert who(port, gate, **kw) == (
                        'gateway-1', 'gateway', 'tls')
                    assert who(port, sensor, **kw) == (
                        'sensor-7', 'device', 'tls')
                    assert who(port, plant, **kw) == (
                        'm1.plant.example.org', 'device', 'tls')
        assert who(port, ONE.issue('other')) == NO_METHOD
        assert who(port) == NO_METHOD
        w.wait_log('client certificate of 127.0.0.1:.*: fingerprint=SHA256:'
                   '%s subject=/O=x/CN=y name=dns:m1.plant.example.org '
                   'name=ip:192.0.2.7 name=email:ops@example.org '
                   'name=uri:urn:m:1 name=ip:2001:db8::7$' %
                   plant.fingerprint)
    # each kind of name, and the authids that are not given
    for line, authid in (
            ('fingerprint "SHA256:%s"' % plant.fingerprint,
             'SHA256:' + plant.fingerprint),
            ('fingerprint "SHA256:%s" authid "a"' % plant.fingerprint, 'a'),
            ('subject "/O=x/CN=y"', 'y'), ('subject "/O=*/CN=*"', 'y'),
            ('subject "/O=*/CN=*" authid "b"', 'b'),
            ('name "ip:192.0.2.7"', '192.0.2.7'),
            ('name "ip:2001:0db8:0::7"', '2001:db8::7'),
            ('name "email:ops@example.org"', 'ops@example.org'),
            ('name "uri:urn:m:1"', 'urn:m:1'),
            ('name "uri:urn:m:1" authid "c"', 'c')):
        with Wampd(conf(listen(port), realm(line + ' role "device"'))):
            assert who(port, plant) == (authid, 'device', 'tls'), line


def order():
    """the first line that fits decides"""
    port = free_port()
    cert = ONE.issue('a', sans=['dns:a.example.org'])
    fits = ['subject "/CN=a" role "device"',
            'name "dns:a.example.org" role "gateway"',
            'fingerprint "SHA256:%s" role "admin"' % cert.fingerprint]
    roles = ['device', 'gateway', 'admin']
    with Wampd(conf(listen(port), realm(*fits))) as w:
        for i in range(3):
            assert w.reload(conf(listen(port), realm(
                'subject "/CN=b" role "guest"', *(fits[i:] + fits[:i]))))
            assert who(port, cert)[1] == roles[i]


def choice():
    """by name or by default; before anonymous wherever that stands (T85)"""
    port = free_port()
    cert, other = ONE.issue('a'), ONE.issue('b')
    line = 'subject "/CN=a" role "device"'
    with Wampd(conf(listen(port), realm(line, anonymous=True),
                    realm(line, name='realm2'))):
        tls = ('a', 'device', 'tls')
        assert who(port, cert) == tls
        assert who(port, cert, ['tls']) == tls
        assert who(port, cert, ['anonymous', 'tls']) == tls
        assert who(port, cert, ['ticket', 'tls', 'rubbish']) == tls
        assert is_guest(who(port, cert, ['anonymous']))
        assert who(port, cert, ['rubbish']) == NO_METHOD
        # nobody that a line names
        assert is_guest(who(port, other)) and is_guest(who(port))
        assert who(port, other, ['tls']) == NO_METHOD
        assert who(port, None, ['tls']) == NO_METHOD
        assert who(port, None, ['tls'], realm='realm2') == NO_METHOD
        assert who(port, other, realm='realm2') == NO_METHOD
        assert who(port, cert, realm='realm2') == tls


def listener_without_ca():
    """a listener without a client ca never yields tls"""
    port, bare, plain = free_port(), free_port(), free_port()
    cert = ONE.issue('a')
    with Wampd(conf(listen(port, 'required'), listen(bare, None),
                    'listen on 127.0.0.1 port %d\n' % plain,
                    realm('subject "/CN=*" role "device"', anonymous=True))):
        assert who(port, cert) == ('a', 'device', 'tls')
        for p in (bare, plain):
            kw = {} if p == bare else {'plain': True}
            assert is_guest(seen_at(p, cert, None, **kw))
            assert seen_at(p, cert, ['tls'], **kw) == NO_METHOD


def seen_at(port, cert, methods, plain=False):
    if not plain:
        return who(port, cert, methods)
    c = Client(('127.0.0.1', port), join=False)
    c.send(1, 'realm1', dict({'roles': {'caller': {}}}, **(
        {} if methods is None else {'authmethods': methods})))
    m = c.recv()
    c.close()
    if m[0] == 3:
        return m[2]
    return m[2]['authid'], m[2]['authrole'], m[2]['authmethod']


# -- impostors ----------------------------------------------------------------------

def subjects():
    """no subject passes for another: slashes, stars, case, NUL, two CNs"""
    port = free_port()
    cases = [
        # pattern, subject, authid or None
        ('/CN=sensor-*', 'sensor-', 'sensor-'),
        ('/CN=sensor-*', 'sensor-a b', 'sensor-a b'),
        ('/CN=sensor-*', 'Sensor-1', None),
        ('/CN=sensor-*', 'xsensor-1', None),
        ('/CN=sensor-*', [('CN', 'sensor-1'), ('O', 'x')], None),
        ('/CN=sensor-*', [('O', 'x'), ('CN', 'sensor-1')], None),
        ('/CN=sensor-*', [('CN', 'sensor-1'), ('CN', 'root')], None),
        ('/CN=sensor-*', 'sensor-1/CN=root', 'sensor-1/CN=root'),
        ('/CN=sensor-*', [[('CN', 'sensor-1'), ('O', 'x')]], None),
        ('/CN=sensor-*', 'sensor-1\0', None),
        ('/CN=sensor-*', 'sensor-1\n', None),
        ('/CN=root', 'root', 'root'),
        ('/CN=root', 'root\0.example.org', None),
        ('/CN=root', 'ROOT', None),
        ('/CN=root', 'root ', None),
        ('/CN=root', [('OU', 'CN=root')], None),
        ('/CN=root', [('OU', 'x/CN=root')], None),
        ('/O=x/CN=root', 'x/CN=root', None),
        ('/O=x/CN=root', [('O', 'x/CN=root')], None),
        ('/O=x/CN=root', [('O', 'x'), ('CN', 'root')], 'root'),
        ('/O=x/CN=root', [('CN', 'root'), ('O', 'x')], None),
        ('/O=x/CN=root', [[('O', 'x'), ('CN', 'root')]], None),
        ('/O=*/CN=root', [('O', 'x/CN=root')], None),
        ('/O=*/CN=root', [('O', 'x/CN=y'), ('CN', 'root')], 'root'),
        ('/O=*/CN=root', [('O', 'x'), ('OU', 'y'), ('CN', 'root')], None),
        ('/O=*x*/CN=*y*', [('O', 'axxb'), ('CN', 'yy')], 'yy'),
        ('/O=*x*/CN=*y*', [('O', 'axxb'), ('CN', 'x')], None),
        ('/O=*a/CN=root', [('O', 'b/CN=a'), ('CN', 'root')], 'root'),
        ('/CN=*', '*', '*'),
        ('/CN=\\\\*', '*', '*'),
        ('/CN=\\\\*', 'x', None),
        ('/CN=a\\\\/b', 'a/b', 'a/b'),
        ('/CN=a\\\\\\\\*', 'a\\b', 'a\\b'),
        ('/CN=a\\\\\\\\*', 'a/b', None),
        ('/CN=ä*', 'äö', 'äö'),
        ('/CN=*', '', None),
        ('/CN=*', 'x' * 64, 'x' * 64),
    ]
    patterns = []
    for p, _, _ in cases:
        if p not in patterns:
            patterns.append(p)
    # a realm a pattern
    text = conf(listen(port), *[
        realm('subject "%s" role "device"' % p, name='r%d' % i)
        for i, p in enumerate(patterns)])
    with Wampd(text) as w:
        kids = w.children()
        for p, subject, authid in cases:
            if subject == '':
                continue
            got = who(port, ONE.issue(subject),
                      realm='r%d' % patterns.index(p))
            want = (authid, 'device', 'tls') if authid else NO_METHOD
            assert got == want, (p, subject, got)
        assert w.children() == kids


def names():
    """no alternative name passes for another: kinds, labels, stars, NUL"""
    port = free_port()
    dns = 'dns:*.plant.example.org'
    cases = [
        (dns, ['dns:a.plant.example.org'], 'a.plant.example.org'),
        (dns, ['dns:A-1.Plant.Example.Org'], 'a-1.plant.example.org'),
        (dns, ['dns:x', 'dns:b_2.plant.example.org'],
         'b_2.plant.example.org'),
        (dns, ['dns:plant.example.org'], None),
        (dns, ['dns:.plant.example.org'], None),
        (dns, ['dns:a.b.plant.example.org'], None),
        (dns, ['dns:*.plant.example.org'], None),
        (dns, ['dns:a*.plant.example.org'], None),
        (dns, ['dns:a.plant.example.org.'], None),
        (dns, ['dns:aplant.example.org'], None),
        (dns, ['dns:a.plant.example.org.evil.org'], None),
        (dns, ['dns:a.plant.example.org\0.evil.org'], None),
        (dns, ['dns:evil.org\0a.plant.example.org'], None),
        (dns, ['uri:dns:a.plant.example.org'], None),
        (dns, ['uri:a.plant.example.org'], None),
        (dns, ['email:x@a.plant.example.org'], None),
        (dns, ['dns:dns:a.plant.example.org'], None),
        ('dns:gate', ['dns:GATE'], 'gate'),
        ('dns:gate', ['dns:gate2'], None),
        ('email:ops@example.org', ['email:OPS@example.org'], None),
        ('email:ops@example.org', ['email:ops@example.org'],
         'ops@example.org'),
        ('uri:urn:a', ['uri:urn:A'], None),
        ('ip:192.0.2.1', ['ip:192.0.2.1'], '192.0.2.1'),
        ('ip:192.0.2.1', ['ip:192.0.2.10'], None),
        ('ip:192.0.2.1', ['dns:192.0.2.1'], None),
        ('ip:192.0.2.1', ['ip:::ffff:192.0.2.1'], None),
        (dns, ['rid:1.2.3', 'dns:c.plant.example.org'],
         'c.plant.example.org'),
        # too many: those that do not fit are left out
        (dns, ['dns:' + 'x' * 1000 + str(i) for i in range(5)] +
         ['dns:d.plant.example.org'], 'd.plant.example.org'),
        (dns, ['dns:' + 'x' * 1000 + str(i) for i in range(4)] +
         ['dns:' + 'y' * 60, 'dns:d.plant.example.org'], None),
    ]
    patterns = []
    for p, _, _ in cases:
        if p not in patterns:
            patterns.append(p)
    text = conf(listen(port), *[
        realm('name "%s" role "device"' % p, name='r%d' % i)
        for i, p in enumerate(patterns)])
    with Wampd(text) as w:
        kids = w.children()
        for p, sans, authid in cases:
            got = who(port, ONE.issue('x', sans=sans),
                      realm='r%d' % patterns.index(p))
            want = (authid, 'device', 'tls') if authid else NO_METHOD
            assert got == want, (p, sans, got)
        # the common name is no alternative name
        assert who(port, ONE.issue('gate'), realm='r%d' %
                   patterns.index('dns:gate')) == NO_METHOD
        assert w.children() == kids


def users_file():
    """a users file says whose certificate it is; a line gone ends sessions"""
    port = free_port()
    a, b, c, d = (ONE.issue(x) for x in 'abcd')
    path = D + '/users'

    def put(*lines):
        with open(path, 'w') as f:
            f.write(''.join('%s\n' % l for l in lines))
        os.chmod(path, 0o600)

    def line(authid, role, *certs):
        return '%s:tls:%s:%s' % (authid, role, ','.join(
            'SHA256:' + x.fingerprint for x in certs))
    text = conf(listen(port), '''realm "realm1" {
	authenticate anonymous role "guest"
	authenticate tls from "%s"
	authenticate tls { subject "/CN=c" role "gateway" }
	role "guest" { allow any }
	role "device" { allow any }
	role "gateway" { allow any }
}
realm "realm2" {
	authenticate tls from "%s"
	role "admin" { allow any }
}
''' % (path, path))
    put(line('gate-7', 'device', a, b), line('boss', 'admin', d))
    with Wampd(text) as w:
        for cert in (a, b):
            assert who(port, cert) == ('gate-7', 'device', 'tls')
        assert who(port, c) == ('c', 'gateway', 'tls')
        assert is_guest(who(port, d)) and is_guest(who(port))
        assert who(port, d, realm='realm2') == ('boss', 'admin', 'tls')
        assert who(port, a, realm='realm2') == NO_METHOD
        assert who(port, a, ['tls', 'ticket']) == ('gate-7', 'device', 'tls')
        assert is_guest(who(port, a, ['anonymous']))
        ca, cb, cc = connect(port, a), connect(port, b), connect(port, c)
        # one of two certificates is taken out: its session alone ends
        put(line('gate-7', 'device', a), line('boss', 'admin', d))
        assert w.reload()
        m = cb.recv()
        assert m[0] == 6, m
        assert is_guest(who(port, b))
        ca.subscribe('com.example.t')
        # another role
        put(line('gate-7', 'gateway', a), line('boss', 'admin', d))
        assert w.reload()
        m = ca.recv()
        assert m[0] == 6, m
        assert who(port, a) == ('gate-7', 'gateway', 'tls')
        cc.subscribe('com.example.t')


def fingerprints():
    """a fingerprint is of one certificate, not of its key or name"""
    port = free_port()
    a, b = ONE.issue('a'), ONE.issue('a')
    with Wampd(conf(listen(port), realm(
            'fingerprint "SHA256:%s" role "device"' % a.fingerprint))):
        assert who(port, a)[1:] == ('device', 'tls')
        assert who(port, b) == NO_METHOD


# -- reload -----------------------------------------------------------------------

def reload():
    """a reload: what a connection proved, it keeps, while anybody may"""
    port, sock = free_port(), free_port()
    cert = ONE.issue('a')
    line = 'subject "/CN=*" role "device"'
    plain = 'realm "realm1" {\n\tauthenticate anonymous role "guest"\n' \
        '\trole "guest" { allow any }\n\trole "device" { allow any }\n}\n'
    with Wampd(conf(listen(port), realm(line))) as w:
        kids = w.children()
        c = connect(port, cert)
        assert c.welcome['authmethod'] == 'tls'
        # another line, another HELLO on the same connection
        c.goodbye()
        other = connect(port, cert)
        assert w.reload(conf(listen(port), realm(
            'subject "/CN=a" authid "z" role "admin"')))
        m = other.recv()    # its session goes with its line
        assert m[0] == 6 and m[2] == 'wamp.close.killed', m
        c.join()
        assert (c.welcome['authid'], c.welcome['authrole']) == ('z', 'admin')
        # that listener does not ask any more, but another does
        c.goodbye()
        assert w.reload(conf(listen(port, None), listen(sock), realm(line)))
        c.join()
        assert c.welcome['authmethod'] == 'tls'
        assert who(port, cert) == NO_METHOD
        # nobody asks any more
        c.goodbye()
        assert w.reload(conf(listen(port, None), plain))
        c.join()
        assert c.welcome['authmethod'] == 'anonymous', c.welcome
        assert is_guest(who(port, cert))
        assert w.children() == kids
        assert 'nonsense' not in w.log(), w.log()


run_cases([lines, order, choice, listener_without_ca, subjects, names,
           users_file, fingerprints, reload])
