# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The Basic Profile, chapter by chapter, as a client sees it; each case names
# its chapter.  What is decided by one sentence of our notes alone stands in
# sentences.py.  Every message that comes is checked by wampcheck.Strict, too.

import functools
import itertools
import os
import random
import re
import sys
import threading
import time
import traceback

from daemon import Wampd, done, free_port, run_case, tmpdir
from wampcheck import Strict
from wampclient import *

SERS = ("json", "msgpack", "cbor")
WAYS = tuple(itertools.product(("rawsocket", "websocket"), SERS))
PV = "wamp.error.protocol_violation"
INVALID_URI = "wamp.error.invalid_uri"
NOT_AUTHORIZED = "wamp.error.not_authorized"
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
ACK = {"acknowledge": True}

sock = port = daemon = None
way = WAYS[1]
seen = set()                    # every error and close URI that came


def client(realm="realm1", **kw):
    where = kw.pop("where", None) or sock
    c = Strict(where, transport=kw.pop("transport", way[0]),
               serializer=kw.pop("serializer", way[1]), realm=realm, **kw)
    c.errors = seen
    return c


def tcp(realm="realm1", **kw):
    """Another tlsproxy than that of the Unix socket: one of two."""
    return client(realm, where=("127.0.0.1", port), **kw)


# -- the specification's rules, once more -------------------------------------

LOOSE = re.compile(r"([^\s\.#]+\.)*([^\s\.#]+)\Z")
STRICT = re.compile(r"([0-9a-z_]+\.)*([0-9a-z_]+)\Z")


class Rules:
    """A model of a role: a list of (allow, actions, match, uri)."""

    ACTIONS = ("publish", "subscribe", "call", "register")
    COMPONENTS = ("a", "b", "ab", "a_1")

    def __init__(self, rnd):
        self.rules = [self.rule(rnd) for _ in range(rnd.randrange(1, 14))]

    def rule(self, rnd):
        parts = [rnd.choice(self.COMPONENTS)
                 for _ in range(rnd.randrange(1, 4))]
        match = rnd.choice(("exact", "prefix", "wildcard", "all"))
        if match == "wildcard":
            parts = [p if rnd.random() < 0.5 else "" for p in parts]
        uri = ".".join(parts)
        if match == "prefix":
            uri = rnd.choice((uri, uri + ".", uri[:-1] or "a"))
        if match == "wildcard" and uri == "":
            match = "all"
        n = rnd.randrange(1, 4)
        return (rnd.random() < 0.6, rnd.sample(self.ACTIONS, n), match, uri)

    def text(self):
        return "".join("\t\t%s %s%s\n" % (
            "allow" if allow else "deny", ", ".join(actions),
            "" if match == "all" else ' %s "%s"' % (match, uri))
            for allow, actions, match, uri in self.rules)

    def allows(self, action, uri):
        verdict = False
        for allow, actions, match, pattern in self.rules:
            if action not in actions:
                continue
            p, u = pattern.split("."), uri.split(".")
            if match == "all" or match == "exact" and uri == pattern or \
                    match == "prefix" and uri.startswith(pattern) or \
                    match == "wildcard" and len(p) == len(u) and \
                    all(x in ("", y) for x, y in zip(p, u)):
                verdict = allow
        return verdict

    def uri(self, rnd):
        """One of the rules', or near it."""
        base = rnd.choice(self.rules)[3].strip(".") or "a"
        parts = [p or rnd.choice(self.COMPONENTS) for p in base.split(".")]
        how = rnd.randrange(5)
        if how == 0:
            parts.append(rnd.choice(self.COMPONENTS))
        elif how == 1 and len(parts) > 1:
            parts.pop()
        elif how == 2:
            parts[rnd.randrange(len(parts))] = rnd.choice(self.COMPONENTS)
        elif how == 3:
            parts[-1] += rnd.choice("a_b")
        return ".".join(parts)


MODELS = [Rules(random.Random(i)) for i in range(8)]
ISOLATED = ["com.realm.%d" % i for i in range(8)]

CONF = """
prefork 2
brokers 2
listen on socket "%(sock)s" mode 0666
listen on 127.0.0.1 port %(port)d
limits {
	connections 4000
	connections per address 4000
	message 1m
	queue 256m
}
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
""" + "".join("""
realm "%s" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
""" % r for r in ISOLATED) + "".join("""
realm "com.rules.%d" {
	authenticate anonymous role "some"
	role "some" {
%s	}
}
""" % (i, m.text().replace("%", "%%")) for i, m in enumerate(MODELS))


# -- building blocks: URIs ----------------------------------------------------

def publish_all(c, uris):
    """What the router says of each as a topic: True or the error."""
    for start in range(0, len(uris), 4000):
        part = uris[start:start + 4000]
        first = c.request + 1
        c.batch([PUBLISH, c.next(), ACK, u] for u in part)
        got = {}                # what is too long is answered at once
        for _ in part:
            m = c.recv()
            if m[0] == PUBLISHED:
                got[m[1]] = True
            else:
                assert m[:2] == [ERROR, PUBLISH], m
                got[m[2]] = m[4]
        for i, u in enumerate(part):
            yield u, got[first + i]


def uri_table():
    """Every composition of a few octets, and every character there is a
    rule for, alone and inside a component."""
    uris = ["".join(t) for n in range(6)
            for t in itertools.product("a.#A_ \u00e4", repeat=n)
            if n < 5 or t[0] in "a."]
    chars = list(range(0x300)) + list(range(0x1600, 0x1720)) + \
        list(range(0x1ff0, 0x2070)) + list(range(0x2ff0, 0x3010)) + \
        [0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xffff, 0x10000, 0x10ffff]
    for n in chars:
        uris += [chr(n), "a%sb" % chr(n), "a.%s" % chr(n)]
    return uris + ["a" * n for n in (4095, 4096, 4097, 5000, 70000)] + \
        ["\u00e4" * 2048, "\u00e4" * 2048 + "a", "." * 4096, "a." * 2000]


def judge_uris(realm, rule):
    uris = uri_table()
    wrong = []
    with client(realm) as c:
        for u, got in publish_all(c, uris):
            good = rule.match(u) is not None and len(u.encode()) <= 4096
            if u == "wamp" or u.startswith("wamp."):
                good = False
            if got is not True and got != INVALID_URI or \
                    (got is True) != good:
                wrong.append((u[:20], got))
    assert not wrong, (len(wrong), wrong[:5])


def uris_loose():
    """building_blocks, Relaxed/Loose URIs: by table"""
    judge_uris("realm1", LOOSE)


def uris_strict():
    """building_blocks, Strict URIs: by table"""
    judge_uris("com.example.strict", STRICT)


