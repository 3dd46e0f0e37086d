# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Hostile and broken clients against the whole daemon: the offending session
# ends, every other one carries on, memory returns to where it was.  Cases
# named lesson_N are what went wrong elsewhere.
#
# alone: witnesses must not wait longer than a second

import itertools
import os
import random
import re
import select
import socket
import struct
import sys
import time

from daemon import (IS_ROOT, SAN, Wampd, done, free_port, run_case, tmpdir,
                    wait_until)
import msgpack

from wampclient import *

CONF = """
prefork 2
limits {
	connections 3000
	connections per address 2500
	message 16m
	queue 16m
	handshake 2s
	hello 2s
	complete 3s
	ping every 1s timeout 2s
}
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
"""

PV = "wamp.error.protocol_violation"
port = None
sock = None
daemon = None


def client(transport="rawsocket", serializer="msgpack", **kw):
    return Client(("127.0.0.1", port), transport=transport,
                  serializer=serializer, **kw)


def raw():
    s = socket.create_connection(("127.0.0.1", port), 10)
    return s


# what sanitizers hold says nothing, and only root sees what a child holds
MEASURED = IS_ROOT and not SAN


def memory():
    """KiB of all children, private and shared parts divided."""
    total = 0
    if not MEASURED:
        return 0
    for pid in daemon.children().values():
        with open("/proc/%d/smaps_rollup" % pid) as f:
            for line in f:
                if line.startswith("Anonymous:"):
                    total += int(line.split()[1])
    return total


class Witness:
    """A publisher and a subscriber that must not notice anything: no event
    lost, none late by more than a second."""

    def __init__(self, transport="rawsocket"):
        self.sub = client(transport)
        self.pub = client(transport)
        self.sub.subscribe("com.witness")
        self.n = 0
        self.children = daemon.children()

    def check(self):
        self.n += 1
        begin = time.monotonic()
        self.pub.publish("com.witness", self.n)
        m = self.sub.expect(EVENT, timeout=10)
        late = time.monotonic() - begin
        assert m[4] == [self.n], m
        assert late < (5 if SAN else 1), "%.2f s late" % late

    def __enter__(self):
        self.check()
        return self

    def __exit__(self, kind, *rest):
        if kind is None:
            self.check()
            assert daemon.children() == self.children, "a process died"
        self.sub.close()
        self.pub.close()


def until_closed(s, timeout=8):
    """Read to the end of stream; False if it does not come."""
    end = time.monotonic() + timeout
    s.settimeout(0.5)
    while time.monotonic() < end:
        try:
            if not s.recv(65536):
                return True
        except socket.timeout:
            continue
        except OSError:
            return True
    return False


def random_octets_at_every_layer():
    rnd = random.Random(4711)
    with Witness() as w:
        for i in range(300):
            s = raw()
            data = rnd.randbytes(rnd.randrange(1, 2000))
            kind = i % 4
            try:
                if kind == 1:
                    s.sendall(b"\x7f\xf2\0\0")
                elif kind == 2:
                    s.sendall(b"GET / HTTP/1.1\r\n")
                elif kind == 3:
                    s.sendall(b"\x7f\xf1\0\0" + struct.pack(
                        ">I", len(data)))
                s.sendall(data)
            except OSError:
                pass
            s.close()
            if i % 50 == 0:
                w.check()
        for ser, tr in itertools.product(SERIALIZERS,
                                         ("rawsocket", "websocket")):
            for i in range(30):
                with client(tr, ser) as c:
                    try:
                        c.send_raw(rnd.randbytes(rnd.randrange(0, 300)))
                        while True:
                            c.recv(2)
                    except Closed:
                        pass
                w.check()


def truncated_messages():
    """every truncation of a good message ends that session only"""
    with Witness() as w:
        for ser in SERIALIZERS:
            with client("rawsocket", ser) as c:
                good = c.dumps([PUBLISH, 1, {"acknowledge": True},
                                "com.trunc", ["x", 1.5, None], {"k": [1]}])
            for n in range(len(good)):
                with client("rawsocket", ser) as c:
                    c.send_raw(good[:n])
                    c.expect_abort(PV)
            w.check()


STATES = ("before", "joined", "subscribed", "registered", "left",
          "half-open frame", "aborted")


