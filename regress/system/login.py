# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Log-ins by every method that asks for a proof: right and wrong secrets, who
# is unknown, out of order, replayed; over each transport and serializer.
# T84 to T92 are the numbers of our notes on what clients expect.

import itertools
import os
import time

from daemon import Wampd, done, free_port, run_case, tmpdir, wait_until
from authmethods import *
from wampclient import *

CONF = """
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
limits { failures 10000 per 1m  failures delay 100ms }
realm "realm1" {
	authenticate ticket, wampcra, scram, cryptosign from $users
	role "user" { allow any }
	role "admin" { allow any }
}
realm "order" {
	authenticate cryptosign, wampcra from $users
	authenticate anonymous role "guest"
	authenticate ticket from $users
	role "guest" { allow subscribe }
	role "user" { allow any }
	role "admin" { allow any }
}
realm "open" {
	authenticate anonymous role "guest"
	role "guest" { allow any }
}
"""
CONF = CONF.replace("failures 10000 per 1m  failures delay 100ms",
                    "\n\tfailures 10000 per 1m\n\tfailures delay 100ms\n")

KEY, KEY2, OTHER = (signing_key(n) for n in (1, 2, 3))
USERS = [
    '# people',
    ticket_line('alice', 'wonder', 'user'),
    cra_line('bob', 'builder', 'user'),
    cra_line('carol', 'christmas', 'admin', salt='salt123'),
    scram_line('dave', 'bowman', 'user'),
    scram_line('erin', 'brocko', 'user', kdf='argon2id13'),
    scram_line('erin', 'brocko', 'user', kdf='argon2id-13'),
    cryptosign_line('frank', KEY, KEY2, role='admin'),
    '"a:b, c=d":scram:user:' + scram_line('x', 'quoted').split(':', 3)[3],
    ticket_line('gina', 'ticket', 'user'),
    cra_line('gina', 'secret', 'admin'),
    ticket_line('Zoë', 'schön', 'user'),
    ticket_line('slow', 'hash', 'user', time_cost=3, memory_cost=16384),
]
RIGHT = [
    (Ticket, 'alice', 'wonder', 'user'),
    (Ticket, 'Zoë', 'schön', 'user'),
    (Cra, 'bob', 'builder', 'user'),
    (Cra, 'carol', 'christmas', 'admin'),
    (WampScram, 'dave', 'bowman', 'user'),
    (Scram, 'dave', 'bowman', 'user'),
    (WampScram, 'erin', 'brocko', 'user'),
    (Scram, 'erin', 'brocko', 'user'),
    (WampScram, 'a:b, c=d', 'quoted', 'user'),
    (Cryptosign, 'frank', KEY, 'admin'),
    (Cryptosign, 'frank', KEY2, 'admin'),
]
DENIED = 'wamp.error.authentication_denied'
PV = 'wamp.error.protocol_violation'
NONE = 'wamp.error.no_matching_auth_method'
sock = port = daemon = None
variant = ('rawsocket', 'msgpack')


def client(**kw):
    return Client(sock, transport=kw.pop('transport', variant[0]),
                  serializer=kw.pop('serializer', variant[1]), join=False,
                  **kw)


def wrong(secret):
    return OTHER if secret in (KEY, KEY2) else secret + '!'


def joins(login, realm='realm1', **kw):
    c = client(**kw)
    m = login.join(c, realm)
    assert m[0] == WELCOME, m
    return c


def is_denied(login, realm='realm1', reason=DENIED, **kw):
    c = client(**kw)
    m = login.join(c, realm)
    assert m[0] == ABORT and m[2] == reason, m
    c.expect_closed()
    return m


def right_secrets():
    for cls, authid, secret, role in RIGHT:
        with joins(cls(authid, secret)) as c:
            assert c.welcome['authrole'] == role, c.welcome
            c.subscribe('com.example.t')
            c.goodbye()


def wrong_secrets():
    messages = set()
    for cls, authid, secret, _ in RIGHT:
        messages.add(str(is_denied(cls(authid, wrong(secret)))))
        messages.add(str(is_denied(cls('nobody', secret))))
    assert len(messages) == 1, messages


def same_connection_again():
    """After GOODBYE another HELLO, another dialogue."""
    c = joins(Cra('bob', 'builder'))
    c.goodbye()
    m = Ticket('alice', 'wonder').join(c)
    assert m[0] == WELCOME, m
    c.close()


