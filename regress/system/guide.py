# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The examples of wampd-admin(7), run in their order in a directory of their
# own: what they print is what the page says.

import os
import re
import shutil
import subprocess

from daemon import *

if not IS_ROOT:
    skip('wampd-admin(7)', 'needs to be root, as its reader is')
    done()

DIR = tmpdir()
PORTS = {p: str(free_port()) for p in ('8443', '8444', '9443', '9464')}
BIN = os.path.join(DIR, 'bin')
BLOCK = re.compile(r'^\.\\" (RUN|FILE|START|HAPROXY)(?: (\S+))?\n'
                   r'(?:(?<!START\n)(?<!HAPROXY\n)'
                   r'\.Bd -literal -offset indent\n(.*?)^\.Ed\n)?',
                   re.M | re.S)
daemon = None


def here(text):
    """Paths and ports as they are in this test."""
    text = re.sub(r'(?<![\w.])/(etc|run)/(wampd|letsencrypt)',
                  lambda m: '%s/%s/%s' % (DIR, m.group(1), m.group(2)), text)
    return re.sub(r'(?<!\d)(8443|8444|9443|9464)(?!\d)', lambda m: PORTS[m.group(1)], text)


def script(name, text):
    path = os.path.join(BIN, name)
    with open(path, 'w') as f:
        f.write('#!/bin/sh\n' + text)
    os.chmod(path, 0o755)


def prepare():
    """The directories that an installation makes, and programs that look
    there."""
    ensure_users()
    os.mkdir(BIN)
    for d in ('etc/wampd/realms.d', 'etc/letsencrypt/live/example.org',
              'etc/letsencrypt/renewal-hooks/deploy', 'run/wampd'):
        os.makedirs(os.path.join(DIR, d))
    os.mkdir(os.path.join(DIR, 'etc/wampd/tls'), 0o700)
    conf = os.path.join(DIR, 'etc/wampd.conf')
    script('wampd', 'exec %s/sbin/wampd -f %s "$@"\n' % (B, conf))
    script('wampctl', 'case $1 in\ntlsa) shift; exec %s/sbin/wampctl tlsa '
           '-f %s "$@" ;;\nesac\nexec %s/sbin/wampctl -s '
           '%s/run/wampd/control.sock "$@"\n' % (B, conf, B, DIR))
    script('wampc', 'case "$1 $*" in\n"key "*|"passwd "*|*" -u "*)\n'
           '\texec %s/bin/wampc "$@" ;;\nesac\n'
           'exec %s/bin/wampc -s %s/run/wampd/wampd.sock "$@"\n' %
           (B, B, DIR))
    live = os.path.join(DIR, 'etc/letsencrypt/live/example.org')
    subprocess.run(['openssl', 'req', '-x509', '-nodes', '-newkey', 'ec',
                    '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '90',
                    '-subj', '/CN=example.org', '-addext',
                    'subjectAltName=DNS:example.org,DNS:localhost',
                    '-keyout', os.path.join(live, 'privkey.pem'),
                    '-out', os.path.join(live, 'fullchain.pem')], check=True,
                   stderr=subprocess.DEVNULL)


def write(path, text):
    path = here(path) if path.startswith('/') else os.path.join(DIR, path)
    with open(path, 'w') as f:
        if path.endswith('/wampd.conf'):
            # the usual one is the machine's; behind it, so that lines stay
            text += 'control socket "/run/wampd/control.sock"\n'
        f.write(here(text))
    if text.startswith('#!'):
        os.chmod(path, 0o755)


def commands(text):
    """[[command, what it prints], ...]"""
    found = []
    for line in text.splitlines():
        if found and found[-1][0].endswith('\\'):
            found[-1][0] += '\n' + line
        elif line.startswith(('# ', '$ ')):
            found.append([line[2:], ''])
        else:
            found[-1][1] += line + '\n'
    return found


def run(text):
    """One shell for all commands of a block."""
    cmds = commands(here(text))
    assert cmds, text
    body = ''
    for cmd, _ in cmds:
        body += '%s\nrc=$?; echo @@@; (exit $rc)\n' % cmd
    p = subprocess.run(['sh', '-c', body], cwd=DIR, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       env={'PATH': BIN + ':' + os.environ['PATH']},
                       timeout=120, text=True)
    outs = p.stdout.split('@@@\n')
    assert len(outs) == len(cmds) + 1, p.stdout
    # one that is in the background may say something later
    for (cmd, want), got in zip(cmds, outs):
        rx = re.escape(want).replace(r'\.\.\.\n', '(?:.*\n)+?').replace(
            r'\.\.\.', '.*')
        assert re.fullmatch(rx, got), '%s: %r, not %r' % (cmd, got, want)


def start():
    global daemon
    conf = os.path.join(DIR, 'etc/wampd.conf')
    with open(conf) as f:
        daemon = Wampd(f.read(), conf_path=conf)
    daemon.start()
    wait_until(lambda: '"state":"ready"' in subprocess.run(
        [os.path.join(BIN, 'wampctl'), '-j', 'show', 'summary'],
        capture_output=True, text=True).stdout, 20, 'wampctl')


def haproxy():
    """a client through the page's HAProxy has its own address"""
    program = shutil.which('haproxy') or '/usr/sbin/haproxy'
    if not os.access(program, os.X_OK):
        raise Skip('haproxy is not installed')
    p = subprocess.Popen([program, '-db', '-f',
                          os.path.join(DIR, 'haproxy.cfg')],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        def joined():
            cmd = [os.path.join(B, 'bin/wampc'), '-r', 'com.example.shop',
                   '-u', 'rss://localhost:' + PORTS['9443'], '--cafile',
                   os.path.join(DIR, 'etc/wampd/tls/example.org.crt'),
                   '--key-file', os.path.join(DIR, 'bob.key'), 'call',
                   'com.example.shop.none']
            r = subprocess.run(cmd, capture_output=True, text=True)
            return 'no_such_procedure' in r.stderr
        wait_until(joined, 20, 'a session through haproxy')
        daemon.wait_log(r'joined realm=com\.example\.shop authid=bob .*'
                        r'address=127\.0\.0\.1:\d+', count=2)
    finally:
        p.terminate()
        p.wait()


prepare()
with open(os.path.join(TOP, 'man', 'wampd-admin.7')) as f:
    page = f.read().replace('\\e', '\\')
blocks = BLOCK.findall(page)
assert len(blocks) > 25, len(blocks)
try:
    for kind, path, text in blocks:
        if kind == 'FILE':
            write(path, text)
        elif kind == 'RUN':
            first = commands(text)[0][0].split('\n')[0]
            run_case(lambda: run(text), doc=first)
        elif kind == 'HAPROXY':
            run_case(haproxy)
        else:
            start()
    if daemon is None:
        not_ok('wampd-admin(7)', 'starts no daemon')
finally:
    if daemon is not None:
        daemon.stop()
done()
