# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# "metrics on": what wampctl show metrics prints, by HTTP, over TCP and a Unix
# socket; whether wampd is well; the process that says it is locked in,
# replaced when it dies, and comes and goes with a reload.

import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

from ctlclient import rows, wampctl
from daemon import (IS_ROOT, SAN, TOP, Skip, Wampd, free_port, is_alive,
                    run_cases, run_wampd, tmpdir, wait_until)
from httpclient import get
import sandbox_report
from wampclient import Client

PROMTOOL = shutil.which('promtool') or os.path.join(TOP, 'regress/promtool')
SLOW = 3 if SAN else 1
TYPE = 'text/plain; version=0.0.4; charset=utf-8'


class World(Wampd):
    """One with two brokers, and metrics everywhere."""

    def __init__(self, metrics=None, more=''):
        d = tmpdir()
        self.control = d + '/control.sock'
        self.sock = d + '/metrics.sock'
        self.port, self.tcp = free_port(), free_port()
        self.more = more
        if metrics is None:
            metrics = 'metrics on localhost port %d\n' \
                'metrics on socket "%s" mode 0666\n' % (self.tcp, self.sock)
        super().__init__(self.conf(metrics), timeout=40)

    def conf(self, metrics):
        return '''prefork 1
brokers 2
grace 3s
control socket "%s"
listen on 127.0.0.1 port %d
%s%s
realm "realm1" { authenticate anonymous role "all" role "all" { allow any } }
''' % (self.control, self.port, metrics, self.more)

    @property
    def net(self):
        return '127.0.0.1', self.tcp

    def client(self):
        return Client(('127.0.0.1', self.port), timeout=20)

    def health(self, want=200, timeout=20):
        """The text, once that is the status."""
        def once():
            status, headers, text = get(self.sock, '/health')
            assert headers['content-type'].startswith('text/plain'), headers
            return text if status == want else None
        return wait_until(once, timeout * SLOW, 'health %d' % want)


def is_served(address):
    try:
        return get(address, '/health')[0] == 200
    except OSError:
        return False


def shape(text):
    """Without the values."""
    return [re.sub(r' [0-9.]+$', '', line) for line in text.splitlines()]


def same():
    """GET is what wampctl show metrics prints, and HEAD its length"""
    with World() as w:
        c = w.client()
        rv, want, err = wampctl(w.control, 'show', 'metrics')
        assert (rv, err) == (0, ''), err
        for address in (w.net, ('::1', w.tcp), w.sock):
            if address[0] == '::1' and not socket.has_ipv6:
                continue
            status, headers, text = get(address, '/metrics')
            assert status == 200 and headers['content-type'] == TYPE, headers
            assert int(headers['content-length']) == len(text.encode())
            assert headers['connection'] == 'close', headers
            assert shape(text) == shape(want)
            assert 'wampd_sessions{process="broker 0",realm="realm1"} 1\n' \
                in text or 'wampd_sessions{process="broker 1",realm="' \
                'realm1"} 1\n' in text
        status, headers, text = get(w.net, '/metrics', 'HEAD')
        assert (status, text) == (200, '') and headers['content-type'] == \
            TYPE and int(headers['content-length']) > 1000, headers
        # what Prometheus adds is no other page
        assert get(w.net, '/metrics?x=1')[0] == 200
        c.close()


def promtool():
    """promtool check metrics finds nothing in what GET returns"""
    if not os.access(PROMTOOL, os.X_OK):
        raise Skip('no promtool')
    with World() as w:
        p = subprocess.run([PROMTOOL, 'check', 'metrics'], text=True,
                           input=get(w.sock, '/metrics')[2],
                           capture_output=True, timeout=60)
        assert (p.returncode, p.stdout, p.stderr) == (0, '', ''), p


def curl():
    """curl gets it over TCP and the Unix socket"""
    if shutil.which('curl') is None:
        raise Skip('no curl')
    with World() as w:
        for where in (['http://127.0.0.1:%d/metrics' % w.tcp],
                      ['--unix-socket', w.sock, 'http://wampd/metrics']):
            p = subprocess.run(['curl', '-sSf'] + where, text=True,
                               capture_output=True, timeout=60)
            assert p.returncode == 0, p
            assert 'wampd_process_up{process="metrics"} 1\n' in p.stdout


