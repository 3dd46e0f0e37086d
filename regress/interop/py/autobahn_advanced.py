# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The Advanced Profile, as Autobahn|Python sees it.
#
# autobahn_advanced.py asyncio|twisted rawsocket|websocket serializer
#	unix:PATH|HOST:PORT

from autobahn.wamp import message
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import (CallOptions, CallResult, PublishOptions,
                                 RegisterOptions, SubscribeOptions)

from autobahn_sessions import (FRAMEWORK, Box, future, join, main, pause,
                               resolve)

ACK = {"acknowledge": True}
TOLD = SubscribeOptions(details=True)
ASKED = RegisterOptions(details=True)


async def fails(awaitable, uri):
    try:
        got = await awaitable
    except ApplicationError as e:
        assert e.error == uri, (e.error, e.args)
        return e
    raise AssertionError("no error came, but %r" % (got,))


class Sessions:
    """Some, that are ended together."""

    def __init__(self, n, realm="realm1"):
        self.n, self.realm = n, realm

    async def __aenter__(self):
        self.all = [await join(self.realm) for _ in range(self.n)]
        return self.all if self.n > 1 else self.all[0]

    async def __aexit__(self, *exc):
        for s in self.all:
            if s.is_attached():
                await s.end()


# -- Publish and Subscribe ----------------------------------------------------

async def patterns():
    """subscriptions by prefix and wildcard"""
    async with Sessions(2) as (a, b):
        boxes = {}
        for match, topic in (("prefix", "com.example.pa"),
                             ("wildcard", "com..pat.x"),
                             ("exact", "com.example.pat.x"),
                             ("wildcard", "com..pat.y")):
            box = boxes[match, topic] = Box()
            await a.subscribe(box.on_event, topic, options=SubscribeOptions(
                match=match, details=True))
        await b.publish("com.example.pat.x", 1, two=2,
                        options=PublishOptions(acknowledge=True))
        none = boxes.pop(("wildcard", "com..pat.y"))
        for key, box in boxes.items():
            args, kwargs, details = await box.take()
            assert (args, kwargs) == ((1,), {"two": 2}), (key, args, kwargs)
            assert details.topic == "com.example.pat.x", (key, details)
        assert not none.items, none.items


async def exclusion():
    """publisher exclusion"""
    async with Sessions(2) as (a, b):
        got = {}
        for s in (a, b):
            got[s] = Box()
            await s.subscribe(got[s].on_event, "com.example.t")
        for n, me in ((1, None), (2, False), (3, True), (4, False)):
            await a.publish("com.example.t", n, options=PublishOptions(
                exclude_me=me, acknowledge=True))
        assert [(await got[b].take())[0][0] for _ in range(4)] == \
            [1, 2, 3, 4]
        assert [(await got[a].take())[0][0] for _ in range(2)] == [2, 4]


async def lists():
    """black- and whitelisting by session, authid and authrole"""
    async with Sessions(4) as (p, a, b, c):
        got = {}
        for s in (a, b, c):
            got[s] = Box()
            await s.subscribe(got[s].on_event, "com.example.t")

        def ids(*of):
            return [s.details.session for s in of]

        def names(*of):
            return [s.details.authid for s in of]
        n, want = 0, {a: [], b: [], c: []}
        for options, for_whom in (
                (dict(exclude=ids(a)), (b, c)),
                (dict(exclude=a.details.session), (b, c)),
                (dict(exclude=ids(a, c)), (b,)),
                (dict(exclude_authid=names(b)), (a, c)),
                (dict(exclude_authrole=["all"]), ()),
                (dict(exclude_authrole=["other"]), (a, b, c)),
                (dict(eligible=ids(a, b)), (a, b)),
                (dict(eligible=[]), ()),
                (dict(eligible_authid=names(c)), (c,)),
                (dict(eligible_authrole="all"), (a, b, c)),
                (dict(eligible_authrole=["other"]), ()),
                (dict(eligible=ids(a, b), exclude_authid=names(b)), (a,)),
                ({}, (a, b, c))):
            n += 1
            await p.publish("com.example.t", n, options=PublishOptions(
                **options, **ACK))
            for s in for_whom:
                want[s].append(n)
        for s in want:
            last = [(await got[s].take())[0][0] for _ in want[s]]
            assert last == want[s], (last, want[s])


