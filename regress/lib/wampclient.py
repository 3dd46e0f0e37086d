# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A WAMP client for tests that sends exactly what it is told and shows
# exactly what came: no state machine of its own, blocking, one thread.

import base64
import json
import os
import socket
import ssl
import struct
import time

import cbor2
import msgpack

HELLO, WELCOME, ABORT, CHALLENGE, AUTHENTICATE, GOODBYE, ERROR = \
    1, 2, 3, 4, 5, 6, 8
PUBLISH, PUBLISHED, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED, \
    EVENT = 16, 17, 32, 33, 34, 35, 36
CALL, CANCEL, RESULT = 48, 49, 50
REGISTER, REGISTERED, UNREGISTER, UNREGISTERED, INVOCATION, INTERRUPT, \
    YIELD = 64, 65, 66, 67, 68, 69, 70

ROLES = {"roles": {"publisher": {}, "subscriber": {}, "caller": {},
                   "callee": {}}}

SERIALIZERS = {
    "json": (1, lambda m: json.dumps(m).encode(), json.loads),
    "msgpack": (2, lambda m: msgpack.packb(m, use_bin_type=True),
                lambda b: msgpack.unpackb(b, raw=False,
                                          strict_map_key=False)),
    "cbor": (3, cbor2.dumps, cbor2.loads),
}


class Closed(Exception):
    """The router ended the connection."""


