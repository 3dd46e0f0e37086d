# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# SIGHUP: a good configuration is taken as a whole, a broken one changes
# nothing at all (lesson 7), whatever it is that fails.

import os
import re
import resource
import signal
import socket
import ssl
import time

from daemon import (IS_ROOT, SAN, Skip, Wampd, free_port, is_alive,
                    make_cert, run_cases, tmpdir, wait_until)
from wampclient import Client, Closed


def realm(name, rules='allow any'):
    return '''realm "%s" {
	authenticate anonymous role "all"
	role "all" { %s }
}
''' % (name, rules)


def joins(address, name='realm1', **kw):
    """True, or what refused."""
    try:
        Client(address, realm=name, timeout=5, **kw).close()
        return True
    except (OSError, Closed, AssertionError) as e:
        return str(e) or type(e).__name__


def can_join(address, name='realm1', **kw):
    return joins(address, name, **kw) is True


def listening(port):
    s = socket.socket()
    s.settimeout(5)
    try:
        s.connect(('127.0.0.1', port))
        return True
    except ConnectionRefusedError:
        return False
    finally:
        s.close()


def fingerprint(port):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    with socket.create_connection(('127.0.0.1', port), 10) as s:
        with ctx.wrap_socket(s) as t:
            return t.getpeercert(True)


# -- what is taken --------------------------------------------------------------

def realms_and_rules():
    """realms and rules: added, changed, removed; sessions stay"""
    a = ('127.0.0.1', free_port())
    head = 'prefork 1\nlisten on 127.0.0.1 port %d\n' % a[1]
    with Wampd(head + realm('realm1') + realm('realm2')) as w:
        kids = w.children()
        c = Client(a)
        sub = c.subscribe('com.example.a')
        gone = Client(a, realm='realm2')
        assert not can_join(a, 'realm3')
        assert w.reload(head + realm('realm3') +
                        realm('realm1', 'allow subscribe'))
        assert w.children() == kids
        assert can_join(a, 'realm3') and can_join(a, 'realm1')
        assert not can_join(a, 'realm2')
        m = gone.recv()
        assert m[0] == 6, m
        # the old session lives, under the new rules
        c.send(16, 2, {'acknowledge': True}, 'com.example.a', [1])
        m = c.recv()
        assert m[0] == 8 and m[4] == 'wamp.error.not_authorized', m
        assert w.reload(head + realm('realm1'))
        p = Client(a)
        p.publish('com.example.a', 5)
        m = c.recv()
        assert m[:2] == [36, sub], m
        c.close()
        p.close()
        gone.close()


def lines_of_authenticate():
    """Whom a line let in is out when the line is gone or says otherwise."""
    sock = os.path.join(tmpdir(), 's')

    def conf(*lines):
        return '''listen on socket "%s"
realm "realm1" {
	%s
	role "r1" { allow any }
	role "r2" { allow any }
	role "r3" { allow any }
}
''' % (sock, '\n\t'.join(lines))

    def local(role, authid):
        return 'authenticate socket {\n\t\tany authid "%s" role "%s"' \
            '\n\t}' % (authid, role)

    anonymous = 'authenticate anonymous role "r1"'
    with Wampd(conf(local('r2', 'joe'), anonymous)) as w:
        by_socket = Client(sock)
        stranger = Client(sock, details={'authmethods': ['anonymous']})
        assert by_socket.welcome['authrole'] == 'r2', by_socket.welcome
        assert stranger.welcome['authrole'] == 'r1', stranger.welcome

        def is_ended(c):
            m = c.recv(10)
            return m[0] == 6 and m[2] == 'wamp.close.killed'

        # order and other lines do not matter to who is in
        w.reload(conf(anonymous, local('r2', 'joe')))
        by_socket.subscribe('a.b')
        stranger.subscribe('a.b')
        # another role
        w.reload(conf(anonymous, local('r3', 'joe')))
        assert is_ended(by_socket)
        by_socket = Client(sock)
        assert by_socket.welcome['authrole'] == 'r3', by_socket.welcome
        stranger.subscribe('a.c')
        # another authid
        w.reload(conf(anonymous, local('r3', 'jim')))
        assert is_ended(by_socket)
        by_socket = Client(sock)
        # gone
        w.reload(conf(local('r3', 'jim')))
        assert is_ended(stranger)
        by_socket.subscribe('a.b')


