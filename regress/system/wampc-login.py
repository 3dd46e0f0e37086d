# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampc logs in by every method, over every transport, with right and wrong
# secrets, from files of every form and from a terminal.

import os
import re
import subprocess

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import \
    Ed25519PrivateKey

from daemon import IS_ROOT, Skip, done, run_case, tmpdir
from fakelogin import Cra, Cryptosign, Scram, Ticket
from terminal import Terminal
from wampcrun import SERIALIZERS, Place, bound, expect, line, make_certs

DENIED = '^wampc: wamp.error.authentication_denied: no$'
ADD = ('call', 'com.example.add', '1', '2')
THREE = line('[3]')
DIR = tmpdir()
_files = 0


def secret(content, mode=0o600):
    """a new file with this content"""
    global _files
    _files += 1
    path = os.path.join(DIR, 'secret%d' % _files)
    with open(path, 'wb') as f:
        f.write(content.encode() if isinstance(content, str) else content)
    os.chmod(path, mode)
    return path


KEY = Ed25519PrivateKey.generate()
SEED = KEY.private_bytes(ser.Encoding.Raw, ser.PrivateFormat.Raw,
                         ser.NoEncryption())
PUBLIC = KEY.public_key().public_bytes(ser.Encoding.Raw,
                                       ser.PublicFormat.Raw)

# A password that SASLprep changes: to "IX aä".
TYPED, PREPARED = '\u2168\u00a0\u00aaa\u0308', 'IX aä'


def ticket_login():
    return Ticket('joe', 'tikät'), '--ticket-file', 'tikät', 'tiket'


def cra_login():
    return Cra('joe', 'sécret'), '--secret-file', 'sécret', 'secret'


def salted_cra_login():
    return (Cra('joe', 'secret', 'sält', 1234, 20), '--secret-file',
            'secret', 'Secret')


def scram_login(method, kdf):
    cost = {'pbkdf2': (4096, None), 'argon2id13': (2, 4096),
            'argon2id-13': (16, 512)}[kdf]
    # Autobahn's KDF takes the password as it is
    want = TYPED if kdf == 'argon2id-13' else PREPARED
    return (Scram(method, 'joe,=x' if method == 'wamp-scram' else 'joe',
                  want, kdf, *cost), '--secret-file', TYPED, 'pencil')


def cryptosign_login():
    return (Cryptosign(PUBLIC, 'joe'), '--key-file', SEED.hex(),
            (b'\1' * 32).hex())


LOGINS = [
    ('ticket', ticket_login), ('wampcra', cra_login),
    ('salted wampcra', salted_cra_login),
    ('wamp-scram pbkdf2', lambda: scram_login('wamp-scram', 'pbkdf2')),
    ('wamp-scram argon2id13', lambda: scram_login('wamp-scram',
                                                  'argon2id13')),
    ('scram pbkdf2', lambda: scram_login('scram', 'pbkdf2')),
    ('scram argon2id-13', lambda: scram_login('scram', 'argon2id-13')),
    ('cryptosign', cryptosign_login),
]
PLACES = [('unix', s) for s in SERIALIZERS] + [
    ('rss', 'msgpack'), ('wss', 'json'), ('rs', 'cbor'), ('ws', 'msgpack')]


def log_in(make, transport, serializer):
    """right and wrong secret"""
    for right in (True, False):
        login, option, good, bad = make()
        with Place(transport, serializer, on_message=login) as p:
            r = p.run('--auth', login.method, '--authid', login.authid,
                      option, secret((good if right else bad) + '\n'), *ADD)
            expect(r, 0 if right else 4, THREE if right else '',
                   None if right else DENIED)
            assert login.authenticate is not None