def others():
    """everything else is refused by a few words"""
    with World() as w:
        for method, path, body, want in (
                ('GET', '/', None, 404), ('GET', '/metric', None, 404),
                ('GET', '/metrics/', None, 404), ('GET', '//x', None, 404),
                ('GET', '/Health', None, 404), ('POST', '/', None, 404),
                ('POST', '/metrics', None, 405),
                ('DELETE', '/health', None, 405),
                ('OPTIONS', '/metrics', None, 405),
                # no body is taken
                ('POST', '/metrics', 'x' * 10, 413),
                ('BREW', '/metrics', None, 501)):
            status, headers, text = get(w.net, path, method, body)
            assert status == want, (method, path, status)
            assert len(text) < 200 and path not in text.split('/'), text
            if want == 405:
                assert headers['allow'] == 'GET, HEAD', headers
        got = get(w.net, '/metrics')[2]
        for code, n in ((404, 6), (405, 3), (503, 0)):
            assert 'wampd_http_requests_total{process="metrics",code="%d"} ' \
                '%d\n' % (code, n) in got, (code, got)


def together():
    """who come at once share one answer, and never wait long for it"""
    with World() as w:
        socks = []
        for i in range(40):
            s = socket.create_connection(w.net, 20)
            s.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
            socks.append(s)
        texts = []
        for s in socks:
            text = b''
            while True:
                part = s.recv(65536)
                if not part:
                    break
                text += part
            texts.append(text.split(b'\r\n\r\n', 1)[1])
        assert all(t == texts[0] or len(t) > 1000 for t in texts)
        # they were few: the parent was asked a few times
        assert len(set(texts)) < 6, len(set(texts))


def health():
    """/health: 503 while a broker or the keeper does not answer, then 200"""
    with World() as w:
        assert w.health() == 'ok\n'
        assert get(w.sock, '/health', 'HEAD')[2] == ''
        for name in ('broker 1', 'keeper'):
            pid = w.child(name)
            os.kill(pid, signal.SIGSTOP)
            begin = time.monotonic()
            status, headers, text = get(w.sock, '/health')
            assert time.monotonic() - begin < 4 * SLOW
            assert (status, text) == (503, name + ' does not answer\n') or \
                (status, text) == (503, name + ' is down\n'), (status, text)
            # either it is replaced, or it goes on in time
            if name == 'keeper':
                os.kill(pid, signal.SIGCONT)
            assert w.health() == 'ok\n'
            assert (w.child(name) == pid) == (name == 'keeper')
        # who is not there yet
        os.kill(w.child('broker 0'), signal.SIGKILL)
        assert w.health() == 'ok\n'


def drained():
    """/health: 503 while clients are not accepted, and in the time of grace"""
    with World() as w:
        c = w.client()
        assert wampctl(w.control, 'drain', 'over', '0s')[0] in (0, 1)
        assert w.health(503) == 'drained: no clients are accepted\n'
        assert wampctl(w.control, 'resume')[0] == 0
        assert w.health() == 'ok\n'
        c.close()
        c = w.client()		# does not say GOODBYE
        w.proc.send_signal(signal.SIGTERM)
        assert w.health(503, 3) == 'wampd is stopping\n'


def incomplete():
    """what a process cannot say is missing, and the rest is there"""
    with World() as w:
        os.kill(w.child('broker 1'), signal.SIGSTOP)
        status, headers, text = get(w.net, '/metrics')
        assert status == 200
        assert 'wampd_sessions{process="broker 0"' in text or \
            'wampd_call_duration_seconds_count{process="broker 0"}' in text
        assert 'wampd_call_duration_seconds_count{process="broker 1"}' \
            not in text
        w.health()


def killed():
    """kill -9 of it: back at once, and nobody else notices"""
    with World() as w:
        before = w.children()
        c, d = w.client(), w.client()
        c.subscribe('com.t')
        for n in range(1, 3):
            os.kill(w.child('metrics'), signal.SIGKILL)
            w.wait_log(r'metrics \(process \d+\) killed by signal 9.*; it '
                       'will be started again', count=n)
            wait_until(lambda: is_served(w.net) and is_served(w.sock), 10,
                       'another one')
            d.publish('com.t', n)
            assert c.expect(36)[4] == [n]
        text = get(w.net, '/metrics')[2]
        assert 'wampd_process_restarts_total{process="metrics"} 2\n' in text
        now = w.children()
        assert {k: v for k, v in now.items() if k != 'metrics'} == \
            {k: v for k, v in before.items() if k != 'metrics'}
        c.close()
        d.close()


