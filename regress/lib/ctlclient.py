# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# wampctl as tests run it, also on a terminal, and a client of the control
# socket that may say anything.

import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import termios

from daemon import B, REPORT, SAN, TOP, wait_until

WAMPCTL = os.path.join(B, 'sbin', 'wampctl')

# common/ctl.h
REQUEST = struct.Struct('=IHBBQII256s256s256s1024s')
FRAME = struct.Struct('=IHH')
MAGIC = 0x57434c31
ROW, TEXT, ERROR, END = 1, 2, 3, 4
INCOMPLETE = 1


def numbers():
    with open(os.path.join(TOP, 'common', 'ctl.h')) as f:
        return {m.group(1): int(m.group(2)) for m in
                re.finditer(r'^\tCTL_(\w+) = (\d+)', f.read(), re.M)}


WHAT = numbers()


def wampctl(path, *args, timeout=30, user=None, locale='C'):
    """(status, stdout, stderr)"""
    p = subprocess.run([WAMPCTL, '-s', path, *args], user=user,
                       group=user and 65534, extra_groups=user and [],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       encoding='utf-8', timeout=timeout * (3 if SAN else 1),
                       env=dict(os.environ, LC_ALL=locale))
    assert not REPORT.search(p.stderr), p.stderr
    return p.returncode, p.stdout, p.stderr


def rows(path, *args, status=0):
    """The objects that wampctl -j prints."""
    rv, out, err = wampctl(path, '-j', *args)
    assert rv == status, (args, rv, out, err)
    return json.loads(out)


def request(what, magic=MAGIC, action=0, match=0, session=0, ms=0, level=0,
            realm=b'', role=b'', authid=b'', uri=b''):
    return REQUEST.pack(magic, WHAT.get(what, what), action, match, session,
                        ms, level, realm, role, authid, uri)


class Control:
    def __init__(self, path, rcvbuf=None):
        self.s = socket.socket(socket.AF_UNIX)
        if rcvbuf:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.s.settimeout(60 if SAN else 20)
        self.s.connect(path)

    def send(self, data):
        self.s.sendall(data)

    def read(self, n):
        """n octets, or less at the end of file"""
        got = b''
        while len(got) < n:
            try:
                more = self.s.recv(n - len(got))
            except ConnectionResetError:
                return got
            if not more:
                return got
            got += more
        return got

    def frame(self):
        """(kind, flags, data), or None at the end of file"""
        head = self.read(FRAME.size)
        if not head:
            return None
        n, kind, flags = FRAME.unpack(head)
        return kind, flags, self.read(n)

    def answer(self):
        """The frames up to the last one; its kind is ERROR, END or None."""
        got = []
        while True:
            f = self.frame()
            got.append(f)
            if f is None or f[0] in (ERROR, END):
                return got

    def ask(self, *args, **kw):
        self.send(request(*args, **kw))
        return self.answer()

    def is_closed(self):
        return self.answer()[-1] is None

    def close(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()


class Terminal:
    """A program on a terminal of its own, with all of its three streams."""

    def __init__(self, argv, term='xterm'):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack('HHHH', 24, 80, 0, 0))
        self.argv = argv
        self.env = dict(os.environ, TERM=term)
        self.seen = b''
        self.p = None
        self.before = self.flags()	# before the program may change them

    def __enter__(self):
        def become():
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        self.p = subprocess.Popen(self.argv, stdin=self.slave,
                                  stdout=self.slave, stderr=self.slave,
                                  env=self.env, preexec_fn=become)
        return self

    def __exit__(self, *args):
        self.p.kill()
        self.p.wait()
        os.close(self.master)
        os.close(self.slave)

    def flags(self):
        return termios.tcgetattr(self.slave)

    def read(self):
        while select.select([self.master], [], [], 0.05)[0]:
            self.seen += os.read(self.master, 4096)

    def text(self):
        self.read()
        return self.seen.decode()

    def wait_for(self, text):
        wait_until(lambda: text in self.text(), 30, text)

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self):
        wait_until(lambda: self.read() or self.p.poll() is not None, 30,
                   'the end')
        return self.p.returncode
