# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# make dist: all that is needed, nothing that is not, and the same each time.
#
# LONG=1: make distcheck: built twice, installed, used, removed.

import os
import shutil
import tarfile

from daemon import LONG, run_cases, skip, done, tmpdir
from disttree import clean_env, clone, commit, run, version

NAME = 'wampd-' + version()
TARBALL = NAME + '.tar.gz'


def make(tree, *targets, **kw):
    return run('make', '-s', '-C', tree, *targets, **kw)


def octets(*path):
    with open(os.path.join(*path), 'rb') as f:
        return f.read()


def contents():
    """the tarball has what git has and MANIFEST, with modes of its own"""
    tree = clone(os.path.join(ROOT, 'a'))
    with open(tree + '/left-out', 'w') as f:
        f.write('not committed\n')
    os.mkdir(tree + '/build')
    os.chmod(tree + '/README.md', 0o600)
    out = make(tree, 'dist')
    assert 'what is not committed is not in it' in out, out
    with tarfile.open(os.path.join(tree, TARBALL)) as t:
        members = t.getmembers()
        manifest = t.extractfile(NAME + '/MANIFEST').read().decode().split()
    files = {m.name[len(NAME) + 1:] for m in members if m.isfile()}
    known = set(run('git', 'ls-files', cwd=tree).split())
    away = {f for f in known if f.startswith('.')}
    assert files == known - away | {'MANIFEST'}, files ^ known
    assert set(manifest) == files - {'MANIFEST'}
    for m in members:
        assert m.isfile() or m.isdir(), m.name
        assert (m.uid, m.gid) == (0, 0), m.name
        assert m.mode == (0o755 if m.isdir() or m.mode & 0o100 else 0o644), \
            (m.name, oct(m.mode))
        assert m.mtime == 1764500000, (m.name, m.mtime)


def reproducible():
    """another clone makes the same octets, so does the unpacked tarball"""
    tree = clone(os.path.join(ROOT, 'b', 'deeper'))
    old = os.umask(0o077)
    try:
        make(tree, 'dist')
    finally:
        os.umask(old)
    assert octets(tree, TARBALL) == octets(ROOT, 'a', TARBALL)
    os.mkdir(ROOT + '/c')
    run('tar', '-xzf', os.path.join(tree, TARBALL), '-C', ROOT + '/c')
    unpacked = os.path.join(ROOT, 'c', NAME)
    make(unpacked, 'dist')
    assert octets(unpacked, TARBALL) == octets(tree, TARBALL)
    os.unlink(unpacked + '/MANIFEST')
    out = make(unpacked, 'dist', status=2)
    assert 'neither .git nor a MANIFEST' in out, out


def distcheck():
    """make distcheck is content, and is not with a tree that is broken"""
    tree = os.path.join(ROOT, 'b', 'deeper')
    out = make(tree, 'distcheck')
    assert out.endswith('%s is good\n' % TARBALL), out
    # a build that is not reproducible is found
    run('sed', '-i', '/-ffile-prefix-map=/d', tree + '/Makefile')
    commit(tree)
    out = make(tree, 'distcheck', status=2, env=clean_env(
        CFLAGS='-O0 -U_FORTIFY_SOURCE'))
    assert 'programs differ between two builds' in out, out


ROOT = tmpdir()
if shutil.which('git') is None:
    skip('dist', 'git is not installed')
    done()
run_cases([contents, reproducible] + ([distcheck] if LONG else []))
