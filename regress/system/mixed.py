# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# One conversation in all serializers: every receiver gets the same values;
# between equal serializers, the same octets; and what cannot be said in a
# serializer costs that receiver one message and nobody anything else.

import base64
import itertools
import os
import struct

import msgpack

from daemon import Wampd, done, run_case, tmpdir
from wampclient import *

CONF = """
listen on socket $sock mode 0666
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
"""
SERS = ("json", "msgpack", "cbor")
sock = None


def client(ser, transport="rawsocket"):
    return Client(sock, transport=transport, serializer=ser)


VALUES = [
    None, True, False, 0, 1, 23, 24, 127, 128, 255, 256, 65535, 65536,
    2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 2 ** 63 - 1, 2 ** 63,
    2 ** 64 - 1, -1, -24, -25, -32, -33, -128, -129, -32768, -32769,
    -2 ** 31, -2 ** 31 - 1, -2 ** 63, 0.5, -1.25, 1e300, 5e-324, 1.1,
    3.141592653589793, "", "a", "\u00e4\u20ac\U0001f600", "\"\\/\b\f\n\r\t",
    "\u0001\u001f\u007f", "x" * 31, "x" * 32, "x" * 255, "x" * 256,
    "x" * 65535, "x" * 65536, "\u2028\u2029", [], {}, [[], {}],
    {"a": {"b": [1, {"c": None}]}}, list(range(20)),
    {"k%d" % i: i for i in range(20)}, [[[[[[[[1]]]]]]]],
]


def everybody_gets_the_same_values():
    subs = {}
    for tr, ser in itertools.product(("rawsocket", "websocket"), SERS):
        c = client(ser, tr)
        c.subscribe("com.mixed")
        subs[tr, ser] = c
    for ser in SERS:
        with client(ser) as p:
            for v in VALUES:
                p.publish("com.mixed", v, key=v)
                for who, c in subs.items():
                    m = c.expect(EVENT)
                    assert m[4] == [v] and type(m[4][0]) is type(v), \
                        (ser, who, v, m[4])
                    assert m[5] == {"key": v}, (ser, who, v, m[5])
    for c in subs.values():
        c.close()


def as_json(b):
    return "\0" + base64.b64encode(b).decode()


def binary_both_ways():
    """binary is a string of NUL and base64 in JSON, both ways"""
    for b in (b"", b"\0", bytes(range(256)), b"x" * 70000):
        for a in SERS:
            with client(a) as p:
                subs = {s: client(s) for s in SERS}
                for c in subs.values():
                    c.subscribe("com.bin")
                p.publish("com.bin", as_json(b) if a == "json" else b)
                for s, c in subs.items():
                    got = c.expect(EVENT)[4][0]
                    assert got == (as_json(b) if s == "json" else b), \
                        (a, s, got[:80])
                    c.close()


def nul_strings_that_are_no_base64():
    for text in ("\0not base64!", "\0", "\0abc", "a\0YWJj"):
        with client("json") as p, client("msgpack") as c:
            c.subscribe("com.nul")
            p.publish("com.nul", text)
            got = c.expect(EVENT)[4][0]
            assert got == (b"" if text == "\0" else text), (text, got)


def what_json_has_no_word_for():
    """NaN and infinities become null, integer keys strings in JSON"""
    with client("msgpack") as p, client("json") as c:
        c.subscribe("com.odd")
        p.publish("com.odd", float("nan"), float("inf"), -float("inf"),
                  {1: "a", -5: "b"})
        assert c.expect(EVENT)[4] == [None, None, None,
                                      {"1": "a", "-5": "b"}]


def huge_integers_become_floats():
    with client("json") as p, client("msgpack") as c:
        c.subscribe("com.huge")
        p.send_raw(b'[16,1,{},"com.huge",[18446744073709551616,'
                   b'-9223372036854775809,1e3]]')
        got = c.expect(EVENT)[4]
        assert got == [18446744073709551616.0, -9223372036854775809.0,
                       1000.0], got
        assert all(type(x) is float for x in got), got


