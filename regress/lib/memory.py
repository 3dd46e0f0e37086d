# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The memory of a process, read by root and searched for secrets.

import os
import re

from daemon import SAN

HUGE = 1 << 30		# shadow memory of a sanitizer


def memory(pid):
    """All that can be read of a process's memory, a piece at a time."""
    with open('/proc/%d/maps' % pid) as f:
        maps = [re.match(r'([0-9a-f]+)-([0-9a-f]+) (\S+).*?(\S*)$', line)
                for line in f]
    fd = os.open('/proc/%d/mem' % pid, os.O_RDONLY)
    try:
        for m in maps:
            begin, end = int(m.group(1), 16), int(m.group(2), 16)
            if m.group(4) in ('[vvar]', '[vsyscall]', '[vvar_vclock]'):
                continue
            if SAN and end - begin > HUGE:
                continue
            for at in range(begin, end, 1 << 24):
                try:
                    yield os.pread(fd, min(end - at, (1 << 24) + 4096), at)
                except OSError:		# a guard page, or not readable
                    for page in range(at, min(end, at + (1 << 24)), 4096):
                        try:
                            yield os.pread(fd, 4096, page)
                        except OSError:
                            pass
    finally:
        os.close(fd)


def find(pid, wanted):
    """The names of those of {name: octets} in the process's memory."""
    seen = set()
    for data in memory(pid):
        seen.update(name for name, w in wanted.items() if w in data)
    return sorted(seen)
