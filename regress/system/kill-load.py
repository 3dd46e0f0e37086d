# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# kill -9 of each child under load: only who needs it notices, it comes back
# as soon as it should, and nothing is left behind.
#
# LONG=1: fifty times, and children that hang at the start.

import os
import random
import signal
import socket
import time

from daemon import (LONG, SAN, Wampd, free_port, run_cases, tmpdir,
                    wait_until)
from traffic import PATIENCE, Calls, Events, Traffic
from wampclient import *

SHUTDOWN = 'wamp.close.system_shutdown'
REALMS = ['realm%d' % i for i in range(1, 9)]
BACKOFF = [0, 0.2, 1, 2, 4, 8, 16, 30]
PAUSE = 0.02


def rss(pid):
    with open('/proc/%d/status' % pid) as f:
        return int(next(x for x in f if x.startswith('VmRSS:')).split()[1])


def fds(pid):
    return len(os.listdir('/proc/%d/fd' % pid))


class Site:
    def __init__(self):
        self.net = ('127.0.0.1', free_port())
        self.path = tmpdir() + '/s'
        self.w = Wampd('''prefork 2
brokers 2
listen on 127.0.0.1 port %d
listen on socket "%s" mode 0666
metrics on socket "%s.metrics"
''' % (self.net[1], self.path, self.path) + ''.join('''realm "%s" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
''' % r for r in REALMS))

    def proxy_of(self, c):
        return int(self.w.wait_log(r'session %d joined .* proxy=(\d+)' %
                                   c.id).group(1))

    def client(self, proxy, realm):
        """Clients of the network meet the one or the other."""
        others = []
        try:
            while True:
                c = Client(self.path if proxy == 2 else self.net,
                           realm=realm, timeout=PATIENCE)
                if self.proxy_of(c) == proxy:
                    return c
                others.append(c)
        finally:
            for c in others:
                c.close()

    def split_realms(self):
        """Which broker routes which realm: one of each."""
        cs = [Client(self.path, realm=r, timeout=PATIENCE) for r in REALMS]
        self.kill('broker 0')
        found = {}
        for r, c in zip(REALMS, cs):
            c.send(SUBSCRIBE, 1, {}, 'com.example.a')
            m = c.recv()
            if m[0] == GOODBYE:
                assert m[2] == SHUTDOWN, m
            else:
                assert m[0] == SUBSCRIBED, m
            found.setdefault('broker %d' % (m[0] != GOODBYE), r)
            c.close()
        assert len(found) == 2, found
        return found

    def kill(self, name):
        """Returns when it was back, in seconds."""
        pid = self.w.child(name)
        begin = time.monotonic()
        os.kill(pid, signal.SIGKILL)

        def new():
            now = self.w.children().get(name)
            return now is not None and now != pid
        wait_until(new, 60, 'a new ' + name)
        return time.monotonic() - begin

    def can_join(self):
        """Through each proxy that there is, to each broker."""
        def join(a, r):
            try:
                c = Client(a, realm=r, timeout=PATIENCE)
            except (OSError, Closed, AssertionError):
                return False
            c.close()
            return True
        for a in (self.path, self.net):
            for r in self.realms.values():
                wait_until(lambda: join(a, r), PATIENCE, 'a join')


class Needs:
    """A flow and the children without which it ends."""

    def __init__(self, site, kind, broker, proxies):
        self.site, self.kind = site, kind
        self.broker, self.proxies = broker, proxies
        self.needs = {broker} | {'tlsproxy %d' % p for p in proxies}
        self.begin()

    def begin(self):
        s, realm = self.site, self.site.realms[self.broker]
        a, b = self.clients = [s.client(p, realm) for p in self.proxies]
        name = '%s.%s.%d.%d' % (self.kind, realm, *self.proxies)
        self.flow = Calls(name, a, b) if self.kind == 'call' else \
            Events(name, a, [b])
        self.flow.pause = PAUSE

    def end(self):
        """The one of the two may wait for what the other cannot send."""
        for c in self.clients:
            try:
                c.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.flow.join(PATIENCE)
        assert self.flow.wrong, self.flow.name