def sandboxed():
    """it is locked in as its role is, and shown with the others"""
    with World() as w:
        pid = w.child('metrics')
        problems = sandbox_report.check(pid, 'metrics', IS_ROOT)
        assert problems == [], problems
        if IS_ROOT:
            assert os.stat('/proc/%d/task' % pid).st_uid in (
                0, pwd.getpwnam('_wampmetrics').pw_uid)
            with open('/proc/%d/status' % pid) as f:
                uid = int(re.search(r'Uid:\s+(\d+)', f.read()).group(1))
            assert pwd.getpwuid(uid).pw_name == '_wampmetrics'
        one, = [r for r in rows(w.control, 'show', 'sandbox')
                if r['process'] == 'metrics']
        assert one['weaker'] == [] and one['role'] == 'metrics', one
        one, = [r for r in rows(w.control, 'show', 'processes')
                if r['process'] == 'metrics']
        assert one['state'] == 'up' and one['pid'] == pid, one
        got = {r['listener']: r['kind'] for r in
               rows(w.control, 'show', 'listeners')}
        assert got == {'127.0.0.1 port %d' % w.port: 'network',
                       'localhost port %d' % w.tcp: 'metrics',
                       'socket "%s"' % w.sock: 'metrics'}, got
        got = [r['what'] for r in rows(w.control, 'show', 'memory')
               if r['process'] == 'metrics']
        assert 'scrapers' in got, got


def reload():
    """a reload turns it on, moves it, turns it off; sessions stay"""
    with World('') as w:
        before = w.children()
        assert 'metrics' not in before and not is_served(w.net)
        c = w.client()
        assert w.reload(w.conf('metrics on 127.0.0.1 port %d\n' % w.tcp))
        assert is_served(w.net)
        pid = w.child('metrics')
        # its mode is set, and set anew
        on = 'metrics on socket "%s" mode %s\n'
        assert w.reload(w.conf(on % (w.sock, '0600')))
        assert is_served(w.sock) and not is_served(w.net)
        assert stat.S_IMODE(os.stat(w.sock).st_mode) == 0o600
        assert w.reload(w.conf(on % (w.sock, '0666')))
        assert stat.S_IMODE(os.stat(w.sock).st_mode) == 0o666
        assert is_served(w.sock) and w.child('metrics') == pid
        assert w.reload(w.conf(''))
        wait_until(lambda: 'metrics' not in w.children(), 10, 'its end')
        w.wait_log(r'metrics \(process \d+\) ended: it is not needed')
        assert not os.path.exists(w.sock)
        assert w.reload(w.conf('metrics on 127.0.0.1 port %d\n' % w.tcp))
        assert is_served(w.net)
        now = w.children()
        del now['metrics']
        assert now == before
        c.subscribe('com.t')
        c.close()


def refused():
    """a reload that cannot have its port leaves all as it was"""
    with World('') as w, socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen(1)
        taken = 'metrics on 127.0.0.1 port %d\n' % other.getsockname()[1]
        assert not w.reload(w.conf(taken))
        w.wait_log(r'metrics on 127.0.0.1 port \d+: address in use')
        assert 'metrics' not in w.children()
        good = 'metrics on 127.0.0.1 port %d\n' % w.tcp
        assert w.reload(w.conf(good))
        pid = w.child('metrics')
        assert not w.reload(w.conf(good + taken))
        assert not w.reload(w.conf(taken))
        assert not w.reload(w.conf(good + 'nonsense\n'))
        assert is_served(w.net) and w.child('metrics') == pid
        # started for a reload that is refused elsewhere: it goes again
        assert w.reload(w.conf(''))
        wait_until(lambda: 'metrics' not in w.children(), 10, 'its end')
        bad = tmpdir() + '/users'
        with open(bad, 'w') as f:
            f.write('nonsense\n')
        os.chmod(bad, 0o600)
        conf = w.conf(good) + 'realm "r" { authenticate ticket from "%s" ' \
            'role "x" { } }\n' % bad
        assert not w.reload(conf)
        wait_until(lambda: 'metrics' not in w.children(), 10, 'its end')
        assert not is_served(w.net)


def moved():
    """a port that was a listener's can be had for metrics by a reload"""
    with World('') as w:
        two = free_port()
        listen = 'listen on 127.0.0.1 port %d\n' % two
        assert w.reload(w.conf(listen))
        on = 'metrics on 127.0.0.1 port %d\n' % two
        assert w.reload(w.conf(on))
        assert is_served(('127.0.0.1', two))
        assert w.reload(w.conf(listen))
        assert not is_served(('127.0.0.1', two))
        Client(('127.0.0.1', two), timeout=20).close()


