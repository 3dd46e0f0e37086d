# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, URIs: when each of them comes.

from conformance import *


def killed():
    realm = fresh()
    c, w = client(realm), client(realm)
    result(w, "wamp.session.kill", [c.id])
    c.expect(GOODBYE, None, "wamp.close.killed")


def no_matching_auth_method():
    for methods in (["ticket"], ["nonsense"]):
        c = client(join=False)
        c.send(HELLO, REALM, dict(ROLES, authmethods=methods))
        c.expect_abort("wamp.error.no_matching_auth_method")


def no_such_realm():
    c = client(join=False)
    c.send(HELLO, "com.example.nowhere", dict(
        ROLES, authid="ann", authmethods=["wampcra"]))
    c.expect_abort("wamp.error.no_such_realm")


def _denied(authid):
    c = client(join=False)
    c.send(HELLO, REALM, dict(ROLES, authid=authid, authmethods=["wampcra"]))
    c.expect(CHALLENGE, "wampcra")
    c.send(AUTHENTICATE, "bm8=", {})
    c.expect_abort("wamp.error.authentication_denied")


def no_such_principal():
    _denied("nobody")


def authentication_denied():
    _denied("ann")


def not_authorized():
    client(RULES).refused(CALL, {}, "com.closed", NOT_AUTHORIZED)


def authorization_failed():
    client(FAILING).refused(CALL, {}, uri(),
                            "wamp.error.authorization_failed")


def timeout():
    c, d = client(), client()
    c.register(uri())
    r, m = invoke(d, c, uri(), {"timeout": 5})
    d.expect(ERROR, CALL, r, {}, "wamp.error.timeout")


def option_disallowed():
    c = client(SECRET)
    c.register(uri())
    o = {"disclose_me": True}
    c.refused(CALL, o, uri(), DISALLOWED)
    c.refused(PUBLISH, dict(ACK, **o), uri(), DISALLOWED)


def no_available_callee():
    c, d = client(callee="call_reroute"), client()
    c.register(uri())
    r, m = invoke(d, c, uri())
    c.send(ERROR, INVOCATION, m[1], {}, "wamp.error.unavailable")
    d.expect(ERROR, CALL, r, {}, "wamp.error.no_available_callee")


def feature_not_supported():
    c, d = client(), client(caller="payload_passthru_mode")
    c.register(uri())
    d.refused(CALL, {"ppt_scheme": "mqtt"}, uri(), [""],
              "wamp.error.feature_not_supported")
