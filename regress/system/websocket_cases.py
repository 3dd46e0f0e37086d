# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
"""
The cases of the Autobahn testsuite by their numbers (301 of them), restated
for a WAMP router: where the testsuite waits for an echo, a client here
publishes to itself and to a witness.  A line a case, and "x" cases for what
the testsuite leaves out.

Arguments, if any, are numbers or beginnings of numbers of cases.
ROUTER=port,logfile in the environment: use a router that runs already.
"""
import asyncio
import collections
import contextlib
import os
import sys

import msgpack

from daemon import Wampd, free_port
from wsraw import (B, BINARY, C, CONT, Conn, O, P, T, TEXT, Unexpected, X,
                   fragments, frame, header)
from wsrun import (BUSY, HUGE, NORMAL, SOON, Run, Witness, World, aborts,
                   alive, closes, event, fails, leave, pause, pong, wait,
                   welcome)

MAXMSG = 16777216
CONFIG = """
log verbose
limits {
	connections 4000
	connections per address 4000
	message 16m
	queue 128m
	memory 1g
	complete 300s
	hello 60s
	ping every 300s timeout 300s
}
listen on 127.0.0.1 port %d only websocket
realm "cases" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
"""


@contextlib.contextmanager
def router():
    """Gives port and path of the log."""
    if os.environ.get("ROUTER"):
        port, log = os.environ["ROUTER"].split(",")
        yield int(port), log
        return
    port = free_port()
    with Wampd(CONFIG % port) as w:
        yield port, w.log_path


# The table.  A row: number, phases, serializer, and a function from the run
# to its steps; several rows may have one number.

ROWS = []


def row(number, phases, make, ser="json", abreast=NORMAL, timeout=SOON):
    """abreast: how many of such runs at a time."""
    for phase in phases:
        ROWS.append((number, phase, ser, make, abreast, timeout))


def each(sep, *frames):
    """Frames with a step between them."""
    out = []
    for f in frames:
        out += [f, sep]
    return out


def ways(number, phases, make, **kw):
    """
    Three cases in a row: at once, each frame its own write, octet by octet.
    make gives frames for the first part and steps for the rest.
    """
    base, first = number.rsplit(".", 1)
    for i, way in enumerate(("", "/", "~")):
        def steps(r, way=way):
            sent, rest = make(r)
            if way == "/":
                sent = each(pause, *sent)
            if way == "~":
                return [1, *sent, *rest]
            return [*sent, *rest]
        row("%s.%d" % (base, int(first) + i), phases, steps, **kw)


HW = b"Hello, world!"
PB = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
BAD = bytes.fromhex("cebae1bdb9cf83cebcceb5eda080656469746564")
K = bytes.fromhex("cebae1bdb9cf83cebcceb5")
U = bytes.fromhex("48656c6c6f2dc2b540c39fc3b6c3a4c3bcc3a0c3a12d5554462d382121")


def echo(n, size=None, chop=None, fill=b"*", last=alive):
    """A message of n octets comes back: in frames of size, in chops."""
    def steps(r):
        q, data = r.msg(n, fill)
        sent = [r.M(q)] if size is None else fragments(r.conn.op, q, size)
        return [chop, *sent, 0, event(data), last]
    return steps


def group1():
    for i, n in enumerate((125, 126, 127, 128, 65535, 65536)):
        row("1.1.%d" % (i + 2), "S", echo(n))
        row("1.2.%d" % (i + 2), "S", echo(n, fill=b"\xfe"), ser="msgpack")
    row("1.1.1", "HS", lambda r: [T(), aborts])
    row("1.2.1", "HS", lambda r: [B(), aborts], ser="msgpack")
    row("1.1.8", "S", echo(65536, chop=997))
    row("1.2.8", "S", echo(65536, chop=997, fill=b"\xfe"), ser="msgpack")


