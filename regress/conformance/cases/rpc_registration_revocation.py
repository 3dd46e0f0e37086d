# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Registration Revocation.

from conformance import *

REVOKE = "registration_revocation"
REMOVE = "wamp.registration.remove_callee"


def is_announced():
    assert features("dealer")[REVOKE] is True


def revoked_by_an_administrator():
    c, d = client(callee=REVOKE), client()
    g = c.register(uri())
    result(d, REMOVE, [g, c.id], {"reason": "moving endpoint"})
    assert c.recv() == [UNREGISTERED, 0, {
        "registration": g, "reason": "moving endpoint"}]
    d.refused(CALL, {}, uri(), NO_SUCH_PROCEDURE)
    c.refused(UNREGISTER, g, NO_SUCH_REGISTRATION)
    d.register(uri())


def names_the_registration():
    c, d = client(callee=REVOKE), client()
    a, b = c.register(uri("a")), c.register(uri("b"))
    result(d, REMOVE, [b, c.id])
    m = c.recv()
    assert m[:2] == [UNREGISTERED, 0] and m[2]["registration"] == b, m
    invoke(d, c, uri("a"))
    d.refused(CALL, {}, uri("b"), NO_SUCH_PROCEDURE)


def callees_that_did_not_announce():
    c, d = client(), client()
    g = c.register(uri())
    result(d, REMOVE, [g, c.id])
    quiet(c)
    d.refused(CALL, {}, uri(), NO_SUCH_PROCEDURE)


def on_unregister_tells():
    realm = fresh()
    c, w = client(realm), client(realm)
    g = c.register(uri())
    s = w.subscribe("wamp.registration.on_unregister")
    result(w, REMOVE, [g, c.id])
    assert event(w, s) == [c.id, g]


def taken_over():
    c, d = client(callee=REVOKE), client()
    g = c.register(uri())
    d.register(uri(), {"force_reregister": True})
    m = c.expect(UNREGISTERED, 0)
    assert m[2]["registration"] == g and type(m[2]["reason"]) is str, m
    invoke(c, d, uri())
