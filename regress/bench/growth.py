# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Does what a message costs grow with what else there is?  Processor time of
# the whole daemon for a publication and a call, side by side with a daemon
# that has nothing else to do; what a subscription costs, by how many there
# are; and how long others wait while many leave.  "!!" marks what is not
# held.  Arguments are the parts that are wanted: sessions, subscriptions,
# among, setup, leaving.

import os
import sys
import time

from load import (FULL, Daemon, LoadFailed, figures, machine, median, ratio,
                  rounds)

ROUNDS = int(os.environ.get('ROUNDS', 5))
SHORT = '-t 0.4 -W 0.15 '
EVENT, CALL = 'cpu_us_event', 'cpu_us_call'
BESIDE_GATE, BESIDE_GOAL = 1.1, 1.05
FLAT = 1.5		# with what is published to, and what is called
STALL_MS = 20		# of others while somebody leaves
LIMITS = '''memory 16g
	connections 200000
	session { subscriptions 1000000 registrations 1000000 }'''
POLITE = '-r 1000 -t %g -W 0.2 pubsub'

held = True


class Crowd:
    """Sessions that were opened and are idle.  args: wampload's, of several
    processes that take turns at the transports."""

    def __init__(self, daemon, args, *transports):
        self.procs = []
        self.found = []
        self.daemon, self.args = daemon, args
        self.transports = transports or ('plain',)

    def __enter__(self):
        for i, args in enumerate(self.args):
            proc = self.daemon.start_load(
                args + ' -H 3600 idle',
                self.transports[i % len(self.transports)])
            self.procs.append(proc)
            line = proc.stdout.readline()
            if not line:
                raise LoadFailed(proc.communicate()[1])
            self.found.append(figures(line))
        return self

    def leave(self):
        for proc in self.procs:
            # its end is not to take the processor from who measures
            os.sched_setscheduler(proc.pid, os.SCHED_OTHER,
                                  os.sched_param(0))
            os.setpriority(os.PRIO_PROCESS, proc.pid, 19)
            proc.kill()
        for proc in self.procs:
            proc.communicate()
        self.procs = []

    def __exit__(self, *_):
        self.leave()


def settle(daemon):
    """Until it has nothing to do."""
    before = 0
    while True:
        now = sum(daemon.cpu().values())
        if now - before < 2000:
            return
        before = now
        time.sleep(0.3)


def judge(title, value, text, gate, goal=None):
    global held
    words = ''
    if gate is not None and value > gate:
        held = False
        words = '!! gate %g' % gate
    elif goal is not None:
        words = 'goal %g %s' % (goal, 'met' if value <= goal else 'not met')
    print('%-58s %s  %s' % (title, text, words), flush=True)


def spread(results, others, key):
    ratios = sorted(a[key] / b[key] for a, b in zip(results, others))
    return ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]


def beside(bare, crowded, title, args, transport='plain', calls=True,
           ports=()):
    """1 to 1 beside the crowd, which is none of its business."""
    with Crowd(crowded, args, *(ports or [transport])):
        settle(crowded)
        for what, load, key in (('publish', 'pubsub', EVENT),
                                ('call', 'rpc', CALL)):
            if what == 'call' and not calls:
                continue
            runs = rounds(ROUNDS, {
                'bare': lambda: bare.load(SHORT + load, transport),
                'crowd': lambda: crowded.load(SHORT + load, transport)})
            times = ratio(runs['crowd'], runs['bare'], key)
            low, high = spread(runs['crowd'], runs['bare'], key)
            judge('%s 1→1 beside %s' % (what, title), times,
                  '%7.2f %7.2f us %6.3f (%.2f-%.2f)' % (
                      median(runs['bare'], key), median(runs['crowd'], key),
                      times, low, high), BESIDE_GATE, BESIDE_GOAL)
    settle(crowded)


