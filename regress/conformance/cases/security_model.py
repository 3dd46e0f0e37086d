# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Basic Profile, Security Model.

import ssl

from conformance import *


def events_in_order_across_topics():
    c, d = client(), client()
    for t in "abc":
        c.subscribe(uri(t))
    d.batch([PUBLISH, d.next(), {}, uri("abc"[i % 3]), [i]]
            for i in range(200))
    for i in range(200):
        assert c.expect(EVENT)[4] == [i]


def subscribed_before_events():
    d = client()
    for i in range(10):
        c = client()
        c.send(SUBSCRIBE, 1, {}, uri())
        d.batch([PUBLISH, d.next(), {}, uri(), [i]] for _ in range(5))
        c.expect(SUBSCRIBED)


def invocations_in_order_across_procedures():
    c, d = client(), client()
    for p in "abc":
        c.register(uri(p))
    d.batch([CALL, d.next(), {}, uri("abc"[i % 3]), [i]] for i in range(200))
    for i in range(200):
        assert c.expect(INVOCATION)[4] == [i]


def registered_before_invocations():
    # who answers first does not matter; an INVOCATION that comes first is
    # Strict's to find
    for i in range(10):
        c, d = client(), client()
        c.send(REGISTER, 1, {}, uri(str(i)))
        d.batch([CALL, d.next(), {}, uri(str(i))] for _ in range(5))
        c.expect(REGISTERED)


def answers_in_any_order():
    c, d = client(), client()
    c.register(uri())
    calls = [invoke(d, c, uri()) for _ in range(3)]
    for i in (1, 2, 0):
        c.send(YIELD, calls[i][1][1], {}, [i])
        assert d.expect(RESULT, calls[i][0])[3] == [i]


def routing_is_performed():
    # to all, and unchanged
    subs = [client() for _ in range(3)]
    for c in subs:
        c.subscribe(uri())
    client().publish(uri(), "x", k=[1])
    for c in subs:
        assert c.expect(EVENT)[4:] == [["x"], {"k": [1]}]


def tls_is_offered():
    ctx = ssl.create_default_context(cafile=daemon.crt)
    c = client(where=("127.0.0.1", daemon.port), tls=ctx)
    c.publish(uri())
