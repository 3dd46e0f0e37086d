# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Publisher Identification.

from conformance import *

ID = "publisher_identification"
KEYS = {"publisher", "publisher_authid", "publisher_authrole"}


def published(options, realm=REALM, who=None, announced=ID):
    again()
    c = client(realm, subscriber=announced)
    d = client(realm, who=who, publisher=ID)
    s = c.subscribe(uri())
    d.ask(PUBLISH, options, uri())
    return d, c.expect(EVENT, s)[3]


def is_disclosed(d, details):
    assert details == {"publisher": d.id,
                       "publisher_authid": d.welcome["authid"],
                       "publisher_authrole": d.welcome["authrole"]}, details


def is_announced():
    assert features("broker")[ID] is True


def on_request():
    is_disclosed(*published({"disclose_me": True}))


def subscribers_that_did_not_announce():
    assert published({"disclose_me": True}, announced="")[1] == {}


def not_without_request():
    for o in ({}, {"disclose_me": False}):
        assert published(o)[1] == {}
        assert published(o, who="ann")[1] == {}


def additional_properties():
    d, details = published({"disclose_me": True}, who="bob")
    assert details == {"publisher": d.id, "publisher_authid": "bob",
                       "publisher_authrole": "two"}, details


def by_configuration():
    for o in ({}, {"disclose_me": False}, {"disclose_me": True}):
        is_disclosed(*published(o, DISCLOSED))


def denied():
    c, d = client(SECRET, subscriber=ID), client(SECRET)
    s = c.subscribe(uri())
    d.refused(PUBLISH, dict(ACK, disclose_me=True), uri(), DISALLOWED)
    d.ask(PUBLISH, {"disclose_me": True}, uri())
    d.ask(PUBLISH, {}, uri(), ["this"])
    assert c.expect(EVENT, s)[3:] == [{}, ["this"]]
    quiet(d)


def with_patterns():
    c, d = client(subscriber=ID), client()
    s = c.subscribe(uri(), {"match": "prefix"})
    d.ask(PUBLISH, {"disclose_me": True}, uri("x.y"))
    details = c.expect(EVENT, s)[3]
    assert details.pop("topic") == uri("x.y")
    is_disclosed(d, details)
