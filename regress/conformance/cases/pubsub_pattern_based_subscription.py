# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Pattern-based Subscription.

from conformance import *

PATTERN = "pattern_based_subscription"


def subscriber(realm=REALM):
    return client(realm, subscriber=PATTERN)


def is_announced():
    assert features("broker")[PATTERN] is True


def exact_is_the_default():
    c, d = subscriber(), client()
    for u, o in (("a", {}), ("b", {"match": "exact"})):
        s = c.subscribe(uri(u), o)
        d.publish(uri(u + ".x"))
        d.publish(uri(u + "x"))
        d.publish(uri(), 0)
        d.publish(uri(u), 1)
        assert c.expect(EVENT, s)[4] == [1]


def prefix():
    c, d = subscriber(), client()
    s = c.subscribe(uri("emergency"), {"match": "prefix"})
    for u in ("emergency.11", "emergency-low", "emergency.category.severe",
              "emergency"):
        d.publish(uri("emerge"))
        d.publish(uri("emergenc.y"))
        d.publish(uri(u))
        assert c.expect(EVENT, s)[3] == {"topic": uri(u)}
    d.publish(uri("emerge"))
    quiet(c)


def wildcard():
    c, d = subscriber(), client()
    s = c.subscribe(uri(".userevent"), {"match": "wildcard"})
    for u in ("foo", "bar", "a12"):
        d.publish(uri("foo.userevent.bar"))
        d.publish(uri("foo.user"))
        d.publish(uri("userevent"))
        d.publish("x" + uri("foo.userevent"))
        d.publish(uri(u + ".userevent"))
        assert c.expect(EVENT, s)[3] == {"topic": uri(u + ".userevent")}
    d.publish(uri("foo.userevent.bar"))
    quiet(c)


def wildcards_at_both_ends():
    realm = fresh()
    c, d = subscriber(realm), client(realm)
    s = c.subscribe(".b.", {"match": "wildcard"})
    for u in ("a.b.c", "x.b.y"):
        for other in ("b.c", "a.b", "a.b.c.d", "b", "a.c.c"):
            d.publish(other)
        d.publish(u)
        assert c.expect(EVENT, s)[3] == {"topic": u}


def unknown_policy():
    c = subscriber()
    for bad in ("regexp", "", "Prefix"):
        c.refused(SUBSCRIBE, {"match": bad}, uri(), INVALID_ARGUMENT)


def incorrect_patterns():
    c = subscriber()
    for bad in ("a b", "a#", "x" * 5000):
        for match in ("prefix", "wildcard"):
            c.refused(SUBSCRIBE, {"match": match}, bad, INVALID_URI)
    c.refused(SUBSCRIBE, {}, "a..b", INVALID_URI)


def subscriptions_have_a_unique_id():
    c, d = subscriber(), subscriber()
    ids = [c.subscribe(uri(u), {"match": m}) for u in ("a.b", "a.c")
           for m in ("exact", "prefix", "wildcard")]
    assert len(set(ids)) == 6, ids
    assert [d.subscribe(uri(u), {"match": m}) for u in ("a.b", "a.c")
            for m in ("exact", "prefix", "wildcard")] == ids
    # again: the same
    assert c.subscribe(uri("a.b"), {"match": "prefix"}) == ids[1]


def subscriptions_stand_on_their_own():
    c, d = subscriber(), client()
    broad = c.subscribe(uri("a"), {"match": "prefix"})
    one = c.subscribe(uri("a.b"))
    c.unsubscribe(one)
    d.publish(uri("a.b"), 1)
    assert c.expect(EVENT, broad)[4] == [1]
    quiet(c)


def delivered_for_each_subscription():
    c, d = subscriber(), client()
    ids = {c.subscribe(uri("a.b.c")),
           c.subscribe(uri("a"), {"match": "prefix"}),
           c.subscribe(uri("a.b"), {"match": "prefix"}),
           c.subscribe(uri("a..c"), {"match": "wildcard"}),
           c.subscribe(uri(".b."), {"match": "wildcard"}),
           c.subscribe(uri("a.b.c"), {"match": "wildcard"})}
    assert len(ids) == 6
    p = d.publish(uri("a.b.c"), 1)
    got = [c.expect(EVENT, None, p) for _ in range(6)]
    assert {m[1] for m in got} == ids, got
    assert all(m[4] == [1] for m in got), got
    quiet(c)


def one_publication_id():
    c, d = subscriber(), client()
    a = c.subscribe(uri("a.b"))
    b = c.subscribe(uri("a"), {"match": "prefix"})
    for _ in range(3):
        p = d.publish(uri("a.b"))
        assert {tuple(c.expect(EVENT)[1:3]) for _ in range(2)} == \
            {(a, p), (b, p)}


def concrete_topic():
    c, d = subscriber(), client()
    for u, o in (("p", {"match": "prefix"}), ("w.", {"match": "wildcard"})):
        s = c.subscribe(uri(u), o)
        d.publish(uri(u[0] + ".x"))
        assert c.expect(EVENT, s)[3]["topic"] == uri(u[0] + ".x")


def subscribers_that_did_not_announce():
    c, d = client(), client()
    s = c.subscribe(uri("a"), {"match": "prefix"})
    d.publish(uri("a.b"))
    assert c.expect(EVENT, s)[3] == {"topic": uri("a.b")}


def until_unsubscribe():
    c, d = subscriber(), client()
    for o in ({"match": "prefix"}, {"match": "wildcard"}):
        s = c.subscribe(uri("a"), o)
        c.unsubscribe(s)
        c.refused(UNSUBSCRIBE, s, NO_SUCH_SUBSCRIPTION)
    d.publish(uri("a"))
    quiet(c)


def publisher_is_excluded():
    c = subscriber()
    s = c.subscribe(uri("a"), {"match": "prefix"})
    c.publish(uri("a.b"))
    c.ask(PUBLISH, {"exclude_me": False}, uri("a.b"))
    c.expect(EVENT, s)
    quiet(c)


def in_order_across_policies():
    c, d = subscriber(), client()
    c.subscribe(uri("e.e"))
    c.subscribe(uri("p"), {"match": "prefix"})
    c.subscribe(uri("w."), {"match": "wildcard"})
    topics = [uri(u) for u in ("e.e", "p.p", "w.w")]
    d.batch([PUBLISH, d.next(), {}, topics[i % 3], [i]] for i in range(90))
    for i in range(90):
        assert c.expect(EVENT)[4] == [i]
