# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Progressive Call Invocations.

from conformance import *

PCI = "progressive_call_invocations"
BOTH = PCI + " call_canceling"
ALL = BOTH + " progressive_call_results"
MORE = {"progress": True}
UNSUPPORTED = "wamp.error.feature_not_supported"


def pair(callee=ALL, caller=ALL, **kw):
    c, d = client(callee=callee), client(caller=caller)
    c.register(uri(), kw)
    return d, c


def begun(options=None, **kw):
    d, c = pair(**kw)
    return (d, c) + invoke(d, c, uri(), dict(MORE, **(options or {})),
                           ["first"])


def go_on(d, c, r, i, what, options=MORE):
    """A further chunk: the INVOCATION."""
    d.send(CALL, r, options, uri(), [what])
    m = c.expect(INVOCATION, i)
    assert m[4] == [what], m
    return m


def is_announced():
    f = features("dealer")
    assert f[PCI] is True, f


def call_canceling_is_announced():
    assert features("dealer")["call_canceling"] is True


def caller_that_did_not_announce():
    d, c = pair(caller="call_canceling")
    d.send(CALL, 1, MORE, uri(), [1])
    d.expect_abort(PV)
    quiet(c)


def callee_that_cannot():
    d, c = pair(callee="call_canceling progressive_call_results")
    d.refused(CALL, MORE, uri(), [1], UNSUPPORTED)
    quiet(c)


def callee_without_call_canceling():
    d, c = pair(callee=PCI)
    d.refused(CALL, MORE, uri(), [1], UNSUPPORTED)
    quiet(c)


def callee_with_the_other_spelling():
    d, c = pair(callee=PCI + " call_cancelling")
    m = invoke(d, c, uri(), MORE, [1])[1]
    assert m[3] == MORE, m


def one_request_id():
    d, c, r, m = begun()
    for i in range(3):
        n = go_on(d, c, r, m[1], i)
        assert n[1:3] == m[1:3], n
    n = go_on(d, c, r, m[1], "end", {})
    c.send(YIELD, m[1], {}, ["sum"])
    d.expect(RESULT, r, {}, ["sum"])


def progress_is_forwarded():
    d, c, r, m = begun()
    assert m[3] == MORE, m
    assert go_on(d, c, r, m[1], 2)[3] == MORE


def ends_in_a_normal_call():
    for final in ({}, {"progress": False}):
        again()
        d, c, r, m = begun()
        n = go_on(d, c, r, m[1], "end", final)
        assert n[3].get("progress", False) is False, n
        c.send(YIELD, m[1], {}, [1])
        d.expect(RESULT, r, {}, [1])


def false_is_the_default():
    d, c = pair()
    for o in ({}, {"progress": False}):
        r, m = invoke(d, c, uri(), o)
        assert m[3].get("progress", False) is False, m


def other_calls_in_between():
    d, c, r, m = begun()
    r2, m2 = invoke(d, c, uri(), {}, ["other"])
    assert r2 == r + 1 and m2[1] == m[1] + 1
    go_on(d, c, r, m[1], 2)
    c.send(YIELD, m2[1], {}, ["other"])
    d.expect(RESULT, r2, {}, ["other"])
    go_on(d, c, r, m[1], 3, {})
    c.send(YIELD, m[1], {}, ["sum"])
    d.expect(RESULT, r, {}, ["sum"])


def to_the_same_callee():
    for policy in ("roundrobin", "random", "last", "first"):
        d = client(caller=ALL)
        p = uri(policy)
        callees = [client(callee=ALL) for _ in range(3)]
        for c in callees:
            c.register(p, {"invoke": policy})
        d.batch([CALL, 1, MORE if i < 8 else {}, p, [i]] for i in range(9))
        d.request = 1
        # one of them has all of it
        d.settle()
        got = []
        for c in callees:
            r = c.ask(PUBLISH, ACK, uri("nobody"))
            mine = []
            while True:
                m = c.recv()
                if m[0] == PUBLISHED:
                    assert m[1] == r
                    break
                mine.append(m[4][0])
            got.append(mine)
        assert sorted(got) == [[], [], list(range(9))], (policy, got)


def to_the_same_callee_when_others_come():
    d, c = pair(invoke="last")
    r, m = invoke(d, c, uri(), MORE, [1])
    e = client(callee=ALL)
    e.register(uri(), {"invoke": "last"})
    go_on(d, c, r, m[1], 2)
    go_on(d, c, r, m[1], 3, {})
    quiet(e)


def caller_leaves():
    d, c, r, m = begun()
    go_on(d, c, r, m[1], 2)
    d.close()
    assert c.expect(INTERRUPT, m[1])[2]["mode"] == "killnowait"


def callee_leaves():
    d, c, r, m = begun()
    go_on(d, c, r, m[1], 2)
    c.goodbye()
    d.expect(ERROR, CALL, r, {}, CANCELED)


