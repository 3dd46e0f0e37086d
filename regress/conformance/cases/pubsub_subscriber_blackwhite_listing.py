# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Subscriber Black- and Whitelisting.

import itertools

from conformance import *

LISTING = "subscriber_blackwhite_listing"


class Audience:
    """A session of each authid, and who of them receives what."""

    def __init__(self, realm=REALM):
        self.d = client(realm, publisher=LISTING)
        self.all = {n: client(realm, who=n) for n in ("ann", "abe", "bob")}
        for c in self.all.values():
            self.sub = c.subscribe(uri())

    def ids(self, *names):
        return [self.all[n].id for n in names]

    def receive(self, **options):
        p = self.d.ask(PUBLISH, dict(ACK, **options), uri())
        p = self.d.expect(PUBLISHED, p)[2]
        got = set()
        for name, c in self.all.items():
            r = c.ask(PUBLISH, ACK, uri("nobody"))
            m = c.recv()
            if m[0] == EVENT:
                assert m[1:3] == [self.sub, p], m
                got.add(name)
                m = c.recv()
            assert m[:2] == [PUBLISHED, r], m
        return got


def is_announced():
    assert features("broker")[LISTING] is True


def without_lists():
    assert Audience().receive() == {"ann", "abe", "bob"}


def exclude():
    a = Audience()
    assert a.receive(exclude=a.ids("ann")) == {"abe", "bob"}
    assert a.receive(exclude=a.ids("ann", "bob") + [77]) == {"abe"}
    assert a.receive(exclude=[77]) == {"ann", "abe", "bob"}


def exclude_authid():
    a = Audience()
    assert a.receive(exclude_authid=["ann", "nobody"]) == {"abe", "bob"}
    assert a.receive(exclude_authid=["Ann", "an", "one"]) == \
        {"ann", "abe", "bob"}


def exclude_authrole():
    a = Audience()
    assert a.receive(exclude_authrole=["one"]) == {"bob"}
    assert a.receive(exclude_authrole=["two", "ann"]) == {"ann", "abe"}


def eligible():
    a = Audience()
    assert a.receive(eligible=a.ids("ann")) == {"ann"}
    assert a.receive(eligible=a.ids("bob", "abe") + [77]) == {"abe", "bob"}
    assert a.receive(eligible=[77]) == set()


def eligible_authid():
    a = Audience()
    assert a.receive(eligible_authid=["ann", "nobody"]) == {"ann"}
    assert a.receive(eligible_authid=["one", "an"]) == set()


def eligible_authrole():
    a = Audience()
    assert a.receive(eligible_authrole=["one"]) == {"ann", "abe"}
    assert a.receive(eligible_authrole=["two", "three"]) == {"bob"}


def only_who_is_subscribed():
    a = Audience()
    other = client(who="bea")
    assert a.receive(eligible=a.ids("ann") + [other.id]) == {"ann"}
    quiet(other)


def present_lists_may_be_empty():
    a = Audience()
    for k in ("eligible", "eligible_authid", "eligible_authrole"):
        assert a.receive(**{k: []}) == set(), k
    for k in ("exclude", "exclude_authid", "exclude_authrole"):
        assert a.receive(**{k: []}) == {"ann", "abe", "bob"}, k


def all_statements_hold():
    a = Audience()
    who = {"ann": (a.all["ann"].id, "ann", "one"),
           "abe": (a.all["abe"].id, "abe", "one"),
           "bob": (a.all["bob"].id, "bob", "two")}
    keys = ("eligible", "eligible_authid", "eligible_authrole")
    lists = ((None, [who["ann"][0], who["bob"][0]]),
             (None, ["ann", "abe"]), (None, ["one"]),
             (None, [who["bob"][0]]), (None, ["abe"]), (None, ["two"]))
    for some in itertools.product(*lists):
        options = {k: v for k, v in zip(
            keys + tuple(k.replace("eligible", "exclude") for k in keys),
            some) if v is not None}
        want = {n for n, v in who.items() if all(
            some[i] is None or v[i] in some[i] for i in range(3)) and all(
            some[i + 3] is None or v[i] not in some[i + 3]
            for i in range(3))}
        got = a.receive(**options)
        assert got == want, (options, got, want)


def exclude_and_eligible():
    a = Audience()
    assert a.receive(eligible=a.ids("ann", "abe", "bob"),
                     exclude=a.ids("ann")) == {"abe", "bob"}


def publisher_is_excluded():
    c, d = client(), client()
    s = c.subscribe(uri())
    d.subscribe(uri())
    c.ask(PUBLISH, {"eligible": [c.id, d.id]}, uri())
    d.expect(EVENT, s)
    quiet(c)
    c.ask(PUBLISH, {"eligible": [c.id], "exclude_me": False}, uri())
    c.expect(EVENT, s)
    quiet(d, c)


def with_patterns():
    a = Audience()
    c = a.all["ann"]
    s = c.subscribe(uri(), {"match": "prefix"})
    a.d.ask(PUBLISH, {"exclude_authid": ["ann"]}, uri("x"))
    a.d.ask(PUBLISH, {"eligible_authid": ["ann"]}, uri("x.y"))
    assert c.expect(EVENT, s)[3] == {"topic": uri("x.y")}


def lists_of_a_wrong_type():
    c, d = client(), client()
    c.subscribe(uri())
    for options in ({"exclude": 7}, {"exclude": ["a"]}, {"eligible": {}},
                    {"exclude_authid": [7]}, {"eligible_authrole": "one"}):
        d.refused(PUBLISH, dict(ACK, **options), uri(), INVALID_ARGUMENT)
        d.ask(PUBLISH, options, uri())
    quiet(c, d)
