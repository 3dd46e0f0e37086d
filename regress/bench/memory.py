# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What a session takes in memory, in all processes together (their
# proportional set sizes, without the kernel's buffers): idle, subscribed,
# after it has talked; and what is left when it is gone.  "!!" marks what is
# not held.

import time

from load import FULL, Daemon, LoadFailed, figures, machine, raise_nofile
from wampclient import *

PLAIN, TLS = (6, 2), (28, 18)	# KiB a session: gate, goal
LEFT = 0.5			# of what they took, when they are gone
RETURNS = 8			# seconds until memory has been given back,
LEAST = 8 * 1024		# if it is so many KiB
LIMITS = '''memory 16g
	session { subscriptions 1000000 registrations 1000000 }'''

held = True


def pss(daemon):
    """KiB by process."""
    found = {}
    children = dict(daemon.wampd.children(), wampd=daemon.pid)
    for name, pid in children.items():
        kind = name.split()[0]
        with open('/proc/%d/smaps_rollup' % pid) as f:
            kib = sum(int(line.split()[1]) for line in f
                      if line.startswith('Pss:'))
        found[kind] = found.get(kind, 0) + kib
    return found


def settled(daemon):
    """Once it does not change any more."""
    before = {}
    while True:
        now = pss(daemon)
        if abs(sum(now.values()) - sum(before.values())) < 64:
            return now
        before = now
        time.sleep(0.5)


def judge(title, n, before, now, daemon, limits, unit='session',
          returns=False):
    """limits: gate and goal in KiB, or None.  returns: most of it is to.
    Between the connections of a tlsproxy lies what libevent knows of each
    descriptor, and keeps; where little else is there, it keeps all of it."""
    global held
    words = ''
    took = sum(now.values()) - sum(before.values())
    each = took / n
    if limits is not None and each > limits[0]:
        held = False
        words = '!! gate %g' % limits[0]
    elif limits is not None:
        words = 'goal %g %s' % (limits[1],
                                'met' if each <= limits[1] else 'not met')
    stays = '-'
    if took > LEAST:
        time.sleep(RETURNS)
        left = (sum(settled(daemon).values()) - sum(before.values())) / took
        stays = '%.0f %%' % (100 * left)
        if returns and left > LEFT:
            held = False
            words += ' !! stays: gate %d %%' % (100 * LEFT)
    print('%-44s %8.2f KiB a %-12s  %s  %6s  %s' % (
        title, each, unit,
        ' '.join('%6.2f' % ((now[k] - before[k]) / n)
                 for k in ('tlsproxy', 'broker', 'keeper')),
        stays, words), flush=True)


def crowd(title, args, transport, limits=None, unit='session'):
    """args: for one wampload each."""
    with Daemon(limits=LIMITS) as daemon:
        daemon.load('-N 20 idle', transport)	# what all sessions share
        before = settled(daemon)
        procs, found = [], []
        for a in args:
            procs.append(daemon.start_load(a + ' -H 3600 idle', transport))
            line = procs[-1].stdout.readline()
            if not line:
                raise LoadFailed(procs[-1].communicate()[1])
            found.append(figures(line))
        now = settled(daemon)
        for proc in procs:
            proc.kill()
        for proc in procs:
            proc.communicate()
        key = 'sessions' if unit == 'session' else 'subscribed'
        judge(title, sum(f[key] for f in found), before, now, daemon, limits,
              unit, transport in ('tls', 'wss') or unit != 'session')


def talk(c, messages, text):
    """Each message comes back to its sender."""
    topic = 'com.bench.self.%d' % c.id
    c.subscribe(topic)
    for _ in range(0, messages, 50):
        frames = [c.frame(c.dumps([PUBLISH, c.next(), {'exclude_me': False},
                                   topic, [text]])) for _ in range(50)]
        c.write(b''.join(frames[:25]))
        for _ in range(25):
            c.recv_raw(30)
        c.write(b''.join(frames[25:]))
        for _ in range(25):
            c.recv_raw(30)


def talked(title, n, messages, limits):
    """Over Unix sockets, as plain as over TCP."""
    with Daemon(limits=LIMITS) as daemon:
        path = daemon.urls['unix'][len('unix:'):]
        first = Client(path, timeout=60)
        talk(first, 50, 'x' * 4096)
        before = settled(daemon)
        clients = [Client(path, timeout=60) for _ in range(n)]
        for c in clients:
            talk(c, messages, 'x' * 4096)
        now = settled(daemon)
        for c in clients:
            c.close()
        judge(title, n, before, now, daemon, limits)


def main():
    raise_nofile()
    print('# %s; prefork 2' % machine())
    print('%-44s %8s %-18s  %6s %6s %6s  %6s' % (
        '', 'KiB', '', 'tlspr.', 'broker', 'keeper', 'stays'), flush=True)
    if not FULL:
        crowd('2,000 idle, plain', ['-N 2000'], 'plain', PLAIN)
        crowd('1,000 idle, TLS', ['-N 1000'], 'tls', TLS)
        talked('500, each sent itself 50 × 4 KiB', 500, 50, PLAIN)
    else:
        crowd('18,000 idle, plain', ['-N 9000'] * 2, 'plain', PLAIN)
        crowd('9,000 idle, TLS', ['-N 4500'] * 2, 'tls', TLS)
        crowd('9,000 idle, WebSocket', ['-N 9000'], 'ws', PLAIN)
        crowd('4,000 idle, WebSocket with TLS', ['-N 4000'], 'wss', TLS)
        crowd('9,000 idle, each with a subscription', ['-N 9000 -S'],
              'plain', PLAIN)
        talked('500, each sent itself 1,000 × 4 KiB', 500, 1000, PLAIN)
        crowd('1,000,000 subscriptions', ['-N 100 -S -K 10000'], 'plain',
              unit='subscription')
        crowd('100,000 wildcard subscriptions',
              ['-N 100 -S -K 1000 -M wildcard'], 'plain',
              unit='subscription')
        crowd('100,000 registrations', ['-N 100 -E -K 1000'], 'plain',
              unit='registration')
    print('# every gate is held' if held else '!! not every gate is held')


if __name__ == '__main__':
    main()
