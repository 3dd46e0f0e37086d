# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Remote Procedure Calls of the Advanced Profile, chapter by chapter, as
# clients see it over each transport and serializer.  Each policy, mode and
# moment is tried exhaustively in regress/unit/broker_shared_test.c,
# broker_cancel_test.c and broker_progress_test.c.

import itertools
import os
import time

from authmethods import Ticket, ticket_line
from daemon import Wampd, done, free_port, run_case, tmpdir
from wampcheck import Strict
from wampclient import *

CONF = """
prefork 2
brokers 2
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
realm "realm1" {
	authenticate ticket from $users
	role "user" { allow any }
	role "staff" {
		allow any
		disclose caller always
		trust level 7
	}
	role "secret" {
		allow any
		disclose caller never
	}
	role "some" {
		allow call
		$some
	}
}
realm "com.example.late" {
	authenticate ticket from $users
	call timeout 200ms max 300ms
	role "user" { allow any }
}
"""
SOME = 'allow register prefix "com.some."\n\t\tallow register exact "com.one"'
LESS = 'allow register prefix "com.some.p"'
PEOPLE = (("ann", "user"), ("bob", "user"), ("cat", "staff"),
          ("dan", "secret"), ("eve", "some"))
WAYS = tuple(itertools.product(("rawsocket", "websocket"), SERIALIZERS))
PV = "wamp.error.protocol_violation"
CANCELED = "wamp.error.canceled"
TIMEOUT = "wamp.error.timeout"
UNAVAILABLE = "wamp.error.unavailable"
NO_CALLEE = "wamp.error.no_available_callee"
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
EXISTS = "wamp.error.procedure_already_exists"
NOT_SUPPORTED = "wamp.error.feature_not_supported"
DISALLOWED = "wamp.error.option_disallowed.disclose_me"
INVALID_ARGUMENT = "wamp.error.invalid_argument"
CANCELING = ("call_canceling",)
RESULTS = ("call_canceling", "progressive_call_results")
PARTS = ("call_canceling", "progressive_call_invocations")
BOTH = RESULTS + PARTS

sock = port = daemon = way = None


def client(authid="ann", callee=(), caller=("progressive_call_invocations",),
           other=False, realm="realm1"):
    """Features of both roles; other: at the other tlsproxy."""
    c = Strict(("127.0.0.1", port) if other else sock, transport=way[0],
               serializer=way[1], join=False)
    roles = dict(ROLES["roles"],
                 callee={"features": {f: True for f in callee}},
                 caller={"features": {f: True for f in caller}})
    m = Ticket(authid, authid, details={"roles": roles}).join(c, realm)
    assert m[0] == WELCOME, m
    return c


def call(c, procedure, options=None, *args):
    r = c.next()
    c.send(CALL, r, options or {}, procedure, *args)
    return r


def more(c, r, procedure, options, *args):
    c.send(CALL, r, options, procedure, *args)


def invoked(c, reg, *args):
    """(request, Details) of the next message, an INVOCATION."""
    m = c.expect(INVOCATION, None, reg)
    assert m[4:] == list(args), m
    return m[1], m[3]


def refused(c, r, uri):
    m = c.expect(ERROR, CALL, r, {}, uri)
    assert len(m) == 6 and isinstance(m[5][0], str), m


def result(c, r, details, *args):
    assert c.expect(RESULT, r)[2:] == [details] + list(args)


def interrupted(c, inv, mode, reason=CANCELED):
    assert c.expect(INTERRUPT, inv)[2:] == [{"mode": mode, "reason": reason}]


# -- chapters ----------------------------------------------------------------