def listeners():
    """listeners: added, removed, kept with their clients"""
    p1, p2, p3 = free_port(), free_port(), free_port()
    d = tmpdir()

    def conf(*ports, sock=None):
        return 'prefork 2\n' + ''.join(
            'listen on 127.0.0.1 port %d\n' % p for p in ports) + (
                'listen on socket "%s"\n' % sock if sock else '') + \
            realm('realm1')
    with Wampd(conf(p1, p2, sock=d + '/a')) as w:
        kids = w.children()
        kept = Client(('127.0.0.1', p1))
        sub = kept.subscribe('com.example.a')
        assert w.reload(conf(p1, p3, sock=d + '/b'))
        assert w.children() == kids
        assert listening(p1) and listening(p3)
        wait_until(lambda: not listening(p2), 5, 'the port to be closed')
        assert not os.path.exists(d + '/a')
        assert can_join(d + '/b') and can_join(('127.0.0.1', p3))
        # the port is really free again
        with Wampd(conf(p2)):
            pass
        p = Client(('127.0.0.1', p3))
        p.publish('com.example.a', 1)
        assert kept.recv()[:2] == [36, sub]
        p.close()
        kept.close()
        # no connection is lost while nothing changes for its listener
        for i in range(20):
            w.reload(wait=False)
            assert can_join(('127.0.0.1', p1)), i
        assert w.reload(conf(p1, p3, sock=d + '/b'))


def first_of_their_kind():
    """the first Unix or network listener starts its tlsproxies"""
    port = free_port()
    path = tmpdir() + '/s'
    net = 'listen on 127.0.0.1 port %d\n' % port
    local = 'listen on socket "%s"\n' % path
    for one, other, address, n in ((net, local, path, 1),
                                   (local, net, ('127.0.0.1', port), 2)):
        with Wampd('prefork 2\n' + one + realm('realm1')) as w:
            before = w.children()
            assert w.reload('prefork 2\n' + one + other + realm('realm1'))
            wait_until(lambda: can_join(address), 10, 'a join')
            after = w.children()
            assert len(after) == len(before) + n, after
            assert all(after[k] == v for k, v in before.items())


def same_port_other_address():
    """from one address to all of them, on the same port"""
    port = free_port()
    head = 'prefork 2\n'
    with Wampd(head + 'listen on 127.0.0.1 port %d\n' % port +
               realm('realm1')) as w:
        assert w.reload(head + 'listen on 127.0.0.2 port %d\n' % port +
                        realm('realm1'))
        assert can_join(('127.0.0.2', port))
        assert not can_join(('127.0.0.1', port))


def keypairs():
    """a renewed certificate is served after the reload, not before"""
    d = tmpdir()
    port = free_port()
    crt, key = make_cert(d)
    os.mkdir(d + '/new')
    crt2, key2 = make_cert(d + '/new')
    conf = '''prefork 2
keypair "k" { certificate "%s" key "%s" }
listen on 127.0.0.1 port %d tls { keypair "k" }
%s''' % (crt, key, port, realm('realm1'))
    with Wampd(conf) as w:
        old = fingerprint(port)
        os.rename(crt2, crt)
        assert fingerprint(port) == old
        # the new certificate with the old key: refused
        assert not w.reload()
        assert fingerprint(port) == old
        os.rename(key2, key)
        # a restarted child gets what is in force, not what is on the disk
        for name in ('tlsproxy 0', 'tlsproxy 1', 'keeper'):
            pid = w.child(name)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: w.children().get(name, pid) != pid, 30, name)

        def same():
            try:
                return fingerprint(port) == old
            except OSError:
                return False
        wait_until(same, 20, 'the old certificate')
        assert w.reload()
        new = fingerprint(port)
        assert new != old


def needs_restart():
    """what needs a restart is named, and keeps its value"""
    port = free_port()
    tail = 'listen on 127.0.0.1 port %d\n' % port + realm('realm1')
    with Wampd('prefork 1\nbrokers 1\n' + tail) as w:
        kids = w.children()
        assert w.reload('prefork 3\nbrokers 2\nsandbox relaxed\n' + tail)
        for text in ('prefork 3 needs a restart: 1 stays',
                     'brokers 2 needs a restart: 1 stays',
                     'sandbox relaxed needs a restart: strict stays'):
            assert text in w.log(), w.log()
        assert w.children() == kids
        assert can_join(('127.0.0.1', port))


def restarted_child():
    """a child that dies after a reload gets the new configuration"""
    port = free_port()
    head = 'prefork 1\nlisten on 127.0.0.1 port %d\n' % port
    with Wampd(head + realm('realm1')) as w:
        assert w.reload(head + realm('realm2'))
        for name in ('broker 0', 'keeper', 'tlsproxy 0'):
            pid = w.child(name)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: w.children().get(name, pid) != pid, 30, name)
            wait_until(lambda: can_join(('127.0.0.1', port), 'realm2'), 20,
                       'a join')
            assert not can_join(('127.0.0.1', port), 'realm1')


# -- what is not -----------------------------------------------------------------

