# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Each limit of wampd.conf(5) crossed by a client of its own: what it gets,
# what the log says, that others feel nothing of it, and that it is over when
# there is room again.  What other files cross: connections, in all and per
# address, and memory (hostile/clients), messages (messages-limit), slow and
# queue (slow-consumer), failures (login-trouble).

import contextlib
import ctypes
import os
import re
import socket
import ssl
import subprocess
import threading
import time

from ctlclient import rows
from daemon import (IS_ROOT, Skip, Wampd, free_port, make_cert, run_cases,
                    tmpdir, wait_until)
from wampclient import *

CLONE_NEWNET = 0x40000000


def conf(port, limits, realm='', more='', host='127.0.0.1', prefork=1,
         tls=''):
    return '''prefork %d
grace 0s
limits { %s }
listen on %s port %d %s
realm "realm1" {
	authenticate anonymous role "all"
	%s
	role "all" { allow any }
}
''' % (prefork, limits, host, port, tls or ('insecure' if host != '127.0.0.1' else ''),
       realm) + more


class Other:
    """Somebody else: one who is called, and one who calls."""

    def __init__(self, address, **kw):
        self.callee = Client(address, **kw)
        self.caller = Client(address, **kw)
        self.callee.register('com.example.other')

    def check(self):
        r = self.caller.call('com.example.other', 7)
        m = self.callee.expect(INVOCATION)
        self.callee.send(YIELD, m[1], {}, m[4])
        assert self.caller.expect(RESULT, r)[3] == [7]

    def close(self):
        self.callee.close()
        self.caller.close()


# -- connections per address ---------------------------------------------------

@contextlib.contextmanager
def network(addresses):
    """A network of our own, with these addresses."""
    if not IS_ROOT:
        raise Skip('needs root')
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open('/proc/self/ns/net', os.O_RDONLY)
    if libc.unshare(CLONE_NEWNET) == -1:
        os.close(before)
        raise Skip('unshare: ' + os.strerror(ctypes.get_errno()))
    try:
        try:
            subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
            for a in addresses:
                subprocess.run(['ip', 'addr', 'add', a + '/128', 'dev', 'lo',
                                'nodad'], check=True)
        except (OSError, subprocess.CalledProcessError) as e:
            raise Skip(str(e))
        yield
    finally:
        if libc.setns(before, CLONE_NEWNET) == -1:
            raise OSError(ctypes.get_errno(), 'setns')
        os.close(before)


def ipv6_networks():
    """connections per address: an IPv6 network is one, and a reload that
    says how large it is counts anew"""
    net = 'fd00:1:2:%s::%d'
    router = 'fd00:9::1'
    addrs = [net % (n, i) for n in ('101', '102', '201') for i in (1, 2, 3)]
    with network(addrs + [router]):
        port = free_port(router)
        held = []

        def text(prefix):
            return conf(port, 'connections per address 2' + prefix,
                        host='"%s"' % router, prefork=2)

        def gets_in(source):
            try:
                c = Client((router, port), source=source, join=False)
                # it may go again when the processes have told each other
                c.expect_nothing(0.1)
            except Closed:
                return False
            held.append(c)
            return True

        def refused(source):
            """It is, once the processes have told each other; and not
            only for one that it closed just now."""
            def is_refused():
                for _ in range(3):
                    if gets_in(source):
                        held.pop().close()
                        return False
                    time.sleep(0.1)
                return True
            wait_until(is_refused, 20, '%s to be refused' % source)

        def let_in(source):
            wait_until(lambda: gets_in(source), 20, '%s to get in' % source)

        with Wampd(text('')) as w:
            other = Other((router, port), source=net % ('201', 1))
            # 64 bits, if nothing is said
            let_in(net % ('101', 1))
            let_in(net % ('101', 2))
            refused(net % ('101', 3))
            w.wait_log(r'refused address=\[fd00:1:2:101::3\]:\d+ '
                       r'reason="connections per address"')
            let_in(net % ('102', 1))
            # there are three of this network now
            assert w.reload(text(' ipv6 prefix 56'))
            refused(net % ('102', 2))
            # and no more than one of each address
            assert w.reload(text(' ipv6 prefix 128'))
            let_in(net % ('102', 1))
            refused(net % ('102', 1))
            let_in(net % ('101', 3))
            # two, and two that were there before
            assert w.reload(text(' ipv6 prefix 60'))
            refused(net % ('102', 2))
            while held:
                held.pop().close()
            let_in(net % ('102', 2))
            let_in(net % ('102', 3))
            refused(net % ('101', 1))
            other.check()
            other.close()


# -- sessions -------------------------------------------------------------------

