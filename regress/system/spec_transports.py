# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The transports of the specification and what they tell of a client: the
# RawSocket chapter sentence by sentence, WebSocket's opening and limits
# (its frames are websocket_cases.py's), and who comes by a Unix socket.

import contextlib
import grp
import itertools
import json
import os
import pwd
import random
import re
import socket
import struct
import sys
import time

from daemon import IS_ROOT, Skip, Wampd, done, free_port, run_case, tmpdir
from wampcheck import Strict
from wampclient import *

SERS = ("json", "msgpack", "cbor")
MESSAGE = 100 * 1024            # no power of two
RS_MAX = 65536                  # what RawSocket announces then
PREJOIN = 16 * 1024             # longest message before WELCOME
SIZE_ERROR = "wamp.error.payload_size_exceeded"

REALM = """
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
"""
CONF = """
prefork 1
limits {
	message 100k
	connections 4000
	connections per address 4000
	ping every 300ms timeout 5s
}
listen on socket "%(sock)s" mode 0666
listen on 127.0.0.1 port %(any)d
listen on 127.0.0.1 port %(rs)d only rawsocket { rawsocket ping }
listen on 127.0.0.1 port %(ws)d only websocket {
	websocket origin "https://app.example.org", "https://*.example.net"
	websocket origin "http://plain.example.org:8080"
}
listen on 127.0.0.1 port %(path)d { websocket path "/ws", "/a/b" }
listen on 127.0.0.1 port %(json)d {
	serializers json
	websocket origin "*"
}
""" + REALM

ports, auth = {}, {}
ser = "msgpack"


def client(name="any", transport="rawsocket", **kw):
    where = ports[name]
    return Strict(where if name == "sock" else ("127.0.0.1", where),
                  transport=transport, serializer=kw.pop("serializer", ser),
                  **kw)


def connect(name):
    if name == "sock":
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(ports[name])
        return s
    return socket.create_connection(("127.0.0.1", ports[name]), 10)


def until_end(s, most=1 << 20):
    """All that comes until the router ends the connection."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while len(got) < most:
            d = s.recv(65536)
            if not d:
                break
            got += d
    return got


def exchange(name, data):
    with connect(name) as s:
        with contextlib.suppress(ConnectionError):
            s.sendall(data)
        return until_end(s)


# -- RawSocket: the handshake -------------------------------------------------

def handshake_of_every_kind():
    """RawSocket, Handshake: every second octet, on TCP and Unix socket"""
    for name in ("any", "sock", "rs", "json"):
        for octet in range(256):
            number = octet & 15
            good = number == 1 or number in (2, 3) and name != "json"
            with connect(name) as s:
                s.sendall(bytes([0x7f, octet, 0, 0]))
                got = s.recv(100)
                if not good:
                    assert got == b"\x7f\x10\0\0", (name, octet, got)
                    assert until_end(s) == b""
                    continue
                # echoes the serializer, announces what it really takes
                assert got == bytes([0x7f, 7 << 4 | number, 0, 0]), \
                    (name, octet, got)


def handshake_reserved_octets():
    """RawSocket, Handshake: third and fourth octet must be zero"""
    for a, b in ((0, 1), (1, 0), (255, 255), (0, 128), (64, 0)):
        for octet in (0xf1, 0xf2, 0xf0, 0xff):
            got = exchange("any", bytes([0x7f, octet, a, b]))
            assert got == b"\x7f\x30\0\0", got


def first_octets():
    """RawSocket, Handshake: other first octets fail the connection, or
    are another transport's"""
    for n in range(256):
        octet = bytes([n])
        letter = octet.isalpha()
        if n != 0x7f:
            assert exchange("rs", octet + b"\xf2\0\0") == b"", n
        if not letter:
            assert exchange("ws", octet + b"\xf2\0\0") == b"", n
        if n != 0x7f and not letter:
            assert exchange("any", octet + b"\xf2\0\0") == b"", n


