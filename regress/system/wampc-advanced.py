# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The Advanced Profile as somebody with a shell sees it: wampc against wampd,
# by a Unix socket, in each serializer.

import json
import os
import signal
import subprocess

from daemon import Wampd, done, run_case, tmpdir, wait_until
from fakerouter import FakeRouter
from wampclient import *
from wampcrun import (SERIALIZERS, Place, bound, expect, finish, line, popen,
                      wampc)

CONF = '''
listen on socket $sock mode 0666
realm "realm1" {
	authenticate anonymous role "all"
	role "all" {
		allow any
		allow meta read
		allow meta write
	}
}
'''
sock = os.path.join(tmpdir(), 'sock')


def args(ser):
    return ['-s', sock, '--serializer', ser]


def service(ser, verb, *words):
    """subscribe or register, waited for by its note on stderr"""
    p = popen(args(ser) + [verb, '-v', *words])
    note = p.stderr.readline().decode()
    assert note.startswith('wampc: %sed ' % verb.rstrip('e')), note
    return p


def publish(ser, *words):
    expect(wampc(*args(ser), 'publish', *words), 0, '')


def call(ser, *words, **kw):
    return wampc(*args(ser), 'call', *words, **kw)


def events(p):
    r = finish(p)
    assert r.status == 0 and r.err == '', r
    return [json.loads(x) for x in r.out.splitlines()]


# -- publish and subscribe ----------------------------------------------------

def patterns(ser):
    """an event of a pattern is printed with its own topic"""
    subs = [service(ser, 'subscribe', '-n', '2', '-o', 'match=' + match, uri)
            for match, uri in (('prefix', 'com.example.p.'), ('prefix', ''),
                               ('wildcard', 'com.example..x'))]
    for topic in ('com.example.p.x', 'com.example.p.x', 'com.other'):
        publish(ser, topic, '1')
    for p in subs:
        assert [(list(e), e['topic']) for e in events(p)] == [
            (['topic', 'publication', 'args', 'kwargs'],
             'com.example.p.x')] * 2


def retained(ser):
    """the event that was kept comes first, and -d says that it was kept"""
    publish(ser, '-o', 'retain', 'com.example.r.a', '21.5')
    sub = ['subscribe', '-n', '1', '-o', 'match=prefix', '-o', 'get_retained',
           'com.example.r.']
    r = wampc(*args(ser), '-w', '10', *sub)
    assert r.status == 0, r
    e = json.loads(r.out)
    assert list(e) == ['topic', 'publication', 'args', 'kwargs'], r
    assert e['topic'] == 'com.example.r.a' and e['args'] == [21.5], r
    r = wampc(*args(ser), '-w', '10', '-d', *sub)
    assert r.status == 0, r
    e = json.loads(r.out)
    assert list(e) == ['topic', 'publication', 'details', 'args',
                       'kwargs'], r
    assert e['details']['retained'] is True, r
    # it can be published again as it is
    expect(wampc(*args(ser), 'publish', '-l', 'com.example.r.b',
                 stdin=r.out.encode()), 0, '')


def disclosure(ser):
    """a publisher that agrees is seen by those who look with -d"""
    sub = service(ser, 'subscribe', '-d', '-n', '2', 'com.example.d')
    publish(ser, 'com.example.d', '1')
    publish(ser, '-o', 'disclose_me', 'com.example.d', '2')
    a, b = events(sub)
    assert 'publisher' not in a['details'], a
    assert b['details']['publisher'] > 0, b
    assert b['details']['publisher_authrole'] == 'all', b


def lists(ser):
    """eligible and exclude lists decide who gets an event"""
    sub = service(ser, 'subscribe', '-n', '3', 'com.example.l')
    for i, opt in enumerate((
            'eligible_authrole=["all"]', 'exclude_authrole=["all"]',
            'eligible=[1]', 'exclude=[1]', 'eligible_authid=[]',
            'exclude_authid=["nobody"]')):
        publish(ser, '-o', opt, 'com.example.l', str(i))
    assert [e['args'] for e in events(sub)] == [[0], [3], [5]]


def refused_options(ser):
    """what the router says of an Option is the error"""
    expect(wampc(*args(ser), 'subscribe', '-o', 'match=fuzzy', 'a'), 5, '',
           '^wampc: wamp.error.')
    expect(wampc(*args(ser), 'subscribe', 'a..b'), 5, '',
           '^wampc: wamp.error.invalid_uri')


# -- call and register --------------------------------------------------------

def shared(ser):
    """calls are shared out among commands"""
    regs = [service(ser, 'register', '-n', '2', '-o', 'invoke=roundrobin',
                    '-o', 'concurrency=1', 'com.example.s', '--', 'echo', n)
            for n in ('1', '2')]
    outs = [call(ser, 'com.example.s').out for _ in range(4)]
    assert sorted(outs) == [line('[1]')] * 2 + [line('[2]')] * 2, outs
    for p in regs:
        expect(finish(p), 0, '')


