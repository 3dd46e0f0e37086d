# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Sentences of the specification that decide interoperability, each a case
# with the number it has in our notes (T1, T2, ...), over every transport and
# serializer.  What a client sees, nothing else.

import itertools
import os
import sys
import time

from daemon import Wampd, done, run_case, tmpdir
from wampcheck import Strict
from wampclient import *

CONF = """
listen on socket $sock mode 0666
limits { message 64k }
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
realm "com.example.strict" {
	authenticate anonymous role "all"
	uri strict
	role "all" { allow any }
}
realm "com.example.loose" {
	authenticate anonymous role "all"
	request ids loose
	role "all" { allow any }
}
realm "com.example.rules" {
	authenticate anonymous role "some"
	role "some" {
		allow publish, subscribe prefix "com.open."
		allow call, register exact "com.open.proc"
		deny publish exact "com.open.readonly"
	}
}
realm "com.example.nothing" {
	authenticate anonymous role "none"
	role "none" { deny any }
}
"""

PV = "wamp.error.protocol_violation"
sock = None
daemon = None
variant = ("rawsocket", "msgpack")


def client(**kw):
    return Strict(sock, transport=kw.pop("transport", variant[0]),
                  serializer=kw.pop("serializer", variant[1]), **kw)


def T1_first_message_is_hello():
    for m in ([SUBSCRIBE, 1, {}, "a.b"], [GOODBYE, {}, "wamp.close.normal"],
              [AUTHENTICATE, "x", {}], [PUBLISH, 1, {}, "a.b"]):
        with client(join=False) as c:
            c.send(*m)
            c.expect_abort(PV)


def T2_second_hello():
    with client() as c, client() as other:
        c.register("com.t2.proc")
        c.send(HELLO, "realm1", ROLES)
        c.expect_abort(PV)
        # its registration is gone
        for _ in range(100):
            r = other.call("com.t2.proc")
            m = other.expect(ERROR, CALL, r)
            if m[4] == "wamp.error.no_such_procedure":
                return
        raise AssertionError("registration survived: %r" % m)


def T3_nothing_after_abort_is_processed():
    with client() as c, client() as w:
        w.subscribe("com.t3")
        bad = c.frame(c.dumps([999, 1]))
        pub = c.frame(c.dumps([PUBLISH, 1, {}, "com.t3", ["late"]]))
        c.write(bad + pub)
        c.expect_abort(PV)
        w.expect_nothing()


def T4_roles_are_named():
    for details in ({}, {"roles": {}}, {"roles": None}, {"roles": []},
                    {"roles": "caller"}):
        with client(join=False) as c:
            c.send(HELLO, "realm1", details)
            c.expect_abort(PV)


def T5_unknown_roles_and_keys_are_ignored():
    with client(join=False) as c:
        c.send(HELLO, "realm1",
               {"roles": {"juggler": {}, "caller": {"features": {"x": 1}}},
                "nonsense": [1, 2], "agent": "test"})
        c.expect(WELCOME)


# WAMP, Feature Announcement, and the chapters of the features themselves
FEATURES = {
    "broker": {
        "publisher_exclusion", "publisher_identification",
        "publication_trustlevels", "subscriber_blackwhite_listing",
        "pattern_based_subscription", "subscription_meta_api",
        "subscription_revocation", "event_history", "event_retention",
        "session_meta_api", "payload_passthru_mode"},
    "dealer": {
        "progressive_call_results", "progressive_call_invocations",
        "call_timeout", "call_canceling", "caller_identification",
        "call_trustlevels", "call_reroute", "pattern_based_registration",
        "shared_registration", "registration_meta_api",
        "registration_revocation", "session_meta_api", "testament_meta_api",
        "payload_passthru_mode"},
}


def T6_welcome():
    ids = set()
    for _ in range(200):
        with client() as c:
            assert 1 <= c.id <= 2 ** 53
            ids.add(c.id)
    assert len(ids) == 200
    assert max(ids) > 2 ** 48, "session ids are not spread over 2^53"
    roles = c.welcome["roles"]
    assert set(roles) == {"broker", "dealer"}, roles
    for r in roles:
        for name, value in roles[r]["features"].items():
            assert name in FEATURES[r] and value is True, (r, name, value)


