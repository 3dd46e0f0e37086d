# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A daemon with processes that somebody has taken over (lib/evil.py) and the
# sessions that nothing may happen to meanwhile.

import hashlib
import os
import pwd
import re
import subprocess
import threading
import time

from daemon import SAN, Wampd, free_port, make_cert, tmpdir, wait_until
import evil
from wampclient import EVENT, Client, Closed

LATE = 10 if SAN else 1		# seconds a session may wait
SLOW = 3 if SAN else 1

CONF = '''prefork %d
brokers %d
log %s
limits { memory 128m }
keypair "k" { certificate "%s" key "%s" }
listen on 127.0.0.1 port %d
listen on 127.0.0.1 port %d tls { keypair "k" }
listen on socket "%s" mode 0666
realm "%s" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
realm "%s" {
	authenticate socket { user "%s" role "all" }
	role "all" { allow any }
}
realm "people" {
	authenticate wampcra from "%s"
	role "all" { allow any }
}
'''


def own_name():
    return pwd.getpwuid(os.geteuid()).pw_name


def pubkey(crt):
    """SHA-256 of its SubjectPublicKeyInfo."""
    pem = subprocess.run(['openssl', 'x509', '-in', crt, '-pubkey', '-noout'],
                         check=True, capture_output=True).stdout
    der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'DER'],
                         input=pem, check=True, capture_output=True).stdout
    return hashlib.sha256(der).digest()


class Witness(threading.Thread):
    """A publisher and a subscriber that nothing may happen to; address may
    be an Evil: a good tlsproxy of its network."""

    def __init__(self, address, realm, rate=0.02):
        super().__init__(daemon=True)
        if isinstance(address, Evil):
            self.sub, self.pub = address.connect(), address.connect()
        else:
            self.sub = Client(address, realm=realm, timeout=30)
            self.pub = Client(address, realm=realm, timeout=30)
        self.topic = 'com.witness.%d' % id(self)
        self.sub.subscribe(self.topic)
        # what somebody says without having joined
        self.sub.subscribe('evil.t')
        self.rate = rate
        self.times = []
        self.error = None
        self.is_over = False
        self.start()

    def run(self):
        n = 0
        try:
            while not self.is_over:
                n += 1
                begin = time.monotonic()
                self.pub.publish(self.topic, n)
                m = self.sub.expect(EVENT)
                if m[4] != [n]:
                    raise AssertionError('got %r, want %d' % (m, n))
                self.times.append(time.monotonic() - begin)
                time.sleep(self.rate)
        except Exception as e:
            self.error = e

    def end(self):
        self.is_over = True
        self.join(60)
        self.sub.close()
        self.pub.close()
        if self.error is not None:
            raise AssertionError('witness: %r' % self.error)
        assert self.times
        worst = max(self.times)
        assert worst < LATE, 'the witness waited %.2f s' % worst
        return worst