def pattern_procedure(ser):
    """a command of a pattern finds which procedure was called, and by whom"""
    reg = service(ser, 'register', '-d', '-n', '2', '-o', 'match=wildcard',
                  'com.example..w', '--', 'cat')
    got = json.loads(call(ser, '-o', 'disclose_me', 'com.example.one.w',
                          '7').out)['args'][0]
    assert list(got) == ['procedure', 'details', 'args', 'kwargs'], got
    assert got['procedure'] == 'com.example.one.w' and got['args'] == [7]
    assert got['details']['caller'] > 0, got
    got = json.loads(call(ser, 'com.example.two.w').out)['args'][0]
    assert got['procedure'] == 'com.example.two.w', got
    assert 'caller' not in got['details'], got
    expect(finish(reg), 0, '')


def timeout(ser):
    """the router ends a call that takes too long"""
    reg = service(ser, 'register', 'com.example.late', '--', 'sleep', '1000')
    expect(call(ser, '-o', 'timeout=100', 'com.example.late'), 5, '',
           '^wampc: wamp.error.timeout')
    reg.terminate()
    expect(finish(reg), 0, '')


def callee(uri, *features):
    """one that can do more than wampc register"""
    c = Client(sock, join=False)
    c.join(details={'roles': {'callee': {'features': {
        f: True for f in features}}}})
    c.register(uri)
    return c


def progress(ser):
    """progressive results are printed as they come"""
    with callee('com.example.many', 'call_canceling',
                'progressive_call_results') as c:
        p = popen(args(ser) + ['call', '-o', 'receive_progress',
                               'com.example.many'])
        m = c.expect(INVOCATION)
        assert m[3]['receive_progress'] is True, m
        for i in range(3):
            c.send(YIELD, m[1], {'progress': True}, [i])
            assert p.stdout.readline().decode() == line('[%d]' % i)
        c.send(YIELD, m[1], {}, ['end'])
        expect(finish(p), 0, line('["end"]'))
        # marked by -d; an error ends them, too
        p = popen(args(ser) + ['call', '-d', '-o', 'receive_progress',
                               'com.example.many'])
        m = c.expect(INVOCATION)
        c.send(YIELD, m[1], {'progress': True})
        c.send(ERROR, INVOCATION, m[1], {}, 'com.example.error.no')
        expect(finish(p), 5,
               '{"details":{"progress":true},"args":[],"kwargs":{}}\n',
               '^wampc: com.example.error.no$')
        # not asked for: the last one is the result
        p = popen(args(ser) + ['call', 'com.example.many'])
        m = c.expect(INVOCATION)
        assert 'receive_progress' not in m[3], m
        c.send(YIELD, m[1], {}, [1])
        expect(finish(p), 0, line('[1]'))


def cancel(ser):
    """SIGINT and SIGTERM cancel a call, and the error comes"""
    for sig in (signal.SIGINT, signal.SIGTERM):
        with callee('com.example.slow', 'call_canceling') as c:
            p = popen(args(ser) + ['call', 'com.example.slow'])
            m = c.expect(INVOCATION)
            p.send_signal(sig)
            expect(finish(p), 5, '', '^wampc: wamp.error.canceled')
            i = c.expect(INTERRUPT, m[1])
            assert i[2]['mode'] == 'killnowait', i


def interrupt(ser):
    """a call that is canceled ends its command, and is answered"""
    d = tmpdir()
    # the shell's child gets the signal, too, and another command can begin
    reg = service(ser, 'register', '-n', '4', 'com.example.i', '--', 'sh',
                  '-c', 'read x; case $x in *quick*) echo 1;; *stubborn*) '
                  'trap "echo 2; exit 0" TERM;; esac; case $x in *quick*) ;; '
                  '*) sleep 1000 & touch %s/$$; wait; sleep 1000;; esac' % d)
    with Client(sock) as c:
        for do in ('sleep', 'stubborn'):
            request = c.next()
            c.send(CALL, request, {}, 'com.example.i', [do])
            wait_until(lambda: len(os.listdir(d)) == 1)
            name, = os.listdir(d)
            c.send(CANCEL, request, {'mode': 'kill'})
            m = c.expect(ERROR, CALL, request)
            assert m[4:] == ['wamp.error.canceled',
                             ['the command was ended']], m
            wait_until(lambda: subprocess.run(
                ['pgrep', '-g', name], stdout=subprocess.DEVNULL
            ).returncode != 0)
            os.unlink(os.path.join(d, name))
    expect(call(ser, '-o', 'timeout=100', 'com.example.i'), 5, '',
           '^wampc: wamp.error.timeout')
    expect(call(ser, 'com.example.i', 'quick'), 0, line('[1]'))
    expect(finish(reg), 0, '')