def uris_in_every_message():
    """building_blocks, URIs: SUBSCRIBE, REGISTER, CALL and PUBLISH alike"""
    for realm, bad in (("realm1", ("", ".", "a..b", ".a", "a.", "a b", "a#",
                                   "a\u3000b", "x" * 4097, "x" * 70000)),
                       ("com.example.strict", ("A", "a-b", "a.\u00e4"))):
        with client(realm) as c:
            for u in bad:
                for code, o in ((SUBSCRIBE, {}), (REGISTER, {}), (CALL, {}),
                                (PUBLISH, ACK)):
                    r = c.next()
                    c.send(code, r, o, u)
                    c.expect(ERROR, code, r, {}, INVALID_URI)


def uris_reserved():
    """building_blocks, Reserved URIs: "wamp" as a first component"""
    with client() as c:
        for u in ("wamp", "wamp.x", "wamp.session.count"):
            for code, o in ((REGISTER, {}), (PUBLISH, ACK)):
                r = c.next()
                c.send(code, r, o, u)
                c.expect(ERROR, code, r, {}, INVALID_URI)
            r = c.call(u)
            # "allow any" says nothing of these
            c.expect(ERROR, CALL, r, {}, NOT_AUTHORIZED)
            r = c.next()
            c.send(SUBSCRIBE, r, {}, u)
            c.expect(ERROR, SUBSCRIBE, r, {}, NOT_AUTHORIZED)
        for u in ("wampx", "wamp_x", "wampx.y", "com.wamp", "com.wamp.x",
                  "WAMP.x", "Wamp"):
            c.register(u)
            c.publish(u)


def uri_of_a_callees_error():
    """uri_reference, Incorrect URIs: a callee's error that is none"""
    with client() as callee, client() as caller:
        callee.register("com.uri.error")
        for i, bad in enumerate(("", "a..b", "a b", "#", "x" * 4097,
                                 "x" * 70000)):
            r = caller.call("com.uri.error")
            callee.expect(INVOCATION, i + 1)
            callee.send(ERROR, INVOCATION, i + 1, {}, bad, ["secret"])
            caller.expect(ERROR, CALL, r, {}, INVALID_URI)
        callee.publish("com.alive")
    # errors need not follow the realm's strict rule
    with client("com.example.strict") as callee, \
            client("com.example.strict") as caller:
        callee.register("com.uri.error")
        r = caller.call("com.uri.error")
        callee.expect(INVOCATION, 1)
        callee.send(ERROR, INVOCATION, 1, {}, "com.MyApp.Error-1")
        caller.expect(ERROR, CALL, r, {}, "com.MyApp.Error-1")


def uris_are_one_namespace_of_octets():
    """building_blocks, URIs: compared as they are, no case, no forms"""
    topics = ["com.A", "com.a", "com.\u00e4", "com.a\u0308", "com.a\u0000",
              "com.\u212b", "com.\u00c5"]
    with client() as c, client() as d:
        subs = [c.subscribe(t) for t in topics]
        assert len(set(subs)) == len(topics)
        for t, s in zip(topics, subs):
            d.publish(t, t)
            assert c.expect(EVENT, s)[4] == [t]
        # topics, procedures and errors may have one name
        d.register("com.A")
        c.call("com.A")
        d.expect(INVOCATION)


# -- building blocks: IDs -----------------------------------------------------

def spread(ids):
    """Uniform over [1, 2^53], as far as a glance can tell."""
    n = len(ids)
    assert len(set(ids)) == n, "an id twice"
    assert all(1 <= i <= 2 ** 53 for i in ids)
    for bit in range(53):
        ones = sum((i - 1) >> bit & 1 for i in ids)
        # six standard deviations
        assert abs(ones - n / 2) < 3 * n ** 0.5 + 1, (bit, ones, n)
    order = sum(a < b for a, b in zip(ids, ids[1:]))
    assert abs(order - n / 2) < 3 * n ** 0.5 + 1, "not random: %d" % order


def ids_of_sessions():
    """building_blocks, IDs: sessions, global scope, random and uniform"""
    ids = []
    for i in range(300):
        with (tcp if i % 2 else client)(ISOLATED[i % 8]) as c:
            ids.append(c.id)
    spread(ids)


def ids_of_publications():
    """building_blocks, IDs: publications, global scope, random and uniform"""
    ids = []
    for realm in ISOLATED:
        with client(realm) as c:
            c.batch([PUBLISH, c.next(), ACK, "a.b"] for _ in range(500))
            ids += [c.expect(PUBLISHED, i + 1)[2] for i in range(500)]
    spread(ids)


def ids_of_router_scope():
    """building_blocks, IDs: router scope holds across realms and brokers"""
    subs, regs, cs = [], [], []
    for realm in ISOLATED:
        c = client(realm)
        cs.append(c)
        subs += [c.subscribe("com.topic.%d" % i) for i in range(3)]
        regs += [c.register("com.proc.%d" % i) for i in range(3)]
    # each broker has its own: with two, the odd and the even ones
    assert {i % 2 for i in subs} == {0, 1}, "all realms on one broker?"
    assert len(set(subs)) == len(subs), subs
    assert len(set(regs)) == len(regs), regs
    # others of the realm get the same subscription, and no dead one's id
    d = tcp(ISOLATED[0])
    assert d.subscribe("com.topic.1") == subs[1]
    d.unsubscribe(subs[1])
    cs[0].unsubscribe(subs[1])
    assert d.subscribe("com.topic.1") not in subs
    for c in cs + [d]:
        c.close()


def ids_of_requests():
    """building_blocks, IDs: one sequence of requests, 1, 2, 3..."""
    # what is refused counts, what is no request does not
    with client() as c:
        r = c.call("com.nowhere")
        c.expect(ERROR, CALL, r)
        c.send(SUBSCRIBE, c.next(), {}, "a..b")
        c.expect(ERROR, SUBSCRIBE, 2)
        c.send(PUBLISH, c.next(), {}, "a..b")
        c.send(CANCEL, 1, {})
        c.send(UNSUBSCRIBE, c.next(), 77)
        c.expect(ERROR, UNSUBSCRIBE, 4)
        c.register("com.ids")
        c.call("com.ids")
        c.expect(INVOCATION, 1)
        c.send(YIELD, 1, {})
        c.expect(RESULT, 6)
        assert c.publish("com.ids")
    good = ([SUBSCRIBE, 0, {}, "a"], [UNSUBSCRIBE, 0, 1],
            [PUBLISH, 0, {}, "a"], [REGISTER, 0, {}, "a"],
            [UNREGISTER, 0, 1], [CALL, 0, {}, "a"])
    for m in good:
        for first, then in ((2, None), (1, 1), (1, 3), (2 ** 53, None)):
            with client() as c:
                if then is not None:
                    c.publish("com.ids")
                c.send(m[0], then or first, *m[2:])
                c.expect_abort(PV)


# -- building blocks: protocol errors -----------------------------------------

