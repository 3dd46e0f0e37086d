# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# "authenticate ... dynamic" through the whole daemon: authenticators that
# speak each serializer, right and wrong proofs of each method, refusals,
# answers that are none.

import binascii
import hashlib
import hmac
import base64
import os
import threading

from cryptography.hazmat.primitives.asymmetric.ed25519 import \
    Ed25519PrivateKey
from cryptography.hazmat.primitives import serialization

from daemon import SAN, Skip, Wampd, run_cases, tmpdir, wait_until
from wampclient import *

DENIED = "wamp.error.authentication_denied"
FAILED = "wamp.error.authentication_failed"
P = "com.example.authenticate"

CONF = """prefork 2
listen on socket $sock mode 0666
limits { failures 1000 per 1m failures delay 0ms }
realm "realm1" {
	authenticate ticket, wampcra, cryptosign \\
	    dynamic "com.example.authenticate" realm "guards" timeout 2s
	role "user" { allow any }
	role "admin" { allow any }
}
realm "guards" {
	authenticate anonymous role "guard"
	role "guard" { allow register exact "com.example.authenticate" }
}
"""

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBKEY = binascii.b2a_hex(KEY.public_key().public_bytes(
    serialization.Encoding.Raw,
    serialization.PublicFormat.Raw)).decode()


class Guard:
    """An authenticator in a thread; answers by what a function says of
    realm, authid, details."""

    def __init__(self, sock, fn, **kw):
        self.c = Client(sock, realm="guards", timeout=30, **kw)
        self.c.register(P)
        self.asked = []
        self.fn = fn
        self.t = threading.Thread(target=self.run, daemon=True)
        self.t.start()

    def run(self):
        while True:
            try:
                m = self.c.recv()
            except (Closed, OSError, ValueError):
                return
            if m[0] != INVOCATION:
                return
            self.asked.append(m[4])
            a = self.fn(*m[4])
            if a is None:
                continue        # no answer
            if isinstance(a, str) and a.startswith("!"):
                self.c.send(ERROR, INVOCATION, m[1], {}, a[1:])
            else:
                self.c.send(YIELD, m[1], {}, [a])

    def close(self):
        self.c.send(GOODBYE, {}, "wamp.close.normal")
        self.t.join(10)
        self.c.close()


def login(sock, method, authid, proof, extra=None, realm="realm1",
          keep=False, **kw):
    """The message that ends the log-in: WELCOME or ABORT; and the
    CHALLENGE, or None, or (keep) the client."""
    c = Client(sock, join=False, timeout=10, **kw)
    d = dict(ROLES, authmethods=[method])
    if authid is not None:
        d["authid"] = authid
    if extra is not None:
        d["authextra"] = extra
    c.send(HELLO, realm, d)
    m, ch = c.recv(), None
    if m[0] == CHALLENGE:
        ch = m
        assert m[1] == method, m
        c.send(AUTHENTICATE, proof(m[2]), {})
        m = c.recv()
    if keep:
        return m, c
    c.close()
    return m, ch


def ticket(t):
    return lambda extra: t


def cra(secret):
    def proof(extra):
        return base64.b64encode(hmac.new(
            secret.encode(), extra["challenge"].encode(),
            hashlib.sha256).digest()).decode()
    return proof


def sign(key):
    def proof(extra):
        c = binascii.a2b_hex(extra["challenge"])
        return binascii.b2a_hex(key.sign(c) + c).decode()
    return proof


def derived(secret, salt, iterations, keylen):
    return base64.b64encode(hashlib.pbkdf2_hmac(
        "sha256", secret.encode(), salt.encode(), iterations,
        keylen)).decode()


def knows(realm, authid, details):
    assert realm == "realm1"
    method = details["authmethod"]
    if authid == "joe" or (authid is None and method == "cryptosign"):
        if method == "ticket":
            if details["ticket"] != "right":
                return "!com.example.wrong_ticket"
            return {"role": "user", "extra": {"shoe": [43, "left"]}}
        if method == "wampcra":
            return {"role": "user", "secret": "s3cret"}
        return {"role": "user", "authid": "jo", "pubkey": PUBKEY}
    if authid == "salty":
        return {"role": "admin", "salt": "NaCl", "iterations": 100,
                "keylen": 16, "secret": derived("s3cret", "NaCl", 100, 16)}
    if authid == "keys":
        return {"role": "user", "authorized_keys": ["00" * 32, PUBKEY]}
    if authid == "plain":
        return "user"
    if authid == "renamed":
        return {"role": "user", "authid": "other"}
    return "!com.example.no_such_user"


def is_in(m, authid, role, method):
    assert m[0] == WELCOME, m
    d = m[2]
    assert (d["authid"], d["authrole"], d["authmethod"],
            d["authprovider"]) == (authid, role, method, "dynamic"), d
    return d


