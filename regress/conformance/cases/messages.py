# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Basic Profile, Messages.

from conformance import *


def violates(*m, join=True):
    c = client(join=join)
    c.send(*m)
    try:
        c.expect_abort(PV)
    except (AssertionError, TimeoutError) as e:
        raise AssertionError("%r: %s" % (m, e))


def messages_are_lists_with_a_type_first():
    for m in (["a", 1, {}, "a"], [{}, SUBSCRIBE], [1.5], [True]):
        violates(*m)
    c = client()
    c.send_raw(c.dumps({"0": SUBSCRIBE, "1": 1}))
    c.expect_abort(PV)


def elements_have_their_types():
    for m in ([SUBSCRIBE, "1", {}, "a"], [SUBSCRIBE, 1, [], "a"],
              [SUBSCRIBE, 1, None, "a"], [SUBSCRIBE, 1, {}, 7],
              [PUBLISH, 1, {}, "a", {}], [PUBLISH, 1, {}, "a", [], []],
              [PUBLISH, 1, {}, "a", None], [CALL, 1, {}, "a", "x"],
              [UNSUBSCRIBE, 1, "1"], [YIELD, 1, [], []]):
        violates(*m)
    violates(HELLO, 7, ROLES, join=False)
    violates(HELLO, REALM, [], join=False)


def integers_are_no_booleans():
    for bad in (1, 0, "true", [], {}):
        violates(PUBLISH, 1, {"acknowledge": bad}, "a")


def keys_are_strings():
    if way[1] == "json":
        c = client()
        c.send_raw(b'[32,1,{1:2},"a"]')
        c.expect_abort(PV)
        return
    violates(SUBSCRIBE, 1, {1: 2}, "a")
    violates(SUBSCRIBE, 1, {b"foo": 2}, "a")


def keys_are_unique():
    c = client()
    c.send_raw({"json": b'[32,1,{"foo":1,"foo":1},"a"]',
                "msgpack": b"\x94\x20\x01\x82\xa3foo\x01\xa3foo\x01\xa1a",
                "cbor": b"\x84\x18\x20\x01\xa2\x63foo\x01\x63foo\x01\x61a"}
               [way[1]])
    c.expect_abort(PV)


def strings_may_be_empty():
    c, d = client(), client()
    s = c.subscribe(uri())
    d.send(PUBLISH, 1, {}, uri(), [""], {"": ""})
    assert c.expect(EVENT, s)[4:] == [[""], {"": ""}]


UNKNOWN = {"foo": 1, "_own": {"a": [None]}, "X": "", "a": True,
           "_": b"".decode()}


def unknown_attributes_are_ignored():
    c = client(join=False)
    c.join(REALM, dict(UNKNOWN, roles={
        "caller": dict(UNKNOWN, features=dict(UNKNOWN)), "callee": {},
        "publisher": {}, "subscriber": {}}))
    s = c.subscribe(uri(), UNKNOWN)
    g = c.register(uri(), UNKNOWN)
    r = c.ask(PUBLISH, dict(UNKNOWN, exclude_me=False), uri())
    m = c.expect(EVENT, s)
    assert not set(m[3]) & set(UNKNOWN), m
    r = c.ask(CALL, UNKNOWN, uri())
    m = c.expect(INVOCATION, 1, g)
    assert not set(m[3]) & set(UNKNOWN), m
    c.send(YIELD, 1, UNKNOWN)
    m = c.expect(RESULT, r)
    assert not set(m[2]) & set(UNKNOWN), m
    r = c.ask(CALL, {}, uri())
    c.expect(INVOCATION, 2, g)
    c.send(ERROR, INVOCATION, 2, UNKNOWN, "com.error")
    m = c.expect(ERROR, CALL, r)
    assert not set(m[3]) & set(UNKNOWN), m
    c.send(GOODBYE, UNKNOWN, "wamp.close.normal")
    c.expect(GOODBYE, {})


def keys_of_the_router():
    # Strict holds the keys of everything that comes against the expression
    c = client()
    details = c.welcome
    assert set(details["roles"]) == {"broker", "dealer"}, details
    for r in details["roles"].values():
        for k in list(r) + list(r["features"]):
            assert PREDEFINED.match(k), k


def no_message_has_two_forms():
    for m in ([SUBSCRIBE, 1, {}, "a", []], [SUBSCRIBE, 1, {}],
              [SUBSCRIBE, 1, "a", {}], [UNSUBSCRIBE, 1],
              [UNSUBSCRIBE, 1, 1, {}], [PUBLISH, 1, {}],
              [PUBLISH, 1, {}, "a", [], {}, 1], [REGISTER, 1, {}, "a", []],
              [UNREGISTER, 1, 1, 1], [CALL, 1, {}, "a", [], {}, []],
              [YIELD, 1], [GOODBYE, {}], [GOODBYE, {}, "a.b", []],
              [ERROR, INVOCATION, 1, {}]):
        violates(*m)
    violates(HELLO, REALM, join=False)
    violates(HELLO, REALM, ROLES, {}, join=False)


