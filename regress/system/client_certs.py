# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Client certificates: who gets through the handshake, by "client ca" and
# "client crl" of the listener, and what wampd says of files that will
# refuse clients.

import os
import re
import socket
import ssl
import time

from authmethods import ticket_line
from daemon import (Wampd, free_port, make_cert, run_cases, run_wampd,
                    tmpdir, wait_until)
from pki import CA, SERVER_AUTH, context, pem, write
from wampclient import Client, Closed

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

REALM = '''realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''

D = tmpdir()
SERVER, SERVER_KEY = make_cert(D)
ONE, TWO = CA(D, 'one'), CA(D, 'two', kind='rsa')
CAS = write(D + '/cas.crt', ONE, TWO)


def listen(port, *items):
    return 'listen on 127.0.0.1 port %d tls {\n\tkeypair "k"\n%s}\n' % (
        port, ''.join('\t%s\n' % i for i in items))


def conf(*listens):
    return 'prefork 1\nkeypair "k" { certificate "%s" key "%s" }\n' % (
        SERVER, SERVER_KEY) + ''.join(listens) + REALM


def ca(path=CAS, how='required'):
    return 'client ca "%s" %s' % (path, how)


def crl(path):
    return 'client crl "%s"' % path


def connect(port, cert=None, version=None, **kw):
    return Client(('127.0.0.1', port), tls=context(SERVER, cert, version),
                  **kw)


def gets_in(port, cert=None, version=None, **kw):
    """True, or what refused; with both versions of TLS if none is given."""
    if version is None:
        a, b = (gets_in(port, cert, v, **kw) for v in (V12, V13))
        assert (a is True) == (b is True), (a, b)
        return a
    try:
        connect(port, cert, version, **kw).close()
        return True
    except (ssl.SSLError, ConnectionError, Closed) as e:
        return str(e) or 'closed'


def refused(port, cert):
    """Not let in; by TLS, not by anything else."""
    why = gets_in(port, cert)
    assert why is not True, 'it got in'
    assert re.search('ALERT|closed', why), why


def check(text, *regexes, status=0):
    """wampd -n says these, one line each, and no other warning."""
    got, out, err = run_wampd(['-n'], text)
    lines = [l for l in err.splitlines() if 'configuration OK' not in l]
    assert got == status, (got, err)
    assert len(lines) == len(regexes), err
    for line, rx in zip(lines, regexes):
        assert re.search(rx, line), (line, rx)
    return out


# -- the certificate --------------------------------------------------------------

def who_gets_in():
    """right CA, wrong CA, self-signed, dates, usage, none; RSA and EC"""
    port, opt, none = free_port(), free_port(), free_port()
    wrong = CA(D, 'wrong')
    # the right name and another key
    twin = CA(tmpdir(), 'one')
    good = [ONE.issue('a'), ONE.issue('b', kind='rsa'),
            TWO.issue('c', kind='p384'), TWO.issue('d', kind='rsa'),
            ONE.issue('e', usage=None)]
    bad = [wrong.issue('a'), wrong.issue('a', kind='rsa'), twin.issue('a'),
           ONE.issue('old', begin=-20, end=-1),
           ONE.issue('early', begin=1, end=20),
           ONE.issue('server', usage=SERVER_AUTH)]
    with Wampd(conf(listen(port, ca()), listen(opt, ca(how='optional')),
                    listen(none))) as w:
        for p in (port, opt):
            for c in good:
                assert gets_in(p, c) is True, (p, c.crt)
            for c in bad:
                refused(p, c)
            assert gets_in(p, good[0], transport='websocket') is True
        w.wait_log('refused address=127.0.0.1:.* reason="TLS handshake" text="'
                   '.*certificate verify failed')
        refused(port, None)
        assert gets_in(opt) is True
        # who is not asked is not judged
        for c in good + bad:
            assert gets_in(none, c) is True
        assert gets_in(none) is True
        log = w.log()
    assert 'sandbox' not in log, log


def intermediate():
    """a chain: the root in the file, the intermediate sent by the client"""
    port = free_port()
    sub = CA(D, 'sub', issuer=ONE)
    cert = sub.issue('a')
    alone = sub.issue('b')
    with open(alone.crt, 'wb') as f:
        f.write(pem(alone.cert))
    both = write(D + '/both.crl', ONE.crl(), sub.crl())
    root = write(D + '/root.crl', ONE.crl())
    with Wampd(conf(listen(port, ca(ONE.crt)))) as w:
        assert gets_in(port, cert) is True
        refused(port, alone)
        # both in the file; and an intermediate alone is believed by nobody
        both_cas = write(D + '/both.crt', ONE, sub)
        assert w.reload(conf(listen(port, ca(both_cas))))
        assert gets_in(port, alone) is True
        assert 'issuer' not in w.log(), w.log()
        assert w.reload(conf(listen(port, ca(sub.crt))))
        refused(port, cert)
        w.wait_log('client ca .*/ca-sub.crt: /CN=sub: its issuer is not in '
                   'the file: nobody with a certificate of this CA gets in')
        # every CA of the chain needs its CRL
        assert w.reload(conf(listen(port, ca(ONE.crt), crl(both))))
        assert gets_in(port, cert) is True
        assert w.reload(conf(listen(port, ca(ONE.crt), crl(root))))
        refused(port, cert)


# -- revocation -------------------------------------------------------------------

def revoked():
    """revoked: refused, others get in; two CAs and one CRL"""
    port, opt = free_port(), free_port()
    a, b, c = ONE.issue('a'), ONE.issue('b'), TWO.issue('c')
    path = write(D + '/r.crl', ONE.crl([b]), TWO.crl())
    items = (ca(how='optional'), crl(path))
    text = conf(listen(port, ca(), crl(path)), listen(opt, *items))
    with Wampd(text) as w:
        for p in (port, opt):
            assert gets_in(p, a) is True and gets_in(p, c) is True
            refused(p, b)
        assert gets_in(opt) is True
        assert 'client crl' not in w.log(), w.log()
        # the other CA's CRL is gone: so are its clients
        write(path, ONE.crl([b]))
        assert w.reload()
        w.wait_log(r'listen on 127.0.0.1 port %d: client crl %s: has no CRL '
                   r'of /CN=two: nobody' % (port, path))
        assert gets_in(port, a) is True
        refused(port, c)
    check(text, *[r'port %d: client crl .*/r.crl: has no CRL of /CN=two: '
                  r'nobody with a certificate of this CA gets in' % p
                  for p in (port, opt)])


KILLED = [6, {'message': "the client's certificate was revoked"},
          'wamp.close.killed']


def exchange(sub, number, pub):
    """pub publishes, sub gets it; also from itself"""
    pub.send(16, pub.next(), {'exclude_me': False}, 'com.example.t', [1])
    assert sub.recv()[:2] == [36, number]


def ended(c):
    got = c.recv()
    assert got == KILLED, got
    c.send(6, {}, 'wamp.close.goodbye_and_out')
    c.expect_closed()


def revoked_while_in():
    """revoked by a reload: sessions end, and connections without; others
    stay"""
    port, other = free_port(), free_port()
    a, b, c = ONE.issue('a'), ONE.issue('b'), TWO.issue('c')
    path = write(D + '/in.crl', ONE.crl(), TWO.crl())
    path2 = write(D + '/in2.crl', ONE.crl(), TWO.crl())
    with Wampd(conf(listen(port, ca(how='optional'), crl(path)),
                    listen(other, ca(), crl(path2)))) as w:
        stay = connect(port, a)
        number = stay.subscribe('com.example.t')
        others = [connect(port, c), connect(other, b), connect(port)]
        gone = [connect(port, b, version, transport=t)
                for version in (V12, V13) for t in ('rawsocket', 'websocket')]
        greets = [connect(port, b, transport=t, join=False)
                  for t in ('rawsocket', 'websocket')]
        # nothing at all was sent yet
        mute = context(SERVER, b).wrap_socket(
            socket.create_connection(('127.0.0.1', port), 5),
            server_hostname='localhost')
        # another's serial number is nobody's business
        write(path, ONE.crl([b]), TWO.crl([a]))
        assert w.reload()
        for g in gone:
            ended(g)
        for g in greets:
            g.expect_closed()
        try:
            assert mute.recv(1) == b''
        except (ssl.SSLError, ConnectionError):
            pass
        for o in others + [stay]:
            exchange(stay, number, o)
        w.wait_log('session .* left .*reason="the client\'s certificate was '
                   'revoked"')
        log = w.log()
        rx = 'reason="the client\'s certificate was revoked"'
        assert len(re.findall('left .*' + rx, log)) == len(gone), log
        assert len(re.findall('refused address=.*' + rx, log)) == 3, log
        # a removed statement revokes nothing, one that is back does
        assert w.reload(conf(listen(port, ca(), crl(path))))
        write(path2, ONE.crl([b]), TWO.crl([c]))
        assert w.reload()
        exchange(stay, number, others[1])
        assert w.reload(conf(listen(port, ca(), crl(path)),
                             listen(other, ca(), crl(path2))))
        exchange(stay, number, others[0])
        assert 'left' not in w.log()[len(log):], w.log()


def revoked_while_joining():
    """revoked by a reload: a session that is being authenticated is none"""
    port = free_port()
    a, b = ONE.issue('a'), ONE.issue('b')
    path = write(D + '/join.crl', ONE.crl())
    users = D + '/users'
    with open(users, 'w') as f:
        os.fchmod(f.fileno(), 0o600)
        f.write(ticket_line('alice', 'wonder', role='all') + '\n')
    hello = {'roles': {'caller': {}}, 'authid': 'alice',
             'authmethods': ['ticket']}
    text = conf(listen(port, ca(ONE.crt), crl(path))).replace(
        'authenticate anonymous role "all"',
        'authenticate ticket from "%s"' % users)
    with Wampd(text) as w:
        both = [connect(port, c, join=False) for c in (a, b)]
        for c in both:
            c.send(1, 'realm1', hello)
            c.expect(4, 'ticket')
        write(path, ONE.crl([b]))
        assert w.reload()
        both[1].expect_abort('wamp.error.authentication_failed')
        both[0].send(5, 'wonder', {})
        both[0].expect(2)
        w.wait_log('refused realm=realm1 address=.* reason=wamp.error.'
                   'authentication_failed text="the client\'s certificate was '
                   'revoked')


def revoked_many():
    """many connections at once: each that is named ends, no other"""
    port = free_port()
    a, b = ONE.issue('a'), ONE.issue('b')
    path = write(D + '/many.crl', ONE.crl())
    with Wampd(conf(listen(port, ca(ONE.crt), crl(path)))) as w:
        all_ = [connect(port, (a, b)[i % 2]) for i in range(160)]
        number = all_[0].subscribe('com.example.t')
        write(path, ONE.crl([b]))
        assert w.reload()
        for c in all_[1::2]:
            ended(c)
        for c in all_[::2]:
            exchange(all_[0], number, c)


def revoked_ca():
    """an intermediate that is revoked: what it has issued is, too"""
    port = free_port()
    subs = CA(D, 'sent', issuer=ONE), CA(D, 'kept', issuer=ONE)
    sent, kept, c = (s.issue('x') for s in subs + (ONE,))
    with open(kept.crt, 'wb') as f:
        f.write(pem(kept.cert))
    cas = write(D + '/rca.crt', ONE, subs[1])
    lists = [s.crl() for s in subs]
    path = write(D + '/rca.crl', ONE.crl(), *lists)
    with Wampd(conf(listen(port, ca(cas), crl(path)))) as w:
        stay = connect(port, c)
        number = stay.subscribe('com.example.t')
        x, y = connect(port, sent), connect(port, kept)
        write(path, ONE.crl([subs[0]]), *lists)
        assert w.reload()
        ended(x)
        for o in (y, stay):
            exchange(stay, number, o)
        write(path, ONE.crl(subs), *lists)
        assert w.reload()
        ended(y)
        exchange(stay, number, connect(port, c))


def half_way(port, cert):
    """A handshake of TLS 1.3 whose certificate is not sent yet; what goes on
    with it."""
    inc, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context(SERVER, cert, V13).wrap_bio(inc, out,
                                              server_hostname='localhost')
    s = socket.create_connection(('127.0.0.1', port), 5)

    def step():
        try:
            tls.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        return done

    assert not step()
    s.sendall(out.read())
    while not step():
        inc.write(s.recv(65536))

    def go_on():
        s.sendall(out.read())
        # RawSocket, MessagePack
        tls.write(b'\x7f\xf2\0\0')
        try:
            s.sendall(out.read())
            while True:
                try:
                    return tls.read(4)
                except ssl.SSLWantReadError:
                    data = s.recv(65536)
                    if not data:
                        return b''
                    inc.write(data)
        except (ssl.SSLError, ConnectionError):
            return b''
    return go_on


def revoked_half_way():
    """a handshake that the reload crosses: the new CRL counts"""
    port = free_port()
    a, b = ONE.issue('a'), ONE.issue('b')
    path = write(D + '/half.crl', ONE.crl())
    with Wampd(conf(listen(port, ca(ONE.crt), crl(path)))) as w:
        first, second = half_way(port, a), half_way(port, b)
        write(path, ONE.crl([b]))
        assert w.reload()
        got = first(), second()
        assert got[0][:1] == b'\x7f' and got[1] == b'', got
        w.wait_log('refused address=.* reason="the client\'s certificate was '
                   'revoked"')


def crl_of_namesake():
    """a CRL that another key has signed is none of the CA's"""
    path = write(D + '/n.crl', CA(tmpdir(), 'one').crl(), TWO.crl())
    check(conf(listen(free_port(), ca(), crl(path))),
          r'client crl .*/n.crl: has no CRL of /CN=one')


def crl_dates():
    """a CRL that has expired refuses everybody: -n and start say so"""
    port = free_port()
    a, c = ONE.issue('a'), TWO.issue('c')
    path = D + '/d.crl'
    text = conf(listen(port, ca(), crl(path)))
    says = (r'client crl .*/d.crl: the CRL of /CN=one expire(s|d) on '
            r'\d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC: nobody with a '
            r'certificate of this CA gets in after that')
    for end, word in ((-1, 'expired'), (6, 'expires')):
        write(path, ONE.crl(begin=-10, end=end), TWO.crl())
        check(text, says.replace('expire(s|d)', word))
        with Wampd(text) as w:
            w.wait_log(says.replace('expire(s|d)', word))
            assert gets_in(port, c) is True
            if end > 0:
                assert gets_in(port, a) is True
            else:
                refused(port, a)
    write(path, ONE.crl(end=9), TWO.crl())
    check(text)
    # the old one beside its successor harms nobody
    write(path, ONE.crl(begin=-10, end=-1), TWO.crl(), ONE.crl())
    check(text)
    with Wampd(text):
        assert gets_in(port, a) is True


def crl_expires():
    """a CRL that expires while wampd runs: the log says whom it refuses"""
    port = free_port()
    a = ONE.issue('a')
    end = time.time() + 4
    path = write(D + '/e.crl', ONE.crl(end=4 / 86400))
    with Wampd(conf(listen(port, ca(ONE.crt), crl(path)))) as w:
        assert gets_in(port, a) is True
        assert 'expired' not in w.log(), w.log()
        wait_until(lambda: time.time() > end + 1)
        refused(port, a)
        rx = 'the CRL of /CN=one expired on'
        w.wait_log(rx)
        refused(port, a)
        assert len(re.findall(rx, w.log())) == 1, w.log()


def ca_dates():
    """a CA that expires, or may not sign CRLs: a warning"""
    soon = CA(D, 'soon', end=3)
    mute = CA(D, 'mute', may_sign_crls=False)
    path = write(D + '/m.crl', mute.crl())
    port = free_port()
    check(conf(listen(port, ca(soon.crt))),
          r'client ca .*/ca-soon.crt: /CN=soon expires on ')
    text = conf(listen(port, ca(mute.crt), crl(path)))
    check(text, r'client ca .*/ca-mute.crt: /CN=mute: its key usage does '
          r'not allow it to sign CRLs: nobody')
    with Wampd(text) as w:
        refused(port, mute.issue('a'))


# -- files that cannot be used ------------------------------------------------------

def unusable():
    """garbage: refused by -n, at start and on reload, the old one stays"""
    port = free_port()
    a = ONE.issue('a')
    one, crl_pem = open(ONE.crt, 'rb').read(), ONE.crl()
    key = open(a.key, 'rb').read()
    bad = one.replace(b'\nMI', b'\nMQ', 1)
    cases = [
        ('ca', b'no PEM\n', r'has nothing in PEM'),
        ('ca', one + key, r'block 2 is no certificate'),
        ('ca', crl_pem, r'block 1 is no certificate'),
        ('ca', one + bad, r'block 2 is no valid certificate'),
        ('ca', one + one[:-30], r'block 2 is not PEM'),
        ('ca', one + open(a.crt, 'rb').read(),
         r'block 2 is not the certificate of a CA'),
        ('crl', b'no PEM\n', r'has nothing in PEM'),
        ('crl', crl_pem + one, r'block 2 is no CRL'),
        ('crl', crl_pem.replace(b'\nMI', b'\nMQ', 1),
         r'block 1 is no valid CRL'),
        ('crl', crl_pem[:-30], r'block 1 is not PEM'),
        ('ca', b'', r'is empty'),
        ('crl', b'', r'is empty'),
        ('ca', b'\n' * (1024 * 1024 + 1), r'is larger than 1 MiB'),
    ]
    paths = {'ca': D + '/u.crt', 'crl': D + '/u.crl'}
    text = conf(listen(port, ca(paths['ca']), crl(paths['crl'])))
    good = {'ca': one, 'crl': crl_pem}

    def put(what=None, data=b''):
        for k in paths:
            write(paths[k], data if k == what else good[k])
    put()
    with Wampd(text) as w:
        assert gets_in(port, a) is True
        for what, data, why in cases:
            put(what, data)
            rx = r'listen on 127.0.0.1 port %d: client %s %s:? %s' % (
                port, what, paths[what], why)
            check(text, rx, status=1)
            assert not w.reload(), why
            w.wait_log(rx)
            assert gets_in(port, a) is True
        # what refuses a reload refuses a start
        other = Wampd(text, wait=False).start()
        assert other.proc.wait(30) == 1
        assert 'is larger than 1 MiB' in other.log(), other.log()
        # comments between blocks are none of our business
        put('ca', b'# one\n' + one + b'two:\n' + open(TWO.crt, 'rb').read())
        good['crl'] = crl_pem + TWO.crl()
        put('ca', b'# one\n' + one + b'two:\n' + open(TWO.crt, 'rb').read())
        assert w.reload()
        assert gets_in(port, TWO.issue('c')) is True


def file_modes():
    """files that others could write are refused"""
    d = tmpdir()
    path = write(d + '/ca.crt', ONE)
    lst = write(d + '/ca.crl', ONE.crl())
    port = free_port()
    text = conf(listen(port, ca(path), crl(lst)))
    check(text)
    for p, what in ((path, 'ca'), (lst, 'crl')):
        os.chmod(p, 0o666)
        check(text, r'client %s %s is writable by others' % (what, p),
              status=1)
        os.chmod(p, 0o644)
        os.rename(p, p + '.away')
        check(text, r'client %s %s: No such file' % (what, p), status=1)
        os.rename(p + '.away', p)


# -- reload -----------------------------------------------------------------------

def reload():
    """another CA: for new connections, those that are in stay"""
    port = free_port()
    a, b, c = ONE.issue('a'), ONE.issue('b'), TWO.issue('c')
    path = write(D + '/l.crl', ONE.crl(), TWO.crl())
    with Wampd(conf(listen(port, ca(), crl(path)))) as w:
        kids = w.children()
        old = connect(port, b)
        sub = old.subscribe('com.example.t')
        p = connect(port, a)
        p.publish('com.example.t', 1)
        assert old.recv()[:2] == [36, sub]
        # another CA
        assert w.reload(conf(listen(port, ca(TWO.crt), crl(path))))
        refused(port, a)
        assert gets_in(port, c) is True
        p.publish('com.example.t', 2)
        assert old.recv()[:2] == [36, sub]
        # none at all, and again
        assert w.reload(conf(listen(port)))
        assert gets_in(port) is True
        assert w.reload(conf(listen(port, ca(ONE.crt))))
        refused(port, None)
        assert gets_in(port, b) is True
        # the CRL is no longer in force, whatever the file says
        write(path, ONE.crl([b]), TWO.crl())
        assert w.reload()
        p.publish('com.example.t', 3)
        assert old.recv()[:2] == [36, sub]
        assert w.children() == kids
        # a successor gets what is in force
        os.kill(w.child('tlsproxy 0'), 9)
        wait_until(lambda: w.children().get('tlsproxy 0') not in
                   (None, kids['tlsproxy 0']), 10, 'the successor')
        wait_until(lambda: gets_in(port, b) is True, 10, 'it to accept')
        refused(port, c)


run_cases([who_gets_in, intermediate, revoked, revoked_while_in,
           revoked_while_joining, revoked_many, revoked_ca, revoked_half_way,
           crl_of_namesake, crl_dates, crl_expires, ca_dates, unusable,
           file_modes, reload])
