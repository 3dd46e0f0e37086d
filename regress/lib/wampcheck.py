# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A client that holds the router to its word: every message that comes is
# checked against the specification's "Message Definitions", "IDs", "Ordering
# Guarantees" and the rules of who may say what when, whatever the case at
# hand is about.  Wrong raises Unlawful.

import json
import re

from wampclient import *

PREDEFINED = re.compile(r"[a-z][a-z0-9_]{2,}\Z|_[a-z0-9_]{3,}\Z")
# the specification's loose rule
URI = re.compile(r"([^\s\.#]+\.)*([^\s\.#]+)\Z")
ID_MAX = 2 ** 53

# code: types of the elements behind it, up to Arguments.  "a": Arguments and
# ArgumentsKw may follow.
LAYOUT = {
    WELCOME: "id", ABORT: "dua", GOODBYE: "du", ERROR: "cidua",
    PUBLISHED: "ii", SUBSCRIBED: "ii", UNSUBSCRIBED: "i", EVENT: "iida",
    RESULT: "ida", REGISTERED: "ii", UNREGISTERED: "i", INVOCATION: "iida",
    INTERRUPT: "id", CHALLENGE: "ud",
}
# without a request: taken back by the router
REVOKED = {UNSUBSCRIBED: "subscription", UNREGISTERED: "registration"}
ANSWERS = {PUBLISHED: PUBLISH, SUBSCRIBED: SUBSCRIBE,
           UNSUBSCRIBED: UNSUBSCRIBE, REGISTERED: REGISTER,
           UNREGISTERED: UNREGISTER, RESULT: CALL}
REQUESTS = (PUBLISH, SUBSCRIBE, UNSUBSCRIBE, REGISTER, UNREGISTER, CALL)


class Unlawful(AssertionError):
    """The router broke the specification."""


def unique_keys(pairs):
    d = dict(pairs)
    if len(d) != len(pairs):
        raise Unlawful("a key twice: %r" % (pairs,))
    return d


def check_type(kind, v, m):
    good = {
        "i": lambda: type(v) is int and 1 <= v <= ID_MAX,
        "c": lambda: type(v) is int and v in REQUESTS + (YIELD,),
        "d": lambda: type(v) is dict and all(
            type(k) is str and PREDEFINED.match(k) for k in v),
        "u": lambda: type(v) is str and URI.match(v),
    }[kind]()
    if not good:
        raise Unlawful("%r is no %s in %r" % (v, kind, m))


def check_layout(m):
    """WAMP, Message Definitions"""
    if type(m) is not list or not m or type(m[0]) is not int or \
            m[0] not in LAYOUT:
        raise Unlawful("not a message of a router: %r" % (m,))
    if m[0] in REVOKED and m[1:2] == [0]:
        check_revoked(m)
        return
    layout = LAYOUT[m[0]]
    fixed = layout.rstrip("a")
    most = len(fixed) + 1 + (2 if layout[-1] == "a" else 0)
    if not len(fixed) + 1 <= len(m) <= most:
        raise Unlawful("number of elements: %r" % (m,))
    for kind, v in zip(fixed, m[1:]):
        check_type(kind, v, m)
    tail = m[len(fixed) + 1:]
    if tail and type(tail[0]) is not list or \
            len(tail) > 1 and type(tail[1]) is not dict:
        raise Unlawful("Arguments: %r" % (m,))


def check_revoked(m):
    """WAMP, Subscription Revocation and Registration Revocation"""
    if len(m) != 3:
        raise Unlawful("number of elements: %r" % (m,))
    check_type("d", m[2], m)
    check_type("i", m[2].get(REVOKED[m[0]]), m)
    if type(m[2].get("reason", "")) is not str:
        raise Unlawful("reason is no text: %r" % (m,))


