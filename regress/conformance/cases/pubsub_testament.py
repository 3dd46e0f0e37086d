# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Advanced Profile, Session Testament.

from conformance import *

ADD = "wamp.session.add_testament"
FLUSH = "wamp.session.flush_testaments"


def heir(**kw):
    """Who leaves, who hears of it, and the subscription."""
    c, w = client(**kw), client()
    return c, w, w.subscribe(uri())


def last_words(w, s, *want):
    """Exactly these come, and then what a later session publishes."""
    for args in want:
        assert w.expect(EVENT, s)[4] == list(args)
    client().publish(uri(), "the end")
    assert w.expect(EVENT, s)[4] == ["the end"]


def is_announced():
    assert features("dealer")["testament_meta_api"] is True


def when_the_connection_is_lost():
    c, w, s = heir()
    result(c, ADD, [uri(), ["Seeya!"], {"my_name": "app1"}])
    quiet(w, c)
    c.close()
    m = w.expect(EVENT, s)
    assert m[3:] == [{}, ["Seeya!"], {"my_name": "app1"}], m
    last_words(w, s)


def when_the_session_says_goodbye():
    c, w, s = heir()
    result(c, ADD, [uri(), ["bye"], {}])
    c.goodbye()
    last_words(w, s, ["bye"])


def when_the_session_is_aborted():
    c, w, s = heir()
    result(c, ADD, [uri(), ["violent"], {}])
    c.send(999)
    c.expect_abort(PV)
    last_words(w, s, ["violent"])


def when_the_session_is_killed():
    c, w, s = heir()
    result(c, ADD, [uri(), ["killed"], {}])
    result(client(), "wamp.session.kill", [c.id])
    last_words(w, s, ["killed"])


def no_value_is_returned():
    c = client()
    assert result(c, ADD, [uri(), [], {}]) in ([], [None])
    assert result(c, FLUSH) in ([], [None])


def publish_options():
    c, w, s = heir(who="ann")
    other = client(who="bob", subscriber="publisher_identification")
    other.subscribe(uri())
    result(c, ADD, [uri(), [1], {}], {"publish_options": {
        "exclude": [w.id], "acknowledge": True, "disclose_me": True}})
    result(c, ADD, [uri(), [2], {}], {"publish_options": {
        "eligible_authrole": ["one"]}})
    result(c, ADD, [uri(), [3], {}], {"publish_options": {}})
    result(c, ADD, [uri(), [4], {}], {"publish_options": {
        "eligible_authid": ["abe", "bob"], "exclude_authrole": ["one"]}})
    c.close()
    m = other.expect(EVENT, s)
    assert m[4] == [1] and m[3]["publisher"] == c.id, m
    assert other.expect(EVENT, s)[4] == [3]
    assert other.expect(EVENT, s)[4] == [4]
    last_words(w, s, [3])


def retained_testament():
    c, w, s = heir()
    result(c, ADD, [uri(), ["kept"], {}],
           {"publish_options": {"retain": True}})
    c.close()
    w.expect(EVENT, s)
    d = client()
    d.subscribe(uri(), {"get_retained": True})
    assert d.expect(EVENT, s)[4] == ["kept"]


def options_of_payload_passthru():
    ppt = {"ppt_scheme": "x_mine", "ppt_serializer": "native",
           "ppt_cipher": "none", "ppt_keyid": "7"}
    c, w = client(publisher="payload_passthru_mode"), \
        client(subscriber="payload_passthru_mode")
    s = w.subscribe(uri())
    result(c, ADD, [uri(), ["secret"], {}], {"publish_options": ppt})
    c.close()
    assert w.expect(EVENT, s)[3:5] == [ppt, ["secret"]]


