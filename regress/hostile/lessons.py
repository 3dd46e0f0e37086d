# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What went wrong in other daemons and must not here, by the numbers of the
# list of lessons, as far as the whole daemon shows it and no other test has
# that number.
#
# alone: witnesses must not wait longer than a second

import grp
import os
import pwd
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import msgpack

from daemon import (B, IS_ROOT, SAN, TOP, Skip, Wampd, done, free_port,
                    make_cert, run_case, run_wampd, tmpdir, wait_until)
from wampclient import *

LATE = 10 if SAN else 1
PV = 'wamp.error.protocol_violation'


class Daemon(Wampd):
    """One plain listener and a Unix socket."""

    def __init__(self, realm=None, head='', listen='', **kw):
        self.port = free_port()
        self.path = tmpdir() + '/s'
        self.net = ('127.0.0.1', self.port)
        super().__init__(self.text(realm, head, listen), **kw)

    def text(self, realm=None, head='', listen=''):
        return '''%s
%s
listen on 127.0.0.1 port %d
listen on socket "%s" mode 0666
%s
''' % (head or 'prefork 2', listen, self.port, self.path, realm or '''
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}''')


def joins(address, **kw):
    try:
        Client(address, timeout=5, **kw).close()
        return True
    except (OSError, Closed, AssertionError):
        return False


# -- 1: a check that fails says so -------------------------------------------

BAD_URIS = ['', '.', 'a.', '.a', 'a..b', 'a b', 'a#b', 'a\tb', 'a\nb',
            'a\u00a0b', 'a\u2003b', ' a', 'a ', '#', 'a.#.b']
RESERVED = ['wamp', 'wamp.x', 'wamp.subscription.x']


def lesson_1_validators():
    """lesson 1: every bad URI is refused by every message that has one"""
    with Daemon() as w, Client(w.path, serializer='json') as c:
        for uri in BAD_URIS:
            for code in (SUBSCRIBE, REGISTER, CALL, PUBLISH):
                r = c.next()
                options = {'acknowledge': True} if code == PUBLISH else {}
                c.send(code, r, options, uri)
                c.expect(ERROR, code, r, None, 'wamp.error.invalid_uri')
        for uri in RESERVED:
            for code in (REGISTER, PUBLISH):
                r = c.next()
                options = {'acknowledge': True} if code == PUBLISH else {}
                c.send(code, r, options, uri)
                assert c.expect(ERROR, code, r)[4] in (
                    'wamp.error.invalid_uri', 'wamp.error.not_authorized')
        c.subscribe('com.example.good')
        for uri in BAD_URIS + RESERVED:
            with Client(w.path, join=False, serializer='json') as d:
                d.send(HELLO, uri, ROLES)
                d.expect(ABORT)
        # ids, too
        for bad in (0, -1, 2 ** 53 + 1, 1.5, '1', None, [], True):
            with Client(w.path, serializer='json') as d:
                d.send(SUBSCRIBE, bad, {}, 'com.example.t')
                d.expect_abort(PV)


def lesson_1_nobody_runs_what_a_client_says():
    """lesson 1: exec stands in two places, with paths of our own"""
    calls = []
    for folder in ('common', 'common/codec', 'wampd', 'keeper', 'tlsproxy',
                   'broker', 'metrics'):
        d = os.path.join(TOP, folder)
        for name in os.listdir(d):
            if not name.endswith(('.c', '.y')):
                continue
            with open(os.path.join(d, name)) as f:
                text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
            for m in re.finditer(r'\b(exec[lv]\w*|fexecve|system|popen|'
                                 r'posix_spawnp?)\s*\(', text):
                calls.append((folder + '/' + name, m.group(1)))
    # a child's program, and the program that wampd is, for an upgrade
    assert sorted(calls) == [('wampd/child.c', 'execve'),
                             ('wampd/upgrade.c', 'execv')], calls


# -- 3: addresses of every kind ----------------------------------------------

def link_local():
    """(address, interface) of this machine, or None."""
    try:
        with open('/proc/net/if_inet6') as f:
            for line in f:
                a, _, _, scope, _, name = line.split()
                if scope == '20':
                    return socket.inet_ntop(socket.AF_INET6,
                                            bytes.fromhex(a)), name
    except OSError:
        pass
    return None


