# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What roles may do: what a client is told and what "wampd -n -t" says are
# the same, who may not learns nothing, and a reload changes both.

import os

from daemon import Wampd, run_cases, run_wampd, tmpdir
from wampcheck import Strict
from wampclient import *

NOT_AUTHORIZED = "wamp.error.not_authorized"

RULES = """
	role "device" {
		allow publish, subscribe prefix "com.user.{authid}."
		allow subscribe wildcard "com..{authid}_x"
		allow any exact "com.{authrole}.{authid}"
		deny publish prefix "com.user.{authid}.secret"
		allow call prefix "com.open."
		deny call exact "com.open.{authid}"
		allow register exact "com.open.taken"
		deny any prefix "com.open.closed"
	}
"""
FIRST = 8       # line of the first rule below

CONF = """prefork 1
listen on socket $sock mode 0666
realm "plain" {
	authenticate socket { any authid "gate-7" role "device" }
	authenticate anonymous role "public"
	role "public" { allow any prefix "com.open." allow any prefix "com.user." }
%s}
realm "dots" {
	authenticate socket { any authid "gate.7" role "device" }
	authenticate anonymous role "public"
	role "public" { allow any }
%s}
realm "prefixed" {
	authenticate socket { any authid "gate" role "device" }
%s}
realm "strict" {
	uri strict
	authenticate socket { any authid "Gate" role "device" }
%s}
""" % ((RULES.lstrip("\n"),) * 4)

# realm, action, uri, allowed, number of the rule (None: none matches)
CASES = [
    ("plain", "publish", "com.user.gate-7.t", True, 0),
    ("plain", "subscribe", "com.user.gate-7.t.u", True, 0),
    ("plain", "call", "com.user.gate-7.t", False, None),
    ("plain", "publish", "com.user.gate-7", False, None),
    ("plain", "publish", "com.user.gate-77.t", False, None),
    ("plain", "publish", "com.user.other.t", False, None),
    ("plain", "publish", "com.user.{authid}.t", False, None),
    ("plain", "subscribe", "com.abc.gate-7_x", True, 1),
    ("plain", "subscribe", "com.abc.gate-7_y", False, None),
    ("plain", "call", "com.device.gate-7", True, 2),
    ("plain", "register", "com.device.gate-7", True, 2),
    ("plain", "call", "com.public.gate-7", False, None),
    ("plain", "publish", "com.user.gate-7.secrets", False, 3),
    ("plain", "publish", "com.user.gate-7.secret.x", False, 3),
    ("plain", "subscribe", "com.user.gate-7.secret", True, 0),
    ("plain", "call", "com.open.x", True, 4),
    ("plain", "call", "com.open.gate-7", False, 5),
    # an authid with a dot: nothing is allowed by it, all of it denied
    ("dots", "publish", "com.user.gate.7.t", False, None),
    ("dots", "publish", "com.user.gate.t", False, None),
    ("dots", "publish", "com.user.x.secret", False, 3),
    ("dots", "call", "com.open.gate.7", True, 4),
    ("dots", "call", "com.open.x", False, 5),
    ("dots", "call", "com.device.gate.7", False, None),
    ("prefixed", "publish", "com.user.gate.t", True, 0),
    ("prefixed", "publish", "com.user.gate-7.t", False, None),
    ("prefixed", "call", "com.open.gate-7", True, 4),
    # no component of a URI there
    ("strict", "publish", "com.user.gate.t", False, None),
    ("strict", "call", "com.open.x", False, 5),
]
AUTHIDS = {"plain": "gate-7", "dots": "gate.7", "prefixed": "gate",
           "strict": "Gate"}


def member(sock, realm, **kw):
    """By SO_PEERCRED; Strict looks at all that comes."""
    return Strict(sock, realm=realm, **kw)


def public(sock, realm, **kw):
    return Strict(sock, realm=realm, details=dict(
        ROLES, authmethods=["anonymous"]), **kw)


