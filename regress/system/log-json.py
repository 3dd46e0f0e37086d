# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# "log format json": each line is one object with the members that wampd(8)
# names, whatever clients call themselves; and the same lines as text.

import json
import os
import re
import signal
import socket

from daemon import *
from authmethods import *
from wampclient import *

CONF = """
prefork 1
log %s
log format %s
listen on 127.0.0.1 port $port
limits {
	failures delay 50ms
}
realm "realm1" {
	authenticate wampcra from $users
	authenticate anonymous role "user"
	role "user" { allow any }
}
"""
# what a client can call itself; none of it may end a line or a string
NASTY = ['a\r\nwampd: ready', '\x1b[2J', '"', '\\', '\\"', '", "level": "crit',
         'm\xfcller', '\u2028\u2029', '\U0001f600', 'x realm=other',
         "{}[]:,'", '\x7f', '%s%n', '\t ', '}\n{"level":"crit"}']


def as_vis(text):
    """As wampd(8) says that client text is written."""
    out = ''
    for c in text.encode():
        if c in b'"\\':
            out += '\\' + chr(c)
        elif 0x21 <= c < 0x7f:
            out += chr(c)
        else:
            out += {9: '\\t', 10: '\\n', 13: '\\r',
                    32: '\\s'}.get(c, '\\%03o' % c)
    return out


def guess(port, authid):
    c = Client(('127.0.0.1', port), join=False)
    m = Cra(authid, 'x').join(c)
    assert m[0] == ABORT, m
    c.close()


def unique(pairs):
    d = dict(pairs)
    assert len(d) == len(pairs), pairs
    return d


def objects(log):
    out = []
    for line in log.splitlines():
        assert line.isascii() and line.isprintable(), line
        o = json.loads(line, object_pairs_hook=unique)
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z',
                            o['time']), o
        assert o['level'] in ('warning', 'notice', 'info', 'debug'), o
        assert re.fullmatch(r'wampd|keeper|broker 0|tlsproxy 0',
                            o['process']), o
        assert list(o)[:3] == ['time', 'level', 'process'] and \
            list(o)[-1] == 'message', o
        out.append(o)
    return out


def events(log, name):
    return [o for o in objects(log) if o.get('event') == name]


def play(port, w):
    """Everything that has a form of its own; the session's id."""
    c = Client(('127.0.0.1', port))
    number = c.id
    c.send(GOODBYE, {}, 'a.b"c d')
    c.recv()
    c.close()
    for text in NASTY:
        guess(port, text)
        c = Client(('127.0.0.1', port), join=False, serializer='json')
        c.send(HELLO, text, ROLES)
        assert c.recv()[0] == ABORT
        c.close()
    s = socket.create_connection(('127.0.0.1', port))
    s.sendall(b'\x7f\xf2\0\0\x07\0\0\0')
    while s.recv(100):
        pass
    s.close()
    assert w.reload()
    return number


def start(level, form):
    port = free_port()
    users = os.path.join(tmpdir(), 'users')
    with open(users, 'w') as f:
        os.fchmod(f.fileno(), 0o600)
        f.write(cra_line('alice', 'wonder') + '\n')
    return port, Wampd(CONF % (level, form), macros={
        'port': str(port), 'users': users})


def in_json():
    """joins, leaves, refusals, failed log-ins, bad frames, acts: members"""
    port, w = start('verbose', 'json')
    with w:
        number = play(port, w)
        w.wait_log('bad frame')
        log = w.log()
        w.stop()
        log += w.log()[len(log):]
    [o] = events(log, 'joined')
    assert o['session'] == number and o['realm'] == 'realm1' and \
        o['role'] == 'user' and o['method'] == 'anonymous' and \
        o['transport'] == 'rawsocket' and o['serializer'] == 'msgpack' and \
        o['proxy'] == 0 and o['level'] == 'info' and \
        o['address'].startswith('127.0.0.1:'), o
    assert o['message'] == 'session %d joined realm=realm1 authid=%s ' \
        'role=user method=anonymous address=%s transport=rawsocket ' \
        'serializer=msgpack proxy=0' % (number, o['authid'], o['address']), o
    [o] = events(log, 'left')
    assert o['session'] == number and \
            o['reason'] == 'a.b\\"c d', o
    found = events(log, 'auth_failed')
    assert [o['authid'] for o in found] == [as_vis(t) for t in NASTY], found
    assert all(o['level'] == 'warning' and o['process'] == 'keeper' and
               o['reason'] == 'unknown' and o['method'] == 'wampcra'
               for o in found), found
    # some of the refused may not have been logged: so many in a second
    realms = [o['realm'] for o in events(log, 'refused')
              if 'no_such_realm' in o.get('reason', '')]
    assert realms and set(realms) <= {as_vis(t) for t in NASTY}, realms
    [o] = events(log, 'bad_frame')
    assert o['reason'] and o['address'].startswith('127.0.0.1:'), o
    found = events(log, 'admin')
    assert [(o['act'], o['signal'], o['process'], o['level']) for o in
            found] == [('reload', 'HUP', 'wampd', 'notice'),
                       ('stop', 'TERM', 'wampd', 'notice')], found


