# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The administrator's whole way: lines that wampc passwd and wampc key print
# make a users file, wampd reads it, and wampc logs in by each method with
# right and wrong secrets, over the Unix socket; over other transports in a
# realm whose passwords cost less time.  With SCRAM the router proves itself,
# too.

import os

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric.ed25519 import \
    Ed25519PrivateKey

from authmethods import cra_line, scram_line, ticket_line
from daemon import Wampd, done, free_port, run_case, tmpdir
from wampcrun import cert, expect, make_certs, wampc

CONF = '''
listen on socket $sock mode 0666
listen on 127.0.0.1 port $plain
listen on 127.0.0.1 port $tls tls { keypair "localhost" }
keypair "localhost" {
	certificate $crt
	key $key
}
limits {
	failures 10000 per 1m
	failures delay 10ms
}
realm "realm1" {
	authenticate scram, wampcra, ticket, cryptosign from $users
	role "user" { allow publish exact "com.example.user" }
	role "admin" { allow publish exact "com.example.admin" }
}
realm "cheap" {
	authenticate scram, wampcra, ticket, cryptosign from $cheap
	role "user" { allow publish exact "com.example.user" }
	role "admin" { allow publish exact "com.example.admin" }
}
'''
DIR = tmpdir()
DENIED = '^wampc: wamp.error.authentication_denied: authentication denied$'
# SASLprep makes "IX" of the first, and a space of the second
TYPED, PREPARED = '\u2168\u00a0sécret', 'IX sécret'


def file_of(content, name=None):
    path = os.path.join(DIR, name or 'f%d' % len(os.listdir(DIR)))
    with open(path, 'wb') as f:
        f.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, 0o600)
    return path


def passwd(method, authid, password, *args):
    """the line that wampc passwd prints"""
    r = wampc('passwd', '-m', method, *args, authid,
              stdin=password.encode() + b'\n')
    assert r.status == 0 and r.err == '' and password not in r.out, r
    return r.out


def two_keys(form):
    """new keys in files of this form"""
    return [file_of(Ed25519PrivateKey.generate().private_bytes(
        *form, ser.NoEncryption())) for _ in range(2)]


def key(authid, path, *args):
    """the line that wampc key prints for this key"""
    r = wampc('key', '-i', path, *args, authid)
    assert r.status == 0 and r.err == '', r
    return r.out


RAW = (ser.Encoding.Raw, ser.PrivateFormat.Raw)
OPENSSH = (ser.Encoding.PEM, ser.PrivateFormat.OpenSSH)
PEM = (ser.Encoding.PEM, ser.PrivateFormat.PKCS8)


def cheap_line(method, authid, password, *args):
    """what passwd() makes, as cheap as wampc and wampd take it"""
    o = dict(zip(args[::2], args[1::2]))
    role = o.get('-r', 'user')
    if set(authid) & set(' :,"'):
        authid = '"%s"' % authid.replace('"', '\\"')
    if method == 'ticket':
        return ticket_line(authid, password, role) + '\n'
    if method == 'wampcra':
        return cra_line(authid, password, role, salt='salt') + '\n'
    kdf = o.get('-k', 'argon2id13')
    return scram_line(authid, password if kdf == 'argon2id-13' else PREPARED,
                      role, kdf=kdf, memory=8192) + '\n'


def principals():
    """([line], [cheap line], [(method, authid, option, file, wrong file,
    role)])"""
    lines, cheap, found = ['# made by wampc\n'], [], []

    def secret(methods, authid, password, *args, role='user'):
        made = methods[0].replace('wamp-scram', 'scram')
        if role != 'user':
            args += ('-r', role)
        lines.append(passwd(made, authid, password, *args))
        cheap.append(cheap_line(made, authid, password, *args))
        right, wrong = file_of(password + '\n'), file_of(password + 'x\n')
        option = '--ticket-file' if made == 'ticket' else '--secret-file'
        for method in methods:
            found.append((method, authid, option, right, wrong, role))

    def both(line):
        lines.append(line)
        cheap.append(line)

    secret(['ticket'], 'alice', 'tikét')
    secret(['ticket'], 'a:b, "c"', TYPED, role='admin')
    secret(['wampcra'], 'bob', TYPED, role='admin')
    secret(['wamp-scram'], 'carol', TYPED)
    secret(['wamp-scram', 'scram'], 'd=a,ve', TYPED, '-k', 'pbkdf2',
           role='admin')
    secret(['scram'], 'erin', TYPED, '-k', 'argon2id-13')
    # passwd makes salted ones only
    both(cra_line('plain', 'builder') + '\n')
    found.append(('wampcra', 'plain', '--secret-file', file_of('builder\n'),
                  file_of('Builder\n'), 'user'))
    for authid, form in (('raw', RAW), ('openssh', OPENSSH), ('pem', PEM)):
        right, wrong = two_keys(form)
        both(key(authid, right, '-r', 'admin'))
        found.append(('cryptosign', authid, '--key-file', right, wrong,
                      'admin'))
    # a pair that wampc key makes itself, in hexadecimal
    new, other = (os.path.join(DIR, x) for x in ('new.key', 'other.key'))
    r = wampc('key', '-o', new, 'hex')
    assert r.status == 0, r
    both(r.out)
    assert wampc('key', '-o', other).status == 0
    found.append(('cryptosign', 'hex', '--key-file', new, other, 'user'))
    return lines, cheap, found