def attempt(c, action, uri):
    """The answer without its request id."""
    r = c.next()
    if action == "publish":
        c.send(PUBLISH, r, {"acknowledge": True}, uri)
    elif action == "subscribe":
        c.send(SUBSCRIBE, r, {}, uri)
    elif action == "register":
        c.send(REGISTER, r, {}, uri)
    else:
        c.send(CALL, r, {}, uri)
    while True:
        m = c.recv()
        if m[0] == ERROR and m[2] == r:
            return m[:2] + m[3:]
        if m[0] in (PUBLISHED, SUBSCRIBED, REGISTERED, RESULT) and m[1] == r:
            return m[:1]


def is_denied(m):
    return m[0] == ERROR and m[3] == NOT_AUTHORIZED


def ask(conf, questions, status):
    args = ["-n", "-D", "sock=" + os.path.join(tmpdir(), "s")]
    for q in questions:
        args += ["-t", q]
    rc, out, err = run_wampd(args, conf)
    assert rc == status, (rc, out, err)
    return out.splitlines(), err


def clients_and_questions():
    """a client may do what wampd -n -t says, and by that rule"""
    sock = os.path.join(tmpdir(), "s")
    questions = ['%s device %s %s authid %s' %
                 (realm, action, uri, AUTHIDS[realm])
                 for realm, action, uri, may, rule in CASES]
    lines, err = ask(CONF, questions, 3)
    assert len(lines) == len(CASES), lines
    rules = [i + 1 for i, l in enumerate(CONF.splitlines())
             if l.startswith("\t\t")]
    assert rules[0] == FIRST, rules
    with Wampd(CONF, macros={"sock": sock}):
        cs = {realm: member(sock, realm) for realm in AUTHIDS}
        for i, (realm, action, uri, may, rule) in enumerate(CASES):
            # twice: as it is found out, and as it is remembered
            for _ in range(2):
                m = attempt(cs[realm], action, uri)
                assert is_denied(m) == (not may), (CASES[i], m)
            line = rules[8 * list(AUTHIDS).index(realm) + (rule or 0)]
            want = "denied, no rule matches" if rule is None else \
                "%s by " % ("allowed" if may else "denied")
            assert lines[i].startswith(questions[i] + ": " + want), lines[i]
            assert rule is None or lines[i].endswith(":%d" % line), \
                (lines[i], line)
        for c in cs.values():
            c.close()


def questions():
    """wampd -n -t: patterns, exit statuses, what is no question"""
    for q, may in (
            ("plain device subscribe com.user.g. prefix authid g", True),
            ("plain device subscribe com.user.g prefix authid g", False),
            ("plain device subscribe com.user.. wildcard authid g", False),
            ("plain device subscribe com.user.g. wildcard authid g", True),
            ('"plain" "device" subscribe com.user.g.t exact authid "g"', True),
            ("plain device subscribe com.user.g.t", False),
            ("plain public register com.open. prefix", True),
            ("plain public register com. prefix", False),
            ("plain public publish wamp.x", False),
            ("dots public call wamp.x", False),
            ("dots public register wamp.x", False)):
        lines, err = ask(CONF, [q], 0 if may else 3)
        assert len(lines) == 1 and \
            (": allowed by" in lines[0]) == may, (q, lines)
    good = "dots public call a.b"
    assert len(ask(CONF, [good, good], 0)[0]) == 2
    assert len(ask(CONF, [good, "plain device call a.b", good], 3)[0]) == 3
    for q in ("", "plain", "plain device call", "nowhere device call a.b",
              "plain nobody call a.b", "plain device dance a.b",
              "plain device call a..b", "plain device call a.b fuzzy",
              "plain device call a.b authid", "plain device call a. prefix",
              "strict device call A", "plain device call a.b exact authid",
              "plain device call a.b authid x exact", 'plain "device call a',
              "plain device call a.b exact authid x y"):
        lines, err = ask(CONF, [good, q], 1)
        assert len(lines) == 1 and "wampd: -t '%s': " % q in err, (q, err)
    rc, out, err = run_wampd(["-t", good])
    assert rc == 1 and "usage" in err, err
    # a configuration that is wrong answers nothing
    rc, out, err = run_wampd(["-n", "-t", good], "nonsense\n")
    assert rc == 1 and out == "", (out, err)


