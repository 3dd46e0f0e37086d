# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A tlsproxy that somebody has taken over, in a real daemon beside good ones:
# whoever is lied to lives, the liar is named and replaced, no session of
# another channel loses a message or waits, and nobody gets a session that
# the keeper did not grant (threats: lessons 4, 6, 25).
#
# alone: witnesses must not wait longer than a second

import os
import re
import socket
import ssl
import sys
import time

from daemon import IS_ROOT, SAN, done, run_case, wait_until
from imsgs import T
from takeover import (LATE, Evil, Witness, can_join, good_ones, over, rss,
                      spread)

# -- tlsproxy: each imsg to each neighbour -----------------------------------

BROKER_TAKES = ('SUBSCRIBE', 'UNSUBSCRIBE', 'PUBLISH', 'REGISTER',
                'UNREGISTER', 'CALL', 'YIELD', 'ERROR', 'INVOCATION_FAILED',
                'XOFF', 'XON', 'FENCE', 'SESSION_CLOSE')
SHAPES = ('empty', 'zeros', 'random', 'full', 'hasfd', 'fds', 'huge', 'tiny')


def all_types():
    return [n for n in T if n not in ('MAX',)] + ['777', str(0x7fffffff)]


def is_legal(chan, type, shape):
    """What may be said at any time, or says nothing."""
    return chan == 'parent' and (
        (type == 'CONF_FAILED' and shape not in ('huge', 'tiny', 'hasfd',
                                                 'fds', 'empty')))


def imsgs_to(chans, per_type):
    """Attacks: each type with some of the shapes, in turn."""
    out = []
    for i, chan in enumerate(chans):
        for k, type in enumerate(all_types()):
            for j in range(per_type):
                shape = SHAPES[(i + 3 * k + 5 * j) % len(SHAPES)]
                if is_legal(chan, type, shape):
                    shape = 'huge'
                out.append('imsg:%s:%s:%s' % (chan, type, shape))
    return out


REASONS = {'parent': r'sent .* on its control channel: killed',
           'keeper': r'sent nonsense to keeper: killed',
           'sign': r'sent nonsense to keeper: killed',
           'broker': r'sent nonsense to broker \d: killed'}


def whom(attack):
    """Who must notice."""
    kind, _, rest = attack.partition(':')
    if kind in ('imsg', 'rubbish'):
        return re.match(r'[a-z]+', rest).group(0)
    return {'auth': 'keeper', 'response': 'keeper',
            'session': 'broker', 'reuse': 'broker', 'foreign': 'broker',
            'conn_count': 'parent'}[kind]


def run_deadly(role, attacks, n=18):
    """Each attack ends its process, for the right reason."""
    left = attacks
    worst = 0
    while left:
        plan, left = spread(left, 1, n)
        total = sum(len(v) for v in plan.values())
        with Evil(role, plan, prefork=n + 1) as w:
            w.watch()
            w.witnesses.append(Witness(w, 'open'))
            w.go()
            w.wait_lives(total)
            for name, pid, attack in w.lives():
                how = w.death(name, pid)
                assert re.search(REASONS[whom(attack)], how), (attack, how)
            assert len(w.lives()) == total
            worst = max(worst, w.finish(good_ones(w)))
    print('%d attacks, a witness waited %.2f s at most' % (
        len(attacks), worst))


def tlsproxy_says_everything_to_broker():
    """lesson 4: every type of imsg, misshapen, from a tlsproxy to a broker"""
    run_deadly('tlsproxy', imsgs_to(('broker0',), 1))


def tlsproxy_says_everything_to_keeper():
    """lesson 4: every type of imsg, misshapen, from a tlsproxy to the keeper"""
    run_deadly('tlsproxy', imsgs_to(('keeper',), 1))


def tlsproxy_says_everything_to_sign():
    """lesson 4: every type of imsg, misshapen, where keys sign"""
    run_deadly('tlsproxy', imsgs_to(('sign',), 1))


def tlsproxy_says_everything_to_parent():
    """lesson 4: every type of imsg, misshapen, from a tlsproxy to the parent"""
    run_deadly('tlsproxy', imsgs_to(('parent',), 1))