def each_in_turn():
    """kill -9 of each child in turn under load: the others see no gap"""
    s = Site()
    with s.w as w:
        s.realms = s.split_realms()
        s.can_join()
        names = sorted(w.children())
        all_ = [Needs(s, kind, broker, proxies)
                for broker in sorted(s.realms)
                for kind, proxies in (('event', (0, 0)), ('call', (1, 1)),
                                      ('event', (2, 2)), ('call', (0, 2)),
                                      ('event', (1, 0)))]
        deaths = dict.fromkeys(names, 0)
        deaths['broker 0'] = 1
        first, up = [], {}

        def sizes():
            s.can_join()
            return dict({n: rss(p) for n, p in w.children().items()},
                        wampd=rss(w.pid))
        traffic = Traffic([n.flow for n in all_])
        with traffic as t:
            before, nfds = sizes(), fds(w.pid)
            count = 0
            while count < (50 if LONG else 2 * len(names)):
                name = names[count % len(names)]
                count += 1
                hit = [n for n in all_ if name in n.needs]
                rest = [n.flow for n in all_ if n not in hit]
                t.flows = rest
                begin = time.monotonic()
                took = s.kill(name)
                t.moves()
                if deaths[name] < 2:
                    s.can_join()
                    first.append(time.monotonic() - begin)
                elif took < BACKOFF[min(deaths[name], 7)] * 0.9:
                    # the backoff begins anew after a minute
                    assert begin - up[name] > 59, (name, deaths, took)
                    deaths[name] = 0
                deaths[name] += 1
                for n in hit:
                    n.end()
                s.can_join()
                up[name] = time.monotonic()
                for n in hit:
                    n.begin()
                    n.flow.start()
                t.flows = [n.flow for n in all_]
                t.moves()
            after = sizes()
            assert fds(w.pid) == nfds, (nfds, os.listdir(
                '/proc/%d/fd' % w.pid))
        print('# %d deaths; back after %.2f s at the best, KiB %r, then %r' %
              (count, min(first), before, after))
        if not SAN:
            assert min(first) < 1, first
            for name, size in after.items():
                assert size < before[name] * 1.25 + 2048, (name, before,
                                                           after)


def reloads_meanwhile():
    """kills and reloads in any order: all is whole again at the end"""
    seed = int(os.environ.get('SEED') or random.randrange(1 << 32))
    print('SEED=%d' % seed, flush=True)
    rng = random.Random(seed)
    s = Site()
    with s.w as w:
        s.realms = {'broker 0': REALMS[0], 'broker 1': REALMS[1]}
        with open(w.conf_path) as f:
            conf = f.read()
        kinds = ['listen on 127.0.0.1 port %d\n' % s.net[1],
                 'listen on socket "%s" mode 0666\n' % s.path]
        before = sorted(w.children())
        for _ in range(60 if LONG else 10):
            for _ in range(rng.randint(0, 3)):
                pid = rng.choice(list(w.children().values()) or [0])
                if pid:
                    os.kill(pid, signal.SIGKILL)
                time.sleep(rng.random() * 0.05)
            # without the one kind of listeners, or the other, or wrong
            w.write_conf(conf.replace(rng.choice(kinds + ['', 'x']), '') +
                         rng.choice(['', '', 'nonsense\n']))
            w.reload(wait=False)
            time.sleep(rng.random() * 0.2)
        w.write_conf(conf)
        wait_until(lambda: w.reload(), 3 * PATIENCE, 'a reload')
        wait_until(lambda: sorted(w.children()) == before, PATIENCE,
                   'all children')
        s.can_join()
        wait_until(lambda: w.reload(), 3 * PATIENCE, 'a reload')
        s.can_join()


run_cases([each_in_turn, reloads_meanwhile])