def group2():
    def ten(chop):
        return lambda r: [
            chop, *[P(b"payload-%d" % i) for i in range(10)], 0,
            *[pong(b"payload-%d" % i) for i in range(10)], alive]

    for number, payload in (("2.1", b""), ("2.2", HW), ("2.3", PB),
                            ("2.4", b"\xfe" * 125)):
        row(number, "HS", lambda r, p=payload: [P(p), pong(p), alive])
    row("2.3", "HS", lambda r: [P(PB), pong(PB), alive], ser="msgpack")
    row("2.5", "HS", lambda r: [P(b"\xfe" * 126), fails(1002)])
    row("2.6", "HS", lambda r: [1, P(b"\xfe" * 125), 0,
                                pong(b"\xfe" * 125), alive])
    row("2.7", "HS", lambda r: [O(), X(1000), closes(1000)])
    row("2.8", "HS", lambda r: [O(b"unsolicited pong payload"), X(1000),
                                closes(1000)])
    row("2.9", "HS", lambda r: [
        O(b"unsolicited pong payload"), P(b"ping payload"),
        pong(b"ping payload"), alive])
    row("2.10", "HS", ten(None))
    row("2.11", "HS", ten(1))


def good_then(bad, sep=None, chop=None):
    """T(Q), a bad frame around Q2, P(): Q is published, nothing else."""
    def steps(r):
        q, data = r.msg(60)
        q2, _ = r.msg(60, b"+")
        return [chop, *each(sep, r.M(q), bad(q2), P()),
                fails(1002, seen=[data])]
    return steps


def group3():
    def one(frames):
        """frames: from the HELLO in H, from a PUBLISH in S."""
        return lambda r: [frames(r.hello if r.phase == "H"
                                 else r.msg(60)[0]), fails(1002)]

    row("3.1", "HS", one(lambda q: T(q, rsv=1)))
    row("3.2", "S", good_then(lambda q: T(q, rsv=2)))
    row("3.3", "S", good_then(lambda q: T(q, rsv=3), sep=pause))
    row("3.4", "S", good_then(lambda q: T(q, rsv=4), chop=1))
    row("3.5", "HS", one(lambda q: B(q, rsv=5)), ser="msgpack")
    row("3.6", "HS", one(lambda q: B(q, rsv=6)), ser="msgpack")
    row("3.6", "HS", one(lambda q: P(HW, rsv=6)))
    row("3.7", "HS", one(lambda q: X(rsv=7)))


def group4():
    for base, first in (("4.1", 3), ("4.2", 11)):
        row(base + ".1", "HS", lambda r, op=first: [
            frame(op), fails(1002)])
        row(base + ".2", "HS", lambda r, op=first + 1: [
            frame(op, b"reserved opcode payload"), fails(1002)])
        row(base + ".3", "S", good_then(
            lambda q, op=first + 2: frame(op)))
        row(base + ".4", "S", good_then(
            lambda q, op=first + 3: frame(op, HW)))
        row(base + ".5", "S", good_then(
            lambda q, op=first + 4: frame(op, HW), chop=1))


def cut(q, n):
    """A message in n parts of 9 octets, the rest in the last one."""
    return [q[i * 9:(i + 1) * 9] if i < n - 1 else q[i * 9:]
            for i in range(n)]