class Client:
    """transport: "rawsocket" or "websocket"; address: path or (host, port);
    tls: an ssl.SSLContext or None; source: an address to connect from."""

    def __init__(self, address, transport="rawsocket", serializer="msgpack",
                 tls=None, realm="realm1", join=True, timeout=5,
                 maxlen_exp=15, server_hostname="localhost", details=None,
                 path="/", origin=None, host=None, source=None):
        self.timeout = timeout
        self.ser = serializer
        self.number, self.dumps, self.loads = SERIALIZERS[serializer]
        self.transport = transport
        self.buf = b""
        self.request = 0
        self.id = None
        self.welcome = None
        self.pongs = []
        self.pings = []
        self.closecode = None
        self.opcode = None      # of the last message of a WebSocket
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if source is not None:
            self.sock.bind((source, 0))
        self.sock.connect(address)
        if self.sock.family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock,
                                        server_hostname=server_hostname)
        if transport == "rawsocket":
            self._rawsocket(maxlen_exp)
        elif transport == "websocket":
            self._websocket(path, origin, host)
        if join:
            self.join(realm, details)

    # -- octets ------------------------------------------------------------

    def _read(self, n, deadline):
        while len(self.buf) < n:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing came")
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError) as e:
                raise Closed(str(e))
            except socket.timeout:
                raise TimeoutError("nothing came")
            if not data:
                raise Closed("end of stream")
            self.buf += data
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def write(self, data):
        self.sock.settimeout(self.timeout)
        self.sock.sendall(data)

    def _rawsocket(self, maxlen_exp):
        self.write(bytes([0x7f, maxlen_exp << 4 | self.number, 0, 0]))
        reply = self._read(4, time.monotonic() + self.timeout)
        if reply[0] != 0x7f or reply[1] & 15 != self.number:
            raise Closed("handshake refused: " + reply.hex())
        self.router_max = 1 << ((reply[1] >> 4) + 9)

    def _websocket(self, path, origin, host):
        key = base64.b64encode(os.urandom(16)).decode()
        name = {"json": "wamp.2.json", "msgpack": "wamp.2.msgpack",
                "cbor": "wamp.2.cbor"}[self.ser]
        req = ("GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
               "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
               "Sec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Protocol: %s\r\n" %
               (path, host or "localhost", key, name))
        if origin is not None:
            req += "Origin: %s\r\n" % origin
        self.write((req + "\r\n").encode())
        deadline = time.monotonic() + self.timeout
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._read(1, deadline)
        self.http = head.decode()
        if " 101 " not in self.http.split("\r\n")[0]:
            raise Closed("upgrade refused: " + self.http.split("\r\n")[0])

    # -- frames ------------------------------------------------------------

    def frame(self, payload):
        if self.transport == "rawsocket":
            if len(payload) == 1 << 24:
                return struct.pack(">I", 1 << 27) + payload
            return struct.pack(">I", len(payload)) + payload
        return self.wsframe(1 if self.ser == "json" else 2, payload)

    @staticmethod
    def wsframe(opcode, payload, fin=1):
        head = bytes([fin << 7 | opcode])
        n = len(payload)
        if n < 126:
            head += bytes([0x80 | n])
        elif n < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", n)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", n)
        mask = os.urandom(4)
        if n > 4096:
            mask = b"\0\0\0\0"
            return head + mask + payload
        return head + mask + bytes(b ^ mask[i % 4]
                                   for i, b in enumerate(payload))

    def send(self, *msg):
        """One message: send(SUBSCRIBE, 1, {}, "com.example")."""
        self.write(self.frame(self.dumps(list(msg))))

    def send_raw(self, payload):
        self.write(self.frame(payload))

    def recv_raw(self, timeout=None):
        """Octets of the next message; pings are answered, pongs kept."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            if self.transport == "rawsocket":
                (word,) = struct.unpack(">I", self._read(4, deadline))
                kind = word >> 24 & 7
                n = word & 0xffffff if not word >> 27 & 1 else 1 << 24
                data = self._read(n, deadline)
                if kind == 0:
                    return data
                if kind == 1:
                    self.pings.append(data)
                    self.write(struct.pack(">I", 2 << 24 | n) + data)
                else:
                    self.pongs.append(data)
                continue
            b0, b1 = self._read(2, deadline)
            n = b1 & 127
            if n == 126:
                (n,) = struct.unpack(">H", self._read(2, deadline))
            elif n == 127:
                (n,) = struct.unpack(">Q", self._read(8, deadline))
            data = self._read(n, deadline)
            op = b0 & 15
            if op in (1, 2):
                self.opcode = op
                return data
            if op == 8:
                if n >= 2:
                    (self.closecode,) = struct.unpack(">H", data[:2])
                raise Closed("Close %s" % self.closecode)
            if op == 9:
                self.pings.append(data)
                self.write(self.wsframe(10, data))
            else:
                self.pongs.append(data)

    def recv(self, timeout=None):
        return self.loads(self.recv_raw(timeout))

    def expect(self, code, *rest, timeout=None):
        """The next message, which must be of that type and begin so; None
        stands for anything."""
        m = self.recv(timeout)
        want = [code] + list(rest)
        for i, w in enumerate(want):
            if w is not None and (i >= len(m) or m[i] != w):
                raise AssertionError("got %r, want %r" % (m, want))
        return m

    def expect_nothing(self, timeout=0.3):
        try:
            m = self.recv(timeout)
        except TimeoutError:
            return
        raise AssertionError("got %r, want nothing" % (m,))

    def expect_closed(self, timeout=None):
        """The connection ends without another message."""
        try:
            m = self.recv(timeout)
        except Closed:
            return
        raise AssertionError("got %r, want the end" % (m,))

    def expect_abort(self, reason, timeout=None):
        m = self.expect(ABORT, None, reason, timeout=timeout)
        self.expect_closed(timeout)
        return m

    # -- sessions ----------------------------------------------------------

    def join(self, realm="realm1", details=None):
        self.send(HELLO, realm, dict(ROLES, **(details or {})))
        m = self.recv()
        if m[0] != WELCOME:
            raise AssertionError("not welcome: %r" % (m,))
        self.id = m[1]
        self.welcome = m[2]
        self.request = 0
        return m

    def next(self):
        self.request += 1
        return self.request

    def subscribe(self, topic, options=None):
        r = self.next()
        self.send(SUBSCRIBE, r, options or {}, topic)
        return self.expect(SUBSCRIBED, r)[2]

    def unsubscribe(self, sub):
        r = self.next()
        self.send(UNSUBSCRIBE, r, sub)
        self.expect(UNSUBSCRIBED, r)

    def publish(self, topic, *args, **kwargs):
        """Acknowledged; returns the publication id."""
        r = self.next()
        m = [PUBLISH, r, {"acknowledge": True}, topic]
        if args or kwargs:
            m.append(list(args))
        if kwargs:
            m.append(kwargs)
        self.send(*m)
        return self.expect(PUBLISHED, r)[2]

    def register(self, procedure, options=None):
        r = self.next()
        self.send(REGISTER, r, options or {}, procedure)
        return self.expect(REGISTERED, r)[2]

    def call(self, procedure, *args, **kwargs):
        """Only sends; returns the request id."""
        r = self.next()
        m = [CALL, r, {}, procedure]
        if args or kwargs:
            m.append(list(args))
        if kwargs:
            m.append(kwargs)
        self.send(*m)
        return r

    def goodbye(self):
        self.send(GOODBYE, {}, "wamp.close.normal")
        self.expect(GOODBYE, None, "wamp.close.goodbye_and_out")

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
