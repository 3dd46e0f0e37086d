# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What sessions must receive in a step of the walk, and the comparison with
# what they did receive.  A session's messages come in groups: the groups in
# order, the messages of one group in any order.

import select
import time

from wampclient import Closed

WAIT = 20


class Wrong(Exception):
    """Something else came than the model says."""


class Ref:
    """A value that the router chooses: bound when it is first seen."""

    def __init__(self, what):
        self.what, self.value = what, None

    def take(self, v):
        if self.value is None:
            if not isinstance(v, int) or not 1 <= v <= 1 << 53:
                return False
            self.value = v
            return True
        return self.value == v

    def __repr__(self):
        return '<%s %s>' % (self.what, self.value)


class Any:
    """Any value, or any value that the function accepts."""

    def __init__(self, fn=None):
        self.fn = fn

    def take(self, v):
        return self.fn is None or self.fn(v)

    def __repr__(self):
        return '<any>'


ANY = Any()


def same(want, got):
    """Does it match?  Refs that are not bound yet match any id."""
    if isinstance(want, Ref):
        if want.value is None:
            return isinstance(got, int) and 1 <= got <= 1 << 53
        return want.value == got
    if isinstance(want, Any):
        return want.take(got)
    if isinstance(want, dict):
        return (isinstance(got, dict) and want.keys() == got.keys() and
                all(same(v, got[k]) for k, v in want.items()))
    if isinstance(want, (list, tuple)):
        return (isinstance(got, list) and len(want) == len(got) and
                all(same(w, g) for w, g in zip(want, got)))
    return type(want) is type(got) and want == got


def bind(want, got):
    if isinstance(want, Ref):
        if not want.take(got):
            raise Wrong('%r is %r' % (want, got))
    elif isinstance(want, dict):
        for k, v in want.items():
            bind(v, got[k])
    elif isinstance(want, (list, tuple)):
        for w, g in zip(want, got):
            bind(w, g)


class Want:
    """One message; "more": further elements may follow."""

    def __init__(self, msg, more=False, then=None):
        self.msg, self.more, self.then = msg, more, then

    def matches(self, got):
        got = got[:len(self.msg)] if self.more else got
        return same(self.msg, got)

    def __repr__(self):
        return repr(self.msg) + (' ...' if self.more else '')


class Expect:
    """All that one step makes come."""

    def __init__(self):
        self.groups = {}	# session: [[Want, ...], ...]
        self.choices = []	# ([session, ...], function(session) -> Want)

    def add(self, sess, msg, more=False, then=None, new=False):
        """new: not before what was added so far."""
        g = self.groups.setdefault(sess, [[]])
        if new and g[-1]:
            g.append([])
        g[-1].append(Want(list(msg), more, then))

    def one_of(self, sessions, fn):
        """One of these sessions gets something, the first thing it gets in
        this step; fn, told which, says what."""
        self.choices.append((list(sessions), fn))


def choose(sessions):
    """The one that has something to be read."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        for s in sessions:
            if s.c.buf:
                return s
        socks = {s.c.sock: s for s in sessions}
        ready = select.select(list(socks), [], [], 1)[0]
        if ready:
            return socks[ready[0]]
    raise Wrong('nothing came to any of %r' % sessions)


def settle(ex):
    """Read all that must come; Wrong if something else does."""
    for sessions, fn in ex.choices:
        s = choose(sessions) if len(sessions) > 1 else sessions[0]
        w = fn(s)
        ex.groups.setdefault(s, [[]]).insert(0, [w])
    for sess in list(ex.groups):
        for group in ex.groups[sess]:
            todo = list(group)
            while todo:
                try:
                    m = sess.c.recv(WAIT)
                except (TimeoutError, Closed) as e:
                    raise Wrong('%r: %s %s; awaited %r' % (
                        sess, type(e).__name__, e, todo))
                for w in todo:
                    if w.matches(m):
                        break
                else:
                    raise Wrong('%r got %r, awaited %r' % (sess, m, todo))
                todo.remove(w)
                bind(w.msg, m)
                if w.then is not None:
                    w.then(m)