def in_state(state):
    if state == "before":
        return client(join=False)
    c = client()
    if state == "subscribed":
        c.subscribe("com.l16")
    elif state == "registered":
        c.register("com.l16.%d" % id(c))
    elif state == "left":
        c.goodbye()
    elif state == "half-open frame":
        c.publish("com.l16")
    elif state == "aborted":
        c.send(ABORT, {}, "com.abort")
    return c


MESSAGES = [
    [HELLO, "realm1", ROLES], [WELCOME, 1, {}], [ABORT, {}, "a.b"],
    [CHALLENGE, "ticket", {}], [AUTHENTICATE, "x", {}],
    [GOODBYE, {}, "wamp.close.normal"], [ERROR, 68, 1, {}, "a.b"],
    [PUBLISH, 1, {}, "a.b"], [PUBLISHED, 1, 1], [SUBSCRIBE, 1, {}, "a.b"],
    [SUBSCRIBED, 1, 1], [UNSUBSCRIBE, 1, 1], [UNSUBSCRIBED, 1],
    [EVENT, 1, 1, {}], [CALL, 1, {}, "a.b"], [CANCEL, 1, {}],
    [RESULT, 1, {}], [REGISTER, 1, {}, "a.b"], [REGISTERED, 1, 1],
    [UNREGISTER, 1, 1], [UNREGISTERED, 1], [INVOCATION, 1, 1, {}],
    [INTERRUPT, 1, {}], [YIELD, 1, {}], [0], [7], [256], [2 ** 60], [],
    ["HELLO"],
]


def lesson_16_every_message_in_every_state():
    """lesson 16: every message in every state, twice and in pairs"""
    rnd = random.Random(16)
    with Witness() as w:
        for state in STATES:
            for m in MESSAGES:
                for second in (m, rnd.choice(MESSAGES)):
                    with in_state(state) as c:
                        try:
                            c.write(c.frame(c.dumps(m)) +
                                    c.frame(c.dumps(second)))
                            while True:
                                got = c.recv(0.02)
                                if got[0] == ABORT:
                                    c.expect_closed()
                                    break
                        except (Closed, TimeoutError, OSError):
                            pass
            w.check()


def lesson_10_announced_lengths_cost_nothing():
    """lesson 10: 16 MB announced, one octet sent"""
    with Witness() as w:
        before = memory()
        socks = []
        for i in range(1000):
            s = raw()
            s.sendall(b"\x7f\xf2\0\0")
            assert s.recv(4)[0] == 0x7f
            s.sendall(struct.pack(">I", 0xffffff if i % 2 else 16000) +
                      b"\x93")
            socks.append(s)
        w.check()
        if MEASURED:
            grown = memory() - before
            assert grown < 8 * 1024, "%d KiB for 1000 connections" % grown
        for s in socks:
            s.close()


def lesson_10_before_hello_messages_are_short():
    """lesson 10: before WELCOME a message is 16 KiB at most"""
    with client(join=False) as c:
        c.send(HELLO, "realm1", dict(ROLES, x="x" * 20000))
        c.expect_closed()
    with client(join=False) as c:
        c.send(HELLO, "realm1", dict(ROLES, x="x" * 10000))
        c.expect(WELCOME)


def lesson_11_connections_that_come_to_nothing():
    """lesson 11: 10,000 connections opened and dropped"""
    def batch(n):
        for i in range(n):
            s = raw()
            if i % 5 == 1:
                s.sendall(b"\x7f")
            elif i % 5 == 2:
                s.sendall(b"\x7f\xf2\0\0")
            elif i % 5 == 3:
                s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            elif i % 5 == 4:
                m = msgpack.packb([HELLO, "realm1", ROLES])
                s.sendall(b"\x7f\xf2\0\0" + struct.pack(">I", len(m)) + m)
            s.close()
    with Witness() as w:
        batch(2000)
        w.check()
        time.sleep(0.5)
        before = memory()
        for _ in range(4):
            batch(2000)
            w.check()
        time.sleep(0.5)
        if MEASURED:
            grown = memory() - before
            assert grown < 2048, "%d KiB after 8000 connections" % grown


