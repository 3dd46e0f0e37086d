#!/usr/bin/python3
#
# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What the kernel reports about a process of wampd, and whether that is the
# sandbox of its role.  Landlock and MDWE do not show in /proc: the unit
# tests attempt what they forbid.
#
# usage: sandbox_report.py pid [keeper|tlsproxy|broker|metrics|parent [root|user]]

import os
import subprocess
import sys

ROLES = ("keeper", "tlsproxy", "broker", "metrics", "parent")
NAMESPACES = ("net", "ipc", "mnt", "uts", "cgroup")
CAP_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
LIMITS = ("Max core file size", "Max file size", "Max processes",
          "Max open files")
# sandbox.c: parent_caps
PARENT_CAPS = {"chown": 0, "kill": 5, "setgid": 6, "setuid": 7,
               "setpcap": 8, "net_bind_service": 10, "sys_chroot": 18,
               "sys_admin": 21}
SETPCAP = 1 << PARENT_CAPS["setpcap"]


def read_status(path):
    fields = {}
    with open(path) as f:
        for line in f:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return fields


def read_limits(pid):
    limits = {}
    with open("/proc/%d/limits" % pid) as f:
        for line in f:
            for name in LIMITS:
                if line.startswith(name):
                    soft, hard = line[len(name):].split()[:2]
                    limits[name] = (soft, hard)
    return limits


def read_link(path):
    """The text of a link, or None: not ours to look at."""
    try:
        return os.readlink(path)
    except PermissionError:
        return None


def list_root(pid):
    """Names in the process's root directory, or None: may not look."""
    try:
        return os.listdir("/proc/%d/root/" % pid)
    except PermissionError:
        return None


def report(pid):
    """Everything the kernel says, as a dictionary."""
    s = read_status("/proc/%d/status" % pid)
    r = {
        "name": s["Name"],
        "uid": [int(n) for n in s["Uid"].split()],
        "gid": [int(n) for n in s["Gid"].split()],
        "groups": [int(n) for n in s["Groups"].split()],
        "no_new_privs": int(s["NoNewPrivs"]),
        "seccomp": int(s["Seccomp"]),
        # root owns the files in /proc of a process that is not dumpable
        "proc_owner": os.stat("/proc/%d/status" % pid).st_uid,
        "limits": read_limits(pid),
        "namespaces": {ns: read_link("/proc/%d/ns/%s" % (pid, ns))
                       for ns in NAMESPACES},
        "root": list_root(pid),
        "threads": {},
    }
    for cap in CAP_SETS:
        r[cap] = int(s[cap], 16)
    for tid in os.listdir("/proc/%d/task" % pid):
        t = read_status("/proc/%d/task/%s/status" % (pid, tid))
        r["threads"][int(tid)] = {
            "no_new_privs": int(t["NoNewPrivs"]),
            "seccomp": int(t["Seccomp"]),
            "caps": [int(t[cap], 16) for cap in CAP_SETS if cap != "CapBnd"],
        }
    return r


def own_namespaces():
    return {ns: os.readlink("/proc/self/ns/" + ns) for ns in NAMESPACES}


def may_unshare():
    """Whether this machine lets root have namespaces of its own."""
    try:
        return subprocess.run(["unshare", "-n", "-i", "-m", "-u", "-C",
                               "true"], stderr=subprocess.DEVNULL
                              ).returncode == 0
    except FileNotFoundError:
        return True


def check_ids(r, root_mode):
    p = []
    if len(set(r["uid"])) != 1 or len(set(r["gid"])) != 1:
        p.append("user or group can be changed back: uid %s gid %s"
                 % (r["uid"], r["gid"]))
    if root_mode:
        if 0 in r["uid"] or 0 in r["gid"]:
            p.append("is root: uid %s gid %s" % (r["uid"], r["gid"]))
        if r["groups"]:
            p.append("has supplementary groups %s" % r["groups"])
    elif r["uid"][0] != os.getuid() and os.getuid() != 0:
        p.append("is uid %d, not the caller's" % r["uid"][0])
    return p


