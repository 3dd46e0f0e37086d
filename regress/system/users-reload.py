# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Users files while wampd runs: who loses his proof loses his sessions, others
# notice nothing; a file with anything wrong in it changes nothing.

import os
import re
import signal
import ssl
import threading

from daemon import *
from authmethods import *
from wampclient import *

DENIED = 'wamp.error.authentication_denied'
KILLED = 'wamp.close.killed'
KEY, KEY2 = signing_key(1), signing_key(2)
CONF = """
listen on socket $sock mode 0666
limits {
	connections per address 4000
	failures 10000 per 1m
	failures delay 50ms
}
realm "realm1" {
	authenticate ticket, wampcra, scram, cryptosign from $users
	authenticate anonymous role "user"
	role "user" { allow any }
	role "admin" { allow any }
}
"""


class Site:
    """A wampd with a users file; lines is what the file says."""

    def __init__(self, lines, conf=CONF, **macros):
        self.dir = tmpdir()
        self.sock = os.path.join(self.dir, 's')
        self.users = os.path.join(self.dir, 'users')
        self.conf = conf
        self.write(lines)
        macros.update(sock=self.sock, users=self.users)
        self.w = Wampd(conf, macros=macros)

    def write(self, lines, path=None):
        """As a careful editor does: another file takes the name."""
        path = path or self.users
        with open(path + '.new', 'w') as f:
            os.fchmod(f.fileno(), 0o600)
            f.write('# users\n' + ''.join(x + '\n' for x in lines))
        os.rename(path + '.new', path)

    def reload(self, lines=None, conf=None):
        if lines is not None:
            self.write(lines)
        return self.w.reload(conf)

    def client(self):
        return Client(self.sock, join=False)

    def join(self, login, realm='realm1', role='user'):
        c = self.client()
        m = login.join(c, realm)
        assert m[0] == WELCOME, m
        assert c.welcome['authrole'] == role, c.welcome
        return c

    def denied(self, login, realm='realm1'):
        c = self.client()
        m = login.join(c, realm)
        assert m[0] == ABORT and m[2] == DENIED, m
        c.close()

    def __enter__(self):
        self.w.__enter__()
        return self

    def __exit__(self, *exc):
        return self.w.__exit__(*exc)


def is_killed(*clients):
    for c in clients:
        c.expect(GOODBYE, None, KILLED)
        c.send(GOODBYE, {}, 'wamp.close.goodbye_and_out')
        c.close()


def is_alive_session(*clients):
    """What a session published last is the next thing that it hears."""
    for c in clients:
        assert isinstance(c.subscribe('com.example.alive'), int)


# -- who loses his sessions ----------------------------------------------------

def removed_line():
    """a line removed: its sessions end, 1,000 others miss nothing"""
    alice = cra_line('alice', 'wonder')
    bob = cra_line('bob', 'builder')
    with Site([alice, bob]) as s:
        gone = [s.join(Cra('alice', 'wonder')) for _ in range(10)]
        others = [s.join(Cra('bob', 'builder')) for _ in range(2)]
        others += [Client(s.sock) for _ in range(998)]
        pairs = [(others[i], others[i + 500]) for i in range(500)]
        for i, (sub, _) in enumerate(pairs):
            sub.subscribe('com.example.t%d' % i)
        stop, sent, wrong = threading.Event(), [0], []

        def exchange():
            """All publish, all hear it, again and again."""
            while not stop.is_set() and not wrong:
                n = sent[0]
                for i, (_, pub) in enumerate(pairs):
                    pub.send(PUBLISH, n + 1, {}, 'com.example.t%d' % i, [n])
                for sub, _ in pairs:
                    m = sub.recv()
                    if m[0] != EVENT or m[4] != [n]:
                        wrong.append(m)
                sent[0] += 1
        t = threading.Thread(target=exchange)
        t.start()
        try:
            wait_until(lambda: sent[0] > 1, 30, 'publications')
            assert s.reload([bob])
            is_killed(*gone)
            after = sent[0]
            wait_until(lambda: sent[0] > after + 1, 30, 'publications')
        finally:
            stop.set()
            t.join()
        assert not wrong, wrong
        s.denied(Cra('alice', 'wonder'))
        s.join(Cra('bob', 'builder')).close()
        for c in others:
            c.close()


