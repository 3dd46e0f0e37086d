# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Log-ins when something goes wrong: the keeper dies between HELLO and the
# verdict, somebody guesses, more come than threads can check.  Nobody joins
# who should not, and who should is not kept from it.

import os
import pwd
import signal
import socket

from authmethods import *
from daemon import (IS_ROOT, SAN, Skip, Wampd, free_port, run_cases,
                    test_user, tmpdir, wait_until)
from wampclient import *

CONF = '''prefork 1
brokers 1
limits {
	failures %s
	failures delay %s
}
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
realm "realm1" {
	authenticate ticket, wampcra, scram, cryptosign from $users
	role "user" { allow any }
}
realm "open" {
	authenticate anonymous role "guest"
	role "guest" { allow any }
}
'''
KEY = signing_key(1)
LOGINS = [(Ticket, 'alice', 'wonder'), (Cra, 'alice', 'builder'),
          (WampScram, 'alice', 'bowman'), (Scram, 'alice', 'bowman'),
          (Cryptosign, 'alice', KEY)]
DENIED = 'wamp.error.authentication_denied'
FAILED = 'wamp.error.authentication_failed'
SLOW = dict(time_cost=6, memory_cost=131072)	# half a second and more
QUEUE = 256		# keeper.h: WORKERS_QUEUE


class Daemon(Wampd):
    def __init__(self, failures='1000000 per 1m', delay='1ms', lines=()):
        d = tmpdir()
        self.sock, self.port = d + '/s', free_port()
        path = d + '/users'
        with open(path, 'w') as f:
            f.write('\n'.join([
                ticket_line('alice', 'wonder'),
                cra_line('alice', 'builder'),
                scram_line('alice', 'bowman'),
                cryptosign_line('alice', KEY),
                ticket_line('slow', 'secret', **SLOW)] + list(lines)) + '\n')
        os.chmod(path, 0o600)
        super().__init__(CONF % (failures, delay), macros=dict(
            sock=self.sock, port=str(self.port), users=path))

    def client(self, address=None):
        return Client(address or self.sock, join=False, timeout=30)

    def begin(self, login, address=None):
        c = self.client(address)
        m = login.hello(c)
        assert m[0] == CHALLENGE, m
        return c

    def answer(self, login, address=None):
        """WELCOME or ABORT's reason."""
        c = self.client(address)
        m = login.join(c)
        c.close()
        return WELCOME if m[0] == WELCOME else m[2]

    def works(self, address=None):
        for cls, authid, secret in LOGINS:
            got = self.answer(cls(authid, secret), address)
            assert got == WELCOME, (cls, got)

    def keeper_replaced(self, old):
        wait_until(lambda: self.children().get('keeper', old) != old, 30,
                   'another keeper')
        wait_until(lambda: self.answer(Cra('alice', 'builder')) == WELCOME,
                   30, 'a log-in')

    def joined(self):
        return self.log().count(' joined ')


def is_refused(c):
    m = c.recv()
    assert m[0] == ABORT and m[2] == FAILED, m
    c.expect_closed()


def keeper_dies_during_HELLO():
    """lesson 14: the keeper is killed during HELLO: nobody joins"""
    with Daemon() as w:
        old = w.child('keeper')
        os.kill(old, signal.SIGSTOP)
        clients = []
        for cls, authid, secret in LOGINS:
            c = w.client()
            login = cls(authid, secret)
            c.send(HELLO, 'realm1', dict(ROLES, **login.details()))
            clients.append(c)
        os.kill(old, signal.SIGKILL)
        for c in clients:
            is_refused(c)
        assert w.joined() == 0
        w.keeper_replaced(old)
        w.works()


def keeper_dies_before_AUTHENTICATE():
    """lesson 14: the keeper is killed after CHALLENGE: nobody joins"""
    with Daemon() as w:
        old = w.child('keeper')
        clients = [w.begin(cls(a, s)) for cls, a, s in LOGINS]
        os.kill(old, signal.SIGKILL)
        for c in clients:
            is_refused(c)
        assert w.joined() == 0
        w.keeper_replaced(old)
        w.works()


def keeper_dies_during_AUTHENTICATE():
    """lesson 14: the keeper is killed while it checks: nobody joins"""
    with Daemon() as w:
        old = w.child('keeper')
        clients = []
        for _ in range(6):	# threads have some, the others wait
            login = Ticket('slow', 'secret')
            c = w.begin(login)
            c.send(AUTHENTICATE, 'secret', {})
            clients.append(c)

        def is_hashing():	# 128 MiB
            with open('/proc/%d/status' % old) as f:
                rss = [x for x in f if x.startswith('VmRSS')][0]
            return int(rss.split()[1]) > 100000
        wait_until(is_hashing, 20, 'a thread that hashes')
        os.kill(old, signal.SIGSTOP)
        for cls, authid, secret in LOGINS[1:]:
            c = w.client()
            c.send(HELLO, 'realm1', dict(ROLES, **cls(authid,
                                                      secret).details()))
            clients.append(c)
        os.kill(old, signal.SIGKILL)
        refused = 0
        for c in clients:
            m = c.recv()
            refused += m[0] == ABORT and m[2] == FAILED
        # but for those that a thread had checked by then
        assert refused >= len(clients) - 4, refused
        assert w.joined() == len(clients) - refused
        w.keeper_replaced(old)
        w.works()


