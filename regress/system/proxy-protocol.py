# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# "proxy protocol from": behind a balancer of the test's own, and behind
# haproxy, the client is who the balancer says, for the log and the limits;
# nobody else is believed, and no header that is not quite one.

import os
import random
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading

from daemon import *
from authmethods import *
from wampclient import *

SIG = b'\r\n\r\n\0\r\nQUIT\n'
CONF = '''prefork 1
log debug
grace 0s
limits {
	handshake 2s
	%s
}
%s
listen on 127.0.0.1 port $port proxy protocol from %s %s {
	%s
}
realm "realm1" {
	%s
	role "all" { allow any allow meta read }
}
'''
ANONYMOUS = 'authenticate anonymous role "all"'


def conf(limits='', source='127.0.0.2', tls=None, auth=ANONYMOUS):
    return CONF % (limits, 'keypair "localhost" { certificate "%s" key "%s" }'
                   % tls if tls else '', source, 'tls' if tls else '',
                   'keypair "localhost"' if tls else '', auth)


def v1(address, port=4711):
    return ('PROXY TCP%d %s %s %d 443\r\n' % (
        6 if ':' in address else 4, address,
        '::1' if ':' in address else '127.0.0.1', port)).encode()


def v2(address, port=4711, more=b'', command=1):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    a = socket.inet_pton(family, address)
    body = a + a + struct.pack('>HH', port, 443) + more
    return SIG + bytes([0x20 | command, 0x21 if ':' in address else 0x11]) + \
        struct.pack('>H', len(body)) + body


def shown(address, port=4711):
    return ('[%s]:%d' if ':' in address else '%s:%d') % (address, port)


