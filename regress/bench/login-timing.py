# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Does the time of an answer tell an unknown authid from a wrong secret?
# For each method SAMPLES (10,000) log-ins of each kind in random order over
# a Unix socket; Welch's t of the time until the CHALLENGE and until the
# ABORT.  Below 4.5 nothing can be told.
#
# Times over the 95th percentile of both kinds together are left out: what
# the machine did besides hides small differences otherwise.

import math
import os
import random
import statistics
import sys
import time

from authmethods import *
from daemon import Wampd, tmpdir
from wampclient import *

SAMPLES = int(os.environ.get('SAMPLES', 10000))
LIMIT = 4.5
CONF = '''prefork 1
brokers 1
log brief
limits {
	failures 1000000 per 1s
	failures delay 0ms
}
listen on socket $sock mode 0666
realm "realm1" {
	authenticate ticket, wampcra, scram, cryptosign from $users
	role "user" { allow any }
}
'''
KEY, OTHER = signing_key(1), signing_key(2)
METHODS = {
    'ticket': (Ticket, 'wrong'),
    'wampcra': (Cra, 'wrong'),
    'wampcra salted': (Cra, 'wrong'),
    'wamp-scram': (WampScram, 'wrong'),
    'scram': (Scram, 'wrong'),
    'cryptosign': (Cryptosign, OTHER),
    'cryptosign, no key announced': (Cryptosign, OTHER),
}


class Quick:
    """The method's answer, made before the clock runs, wherever the
    CHALLENGE leaves that; the same octets for both kinds."""

    def __init__(self, name):
        self.cls, self.secret = METHODS[name]
        self.announces = 'no key' not in name

    def once(self, sock, authid):
        login = self.cls(authid, self.secret)
        if not self.announces:
            login.extra = dict
        c = Client(sock, join=False)
        hello = c.frame(c.dumps([HELLO, 'realm1', dict(ROLES,
                                                       **login.details())]))
        begin = time.perf_counter()
        c.sock.sendall(hello)
        m = c.recv()
        first = time.perf_counter() - begin
        assert m[0] == CHALLENGE, m
        # of the right shape, whatever the CHALLENGE was
        if self.cls is Cryptosign:
            msg = bytes.fromhex(m[2]['challenge'])
            answer = [login.secret.sign(msg).signature.hex() +
                      m[2]['challenge'], {}]
        elif self.cls is Ticket:
            answer = ['wrong', {}]
        else:
            extra = {'nonce': m[2]['nonce']} if self.cls is WampScram else {}
            answer = [b64(bytes(32)), extra]
        octets = c.frame(c.dumps([AUTHENTICATE] + answer))
        begin = time.perf_counter()
        c.sock.sendall(octets)
        m = c.recv()
        second = time.perf_counter() - begin
        assert m[0] == ABORT, m
        c.close()
        return first, second


def welch(a, b):
    va, vb = statistics.variance(a), statistics.variance(b)
    d = statistics.fmean(a) - statistics.fmean(b)
    return d / math.sqrt(va / len(a) + vb / len(b)), d


def cropped(a, b):
    cut = sorted(a + b)[int(0.95 * (len(a) + len(b)))]
    return [x for x in a if x <= cut], [x for x in b if x <= cut]


def users(name):
    """One who is known, of whom strangers take the shape."""
    cost = dict(time_cost=1, memory_cost=64)
    return {
        'ticket': [ticket_line('known0001', 'secret', **cost)],
        'wampcra': [cra_line('known0001', 'secret')],
        'wampcra salted': [cra_line('known0001', 'secret', salt='saltsalt')],
    }.get(name, [scram_line('known0001', 'secret')] if 'scram' in name else
          [cryptosign_line('known0001', KEY)]) 


def measure(name):
    d = tmpdir()
    sock, path = d + '/s', d + '/users'
    with open(path, 'w') as f:
        f.write('\n'.join(users(name)) + '\n')
    os.chmod(path, 0o600)
    with Wampd(CONF, macros={'sock': sock, 'users': path}):
        q = Quick(name)
        times = {k: ([], []) for k in ('known0001', 'nobody001')}
        for i in range(200 + 2 * SAMPLES):
            # pairs in random order: what drifts, drifts for both
            if i % 2 == 0:
                pair = random.sample(list(times), 2)
            got = q.once(sock, pair[i % 2])
            if i >= 200:
                for kept, t in zip(times[pair[i % 2]], got):
                    kept.append(t)
    worst = 0
    for n, what in enumerate(('CHALLENGE', 'ABORT')):
        a, b = cropped(times['known0001'][n], times['nobody001'][n])
        t, diff = welch(a, b)
        worst = max(worst, abs(t))
        print('%-30s %-10s t=%6.2f  difference %7.0f ns of %.0f us%s' % (
            name, what, t, diff * 1e9, statistics.fmean(a) * 1e6,
            '  !!' if abs(t) >= LIMIT else ''), flush=True)
    return worst


if __name__ == '__main__':
    names = sys.argv[1:] or list(METHODS)
    for name in names:
        measure(name)
