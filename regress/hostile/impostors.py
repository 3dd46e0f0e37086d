# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Routers that are not the one meant: wampc refuses each with exit status 3
# and its own message, before it says a word of WAMP.  The right one, told
# apart by the same options, hears from it.

import base64
import os
import re

from daemon import IS_ROOT, done, run_case, tmpdir
from impostor import (Impostor, heard, issue, issue_authority, listening,
                      other_user, sha, spki)
from wampcrun import CERTS, bound, cert, expect, make_certs, openssl, wampc

HELLO = b'\x7f\xf2\0\0'             # RawSocket's handshake, MessagePack


def call(r, *args, host='localhost'):
    return wampc('-u', 'rss://%s:%d' % (host, r.port), *args, 'call', 'a')


def accepted(r, q):
    """It spoke WAMP, to which the fake says no."""
    expect(q, 4, '', 'refused: RawSocket: ')
    assert r.told() == HELLO, r.heard


def refused(r, q, why):
    expect(q, 3, '', '^wampc: router not trusted: .*' + why)
    assert r.came > 0 and r.told() == b'', (r.came, r.heard)


# -- authorities --------------------------------------------------------------

# certificate, host, CA, why not
AUTHORITIES = [
    ('good', 'localhost', 'ca', None),
    ('good', '127.0.0.1', 'ca', None),
    ('good', 'localhost', 'otherca', 'TLS: .*local issuer certificate'),
    ('good', 'localhost', None, 'TLS: .*local issuer certificate'),
    ('self', 'localhost', 'ca', 'TLS: .*self.signed certificate'),
    ('expired', 'localhost', 'ca', 'TLS: .*certificate has expired'),
    ('wrongname', 'localhost', 'ca', "TLS: name `localhost' not present"),
    ('wrongname', '127.0.0.1', 'ca', "TLS: name `127.0.0.1' not present"),
    ('purpose', 'localhost', 'ca', 'TLS: .*purpose'),
    # the issuing certificate, or the router's own, without the root
    ('chain', 'localhost', 'ca', None),
    ('chain', 'localhost', 'middle', None),
    ('below', 'localhost', 'middle', None),
    ('below', 'localhost', 'below', None),
    ('below', 'localhost', 'ca', 'TLS: .*local issuer certificate'),
    ('good', 'localhost', 'middle', 'TLS: .*local issuer certificate'),
    ('old', 'localhost', 'middle', 'TLS: .*certificate has expired'),
    ('old', 'localhost', 'old', 'TLS: .*certificate has expired'),
    ('strange', 'localhost', 'strange', "TLS: name `localhost' not present"),
]


def by_authority(name, host, ca, why):
    with Impostor(name) as r:
        q = call(r, *(['--cafile', cert(ca)] if ca else []), host=host)
        if why is None:
            accepted(r, q)
        else:
            refused(r, q, why)


# -- pinned keys --------------------------------------------------------------

def pin(name):
    return 'sha256:' + sha(256, spki(name))


def pin64(name):
    h = bytes.fromhex(sha(256, spki(name)))
    return 'sha256:' + base64.b64encode(h).decode()


# certificate, CA, pinned, why not (None: accepted)
PINS = [
    ('good', None, ['good'], None),
    ('good', None, ['other'] * 15 + ['good'], None),
    ('wrongname', None, ['wrongname'], None),       # the key is proof
    ('expired', None, ['expired'], None),
    ('good', 'ca', ['good'], None),
    ('good', None, ['other'], 'its key, %s, is not pinned'),
    ('good', None, ['ca'], 'its key, %s, is not pinned'),
    ('good', 'ca', ['other'], 'its key, %s, is not pinned'),
    ('good', 'otherca', ['good'], 'TLS: .*verif'),
    ('wrongname', 'ca', ['wrongname'], "name `localhost' not present"),
    ('expired', 'ca', ['expired'], 'certificate has expired'),
]


def pinned(name, ca, pins, why):
    """by its key"""
    with Impostor(name) as r:
        args = ['--cafile', cert(ca)] if ca else []
        for i, p in enumerate(pins):
            args += ['--pin', (pin64, pin)[i % 2](p)]
        q = call(r, *args)
        if why is None:
            accepted(r, q)
        else:
            refused(r, q, why.replace('%s', re.escape(pin64(name))))


