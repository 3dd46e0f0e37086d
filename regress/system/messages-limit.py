# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# "limits session messages": a client that sends more is read more slowly.
# What it may send by then is computed from the test's own clock, which began
# before the first message was sent: so a slow machine never breaks a promise.

import re
import socket
import ssl
import struct
import time

from daemon import (SAN, Wampd, free_port, make_cert, run_cases, tmpdir)
from wampclient import *

TOPIC = 'com.example.t'
KEYPAIR = 'keypair "localhost" { certificate "%s" key "%s" }'
LINE = r'session %d says more than limits session messages'


def rss(pid):
    with open('/proc/%d/status' % pid) as f:
        return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1)) * 1024


def conf(port, rate, more='', tls=None):
    return '''prefork 1
grace 0s
log verbose
limits {
	connections per address 5000
	%s
	session { %s }
}
%s
listen on 127.0.0.1 port %d %s {
	rawsocket ping
%s}
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any allow meta write }
}
''' % (more, 'messages ' + rate if rate else '',
       KEYPAIR % tls if tls else '', port, 'tls' if tls else '',
       '\tkeypair "localhost"\n' if tls else '')


class Watcher:
    """A session of another process, so to say, that counts what comes."""

    def __init__(self, address, **kw):
        self.c = Client(address, **kw)
        self.c.subscribe(TOPIC)
        self.got = []           # (when, the event's argument)

    def watch(self, n, timeout=60):
        end = time.monotonic() + timeout * (3 if SAN else 1)
        while len(self.got) < n:
            m = self.c.expect(EVENT, timeout=max(0.1,
                              end - time.monotonic()))
            self.got.append((time.monotonic(), m[4][0]))

    def check(self, n, start, number, per, burst, others=0):
        """All came, in their order, and none before it was permitted; so
        many others were sent before them."""
        assert [g[1] for g in self.got] == list(range(n)), self.got
        for i, (when, _) in enumerate(self.got):
            most = burst + number * (when - start) / per
            assert i + 1 + others <= most, (i + 1, most, when - start)


def frames(c, n, start=0):
    """n PUBLISHs in one piece."""
    return b''.join(c.frame(c.dumps([PUBLISH, c.next(), {}, TOPIC,
                                     [start + i]])) for i in range(n))


def bound(rate, n, transport='rawsocket', serializer='msgpack', tls=None,
          pieces=None):
    """Send n publications at once to a limit of rate (number, seconds,
    burst); all arrive, and none too early."""
    number, per, burst = rate
    port = free_port()
    text = '%d per %dms burst %d' % (number, per * 1000, burst)
    ctx = ssl.create_default_context(cafile=tls[0]) if tls else None
    with Wampd(conf(port, text, tls=tls)) as w:
        a = ('127.0.0.1', port)
        kw = dict(transport=transport, serializer=serializer, tls=ctx)
        watcher = Watcher(a, **kw)
        c = Client(a, join=False, **kw)
        start = time.monotonic()
        c.join()
        data = frames(c, n)
        if pieces:
            for i in range(0, len(data), pieces):
                c.write(data[i:i + pieces])
        else:
            c.write(data)
        watcher.watch(n)
        watcher.check(n, start, number, per, burst, others=1)
        c.goodbye()
        # said once
        w.wait_log(LINE % c.id)
        assert len(re.findall(LINE % c.id, w.log())) == 1


# -- the bound ------------------------------------------------------------------

def bound_small():
    """20 a second, 5 at once"""
    bound((20, 1, 5), 30)


def bound_burst():
    """most of it at once, then slowly"""
    bound((10, 1, 190), 200)


def bound_one():
    """one at a time"""
    bound((50, 1, 1), 30)


def bound_fast():
    """tokens come faster than the timer ticks"""
    bound((20000, 1, 300), 20000)


def bound_websocket():
    """WebSocket, JSON"""
    bound((100, 1, 20), 150, 'websocket', 'json')


def bound_pieces():
    """in pieces that end in the middle of messages"""
    bound((200, 1, 20), 150, 'rawsocket', 'cbor', pieces=7)


def bound_tls():
    """TLS"""
    tls = make_cert(tmpdir())
    bound((200, 1, 20), 300, tls=tls)
    bound((5000, 1, 50), 5000, 'websocket', 'json', tls=tls)