async def identification():
    """publisher and caller identification, which the role grants"""
    for realm in ("telling", "realm1"):
        async with Sessions(2, realm) as (a, b):
            box = Box()
            await a.subscribe(box.on_event, "com.example.t", options=TOLD)
            await b.publish("com.example.t", options=PublishOptions(**ACK))
            event = (await box.take())[2]
            await a.register(lambda details: box.put(details),
                             "com.example.p", options=ASKED)
            await b.call("com.example.p")
            call = await box.take()
            want = (b.details.session, b.details.authid, "all") \
                if realm == "telling" else (None, None, None)
            assert (event.publisher, event.publisher_authid,
                    event.publisher_authrole) == want, event
            assert (call.caller, call.caller_authid,
                    call.caller_authrole) == want, call


async def retained():
    """retained events"""
    async with Sessions(2) as (a, b):
        for n in (1, 2):
            await b.publish("com.example.kept.x", n, options=PublishOptions(
                retain=True, **ACK))
        for match, topic in (("exact", "com.example.kept.x"),
                             ("prefix", "com.example.kept"),
                             ("wildcard", "com..kept.x")):
            box = Box()
            sub = await a.subscribe(
                box.on_event, topic, options=SubscribeOptions(
                    match=match, get_retained=True, details=True))
            args, _, details = await box.take()
            assert args == (2,) and details.retained, (match, args, details)
            assert details.topic == "com.example.kept.x", details
            await b.publish("com.example.kept.x", 3, options=PublishOptions(
                **ACK))
            args, _, details = await box.take()
            assert args == (3,) and not details.retained, details
            await sub.unsubscribe()
        box = Box()
        await a.subscribe(box.on_event, "com.example.kept.x")
        b.publish("com.example.kept.x", 4)
        assert (await box.take())[0] == (4,)


async def history():
    """event history"""
    async with Sessions(2) as (a, b):
        pubs = [(await b.publish("com.example.history", n, k=n,
                                 options=PublishOptions(**ACK))).id
                for n in range(5)]
        sub = await a.call("wamp.subscription.lookup", "com.example.history")

        async def get(**kw):
            got = await a.call("wamp.subscription.get_events", sub, **kw)
            # one positional result is given as it is, several are not
            got = got.results if isinstance(got, CallResult) else [got]
            return [e for e in got if e is not None]
        events = await get()
        assert [e["publication"] for e in events[-5:]] == pubs, events
        last = events[-1]
        assert last["args"] == [4] and last["kwargs"] == {"k": 4}, last
        assert last["subscription"] == sub and last["timestamp"], last
        for kw, want in (
                (dict(limit=2, reverse=True), pubs[:-3:-1]),
                (dict(after_publication=pubs[1]), pubs[2:]),
                (dict(from_publication=pubs[1],
                      until_publication=pubs[2]), pubs[1:3])):
            got = [e["publication"] for e in await get(**kw)]
            assert got == want, (kw, got, want)


# -- Calls --------------------------------------------------------------------

async def progress():
    """progressive call results"""
    async with Sessions(2) as (a, b):
        async def count(n, details):
            for i in range(n):
                if details.progress:
                    details.progress(i, half=i / 2)
            return "end"
        await a.register(count, "com.example.count", options=ASKED)
        box = Box()
        got = await b.call("com.example.count", 3, options=CallOptions(
            on_progress=box.on_event))
        assert got == "end", got
        assert [x[:2] for x in box.items] == [
            ((i,), {"half": i / 2}) for i in range(3)], box.items
        assert await b.call("com.example.count", 3) == "end"


class Slow:
    """A procedure that ends when it is told to, or canceled, and then may
    say so."""

    def __init__(self, error=None):
        self.asked, self.ended, self.go = Box(), Box(), None
        self.error = error

    async def run(self):
        self.go = future()
        self.asked.put(None)
        try:
            await self.go
        except BaseException as e:
            self.ended.put(type(e).__name__)
            if self.error:
                raise ApplicationError(self.error)
            raise
        self.ended.put("done")
        return "done"


async def cancel(mode):
    """Has no API, but the messages."""
    async with Sessions(2) as (a, b):
        slow = Slow("com.example.stopped" if mode == "kill" else None)
        await a.register(slow.run, "com.example.slow")
        call = b.call("com.example.slow")
        await slow.asked.take()
        b._transport.send(message.Cancel(max(b._call_reqs), mode=mode))
        await fails(call, slow.error or "wamp.error.canceled")
        if mode == "skip":
            assert not slow.ended.items, slow.ended.items
            resolve(slow.go)
            assert await slow.ended.take() == "done"
        else:
            assert await slow.ended.take() == "CancelledError"
        # both can go on
        await a.register(lambda: 1, "com.example.one")
        assert await b.call("com.example.one") == 1


