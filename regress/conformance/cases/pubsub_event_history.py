# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Event History.  The realms of kept() keep the events of
# com.log.auth, com.log.basket, the prefix com.log and the wildcard com..other.

import re

from conformance import *

GET = "wamp.subscription.get_events"
TOPIC = "com.log.auth"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"
                   r"(Z|[+-]\d\d:\d\d)\Z")


def events(c, sub, **kw):
    got = result(c, GET, [sub], kw)
    assert type(got) is list, got
    # one list of them, or each of them is one of the results
    return got[0] if len(got) == 1 and type(got[0]) is list else got


def numbers(c, sub, **kw):
    return [e["args"][0] for e in events(c, sub, **kw)]


def five(realm=None, topic=TOPIC):
    """A caller, the subscription, and ids of the publications 0 to 4."""
    realm = realm or kept()
    c, d = client(realm), client(realm)
    sub = c.subscribe(topic)
    c.unsubscribe(sub)
    return c, sub, [d.publish(topic, i) for i in range(5)]


def is_announced():
    assert features("broker", kept())["event_history"] is True


def not_announced_where_nothing_is_kept():
    assert "event_history" not in features("broker", REALM)


def example_of_the_chapter():
    realm = kept()
    c, d = client(realm), client(realm)
    one, two = c.subscribe("com.log.auth"), c.subscribe("com.log.basket")
    three = c.subscribe("com.log", {"match": "prefix"})
    d.publish("com.log.auth", 1)
    for n in (2, 3, 4):
        d.publish("com.log.basket", n)
    d.publish("com.log.checkout", 5)
    e = client(realm)
    assert numbers(e, one) == [1]
    assert numbers(e, two) == [2, 3, 4]
    assert numbers(e, three) == [1, 2, 3, 4, 5]


def of_wildcards():
    realm = kept()
    c, d = client(realm), client(realm)
    s = c.subscribe("com..other", {"match": "wildcard"})
    d.publish("com.x.other", 1)
    d.publish("com.x", 2)
    d.publish("com.y.other", 3)
    assert numbers(c, s) == [1, 3]


def before_anybody_subscribes():
    realm = kept()
    d = client(realm)
    d.publish(TOPIC, 1)
    c = client(realm)
    assert numbers(c, c.subscribe(TOPIC)) == [1]


def lookup_finds_the_subscription():
    realm = kept()
    c, d = client(realm), client(realm)
    d.publish(TOPIC, 1)
    (sub,) = result(c, "wamp.subscription.lookup", [TOPIC])
    assert numbers(c, sub) == [1]
    assert c.subscribe(TOPIC) == sub


def events_of_the_schema():
    realm = kept()
    c, d = client(realm), client(realm)
    s = c.subscribe(TOPIC)
    p = d.publish(TOPIC, "x", 2, color="orange")
    (e,) = events(c, s)
    assert STAMP.match(e["timestamp"]), e
    assert e["subscription"] == s and e["publication"] == p, e
    assert type(e["details"]) is dict, e
    assert e["args"] == ["x", 2] and e["kwargs"] == {"color": "orange"}, e
    # the very event
    assert c.early.pop(0)[2] == p if c.early else c.expect(EVENT, s, p)


def arguments_may_be_omitted():
    realm = kept()
    c, d = client(realm), client(realm)
    s = c.subscribe(TOPIC)
    d.publish(TOPIC)
    (e,) = events(c, s)
    assert not e.get("args") and not e.get("kwargs"), e


def details_of_the_event():
    realm = kept()
    c, d = client(realm), client(realm)
    s = c.subscribe("com.log", {"match": "prefix"})
    d.publish("com.log.x")
    (e,) = events(c, s)
    assert e["details"]["topic"] == "com.log.x", e


def publishers_in_details():
    realm = kept()
    c = client(realm, subscriber="publisher_identification")
    d = client(realm, who="ann")
    s = c.subscribe(TOPIC)
    for i, o in enumerate(({}, {"disclose_me": True})):
        d.ask(PUBLISH, o, TOPIC, [i])
    d.settle()
    got = [e["details"] for e in events(client(realm), s)]
    assert got[0] == {} and got[1] == {
        "publisher": d.id, "publisher_authid": "ann",
        "publisher_authrole": "one"}, got
    # as the event's own
    assert [c.expect(EVENT, s)[3] for _ in got] == got


def payloads_of_other_serializers():
    realm = kept()
    c = client(realm)
    s = c.subscribe(TOPIC)
    for ser in ("json", "msgpack", "cbor"):
        client(realm, serializer=ser).publish(TOPIC, [ser, None, 1.5], k={})
    got = [(e["args"], e["kwargs"]) for e in events(c, s)]
    assert got == [([[ser, None, 1.5]], {"k": {}}) for ser in
                   ("json", "msgpack", "cbor")], got


def in_order_of_occurrence():
    c, s, p = five()
    assert [e["publication"] for e in events(c, s)] == p


def in_reverse_order():
    c, s, p = five()
    assert numbers(c, s, reverse=True) == [4, 3, 2, 1, 0]
    assert numbers(c, s, reverse=False) == [0, 1, 2, 3, 4]