def lesson_11_sessions_that_come_and_go():
    """lesson 11: HELLO, ABORT and GOODBYE in loops; calls never answered"""
    with Witness() as w:
        callee = client()
        callee.register("com.l11")

        def batch(n):
            with client() as c:
                for _ in range(n):
                    c.subscribe("com.l11.topic")
                    c.call("com.l11")
                    callee.expect(INVOCATION)
                    c.goodbye()
                    c.join()
        batch(500)
        before = memory()
        batch(1500)
        if MEASURED:
            grown = memory() - before
            assert grown < 1024, "%d KiB after 1500 sessions" % grown
        w.check()
        callee.close()


def log_flows():
    """The parent takes so many lines a second of each child; wait until
    there is room for ours again, from both tlsproxies."""
    seen = set()

    def once():
        with client() as c:
            time.sleep(0.05)
            m = re.search(r"tlsproxy (\d+): session %d joined" % c.id,
                          daemon.log())
        if m:
            seen.add(m.group(1))
        return len(seen) > 1
    wait_until(once, 30)


def a_slow_reader_hurts_only_itself():
    log_flows()
    with Witness() as w:
        before = memory()
        slow = client()
        slow.subscribe("com.flood")
        fast = client()
        fast.subscribe("com.flood")
        data = "x" * 10000
        n = 3000
        p = client()
        for i in range(n):
            p.publish("com.flood", i, data)
            assert fast.expect(EVENT)[4][0] == i
            if i % 100 == 0:
                w.check()
        if MEASURED:
            grown = memory() - before
            assert grown < 32 * 1024, "%d KiB" % grown
        # it lost events, not its session
        daemon.wait_log(r"session %d is slow" % slow.id)
        got = []
        slow.sock.settimeout(2)
        try:
            while True:
                got.append(slow.expect(EVENT, timeout=1)[4][0])
        except TimeoutError:
            pass
        assert got == sorted(got) and 10 < len(got) < n, len(got)
        p.publish("com.flood", -1, "")
        assert slow.expect(EVENT)[4][0] == -1
        daemon.wait_log(r"session %d is fast again" % slow.id)
        for c in (slow, fast, p):
            c.close()


def lesson_24_a_slow_caller_does_not_block_the_callee():
    """lesson 24: a caller that reads nothing ends alone"""
    with Witness() as w:
        callee = client()
        callee.register("com.echo")
        slow = client()
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        other = client()
        data = "x" * 100000
        for i in range(600):
            try:
                slow.call("com.echo", data)
            except OSError:
                break
            if not select.select([callee.sock], [], [], 2)[0]:
                break
            m = callee.recv()
            callee.send(YIELD, m[1], {}, m[4])
            if i % 30 == 0:
                w.check()
                r = other.call("com.echo", 1)
                m = callee.recv()
                callee.send(YIELD, m[1], {}, m[4])
                other.expect(RESULT, r)
        else:
            raise AssertionError("60 MB are queued")
        daemon.wait_log(r"session %d left .*limits queue" % slow.id)
        for c in (slow, callee, other):
            c.close()


def a_slow_sender_is_cut_off():
    """a message once begun must be completed in time"""
    with Witness() as w:
        for tr in ("rawsocket", "websocket"):
            c = client(tr)
            frame = c.frame(c.dumps([PUBLISH, 1, {}, "com.slow"]))
            begin = time.monotonic()
            try:
                for i in range(len(frame)):
                    c.write(frame[i:i + 1])
                    time.sleep(0.4)
                    w.check()
                    if select.select([c.sock], [], [], 0)[0]:
                        break
            except OSError:
                pass
            took = time.monotonic() - begin
            assert 2.5 < took < 8, took
            c.close()


def phases_have_limits():
    """TLS, handshake, HELLO: who says nothing is cut off"""
    starts = [b"", b"\x7f", b"\x7f\xf2\0\0", b"GET / HTTP/1.1\r\n",
              b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket"
              b"\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
              b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
              b"Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n"]
    with Witness() as w:
        socks = []
        for st in starts:
            s = raw()
            s.sendall(st)
            socks.append(s)
        begin = time.monotonic()
        for s in socks:
            assert until_closed(s), "still open"
        took = time.monotonic() - begin
        assert took < 9, took
        w.check()