def call_canceling():
    """rpc_call_canceling: skip, kill, killnowait; a callee that cannot"""
    with client() as a, client("bob", CANCELING, other=True) as b, \
            client("bob") as plain:
        reg = b.register("com.cancel")
        preg = plain.register("com.cancel.plain")
        for mode, told in (("skip", None), ("killnowait", "killnowait"),
                           (None, "killnowait")):
            r = call(a, "com.cancel")
            inv, _ = invoked(b, reg)
            a.send(CANCEL, r, {} if mode is None else {"mode": mode})
            refused(a, r, CANCELED)
            if told:
                interrupted(b, inv, told)
            b.send(YIELD, inv, {}, ["late"])
            a.send(CANCEL, r, {"mode": "kill"})
        for answer in ("result", "error"):
            r = call(a, "com.cancel")
            inv, _ = invoked(b, reg)
            a.send(CANCEL, r, {"mode": "kill"})
            interrupted(b, inv, "kill")
            if answer == "result":
                b.send(YIELD, inv, {}, ["done"])
                result(a, r, {}, ["done"])
            else:
                b.send(ERROR, INVOCATION, inv, {}, CANCELED, ["stopped"])
                a.expect(ERROR, CALL, r, {}, CANCELED, ["stopped"])
        for mode in ("skip", "kill", "killnowait"):
            r = call(a, "com.cancel.plain")
            inv, _ = invoked(plain, preg)
            a.send(CANCEL, r, {"mode": mode})
            refused(a, r, CANCELED)
            plain.send(YIELD, inv, {}, ["late"])
            plain.publish("com.alive")      # no INTERRUPT came
        r = call(a, "com.cancel")
        inv, _ = invoked(b, reg)
        a.send(CANCEL, r, {"mode": "nonsense"})
        refused(a, r, INVALID_ARGUMENT)
        interrupted(b, inv, "killnowait", INVALID_ARGUMENT)
        a.publish("com.alive")
        b.publish("com.alive")


def call_timeouts():
    """rpc_call_timeout: the router's timer, the callee's, the realm's"""
    with client() as a, \
            client("bob", CANCELING + ("call_timeout",)) as b:
        reg = b.register("com.time")
        freg = b.register("com.time.own", {"forward_timeout": True})
        r = call(a, "com.time", {"timeout": 100})
        inv, d = invoked(b, reg)
        assert d == {}, d
        refused(a, r, TIMEOUT)
        interrupted(b, inv, "killnowait", TIMEOUT)
        b.send(YIELD, inv, {}, ["late"])
        r = call(a, "com.time.own", {"timeout": 100})
        inv, d = invoked(b, freg)
        assert d == {"timeout": 100}, d
        a.expect_nothing(0.2)
        b.send(ERROR, INVOCATION, inv, {}, TIMEOUT, ["mine"])
        a.expect(ERROR, CALL, r, {}, TIMEOUT, ["mine"])
    with client(realm="com.example.late") as a, \
            client("bob", CANCELING, realm="com.example.late") as b:
        reg = b.register("com.time")
        for asked, least in ((None, 0.2), (0, 0.2), (100000, 0.3)):
            began = time.monotonic()
            r = call(a, "com.time",
                     {} if asked is None else {"timeout": asked})
            inv, _ = invoked(b, reg)
            refused(a, r, TIMEOUT)
            assert time.monotonic() - began >= least - 0.01
            interrupted(b, inv, "killnowait", TIMEOUT)


def progressive_call_results():
    """rpc_progressive_call_results: some, then one more; canceled; nobody
    asked"""
    with client() as a, client("bob", RESULTS, other=True) as b, \
            client("bob", ("progressive_call_results",)) as half:
        reg = b.register("com.results")
        hreg = half.register("com.results.half")
        r = call(a, "com.results", {"receive_progress": True}, [1])
        inv, d = invoked(b, reg, [1])
        assert d == {"receive_progress": True}, d
        for i in range(20):
            b.send(YIELD, inv, {"progress": True}, ["Y", i], {"i": i})
        b.send(YIELD, inv, {"progress": True})
        b.send(YIELD, inv, {}, ["Total"])
        for i in range(20):
            result(a, r, {"progress": True}, ["Y", i], {"i": i})
        result(a, r, {"progress": True})
        result(a, r, {}, ["Total"])
        b.send(YIELD, inv, {"progress": True}, ["late"])
        r = call(a, "com.results", {"receive_progress": True})
        inv, _ = invoked(b, reg)
        b.send(YIELD, inv, {"progress": True}, [1])
        result(a, r, {"progress": True}, [1])
        a.send(CANCEL, r, {"mode": "killnowait"})
        refused(a, r, CANCELED)
        interrupted(b, inv, "killnowait")
        # without call canceling it counts for nothing
        r = call(a, "com.results.half", {"receive_progress": True})
        inv, d = invoked(half, hreg)
        assert d == {}, d
        half.send(YIELD, inv, {"progress": True}, [1])
        result(a, r, {}, [1])
        # either leaves
        r = call(a, "com.results", {"receive_progress": True})
        inv, _ = invoked(b, reg)
        b.send(YIELD, inv, {"progress": True}, [1])
        result(a, r, {"progress": True}, [1])
        b.goodbye()
        refused(a, r, CANCELED)
    with client() as a, client("bob", RESULTS) as b:
        reg = b.register("com.results")
        r = call(a, "com.results", {"receive_progress": True})
        inv, _ = invoked(b, reg)
        b.send(YIELD, inv, {"progress": True}, [1])
        result(a, r, {"progress": True}, [1])
        a.close()
        interrupted(b, inv, "killnowait")


