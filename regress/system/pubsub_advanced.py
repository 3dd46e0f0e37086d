# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Publish and Subscribe of the Advanced Profile, chapter by chapter, as
# clients see it over each transport and serializer: subscriptions by
# patterns, lists of receivers, who published, trust, revocation.  Whom an
# event is for is tried exhaustively in regress/unit/broker_lists_test.c and
# broker_model_test.c.

import itertools
import os

from authmethods import Ticket, ticket_line
from daemon import Wampd, done, free_port, run_case, tmpdir
from wampcheck import Strict
from wampclient import *

CONF = """
prefork 2
brokers 2
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
realm "realm1" {
	authenticate ticket from $users
	role "user" { allow any }
	role "staff" {
		allow any
		disclose publisher always
		trust level 7
	}
	role "secret" {
		allow any
		disclose publisher never
		trust level 0
	}
	role "some" {
		allow publish
		$some
	}
}
"""
SOME = 'allow subscribe prefix "com.some."\n\t\tallow subscribe exact "com.one"'
LESS = 'allow subscribe prefix "com.some.t"'
PEOPLE = (("ann", "user"), ("bob", "user"), ("cat", "staff"),
          ("dan", "secret"), ("eve", "some"))
WAYS = tuple(itertools.product(("rawsocket", "websocket"), SERIALIZERS))
ACK = {"acknowledge": True}
DISALLOWED = "wamp.error.option_disallowed.disclose_me"
INVALID_ARGUMENT = "wamp.error.invalid_argument"

sock = port = daemon = way = None


def client(authid="ann", features=(), other=False, serializer=None):
    """other: at the other tlsproxy."""
    c = Strict(("127.0.0.1", port) if other else sock, transport=way[0],
               serializer=serializer or way[1], join=False)
    roles = dict(ROLES["roles"],
                 subscriber={"features": {f: True for f in features}})
    m = Ticket(authid, authid, details={"roles": roles}).join(c)
    assert m[0] == WELCOME, m
    return c


def publish(c, topic, options=None, *args):
    """Not acknowledged."""
    c.send(PUBLISH, c.next(), options or {}, topic, *args)


def event(c, sub, *args):
    """Details of the next message, an EVENT of that subscription."""
    m = c.expect(EVENT, sub)
    assert m[4:] == list(args), m
    return m[3]


def pattern_based_subscription():
    """pattern_based_subscription: policies are subscriptions of their own, a
    pattern's event names the topic, all have one publication id"""
    topic = "com.myapp.topic.emergency"
    with client() as c, client(other=True) as p:
        subs = {}
        for match, pattern in (("exact", topic), ("prefix", topic),
                               ("wildcard", topic), ("prefix", "com.mya"),
                               ("wildcard", "com..topic."), ("prefix", "")):
            sub = c.subscribe(pattern, {"match": match})
            assert sub == c.subscribe(pattern, {"match": match})
            assert sub not in subs
            subs[sub] = match
        r = p.next()
        p.send(PUBLISH, r, ACK, topic, [1], {"a": 2})
        pub = p.expect(PUBLISHED, r)[2]
        got = {}
        for _ in subs:
            m = c.expect(EVENT, None, pub)
            assert m[4:] == [[1], {"a": 2}], m
            got[m[1]] = m[3]
        assert got == {s: {} if match == "exact" else {"topic": topic}
                       for s, match in subs.items()}, got
        for sub in subs:
            c.unsubscribe(sub)
        publish(p, topic)
        c.expect_nothing(0.05)


