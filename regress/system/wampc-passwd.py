# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampc passwd and wampc key: lines of a users file, checked with Python's own
# primitives, and with a log-in by wampc itself.

import base64
import hashlib
import os
import re
import resource
import signal
import stat
import subprocess

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric.ed25519 import \
    Ed25519PrivateKey

from daemon import done, run_case, tmpdir
from fakelogin import Scram, argon2id, hmac256
from terminal import Terminal
from wampcrun import WAMPC, Place, bound, expect, line, wampc

ADD = ('call', 'com.example.add', '1', '2')
# SASLprep makes the second of the first
TYPED, PREPARED = '\u2168\u00a0\u00aaa\u0308', 'IX aä'
DIR = tmpdir()


def passwd(*args, password=TYPED + '\n', **kw):
    return wampc('passwd', *args, stdin=password.encode()
                 if isinstance(password, str) else password, **kw)


def fields(r, authid, method, role):
    assert (r.status, r.err) == (0, ''), r
    assert r.out.count('\n') == 1 and r.out[-1] == '\n', r
    got = r.out[:-1].split(':')
    assert got[:3] == [authid, method, role] and len(got) == 4, r
    return got[3]


def members(text):
    return dict(m.split('=', 1) for m in text.split(','))


def unb64(text):
    return base64.b64decode(text + '=' * (-len(text) % 4), validate=True)


def ticket():
    v = fields(passwd('-m', 'ticket', 'alice'), 'alice', 'ticket', 'user')
    m = re.match(r'\$argon2id\$v=19\$m=65536,t=3,p=1\$([^$=]{22})\$'
                 r'([^$=]{43})$', v)
    assert m, v
    assert argon2id(TYPED.encode(), unb64(m.group(1)), 3, 65536) == \
        unb64(m.group(2))


def wampcra():
    v = members(fields(passwd('-m', 'wampcra', '-r', 'admin', 'carol'),
                       'carol', 'wampcra', 'admin'))
    assert sorted(v) == ['iterations', 'key', 'keylen', 'salt'], v
    assert (v['iterations'], v['keylen']) == ('100000', '32'), v
    assert len(v['salt']) >= 16
    assert hashlib.pbkdf2_hmac('sha256', TYPED.encode(), v['salt'].encode(),
                               100000) == unb64(v['key'])


def scram(kdf, option):
    """the keys are right, and a router that has them lets wampc in"""
    args = ['-k', kdf] if option else []
    v = members(fields(passwd('-m', 'scram', *args, 'erin'), 'erin', 'scram',
                       'user'))
    assert v['kdf'] == kdf, v
    salt = unb64(v['salt'])
    assert len(salt) == 16
    if kdf == 'pbkdf2':
        assert int(v['iterations']) == 100000 and 'memory' not in v, v
        salted = hashlib.pbkdf2_hmac('sha256', PREPARED.encode(), salt,
                                     100000)
    else:
        assert (v['iterations'], v['memory']) == ('3', '65536'), v
        password = TYPED if kdf == 'argon2id-13' else PREPARED
        salted = argon2id(password.encode(), salt, 3, 65536)
        if kdf == 'argon2id-13':
            salted = base64.b64encode(salted).rstrip(b'=')
    stored, server = unb64(v['stored']), unb64(v['server'])
    assert hashlib.sha256(hmac256(salted, b'Client Key')).digest() == stored
    assert hmac256(salted, b'Server Key') == server

    path = os.path.join(DIR, 'password')
    with open(path, 'w', opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(TYPED)
    for method in {'pbkdf2': ('scram', 'wamp-scram'),
                   'argon2id13': ('wamp-scram',),
                   'argon2id-13': ('scram',)}[kdf]:
        login = Scram(method, 'erin', 'x')
        login.kdf, login.salt, login.stored, login.server = \
            kdf, salt, stored, server
        login.iterations = int(v['iterations'])
        login.memory = int(v['memory']) if 'memory' in v else None
        with Place(on_message=login) as p:
            expect(p.run('--authid', 'erin', '--secret-file', path, '--auth',
                         method, *ADD), 0, line('[3]'))


def salts_differ():
    for method in ('ticket', 'wampcra', 'scram'):
        a, b = (passwd('-m', method, 'joe').out for _ in range(2))
        assert a != b and a.startswith('joe:' + method)


def names():
    """quotes where a colon, comma or quote is part of a name"""
    for name, quoted in (('a:b', '"a:b"'), ('a,b', '"a,b"'),
                         ('a b', None), ('#a', None), ('ä', 'ä')):
        r = passwd('-m', 'wampcra', name)
        assert r.status == 0, r
        assert r.out.startswith((quoted or '"' + name + '"') + ':wampcra:') \
            or quoted is None and r.out.startswith(name + ':'), r
    for name, err in (('', 'empty'), ('x' * 257, 'too long'),
                      ('a\nb', 'cannot stand'), (b'a\xff', 'cannot stand')):
        expect(passwd('-m', 'ticket', name), 1, '', err)
        expect(passwd('-m', 'ticket', '-r', name, 'joe'), 1, '', err)
        path = os.path.join(DIR, 'never')
        expect(wampc('key', '-o', path, name), 1, '', err)
        assert not os.path.exists(path)


def bad_passwords():
    for password, err in (('', 'empty'), ('\n', 'empty'),
                          ('a\nb\n', 'not one line'), (b'\xff\n', 'UTF-8'),
                          (b'a\0b\n', 'not one line'),
                          ('a' * 1024, 'too long')):
        for method in ('ticket', 'wampcra', 'scram'):
            expect(passwd('-m', method, 'joe', password=password), 1, '',
                   err)
    for kdf in ('pbkdf2', 'argon2id13'):
        for password in ('a\x07', '\u0221', '\u0627\x31', '\u00ad'):
            expect(passwd('-m', 'scram', '-k', kdf, 'joe',
                          password=password), 1, '', 'SASLprep')
    assert passwd('-m', 'ticket', 'joe', password='a\x07').status == 0


def usage():
    for args in (['passwd'], ['passwd', 'joe'], ['passwd', '-m', 'scram'],
                 ['passwd', '-m', 'scram', 'joe', 'secret'],
                 ['passwd', '-p', 'x', '-m', 'scram', 'joe'],
                 ['key', '-r', 'x'], ['key', 'a', 'b'],
                 ['key', '-i', 'a', '-o', 'b']):
        r = wampc(*args, stdin=b'x\n')
        assert r.status == 1 and 'usage: ' in r.err and r.out == '', r
    for args, err in ((['-m', 'magic', 'joe'], '-m: must be'),
                      (['-m', 'scram', '-k', 'bcrypt', 'joe'], '-k: must be'),
                      (['-m', 'ticket', '-k', 'pbkdf2', 'joe'],
                       '-k: for scram only')):
        expect(passwd(*args), 1, '', err)
    expect(wampc('-q', 'passwd', 'x'), 1, '', 'passwd: must be the first')


def output_that_cannot_be_written():
    with open('/dev/full', 'w') as full:
        p = subprocess.run([WAMPC, 'passwd', '-m', 'wampcra', 'joe'],
                           input=b'x', stdout=full, stderr=subprocess.PIPE)
    assert p.returncode == 1 and b'standard output: No space' in p.stderr, p


def asked_twice():
    """at a terminal, without echo"""
    t = Terminal(['passwd', '-m', 'wampcra', 'joe'], stdin=True)
    for prompt in (b'New password: ', b'The same again: '):
        t.until(prompt)
        t.type(b'pencil\n')
    v = members(fields(t.end(), 'joe', 'wampcra', 'user'))
    assert b'pencil' not in t.seen
    assert hashlib.pbkdf2_hmac('sha256', b'pencil', v['salt'].encode(),
                               100000) == unb64(v['key'])
    t = Terminal(['passwd', '-m', 'wampcra', 'joe'], stdin=True)
    t.until(b'New password: ')
    t.type(b'pencil\n')
    t.until(b'The same again: ')
    t.type(b'pencils\n')
    expect(t.end(), 1, '', 'two passwords')


# -- key ----------------------------------------------------------------------

def public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key() \
        .public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw).hex()


