# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampc against wampd: every transport, every serializer, and all of them in
# one conversation.

import json
import os
import signal
import stat
import subprocess

from daemon import (IS_ROOT, SAN, Skip, Wampd, done, free_port, run_case,
                    test_user, tmpdir, wait_until)
from wampcrun import (SERIALIZERS, cert, expect, finish, line, make_certs,
                      popen, wampc)

CONF = '''
listen on socket $sock mode 0666
listen on 127.0.0.1 port $plain
listen on 127.0.0.1 port $tls tls { keypair "localhost" }
keypair "localhost" {
	certificate $crt
	key $key
}
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
realm "com.example.rules" {
	authenticate anonymous role "some"
	role "some" { allow subscribe, publish prefix "com.open." }
}
'''


class Router:
    """wampd with all transports, and the options to find each."""

    def __init__(self, **kw):
        self.dir = tmpdir()
        self.sock = os.path.join(self.dir, 'sock')
        self.plain, self.tls = free_port(), free_port()
        key = os.path.join(self.dir, 'key')
        with open(cert('good')[:-3] + 'key') as f, open(key, 'w') as g:
            g.write(f.read())
        os.chmod(key, stat.S_IRUSR)
        self.wampd = Wampd(CONF, macros={
            'sock': self.sock, 'plain': self.plain, 'tls': self.tls,
            'crt': cert('good'), 'key': key}, **kw)

    def __enter__(self):
        self.wampd.__enter__()
        return self

    def __exit__(self, *exc):
        return self.wampd.__exit__(*exc)

    def args(self, transport, ser='msgpack'):
        where = {
            'unix': ['-s', self.sock],
            'rs': ['--insecure', '-u', 'rs://127.0.0.1:%d' % self.plain],
            'ws': ['--insecure', '-u', 'ws://127.0.0.1:%d/' % self.plain],
            'rss': ['--cafile', cert('ca'), '-u',
                    'rss://localhost:%d' % self.tls],
            'wss': ['--cafile', cert('ca'), '-u',
                    'wss://localhost:%d/ws' % self.tls]}[transport]
        return where + ['--serializer', ser]

    def service(self, transport, ser, verb, uri, *args, options=()):
        """subscribe or register, waited for by its note on stderr"""
        p = popen(self.args(transport, ser) + [verb, '-v', *options, uri,
                                               *args])
        note = p.stderr.readline().decode()
        assert note == 'wampc: %sd %s\n' % (
            verb if verb.endswith('e') else verb + 'e', uri), note
        return p


ECHO = ('import sys, json; d = json.loads(sys.stdin.readline()); '
        'print(json.dumps(d))')
VALUES = ['a', '-1', '18446744073709551615', '-9223372036854775808', '0.25',
          'null', 'true', '[1,[{"x":[]}]]', '"\\u0000AAEC/w=="', 'é😀\n',
          'k=[1,{"y":null}]']
SAME = line('[{"procedure":"com.example.echo","args":["a",-1,'
            '18446744073709551615,-9223372036854775808,0.25,null,true,'
            '[1,[{"x":[]}]],"\\u0000AAEC/w==","é😀\\n"],'
            '"kwargs":{"k":[1,{"y":null}]}}]')


def calls(r):
    """each transport and serializer calls one callee of each serializer"""
    for ser in SERIALIZERS:
        reg = r.service('unix', ser, 'register', 'com.example.echo', '--',
                        '/usr/bin/python3', '-c', ECHO, options=['-c', '3'])
        pending = [popen(r.args(t, s) + ['call', 'com.example.echo'] +
                         VALUES)
                   for t in ('unix', 'rs', 'ws', 'rss', 'wss')
                   for s in SERIALIZERS]
        for p in pending:
            q = finish(p)
            assert q.status == 0 and json.loads(q.out) == \
                json.loads(SAME), q
        reg.terminate()
        expect(finish(reg), 0, '')


def events(r):
    """all subscribers see the same events in the same order"""
    kinds = [(t, s) for t in ('unix', 'rs', 'ws', 'rss', 'wss')
             for s in SERIALIZERS]
    subs = [r.service(t, s, 'subscribe', 'com.example.t',
                      options=['-n', str(20 * len(SERIALIZERS))])
            for t, s in kinds]
    for s in SERIALIZERS:
        text = ''.join('[%d,"%s",{"n":[%d.5]}]\n' % (i, s, i)
                       for i in range(20))
        expect(wampc(*r.args('wss', s), 'publish', '-l', 'com.example.t',
                     stdin=text.encode()), 0, '')
    outs = [finish(p) for p in subs]
    assert all(o.status == 0 for o in outs), outs
    first = [json.loads(x) for x in outs[0].out.splitlines()]
    assert [e['args'] for e in first] == [
        [i, s, {'n': [i + 0.5]}] for s in SERIALIZERS for i in range(20)]
    for o in outs[1:]:
        assert [json.loads(x) for x in o.out.splitlines()] == first


