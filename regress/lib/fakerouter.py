#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
"""A small WAMP router for tests of clients: RawSocket and WebSocket over TCP,
TLS and Unix sockets, JSON, MessagePack and CBOR, the Basic Profile for
clients that behave.  A test may replace any step of it by a function of its
own to see what the client does with a router that does not behave.

    with FakeRouter(path="/tmp/x/sock") as r: ...
    with FakeRouter(port=0, tls=context) as r: ... r.port ...

hooks:
    on_connect(conn)        before the handshake; True: nothing more is done
    on_message(conn, msg)   a decoded message; True: handled
conn.send(msg) sends a message, conn.raw(octets) octets, conn.close() ends it.
"""
import asyncio
import base64
import hashlib
import json
import os
import random
import struct
import threading

import cbor2
import msgpack

SERIALIZERS = {1: "json", 2: "msgpack", 3: "cbor"}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def to_json(v):
    if isinstance(v, bytes):
        return "\0" + base64.b64encode(v).decode()
    if isinstance(v, (list, tuple)):
        return [to_json(x) for x in v]
    if isinstance(v, dict):
        return {k: to_json(x) for k, x in v.items()}
    return v


def from_json(v):
    if isinstance(v, str) and v.startswith("\0"):
        return base64.b64decode(v[1:])
    if isinstance(v, list):
        return [from_json(x) for x in v]
    if isinstance(v, dict):
        return {k: from_json(x) for k, x in v.items()}
    return v


def pack(ser, v):
    if ser == "json":
        return json.dumps(to_json(v), ensure_ascii=False).encode()
    if ser == "msgpack":
        return msgpack.packb(v, use_bin_type=True)
    return cbor2.dumps(v)


def unpack(ser, b):
    if ser == "json":
        return from_json(json.loads(b))
    if ser == "msgpack":
        return msgpack.unpackb(b, raw=False, strict_map_key=False)
    return cbor2.loads(b)


def ws_frame(op, payload, fin=True):
    n = len(payload)
    b0 = bytes([(0x80 if fin else 0) | op])
    if n < 126:
        return b0 + bytes([n]) + payload
    if n < 65536:
        return b0 + bytes([126]) + struct.pack(">H", n) + payload
    return b0 + bytes([127]) + struct.pack(">Q", n) + payload


def rs_frame(kind, payload):
    n = len(payload)
    return bytes([kind | (8 if n >> 24 else 0)]) + \
        struct.pack(">I", n & 0xffffff)[1:] + payload


class Closed(Exception):
    pass


