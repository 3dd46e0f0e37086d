# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Payload Passthru Mode.

import base64

from conformance import *

PPT = "payload_passthru_mode"
UNSUPPORTED = "wamp.error.feature_not_supported"
FULL = {"ppt_scheme": "wamp", "ppt_serializer": "cbor",
        "ppt_cipher": "xsalsa20poly1305",
        "ppt_keyid": "GTtQ37XGJO2O4R8Dvx4AUo8pe61D9evIWpKGQAPdOh0="}
MQTT = {"ppt_scheme": "mqtt", "ppt_serializer": "native"}


def binary(octets=b"\x00\xff\xa0not cbor"):
    """As the session's serializer has it."""
    if way[1] == "json":
        return ["\0" + base64.b64encode(octets).decode()]
    return [octets]


def peer(**kw):
    every = {r: PPT for r in ("publisher", "subscriber", "caller",
                              "callee")}
    return client(**dict(every, **kw))


def pair(caller=PPT, callee=PPT):
    d, c = peer(caller=caller), peer(callee=callee)
    c.register(uri())
    return d, c


def is_announced():
    assert features("dealer")[PPT] is True
    assert features("broker")[PPT] is True


def caller_that_did_not_announce():
    d, c = pair(caller="")
    d.send(CALL, 1, MQTT, uri(), binary())
    d.expect_abort(PV)
    quiet(c)


def callee_that_cannot():
    d, c = pair(callee="")
    d.refused(CALL, MQTT, uri(), binary(), UNSUPPORTED)
    quiet(c)
    invoke(d, c, uri(), {}, [1])    # but without


def publisher_that_did_not_announce():
    c, d = peer(), peer(publisher="")
    c.subscribe(uri())
    d.send(PUBLISH, 1, MQTT, uri(), binary())
    d.expect_abort(PV)
    quiet(c)


def callee_that_did_not_announce():
    d, c = pair(callee="")
    r, m = invoke(d, c, uri())
    c.send(YIELD, m[1], MQTT, binary())
    c.expect_abort(PV)
    d.expect(ERROR, CALL, r, {}, CANCELED)


def caller_that_cannot():
    d, c = pair(caller="")
    r, m = invoke(d, c, uri())
    c.send(YIELD, m[1], MQTT, binary())
    c.expect(ERROR, YIELD, m[1], {}, UNSUPPORTED)
    d.expect(ERROR, CALL, r, {}, UNSUPPORTED)


def subscriber_that_cannot():
    c, other, d = peer(subscriber=""), peer(), peer()
    s = c.subscribe(uri())
    other.subscribe(uri())
    d.ask(PUBLISH, MQTT, uri(), binary())
    assert other.expect(EVENT, s)[4] == binary()
    d.publish(uri(), "plain")
    assert c.expect(EVENT, s)[3:] == [{}, ["plain"]]


def calls_and_results():
    d, c = pair()
    for o in (FULL, MQTT, {"ppt_scheme": "x_my_ppt"}):
        r, m = invoke(d, c, uri(), o, binary())
        assert m[3:] == [o, binary()], m
        c.send(YIELD, m[1], o, binary(b"result"))
        assert d.expect(RESULT, r)[2:] == [o, binary(b"result")]


def events():
    c, d = peer(), peer()
    s = c.subscribe(uri())
    for o in (FULL, MQTT, {"ppt_scheme": "x_my_ppt"}):
        d.ask(PUBLISH, o, uri(), binary())
        assert c.expect(EVENT, s)[3:] == [o, binary()]


def errors():
    d, c = pair()
    r, m = invoke(d, c, uri(), FULL, binary())
    c.send(ERROR, INVOCATION, m[1], FULL, "com.myapp.invalid_revenue_year",
           binary())
    assert d.expect(ERROR, CALL, r) == [
        ERROR, CALL, r, FULL, "com.myapp.invalid_revenue_year", binary()]


def progressive_results():
    more = PPT + " progressive_call_results call_canceling"
    d, c = pair(more, more)
    r, m = invoke(d, c, uri(), dict(FULL, receive_progress=True), binary())
    c.send(YIELD, m[1], dict(FULL, progress=True), binary(b"1"))
    c.send(YIELD, m[1], FULL, binary(b"2"))
    assert d.expect(RESULT, r)[2:] == [dict(FULL, progress=True),
                                       binary(b"1")]
    assert d.expect(RESULT, r)[2:] == [FULL, binary(b"2")]


def progressive_invocations():
    more = PPT + " progressive_call_invocations call_canceling"
    d, c = pair(more, more)
    r, m = invoke(d, c, uri(), dict(FULL, progress=True), binary(b"1"))
    assert m[3:] == [dict(FULL, progress=True), binary(b"1")], m
    # frozen: the first CALL's options are those of all
    d.send(CALL, r, {}, uri(), binary(b"2"))
    assert c.expect(INVOCATION, m[1])[3:] == [FULL, binary(b"2")]


def an_empty_scheme_is_none():
    d, c = peer(caller="", publisher=""), peer()
    c.register(uri())
    c.subscribe(uri())
    m = invoke(d, c, uri(), {"ppt_scheme": ""}, [1, 2])[1]
    assert not m[3].get("ppt_scheme") and m[4] == [1, 2], m
    d.ask(PUBLISH, {"ppt_scheme": ""}, uri(), [3], {"k": 4})
    assert c.expect(EVENT)[4:] == [[3], {"k": 4}]


def one_item():
    d, c = pair()
    for payload in ([], [[]], [[1, 2]], [binary()[0:1] * 2],
                    [binary(), {"k": 1}]):
        d.refused(CALL, MQTT, uri(), *payload, INVALID_ARGUMENT)
        d.refused(PUBLISH, dict(MQTT, **ACK), uri(), *payload,
                  INVALID_ARGUMENT)
    quiet(c)


def empty_keyword_arguments():
    d, c = pair()
    m = invoke(d, c, uri(), MQTT, binary(), {})[1]
    assert m[4] == binary() and not any(m[5:]), m


def binary_in_json():
    d = client(serializer="json", publisher=PPT, caller=PPT)
    c = client(serializer="msgpack", subscriber=PPT, callee=PPT)
    s = c.subscribe(uri())
    c.register(uri())
    d.ask(PUBLISH, FULL, uri(), ["\0AP8="])
    assert c.expect(EVENT, s)[3:] == [FULL, [b"\x00\xff"]]
    r, m = invoke(d, c, uri(), FULL, ["\0AP8="])
    assert m[4] == [b"\x00\xff"], m
    c.send(YIELD, m[1], FULL, [b"\xff\x00"])
    assert d.expect(RESULT, r)[2:] == [FULL, ["\0/wA="]]


def attributes_are_not_inspected():
    d, c = pair()
    strange = {"ppt_scheme": "\u00e4 / no such", "ppt_serializer": "xml",
               "ppt_cipher": "rot13", "ppt_keyid": ""}
    m = invoke(d, c, uri(), strange, binary())[1]
    assert m[3] == strange or m[3] == {
        k: v for k, v in strange.items() if v}, m


def attributes_of_a_wrong_type():
    for bad in ({"ppt_scheme": 1}, {"ppt_scheme": "x", "ppt_cipher": []}):
        again()
        d, c = pair()
        d.send(CALL, 1, bad, uri(), binary())
        d.expect_abort(PV)