def T7_realms():
    with client(join=False) as c:
        c.send(HELLO, "com.example.nowhere", ROLES)
        c.expect_abort("wamp.error.no_such_realm")
    for bad in ("", "a..b", "a b", "a#b", "."):
        with client(join=False) as c:
            c.send(HELLO, bad, ROLES)
            c.expect_abort("wamp.error.invalid_uri")


def T7_the_log_names_the_realm_that_was_asked_for():
    name = "com.example.asked.%s.%s" % variant
    with client(join=False) as c:
        c.send(HELLO, name, ROLES)
        c.expect_abort("wamp.error.no_such_realm")
    daemon.wait_log("refused realm=%s address=unix:uid=" % name)
    with client(join=False) as c:
        c.send(HELLO, "bad\nrealm\033" + variant[1], ROLES)
        c.expect_abort("wamp.error.invalid_uri")
    daemon.wait_log(r"refused realm=bad\\nrealm\\033%s " % variant[1])


def T8_goodbye():
    with client() as c, client() as w:
        sub = c.subscribe("com.t8")
        c.send(GOODBYE, {}, "wamp.close.normal")
        w.publish("com.t8", "x")
        c.expect(GOODBYE, None, "wamp.close.goodbye_and_out")
        c.expect_nothing()
        assert sub


def T9_abort_is_never_answered():
    with client(join=False) as c:
        c.send(ABORT, {}, "wamp.error.authentication_failed")
        c.expect_closed()
    with client() as c:
        c.send(ABORT, {}, "wamp.error.protocol_violation")
        c.expect_closed()


def T10_goodbye_before_welcome():
    with client(join=False) as c:
        c.send(GOODBYE, {}, "wamp.close.normal")
        c.expect_abort(PV)


def T11_transport_is_reused_after_goodbye():
    with client() as c:
        first = c.id
        c.subscribe("com.t11")
        c.goodbye()
        c.join()
        assert c.id != first
        c.subscribe("com.t11")        # request ids restart at 1
        with client() as w:
            w.publish("com.t11", 1)
        assert c.expect(EVENT)[4] == [1]
        c.expect_nothing(0.1)


def T14_bad_messages():
    msgs = [[], {}, 5, "x", None, [1], ["1", "realm1", ROLES], [999, 1, {}],
            [-1], [1.5, "realm1", ROLES]]
    for m in msgs:
        with client(join=False) as c:
            c.send_raw(c.dumps(m))
            c.expect_abort(PV)
    joined = [
        [], [999], [SUBSCRIBE], [SUBSCRIBE, 1, {}],
        [SUBSCRIBE, 1, {}, "a", "b"], [SUBSCRIBE, 0, {}, "a"],
        [SUBSCRIBE, -1, {}, "a"], [SUBSCRIBE, 2 ** 53 + 1, {}, "a"],
        [SUBSCRIBE, "1", {}, "a"], [SUBSCRIBE, 1, None, "a"],
        [SUBSCRIBE, 1, [], "a"], [SUBSCRIBE, 1, {}, 5],
        [SUBSCRIBE, 1.5, {}, "a"], [SUBSCRIBE, 1, {}, None],
        [PUBLISH, 1, {}, "a", {}], [PUBLISH, 1, {}, "a", [], []],
        [PUBLISH, 1, {}, "a", None], [PUBLISH, 1, {}, "a", [], {}, 1],
        [CALL, 1, {}, "a", "args"], [CALL, 1, {}],
        [UNSUBSCRIBE, 1, "x"], [UNSUBSCRIBE, 1, 0], [UNREGISTER, 1, -5],
        [YIELD, "x", {}], [YIELD, 1, []], [True, 1], [GOODBYE, {}],
        [GOODBYE, {}, 5], [HELLO], [ERROR, INVOCATION, 1, {}],
    ]
    for m in joined:
        with client() as c:
            c.send(*m)
            try:
                c.expect_abort(PV)
            except (AssertionError, TimeoutError) as e:
                raise AssertionError("%r: %s" % (m, e))