def octets_are_untouched_between_equals():
    """between equal serializers the payload's octets are untouched"""
    cases = {
        "json": b'[ 1.0 ,\t2e0,"\\u0041\\/" , 12345678901234567890123 ] '
                b', {"a" :null,"a": 1}',
        "msgpack": b"\x94\xd3" + struct.pack(">q", 1) +
                   b"\xca\x3f\x80\x00\x00\xd9\x01a\xd4\x05\xff"
                   b"\x82\xa1a\xc0\xa1a\x01",
        "cbor": b"\x9f\x18\x01\xf9\x3c\x00\x7f\x61a\x61b\xff\xc1\x01\xff"
                b"\xbf\x61a\xf7\x61a\x01\xff",
    }
    for ser, payload in cases.items():
        with client(ser) as p, client(ser, "websocket") as c:
            c.subscribe("com.same")
            if ser == "json":
                m = b'[16,1,{},"com.same",' + payload + b"]"
            elif ser == "msgpack":
                m = b"\x96\x10\x01\x80\xa8com.same" + payload
            else:
                m = b"\x86\x10\x01\xa0\x68com.same" + payload
            p.send_raw(m)
            got = c.recv_raw()
            end = payload + (b"]" if ser == "json" else b"")
            assert got.endswith(end), (ser, got, end)


EXT = b"\x91" + msgpack.packb(msgpack.ExtType(5, b"xyz"))


def what_cannot_be_converted():
    """an EVENT that cannot be converted is dropped for that serializer"""
    with client("msgpack") as p, client("msgpack") as m, \
            client("json") as j, client("cbor") as c:
        for s in (m, j, c):
            s.subscribe("com.ext")
        p.send_raw(b"\x95\x10\x01\x80\xa7com.ext" + EXT)
        assert m.expect(EVENT)[4][0] == msgpack.ExtType(5, b"xyz")
        p.request = 1
        p.publish("com.ext", "next")
        assert j.expect(EVENT)[4] == ["next"]
        assert c.expect(EVENT)[4] == ["next"]


def calls_that_cannot_be_converted():
    """a CALL or YIELD that cannot be converted is an ERROR to the caller"""
    with client("msgpack") as m, client("json") as j:
        j.register("com.ext.j")
        m.register("com.ext.m")
        r = m.next()
        m.send_raw(b"\x95\x30" + bytes([r]) + b"\x80\xa9com.ext.j" + EXT)
        m.expect(ERROR, CALL, r, None, "wamp.error.invalid_argument")
        j.expect_nothing(0.1)
        r = j.call("com.ext.m")
        m.expect(INVOCATION, 1)
        m.send_raw(b"\x94\x46\x01\x80" + EXT)
        j.expect(ERROR, CALL, r, None, "wamp.error.invalid_argument")
        # both go on
        r = j.call("com.ext.m", 1)
        m.expect(INVOCATION, 2)
        m.send(YIELD, 2, {}, [2])
        assert j.expect(RESULT, r)[3] == [2]


def calls_across_serializers():
    for a, b in itertools.product(SERS, SERS):
        with client(a) as caller, client(b) as callee:
            callee.register("com.across")
            for i, v in enumerate(VALUES):
                r = caller.call("com.across", v, k=v)
                m = callee.expect(INVOCATION, i + 1)
                assert m[4:] == [[v], {"k": v}], (a, b, v, m)
                callee.send(YIELD, i + 1, {}, m[4], m[5])
                m = caller.expect(RESULT, r)
                assert m[3:] == [[v], {"k": v}], (a, b, v, m)
            r = caller.call("com.across", "fail")
            callee.expect(INVOCATION)
            callee.send(ERROR, INVOCATION, len(VALUES) + 1, {},
                        "com.error", [VALUES])
            m = caller.expect(ERROR, CALL, r, None, "com.error")
            assert m[5] == [VALUES]


def main():
    global sock
    sock = os.path.join(tmpdir(), "s")
    with Wampd(CONF, macros={"sock": sock}):
        for f in (everybody_gets_the_same_values, binary_both_ways,
                  nul_strings_that_are_no_base64, what_json_has_no_word_for,
                  huge_integers_become_floats,
                  octets_are_untouched_between_equals,
                  what_cannot_be_converted, calls_that_cannot_be_converted,
                  calls_across_serializers):
            run_case(f)
    done()


if __name__ == "__main__":
    main()
