# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Children that die, hang, break the sandbox or talk nonsense are named and
# replaced; the others and their sessions carry on.
#
# LONG=1: children that hang or are slow, which takes half a minute to tell.

import os
import re
import shutil
import signal
import struct
import subprocess
import time

from daemon import (B, LONG, SAN, Wampd, free_port, is_alive, make_cert,
                    run_cases, tmpdir, wait_until)
from imsgs import T
from wampclient import Client, Closed

REALM = '''
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''


def conf(port, path, more=''):
    return '''prefork 2
brokers 2
listen on 127.0.0.1 port %d
listen on socket "%s" mode 0666
%s%s''' % (port, path, more, REALM)


class Daemon(Wampd):
    def __init__(self, **kw):
        self.port = free_port()
        self.path = tmpdir() + '/s'
        super().__init__(conf(self.port, self.path), **kw)

    def replaced(self, name, old, timeout=10):
        def new():
            pid = self.children().get(name)
            return pid if pid is not None and pid != old else None
        return wait_until(new, timeout * (3 if SAN else 1),
                          'a new ' + name)


def joins(address):
    try:
        Client(address, timeout=5).close()
        return True
    except (OSError, Closed, AssertionError):
        return False


def each_child_killed():
    """kill -9 of each child in turn: replaced, the others stay"""
    with Daemon() as w:
        for name in sorted(w.children()):
            before = w.children()
            os.kill(before[name], signal.SIGKILL)
            w.replaced(name, before[name])
            w.wait_log(r'%s \(process %d\) killed by signal 9' % (
                name, before[name]))
            after = w.children()
            for other, pid in before.items():
                if other != name:
                    assert after.get(other) == pid, (name, other)
            wait_until(lambda: joins(('127.0.0.1', w.port)), 20, 'a join')
            wait_until(lambda: joins(w.path), 20, 'a join')


def accepts_soon():
    """a tlsproxy that dies accepts again within 200 ms the first time"""
    with Daemon() as w:
        best = 10
        for name in ('tlsproxy 2',):
            pid = w.child(name)
            c = Client(w.path)
            os.kill(pid, signal.SIGKILL)
            begin = time.monotonic()
            c.expect_closed()
            n = Client(w.path)
            best = min(best, time.monotonic() - begin)
            n.close()
            c.close()
        # the machine may be busy: the bound is 0.2 s on an idle one
        assert best < (10 if SAN else 1), 'took %.3f s' % best


def sessions_survive():
    """sessions of one tlsproxy survive the death of another"""
    with Daemon() as w:
        c = Client(w.path)
        sub = c.subscribe('com.example.t')
        os.kill(w.child('tlsproxy 0'), signal.SIGKILL)
        w.wait_log('tlsproxy 0 .* killed')
        wait_until(lambda: joins(('127.0.0.1', w.port)), 20, 'a join')
        p = Client(('127.0.0.1', w.port))
        p.publish('com.example.t', 1)
        m = c.recv()
        assert m[0] == 36 and m[1] == sub, m
        c.close()
        p.close()


def sandbox_violation():
    """a death by SIGSYS is named a sandbox violation"""
    with Daemon(expect_reports=True) as w:
        pid = w.child('broker 0')
        os.kill(pid, signal.SIGSYS)
        w.wait_log(r'broker 0 \(process %d\) sandbox violation \(SIGSYS\).*'
                   r'type=1326' % pid)
        w.replaced('broker 0', pid)


def hanging():
    """a child that hangs is killed after 5 s, named and replaced"""
    with Daemon() as w:
        begin = time.monotonic()
        pids = {n: w.child(n) for n in ('tlsproxy 0', 'broker 1')}
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        for name, pid in pids.items():
            w.wait_log(r'%s \(process %d\) did not answer for 5 s' % (
                name, pid), 15)
            w.replaced(name, pid)
        took = time.monotonic() - begin
        assert took > 4.5, 'after %.1f s' % took
        assert not any(is_alive(p) for p in pids.values())
        wait_until(lambda: joins(('127.0.0.1', w.port)), 20, 'a join')


def suspended():
    """a parent that was suspended itself does not blame its children"""
    with Daemon() as w:
        before = w.children()
        w.proc.send_signal(signal.SIGSTOP)
        for pid in before.values():
            os.kill(pid, signal.SIGSTOP)
        time.sleep(7)
        for pid in before.values():
            os.kill(pid, signal.SIGCONT)
        w.proc.send_signal(signal.SIGCONT)
        time.sleep(2)
        assert w.children() == before
        assert 'did not answer' not in w.log()


def one_after_the_other():
    """many deaths at once and in a row: all is whole again at the end"""
    with Daemon() as w:
        for i in range(3):
            for pid in w.children().values():
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: len(w.children()) == 6, 60, 'six children')
        wait_until(lambda: joins(('127.0.0.1', w.port)), 60, 'a join')
        wait_until(lambda: joins(w.path), 60, 'a join')
        names = sorted(w.children())
        assert names == ['broker 0', 'broker 1', 'keeper', 'tlsproxy 0',
                         'tlsproxy 1', 'tlsproxy 2'], names


# -- programs that are not ours ------------------------------------------------

def tree(**programs):
    """A copy of the build with some children replaced by scripts."""
    d = tmpdir()
    for sub in ('sbin', 'libexec'):
        shutil.copytree(os.path.join(B, sub), os.path.join(d, sub))
    for name, text in programs.items():
        path = os.path.join(d, 'libexec', 'wampd', name)
        os.unlink(path)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, 0o755)
    return d


def start_tree(d):
    with open(d + '/conf', 'w') as f:
        f.write('prefork 1\nlisten on 127.0.0.1 port %d\n%s' % (
            free_port(), REALM))
    return subprocess.Popen([d + '/sbin/wampd', '-d', '-f', d + '/conf'],
                            stdin=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def run_tree(d, timeout=60):
    p = start_tree(d)
    try:
        err = p.communicate(timeout=timeout * (3 if SAN else 1))[1]
    except subprocess.TimeoutExpired:
        p.kill()
        raise AssertionError('wampd does not end:\n' + p.communicate()[1])
    return p.returncode, err


def read_until(p, regex):
    err = ''
    for line in p.stderr:
        err += line
        if re.search(regex, line):
            return err
    raise AssertionError('no /%s/ in:\n%s' % (regex, err))


# What a child does first: reads SETUP_START, then say(type, data).  live()
# does what a good child does, and calls then() once it is wired up.
FAKE = '''#!%s
import array, os, socket, struct, sys, time
T = %r
s = socket.socket(fileno=3)
def say(name, data=b'', fix=0):
    n = 16 + len(data)
    type = T[name] if isinstance(name, str) else name
    s.sendall(struct.pack('=IIII', type, n + fix, 0, 0) + data +
              b'\\0' * (-n %% 8))