def directory():
    """its socket is only made where nobody else can write"""
    d = tmpdir()
    os.chmod(d, 0o777)
    w = World('metrics on socket "%s/m"\n' % d)
    status, out, err = run_wampd(['-n'], w.conf('metrics on socket "%s/m"\n'
                                                % d))
    assert status == 1 and 'metrics on socket "%s/m": ' % d in err, err
    assert 'writ' in err, err
    status, out, err = run_wampd(['-d'], w.conf('metrics on socket "%s/m"\n'
                                                % d))
    assert status == 1 and 'metrics on socket "%s/m": ' % d in err, err
    assert os.listdir(d) == []


def linklocal():
    """a scraper at a link-local address"""
    with open('/proc/net/if_inet6') as f:
        found = [ln.split() for ln in f if ln.startswith('fe80')]
    if not found:
        raise Skip('no link-local address')
    raw, name = found[0][0], found[0][5]
    addr = '%s%%%s' % (socket.inet_ntop(socket.AF_INET6, bytes.fromhex(raw)),
                       name)
    with World() as w:
        pid = w.child('metrics')
        port = free_port()
        assert w.reload(w.conf('metrics on %s port %d insecure\n' % (addr,
                                                                     port)))
        assert get((addr, port), '/health')[0] == 200
        assert 'wampd_process_up' in get((addr, port), '/metrics')[2]
        assert w.child('metrics') == pid


def nobody():
    """without its user there are no metrics, at a start and by a reload"""
    if not IS_ROOT:
        raise Skip('needs root')
    d = tmpdir()
    with open('/etc/passwd') as f:
        lines = [ln for ln in f if not ln.startswith('_wampmetrics:')]
    with open(d + '/passwd', 'w') as f:
        f.writelines(lines)
    os.chmod(d + '/passwd', 0o644)

    class Without(World):
        def command(self):
            return ['unshare', '-m', 'sh', '-c', 'mount --bind "$0"/passwd '
                    '/etc/passwd && exec "$@"', d] + super().command()
    want = r'user _wampmetrics does not exist \(create it with: useradd '
    w = Without()
    w.wait = False
    w.start()
    assert w.proc.wait(30) == 1
    if 'unshare failed' in w.log() or 'mount:' in w.log():
        raise Skip('no mount namespaces here')
    assert re.search(want, w.log()), w.log()
    # who wants none needs nobody
    with Without('') as w:
        assert not w.reload(w.conf('metrics on 127.0.0.1 port %d\n' % w.tcp))
        assert re.search(want, w.log()), w.log()
        assert not is_served(w.net)


def upgraded():
    """an upgrade hands its sockets on, and nobody who asks is cut off"""
    with World() as w:
        old = w.child('metrics')
        wrong, n = [], []
        is_over = threading.Event()

        def ask(address, path):
            while not is_over.is_set():
                try:
                    status, headers, text = get(address, path)
                    if status != 200:
                        wrong.append((path, status, text))
                except OSError as e:
                    wrong.append((path, repr(e)))
                n.append(1)
        threads = [threading.Thread(target=ask, args=a) for a in (
            (w.net, '/health'), (w.sock, '/health'), (w.net, '/metrics'),
            (w.sock, '/metrics'))]
        for t in threads:
            t.start()
        try:
            rv, out, err = wampctl(w.control, 'upgrade', timeout=120)
            assert rv == 0, err
            wait_until(lambda: not is_alive(old), 60, 'the end of the old one')
        finally:
            is_over.set()
            for t in threads:
                t.join()
        assert not wrong and len(n) > 4, (wrong[:3], len(n))
        assert w.child('metrics') != old
        assert w.health() == 'ok\n' and is_served(w.net)
        assert {r['listener'] for r in rows(w.control, 'show', 'listeners')
                if r['kind'] == 'metrics'} == {
                    'localhost port %d' % w.tcp, 'socket "%s"' % w.sock}
        # and they are kept, or closed, as ever
        assert w.reload(w.conf('metrics on socket "%s"\n' % w.sock))
        assert is_served(w.sock) and not is_served(w.net)
        assert w.reload(w.conf(''))
        assert not os.path.exists(w.sock)


run_cases([same, promtool, curl, others, together, health, drained,
           incomplete, killed, sandboxed, reload, refused, moved, directory,
           linklocal, nobody, upgraded])