def refusals(r):
    """refusals and errors have their status and URI"""
    for t in ('unix', 'wss'):
        for s in SERIALIZERS:
            a = r.args(t, s)
            expect(wampc(*a, '-r', 'com.example.none', 'call', 'a'), 4, '',
                   '^wampc: wamp.error.no_such_realm')
            expect(wampc(*a, 'call', 'com.example.none'), 5, '',
                   '^wampc: wamp.error.no_such_procedure')
            expect(wampc(*a, 'publish', 'a..b'), 5, '',
                   '^wampc: wamp.error.invalid_uri')
            rules = [*a, '-r', 'com.example.rules']
            for args in (['publish', 'com.x'], ['subscribe', 'com.x'],
                         ['call', 'com.open.x'],
                         ['register', 'com.open.x', '--', 'true']):
                expect(wampc(*rules, *args), 5, '',
                       '^wampc: wamp.error.not_authorized')
            expect(wampc(*rules, 'publish', 'com.open.x'), 0, '')


def failing_command(r):
    """a command that fails is the caller's runtime_error"""
    for t, s in (('unix', 'json'), ('rss', 'cbor')):
        reg = r.service(t, s, 'register', 'com.example.fail', '--', 'sh',
                        '-c', 'echo this >&2; echo is why >&2; exit 1',
                        options=['-n', '1', '-q'])
        expect(wampc(*r.args('ws', 'json'), 'call', 'com.example.fail'), 5,
               '', '^wampc: wamp.error.runtime_error: is why$')
        expect(finish(reg), 0, '')
        expect(wampc(*r.args('ws', 'json'), 'call', 'com.example.fail'), 5,
               '', '^wampc: wamp.error.no_such_procedure')


def callee_leaves(r):
    """a callee that is killed leaves its caller with an error"""
    reg = r.service('unix', 'msgpack', 'register', 'com.example.slow', '--',
                    'sleep', '1000')
    call = popen(r.args('wss') + ['call', 'com.example.slow'])
    wait_until(lambda: subprocess.run(
        ['pgrep', '-P', str(reg.pid), 'sleep'],
        stdout=subprocess.DEVNULL).returncode == 0)
    reg.terminate()
    expect(finish(reg), 0, '')
    expect(finish(call), 5, '', '^wampc: wamp.error.canceled')


def large(r):
    """messages up to the limit pass, longer ones are refused"""
    sub = r.service('wss', 'json', 'subscribe', 'com.example.big',
                    options=['-n', '1'])
    text = b'x' * 1000000
    expect(wampc(*r.args('unix'), 'publish', '-f', '-', 'com.example.big',
                 stdin=text), 0, '')
    q = finish(sub)
    assert q.status == 0 and json.loads(q.out)['args'] == [text.decode()]
    expect(wampc(*r.args('unix'), 'publish', '-f', '-', 'com.example.big',
                 stdin=text * 2), 4, '', 'refused: the router takes')
    q = wampc(*r.args('ws'), 'publish', '-f', '-', 'com.example.big',
              stdin=text * 2)
    assert q.status in (2, 5) and q.out == '', q


def shutdown():
    """wampd's end is told to every client, with its URI"""
    with Router() as r:
        subs = [r.service(t, 'json', 'subscribe', 'a')
                for t in ('unix', 'ws', 'rss')]
        r.wampd.stop()
        for p in subs:
            expect(finish(p), 5, '', '^wampc: wamp.close.system_shutdown')
        expect(wampc(*r.args('unix'), 'call', 'a'), 2, '', 'cannot connect')


def who_listens():
    """root's router is trusted by all, a user's by himself and by name"""
    if not IS_ROOT or test_user() is None:
        raise Skip('only root can be another user')
    import pwd
    pw = pwd.getpwnam(test_user())

    def become():
        os.setgroups([])
        os.setgid(pw.pw_gid)
        os.setuid(pw.pw_uid)
    with Router() as r:
        expect(wampc('-s', r.sock, 'publish', 'a', preexec_fn=become), 0,
               '')
    d = tmpdir()
    os.chown(d, pw.pw_uid, pw.pw_gid)
    path = os.path.join(d, 'sock')
    conf = '''listen on socket "%s" mode 0666
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
''' % path
    with Wampd(conf, as_user=pw.pw_name):
        expect(wampc('-s', path, 'publish', 'a', preexec_fn=become), 0, '')
        expect(wampc('-s', path, 'publish', 'a'), 3, '',
               'not trusted: .* belongs to user %d' % pw.pw_uid)
        expect(wampc('--owner', pw.pw_name, '-s', path, 'publish', 'a'), 0,
               '')


def main():
    make_certs()
    with Router() as r:
        for fn in (calls, events, refusals, failing_command, callee_leaves,
                   large):
            def case():
                fn(r)
            case.__doc__ = fn.__doc__
            run_case(case)
    for fn in (shutdown, who_listens):
        run_case(fn)
    done()


main()
