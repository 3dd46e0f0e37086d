# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampc against routers that break the protocol at every layer: it ends with
# the right status, in time, within bounds, and shows nothing unescaped.

import random
import re
import socket
import struct

from daemon import SAN, Skip, done, run_case
from fakerouter import FakeRouter, pack, rs_frame, ws_frame
from wampcrun import (SERIALIZERS, SLOW, WELCOME, Place, bound, expect,
                      finish, line, make_certs, wampc)

VIOLATION = 'wamp.error.protocol_violation'
EV = {'topic': 'com.example.x'}


def after(code, *answers):
    """Hook: the message with this code gets these answers."""
    def hook(conn, m):
        if m[0] != code:
            # a late answer would meet a closed connection
            return hasattr(conn, 'hooked') and m[0] != 6
        conn.hooked = True
        for a in answers:
            conn.send(a)
        return True
    return hook


SUB, CALL, PUB, REG = (['subscribe', 'a'], ['call', 'a'], ['publish', 'a'],
                       ['register', 'a', '--', 'true'])
HOSTILE = [
    # to which message, the answers, verb, status, stderr
    (1, [[3, {}, 'wamp.error.no_such_realm']], CALL, 4,
     '^wampc: wamp.error.no_such_realm$'),
    (1, [[3, {'message': 'x\x1b[2J\x9b\ny'}, 'a.b']], CALL, 4,
     r'^wampc: a.b: x\\u001b\[2J\\u009b\\u000ay$'),
    (1, [[3, {'message': 7}, 'a.b', ['why']]], CALL, 4, 'a.b: why'),
    (1, [[3, {}, 'a b']], CALL, 5, VIOLATION),
    (1, [[3, {}, 5]], CALL, 5, VIOLATION),
    (1, [[3, {}, 'a', {}]], CALL, 5, VIOLATION),
    (1, [[4, 'ticket\x1b', {}]], CALL, 4, r'authentication by ticket\\'),
    (1, [[4, 5, {}]], CALL, 5, VIOLATION),
    (1, [[6, {}, 'wamp.close.system_shutdown']], CALL, 5, VIOLATION),
    (1, [[2]], CALL, 5, VIOLATION),
    (1, [[2, 0, {}]], CALL, 5, VIOLATION),
    (1, [[2, -1, {}]], CALL, 5, VIOLATION),
    (1, [[2, 2**53 + 1, {}]], CALL, 5, VIOLATION),
    (1, [[2, 1.0, {}]], CALL, 5, VIOLATION),
    (1, [[2, '1', {}]], CALL, 5, VIOLATION),
    (1, [[2, 1, []]], CALL, 5, VIOLATION),
    (1, [[2, 1, {}, 1]], CALL, 5, VIOLATION),
    (1, [[2, 1, {}], [2, 1, {}]], SUB, 5, VIOLATION),
    (1, [[36, 1, 1, {}]], SUB, 5, VIOLATION),
    (1, [[]], CALL, 5, VIOLATION),
    (1, [{}], CALL, 5, VIOLATION),
    (1, [5], CALL, 5, VIOLATION),
    (1, [['2', 1, {}]], CALL, 5, VIOLATION),
    (1, [[999]], CALL, 5, VIOLATION),
    (1, [list(range(2, 20))], CALL, 5, VIOLATION),
    (48, [[50, 2, {}]], CALL, 5, VIOLATION),
    (48, [[50, 1, []]], CALL, 5, VIOLATION),
    (48, [[50, 1, {}, {}]], CALL, 5, VIOLATION),
    (48, [[50, 1, {}, [], []]], CALL, 5, VIOLATION),
    (48, [[50, 1, {}, [], {}, 1]], CALL, 5, VIOLATION),
    (48, [[50]], CALL, 5, VIOLATION),
    (48, [[50, 1, {'progress': True}]], CALL, 5, VIOLATION),
    (48, [[8, 48, 2, {}, 'a']], CALL, 5, VIOLATION),
    (48, [[8, 32, 1, {}, 'a']], CALL, 5, VIOLATION),
    (48, [[8, 16, 1, {}, 'a']], CALL, 5, VIOLATION),
    (48, [[8, 48, 1, {}, 'a..b']], CALL, 5, VIOLATION),
    (48, [[8, 48, 1, {}, 'a b']], CALL, 5, VIOLATION),
    (48, [[8, 48, 1, {}]], CALL, 5, VIOLATION),
    (48, [[8, 48, 1, {}, 'a', [1], {'k': '\x1b'}]], CALL, 5,
     r'^wampc: a: {"args":\[1\],"kwargs":{"k":"\\u001b"}}$'),
    (48, [[8, 48, 1, {}, 'a', ['x' * 100000]]], CALL, 5, '^wampc: a'),
    (48, [[8, 48, 1, {}, 'a', []]], CALL, 5, '^wampc: a$'),
    (48, [[17, 1, 1]], CALL, 5, VIOLATION),
    (48, [[68, 1, 1, {}]], CALL, 5, VIOLATION),
    (48, [[3, {}, 'com.example.bye', ['x']]], CALL, 5,
     '^wampc: com.example.bye: x$'),
    (48, [[6, {'message': 'off'}, 'wamp.close.system_shutdown']], CALL, 5,
     '^wampc: wamp.close.system_shutdown: off$'),
    (16, [[17, 2, 1]], PUB, 5, VIOLATION),
    (16, [[17, 1, 0]], PUB, 5, VIOLATION),
    (16, [[17, 1]], PUB, 5, VIOLATION),
    (16, [[8, 16, 2, {}, 'a']], PUB, 5, VIOLATION),
    (16, [[8, 16, 1, {}, 'a.b']], PUB, 5, 'a.b'),
    (32, [[36, 1, 1, {}]], SUB, 5, VIOLATION),
    (32, [[33, 2, 1]], SUB, 5, VIOLATION),
    (32, [[33, 1, 0]], SUB, 5, VIOLATION),
    (32, [[33, 1, 1], [33, 1, 1]], SUB, 5, VIOLATION),
    (32, [[33, 1, 1], [8, 32, 1, {}, 'a']], SUB, 5, VIOLATION),
    (32, [[33, 1, 1], [36, 2, 1, {}]], SUB, 5, VIOLATION),
    (32, [[33, 1, 1], [36, 1, 0, {}]], SUB, 5, VIOLATION),
    (32, [[33, 1, 1], [36, 1, 1, 5]], SUB, 5, VIOLATION),
    (32, [[33, 1, 1], [36, 1, 1, {}, {}]], SUB, 5, VIOLATION),
    (32, [[33, 1, 1], [36, 1, 1, {}, [], []]], SUB, 5, VIOLATION),
    (32, [[33, 1, 1], [36, 1, 1, {'topic': 5}]], SUB, 5, VIOLATION),
    (32, [[33, 1, 1], [36, 1, 1, {'topic': 'a\nb'}]], SUB, 5, VIOLATION),
    (64, [[68, 1, 1, {}]], REG, 5, VIOLATION),
    (64, [[65, 2, 1]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [68, 1, 2, {}]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [68, 0, 1, {}]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [68, 1, 1, {'procedure': 'a b'}]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [65, 1, 1]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [69, 0, {}]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [69, 1, []]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [69, 1]], REG, 5, VIOLATION),
    (64, [[67, 0, {'registration': 1}]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [67, 0]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [67, 1, {'registration': 1}]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [67, 0, {'registration': 2}]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [67, 0, {'subscription': 1}]], REG, 5, VIOLATION),
    (64, [[65, 1, 1], [67, 0, {'registration': 1, 'reason': 'x\x1b'}]], REG,
     5, r'^wampc: the router revoked the registration: x\\u001b$'),
    (32, [[33, 1, 1], [35, 0, {'subscription': 1, 'reason': 7}]], SUB, 5,
     '^wampc: the router revoked the subscription$'),
    (32, [[33, 1, 1], [67, 0, {'registration': 1}]], SUB, 5, VIOLATION),
]


