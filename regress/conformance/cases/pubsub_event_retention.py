# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Event Retention.

from conformance import *

GET = {"get_retained": True}


def retain(d, topic, *args, **options):
    """The publication's id."""
    r = d.ask(PUBLISH, dict(ACK, retain=True, **options), topic, list(args))
    return d.expect(PUBLISHED, r)[2]


def retained(c, topic, match=None):
    """Subscribe, asking for what is retained: these events."""
    s = c.subscribe(topic, dict(GET, match=match) if match else GET)
    got = []
    r = c.ask(PUBLISH, ACK, "com.open.nobody")
    while True:
        m = c.recv()
        if m[0] == PUBLISHED:
            assert m[1] == r
            return got
        assert m[:2] == [EVENT, s] and m[3]["retained"] is True, m
        got.append(m)


def values(events):
    return [m[4][0] for m in events]


def is_announced():
    assert features("broker")["event_retention"] is True


def the_last_one_that_was_marked():
    d = client()
    retain(d, uri(), 1)
    retain(d, uri(), 2)
    d.publish(uri(), 3)
    assert values(retained(client(), uri())) == [2]


def retain_is_false_by_default():
    d = client()
    d.publish(uri(), 1)
    r = d.ask(PUBLISH, dict(ACK, retain=False), uri(), [2])
    d.expect(PUBLISHED, r)
    assert retained(client(), uri()) == []


def what_may_not_be_published_is_not_retained():
    c = client(RULES)
    r = c.ask(PUBLISH, dict(ACK, retain=True), "com.open.readonly", [1])
    c.expect(ERROR, PUBLISH, r, {}, NOT_AUTHORIZED)
    assert retained(client(RULES), "com.open.readonly") == []


def retained_for_those_who_are_there_too():
    c, d = client(), client()
    s = c.subscribe(uri())
    retain(d, uri(), 1)
    m = c.expect(EVENT, s)
    assert m[3].get("retained", False) is False, m


def get_retained_is_false_by_default():
    c, d = client(), client()
    retain(d, uri(), 1)
    c.subscribe(uri())
    quiet(c)
    c = client()
    c.subscribe(uri(), {"get_retained": False})
    quiet(c)


def most_recent_that_they_would_have_received():
    d = client()
    p = retain(d, uri(), "for all", k=None)
    q = retain(d, uri(), "for ann", eligible_authid=["ann"])
    r = retain(d, uri(), "not for two", exclude_authrole=["two"])
    for who, want in (("ann", r), ("abe", r), ("bob", p), (None, r)):
        got = retained(client(who=who), uri())
        assert [m[2] for m in got] == [want], (who, got)
    q = retain(d, uri(), "for ann", eligible_authid=["ann"])
    for who, want in (("ann", q), ("abe", r), ("bob", p), (None, r)):
        got = retained(client(who=who), uri())
        assert [m[2] for m in got] == [want], (who, got)


def not_what_they_are_not_eligible_for():
    d = client()
    other = client()
    for options in ({"eligible_authid": ["ann"]},
                    {"eligible_authrole": ["one"]},
                    {"exclude_authid": ["bob"]},
                    {"exclude_authrole": ["two"]},
                    {"eligible": [other.id]}):
        topic = uri("a%d" % len(opened))
        retain(d, topic, 1, **options)
        assert retained(client(who="bob"), topic) == [], options


def by_session_id():
    c, d, e = client(), client(), client()
    retain(d, uri("x"), 1, exclude=[c.id])
    assert retained(c, uri("x")) == []
    assert values(retained(e, uri("x"))) == [1]
    retain(d, uri("y"), 2, eligible=[c.id])
    assert retained(e, uri("y")) == []
    assert values(retained(c, uri("y"))) == [2]


def not_the_publishers_own():
    d = client()
    retain(d, uri(), 1)
    assert retained(d, uri()) == []
    retain(d, uri("y"), 2, exclude_me=False)
    assert values(retained(d, uri("y"))) == [2]


def retained_is_set():
    d = client()
    p = retain(d, uri(), "x", 2)
    c = client()
    c.send(SUBSCRIBE, 1, GET, uri())
    s = c.expect(SUBSCRIBED, 1)[2]      # and then
    assert c.expect(EVENT) == [EVENT, s, p, {"retained": True}, ["x", 2]]


def the_publisher_need_not_stay():
    d = client()
    retain(d, uri(), 1)
    d.goodbye()
    assert values(retained(client(), uri())) == [1]


def each_topic_has_its_own():
    d = client()
    retain(d, uri("a"), "a")
    retain(d, uri("b"), "b")
    c = client()
    assert values(retained(c, uri("a"))) == ["a"]
    assert values(retained(c, uri("b"))) == ["b"]
    assert values(retained(c, uri("c"))) == []


def for_patterns():
    d = client()
    for t, v in (("a.x", 1), ("b.x", 2), ("a.y", 3), ("a.x", 4)):
        retain(d, uri(t), v)
    got = retained(client(), uri("a"), "prefix")
    assert values(got) == [3, 4], got   # oldest first
    assert [m[3]["topic"] for m in got] == [uri("a.y"), uri("a.x")], got
    got = retained(client(), uri(".x"), "wildcard")
    assert values(got) == [2, 4], got
    assert [m[3]["topic"] for m in got] == [uri("b.x"), uri("a.x")], got
    for i in (7, 3, 9, 1, 8, 0, 6, 2, 5, 4):
        retain(d, uri("many.%d" % i), i)
    got = retained(client(), uri("many"), "prefix")
    assert values(got) == [7, 3, 9, 1, 8, 0, 6, 2, 5, 4], got


def who_published_it():
    d = client(who="ann")
    retain(d, uri(), 1, disclose_me=True)
    c = client(subscriber="publisher_identification")
    (m,) = retained(c, uri())
    assert m[3] == {"retained": True, "publisher": d.id,
                    "publisher_authid": "ann",
                    "publisher_authrole": "one"}, m


def payloads_of_all_kinds():
    d = client()
    for i, tail in enumerate(([], [[]], [[1, None, "x"]], [[], {"k": 2}])):
        r = d.ask(PUBLISH, dict(ACK, retain=True), uri(str(i)), *tail)
        d.expect(PUBLISHED, r)
        c = client()
        (m,) = retained(c, uri(str(i)))
        assert m[4:] == tail, m