def progressive_call_invocations():
    """rpc_progressive_call_invocations: parts, their order, their options,
    their end"""
    with client() as a, client("bob", BOTH, other=True) as b, \
            client("bob", CANCELING) as plain:
        reg = b.register("com.parts")
        plain.register("com.parts.plain")
        on = {"progress": True}
        r = call(a, "com.parts", dict(on, disclose_me=True), [0])
        inv, d = invoked(b, reg, [0])
        who = {"caller": a.id, "caller_authid": "ann",
               "caller_authrole": "user"}
        assert d == dict(who, progress=True), d
        for i in range(1, 20):
            more(a, r, "com.parts", on, [i])
            other = call(a, "com.parts", {}, ["other"])
            assert invoked(b, reg, [i]) == (inv, d)
            n, od = invoked(b, reg, ["other"])
            assert n == inv + i and od == {}, (n, od)
            b.send(YIELD, n, {})
            result(a, other, {})
        more(a, r, "com.parts", {}, ["last"])
        assert invoked(b, reg, ["last"]) == (inv, who)
        b.send(YIELD, inv, {}, ["all"])
        result(a, r, {}, ["all"])
        # what comes after the end is not heard
        more(a, r, "com.parts", on, ["late"])
        more(a, r, "com.parts", {}, ["late"])
        r = call(a, "com.parts", dict(on, receive_progress=True))
        inv, d = invoked(b, reg)
        assert d == dict(on, receive_progress=True), d
        for i in range(5):
            b.send(YIELD, inv, on, [i])
            result(a, r, on, [i])
            more(a, r, "com.parts", on, [i])
            invoked(b, reg, [i])
        b.send(ERROR, INVOCATION, inv, {}, "com.enough")
        a.expect(ERROR, CALL, r, {}, "com.enough")
        more(a, r, "com.parts", on, ["late"])
        r = call(a, "com.parts.plain", on)
        refused(a, r, NOT_SUPPORTED)
        more(a, r, "com.parts.plain", on)
        more(a, r, "com.parts.plain", {})
        a.publish("com.alive")
        b.publish("com.alive")
        plain.publish("com.alive")
        # ids of what takes no more
        r = call(a, "com.parts")
        invoked(b, reg)
        more(a, r, "com.parts", {})
        a.expect_abort(PV)
        interrupted(b, inv + 1, "killnowait")
        with client("ann", caller=()) as c:
            call(c, "com.parts", on)
            c.expect_abort(PV)


def caller_identification():
    """rpc_caller_identification: who asks for it, what the role says"""
    with client() as a, client("cat") as staff, client("dan") as secret, \
            client("bob", other=True) as b:
        reg = b.register("com.who")
        wants = b.register("com.who.wants", {"disclose_caller": True})

        def ask(c, uri, options):
            call(c, uri, options)
            inv, d = invoked(b, reg if uri == "com.who" else wants)
            b.send(YIELD, inv, {})
            c.expect(RESULT)
            return d

        def who(c, authid, role):
            return {"caller": c.id, "caller_authid": authid,
                    "caller_authrole": role}
        assert ask(a, "com.who", {}) == {}
        assert ask(a, "com.who", {"disclose_me": False}) == {}
        assert ask(a, "com.who", {"disclose_me": True}) == \
            who(a, "ann", "user")
        assert ask(a, "com.who.wants", {}) == who(a, "ann", "user")
        assert ask(staff, "com.who", {}) == who(staff, "cat", "staff")
        assert ask(secret, "com.who.wants", {}) == {}
        r = call(secret, "com.who", {"disclose_me": True})
        refused(secret, r, DISALLOWED)