def hostile_messages(ser):
    for code, answers, args, status, err in HOSTILE:
        with Place('unix', ser, on_message=after(code, *answers)) as p:
            r = p.run(*args)
            try:
                expect(r, status, '', err)
            except AssertionError:
                raise AssertionError('%r: %r' % (answers, r))
            sent = p.router.conns[0].messages
            if err is VIOLATION:
                p.router.wait(lambda: sent[-1][0] == 3)
                assert sent[-1][2] == VIOLATION, (answers, sent)
            elif answers[0][0] == 3:
                # ABORT is not answered
                assert sent[-1][0] == code, sent


RAW = {
    'json': [b'', b' ', b'[', b'[2,1,{}', b'[2,1,{}]]', b'[2,1,{}] 1',
             b'\xef\xbb\xbf[2,1,{}]', b'[2,1,{"a":"\xff"}]', b'[02,1,{}]',
             b'[2,1,{"a":1,"a":2}]', b'[2,1,{"a":"\\ud800"}]', b'[' * 200,
             b'\x00' * 100],
    'msgpack': [b'', b'\x93', b'\x93\x02\x01', b'\x93\x02\x01\x80\x00',
                b'\xc1', b'\xdf\xff\xff\xff\xff', b'\xdd\xff\xff\xff\xff',
                b'\x93\x02\x01\xdf\xff\xff\xff\xff',
                b'\x93\x02\x01\x81\xa1\xff\x01', b'\x93\x02\x01\x81\x01\x01',
                b'\x91' * 200, b'\xc6\xff\xff\xff\xff'],
    'cbor': [b'', b'\x83', b'\x83\x02\x01', b'\x83\x02\x01\xa0\x00',
             b'\xff', b'\x9f', b'\x9b' + b'\xff' * 8, b'\xbb' + b'\xff' * 8,
             b'\x83\x02\x01\xa1\x61\xff\x01', b'\x83\x02\x01\xa1\x01\x01',
             b'\x81' * 200, b'\x9f' * 200, b'\x5f\x5f'],
}


