# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampctl upgrade and SIGUSR2: another program takes the place of the running
# one, under its process id and with its listening sockets.
#
# LONG=1: ten times in a row, under load, there and back between two builds;
# a hundred times with processes that are killed meanwhile.

import os
import pwd
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from ctlclient import ERROR, WAMPCTL, Control, request, rows, wampctl
from daemon import (B, IS_ROOT, LONG, SAN, TOP, Skip, Wampd, free_port,
                    is_alive, make_cert, proc_stat, run_cases, test_user, tmpdir,
                    wait_until)
from wampclient import (CALL, ERROR as WERROR, EVENT, GOODBYE, INVOCATION,
                        RESULT, UNREGISTER, UNREGISTERED, YIELD, Client,
                        Closed)

SHUTDOWN = 'wamp.close.system_shutdown'
PROGRAMS = 'keeper', 'broker', 'tlsproxy', 'metrics'


def replace(path, data):
    """As a package manager does."""
    with open(path + '.new', 'wb') as f:
        f.write(data)
    os.chmod(path + '.new', 0o755)
    os.rename(path + '.new', path)


class Upgraded(Wampd):
    """wampd from a tree of its own, in which it may be replaced."""

    def __init__(self, more='', grace='2s', **kw):
        self.tree = tmpdir()
        os.makedirs(self.tree + '/sbin')
        os.makedirs(self.tree + '/libexec/wampd')
        shutil.copy(B + '/sbin/wampd', self.tree + '/sbin')
        for name in PROGRAMS:
            shutil.copy(B + '/libexec/wampd/' + name,
                        self.tree + '/libexec/wampd')
        self.run = tmpdir()
        if kw.get('as_user'):
            pw = pwd.getpwnam(kw['as_user'])
            os.chown(self.run, pw.pw_uid, pw.pw_gid)
        self.control = os.path.join(self.run, 'control.sock')
        self.sock = os.path.join(self.run, 'sock')
        self.pidfile = os.path.join(self.run, 'pid')
        self.port = free_port()
        super().__init__('''prefork 2
grace %s
control socket "%s"
listen on socket "%s" mode 0666
listen on 127.0.0.1 port %d
%srealm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
''' % (grace, self.control, self.sock, self.port, more), args=['-p', self.pidfile],
            **kw)

    def command(self):
        return [self.tree + '/sbin/wampd'] + super().command()[1:]

    def install(self, n):
        """Programs of another version."""
        for path in ['sbin/wampd'] + ['libexec/wampd/' + p for p in PROGRAMS]:
            with open(os.path.join(self.tree, path), 'rb') as f:
                data = f.read()
            old = self.version().encode() + b'\0'
            new = (self.version()[:-1] + str(n)).encode() + b'\0'
            assert len(old) == len(new)
            replace(os.path.join(self.tree, path), data.replace(old, new))

    def install_tree(self, tree):
        """The programs of another build."""
        for path in ['sbin/wampd'] + ['libexec/wampd/' + p for p in PROGRAMS]:
            with open(os.path.join(tree, path), 'rb') as f:
                replace(os.path.join(self.tree, path), f.read())

    def version(self):
        return subprocess.run([self.tree + '/sbin/wampd', '-V'],
                              capture_output=True, text=True).stdout.split()[1]

    def summary(self):
        return rows(self.control, 'show', 'summary')[0]

    def processes(self):
        return rows(self.control, 'show', 'processes')

    def upgrade(self):
        return wampctl(self.control, 'upgrade', timeout=60)

    def ask(self, word):
        """wampctl, which waits for its answer meanwhile."""
        return subprocess.Popen(
            [WAMPCTL, '-s', self.control, word], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_for(self, name, runs=1):
        """The program waits for the file that is returned, at this run."""
        path = os.path.join(self.tree, name)
        go = path + '.go'
        os.rename(path, path + '.real')
        replace(path, ("""#!/bin/sh
echo >>%s.runs
[ $(wc -l <%s.runs) -lt %d ] ||
	until [ -e %s ]; do sleep 0.1; done
exec %s.real "$@"
""" % (path, path, runs, go, path)).encode())
        return go

    def wait_upgrading(self, path, runs=1):
        wait_until(lambda: os.path.exists(path + '.runs') and
                   len(open(path + '.runs').read()) == runs, 20, 'a run')
        assert self.summary()['state'] == 'upgrading', self.summary()

    def all_children(self):
        return {int(d) for d in os.listdir('/proc') if d.isdigit() and
                (proc_stat(int(d)) or [0])[0] == self.pid}

    def wait_over(self):
        wait_until(lambda: self.summary()['state'] == 'ready', 30,
                   'the end of the upgrade')

    def addresses(self):
        return self.sock, ('127.0.0.1', self.port)


def replaced():
    """another version: the same process and sockets; the old sessions are
    told, callees first; new ones join before that"""
    with Upgraded() as w:
        old = [Client(w.addresses()[i % 2]) for i in range(6)]
        old[5].register('com.example.p')
        before, children = w.summary(), w.all_children()
        inode = os.stat(w.sock).st_ino
        w.install(9)
        got = w.upgrade()
        assert got == (0, '', ''), (got, w.log())
        after = w.summary()
        assert after['pid'] == before['pid'] == w.pid
        assert after['version'] != before['version'], after
        assert after['version'].endswith('9'), after
        assert open(w.pidfile).read() == '%d\n' % w.pid
        assert os.stat(w.sock).st_ino == inode
        new = [Client(a) for a in w.addresses()]
        old[5].expect(GOODBYE, None, SHUTDOWN, timeout=20)
        for c in old[:5]:
            c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
        for c in old:
            c.close()
        w.wait_over()
        assert not children & w.all_children()
        assert len(w.all_children()) == len(children)
        for c in new:
            c.subscribe('com.example.t')
            c.close()
        assert w.reload()


def callees_first():
    """of all connections the one with a registration is told first"""
    with Upgraded(grace='20s') as w:
        # of one process; it is the last in its list
        old = [Client(w.sock) for i in range(6)]
        old[5].register('com.example.p')
        # one that has none any more
        id = old[0].register('com.example.q')
        old[0].send(UNREGISTER, 2, id)
        old[0].expect(UNREGISTERED, 2)
        assert w.upgrade() == (0, '', '')
        old[5].expect(GOODBYE, None, SHUTDOWN, timeout=60)
        early = select.select([c.sock for c in old[:5]], [], [], 0)[0]
        assert not early, early
        for c in old:
            c.close()
        w.wait_over()


def joins_late():
    """who has connected but not joined yet when the old ones send theirs away
    may do so, and is told, however small grace is"""
    with Upgraded(grace='10ms') as w:
        old, idle = Client(w.sock), Client(w.sock, join=False)
        late = [Client(a, join=False) for a in w.addresses()]
        assert w.upgrade() == (0, '', '')
        old.expect(GOODBYE, None, SHUTDOWN, timeout=20)
        for c in late:
            c.join('realm1')
        for c in late:
            c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
            c.close()
        old.close()
        # he is not waited for
        idle.expect_closed(20)
        w.wait_over()


def refused():
    """new programs that do not start: the reason, and all goes on"""
    with Upgraded() as w:
        c = Client(w.sock)
        children = w.all_children()
        for path, data, why in (
                ('libexec/wampd/broker', b'#!/bin/sh\nexit 3\n',
                 'broker 0 .* cannot be started: exited with status 3'),
                ('libexec/wampd/tlsproxy', b'#!/bin/sh\necho no >&2; exit 1\n',
                 'tlsproxy . .*no'),
                ('sbin/wampd', b'#!/bin/sh\nexit 1\n', 'cannot start'),
                ('sbin/wampd', b'#!/bin/sh\nexit 0\n', 'is no wampd'),
                ('sbin/wampd', b'nonsense', 'sbin/wampd'),
                ('sbin/wampd', b'#!/bin/sh\nkill -9 $$\n', 'signal 9')):
            path = os.path.join(w.tree, path)
            with open(path, 'rb') as f:
                good = f.read()
            replace(path, data)
            status, out, err = w.upgrade()
            assert status == 1 and out == '', (status, out, err)
            assert re.search(why, err), (path, err)
            assert 'not upgraded: this wampd goes on' in err, err
            replace(path, good)
            assert w.summary()['state'] == 'ready', w.summary()
        # a configuration that is wrong by now
        good = open(w.conf_path).read()
        w.write_conf(good + 'nonsense\n')
        status, out, err = w.upgrade()
        assert status == 1 and 'syntax error' in err, err
        row, = rows(w.control, 'upgrade', status=1)
        assert not row['upgraded'] and 'syntax error' in row['messages'], row
        w.write_conf(good)
        assert w.all_children() == children
        c.subscribe('com.example.t')
        c.close()
        row, = rows(w.control, 'upgrade')
        assert row['upgraded'] and row['messages'] == '', (row, w.log())


def one_at_a_time():
    """a second upgrade and a drain are refused, a reload waits for the end"""
    with Upgraded() as w:
        c = Client(w.sock)
        assert w.upgrade() == (0, '', '')
        status, out, err = w.upgrade()
        assert status == 1 and 'under way already' in err, err
        status, out, err = wampctl(w.control, 'drain')
        assert status == 1 and 'an upgrade is under way' in err, err
        w.reload(wait=False)
        w.wait_log('act=reload')
        c.close()
        w.wait_log('upgrade: the old processes are gone')
        w.wait_log('configuration reloaded')
        log = w.log()
        assert log.index('processes are gone') < log.index(
            'configuration reloaded')
        assert wampctl(w.control, 'drain')[0] == 0
        status, out, err = w.upgrade()
        assert status == 1 and 'resume it first' in err, err


def reloads():
    """a reload asked for during the trial comes before the step, and what
    was tried is tried again with what it brought"""
    with Upgraded() as w:
        go = w.wait_for('sbin/wampd')
        c = Client(w.sock)
        upgrade = w.ask('upgrade')
        w.wait_upgrading(w.tree + '/sbin/wampd')
        w.proc.send_signal(signal.SIGHUP)
        w.write_conf(open(w.conf_path).read() + 'realm "realm2" {\n'
                     '\tauthenticate anonymous role "all"\n'
                     '\trole "all" { allow any }\n}\n')
        reload = w.ask('reload')
        w.wait_log('act=reload uid=')
        assert 'configuration reloaded' not in w.log()
        open(go, 'w').close()
        out, err = reload.communicate(timeout=60)
        assert reload.returncode == 0, (out, err)
        out, err = upgrade.communicate(timeout=60)
        assert (upgrade.returncode, out, err) == (0, '', ''), w.log()
        log = w.log()
        assert (log.index('can start') < log.index('configuration reloaded') <
                log.index('trying again') < log.index('upgraded: ')), log
        assert w.summary()['realms'] == 2
        c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
        c.close()
    # one that is refused ends the upgrade as well
    with Upgraded() as w:
        go = w.wait_for('sbin/wampd')
        upgrade = w.ask('upgrade')
        w.wait_upgrading(w.tree + '/sbin/wampd')
        w.write_conf(open(w.conf_path).read() + 'nonsense\n')
        reload = w.ask('reload')
        w.wait_log('act=reload uid=')
        open(go, 'w').close()
        out, err = reload.communicate(timeout=60)
        assert reload.returncode == 1 and 'syntax error' in err, err
        out, err = upgrade.communicate(timeout=60)
        assert upgrade.returncode == 1 and 'syntax error' in err, err
        assert 'not upgraded: this wampd goes on' in err, err
        assert w.summary()['state'] == 'ready'


def changed():
    """a program that was replaced after its trial is tried as well"""
    with Upgraded() as w:
        path = w.tree + '/sbin/wampd'
        real = open(path, 'rb').read()
        go = w.wait_for('sbin/wampd')
        upgrade = w.ask('upgrade')
        w.wait_upgrading(path)
        replace(path, b'#!/bin/sh\nexit 1\n')
        open(go, 'w').close()
        out, err = upgrade.communicate(timeout=60)
        assert upgrade.returncode == 1 and 'cannot start' in err, (err,
                                                                  w.log())
        assert 'trying again' in w.log()
        if IS_ROOT:
            # one that root would not run
            replace(path, real)
            os.unlink(go)
            go = w.wait_for('sbin/wampd')
            upgrade = w.ask('upgrade')
            wait_until(lambda: os.path.getsize(path + '.runs') == 2, 20,
                       'a run')
            replace(path, b'#!/bin/sh\ntouch %s.was_run\n' % path.encode())
            os.chown(path, 1, 1)
            open(go, 'w').close()
            out, err = upgrade.communicate(timeout=60)
            assert upgrade.returncode == 1 and "of root's" in err, err
            assert not os.path.exists(path + '.was_run')
        replace(path, real)
        assert w.upgrade() == (0, '', ''), w.log()


def rebind(w, address):
    """Listen there from now on, at the same port."""
    w.write_conf(re.sub(r'listen on [0-9.]+ port (\d+).*',
                        r'listen on %s port \1 insecure' % address,
                        open(w.conf_path).read()))


def covered():
    """addresses that cover one another: who connects during a trial comes to
    those that serve, and so he does while the old ones are leaving"""
    with Upgraded(grace='60s') as w:
        address = w.addresses()[1]
        rebind(w, '0.0.0.0')
        assert w.reload()
        path = w.tree + '/libexec/wampd/broker'
        go = w.wait_for('libexec/wampd/broker')
        rebind(w, '127.0.0.1')
        upgrade = w.ask('upgrade')
        w.wait_upgrading(path)
        for i in range(6):
            Client(address).close()
        open(go, 'w').close()
        assert upgrade.wait(60) == 0, w.log()
        w.wait_over()
        # and the other way round
        old = [Client(w.sock) for i in range(4)]
        rebind(w, '0.0.0.0')
        assert w.upgrade() == (0, '', ''), w.log()
        # some who connect at once still come to an old one
        wait_until(lambda: all(joins(address) for i in range(6)), 20, 'joins')
        assert [r for r in w.processes() if r['state'] == 'leaving']
        # a port that is no more
        w.write_conf(re.sub(r'listen on 0.*', '',
                            open(w.conf_path).read()))
        for c in old:
            c.close()
        w.wait_over()
        old = Client(w.sock)
        assert w.upgrade() == (0, '', ''), w.log()
        wait_until(lambda: is_refused(address), 20, 'the end of a port')
        assert [r for r in w.processes() if r['state'] == 'leaving']
        old.close()


def is_refused(address):
    try:
        socket.create_connection(address, 5).close()
        return False
    except ConnectionRefusedError:
        return True


def clients():
    """who watches the log, or asks now and then, goes on doing so; the old
    processes are shown as long as they are there"""
    with Upgraded() as w:
        with Control(w.control) as monitor, Control(w.control) as idle, \
                Control(w.control) as asker:
            monitor.send(request('MONITOR'))
            c = Client(w.sock)
            before = {r['pid']: r for r in w.processes()}
            idle.ask('SUMMARY')
            asker.send(request('UPGRADE'))
            assert asker.answer()[-1][0] != ERROR
            assert idle.ask('SUMMARY')[-1][0] != ERROR
            assert idle.ask('UPGRADE')[-1][0] == ERROR
            old = [r for r in w.processes() if r['state'] == 'leaving']
            assert {r['process'] for r in old} == {
                'caretaker', 'old keeper', 'old broker 0', 'old tlsproxy 0',
                'old tlsproxy 1', 'old tlsproxy 2'}, old
            for r in old:
                if r['role'] != 'caretaker':
                    was = before[r['pid']]
                    assert r['role'] == was['role'], (r, was)
                    assert r['process'] == 'old ' + was['process'], (r, was)
            assert w.summary()['processes_leaving'] == len(old)
            # whose sessions are not known here
            for words in (['kill', 'session'], ['show', 'session']):
                status, out, err = wampctl(w.control, *words, str(c.id))
                assert status == 1 and 'there is no such session; those in ' \
                    'the old processes' in err, (words, err)
            c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
            c.close()
            seen = b''
            for text in (b'upgrade: trying ', b'the new wampd can start',
                         b'upgraded: this is wampd ',
                         b'the old processes are gone'):
                while text not in seen:
                    frame = monitor.frame()
                    assert frame is not None, seen
                    seen += frame[2]
            w.wait_over()
            assert len(w.processes()) == len(before)
            assert w.summary()['processes_leaving'] == 0
            status, out, err = wampctl(w.control, 'kill', 'session', '7')
            assert err == 'wampctl: there is no such session\n', err


def not_ready():
    """while the new processes start the old ones serve; SIGTERM then still
    tells their sessions"""
    with Upgraded() as w:
        c, t = Client(w.sock), Client(w.sock)
        path = w.tree + '/libexec/wampd/broker'
        # the trial's is the first one
        w.wait_for('libexec/wampd/broker', 2)
        upgrade = w.ask('upgrade')
        w.wait_upgrading(path, 2)
        assert [r['state'] for r in w.processes()
                if r['process'] == 'broker 0'] == ['starting']
        c.subscribe('com.example.t')
        t.publish('com.example.t', [1])
        c.expect(EVENT)
        d = Client(w.addresses()[1])
        w.proc.send_signal(signal.SIGTERM)
        for k in c, t, d:
            k.expect(GOODBYE, None, SHUTDOWN, timeout=20)
            k.send(GOODBYE, {}, 'wamp.close.goodbye_and_out')
            k.expect_closed()
        # the script is no child that knows its end, and is killed
        assert w.proc.wait(60) == 0
        assert 'processes are gone' in w.log()
        assert not os.path.exists(w.sock) and not os.path.exists(w.pidfile)
        upgrade.communicate(timeout=20)
        assert upgrade.returncode == 1


def cannot_start_yet():
    """what was tried can start no more when it comes to it: the old ones
    serve until it can, or all end"""
    for is_mended in 1, 0:
        with Upgraded() as w:
            good = open(w.conf_path).read()
            # after the trial, when it takes the place
            w.wait_for('sbin/wampd', 2)
            c = Client(w.sock)
            upgrade = w.ask('upgrade')
            path = w.tree + '/sbin/wampd'
            wait_until(lambda: os.path.exists(path + '.runs') and
                       len(open(path + '.runs').read()) == 2, 20, 'a run')
            w.write_conf(good + 'nonsense\n')
            open(path + '.go', 'w').close()
            w.wait_log('upgrade: cannot start yet, trying again', count=2)
            c.subscribe('com.example.t')
            Client(w.addresses()[1]).close()
            # the control socket is served
            got = w.summary()
            assert got['pid'] == w.pid and got['state'] == 'upgrading', got
            assert {r['state'] for r in w.processes()} == {'leaving', 'up'}
            status, out, err = wampctl(w.control, 'reload')
            assert status == 1 and 'not ready yet' in err, err
            if IS_ROOT:
                # who must not do anything by what the file said
                status, out, err = wampctl(w.control, 'stop',
                                           user=test_user())
                assert status == 1, (status, out, err)
            if is_mended:
                w.write_conf(good)
                # at once, not when it is time
                w.proc.send_signal(signal.SIGHUP)
            else:
                w.proc.send_signal(signal.SIGTERM)
            c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
            c.send(GOODBYE, {}, 'wamp.close.goodbye_and_out')
            c.close()
            out, err = upgrade.communicate(timeout=60)
            assert upgrade.returncode == 1 - is_mended, (out, err, w.log())
            if is_mended:
                assert w.reload(), w.log()
                continue
            assert w.proc.wait(60) == 0
            assert 'processes are gone' in w.log()
            assert not os.path.exists(w.sock), w.sock
            assert not os.path.exists(w.control), w.control
            assert not os.path.exists(w.pidfile), w.pidfile


WAITS = b"""#!%s -I
import os, sys, time
path = '%s'
with open(path + '.runs', 'a') as f:
    f.write('.')
while os.path.getsize(path + '.runs') > 1 and not os.path.exists(path + '.go'):
    time.sleep(0.1)
os.execv(path + '.real', sys.argv)
"""


def old_ended():
    """an old process that dies before the new ones serve is a warning"""
    with Upgraded() as w:
        broker = w.children()['broker 0']
        go = w.wait_for('libexec/wampd/broker', 2)
        upgrade = w.ask('upgrade')
        w.wait_upgrading(w.tree + '/libexec/wampd/broker', 2)
        os.kill(broker, signal.SIGKILL)
        w.wait_log('upgrade: old broker 0 .* has ended before the new '
                   'processes serve')
        open(go, 'w').close()
        assert upgrade.wait(60) == 0, w.log()
        Client(w.sock).close()


def early_end():
    """SIGTERM before the new program has handlers, when it cannot start; and
    wampctl stop then"""
    for is_signal in 1, 0:
        with Upgraded() as w:
            c = Client(w.sock)
            path = w.tree + '/sbin/wampd'
            os.rename(path, path + '.real')
            # a shell would not let SIGTERM wait
            replace(path, WAITS % (sys.executable.encode(), path.encode()))
            upgrade, stop = w.ask('upgrade'), None
            wait_until(lambda: os.path.exists(path + '.runs') and
                       len(open(path + '.runs').read()) == 2, 20, 'a run')
            w.write_conf(open(w.conf_path).read() + 'nonsense\n')
            if is_signal:
                w.proc.send_signal(signal.SIGTERM)
                open(path + '.go', 'w').close()
            else:
                open(path + '.go', 'w').close()
                w.wait_log('upgrade: cannot start yet')
                stop = w.ask('stop')
            c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
            c.send(GOODBYE, {}, 'wamp.close.goodbye_and_out')
            c.close()
            assert w.proc.wait(60) == 0
            assert upgrade.wait(20) == 1
            assert stop is None or stop.wait(20) == 0
            assert 'processes are gone' in w.log()
            assert not os.path.exists(w.control), w.control


def caretaker_hangs():
    """SIGTERM while the caretaker is stopped: there is an end"""
    with Upgraded() as w:
        old = Client(w.sock)
        pids = w.all_children()
        w.wait_for('sbin/wampd', 2)
        upgrade = w.ask('upgrade')
        path = w.tree + '/sbin/wampd'
        wait_until(lambda: os.path.exists(path + '.runs') and
                   len(open(path + '.runs').read()) == 2, 20, 'a run')
        w.write_conf(open(w.conf_path).read() + 'nonsense\n')
        open(path + '.go', 'w').close()
        w.wait_log('upgrade: cannot start yet')
        caretaker, = (r['pid'] for r in w.processes()
                      if r['role'] == 'caretaker')
        os.kill(caretaker, signal.SIGSTOP)
        w.proc.send_signal(signal.SIGTERM)
        assert w.proc.wait(60) == 0
        assert 'old processes do not end: killed' in w.log()
        wait_until(lambda: not [p for p in pids | {caretaker} if is_alive(p)],
                   20, 'the end of all')
        upgrade.wait(20)
        old.close()


def refused_later():
    """a configuration that a child refuses after the trial, and that is set
    right then: the old ones serve until it is read again"""
    d = tmpdir()
    crt, key = make_cert(d, 'a')
    crt2, key2 = make_cert(d, 'b')
    with Upgraded(more='keypair "k" { certificate "%s" key "%s" }\n'
                  'listen on 127.0.0.1 port %d tls { keypair "k" }\n' % (
                      crt, key, free_port())) as w:
        c = Client(w.sock)
        w.wait_for('sbin/wampd', 2)
        upgrade = w.ask('upgrade')
        path = w.tree + '/sbin/wampd'
        wait_until(lambda: os.path.exists(path + '.runs') and
                   len(open(path + '.runs').read()) == 2, 20, 'a run')
        os.rename(crt2, crt)
        open(path + '.go', 'w').close()
        w.wait_log('refused the configuration', count=2)
        Client(w.sock).close()
        # by then one with a realm, and a process, more
        w.write_conf(open(w.conf_path).read().replace(
            'listen on socket', 'brokers 2\nlisten on socket') +
            'realm "realm2" {\n\tauthenticate anonymous role "all"\n'
            '\trole "all" { allow any }\n}\n')
        os.rename(key2, key)
        out, err = upgrade.communicate(timeout=90)
        assert (upgrade.returncode, out, err) == (0, '', ''), w.log()
        c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
        c.close()
        w.wait_over()
        assert w.summary()['realms'] == 2
        assert 'broker 1' in {r['process'] for r in w.processes()}
        assert {r['state'] for r in w.processes()} == {'up'}
        Client(w.sock).close()


def files_changed():
    """a child's program, and a file that the configuration names, that are
    replaced after the trial: all is tried again"""
    d = tmpdir()
    crt, key = make_cert(d, 'a')
    crt2, key2 = make_cert(d, 'b')
    for of_child in 1, 0:
        with Upgraded(more='keypair "k" { certificate "%s" key "%s" }\n'
                      'listen on 127.0.0.1 port %d tls { keypair "k" }\n' % (
                          crt, key, free_port())) as w:
            # the trial's has read all by then
            go = w.wait_for('libexec/wampd/broker')
            upgrade = w.ask('upgrade')
            w.wait_upgrading(w.tree + '/libexec/wampd/broker')
            if of_child:
                replace(w.tree + '/libexec/wampd/keeper',
                        b'#!/bin/sh\necho broken >&2; exit 1\n')
            else:
                os.rename(crt2, crt)
            open(go, 'w').close()
            out, err = upgrade.communicate(timeout=60)
            assert upgrade.returncode == 1, (out, err)
            assert 'not upgraded: this wampd goes on' in err, err
            assert 'trying again' in w.log()
            Client(w.sock).close()


def by_signal():
    """SIGUSR2, and the log says what came of it"""
    with Upgraded() as w:
        w.install(7)
        w.proc.send_signal(signal.SIGUSR2)
        w.wait_log(r'upgraded: this is wampd .*7$')
        assert 'act=upgrade signal=USR2' in w.log()
        w.wait_over()
        replace(w.tree + '/sbin/wampd', b'#!/bin/sh\nexit 1\n')
        w.proc.send_signal(signal.SIGUSR2)
        w.wait_log('not upgraded: this wampd goes on')
        Client(w.sock).close()


def stopped():
    """SIGTERM while the old ones send theirs away: all are told, all end"""
    with Upgraded() as w:
        old = [Client(w.sock) for i in range(3)]
        assert w.upgrade() == (0, '', '')
        new = Client(w.sock)
        pids = w.all_children()
        w.proc.send_signal(signal.SIGTERM)
        for c in old + [new]:
            c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
            c.send(GOODBYE, {}, 'wamp.close.goodbye_and_out')
            c.expect_closed()
        assert w.proc.wait(20) == 0
        wait_until(lambda: not [p for p in pids if is_alive(p)], 20,
                   'the end of all')
        log = w.log()
        assert log.index('processes are gone') < log.index('stopped'), log
        assert not os.path.exists(w.sock) and not os.path.exists(w.control)
        assert not os.path.exists(w.pidfile)


def killed():
    """kill -9 of old children, new children and of both their parents"""
    with Upgraded() as w:
        old = Client(w.sock)
        before = w.all_children()
        assert w.upgrade() == (0, '', '')
        for pid in before & w.all_children():
            os.kill(pid, signal.SIGKILL)
        w.wait_over()
        old.close()
        # the caretaker
        old = Client(w.sock)
        before = w.all_children()
        assert w.upgrade() == (0, '', '')
        caretaker, = (r for r in w.processes() if r['role'] == 'caretaker')
        os.kill(caretaker['pid'], signal.SIGKILL)
        w.wait_over()
        assert not before & w.all_children()
        old.close()
        # new ones are replaced
        old = Client(w.sock)
        assert w.upgrade() == (0, '', '')
        for r in w.processes():
            if r['pid'] != w.pid and r['state'] != 'leaving':
                os.kill(r['pid'], signal.SIGKILL)
        old.expect(GOODBYE, None, SHUTDOWN, timeout=20)
        old.close()
        w.wait_over()
        wait_until(lambda: joins(w.sock), 20, 'a join')


def of_tree(w):
    """Processes that run programs of it."""
    found = []
    for d in os.listdir('/proc'):
        try:
            if d.isdigit() and w.tree in os.readlink(
                    '/proc/%s/exe' % d) + open('/proc/%s/cmdline' % d).read():
                found.append(int(d))
        except OSError:
            pass
    return found


def caretaker_signalled():
    """SIGTERM to all that are called wampd: old sessions are told; a second
    one does not wait; an octet of a later version is no reason to end"""
    with Upgraded(grace='20s') as w:
        old = [Client(w.sock) for i in range(3)]
        assert w.upgrade() == (0, '', '')
        caretaker, = (r['pid'] for r in w.processes()
                      if r['role'] == 'caretaker')
        pipes = {os.readlink('/proc/%d/fd/%s' % (caretaker, d))
                 for d in os.listdir('/proc/%d/fd' % caretaker)}
        for d in os.listdir('/proc/%d/fd' % w.pid):
            path = '/proc/%d/fd/%s' % (w.pid, d)
            if 'pipe:' in os.readlink(path) and os.readlink(path) in pipes:
                with open('/proc/%d/fdinfo/%s' % (w.pid, d)) as f:
                    if re.search(r'^flags:.*1$', f.read(), re.M):
                        with open(path, 'wb') as pipe:
                            pipe.write(b'?')
        with open('/proc/%d/comm' % caretaker) as f:
            assert f.read() == 'wampd\n'
        os.kill(caretaker, signal.SIGTERM)
        for c in old:
            c.expect(GOODBYE, None, SHUTDOWN, timeout=15)
        assert is_alive(caretaker)
        os.kill(caretaker, signal.SIGTERM)
        for c in old:
            c.expect_closed()
            c.close()
        w.wait_over()
        Client(w.sock).close()


def trial_ends():
    """a trial leaves nothing behind: no process, no file, whether its parent
    is told to stop or killed"""
    for by in signal.SIGTERM, signal.SIGKILL:
        with Upgraded() as w:
            c = Client(w.sock)
            path = w.tree + '/libexec/wampd/broker'
            w.wait_for('libexec/wampd/broker')
            w.write_conf(open(w.conf_path).read() +
                         'listen on socket "%s/other" mode 0666\n' % w.run)
            upgrade = w.ask('upgrade')
            w.wait_upgrading(path)
            wait_until(lambda: os.path.exists(w.run + '/other'), 20, 'a file')
            w.proc.send_signal(by)
            if by == signal.SIGTERM:
                c.expect(GOODBYE, None, SHUTDOWN, timeout=20)
            c.close()
            assert w.proc.wait(60) == (0 if by == signal.SIGTERM else -by)
            upgrade.communicate(timeout=20)
            wait_until(lambda: not of_tree(w), 2, 'the end of all')
            if by == signal.SIGTERM:
                assert not os.path.exists(w.run + '/other')
            else:
                os.rename(path + '.real', path)
                w.start()


def descendants(pid):
    """Of the parent: children, and a trial's."""
    of = {}
    for d in os.listdir('/proc'):
        if d.isdigit() and proc_stat(int(d)):
            of.setdefault(proc_stat(int(d))[0], []).append(int(d))
    found, todo = [], [pid]
    while todo:
        more = of.get(todo.pop(), [])
        found += more
        todo += more
    return found


def killed_at_random():
    """kill -9 of whichever process, while an upgrade goes on: the parent
    lives, and somebody serves"""
    seed = random.randrange(1 << 32)
    print('seed %d' % seed)
    rnd = random.Random(seed)
    with Upgraded() as w:
        inode = os.stat(w.sock).st_ino
        begin = time.monotonic()
        assert w.upgrade() == (0, '', '')
        takes = time.monotonic() - begin
        w.wait_over()
        outcomes = []
        for i in range(100):
            c = Client(w.sock)
            upgrade = w.ask('upgrade')
            for k in range(rnd.randrange(1, 4)):
                time.sleep(rnd.random() * takes)
                pids = descendants(w.pid)
                try:
                    os.kill(rnd.choice(pids), signal.SIGKILL)
                except (IndexError, ProcessLookupError):
                    pass
            out, err = upgrade.communicate(timeout=120)
            outcomes.append(upgrade.returncode)
            assert upgrade.returncode == 0 or 'not upgraded' in err, (
                err, w.log()[-3000:])
            c.close()
            w.wait_over()
            assert w.proc.poll() is None
            for a in w.addresses():
                wait_until(lambda: joins(a), 60, 'a join')
        assert os.stat(w.sock).st_ino == inode
        print('%d of %d were upgrades' % (outcomes.count(0), len(outcomes)))
        assert 0 in outcomes
        wait_until(lambda: {r['state'] for r in w.processes()} == {'up'}, 60,
                   'all processes')
        assert len(descendants(w.pid)) == len(w.processes()) - 1


def parent_killed():
    """kill -9 of the parent ends the old ones, the new ones, and who cares
    for them"""
    with Upgraded() as w:
        old = Client(w.sock)
        assert w.upgrade() == (0, '', '')
        pids = w.all_children()
        w.kill()
        wait_until(lambda: not [p for p in pids if is_alive(p)], 20,
                   'the end of all')
        old.close()
        w.proc = None


def joins(address):
    try:
        Client(address).close()
        return True
    except (OSError, Closed, AssertionError):
        return False


def hand_over(w, text):
    """A new program that is given this: what it says."""
    fd, pipe = os.memfd_create('handover', 0), os.memfd_create('pipe', 0)
    with open(fd, 'w', closefd=False) as f:
        f.write(text.replace('PIPE', str(pipe)))
    os.lseek(fd, 0, os.SEEK_SET)
    p = subprocess.run(
        w.command(), env=dict(os.environ, WAMPD_HANDOVER=str(fd)),
        pass_fds=[fd, pipe], stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(fd)
    os.close(pipe)
    assert p.returncode == 1, (text, p)
    return p.stderr


def nonsense():
    """what is handed over and not understood is refused as a whole"""
    good = 'wampd 1\nmode trial\nprefork 1\ncaretaker 1 PIPE 0\nend\n'
    with Upgraded() as w:
        # but for that the sockets are not among it
        said = hand_over(w, good)
        assert 'hands over' not in said and 'in use' in said, said
        for text, why in (
                (good.replace('1', '0', 1), 'form 0, wampd '),
                (good.replace('1', '2', 1), 'form 2, wampd '),
                ('', 'no end'), ('wampd 1\n', 'no end'),
                (good[:-1], 'line 5 '), (good[1:], 'line 1 '),
                (good.replace('end\n', ''), 'no end'),
                (good + 'end\n', 'no end'), (good + ' ', 'no end'),
                (good.replace('mode trial\n', ''), 'not complete'),
                (good.replace('prefork 1\n', ''), 'not complete'),
                (good.replace('caretaker 1 PIPE 0\n', ''), 'not complete'),
                (good.replace('end', 'mode replace\nend'), 'not complete'),
                (good.replace('end', 'mode trial\nend'), 'not complete'),
                (good.replace('end', 'caretaker 1 PIPE 0\nend'), 'line 5 '),
                (good.replace('end', 'pidfile 2\nend'), 'line 5 '),
                (good.replace('end', 'notify 999\nend'), 'line 5 '),
                (good.replace('end', 'pidfile PIPE\npidfile PIPE\nend'),
                 'line 6 '),
                # no listening socket, no directory
                (good.replace('end', 'unix PIPE PIPE 1 1 2f61\nend'),
                 'line 5 '),
                (good.replace('end', 'control PIPE PIPE 1 1 2f61\nend'),
                 'line 5 '),
                (good.replace('end', 'unheard of\nend'), 'line 5 '),
                ('\0' * 100 + '\n', 'line 1 '),
                ('x' * 2000000, 'is not what')):
            said = hand_over(w, text)
            assert 'hands over' in said and why in said, (text, said)
        Client(w.sock).close()


def by_user():
    """without root"""
    if not IS_ROOT:
        raise Skip('it is the usual case')
    user = test_user()
    with Upgraded(as_user=user) as w:
        w.install(5)
        assert wampctl(w.control, 'upgrade', user=user) == (0, '', '')
        w.wait_log('upgraded: this is wampd .*5$')
        Client(w.sock).close()
        w.wait_log('upgrade: the old processes are gone')


def detached():
    """in the background, with paths that were relative"""
    with Upgraded() as w:
        w.stop()
        shutil.copy(w.conf_path, w.run + '/conf')
        subprocess.run([w.tree + '/sbin/wampd', '-f', 'conf', '-p', 'pid'],
                       cwd=w.run, check=True, timeout=60)
        pid = int(open(w.pidfile).read())
        try:
            w.install(4)
            assert w.upgrade() == (0, '', '')
            assert w.summary()['version'].endswith('4')
            assert w.summary()['pid'] == pid
            w.wait_over()
        finally:
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), 20, 'the end')
        assert not os.path.exists(w.pidfile)


