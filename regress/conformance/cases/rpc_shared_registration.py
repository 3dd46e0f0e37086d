# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Shared Registration.

from conformance import *

SHARED = "shared_registration"
POLICIES = ("single", "roundrobin", "random", "first", "last")


def callees(n, policy, **options):
    cs = [client(callee=SHARED) for _ in range(n)]
    ids = {c.register(uri(), dict(options, invoke=policy)) for c in cs}
    assert len(ids) == 1, ids
    return cs


def picked(d, cs):
    """Call, and see which of the callees it comes to."""
    r = d.ask(CALL, {}, uri(), [])
    d.settle()                      # it is there
    found = []
    for i, c in enumerate(cs):
        p = c.ask(PUBLISH, ACK, uri("nobody"))
        m = c.recv()
        if m[0] == INVOCATION:
            found.append(i)
            c.expect(PUBLISHED, p)
            c.send(YIELD, m[1], {}, [i])
        else:
            assert m[:2] == [PUBLISHED, p], m
    assert len(found) == 1, found
    d.expect(RESULT, r, {}, found)
    return found[0]


def is_announced():
    assert features("dealer")[SHARED] is True


def single_is_the_default():
    c, d = client(callee=SHARED), client(callee=SHARED)
    c.register(uri())
    for o in [{}] + [{"invoke": p} for p in POLICIES]:
        d.refused(REGISTER, o, uri(), ALREADY_EXISTS)


def single_fails_all_others():
    c, d = client(callee=SHARED), client(callee=SHARED)
    c.register(uri(), {"invoke": "single"})
    for o in [{}] + [{"invoke": p} for p in POLICIES]:
        d.refused(REGISTER, o, uri(), ALREADY_EXISTS)
        c.refused(REGISTER, o, uri(), ALREADY_EXISTS)


def single_while_it_exists():
    c, d = client(callee=SHARED), client(callee=SHARED)
    g = c.register(uri())
    c.send(UNREGISTER, c.next(), g)
    c.expect(UNREGISTERED)
    d.register(uri(), {"invoke": "last"})


def values_must_match():
    for p in POLICIES[1:]:
        c, d = client(callee=SHARED), client(callee=SHARED)
        g = c.register(uri(p), {"invoke": p})
        for other in POLICIES:
            if other != p:
                d.refused(REGISTER, {"invoke": other}, uri(p),
                          ALREADY_EXISTS)
        d.refused(REGISTER, {}, uri(p), ALREADY_EXISTS)
        assert d.register(uri(p), {"invoke": p}) == g


def unknown_values():
    c = client(callee=SHARED)
    for bad in ("", "any", "Single"):
        c.refused(REGISTER, {"invoke": bad}, uri(), INVALID_ARGUMENT)
    c.register(uri())


def roundrobin():
    cs = callees(3, "roundrobin")
    d = client()
    got = [picked(d, cs) for _ in range(7)]
    assert got == [0, 1, 2, 0, 1, 2, 0], got


def roundrobin_goes_on_when_one_leaves():
    cs = callees(4, "roundrobin")
    d = client()
    assert [picked(d, cs) for _ in range(2)] == [0, 1]
    cs[0].goodbye()
    rest = cs[1:]
    got = [picked(d, rest) for _ in range(4)]
    assert got == [1, 2, 0, 1], got


def random():
    cs = callees(2, "random")
    d = client()
    got = [picked(d, cs) for _ in range(40)]
    assert set(got) == {0, 1}, got  # but for one in 10^12
    assert got != [0, 1] * 20 and got != [1, 0] * 20, got


def first():
    cs = callees(3, "first")
    d = client()
    assert [picked(d, cs) for _ in range(3)] == [0, 0, 0]
    cs[0].goodbye()
    assert [picked(d, cs[1:]) for _ in range(2)] == [0, 0]


def last():
    cs = callees(3, "last")
    d = client()
    assert [picked(d, cs) for _ in range(3)] == [2, 2, 2]
    cs[2].goodbye()
    assert [picked(d, cs[:2]) for _ in range(2)] == [1, 1]
    cs[0].goodbye()
    assert picked(d, cs[1:2]) == 0


def registering_again():
    a, b = callees(2, "roundrobin")
    g = a.register(uri(), {"invoke": "roundrobin"})
    d = client()
    got = [picked(d, [a, b]) for _ in range(4)]
    assert got in ([0, 1, 0, 1], [1, 0, 1, 0]), got
    # one UNREGISTER is enough
    a.send(UNREGISTER, a.next(), g)
    a.expect(UNREGISTERED)
    assert [picked(d, [a, b]) for _ in range(2)] == [1, 1]
    a.refused(UNREGISTER, g, NO_SUCH_REGISTRATION)


def until_the_last_leaves():
    a, b = callees(2, "first")
    d = client()
    a.goodbye()
    b.goodbye()
    d.refused(CALL, {}, uri(), NO_SUCH_PROCEDURE)
    d.register(uri())


def of_patterns():
    cs = [client(callee=SHARED) for _ in range(2)]
    for c in cs:
        c.register(uri("a"), {"match": "prefix", "invoke": "roundrobin"})
    d = client()
    for i in range(4):
        invoke(d, cs[i % 2], uri("a.b%d" % i))
