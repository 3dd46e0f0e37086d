# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampc --dane against zones of our own: the right router by each kind of
# TLSA record, and those that are not, for which the record is missing, of
# another key, unsigned, stale or forged.

import os
import socket
import subprocess
import time

from clientspage import programs
from daemon import (B, IS_ROOT, Skip, Wampd, done, free_port, run_case,
                    tmpdir)
from dnszone import ROOT_KEY, Hosts, Zones, need_tools
from impostor import Impostor, issue, issue_authority, sha, spki, whole
from wampcrun import SLOW, bound, cert, expect, finish, make_certs

HELLO = b'\x7f\xf2\0\0'             # RawSocket's handshake, MessagePack
RECORD = 'TLSA record _%d._tcp.%s: '
ANOTHER = 'the TLSA record _%d._tcp.%s is of another key or certificate'

# name in the zone "good.example": its records, as (usage, selector,
# matching type, certificate) or text
NAMES = {
    'ee-key': [(3, 1, 1, 'strange')],
    'ee-key-512': [(3, 1, 2, 'strange')],
    'ee-cert': [(3, 0, 1, 'strange')],
    'ee-cert-512': [(3, 0, 2, 'strange')],
    'ta-key': [(2, 1, 1, 'ca')],
    'ta-cert': [(2, 0, 1, 'ca')],
    'ta-key-512': [(2, 1, 2, 'ca')],
    'ta-cert-512': [(2, 0, 2, 'ca')],
    'ta-middle': [(2, 1, 1, 'middle')],
    'ta-other': [(2, 1, 1, 'otherca')],
    'ta-as-ee': [(2, 1, 1, 'strange')],
    'ee-as-ta': [(3, 1, 1, 'ca')],
    'rollover': [(3, 1, 1, 'other'), (3, 1, 1, 'strange')],
    'other-key': [(3, 1, 1, 'other')],
    'unusable': [(0, 1, 1, 'ca'), (1, 1, 1, 'strange'),
                 '3 1 0 %s' % ('00' * 91), '3 1 1 %s' % ('00' * 31),
                 '3 1 3 %s' % ('00' * 32), '7 7 7 00', '3 2 1 ' + '00' * 32],
    'among-unusable': ['3 1 1 00', (1, 1, 1, 'other'),
                       (3, 1, 1, 'strange')],
    # RFC 7671, 9: the weaker hash no longer counts
    'stronger': [(3, 1, 1, 'strange'), (3, 1, 2, 'other')],
    'nothing': [],
}


def record(r):
    if isinstance(r, str):
        return r
    usage, selector, matching, name = r
    octets = (whole if selector == 0 else spki)(name)
    return '%d %d %d %s' % (usage, selector, matching,
                            sha({1: 256, 2: 512}[matching], octets))


def wampd_conf(port):
    return ('keypair "strange" {\n certificate "%s"\n key "%s"\n}\n'
            'listen on 127.0.0.1 port %d tls { keypair "strange" }\n'
            'realm "realm1" {\n authenticate anonymous role "a"\n'
            ' role "a" { allow any }\n}\n' % (
                cert('wampd'), cert('wampd')[:-3] + 'key', port))


def wampctl_tlsa(path):
    return subprocess.run(
        [os.path.join(B, 'sbin', 'wampctl'), 'tlsa', '-f', path], check=True,
        stdout=subprocess.PIPE, text=True).stdout


