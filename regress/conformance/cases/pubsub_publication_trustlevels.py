# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Publication Trust Levels.

from conformance import *

TRUST = "publication_trustlevels"


def published(who, announced=TRUST):
    again()
    c, d = client(TRUSTED, subscriber=announced), client(TRUSTED, who=who)
    s = c.subscribe(uri())
    d.ask(PUBLISH, {}, uri())
    return c.expect(EVENT, s)[3]


def is_announced():
    assert features("broker", TRUSTED)[TRUST] is True


def by_role():
    assert published("ann") == {"trustlevel": 0}
    assert published("bob") == {"trustlevel": 7}


def no_level_is_configured():
    assert published(None) == {}


def subscribers_that_did_not_announce():
    assert published("bob", "") == {}
