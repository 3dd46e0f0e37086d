# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# The Advanced Profile with Autobahn|JS and wampy.js.  Neither has a callee
# that gives or takes a call in parts, so there is one of our own beside them.

import os
import shutil
import subprocess
import threading

from autobahn_advanced import CONF, relay
from daemon import TOP, SAN, Wampd, done, free_port, skip, tmpdir
from wampclient import *

JS = os.path.join(TOP, "regress", "interop", "js")
FEATURES = {f: True for f in (
    "call_canceling", "progressive_call_results",
    "progressive_call_invocations")}


def serve(c):
    """com.example.count(n) counts, com.example.sum adds what comes in
    parts."""
    sums = {}
    regs = {c.register("com.example." + x): x for x in ("count", "sum")}
    try:
        while True:
            m = c.recv(600)
            if m[0] != INVOCATION:
                continue
            request, details, args = m[1], m[3], m[4]
            if regs[m[2]] == "count":
                for i in range(args[0] * details.get("receive_progress", 0)):
                    c.send(YIELD, request, {"progress": True}, [i])
                c.send(YIELD, request, {}, ["end"])
                continue
            sums[request] = sums.get(request, 0) + args[0]
            if not details.get("progress"):
                c.send(YIELD, request, {}, [sums.pop(request)])
    except (Closed, OSError):
        pass


def node(name, *args):
    p = subprocess.run(["node"] + list(args), cwd=JS, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=240 if SAN else 120)
    relay(name, p)


def main():
    if shutil.which("node") is None:
        skip("javascript_advanced", "node is not installed")
        done()
    if not os.path.isdir(os.path.join(JS, "node_modules", "autobahn")):
        skip("javascript_advanced", "run: npm ci --prefix regress/interop/js")
        done()
    port, sock = free_port(), os.path.join(tmpdir(), "s")
    tcp = "127.0.0.1:%d" % port
    with Wampd(CONF, macros={"sock": sock, "port": port}):
        roles = dict(ROLES["roles"], callee={"features": FEATURES})
        c = Client(sock, details={"roles": roles}, realm="realm1")
        threading.Thread(target=serve, args=(c,), daemon=True).start()
        p = Client(sock)
        p.send(PUBLISH, p.next(), {"retain": True, "acknowledge": True},
               "com.example.foreign", ["kept"])
        p.expect(PUBLISHED)
        p.close()
        for ser in ("json", "msgpack", "cbor"):
            node("autobahn.js websocket " + ser, "autobahn_advanced.js",
                 "websocket", "ws://%s/" % tcp, ser)
            node("wampy.js " + ser, "wampy_advanced.js", "ws://%s/" % tcp,
                 ser)
        node("autobahn.js rawsocket", "autobahn_advanced.js", "rawsocket",
             tcp, "json")
        node("autobahn.js unix", "autobahn_advanced.js", "unix", sock, "json")
    done()


if __name__ == "__main__":
    main()
