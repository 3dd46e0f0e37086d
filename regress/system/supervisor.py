# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What a supervisor is told: systemd's NOTIFY_SOCKET (a false one here), the
# newline of -N, lines with their level for the journal.

import os
import re
import select
import signal
import socket
import time

from daemon import (IS_ROOT, SAN, Wampd, free_port, run_cases, run_wampd,
                    tmpdir)
from wampclient import Client

CONF = '''
prefork 1
listen on 127.0.0.1 port %d
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''


class Supervisor:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, name):
        self.name = name
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind('\0' + name[1:] if name[0] == '@' else name)
        self.sock.settimeout(60)

    def env(self):
        return dict(os.environ, NOTIFY_SOCKET=self.name)

    def next(self):
        """One message: {name: value}"""
        text = self.sock.recv(4096).decode()
        assert not text.endswith('\n'), repr(text)
        return dict(line.split('=', 1) for line in text.split('\n'))

    def nothing(self):
        self.sock.setblocking(False)
        try:
            text = self.sock.recv(4096)
        except BlockingIOError:
            self.sock.settimeout(60)
            return
        raise AssertionError('not expected: %r' % text)


def names():
    return ['@wampd-test-%d-%d' % (os.getpid(), time.monotonic_ns()),
            tmpdir() + '/notify']


def notified():
    """READY when it accepts, RELOADING and READY, READY of an upgrade,
    STOPPING: both kinds of NOTIFY_SOCKET"""
    for name in names():
        sup = Supervisor(name)
        port = free_port()
        with Wampd(CONF % port, env=sup.env(), wait=False) as w:
            m = sup.next()
            assert m == {'READY': '1', 'STATUS': 'serving'}, m
            Client(('127.0.0.1', port)).close()
            assert len(w.children()) == 3
            for pid in w.children().values() if IS_ROOT else ():
                with open('/proc/%d/environ' % pid) as f:
                    assert 'NOTIFY' not in f.read()

            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            assert w.reload()
            m = sup.next()
            after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            assert m.pop('RELOADING') == '1'
            assert before <= int(m.pop('MONOTONIC_USEC')) <= after
            assert m == {'STATUS': 'reloading'}, m
            m = sup.next()
            assert m == {'READY': '1', 'STATUS': 'serving'}, m

            # one that cannot be read, and one that a listener refuses
            for bad in ('nonsense\n', 'listen on 127.0.0.1 port %d\n' % other):
                assert not w.reload(CONF % port + bad)
                assert sup.next()['RELOADING'] == '1'
                m = sup.next()
                assert m['READY'] == '1' and 'refused' in m['STATUS'], m
            assert w.reload(CONF % port)
            sup.next()
            assert sup.next()['STATUS'] == 'serving'

            # the program that takes its place speaks for the same process
            w.proc.send_signal(signal.SIGUSR2)
            m = sup.next()
            assert m == {'STATUS': 'upgrading'}, m
            m = sup.next()
            assert m == {'READY': '1', 'STATUS': 'serving'}, m
            w.wait_log('upgrade: the old processes are gone')
            for pid in w.children().values() if IS_ROOT else ():
                with open('/proc/%d/environ' % pid) as f:
                    env = f.read()
                # sanitizers are told where to write by theirs
                assert env == '' or SAN and 'WAMPD' not in env and \
                    'NOTIFY' not in env, env

            w.proc.send_signal(signal.SIGTERM)
            m = sup.next()
            assert m['STOPPING'] == '1' and m['STATUS'] == 'stopping', m
            # the five seconds of grace and what comes behind them
            assert int(m['EXTEND_TIMEOUT_USEC']) > 6000000, m
        sup.nothing()


def not_ready():
    """who cannot start does not say that he is ready"""
    sup = Supervisor(names()[0])
    status, out, err = run_wampd(
        ['-d'], CONF % other, env=sup.env())
    assert status == 1 and 'address in use' in err, err
    sup.nothing()


def not_for_check():
    """-n tells nobody anything"""
    sup = Supervisor(names()[0])
    status, out, err = run_wampd(['-n'], CONF % free_port(), env=sup.env())
    assert status == 0, err
    sup.nothing()


def nobody_reads():
    """a supervisor that is not there, or does not read, holds nobody up"""
    full = Supervisor(names()[0])
    filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    filler.setblocking(False)
    try:
        while True:
            filler.sendto(b'x', '\0' + full.name[1:])
    except BlockingIOError:
        pass
    for name, line in (('/nonexistent/notify', 'NOTIFY_SOCKET /nonexistent'),
                       ('relative', 'NOTIFY_SOCKET: neither'),
                       ('/' + 'x' * 200, 'NOTIFY_SOCKET: neither'),
                       (full.name, 'NOTIFY_SOCKET: Resource')):
        port = free_port()
        env = dict(os.environ, NOTIFY_SOCKET=name)
        with Wampd(CONF % port, env=env) as w:
            Client(('127.0.0.1', port)).close()
            assert w.reload()
            w.wait_log(re.escape(line))


class OnFd(Wampd):
    """With a FIFO open as descriptor fd."""

    def __init__(self, conf, fd, fifo):
        self.fd, self.fifo = fd, fifo
        super().__init__(conf, ['-N', str(fd)], wait=False)

    def command(self):
        return ['/bin/sh', '-c', 'exec "$@" %d>%s' % (self.fd, self.fifo),
                'sh'] + super().command()


def newline():
    """-N: a newline to that descriptor when it accepts, then its end"""
    for fd in (3, 9):
        port = free_port()
        fifo = tmpdir() + '/fifo'
        os.mkfifo(fifo)
        r = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        with OnFd(CONF % port, fd, fifo) as w:
            assert select.select([r], [], [], 60)[0]
            Client(('127.0.0.1', port)).close()
            os.set_blocking(r, True)
            # up to the end: no child holds it
            assert os.read(r, 10) == b'\n'
            assert os.read(r, 10) == b''
            assert w.reload()
        os.close(r)


def newline_refused():
    """-N with what is no open descriptor"""
    for arg, text in (('9', 'Bad file'), ('2', 'too small'),
                      ('x', 'invalid'), ('99999999999', 'too large')):
        status, out, err = run_wampd(['-d', '-N', arg], CONF % free_port())
        assert status == 1 and '-N %s: ' % arg in err and text in err, err


def journal():
    """lines for the journal begin with their level"""
    port = free_port()
    w = Wampd(CONF % port)
    open(w.log_path, 'w').close()
    st = os.stat(w.log_path)
    w.env = dict(os.environ,
                 JOURNAL_STREAM='%d:%d' % (st.st_dev, st.st_ino))
    with w:
        w.wait_log(r'^<5>ready$')
        Client(('127.0.0.1', port)).close()
        w.wait_log(r'^<6>tlsproxy 0: .*joined')
    # standard error was sent elsewhere
    w = Wampd(CONF % port)
    w.env = dict(os.environ, JOURNAL_STREAM='1:1')
    with w:
        w.wait_log(r'^wampd: ready$')


taken = socket.socket()
taken.bind(('127.0.0.1', 0))
taken.listen(1)
other = taken.getsockname()[1]

run_cases([notified, not_ready, not_for_check, nobody_reads, newline,
           newline_refused, journal])