def group5():
    pp, nc = b"ping payload", b"non-continuation payload"

    def two(ping):
        def make(r):
            q, data = (r.hello, None) if r.phase == "H" else r.msg(60)
            a, b = cut(q, 2)
            sent = [r.M(a, fin=0), C(b)]
            if ping:
                sent.insert(1, P(pp))
            rest = [0, pong(pp)] if ping else [0]
            return sent, [*rest, event(data) if data else welcome, alive]
        return make

    def everywhere(ping):
        """In one session, cut at one place after the other."""
        def steps(r):
            out = []
            for i in range(61):
                q, data = r.msg(60)
                out += [r.M(q[:i], fin=0)]
                if ping:
                    out += [P(pp)]
                out += [C(q[i:])]
                if ping:
                    out += [pong(pp)]
                out += [event(data)]
            return [*out, leave]
        return steps

    row("5.1", "HS", lambda r: [P(b"fragment1", fin=0), C(b"fragment2"),
                                fails(1002)])
    row("5.2", "HS", lambda r: [O(b"fragment1", fin=0), C(b"fragment2"),
                                fails(1002)])
    for ser in ("json", "msgpack"):
        for number, ping in ((3, 0), (6, 1)):
            # numbers 5.3 to 5.5 and 5.6 to 5.8
            ways("5.%d" % number, "HS", two(ping), ser=ser)
            row("5.%d" % number, "S", everywhere(ping), ser=ser)

    def nothing(fin):
        def make(r):
            q = r.hello if r.phase == "H" else r.msg(60)[0]
            return [C(nc, fin=fin), T(q)], [fails(1002)]
        return make

    ways("5.9", "HS", nothing(1))
    ways("5.12", "HS", nothing(0))

    def c15(r):
        q, data = r.msg(60)
        q2, _ = r.msg(60, b"+")
        a, b = cut(q, 2)
        return [T(a, fin=0), C(b), C(b"fragment3", fin=0), T(q2),
                fails(1002, seen=[data])]

    def c16(fin):
        def steps(r):
            out = []
            for _ in range(2):
                a, b = cut(r.msg(60)[0], 2)
                out += [C(b"fragment1", fin=fin), T(a, fin=0), C(b)]
            return [*out, fails(1002)]
        return steps

    def c18(again):
        def steps(r):
            a, b = cut(r.msg(60)[0], 2)
            return [T(a, fin=0), T(r.msg(60)[0] if again else b),
                    fails(1002)]
        return steps

    row("5.15", "S", c15)
    row("5.16", "S", c16(0))
    row("5.17", "S", c16(1))
    row("5.18", "S", c18(0))
    row("5.18", "S", c18(1))

    def c19(sep):
        def steps(r):
            q, data = r.msg(60)
            a, b, c, d, e = cut(q, 5)
            return [*each(sep, T(a, fin=0), C(b, fin=0), P(b"pongme 1!")),
                    pong(b"pongme 1!"), wait(1),
                    *each(sep, C(c, fin=0), C(d, fin=0), P(b"pongme 2!"),
                          C(e)),
                    pong(b"pongme 2!"), event(data), alive]
        return steps

    row("5.19", "S", c19(None))
    row("5.20", "S", c19(pause))


# 6.5 to 6.23: group, and values in hex; "!": invalid, "@end": cut short.
UTF8 = {
    5: "68656c6c6f24776f726c64 68656c6c6fc2a2776f726c64 "
       "68656c6c6fe282ac776f726c64 68656c6c6ff0a4ada2776f726c64 "
       "cebae1bdb9cf83cebcceb5",
    6: "!ce@end ceba !cebae1@end !cebae1bd@end cebae1bdb9 "
       "!cebae1bdb9cf@end cebae1bdb9cf83 !cebae1bdb9cf83ce@end "
       "cebae1bdb9cf83cebc !cebae1bdb9cf83cebcce@end "
       "cebae1bdb9cf83cebcceb5",
    7: "00 c280 e0a080 f0908080",
    8: "!f888808080 !fc8480808080",
    9: "7f dfbf efbfbf f48fbfbf",
    10: "!f7bfbfbf !fbbfbfbfbf !fdbfbfbfbfbf",
    11: "ed9fbf ee8080 efbfbd f48fbfbf !f4908080",
    12: "!80 !bf !80bf !80bf80 !80bf80bf !80bf80bf80 !80bf80bf80bf !" +
        bytes(range(0x80, 0xbf)).hex(),
    13: " ".join("!" + b"".join(bytes([c, 0x20]) for c in r).hex()
                 for r in (range(0xc0, 0xdf), range(0xe0, 0xef),
                           range(0xf0, 0xf7), range(0xf8, 0xfb),
                           range(0xfc, 0xfd))),
    14: "!c0 !e080 !f08080 !f8808080 !fc80808080 !df@end !efbf@end "
        "!f7bfbf !fbbfbfbf !fdbfbfbfbf",
    15: "!c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf",
    16: "!fe !ff !fefeffff",
    17: "!c0af !e080af !f08080af !f8808080af !fc80808080af",
    18: "!c1bf !e09fbf !f08fbfbf !f887bfbfbf !fc83bfbfbfbf",
    19: "!c080 !e08080 !f0808080 !f880808080 !fc8080808080",
    20: "!eda080 !edadbf !edae80 !edafbf !edb080 !edbe80 !edbfbf",
    21: "!eda080edb080 !eda080edbfbf !edadbfedb080 !edadbfedbfbf "
        "!edae80edb080 !edae80edbfbf !edafbfedb080 !edafbfedbfbf",
    22: "efbfbe efbfbf " + " ".join(
        chr(plane << 16 | 0xff00 | low).encode().hex()
        for plane in range(1, 17) for low in (0xfe, 0xff)),
    23: "efbfb9 efbfba efbfbb efbfbc efbfbd efbfbe efbfbf",
}