def handshake_in_pieces():
    """RawSocket, Handshake: octet by octet, and with HELLO behind it"""
    dumps, loads = SERIALIZERS["msgpack"][1:]
    hello = dumps([HELLO, "realm1", ROLES])
    data = b"\x7f\xf2\0\0" + struct.pack(">I", len(hello)) + hello
    for step in (1, 2, 5, len(data)):
        with connect("any") as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(data), step):
                s.sendall(data[i:i + step])
                if step < 5:
                    time.sleep(0.001)
            got = b""
            while len(got) < 8 or len(got) < 8 + int.from_bytes(
                    got[4:8], "big"):
                d = s.recv(1000)
                assert d, got
                got += d
            assert got[:4] == b"\x7f\x72\0\0"
            assert loads(got[8:])[0] == WELCOME


# -- RawSocket: frames ----------------------------------------------------------

def word(kind, n, x=0):
    return struct.pack(">I", x << 27 | kind << 24 | n)


def frames_that_are_wrong():
    """RawSocket, Framing: reserved bits and types fail the connection"""
    heads = [word(t, 3) for t in range(3, 8)]
    heads += [struct.pack(">I", 1 << b | 3) for b in range(28, 32)]
    heads += [word(0, 3, 1), word(0, 0xffffff, 1), word(1, 1, 1)]
    for h in heads:
        with client() as c:
            c.write(h + b"abc")
            c.expect_closed()


def frames_over_the_limit():
    """RawSocket, Handshake: a message over the limit fails the connection,
    at the limit it passes"""
    for name in ("any", "sock"):
        with client(name) as c, client() as w:
            assert c.router_max == RS_MAX
            w.subscribe("com.limit")
            m, text = exactly(RS_MAX, lambda s: [
                PUBLISH, 1, {}, "com.limit", s], c)
            c.send_raw(m)
            assert w.expect(EVENT)[4] == text
            c.request = 1
            c.publish("com.alive")
            c.write(word(0, RS_MAX + 1))
            c.expect_abort(SIZE_ERROR)
        for kind in (0, 1, 2):          # PING and PONG alike
            with client(name) as c:
                c.write(word(kind, 0, 1))
                c.expect_abort(SIZE_ERROR)


def exactly(size, build, c):
    """A message of just that size: its octets and what was built in."""
    for extra in (0, 1, 2, 3):
        fill = ["a" * extra, ""]
        n = size - len(c.dumps(build(fill)))
        for k in range(max(n - 12, 0), n + 1):
            fill[1] = "x" * k
            m = c.dumps(build(fill))
            if len(m) == size:
                return m, fill
    raise AssertionError("no message of %d octets" % size)


def before_welcome_messages_are_short():
    """sessions, HELLO: at most 16 KiB are read before WELCOME"""
    def build(s):
        return [HELLO, "realm1", dict(ROLES, padding=s)]
    for tr in ("rawsocket", "websocket"):
        with client(transport=tr, join=False) as c:
            c.send_raw(exactly(PREJOIN, build, c)[0])
            c.expect(WELCOME)
        with client(transport=tr, join=False) as c:
            c.send_raw(exactly(PREJOIN + 1, build, c)[0])
            c.expect_closed()
            assert c.closecode in (None, 1009)


def pings():
    """RawSocket, Framing: exactly one PONG for each PING, its payload, in
    order, in each state"""
    sizes = (0, 1, 125, 126, 4096, RS_MAX)
    with client(join=False) as c:
        for joined in (0, 1):
            payloads = [bytes([i + 7]) * n for i, n in enumerate(sizes)
                        if joined or n < PREJOIN]
            c.write(b"".join(word(1, len(p)) + p for p in payloads))
            if not joined:
                c.join()
            c.publish("com.x")
            assert c.pongs == payloads, [len(p) for p in c.pongs]
            c.pongs = []
        # PONGs that nobody asked for are nothing
        c.write(word(2, 0) + word(2, 3) + b"abc")
        c.publish("com.x")
        c.goodbye()
        c.write(word(1, 2) + b"hi")
        c.join()
        assert c.pongs == [b"hi"]
        # an empty message is no message
        c.write(word(0, 0))
        c.expect_abort("wamp.error.protocol_violation")


