# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampctl drain and resume: nobody is accepted, all are sent away over the
# time that was asked for, and back again.

import os
import signal
import subprocess
import time

from ctlclient import ERROR, WAMPCTL, Control, rows, wampctl
from daemon import Wampd, free_port, run_cases, tmpdir, wait_until
from wampclient import ABORT, GOODBYE, HELLO, Client

SHUTDOWN = 'wamp.close.system_shutdown'


class Drained(Wampd):
    def __init__(self):
        self.run = tmpdir()
        self.control = os.path.join(self.run, 'control.sock')
        self.sock = os.path.join(self.run, 'sock')
        self.port = free_port()
        super().__init__('''prefork 2
control socket "%s"
listen on socket "%s" mode 0666
listen on 127.0.0.1 port %d
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
''' % (self.control, self.sock, self.port))

    def ctl(self, *args, err='', status=0):
        got = wampctl(self.control, *args)
        assert got == (status, '', err), got

    def state(self):
        return rows(self.control, 'show', 'summary')[0]['state']

    def addresses(self):
        return self.sock, ('127.0.0.1', self.port)

    def begin(self, *args):
        return subprocess.Popen([WAMPCTL, '-s', self.control, 'drain', *args],
                                stderr=subprocess.PIPE, text=True)

    def wait_state(self, state):
        wait_until(lambda: self.state() == state, 20, state)


def told(c):
    c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
    c.send(GOODBYE, {}, 'wamp.close.goodbye_and_out')
    c.expect_closed()
    c.close()


def waits(address):
    """Connected, and nobody answers."""
    c = Client(address, transport=None, join=False)
    c.transport = 'rawsocket'
    c.write(b'\x7f\xf2\0\0')
    return c


def served(c):
    """Now it is answered."""
    c.timeout = 20
    reply = c._read(4, time.monotonic() + 20)
    assert reply[0] == 0x7f and reply[1] & 15 == 2, reply
    c.join()
    c.close()


def gone():
    """drain: each session gets GOODBYE, who comes waits, resume lets him in"""
    with Drained() as w:
        cs = [Client(w.addresses()[i % 2]) for i in range(8)]
        p = w.begin('over', '0s')
        for c in cs:
            told(c)
        assert p.wait(20) == 0, p.stderr.read()
        assert w.state() == 'drained', w.state()
        # it connects, and nobody talks to it
        cs = [waits(address) for address in w.addresses()]
        assert rows(w.control, 'show', 'summary')[0]['connections'] == 0
        for c in cs:
            c.sock.setblocking(False)
            try:
                assert False, c.sock.recv(1)
            except BlockingIOError:
                pass
        w.ctl('resume')
        assert w.state() == 'ready', w.state()
        for c in cs:
            served(c)
        log = w.log()
        assert 'act=drain' in log and 'what="over 0ms"' in log, log
        assert 'drained: no client is left' in log, log
        assert 'clients are accepted again' in log, log


def spread():
    """drain over an hour: hardly anybody is told yet, no new session joins,
    resume lets the others stay"""
    with Drained() as w:
        cs = [Client(w.sock) for i in range(4)]
        late = Client(w.sock, join=False)
        p = w.begin('over', '1h')
        w.wait_log('act=drain .*what="over 1h"')
        w.wait_state('draining')
        late.send(HELLO, 'realm1', {'roles': {'caller': {}}})
        late.expect(ABORT, None, SHUTDOWN)
        late.close()
        for c in cs:
            c.subscribe('com.example.t')
        w.ctl('resume')
        assert p.wait(20) == 1
        assert 'not drained: clients are accepted again' in p.stderr.read()
        for c in cs:
            c.subscribe('com.example.u')
            c.close()
        Client(w.sock).close()


def faster():
    """a second drain hurries the first one"""
    with Drained() as w:
        c = Client(w.sock)
        p = w.begin('over', '24h')
        w.wait_state('draining')
        q = w.begin('over', '10ms')
        told(c)
        assert q.wait(20) == 0, q.stderr.read()
        assert p.wait(20) == 1
        assert 'another drain began' in p.stderr.read()
        # there is nobody: it is done at once; the time is grace
        w.ctl('drain')
        assert 'sent away within 5s' in w.log(), w.log()


def paced():
    """some are told early, some late"""
    with Drained() as w:
        cs = [Client(w.sock) for i in range(60)]
        p = w.begin('over', '1m')
        told(cs[0])
        # nobody is told before his turn: the last one can still ask
        cs[-1].subscribe('com.example.t')
        q = w.begin('over', '0s')
        for c in cs[1:]:
            told(c)
        assert q.wait(20) == 0, q.stderr.read()
        assert p.wait(20) == 1


def restarted():
    """a tlsproxy that is started again, and a reload, change nothing"""
    with Drained() as w:
        w.ctl('drain')
        for name in ('tlsproxy 0', 'tlsproxy 1', 'tlsproxy 2'):
            os.kill(w.child(name), signal.SIGKILL)
        wait_until(lambda: {r['state'] for r in rows(
            w.control, 'show', 'processes')} == {'up'}, 20, 'all up')
        assert w.reload()
        assert w.state() == 'drained', w.state()
        cs = [waits(address) for address in w.addresses()]
        summary, = rows(w.control, 'show', 'summary')
        assert summary['connections'] == 0, summary
        w.ctl('resume')
        for c in cs:
            served(c)


def stopped():
    """stop while it drains"""
    with Drained() as w:
        c = Client(w.sock)
        p = w.begin('over', '1h')
        w.wait_state('draining')
        w.proc.send_signal(signal.SIGTERM)
        told(c)
        assert p.wait(20) == 1
        w.stop()


def nonsense():
    """a time that is too long"""
    with Drained() as w:
        with Control(w.control) as k:
            (kind, flags, data), = k.ask('DRAIN', ms=86400001)
            assert kind == ERROR and b'longer than a day' in data, data
        assert w.state() == 'ready', w.state()


if __name__ == '__main__':
    run_cases([gone, spread, faster, paced, restarted, stopped, nonsense])