def hostile_encodings(ser):
    for octets in RAW[ser]:
        def hook(conn, m):
            conn.send_payload(octets)
            return m[0] == 1
        with Place('unix', ser, on_message=hook) as p:
            expect(p.run('call', 'a'), 5, '', VIOLATION)


def hostile_frames(transport):
    big = 1 << 20
    welcome = pack('msgpack', WELCOME)
    if transport == 'unix':
        frames = [(b'\x08\0\0\0', 'message of 16 MiB'),
                  (b'\x03\0\0\0', ''), (b'\x17\0\0\0', ''),
                  (b'\x80\0\0\0', ''), (b'\x08\0\0\1', ''),
                  (rs_frame(0, b'x' * (big + 1)), '')]
    else:
        frames = [(ws_frame(1, b'x'), ''), (ws_frame(3, b'x'), ''),
                  (ws_frame(11, b''), ''), (ws_frame(0, b'x'), ''),
                  (b'\xc2\x00', ''), (b'\x82\x80\0\0\0\0', ''),
                  (b'\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff', ''),
                  (b'\x82\x7f\0\0\0\0\0\x20\0\0', ''),
                  (b'\x89\x7e\0\x7e' + b'x' * 126, ''), (b'\x09\x00', ''),
                  (ws_frame(2, b'x', False) + ws_frame(2, b'y'), '')]
    for octets, _ in frames:
        def hook(conn, m):
            conn.raw(octets)
            return m[0] == 1
        with Place(transport, on_message=hook) as p:
            expect(p.run('--message', '1m', 'call', 'a'), 5, '',
                   VIOLATION + ": the router's framing")
            p.router.errors = []
    # the end in the middle of a frame
    whole = rs_frame(0, welcome) if transport == 'unix' else \
        ws_frame(2, welcome)
    for n in range(len(whole)):
        def cut(conn, m):
            conn.raw(whole[:n])
            conn.close()
            return True
        with Place(transport, on_message=cut) as p:
            expect(p.run('call', 'a'), 2, '', 'connection lost')


def hostile_handshakes():
    for reply in (b'\x7f\x00\0\0', b'\x7f\x10\0\0', b'\x7f\x20\0\0',
                  b'\x7f\x30\0\0', b'\x7f\x40\0\0', b'\x7f\xf0\0\0',
                  b'\x7f\xf1\0\0', b'\x7f\xf2\1\0', b'HTTP/1.1 400\r\n'):
        with Place(rs_reply=reply) as p:
            expect(p.run('call', 'a'), 4, '', 'refused: RawSocket')
    for n in range(4):
        def connect(conn):
            conn.raw(b'\x7f\xf2\0\0'[:n])
            conn.close()
            return True
        with Place(on_connect=connect) as p:
            expect(p.run('call', 'a'), 2, '', 'cannot connect|lost')
    head = (b'HTTP/1.1 101 x\r\nUpgrade: websocket\r\n'
            b'Connection: Upgrade\r\n')
    for answer in (b'HTTP/1.1 404 Not Found\r\n\r\n',
                   b'HTTP/1.1 200 OK\r\n\r\n', b'\r\n\r\n', b'\0\0\r\n\r\n',
                   b'HTTP/1.1 101 x\r\n\r\n', head + b'\r\n',
                   head + b'Sec-WebSocket-Accept: x\r\n\r\n',
                   b'HTTP/1.1 301 x\r\nLocation: http://x\x1b\r\n\r\n',
                   b'a' * 100000, b'HTTP/1.1 101 x\r\n' + b'a: b\r\n' * 9000,
                   b'\x7f\xf2\0\0\r\n\r\n'):
        with Place('ws', http_answer=answer) as p:
            expect(p.run('call', 'a'), 4, '', 'refused: WebSocket')
    with Place('ws', 'json', serializers=('cbor',)) as p:
        expect(p.run('call', 'a'), 4, '', 'refused: WebSocket')
    with Place('unix', 'json', serializers=('cbor',)) as p:
        expect(p.run('call', 'a'), 4, '', 'does not support the serializer')


