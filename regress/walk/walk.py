# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A random walk: sessions of two tlsproxies, three serializers and both
# transports subscribe, register, publish, call, cancel, answer, leave and are
# killed at random, and each message that any of them gets was predicted by a
# simple model of the specification (walkmodel.py).  So no eligible
# subscriber is missed, no other one served, and no order is wrong.
#
#	WALK=30s|2m|1h	how long (1m)
#	WALK_SEED=n	which one
#	WALK_ONLY=a,b	of these steps alone, to look for a mistake

import os
import random
import re
import time

import authmethods
from daemon import *
from walkexpect import *
from walkmodel import *

FEATURES = {
    'publisher': ['publisher_identification', 'publisher_exclusion',
                  'subscriber_blackwhite_listing', 'payload_passthru_mode'],
    'subscriber': ['publisher_identification', 'publication_trustlevels',
                   'pattern_based_subscription', 'subscription_revocation',
                   'payload_passthru_mode'],
    'caller': ['caller_identification', 'call_timeout', 'call_canceling',
               'progressive_call_results', 'progressive_call_invocations',
               'payload_passthru_mode'],
    'callee': ['caller_identification', 'call_trustlevels', 'call_timeout',
               'call_canceling', 'progressive_call_results',
               'progressive_call_invocations', 'pattern_based_registration',
               'shared_registration', 'registration_revocation',
               'call_reroute', 'payload_passthru_mode'],
}
ALL = {r: {'features': {f: True for f in fs}} for r, fs in FEATURES.items()}
NONE = {r: {} for r in FEATURES}

USERS_ = {'ann': 'alpha', 'abe': 'alpha', 'bob': 'beta', 'ben': 'beta'}
URIS = [a + b + c for a in ('a', 'b', 'ab')
        for b in ('', '.a', '.b') for c in ('', '.a', '.ab')]
PATTERNS = {
    'exact': URIS,
    'prefix': ['', 'a', 'a.', 'b.a', 'ab', 'a.b'],
    'wildcard': ['.a', 'a.', '..a', 'a..ab', 'b..', '.b.'],
}
MAXSESS = 9
ONLY = os.environ['WALK_ONLY'].split(',') if os.environ.get('WALK_ONLY') \
    else None
LIMITS = {'subscriptions': 8, 'registrations': 6, 'calls': 5}
HISTORY = [('exact', 'a.b', 5), ('prefix', 'b', 12)]

CONF = '''
prefork 2
listen on 127.0.0.1 port %d insecure
listen on socket "%s" mode 0666
limits {
	ping never
	session {
		subscriptions 8
		registrations 6
		calls 5
	}
}
realm "walk" {
	authenticate wampcra from "%s"
	role "alpha" {
		allow publish, subscribe, call, register
		allow meta read, write
		trust level 3
	}
	role "beta" {
		allow publish, subscribe, call, register
		deny publish prefix "ab"
		deny subscribe exact "a.a"
		deny call exact "b.b"
		deny register exact "b.a"
		allow meta read
		disclose never
	}
	history {
		topic exact "a.b" events 5
		topic prefix "b" events 12
		memory 16m
	}
}
'''
DENIED_ = {'publish': ('prefix', 'ab'), 'subscribe': ('exact', 'a.a'),
           'call': ('exact', 'b.b'), 'register': ('exact', 'b.a')}


def touches(m1, p1, m2, p2):
    """May one URI match both?"""
    return any(matches(m1, p1, u) and matches(m2, p2, u)
               for u in URIS + ['ab.ab.ab', 'ab.b.ab', 'abx'])


def may(s, action, match, uri):
    """A pattern is allowed if nothing that it can match is denied."""
    if s.role == 'alpha':
        return True
    return not touches(match, uri, *DENIED_[action])


def seconds(text):
    return float(text[:-1]) * {'s': 1, 'm': 60, 'h': 3600}[text[-1]]


