# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Nobody keeps what is counted, and whether wampd is well, from those who ask:
# neither who asks for much himself, nor a broker that somebody has taken over,
# nor a client of the control socket.
#
# alone: witnesses must not wait longer than a second

import os
import re
import signal
import socket
import sys
import time

from ctlclient import Control, request, wampctl
from daemon import SAN, Wampd, done, free_port, is_alive, run_case, tmpdir, \
    wait_until
from httpclient import get
from takeover import Evil, good_ones, on_broker

SLOW = 4 if SAN else 1
MOST = 32
GET = b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'


class World(Wampd):
    def __init__(self, realms=1, more='', **kw):
        self.control = tmpdir() + '/control.sock'
        self.tcp = free_port()
        conf = '''prefork 1
brokers 1
control socket "%s"
limits { metrics connections %d }
listen on 127.0.0.1 port %d
metrics on 127.0.0.1 port %d
%s''' % (self.control, MOST, free_port(), self.tcp, more)
        for i in range(realms):
            conf += 'realm "realm%d" { authenticate anonymous role "all" ' \
                'role "all" { allow any } }\n' % (i + 1)
        super().__init__(conf, timeout=40, **kw)

    def get(self, path, **kw):
        return get(('127.0.0.1', self.tcp), path, **kw)

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.tcp), 20 * SLOW)


def status(s):
    """Of the answer, or None."""
    got = b''
    try:
        while True:
            part = s.recv(65536)
            if not part:
                break
            got += part
    except ConnectionResetError:
        pass
    return int(got[9:12]) if got else None


def waiting():
    """who wait for /metrics leave room for who asks for /health"""
    with World() as w:
        assert w.get('/metrics')[0] == 200
        pid = w.child('broker 0')
        os.kill(pid, signal.SIGSTOP)
        try:
            socks = []
            for i in range(MOST - 4):
                socks.append(w.connect())
                socks[-1].sendall(GET)
            for i in range(3):
                assert w.get('/nobody')[0] == 404
        finally:
            os.kill(pid, signal.SIGCONT)
        got = [status(s) for s in socks]
        assert got == [200] * (MOST - MOST // 4) + [503] * (
            MOST // 4 - 4), got
        assert w.get('/health')[0] == 200


def connecting():
    """CONNECT again and again: the time is that of one request"""
    with World(more='limits { metrics 2s }\n') as w:
        s = w.connect()
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < 10 * SLOW:
                s.sendall(b'CONNECT /health HTTP/1.1\r\nHost: x\r\n\r\n')
                got = s.recv(4096)
                if got == b'':
                    break
                assert b' 501 ' in got, got
                time.sleep(0.1)
        except (BrokenPipeError, ConnectionResetError):
            pass
        took = time.monotonic() - begin
        assert took < 5 * SLOW, took


class Taken(Evil):
    def __init__(self, role, lives):
        super().__init__(role, {0: lives}, prefork=1,
                         realms=on_broker(1, 2), verbose=False)
        self.tcp = free_port()
        self.control = tmpdir() + '/control.sock'
        with open(self.conf_path) as f:
            conf = f.read()
        self.write_conf(conf + 'metrics on 127.0.0.1 port %d\n'
                        'control socket "%s"\n' % (self.tcp, self.control))

    def get(self, path, **kw):
        return get(('127.0.0.1', self.tcp), path, **kw)

    def serves(self):
        try:
            return self.get('/health')[0] == 200
        except OSError:
            return False


def peak(pid):
    with open('/proc/%d/status' % pid) as f:
        return int(re.search(r'VmHWM:\s+(\d+)', f.read()).group(1))


def much():
    """a broker whose rows become 140 MB of text: there is none"""
    with Taken('broker', ['counts:350']) as w:
        w.go()
        w.wait_lives(1)
        pid = w.child('metrics')
        for i in range(2):
            assert w.get('/metrics')[::2] == (
                503, 'what is counted cannot be told\n')
        assert w.get('/health')[0] == 200
        assert SAN or peak(pid) < 100 * 1024, peak(pid)
        assert wampctl(w.control, 'show', 'metrics')[0] == 1
        assert w.child('metrics') == pid
        w.verdicts()


def has(text, process):
    return 'wampd_payload_bytes{process="%s"}' % process in text


def endless():
    """a broker that does not end its answer is replaced"""
    with Taken('broker', ['counts:0:10']) as w:
        w.watch()
        w.go()
        w.wait_lives(1)
        name, pid, attack = w.lives()[0]
        status, headers, text = w.get('/metrics')
        assert status == 200 and has(text, 'broker 1'), (status, text)
        for i in range(20):
            if 'it will be started again' in w.log():
                break
            assert w.get('/metrics')[0] == 200
        how = w.death('broker 0', pid)
        assert re.search(r'sent .* on its control channel: killed', how), how
        w.finish(good_ones(w))


def slow():
    """a broker that answers now and then is missing, all others are there"""
    with Taken('broker', ['counts:0:10:1']) as w:
        w.watch()
        w.go()
        w.wait_lives(1)
        for i in range(2):
            status, headers, text = w.get('/metrics')
            assert status == 200, (status, text)
            for name in 'keeper', 'tlsproxy 0', 'broker 1', 'metrics':
                assert has(text, name), name
            assert 'wampd_metrics_complete 0\n' in text
            assert 'process="broker 0",realm' not in text
        assert w.get('/health')[::2] == (200, 'ok\n')
        w.finish(good_ones(w))
        assert ' killed' not in w.log()


def held():
    """clients of the control socket that do not read their metrics"""
    with World(realms=500) as w:
        assert w.get('/metrics')[0] == 200
        clients = []
        for i in range(4):
            clients.append(Control(w.control, rcvbuf=2048))
            clients[-1].send(request('METRICS'))
        time.sleep(1)
        for i in range(3):
            status, headers, text = w.get('/metrics')
            assert status == 200, (status, text)
            assert has(text, 'keeper'), text[:2000]
            assert w.get('/health')[0] == 200
        for c in clients:
            c.s.close()
        wait_until(lambda: has(w.get('/metrics')[2], 'broker 0'), 20 * SLOW,
                   'the broker')


def turned_off():
    """one that hangs, or refuses each configuration: a reload ends it"""
    for life in 'stop', 'refuse_conf':
        with Taken('metrics', [life]) as w:
            with open(w.conf_path) as f:
                conf = f.read()
            w.watch()
            w.go()
            w.wait_lives(1)
            pid = int(w.lives()[0][1])
            time.sleep(0.5)
            assert w.reload(re.sub('metrics on .*\n', '', conf))
            wait_until(lambda: not is_alive(pid), 20, 'its end')
            w.finish(good_ones(w))


def unread():
    """a process that reads nothing and answers pings unseen is found"""
    with Taken('broker', ['unread']) as w:
        with open(w.conf_path) as f:
            conf = f.read()
        w.watch()
        w.go()
        w.wait_lives(1)
        time.sleep(2)
        assert not w.reload(conf + ''.join(
            'realm "r%d" { authenticate anonymous role "all" role "all" '
            '{ allow any } }\n' % i for i in range(5000)))
        how = w.death('broker 0', w.lives()[0][1])
        assert 'did not read for 5 s: killed' in how, how
        w.finish(good_ones(w))


CASES = [waiting, connecting, much, endless, slow, held, turned_off, unread]
for f in CASES:
    if not sys.argv[1:] or f.__name__ in sys.argv[1:]:
        run_case(f)
done()
