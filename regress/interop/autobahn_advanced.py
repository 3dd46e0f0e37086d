# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The Advanced Profile with Autobahn|Python (Debian's), on Twisted over
# RawSocket and WebSocket and on asyncio over WebSocket.

import os
import subprocess
import sys

from daemon import SAN, TOP, Wampd, done, free_port, not_ok, ok, tmpdir

PROGRAM = os.path.join(TOP, "regress", "interop", "py",
                       "autobahn_advanced.py")
CONF = """
prefork 2
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
realm "realm1" {
	authenticate anonymous role "all"
	role "all" {
		allow any
		allow meta read
		allow meta write
	}
	history {
		topic exact "com.example.history"
	}
}
realm "telling" {
	authenticate anonymous role "all"
	role "all" {
		allow any
		disclose always
	}
}
"""


def relay(name, p):
    """Cases of a program are ours."""
    lines = p.stdout.splitlines()
    for line in lines:
        how, _, what = line.partition(" - ")
        if how == "ok":
            ok("%s: %s" % (name, what))
        elif how == "not ok":
            what, _, why = what.rpartition(" -- ")
            not_ok("%s: %s" % (name, what), why)
        elif line != "done":
            print(line)
    if "done" not in lines:
        not_ok(name, "ended with status %d" % p.returncode)


def run(*args):
    p = subprocess.run([sys.executable, PROGRAM] + list(args), text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=240 if SAN else 120)
    relay("autobahn " + " ".join(args[:3]), p)


def main():
    port, sock = free_port(), os.path.join(tmpdir(), "s")
    with Wampd(CONF, macros={"sock": sock, "port": port}):
        tcp = "127.0.0.1:%d" % port
        for args in (("twisted", "rawsocket", "msgpack", "unix:" + sock),
                     ("twisted", "rawsocket", "json", tcp),
                     ("twisted", "websocket", "cbor", tcp),
                     ("asyncio", "websocket", "json", "unix:" + sock),
                     ("asyncio", "websocket", "msgpack", tcp)):
            run(*args)
    done()


if __name__ == "__main__":
    main()
