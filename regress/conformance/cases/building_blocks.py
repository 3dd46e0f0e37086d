# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Basic Profile, Building Blocks.

import struct

from conformance import *


# -- identifiers ---------------------------------------------------------------

def uris_are_unicode_strings():
    c, d = client(), client()
    t = uri("\u00e4.\u6771.\U0001f600")
    s = c.subscribe(t)
    d.publish(t, 1)
    c.expect(EVENT, s)
    for bad in [7, True, None, ["a"]] + ([b"com.a"] if way[1] != "json"
                                         else []):
        c = client()
        c.send(SUBSCRIBE, 1, {}, bad)
        c.expect_abort(PV)


def one_namespace():
    c, d = client(), client()
    u = uri()
    s = c.subscribe(u)
    c.register(u)
    r, m = invoke(d, c, u)
    c.send(ERROR, INVOCATION, m[1], {}, u)
    d.expect(ERROR, CALL, r, {}, u)
    d.publish(u)
    c.expect(EVENT, s)


def uri_components():
    c = client()
    for bad in ("", ".", "a.", ".a", "a..b", "a b.c", "a\tb", "a\nb", "a#b",
                "#", "a\u00a0b", "a\u2003b"):
        for code in (SUBSCRIBE, REGISTER, CALL):
            c.refused(code, {}, bad, INVALID_URI)
        c.refused(PUBLISH, ACK, bad, INVALID_URI)
    for good in ("a", "A-b.C_d", "\u00e4", "a.b.c.d.e.f.g.h", "0.1"):
        c.subscribe(good)


def strict_uris_where_configured():
    c = client(STRICT)
    for bad in ("Com.a", "com.a-b", "com.\u00e4", "com.a$"):
        c.refused(SUBSCRIBE, {}, bad, INVALID_URI)
        c.refused(PUBLISH, ACK, bad, INVALID_URI)
        c.refused(REGISTER, {}, bad, INVALID_URI)
        c.refused(CALL, {}, bad, INVALID_URI)
    c.subscribe("com.a_1.0b")


def reserved_uris():
    c = client()
    for u in ("wamp", "wamp.x", "wamp.session.on_join", "wamp.session.kill"):
        c.refused(PUBLISH, ACK, u, INVALID_URI)
        c.refused(REGISTER, {}, u, INVALID_URI)
    for u in ("wampx", "wamp_a.b", "com.wamp"):
        c.publish(u)


# -- ids -----------------------------------------------------------------------

def spread(ids):
    """Over the whole range, and in no order; false alarms: one in 10^9."""
    n = len(ids)
    wide = 3.1 * n ** 0.5
    assert len(set(ids)) == n and 1 <= min(ids) and max(ids) <= 2 ** 53
    for bit in range(53):
        ones = sum((i - 1) >> bit & 1 for i in ids)
        assert abs(ones - n / 2) < wide, (bit, ones, n)
    ups = sum(a < b for a, b in zip(ids, ids[1:]))
    assert abs(ups - n / 2) < wide, "%d of %d ascend" % (ups, n)


def publication_ids_are_random():
    c = client()
    c.batch([PUBLISH, c.next(), ACK, uri()] for _ in range(200))
    spread([c.expect(PUBLISHED, i + 1)[2] for i in range(200)])


def session_ids_are_random():
    spread([client().id for _ in range(50)])


def ids_are_between_1_and_2_to_53():
    for bad in (0, -1, 2 ** 53 + 1, 2 ** 64 - 1, 1.5, "1"):
        for m in ([SUBSCRIBE, bad, {}, "a"], [UNSUBSCRIBE, 1, bad]):
            c = client()
            c.send(*m)
            c.expect_abort(PV)


def request_ids_count_from_1():
    c = client()
    s = c.subscribe(uri())
    g = c.register(uri())
    c.publish(uri())
    c.unsubscribe(s)
    c.send(UNREGISTER, c.next(), g)
    c.expect(UNREGISTERED, 5)
    c.refused(CALL, {}, uri(), NO_SUCH_PROCEDURE)
    c.send(SUBSCRIBE, 7, {}, uri())
    c.expect(SUBSCRIBED, 7)