def T15_integers_are_no_booleans():
    for v in (1, 0, "true", []):
        with client() as c:
            c.send(PUBLISH, 1, {"acknowledge": v}, "com.t15")
            c.expect_abort(PV)


def T15_null_is_as_good_as_absent():
    with client() as c, client() as d:
        o = {"match": None, "acknowledge": None, "exclude_me": None}
        sub = c.subscribe("com.t15", o)
        d.send(PUBLISH, d.next(), o, "com.t15")
        c.expect(EVENT, sub)
        d.expect_nothing(0.1)


def T16_unknown_options_are_ignored():
    o = {"foo": 1, "_bar": 2, "_x": {"y": [None]}}
    with client() as c, client() as d:
        sub = c.subscribe("com.t16", o)
        reg = c.register("com.t16.proc", o)
        d.send(PUBLISH, d.next(), dict(o, acknowledge=True), "com.t16", [1])
        d.expect(PUBLISHED)
        m = c.expect(EVENT, sub)
        assert m[3] == {}, m
        r = d.next()
        d.send(CALL, r, o, "com.t16.proc")
        m = c.expect(INVOCATION, 1, reg)
        assert m[3] == {}, m
        c.send(YIELD, 1, o)
        m = d.expect(RESULT, r)
        assert m[2] == {} and len(m) == 3, m


def T17_keys_of_options():
    if variant[1] == "json":
        with client() as c:
            c.send_raw(b'[32,1,{"a":1,"a":2},"com.t17"]')
            c.expect_abort(PV)
        return
    with client() as c:
        c.send(SUBSCRIBE, 1, {5: 1}, "com.t17")
        c.expect_abort(PV)


def T18_extension_codes():
    for code in (256, 1023, 7, 0, 255, 100000):
        with client() as c:
            c.send(code, 1, {})
            c.expect_abort(PV)


def T19_error_of_something_else():
    for code in (SUBSCRIBE, CALL, PUBLISH, 0, "68"):
        with client() as c:
            c.send(ERROR, code, 1, {}, "com.error")
            c.expect_abort(PV)


def T20_router_only_messages():
    for m in ([WELCOME, 1, {}], [SUBSCRIBED, 1, 1], [EVENT, 1, 1, {}],
              [RESULT, 1, {}], [INVOCATION, 1, 1, {}], [PUBLISHED, 1, 1],
              [REGISTERED, 1, 1], [UNREGISTERED, 1], [UNSUBSCRIBED, 1],
              [INTERRUPT, 1, {}], [CHALLENGE, "ticket", {}]):
        with client() as c:
            c.send(*m)
            c.expect_abort(PV)


def T21_absent_stays_absent():
    with client() as c, client() as d:
        sub = c.subscribe("com.t21")
        for tail in ([], [[]], [[1]], [[], {"a": 1}], [[1], {"a": 1}],
                     [[], {}]):
            d.send(PUBLISH, d.next(), {}, "com.t21", *tail)
            m = c.expect(EVENT, sub)
            assert m[4:] == tail, (m, tail)


def T22_payload_is_opaque():
    deep = []
    for _ in range(100):
        deep = [deep]
    values = [None, True, 2 ** 63, 2 ** 64 - 1, -2 ** 63, 1.5, "\U0001f600",
              "", {"k": {"k": None}}, deep]
    if variant[1] != "json":
        values += [b"\x00\xff", b""]
    with client() as c, client() as d:
        sub = c.subscribe("com.t22")
        d.send(PUBLISH, d.next(), {}, "com.t22", values)
        m = c.expect(EVENT, sub)
        assert m[4] == values, m


def T22_depth():
    def nested(n):
        v = []
        for _ in range(n - 1):
            v = [v]
        return v
    # the message's own list counts
    with client() as c, client() as d:
        c.subscribe("com.t22d")
        d.send(PUBLISH, d.next(), {}, "com.t22d", nested(127))
        assert c.expect(EVENT)[4] == nested(127)
        d.send(PUBLISH, d.next(), {}, "com.t22d", nested(128))
        d.expect_abort(PV)


