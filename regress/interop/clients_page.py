# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The programs in wampd-clients(7), taken from the page and run against
# wampd; and what their checks of the router refuse.

import os
import re
import subprocess

from authmethods import (cra_line, cryptosign_line, scram_line, signing_key,
                         ticket_line)
from clientspage import programs
from daemon import (TOP, Skip, Wampd, done, free_port, run_case, tmpdir)
from impostor import sha, spki
from wampcrun import cert, finish, make_certs, popen

JS = os.path.join(TOP, 'regress', 'interop', 'js')
CONF = '''
keypair "localhost" { certificate $crt  key $key }
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port tls { keypair "localhost" }
limits { failures delay 10ms }
realm "realm1" {
	authenticate ticket, wampcra, scram, cryptosign from $users
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''
KEY, OTHER = signing_key(1), signing_key(2)
LOGINS = {
    'ticket': ('alice', 'wonder', 'bread'),
    'wampcra': ('carol', 'christmas', 'easter'),
    'scram': ('erin', 'brocko', 'pencil'),
    'cryptosign': ('frank', KEY.encode().hex(), OTHER.encode().hex()),
}
USERS = [
    ticket_line('alice', 'wonder', 'all'),
    cra_line('carol', 'christmas', 'all', salt='salt'),
    scram_line('erin', 'brocko', 'all', kdf='argon2id-13'),
    cryptosign_line('frank', KEY, role='all'),
]


def run(name, *args, ca=None, seconds=60):
    if name.endswith('.js'):
        if not os.path.isdir(os.path.join(JS, 'node_modules')):
            raise Skip('npm\'s packages are not installed')
        # import() does not heed NODE_PATH
        modules = os.path.join(DIR, 'node_modules')
        if not os.path.islink(modules):
            os.symlink(os.path.join(JS, 'node_modules'), modules)
        cmd = ['node']
    else:
        cmd = ['/usr/bin/python3']
    path = os.path.join(DIR, name)
    with open(path, 'w') as f:
        f.write(PROGRAMS[name])
    env = dict(os.environ)
    if ca is not None:
        env['NODE_EXTRA_CA_CERTS'] = cert(ca)
    try:
        return subprocess.run(cmd + [path] + list(args), env=env, text=True,
                              capture_output=True, timeout=seconds,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as e:
        assert not e.stdout, e.stdout
        return None


DIR = tmpdir()
PROGRAMS = programs()


def works(name, *args, **kw):
    p = run(name, *args, **kw)
    assert p is not None and p.stdout.startswith('5\n'), (name, p)


def refuses(name, *args, why='not trusted', **kw):
    p = run(name, *args, **kw)
    assert '5\n' not in p.stdout and why in p.stdout + p.stderr, (name, p)


def log_in(name, methods, *args, **kw):
    """each method, with a right and a wrong secret"""
    for method in methods:
        authid, right, wrong = LOGINS[method]
        path = os.path.join(DIR, 'secret')
        for secret, check in ((right, works), (wrong, denied)):
            with open(path, 'w') as f:
                f.write(secret + '\n')
            check(name, *args, method, authid, path, **kw)


def denied(*args, **kw):
    refuses(*args, why='wamp.error.authentication_denied', **kw)


def main():
    make_certs()
    d = tmpdir()
    users = os.path.join(d, 'users')
    with open(users, 'w') as f:
        f.write('\n'.join(USERS) + '\n')
    os.chmod(users, 0o600)
    key = os.path.join(d, 'key')
    with open(cert('good')[:-3] + 'key') as f, open(key, 'w') as g:
        g.write(f.read())
    os.chmod(key, 0o600)
    sockdir = os.path.join(d, 'run')
    os.mkdir(sockdir, 0o755)
    sock = os.path.join(sockdir, 'sock')
    port = free_port()
    url = 'wss://localhost:%d/' % port

    def unix_py():
        works('unix.py', sock)

    def unix_js():
        works('unix.js', sock)

    def tls_py():
        works('tls.py', url, cert('ca'))

    def tls_js():
        works('tls.js', url, ca='ca')

    def wampy_js():
        works('wampy.js', url, ca='ca')

    def pinned_key_py():
        pins = ['0' * 64, sha(256, spki('good'))]
        works('pin.py', url, *pins)
        for wrong in ([], pins[:1]):
            refuses('pin.py', url, *wrong, why='not trusted: its key')

    def pinned_key_js():
        pins = ['0' * 64, sha(256, spki('good'))]
        works('pin.js', url, *pins, ca='ca')
        for wrong in ([], pins[:1]):
            refuses('pin.js', url, *wrong, ca='ca',
                    why='not trusted: its key')
        refuses('pin.js', url, *pins, ca='otherca', why='UNABLE_TO_VERIFY')

    def wrong_authority():
        refuses('tls.py', url, cert('otherca'), why='certificate verify')
        refuses('wampy.js', url, ca='otherca', why='UNABLE_TO_VERIFY')
        # retries for ever, and says nothing
        p = run('tls.js', url, ca='otherca', seconds=3)
        assert p is None, p

    def login_py():
        log_in('login.py', LOGINS, str(port), cert('ca'))

    def login_js():
        methods = [m for m in LOGINS if m != 'scram']
        log_in('login.js', methods, url, ca='ca')
        log_in('login-wampy.js', methods, url, ca='ca')

    def writable_directory():
        for name in ('unix.py', 'unix.js'):
            for x in (d, sockdir):
                os.chmod(x, 0o775)
                try:
                    refuses(name, sock)
                finally:
                    os.chmod(x, 0o755)

    def symbolic_link():
        link = os.path.join(d, 'link')
        os.symlink('run', link)
        for name in ('unix.py', 'unix.js'):
            refuses(name, os.path.join(link, 'sock'))

    with Wampd(CONF, macros={'crt': cert('good'), 'key': key, 'sock': sock,
                             'port': port, 'users': users}):
        callee = popen(['-s', sock, '-v', 'register', 'com.example.add',
                        '--', '/usr/bin/python3', '-c',
                        'import json; print(sum(json.loads(input())'
                        '["args"]))'])
        assert b'registered' in callee.stderr.readline()
        for fn in (unix_py, tls_py, unix_js, tls_js, wampy_js,
                   pinned_key_py, pinned_key_js, wrong_authority, login_py,
                   login_js, writable_directory, symbolic_link):
            run_case(fn)
        callee.terminate()
        finish(callee)
    done()


main()