def lesson_15_no_extension_is_ever_negotiated():
    """lesson 15: permessage-deflate is never negotiated, RSV1 is 1002"""
    offers = ["permessage-deflate", "permessage-deflate; "
              "client_max_window_bits", "x-webkit-deflate-frame",
              "permessage-deflate, permessage-bzip2", "foo; bar=\"baz\""]
    for o in offers:
        s = raw()
        s.sendall(("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket"
                   "\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                   "Sec-WebSocket-Protocol: wamp.2.json\r\n"
                   "Sec-WebSocket-Extensions: %s\r\n\r\n" % o).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += s.recv(4096)
        assert b" 101 " in head.split(b"\r\n")[0], head
        assert b"xtensions" not in head, head
        s.sendall(b"\xc1\x85\0\0\0\0hello")
        end = s.recv(100)
        assert end[:1] == b"\x88" and end[2:4] == b"\x03\xea", end
        s.close()


def lesson_21_a_request_octet_by_octet():
    """lesson 21: a long request, octet by octet, and nothing is echoed"""
    with Witness() as w:
        s = raw()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        req = b"GET /secret-word HTTP/1.1\r\nHost: secret-host\r\n" + \
            b"X-Secret: " + b"a" * 3000 + b"\r\n\r\n"
        for i in range(len(req)):
            s.sendall(req[i:i + 1])
        answer = b""
        while True:
            d = s.recv(4096)
            if not d:
                break
            answer += d
        assert answer.startswith(b"HTTP/1.1 426"), answer
        assert b"secret" not in answer.lower(), answer
        s.close()
        s = raw()
        s.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 9000)
        assert s.recv(100).startswith(b"HTTP/1.1 431")
        s.close()
        w.check()


def plain_http_gets_an_answer():
    for req, status in (
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"426"),
        (b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", b"426"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"GET / HTTP/1.1\nHost: x\n\n", b"400"),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"505"),
    ):
        s = raw()
        s.sendall(req)
        d = b""
        while True:
            more = s.recv(4096)
            if not more:
                break
            d += more
        assert d.split(b" ")[1] == status, (req, d)
        s.close()


def a_dead_websocket_is_found_by_ping():
    with Witness() as w:
        c = client("websocket", "json")
        # reads nothing, answers nothing
        begin = time.monotonic()
        daemon.wait_log(r"session %d left .*ping timeout" % c.id, 10)
        assert time.monotonic() - begin < 8
        c.close()
        w.check()


def a_ping_flood_without_reading():
    with Witness() as w:
        c = client("rawsocket")
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ping = struct.pack(">I", 1 << 24 | 10000) + b"p" * 10000
        try:
            for _ in range(5000):
                c.write(ping)
        except OSError:
            pass
        daemon.wait_log(r"session %d left " % c.id, 10)
        c.close()
        w.check()


def rawsocket_pings_in_order():
    """PONGs come between WAMP messages, in order, unchanged"""
    with client() as c:
        s = c.subscribe("com.ping")
        out = b""
        for i in range(50):
            out += c.frame(c.dumps([PUBLISH, c.next(),
                                    {"acknowledge": True}, "com.x"]))
            payload = bytes([i]) * i
            out += struct.pack(">I", 1 << 24 | len(payload)) + payload
        c.write(out)
        for i in range(50):
            c.expect(PUBLISHED)
        c.publish("com.x")
        assert c.pongs == [bytes([i]) * i for i in range(50)], c.pongs
        assert s


def rawsocket_frames_that_are_wrong():
    """T93, T94: reserved bits, unknown frame types, bad handshakes"""
    for hs, reply in ((b"\x7f\xf2\0\1", b"\x7f\x30\0\0"),
                      (b"\x7f\xf2\1\0", b"\x7f\x30\0\0"),
                      (b"\x7f\xf0\0\0", b"\x7f\x10\0\0"),
                      (b"\x7f\xf5\0\0", b"\x7f\x10\0\0"),
                      (b"\x00\xf2\0\0", b""), (b"\xff\0\0\0", b"")):
        s = raw()
        s.sendall(hs)
        got = b""
        try:
            while True:
                d = s.recv(100)
                if not d:
                    break
                got += d
        except OSError:
            pass
        assert got == reply, (hs, got)
        s.close()
    for word in (3 << 24, 7 << 24, 0x10000000, 0x80000000, 0x08000001):
        with client() as c:
            c.write(struct.pack(">I", word) + b"abc")
            try:
                while True:
                    assert c.recv()[0] == ABORT
            except Closed:
                pass


