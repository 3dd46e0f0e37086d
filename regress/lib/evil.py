# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Children of wampd that somebody has taken over: a copy of the build in which
# one role is the program below.  wampd starts it with its real channels; in
# each of its lives it does one thing that its plan says, then answers the
# parent as a good child does until it is killed.
#
#	tree('tlsproxy', {1: ['imsg:broker0:GRANT:zeros', 'real']})
#
# Instances without a plan are the real program; "real" and "idle" are lives,
# too.  The test decides when it begins: go().

import os
import shutil

from daemon import B, tmpdir
from imsgs import T

PYTHON = os.environ.get('PYTHON', '/usr/bin/python3')


def tree(role, plan):
    """The directory of a copy of wampd with an evil role."""
    d = tmpdir()
    for sub in ('sbin', 'libexec'):
        shutil.copytree(os.path.join(B, sub), os.path.join(d, sub))
    path = os.path.join(d, 'libexec', 'wampd', role)
    os.rename(path, path + '.real')
    with open(path, 'w') as f:
        f.write('#!%s -IS\n' % PYTHON)
        f.write('T = %r\nPLAN = %r\nDIR = %r\n' % (T, plan, d))
        f.write(PROGRAM)
    os.chmod(path, 0o755)
    return d


def go(d):
    open(d + '/go', 'w').close()


