# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The Debian package: built, judged by lintian, installed into a bare Debian
# of its own, used, upgraded, booted, removed and purged there.
#
# LONG=1: all of it.

import json
import os
import re
import shutil
import subprocess

from daemon import IS_ROOT, LONG, TOP, done, run_cases, skip, tmpdir, \
    wait_until
from disttree import clean_env, clone, run, version
from machine import Machine

TOOLS = ['git', 'dpkg-buildpackage', 'dh', 'lintian', 'mmdebstrap',
         'unshare', 'nsenter']
USERS = ['_wampd', '_wampbroker', '_wampkeeper', '_wampmetrics']
CONF = '/etc/wampd.conf'
KEY = '/etc/wampd/tls/placeholder.key'
CRT = '/etc/wampd/tls/placeholder.crt'
# what apt, dpkg and adduser write about what they did
STATE = ('/proc', '/sys', '/dev', '/tmp', '/run', '/var/cache', '/var/log',
         '/var/lib/dpkg', '/var/lib/apt')
BACKUPS = {'/etc/%s-' % x for x in ('passwd', 'group', 'shadow', 'gshadow',
                                    'subuid', 'subgid')}


# -- building -----------------------------------------------------------------

def changelog_version():
    with open(os.path.join(TOP, 'debian', 'changelog')) as f:
        return re.match(r'wampd \(([^)]+)\) ', f.readline()).group(1)


def same_version():
    """debian/changelog has the version of config.mk"""
    assert changelog_version() == version()


def same_packages():
    """Build-Depends are what etc/packages lists"""
    with open(os.path.join(TOP, 'etc', 'packages')) as f:
        listed = set(re.sub('#.*', '', f.read()).split())
    with open(os.path.join(TOP, 'debian', 'control')) as f:
        m = re.search(r'^Build-Depends:\n((?: .*\n)+)', f.read(), re.M)
    named = set(re.findall(r'^ (\S+?)(?: \(.*\))?,$', m.group(1), re.M))
    # build-essential; and what is for run time and tests
    listed -= {'gcc', 'libc6-dev', 'make', 'dns-root-data', 'openssl'}
    assert named - {'debhelper-compat'} == listed, (named, listed)


def debs(path, v):
    arch = run('dpkg', '--print-architecture').strip()
    return ['%s/%s_%s_%s.deb' % (path, p, v, arch) for p in ('wampd', 'wampc')]


def build():
    """dpkg-buildpackage builds it, and lintian has nothing to say"""
    src = clone(ROOT + '/src/wampd')
    env = clean_env(DEB_BUILD_OPTIONS='noautodbgsym terse parallel=%d' %
                    os.cpu_count())
    run('dpkg-buildpackage', '-us', '-uc', cwd=src, env=env)
    out = run('lintian', '--pedantic', '--allow-root', '--fail-on',
              'error,warning,pedantic', '%s/src/wampd_%s_%s.changes' % (
                  ROOT, V1, run('dpkg', '--print-architecture').strip()))
    assert not re.search('^[EWP]: ', out, re.M), out
    # a later version, with another configuration
    with open(src + '/debian/changelog') as f:
        text = f.read()
    with open(src + '/debian/changelog', 'w') as f:
        f.write(text.replace('(%s)' % V1, '(%s)' % V2, 1) + '\n' + text)
    with open(src + '/debian/wampd.conf', 'a') as f:
        f.write('# of the later version\n')
    run('dpkg-buildpackage', '-us', '-uc', '-b', '-nc', cwd=src, env=env)
    for deb in debs(ROOT + '/src', V1) + debs(ROOT + '/src', V2):
        assert os.path.exists(deb), deb


# -- using --------------------------------------------------------------------

def is_running():
    m.run('service', 'wampd', 'status')
    return int(m.run('cat', '/run/wampd.pid'))


def as_nobody(*cmd):
    return ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups') + \
        cmd