def announced():
    """what HELLO says for each set of options"""
    t, s = secret('x'), secret('y')
    k = secret(SEED)
    joe = ['--authid', 'joe']
    for args, methods, extra in (
            ([], None, None),
            (joe + ['--ticket-file', t], ['ticket'], None),
            (joe + ['--secret-file', s],
             ['wamp-scram', 'scram', 'wampcra'], {'nonce'}),
            (['--key-file', k], ['cryptosign'], {'pubkey'}),
            (joe + ['--key-file', k, '--secret-file', s, '--ticket-file', t],
             ['cryptosign', 'wamp-scram', 'scram', 'wampcra', 'ticket'],
             {'nonce', 'pubkey'}),
            (joe, ['wamp-scram', 'scram', 'wampcra', 'ticket'], {'nonce'}),
            (joe + ['--auth', 'wampcra,ticket,wampcra,anonymous'],
             ['wampcra', 'ticket', 'anonymous'], None),
            (['--auth', 'tls,socket'], ['tls', 'socket'], None)):
        def hook(conn, m):
            if m[0] == 1:
                conn.send([3, {}, 'wamp.error.no_such_role'])
                return True
        with Place(on_message=hook) as p:
            expect(p.run(*args, *ADD), 4, '', 'no_such_role')
            d = p.router.conns[0].messages[0][2]
        assert d.get('authmethods') == methods, (args, d)
        assert d.get('authid') == ('joe' if joe[1] in args else None), d
        assert set(d.get('authextra', ())) == (extra or set()), (args, d)
        if extra and 'pubkey' in extra:
            assert d['authextra']['pubkey'] == PUBLIC.hex(), d
        if extra and 'nonce' in extra:
            assert re.match('[A-Za-z0-9+/]{24}$', d['authextra']['nonce'])


def nonces_differ():
    seen = set()
    for _ in range(3):
        login = Scram('wamp-scram', 'joe', 'pencil')
        with Place(on_message=login) as p:
            p.run('--authid', 'joe', '--secret-file', secret('pencil'), *ADD)
        seen.add(login.client_nonce)
    assert len(seen) == 3, seen


def no_ticket_in_the_clear():
    """a password that will be asked for is no ticket without TLS"""
    def hook(conn, m):
        if m[0] == 1:
            conn.send([3, {}, 'a.b'])
            return True
    for transport, has in (('rs', False), ('ws', False), ('rss', True),
                           ('unix', True)):
        with Place(transport, on_message=hook) as p:
            p.run('--authid', 'joe', *ADD)
            d = p.router.conns[0].messages[0][2]
        assert ('ticket' in d['authmethods']) == has, (transport, d)


# -- files --------------------------------------------------------------------

def key_forms():
    """raw, hexadecimal, Crossbar.io's, OpenSSH's, PKCS#8"""
    openssh = KEY.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH,
                                ser.NoEncryption())
    pem = KEY.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8,
                            ser.NoEncryption())
    crossbar = ('Crossbar.io node private key - KEEP THIS SAFE!\n\n'
                'creator: joe@example.com\npublic-key-ed25519: %s\n'
                'private-key-ed25519: %s\n' % (PUBLIC.hex(), SEED.hex()))
    for form in (SEED, SEED.hex(), SEED.hex().upper() + '\r\n',
                 (SEED + PUBLIC).hex() + '\n', crossbar, openssh, pem):
        with Place(on_message=Cryptosign(PUBLIC)) as p:
            r = p.run('--key-file', secret(form), *ADD)
            assert (r.status, r.out) == (0, THREE), (form, r)


def keys_of_ssh_keygen():
    """with and without passphrase, and of another type"""
    for args, status, err in ((['-t', 'ed25519', '-N', ''], 0, None),
                              (['-t', 'ed25519', '-N', 'phrase'], 1,
                               'is encrypted'),
                              (['-t', 'ecdsa', '-N', ''], 1,
                               'another type than Ed25519')):
        path = os.path.join(tmpdir(), 'id')
        try:
            subprocess.run(['ssh-keygen', '-q', '-f', path] + args,
                           check=True, stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            raise Skip('no ssh-keygen')
        with open(path + '.pub', 'rb') as f:
            pub = ser.load_ssh_public_key(f.read())
        raw = b'' if '-t ed25519' not in ' '.join(args) else \
            pub.public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)
        with Place(on_message=Cryptosign(raw)) as p:
            expect(p.run('--key-file', path, *ADD), status,
                   '' if status else THREE, err)


