# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Sessions of Autobahn|Python, several in one process, for cases that are
# written once and run on asyncio and on Twisted: nothing is awaited but what
# sessions return and what is here.

import os
import sys
import traceback

FRAMEWORK, KIND, SERIALIZER, WHERE = sys.argv[1:]
SECONDS = 10

if FRAMEWORK == "twisted":
    import txaio
    txaio.use_twisted()
    from autobahn.twisted.rawsocket import WampRawSocketClientFactory
    from autobahn.twisted.wamp import ApplicationSession
    from autobahn.twisted.websocket import WampWebSocketClientFactory
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred, ensureDeferred
    from twisted.internet.endpoints import (TCP4ClientEndpoint,
                                            UNIXClientEndpoint)
else:
    import asyncio
    from autobahn.asyncio.wamp import ApplicationSession
    from autobahn.asyncio.websocket import WampWebSocketClientFactory

from autobahn.wamp.serializer import (CBORSerializer, JsonSerializer,
                                      MsgPackSerializer)
from autobahn.wamp.types import ComponentConfig

SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer,
               "cbor": CBORSerializer}


def future():
    if FRAMEWORK == "twisted":
        return Deferred()
    return asyncio.get_running_loop().create_future()


def resolve(f, value=None):
    if FRAMEWORK == "twisted":
        if not f.called:
            f.callback(value)
    elif not f.done():
        f.set_result(value)


def within(f, seconds=SECONDS):
    """What f comes to, if it does in time."""
    if FRAMEWORK == "twisted":
        return f.addTimeout(seconds, reactor)
    return asyncio.wait_for(f, seconds)


def pause(seconds):
    f = future()
    if FRAMEWORK == "twisted":
        reactor.callLater(seconds, resolve, f)
    else:
        asyncio.get_running_loop().call_later(seconds, resolve, f)
    return f


class Box:
    """What came, in its order; a handler that keeps what it is given."""

    def __init__(self):
        self.items = []
        self.waiting = None

    def put(self, item):
        self.items.append(item)
        if self.waiting is not None:
            f, self.waiting = self.waiting, None
            resolve(f)

    def on_event(self, *args, details=None, **kwargs):
        self.put((args, kwargs, details))

    async def take(self):
        while not self.items:
            self.waiting = future()
            await self.waiting
        return self.items.pop(0)


class Session(ApplicationSession):
    def __init__(self, config, joined):
        super().__init__(config)
        self.joined, self.left = joined, Box()

    def onJoin(self, details):
        self.details = details
        resolve(self.joined, self)

    def onLeave(self, details):
        self.left.put(details)
        super().onLeave(details)

    def onUserError(self, fail, msg):
        pass                    # of endpoints, which are to fail

    async def end(self):
        self.leave()
        await self.left.take()


def websocket(make):
    return WampWebSocketClientFactory(
        make, url="ws://localhost/", serializers=[SERIALIZERS[SERIALIZER]()])


async def join(realm="realm1"):
    joined = future()

    def make():
        return Session(ComponentConfig(realm=realm), joined)
    host, _, port = WHERE.rpartition(":")
    if FRAMEWORK == "twisted":
        factory = websocket(make) if KIND == "websocket" else \
            WampRawSocketClientFactory(make, SERIALIZERS[SERIALIZER]())
        endpoint = UNIXClientEndpoint(reactor, port) if host == "unix" else \
            TCP4ClientEndpoint(reactor, host, int(port))
        await endpoint.connect(factory)
    elif host == "unix":
        await asyncio.get_running_loop().create_unix_connection(
            websocket(make), port)
    else:
        await asyncio.get_running_loop().create_connection(
            websocket(make), host, int(port))
    return await joined


async def run_case(case):
    name = case.__doc__.split("\n")[0]
    try:
        await within(ensureDeferred(case()) if FRAMEWORK == "twisted" else
                     case())
    except Exception as e:
        say(traceback.format_exc())
        say("not ok - %s -- %s: %s" % (name, type(e).__name__, e))
    else:
        say("ok - " + name)


def say(line):
    os.write(1, line.encode() + b"\n")  # print() goes to Twisted's log


async def run_all(cases):
    for case in cases:
        await run_case(case)
    say("done")


def main(cases):
    if FRAMEWORK == "twisted":
        ensureDeferred(run_all(cases)).addBoth(lambda r: (
            hasattr(r, "printTraceback") and r.printTraceback(),
            reactor.stop()))
        reactor.run()
    else:
        asyncio.run(run_all(cases))
