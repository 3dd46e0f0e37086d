# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The parent: options, exit statuses, what it refuses to start with, the way
# into the background and out of it.

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

from daemon import (B, IS_ROOT, SAN, Skip, Wampd, ensure_users,
                    free_port, is_alive, make_cert, run_cases, run_wampd,
                    test_user, tmpdir, wait_until)
from wampclient import Client

REALM = '''
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''


def on_port(port, more=''):
    return 'prefork 1\nlisten on 127.0.0.1 port %d\n%s%s' % (
        port, more, REALM)


def on_socket(path, more=''):
    return 'prefork 1\nlisten on socket "%s" mode 0666\n%s%s' % (
        path, more, REALM)


def refused(conf, regex, args=('-d',), **kw):
    """wampd must not start, and say why in one line."""
    status, out, err = run_wampd(list(args), conf, **kw)
    assert status == 1, 'status %d\n%s' % (status, err)
    assert re.search(regex, err), 'no /%s/ in:\n%s' % (regex, err)
    return err


# -- options ------------------------------------------------------------------

def version():
    """-V prints the version"""
    status, out, err = run_wampd(['-V'])
    assert status == 0 and re.fullmatch(r'wampd \d+\.\d+\.\d+\n', out), out


def usage():
    """unknown options and arguments are usage errors"""
    for args in (['-x'], ['extra'], ['-D', 'nothing'], ['-D', '=x'], ['-f']):
        status, out, err = run_wampd(args)
        assert status == 1 and 'usage: wampd' in err, (args, status, err)


def check_good():
    """-n prints a line a listener and exits 0"""
    d = tmpdir()
    crt, key = make_cert(d)
    port = free_port()
    conf = '''listen on 127.0.0.1 port %d tls { keypair "a" }
