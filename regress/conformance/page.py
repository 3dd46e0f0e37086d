# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampd-conformance(7): top.7, the list of sentences, bottom.7.  With -w the
# page is written, else it is compared; and the list with the cases.

import os
import re
import sys
import textwrap

import sentences
from daemon import TOP, run_cases

PAGE = os.path.join(TOP, "man", "wampd-conformance.7")


def part(name):
    with open(os.path.join(sentences.DIR, name), encoding="utf-8") as f:
        return f.read()


def quoted(text):
    """Lines of mdoc: one sentence a line, and none over 80 columns."""
    text = "\\(lq" + text.replace("\\", "\\e") + "\\(rq"
    text = text.replace("()", "\\&()")     # no function of C
    out = []
    for line in re.split(r"(?<=[.:!?)])(?<!\.\.\.) (?=[A-Z])", text):
        out += textwrap.wrap(line, 78, break_long_words=False,
                             break_on_hyphens=False)
    return ["\\&" + x if x[0] in ".'" else x for x in out]


def entry(chapter, s):
    out = [".It " + s.name] + quoted(s.text) + [".br"]
    if s.case is None:
        return out + wrapped("No case: " + s.why + ".")
    out += [("Otherwise," if s.otherwise else "Yes,"),
            ".Li %s.%s" % (chapter.name, s.case) + (
                " :" if s.otherwise else " .")]
    if s.otherwise:
        out += wrapped(s.otherwise + ".")
    return out


def wrapped(text):
    return textwrap.wrap(text, 78, break_on_hyphens=False)


def make():
    out = []
    for c in sentences.read():
        out += [".Ss " + c.title, ".Bl -tag -width Ds"]
        for s in c.sentences:
            out += entry(c, s)
        out.append(".El")
    return part("top.7") + "\n".join(out) + "\n" + part("bottom.7")


def page_is_made_from_the_list():
    with open(PAGE, encoding="utf-8") as f:
        assert f.read() == make(), "make update writes it anew"


def cases_exist():
    for c in sentences.read():
        missing = [s.case for s in c.sentences
                   if s.case and not callable(c.function(s.case))]
        assert not missing, (c.name, missing)


def cases_are_named():
    for c in sentences.read():
        unnamed = c.functions() - {s.case for s in c.sentences}
        assert not unnamed, (c.name, unnamed)


def modules_are_chapters():
    files = {f[:-3] for f in os.listdir(os.path.join(sentences.DIR, "cases"))
             if f.endswith(".py")}
    assert files == {c.name for c in sentences.read()}


def sentences_have_a_text():
    for c in sentences.read():
        empty = [s.name for s in c.sentences if not s.text]
        assert not empty, (c.name, empty)


if __name__ == "__main__":
    if sys.argv[1:] == ["-w"]:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(make())
        sys.exit(0)
    run_cases((page_is_made_from_the_list, cases_exist, cases_are_named,
               modules_are_chapters, sentences_have_a_text))
