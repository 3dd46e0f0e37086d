# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Call Trust Levels.

from conformance import *

TRUST = "call_trustlevels"


def called(who, callee=TRUST):
    again()
    c, d = client(TRUSTED, callee=callee), client(TRUSTED, who=who)
    c.register(uri())
    return invoke(d, c, uri())[1][3]


def is_announced():
    assert features("dealer", TRUSTED)[TRUST] is True


def by_role():
    assert called("ann") == {"trustlevel": 0}
    assert called("bob") == {"trustlevel": 7}


def no_level_is_configured():
    assert called(None) == {}


def callees_that_did_not_announce():
    assert called("bob", "") == {}