JOE = dict(authmethods=['socket'])


def crowd(w, address, join, hello, lines, other):
    """Three may be in; one more is refused each time it tries, and is let in
    once one has left, or was lost."""
    def refused():
        c = Client(address, join=False)
        c.send(HELLO, 'realm1', hello)
        c.expect_abort('wamp.error.not_authorized')

    def gets_in():
        try:
            return join()
        except AssertionError:
            return None

    held = [join() for _ in range(3)]
    for _ in range(20):
        refused()
    for line in lines:
        w.wait_log(line)
    other.check()
    held[0].goodbye()
    held.append(join())
    refused()
    held[1].close()             # without a word
    held.append(wait_until(gets_in, 20, 'room'))
    refused()
    # the others are still there
    for c in held[2:]:
        c.subscribe('com.example.t')
    other.check()


def sessions_per_authid():
    """sessions per authid"""
    port = free_port()
    path = os.path.join(tmpdir(), 's')
    text = conf(port, 'sessions per authid 3', realm='''
	authenticate socket { any authid "joe" role "all" }''',
                more='''listen on socket "%s" mode 0666
realm "realm2" {
	authenticate socket { any authid "joe" role "all" }
	role "all" { }
}
''' % path)
    with Wampd(text) as w:
        other = Other(('127.0.0.1', port))
        crowd(w, path, lambda: Client(path, details=JOE), dict(ROLES, **JOE),
              [r'limits sessions per authid reached realm=realm1 authid=joe$',
               r'refused realm=realm1 address=unix:uid=\d+ '
               r'reason=wamp.error.not_authorized text="too many sessions of '
               r'this authid"$'], other)
        # in another realm it is another
        there = [Client(path, realm='realm2', details=JOE) for _ in range(3)]
        # and those who are nobody in particular have one each
        there += [Client(path, details=dict(authmethods=['anonymous']))
                  for _ in range(4)]


def sessions_of_realm():
    """sessions in a realm"""
    port = free_port()
    a = '127.0.0.1', port
    text = conf(port, '', realm='sessions 3', more='''realm "realm2" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
''')
    with Wampd(text) as w:
        other = Other(a, realm='realm2')
        crowd(w, a, lambda: Client(a), ROLES,
              [r'limits sessions reached realm=realm1$',
               r'refused realm=realm1 address=127.0.0.1:\d+ '
               r'reason=wamp.error.not_authorized text="too many sessions in '
               r'the realm"$'], other)


# -- bytes ----------------------------------------------------------------------

TOPIC = 'com.example.bytes'
KINDS = [('rawsocket', 'msgpack', False), ('websocket', 'json', True)]


def talker(a, kw, rate, burst, sizes, w, other):
    """Sends publications of these sizes at once.  Each is taken once those
    before it were less than is permitted by then; and all are."""
    watcher = Client(a, **kw)
    watcher.subscribe(TOPIC)
    c = Client(a, join=False, **kw)
    start = time.monotonic()    # before its bucket begins to fill
    hello = c.dumps([HELLO, 'realm1', ROLES])
    c.join()
    msgs = [c.dumps([PUBLISH, c.next(), {}, TOPIC, [i, 'x' * n]])
            for i, n in enumerate(sizes)]
    sender = threading.Thread(target=c.write,
                              args=(b''.join(c.frame(m) for m in msgs),))
    c.timeout = 60
    sender.start()
    before = len(hello)
    for i, m in enumerate(msgs):
        e = watcher.expect(EVENT, timeout=60)
        now = time.monotonic()
        assert e[4][0] == i, (e[4][0], i)
        assert before < burst + rate * (now - start), (i, before, now - start)
        before += len(m)
        if i == len(msgs) // 2:
            other.check()
    sender.join()
    w.wait_log(r'session %d says more than limits session bytes: it is read '
               r'more slowly$' % c.id)
    assert len(re.findall('says more than', w.log())) == 1, w.log()
    c.goodbye()
    watcher.close()


def bytes_of_session():
    """bytes: a session that says more is read more slowly"""
    for transport, serializer, is_tls in KINDS:
        port = free_port()
        a = '127.0.0.1', port
        kw = dict(transport=transport, serializer=serializer)
        tls = ''
        if is_tls:
            cert = make_cert(tmpdir())
            kw['tls'] = ssl.create_default_context(cafile=cert[0])
            tls = 'tls { keypair "k" }'
        for rate, burst, sizes in ((400000, 20000, [10000] * 20),
                                   # one that is longer than all there is
                                   (400000, 20000, [300000, 1, 1, 90000, 1])):
            text = conf(port, 'session { bytes %d per 1s burst %d }' % (
                rate, burst), tls=tls)
            if is_tls:
                text = 'keypair "k" { certificate "%s" key "%s" }\n' % cert + \
                    text
            with Wampd(text) as w:
                other = Other(a, **kw)
                talker(a, kw, rate, burst, sizes, w, other)