RESERVED = """prefork 1
listen on socket $sock mode 0666
realm "any" {
	authenticate anonymous role "x"
	role "x" { allow any allow any prefix "" allow any prefix "wamp" }
}
realm "read" {
	authenticate anonymous role "x"
	role "x" {
		allow meta read
		deny subscribe prefix "wamp.registration."
		allow call exact "wamp.session.kill"
	}
}
realm "write" {
	authenticate anonymous role "x"
	role "x" {
		deny any
		allow meta write
		allow subscribe wildcard "wamp..on_join"
		deny any
		allow call
		deny any prefix "wamp"
	}
}
realm "both" {
	authenticate anonymous role "x"
	role "x" { allow meta read, write deny meta write }
}
realm "asks" {
	authenticate anonymous role "x"
	role "x" {
		allow register
		allow register exact "com.other"
	}
	role "guard" { allow register exact "com.asked" }
	role "asker" { authorize dynamic "com.asked" }
}
"""

# realm, question, allowed, line
RESERVED_CASES = [
    ("any", "call wamp.session.count", False, None),
    ("any", "call wamp.session.kill", False, None),
    ("any", "call wamp.session.kill_all", False, None),
    ("any", "call wamp.session.add_testament", True, 5),
    ("any", "call wamp.session.flush_testaments", True, 5),
    ("any", "call wamp.subscription.get_events", True, 5),
    ("any", "subscribe wamp.session.on_join", False, None),
    ("any", "subscribe wamp.session.add_testament", False, None),
    ("any", "subscribe wamp", False, None),
    ("any", "call wampum.x", True, 5),
    ("any", "subscribe wamp prefix", True, 5),
    ("any", "subscribe wamp. prefix", False, None),
    ("any", "subscribe wamp.. wildcard", False, None),
    ("any", "subscribe ..on_join wildcard", True, 5),
    ("any", "register wamp. prefix", False, None),
    ("any", "register wamp prefix", True, 5),
    ("read", "call wamp.session.count", True, 10),
    ("read", "call wamp.session.kill", True, 12),
    ("read", "call wamp.session.kill_all", False, None),
    ("read", "call wamp.session.modify_details", False, None),
    ("read", "call wamp.registration.remove_callee", False, None),
    ("read", "call wamp.subscription.remove_subscriber", False, None),
    ("read", "call wamp.session.add_testament", False, None),
    ("read", "call wamp.no.such", True, 10),
    ("read", "subscribe wamp.session.on_join", True, 10),
    ("read", "subscribe wamp.registration.on_create", False, 11),
    ("read", "subscribe wamp.session. prefix", True, 10),
    ("read", "subscribe wamp. prefix", False, 11),
    ("read", "subscribe wamp..on_create wildcard", False, 11),
    ("read", "publish wamp.x", False, None),
    ("read", "call a.b", False, None),
    ("write", "call wamp.session.kill", True, 19),
    ("write", "call wamp.session.count", False, None),
    ("write", "call wamp.session.add_testament", False, 23),
    ("write", "subscribe wamp.session.on_join", True, 20),
    ("write", "subscribe wamp..on_join wildcard", True, 20),
    ("write", "subscribe wamp.session.on_leave", False, None),
    ("both", "call wamp.session.count", True, 28),
    ("both", "call wamp.session.kill", False, 28),
    ("asks", "register com.asked", False, None),
    ("asks", "register com. prefix", False, None),
    ("asks", "register .asked wildcard", False, None),
    ("asks", "register com.asked. prefix", True, 33),
    ("asks", "register .other wildcard", True, 33),
]


