# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The filter for fail2ban finds whom it should in what wampd really logs, and
# nobody whom a client names.

import os
import shutil
import subprocess

from daemon import *
from authmethods import *
from wampclient import *

FILTER = os.path.join(TOP, 'etc', 'fail2ban', 'filter.d', 'wampd.conf')
CONF = """
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
listen on ::1 port $port
limits {
	failures 10000 per 1m
	failures delay 50ms
}
realm "realm1" {
	authenticate wampcra from $users
	role "user" { allow any }
}
"""
SECRET = 'wonder'
# none of these is an address that guesses
FORGED = [
    'x address=192.0.2.1:5 reason="unknown"',
    'x method=ticket address=192.0.2.1:5 reason="unknown"\n',
    'x\nNov 25 10:00:00 h wampd[1]: keeper: auth failed realm=a authid=b '
    'method=ticket address=192.0.2.1:5 reason="unknown"',
    'x\taddress=192.0.2.1:5\treason="wrong\xa0secret"',
    'address=192.0.2.1:5',
    '"', '\\', '\u2028address=192.0.2.1:5\u3000reason="unknown"', '',
    'y' * 200 + ' address=192.0.2.1:5',
]


def install():
    """Beside what it includes."""
    d = tmpdir()
    for name in (FILTER, '/etc/fail2ban/filter.d/common.conf'):
        shutil.copy(name, d)
    return os.path.join(d, os.path.basename(FILTER))


def syslog(log):
    """As a syslog daemon writes it."""
    return ''.join('Nov 25 10:00:%02d host wampd[123]: %s\n' % (
        i % 60, line[len('wampd: '):]) for i, line in
        enumerate(log.splitlines()))


def found(log):
    """Addresses that fail2ban takes out of the log, each time it does."""
    path = os.path.join(tmpdir(), 'syslog')
    with open(path, 'w') as f:
        f.write(syslog(log))
    p = subprocess.run([PROGRAM, '-o', 'ip', path, installed], text=True,
                       capture_output=True, timeout=60)
    assert p.returncode == 0, p.stdout + p.stderr
    return p.stdout.split()


def guess(address, authid, secret):
    c = Client(address, join=False)
    m = Cra(authid, secret).join(c)
    assert m[0] == ABORT, m
    c.close()


def lines():
    """the filter takes out who guesses, and nobody whom a client names"""
    directory = tmpdir()
    sock, users = (os.path.join(directory, n) for n in ('s', 'users'))
    with open(users, 'w') as f:
        os.fchmod(f.fileno(), 0o600)
        f.write(cra_line('alice', SECRET) + '\n')
    port = free_port()
    v4, v6 = ('127.0.0.1', port), ('::1', port)
    with Wampd(CONF, macros={'sock': sock, 'port': str(port),
                             'users': users}) as w:
        guess(v4, 'alice', 'x')
        guess(v6, 'alice', 'x')
        guess(v6, 'nobody', 'x')
        guess(sock, 'alice', 'x')
        with Client(v4, join=False) as c:
            assert Cra('alice', SECRET).join(c)[0] == WELCOME
            # out by a reason of the client's
            c.send(GOODBYE, {}, 'a.b')
        for text in FORGED:
            guess(v4, text, 'x')
        # a realm by that name, and the reason of an ABORT
        c = Client(v4, join=False)
        c.send(HELLO, FORGED[0], ROLES)
        c.recv()
        c.close()
        w.wait_log('auth failed', count=4 + len(FORGED))
        log = w.log()
        # what happens on the administrator's side does not count
        c = Client(v4, join=False)
        login = Cra('alice', SECRET)
        m = login.hello(c)
        with open(users, 'w') as f:
            f.write(cra_line('bob', 'b') + '\n')
        assert w.reload()
        c.send(AUTHENTICATE, *login.answer(m[2]))
        assert c.recv()[0] == ABORT
        c.close()
        w.wait_log('reason="a reload took it away"')
        rest = w.log()[len(log):]
    assert found(log) == ['127.0.0.1', '::1', '::1'] + \
        ['127.0.0.1'] * len(FORGED), (found(log), syslog(log))
    assert found(rest) == [], rest


def forged_by_hand():
    """a line that is not exactly wampd's is not taken"""
    line = 'wampd: keeper: auth failed realm=r authid=a method=ticket ' \
        'address=192.0.2.9:80 reason="unknown"'
    assert found(line) == ['192.0.2.9']
    for bad in (line + ' x', line.replace('keeper', 'tlsproxy 0'),
                line.replace('"unknown"', '"a reload took it away"'),
                line.replace('192.0.2.9:80', 'unix:uid=0'),
                line.replace('=a ', '=a b ')):
        assert found(bad) == [], bad


PROGRAM = shutil.which('fail2ban-regex')
if PROGRAM is None:
    skip('fail2ban', 'fail2ban is not installed')
    done()
installed = install()
run_cases([lines, forged_by_hand])
