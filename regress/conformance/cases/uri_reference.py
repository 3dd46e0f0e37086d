# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Basic Profile, URIs: when each of them comes.

from conformance import *

# those of both profiles
DEFINED = {
    "wamp.error." + e for e in (
        "invalid_uri", "no_such_procedure", "procedure_already_exists",
        "no_such_registration", "no_such_subscription", "invalid_argument",
        "canceled", "payload_size_exceeded", "protocol_violation",
        "not_authorized", "authorization_failed", "no_such_realm",
        "no_such_role", "no_matching_auth_method", "no_such_principal",
        "authentication_denied", "authentication_failed",
        "authentication_required", "authorization_denied",
        "authorization_required", "timeout", "option_not_allowed",
        "option_disallowed.disclose_me", "network_failure", "unavailable",
        "no_available_callee", "feature_not_supported", "no_such_session")
} | {"wamp.close." + e for e in ("system_shutdown", "close_realm",
                                 "goodbye_and_out", "killed")}


def only_defined_uris():
    # the list puts it last: of all that came until then
    client().refused(CALL, {}, uri(), NO_SUCH_PROCEDURE)
    ours = {u for u in seen if u.startswith("wamp.")}
    assert ours and ours <= DEFINED, ours - DEFINED


def incorrect_uris_in_requests():
    c = client()
    for bad in ("", "a..b", "a b", "a#"):
        c.refused(SUBSCRIBE, {}, bad, INVALID_URI)
        c.refused(REGISTER, {}, bad, INVALID_URI)
        c.refused(PUBLISH, ACK, bad, INVALID_URI)
        c.refused(CALL, {}, bad, INVALID_URI)


def incorrect_uri_of_a_realm():
    for bad in ("", "a..b", "a b", "a#"):
        c = client(join=False)
        c.send(HELLO, bad, ROLES)
        c.expect_abort(INVALID_URI)


def incorrect_uri_of_an_error():
    c, d = client(), client()
    c.register(uri())
    for bad in ("", "a..b", "a b"):
        r, m = invoke(d, c, uri())
        c.send(ERROR, INVOCATION, m[1], {}, bad)
        d.expect(ERROR, CALL, r, {}, INVALID_URI)


def no_such_procedure():
    c, d = client(), client()
    d.refused(CALL, {}, uri(), NO_SUCH_PROCEDURE)
    g = c.register(uri())
    c.send(UNREGISTER, c.next(), g)
    c.expect(UNREGISTERED)
    d.refused(CALL, {}, uri(), NO_SUCH_PROCEDURE)


def procedure_already_exists():
    c, d = client(), client()
    c.register(uri())
    d.refused(REGISTER, {}, uri(), ALREADY_EXISTS)


def no_such_registration():
    c = client()
    g = c.register(uri())
    c.send(UNREGISTER, c.next(), g)
    c.expect(UNREGISTERED)
    c.refused(UNREGISTER, g, NO_SUCH_REGISTRATION)


def no_such_subscription():
    c = client()
    s = c.subscribe(uri())
    c.unsubscribe(s)
    c.refused(UNSUBSCRIBE, s, NO_SUCH_SUBSCRIPTION)


def invalid_argument():
    # a callee's, and the router's own: no payload for this receiver
    c, d = client(serializer="json"), client(serializer="msgpack",
                                             own_errors=False)
    c.register(uri())
    r, m = invoke(d, c, uri())
    c.send(ERROR, INVOCATION, m[1], {}, INVALID_ARGUMENT, ["too big"])
    assert d.expect(ERROR, CALL, r, {}, INVALID_ARGUMENT)[5] == ["too big"]
    ext = msgpack.ExtType(5, b"abc")
    d.refused(CALL, {}, uri(), [ext], INVALID_ARGUMENT)


def canceled():
    c, d = client(), client()
    c.register(uri())
    r, m = invoke(d, c, uri())
    c.close()
    d.expect(ERROR, CALL, r, {}, CANCELED)


@only("rawsocket")
def payload_size_exceeded():
    c, d = client(maxlen_exp=3), client()       # 4096 octets
    c.register(uri("c"))
    d.register(uri("d"))
    d.refused(CALL, {}, uri("c"), ["x" * 5000],
              "wamp.error.payload_size_exceeded")
    r, m = invoke(c, d, uri("d"))
    d.send(YIELD, m[1], {}, ["x" * 5000])
    c.expect(ERROR, CALL, r, {}, "wamp.error.payload_size_exceeded")


def goodbye_and_out():
    for reason in ("wamp.close.close_realm", "wamp.close.system_shutdown",
                   "wamp.close.normal", "com.example.bye"):
        c = client()
        c.send(GOODBYE, {}, reason)
        c.expect(GOODBYE, {}, "wamp.close.goodbye_and_out")


def protocol_violation():
    c = client()
    c.send(HELLO, REALM, ROLES)
    m = c.expect(ABORT, None, PV)
    assert m[1]["message"], m


def not_authorized():
    c = client(RULES)
    for code, o in ((CALL, {}), (REGISTER, {}), (SUBSCRIBE, {}),
                    (PUBLISH, ACK)):
        c.refused(code, o, "com.closed", NOT_AUTHORIZED)


def authorization_failed():
    c = client(FAILING)
    for code, o in ((CALL, {}), (REGISTER, {}), (SUBSCRIBE, {}),
                    (PUBLISH, ACK)):
        c.refused(code, o, uri(), "wamp.error.authorization_failed")


def no_such_realm():
    c = client(join=False)
    c.send(HELLO, "com.example.nowhere", ROLES)
    c.expect_abort("wamp.error.no_such_realm")
