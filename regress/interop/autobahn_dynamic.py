# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Authenticators and authorizers as users of Crossbar.io write them, with
# Autobahn|Python on asyncio, for clients of Autobahn's own.

import asyncio

from autobahn.asyncio.component import Component
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import PublishOptions

from daemon import Wampd, free_port, run_case, done

CONF = """
listen on 127.0.0.1 port $port
limits { failures delay 0ms }
realm "realm1" {
	authenticate anonymous role "guard"
	authenticate ticket, wampcra, cryptosign dynamic "com.example.authenticate"
	role "user" { authorize dynamic "com.example.authorize" cache 1m }
	role "guard" {
		allow register exact "com.example.authenticate"
		allow register exact "com.example.authorize"
	}
}
"""

SEED = "6b" * 32


def make_pubkey():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import \
        Ed25519PrivateKey
    from cryptography.hazmat.primitives import serialization
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SEED))
    return key.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()


# as in Crossbar.io's examples
USERS = {
    "ticket1": {"ticket": "sesame", "role": "user"},
    "cra1": {"secret": "geheim", "role": "user"},
    "sign1": {"pubkey": make_pubkey(), "role": "user"},
}


async def authenticate(realm, authid, details):
    if authid not in USERS:
        raise ApplicationError("com.example.no_such_user",
                               "could not authenticate session - no such "
                               "user %s" % authid)
    p = USERS[authid]
    if "ticket" in p and p["ticket"] != details["ticket"]:
        raise ApplicationError("com.example.invalid_ticket", "no")
    return dict(p, extra={"hello": authid})


def authorize(session, uri, action, options):
    if action == "call" and uri == "com.example.broken":
        raise Exception("a bug")
    if uri.startswith("com.example.secret"):
        return False
    if session["authid"] not in USERS:
        return {"allow": False}
    return {"allow": True, "disclose": True, "cache": True}


async def refused(awaitable, error):
    try:
        await awaitable
    except ApplicationError as e:
        assert e.error == error, e
    else:
        raise AssertionError("not refused")


async def conversation(session, details, authid, method):
    assert details.authid == authid and details.authrole == "user"
    assert details.authmethod == method
    assert details.authprovider == "dynamic"
    assert details.authextra["hello"] == authid, details.authextra
    got = asyncio.get_running_loop().create_future()
    await session.subscribe(got.set_result, "com.example.t")
    ack = PublishOptions(acknowledge=True, exclude_me=False)
    await session.publish("com.example.t", 7, options=ack)
    assert await asyncio.wait_for(got, 10) == 7
    await session.register(lambda x: x + 1, "com.example.add")
    assert await session.call("com.example.add", 1) == 2
    await refused(session.call("com.example.secret.x"),
                  "wamp.error.not_authorized")
    await refused(session.publish("com.example.secret.t", options=ack),
                  "wamp.error.not_authorized")
    await refused(session.call("com.example.broken"),
                  "wamp.error.authorization_failed")
    await refused(session.register(lambda: 0, "com.example.authorize"),
                  "wamp.error.not_authorized")


def component(port, serializer, authentication=None):
    return Component(
        transports=[{"type": "websocket",
                     "url": "ws://127.0.0.1:%d/ws" % port,
                     "endpoint": {"type": "tcp", "host": "127.0.0.1",
                                  "port": port},
                     "serializers": [serializer], "max_retries": 0}],
        realm="realm1", authentication=authentication or {"anonymous": {}})


async def login(port, serializer, method, authid, auth):
    """"joined", or the reason of the router's."""
    comp = component(port, serializer, {method: dict(auth, authid=authid)})
    result = asyncio.get_running_loop().create_future()

    def settle(value):
        if not result.done():
            result.set_result(value)

    @comp.on_join
    async def joined(session, details):
        try:
            await conversation(session, details, authid, method)
        except BaseException as e:
            settle(e)
        else:
            settle("joined")
        session.leave()

    @comp.on_leave
    def left(session, details):
        settle(details.reason)
    task = asyncio.ensure_future(comp.start())
    value = await asyncio.wait_for(result, 20)
    await asyncio.wait([task], timeout=1)
    task.cancel()
    if isinstance(value, BaseException):
        raise value
    return value


async def world(port, serializer):
    guard = component(port, serializer)
    ready = asyncio.get_running_loop().create_future()
    sessions = []

    @guard.on_join
    async def joined(session, details):
        sessions.append(session)
        await session.register(authenticate, "com.example.authenticate")
        await session.register(authorize, "com.example.authorize")
        ready.set_result(None)
    task = asyncio.ensure_future(guard.start())
    await asyncio.wait_for(ready, 20)
    for method, authid, auth, bad in (
            ("ticket", "ticket1", {"ticket": "sesame"}, {"ticket": "x"}),
            ("wampcra", "cra1", {"secret": "geheim"}, {"secret": "x"}),
            ("cryptosign", "sign1", {"privkey": SEED},
             {"privkey": "00" * 32})):
        got = await login(port, serializer, method, authid, auth)
        assert got == "joined", (method, got)
        got = await login(port, serializer, method, authid, bad)
        assert got == "wamp.error.authentication_denied", (method, got)
        got = await login(port, serializer, method, "nobody", auth)
        assert got == "wamp.error.authentication_denied", (method, got)
    sessions[0].leave()
    await asyncio.wait([task], timeout=5)


def main():
    port = free_port()
    with Wampd(CONF, macros={"port": port}):
        for ser in ("json", "msgpack", "cbor"):
            def case(ser=ser):
                loop = asyncio.new_event_loop()
                asyncio.set_event_loop(loop)
                try:
                    loop.run_until_complete(world(port, ser))
                finally:
                    for t in asyncio.all_tasks(loop):
                        t.cancel()
                    loop.run_until_complete(asyncio.sleep(0))
                    loop.close()
            case.__doc__ = "autobahn authenticates and authorizes, " + ser
            run_case(case)


if __name__ == "__main__":
    main()
    done()