def violates(first, *msgs, **kw):
    """After the messages first, each of msgs costs the session."""
    for m in msgs:
        with client(**kw) as c:
            for f in first:
                c.send(*f)
            c.send_raw(c.dumps(m))
            try:
                c.expect_abort(PV)
                assert c.closecode == (1000 if way[0] == "websocket"
                                       else None), c.closecode
            except (AssertionError, TimeoutError) as e:
                raise AssertionError("%r: %s" % (m, e))


def errors_before_the_session():
    """building_blocks, Protocol Errors: before the session is established"""
    violates([], [GOODBYE, {}, "wamp.close.normal"],
             [ERROR, INVOCATION, 1, {}, "com.e"], [SUBSCRIBED, 1, 1],
             [UNSUBSCRIBED, 1], [PUBLISHED, 1, 1], [RESULT, 1, {}],
             [REGISTERED, 1, 1], [UNREGISTERED, 1], [INVOCATION, 1, 1, {}],
             [EVENT, 1, 1, {}], [WELCOME, 1, {}], [CHALLENGE, "x", {}],
             [AUTHENTICATE, "x", {}], [SUBSCRIBE, 1, {}, "a"],
             [UNSUBSCRIBE, 1, 1], [PUBLISH, 1, {}, "a"],
             [CALL, 1, {}, "a"], [REGISTER, 1, {}, "a"], [UNREGISTER, 1, 1],
             [YIELD, 1, {}], [CANCEL, 1, {}], [INTERRUPT, 1, {}],
             join=False)
    # and between HELLO and WELCOME nothing is due
    for m in ([SUBSCRIBE, 1, {}, "a"], [HELLO, "realm1", ROLES],
              [GOODBYE, {}, "wamp.close.normal"]):
        with client(join=False) as c:
            c.batch([[HELLO, "realm1", ROLES], m])
            c.expect_abort(PV)


def errors_in_the_session():
    """building_blocks, Protocol Errors: in the session"""
    violates([], [WELCOME, 1, {}], [HELLO, "realm1", ROLES],
             [CHALLENGE, "x", {}], [AUTHENTICATE, "x", {}],
             [ERROR, SUBSCRIBE, 1, {}, "com.e"], [ERROR, 0, 1, {}, "com.e"],
             [ERROR, CALL, 1, {}, "com.e"], [ERROR, 69, 1, {}, "com.e"],
             [ERROR, INVOCATION, 1, {}, "com.e"],
             [ERROR, INVOCATION, 0, {}, "com.e"],
             [YIELD, 1, {}], [YIELD, 0, {}], [YIELD, 2 ** 53, {}],
             [YIELD, 2 ** 53 + 1, {}], [], [0], [4], [7], [9], [72], [255],
             [256], [1023], [1024], [2 ** 64 - 1], [-1], [None], [True],
             ["HELLO"], [[]], [{}], {}, None, 1, "[]", True)


MALFORMED = {
    "json": [b"", b" ", b"[", b"[16", b"[16,1,{},\"a\"", b"[16,1,{},\"a\"]]",
             b"[16,1,{},\"a\"] 1", b"[16,,1,{},\"a\"]", b"[016,1,{},\"a\"]",
             b"[16,1,{},'a']", b"[16,1,{,},\"a\"]", b"[16,1,{},\"a\",]",
             b"[16,1,{\"a\"},\"a\"]", b"[16,1,{},\"\\x\"]",
             b"[16,1,{},\"\\ud800\"]", b"[16,1,{},\"\\udc00\\ud800\"]",
             b"[16,1,{},\"a\x01\"]", b"[16,1,{},\"a\",[nul]]",
             b"[16,1,{},\"a\",[NaN]]", b"[16,1,{},\"a\",[1.]]",
             b"[16,1,{},\"a\",[+1]]", b"[16,1,{},\"a\",[0x1]]",
             b"\xef\xbb\xbf[16,1,{},\"a\"]", b"[16.0,1,{},\"a\"]",
             b"[16,1.0,{},\"a\"]", b"[16,1e0,{},\"a\"]",
             b"[16,1,{1:2},\"a\"]", b"[16,1,{},\"a\"]\0"],
    "msgpack": [b"", b"\x94", b"\x94\x10", b"\x94\x10\x01\x80\xa1",
                b"\x94\x10\x01\x80\xa1a\x00", b"\x94\x10\x01\x80\xc1",
                b"\x94\x10\x01\x80\xa1\xff", b"\x94\x10\x01\x80\xa2\xc3(",
                b"\x94\x10\x01\x80\xa3\xed\xa0\x80", b"\x94\x10\x01\x80\xc4"
                b"\x01a", b"\x95\x10\x01\x80\xa1a\xdd\xff\xff\xff\xff",
                b"\x94\x10\x01\x81\xc4\x03foo\x01\xa1a",
                b"\x94\x10\x01\x82\xa3foo\x01\xa3foo\x01\xa1a",
                b"\x94\xca\x41\x80\x00\x00\x01\x80\xa1a",
                b"\x94\x10\xca\x3f\x80\x00\x00\x80\xa1a",
                b"\x84\x10\x01\x80\xa1a\x00\x00\x00\x00"],
    "cbor": [b"", b"\x84", b"\x84\x10", b"\x84\x10\x01\xa0\x61",
             b"\x84\x10\x01\xa0\x61a\x00", b"\x84\x10\x01\xa0\x61\xff",
             b"\x84\x10\x01\xa0\x41a", b"\x84\x10\x01\xa0\x1c",
             b"\x84\x10\x01\xa1\x43foo\x01\x61a", b"\x84\x10\x01\xa0\xff",
             b"\x84\x10\x01\xa2\x63foo\x01\x63foo\x01\x61a",
             b"\x9f\x10\x01\xa0\x61a", b"\x84\x10\xf9\x3c\x00\xa0\x61a",
             b"\x85\x10\x01\xa0\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
             b"\x84\x10\x01\xa0\x7f\x61a\x41b\xff"],
}


def errors_of_decoding():
    """building_blocks, Protocol Errors: what cannot be decoded"""
    with client() as w:
        w.subscribe("a")
        for bad in MALFORMED[way[1]]:
            with client() as c:
                c.send_raw(bad)
                try:
                    c.expect_abort(PV)
                except (AssertionError, TimeoutError) as e:
                    raise AssertionError("%r: %s" % (bad, e))
        w.expect_nothing(0.05)


def errors_end_everything():
    """building_blocks, Protocol Errors: nothing is processed behind one"""
    with client() as w:
        w.subscribe("com.late")
        w.register("com.late.proc")
        # the last two are found by the broker, not by the tlsproxy
        for bad in ([999], [HELLO, "realm1", ROLES], [SUBSCRIBE, 5, {}, "a"],
                    [YIELD, 9, {}], [ERROR, INVOCATION, 9, {}, "com.e"]):
            with client() as c:
                c.batch([bad, [PUBLISH, 1, {}, "com.late", ["late"]],
                         [CALL, 2, {}, "com.late.proc"]])
                c.expect_abort(PV)
            # what came before is
            with client() as c:
                c.batch([[PUBLISH, 1, {}, "com.late", ["early"]], bad])
                c.expect_abort(PV)
            assert w.expect(EVENT)[4] == ["early"]
        w.expect_nothing(0.1)