def among(bare, match, numbers):
    """Publications to all of so many subscriptions of ten sessions in turn.
    More of them than the caches hold cost what memory costs."""
    def load(n):
        args = '%s-s 10 -k 10 -K %d %s pubsub' % (
            SHORT, n // 10, '' if match == 'exact' else '-M ' + match)
        return bare.load(args)
    runs = rounds(max(3, ROUNDS // 2), {n: lambda n=n: load(n)
                                        for n in numbers})
    first = runs[numbers[0]]
    for n in numbers[1:]:
        times = ratio(runs[n], first, EVENT)
        judge('publish to %s %s subscriptions, not %d' % (
            '{:,}'.format(n), match, numbers[0]), times,
            '%7.2f %7.2f us %6.3f' % (median(first, EVENT),
                                      median(runs[n], EVENT), times), FLAT)


def setup(daemon, title, args, each):
    """What each of so many costs to make."""
    def cost(a):
        with Crowd(daemon, [a]) as crowd:
            f = crowd.found[0]
            us = f['open_us_session'] * f['sessions'] / each(f)
        settle(daemon)
        return us
    costs = [cost(a) for a in args]
    # not a message's cost: tables grow, and memory is touched first
    judge(title, costs[-1] / costs[0], '%7.2f %7.2f us %6.3f' % (
        costs[0], costs[-1], costs[-1] / costs[0]), None, FLAT)


def leaving(daemon, title, args, gate=STALL_MS):
    """The crowd ends without a word while one publishes at a fixed rate."""
    quiet = daemon.load(POLITE % 2)
    with Crowd(daemon, args) as crowd:
        settle(daemon)
        polite = daemon.start_load(POLITE % 3, nice=-5 if FULL else 0)
        time.sleep(1.2)
        crowd.leave()
        found = daemon.finish_load(polite)
    settle(daemon)
    judge('others wait while %s' % title, found['max_us'] / 1e3,
          'at most %7.1f ms, before %.1f; p99 %.1f' % (
              found['max_us'] / 1e3, quiet['max_us'] / 1e3,
              found['p99_us'] / 1e3), gate)


def sessions(bare, crowded):
    if FULL:
        beside(bare, crowded, '10 idle sessions', ['-N 10'])
        beside(bare, crowded, '1,000 idle sessions', ['-N 1000'])
    beside(bare, crowded, '5,000 idle sessions', ['-N 5000'], calls=FULL)
    if FULL:
        beside(bare, crowded, '5,000 idle TLS sessions', ['-N 5000'], 'tls',
               calls=False)


def many_sessions():
    """More than a process may have descriptors, on either side."""
    args = dict(prefork=6, limits=LIMITS, ports=5)
    ports = ['plain'] + ['plain %d' % i for i in range(1, 6)]
    with Daemon('bare', **args) as bare, Daemon('crowd', **args) as crowded:
        beside(bare, crowded, '100,000 idle sessions, prefork 6',
               ['-N 16700'] * 6, ports=ports)


def subscriptions(bare, crowded):
    beside(bare, crowded, '100,000 subscriptions', ['-N 100 -S -K 1000'],
           calls=False)
    if not FULL:
        return
    beside(bare, crowded, '1,000,000 subscriptions', ['-N 1000 -S -K 1000'],
           calls=False)
    for match in ('prefix', 'wildcard'):
        beside(bare, crowded, '100,000 %s subscriptions' % match,
               ['-N 100 -S -K 1000 -M ' + match], calls=False)
    beside(bare, crowded, '1,000,000 wildcard subscriptions',
           ['-N 1000 -S -K 1000 -M wildcard'], calls=False)
    beside(bare, crowded, '1,000,000 registrations', ['-N 100 -E -K 10000'])


def all_among(bare, _):
    numbers = (10, 1000, 100000, 1000000) if FULL else (10, 10000)
    for match in ('exact', 'prefix', 'wildcard') if FULL else ('exact',):
        among(bare, match, numbers)


def all_setup(bare, _):
    setup(bare, 'SUBSCRIBE, of %s, not of 10,000' % (
        '1,000,000' if FULL else '100,000'),
        ['-N 10 -S -K 1000', '-N 10 -S -K %d' % (100000 if FULL else 10000)],
        lambda f: f['subscribed'])
    if FULL:
        setup(bare, 'a session, of 18,000, not of 1,000',
              ['-N 1000', '-N 18000'], lambda f: f['sessions'])


def all_leaving(bare, _):
    leaving(bare, 'a session with 100,000 subscriptions leaves',
            ['-N 1 -S -K 100000'])
    if not FULL:
        return
    leaving(bare, 'one with 1,000,000 leaves', ['-N 1 -S -K 1000000'])
    leaving(bare, 'one with 100,000 registrations leaves',
            ['-N 1 -E -K 100000'])
    leaving(bare, '1,000 sessions with 100 subscriptions leave',
            ['-N 1000 -S -K 100'])
    leaving(bare, '5,000 sessions with 10 subscriptions leave',
            ['-N 5000 -S -K 10'])
    leaving(bare, '18,000 sessions leave', ['-N 9000'] * 2)


PARTS = {
    'sessions': sessions,
    'subscriptions': subscriptions,
    'among': all_among,
    'setup': all_setup,
    'leaving': all_leaving,
}


def main():
    print('# %s; prefork 1; median of %d rounds and the middle half of them'
          % (machine(), ROUNDS))
    wanted = sys.argv[1:] or list(PARTS)
    with Daemon('bare', prefork=1, limits=LIMITS) as bare, \
            Daemon('crowd', prefork=1, limits=LIMITS) as crowded:
        for part in wanted:
            PARTS[part](bare, crowded)
    if FULL and 'sessions' in wanted:
        many_sessions()
    print('# every gate is held' if held else '!! not every gate is held')


if __name__ == '__main__':
    main()
