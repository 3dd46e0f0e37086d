# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampc against a small router that behaves: arguments, output, exit status
# and trust, over every transport and serializer.  hostile/wampc has routers
# that do not behave, system/wampc-wampd and system/wampc-advanced the real
# one.

import json
import os
import re
import select
import signal
import socket
import subprocess

from daemon import (IS_ROOT, SAN, Skip, done, free_port, run_case,
                    test_user, tmpdir, wait_until)
from fakerouter import FakeRouter
from impostor import heard, listening, other_user
from wampcrun import (SERIALIZERS, SLOW, WAMPC, WELCOME, Place, bound, cert,
                      expect, finish, line, make_certs, tls_context, wampc)

# -- usage: no router at all -------------------------------------------------

USAGE = [
    ([], 1, 'usage: wampc'),
    (['-x'], 1, 'invalid option'),
    (['frobnicate', 'a'], 1, 'must be subscribe, publish, call, reg'),
    (['call'], 1, 'usage: wampc'),
    (['call', ''], 1, 'not a URI'),
    (['call', b'\xff'], 1, 'not a URI'),
    (['call', 'a' * 4097], 1, 'not a URI'),
    (['-r', '', 'call', 'a'], 1, '-r: not a URI'),
    (['call', 'a', b'\xff\xfe'], 1, 'not UTF-8'),
    (['call', 'a', b'k=\xff\xfe'], 1, 'not UTF-8'),
    (['call', 'a', 'k=1', 'k=2'], 1, 'given twice'),
    (['call', '-j', '[1', 'a'], 1, '-j: not a JSON document'),
    (['call', '-j', '[1]', 'a', '2'], 1, 'only one of'),
    (['call', '-j', '[1]', '-f', '-', 'a'], 1, 'only one of'),
    (['call', '-f', '/nonexistent', 'a'], 1, 'nonexistent: No such file'),
    (['call', '-f', '/', 'a'], 1, 'Is a directory'),
    (['call', '-l', 'a'], 1, '-l: for publish only'),
    (['call', '-n', '1', 'a'], 1, '-n: for subscribe and register only'),
    (['publish', '-n', '1', 'a'], 1, '-n: for subscribe and register'),
    (['subscribe', '-n', '0', 'a'], 1, '-n: must be a number'),
    (['subscribe', '-n', 'x', 'a'], 1, '-n: must be a number'),
    (['subscribe', '-n', '-1', 'a'], 1, '-n: must be a number'),
    (['subscribe', '-c', '1', 'a'], 1, '-c: for register only'),
    (['publish', '-d', 'a'], 1, '-d: not for publish'),
    (['call', '-o', '', 'a'], 1, '-o: must be a name, or name=value'),
    (['call', '-o', '=1', 'a'], 1, '-o: must be a name, or name=value'),
    (['call', '-o', 'a-b', 'a'], 1, '-o: must be a name, or name=value'),
    (['call', '-o', b'a=\xff', 'a'], 1, '-o: a value is not UTF-8'),
    (['call', '-o', 'a', '-o', 'a=1', 'a'], 1, '-o: a key is given twice'),
    (['publish', '-o', 'acknowledge=false', 'a'], 1, '-o: a key is given'),
    (['subscribe', 'a', 'b'], 1, 'takes no arguments'),
    (['subscribe', 'a', '--', 'b'], 1, 'takes no arguments'),
    (['subscribe', '-j', '1', 'a'], 1, 'takes no arguments'),
    (['register', 'a'], 1, 'a command after "--" is missing'),
    (['register', 'a', '--'], 1, 'a command after "--" is missing'),
    (['register', 'a', 'true'], 1, 'takes no arguments'),
    (['register', '-c', '0', 'a', '--', 'true'], 1, '-c: must be'),
    (['-w', '0', 'call', 'a'], 1, '-w: must be'),
    (['-w', 'x', 'call', 'a'], 1, '-w: must be'),
    (['-w', '-1', 'call', 'a'], 1, '-w: must be'),
    (['-w', 'inf', 'call', 'a'], 1, '-w: must be'),
    (['--serializer', 'xml', 'call', 'a'], 1, 'must be json, msgpack or'),
    (['--message', '511', 'call', 'a'], 1, '--message: must be'),
    (['--message', '17m', 'call', 'a'], 1, '--message: must be'),
    (['--message', 'k', 'call', 'a'], 1, '--message: must be'),
    (['--owner', 'no such user', 'call', 'a'], 1, 'no such user'),
    (['-u', 'rss://h:1', '-s', 'x', 'call', 'a'], 1, 'only one of -u and'),
    (['--insecure', 'call', 'a'], 1, '--insecure: for rs:// and ws://'),
    (['--insecure', '-u', 'wss://h', 'call', 'a'], 1, '--insecure: for'),
    (['--cafile', 'x', 'call', 'a'], 1, '--cafile: for rss:// and wss://'),
    (['-u', 'http://h', 'call', 'a'], 1, '-u: does not begin with'),
    (['-u', 'rs://h', 'call', 'a'], 1, '-u: the port is missing'),
    (['-u', 'rss://h:0', 'call', 'a'], 1, '-u: not a port number'),
    (['-u', 'rss://h:65536', 'call', 'a'], 1, '-u: not a port number'),
    (['-u', 'rss://h:1x', 'call', 'a'], 1, '-u: not a port number'),
    (['-u', 'rss://:1', 'call', 'a'], 1, '-u: not a host name'),
    (['-u', 'rss://a b:1', 'call', 'a'], 1, '-u: not a host name'),
    (['-u', 'rss://[::1:1', 'call', 'a'], 1, '-u: "]" is missing'),
    (['-u', 'rss://[x]:1', 'call', 'a'], 1, '-u: not an IPv6 address'),
    (['-u', 'rss://u:p@h:1', 'call', 'a'], 1, 'user names do not belong'),
    (['-u', 'rss://h:1/x', 'call', 'a'], 1, 'RawSocket has no paths'),
    (['-u', 'wss://h/a b', 'call', 'a'], 1, 'not a path'),
    (['-u', 'wss://h/a\r\nX: y', 'call', 'a'], 1, 'not a path'),
    # the router cannot be verified without TLS
    (['-u', 'rs://127.0.0.1:1', 'call', 'a'], 3, 'not trusted'),
    (['-u', 'ws://localhost/', 'call', 'a'], 3, 'not trusted'),
    # nobody there
    (['-s', '/nonexistent/sock', 'call', 'a'], 2, 'cannot connect'),
    (['-s', '/', 'call', 'a'], 2, 'not the path of a socket'),
    (['-s', 'a' * 200, 'call', 'a'], 2, 'cannot connect'),
    (['-u', 'rss://nonexistent.invalid:1', 'call', 'a'], 2,
     'cannot connect: nonexistent.invalid'),
]