def tls_pending():
    """TLS: what libtls holds is read after the pause, though poll is silent"""
    tls = make_cert(tmpdir())
    port = free_port()
    with Wampd(conf(port, '1 per 1h burst 5', tls=tls)) as w:
        a = ('127.0.0.1', port)
        ctx = ssl.create_default_context(cafile=tls[0])
        watcher = Watcher(a, tls=ctx)
        c = Client(a, tls=ctx)
        c.write(frames(c, 5))
        w.wait_log(LINE % c.id)
        watcher.watch(4)
        # seven records of ten messages; what is read at a time ends in the
        # last one, and nothing is behind it
        data = b''
        for i in range(5, 75):
            m = [PUBLISH, c.next(), {}, TOPIC, [i, '']]
            m[4][1] = 'x' * (1000 - 2 - len(c.frame(c.dumps(m))))
            data += c.frame(c.dumps(m))
        assert len(data) == 70000
        for i in range(0, 70000, 10000):
            c.write(data[i:i + 10000])
        assert w.reload(conf(port, '1 per 1h burst 60', tls=tls))
        watcher.watch(61)
        assert w.reload(conf(port, None, tls=tls))
        watcher.watch(75)
        assert [g[1] for g in watcher.got] == list(range(75))


def default_burst():
    """without burst: as many as the number"""
    port = free_port()
    with Wampd(conf(port, '15 per 1h')):
        a = ('127.0.0.1', port)
        watcher = Watcher(a)
        c = Client(a)
        c.write(frames(c, 20))
        watcher.watch(14)
        watcher.c.expect_nothing()
        assert [g[1] for g in watcher.got] == list(range(14))


# -- others ---------------------------------------------------------------------

def others():
    """others notice nothing, and neither do answers to the one that is held"""
    port = free_port()
    with Wampd(conf(port, '2000 per 1h burst 200')) as w:
        a = ('127.0.0.1', port)
        c = Client(a)
        reg = c.register('com.example.p')
        sub = c.subscribe('com.example.held')
        c.write(frames(c, 1000))
        w.wait_log(LINE % c.id)
        callee, caller = Client(a), Client(a)
        callee.register('com.example.echo')
        for i in range(40):
            r = caller.call('com.example.echo', i)
            m = callee.expect(INVOCATION)
            callee.send(YIELD, m[1], {}, m[4])
            caller.expect(RESULT, r, None, [i])
        # it is written to all the time
        caller.publish('com.example.held', 1)
        c.expect(EVENT, sub)
        caller.call('com.example.p')
        c.expect(INVOCATION, None, reg)


def excused():
    """its silence while it is not read is none"""
    port = free_port()
    with Wampd(conf(port, '1 per 1h burst 3',
                    'ping every 300ms timeout 600ms')) as w:
        a = ('127.0.0.1', port)
        c = Client(a)
        c.write(frames(c, 5))
        w.wait_log(LINE % c.id)
        # it would answer pings, but none are sent in five times the limit
        c.expect_nothing(3)
        assert c.pings == [], c.pings
        # another one that is silent is ended
        silent = Client(a)
        w.wait_log(r'session %d left .*ping timeout' % silent.id)
        assert 'session %d left' % c.id not in w.log()


# -- the end of one that is held --------------------------------------------------

def goodbye():
    """GOODBYE waits for its turn, and what was sent before it is not lost"""
    port = free_port()
    with Wampd(conf(port, '20 per 1s burst 10')) as w:
        a = ('127.0.0.1', port)
        watcher = Watcher(a)
        c = Client(a, timeout=60)
        start = time.monotonic()
        c.write(frames(c, 30))
        c.goodbye()
        most = 10 + 20 * (time.monotonic() - start)
        assert 31 <= most, most
        watcher.watch(30)
        watcher.check(30, start, 20, 1, 10)
        # the same connection, another session: still the same bucket
        start = time.monotonic()
        c.join()
        c.write(frames(c, 10, 30))
        watcher.watch(40)
        most = 1 + 20 * (time.monotonic() - start)
        assert 10 <= most, most
        w.wait_log(r'session %d joined' % c.id)


def router_goodbye():
    """GOODBYE of the router's to one that is held: it can answer at once"""
    port = free_port()
    with Wampd(conf(port, '1 per 1h burst 5')) as w:
        a = ('127.0.0.1', port)
        c, admin = Client(a, transport='websocket'), Client(a)
        c.write(frames(c, 10))
        w.wait_log(LINE % c.id)
        admin.call('wamp.session.kill', c.id)
        admin.expect(RESULT)
        c.expect(GOODBYE)
        c.send(GOODBYE, {}, 'wamp.close.goodbye_and_out')
        c.expect_closed(20)
        assert c.closecode == 1000, c.closecode     # not 1001: no GOODBYE