def wait():
    while s.recv(65536):
        pass
    sys.exit(0)
def read(n):
    buf = b''
    while len(buf) < n:
        part, anc, flags, addr = s.recvmsg(n - len(buf), 1024)
        if not part:
            sys.exit(0)
        buf += part
    return buf
def imsg():
    type, n, slot, gen = struct.unpack('=IIII', read(16))
    return type & 0x7fffffff, read(n - 16 + -n %% 8)[:n - 16]
def live(then):
    gen = 0
    while True:
        type, data = imsg()
        if type == T['PING']:
            say('PONG', data)
        elif type == T['CONF_BEGIN']:
            gen = data
        elif type == T['CONF_END']:
            say('CONF_READY', gen)
        elif type == T['CONF_COMMIT']:
            say('CONF_COMMITTED', data)
        elif type == T['SETUP_PEER']:
            say('PEER_READY', data)
            if role == 3 and data[0] == 2:
                then()
        elif type == T['ACCEPT']:
            say('ACCEPTING')
            then()
        elif type == T['SHUTDOWN']:
            say('SHUTDOWN_DONE')
start = imsg()[1]
version, role, kind, instance, generation = struct.unpack_from(
    '=IBBHI', start)
done = struct.pack('=IBBH', version, role, 0, instance)
def accuse(role, instance, generation):
    say('PROC_SUSPECT', struct.pack('=BBHI', role, 0, instance, generation))