def completed_by_a_result():
    d, c, r, m = begun()
    c.send(YIELD, m[1], {}, ["enough"])
    d.expect(RESULT, r, {}, ["enough"])
    for o in (MORE, {}):
        d.send(CALL, r, o, uri(), ["late"])
    quiet(d)
    quiet(c)


def completed_by_an_error():
    d, c, r, m = begun()
    c.send(ERROR, INVOCATION, m[1], {}, "com.error")
    d.expect(ERROR, CALL, r, {}, "com.error")
    d.send(CALL, r, MORE, uri(), ["late"])
    quiet(d)
    quiet(c)


def completed_by_the_callees_leaving():
    d, c, r, m = begun()
    e = client(callee=ALL)
    c.goodbye()
    d.expect(ERROR, CALL, r, {}, CANCELED)
    e.register(uri())
    d.send(CALL, r, MORE, uri(), ["late"])
    quiet(d)
    quiet(e)


def completed_by_cancel():
    d, c, r, m = begun()
    d.send(CANCEL, r, {"mode": "killnowait"})
    d.expect(ERROR, CALL, r, {}, CANCELED)
    c.expect(INTERRUPT, m[1])
    d.send(CALL, r, MORE, uri(), ["late"])
    quiet(d)
    quiet(c)


def ids_of_new_calls_are_sequential():
    d, c, r, m = begun()
    d.refused(CALL, {}, uri("nowhere"), NO_SUCH_PROCEDURE)
    go_on(d, c, r, m[1], "end", {})
    d.send(CALL, 3, {}, uri(), ["next"])
    c.expect(INVOCATION, m[1] + 1)


def a_gap_is_an_error():
    d, c, r, m = begun()
    d.refused(CALL, {}, uri("nowhere"), NO_SUCH_PROCEDURE)
    d.send(CALL, 4, {}, uri(), ["next"])
    d.expect_abort(PV)
    c.expect(INTERRUPT, m[1])


def a_gap_is_an_error_with_progress():
    d, c = pair()
    d.send(CALL, 2, MORE, uri(), [1])
    d.expect_abort(PV)
    quiet(c)


def continuing_what_is_not_progressive():
    d, c = pair()
    r, m = invoke(d, c, uri())
    d.send(CALL, r, {}, uri(), ["again"])
    d.expect_abort(PV)
    c.expect(INTERRUPT, m[1])


def candidates_that_are_unknown():
    d, c = pair()
    d.settle()                      # ids 1 and 2 are no calls
    d.settle()
    d.send(CALL, 1, MORE, uri(), ["?"])
    quiet(d)
    quiet(c)


def candidates_with_another_procedure():
    d, c, r, m = begun()
    c.register(uri("other"))
    d.send(CALL, r, MORE, uri("other"), ["?"])
    quiet(d)
    quiet(c)
    go_on(d, c, r, m[1], 2)


def with_progressive_results():
    d, c, r, m = begun({"receive_progress": True})
    assert m[3] == {"progress": True, "receive_progress": True}, m
    c.send(YIELD, m[1], MORE, ["r1"])
    d.expect(RESULT, r, MORE, ["r1"])
    go_on(d, c, r, m[1], 2)
    go_on(d, c, r, m[1], 3)
    c.send(YIELD, m[1], MORE, ["r2"])
    c.send(YIELD, m[1], MORE, ["r3"])
    d.expect(RESULT, r, MORE, ["r2"])
    d.expect(RESULT, r, MORE, ["r3"])
    go_on(d, c, r, m[1], "end", {})
    c.send(YIELD, m[1], {}, ["sum"])
    d.expect(RESULT, r, {}, ["sum"])


def options_are_frozen():
    d, c, r, m = begun({"disclose_me": True, "receive_progress": True})
    first = {k: v for k, v in m[3].items() if k != "progress"}
    assert first["caller"] == d.id and first["receive_progress"] is True, m
    n = go_on(d, c, r, m[1], 2)
    assert n[3] == dict(first, progress=True), n
    n = go_on(d, c, r, m[1], 3, {})
    assert {k: v for k, v in n[3].items() if k != "progress"} == first, n
    c.send(YIELD, m[1], MORE, [1])
    d.expect(RESULT, r, MORE, [1])


def later_options_are_ignored():
    d, c, r, m = begun()
    later = {"disclose_me": True, "receive_progress": True, "timeout": 1,
             "_own": 1}
    n = go_on(d, c, r, m[1], 2, dict(MORE, **later))
    assert n[3] == MORE, n
    # its timeout has no effect either: another's comes
    tick = client()
    t, k = invoke(tick, c, uri(), {"timeout": 20})
    tick.expect(ERROR, CALL, t, {}, "wamp.error.timeout")
    c.expect(INTERRUPT, k[1])
    go_on(d, c, r, m[1], "end", later)
    c.send(YIELD, m[1], {}, [1])
    got = d.expect(RESULT, r)
    assert got[2:] == [{}, [1]], got