def lesson_3_addresses():
    """lesson 3: IPv6, scoped and mapped peers, unnamed and named sockets"""
    try:
        port = free_port('::1')
    except OSError:
        raise Skip('no IPv6 here')
    listen = 'listen on ::1 port %d\nlisten on :: port %d insecure\n' % (
        port, free_port('::1'))
    anyport = int(re.findall(r':: port (\d+)', listen)[0])
    ll = link_local()
    if ll is not None:
        llport = free_port('::1')
        listen += 'listen on %s%%%s port %d insecure\n' % (ll + (llport,))
    with Daemon(listen=listen) as w:
        kids = w.children()
        for a in (('::1', port), ('::1', anyport), w.net):
            with Client(a) as c:
                c.subscribe('com.example.t')
        # whether a listener on :: takes IPv4 is its own affair: no crash
        joins(('127.0.0.1', anyport))
        joins(('::ffff:127.0.0.1', anyport))
        joins(('::ffff:127.0.0.1', w.port))
        if ll is not None:
            s = socket.socket(socket.AF_INET6)
            s.settimeout(5)
            s.connect((ll[0], llport, 0, socket.if_nametoindex(ll[1])))
            s.sendall(b'\x7f\xf2\0\0')
            assert s.recv(4)[0] == 0x7f
            m = msgpack.packb([HELLO, 'realm1', ROLES])
            s.sendall(struct.pack('>I', len(m)) + m)
            assert len(s.recv(4)) == 4
            w.wait_log(r'joined .*address=\[?%s' % re.escape(ll[0]))
            s.close()
        d = tmpdir()
        for name in ('\0' + 'x' * 100, '\0\n\033[2J', d + '/' + 'n' * (
                100 - len(d)), d + '/a b\n', ''):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(5)
            if name:
                s.bind(name)
            s.connect(w.path)
            s.sendall(b'\x7f\xf2\0\0')
            assert s.recv(4)[0] == 0x7f, name
            s.close()
        assert w.children() == kids
        assert '\033' not in w.log()


# -- 5: signals --------------------------------------------------------------

def lesson_5_no_handlers_of_our_own():
    """lesson 5: no handler but libevent's"""
    allowed = {'common/proc.o', 'wampd/child.o', 'wampd/wampd.o'}
    names = re.compile(r'(signal|sigaction|bsd_signal|sysv_signal|sigset|'
                       r'ssignal|__sysv_signal|sigvec|signalfd)')
    there = set()
    for folder in ('common', 'common/codec', 'wampd', 'keeper', 'tlsproxy',
                   'broker', 'metrics'):
        d = os.path.join(B, 'obj', folder)
        for o in os.listdir(d):
            if not o.endswith('.o'):
                continue
            out = subprocess.run(['nm', '-u', os.path.join(d, o)], text=True,
                                 check=True, capture_output=True).stdout
            if any(names.fullmatch(f.split()[-1].split('@')[0])
                   for f in out.split('\n') if f):
                there.add('%s/%s' % (folder, o))
    # sandbox_filter.c has one in builds with SANDBOX=trap
    assert there <= allowed | {'common/sandbox_filter.o'}, there - allowed
    for o in allowed:
        with open(os.path.join(TOP, o[:-2] + '.c')) as f:
            text = f.read()
        for call in re.findall(r'\bsignal\((.*?)\);', text):
            assert re.search(r', SIG_(IGN|DFL)$', call), (o, call)
        for h in re.findall(r'sa_(?:handler|sigaction) = (\w+)', text):
            assert h in ('SIG_DFL', 'SIG_IGN'), (o, h)


def caught(pid):
    with open('/proc/%d/status' % pid) as f:
        bits = int(re.search(r'SigCgt:\s+([0-9a-f]+)', f.read()).group(1),
                   16)
    return {n for n in range(1, 65) if bits >> (n - 1) & 1}


