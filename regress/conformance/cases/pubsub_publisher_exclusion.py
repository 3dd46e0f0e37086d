# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Publisher Exclusion.

from conformance import *


def is_announced():
    assert features("broker")["publisher_exclusion"] is True


def excluded_by_default():
    c, d = client(), client()
    s = c.subscribe(uri())
    d.subscribe(uri())
    for o in ({}, {"exclude_me": True}):
        c.ask(PUBLISH, o, uri())
        d.expect(EVENT, s)
        quiet(c)


def not_excluded():
    c, d = client(), client()
    s = c.subscribe(uri())
    d.subscribe(uri())
    c.ask(PUBLISH, {"exclude_me": False}, uri(), ["Hello, world!"])
    m = c.expect(EVENT, s)
    assert m[4] == ["Hello, world!"], m
    assert d.expect(EVENT, s)[2] == m[2]


def not_excluded_if_subscribed():
    c, d = client(), client()
    d.subscribe(uri())
    c.ask(PUBLISH, {"exclude_me": False}, uri())
    d.expect(EVENT)
    quiet(c)


def a_wrong_type():
    for bad in (0, 1, "false"):
        c = client()
        c.send(PUBLISH, 1, {"exclude_me": bad}, uri())
        c.expect_abort(PV)