def pins_misspelt():
    """a --pin that is none, or one too many"""
    h, b = pin('good')[7:], pin64('good')[7:]
    url = ['-u', 'rss://localhost:1']
    for text in ('', h, 'sha256:', 'sha1:' + h, 'SHA256:' + h,
                 'sha256:' + h[:-1], 'sha256:' + h + '0',
                 'sha256:' + h[:-1] + 'g', 'sha256:' + h[:-1] + ' ',
                 'sha256:' + b[:-1], 'sha256:' + b + '=',
                 'sha256:' + b[:-1] + '!', 'sha256: ' + b[1:],
                 'sha256:' + b[:-2] + '==', 'sha256:' + b[:-1] + 'A',
                 'sha256:' + '=' * 44, 'sha256:' + 'A' * 43 + '\n',
                 'sha256:' + 'A' * 42 + 'B='):
        expect(wampc(*url, '--pin', text, 'call', 'a'), 1, '', '--pin: ')
    many = ['--pin', pin('good')] * 17
    expect(wampc(*url, *many, 'call', 'a'), 1, '', 'too many')
    expect(wampc('-s', '/x', *many[:2], 'call', 'a'), 1, '',
           '--pin: for rss:// and wss:// only')


# -- our own certificate ------------------------------------------------------

def own_certificate():
    """--cert and --key are shown to a router that asks"""
    with Impostor(client_ca='otherca') as r:
        accepted(r, call(r, '--cafile', cert('ca'), '--cert', cert('me'),
                         '--key', cert('me')[:-3] + 'key'))
        assert r.names == ['me'], r.names


def own_certificate_missing():
    """a router that asks for a certificate, and gets none or another's"""
    with Impostor(client_ca='otherca') as r:
        for args in ([], ['--cert', cert('good'), '--key',
                          cert('good')[:-3] + 'key']):
            expect(call(r, '--cafile', cert('ca'), *args), 4, '',
                   'refused: TLS: .*alert')


def own_certificate_wrong():
    """files that are no certificate or key, or that others can read"""
    def path(name):
        return os.path.join(CERTS, name)

    def say(err, crt='me.crt', key='me.key'):
        with Impostor() as r:
            q = call(r, '--cafile', cert('ca'), '--cert', path(crt),
                     '--key', path(key))
            expect(q, 1, '', err)
            assert r.told() == b''
    openssl('ec', '-in', 'me.key', '-aes128', '-passout', 'pass:secret',
            '-out', 'locked.key')
    os.chmod(path('locked.key'), 0o600)
    os.close(os.open(path('empty'), os.O_CREAT | os.O_WRONLY, 0o600))
    say('--cert .*: ', crt='nonexistent')
    say('--cert .*: ', crt='me.key')
    say('--key .*nonexistent: No such file', key='nonexistent')
    say('--key .*: ', key='empty')
    say('--key /.*: ', key='.')
    say('--key .*: is encrypted', key='locked.key')
    say('--key .*: ', key='good.key')
    for mode in (0o640, 0o604, 0o602, 0o620, 0o644):
        os.chmod(path('me.key'), mode)
        say('--key .*: others than its owner may read or write it')
    if IS_ROOT:
        os.chmod(path('me.key'), 0o600)
        os.chown(path('me.key'), 12345, 0)
        say('--key .*: belongs to user 12345')
        os.chown(path('me.key'), 0, 0)
    url = ['-u', 'rss://localhost:1']
    for one in ('--cert', '--key'):
        expect(wampc(*url, one, 'x', 'call', 'a'), 1, '', 'go together')
    expect(wampc('-s', '/x', '--cert', 'x', '--key', 'x', 'call', 'a'), 1,
           '', '--cert, --key: for rss:// and wss:// only')


# -- Unix sockets -------------------------------------------------------------

class Tree:
    """A directory in a directory, and a socket in it; made wrong by a
    case, which returns the path to try."""

    def __init__(self):
        self.outer = tmpdir()
        self.inner = os.path.join(self.outer, 'inner')
        os.mkdir(self.inner, 0o755)
        self.path = os.path.join(self.inner, 'sock')
        self.listener = None

    def listen(self, uid=None):
        self.listener = listening(self.path, uid)
        os.chmod(self.path, 0o666)

    def link(self, target, name):
        link = os.path.join(self.outer, name)
        os.symlink(target, link)
        return link


def replaced(make):
    """Something else is in the socket's place."""
    def spoil(t):
        os.unlink(t.path)
        make(t.path)
    return spoil


def foreign_directory(t):
    os.chown(t.inner, other_user(), -1)


def foreign_above(t):
    os.chown(t.outer, other_user(), -1)


def foreign_in_sticky(t):
    os.chmod(t.outer, 0o1777)
    foreign_directory(t)


def linked_directory(t):
    return os.path.join(t.link('inner', 'link'), 'sock')


def linked_above(t):
    return os.path.join(t.link('.', 'link'), 'inner', 'sock')


