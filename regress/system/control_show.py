# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What wampctl shows of clients is what the clients themselves know and what
# the meta API says, also while others come and go; and whom it kills, and
# nobody else.

import os
import re
import socket
import ssl
import subprocess
import sys
import threading

from ctlclient import rows, wampctl
from daemon import (Wampd, free_port, make_cert, run_cases, tmpdir,
                    wait_until)
from wampclient import (CALL, ERROR, EVENT, GOODBYE, INVOCATION, RESULT,
                        Client)

REALMS = ['realm1', 'realm2', 'com.example.three', 'com.example.four']


class World(Wampd):
    """Several brokers and proxies, all kinds of listeners."""

    def __init__(self, limits=''):
        self.dir = tmpdir()
        self.crt, self.key = make_cert(self.dir)
        self.control = os.path.join(self.dir, 'control.sock')
        self.sock = os.path.join(self.dir, 'sock')
        self.plain, self.tls = free_port(), free_port()
        self.context = ssl.create_default_context(cafile=self.crt)
        self.realms = list(REALMS)
        self.limits = limits
        super().__init__(self.conf())

    def conf(self):
        text = '''prefork 2
brokers 2
control socket "%s"
limits { connections per address 5000  %s }
keypair "k" { certificate "%s"  key "%s" }
listen on socket "%s" mode 0666
listen on 127.0.0.1 port %d
listen on 127.0.0.1 port %d tls { keypair "k" }
''' % (self.control, self.limits, self.crt, self.key, self.sock, self.plain,
            self.tls)
        for name in self.realms:
            text += '''realm "%s" {
	authenticate socket { any authid "local" role "all" }
	authenticate anonymous role "all"
	role "all" { allow any  allow meta read  allow meta write }
}
''' % name
        return text

    def client(self, realm='realm1', tls=False, **kw):
        return Client(('127.0.0.1', self.tls if tls else self.plain),
                      realm=realm, tls=self.context if tls else None,
                      timeout=20, **kw)

    def local(self, realm='realm1', **kw):
        return Client(self.sock, realm=realm, timeout=20, **kw)

    def show(self, *words):
        return rows(self.control, 'show', *words)


def by(got, key):
    """Rows by one of their fields, which none has twice."""
    table = {r[key]: r for r in got}
    assert len(table) == len(got), 'the same %s twice' % key
    return table


def result(c, procedure, *args):
    """The first of its Arguments, if there are any."""
    m = c.expect(RESULT, c.call(procedure, *args))
    return m[3][0] if len(m) > 3 else None


def same_as_meta():
    """sessions, subscriptions, registrations: as the meta API says"""
    with World() as w:
        cs = {}
        for i, realm in enumerate(w.realms * 3):
            c = w.local(realm) if i % 2 else w.client(realm)
            cs.setdefault(realm, []).append(c)
            for match in ('exact', 'prefix', 'wildcard'):
                c.subscribe('com.%d..t' % i if match == 'wildcard' else
                            'com.%d' % i, {'match': match})
            c.register('com.p', {'invoke': 'roundrobin'})
            c.register('com.p.%d.' % i, {'match': 'prefix'})
        brokers = {r['realm']: r['broker'] for r in w.show('realms')}
        assert set(brokers.values()) == {0, 1}, brokers
        for realm in w.realms:
            c = cs[realm][0]
            got = by(w.show('sessions', 'realm', realm), 'session')
            assert set(got) == set(result(c, 'wamp.session.list')), realm
            for id, r in got.items():
                want = result(c, 'wamp.session.get', id)
                assert {k: r[k] for k in (
                    'session', 'authid', 'authrole', 'authmethod',
                    'authprovider')} == want, (r, want)
                assert (r['realm'], r['subscriptions'],
                        r['registrations']) == (realm, 3, 2), r
            for what in 'subscription', 'registration':
                got = by(w.show(what + 's', 'realm', realm), 'id')
                lists = result(c, 'wamp.%s.list' % what)
                assert set(got) == set(sum(lists.values(), [])), realm
                for id, r in got.items():
                    want = result(c, 'wamp.%s.get' % what, id)
                    assert {k: r[k] for k in want} == want, (r, want)
                    members = 'subscribers' if what == 'subscription' else \
                        'callees'
                    assert r[members] == result(
                        c, 'wamp.%s.count_%s' % (what, members), id), r
        # all of them: those of all realms
        assert set(by(w.show('sessions'), 'session')) == {
            c.id for some in cs.values() for c in some}
        assert len(by(w.show('registrations'), 'id')) == 4 * (1 + 3)
        # what another said of a session
        c, other = cs['realm1'][:2]
        result(c, 'wamp.session.modify_details', other.id,
               {'x': [1, None, 2.5, {'y': 'z'}]})
        row, = w.show('session', str(other.id))
        assert row['details'] == {'x': [1, None, 2.5, {'y': 'z'}]}, row
        for some in cs.values():
            for c in some:
                c.close()


