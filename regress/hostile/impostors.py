# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Routers that are not the one meant: wampc refuses each with exit status 3
# and its own message, before it says a word of WAMP.  The right one, told
# apart by the same options, hears from it.

import base64
import os
import re

from daemon import IS_ROOT, done, run_case
from impostor import Impostor, issue, sha, spki
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
    say('--key .*: is empty', key='empty')
    say('--key /.*: is not a regular file', key='.')
    say('--key .*: is encrypted', key='locked.key')
    say('--key .*: ', key='good.key')
    os.mkfifo(path('fifo'), 0o600)
    say('--key .*: is not a regular file', key='fifo')
    for mode in (0o604, 0o602, 0o620, 0o644):
        os.chmod(path('me.key'), mode)
        say('--key .*: (others can read or write|its group can write) it')
    if IS_ROOT:
        os.chmod(path('me.key'), 0o600)
        os.chown(path('me.key'), 12345, 0)
        say('--key .*: belongs neither to root nor to you')
        os.chown(path('me.key'), 0, 0)
    url = ['-u', 'rss://localhost:1']
    for one in ('--cert', '--key'):
        expect(wampc(*url, one, 'x', 'call', 'a'), 1, '', 'go together')
    expect(wampc('-s', '/x', '--cert', 'x', '--key', 'x', 'call', 'a'), 1,
           '', '--cert, --key: for rss:// and wss:// only')


def main():
    make_certs()
    issue('other', 'DNS:localhost')
    issue('me', 'DNS:me.example.org', 'otherca')
    os.chmod(os.path.join(CERTS, 'me.key'), 0o600)
    for case in PINS:
        name, ca, pins, why = case
        run_case(bound(pinned, *case), '%s certificate, CA %s, pin %s, %s: ' %
                 (name, ca, pins[-1], 'refused' if why else 'accepted'))
    for fn in (pins_misspelt, own_certificate, own_certificate_missing,
               own_certificate_wrong):
        run_case(fn)
    done()


main()
