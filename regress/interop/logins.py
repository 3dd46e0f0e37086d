# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Autobahn|Python, Autobahn|JS and wampy.js log in by each method that they
# have, over each transport that they have: right and wrong secrets, and names
# that nobody has.

import json
import os
import shutil
import subprocess
import sys

from authmethods import (cra_line, cryptosign_line, scram_line, signing_key,
                         ticket_line)
from daemon import (TOP, SAN, Skip, Wampd, done, free_port, make_cert,
                    run_case, tmpdir)

JS = os.path.join(TOP, "regress", "interop", "js")
PY = os.path.join(TOP, "regress", "interop", "py")
CONF = """
keypair "localhost" { certificate $crt  key $key }
listen on socket $sock mode 0666
listen on 127.0.0.1 port $port
listen on 127.0.0.1 port $tlsport tls { keypair "localhost" }
limits {
	failures 10000 per 1m
	failures delay 10ms
}
realm "realm1" {
	authenticate ticket, wampcra, scram, cryptosign from $users
	role "user" { allow any }
	role "admin" { allow any }
}
realm "lacks" {
	authenticate scram, cryptosign from $lacks
	role "user" { allow any }
}
"""
KEY, OTHER = signing_key(1), signing_key(2)
SEED, OTHER_SEED = (k.encode().hex() for k in (KEY, OTHER))

# Autobahn's SCRAM has one KDF that works: somebody unknown is asked by it,
# too, if nobody in the file has the other
USERS = [
    ticket_line("alice", "wondër", "user"),
    cra_line("bob", "buildér", "user"),
    cra_line("carol", "christmas", "admin", salt="sält123"),
    cra_line("short", "christmas", "user", salt="salt123", keylen=20),
    scram_line("erin", "brockovich", "user", kdf="argon2id-13"),
    cryptosign_line("frank", KEY, role="admin"),
]
LACKS = [
    scram_line("pbkdf2", "brockovich"),
    scram_line("argon2id13", "brockovich", kdf="argon2id13"),
    cryptosign_line("frank", KEY),
]
LOGINS = [     # method, authid, secret, another's, role
    ("ticket", "alice", "wondër", "wonder", "user"),
    ("wampcra", "bob", "buildér", "builder", "user"),
    ("wampcra", "carol", "christmas", "Christmas", "admin"),
    ("wampcra", "short", "christmas", "Christmas", "user"),
    ("scram", "erin", "brockovich", "Brockovich", "user"),
    ("cryptosign", "frank", SEED, OTHER_SEED, "admin"),
    ("cryptosign", None, SEED, OTHER_SEED, "admin"),    # the key tells
]
DENIED = "wamp.error.authentication_denied"


def attempts(methods, nameless=True):
    """[(method, authid, secret, what is to be said)]"""
    found = []
    for method, authid, secret, wrong, role in LOGINS:
        if method in methods and (authid or nameless):
            found += [
                (method, authid, secret, {
                    "realm": "realm1", "authid": authid or "frank",
                    "authrole": role,
                    "authmethod": method, "authprovider": "static",
                    "result": 5}),
                (method, authid, wrong, {"reason": DENIED}),
                (method, "nobody", secret, {"reason": DENIED})]
    return found


def check(cmd, tried, stdin=None, cafile=None):
    env = dict(os.environ)
    if cafile:
        env["NODE_EXTRA_CA_CERTS"] = cafile
    p = subprocess.run(cmd, input=stdin, capture_output=True, text=True,
                       env=env, timeout=120 if SAN else 60)
    said = [json.loads(x) for x in p.stdout.splitlines()]
    for (method, authid, secret, want), got in zip(tried, said):
        if "result" in want:
            got.pop("reason", None)     # how it left
        assert got == want, (method, authid, secret, got)
    assert len(said) == len(tried), (p.returncode, said, p.stderr)


def run_python(framework, tried, logins, **job):
    check([sys.executable, os.path.join(PY, "autobahn_login.py"), framework],
          tried, json.dumps(dict(job, logins=logins)))


def autobahn_python(framework, kind, url, serializer, endpoint, cafile=None):
    tried = attempts(("ticket", "wampcra", "scram", "cryptosign"))
    name = {"ticket": "ticket", "wampcra": "secret", "scram": "password",
            "cryptosign": "privkey"}
    run_python(framework, tried, [
        {m: {"authid": authid, name[m]: secret} if authid else
         {name[m]: secret}} for m, authid, secret, _ in tried],
        type=kind, url=url, serializer=serializer, endpoint=endpoint,
        cafile=cafile, realm="realm1")


