# Copyright (c) 2026 The wampd authors
# SPDX-License-Identifier: ISC
#
# A broker or the keeper that somebody has taken over, in a real daemon beside
# good ones: realms of the other broker carry on, nobody joins by a keeper
# that lies, the parent lives and replaces whoever must be.
#
# alone: witnesses must not wait longer than a second

import os
import re
import sys

from daemon import done, run_case
from takeover import Evil, can_join, on_broker, spread


def run_broker(attacks, n=6):
    """Each ends the broker, by the words of two tlsproxies."""
    plan, left = spread(attacks, 1, n)
    assert not left
    with Evil('broker', plan, brokers=n + 1, prefork=n + 1,
              realms=on_broker(0, n + 1)) as w:
        w.watch()
        w.go()
        w.wait_lives(len(attacks), 120)
        for name, pid, attack in w.lives():
            how = w.death(name, pid, 40)
            want = r'sent nonsense to (tlsproxy \d+|keeper): killed|' \
                r'on its control channel: killed'
            assert re.search(want, how), (attack, how)
        same = [x for x in w.before if not x.startswith('broker') and (
            not x.startswith('tlsproxy') or x == 'tlsproxy %d' % (n + 1))]
        worst = w.finish(same + ['broker 0'])
        print('%d attacks, a witness waited %.2f s' % (len(attacks), worst))


TO_PROXY = ('SESSION_OPEN', 'SESSION_END', 'SUBSCRIBED', 'UNSUBSCRIBED',
            'PUBLISHED', 'EVENT', 'REGISTERED', 'UNREGISTERED',
            'INVOCATION', 'RESULT', 'ERROR', 'REFUSED', 'XOFF', 'XON',
            'GRANT', 'SUBSCRIBE', 'CONF_LISTEN_FD', 'AUTH_GRANTED',
            'SIGNED', 'SHUTDOWN')


def broker_lies():
    """broker: nonsense to tlsproxies; realms of the others carry on"""
    run_broker(['two_words:proxy%d:%s:%s' % (
        i % 6 + 1, t, ('random', 'full', 'hasfd')[i % 3])
        for i, t in enumerate(TO_PROXY)] + [
            'imsg:keeper:GRANT:zeros', 'imsg:parent:ACCEPTING:empty',
            'imsg:parent:CONN_COUNT:zeros', 'rubbish:keeper'])


def keeper_lies():
    """keeper: nonsense to brokers, tlsproxies, parent; nobody joins by it"""
    lives = ['real', 'imsg:broker0:GRANT:full', 'imsg:broker1:AUTH_DENY:full',
             'two_words:proxy0:AUTH_DENY:full', 'imsg:parent:ACCEPTING:empty',
             'grants:broker0']
    with Evil('keeper', {0: lives}) as w:
        w.watch()
        w.go()
        os.kill(w.child('keeper'), 9)
        w.wait_lives(5, 60)
        for name, pid, attack in w.lives()[:4]:
            how = w.death(name, pid, 40)
            assert re.search(r'sent nonsense to (broker|tlsproxy) \d: killed|'
                             r'on its control channel: killed', how), (attack,
                                                                       how)
        w.wait_log('evil: good grants')
        # it answers nobody: nobody joins, and who has joined stays
        assert not can_join(w.path)
        worst = w.finish(['broker 0', 'broker 1', 'tlsproxy 1', 'tlsproxy 2'])
        print('a witness waited %.2f s' % worst)


for f in (broker_lies, keeper_lies):
    if not sys.argv[1:] or f.__name__ in sys.argv[1:]:
        run_case(f)
done()