def usage():
    for args, status, err in USAGE:
        r = wampc(*args)
        assert r.status == status and r.out == '' and \
            re.search(err, r.err), (args, r)


def nobody_listens():
    port = str(free_port())
    for url in ('rs', 'ws'):
        r = wampc('--insecure', '-u', '%s://127.0.0.1:%s' % (url, port),
                  'call', 'a')
        expect(r, 2, '', 'cannot connect: 127.0.0.1 port %s: Conn' % port)


def default_socket_and_realm():
    r = wampc('-V')
    assert re.fullmatch(r'wampc \d+\.\d+\.\d+\n', r.out), r
    with Place(realms=('com.example.other', 'realm1')) as p:
        env = dict(os.environ, WAMP_REALM='com.example.other')
        expect(p.run('call', 'com.example.add', '1', '2', env=env), 0)
        env['WAMP_REALM'] = ''
        expect(p.run('call', 'com.example.add', '1', '2', env=env), 0)
        env['WAMP_REALM'] = 'com.example.none'
        expect(p.run('call', 'com.example.add', env=env), 4, '',
               'wamp.error.no_such_realm: no realm com.example.none')
        expect(p.run('-r', 'realm1', 'call', 'com.example.add', '1', env=env),
               0)
        assert [c.messages[0][1] for c in p.router.conns] == [
            'com.example.other', 'realm1', 'com.example.none', 'realm1']


# -- a router that behaves, over all transports and serializers ---------------

