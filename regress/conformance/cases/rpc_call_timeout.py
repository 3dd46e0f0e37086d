# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Call Timeouts.

from conformance import *

TIMEOUT = "wamp.error.timeout"


def pair(callee="", **options):
    c, d = client(callee=callee), client()
    c.register(uri(), options)
    return d, c


def is_announced():
    assert features("dealer")["call_timeout"] is True


def in_milliseconds():
    d, c = pair()
    # the longer one is not over when the shorter one is
    long, m = invoke(d, c, uri(), {"timeout": 60000})
    short, n = invoke(d, c, uri(), {"timeout": 20})
    d.expect(ERROR, CALL, short, {}, TIMEOUT, timeout=2)
    c.send(YIELD, m[1], {}, [1])
    d.expect(RESULT, long, {}, [1])


def no_timeout():
    d, c = pair()
    none, m = invoke(d, c, uri())
    zero, n = invoke(d, c, uri(), {"timeout": 0})
    short, _ = invoke(d, c, uri(), {"timeout": 20})
    d.expect(ERROR, CALL, short, {}, TIMEOUT)
    for r, k in ((none, m), (zero, n)):
        assert "timeout" not in k[3], k
        c.send(YIELD, k[1], {})
        d.expect(RESULT, r)


def the_dealer_keeps_time():
    d, c = pair()
    r, m = invoke(d, c, uri(), {"timeout": 10})
    assert "timeout" not in m[3], m
    d.expect(ERROR, CALL, r, {}, TIMEOUT)
    c.send(YIELD, m[1], {}, ["late"])
    quiet(d, c)


@only("rawsocket", "json")
def an_answer_in_time():
    d, c = pair()
    r, m = invoke(d, c, uri(), {"timeout": 500})
    c.send(YIELD, m[1], {}, [1])
    d.expect(RESULT, r, {}, [1])
    # a later one that is over: the first timer would have gone off before
    r, m = invoke(d, c, uri(), {"timeout": 500})
    d.expect(ERROR, CALL, r, {}, TIMEOUT)


def mode_is_killnowait():
    d, c = pair("call_canceling")
    r, m = invoke(d, c, uri(), {"timeout": 10})
    d.expect(ERROR, CALL, r, {}, TIMEOUT)
    assert c.expect(INTERRUPT, m[1])[2]["mode"] == "killnowait"
    c.send(ERROR, INVOCATION, m[1], {}, CANCELED)
    quiet(d, c)


def mode_is_skip():
    d, c = pair()
    r, m = invoke(d, c, uri(), {"timeout": 10})
    d.expect(ERROR, CALL, r, {}, TIMEOUT)
    quiet(c, d)


def forwarded():
    d, c = pair("call_timeout call_canceling", forward_timeout=True)
    r, m = invoke(d, c, uri(), {"timeout": 10})
    assert m[3]["timeout"] == 10, m
    # the dealer keeps no time for it: one that it keeps ends first
    e, f = client(callee=""), client()
    e.register(uri("other"))
    r2, _ = invoke(f, e, uri("other"), {"timeout": 50})
    f.expect(ERROR, CALL, r2, {}, TIMEOUT)
    quiet(d)
    quiet(c)
    c.send(YIELD, m[1], {}, [1])
    d.expect(RESULT, r, {}, [1])


def the_callee_keeps_time():
    c = client(callee="call_timeout")
    d = client(own_errors=False)
    c.register(uri(), {"forward_timeout": True})
    r, m = invoke(d, c, uri(), {"timeout": 10})
    c.send(ERROR, INVOCATION, m[1], {}, TIMEOUT)
    d.expect(ERROR, CALL, r, {}, TIMEOUT)


def not_forwarded_unless_registered_so():
    for o in ({}, {"forward_timeout": False}):
        again()
        d, c = pair("call_timeout", **o)
        r, m = invoke(d, c, uri(), {"timeout": 10})
        assert "timeout" not in m[3], m
        d.expect(ERROR, CALL, r, {}, TIMEOUT)


def not_forwarded_unless_announced():
    d, c = pair("", forward_timeout=True)
    r, m = invoke(d, c, uri(), {"timeout": 10})
    assert "timeout" not in m[3], m
    d.expect(ERROR, CALL, r, {}, TIMEOUT)


def forwarded_only_if_there_is_one():
    d, c = pair("call_timeout", forward_timeout=True)
    for o in ({}, {"timeout": 0}):
        r, m = invoke(d, c, uri(), o)
        assert m[3].get("timeout", 0) == 0, m


def timeouts_of_a_wrong_type():
    d, c = pair()
    for bad in ("10", -1, True, [10], 1.5):
        d.refused(CALL, {"timeout": bad}, uri(), INVALID_ARGUMENT)
    quiet(c)


def the_caller_keeps_time():
    d, c = pair("call_canceling")
    r, m = invoke(d, c, uri())
    d.send(CANCEL, r, {"mode": "killnowait"})
    d.expect(ERROR, CALL, r, {}, CANCELED)
    c.expect(INTERRUPT, m[1])