def what_patterns_match():
    """pattern_based_subscription: the examples of the chapter"""
    cases = (("com.myapp.topic.emergency", "prefix",
              ("com.myapp.topic.emergency.11",
               "com.myapp.topic.emergency-low",
               "com.myapp.topic.emergency.category.severe",
               "com.myapp.topic.emergency"), ("com.myapp.topic.emerge",)),
             ("com.myapp..userevent", "wildcard",
              ("com.myapp.foo.userevent", "com.myapp.bar.userevent",
               "com.myapp.a12.userevent"),
              ("com.myapp.foo.userevent.bar", "com.myapp.foo.user",
               "com.myapp2.foo.userevent")))
    with client() as c, client(other=True) as p:
        for pattern, match, yes, no in cases:
            sub = c.subscribe(pattern, {"match": match})
            for topic in no + yes:
                publish(p, topic)
            for topic in yes:
                assert event(c, sub) == {"topic": topic}
            c.unsubscribe(sub)
        for match, pattern in (("prefix", "a..b"), ("wildcard", "a b"),
                               ("exact", "a..b")):
            r = c.next()
            c.send(SUBSCRIBE, r, {"match": match}, pattern)
            c.expect(ERROR, SUBSCRIBE, r, {}, "wamp.error.invalid_uri")
        c.expect_nothing(0.05)


def order_of_events():
    """security_model, Ordering Guarantees: with patterns, too, events of one
    publisher come in its order"""
    with client() as c, client(other=True) as p:
        subs = [c.subscribe("com.order.%d" % i) for i in range(3)]
        subs.append(c.subscribe("com.order.", {"match": "prefix"}))
        subs.append(c.subscribe("..", {"match": "wildcard"}))
        p.batch([PUBLISH, p.next(), {}, "com.order.%d" % (i % 3), [i]]
                for i in range(300))
        for i in range(300):
            got = [c.expect(EVENT) for _ in range(3)]
            assert [m[4] for m in got] == [[i]] * 3, got
            assert {m[1] for m in got} == {subs[i % 3]} | set(subs[3:]), got


def black_and_whitelisting():
    """subscriber_blackwhite_listing: each of the six lists, alone, empty and
    together"""
    people = ["ann", "bob", "cat", "ann", "cat"]
    cs = [client(a, other=i % 2 == 1) for i, a in enumerate(people)]
    ids = [c.id for c in cs]
    with client("bob") as p:
        sub = {c.subscribe("com.list") for c in cs}.pop()

        def check(want, **options):
            options["exclude_me"] = False
            publish(p, "com.list", options, [len(want)])
            # what is not for one must not be there when the next comes
            publish(p, "com.list", {}, ["all"])
            for i, c in enumerate(cs):
                if i in want:
                    event(c, sub, [len(want)])
                event(c, sub, ["all"])
        everybody = {0, 1, 2, 3, 4}
        check({0, 4}, eligible=[ids[4], ids[0], 12345])
        check({1, 2, 3}, exclude=[ids[0], ids[4], ids[0]])
        check({0, 3}, eligible_authid=["ann", "nobody"])
        check({1, 2, 4}, exclude_authid=["ann"])
        check({2, 4}, eligible_authrole=["staff"])
        check({0, 1, 3}, exclude_authrole=["staff", ""])
        for name in ("eligible", "eligible_authid", "eligible_authrole"):
            check(set(), **{name: []})
        for name in ("exclude", "exclude_authid", "exclude_authrole"):
            check(everybody, **{name: []})
        check({3}, eligible=[ids[0], ids[1], ids[3]],
              eligible_authid=["ann", "cat"], eligible_authrole=["user"],
              exclude=[ids[0]], exclude_authid=["bob"],
              exclude_authrole=["staff"])
        check(set(), eligible=[ids[0]], exclude=[ids[0]])
        check(everybody, eligible=None)
        for wrong in ({"eligible": 1}, {"exclude": ["a"]},
                      {"exclude": [-1]}, {"eligible_authid": [1]},
                      {"exclude_authrole": "user"}):
            r = p.next()
            p.send(PUBLISH, r, dict(ACK, **wrong), "com.list")
            m = p.recv()
            assert m[:3] == [ERROR, PUBLISH, r] and \
                m[4] == INVALID_ARGUMENT, (wrong, m)
    for c in cs:
        c.expect_nothing(0.02)
        c.close()