def T84_order_of_the_realm():
    both = {'details': {'authmethods': ['ticket', 'wampcra']}}
    c = client()
    m = Cra('gina', 'secret', details={'authmethods': ['ticket',
                                                       'wampcra']})
    # realm1 has ticket first, "order" wampcra
    c.send(HELLO, 'realm1', dict(ROLES, authid='gina', **both['details']))
    assert c.recv()[1] == 'ticket'
    c.close()
    c = client()
    c.send(HELLO, 'order', dict(ROLES, authid='gina', **both['details']))
    assert c.recv()[1] == 'wampcra'
    c.close()
    # his other proof decides where the first method is not his
    c = client()
    c.send(HELLO, 'realm1', dict(ROLES, authid='bob', **both['details']))
    assert c.recv()[1] == 'wampcra'
    c.close()
    # ticket stands behind anonymous there
    c = client()
    m = c.join('order', {'authid': 'alice', 'authmethods': [
        'ticket', 'anonymous']})
    assert m[2]['authrole'] == 'guest' and m[2]['authid'] != 'alice', m
    c.close()


def T84_none_matches():
    for methods in (['cookie'], ['anonymous'], ['tls'], ['socket', 'x']):
        c = client()
        c.send(HELLO, 'realm1', dict(ROLES, authid='alice',
                                     authmethods=methods))
        c.expect_abort(NONE)


def T85_no_authmethods():
    c = client()
    c.send(HELLO, 'realm1', dict(ROLES, authid='alice'))
    c.expect_abort(NONE)
    c = client()
    m = c.join('order', {'authid': 'alice'})
    assert m[2]['authmethod'] == 'anonymous', m
    c.close()


def T85_unknown_names_are_skipped():
    joins(Ticket('alice', 'wonder', details={
        'authmethods': ['x-own', 'ticket', 'cookie']})).close()


def T86_unknown_looks_the_same():
    """As many shapes as there are, the same each time."""
    def shape(authid):
        c = client()
        c.send(HELLO, 'realm1', dict(
            ROLES, authid=authid, authextra={'nonce': 'n0nce'},
            authmethods=['wamp-scram', 'wampcra', 'ticket']))
        m = c.recv()
        c.close()
        assert m[0] == CHALLENGE, m
        e = dict(m[2])
        if 'nonce' in e:
            e['nonce'] = len(e['nonce'])
        if 'challenge' in e:
            text = json.loads(e['challenge'])
            e['challenge'] = text['authrole'], len(text['nonce'])
        return m[1], tuple(sorted(e.items()))
    seen = set()
    for i in range(200):
        s = shape('stranger%d' % i)
        assert s == shape('stranger%d' % i)
        seen.add((s[0], tuple(k for k, _ in s[1])))
    known = set()
    for authid in ('alice', 'bob', 'carol', 'dave', 'erin'):
        s = shape(authid)
        known.add((s[0], tuple(k for k, _ in s[1])))
    assert seen <= known and len(seen) > 2, (seen, known)


def T87_challenge_of_cra():
    c = client()
    for authid in ('bob', 'carol', 'who is "that"\\\n'):
        c = client()
        login = Cra(authid, 'x')
        m = login.hello(c)
        if m[0] == CHALLENGE:
            login.answer(m[2])
            assert login.text['authid'] == authid
            assert re_iso(login.text['timestamp']), login.text
        c.close()


def re_iso(text):
    time.strptime(text, '%Y-%m-%dT%H:%M:%S.' + text[20:23] + 'Z')
    return abs(time.time() - time.mktime(time.strptime(
        text[:19], '%Y-%m-%dT%H:%M:%S')) + time.timezone) < 60


def T88_answers_to_another_challenge():
    for cls, authid, secret, _ in RIGHT:
        if cls is Ticket:
            continue
        c = client()
        login = cls(authid, secret)
        m = login.hello(c)
        old = login.answer(m[2])
        c.send(AUTHENTICATE, *old)
        assert c.recv()[0] == WELCOME
        c.close()
        c = client()
        m = cls(authid, secret).hello(c)
        assert m[0] == CHALLENGE, m
        c.send(AUTHENTICATE, *old)
        m = c.recv()
        assert m[0] == ABORT and m[2] == DENIED, (cls, m)
        c.expect_closed()