def errors_dispose_of_the_session():
    """building_blocks, Protocol Errors: subscriptions and registrations
    go, calls under way end"""
    for bad in ([999], [YIELD, 7, {}]):
        with client() as c, client() as d:
            sub = c.subscribe("com.dispose")
            c.register("com.dispose.proc")
            r = d.call("com.dispose.proc")
            c.expect(INVOCATION, 1)
            c.send(*bad)
            c.expect_abort(PV)
            d.expect(ERROR, CALL, r, {}, "wamp.error.canceled")
            d.register("com.dispose.proc")
            assert d.subscribe("com.dispose") != sub


# -- messages -------------------------------------------------------------------

REQUEST_FORMS = [
    ("SUBSCRIBE", [SUBSCRIBE, 1, {}, "com.a"], "cidu", 0),
    ("UNSUBSCRIBE", [UNSUBSCRIBE, 1, 1], "cii", 0),
    ("PUBLISH", [PUBLISH, 1, {}, "com.a"], "cidu", 2),
    ("REGISTER", [REGISTER, 1, {}, "com.a"], "cidu", 0),
    ("UNREGISTER", [UNREGISTER, 1, 1], "cii", 0),
    ("CALL", [CALL, 1, {}, "com.a"], "cidu", 2),
    ("YIELD", [YIELD, 1, {}], "cid", 2),
    ("ERROR", [ERROR, INVOCATION, 1, {}, "com.e"], "ccidu", 2),
    ("GOODBYE", [GOODBYE, {}, "com.bye"], "cdu", 0),
    ("HELLO", [HELLO, "realm1", ROLES], "cud", 0),
]
WRONG = {
    "c": (),
    "i": (0, -1, 2 ** 53 + 1, 2 ** 64 - 1, 1.5, "1", None, True, [], {}),
    "d": (0, None, "", "x", [], True, 1.5, [["a", 1]]),
    "u": (0, 1, None, True, [], {}, 1.5, ["com.a"]),
}


def forms_of_messages():
    """messages, Message Definitions: types and numbers of elements"""
    for name, good, types, nargs in REQUEST_FORMS:
        bad = [good[:n] for n in range(1, len(good))]
        for i, kind in enumerate(types):
            bad += [good[:i] + [w] + good[i + 1:] for w in WRONG[kind]]
        if nargs == 0:
            bad += [good + [[]], good + [None], good + [[], {}]]
        else:
            bad += [good + [a] for a in (None, {}, "", 0, True)]
            bad += [good + [[], k] for k in (None, [], "", 0, True)]
            bad += [good + [[], {}, x] for x in (None, [], {})]
        if name != "HELLO":
            violates([], *bad)
            continue
        for m in bad:
            with client(join=False) as c:
                c.send_raw(c.dumps(m))
                c.expect_abort(PV)


def unknown_attributes():
    """messages, Extensibility: unknown attributes are ignored everywhere"""
    x = {"nonsense": [1, {"a": None}], "_impl_x": "y", "q": 1, "Upper": 2,
         "": 0, "Eligible": "all", "excluded": 7, "time": "soon",
         "discloseme": 1, "receive": "x", "ppt_": 5, "ppt_schemes": 5,
         "get": 1, "retained": "no", "rkey": [], "forward_for": 1}
    with client(details=x) as c, client() as d:
        sub = c.subscribe("com.unknown", x)
        reg = c.register("com.unknown.proc", x)
        d.send(PUBLISH, d.next(), dict(x, acknowledge=True), "com.unknown",
               [1])
        d.expect(PUBLISHED)
        assert c.expect(EVENT, sub)[3:] == [{}, [1]]
        r = d.next()
        d.send(CALL, r, x, "com.unknown.proc", [1])
        assert c.expect(INVOCATION, 1, reg)[3:] == [{}, [1]]
        c.send(YIELD, 1, dict(x, progress=True), [2])
        assert d.expect(RESULT, r)[2:] == [{}, [2]]
        r = d.next()
        d.send(CALL, r, x, "com.unknown.proc")
        c.expect(INVOCATION, 2)
        c.send(ERROR, INVOCATION, 2, x, "com.e")
        assert d.expect(ERROR, CALL, r)[3:] == [{}, "com.e"]
        d.send(CANCEL, r, x)
        d.send(GOODBYE, x, "com.bye")
        d.expect(GOODBYE, {}, "wamp.close.goodbye_and_out")
        c.send(ABORT, x, "com.bye")
        c.expect_closed()


def known_options_of_a_wrong_type():
    """messages: a bool is a bool, known options of another type are errors"""
    for code, o in ((PUBLISH, {"acknowledge": 1}),
                    (PUBLISH, {"acknowledge": "true"}),
                    (PUBLISH, {"exclude_me": 0}),
                    (PUBLISH, {"acknowledge": True, "exclude_me": []}),
                    (PUBLISH, {"disclose_me": 1}), (PUBLISH, {"retain": 1}),
                    (PUBLISH, {"ppt_scheme": 5}),
                    (SUBSCRIBE, {"match": 1}), (SUBSCRIBE, {"match": True}),
                    (SUBSCRIBE, {"get_retained": "yes"}),
                    (REGISTER, {"match": []}), (REGISTER, {"invoke": 0}),
                    (REGISTER, {"force_reregister": 1}),
                    (CALL, {"disclose_me": "me"}), (CALL, {"progress": 0}),
                    (CALL, {"receive_progress": 1.0})):
        violates([], [code, 1, o, "com.a"])
    for d in ({"authid": 5}, {"authmethods": "anonymous"},
              {"authmethods": [1]}, {"roles": 1}):
        with client(join=False) as c:
            c.send(HELLO, "realm1", dict(ROLES, **d))
            c.expect_abort(PV)


def payload_is_passed_on():
    """messages, Empty Arguments: as the peer sent it, empty or not"""
    tails = [[], [[]], [[], {}], [[1]], [[1], {}], [[], {"a": 1}],
             [[None], {"a": None}]]
    with client() as c, client() as d:
        c.subscribe("com.tail")
        c.register("com.tail.proc")
        for i, t in enumerate(tails):
            d.send(PUBLISH, d.next(), {}, "com.tail", *t)
            assert c.expect(EVENT)[4:] == t
            r = d.next()
            d.send(CALL, r, {}, "com.tail.proc", *t)
            assert c.expect(INVOCATION, i + 1)[4:] == t
            if i % 2:
                c.send(ERROR, INVOCATION, i + 1, {}, "com.e", *t)
                assert d.expect(ERROR, CALL, r)[5:] == t
            else:
                c.send(YIELD, i + 1, {}, *t)
                assert d.expect(RESULT, r)[3:] == t


# -- sessions -------------------------------------------------------------------