def words(p):
    """words become arguments"""
    for args, out in [
            (['2', '3'], line('[2,3]')),
            ([], line('[]')),
            (['-1', '--', '-x', 'k=v'], line('[-1,"-x"]', '{"k":"v"}')),
            (['a', 'null', 'true', '[1, {"b": 2}]', '007', ''],
             line('["a",null,true,[1,{"b":2}],"007",""]')),
            (['k=1', 'b=[1, 2]', 'c=x=y', 'd='],
             line('[]', '{"k":1,"b":[1,2],"c":"x=y","d":""}')),
            (['http://h/?a=b', '1a=b'], line('["http://h/?a=b","1a=b"]')),
            (['18446744073709551615', '-9223372036854775808', '0.5'],
             line('[18446744073709551615,-9223372036854775808,0.5]')),
            (['"\\u0000AAEC/w=="'], line('["\\u0000AAEC/w=="]')),
            (['é\n\x1b\x7f\u009b😀'],
             line('["é\\n\\u001b\\u007f\\u009b😀"]')),
            (['-j', '[1,"x"]'], line('[1,"x"]')),
            (['-j', '{"args":[1],"kwargs":{"a":2},"topic":"t"}'],
             line('[1]', '{"a":2}')),
            (['-j', '{"kwargs":{"a":2}}'], line('[]', '{"a":2}')),
            (['-j', '{"a":2}'], line('[{"a":2}]')),
            (['-j', '{"args":[],"x":1}'], line('[{"args":[],"x":1}]')),
            (['-j', ' "x" '], line('["x"]'))]:
        expect(p.run('call', 'com.example.echo', *args), 0, out)


def standard_input(p):
    for text, out in [
            (b'[1, 2]\n', line('[1,2]')), (b'plain text\n',
                                           line('["plain text"]')),
            (b'two\nlines\n', line('["two\\nlines"]')), (b'',
                                                         line('[""]'))]:
        expect(p.run('call', '-f', '-', 'com.example.echo', stdin=text),
               0, out)
    expect(p.run('call', '-f', '-', 'com.example.echo', stdin=b'\xff'), 1,
           '', '-: neither JSON nor UTF-8')
    big = 'x' * 1000000
    r = p.run('call', '-f', '-', 'com.example.echo', stdin=big.encode())
    assert r.status == 0 and r.out == line('["%s"]' % big), r


def errors(p):
    """errors have their URI on stderr, and status 5"""
    expect(p.run('call', 'com.example.none'), 5, '',
           '^wampc: wamp.error.no_such_procedure: no procedure '
           'com.example.none$')
    expect(p.run('publish', 'com.example.denied', '1'), 5, '',
           '^wampc: wamp.error.not_authorized: no$')
    expect(p.run('publish', '-l', 'com.example.denied', stdin=b'1\n2\n'), 5,
           '', '^wampc: wamp.error.not_authorized: no$')
    with_callee = p.service('register', 'com.example.mine', '--', 'true')
    expect(p.run('register', 'com.example.mine', '--', 'true'), 5, '',
           '^wampc: wamp.error.procedure_already_exists$')
    with_callee.terminate()
    expect(finish(with_callee), 0, '')


def events(p):
    sub = p.service('subscribe', 'com.example.t', options=['-n', '7'])
    expect(p.run('publish', 'com.example.t', 'a', '1', 'k=[2]'), 0, '')
    expect(p.run('publish', 'com.example.t'), 0, '')
    expect(p.run('publish', '-l', 'com.example.t', stdin=b'[1]\n\nb c\r\n'
                 b'{"args":[2],"kwargs":{"x":"y"}}\n{"z":1}\nlast'), 0, '')
    r = finish(sub)
    assert r.status == 0 and r.err == '', r
    got = [json.loads(x) for x in r.out.splitlines()]
    assert [(list(e), e['topic'], e['args'], e['kwargs']) for e in got] == [
        (['topic', 'publication', 'args', 'kwargs'], 'com.example.t', a, k)
        for a, k in [(['a', 1], {'k': [2]}), ([], {}), ([1], {}),
                     (['b c'], {}), ([2], {'x': 'y'}), ([{'z': 1}], {}),
                     (['last'], {})]], r


