# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What would fail if the separation were broken, seen from outside on the
# whole daemon: each child's sandbox as the kernel reports it, what becomes of
# a child that tries what it may not, and what the programs are linked with.

import os
import platform
import pwd
import re
import subprocess
import sys

from daemon import (B, IS_ROOT, SAN, TOP, Skip, Wampd, done, free_port,
                    make_cert, run_case, test_user, tmpdir, wait_until)
from httpclient import get
import sandbox_report
from wampclient import Client

ROLES = ('keeper', 'tlsproxy', 'broker', 'metrics')
REALM = '''
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
'''


def role_of(name):
    return name.split()[0]


class Daemon(Wampd):
    """All kinds of children; as_user: as an ordinary user."""

    def __init__(self, as_user=None, prefork=2, brokers=2, **kw):
        d = tmpdir()
        crt, key = make_cert(d)
        if as_user is not None:
            uid = pwd.getpwnam(as_user).pw_uid
            for path in (d, crt, key):
                os.chown(path, uid, -1)
        self.port = free_port()
        self.path = d + '/s'
        self.metrics = d + '/m'
        self.n = prefork + brokers + 3
        super().__init__(
            'prefork %d\nbrokers %d\nkeypair "k" { certificate "%s" '
            'key "%s" }\nlisten on 127.0.0.1 port %d tls { keypair "k" }\n'
            'listen on socket "%s" mode 0666\nmetrics on socket "%s"\n%s' % (
                prefork, brokers, crt, key, self.port, self.path,
                self.metrics, REALM),
            as_user=as_user, **kw)

    def serves(self):
        with Client(self.path) as c:
            c.subscribe('com.example.t')
            c.publish('com.example.u')
        assert get(self.metrics, '/health')[2] == 'ok\n'


def ordinary():
    """Whom an ordinary daemon is started as: None is the caller."""
    if not IS_ROOT:
        return None
    user = test_user()
    if user is None:
        raise Skip('there is no ordinary user')
    return user


# -- what the kernel reports -------------------------------------------------

def check_reports(w, root_mode):
    problems = ['parent: ' + p for p in sandbox_report.check(
        w.pid, 'parent', root_mode)]
    for name, pid in w.children().items():
        problems += ['%s: %s' % (name, p) for p in sandbox_report.check(
            pid, role_of(name), root_mode)]
    assert not problems, problems


def sandbox_of_root():
    """sandbox: started by root, each child's as the kernel reports it"""
    if not IS_ROOT:
        raise Skip('needs root')
    with Daemon() as w:
        kids = w.children()
        assert len(kids) == w.n, kids
        check_reports(w, True)
        reports = {n: sandbox_report.report(p) for n, p in kids.items()}
        users = {r: {rep['uid'][0] for n, rep in reports.items()
                     if role_of(n) == r} for r in ROLES}
        # one user a role, another one for each
        assert all(len(u) == 1 for u in users.values()), users
        assert len(set.union(*users.values())) == 4, users
        if sandbox_report.may_unshare():
            for ns in sandbox_report.NAMESPACES:
                # nor do they share one with each other
                links = [r['namespaces'][ns] for r in reports.values()]
                assert len(set(links)) == len(links), (ns, links)
        w.serves()
        # a child of a later generation has the same
        for name in ('keeper', 'broker 1', 'tlsproxy 0', 'tlsproxy 2',
                     'metrics'):
            old = w.child(name)
            os.kill(old, 9)
            wait_until(lambda: w.children().get(name, old) != old, 30, name)
        wait_settled(w)
        check_reports(w, True)


def sandbox_of_a_user():
    """sandbox: started by an ordinary user, each child's"""
    with Daemon(as_user=ordinary()) as w:
        assert len(w.children()) == w.n
        check_reports(w, False)
        w.serves()