def announced_and_not_sent():
    """16 MB announced and one octet sent, a thousand frames of nothing"""
    def hook(conn, m):
        conn.raw(b'\x00\xff\xff\xffx')
        return True
    with Place(on_message=hook) as p:
        q = p.start('-w', '2', 'call', 'a')
        assert p.router.wait(lambda: p.router.conns and
                             p.router.conns[0].messages)
        if not SAN:
            with open('/proc/%d/status' % q.pid) as f:
                rss = int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))
            assert rss < 12000, rss
        expect(finish(q), 6, '', 'timeout')


def random_octets():
    """noise in place of every answer"""
    rnd = random.Random(2)
    for i in range(60):
        transport = ('unix', 'ws')[i % 2]
        ser = SERIALIZERS[i % 3]
        noise = rnd.randbytes(rnd.randint(1, 300))
        valid = pack(ser, [[2, 1, {}], [50, 1, {}, ['x' * 20]],
                           [8, 48, 1, {}, 'a.b', [1]]][i % 3])
        damaged = bytearray(valid)
        damaged[rnd.randrange(len(valid))] ^= 1 << rnd.randrange(8)

        def hook(conn, m):
            if m[0] == 1 and i % 4 > 1:
                return False
            if m[0] not in (1, 48):
                return False
            if i % 5 == 0:
                conn.raw(noise)
            else:
                conn.send_payload(bytes(damaged))
            return True
        with Place(transport, ser, on_message=hook) as p:
            r = p.run('-w', '0.5', 'call', 'a')
            assert r.status in (0, 2, 4, 5, 6), (i, r)
            p.router.errors = []


def octet_by_octet(transport):
    """an answer that comes octet by octet"""
    def hook(conn, m):
        if m[0] == 48:
            whole = conn.frame(pack('msgpack', [50, m[1], {}, ['x' * 300]]))

            def drip(i):
                if i < len(whole):
                    conn.raw(whole[i:i + 1])
                    p.router.loop.call_later(0.001, drip, i + 1)
            drip(0)
            return True
    with Place(transport, on_message=hook) as p:
        expect(p.run('call', 'a'), 0, line('["%s"]' % ('x' * 300)))


def pings(transport):
    """PING is answered with its octets, also between fragments"""
    def hook(conn, m):
        if m[0] == 48:
            payload = pack('msgpack', [50, m[1], {}, ['x']])
            if conn.kind == 'rs':
                conn.raw(rs_frame(1, b'one') + rs_frame(1, b'') +
                         rs_frame(2, b'unasked') + rs_frame(0, payload))
            else:
                conn.raw(ws_frame(9, b'one') +
                         ws_frame(2, payload[:3], False) +
                         ws_frame(9, b'') + ws_frame(10, b'unasked') +
                         ws_frame(0, payload[3:]))
            return True
    with Place(transport, on_message=hook) as p:
        expect(p.run('call', 'a'), 0, line('["x"]'))
        assert p.router.wait(lambda: p.router.pongs == [b'one', b''])


def websocket_close():
    """a Close of the router is answered and told"""
    def hook(conn, m):
        conn.raw(ws_frame(8, struct.pack('>H', 1001) + b'going \x1b'))
        return True
    with Place('ws', on_message=hook) as p:
        expect(p.run('call', 'a'), 2, '',
               r'connection lost: closed by the router with code 1001')
        assert p.router.wait(lambda: p.router.conns[0].close_code == 1001)
    with Place('ws') as p:
        expect(p.run('call', 'com.example.add', '1'), 0)
        assert p.router.wait(lambda: p.router.conns[0].close_code == 1000)