class Evil(Wampd):
    """plan: what each evil instance does in each of its lives."""

    def __init__(self, role, plan, prefork=2, brokers=2, loglevel='brief',
                 realms=('open', 'closed'),
                 verbose=True):
        d = tmpdir()
        self.crt, self.key = make_cert(d, kind='rsa')
        plan = dict(plan, pubkeys=[pubkey(self.crt)])
        self.plan = plan
        self.role = role
        self.verbose = verbose
        self.tree = evil.tree(role, plan)
        self.port, self.tls = free_port(), free_port()
        self.path = d + '/s'
        self.n = prefork + brokers + 2
        conf = CONF % (prefork, brokers, loglevel, self.crt, self.key,
                       self.port, self.tls, self.path, realms[0], realms[1],
                       own_name(), self.users(d))
        self.realms = realms
        super().__init__(conf, timeout=40)
        self.witnesses = []

    @staticmethod
    def users(d):
        """alice, whose secret the evil ones know."""
        path = d + '/users'
        with open(path, 'w') as f:
            f.write('alice:wampcra:all:key=d29uZGVy\n')
        os.chmod(path, 0o600)
        return path

    def command(self):
        cmd = super().command()
        return [self.tree + '/sbin/wampd'] + ['-v'] * self.verbose + cmd[1:]

    def connect(self, **kw):
        """A session of the network's good tlsproxy."""
        def once():
            try:
                c = Client(('127.0.0.1', self.port), join=False, timeout=0.4,
                           **kw)
            except (OSError, Closed):
                return None
            c.timeout = 10
            c.join(self.realms[0])
            return c
        return wait_until(once, 40, 'a connection to a good tlsproxy')

    def watch(self):
        """Witnesses of both kinds of listeners and in both realms."""
        self.before = self.children()
        self.witnesses = [Witness(self.path, r) for r in self.realms]

    def go(self):
        evil.go(self.tree)

    def lives(self):
        """[(name, pid, attack)] that have begun."""
        return [x for x in re.findall(
            r'(\w+(?: \d+)?): evil: begin (\d+) (\S+)', self.log())
            if x[2] != 'idle']

    def wait_lives(self, n, timeout=60):
        wait_until(lambda: len(self.lives()) >= n, timeout * SLOW,
                   '%d lives' % n)

    def death(self, name, pid, timeout=15):
        """How a process ended, in the words of the parent."""
        return self.wait_log(r'%s \(process %s\) (.*); it will be started '
                             r'again' % (name, pid), timeout).group(1)

    def verdicts(self):
        bad = re.findall(r'evil: BAD (.*)', self.log())
        assert not bad, bad

    def finish(self, same=()):
        """Nothing happened to the good ones."""
        worst = max(w.end() for w in self.witnesses)
        now = self.children()
        for name in same:
            assert now.get(name) == self.before[name], name
        assert self.proc.poll() is None
        self.verdicts()
        # a session in a broker for each GRANT, and no other
        if not self.verbose:
            return worst
        granted = set(re.findall(r'session (\d+) granted', self.log()))
        joined = set(re.findall(r'broker \d+: session (\d+) \S+ joined',
                                self.log()))
        assert joined, 'no joins in the log'
        assert joined <= granted, joined - granted
        return worst


def good_ones(w):
    """All but the evil instances."""
    return [n for n in w.before if not n.startswith(w.role) or (
        ' ' in n and int(n.split()[1]) not in w.plan)]


LIVES = 4		# in a row, before the waits get long


def spread(attacks, first, n):
    """Over n instances: {instance: lives}, and what is left."""
    plan = {i: [] for i in range(first, first + n)}
    for k, attack in enumerate(attacks[:n * LIVES]):
        plan[first + k % n].append(attack)
    return {i: lives for i, lives in plan.items() if lives}, \
        attacks[n * LIVES:]


def rss(pid):
    with open('/proc/%d/status' % pid) as f:
        return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))


def over(w, n=1, timeout=60):
    w.wait_log(r'evil: over \d+ (?!idle)', timeout, n)


def can_join(address, realm='open'):
    try:
        Client(address, realm=realm, timeout=2).close()
        return True
    except (OSError, Closed, AssertionError):
        return False


def on_broker(want, brokers):
    """Names of two realms that this broker has (conf.c: broker_of)."""
    def score(name, i):
        h = 0xcbf29ce484222325
        for c in name.encode():
            h = (h ^ c) * 0x100000001b3 % 2 ** 64
        x = (h + (i + 1) * 0x9e3779b97f4a7c15) % 2 ** 64
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 % 2 ** 64
        x = (x ^ x >> 27) * 0x94d049bb133111eb % 2 ** 64
        return x ^ x >> 31
    found = []
    for i in range(1000):
        name = 'realm%d' % i
        if max(range(brokers), key=lambda k: score(name, k)) == want:
            found.append(name)
    return found[:2]
