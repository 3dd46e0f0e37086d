# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# One subscriber that stops reading, under full load: what the others notice,
# what it costs in memory, and whether the log says what it missed.  The same
# load without it takes turns with it; "!!" marks a gate that is not held.

import os
import re

from daemon import wait_until
from load import FULL, Daemon, machine, median, ratio, rounds

ROUNDS = int(os.environ.get('ROUNDS', 5 if FULL else 3))
SLOWER = 1.2		# times: p99 of those who read
QUEUE = 128		# KiB: so that it is soon too long
SIZES = 'message 32k  queue %dk' % QUEUE
NOISE = 1024		# KiB that a process's memory differs anyway

# wampload's arguments
FULL_LOAD = '-s 1000 -w 4 -t 3 -W 4 pubsub'
LONG_EVENTS = '-s 10 -w 16 -n 16384 -t 2 pubsub'

JOINED = re.compile(r'session \d+ joined ')
LEFT = re.compile(r'session \d+ left realm=')

MISSED = re.compile(r'session \d+ left while it was slow: (\d+) events')
ENDED = re.compile(r'session \d+ left .*slow consumer: does not read')


class Case:
    """A router of its own for each: what one holds others do not show."""

    def __init__(self, name, policy='drop', deaf=0):
        self.name = name
        self.deaf = deaf
        self.router = Daemon(name, log='verbose', sizes=SIZES,
                             realm='slow consumer %s' % policy)

    def run(self, args):
        found = self.router.load('-D %d %s' % (self.deaf, args))
        wait_until(lambda: len(JOINED.findall(self.log())) ==
                   len(LEFT.findall(self.log())), 10, 'all to leave')
        return found

    def peak(self):
        """KiB that the largest process ever had."""
        peaks = []
        for pid in self.router.wampd.children().values():
            with open('/proc/%d/status' % pid) as f:
                peaks.append(int(re.search(r'VmHWM:\s+(\d+)',
                                           f.read()).group(1)))
        return max(peaks)

    def log(self):
        return self.router.wampd.log()


def gate(is_held, words):
    print('  %s%s' % ('' if is_held else '!! ', words), flush=True)
    return is_held


def others(cases, found):
    """What those who read noticed."""
    held = True
    base = found['without']
    for case in cases:
        runs = found[case.name]
        slower = ratio(runs, base, 'p99_us')
        lost = sum(r['lost'] for r in runs)
        print('%-12s %10s %8.2f %6.2f %8.0f %8.0f %6.2f %6d' % (
            case.name, '{:,.0f}'.format(median(runs, 'events_s')),
            median(runs, 'cpu_us_event'), ratio(runs, base, 'cpu_us_event'),
            median(runs, 'p50_us'), median(runs, 'p99_us'), slower, lost),
            flush=True)
        if lost:
            held = gate(False, 'who reads lost events')
        if slower > SLOWER:
            held = gate(False, 'p99 is %.2f x, gate %.1f' % (slower, SLOWER))
    return held


def said(cases, found):
    """What the logs of the routers say of the one that does not read."""
    held = True
    for case in cases:
        missed = [int(n) for n in MISSED.findall(case.log())]
        ended = len(ENDED.findall(case.log()))
        want = len(found[case.name]) if case.deaf else 0
        if case.name == 'drop':
            sent = sum(int(r['published']) for r in found[case.name])
            held = gate(len(missed) == want and ended == 0,
                        'drop: it missed %d of %d events, in %d of %d runs' %
                        (sum(missed), sent, len(missed), want)) and held
        elif case.name == 'disconnect':
            held = gate(ended == want and not missed,
                        'disconnect: it was ended in %d of %d runs' %
                        (ended, want)) and held
        elif missed or ended:
            held = gate(False, 'somebody was slow who reads')
    return held


def memory(cases):
    """The peaks of the largest processes, side by side."""
    held = True
    base = cases[0].peak()
    for case in cases[1:]:
        grown = case.peak() - base
        held = gate(grown <= QUEUE + NOISE, '%s: %d KiB more than without, '
                    'queue %d KiB' % (case.name, grown, QUEUE)) and held
    return held


def measure(title, args, n):
    cases = [Case('without'), Case('drop', 'drop', 1),
             Case('disconnect', 'disconnect', 1)]
    print('%s: wampload %s' % (title, args))
    print('%-12s %10s %8s %6s %8s %8s %6s %6s' % (
        '', 'events/s', 'CPU us', 'ratio', 'p50 us', 'p99 us', 'ratio',
        'lost'), flush=True)
    with cases[0].router, cases[1].router, cases[2].router:
        found = rounds(n, {c.name: lambda c=c: c.run(args) for c in cases})
        held = others(cases, found)
        held = said(cases, found) and held
        return memory(cases) and held


def main():
    print('# %s; median of %d rounds; one more subscriber, which does not '
          'read' % (machine(), ROUNDS))
    held = measure('full load', FULL_LOAD, ROUNDS)
    held = measure('long events', LONG_EVENTS, ROUNDS) and held
    print('# every gate is held' if held else '!! not every gate is held')


if __name__ == '__main__':
    main()