def revoked(ser):
    """a subscription or registration that is revoked ends, with the reason"""
    for verb, what, uri, words in (
            ('subscribe', 'subscription', 'remove_subscriber', ()),
            ('register', 'registration', 'remove_callee', ('--', 'true'))):
        p = service(ser, verb, 'com.example.v', *words)
        meta = 'wamp.%s.' % what
        id = json.loads(call(ser, meta + 'lookup',
                             'com.example.v').out)['args'][0]
        whom = json.loads(call(ser, meta + (
            'list_subscribers' if verb == 'subscribe' else 'list_callees'),
            str(id)).out)['args'][0][0]
        r = call(ser, meta + uri, str(id), str(whom), 'reason=no more')
        assert r.status == 0, r
        expect(finish(p), 5, '',
               '^wampc: the router revoked the %s: no more$' % what)


# -- HELLO --------------------------------------------------------------------

FEATURES = {
    'subscriber': {'pattern_based_subscription', 'publication_trustlevels',
                   'publisher_identification', 'subscription_revocation'},
    'publisher': {'publisher_exclusion', 'publisher_identification',
                  'subscriber_blackwhite_listing'},
    'caller': {'call_canceling', 'call_timeout', 'caller_identification',
               'progressive_call_results'},
    'callee': {'call_canceling', 'call_reroute', 'call_trustlevels',
               'caller_identification', 'pattern_based_registration',
               'registration_revocation', 'shared_registration'},
}


def cancel_too_late():
    """a result that was faster than CANCEL is the result"""
    def hook(conn, m):
        if m[0] == CALL:
            conn.call = m[1]
        elif m[0] == CANCEL:
            assert m == [CANCEL, conn.call, {'mode': 'killnowait'}], m
            conn.send([RESULT, conn.call, {}, [1]])
        return m[0] in (CALL, CANCEL)
    with Place(on_message=hook) as p:
        q = p.start('call', 'a')
        assert p.router.wait(lambda: hasattr(p.router.conns[0], 'call')
                             if p.router.conns else False)
        q.send_signal(signal.SIGINT)
        expect(finish(q), 0, line('[1]'))


def cancel_unanswered():
    """a second signal ends a call as it ends any program"""
    with Place(on_message=lambda c, m: m[0] in (CALL, CANCEL)) as p:
        def came(code):
            return p.router.wait(lambda: any(
                m[0] == code for c in p.router.conns for m in c.messages))
        q = p.start('call', 'a')
        assert came(CALL)
        q.send_signal(signal.SIGINT)
        assert came(CANCEL)
        q.send_signal(signal.SIGINT)
        expect(finish(q), -signal.SIGINT, '')


def interrupt_of_waiting():
    """invocations that wait are canceled, finished ones are passed over"""
    d = tmpdir()

    def hook(conn, m):
        if m[0] != REGISTER:
            return m[0] in (ERROR, YIELD)
        conn.send([REGISTERED, m[1], 7])
        for i in range(1, 5):
            conn.send([INVOCATION, i, 7, {}])
        for i in (4, 2, 99):
            conn.send([INTERRUPT, i, {}])
        return True
    with Place(on_message=hook) as p:
        q = p.start('register', '-n', '2', 'a', '--', 'sh', '-c',
                    'while [ ! -e %s/go ]; do sleep 0.02; done; echo 1' % d)
        assert p.router.wait(lambda: any(
            m[:3] == [ERROR, INVOCATION, 2]
            for c in p.router.conns for m in c.messages))
        open(os.path.join(d, 'go'), 'w').close()
        expect(finish(q), 0, '')
        got = p.router.conns[0].messages[2:]
        assert [m[1:3] for m in got[:2]] == [[68, 4], [68, 2]], got
        assert [m[4] for m in got[:2]] == ['wamp.error.canceled'] * 2, got
        assert [m[:2] for m in got[2:4]] == [[YIELD, 1], [YIELD, 3]], got


def announced():
    """HELLO has the one role with what wampc can do, and no more"""
    path = os.path.join(tmpdir(), 'sock')
    with FakeRouter(path=path) as r:
        for verb in (['subscribe', 'a'], ['publish', 'a'], ['call', 'a'],
                     ['register', 'a', '--', 'true']):
            wampc('-s', path, '-w', '0.3', *verb)
        roles = [c.messages[0][2]['roles'] for c in r.conns]
    assert roles == [{role: {'features': {f: True for f in names}}}
                     for role, names in FEATURES.items()], roles


def main():
    with Wampd(CONF, macros={'sock': sock}):
        for ser in SERIALIZERS:
            for fn in (patterns, retained, disclosure, lists,
                       refused_options, shared, pattern_procedure, timeout,
                       progress, cancel, interrupt, revoked):
                run_case(bound(fn, ser), ser + ': ')
    for fn in (announced, cancel_too_late, cancel_unanswered, interrupt_of_waiting):
        run_case(fn)
    done()


main()
