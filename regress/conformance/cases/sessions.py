# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Basic Profile, Sessions.

from conformance import *
from building_blocks import spread, violates


def hello_comes_first():
    for m in ([SUBSCRIBE, 1, {}, "a"], [PUBLISH, 1, {}, "a"],
              [CALL, 1, {}, "a"], [REGISTER, 1, {}, "a"],
              [AUTHENTICATE, "x", {}], [YIELD, 1, {}], [CANCEL, 1, {}]):
        violates(m, False)


def hello_is_answered_by_welcome_or_abort():
    c = client(join=False)
    c.send(HELLO, REALM, ROLES)
    c.expect(WELCOME)
    c = client(join=False)
    c.send(HELLO, "com.example.nowhere", ROLES)
    c.expect(ABORT)
    c.expect_closed()


def the_session_begins_with_welcome_and_ends_with_the_transport():
    c, d = client(), client()
    c.register(uri())
    d.register(uri("gone"))
    r, m = invoke(d, c, uri())
    c.close()
    d.expect(ERROR, CALL, r, {}, CANCELED)
    d.register(uri())


def the_session_ends_with_goodbye():
    c, d = client(), client()
    s = c.subscribe(uri())
    c.register(uri())
    c.goodbye()
    d.register(uri())
    assert d.subscribe(uri()) != s
    # the connection is there, the session is not
    c.join(REALM)
    d.publish(uri(), 1)
    quiet(c)


def second_hello():
    c, d = client(), client()
    c.register(uri())
    c.send(HELLO, REALM, ROLES)
    c.expect_abort(PV)
    d.register(uri())


def hello_without_a_role():
    for details in ({}, {"roles": {}}):
        violates([HELLO, REALM, details], False)
    for bad in ([], "caller", None):
        violates([HELLO, REALM, {"roles": bad}], False)


def any_combination_of_roles():
    for some in (("publisher",), ("subscriber",), ("caller",), ("callee",),
                 ("caller", "subscriber")):
        c = client(join=False)
        c.send(HELLO, REALM, {"roles": {r: {} for r in some}})
        c.expect(WELCOME)


def unknown_roles_are_ignored():
    c = client(join=False)
    c.send(HELLO, REALM, {"roles": {"caller": {}, "watcher": {}}})
    c.expect(WELCOME)


def agent_of_the_router():
    assert client().welcome["agent"] == "wampd"
    c = client(details={"agent": "Test/1.0 (\u00e4)"})
    assert c.welcome["agent"] == "wampd"


def session_id_is_random():
    ids = [client().id for _ in range(50)]
    spread(ids)


def welcome_is_the_first_message():
    w = client()
    c = client(join=False)
    # behind it in the same write: the answer may not come before
    c.send(HELLO, REALM, ROLES)
    m = c.recv()
    assert m[0] == WELCOME and len(m) == 3, m
    w.settle()


def unknown_realm():
    c = client(join=False)
    c.send(HELLO, "com.example.nowhere", ROLES)
    c.expect_abort("wamp.error.no_such_realm")


def roles_of_the_router():
    w = client().welcome["roles"]
    assert set(w) == {"broker", "dealer"}, w


BROKER = {"event_history", "event_retention", "pattern_based_subscription",
          "publication_trustlevels", "publisher_exclusion",
          "publisher_identification", "session_meta_api",
          "subscriber_blackwhite_listing", "subscription_meta_api",
          "subscription_revocation", "payload_passthru_mode"}
DEALER = {"call_canceling", "call_reroute", "call_timeout",
          "call_trustlevels", "caller_identification",
          "pattern_based_registration", "payload_passthru_mode",
          "progressive_call_invocations", "progressive_call_results",
          "registration_meta_api", "registration_revocation",
          "session_meta_api", "shared_registration", "testament_meta_api"}


def features_of_the_router():
    w = client().welcome["roles"]
    for role, known in (("broker", BROKER), ("dealer", DEALER)):
        assert set(w[role]) == {"features"}, w
        f = w[role]["features"]
        assert set(f) <= known, set(f) - known
        assert all(v is True for v in f.values()), f


def abort_of_the_router():
    c = client(join=False)
    c.send(HELLO, "com.example.nowhere", ROLES)
    m = c.recv()
    assert m[0] == ABORT and len(m) == 3, m
    assert type(m[1]) is dict and type(m[1]["message"]) is str, m
    assert m[2] == "wamp.error.no_such_realm", m


def abort_is_not_answered():
    c = client()
    c.send(ABORT, {}, "com.example.enough")
    c.expect_closed()


def goodbye_of_the_router():
    c = client()
    c.send(GOODBYE, {"message": "bye"}, "wamp.close.close_realm")
    m = c.recv()
    assert m == [GOODBYE, {}, "wamp.close.goodbye_and_out"], m


def goodbye_of_a_wrong_form():
    for m in ([GOODBYE, [], "wamp.close.normal"], [GOODBYE, {}, 7],
              [GOODBYE, None, "wamp.close.normal"]):
        violates(m)


def goodbye_is_answered_once():
    w, c = client(), client()
    c.subscribe(uri())
    c.batch([[GOODBYE, {}, "wamp.close.normal"],
             [HELLO, REALM, ROLES]])
    c.expect(GOODBYE, {}, "wamp.close.goodbye_and_out")
    c.ended = False
    c.expect(WELCOME)
    w.publish(uri())
    c.reset()
    c.request = 0
    quiet(c)


def hello_with_roles_of_a_wrong_type():
    for bad in ({"caller": 1}, {"caller": []}, {"callee": "x"}):
        violates([HELLO, REALM, {"roles": bad}], False)