def bad_keys():
    """damaged, encrypted, of another type: exit 1, and nothing is sent"""
    openssh = KEY.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH,
                                ser.NoEncryption())
    locked = KEY.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8,
                               ser.BestAvailableEncryption(b'phrase'))
    other = ec.generate_private_key(ec.SECP256R1())
    p256 = [other.private_bytes(ser.Encoding.PEM, f, ser.NoEncryption())
            for f in (ser.PrivateFormat.PKCS8, ser.PrivateFormat.OpenSSH)]
    lines = openssh.splitlines(True)
    for content, err in (
            (b'', 'no Ed25519 key'), (SEED + b'x', 'no Ed25519 key'),
            (SEED[:31], 'no Ed25519 key'), (SEED.hex()[1:], 'no Ed25519 k'),
            (SEED.hex() + ' ' + PUBLIC.hex(), 'no Ed25519 key'),
            ((SEED + SEED).hex(), "another one's"),
            ('private-key-ed25519: 12\n', 'no Ed25519 key'),
            (locked, 'is encrypted'), (p256[0], 'another type'),
            (p256[1], 'another type'), (openssh[:-40], 'is damaged'),
            (b''.join(lines[:2] + lines[-1:]), 'is damaged'),
            (b''.join(lines[:-2] + [lines[-2][4:]] + lines[-1:]),
             'is damaged'),
            (b''.join(lines[:1] + lines[-1:]), 'is damaged'),
            ('-----BEGIN PRIVATE KEY-----\nAAAA\n'
             '-----END PRIVATE KEY-----\n', 'is damaged'),
            (b'x' * 16385, 'longer than 16384 octets')):
        with Place(on_message=Cryptosign(PUBLIC)) as p:
            r = p.run('--key-file', secret(content), *ADD)
            assert r.status == 1 and re.search(err, r.err), (content, r)
            assert not p.router.conns


def file_rules():
    """whose it is and who may read it; what is in it"""
    for option in ('--ticket-file', '--secret-file', '--key-file'):
        for mode in (0o640, 0o620, 0o604, 0o602, 0o777):
            with Place() as p:
                expect(p.run('--authid', 'joe', option,
                             secret(SEED.hex(), mode), *ADD), 1, '',
                       'others than its owner may read or write')
                assert not p.router.conns
        with Place() as p:
            expect(p.run('--authid', 'joe', option, '/nonexistent', *ADD),
                   1, '', '/nonexistent: No such file')
            expect(p.run('--authid', 'joe', option, DIR, *ADD), 1, '',
                   'others|cannot be read')
    for content, err in (('', 'empty'), ('\n', 'empty'),
                         ('a\nb\n', 'not one line'), (b'a\0b', 'not one'),
                         (b'\xff', 'not UTF-8'), ('a' * 1024, 'longer than')):
        for option in ('--ticket-file', '--secret-file'):
            with Place() as p:
                expect(p.run('--authid', 'joe', option, secret(content),
                             *ADD), 1, '', err)
                assert not p.router.conns
    for n, newline in ((1023, ''), (1022, '\n')):
        with Place(on_message=Ticket('joe', 'a' * n)) as p:
            expect(p.run('--authid', 'joe', '--ticket-file',
                         secret('a' * n + newline), *ADD), 0, THREE)


def file_of_another_user():
    if not IS_ROOT:
        raise Skip('needs root')
    path = secret('x')
    os.chown(path, 12345, 0)
    with Place() as p:
        expect(p.run('--authid', 'joe', '--ticket-file', path, *ADD), 1, '',
               'belongs to user 12345')