'''


def fake(body):
    python = os.environ.get('PYTHON', '/usr/bin/python3')
    return FAKE % (python, T) + body


def child_refuses():
    """a child that refuses to start ends the start at once, with its words"""
    begin = time.monotonic()
    status, err = run_tree(tree(keeper=fake(
        'os.write(2, b"<2>no such luck\\n"); sys.exit(1)\n')))
    assert status == 1, err
    assert 'keeper: no such luck' in err, err
    assert re.search(r'keeper .* cannot be started: exited with status 1',
                     err), err
    assert time.monotonic() - begin < 20


def child_crashes():
    """a child that crashes at start is tried 5 times, then wampd gives up"""
    status, err = run_tree(tree(broker=fake('os.abort()\n')))
    assert status == 1, err
    assert len(re.findall(r'broker 0 .*killed by signal 6', err)) == 5, err
    assert 'broker 0 cannot be started: giving up' in err, err


HANGS = {
    'the sandbox': ('keeper', 'wait()\n', 'did not start'),
    'the configuration': ('keeper', '''
say('SETUP_DONE', done)
def imsg(imsg=imsg):
    while True:
        type, data = imsg()
        if type != T['CONF_END']:
            return type, data
live(lambda: 0)
''', 'did not start'),
    'a channel': ('broker', '''
say('SETUP_DONE', done)
def say(name, data=b'', say=say):
    if name != 'PEER_READY':
        say(name, data)
live(lambda: 0)
''', 'did not take a channel'),
    'to accept': ('tlsproxy', '''
say('SETUP_DONE', done)
def say(name, data=b'', say=say):
    if name != 'ACCEPTING':
        say(name, data)
live(lambda: 0)
''', 'did not start'),
}


def child_hangs():
    """a child that hangs at the start ends it, and is named"""
    # all at once: each takes its 30 seconds
    started = []
    for what, (name, body, why) in HANGS.items():
        d = tree(**{name: fake(body)})
        with open(d + '/conf', 'w') as f:
            f.write('prefork 1\nlisten on 127.0.0.1 port %d\n%s' % (
                free_port(), REALM))
        # into the background, as an init script does
        p = subprocess.Popen([d + '/sbin/wampd', '-f', d + '/conf', '-p',
                              d + '/pid'], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True,
                             start_new_session=True)
        started.append((p, d, what, r'%s( 0)? \(process \d+\) cannot be '
                        r'started: %s in 30 s' % (name, why)))
    for p, d, what, why in started:
        try:
            err = p.communicate(timeout=90)[1]
        except subprocess.TimeoutExpired:
            for q, _, _, _ in started:
                if q.poll() is None:
                    os.killpg(q.pid, signal.SIGKILL)
            raise AssertionError(what + ': wampd does not end')
        assert p.returncode == 1, (what, p.returncode, err)
        assert re.search(why, err), (what, err)
        assert not os.path.exists(d + '/pid'), what


NONSENSE = {
    'unknown type': 'say(9999)',
    'type of the parent': 'say("SETUP_START", start)',
    'wrong length': 'say("PONG", b"\\0" * 12)',
    'truncated header': 'say("PONG", b"", -10)',
    'huge length': 'say("PONG", b"", 1 << 30)',
    'twice done': 'say("SETUP_DONE", done)',
    'pong without ping': 'say("PONG", struct.pack("=I", 7))',
    'a peer that is none': 'say("PEER_READY", b"\\1" * 12)',
    'accuses itself': 'accuse(role, instance, generation)',
    'accuses nobody': 'accuse(77, 0, 1)',
    'accuses the future': 'accuse(1, 0, 1000)',
    'counts of a broker': 'say("CONN_COUNT", b"\\0" * 20)',
    'accepting': 'say("ACCEPTING")',
    'shut down': 'say("SHUTDOWN_DONE")',
    'drained': 'say("DRAINED", struct.pack("=I", 0))',
    'committed': 'say("CONF_COMMITTED", struct.pack("=I", 1))',
}


def nonsense():
    """nonsense on the control channel: killed, replaced, wampd lives"""
    d = tree()
    path = d + '/libexec/wampd/broker'
    for what, body in NONSENSE.items():
        os.unlink(path)
        with open(path, 'w') as f:
            f.write(fake('say("SETUP_DONE", done)\n%s\nwait()\n' % body))
        os.chmod(path, 0o755)
        p = start_tree(d)
        # twice: it goes on after the first
        for i in range(2):
            read_until(p, r'broker 0 \(process \d+\) sent .* on its control '
                       r'channel: killed')
        assert p.poll() is None, what
        p.terminate()
        rest = p.communicate(timeout=60)[1]
        assert p.returncode == 0, (what, rest)


def descriptors_from_a_child():
    """descriptors that a child pushes to the parent are not taken"""
    d = tree(broker=fake('''