HELLOS = ('socket', 'socket-groups', 'tls', 'tls-names',
          'subject-no-proof', 'proof-unknown', 'proof-all',
          'groups-no-proof', 'groups-short', 'groups-many', 'authid-short',
          'authid-long', 'authid-huge', 'methods-unknown', 'methods-silent',
          'announced', 'left-over', 'slot-0', 'slot-max', 'slot-all',
          'twice', 'twice-denied', 'cancel-never', 'cancel-twice',
          'sign-here', 'sign-twice', 'hello-there')


RESPONSES = ('never', 'short', 'sig-short', 'left-over', 'empty', 'sig-long',
             'sig-huge', 'nonce', 'nonce-huge', 'cbname-huge', 'cbdata-huge',
             'flag', 'slot', 'slot-none', 'gen', 'twice', 'denied',
             'canceled', 'sign')


def tlsproxy_answers_challenges():
    """log-ins: AUTHENTICATE that nobody asked for, replayed, misshapen"""
    run_deadly('tlsproxy', ['response:' + r for r in RESPONSES])


def tlsproxy_logs_in():
    """log-ins: no session and no other role without the proof"""
    with Evil('tlsproxy', {1: ['logins']}) as w:
        w.watch()
        w.go()
        over(w)
        w.finish(good_ones(w))
        for text in ('good wrong proof', 'good replayed proof',
                     'good another authid', "good another dialogue's",
                     'good no other method', 'good no session',
                     'good right proof'):
            assert text in w.log(), text


def tlsproxy_says_what_is_almost_right():
    """lesson 6: forged proofs, replayed and foreign slots, two answers"""
    attacks = ['auth:' + h for h in HELLOS]
    attacks += ['session:%s/%s/%s' % (n, slot, gen) for n in BROKER_TAKES
                for slot, gen in ((0, 0), (1, 4), (2, 3))]
    attacks += ['session:GRANT/1/3', 'session:GRANT/5/5', 'reuse', 'foreign',
                'conn_count:too-many', 'conn_count:too-high',
                'conn_count:odd', 'conn_count:oversized']
    attacks += ['rubbish:' + c for c in ('keeper', 'sign', 'broker0',
                                         'broker1', 'parent')]
    run_deadly('tlsproxy', attacks)


def fds_of(w):
    return {n: len(os.listdir('/proc/%d/fd' % p))
            for n, p in dict(w.children(), parent=w.pid).items()
            if n in w.before or n == 'parent'}


def tlsproxy_asks_politely():
    """lesson 4: what is refused, and descriptors nobody asked for"""
    plan = {1: ['oracle'], 2: ['descriptors'], 3: ['log'], 4: ['half']}
    with Evil('tlsproxy', plan, prefork=5) as w:
        w.watch()
        before = fds_of(w) if IS_ROOT else None
        w.go()
        over(w, 4)
        time.sleep(0.3)
        if before:
            after = fds_of(w)
            assert {n: after[n] for n in before} == before, (before, after)
        w.finish(good_ones(w))
        w.verdicts()
        log = w.log()
        for text in ('good closed realm', 'good authid root', 'good signs',
                     'good anonymous', 'good descriptors', 'good log'):
            assert text in log, text
        assert '\033' not in log


def tlsproxy_counts_too_much():
    """tlsproxy: claims all connections; when it is gone all is as before"""
    with Evil('tlsproxy', {1: ['conn_count:bound', 'real']}) as w:
        w.watch()
        before = rss(w.pid)
        w.go()
        over(w)
        time.sleep(0.2)
        grown = rss(w.pid) - before
        assert SAN or grown < 64 * 1024, '%d KiB in the parent' % grown
        pid = [p for _, p, _ in w.lives()][0]
        os.kill(int(pid), 9)
        w.death('tlsproxy 1', pid)
        for address in (('127.0.0.1', w.port), w.path):
            wait_until(lambda: can_join(address), 20, 'a join')
        w.finish(good_ones(w))


