# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# After log-ins by every method, with right and wrong secrets, over each
# transport and serializer, with and without TLS, root reads the memory of
# all processes: a tlsproxy and a broker hold no ticket once its dialogue
# ended, and never a verifier or a shared secret; the keeper holds no ticket
# after its verdict, and no WAMP-CRA key in clear.

import base64
import itertools
import os
import signal
import ssl
import time

from authmethods import *
from daemon import (IS_ROOT, SAN, Skip, Wampd, free_port, make_cert,
                    run_cases, tmpdir, wait_until)
from memory import find
from wampclient import *

CONF = '''prefork 1
brokers 1
keypair "k" { certificate $crt key $key }
limits {
	failures 1000000 per 1m
	failures delay 1ms
}
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
listen on 127.0.0.1 port $tls tls { keypair "k" }
realm "realm1" {
	authenticate ticket, wampcra, scram, cryptosign from $users
	role "user" { allow any }
}
'''
TRANSPORTS = ('rawsocket', 'websocket')
KINDS = list(itertools.product(('unix', 'plain', 'tls'), TRANSPORTS,
                               SERIALIZERS))


class Tickets:
    """Texts that nobody else has, long enough to be found, and not so long
    that they are copied by reference; each with its beginning cut off, as
    what is left after the head was overwritten."""

    def __init__(self):
        self.n = 0
        self.wanted = {}

    def new(self, name):
        self.n += 1
        text = 't%d-%s' % (self.n, os.urandom(40).hex())
        self.know(name, text)
        return text

    def know(self, name, text):
        octets = text.encode() if isinstance(text, str) else text
        self.wanted['%s, begin' % name] = octets[:20]
        self.wanted['%s, middle' % name] = octets[-40:-20]
        self.wanted['%s, end' % name] = octets[-20:]


class Daemon(Wampd):
    def __init__(self):
        if not IS_ROOT:
            raise Skip('only root may read the memory of the processes')
        if SAN:
            raise Skip('takes minutes under sanitizers')
        d = tmpdir()
        self.tickets = Tickets()
        self.right = {k: self.tickets.new('right ticket %s' % '/'.join(k))
                      for k in KINDS}
        self.cra = os.urandom(32).hex()
        self.salted = os.urandom(32).hex()
        self.scram = os.urandom(32).hex()
        self.key = signing_key(9)
        self.lines = [ticket_line('t%d' % i, self.right[k])
                      for i, k in enumerate(KINDS)] + [
            cra_line('cra', self.cra),
            cra_line('salted', self.salted, salt='salt1234'),
            scram_line('scram', self.scram),
            cryptosign_line('sign', self.key)]
        self.users = d + '/users'
        self.write()
        crt, key = make_cert(d)
        self.sock = d + '/s'
        self.ports = {'plain': free_port(), 'tls': free_port()}
        super().__init__(CONF, macros=dict(
            crt=crt, key=key, users=self.users, sock=self.sock,
            port=self.ports['plain'], tls=self.ports['tls']))

    def write(self):
        with open(self.users, 'w') as f:
            f.write('\n'.join(self.lines) + '\n')
        os.chmod(self.users, 0o600)

    def client(self, kind):
        where, transport, serializer = kind
        ctx = None
        if where == 'tls':
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            ctx.check_hostname = False
            ctx.verify_mode = ssl.CERT_NONE
        return Client(self.sock if where == 'unix' else
                      ('127.0.0.1', self.ports[where]), tls=ctx,
                      transport=transport, serializer=serializer,
                      join=False, timeout=20)

    def login(self, kind, login, slowly=False):
        """The client, joined or not."""
        c = self.client(kind)
        m = login.hello(c)
        assert m[0] == CHALLENGE, m
        octets = c.frame(c.dumps([AUTHENTICATE] + list(login.answer(m[2]))))
        if slowly:		# so that it lies in a buffer meanwhile
            for i in range(0, len(octets), 25):
                c.write(octets[i:i + 25])
                time.sleep(0.002)
        else:
            c.write(octets)
        m = c.recv(20)
        return c, m[0]

    def verifiers(self):
        """What the users file holds that only the keeper needs."""
        out = {}
        for line in self.lines:
            name, method, role, rest = line.split(':', 3)
            for part in rest.replace('$', ',').split(','):
                key, _, value = part.partition('=')
                if method == 'ticket' and part is not None:
                    key, value = 'hash', part
                if key in ('hash', 'key', 'stored', 'server') and \
                        len(value) > 40:
                    out['%s of %s, text' % (key, name)] = value.encode()
                    raw = base64.b64decode(value + '=' * (-len(value) % 4))
                    out['%s of %s' % (key, name)] = raw[:32]
        return out

    def shared(self):
        """Secrets that are on no wire."""
        return {'secret of WAMP-CRA': self.cra.encode(),
                'password of WAMP-CRA': self.salted.encode(),
                'password of SCRAM': self.scram.encode()}

    def processes(self):
        return dict(self.children(), parent=self.pid)

    def check(self, wanted, where=lambda name: True):
        for name, pid in self.processes().items():
            if not where(name):
                continue
            there = find(pid, wanted)
            assert not there, 'in %s: %s' % (name, there)