def parents_capabilities():
    """sandbox: the parent's bounding set is what wampd(8) says"""
    with open(os.path.join(TOP, 'man', 'wampd.8')) as f:
        page = f.read()
    part = re.search(r'with these capabilities and no others:(.*?)\.El',
                     page, re.S)
    assert part, 'wampd(8) names no capabilities'
    named = {n.lower() for n in re.findall(r'^\.It (.*)$', part.group(1),
                                           re.M)
             for n in re.findall(r'CAP_(\w+)', n)}
    assert named == set(sandbox_report.PARENT_CAPS), named
    if not IS_ROOT:
        raise Skip('needs root')
    with Daemon() as w:
        want = sum(1 << n for n in sandbox_report.PARENT_CAPS.values())
        own = sandbox_report.read_status('/proc/self/status')
        r = sandbox_report.report(w.pid)
        for cap in ('CapBnd', 'CapPrm', 'CapEff'):
            assert r[cap] == want & int(own['CapBnd'], 16), (cap, r[cap])


def as_ids(uid, gid, fn):
    """fn() in a process of that user, or in this one without root; True
    or False."""
    if not IS_ROOT:
        return fn()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            os._exit(0 if fn() else 1)
        except BaseException:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def sees_nothing(pid):
    """Whoever runs this cannot look into the process."""
    good = True
    for name in ('mem', 'environ', 'maps', 'auxv', 'stack', 'syscall'):
        try:
            with open('/proc/%d/%s' % (pid, name), 'rb') as f:
                f.read(1)
        except FileNotFoundError:
            continue		# not in this kernel
        except (PermissionError, OSError):
            continue
        print('%s of %d can be read' % (name, pid), flush=True)
        good = False
    for name in ('cwd', 'root', 'exe', 'fd/0'):
        try:
            os.readlink('/proc/%d/%s' % (pid, name))
        except (PermissionError, OSError):
            continue
        print('%s of %d can be read' % (name, pid), flush=True)
        good = False
    return good


def not_dumpable():
    """sandbox: a process of the child's own user cannot look into it"""
    users = [None, ordinary()] if IS_ROOT else [None]
    for user in users:
        with Daemon(as_user=user) as w:
            for name, pid in w.children().items():
                r = sandbox_report.report(pid)
                assert as_ids(r['uid'][0], r['gid'][0],
                              lambda: sees_nothing(pid)), (user, name)


# -- what a child tries ------------------------------------------------------

# numbers of x86-64; P: the parent's process id
DEADLY = [
    ('socket(AF_INET)', 41, 2, 1, 0), ('execve', 59, 0, 0, 0),
    ('ptrace(ATTACH, parent)', 101, 16, 'P', 0, 0),
    ('kill(parent)', 62, 'P', 9), ('sendmsg', 46, 3, 0, 0),
    ('shutdown(SHUT_RDWR)', 48, 7, 2), ('shutdown(SHUT_RD)', 48, 7, 0),
    ('socket(AF_UNIX)', 41, 1, 1, 0), ('connect', 42, 4, 0, 16),
    ('bind', 49, 4, 0, 16), ('listen', 50, 4, 5), ('sendto', 44, 4, 0, 0),
    ('fork', 57), ('vfork', 58), ('clone', 56, 17), ('clone3', 435, 0, 88),
    ('execveat', 322, 3, 0, 0, 0, 0), ('tgkill(parent)', 234, 'P', 'P', 9),
    ('process_vm_readv', 310, 'P', 0, 0, 0, 0, 0),
    ('pidfd_open', 434, 'P', 0), ('pidfd_getfd', 438, 3, 0, 0),
    ('setuid', 105, 0), ('setresuid', 117, 0, 0, 0), ('chroot', 161, 0),
    ('unshare', 272, 0x40000000), ('setns', 308, 3, 0),
    ('mount', 165, 0, 0, 0, 0, 0),
    ('mmap(PROT_EXEC)', 9, 0, 4096, 7, 0x22, -1, 0),
    ('mmap(file)', 9, 0, 4096, 3, 2, 0, 0), ('mprotect(EXEC)', 10, 0, 0, 7),
    ('prctl', 157, 4, 1), ('seccomp', 317, 0, 0, 0), ('bpf', 321, 0, 0, 0),
    ('io_uring_setup', 425, 8, 0), ('userfaultfd', 323, 0),
    ('perf_event_open', 298, 0, 0, 0, 0, 0), ('memfd_create', 319, 0, 0),
    ('unlink', 87, 0), ('rename', 82, 0, 0), ('mkdir', 83, 0, 0o777),
    ('creat', 85, 0, 0o666), ('open_by_handle_at', 304, 3, 0, 0),
    ('keyctl', 250, 0), ('recvmsg(4)', 47, 4, 0, 0), ('dup', 32, 3),
    ('ioctl', 16, 3, 0x5401, 0), ('prlimit64', 302, 'P', 7, 0, 0),
    ('shmget', 29, 0, 4096, 0o1666), ('mq_open', 240, 0, 0, 0, 0),
    ('inotify_init', 253), ('init_module', 175, 0, 0, 0),
    ('reboot', 169, 0, 0, 0), ('syscall of x32', 0x40000000 + 41, 2, 1, 0),
]
# answered instead: what libraries probe for
REFUSED = [('open', 2, 0, 0), ('openat', 257, -100, 0, 0),
           ('openat(O_PATH)', 257, -100, 0, 0o10000000)]