def output_is_input(p):
    """what subscribe prints, publish -l takes"""
    sub = p.service('subscribe', 'com.example.b', options=['-n', '2'])
    first = p.service('subscribe', 'com.example.a', options=['-n', '2'])
    p.run('publish', 'com.example.a', '1', 'x=2')
    p.run('publish', 'com.example.a')
    again = p.run('publish', '-l', 'com.example.b',
                  stdin=finish(first).out.encode())
    expect(again, 0, '')
    got = [json.loads(x) for x in finish(sub).out.splitlines()]
    assert [(e['topic'], e['args'], e['kwargs']) for e in got] == [
        ('com.example.b', [1], {'x': 2}), ('com.example.b', [], {})], got


SCRIPT = r'''
import json, os, sys
line = sys.stdin.readline()
d = json.loads(line)
assert list(d) == ["procedure", "args", "kwargs"], d
do = d["args"][0] if d["args"] else None
if do == "echo": print(json.dumps(d))
elif do == "fail":
    sys.stderr.write("first\nlast line\n\n"); sys.exit(3)
elif do == "quiet": sys.exit(4)
elif do == "kill": os.kill(os.getpid(), 9)
elif do == "text": print("no json")
elif do == "pretty": print(json.dumps({"a": [1, None]}, indent=4))
elif do == "two": print("1 2")
elif do == "bytes": sys.stderr.buffer.write(b"\xff\x1b[2J\n"); sys.exit(1)
elif do == "env": print(json.dumps(sorted(os.listdir("/proc/self/fd"))))
elif do == "long": print('"%s"' % ("x" * 100000))
'''


def commands(p):
    """register runs a command for each call"""
    reg = p.service('register', 'com.example.run', '--', '/usr/bin/python3',
                    '-c', SCRIPT, options=['-q'])

    def call(*args):
        return p.run('call', 'com.example.run', *args)
    r = call('echo', 'a=[1, "é"]')
    assert json.loads(r.out) == {'args': [{
        'procedure': 'com.example.run', 'args': ['echo'],
        'kwargs': {'a': [1, 'é']}}], 'kwargs': {}}, r
    expect(call(), 0, line('[]'))
    expect(call('pretty'), 0, line('[{"a":[1,null]}]'))
    for do, text in (('fail', 'last line'), ('quiet', 'exit status 4'),
                     ('kill', 'killed by signal 9'),
                     ('text', 'the command printed no JSON value'),
                     ('two', 'the command printed no JSON value'),
                     ('bytes', r'\\377\\033\[2J')):
        expect(call(do), 5, '',
               '^wampc: wamp.error.runtime_error: ' + text + '$')
    r = call('env')
    assert r.out == line('[["0","1","2","3"]]'), r
    r = call('long')
    assert r.out == line('["%s"]' % ('x' * 100000)), r
    reg.terminate()
    expect(finish(reg), 0, '')


def over_everything():
    for transport in ('unix', 'rs', 'ws', 'rss', 'wss'):
        for ser in SERIALIZERS:
            with Place(transport, ser) as p:
                for fn in (words, standard_input, errors, events,
                           output_is_input, commands):
                    # commands know nothing of transports
                    if fn is commands and transport not in ('unix', 'wss'):
                        continue
                    run_case(bound(fn, p), '%s %s: ' % (transport, ser))


# -- register: processes ------------------------------------------------------

def commands_at_once():
    """register -c 3 runs three commands at once, and not a fourth"""
    d = tmpdir()
    script = 'touch %s/$$; while [ ! -e %s/go ]; do sleep 0.02; done' % (
        d, d)
    with Place() as p:
        reg = p.service('register', 'com.example.slow', '--', 'sh', '-c',
                        script, options=['-c', '3', '-n', '5'])
        calls = [p.start('call', 'com.example.slow') for _ in range(5)]
        wait_until(lambda: len(p.router.conns) == 6 and all(
            len(c.messages) >= 2 for c in p.router.conns), 10 * SLOW)
        wait_until(lambda: len(os.listdir(d)) == 3, 10 * SLOW)
        # a fourth would have come by then
        expect(p.run('call', 'com.example.add', '1', '1'), 0)
        assert len(os.listdir(d)) == 3, os.listdir(d)
        open(os.path.join(d, 'go'), 'w').close()
        for c in calls:
            expect(finish(c), 0, line('[]'))
        expect(finish(reg), 0, '')