def call_trustlevels():
    """rpc_call_trustlevels: the caller's role's, to callees that know it"""
    with client() as a, client("cat") as staff, \
            client("bob", ("call_trustlevels",)) as b, client("bob") as plain:
        reg = b.register("com.trust")
        preg = plain.register("com.trust.plain")
        call(staff, "com.trust")
        assert invoked(b, reg)[1]["trustlevel"] == 7
        call(staff, "com.trust.plain")
        assert "trustlevel" not in invoked(plain, preg)[1]
        call(a, "com.trust")
        assert invoked(b, reg)[1] == {}


def pattern_based_registration():
    """rpc_pattern_based_registration: the examples of the chapter"""
    rpcs = (("a1.b2.c3.d4.e55", "exact"), ("a1.b2.c3", "prefix"),
            ("a1.b2.c3.d4", "prefix"), ("a1.b2..d4.e5", "wildcard"),
            ("a1.b2.c33..e5", "wildcard"), ("a1.b2..d4.e5..g7", "wildcard"),
            ("a1.b2..d4..f6.g7", "wildcard"))
    calls = (("a1.b2.c3.d4.e55", 1), ("a1.b2.c3.d98.e74", 2),
             ("a1.b2.c3.d4.e325", 3), ("a1.b2.c55.d4.e5", 4),
             ("a1.b2.c33.d4.e5", 5), ("a1.b2.c88.d4.e5.f6.g7", 6),
             ("a2.b2.c2.d2.e2", 0))
    with client() as a, client("bob", other=True) as b:
        regs = [b.register(u, {"match": m}) for u, m in rpcs]
        assert len(set(regs)) == len(rpcs)
        for uri, n in calls:
            r = call(a, uri, {}, ["x"])
            if n == 0:
                refused(a, r, NO_SUCH_PROCEDURE)
                continue
            inv, d = invoked(b, regs[n - 1], ["x"])
            assert d == ({} if n == 1 else {"procedure": uri}), d
            b.send(YIELD, inv, {})
            result(a, r, {})
    with client() as a, client("bob") as b:
        reg = b.register("com.myapp.myobject1", {"match": "prefix"})
        for uri in ("com.myapp.myobject1.myprocedure1",
                    "com.myapp.myobject1-mysubobject1",
                    "com.myapp.myobject1.mysubobject1.myprocedure1",
                    "com.myapp.myobject1"):
            call(a, uri)
            assert invoked(b, reg)[1] == {"procedure": uri}
        for uri in ("com.myapp.myobject2", "com.myapp.myobject"):
            refused(a, call(a, uri), NO_SUCH_PROCEDURE)
        for o in ({"match": "prefix"}, {"match": "prefix",
                                        "invoke": "first"}):
            r = a.next()
            a.send(REGISTER, r, o, "com.myapp.myobject1")
            a.expect(ERROR, REGISTER, r, {}, EXISTS)
        assert a.register("com.myapp.myobject1") != reg


def shared_registration():
    """rpc_shared_registration: each policy, conflicts, concurrency"""
    orders = {"first": "000", "last": "222", "roundrobin": "0120"}
    for policy in ("first", "last", "roundrobin", "random"):
        with client() as a, client("bob", other=True) as b0, \
                client("bob") as b1, client("cat", other=True) as b2:
            b = (b0, b1, b2)
            o = {"invoke": policy}
            regs = {c.register("com.share", o) for c in b + (b0,)}
            assert len(regs) == 1, regs
            r = a.next()
            a.send(REGISTER, r, {}, "com.share")
            a.expect(ERROR, REGISTER, r, {}, EXISTS)
            if policy == "random":
                continue
            for n in orders[policy]:
                r = call(a, "com.share")
                inv, _ = invoked(b[int(n)], min(regs))
                b[int(n)].send(YIELD, inv, {}, [n])
                result(a, r, {}, [n])
    with client() as a, client("bob") as b:
        reg = b.register("com.share", {"invoke": "roundrobin",
                                       "concurrency": 1})
        r = call(a, "com.share")
        inv, _ = invoked(b, reg)
        refused(a, call(a, "com.share"), NO_CALLEE)
        b.send(YIELD, inv, {})
        result(a, r, {})
        # somebody takes it all
        r = a.next()
        a.send(REGISTER, r, {"force_reregister": True}, "com.share")
        new = a.expect(REGISTERED, r)[2]
        call(b, "com.share")
        invoked(a, new)