def lesson_5_signals_to_everybody():
    """lesson 5: signals in any number to every process, under load"""
    with Daemon() as w:
        kids = w.children()
        if not SAN:
            for name, pid in kids.items():
                # the C library's own, in a process with threads
                assert caught(pid) <= {32, 33}, (name, caught(pid))
            assert caught(w.pid) <= {signal.SIGHUP, signal.SIGINT,
                                     signal.SIGTERM, signal.SIGCHLD,
                                     signal.SIGUSR1, signal.SIGUSR2}, \
                caught(w.pid)
        c = Client(w.net)
        c.subscribe('com.example.s')
        p = Client(w.net)
        n, over = 0, time.monotonic() + 4
        stop = []

        def storm():
            k = 0
            while not stop:
                for pid in list(kids.values()):
                    for s in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE,
                              signal.SIGCHLD, signal.SIGWINCH):
                        os.kill(pid, s)
                        k += 1
                for s in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH):
                    os.kill(w.pid, s)
                    k += 1
            stop.append(k)
        t = threading.Thread(target=storm)
        t.start()
        try:
            while time.monotonic() < over:
                n += 1
                begin = time.monotonic()
                p.publish('com.example.s', n)
                assert c.expect(EVENT)[4] == [n]
                assert time.monotonic() - begin < LATE * 2
        finally:
            stop.append(0)
            t.join()
        assert w.children() == kids
        print('%d signals, %d events' % (stop[-1], n))
        c.close()
        p.close()


# -- 8: nothing said, nothing allowed ----------------------------------------

def lesson_8_empty_role():
    """lesson 8: a role without rules may do nothing"""
    realm = '''realm "realm1" {
	authenticate anonymous role "none"
	role "none" { }
}'''
    with Daemon(realm) as w, Client(w.net) as c:
        for code, options in ((SUBSCRIBE, {}), (REGISTER, {}), (CALL, {}),
                              (PUBLISH, {'acknowledge': True})):
            r = c.next()
            c.send(code, r, options, 'com.example.x')
            c.expect(ERROR, code, r, None, 'wamp.error.not_authorized')


# -- 12: rights taken away ---------------------------------------------------

def lesson_12_revoked():
    """lesson 12: a right taken away by a reload leaves nothing alive"""
    def realm(rules):
        return '''realm "realm1" {
	authenticate anonymous role "all"
	role "all" { %s }
	authenticate socket { any role "boss" }
	role "boss" { allow any }
}''' % rules
    with Daemon(realm('allow any')) as w:
        c = Client(w.net)
        c.subscribe('com.example.t')
        c.register('com.example.p')
        boss = Client(w.path)
        boss.publish('com.example.t', 1)
        c.expect(EVENT)
        boss.call('com.example.p')
        m = c.expect(INVOCATION)
        c.send(YIELD, m[1], {})
        boss.expect(RESULT)
        assert w.reload(w.text(realm('allow publish')))
        for what in ('subscription to com.example.t',
                     'registration to com.example.p'):
            w.wait_log('session %d lost its %s:' % (c.id, what))
        boss.publish('com.example.t', 2)
        r = boss.call('com.example.p')
        boss.expect(ERROR, CALL, r, None, 'wamp.error.no_such_procedure')
        # c may be told that they ended, and hears of nothing else
        try:
            while True:
                m = c.recv(0.5)
                assert m[0] in (UNSUBSCRIBED, UNREGISTERED), m
        except TimeoutError:
            pass
        # the name is free for somebody who may have it
        boss.register('com.example.p')
        # given back, it is not there by itself
        assert w.reload(w.text(realm('allow any')))
        boss.publish('com.example.t', 3)
        c.expect_nothing()
        c.publish('com.example.u', 1)
        c.close()
        boss.close()


# -- 13: what a listener lets in is said -------------------------------------

def lesson_13_summary():
    """lesson 13: -n says for each listener who can join as what"""
    d = tmpdir()
    crt, key = make_cert(d)
    status, out, err = run_wampd(['-n'], '''keypair "k" {
	certificate "%s"
	key "%s"
}
listen on 127.0.0.1 port 8080
listen on 0.0.0.0 port 8443 tls { keypair "k" }
listen on socket "%s/s"
realm "open" {
	authenticate anonymous role "guest"
	role "guest" { allow subscribe }
}
realm "local" {
	authenticate socket { any role "user" }
	role "user" { allow any }
}
''' % (crt, key, d))
    assert status == 0, err
    lines = {k: [x for x in out.split('\n') if k in x]
             for k in ('8080', '8443', d + '/s')}
    for k, found in lines.items():
        assert len(found) == 1, (k, out)
        assert 'guest' in found[0], found
    assert 'user' in lines[d + '/s'][0], out
    for k in ('8080', '8443'):
        assert '"user"' not in lines[k][0] and 'local' not in lines[k][0], out
    # whoever would serve the network in clear text has to say so
    status, out, err = run_wampd(['-n'], '''listen on 0.0.0.0 port 8080
realm "open" {
	authenticate anonymous role "guest"
	role "guest" { allow subscribe }
}
''')
    assert status == 1 and 'insecure' in err, err


