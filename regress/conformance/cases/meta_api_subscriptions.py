# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Subscriptions Meta API.

from conformance import *
from meta_api_registrations import is_created_now

S = "wamp.subscription."
EVENTS = ("on_create", "on_subscribe", "on_unsubscribe", "on_delete")


def _watched():
    """A new realm, one who watches all four, and a subscriber."""
    realm = fresh()
    w = client(realm)
    w.kinds = {}
    for e in EVENTS:
        r = w.ask(SUBSCRIBE, {}, S + e)
        w.kinds[_answer(w, SUBSCRIBED, r)[2]] = e
    _answer(w, PUBLISHED, w.ask(PUBLISH, ACK, "com.example.nobody"))
    return realm, w, client(realm)


def _answer(w, code, r):
    """What comes before it is of w's own subscriptions."""
    while True:
        m = w.recv()
        if m[0] != EVENT:
            assert m[:2] == [code, r], m
            return m


def next_event(w):
    """The next that is not of w's own subscriptions."""
    while True:
        m = w.early.pop(0) if w.early else w.expect(EVENT)
        if m[4][0] != w.id:
            return w.kinds[m[1]], m[4]


def is_announced():
    assert features("broker")["subscription_meta_api"] is True


def on_create():
    realm, w, c = _watched()
    for u, match in (("a", "exact"), ("b", "prefix"), ("c.", "wildcard")):
        s = c.subscribe(uri(u), {"match": match})
        what, (session, details) = next_event(w)
        assert (what, session) == ("on_create", c.id)
        is_created_now(details.pop("created"))
        assert details == {"id": s, "uri": uri(u), "match": match}, details
        assert next_event(w)[0] == "on_subscribe"


def on_subscribe():
    realm, w, c = _watched()
    d = client(realm)
    s = c.subscribe(uri())
    assert next_event(w)[0] == "on_create"
    assert next_event(w) == ("on_subscribe", [c.id, s])
    d.subscribe(uri())
    assert next_event(w) == ("on_subscribe", [d.id, s])
    # nobody is added
    d.subscribe(uri())
    d.unsubscribe(s)
    assert next_event(w) == ("on_unsubscribe", [d.id, s])


def on_unsubscribe():
    realm, w, c = _watched()
    d = client(realm)
    s = c.subscribe(uri())
    d.subscribe(uri())
    for _ in range(3):
        next_event(w)
    c.unsubscribe(s)
    assert next_event(w) == ("on_unsubscribe", [c.id, s])
    d.close()
    assert next_event(w) == ("on_unsubscribe", [d.id, s])
    assert next_event(w) == ("on_delete", [d.id, s])


def on_delete():
    realm, w, c = _watched()
    s = c.subscribe(uri())
    c.unsubscribe(s)
    got = [next_event(w) for _ in range(4)]
    assert got[3] == ("on_delete", [c.id, s]), got


def the_order_of_events():
    realm, w, c = _watched()
    for how in ("unsubscribe", "goodbye", "close"):
        d = client(realm)
        s = d.subscribe(uri())
        if how == "unsubscribe":
            d.unsubscribe(s)
        elif how == "goodbye":
            d.goodbye()
        else:
            d.close()
        assert [next_event(w)[0] for _ in range(4)] == ["on_create"] + \
            ["on_subscribe", "on_unsubscribe", "on_delete"]


def in_the_same_realm():
    realm, w, c = _watched()
    other = client(fresh())
    other.subscribe(uri("other"))
    s = c.subscribe(uri())
    what, args = next_event(w)
    assert (what, args[1]["id"]) == ("on_create", s), args


def behind_the_answer():
    realm, w, c = _watched()
    s = w.subscribe(uri())          # SUBSCRIBED comes first
    while True:
        m = w.expect(EVENT)
        if w.kinds[m[1]] == "on_subscribe" and m[4][1] == s:
            break


def listing():
    realm = fresh()
    c, d = client(realm), client(realm)
    assert result(c, S + "list") == [{"exact": [], "prefix": [],
                                      "wildcard": []}]
    ids = {m: [d.subscribe(uri(u), {"match": m}) for u in "ab"]
           for m in ("exact", "prefix", "wildcard")}
    (got,) = result(c, S + "list")
    assert {k: sorted(v) for k, v in got.items()} == ids, got


def lookup():
    c = client()
    ids = {m: c.subscribe(uri("a.b"), {"match": m})
           for m in ("exact", "prefix", "wildcard")}
    assert result(c, S + "lookup", [uri("a.b")]) == [ids["exact"]]
    for m, s in ids.items():
        assert result(c, S + "lookup", [uri("a.b"), {"match": m}]) == [s]
    assert result(c, S + "lookup", [uri("a.b.c"), {"match": "prefix"}]) == \
        [None]
    assert result(c, S + "lookup", [uri("nothing")]) == [None]


def match():
    c = client()
    e = c.subscribe(uri("a.b.c"))
    p = c.subscribe(uri("a"), {"match": "prefix"})
    q = c.subscribe(uri("a.b"), {"match": "prefix"})
    w = c.subscribe(uri("a..c"), {"match": "wildcard"})
    for u, want in (("a.b.c", {e, p, q, w}), ("a.x.c", {p, w}), ("a", {p})):
        (got,) = result(c, S + "match", [uri(u)])
        assert len(got) == len(want) and set(got) == want, (u, got)
    assert result(c, S + "match", [uri("nothing")]) in ([None], [[]])


def get():
    c = client()
    s = c.subscribe(uri("a."), {"match": "wildcard"})
    (d,) = result(c, S + "get", [s])
    is_created_now(d.pop("created"))
    assert d == {"id": s, "uri": uri("a."), "match": "wildcard"}, d


def of_no_subscription():
    c = client()
    s = c.subscribe(uri())
    c.unsubscribe(s)
    other = client(fresh()).subscribe(uri())
    for p in ("get", "list_subscribers", "count_subscribers"):
        for i in (s, 2 ** 53, other):
            c.refused(CALL, {}, S + p, [i], NO_SUCH_SUBSCRIPTION)


def list_subscribers():
    c, d = client(), client()
    s = c.subscribe(uri())
    assert result(c, S + "list_subscribers", [s]) == [[c.id]]
    d.subscribe(uri())
    (got,) = result(c, S + "list_subscribers", [s])
    assert sorted(got) == sorted([c.id, d.id]), got


def count_subscribers():
    c, d = client(), client()
    s = c.subscribe(uri())
    assert result(c, S + "count_subscribers", [s]) == [1]
    d.subscribe(uri())
    assert result(c, S + "count_subscribers", [s]) == [2]
    c.unsubscribe(s)
    assert result(d, S + "count_subscribers", [s]) == [1]


def arguments_of_a_wrong_type():
    c = client()
    for p, args in (("lookup", []), ("lookup", [7]), ("match", []),
                    ("get", []), ("get", ["x"]), ("list_subscribers", ["x"]),
                    ("count_subscribers", []), ("lookup", [uri(), "x"])):
        c.refused(CALL, {}, S + p, args, INVALID_ARGUMENT)


def only_for_who_may():
    for p, args in (("list", []), ("lookup", [uri()]), ("match", [uri()]),
                    ("get", [1])):
        client(STRICT).refused(CALL, {}, S + p, args, NOT_AUTHORIZED)
    for e in EVENTS:
        client(STRICT).refused(SUBSCRIBE, {}, S + e, NOT_AUTHORIZED)