def welcome_contents():
    """sessions, WELCOME: what it says, and that it is true"""
    with client(details={"agent": "x", "authid": "me"}) as c:
        w = c.welcome
        assert set(w) == {"realm", "authid", "authrole", "authmethod",
                          "authprovider", "agent", "roles"}, w
        assert (w["realm"], w["authrole"], w["authmethod"],
                w["authprovider"], w["agent"]) == \
            ("realm1", "all", "anonymous", "static", "wampd"), w
        assert set(w["roles"]) == {"broker", "dealer"} and all(
            set(r) == {"features"} for r in w["roles"].values()), w


def welcome_features_are_true():
    """sessions, Role and Feature Announcement: what is not announced is not
    done"""
    o = {"rkey": "a", "runmode": "all", "nkey": 2, "forward_for": [],
         "transaction_hash": "0x1"}
    features = {"features": {"sharded_registration": True,
                             "sharded_subscription": True,
                             "shareded_subscriptions": True,
                             "interface_reflection": True}}
    roles = {r: features for r in ROLES["roles"]}
    with client(details={"roles": roles}) as c, \
            client(details={"roles": roles}) as d:
        c.subscribe("com.feature")
        c.register("com.feature.proc")
        d.send(PUBLISH, d.next(), o, "com.feature")
        assert c.expect(EVENT)[3] == {}
        r = d.next()
        d.send(CALL, r, o, "com.feature.proc")
        assert c.expect(INVOCATION, 1)[3] == {}
        c.send(YIELD, 1, {"progress": True}, [1])
        assert d.expect(RESULT, r)[2:] == [{}, [1]]
        c.send(YIELD, 1, {"progress": True}, [2])
        d.expect_nothing(0.1)           # that was the result
        for uri in ("wamp.session.count", "wamp.session.kill",
                    "wamp.registration.list"):
            r = d.call(uri)
            d.expect(ERROR, CALL, r, {}, NOT_AUTHORIZED)


def roles_are_not_enforced():
    """sessions, Client Role Announcement: one role is enough for all"""
    for role in list(ROLES["roles"]) + ["unheard_of"]:
        with client(details={"roles": {role: {}}}) as c:
            c.subscribe("com.role")
            c.register("com.role." + role)
            c.publish("com.role")
            c.call("com.role." + role)
            c.expect(INVOCATION, 1)


def goodbye_is_answered_once():
    """sessions, GOODBYE: one reply, nothing behind it, whatever follows"""
    for follow in ([SUBSCRIBE, 1, {}, "a"], [GOODBYE, {}, "com.bye"], [999],
                   [ABORT, {}, "com.bye"]):
        with client() as c:
            c.batch([[GOODBYE, {}, "wamp.close.close_realm"], follow])
            assert c.recv() == [GOODBYE, {}, "wamp.close.goodbye_and_out"]
            c.expect_closed()
    # a reason that is no URI is answered all the same
    for reason in ("", "a..b", "x" * 5000):
        with client() as c:
            c.send(GOODBYE, {"message": "bye"}, reason)
            assert c.recv() == [GOODBYE, {}, "wamp.close.goodbye_and_out"]


def goodbye_ends_the_session():
    """sessions, GOODBYE: the session is over, and what it sent before is
    not lost"""
    for how in ("goodbye", "abort", "close", "violation"):
        with client() as c, client() as w:
            w.subscribe("com.over")
            c.subscribe("com.over.x")
            c.register("com.over.proc")
            last = {"goodbye": [[GOODBYE, {}, "com.bye"]], "close": [],
                    "abort": [[ABORT, {}, "com.bye"]],
                    "violation": [[999]]}[how]
            c.batch([[PUBLISH, c.next(), {}, "com.over", [i]]
                     for i in range(50)] + last)
            if how == "close":
                c.close()
            for i in range(50):
                assert w.expect(EVENT)[4] == [i]
            if how == "goodbye":
                w.publish("com.over.x")
                c.expect(GOODBYE)
                c.expect_nothing(0.05)
            for _ in range(200):
                r = w.call("com.over.proc")
                if w.expect(ERROR, CALL, r)[4] == NO_SUCH_PROCEDURE:
                    break


def transport_is_reused():
    """building_blocks, Transport and Session Lifetime: HELLO after
    GOODBYE, and everything begins anew"""
    with client() as c, client() as d:
        ids = set()
        for i, realm in enumerate(("realm1", ISOLATED[0], "realm1",
                                   ISOLATED[1])):
            if i:
                c.join(realm)
            ids.add(c.id)
            sub = c.subscribe("com.again")
            c.register("com.again.proc")
            with client(realm) as o:
                o.publish("com.again", i)
                assert c.expect(EVENT, sub)[4] == [i]
                r = o.call("com.again.proc")
                c.expect(INVOCATION, 1)
                c.send(YIELD, 1, {}, [i])
                assert o.expect(RESULT, r)[3] == [i]
            c.goodbye()
        assert len(ids) == 4
        # an old invocation is not the new session's
        c.join()
        c.register("com.again.proc")
        d.call("com.again.proc")
        c.expect(INVOCATION, 1)
        c.goodbye()
        d.expect(ERROR, CALL, 1, {}, "wamp.error.canceled")
        c.join()
        c.send(YIELD, 1, {})
        c.expect_abort(PV)


def realm_isolation():
    """introduction, Realms: nothing crosses from one to another"""
    cs = [(tcp if i % 2 else client)(r) for i, r in enumerate(ISOLATED)]
    subs = [c.subscribe("com.isle") for c in cs]
    regs = [c.register("com.isle.proc") for c in cs]
    assert len(set(regs)) == len(cs)
    for i, c in enumerate(cs):
        with client(ISOLATED[i]) as p:
            p.publish("com.isle", i)
            p.publish("com.isle.none", i)
            p.call("com.isle.proc", i)
            # ids of another realm are nobody's here
            other = (i + 1) % len(cs)
            r = p.next()
            p.send(UNSUBSCRIBE, r, subs[other])
            p.expect(ERROR, UNSUBSCRIBE, r, {},
                     "wamp.error.no_such_subscription")
            r = p.next()
            p.send(UNREGISTER, r, regs[other])
            p.expect(ERROR, UNREGISTER, r, {},
                     "wamp.error.no_such_registration")
            assert c.expect(EVENT, subs[i])[4] == [i]
            assert c.expect(INVOCATION, 1, regs[i])[4] == [i]
            p.register("com.isle.own.%d" % i)
            for j, o in enumerate(ISOLATED):
                if j != i and (i + j) % 3 == 0:
                    with client(o) as q:
                        r = q.call("com.isle.own.%d" % i)
                        q.expect(ERROR, CALL, r, {}, NO_SUCH_PROCEDURE)
    for c in cs:
        c.publish("com.flush")
        c.expect_nothing(0.02)
        c.close()


# -- publish and subscribe --------------------------------------------------------

