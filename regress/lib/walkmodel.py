# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The specification, as plainly as can be: who subscribes and registers what,
# which calls are under way, what is kept, and what each session must be sent
# for what one of them does.  Everything is a list that is walked.

import random

from walkexpect import ANY, Any, Ref, Want
from wampclient import *

INVALID, DENIED = 'wamp.error.invalid_argument', 'wamp.error.not_authorized'
CANCELED, TIMEOUT = 'wamp.error.canceled', 'wamp.error.timeout'
UNAVAILABLE = 'wamp.error.unavailable'
NO_CALLEE = 'wamp.error.no_available_callee'
UNSUPPORTED = 'wamp.error.feature_not_supported'
NO_DISCLOSE = 'wamp.error.option_disallowed.disclose_me'
LIMITED_MAX = 16	# retained events with lists, of a topic


def matches(match, pattern, uri):
    if match == 'exact':
        return pattern == uri
    if match == 'prefix':
        return uri.startswith(pattern)
    p, u = pattern.split('.'), uri.split('.')
    return len(p) == len(u) and all(a in ('', b) for a, b in zip(p, u))


def payload(args, kwargs):
    return [args, kwargs] if kwargs else [args] if args else []


class Sub:
    def __init__(self, match, topic):
        self.match, self.topic = match, topic
        self.id, self.held = Ref('subscription'), []


class Callee:
    count = 0

    def __init__(self, sess, concurrency, forward, discloses):
        Callee.count += 1
        self.number = Callee.count
        self.sess, self.concurrency = sess, concurrency
        self.forward, self.discloses = forward, discloses


class Reg:
    def __init__(self, match, uri, invoke):
        self.match, self.uri, self.invoke = match, uri, invoke
        self.id, self.callees = Ref('registration'), []
        self.last = None	# called last, by round robin
        self.unsure = False	# who is next


class Call:
    pass


class Event:
    """A publication: for subscribers, retained, in the history."""

    def __init__(self, model, sess, topic, opts, args, kwargs):
        self.model = model
        self.sess, self.topic, self.args, self.kwargs = (sess, topic, args,
                                                         kwargs)
        self.id = Ref('publication')
        self.include_me = opts.get('exclude_me') is False
        self.lists = {k: v for k, v in opts.items()
                      if k.startswith(('eligible', 'exclude')) and
                      k != 'exclude_me'}
        self.ppt = {k: v for k, v in opts.items() if k.startswith('ppt_')}
        self.disclosed = bool(opts.get('disclose_me'))
        self.trust = model.trust.get(sess.role)
        self.who = (sess.id, sess.authid, sess.role)

    def is_for(self, s, live=True):
        for name, has in (('', s.id), ('_authid', s.authid),
                          ('_authrole', s.role)):
            if name == '' and not live:
                continue
            if 'eligible' + name in self.lists and \
                    has not in self.lists['eligible' + name]:
                return False
            if has in self.lists.get('exclude' + name, []):
                return False
        return not (live and s.id == self.who[0] and not self.include_me)

    def details(self, match, full, retained=False):
        """full: for one who announced what they are about."""
        d = dict(self.ppt)
        if match != 'exact':
            d['topic'] = self.topic
        if self.disclosed and full:
            d['publisher'], d['publisher_authid'], \
                d['publisher_authrole'] = self.who
        if self.trust is not None and full:
            d['trustlevel'] = self.trust
        if retained:
            d['retained'] = True
        return d

    def reaches(self, s):
        return not self.ppt or s.all

    def message(self, s, sub, retained=False):
        return [EVENT, sub.id, self.id,
                self.details(sub.match, s.all, retained)] + \
            payload(self.args, self.kwargs)


