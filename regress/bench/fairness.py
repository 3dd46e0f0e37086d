# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A publisher that sends all it can, and somebody polite who makes one call at
# a time, in the same realm and on the same tlsproxy: how long his calls take.
# Beside it the same with limit, which shows what is the machine's and the
# generators' share: they run on one CPU, the caller's with precedence if this
# is started by root.  "!!" marks a gate that is not held.

import os
import time

from load import FULL, Daemon, Limit, machine, median, rounds

ROUNDS = int(os.environ.get('ROUNDS', 5 if FULL else 3))
GATE = 5.0		# ms: p99 of the polite caller's calls
MEASURED = 1.5		# seconds
BEFORE = 0.7		# until the publisher is at full speed
NICE = -15 if os.geteuid() == 0 else 0

CALLER = '-w 1 -c 1 -W 0.3 -t %.1f rpc' % MEASURED
PUBLISHER = '-W 0.2 -t %.1f ' % (BEFORE + 0.3 + MEASURED)
# name, the publisher's arguments, transport
CASES = [
    ('nobody', None, None),
    ('1 to 1, 64 in flight', '-w 64 pubsub', 'plain'),
    ('1 to 1, 4096 in flight', '-w 4096 pubsub', 'plain'),
    ('1 to 100, 16 in flight', '-w 16 -s 100 pubsub', 'plain'),
    ('1 to 100, 64 in flight', '-w 64 -s 100 pubsub', 'plain'),
    ('1 to 100, 4096 in flight', '-w 4096 -s 100 pubsub', 'plain'),
    ('1 to 1, all it can send', '-w 1000000 pubsub', 'plain'),
    ('1 to 100, all it can send', '-w 1000000 -s 100 pubsub', 'plain'),
]
if FULL:
    CASES += [
        ('1 to 1 by TLS, 4096 in flight', '-w 4096 pubsub', 'tls'),
        ('1 to 100 by TLS, 64 in flight', '-w 64 -s 100 pubsub', 'tls'),
        ('1 to 1, 1 MB, 4 in flight', '-w 4 -n 1000000 pubsub', 'plain'),
    ]


def once(router, args, transport):
    """The caller's figures, and what the publisher got through."""
    publisher = None
    if args:
        publisher = router.start_load(PUBLISHER + args, transport)
        time.sleep(BEFORE)
    try:
        found = router.finish_load(router.start_load(CALLER, nice=NICE))
    finally:
        load = router.finish_load(publisher) if publisher else {}
    found['load'] = load.get('events_s', 0)
    return found


def measure(name, args, transport, limit, wampd):
    found = rounds(ROUNDS, {
        r.label: lambda r=r: once(r, args, transport)
        for r in (limit, wampd)})
    p99 = median(found['wampd'], 'p99_us') / 1000
    print('%-30s %7.2f %7.2f %10s %7.2f %7.2f %10s' % (
        name, median(found['wampd'], 'p50_us') / 1000, p99,
        '{:,.0f}'.format(median(found['wampd'], 'load')),
        median(found['limit2'], 'p50_us') / 1000,
        median(found['limit2'], 'p99_us') / 1000,
        '{:,.0f}'.format(median(found['limit2'], 'load'))), flush=True)
    if p99 <= GATE:
        return True
    print('  !! p99 is %.2f ms, gate %.1f ms' % (p99, GATE))
    return False


def main():
    print('# %s; median of %d rounds; calls, one at a time, beside a '
          'publisher' % (machine(), ROUNDS))
    print('%-30s %7s %7s %10s %7s %7s %10s' % (
        'publisher', 'p50 ms', 'p99 ms', 'events/s', 'limit2:', 'p99 ms',
        'events/s'), flush=True)
    with Limit() as limit, Daemon(prefork=1) as wampd:
        held = [measure(*case, limit, wampd) for case in CASES]
    print('# every gate is held' if all(held) else
          '!! not every gate is held')


if __name__ == '__main__':
    main()
