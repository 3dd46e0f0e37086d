# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A storm of 2,000 TLS handshakes, as after a failure of the network, beside
# 50 callers and 50 callees: what their calls notice.  The same without the
# storm, and limit, which bounds nothing, take turns with it.  "!!" marks a
# p99 of the calls over 20 ms.  The two generators share a CPU, so that other
# load on the machine shows here more than elsewhere.

import os
import time

from load import FULL, Daemon, Limit, LoadFailed, machine, median, rounds

ROUNDS = int(os.environ.get('ROUNDS', 5 if FULL else 3))
GATE = 20		# ms
BEFORE, MEASURED = 0.15, 0.8	# seconds of the storm

# wampload's arguments; -W: the sessions are there long before the storm
CALLS = '-c 50 -e 50 -w 1 -W 1 -t %.1f rpc' % MEASURED
STORMS = (
    ('nothing', None),
    ('2,000 handshakes, 64 at once', '-N 2000 -j 64 connect'),
    ('2,000 handshakes, 512 at once', '-N 2000 -j 512 connect'),
)


def calls(router, transport, storm):
    """What the calls found, and how fast the storm was, if there was one."""
    proc = router.start_load(CALLS, transport)
    time.sleep(1 - BEFORE)
    handshakes = storm and router.start_load(storm, 'tls')
    try:
        found = router.finish_load(proc)
    finally:
        if handshakes:
            others = router.finish_load(handshakes)
    if not storm:
        return found
    if others['failed']:
        raise LoadFailed('%d handshakes failed' % others['failed'])
    found['storm_s'] = others['sessions_s']
    found['rest'] = others['sessions'] / others['sessions_s'] - \
        BEFORE - MEASURED
    return found


def show(label, title, found):
    """A line; is the gate held?"""
    p99 = median(found, 'p99_us') / 1e3
    marks = ''
    if label == 'wampd' and p99 > GATE:
        marks += '  !! gate %d ms' % GATE
    if 'rest' in found[0] and median(found, 'rest') < 0:
        marks += '  (the storm was over before)'
    print('%-30s %-8s %10.0f %8.2f %8.2f %8.2f %8.0f%s' % (
        title, label, median(found, 'calls_s'), median(found, 'p50_us') / 1e3,
        p99, median(found, 'max_us') / 1e3,
        median(found, 'storm_s') if 'storm_s' in found[0] else 0, marks),
        flush=True)
    return '!!' not in marks


def measure(transport, routers):
    print('calls over %s, beside' % transport)
    held = True
    for title, storm in STORMS:
        found = rounds(ROUNDS, {
            r.label: lambda r=r: calls(r, transport, storm) for r in routers})
        for label, results in found.items():
            held = show(label, title, results) and held
    return held


def main():
    print('# %s; median of %d rounds; 50 callers, one call each, 50 callees'
          % (machine(), ROUNDS))
    print('%-30s %-8s %10s %8s %8s %8s %8s' % (
        '', '', 'calls/s', 'p50 ms', 'p99 ms', 'max ms', 'storm/s'))
    with Limit() as limit, Daemon() as wampd:
        held = measure('plain', (limit, wampd))
        held = measure('tls', (limit, wampd)) and held
    print('# every gate is held' if held else '!! not every gate is held')


if __name__ == '__main__':
    main()
