# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A metrics process that somebody has taken over: it has one channel, to the
# parent, which kills and replaces it at the first imsg that it may not send.
# Nobody else notices.
#
# LONG=1: every type of imsg, in two shapes of eight
#
# alone: witnesses must not wait longer than a second

import re
import sys

from ctlclient import rows, wampctl
from daemon import LONG, done, free_port, run_case, tmpdir, wait_until
from httpclient import get
from imsgs import T
from takeover import LIVES, Evil, good_ones, over

SHAPES = ('empty', 'zeros', 'random', 'full', 'hasfd', 'fds', 'huge', 'tiny')
DEATH = r'sent .* on its control channel: killed'


class World(Evil):
    """One with a metrics process that is not."""

    def __init__(self, lives):
        super().__init__('metrics', {0: lives}, prefork=1)
        self.tcp = free_port()
        self.control = tmpdir() + '/control.sock'
        with open(self.conf_path) as f:
            conf = f.read()
        self.write_conf(conf + 'metrics on 127.0.0.1 port %d\n'
                        'control socket "%s"\n' % (self.tcp, self.control))

    def is_served(self):
        try:
            return get(('127.0.0.1', self.tcp), '/health', timeout=2)[0] == 200
        except OSError:
            return False


def run_deadly(attacks):
    """Each ends the process; after the last the real one serves."""
    worst = 0
    for i in range(0, len(attacks), LIVES):
        some = attacks[i:i + LIVES]
        with World(some + ['real']) as w:
            w.watch()
            w.go()
            w.wait_lives(len(some))
            for name, pid, attack in w.lives():
                how = w.death('metrics', pid)
                assert re.search(DEATH, how), (attack, how)
            wait_until(w.is_served, 30, 'a good one')
            assert wampctl(w.control, 'show', 'metrics')[0] == 0
            worst = max(worst, w.finish(good_ones(w)))
    print('%d attacks, a witness waited %.2f s at most' % (len(attacks),
                                                           worst))


def asks_what_it_may_not():
    """two questions at once, a number again or less, floods of them"""
    run_deadly(['ask_twice:COUNTS', 'ask_twice:HEALTH', 'ask_again:COUNTS',
                'ask_again:HEALTH', 'ask_again:COUNTS:7:6',
                'ask_again:HEALTH:7:0', 'ask_flood:COUNTS',
                'ask_flood:HEALTH'])


def says_what_others_may():
    """imsgs of others, and its own of another size"""
    types = ['COUNTS_ASK', 'HEALTH_ASK', 'COUNTS', 'HEALTH', 'CONN_COUNT',
             'CTL_ROWS', 'PROC_SUSPECT', 'SETUP_DONE', 'ACCEPTING', 'DRAINED',
             'SHUTDOWN_DONE', 'PEER_READY']
    run_deadly(['imsg:parent:%s:%s' % (t, SHAPES[1 + k % 7])
                for k, t in enumerate(types)])


def says_everything():
    """every type of imsg, in two shapes"""
    attacks = []
    types = [n for n in T if n != 'MAX'] + ['777', str(0x7fffffff)]
    for k, t in enumerate(types):
        for shape in SHAPES[k % 4::4]:
            # it may, or that is what it should say
            if (t, shape) in (('ACCEPTING', 'empty'),) or \
                    t == 'CONF_FAILED' and shape not in ('huge', 'tiny'):
                continue
            attacks.append('imsg:parent:%s:%s' % (t, shape))
    run_deadly(attacks + ['rubbish:parent'])


def is_never_asked_too_often():
    """one that asks as often as it is answered costs next to nothing"""
    for what, most in (('COUNTS', 6), ('HEALTH', 45)):
        with World(['greedy:%s:%d' % (what, most)]) as w:
            w.watch()
            w.go()
            over(w)
            w.finish(good_ones(w))
            assert ' killed' not in w.log()
            assert 'good greedy' in w.log()


def is_deaf():
    """one that does not take its answer keeps nobody else from his"""
    with World(['deaf', 'real']) as w:
        w.watch()
        w.go()
        w.wait_lives(1)
        # a child has one asker at a time: the next one is not kept waiting
        for i in range(3):
            rv, out, err = wampctl(w.control, 'show', 'metrics')
            assert 'wampd_process_up{process="wampd"} 1' in out, err
            assert rows(w.control, 'show', 'sessions')
        name, pid, attack = w.lives()[0]
        assert re.search('did not answer for 5 s: killed',
                         w.death('metrics', pid, 30))
        wait_until(w.is_served, 30, 'a good one')
        w.finish(good_ones(w))


CASES = [asks_what_it_may_not, says_what_others_may, is_never_asked_too_often,
         is_deaf]
if LONG:
    CASES.append(says_everything)
for f in CASES:
    if not sys.argv[1:] or f.__name__ in sys.argv[1:]:
        run_case(f)
done()
