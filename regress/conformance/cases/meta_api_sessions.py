# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Session Meta API.

from conformance import *

S = "wamp.session."
NO_SESSION = "wamp.error.no_such_session"
KILLED = "wamp.close.killed"
KEYS = {"session", "authid", "authrole", "authmethod", "authprovider"}


def realm_of(*who):
    """A new realm, one who asks, and sessions of these authids."""
    realm = fresh()
    return (realm, client(realm)) + tuple(client(realm, who=w) for w in who)


def gone(c, reason=KILLED, details=None):
    """It was told so, and answers."""
    m = c.recv()
    assert m[0] == GOODBYE and m[2] == reason, m
    assert m[1] == (details or {}), m
    c.send(GOODBYE, {}, "wamp.close.goodbye_and_out")


def is_announced():
    assert features("broker")["session_meta_api"] is True
    assert features("dealer")["session_meta_api"] is True


def on_join():
    realm, w = realm_of()
    s = w.subscribe(S + "on_join")
    for who in ("ann", None):
        c = client(realm, who=who)
        args = event(w, s)
        assert len(args) == 1 and KEYS <= set(args[0]), args
        assert args[0]["session"] == c.id
        for k in KEYS - {"session"}:
            assert args[0][k] == c.welcome[k], (k, args)
        assert set(args[0]) - KEYS <= {"transport"}, args
        assert type(args[0].get("transport", {})) is dict, args


def on_leave():
    realm, w, c, d, e = realm_of("ann", "bob", None)
    s = w.subscribe(S + "on_leave")
    c.close()
    assert event(w, s) == [c.id, "ann", "one"]
    d.goodbye()
    assert event(w, s) == [d.id, "bob", "two"]
    e.send(999)
    assert event(w, s) == [e.id, e.welcome["authid"], "all"]


def in_the_same_realm():
    realm, w = realm_of()
    other = client(fresh())
    for t in ("on_join", "on_leave"):
        w.subscribe(S + t)
        other.subscribe(S + t)
    c = client(realm)
    assert w.expect(EVENT)[4][0]["session"] == c.id
    c.goodbye()
    assert w.expect(EVENT)[4][0] == c.id
    quiet(other)


def procedures_of_the_same_realm():
    realm, w, c = realm_of("ann")
    other = client(fresh())
    other.refused(CALL, {}, S + "get", [c.id], NO_SESSION)
    other.refused(CALL, {}, S + "kill", [c.id], NO_SESSION)
    assert result(other, S + "list") == [[other.id]]
    assert result(other, S + "kill_all") == [0]
    quiet(c)


def count():
    realm, w, *cs = realm_of("ann", "abe", "bob")
    assert result(w, S + "count") == [4]
    assert result(w, S + "count", [["one"]]) == [2]
    assert result(w, S + "count", [["one", "two"]]) == [3]
    assert result(w, S + "count", [["nobody"]]) == [0]
    assert result(w, S + "count", [[]]) == [0]


def listing():
    realm, w, a, b, c = realm_of("ann", "abe", "bob")

    def ids(*args):
        (got,) = result(w, S + "list", args)
        assert len(set(got)) == len(got), got
        return set(got)
    assert ids() == {w.id, a.id, b.id, c.id}
    assert ids(["one"]) == {a.id, b.id}
    assert ids(["two", "all"]) == {c.id, w.id}
    assert ids(["nobody"]) == set()


def get():
    realm, w, c = realm_of("ann")
    (d,) = result(w, S + "get", [c.id])
    assert KEYS <= set(d) and d["session"] == c.id, d
    for k in KEYS - {"session"}:
        assert d[k] == c.welcome[k], (k, d)
    # oneself, too
    assert result(w, S + "get", [w.id])[0]["session"] == w.id


def get_of_no_session():
    realm, w, c = realm_of("ann")
    c.goodbye()
    for i in (c.id, 7):
        w.refused(CALL, {}, S + "get", [i], NO_SESSION)


def kill():
    realm, w, c, d = realm_of("ann", "abe")
    result(w, S + "kill", [c.id])
    gone(c)
    quiet(d)
    w.refused(CALL, {}, S + "get", [c.id], NO_SESSION)


def kill_of_no_session():
    realm, w, c = realm_of("ann")
    c.goodbye()
    for i in (c.id, 7):
        w.refused(CALL, {}, S + "kill", [i], NO_SESSION)


def kill_oneself():
    realm, w = realm_of()
    w.refused(CALL, {}, S + "kill", [w.id], NO_SESSION)
    quiet(w)


def kill_with_a_reason():
    realm, w, c, d, e = realm_of("ann", "abe", "bob")
    result(w, S + "kill", [c.id], {"reason": "com.example.maintenance",
                                   "message": "back at eight"})
    gone(c, "com.example.maintenance", {"message": "back at eight"})
    result(w, S + "kill", [d.id], {"reason": "com.example.maintenance"})
    gone(d, "com.example.maintenance")
    result(w, S + "kill", [e.id], {"message": "enough"})
    gone(e, KILLED, {"message": "enough"})