def subscriptions():
    """publish_subscribe: subscribe, again, unsubscribe, again"""
    with client() as c, tcp() as d, client() as p:
        s = c.subscribe("com.sub")
        assert c.subscribe("com.sub") == s
        assert d.subscribe("com.sub") == s      # one id for all receivers
        n = p.publish("com.sub", 1, k="v")
        for x in (c, d):
            assert x.expect(EVENT) == [EVENT, s, n, {}, [1], {"k": "v"}]
            x.expect_nothing(0.05)              # once a subscription
        c.unsubscribe(s)
        p.publish("com.sub", 2)
        d.expect(EVENT, s)
        for x in (s, s + 1000, 2 ** 53):
            r = c.next()
            c.send(UNSUBSCRIBE, r, x)
            c.expect(ERROR, UNSUBSCRIBE, r, {},
                     "wamp.error.no_such_subscription")
        d.close()
        c.expect_nothing(0.05)


def publisher_is_excluded():
    """publish_subscribe, EVENT: the publisher never receives its own"""
    with client() as c, client() as d, tcp() as e:
        subs = [x.subscribe("com.own") for x in (c, d, e)]
        for who in (c, d, e):
            who.publish("com.own", 1)
            for x in (c, d, e):
                if x is not who:
                    x.expect(EVENT, subs[0])
        for x in (c, d, e):
            x.expect_nothing(0.05)


def published_comes_first():
    """T30: PUBLISHED before the event, if one gets one's own"""
    o = {"acknowledge": True, "exclude_me": False}
    for connect in (client, tcp):
        with connect() as c:
            c.subscribe("com.t30")
            c.batch([PUBLISH, c.next(), o, "com.t30", [i]] for i in range(20))
            for i in range(20):
                n = c.expect(PUBLISHED)[2]
                c.expect(EVENT, None, n, {}, [i])


def publish_errors():
    """publish_subscribe, Publish ERROR: only if acknowledge was true"""
    with client("com.rules.0") as c, client() as d:
        refused = next(u for u in ("a", "b", "a.b", "z.z.z.z.z")
                       if not MODELS[0].allows("publish", u))
        for o, answered in ((ACK, 1), ({}, 0), ({"acknowledge": False}, 0)):
            for who, uri, err in ((c, refused, NOT_AUTHORIZED),
                                  (d, "a..b", INVALID_URI),
                                  (d, "wamp.x", INVALID_URI),
                                  (d, "x" * 5000, INVALID_URI)):
                r = who.next()
                who.send(PUBLISH, r, o, uri)
                if answered:
                    who.expect(ERROR, PUBLISH, r, {}, err)
        c.expect_nothing(0.05)
        d.expect_nothing(0.05)


# -- remote procedure calls ---------------------------------------------------------

def calls():
    """remote_procedure_call: results and errors as the callee gave them,
    in any order"""
    with client() as callee, tcp() as a, client() as b:
        reg = callee.register("com.calls")
        want = {}
        for i in range(20):
            who = (a, b)[i % 2]
            r = who.call("com.calls", i, k=i)
            m = callee.expect(INVOCATION, i + 1, reg)
            assert m[3:] == [{}, [i], {"k": i}]
            want[i + 1] = (who, r)
        order = list(want)
        random.Random(1).shuffle(order)
        for i in order:
            who, r = want[i]
            if i % 3:
                callee.send(YIELD, i, {}, [i], {"r": i})
                assert who.recv() == [RESULT, r, {}, [i], {"r": i}]
            else:
                callee.send(ERROR, INVOCATION, i, {}, "com.e", [i], {"r": i})
                assert who.recv() == [ERROR, CALL, r, {}, "com.e", [i],
                                      {"r": i}]
            # a second answer is swallowed
            callee.send(YIELD, i, {}, ["again"])
        a.publish("com.flush")
        b.publish("com.flush")
        callee.publish("com.flush")


def callee_may_use_any_error():
    """remote_procedure_call, Invocation ERROR: predefined URIs, too"""
    with client() as callee, client(own_errors=False) as d:
        callee.register("com.any")
        for i, e in enumerate(("wamp.error.invalid_argument",
                               "wamp.error.canceled", "wamp.error.runtime",
                               "wamp.close.normal", "x")):
            r = d.call("com.any")
            callee.expect(INVOCATION, i + 1)
            callee.send(ERROR, INVOCATION, i + 1, {}, e)
            assert d.recv() == [ERROR, CALL, r, {}, e]


def registrations():
    """remote_procedure_call, REGISTER and UNREGISTER"""
    with client() as c, tcp() as d:
        reg = c.register("com.reg")
        for who in (c, d):
            r = who.next()
            who.send(REGISTER, r, {}, "com.reg")
            who.expect(ERROR, REGISTER, r, {},
                       "wamp.error.procedure_already_exists")
        for x in (reg, reg + 1000, 2 ** 53):
            r = d.next()
            d.send(UNREGISTER, r, x)
            d.expect(ERROR, UNREGISTER, r, {},
                     "wamp.error.no_such_registration")
        r = c.next()
        c.send(UNREGISTER, r, reg)
        assert c.recv() == [UNREGISTERED, r]
        r = c.next()
        c.send(UNREGISTER, r, reg)
        c.expect(ERROR, UNREGISTER, r, {}, "wamp.error.no_such_registration")
        assert d.register("com.reg") != reg


def caller_leaves():
    """remote_procedure_call, Caller Leaving: INTERRUPT to a callee that knows
    it, answers are discarded"""
    details = {"roles": dict(ROLES["roles"], callee={
        "features": {"call_canceling": True, "call_cancelling": True}})}
    with client(details=details) as callee:
        callee.register("com.leave")
        n = 0
        for how in ("close", "goodbye", "abort", "violation"):
            for answer in ("yield", "error"):
                n += 1
                with client() as d:
                    d.call("com.leave")
                    callee.expect(INVOCATION, n)
                    if how == "goodbye":
                        d.goodbye()
                    elif how == "close":
                        d.close()
                    else:
                        d.send(*{"abort": [ABORT, {}, "com.bye"],
                                 "violation": [999]}[how])
                        if how == "violation":
                            d.expect_abort(PV)
                callee.expect(INTERRUPT, n, {
                    "mode": "killnowait", "reason": "wamp.error.canceled"})
                if answer == "yield":
                    callee.send(YIELD, n, {}, [1])
                else:
                    callee.send(ERROR, INVOCATION, n, {}, "com.e")
                callee.publish("com.alive")


