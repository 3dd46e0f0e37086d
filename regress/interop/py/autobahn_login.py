# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Log-ins of Autobahn|Python, one after the other.
#
# autobahn_login.py asyncio|twisted
#
# Standard input is a JSON object: the transport's type, url, serializer,
# endpoint and cafile, the realm, and a list of what Component takes as
# authentication.
# A line of JSON on standard output for each says what came of it.

import json
import os
import ssl
import sys

from autobahn.wamp.types import PublishOptions

FRAMEWORK = sys.argv[1]
JOB = json.load(sys.stdin)

if FRAMEWORK == "twisted":
    from autobahn.twisted.component import Component
    from twisted.internet import reactor
    from twisted.internet.defer import ensureDeferred
    from twisted.internet.ssl import Certificate, optionsForClientTLS
    import txaio
    txaio.start_logging(level="critical")
else:
    import asyncio
    from autobahn.asyncio.component import Component


def tls():
    if FRAMEWORK == "twisted":
        with open(JOB["cafile"]) as f:
            ca = Certificate.loadPEM(f.read())
        return optionsForClientTLS(JOB["endpoint"]["host"], trustRoot=ca)
    return ssl.create_default_context(cafile=JOB["cafile"])


def transport():
    t = {"type": JOB["type"], "url": JOB["url"],
         "endpoint": dict(JOB["endpoint"]), "max_retries": 0}
    if JOB["type"] == "rawsocket":
        t["serializer"] = JOB["serializer"]
    else:
        t["serializers"] = [JOB["serializer"]]
    if JOB.get("cafile"):
        t["endpoint"]["tls"] = tls()
    return t


async def use(session):
    """The session can do something."""
    await session.publish("com.example.topic", 1, options=PublishOptions(
        acknowledge=True))
    reg = await session.register(lambda a, b: a + b, "com.example.add")
    result = await session.call("com.example.add", 2, 3)
    await reg.unregister()
    return result


async def login(authentication):
    said = {}
    comp = Component(transports=[transport()], realm=JOB["realm"],
                     authentication=authentication)

    @comp.on_join
    async def joined(session, details):
        said.update({k: getattr(details, k) for k in (
            "realm", "authid", "authrole", "authmethod", "authprovider")})
        try:
            said["result"] = await use(session)
        finally:
            session.leave()

    @comp.on_leave
    async def left(session, details):
        said["reason"] = details.reason

    try:
        await comp.start(reactor if FRAMEWORK == "twisted" else
                         asyncio.get_running_loop())
    except Exception as e:
        said.setdefault("reason", repr(e))
    return said


async def main():
    for authentication in JOB["logins"]:
        # print() goes to Twisted's log
        os.write(1, json.dumps(await login(authentication)).encode() + b"\n")


if FRAMEWORK == "twisted":
    ensureDeferred(main()).addBoth(lambda r: (
        hasattr(r, "printTraceback") and r.printTraceback(),
        reactor.stop()))
    reactor.run()
else:
    asyncio.run(main())