def another_role():
    """another role: sessions end, a new log-in has it"""
    with Site([cra_line('alice', 'a'), cra_line('bob', 'b')]) as s:
        a, b = s.join(Cra('alice', 'a')), s.join(Cra('bob', 'b'))
        assert s.reload([cra_line('alice', 'a', role='admin'),
                         cra_line('bob', 'b')])
        is_killed(a)
        is_alive_session(b)
        s.join(Cra('alice', 'a'), role='admin').close()


def another_secret():
    """another secret: sessions stay, only the new one is right"""
    cases = [(Ticket, ticket_line), (Cra, cra_line), (WampScram, scram_line)]
    with Site([f(c.method, 'old') for c, f in cases]) as s:
        cs = [s.join(c(c.method, 'old')) for c, _ in cases]
        assert s.reload([f(c.method, 'new') for c, f in cases])
        for c, _ in cases:
            s.denied(c(c.method, 'old'))
            s.join(c(c.method, 'new')).close()
        is_alive_session(*cs)


def one_key_of_two():
    """one of two keys: only the sessions of that key end"""
    with Site([cryptosign_line('frank', KEY, KEY2)]) as s:
        a = s.join(Cryptosign('frank', KEY))
        b = s.join(Cryptosign('frank', KEY2))
        assert s.reload([cryptosign_line('frank', KEY2)])
        is_killed(a)
        is_alive_session(b)
        s.denied(Cryptosign('frank', KEY))
        assert s.reload([cryptosign_line('frank', KEY2, KEY)])
        s.join(Cryptosign('frank', KEY)).close()
        is_alive_session(b)


def method_dropped():
    """a method that the realm does not take any more"""
    lines = [cra_line('alice', 'a'), ticket_line('alice', 't')]
    with Site(lines) as s:
        a, b = s.join(Cra('alice', 'a')), s.join(Ticket('alice', 't'))
        assert s.reload(conf=CONF.replace('wampcra, ', ''))
        is_killed(a)
        is_alive_session(b)


def moved_to_another_file():
    """a line moved to another file of the realm: nothing happens"""
    conf = CONF.replace('\tauthenticate anon', '\tauthenticate wampcra from '
                        '$other\n\tauthenticate anon')
    other = os.path.join(tmpdir(), 'other')
    alice, bob = cra_line('alice', 'a'), cra_line('bob', 'b')
    s = Site([alice, bob], conf, other=other)
    s.write([cra_line('carol', 'c')], other)
    with s:
        a, b = s.join(Cra('alice', 'a')), s.join(Cra('bob', 'b'))
        s.write([alice], other)
        assert s.reload([bob])
        is_alive_session(a, b)
        s.join(Cra('alice', 'a')).close()
        s.write([cra_line('carol', 'c')], other)
        assert s.reload()
        is_killed(a)
        is_alive_session(b)


def another_realm_keeps_it():
    """the same file in another realm: each by what it takes of it"""
    conf = CONF + CONF[CONF.index('realm "realm1"'):].replace('realm1',
                                                              'realm2')
    with Site([cra_line('alice', 'a')], conf) as s:
        a = s.join(Cra('alice', 'a'))
        b = s.join(Cra('alice', 'a'), 'realm2')
        assert s.reload(conf=conf.replace('wampcra, ', '', 1))
        is_killed(a)
        is_alive_session(b)


def realm_removed():
    """a realm that is gone ends its sessions as before"""
    conf = CONF + CONF[CONF.index('realm "realm1"'):].replace('realm1',
                                                              'realm2')
    with Site([cra_line('alice', 'a')], conf) as s:
        a = s.join(Cra('alice', 'a'))
        b = s.join(Cra('alice', 'a'), 'realm2')
        assert s.reload(conf=CONF)
        b.expect(GOODBYE, None, 'wamp.close.close_realm')
        is_alive_session(a)


def during_a_dialogue():
    """removed or another secret between CHALLENGE and AUTHENTICATE"""
    for cls, line in ((Ticket, ticket_line), (Cra, cra_line),
                      (WampScram, scram_line)):
        with Site([line('alice', 'a'), line('bob', 'b')]) as s:
            a, b, d = s.client(), s.client(), s.client()
            alice, bob, dora = cls('alice', 'a'), cls('bob', 'b'), \
                cls('bob', 'b')
            ma, mb = alice.hello(a), bob.hello(b)
            assert s.reload([line('bob', 'b')])
            a.send(AUTHENTICATE, *alice.answer(ma[2]))
            m = a.recv()
            assert m[0] == ABORT and m[2] == DENIED, m
            s.w.wait_log('authid=alice method=%s .*reason="a reload' %
                         cls.method)
            # what was not touched goes on
            b.send(AUTHENTICATE, *bob.answer(mb[2]))
            m = b.recv()
            assert m[0] == WELCOME, m
            m = dora.hello(d)
            assert s.reload([line('bob', 'new')])
            d.send(AUTHENTICATE, *dora.answer(m[2]))
            m = d.recv()
            assert m[0] == ABORT and m[2] == DENIED, m