class Same:
    """A daemon of which nothing may change."""

    def __init__(self):
        self.d = tmpdir()
        self.port = free_port()
        self.tls = free_port()
        self.path = self.d + '/s'
        self.crt, self.key = make_cert(self.d)
        self.conf = '''prefork 2
brokers 2
keypair "k" { certificate "%s" key "%s" }
listen on 127.0.0.1 port %d
listen on 127.0.0.1 port %d tls { keypair "k" }
listen on socket "%s" mode 0666
%s''' % (self.crt, self.key, self.port, self.tls, self.path,
            realm('realm1', 'allow subscribe, publish'))
        self.w = Wampd(self.conf)

    def __enter__(self):
        self.w.__enter__()
        self.kids = self.w.children()
        self.cert = fingerprint(self.tls)
        self.ino = os.stat(self.path).st_ino
        self.client = Client(('127.0.0.1', self.port))
        self.sub = self.client.subscribe('com.example.t')
        self.fds = len(os.listdir('/proc/%d/fd' % self.w.pid))
        return self

    def __exit__(self, *exc):
        self.client.close()
        return self.w.__exit__(*exc)

    def check(self, what):
        assert self.w.children() == self.kids, what
        assert fingerprint(self.tls) == self.cert, what
        assert os.stat(self.path).st_ino == self.ino, what
        for a in (('127.0.0.1', self.port), self.path):
            assert can_join(a, 'realm1'), what
            assert not can_join(a, 'realm2'), what
        c = Client(self.path)
        c.send(16, 1, {'acknowledge': True}, 'com.example.t', [what])
        assert c.recv()[0] == 17, what
        c.send(48, 2, {}, 'com.example.p')
        m = c.recv()
        assert m[0] == 8 and m[4] == 'wamp.error.not_authorized', (what, m)
        c.close()
        m = self.client.recv()
        assert m[0] == 36 and m[1] == self.sub and m[4] == [what], (what, m)
        fds = len(os.listdir('/proc/%d/fd' % self.w.pid))
        assert fds == self.fds, (what, fds, self.fds)

    def refused(self, what, why, conf=None):
        n = len(self.w.log())
        assert self.w.reload(conf) is False, what
        said = self.w.log()[n:].split('configuration not reloaded')[0]
        assert re.search(why, said), (what, said)
        self.check(what)


def broken():
    """lesson 7: errors, missing files, bad keys and directories"""
    with Same() as s:
        other = s.conf.replace('realm1', 'realm2')
        conf = re.escape(s.w.conf_path)
        s.refused('syntax', conf + r':\d+: syntax error near "nonsense"',
                  other + 'nonsense\n')
        s.refused('empty', conf + ': nothing to listen on', '')
        s.refused('NUL', conf + r':\d+: ', other + '\0')
        # a port of somebody else's, after others that could be opened
        theirs = socket.socket()
        theirs.bind(('127.0.0.1', 0))
        theirs.listen(1)
        port = theirs.getsockname()[1]
        free = free_port()
        s.refused('port', r'listen on 127.0.0.1 port %d: address in use' %
                  port, 'listen on 127.0.0.1 port %d\nlisten on socket '
                  '"%s/new"\nlisten on 127.0.0.1 port %d\n%s' % (
                      free, s.d, port, other))
        assert not listening(free)
        assert not os.path.exists(s.d + '/new')
        theirs.close()
        theirs = socket.socket(socket.AF_UNIX)
        theirs.bind(s.d + '/theirs')
        theirs.listen(1)
        s.refused('socket', r'listen on socket "%s/theirs": .*in use' % s.d,
                  'listen on socket "%s/theirs"\n%s' % (s.d, other))
        theirs.close()
        os.mkdir(s.d + '/open')
        os.chmod(s.d + '/open', 0o777)
        s.refused('directory', 'listen on socket .*/open.* by others',
                  'listen on socket "%s/open/s"\n%s' % (s.d, other))
        s.refused('key missing', 'keypair "k": key %s/none: No such' % s.d,
                  other.replace(s.key, s.d + '/none'))
        os.chmod(s.key, 0o604)
        s.refused('key mode', 'keypair "k": key %s is readable by others' %
                  s.key, other)
        os.chmod(s.key, 0o600)
        with open(s.d + '/junk', 'w') as f:
            f.write('junk\n')
        os.chmod(s.d + '/junk', 0o600)
        # what children find
        s.refused('key junk', 'keypair "k": the key is not a private key',
                  other.replace(s.key, s.d + '/junk'))
        s.refused('certificate junk', 'keypair "k": the certificate is not',
                  other.replace(s.crt, s.d + '/junk'))
        _, foreign = make_cert(s.d, 'foreign')
        s.refused('key of another', 'keypair "k": key and certificate do '
                  'not fit', other.replace(s.key, foreign))
        s.refused('CA junk', 'listen on 127.0.0.1 port %d: client ca .*%s/'
                  'junk' % (s.tls, s.d), other.replace(
                      'tls { keypair "k" }', 'tls { keypair "k" client ca '
                      '"%s/junk" optional }' % s.d))
        s.refused('users', r'junk:1: ', other.replace(
            'authenticate anonymous', 'authenticate wampcra from "%s/junk"\n'
            '\tauthenticate anonymous' % s.d))
        # the file itself
        os.rename(s.w.conf_path, s.w.conf_path + '.old')
        s.refused('no file', conf + ': No such file')
        os.mkdir(s.w.conf_path)
        s.refused('directory as file', conf + ': ')
        os.rmdir(s.w.conf_path)
        os.mkfifo(s.w.conf_path)
        s.refused('FIFO as file', conf + ': is not a regular file')
        os.unlink(s.w.conf_path)
        s.w.write_conf(other)
        os.chmod(s.w.conf_path, 0)
        if IS_ROOT:
            os.chown(s.w.conf_path, 1, 1)
        s.refused('EACCES', conf + ': Permission denied')
        os.unlink(s.w.conf_path)
        # and then a good one
        assert s.w.reload(s.conf.replace('realm1', 'realm3'))
        assert can_join(s.path, 'realm3') and not can_join(s.path, 'realm1')


