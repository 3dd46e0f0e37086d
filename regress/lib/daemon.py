# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampd as tests see it: started with a configuration of its own, waited for
# until it says "ready", stopped and checked at the end.
#
#	with Wampd('listen on 127.0.0.1 port %d\n...' % port) as w:
#		w.wait_log(r'joined')
#
# and the lines that regress/run.sh counts: ok, not_ok, skip, run_cases.

import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.environ.get('top') or os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))
B = os.environ.get('B') or os.path.join(TOP, 'build')
SAN = os.environ.get('SAN', '') not in ('', '0')
LONG = os.environ.get('LONG', '') not in ('', '0')
IS_ROOT = os.geteuid() == 0
USERS = ('_wampd', '_wampbroker', '_wampkeeper', '_wampmetrics')
EMPTYDIR = '/var/empty/wampd'

# what a sanitizer or libc prints when something is wrong
REPORT = re.compile(r'AddressSanitizer|LeakSanitizer|runtime error:|'
                    r'UndefinedBehavior|stack smashing|double free|'
                    r'corrupted|sandbox violation')


# -- results ----------------------------------------------------------------

_failed = 0


def ok(name):
    print('ok - %s' % name, flush=True)


def not_ok(name, why):
    global _failed
    _failed += 1
    print('not ok - %s: %s' % (name, why), flush=True)


def skip(name, why):
    print('skip - %s: %s' % (name, why), flush=True)


class Skip(Exception):
    """Raised by a case that cannot run here."""


def run_case(fn, prefix='', doc=None):
    """Run a function; the first line of its docstring (or of doc), or its
    name, names the case."""
    doc = doc or fn.__doc__
    name = (doc or fn.__name__).strip().split('\n')[0]
    name = prefix + (name if doc else name.replace('_', ' '))
    try:
        fn()
    except Skip as e:
        skip(name, str(e))
    except Exception as e:  # every failure is one line and a trace
        traceback.print_exc(file=sys.stdout)
        not_ok(name, '%s: %s' % (type(e).__name__, str(e).split('\n')[0]))
    else:
        ok(name)


def run_cases(cases):
    """Run them all.  Does not return."""
    for fn in cases:
        run_case(fn)
    done()


def done():
    sys.exit(1 if _failed else 0)


# -- helpers ----------------------------------------------------------------

def wait_until(fn, timeout=10, what=None):
    """Wait for fn() to return something true, and return that."""
    end = time.monotonic() + timeout
    while True:
        v = fn()
        if v:
            return v
        if time.monotonic() > end:
            raise AssertionError('waited %g s for %s' % (
                timeout, what or getattr(fn, '__name__', 'a condition')))
        time.sleep(0.01)


def free_port(host='127.0.0.1'):
    """A port that was free a moment ago, and that the kernel gives to nobody
    who connects."""
    for _ in range(100):
        port = random.randrange(10000, 32768)
        with socket.socket(socket.AF_INET6 if ':' in host else
                           socket.AF_INET) as s:
            try:
                s.bind((host, port))
            except OSError:
                continue
        return port
    raise AssertionError('no free port at ' + host)


def base_tmp():
    d = os.environ.get('TEST_TMP')
    if not d:
        d = tempfile.mkdtemp(prefix='wampd-test.')
        os.chmod(d, 0o755)
        os.environ['TEST_TMP'] = d
    return d


def tmpdir(mode=0o755):
    """A new directory that only this test uses; run.sh removes it."""
    d = tempfile.mkdtemp(dir=base_tmp())
    os.chmod(d, mode)
    return d


def is_user(name):
    try:
        return pwd.getpwnam(name) is not None
    except KeyError:
        return False


def ensure_users():
    """As root, wampd wants its users and an empty directory."""
    if not IS_ROOT:
        return
    for u in USERS:
        if not is_user(u):
            # another test may be doing the same
            subprocess.run(['useradd', '-r', '-M', '-U', '-d', EMPTYDIR,
                            '-s', '/usr/sbin/nologin', u],
                           stderr=subprocess.DEVNULL)
            wait_until(lambda u=u: is_user(u), 10, 'user ' + u)
    os.makedirs(EMPTYDIR, mode=0o755, exist_ok=True)


def test_user():
    """An ordinary user for tests that are started by root, or None."""
    for u in ('nobody', 'daemon'):
        try:
            return pwd.getpwnam(u).pw_name
        except KeyError:
            pass
    return None


def proc_stat(pid):
    """(parent, state) of a process, or None."""
    try:
        with open('/proc/%d/stat' % pid) as f:
            rest = f.read().rsplit(')', 1)[1].split()
        return int(rest[1]), rest[0]
    except (OSError, IndexError, ValueError):
        return None


def is_alive(pid):
    st = proc_stat(pid)
    return st is not None and st[1] not in ('Z', 'X')