# -- what is wrong with a file -------------------------------------------------

WRONG = [
    cra_line('alice', 'a'),
    'no colon',
    'alice:wampcra:user:key=QUFB',
    'bob:telepathy:user:x',
    'bob:wampcra:nobody:key=QUFB',
]
TOLD = [r'users:%d: ' % n for n in (3, 4, 5, 6)]


def wrong_lines():
    """wrong lines: all are named, with file and line, and nothing changes"""
    with Site([cra_line('alice', 'a')]) as s:
        inode = os.stat(s.sock).st_ino
        a = s.join(Cra('alice', 'a'))
        assert not s.reload(WRONG)
        for line in TOLD:
            s.w.wait_log(line)
        assert 'QUFB' not in s.w.log()
        s.w.wait_log('old one stays in force')
        is_alive_session(a)
        s.join(Cra('alice', 'a')).close()
        assert os.stat(s.sock).st_ino == inode
        # and mended
        assert s.reload([cra_line('bob', 'b')])
        is_killed(a)
        s.join(Cra('bob', 'b')).close()


def does_not_start(s):
    """Its messages at the start, the same from -n."""
    s.w.wait = False
    s.w.start()
    assert s.w.proc.wait(60) == 1, s.w.log()
    log = s.w.log()
    s.w.proc = None
    args = ['-n', '-f', s.w.conf_path]
    for k, v in s.w.macros.items():
        args += ['-D', '%s=%s' % (k, v)]
    status, out, err = run_wampd(args)
    assert status == 1, (status, out, err)
    return log, err


def wrong_lines_at_start():
    """wrong lines: wampd does not start, wampd -n names them"""
    s = Site(WRONG)
    for text in does_not_start(s):
        for line in TOLD:
            assert re.search(line, text), (line, text)


def spoil(path, how):
    if how == 'readable by others':
        os.chmod(path, 0o644)
    elif how == 'writable by others':
        os.chmod(path, 0o602)
    elif how == 'writable by its group':
        os.chmod(path, 0o620)
    else:
        os.unlink(path)
        if os.path.lexists(path + '.target'):
            os.unlink(path + '.target')
        if how == 'is not a regular file':
            os.mkfifo(path, 0o600)
        elif how == 'symbolic link':
            target = path + '.target'
            with open(target, 'w') as f:
                f.write(cra_line('mallory', 'm') + '\n')
            os.chmod(target, 0o600)
            os.symlink(target, path)
            os.lchown(path, 1, 1)
        elif how == 'is empty':
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        elif how == 'does not belong to root':
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
            os.chown(path, 1, 1)


HOWS = ['readable by others', 'writable by others', 'writable by its group',
        'is not a regular file', 'is empty', 'No such file']
if IS_ROOT:
    HOWS += ['symbolic link', 'does not belong to root']


def files_refused():
    """a file that others could have read, written or put there"""
    lines = [cra_line('alice', 'a')]
    with Site(lines) as s:
        a = s.join(Cra('alice', 'a'))
        for how in HOWS:
            n = len(s.w.log())
            spoil(s.users, how)
            assert not s.reload(), how
            assert re.search(r'users: file %s:? .*%s' % (
                re.escape(s.users), how), s.w.log()[n:]), (how, s.w.log()[n:])
            s.write(lines)
        is_alive_session(a)
        assert s.reload()
        is_alive_session(a)
    for how in HOWS:
        s = Site(lines)
        spoil(s.users, how)
        for text in does_not_start(s):
            assert how in text and s.users in text, (how, text)


