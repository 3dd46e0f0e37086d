# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Progressive Call Results.

from conformance import *

PCR = "progressive_call_results"
BOTH = PCR + " call_canceling"
MORE = {"progress": True}


def begun(options=None, callee=BOTH, caller=BOTH):
    """Caller, callee, CALL.Request and the INVOCATION."""
    c, d = client(callee=callee), client(caller=caller)
    c.register(uri())
    if options is None:
        options = {"receive_progress": True}
    return (d, c) + invoke(d, c, uri(), options)


def is_announced():
    f = features("dealer")
    assert f[PCR] is True and f["call_canceling"] is True, f


def callee_without_call_canceling():
    d, c, r, m = begun(callee=PCR)
    assert "receive_progress" not in m[3], m


def willingness_is_forwarded():
    d, c, r, m = begun()
    assert m[3] == {"receive_progress": True}, m


def willingness_is_forwarded_to_who_can():
    d, c, r, m = begun(callee="call_canceling")
    assert "receive_progress" not in m[3], m


def who_does_not_ask_is_not_willing():
    for o in ({}, {"receive_progress": False}):
        again()
        d, c, r, m = begun(o)
        assert m[3].get("receive_progress", False) is False, m


def results_are_sent_immediately():
    d, c, r, m = begun()
    for i in range(3):
        c.send(YIELD, m[1], MORE, ["Y201%d" % i, i])
        assert d.expect(RESULT, r) == [RESULT, r, MORE, ["Y201%d" % i, i]]
    c.send(YIELD, m[1], {}, ["Total", 490])
    assert d.expect(RESULT, r) == [RESULT, r, {}, ["Total", 490]]


def ends_in_a_result():
    d, c, r, m = begun()
    c.send(YIELD, m[1], MORE, [1])
    c.send(YIELD, m[1], {}, [2])
    d.expect(RESULT, r, MORE, [1])
    d.expect(RESULT, r, {}, [2])
    # explicitly false is final, too
    r, m = invoke(d, c, uri(), {"receive_progress": True})
    c.send(YIELD, m[1], {"progress": False}, [3])
    got = d.expect(RESULT, r)
    assert not got[2].get("progress") and got[3] == [3], got


def ends_in_an_error():
    d, c, r, m = begun()
    c.send(YIELD, m[1], MORE, [1])
    c.send(ERROR, INVOCATION, m[1], {}, "com.myapp.invalid_revenue_year",
           [1830])
    d.expect(RESULT, r, MORE, [1])
    assert d.expect(ERROR, CALL, r) == [
        ERROR, CALL, r, {}, "com.myapp.invalid_revenue_year", [1830]]


def no_progress_behind_the_end():
    d, c, r, m = begun()
    c.send(YIELD, m[1], {}, [1])
    c.send(YIELD, m[1], MORE, [2])
    c.send(YIELD, m[1], {}, [3])
    d.expect(RESULT, r, {}, [1])
    quiet(d, c)
    r, m = invoke(d, c, uri(), {"receive_progress": True})
    c.send(ERROR, INVOCATION, m[1], {}, "com.error")
    c.send(YIELD, m[1], MORE, [2])
    d.expect(ERROR, CALL, r)
    quiet(d, c)


def final_result_may_be_empty():
    d, c, r, m = begun()
    c.send(YIELD, m[1], MORE, ["Total", 490])
    c.send(YIELD, m[1], {})
    d.expect(RESULT, r, MORE, ["Total", 490])
    assert d.expect(RESULT) == [RESULT, r, {}]


def progress_may_be_empty():
    d, c, r, m = begun()
    c.send(YIELD, m[1], MORE)
    c.send(YIELD, m[1], MORE)
    c.send(YIELD, m[1], {}, [["Y2010", 120]])
    assert d.expect(RESULT) == [RESULT, r, MORE]
    assert d.expect(RESULT) == [RESULT, r, MORE]
    d.expect(RESULT, r, {}, [["Y2010", 120]])


def results_of_different_structure():
    d, c, r, m = begun()
    all_ = ([MORE, ["partial 1", 10]],
            [MORE, [], {"foo": 10, "bar": "partial 1"}],
            [{}, [1, 2, 3], {"moo": "hello"}])
    for o in all_:
        c.send(YIELD, m[1], *o)
    for o in all_:
        assert d.expect(RESULT) == [RESULT, r] + o


def callee_need_not():
    d, c, r, m = begun()
    c.send(YIELD, m[1], {}, [1])
    d.expect(RESULT, r, {}, [1])


def progress_that_nobody_asked_for():
    d, c, r, m = begun({})
    c.send(YIELD, m[1], MORE, [1])
    got = d.expect(RESULT, r)
    assert "progress" not in got[2] and got[3] == [1], got
    c.send(YIELD, m[1], {}, [2])
    quiet(d, c)


def caller_leaves():
    d, c, r, m = begun()
    c.send(YIELD, m[1], MORE, [1])
    d.expect(RESULT, r, MORE, [1])
    d.close()
    assert c.expect(INTERRUPT, m[1])[2]["mode"] == "killnowait"
    # what it had under way is no error
    c.send(YIELD, m[1], MORE, [2])
    c.send(YIELD, m[1], {}, [3])
    quiet(c)


def callee_leaves():
    d, c, r, m = begun()
    c.send(YIELD, m[1], MORE, [1])
    d.expect(RESULT, r, MORE, [1])
    c.goodbye()
    d.expect(ERROR, CALL, r, {}, CANCELED)


def canceled_between_results():
    d, c, r, m = begun()
    c.send(YIELD, m[1], MORE, [1])
    d.expect(RESULT, r, MORE, [1])
    d.send(CANCEL, r, {"mode": "killnowait"})
    d.expect(ERROR, CALL, r, {}, CANCELED)
    c.expect(INTERRUPT, m[1])
    c.send(YIELD, m[1], MORE, [2])
    quiet(d, c)


# A timer is the same in each way; and a call that times out is the clock.

@only("rawsocket", "json")
def timeout_is_between_results():
    d, c, r, m = begun({"receive_progress": True, "timeout": 900})
    for i in range(4):
        tick = client(caller="")
        t, n = invoke(tick, c, uri(), {"timeout": 300})
        tick.expect(ERROR, CALL, t, {}, "wamp.error.timeout")
        c.expect(INTERRUPT, n[1])
        c.send(YIELD, m[1], MORE, [i])      # after 300, 600, 900, 1200
        d.expect(RESULT, r, MORE, [i])
    c.send(YIELD, m[1], {}, ["end"])
    d.expect(RESULT, r, {}, ["end"])


@only("rawsocket", "json")
def timeout_after_a_result():
    d, c, r, m = begun({"receive_progress": True, "timeout": 500})
    c.send(YIELD, m[1], MORE, [1])
    d.expect(RESULT, r, MORE, [1])
    d.expect(ERROR, CALL, r, {}, "wamp.error.timeout")
    assert c.expect(INTERRUPT, m[1])[2]["mode"] == "killnowait"
