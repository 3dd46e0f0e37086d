# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Subscribers that do not read what is published: with "slow consumer drop"
# what each was sent and what the log says it missed is all that was
# published, with "slow consumer disconnect" it goes; and nobody else loses
# anything.

import re
import socket
import ssl

from daemon import Wampd, free_port, make_cert, run_cases, tmpdir
from wampclient import (CALL, EVENT, GOODBYE, PUBLISH, PUBLISHED, RESULT,
                        SUBSCRIBE, SUBSCRIBED, Client, Closed)

KINDS = [(transport, tls, ser)
         for transport in ('rawsocket', 'websocket')
         for tls, ser in ((False, 'json'), (True, 'msgpack'), (True, 'cbor'))]
PAD = 'x' * 6000
MANY = 20000			# 120 MB: nobody is to hold so much
REASON = 'slow consumer: does not read its events'

TOPIC, LAST_WILL = 'com.example.t', 'com.example.will'


class World:
    """A router with a realm of either policy."""

    def __init__(self):
        self.dir = tmpdir()
        self.crt, self.key = make_cert(self.dir)
        self.ports = free_port(), free_port()
        self.context = ssl.create_default_context(cafile=self.crt)
        self.w = Wampd(self.conf())

    def conf(self, drops='drop', cuts='disconnect'):
        realm = '''realm "%s" {
	authenticate anonymous role "all"
	slow consumer %s
	role "all" { allow any  allow meta read }
}
'''
        return '''prefork 2
limits { queue 256k  message 64k  slow 1h }
keypair "k" {
	certificate "%s"
	key "%s"
}
listen on 127.0.0.1 port %d
listen on 127.0.0.1 port %d tls { keypair "k" }
''' % (self.crt, self.key, *self.ports) + \
            realm % ('drops', drops) + realm % ('cuts', cuts)

    def __enter__(self):
        self.w.start()
        return self

    def __exit__(self, *exc):
        return self.w.__exit__(*exc)

    def client(self, realm, kind=('rawsocket', False, 'msgpack')):
        transport, tls, ser = kind
        c = Client(('127.0.0.1', self.ports[tls]), transport, ser, realm=realm,
                   tls=self.context if tls else None, timeout=20)
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        return c

    def said(self, c, text):
        """The line about a session, all of it, or None."""
        m = re.search(r'^.*tlsproxy \d: session %d %s$' % (c.id, text),
                      self.w.log(), re.M)
        return m

    def wait_said(self, c, text):
        return self.w.wait_log(r'^.*tlsproxy \d: session %d %s$' %
                               (c.id, text))

    def left(self, c):
        return r'left realm=\S+ authid=\S+ role=all address=\S+ ' \
            r'reason="%s"' % re.escape(c)


class Feed:
    """Publishes numbers; a subscriber that reads sees that each came."""

    def __init__(self, world, realm):
        self.world = world
        self.publisher = world.client(realm)
        self.fast = world.client(realm, ('rawsocket', False, 'json'))
        self.fast.subscribe(TOPIC)
        self.n = 0

    def publish(self, pad=PAD):
        self.publisher.publish(TOPIC, self.n, pad)
        m = self.fast.expect(EVENT)
        assert m[4] == [self.n, pad], 'got %r, want %d' % (m[4][0], self.n)
        self.n += 1

    def until(self, is_over, then=0):
        """Publish until is_over(), and some more."""
        for i in range(MANY):
            if i % 8 == 0 and is_over():
                break
            self.publish()
        else:
            raise AssertionError('%d events are held' % MANY)
        for _ in range(then):
            self.publish()

    def close(self):
        self.publisher.close()
        self.fast.close()


def is_slow(world, c):
    return lambda: world.said(c, 'is slow: events are dropped')


def numbers(c):
    """Of the events, up to the first other message, and that."""
    got = []
    while True:
        m = c.recv()
        if m[0] != EVENT:
            return got, m
        got.append(m[4][0])


def read_on(world, c, got):
    """Read until the session is fast again: how many it missed."""
    while True:
        m = world.said(c, r'is fast again: (\d+) events were dropped')
        if m:
            return int(m.group(1))
        try:
            got.append(c.expect(EVENT, timeout=0.1)[4][0])
        except TimeoutError:
            pass


# -- drop ---------------------------------------------------------------------

def dropped(world, kind):
    feed = Feed(world, 'drops')
    slow = world.client('drops', kind)
    slow.subscribe(TOPIC)
    feed.until(is_slow(world, slow), then=40)
    assert not world.said(slow, 'is fast again.*')
    got = []
    missed = read_on(world, slow, got)
    last = feed.n
    feed.publish('')
    while not got or got[-1] != last:
        got.append(slow.expect(EVENT)[4][0])
    # the newest ones, and no other
    assert got == list(range(last - missed)) + [last], \
        '%d came, the last %r, %d of %d missed' % (len(got), got[-3:],
                                                   missed, last)
    assert missed >= 40
    slow.close()
    feed.close()


def drop_adds_up():
    """drop: what came and what the log counts is all there was"""
    with World() as world:
        for kind in KINDS:
            dropped(world, kind)


