# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Basic Profile, Publish and Subscribe.

from conformance import *


def several_topics():
    c, d = client(), client()
    subs = [c.subscribe(uri(t)) for t in "abc"]
    assert len(set(subs)) == 3
    for t, s in zip("abc", subs):
        d.publish(uri(t), t)
        assert c.expect(EVENT, s)[4] == [t]
    d.publish(uri("d"))
    quiet(c)


def subscribers_receive_what_is_published():
    c, d, e = client(), client(), client()
    s = c.subscribe(uri())
    for i in range(3):
        d.publish(uri(), i)
        e.publish(uri(), i)
        assert c.expect(EVENT, s)[4] == [i]
        assert c.expect(EVENT, s)[4] == [i]


def only_from_then_on():
    c, d = client(), client()
    d.publish(uri(), "before")
    s = c.subscribe(uri())
    d.publish(uri(), "after")
    assert c.expect(EVENT, s)[4] == ["after"]


def until_unsubscribe():
    c, other, d = client(), client(), client()
    s = c.subscribe(uri())
    other.subscribe(uri())
    c.unsubscribe(s)
    d.publish(uri(), 1)
    other.expect(EVENT, s)
    quiet(c)


def until_the_session_ends():
    c, d = client(), client()
    c.subscribe(uri())
    c.goodbye()
    c.join(REALM)
    d.publish(uri())
    quiet(c)


def subscribing_again():
    c, d = client(), client()
    s = c.subscribe(uri())
    assert c.subscribe(uri()) == s
    d.publish(uri())
    c.expect(EVENT, s)
    quiet(c)
    # one UNSUBSCRIBE ends it
    c.unsubscribe(s)
    c.refused(UNSUBSCRIBE, s, NO_SUCH_SUBSCRIPTION)


def subscribers_share_the_id():
    c, d = client(), client()
    assert c.subscribe(uri()) == d.subscribe(uri())
    assert c.subscribe(uri("y")) != c.subscribe(uri())


def subscribed_names_the_request():
    c = client()
    c.batch([SUBSCRIBE, i, {}, uri(str(i))] for i in (1, 2, 3))
    got = {m[1] for m in (c.expect(SUBSCRIBED) for _ in range(3))}
    assert got == {1, 2, 3}, got


def subscribe_is_answered_by_error():
    c = client(RULES)
    c.refused(SUBSCRIBE, {}, "com.closed", NOT_AUTHORIZED)
    c.refused(SUBSCRIBE, {}, "a..b", INVALID_URI)
    c.subscribe("com.open.x")


def unsubscribed_names_the_request():
    c = client()
    s = c.subscribe(uri())
    c.send(UNSUBSCRIBE, 2, s)
    assert c.recv() == [UNSUBSCRIBED, 2]


def unsubscribe_is_answered_by_error():
    c, d, w = client(), client(), client()
    s = c.subscribe(uri())
    for i in (s, s + 1000, 2 ** 53):    # d does not have that one either
        d.refused(UNSUBSCRIBE, i, NO_SUCH_SUBSCRIPTION)
    w.publish(uri())
    c.expect(EVENT, s)


def payloads_of_events():
    c, d = client(), client()
    s = c.subscribe(uri())
    for tail in ([], [["Hello, world!"]], [[], {"color": "orange", "sizes":
                                               [23, 42, 7]}]):
        d.send(PUBLISH, d.next(), {}, uri(), *tail)
        assert c.expect(EVENT, s)[4:] == tail


def all_subscribers_receive():
    subs = [client() for _ in range(5)]
    for c in subs:
        c.subscribe(uri())
    p = client().publish(uri(), "all")
    for c in subs:
        assert c.expect(EVENT, None, p)[4] == ["all"]


def publications_are_not_acknowledged():
    c = client()
    c.ask(PUBLISH, {}, uri())
    c.ask(PUBLISH, {"acknowledge": False}, uri())
    quiet(c)


def publications_that_fail_neither():
    c = client()
    for bad in ("a..b", "", "wamp.x", "a b", "x" * 5000):
        c.ask(PUBLISH, {}, bad)
        c.ask(PUBLISH, {"acknowledge": False}, bad)
    quiet(c)
    c = client(RULES)
    c.ask(PUBLISH, {}, "com.closed")
    c.publish("com.open.x")


def acknowledged_publications():
    c, d = client(), client()
    s = c.subscribe(uri())
    r = d.ask(PUBLISH, ACK, uri())
    p = d.expect(PUBLISHED, r)[2]
    c.expect(EVENT, s, p)
    # also without a subscriber
    assert d.publish(uri("nobody")) != p


def publish_is_answered_by_error():
    c = client()
    c.refused(PUBLISH, ACK, "a..b", INVALID_URI)
    c = client(RULES)
    c.refused(PUBLISH, ACK, "com.closed", NOT_AUTHORIZED)
    assert c.publish("com.open.x")


def publishers_do_not_receive():
    c, d = client(), client()
    s = c.subscribe(uri())
    d.subscribe(uri())
    c.publish(uri(), 1)
    d.expect(EVENT, s)
    quiet(c)
    # there or not, the option means what it means
    c.ask(PUBLISH, {"exclude_me": True}, uri())
    d.expect(EVENT, s)
    quiet(c)


def events_name_subscription_and_publication():
    c, d, w = client(), client(), client()
    a, b = c.subscribe(uri("a")), c.subscribe(uri("b"))
    w.subscribe(uri("b"))
    p = d.publish(uri("b"))
    assert c.expect(EVENT)[1:] == [b, p, {}]
    assert w.expect(EVENT)[1:] == [b, p, {}]
    p = d.publish(uri("a"))
    assert c.expect(EVENT)[1:] == [a, p, {}]