def make_cert(directory, name='localhost', kind='ec', days=30):
    """A self-signed certificate: (certificate, key)."""
    crt = os.path.join(directory, name + '.crt')
    key = os.path.join(directory, name + '.key')
    alg = {'ec': ['-newkey', 'ec', '-pkeyopt',
                  'ec_paramgen_curve:prime256v1'],
           'rsa': ['-newkey', 'rsa:2048']}[kind]
    subprocess.run(['openssl', 'req', '-x509', '-nodes'] + alg + [
        '-days', str(days), '-subj', '/CN=' + name, '-addext',
        'subjectAltName=DNS:%s,IP:127.0.0.1' % name,
        '-keyout', key, '-out', crt], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(key, 0o600)
    return crt, key


# -- the daemon ---------------------------------------------------------------

class Wampd:
    """wampd -d with a configuration.  As a context manager it is ready
    inside, and stopped and checked at the end."""

    def __init__(self, conf, args=None, as_user=None, macros=None,
                 wait=True, timeout=20, env=None, cwd=None, conf_path=None,
                 preexec=None, expect_reports=False):
        self.args = list(args or [])
        self.as_user = as_user
        self.macros = dict(macros or {})
        self.wait = wait
        self.timeout = timeout * (3 if SAN else 1)
        self.env = env
        self.cwd = cwd
        self.preexec = preexec
        self.expect_reports = expect_reports
        self.dir = tmpdir()
        self.conf_path = conf_path or os.path.join(self.dir, 'wampd.conf')
        self.log_path = os.path.join(self.dir, 'log')
        self.proc = None
        self.status = None
        self.write_conf(conf)

    def write_conf(self, conf):
        with open(self.conf_path, 'w') as f:
            f.write(conf)

    def command(self):
        cmd = [os.path.join(B, 'sbin', 'wampd'), '-d', '-f', self.conf_path]
        for k, v in self.macros.items():
            cmd += ['-D', '%s=%s' % (k, v)]
        return cmd + self.args

    def _become(self):
        if self.preexec is not None:
            self.preexec()
        if self.as_user is not None:
            pw = pwd.getpwnam(self.as_user)
            os.setgroups([])
            os.setgid(pw.pw_gid)
            os.setuid(pw.pw_uid)

    def start(self):
        ensure_users()
        env = dict(os.environ if self.env is None else self.env)
        log = open(self.log_path, 'wb')
        self.proc = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=env, cwd=self.cwd, preexec_fn=self._become)
        log.close()
        if not self.wait:
            return self
        end = time.monotonic() + self.timeout
        while not re.search(r'\bready\b', self.log()):
            if self.proc.poll() is not None:
                raise AssertionError('wampd ended with status %d:\n%s' % (
                    self.proc.returncode, self.log()))
            if time.monotonic() > end:
                self.kill()
                raise AssertionError('wampd is not ready:\n' + self.log())
            time.sleep(0.01)
        return self

    @property
    def pid(self):
        return self.proc.pid

    def log(self):
        with open(self.log_path, errors='replace') as f:
            return f.read()

    def wait_log(self, regex, timeout=10, count=1):
        """Wait for the count-th line that matches, return the match."""
        rx = re.compile(regex, re.M)

        def enough():
            found = list(rx.finditer(self.log()))
            return found[count - 1] if len(found) >= count else None
        try:
            return wait_until(enough, timeout * (3 if SAN else 1),
                              'log line /%s/' % regex)
        except AssertionError as e:
            raise AssertionError('%s; log:\n%s' % (e, self.log()))

    def children(self):
        """{'keeper': pid, 'broker 0': pid, 'tlsproxy 0': pid, ...}"""
        found = {}
        for d in os.listdir('/proc'):
            if not d.isdigit():
                continue
            st = proc_stat(int(d))
            if st is None or st[0] != self.pid or st[1] in ('Z', 'X'):
                continue
            try:
                with open('/proc/%s/cmdline' % d, 'rb') as f:
                    cmd = f.read().split(b'\0')[0].decode()
            except OSError:
                continue
            if cmd.startswith('wampd: '):
                found[cmd[len('wampd: '):]] = int(d)
        return found

    def child(self, name):
        return self.children()[name]

    def reload(self, conf=None, wait=True):
        """SIGHUP, with a new configuration if one is given; True if it was
        taken, False if it was refused."""
        if conf is not None:
            self.write_conf(conf)
        rx = re.compile(r'configuration (not )?reloaded')
        before = len(rx.findall(self.log()))
        self.proc.send_signal(signal.SIGHUP)
        if not wait:
            return None
        wait_until(lambda: len(rx.findall(self.log())) > before, 30,
                   'the reload')
        return rx.findall(self.log())[before] == ''

    def kill(self):
        if self.proc is not None and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()

    def stop(self, status=0, timeout=20):
        """SIGTERM; the exit status and the log must be as they should."""
        if self.proc is None:
            return
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
        try:
            self.status = self.proc.wait(timeout * (3 if SAN else 1))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError('wampd does not stop:\n' + self.log())
        self.proc = None
        if status is not None and self.status != status:
            raise AssertionError('wampd ended with status %d, not %d:\n%s' %
                                 (self.status, status, self.log()))
        self.check_log()

    def check_log(self):
        m = REPORT.search(self.log())
        if m and not self.expect_reports:
            raise AssertionError('"%s" in the log:\n%s' % (m.group(0),
                                                           self.log()))

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, kind, value, tb):
        if kind is not None:
            sys.stdout.write('-- log of wampd\n%s--\n' % self.log())
            self.kill()
            return False
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
        return False


def run_wampd(args, conf=None, timeout=30, as_user=None, cwd=None, env=None):
    """Run wampd to its end: (status, stdout, stderr)."""
    ensure_users()
    cmd = [os.path.join(B, 'sbin', 'wampd')] + list(args)
    if conf is not None:
        path = os.path.join(tmpdir(), 'wampd.conf')
        with open(path, 'w') as f:
            f.write(conf)
        cmd += ['-f', path]

    def become():
        if as_user is not None:
            pw = pwd.getpwnam(as_user)
            os.setgroups([])
            os.setgid(pw.pw_gid)
            os.setuid(pw.pw_uid)
    p = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=timeout * (3 if SAN else 1), cwd=cwd, env=env,
                       preexec_fn=become, text=True, errors='replace')
    return p.returncode, p.stdout, p.stderr
