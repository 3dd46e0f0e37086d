# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# Load for benchmarks: wampload against routers, each router with all its
# processes on the first CPU, the generator on the last one, in rounds that
# take turns (A B A B ...), since only what ran side by side compares.
#
#	with Limit() as limit, Daemon() as wampd:
#		runs = rounds(3, {'limit': lambda: limit.load('pubsub'),
#				  'wampd': lambda: wampd.load('pubsub')})
#		print(ratio(runs['wampd'], runs['limit'], 'cpu_us_event'))

import math
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time

from daemon import B, Wampd, ensure_users, free_port, make_cert, tmpdir

WAMPLOAD = os.path.join(B, 'regress', 'bench', 'wampload')
LIMIT = os.path.join(B, 'regress', 'bench', 'limit')
CPUS = sorted(os.sched_getaffinity(0))
ROUTER_CPU, LOAD_CPU = {CPUS[0]}, {CPUS[-1]}
FULL = os.environ.get('FULL', '') not in ('', '0')
TRANSPORTS = 'plain', 'tls', 'ws', 'wss', 'unix'


class LoadFailed(Exception):
    """wampload ended with an error, or lost something."""


def raise_nofile():
    """As many descriptors as may be had: many sessions, one process."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def figures(line):
    """What wampload prints, numbers as numbers."""
    found = {}
    for word in line.split():
        key, eq, value = word.partition('=')
        if eq:
            try:
                found[key] = float(value)
            except ValueError:
                found[key] = value
    return found


class Router:
    """Something that wampload can talk to.  urls: by transport."""

    label = '?'
    pid = None
    urls = {}

    def command(self, args, transport='plain', receivers=None):
        """How wampload is called.  args: a string, the mode the last."""
        cmd = [WAMPLOAD, '-L', self.label, '-P', str(self.pid)]
        if receivers is not None:
            cmd += ['-u', self.urls[receivers]]
        return cmd + args.split() + [self.urls[transport]]

    def start_load(self, args, transport='plain', receivers=None, nice=0):
        """wampload in the background, for finish_load()."""
        def prepare():
            os.sched_setaffinity(0, LOAD_CPU)
            raise_nofile()
            if nice and os.sched_getscheduler(0) == os.SCHED_RR:
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(
                    os.sched_getparam(0).sched_priority + 1))
            elif nice:
                os.nice(nice)
        return subprocess.Popen(
            self.command(args, transport, receivers), text=True,
            errors='replace', stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=prepare)

    @staticmethod
    def finish_load(proc, timeout=150):
        """What it found out."""
        try:
            out, errors = proc.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            proc.kill()
            out, errors = proc.communicate()
            raise LoadFailed('takes longer than %d s: %s' % (timeout, errors))
        found = figures(out)
        if proc.returncode != 0 or not found:
            raise LoadFailed('%s: %s' % (' '.join(proc.args[1:]),
                                         errors.strip() or 'no output'))
        return found

    def load(self, args, transport='plain', receivers=None, timeout=150):
        return self.finish_load(
            self.start_load(args, transport, receivers), timeout)


class Limit(Router):
    """The reference: a front and a core with a socketpair between."""

    label = 'limit2'

    def __init__(self, two=True):
        self.dir = tmpdir()
        self.args = ['-2'] if two else []
        self.label = 'limit2' if two else 'limit1'

    def __enter__(self):
        crt, key = make_cert(self.dir)
        plain, tls = free_port(), free_port()
        path = os.path.join(self.dir, 'sock')
        self.urls = {'plain': 'rs://127.0.0.1:%d' % plain,
                     'tls': 'rss://127.0.0.1:%d' % tls,
                     'unix': 'unix:' + path}

        def prepare():
            os.sched_setaffinity(0, ROUTER_CPU)
            raise_nofile()
        self.proc = subprocess.Popen(
            [LIMIT] + self.args + ['-c', crt, '-k', key, 'tcp:%d' % plain,
                                   'tls:%d' % tls, 'unix:' + path],
            preexec_fn=prepare)
        self.pid = self.proc.pid
        end = time.monotonic() + 10
        while not os.path.exists(path):
            if self.proc.poll() is not None or time.monotonic() > end:
                raise LoadFailed('limit does not start')
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


CONF = '''prefork {prefork}
brokers 1
log {log}
limits {{
	connections per address 1000000
	{sizes}
	{limits}
}}
keypair "localhost" {{
	certificate "{crt}"
	key "{key}"
}}
listen on 127.0.0.1 port {plain} only rawsocket
{ports}
listen on 127.0.0.1 port {tls} tls only rawsocket {{
	keypair "localhost"
}}
listen on 127.0.0.1 port {ws} only websocket
listen on 127.0.0.1 port {wss} tls only websocket {{
	keypair "localhost"
}}
listen on socket "{path}" mode 0666
realm "realm1" {{
	authenticate anonymous role "all"
	role "all" {{
		allow any
		allow meta read
	}}
	{realm}
}}
'''


class Daemon(Router):
    """wampd as it is started by whoever runs this, sandbox and all, with
    every transport; limits and realm: what else their blocks say."""

    def __init__(self, label='wampd', prefork=2, limits='', realm='',
                 log='brief', sizes='message 4m  queue 16m', ports=0):
        self.label = label
        self.ports = ports
        self.conf = dict(prefork=prefork, limits=limits, realm=realm, log=log,
                         sizes=sizes)

    def __enter__(self):
        self.dir = tmpdir()
        crt, key = make_cert(self.dir)
        ports = {t: free_port() for t in ('plain', 'tls', 'ws', 'wss')}
        path = os.path.join(self.dir, 'wampd.sock')
        # "plain 1" and so on: a port takes as many clients of an address as
        # there are ephemeral ports
        more = [free_port() for _ in range(self.ports)]
        self.urls = {'plain': 'rs://127.0.0.1:%d' % ports['plain'],
                     'tls': 'rss://127.0.0.1:%d' % ports['tls'],
                     'ws': 'ws://127.0.0.1:%d/' % ports['ws'],
                     'wss': 'wss://127.0.0.1:%d/' % ports['wss'],
                     'unix': 'unix:' + path}
        for i, port in enumerate(more):
            self.urls['plain %d' % (i + 1)] = 'rs://127.0.0.1:%d' % port
        lines = '\n'.join('listen on 127.0.0.1 port %d only rawsocket' % port
                          for port in more)

        def prepare():
            os.sched_setaffinity(0, ROUTER_CPU)
            raise_nofile()
        self.wampd = Wampd(CONF.format(crt=crt, key=key, path=path,
                                       ports=lines, **ports,
                                       **self.conf), preexec=prepare)
        self.wampd.start()
        self.pid = self.wampd.pid
        return self

    def __exit__(self, kind, value, tb):
        self.wampd.__exit__(kind, value, tb)
        shutil.rmtree(self.dir, ignore_errors=True)

    def cpu(self):
        """Processor time of each child so far, in microseconds."""
        used = {}
        for name, pid in self.wampd.children().items():
            with open('/proc/%d/schedstat' % pid) as f:
                used[name] = int(f.read().split()[0]) / 1e3
        return used


def rounds(n, runs):
    """{label: function}, each called n times in turn: {label: [result]}."""
    found = {label: [] for label in runs}
    for _ in range(n):
        for label, run in runs.items():
            found[label].append(run())
    return found


def median(results, key):
    return statistics.median(r[key] for r in results)


def ratio(results, others, key):
    """The median of what each round had between them."""
    return statistics.median(a[key] / b[key] if b[key] else math.inf
                             for a, b in zip(results, others))


def machine():
    """A line on where this was measured."""
    model = 'unknown CPU'
    with open('/proc/cpuinfo') as f:
        for line in f:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    return '%s, %d CPUs, Linux %s, %s' % (
        model, os.cpu_count(), os.uname().release, time.strftime('%Y-%m-%d'))