def string(v, make=None):
    """A string comes back: A v Z, in the frames that make gives."""
    def steps(r):
        a, z = r.AZ()
        sent = make(a + v + z) if make else [T(a + v + z)]
        return [*sent, event(v.decode()), leave]
    return steps


def group6():
    def ones(data):
        return fragments(TEXT, data, 1)

    def empties(phase):
        q, data = phase.msg(60)
        return [T(b"", fin=0), C(b"", fin=0), C(q, fin=0), C(b"", fin=0),
                C(), event(data), alive]

    def middle(r):
        q, data = (r.hello, None) if r.phase == "H" else r.msg(60)
        return [T(b"", fin=0), C(q, fin=0), C(),
                event(data) if data else welcome, alive]

    row("6.1.1", "HS", lambda r: [T(), aborts])
    row("6.1.2", "HS", lambda r: [T(b"", fin=0), C(b"", fin=0), C(), aborts])
    row("6.1.2", "S", empties)
    row("6.1.3", "HS", middle)
    row("6.2.1", "S", string(U))
    row("6.2.2", "S", string(U, lambda m: [
        T(m[:m.index(U) + 15], fin=0), C(m[m.index(U) + 15:])]))
    row("6.2.3", "S", string(U, ones))
    row("6.2.4", "S", string(K, ones))

    def around(v, make=lambda d: [T(d)]):
        def steps(r):
            a, z = r.AZ()
            return [*make(a + v + z), fails(1007)]
        return steps

    row("6.3.1", "HS", lambda r: [T(BAD), fails(1007)])
    row("6.3.1", "S", around(BAD))
    row("6.3.2", "S", around(BAD, ones))

    # 6.4: the failure comes with the octet, not with the message's end
    def late(v, one_frame):
        def steps(r):
            a, z = r.AZ()
            parts = [a + v[0], v[1]]
            if not one_frame:
                return [T(parts[0], fin=0), wait(1), C(parts[1], fin=0),
                        fails(1007)]
            whole = T(a + b"".join(v) + z, fin=0)
            at = len(whole) - len(z) - len(v[2]) - len(v[1])
            return [whole[:at], wait(1), whole[at:at + len(v[1])],
                    fails(1007)]
        return steps

    for number, v in ((1, (K, b"\xf4\x90\x80\x80", b"edited")),
                      (2, (K + b"\xf4", b"\x90", b"\x80\x80edited"))):
        row("6.4.%d" % number, "S", late(v, False))
        row("6.4.%d" % (number + 2), "S", late(v, True))

    for group, values in UTF8.items():
        for i, value in enumerate(values.split()):
            number = "6.%d.%d" % (group, i + 1)
            v = bytes.fromhex(value.strip("!").removesuffix("@end"))
            if value[0] == "!":
                row(number, "HS", lambda r, v=v: [T(v), fails(1007)])
                row(number, "S", around(v))
                row(number, "S", raw_str(v), ser="msgpack")
                if value.endswith("@end"):
                    row(number, "S", lambda r, v=v: [
                        T(r.AZ()[0] + v), fails(1007)])
                continue
            row(number, "HS", lambda r, v=v: [T(v), aborts])
            if v == b"\x00":		# no JSON, but for its escape
                row(number, "S", lambda r: [T(b"\x00".join(r.AZ())), aborts])
                row(number, "S", escaped_nul)
            else:
                row(number, "S", string(v))


