# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Caller Identification.

from conformance import *

ID = "caller_identification"
KEYS = {"caller", "caller_authid", "caller_authrole"}


def called(options, realm=REALM, register=None, who=None):
    again()
    c = client(realm, callee=ID)
    d = client(realm, who=who, caller=ID)
    c.register(uri(), register or {})
    return d, invoke(d, c, uri(), options)[1][3]


def is_disclosed(d, details):
    assert details == {"caller": d.id, "caller_authid": d.welcome["authid"],
                       "caller_authrole": d.welcome["authrole"]}, details


def is_announced():
    assert features("dealer")[ID] is True


def on_request():
    is_disclosed(*called({"disclose_me": True}))


def callees_that_did_not_announce():
    c, d = client(), client()
    c.register(uri())
    m = invoke(d, c, uri(), {"disclose_me": True})[1]
    is_disclosed(d, m[3])


def additional_properties():
    d, details = called({"disclose_me": True}, who="ann")
    assert details == {"caller": d.id, "caller_authid": "ann",
                       "caller_authrole": "one"}, details


def not_without_request():
    for o in ({}, {"disclose_me": False}):
        details = called(o)[1]
        assert not set(details) & KEYS, details
        details = called(o, who="ann")[1]
        assert not set(details) & KEYS, details


def by_configuration():
    for o in ({}, {"disclose_me": False}, {"disclose_me": True}):
        is_disclosed(*called(o, DISCLOSED))


def denied():
    c, d = client(SECRET), client(SECRET)
    c.register(uri())
    d.refused(CALL, {"disclose_me": True}, uri(), DISALLOWED)
    quiet(c)
    m = invoke(d, c, uri(), {})[1]
    assert not set(m[3]) & KEYS, m


def at_the_callees_request():
    is_disclosed(*called({}, register={"disclose_caller": True}))


def at_the_callees_request_only():
    details = called({}, register={"disclose_caller": False})[1]
    assert not set(details) & KEYS, details


def at_the_callees_request_if_permitted():
    details = called({}, SECRET, {"disclose_caller": True})[1]
    assert not set(details) & KEYS, details
