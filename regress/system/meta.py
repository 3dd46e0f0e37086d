# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The meta API as clients see it, over every transport and serializer: each
# event, each procedure, and testaments of sessions that end one way or
# another.

import itertools
import os
import re
import sys

from daemon import Wampd, done, run_case, tmpdir
from wampcheck import Strict
from wampclient import *

CONF = """
listen on socket $sock mode 0666
realm "realm1" {
	authenticate anonymous role "ops"
	role "ops" { allow any allow meta read, write }
}
realm "com.example.plain" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
realm "com.example.nothing" {
	authenticate anonymous role "none"
	role "none" { deny any }
}
"""

REVOCATION = {"roles": {
    "publisher": {}, "caller": {},
    "subscriber": {"features": {"subscription_revocation": True}},
    "callee": {"features": {"registration_revocation": True}}}}
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ\Z")

sock = None
variant = ("rawsocket", "msgpack")


def client(**kw):
    return Strict(sock, transport=kw.pop("transport", variant[0]),
                  serializer=kw.pop("serializer", variant[1]), **kw)


def ask(c, procedure, *args, **kwargs):
    """Its results; None if there are none."""
    r = c.call("wamp." + procedure, *args, **kwargs)
    m = c.expect(RESULT, r)
    if len(m) == 3:
        return None
    if len(m) != 4 or len(m[3]) != 1:
        raise AssertionError("not one result: %r" % m)
    return m[3][0]


def refused(c, error, procedure, *args, **kwargs):
    r = c.call("wamp." + procedure, *args, **kwargs)
    m = c.expect(ERROR, CALL, r)
    if m[4] != error:
        raise AssertionError("%r, want %s" % (m, error))


def event(c, sub, *args, **kwargs):
    m = c.expect(EVENT, sub)
    got = m[4:] + [[], {}][len(m) - 4:]
    if got != [list(args), kwargs]:
        raise AssertionError("%r, want %r %r" % (m, args, kwargs))
    return m


def equal(got, want):
    if got != want:
        raise AssertionError("%r, want %r" % (got, want))


def details(got, **want):
    """With the time it was created."""
    if not TIME.match(got.pop("created")):
        raise AssertionError("no time: %r" % got)
    equal(got, want)


def announced():
    with client() as c:
        roles = c.welcome["roles"]
        for role, name in (("broker", "session_meta_api"),
                           ("dealer", "session_meta_api"),
                           ("broker", "subscription_meta_api"),
                           ("dealer", "registration_meta_api"),
                           ("dealer", "testament_meta_api")):
            if roles[role]["features"].get(name) is not True:
                raise AssertionError("%s is not announced" % name)


def T77_sessions_come_and_go():
    with client() as w:
        joined = w.subscribe("wamp.session.on_join")
        left = w.subscribe("wamp.session.on_leave")
        c = client()
        about = {"session": c.id, "authid": c.welcome["authid"],
                 "authrole": "ops", "authmethod": "anonymous",
                 "authprovider": "static"}
        event(w, joined, about)
        equal(ask(w, "session.get", c.id), about)
        equal(ask(w, "session.count"), 2)
        equal(ask(w, "session.count", ["ops"]), 2)
        equal(ask(w, "session.count", ["none"]), 0)
        equal(sorted(ask(w, "session.list")), sorted([w.id, c.id]))
        equal(ask(w, "session.list", []), [])
        c.goodbye()
        c.close()
        event(w, left, c.id, about["authid"], "ops")
        equal(ask(w, "session.count"), 1)
        refused(w, "wamp.error.no_such_session", "session.get", c.id)
        # without a word
        with client() as c:
            about["session"], about["authid"] = c.id, c.welcome["authid"]
            event(w, joined, about)
        event(w, left, c.id, about["authid"], "ops")