def bytes_reload():
    """bytes: what is permitted, and no octet more; a reload lifts it"""
    port = free_port()
    a = '127.0.0.1', port
    with Wampd(conf(port, 'session { bytes 1 per 1h burst 20k }')) as w:
        watcher = Client(a)
        watcher.subscribe(TOPIC)
        c = Client(a)
        sent = len(c.dumps([HELLO, 'realm1', ROLES]))
        taken = 0
        for i in range(40):
            m = c.dumps([PUBLISH, c.next(), {}, TOPIC, [i, 'x' * 1000]])
            if sent < 20 * 1024:
                taken += 1
            sent += len(m)
            c.write(c.frame(m))
        for i in range(taken):
            assert watcher.expect(EVENT)[4][0] == i
        watcher.expect_nothing()
        assert w.reload(conf(port, ''))
        for i in range(taken, 40):
            assert watcher.expect(EVENT)[4][0] == i
        c.goodbye()


# -- connections, and what takes too long ------------------------------------------

def connections_in_all():
    """connections: those beyond wait, until one of the others goes"""
    port = free_port()
    a = '127.0.0.1', port
    with Wampd(conf(port, 'connections 3')) as w:
        other = Other(a)
        third = Client(a)
        waiting = socket.create_connection(a)
        waiting.sendall(b'\x7f\xf2\0\0')
        w.wait_log(r'limits connections reached: 3 clients, others wait$')
        other.check()
        waiting.settimeout(0.3)
        try:
            raise AssertionError('it was answered %r' % waiting.recv(4))
        except socket.timeout:
            pass
        third.close()
        waiting.settimeout(20)
        assert waiting.recv(4)[:1] == b'\x7f'
        other.check()


def ends(sock):
    """The router closes it, whatever it says before."""
    sock.settimeout(20)
    said = b''
    try:
        while True:
            data = sock.recv(65536)
            if not data:
                return said
            said += data
    except ConnectionError:
        return said


def times():
    """handshake, hello, authenticate, complete"""
    port = free_port()
    a = '127.0.0.1', port
    users = os.path.join(tmpdir(), 'users')
    with open(users, 'w') as f:
        f.write('zoe:wampcra:all:key=YnVpbGRlcg==\n')
    os.chmod(users, 0o600)
    text = conf(port, 'handshake 2s hello 2s authenticate 2s complete 2s',
                realm='authenticate wampcra from "%s"' % users)

    def name(sock):
        return r'127\.0\.0\.1:%d' % sock.getsockname()[1]

    with Wampd(text) as w:
        other = Other(a)
        handshake = socket.create_connection(a)
        hello = Client(a, join=False)
        auth = Client(a, join=False)
        auth.send(HELLO, 'realm1', dict(ROLES, authmethods=['wampcra'],
                                        authid='zoe'))
        auth.expect(CHALLENGE)
        early = Client(a, join=False)
        early.write(early.frame(b'x' * 100)[:50])
        late = Client(a)
        late.write(late.frame(b'x' * 100)[:50])
        other.check()

        assert ends(handshake) == b''
        w.wait_log(r'limits handshake reached address=%s$' % name(handshake))
        assert ends(hello.sock) == b''
        w.wait_log(r'refused address=%s reason="no HELLO"$' %
                   name(hello.sock))
        auth.expect_abort('wamp.error.authentication_failed', 20)
        w.wait_log(r'refused realm=realm1 address=%s reason=wamp.error.'
                   r'authentication_failed text="authentication took too '
                   r'long"$' %
                   name(auth.sock))
        assert ends(early.sock) == b''
        w.wait_log(r'(limits complete reached|refused) address=%s' %
                   name(early.sock))
        assert ends(late.sock) == b''
        w.wait_log(r'session %d left .* reason="message was not completed in '
                   r'time"$' % late.id)
        other.check()
        other.close()


def memory_of_machine():
    """memory: what is not said fits into the machine, what is said is not
    questioned"""
    total = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    port = free_port()
    n = total // (2 << 30) + 1          # half of it is not 1g for each
    if n > 24:
        raise Skip('this machine has too much memory')
    text = conf(port, '', prefork=n)
    with Wampd(text, timeout=60) as w:
        share = total // 2 // (n + 1) >> 20
        assert share < 1024
        w.wait_log(r'limits memory is %dm: half of what the machine has, for '
                   r'%d processes$' % (share, n + 1))
        assert w.reload(conf(port, 'memory 1g', prefork=n))
        assert w.reload(conf(port, 'memory %dg' % (total >> 30),
                             prefork=n))
        w.wait_log(r'limits memory %dg: %d processes could need more than the '
                   r'machine has$' % (total >> 30, n + 1))
        assert len(re.findall('limits memory', w.log())) == 2, w.log()