# -- 14: fails closed --------------------------------------------------------

def lesson_14_keeper_dies_during_hello():
    """lesson 14: the keeper dies while clients join: nobody does"""
    with Daemon(head='prefork 2\nlimits { connections per address 300 }'
                ) as w:
        inside = Client(w.net)
        inside.subscribe('com.example.t')
        for _ in range(3):
            keeper = w.child('keeper')
            os.kill(keeper, signal.SIGSTOP)
            waiting = []
            for i in range(20):
                for a in (w.net, w.path):
                    c = Client(a, join=False)
                    c.send(HELLO, 'realm1', ROLES)
                    waiting.append(c)
            time.sleep(0.1)
            os.kill(keeper, signal.SIGKILL)
            for c in waiting:
                try:
                    m = c.recv(10)
                    assert m[0] == ABORT, m
                except Closed:
                    pass
                c.close()
            wait_until(lambda: w.children().get('keeper', keeper) != keeper,
                       20, 'a new keeper')
            # who was in stays in, and the next one gets in
            inside.publish('com.example.u', 1)
            wait_until(lambda: joins(w.net) and joins(w.path), 20, 'a join')
        inside.close()


# -- 17: who may join where, as what -----------------------------------------

class Model:
    """A realm, and what wampd.conf(5) says of it."""

    def __init__(self, rnd, name, users):
        self.name = name
        self.roles = ['r%d' % i for i in range(3)]
        self.lines = []
        n = rnd.randrange(1, 4)
        kinds = rnd.sample(['anonymous', 'socket', 'socket'], n) \
            if n < 3 else ['socket', 'anonymous', 'socket']
        for kind in kinds:
            if kind == 'anonymous':
                self.lines.append(('anonymous', None, rnd.choice(
                    self.roles)))
                continue
            for _ in range(rnd.randrange(1, 3)):
                u = rnd.choice(users)
                what = rnd.choice([('user', u.pw_name),
                                   ('group', grp.getgrgid(u.pw_gid).gr_name)])
                # a second line of the same is an error
                if what not in [w for _, w, _ in self.lines]:
                    self.lines.append(('socket', what,
                                       rnd.choice(self.roles)))
        used = {r for _, _, r in self.lines}
        self.roles = [r for r in self.roles if r in used]
        self.may = {r: rnd.sample(['publish', 'subscribe', 'call',
                                   'register'], rnd.randrange(0, 5))
                    for r in self.roles}

    def text(self):
        out = 'realm "%s" {\n' % self.name
        for kind, what, role in self.lines:
            if kind == 'anonymous':
                out += '\tauthenticate anonymous role "%s"\n' % role
            else:
                out += '\tauthenticate socket { %s "%s" role "%s" }\n' % (
                    what + (role,))
        for r in self.roles:
            out += '\trole "%s" { %s }\n' % (r, 'allow %s' % ', '.join(
                self.may[r]) if self.may[r] else '')
        return out + '}\n'

    def role(self, user, methods):
        """Of a client: user is None on the network.  None: may not join.
        An empty list of methods is none."""
        methods = methods or None
        if user is not None and (methods is None or 'socket' in methods):
            groups = {user.pw_gid}
            if user.pw_uid == os.getuid():
                groups = {os.getgid(), *os.getgroups()}
            groups = {g.gr_name for g in grp.getgrall()
                      if g.gr_gid in groups}
            for kind, what, role in self.lines:
                if kind == 'socket' and (
                        what == ('user', user.pw_name) or
                        what[0] == 'group' and what[1] in groups):
                    return role, 'socket'
        if methods is None or 'anonymous' in methods:
            for kind, what, role in self.lines:
                if kind == 'anonymous':
                    return role, 'anonymous'
        return None