async def cancel_skip():
    """cancel, mode skip"""
    await cancel("skip")


async def cancel_killnowait():
    """cancel, mode killnowait"""
    await cancel("killnowait")


async def cancel_kill():
    """cancel, mode kill"""
    await cancel("kill")


async def cancel_itself():
    """cancel() of what call() returned"""
    async with Sessions(2) as (a, b):
        slow = Slow()
        await a.register(slow.run, "com.example.slow")
        call = b.call("com.example.slow")
        await slow.asked.take()
        call.cancel()
        try:
            await call
        except BaseException as e:
            assert type(e).__name__ == "CancelledError", e
        if FRAMEWORK == "asyncio":
            # nothing is sent: a future of asyncio has no canceller
            resolve(slow.go)
            assert await slow.ended.take() == "done"
        else:
            assert await slow.ended.take() == "CancelledError"
        await a.register(lambda: 1, "com.example.one")
        assert await b.call("com.example.one") == 1


async def timeout():
    """call timeout, in milliseconds"""
    async with Sessions(2) as (a, b):
        slow = Slow()
        await a.register(slow.run, "com.example.slow")
        call = b.call("com.example.slow", options=CallOptions(timeout=200))
        await slow.asked.take()
        await fails(call, "wamp.error.timeout")
        assert await slow.ended.take() == "CancelledError"
        call = b.call("com.example.slow", options=CallOptions(timeout=60000))
        await slow.asked.take()
        resolve(slow.go)
        assert await call == "done"


async def pattern_registration():
    """registrations by prefix and wildcard"""
    async with Sessions(2) as (a, b):
        for match, uri in (("prefix", "com.example.pre"),
                           ("wildcard", "com..wild.x"),
                           ("exact", "com.example.prefix.exact")):
            await a.register(
                lambda details, match=match: [match, details.procedure], uri,
                options=RegisterOptions(match=match, details=True))
        for uri, match in (("com.example.prefix.y", "prefix"),
                           ("com.example.wild.x", "wildcard"),
                           ("com.example.prefix.exact", "exact")):
            got = await b.call(uri)
            assert got == [match, uri], got


async def shared():
    """shared registrations: each policy"""
    async with Sessions(4) as (a, b, c, caller):
        for policy, want in (("roundrobin", "abcabc"), ("first", "aaaaaa"),
                             ("last", "cccccc"), ("random", None)):
            regs = []
            for s, name in ((a, "a"), (b, "b"), (c, "c")):
                regs.append(await s.register(
                    lambda name=name: name, "com.example.shared",
                    options=RegisterOptions(invoke=policy)))
            got = "".join([await caller.call("com.example.shared")
                           for _ in range(6)])
            assert got == want or want is None and set(got) <= set("abc"), (
                policy, got)
            await fails(caller.register(
                lambda: 1, "com.example.shared"),
                "wamp.error.procedure_already_exists")
            for r in regs:
                await r.unregister()


async def concurrency():
    """concurrency of a registration"""
    async with Sessions(2) as (a, b):
        slow = Slow()
        await a.register(slow.run, "com.example.slow",
                         options=RegisterOptions(concurrency=1))
        call = b.call("com.example.slow")
        await slow.asked.take()
        await fails(b.call("com.example.slow"),
                    "wamp.error.no_available_callee")
        resolve(slow.go)
        assert await call == "done"


async def force_reregister():
    """force_reregister"""
    async with Sessions(3) as (a, b, caller):
        for s, name in ((a, "a"), (b, "b"), (a, "a")):
            await s.register(lambda name=name: name, "com.example.forced",
                             options=RegisterOptions(force_reregister=True))
            assert await caller.call("com.example.forced") == name
        await fails(b.register(lambda: 1, "com.example.forced"),
                    "wamp.error.procedure_already_exists")


# -- Meta API -------------------------------------------------------------------