def publisher_exclusion():
    """publisher_exclusion: exclude_me, and the lists, for one's own"""
    with client() as c, client() as d:
        sub = c.subscribe("com.me")
        d.subscribe("com.me")
        publish(c, "com.me", {}, [1])
        publish(c, "com.me", {"exclude_me": True}, [2])
        publish(c, "com.me", {"eligible": [c.id, d.id]}, [3])
        publish(c, "com.me", {"exclude_me": False, "exclude": [c.id]}, [4])
        publish(c, "com.me", {"exclude_me": False}, [5])
        publish(c, "com.me", {"exclude_me": False, "eligible": [c.id]}, [6])
        event(c, sub, [5])
        event(c, sub, [6])
        for i in range(1, 6):
            event(d, sub, [i])


WHO = ("publisher_identification", "publication_trustlevels")


def publisher_identification():
    """publisher_identification: who publishes is told if asked for, always,
    or never, to those who announced it"""
    with client(features=WHO[:1]) as c, client(other=True) as plain, \
            client("ann") as ann, client("cat", other=True) as cat, \
            client("dan") as dan:
        sub = c.subscribe("com.who")
        plain.subscribe("com.who")
        me = {"disclose_me": True}
        for p, authid, role, options, is_told in (
                (ann, "ann", "user", {}, False),
                (ann, "ann", "user", me, True),
                (ann, "ann", "user", {"disclose_me": False}, False),
                (cat, "cat", "staff", {}, True),
                (cat, "cat", "staff", me, True),
                (dan, "dan", "secret", {}, False)):
            publish(p, "com.who", options)
            want = {"publisher": p.id, "publisher_authid": authid,
                    "publisher_authrole": role} if is_told else {}
            got = event(c, sub)
            assert got == want, (got, want)
            assert event(plain, sub) == {}
        publish(dan, "com.who", me)
        r = dan.next()
        dan.send(PUBLISH, r, dict(me, **ACK), "com.who")
        m = dan.recv()
        assert m[:3] == [ERROR, PUBLISH, r] and m[4] == DISALLOWED, m
        c.expect_nothing(0.05)


def publication_trustlevels():
    """publication_trustlevels: the publisher's role's, to those who
    announced it"""
    with client(features=WHO) as both, client(features=WHO[1:]) as c, \
            client() as plain, client("ann") as ann, \
            client("cat", other=True) as cat, client("dan") as dan:
        sub = c.subscribe("com.trust")
        both.subscribe("com.trust")
        plain.subscribe("com.trust")
        for p, level in ((ann, None), (cat, 7), (dan, 0)):
            publish(p, "com.trust")
            want = {} if level is None else {"trustlevel": level}
            assert event(c, sub) == want
            assert event(plain, sub) == {}
            if p is cat:
                want.update({"publisher": cat.id, "publisher_authid": "cat",
                             "publisher_authrole": "staff"})
            assert event(both, sub) == want


def all_at_once():
    """all of it with a large payload, from one serializer to the others"""
    big = "x" * 70000
    cs = [client(features=WHO, other=i % 2 == 1, serializer=ser)
          for i, ser in enumerate(SERIALIZERS)]
    with client("cat") as p:
        sub = {c.subscribe("com.all.", {"match": "prefix"})
               for c in cs}.pop()
        publish(p, "com.all.a", {"eligible": [cs[0].id, cs[2].id],
                                 "exclude_authrole": ["staff"]},
                [big], {"k": [1, 2]})
        publish(p, "com.all.b", {"exclude": [cs[0].id, cs[2].id]}, [2])
        for i in (0, 2, 1):
            d = event(cs[i], sub, *([[2]] if i == 1 else
                                    [[big], {"k": [1, 2]}]))
            assert d == {"topic": "com.all.b" if i == 1 else "com.all.a",
                         "publisher": p.id, "publisher_authid": "cat",
                         "publisher_authrole": "staff",
                         "trustlevel": 7}, d
    for c in cs:
        c.close()