def tickets():
    """secrets: no ticket in any process once its dialogue ended"""
    with Daemon() as w:
        open_ones = []
        for i, kind in enumerate(KINDS):
            login = Ticket('t%d' % i, w.right[kind])
            c, code = w.login(kind, login)
            assert code == WELCOME, code
            open_ones.append(c)		# stays, and its buffers do
            c, code = w.login(kind, login, slowly=True)
            assert code == WELCOME, code
            c.close()
            for authid in ('t%d' % i, 'nobody'):
                for slowly in (False, True):
                    wrong = w.tickets.new('wrong ticket %s %s %s' % (
                        authid, slowly, '/'.join(kind)))
                    c, code = w.login(kind, Ticket(authid, wrong), slowly)
                    assert code == ABORT, code
                    c.close()
        w.check(w.tickets.wanted)
        for c in open_ones:
            c.close()


def tickets_that_came_to_nothing():
    """secrets: no ticket of a client that went away, or lied"""
    with Daemon() as w:
        for kind in KINDS:
            # two at once: the second is a violation
            c = w.client(kind)
            t = w.tickets.new('first of two %s' % '/'.join(kind))
            u = w.tickets.new('second of two %s' % '/'.join(kind))
            Ticket('t1', t).hello(c)
            c.write(c.frame(c.dumps([AUTHENTICATE, t, {}])) +
                    c.frame(c.dumps([AUTHENTICATE, u, {}])))
            assert c.recv()[0] == ABORT
            c.close()
            # one that nobody asked for
            c = w.client(kind)
            t = w.tickets.new('unasked %s' % '/'.join(kind))
            c.send(AUTHENTICATE, t, {})
            assert c.recv()[0] == ABORT
            c.close()
            # gone in the middle of it, and right after it
            c = w.client(kind)
            t = w.tickets.new('half %s' % '/'.join(kind))
            Ticket('t1', t).hello(c)
            octets = c.frame(c.dumps([AUTHENTICATE, t + '.', {}]))
            c.write(octets[:-5])
            time.sleep(0.01)
            c.close()
            c = w.client(kind)
            t = w.tickets.new('gone %s' % '/'.join(kind))
            Ticket('t1', t).hello(c)
            c.send(AUTHENTICATE, t, {})
            c.close()
            # with Extra that is none
            c = w.client(kind)
            t = w.tickets.new('no Extra %s' % '/'.join(kind))
            Ticket('t1', t).hello(c)
            c.send(AUTHENTICATE, t, {'nonce': 5})
            assert c.recv()[0] == ABORT
            c.close()
        # all of them were seen, and all connections ended
        c, code = w.login(KINDS[0], Ticket('t0', w.right[KINDS[0]]))
        assert code == WELCOME
        wait_until(lambda: all(not find(pid, w.tickets.wanted)
                               for pid in w.processes().values()), 20,
                   'the last buffer to go')
        c.close()


def verifiers():
    """secrets: verifiers and keys are in the keeper only, CRA's in no clear"""
    with Daemon() as w:
        for kind in KINDS:
            for cls, authid, secret in (
                    (Cra, 'cra', w.cra), (Cra, 'salted', w.salted),
                    (WampScram, 'scram', w.scram),
                    (Scram, 'scram', w.scram), (Cryptosign, 'sign', w.key)):
                c, code = w.login(kind, cls(authid, secret))
                assert code == WELCOME, (kind, cls, code)
                c.close()
                c, code = w.login(kind, cls(authid, signing_key(7) if
                                            cls is Cryptosign else 'x'))
                assert code == ABORT, (kind, cls, code)
                c.close()
        verifiers, shared = w.verifiers(), w.shared()
        assert len(verifiers) > 2 * len(KINDS)
        w.check(dict(verifiers, **shared), lambda n: n != 'keeper')
        there = find(w.child('keeper'), verifiers)
        # the search works: hashes lie in ordinary memory there
        assert 'hash of t0' in there and 'stored of scram' in there, there
        clear = [n for n in there if n.startswith('key of')]
        clear += find(w.child('keeper'), shared)
        assert not clear, clear


def after_a_reload():
    """secrets: what a reload drops is nowhere a second later"""
    with Daemon() as w:
        old = w.verifiers()
        gone = {n: v for n, v in old.items() if ' of t' in n or
                ' of scram' in n}
        assert find(w.child('keeper'), gone)
        w.lines = [cra_line('cra', w.cra)]
        w.write()
        assert w.reload()
        wait_until(lambda: not find(w.child('keeper'), gone), 10,
                   'the old table to be wiped')
        w.check(gone)


def while_the_keeper_dies():
    """secrets: no ticket is left behind by a keeper that dies"""
    with Daemon() as w:
        clients = []
        for kind in KINDS:
            c = w.client(kind)
            t = w.tickets.new('keeper dies %s' % '/'.join(kind))
            Ticket('t1', t).hello(c)
            clients.append((c, t))
        keeper = w.child('keeper')
        os.kill(keeper, signal.SIGSTOP)
        for c, t in clients:
            c.send(AUTHENTICATE, t, {})
        os.kill(keeper, signal.SIGKILL)
        for c, t in clients:
            assert c.recv(20)[0] == ABORT
            c.close()
        wait_until(lambda: w.children().get('keeper', keeper) != keeper, 30,
                   'another keeper')
        w.check(w.tickets.wanted)


run_cases([tickets, tickets_that_came_to_nothing, verifiers, after_a_reload,
           while_the_keeper_dies])