def invocation_ids_count_from_1():
    c, other, d = client(), client(), client()
    c.register(uri("a"))
    c.register(uri("b"))
    other.register(uri("c"))
    for i, p in enumerate(("a", "b", "a")):
        c_other = invoke(d, other, uri("c"))[1]
        m = invoke(d, c, uri(p))[1]
        assert m[1] == i + 1 and c_other[1] == i + 1, (m, c_other)


def requests_are_mirrored():
    c = client()
    c.send(SUBSCRIBE, 1, {}, uri())
    s = c.expect(SUBSCRIBED, 1)[2]
    c.send(PUBLISH, 2, ACK, uri())
    c.expect(PUBLISHED, 2)
    c.send(UNSUBSCRIBE, 3, s)
    c.expect(UNSUBSCRIBED, 3)
    c.send(REGISTER, 4, {}, uri())
    g = c.expect(REGISTERED, 4)[2]
    c.send(CALL, 5, {}, uri())
    c.expect(INVOCATION, 1, g)
    c.send(YIELD, 1, {})
    c.expect(RESULT, 5)
    c.send(UNREGISTER, 6, g)
    c.expect(UNREGISTERED, 6)
    c.send(UNREGISTER, 7, g)
    c.expect(ERROR, UNREGISTER, 7)


# -- serializers ---------------------------------------------------------------

def serializers_meet():
    c = client()
    s = c.subscribe(uri())
    for ser in ("json", "msgpack", "cbor"):
        d = client(serializer=ser)
        d.send(PUBLISH, 1, {}, uri(), [ser, 7, True], {"k": {"l": [1.5]}})
        m = c.expect(EVENT, s)
        assert m[3:] == [{}, [ser, 7, True], {"k": {"l": [1.5]}}], m


PAYLOAD = [None, True, 0, -1, 2 ** 53, 1.5, "", "\u00e4\U0001f600",
           [[], [[]]], {"": {"k": []}}]


def payloads_may_use_other_types():
    c, d = client(), client()
    s = c.subscribe(uri())
    d.send(PUBLISH, 1, {}, uri(), PAYLOAD)
    assert c.expect(EVENT, s)[4] == PAYLOAD


def strings_and_binary_values_differ():
    """MessagePack and CBOR"""
    if way[1] == "json":
        c, d = client(serializer="msgpack"), client(serializer="cbor")
    else:
        c, d = client(), client()
    s = c.subscribe(uri())
    d.send(PUBLISH, 1, {}, uri(), ["abc", b"abc", b"\xff"])
    got = c.expect(EVENT, s)[4]
    assert got == ["abc", b"abc", b"\xff"], got


def binary_values_in_json():
    c, d = client(serializer="json"), client(serializer="msgpack")
    s, t = c.subscribe(uri("a")), d.subscribe(uri("b"))
    d.send(PUBLISH, d.next(), {}, uri("a"), [b"\x10\xe3\xff"])
    got = c.expect(EVENT, s)[4]
    assert got == ["\0EOP/"], got
    c.send(PUBLISH, c.next(), {}, uri("b"), ["\0EOP/"])
    assert d.expect(EVENT, t)[4] == [b"\x10\xe3\xff"]


@only("json")
def json_in_all_its_forms():
    c = client()
    c.send_raw(b' [ 32 ,\r\n 1,\t{ "\\u0066oo" : -1.5E+3 } , '
               b'"com.\\u00e4\\ud83d\\ude00" ] ')
    c.note([SUBSCRIBE, 1, {}, ""])
    s = c.expect(SUBSCRIBED, 1)[2]
    d = client()
    d.publish("com.\u00e4\U0001f600")
    c.expect(EVENT, s)