def linked_back(t):
    return os.path.join(t.link('inner', 'link'), '..', 'inner', 'sock')


def linked_socket(t):
    return t.link('inner/sock', 'link')


def hard_link(t):
    os.link(t.path, os.path.join(t.outer, 'link'))
    return os.path.join(t.outer, 'link')


def peer_of_another_user(t):
    t.listener.close()
    os.unlink(t.path)
    t.listen(other_user())


def chmod(which, mode):
    def spoil(t):
        os.chmod(getattr(t, which), mode)
    return spoil


def plain_file(path):
    with open(path, 'w') as f:
        f.write('abc')


WRITE = 'others than its owner may write to it'
LINK = 'is a symbolic link'
SOCKETS = [
    # what is wrong, how it is made so, wampc's message
    ('a directory of another user', foreign_directory,
     'inner: belongs to user [0-9]+, who is neither root nor user'),
    ('another user\'s directory above it', foreign_above,
     'belongs to user [0-9]+, who is neither root nor user'),
    ('another user\'s directory in a sticky one', foreign_in_sticky,
     'inner: belongs to user [0-9]+, who is neither root nor user'),
    ('a directory writable by its group', chmod('inner', 0o775),
     'inner: ' + WRITE),
    ('a directory writable by all', chmod('inner', 0o757),
     'inner: ' + WRITE),
    ('a directory writable by all, with the sticky bit',
     chmod('inner', 0o1777), 'inner: ' + WRITE),
    ('a writable directory above it', chmod('outer', 0o777), WRITE),
    ('a directory above it, writable by its group', chmod('outer', 0o775),
     WRITE),
    ('a symbolic link to the directory', linked_directory, 'link: ' + LINK),
    ('a symbolic link above it', linked_above, 'link: ' + LINK),
    ('a symbolic link that leads back', linked_back, 'link: ' + LINK),
    ('a symbolic link to the socket', linked_socket, 'link: ' + LINK),
    ('a hard link of a socket from elsewhere', hard_link,
     'link: has another name as well, by a hard link'),
    ('a peer that is another user', peer_of_another_user,
     'user [0-9]+ listens in a directory of user'),
    ('a FIFO in its place', replaced(os.mkfifo), 'sock: is not a socket'),
    ('a file in its place', replaced(plain_file), 'sock: is not a socket'),
    ('a directory in its place', replaced(os.mkdir),
     'sock: is not a socket'),
]


def wrong_socket(spoil, why):
    """refused"""
    t = Tree()
    t.listen()
    try:
        path = spoil(t) or t.path
        q = wampc('-s', path, 'call', 'a')
        expect(q, 3, '', '^wampc: router not trusted: /.*' + why)
        assert heard(t.listener) == b''
        if os.path.isfile(t.path):
            assert os.path.getsize(t.path) == 3
    finally:
        t.listener.close()


def right_socket():
    """the same socket, with nothing wrong, hears from wampc"""
    t = Tree()
    t.listen()
    expect(wampc('-w', '0.2', '-s', t.path, 'call', 'a'), 6, '', 'timeout')
    assert heard(t.listener) == HELLO
    t.listener.close()


def main():
    run_case(right_socket)
    for name, spoil, why in SOCKETS:
        run_case(bound(wrong_socket, spoil, why), name + ': ')
    make_certs()
    issue('other', 'DNS:localhost')
    issue('me', 'DNS:me.example.org', 'otherca')
    os.chmod(os.path.join(CERTS, 'me.key'), 0o600)
    openssl('req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt',
            'ec_paramgen_curve:prime256v1', '-days', '30', '-subj',
            '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
            '-keyout', 'self.key', '-out', 'self.crt')
    issue('purpose', 'DNS:localhost\nextendedKeyUsage=clientAuth')
    issue_authority('middle')
    issue('chain', 'DNS:localhost', 'middle', chain=['middle'])
    issue('below', 'DNS:localhost', 'middle')
    issue('old', 'DNS:localhost', 'middle', days='-1')
    issue('strange', 'DNS:else.example', 'middle')
    for name, host, ca, why in AUTHORITIES:
        run_case(bound(by_authority, name, host, ca, why),
                 '%s certificate, host %s, CA %s: %s ' %
                 (name, host, ca, 'refused' if why else 'accepted'))
    for case in PINS:
        name, ca, pins, why = case
        run_case(bound(pinned, *case), '%s certificate, CA %s, pin %s: %s ' %
                 (name, ca, pins[-1], 'refused' if why else 'accepted'))
    for fn in (pins_misspelt, own_certificate, own_certificate_missing,
               own_certificate_wrong):
        run_case(fn)
    done()


main()
