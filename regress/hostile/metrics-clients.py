# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Who comes to the metrics process and does not mean well: rubbish, headers
# without end, an octet now and then, thousand connections, answers that are
# not read.  It lives and stays small, whoever asks beside them is answered,
# and WAMP clients notice nothing.
#
# alone: witnesses must not wait longer than a second

import os
import random
import re
import resource
import select
import socket
import struct
import sys
import threading
import time

from daemon import (IS_ROOT, SAN, Wampd, done, free_port, run_case, tmpdir,
                    wait_until)
from httpclient import get
from takeover import Witness, rss

TIME = 2		# limits metrics
MOST = 32		# metrics connections
SLOW = 4 if SAN else 1
GET = b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'


class World(Wampd):
    def __init__(self, realms=1, most=MOST, nofile=0):
        d = tmpdir()
        self.sock, self.path = d + '/metrics.sock', d + '/wampd.sock'
        self.tcp = free_port()
        conf = '''prefork 1
brokers 1
limits { metrics %ds  metrics connections %d }
listen on socket "%s" mode 0666
metrics on 127.0.0.1 port %d
metrics on socket "%s" mode 0666
''' % (TIME, most, self.path, self.tcp, self.sock)
        for i in range(realms):
            conf += 'realm "realm%d" { authenticate anonymous role "all" ' \
                'role "all" { allow any } }\n' % (i + 1)
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))
        super().__init__(conf, timeout=40, preexec=few if nofile else None)

    def __enter__(self):
        super().__enter__()
        self.mem = rss(self.child('metrics'))
        self.before = self.children()
        self.witness = Witness(self.path, 'realm1')
        return self

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.tcp), 20)

    def metrics(self, address=None):
        """Who asks when too many wait already comes again."""
        def once():
            status, headers, text = get(address or self.sock, '/metrics',
                                        timeout=30)
            assert status in (200, 503), status
            return text if status == 200 else None
        return wait_until(once, 10 * SLOW, 'an answer')

    def count(self, limit):
        text = self.metrics()
        return int(re.search(r'wampd_limit_reached_total\{process="metrics",'
                             r'limit="%s"\} (\d+)' % limit, text).group(1))

    def well(self, more=0):
        """Who asks is answered, and nobody died or grew."""
        begin = time.monotonic()
        assert get(('127.0.0.1', self.tcp), '/health')[2] == 'ok\n'
        took = time.monotonic() - begin
        assert took < 3 * SLOW, took
        self.metrics()
        assert self.children() == self.before
        mem = rss(self.before['metrics'])
        assert SAN or mem < self.mem + 4096 + more, (self.mem, mem)

    def finish(self):
        worst = self.witness.end()
        print('a witness waited %.2f s' % worst)


def all_of(s, timeout=20):
    """What comes until the other side closes."""
    s.settimeout(timeout * SLOW)
    got = b''
    try:
        while True:
            part = s.recv(65536)
            if not part:
                return got
            got += part
    except ConnectionResetError:
        return got


def much():
    """a megabyte of headers: refused after 8 KiB of it"""
    with World() as w:
        for first, more in ((b'GET /metrics HTTP/1.1\r\nX: ', b'x' * 1000),
                            (b'GET /metrics HTTP/1.1\r\n', b'X: y\r\n' * 200),
                            (b'GET /', b'x' * 1000), (b'', b'x' * 1000),
                            (b'', b'\r\n' * 500), (b'', b'\0' * 1000),
                            (b'GET /metrics HTTP/1.1\r\nX: y\r\n',
                             b' z\r\n' * 200)):
            s = w.connect()
            n = 0
            try:
                s.sendall(first)
                for n in range(1000):
                    s.sendall(more)
            except (ConnectionResetError, BrokenPipeError):
                pass
            got = all_of(s)
            assert b' 200 ' not in got, got
            s.close()
            w.well()
        # what is just not too long
        s = w.connect()
        s.sendall(GET[:-2] + b'X: ' + b'x' * 7900 + b'\r\n\r\n')
        assert b' 200 OK' in all_of(s)
        s.close()
        w.well()
        w.finish()


def bodies():
    """bodies, chunks and promises of them are not read"""
    with World() as w:
        for head in (b'Content-Length: 99999999999999999999\r\n',
                     b'Content-Length: -1\r\n', b'Content-Length: x\r\n',
                     b'Content-Length: 1000000\r\nExpect: 100-continue\r\n',
                     b'Transfer-Encoding: chunked\r\n'):
            for method in b'POST', b'GET', b'PUT', b'HEAD':
                s = w.connect()
                try:
                    s.sendall(method + b' /metrics HTTP/1.1\r\nHost: x\r\n' +
                              head + b'\r\n')
                    for i in range(100):
                        s.sendall(b'ffff\r\n' + b'x' * 10000)
                except (ConnectionResetError, BrokenPipeError):
                    pass
                got = all_of(s)
                assert b' 100 ' not in got and (
                    method in (b'GET', b'HEAD') or b' 200 ' not in got), got
                s.close()
        w.well()
        w.finish()


def slow():
    """an octet now and then: the time is that of the whole request"""
    with World() as w:
        socks = [w.connect() for i in range(5)]
        begin = time.monotonic()
        text = GET[:-2] + b'X: ' + b'x' * 4000
        for i in range(200):
            left = []
            for s in socks:
                try:
                    s.send(text[i:i + 1])
                    if select.select([s], [], [], 0)[0] and s.recv(9) == b'':
                        continue
                    left.append(s)
                except OSError:
                    pass
            socks = left
            if not socks:
                break
            time.sleep(0.1)
        took = time.monotonic() - begin
        assert not socks and took >= TIME - 0.5, (len(socks), took)
        assert took < 15 * SLOW, took
        assert w.count('metrics') == 5
        w.well()
        w.finish()


