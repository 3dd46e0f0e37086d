# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Autobahn|JS and wampy.js, installed by npm from the lock file beside them:
# publisher, subscriber, caller, callee, in each transport and serializer.

import os
import shutil
import subprocess

from daemon import (TOP, Wampd, done, free_port, make_cert, run_case,
                    skip, tmpdir)

JS = os.path.join(TOP, "regress", "interop", "js")

CONF = """
keypair "localhost" { certificate $crt  key $key }
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
listen on 127.0.0.1 port $tlsport tls { keypair "localhost" }
realm "realm1" {
	authenticate anonymous role "all"
	role "all" { allow any }
}
"""


def node(cafile, *args):
    env = dict(os.environ, NODE_EXTRA_CA_CERTS=cafile)
    p = subprocess.run(["node"] + [str(a) for a in args], cwd=JS, env=env,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=40, text=True)
    if p.returncode != 0 or "done" not in p.stdout:
        print(p.stdout)
        raise AssertionError("node ended with status %d" % p.returncode)


def main():
    if shutil.which("node") is None:
        skip("javascript", "node is not installed")
        done()
    if not os.path.isdir(os.path.join(JS, "node_modules", "autobahn")):
        skip("javascript", "run: npm ci --prefix regress/interop/js")
        done()
    d = tmpdir()
    crt, key = make_cert(d)
    port, tlsport = free_port(), free_port()
    sock = os.path.join(d, "s")
    macros = {"sock": sock, "port": port, "tlsport": tlsport, "crt": crt,
              "key": key}
    with Wampd(CONF, macros=macros):
        ws = "ws://127.0.0.1:%d/ws" % port
        wss = "wss://localhost:%d/ws" % tlsport
        for ser in ("json", "msgpack", "cbor"):
            for name, args in (
                ("autobahn websocket",
                 ("autobahn.js", "websocket", ws, ser)),
                ("autobahn websocket tls",
                 ("autobahn.js", "websocket", wss, ser)),
                ("autobahn rawsocket",
                 ("autobahn.js", "rawsocket", "127.0.0.1:%d" % port, ser)),
                ("autobahn unix", ("autobahn.js", "unix", sock, ser)),
                ("wampy websocket", ("wampy.js", ws, ser)),
                ("wampy websocket tls", ("wampy.js", wss, ser)),
            ):
                def case(args=args):
                    node(crt, *args)
                case.__doc__ = "%s %s" % (name, ser)
                run_case(case)
    done()


if __name__ == "__main__":
    main()