def message_size():
    """message: one that is longer ends its session"""
    port = free_port()
    a = '127.0.0.1', port
    with Wampd(conf(port, 'message 4k')) as w:
        other = Other(a)
        c = Client(a)
        c.write(c.frame(c.dumps([PUBLISH, 1, {}, 'com.example.t',
                                 ['x' * 4096]])))
        c.expect_abort('wamp.error.payload_size_exceeded')
        w.wait_log(r'bad frame address=127.0.0.1:%d .* limit=4096$' %
                   c.sock.getsockname()[1])
        c = Client(a, 'websocket', 'json')
        c.write(c.frame(b'[' + b' ' * 4096))
        c.expect_closed()
        assert c.closecode == 1009, c.closecode
        w.wait_log(r'bad frame address=127.0.0.1:%d ' %
                   c.sock.getsockname()[1])
        Client(a).publish('com.example.t', 'x' * 3900)
        other.check()


# -- what a session has ---------------------------------------------------------

def one_more(w, c, limit, ask, answer):
    """Three are granted, others refused, and the log says it once."""
    for i in range(3):
        code, r = ask(i)
        if answer:
            c.expect(code, r)
    for i in range(3, 10):
        code, r = ask(i)
        m = c.expect(ERROR)
        assert m[4] == 'wamp.error.not_authorized', m
        assert m[2] == c.request, m
    w.wait_log(r'limits session %s reached session=%d realm=realm1 '
               r'authid=\S+$' % (limit, c.id))
    assert len(re.findall('limits session %s reached' % limit, w.log())) == 1


def of_session():
    """subscriptions, registrations, calls"""
    port = free_port()
    a = '127.0.0.1', port
    with Wampd(conf(port, 'session { subscriptions 3 registrations 3 '
                    'calls 3 }')) as w:
        other = Other(a)
        c = Client(a)

        def subscribe(i):
            r = c.next()
            c.send(SUBSCRIBE, r, {}, 'com.example.t%d' % i)
            return SUBSCRIBED, r

        def register(i):
            r = c.next()
            c.send(REGISTER, r, {}, 'com.example.p%d' % i)
            return REGISTERED, r

        def call(i):
            return RESULT, c.call('com.example.slow', i)

        one_more(w, c, 'subscriptions', subscribe, True)
        other.check()
        # one that it has is no other one
        sub = c.subscribe('com.example.t0')
        c.unsubscribe(sub)
        c.subscribe('com.example.t9')

        one_more(w, c, 'registrations', register, True)
        other.check()

        callee = Client(a)
        callee.register('com.example.slow')
        one_more(w, c, 'calls', call, False)
        inv = [callee.expect(INVOCATION) for _ in range(3)]
        other.check()
        callee.send(YIELD, inv[1][1], {}, [1])
        c.expect(RESULT)
        call(10)
        assert callee.expect(INVOCATION)[4] == [10]


def burst():
    """connections, in all and per address, of many who come at once"""
    def connect(host, port):
        s = socket.socket()
        s.bind((host, 0))
        s.setblocking(False)
        s.connect_ex(('127.0.0.1', port))
        return s

    for limits, hosts, most in (
            ('connections per address 6', ['127.0.0.1'] * 60, 6),
            ('connections 20', ['127.0.0.%d' % i for i in range(1, 61)], 20)):
        port = free_port()
        control = os.path.join(tmpdir(), 'control.sock')
        with Wampd('control socket "%s"\n' % control +
                   conf(port, limits, prefork=4)):
            all = [connect(host, port) for host in hosts]

            def left():
                return rows(control, 'show', 'summary')[0]['connections']
            # nobody is there who is too many, and stays so
            wait_until(lambda: left() == most, 10, 'the limit to hold')
            end = time.monotonic() + 1
            while time.monotonic() < end:
                assert left() <= most, left()
                time.sleep(0.05)
            # and there is room again
            for s in all:
                s.close()
            wait_until(lambda: left() == 0, 10, 'all to be gone')
            Client(('127.0.0.1', port)).close()


run_cases([burst, ipv6_networks, sessions_per_authid, sessions_of_realm,
           bytes_of_session, bytes_reload, connections_in_all, times,
           memory_of_machine, message_size, of_session])
