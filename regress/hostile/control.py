# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Clients of the control socket that mean harm: nothing they send gets past
# the one struct, what they do not read costs the parent nothing, and who may
# is served all the while.

import json
import os
import signal
import socket

import evil
from ctlclient import (FRAME, REQUEST, WHAT, Control, END, ERROR, request,
                       rows, wampctl)
from daemon import (IS_ROOT, Skip, Wampd, run_cases, test_user, tmpdir,
                    wait_until)
from wampclient import SERIALIZERS, Client

CONF = '''prefork 1
control socket "%s" mode 0666 read only
listen on socket "%s"
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''


class Controlled(Wampd):
    def __init__(self, more=''):
        d = tmpdir()
        self.control = os.path.join(d, 'control.sock')
        self.sock = os.path.join(d, 'sock')
        super().__init__(CONF % (self.control, self.sock) + more,
                         timeout=60)

    def is_served(self):
        assert rows(self.control, 'show', 'summary')


def clients(w):
    return rows(w.control, 'show', 'summary')[0]['control_clients']


def closed(w, data):
    with Control(w.control) as c:
        c.send(data)
        assert c.is_closed(), data[:40]


def nonsense():
    """what is no request closes that client"""
    with Controlled() as w:
        good = request('SUMMARY')
        assert len(good) == REQUEST.size
        closed(w, request('SUMMARY', magic=0))
        closed(w, request('SUMMARY', magic=0x314c4357))
        closed(w, b'GET / HTTP/1.1\r\n\r\n' * 200)
        closed(w, os.urandom(REQUEST.size))
        for field in ('realm', 'role', 'authid', 'uri'):
            n = 1024 if field == 'uri' else 256
            # no NUL; something behind it; no UTF-8
            closed(w, request('SUMMARY', **{field: b'x' * n}))
            closed(w, request('SUMMARY', **{field: b'x\0y'}))
            closed(w, request('SUMMARY', **{field: b'\0' * (n - 1) + b'y'}))
            closed(w, request('SUMMARY', **{field: b'\xff'}))
            closed(w, request('SUMMARY', **{field: b'\xed\xa0\x80'}))
            with Control(w.control) as c:
                assert c.ask('SUMMARY', **{field: b'x' * (n - 1)})[-1][0] \
                    == END
        # of another version: told, then closed
        for what in (0, 9999, 65535):
            with Control(w.control) as c:
                kind, _, text = c.ask(what)[-1]
                assert kind == ERROR and b'does not know' in text, text
                assert c.frame() is None
        # out of turn: answered in turn, or closed
        with Control(w.control) as c:
            c.send(request('CONFIG') * 3)
            for _ in range(3):
                last = c.answer()[-1]
                assert last is None or last[0] == END, last
        with Control(w.control) as c:
            c.send(request('SUMMARY') + b'x')
            last = c.answer()[-1]
            assert last is None or last[0] == END, last
        w.is_served()
        assert all(v < 60000 for v in WHAT.values())


def short():
    """a request that stops in the middle, and one that comes in pieces"""
    with Controlled() as w:
        data = request('SUMMARY')
        for n in (1, 4, 100, len(data) - 1):
            with Control(w.control) as c:
                c.send(data[:n])
        with Control(w.control) as c:
            for i in range(0, len(data), 100):
                c.send(data[i:i + 100])
            assert c.answer()[-1][0] == END
            # and one after the other
            for _ in range(50):
                assert c.ask('SUMMARY')[-1][0] == END
        # what is said, and not waited for
        for what in ('SUMMARY', 'CONFIG', 'REALMS', 'RELOAD', 'CHECK'):
            with Control(w.control) as c:
                c.send(request(what))
        # half closed is closed
        with Control(w.control) as c:
            c.s.shutdown(socket.SHUT_WR)
            assert c.frame() is None
        w.is_served()
        wait_until(lambda: clients(w) == 1, 10, 'all to be gone')


def thousand():
    """a thousand connections: few are served, others told, root gets in"""
    if not IS_ROOT or test_user() is None:
        raise Skip('needs root and another user')
    with Controlled() as w:
        many = []
        for _ in range(16):
            many.append(Control(w.control))
        wait_until(lambda: 'too many' in
                   wampctl(w.control, 'show', 'summary')[2], 10, 'no')
        for c in many:
            c.close()
        wait_until(lambda: wampctl(w.control, 'show', 'summary')[0] == 0, 10,
                   'a place')
        r, wr = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                mine = [Control(w.control) for _ in range(1000)]
                refused = sum(1 for c in mine[12:] if c.answer()[-1])
                os.write(wr, b'%d\n' % refused)
                signal.pause()
            finally:
                os._exit(0)
        os.close(wr)
        try:
            refused = int(os.read(r, 100) or b'0')
            assert refused == 988, refused
            assert clients(w) == 13, clients(w)
            w.is_served()
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        wait_until(lambda: clients(w) == 1, 10, 'all to be gone')


def never_reads():
    """one that does not read is closed; others do not feel it"""
    more = ''.join('realm "r%d" {\n authenticate anonymous role "a"\n'
                   ' role "a" { allow any }\n}\n' % i for i in range(3000))
    with Controlled(more) as w:
        deaf = []
        for _ in range(8):
            c = Control(w.control)
            c.send(request('CONFIG'))
            deaf.append(c)
        for _ in range(20):
            w.is_served()
        assert clients(w) == 9, clients(w)
        # half a minute without progress; what it reads then is cut short
        wait_until(lambda: clients(w) == 1, 60, 'all to be closed')
        for c in deaf:
            got = c.answer()
            assert got[-1] is None and len(got) > 1, got[-1]
            c.close()
        w.is_served()


def slow_monitor():
    """a monitor that does not read loses lines, and is told"""
    with Controlled('limits { connections per address 2000 }\n') as w:
        with Control(w.control, 4096) as c:
            c.send(request('MONITOR'))
            wait_until(lambda: clients(w) == 2, 10, 'the monitor')
            # until no more fits in the kernel's queue and ours
            for _ in range(1500):
                Client(w.sock, timeout=60).goodbye()
            w.is_served()
            lost = False
            for _ in range(10000):
                kind, _, data = c.frame()
                assert kind == 1
                lost = lost or b'lines were not shown' in data
                if lost:
                    break
            assert lost
            # it talks out of turn
            c.send(request('SUMMARY'))
            assert c.is_closed()


def evil_rows():
    """a broker taken over: rows that are none end it, or the answer"""
    shapes = ['long', 'count', 'query', 'cursor', 'much', 'nomap']
    d = evil.tree('broker', {0: ['ctl_rows:' + s for s in shapes]})

    class Taken(Controlled):
        def command(self):
            return [d + '/sbin/wampd'] + super().command()[1:]

    with Taken() as w:
        evil.go(d)
        for i, shape in enumerate(shapes):
            w.wait_log('evil: over .* ctl_rows:' + shape, 40)
            wait_until(lambda: rows(w.control, 'show', 'summary')[0][
                'processes_up'] == 4, 20, 'all of them')
            status, out, err = wampctl(w.control, 'show', 'sessions')
            assert status == 1 and 'SESSION' in out, (shape, out)
            if shape == 'nomap':
                # the parent looks at lengths only
                assert 'control socket: nonsense' in err, err
                break
            assert 'did not answer: this is not all' in err, (shape, err)
            assert '\n1 ' not in out, (shape, out)
            w.wait_log(r'broker 0 \(process \d+\) sent .* on its control '
                       r'channel: killed', 20, i + 1)
            w.is_served()


def weaker():
    """show sandbox: a process that is less confined than it should be"""
    path = os.path.join(tmpdir(), 's')
    srv = socket.socket(socket.AF_UNIX)
    srv.bind(path)
    srv.listen(5)
    dumps = SERIALIZERS['msgpack'][1]
    # a process like any other: ourselves
    row = {'process': 'broker 0', 'pid': os.getpid(), 'role': 'broker',
           'sandbox': 'strict', 'sanitizers': False, 'started_by_root': False,
           'wanted_uid': os.geteuid(), 'wanted_gid': os.getegid(),
           'wanted_root': '/', 'wanted_capabilities': '0' * 16}

    def ask(**change):
        r = dict(row, **change)
        data = dumps(r)
        pid = os.fork()
        if pid == 0:
            try:
                s, _ = srv.accept()
                s.recv(REQUEST.size, socket.MSG_WAITALL)
                s.sendall(FRAME.pack(len(data), 1, 0) + data +
                          FRAME.pack(0, 4, 0))
            finally:
                os._exit(0)
        status, out, err = wampctl(path, '-j', 'show', 'sandbox')
        os.waitpid(pid, 0)
        got, = json.loads(out)
        assert (status == 1) == (got['weaker'] != []), (status, out)
        for what in got['weaker']:
            assert 'broker 0: weaker than configured: ' + what in err, err
        return set(got['weaker'])

    weak = ask()
    assert {'no_new_privs', 'seccomp'} <= weak, weak
    assert ('capabilities' in weak) == IS_ROOT, weak
    assert 'user' not in weak and 'root' not in weak, weak
    assert 'user' in ask(wanted_uid=os.geteuid() + 1)
    assert 'user' in ask(wanted_gid=os.getegid() + 1)
    assert 'root' in ask(wanted_root='/var/empty/wampd')
    # a relaxed one may be as it likes, but for its user
    assert ask(sandbox='relaxed') == set()
    assert ask(sandbox='relaxed', wanted_uid=os.geteuid() + 1) == {'user'}
    # sanitizers need more
    assert 'seccomp' not in ask(sanitizers=True)
    assert 'no_new_privs' in ask(sanitizers=True)
    # one that is down, and one that is not there
    assert ask(pid=None) == set()
    assert ask(pid=2 ** 22 + 1) == {'unknown'}
    assert ask(role=7) == {'wanted'}


def untrusted():
    """wampctl: a socket that somebody else serves, and answers of nonsense"""
    path = os.path.join(tmpdir(), 's')
    srv = socket.socket(socket.AF_UNIX)
    srv.bind(path)
    srv.listen(5)
    row = b'\x81\xa7version\xa1x'

    def frame(kind, data, n=None, flags=0):
        return FRAME.pack(len(data) if n is None else n, kind, flags) + data

    for data, why in (
            (b'', 'closed the control socket'),
            (b'\0' * 4, 'closed the control socket'),
            (frame(9, b''), 'nonsense'),
            (frame(0, b''), 'nonsense'),
            (frame(1, b'', 16385), 'nonsense'),
            (frame(1, b'', 0xffffffff), 'nonsense'),
            (frame(1, row, 100), 'closed the control socket'),
            (frame(1, b''), 'nonsense'),
            (frame(1, b'\x90'), 'nonsense'),
            (frame(1, b'\xdf\xff\xff\xff\xff'), 'nonsense'),
            (frame(1, b'\x81\x01\x01'), 'nonsense'),
            (frame(1, b'\x82\xa1a\x01\xa1a\x02'), 'nonsense'),
            (frame(1, row + b'x'), 'nonsense'),
            (frame(1, b'\x81' * 200 + row), 'nonsense'),
            (frame(1, b'\x81\xa1a\xa1\xff'), 'nonsense'),
            (frame(1, row) + frame(4, b'', flags=1), 'did not answer'),
            (frame(3, b'\x1b[2Jno'), r'wampctl: \033[2Jno')):
        pid = os.fork()
        if pid == 0:
            try:
                s, _ = srv.accept()
                s.recv(REQUEST.size, socket.MSG_WAITALL)
                s.sendall(data)
            finally:
                os._exit(0)
        status, out, err = wampctl(path, 'show', 'summary')
        assert status == 1 and why in err, (data, status, out, err)
        assert '\x1b' not in out + err, (out, err)
        os.waitpid(pid, 0)
    # what a client called himself does not move the cursor
    pid = os.fork()
    if pid == 0:
        try:
            s, _ = srv.accept()
            s.recv(REQUEST.size, socket.MSG_WAITALL)
            s.sendall(frame(1, b'\x81\xa5\x1b[2Jk\xa6\x1b[2J\n\r') +
                      frame(4, b''))
        finally:
            os._exit(0)
    status, out, err = wampctl(path, 'show', 'summary')
    os.waitpid(pid, 0)
    assert status == 0 and '\x1b' not in out and '\r' not in out, repr(out)
    assert out.count('\n') == 1 and r'\033[2J\n\r' in out, repr(out)


run_cases([nonsense, short, thousand, never_reads, slow_monitor, evil_rows,
           weaker,
           untrusted])
