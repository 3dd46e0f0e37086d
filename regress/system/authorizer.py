# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# "authorize dynamic" through the whole daemon: authorizers that speak each
# serializer, what clients are told, and that nobody else waits.

import os
import threading

from daemon import Wampd, run_cases, run_wampd, tmpdir, wait_until
from wampclient import *

NOT_AUTHORIZED = "wamp.error.not_authorized"
FAILED = "wamp.error.authorization_failed"
P = "com.example.authorize"

CONF = """prefork 2
listen on socket $sock mode 0666
realm "realm1" {
	authenticate socket { any authid "joe" role "asked" }
	authenticate anonymous role "guard"
	role "asked" {
		allow call, publish
		deny publish prefix "com.example.secret."
		allow subscribe prefix "com.example.free."
		authorize dynamic "com.example.authorize" CACHE timeout 30s
	}
	role "guard" {
		allow any
		allow register exact "com.example.authorize"
	}
	role "stranger" { allow any }
}
"""


def conf(cache=""):
    return CONF.replace("CACHE", cache)


def guard(sock, **kw):
    c = Client(sock, details={"authmethods": ["anonymous"]}, **kw)
    c.register(P)
    return c


def asked(a):
    m = a.expect(INVOCATION)
    return m[1], m[4]


def ask(c, action, uri):
    r = c.next()
    if action == "publish":
        c.send(PUBLISH, r, {"acknowledge": True}, uri)
    elif action == "call":
        c.send(CALL, r, {}, uri)
    else:
        c.send(SUBSCRIBE if action == "subscribe" else REGISTER, r, {}, uri)
    return r


CODES = {"publish": (PUBLISH, PUBLISHED), "subscribe":
         (SUBSCRIBE, SUBSCRIBED), "register": (REGISTER, REGISTERED)}


def each_serializer():
    """authorizers of each transport and serializer: asked, yes, no, error"""
    sock = os.path.join(tmpdir(), "s")
    with Wampd(conf(), macros={"sock": sock}) as w:
        for transport in ("rawsocket", "websocket"):
            for ser in ("json", "msgpack", "cbor"):
                a = guard(sock, transport=transport, serializer=ser)
                c = Client(sock, serializer="json")
                for action in CODES:
                    uri = "com.example.%s.%s" % (ser, action)
                    r = ask(c, action, uri)
                    i, args = asked(a)
                    details, u, what, options = args
                    assert (u, what) == (uri, action), args
                    assert details == {
                        "session": c.id, "realm": "realm1", "authid": "joe",
                        "authrole": "asked", "authmethod": "socket",
                        "authprovider": "static"}, details
                    assert options == ({} if action == "publish" else
                                       {"match": "exact"}), options
                    a.send(YIELD, i, {}, [True])
                    c.expect(CODES[action][1], r)
                for answer in ([False], [{"allow": False}],
                               [{"allow": False, "disclose": True}]):
                    r = ask(c, "call", "com.example.x")
                    a.send(YIELD, asked(a)[0], {}, answer)
                    c.expect(ERROR, CALL, r, None, NOT_AUTHORIZED)
                r = ask(c, "call", "com.example.x")
                a.send(YIELD, asked(a)[0], {}, [{"allow": True, "x": [1.5]}])
                c.expect(ERROR, CALL, r, None,
                         "wamp.error.no_such_procedure")
                for answer in ([], [None], [1], ["yes"], [{}],
                               [{"allow": None}], [[True]]):
                    r = ask(c, "call", "com.example.x")
                    a.send(YIELD, asked(a)[0], {}, answer)
                    c.expect(ERROR, CALL, r, None, FAILED)
                r = ask(c, "call", "com.example.x")
                a.send(ERROR, INVOCATION, asked(a)[0], {}, "com.example.e",
                       ["why"])
                c.expect(ERROR, CALL, r, None, FAILED)
                r = ask(c, "call", "com.example.x")
                asked(a)
                a.goodbye()
                c.expect(ERROR, CALL, r, None, FAILED)
                r = ask(c, "call", "com.example.x")
                c.expect(ERROR, CALL, r, None, FAILED)
                c.goodbye()
        w.wait_log("authorizer %s: the answer has not the right shape" % P)
        w.wait_log("authorizer %s: its callee failed" % P)
        w.wait_log("authorizer %s: it is not registered" % P)