def connections():
    """connections: TLS, transport and serializer as the client has them"""
    with World() as w:
        kinds = [(tls, transport, ser) for tls in (False, True)
                 for transport in ('rawsocket', 'websocket')
                 for ser in ('json', 'msgpack', 'cbor')]
        cs = [w.client(tls=tls, transport=transport, serializer=ser)
              for tls, transport, ser in kinds]
        cs.append(w.local())
        kinds.append((False, 'rawsocket', 'msgpack'))
        silent = socket.create_connection(('127.0.0.1', w.tls))
        wait_until(lambda: len(w.show('connections')) == len(cs) + 1)
        got = w.show('connections')
        waiting, = [r for r in got if r['session'] == 0]
        assert (waiting['state'], waiting['tls'], waiting['transport'],
                waiting['authid']) == ('tls', None, None, None), waiting
        assert waiting['address'] == '127.0.0.1:%d' % silent.getsockname()[1]
        got.remove(waiting)
        got = by(got, 'session')
        sessions = by(w.show('sessions'), 'session')
        assert set(got) == set(sessions), (got, sessions)
        for c, (tls, transport, ser) in zip(cs, kinds):
            r = got[c.id]
            assert (r['state'], r['transport'], r['serializer'],
                    r['realm']) == ('joined', transport, ser, 'realm1'), r
            if tls:
                assert (r['tls'], r['cipher']) == (
                    c.sock.version(), c.sock.cipher()[0]), r
                assert r['listener'] == '127.0.0.1 port %d' % w.tls, r
            else:
                assert (r['tls'], r['cipher']) == (None, None), r
            if c.sock.family == socket.AF_UNIX:
                assert r['address'] == 'unix:uid=%d' % os.getuid(), r
                assert r['listener'] == 'socket "%s"' % w.sock, r
            else:
                assert r['address'] == '127.0.0.1:%d' % \
                    c.sock.getsockname()[1], r
            # the broker and the proxy speak of the same
            assert r['proxy'] == sessions[c.id]['proxy'], r
            one, = w.show('session', str(c.id))
            assert one['slot'] == r['slot'], (one, r)
        silent.close()
        for c in cs:
            c.close()


def slow():
    """a slow session, and what it missed"""
    with World('queue 256k  message 64k  slow 1h') as w:
        c, p = w.client(), w.client()
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        c.subscribe('com.t')
        row, = w.show('connections', 'session', str(c.id))
        assert not row['slow'] and row['dropped_events'] == 0, row

        def is_slow():
            for _ in range(50):
                p.publish('com.t', 'x' * 6000)
            row, = w.show('connections', 'session', str(c.id))
            return row['slow'] and row['dropped_events'] > 0
        wait_until(is_slow, 30, 'a slow client')
        row, = w.show('connections', 'session', str(c.id))
        assert row['queued'] > 64 * 1024, row
        row, = w.show('session', str(c.id))
        assert row['slow'] and row['slow_ms'] >= 0, row
        row, = w.show('session', str(p.id))
        assert not row['slow'] and row['slow_ms'] == 0, row
        got = {(r['process'], r['instance'], r['what']): r
               for r in w.show('memory')}
        assert sum(r['count'] for k, r in got.items()
                   if k[2] == 'slow_dropped_events') > 0, got
        # fast again: what it missed stays known
        missed = w.show('connections', 'session',
                        str(c.id))[0]['dropped_events']

        def is_fast():
            try:
                while True:
                    c.recv(timeout=0.2)
            except (TimeoutError, socket.timeout):
                pass
            return not w.show('session', str(c.id))[0]['slow']
        wait_until(is_fast, 30, 'a client that is fast again')
        row, = w.show('connections', 'session', str(c.id))
        assert row['dropped_events'] >= missed and not row['slow'], row
        c.close()
        p.close()


