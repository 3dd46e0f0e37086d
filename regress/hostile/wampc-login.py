# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Routers that ask a client that logs in for what they must not: wampc does
# no more work than is proper, proves nothing to them, and does not join.

import base64
import os

from daemon import done, run_case, tmpdir
from fakelogin import Cra, Cryptosign, Scram, Ticket
from wampcrun import Place, bound, expect, make_certs

VIOLATION = 'wamp.error.protocol_violation'
ABORTED = 'wamp.error.authentication_failed'
ADD = ('call', 'com.example.add', '1', '2')
DIR = tmpdir()
PUBLIC = bytes.fromhex(     # RFC 8032, 7.1, test 1
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, 'w', opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(text)
    return path


TICKET = ['--ticket-file', write('ticket', 'the ticket')]
SECRET = ['--secret-file', write('secret', 'pencil')]
KEY = ['--key-file', write('key', SEED)]
FILES = TICKET + SECRET + KEY + ['--authid', 'joe']
LOGINS = {
    'ticket': lambda **kw: Ticket('joe', 'the ticket', **kw),
    'wampcra': lambda **kw: Cra('joe', 'pencil', **kw),
    'salted': lambda **kw: Cra('joe', 'pencil', 'salt', **kw),
    'wamp-scram': lambda **kw: Scram('wamp-scram', 'joe', 'pencil', **kw),
    'argon2id13': lambda **kw: Scram('wamp-scram', 'joe', 'pencil',
                                     'argon2id13', 2, 4096, **kw),
    'scram': lambda **kw: Scram('scram', 'joe', 'pencil', **kw),
    'argon2id-13': lambda **kw: Scram('scram', 'joe', 'pencil',
                                      'argon2id-13', 2, 4096, **kw),
    'cryptosign': lambda **kw: Cryptosign(PUBLIC, 'joe', **kw),
}
SCRAMS = ('wamp-scram', 'argon2id13', 'scram', 'argon2id-13')


def only(method):
    return ['--authid', 'joe', '--auth', method] + {
        'ticket': TICKET, 'cryptosign': KEY}.get(method, SECRET)


def refused(login, status, err, answered=False):
    """Runs against login: no session, and no proof unless answered."""
    with Place('unix', 'cbor', on_message=login) as p:
        r = p.run(*only(login.method), *ADD)
        try:
            expect(r, status, '', err)
            conn = p.router.conns[0]
            p.router.wait(lambda: conn.messages[-1][0] in (3, 6))
        except AssertionError:
            raise AssertionError('%r' % r)
        codes = [m[0] for m in conn.messages]
        assert (5 in codes) == answered, codes
        assert 48 not in codes, codes
        assert conn.messages[-1][2] == (
            VIOLATION if status == 5 else ABORTED), conn.messages[-1]
        assert 'the ticket' not in repr(conn.messages) or \
            login.method == 'ticket'


# login, changes of CHALLENGE.Extra (... removes), exit status, text
GONE = ...
CHALLENGES = [
    ('wampcra', {'challenge': GONE}, 5, 'without a challenge'),
    ('wampcra', {'challenge': None}, 5, 'without a challenge'),
    ('wampcra', {'challenge': 5}, 5, 'without a challenge'),
    ('wampcra', {'challenge': b'x'}, 5, 'without a challenge'),
    ('wampcra', {'challenge': 'a\0b'}, 5, 'without a challenge'),
    ('wampcra', {'challenge': 'x' * 9000}, 5, 'without a challenge'),
    ('salted', {'salt': 5}, 5, 'malformed salt'),
    ('salted', {'salt': 'x' * 9000}, 5, 'malformed salt'),
    ('salted', {'iterations': 0}, 5, 'malformed salt'),
    ('salted', {'iterations': -1}, 5, 'malformed salt'),
    ('salted', {'iterations': '1000'}, 5, 'malformed salt'),
    ('salted', {'iterations': 1 << 32}, 5, 'malformed salt'),
    ('salted', {'iterations': 1000.5}, 5, 'malformed salt'),
    ('salted', {'keylen': 0}, 5, 'malformed salt'),
    ('salted', {'keylen': 129}, 5, 'malformed salt'),
    ('salted', {'keylen': 1 << 40}, 5, 'malformed salt'),
    ('salted', {'iterations': 10000001}, 4, 'refused: .* 10000001 iterat'),
    ('salted', {'iterations': 0xffffffff}, 4, 'refused: .* iterations'),
    ('cryptosign', {'challenge': GONE}, 5, 'without 32 octets'),
    ('cryptosign', {'challenge': 'ff' * 31}, 5, 'without 32 octets'),
    ('cryptosign', {'challenge': 'ff' * 33}, 5, 'without 32 octets'),
    ('cryptosign', {'challenge': 'fg' * 32}, 5, 'without 32 octets'),
    ('cryptosign', {'challenge': 'f' * 5000}, 5, 'without 32 octets'),
    ('cryptosign', {'challenge': b'f' * 64}, 5, 'without 32 octets'),
    ('cryptosign', {'channel_binding': 'tls-unique'}, 5, 'unasked'),
    ('cryptosign', {'channel_binding': 0}, 5, 'unasked'),
]
# what the other dialect calls it
OTHERS = {'wamp-scram': 'argon2id-13', 'argon2id13': 'argon2id-13',
          'scram': 'argon2id13', 'argon2id-13': 'argon2id13'}
for _name in SCRAMS:
    CHALLENGES += [(_name, change, 5, err) for change, err in (
        ({'nonce': GONE}, 'without a nonce'),
        ({'nonce': 7}, 'without a nonce'),
        ({'nonce': 'x' * 600}, 'without a nonce'),
        ({'nonce': 'a,r=b'}, 'without a nonce'),
        ({'salt': GONE}, 'without a salt'),
        ({'salt': ''}, 'without a salt'),
        ({'salt': 'c2FsdA=='}, 'without a salt'),
        ({'salt': 'c2FsdHNhbHRzYWx0'[:-1]}, 'without a salt'),
        ({'salt': 'c2FsdHNhbHRz YWx0'}, 'without a salt'),
        ({'salt': base64.b64encode(b's' * 257).decode()}, 'without a salt'),
        ({'salt': b'saltsalt'}, 'without a salt'),
        ({'kdf': GONE}, 'unknown kdf'), ({'kdf': None}, 'unknown kdf'),
        ({'kdf': 'bcrypt'}, 'unknown kdf'), ({'kdf': 2}, 'unknown kdf'),
        ({'kdf': OTHERS[_name]}, 'unknown kdf'),
        ({'iterations': GONE}, 'malformed costs'),
        ({'iterations': None}, 'malformed costs'),
        ({'iterations': '4096'}, 'malformed costs'),
        ({'iterations': 1 << 32}, 'malformed costs'),
        ({'memory': -1}, 'malformed costs'),
        ({'memory': 1 << 32}, 'malformed costs'),
        ({'memory': '1'}, 'malformed costs'),
        ({'channel_binding': 'tls-exporter'}, 'unasked'),
        ({'channel_binding': 1}, 'unasked'))]
    CHALLENGES += [(_name, {'nonce': n}, 3, 'nonce does not continue ours')
                   for n in ('', 'c2VydmVy', 'A' * 48)]
for _name in ('wamp-scram', 'scram'):
    CHALLENGES += [(_name, {'iterations': n}, 4, 'refused: .* iterations')
                   for n in (0, 1, 4095, 10000001, 0xffffffff)]
for _name in ('argon2id13', 'argon2id-13'):
    CHALLENGES += [
        (_name, change, 4, 'refused: .* iterations over .* KiB')
        for change in ({'iterations': 0}, {'iterations': 1},
                       {'memory': GONE}, {'memory': None}, {'memory': 0},
                       {'memory': 1048577}, {'memory': 0xffffffff},
                       {'iterations': 1, 'memory': 8191},
                       {'iterations': 16777217, 'memory': 1},
                       {'iterations': 17, 'memory': 1048576},
                       {'iterations': 0xffffffff, 'memory': 1048576})]
    # within the bounds, but no lane of argon2's
    CHALLENGES.append((_name, {'iterations': 2048, 'memory': 4}, 1, 'short'))


def malformed_challenges(name):
    for which, change, status, err in CHALLENGES:
        if which != name:
            continue

        def alter(what, message):
            if what == 'challenge':
                message[2].update(change)
                for k in [k for k in change if change[k] is GONE]:
                    del message[2][k]
        try:
            refused(LOGINS[name](change=alter), status, err)
        except AssertionError as e:
            raise AssertionError('%r: %s' % (change, e))


def nonce_of_ours_alone():
    """the router's nonce adds nothing to it"""
    for name in SCRAMS:
        def alter(what, message):
            message[2]['nonce'] = login.hello['authextra']['nonce']
        login = LOGINS[name](change=alter)
        refused(login, 3, 'nonce does not continue ours')


def out_of_turn(name):
    """second CHALLENGE, method not announced, malformed CHALLENGE"""
    method = LOGINS[name]().method

    def twice(what, message):
        return [message, message] if what == 'challenge' else None
    with Place(on_message=LOGINS[name](change=twice)) as p:
        r = p.run(*only(method), *ADD)
        expect(r, 5, '', 'a second CHALLENGE')
    for bad in ([4, method], [4, method, []], [4, method, None],
                [4, method, {}, 1], [4, None, {}], [4, 5, {}],
                [4, method.encode(), {}]):
        refused(LOGINS[name](change=lambda what, m: bad), 5, VIOLATION)
    for other in ('ticket', 'wampcra', 'scram', 'wamp-scram', 'cryptosign',
                  'magic', '', method + ' ', method.upper(), 'x' * 10000):
        if other != method:
            refused(LOGINS[name](change=lambda what, m: [4, other, m[2]]), 4,
                    'refused: the router asks for authentication by')


def no_challenge(name):
    """WELCOME at once: the proof was to come first"""
    welcome = [2, 1, {'roles': {'broker': {}, 'dealer': {}},
                      'authid': 'joe', 'authextra': {'verifier': 'v='}}]
    refused(LOGINS[name](change=lambda what, m: welcome), 3,
            'router not trusted: it asks for no proof')


def unproven(name):
    """WELCOME without the router's proof, or with a wrong one"""
    member = 'verifier' if LOGINS[name]().method == 'wamp-scram' else \
        'scram_server_signature'
    wrong = base64.b64encode(b'x' * 32).decode()

    def extras(right):
        yield from (GONE, None, 5, [], {}, {member: None}, {member: 5},
                    {member: ''}, {member: 'v='}, {member: wrong},
                    {member: 'v=' + wrong}, {member: right[:-1]},
                    {member: right + '='}, {member: ' ' + right},
                    {member: right.encode()}, {member: 'x' * 5000},
                    {member: right.swapcase()})
    n = 0
    while True:
        def alter(what, message):
            if what != 'welcome':
                return
            right = message[2]['authextra'][member]
            all_ = list(extras(right))
            alter.left = len(all_) - n
            if all_[n] is GONE:
                del message[2]['authextra']
            else:
                message[2]['authextra'] = all_[n]
        try:
            refused(LOGINS[name](change=alter), 3, 'router not trusted: it',
                    True)
        except AssertionError as e:
            raise AssertionError('case %d: %s' % (n, e))
        n += 1
        if alter.left == 1:
            return


def proof_of_another_exchange():
    """a router that repeats what it saw an hour ago"""
    old = []

    def record(what, message):
        old.append(message)
    first = LOGINS['wamp-scram'](change=record)
    with Place(on_message=first) as p:
        expect(p.run(*FILES, *ADD), 0, '{"args":[3],"kwargs":{}}\n')
    # the same salt, nonce of its own: a right proof for other nonces
    refused(LOGINS['wamp-scram'](
        change=lambda what, m: old[1] if what == 'welcome' else None), 3,
        'proof that it knows the password is wrong', True)


def with_and_without_v():
    """base64, as it is said, and "v=", as it is shown"""
    def alter(what, message):
        if what == 'welcome':
            v = message[2]['authextra']
            assert v['verifier'].startswith('v=')
            v['verifier'] = v['verifier'][2:]
    for change in (alter, None):
        with Place(on_message=LOGINS['wamp-scram'](change=change)) as p:
            expect(p.run(*FILES, *ADD), 0, '{"args":[3],"kwargs":{}}\n')


def prohibited_characters():
    """in a password, and in an authid of Autobahn's dialect"""
    path = write('control', 'a\x07b')
    for name in ('wamp-scram', 'argon2id13', 'scram'):
        login = LOGINS[name]()
        with Place(on_message=login) as p:
            expect(p.run('--authid', 'joe', '--secret-file', path, *ADD), 1,
                   '', 'SASLprep')
            assert [m[0] for m in p.router.conns[0].messages][:2] != [1, 5]
    for name, status in (('scram', 1), ('wamp-scram', 0)):
        login = LOGINS[name]()
        login.authid = 'jo\x07e'
        with Place(on_message=login) as p:
            r = p.run('--authid', login.authid, '--secret-file',
                      write('p', 'pencil'), '--auth', name, *ADD)
            assert r.status == status, r


def main():
    make_certs()
    for name in LOGINS:
        if name != 'ticket':
            run_case(bound(malformed_challenges, name), name + ': ')
        run_case(bound(out_of_turn, name), name + ': ')
        run_case(bound(no_challenge, name), name + ': ')
        if name in SCRAMS:
            run_case(bound(unproven, name), name + ': ')
    for fn in (nonce_of_ours_alone, proof_of_another_exchange,
               with_and_without_v, prohibited_characters):
        run_case(fn)
    done()


main()
