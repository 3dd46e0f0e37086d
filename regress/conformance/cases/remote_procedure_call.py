# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Basic Profile, Remote Procedure Calls.

from conformance import *


def registered_names_the_request():
    c = client()
    c.batch([REGISTER, i, {}, uri(str(i))] for i in (1, 2, 3))
    got = [c.expect(REGISTERED) for _ in range(3)]
    assert {m[1] for m in got} == {1, 2, 3}, got
    assert len({m[2] for m in got}) == 3, got


def register_is_answered_by_error():
    c, d = client(), client()
    g = c.register(uri())
    c.refused(REGISTER, {}, uri(), ALREADY_EXISTS)
    d.refused(REGISTER, {}, uri(), ALREADY_EXISTS)
    invoke(d, c, uri())
    c.send(UNREGISTER, c.next(), g)
    c.expect(UNREGISTERED)
    d.register(uri())
    client(RULES).refused(REGISTER, {}, "com.closed", NOT_AUTHORIZED)


def unregistered_names_the_request():
    c, d = client(), client()
    g = c.register(uri())
    c.send(UNREGISTER, 2, g)
    assert c.recv() == [UNREGISTERED, 2]
    d.refused(CALL, {}, uri(), NO_SUCH_PROCEDURE)


def unregister_is_answered_by_error():
    c, d = client(), client()
    g = c.register(uri())
    for i in (g, g + 1000, 2 ** 53):    # d does not have that one either
        d.refused(UNREGISTER, i, NO_SUCH_REGISTRATION)
    invoke(d, c, uri())
    c.send(UNREGISTER, c.next(), g)
    c.expect(UNREGISTERED)
    c.refused(UNREGISTER, g, NO_SUCH_REGISTRATION)


def calls_outstanding():
    c, d = client(), client()
    c.register(uri())
    calls = [invoke(d, c, uri(), {}, [i]) for i in range(5)]
    for r, m in reversed(calls):
        c.send(YIELD, m[1], {}, m[4])
        assert d.expect(RESULT, r)[3] == m[4]


PAYLOADS = ([], [["Hello, world!"]], [[23, 7]],
            [["johnny"], {"firstname": "John", "surname": "Doe"}],
            [[], {"userid": 123, "karma": 10}])


def payloads_of_calls():
    c, d = client(), client()
    g = c.register(uri())
    for p in PAYLOADS:
        r, m = invoke(d, c, uri(), {}, *p)
        assert m[2:] == [g, {}] + p, m


def payloads_of_results():
    c, d = client(), client()
    c.register(uri())
    for p in PAYLOADS:
        r, m = invoke(d, c, uri())
        c.send(YIELD, m[1], {}, *p)
        assert d.expect(RESULT, r)[2:] == [{}] + p


def calls_reach_the_callee_that_registered():
    c, d, e = client(), client(), client()
    c.register(uri("c"))
    g = d.register(uri("d"))
    r, m = invoke(e, d, uri("d"))
    assert m[2] == g, m
    quiet(c, e)


def results_go_to_the_caller_alone():
    c, d, e = client(), client(), client()
    c.register(uri())
    r1, m1 = invoke(d, c, uri())
    r2, m2 = invoke(e, c, uri())
    assert r1 == r2
    c.send(YIELD, m2[1], {}, ["e"])
    assert e.expect(RESULT, r2)[3] == ["e"]
    quiet(d, c)
    c.send(YIELD, m1[1], {}, ["d"])
    assert d.expect(RESULT, r1)[3] == ["d"]


def a_call_has_one_end():
    c, d = client(), client()
    c.register(uri())
    r, m = invoke(d, c, uri())
    c.send(YIELD, m[1], {}, [1])
    c.send(YIELD, m[1], {}, [2])
    c.send(ERROR, INVOCATION, m[1], {}, "com.error")
    assert d.expect(RESULT, r)[3] == [1]
    quiet(d, c)


def errors_reach_the_caller():
    c, d = client(), client()
    c.register(uri())
    for p in ([], [["Object is write protected."]],
              [["Object is write protected."], {"severity": 3}],
              [[], {"severity": 4}]):
        r, m = invoke(d, c, uri())
        c.send(ERROR, INVOCATION, m[1], {},
               "com.myapp.error.object_write_protected", *p)
        m = d.expect(ERROR, CALL, r)
        assert m[3:] == [{}, "com.myapp.error.object_write_protected"] + p, m


def calls_that_fail_at_the_router():
    c = client()
    c.refused(CALL, {}, uri(), NO_SUCH_PROCEDURE)
    client(RULES).refused(CALL, {}, "com.closed", NOT_AUTHORIZED)


def caller_leaves():
    # the answer for who has gone is discarded
    c, d, w = client(), client(), client()
    c.register(uri("a"))
    c.register(uri("b"))
    m = invoke(d, c, uri("a"))[1]
    n = invoke(d, c, uri("b"))[1]
    d.goodbye()
    d.join(REALM)
    c.send(YIELD, m[1], {}, ["late"])
    c.send(ERROR, INVOCATION, n[1], {}, "com.late")
    c.settle()
    quiet(d)
    # and the callee is none the worse for it
    r, m = invoke(w, c, uri("a"))
    c.send(YIELD, m[1], {})
    w.expect(RESULT, r)


def caller_leaves_without_call_canceling():
    c, d = client(), client()
    c.register(uri())
    invoke(d, c, uri())
    d.goodbye()
    quiet(c)


def callee_leaves():
    for how in ("close", "goodbye", "abort", "violation"):
        c, d = client(), client()
        c.register(uri())
        r, m = invoke(d, c, uri())
        if how == "close":
            c.close()
        elif how == "goodbye":
            c.goodbye()
        elif how == "abort":
            c.send(ABORT, {}, "com.enough")
        else:
            c.send(999)
        m = d.expect(ERROR, CALL, r, {}, CANCELED)
        assert type(m[5][0]) is str, m


def unregistering_lets_calls_end():
    c, d = client(), client()
    g = c.register(uri())
    r, m = invoke(d, c, uri())
    c.send(UNREGISTER, c.next(), g)
    c.expect(UNREGISTERED)
    c.send(YIELD, m[1], {}, ["done"])
    assert d.expect(RESULT, r)[3] == ["done"]


def caller_leaves_with_call_canceling():
    for how in ("close", "goodbye", "violation"):
        c, d = client(callee="call_canceling"), client()
        c.register(uri(how))
        m = invoke(d, c, uri(how))[1]
        if how == "close":
            d.close()
        elif how == "goodbye":
            d.goodbye()
        else:
            d.send(999)
        assert c.expect(INTERRUPT, m[1])[2]["mode"] == "killnowait"
        c.send(YIELD, m[1], {})
        quiet(c)
