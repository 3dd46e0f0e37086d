# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Sessions that have much: what they had is gone when they leave, though that
# takes more than one turn, and memory goes back, that of idle sessions and
# that of those that left.

import os

from daemon import (IS_ROOT, SAN, Wampd, done, run_case, skip, tmpdir,
                    wait_until)
from wampclient import *

EACH = 3000             # more than is given up at once, with both kinds
CONF = '''prefork 1
brokers 2
log brief
listen on socket $sock mode 0666
limits {
	connections per address 5000
	queue 16m
}
realm "realm1" {
	authenticate anonymous role "all"
	role "all" {
		allow any
		allow meta read, write
	}
}
'''


def many(c, code, names, answer, options=None):
    """Of one session, not one by one: the ids."""
    c.write(b''.join(c.frame(c.dumps([code, c.next(), options or {}, x]))
                     for x in names))
    return [c.expect(answer, timeout=30)[2] for _ in names]


def names(what, n=EACH):
    return ['com.%s.%d' % (what, i) for i in range(n)]


def rich(sock):
    """One that has both, and what its ids are."""
    c = Client(sock, timeout=30)
    return c, (many(c, SUBSCRIBE, names('topic', EACH // 2), SUBSCRIBED) +
               many(c, SUBSCRIBE, names('pattern', EACH // 2), SUBSCRIBED,
                    {'match': 'prefix'})), \
        many(c, REGISTER, names('procedure'), REGISTERED)


def lists(c, kind):
    c.call('wamp.%s.list' % kind)
    return sum(c.expect(RESULT)[3][0].values(), [])


def expect_all_gone(sock, c, watch, subs, regs):
    """Each was reported once, and others can have them."""
    left = {id_: set(ids) for id_, ids in zip(watch, (subs, regs))}
    while any(left.values()):
        e = c.recv(30)
        if e[0] == EVENT:
            left[e[1]].remove(e[4][1])
    assert lists(c, 'registration') == []
    assert not set(subs) & set(lists(c, 'subscription'))
    other = Client(sock)
    regs = many(other, REGISTER, names('procedure'), REGISTERED)
    other.goodbye()
    other.close()
    for reg in regs:
        c.expect(EVENT, watch[1], None, None, None, timeout=30)


def watch(sock):
    c = Client(sock, timeout=30)
    return c, [c.subscribe('wamp.%s.on_delete' % kind)
               for kind in ('subscription', 'registration')]


def lost(sock):
    """A session with much that is lost has nothing any more"""
    c, ids = watch(sock)
    s, subs, regs = rich(sock)
    s.close()
    expect_all_gone(sock, c, ids, subs, regs)
    c.close()


def goodbye(sock):
    """One that says GOODBYE joins again at once, and has nothing"""
    c, ids = watch(sock)
    s, subs, regs = rich(sock)
    s.send(GOODBYE, {}, 'wamp.close.close_realm')
    s.expect(GOODBYE)
    s.join()
    p = Client(sock)
    for name in names('topic', 5) + ['com.pattern.1.x']:
        p.publish(name)
    expect_all_gone(sock, c, ids, subs, regs)
    s.expect_nothing(0.1)
    for x in (c, p, s):
        x.close()


def killed(sock):
    """One that is killed is told so, and has nothing any more"""
    c, ids = watch(sock)
    s, subs, regs = rich(sock)
    c.call('wamp.session.kill', s.id)
    while s.recv(30)[0] != GOODBYE:
        pass
    expect_all_gone(sock, c, ids, subs, regs)
    c.close()
    s.close()


def both(sock):
    """One that is lost while it is killed is gone once"""
    c, ids = watch(sock)
    s, subs, regs = rich(sock)
    c.call('wamp.session.kill', s.id)
    s.close()
    expect_all_gone(sock, c, ids, subs, regs)
    c.close()


def octets(w):
    """Of all processes, in KiB."""
    n = 0
    for pid in list(w.children().values()) + [w.pid]:
        with open('/proc/%d/smaps_rollup' % pid) as f:
            n += sum(int(line.split()[1]) for line in f
                     if line.startswith('Anonymous:'))
    return n


def talk(c):
    """As much as fills every buffer: c hears itself."""
    text = 'x' * 4000
    topic = 'com.self.%d' % c.id
    c.subscribe(topic)
    for _ in range(5):
        for _ in range(10):
            c.send(PUBLISH, c.next(), {'exclude_me': False}, topic, [text])
        for _ in range(10):
            c.expect(EVENT, timeout=30)


def idle(w, sock):
    """Sessions that talked and fell silent hold no buffers"""
    talk(Client(sock))
    before = octets(w)
    crowd = [Client(sock, timeout=30) for _ in range(200)]
    for c in crowd:
        talk(c)
    # one chunk of 4 KiB for each would be more
    wait_until(lambda: octets(w) - before < 200 * 3.5 + 512, 20,
               'buffers to be given back')
    for c in crowd:
        c.close()


def returned(w, sock):
    """What many had goes back to the kernel when they have left"""
    before = octets(w)
    crowd = [Client(sock, timeout=30) for _ in range(10)]
    for i, c in enumerate(crowd):
        many(c, SUBSCRIBE, names('mine.%d' % i, 9000), SUBSCRIBED)
    had = octets(w) - before
    assert had > 20000, had
    for c in crowd:
        c.close()
    wait_until(lambda: octets(w) - before < had / 4, 40,
               'memory to be returned')


sock = os.path.join(tmpdir(), 's')
with Wampd(CONF, macros={'sock': sock}) as w:
    for case in (lost, goodbye, killed, both):
        def run(case=case):
            case(sock)
        run.__doc__ = case.__doc__
        run_case(run)
    for case in (idle, returned):
        def run(case=case):
            case(w, sock)
        run.__doc__ = case.__doc__
        if SAN:
            skip(case.__doc__, 'a sanitizer keeps memory')
        elif not IS_ROOT:
            skip(case.__doc__, 'only root sees the memory of a child')
        else:
            run_case(run)
done()
