# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The client's side of each authentication method, and lines of a users file,
# written from the specification with other libraries than wampd's.

import base64
import hashlib
import hmac
import os

import nacl.signing
from argon2.low_level import Type, hash_secret, hash_secret_raw

from wampclient import *

SALT = b'0123456789abcdef'
COST = dict(time_cost=1, memory_cost=64, parallelism=1)    # fast in tests


def b64(octets):
    return base64.b64encode(octets).decode()


def hmac256(key, text):
    if isinstance(text, str):
        text = text.encode()
    return hmac.new(key, text, hashlib.sha256).digest()


# -- lines of a users file -----------------------------------------------------

def ticket_line(authid, secret, role='user', **cost):
    cost = dict(COST, **cost)
    return '%s:ticket:%s:%s' % (authid, role, hash_secret(
        secret.encode(), SALT, hash_len=32, type=Type.ID, **cost).decode())


def cra_line(authid, secret, role='user', salt=None, iterations=1000,
             keylen=32):
    if salt is None:
        return '%s:wampcra:%s:key=%s' % (authid, role, b64(secret.encode()))
    key = hashlib.pbkdf2_hmac('sha256', secret.encode(), salt.encode(),
                              iterations, keylen)
    return '%s:wampcra:%s:salt=%s,iterations=%d,keylen=%d,key=%s' % (
        authid, role, salt, iterations, keylen, b64(key))


def salted(secret, kdf, iterations, memory, salt=SALT):
    if kdf == 'pbkdf2':
        return hashlib.pbkdf2_hmac('sha256', secret.encode(), salt,
                                   iterations)
    raw = hash_secret_raw(secret.encode(), salt, iterations, memory, 1, 32,
                          Type.ID)
    if kdf == 'argon2id13':
        return raw
    return base64.b64encode(raw).rstrip(b'=')    # Autobahn's argon2id-13


def scram_keys(password):
    client = hmac256(password, 'Client Key')
    return client, hashlib.sha256(client).digest(), \
        hmac256(password, 'Server Key')


def scram_line(authid, secret, role='user', kdf='pbkdf2', iterations=4096,
               memory=64, salt=SALT):
    if kdf != 'pbkdf2':
        iterations = 1
    _, stored, server = scram_keys(salted(secret, kdf, iterations, memory,
                                          salt))
    return '%s:scram:%s:kdf=%s,iterations=%d%s,salt=%s,stored=%s,' \
        'server=%s' % (authid, role, kdf, iterations, '' if kdf == 'pbkdf2'
                       else ',memory=%d' % memory, b64(salt), b64(stored),
                       b64(server))


def signing_key(n):
    return nacl.signing.SigningKey(bytes([n] * 32))


def public_hex(key):
    return key.verify_key.encode().hex()


def cryptosign_line(authid, *keys, role='user'):
    return '%s:cryptosign:%s:%s' % (authid, role, ','.join(
        public_hex(k) for k in keys))


# -- dialogues -----------------------------------------------------------------

class Login:
    """One log-in over a Client that has not joined; each method's answer()
    makes AUTHENTICATE's elements out of a CHALLENGE."""

    method = None

    def __init__(self, authid, secret, **kw):
        self.authid = authid
        self.secret = secret
        self.kw = kw
        self.challenge = None

    def details(self):
        d = {'authmethods': [self.method]}
        if self.authid is not None:
            d['authid'] = self.authid
        extra = self.extra()
        if extra:
            d['authextra'] = extra
        d.update(self.kw.get('details', {}))
        return d

    def extra(self):
        return {}

    def hello(self, c, realm='realm1'):
        c.send(HELLO, realm, dict(ROLES, **self.details()))
        m = c.recv()
        if m[0] == CHALLENGE:
            assert m[1] == self.method, m
            self.challenge = m[2]
        return m

    def join(self, c, realm='realm1'):
        """WELCOME or ABORT."""
        m = self.hello(c, realm)
        if m[0] != CHALLENGE:
            return m
        c.send(AUTHENTICATE, *self.answer(m[2]))
        m = c.recv(60)
        if m[0] == WELCOME:
            self.check(m)
            c.id, c.welcome, c.request = m[1], m[2], 0
        return m

    def check(self, welcome):
        d = welcome[2]
        assert d['authmethod'] == self.method, d
        assert d['authprovider'] == 'static', d
        if self.authid is not None:
            assert d['authid'] == self.authid, d