def payloads_are_left_alone():
    # forms that a reader and writer would not give back
    c, d = client(), client()
    s = c.subscribe(uri())
    t = uri().encode()
    payload = {"json": b'[1.50,"\\u0061", 1e2]',
               "msgpack": b"\xdc\0\3\xcd\0\1\xd9\1a\xd1\0\1",
               "cbor": b"\x9f\x19\0\1\x78\1a\x1a\0\0\0\1\xff"}[way[1]]
    d.send_raw({"json": b'[16,1,{},"%s",%s]' % (t, payload),
                "msgpack": b"\x95\x10\1\x80\xd9" + bytes([len(t)]) + t +
                payload,
                "cbor": b"\x85\x10\1\xa0\x78" + bytes([len(t)]) + t +
                payload}[way[1]])
    raw = c.recv_raw()
    end = b"]" if way[1] == "json" else b""
    assert raw.endswith(payload + end), raw
    assert c.loads(raw)[:2] == [EVENT, s]


def session_messages_of_a_router():
    c = client(join=False)
    c.send(HELLO, REALM, ROLES)
    assert c.recv()[0] == WELCOME
    c.send(GOODBYE, {}, "wamp.close.normal")
    assert c.recv()[0] == GOODBYE
    c = client(join=False)
    c.send(HELLO, "com.example.nowhere", ROLES)
    assert c.recv()[0] == ABORT


def messages_per_role():
    """All that a broker and a dealer receive and send"""
    c, d = client(), client()
    s = c.subscribe(uri())
    d.publish(uri())
    c.expect(EVENT, s)
    c.unsubscribe(s)
    g = c.register(uri())
    r, m = invoke(d, c, uri())
    c.send(YIELD, m[1], {})
    d.expect(RESULT, r)
    r, m = invoke(d, c, uri())
    c.send(ERROR, INVOCATION, m[1], {}, "com.error")
    d.expect(ERROR, CALL, r)
    c.send(UNREGISTER, c.next(), g)
    c.expect(UNREGISTERED)


def goodbye_is_echoed():
    c = client()
    c.send(GOODBYE, {}, "wamp.close.normal")
    c.expect(GOODBYE, {}, "wamp.close.goodbye_and_out")


def abort_is_not_answered():
    c, w = client(), client()
    s = c.subscribe(uri())
    c.send(ABORT, {}, "com.example.enough")
    c.expect_closed()
    c = client(join=False)
    c.send(ABORT, {"message": "no"}, "com.example.enough")
    c.expect_closed()
    assert w.subscribe(uri()) != s


def an_event_once_for_each_subscription():
    c, d = client(), client()
    s = c.subscribe(uri())
    assert c.subscribe(uri()) == s
    d.publish(uri(), 1)
    assert c.expect(EVENT, s)[4] == [1]
    d.publish(uri(), 2)
    assert c.expect(EVENT, s)[4] == [2]


def directions():
    for m in ([WELCOME, 1, {}], [SUBSCRIBED, 1, 1], [UNSUBSCRIBED, 1],
              [PUBLISHED, 1, 1], [EVENT, 1, 1, {}], [RESULT, 1, {}],
              [REGISTERED, 1, 1], [UNREGISTERED, 1], [INVOCATION, 1, 1, {}],
              [CHALLENGE, "x", {}], [INTERRUPT, 1, {}]):
        violates(*m)
    violates(AUTHENTICATE, "x", {})


def unknown_types():
    for code in (7, 9, 15, 18, 37, 51, 71, 255, 256, 600, 1023, 1024):
        violates(code, 1, {}, "a")


def absent_arguments_stay_absent():
    c, d = client(), client()
    s = c.subscribe(uri())
    g = c.register(uri())
    d.send(PUBLISH, d.next(), {}, uri())
    assert len(c.expect(EVENT, s)) == 4
    r, m = invoke(d, c, uri())
    assert len(m) == 4 and m[2] == g, m
    c.send(YIELD, m[1], {})
    assert len(d.expect(RESULT, r)) == 3
    r, m = invoke(d, c, uri())
    c.send(ERROR, INVOCATION, m[1], {}, "com.error")
    assert len(d.expect(ERROR, CALL, r)) == 5


def absent_keyword_arguments_stay_absent():
    c, d = client(), client()
    s = c.subscribe(uri())
    c.register(uri())
    d.send(PUBLISH, d.next(), {}, uri(), [1])
    assert c.expect(EVENT, s)[4:] == [[1]]
    r, m = invoke(d, c, uri(), {}, [2])
    assert m[4:] == [[2]], m
    c.send(YIELD, m[1], {}, [3])
    assert d.expect(RESULT, r)[3:] == [[3]]
    r, m = invoke(d, c, uri())
    c.send(ERROR, INVOCATION, m[1], {}, "com.error", [4])
    assert d.expect(ERROR, CALL, r)[5:] == [[4]]


def keyword_arguments_keep_their_place():
    c, d = client(), client()
    s = c.subscribe(uri())
    c.register(uri())
    d.send(PUBLISH, d.next(), {}, uri(), [], {"k": 1})
    assert c.expect(EVENT, s)[4:] == [[], {"k": 1}]
    r, m = invoke(d, c, uri(), {}, [], {"k": 2})
    assert m[4:] == [[], {"k": 2}], m
    c.send(YIELD, m[1], {}, [], {"k": 3})
    assert d.expect(RESULT, r)[3:] == [[], {"k": 3}]


def an_event_for_each_subscription():
    c, d = client(), client()
    a = c.subscribe(uri())
    b = c.subscribe(uri(), {"match": "prefix"})
    p = d.publish(uri())
    assert {tuple(c.expect(EVENT)[1:3]) for _ in "ab"} == {(a, p), (b, p)}