def limits_of_connections():
    """limits per address and in all hold across processes"""
    conf = CONF.replace("connections 3000", "connections 40").replace(
        "per address 2500", "per address 20").replace(
        "hello 2s", "hello 60s").replace("handshake 2s", "handshake 60s")
    p = free_port()
    s = os.path.join(tmpdir(), "s")
    with Wampd(conf, macros={"sock": s, "port": p}) as w:
        def conn(addr):
            k = socket.socket()
            k.bind((addr, 0))
            k.settimeout(5)
            k.connect(("127.0.0.1", p))
            return k

        def served(k):
            try:
                k.sendall(b"\x7f\xf2\0\0")
                k.settimeout(1)
                return k.recv(4) != b""
            except OSError:
                return False
        socks = []
        for i in range(20):
            k = conn("127.0.0.1")
            assert served(k), "connection %d of 20 not served" % i
            socks.append(k)
        time.sleep(0.2)
        assert not served(conn("127.0.0.1")), "the 21st was served"
        w.wait_log(r"refused address=127.0.0.1:\d+ .*per address")
        for i in range(20):
            k = conn("127.0.0.2")
            assert served(k), "connection %d of 40 not served" % i
            socks.append(k)
        time.sleep(0.2)
        waiting = conn("127.0.0.3")
        assert not served(waiting), "the 41st was served"
        cpu = [open("/proc/%d/stat" % pid).read().split()[13:15]
               for pid in w.children().values()]
        time.sleep(1)
        cpu2 = [open("/proc/%d/stat" % pid).read().split()[13:15]
                for pid in w.children().values()]
        spent = sum(int(b) - int(a) for x, y in zip(cpu, cpu2)
                    for a, b in zip(x, y))
        assert spent < 20, "%d ticks while paused" % spent
        socks.pop().close()
        waiting.settimeout(5)
        assert waiting.recv(4), "not served when there was room again"
        for k in socks:
            k.close()

        def again():
            k = conn("127.0.0.1")
            good = served(k)
            k.close()
            return good
        wait_until(again, 5)


def budget_of_memory():
    """over limits memory the connection that holds most is closed"""
    conf = CONF.replace("message 16m", "message 16m  memory 32m").replace(
        "complete 3s", "complete 60s")
    p = free_port()
    s = os.path.join(tmpdir(), "s")
    with Wampd(conf, macros={"sock": s, "port": p}) as w:
        good = Client(("127.0.0.1", p))
        good.subscribe("com.budget")
        hogs = []
        for i in range(8):
            c = Client(("127.0.0.1", p))
            try:
                c.write(struct.pack(">I", 15000000) + b"x" * 10000000)
            except OSError:
                pass
            hogs.append(c)
        w.wait_log(r"limits memory reached: closing 127.0.0.1")
        good.publish("com.other")
        assert len(w.children()) > 0
        for c in hogs:
            c.close()
        good.close()


def main():
    global port, sock, daemon
    port = free_port()
    sock = os.path.join(tmpdir(), "s")
    with Wampd(CONF, macros={"sock": sock, "port": port}) as daemon:
        for f in (random_octets_at_every_layer, truncated_messages,
                  lesson_16_every_message_in_every_state,
                  lesson_10_announced_lengths_cost_nothing,
                  lesson_10_before_hello_messages_are_short,
                  lesson_11_connections_that_come_to_nothing,
                  lesson_11_sessions_that_come_and_go,
                  a_slow_reader_hurts_only_itself,
                  lesson_24_a_slow_caller_does_not_block_the_callee,
                  a_slow_sender_is_cut_off, phases_have_limits,
                  lesson_15_no_extension_is_ever_negotiated,
                  lesson_21_a_request_octet_by_octet,
                  plain_http_gets_an_answer,
                  a_dead_websocket_is_found_by_ping,
                  a_ping_flood_without_reading, rawsocket_pings_in_order,
                  rawsocket_frames_that_are_wrong):
            if not sys.argv[1:] or f.__name__ in sys.argv[1:]:
                run_case(f)
    for f in (limits_of_connections, budget_of_memory):
        if not sys.argv[1:] or f.__name__ in sys.argv[1:]:
            run_case(f)
    done()


if __name__ == "__main__":
    main()