def escaped_nul(r):
    a, z = r.AZ()
    return [T(a + b"x\\u0000" + z), event("x\x00"), leave]


def raw_str(v):
    """As a MessagePack string it is no text of WebSocket's."""
    def steps(r):
        head = msgpack.packb([16, next(r.ids), {"exclude_me": False},
                              r.topic])
        n = len(v)
        assert n < 256
        return [B(b"\x95" + head[1:] + b"\x91" + bytes([0xd9, n]) + v),
                aborts]
    return steps


def group7():
    def first(r):
        if r.phase == "H":
            return [T(r.hello), welcome, X(1000), closes(1000)]
        q, data = r.msg(60)
        return [T(q), event(data), X(1000), closes(1000)]

    def behind(r):
        return [X(1000), T(r.hello if r.phase == "H" else r.msg(60)[0]),
                closes(1000)]

    def inside(r):
        a, b = cut(r.hello if r.phase == "H" else r.msg(60)[0], 2)
        return [T(a, fin=0), X(1000), C(b), closes(1000)]

    def c6(r):
        q, data = r.msg(262144, b"BAsd7&jh23")
        q2, data2 = r.msg(60, b"+")
        return [T(q), T(q2), X(1000), P(), closes(1000, seen=[data, data2])]

    row("7.1.1", "HS", first)
    row("7.1.2", "HS", lambda r: [X(1000), X(), closes(1000)])
    row("7.1.3", "HS", lambda r: [X(1000), P(), closes(1000)])
    row("7.1.4", "HS", behind)
    row("7.1.5", "HS", inside)
    row("7.1.6", "S", c6)
    row("7.3.1", "HS", lambda r: [X(), closes(1000, None)])
    row("7.3.2", "HS", lambda r: [X(reason=b"a"), closes(1002)])
    row("7.3.3", "HS", lambda r: [X(1000), closes(1000)])
    row("7.3.4", "HS", lambda r: [X(1000, b"Hello World!"), closes(1000)])
    row("7.3.5", "HS", lambda r: [X(1000, b"*" * 123), closes(1000)])
    row("7.3.6", "HS", lambda r: [X(1000, b"*" * 124), closes(1002)])
    row("7.5.1", "HS", lambda r: [X(1000, BAD), closes(1007, 1002)])
    for i, code in enumerate((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                              1011, 3000, 3999, 4000, 4999)):
        row("7.7.%d" % (i + 1), "HS", lambda r, c=code: [
            X(c), closes(1000, c)])
    for i, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000,
                              2999)):
        row("7.9.%d" % (i + 1), "HS", lambda r, c=code: [X(c), closes(1002)])
    for i, code in enumerate((5000, 65535)):
        row("7.13.%d" % (i + 1), "HS", lambda r, c=code: [
            X(c), closes(1002, 1000, c)])