PROGRAM = r'''
import array, base64, hmac, os, random, signal, socket, struct, sys
import threading, time

KEEPER, TLSPROXY, BROKER, METRICS = 1, 2, 3, 4
HASFD = 0x80000000
HDR = struct.Struct('=IIII')
NAMES = {v: k for k, v in T.items()}
FIXED = {		# valid imsgs of a tlsproxy to a broker
    'SUBSCRIBE': struct.pack('=QBBHI', 9, 0, 0, 6, 0) + b'evil.t',
    'UNSUBSCRIBE': struct.pack('=QQ', 9, 77),
    'PUBLISH': struct.pack('=QIIHBBIHHI', 9, 0, 4, 6, 1, 1, 0, 0, 0, 0) +
               b'evil.tbody',
    'REGISTER': struct.pack('=QBBHIII', 9, 0, 0, 6, 0, 0, 0) + b'evil.p',
    'UNREGISTER': struct.pack('=QQ', 9, 77),
    'CALL': struct.pack('=QIIHBBIHHI', 9, 0, 4, 6, 1, 1, 0, 0, 0, 0) +
            b'evil.pbody',
    'YIELD': struct.pack('=QIIBBHI', 1, 0, 4, 1, 1, 0, 0) + b'body',
    'ERROR': struct.pack('=QIHBBHHI', 1, 4, 6, 1, 1, 0, 0, 0) + b'evil.ebody',
    'INVOCATION_FAILED': struct.pack('=QHHI', 1, 9, 4, 0) + b'text',
    'XOFF': b'', 'XON': b'', 'FENCE': b'',
    'SESSION_CLOSE': b'\2\0\0\0',
    'GRANT': struct.pack('=QQIIIHHIHBB', 4711, 0, 1, 1, 1, 1, 4, 1, 0, 0, 0) +
             b'root',
}


def say(text, level=6):
    for _ in range(500):
        try:
            os.write(2, ('<%d>evil: %s\n' % (level, text)).encode())
            return
        except BlockingIOError:
            time.sleep(0.01)


def verdict(name, good, why=''):
    say('%s %s %s' % ('good' if good else 'BAD', name, why),
        6 if good else 4)


class Chan:
    def __init__(self, sock):
        self.s = sock
        self.buf = b''
        self.fds = []
        self.lock = threading.Lock()

    def send(self, type, data=b'', slot=0, gen=0, fix=0, flag=0, nfds=0,
             length=None):
        type = T[type] if isinstance(type, str) else type
        n = HDR.size + len(data)
        out = HDR.pack(type | flag, n + fix if length is None else length,
                       slot, gen) + data + b'\0' * (-n % 8)
        self.raw(out, nfds)

    def raw(self, out, nfds=0):
        with self.lock:
            if nfds == 0:
                self.s.sendall(out)
                return
            null = os.open('/dev/null', os.O_RDONLY)
            # an octet with all of them, then the rest
            n = self.s.sendmsg([out[:1]], [(
                socket.SOL_SOCKET, socket.SCM_RIGHTS,
                array.array('i', [null] * nfds))])
            self.s.sendall(out[n:])
            os.close(null)

    def _read(self, n):
        while len(self.buf) < n:
            part, anc, flags, addr = self.s.recvmsg(65536, 4096)
            for level, kind, data in anc:
                a = array.array('i')
                a.frombytes(data[:len(data) // 4 * 4])
                self.fds += list(a)
            if not part:
                raise EOFError
            self.buf += part
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def recv(self, timeout=None):
        """(name, slot, gen, data, fd); None: nothing came."""
        self.s.settimeout(timeout)
        try:
            type, n, slot, gen = HDR.unpack(self._read(HDR.size))
            data = self._read(n - HDR.size + -n % 8)[:n - HDR.size]
        except (socket.timeout, TimeoutError):
            return None
        fd = self.fds.pop(0) if type & HASFD else None
        return NAMES[type & ~HASFD], slot, gen, data, fd


class Evil:
    def __init__(self):
        self.parent = Chan(socket.socket(fileno=3))
        head = self.parent.s.recv(HDR.size + 48, socket.MSG_PEEK)
        (self.version, self.role, self.kind, self.instance,
         self.generation) = struct.unpack_from('=IBBHI', head, HDR.size)
        self.peers = {}
        self.realms = {}
        self.gen = b''
        self.rows = None
        self.told = []		# what the parent answers a metrics process
        self.up = threading.Event()

    def name(self):
        return '%s %d' % (('', 'keeper', 'tlsproxy', 'broker',
                           'metrics')[self.role], self.instance)

    def life(self):
        plan = PLAN.get(self.instance)
        if plan is None:
            return 'real'
        return plan[self.generation - 1] if self.generation <= len(plan) \
            else 'idle'

    def real(self):
        path = os.path.abspath(sys.argv[0]) + '.real'
        title = 'wampd: ' + self.name()
        if self.role in (KEEPER, METRICS):
            title = title[:-2]
        env = {k: v for k, v in os.environ.items() if k.endswith('_OPTIONS')}
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execve(path, [title], env)

    def peer(self, role, instance=0, link=0):
        return self.peers[(role, instance, link)]

    def by_name(self, name):
        if name == 'parent':
            return self.parent
        if name == 'keeper':
            return self.peer(KEEPER)
        if name == 'sign':
            return self.peer(KEEPER, 0, 1)
        if name.startswith('broker'):
            return self.peer(BROKER, int(name[6:] or 0))
        if name.startswith('proxy'):
            return self.peer(TLSPROXY, int(name[5:]))
        return self.peer(TLSPROXY, int(name[4:]), 1)	# signN

    def handle(self):
        """As a good child answers the parent."""
        name, slot, gen, data, fd = self.parent.recv()
        if name == 'PING':
            self.parent.send('PONG', data)
        elif name == 'CONF_BEGIN':
            self.gen = data
        elif name == 'CONF_REALM':
            ident, broker, _, n = struct.unpack_from('=IIIH', data)
            self.realms[data[16:16 + n].decode()] = (ident, broker)
        elif name == 'CONF_END':
            self.parent.send('CONF_READY', self.gen)
        elif name == 'CONF_COMMIT':
            self.parent.send('CONF_COMMITTED', data)
        elif name == 'SETUP_PEER':
            role, kind, instance, g, link = struct.unpack_from('=BBHIB',
                                                               data)
            self.peers[(role, instance, link)] = Chan(
                socket.socket(fileno=fd))
            self.parent.send('PEER_READY', data)
            if self.role != TLSPROXY:
                self.up.set()
        elif name == 'ACCEPT':
            self.parent.send('ACCEPTING')
            self.up.set()
        elif name == 'CTL_QUERY' and self.rows is not None:
            self.rows(data)
        elif name in ('COUNTS', 'HEALTH'):
            self.told.append((name, data))
        elif name == 'SHUTDOWN':
            self.parent.send('SHUTDOWN_DONE')
        elif name == 'CONF_LISTEN_FD':
            threading.Thread(target=refuse, args=(fd,), daemon=True).start()

    def attack(self, life):
        self.up.wait()
        time.sleep(0.05)
        while not os.path.exists(DIR + '/go'):
            time.sleep(0.01)
        say('begin %d %s' % (os.getpid(), life))
        name, *args = life.split(':')
        try:
            ATTACKS[name](self, *args)
        except (OSError, EOFError) as e:
            say('cut %d %s' % (os.getpid(), e))
        except BaseException as e:
            verdict(life, False, '%s: %s' % (type(e).__name__, e))
        say('over %d %s' % (os.getpid(), life))

    def main(self):
        life = self.life()
        if life == 'real':
            self.real()
        self.parent.recv()
        threading.Thread(target=self.attack, args=(life,),
                         daemon=True).start()
        self.parent.send('SETUP_DONE', struct.pack(
            '=IBBH', self.version, self.role, 0, self.instance))
        try:
            while True:
                self.handle()
        except (EOFError, OSError):
            os._exit(0)


def refuse(fd):
    """Whoever comes to this listener tries again, elsewhere.  The socket
    is one that blocks from now on, also for the successor."""
    s = socket.socket(fileno=fd)
    s.settimeout(None)
    while True:
        try:
            s.accept()[0].close()
        except OSError:
            time.sleep(0.01)


# -- attacks of all roles ----------------------------------------------------

def idle(e):
    pass


def ctl_rows(e, shape):
    """What wampctl asks, answered by one row, or by something like it."""
    def answer(query):
        number, = struct.unpack_from('=I', query)
        row = b'\x81\xa7session\x01'
        n, body, end = 1, struct.pack('=H', len(row)) + row, 1
        if shape == 'long':
            body = struct.pack('=H', 9999) + row
        elif shape == 'count':
            n = 2
        elif shape == 'much':
            n, body = 1200, body * 1200
        elif shape == 'query':
            number += 1
        elif shape == 'cursor':
            end = 0
        elif shape == 'nomap':
            body = struct.pack('=H', 1) + b'\x90'
        e.parent.send('CTL_ROWS', struct.pack('=IIQBB6x', number, n, 0, end,
                                              0) + body)
    e.rows = answer


def mp_str(s):
    s = s.encode()
    return (bytes([0xa0 + len(s)]) if len(s) < 32 else
            b'\xda' + struct.pack('>H', len(s))) + s


def histogram(process):
    """A row whose label stands in 18 lines."""
    bounds = '0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 30 60 ' \
        '+Inf'.split()
    return b'\x86' + b''.join(mp_str(s) for s in (
        'name', 'wampd_call_duration_seconds', 'type', 'histogram',
        'labels')) + b'\x81' + mp_str('process') + mp_str(process) + \
        mp_str('buckets') + b'\xde\0\x10' + \
        b''.join(mp_str(s) + b'\0' for s in bounds) + \
        mp_str('sum') + b'\0' + mp_str('count') + b'\0'


def counts(e, n, length='11000', seconds='0'):
    """What it counts: n answers of long rows, or no end of them."""
    row = histogram('"' * int(length))
    body = struct.pack('=H', len(row)) + row
    told = [0]

    def answer(query):
        number, what = struct.unpack_from('=IH', query)
        told[0] += 1
        end = int(told[0] == int(n))
        if end:
            told[0] = 0
        time.sleep(float(seconds))
        e.parent.send('CTL_ROWS', struct.pack(
            '=IIQBB6x', number, 1, 1 - end, end, 0) + body)
    e.rows = answer


def imsg(e, chan, type, shape):
    """One imsg of that type and shape."""
    c = e.by_name(chan)
    rnd = random.Random('%s%s%s' % (chan, type, shape))
    type = T[type] if type in T else int(type)
    if shape == 'empty':
        c.send(type)
    elif shape == 'zeros':
        c.send(type, b'\0' * 64, 1, 1)
    elif shape == 'random':
        c.send(type, rnd.randbytes(100), 1, 1)
    elif shape == 'full':
        c.send(type, b'\xff' * 560, 1, 1)
    elif shape == 'hasfd':
        c.send(type, b'\0' * 24, 1, 1, flag=HASFD)
    elif shape == 'fds':
        c.send(type, b'\0' * 24, 1, 1, flag=HASFD, nfds=10)
    elif shape == 'huge':
        c.send(type, b'\0' * 24, 1, 1, length=1 << 30)
    elif shape == 'tiny':
        c.send(type, b'\0' * 24, 1, 1, length=3)


def rubbish(e, chan):
    c = e.by_name(chan)
    rnd = random.Random(chan)
    for i in range(200):
        c.raw(rnd.randbytes(1000))


def stop(e):
    os.kill(os.getpid(), signal.SIGSTOP)


# -- of a tlsproxy -----------------------------------------------------------

def hello(realm, methods=1, uid=0, gid=0, proofs=0, announced=1, groups=(),
          authid=b'', ngroups=None, authidlen=None, pad=b'', subject=b'',
          sans=b'', nonce=b'', address=b'', extra=b'', has_authid=None,
          flags=(0, 0)):
    n = len(groups) if ngroups is None else ngroups
    k = len(authid) if authidlen is None else authidlen
    has = k > 0 if has_authid is None else has_authid
    return struct.pack('=IIIIBBHHHHHHHBBBB', realm, methods, uid, gid, proofs,
                       announced, n, k, len(subject), len(sans), len(nonce),
                       len(address), len(extra), has, *flags, 0) + \
        b'\0' * 84 + b''.join(struct.pack('=I', g) for g in groups) + \
        authid + subject + sans + nonce + address + extra + pad


HELLOS = {		# none may be answered
    'socket': dict(methods=2, proofs=1),
    'socket-groups': dict(methods=2, proofs=1, groups=(0, 0)),
    'proof-unknown': dict(proofs=4),
    'tls': dict(methods=4, proofs=2, subject=b'/CN=root'),
    'tls-names': dict(methods=4, proofs=2, sans=b'dns:root\0'),
    'subject-no-proof': dict(subject=b'/CN=root'),
    'names-no-proof': dict(sans=b'dns:root\0'),
    'nonce-huge': dict(nonce=b'x' * 257),
    'address-huge': dict(address=b'x' * 129),
    'extra-huge': dict(extra=b'x' * 4097),
    'authid-none': dict(authid=b'root', has_authid=0),
    'flags': dict(flags=(2, 0)),
    'flags-binding': dict(flags=(0, 2)),
    'proof-all': dict(proofs=255),
    'groups-no-proof': dict(groups=(0,)),
    'groups-short': dict(proofs=1, ngroups=5),
    'groups-many': dict(ngroups=65535),
    'authid-short': dict(authid=b'root', authidlen=9),
    'authid-long': dict(authid=b'root', authidlen=2),
    'authid-huge': dict(authid=b'x' * 257),
    'methods-unknown': dict(methods=0x8000),
    'methods-silent': dict(methods=1, announced=0),
    'announced': dict(announced=7),
    'left-over': dict(pad=b'\0' * 4),
}


def auth(e, what):
    k = e.peer(KEEPER)
    realm = e.realms['open'][0]
    if what in HELLOS:
        k.send('AUTH_HELLO', hello(e.realms['closed'][0], **HELLOS[what]),
               1, 1)
    elif what == 'slot-0':
        k.send('AUTH_HELLO', hello(realm), 0, 1)
    elif what == 'slot-max':
        k.send('AUTH_HELLO', hello(realm), 1 << 20, 1)
    elif what == 'slot-all':
        k.send('AUTH_HELLO', hello(realm), 0xffffffff, 1)
    elif what == 'twice':
        k.send('AUTH_HELLO', hello(realm), 7, 1)
        k.send('AUTH_HELLO', hello(realm), 7, 1)
    elif what == 'twice-denied':
        k.send('AUTH_HELLO', hello(e.realms['closed'][0]), 7, 1)
        k.send('AUTH_HELLO', hello(realm), 7, 1)
    elif what == 'cancel-never':
        k.send('AUTH_CANCEL', b'', 9, 1)
    elif what == 'cancel-twice':
        k.send('AUTH_HELLO', hello(realm), 7, 1)
        k.send('AUTH_CANCEL', b'', 7, 1)
        k.send('AUTH_CANCEL', b'', 7, 1)
    elif what == 'sign-here':
        k.send('SIGN', b'\0' * 552)
    elif what == 'sign-twice':
        m = struct.pack('=IBBH', 1, 3, 0, 32) + b'\0' * 544
        one = HDR.pack(T['SIGN'], 16 + len(m), 0, 0) + m
        e.peer(KEEPER, 0, 1).raw(one + one)
    elif what == 'hello-there':
        e.peer(KEEPER, 0, 1).send('AUTH_HELLO', hello(realm), 1, 1)
    else:
        raise ValueError(what)


# AUTHENTICATE without a CHALLENGE, to another one, misshapen
RESPONSES = {
    'short': lambda r: r[:6], 'sig-short': lambda r: r[:-1],
    'left-over': lambda r: r + b'\0', 'empty': lambda r: b'',
    'sig-long': lambda r: struct.pack('=H', 65535) + r[2:],
    'sig-huge': lambda r: struct.pack('=H', 4097) + r[2:12] + b'x' * 4097,
    'nonce': lambda r: r[:2] + struct.pack('=H', 1) + r[4:],
    'nonce-huge': lambda r: r[:2] + struct.pack('=H', 257) + r[4:] +
    b'x' * 257,
    'cbname-huge': lambda r: r[:4] + struct.pack('=H', 65) + r[6:] +
    b'x' * 65,
    'cbdata-huge': lambda r: r[:6] + struct.pack('=H', 1025) + r[8:] +
    b'x' * 1025,
    'flag': lambda r: r[:8] + b'\2' + r[9:],
}


def dialogue(e, slot, gen, authid=b'alice'):
    """A log-in by WAMP-CRA until its CHALLENGE: the right response."""
    k = e.peer(KEEPER)
    k.send('AUTH_HELLO', hello(e.realms['people'][0], methods=0x10,
                               authid=authid), slot, gen)
    got = k.recv(10)
    assert got and got[:3] == ('AUTH_CHALLENGE', slot, gen), got
    n = struct.unpack_from('=IIIHH', got[3])[4]
    sig = base64.b64encode(hmac.digest(b'wonder', got[3][24:24 + n],
                                       'sha256'))
    return struct.pack('=HHHHBBH', len(sig), 0, 0, 0, 0, 0, 0) + sig


def response(e, what):
    k = e.peer(KEEPER)
    if what == 'never':
        k.send('AUTH_RESPONSE', b'\0' * 12, 1, 1)
        return
    r = dialogue(e, 1, 1)
    if what in RESPONSES:
        k.send('AUTH_RESPONSE', RESPONSES[what](r), 1, 1)
    elif what == 'slot':
        k.send('AUTH_RESPONSE', r, 2, 1)
    elif what == 'slot-none':
        k.send('AUTH_RESPONSE', r, 0xffffffff, 1)
    elif what == 'gen':
        k.send('AUTH_RESPONSE', r, 1, 2)
    elif what == 'twice':
        k.send('AUTH_RESPONSE', r, 1, 1)
        k.send('AUTH_RESPONSE', r, 1, 1)
    elif what == 'denied':
        k.send('AUTH_RESPONSE', r[:-4] + b'AAA=', 1, 1)
        k.recv(10)
        k.send('AUTH_RESPONSE', r, 1, 1)
    elif what == 'canceled':
        k.send('AUTH_CANCEL', b'', 1, 1)
        k.send('AUTH_RESPONSE', r, 1, 1)
    elif what == 'sign':
        e.peer(KEEPER, 0, 1).send('AUTH_RESPONSE', r, 1, 1)
    else:
        raise ValueError(what)


def logins(e):
    """No session without the proof; with it alice's, in her role."""
    k, b = e.peer(KEEPER), e.peer(BROKER, e.realms['people'][1])
    old = dialogue(e, 1, 1)
    k.send('AUTH_RESPONSE', old[:-4] + b'AAA=', 1, 1)
    got = k.recv(10)
    verdict('wrong proof', got and got[0] == 'AUTH_DENY', got)
    dialogue(e, 2, 1)
    k.send('AUTH_RESPONSE', old, 2, 1)
    got = k.recv(10)
    verdict('replayed proof', got and got[0] == 'AUTH_DENY', got)
    r = dialogue(e, 3, 1, b'root')
    k.send('AUTH_RESPONSE', r, 3, 1)
    got = k.recv(10)
    verdict('another authid', got and got[0] == 'AUTH_DENY', got)
    one, two = dialogue(e, 4, 1), dialogue(e, 5, 1)
    k.send('AUTH_RESPONSE', two, 4, 1)
    got = k.recv(10)
    verdict("another dialogue's", got and got[0] == 'AUTH_DENY', got)
    for methods, proofs in ((1, 0), (0xff, 0)):	# no other way in
        k.send('AUTH_HELLO', hello(e.realms['people'][0], methods=methods,
                                   proofs=proofs), 6, methods)
        got = k.recv(10)
        verdict('no other method', got and got[0] == 'AUTH_DENY', got)
    verdict('no session', b.recv(0.5) is None)
    k.send('AUTH_RESPONSE', two, 5, 1)
    got = b.recv(10)
    verdict('right proof', got and got[:3] == ('SESSION_OPEN', 5, 1) and
            b'alice' in got[3], got)


def join(e, slot, gen, realm='open', timeout=10):
    """A session that the keeper grants, or what it said instead."""
    ident, broker = e.realms[realm]
    k, b = e.peer(KEEPER), e.peer(BROKER, broker)
    k.send('AUTH_HELLO', hello(ident), slot, gen)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        got = b.recv(0.02)
        if got is not None and got[0] == 'SESSION_OPEN' and got[1] == slot:
            return b
        got = k.recv(0.02)
        if got is not None:
            return got[0]
    return None


def session(e, what):
    """A slot or generation that is none, with valid imsgs."""
    name, slot, gen = what.split('/')
    b = e.peer(BROKER, e.realms['open'][1])
    if not (slot, gen) == ('5', '5'):
        assert join(e, 1, 3) is b, 'not joined'
    b.send(name, FIXED[name], int(slot), int(gen))


def reuse(e):
    """A slot that is in use."""
    b = join(e, 1, 3)
    e.peer(KEEPER).send('AUTH_HELLO', hello(e.realms['open'][0]), 1, 4)


def foreign(e):
    """A session of one broker's realm, spoken for to another broker."""
    join(e, 1, 1)
    e.peer(BROKER, e.realms['closed'][1]).send('PUBLISH', FIXED['PUBLISH'],
                                               1, 1)


def oracle(e):
    """What may be asked and must be refused politely."""
    got = join(e, 3, 1, 'closed')
    verdict('closed realm', got == 'AUTH_DENY', got)
    k = e.peer(KEEPER)
    for realm in (0, 12345, 0xffffffff):
        k.send('AUTH_HELLO', hello(realm), 4, realm)
        got = k.recv(5)
        verdict('realm %d' % realm, got and got[0] == 'AUTH_DENY', got)
    k.send('AUTH_HELLO', hello(e.realms['closed'][0], methods=0xff,
                               authid=b'root'), 5, 1)
    got = k.recv(5)
    verdict('authid root', got and got[0] == 'AUTH_DENY', got)
    # unknown keys, shapes that are none
    s = e.peer(KEEPER, 0, 1)
    pubs = PLAN.get('pubkeys', [])
    info = bytes.fromhex('3031300d060960864801650304020105000420')
    seq = 0
    for pub in [b'\0' * 32, b'\xff' * 32] + pubs:
        for alg in (0, 1, 2, 3, 4, 255):
            for n, data in ((0, b''), (1, b'\0'), (31, b'd' * 31),
                            (33, b'd' * 33), (51, info[:-1] + b'd' * 33),
                            (52, info + b'd' * 33), (256, b'\0' * 256),
                            (256, b'\0\2' + b'\x55' * 254),
                            (256, b'\x7f' + b'\x55' * 254 + b'\xbc'),
                            (512, b'\1' * 512), (513, b''), (65535, b'')):
                seq += 1
                s.send('SIGN', struct.pack('=IBBH', seq, alg, 0, n) + pub +
                       data.ljust(512, b'\0'))
                got = s.recv(5)
                rseq, rlen = struct.unpack_from('=IH', got[3])
                if got[0] != 'SIGNED' or rseq != seq or rlen != 0:
                    verdict('sign', False, (alg, n, data[:4], rlen))
                    return
                if any(got[3][8:]):
                    verdict('sign', False, 'octets in a refusal')
    verdict('%d signatures' % seq, seq > 0)
    # and what it may have while he is inside
    n = 0
    for pub in pubs:
        for alg, data in ((3, b'd' * 32), (2, info + b'd' * 32)):
            s.send('SIGN', struct.pack('=IBBH', 1, alg, 0, len(data)) + pub +
                   data.ljust(512, b'\0'))
            n += struct.unpack_from('=IH', s.recv(5)[3])[1] > 0
    verdict('signs', n == len(pubs), n)
    b = join(e, 1, 1)
    verdict('anonymous', b is e.peer(BROKER, e.realms['open'][1]))


def descriptors(e):
    """Nobody asked for these: valid imsgs, ten descriptors with each."""
    b = join(e, 1, 1)
    for i in range(100):
        b.raw(HDR.pack(T['UNSUBSCRIBE'], 32, 1, 1) +
              struct.pack('=QQ', 10 + i, 1 << 50), 10)
    k = e.peer(KEEPER)
    for i in range(100):
        data = hello(12345)
        k.raw(HDR.pack(T['AUTH_HELLO'], 16 + len(data), 2 + i, 1) + data, 10)
        k.recv(5)
    verdict('descriptors', True)


def flood_hello(e):
    """As many sessions as there are slots."""
    ident, broker = e.realms['open']
    k = e.peer(KEEPER)
    data = hello(ident)
    for slot in range(1, 1 << 20, 256):
        k.raw(b''.join(HDR.pack(T['AUTH_HELLO'], 16 + len(data), s, 1) + data
                       for s in range(slot, min(slot + 256, 1 << 20))))


def flood_publish(e, seconds='4'):
    b = join(e, 1, 1)
    uri, pay = b'evil.flood', b'\x91' + b'\xa1x'
    m = struct.pack('=QIIHBBIHHI', 9, 0, len(pay), len(uri), 2, 1, 0, 0, 0,
                    0) + uri + pay
    one = HDR.pack(T['PUBLISH'], 16 + len(m), 1, 1) + m
    one += b'\0' * (-len(one) % 8)
    end = time.monotonic() + float(seconds)
    n = 0
    while time.monotonic() < end:
        b.raw(one * 1000)
        n += 1000
    verdict('%d publications' % n, n > 10000)


def flood_subscribe(e, seconds='4'):
    """As many subscriptions and calls as it will keep."""
    b = join(e, 1, 1)
    threading.Thread(target=drain, args=(b,), daemon=True).start()
    end = time.monotonic() + float(seconds)
    n = 0
    while time.monotonic() < end:
        out = b''
        for i in range(200):
            uri = b'evil.%d.' % n + b'x' * 200
            m = struct.pack('=QBBHI', 9, 0, 0, len(uri), 0) + uri
            out += HDR.pack(T['SUBSCRIBE'], 16 + len(m), 1, 1) + m
            out += b'\0' * (-len(out) % 8)
            n += 1
        b.raw(out)
    verdict('%d subscriptions' % n, n > 1000)


def drain(c):
    try:
        while c.s.recv(1 << 20):
            pass
    except OSError:
        pass


def flood_sign(e, seconds='4'):
    s = e.peer(KEEPER, 0, 1)
    pub = PLAN['pubkeys'][0]
    end = time.monotonic() + float(seconds)
    n = 0
    while time.monotonic() < end:
        for alg, data in ((3, b'd' * 32), (2, bytes.fromhex(
                '3031300d060960864801650304020105000420') + b'd' * 32)):
            s.send('SIGN', struct.pack('=IBBH', n, alg, 0, len(data)) + pub +
                   data.ljust(512, b'\0'))
            s.recv(5)
        n += 1
    verdict('%d signatures' % n, n > 10)


def never_read(e):
    b = join(e, 1, 1)
    b.send('SUBSCRIBE', struct.pack('=QBBHI', 9, 0, 0, 7, 0) + b'com.big',
           1, 1)
    verdict('subscribed', b.recv(5)[0] == 'SUBSCRIBED')


def half(e):
    """Half an imsg to everybody, and nothing more."""
    e.peer(KEEPER).raw(HDR.pack(T['AUTH_HELLO'], 50, 1, 1) + b'x' * 10)
    e.peer(KEEPER, 0, 1).raw(HDR.pack(T['SIGN'], 568, 0, 0) + b'x' * 100)
    for (role, instance, link), c in list(e.peers.items()):
        if role == BROKER:
            c.raw(HDR.pack(T['PUBLISH'], 1 << 16, 1, 1) + b'x' * 100)
    verdict('half', True)


def conn_count(e, what):
    if what == 'bound':
        for i in range(0, 20000, 500):
            e.parent.send('CONN_COUNT', b''.join(struct.pack(
                '>4I', 0x20010db8, i + j, 0, 0) + struct.pack('=2I', 1, 0)
                for j in range(500)))
        e.parent.send('CONN_COUNT', b'\0' * 16 + struct.pack('=2I', 20000, 0))
        verdict('counts', True)
    elif what == 'too-many':
        for i in range(0, 200000, 500):
            e.parent.send('CONN_COUNT', b''.join(struct.pack(
                '>4I', 0x20010db8, i + j, 0, 0) + struct.pack('=2I', 1, 0)
                for j in range(500)))
    elif what == 'too-high':
        e.parent.send('CONN_COUNT', b'\1' * 16 + b'\xff' * 8)
    elif what == 'odd':
        e.parent.send('CONN_COUNT', b'\0' * 30)
    elif what == 'oversized':
        e.parent.send('CONN_COUNT', b'\0' * 24 * 820)


def log(e):
    """What is not a line of a log."""
    for text in (b'\0' * 1000, b'\033[2J\n', b'x' * 30000, b'\n<0>\n',
                 b'<99>high\n', b'%s%n%s\n', b'\xff\xfe\n', b'<6>' * 1000,
                 b'\n' * 1000):
        os.write(2, text)
        time.sleep(0.2)
    time.sleep(1)
    say('')
    verdict('log', True)


# -- of a broker -------------------------------------------------------------

def two_words(e, chan, type, shape):
    """The same to a tlsproxy and to its successor."""
    for i in range(2):
        c = e.by_name(chan)
        imsg(e, chan, type, shape)
        end = time.monotonic() + 8
        while e.by_name(chan) is c and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)


# -- of the metrics process --------------------------------------------------

def number(n):
    return struct.pack('=I', n)


def no_rows(e):
    """Of itself it has nothing to tell."""
    e.rows = lambda query: e.parent.send('CTL_ROWS', struct.pack(
        '=IIQBB6x', struct.unpack_from('=I', query)[0], 0, 0, 1, 0))


def asked(e, what, n, timeout=10):
    """Ask, and wait for the end of the answer."""
    no_rows(e)
    e.parent.send(what + '_ASK', number(n))
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for name, data in list(e.told):
            if name == what and data[:4] == number(n) and (
                    what == 'HEALTH' or data[8] == 1):
                return data
        time.sleep(0.005)
    return None


def ask_twice(e, what):
    """The second one before the first is answered."""
    e.parent.send(what + '_ASK', number(1))
    e.parent.send(what + '_ASK', number(2))


def ask_again(e, what, first='1', second='1'):
    verdict('answered', asked(e, what, int(first)) is not None)
    e.parent.send(what + '_ASK', number(int(second)))


def ask_flood(e, what, n='100000'):
    for i in range(0, int(n), 100):
        e.parent.raw(b''.join(HDR.pack(T[what + '_ASK'], 20, 0, 0) +
                              number(i + j + 1) + b'\0' * 4
                              for j in range(100)))


def greedy(e, what, most, seconds='4'):
    """As often as it is answered: that is not often."""
    n, end = 0, time.monotonic() + float(seconds)
    while time.monotonic() < end:
        n += 1
        if asked(e, what, n) is None:
            verdict('greedy', False, 'no answer to %d' % n)
            return
    verdict('greedy', n <= int(most), '%s: %d answers' % (what, n))


def unread(e):
    """It reads nothing more, and guesses the numbers of pings."""
    last = []

    def one():
        if last:
            time.sleep(3600)
        name, slot, gen, data, fd = e.parent.recv()
        if name == 'PING':
            e.parent.send('PONG', data)
            last.append(struct.unpack('=I', data)[0])
    e.handle = one
    while not last:
        time.sleep(0.01)
    begin, pong = time.monotonic(), last[0]
    while True:
        guess = last[0] + int((time.monotonic() - begin) / 1.01 - 1)
        if guess > pong:
            pong = guess
            e.parent.send('PONG', number(pong))
        time.sleep(0.01)


def refuse_conf(e):
    """Each configuration from now on."""
    send = e.parent.send

    def no(type, data=b''):
        if type == 'CONF_READY':
            type, data = 'CONF_FAILED', data + b'no'
        send(type, data)
    e.parent.send = no


def deaf(e):
    """It asks and asks, and never reads the answer."""
    e.parent.send('COUNTS_ASK', number(1))
    os.kill(os.getpid(), signal.SIGSTOP)


# -- of the keeper -----------------------------------------------------------

def grants(e, chan):
    """GRANTs for tlsproxies that are gone or never were."""
    b = e.by_name(chan)
    for proxy, gen in ((0, 99), (0, 0), (1, 77), (900, 1), (65535, 1)):
        for realm in list(e.realms.values()) + [(0, 0), (4711, 0)]:
            b.send('GRANT', struct.pack('=QQIIIHHIHBB', 4711, 0, realm[0], 1,
                                        gen, proxy, 4, 1, 0, 0, 0) + b'root',
                   1, 1)
    verdict('grants', True)


ATTACKS = {k: v for k, v in globals().items() if callable(v)}
Evil().main()
'''