class Sess:
    number = 0

    def __init__(self, where, transport, serializer, authid, full):
        Sess.number += 1
        self.name = '%s%d/%s/%s%s' % (authid, Sess.number, transport[:2],
                                      serializer, '' if full else '/plain')
        self.authid, self.role, self.all = authid, USERS_[authid], full
        self.invocations, self.testaments = 0, []
        self.c = Client(where, transport, serializer, realm='walk',
                        join=False, timeout=WAIT)
        login = authmethods.Cra(authid, 'secret-' + authid,
                                details={'roles': ALL if full else NONE})
        m = login.join(self.c, 'walk')
        assert m[0] == WELCOME, m
        self.id = m[1]

    def __repr__(self):
        return self.name


class Walk:
    def __init__(self, w, port, sock):
        self.w, self.port, self.sock = w, port, sock
        self.m = Model(may, {'alpha': 3}, {'beta'}, LIMITS,
                       HISTORY)
        self.steps, self.done = 0, {}
        self.finished = []	# (session, request) of progressive calls
        self.trail = []
        self.watcher = Sess(sock, 'rawsocket', 'msgpack', 'ann', True)
        sub = self.watcher.c.subscribe('wamp.', {'match': 'prefix'})
        for topic in ('on_create', 'on_subscribe'):
            self.watcher.c.expect(EVENT, sub, None, {
                'topic': 'wamp.subscription.' + topic})
        self.m.watcher, self.m.watched = self.watcher, sub
        self.m.sessions.append(self.watcher)
        for sub_, _, _ in self.m.history:
            r = self.watcher.c.call('wamp.subscription.lookup', sub_.topic,
                                    {'match': sub_.match})
            sub_.id.take(self.watcher.c.expect(RESULT, r)[3][0])

    # -- steps ---------------------------------------------------------------

    def others(self):
        return [s for s in self.m.sessions if s is not self.watcher]

    def step(self):
        names = [n for n, k in WEIGHTS for _ in range(k) if
                 ONLY is None or n in ONLY]
        if len(self.others()) < 3:
            name = 'join'
        else:
            name = random.choice(names)
        ex = Expect()
        self.steps += 1
        s = pick(self.others()) if self.others() else None
        self.actor = None
        self.trail.append((self.steps, name, s))
        del self.trail[:-30]
        try:
            acted = getattr(self, 'do_' + name)(ex, s)
            if acted:
                self.done[name] = self.done.get(name, 0) + 1
            # an answer shows that the router has seen to it
            s = self.actor
            if s is not None and s in self.m.sessions and \
                    s not in ex.groups and not ex.choices:
                self.sync(ex, s)
            settle(ex)
            if self.steps % 50 == 0:
                self.quiet()
        except Wrong as e:
            raise Wrong('step %d: %s; others got %r; callees: %r; '
                        'lately: %s' % (self.steps, e, self.rest(),
                                        getattr(self.m, 'asked', None), [
                '%d %s %r %s' % t if len(t) > 3 else '%d %s %r' % t
                for t in reversed(self.trail)]))

    def rest(self):
        """What else came, for whoever looks for the mistake."""
        found = []
        for s in self.m.sessions:
            try:
                found.append((s, s.c.recv(0.05)))
            except (TimeoutError, Closed):
                pass
        return found

    def say(self, s, *msg):
        self.actor = s
        self.trail[-1] = self.trail[-1][:2] + (s, list(msg))
        s.c.send(*msg)

    def sync(self, ex, s):
        r = s.c.next()
        s.c.send(UNSUBSCRIBE, r, 1 << 53)
        ex.add(s, [ERROR, UNSUBSCRIBE, r, {},
                   'wamp.error.no_such_subscription'], more=True)

    def quiet(self):
        """Nobody has got anything that was not awaited."""
        ex = Expect()
        for s in self.m.sessions:
            self.sync(ex, s)
        settle(ex)

    def do_join(self, ex, _):
        if len(self.others()) >= MAXSESS:
            return False
        where = pick([self.sock, ('127.0.0.1', self.port)])
        s = Sess(where, pick(['rawsocket', 'websocket']),
                 pick(['json', 'msgpack', 'cbor']), pick(list(USERS_)),
                 random.random() < .8)
        self.m.joined(ex, s)
        return True

    # -- Publish and Subscribe -----------------------------------------------

    def do_subscribe(self, ex, s):
        match = pick(['exact', 'prefix', 'wildcard'])
        topic = pick(PATTERNS[match])
        opts = {'match': match} if match != 'exact' or pick([0, 1]) else {}
        get = random.random() < .4
        if get:
            opts['get_retained'] = True
        r = s.c.next()
        self.say(s, SUBSCRIBE, r, opts, topic)
        self.m.subscribe(ex, s, r, match, topic, get)
        return True

    def do_unsubscribe(self, ex, s):
        subs = [x for x in self.m.subs if x.held]
        mine = [x for x in subs if s in x.held]
        if not subs:
            return False
        sub = pick(mine) if mine and pick([0, 1, 1, 1]) else pick(subs)
        r = s.c.next()
        self.say(s, UNSUBSCRIBE, r, sub.id.value)
        self.m.unsubscribe(ex, s, r, sub)
        return True

    def lists(self):
        opts = {}
        for name, values in (('', [x.id for x in self.m.sessions]),
                             ('_authid', list(USERS_)),
                             ('_authrole', ['alpha', 'beta', 'gamma'])):
            for kind in ('eligible', 'exclude'):
                if random.random() < .12:
                    opts[kind + name] = random.sample(
                        values, random.randrange(min(4, len(values))))
        return opts

    def options(self, s):
        opts = self.lists()
        for name, chance, value in (
                ('exclude_me', .3, False), ('exclude_me', .1, True),
                ('disclose_me', .25, True), ('retain', .25, True)):
            if random.random() < chance:
                opts[name] = value
        if s.all and random.random() < .1:
            opts.update(ppt_scheme='x_walk', ppt_keyid='k')
        return opts

    def body(self, opts):
        if 'ppt_scheme' in opts and random.random() < .8:
            return ['sealed'], {}
        args = pick([[], [self.steps], ['x', self.steps, [None, True, -1.5]]])
        return args, pick([{}, {}, {'n': self.steps}])

    def do_publish(self, ex, s):
        topic = pick(URIS) if random.random() < .97 else 'wamp.session.x'
        opts = self.options(s)
        args, kwargs = self.body(opts)
        if pick([0, 1]):
            opts['acknowledge'] = True
        r = s.c.next()
        self.say(s, PUBLISH, r, opts, topic, *payload(args, kwargs))
        self.m.publish(ex, s, r, opts, topic, args, kwargs)
        return True

    def do_history(self, ex, s):
        which = random.randrange(len(HISTORY))
        limit = pick([None, 1, 3])
        reverse = pick([False, True])
        kw = {'reverse': True} if reverse else {}
        if limit is not None:
            kw['limit'] = limit
        r = s.c.next()
        self.say(s, CALL, r, {}, 'wamp.subscription.get_events',
                 [self.m.history[which][0].id.value], kw)
        self.m.get_events(ex, s, r, which, reverse, limit)
        return True

    # -- calls ---------------------------------------------------------------

    def do_register(self, ex, s):
        match = pick(['exact', 'exact', 'prefix', 'wildcard'])
        uri = pick(PATTERNS[match]) if random.random() < .97 else 'wamp.x'
        if uri == 'wamp.x':
            match = 'exact'
        invoke = pick(['single', 'first', 'last', 'roundrobin', 'random',
                       'roundrobin'])
        opts = {'match': match, 'invoke': invoke}
        conc = pick([0, 0, 1, 2])
        if conc:
            opts['concurrency'] = conc
        forward, discloses, force = (random.random() < .2,
                                     random.random() < .2,
                                     random.random() < .05)
        for name, v in (('forward_timeout', forward),
                        ('disclose_caller', discloses),
                        ('force_reregister', force)):
            if v:
                opts[name] = True
        r = s.c.next()
        self.say(s, REGISTER, r, opts, uri)
        self.m.register(ex, s, r, match, uri, invoke, conc, forward,
                        discloses, force)
        return True

    def do_unregister(self, ex, s):
        if not self.m.regs:
            return False
        mine = [x for x in self.m.regs
                if any(c.sess is s for c in x.callees)]
        reg = pick(mine) if mine and pick([0, 1, 1, 1]) else pick(self.m.regs)
        r = s.c.next()
        self.say(s, UNREGISTER, r, reg.id.value)
        self.m.unregister(ex, s, r, reg)
        return True

    def new_call(self, ex, s, timeout=0, open_=None):
        uri = pick(URIS)
        if random.random() < .7 and self.m.regs:
            reg = pick(self.m.regs)
            uri = pick([u for u in URIS if matches(reg.match, reg.uri, u)] or
                       [uri])
        opts = {}
        if random.random() < .4:
            opts['receive_progress'] = True
        if random.random() < .2:
            opts['disclose_me'] = True
        if s.all and (open_ if open_ is not None else random.random() < .2):
            opts['progress'] = True
        if s.all and random.random() < .1:
            opts.update(ppt_scheme='x_walk', ppt_serializer='cbor')
        if timeout:
            opts['timeout'] = timeout
        args, kwargs = self.body(opts)
        r = s.c.next()
        self.say(s, CALL, r, opts, uri, *payload(args, kwargs))
        return self.m.call(ex, s, r, opts, uri, args, kwargs)

    def do_call(self, ex, s):
        self.new_call(ex, s)
        return True

    def do_more(self, ex, s):
        calls = [c for c in self.m.calls if c.open]
        if not calls:
            return False
        c = pick(calls)
        progress = pick([True, False])
        if not progress:
            self.finished.append((c.caller, c.request, c.uri))
        args = [self.steps]
        opts = {'progress': True} if progress else {}
        self.say(c.caller, CALL, c.request, opts, c.uri, args)
        self.m.more(ex, c, progress, args)
        return True

    def do_late_chunk(self, ex, s):
        """Of a call that is over: ignored."""
        for caller, request, uri in self.finished[-20:]:
            if caller in self.m.sessions and not any(
                    c.caller is caller and c.request == request
                    for c in self.m.calls):
                self.say(caller, CALL, request, {'progress': True}, uri, [1])
                return True
        return False

    def do_cancel(self, ex, s):
        if not self.m.calls:
            return False
        c = pick(self.m.calls)
        mode = pick([None, 'skip', 'kill', 'kill', 'killnowait', 'murder'])
        self.say(c.caller, CANCEL, c.request,
                 {} if mode is None else {'mode': mode})
        if c.open:
            self.finished.append((c.caller, c.request, c.uri))
        self.m.cancel(ex, c, mode)
        return True

    def do_timeout(self, ex, s):
        call = self.new_call(ex, s, timeout=20, open_=False)
        if call is None:
            return True		# it was refused
        settle_now = Expect()
        settle_now.groups, ex.groups = ex.groups, {}
        settle_now.choices, ex.choices = ex.choices, []
        settle(settle_now)
        if call not in self.m.calls:
            return True
        if call.callee.forward and call.callee.sess.all:
            return True
        self.m.timed_out(ex, call)
        return True

    def do_answer(self, ex, s):
        if not self.m.calls:
            return False
        c = pick(self.m.calls)
        callee = c.callee.sess
        what = pick(['final', 'final', 'progress', 'progress', 'error',
                     'unavailable'])
        # those that came since or were busy may be asked, or not; and time
        # would run
        if what == 'unavailable' and (c.timeout or len(c.tried) > 1 and
                any(x.number > c.born or x.concurrency
                    for x in c.reg.callees)):
            what = 'error'
        ppt = {}
        args, kwargs = self.body(ppt)
        if callee.all and random.random() < .1:
            ppt = {'ppt_scheme': 'x_walk', 'ppt_cipher': 'c'}
            args, kwargs = ['sealed'], {}
        if c.open and (what != 'progress' or not c.asks_progress or
                       not callee.all):
            self.finished.append((c.caller, c.request, c.uri))
        if what in ('final', 'progress'):
            opts = dict(ppt, progress=True) if what == 'progress' else ppt
            self.say(callee, YIELD, c.inv, opts, *payload(args, kwargs))
            self.m.answer(ex, c, what == 'progress', ppt, args, kwargs)
        else:
            uri = UNAVAILABLE if what == 'unavailable' else 'a.error'
            self.say(callee, ERROR, INVOCATION, c.inv, {}, uri,
                     *payload(args, {}))
            self.m.fail(ex, c, uri, args)
        return True

    def do_late_answer(self, ex, s):
        """To an invocation that is over: swallowed."""
        open_ = {c.inv for c in self.m.calls if c.callee.sess is s}
        ids = set(range(1, s.invocations + 1)) - open_
        if not ids:
            return False
        self.say(s, YIELD, pick(sorted(ids)[-20:]), {}, ['late'])
        return True

    # -- sessions ------------------------------------------------------------

    def do_leave(self, ex, s):
        if pick([0, 1]):
            s.c.send(GOODBYE, {}, 'wamp.close.normal')
            s.c.expect(GOODBYE, None, 'wamp.close.goodbye_and_out')
        s.c.close()
        self.m.left(ex, s)
        return True

    def do_testament(self, ex, s):
        topic = pick(URIS)
        scope = pick([None, 'destroyed', 'detached'])
        opts = self.options(s)
        opts.pop('disclose_me', None)
        for k in [k for k in opts if k.startswith('ppt_')]:
            del opts[k]
        args, kwargs = self.body({})
        kw = {}
        if opts:
            kw['publish_options'] = opts
        if scope:
            kw['scope'] = scope
        r = s.c.next()
        if len(s.testaments) > 5:
            kw = {'scope': scope} if scope else {}
            self.say(s, CALL, r, {}, 'wamp.session.flush_testaments', [], kw)
            s.testaments = [t for t in s.testaments
                            if t[0] != (scope or 'destroyed')]
            ex.add(s, [RESULT, r, {}], more=True)
            return True
        self.say(s, CALL, r, {}, 'wamp.session.add_testament',
                 [topic, args, kwargs], kw)
        if not may(s, 'publish', 'exact', topic):
            ex.add(s, [ERROR, CALL, r, {}, DENIED], more=True)
            return True
        s.testaments.append((scope or 'destroyed', topic, opts, args, kwargs))
        ex.add(s, [RESULT, r, {}], more=True)
        return True

    def do_kill(self, ex, s):
        """One session: of several the order would be open."""
        victims = self.others()
        if len(victims) < 5:
            return False
        r = s.c.next()
        how = pick(['kill', 'kill', 'kill', 'kill_by_authid',
                    'kill_by_authrole'])
        proc = 'wamp.session.' + how
        if s.role == 'beta':
            self.say(s, CALL, r, {}, proc, [victims[0].id])
            ex.add(s, [ERROR, CALL, r, {}, DENIED], more=True)
            return True
        if how == 'kill':
            v = pick(victims)
            killed, what = [v] if v is not s else [], v.id
        elif how == 'kill_by_authid':
            what = pick(['abe', 'bob', 'ben', 'nobody'])
            killed = [v for v in victims if v.authid == what and v is not s]
        else:
            what = pick(['beta', 'gamma'])
            killed = [v for v in victims if v.role == what]
        if len(killed) > 1:
            s.c.request -= 1
            return False
        kw = pick([{}, {'reason': 'a.reason'}, {'message': 'because'}])
        self.say(s, CALL, r, {}, proc, [what], kw)
        if how == 'kill' and not killed:
            ex.add(s, [ERROR, CALL, r, {}, 'wamp.error.no_such_session'],
                   more=True)
        elif how == 'kill':
            ex.add(s, [RESULT, r, {}], more=True)
        elif how == 'kill_by_authid':
            ex.add(s, [RESULT, r, {}, [[v.id for v in killed]]])
        else:
            ex.add(s, [RESULT, r, {}, [len(killed)]])
        for v in killed:
            goodbye = Expect()
            goodbye.add(v, [GOODBYE, {'message': kw['message']}
                            if 'message' in kw else {},
                            kw.get('reason', 'wamp.close.killed')])
            settle(goodbye)
            v.c.close()
            self.m.left(ex, v)
        return True

    # -- the end -------------------------------------------------------------

    def empty(self):
        """Everybody leaves: nothing is left."""
        for s in self.others():
            ex = Expect()
            s.c.close()
            self.m.left(ex, s)
            settle(ex)
        self.quiet()
        c = self.watcher.c
        for proc, want in (
                ('wamp.session.count', [1]),
                ('wamp.registration.list', [
                    {'exact': [], 'prefix': [], 'wildcard': []}]),
                ('wamp.subscription.list', [{
                    'exact': [self.m.history[0][0].id.value],
                    'prefix': Any(lambda v: sorted(v) == sorted(
                        [self.m.watched, self.m.history[1][0].id.value])),
                    'wildcard': []}])):
            r = c.call(proc)
            m = c.expect(RESULT, r)
            if not same(want, m[3]):
                raise Wrong('%s is %r at the end' % (proc, m[3]))


