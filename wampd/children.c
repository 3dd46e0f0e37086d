/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The children together: which there are, who takes which step when, who
 * hangs, and the end of all.
 */
#include <sys/types.h>

#include <string.h>
#include <time.h>

#include "chan.h"
#include "limit.h"
#include "mono.h"
#include "wampd.h"

#define TICK		1000	/* ms between pings */
#define TICK_LATE	1000	/* our own fault, not theirs */
#define PONG_WITHIN	5000
#define CLOSED_WITHIN	2000	/* to die, once its channel is closed */
#define START_WITHIN	30000	/* each step of a start */

static void
want(struct wampd *w, enum proc_role role, enum proxy_kind kind,
    unsigned int instance)
{
	struct child	*c;

	if (child_find(w, role, instance) != NULL)
		return;
	c = child_new(w, role, kind, instance);
	c->is_extra = w->reload.is_active;
	child_start(c);
}

/*
 * Start the children that conf asks for and that are not there yet.  A
 * tlsproxy serves network listeners or Unix sockets, never both.
 */
void
children_update(struct wampd *w, const struct conf *conf)
{
	struct conf_listen	*l;
	unsigned int		 i;
	int			 has_net = 0, has_unix = 0;

	TAILQ_FOREACH(l, &conf->listens, entry) {
		if (l->path != NULL)
			has_unix = 1;
		else
			has_net = 1;
	}
	want(w, PROC_KEEPER, PROXY_NET, 0);
	for (i = 0; i < conf->brokers; i++)
		want(w, PROC_BROKER, PROXY_NET, i);
	for (i = 0; has_net && i < conf->prefork; i++)
		want(w, PROC_TLSPROXY, PROXY_NET, i);
	if (has_unix)
		want(w, PROC_TLSPROXY, PROXY_UNIX, conf->prefork);
	if (!TAILQ_EMPTY(&conf->metrics))
		want(w, PROC_METRICS, PROXY_NET, 0);
}

/* Whom the configuration in force has no use for: it sees its end. */
void
children_retire(struct wampd *w)
{
	struct child	*c = child_find(w, PROC_METRICS, 0);

	if (c == NULL || !TAILQ_EMPTY(&w->conf->metrics))
		return;
	child_retire(c);
}

/* Those that a reload started which was given up, once they are buried. */
static void
drop_extra(struct wampd *w)
{
	size_t	i, n = 0;

	for (i = 0; i < w->nchildren; i++) {
		if (w->children[i]->is_extra && w->children[i]->pid == 0 &&
		    !w->reload.is_active) {
			edges_drop_child(w->children[i]);
			child_free(w->children[i]);
		} else
			w->children[n++] = w->children[i];
	}
	w->nchildren = n;
}

/* -- limits of connections ---------------------------------------------- */

static void
send_limits(struct child *c, const struct m_conn_limit *m, size_t n)
{
	if (n > 0 && c->chan != NULL)
		chan_send(c->chan, IMSG_CONN_LIMIT, 0, 0, m, n * sizeof(*m));
}

static void
flush_limits(struct wampd *w)
{
	struct child	*c;
	size_t		 i;

	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->role == PROC_TLSPROXY && c->state >= CHILD_PEERS)
			send_limits(c, w->limits, w->nlimits);
	}
	w->nlimits = 0;
}

/* An address, or all together, went over its limit or under it. */
void
children_limit(void *arg, const struct m_conn_limit *m)
{
	static const uint8_t	 all[16];
	struct wampd		*w = arg;

	if (m->is_over && memcmp(m->addr, all, sizeof(all)) == 0)
		limit_warn(LIMIT_CONNECTIONS, "%u clients, others wait",
		    w->conf->limits.connections);
	if (w->nlimits == LIMITS_A_TIME)
		flush_limits(w);
	w->limits[w->nlimits++] = *m;
}

static void
limit_of_new(void *arg, const struct m_conn_limit *m)
{
	send_limits(arg, m, 1);
}

/* -- how much they log -------------------------------------------------- */

/* From now on, until a reload says otherwise; also those yet to come. */
void
children_log_level(struct wampd *w, uint32_t level)
{
	struct m_u32	 m = { level };
	struct child	*c;
	size_t		 i;

	w->conf->loglevel = level;
	log_setlevel((enum log_level)level);
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->chan != NULL && c->state >= CHILD_HOLD)
			chan_send(c->chan, IMSG_LOG_LEVEL, 0, 0, &m,
			    sizeof(m));
	}
}

/* -- steps -------------------------------------------------------------- */

static void
accept_begin(struct child *c)
{
	if (c->w->upgrade.is_trial) {
		child_set_state(c, CHILD_UP);
		return;
	}
	if (c->role == PROC_TLSPROXY) {
		connlimit_each_over(c->w->connlimit, limit_of_new, c);
		drain_of_new(c);
	}
	chan_send(c->chan, IMSG_ACCEPT, 0, 0, NULL, 0);
	child_set_state(c, CHILD_ACCEPT);
}

/* The next step of one child's start, if it can be taken now. */
static void
start_step(struct child *c)
{
	struct wampd	*w = c->w;

	/* nonsense closed it in this turn */
	if (c->chan == NULL || !chan_is_open(c->chan))
		return;
	switch (c->state) {
	case CHILD_HOLD:
		if (w->reload.is_active)
			return;
		if (conf_send(c->chan, w->conf, (int)c->role, (int)c->kind,
		    listen_fd, c) == -1) {
			child_kill(c, "could not be sent the configuration");
			return;
		}
		child_set_state(c, CHILD_CONF);
		return;
	case CHILD_PEERS:
		if (!edges_is_settled(c))
			return;
		/* the first of all has nothing to settle yet */
		if (c->role != PROC_TLSPROXY && c->role != PROC_METRICS) {
			if (w->is_ready || edges_has_all(c))
				child_set_state(c, CHILD_UP);
		} else if (edges_has_keeper(c) &&
		    (w->is_ready || edges_is_whole(w)))
			accept_begin(c);
		return;
	default:
		return;
	}
}

