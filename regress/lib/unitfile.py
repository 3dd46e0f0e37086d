# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A systemd unit without systemd: what its file says, and, as a program
# (unitfile.py unit writable-directory command ...), a command run with the
# same capabilities, system calls, namespaces and mounts.

import ctypes
import os
import subprocess
import sys

CAPS = ['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL',
        'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE',
        'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER',
        'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT',
        'SYS_ADMIN']
FAMILIES = {'AF_UNIX': 1, 'AF_INET': 2, 'AF_INET6': 10}
NAMESPACES = {'mnt': 0x00020000, 'cgroup': 0x02000000, 'uts': 0x04000000,
              'ipc': 0x08000000, 'user': 0x10000000, 'pid': 0x20000000,
              'net': 0x40000000}

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 24, 38, 65
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
ALLOW, ERRNO = 0x7fff0000, 0x00050000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
CMP_EQ, CMP_MASKED_EQ = 4, 7


def read(path):
    """{name: [values in order]} of all sections."""
    found = {}
    with open(path) as f:
        for line in f:
            line = line.strip()
            if line and line[0] not in '#[':
                name, value = line.split('=', 1)
                found.setdefault(name, []).append(value)
    return found


def words(unit, name):
    return ' '.join(unit.get(name, [])).split()


def capabilities(unit):
    """The bounding set as a number."""
    return sum(1 << CAPS.index(c[len('CAP_'):])
               for c in words(unit, 'CapabilityBoundingSet'))


def expand(names):
    """System calls, those of systemd's groups in their place."""
    out = set()
    for name in names:
        if name[0] != '@':
            out.add(name)
            continue
        text = subprocess.run(['systemd-analyze', 'syscall-filter', name],
                              capture_output=True, text=True,
                              check=True).stdout
        out |= expand(w for w in (ln.split('#')[0].strip()
                                  for ln in text.split('\n')[1:]) if w)
    return out


def system_calls(unit):
    calls = set()
    for line in unit['SystemCallFilter']:
        if line[0] == '~':
            calls -= expand(line[1:].split())
        else:
            calls |= expand(line.split())
    return calls | expand(['@default'])


class Arg(ctypes.Structure):
    _fields_ = [('arg', ctypes.c_uint), ('op', ctypes.c_int),
                ('a', ctypes.c_uint64), ('b', ctypes.c_uint64)]


class Filter:
    lib = ctypes.CDLL('libseccomp.so.2')
    lib.seccomp_init.restype = ctypes.c_void_p

    def __init__(self, action):
        self.ctx = ctypes.c_void_p(self.lib.seccomp_init(
            ctypes.c_uint32(action)))

    def rule(self, action, name, *arg):
        nr = self.lib.seccomp_syscall_resolve_name(name.encode())
        if nr < 0:
            return
        args = (Arg * 1)(*[Arg(*arg)] if arg else [])
        rc = self.lib.seccomp_rule_add_array(
            self.ctx, ctypes.c_uint32(action), nr, 1 if arg else 0, args)
        assert rc == 0, (name, rc)

    def load(self):
        rc = self.lib.seccomp_load(self.ctx)
        assert rc == 0, rc


libc = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    if getattr(libc, name)(*args) == -1:
        e = ctypes.get_errno()
        raise OSError(e, '%s: %s' % (name, os.strerror(e)))


def mount(src, dst, kind, flags, data=None):
    call('mount', src.encode(), dst.encode(), kind and kind.encode(), flags,
         data and data.encode())


def restrict(unit, writable):
    calls = system_calls(unit)
    caps = capabilities(unit)
    # ProtectSystem=strict, ProtectProc=, ProcSubset=
    call('unshare', NAMESPACES['mnt'])
    mount('none', '/', None, MS_REC | MS_PRIVATE)
    mount(writable, writable, None, MS_BIND)
    mount('none', '/', None, MS_REMOUNT | MS_BIND | MS_RDONLY)
    mount('proc', '/proc', 'proc', 0, 'hidepid=invisible,subset=pid')
    os.chdir('/')
    os.umask(int(unit['UMask'][0], 8))
    for cap in range(41):
        if not caps >> cap & 1:
            call('prctl', PR_CAPBSET_DROP, cap, 0, 0, 0)
    call('prctl', PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_MDWE, 1, 0, 0, 0)     # MemoryDenyWriteExecute=

    few = Filter(ERRNO | EPERM)
    for name in calls:
        few.rule(ALLOW, name)
    more = Filter(ALLOW)
    allowed = [FAMILIES[f] for f in words(unit, 'RestrictAddressFamilies')]
    for family in range(64):
        if family not in allowed:
            more.rule(ERRNO | EAFNOSUPPORT, 'socket', 0, CMP_EQ, family, 0)
    for name, flag in NAMESPACES.items():
        if name in words(unit, 'RestrictNamespaces'):
            continue
        for where in 'unshare', 'clone':
            more.rule(ERRNO | EPERM, where, 0, CMP_MASKED_EQ, flag, flag)
    more.rule(ERRNO | ENOSYS, 'clone3')
    more.load()
    few.load()


if __name__ == '__main__':
    restrict(read(sys.argv[1]), sys.argv[2])
    os.execv(sys.argv[3], sys.argv[3:])
