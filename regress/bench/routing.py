# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What routing costs the whole daemon: processor time of broker and tlsproxies
# for a publication, by how many subscriptions there are, and for a call, by
# how many registrations; and how long others wait while a session with
# 10,000 subscriptions leaves.

import os
import selectors
import statistics
import threading
import time

from daemon import Wampd, tmpdir, wait_until
from wampclient import *

MESSAGES = int(os.environ.get('MESSAGES', 20000))
SECONDS = float(os.environ.get('SECONDS', 3))
EACH = 10000            # of one session
CONF = '''prefork 1
brokers 1
log brief
listen on socket $sock mode 0666
realm "realm1" {
	authenticate anonymous role "all"
	role "all" {
		allow any
		allow meta read
	}
}
'''
EVENT_HEAD = b'\x94\x24', b'\x95\x24'   # MessagePack: [36, ...


def cpu(pid):
    with open('/proc/%d/schedstat' % pid) as f:
        return int(f.read().split()[0]) / 1e3


class Load:
    """Processor time while it lasts, in microseconds a message."""

    def __init__(self, w, what, messages):
        self.what, self.n = what, messages
        self.pids = [sorted(pid for name, pid in w.children().items()
                            if name.startswith(kind))
                     for kind in ('broker', 'tlsproxy')]

    def now(self):
        return [sum(map(cpu, pids)) for pids in self.pids]

    def __enter__(self):
        self.begin, self.time = self.now(), time.monotonic()

    def __exit__(self, kind, *_):
        if kind is None:
            took = time.monotonic() - self.time
            us = [(b - a) / self.n for a, b in zip(self.begin, self.now())]
            print('%-42s broker %6.2f us, tlsproxy %6.2f us; %6.0f a second'
                  % (self.what + ':', us[0], us[1], self.n / took),
                  flush=True)


class Readers(threading.Thread):
    """Reads what comes to sessions, and counts the EVENTs."""

    def __init__(self, clients):
        super().__init__(daemon=True)
        self.n = 0
        self.left = {c: b'' for c in clients}
        self.sel = selectors.DefaultSelector()
        for c in clients:
            self.sel.register(c.sock, selectors.EVENT_READ, c)
        self.start()

    def run(self):
        while self.left:
            for key, _ in self.sel.select():
                c = key.data
                try:
                    data = c.sock.recv(1 << 20)
                except OSError:
                    data = b''
                if not data:
                    self.sel.unregister(c.sock)
                    del self.left[c]
                    continue
                self.left[c] = self.count(self.left[c] + data)

    def count(self, data):
        at = 0
        while len(data) - at >= 4:
            n = int.from_bytes(data[at + 1:at + 4], 'big')
            if len(data) - at < 4 + n:
                break
            self.n += data[at + 4:at + 6] in EVENT_HEAD
            at += 4 + n
        return data[at:]


def many(c, code, what, options, answer):
    """Of one session, not one by one."""
    for i in range(0, len(what), 1000):
        c.write(b''.join(c.frame(c.dumps([code, c.next(), options, x]))
                         for x in what[i:i + 1000]))
        for _ in what[i:i + 1000]:
            c.expect(answer)


def names(n, end, of):
    """of: what was there before may still be leaving."""
    return ['com.%s%d.dev%d.unit%d.%s' % (of, n, i % 1000, i // 1000, end)
            for i in range(n)]


def publications(w, sock, match, n):
    end = 'x' if match == 'exact' else ''
    subs = []
    for i in range(0, n, EACH):
        subs.append(Client(sock, timeout=60))
        many(subs[-1], SUBSCRIBE, names(n, end, match)[i:i + EACH],
             {'match': match}, SUBSCRIBED)
    r = Readers(subs)
    p = Client(sock, timeout=60)
    topics = names(n, 'x', match)
    with Load(w, 'publish, %d %s subscriptions' % (n, match), MESSAGES):
        for i in range(0, MESSAGES, 1000):
            p.write(b''.join(p.frame(p.dumps(
                [PUBLISH, p.next(), {'acknowledge': k == i + 999},
                 topics[k * 7919 % n], [k]]))
                for k in range(i, i + 1000)))
            p.expect(PUBLISHED)
        wait_until(lambda: r.n == MESSAGES, 60, 'all EVENTs')
    for c in subs + [p]:
        c.close()


def serve(c):
    try:
        while True:
            m = c.recv(600)
            if m[0] == INVOCATION:
                c.send(YIELD, m[1], {}, m[4])
    except (Closed, OSError):
        pass


def calls(w, sock, match, n):
    callee, caller = Client(sock, timeout=60), Client(sock, timeout=60)
    many(callee, REGISTER,
         names(n, 'x' if match == 'exact' else '', match),
         {'match': match}, REGISTERED)
    threading.Thread(target=serve, args=(callee,), daemon=True).start()
    procedures = names(n, 'x', match)
    with Load(w, 'call, %d %s registrations' % (n, match), MESSAGES):
        for i in range(0, MESSAGES, 100):
            caller.write(b''.join(caller.frame(caller.dumps(
                [CALL, caller.next(), {}, procedures[k * 7919 % n], [k]]))
                for k in range(i, i + 100)))
            for _ in range(100):
                caller.expect(RESULT)
    callee.close()
    caller.close()


class Pair(threading.Thread):
    def __init__(self, sock):
        super().__init__(daemon=True)
        self.c = Client(sock)
        self.c.subscribe('com.other')
        self.times, self.is_over = [], False
        self.start()

    def run(self):
        c = self.c
        while not self.is_over:
            begin = time.monotonic()
            c.send(PUBLISH, c.next(), {'exclude_me': False}, 'com.other')
            c.expect(EVENT)
            self.times.append(time.monotonic() - begin)
            time.sleep(0.0002)


def leaving(sock, match, is_watched=False):
    """is_watched: somebody gets the meta events of each subscription."""
    watchers = [Client(sock)] if is_watched else []
    for c in watchers:
        for name in ('on_unsubscribe', 'on_delete'):
            c.subscribe('wamp.subscription.' + name)
    Readers(watchers)
    p = Pair(sock)
    time.sleep(SECONDS)
    before, worst = p.times, []
    for _ in range(5):
        c = Client(sock, timeout=60)
        many(c, SUBSCRIBE,
             names(EACH, 'x' if match == 'exact' else '', match),
             {'match': match}, SUBSCRIBED)
        p.times = times = []
        c.close()
        time.sleep(SECONDS / 5)
        worst.append(max(times))
    p.is_over = True
    p.join()
    for c in watchers + [p.c]:
        c.close()
    print('leaving, %d %s subscriptions%s: a message takes others %.2f ms, '
          'at most %.2f; while it leaves at most %s ms' % (
              EACH, match, ', watched' * is_watched, 1e3 * statistics.median(before),
              1e3 * max(before), ', '.join('%.2f' % (1e3 * x)
                                           for x in sorted(worst))),
          flush=True)


sock = os.path.join(tmpdir(), 's')
with Wampd(CONF, macros={'sock': sock}) as w:
    for match in ('exact', 'prefix', 'wildcard'):
        for n in (10, 1000, 100000):
            publications(w, sock, match, n)
    for match in ('exact', 'prefix', 'wildcard'):
        for n in (10, 10000):
            calls(w, sock, match, n)
    for match in ('exact', 'prefix', 'wildcard'):
        leaving(sock, match)
    leaving(sock, 'prefix', True)