def T23_request_ids():
    for bad in ([2], [1, 3], [1, 1], [5]):
        with client() as c:
            for i in bad[:-1]:
                c.send(SUBSCRIBE, i, {}, "com.t23")
                c.expect(SUBSCRIBED, i)
            c.send(SUBSCRIBE, bad[-1], {}, "com.t23")
            c.expect_abort(PV)
    with client(realm="com.example.loose") as c:
        for i in (77, 5, 5, 2 ** 53):
            c.send(SUBSCRIBE, i, {}, "com.t23")
            c.expect(SUBSCRIBED, i)
    # one sequence for all kinds of requests
    with client() as c:
        s = c.subscribe("com.t23")
        r = c.register("com.t23.proc")
        c.publish("com.t23")
        c.unsubscribe(s)
        c.send(UNREGISTER, c.next(), r)
        c.expect(UNREGISTERED)
        c.call("com.t23.proc")
        c.expect(ERROR, CALL, 6)


def T24_invocation_ids_count_from_1():
    with client() as c, client() as other, client() as d:
        c.register("com.t24.a")
        c.register("com.t24.b")
        other.register("com.t24.c")
        for i, p in enumerate(("com.t24.a", "com.t24.b", "com.t24.c",
                               "com.t24.a")):
            d.call(p)
            if p == "com.t24.c":
                other.expect(INVOCATION, 1)
        for i in (1, 2, 3):
            c.expect(INVOCATION, i)


def T26_authorization_before_existence():
    with client(realm="com.example.rules") as c:
        for uri in ("com.open.proc2", "com.nowhere"):
            r = c.call(uri)
            c.expect(ERROR, CALL, r, None, "wamp.error.not_authorized")
            r = c.next()
            c.send(REGISTER, r, {}, uri)
            c.expect(ERROR, REGISTER, r, None, "wamp.error.not_authorized")
        c.register("com.open.proc")
        r = c.next()
        c.send(SUBSCRIBE, r, {}, "com.closed")
        c.expect(ERROR, SUBSCRIBE, r, None, "wamp.error.not_authorized")
        c.subscribe("com.open.x")
        c.publish("com.open.y")
        c.subscribe("com.open.readonly")
        r = c.next()
        c.send(PUBLISH, r, {"acknowledge": True}, "com.open.readonly")
        c.expect(ERROR, PUBLISH, r, None, "wamp.error.not_authorized")
        # not acknowledged: not answered
        c.send(PUBLISH, c.next(), {}, "com.open.readonly")
        c.expect_nothing(0.1)
    with client(realm="com.example.nothing") as c:
        r = c.next()
        c.send(SUBSCRIBE, r, {}, "a.b")
        c.expect(ERROR, SUBSCRIBE, r, None, "wamp.error.not_authorized")


def T27_events_of_one_publisher_in_order():
    n = 2000
    with client() as c, client() as d:
        for t in range(5):
            c.subscribe("com.t27.%d" % t)
        d.batch([PUBLISH, d.next(), {}, "com.t27.%d" % (i % 5), [i]]
                for i in range(n))
        for i in range(n):
            assert c.expect(EVENT)[4] == [i]


def T28_subscribed_before_the_first_event():
    with client() as d:
        for i in range(50):
            with client() as c:
                c.send(SUBSCRIBE, 1, {}, "com.t28")
                d.send(PUBLISH, d.next(), {}, "com.t28", [i])
                d.send(PUBLISH, d.next(), {}, "com.t28", [i])
                c.expect(SUBSCRIBED)


def T29_invocations_in_order():
    n = 1000
    with client() as c, client() as d:
        c.register("com.t29.a")
        c.register("com.t29.b")
        d.batch([CALL, d.next(), {}, "com.t29." + "ab"[i % 2], [i]]
                for i in range(n))
        for i in range(n):
            assert c.expect(INVOCATION, i + 1)[4] == [i]
            c.send(YIELD, i + 1, {}, [i])
        for i in range(n):
            assert d.expect(RESULT, i + 1)[3] == [i]


