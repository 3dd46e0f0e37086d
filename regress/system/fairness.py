# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Somebody publishes without end, somebody else calls: the call does not wait
# behind all that the other has sent, and nothing of that is lost or out of
# order.  How long it takes depends on the machine; behind how many events it
# comes does not: the callee is a subscriber as well, and the tlsproxy is
# stopped until all is there that is to be in its way.

import os
import signal
import socket
import ssl
import time

from daemon import Wampd, done, free_port, make_cert, run_case, tmpdir
from wampclient import (ABORT, CALL, EVENT, INVOCATION, PUBLISH, RESULT,
                        YIELD, Client)

KINDS = [('rawsocket', False, 'msgpack'), ('rawsocket', True, 'cbor'),
         ('websocket', False, 'json'), ('websocket', True, 'msgpack')]
TOPIC, PROCEDURE = 'com.example.flood', 'com.example.polite'
MANY = 3000


def conf(ports, crt, key):
    return '''prefork 1
grace 0s
limits { queue 64m }
keypair "k" { certificate "%s" key "%s" }
listen on 127.0.0.1 port %d
listen on 127.0.0.1 port %d tls { keypair "k" }
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
''' % (crt, key, *ports)


class World:
    def __init__(self, kind):
        self.dir = tmpdir()
        crt, key = make_cert(self.dir)
        self.kind = kind
        self.ports = free_port(), free_port()
        self.context = ssl.create_default_context(cafile=crt)
        self.w = Wampd(conf(self.ports, crt, key))
        self.sent = self.got = 0
        self.pad = []

    def __enter__(self):
        self.w.start()
        self.publisher = self.client(self.kind)
        self.caller = self.client(self.kind)
        self.callee = self.client()
        self.callee.subscribe(TOPIC)
        self.callee.register(PROCEDURE)
        return self

    def __exit__(self, *exc):
        return self.w.__exit__(*exc)

    def client(self, kind=KINDS[0]):
        transport, tls, ser = kind
        return Client(('127.0.0.1', self.ports[tls]), transport, ser,
                      tls=self.context if tls else None, timeout=60)

    def publications(self, n):
        """As many, in one piece, that number themselves."""
        p = self.publisher
        out = b''.join(p.frame(p.dumps(
            [PUBLISH, p.next(), {}, TOPIC, [self.sent + i] + self.pad]))
            for i in range(n))
        self.sent += n
        return out

    def event(self, m):
        assert m[0] == EVENT and m[4] == [self.got] + self.pad, (m, self.got)
        self.got += 1

    def call(self):
        """Say it; the request's id."""
        request = self.caller.next()
        self.caller.send(CALL, request, {}, PROCEDURE, [request])
        return request

    def answer(self, request):
        """As callee, then as caller; how many events came first."""
        before = self.got
        m = self.callee.recv()
        while m[0] == EVENT:
            self.event(m)
            m = self.callee.recv()
        assert m[0] == INVOCATION and m[4] == [request], m
        self.callee.send(YIELD, m[1], {}, m[4])
        events = self.got - before
        m = self.caller.recv()
        assert m[0] == RESULT and m[1] == request, m
        return events

    def events(self):
        while self.got < self.sent:
            self.event(self.callee.recv())


def waits_little(kind):
    """a call comes before most of what somebody else published before it"""
    with World(kind) as w:
        w.answer(w.call())
        pid = w.w.child('tlsproxy 0')
        flood = w.publications(MANY)
        os.kill(pid, signal.SIGSTOP)
        try:
            w.publisher.write(flood)
            request = w.call()
        finally:
            os.kill(pid, signal.SIGCONT)
        events = w.answer(request)
        assert events < MANY / 2, events
        w.events()


def never_stops(kind):
    """calls are answered while somebody publishes without a pause"""
    with World(kind) as w:
        w.publisher.write(w.publications(MANY // 4))
        for _ in range(10):
            request = w.call()
            # as many as come, so that there are always as many under way
            w.publisher.write(w.publications(w.answer(request)))
        w.events()


def many_receivers():
    """to 300 subscribers while others call: all events, and in order"""
    with World(KINDS[0]) as w:
        w.answer(w.call())
        others = [w.client(KINDS[i % len(KINDS)]) for i in range(300)]
        for c in others:
            c.subscribe(TOPIC)
        w.pad = ['x' * 4000]
        w.publisher.write(w.publications(10))
        for _ in range(20):
            request = w.call()
            w.publisher.write(w.publications(2))
            w.answer(request)
        w.events()
        for c in others:
            for i in range(w.sent):
                m = c.recv()
                assert m[0] == EVENT and m[4] == [i] + w.pad, (m, i)


def gone_while_fenced():
    """one that is ended while it is fenced in, and leaves with many others"""
    kind = KINDS[0]
    with World(kind) as w:
        address = ('127.0.0.1', w.ports[0])
        proxy, broker = w.w.child('tlsproxy 0'), w.w.child('broker 0')
        for _ in range(3):
            w.caller.publish('com.example.talk', 1)
            c = Client(address)
            c.publish('com.example.talk', 1)
            others = [socket.create_connection(address) for _ in range(300)]
            # all are readable in one turn: the next ones come as many
            os.kill(proxy, signal.SIGSTOP)
            for s in others:
                s.send(b'\x7f')
            os.kill(proxy, signal.SIGCONT)
            w.answer(w.call())
            os.kill(broker, signal.SIGSTOP)
            c.write(c.frame(c.dumps([YIELD, 12345, {}, [1]])) + b''.join(
                c.frame(c.dumps([PUBLISH, c.next(), {}, 'com.example.talk',
                                 [i]])) for i in range(MANY)))
            time.sleep(0.2)	# a fence is out; if not, nothing is shown
            os.kill(broker, signal.SIGCONT)
            while c.recv()[0] != ABORT:
                pass
            os.kill(proxy, signal.SIGSTOP)
            for s in others:
                s.close()
            c.sock.close()
            os.kill(proxy, signal.SIGCONT)
            # somebody else is paused and goes on
            w.publisher.write(w.publications(MANY))
            w.answer(w.call())
            w.events()
        assert w.w.child('tlsproxy 0') == proxy


def case(fn, kind):
    transport, tls, ser = kind

    def run():
        fn(kind)
    run.__doc__ = '%s: %s%s, %s' % (fn.__doc__, transport,
                                    ' by TLS' if tls else '', ser)
    run_case(run)


for kind in KINDS:
    for fn in (waits_little, never_stops):
        case(fn, kind)
run_case(many_receivers)
run_case(gone_while_fenced)
done()