def reload(some):
    assert daemon.reload(CONF.replace("$some", some))


def subscription_revocation():
    """subscription_revocation: a right that a reload takes away is told to
    those who announced it, and they may subscribe again when it is back"""
    with client("eve", ["subscription_revocation"]) as c, \
            client("eve", other=True) as plain, client() as p:
        want = set()
        for topic, match in (("com.one", "exact"), ("com.some.", "prefix"),
                             ("com.some..x", "wildcard")):
            want.add(c.subscribe(topic, {"match": match}))
            plain.subscribe(topic, {"match": match})
        kept = c.subscribe("com.some.t", {"match": "prefix"})
        plain.subscribe("com.some.t", {"match": "prefix"})
        reload(LESS)
        try:
            got = [c.expect(UNSUBSCRIBED, 0) for _ in want]
            assert {m[2]["subscription"] for m in got} == want, got
            assert all(m[2]["reason"] for m in got), got
            publish(p, "com.one")
            publish(p, "com.some.t.x")
            for x in (c, plain):
                assert event(x, kept) == {"topic": "com.some.t.x"}
            for x in (c, plain):
                r = x.next()
                x.send(SUBSCRIBE, r, {}, "com.one")
                x.expect(ERROR, SUBSCRIBE, r, {}, "wamp.error.not_authorized")
                r = x.next()
                x.send(UNSUBSCRIBE, r, list(want)[0])
                x.expect(ERROR, UNSUBSCRIBE, r, {},
                         "wamp.error.no_such_subscription")
        finally:
            reload(SOME)
        sub = c.subscribe("com.one")
        publish(p, "com.one")
        assert event(c, sub) == {}


def payload_passthru():
    """payload_passthru_mode: the attributes go along, to those who
    announced it"""
    ppt = {"ppt_scheme": "x_test", "ppt_serializer": "cbor",
           "ppt_cipher": "xsalsa20poly1305", "ppt_keyid": "k1"}
    with client(features=["payload_passthru_mode"]) as c, \
            client(other=True) as plain:
        p = Strict(sock, transport=way[0], serializer=way[1], join=False)
        m = Ticket("ann", "ann", details={"roles": {"publisher": {
            "features": {"payload_passthru_mode": True}}}}).join(p)
        assert m[0] == WELCOME, m
        sub = c.subscribe("com.ppt")
        plain.subscribe("com.ppt")
        publish(p, "com.ppt", ppt, ["octets"])
        publish(p, "com.ppt", {}, ["after"])
        assert event(c, sub, ["octets"]) == ppt
        assert event(c, sub, ["after"]) == {}
        assert event(plain, sub, ["after"]) == {}
        p.close()


def features_are_announced():
    """Feature Announcement: what the cases here have shown"""
    with client() as c:
        got = c.welcome["roles"]["broker"]["features"]
        for name in ("pattern_based_subscription",
                     "subscriber_blackwhite_listing", "publisher_exclusion",
                     "publisher_identification", "publication_trustlevels",
                     "subscription_revocation"):
            assert got.get(name) is True, (name, got)


CASES = (pattern_based_subscription, what_patterns_match, order_of_events,
         black_and_whitelisting, publisher_exclusion,
         publisher_identification, publication_trustlevels, all_at_once,
         subscription_revocation, payload_passthru, features_are_announced)


def main():
    global sock, port, daemon, way
    d = tmpdir()
    sock, port = os.path.join(d, "s"), free_port()
    users = os.path.join(d, "users")
    with open(users, "w") as f:
        f.write("".join(ticket_line(a, a, role) + "\n"
                        for a, role in PEOPLE))
    os.chmod(users, 0o600)
    with Wampd(CONF.replace("$some", SOME),
               macros={"sock": sock, "port": port, "users": users}) as daemon:
        for way in WAYS:
            for case in CASES:
                run_case(case, "%s %s: " % way)
    done()


if __name__ == "__main__":
    main()
