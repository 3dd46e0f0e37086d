# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampctl show metrics: what promtool says of it, that wampd-metrics(7) has
# each name and label and no other, and that the numbers are those of what
# clients did.

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess

from authmethods import ticket_line
from ctlclient import rows, wampctl
from daemon import (TOP, Wampd, free_port, make_cert, run_cases, skip,
                    tmpdir, wait_until)
from wampclient import CALL, ERROR, EVENT, INVOCATION, RESULT, Client

PROMTOOL = shutil.which('promtool') or os.path.join(TOP, 'regress/promtool')
REALMS = ['realm1', 'a"b\\c', 'com.example.three']
YIELD = 70
UNNAMED = 500		# COUNTS_REALMS


class World(Wampd):
    def __init__(self, realms=REALMS, brokers=2):
        self.dir = tmpdir()
        self.crt, self.key = make_cert(self.dir)
        self.control = os.path.join(self.dir, 'control.sock')
        self.users = os.path.join(self.dir, 'users')
        with open(self.users, 'w') as f:
            f.write(ticket_line('joe', 'secret', 'all') + '\n')
        os.chmod(self.users, 0o600)
        self.port, self.tls = free_port(), free_port()
        self.context = ssl.create_default_context(cafile=self.crt)
        self.brokers = brokers
        super().__init__(self.conf(realms))

    def conf(self, realms):
        text = '''prefork 1
brokers %d
control socket "%s"
metrics on socket "%s"
keypair "k" { certificate "%s"  key "%s" }
listen on 127.0.0.1 port %d
listen on 127.0.0.1 port %d tls { keypair "k" }
''' % (self.brokers, self.control, self.dir + '/metrics.sock', self.crt, self.key,
       self.port, self.tls)
        for name in realms:
            text += '''realm "%s" {
	authenticate ticket from "%s"
	authenticate anonymous role "all"
	role "all" { allow any  allow meta read }
}
''' % (name.replace('\\', '\\\\').replace('"', '\\"'), self.users)
        return text

    def client(self, realm='realm1', tls=False, **kw):
        return Client(('127.0.0.1', self.tls if tls else self.port),
                      realm=realm, tls=self.context if tls else None,
                      timeout=20, **kw)

    def text(self):
        rv, out, err = wampctl(self.control, 'show', 'metrics')
        assert (rv, err) == (0, ''), (rv, err)
        return out

    def values(self):
        return parse(self.text())