def in_text():
    """the same in text: one line each, nothing of a terminal's"""
    port, w = start('verbose', 'text')
    with w:
        play(port, w)
        w.wait_log('bad frame')
        log = w.log()
        assert not [c for c in log if not (c.isascii() and c.isprintable() or
                                           c == '\n')], log
        assert all(line.startswith('wampd: ') for line in log.splitlines())
        failed = re.findall(r'^wampd: keeper: auth failed realm=realm1 '
                            r'authid=(\S+) method=wampcra address=127\.0\.0\.1'
                            r':\d+ reason="unknown"$', log, re.M)
        assert failed == [as_vis(t) for t in NASTY], failed
        assert log.count('wampd: ready') == 1
        assert 'wampd: admin act=reload signal=HUP\n' in log


def brief():
    """at level brief the acts and failed log-ins stay; a reload changes both"""
    port, w = start('brief', 'text')
    with w:
        guess(port, 'x')
        w.wait_log('auth failed')
        Client(('127.0.0.1', port)).goodbye()
        assert w.reload()
        log = w.log()
        assert 'admin act=reload' in log and ' joined ' not in log, log
        # from here on it is JSON, and back
        assert w.reload(CONF % ('verbose', 'json'))
        n = len(w.log())
        c = Client(('127.0.0.1', port))
        w.wait_log('session %d joined' % c.id)
        [o] = events(w.log()[n:], 'joined')
        assert o['session'] == c.id
        assert w.reload(CONF % ('verbose', 'text'))
        n = len(w.log())
        c.goodbye()
        w.wait_log('session %d left' % c.id)
        assert w.log()[n:].startswith('wampd: tlsproxy 0: session'), w.log()


def gone():
    """sessions of a killed tlsproxy leave in the log as well, once each"""
    port, w = start('verbose', 'json')
    with w:
        out = Client(('127.0.0.1', port))
        out.goodbye()
        w.wait_log('session %d left' % out.id)
        clients = [Client(('127.0.0.1', port)) for i in range(20)]
        os.kill(w.child('tlsproxy 0'), signal.SIGKILL)
        w.wait_log('"process":"broker 0","event":"left"', count=20)
        # and in again
        Client(('127.0.0.1', port), timeout=20).goodbye()
        found = [o for o in events(w.log(), 'left') if
                 o['reason'] == 'tlsproxy 0 is gone']
        assert sorted(o['session'] for o in found) == sorted(
            c.id for c in clients), found
        assert all(o['realm'] == 'realm1' and o['role'] == 'user' and
                   o['authid'] and o['level'] == 'info' and
                   'address' not in o for o in found), found


def flood():
    """what is not logged is counted, and a warning is not lost by it"""
    port, w = start('verbose', 'text')
    with w:
        for i in range(100):
            s = socket.create_connection(('127.0.0.1', port))
            s.sendall(b'\x7f\xf2\0\0\x07\0\0\0')
            while s.recv(100):
                pass
            s.close()
            if i == 50:
                guess(port, 'mallory')
        w.wait_log('auth failed .* authid=mallory ')

        def all_of_them():
            log = w.log()
            return len(re.findall('bad frame', log)) - len(re.findall(
                'not logged: bad frame', log)) + sum(int(n) for n in
                re.findall(r'tlsproxy 0: (\d+) lines were not logged: bad '
                           'frame', log)) == 100
        wait_until(all_of_them)


run_cases([gone, flood, in_json, in_text, brief])
