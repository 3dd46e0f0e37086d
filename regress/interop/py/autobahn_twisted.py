# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# One conversation of Autobahn|Python with a router, on Twisted (its RawSocket
# on asyncio is broken in the version that Debian 12 has: it lacks
# transport_details).
#
# autobahn_twisted.py rawsocket|websocket serializer url unix:PATH|HOST:PORT
#	[cafile]

import os
import sys

from autobahn.twisted.component import Component, run
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import PublishOptions
from twisted.internet import defer, reactor
from twisted.internet.ssl import Certificate, optionsForClientTLS


def transport(kind, serializer, url, where, cafile=None):
    if where.startswith("unix:"):
        endpoint = {"type": "unix", "path": where[5:]}
    else:
        host, port = where.rsplit(":", 1)
        endpoint = {"type": "tcp", "host": host, "port": int(port)}
    if cafile:
        with open(cafile) as f:
            ca = Certificate.loadPEM(f.read())
        endpoint["tls"] = optionsForClientTLS(host, trustRoot=ca)
    t = {"type": kind, "url": url, "endpoint": endpoint, "max_retries": 0}
    if kind == "rawsocket":
        t["serializer"] = serializer
    else:
        t["serializers"] = [serializer]
    return t


@defer.inlineCallbacks
def conversation(session, serializer):
    got = defer.Deferred()

    def on_event(*args, **kwargs):
        if not got.called:
            got.callback((args, kwargs))

    sub = yield session.subscribe(on_event, "com.example.topic")
    pub = yield session.publish(
        "com.example.topic", 1, "two", [3.5, None], key={"a": True},
        options=PublishOptions(acknowledge=True, exclude_me=False))
    assert pub.id > 0
    args, kwargs = yield got
    assert args == (1, "two", [3.5, None]), args
    assert kwargs == {"key": {"a": True}}, kwargs
    yield sub.unsubscribe()

    def fail():
        raise ApplicationError("com.example.error", "bad", code=7)

    reg = yield session.register(lambda a, b, c=0: a + b + c,
                                 "com.example.add")
    yield session.register(fail, "com.example.fail")
    yield session.register(lambda x: x, "com.example.echo")
    r = yield session.call("com.example.add", 2, 3, c=4)
    assert r == 9, r
    for value in ["x" * 100000, [None, True, 2 ** 53, -1.5]] + (
            [] if serializer == "json" else [bytes(range(256))]):
        r = yield session.call("com.example.echo", value)
        assert r == value, r
    try:
        yield session.call("com.example.fail")
    except ApplicationError as e:
        assert e.error == "com.example.error", e.error
        assert e.args == ("bad",) and e.kwargs == {"code": 7}, e
    else:
        raise AssertionError("no error came")
    yield reg.unregister()
    try:
        yield session.call("com.example.add", 1, 2)
    except ApplicationError as e:
        assert e.error == "wamp.error.no_such_procedure", e.error
    else:
        raise AssertionError("a call of nothing was answered")


def main():
    serializer = sys.argv[2]
    comp = Component(transports=[transport(*sys.argv[1:])], realm="realm1")

    @comp.on_join
    @defer.inlineCallbacks
    def joined(session, details):
        assert details.realm == "realm1"
        assert details.authrole == "all", details
        assert details.authmethod == "anonymous", details
        yield conversation(session, serializer)
        os.write(1, b"done\n")     # print() goes to the log here
        session.leave()

    reactor.callLater(20, reactor.stop)
    run([comp], log_level="error")


if __name__ == "__main__":
    main()
