# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The table of wampd-performance(7): processor time of the whole daemon for a
# message, side by side with limit, which is what a front and a core with a
# socketpair between cannot do without.  "!!" marks a gate that is not held.

import os
import statistics
import sys

from daemon import IS_ROOT
from load import FULL, Daemon, Limit, machine, median, ratio, rounds

ROUNDS = int(os.environ.get('ROUNDS', 5 if FULL else 3))
ROWS = os.environ.get('ROWS', '').split()	# by name; else all there are
EVENT, CALL, SESSION = 'cpu_us_event', 'cpu_us_call', 'cpu_us_session'


class Row:
    """One line of the table: args are wampload's, gate and goal ratios to
    limit with the same ones, or to wampd with those of `own'."""

    def __init__(self, name, title, args, key, gate, goal, transport='plain',
                 own=None, brief=False, absolute=None, p99=None):
        self.name, self.title, self.args, self.key = name, title, args, key
        self.gate, self.goal, self.transport = gate, goal, transport
        self.own = own		# [(args, transport)] of wampd: their mean
        self.brief = brief	# also without FULL
        self.absolute = absolute	# a gate in microseconds
        self.p99 = p99		# a gate of p99, as a ratio

    def runs(self, wampd, limit):
        """What takes turns, the first to be judged by the others."""
        found = {'wampd': lambda: watched(wampd, self.args, self.transport)}
        if self.own is None:
            found['base'] = lambda: limit.load(self.args, self.transport)
        else:
            for i, (args, transport) in enumerate(self.own):
                found['base %d' % i] = lambda a=args, t=transport: \
                    wampd.load(a, t)
        return found


ONE = '-t 1 -W 0.3 pubsub'
ROWS_ALL = [
    Row('1-1', 'publish 1→1', ONE, EVENT, 2.5, 1.4, brief=True),
    Row('4k', 'publish 1→1, 4 KiB', '-n 4096 ' + ONE, EVENT, 2, 1.3),
    Row('1m', 'publish 1→1, 1 MiB', '-n 1048576 -w 4 ' + ONE, EVENT, 1.5,
        1.15, brief=True),
    Row('1-100', 'publish 1→100, per event', '-s 100 -w 16 ' + ONE, EVENT,
        1.6, 1.2, brief=True),
    Row('1-1000', 'publish 1→1000, per event', '-s 1000 -w 4 ' + ONE, EVENT,
        1.5, 1.15),
    Row('topics', '1000 topics × 1 subscriber', '-k 1000 -s 1000 -w 64 ' +
        ONE, EVENT, 1.8, 1.3),
    Row('5000', '5,000 publications a second, 1→1', '-r 5000 ' + ONE, EVENT,
        1.4, 1.15, brief=True, p99=2),
    Row('rpc1', 'call, 1 caller, one at a time', '-w 1 -t 1 -W 0.3 rpc',
        CALL, 1.5, 1.2, brief=True),
    Row('rpc64', 'call, 1 caller, 64 in flight', '-t 1 -W 0.3 rpc', CALL,
        2.5, 1.6, brief=True),
    Row('rpc50', 'call, 50 callers, one at a time',
        '-c 50 -w 1 -t 1 -W 0.3 rpc', CALL, 2, 1.4),
    Row('rpc50x64', 'call, 50 callers × 64', '-c 50 -t 1 -W 0.3 rpc', CALL,
        3, 2, brief=True),
    Row('tls1-1', 'TLS publish 1→1', ONE, EVENT, 2.5, 1.6, 'tls'),
    Row('tls1-100', 'TLS publish 1→100, per event', '-s 100 -w 16 ' + ONE,
        EVENT, 1.7, 1.25, 'tls', brief=True),
    Row('connect', 'TLS 1.3 connect, HELLO, GOODBYE', '-N 1500 connect',
        SESSION, 1.6, 1.25, 'tls', brief=True),
    Row('ws', 'WebSocket publish 1→1', ONE, EVENT, 2, 1.3, 'ws',
        own=[(ONE, 'plain')], brief=True),
    Row('json', 'JSON → MessagePack publish 1→1', '-f json -F msgpack ' + ONE,
        EVENT, None, 1.5, own=[(ONE, 'plain')], absolute=4, brief=True),
    Row('mixed', '100 JSON, 100 MessagePack subscribers',
        '-s 200 -w 16 -F json,msgpack ' + ONE, EVENT, 1.1, 1.1,
        own=[('-s 200 -w 16 ' + ONE, 'plain'),
             ('-s 200 -w 16 -f json ' + ONE, 'plain')]),
]