def call_rerouting():
    """rpc_call_rerouting: another callee, none; one that did not announce
    it"""
    with client() as a, client("bob", ("call_reroute",)) as b0, \
            client("bob", ("call_reroute",), other=True) as b1, \
            client("bob") as b2:
        for policy, order in (("first", (b0, b1)), ("last", (b1, b0)),
                              ("roundrobin", (b0, b1))):
            uri = "com.reroute." + policy
            reg = b0.register(uri, {"invoke": policy})
            b1.register(uri, {"invoke": policy})
            r = call(a, uri, {}, ["args"], {"k": 1})
            for c in order:
                inv, _ = invoked(c, reg, ["args"], {"k": 1})
                c.send(ERROR, INVOCATION, inv, {}, UNAVAILABLE)
            refused(a, r, NO_CALLEE)
            one, two = order if policy != "roundrobin" else (b1, b0)
            r = call(a, uri)
            inv, _ = invoked(one, reg)
            one.send(ERROR, INVOCATION, inv, {}, UNAVAILABLE)
            inv, _ = invoked(two, reg)
            two.send(YIELD, inv, {}, ["taken"])
            result(a, r, {}, ["taken"])
        reg = b2.register("com.reroute.plain")
        r = call(a, "com.reroute.plain")
        inv, _ = invoked(b2, reg)
        b2.send(ERROR, INVOCATION, inv, {}, UNAVAILABLE, ["busy"])
        assert a.expect(ERROR, CALL, r, {}, UNAVAILABLE)[5] == ["busy"]


def registration_revocation():
    """rpc_registration_revocation: by a reload, by another session"""
    with client("eve", ("registration_revocation",)) as b, \
            client("eve") as plain, client() as a:
        keeps = b.register("com.some.procedure")
        loses = [b.register("com.one"),
                 b.register("com.some.", {"match": "prefix"})]
        plain.register("com.some.other")
        assert daemon.reload(CONF.replace("$some", LESS))
        told = {}
        for _ in loses:
            m = b.expect(UNREGISTERED, 0)
            told[m[2]["registration"]] = m[2]["reason"]
        assert set(told) == set(loses), (told, loses)
        assert all(told.values()), told
        refused(a, call(a, "com.one"), NO_SUCH_PROCEDURE)
        refused(a, call(a, "com.some.other"), NO_SUCH_PROCEDURE)
        call(a, "com.some.procedure")
        invoked(b, keeps)
        r = plain.call("com.none")          # nothing came before
        plain.expect(ERROR, CALL, r, {}, NO_SUCH_PROCEDURE)
        assert daemon.reload(CONF.replace("$some", SOME))
    with client("bob", ("registration_revocation",)) as b, client() as a:
        reg = b.register("com.mine")
        r = a.next()
        a.send(REGISTER, r, {"force_reregister": True}, "com.mine")
        a.expect(REGISTERED, r)
        m = b.expect(UNREGISTERED, 0)
        assert m[2]["registration"] == reg and m[2]["reason"], m


def features_are_announced():
    """Feature Announcement: what the cases here have shown"""
    with client() as c:
        got = c.welcome["roles"]["dealer"]["features"]
        for name in ("progressive_call_results",
                     "progressive_call_invocations", "call_timeout",
                     "call_canceling", "caller_identification",
                     "call_trustlevels", "pattern_based_registration",
                     "shared_registration", "registration_revocation",
                     "call_reroute"):
            assert got.get(name) is True, (name, got)


CASES = (call_canceling, call_timeouts, progressive_call_results,
         progressive_call_invocations, caller_identification,
         call_trustlevels, pattern_based_registration, shared_registration,
         call_rerouting, registration_revocation, features_are_announced)


def main():
    global sock, port, daemon, way
    d = tmpdir()
    sock, port = os.path.join(d, "s"), free_port()
    users = os.path.join(d, "users")
    with open(users, "w") as f:
        f.write("".join(ticket_line(a, a, role) + "\n"
                        for a, role in PEOPLE))
    os.chmod(users, 0o600)
    with Wampd(CONF.replace("$some", SOME),
               macros={"sock": sock, "port": port, "users": users}) as daemon:
        for way in WAYS:
            for case in CASES:
                run_case(case, "%s %s: " % way)
    done()


if __name__ == "__main__":
    main()