say('SETUP_DONE', done)
null = os.open('/dev/null', os.O_RDONLY)
def then():
    # an imsg to come, its octets one by one with ten descriptors each
    for o in struct.pack('=IIII', T['PONG'], 20, 0, 0):
        s.sendmsg([bytes([o])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                  array.array('i', [null] * 10))])
    os.write(2, b'<4>pushed\\n')
live(then)
'''))
    p = start_tree(d)
    read_until(p, 'broker 0: pushed')
    time.sleep(0.2)
    fds = [os.readlink('/proc/%d/fd/%s' % (p.pid, f))
           for f in os.listdir('/proc/%d/fd' % p.pid)]
    assert fds.count('/dev/null') <= 1, fds
    p.terminate()
    p.communicate(timeout=60)


def accusations():
    """a tlsproxy's word alone does not end the keeper, two words do"""
    d = tree(tlsproxy=fake('''
say('SETUP_DONE', done)
live(lambda: accuse(1, 0, 1))
'''))
    p = start_tree(d)
    err = read_until(p, 'keeper .*killed')
    first = err.index('tlsproxy 0 is replaced first')
    assert first < err.index('sent nonsense to tlsproxy 0: killed'), err
    assert re.search(r'tlsproxy 0 \(process \d+\) accused keeper: killed',
                     err), err
    # and never the next one for the old one's sake
    err = read_until(p, r'\bready\b') if 'ready' not in err else err
    p.terminate()
    rest = p.communicate(timeout=60)[1]
    assert p.returncode == 0, rest
    assert not re.search(r'keeper \(process \d+\) (?!did not end in time)',
                         rest), rest


def accused_tlsproxy():
    """a broker's word ends a tlsproxy, at once"""
    d = tree(broker=fake('''
say('SETUP_DONE', done)
live(lambda: accuse(2, 0, 1))
'''))
    p = start_tree(d)
    read_until(p, r'tlsproxy 0 \(process \d+\) sent nonsense to broker 0: '
               'killed')
    p.terminate()
    rest = p.communicate(timeout=60)[1]
    assert p.returncode == 0, rest


def floods_the_log():
    """a child that floods its log is slowed down by nobody, lines counted"""
    d = tree(broker=fake('''
line = b'<6>' + b'x' * 100 + b'\\n'
import fcntl
end = time.monotonic() + 2
while time.monotonic() < end:
    try:
        os.write(2, line * 50)
    except BlockingIOError:
        pass
os.write(2, b'<6>end \\033[2J\\n')
sys.exit(1)
'''))
    status, err = run_tree(d)
    assert status == 1
    assert '\033' not in err
    assert len(err) < 4000000, len(err)
    assert re.search(r'broker 0: \d+ lines of its log were dropped', err), \
        err[-2000:]


def ends_on_request():
    """a child that ignores the end is killed"""
    d = tree(broker=fake('''
import signal
for n in (1, 2, 15):
    signal.signal(n, signal.SIG_IGN)