listen on socket "%s/s"
keypair "a" { certificate "%s" key "%s" }
''' % (port, d, crt, key)
    # a keypair is named before it is used
    conf = '\n'.join(conf.split('\n')[2:] + conf.split('\n')[:2]) + REALM
    status, out, err = run_wampd(['-n'], conf)
    assert status == 0, err
    lines = [ln for ln in out.split('\n') if '127.0.0.1' in ln]
    assert len(lines) == 1 and str(port) in lines[0], out
    assert any(d + '/s' in ln for ln in out.split('\n')), out
    # it opened nothing
    assert not os.path.exists(d + '/s')


def check_print():
    """-nv prints what parses again"""
    d = tmpdir()
    conf = on_socket(d + '/s', 'listen on 127.0.0.1 port 1 only websocket\n')
    status, out, err = run_wampd(['-nv'], conf)
    assert status == 0, err
    status, again, err = run_wampd(['-nv'], out)
    assert status == 0, err
    assert out == again, again


def check_bad():
    """-n names file and line and exits 1"""
    refused('listen on 127.0.0.1 port 1\nnonsense\n', r'wampd\.conf:2: ',
            ['-n'])


def check_macro():
    """-D sets a macro"""
    port = free_port()
    conf = 'prefork 1\nlisten on 127.0.0.1 port $port\n' + REALM
    status, out, err = run_wampd(['-n', '-D', 'port=%d' % port], conf)
    assert status == 0 and str(port) in out, err


def no_such_file():
    """a configuration that is not there"""
    status, out, err = run_wampd(['-d', '-f', '/nonexistent/wampd.conf'])
    assert status == 1 and '/nonexistent/wampd.conf' in err, err


# -- start and end --------------------------------------------------------------

def start_stop():
    """-d: ready when it accepts, SIGTERM: exit status 0, nothing left"""
    d = tmpdir()
    port = free_port()
    conf = on_socket(d + '/s', 'listen on 127.0.0.1 port %d\n' % port)
    for sig in (signal.SIGTERM, signal.SIGINT):
        w = Wampd(conf)
        with w:
            assert stat.S_ISSOCK(os.stat(d + '/s').st_mode)
            assert os.stat(d + '/s').st_mode & 0o777 == 0o666
            Client(('127.0.0.1', port)).close()
            Client(d + '/s').close()
            kids = list(w.children().values())
            assert len(kids) == 4, w.children()
            w.proc.send_signal(sig)
            w.stop()
        assert not os.path.exists(d + '/s')
        assert not any(is_alive(p) for p in kids)


def strange_parents():
    """started with descriptors missing or too many, signals blocked"""
    port = free_port()

    def strange():
        for fd in (0, 1):
            os.close(fd)
        os.dup2(2, 50)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM,
                                                  signal.SIGCHLD})
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Wampd(on_port(port), preexec=strange) as w:
        for fd in '01':
            assert os.readlink('/proc/%d/fd/%s' % (w.pid, fd)) == \
                '/dev/null'
        assert not os.path.exists('/proc/%d/fd/50' % w.pid)
        Client(('127.0.0.1', port)).close()
        assert w.reload()


def clients_at_end():
    """SIGTERM with clients: GOODBYE, and the end within the time of grace"""
    port = free_port()
    with Wampd(on_port(port, 'grace 2s\n')) as w:
        polite = Client(('127.0.0.1', port))
        deaf = Client(('127.0.0.1', port))
        begin = time.monotonic()
        w.proc.send_signal(signal.SIGTERM)
        m = polite.recv()
        assert m[0] == 6 and m[2] == 'wamp.close.system_shutdown', m
        polite.send(6, {}, 'wamp.close.goodbye_and_out')
        w.stop()
        took = time.monotonic() - begin
        assert took < (60 if SAN else 5), 'took %.1f s' % took
        polite.close()
        deaf.close()


def nobody_at_end():
    """SIGTERM without clients ends at once"""
    port = free_port()
    with Wampd(on_port(port, 'grace 1m\n')) as w:
        begin = time.monotonic()
        w.stop()
        took = time.monotonic() - begin
        assert took < (30 if SAN else 3), 'took %.1f s' % took


def second_signal():
    """a second SIGTERM does not wait for the time of grace"""
    port = free_port()
    with Wampd(on_port(port, 'grace 1m\n')) as w:
        c = Client(('127.0.0.1', port))
        w.proc.send_signal(signal.SIGTERM)
        w.wait_log('stopping')
        w.proc.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        w.stop()
        took = time.monotonic() - begin
        assert took < (30 if SAN else 4), 'took %.1f s' % took
        c.close()


def parent_killed():
    """kill -9 of the parent ends all children"""
    port = free_port()
    with Wampd(on_port(port)) as w:
        kids = list(w.children().values())
        assert len(kids) == 3
        w.kill()
        wait_until(lambda: not any(is_alive(p) for p in kids), 30,
                   'the children to end')
        # and the port is free again
        with Wampd(on_port(port)):
            pass
        w.proc = None


# -- background -----------------------------------------------------------------

def pid_of(path):
    with open(path) as f:
        return int(f.read())


def in_background():
    """without -d it detaches when it accepts, and not before"""
    d = tmpdir()
    port = free_port()
    pidfile = d + '/pid'
    status, out, err = run_wampd(['-p', pidfile], on_port(port))
    assert status == 0, err
    pid = pid_of(pidfile)
    try:
        assert os.stat(pidfile).st_mode & 0o777 == 0o644
        Client(('127.0.0.1', port)).close()
        assert os.getsid(pid) == pid, 'not a session of its own'
        assert os.readlink('/proc/%d/cwd' % pid) == '/'
        for fd in (0, 1, 2):
            assert os.readlink('/proc/%d/fd/%d' % (pid, fd)) == '/dev/null'

        # a second one with the same pidfile
        err = refused(on_port(free_port()), r'runs already, process %d' % pid,
                      ['-p', pidfile])
        refused(on_port(free_port()), r'runs already', ['-d', '-p', pidfile])
        assert pid_of(pidfile) == pid

        # reload works from there, though it was started with other paths
        os.kill(pid, signal.SIGHUP)
        time.sleep(0.5)
        Client(('127.0.0.1', port)).close()
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), 30, 'the end')
    assert not os.path.exists(pidfile)


def background_fails():
    """without -d an error is told and the exit status is 1"""
    d = tmpdir()
    s = socket.socket()
    s.bind(('127.0.0.1', 0))
    s.listen(1)
    port = s.getsockname()[1]
    refused(on_port(port), r'listen on 127\.0\.0\.1 port %d: address in use'
            % port, ['-p', d + '/pid'])
    assert not os.path.exists(d + '/pid')
    s.close()


def pidfiles():
    """pidfiles: stale ones replaced, strange ones refused"""
    d = tmpdir()
    port = free_port()
    with open(d + '/pid', 'w') as f:
        f.write('1\n')
    with Wampd(on_port(port), ['-p', d + '/pid']) as w:
        wait_until(lambda: pid_of(d + '/pid') == w.pid)
        w.stop()
        assert not os.path.exists(d + '/pid')
    os.symlink('target', d + '/link')
    refused(on_port(port), r'pidfile', ['-d', '-p', d + '/link'])
    assert not os.path.exists(d + '/target')
    os.mkdir(d + '/open')
    os.chmod(d + '/open', 0o777)
    refused(on_port(port), r'directory %s/open is writable by others' % d,
            ['-d', '-p', d + '/open/pid'])
    os.mkfifo(d + '/fifo')
    refused(on_port(port), r'pidfile', ['-d', '-p', d + '/fifo'])
    # -d alone writes none
    with Wampd(on_port(port)):
        pass


# -- what it refuses ------------------------------------------------------------

def port_in_use():
    """a port in use, also by a second wampd"""
    port = free_port()
    text = r'listen on 127\.0\.0\.1 port %d: address in use' % port
    with Wampd(on_port(port)) as w:
        err = refused(on_port(port), text)
        assert len(err.strip().split('\n')) <= 2, err
        Client(('127.0.0.1', port)).close()
        assert w.proc.poll() is None


def tls_conf(port, crt, key):
    return '''prefork 1