async def meta_session():
    """session meta API"""
    async with Sessions(1) as a:
        joins, leaves = Box(), Box()
        await a.subscribe(joins.on_event, "wamp.session.on_join")
        await a.subscribe(leaves.on_event, "wamp.session.on_leave")
        b = await join()
        (about,), _, _ = await joins.take()
        assert about["session"] == b.details.session, about
        assert about["authid"] == b.details.authid, about
        assert about["authrole"] == "all", about
        assert about["authmethod"] == "anonymous", about
        assert sorted(await a.call("wamp.session.list")) == sorted(
            [a.details.session, b.details.session])
        assert await a.call("wamp.session.count") == 2
        assert await a.call("wamp.session.count", ["other"]) == 0
        got = await a.call("wamp.session.get", b.details.session)
        assert got["session"] == b.details.session, got
        assert got["authid"] == b.details.authid, got
        await fails(a.call("wamp.session.get", 4711),
                    "wamp.error.no_such_session")
        await a.call("wamp.session.kill", b.details.session,
                     reason="com.example.enough", message="that is it")
        left = await b.left.take()
        assert (left.reason, left.message) == (
            "com.example.enough", "that is it"), left
        args, _, _ = await leaves.take()
        assert args == (b.details.session, b.details.authid, "all"), args
        c = await join()
        await joins.take()
        assert await a.call("wamp.session.kill_by_authid",
                            c.details.authid) == [c.details.session]
        assert (await c.left.take()).reason == "wamp.close.killed"
        await leaves.take()


async def meta_subscription():
    """subscription meta API"""
    async with Sessions(2) as (a, b):
        box = Box()
        for name in ("on_create", "on_subscribe", "on_unsubscribe",
                     "on_delete"):
            await a.subscribe(
                lambda *args, name=name: box.put((name,) + args),
                "wamp.subscription." + name)
        await a.call("wamp.session.count")
        box.items.clear()       # of its own subscriptions
        sub = await b.subscribe(lambda: None, "com.example.m",
                                options=SubscribeOptions(match="prefix"))
        me = b.details.session
        name, who, about = await box.take()
        assert (name, who) == ("on_create", me), (name, who)
        assert about.pop("created")
        want = {"id": sub.id, "uri": "com.example.m", "match": "prefix"}
        assert about == want, about
        assert await box.take() == ("on_subscribe", me, sub.id)
        got = await a.call("wamp.subscription.get", sub.id)
        assert got.pop("created") and got == want, got
        assert await a.call("wamp.subscription.lookup", "com.example.m",
                            {"match": "prefix"}) == sub.id
        assert await a.call("wamp.subscription.lookup", "com.example.m") \
            is None
        assert await a.call("wamp.subscription.match",
                            "com.example.more") == [sub.id]
        assert sub.id in (await a.call("wamp.subscription.list"))["prefix"]
        assert await a.call("wamp.subscription.list_subscribers",
                            sub.id) == [me]
        assert await a.call("wamp.subscription.count_subscribers",
                            sub.id) == 1
        await sub.unsubscribe()
        assert await box.take() == ("on_unsubscribe", me, sub.id)
        assert await box.take() == ("on_delete", me, sub.id)
        await fails(a.call("wamp.subscription.get", sub.id),
                    "wamp.error.no_such_subscription")


async def meta_registration():
    """registration meta API"""
    async with Sessions(2) as (a, b):
        box = Box()
        for name in ("on_create", "on_register", "on_unregister",
                     "on_delete"):
            await a.subscribe(
                lambda *args, name=name: box.put((name,) + args),
                "wamp.registration." + name)
        reg = await b.register(lambda: 1, "com.example.m",
                               options=RegisterOptions(
                                   match="prefix", invoke="last"))
        me = b.details.session
        name, who, about = await box.take()
        assert (name, who) == ("on_create", me), (name, who)
        assert about.pop("created")
        want = {"id": reg.id, "uri": "com.example.m", "match": "prefix",
                "invoke": "last"}
        assert about == want, about
        assert await box.take() == ("on_register", me, reg.id)
        got = await a.call("wamp.registration.get", reg.id)
        assert got.pop("created") and got == want, got
        assert await a.call("wamp.registration.lookup", "com.example.m",
                            {"match": "prefix"}) == reg.id
        assert await a.call("wamp.registration.match",
                            "com.example.more") == reg.id
        assert await a.call("wamp.registration.match", "org.x") is None
        assert (await a.call("wamp.registration.list"))["prefix"] == [reg.id]
        assert await a.call("wamp.registration.list_callees",
                            reg.id) == [me]
        assert await a.call("wamp.registration.count_callees", reg.id) == 1
        await reg.unregister()
        assert await box.take() == ("on_unregister", me, reg.id)
        assert await box.take() == ("on_delete", me, reg.id)
        await fails(a.call("wamp.registration.get", reg.id),
                    "wamp.error.no_such_registration")
        reg = await b.register(lambda: 1, "com.example.m")
        for _ in range(2):
            await box.take()
        await a.call("wamp.registration.remove_callee", reg.id, me)
        assert await box.take() == ("on_unregister", me, reg.id)
        await fails(a.call("com.example.m"), "wamp.error.no_such_procedure")
        assert await b.call("wamp.session.count") == 2


