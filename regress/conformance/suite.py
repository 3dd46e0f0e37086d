# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Every case that the list of sentences names, in each way, against one
# daemon.  Arguments: chapters, or chapter.case, to run these alone.

import sys

import conformance
import sentences
from daemon import Wampd, done, run_case


def chosen(chapter, case):
    names = sys.argv[1:]
    return not names or chapter in names or \
        "%s.%s" % (chapter, case) in names


def cases():
    """(chapter, name, function) in the order of the list, each once."""
    found = {}
    for c in sentences.read():
        for s in c.sentences:
            if s.case and chosen(c.name, s.case):
                found.setdefault((c.name, s.case), c.function(s.case))
    return [k + (fn,) for k, fn in found.items()]


def one(way, fn):
    conformance.begin(way)
    try:
        fn()
    finally:
        conformance.end()


def main():
    conformance.daemon.prepare()
    with Wampd(conformance.CONF, macros=conformance.daemon.macros):
        for way in conformance.WAYS:
            for chapter, name, fn in cases():
                def case():
                    one(way, fn)
                case.__doc__ = name.replace("_", " ")
                if conformance.runs_in(fn, way):
                    run_case(case, "%s %s " % way + chapter + ": ")
    done()


main()