@only("msgpack")
def msgpack_in_all_its_forms():
    c = client()
    topic = uri().encode()
    c.send_raw(b"\xdc\x00\x04\xcc\x20\xcf\0\0\0\0\0\0\0\1\xde\0\0"
               b"\xda" + struct.pack(">H", len(topic)) + topic)
    c.note([SUBSCRIBE, 1, {}, ""])
    c.expect(SUBSCRIBED, 1)


@only("cbor")
def cbor_in_all_its_forms():
    c = client()
    topic = uri().encode()
    c.send_raw(b"\x9f\x19\0\x20\x1b\0\0\0\0\0\0\0\1\xbf\xff\x7f\x79" +
               struct.pack(">H", len(topic)) + topic + b"\xff\xff")
    c.note([SUBSCRIBE, 1, {}, ""])
    c.expect(SUBSCRIBED, 1)


# -- transports ----------------------------------------------------------------

def transports_meet():
    c = client(transport="rawsocket")
    d = client(transport="websocket")
    for a, b in ((c, d), (d, c)):
        s = a.subscribe(uri())
        b.publish(uri(), "hello")
        a.expect(EVENT, s)
        a.unsubscribe(s)


@only("websocket")
def a_websocket_message_each():
    c = client()
    op = 1 if way[1] == "json" else 2
    whole = c.dumps([SUBSCRIBE, 1, {}, uri()])
    # frames do not matter
    c.write(c.wsframe(op, whole[:3], 0) + c.wsframe(0, b"", 0) +
            c.wsframe(0, whole[3:]))
    c.note([SUBSCRIBE, 1, {}, ""])
    c.expect(SUBSCRIBED, 1)
    c.send_raw(c.dumps([UNSUBSCRIBE, 2, 1]) * 2)
    c.expect_abort(PV)


@only("websocket")
def subprotocol_is_negotiated():
    c = client()
    head = c.http.lower().split("\r\n")
    assert "sec-websocket-protocol: wamp.2." + way[1] in head, c.http
    c = Peer(daemon.sock, transport=None, serializer=way[1], join=False)
    opened.append(c)
    c.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    assert c.sock.recv(4096).startswith(b"HTTP/1.1 400 ")


def kind_of_messages(opcode):
    c = client()
    assert c.opcode == opcode, c.opcode
    c.subscribe(uri())
    assert c.opcode == opcode, c.opcode
    # 1 and 2
    c.write(c.wsframe(3 - opcode, c.dumps([SUBSCRIBE, 2, {}, uri()])))
    c.expect_closed()
    assert c.closecode == 1003, c.closecode


@only("websocket", "json")
def json_is_text():
    kind_of_messages(1)


@only("websocket", "msgpack")
def msgpack_is_binary():
    kind_of_messages(2)


@only("websocket", "cbor")
def cbor_is_binary():
    kind_of_messages(2)


def session_after_session():
    c = client()
    c.subscribe(uri())
    first = c.id
    c.goodbye()
    c.join(REALM)
    assert c.id != first
    c.subscribe(uri())              # with request id 1 again
    client().publish(uri(), 1)
    c.expect(EVENT)


# -- protocol errors -----------------------------------------------------------

def violates(m, join=True):
    c = client(join=join)
    c.send_raw(c.dumps(m))
    c.expect_abort(PV)


def welcome_in_the_session():
    violates([WELCOME, 1, {}])


def hello_in_the_session():
    violates([HELLO, REALM, ROLES])


def challenge_in_the_session():
    violates([CHALLENGE, "ticket", {}])


def goodbye_before_the_session():
    violates([GOODBYE, {}, "wamp.close.normal"], False)


def error_before_the_session():
    violates([ERROR, INVOCATION, 1, {}, "com.error"], False)


def error_with_an_invalid_type():
    for code in (SUBSCRIBE, UNSUBSCRIBE, PUBLISH, REGISTER, UNREGISTER, CALL,
                 HELLO, YIELD, 0, 1000):
        c = client()
        c.register(uri())
        invoke(client(), c, uri())
        c.send(ERROR, code, 1, {}, "com.error")
        c.expect_abort(PV)