class Ticket(Login):
    method = 'ticket'

    def answer(self, extra):
        assert extra == {}, extra
        return self.secret, {}


class Cra(Login):
    method = 'wampcra'
    MEMBERS = {'authid', 'authrole', 'authmethod', 'authprovider', 'nonce',
               'timestamp', 'session'}

    def answer(self, extra):
        key = self.secret.encode()
        if 'salt' in extra:
            key = base64.b64encode(hashlib.pbkdf2_hmac(
                'sha256', key, extra['salt'].encode(), extra['iterations'],
                extra['keylen']))
        self.text = json.loads(extra['challenge'])
        assert set(self.text) == self.MEMBERS, self.text
        return b64(hmac256(key, extra['challenge'])), {}

    def check(self, welcome):
        super().check(welcome)
        d = welcome[2]
        assert self.text['session'] == welcome[1]
        for k in ('authid', 'authrole', 'authmethod', 'authprovider'):
            assert self.text[k] == d[k], (self.text, d)


class WampScram(Login):
    method = 'wamp-scram'
    header = b'n,,'

    def extra(self):
        self.nonce = b64(os.urandom(16))
        return {'nonce': self.nonce, 'channel_binding': None}

    def client_name(self):
        return self.authid.replace('=', '=3D').replace(',', '=2C')

    def answer(self, extra):
        assert set(extra) == {'nonce', 'salt', 'kdf', 'iterations'} | (
            {'memory'} if extra['kdf'] != 'pbkdf2' else set()), extra
        assert extra['nonce'].startswith(self.nonce), extra
        assert len(extra['nonce']) >= len(self.nonce) + 16, extra
        password = salted(self.secret, extra['kdf'], extra['iterations'],
                          extra.get('memory'),
                          base64.b64decode(extra['salt']))
        client, stored, self.server = scram_keys(password)
        self.message = 'n=%s,r=%s,r=%s,s=%s,i=%d,c=%s,r=%s' % (
            self.client_name(), self.nonce, extra['nonce'], extra['salt'],
            extra['iterations'], self.binding(), extra['nonce'])
        proof = bytes(a ^ b for a, b in zip(client, hmac256(
            stored, self.message)))
        return b64(proof), self.final(extra)

    def binding(self):
        return b64(b'n,,')

    def final(self, extra):
        return {'nonce': extra['nonce'], 'channel_binding': None,
                'cbind_data': None}

    def check(self, welcome):
        super().check(welcome)
        assert welcome[2]['authextra'] == {
            'verifier': 'v=' + b64(hmac256(self.server, self.message))}


class Scram(WampScram):
    """As autobahn.wamp.auth.AuthScram."""
    method = 'scram'

    def extra(self):
        self.nonce = b64(os.urandom(16))
        return {'nonce': self.nonce}

    def client_name(self):
        return self.authid

    def binding(self):
        return ''

    def final(self, extra):
        return {}

    def check(self, welcome):
        Login.check(self, welcome)
        assert welcome[2]['authextra'] == {'scram_server_signature':
            b64(hmac256(self.server, self.message))}


class Cryptosign(Login):
    """secret: a nacl SigningKey."""
    method = 'cryptosign'

    def extra(self):
        return {'pubkey': public_hex(self.secret), 'channel_binding': None}

    def answer(self, extra):
        assert set(extra) == {'challenge'}, extra
        msg = bytes.fromhex(extra['challenge'])
        assert len(msg) == 32
        return self.secret.sign(msg).signature.hex() + msg.hex(), {}


METHODS = {c.method: c for c in (Ticket, Cra, WampScram, Scram, Cryptosign)}