def check_caps(r, root_mode):
    p = ["%s is %x" % (cap, r[cap]) for cap in CAP_SETS
         if cap != "CapBnd" and r[cap] != 0]
    own = int(read_status("/proc/self/status")["CapBnd"], 16)
    # where the machine itself lacks CAP_SETPCAP the set stays
    if root_mode and own & SETPCAP and r["CapBnd"] != 0:
        p.append("CapBnd is %x" % r["CapBnd"])
    return p


def check_limits(r, is_san):
    want = ["Max core file size", "Max file size"]
    if not is_san:
        want.append("Max processes")
    return ["%s is %s" % (name, r["limits"].get(name)) for name in want
            if r["limits"].get(name) != ("0", "0")]


def check_threads(r, is_san):
    p = []
    for tid, t in r["threads"].items():
        if t["no_new_privs"] != 1 or any(t["caps"]):
            p.append("thread %d: no_new_privs %d, capabilities %s"
                     % (tid, t["no_new_privs"], t["caps"]))
        if t["seccomp"] != 2 and not is_san:
            p.append("thread %d: seccomp is %d, not 2 (filter)"
                     % (tid, t["seccomp"]))
    return p


def check_places(r, is_san):
    """Namespaces and root directory, when root started it."""
    p = []
    own = own_namespaces()
    if may_unshare():
        for ns, link in r["namespaces"].items():
            if link is None:
                p.append("namespace %s: may not look" % ns)
            elif link == own[ns]:
                p.append("shares the %s namespace" % ns)
    if is_san:
        return p
    if r["root"] is None:
        p.append("root directory: may not look")
    elif r["root"]:
        p.append("root directory is not empty: %s" % r["root"][:3])
    return p


def check_parent(r, root_mode):
    if not root_mode:
        return []
    keep = sum(1 << n for n in PARENT_CAPS.values())
    own = int(read_status("/proc/self/status")["CapBnd"], 16)
    p = ["%s has more than wampd(8) says: %x" % (cap, r[cap] & ~keep)
         for cap in ("CapPrm", "CapEff") if r[cap] & ~keep]
    if own & SETPCAP and r["CapBnd"] & ~keep:
        p.append("CapBnd has more than wampd(8) says: %x"
                 % (r["CapBnd"] & ~keep))
    if r["CapInh"] or r["CapAmb"]:
        p.append("capabilities to inherit: %x %x" % (r["CapInh"],
                                                     r["CapAmb"]))
    return p


def check(pid, role, root_mode):
    """Problems of process pid as one of role, [] if there are none."""
    is_san = bool(os.environ.get("SAN"))
    if role not in ROLES:
        raise ValueError("role " + role)
    try:
        r = report(pid)
    except (FileNotFoundError, ProcessLookupError):
        return ["no such process"]
    if role == "parent":
        return check_parent(r, root_mode)
    p = [] if r["name"] == role else ["its name is " + r["name"]]
    p += check_ids(r, root_mode) + check_caps(r, root_mode)
    p += check_threads(r, is_san) + check_limits(r, is_san)
    if r["proc_owner"] != 0:
        p.append("is dumpable")
    if root_mode:
        p += check_places(r, is_san)
    return p


def main(argv):
    if len(argv) < 2 or (len(argv) > 2 and argv[2] not in ROLES):
        print("usage: sandbox_report.py pid [role [root|user]]",
              file=sys.stderr)
        return 2
    pid = int(argv[1])
    for name, value in report(pid).items():
        print("%-14s %s" % (name, "%016x" % value if name in CAP_SETS
                            else value))
    if len(argv) == 2:
        return 0
    root_mode = argv[3] == "root" if len(argv) > 3 else os.getuid() == 0
    problems = check(pid, argv[2], root_mode)
    for p in problems:
        print("problem: " + p)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