def subscribed_before_the_session():
    violates([SUBSCRIBED, 1, 1], False)


def unsubscribed_before_the_session():
    violates([UNSUBSCRIBED, 1], False)


def published_before_the_session():
    violates([PUBLISHED, 1, 1], False)


def result_before_the_session():
    violates([RESULT, 1, {}], False)


def registered_before_the_session():
    violates([REGISTERED, 1, 1], False)


def unregistered_before_the_session():
    violates([UNREGISTERED, 1], False)


def invocation_before_the_session():
    violates([INVOCATION, 1, 1, {}], False)


def yield_with_an_invalid_request():
    violates([YIELD, 1, {}])
    # another one's
    c, d, thief = client(), client(), client()
    c.register(uri())
    thief.register(uri("other"))
    r, m = invoke(d, c, uri())
    thief.send(YIELD, m[1], {}, ["forged"])
    thief.expect_abort(PV)
    c.send(YIELD, m[1], {}, ["genuine"])
    assert d.expect(RESULT, r)[3] == ["genuine"]


def request_ids_out_of_order():
    for m in ([SUBSCRIBE, 0, {}, "a"], [UNSUBSCRIBE, 0, 1],
              [PUBLISH, 0, {}, "a"], [REGISTER, 0, {}, "a"],
              [UNREGISTER, 0, 1], [CALL, 0, {}, "a"]):
        for n in (1, 3):
            c = client()
            c.publish("a")
            c.send(m[0], n, *m[2:])
            c.expect_abort(PV)


def incompatible_messages():
    for m in ([], {}, 1, "x", None, [0], [7], [255], [999], [-1], ["1"],
              [1.5], [None], [SUBSCRIBE], [[SUBSCRIBE, 1, {}, "a"]]):
        violates(m)
        violates(m, False)


def undecodable_messages():
    for bad in {"json": (b"", b"[32,1,{},\"a\"", b"[32 1 {}]", b"\xff",
                         b"[32,1,{},\"\xc3(\"]"),
                "msgpack": (b"", b"\x94\x20\x01\x80", b"\xc1",
                            b"\x94\x20\x01\x80\xa1\xff"),
                "cbor": (b"", b"\x84\x18\x20\x01\xa0", b"\xff",
                         b"\x84\x18\x20\x01\xa0\x61\xff")}[way[1]]:
        c = client()
        # WebSocket itself refuses text that is not UTF-8
        if way == ["websocket", "json"] and max(bad, default=0) > 127:
            continue
        c.send_raw(bad)
        c.expect_abort(PV)


def errors_are_aborts_that_say_why():
    c = client()
    c.send(HELLO, REALM, ROLES)
    m = c.expect(ABORT, None, PV)
    assert type(m[1]["message"]) is str and m[1]["message"], m


def errors_dispose_of_the_session():
    c, d = client(), client()
    s = c.subscribe(uri())
    c.register(uri())
    c.send(999)
    c.expect_abort(PV)
    d.register(uri())               # nobody else has it
    assert d.subscribe(uri()) != s  # a new one


def nothing_is_processed_behind_an_error():
    w = client()
    s = w.subscribe(uri())
    for bad in ([999], [YIELD, 7, {}], [SUBSCRIBE, 9, {}, "a"]):
        c = client()
        c.batch([[PUBLISH, 1, {}, uri(), ["before"]], bad,
                 [PUBLISH, 2, {}, uri(), ["behind"]],
                 [REGISTER, 3, {}, uri()]])
        c.expect_abort(PV)
        assert w.expect(EVENT, s)[4] == ["before"]
    w.register(uri())
    quiet(w)


def errors_drop_the_connection():
    c = client()
    c.send(999)
    c.expect(ABORT)
    c.expect_closed()
    # and before a session
    c = client(join=False)
    c.send(999)
    c.expect(ABORT)
    c.expect_closed()