def own_pings():
    """RawSocket, Framing: the router sends no PING unless the listener
    says so"""
    with client("any") as quiet, client("rs") as asked, \
            client(transport="websocket") as ws:
        for c in (asked, ws):
            end = time.monotonic() + 5
            while not c.pings and time.monotonic() < end:
                with contextlib.suppress(TimeoutError):
                    c.recv(0.1)
            assert c.pings and c.pings[0] == b"wampd", c.pings
        time.sleep(0.2)
        quiet.publish("com.x")
        assert quiet.pings == []


# -- the limits of the client -----------------------------------------------------

def client_limit_of_events():
    """RawSocket, Handshake: no EVENT is longer than the client's limit,
    those that are are dropped, at the limit none is"""
    for exp in (1, 3):                  # 1024, 4096 octets
        limit = 1 << exp + 9
        with client(maxlen_exp=exp) as c, client() as p:
            sub = c.subscribe("com.small")
            for n in range(limit - 50, limit + 10):
                text = "x" * n
                pub = p.publish("com.small", text)
                if ser == "json":
                    size = len('[36,%d,%d,{},["%s"]]' % (sub, pub, text))
                else:
                    size = len(p.dumps([EVENT, sub, pub, {}, [text]]))
                if size <= limit:
                    assert len(c.recv_raw()) == size <= limit
            c.publish("com.flush")      # nothing else came


def client_limit_of_answers():
    """RawSocket, Handshake: RESULT, ERROR and INVOCATION at the client's
    limit pass, longer ones are an ERROR of the call"""
    limit = 2048
    with client(maxlen_exp=2) as small, client() as big:
        big.register("com.big")
        small.register("com.small")
        for n, size in enumerate((limit, limit + 1, limit), 1):
            r = small.call("com.big")
            big.expect(INVOCATION, n)
            # compact JSON is shorter: let the payload be as long as in it
            m, text = exactly(size, lambda s: [RESULT, r, {}, s], big)
            if ser == "json":
                head = len("[50,%d,{}," % r)
                over = len(m) - len(json.dumps(text)) - 1 - head
                text[1] += "x" * over
            big.send(YIELD, n, {}, text)
            if size <= limit:
                raw = small.recv_raw()
                assert len(raw) == size, (len(raw), size)
                assert small.loads(raw)[3] == text
                small.pending.pop(r)
            else:
                small.expect(ERROR, CALL, r, {}, SIZE_ERROR)
        # the name of an error matters more than its arguments
        r = small.call("com.big")
        big.expect(INVOCATION, 4)
        big.send(ERROR, INVOCATION, 4, {}, "com.e", ["x" * limit])
        assert small.recv() == [ERROR, CALL, r, {}, "com.e"]
        r = small.call("com.big")
        big.expect(INVOCATION, 5)
        big.send(ERROR, INVOCATION, 5, {}, "e" * limit)
        small.expect(ERROR, CALL, r, {}, SIZE_ERROR)
        # an INVOCATION
        r = big.call("com.small", "x" * limit)
        big.expect(ERROR, CALL, r, {}, SIZE_ERROR)
        r = big.call("com.small", "x")
        m = small.expect(INVOCATION, 1, None, {}, ["x"])
        small.send(YIELD, 1, {}, ["y"])
        assert big.expect(RESULT, r)[3] == ["y"]