say('SETUP_DONE', done)
os.write(2, b'<4>here\\n')
time.sleep(600)
'''))
    p = start_tree(d)
    read_until(p, 'broker 0: here')
    begin = time.monotonic()
    p.terminate()
    rest = p.stderr.read()
    assert p.wait(60) == 0, rest
    assert time.monotonic() - begin < (40 if SAN else 5)
    assert 'did not end in time' in rest, rest


def leaves_its_channel():
    """one that is dead while somebody else has its channel is not waited for
    at the end"""
    d = tree(broker='''#!/bin/sh
sleep 600 &
echo "<4>here $$ $!" >&2
''')
    p = start_tree(d)
    said = read_until(p, r'broker 0: here \d+ \d+')
    pid, other = map(int, re.search(r'here (\d+) (\d+)', said).groups())
    try:
        wait_until(lambda: not os.path.exists('/proc/%d' % pid), 20,
                   'the end of the child')
        p.terminate()
        p.wait(60)
    finally:
        os.kill(other, signal.SIGKILL)
        p.kill()
        p.communicate()


# -- reloads that meet children which are not there ---------------------------

def unix_conf(path, *more):
    return 'prefork 2\nlisten on socket "%s" mode 0666\n%s%s' % (
        path, ''.join(more), REALM)


class Tree(Wampd):
    """A wampd with programs of its own."""

    def __init__(self, conf, **programs):
        self.tree = tree(**programs)
        super().__init__(conf)

    def command(self):
        return [self.tree + '/sbin/wampd'] + super().command()[1:]

    def replace(self, name, text):
        """The program, for those that are started from now on."""
        path = os.path.join(self.tree, 'libexec', 'wampd', name)
        os.rename(path, path + '.good')
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, 0o755)

    def restore(self, name):
        path = os.path.join(self.tree, 'libexec', 'wampd', name)
        os.rename(path + '.good', path)


def fds(w):
    return len(os.listdir('/proc/%d/fd' % w.pid))


def reload_that_cannot_start():
    """a reload whose new tlsproxies do not start changes nothing"""
    path, port = tmpdir() + '/s', free_port()
    net = 'listen on 127.0.0.1 port %d\n' % port
    with Tree(unix_conf(path)) as w:
        c = Client(path)
        before, n = w.children(), fds(w)
        for what, body in (
                ('refuses', 'os.write(2, b"<2>no such luck\\n"); '
                 'sys.exit(1)\n'),
                ('crashes', 'os.abort()\n'),
                ('ends when asked', '''
say('SETUP_DONE', done)
while imsg()[0] != T['CONF_END']:
    pass
sys.exit(3)
'''),
                ('refuses the configuration', '''
say('SETUP_DONE', done)
while True:
    type, data = imsg()
    if type == T['CONF_BEGIN']:
        gen = data
    if type == T['CONF_END']:
        break
