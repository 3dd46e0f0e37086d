# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Reloads and renewed certificates under load: who is entitled all the time
# notices nothing, who is not is, after each reload, where that one says.
#
# LONG=1: 200 reloads, 20 certificates, clients who are slow to shake hands.

import os
import random
import shutil
import socket
import ssl
import threading
import time

from daemon import (IS_ROOT, LONG, SAN, Wampd, free_port, make_cert,
                    run_cases, tmpdir, wait_until)
from authmethods import Cra, cra_line
from httpclient import get
from traffic import PATIENCE, Calls, Events, Joins, Traffic
from wampclient import *

NOT_AUTHORIZED = 'wamp.error.not_authorized'


def tls_context(version=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    if version is not None:
        ctx.minimum_version = ctx.maximum_version = version
    return ctx


def rss(pid):
    with open('/proc/%d/status' % pid) as f:
        return int(next(x for x in f if x.startswith('VmRSS:')).split()[1])


def fds(pid):
    return len(os.listdir('/proc/%d/fd' % pid))


# -- reloads ------------------------------------------------------------------

class Site:
    """What changes from one reload to the next stands in WORDS; what does
    not is what the load needs."""

    WORDS = ['realm', 'port', 'socket', 'rule', 'limits', 'user', 'history',
             'debug', 'order', 'metrics']

    def __init__(self, rng=random):
        self.rng = rng
        self.d = tmpdir()
        self.net, self.tls, self.path = free_port(), free_port(), \
            self.d + '/s'
        self.port2, self.path2 = free_port(), self.d + '/s2'
        self.users = self.d + '/users'
        self.crt, self.key = make_cert(self.d)
        self.now = set()
        self.w = Wampd(self.conf())

    def conf(self):
        def when(word, yes, no=''):
            return yes if word in self.now else no
        with open(self.users + '.new', 'w') as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(cra_line('alice', 'a') + '\n' +
                    when('user', cra_line('carol', 'c') + '\n'))
        os.rename(self.users + '.new', self.users)
        listens = ['listen on 127.0.0.1 port %d\n' % self.net,
                   'listen on 127.0.0.1 port %d tls { keypair "k" }\n' %
                   self.tls,
                   'listen on socket "%s" mode 0666\n' % self.path,
                   when('port', 'listen on 127.0.0.1 port %d\n' %
                        self.port2),
                   when('socket', 'listen on socket "%s" mode 0666\n' %
                        self.path2),
                   when('metrics', 'metrics on socket "%s.metrics"\n' %
                        self.path)]
        if 'order' in self.now:
            listens.reverse()
        realm2 = '''realm "realm2" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''
        return '''prefork 2
brokers 2
log %s
limits {
	connections per address %d
	message %s
	queue %s
	ping every %ds timeout 60s
}
keypair "k" { certificate "%s" key "%s" }
%s%srealm "realm1" {
	authenticate wampcra from "%s"
	authenticate anonymous role "all"
	%s
	role "all" {
		allow any
		%s
	}
	role "user" { allow any }
}
%s''' % (when('debug', 'debug', 'verbose'), when('limits', 400, 500),
            when('limits', '64k', '1m'), when('limits', '1m', '4m'),
            when('limits', 20, 30), self.crt, self.key, ''.join(listens),
            when('order', when('realm', realm2)), self.users,
            when('history', 'history { topic prefix "com.example.load." '
                 'events 50 }'),
            when('rule', 'deny any prefix "com.example.sometimes."'),
            when('order', '', when('realm', realm2)))

    def change(self):
        """Another configuration than the last one."""
        for w in self.rng.sample(self.WORDS, self.rng.randint(1, 4)):
            self.now ^= {w}
        assert self.w.reload(self.conf()), self.now

    # is it what the configuration says?

    def can_connect(self, address):
        try:
            Client(address, timeout=PATIENCE).close()
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        return True

    def can_join(self, address, realm, login=None):
        c = Client(address, join=False, timeout=PATIENCE)
        if login is not None:
            m = login.join(c, realm)
        else:
            c.send(HELLO, realm, ROLES)
            m = c.recv()
        c.close()
        return m[0] == WELCOME

    def is_counted(self):
        try:
            return get(self.path + '.metrics', '/health')[2] == 'ok\n'
        except FileNotFoundError:
            return False

    def looks(self, fickle):
        """As the words say, and that at once."""
        net = ('127.0.0.1', self.net)
        now = self.now
        assert self.can_join(net, 'realm2') == ('realm' in now), now
        assert self.can_join(self.path, 'realm1', Cra('alice', 'a'))
        assert self.can_join(self.path, 'realm1', Cra('carol', 'c')) == \
            ('user' in now), now
        assert self.is_counted() == ('metrics' in now), now
        assert self.can_connect(self.path2) == ('socket' in now), now
        # whoever waited to be accepted there is told so
        if 'port' in now:
            assert self.can_connect(('127.0.0.1', self.port2)), now
        else:
            wait_until(lambda: not self.try_connect(self.port2), PATIENCE,
                       'the port to be closed')
        r = fickle.next()
        fickle.send(PUBLISH, r, {'acknowledge': True},
                    'com.example.sometimes.a')
        m = fickle.recv()
        if 'rule' in now:
            assert m[:3] == [ERROR, PUBLISH, r] and m[4] == NOT_AUTHORIZED, m
        else:
            assert m[:2] == [PUBLISHED, r], m

    @staticmethod
    def try_connect(port):
        try:
            socket.create_connection(('127.0.0.1', port), 5).close()
        except OSError:
            return False
        return True

    def flows(self):
        net, tls = ('127.0.0.1', self.net), ('127.0.0.1', self.tls)

        def plain(**kw):
            return Client(net, timeout=PATIENCE, **kw)

        def unix(**kw):
            return Client(self.path, timeout=PATIENCE, **kw)

        def wss():
            return Client(tls, timeout=PATIENCE, tls=tls_context(),
                          transport='websocket', serializer='json')
        return [
            Events('net', plain(), [plain(), plain(), wss(), unix()]),
            Events('tls', wss(), [wss(), unix(serializer='cbor')]),
            Events('unix', unix(), [unix(), plain(serializer='json')]),
            Calls('call.net', plain(), plain()),
            Calls('call.tls', wss(), unix()),
            Calls('call.unix', unix(serializer='cbor'), wss()),
            Joins('join.net', net),
            Joins('join.tls', tls, tls=tls_context()),
            Joins('join.unix', self.path),
        ]


def reloads():
    """reloads in a row under load: nobody who may stay notices"""
    n = 200 if LONG else 12
    seed = int(os.environ.get('SEED') or random.randrange(1 << 32))
    print('SEED=%d' % seed, flush=True)
    s = Site(random.Random(seed))
    with s.w as w:
        kids = w.children()
        fickle = Client(s.path, timeout=PATIENCE)
        sizes = []
        with Traffic(s.flows()) as t:
            for i in range(n):
                s.change()
                t.check()
                if i % 4 == 0:
                    s.looks(fickle)
                if i % 10 == 9:
                    t.moves()
                if i in (n // 4, n - 1):
                    sizes.append({k: rss(p) for k, p in
                                  list(w.children().items()) +
                                  [('wampd', w.pid)]})
            t.moves()
            # the last one wins, however many there are at once
            for i in range(5):
                s.w.reload(wait=False)
            s.now = {'realm', 'user'}
            assert w.reload(s.conf())
            wait_until(lambda: s.can_join(s.path, 'realm2'), PATIENCE,
                       'the last configuration')
            t.moves()
        assert w.children() == kids
        assert w.reload(s.conf())
        s.looks(fickle)
        fickle.close()
        print('# %d rounds of %d flows; KiB %r' % (
            sum(f.rounds for f in t.flows), len(t.flows), sizes))
        if LONG and not SAN:
            for name, size in sizes[1].items():
                assert size < sizes[0][name] * 1.25 + 2048, (name, sizes)


def descriptors():
    """reloads leave no descriptor behind, taken or refused"""
    s = Site()
    with s.w as w:
        pids = [w.pid]
        if IS_ROOT:
            pids += w.children().values()

        def both():
            for word in s.WORDS:
                for _ in 'on', 'off':
                    s.now ^= {word}
                    assert w.reload(s.conf()), word
            assert not w.reload(s.conf() + 'nonsense\n')
            assert not w.reload(s.conf().replace(s.key, s.crt))
            assert w.reload(s.conf())
        both()
        before = [fds(p) for p in pids]
        both()
        # a tlsproxy closes the old listener a turn later
        wait_until(lambda: [fds(p) for p in pids] == before, PATIENCE,
                   'as few descriptors as before')


# -- certificates -------------------------------------------------------------

class Storm(threading.Thread):
    """Handshakes without end; each must meet a certificate that is not
    older than the one that was in force when it began."""

    def __init__(self, port, certs, version):
        super().__init__(daemon=True)
        self.port, self.certs = port, certs
        self.ctx = tls_context(version)
        self.in_force = 0
        self.is_over = False
        self.n = 0
        self.wrong = None

    def run(self):
        while not self.is_over and self.wrong is None:
            at = self.in_force
            try:
                with socket.create_connection(('127.0.0.1', self.port),
                                              PATIENCE) as s:
                    with self.ctx.wrap_socket(s) as t:
                        got = self.certs.index(t.getpeercert(True))
            except (OSError, ValueError) as e:
                self.wrong = 'handshake %d: %r' % (self.n, e)
                return
            if got < at:
                self.wrong = 'certificate %d, not %d' % (got, at)
            self.n += 1


def der(path):
    with open(path) as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


def make_certs(d, n):
    """Of all kinds that there are, each with a key of its own."""
    made = []
    for i in range(n):
        os.mkdir('%s/%d' % (d, i))
        made.append(make_cert('%s/%d' % (d, i),
                              kind='rsa' if i % 3 == 2 else 'ec'))
    return made


def tls_conf(crt, key, port, more=''):
    return '''prefork 2
keypair "k" { certificate "%s" key "%s" }
listen on 127.0.0.1 port %d tls { keypair "k" }
%srealm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
''' % (crt, key, port, more)


def renewed():
    """certificates replaced under a storm of handshakes: none fails"""
    n = 20 if LONG else 4
    d = tmpdir()
    port = free_port()
    made = make_certs(d, n + 1)
    certs = [der(crt) for crt, _ in made]
    crt, key = d + '/crt', d + '/key'
    shutil.copy(made[0][0], crt)
    shutil.copy(made[0][1], key)
    with Wampd(tls_conf(crt, key, port)) as w:
        storms = [Storm(port, certs, v) for v in
                  (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3) * 2]
        for s in storms:
            s.start()

        def more():
            """Each has another handshake from now on."""
            at = [s.n + 2 for s in storms]

            def done():
                assert not any(s.wrong for s in storms), \
                    [s.wrong for s in storms]
                return all(s.n >= k for s, k in zip(storms, at))
            wait_until(done, PATIENCE, 'handshakes')
        try:
            more()
            for i in range(1, n + 1):
                os.rename(made[i][0], crt)
                os.rename(made[i][1], key)
                assert w.reload()
                for s in storms:
                    s.in_force = i
                more()
        finally:
            for s in storms:
                s.is_over = True
            for s in storms:
                s.join()
        print('# %d handshakes' % sum(s.n for s in storms))


def slow_to_shake():
    """handshakes that began before a reload end by the old certificate"""
    d = tmpdir()
    port = free_port()
    made = make_certs(d, 3)
    certs = [der(crt) for crt, _ in made]
    limits = 'limits { handshake 60s }\n'
    with Wampd(tls_conf(*made[0], port, limits)) as w:
        pids = [w.child('tlsproxy %d' % i) for i in (0, 1)]

        def accepted():
            """Nobody else may look into a tlsproxy."""
            if IS_ROOT:
                return sum(fds(p) for p in pids)
            return len(socks)
        socks = []
        before = accepted()
        socks = [socket.create_connection(('127.0.0.1', port), PATIENCE)
                 for _ in range(6)]
        wait_until(lambda: accepted() == before + len(socks), PATIENCE,
                   'them to be accepted')
        # the limit is another one as well
        assert w.reload(tls_conf(*made[1], port, limits))
        assert w.reload(tls_conf(*made[2], port))
        # the keeper holds old keys for that long
        time.sleep(21 if LONG else 0)
        for i, s in enumerate(socks):
            ctx = tls_context((ssl.TLSVersion.TLSv1_2,
                               ssl.TLSVersion.TLSv1_3)[i % 2])
            with ctx.wrap_socket(s) as t:
                assert certs.index(t.getpeercert(True)) == 0


def many_keys():
    """many reloads of many keys: the keeper has each of them once"""
    d = tmpdir()
    crt, key = make_cert(d, kind='rsa')
    port = free_port()
    pairs = ''.join('keypair "k%d" { certificate "%s" key "%s" }\n' % (
        i, crt, key) for i in range(100))
    with Wampd(tls_conf(crt, key, port, pairs)) as w:
        size = rss(w.child('keeper'))
        for i in range(20):
            assert w.reload(), i
        if not SAN:
            assert rss(w.child('keeper')) < size * 1.5


run_cases([reloads, descriptors, renewed, slow_to_shake, many_keys])
