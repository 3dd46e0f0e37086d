# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Subscription Revocation.

from conformance import *

REVOKE = "subscription_revocation"
REMOVE = "wamp.subscription.remove_subscriber"


def is_announced():
    assert features("broker")[REVOKE] is True


def revoked_by_an_administrator():
    c, d = client(subscriber=REVOKE), client()
    s = c.subscribe(uri())
    result(d, REMOVE, [s, c.id], {"reason": "no longer authorized"})
    assert c.recv() == [UNSUBSCRIBED, 0, {
        "subscription": s, "reason": "no longer authorized"}]
    d.publish(uri())
    quiet(c)
    c.refused(UNSUBSCRIBE, s, NO_SUCH_SUBSCRIPTION)
    c.subscribe(uri())


def names_the_subscription():
    c, d = client(subscriber=REVOKE), client()
    a, b = c.subscribe(uri("a")), c.subscribe(uri("b"))
    result(d, REMOVE, [b, c.id])
    m = c.recv()
    assert m[:2] == [UNSUBSCRIBED, 0] and m[2]["subscription"] == b, m
    d.publish(uri("b"))
    d.publish(uri("a"))
    c.expect(EVENT, a)


def of_one_subscriber():
    c, other, d = client(subscriber=REVOKE), client(subscriber=REVOKE), \
        client()
    s = c.subscribe(uri())
    other.subscribe(uri())
    result(d, REMOVE, [s, c.id])
    c.expect(UNSUBSCRIBED, 0)
    d.publish(uri())
    other.expect(EVENT, s)


def subscribers_that_did_not_announce():
    c, d = client(), client()
    s = c.subscribe(uri())
    result(d, REMOVE, [s, c.id])
    quiet(c)
    d.publish(uri())
    quiet(c)


def on_unsubscribe_tells():
    realm = fresh()
    c, w = client(realm), client(realm)
    s = c.subscribe(uri())
    t = w.subscribe("wamp.subscription.on_unsubscribe")
    result(w, REMOVE, [s, c.id])
    assert event(w, t) == [c.id, s]