def calls():
    """calls: of all brokers, with who waits for whom"""
    with World() as w:
        pairs = [(w.client(realm), w.local(realm)) for realm in w.realms]
        want = {}
        for caller, callee in pairs:
            callee.register('com.p')
            for timeout in (0, 3600000):
                id = caller.next()
                caller.send(CALL, id, {'timeout': timeout}, 'com.p')
                inv = callee.expect(INVOCATION)[1]
                want[caller.id, id] = callee.id, inv, timeout
        got = {(r['caller'], r['call']): (r['callee'], r['invocation'],
                                          r['timeout_ms'])
               for r in w.show('calls')}
        assert got == want, (got, want)
        got = w.show('calls', 'realm', 'realm2')
        assert len(got) == 2, got
        first, second = got
        assert first['age_ms'] >= second['age_ms'], got
        assert first['procedure'] == 'com.p', got
        for caller, callee in pairs:
            callee.close()
            assert caller.expect(ERROR)[4] == 'wamp.error.canceled'
            assert caller.expect(ERROR)[4] == 'wamp.error.canceled'
            caller.close()
        wait_until(lambda: w.show('calls') == [])


CHURN = '''
import sys
from wampclient import Client, Closed
port = int(sys.argv[1])
held = []
while True:
    c = Client(('127.0.0.1', port), realm=sys.argv[2], timeout=20)
    c.subscribe('com.churn.%d' % c.id)
    c.register('com.churn.%d' % c.id)
    held.append(c)
    if len(held) > 20:
        held.pop(len(held) // 2).close()
'''


def churn():
    """what is there all the time is shown once, whatever comes and goes"""
    with World() as w:
        stay = [w.client(w.realms[i % 2]) for i in range(600)]
        subs, regs = set(), set()
        for i, c in enumerate(stay[:300]):
            subs.add((c.subscribe('com.t.%d' % i), 'com.t.%d' % i))
            regs.add((c.register('com.p.%d' % i), 'com.p.%d' % i))
        ps = [subprocess.Popen([sys.executable, '-c', CHURN, str(w.plain),
                                realm]) for realm in w.realms[:2]]
        try:
            wait_until(lambda: len(w.show('sessions')) > 600, 20)
            seen = set()
            for _ in range(10):
                got = by(w.show('sessions'), 'session')
                assert {c.id for c in stay} <= set(got)
                seen |= set(got)
                got = by(w.show('connections'), 'address')
                assert {'127.0.0.1:%d' % c.sock.getsockname()[1]
                        for c in stay} <= set(got)
                got = by(w.show('subscriptions'), 'id')
                assert subs <= {(i, r['uri']) for i, r in got.items()}
                got = by(w.show('registrations'), 'id')
                assert regs <= {(i, r['uri']) for i, r in got.items()}
            assert len(seen) > 640, 'nobody came and went: %d' % len(seen)
            # those who leave do not take others along
            for p in ps:
                assert p.poll() is None, 'a client was cut off'
        finally:
            for p in ps:
                p.kill()
                p.wait()
        # a realm that goes takes nothing else from what is shown
        wait_until(lambda: len(w.show('sessions')) == 600, 20)
        w.realms.remove('realm2')
        assert w.reload(w.conf()), w.log()
        wait_until(lambda: len(w.show('sessions')) == 300, 20)
        assert {r['realm'] for r in w.show('sessions')} == {'realm1'}
        assert {r['realm'] for r in w.show('subscriptions')} == {'realm1'}
        for c in stay:
            c.close()