def file_from_a_pipe():
    """as a shell's <(command) gives it"""
    r, w = os.pipe()
    os.write(w, b'tick\n')
    os.close(w)
    with Place(on_message=Ticket('joe', 'tick')) as p:
        q = p.run('--authid', 'joe', '--ticket-file', '/dev/fd/%d' % r,
                  *ADD, pass_fds=[r])
        expect(q, 0, THREE)
    os.close(r)


def usage():
    t, s, k = secret('x'), secret('y'), secret(SEED)
    for args, err in (
            (['--auth', 'magic'], '--auth: must be a list of'),
            (['--auth', 'ticket,'], '--auth: must be a list of'),
            (['--auth', ''], '--auth: must be a list of'),
            (['--authid', ''], '--authid: not a name'),
            (['--authid', b'\xff'], '--authid: not a name'),
            (['--ticket-file', t], '--authid is missing'),
            (['--secret-file', s], '--authid is missing'),
            (['--auth', 'wampcra'], '--authid is missing'),
            (['--auth', 'cryptosign'], '--key-file is missing'),
            (['--authid', 'joe', '--auth', 'ticket', '--secret-file', s],
             '--secret-file: --auth names no'),
            (['--authid', 'joe', '--auth', 'scram', '--ticket-file', t],
             '--ticket-file: --auth names no'),
            (['--authid', 'joe', '--auth', 'scram', '--key-file', k],
             '--key-file: --auth names no')):
        with Place() as p:
            expect(p.run(*args, *ADD), 1, '', err)
            assert not p.router.conns


# -- the terminal -------------------------------------------------------------

def asked_at_the_terminal(login):
    """echo is off, and the password right"""
    with Place('unix', on_message=login) as p:
        t = Terminal(p.args + ['--auth', login.method, '--authid', 'joe',
                               *ADD])
        t.until(b'Password of joe: ')
        t.type(b'pencil\n')
        expect(t.end(), 0, THREE)
        assert b'pencil' not in t.seen, t.seen


def nothing_typed():
    with Place('unix', on_message=Cra('joe', 'pencil')) as p:
        t = Terminal(p.args + ['--authid', 'joe', *ADD])
        t.until(b'Password of joe: ')
        t.type(b'\n')
        expect(t.end(), 1, '', 'password is empty')
        p.router.wait(lambda: p.router.conns[0].messages[-1][0] == 3)
        assert [m[0] for m in p.router.conns[0].messages] == [1, 3]


def no_terminal():
    with Place('unix', on_message=Cra('joe', 'pencil')) as p:
        expect(p.run('--authid', 'joe', *ADD, start_new_session=True), 1, '',
               'no terminal.*--secret-file')
    with Place('unix', on_message=Ticket('joe', 'pencil')) as p:
        expect(p.run('--authid', 'joe', *ADD, start_new_session=True), 1, '',
               'no terminal.*--ticket-file')


def not_asked_without_need():
    """a router that lets us in as we are"""
    with Place('unix') as p:
        expect(p.run('--authid', 'joe', '--auth', 'anonymous,wampcra', *ADD,
                     start_new_session=True), 0, THREE)


def main():
    make_certs()
    for name, make in LOGINS:
        for place in PLACES:
            run_case(bound(log_in, make, *place), '%s, %s %s: ' % (
                (name,) + place))
    for fn in (announced, nonces_differ, no_ticket_in_the_clear, key_forms,
               keys_of_ssh_keygen, bad_keys, file_rules,
               file_of_another_user, file_from_a_pipe, usage):
        run_case(fn)
    for login in (Ticket('joe', 'pencil'), Cra('joe', 'pencil', 'salt'),
                  Scram('wamp-scram', 'joe', 'pencil')):
        run_case(bound(asked_at_the_terminal, login), login.method + ': ')
    for fn in (nothing_typed, no_terminal, not_asked_without_need):
        run_case(fn)
    done()


main()
