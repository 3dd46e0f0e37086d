# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# What the cases of regress/conformance are made of.  All of them run against
# one daemon, in each way (transport and serializer); so a case has URIs of its
# own (uri()) or a realm of its own (fresh()), its sessions are closed for it,
# and it never sleeps: that nothing came is shown by what comes next
# (quiet()).  Every message is checked by wampcheck.Strict, too.

import itertools
import os

from authmethods import Cra, cra_line
from daemon import free_port, make_cert, tmpdir
from wampcheck import PREDEFINED, Strict
from wampclient import *

WAYS = tuple(itertools.product(("rawsocket", "websocket"),
                               ("json", "msgpack", "cbor")))
PV = "wamp.error.protocol_violation"
INVALID_ARGUMENT = "wamp.error.invalid_argument"
INVALID_URI = "wamp.error.invalid_uri"
NOT_AUTHORIZED = "wamp.error.not_authorized"
CANCELED = "wamp.error.canceled"
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
NO_SUCH_REGISTRATION = "wamp.error.no_such_registration"
NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"
ALREADY_EXISTS = "wamp.error.procedure_already_exists"
DISALLOWED = "wamp.error.option_disallowed.disclose_me"
ACK = {"acknowledge": True}

REALM = "com.example.main"
STRICT = "com.example.strict"       # strict URIs
RULES = "com.example.rules"         # alone "com.open." is allowed
FAILING = "com.example.failing"     # its authorizer is never there
DISCLOSED = "com.example.disclosed" # disclose always
SECRET = "com.example.secret"       # disclose never
TRUSTED = "com.example.trusted"     # trust levels of roles
CLOSED = "com.example.closed"       # role "two" may not subscribe
NFRESH = 600
NKEPT = 250

# authid: role; everybody's secret is the authid
USERS = {"ann": "one", "abe": "one", "bob": "two", "bea": "two"}

OPEN = '''realm "%s" {
	authenticate wampcra from $users
	authenticate anonymous role "all"
	role "all" { RULES }
	role "one" { RULES }
	role "two" { RULES }
	%s
}
'''.replace("RULES", '''
		allow any
		allow meta read
		allow meta write
	''')
HISTORY = '''history {
		topic exact "com.log.auth"
		topic exact "com.log.basket"
		topic prefix "com.log"
		topic wildcard "com..other"
	}
'''
CONF = '''listen on socket $sock mode 0666
listen on 127.0.0.1 port $port tls { keypair "localhost" }
keypair "localhost" { certificate $crt  key $key }
limits {
	failures 10000 per 1m
	failures delay 10ms
}
''' + OPEN % (REALM, "") + '''
realm "com.example.strict" {
	authenticate anonymous role "all"
	uri strict
	role "all" { allow any }
}
realm "com.example.rules" {
	authenticate anonymous role "some"
	role "some" {
		allow any prefix "com.open."
		deny publish exact "com.open.readonly"
	}
}
realm "com.example.disclosed" {
	authenticate anonymous role "all"
	disclose always
	role "all" { allow any }
}
realm "com.example.secret" {
	authenticate anonymous role "all"
	disclose never
	role "all" { allow any }
}
realm "com.example.trusted" {
	authenticate wampcra from $users
	authenticate anonymous role "all"
	role "all" { allow any }
	role "one" {
		allow any
		trust level 0
	}
	role "two" {
		allow any
		trust level 7
	}
}
realm "com.example.failing" {
	authenticate anonymous role "asked"
	role "asked" { authorize dynamic "com.example.nobody" }
	role "guard" { allow register exact "com.example.nobody" }
}
''' + "".join(OPEN % ("com.fresh.%d" % i, "") for i in range(NFRESH)) + \
    "".join(OPEN % ("com.kept.%d" % i, HISTORY) for i in range(NKEPT)) + '''
realm "com.example.closed" {
	authenticate wampcra from $users
	history { topic exact "com.log.auth" }
	role "one" { allow any }
	role "two" { allow call, publish }
}
'''

way = list(WAYS[1])                 # of this case; always the same object
seen = set()                        # error and close URIs of the router
opened = []                         # sessions of this case
_number = itertools.count(1)
_fresh = itertools.count()
_kept = itertools.count()
_here = "com.example"