def kill_with_an_invalid_reason():
    realm, w, c = realm_of("ann")
    for bad in ("", "a..b", "not a uri"):
        for p, args in (("kill", [c.id]), ("kill_by_authid", ["ann"]),
                        ("kill_by_authrole", ["one"]), ("kill_all", [])):
            w.refused(CALL, {}, S + p, args, {"reason": bad}, INVALID_URI)
    quiet(c)


def killed_sessions_leave():
    realm, w, c = realm_of("ann")
    c.register(uri())
    s = w.subscribe(S + "on_leave")
    result(w, S + "kill", [c.id])
    assert event(w, s) == [c.id, "ann", "one"]
    gone(c)
    w.register(uri())


def killed_sessions_are_not_heard():
    realm, w, c = realm_of("ann")
    s = w.subscribe(uri())
    result(w, S + "kill", [c.id])
    c.send(PUBLISH, 1, {}, uri())   # before it reads the GOODBYE
    gone(c)
    client(realm).publish(uri(), "then")
    assert event(w, s) == ["then"]


def kill_by_authid():
    realm, w, c, d, e = realm_of("ann", "ann", "abe")
    (got,) = result(w, S + "kill_by_authid", ["ann"])
    assert sorted(got) == sorted([c.id, d.id]), got
    gone(c)
    gone(d)
    quiet(e)
    assert result(w, S + "kill_by_authid", ["ann"]) == [[]]


def kill_by_authid_with_a_reason():
    realm, w, c, d = realm_of("ann", "bob")
    result(w, S + "kill_by_authid", ["ann"], {"reason": "com.bye",
                                              "message": "bye"})
    gone(c, "com.bye", {"message": "bye"})
    quiet(d)


def kill_by_authid_spares_the_caller():
    realm, w, c, d = realm_of("ann", "ann")
    (got,) = result(c, S + "kill_by_authid", ["ann"])
    assert got == [d.id], got
    gone(d)
    quiet(c)


def kill_by_authrole():
    realm, w, c, d, e = realm_of("ann", "abe", "bob")
    assert result(w, S + "kill_by_authrole", ["one"]) == [2]
    gone(c)
    gone(d)
    quiet(e)
    assert result(w, S + "kill_by_authrole", ["one"]) == [0]


def kill_by_authrole_with_a_reason():
    realm, w, c, d = realm_of("ann", "bob")
    result(w, S + "kill_by_authrole", ["two"], {"reason": "com.bye",
                                                "message": "bye"})
    gone(d, "com.bye", {"message": "bye"})
    quiet(c)


def kill_by_authrole_spares_the_caller():
    realm, w, c, d = realm_of("ann", "abe")
    assert result(c, S + "kill_by_authrole", ["one"]) == [1]
    gone(d)
    quiet(c)


def kill_all():
    realm, w, *cs = realm_of("ann", "abe", "bob", None)
    assert result(w, S + "kill_all") == [4]
    for c in cs:
        gone(c)
    assert result(w, S + "count") == [1]
    quiet(w)


def kill_all_with_a_reason():
    realm, w, c = realm_of("ann")
    assert result(w, S + "kill_all", [], {"reason": "com.bye",
                                          "message": "bye"}) == [1]
    gone(c, "com.bye", {"message": "bye"})


def kill_all_is_silent():
    realm, w, c, d = realm_of("ann", "bob")
    w.subscribe(S + "on_leave")
    s = w.subscribe(uri())
    result(c, "wamp.session.add_testament", [uri(), ["will"], {}])
    assert result(w, S + "kill_all") == [2]
    gone(c)
    gone(d)
    assert result(w, S + "count") == [1]
    client(realm).publish(uri(), "then")
    assert event(w, s) == ["then"]


def arguments_of_a_wrong_type():
    realm, w = realm_of()
    for p, args in (("get", []), ("get", ["x"]), ("kill", []),
                    ("kill", ["x"]), ("kill_by_authid", []),
                    ("kill_by_authid", [7]), ("kill_by_authrole", [[]]),
                    ("count", ["one"]), ("list", [[7]])):
        w.refused(CALL, {}, S + p, args, INVALID_ARGUMENT)


def unknown_procedures():
    realm, w = realm_of()
    w.refused(CALL, {}, S + "nothing", NO_SUCH_PROCEDURE)


def only_for_who_may():
    for p, args in (("count", []), ("list", []), ("get", [1]),
                    ("kill", [1]), ("kill_all", [])):
        client(RULES).refused(CALL, {}, S + p, args, NOT_AUTHORIZED)
        client(STRICT).refused(CALL, {}, S + p, args, NOT_AUTHORIZED)
    for t in ("on_join", "on_leave"):
        client(STRICT).refused(SUBSCRIBE, {}, S + t, NOT_AUTHORIZED)


def not_for_patterns_that_say_nothing_of_them():
    realm, w = realm_of()
    for u, match in (("", "prefix"), ("..on_join", "wildcard")):
        w.subscribe(u, {"match": match})
    s = w.subscribe("wamp.session", {"match": "prefix"})
    c = client(realm)
    m = w.expect(EVENT, s)
    assert m[3]["topic"] == S + "on_join" and \
        m[4][0]["session"] == c.id, m
    quiet(w)