def T88_message_of_a_signature():
    def sign(make, ok):
        c = client()
        login = Cryptosign('frank', KEY)
        msg = bytes.fromhex(login.hello(c)[2]['challenge'])
        c.send(AUTHENTICATE, make(msg), {})
        m = c.recv()
        assert m[0] == (WELCOME if ok else ABORT), m
        c.close()
    def both(msg, signed=None, key=KEY):
        return key.sign(signed or msg).signature.hex() + msg.hex()
    other = os.urandom(32)
    sign(both, True)
    sign(lambda m: both(m).upper(), True)
    sign(lambda m: both(m)[:128], True)         # over our challenge as well
    sign(lambda m: both(other), False)          # whatever the client likes
    sign(lambda m: both(m, other), False)
    sign(lambda m: both(other, m), False)
    sign(lambda m: both(m, key=OTHER), False)
    sign(lambda m: both(m)[:126], False)
    sign(lambda m: both(m) + '00', False)
    sign(lambda m: 'zz' + both(m)[2:], False)
    sign(lambda m: '', False)


def T88_key_that_is_not_announced():
    c = client()
    c.send(HELLO, 'realm1', dict(ROLES, authid='frank', authmethods=[
        'cryptosign']))
    msg = bytes.fromhex(c.recv()[2]['challenge'])
    c.send(AUTHENTICATE, KEY2.sign(msg).signature.hex(), {})
    assert c.recv()[0] == WELCOME
    c.close()
    # announced another of his keys than the one that signs
    c = client()
    Cryptosign('frank', KEY).hello(c)
    c.close()
    c = client()
    login = Cryptosign('frank', KEY)
    msg = bytes.fromhex(login.hello(c)[2]['challenge'])
    c.send(AUTHENTICATE, KEY2.sign(msg).signature.hex() + msg.hex(), {})
    assert c.recv()[0] == ABORT
    c.close()


def cryptosign_without_authid():
    c = joins(Cryptosign(None, KEY2))
    assert c.welcome['authid'] == 'frank', c.welcome
    c.close()
    is_denied(Cryptosign(None, OTHER))


def T89_channel_binding_is_not_offered():
    login = Cryptosign('frank', KEY)
    login.extra = lambda: {'pubkey': public_hex(KEY),
                           'channel_binding': 'tls-unique'}
    joins(login).close()


def T90_scram_nonces_and_bindings():
    for cls in (WampScram, Scram):
        for bad in ('', 'a,b', 'a b', 'ü', 'x' * 257, 5):
            login = cls('dave', 'bowman')
            login.extra = lambda: {'nonce': bad}
            c = client()
            m = login.hello(c)
            assert m[0] == ABORT and m[2] == NONE, m
            c.close()
    # the keeper's part of the nonce must fit behind it
    for cls in (WampScram, Scram):
        for n, code in ((232, WELCOME), (233, ABORT)):
            login = cls('dave', 'bowman')
            def extra():
                login.nonce = 'x' * n
                return {'nonce': login.nonce}
            login.extra = extra
            c = client()
            m = login.join(c)
            assert m[0] == code, m
            assert code == WELCOME or m[2] == NONE, m
            c.close()
    # wamp-scram asks for a binding that there is not: the method is out
    login = WampScram('dave', 'bowman')
    login.extra = lambda: {'nonce': 'abc', 'channel_binding': 'tls-unique'}
    c = client()
    m = login.hello(c)
    assert m[0] == ABORT and m[2] == NONE, m
    c.close()
    for change in ({'nonce': 'another'}, {'channel_binding': 'tls-unique'},
                   {'cbind_data': 'AAAA'}, {'nonce': None}):
        login = WampScram('dave', 'bowman')
        final = WampScram.final
        login.final = lambda e: dict(final(login, e), **change)
        is_denied(login)


def T90_mock_salt_is_stable():
    def salt(authid):
        c = client()
        m = WampScram(authid, 'x').hello(c)
        c.close()
        return m[2]['salt']
    assert salt('nobody1') == salt('nobody1') != salt('nobody2')


def T91_out_of_order():
    # AUTHENTICATE that nobody asked for
    c = client()
    c.send(AUTHENTICATE, 'x', {})
    c.expect_abort(PV)
    with client() as c:
        c.join('open')
        c.send(AUTHENTICATE, 'x', {})
        c.expect_abort(PV)
    # something else in between
    for m in ([HELLO, 'realm1', ROLES], [SUBSCRIBE, 1, {}, 'a.b'],
              [GOODBYE, {}, 'wamp.close.normal']):
        c = client()
        Cra('bob', 'builder').hello(c)
        c.send(*m)
        c.expect_abort(PV)
    # twice, before the verdict of the first
    c = client()
    login = Ticket('alice', 'wonder')
    login.hello(c)
    c.send(AUTHENTICATE, 'wrong', {})
    c.send(AUTHENTICATE, 'wonder', {})
    c.expect_abort(PV)
    # what is no Signature or no Extra
    for rest in ([5, {}], ['x', []], ['x'], ['x', {}, 1],
                 ['x' * 4097, {}], ['x', {'nonce': 5}]):
        c = client()
        Ticket('alice', 'wonder').hello(c)
        c.send(AUTHENTICATE, *rest)
        c.expect_abort(PV)
    # an ABORT of the client's is not answered
    c = client()
    Cra('bob', 'builder').hello(c)
    c.send(ABORT, {}, 'wamp.error.authentication_failed')
    c.expect_closed()


