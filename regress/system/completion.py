# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# bash completion of wampc and wampctl: the functions, run in bash.

import os
import re
import shutil
import subprocess

from daemon import B, TOP, Wampd, done, run_cases, skip, tmpdir
from wampclient import Client

CONF = '''
control socket $ctl
listen on socket $sock
realm "realm1" {
	authenticate socket { any role "all" }
	role "all" { allow any }
}
realm "com.example.shop" {
	authenticate socket { any role "all" }
	role "all" { allow any }
}
'''
SCRIPT = '''
. %s/etc/bash-completion/"$1" || exit 1
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
fn=$(complete -p "$1"); fn=${fn#* -F }; fn=${fn%% *}
"$fn" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%%s\\n' "${COMPREPLY[@]}"
''' % TOP
QUIET = ['-s', '/nonexistent/wampd.sock']
FLAGS = '-j -s -V'


def complete(*words, cwd='/'):
    """What bash would offer for the last word."""
    env = {k: v for k, v in os.environ.items() if k != 'WAMP_REALM'}
    env['PATH'] = ':'.join((B + '/bin', B + '/sbin', env['PATH']))
    p = subprocess.run([BASH, '--norc', '-c', SCRIPT, 'bash', words[0],
                        *words], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=60)
    assert p.returncode == 0 and p.stderr == '', (words, p)
    return p.stdout.split('\n')[:-1]


def page(name):
    with open(os.path.join(TOP, 'man', name)) as f:
        return f.read()


def is_set(words, expected):
    got = complete(*words)
    assert len(got) == len(set(got)), (words, got)
    assert set(got) == set(expected.split()), (words, got)


def wampc_words():
    """wampc: its verbs and options, as in the manual page"""
    is_set(['wampc', ''], 'subscribe publish call register passwd key')
    is_set(['wampc', 'p'], 'publish passwd')
    is_set(['wampc', '-q', 'p'], 'publish')
    is_set(['wampc', '-r', 'x', '--dane', ''],
           'subscribe publish call register')
    text = page('wampc.1')
    options = text[:text.index('.Sh OUTPUT')]
    named = {'-' + x for x in re.findall(r'^\.It Fl (\S+)', options, re.M)}
    offered = set()
    for verb in ('subscribe', 'publish', 'call', 'register'):
        offered.update(complete('wampc', verb, '-'))
    assert offered == named | {'--'}, offered ^ named
    for verb in ('passwd', 'key'):
        named = set(re.findall(r'\.Op Fl .*', re.search(
            r'\.Cm %s\n((?:\..*\n)+?)\.(?:Nm|Sh)' % verb, text).group(1)))
        named.update(re.findall(r'^\.Fl .*', re.search(
            r'\.Cm %s\n((?:\..*\n)+?)\.(?:Nm|Sh)' % verb, text).group(1),
            re.M))
        named = set(re.findall(r'Fl (\S+)', ' '.join(named)))
        assert set(complete('wampc', verb, '-')) == {
            '-' + x for x in named}, (verb, named)


def wampc_values():
    """wampc: values of options"""
    is_set(['wampc', '--serializer', ''], 'json msgpack cbor')
    is_set(['wampc', 'passwd', '-m', ''], 'ticket wampcra scram')
    is_set(['wampc', 'passwd', '-k', 'a'], 'argon2id13 argon2id-13')
    is_set(['wampc', '--auth', 'w'], 'wamp-scram wampcra')
    is_set(['wampc', 'passwd', '-m', 'scram', '-'], '-k -m -r')
    is_set(['wampc', 'subscribe', '-o', 'match'],
           'match=prefix match=wildcard')
    assert 'root' in complete('wampc', '--owner', 'roo')
    d = tmpdir()
    open(d + '/ca.pem', 'w').close()
    for words in (['--cafile'], ['publish', '-f'], ['key', '-o']):
        assert complete('wampc', *words, 'c', cwd=d) == ['ca.pem'], words
    assert 'cat' in complete('wampc', 'register', 'a.b', '--', 'ca')
    # nothing is known of these
    for words in (['-w'], ['--pin'], ['-n'], ['passwd', '-r'], ['key'],
                  [*QUIET, '-r'], [*QUIET, 'call'], ['call', 'a.b'],
                  ['register', 'a.b', '--', 'cat'], ['-u', 'ws://x/', '-r']):
        assert complete('wampc', *words, '') == [], words
    # each Option of the page
    text = page('wampc.1')
    text = text[text.index('.Sh OPTIONS OF'):text.index('.Sh COMMANDS')]
    for part in re.split(r'^\.It Cm ', text, flags=re.M)[1:]:
        verb = part.split('\n')[0]
        named = {w for line in re.findall(r'^\.It Li (.*)', part, re.M)
                 for w in re.findall(r'\b[a-z]\w*(?==)|^[a-z_]+', line)}
        got = {x.split('=')[0] for x in complete('wampc', verb, '-o', '')}
        assert got == named, (verb, got, named)