def limit():
    c, s, p = five()
    assert numbers(c, s, limit=2) == [0, 1]
    assert numbers(c, s, limit=2, reverse=True) == [4, 3]
    assert numbers(c, s, limit=50) == [0, 1, 2, 3, 4]


def by_time():
    c, s, p = five()
    got = events(c, s)
    first, last = got[0]["timestamp"], got[-1]["timestamp"]
    long_ago, to_come = "2001-01-01T00:00:00.000Z", "2199-01-01T00:00:00Z"
    everything = [0, 1, 2, 3, 4]
    assert numbers(c, s, from_time=first) == everything
    assert 0 not in numbers(c, s, after_time=first)
    assert 4 not in numbers(c, s, before_time=last)
    assert numbers(c, s, until_time=last) == everything
    for k in ("from_time", "after_time"):
        assert numbers(c, s, **{k: long_ago}) == everything
        assert numbers(c, s, **{k: to_come}) == []
    for k in ("before_time", "until_time"):
        assert numbers(c, s, **{k: long_ago}) == []
        assert numbers(c, s, **{k: to_come}) == everything
    # equal times, another zone
    assert numbers(c, s, from_time="2199-01-01T00:00:00+01:00") == []
    assert numbers(c, s, after_time=last) == []


def by_topic():
    realm = kept()
    c, d = client(realm), client(realm)
    s = c.subscribe("com.log", {"match": "prefix"})
    for i, t in enumerate(("com.log.a", "com.log.b", "com.log.a")):
        d.publish(t, i)
    assert numbers(c, s, topic="com.log.a") == [0, 2]
    assert numbers(c, s, topic="com.log.c") == []


def from_publication():
    c, s, p = five()
    assert numbers(c, s, from_publication=p[2]) == [2, 3, 4]


def after_publication():
    c, s, p = five()
    assert numbers(c, s, after_publication=p[2]) == [3, 4]
    assert numbers(c, s, after_publication=p[4]) == []


def before_publication():
    c, s, p = five()
    assert numbers(c, s, before_publication=p[2]) == [0, 1]
    assert numbers(c, s, before_publication=p[0]) == []


def until_publication():
    c, s, p = five()
    assert numbers(c, s, until_publication=p[2]) == [0, 1, 2]


def pages():
    c, s, p = five()
    assert numbers(c, s, after_publication=p[1], limit=2) == [2, 3]
    assert numbers(c, s, before_publication=p[3], limit=2,
                   reverse=True) == [2, 1]


def conditions_are_anded():
    c, s, p = five()
    assert numbers(c, s, from_publication=p[1], before_publication=p[4],
                   reverse=True, limit=2, topic=TOPIC,
                   from_time="2001-01-01T00:00:00Z") == [3, 2]


def nothing_was_published():
    realm = kept()
    c = client(realm)
    assert events(c, c.subscribe(TOPIC)) == []


def unknown_subscription():
    c = client(kept())
    c.refused(CALL, {}, GET, [2 ** 53], NO_SUCH_SUBSCRIPTION)


def arguments_of_a_wrong_type():
    c, s, p = five()
    for args, kw in (([], {}), (["x"], {}), ([s], {"limit": 0}),
                     ([s], {"limit": "2"}), ([s], {"reverse": 1}),
                     ([s], {"from_time": "yesterday"}),
                     ([s], {"after_publication": "x"})):
        c.refused(CALL, {}, GET, args, kw, INVALID_ARGUMENT)


def who_may_not_subscribe():
    realm = CLOSED
    c, d = client(realm, who="ann"), client(realm, who="bob")
    s = c.subscribe("com.log.auth")
    c.publish("com.log.auth", 1)
    d.refused(SUBSCRIBE, {}, "com.log.auth", NOT_AUTHORIZED)
    d.refused(CALL, {}, GET, [s], NOT_AUTHORIZED)
    assert events(c, s) != []


def lists_apply():
    realm = kept()
    d = client(realm)
    s = client(realm).subscribe(TOPIC)
    for i, o in enumerate(({}, {"eligible_authrole": ["one"]},
                           {"exclude_authrole": ["one"]},
                           {"eligible_authid": ["ann"]},
                           {"exclude_authid": ["ann"]})):
        r = d.ask(PUBLISH, dict(ACK, **o), TOPIC, [i])
        d.expect(PUBLISHED, r)
    for who, want in (("ann", [0, 1, 3]), ("abe", [0, 1, 4]),
                      ("bob", [0, 2, 4]), (None, [0, 2, 4])):
        got = numbers(client(realm, who=who), s)
        assert got == want, (who, got)


def session_lists_are_not_kept():
    realm = kept()
    c, d = client(realm), client(realm)
    s = c.subscribe(TOPIC)
    d.ask(PUBLISH, {"exclude": [77]}, TOPIC, [1])
    d.ask(PUBLISH, {"eligible": [c.id]}, TOPIC, [2])
    d.ask(PUBLISH, {"exclude": []}, TOPIC, [3])
    d.ask(PUBLISH, {}, TOPIC, [4])
    d.settle()
    assert numbers(c, s) == [4]


def the_publishers_own():
    realm = kept()
    c = client(realm)
    s = c.subscribe(TOPIC)
    c.publish(TOPIC, 1)
    e = client(realm)
    assert numbers(e, s) == [1]