# by the metrics process, too
PROBED = ('socket(AF_INET)', 'socket(AF_UNIX)', 'ioctl')
EACCES = 13


def inject(pid, call, parent):
    """What came of it, as words."""
    args = [str(parent) if a == 'P' else str(a) for a in call[1:]]

    def once():
        p = subprocess.run([os.path.join(B, 'regress/hostile/inject'),
                            str(pid)] + args, capture_output=True, text=True)
        if p.returncode == 2:
            raise Skip('no tracing here: ' + p.stderr.strip())
        if 'does not wait' in p.stderr or 'did not stop' in p.stderr:
            return None		# it was at work
        assert p.returncode == 0, p.stderr
        return p.stdout.strip()
    return wait_until(once, 10, 'a process that waits')


def wait_settled(w):
    """All are there, in their sandboxes, and at rest."""
    def settled():
        kids = w.children()
        if len(kids) != w.n:
            return None
        try:
            for pid in kids.values():
                s = sandbox_report.read_status('/proc/%d/status' % pid)
                if s['Seccomp'] != '2' and not SAN:
                    return None
                if not s['State'].startswith('S'):
                    return None
        except (FileNotFoundError, ProcessLookupError):
            return None
        return kids
    return wait_until(settled, 60, 'all children')


def drill(w, calls):
    """Each call in each role, in a life of its own."""
    left = {role: list(calls) for role in ROLES}
    # of these there is one, and after each death it waits longer
    left['keeper'] = left['keeper'][:5]
    left['metrics'] = [c for c in calls if c[0] not in PROBED][:5]
    ntries = 0
    while any(left.values()):
        kids = wait_settled(w)
        if ntries == 0:
            for name in ('keeper', 'broker 0', 'tlsproxy 0', 'metrics'):
                for call in REFUSED + [c for c in DEADLY if c[0] in PROBED
                                       and name == 'metrics']:
                    got = inject(kids[name], call, w.pid)
                    assert got == 'returned %d' % -EACCES, (name, call, got)
            assert w.children() == kids
        for name, pid in kids.items():
            todo = left[role_of(name)]
            if not todo:
                continue
            call = todo.pop(0)
            got = inject(pid, call, w.pid)
            assert got == 'killed 31', '%s: %s: %s' % (name, call[0], got)
            w.wait_log(r'%s \(process %d\) sandbox violation' % (name, pid))
            ntries += 1
    wait_settled(w)
    wait_until(lambda: w.serves() is None, 10)
    return ntries