def group9():
    pt, pb = b"BAsd7&jh23", b"\x00\xfe\x23\xfa\xf0"
    meg = 1048576

    for i, n in enumerate((65536, 262144, meg, 4 * meg, 8 * meg, 16 * meg)):
        for number, ser, fill in (("9.1", "json", pt),
                                  ("9.2", "msgpack", pb)):
            row("%s.%d" % (number, i + 1), "S", echo(n, fill=fill),
                ser=ser, abreast=HUGE, timeout=10 if n < meg else 100)
    for i, size in enumerate((64, 256, 1024, 4096, 16384, 65536, 262144,
                              meg, None)):
        row("9.3.%d" % (i + 1), "S", echo(4 * meg, size), abreast=HUGE,
            timeout=100)
        row("9.4.%d" % (i + 1), "S", echo(
            4 * meg, size, fill=b"\xfe" if i == 0 else b"*"),
            ser="msgpack", abreast=HUGE, timeout=100)
    for i, chop in enumerate((64, 128, 256, 512, 1024, 2048)):
        row("9.5.%d" % (i + 1), "S", echo(meg, chop=chop, fill=pt),
            abreast=BUSY, timeout=100)
        row("9.6.%d" % (i + 1), "S", echo(meg, chop=chop, fill=pb),
            ser="msgpack", abreast=BUSY, timeout=100)
    for number, ser in (("9.7", "json"), ("9.8", "msgpack")):
        row(number + ".1", "S", thousand_pings, ser=ser, abreast=BUSY)
        row(number + ".2", "J", thousand_subscribes, ser=ser, abreast=BUSY)
        for i, n in enumerate((64, 256, 1024, 4096)):
            row("%s.%d" % (number, i + 3), "S", thousand(n), ser=ser,
                abreast=BUSY)


def thousand_pings(r):
    return [P(), pong(b"")] * 1000 + [leave]


def thousand_subscribes(r):
    async def subscribed(r):
        msg = await r.conn.wamp(r.timeout)
        if msg[0] != 33:
            raise Unexpected("got %s, want SUBSCRIBED" % msg)

    out = []
    for i in range(1, 1001):
        if r.ser == "json":
            data = (b'[32,%d,{},"a"]' % i).ljust(16)
        else:
            n = 11 if i < 128 else 10 if i < 256 else 9
            data = msgpack.packb([32, i, {}, "abcdefghijk"[:n]])
        assert len(data) == 16
        out += [r.M(data), subscribed]
    return [*out, leave]


def thousand(n):
    def steps(r):
        out = []
        for _ in range(1000):
            q, data = r.msg(n, b"*" if r.ser == "json" else b"\xfe")
            out += [r.M(q), event(data)]
        return [*out, leave]
    return steps


def group10():
    row("10.1.1", "S", echo(65536, 1300))


def extras():
    """What the testsuite leaves out."""
    def q(r):
        return r.hello if r.phase == "H" else r.msg(60)[0]

    row("x.nomask", "HS", lambda r: [T(q(r), masked=False), fails(1002)])
    row("x.nomask", "HS", lambda r: [P(masked=False), fails(1002)])
    row("x.length", "HS", lambda r: [T(q(r), form=16), fails(1002)])
    row("x.length", "HS", lambda r: [T(q(r), form=64), fails(1002)])
    row("x.length", "S", lambda r: [T(r.msg(65535)[0], form=64),
                                    fails(1002)])
    row("x.length", "HS", lambda r: [P(b"a", form=64), fails(1002)])
    row("x.type", "HS", lambda r: [B(q(r)), fails(1003)])
    row("x.type", "HS", lambda r: [T(b'[]'), fails(1003)], ser="msgpack")
    for code in (1012, 1013, 1014):
        row("x.close", "HS", lambda r, c=code: [X(c), closes(1000, c)])
    row("x.close", "HS", lambda r: [X(1015), closes(1002)])
    row("x.rsv", "HS", lambda r: [r.M(q(r), fin=0), C(rsv=4), fails(1002)])
    for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        row("x.opcode", "S", lambda r, op=op: [frame(op, b"a", fin=0),
                                               fails(1002)])

    # a Close that is never answered: the server ends it all the same
    row("x.deaf", "HS", lambda r: [frame(3), fails(1002, answer=False)])

    # HELLO in frames of one octet, and in chops of one
    row("x.hello", "H", lambda r: [*fragments(TEXT, r.hello, 1), welcome,
                                   alive])
    row("x.hello", "H", lambda r: [1, T(r.hello), 0, welcome, alive])
    row("x.hello", "H", lambda r: [1, *fragments(BINARY, r.hello, 1), 0,
                                   welcome, alive], ser="msgpack")

    # message + 1: on the header, before any payload
    key = b"\0\0\0\0"
    for n, code in ((MAXMSG + 1, 1009), (2**63 - 1, 1009), (2**63, 1002)):
        row("x.max", "HS", lambda r, n=n, c=code: [
            header(r.conn.op, n) + key, fails(c)])

    def sum_over(r):
        n = MAXMSG // 2 + 1
        return [T(b" " * n, fin=0), C(b"", fin=0),
                header(CONT, n) + key, fails(1009)]

    def endless(r):
        """9.9.1, the one that is off in the testsuite."""
        return [T(b"*" * 4096, fin=0), *[C(b"*" * 4096, fin=0)] * 4096,
                fails(1009)]

    row("x.max", "S", sum_over, abreast=HUGE)
    row("x.max", "S", endless, abreast=HUGE)

    # pings between all frames of a long message
    def pinged(r):
        msg, data = r.msg(4 * 1048576)
        out = []
        *frames, last = fragments(TEXT, msg, 16384)
        for f in frames:
            out += [f, P(b"now"), pong(b"now")]
        return [*out, last, event(data), leave]

    row("x.pings", "S", pinged, abreast=HUGE)


