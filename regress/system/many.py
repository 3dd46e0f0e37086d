# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# More subscriptions and registrations than the broker's caches hold, of each
# policy, all used in turn, by messages that come many at a time: what is
# looked up ahead of its turn must be right when that comes.

import os
import random

from daemon import Wampd, done, run_case, tmpdir
from wampclient import *

N = 5000                # of a policy; 4096 are many
CONF = '''prefork 1
log brief
listen on socket $sock mode 0666
limits {
	session { subscriptions 20000 registrations 20000 calls 1000 }
	queue 16m
}
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''
POLICIES = {
    'exact': ('com.e.%d.x', 'com.e.%d.x'),
    'prefix': ('com.p.%d.', 'com.p.%d.x'),
    'wildcard': ('com.w..%d', 'com.w.x.%d'),
}
sock = None


def write(c, messages):
    c.write(b''.join(c.frame(c.dumps(m)) for m in messages))


def take_all(c, code, answer):
    """A pattern of each policy for each number: what it is for by id"""
    ids = {}
    for policy, (pattern, _) in POLICIES.items():
        write(c, [[code, c.next(), {'match': policy}, pattern % i]
                  for i in range(N)])
        for i in range(N):
            ids[c.expect(answer, timeout=30)[2]] = (policy, i)
    return ids


def uses():
    all = [(policy, i) for policy in POLICIES for i in range(N)]
    random.shuffle(all)
    return all


def publications():
    """each reaches its subscription, while others come and go"""
    with Client(sock, timeout=30) as s, Client(sock, timeout=30) as p:
        ids = take_all(s, SUBSCRIBE, SUBSCRIBED)
        subs = []
        for turn in range(2):
            order = uses()
            for at in range(0, len(order), 100):
                batch = []
                for k, (policy, i) in enumerate(order[at:at + 100]):
                    batch.append([PUBLISH, p.next(), {},
                                  POLICIES[policy][1] % i, [at + k]])
                    # the way through the patterns changes
                    if k % 10 == 5:
                        batch.append([SUBSCRIBE, p.next(),
                                      {'match': policy} if policy != 'exact'
                                      else {}, POLICIES[policy][0] %
                                      (i * 100000 + k)])
                    # what matches nothing, and what is refused
                    if k % 10 == 7:
                        batch.append([PUBLISH, p.next(), {},
                                      'com.w.y.%d.z' % i])
                        batch.append([PUBLISH, p.next(),
                                      {'acknowledge': True}, '..' + '.' * k])
                write(p, batch)
                write(p, [[UNSUBSCRIBE, p.next(), sub] for sub in subs])
                news = [p.recv(30) for m in batch if m[0] == SUBSCRIBE or
                        m[2].get('acknowledge')]
                olds = [p.expect(UNSUBSCRIBED, timeout=30) for _ in subs]
                assert len(olds) == len(subs)
                subs = [m[2] for m in news if m[0] == SUBSCRIBED]
                assert len(subs) == 10, news
                assert all(m[4] == 'wamp.error.invalid_uri'
                           for m in news if m[0] == ERROR), news
            for at, what in enumerate(order):
                m = s.expect(EVENT, timeout=30)
                assert ids[m[1]] == what and m[4] == [at], (m, what, at)
        s.expect_nothing(0.1)


def calls():
    """each reaches its registration"""
    with Client(sock, timeout=30) as s, Client(sock, timeout=30) as c:
        ids = take_all(s, REGISTER, REGISTERED)
        order = uses()
        for at in range(0, len(order), 500):
            write(c, [[CALL, c.next(), {}, POLICIES[policy][1] % i, [at + k]]
                      for k, (policy, i) in enumerate(order[at:at + 500])])
            for k, what in enumerate(order[at:at + 500]):
                m = s.expect(INVOCATION, timeout=30)
                assert ids[m[2]] == what and m[4] == [at + k], (m, what)
                s.send(YIELD, m[1], {}, m[4])
            for k in range(len(order[at:at + 500])):
                assert c.expect(RESULT, timeout=30)[3] == [at + k]


def main():
    global sock
    sock = os.path.join(tmpdir(), 's')
    with Wampd(CONF, macros={'sock': sock}):
        for f in (publications, calls):
            run_case(f)
    done()


if __name__ == '__main__':
    main()