def zones(port, conf):
    z = Zones()
    key = record((3, 1, 1, 'strange'))
    tlsa = '_%d._tcp.www TLSA ' % port

    lines = ['dane-key TLSA ' + key,
             '_%d._tcp.alias CNAME dane-key' % port,
             '_%d._tcp.leave CNAME dane-key.unsigned.example.' % port]
    for name, records in NAMES.items():
        lines += ['%s TXT x' % name]
        lines += ['_%d._tcp.%s TLSA %s' % (port, name, record(r))
                  for r in records]
    z.add('good.example', lines)
    z.add('unsigned.example', [tlsa + key, 'dane-key TLSA ' + key],
          signed=False)
    z.add('stripped.example', [tlsa + key])
    z.zones['stripped.example'] = 'stripped.example'    # not .signed
    z.add('stale.example', [tlsa + key],
          dates=['-i', '20200101000000', '-e', '20200201000000'])
    z.add('early.example', [tlsa + key],
          dates=['-i', '20980101000000', '-e', '20990201000000'])
    other = record((3, 1, 1, 'other')).split()[-1]
    z.add('forged.example', [tlsa + '3 1 1 ' + other],
          change=(other, key.split()[-1]))
    z.add('wampd.example', [wampctl_tlsa(conf)])
    # signed, but by a key that nobody published as an anchor
    with open(z.anchors) as f:
        anchors = f.read()
    z.add('foreign.example', [tlsa + key])
    with open(z.anchors, 'w') as f:
        f.write(anchors)
    return z


class Dane:
    def __init__(self, port, z, conf):
        self.port, self.z, self.conf = port, z, conf
        self.hosts = Hosts(['%s.good.example' % n for n in
                            list(NAMES) + ['alias', 'leave']] +
                           ['www.%s' % n for n in z.zones] +
                           ['else.wampd.example'])

    def args(self, host, *more, resolver=None, anchor=None):
        return ['-u', 'rss://%s:%d' % (host, self.port), '--dane',
                '--resolver', resolver or self.z.resolver(),
                '--trust-anchor', anchor or self.z.anchors, *more,
                'call', 'a']

    def accept(self, name, crt, *more):
        with Impostor(crt, self.port) as r:
            q = self.hosts.wampc(*self.args(name + '.good.example', *more))
            expect(q, 4, '', 'refused: RawSocket: ')
            assert r.told() == HELLO, r.heard

    def refuse(self, host, crt, why, *more, came=None, **kw):
        if '%' in why:
            why %= (self.port, host)
        with Impostor(crt, self.port) as r:
            q = self.hosts.wampc(*self.args(host, *more, **kw))
            expect(q, 3, '', '^wampc: router not trusted: .*' + why)
            assert r.told() == b'', r.heard
            # a record that is none is no reason even to connect
            assert came is None or (r.came > 0) == came, (r.came, q)


# -- cases --------------------------------------------------------------------

ACCEPTED = [
    # a name of its own, long expired, signed by nobody: the key is proof
    ('ee-key', 'strange'), ('ee-key-512', 'strange'),
    ('ee-cert', 'strange'), ('ee-cert-512', 'strange'),
    ('ta-key', 'good-chain'), ('ta-cert', 'good-chain'),
    ('ta-key-512', 'good-chain'), ('ta-cert-512', 'good-chain'),
    ('ta-middle', 'middle-chain'), ('ta-key', 'middle-chain'),
    ('rollover', 'strange'), ('rollover', 'other'),
    ('among-unusable', 'strange'), ('alias', 'strange'),
]

REFUSED = [
    # host, certificate, why, does wampc connect
    ('other-key.good.example', 'strange', ANOTHER, True),
    ('ee-as-ta.good.example', 'good-chain', ANOTHER, True),
    ('ta-as-ee.good.example', 'strange', ANOTHER, True),
    ('stronger.good.example', 'strange', ANOTHER, True),
    ('ta-other.good.example', 'good-chain', ANOTHER, True),
    # the authority is not sent along
    ('ta-key.good.example', 'good-alone', ANOTHER, True),
    # it is, but did not sign
    ('ta-key.good.example', 'mixed-chain', 'not signed by the authority',
     True),
    ('ta-key.good.example', 'old-chain', 'certificate has expired', True),
    ('ta-key.good.example', 'name-chain', '[Hh]ostname mismatch', True),
    ('unusable.good.example', 'strange', RECORD + 'none of usage 2 or 3',
     False),
    ('nothing.good.example', 'strange', RECORD + 'there is none', False),
    ('www.good.example', 'strange', RECORD + 'there is none', False),
    ('www.unsigned.example', 'strange', RECORD + 'not signed', False),
    ('leave.good.example', 'strange', RECORD + 'not signed', False),
    ('www.foreign.example', 'strange', RECORD + 'not signed', False),
    ('www.stripped.example', 'strange', RECORD + 'bogus: ', False),
    ('www.stale.example', 'strange', RECORD + 'bogus: .*expired', False),
    ('www.early.example', 'strange', RECORD + 'bogus: .*', False),
    ('www.forged.example', 'strange', RECORD + 'bogus: .*', False),
]