def no_descriptors():
    """lesson 7: without free descriptors nothing changes"""
    with Same() as s:
        other = s.conf.replace('realm1', 'realm2') + ''.join(
            'listen on 127.0.0.1 port %d\n' % free_port() for _ in range(4))
        soft, hard = resource.prlimit(s.w.pid, resource.RLIMIT_NOFILE)
        highest = max(int(f) for f in os.listdir(
            '/proc/%d/fd' % s.w.pid)) + 1
        used = s.fds
        # each number of free ones below what the reload needs
        for limit in list(range(max(used - 2, 8), used + 24, 3)):
            resource.prlimit(s.w.pid, resource.RLIMIT_NOFILE, (limit, hard))
            taken = s.w.reload(other)
            if taken:
                break
            resource.prlimit(s.w.pid, resource.RLIMIT_NOFILE, (soft, hard))
            s.check('with %d descriptors of %d' % (limit, highest))
        resource.prlimit(s.w.pid, resource.RLIMIT_NOFILE, (soft, hard))
        if not taken:
            assert s.w.reload(other)
        assert can_join(s.path, 'realm2')


def child_dies_meanwhile():
    """a child that hangs or dies while it is asked: the old one stays"""
    with Same() as s:
        other = s.conf.replace('realm1', 'realm2')
        pid = s.kids['broker 1']
        os.kill(pid, signal.SIGSTOP)
        # killed after 5 s for its silence, before the 10 s of the reload
        assert s.w.reload(other) is False
        s.w.wait_log('broker 1 .*did not answer')
        wait_until(lambda: s.w.children().get('broker 1', pid) != pid, 30,
                   'a new broker')
        s.kids = s.w.children()
        wait_until(lambda: can_join(s.path), 20, 'a join')
        s.check('after a death')
        assert s.w.reload(other)
        assert can_join(s.path, 'realm2')


def many_signals():
    """signals in any number and order (lesson 5)"""
    port = free_port()
    with Wampd('prefork 1\nlisten on 127.0.0.1 port %d\n' % port +
               realm('realm1')) as w:
        kids = w.children()
        c = Client(('127.0.0.1', port))
        end = time.monotonic() + 3
        n = 0
        while time.monotonic() < end:
            w.proc.send_signal(signal.SIGHUP)
            w.proc.send_signal(signal.SIGCHLD)
            w.proc.send_signal(signal.SIGPIPE)
            n += 1
        assert n > 100
        sub = c.subscribe('com.example.a')
        assert isinstance(sub, int)
        assert w.reload()
        assert w.children() == kids
        c.close()


def clients_limits():
    """limits of connections follow a reload"""
    port = free_port()
    a = ('127.0.0.1', port)

    def conf(n):
        return 'prefork 2\nlimits { connections per address %d }\n' \
            'listen on 127.0.0.1 port %d\n%s' % (n, port, realm('realm1'))
    with Wampd(conf(3)) as w:
        cs = []

        def full(n):
            """n get in, whichever tlsproxy they meet, and no more."""
            while len(cs) < n:
                cs.append(wait_until(lambda: try_join(a), 10, 'a join'))
            wait_until(lambda: not can_join(a), 10, 'the limit')
        full(3)
        assert w.reload(conf(6))
        full(6)
        for c in cs:
            c.close()
        wait_until(lambda: can_join(a), 10, 'a join')


def try_join(address):
    try:
        return Client(address, timeout=5)
    except (OSError, Closed, AssertionError):
        return None


run_cases([
    realms_and_rules, lines_of_authenticate, listeners, first_of_their_kind,
    same_port_other_address, keypairs, needs_restart, restarted_child,
    broken, no_descriptors, child_dies_meanwhile, many_signals,
    clients_limits,
])