def watched(wampd, args, transport):
    """A run, and which kind of process had which share of it."""
    before = wampd.cpu()
    found = wampd.load(args, transport)
    shares = {}
    for name, us in wampd.cpu().items():
        kind = name.split()[0]
        shares[kind] = shares.get(kind, 0) + us - before.get(name, 0)
    found['shares'] = shares
    return found


def shares(row, results):
    """The medians of what each kind of process took for a message."""
    text = []
    for kind in ('tlsproxy', 'broker', 'keeper'):
        us = statistics.median(
            r[row.key] * r['shares'].get(kind, 0) /
            (sum(r['shares'].values()) or 1) for r in results)
        text.append('%7.2f' % us)
    return ' '.join(text)


def per_second(results):
    for key in ('events_s', 'calls_s', 'sessions_s'):
        if key in results[0]:
            return median(results, key)
    return 0


def verdict(row, times, found, base, own_us):
    """(words, is the gate held): what the row asks for, what it got."""
    failed = []
    if row.gate is not None and times > row.gate:
        failed.append('gate %.2f' % row.gate)
    if row.absolute is not None and own_us > row.absolute:
        failed.append('gate %.1f us' % row.absolute)
    if row.p99 is not None:
        slower = ratio(found, base, 'p99_us')
        if slower > row.p99:
            failed.append('p99 %.1f x, gate %.1f' % (slower, row.p99))
    if sum(r.get('lost', 0) for r in found):
        failed.append('lost some')
    if failed:
        return '!! ' + ', '.join(failed), False
    if times > row.goal:
        return 'goal %.2f not met' % row.goal, True
    return 'goal %.2f met' % row.goal, True


def mean_of(runs, key):
    """Runs of several kinds, a round each, as one."""
    return [{key: statistics.mean(r[key] for r in same),
             'p99_us': max(r.get('p99_us', 0) for r in same)}
            for same in zip(*runs)]


def measure(row, wampd, limit):
    runs = rounds(ROUNDS, row.runs(wampd, limit))
    found = runs.pop('wampd')
    base = mean_of(list(runs.values()), row.key)
    us = median(found, row.key)
    times = ratio(found, base, row.key)
    words, is_held = verdict(row, times, found, base, us)
    print('%-38s %8.2f %8.2f %6.2f  %s %10s %8.0f %8.0f  %s' % (
        row.title, us, median(base, row.key), times, shares(row, found),
        '{:,.0f}'.format(per_second(found)),
        median(found, 'p99_us') if 'p99_us' in found[0] else 0,
        median(base, 'p99_us'), words), flush=True)
    return is_held


def main():
    unknown = set(ROWS) - {row.name for row in ROWS_ALL}
    if unknown:
        sys.exit('ROWS: no %s; there are %s' % (
            ', '.join(sorted(unknown)), ' '.join(r.name for r in ROWS_ALL)))
    print('# %s; as %s; median of %d rounds; RawSocket and MessagePack, '
          '256 octets unless said' %
          (machine(), 'root' if IS_ROOT else 'a user', ROUNDS))
    print('%-38s %8s %8s %6s  %7s %7s %7s %10s %8s %8s' % (
        'load', 'CPU us', 'base us', 'ratio', 'tlspr.', 'broker', 'keeper',
        'a second', 'p99 us', 'base p99'), flush=True)
    held = True
    with Limit() as limit, Daemon() as wampd:
        for row in ROWS_ALL:
            if row.name in ROWS or (not ROWS and (FULL or row.brief)):
                held = measure(row, wampd, limit) and held
    print('# every gate is held' if held else '!! not every gate is held')


if __name__ == '__main__':
    main()