def with_others(d):
    """--pin and --cafile hold as well, if they are given"""
    def pin(name):
        return 'sha256:' + sha(256, spki(name))
    d.accept('ee-key', 'strange', '--pin', pin('strange'))
    d.refuse('ee-key.good.example', 'strange', 'is not pinned', '--pin',
             pin('good'))
    d.refuse('ee-key.good.example', 'strange', 'TLS: .*verif', '--cafile',
             cert('ca'))
    d.accept('ta-key', 'good-chain', '--cafile', cert('ca'))
    d.refuse('other-key.good.example', 'good-chain', ANOTHER, '--cafile',
             cert('ca'), '--pin', pin('good-chain'))


def default_anchor(d):
    """without --trust-anchor the keys of the root count"""
    with Impostor('strange', d.port) as r:
        q = d.hosts.wampc('-u', 'rss://ee-key.good.example:%d' % d.port,
                          '--dane', '--resolver', d.z.resolver(), 'call',
                          'a')
        expect(q, 3, '', 'router not trusted: TLSA record')
        assert r.came == 0


def system(d):
    """What resolv.conf and the keys of the root say: a Hosts, and its name
    server to be started."""
    if not IS_ROOT:
        raise Skip('only root can be a name server on port 53')
    if not os.path.exists(ROOT_KEY):
        raise Skip('no ' + ROOT_KEY)
    address = '127.0.5.3'
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.bind((address, 53))
    except OSError as e:
        raise Skip('port 53: %s' % e)
    finally:
        s.close()
    return Hosts(['ee-key.good.example'], address, d.z.anchors), \
        d.z.at(address, 53)


def defaults(d):
    """without --resolver and --trust-anchor the system's count"""
    hosts, server = system(d)
    with Impostor('strange', d.port) as r, server:
        q = hosts.wampc('-u', 'rss://ee-key.good.example:%d' % d.port,
                        '--dane', 'call', 'a')
        expect(q, 4, '', 'refused: RawSocket: ')
        assert r.told() == HELLO


