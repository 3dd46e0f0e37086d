# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# This tree as a fresh clone has it: with a repository of its own, whatever
# stands around it, and nothing that was built.

import os
import re
import shutil
import subprocess

from daemon import TOP

DATE = '1764500000 +0000'


def clean_env(**more):
    """Neither the suite's own settings of make nor anybody's of git."""
    env = {k: v for k, v in os.environ.items()
           if k not in ('SAN', 'B', 'MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'CC',
                        'SOURCE_DATE_EPOCH', 'TMPDIR')
           and not k.startswith(('GIT_', 'DEB'))}
    env.update(GIT_CONFIG_GLOBAL='/dev/null', GIT_CONFIG_SYSTEM='/dev/null',
               GIT_AUTHOR_DATE=DATE, GIT_COMMITTER_DATE=DATE, **more)
    return env


def run(*cmd, status=0, cwd=None, timeout=1200, env=None, **kw):
    p = subprocess.run(list(cmd), cwd=cwd, env=env or clean_env(),
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL, text=True, timeout=timeout,
                       errors='replace', **kw)
    assert status is None or p.returncode == status, (
        '%s: exit status %d\n%s' % (' '.join(cmd), p.returncode, p.stdout))
    return p.stdout


def commit(path):
    git = ['git', '-c', 'user.name=regress', '-c', 'user.email=x@invalid']
    run(*git, 'add', '-A', cwd=path)
    run(*git, 'commit', '-q', '-m', 'regress', cwd=path)


def clone(path):
    shutil.copytree(TOP, path, symlinks=True, ignore=shutil.ignore_patterns(
        '.git', 'build*', 'node_modules', 'promtool', '__pycache__',
        'wampd-*.tar.gz'))
    run('git', 'init', '-q', path)
    commit(path)
    return path


def version():
    with open(os.path.join(TOP, 'config.mk')) as f:
        return re.search(r'^VERSION =\s*(\S+)$', f.read(), re.M).group(1)