class Daemon:
    """What the configuration needs, and where the daemon listens."""

    def prepare(self):
        self.dir = tmpdir()
        self.sock = os.path.join(self.dir, "sock")
        self.port = free_port()
        self.crt, key = make_cert(self.dir)
        users = os.path.join(self.dir, "users")
        with open(users, "w") as f:
            for name, role in USERS.items():
                f.write(cra_line(name, name, role) + "\n")
        os.chmod(users, 0o600)
        self.macros = {"sock": self.sock, "port": self.port, "users": users,
                       "crt": self.crt, "key": key}


daemon = Daemon()


def begin(new_way):
    """A case begins."""
    global _here
    way[:] = list(new_way)
    _here = "com.case%d" % next(_number)


def end():
    while opened:
        opened.pop().close()


def uri(tail="x"):
    """A URI that only this case has."""
    return "%s.%s" % (_here, tail)


def fresh():
    """A realm that nobody has used yet."""
    i = next(_fresh)
    assert i < NFRESH, "too few realms"
    return "com.fresh.%d" % i


def kept():
    """The same, and it keeps the history of some topics."""
    i = next(_kept)
    assert i < NKEPT, "too few realms"
    return "com.kept.%d" % i


def again():
    """Another round of the same case: its sessions are gone, its URIs are
    new ones."""
    end()
    begin(way)


def only(*which):
    """A case that is about this transport or these serializers alone."""
    def mark(fn):
        fn.only = which
        return fn
    return mark


def runs_in(fn, a_way):
    return all(x in a_way for x in getattr(fn, "only", ()))


# -- sessions ------------------------------------------------------------------

def roles(**announced):
    """Details with these features: roles(callee="call_canceling")."""
    return {"roles": {r: {"features": {f: True for f in
                                       announced.get(r, "").split()}}
                      for r in ("publisher", "subscriber", "caller",
                                "callee")}}


class Peer(Strict):
    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.early = []             # events that came before a result()

    def ask(self, code, *rest):
        """A request with the next id, which is returned."""
        r = self.next()
        self.send(code, r, *rest)
        return r

    def refused(self, code, *rest):
        """ask(), with an ERROR of this URI (the last one) as the answer."""
        r = self.ask(code, *rest[:-1])
        return self.expect(ERROR, code, r, {}, rest[-1])

    def settle(self):
        """The router has done all that this session sent before."""
        self.publish("com.example.nobody")


def client(realm=REALM, who=None, join=True, details=None, **kw):
    """A session; who: an authid that logs in.  Further arguments are the
    features of each role."""
    own = {k: kw.pop(k) for k in ("transport", "serializer", "own_errors",
                                  "tls", "maxlen_exp") if k in kw}
    where = kw.pop("where", daemon.sock)
    c = Peer(where, transport=own.pop("transport", way[0]),
             serializer=own.pop("serializer", way[1]), join=False, **own)
    c.errors = seen
    opened.append(c)
    if not join:
        return c
    details = dict(roles(**kw), **(details or {}))
    if who is None:
        c.join(realm, details)
        return c
    c.reset()
    login = Cra(who, who, details=details)
    assert login.join(c, realm)[0] == WELCOME
    return c


def result(c, procedure, args=(), kw=None):
    """Call one of the router's procedures; its positional results."""
    m = [{}, procedure, list(args)] + ([kw] if kw else [])
    r = c.ask(CALL, *m)
    while True:
        m = c.recv()
        if m[0] != EVENT:
            break
        c.early.append(m)
    assert m[:2] == [RESULT, r], m
    return m[3] if len(m) > 3 else []


def event(c, subscription):
    """The next event, which must be of this subscription: its arguments."""
    m = c.early.pop(0) if c.early else c.expect(EVENT)
    assert m[1] == subscription, m
    return m[4] if len(m) > 4 else []


def quiet(c, *others):
    """Nothing came to c, also not of what the others did: they are asked
    first whether the router is done with it, and c's own answer is behind
    whatever was sent to c until then."""
    for o in others:
        o.settle()
    c.settle()


def features(role, realm=REALM):
    """What the router announces."""
    return client(realm).welcome["roles"][role]["features"]


def invoke(caller, callee, procedure, options=None, *payload):
    """A call that has reached its callee: its id and the INVOCATION."""
    r = caller.ask(CALL, options or {}, procedure, *payload)
    return r, callee.expect(INVOCATION)