class Balancer:
    """Connects from 127.0.0.2 with a header, which goes out with the
    client's first octets in one piece, or an octet at a time."""

    def __init__(self, port, header, octets=False):
        self.port, self.header, self.octets = port, header, octets
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,),
                             daemon=True).start()

    def serve(self, s):
        r = connect(self.port)
        first = s.recv(65536)
        if self.octets:
            for i in range(len(self.header)):
                r.sendall(self.header[i:i + 1])
        else:
            first = self.header + first
        r.sendall(first)
        threading.Thread(target=self.copy, args=(r, s), daemon=True).start()
        self.copy(s, r)

    @staticmethod
    def copy(a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.close()


def connect(port, source='127.0.0.2'):
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(20)
    s.bind((source, 0))
    s.connect(('127.0.0.1', port))
    return s


RAWSOCKET = b'\x7f\xf2\0\0'


def is_closed(s):
    """Not one octet came, and the end."""
    try:
        data = s.recv(1)
    except ConnectionResetError:
        data = b''
    s.close()
    assert data == b'', data
    return True


def raw(port, header, source='127.0.0.2'):
    s = connect(port, source)
    try:
        s.sendall(header + RAWSOCKET)
    except OSError:
        pass
    return s


def asks(c):
    """It has a session that works."""
    c.call('wamp.session.count')
    assert c.recv()[0] == RESULT


def is_let_in(s):
    return s.recv(4)[:1] == b'\x7f'


# -- who is announced ---------------------------------------------------------

def everywhere(tls):
    port = free_port()
    pair = make_cert(tmpdir()) if tls else None
    ctx = ssl.create_default_context(cafile=pair[0]) if tls else None
    headers = [(v1('192.0.2.7'), '192.0.2.7'),
               (v1('2001:db8::7'), '2001:db8::7'),
               (v2('192.0.2.8'), '192.0.2.8'),
               (v2('2001:db8::8', more=b'\xea\0\x03abc' * 100),
                '2001:db8::8'),
               (v2('::ffff:192.0.2.9'), '192.0.2.9')]
    with Wampd(conf(tls=pair), macros={'port': str(port)}) as w:
        for header, address in headers:
            for octets in (False, True):
                for transport in ('rawsocket', 'websocket'):
                    with Balancer(port, header, octets) as b:
                        c = Client(b.address, transport=transport, tls=ctx)
                        asks(c)
                        w.wait_log(r'session %d joined .* address=%s '
                                   'transport=%s' % (c.id, re.escape(shown(
                                       address)), transport))
                        c.goodbye()
                        w.wait_log(r'session %d left .* address=%s ' % (
                            c.id, re.escape(shown(address))))


def plain():
    """the announced address is the client's: RawSocket, WebSocket"""
    everywhere(False)


def tls():
    """the announced address is the client's: the same over TLS"""
    everywhere(True)


def itself():
    """a balancer that speaks for itself, or for nobody it can name"""
    port = free_port()
    with Wampd(conf(), macros={'port': str(port)}) as w:
        for header in (b'PROXY UNKNOWN\r\n', v2('192.0.2.1', command=0),
                       b'PROXY UNKNOWN whatever 1 2\r\n',
                       SIG + b'\x20\0\0\0', SIG + b'\x21\0\0\2xy',
                       SIG + b'\x21\x31\0\xd8' + b'/' * 216):
            with Balancer(port, header) as b:
                c = Client(b.address)
                w.wait_log(r'session %d joined .* address=127\.0\.0\.2:\d+ '
                           % c.id)
                c.goodbye()


# -- limits -------------------------------------------------------------------

def per_address():
    """connections per address are the clients', not the balancer's"""
    port = free_port()
    with Wampd(conf('connections per address 3'),
               macros={'port': str(port)}) as w:
        one = [raw(port, v1('192.0.2.1', 1000 + i)) for i in range(3)]
        assert all(is_let_in(s) for s in one)
        assert is_closed(raw(port, v1('192.0.2.1', 2000)))
        w.wait_log(r'refused address=192\.0\.2\.1:2000 '
                   'reason="connections per address"')
        # the balancer has far more than three
        many = [raw(port, v2('192.0.2.%d' % (2 + i // 3), 1)) for i in
                range(60)]
        assert all(is_let_in(s) for s in many)
        # an IPv6 client is its /64
        six = [raw(port, v1('2001:db8:0:1::%x' % i)) for i in range(1, 4)]
        assert all(is_let_in(s) for s in six)
        assert is_closed(raw(port, v1('2001:db8:0:1:ffff::')))
        # its own connections count as those of an address
        local = [raw(port, b'PROXY UNKNOWN\r\n') for i in range(3)]
        assert all(is_let_in(s) for s in local)
        assert is_closed(raw(port, b'PROXY UNKNOWN\r\n'))
        # and one that has said nothing yet is nobody's
        silent = [connect(port) for i in range(10)]
        one.pop().close()

        def again():
            s = raw(port, v1('192.0.2.1', 3000))
            try:
                if is_let_in(s):
                    one.append(s)
                    return True
            except ConnectionResetError:
                pass
            s.close()
            return False
        wait_until(again)
        for s in one + many + six + local + silent:
            s.close()


def failures():
    """failed log-ins are counted for the announced address"""
    port = free_port()
    users = os.path.join(tmpdir(), 'users')
    with open(users, 'w') as f:
        os.fchmod(f.fileno(), 0o600)
        f.write(cra_line('alice', 'wonder', role='all') + '\n')

    def login(address, secret):
        with Balancer(port, v1(address)) as b:
            c = Client(b.address, join=False)
            m = Cra('alice', secret).join(c)
            c.close()
            return m
    auth = 'authenticate wampcra from "%s"' % users
    with Wampd(conf('failures 3 per 1h failures delay 50ms', auth=auth),
               macros={'port': str(port)}) as w:
        for i in range(3):
            assert login('192.0.2.1', 'x')[0] == ABORT
        w.wait_log(r'auth failed .* address=192\.0\.2\.1:4711 '
                   'reason="wrong secret"$', count=3)
        m = login('192.0.2.1', 'wonder')
        assert m[0] == ABORT and 'too many' in m[1]['message'], m
        assert login('192.0.2.2', 'wonder')[0] == WELCOME


# -- who is not believed ------------------------------------------------------

def not_listed():
    """from an address that is not listed nothing is taken; a reload"""
    port = free_port()
    macros = {'port': str(port)}
    with Wampd(conf(source='127.0.0.2, 127.0.1.0/24'), macros=macros) as w:
        for source in ('127.0.0.1', '127.0.0.3', '127.0.2.1'):
            assert is_closed(raw(port, v1('192.0.2.1'), source))
            w.wait_log(r'refused address=%s:\d+ reason="may not speak the '
                       'PROXY protocol"' % re.escape(source))
        assert is_closed(raw(port, b'', '127.0.0.1'))
        assert is_let_in(raw(port, v1('192.0.2.1'), '127.0.1.255'))
        with Balancer(port, v1('192.0.2.1')) as b:
            c = Client(b.address)
        waits = connect(port)
        assert w.reload(conf(source='127.0.0.3'))
        # who is in stays in, and who has begun may end
        asks(c)
        waits.sendall(v1('192.0.2.5') + RAWSOCKET)
        assert is_let_in(waits)
        assert is_closed(raw(port, v1('192.0.2.1')))
        assert is_let_in(raw(port, v1('192.0.2.1'), '127.0.0.3'))
        c.goodbye()


def not_wanted():
    """a listener without the words knows no headers"""
    port = free_port()
    text = conf().replace(' proxy protocol from 127.0.0.2', '')
    with Wampd(text, macros={'port': str(port)}):
        for header in (v1('192.0.2.1'), v2('192.0.2.1')):
            s = raw(port, header)
            data = s.recv(100)
            assert not data.startswith(b'\x7f'), data
            s.close()
        assert is_let_in(raw(port, b''))


# listener, what comes, and what the log says that it is
STRANGE = [
    (0, v1('192.0.2.1'), 'PROXY header, which this listener does not take'),
    (0, v2('192.0.2.1'), 'PROXY header, which this listener does not take'),
    (1, v1('192.0.2.1'), 'PROXY header, which this listener does not take'),
    (3, v1('192.0.2.1'), 'PROXY header, which this listener does not take'),
    (3, v2('192.0.2.1'), 'PROXY header, which this listener does not take'),
    (0, b'\x16\x03\x01\x02\0\x01\0', 'TLS, which this listener does not '
     'speak'),
    (3, b'GET / HTTP/1.1\r\n\r\n', 'HTTP without TLS'),
    (3, b'\x7f\xf2\0\0' + b'x' * 20, 'RawSocket without TLS'),
    (3, b'hello, who is there?\n', 'no protocol that is known'),
    (0, b'\0hello', 'no protocol that is known'),
    (0, b'hello, who is there?\r\n\r\n', 'no protocol that is known'),
    (0, b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP that wants no WebSocket'),
    (0, b'GET /\x01 HTTP/1.1\r\n\r\n', 'HTTP that is wrong'),
    (1, b'GET / HTTP/1.1\r\n\r\n', 'HTTP, which this listener does not '
     'speak'),
    (2, b'\x7f\xf2\0\0', 'RawSocket, which this listener does not speak'),
]


def strange():
    """what a listener does not speak: the log says what it looks like"""
    ports = [free_port() for _ in range(4)]
    crt = make_cert(tmpdir(), 'localhost')
    text = """prefork 1
keypair "localhost" { certificate "%s" key "%s" }
listen on 127.0.0.1 port %d
listen on 127.0.0.1 port %d only rawsocket
listen on 127.0.0.1 port %d only websocket
listen on 127.0.0.1 port %d tls { keypair "localhost" }
realm "realm1" { authenticate anonymous role "all" role "all" { allow any } }
""" % (*crt, *ports)
    with Wampd(text) as w:
        def is_told(i, octets, why):
            with socket.create_connection(('127.0.0.1', ports[i]), 10) as s:
                address = '%s:%d' % s.getsockname()
                try:
                    s.sendall(octets)
                    while s.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
            # five a second are logged: of others it is asked again
            return ('bad frame address=%s reason="%s" listener="127.0.0.1 '
                    'port %d"\n' % (address, why, ports[i])) in w.log()

        for row in STRANGE:
            wait_until(lambda: is_told(*row), 20, repr(row))


BAD = [
    b'',
    b'GET / HTTP/1.1\r\n\r\n',
    b'\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03' + b'r' * 32,
    b'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n',
    b'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r',
    b'PROXY TCP4 192.0.2.1\r\n',
    b'PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n',
    b'PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n',
    b'PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n',
    b'PROXY TCP4 192.0.2.1\n192.0.2.2 1 2\r\n',
    b'PROXY TCP4 192.0.2.1\x1b[2J 192.0.2.2 1 2\r\n',
    b'PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n',
    b'PROXY UNKNOWN ' + b'x' * 1000 + b'\r\n',
    b'proxy tcp4 192.0.2.1 192.0.2.2 1 2\r\n',
    SIG[:11] + b'\r\x21\x11\0\x0c' + b'x' * 12,
    SIG + b'\x11\x11\0\x0c' + b'x' * 12,
    SIG + b'\x22\x11\0\x0c' + b'x' * 12,
    SIG + b'\x21\x51\0\x0c' + b'x' * 12,
    SIG + b'\x21\x11\0\x0b' + b'x' * 11,
    SIG + b'\x21\x21\0\x0c' + b'x' * 12,
    SIG + b'\x21\x11\xff\xff' + b'x' * 70000,
    SIG + b'\x20\0\x0f\xf1' + b'x' * 4081,
]


def hostile():
    """a header that is not quite one ends the connection"""
    port = free_port()
    with Wampd(conf(), macros={'port': str(port)}) as w:
        pid = w.child('tlsproxy 0')
        # what the log says, before there is too much of it
        s = connect(port)
        s.sendall(b'PROXY TCP4')
        s.shutdown(socket.SHUT_WR)
        assert is_closed(s)
        w.wait_log(r'refused address=127\.0\.0\.2:\d+ reason="PROXY header '
                   'is not whole"')
        assert is_closed(raw(port, b'PROXY TCP4 \x1b[2J\r\n'))
        w.wait_log(r'reason="PROXY header is no line of version 1"')
        # late: limits handshake
        for start in (b'', b'PROXY TCP4 192.0.2.1 '):
            s = connect(port)
            s.sendall(start)
            assert is_closed(s)
        w.wait_log(r'reason="PROXY header did not come in time"', count=2)
        for header in BAD:
            for octets in (False, True):
                s = connect(port)
                data = header + RAWSOCKET + b'\r\n' * 3
                try:
                    if octets:
                        for i in range(min(len(data), 2000)):
                            s.sendall(data[i:i + 1])
                    else:
                        s.sendall(data)
                except OSError:
                    pass
                assert is_closed(s), header
        # cut at each place
        for header in (v1('192.0.2.1'), v2('192.0.2.1', more=b'\4\0\1x')):
            for n in range(len(header)):
                s = connect(port)
                s.sendall(header[:n])
                s.shutdown(socket.SHUT_WR)
                assert is_closed(s), (header, n)
        # ten thousand octets of each, and it is the same process
        for i in range(100):
            s = connect(port)
            try:
                s.sendall(random.randbytes(100))
            except OSError:
                pass
            s.close()
        assert is_let_in(raw(port, v1('192.0.2.1')))
        assert w.child('tlsproxy 0') == pid
        assert '\x1b' not in w.log()


# -- haproxy ------------------------------------------------------------------

HAPROXY = '''
defaults
	mode tcp
	timeout connect 10s
	timeout client 60s
	timeout server 60s
listen one
	bind 127.0.0.1:%d
	source 127.0.0.2
	server w 127.0.0.1:%d send-proxy
listen two
	bind 127.0.0.1:%d
	source 127.0.0.2
	server w 127.0.0.1:%d send-proxy-v2 check check-send-proxy inter 100ms
'''


def haproxy():
    """behind haproxy: versions 1 and 2, plain and TLS"""
    program = shutil.which('haproxy') or '/usr/sbin/haproxy'
    if not os.access(program, os.X_OK):
        raise Skip('haproxy is not installed')
    pair = make_cert(tmpdir())
    for tls in (None, pair):
        port, one, two = (free_port() for i in range(3))
        path = os.path.join(tmpdir(), 'haproxy.cfg')
        with open(path, 'w') as f:
            f.write(HAPROXY % (one, port, two, port))
        ctx = ssl.create_default_context(cafile=pair[0]) if tls else None
        with Wampd(conf(tls=tls), macros={'port': str(port)}) as w:
            p = subprocess.Popen([program, '-db', '-f', path],
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            try:
                for where in (one, two):
                    through_haproxy(w, where, ctx)
                # its checks are no clients and nothing to complain of
                assert 'refused' not in w.log()
            finally:
                p.terminate()
                p.wait()


def through_haproxy(w, port, ctx):
    def is_up():
        try:
            return socket.create_connection(('127.0.0.1', port))
        except ConnectionRefusedError:
            return None
    wait_until(is_up, 20).close()
    for i, transport in enumerate(('rawsocket', 'websocket')):
        source = '127.0.3.%d' % (i + 1)
        c = Client(('127.0.0.1', port), transport=transport, tls=ctx,
                   source=source)
        asks(c)
        w.wait_log(r'session %d joined .* address=%s:%d transport=%s' % (
            c.id, re.escape(source), c.sock.getsockname()[1], transport))
        c.goodbye()


run_cases([plain, tls, itself, per_address, failures, not_listed, not_wanted,
           strange, hostile, haproxy])