def exfiltration():
    """sandbox: what a taken-over child would try kills it, and is named"""
    if SAN:
        raise Skip('no filter under sanitizers')
    if platform.machine() != 'x86_64':
        raise Skip('numbers of system calls are those of x86-64')
    if not IS_ROOT:
        raise Skip('only root may trace the children')
    with Daemon(prefork=12, brokers=12, expect_reports=True) as w:
        n = drill(w, DEADLY)
        print('%d calls tried' % n)
    with Daemon(prefork=4, brokers=4, as_user=ordinary(),
                expect_reports=True) as w:
        drill(w, DEADLY[:5])


def threads_of(pid):
    return [int(t) for t in os.listdir('/proc/%d/task' % pid)
            if int(t) != pid]


def exfiltration_by_a_thread():
    """sandbox: what a thread of the keeper would try kills all of it"""
    if SAN:
        raise Skip('no filter under sanitizers')
    if platform.machine() != 'x86_64':
        raise Skip('numbers of system calls are those of x86-64')
    if not IS_ROOT:
        raise Skip('only root may trace the children')
    names = ('socket(AF_INET)', 'execve', 'kill(parent)', 'clone',
             'unshare', 'mmap(PROT_EXEC)')
    with Daemon(prefork=1, brokers=1, expect_reports=True) as w:
        for call in [c for c in DEADLY if c[0] in names]:
            keeper = wait_settled(w)['keeper']
            threads = threads_of(keeper)
            assert threads, 'the keeper has no threads'
            for refused in REFUSED:
                got = inject(threads[-1], refused, w.pid)
                assert got == 'returned %d' % -EACCES, (refused, got)
            got = inject(threads[0], call, w.pid)
            assert got == 'killed 31', (call[0], got)
            w.wait_log(r'keeper \(process %d\) sandbox violation' % keeper)
            wait_until(lambda: w.children().get('keeper', keeper) != keeper,
                       30, 'another keeper')
        wait_until(lambda: w.serves() is None, 10)


# -- what the programs hold --------------------------------------------------

def program(role):
    return os.path.join(B, 'sbin/wampd' if role == 'wampd' else
                        'libexec/wampd/' + role)


def nm(args, path):
    out = subprocess.run(['nm'] + args + [path], check=True, text=True,
                         capture_output=True).stdout
    return [line.split() for line in out.split('\n') if line]


def defined(path):
    """Names of functions and data that a file defines for others."""
    return {f[-1] for f in nm(['--defined-only', '-g'], path)
            if len(f) == 3} - {'main'}


def undefined(path):
    return {f[-1].split('@')[0] for f in nm(['-u'], path)}


def objects(folder):
    d = os.path.join(B, 'obj', folder)
    return [os.path.join(d, n) for n in sorted(os.listdir(d))
            if n.endswith('.o')]


def of_folder(folder):
    return set.union(*(defined(o) for o in objects(folder)))


# Whoever wants one of these starts a program, opens a connection or changes
# a file.  What of it the libraries use inside shows in none of our files;
# there the filter decides.
FORBIDDEN = re.compile(
    r'(exec(l|le|lp|v|ve|vp|vpe|veat)|fexecve|posix_spawnp?|v?fork|_Fork|'
    r'clone3?|system|popen|daemon|forkpty|socket|socketpair|connect|bind|'
    r'listen|getaddrinfo|gethostbyname\w*|kill|killpg|tgkill|ptrace|'
    r'process_vm_\w+|dlopen|dlmopen|creat|fopen|freopen|mkstemps?|unlink|'
    r'unlinkat|rename\w*|link|linkat|symlink\w*|mkdir\w*|mknod\w*|chmod|'
    r'fchmod\w*|chown|fchown\w*|lchown|truncate|mount|umount2?|inotify_\w+|'
    r'shm_open|shmget|mq_open|sem_open)')