def what_autobahn_lacks(framework, url, endpoint, cafile):
    """As wampd-clients(7) has it; if this fails, it learned something."""
    bound = {"privkey": SEED, "authid": "frank",
             "authextra": {"channel_binding": "tls-unique"}}
    logins = [{"cryptosign": bound}] + [
        {"scram": {"authid": a, "password": "brockovich"}}
        for a in ("pbkdf2", "argon2id13")]
    run_python(framework, [
        ("cryptosign", "frank", SEED, {"reason": DENIED})] + [
        ("scram", x["scram"]["authid"], "brockovich",
         {"reason": "wamp.error.cannot_authenticate"}) for x in logins[1:]],
        logins, type="websocket", url=url, serializer="json",
        endpoint=endpoint, cafile=cafile, realm="lacks")


def node(program, cafile, **job):
    if shutil.which("node") is None:
        raise Skip("node is not installed")
    if not os.path.isdir(os.path.join(JS, "node_modules", "autobahn")):
        raise Skip("run: npm ci --prefix regress/interop/js")
    # wampy.js answers nothing without a name
    tried = attempts(("ticket", "wampcra", "cryptosign"),
                     program != "wampy_login.js")
    job["logins"] = [{"method": m, "authid": authid, "secret": secret}
                     for m, authid, secret, _ in tried]
    check(["node", os.path.join(JS, program), json.dumps(job)], tried,
          cafile=cafile)


def cases(sock, port, tlsport, crt):
    """[(name, function, its arguments)]"""
    unix = {"type": "unix", "path": sock}
    tcp = {"type": "tcp", "host": "127.0.0.1", "port": port}
    tls = {"type": "tcp", "host": "localhost", "port": tlsport}
    ws, wss = "ws://127.0.0.1:%d/ws" % port, "wss://localhost:%d/ws" % tlsport
    for name, *args in (
            ("unix rawsocket", "twisted", "rawsocket", "rs://localhost",
             "msgpack", unix),
            ("rawsocket", "twisted", "rawsocket", "rs://127.0.0.1:%d" % port,
             "json", tcp),
            ("tls rawsocket", "twisted", "rawsocket",
             "rs://localhost:%d" % tlsport, "cbor", tls, crt),
            ("websocket", "twisted", "websocket", ws, "cbor", tcp),
            ("tls websocket", "twisted", "websocket", wss, "json", tls, crt),
            ("unix websocket", "asyncio", "websocket", "ws://localhost/ws",
             "cbor", unix),
            ("websocket", "asyncio", "websocket", ws, "json", tcp),
            ("tls websocket", "asyncio", "websocket", wss, "msgpack", tls,
             crt)):
        yield "autobahn on %s, %s" % (args[0], name), autobahn_python, args
    yield "what autobahn lacks", what_autobahn_lacks, (
        "twisted", wss, tls, crt)
    for name, transport, where, ser in (
            ("unix rawsocket", "unix", sock, "json"),
            ("rawsocket", "rawsocket", "127.0.0.1:%d" % port, "json"),
            ("websocket", "websocket", ws, "msgpack"),
            ("tls websocket", "websocket", wss, "cbor")):
        yield "autobahn of npm, " + name, node, (
            "autobahn_login.js", crt, transport, where, ser)
    for name, where, ser in (("websocket", ws, "msgpack"),
                             ("tls websocket", wss, "json"),
                             ("websocket, cbor", ws, "cbor")):
        yield "wampy.js, " + name, node, ("wampy_login.js", crt, "websocket",
                                          where, ser)


def main():
    d = tmpdir()
    crt, key = make_cert(d)
    files = {"users": USERS, "lacks": LACKS}
    for name, lines in files.items():
        files[name] = os.path.join(d, name)
        with open(files[name], "w") as f:
            f.write("\n".join(lines) + "\n")
        os.chmod(files[name], 0o600)
    port, tlsport = free_port(), free_port()
    sock = os.path.join(d, "s")
    with Wampd(CONF, macros=dict(files, sock=sock, port=port,
                                 tlsport=tlsport, crt=crt, key=key)):
        for name, fn, args in cases(sock, port, tlsport, crt):
            def case():
                if fn is node:
                    node(args[0], args[1], transport=args[2], where=args[3],
                         serializer=args[4])
                else:
                    fn(*args)
            case.__doc__ = name
            run_case(case)
    done()


if __name__ == "__main__":
    main()