def ids_of_invocations_that_cannot_be_sent():
    """building_blocks, IDs: INVOCATIONs count 1, 2, 3... for the callee,
    whichever are too long for it"""
    rnd = random.Random(24)
    with client(maxlen_exp=0) as callee, client() as a, \
            client("sock") as b:
        callee.register("com.skip")
        for _ in range(20):
            callee_gets, too_long = [], []
            for c in (a, b):
                for i in range(10):
                    n = rnd.choice((1, 600))
                    r = c.call("com.skip", c is a, i, "x" * n)
                    (callee_gets if n == 1 else too_long).append((c, r, i))
            got = [callee.expect(INVOCATION) for _ in callee_gets]
            rnd.shuffle(got)
            want = {(c, r): [c is a, i] for c, r, i in callee_gets}
            for m in got:
                callee.send(YIELD, m[1], {}, m[4][:2])
            for c in (a, b):
                for _ in range(10):
                    m = c.recv()
                    if m[0] == RESULT:
                        assert m[3] == want.pop((c, m[1])), m
                    else:
                        assert m[4] == SIZE_ERROR, m
                        too_long.remove(next(
                            t for t in too_long if t[:2] == (c, m[2])))
            assert not want and not too_long
        # what was answered is over, what never came is an error
        callee.send(YIELD, 1, {}, ["again"])
        callee.send(ERROR, INVOCATION, callee.invocation, {}, "com.e")
        callee.publish("com.x")
        callee.send(YIELD, callee.invocation + 1, {})
        callee.expect_abort("wamp.error.protocol_violation")


def smallest_client():
    """RawSocket, Handshake: 512 octets are enough for a session"""
    with client(maxlen_exp=0) as c:
        c.subscribe("com.tiny")
        r = c.call("com.nowhere")
        c.expect(ERROR, CALL, r)
        c.send(CALL, c.next(), {}, "x" * 5000)
        c.expect(ERROR, CALL, 3)
        c.send(999)
        c.expect_abort("wamp.error.protocol_violation")


def sixteen_megabytes():
    """RawSocket, Framing: 16 MiB both ways with the 25th bit, WebSocket
    just as much"""
    top = 1 << 24
    sock = os.path.join(tmpdir(), "s")
    with Wampd("limits { message 16m  queue 128m }\n"
               'listen on socket "%s" mode 0666\n' % sock + REALM):
        def big(tr):
            return Strict(sock, transport=tr, serializer="msgpack",
                          timeout=30)
        with big("rawsocket") as rs, big("websocket") as ws:
            assert rs.router_max == top
            for caller, callee in ((rs, ws), (ws, rs), (rs, rs)):
                reg = callee.register("com.big")
                r = caller.call("com.big")
                i = callee.expect(INVOCATION)[1]
                m, text = exactly(top, lambda s: [YIELD, i, {}, s], callee)
                callee.send_raw(m)
                got = caller.expect(RESULT, r)
                assert got[3] == text
                assert len(caller.dumps(got)) == top
                r = callee.next()
                callee.send(UNREGISTER, r, reg)
                callee.expect(UNREGISTERED, r)
            # one more is an EVENT that RawSocket has no length for
            ws.subscribe("com.over")
            rs.subscribe("com.over")
            with big("websocket") as p:
                m, text = exactly(top, lambda s: [PUBLISH, 1, {}, "com.over",
                                                  s], p)
                p.send_raw(m)
                got = ws.expect(EVENT)
                assert got[4] == text
                if len(ws.dumps(got)) > top:
                    rs.expect_nothing(0.1)
                else:
                    rs.expect(EVENT)
                p.write(p.wsframe(2, b"")[:1] + b"\xff" +
                        struct.pack(">Q", top + 1) + b"\0\0\0\0")
                p.expect_closed()
                assert p.closecode == 1009
            rs.write(word(1, 0, 1) + m)
            rs.publish("com.x")
            assert rs.pongs == [m]
            rs.write(word(0, 1, 1) + b"x")
            rs.expect_closed()


# -- WebSocket --------------------------------------------------------------------

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def request(path="/", method="GET", version="HTTP/1.1", drop=(), **kw):
    headers = {"Host": "localhost", "Upgrade": "websocket",
               "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
               "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Protocol": "wamp.2.json"}
    headers.update({k.replace("_", "-"): v for k, v in kw.items()})
    out = "%s %s %s\r\n" % (method, path, version)
    for k, vs in headers.items():
        if k not in drop and vs is not None:
            for v in vs if isinstance(vs, list) else [vs]:
                out += "%s: %s\r\n" % (k, v)
    return (out + "\r\n").encode()