def callee_leaves():
    """remote_procedure_call, Callee Leaving: wamp.error.canceled at once,
    for each call under way"""
    for how in ("close", "goodbye", "abort", "violation"):
        with client() as callee, client() as a, tcp() as b:
            callee.register("com.gone.1")
            callee.register("com.gone.2")
            for i in range(6):
                (a, b)[i % 2].call("com.gone.%d" % (i % 2 + 1))
                callee.expect(INVOCATION, i + 1)
            callee.send(YIELD, 1, {}, ["done"])
            assert a.expect(RESULT, 1)[3] == ["done"]
            if how == "goodbye":
                callee.goodbye()
            elif how == "close":
                callee.close()
            else:
                callee.send(*{"abort": [ABORT, {}, "com.bye"],
                              "violation": [999]}[how])
            for who, rs in ((a, {2, 3}), (b, {1, 2, 3})):
                for _ in range(len(rs)):
                    m = who.expect(ERROR, CALL, None, {},
                                   "wamp.error.canceled")
                    rs.remove(m[2])
            r = a.call("com.gone.1")
            a.expect(ERROR, CALL, r, {}, NO_SUCH_PROCEDURE)


# -- ordering ----------------------------------------------------------------------

def both(*jobs):
    """Threads, whose failures are ours."""
    failures = []

    def run(job):
        try:
            job()
        except BaseException as e:
            failures.append(e)
            traceback.print_exc(file=sys.stdout)
    threads = [threading.Thread(target=run, args=(j,), daemon=True)
               for j in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    if failures:
        raise failures[0]
    assert not any(t.is_alive() for t in threads), "a thread hangs"


def everywhere(n, realm):
    """n sessions of all processes, transports and serializers."""
    out = []
    for i in range(n):
        transport, ser = WAYS[i % len(WAYS)]
        out.append((tcp if i % 4 else client)(
            realm, transport=transport, serializer=ser, timeout=30))
    return out


def order_of_events(realm):
    """Each of four publishers numbers its events over three topics; each of
    six subscribers of all three must see each publisher's in order."""
    n = 300
    topics = ["com.order.%d" % i for i in range(3)]
    pubs, subs = everywhere(4, realm), everywhere(6, realm)
    for s in subs:
        s.names = {s.subscribe(t): t for t in topics}

    def publisher(k):
        c = pubs[k]
        for i in range(0, n, 20):
            c.batch([[PUBLISH, c.next(), ACK if j % 50 == 49 else {},
                      topics[(j * j + k) % 3], [k, j]]
                     for j in range(i, i + 20)])
        for _ in range(n // 50):
            c.expect(PUBLISHED)

    def subscriber(s):
        due = [0] * len(pubs)
        ids = set()
        for _ in range(n * len(pubs)):
            m = s.expect(EVENT)
            k, j = m[4]
            assert due[k] == j, "publisher %d: %d where %d was due" % (
                k, j, due[k])
            assert s.names[m[1]] == topics[(j * j + k) % 3]
            due[k] += 1
            ids.add(m[2])
        s.seen = ids
        assert len(ids) == n * len(pubs), "publication ids repeat"
    both(*[functools.partial(publisher, k) for k in range(len(pubs))],
         *[functools.partial(subscriber, s) for s in subs])
    assert all(s.seen == subs[0].seen for s in subs), \
        "publication ids differ between subscribers"
    for c in pubs + subs:
        c.close()


def order_of_invocations(realm):
    """Callers number their calls over the procedures of two callees."""
    n = 200
    callers, callees = everywhere(4, realm), everywhere(2, realm)
    for k, c in enumerate(callees):
        for i in range(2):
            c.register("com.order.%d.%d" % (k, i))

    def caller(k):
        c = callers[k]
        for i in range(0, n, 20):
            c.batch([[CALL, c.next(), {}, "com.order.%d.%d" % (
                j % 2, j // 2 % 2), [k, j]] for j in range(i, i + 20)])
        got = {}
        for _ in range(n):
            m = c.expect(RESULT)
            assert m[3] == [k, m[1] - 1], m     # the answer to that call
            got[m[1]] = True
        assert len(got) == n

    def callee(c):
        due = {}
        hold = []
        rnd = random.Random(1)
        for i in range(n * len(callers) // 2):
            m = c.expect(INVOCATION, i + 1)
            k, j = m[4]
            assert due.get(k, -1) < j, "caller %d: %d after %d" % (
                k, j, due[k])
            due[k] = j
            hold.append(m)
            if len(hold) > 10 or i + 11 > n * len(callers) // 2:
                rnd.shuffle(hold)
                c.batch([YIELD, m[1], {}, m[4]] for m in hold)
                hold = []
        c.batch([YIELD, m[1], {}, m[4]] for m in hold)
    both(*[functools.partial(caller, k) for k in range(len(callers))],
         *[functools.partial(callee, c) for c in callees])
    for c in callers + callees:
        c.close()


def order_on_both_brokers():
    """security_model, Ordering Guarantees: events of each publisher, with
    several processes and on both brokers"""
    for realm in realms_of_both_brokers():
        order_of_events(realm)


def order_of_calls_on_both_brokers():
    """security_model, Ordering Guarantees: invocations of each caller, with
    several processes and on both brokers"""
    for realm in realms_of_both_brokers():
        order_of_invocations(realm)


def realms_of_both_brokers():
    """Two realms that are routed by two processes."""
    found = {}
    for r in ISOLATED:
        with client(r) as c:
            found.setdefault(c.subscribe("com.which") % 2, r)
    assert len(found) == 2
    return found.values()


def subscribed_comes_first():
    """security_model, Ordering Guarantees: SUBSCRIBED before EVENT,
    REGISTERED before INVOCATION, in a storm of both"""
    stop = threading.Event()
    publisher, caller = tcp(), tcp()
    called = [0]

    def storm():
        while not stop.is_set():
            publisher.batch([PUBLISH, publisher.next(), {}, "com.first"]
                            for _ in range(20))
            publisher.publish("com.first")

    def calls_storm():
        # whatever comes back: an error, or nothing before the callee ends
        while not stop.is_set():
            caller.batch([CALL, caller.next(), {}, "com.first.proc"]
                         for _ in range(10))
            for _ in range(10):
                m = caller.recv()
                assert m[0] == ERROR and m[4] in (
                    NO_SUCH_PROCEDURE, "wamp.error.canceled"), m
                called[0] += m[4] == "wamp.error.canceled"

    def joiners():
        try:
            for i in range(60):
                # Strict finds what comes before its time
                with (tcp if i % 2 else client)() as c:
                    c.send(SUBSCRIBE, c.next(), {}, "com.first")
                    c.send(REGISTER, c.next(), {}, "com.first.proc")
                    got = set()
                    while not {EVENT, INVOCATION} <= got:
                        m = c.recv()
                        got.add(m[0])
                        if m[0] == ERROR:       # the last one is not gone
                            c.send(REGISTER, c.next(), {}, "com.first.proc")
                    (s,) = c.subs
                    r = c.next()
                    c.send(UNSUBSCRIBE, r, s)
                    while c.recv()[0] != UNSUBSCRIBED:
                        pass
                    for _ in range(5):      # and no EVENT after it
                        c.send(PUBLISH, c.next(), ACK, "com.x")
                        while c.recv()[0] != PUBLISHED:
                            pass
        finally:
            stop.set()
    both(storm, calls_storm, joiners)
    assert called[0] > 0
    publisher.close()
    caller.close()


# -- authorization ---------------------------------------------------------------

def authorization_by_model():
    """uri_reference, Authorization: 10,000 verdicts on random rules"""
    rnd = random.Random(7)
    n = 0
    for i, model in enumerate(MODELS):
        with client("com.rules.%d" % i, serializer="msgpack") as c:
            for action in Rules.ACTIONS:
                uris = [model.uri(rnd) for _ in range(320)]
                n += len(uris)
                code = {"publish": PUBLISH, "subscribe": SUBSCRIBE,
                        "call": CALL, "register": REGISTER}[action]
                first = c.request + 1
                c.batch([code, c.next(), ACK if code == PUBLISH else {}, u]
                        for u in uris)
                for j, u in enumerate(uris):
                    m = c.recv()
                    if m[0] == ERROR:
                        assert m[1:3] == [code, first + j], m
                        allowed = m[4] in (
                            NO_SUCH_PROCEDURE,
                            "wamp.error.procedure_already_exists")
                        assert allowed or m[4] == NOT_AUTHORIZED, m
                    else:
                        assert m[1] == first + j, m
                        allowed = True
                    assert allowed == model.allows(action, u), \
                        (i, action, u, m, model.text())
    assert n >= 10000


# -- what the router says of itself --------------------------------------------------

def shutdown_says_goodbye():
    """sessions, GOODBYE: wamp.close.system_shutdown, then others are
    ignored until the client's GOODBYE"""
    conf = CONF % {"sock": os.path.join(tmpdir(), "s2"), "port": free_port()}
    conf = conf.replace("prefork 2", "prefork 1").replace("brokers 2",
                                                          "brokers 1")
    where = re.search(r'socket "(.*?)"', conf).group(1)
    with Wampd(conf) as w:
        cs = [client(where=where, transport=t, serializer=s)
              for t, s in WAYS]
        idle = client(where=where, join=False)
        gone = client("com.realm.3", where=where)
        w.reload(conf.replace("com.realm.3", "com.realm.new"))
        gone.expect(GOODBYE, None, "wamp.close.close_realm")
        gone.send(GOODBYE, {}, "wamp.close.goodbye_and_out")
        gone.expect_closed()
        w.proc.terminate()
        for i, c in enumerate(cs):
            c.expect(GOODBYE, None, "wamp.close.system_shutdown")
            c.batch([[PUBLISH, 1, ACK, "a"], [999], [HELLO, "x", {}]])
            if i % 2:
                c.send(GOODBYE, {}, "wamp.close.goodbye_and_out")
            else:
                c.send(ABORT, {}, "wamp.close.system_shutdown")
            c.expect_closed()
            c.close()
        idle.expect_closed()


def payload_too_long():
    """uri_reference: wamp.error.payload_size_exceeded"""
    with client(maxlen_exp=1) as c, client() as d:
        d.register("com.long")
        r = c.call("com.long")
        d.expect(INVOCATION, 1)
        d.send(YIELD, 1, {}, ["x" * 1100])
        c.expect(ERROR, CALL, r, {}, "wamp.error.payload_size_exceeded")


def every_error_uri_was_seen():
    """uri_reference: all that the Basic Profile's router can say, it said"""
    missing = {
        INVALID_URI, NO_SUCH_PROCEDURE, NOT_AUTHORIZED, PV,
        "wamp.error.procedure_already_exists",
        "wamp.error.no_such_registration",
        "wamp.error.no_such_subscription", "wamp.error.invalid_argument",
        "wamp.error.canceled", "wamp.error.payload_size_exceeded",
        "wamp.error.no_such_realm", "wamp.close.system_shutdown",
        "wamp.close.close_realm", "wamp.close.goodbye_and_out"} - seen
    # authorization_failed: our authorization is a table, it cannot fail
    # no_such_role: only in a race of a login with a reload
    assert not missing, missing


def join_errors():
    """sessions, ABORT: no such realm, no URI, nothing to log in by"""
    for realm, err in (("com.example.nowhere", "wamp.error.no_such_realm"),
                       ("realm", "wamp.error.no_such_realm"),
                       ("Realm1", "wamp.error.no_such_realm"),
                       ("realm1.x", "wamp.error.no_such_realm"),
                       ("", INVALID_URI), ("a..b", INVALID_URI),
                       ("a b", INVALID_URI), ("x" * 4097, INVALID_URI)):
        with client(join=False) as c:
            c.send(HELLO, realm, ROLES)
            c.expect_abort(err)


def policies():
    """publish_subscribe, remote_procedure_call: policies that there are not
    are refused, not ignored"""
    with client() as c:
        for code, o in ((SUBSCRIBE, {"match": "Exact"}),
                        (SUBSCRIBE, {"match": ""}),
                        (REGISTER, {"match": "Prefix"}),
                        (REGISTER, {"invoke": "round_robin"}),
                        (REGISTER, {"invoke": ""})):
            r = c.next()
            c.send(code, r, o, "com.policy")
            c.expect(ERROR, code, r, {}, "wamp.error.invalid_argument")


EVERY_WAY = (
    uris_in_every_message, uri_of_a_callees_error,
    uris_are_one_namespace_of_octets, ids_of_requests,
    errors_of_decoding, errors_end_everything,
    errors_dispose_of_the_session, unknown_attributes,
    known_options_of_a_wrong_type, payload_is_passed_on, welcome_contents,
    welcome_features_are_true, roles_are_not_enforced,
    goodbye_is_answered_once, goodbye_ends_the_session,
    transport_is_reused, subscriptions, publisher_is_excluded,
    published_comes_first, publish_errors, calls, callee_may_use_any_error, registrations,
    caller_leaves, callee_leaves, join_errors, policies,
)
EVERY_SERIALIZER = (
    uris_loose, uris_strict, uris_reserved, errors_before_the_session,
    errors_in_the_session, forms_of_messages,
)
ONCE = (
    ids_of_sessions, ids_of_publications, ids_of_router_scope,
    realm_isolation, order_on_both_brokers, order_of_calls_on_both_brokers,
    subscribed_comes_first, authorization_by_model, payload_too_long,
    shutdown_says_goodbye,
)


def main():
    global sock, port, daemon, way
    only = sys.argv[1:]

    def run(cases):
        for f in cases:
            if not only or f.__name__ in only:
                t = time.monotonic()
                run_case(f, "%s %s: " % way)
                if os.environ.get("TIMES"):
                    print("%6.2f s %s" % (time.monotonic() - t, f.__name__))
    sock, port = os.path.join(tmpdir(), "s"), free_port()
    with Wampd(CONF % {"sock": sock, "port": port}) as daemon:
        for way in WAYS:
            run(EVERY_WAY)
            if way[0] == "rawsocket":
                run(EVERY_SERIALIZER)
        way = WAYS[1]
        run(ONCE)
    if not only:
        run_case(every_error_uri_was_seen)
    done()


if __name__ == "__main__":
    main()