static int
all_up(const struct wampd *w)
{
	size_t	i;

	if (w->nchildren == 0)
		return (0);
	for (i = 0; i < w->nchildren; i++)
		if (w->children[i]->state != CHILD_UP)
			return (0);
	return (1);
}

/* At the end of each turn: whatever can go on goes on. */
void
children_progress(struct wampd *w)
{
	size_t	i;

	if (w->is_stopping) {
		if (w->is_caretaker) {
			flush_limits(w);
			drain_progress(w);
		}
		for (i = 0; i < w->nchildren; i++)
			if (!w->children[i]->is_shut)
				return;
		if (upgrade_is_active(w))
			return;
		chan_loop_exit();
		return;
	}
	drop_extra(w);
	if (w->upgrade.is_successor && !w->is_ready)
		successor_progress(w);
	reload_progress(w);
	upgrade_progress(w);
	if (w->is_caretaker)
		return;
	for (i = 0; i < w->nchildren; i++)
		start_step(w->children[i]);
	edges_progress(w);
	flush_limits(w);
	drain_progress(w);
	if (!w->is_ready && all_up(w))
		wampd_ready(w);
}

/* -- who hangs ---------------------------------------------------------- */

static int
is_slow(const struct child *c, uint64_t now)
{
	switch (c->state) {
	case CHILD_START:
	case CHILD_CONF:
	case CHILD_COMMIT:
	case CHILD_ACCEPT:
		return (now - c->state_since > START_WITHIN);
	default:
		return (0);
	}
}

static void
check_life(struct child *c, uint64_t now)
{
	struct m_u32	ping;

	if (c->pid == 0 || c->is_reaped || c->is_killed)
		return;
	/* one that is dying closes it before it can be reaped */
	if (c->chan == NULL) {
		if (now - c->closed_at > CLOSED_WITHIN)
			child_kill(c, "closed its control channel");
		return;
	}
	if (is_slow(c, now)) {
		c->is_stuck = 1;
		child_kill(c, "did not start in %d s", START_WITHIN / 1000);
		return;
	}
	if (edges_is_late(c, START_WITHIN)) {
		c->is_stuck = 1;
		child_kill(c, "did not take a channel in %d s",
		    START_WITHIN / 1000);
		return;
	}
	if (c->state <= CHILD_START)
		return;
	/* the numbers of pings can be guessed */
	if (chan_waiting(c->chan) < CHILD_MAXWAITING)
		c->read_at = now;
	if (now - c->read_at > PONG_WITHIN) {
		child_kill(c, "did not read for %d s", PONG_WITHIN / 1000);
		return;
	}
	if (now - c->pong_at > PONG_WITHIN) {
		child_kill(c, "did not answer for %d s", PONG_WITHIN / 1000);
		return;
	}
	ping.n = ++c->ping_sent;
	chan_send(c->chan, IMSG_PING, 0, 0, &ping, sizeof(ping));
}

/* Every second. */
void
children_tick(struct wampd *w)
{
	uint64_t	now = mono_ms();
	size_t		i;

	/* we slept (a machine suspended, SIGSTOP): they did, too */
	if (now - w->tick_at > TICK + TICK_LATE)
		for (i = 0; i < w->nchildren; i++)
			w->children[i]->pong_at = w->children[i]->read_at =
			    now;
	w->tick_at = now;
	for (i = 0; i < w->nchildren; i++) {
		if (w->is_caretaker)
			child_reap(w->children[i]);
		check_life(w->children[i], now);
	}
	if (w->upgrade.is_successor)
		successor_reap(w);
}

void
children_reap(struct wampd *w)
{
	size_t	i;

	for (i = 0; i < w->nchildren; i++)
		child_reap(w->children[i]);
	upgrade_reap(w);
	if (w->upgrade.is_successor)
		successor_reap(w);
}

/* -- the end ------------------------------------------------------------ */

/* Clients get their GOODBYE; children_progress() sees when all are gone. */
void
children_shutdown(struct wampd *w)
{
	struct child	*c;
	struct m_u32	 grace;
	size_t		 i;

	grace.n = w->conf->grace;
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->role == PROC_TLSPROXY && c->chan != NULL &&
		    c->state >= CHILD_ACCEPT)
			chan_send(c->chan, IMSG_SHUTDOWN, 0, 0, &grace,
			    sizeof(grace));
		else
			c->is_shut = 1;
	}
}

static int
reap_rest(struct wampd *w)
{
	struct child	*c;
	size_t		 i;
	int		 left = 0;

	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->pid == 0)
			continue;
		child_reap(c);
		if (c->pid != 0) {
			logsink_drain(&c->log);
			left++;
		}
	}
	return (left);
}

/* They end when we close their descriptor 3; who does not is killed. */
void
children_end(struct wampd *w)
{
	static const struct timespec	 nap = { 0, 5 * 1000 * 1000 };
	uint64_t			 begin = mono_ms();
	struct child			*c;
	size_t				 i;

	w->is_stopping = 1;
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		chan_free(c->chan);
		c->chan = NULL;
		/* one that was reaped before its channel was at its end */
		child_ended(c);
	}
	while (reap_rest(w) > 0) {
		nanosleep(&nap, NULL);
		if (mono_ms() - begin < END_WITHIN)
			continue;
		for (i = 0; i < w->nchildren; i++)
			child_kill(w->children[i], "did not end in time");
	}
}