def ask(name, *args, **kw):
    """(status, headers, body) of an opening."""
    with connect(name) as s:
        s.sendall(request(*args, **kw))
        got = b""
        while b"\r\n\r\n" not in got:
            d = s.recv(4096)
            assert d, got
            got += d
        head, body = got.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        status = int(lines[0].split()[1])
        headers = {}
        for line in lines[1:]:
            k, v = line.split(": ", 1)
            assert k.lower() not in headers, lines
            headers[k.lower()] = v
        if status == 101:
            assert headers["upgrade"] == "websocket"
            assert headers["connection"] == "Upgrade"
            assert headers["sec-websocket-accept"] == ACCEPT
            assert "sec-websocket-extensions" not in headers
        else:
            body += until_end(s)        # every other answer closes
            assert "close" in headers["connection"], headers
            if kw.get("method") == "HEAD":
                assert body == b"" and int(headers["content-length"]) > 0
            else:
                assert len(body) == int(headers["content-length"]), headers
        return status, headers, body


def chosen(name="any", **kw):
    status, headers, _ = ask(name, **kw)
    return headers.get("sec-websocket-protocol", status)


def subprotocols():
    """building_blocks, WebSocket Transport: the client's first subprotocol
    that is ours (T98), batched ones are ignored (T97)"""
    ours = ["wamp.2.json", "wamp.2.msgpack", "wamp.2.cbor"]
    for n in (1, 2, 3):
        for offer in itertools.permutations(ours, n):
            assert chosen(Sec_WebSocket_Protocol=", ".join(offer)) == offer[0]
            assert chosen(Sec_WebSocket_Protocol=list(offer)) == offer[0]
            padded = ["wamp.2.json.batched", "wamp.2.msgpack.batched",
                      "wamp.2.cbor.batched", "wamp", "WAMP.2.JSON",
                      "wamp.2.ubjson", "wamp.2.flatbuffers"] + list(offer)
            assert chosen(Sec_WebSocket_Protocol=" ,".join(padded)) == \
                offer[0]
            want = "wamp.2.json" if "wamp.2.json" in offer else 400
            assert chosen("json",
                          Sec_WebSocket_Protocol=",".join(offer)) == want
    for offer in ("wamp.2.json.batched", "chat", "wamp.2.jso",
                  "wamp.2.json2", ""):
        assert chosen(Sec_WebSocket_Protocol=offer) == 400, offer
    assert ask("any", drop=("Sec-WebSocket-Protocol",))[0] == 400


def wrong_opcode():
    """building_blocks, WebSocket Transport: JSON is text, the others are
    binary"""
    with client(transport="websocket") as c, client() as w:
        assert c.http.lower().count("sec-websocket-protocol") == 1
        w.subscribe("com.opcode")
        m = c.dumps([PUBLISH, 1, {}, "com.opcode"])
        c.write(c.wsframe(2 if ser == "json" else 1, m))
        c.expect_closed()
        assert c.closecode in (1003, 1007), c.closecode
        w.expect_nothing(0.05)


def opcode_of_answers():
    """building_blocks, WebSocket Transport: ours are, too, each message
    one WebSocket message"""
    with client(transport="websocket", join=False) as c:
        c.send(HELLO, "realm1", ROLES)
        first = c.sock.recv(1, socket.MSG_PEEK)
        assert first == (b"\x81" if ser == "json" else b"\x82"), first
        c.expect(WELCOME)