def tries(address, realm, methods):
    """What became of a HELLO: 'role method may...', or 'no'."""
    details = {} if methods is None else {'authmethods': methods}
    details['authid'] = 'root'
    try:
        c = Client(address, join=False)
        c.send(HELLO, realm, dict(ROLES, **details))
        m = c.recv()
        if m[0] != WELCOME:
            return 'no'
        m_id = m[1]
        out = [m[2]['authrole'], m[2]['authmethod']]
        for word, code, options in (
                ('publish', PUBLISH, {'acknowledge': True}),
                ('subscribe', SUBSCRIBE, {}), ('call', CALL, {}),
                ('register', REGISTER, {})):
            # one of its own: what a predecessor left may still be there
            c.send(code, c.next(), options, 'com.m.%d' % m_id)
            m = c.recv()
            if m[0] != ERROR or m[4] == 'wamp.error.no_such_procedure':
                out.append(word)
        c.close()
        return ' '.join(out)
    except Closed:
        return 'no'


def tries_as(user, address, realm, methods):
    """The same as another user."""
    if user is None or user.pw_uid == os.getuid():
        return tries(address, realm, methods)
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            os.write(w, tries(address, realm, methods).encode())
        finally:
            os._exit(0)
    os.close(w)
    out = b''
    while True:
        part = os.read(r, 1000)
        if not part:
            break
        out += part
    os.close(r)
    os.waitpid(pid, 0)
    return out.decode()


METHODS = (None, ['anonymous'], ['socket'], ['socket', 'anonymous'],
           ['anonymous', 'socket'], ['ticket'], [], ['tls', 'nonsense'])


def lesson_17_matrix():
    """lesson 17: listener x method x realm x role, as a model has it"""
    rnd = random.Random(17)
    me = pwd.getpwuid(os.getuid())
    users = [me]
    if IS_ROOT:
        users += [pwd.getpwnam(n) for n in ('nobody', 'daemon', 'bin')]
    n = joined = 0
    for turn in range(2):
        models = [Model(rnd, 'realm%d' % i, users) for i in range(6)]
        with Daemon('\n'.join(m.text() for m in models),
                    head='prefork 2\nbrokers 2') as w:
            for m in models:
                for user in [None] + users:
                    for methods in METHODS:
                        want = m.role(user, methods)
                        got = tries_as(user, w.net if user is None else
                                       w.path, m.name, methods)
                        if want is None:
                            expected = 'no'
                        else:
                            expected = ' '.join(list(want) + [
                                x for x in ('publish', 'subscribe', 'call',
                                            'register')
                                if x in m.may[want[0]]])
                            joined += 1
                        n += 1
                        assert got == expected, (
                            m.text(), user and user.pw_name, methods, got,
                            expected)
            for name in ('realm6', 'realm', 'REALM0', 'realm0 ', 'r0'):
                assert tries(w.net, name, None) == 'no', name
    assert 100 < joined < n, (joined, n)
    print('%d attempts, %d joined' % (n, joined))


# -- 18, 19, 20: sizes -------------------------------------------------------

def memory(w):
    """KiB of all children."""
    total = 0
    for pid in w.children().values():
        with open('/proc/%d/status' % pid) as f:
            total += int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))
    return total


# what a decoder that believes it would make room for
BOMBS = {
    'msgpack': [b'\x94\x10\x01\x80\xdd\xff\xff\xff\xff',
                b'\x95\x10\x01\x80\xa3a.b\xdd\xff\xff\xff\xff',
                b'\x95\x10\x01\x80\xa3a.b\x91\xdf\xff\xff\xff\xff',
                b'\x95\x10\x01\x80\xa3a.b\x91\xdb\xff\xff\xff\xff',
                b'\x95\x10\x01\x80\xa3a.b\x91\xc6\xff\xff\xff\xff',
                b'\x95\x10\x01\x80\xa3a.b\x91\xc9\xff\xff\xff\xff\x01',
                b'\xdd\xff\xff\xff\xff', b'\xdf\xff\xff\xff\xff',
                b'\x95\x10\x01\xdf\xff\xff\xff\xff'],
    'cbor': [b'\x85\x10\x01\xa0\x63a.b\x9b' + b'\xff' * 8,
             b'\x85\x10\x01\xa0\x63a.b\x81\xbb' + b'\xff' * 8,
             b'\x85\x10\x01\xa0\x63a.b\x81\x5b' + b'\xff' * 8,
             b'\x85\x10\x01\xa0\x63a.b\x81\x7b\x7f' + b'\xff' * 7,
             b'\x9b' + b'\xff' * 8, b'\x9b\x7f' + b'\xff' * 7,
             b'\x85\x10\x01\xbb' + b'\xff' * 8, b'\x9f' * 200,
             b'\x85\x10\x01\xa0\x63a.b\x9f' + b'\x5f' * 1000],
    'json': [b'[16,1,{},"a.b",[1e999999999999]]',
             b'[16,1,{},"a.b",[' + b'9' * 100000 + b']]',
             b'[16,1,{},"a.b",["' + b'\\u0000' * 10000 + b'"',
             b'[' * 1000, b'[16,1,' + b'{"a":' * 1000],
}