def secrets_refused():
    """the server's secret: too short, or readable by others"""
    path = os.path.join(tmpdir(), 'secret')
    conf = 'secret $secret\n' + CONF
    lines = [cra_line('alice', 'a')]

    def write(octets, mode):
        with open(path, 'wb') as f:
            f.write(octets)
        os.chmod(path, mode)
    good = os.urandom(32)
    bad = [(b'short', 0o600, 'fewer than'), (good, 0o644,
                                             'readable by others')]
    write(good, 0o600)
    with Site(lines, conf, secret=path) as s:
        a = s.join(Cra('alice', 'a'))
        for octets, mode, what in bad:
            write(octets, mode)
            assert not s.reload(), what
            s.w.wait_log('secret.*' + what)
        write(good, 0o600)
        assert s.reload()
        write(good[::-1], 0o600)
        assert s.reload([cra_line('alice', 'b')])
        s.w.wait_log('secret: another one needs a restart')
        s.join(Cra('alice', 'b')).close()
        is_alive_session(a)
    for octets, mode, what in bad:
        write(octets, mode)
        for text in does_not_start(Site(lines, conf, secret=path)):
            assert what in text, (what, text)


# -- big files -----------------------------------------------------------------

def many(n, *more):
    line = cra_line('user%d', 'secret')
    return list(more) + [line % i for i in range(n)]


def reading(w):
    """The keeper has the file open: it reads it."""
    d = '/proc/%d/fd' % w.child('keeper')
    for fd in os.listdir(d):
        try:
            if os.readlink(os.path.join(d, fd)).endswith('/users'):
                return True
        except OSError:
            pass
    return False


def read_meanwhile():
    """a big file is read: log-ins and TLS go on, the last SIGHUP wins"""
    if not IS_ROOT:
        raise Skip('looks into the keeper')
    crt, key = make_cert(tmpdir())
    port = free_port()
    conf = ('keypair "k" {\n\tcertificate "%s"\n\tkey "%s"\n}\n'
            'listen on 127.0.0.1 port %d tls { keypair "k" }\n' %
            (crt, key, port)) + CONF
    tls = ssl.create_default_context(cafile=crt)
    big = many(20000 if SAN else 100000, cra_line('alice', 'a'))
    with Site([cra_line('alice', 'a'), cra_line('bob', 'b')], conf) as s:
        b = s.join(Cra('bob', 'b'))
        s.write(big)
        s.w.reload(wait=False)
        wait_until(lambda: reading(s.w), 10, 'the keeper to read')
        n = 0
        while reading(s.w):
            Client(('127.0.0.1', port), tls=tls,
                   server_hostname='localhost').close()
            s.join(Cra('alice', 'a')).close()
            n += 1
            if n == 2:
                # another one, while this is read
                s.write([cra_line('alice', 'last')])
                s.w.reload(wait=False)
        assert n >= 2, n
        is_killed(b)
        s.w.wait_log('configuration reloaded', 60, 2)
        s.denied(Cra('alice', 'a'))
        s.denied(Cra('user7', 'secret'))
        s.join(Cra('alice', 'last')).close()
        # given up while it is read: a broker dies, and its successor, too
        s.write(big)
        s.w.reload(wait=False)
        for i in range(2):
            wait_until(lambda: reading(s.w), 30, 'the keeper to read')
            os.kill(s.w.child('broker 0'), signal.SIGKILL)
            s.w.wait_log('broker 0 died while it was asked', 60, i + 1)
        s.w.wait_log('configuration not reloaded', 60)
        wait_until(lambda: not reading(s.w), 30, 'the end of it')
        s.w.wait_log('broker 0 .*start', 30)
        s.write([cra_line('alice', 'again')])
        wait_until(lambda: s.reload(), 60, 'a reload')
        wait_until(lambda: joins(s, Cra('alice', 'again')), 30, 'a log-in')


def joins(s, login):
    try:
        s.join(login).close()
    except (AssertionError, Closed, OSError):
        return False
    return True


def rss(pid):
    with open('/proc/%d/status' % pid) as f:
        return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))


def memory():
    """a dozen reloads of a big file cost no memory"""
    lines = many(5000 if SAN else 30000)
    with Site(lines) as s:
        pid = s.w.child('keeper')
        most = []
        for i in range(12):
            lines[0] = cra_line('first', 'secret%d' % i)
            assert s.reload(lines)
            most.append(rss(pid))
        print('# keeper: %d KiB after the 3rd reload, %d after the 12th' %
              (most[2], most[11]))
        if not SAN:
            assert most[11] < most[2] * 1.25, most


run_cases([
    removed_line, another_role, another_secret, one_key_of_two,
    method_dropped, moved_to_another_file, another_realm_keeps_it,
    realm_removed, during_a_dialogue, wrong_lines, wrong_lines_at_start,
    files_refused, secrets_refused, read_meanwhile, memory,
])