def reserved():
    """below wamp. only meta rules count, and those that speak of it"""
    sock = os.path.join(tmpdir(), "s")
    questions = ["%s x %s" % (realm, q) for realm, q, may, line
                 in RESERVED_CASES]
    lines, err = ask(RESERVED, questions, 3)
    with Wampd(RESERVED, macros={"sock": sock}):
        cs = {realm: Strict(sock, realm=realm)
              for realm in {c[0] for c in RESERVED_CASES}}
        for (realm, q, may, line), said in zip(RESERVED_CASES, lines):
            verdict = said[said.rindex(": ") + 2:]
            assert verdict.split()[0].rstrip(",") == \
                ("allowed" if may else "denied"), said
            assert line is None or said.endswith(":%d" % line), (said, line)
            words = q.split()
            if len(words) == 2 and words[0] not in ("publish", "register"):
                m = attempt(cs[realm], *words)
                assert is_denied(m) == (not may), (realm, q, m)
        for c in cs.values():
            c.close()


def T26_missing_and_forbidden():
    """T26: who may not cannot tell what is there from what is not"""
    sock = os.path.join(tmpdir(), "s")
    with Wampd(CONF, macros={"sock": sock}) as w:
        for transport, ser in (("rawsocket", "msgpack"),
                               ("websocket", "json")):
            kw = {"transport": transport, "serializer": ser}
            with public(sock, "plain", **kw) as p, \
                    member(sock, "plain", **kw) as c:
                # all of it in use by somebody else
                p.register("com.open.closed.here")
                p.subscribe("com.open.closed.here")
                p.register("com.user.other.here")
                p.subscribe("com.user.other.here")
                for action in ("call", "register", "subscribe", "publish"):
                    seen = [attempt(c, action, u)
                            for u in ("com.open.closed.here",
                                      "com.open.closed.not",
                                      "com.user.other.here",
                                      "com.user.other.not")]
                    assert all(is_denied(m) for m in seen), seen
                    assert all(m == seen[0] for m in seen), seen
                # the one who may is told
                p.register("com.open.taken")
                m = attempt(c, "register", "com.open.taken")
                assert m[3] == "wamp.error.procedure_already_exists", m
                m = attempt(c, "call", "com.open.none")
                assert m[3] == "wamp.error.no_such_procedure", m
                # what is not acknowledged is not answered, there or not
                for u in ("com.open.closed.here", "com.open.closed.not"):
                    c.send(PUBLISH, c.next(), {}, u)
                # an id that is another's is one that is not there
                other = p.subscribe("com.user.more")
                for code, ids in ((UNSUBSCRIBE, (other, other + 1000)),
                                  (UNREGISTER, (p.register("com.user.more"),
                                                99999))):
                    seen = []
                    for n in ids:
                        r = c.next()
                        c.send(code, r, n)
                        m = c.expect(ERROR, code, r)
                        seen.append(m[3:])
                    assert seen[0] == seen[1], seen
                # nothing of it came through
                p.expect_nothing(0.1)


def reload():
    """a reload changes what is allowed, and what was remembered of it"""
    sock = os.path.join(tmpdir(), "s")
    less = CONF.replace('allow publish, subscribe prefix "com.user.{authid}."',
                        'allow publish prefix "com.user.{authid}."')
    assert less != CONF
    with Wampd(CONF, macros={"sock": sock}) as w:
        with member(sock, "plain") as c:
            topic = "com.user.gate-7.t"
            sub = c.subscribe(topic)
            for n in range(3):
                assert w.reload(less)
                w.wait_log("lost its subscription to " + topic, count=n + 1)
                assert is_denied(attempt(c, "subscribe", topic))
                assert not is_denied(attempt(c, "publish", topic))
                assert w.reload(CONF)
                sub = c.subscribe(topic)
        assert sub


if __name__ == "__main__":
    run_cases([clients_and_questions, questions, reserved, T26_missing_and_forbidden,
               reload])
