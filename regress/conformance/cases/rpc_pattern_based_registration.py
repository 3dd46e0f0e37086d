# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Pattern-based Registrations.

from conformance import *

PATTERN = "pattern_based_registration"


def callee(realm=REALM):
    return client(realm, callee=PATTERN)


def reached(c, d, procedure, registration):
    """The call comes in under this registration: the Details."""
    m = invoke(d, c, procedure)[1]
    assert m[2] == registration, (procedure, m)
    return m[3]


def is_announced():
    assert features("dealer")[PATTERN] is True


def exact_is_the_default():
    c, d = callee(), client()
    for u, o in (("a", {}), ("b", {"match": "exact"})):
        g = c.register(uri(u), o)
        reached(c, d, uri(u), g)
        d.refused(CALL, {}, uri(u + ".x"), NO_SUCH_PROCEDURE)
        d.refused(CALL, {}, uri(u + "x"), NO_SUCH_PROCEDURE)


def prefix():
    c, d = callee(), client()
    g = c.register(uri("myobject1"), {"match": "prefix"})
    for u in ("myobject1.myprocedure1", "myobject1-mysubobject1",
              "myobject1.mysubobject1.myprocedure1", "myobject1"):
        reached(c, d, uri(u), g)
    for u in ("myobject2", "myobject"):
        d.refused(CALL, {}, uri(u), NO_SUCH_PROCEDURE)


def wildcard():
    c, d = callee(), client()
    g = c.register(uri(".myprocedure1"), {"match": "wildcard"})
    for u in ("myobject1.myprocedure1", "myobject2.myprocedure1"):
        reached(c, d, uri(u), g)
    for u in ("myobject1.myprocedure1.mysubprocedure1",
              "myobject1.myprocedure2", "myprocedure1"):
        d.refused(CALL, {}, uri(u), NO_SUCH_PROCEDURE)
    d.refused(CALL, {}, "x" + uri("myobject1.myprocedure1"),
              NO_SUCH_PROCEDURE)


def wildcards_at_both_ends():
    realm = fresh()
    c, d = callee(realm), client(realm)
    g = c.register(".b.", {"match": "wildcard"})
    for u in ("a.b.c", "x.b.y"):
        reached(c, d, u, g)
    for u in ("b.c", "a.b", "a.b.c.d", "b", "a.c.c"):
        d.refused(CALL, {}, u, NO_SUCH_PROCEDURE)


def unknown_policy():
    c = callee()
    for bad in ("regexp", "", "Prefix"):
        c.refused(REGISTER, {"match": bad}, uri(), INVALID_ARGUMENT)
    c.register(uri())               # nobody is there


def incorrect_patterns():
    c = callee()
    for bad in ("a b", "a#", "x" * 5000):
        for match in ("prefix", "wildcard"):
            c.refused(REGISTER, {"match": match}, bad, INVALID_URI)
    c.refused(REGISTER, {}, "a..b", INVALID_URI)


def registrations_stand_on_their_own():
    c, d = callee(), client()
    broad = c.register(uri("a"), {"match": "prefix"})
    narrow = c.register(uri("a.b"), {"match": "prefix"})
    one = c.register(uri("a.b"))
    wild = c.register(uri("a.b"), {"match": "wildcard"})
    assert len({broad, narrow, one, wild}) == 4
    for g in (one, narrow):
        c.send(UNREGISTER, c.next(), g)
        c.expect(UNREGISTERED)
    reached(c, d, uri("a.b"), broad)
    reached(c, d, uri("a.b.c"), broad)


def each_policy_has_its_own():
    c, d = callee(), callee()
    c.register(uri(), {"match": "prefix"})
    d.refused(REGISTER, {"match": "prefix"}, uri(), ALREADY_EXISTS)
    d.register(uri())
    d.register(uri(), {"match": "wildcard"})


def routed_to_one():
    a, b, c, d = callee(), callee(), callee(), client()
    a.register(uri("p.q"))
    b.register(uri("p"), {"match": "prefix"})
    c.register(uri(".q"), {"match": "wildcard"})
    r, m = invoke(d, a, uri("p.q"))
    quiet(b, d)
    quiet(c)
    # its error is the call's: no other is asked
    a.send(ERROR, INVOCATION, m[1], {}, "com.error")
    d.expect(ERROR, CALL, r, {}, "com.error")
    quiet(b)
    quiet(c)


def exact_goes_first():
    c, d = callee(), client()
    c.register(uri("a"), {"match": "prefix"})
    c.register(uri("a."), {"match": "wildcard"})
    g = c.register(uri("a.b"))
    reached(c, d, uri("a.b"), g)


def longest_prefix():
    c, d = callee(), client()
    short = c.register(uri("a1.b2"), {"match": "prefix"})
    long = c.register(uri("a1.b2.c3"), {"match": "prefix"})
    reached(c, d, uri("a1.b2.c3.d4"), long)
    reached(c, d, uri("a1.b2.c4.d4"), short)


def prefix_before_wildcard():
    c, d = callee(), client()
    c.register(uri("a1.b2."), {"match": "wildcard"})
    g = c.register(uri("a1"), {"match": "prefix"})
    reached(c, d, uri("a1.b2.c3"), g)


def longest_portion_before_each_wildcard():
    c, d = callee(), client()
    c.register(uri("a1...d4"), {"match": "wildcard"})
    g = c.register(uri("a1.b2..d4"), {"match": "wildcard"})
    reached(c, d, uri("a1.b2.c3.d4"), g)


def nothing_matches():
    c, d = callee(), client()
    c.register(uri("a"), {"match": "prefix"})
    c.register(uri("b..d"), {"match": "wildcard"})
    for u in ("c", "b.c", "b.c.e"):
        d.refused(CALL, {}, uri(u), NO_SUCH_PROCEDURE)


REGISTERED_RPCS = (("a1.b2.c3.d4.e55", "exact"), ("a1.b2.c3", "prefix"),
                   ("a1.b2.c3.d4", "prefix"), ("a1.b2..d4.e5", "wildcard"),
                   ("a1.b2.c33..e5", "wildcard"),
                   ("a1.b2..d4.e5..g7", "wildcard"),
                   ("a1.b2..d4..f6.g7", "wildcard"))


def examples(expected):
    realm = fresh()
    d = client(realm)
    ids = {}
    c = callee(realm)
    # whatever the order they came in
    for n in (7, 1, 4, 3, 6, 2, 5):
        u, match = REGISTERED_RPCS[n - 1]
        ids[n] = c.register(u, {"match": match})
    for u, n in expected:
        reached(c, d, u, ids[n])
    d.refused(CALL, {}, "a2.b2.c2.d2.e2", NO_SUCH_PROCEDURE)


def examples_of_the_chapter():
    examples((("a1.b2.c3.d4.e55", 1), ("a1.b2.c3.d98.e74", 2),
              ("a1.b2.c3.d4.e325", 3), ("a1.b2.c55.d4.e5", 4),
              ("a1.b2.c33.d4.e5", 5), ("a1.b2.c88.d4.e5.f6.g7", 6)))


def concrete_procedure():
    c, d = callee(), client()
    p = c.register(uri("a"), {"match": "prefix"})
    w = c.register(uri("b..d"), {"match": "wildcard"})
    for u, g in (("a.x.y", p), ("a", p), ("b.c.d", w)):
        assert reached(c, d, uri(u), g) == {"procedure": uri(u)}


def callees_that_did_not_announce():
    c, d = client(), client()
    g = c.register(uri("a"), {"match": "prefix"})
    assert reached(c, d, uri("a.b"), g) == {"procedure": uri("a.b")}
