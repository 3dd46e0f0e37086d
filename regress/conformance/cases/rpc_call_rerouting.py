# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Call Re-Routing.

from conformance import *

REROUTE = "call_reroute"
UNAVAILABLE = "wamp.error.unavailable"
NO_CALLEE = "wamp.error.no_available_callee"


def callees(n, policy, features=REROUTE):
    cs = [client(callee=features) for _ in range(n)]
    for c in cs:
        c.register(uri(), {"invoke": policy})
    return cs


def refuse(c, uri=UNAVAILABLE):
    """Whoever gets it says that he cannot."""
    m = c.expect(INVOCATION)
    c.send(ERROR, INVOCATION, m[1], {}, uri)


def serve(c, d, r):
    m = c.expect(INVOCATION)
    c.send(YIELD, m[1], {}, ["served"])
    d.expect(RESULT, r, {}, ["served"])


def is_announced():
    assert features("dealer")[REROUTE] is True


def to_another_registration():
    a, b = callees(2, "first")
    d = client()
    r = d.ask(CALL, {}, uri(), [1, "x"], {"k": [2]})
    refuse(a)
    # the very same call
    m = b.expect(INVOCATION)
    assert m[4:] == [[1, "x"], {"k": [2]}], m
    b.send(YIELD, m[1], {}, ["done"])
    d.expect(RESULT, r, {}, ["done"])
    quiet(d)
    quiet(a)


def options_are_kept():
    more = REROUTE + " call_canceling progressive_call_results"
    a, b = callees(2, "first", more)
    d = client(caller=more)
    r = d.ask(CALL, {"receive_progress": True, "disclose_me": True}, uri())
    refuse(a)
    m = b.expect(INVOCATION)
    assert m[3]["receive_progress"] is True and m[3]["caller"] == d.id, m
    b.send(YIELD, m[1], {"progress": True}, [1])
    d.expect(RESULT, r, {"progress": True}, [1])


def unregistered_meanwhile():
    a, b = callees(2, "first")
    d = client()
    r = d.ask(CALL, {}, uri(), [1])
    m = a.expect(INVOCATION)
    a.send(UNREGISTER, a.next(), m[2])
    a.expect(UNREGISTERED)
    a.send(ERROR, INVOCATION, m[1], {}, UNAVAILABLE)
    serve(b, d, r)


def features_are_the_new_callees():
    a = client(callee=REROUTE + " call_canceling progressive_call_results")
    b, d = client(callee=REROUTE), client(own_errors=False)
    for c in (a, b):
        c.register(uri(), {"invoke": "first"})
    r = d.ask(CALL, {"receive_progress": True}, uri())
    refuse(a)
    assert b.expect(INVOCATION, 1)[3] == {}
    d.send(CANCEL, r, {"mode": "kill"})
    d.expect(ERROR, CALL, r, {}, CANCELED)
    quiet(b)


def single():
    (c,) = callees(1, "single")
    d = client()
    r = d.ask(CALL, {}, uri())
    refuse(c)
    d.expect(ERROR, CALL, r, {}, NO_CALLEE)
    quiet(c)


def roundrobin():
    a, b, c = callees(3, "roundrobin")
    d = client()
    for x in (a, b):
        serve(x, d, d.ask(CALL, {}, uri()))
    r = d.ask(CALL, {}, uri())
    refuse(c)
    refuse(a)
    serve(b, d, r)


def random():
    cs = callees(3, "random")
    d = client()
    for _ in range(6):
        r = d.ask(CALL, {}, uri())
        asked = []
        while len(asked) < 3:
            d.settle()
            for i, c in enumerate(cs):
                p = c.ask(PUBLISH, ACK, uri("nobody"))
                m = c.recv()
                if m[0] != INVOCATION:
                    assert m[:2] == [PUBLISHED, p], m
                    continue
                c.expect(PUBLISHED, p)
                assert i not in asked, asked
                asked.append(i)
                c.send(ERROR, INVOCATION, m[1], {}, UNAVAILABLE)
                c.settle()
        d.expect(ERROR, CALL, r, {}, NO_CALLEE)


def first():
    a, b, c = callees(3, "first")
    d = client()
    r = d.ask(CALL, {}, uri())
    refuse(a)
    refuse(b)
    serve(c, d, r)


def last():
    a, b, c = callees(3, "last")
    d = client()
    r = d.ask(CALL, {}, uri())
    refuse(c)
    refuse(b)
    serve(a, d, r)


def all_are_unavailable():
    for policy in ("roundrobin", "first", "last"):
        again()
        a, b = callees(2, policy)
        d = client()
        r = d.ask(CALL, {}, uri())
        for c in (b, a) if policy == "last" else (a, b):
            refuse(c)
        d.expect(ERROR, CALL, r, {}, NO_CALLEE)
        quiet(a)
        quiet(b)


def only_for_this_call():
    a, b = callees(2, "first")
    d = client()
    r = d.ask(CALL, {}, uri())
    refuse(a)
    serve(b, d, r)
    r = d.ask(CALL, {}, uri())
    serve(a, d, r)


def other_errors_are_not_rerouted():
    a, b = callees(2, "first")
    d = client()
    r = d.ask(CALL, {}, uri())
    refuse(a, "com.example.unavailable")
    d.expect(ERROR, CALL, r, {}, "com.example.unavailable")
    quiet(b, a)


def callees_that_did_not_announce():
    a, b = callees(2, "first", "")
    d = client(own_errors=False)
    r = d.ask(CALL, {}, uri())
    refuse(a)
    d.expect(ERROR, CALL, r, {}, UNAVAILABLE)
    quiet(b, a)