def T78_subscriptions():
    with client() as w, client() as c:
        t = {}
        for n in ("unsubscribe", "delete", "subscribe"):
            t[n] = w.subscribe("wamp.subscription.on_" + n)
        # it sees itself, after SUBSCRIBED
        event(w, t["subscribe"], w.id, t["subscribe"])
        t["create"] = w.subscribe("wamp.subscription.on_create")
        m = w.expect(EVENT, t["create"])
        details(m[4][1], id=t["create"], match="exact",
                uri="wamp.subscription.on_create")
        event(w, t["subscribe"], w.id, t["create"])
        s = c.subscribe("com.topic", {"match": "prefix"})
        m = w.expect(EVENT, t["create"])
        equal(m[4][0], c.id)
        details(m[4][1], id=s, uri="com.topic", match="prefix")
        event(w, t["subscribe"], c.id, s)
        details(ask(w, "subscription.get", s), id=s, uri="com.topic",
                match="prefix")
        lists = ask(w, "subscription.list")
        equal(sorted(lists), ["exact", "prefix", "wildcard"])
        equal(sorted(lists["exact"]), sorted(t.values()))
        equal((lists["prefix"], lists["wildcard"]), ([s], []))
        equal(ask(w, "subscription.lookup", "com.topic"), None)
        equal(ask(w, "subscription.lookup", "com.topic",
                  {"match": "prefix"}), s)
        equal(ask(w, "subscription.match", "com.topic.x"), [s])
        equal(ask(w, "subscription.match", "com.other"), None)
        equal(ask(w, "subscription.list_subscribers", s), [c.id])
        equal(ask(w, "subscription.count_subscribers", s), 1)
        refused(w, "wamp.error.no_such_subscription", "subscription.get",
                2 ** 53)
        c.unsubscribe(s)
        event(w, t["unsubscribe"], c.id, s)
        event(w, t["delete"], c.id, s)


def T78_registrations():
    with client() as w, client() as c:
        t = {n: w.subscribe("wamp.registration.on_" + n)
             for n in ("create", "register", "unregister", "delete")}
        r = c.register("com.proc", {"invoke": "roundrobin"})
        m = w.expect(EVENT, t["create"])
        equal(m[4][0], c.id)
        details(m[4][1], id=r, uri="com.proc", match="exact",
                invoke="roundrobin")
        event(w, t["register"], c.id, r)
        equal(w.register("com.proc", {"invoke": "roundrobin"}), r)
        event(w, t["register"], w.id, r)
        details(ask(w, "registration.get", r), id=r, uri="com.proc",
                match="exact", invoke="roundrobin")
        equal(ask(w, "registration.list"),
              {"exact": [r], "prefix": [], "wildcard": []})
        equal(ask(w, "registration.lookup", "com.proc"), r)
        equal(ask(w, "registration.match", "com.proc"), r)
        equal(ask(w, "registration.match", "com.other"), None)
        equal(ask(w, "registration.list_callees", r), [c.id, w.id])
        equal(ask(w, "registration.count_callees", r), 2)
        refused(w, "wamp.error.no_such_registration", "registration.get",
                2 ** 53)
        c.close()
        event(w, t["unregister"], c.id, r)
        q = w.next()
        w.send(UNREGISTER, q, r)
        w.expect(UNREGISTERED, q)
        event(w, t["unregister"], w.id, r)
        event(w, t["delete"], w.id, r)


def T80_kills():
    with client() as w, client() as a, client() as b, client() as c:
        refused(w, "wamp.error.no_such_session", "session.kill", w.id)
        refused(w, "wamp.error.invalid_uri", "session.kill", a.id,
                reason="no uri")
        equal(ask(w, "session.kill", a.id), None)
        equal(a.expect(GOODBYE)[1:], [{}, "wamp.close.killed"])
        equal(ask(w, "session.kill_by_authid", b.welcome["authid"],
                  reason="com.example.bye", message="go"), [b.id])
        equal(b.expect(GOODBYE)[1:], [{"message": "go"}, "com.example.bye"])
        equal(ask(w, "session.kill_by_authrole", "none"), 0)
        equal(ask(w, "session.kill_by_authrole", "ops", message="m"), 1)
        equal(c.expect(GOODBYE)[1:], [{"message": "m"}, "wamp.close.killed"])
        equal(ask(w, "session.kill_all"), 0)
    with client() as w, client() as a, client() as b:
        left = w.subscribe("wamp.session.on_leave")
        equal(ask(w, "session.kill_all", reason="com.example.bye"), 2)
        for c in (a, b):
            equal(c.expect(GOODBYE)[1:], [{}, "com.example.bye"])
        equal(ask(w, "session.list"), [w.id])   # and no event before


def revocations():
    with client() as w, client(details=REVOCATION) as c, client() as old:
        s, r = c.subscribe("com.t"), c.register("com.p")
        so, ro = old.subscribe("com.t"), old.register("com.q")
        equal(ask(w, "subscription.remove_subscriber", s, c.id,
                  reason="why"), None)
        equal(c.recv(), [UNSUBSCRIBED, 0, {"subscription": s,
                                           "reason": "why"}])
        equal(ask(w, "registration.remove_callee", r, c.id), None)
        equal(c.recv()[:2], [UNREGISTERED, 0])
        # who did not announce it is told nothing
        ask(w, "subscription.remove_subscriber", so, old.id)
        ask(w, "registration.remove_callee", ro, old.id)
        w.publish("com.t")
        q = old.next()
        old.send(UNREGISTER, q, ro)
        equal(old.recv()[:3], [ERROR, UNREGISTER, q])
        refused(w, "wamp.error.no_such_subscription",
                "subscription.remove_subscriber", s, c.id)


