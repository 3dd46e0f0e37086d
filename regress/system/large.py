# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Long messages, which are read to where they stay and passed on by
# reference: from every transport and serializer to every other, of lengths
# where one way ends and another begins, with small ones between.

import itertools
import os
import struct

from daemon import Wampd, done, run_case, tmpdir
from wampclient import *

CONF = """
listen on socket $sock mode 0666
limits { message 16m  queue 64m }
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
"""
WAYS = list(itertools.product(("rawsocket", "websocket"),
                              ("json", "msgpack", "cbor")))
LENGTHS = (2047, 2048, 32767, 32768, 65300, 65400, 65472, 65488, 65520,
           65536, 70000, 262144, 1048576)
sock = None


class Masking(Client):
    """masks what is long, too, in frames of their own of a third"""
    def frame(self, payload):
        if self.transport == "rawsocket":
            return Client.frame(self, payload)
        n = len(payload) // 3 + 1
        parts = [payload[i:i + n] for i in range(0, len(payload), n)]
        out = b""
        for i, part in enumerate(parts):
            mask = os.urandom(4)
            key = (mask * (len(part) // 4 + 1))[:len(part)]
            octets = int.from_bytes(part, "big") ^ int.from_bytes(key, "big")
            op = 0 if i > 0 else 1 if self.ser == "json" else 2
            out += bytes([op | (0x80 if i == len(parts) - 1 else 0)])
            out += bytes([0xff]) + struct.pack(">Q", len(part)) \
                if len(part) > 65535 else \
                bytes([0xfe]) + struct.pack(">H", len(part)) \
                if len(part) > 125 else bytes([0x80 | len(part)])
            out += mask + octets.to_bytes(len(part), "big")
        return out


def client(transport, ser, kind=Client):
    return kind(sock, transport=transport, serializer=ser, timeout=20)


def text(n):
    """no two parts of it are alike, and not all of it is ASCII"""
    s = "".join("%d\u00e4" % i for i in range(n // 6 + 1))
    return s.encode()[:n].decode(errors="ignore")


def events():
    """large events between all transports and serializers, in order"""
    subs = {}
    for who in WAYS:
        subs[who] = client(*who)
        subs[who].subscribe("com.large")
    for who in WAYS:
        for kind in (Client, Masking):
            with client(*who, kind) as p:
                for n in LENGTHS:
                    big = text(n)
                    p.publish("com.large", n)
                    p.publish("com.large", big, key=[n])
                    p.publish("com.large", -n)
                    for whom, c in subs.items():
                        assert c.expect(EVENT)[4] == [n], (who, whom, n)
                        m = c.expect(EVENT)
                        assert m[4] == [big] and m[5] == {"key": [n]}, \
                            (who, whom, n)
                        assert c.expect(EVENT)[4] == [-n], (who, whom, n)
    for c in subs.values():
        c.close()


def calls():
    """large arguments, results and errors"""
    for i, (a, b) in enumerate(itertools.product(WAYS, WAYS)):
        n = LENGTHS[i % len(LENGTHS)]
        with client(*a) as caller, client(*b, Masking) as callee:
            callee.register("com.large")
            r = caller.call("com.large", text(n), k=text(n + 1))
            m = callee.expect(INVOCATION, 1)
            assert m[4:] == [[text(n)], {"k": text(n + 1)}], (a, b, n)
            callee.send(YIELD, 1, {}, [text(n + 2)], {"k": 1})
            m = caller.expect(RESULT, r)
            assert m[3:] == [[text(n + 2)], {"k": 1}], (a, b, n)
            r = caller.call("com.large")
            callee.expect(INVOCATION, 2)
            callee.send(ERROR, INVOCATION, 2, {}, "com.error", [text(n + 3)])
            m = caller.expect(ERROR, CALL, r, None, "com.error")
            assert m[5] == [text(n + 3)], (a, b, n)


def many_under_way():
    """several of them under way in all directions, nothing gets mixed up"""
    with client("rawsocket", "msgpack") as c, \
            client("websocket", "msgpack") as d:
        for s in (c, d):
            s.subscribe("com.many")
        ps = [client(*who) for who in WAYS]
        for round in range(3):
            for i, p in enumerate(ps):
                p.send(PUBLISH, p.next(), {}, "com.many",
                       [i, round, text(300000 + i * 1000 + round)])
        for s in (c, d):
            last = [-1] * len(ps)
            for _ in range(3 * len(ps)):
                i, round, got = s.expect(EVENT)[4]
                assert got == text(300000 + i * 1000 + round)
                assert round == last[i] + 1
                last[i] = round
        for p in ps:
            p.close()


def not_what_it_says():
    """a large payload with an error at its very end is refused"""
    with client("rawsocket", "json") as c:
        c.subscribe("com.bad")
        for who, end in (("rawsocket", b'\xff"]]'), ("websocket", b'"]},]')):
            p = client(who, "json")
            p.send_raw(b'[16,1,{},"com.bad",["' + b"x" * 200000 + end)
            try:
                p.expect_abort("wamp.error.protocol_violation")
            except Closed:
                assert p.closecode == 1007, p.closecode
            p.close()
        c.expect_nothing(0.1)


def main():
    global sock
    sock = os.path.join(tmpdir(), "s")
    with Wampd(CONF, macros={"sock": sock}):
        for f in (events, calls, many_under_way, not_what_it_says):
            run_case(f)
    done()


if __name__ == "__main__":
    main()
