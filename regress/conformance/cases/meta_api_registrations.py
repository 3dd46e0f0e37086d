# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Registration Meta API.

import datetime

from conformance import *

R = "wamp.registration."
EVENTS = ("on_create", "on_register", "on_unregister", "on_delete")


def _watched():
    """A new realm, a callee, and one who watches all four."""
    realm = fresh()
    w = client(realm)
    w.kinds = {w.subscribe(R + e): e for e in EVENTS}
    return realm, w, client(realm)


def next_event(w):
    m = w.early.pop(0) if w.early else w.expect(EVENT)
    return w.kinds[m[1]], m[4]


def is_created_now(text):
    """ISO 8601, and not long ago."""
    then = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    now = datetime.datetime.now(datetime.timezone.utc)
    assert abs((now - then).total_seconds()) < 60, text


def unregister(c, g):
    c.send(UNREGISTER, c.next(), g)
    c.expect(UNREGISTERED)


def is_announced():
    assert features("dealer")["registration_meta_api"] is True


def on_create():
    realm, w, c = _watched()
    for u, o in (("a", {}), ("b", {"match": "prefix"}),
                 ("c.", {"match": "wildcard", "invoke": "roundrobin"})):
        g = c.register(uri(u), o)
        what, (session, details) = next_event(w)
        assert (what, session) == ("on_create", c.id)
        is_created_now(details.pop("created"))
        assert details == {"id": g, "uri": uri(u),
                           "match": o.get("match", "exact"),
                           "invoke": o.get("invoke", "single")}, details
        assert next_event(w)[0] == "on_register"


def on_register():
    realm, w, c = _watched()
    d = client(realm)
    g = c.register(uri(), {"invoke": "first"})
    assert next_event(w)[0] == "on_create"
    assert next_event(w) == ("on_register", [c.id, g])
    d.register(uri(), {"invoke": "first"})
    assert next_event(w) == ("on_register", [d.id, g])
    quiet(w)


def on_unregister():
    realm, w, c = _watched()
    d = client(realm)
    g = c.register(uri(), {"invoke": "first"})
    d.register(uri(), {"invoke": "first"})
    for _ in range(3):
        next_event(w)
    unregister(c, g)
    assert next_event(w) == ("on_unregister", [c.id, g])
    quiet(w)
    d.close()
    assert next_event(w) == ("on_unregister", [d.id, g])
    assert next_event(w) == ("on_delete", [d.id, g])


def on_delete():
    realm, w, c = _watched()
    g = c.register(uri())
    unregister(c, g)
    got = [next_event(w) for _ in range(4)]
    assert got[3] == ("on_delete", [c.id, g]), got
    quiet(w)


def the_order_of_events():
    realm, w, c = _watched()
    for how in ("unregister", "goodbye", "close"):
        d = client(realm)
        g = d.register(uri())
        if how == "unregister":
            unregister(d, g)
        elif how == "goodbye":
            d.goodbye()
        else:
            d.close()
        assert [next_event(w)[0] for _ in range(4)] == ["on_create"] + \
            ["on_register", "on_unregister", "on_delete"]


def in_the_same_realm():
    realm, w, c = _watched()
    other, other_watch, other_callee = _watched()
    c.register(uri())
    assert next_event(w)[0] == "on_create"
    quiet(other_watch, c)


def ones_own():
    realm, w, c = _watched()
    g = w.ask(REGISTER, {}, uri())
    # behind the answer
    g = w.expect(REGISTERED, g)[2]
    assert next_event(w)[0] == "on_create"
    assert next_event(w) == ("on_register", [w.id, g])


def listing():
    realm = fresh()
    c, d = client(realm), client(realm)
    assert result(c, R + "list") == [{"exact": [], "prefix": [],
                                      "wildcard": []}]
    ids = {m: [d.register(uri(u), {"match": m}) for u in "ab"]
           for m in ("exact", "prefix", "wildcard")}
    (got,) = result(c, R + "list")
    assert {k: sorted(v) for k, v in got.items()} == ids, got


def lookup():
    c = client()
    ids = {m: c.register(uri("a.b"), {"match": m})
           for m in ("exact", "prefix", "wildcard")}
    assert result(c, R + "lookup", [uri("a.b")]) == [ids["exact"]]
    for m, g in ids.items():
        assert result(c, R + "lookup", [uri("a.b"), {"match": m}]) == [g]
    # it is that very URI that is looked for
    assert result(c, R + "lookup", [uri("a.b.c"), {"match": "prefix"}]) == \
        [None]
    assert result(c, R + "lookup", [uri("nothing")]) == [None]


def match():
    c = client()
    e = c.register(uri("a.b.c"))
    p = c.register(uri("a"), {"match": "prefix"})
    w = c.register(uri("b..d"), {"match": "wildcard"})
    for u, g in (("a.b.c", e), ("a.b", p), ("b.c.d", w), ("c", None)):
        assert result(c, R + "match", [uri(u)]) == [g], u


def get():
    c = client()
    g = c.register(uri("a."), {"match": "wildcard", "invoke": "last"})
    (d,) = result(c, R + "get", [g])
    is_created_now(d.pop("created"))
    assert d == {"id": g, "uri": uri("a."), "match": "wildcard",
                 "invoke": "last"}, d


def of_no_registration():
    c = client()
    g = c.register(uri())
    unregister(c, g)
    other = client(fresh()).register(uri())
    for p in ("get", "list_callees", "count_callees"):
        for i in (g, 2 ** 53, other):
            c.refused(CALL, {}, R + p, [i], NO_SUCH_REGISTRATION)


def list_callees():
    c, d = client(), client()
    g = c.register(uri(), {"invoke": "first"})
    assert result(c, R + "list_callees", [g]) == [[c.id]]
    d.register(uri(), {"invoke": "first"})
    (got,) = result(c, R + "list_callees", [g])
    assert sorted(got) == sorted([c.id, d.id]), got


def count_callees():
    c, d = client(), client()
    g = c.register(uri(), {"invoke": "first"})
    assert result(c, R + "count_callees", [g]) == [1]
    d.register(uri(), {"invoke": "first"})
    assert result(c, R + "count_callees", [g]) == [2]
    unregister(c, g)
    assert result(c, R + "count_callees", [g]) == [1]


def arguments_of_a_wrong_type():
    c = client()
    for p, args in (("lookup", []), ("lookup", [7]), ("match", []),
                    ("get", []), ("get", ["x"]), ("list_callees", ["x"]),
                    ("count_callees", []), ("lookup", [uri(), "x"])):
        c.refused(CALL, {}, R + p, args, INVALID_ARGUMENT)


def only_for_who_may():
    for p, args in (("list", []), ("lookup", [uri()]), ("match", [uri()]),
                    ("get", [1])):
        client(STRICT).refused(CALL, {}, R + p, args, NOT_AUTHORIZED)
    for e in EVENTS:
        client(STRICT).refused(SUBSCRIBE, {}, R + e, NOT_AUTHORIZED)