def lesson_18_lengths_that_lie():
    """lesson 18: lengths that lie cost the sender its session, no memory"""
    with Daemon() as w:
        kids = w.children()
        with Client(w.net) as c:
            c.subscribe('com.warm')

        def all_once():
            for ser, bombs in BOMBS.items():
                for transport in ('rawsocket', 'websocket'):
                    for b in bombs:
                        with Client(w.net, transport, ser) as c:
                            c.send_raw(b)
                            try:
                                while c.recv(1 if not SAN else 5)[0] != ABORT:
                                    pass
                            except Closed:
                                pass
                            except TimeoutError:
                                # a number that somebody may send
                                c.request = 1
                                c.publish('com.alive')
        all_once()
        before = memory(w)
        all_once()
        grown = memory(w) - before
        assert SAN or grown < 1024, '%d KiB' % grown
        # many small elements, to a reader of another serializer
        sub = Client(w.net, serializer='json', timeout=20)
        sub.subscribe('com.empty')
        with Client(w.net, 'rawsocket', 'msgpack', timeout=20) as c:
            n = 250000
            body = b'\x95\x10\x01\x81\xabacknowledge\xc3\xa9com.empty\xdd' + \
                struct.pack('>I', n) + b'\x90' * n
            c.send_raw(body)
            c.expect(PUBLISHED)
            assert len(sub.expect(EVENT)[4]) == n
            grown = memory(w) - before
            assert SAN or grown < 16 * 1024, '%d KiB for 250 kB' % grown
        sub.close()
        assert w.children() == kids


NESTS = {
    'msgpack': (b'\x91', b'\x90'), 'msgpack maps': (b'\x81\xa1a', b'\x80'),
    'json': (b'[', b''), 'json maps': (b'{"a":', b''),
    'cbor': (b'\x81', b'\x80'), 'cbor maps': (b'\xa1\x61a', b'\xa0'),
    'cbor open': (b'\x9f', b'\x80'), 'cbor tags': (b'\xc1', b'\x00'),
}


def stack(pid):
    with open('/proc/%d/status' % pid) as f:
        return int(re.search(r'VmStk:\s+(\d+)', f.read()).group(1))