say('CONF_FAILED', gen + b'not this one')
live(lambda: 0)
''')):
            w.replace('tlsproxy', fake(body))
            for _ in range(2):
                assert w.reload(unix_conf(path, net)) is False, what
            wait_until(lambda: w.children() == before and fds(w) == n, 20,
                       what)
            w.restore('tlsproxy')
            assert not joins(('127.0.0.1', port)), what
            assert isinstance(c.subscribe('com.example.a'), int), what
        assert re.search('tlsproxy [01]: no such luck', w.log())
        assert 'not this one' in w.log()
        # children that are there are not blamed for it
        assert w.reload(unix_conf(path))
        assert w.reload(unix_conf(path, net))
        wait_until(lambda: joins(('127.0.0.1', port)), 20, 'a join')
        assert len(w.children()) == len(before) + 2
        c.close()


def kill_often(w, name, times):
    for i in range(times):
        pid = wait_until(lambda: w.children().get(name), 30, name)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), 10, 'its end')
        w.wait_log(r'%s \(process %d\) killed by signal 9' % (name, pid))


def reload_while_one_is_down():
    """a reload is not taken unseen by a keeper that is down"""
    d = tmpdir()
    path, port = d + '/s', free_port()
    crt, key = make_cert(d)
    _, other = make_cert(d, 'other')

    def conf(key):
        return unix_conf(path, 'keypair "k" { certificate "%s" key "%s" }\n'
                         'listen on 127.0.0.1 port %d tls { keypair "k" }\n'
                         % (crt, key, port))
    with Wampd(conf(key)) as w:
        wait_until(lambda: joins(path), 20, 'a join')
        # four times in a row: the next one is two seconds away
        kill_often(w, 'keeper', 4)
        assert w.reload(conf(other)) is False
        assert 'key and certificate do not fit' in w.log()
        wait_until(lambda: joins(path), 20, 'a join')
        kill_often(w, 'broker 0', 4)
        kill_often(w, 'tlsproxy 0', 4)
        assert w.reload(conf(key).replace('realm1', 'realm2'))
        c = wait_until(lambda: try_join(path, 'realm2'), 20, 'a join')
        c.close()


def reload_as_one_dies():
    """a reload at the moment when a child dies is taken by its successor"""
    with Daemon() as w:
        for name in sorted(w.children()) * 2:
            pid = wait_until(lambda: w.children().get(name), 30, name)
            seen = len(w.log())
            os.kill(pid, signal.SIGKILL)
            assert w.reload() is True, w.log()[seen:]
            wait_until(lambda: w.children().get(name) not in (None, pid), 30,
                       'a new ' + name)
        wait_until(lambda: joins(('127.0.0.1', w.port)), 30, 'a join')


DIES = '''
say('SETUP_DONE', done)
def say(name, data=b'', say=say):
    if name == 'CONF_READY' and data != struct.pack('I', 1):
        sys.exit(3)
    say(name, data)
live(lambda: 0)
'''


def reload_that_kills():
    """a configuration that a child dies of twice is not taken"""
    path = tmpdir() + '/s'
    with Tree(unix_conf(path), keeper=fake(DIES)) as w:
        assert w.reload() is False
        assert 'asking once more' in w.log()


def restarted_for_ever():
    """a child that was ready once is started again, whatever its successors
    do"""
    path = tmpdir() + '/s'
    with Tree(unix_conf(path)) as w:
        c = Client(path)
        w.replace('keeper', fake('sys.exit(1)\n'))
        os.kill(w.child('keeper'), signal.SIGKILL)
        w.wait_log('keeper .*; it will be started again', 30, 6)
        w.restore('keeper')
        assert isinstance(c.subscribe('com.example.a'), int)
        assert not joins(path)
        # at once, by a reload
        assert w.reload(unix_conf(path))
        wait_until(lambda: joins(path), 20, 'a join')
        c.close()


SLOW = '''
say('SETUP_DONE', done)
import threading
first = True
def say(name, data=b'', say=say):
    global first
    if name == 'CONF_READY' and not first:
        threading.Timer(%d, lambda: say(name, data)).start()
        return
    first = first and name != 'CONF_READY'
    say(name, data)
live(lambda: 0)
'''


def slow_to_answer():
    """a reload waits half a minute for who reads much, as a start does"""
    path = tmpdir() + '/s'
    for seconds, taken in ((15, True), (60, False)):
        with Tree(unix_conf(path), broker=fake(SLOW % seconds)) as w:
            assert w.reload(wait=False) is None
            w.wait_log('configuration (not )?reloaded', 50)
            assert ('not reloaded' in w.log()) != taken, w.log()
            if not taken:
                assert 'broker 0: no answer to the configuration in 30 s' \
                    in w.log()


def try_join(address, realm):
    try:
        return Client(address, realm=realm)
    except (OSError, Closed, AssertionError):
        return None


run_cases([
    each_child_killed, accepts_soon, sessions_survive, sandbox_violation,
    hanging, suspended, one_after_the_other, child_refuses, child_crashes,
    nonsense, descriptors_from_a_child, accusations, accused_tlsproxy,
    floods_the_log, ends_on_request, leaves_its_channel,
    reload_that_cannot_start, reload_while_one_is_down, reload_as_one_dies,
    reload_that_kills, restarted_for_ever,
] + ([child_hangs, slow_to_answer] if LONG else []))