class Feed(threading.Thread):
    """Publishes numbers until told to stop."""

    def __init__(self, c):
        super().__init__(daemon=True)
        self.c = c
        self.n = 0
        self.is_over = False

    def run(self):
        while not self.is_over:
            self.c.publish('com.t', self.n)
            self.n += 1


def kill():
    """kill, under load: GOODBYE to those named, and no gap for others"""
    with World() as w:
        watcher = w.client()
        left = watcher.subscribe('wamp.session.on_leave')
        listener, publisher = w.client(), w.client()
        listener.subscribe('com.t')
        feed = Feed(publisher)
        feed.start()
        doomed = [w.local() for _ in range(300)]
        other = w.local('realm2')
        assert rows(w.control, 'kill', 'session', str(doomed[0].id)) == [
            {'killed': 1}]
        # who sees it, sees it at once
        status, out, err = wampctl(w.control, 'kill', 'authid', 'local',
                                   'realm', 'realm1')
        assert (status, out) == (0, '299 killed\n'), (out, err)
        assert w.show('sessions', 'authid', 'local', 'realm', 'realm1') == []
        row, = w.show('sessions', 'authid', 'local')
        assert row['session'] == other.id, row
        for c in doomed:
            m = c.expect(GOODBYE)
            assert m[2] == 'wamp.close.killed', m
            assert m[1]['message'] == 'ended by the administrator', m
            c.send(GOODBYE, {}, 'wamp.close.goodbye_and_out')
            c.close()
        gone = set()
        while len(gone) < 300:
            m = watcher.expect(EVENT)
            assert m[1] == left, m
            gone.add(m[4][0])
        assert gone == {c.id for c in doomed}
        feed.is_over = True
        feed.join(20)
        for i in range(feed.n):
            m = listener.expect(EVENT)
            assert m[4] == [i], (m, i)
        assert feed.n > 0
        assert rows(w.control, 'kill', 'authid', 'local') == [{'killed': 1}]
        assert other.expect(GOODBYE)[2] == 'wamp.close.killed'
        # the proxies count what the brokers do
        wait_until(lambda: len(w.show('connections')) == 3, 20)
        for c in (watcher, listener, publisher, other):
            c.close()


def memory():
    """memory: every process, its limits, the queues between them"""
    with World('memory 77m') as w:
        cs = [w.client() for _ in range(10)] + [w.local()]
        got = w.show('memory')
        names = {'%s %d' % (r['process'], r['instance']) for r in got}
        children = {re.sub(r'^keeper$', 'keeper 0', n)
                    for n in w.children()}
        assert names == children, (names, children)
        for r in got:
            assert set(r) == {'process', 'instance', 'what', 'peer',
                              'peer_instance', 'count', 'octets',
                              'limit'}, r
            if r['what'] == 'queue':
                assert r['octets'] >= 0 and r['peer'] is not None, r

        def total(process, what, field='count'):
            return sum(r[field] for r in got if r['process'] == process and
                       r['what'] == what)
        assert total('broker', 'sessions') == 11, got
        assert total('tlsproxy', 'sessions') == 11, got
        assert total('tlsproxy', 'connections') == 11, got
        assert total('keeper', 'keys') == 1, got
        assert total('broker', 'objects', 'octets') > 0, got
        for r in got:
            if r['process'] == 'broker' and r['what'] == 'objects':
                assert r['limit'] == 77 * 1024 * 1024, r
        # each broker speaks with the keeper and with each proxy
        queues = {(r['peer'], r['peer_instance']) for r in got
                  if r['process'] == 'broker' and r['instance'] == 1 and
                  r['what'] == 'queue'}
        assert queues == {('parent', 0), ('keeper', 0), ('tlsproxy', 0),
                          ('tlsproxy', 1), ('tlsproxy', 2)}, queues
        for c in cs:
            c.close()


run_cases([same_as_meta, connections, slow, calls, churn, kill, memory])