LINE = re.compile(r'(\w+)(?:\{(.*)\})? ([0-9.]+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def parse(text):
    """{(name, ((label, value), ...)): number}; as the format wants it."""
    got, kind, name = {}, {}, None
    for line in text.splitlines():
        if line.startswith('# HELP '):
            name = line.split(' ')[2]
            assert name not in kind, 'two groups of %s' % name
            continue
        if line.startswith('# TYPE '):
            assert line.split(' ')[2] == name, line
            kind[name] = line.split(' ')[3]
            continue
        m = LINE.match(line)
        assert m, line
        assert re.sub('_(bucket|sum|count)$', '', m.group(1)) == name or \
            m.group(1) == name, line
        labels = tuple((k, re.sub(r'\\(.)', r'\1', v))
                       for k, v in LABEL.findall(m.group(2) or ''))
        key = m.group(1), labels
        assert key not in got, 'twice: %s' % line
        got[key] = float(m.group(3))
    return got


def total(got, name, **labels):
    """The sum of all that have these labels."""
    some = [n for (k, ls), n in got.items() if k == name and
            all(dict(ls).get(a) == b for a, b in labels.items())]
    assert some, (name, labels)
    return sum(some)


def page():
    """{name: (labels, type)} of the man page"""
    with open(os.path.join(TOP, 'man', 'wampd-metrics.7')) as f:
        text = f.read()
    got = {}
    for m in re.finditer(r'^\.It Li (wampd_\w+) \((\w+)(?:: ([\w, ]+))?\)$',
                         text, re.M):
        assert m.group(1) not in got, m.group(1)
        got[m.group(1)] = (tuple((m.group(3) or '').split(', '))
                           if m.group(3) else (), m.group(2))
    return got


def use(w):
    """What each of the metrics counts, once or twice."""
    c, d = w.client(), w.client(tls=True, transport='websocket',
                                serializer='json')
    c.register('com.p')
    c.subscribe('com.t')
    for i in range(3):
        call = d.call('com.p')
        m = c.expect(INVOCATION)
        c.send(YIELD, m[1], {})
        d.expect(RESULT, call)
    d.expect(ERROR, CALL, d.call('com.nothing'))
    d.publish('com.t', {'acknowledge': True})
    c.expect(EVENT)
    return c, d


def promtool():
    """promtool check metrics finds nothing"""
    if not os.access(PROMTOOL, os.X_OK):
        skip(promtool.__doc__, 'no promtool')
        return
    with World() as w:
        cs = use(w)
        p = subprocess.run([PROMTOOL, 'check', 'metrics'], input=w.text(),
                           text=True, capture_output=True, timeout=60)
        assert (p.returncode, p.stdout, p.stderr) == (0, '', ''), p
        for c in cs:
            c.close()


def documented():
    """wampd-metrics(7) has what there is, and no more"""
    with World() as w:
        cs = use(w)
        got = {}
        for r in rows(w.control, 'show', 'metrics'):
            is_hist = r['type'] == 'histogram'
            assert set(r) == {'name', 'type', 'labels'} | (
                {'buckets', 'sum', 'count'} if is_hist else {'value'}), r
            this = tuple(r['labels']), r['type']
            assert got.setdefault(r['name'], this) == this, r
        want = page()
        assert got == want, set(got.items()) ^ set(want.items())
        # the text has the same
        names = {k if k in want else re.sub('_(bucket|sum|count)$', '', k)
                 for k, _ in w.values()}
        assert names == set(want), names ^ set(want)
        for c in cs:
            c.close()


def numbers():
    """messages, octets, calls, events: as many as there were"""
    with World() as w:
        before = w.values()
        assert total(before, 'wampd_sessions', realm='realm1') == 0
        c, d = use(w)
        got = w.values()
        for kind, direction, n in (
                ('HELLO', 'in', 2), ('WELCOME', 'out', 2),
                ('REGISTER', 'in', 1), ('REGISTERED', 'out', 1),
                ('SUBSCRIBED', 'out', 1), ('CALL', 'in', 4),
                ('INVOCATION', 'out', 3), ('YIELD', 'in', 3),
                ('RESULT', 'out', 3), ('ERROR', 'out', 1),
                ('PUBLISH', 'in', 1), ('PUBLISHED', 'out', 1),
                ('EVENT', 'out', 1), ('GOODBYE', 'in', 0)):
            assert total(got, 'wampd_messages_total', type=kind,
                         direction=direction) == n, (kind, direction, n)
        for name, n in (('sessions', 2), ('sessions_joined_total', 2),
                        ('subscriptions', 1), ('registrations', 1),
                        ('calls_pending', 0), ('publications_total', 1),
                        ('events_total', 1), ('calls_total', 3),
                        ('errors_total', 1)):
            assert total(got, 'wampd_' + name, realm='realm1') == n, name
            assert total(got, 'wampd_' + name,
                         realm='com.example.three') == 0, name
            # its name is escaped
            assert total(got, 'wampd_' + name, realm=REALMS[1]) == 0, name
        assert total(got, 'wampd_connections') == 2
        assert total(got, 'wampd_connections_accepted_total') == 2
        for protocol, n in (('tls', 1), ('rawsocket', 1), ('websocket', 1)):
            assert total(got, 'wampd_handshakes_total', protocol=protocol,
                         result='done') == n, protocol
        assert total(got, 'wampd_received_bytes_total') > 300
        assert total(got, 'wampd_sent_bytes_total') > 300
        assert total(got, 'wampd_call_duration_seconds_count') == 3
        assert total(got, 'wampd_call_duration_seconds_bucket',
                     le='+Inf') == 3
        assert total(got, 'wampd_logins_total', method='anonymous',
                     result='granted') == 2
        assert total(got, 'wampd_limit_reached_total') == 0
        # whoever is asked has not answered
        d.call('com.p')
        c.expect(INVOCATION)
        assert total(w.values(), 'wampd_calls_pending') == 1
        c.close()
        wait_until(lambda: total(w.values(), 'wampd_calls_pending') == 0)
        d.close()
        wait_until(lambda: total(w.values(), 'wampd_sessions') == 0)
        assert total(w.values(), 'wampd_sessions_joined_total') == 2


def failures():
    """handshakes and log-ins that fail, by what they are"""
    with World() as w:
        s = socket.create_connection(('127.0.0.1', w.tls))
        s.sendall(b'nonsense' * 10)
        assert s.recv(100) is not None
        for first, port in ((b'GET /x HTTP/1.1\r\n\r\n', w.port),
                            (b'\x7f\x0f\x00\x00', w.port),
                            (b'\x00\x00\x00\x00', w.port)):
            s = socket.create_connection(('127.0.0.1', port))
            s.sendall(first)
            s.settimeout(20)
            while s.recv(1000) != b'':
                pass
        got = w.values()
        for protocol in 'tls', 'websocket', 'rawsocket', 'unknown':
            assert total(got, 'wampd_handshakes_total', protocol=protocol,
                         result='failed') == 1, protocol
        for secret, result in (('secret', 'granted'), ('wrong', 'denied')):
            c = Client(('127.0.0.1', w.port), timeout=20, join=False)
            c.send(1, 'realm1', {'roles': {'caller': {}}, 'authid': 'joe',
                                 'authmethods': ['ticket']})
            c.expect(4)
            c.send(5, secret, {})
            c.expect(2 if result == 'granted' else 3)
            c.close()
            assert total(w.values(), 'wampd_logins_total', method='ticket',
                         result=result) == 1, result
        wait_until(lambda: total(w.values(), 'wampd_logins_pending') == 0)


def processes():
    """restarts, reloads, CPU time, memory, expiry of certificates"""
    with World() as w:
        got = w.values()
        names = {dict(ls)['process'] for k, ls in got
                 if k == 'wampd_process_up'}
        assert names == {'wampd', 'keeper', 'broker 0', 'broker 1',
                         'tlsproxy 0', 'metrics'}, names
        assert total(got, 'wampd_process_restarts_total') == 0
        assert total(got, 'wampd_process_cpu_seconds_total') > 0
        for name in names:
            assert total(got, 'wampd_process_resident_memory_bytes',
                         process=name) > 100000, name
        cert, = rows(w.control, 'show', 'certificates')
        left = total(got, 'wampd_certificate_expiry_timestamp_seconds',
                     keypair='k') - total(got, 'wampd_start_time_seconds')
        assert abs(left / 86400 - cert['days_left']) < 2, (left, cert)
        os.kill(w.child('broker 1'), 9)
        w.wait_log('broker 1.*(started|up|ready)')
        wait_until(lambda: all(r['state'] == 'up' and r['pid'] for r in
                               rows(w.control, 'show', 'processes')) and
                   len(rows(w.control, 'show', 'processes')) == 6)
        got = w.values()
        assert total(got, 'wampd_process_restarts_total') == 1
        assert total(got, 'wampd_process_restarts_total',
                     process='broker 1') == 1
        w.reload()
        assert total(w.values(), 'wampd_reloads_total', result='done') == 1
        w.write_conf('nonsense\n')
        rv, out, err = wampctl(w.control, 'reload')
        assert rv == 1, err
        assert total(w.values(), 'wampd_reloads_total',
                     result='refused') == 1


def incomplete():
    """what a process cannot say any more: the others' numbers, and status 1"""
    with World() as w:
        os.kill(w.child('broker 1'), signal.SIGSTOP)
        # it is replaced, as it does not answer the parent either
        rv, out, err = wampctl(w.control, 'show', 'metrics')
        assert rv == 1 and 'this is not all' in err, (rv, err)
        got = parse(out)
        assert total(got, 'wampd_process_up', process='wampd') == 1
        assert total(got, 'wampd_metrics_complete') == 0
        assert total(got, 'wampd_connections', process='tlsproxy 0') == 0
        assert {dict(ls)['process'] for k, ls in got
                if k == 'wampd_call_duration_seconds_count'} == {'broker 0'}


def many_realms():
    """the first realms have numbers of their own, the others share theirs"""
    n = UNNAMED + 700
    with World(['com.r%d' % i for i in range(n)], brokers=1) as w:
        first, last = w.client('com.r0'), w.client('com.r%d' % (n - 1))
        other = w.client('com.r%d' % (n - 2))
        last.subscribe('com.x')
        got = w.values()
        realms = [dict(ls)['realm'] for k, ls in got if k == 'wampd_sessions']
        assert sorted(realms) == sorted(
            ['com.r%d' % i for i in range(UNNAMED)] + ['']), len(realms)
        assert total(got, 'wampd_sessions', realm='com.r0') == 1
        assert total(got, 'wampd_sessions', realm='') == 2
        assert total(got, 'wampd_sessions_joined_total', realm='') == 2
        assert total(got, 'wampd_subscriptions', realm='') == 1
        for c in first, last, other:
            c.close()


run_cases([promtool, documented, numbers, failures, processes, incomplete,
           many_realms])
