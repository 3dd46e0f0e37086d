# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Call Canceling.

from conformance import *

CAN = "call_canceling"


def begun(callee=CAN, **kw):
    """Caller, callee, CALL.Request and INVOCATION.Request."""
    c, d = client(callee=callee), client(caller=CAN, **kw)
    c.register(uri())
    r, m = invoke(d, c, uri())
    return d, c, r, m[1]


def is_over(d, c, r, i):
    """Whatever the callee still sends, the caller hears nothing."""
    c.send(YIELD, i, {}, ["late"])
    c.send(ERROR, INVOCATION, i, {}, "com.late")
    quiet(d, c)
    # and the callee is still there
    r2, m = invoke(d, c, uri())
    assert r2 > r and m[1] == i + 1


def is_announced():
    assert features("dealer")[CAN] is True


def skip():
    d, c, r, i = begun()
    d.send(CANCEL, r, {"mode": "skip"})
    d.expect(ERROR, CALL, r, {}, CANCELED)
    quiet(c)                        # no INTERRUPT
    is_over(d, c, r, i)


def kill_waits_for_the_error():
    d, c, r, i = begun()
    d.send(CANCEL, r, {"mode": "kill"})
    m = c.expect(INTERRUPT, i)
    assert m[2]["mode"] == "kill", m
    quiet(d, c)
    c.send(ERROR, INVOCATION, i, {}, "com.example.stopped", [1], {"k": 2})
    assert d.expect(ERROR, CALL, r, {}, "com.example.stopped")[5:] == \
        [[1], {"k": 2}]
    is_over(d, c, r, i)


def kill_waits_for_the_result():
    d, c, r, i = begun()
    d.send(CANCEL, r, {"mode": "kill"})
    c.expect(INTERRUPT, i)
    c.send(YIELD, i, {}, ["done"])
    assert d.expect(RESULT, r)[3] == ["done"]
    is_over(d, c, r, i)


def kill_and_the_callee_leaves():
    d, c, r, i = begun()
    d.send(CANCEL, r, {"mode": "kill"})
    c.expect(INTERRUPT, i)
    c.close()
    d.expect(ERROR, CALL, r, {}, CANCELED)


def killnowait():
    d, c, r, i = begun()
    d.send(CANCEL, r, {"mode": "killnowait"})
    d.expect(ERROR, CALL, r, {}, CANCELED)
    m = c.expect(INTERRUPT, i)
    assert m[2]["mode"] == "killnowait", m
    is_over(d, c, r, i)


def killnowait_needs_no_answer():
    d, c, r, i = begun()
    d.send(CANCEL, r, {"mode": "killnowait"})
    d.expect(ERROR, CALL, r, {}, CANCELED)
    c.expect(INTERRUPT, i)
    r, m = invoke(d, c, uri())
    c.send(YIELD, m[1], {})
    d.expect(RESULT, r)
    # another end of the first call would be at the callee's leaving
    c.goodbye()
    quiet(d)


def callee_that_cannot():
    for mode in ("kill", "killnowait", "skip"):
        again()
        d, c, r, i = begun("")
        d.send(CANCEL, r, {"mode": mode})
        d.expect(ERROR, CALL, r, {}, CANCELED)
        quiet(c)
        is_over(d, c, r, i)


def no_mode():
    d, c, r, i = begun()
    d.send(CANCEL, r, {})
    d.expect(ERROR, CALL, r, {}, CANCELED)
    assert c.expect(INTERRUPT, i)[2]["mode"] == "killnowait"
    is_over(d, c, r, i)


def unknown_mode():
    d, c, r, i = begun()
    d.send(CANCEL, r, {"mode": "please"})
    d.expect(ERROR, CALL, r, {}, INVALID_ARGUMENT)
    assert c.expect(INTERRUPT, i)[2]["mode"] == "killnowait"
    is_over(d, c, r, i)


def mode_of_a_wrong_type():
    d, c, r, i = begun()
    d.send(CANCEL, r, {"mode": 1})
    d.expect_abort(PV)


def finished_calls_cannot_be_canceled():
    d, c, r, i = begun()
    c.send(YIELD, i, {})
    d.expect(RESULT, r)
    for mode in ("skip", "kill", "killnowait"):
        d.send(CANCEL, r, {"mode": mode})
    d.settle()
    quiet(d, c)
    quiet(c)


def canceled_twice():
    d, c, r, i = begun()
    d.send(CANCEL, r, {"mode": "kill"})
    d.send(CANCEL, r, {"mode": "kill"})
    c.expect(INTERRUPT, i)
    quiet(d)
    quiet(c)
    # who does not want to wait any longer need not
    d.send(CANCEL, r, {"mode": "killnowait"})
    d.expect(ERROR, CALL, r, {}, CANCELED)
    c.send(ERROR, INVOCATION, i, {}, "com.late")
    quiet(d, c)


def only_the_callers_own():
    d, c, r, i = begun()
    thief = client(caller=CAN)
    thief.refused(CALL, {}, uri("nowhere"), NO_SUCH_PROCEDURE)
    assert r == 1
    thief.send(CANCEL, r, {"mode": "killnowait"})
    quiet(thief)
    quiet(c)
    c.send(YIELD, i, {}, ["done"])
    assert d.expect(RESULT, r)[3] == ["done"]


def the_other_calls_go_on():
    c, d = client(callee=CAN), client(caller=CAN)
    c.register(uri())
    calls = [invoke(d, c, uri(), {}, [i]) for i in range(3)]
    d.send(CANCEL, calls[1][0], {"mode": "killnowait"})
    d.expect(ERROR, CALL, calls[1][0], {}, CANCELED)
    c.expect(INTERRUPT, calls[1][1][1])
    for i in (0, 2):
        c.send(YIELD, calls[i][1][1], {}, [i])
        assert d.expect(RESULT, calls[i][0])[3] == [i]


def form_of_cancel():
    for m in ([CANCEL, 1], [CANCEL, 0, {}], [CANCEL, "1", {}],
              [CANCEL, 1, []], [CANCEL, 1, {}, []]):
        again()
        d, c, r, i = begun()
        d.send(*m)
        d.expect_abort(PV)


def other_spelling():
    d, c, r, i = begun("call_cancelling")
    d.send(CANCEL, r, {"mode": "kill"})
    c.expect(INTERRUPT, i)