def clients_page(d):
    """tlsa.py of wampd-clients(7) finds the same"""
    if subprocess.run(['/usr/bin/python3', '-c', 'import unbound'],
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip('no python3-unbound')
    hosts, server = system(d)
    path = os.path.join(tmpdir(), 'tlsa.py')
    with open(path, 'w') as f:
        f.write(programs()['tlsa.py'])

    def tlsa(host):
        p = subprocess.run(
            hosts.command('/usr/bin/python3', path, host, str(d.port)),
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60)
        return p.returncode, p.stdout, p.stderr
    with server:
        found = sha(256, spki('strange')) + '\n'
        assert tlsa('ee-key.good.example') == (0, found, '')
        for host in ('nothing.good.example', 'www.unsigned.example',
                     'www.stale.example', 'www.forged.example'):
            status, out, err = tlsa(host)
            assert status == 1 and out == '' and 'not trusted' in err, (
                host, status, out, err)


def published(d):
    """wampd, and what wampctl tlsa says is to be published for it"""
    with Wampd(wampd_conf(d.port), conf_path=d.conf):
        q = d.hosts.wampc(*d.args('www.wampd.example'))
        expect(q, 5, '', 'wamp.error.no_such_procedure')
        q = d.hosts.wampc(*d.args('else.wampd.example'))
        expect(q, 3, '', 'there is none')


def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', 0))
    return s, '127.0.0.1@%d' % s.getsockname()[1]


def resolver_away(d):
    """a resolver that is not there"""
    d.refuse('ee-key.good.example', 'strange', RECORD + 'the look-up failed',
             resolver='127.0.0.1@%d' % free_port(), came=False)


def resolver_silent(d):
    """a resolver that says nothing: -w or a signal ends the look-up"""
    with Impostor('strange', d.port) as r:
        s, silent = udp()
        args = d.args('ee-key.good.example', resolver=silent)
        begin = time.monotonic()
        q = d.hosts.wampc('-w', '0.5', *args)
        expect(q, 6, '', 'timeout: no answer about the TLSA record')
        assert time.monotonic() - begin < 5 * SLOW
        s.close()
        s, silent = udp()
        args = d.args('ee-key.good.example', resolver=silent)
        args[-2:] = ['subscribe', 'a']
        p = d.hosts.start(*args)
        s.settimeout(10 * SLOW)
        s.recv(4096)
        p.terminate()
        q = finish(p, timeout=5)
        assert q.status == 0 and q.err == '', q
        assert r.came == 0
        s.close()


def noise(d):
    """a resolver that answers with noise"""
    s, resolver = udp()
    s.settimeout(0.02)
    args = d.args('ee-key.good.example', resolver=resolver)
    with Impostor('strange', d.port) as r:
        p = d.hosts.start('-w', '3', *args)
        while p.poll() is None:
            try:
                q, peer = s.recvfrom(4096)
            except OSError:
                continue
            # its own id and question, then anything
            s.sendto(q[:2] + b'\x81\x80' + q[4:6] + b'\0\3\0\1\0\1' +
                     q[12:] + os.urandom(80), peer)
        q = finish(p)
        assert q.status in (3, 6), q
        assert r.came == 0
    s.close()


def options(d):
    """what does not go with --dane, or only with it"""
    for args, err in (
            (['-s', '/x', '--dane'], '--dane: for rss:// and wss:// only'),
            (['-u', 'rss://127.0.0.1:1', '--dane'], 'name of a host'),
            (['-u', 'rss://[::1]:1', '--dane'], 'name of a host'),
            (['-u', 'rss://a:1', '--resolver', '::1'], 'with --dane only'),
            (['-u', 'rss://a:1', '--trust-anchor', d.z.anchors],
             'with --dane only'),
            (['-u', 'rss://a:1', '--dane', '--resolver', 'localhost'],
             '--resolver localhost: must be an address'),
            (['-u', 'rss://a:1', '--dane', '--trust-anchor', '/nonexistent'],
             '--trust-anchor /nonexistent: cannot be read'),
            (['-u', 'rss://a:1', '--dane', '--trust-anchor', cert('ca')],
             '--trust-anchor .*: holds no key')):
        q = d.hosts.wampc(*args, 'call', 'a')
        expect(q, 1, '', err)


def make():
    make_certs()
    names = 'DNS:*.good.example'
    for name, days in (('good-chain', '30'), ('old-chain', '-1')):
        issue(name, names, days=days, chain=['ca'])
    issue('name-chain', 'DNS:else.example', chain=['ca'])
    issue('good-alone', names)
    issue('mixed-chain', names, 'otherca', chain=['otherca', 'ca'])
    issue('other', 'DNS:else.example')
    issue_authority('middle')
    issue('middle-chain', names, 'middle', chain=['middle', 'ca'])
    issue('wampd', 'DNS:www.wampd.example', 'otherca')
    issue('strange', 'DNS:nobody.invalid', 'otherca', days='-1')


def main():
    try:
        need_tools()
    except Skip as e:
        def missing():
            raise e
        run_case(bound(missing), 'DANE: ')
        done()
    make()
    port = free_port()
    conf = os.path.join(tmpdir(), 'wampd.conf')
    with open(conf, 'w') as f:
        f.write(wampd_conf(port))
    os.chmod(conf, 0o644)
    with zones(port, conf) as z:
        d = Dane(port, z, conf)
        for name, crt in ACCEPTED:
            run_case(bound(d.accept, name, crt), '%s: %s: ' % (name, crt))
        for host, crt, why, came in REFUSED:
            def refuse():
                d.refuse(host, crt, why, came=came)
            run_case(refuse, '%s: %s: ' % (host, crt))
        for fn in (published, with_others, default_anchor, defaults,
                   clients_page,
                   resolver_away, resolver_silent, noise, options):
            run_case(bound(fn, d))
    done()


main()