def websocket_limits():
    """T95: WebSocket takes just "limits message", fragmented or not"""
    def build(s):
        return [PUBLISH, 1, {}, "com.limit", s]
    op = 1 if ser == "json" else 2
    with client() as w:
        w.subscribe("com.limit")
        for pieces in (1, 3):
            for size in (MESSAGE, MESSAGE + 1):
                with client(transport="websocket") as c:
                    m, text = exactly(size, build, c)
                    step = -(-size // pieces)
                    for i in range(0, size, step):
                        c.write(c.wsframe(0 if i else op, m[i:i + step],
                                          int(i + step >= size)))
                    if size == MESSAGE:
                        assert w.expect(EVENT)[4] == text
                        continue
                    c.expect_closed()
                    assert c.closecode == 1009, c.closecode
        w.expect_nothing(0.05)


def paths():
    """notes: unknown paths are 404, the right one without an upgrade 426"""
    for path in ("/", "/x", "/ws", "/ws?x=y", "/a%20b"):
        assert ask("any", path)[0] == 101, path
    for path in ("/ws", "/a/b", "/ws?token=1&x"):
        assert ask("path", path)[0] == 101, path
        status, headers, _ = ask("path", path, drop=("Upgrade",))
        assert status == 426 and headers["upgrade"] == "websocket"
        assert headers["sec-websocket-version"] == "13"
    for path in ("/", "/ws/", "/WS", "/w", "/ws2", "/a", "/a/b/c", "/%77s",
                 "//ws", "/x?/ws"):
        assert ask("path", path)[0] == 404, path
        assert ask("path", path, drop=("Upgrade",))[0] == 404, path


def origins():
    """notes: Origin absent, of the same host, of the list"""
    def status(name, origin, host="localhost"):
        return ask(name, Origin=origin, Host=host)[0]
    for origin, host, want in (
            (None, "localhost", 101), ("http://localhost", "localhost", 101),
            ("https://localhost", "localhost", 101),
            ("http://LOCALHOST", "localhost", 101),
            ("http://localhost:80", "localhost", 101),
            ("http://localhost", "localhost:80", 101),
            ("http://localhost:8080", "localhost:8080", 101),
            ("http://[::1]:8080", "[::1]:8080", 101),
            ("http://localhost:8080", "localhost:8081", 403),
            ("http://localhost", "localhost:8080", 403),
            ("https://localhost:80", "localhost", 403),
            ("http://evil.example", "localhost", 403),
            ("http://localhost.evil.example", "localhost", 403),
            ("http://xlocalhost", "localhost", 403),
            ("null", "localhost", 403), ("", "localhost", 403),
            ("localhost", "localhost", 403), ("file://", "localhost", 403),
            ("ftp://localhost", "localhost", 403),
            ("chrome-extension://localhost", "localhost", 403)):
        assert status("any", origin, host) == want, (origin, host)
    for origin, want in (
            (None, 101), ("https://app.example.org", 101),
            ("HTTPS://APP.example.ORG:443", 101),
            ("https://a.example.net", 101),
            ("https://a.b.example.net", 101),
            ("http://plain.example.org:8080", 101),
            ("http://plain.example.org", 403),
            ("https://example.net", 403), ("https://evilexample.net", 403),
            ("http://app.example.org", 403),
            ("https://app.example.org:8443", 403),
            ("https://app.example.org.evil", 403),
            ("http://localhost", 403), ("null", 403)):
        assert status("ws", origin) == want, origin
    for origin in (None, "null", "http://evil.example", "file://", "x"):
        assert status("json", origin) == 101, origin


def http_answers():
    """notes: every other request gets a short, correct answer"""
    for kw, want in (
            (dict(method="POST"), 405), (dict(method="OPTIONS"), 405),
            (dict(version="HTTP/1.0"), 505), (dict(version="HTTP/2.0"), 505),
            (dict(version="HTTP/1"), 400), (dict(drop=("Host",)), 400),
            (dict(Host=["a", "a"]), 400), (dict(path="x"), 400),
            (dict(path="http://localhost/"), 400),
            (dict(drop=("Upgrade",)), 426), (dict(Upgrade="h2c"), 426),
            (dict(drop=("Connection",)), 426),
            (dict(Connection="keep-alive"), 426),
            (dict(Connection="keep-alive, upgrade"), 101),
            (dict(Upgrade="WebSocket"), 101),
            (dict(method="HEAD"), 426),
            (dict(Sec_WebSocket_Version="8"), 426),
            (dict(drop=("Sec-WebSocket-Version",)), 400),
            (dict(drop=("Sec-WebSocket-Key",)), 400),
            (dict(Sec_WebSocket_Key="short"), 400),
            (dict(Content_Length="5"), 413), (dict(Content_Length="0"), 101),
            (dict(Transfer_Encoding="chunked"), 413),
            (dict(X="y" * 20000), 431),
            (dict(Sec_WebSocket_Extensions="permessage-deflate"), 101)):
        got = ask("any", **kw)
        assert got[0] == want, (kw, got)
        if want == 405:
            assert got[1]["allow"] == "GET, HEAD"
        if want == 426:
            assert got[1]["sec-websocket-version"] == "13"


# -- who comes by a Unix socket ----------------------------------------------------

AUTH = """
listen on socket "%(sock)s" mode 0666
listen on 127.0.0.1 port %(port)d
realm "com.mixed" {
	authenticate anonymous role "public"
	authenticate socket {
		user "games" role "player"
		group "audio" role "sound"
		user "daemon" authid "the-daemon" role "d"
	}
	authenticate socket {
		group "games" authid "gamer" role "player"
		user "root" role "admin"
	}
	role "public" { allow any }
	role "player" { allow any }
	role "sound" { allow any }
	role "d" { allow any }
	role "admin" { allow any }
}
realm "com.local" {
	authenticate socket {
		user "root" role "admin"
	}
	role "admin" { allow any }
}
realm "com.own" {
	authenticate socket {
		user "%(me)s" authid "myself" role "me"
	}
	authenticate anonymous role "public"
	role "me" { allow any }
	role "public" { allow any }
}
"""


def login(where, realm, methods, uid=None, gid=None, groups=()):
    """WELCOME's (method, authid, role) as another user, or the error."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if uid is not None:
                os.setgroups(list(groups))
                os.setgid(gid)
                os.setuid(uid)
            with Strict(where, join=False) as c:
                d = dict(ROLES, authid="root")
                if methods is not None:
                    d["authmethods"] = methods
                c.send(HELLO, realm, d)
                m = c.recv()
                out = [m[2]] if m[0] == ABORT else [
                    m[2][k] for k in ("authmethod", "authid", "authrole",
                                      "authprovider")]
        except BaseException as e:
            out = [repr(e)]
        os.write(w, json.dumps(out).encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        out = f.read()
    os.waitpid(pid, 0)
    return json.loads(out)


def is_anonymous(got, role):
    return got[0] == "anonymous" and got[2:] == [role, "static"] and \
        re.match(r"([3-9A-Y]{4}-){5}[3-9A-Y]{4}\Z", got[1]) is not None


def socket_of_oneself():
    """notes, authenticate socket: the user who runs this"""
    unix, tcp = auth["sock"], ("127.0.0.1", auth["port"])
    want = ["socket", "myself", "me", "static"]
    for methods, got in ((None, want), ([], want), (["socket"], want),
                         (["anonymous", "socket"], want),
                         (["nonsense", "socket"], want)):
        assert login(unix, "com.own", methods) == got, methods
    assert is_anonymous(login(unix, "com.own", ["anonymous"]), "public")
    none = ["wamp.error.no_matching_auth_method"]
    assert login(unix, "com.own", ["ticket"]) == none
    # nobody can tell who comes by TCP
    assert login(tcp, "com.own", ["socket"]) == none
    assert is_anonymous(login(tcp, "com.own", None), "public")
    assert is_anonymous(login(tcp, "com.own", ["socket", "anonymous"]),
                        "public")
    assert login(tcp, "com.local", None) == none
    assert login(tcp, "com.local", ["anonymous"]) == none


def socket_of_others():
    """notes, authenticate socket: users, groups, supplementary groups, the
    first line that fits"""
    if not IS_ROOT:
        raise Skip("only root can be somebody else")
    audio, games = (grp.getgrnam(g).gr_gid for g in ("audio", "games"))
    nobody = pwd.getpwnam("nobody")
    me = {n: pwd.getpwnam(n) for n in ("root", "games", "daemon")}
    none = ["wamp.error.no_matching_auth_method"]
    other = nobody.pw_gid
    for uid, gid, groups, methods, want in (
            (0, 0, (), None, ["root", "admin"]),
            (0, 0, (audio,), None, ["uid:0", "sound"]),
            (0, audio, (), None, ["uid:0", "sound"]),
            (0, 0, (games,), None, ["gamer", "player"]),
            (me["games"].pw_uid, games, (), None, ["games", "player"]),
            (me["games"].pw_uid, audio, (), None, ["games", "player"]),
            (me["daemon"].pw_uid, other, (), None, ["the-daemon", "d"]),
            (me["daemon"].pw_uid, other, (audio,), None,
             ["uid:%d" % me["daemon"].pw_uid, "sound"]),
            (nobody.pw_uid, games, (), None, ["gamer", "player"]),
            (nobody.pw_uid, other, (games,), None, ["gamer", "player"]),
            (nobody.pw_uid, other, (games, audio), None,
             ["uid:%d" % nobody.pw_uid, "sound"]),
            (nobody.pw_uid, other, (other, 40000, audio), ["socket"],
             ["uid:%d" % nobody.pw_uid, "sound"]),
            (nobody.pw_uid, other, (), None, None),
            (0, 0, (), ["anonymous"], None),
            (nobody.pw_uid, other, (), ["anonymous", "socket"], None)):
        got = login(auth["sock"], "com.mixed", methods, uid, gid, groups)
        if want is None:
            assert is_anonymous(got, "public"), got
        else:
            assert got == ["socket"] + want + ["static"], \
                (uid, gid, groups, got)
    for uid, realm, methods in ((nobody.pw_uid, "com.mixed", ["socket"]),
                                (nobody.pw_uid, "com.local", None),
                                (nobody.pw_uid, "com.local", ["anonymous"]),
                                (0, "com.local", ["anonymous"])):
        assert login(auth["sock"], realm, methods, uid, other) == none, realm
    # in more groups than wampd looks at: none of them counts
    many = tuple(range(50000, 50080)) + (audio,)
    assert is_anonymous(login(auth["sock"], "com.mixed", None,
                              nobody.pw_uid, other, many), "public")


EVERY_SERIALIZER = (
    frames_over_the_limit, before_welcome_messages_are_short,
    client_limit_of_events, client_limit_of_answers,
    ids_of_invocations_that_cannot_be_sent, smallest_client,
    wrong_opcode, opcode_of_answers, websocket_limits,
)
ONCE = (
    handshake_of_every_kind, handshake_reserved_octets, first_octets,
    handshake_in_pieces, frames_that_are_wrong, pings, own_pings,
    sixteen_megabytes, subprotocols, paths, origins, http_answers,
)
BY_SOCKET = (socket_of_oneself, socket_of_others)


def main():
    global ser
    only = sys.argv[1:]

    def run(cases, prefix=""):
        for f in cases:
            if not only or f.__name__ in only:
                t = time.monotonic()
                run_case(f, prefix)
                if os.environ.get("TIMES"):
                    print("%6.2f s %s" % (time.monotonic() - t, f.__name__))
    ports.update(sock=os.path.join(tmpdir(), "s"))
    for name in ("any", "rs", "ws", "path", "json"):
        ports[name] = free_port()
    with Wampd(CONF % ports):
        for ser in SERS:
            run(EVERY_SERIALIZER, ser + ": ")
        ser = "msgpack"
        run(ONCE)
    auth.update(sock=os.path.join(tmpdir(), "s"), port=free_port(),
                me=pwd.getpwuid(os.geteuid()).pw_name)
    with Wampd(AUTH % auth):
        run(BY_SOCKET)
    done()


if __name__ == "__main__":
    main()