def log_in(where, method, authid, option, right, wrong, role):
    a = [*where, '--auth', method]
    topic = 'com.example.' + role
    expect(wampc(*a, '--authid', authid, option, right, 'publish', topic),
           0, '')
    expect(wampc(*a, '--authid', authid, option, wrong, 'publish', topic),
           4, '', DENIED)
    expect(wampc(*a, '--authid', 'nobody', option, right, 'publish', topic),
           4, '', DENIED)


def whatever_the_router_asks(where, found):
    """without --auth the router chooses"""
    for method, authid, option, right, wrong, role in found:
        for path, status in ((right, 0), (wrong, 4)):
            expect(wampc(*where, '--authid', authid, option, path,
                         'publish', 'com.example.' + role), status, '',
                   DENIED if status else None)


def key_without_name(where, found):
    """by cryptosign the key alone tells who it is"""
    for method, authid, option, right, wrong, role in found:
        if method == 'cryptosign':
            a = [*where, option]
            expect(wampc(*a, right, 'publish', 'com.example.' + role), 0, '')
            expect(wampc(*a, wrong, 'publish', 'com.example.' + role), 4,
                   '', DENIED)


def said_in_the_log(wampd, found):
    """no secret, and who failed"""
    log = wampd.log()
    for method, authid, option, right, wrong, role in found:
        for path in (right, wrong):
            with open(path, 'rb') as f:
                text = f.read().decode('latin-1').strip()
            assert text not in log, (method, authid)
    for method in ('ticket', 'wampcra', 'scram', 'wamp-scram', 'cryptosign'):
        wampd.wait_log(r'auth failed realm=cheap authid=nobody method=%s '
                       r'address=\S+ reason="unknown"$' % method)
        wampd.wait_log(r'auth failed realm=cheap authid=\S.* method=%s '
                       r'address=\S+ reason="wrong secret"$' % method)


def main():
    make_certs()
    lines, cheap, found = principals()
    with open(cert('good')[:-3] + 'key', 'rb') as f:
        key_path = file_of(f.read())
    sock = os.path.join(tmpdir(), 'sock')
    plain, tls = free_port(), free_port()
    unix = ['-s', sock, '--serializer', 'msgpack']
    tls_args = ['-r', 'cheap', '--cafile', cert('ca'), '-u']
    rss = [*tls_args, 'rss://localhost:%d' % tls, '--serializer', 'cbor']
    wss = [*tls_args, 'wss://localhost:%d/' % tls, '--serializer', 'json']
    ws = ['-r', 'cheap', '--insecure', '-u', 'ws://127.0.0.1:%d/' % plain]
    with Wampd(CONF, macros={'sock': sock, 'plain': plain, 'tls': tls,
                             'crt': cert('good'), 'key': key_path,
                             'users': file_of(''.join(lines)),
                             'cheap': file_of(''.join(cheap))}) as wampd:
        for name, where in (('unix', unix), ('rss', rss), ('wss', wss),
                            ('ws', ws)):
            for p in found:
                def case():
                    log_in(where, *p)
                case.__doc__ = '%s of %s, %s' % (p[0], p[1], name)
                run_case(case)
        for fn, args in ((whatever_the_router_asks, ([*unix, '-r', 'cheap'], found)),
                         (key_without_name, (rss, found)),
                         (said_in_the_log, (wampd, found))):
            def rest():
                fn(*args)
            rest.__doc__ = fn.__doc__
            run_case(rest)
    done()


main()