def T31_subscribing_twice():
    with client() as c, client() as d:
        a = c.subscribe("com.t31")
        b = c.subscribe("com.t31")
        assert a == b
        d.publish("com.t31", 1)
        c.expect(EVENT, a)
        c.expect_nothing(0.1)
        c.unsubscribe(a)
        d.publish("com.t31", 2)
        c.expect_nothing(0.1)
        r = c.next()
        c.send(UNSUBSCRIBE, r, a)
        c.expect(ERROR, UNSUBSCRIBE, r, None,
                 "wamp.error.no_such_subscription")


def T32_unsubscribing_a_foreign_subscription():
    with client() as c, client() as thief, client() as d:
        a = c.subscribe("com.t32")
        r = thief.next()
        thief.send(UNSUBSCRIBE, r, a)
        thief.expect(ERROR, UNSUBSCRIBE, r, None,
                     "wamp.error.no_such_subscription")
        d.publish("com.t32", 1)
        c.expect(EVENT, a)


def T36_publish_without_acknowledge_is_never_answered():
    with client() as c:
        for uri in ("", "a..b", "wamp.nope", "a b", "x" * 5000):
            c.send(PUBLISH, c.next(), {}, uri)
        c.expect_nothing(0.2)
        c.publish("com.t36")


def T37_acknowledged_without_subscriber():
    with client() as c, client() as d, client() as e:
        p = d.publish("com.t37")
        assert 1 <= p <= 2 ** 53
        c.subscribe("com.t37")
        e.subscribe("com.t37")
        p = d.publish("com.t37", 1)
        assert c.expect(EVENT)[2] == p and e.expect(EVENT)[2] == p
        ids = {d.publish("com.t37") for _ in range(50)}
        assert len(ids) == 50 and max(ids) > 2 ** 44


def T38_exclude_me():
    with client() as c:
        s = c.subscribe("com.t38")
        c.publish("com.t38", 1)
        c.expect_nothing(0.1)
        r = c.next()
        c.send(PUBLISH, r, {"exclude_me": False, "acknowledge": True},
               "com.t38", [2])
        got = sorted([c.recv()[0], c.recv()[0]])
        assert got == [PUBLISHED, EVENT], got
        assert s


def T43_reserved_uris():
    with client() as c:
        r = c.next()
        c.send(PUBLISH, r, {"acknowledge": True}, "wamp.session.on_join")
        c.expect(ERROR, PUBLISH, r, None, "wamp.error.invalid_uri")
        r = c.next()
        c.send(REGISTER, r, {}, "wamp.session.kill")
        c.expect(ERROR, REGISTER, r, None, "wamp.error.invalid_uri")


def T47_no_such_procedure():
    with client() as c:
        r = c.call("com.t47")
        m = c.expect(ERROR, CALL, r, None, "wamp.error.no_such_procedure")
        assert isinstance(m[5][0], str), "an English text is missing"


def T48_registering_twice():
    with client() as c, client() as d:
        reg = c.register("com.t48")
        for who in (c, d):
            r = who.next()
            who.send(REGISTER, r, {}, "com.t48")
            who.expect(ERROR, REGISTER, r, None,
                       "wamp.error.procedure_already_exists")
        c.send(UNREGISTER, c.next(), reg)
        c.expect(UNREGISTERED)
        d.register("com.t48")


def T51_unregister_with_an_invocation_in_flight():
    with client() as c, client() as d:
        reg = c.register("com.t51")
        r = d.call("com.t51", 1)
        c.expect(INVOCATION, 1, reg)
        c.send(UNREGISTER, c.next(), reg)
        c.expect(UNREGISTERED)
        r2 = d.call("com.t51")
        d.expect(ERROR, CALL, r2, None, "wamp.error.no_such_procedure")
        c.send(YIELD, 1, {}, ["done"])
        assert d.expect(RESULT, r)[3] == ["done"]


