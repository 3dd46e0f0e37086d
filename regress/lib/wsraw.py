# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
"""
WebSocket frames by hand, right and wrong ones, over asyncio; and as much of
WAMP on top as a test needs to see what a router makes of them.
"""
import asyncio
import base64
import collections
import hashlib
import json
import os
import re

import msgpack

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Unexpected(Exception):
    """The peer did something else than what the test waits for."""


def mask(key, data):
    n = len(data)
    pad = (key * (n // 4 + 1))[:n]
    return (int.from_bytes(data, "big") ^
            int.from_bytes(pad, "big")).to_bytes(n, "big")


def header(op, n, fin=1, rsv=0, masked=True, form=None):
    """form: None (shortest), 16 or 64 for the length's form."""
    if form is None:
        form = 7 if n < 126 else 16 if n < 65536 else 64
    first = bytes([fin << 7 | rsv << 4 | op])
    bit = 0x80 if masked else 0
    if form == 7:
        return first + bytes([bit | n])
    if form == 16:
        return first + bytes([bit | 126]) + n.to_bytes(2, "big")
    return first + bytes([bit | 127]) + n.to_bytes(8, "big")


def frame(op, payload=b"", fin=1, rsv=0, masked=True, form=None):
    h = header(op, len(payload), fin, rsv, masked, form)
    if not masked:
        return h + payload
    key = os.urandom(4)
    return h + key + mask(key, payload)


def T(payload=b"", **kw):
    return frame(TEXT, payload, **kw)


def B(payload=b"", **kw):
    return frame(BINARY, payload, **kw)


def C(payload=b"", **kw):
    return frame(CONT, payload, **kw)


def P(payload=b"", **kw):
    return frame(PING, payload, **kw)


def O(payload=b"", **kw):
    return frame(PONG, payload, **kw)


def X(code=None, reason=b"", **kw):
    if code is None:
        return frame(CLOSE, reason, **kw)
    return frame(CLOSE, code.to_bytes(2, "big") + reason, **kw)


def fragments(op, data, size):
    """
    data in frames of size octets; as Autobahn does it, an empty last frame
    follows when the size divides the length.
    """
    out = []
    for i in range(0, len(data) + 1, size):
        out.append(frame(op if i == 0 else CONT, data[i:i + size],
                         fin=int(i + size > len(data))))
    return out


class Frames(asyncio.Protocol):
    """
    What a server sends, as a queue of events: ("message", op, payload),
    ("ping", payload), ("pong", payload), ("close", code or None, reason),
    ("eof",), ("reset",).  The server's frames are checked: ("bad", why).
    """

    def __init__(self):
        self.buf = bytearray()
        self.events = collections.deque()
        self.wake = None
        self.head = None
        self.parts = None
        self.transport = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.ended = False

    # asyncio's side
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buf += data
        if self.head is None:
            end = self.buf.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head = bytes(self.buf[:end + 4])
            del self.buf[:end + 4]
            self.put("head", self.head)
            if not self.head.startswith(b"HTTP/1.1 101 "):
                return
        if self.head.startswith(b"HTTP/1.1 101 "):
            while self.parse():
                pass

    def eof_received(self):
        self.end("eof")

    def connection_lost(self, exc):
        self.end("reset" if exc else "eof")
        self.writable.set()

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def end(self, how):
        if not self.ended:
            self.ended = True
            self.put(how)

    def put(self, *event):
        self.events.append(event)
        if self.wake is not None and not self.wake.done():
            self.wake.set_result(None)

    def parse(self):
        b = self.buf
        if len(b) < 2:
            return False
        n, at = b[1] & 0x7f, 2
        if n == 126:
            n, at = int.from_bytes(b[2:4], "big"), 4
        elif n == 127:
            n, at = int.from_bytes(b[2:10], "big"), 10
        if len(b) < at or len(b) < at + n:
            return False
        first, second = b[0], b[1]
        payload = bytes(memoryview(b)[at:at + n])
        del b[:at + n]
        op, fin = first & 0x0f, first >> 7
        if first & 0x70 or second & 0x80:
            self.put("bad", "reserved bits, or a mask: %02x%02x" %
                     (first, second))
        elif at == 4 and n < 126 or at == 10 and n < 65536:
            self.put("bad", "length not in the shortest form")
        elif op >= 8 and (not fin or n > 125 or op > PONG):
            self.put("bad", "control frame %02x%02x" % (first, second))
        elif op == PING:
            self.put("ping", payload)
        elif op == PONG:
            self.put("pong", payload)
        elif op == CLOSE:
            code = int.from_bytes(payload[:2], "big") if n else None
            if n == 1 or code in (0, 1005, 1006, 1015):
                self.put("bad", "Close with " + payload.hex())
            payload[2:].decode()
            self.put("close", code, payload[2:])
        elif op == CONT and self.parts is None or op > BINARY or \
                op != CONT and self.parts is not None:
            self.put("bad", "frame %02x%02x" % (first, second))
        else:
            if op != CONT:
                self.parts = [op]
            self.parts.append(payload)
            if fin:
                op, parts = self.parts[0], self.parts[1:]
                self.parts = None
                self.put("message", op, b"".join(parts))
        return True


class Conn:
    """A WebSocket connection of a WAMP client that may misbehave."""

    PROTOCOLS = {"json": "wamp.2.json", "msgpack": "wamp.2.msgpack"}

    def __init__(self, ser):
        self.ser = ser
        self.io = None
        self.op = TEXT if ser == "json" else BINARY

    async def connect(self, port, path="/", extra="", timeout=20):
        loop = asyncio.get_running_loop()
        _, self.io = await loop.create_connection(Frames, "127.0.0.1", port)
        key = base64.b64encode(os.urandom(16))
        self.io.transport.write((
            "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: %s\r\n%s\r\n" %
            (path, port, key.decode(), self.PROTOCOLS[self.ser],
             extra)).encode())
        event = await self.event(timeout)
        head = event[1].decode("latin1") if event[0] == "head" else event[0]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        want = {"upgrade": "websocket", "sec-websocket-accept": accept,
                "sec-websocket-protocol": self.PROTOCOLS[self.ser]}
        got = {k.lower(): v for k, v in
               re.findall(r"^([^:\r\n]+): *([^\r\n]*)\r$", head, re.M)}
        if not head.startswith("HTTP/1.1 101 ") or \
                any(got.get(k) != v for k, v in want.items()) or \
                "sec-websocket-extensions" in got:
            raise Unexpected("handshake: %r" % head)

    # Writing: each call of write() is a send(2) if the socket takes it.
    async def write(self, data):
        await self.io.writable.wait()
        if not self.io.transport.is_closing():
            self.io.transport.write(data)

    async def chop(self, data, n):
        for i in range(0, len(data), n):
            await self.write(data[i:i + n])
            await asyncio.sleep(0)

    async def message(self, msg):
        await self.write(frame(self.op, self.encode(msg)))

    def close(self):
        if self.io is not None:
            self.io.transport.abort()

    # Reading
    async def event(self, timeout):
        """The next event; pings of the server's are answered on the way."""
        io = self.io
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            while io.events:
                event = io.events.popleft()
                if event[0] == "ping":
                    await self.write(O(event[1]))
                    continue
                return event
            if io.ended:
                return ("eof",)
            io.wake = loop.create_future()
            try:
                await asyncio.wait_for(io.wake, deadline - loop.time())
            except asyncio.TimeoutError:
                return ("nothing within %g s" % timeout,)

    async def wamp(self, timeout):
        """The next event, which must be a WAMP message."""
        event = await self.event(timeout)
        if event[0] != "message":
            raise Unexpected("got %s, want a message" % show(event))
        return self.decode(event)

    def encode(self, msg):
        if self.ser == "json":
            return json.dumps(msg, separators=(",", ":"),
                              ensure_ascii=False).encode()
        return msgpack.packb(msg)

    def decode(self, event):
        if event[1] != self.op:
            raise Unexpected("message with opcode %d" % event[1])
        if self.ser == "json":
            return json.loads(event[2].decode())
        return msgpack.unpackb(event[2], max_bin_len=1 << 26,
                               max_str_len=1 << 26)


def show(event):
    """An event in short."""
    if event[0] == "message":
        return "message of %d octets %r" % (len(event[2]), event[2][:60])
    return " ".join(e if isinstance(e, str) else repr(e) for e in event)