class Linked(Upgraded):
    """Started by a symbolic link to it."""

    def __init__(self):
        self.link = tmpdir() + '/wampd'
        super().__init__()

    def command(self):
        if not os.path.islink(self.link):
            os.symlink(self.tree + '/sbin/wampd', self.link)
        return [self.link] + super().command()[1:]


def linked():
    """by a symbolic link that points to another tree by then: that one's
    programs, if nobody else may have made the link"""
    with Linked() as w:
        other = tmpdir() + '/other'
        shutil.copytree(w.tree, other)
        exe = os.readlink('/proc/%d/exe' % w.pid)
        assert exe == w.tree + '/sbin/wampd', exe
        os.unlink(w.link)
        os.symlink(other + '/sbin/wampd', w.link)
        if IS_ROOT:
            os.chown(w.link, 1, 1, follow_symlinks=False)
            status, out, err = w.upgrade()
            assert status == 1 and 'symbolic link' in err, err
            assert 'the program cannot be run' in err, err
            os.chown(w.link, 0, 0, follow_symlinks=False)
        assert w.upgrade() == (0, '', ''), w.log()
        w.wait_over()
        for r in w.processes():
            # an ordinary user cannot look into those that lock themselves in
            if IS_ROOT or r['process'] == 'wampd':
                exe = os.readlink('/proc/%d/exe' % r['pid'])
                assert exe.startswith(other), (r, exe)