def thousand():
    """thousand connections that say nothing, or little, and no end of them"""
    with World() as w:
        socks = []
        for i in range(1000):
            s = w.connect()
            if i % 3:
                s.sendall(GET[:i % len(GET)])
            socks.append(s)
            if i % 100 == 99:
                w.well()
        assert w.count('metrics connections') > 100
        for s in socks:
            s.close()
        # and as many that come and go
        is_over = threading.Event()

        def flood():
            while not is_over.is_set():
                try:
                    s = w.connect()
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack('ii', 1, 0))
                    s.close()
                except OSError:
                    pass
        threads = [threading.Thread(target=flood) for i in range(2)]
        for t in threads:
            t.start()
        try:
            for i in range(3):
                w.well()
        finally:
            is_over.set()
            for t in threads:
                t.join()
        w.well()
        w.finish()


def unread():
    """more that ask and do not read than there is room for"""
    with World(500) as w:
        text = w.metrics()
        assert len(text) > 250000, len(text)
        w.mem = rss(w.before['metrics'])
        socks = []
        for i in range(3 * MOST):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(0.2)
            try:
                s.connect(w.sock)
                s.sendall(GET)
            except OSError:
                pass
            socks.append(s)
        w.metrics(('127.0.0.1', w.tcp))
        wait_until(lambda: w.count('metrics') +
                   w.count('metrics connections') >= MOST, 60, 'their end')
        for s in socks:
            s.close()
        w.well(16384)
        w.finish()


TOKENS = [b'GET ', b'HEAD ', b'POST ', b'OPTIONS ', b'CONNECT ', b'get ',
          b'/metrics', b'/health', b'/', b'*', b'http://a:99999/x', b'//', b'%',
          b'%00', b'?a=b', b'#', b' HTTP/1.1\r\n', b' HTTP/1.0\r\n',
          b' HTTP/9.9\r\n', b' HTTP/1.1\n', b'\r\n', b'\n', b'\r',
          b'Content-Length: 5\r\n', b'Content-Length: -1\r\n',
          b'Content-Length: 18446744073709551616\r\n',
          b'Transfer-Encoding: chunked\r\n', b'Expect: 100-continue\r\n',
          b'Host: x\r\n', b'Host: [::1\r\n', b' folded\r\n', b': x\r\n',
          b'Connection: keep-alive\r\n', b'Upgrade: websocket\r\n',
          b'5\r\nhello\r\n0\r\n\r\n', b'\0', b'\xff' * 20, b'x' * 9000, b':',
          GET, GET, GET, b'GET /health HTTP/1.0\r\n\r\n',
          b'HEAD /metrics HTTP/1.1\r\nConnection: keep-alive\r\n\r\n',
          b'GET /health HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc']


def rubbish():
    """requests by chance, in pieces, behind each other, given up half-way"""
    rnd = random.Random(7)
    with World() as w:
        kept = []
        end = time.monotonic() + 8
        n = 0
        while time.monotonic() < end:
            n += 1
            data = b''.join(rnd.choice(TOKENS)
                            for i in range(rnd.randrange(1, 10)))
            s = w.connect()
            try:
                step = rnd.choice((1, 7, len(data), len(data)))
                for i in range(0, min(len(data), 200 * step), step):
                    s.sendall(data[i:i + step])
                how = rnd.randrange(5)
                if how == 0:
                    s.shutdown(socket.SHUT_WR)
                if how == 1:
                    s.settimeout(0.05)
                    while s.recv(65536):
                        pass
                if how == 2:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack('ii', 1, 0))
                if how > 2:
                    kept.append(s)
                    continue
            except OSError:
                pass
            s.close()
            if len(kept) > 40:
                kept.pop(0).close()
        for s in kept:
            s.close()
        assert n > 100, n
        w.well()
        w.finish()
        print('%d clients' % n)


def descriptors(pid):
    """That it has; an ordinary user cannot look into one that locks itself
    in."""
    return len(os.listdir('/proc/%d/fd' % pid)) if IS_ROOT else None


def no_descriptors():
    """more clients than it may have descriptors: it waits, and does not spin"""
    with World(most=128, nofile=100) as w:
        pid = w.before['metrics']
        socks = []
        for i in range(120):
            socks.append(w.connect())
            socks[i].sendall(GET[:20])
        if IS_ROOT:
            wait_until(lambda: descriptors(pid) == 100, 10,
                       'the last descriptor')
        else:
            time.sleep(2)
        begin = cpu(pid)
        time.sleep(1)
        used = cpu(pid) - begin
        assert SAN or used < 0.3, '%.2f s of a second' % used
        # their time is over, one after another
        wait_until(lambda: w.count('metrics') > 50, 30 * SLOW, 'their end')
        for s in socks:
            s.close()
        w.well()
        w.finish()


def cpu(pid):
    with open('/proc/%d/stat' % pid) as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def stays_small():
    """after all who came: no descriptor and no client is left"""
    with World() as w:
        before = descriptors(w.before['metrics'])
        for i in range(300):
            s = w.connect()
            s.sendall(GET[:rnd_len(i)])
            s.close()
        wait_until(lambda: descriptors(w.before['metrics']) == before,
                   10 * SLOW, 'descriptors to be closed')
        w.well()
        wait_until(lambda: 'wampd_http_connections{process="metrics"} 1\n' in
                   w.metrics(), 10 * SLOW, 'clients to be gone')
        w.finish()


def rnd_len(i):
    return i * 7 % (len(GET) + 1)


CASES = [much, bodies, slow, thousand, unread, rubbish, no_descriptors,
         stays_small]
for f in CASES:
    if not sys.argv[1:] or f.__name__ in sys.argv[1:]:
        run_case(f)
done()