def handshakes(port, n=5, timeout=10):
    """TLS with a good tlsproxy; the slowest."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    worst = 0
    while n > 0:
        begin = time.monotonic()
        try:
            with socket.create_connection(('127.0.0.1', port), 5) as s:
                s.settimeout(timeout)
                with ctx.wrap_socket(s):
                    n -= 1
                    worst = max(worst, time.monotonic() - begin)
        except (ConnectionError, ssl.SSLError):
            time.sleep(0.01)	# an evil one's
    return worst


def tlsproxy_floods():
    """tlsproxy: floods of publications, signatures and subscriptions"""
    plan = {1: ['flood_publish'], 2: ['flood_sign'], 3: ['flood_subscribe']}
    with Evil('tlsproxy', plan, prefork=4) as w:
        w.watch()
        w.go()
        w.wait_lives(3)
        slow = handshakes(w.tls)
        assert slow < 5 * LATE, 'a handshake took %.1f s' % slow
        with w.connect() as c:
            c.subscribe('com.example.t')
        over(w, 3)
        if not SAN:
            for name in ('broker 0', 'broker 1', 'keeper'):
                assert rss(w.child(name)) < 400 * 1024, name
        worst = w.finish(good_ones(w))
        w.verdicts()
        print(re.findall(r'evil: good (.*)', w.log()))
        print('a witness waited %.2f s, a handshake %.2f s' % (worst, slow))


def tlsproxy_fills_every_slot():
    """tlsproxy: a session in every slot there is, unread"""
    with Evil('tlsproxy', {1: ['flood_hello', 'real']},
              verbose=False) as w:
        w.watch()
        w.go()
        w.wait_lives(1)
        name, pid, _ = w.lives()[0]
        how = w.death(name, pid, 60)
        assert re.search(r'sent nonsense to (broker \d|keeper): killed',
                         how), how
        if not SAN:
            for name in ('broker 0', 'broker 1'):
                assert rss(w.child(name)) < 400 * 1024, name
        wait_until(lambda: can_join(('127.0.0.1', w.port)), 20, 'a join')
        worst = w.finish(good_ones(w))
        print('a witness waited %.2f s' % worst)


def tlsproxy_never_reads():
    """tlsproxy: one that never reads costs the others 250 ms"""
    with Evil('tlsproxy', {1: ['never_read']}) as w:
        w.watch()
        w.go()
        over(w)
        with w.connect() as c:
            for i in range(400):
                c.publish('com.big', 'x' * 60000)
        # said when it ends
        name, pid, _ = w.lives()[0]
        os.kill(int(pid), 9)
        n = w.wait_log(r'broker \d: tlsproxy 1 was too slow: (\d+) events')
        assert int(n.group(1)) > 100, n.group(0)
        if not SAN:
            for name in ('broker 0', 'broker 1'):
                assert rss(w.child(name)) < 400 * 1024, name
        worst = w.finish(good_ones(w))
        w.verdicts()
        print('a witness waited %.2f s' % worst)


def tlsproxy_hangs():
    """lesson 25: one that hangs is killed after 5 s, and replaced"""
    with Evil('tlsproxy', {1: ['stop', 'real']}) as w:
        w.watch()
        w.go()
        w.wait_lives(1)
        name, pid, _ = w.lives()[0]
        how = w.death(name, pid, 20)
        assert 'did not answer for 5 s: killed' in how, how

        def served():
            with w.connect():
                return re.search(r'joined realm=open .*proxy=1\b', w.log())
        wait_until(served, 20, 'its successor')
        w.finish(good_ones(w))


CASES = [
    tlsproxy_says_everything_to_broker, tlsproxy_says_everything_to_keeper,
    tlsproxy_says_everything_to_sign, tlsproxy_says_everything_to_parent,
    tlsproxy_answers_challenges, tlsproxy_logs_in,
    tlsproxy_says_what_is_almost_right, tlsproxy_asks_politely,
    tlsproxy_counts_too_much, tlsproxy_floods, tlsproxy_fills_every_slot,
    tlsproxy_never_reads, tlsproxy_hangs,
]

for f in CASES:
    if not sys.argv[1:] or f.__name__ in sys.argv[1:]:
        run_case(f)
done()