def wampctl_words():
    """wampctl: its words are its own"""
    is_set(['wampctl', '-'], FLAGS)
    top = complete('wampctl', '')
    assert {'show', 'reload', 'tlsa'} <= set(top), top
    text = page('wampctl.8')
    text = text[text.index('.Sh DESCRIPTION'):text.index('.Sh FILES')]
    named = re.findall(r'^\.It Cm (.*)', text, re.M)
    assert set(top) == {x.split()[0] for x in named}, (top, named)
    assert set(complete('wampctl', 'show', '')) == {
        x.split()[1] for x in named if x.startswith('show ')}
    # also where a word is shortened, and behind options
    is_set(['wampctl', '-j', 'sh', 'ses'], 'session sessions')
    is_set(['wampctl', 'show', 'sessions', ''], 'authid realm')
    is_set(['wampctl', 'log', ''], 'brief debug verbose')
    for words in (['nonsense'], ['reload'], ['show', 'realms'], ['kill',
                  'session', '1'], ['tlsa']):
        assert complete('wampctl', *words, '') == [], words
    is_set(['wampctl', 'tlsa', '-'], '-D -f')
    d = tmpdir()
    open(d + '/a.conf', 'w').close()
    for words in (['-s'], ['tlsa', '-f']):
        assert complete('wampctl', *words, 'a', cwd=d) == ['a.conf'], words
    # nobody serves it
    assert complete('wampctl', '-s', '/nonexistent/s', 'show', 'sessions',
                    'realm', '') == []


def live():
    """realms, URIs, authids and sessions of the wampd that runs"""
    d = tmpdir()
    with Wampd(CONF, macros={'ctl': d + '/control.sock',
                             'sock': d + '/wampd.sock'}) as w:
        client = ['wampc', '-s', d + '/wampd.sock']
        ctl = ['wampctl', '-s', d + '/control.sock']
        is_set([*ctl, 'show', 'sessions', 'realm', ''],
               'realm1 com.example.shop')
        is_set([*client, '-r', ''], 'realm1 com.example.shop')
        is_set([*client, '-r', 'com'], 'com.example.shop')
        for verb in ('subscribe', 'publish', 'call', 'register'):
            is_set([*client, verb, ''], '')
        with Client(d + '/wampd.sock') as c:
            c.subscribe('com.example.topic')
            c.register('com.example.add')
            for evil in ('$(id>here)', '`id>here`', 'a.${HOME}', "'", '\\'):
                c.subscribe(evil)
            is_set([*client, 'publish', 'com'], 'com.example.topic')
            is_set([*client, 'subscribe', ''], 'com.example.topic')
            is_set([*client, 'call', ''], 'com.example.add')
            is_set([*client, '-r', 'com.example.shop', 'call', ''], '')
            # another router
            is_set([*client, '-u', 'wss://x/', 'call', ''], '')
            is_set([*ctl, 'kill', 'session', ''], str(c.id))
            is_set([*ctl, 'test', 'realm', 'realm1', 'role', 'all', 'call',
                    ''], 'com.example.topic com.example.add')
            assert complete(*client, 'publish', '', cwd=d) == [
                'com.example.topic']
        assert not os.path.exists(d + '/here')


BASH = shutil.which('bash')
if BASH is None:
    skip('completion', 'bash is not installed')
    done()
run_cases([wampc_words, wampc_values, wampctl_words, live])
