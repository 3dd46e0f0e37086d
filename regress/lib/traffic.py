# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Clients that exchange messages without end while something else happens to
# the router, and miss nothing: a thread each, which stops at the first
# message that is lost, out of order or not what it should be.
#
#	with Traffic([Events('a', pub, [sub]), Calls('b', caller, callee)]) as t:
#		...
#		t.moves()		# all of them, since this was called

import threading
import time
import traceback

from daemon import SAN, wait_until
from wampclient import (CALL, Client, Closed, EVENT, INVOCATION, PUBLISH,
                        PUBLISHED, RESULT, YIELD)

BURST = 20		# messages under way at once
PAUSE = 0.005		# others want the processor as well


class Flow(threading.Thread):
    """Subclasses have open() and round()."""

    pause = PAUSE

    def __init__(self, name):
        super().__init__(name=name, daemon=True)
        self.rounds = 0
        self.wrong = None
        self.is_over = threading.Event()

    def run(self):
        try:
            self.open()
            while not self.is_over.is_set():
                self.round()
                self.rounds += 1
                time.sleep(self.pause)
        except Exception as e:  # told by whoever waits for it
            self.wrong = '%s, round %d: %s: %s\n%s' % (
                self.name, self.rounds, type(e).__name__, e,
                traceback.format_exc())

    def open(self):
        pass


class Events(Flow):
    """What is acknowledged reaches every subscriber, in order."""

    def __init__(self, name, publisher, subscribers, topic=None):
        super().__init__(name)
        self.publisher, self.subscribers = publisher, subscribers
        self.topic = topic or 'com.example.load.%s' % name
        self.n = 0

    def open(self):
        self.subs = [c.subscribe(self.topic) for c in self.subscribers]

    def round(self):
        p = self.publisher
        wanted = range(self.n, self.n + BURST)
        self.n += BURST
        for n in wanted:
            p.send(PUBLISH, p.next(), {'acknowledge': True}, self.topic, [n])
        for n in wanted:
            p.expect(PUBLISHED, n + 1)
        for c, sub in zip(self.subscribers, self.subs):
            for n in wanted:
                c.expect(EVENT, sub, None, None, [n])


class Calls(Flow):
    """Every call reaches the callee and has its result."""

    def __init__(self, name, caller, callee, procedure=None):
        super().__init__(name)
        self.caller, self.callee = caller, callee
        self.procedure = procedure or 'com.example.load.%s' % name
        self.n = 0

    def open(self):
        self.reg = self.callee.register(self.procedure)

    def round(self):
        wanted = range(self.n, self.n + BURST)
        self.n += BURST
        for n in wanted:
            self.caller.send(CALL, self.caller.next(), {}, self.procedure,
                             [n])
        for n in wanted:
            m = self.callee.expect(INVOCATION, None, self.reg, None, [n])
            self.callee.send(YIELD, m[1], {}, [n, n])
        for n in wanted:
            self.caller.expect(RESULT, n + 1, None, [n, n])


class Joins(Flow):
    """Nobody who may join is refused."""

    def __init__(self, name, address, **kw):
        super().__init__(name)
        self.address, self.kw = address, kw

    def round(self):
        c = Client(self.address, timeout=PATIENCE, **self.kw)
        c.goodbye()
        c.close()


PATIENCE = 60 if SAN else 30	# s; a busy machine is nobody's fault


class Traffic:
    def __init__(self, flows):
        self.flows = flows

    def check(self):
        for f in self.flows:
            if f.wrong:
                raise AssertionError(f.wrong)
            if not f.is_alive() and not f.is_over.is_set():
                raise AssertionError('%s has stopped' % f.name)

    def moves(self, flows=None):
        """All of these finish what they began after now."""
        at = [(f, f.rounds + 2) for f in flows or self.flows]

        def moved():
            self.check()
            return all(f.rounds >= n for f, n in at)
        wait_until(moved, PATIENCE, 'traffic')

    def stop(self):
        for f in self.flows:
            f.is_over.set()
        for f in self.flows:
            f.join()

    def __enter__(self):
        for f in self.flows:
            f.start()
        self.moves()
        return self

    def __exit__(self, kind, value, tb):
        self.stop()
        if kind is None:
            self.check()
        return False
