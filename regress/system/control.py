# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampctl and a running wampd: what it shows, what it changes, who may, and
# where the control socket is.

import json
import os
import re
import resource
import signal
import stat
import subprocess

from ctlclient import (ERROR, WAMPCTL, Control, Terminal, request, rows,
                       wampctl)
from daemon import (IS_ROOT, SAN, Skip, Wampd, free_port, is_alive, make_cert,
                    run_cases, run_wampd, test_user, tmpdir, wait_until)
from wampclient import Client

REALM = '''
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''


LIMITS = [
    'authenticate', 'complete', 'connections', 'connections per address',
    'ipv6 prefix', 'failures', 'failures per', 'failures delay', 'handshake',
    'hello', 'memory', 'message', 'metrics', 'metrics connections',
    'ping every', 'ping timeout', 'queue', 'session bytes',
    'session bytes per', 'session bytes burst', 'session calls',
    'session messages', 'session messages per', 'session messages burst',
    'session registrations', 'session subscriptions', 'sessions per authid',
    'slow']


class Controlled(Wampd):
    """Its control socket is self.control."""

    def __init__(self, more='', options='', realm=REALM, **kw):
        self.run = tmpdir()
        if kw.get('as_user'):
            os.chmod(self.run, 0o755)
            os.chown(self.run, *owner(kw['as_user']))
        self.control = os.path.join(self.run, 'control.sock')
        self.sock = os.path.join(self.run, 'sock')
        self.text = ('prefork 1\nlisten on socket "%s" mode 0666\n%s%s' %
                     (self.sock, more, realm))
        super().__init__(self.conf(options), **kw)

    def conf(self, options='', more=''):
        return 'control socket "%s" %s\n%s%s' % (self.control, options,
                                                 self.text, more)

    def ctl(self, *args, **kw):
        return wampctl(self.control, *args, **kw)


def owner(user):
    import pwd
    pw = pwd.getpwnam(user)
    return pw.pw_uid, pw.pw_gid


def fails(w, *args, err, **kw):
    status, out, text = w.ctl(*args, **kw)
    assert status == 1 and re.search(err, text), (args, status, out, text)
    return out


def summary():
    """show summary: one object, and lines for people"""
    with Controlled() as w:
        row, = rows(w.control, 'show', 'summary')
        want = {'pid': w.pid, 'state': 'ready', 'config': w.conf_path,
                'generation': 1, 'log': 'verbose', 'sandbox': 'strict',
                'root': IS_ROOT, 'processes': 4, 'processes_up': 4,
                'restarts': 0, 'listeners': 1, 'realms': 1, 'keypairs': 0,
                'control_clients': 1, 'reloaded': None,
                'reload_refused': None}
        assert {k: row.get(k) for k in want} == want, row
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z',
                            row['started']), row
        status, out, err = w.ctl('sh', 'sum')
        assert status == 0 and err == '', err
        assert re.search(r'^pid: +%d$' % w.pid, out, re.M), out
        assert re.search(r'^uptime: +\d+s$', out, re.M), out
        # what it counts
        os.kill(w.child('broker 0'), signal.SIGKILL)
        wait_until(lambda: rows(w.control, 'show', 'sum')[0]['restarts'] == 1
                   and rows(w.control, 'show', 'sum')[0]['processes_up'] == 4,
                   20, 'the restart')
        with Client(w.sock):
            wait_until(lambda: rows(w.control, 'show', 'sum')[0][
                'connections'] == 1, 10, 'the connection')


def processes():
    """show processes: those there are, with what the kernel says of them"""
    with Controlled() as w:
        got = {r['process']: r for r in rows(w.control, 'show', 'processes')}
        children = w.children()
        assert set(got) == {'wampd'} | set(children), got
        for name, pid in children.items():
            r = got[name]
            assert r['pid'] == pid and r['state'] == 'up', r
            assert r['starts'] == 1 and r['role'] == name.split()[0], r
            assert r['memory'] > 100000 and r['cpu_ms'] >= 0, r
        users = {n.split()[0]: r['user'] for n, r in got.items()}
        if IS_ROOT:
            assert users == {'wampd': 'root', 'keeper': '_wampkeeper',
                             'broker': '_wampbroker',
                             'tlsproxy': '_wampd'}, users
        status, out, err = w.ctl('show', 'processes')
        lines = out.splitlines()
        assert lines[0].split() == ['PROCESS', 'PID', 'USER', 'STATE',
                                    'STARTS', 'UPTIME', 'CPU-MS',
                                    'MEMORY'], out
        assert len(lines) == 1 + len(got), out


def configuration():
    """show listeners, realms, limits, config"""
    port = free_port()
    with Controlled('listen on 127.0.0.1 port %d only websocket'
                    ' proxy protocol from 10.0.0.0/8, ::1\n'
                    'limits { connections 77 ping never }\n' % port) as w:
        got = rows(w.control, 'show', 'listeners')
        assert [(r['listener'], r['kind'], r['rawsocket']) for r in got] == [
            ('socket "%s"' % w.sock, 'socket', True),
            ('127.0.0.1 port %d' % port, 'network', False)], got
        assert got[1]['serializers'] == ['json', 'msgpack', 'cbor'], got
        assert (got[0]['file'], got[0]['line']) == (w.conf_path, 3), got
        assert [(r['proxy_protocol_from'], r['insecure']) for r in got] == [
            ([], False), (['10.0.0.0/8', '::1'], False)], got
        assert ' 10.0.0.0/8,::1\n' in w.ctl('show', 'listeners')[1]
        row, = rows(w.control, 'show', 'realms')
        assert row == {'realm': 'realm1', 'broker': 0, 'roles': 1,
                       'methods': ['anonymous'], 'uri': 'loose',
                       'file': w.conf_path, 'line': 7}, row
        got = {r['limit']: r for r in rows(w.control, 'show', 'limits')}
        # in the order of the page, and by the words there
        assert list(got) == LIMITS, list(got)
        assert got['session calls']['value'] == 1000, got
        assert got['session messages']['value'] is None, got
        assert got['ping every']['value'] is None, got
        assert re.search('^session messages +- +- +count$',
                         w.ctl('show', 'limits')[1], re.M)
        assert got['connections'] == {
            'limit': 'connections', 'value': 77, 'unit': 'count',
            'used': 0}, got
        assert got['hello']['value'] == 10000, got
        status, out, err = w.ctl('show', 'config')
        status, want, err = run_wampd(['-nv', '-f', w.conf_path])
        assert out == want.replace('log debug', 'log verbose'), out
        row, = rows(w.control, 'show', 'config')
        assert row == {'config': out}, row


def long_lists():
    """3000 realms, and a configuration longer than the queue"""
    text = ''.join('realm "realm%d" {\n authenticate anonymous role "a"\n'
                   ' role "a" { allow any }\n}\n' % i
                   for i in range(2, 3001))
    with Controlled(realm=REALM + text, timeout=60) as w:
        got = rows(w.control, 'show', 'realms')
        assert [r['realm'] for r in got] == [
            'realm%d' % i for i in range(1, 3001)], len(got)
        status, out, err = w.ctl('show', 'config')
        assert status == 0 and out.count('\nrealm ') == 3000, err
        # a list is of one configuration
        with Control(w.control, 4096) as c:
            c.send(request('REALMS'))
            kind = c.frame()[0]
            assert kind == 1, kind
            assert w.reload(), w.log()
            last = c.answer()[-1]
            assert last[0] == ERROR and b'reloaded meanwhile' in last[2], last


def certificates():
    """show certificates: what the files say, and whether they are in force"""
    d = tmpdir()
    crt, key = make_cert(d, 'wamp.example.org', days=20)
    port = free_port()
    more = ('keypair "k" {\n certificate "%s"\n key "%s"\n}\n'
            'listen on 127.0.0.1 port %d tls { keypair "k" }\n' %
            (crt, key, port))
    with Controlled(more) as w:
        row, = rows(w.control, 'show', 'certificates')
        assert row['keypair'] == 'k' and row['file'] == crt, row
        assert row['listeners'] == ['127.0.0.1 port %d' % port], row
        assert row['days_left'] in (19, 20) and row['in_force'], row
        assert row['names'] == ['wamp.example.org'], row
        assert row['subject'] == '/CN=wamp.example.org', row
        assert row['error'] is None, row
        text = subprocess.run(
            ['openssl', 'x509', '-in', crt, '-noout', '-fingerprint',
             '-sha256'], capture_output=True, text=True, check=True).stdout
        assert row['fingerprint'] == 'SHA256:' + text.split('=')[1].strip(
            ).replace(':', '').lower(), (row, text)
        # renewed, but not reloaded
        new_crt, new_key = make_cert(tmpdir(), 'wamp.example.org', days=90)
        os.rename(new_crt, crt)
        os.rename(new_key, key)
        row, = rows(w.control, 'show', 'certificates')
        assert row['days_left'] in (89, 90) and not row['in_force'], row
        assert w.ctl('reload')[0] == 0
        row, = rows(w.control, 'show', 'certificates')
        assert row['in_force'], row
        # one that cannot be read
        os.rename(crt, crt + '.away')
        row, = rows(w.control, 'show', 'certificates', status=1)
        assert row['days_left'] is None, row
        assert row['error'].startswith('No'), row
        fails(w, 'show', 'certificates', err='certificate .*: No such file')


def reload():
    """reload: waits for the outcome, and says why not"""
    with Controlled() as w:
        status, out, err = w.ctl('reload')
        assert (status, out, err) == (0, 'configuration reloaded\n', ''), err
        w.write_conf(w.conf(more='nonsense\n'))
        status, out, err = w.ctl('reload')
        assert status == 1 and out == '', (status, out)
        assert re.search(r'wampd\.conf:9: syntax error near "nonsense"\n.*'
                         r'not reloaded', err, re.S), err
        assert err.count('not reloaded') == 1, err
        row, = rows(w.control, 'reload', status=1)
        assert not row['reloaded'] and 'nonsense' in row['messages'], row
        row, = rows(w.control, 'show', 'summary')
        assert row['reloaded'] and row['reload_refused'], row
        # what only a restart can do is said, and the rest is done
        w.write_conf(w.conf(more='brokers 2\n'))
        status, out, err = w.ctl('reload')
        assert status == 0 and 'brokers 2 needs a restart' in err, err
        # two at once have their own outcome each
        ps = [subprocess.Popen([WAMPCTL, '-s', w.control, 'reload'],
                               stdout=subprocess.PIPE) for _ in range(4)]
        for p in ps:
            out, _ = p.communicate(timeout=60)
            assert (p.returncode, out) == (0, b'configuration reloaded\n'), out
    # who waits hears of the end, too
    with Controlled() as w:
        keeper = w.child('keeper')
        os.kill(keeper, signal.SIGSTOP)
        ps = [subprocess.Popen([WAMPCTL, '-s', w.control, 'reload'],
                               stderr=subprocess.PIPE, text=True)
              for _ in range(2)]
        wait_until(lambda: rows(w.control, 'show', 'summary')[0]['state'] ==
                   'reloading' and rows(w.control, 'show', 'summary')[0][
                       'control_clients'] == 3, 10, 'the reloads')
        w.proc.send_signal(signal.SIGTERM)
        for p in ps:
            _, err = p.communicate(timeout=60)
            assert p.returncode == 1 and re.search(
                'wampctl: (configuration not reloaded|wampd is stopping)',
                err), err
        os.kill(keeper, signal.SIGCONT)
        assert w.proc.wait(30) == 0


def check():
    """check: as wampd -n, with the file and the macros of the running one"""
    w = Controlled('limits { connections $limit }\n',
                   macros={'limit': '55'})
    # a relative path, of where it runs
    w.cwd = w.dir
    w.args = ['-f', os.path.basename(w.conf_path)]
    with w:
        assert rows(w.control, 'show', 'summary')[0]['config'] == w.conf_path
        status, out, err = w.ctl('check')
        assert status == 0 and out.startswith('listen on socket'), (out, err)
        assert 'configuration OK' in err, err
        row, = rows(w.control, 'check')
        assert row['good'] and 'configuration OK' in row['messages'], row
        w.write_conf(w.conf(more='nonsense\n'))
        fails(w, 'check', err='syntax error near "nonsense"')
        row, = rows(w.control, 'check', status=1)
        assert not row['good'] and 'near "nonsense"' in row['messages'], row
        # it did not reload
        assert 'reload' not in w.log(), w.log()


def sessions():
    """show sessions, session, connections; kill session and authid"""
    realm = REALM + '''realm "realm2" {
	authenticate socket { any authid "local" role "all" }
	role "all" { allow any }
}
'''
    with Controlled(realm=realm) as w:
        assert rows(w.control, 'show', 'sessions') == []
        cs = [Client(w.sock) for _ in range(5)]
        local = [Client(w.sock, realm='realm2') for _ in range(3)]
        cs[0].subscribe('com.t')
        got = rows(w.control, 'show', 'sessions')
        assert sorted(r['session'] for r in got) == sorted(
            c.id for c in cs + local), got
        mine, = [r for r in got if r['session'] == cs[0].id]
        assert mine['subscriptions'] == 1 and mine['realm'] == 'realm1', mine
        for args, want in ((['realm', 'realm2'], local),
                           (['authid', 'local'], local),
                           (['authid', 'local', 'realm', 'realm1'], [])):
            for what in ('sessions', 'connections'):
                got = rows(w.control, 'show', what, *args)
                assert sorted(r['session'] for r in got) == sorted(
                    c.id for c in want), (what, args, got)
        assert fails(w, 'show', 'sessions', 'realm', 'none',
                     err='no such realm') == ''
        row, = rows(w.control, 'show', 'connections', 'session',
                    str(cs[1].id))
        assert row['state'] == 'joined' and row['realm'] == 'realm1', row
        row, = rows(w.control, 'show', 'session', str(cs[1].id))
        assert row['session'] == cs[1].id, row
        lines = w.ctl('show', 'session', str(cs[1].id))[1].splitlines()
        assert len({re.match(r'\w+: +', x).end() for x in lines}) == 1, lines
        assert rows(w.control, 'show', 'session', '7', status=1) == []
        fails(w, 'show', 'session', '7', err='there is no such session')
        # killed
        status, out, err = w.ctl('kill', 'session', str(cs[1].id))
        assert (status, out) == (0, '1 killed\n'), (out, err)
        assert cs[1].recv()[0] == 6
        w.wait_log(r'admin act=kill_session .*what="session %d"' % cs[1].id)
        w.wait_log(r'session %d left .* reason="ended by the administrator"$'
                   % cs[1].id)
        fails(w, 'kill', 'session', str(cs[1].id), err='no such session')
        fails(w, 'kill', 'authid', 'local', 'realm', 'realm1',
              err='no such session')
        assert rows(w.control, 'kill', 'authid', 'local') == [{'killed': 3}]
        for c in local:
            assert c.recv()[0] == 6
        w.wait_log(r'admin act=kill_authid .*what="authid local"')
        got = rows(w.control, 'show', 'sessions')
        assert sorted(r['session'] for r in got) == sorted(
            c.id for c in [cs[0]] + cs[2:]), got
        status, out, err = w.ctl('show', 'sessions')
        assert out.splitlines()[0].split()[:3] == ['SESSION', 'REALM',
                                                   'AUTHID'], out
        assert len(out.splitlines()) == 5, out
        for c in cs:
            c.close()


def routing():
    """show subscriptions, registrations, calls, memory"""
    with Controlled() as w:
        caller, callee = Client(w.sock), Client(w.sock)
        caller.subscribe('com.t')
        callee.subscribe('com.t')
        callee.register('com.p')
        sub, = rows(w.control, 'show', 'subscriptions')
        assert (sub['uri'], sub['match'], sub['subscribers']) == (
            'com.t', 'exact', 2), sub
        reg, = rows(w.control, 'show', 'registrations', 'realm', 'realm1')
        assert (reg['uri'], reg['callees']) == ('com.p', 1), reg
        caller.send(48, caller.next(), {}, 'com.p')
        assert callee.recv()[0] == 68
        call, = rows(w.control, 'show', 'calls')
        assert (call['procedure'], call['caller'], call['callee']) == (
            'com.p', caller.id, callee.id), call
        got = rows(w.control, 'show', 'memory')
        assert {(r['process'], r['instance']) for r in got} == {
            ('keeper', 0), ('tlsproxy', 1), ('broker', 0)}, got
        n, = [r['count'] for r in got if r['process'] == 'broker' and
              r['what'] == 'sessions']
        assert n == 2, got
        for words in (['subscriptions'], ['registrations'], ['calls'],
                      ['memory']):
            status, out, err = w.ctl('show', *words)
            assert status == 0 and err == '' and len(
                out.splitlines()) > 1, (words, out, err)
        caller.close()
        callee.close()


def scripts():
    """URIs in other scripts than ASCII: as they are where that is harmless"""
    with Controlled() as w:
        with Client(w.sock) as c:
            for uri in ('com.\u00fcber', 'com.\u6f22', 'com.\u202eevil',
                        'com.\u200bx', 'com.\x9b1m', 'com.zzz'):
                c.subscribe(uri)
            status, plain, err = w.ctl('show', 'subscriptions')
            assert plain.isascii() and r'com.\303\274ber' in plain, plain
            status, out, err = w.ctl('show', 'subs', locale='C.UTF-8')
            lines = {l.split()[2]: l for l in out.splitlines()[1:]}
            assert set(lines) == {
                'com.\u00fcber', 'com.\u6f22', r'com.\342\200\256evil',
                r'com.\342\200\213x', r'com.\302\2331m', 'com.zzz'}, out
            # columns of a terminal, on which one of these takes two
            assert lines['com.\u00fcber'].index('exact') == \
                lines['com.zzz'].index('exact') == \
                lines['com.\u6f22'].index('exact') + 1, out
            # it can be pasted
            status, out, err = w.ctl(
                'test', 'realm', 'realm1', 'role', 'all', 'call',
                'com.\u00fcber')
            assert status == 0, err


def many():
    """thousands of sessions: each once, for several who ask at a time"""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Controlled('limits { connections per address 2000 }\n') as w:
        cs = [Client(w.sock) for _ in range(1500)]
        ids = sorted(c.id for c in cs)
        ps = [subprocess.Popen([WAMPCTL, '-j', '-s', w.control, 'show',
                                'sessions'], stdout=subprocess.PIPE)
              for _ in range(4)]
        for p in ps:
            out, _ = p.communicate(timeout=60)
            assert p.returncode == 0
            assert sorted(r['session'] for r in json.loads(out)) == ids
        # one who asked and left does not keep others
        with Control(w.control, 4096) as c:
            c.send(request('SESSIONS'))
            c.frame()
        assert len(rows(w.control, 'show', 'sessions')) == 1500
        # a process that hangs: it is replaced, and the answer is not whole
        os.kill(w.child('broker 0'), signal.SIGSTOP)
        fails(w, 'show', 'sessions', err='this is not all')
        for c in cs:
            c.close()


def sandbox():
    """show sandbox: what the kernel reports, thread by thread"""
    with Controlled() as w:
        got = {r['process']: r for r in rows(w.control, 'show', 'sandbox')}
        children = w.children()
        assert set(got) == {'wampd'} | set(children), got
        for name, pid in children.items():
            r = got[name]
            with open('/proc/%d/status' % pid) as f:
                kernel = dict(l.split(':\t', 1) for l in f.read().split('\n')
                              if ':\t' in l)
            assert r['pid'] == pid and r['weaker'] == [], r
            assert r['no_new_privs'] == (kernel['NoNewPrivs'] == '1'), r
            assert r['seccomp'] == ('filter' if kernel['Seccomp'] == '2'
                                    else 'none'), r
            assert r['seccomp'] == ('none' if SAN else 'filter'), r
            assert r['capabilities'] == '0' * 16, r
            assert r['wanted_capabilities'] == '0' * 16, r
            assert r['threads'] == int(kernel['Threads']), r
            if IS_ROOT:
                assert r['user'].startswith('_wamp'), r
                assert r['groups'] == 0, r
                assert SAN or r['root'] == '/var/empty/wampd', r
                own = {n for n in ('cgroup', 'ipc', 'mnt', 'net', 'uts')
                       if os.readlink('/proc/%d/ns/%s' % (pid, n)) !=
                       os.readlink('/proc/self/ns/' + n)}
                assert set(r['namespaces']) == own, (r, own)
        status, out, err = w.ctl('show', 'sandbox')
        assert status == 0 and err == '', err
        # a child that is down is not weak
        os.kill(w.child('broker 0'), signal.SIGKILL)
        rows(w.control, 'show', 'sandbox')
    with Controlled('sandbox relaxed\n') as w:
        assert {r['sandbox'] for r in rows(w.control, 'show', 'sandbox')} == {
            'relaxed'}


def rule_test():
    """test: by the rules in force, as wampd -n -t"""
    realm = '''realm "realm1" {
	authenticate anonymous role "all"
	role "all" {
		allow publish prefix "com.{authid}."
		deny publish exact "com.me.not"
	}
	role "asks" {
		allow subscribe
		authorize dynamic "com.authorize"
	}
	role "serves" { allow register exact "com.authorize" }
}
'''
    with Controlled(realm=realm) as w:
        path = w.conf_path
        first = w.conf().split('\n').index('realm "realm1" {') + 4
        for words, status, want in (
                ('asks subscribe com. prefix', 0,
                 'asked of "com.authorize" by %s:%d' % (path, first + 5)),
                ('all publish com.me.yes authid me', 0, 'allowed by %s:%d' %
                 (path, first)),
                ('all publish com.me.not auth me', 3, 'denied by %s:%d' %
                 (path, first + 1)),
                ('all publish com.you.x authid me', 3,
                 'denied, no rule matches'),
                ('all register com.authorize', 3, 'denied, no rule allows exactly '
                 'this procedure, which wampd calls'),
                ('all publish wamp.x', 3, 'denied, what is below wamp. is the '
                 'router\'s')):
            got = w.ctl('test', 'realm', 'realm1', 'role', *words.split())
            assert got == (status, want + '\n', ''), (words, got)
            n, out, err = run_wampd(['-n', '-f', path, '-t',
                                     'realm1 ' + words.replace(
                                         ' auth ', ' authid ')])
            assert n == status and out.split(': ', 1)[1] == want + '\n', out
        row, = rows(w.control, 'test', 'realm', 'realm1', 'role', 'all',
                    'publish', 'com.x', status=3)
        assert row == {'outcome': 'denied', 'reason': 'no rule matches',
                       'procedure': None, 'file': None, 'line': None}, row
        for words, err in (
                ('realm none role all call x', 'there is no such realm'),
                ('realm realm1 role none call x', 'there is no such role'),
                ('realm realm1 role all call x prefix',
                 'a pattern can be subscribed or registered only'),
                ('realm realm1 role all call com..x', 'that is no URI: it '
                 'holds a blank, a # or nothing between two dots')):
            fails(w, 'test', *words.split(), err=err)
        fails(w, 'test', 'realm', 'realm1', 'role', 'all', 'call', 'a b',
              err='that is no URI: it holds a blank')
        # of the configuration in force, not of the file
        w.write_conf(w.conf().replace('allow publish prefix', '# '))
        args = 'test realm realm1 role all publish com.me.a authid me'.split()
        assert w.ctl(*args)[0] == 0
        assert w.ctl('reload')[0] == 0
        assert w.ctl(*args)[0] == 3


def monitor():
    """monitor: lines of the log as they come"""
    with Controlled() as w:
        out = open(os.path.join(w.run, 'out'), 'w+')
        ps = [subprocess.Popen([WAMPCTL, '-s', w.control, 'monitor'] + j,
                               stdout=f, stderr=subprocess.STDOUT)
              for j, f in (([], out),)]
        js = open(os.path.join(w.run, 'json'), 'w+')
        ps.append(subprocess.Popen([WAMPCTL, '-j', '-s', w.control,
                                    'monitor'], stdout=js))

        def shown(f, regex):
            f.seek(0)
            return re.search(regex, f.read(), re.M)

        wait_until(lambda: rows(w.control, 'show', 'sum')[0][
            'control_clients'] == 3, 10, 'the monitors')
        with Client(w.sock) as c:
            id = c.id
        wait_until(lambda: shown(out, r'^\S+Z tlsproxy 1: session %d joined '
                                 % id) and
                   shown(out, 'session %d left' % id), 10, 'the session')
        w.write_conf(w.conf(more='nonsense\n'))
        assert w.ctl('reload')[0] == 1
        os.kill(w.child('broker 0'), signal.SIGKILL)
        wait_until(lambda: shown(out, 'killed by signal 9'), 10, 'the death')
        assert shown(out, 'configuration not reloaded')
        # one object a line
        wait_until(lambda: shown(js, 'killed by signal 9'), 10, 'the death')
        js.seek(0)
        lines = [json.loads(x) for x in js.read().splitlines()]
        bad, = [x for x in lines if 'not reloaded' in x['text']]
        assert bad['level'] == 'warning', bad
        assert {x['level'] for x in lines} <= {'info', 'notice',
                                               'warning'}, lines
        # one that leaves is gone
        ps[0].kill()
        ps[0].wait()
        wait_until(lambda: rows(w.control, 'show', 'sum')[0][
            'control_clients'] == 2, 10, 'one monitor')
        w.ctl('stop')
        assert ps[1].wait(30) == 1
        assert w.proc.wait(20) == 0


def top():
    """top: snapshots, and a screen that leaves the terminal as it was"""
    with Controlled() as w:
        p = subprocess.Popen([WAMPCTL, '-j', '-s', w.control, 'top', '1'],
                             stdout=subprocess.PIPE, text=True)
        one = json.loads(p.stdout.readline())
        assert one['sessions'] == 0 and one['messages_in'] is None, one
        assert {x['process'] for x in one['processes']} == {
            'wampd', 'keeper', 'tlsproxy 1', 'broker 0'}, one
        a, b = Client(w.sock), Client(w.sock)
        a.subscribe('com.t')

        def goes():
            for _ in range(50):
                b.publish('com.t', 1)
            r = json.loads(p.stdout.readline())
            return r['sessions'] == 2 and r['messages_in'] > 0 and \
                r['messages_out'] > 0 and r
        r = wait_until(goes, 20, 'messages')
        proxy, = [x for x in r['processes'] if x['process'] == 'tlsproxy 1']
        assert proxy['messages_in'] == r['messages_in'], r
        assert proxy['connections'] == 2 and proxy['cpu'] is not None, r
        p.terminate()
        assert p.wait(20) == 0
        # not a terminal: text
        p = subprocess.Popen([WAMPCTL, '-s', w.control, 'top', '1'],
                             stdout=subprocess.PIPE, text=True)
        text = ''.join(p.stdout.readline() for _ in range(7))
        assert 'sessions 2 ' in text and 'broker 0' in text, text
        assert '\033' not in text, text
        p.terminate()
        p.wait(20)
        # the screen
        for how in ('q', '\x03', 'kill'):
            with Terminal([WAMPCTL, '-s', w.control, 'top', '1']) as t:
                t.wait_for('tlsproxy 1')
                wait_until(lambda: t.flags() != t.before, 10, 'single keys')
                if how == 'kill':
                    t.p.send_signal(signal.SIGTERM)
                else:
                    t.type(how)
                assert t.wait() == 0
                assert t.flags() == t.before, 'the terminal is not restored'
                text = t.text()
                assert text.startswith('\033[?1049h'), repr(text[:40])
                assert text.rstrip().endswith('\033[?1049l'), repr(text[-40:])
                assert 'q: quit' in text and ' OUT/S' in text, text
        # a terminal that cannot
        for term in ('dumb', ''):
            with Terminal([WAMPCTL, '-s', w.control, 'top', '1'], term) as t:
                t.wait_for('tlsproxy 1')
                assert t.flags() == t.before and '\033' not in t.text()
        # a reader that has seen enough
        p = subprocess.Popen([WAMPCTL, '-s', w.control, 'top', '1'],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdout.readline()
        p.stdout.close()
        assert (p.wait(20), p.stderr.read()) == (1, b'')
        # wampd goes
        with Terminal([WAMPCTL, '-s', w.control, 'top', '1']) as t:
            t.wait_for('tlsproxy 1')
            w.ctl('stop')
            assert t.wait() == 1
            assert t.flags() == t.before
        assert w.proc.wait(20) == 0


def log_level():
    """log: in all processes, also in those that come later"""
    def joined(w):
        with Client(w.sock):
            pass
        return len(re.findall(r'session \d+ joined', w.log()))

    with Controlled() as w:
        wait_until(lambda: joined(w) > 0, 10, 'a line')
        assert w.ctl('log', 'brief')[:2] == (0, '')
        assert rows(w.control, 'show', 'summary')[0]['log'] == 'brief'
        w.wait_log(r'admin act=log uid=%d pid=\d+ what="brief"$' % os.geteuid())
        before = joined(w)
        os.kill(w.child('broker 0'), signal.SIGKILL)
        # in this order: before its death is noticed it is up
        wait_until(lambda: rows(w.control, 'show', 'sum')[0]['restarts'] == 1
                   and rows(w.control, 'show', 'sum')[0]['processes_up'] == 4,
                   20, 'a broker')
        assert joined(w) == before, w.log()
        assert w.ctl('log', 'verbose')[0] == 0
        wait_until(lambda: joined(w) > before, 10, 'a line again')
        assert w.ctl('log', 'brief')[0] == 0
        assert w.ctl('reload')[0] == 0
        assert rows(w.control, 'show', 'summary')[0]['log'] == 'verbose'


def stop():
    """stop: is back when wampd is gone"""
    with Controlled() as w:
        with Client(w.sock) as c:
            p = subprocess.Popen([WAMPCTL, '-s', w.control, 'stop'])
            msg = c.recv()
            assert msg[0] == 6, msg
            c.send([6, {}, 'wamp.close.goodbye_and_out'])
            assert p.wait(30) == 0
        assert not os.path.exists(w.control)
        assert w.proc.wait(20) == 0


def who_may():
    """who is neither root nor the user of wampd: as the configuration says"""
    if not IS_ROOT or test_user() is None:
        raise Skip('needs root and another user')
    nobody = test_user()
    with Controlled(options='mode 0666 read only') as w:
        assert rows(w.control, 'show', 'summary')
        assert w.ctl('show', 'summary', user=nobody)[0] == 0
        for words in (['reload'], ['stop'], ['check'], ['upgrade'],
                      ['log', 'debug']):
            fails(w, *words, user=nobody, err='^wampctl: %s: not permitted' %
                  words[0])
        w.wait_log(r'control: "reload" refused to uid %d' % owner(nobody)[0])
        assert w.ctl('reload')[0] == 0
        w.wait_log(r'wampd: admin act=reload uid=0 pid=\d+ what=""$')
        # taken back by a reload
        w.write_conf(w.conf('mode 0600'))
        assert w.reload(), w.log()
        assert stat.S_IMODE(os.stat(w.control).st_mode) == 0o600
        fails(w, 'show', 'summary', user=nobody, err='Permission denied')
        # owner without "read only"
        w.write_conf(w.conf('owner "%s"' % nobody))
        assert w.reload(), w.log()
        assert w.ctl('reload', user=nobody)[0] == 0
    # wampctl does not believe everybody
    with Controlled(as_user=nobody) as w:
        fails(w, 'show', 'summary', err='is served by uid %d, which is '
              'neither root nor you' % owner(nobody)[0])
        assert w.ctl('show', 'summary', user=nobody)[0] == 0


def where():
    """the socket: moved and taken away by a reload, never a foreign one"""
    with Controlled() as w:
        old = w.control
        w.control = os.path.join(w.run, 'other.sock')
        w.write_conf(w.conf())
        # who asked for it hears of it
        assert wampctl(old, 'reload')[0] == 0
        assert not os.path.exists(old)
        assert w.ctl('show', 'summary')[0] == 0
        # another wampd has it: refused as a whole
        with Controlled() as other:
            w.write_conf(w.conf().replace(w.control, other.control))
            fails(w, 'reload', err=r'control socket .*: in use by a running')
            assert w.ctl('show', 'summary')[0] == 0
            status, out, err = run_wampd(
                ['-d'], other.conf().replace(other.sock, other.sock + '2'))
            assert status == 1 and 'in use by a running' in err, err
            assert other.ctl('show', 'summary')[0] == 0
        w.write_conf(w.text + 'control socket none\n')
        assert w.reload(), w.log()
        assert not os.path.exists(w.control)
        status, out, err = w.ctl('show', 'summary')
        assert status == 1 and 'no wampd serves it' in err, err
        w.write_conf(w.conf())
        assert w.reload() and w.ctl('show', 'summary')[0] == 0
    # a stale one is replaced
    with Controlled() as w:
        pids = w.children().values()
        w.kill()
        # until then clients can be served
        wait_until(lambda: not any(is_alive(p) for p in pids), 30,
                   'the end of the children')
        assert os.path.exists(w.control)
        w.start()
        assert w.ctl('show', 'summary')[0] == 0
    # a directory that others may write to
    d = tmpdir(0o777)
    text = REALM + 'listen on 127.0.0.1 port %d\n' % free_port()
    for args in (['-d'], ['-n']):
        status, out, err = run_wampd(args, 'control socket "%s/c"\n' % d +
                                     text)
        assert status == 1 and 'control socket %s/c: ' % d in err, err


def words():
    """nothing is sent for words that are wrong"""
    with Controlled() as w:
        for args in (['show'], ['show', 'nonsense'], ['s'], ['reload', 'x'],
                     ['log']):
            status, out, err = w.ctl(*args)
            assert status == 1 and out == '' and 'expected here:' in err, err
        assert 'control:' not in w.log(), w.log()


run_cases([summary, processes, configuration, long_lists, certificates,
           reload, check, sessions, routing, scripts, many,
           sandbox, rule_test, monitor, top, log_level, stop, who_may, where, words])