def websocket_request():
    """path, query and Host are those of the URL"""
    with Place('ws') as p:
        port = p.router.port
        for tail, path in (('', '/'), ('/', '/'), ('/a/b?c=d', '/a/b?c=d'),
                           ('?c=d', '/?c=d')):
            expect(wampc('--insecure', '-u', 'ws://127.0.0.1:%d%s' %
                         (port, tail), 'call', 'com.example.add', '1'), 0)
            c = p.router.conns[-1]
            assert c.request_line == 'GET %s HTTP/1.1' % path, c.request_line
            assert c.headers['host'] == '127.0.0.1:%d' % port, c.headers
            assert c.headers['sec-websocket-protocol'] == 'wamp.2.msgpack'


def ipv6():
    try:
        s = socket.socket(socket.AF_INET6)
        s.bind(('::1', 0))
        s.close()
    except OSError:
        raise Skip('no IPv6 loopback')
    with FakeRouter(port=0, host='::1') as r:
        for url in ('ws', 'rs'):
            expect(wampc('--insecure', '-u', '%s://[::1]:%d' % (url, r.port),
                         'call', 'com.example.add', '1'), 0, line('[1]'))
        assert r.conns[0].headers['host'] == '[::1]:%d' % r.port


def router_dies():
    """the end of the connection is status 2"""
    for transport in ('unix', 'ws', 'rss'):
        with Place(transport) as p:
            sub = p.service('subscribe', 'com.example.t')
            p.router.call(lambda: p.router.conns[0].close())
            expect(finish(sub), 2, '', 'connection lost')


def payload_on_one_line():
    """white space and escapes of a JSON router stay on one line"""
    text = (b'[36, 1, 7, {"topic": "com.example.x"}, [ 1 ,\n "a \\n\\" b\xc2'
            b'\x9b\x7f" ,\r\n\t{ "k" : [ ] } ], { } ]')

    def hook(conn, m):
        if m[0] == 32:
            conn.send([33, m[1], 1])
            conn.send_payload(text)
            return True
    with Place('unix', 'json', on_message=hook) as p:
        expect(p.run('subscribe', '-n', '1', 'com.example.t'), 0,
               '{"topic":"com.example.x","publication":7,"args":[1,"a \\n\\"'
               ' b\\u009b\\u007f",{"k":[]}],"kwargs":{}}\n')


def what_json_cannot_say():
    """an extension type is told on stderr, the rest goes on"""
    import msgpack

    def hook(conn, m):
        ext = msgpack.ExtType(5, b'x')
        if m[0] == 32:
            conn.send([33, m[1], 1])
            conn.send([36, 1, 7, {}, [ext]])
            conn.send([36, 1, 8, {}, [float('nan'), b'\0\1']])
            return True
        if m[0] == 48:
            conn.send([50, m[1], {}, [ext]])
            return True
    with Place(on_message=hook) as p:
        expect(p.run('subscribe', '-n', '2', 'com.example.t'), 0,
               '{"topic":"com.example.t","publication":8,"args":'
               '[null,"\\u0000AAE="],"kwargs":{}}\n',
               'com.example.t: publication 7: JSON cannot say it')
        expect(p.run('call', 'com.example.t'), 5, '',
               'wamp.error.invalid_argument: JSON cannot say the result')


def invocation_flood():
    """calls beyond the queue are refused, the others answered"""
    n = 1200

    def hook(conn, m):
        if m[0] == 64:
            conn.send([65, m[1], 1])
            for i in range(n):
                conn.send([68, i + 1, 1, {}])
            return True
        return m[0] in (70, 8)
    with Place(on_message=hook) as p:
        reg = p.start('register', '-c', '8', 'a', '--', 'true')
        done_ = p.router.wait(lambda: p.router.conns and sum(
            m[0] in (70, 8) for m in p.router.conns[0].messages) == n,
            60 * SLOW)
        assert done_
        errors_ = [m for m in p.router.conns[0].messages if m[0] == 8]
        assert 0 < len(errors_) <= 200 and \
            all(m[4] == 'wamp.error.unavailable' for m in errors_), \
            len(errors_)
        reg.terminate()
        finish(reg)


def main():
    make_certs()
    for ser in SERIALIZERS:
        run_case(bound(hostile_messages, ser), ser + ': ')
        run_case(bound(hostile_encodings, ser), ser + ': ')
    for transport in ('unix', 'ws'):
        for fn in (hostile_frames, octet_by_octet, pings):
            run_case(bound(fn, transport), transport + ': ')
    for fn in (hostile_handshakes, announced_and_not_sent, random_octets,
               websocket_close, websocket_request, ipv6, router_dies,
               payload_on_one_line, what_json_cannot_say, invocation_flood):
        run_case(fn)
    done()


main()