async def x_deflate(world):
    """Extensions are offered in many ways, none is accepted."""
    for offer in ("permessage-deflate", "x-webkit-deflate-frame",
                  "permessage-deflate; client_max_window_bits",
                  "permessage-deflate; server_no_context_takeover, "
                  "permessage-bzip2"):
        conn = Conn("json")
        await conn.connect(world.port, extra="Sec-WebSocket-Extensions: "
                           "%s\r\n" % offer)
        conn.close()


async def x_slots(world):
    """Five hundred sessions, one after the other, leave nothing behind."""
    for _ in range(500):
        r = Run(world, "json", "J")
        await r.start()
        await leave(r)


async def x_latency(world):
    """Others are answered while a message trickles in."""
    slow, other = Run(world, "json", "S"), Run(world, "json", "S")
    await slow.start()
    await other.start()
    msg, data = slow.msg(1048576)
    task = asyncio.ensure_future(slow.play([64, T(msg), 0, event(data)]))
    pings = 0
    while not task.done():
        await other.play([P(), pong(b"")])
        pings += 1
    await task
    await leave(slow)
    await leave(other)
    if pings < 10:
        raise Unexpected("%d pings were answered meanwhile" % pings)


def order(number):
    return [int(n) if n.isdigit() else 1000 for n in
            number.split(".")], number


async def run_all(port, log, only):
    world = World(port, log)
    for ser in ("json", "msgpack"):
        world.witness[ser] = Witness(port, ser)
        await world.witness[ser].start()
    singles = {"x.deflate": x_deflate, "x.slots": x_slots,
               "x.latency": x_latency}

    def wanted(number):
        return not only or any(number == o or number.startswith(o + ".")
                               for o in only)

    rows = [r for r in ROWS if wanted(r[0])]
    for abreast in (NORMAL, BUSY, HUGE):
        await world.run_all([r for r in rows if r[4] == abreast], abreast)
    for number, function in singles.items():
        if wanted(number):
            await world.single(number, function)
    world.late()
    numbers = {r[0] for r in rows} | set(filter(wanted, singles))
    for number in sorted(numbers | set(world.failures), key=order):
        if number in world.failures:
            for why in world.failures[number][:4]:
                print("not ok - %s: %s" % (number, why))
        else:
            print("ok - %s" % number)
    return not world.failures


def main():
    for group in (group1, group2, group3, group4, group5, group6, group7,
                  group9, group10, extras):
        group()
    counts = collections.Counter(n.split(".")[0] for n in
                                 {r[0] for r in ROWS} if n[0] != "x")
    assert sum(counts.values()) == 301, counts
    with router() as (port, log):
        good = asyncio.run(run_all(port, log, sys.argv[1:]))
        if not good:
            with open(log, errors="replace") as f:
                print("-- log of wampd\n%s--" % "".join(
                    line for line in f if " joined " not in line and
                    " left " not in line))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
