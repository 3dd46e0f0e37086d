# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Log-ins per second by method, over a Unix socket and, apart, over TLS; and
# the worst delay of a message between two sessions that are in while 1,000
# log-ins by ticket, argon2id with 64 MiB and 3 passes, are to be checked.

import os
import ssl
import statistics
import threading
import time

from authmethods import *
from daemon import Wampd, free_port, make_cert, tmpdir
from wampclient import *

SECONDS = float(os.environ.get('SECONDS', 3))
STORM = int(os.environ.get('STORM', 1000))
CONF = '''prefork 2
brokers 1
log brief
keypair "k" { certificate $crt key $key }
limits {
	connections per address 5000
	failures 1000000 per 1s
	failures delay 0ms
	authenticate 10m
}
listen on socket $sock mode 0666
listen on 127.0.0.1 port $tls tls { keypair "k" }
realm "realm1" {
	authenticate ticket, wampcra, scram, cryptosign from $users
	authenticate anonymous role "user"
	role "user" { allow any }
}
'''
KEY = signing_key(1)
COSTLY = dict(time_cost=3, memory_cost=65536)


class Anonymous:
    def __init__(self, *_):
        pass

    def join(self, c):
        return c.join('realm1')


METHODS = {
    'anonymous': (Anonymous, '', ''),
    'cryptosign': (Cryptosign, 'c', KEY),
    'wampcra': (Cra, 'w', 'secret'),
    'wampcra, salted': (Cra, 's', 'secret'),
    'wamp-scram, pbkdf2 4096': (WampScram, 'p', 'secret'),
    'ticket, 64 KiB, 1 pass': (Ticket, 'q', 'secret'),
    'ticket, 64 MiB, 3 passes': (Ticket, 't', 'secret'),
}


def context():
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    return ctx


def rate(address, tls, method):
    """With one client at a time: its own work is in it."""
    cls, authid, secret = METHODS[method]
    n, begin = 0, time.monotonic()
    while time.monotonic() - begin < SECONDS:
        c = Client(address, join=False, tls=tls, timeout=30)
        m = cls(authid, secret).join(c)
        assert m[0] == WELCOME, m
        c.close()
        n += 1
    return n / (time.monotonic() - begin)


class Pair(threading.Thread):
    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sub, self.pub = Client(sock), Client(sock)
        self.sub.subscribe('com.example.t')
        self.times, self.is_over = [], False
        self.start()

    def run(self):
        while not self.is_over:
            begin = time.monotonic()
            self.pub.publish('com.example.t', 1)
            self.sub.expect(EVENT)
            self.times.append(time.monotonic() - begin)
            time.sleep(0.002)

    def end(self):
        self.is_over = True
        self.join()
        self.sub.close()
        self.pub.close()
        return self.times


def said(what, times):
    times = sorted(times)
    print('%s: %d messages, median %.2f ms, 99%% %.2f ms, worst %.2f ms' % (
        what, len(times), 1e3 * statistics.median(times),
        1e3 * times[int(len(times) * 0.99)], 1e3 * times[-1]), flush=True)


def storm(sock):
    """All connections and CHALLENGEs first, then all AUTHENTICATEs: as many
    as the queue takes are checked, the others refused at once and come
    again."""
    left, joined, refused = STORM, 0, 0
    begin = time.monotonic()
    while left > 0:
        clients = []
        for _ in range(left):
            c = Client(sock, join=False, timeout=600)
            login = Ticket('t', 'secret')
            assert login.hello(c)[0] == CHALLENGE
            clients.append(c)
        for c in clients:
            c.send(AUTHENTICATE, 'secret', {})
        left = 0
        for c in clients:
            m = c.recv(600)
            if m[0] == WELCOME:
                joined += 1
            else:
                refused += 1
                left += 1
            c.close()
    took = time.monotonic() - begin
    print('storm: %d log-ins in %.1f s, %d refusals since the queue was full'
          % (joined, took, refused), flush=True)


d = tmpdir()
sock, users, tls = d + '/s', d + '/users', free_port()
with open(users, 'w') as f:
    f.write('\n'.join([
        cryptosign_line('c', KEY), cra_line('w', 'secret'),
        cra_line('s', 'secret', salt='salt'), scram_line('p', 'secret'),
        ticket_line('q', 'secret'), ticket_line('t', 'secret', **COSTLY),
    ]) + '\n')
os.chmod(users, 0o600)
crt, key = make_cert(d)
with Wampd(CONF, macros=dict(sock=sock, tls=str(tls), users=users, crt=crt,
                             key=key)):
    for method in METHODS:
        print('%-26s %7.0f log-ins/s, over TLS %7.0f' % (
            method, rate(sock, None, method),
            rate(('127.0.0.1', tls), context(), method)), flush=True)
    p = Pair(sock)
    time.sleep(SECONDS)
    said('nothing else', p.end())
    p = Pair(sock)
    storm(sock)
    said('during the storm', p.end())