def options_that_are_false():
    c, w, s = heir(who="ann")
    watch = client(subscriber="publisher_identification")
    watch.subscribe(uri())
    result(c, ADD, [uri(), ["x"], {}], {"publish_options": {
        "retain": False, "disclose_me": False}})
    c.close()
    assert watch.expect(EVENT, s)[3:] == [{}, ["x"]]
    d = client()
    d.subscribe(uri(), {"get_retained": True})
    quiet(d)


def default_scope_is_destroyed():
    c, w, s = heir()
    result(c, ADD, [uri(), ["default"], {}])
    result(c, FLUSH, [], {"scope": "detached"})     # not this
    c.close()
    last_words(w, s, ["default"])
    c, w, s = heir()
    result(c, ADD, [uri(), ["default"], {}])
    result(c, FLUSH, [], {"scope": "destroyed"})
    c.close()
    quiet(w)
    c = client()
    result(c, ADD, [uri(), ["after"], {}])
    c.goodbye()
    last_words(w, s, ["after"])


def unknown_scope():
    c = client()
    c.refused(CALL, {}, ADD, [uri(), [], {}], {"scope": "forever"},
              INVALID_ARGUMENT)
    c.refused(CALL, {}, FLUSH, [], {"scope": "forever"}, INVALID_ARGUMENT)


def several_in_a_scope():
    c, w, s = heir()
    for scope in ("destroyed", "detached"):
        for i in range(3):
            result(c, ADD, [uri(), [scope, i], {}], {"scope": scope})
    c.close()
    last_words(w, s, *[[scope, i] for scope in ("detached", "destroyed")
                       for i in range(3)])


def detached_before_destroyed():
    c, w, s = heir()
    for scope in ("destroyed", "detached", "destroyed", "detached"):
        result(c, ADD, [uri(), [scope], {}], {"scope": scope})
    c.close()
    last_words(w, s, ["detached"], ["detached"], ["destroyed"],
               ["destroyed"])


def flushing_one_scope():
    for gone, left in (("detached", "destroyed"), ("destroyed", "detached")):
        again()
        c, w, s = heir()
        for scope in (gone, left):
            result(c, ADD, [uri(), [scope], {}], {"scope": scope})
        result(c, FLUSH, [], {"scope": gone})
        c.close()
        last_words(w, s, [left])


def flush_is_of_destroyed_by_default():
    c, w, s = heir()
    for scope in ("detached", "destroyed"):
        result(c, ADD, [uri(), [scope], {}], {"scope": scope})
    result(c, FLUSH)
    c.close()
    last_words(w, s, ["detached"])


def only_ones_own():
    c, w, s = heir()
    result(c, ADD, [uri(), ["mine"], {}])
    result(w, FLUSH)
    c.close()
    last_words(w, s, ["mine"])


def before_on_leave():
    realm = fresh()
    c, w = client(realm), client(realm)
    s = w.subscribe(uri())
    t = w.subscribe("wamp.session.on_leave")
    result(c, ADD, [uri(), ["will"], {}])
    c.close()
    assert w.expect(EVENT, s)[4] == ["will"]
    assert w.expect(EVENT, t)[4][0] == c.id


def topics_must_be_permitted():
    c = client(RULES)
    c.refused(CALL, {}, ADD, ["com.closed", [], {}], NOT_AUTHORIZED)


def topics_must_be_uris():
    c = client()
    for bad in ("a..b", "", "wamp.session.on_leave"):
        c.refused(CALL, {}, ADD, [bad, [], {}], INVALID_URI)


def arguments_of_a_wrong_type():
    c = client()
    for args in ([], [7], [uri(), {}, {}], [uri(), [], []], [uri(), "x"]):
        c.refused(CALL, {}, ADD, args, INVALID_ARGUMENT)
    for kw in ({"publish_options": 7}, {"scope": 7}, {"publish_options": {
            "exclude": 7}}, {"publish_options": {"eligible_authid": [7]}},
            {"publish_options": {"retain": 1}}):
        c.refused(CALL, {}, ADD, [uri(), [], {}], kw, INVALID_ARGUMENT)