def rss(pid):
    with open('/proc/%d/status' % pid) as f:
        return int(re.search(r'VmRSS:\s*(\d+)', f.read()).group(1))


WEIGHTS = [('join', 4), ('subscribe', 12), ('unsubscribe', 5),
           ('publish', 30), ('history', 3), ('register', 12),
           ('unregister', 3), ('call', 30), ('more', 10), ('late_chunk', 1),
           ('cancel', 5), ('timeout', 1), ('answer', 30), ('late_answer', 2),
           ('leave', 1), ('testament', 2), ('kill', 1)]


def main():
    seed = int(os.environ.get('WALK_SEED') or random.randrange(1 << 32))
    last = seconds(os.environ.get('WALK') or '1m')
    print('WALK_SEED=%d' % seed, flush=True)
    random.seed(seed)
    d = tmpdir()
    users = os.path.join(d, 'users')
    with open(users, 'w') as f:
        for u, role in USERS_.items():
            f.write(authmethods.cra_line(u, 'secret-' + u, role) + '\n')
    os.chmod(users, 0o600)
    sock = os.path.join(tmpdir(), 'walk.sock')
    port = free_port()
    begin, sizes = time.monotonic(), []
    with Wampd(CONF % (port, sock, users)) as w:
        walk = Walk(w, port, sock)
        for part in (1, 2, 3):
            while time.monotonic() < begin + last * part / 3:
                walk.step()
            walk.empty()
            sizes.append(rss(w.child('broker 0')))
        rare = [n for n, _ in WEIGHTS if walk.done.get(n, 0) < 3]
        if walk.steps > 10000 and rare and ONLY is None:
            raise Wrong('never or hardly done: %s' % rare)
        walk.watcher.c.close()
    print('%d steps: %s' % (walk.steps, walk.done))
    ok('every message is one that the model predicted')
    if SAN:
        ok('no sanitizer has anything to say')
    elif sizes[2] > sizes[1] * 1.1 + 2048:
        not_ok('the broker is as small at the end as before',
               '%r KiB' % sizes)
    else:
        ok('the broker is as small at the end as before')
    done()


main()
