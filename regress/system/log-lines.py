# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Every warning an administrator may meet is found in wampd(8) by its text, or
# explains itself and stands below; and what TROUBLESHOOTING tells is logged.

import glob
import os
import re

from daemon import TOP, run_cases

# "what, which: why", or the text of something else that is checked elsewhere
CLEAR = {
    '%s',                                       # of a child, as it is
    '%s: cannot be started',                    # with errno
    'program %s',
    'program %s: %s',
    'pipe', 'fork', 'setsid', 'chdir /',
    'directory %s',
    'pidfile %s', 'pidfile %s: %s',
    'channel between %s and %s',
    '%s: %s %s', '%s: %s %s: %s',               # keypair, its file, why
    '%s: cannot be sent the configuration',
    "-t '%s': %s",                              # of wampd -n -t
    'sandbox: %s',
    'control: a row is too long',
    '%s: out of memory', '%s: %s', '%s:%u: %s',  # a users file
    'proxy %u: no memory for its slots',
}
# made of parts: what the page has of them is looked for as it stands here
PARTS = {
    '%s: %s %s %s': ('is writable by others', 'is readable by others'),
    '%s (process %d) %s%s': ('it will be started again',),
    '%s (process %d) %s': ('killed by signal',),
    '%s %s on %s: %s': ('expires on', 'expired on'),
    '%s %u is cut off: it %s': ('is cut off',),
}
CALL = re.compile(r'\blog_warnx?\(')
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r'%[-0-9.*]*(?:ll|l|z)?[a-zA-Z]')
# arguments of a call that may be strings, too, come after the format's comma
FORMAT = re.compile(r'\s*((?:"(?:[^"\\]|\\.)*"\s*|PRI\w+\s*)+)')


def formats():
    """{format: where} of all warnings."""
    found = {}
    for folder in ('wampd', 'keeper', 'tlsproxy', 'broker', 'metrics',
                   'common'):
        for path in sorted(glob.glob(os.path.join(TOP, folder, '*.c'))):
            if path.endswith('common/log.c'):
                continue
            with open(path) as f:
                text = f.read()
            for m in CALL.finditer(text):
                a = FORMAT.match(text, m.end())
                where = '%s/%s:%d' % (folder, os.path.basename(path),
                                      text.count('\n', 0, m.start()) + 1)
                assert a, where + ': a warning without a format'
                fmt = ''.join(STRING.findall(a.group(1)))
                found[fmt.replace('\\"', '"')] = where
    assert len(found) > 80, len(found)
    return found


def words(text):
    """Without punctuation, a blank between words."""
    return ' '.join(re.sub(r'[^\w/.\'-]|\.(?!\w)', ' ', text).split())


def heading(lines):
    """What man(1) shows of .It lines, without punctuation."""
    text = ' '.join(lines)
    text = re.sub(r'\\\(dq|\\&', ' ', text)
    text = re.sub(r'(^| )(Ar|No|Ns|Li|Ic|Dq|Pq|Fl|Oo|Oc)(?= )', ' ', text)
    return words(text)


def headings(section):
    """Of a section of wampd(8)."""
    with open(os.path.join(TOP, 'man', 'wampd.8')) as f:
        page = f.read().replace('\\\n', '')
    page = re.search(r'^\.Sh %s\n(.*?)^\.Sh ' % section, page,
                     re.M | re.S).group(1)
    return [heading([m]) for m in re.findall(r'^\.It (.*)', page, re.M)], \
        words(page)


def is_in(fmt, head):
    """Do the fixed words of a format stand in it, in their order?"""
    at = 0
    parts = [words(p) for p in CONVERSION.split(fmt)]
    parts = [p for p in parts if p]
    for p in parts:
        m = re.compile(r'(?<!\w)%s(?!\w)' % re.escape(p)).search(head, at)
        if m is None:
            return False
        at = m.end()
    return bool(parts)


def page_has_the_warnings():
    """each warning is in wampd(8), or explains itself"""
    diag, dtext = headings('DIAGNOSTICS')
    trouble, ttext = headings('TROUBLESHOOTING')
    missing = []
    found = formats()
    for fmt, where in found.items():
        if fmt in CLEAR:
            continue
        if fmt in PARTS:
            if not all(p in dtext or p in ttext or
                       any(p in h for h in trouble + diag)
                       for p in map(words, PARTS[fmt])):
                missing.append('%s: "%s"' % (where, fmt))
        elif not any(is_in(fmt, h) for h in diag + trouble):
            # some are told of in the text of others
            longest = max((words(p) for p in CONVERSION.split(fmt)), key=len)
            if len(longest.split()) < 3 or longest not in dtext:
                missing.append('%s: "%s"' % (where, fmt))
    assert not missing, 'not in wampd(8): ' + ', '.join(missing)
    gone = (CLEAR | set(PARTS)) - set(found)
    assert not gone, 'logged no more: %r' % gone


def the_page_is_right():
    """what TROUBLESHOOTING lists is logged"""
    found = formats()
    trouble, text = headings('TROUBLESHOOTING')
    assert len(trouble) > 40, trouble
    for h in trouble:
        assert any(is_in(f, h) for f in found) or \
            any(words(p) in h for ps in PARTS.values() for p in ps), h


run_cases([page_has_the_warnings, the_page_is_right])