class Load(threading.Thread):
    """Connects, joins, calls and leaves; and counts what goes wrong."""

    def __init__(self, address, callee=None):
        super().__init__()
        self.address, self.callee = address, callee
        self.stop, self.bad, self.n, self.told = False, [], 0, 0

    def run(self):
        while not self.stop:
            try:
                with Client(self.address, timeout=30) as c:
                    self.calls(c)
            except ConnectionRefusedError as e:
                self.bad.append(e)
            except (OSError, Closed, AssertionError, TimeoutError) as e:
                # it was told while it joined
                if SHUTDOWN not in str(e):
                    self.bad.append(e)

    def calls(self, c):
        for i in range(1, 21):
            c.send(CALL, i, {}, 'com.example.p', [i])
            m = c.recv(30)
            self.n += 1
            if m[0] == GOODBYE:
                self.told += 1
                if m[2] != SHUTDOWN:
                    self.bad.append(m)
                return
            if m[:2] != [RESULT, i] and (m[:3] != [WERROR, CALL, i]):
                self.bad.append(m)


class Callee(threading.Thread):
    """Answers calls, and comes back when it is told to go."""

    def __init__(self, address):
        super().__init__()
        self.address, self.stop, self.told = address, False, 0
        self.bad = []

    def run(self):
        while not self.stop:
            try:
                with Client(self.address, timeout=30) as c:
                    c.register('com.example.p', {'invoke': 'roundrobin'})
                    self.serve(c)
            except (OSError, Closed, AssertionError) as e:
                self.bad.append(e)

    def serve(self, c):
        while not self.stop:
            try:
                m = c.recv(0.2)
            except TimeoutError:
                continue
            if m[0] == GOODBYE:
                self.told += 1
                return
            if m[0] == INVOCATION:
                c.send(YIELD, m[1], {}, m[4])