class Model:
    """may(session, action, match, uri): the rules of its role.
    trust: {role: level}; silent: roles that disclose nothing."""

    def __init__(self, may, trust, silent, limits, history):
        self.may, self.trust, self.silent = may, trust, silent
        self.limits = limits
        self.sessions, self.subs, self.regs, self.calls = [], [], [], []
        self.retained = {}	# topic: [Event, ...], the last is the newest
        self.history = [(Sub(m, t), n, []) for m, t, n in history]
        self.subs += [h[0] for h in self.history]
        self.watcher = self.watched = None

    # -- meta events ---------------------------------------------------------

    def meta(self, ex, topic, *args, new=False):
        if self.watcher is not None:
            ex.add(self.watcher, [EVENT, self.watched, ANY,
                                  {'topic': topic}, list(args)], new=new)

    # -- Publish and Subscribe -----------------------------------------------

    def find_sub(self, match, topic):
        for s in self.subs:
            if (s.match, s.topic) == (match, topic):
                return s
        return None

    def subscribe(self, ex, s, request, match, topic, get_retained):
        if not self.may(s, 'subscribe', match, topic):
            ex.add(s, [ERROR, SUBSCRIBE, request, {}, DENIED], more=True)
            return
        sub = self.find_sub(match, topic)
        held = [x for x in self.subs if s in x.held]
        if len(held) >= self.limits['subscriptions'] and sub not in held:
            ex.add(s, [ERROR, SUBSCRIBE, request, {}, DENIED], more=True)
            return
        if sub is None:
            sub = Sub(match, topic)
            self.subs.append(sub)
        ex.add(s, [SUBSCRIBED, request, sub.id])
        if sub not in held:
            if not sub.held and not self.is_kept(sub):
                self.meta(ex, 'wamp.subscription.on_create', s.id, {
                    'id': sub.id, 'uri': topic, 'match': match,
                    'created': Any(is_time)}, new=True)
            sub.held.append(s)
            self.meta(ex, 'wamp.subscription.on_subscribe', s.id, sub.id,
                      new=True)
        if get_retained:
            self.send_retained(ex, s, sub)

    def send_retained(self, ex, s, sub):
        found = []
        for topic, events in self.retained.items():
            if not matches(sub.match, sub.topic, topic):
                continue
            mine = [e for e in events if e.is_for(s)]
            if mine:
                found.append(mine[-1])
        for e in sorted(found, key=lambda e: e.number):
            if e.reaches(s):
                ex.add(s, e.message(s, sub, True), new=True)

    def drop_sub(self, ex, s, sub):
        sub.held.remove(s)
        self.meta(ex, 'wamp.subscription.on_unsubscribe', s.id, sub.id,
                  new=True)
        if not sub.held and not self.is_kept(sub):
            self.meta(ex, 'wamp.subscription.on_delete', s.id, sub.id,
                      new=True)
            self.subs.remove(sub)

    def is_kept(self, sub):
        """Those with a history are there without subscribers."""
        return any(sub is h[0] for h in self.history)

    def unsubscribe(self, ex, s, request, sub):
        if s not in sub.held:
            ex.add(s, [ERROR, UNSUBSCRIBE, request, {},
                       'wamp.error.no_such_subscription'], more=True)
            return
        ex.add(s, [UNSUBSCRIBED, request])
        self.drop_sub(ex, s, sub)

    def publish(self, ex, s, request, opts, topic, args, kwargs):
        """request: None for a testament."""
        err = None
        if opts.get('ppt_scheme') and (kwargs or len(args) != 1):
            err = INVALID
        elif topic.startswith('wamp.'):
            err = 'wamp.error.invalid_uri'
        elif not self.may(s, 'publish', 'exact', topic):
            err = DENIED
        elif opts.get('disclose_me') and s.role in self.silent:
            err = NO_DISCLOSE
        ack = request is not None and opts.get('acknowledge')
        if err is not None:
            if ack:
                ex.add(s, [ERROR, PUBLISH, request, {}, err], more=True)
            return
        e = Event(self, s, topic, opts, args, kwargs)
        if ack:
            ex.add(s, [PUBLISHED, request, e.id])
        self.number = e.number = getattr(self, 'number', 0) + 1
        for sub in self.subs:
            if not matches(sub.match, sub.topic, topic):
                continue
            for r in sub.held:
                if e.is_for(r) and e.reaches(r):
                    ex.add(r, e.message(r, sub))
        if opts.get('retain'):
            self.retain(e)
        for sub, n, events in self.history:
            if matches(sub.match, sub.topic, topic) and \
                    not {'eligible', 'exclude'} & e.lists.keys():
                events.append(e)
                del events[:-n]

    def retain(self, e):
        events = self.retained.setdefault(e.topic, [])
        if not e.lists:
            events.clear()
        limited = [x for x in events if x.lists]
        old = [x for x in limited if x.lists == e.lists]
        if e.lists and (old or len(limited) == LIMITED_MAX):
            events.remove((old or limited)[0])
        events.append(e)

    def get_events(self, ex, s, request, which, reverse, limit):
        sub, _, events = self.history[which]
        if not self.may(s, 'subscribe', sub.match, sub.topic):
            ex.add(s, [ERROR, CALL, request, {}, DENIED], more=True)
            return
        found = [e for e in events if e.is_for(s, live=False)]
        if reverse:
            found.reverse()
        found = found[:limit]
        shown = []
        for e in found:
            d = {'timestamp': Any(is_time), 'subscription': sub.id,
                 'publication': e.id, 'details': e.details(sub.match, True)}
            if e.args or e.kwargs:
                d['args'] = e.args
            if e.kwargs:
                d['kwargs'] = e.kwargs
            shown.append(d)
        ex.add(s, [RESULT, request, {}] + ([shown] if shown else []),
               more=not shown)

    # -- registrations -------------------------------------------------------

    def find_reg(self, uri):
        """WAMP, Calls matching multiple registrations."""
        regs = [r for r in self.regs if matches(r.match, r.uri, uri)]
        for r in regs:
            if r.match == 'exact':
                return r
        prefixes = sorted((r for r in regs if r.match == 'prefix'),
                          key=lambda r: -len(r.uri))
        for r in prefixes:
            if r.uri == uri or r.uri == '' or r.uri.endswith('.') or \
                    uri[len(r.uri)] == '.':
                return r
        wild = [r for r in regs if r.match == 'wildcard']
        if wild:
            return min(wild, key=lambda r: [c == '' for c in
                                            r.uri.split('.')])
        return prefixes[0] if prefixes else None

    def register(self, ex, s, request, match, uri, invoke, concurrency,
                 forward, discloses, force):
        err = None
        reg = next((r for r in self.regs
                    if (r.match, r.uri) == (match, uri)), None)
        mine = [r for r in self.regs if any(c.sess is s for c in r.callees)]
        if uri.startswith('wamp.'):
            err = 'wamp.error.invalid_uri'
        elif not self.may(s, 'register', match, uri):
            err = DENIED
        elif reg is not None and not force:
            if reg.invoke != invoke or invoke == 'single':
                err = 'wamp.error.procedure_already_exists'
            elif reg in mine:
                ex.add(s, [REGISTERED, request, reg.id])
                return
        if err is None and len(mine) >= self.limits['registrations']:
            err = DENIED
        if err is not None:
            ex.add(s, [ERROR, REGISTER, request, {}, err], more=True)
            return
        if reg is not None and force:
            for c in list(reg.callees):
                self.revoke(ex, reg, c)
            reg = None
        if reg is None:
            reg = Reg(match, uri, invoke)
            self.regs.append(reg)
        ex.add(s, [REGISTERED, request, reg.id], new=True)
        if not reg.callees:
            self.meta(ex, 'wamp.registration.on_create', s.id, {
                'id': reg.id, 'uri': uri, 'match': match, 'invoke': invoke,
                'created': Any(is_time)}, new=True)
        if reg.last is not None and reg.last is reg.callees[-1]:
            reg.unsure = True
        reg.callees.append(Callee(s, concurrency, forward, discloses))
        self.meta(ex, 'wamp.registration.on_register', s.id, reg.id, new=True)

    def drop_reg(self, ex, reg, c):
        i = reg.callees.index(c)
        if reg.last is c:
            reg.last = reg.callees[i - 1] if len(reg.callees) > 1 else None
        reg.callees.remove(c)
        self.meta(ex, 'wamp.registration.on_unregister', c.sess.id, reg.id,
                  new=True)
        if not reg.callees:
            self.meta(ex, 'wamp.registration.on_delete', c.sess.id, reg.id,
                      new=True)
            self.regs.remove(reg)

    def revoke(self, ex, reg, c):
        if c.sess.all:
            ex.add(c.sess, [UNREGISTERED, 0, {'registration': reg.id,
                                              'reason': ANY}])
        self.drop_reg(ex, reg, c)

    def unregister(self, ex, s, request, reg):
        c = next((c for c in reg.callees if c.sess is s), None)
        if c is None:
            ex.add(s, [ERROR, UNREGISTER, request, {},
                       'wamp.error.no_such_registration'], more=True)
            return
        ex.add(s, [UNREGISTERED, request])
        self.drop_reg(ex, reg, c)

    # -- calls ---------------------------------------------------------------

    def running(self, callee):
        return sum(1 for c in self.calls if c.callee is callee)

    def candidates(self, reg, needs, tried=()):
        """Who may be called next, and alternatives where the specification
        leaves it open.  needs: features that plain sessions lack."""
        ring = reg.callees
        if tried:
            # it may have unregistered since
            after = [c for c in ring if c.number > tried[-1].number]
            before = [c for c in ring if c.number < tried[-1].number]
            ring = {'first': after, 'last': before, 'single': [],
                    'roundrobin': after + before}.get(reg.invoke, ring)
        elif reg.invoke == 'roundrobin' and reg.last is not None:
            at = ring.index(reg.last) + 1
            ring = ring[at:] + ring[:at]
        free = [c for c in ring if c not in tried and (
            c.sess.all or not needs) and (
            c.concurrency == 0 or self.running(c) < c.concurrency)]
        if not free:
            return []
        if reg.invoke == 'random' or (reg.unsure and not tried):
            return free
        return [free[-1 if reg.invoke == 'last' else 0]]

    def why_none(self, reg, needs):
        """Busy ones may be able to later, the others not."""
        busy = [c for c in reg.callees if c.concurrency and
                self.running(c) >= c.concurrency]
        if len(busy) == len(reg.callees):
            return NO_CALLEE
        if not needs or any(c.sess.all for c in busy):
            return NO_CALLEE
        return UNSUPPORTED

    def invocation(self, call, progress, args, kwargs):
        d = dict(call.ppt)
        s = call.callee.sess
        if call.reg.match != 'exact':
            d['procedure'] = call.uri
        if call.caller.role not in self.silent and (
                call.disclose or call.callee.discloses):
            d['caller'], d['caller_authid'], d['caller_authrole'] = (
                call.caller.id, call.caller.authid, call.caller.role)
        if s.all and call.caller.role in self.trust:
            d['trustlevel'] = self.trust[call.caller.role]
        if call.asks_progress and s.all:
            d['receive_progress'] = True
        if call.timeout and call.callee.forward and s.all:
            d['timeout'] = call.timeout
        if progress:
            d['progress'] = True
        return [INVOCATION, call.inv, call.regid, d] + payload(args, kwargs)

    def invoke(self, ex, call, tried=()):
        """To one of those that may be: False, if there is none."""
        needs = call.ppt or call.open
        found = self.candidates(call.reg, needs, tried)
        self.asked = [(c.number, c.sess, c.concurrency, self.running(c),
                       c in tried, c in found) for c in call.reg.callees]
        self.asked.append((call.reg.invoke, call.reg.match, call.reg.uri,
                           [c.number for c in tried], call.born))
        if not found:
            return False

        def chosen(s):
            call.callee = next(c for c in found if c.sess is s)
            if not tried and call.reg.invoke == 'roundrobin':
                call.reg.last = call.callee
                call.reg.unsure = False
            s.invocations += 1
            call.inv = s.invocations
            call.tried = list(tried) + [call.callee]
            self.calls.append(call)
            return Want(self.invocation(call, call.open, call.args,
                                        call.kwargs))
        ex.one_of([c.sess for c in found], chosen)
        return True

    def call(self, ex, s, request, opts, uri, args, kwargs):
        """The call; None: it was refused."""
        err = None
        reg = self.find_reg(uri)
        if opts.get('ppt_scheme') and (kwargs or len(args) != 1):
            err = INVALID
        elif not self.may(s, 'call', 'exact', uri):
            err = DENIED
        elif opts.get('disclose_me') and s.role in self.silent:
            err = NO_DISCLOSE
        elif reg is None:
            err = 'wamp.error.no_such_procedure'
        elif sum(1 for c in self.calls if c.caller is s) >= \
                self.limits['calls']:
            err = DENIED
        if err is not None:
            ex.add(s, [ERROR, CALL, request, {}, err], more=True)
            return None
        c = Call()
        c.caller, c.request, c.reg, c.uri = s, request, reg, uri
        c.regid = reg.id
        c.args, c.kwargs = args, kwargs
        c.ppt = {k: v for k, v in opts.items() if k.startswith('ppt_')}
        c.disclose = opts.get('disclose_me')
        c.asks_progress = opts.get('receive_progress')
        c.timeout = opts.get('timeout', 0)
        c.open = bool(opts.get('progress'))
        c.chunks, c.killed, c.callee, c.begun = 1, False, None, False
        c.born = Callee.count
        if not self.invoke(ex, c):
            ex.add(s, [ERROR, CALL, request, {},
                       self.why_none(reg, c.ppt or c.open)], more=True)
            return None
        return c

    def more(self, ex, call, progress, args):
        """A further chunk; the callee is to stop, if it is killed."""
        if call.killed:
            return
        call.chunks += 1
        call.open = progress
        ex.add(call.callee.sess, self.invocation(call, progress, args, {}))

    def over(self, call):
        self.calls.remove(call)

    def interrupt(self, ex, call, mode, reason=CANCELED):
        if call.callee.sess.all:
            ex.add(call.callee.sess, [INTERRUPT, call.inv, {
                'mode': mode, 'reason': reason}])

    def cancel(self, ex, call, mode):
        s = call.caller
        if mode not in (None, 'skip', 'kill', 'killnowait'):
            ex.add(s, [ERROR, CALL, call.request, {}, INVALID], more=True)
            if not call.killed:
                self.interrupt(ex, call, 'killnowait', INVALID)
            self.over(call)
            return
        if mode == 'kill' and call.callee.sess.all:
            if not call.killed:
                self.interrupt(ex, call, 'kill')
            call.killed = True
            return
        if mode in (None, 'killnowait') and not call.killed:
            self.interrupt(ex, call, 'killnowait')
        ex.add(s, [ERROR, CALL, call.request, {}, CANCELED], more=True)
        self.over(call)

    def timed_out(self, ex, call):
        ex.add(call.caller, [ERROR, CALL, call.request, {}, TIMEOUT],
               more=True)
        self.interrupt(ex, call, 'killnowait', TIMEOUT)
        self.over(call)

    def answer(self, ex, call, progress, ppt, args, kwargs):
        s = call.caller
        if ppt and not s.all:
            ex.add(call.callee.sess, [ERROR, YIELD, call.inv, {},
                                      UNSUPPORTED], more=True)
            ex.add(s, [ERROR, CALL, call.request, {}, UNSUPPORTED], more=True)
            self.over(call)
            return
        d = dict(ppt)
        if progress and call.asks_progress and call.callee.sess.all:
            d['progress'] = True
            call.begun = True
        else:
            self.over(call)
        ex.add(s, [RESULT, call.request, d] + payload(args, kwargs))

    def fail(self, ex, call, uri, args):
        """The callee's ERROR."""
        s = call.caller
        if uri != UNAVAILABLE or not call.callee.sess.all or call.killed:
            self.over(call)
            ex.add(s, [ERROR, CALL, call.request, {}, uri] + payload(args,
                                                                      {}))
            return
        self.over(call)
        if call.begun or call.chunks > 1 or \
                not self.invoke(ex, call, call.tried):
            ex.add(s, [ERROR, CALL, call.request, {}, NO_CALLEE], more=True)

    # -- sessions ------------------------------------------------------------

    def joined(self, ex, s):
        self.sessions.append(s)
        self.meta(ex, 'wamp.session.on_join', Any(
            lambda d: d['session'] == s.id and d['authid'] == s.authid and
            d['authrole'] == s.role and d['authmethod'] == 'wampcra' and
            d['authprovider'] == 'static'))

    def left(self, ex, s, silent=False):
        """Its calls, subscriptions and so on, in this order."""
        self.sessions.remove(s)
        watcher = self.watcher
        if silent:
            self.watcher = None
        else:
            for scope in ('detached', 'destroyed'):
                for t in s.testaments:
                    if t[0] == scope:
                        self.testament(ex, s, *t[1:])
        for sub in [x for x in self.subs if s in x.held]:
            self.drop_loose(ex, lambda e: self.drop_sub(e, s, sub))
        for reg in list(self.regs):
            for c in [c for c in reg.callees if c.sess is s]:
                self.drop_loose(ex, lambda e: self.drop_reg(e, reg, c))
        for call in list(self.calls):
            if call.caller is s:
                if call.callee.sess is not s and not call.killed:
                    self.interrupt(ex, call, 'killnowait')
                self.over(call)
            elif call.callee.sess is s:
                ex.add(call.caller, [ERROR, CALL, call.request, {}, CANCELED],
                       more=True)
                self.over(call)
        self.meta(ex, 'wamp.session.on_leave', s.id, s.authid, s.role,
                  new=True)
        self.watcher = watcher
        ex.groups.pop(s, None)

    def drop_loose(self, ex, drop):
        """The order of what one session held is nobody's business: all of it
        in one group (that a removal comes before its deletion is looked at
        where they come alone)."""
        class Loose:
            @staticmethod
            def add(sess, msg, more=False, then=None, new=False):
                ex.add(sess, msg, more=more, then=then)
        drop(Loose)

    def testament(self, ex, s, topic, opts, args, kwargs):
        opts = {k: v for k, v in opts.items() if k != 'acknowledge'}
        self.publish(ex, s, None, opts, topic, args, kwargs)


def is_time(v):
    return isinstance(v, str) and len(v) >= 20 and v[10] == 'T'


def pick(v):
    return random.choice(v)