def is_out(m, reason):
    assert m[0] == ABORT and m[2] == reason, m


def each_method():
    """ticket, wampcra, cryptosign: right, wrong, unknown"""
    sock = os.path.join(tmpdir(), "s")
    with Wampd(CONF, macros={"sock": sock}) as w:
        for ser in ("json", "msgpack", "cbor"):
            g = Guard(sock, knows, serializer=ser)
            for cser in ("json", "msgpack"):
                kw = {"serializer": cser}
                m, ch = login(sock, "ticket", "joe", ticket("right"),
                              {"a": [1, None]}, **kw)
                d = is_in(m, "joe", "user", "ticket")
                assert d["authextra"] == {"shoe": [43, "left"]}, d
                realm, authid, details = g.asked[-1]
                assert (realm, authid) == ("realm1", "joe")
                assert details["session"] == m[1], (details, m)
                assert details["authextra"] == {"a": [1, None]}, details
                assert details["transport"]["client_cert"] is None, details
                assert details["transport"]["peer"].startswith("unix:"), \
                    details
                is_out(login(sock, "ticket", "joe", ticket("wrong"),
                             **kw)[0], DENIED)
                is_out(login(sock, "ticket", "jane", ticket("right"),
                             **kw)[0], DENIED)
                m, ch = login(sock, "wampcra", "joe", cra("s3cret"), **kw)
                is_in(m, "joe", "user", "wampcra")
                assert '"authprovider":"dynamic"' in ch[2]["challenge"], ch
                m, ch = login(sock, "wampcra", "salty", cra(derived(
                    "s3cret", "NaCl", 100, 16)), **kw)
                is_in(m, "salty", "admin", "wampcra")
                assert (ch[2]["salt"], ch[2]["iterations"],
                        ch[2]["keylen"]) == ("NaCl", 100, 16), ch
                is_out(login(sock, "wampcra", "joe", cra("x"), **kw)[0],
                       DENIED)
                for authid, extra in (("joe", None), ("keys", None),
                                      (None, {"pubkey": PUBKEY})):
                    m, ch = login(sock, "cryptosign", authid, sign(KEY),
                                  extra, **kw)
                    is_in(m, "keys" if authid == "keys" else "jo", "user",
                          "cryptosign")
                other = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
                is_out(login(sock, "cryptosign", "joe", sign(other),
                             **kw)[0], DENIED)
                is_in(login(sock, "ticket", "plain", ticket(""), **kw)[0],
                      "plain", "user", "ticket")
                is_in(login(sock, "ticket", "renamed", ticket("?"), **kw)[0],
                      "other", "user", "ticket")
            g.close()
        w.wait_log("auth failed realm=realm1 authid=jane method=ticket "
                   "address=unix:[^ ]* reason=\"refused by the "
                   "authenticator: com.example.no_such_user")
        w.wait_log("authid=joe method=wampcra .*reason=\"wrong secret\"")


def unknown_alike():
    """who is unknown gets a challenge as others do, and is denied later"""
    sock = os.path.join(tmpdir(), "s")
    with Wampd(CONF, macros={"sock": sock}):
        g = Guard(sock, knows)
        for method, known, proof, wrong in (
                ("wampcra", "salty",
                 cra(derived("s3cret", "NaCl", 100, 16)), cra("x")),
                ("wampcra", "joe", cra("s3cret"), cra("x")),
                ("cryptosign", "keys", sign(KEY), sign(KEY))):
            m, real = login(sock, method, known, proof)
            assert m[0] == WELCOME, m
            m, fake = login(sock, method, "nobody", wrong)
            is_out(m, DENIED)
            assert fake is not None and \
                set(fake[2]) == set(real[2]), (real, fake)
            for k in ("iterations", "keylen"):
                assert fake[2].get(k) == real[2].get(k), (real, fake)
            assert len(fake[2].get("salt", "")) == \
                len(real[2].get("salt", "")), (real, fake)
        # the same salt each time
        login(sock, "wampcra", "salty",
              cra(derived("s3cret", "NaCl", 100, 16)))
        salts = {login(sock, "wampcra", "nobody", cra("x"))[1][2]["salt"]
                 for i in range(3)}
        assert len(salts) == 1, salts
        g.close()


