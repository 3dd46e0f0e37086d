# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampctl: its words and what they print.

import json
import os
import subprocess

from daemon import B, SAN, run_cases, tmpdir
from impostor import issue, sha, spki
from wampcrun import CERTS, REPORT, cert, make_certs

WAMPCTL = os.path.join(B, 'sbin', 'wampctl')
REALM = 'realm "r" {\n authenticate anonymous role "a"\n role "a" { ' \
    'allow any }\n}\n'


def wampctl(*args):
    p = subprocess.run([WAMPCTL, *args], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True,
                       timeout=60 if SAN else 20)
    assert not REPORT.search(p.stderr), p.stderr
    return p.returncode, p.stdout, p.stderr


def conf(text):
    path = os.path.join(tmpdir(), 'wampd.conf')
    with open(path, 'w') as f:
        f.write(text + REALM)
    os.chmod(path, 0o644)
    return path


def keypair(name, label=None):
    return 'keypair "%s" {\n certificate "%s"\n key "%s"\n}\n' % (
        label or name, cert(name), cert(name)[:-3] + 'key')


def record(port, host, name):
    return '_%d._tcp.%s. IN TLSA 3 1 1 %s\n' % (port, host,
                                               sha(256, spki(name)))


def usage():
    """no word, one that is none, and options that are wrong"""
    for args in ([], ['tlsa', '-x'], ['tlsa', '-D', 'x'],
                 ['tlsa', 'a', 'b'], ['-x'], ['-s']):
        status, out, err = wampctl(*args)
        assert status == 1 and out == '' and 'usage: wampctl' in err, (
            args, status, out, err)
    for args in (['nonsense'], ['']):
        status, out, err = wampctl(*args)
        assert status == 1 and out == '' and 'expected here:' in err, (
            args, status, out, err)
    status, out, err = wampctl('-V')
    assert status == 0 and out.startswith('wampctl '), out


def whole():
    """a record for each name, port and key"""
    path = conf(
        keypair('one') + keypair('two') + keypair('unused') +
        'listen on 127.0.0.1 port 8443 tls { keypair "one"\n'
        ' keypair "two" }\n'
        'listen on ::1 port 8443 tls { keypair "one" }\n'
        'listen on localhost port 9443 tls { keypair "two" }\n'
        'listen on 127.0.0.1 port 8080\n'
        'listen on socket "/run/x/sock"\n')
    want = (record(8443, 'one.example.org', 'one') +
            record(8443, 'other.example.org', 'one') +
            record(8443, 'two.example.org', 'two') +
            record(9443, 'two.example.org', 'two'))
    status, out, err = wampctl('tlsa', '-f', path)
    assert status == 0 and out == want, (status, out, err)
    assert 'keypair "two": *.wild.example.org: give each host' in err, err
    status, out, err = wampctl('-j', 'tlsa', '-f', path)
    got = json.loads(out)
    assert status == 0 and got[0] == {
        'name': '_8443._tcp.one.example.org.', 'host': 'one.example.org',
        'port': 8443, 'usage': 3, 'selector': 1, 'matching_type': 1,
        'data': sha(256, spki('one'))}, out
    assert ''.join('%(name)s IN TLSA %(usage)d %(selector)d '
                   '%(matching_type)d %(data)s\n' % r for r in got) == want
    # of one host: by its name, and behind a wildcard
    for host, want in (
            ('One.Example.org.', record(8443, 'one.example.org', 'one')),
            ('a.wild.example.org',
             record(8443, 'a.wild.example.org', 'two') +
             record(9443, 'a.wild.example.org', 'two'))):
        status, out, err = wampctl('tlsa', '-f', path, host)
        assert status == 0 and out == want, (status, out, err)
    for host, why in (('else.example.org', 'certificate for else.'),
                      ('a.b.wild.example.org', 'no TLS listener has'),
                      ('nobody.example.org', 'no TLS listener has'),
                      ('a;b', 'not the name'), ('*', 'not the name'),
                      ('', 'not the name'), ('x' * 300, 'not the name')):
        status, out, err = wampctl('tlsa', '-f', path, host)
        assert status == 1 and out == '' and why in err, (host, out, err)


def macros():
    """-D defines a macro of the configuration"""
    path = conf('p = "8443"\n' + keypair('one') +
                'listen on 127.0.0.1 port $p tls { keypair "one" }\n')
    status, out, err = wampctl('tlsa', '-D', 'p=9000', '-f', path,
                               'one.example.org')
    assert status == 0 and out == record(9000, 'one.example.org', 'one'), (
        status, out, err)


def failures():
    """a configuration or a certificate that cannot be read"""
    path = conf('nonsense\n')
    status, out, err = wampctl('tlsa', '-f', path)
    assert status == 1 and out == '' and path + ':1: ' in err, err
    assert wampctl('tlsa', '-f', '/nonexistent')[0] == 1
    path = conf('listen on 127.0.0.1 port 8080\n')
    status, out, err = wampctl('tlsa', '-f', path)
    assert status == 1 and 'no TLS listener' in err, err
    assert wampctl('-j', 'tlsa', '-f', path)[:2] == (1, '[]\n')
    os.mkfifo(os.path.join(CERTS, 'pipe.crt'))
    with open(cert('empty'), 'w'):
        pass
    listen = 'listen on 127.0.0.1 port 8443 tls { keypair "one"\n' \
        ' keypair "%s" }\n'
    for name, why in (('missing', 'No such file'), ('pipe', 'regular file'),
                      ('empty', 'holds no certificate')):
        path = conf(keypair('one') + keypair(name) + listen % name)
        status, out, err = wampctl('tlsa', '-f', path)
        assert status == 1 and 'keypair "%s": certificate %s: ' % (
            name, cert(name)) in err and why in err, err
        # the others are printed all the same
        assert out == record(8443, 'one.example.org', 'one') + \
            record(8443, 'other.example.org', 'one'), out


def strange_names():
    """a name in a certificate that would be more than one in a zone"""
    for name in ('a b', 'a;b', 'a.*.b', '*', 'a(b', 'a@b', 'a/b'):
        issue('odd', '@alt\n[alt]\nDNS.1=%s\nDNS.2=fine.example.org' % name)
        path = conf(keypair('odd') +
                    'listen on 127.0.0.1 port 8443 tls { keypair "odd" }\n')
        status, out, err = wampctl('tlsa', '-f', path)
        assert status == 1 and 'cannot be published' in err, (name, err)
        assert out == record(8443, 'fine.example.org', 'odd'), out


def full():
    """standard output that cannot be written"""
    path = conf(keypair('one') +
                'listen on 127.0.0.1 port 8443 tls { keypair "one" }\n')
    with open('/dev/full', 'w') as f:
        p = subprocess.run([WAMPCTL, 'tlsa', '-f', path], stdout=f,
                           stderr=subprocess.PIPE, text=True)
    assert p.returncode == 1 and 'standard output' in p.stderr, p.stderr


make_certs()
issue('one', 'DNS:one.example.org,DNS:OTHER.example.org')
issue('two', 'DNS:two.example.org,DNS:*.wild.example.org,IP:127.0.0.1')
issue('unused', 'DNS:nobody.example.org')
run_cases([usage, whole, macros, failures, strange_names, full])