class Strict(Client):
    """own_errors: the callees of this case send no wamp. errors, so each of
    these is the router's and says in English what is wrong."""

    def __init__(self, *args, own_errors=True, **kw):
        self.own_errors = own_errors
        self.errors = set()     # error and close URIs seen, of all sessions
        self.reset()
        self.ended = False
        super().__init__(*args, **kw)
        if self.ser == "json":
            self.loads = lambda b: json.loads(
                b.decode(), object_pairs_hook=unique_keys)

    def reset(self):
        """A session begins."""
        self.pending = {}       # request: message
        self.subs = set()
        self.regs = set()
        self.invocation = 0
        self.unfinished = set() # invocations of which more may come

    # -- what is sent --------------------------------------------------------

    def note(self, m):
        if type(m) is list and len(m) > 2 and m[0] in REQUESTS and \
                type(m[1]) is int:
            if m[0] != PUBLISH or type(m[2]) is dict and \
                    m[2].get("acknowledge") is True:
                self.pending[m[1]] = m

    def send(self, *msg):
        self.note(list(msg))
        super().send(*msg)

    def batch(self, msgs):
        """Many messages in one write."""
        msgs = list(msgs)
        for m in msgs:
            self.note(m)
        self.write(b"".join(self.frame(self.dumps(m)) for m in msgs))

    def join(self, *args, **kw):
        self.reset()
        self.ended = False
        return super().join(*args, **kw)

    # -- what comes ------------------------------------------------------------

    def recv(self, timeout=None):
        m = super().recv(timeout)
        check_layout(m)
        if self.ended:
            raise Unlawful("after ABORT or GOODBYE: %r" % m)
        self.follow(m)
        return m

    def request_of(self, m, code, request):
        q = self.pending.pop(request, None)
        if q is None or q[0] != code:
            raise Unlawful("answers nothing that was asked: %r" % m)
        return q

    def follow(self, m):
        code = m[0]
        if code in REVOKED and m[1] == 0:
            self.follow_revoked(m)
        elif code in (ABORT, GOODBYE):
            self.ended = True
            self.errors.add(m[2])
            # a client that kills another may have nothing to say
            if "message" not in m[1] and m[2].startswith("wamp.") and \
                    m[2] not in ("wamp.close.goodbye_and_out",
                                 "wamp.close.killed"):
                raise Unlawful("says not what is wrong: %r" % m)
            if m[1].get("message", "x") == "" or \
                    type(m[1].get("message", "")) is not str:
                raise Unlawful("message is no text: %r" % m)
        elif code in ANSWERS:
            q = self.request_of(m, ANSWERS[code], m[1])
            if code == RESULT and m[2].get("progress"):
                self.pending[m[1]] = q
            elif code == SUBSCRIBED:
                self.subs.add(m[2])
            elif code == UNSUBSCRIBED:
                self.subs.discard(q[2])
            elif code == REGISTERED:
                self.regs.add(m[2])
            elif code == UNREGISTERED:
                self.regs.discard(q[2])
        elif code == ERROR:
            self.follow_error(m)
        elif code == EVENT and m[1] not in self.subs:
            raise Unlawful("EVENT before SUBSCRIBED or after "
                           "UNSUBSCRIBED: %r" % m)
        elif code == INVOCATION:
            self.follow_invocation(m)
        elif code == INTERRUPT and m[1] > self.invocation:
            raise Unlawful("INTERRUPT of no INVOCATION: %r" % m)

    def follow_invocation(self, m):
        if m[1] in self.unfinished:
            if not m[3].get("progress"):
                self.unfinished.discard(m[1])
            return
        if m[2] not in self.regs:
            raise Unlawful("INVOCATION before REGISTERED or after "
                           "UNREGISTERED: %r" % m)
        self.invocation = self.invocation % ID_MAX + 1
        if m[1] != self.invocation:
            raise Unlawful("INVOCATION %d where %d was due" %
                           (m[1], self.invocation))
        if m[3].get("progress"):
            self.unfinished.add(m[1])

    def follow_revoked(self, m):
        held = self.subs if m[0] == UNSUBSCRIBED else self.regs
        if m[2][REVOKED[m[0]]] not in held:
            raise Unlawful("takes back what is not there: %r" % m)
        held.discard(m[2][REVOKED[m[0]]])

    def follow_error(self, m):
        if m[1] != YIELD:
            self.request_of(m, m[1], m[2])
        elif m[2] > self.invocation:
            raise Unlawful("ERROR of no INVOCATION: %r" % m)
        if not m[4].startswith("wamp."):
            return
        self.errors.add(m[4])
        if self.own_errors and (len(m) != 6 or len(m[5]) != 1 or
                                type(m[5][0]) is not str or not m[5][0]):
            raise Unlawful("says not what is wrong: %r" % m)