keypair "k" { certificate "%s" key "%s" }
listen on 127.0.0.1 port %d tls { keypair "k" }
%s''' % (crt, key, port, REALM)


def key_modes():
    """keys that others could read or write are refused"""
    d = tmpdir()
    crt, key = make_cert(d)
    port = free_port()
    for mode, text in ((0o604, 'readable by others'),
                       (0o602, 'writable by others'),
                       (0o660, 'writable by its group')):
        os.chmod(key, mode)
        for args in (['-d'], ['-n']):
            refused(tls_conf(port, crt, key),
                    r'keypair "k": key %s .*%s' % (key, text), args)
    os.chmod(key, 0o640)
    with Wampd(tls_conf(port, crt, key)):
        pass
    os.chmod(key, 0o600)
    os.chmod(crt, 0o666)
    refused(tls_conf(port, crt, key), r'certificate %s is writable' % crt)
    os.chmod(crt, 0o644)

    # links of our own are followed (as in /etc/letsencrypt/live)
    os.mkdir(d + '/live')
    os.symlink('../localhost.key', d + '/live/privkey.pem')
    with Wampd(tls_conf(port, crt, d + '/live/privkey.pem')):
        pass
    os.chmod(d + '/live', 0o757)
    refused(tls_conf(port, crt, d + '/live/privkey.pem'),
            r'directory %s/live is writable by others' % d)
    if IS_ROOT:
        os.chmod(d + '/live', 0o755)
        os.lchown(d + '/live/privkey.pem', 1, 1)
        refused(tls_conf(port, crt, d + '/live/privkey.pem'),
                r'symbolic link')
        os.chown(key, 1, 1)
        refused(tls_conf(port, crt, key), r'does not belong to root')


def key_files():
    """files that are no keys: missing, empty, FIFO, device, directory"""
    d = tmpdir()
    crt, key = make_cert(d)
    port = free_port()
    os.mkfifo(d + '/fifo', 0o600)
    os.mkdir(d + '/dir')
    open(d + '/empty', 'w').close()
    os.chmod(d + '/empty', 0o600)
    with open(d + '/huge', 'w') as f:
        f.truncate(10 << 30)
    os.chmod(d + '/huge', 0o600)
    for name, text in (('none', 'No such file'), ('fifo', 'regular file'),
                       ('dir', 'regular file'), ('empty', 'empty'),
                       ('huge', 'larger')):
        refused(tls_conf(port, crt, d + '/' + name),
                r'keypair "k": key %s/%s.*%s' % (d, name, text))
    refused(tls_conf(port, crt, '/dev/null'), r'regular file')


def key_fits():
    """a key that does not fit its certificate is found by start and -n"""
    d = tmpdir()
    crt, key = make_cert(d)
    _, other = make_cert(d, 'other')
    port = free_port()
    for args in (['-d'], ['-n']):
        err = refused(tls_conf(port, crt, other), r'"k"', args)
        assert 'PRIVATE' not in err
    with open(d + '/junk', 'w') as f:
        f.write('SECRET-CONTENT\n' * 10)
    os.chmod(d + '/junk', 0o600)
    for args in (['-d'], ['-n']):
        err = refused(tls_conf(port, crt, d + '/junk'), r'"k"', args)
        assert 'SECRET' not in err, err
        err = refused(tls_conf(port, d + '/junk', key), r'"k"', args)
        assert 'SECRET' not in err, err


def missing_user():
    """a missing user is named, with the command that creates it"""
    if not IS_ROOT:
        raise Skip('needs root')
    ensure_users()
    d = tmpdir()
    with open('/etc/passwd') as f:
        lines = [ln for ln in f if not ln.startswith('_wampkeeper:')]
    with open(d + '/passwd', 'w') as f:
        f.writelines(lines)
    with open(d + '/conf', 'w') as f:
        f.write(on_port(free_port()))
    os.chmod(d + '/passwd', 0o644)
    for arg in ('-d', '-n'):
        p = subprocess.run(
            ['unshare', '-m', 'sh', '-c',
             'mount --bind "$0"/passwd /etc/passwd && '
             'exec "$1" %s -f "$0"/conf' % arg, d, B + '/sbin/wampd'],
            capture_output=True, text=True, timeout=30)
        if 'unshare failed' in p.stderr or 'mount:' in p.stderr:
            raise Skip('no mount namespaces here')
        assert p.returncode == 1, p.stderr
        assert re.search(r'user _wampkeeper does not exist \(create it with: '
                         r'useradd ', p.stderr), p.stderr


def emptydir():
    """the children's root directory must be empty"""
    if not IS_ROOT:
        raise Skip('needs root')
    ensure_users()
    d = tmpdir()
    with open(d + '/file', 'w') as f:
        f.write('x')
    with open(d + '/conf', 'w') as f:
        f.write(on_port(free_port()))
    p = subprocess.run(
        ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /var/empty/wampd && '
         'exec "$1" -d -f "$0"/conf', d, B + '/sbin/wampd'],
        capture_output=True, text=True, timeout=30)
    if 'unshare failed' in p.stderr or 'mount:' in p.stderr:
        raise Skip('no mount namespaces here')
    assert p.returncode == 1 and 'must be empty' in p.stderr, p.stderr


# -- Unix sockets ---------------------------------------------------------------

def unix_directory():
    """directories of a Unix socket that somebody else could write to"""
    d = tmpdir()
    for name, mode in (('group', 0o775), ('others', 0o757),
                       ('sticky', 0o1777), ('good', 0o755)):
        os.mkdir('%s/%s' % (d, name))
        os.chmod('%s/%s' % (d, name), mode)
        os.mkdir('%s/%s/sub' % (d, name))
    os.symlink('good', d + '/link')
    with open(d + '/good/file', 'w') as f:
        f.write('precious')
    for path, text in (
            ('group/s', r'directory %s/group is writable by its group'),
            ('group/sub/s', r'directory %s/group is writable by its group'),
            ('others/s', r'directory %s/others is writable by others'),
            ('sticky/s', r'directory %s/sticky is writable by others'),
            ('link/s', r'%s/link is a symbolic link'),
            ('good/file', r'not a socket'),
            ('none/s', r'%s/none: No such file')):
        text = text % d if '%s' in text else text
        for arg in ('-d', '-n'):
            refused(on_socket('%s/%s' % (d, path)), text, [arg])
    with open(d + '/good/file') as f:
        assert f.read() == 'precious'
    with Wampd(on_socket(d + '/sticky/sub/s')):
        pass
    if IS_ROOT:
        os.chown(d + '/good', 1, 1)
        for path in ('good/s', 'good/sub/s'):
            refused(on_socket('%s/%s' % (d, path)),
                    r'directory %s/good belongs to \S+, not to root' % d)


def unix_socket_in_use():
    """a live socket is not stolen, a stale one is replaced"""
    d = tmpdir()
    path = d + '/s'
    with Wampd(on_socket(path)) as w:
        before = os.stat(path).st_ino
        refused(on_socket(path), r'in use by a running server')
        assert os.stat(path).st_ino == before
        Client(path).close()
        kids = list(w.children().values())
        w.kill()
        wait_until(lambda: not any(is_alive(p) for p in kids), 30, 'the end')
        assert os.path.exists(path)
        with Wampd(on_socket(path)):
            Client(path).close()
        w.proc = None
    assert not os.path.exists(path)


def unix_socket_owner():
    """mode, owner and group of a Unix socket"""
    if not IS_ROOT:
        raise Skip('needs root')
    path = tmpdir() + '/s'
    conf = 'prefork 1\nlisten on socket "%s" mode 0640 owner "daemon" ' \
        'group "bin"\n%s' % (path, REALM)
    with Wampd(conf):
        st = os.stat(path)
        assert (st.st_mode & 0o777, st.st_uid) == (0o640, 1), st
        assert st.st_gid == 2, st


def peer_credentials():
    """a client of the Unix socket sees who called listen(2): us"""
    path = tmpdir() + '/s'
    with Wampd(on_socket(path)) as w:
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        cred = s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid = int.from_bytes(cred[:4], 'little')
        uid = int.from_bytes(cred[4:8], 'little')
        s.close()
        assert (pid, uid) == (w.pid, os.geteuid()), (pid, uid)


# -- what children get ------------------------------------------------------------

def children_have_little():
    """children: no environment, no descriptors but their own"""
    port = free_port()
    env = dict(os.environ, SECRET_OF_THE_CALLER='x')
    with Wampd(on_port(port), env=env) as w:
        for name, pid in w.children().items():
            if not IS_ROOT:
                # not dumpable: only root may look
                continue
            with open('/proc/%d/environ' % pid, 'rb') as f:
                assert b'SECRET' not in f.read(), name
            kinds = {}
            for fd in os.listdir('/proc/%d/fd' % pid):
                link = os.readlink('/proc/%d/fd/%s' % (pid, fd))
                kinds.setdefault(link.split(':')[0], []).append(int(fd))
            assert sorted(kinds.pop('/dev/null', [])) == [0, 1], name
            # the log, and what libevent tells itself signals through
            pipes = kinds.pop('pipe')
            assert 2 in pipes and len(pipes) in (1, 3), (name, pipes)
            kinds.pop('socket')
            kinds.pop('anon_inode', None)
            assert not kinds, (name, kinds)


def ordinary_user():
    """started by an ordinary user it serves as that user"""
    user = test_user()
    if IS_ROOT and user is None:
        raise Skip('no ordinary user')
    d = tmpdir()
    if IS_ROOT:
        import pwd
        os.chown(d, pwd.getpwnam(user).pw_uid, -1)
    port = free_port()
    conf = on_socket(d + '/s', 'listen on 127.0.0.1 port %d\n' % port)
    with Wampd(conf, as_user=user if IS_ROOT else None) as w:
        uids = {os.stat('/proc/%d' % w.pid).st_uid}
        for pid in w.children().values():
            with open('/proc/%d/status' % pid) as f:
                uids.add(int(re.search(r'^Uid:\t(\d+)', f.read(),
                                       re.M).group(1)))
        assert len(uids) == 1, uids
        Client(d + '/s').close()
        Client(('127.0.0.1', port)).close()


def few():
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))


def descriptor_limit():
    """few descriptors: the limit of connections is lowered, with one line"""
    port = free_port()
    with Wampd(on_port(port), preexec=few) as w:
        assert 'lowered' not in w.log(), w.log()
        assert re.search('at most 231 connections: .*300 descr', w.log())
    with Wampd(on_port(port, 'limits { connections 5000 }\n'),
               preexec=few) as w:
        assert len(re.findall('limit of connections lowered',
                              w.log())) == 1, w.log()
        assert w.reload()
        assert len(re.findall('limit of connections lowered',
                              w.log())) == 1, w.log()
        Client(('127.0.0.1', port)).close()


def descriptors_of_each():
    """... to what all tlsproxies together may hold, and each holds its own"""
    port = free_port()
    conf = on_port(port, 'limits { connections per address 1000\n'
                   'handshake 60s\n hello 60s }\n')
    most = 231
    with Wampd(conf.replace('prefork 1', 'prefork 2'), preexec=few) as w:
        assert 'at most %d connections' % (2 * most) in w.log(), w.log()
        socks, served = [], set()

        def answers():
            for s in socks:
                try:
                    if s not in served and s.recv(4):
                        served.add(s)
                except BlockingIOError:
                    pass
            return len(served)
        # more than enough for each: the kernel spreads them
        for i in range(2 * most + 150):
            s = socket.create_connection(('127.0.0.1', port), 10)
            s.setblocking(False)
            s.sendall(b'\x7f\xf2\0\0')
            socks.append(s)
        wait_until(lambda: answers() == 2 * most, 20)
        assert 'Too many open files' not in w.log(), w.log()
        assert len(re.findall('accepting pauses: 231 ', w.log())) == 2
        # who leaves makes room
        for s in list(served)[:5]:
            s.close()
            socks.remove(s)
        wait_until(lambda: answers() == 2 * most + 5, 20)
        for s in socks:
            s.close()


def foreign_programs():
    """as root, programs that somebody else could have written"""
    if not IS_ROOT:
        raise Skip('needs root')
    d = tmpdir()
    for sub in ('sbin', 'libexec'):
        shutil.copytree(os.path.join(B, sub), os.path.join(d, sub))
    conf = on_port(free_port())
    with open(d + '/conf', 'w') as f:
        f.write(conf)

    def run():
        p = subprocess.run([d + '/sbin/wampd', '-d', '-f', d + '/conf'],
                           capture_output=True, text=True, timeout=30)
        assert p.returncode == 1, p.stderr
        return p.stderr
    os.chmod(d + '/libexec/wampd/broker', 0o757)
    assert 'program %s/libexec/wampd/broker' % d in run()
    os.chmod(d + '/libexec/wampd/broker', 0o755)
    os.chown(d + '/libexec/wampd/broker', 1, 1)
    assert 'program %s/libexec/wampd/broker' % d in run()
    os.chown(d + '/libexec/wampd/broker', 0, 0)
    os.chmod(d + '/libexec', 0o757)
    assert 'directory %s/libexec is writable by others' % d in run()
    os.chmod(d + '/libexec', 0o755)
    os.unlink(d + '/libexec/wampd/broker')
    assert 'program %s/libexec/wampd/broker: No such file' % d in run()



def check_reaches_no_limit():
    """wampd -n with TLS says nothing of limits"""
    text = 'keypair "localhost" { certificate "%s" key "%s" }\n' \
        % make_cert(tmpdir()) + \
        'listen on 127.0.0.1 port 8443 tls { keypair "localhost" }\n' \
        'realm "realm1" { authenticate anonymous role "all"\n' \
        'role "all" { allow any } }\n'
    status, out, err = run_wampd(['-n'], text)
    assert status == 0 and 'reached' not in err, (status, err)


run_cases([
    version, usage, check_good, check_print, check_bad, check_macro,
    check_reaches_no_limit,
    no_such_file, start_stop, strange_parents, clients_at_end,
    nobody_at_end, second_signal, parent_killed, in_background,
    background_fails, pidfiles, port_in_use, key_modes, key_files, key_fits,
    missing_user, emptydir, unix_directory, unix_socket_in_use,
    unix_socket_owner, peer_credentials, children_have_little,
    ordinary_user, descriptor_limit, descriptors_of_each, foreign_programs,
])