def T91_expires():
    with Wampd(CONF.replace('failures 10000', 'authenticate 500ms\n'
                            '\tfailures 10000'),
               macros={'sock': sock + '2', 'port': str(free_port()),
                       'users': users}) as d:
        c = Client(sock + '2', join=False)
        Cra('bob', 'builder').hello(c)
        m = c.recv(10)
        assert m[0] == ABORT, m
        c.expect_closed()


def T92_what_welcome_says():
    c = joins(Cra('carol', 'christmas'))
    w = c.welcome
    assert (w['authid'], w['authrole'], w['authmethod'],
            w['authprovider'], w['realm']) == (
        'carol', 'admin', 'wampcra', 'static', 'realm1'), w
    c.close()
    c = client()
    w = c.join('open', {'authid': 'carol'})[2]
    assert w['authid'] != 'carol' and w['authmethod'] == 'anonymous', w
    c.close()


def role_of_another_realm():
    """The file serves "open" not at all, whatever it says."""
    c = client()
    c.send(HELLO, 'open', dict(ROLES, authid='alice',
                               authmethods=['ticket']))
    c.expect_abort(NONE)


def long_texts():
    c = client()
    c.send(HELLO, 'realm1', dict(ROLES, authid='x' * 257,
                                 authmethods=['ticket']))
    c.expect_abort(PV)
    c = client()
    c.send(HELLO, 'realm1', dict(ROLES, authid='x', authextra={
        'y': 'z' * 5000}, authmethods=['ticket']))
    c.expect_abort(PV)
    is_denied(Ticket('x' * 256, 'y' * 4096))
    is_denied(Cra('"\\\x01' * 85, 'y'))


def one_address_does_not_take_all():
    """Of the hashes that wait, an address has a quarter at most."""
    conns = [client() for i in range(90)]
    for c in conns:
        assert Ticket('slow', 'hash').hello(c)[0] == CHALLENGE
    for c in conns:
        c.send(AUTHENTICATE, 'hash', {})
    other = Client(('127.0.0.1', port), join=False)
    m = Ticket('alice', 'wonder').join(other)
    assert m[0] == WELCOME, m
    other.close()
    ends = []
    for c in conns:
        m = c.recv(60)
        ends.append(m[0])
        assert m[0] == WELCOME or \
            m[2] == 'wamp.error.authentication_failed', m
        c.close()
    assert 64 <= ends.count(WELCOME) < 90, ends
    daemon.wait_log('auth failed .*authid=slow .*too many log-ins wait')


def log_line():
    is_denied(Cra('mallory\n[x]', 'guess'))
    daemon.wait_log(r'auth failed realm=realm1 authid=mallory\\n\[x\] '
                    r'method=\w+ address=\S+ reason="unknown"')
    is_denied(Cra('bob', 'guess'))
    daemon.wait_log(r'auth failed realm=realm1 authid=bob method=wampcra '
                    r'address=\S+ reason="wrong secret"')
    assert 'guess' not in daemon.log()
    for _, _, secret, _ in RIGHT:
        assert isinstance(secret, str) is False or \
            secret not in daemon.log(), secret


CASES = [v for k, v in list(globals().items()) if callable(v) and
         getattr(v, '__module__', None) == __name__ and
         k not in ('client', 'wrong', 'joins', 'is_denied', 're_iso')]
EVERYWHERE = (right_secrets, wrong_secrets, T88_answers_to_another_challenge,
              T91_out_of_order, same_connection_again)

directory = tmpdir()
sock = os.path.join(directory, 's')
users = os.path.join(directory, 'users')
with open(users, 'w') as f:
    f.write('\n'.join(USERS) + '\n')
os.chmod(users, 0o600)
port = free_port()
with Wampd(CONF, macros={'sock': sock, 'port': str(port),
                         'users': users}) as daemon:
    for case in CASES:
        run_case(case)
    for variant in itertools.product(('rawsocket', 'websocket'),
                                     ('json', 'msgpack', 'cbor')):
        if variant != ('rawsocket', 'msgpack'):
            for case in EVERYWHERE:
                run_case(case, '%s %s: ' % variant)
done()