def lesson_19_nesting():
    """lesson 19: a megabyte of brackets: ABORT, and no stack used"""
    with Daemon(head='prefork 1\nlimits { message 2m }') as w:
        kids = w.children()
        begin = {n: stack(p) for n, p in kids.items()}
        for name, (open_, end) in NESTS.items():
            ser = name.split()[0]
            head = {'msgpack': b'\x95\x10\x01\x80\xa3a.b\x91',
                    'json': b'[16,1,{},"a.b",[',
                    'cbor': b'\x85\x10\x01\xa0\x63a.b\x81'}[ser]
            for n in (200, 1000000 // len(open_)):
                for h in (head, b''):
                    with Client(w.net, serializer=ser) as c:
                        c.send_raw(h + open_ * n + end)
                        c.expect_abort(PV)
        # what is deep, but not too deep
        with Client(w.net) as s, Client(w.net, serializer='json') as c:
            s.subscribe('com.deep')
            v = []
            for _ in range(100):
                v = [v]
            c.publish('com.deep', v)
            assert s.expect(EVENT)[4] == [v]
        for n, p in kids.items():
            assert SAN or stack(p) - begin[n] <= 8, (n, stack(p), begin[n])
        assert w.children() == kids


def lesson_20_sums_of_parts():
    """lesson 20: fragments that add up, lengths that overflow"""
    with Daemon(head='prefork 1\nlimits { message 64k }') as w:
        kids = w.children()

        def fragments(sizes):
            """Of a message of just that many octets: the answer."""
            with Client(w.net, 'websocket', 'json', timeout=20) as c:
                head = b'[16,1,{"acknowledge":true},"a.b",["'
                data = head + b'x' * (sum(sizes) - len(head) - 3) + b'"]]'
                out = b''
                for i, n in enumerate(sizes):
                    out += c.wsframe(0 if i else 1, data[:n],
                                     i == len(sizes) - 1)
                    data = data[n:]
                try:
                    c.write(out)
                    return c.recv()[0]
                except Closed:
                    return c.closecode
                except OSError:
                    return 'reset'
        limit = 64 * 1024
        for sizes in ([limit], [1] * 1000 + [limit - 1000],
                      [limit // 2, limit // 2], [limit - 1, 1],
                      [limit, 0, 0, 0], [1] * limit):
            got = fragments(sizes)
            assert got == PUBLISHED, (sizes[:3], got)
        for sizes in ([limit + 1], [limit, 1], [limit // 2, limit // 2 + 1],
                      [1] * 1000 + [limit - 999], [limit, 1, 0]):
            got = fragments(sizes)
            assert got in (1009, ABORT, 'reset'), (sizes[:3], got)
        for length in (2 ** 63, 2 ** 64 - 1, 2 ** 63 - 1, 2 ** 32, 2 ** 31,
                       2 ** 64 - 14):
            for first in (b'\x81', b'\x01'):
                with Client(w.net, 'websocket', 'json') as c:
                    c.write(first + b'\xff' + struct.pack('>Q', length) +
                            b'\0\0\0\0' + b'x' * 100)
                    try:
                        while c.recv()[0] != ABORT:
                            pass
                    except (Closed, OSError):
                        pass
            # as the second part of one that has begun
            with Client(w.net, 'websocket', 'json') as c:
                c.write(c.wsframe(1, b'[', 0) + b'\x80\xff' +
                        struct.pack('>Q', length) + b'\0\0\0\0' + b'x' * 100)
                try:
                    while c.recv()[0] != ABORT:
                        pass
                except (Closed, OSError):
                    pass
        with Client(w.net) as c:
            c.subscribe('com.alive')
        assert w.children() == kids


# -- 22: sessions of TLS are never resumed -----------------------------------

def lesson_22_no_resumption():
    """lesson 22: openssl s_client: always New, never Reused, no ticket"""
    d = tmpdir()
    crt, key = make_cert(d)
    os.mkdir(d + '/2')
    crt2, key2 = make_cert(d + '/2', kind='rsa')
    p1, p2 = free_port(), free_port()
    listen = '''keypair "a" { certificate "%s" key "%s" }
keypair "b" { certificate "%s" key "%s" }
listen on 127.0.0.1 port %d tls { keypair "a" }
listen on 127.0.0.1 port %d tls { keypair "b" }
''' % (crt, key, crt2, key2, p1, p2)

    def client(port, *args):
        p = subprocess.Popen(
            ['openssl', 's_client', '-connect', '127.0.0.1:%d' % port,
             '-servername', 'localhost'] + list(args),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        time.sleep(0.4)		# TLS 1.3 sends tickets after the handshake
        out = p.communicate('Q\n', timeout=20)[0]
        assert re.search(r'^(New|Reused), ', out, re.M), out
        return out
    with Daemon(listen=listen, head='prefork 2') as w:
        for version in ('-tls1_2', '-tls1_3'):
            f = '%s/session%s' % (d, version)
            for port in (p1, p2):
                out = client(port, version, '-sess_out', f)
                assert 'ticket' not in out.replace(
                    'TLS session ticket lifetime hint: 0', ''), out
                if not os.path.exists(f):
                    continue	# nothing that could be resumed
                for other in (p1, p2):
                    for _ in range(3):
                        out = client(other, version, '-sess_in', f)
                        assert '\nNew, ' in out and 'Reused' not in out, out
                os.unlink(f)
        assert joins(w.net)


CASES = [
    lesson_1_validators, lesson_1_nobody_runs_what_a_client_says,
    lesson_3_addresses, lesson_5_no_handlers_of_our_own,
    lesson_5_signals_to_everybody, lesson_8_empty_role, lesson_12_revoked,
    lesson_13_summary, lesson_14_keeper_dies_during_hello, lesson_17_matrix,
    lesson_18_lengths_that_lie, lesson_19_nesting, lesson_20_sums_of_parts,
    lesson_22_no_resumption,
]

for f in CASES:
    if not sys.argv[1:] or f.__name__ in sys.argv[1:]:
        run_case(f)
done()