def talk(value, *options):
    """From one who publishes with these options to a local user."""
    sub = m.popen(*as_nobody('wampc', '-v', '-w', '60', 'subscribe', '-n', '1',
                             'com.example.t'),
                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert 'subscribed' in sub.stderr.readline()
    m.run('wampc', '-w', '60', *options, 'publish', 'com.example.t',
          str(value))
    out, err = sub.communicate(timeout=60)
    assert sub.returncode == 0, err
    assert json.loads(out)['args'] == [value], out


def tls(*options):
    return ('-u', 'wss://localhost:8443/', '--cafile', CRT) + options


LOGIN = tls('--authid', 'alice', '--secret-file', '/root/secret')


def apt(*args, **kw):
    return m.run('apt-get', '-y', '--no-install-recommends', *args, **kw)


def local(v):
    return [x[len(m.root):] for x in debs(m.root + '/root', v)]


def prepare():
    """a bare Debian 12"""
    m.finish()
    for deb in debs(ROOT + '/src', V1) + debs(ROOT + '/src', V2):
        shutil.copy(deb, m.root + '/root')
    m.outside('apt-get', 'update')
    # the machine has no network
    m.outside('apt-get', '-y', '--no-install-recommends', '--download-only',
              'install', *local(V1))
    m.before = m.files(STATE)
    m.boot()
    assert m.run('pgrep', '-x', 'wampd', status=1) == ''


def install():
    """apt install: it runs, locked down, with two listeners and no other"""
    apt('install', *local(V1))
    is_running()
    assert 'no reason to believe it' in m.run('wampd', '-n')
    out = m.run('ss', '-H', '-l', '-t', '-u', '-n')
    assert {x.split()[4] for x in out.splitlines()} == {'127.0.0.1:8443'}, out
    out = m.run('ss', '-H', '-l', '-x', '-n')
    socks = {os.path.basename(x.split()[4]) for x in out.splitlines()}
    assert 'wampd.sock' in socks, out
    assert socks <= {'wampd.sock', 'control.sock'}, out
    out = m.run('ps', '-e', '-o', 'user:20=,comm=')
    who = {tuple(x.split()) for x in out.splitlines()}
    for pair in (('root', 'wampd'), ('_wampd', 'tlsproxy'),
                 ('_wampkeeper', 'keeper'), ('_wampbroker', 'broker')):
        assert pair in who, (pair, who)
    for u in USERS:
        assert m.run('getent', 'passwd', u).strip().endswith(
            ':/var/lib/wampd/empty:/usr/sbin/nologin')
    assert os.listdir(m.root + '/var/lib/wampd/empty') == []


def placeholder():
    """the certificate is for this machine and says that it is none to keep"""
    out = m.run('openssl', 'x509', '-in', CRT, '-noout', '-subject', '-ext',
                'subjectAltName,basicConstraints')
    for text in ('wampd placeholder, to be replaced', 'CN = router.example',
                 'DNS:router.example', 'DNS:localhost', 'CA:FALSE'):
        assert text in out, (text, out)
    for name, mode in ((CRT, 0o100644), (KEY, 0o100600),
                       ('/etc/wampd/users', 0o100600),
                       ('/etc/wampd/tls', 0o40700)):
        st = os.stat(m.root + name)
        assert (st.st_mode, st.st_uid) == (mode, 0), (name, oct(st.st_mode))


def use():
    """local users by the socket; over TLS nobody, or who has a password"""
    talk(1)
    # no reason to believe it, and no right
    m.run('wampc', '-w', '60', '-u', 'wss://localhost:8443/', 'publish',
          'com.example.t', status=3)
    m.run('wampc', '-w', '60', *tls('publish', 'com.example.t'), status=4)
    pid = is_running()
    m.run('sh', '-c', 'umask 077; echo secret >/root/secret; wampc passwd '
          '-m scram -k pbkdf2 alice </root/secret >>/etc/wampd/users')
    m.run('wampc', '-w', '60', *LOGIN, 'publish', 'com.example.t', status=4)
    m.run('service', 'wampd', 'reload')
    wait_until(lambda: 'no_such_procedure' in m.run(
        'wampc', '-w', '60', *LOGIN, 'call', 'com.example.none', status=None),
        60, 'alice')
    talk(2, *LOGIN)
    assert is_running() == pid


def upgrade():
    """an upgrade asks before it changes what was changed, and restarts"""
    pid = is_running()
    with open(m.root + CONF, 'a') as f:
        f.write('# of the administrator\n')
    kept = {}
    for name in (CONF, KEY, CRT, '/etc/wampd/users'):
        with open(m.root + name) as f:
            kept[name] = f.read()
    # nobody answers
    out = apt('install', *local(V2), status=100)
    assert 'end of file on stdin at conffile prompt' in out, out
    m.run('dpkg', '--force-confold', '--configure', '-a')
    assert V2 in m.run('dpkg-query', '-W', 'wampd')
    for name, text in kept.items():
        with open(m.root + name) as f:
            assert f.read() == text, name
    with open(m.root + CONF + '.dpkg-dist') as f:
        assert f.read().endswith('# of the later version\n')
    assert is_running() != pid
    talk(3, *LOGIN)


def in_place(pid_of):
    """As wampd-admin(7) tells."""
    pid = pid_of()
    rc = m.root + '/usr/sbin/policy-rc.d'
    kept = rc + '.kept'
    if os.path.exists(rc):
        os.rename(rc, kept)
    with open(rc, 'w') as f:
        f.write('#!/bin/sh\nexit 101\n')
    os.chmod(rc, 0o755)
    apt('install', '--reinstall', '--allow-downgrades', *local(V2))
    os.unlink(rc)
    if os.path.exists(kept):
        os.rename(kept, rc)
    assert pid_of() == pid
    exe = m.run('readlink', '/proc/%d/exe' % pid).strip()
    assert exe.endswith('(deleted)'), exe
    m.run('wampctl', 'upgrade')
    exe = m.run('readlink', '/proc/%d/exe' % pid).strip()
    assert exe.endswith('/usr/sbin/wampd'), exe
    wait_until(lambda: '"state":"ready"' in m.run(
        'wampctl', '-j', 'show', 'summary'), 60, 'the end of the upgrade')
    assert pid_of() == pid


def upgrade_in_place():
    """an upgrade without a restart, in the same process"""
    in_place(is_running)
    talk(7, *LOGIN)


def boot():
    """it is there again after a boot"""
    m.off()
    m.boot()
    wait_until(lambda: 'is running' in m.run('service', 'wampd', 'status',
                                             status=None), 60, 'wampd')
    talk(4, *LOGIN)


def not_again():
    """an upgrade does not make anew what the administrator did away with"""
    text = open(m.root + CONF).read()
    text = re.sub(r'(?ms)^keypair .*?^}\n', '', text)
    text = re.sub(r'(?m)^listen on 127.*\n', '', text)
    with open(m.root + CONF, 'w') as f:
        f.write(text)
    for name in (KEY, CRT):
        os.unlink(m.root + name)
    apt('install', '--reinstall', *local(V2))
    assert os.listdir(m.root + '/etc/wampd/tls') == []
    is_running()
    assert m.run('ss', '-H', '-l', '-t', '-n') == ''


def remove():
    """remove stops it and keeps the configuration"""
    apt('remove', 'wampd', 'wampc')
    assert m.run('ps', '-C', 'wampd,keeper,broker,tlsproxy,metrics', '-o', 'comm=',
                 status=1) == ''
    assert not os.path.exists(m.root + '/usr/sbin/wampd')
    for name in (CONF, '/etc/wampd/users'):
        assert os.path.exists(m.root + name), name
    assert m.run('find', '/run', '-name', 'wampd*') == ''


def purge():
    """purge leaves nothing but users and what others put there"""
    own = m.root + '/etc/wampd/tls/own.key'
    os.makedirs(os.path.dirname(own), exist_ok=True)
    with open(own, 'w') as f:
        f.write('of the administrator\n')
    apt('purge', 'wampd', 'wampc')
    assert os.path.exists(own)
    shutil.rmtree(m.root + '/etc/wampd')
    os.unlink(m.root + '/root/secret')
    apt('autoremove', '--purge')
    after = m.files(STATE)
    assert after - m.before <= BACKUPS, after - m.before
    assert m.before <= after, m.before - after
    for u in USERS:
        m.run('getent', 'passwd', u)


def autopkgtest():
    """debian/tests: installed once more, and purged by the test itself"""
    apt('install', *local(V2))
    shutil.copy(os.path.join(TOP, 'debian', 'tests', 'smoke'),
                m.root + '/root/smoke')
    m.run('/root/smoke')
    apt('purge', 'wampc')
    apt('autoremove', '--purge')
    os.unlink(m.root + '/root/smoke')
    after = m.files(STATE)
    assert after - m.before <= BACKUPS, after - m.before


def main_pid():
    m.run('systemctl', 'is-active', 'wampd')
    out = m.run('systemctl', 'show', '-p', 'MainPID', '--value', 'wampd')
    return int(out)


def systemd():
    """the same under systemd"""
    m.off()
    m.outside('apt-get', '-y', '--no-install-recommends', 'install',
              'systemd-sysv')
    m.boot_systemd()
    before = m.files(STATE)
    apt('install', *local(V1))
    pid = main_pid()
    talk(5)
    m.run('systemctl', 'reload', 'wampd')
    talk(6)
    assert main_pid() == pid
    in_place(main_pid)
    talk(8)
    m.run('systemctl', 'reload', 'wampd')
    m.run('systemctl', 'stop', 'wampd')
    assert m.run('pgrep', '-x', 'wampd', status=1) == ''
    m.run('systemctl', 'start', 'wampd')
    main_pid()
    # the configuration was not changed: nothing is asked
    apt('install', *local(V2))
    with open(m.root + CONF) as f:
        assert f.read().endswith('# of the later version\n')
    assert main_pid() != pid
    talk(7)
    apt('remove', 'wampd')
    assert m.run('systemctl', 'is-active', 'wampd',
                 status=3).strip() == 'inactive'
    assert m.run('find', '/run', '-name', 'wampd*') == ''
    apt('purge', 'wampd', 'wampc')
    apt('autoremove', '--purge')
    after = m.files(STATE)
    assert after - before <= BACKUPS, after - before


V1 = changelog_version()
V2 = V1 + '+1'
if not LONG:
    run_cases([same_version, same_packages])
if not IS_ROOT:
    skip('package', 'needs root')
    done()
missing = [x for x in TOOLS if shutil.which(x) is None]
if missing:
    skip('package', 'not installed: ' + ' '.join(missing))
    done()
ROOT = tmpdir()
m = Machine(ROOT + '/machine')
m.make('procps', 'iproute2')
try:
    run_cases([same_version, same_packages, build, prepare, install,
               placeholder, use, upgrade, upgrade_in_place, boot, not_again, remove, purge,
               autopkgtest, systemd])
finally:
    m.off()