def T52_unregistering_a_foreign_registration():
    with client() as c, client() as thief, client() as d:
        reg = c.register("com.t52")
        for i in (reg, reg + 12345):
            r = thief.next()
            thief.send(UNREGISTER, r, i)
            thief.expect(ERROR, UNREGISTER, r, None,
                         "wamp.error.no_such_registration")
        d.call("com.t52")
        c.expect(INVOCATION, 1, reg)


def T55_yield_of_unknown_invocations():
    with client() as c:
        c.send(YIELD, 1, {})
        c.expect_abort(PV)
    with client() as c, client() as d, client() as thief:
        c.register("com.t55")
        r = d.call("com.t55")
        c.expect(INVOCATION, 1)
        thief.send(YIELD, 1, {}, ["forged"])
        thief.expect_abort(PV)
        c.send(YIELD, 1, {}, [1])
        assert d.expect(RESULT, r)[3] == [1]
        c.send(YIELD, 1, {}, [1])         # once issued: swallowed
        c.send(ERROR, INVOCATION, 1, {}, "com.error")
        d.expect_nothing(0.1)
        r = d.call("com.t55")
        c.expect(INVOCATION, 2)
        d.close()                         # the caller leaves
        time.sleep(0.1)
        c.send(YIELD, 2, {}, [2])
        c.publish("com.t55.alive")


def T56_callee_leaves():
    with client() as d:
        for how in ("close", "goodbye", "abort"):
            with client() as c:
                c.register("com.t56")
                r = d.call("com.t56")
                c.expect(INVOCATION, 1)
                if how == "goodbye":
                    c.goodbye()
                elif how == "abort":
                    c.send(ABORT, {}, "com.abort")
                else:
                    c.close()
                d.expect(ERROR, CALL, r, None, "wamp.error.canceled")


def T58_error_of_a_callee():
    with client() as c, client() as d:
        c.register("com.t58")
        for i, tail in enumerate(([], [[1, "x"]], [[], {"k": 1}])):
            r = d.call("com.t58")
            c.expect(INVOCATION, i + 1)
            c.send(ERROR, INVOCATION, i + 1, {"_z": 1}, "com.my.error", *tail)
            m = d.expect(ERROR, CALL, r, {}, "com.my.error")
            assert m[5:] == tail, m


def T59_callee_calls_itself():
    with client() as c:
        c.register("com.t59")
        r = c.call("com.t59", 5)
        m = c.expect(INVOCATION, 1)
        c.send(YIELD, 1, {}, m[4])
        assert c.expect(RESULT, r)[3] == [5]


def T92_welcome_names_who_one_is():
    names = set()
    for _ in range(3):
        with client(details={"authid": "root"}) as c:
            w = c.welcome
            assert w["authrole"] == "all", w
            assert w["authmethod"] == "anonymous", w
            assert w["authprovider"] == "static", w
            assert w["authid"] != "root" and len(w["authid"]) > 8, w
            names.add(w["authid"])
    assert len(names) == 3


def T84_no_matching_method():
    for methods in (["ticket"], ["nonsense"], ["wampcra", "scram"]):
        with client(join=False) as c:
            c.send(HELLO, "realm1", dict(ROLES, authmethods=methods))
            c.expect_abort("wamp.error.no_matching_auth_method")


def T85_unknown_methods_are_skipped():
    for methods in (["nonsense", "anonymous"], ["ticket", "anonymous"], []):
        with client(details={"authmethods": methods}) as c:
            assert c.welcome["authmethod"] == "anonymous"


def T91_authenticate_without_challenge():
    with client() as c:
        c.send(AUTHENTICATE, "x", {})
        c.expect_abort(PV)


def T95_message_over_the_limit():
    with client() as c, client() as w:
        sub = w.subscribe("com.t95")
        c.send(PUBLISH, c.next(), {}, "com.t95", ["x" * 60000])
        assert len(w.expect(EVENT, sub)[4][0]) == 60000
        c.send(PUBLISH, c.next(), {}, "com.t95", ["x" * 70000])
        try:
            m = c.recv()
            assert m[0] == ABORT and \
                m[2] == "wamp.error.payload_size_exceeded", m
            c.expect_closed()
        except Closed:
            assert variant[0] == "websocket" and c.closecode == 1009
        w.expect_nothing(0.1)