def modified_details():
    with client() as w, client() as c:
        equal(ask(w, "session.modify_details", c.id,
                  {"place": {"room": 7}, "gone": None}), None)
        equal(ask(w, "session.get", c.id)["place"], {"room": 7})
        refused(w, "wamp.error.invalid_argument", "session.modify_details",
                c.id, {"authid": "root"})


def T83_testaments():
    # WAMP, Binary conversion of JSON strings
    octets = "\0AP8=" if variant[1] == "json" else b"\0\xff"

    def lost(c):
        c.close()

    def left(c):
        c.goodbye()
        c.close()

    for end in (lost, left, "killed"):
        with client() as w:
            sub = w.subscribe("com.bye")
            gone = w.subscribe("wamp.session.on_leave")
            c = client()
            c.subscribe("com.bye")
            ask(c, "session.add_testament", "com.bye", [1], {"k": [None]})
            ask(c, "session.add_testament", "com.bye", [octets, 2], {},
                scope="detached")
            ask(c, "session.add_testament", "com.bye", ["not for us"], {},
                publish_options={"exclude": [w.id], "exclude_me": False})
            ask(c, "session.add_testament", "com.bye", [], {})
            if end == "killed":
                ask(w, "session.kill", c.id)
                c.expect(GOODBYE)
            else:
                end(c)
            event(w, sub, octets, 2)
            event(w, sub, 1, k=[None])
            event(w, sub)
            equal(w.expect(EVENT, gone)[4][0], c.id)
    with client() as w:
        sub = w.subscribe("com.bye")
        c = client()
        ask(c, "session.add_testament", "com.bye", [1], {})
        ask(c, "session.add_testament", "com.bye", [2], {}, scope="detached")
        ask(c, "session.flush_testaments")
        c.close()
        event(w, sub, 2)
    with client() as c:
        refused(c, "wamp.error.invalid_uri", "session.add_testament",
                "wamp.session.on_join", [], {})
        refused(c, "wamp.error.invalid_argument", "session.add_testament",
                "com.t", {}, [])


def T82_rights():
    with client(realm="com.example.plain") as c:
        sub = c.subscribe("com.bye")
        for p in ("session.count", "session.kill_all", "subscription.list",
                  "registration.list"):
            refused(c, "wamp.error.not_authorized", p)
        q = c.next()
        c.send(SUBSCRIBE, q, {}, "wamp.session.on_join")
        equal(c.expect(ERROR, SUBSCRIBE, q)[4], "wamp.error.not_authorized")
        c.subscribe("", {"match": "prefix"})
        with client(realm="com.example.plain") as d:
            ask(d, "session.add_testament", "com.bye", [1], {})
        equal(c.expect(EVENT)[4:], [[1]])
        equal(c.expect(EVENT)[4:], [[1]])
        for code in (PUBLISH, REGISTER):
            q = c.next()
            c.send(code, q, {"acknowledge": True} if code == PUBLISH else {},
                   "wamp.session.count")
            equal(c.expect(ERROR, code, q)[4], "wamp.error.invalid_uri")
    with client(realm="com.example.nothing") as c:
        refused(c, "wamp.error.not_authorized", "session.add_testament",
                "com.t", [], {})


def wrong_arguments():
    with client() as c:
        for p, args, kw in (
                ("session.get", (), {}), ("session.get", ("x",), {}),
                ("session.get", (1.5,), {}), ("session.count", (7,), {}),
                ("session.kill", (1,), {"reason": 7}),
                ("subscription.lookup", ("a", {"match": "x"}), {}),
                ("registration.match", (None,), {}),
                ("session.flush_testaments", (), {"scope": "x"})):
            refused(c, "wamp.error.invalid_argument", p, *args, **kw)
        refused(c, "wamp.error.no_such_procedure", "session.nothing")
        refused(c, "wamp.error.no_such_procedure", "x")


def main():
    global sock, variant
    d = tmpdir()
    sock = os.path.join(d, "s")
    cases = [announced, T77_sessions_come_and_go, T78_subscriptions,
             T78_registrations, T80_kills, revocations, modified_details,
             T83_testaments, T82_rights, wrong_arguments]
    only = sys.argv[1:]
    with Wampd(CONF, macros={"sock": sock}):
        for variant in itertools.product(("rawsocket", "websocket"),
                                         ("json", "msgpack", "cbor")):
            for f in cases:
                if not only or f.__name__ in only:
                    run_case(f, "%s %s " % variant)
    done()


if __name__ == "__main__":
    main()
