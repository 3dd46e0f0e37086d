# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The list regress/conformance/sentences, and the cases that it names.

import importlib
import inspect
import os
import re
import sys

from daemon import TOP

DIR = os.path.join(TOP, "regress", "conformance")
sys.path.insert(0, os.path.join(DIR, "cases"))

CHAPTER = re.compile(r"chapter ([a-z_]+) (\S.*)\Z")
ENTRY = re.compile(r"([a-z0-9-]+) = (?:none: (?P<none>\S.*)|"
                   r"(?P<case>\w+)(?: otherwise: (?P<otherwise>\S.*))?)\Z")


class Sentence:
    """case: its name, or None and then why there is none; otherwise: what
    is done in the place of what the sentence wants."""

    def __init__(self, name, case, why, otherwise):
        self.name = name
        self.case = case
        self.why = why
        self.otherwise = otherwise
        self.text = ""


class Chapter:
    def __init__(self, name, title):
        self.name = name
        self.title = title
        self.sentences = []

    def function(self, case):
        return getattr(importlib.import_module(self.name), case)

    def functions(self):
        """The cases that the module has: what it defines itself, without
        arguments and without an underscore."""
        mod = importlib.import_module(self.name)
        return {n for n, f in vars(mod).items() if inspect.isfunction(f) and
                f.__module__ == self.name and n[0] != "_" and
                not inspect.signature(f).parameters}


def read():
    chapters = []
    names = set()
    with open(os.path.join(DIR, "sentences"), encoding="utf-8") as f:
        lines = f.read().split("\n")
    for n, line in enumerate(lines, 1):
        if line == "" or line.startswith("#"):
            continue
        if line.startswith("\t"):
            s = chapters[-1].sentences[-1]
            s.text = (s.text + " " + line.strip()).strip()
            continue
        m = CHAPTER.match(line)
        if m:
            chapters.append(Chapter(*m.groups()))
            names = set()
            continue
        m = ENTRY.match(line)
        if m is None or m.group(1) in names:
            raise ValueError("sentences:%d: %s" % (n, line))
        names.add(m.group(1))
        chapters[-1].sentences.append(Sentence(
            m.group(1), m.group("case"), m.group("none"),
            m.group("otherwise")))
    return chapters