def no_answer():
    """no authenticator, none in time, wrong answers: failed, and logged"""
    sock = os.path.join(tmpdir(), "s")
    with Wampd(CONF, macros={"sock": sock}) as w:
        both = (("ticket", ticket("x")), ("wampcra", cra("x")))
        for method, proof in both:
            is_out(login(sock, method, "joe", proof)[0], FAILED)
        w.wait_log("authenticator %s: it is not registered" % P)
        answers = {}
        g = Guard(sock, lambda realm, authid, details: answers["now"])
        for a in (7, True, [], {}, {"role": 1}, {"secret": "x"},
                  {"role": "nobody", "secret": "x"},
                  {"role": "user", "secret": "x", "realm": "guards"},
                  {"role": "user", "secret": 5},
                  {"role": "user", "secret": "x", "extra": []}):
            answers["now"] = a
            for method, proof in both:
                is_out(login(sock, method, "joe", proof)[0], FAILED)
        w.wait_log("authenticator %s: the answer has not the right shape" %
                   P)
        w.wait_log("reason=\"the authenticator gave a role that is not in")
        w.wait_log("reason=\"the authenticator sent it to another realm")
        answers["now"] = None
        for method, proof in both:
            is_out(login(sock, method, "joe", proof)[0], FAILED)
        w.wait_log("authenticator %s: its callee did not answer in time" % P)
        # a client that goes away meanwhile leaves nothing behind
        n = len(g.asked)
        c = Client(sock, join=False)
        c.send(HELLO, "realm1", dict(ROLES, authmethods=["wampcra"],
                                     authid="joe"))
        wait_until(lambda: len(g.asked) > n, 10, "the question")
        c.close()
        answers["now"] = {"role": "user", "secret": "s"}
        assert login(sock, "wampcra", "joe", cra("s"))[0][0] == WELCOME
        # its broker dies under it
        answers["now"] = None
        got = []
        t = threading.Thread(target=lambda: got.append(
            login(sock, "wampcra", "joe", cra("s"))[0]))
        n = len(g.asked)
        t.start()
        wait_until(lambda: len(g.asked) > n, 10, "the question")
        os.kill(w.child("broker 0"), 9)
        t.join(20)
        assert got and got[0][0] == ABORT, got
        g.c.close()


def reload():
    """a reload while the answer is awaited: by what is in force then"""
    sock = os.path.join(tmpdir(), "s")
    less = CONF.replace("ticket, wampcra, cryptosign", "ticket")
    assert less != CONF
    with Wampd(CONF, macros={"sock": sock}) as w:
        hold = threading.Event()

        def late(realm, authid, details):
            hold.wait(10)
            return {"role": "user", "secret": "s"}
        g = Guard(sock, late)
        got = []
        t = threading.Thread(target=lambda: got.append(
            login(sock, "wampcra", "joe", cra("s"))[0]))
        t.start()
        wait_until(lambda: len(g.asked) == 1, 10, "the question")
        assert w.reload(less)
        hold.set()
        t.join(10)
        is_out(got[0], FAILED)
        assert w.reload(CONF)
        m, c = login(sock, "wampcra", "joe", cra("s"), keep=True)
        assert m[0] == WELCOME
        # the line is gone: so is whom it let in
        assert w.reload(less)
        m = c.recv(10)
        assert m[0] == GOODBYE and m[2] == "wamp.close.killed", m
        g.close()


def octets_of(pid):
    """What can be read of a process's memory, mapping by mapping."""
    with open("/proc/%d/maps" % pid) as f:
        maps = [line.split() for line in f]
    with open("/proc/%d/mem" % pid, "rb", 0) as f:
        for m in maps:
            if "r" not in m[1] or m[-1] in ("[vvar]", "[vsyscall]"):
                continue
            begin, end = (int(x, 16) for x in m[0].split("-"))
            try:
                f.seek(begin)
                yield f.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue


def nothing_stays():
    """no ticket and no secret is left in the keeper's and broker's memory"""
    if os.geteuid() != 0:
        raise Skip("needs root")
    if SAN:
        raise Skip("sanitizers keep copies of what was freed")
    sock = os.path.join(tmpdir(), "s")
    right, wrong = os.urandom(12).hex(), os.urandom(12).hex()
    role = "user"

    def fn(realm, authid, details):
        if details.get("ticket") == wrong:
            return "!com.example.no"
        return {"role": role, "secret": right}
    with Wampd(CONF, macros={"sock": sock}) as w:
        g = Guard(sock, fn, serializer="json")
        for i in range(3):
            m = login(sock, "ticket", "joe", ticket(right))[0]
            assert m[0] == WELCOME, m
            is_out(login(sock, "ticket", "joe", ticket(wrong))[0], DENIED)
            m = login(sock, "wampcra", "joe", cra(right))[0]
            assert m[0] == WELCOME, m
        for name in ("keeper", "broker 0"):
            seen = False
            for part in octets_of(w.child(name)):
                seen |= b"com.example.authenticate" in part
                for secret in (right, wrong):
                    assert secret.encode() not in part, name
            assert seen, name       # it would be found
        g.close()


if __name__ == "__main__":
    run_cases([each_method, unknown_alike, no_answer, reload, nothing_stays])
