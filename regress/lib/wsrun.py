# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
"""
Runs of WebSocket cases against a router: a connection that plays steps
(octets to send, and coroutines that expect something), and a witness that
sees what came through.
"""
import asyncio
import collections
import itertools
import re
import sys
import time

import msgpack

from wsraw import Conn, P, Unexpected, X, frame, show

REALM = "cases"

# How long to wait for what must come at once, on a busy machine.
SOON = 20
# For the end of the TCP connection behind a Close of the server's.
END = 5
# Runs at a time: of the usual ones, of those that keep a processor busy, and
# of those that make broker and tlsproxy queue so much that events may rightly
# be dropped if there were two.
NORMAL = 80
BUSY = 2
HUGE = 1


class Log:
    """The sessions whose leave was logged."""

    def __init__(self, path):
        self.path = path
        self.at = 0
        self.rest = b""
        self.left = collections.Counter()

    def read(self):
        with open(self.path, "rb") as f:
            f.seek(self.at)
            data = f.read()
        self.at += len(data)
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            m = re.search(rb"session (\d+) left\b", line)
            if m:
                self.left[int(m.group(1))] += 1

    async def wait_left(self, sid):
        end = time.monotonic() + SOON
        while True:
            self.read()
            if self.left[sid]:
                return
            if time.monotonic() > end:
                raise Unexpected("no log line: session %d left" % sid)
            await asyncio.sleep(0.02)


class Witness:
    """A session that subscribes to every topic and keeps what comes."""

    def __init__(self, port, ser):
        self.port = port
        self.conn = Conn(ser)
        self.ids = itertools.count(1)
        self.events = {}		# topic: queue of first arguments
        self.waiting = {}		# request: future
        self.topics = {}		# subscription: topic
        self.early = {}			# subscription: events before SUBSCRIBED
        self.task = None

    async def start(self):
        await self.conn.connect(self.port)
        await self.conn.message([1, REALM, {"roles": {
            "subscriber": {}, "publisher": {}}}])
        msg = await self.conn.wamp(SOON)
        if msg[0] != 2:
            raise Unexpected("witness: %s" % msg)
        self.task = asyncio.ensure_future(self.loop())

    async def loop(self):
        while True:
            event = await self.conn.event(3600)
            if event[0] != "message":
                sys.exit("not ok - witness: %s" % show(event))
            msg = self.conn.decode(event)
            if msg[0] == 36:
                data = msg[4][0] if len(msg) > 4 else None
                topic = self.topics.get(msg[1])
                if topic is None:
                    self.early.setdefault(msg[1], []).append(data)
                else:
                    self.events[topic].put_nowait(data)
            elif msg[0] == 33:
                topic, done = self.waiting.pop(msg[1])
                self.topics[msg[2]] = topic
                for data in self.early.pop(msg[2], []):
                    self.events[topic].put_nowait(data)
                done.set_result(None)
            elif msg[0] != 17:
                sys.exit("not ok - witness: %s" % msg)

    async def subscribe(self, topic):
        done = asyncio.get_running_loop().create_future()
        request = next(self.ids)
        self.events[topic] = asyncio.Queue()
        self.waiting[request] = (topic, done)
        await self.conn.message([32, request, {}, topic])
        await asyncio.wait_for(done, SOON)

    async def probe(self, topic):
        """What has come up to an event that we send ourselves."""
        await self.conn.message([16, next(self.ids), {
            "exclude_me": False}, topic, ["probe"]])
        out = []
        while True:
            data = await asyncio.wait_for(self.events[topic].get(), SOON)
            if data == "probe":
                return out
            out.append(data)


TOPICS = ("".join(t) for t in itertools.product(
    "tuvxyz", "abcdefghijklmnopqrstuvwxyz0123456789",
    "abcdefghijklmnopqrstuvwxyz0123456789"))


