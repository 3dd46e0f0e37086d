# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Autobahn|Python (Debian's) as publisher, subscriber, caller and callee,
# over RawSocket and WebSocket, TCP, TLS and the Unix socket, in each
# serializer it has; on asyncio here and on Twisted in a process of its own.

import asyncio
import os
import ssl
import subprocess
import sys

from autobahn.asyncio.component import Component
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import PublishOptions, RegisterOptions

from daemon import TOP, Wampd, done, free_port, make_cert, run_case, tmpdir

CONF = """
keypair "localhost" { certificate $crt  key $key }
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
listen on 127.0.0.1 port $tlsport tls { keypair "localhost" }
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
"""


async def conversation(session, serializer):
    """Returns what went wrong, or None."""
    got = asyncio.get_running_loop().create_future()

    def on_event(*args, **kwargs):
        if not got.done():
            got.set_result((args, kwargs))

    sub = await session.subscribe(on_event, "com.example.topic")
    pub = await session.publish(
        "com.example.topic", 1, "two", [3.5, None], key={"a": True},
        options=PublishOptions(acknowledge=True, exclude_me=False))
    assert pub.id > 0
    args, kwargs = await asyncio.wait_for(got, 10)
    assert args == (1, "two", [3.5, None]), args
    assert kwargs == {"key": {"a": True}}, kwargs
    await sub.unsubscribe()

    async def add(a, b, c=0):
        return a + b + c

    def fail():
        raise ApplicationError("com.example.error", "bad", code=7)

    reg = await session.register(add, "com.example.add",
                                 options=RegisterOptions())
    await session.register(fail, "com.example.fail")
    assert await session.call("com.example.add", 2, 3, c=4) == 9
    big = "x" * 100000
    if serializer != "json":
        binary = bytes(range(256))
        await session.register(lambda x: x, "com.example.echo")
        assert await session.call("com.example.echo", binary) == binary
    else:
        await session.register(lambda x: x, "com.example.echo")
    assert await session.call("com.example.echo", big) == big
    try:
        await session.call("com.example.fail")
    except ApplicationError as e:
        assert e.error == "com.example.error", e.error
        assert e.args == ("bad",) and e.kwargs == {"code": 7}, e
    else:
        raise AssertionError("no error came")
    await reg.unregister()
    try:
        await session.call("com.example.add", 1, 2)
    except ApplicationError as e:
        assert e.error == "wamp.error.no_such_procedure", e.error
    else:
        raise AssertionError("a call of nothing was answered")


def talk(transport, serializer):
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    result = loop.create_future()
    comp = Component(transports=[dict(transport, max_retries=0)],
                     realm="realm1")

    @comp.on_join
    async def joined(session, details):
        try:
            assert details.realm == "realm1"
            assert details.authrole == "all"
            assert details.authmethod == "anonymous"
            await conversation(session, serializer)
        except BaseException as e:
            if not result.done():
                result.set_exception(e)
        else:
            if not result.done():
                result.set_result(None)
        session.leave()

    @comp.on_connectfailure
    def failed(*args):
        if not result.done():
            result.set_exception(AssertionError("no connection: %r" %
                                                (args,)))

    async def run():
        done_ = comp.start(loop)
        await asyncio.wait_for(result, 20)
        try:
            await asyncio.wait_for(asyncio.shield(done_), 5)
        except (asyncio.TimeoutError, Exception):
            pass

    try:
        loop.run_until_complete(run())
    finally:
        for t in asyncio.all_tasks(loop):
            t.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def twisted(*args):
    p = subprocess.run(
        [sys.executable, os.path.join(TOP, "regress", "interop", "py",
                                      "autobahn_twisted.py")] +
        [str(a) for a in args], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60, text=True)
    if "done" not in p.stdout.split("\n"):
        print(p.stdout)
        raise AssertionError("ended with status %d" % p.returncode)


def main():
    d = tmpdir()
    crt, key = make_cert(d)
    port, tlsport = free_port(), free_port()
    sock = os.path.join(d, "s")
    ctx = ssl.create_default_context(cafile=crt)
    macros = {"sock": sock, "port": port, "tlsport": tlsport, "crt": crt,
              "key": key}
    with Wampd(CONF, macros=macros):
        for ser in ("json", "msgpack", "cbor"):
            for name, kind, url, where in (
                ("unix", "rawsocket", "rs://localhost", "unix:" + sock),
                ("tcp", "rawsocket", "rs://127.0.0.1:%d" % port,
                 "127.0.0.1:%d" % port),
                ("tls", "rawsocket", "rs://localhost:%d" % tlsport,
                 "localhost:%d" % tlsport),
                ("tcp", "websocket", "ws://127.0.0.1:%d/ws" % port,
                 "127.0.0.1:%d" % port),
                ("tls", "websocket", "wss://localhost:%d/ws" % tlsport,
                 "localhost:%d" % tlsport),
            ):
                args = [kind, ser, url, where]
                if name == "tls":
                    args.append(crt)

                def case(args=args):
                    twisted(*args)
                case.__doc__ = "twisted %s %s %s" % (kind, name, ser)
                run_case(case)
            for name, url, endpoint in (
                ("unix", "ws://localhost/ws",
                 {"type": "unix", "path": sock}),
                ("tcp", "ws://127.0.0.1:%d/ws" % port,
                 {"type": "tcp", "host": "127.0.0.1", "port": port}),
                ("tls", "wss://localhost:%d/ws" % tlsport,
                 {"type": "tcp", "host": "localhost", "port": tlsport,
                  "tls": ctx}),
            ):
                t = dict(type="websocket", serializers=[ser], url=url,
                         endpoint=endpoint)

                def case(t=t, ser=ser):
                    talk(t, ser)
                case.__doc__ = "asyncio websocket %s %s" % (name, ser)
                run_case(case)
    done()


if __name__ == "__main__":
    main()