def refusals_come_later():
    """failures: refusals of an authid come later, a right secret at once"""
    with Daemon(delay='1m') as w:
        first = [w.begin(Cra('alice', 'x')) for _ in range(8)]
        for c in first:
            c.send(AUTHENTICATE, 'wrong', {})
        # one that fails once is refused long before the eighth
        assert w.answer(Cra('bob', 'x')) == DENIED
        # all of them wait still but for the first few
        assert w.answer(Cra('alice', 'builder')) == WELCOME
        assert w.answer(Ticket('alice', 'wonder')) == WELCOME
        for c in first[:3]:
            m = c.recv(30)
            assert m[0] == ABORT and m[2] == DENIED, m
        # the last one comes half a minute later
        try:
            m = first[-1].recv(0.1)
        except TimeoutError:
            m = None
        assert m is None, m
        for c in first:
            c.close()


def address_over_the_limit():
    """failures: an address over its limit is refused, others are not"""
    with Daemon(failures='3 per 1h') as w:
        here = ('127.0.0.1', w.port)
        late = [w.begin(Cra('alice', 'builder'), here) for _ in range(2)]
        for _ in range(3):
            assert w.answer(Cra('nobody', 'x'), here) == DENIED
        # a HELLO for a method that asks, and a dialogue that was begun
        c = w.client(here)
        m = Cra('alice', 'builder').hello(c)
        assert m[0] == ABORT and m[2] == FAILED, m
        c.expect_closed()
        late[0].send(AUTHENTICATE, 'x', {})
        is_refused(late[0])
        late[1].close()
        # anonymous asks for nothing
        c = Client(here, realm='open')
        c.goodbye()
        # another address, and who comes by a Unix socket
        real = socket.socket.connect

        def connect(self, address):
            if address == here:
                self.bind(('127.0.0.2', 0))
            return real(self, address)
        socket.socket.connect = connect
        try:
            w.works(here)
        finally:
            socket.socket.connect = real
        w.works()


def user_over_the_limit():
    """failures: on a Unix socket each user has a limit of his own"""
    user = test_user()
    if not IS_ROOT or user is None:
        raise Skip('needs root and an ordinary user')
    with Daemon(failures='3 per 1h') as w:
        pid = os.fork()
        if pid == 0:
            try:
                os.setuid(pwd.getpwnam(user).pw_uid)
                got = [w.answer(Cra('nobody', 'x')) for _ in range(3)]
                c = w.client()
                m = Cra('alice', 'builder').hello(c)
                os._exit(0 if got == [DENIED] * 3 and m[0] == ABORT and
                         m[2] == FAILED else 1)
            finally:
                os._exit(2)
        assert os.waitpid(pid, 0)[1] == 0
        w.works()


def queue_is_full():
    """workers: more tickets than the queue takes are refused, all else works"""
    with Daemon() as w:
        clients = [w.begin(Ticket('slow', 'x')) for _ in range(QUEUE + 20)]
        witness, other = (Client(w.sock, realm='open') for _ in range(2))
        witness.subscribe('com.example.t')
        for c in clients:
            c.send(AUTHENTICATE, 'wrong', {})
        # the last ones are refused while the first are hashed
        is_refused(clients[-1])
        w.wait_log(r'reason="too many log-ins wait for their check"')
        # methods without a hash, and sessions, do not wait
        for cls, authid, secret in LOGINS[1:]:
            assert w.answer(cls(authid, secret)) == WELCOME
        other.publish('com.example.t', 1)
        assert witness.expect(EVENT)
        assert w.answer(Ticket('alice', 'wonder')) == FAILED
        # whose client goes away is not hashed: there is room again
        for c in clients:
            c.close()
        wait_until(lambda: w.answer(Ticket('alice', 'wonder')) == WELCOME,
                   30, 'a ticket')


def threads():
    """workers: each thread of the keeper is in its sandbox"""
    with Daemon() as w:
        pid = w.child('keeper')
        tids = os.listdir('/proc/%d/task' % pid)
        assert len(tids) >= 2, tids

        def of(tid):
            with open('/proc/%d/task/%s/status' % (pid, tid)) as f:
                s = dict(x.split(':', 1) for x in f.read().splitlines())
            got = {k: s[k].split() for k in (
                'Uid', 'Gid', 'Groups', 'NoNewPrivs', 'Seccomp', 'CapInh',
                'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')}
            for link in ('root', 'cwd', 'ns/net', 'ns/ipc', 'ns/mnt',
                         'ns/uts', 'ns/cgroup'):
                try:
                    got[link] = os.readlink('/proc/%d/task/%s/%s' % (
                        pid, tid, link))
                except PermissionError:
                    got[link] = None
            return got
        first = of(str(pid))
        for tid in tids:
            assert of(tid) == first, (tid, of(tid), first)
        if not SAN:
            assert first['Seccomp'] == ['2'], first
        assert first['NoNewPrivs'] == ['1'], first
        for k in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
            assert int(first[k][0], 16) == 0, first
        if IS_ROOT:
            assert first['Uid'][0] != '0', first


run_cases([keeper_dies_during_HELLO, keeper_dies_before_AUTHENTICATE,
           keeper_dies_during_AUTHENTICATE, refusals_come_later,
           address_over_the_limit, user_over_the_limit, queue_is_full,
           threads])
