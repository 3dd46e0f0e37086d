# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The programs of wampd-clients(7).

import os
import re

from daemon import TOP


def programs():
    """{name: text} of the page, as man(1) would show it."""
    with open(os.path.join(TOP, 'man', 'wampd-clients.7')) as f:
        page = f.read()
    found = re.findall(r'^\.\\" BEGIN (\S+)\n\.Bd -literal -offset indent\n'
                       r'(.*?)^\.Ed\n\.\\" END$', page, re.M | re.S)
    return {name: text.replace('\\e', '\\') for name, text in found}