class Run:
    """
    One run of one case: phase "H" (upgraded), "J" (joined) or "S" (joined,
    and subscribed to a topic of its own that a witness watches).
    """

    def __init__(self, world, ser, phase):
        self.world = world
        self.ser = ser
        self.phase = phase
        self.topic = next(TOPICS)	# three characters, as the cases say
        self.conn = Conn(ser)
        self.witness = world.witness[ser]
        self.ids = itertools.count(1)
        self.sid = None
        self.over = False
        self.chop = None
        self.timeout = SOON

    async def start(self):
        await self.conn.connect(self.world.port)
        if self.phase != "H":
            await self.conn.write(self.M(self.hello))
            await welcome(self)
        if self.phase == "S":
            await self.subscribe()

    async def subscribe(self):
        await self.witness.subscribe(self.topic)
        await self.conn.message([32, next(self.ids), {}, self.topic])
        msg = await self.conn.wamp(self.timeout)
        if msg[0] != 33:
            raise Unexpected("got %s, want SUBSCRIBED" % msg)

    async def play(self, steps):
        pending = []
        for step in steps:
            if isinstance(step, bytes):
                pending.append(step)
                continue
            await self.flush(pending)
            if isinstance(step, int):
                self.chop = step
            elif step is not None:
                await step(self)
        await self.flush(pending)

    async def flush(self, pending):
        if not pending:
            return
        data = b"".join(pending)
        pending.clear()
        if self.chop:
            await self.conn.chop(data, self.chop)
        else:
            await self.conn.write(data)

    # Messages.  All have ids that follow each other.
    @property
    def hello(self):
        return self.conn.encode([1, REALM, {"roles": {
            "subscriber": {}, "publisher": {}}}])

    def M(self, payload, **kw):
        """A frame of the serializer's type."""
        return frame(self.conn.op, payload, **kw)

    def msg(self, n, fill=b"*"):
        """PUBLISH of n octets: J(n) or M(n); and what its EVENT carries."""
        if self.ser == "json":
            a, z = self.AZ()
            m = n - len(a) - len(z)
            data = (fill * (m // len(fill) + 1))[:m]
            return a + data + z, data.decode()
        base = [16, next(self.ids), {"exclude_me": False}, self.topic]
        # the list's head and the id are the same with an argument behind
        least = len(msgpack.packb(base)) + 1
        for length in (2, 3, 5):
            m = n - least - length
            data = (fill * (m // len(fill) + 1))[:m]
            out = msgpack.packb(base + [[data]])
            if len(out) == n:
                return out, data
        raise ValueError("no PUBLISH of %d octets" % n)

    def AZ(self):
        """What stands before and behind the string of a PUBLISH."""
        return (b'[16,%d,{"exclude_me":false},"%s",["' %
                (next(self.ids), self.topic.encode()), b'"]]')


# Steps that expect something.  Each takes the run.

def pong(payload):
    async def step(r):
        event = await r.conn.event(r.timeout)
        if event != ("pong", payload):
            raise Unexpected("got %s, want pong %r" %
                             (show(event), payload[:40]))
    return step


async def welcome(r):
    msg = await r.conn.wamp(r.timeout)
    if msg[0] != 2:
        raise Unexpected("got %s, want WELCOME" % msg)
    r.sid = msg[1]


def event(data):
    """One EVENT, at the sender and at the witness."""
    async def step(r):
        msg = await r.conn.wamp(r.timeout)
        if msg[0] != 36 or msg[4] != [data]:
            raise Unexpected("got %.80s, want an EVENT" % msg)
        got = await asyncio.wait_for(r.witness.events[r.topic].get(),
                                     r.timeout)
        if got != data:
            raise Unexpected("witness got %.80r" % got)
    return step


def wait(seconds):
    """Wait, while the connection stays open and nothing comes."""
    async def step(r):
        ev = await r.conn.event(seconds)
        if not ev[0].startswith("nothing"):
            raise Unexpected("got %s while waiting" % show(ev))
    return step


async def pause(r):
    """Between frames that are to be writes of their own."""
    await asyncio.sleep(0.002)


async def drain(r, close, answer, seen=()):
    """
    Up to the end of TCP; close has come already or is None.  EVENTs of seen
    may come before the Close.  Returns the Close.
    """
    soft = list(seen)
    while True:
        ev = await r.conn.event(END if close else r.timeout)
        if ev[0] == "close" and close is None:
            close = ev
            if answer:
                await r.conn.write(X(ev[1]))
        elif ev[0] == "message" and close is None and soft:
            msg = r.conn.decode(ev)
            if msg[0] != 36 or msg[4] != [soft.pop(0)]:
                raise Unexpected("got %.80s" % msg)
        elif ev[0] in ("eof", "reset"):
            break
        else:
            raise Unexpected("got %s %s the Close" %
                             (show(ev), "behind" if close else "before"))
    r.over = True
    r.conn.close()
    if close is None:
        raise Unexpected("connection ended without Close")
    return close


async def aftermath(r, seen=()):
    """The session has left once; the witness has got seen and no more."""
    if r.sid is not None:
        await r.world.log.wait_left(r.sid)
    if r.topic in r.witness.events:
        got = await r.witness.probe(r.topic)
        if got != list(seen):
            raise Unexpected("witness got %.80s, want %.80s" %
                             (got, list(seen)))


def fails(*codes, seen=(), answer=True):
    """F(c): the server fails the connection."""
    async def step(r):
        ev = await drain(r, None, answer, seen)
        if ev[1] not in codes:
            raise Unexpected("Close with %s, want %s" % (ev[1], codes))
        await aftermath(r, seen)
    return step


def closes(*codes, seen=()):
    """close(c): our Close is answered.  None: may have no code."""
    return fails(*codes, seen=seen, answer=False)


async def aborts(r):
    """ABORT, then Close or the end of TCP."""
    msg = await r.conn.wamp(r.timeout)
    if msg[0] != 3 or msg[2] != "wamp.error.protocol_violation":
        raise Unexpected("got %.80s, want ABORT" % msg)
    ev = await r.conn.event(END)
    if ev[0] == "close":
        if ev[1] in (1002, 1007):
            raise Unexpected("Close with %d behind ABORT" % ev[1])
        await r.conn.write(X(ev[1]))
        await drain(r, ev, False)
    elif ev[0] not in ("eof", "reset"):
        raise Unexpected("got %s behind ABORT" % show(ev))
    r.over = True
    r.conn.close()
    await aftermath(r)


async def alive(r):
    if r.phase == "H" and r.sid is None:
        await r.play([r.M(r.hello), welcome])
    if r.topic not in r.witness.events:
        await r.subscribe()
    q, data = r.msg(60)
    await r.play([P(b"alive"), pong(b"alive"), r.M(q), event(data)])
    await leave(r)


async def leave(r):
    await r.play([X(1000), closes(1000, None)])


class World:
    def __init__(self, port, log):
        self.port = port
        self.log = Log(log)
        self.witness = {}
        self.failures = {}

    async def run_all(self, rows, abreast):
        turn = asyncio.Semaphore(abreast)

        async def run(number, phase, ser, make, _, timeout):
            async with turn:
                await self.run(number, phase, ser, make, timeout)

        await asyncio.gather(*[run(*row) for row in rows])

    async def run(self, number, phase, ser, make, timeout):
        r = Run(self, ser, phase)
        r.timeout = timeout
        try:
            await r.start()
            await r.play(make(r))
            if not r.over:
                raise Unexpected("the case ends with an open connection")
        except (Unexpected, asyncio.TimeoutError, OSError,
                ValueError) as e:
            self.fail(number, "%s %s: %s" % (
                phase, ser, str(e) or type(e).__name__))
        finally:
            r.conn.close()

    async def single(self, number, function):
        try:
            await function(self)
        except (Unexpected, asyncio.TimeoutError, OSError) as e:
            self.fail(number, str(e) or type(e).__name__)

    def fail(self, number, why):
        self.failures.setdefault(number, []).append(why)

    def late(self):
        """What came to the witness after a case was over; leaves twice."""
        for witness in self.witness.values():
            for topic, queue in witness.events.items():
                while not queue.empty():
                    self.fail("x.late", "EVENT on %s: %.60r" %
                              (topic, queue.get_nowait()))
        self.log.read()
        for sid, n in self.log.left.items():
            if n > 1:
                self.fail("x.late", "session %d left %d times" % (sid, n))