class Conn:
    def __init__(self, router, reader, writer):
        self.router = router
        self.reader = reader
        self.writer = writer
        self.kind = None            # "rs" or "ws"
        self.ser = None
        self.client_max = 1 << 24
        self.messages = []          # all that came, decoded
        self.session = 0
        self.invocations = {}       # request -> (caller, request)
        self.next_invocation = 0
        self.close_code = None

    def raw(self, octets):
        self.writer.write(octets)

    def frame(self, payload):
        if self.kind == "rs":
            return rs_frame(0, payload)
        return ws_frame(1 if self.ser == "json" else 2, payload)

    def send(self, msg):
        self.raw(self.frame(pack(self.ser, msg)))

    def send_payload(self, octets):
        self.raw(self.frame(octets))

    def close(self):
        self.writer.close()

    async def handshake(self):
        first = await self.reader.readexactly(1)
        if first == b"\x7f":
            await self.handshake_rs()
        else:
            await self.handshake_ws(first)

    async def handshake_rs(self):
        rest = await self.reader.readexactly(3)
        self.kind = "rs"
        self.client_max = 1 << (9 + (rest[0] >> 4))
        self.ser = SERIALIZERS.get(rest[0] & 15)
        reply = self.router.rs_reply
        if reply is None:
            if self.ser not in self.router.serializers:
                self.raw(b"\x7f\x10\0\0")
                raise Closed
            reply = bytes([0x7f, self.router.rs_length << 4 | rest[0] & 15,
                           0, 0])
        self.raw(reply)

    async def handshake_ws(self, first):
        head = first + await self.reader.readuntil(b"\r\n\r\n")
        self.kind = "ws"
        lines = head.decode("latin-1").split("\r\n")
        self.request_line = lines[0]
        h = {}
        for line in lines[1:]:
            k, _, v = line.partition(":")
            h[k.strip().lower()] = v.strip()
        self.headers = h
        protos = [p.strip() for p in
                  h.get("sec-websocket-protocol", "").split(",")]
        for p in protos:
            if p.startswith("wamp.2.") and \
                    p[7:] in self.router.serializers:
                self.ser = p[7:]
                break
        if self.router.http_answer is not None:
            self.raw(self.router.http_answer)
            raise Closed
        if self.ser is None:
            self.raw(b"HTTP/1.1 400 Bad Request\r\n"
                     b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            raise Closed
        accept = base64.b64encode(hashlib.sha1(
            h["sec-websocket-key"].encode() + GUID).digest())
        self.raw(b"HTTP/1.1 101 Switching Protocols\r\n"
                 b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + accept + b"\r\n"
                 b"Sec-WebSocket-Protocol: wamp.2." + self.ser.encode() +
                 b"\r\n\r\n")

    async def next(self):
        while True:
            payload = await (self.next_rs() if self.kind == "rs"
                             else self.next_ws())
            if payload is not None:
                return unpack(self.ser, payload)

    async def next_rs(self):
        h = await self.reader.readexactly(4)
        n = (h[0] & 8) << 21 | struct.unpack(">I", b"\0" + h[1:])[0]
        payload = await self.reader.readexactly(n)
        if h[0] & 7 == 1:
            self.raw(rs_frame(2, payload))
        elif h[0] & 7 == 2:
            self.router.pongs.append(payload)
        return payload if h[0] & 7 == 0 else None

    async def next_ws(self):
        h = await self.reader.readexactly(2)
        assert h[1] & 0x80, "unmasked frame"
        n = h[1] & 0x7f
        if n == 126:
            n, = struct.unpack(">H", await self.reader.readexactly(2))
        elif n == 127:
            n, = struct.unpack(">Q", await self.reader.readexactly(8))
        mask = await self.reader.readexactly(4)
        data = await self.reader.readexactly(n)
        pad = (mask * (n // 4 + 1))[:n]
        data = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")) \
            .to_bytes(n, "big")
        op = h[0] & 15
        if op == 8:
            self.close_code = struct.unpack(">H", data[:2])[0] if data \
                else 0
            self.raw(ws_frame(8, data[:2]))
            raise Closed
        if op == 9:
            self.raw(ws_frame(10, data))
        elif op == 10:
            self.router.pongs.append(data)
        else:
            assert op == (1 if self.ser == "json" else 2), "wrong opcode"
        return data if op in (1, 2) else None


class FakeRouter:
    def __init__(self, path=None, port=None, host="127.0.0.1", tls=None,
                 sock=None, on_connect=None, on_message=None,
                 serializers=("json", "msgpack", "cbor"), rs_length=15,
                 rs_reply=None, http_answer=None, realms=("realm1",)):
        self.path, self.port, self.host, self.tls = path, port, host, tls
        self.sock = sock
        self.on_connect, self.on_message = on_connect, on_message
        self.serializers, self.rs_length = serializers, rs_length
        self.rs_reply, self.http_answer = rs_reply, http_answer
        self.realms = realms
        self.conns = []
        self.pongs = []
        self.errors = []
        self.subs = {}              # topic -> (id, [conn])
        self.regs = {}              # procedure -> (id, conn)
        self.changed = threading.Condition()

    # -- life ------------------------------------------------------------

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        if not self.ready.wait(10):
            raise RuntimeError("fake router does not start")
        return self

    def __exit__(self, *exc):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        if self.path is not None and os.path.exists(self.path):
            os.unlink(self.path)

    def run(self):
        asyncio.set_event_loop(self.loop)
        limit = 1 << 20
        if self.sock is not None:
            start = asyncio.start_unix_server(self.serve, sock=self.sock,
                                              limit=limit)
        elif self.path is not None:
            start = asyncio.start_unix_server(self.serve, self.path,
                                              limit=limit)
        else:
            start = asyncio.start_server(self.serve, self.host, self.port,
                                         ssl=self.tls, limit=limit)
        self.loop.set_exception_handler(lambda loop, ctx: None)
        server = self.loop.run_until_complete(start)
        if self.path is None and self.sock is None:
            self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        for conn in self.conns:
            conn.writer.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def call(self, fn, *args):
        """Run fn in the router's thread and return what it returns."""
        async def wrapped():
            return fn(*args)
        return asyncio.run_coroutine_threadsafe(
            wrapped(), self.loop).result(10)

    def wait(self, predicate, seconds=10):
        """Wait until something the clients did makes predicate() true."""
        with self.changed:
            return self.changed.wait_for(predicate, seconds)

    def notify(self):
        with self.changed:
            self.changed.notify_all()

    async def serve(self, reader, writer):
        conn = Conn(self, reader, writer)
        self.conns.append(conn)
        self.notify()
        try:
            if self.on_connect is not None and self.on_connect(conn):
                while await reader.read(65536):
                    pass
                return
            await conn.handshake()
            while True:
                msg = await conn.next()
                conn.messages.append(msg)
                self.handle(conn, msg)
                self.notify()
                await writer.drain()
        except (Closed, asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as e:
            self.errors.append(repr(e))
        finally:
            self.forget(conn)
            conn.closed = True
            writer.close()
            self.notify()

    # -- the Basic Profile, in short -------------------------------------

    def forget(self, conn):
        for _, conns in self.subs.values():
            if conn in conns:
                conns.remove(conn)
        for name in [n for n, (_, c) in self.regs.items() if c is conn]:
            del self.regs[name]
        for caller, request in conn.invocations.values():
            caller.send([8, 48, request, {}, "wamp.error.canceled"])
        conn.invocations = {}

    def handle(self, conn, m):
        if self.on_message is not None and self.on_message(conn, m):
            return
        fn = {1: self.hello, 6: self.goodbye, 16: self.publish,
              32: self.subscribe, 48: self.do_call, 64: self.register,
              70: self.do_yield, 8: self.error, 3: self.abort}[m[0]]
        fn(conn, m)

    def hello(self, conn, m):
        if m[1] not in self.realms:
            conn.send([3, {"message": "no realm " + m[1]},
                       "wamp.error.no_such_realm"])
            conn.close()
            return
        conn.session = random.randint(1, 2**53)
        conn.send([2, conn.session, {"roles": {"broker": {}, "dealer": {}}}])

    def goodbye(self, conn, m):
        conn.send([6, {}, "wamp.close.goodbye_and_out"])

    def abort(self, conn, m):
        conn.close()

    def publish(self, conn, m):
        pub = random.randint(1, 2**53)
        if m[3].startswith("com.example.denied"):
            conn.send([8, 16, m[1], {}, "wamp.error.not_authorized",
                       ["no"]])
            return
        for c in self.subs.get(m[3], (0, []))[1]:
            if c is not conn:
                c.send([36, self.subs[m[3]][0], pub, {}] + m[4:])
        if m[2].get("acknowledge") is True:
            conn.send([17, m[1], pub])

    def subscribe(self, conn, m):
        sub = self.subs.setdefault(m[3], (random.randint(1, 2**53), []))
        sub[1].append(conn)
        conn.send([33, m[1], sub[0]])

    def register(self, conn, m):
        if m[3] in self.regs:
            conn.send([8, 64, m[1], {},
                       "wamp.error.procedure_already_exists"])
            return
        self.regs[m[3]] = (random.randint(1, 2**53), conn)
        conn.send([65, m[1], self.regs[m[3]][0]])

    def do_call(self, conn, m):
        if m[3] == "com.example.echo":
            conn.send([50, m[1], {}] + m[4:])
        elif m[3] == "com.example.add":
            conn.send([50, m[1], {}, [sum(m[4])]])
        elif m[3] in self.regs:
            reg, callee = self.regs[m[3]]
            callee.next_invocation += 1
            callee.invocations[callee.next_invocation] = (conn, m[1])
            callee.send([68, callee.next_invocation, reg, {}] + m[4:])
        else:
            conn.send([8, 48, m[1], {}, "wamp.error.no_such_procedure",
                       ["no procedure " + m[3]]])

    def do_yield(self, conn, m):
        caller, request = conn.invocations.pop(m[1])
        caller.send([50, request, {}] + m[3:])

    def error(self, conn, m):
        caller, request = conn.invocations.pop(m[2])
        caller.send([8, 48, request] + m[3:])