def key_pair():
    """a file of the caller's alone, and the key that belongs to it"""
    path = os.path.join(tmpdir(), 'key')
    r = wampc('key', '-o', path, preexec_fn=lambda: os.umask(0))
    with open(path) as f:
        text = f.read()
    assert re.match('[0-9a-f]{64}\n$', text), text
    expect(r, 0, public(bytes.fromhex(text)) + '\n')
    st = os.stat(path)
    assert stat.S_IMODE(st.st_mode) == 0o600, oct(st.st_mode)
    # it is never overwritten, nor is the target of a link
    expect(wampc('key', '-o', path), 1, '', 'File exists')
    link = path + '2'
    os.symlink(path + '3', link)
    expect(wampc('key', '-o', link), 1, '', 'File exists')
    with open(path) as f:
        assert f.read() == text
    expect(wampc('key', '-i', path, '-r', 'admin', 'f:g'), 0,
           '"f:g":cryptosign:admin:%s\n' % public(bytes.fromhex(text)))
    os.chmod(path, 0o644)
    expect(wampc('key', '-i', path), 1, '', 'others than its owner')
    expect(wampc('key', '-o', '/nonexistent/key'), 1, '', 'No such file')


def key_default_file():
    d = tmpdir()
    r = wampc('key', 'frank', cwd=d)
    v = fields(r, 'frank', 'cryptosign', 'user')
    with open(os.path.join(d, 'wampc.key')) as f:
        assert public(bytes.fromhex(f.read().strip())) == v
    assert os.listdir(d) == ['wampc.key']


def key_not_written():
    """no room on the device: no file is left"""
    d = tmpdir()
    r = wampc('key', '-o', os.path.join(d, 'key'), preexec_fn=no_room)
    assert r.status == 1 and r.out == '', r
    assert os.listdir(d) == []


def no_room():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))


def main():
    for fn in (ticket, wampcra):
        run_case(fn)
    for kdf, option in (('argon2id13', False), ('argon2id13', True),
                        ('argon2id-13', True), ('pbkdf2', True)):
        run_case(bound(scram, kdf, option), '%s%s: ' % (
            kdf, '' if option else ' by default'))
    for fn in (salts_differ, names, bad_passwords, usage,
               output_that_cannot_be_written, asked_twice, key_pair, key_default_file, key_not_written):
        run_case(fn)
    done()


main()