def descriptors(pid):
    return len(os.listdir('/proc/%d/fd' % pid))


def memory(pid):
    """KiB of its own, without what it shares with the old processes."""
    with open('/proc/%d/smaps_rollup' % pid) as f:
        return int(re.search(r'^Private_Dirty: +(\d+)', f.read(), re.M).group(1))


def second_build():
    """Compiled otherwise, and of another version."""
    tree = tmpdir()
    subprocess.run(['make', '-s', '-C', TOP, 'B=' + tree, 'VERSION=0.9.9-next',
                    'SAN=1' if SAN else 'OPT=-O1', 'programs'], check=True,
                   stdout=subprocess.DEVNULL,
                   env={k: v for k, v in os.environ.items() if k not in (
                       'MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')})
    out = subprocess.run([tree + '/sbin/wampd', '-V'], capture_output=True,
                         text=True, check=True).stdout
    assert out == 'wampd 0.9.9-next\n', out
    return tree


def versions(w):
    """What is installed one after the other, and as what it is known."""
    if not LONG:
        for i in range(2):
            w.install(i)
            yield w.version()
        return
    there, back = second_build(), B
    for i in range(10):
        w.install_tree(back if i % 2 else there)
        yield w.version()


def under_load():
    """under load: no connection is refused, no session ends untold, each call
    is answered; descriptors, memory and processes are as before"""
    with Upgraded() as w:
        children, first = len(w.all_children()), None
        callees = [Callee(a) for a in w.addresses()]
        load = [Load(a) for a in w.addresses() * 2]
        for t in callees + load:
            t.start()
        try:
            wait_until(lambda: all(t.n > 20 for t in load), 20, 'calls')
            for i, version in enumerate(versions(w)):
                assert w.upgrade() == (0, '', ''), w.log()
                assert w.summary()['version'] == version
                n = [t.n for t in load]
                w.wait_over()
                wait_until(lambda: all(t.n > n[i] + 20 for i, t in
                                       enumerate(load)), 20, 'calls')
                wait_until(lambda: all(t.told > i for t in callees), 20,
                           'callees that were told')
                # of the same program, which was handed over as much
                if i == 1:
                    first = descriptors(w.pid), memory(w.pid)
        finally:
            for t in callees + load:
                t.stop = True
            for t in callees + load:
                t.join()
        for t in callees + load:
            assert not t.bad, t.bad[:5]
        fds, kib = first
        wait_until(lambda: descriptors(w.pid) == fds, 20, 'descriptors: '
                   '%d, were %d' % (descriptors(w.pid), fds))
        assert SAN or memory(w.pid) <= kib + 128, (memory(w.pid), kib)
        assert len(w.all_children()) == children


if __name__ == '__main__':
    run_cases([replaced, callees_first, joins_late, refused, one_at_a_time, reloads,
               changed, files_changed, covered, clients, not_ready,
               cannot_start_yet, old_ended, early_end, caretaker_hangs, refused_later,
               by_signal, stopped, killed, parent_killed,
               caretaker_signalled, trial_ends, nonsense, by_user, detached,
               linked, under_load] + ([killed_at_random] if LONG else []))