def is_running(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except FileNotFoundError:
        return False


def commands_end_with_wampc():
    """SIGTERM ends register, its commands, and the caller's wait"""
    d = tmpdir()
    with Place() as p:
        reg = p.service('register', 'com.example.slow', '--', 'sh', '-c',
                        'echo $$ >%s/x; mv %s/x %s/pid; sleep 1000; :' %
                        (d, d, d))
        call = p.start('call', 'com.example.slow')
        path = os.path.join(d, 'pid')
        wait_until(lambda: os.path.exists(path), 10 * SLOW)
        pid = int(open(path).read())
        reg.terminate()
        expect(finish(reg), 0, '')
        expect(finish(call), 5, '', 'wamp.error.canceled')
        wait_until(lambda: not is_running(pid), 10 * SLOW)
        assert any(m[0] == 6 for m in p.router.conns[0].messages)


def grandchild_holds_the_pipes():
    """a command's background process does not hold back the result"""
    with Place() as p:
        reg = p.service('register', 'com.example.bg', '--', 'sh', '-c',
                        'sleep 1000 & echo $!', options=['-n', '1'])
        r = p.run('call', 'com.example.bg')
        pid = json.loads(r.out)['args'][0]
        os.kill(pid, signal.SIGKILL)
        expect(finish(reg), 0, '')


def unread_input_is_no_error():
    with Place() as p:
        reg = p.service('register', 'com.example.deaf', '--', 'sh', '-c',
                        'exec 0<&-; echo 1', options=['-n', '1'])
        expect(p.run('call', '-f', '-', 'com.example.deaf',
                     stdin=b'x' * 1000000), 0, line('[1]'))
        expect(finish(reg), 0, '')


def missing_command():
    with Place() as p:
        reg = p.service('register', 'com.example.gone', '--', '/nonexistent',
                        options=['-n', '1'])
        expect(p.run('call', 'com.example.gone'), 5, '',
               'wamp.error.runtime_error: the command cannot be run')
        expect(finish(reg), 0, '', '/nonexistent: No such file')


def no_shell():
    """arguments of the command reach it as they are"""
    with Place() as p:
        reg = p.service('register', 'com.example.printf', '--', 'printf',
                        '"%s"', '$HOME;*`id`', options=['-n', '1'])
        expect(p.run('call', 'com.example.printf'), 0,
               line('["$HOME;*`id`"]'))
        expect(finish(reg), 0, '')


def result_too_long():
    """a result longer than the router takes becomes an error"""
    with Place(rs_length=3) as p:
        reg = p.service('register', 'com.example.long', '--', 'sh', '-c',
                        'printf \'"%05000d"\' 1', options=['-n', '1'])
        expect(p.run('call', 'com.example.long'), 5, '',
               'wamp.error.payload_size_exceeded')
        expect(finish(reg), 0, '')
        expect(p.run('call', 'com.example.echo', 'x' * 5000), 4, '',
               'refused: the router takes messages of 4096 octets')


# -- signals, pipes, time -----------------------------------------------------

def signals():
    """SIGTERM and SIGINT end subscribe with GOODBYE and status 0"""
    for sig in (signal.SIGTERM, signal.SIGINT):
        with Place() as p:
            sub = p.service('subscribe', 'com.example.t', options=['-v'])
            assert sub.stderr.readline() == \
                b'wampc: subscribed com.example.t\n'
            sub.send_signal(sig)
            r = finish(sub)
            assert r.status == 0 and r.out == '' and r.err == '', r
            assert p.router.conns[0].messages[-1] == [
                6, {}, 'wamp.close.close_realm']


def ignored_signal():
    """a SIGINT that is ignored, as in a background job, stays so"""
    with Place() as p:
        sub = p.service(
            'subscribe', 'com.example.t', options=['-v', '-n', '1'],
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        sub.stderr.readline()
        sub.send_signal(signal.SIGINT)
        p.run('publish', 'com.example.t', '1')
        r = finish(sub)
        assert r.status == 0 and json.loads(r.out)['args'] == [1], r


def router_that_does_not_read():
    """publish -l reads no more than a router takes"""
    def hook(conn, m):
        if m[0] == 1:
            conn.send(WELCOME)
            conn.writer.transport.pause_reading()
            return True
    text = b'x' * 1000000 + b'\n'
    with Place(on_message=hook) as p:
        q = p.start('-w', '3', 'publish', '-l', 'a', stdin=subprocess.PIPE)
        os.set_blocking(q.stdin.fileno(), False)
        sent = 0
        # until nothing was taken for half a second
        while select.select([], [q.stdin], [], 0.5)[1]:
            sent += os.write(q.stdin.fileno(), text[sent % len(text):])
            assert sent < 30000000
        if not SAN:
            with open('/proc/%d/status' % q.pid) as f:
                rss = int(re.search(r'VmHWM:\s+(\d+)', f.read()).group(1))
            assert rss < 30000, rss
        q.stdin.close()
        q.stdin = None
        expect(finish(q), 6, '', 'timeout')


def reader_has_enough():
    """a closed pipe ends subscribe with GOODBYE, without a word"""
    with Place() as p:
        sub = p.service('subscribe', 'com.example.t')
        sub.stdout.close()
        p.run('publish', 'com.example.t', '1')
        assert sub.wait(10 * SLOW) == 0
        assert sub.stderr.read() == b''
        sub.stderr.close()
        assert p.router.conns[0].messages[-1][0] == 6


def output_that_cannot_be_written():
    with Place() as p:
        with open('/dev/full', 'wb') as full:
            q = subprocess.run(
                [WAMPC] + p.args + ['call', 'com.example.add', '1'],
                stdout=full, stderr=subprocess.PIPE)
        assert q.returncode == 1 and b'No space left' in q.stderr, q
        expect(p.run('-q', 'call', 'com.example.add', '1'), 0, '')


def closed_descriptors():
    """no descriptor of ours takes the place of a closed standard one"""
    with Place() as p:
        for fds in ('<&-', '>&-', '2>&-', '<&- >&- 2>&-'):
            q = subprocess.run(
                ['sh', '-c', 'exec "$@" ' + fds, 'sh', WAMPC] + p.args +
                ['call', 'com.example.add', '1', '1'],
                stdout=subprocess.DEVNULL)
            assert q.returncode == 0, (fds, q)


def limits_of_time():
    """-w ends every phase with status 6"""
    with Place(on_connect=lambda c: True) as p:
        expect(p.run('-w', '0.2', 'call', 'a'), 6, '',
               'timeout: the router does not answer the handshake')
    for code, args, err in (
            (1, ['call', 'a'], 'does not answer HELLO'),
            (48, ['call', 'a'], 'timeout: no answer'),
            (16, ['publish', 'a'], 'timeout: no answer'),
            (16, ['publish', '-l', 'a'], 'timeout: no answer')):
        with Place(on_message=lambda c, m: m[0] == code) as p:
            r = p.run('-w', '0.3', *args, stdin=b'1\n2\n')
            expect(r, 6, '', err)
    with Place() as p:
        r = p.run('-w', '0.3', 'subscribe', 'a')
        expect(r, 6, '', None)
        r = p.run('-w', '0.3', 'register', 'a', '--', 'true')
        expect(r, 6, '', None)
        assert all(c.messages[-1][0] == 6 for c in p.router.conns)


def goodbye_unanswered():
    """a router that does not answer GOODBYE does not spoil the result"""
    with Place(on_message=lambda c, m: m[0] == 6) as p:
        expect(p.run('call', 'com.example.add', '1'), 0, line('[1]'))
    with Place(on_message=lambda c, m: m[0] == 6 and (c.close(), True)[1]) \
            as p:
        expect(p.run('call', 'com.example.add', '1'), 0, line('[1]'))


def many_lines():
    """publish -l of 20000 lines keeps order and waits for the answers"""
    n = 20000 // SLOW
    with Place() as p:
        sub = p.service('subscribe', 'com.example.t',
                        options=['-n', str(n)])
        text = ''.join('%d\n' % i for i in range(n)).encode()
        pub = p.start('publish', '-l', 'com.example.t',
                      stdin=subprocess.PIPE)
        expect(finish(pub, text, 60), 0, '')
        r = finish(sub, timeout=60)
        got = [json.loads(x)['args'][0] for x in r.out.splitlines()]
        assert got == list(range(n))


def standard_input_from_a_file():
    d = tmpdir()
    path = os.path.join(d, 'lines')
    with open(path, 'w') as f:
        f.write('1\n2\n')
    with Place() as p:
        with open(path) as f:
            expect(finish(p.start('publish', '-l', 'com.example.t',
                                  stdin=f)), 0, '')
        assert [m[4] for m in p.router.conns[0].messages
                if m[0] == 16] == [[1], [2]]


def long_line():
    with Place() as p:
        r = p.run('--message', '1k', 'publish', '-l', 'com.example.t',
                  stdin=b'x' * 100000)
        expect(r, 1, '', 'a line is longer than 1024 octets')


# -- trust: Unix sockets ------------------------------------------------------

def refused(path, why, *args):
    expect(wampc('-s', path, *args, 'call', 'a'), 3, '', why)


def directories():
    """every directory must be safe, and no symbolic link on the way"""
    d = tmpdir()
    inner = os.path.join(d, 'inner')
    os.mkdir(inner)
    os.chmod(inner, 0o755)
    path = os.path.join(inner, 'sock')
    with FakeRouter(path=path) as r:
        def good(*args, **kw):
            expect(wampc('-s', *args, 'call', 'com.example.add', '1', **kw),
                   0, line('[1]'))
        good(path)
        for mode in (0o777, 0o775, 0o757, 0o1777, 0o1775):
            os.chmod(inner, mode)
            refused(path, re.escape(inner) + ': others than its owner may')
        os.chmod(inner, 0o755)
        for mode in (0o777, 0o775, 0o757):
            os.chmod(d, mode)
            refused(path, re.escape(d) + ': others than its owner may')
        for mode in (0o1777, 0o1775, 0o755):
            os.chmod(d, mode)
            good(path)
        link = os.path.join(d, 'link')
        os.symlink('inner', link)
        refused(link + '/sock', re.escape(link) + ': is a symbolic link')
        os.symlink('sock', inner + '/link')
        refused(inner + '/link', 'inner/link: is a symbolic link')
        refused(path + '/x', 'sock: is not a directory')
        open(inner + '/file', 'w').close()
        refused(inner + '/file', 'is not a socket')
        # paths as people write them
        good('sock', cwd=inner)
        good('./sock', cwd=inner)
        good('../inner/sock', cwd=inner)
        good(inner + '//../inner/./sock')
        good('inner/sock', cwd=d)
        r2 = wampc('-s', 'link/../sock', 'call', 'a', cwd=d)
        expect(r2, 3, '', 'link: is a symbolic link')
        assert len(r.conns) == 9, len(r.conns)


def long_path():
    """longer than a socket's address can be"""
    d = tmpdir()
    for _ in range(4):
        d = os.path.join(d, 'x' * 60)
        os.mkdir(d)
    os.chdir(d)
    with FakeRouter(path='sock'):
        expect(wampc('-s', os.path.join(d, 'sock'), 'call',
                     'com.example.add', '1'), 0, line('[1]'))
    os.chdir('/')


def as_user(uid):
    def become():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    return become


def peer_of_another_user():
    """SO_PEERCRED: another user listens in a directory of ours"""
    uid = other_user()
    path = os.path.join(tmpdir(), 'sock')
    s = listening(path, uid)
    os.chmod(path, 0o666)
    refused(path, 'user %d listens in a directory of user 0' % uid)
    assert heard(s) == b''
    # nor is it the owner given
    refused(path, 'user %d listens' % uid, '--owner', str(uid))
    assert heard(s) == b''
    s.close()


def directory_of_another_user():
    """a directory of neither root nor ours; --owner names him"""
    uid = other_user()
    d = tmpdir()
    path = os.path.join(d, 'sock')
    s = listening(path, uid)
    os.chown(d, uid, uid)
    os.chmod(path, 0o666)
    refused(path, 'belongs to user %d, who is neither root nor user 0' % uid)
    refused(path, 'belongs to user %d' % uid, '--owner', str(uid + 1))
    assert heard(s) == b''
    # of the user named, and by himself: only the answer is missing
    for args, kw in ((['--owner', str(uid)], {}),
                     ([], {'preexec_fn': as_user(uid)})):
        r = wampc('-w', '0.2', *args, '-s', path, 'call', 'a', **kw)
        expect(r, 6, '', 'timeout')
        assert heard(s)[:1] == b'\x7f'
    s.close()


def root_listens_for_all():
    """an ordinary user trusts root's router"""
    uid = other_user()
    path = os.path.join(tmpdir(), 'sock')
    with FakeRouter(path=path):
        os.chmod(path, 0o666)
        expect(wampc('-s', path, 'call', 'com.example.add', '1',
                     preexec_fn=as_user(uid)), 0, line('[1]'))


# -- trust: TLS ---------------------------------------------------------------

TLS = [
    # certificate, host, CA, status, stderr
    ('good', 'localhost', 'ca', 0, None),
    ('good', '127.0.0.1', 'ca', 0, None),
    ('good', 'localhost', None, 3, 'not trusted: .*verif'),
    ('good', 'localhost', 'otherca', 3, 'not trusted: .*verif'),
    ('wrongname', 'localhost', 'ca', 3, 'not trusted: .*localhost'),
    ('wrongname', '127.0.0.1', 'ca', 3, 'not trusted: .*127.0.0.1'),
    ('expired', 'localhost', 'ca', 3, 'not trusted: .*expired'),
]


def tls_verification(scheme, crt, host, ca, status, err):
    with FakeRouter(port=0, tls=tls_context(crt)) as r:
        args = ['--cafile', cert(ca)] if ca else []
        expect(wampc('-u', '%s://%s:%d' % (scheme, host, r.port), *args,
                     'call', 'com.example.add', '1'), status,
               line('[1]') if status == 0 else '', err)
        # not a word before
        assert status == 0 or all(c.kind is None for c in r.conns)


def tls_system_authorities():
    """without --cafile the system's authorities count"""
    with FakeRouter(port=0, tls=tls_context()) as r:
        for ca, status in (('ca', 0), ('otherca', 3)):
            q = wampc('-u', 'wss://localhost:%d' % r.port, 'call',
                      'com.example.add', '1',
                      env=dict(os.environ, SSL_CERT_FILE=cert(ca)))
            assert q.status == status, q


def tls_against_plain():
    """a port without TLS, and without a router"""
    for first in (None, b'hello there, what do you want?\n'):
        def connect(c):
            if first:
                c.raw(first)
            else:
                c.close()
            return True
        with FakeRouter(port=0, on_connect=connect) as r:
            expect(wampc('-u', 'rss://127.0.0.1:%d' % r.port, 'call', 'a'),
                   2, '', 'cannot connect: 127.0.0.1 port')


def bad_cafile():
    with FakeRouter(port=0, tls=tls_context()) as r:
        for path in ('/nonexistent', '/dev/null'):
            q = wampc('-u', 'rss://localhost:%d' % r.port, '--cafile', path,
                      'call', 'a')
            expect(q, 1, '', 'TLS: ')


# -- run ----------------------------------------------------------------------

def main():
    make_certs()
    for fn in (usage, nobody_listens, default_socket_and_realm):
        run_case(fn)
    over_everything()
    for fn in (commands_at_once, commands_end_with_wampc,
               grandchild_holds_the_pipes, unread_input_is_no_error,
               missing_command, no_shell, result_too_long, signals,
               ignored_signal, router_that_does_not_read,
               reader_has_enough, output_that_cannot_be_written,
               closed_descriptors, limits_of_time, goodbye_unanswered,
               many_lines, standard_input_from_a_file, long_line,
               directories, long_path, peer_of_another_user,
               directory_of_another_user, root_listens_for_all):
        run_case(fn)
    for scheme in ('rss', 'wss'):
        for t in TLS:
            run_case(bound(tls_verification, scheme, *t),
                     '%s %s %s CA %s: ' % (scheme, t[0], t[1], t[2]))
    for fn in (tls_system_authorities, tls_against_plain, bad_cafile):
        run_case(fn)
    done()


main()