def words_of_the_parent_only():
    """nm: no child can start a program, connect or change a file"""
    for role in ROLES:
        for path in objects(role) + [program(role)]:
            if SAN and path == program(role):
                continue	# the sanitizer's runtime does all of it
            there = sorted(n for n in undefined(path)
                           if FORBIDDEN.fullmatch(n))
            assert not there, '%s: %s' % (path, there)
    # the expression would find them
    there = {n for n in undefined(program('wampd'))
             if FORBIDDEN.fullmatch(n)}
    assert {'execve', 'fork', 'socket', 'bind', 'unlink'} <= there, there


def code_of_others():
    """nm: no process contains the code that it must not run"""
    codec = of_folder('common/codec')
    assert len(codec) > 30, codec
    own = {role: of_folder(role) for role in ROLES + ('wampd',)}
    holds = {role: {f[-1] for f in nm(['--defined-only'], program(role))}
             for role in own}
    for role in ('keeper', 'wampd'):
        assert not holds[role] & codec, (role, holds[role] & codec)
    # with it a broker reads what those answer whom it asks, and no other
    cursor = set.union(*(defined(os.path.join(B, 'obj/common/codec', o))
                         for o in ('mpcur.o', 'utf8.o')))
    assert holds['broker'] & codec == cursor, holds['broker'] & codec ^ cursor
    assert holds['tlsproxy'] & codec
    cred = of_folder('common/cred')
    assert len(cred) > 20, cred
    for role in ('tlsproxy', 'broker', 'metrics'):
        assert not holds[role] & cred, (role, holds[role] & cred)
    for role in own:
        assert own[role] & holds[role], role
        for other in own:
            if other != role:
                # struct names and the like may be equal by chance
                alien = (own[other] - own[role]) & holds[role]
                assert not alien, (role, other, alien)


def libraries_of_each():
    """nm: TLS in the tlsproxy, private keys in the keeper, neither beside"""
    want = {
        # libc, libevent_core, libseccomp and libbsd everywhere
        'keeper': {'crypto'}, 'broker': set(),
        'tlsproxy': {'crypto', 'tls', 'ssl'}, 'wampd': set(),
        'metrics': set(),
    }
    for role, libs in want.items():
        out = subprocess.run(['readelf', '-d', program(role)], check=True,
                             text=True, capture_output=True).stdout
        needed = set(re.findall(r'NEEDED.*\[lib([\w+-]+)\.so', out))
        there = needed & {'crypto', 'tls', 'ssl', 'msgpackc', 'jansson',
                          'cbor'}
        if role == 'tlsproxy':
            there.discard('msgpackc')
        assert there == libs, (role, needed)
    # the one who meets the network cannot read or use a private key (it
    # makes one for the handshake that warms it up, and throws it away)
    for path in objects('tlsproxy'):
        there = sorted(n for n in undefined(path) if re.fullmatch(
            r'PEM_read_bio_(PrivateKey|RSAPrivateKey|ECPrivateKey)|'
            r'd2i_\w*PrivateKey\w*|EVP_PKEY_(sign|decrypt)\w*|'
            r'RSA_(private|sign)\w*|ECDSA_sign\w*', n))
        assert not there, '%s: %s' % (path, there)
    # who has no business with sockets of clients has no call for them
    for role in ('keeper', 'broker'):
        there = {'accept', 'accept4', 'shutdown', 'getpeername',
                 'getsockname', 'recvfrom', 'sendto'} & \
            set.union(*(undefined(o) for o in objects(role)))
        assert not there, (role, there)


CASES = [
    sandbox_of_root, sandbox_of_a_user, parents_capabilities, not_dumpable,
    exfiltration, exfiltration_by_a_thread, words_of_the_parent_only, code_of_others,
    libraries_of_each,
]

for f in CASES:
    if not sys.argv[1:] or f.__name__ in sys.argv[1:]:
        run_case(f)
done()