def T95_message_over_the_clients_limit():
    if variant[0] != "rawsocket":
        return
    with client(maxlen_exp=3) as c, client() as d:     # 4096 octets
        c.subscribe("com.t95b")
        d.publish("com.t95b", "x" * 5000)
        c.expect_nothing(0.1)
        d.publish("com.t95b", "small")
        assert c.expect(EVENT)[4] == ["small"]
        d.register("com.t95b.proc")
        r = c.call("com.t95b.proc")
        d.expect(INVOCATION, 1)
        d.send(YIELD, 1, {}, ["x" * 5000])
        c.expect(ERROR, CALL, r, None, "wamp.error.payload_size_exceeded")
        c.register("com.t95b.small")
        r = d.call("com.t95b.small", "x" * 5000)
        d.expect(ERROR, CALL, r, None, "wamp.error.payload_size_exceeded")


def T95_progressive_result_over_the_clients_limit():
    if variant[0] != "rawsocket":
        return
    features = {"features": {"call_canceling": True,
                             "progressive_call_results": True}}
    details = {"roles": {r: features for r in ROLES["roles"]}}
    with client(maxlen_exp=3) as c, client(details=details) as d:
        d.register("com.t95c")
        # more of them than a proxy would remember
        for n in range(1, 101):
            r = c.next()
            c.send(CALL, r, {"receive_progress": True}, "com.t95c")
            d.expect(INVOCATION, n)
            d.send(YIELD, n, {"progress": True}, [n])
            assert c.expect(RESULT, r)[2:] == [{"progress": True}, [n]]
            # what is on its way reaches nobody
            for _ in range(3):
                d.send(YIELD, n, {"progress": True}, ["x" * 5000])
            c.expect(ERROR, CALL, r, None,
                     "wamp.error.payload_size_exceeded")
            assert d.expect(INTERRUPT, n)[2]["mode"] == "killnowait"
            d.send(YIELD, n, {}, ["end"])
        c.expect_nothing(0.1)


def uris_loose():
    with client() as c:
        for good in ("a", "com.Example", "com.\u00e4.x", "0", "a-b.c_d",
                     "x" * 4096):
            c.subscribe(good)
        for bad in ("", ".", "a.", ".a", "a..b", "a b", "a#b", "a\tb",
                    "x" * 4097, "a\nb"):
            r = c.next()
            c.send(SUBSCRIBE, r, {}, bad)
            c.expect(ERROR, SUBSCRIBE, r, None, "wamp.error.invalid_uri")


def uris_strict():
    with client(realm="com.example.strict") as c:
        for good in ("a", "com.example_1.x9"):
            c.subscribe(good)
        for bad in ("com.Example", "a-b", "com.\u00e4"):
            r = c.next()
            c.send(SUBSCRIBE, r, {}, bad)
            c.expect(ERROR, SUBSCRIBE, r, None, "wamp.error.invalid_uri")


def unsupported_policies():
    with client() as c:
        for code, o in ((SUBSCRIBE, {"match": "nonsense"}),
                        (REGISTER, {"match": "nonsense"}),
                        (REGISTER, {"invoke": "nonsense"})):
            r = c.next()
            c.send(code, r, o, "com.policy")
            c.expect(ERROR, code, r, None, "wamp.error.invalid_argument")
        c.subscribe("com.policy", {"match": "exact"})
        c.register("com.policy", {"match": "exact", "invoke": "single"})


def main():
    global sock, variant, daemon
    d = tmpdir()
    sock = os.path.join(d, "s")
    cases = [f for n, f in sorted(globals().items())
             if callable(f) and (n[0] == "T" and n[1:2].isdigit() or
                                 n.startswith(("uris_", "unsupported_")))]
    only = sys.argv[1:]
    with Wampd(CONF, macros={"sock": sock}) as daemon:
        for variant in itertools.product(("rawsocket", "websocket"),
                                         ("json", "msgpack", "cbor")):
            for f in cases:
                if not only or f.__name__ in only:
                    run_case(f, "%s %s " % variant)
    done()


if __name__ == "__main__":
    main()
