# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Events that are kept, retained or in a history, as clients see them over
# each transport and serializer.  Whom they are for and what is found by which
# question is tried exhaustively in regress/unit/broker_retain_test.c and
# broker_history_test.c.

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
limits { message 64k }
realm "realm1" {
	authenticate ticket from $users
	role "user" { allow any allow meta read }
	role "staff" {
		allow any
		disclose publisher always
		trust level 7
	}
	role "asked" { authorize dynamic "com.guard" }
	role "guard" {
		allow register exact "com.guard"
	}
	history {
		topic prefix "com.h." events 2000
		topic exact "com.h.one"
		$more
	}
}
realm "com.example.nothing" {
	authenticate ticket from $users
	retain never
	role "user" { allow any }
	role "staff" { allow any }
	role "asked" { allow any }
	role "guard" { allow any }
}
"""
PEOPLE = (("ann", "user"), ("cat", "staff"), ("dan", "asked"),
          ("gus", "guard"))
WAYS = tuple(itertools.product(("rawsocket", "websocket"), SERIALIZERS))
GET = "wamp.subscription.get_events"
RETAIN = {"retain": True, "acknowledge": True}

sock = port = daemon = way = None
count = 0


def client(authid="ann", realm="realm1", other=False, serializer=None,
           features=()):
    """other: at the other tlsproxy."""
    c = Strict(("127.0.0.1", port) if other else sock, transport=way[0],
               serializer=serializer or way[1], join=False)
    roles = dict(ROLES["roles"])
    for role in ("publisher", "subscriber"):
        roles[role] = {"features": {f: True for f in features}}
    m = Ticket(authid, authid, details={"roles": roles}).join(c, realm)
    assert m[0] == WELCOME, m
    return c


def topic(prefix="com.t"):
    global count
    count += 1
    return "%s%d" % (prefix, count)


def publish(c, where, options, *args):
    r = c.next()
    c.send(PUBLISH, r, dict(options, acknowledge=True), where, *args)
    return c.expect(PUBLISHED, r)[2]


def retained(c, where, match="exact"):
    """The subscription, and the events up to one that is published now."""
    sub = c.subscribe(where, {"match": match, "get_retained": True})
    r = c.next()
    c.send(PUBLISH, r, {"acknowledge": True}, "com.nobody")
    got = []
    while True:
        m = c.recv()
        if m[0] == PUBLISHED:
            c.unsubscribe(sub)
            return got
        assert m[:2] == [EVENT, sub] and m[3].pop("retained") is True, m
        got.append(m)


def events(c, sub, **kw):
    m = c.expect(RESULT, c.call(GET, sub, **kw))
    return m[3]


def history(c, where="com.h.", match="prefix"):
    """The id of the subscription that has it."""
    m = c.expect(RESULT, c.call("wamp.subscription.lookup", where,
                                {"match": match}))
    return m[3][0]


def retained_by_each_serializer():
    """event_retention: from each serializer, also for patterns, its
    publisher long gone; publisher and trust level as they were"""
    names = [topic("com.r.%s." % way[0][0]) for _ in SERIALIZERS]
    pubs = []
    for name, ser in zip(names, SERIALIZERS):
        with client("cat", other=True, serializer=ser) as p:
            publish(p, name, {"retain": True}, ["old"])
            pubs.append(publish(p, name, {"retain": True},
                                [ser, 1.5], {"k": [None]}))
    with client(features=("publisher_identification",
                          "publication_trustlevels")) as c:
        for name, ser, pub in zip(names, SERIALIZERS, pubs):
            for match, pattern in (("exact", name), ("prefix", name),
                                   ("wildcard", name.replace(".r.", ".."))):
                (m,) = retained(c, pattern, match)
                assert m[2] == pub and m[4:] == [[ser, 1.5], {"k": [None]}]
                d = m[3]
                assert d.pop("topic", name) == name, d
                assert d.pop("publisher_authid") == "cat", d
                assert d.pop("publisher_authrole") == "staff", d
                assert type(d.pop("publisher")) is int, d
                assert d == {"trustlevel": 7}, d
        got = retained(c, "com.r.%s." % way[0][0], "prefix")
        assert [m[2] for m in got][-len(pubs):] == pubs, got


def retained_for_whom():
    """event_retention: lists, exclude_me, a testament, one that is too long"""
    name = topic()
    with client() as c, client("cat", other=True) as d:
        publish(c, name, {"retain": True}, ["all"])
        publish(c, name, {"retain": True, "eligible_authrole": ["staff"]},
                ["staff"])
        publish(c, name, {"retain": True, "eligible": [d.id + 1]}, ["none"])
        assert [m[4] for m in retained(d, name)] == [["staff"]]
        assert retained(c, name) == []
        publish(c, name, {"retain": True, "exclude_me": False}, ["me"])
        assert [m[4] for m in retained(c, name)] == [["me"]]
        r = c.call("wamp.session.add_testament", name, ["will"], {},
                   publish_options={"retain": True})
        c.expect(RESULT, r)
        sub = d.subscribe(name)
        c.close()
        assert d.expect(EVENT, sub)[3:] == [{}, ["will"]]
        d.unsubscribe(sub)
        assert [m[4] for m in retained(d, name)] == [["will"]]
        # longer than "retain" lets it be is not said to the publisher
        publish(d, name, {"retain": True, "exclude_me": False},
                ["x" * 65000])
    with client() as c:
        assert len(retained(c, name)) == 1
        publish(c, name, {"retain": True, "exclude_me": False},
                ["x", "x" * 60000])
        assert retained(c, name)[0][4][1] == "x" * 60000


def history_of_each_serializer():
    """event_history: payloads, details, times, whoever publishes"""
    name = topic("com.h.s")
    pubs = []
    for ser in SERIALIZERS:
        with client("cat", other=True, serializer=ser) as p:
            pubs.append(publish(p, name, {}, [ser, -1], {"k": {"a": 1.5}}))
    with client() as c:
        sub = history(c)
        got = events(c, sub, topic=name)
        assert [e["publication"] for e in got] == pubs, got
        times = [e["timestamp"] for e in got]
        assert times == sorted(times)
        for e, ser in zip(got, SERIALIZERS):
            assert e["subscription"] == sub
            assert e["args"] == [ser, -1] and e["kwargs"] == {"k": {"a": 1.5}}
            d = e["details"]
            assert d["topic"] == name and d["trustlevel"] == 7, d
            assert d["publisher_authid"] == "cat", d
        assert events(c, sub, topic=name, from_time=times[0]) == got
        assert events(c, sub, topic=name, after_time=times[-1]) == []
        assert events(c, sub, topic=name, reverse=True, limit=2) == \
            [got[2], got[1]]
        assert events(c, sub, after_publication=pubs[0],
                      until_publication=pubs[1]) == [got[1]]


def history_page_by_page():
    """event_history: more events than a message holds, from both ends"""
    name = topic("com.h.p")
    with client() as c, client(other=True) as p:
        pubs = [publish(p, name, {}, [i, "x" * 3000]) for i in range(100)]
        sub = history(c)
        for reverse, after in ((False, "after_publication"),
                               (True, "before_publication")):
            got, page = [], {}
            while len(got) < 100:
                m = c.expect(RESULT, c.call(GET, sub, topic=name,
                                            reverse=reverse, **page))
                assert 10 < len(m[3]) <= 21 or len(got) > 80, len(m[3])
                got += m[3]
                if m[4:] != [{"more": True}]:
                    break
                page = {after: got[-1]["publication"]}
            assert [e["publication"] for e in got] == \
                pubs[::-1 if reverse else 1], len(got)
            assert [e["args"][0] for e in got] == \
                list(range(100))[::-1 if reverse else 1]


def history_by_an_authorizer():
    """event_history: an authorizer is asked about the call and about the
    subscription"""
    with client() as c:
        publish(c, "com.h.one", {}, [1])
        sub = history(c, "com.h.one", "exact")
    with client("gus", other=True) as g, client("dan") as d:
        reg = g.register("com.guard")
        for answers in ((True, True), (True, False), (False,)):
            r = d.call(GET, sub, limit=1)
            asked = []
            for yes in answers:
                m = g.expect(INVOCATION, None, reg)
                asked.append(tuple(m[4][1:3]))
                g.send(YIELD, m[1], {}, [yes])
            assert asked == [(GET, "call"),
                             ("com.h.one", "subscribe")][:len(asked)], asked
            if answers == (True, True):
                assert len(d.expect(RESULT, r)[3]) == 1
            else:
                assert d.expect(ERROR, CALL, r)[4] == \
                    "wamp.error.not_authorized"


def announced():
    """event_history, event_retention: announced where a realm has them"""
    for realm, has in (("realm1", True), ("com.example.nothing", False)):
        with client(realm=realm) as c:
            f = c.welcome["roles"]["broker"]["features"]
            for name in ("event_history", "event_retention"):
                assert f.get(name, False) is has, (realm, f)
            name = topic()
            publish(c, name, {"retain": True, "exclude_me": False})
            assert len(retained(c, name)) == has
            sub = c.subscribe(name)
            assert events(c, sub) == []


def reloads():
    """a reload keeps what is kept, brings histories and takes them"""
    name = topic("com.h.r")
    with client() as c:
        publish(c, name, {"retain": True, "exclude_me": False}, [1])
        sub = history(c)
        assert len(events(c, sub, topic=name)) == 1
        assert daemon.reload(CONF.replace(
            "$more", 'topic wildcard "com..x" events 3'))
        assert len(events(c, sub, topic=name)) == 1
        assert len(retained(c, name)) == 1
        more = history(c, "com..x", "wildcard")
        for i in range(5):
            publish(c, "com.y.x", {}, [i])
        assert [e["args"] for e in events(c, more)] == [[2], [3], [4]]
        assert daemon.reload(CONF.replace("$more", ""))
        r = c.call(GET, more)
        assert c.expect(ERROR, CALL, r)[4] == \
            "wamp.error.no_such_subscription"


def withdrawn():
    """what lived by a right that a reload takes away is gone for good"""
    keep = {"retain": True, "exclude_me": False}
    base = topic("com.h.w")
    mine, common, other = base + ".ann.x", base + ".all.x", base + ".cat.x"
    deny = 'allow any allow meta read deny publish %s allow publish exact ' \
        '"com.nobody"'

    def seen(c):
        sub = history(c)
        return [(len(retained(c, t)), len(events(c, sub, topic=t)))
                for t in (mine, common, other)]

    def reload(rule=None):
        assert daemon.reload(CONF.replace("$more", "").replace(
            "allow any allow meta read", deny % rule if rule else
            "allow any allow meta read"))
    with client() as c, client("cat") as cat:
        publish(c, mine, keep)
        publish(c, common, dict(keep, eligible_authrole=["user"]))
        publish(cat, other, keep)
        reload('exact "com.h.never"')
        assert seen(c) == [(1, 1)] * 3, seen(c)
        # only her own, and she was not disclosed
        reload('prefix "%s.{authid}."' % base)
        assert seen(c) == [(0, 0), (1, 1), (1, 1)], seen(c)
        reload('prefix "com.h."')
        assert seen(c) == [(0, 0), (0, 0), (1, 1)], seen(c)
        reload()
        assert seen(c) == [(0, 0), (0, 0), (1, 1)], seen(c)
        publish(c, mine, keep)
        assert seen(c)[0] == (1, 1), seen(c)
        # nobody looks between the two
        reload('prefix "com.h."')
        reload()
        assert seen(c) == [(0, 0), (0, 0), (1, 1)], seen(c)


CASES = (retained_by_each_serializer, retained_for_whom,
         history_of_each_serializer, history_page_by_page,
         history_by_an_authorizer, announced, reloads, withdrawn)


def main():
    global sock, port, daemon, way
    d = tmpdir()
    sock, port = os.path.join(d, "s"), free_port()
    users = os.path.join(d, "users")
    with open(users, "w") as f:
        f.write("".join(ticket_line(a, a, role) + "\n"
                        for a, role in PEOPLE))
    os.chmod(users, 0o600)
    with Wampd(CONF.replace("$more", ""),
               macros={"sock": sock, "port": port, "users": users}) as daemon:
        for way in WAYS:
            for case in CASES:
                run_case(case, "%s %s: " % way)
    done()


if __name__ == "__main__":
    main()