def rules_and_trust():
    """rules decide before the authorizer; wampd -n -t says the same"""
    sock = os.path.join(tmpdir(), "s")
    with Wampd(conf(), macros={"sock": sock}):
        c = Client(sock)
        c.subscribe("com.example.free.x")
        r = ask(c, "publish", "com.example.secret.x")
        c.expect(ERROR, PUBLISH, r, None, NOT_AUTHORIZED)
        r = ask(c, "register", P)
        c.expect(ERROR, REGISTER, r, None, NOT_AUTHORIZED)
        c.close()
    for q, want in (
            ("asked subscribe com.example.free.x", "allowed by"),
            ("asked publish com.example.secret.x", "denied by"),
            ("asked publish com.example.x", 'asked of "%s" by' % P),
            ("asked register com.example.x", 'asked of "%s" by' % P),
            ("asked register " + P, "denied, no rule allows exactly"),
            ("stranger register " + P, "denied, no rule allows exactly"),
            ("guard register " + P, "allowed by")):
        q = "realm1 " + q
        rc, out, err = run_wampd(["-n", "-D", "sock=" + os.path.join(
            tmpdir(), "s"), "-t", q], conf())
        assert out.startswith("%s: %s" % (q, want)), (out, err)
        assert rc == (3 if want.startswith("denied") else 0), (q, rc)


def order():
    """a session that waits keeps its order; others go on"""
    sock = os.path.join(tmpdir(), "s")
    with Wampd(conf(), macros={"sock": sock}):
        a = guard(sock, serializer="cbor")
        a.subscribe("com.example.t")
        c, d = Client(sock, serializer="json"), Client(sock)
        n = 500

        def hurry():    # it is not read on while much of it waits
            for i in range(n):
                c.send(PUBLISH, c.next(), {}, "com.example.t", [i])
            c.send(GOODBYE, {}, "wamp.close.normal")
        t = threading.Thread(target=hurry, daemon=True)
        t.start()
        seen, waits = [], []
        while len(seen) < n + 1:
            m = a.recv()
            if m[0] == EVENT:
                seen.append(m[4][0])
            elif m[4][0]["session"] == c.id and "d" not in seen:
                waits.append(m[1])      # until d went ahead
                d.send(PUBLISH, d.next(), {}, "com.example.t", ["d"])
            else:
                a.send(YIELD, m[1], {}, [True])
            if "d" in seen and waits:
                a.send(YIELD, waits.pop(), {}, [True])
        t.join(10)
        assert not waits and seen == ["d"] + list(range(n)), seen
        c.expect(GOODBYE)
        for s in (a, c, d):
            s.close()


def cached():
    """with "cache" an answer is good for other messages like it"""
    sock = os.path.join(tmpdir(), "s")
    with Wampd(conf("cache 10m"), macros={"sock": sock}) as w:
        a, c = guard(sock), Client(sock)
        r = ask(c, "publish", "com.example.t")
        a.send(YIELD, asked(a)[0], {}, [True])
        c.expect(PUBLISHED, r)
        for i in range(100):
            c.publish("com.example.t")
        a.expect_nothing(0)
        assert w.reload(conf())
        r = ask(c, "publish", "com.example.t")
        a.send(YIELD, asked(a)[0], {}, [False])
        c.expect(ERROR, PUBLISH, r, None, NOT_AUTHORIZED)
        a.close()
        c.close()


if __name__ == "__main__":
    run_cases([each_serializer, rules_and_trust, order, cached])