def left_while_slow():
    """drop: what one missed that leaves is logged, too"""
    with World() as world:
        for kind in KINDS[::2]:
            feed = Feed(world, 'drops')
            slow = world.client('drops', kind)
            slow.subscribe(TOPIC)
            feed.until(is_slow(world, slow), then=10)
            slow.send(GOODBYE, {}, 'wamp.close.normal')
            m = world.wait_said(slow, r'left while it was slow: (\d+) events '
                                r'were dropped')
            got, end = numbers(slow)
            assert end[0] == GOODBYE
            assert got == list(range(feed.n - int(m.group(1)))), m.group(1)
            slow.close()
            feed.close()


def replies_are_not_dropped():
    """drop: replies come, in order, whatever events do not"""
    with World() as world:
        feed = Feed(world, 'drops')
        slow = world.client('drops')
        slow.subscribe(TOPIC)
        feed.until(is_slow(world, slow))
        want = []
        for i in range(100):
            slow.send(CALL, slow.next(), {}, 'wamp.session.count')
            want.append([RESULT, slow.request])
            slow.send(PUBLISH, slow.next(), {'acknowledge': True}, LAST_WILL)
            want.append([PUBLISHED, slow.request])
            slow.send(SUBSCRIBE, slow.next(), {}, 'com.example.%d' % i)
            want.append([SUBSCRIBED, slow.request])
        got = []
        while len(got) < len(want):
            m = slow.recv()
            if m[0] != EVENT:
                got.append(m[:2])
        # what the broker answers at once and what it asks itself about
        assert sorted(got) == sorted(want)
        feed.publish()
        slow.close()
        feed.close()


# -- disconnect ---------------------------------------------------------------

def is_left(world, c):
    return lambda: world.said(c, world.left(REASON))


def wait_end(c, n):
    """It had the first of n events, in order, and perhaps was told."""
    got = []
    try:
        while True:
            m = c.recv()
            if m[0] == GOODBYE:
                assert m[1:] == [{'message': REASON}, 'wamp.close.killed'], m
                c.expect_closed()
                break
            got.append(m[4][0])
    except Closed:
        pass
    assert got == list(range(len(got))) and len(got) < n, len(got)
    assert c.closecode in (None, 1008)


def disconnected(world, kind):
    feed = Feed(world, 'cuts')
    watch = world.client('cuts')
    watch.subscribe('wamp.session.on_leave')
    watch.subscribe(LAST_WILL)
    slow = world.client('cuts', kind)
    slow.register('com.example.p')
    r = slow.call('wamp.session.add_testament', LAST_WILL, ['bye'], {})
    slow.expect(RESULT, r)
    slow.subscribe(TOPIC)
    feed.until(is_left(world, slow), then=10)
    assert not is_slow(world, slow)(), 'something was dropped'
    wait_end(slow, feed.n)
    heard = [watch.expect(EVENT)[4] for _ in range(2)]
    assert ['bye'] in heard, heard
    assert [slow.id] in [h[:1] for h in heard], heard
    feed.fast.register('com.example.p')
    for c in (slow, watch):
        c.close()
    feed.close()


def disconnect_ends_it():
    """disconnect: it is ended, others learn of it and lose nothing"""
    with World() as world:
        for kind in KINDS:
            disconnected(world, kind)


# -- reload -------------------------------------------------------------------

def reload_between_the_two():
    """reload: the other policy, for sessions that are there"""
    with World() as world:
        feed = Feed(world, 'drops')
        slow = world.client('drops')
        slow.subscribe(TOPIC)
        feed.until(is_slow(world, slow), then=10)
        assert world.w.reload(world.conf(drops='disconnect'))
        feed.until(is_left(world, slow))
        m = world.wait_said(slow, r'left while it was slow: (\d+) events '
                            r'were dropped')
        assert int(m.group(1)) >= 10, m.group(0)
        wait_end(slow, feed.n)
        slow.close()

        assert world.w.reload(world.conf(cuts='drop'))
        slow = world.client('drops')
        slow.subscribe(TOPIC)
        feed.n = 0
        feed.until(is_slow(world, slow), then=10)
        got = []
        missed = read_on(world, slow, got)
        assert got == list(range(len(got))) and missed >= 10
        slow.close()
        feed.close()
        dropped_other = Feed(world, 'cuts')
        slow = world.client('cuts')
        slow.subscribe(TOPIC)
        dropped_other.until(is_slow(world, slow))
        slow.close()
        dropped_other.close()


def slow_for_too_long():
    """limits slow: one that stays slow is ended"""
    with World() as world:
        assert world.w.reload(world.conf().replace('slow 1h', 'slow 100ms'))
        feed = Feed(world, 'drops')
        slow = world.client('drops')
        slow.subscribe(TOPIC)
        feed.until(lambda: world.said(slow, world.left('slow for too long')))
        slow.close()
        feed.close()


run_cases([drop_adds_up, left_while_slow, replies_are_not_dropped,
           disconnect_ends_it, reload_between_the_two, slow_for_too_long])
