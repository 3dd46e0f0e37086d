# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
"""The router's side of each log-in, for tests of clients, written from the
specification with Python's own primitives (and libargon2):

    with Place(on_message=Scram('wamp-scram', 'joe', 'pencil')) as p: ...

Each of these answers HELLO with CHALLENGE and AUTHENTICATE with WELCOME or
ABORT.  change(name, message) may alter, or return in place of, what is sent:
name is "challenge" or "welcome".  What the client sent is kept in .hello and
.authenticate.
"""
import base64
import ctypes
import hashlib
import hmac
import json
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import \
    Ed25519PublicKey

ROLES = {'broker': {}, 'dealer': {}}


def b64(octets):
    return base64.b64encode(octets).decode()


def hmac256(key, octets):
    return hmac.new(key, octets, hashlib.sha256).digest()


def argon2id(password, salt, passes, kib, lanes=1):
    lib = ctypes.CDLL('libargon2.so.1')
    u32, size, text = ctypes.c_uint32, ctypes.c_size_t, ctypes.c_char_p
    lib.argon2id_hash_raw.argtypes = [u32, u32, u32, text, size, text, size,
                                      ctypes.c_void_p, size]
    out = ctypes.create_string_buffer(32)
    rc = lib.argon2id_hash_raw(passes, kib, lanes, password, len(password),
                               salt, len(salt), out, 32)
    assert rc == 0, rc
    return out.raw


class Login:
    def __init__(self, method, authid, change=None):
        self.method, self.authid, self.change = method, authid, change
        self.hello = self.authenticate = None

    def send(self, conn, name, message):
        if self.change is not None:
            other = self.change(name, message)
            message = message if other is None else other
        several = not message or isinstance(message[0], list)
        for m in message if several else [message]:
            conn.send(m)

    def __call__(self, conn, m):
        if m[0] == 1:
            self.hello = m[2]
            if self.method not in m[2].get('authmethods', []):
                conn.send([3, {}, 'wamp.error.no_matching_auth_method'])
            elif m[2].get('authid') != self.authid:
                conn.send([3, {}, 'wamp.error.authentication_denied'])
            else:
                self.send(conn, 'challenge',
                          [4, self.method, self.challenge(m[2])])
            return True
        if m[0] == 5:
            self.authenticate = m
            extra = self.check(m[1], m[2])
            if extra is None:
                conn.send([3, {'message': 'no'},
                           'wamp.error.authentication_denied'])
            else:
                self.send(conn, 'welcome', [2, 1, {
                    'roles': ROLES, 'authid': self.authid,
                    'authrole': 'user', 'authmethod': self.method,
                    'authprovider': 'static', 'authextra': extra}])
            return True


class Ticket(Login):
    def __init__(self, authid, ticket, **kw):
        super().__init__('ticket', authid, **kw)
        self.ticket = ticket

    def challenge(self, hello):
        return {}

    def check(self, signature, extra):
        return {} if (signature, extra) == (self.ticket, {}) else None


class Cra(Login):
    def __init__(self, authid, secret, salt=None, iterations=1000,
                 keylen=32, **kw):
        super().__init__('wampcra', authid, **kw)
        self.key, self.salt = secret.encode(), salt
        self.iterations, self.keylen = iterations, keylen
        if salt is not None:
            self.key = b64(hashlib.pbkdf2_hmac(
                'sha256', self.key, salt.encode(), iterations,
                keylen)).encode()

    def challenge(self, hello):
        self.text = json.dumps({'authid': self.authid, 'session': 1,
                                'nonce': os.urandom(8).hex()})
        c = {'challenge': self.text}
        if self.salt is not None:
            c.update(salt=self.salt, iterations=self.iterations,
                     keylen=self.keylen)
        return c

    def check(self, signature, extra):
        right = b64(hmac256(self.key, self.text.encode()))
        return {} if (signature, extra) == (right, {}) else None


class Scram(Login):
    """password: as SASLprep makes it"""

    def __init__(self, method, authid, password, kdf='pbkdf2',
                 iterations=4096, memory=None, **kw):
        super().__init__(method, authid, **kw)
        self.kdf, self.iterations, self.memory = kdf, iterations, memory
        self.salt = os.urandom(16)
        password = password.encode()
        if kdf == 'pbkdf2':
            salted = hashlib.pbkdf2_hmac('sha256', password, self.salt,
                                         iterations)
        else:
            salted = argon2id(password, self.salt, iterations, memory)
        if kdf == 'argon2id-13':
            salted = b64(salted).rstrip('=').encode()
        self.stored = hashlib.sha256(hmac256(salted, b'Client Key')).digest()
        self.server = hmac256(salted, b'Server Key')

    def challenge(self, hello):
        self.client_nonce = hello['authextra']['nonce']
        # as Crossbar.io does it; here it is the specification's as well
        self.nonce = b64(base64.b64decode(self.client_nonce) +
                         os.urandom(16))
        c = {'nonce': self.nonce, 'salt': b64(self.salt), 'kdf': self.kdf,
             'iterations': self.iterations}
        if self.method == 'wamp-scram' or self.memory is not None:
            c['memory'] = self.memory
        return c

    def check(self, signature, extra):
        spec = self.method == 'wamp-scram'
        want = {'nonce': self.nonce, 'channel_binding': None,
                'cbind_data': None} if spec else {}
        name = self.authid
        if spec:
            name = name.replace('=', '=3D').replace(',', '=2C')
        message = 'n=%s,r=%s,r=%s,s=%s,i=%d,c=%s,r=%s' % (
            name, self.client_nonce, self.nonce, b64(self.salt),
            self.iterations, 'biws' if spec else '', self.nonce)
        message = message.encode()
        proof = base64.b64decode(signature, validate=True)
        key = bytes(a ^ b for a, b in zip(
            proof, hmac256(self.stored, message)))
        if extra != want or hashlib.sha256(key).digest() != self.stored:
            return None
        verifier = b64(hmac256(self.server, message))
        return {'verifier': 'v=' + verifier} if spec else \
            {'scram_server_signature': verifier}


class Cryptosign(Login):
    def __init__(self, public, authid=None, **kw):
        super().__init__('cryptosign', authid, **kw)
        self.public = public

    def challenge(self, hello):
        self.octets = os.urandom(32)
        return {'challenge': self.octets.hex(), 'channel_binding': None}

    def check(self, signature, extra):
        if self.hello['authextra']['pubkey'] != self.public.hex():
            return None
        octets = bytes.fromhex(signature)
        if octets[64:] != self.octets or extra != {}:
            return None
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(
                octets[:64], self.octets)
        except InvalidSignature:
            return None
        return {}