def closes():
    """who closes has five seconds more, then the session ends"""
    port = free_port()
    with Wampd(conf(port, '1 per 1h burst 5')) as w:
        a = ('127.0.0.1', port)
        gone = []
        for how in ('close', 'reset', 'half'):
            c = Client(a)
            gone.append(c)
            c.write(frames(c, 100))
            w.wait_log(LINE % c.id)
            if how == 'reset':
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  struct.pack('ii', 1, 0))
            if how == 'half':
                c.sock.shutdown(socket.SHUT_WR)
            else:
                c.close()
        for c in gone:
            w.wait_log(r'session %d left .*connection closed' % c.id, 20)


def closes_and_is_heard():
    """who closes is heard, if that takes less than five seconds"""
    port = free_port()
    with Wampd(conf(port, '1000 per 1s burst 10')) as w:
        a = ('127.0.0.1', port)
        watcher = Watcher(a)
        c = Client(a)
        c.write(frames(c, 500))
        c.close()
        watcher.watch(500)
        w.wait_log(r'session %d left .*connection closed' % c.id, 20)


def hello():
    """before HELLO it is a connection's"""
    port = free_port()
    with Wampd(conf(port, '1 per 2s')) as w:
        a = ('127.0.0.1', port)
        c = Client(a, join=False)
        start = time.monotonic()
        c.write(c.frame(c.dumps([HELLO, 'realm1', ROLES])) +
                c.frame(c.dumps([GOODBYE, {}, 'wamp.close.normal'])) +
                c.frame(c.dumps([HELLO, 'realm1', ROLES])))
        c.expect(WELCOME)
        c.expect(GOODBYE, timeout=20)
        assert time.monotonic() - start >= 2
        c.expect(WELCOME, timeout=20)
        assert time.monotonic() - start >= 4


# -- memory -----------------------------------------------------------------------

def memory():
    """what is kept is bounded, and TCP holds the client back"""
    port = free_port()
    with Wampd(conf(port, '10 per 1h burst 5')) as w:
        a = ('127.0.0.1', port)
        pid = w.child('tlsproxy 0')
        c = Client(a)
        before = rss(pid)
        data = frames(c, 2000)
        sent = 0
        c.sock.setblocking(False)
        quiet = 0
        while quiet < 20:
            try:
                sent += c.sock.send(data)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.05)
            assert sent < 64 << 20, 'all is taken'
        if not SAN:
            assert rss(pid) - before < 2 << 20, (before, rss(pid))


def many():
    """500 that are held, and limits memory is kept"""
    port = free_port()
    n = 500
    with Wampd(conf(port, '10 per 1h burst 2',
                    'memory 16m queue 1m message 1m')) as w:
        a = ('127.0.0.1', port)
        held = [Client(a) for i in range(n)]
        data = frames(held[0], 4000)
        for c in held:
            c.sock.settimeout(20)
            try:
                c.sock.sendall(data)
            except OSError:
                pass            # closed, because all hold too much
        w.wait_log('limits memory reached', 20)
        assert Client(a).id


# -- reload -----------------------------------------------------------------------

def reload():
    """a reload takes effect for those who are there: on, off, another one"""
    port = free_port()
    with Wampd(conf(port, None)) as w:
        a = ('127.0.0.1', port)
        watcher = Watcher(a)
        c = Client(a)
        c.write(frames(c, 3000))
        watcher.watch(3000)
        assert 'says more' not in w.log()
        assert w.reload(conf(port, '1 per 1h burst 7'))
        c.write(frames(c, 20, 3000))
        watcher.watch(3007)
        watcher.c.expect_nothing()
        # another one: all begin anew
        assert w.reload(conf(port, '1 per 1h burst 3'))
        watcher.watch(3010)
        watcher.c.expect_nothing()
        # the same: nothing begins anew
        assert w.reload(conf(port, '1 per 1h burst 3', 'hello 9s'))
        watcher.c.expect_nothing()
        assert w.reload(conf(port, None))
        watcher.watch(3020)
        c.write(frames(c, 1000, 3020))
        watcher.watch(4020)
        assert [g[1] for g in watcher.got] == list(range(4020))


run_cases([bound_small, bound_burst, bound_one, bound_fast, bound_websocket,
           bound_pieces, bound_tls, tls_pending, default_burst, others, excused,
           goodbye, router_goodbye, closes, closes_and_is_heard, hello, memory,
           many, reload])