async def testaments():
    """testaments"""
    async with Sessions(1) as a:
        box = Box()
        await a.subscribe(box.on_event, "com.example.testament")
        for how in ("leave", "lost", "killed", "flushed"):
            b = await join()
            await b.call("wamp.session.add_testament",
                         "com.example.testament", [how], {"x": 1})
            await b.call("wamp.session.add_testament",
                         "com.example.testament", ["first"], {},
                         scope="detached")
            if how == "flushed":
                await b.call("wamp.session.flush_testaments")
            if how == "killed":
                await a.call("wamp.session.kill", b.details.session)
                await b.left.take()
            elif how == "lost":
                b._transport.abort()
            else:
                await b.end()
            assert (await box.take())[:2] == (("first",), {})
            if how != "flushed":
                assert (await box.take())[:2] == ((how,), {"x": 1})
        await pause(0.05)
        assert not box.items, box.items


# -- What it cannot do, as wampd-clients(7) has it ----------------------------
# If one of these fails, Autobahn learned something.

async def lacks_fractions():
    """lacks: a timeout with a fraction, which CallOptions takes"""
    async with Sessions(1) as a:
        try:
            a.call("com.example.p", options=CallOptions(timeout=0.5))
        except AssertionError:
            return
        raise TypeError("it was sent")


async def lacks_interrupts():
    """lacks: an answer of who is interrupted, on asyncio"""
    async with Sessions(2) as (a, b):
        slow = Slow()
        await a.register(slow.run, "com.example.slow")
        call = b.call("com.example.slow")
        await slow.asked.take()
        b._transport.send(message.Cancel(max(b._call_reqs), mode="kill"))
        assert await slow.ended.take() == "CancelledError"
        await a.call("wamp.session.count")
        await b.call("wamp.session.count")
        await a.end()
        await fails(call, "wamp.error.canceled" if FRAMEWORK == "asyncio"
                    else "wamp.error.runtime_error")


async def lacks_share():
    """lacks: one session registers twice and has one share"""
    async with Sessions(1) as a:
        shared = RegisterOptions(invoke="roundrobin")
        await a.register(lambda: 1, "com.example.p", options=shared)
        a.register(lambda: 2, "com.example.p", options=shared)
        await a.left.take()


async def lacks_reasons():
    """lacks: a registration is revoked for a reason that is no URI"""
    async with Sessions(2) as (a, b):
        for reason, is_left in (("com.example.reason", False),
                                ("no more", True)):
            reg = await b.register(lambda: 1, "com.example.p")
            await a.call("wamp.registration.remove_callee", reg.id,
                         b.details.session, reason=reason)
            if not is_left:
                assert await b.call("wamp.session.count") > 1
        await b.left.take()


async def lacks_keyring():
    """lacks: payload that the router may carry but not see"""
    async with Sessions(1) as a:
        a._transport.send(message.Publish(
            a._request_id_gen.next(), "com.example.t", payload=b"secret",
            enc_algo="cryptobox", enc_serializer="json"))
        await a.left.take()


async def lacks_revocation():
    """lacks: a subscription is revoked"""
    async with Sessions(2) as (a, b):
        sub = await b.subscribe(lambda: None, "com.example.t")
        await a.call("wamp.subscription.remove_subscriber", sub.id,
                     b.details.session)
        await b.left.take()


CASES = [patterns, exclusion, lists, identification, retained, history,
         progress, cancel_skip, cancel_killnowait, cancel_kill,
         cancel_itself, timeout, pattern_registration, shared, concurrency,
         force_reregister, meta_session, meta_subscription,
         meta_registration, testaments, lacks_fractions, lacks_interrupts,
         lacks_share, lacks_reasons, lacks_keyring, lacks_revocation]

if __name__ == "__main__":
    main(CASES)
