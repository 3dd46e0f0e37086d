# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The types of imsgs by name, as common/msgtypes.h has them: T['PING'].

import os
import re

TOP = os.environ.get('top') or os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))


def types():
    with open(os.path.join(TOP, 'common', 'msgtypes.h')) as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    body = re.search(r'enum imsg_type \{(.*?)\};', text, re.S).group(1)
    names = [n.strip().split('=')[0].strip() for n in body.split(',')]
    return {n[len('IMSG_'):]: i for i, n in enumerate(names) if n}


T = types()
