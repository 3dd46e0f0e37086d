# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
"""A program with a controlling terminal of its own, and what is seen there."""
import fcntl
import os
import pty
import termios

from wampcrun import finish, popen


class Terminal:
    def __init__(self, args, **kw):
        """wampc with these arguments; stdin=True: at the terminal as well"""
        self.master, slave = pty.openpty()

        def become():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        if kw.pop('stdin', False):
            kw['stdin'] = slave
        self.p = popen(args, preexec_fn=become, pass_fds=[slave], **kw)
        os.close(slave)
        self.seen = b''

    def until(self, text):
        while text not in self.seen:
            self.seen += os.read(self.master, 4096)

    def type(self, text):
        os.write(self.master, text)

    def end(self):
        r = finish(self.p)
        try:
            while True:
                more = os.read(self.master, 4096)
                if not more:
                    break
                self.seen += more
        except OSError:
            pass
        os.close(self.master)
        return r
