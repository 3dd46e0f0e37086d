/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What wampctl asks of the keeper, by way of the parent: how much there is,
 * and of nothing what it is.  The names of the fields are in ctl.h.
 */
#include <sys/queue.h>

#include <stdio.h>
#include <string.h>

#include "chan.h"
#include "conf.h"
#include "ctlrow.h"
#include "keeper.h"
#include "metric.h"

static struct ctl_asked	 asked;

static void
count(struct ctlrows *r, const char *what, uint64_t n)
{
	ctlrow_memory(r, &keeper.proc, what, NULL, n, CTLROW_NONE,
	    CTLROW_NONE);
}

/*
 * There are few peers, so that all of it has room.  What waits for the
 * tlsproxies' signatures is one reply each.
 */
static void
show_memory(struct ctlrows *r)
{
	struct peer	*p;
	size_t		 used, size, n = keys_count(&used, &size);
	uint64_t	 ndialogues = 0;

	ctlrows_memory(r, &keeper.proc, CTLROW_NONE);
	ctlrow_memory(r, &keeper.proc, "keys", NULL, n, used, size);
	count(r, "users", userset_count());
	TAILQ_FOREACH(p, &keeper.peers, entry)
		ndialogues += p->ndialogues;
	count(r, "logins", ndialogues);
	count(r, "jobs", workers_count());
	TAILQ_FOREACH(p, &keeper.peers, entry)
		if (p->id.link == LINK_MAIN)
			ctlrow_memory(r, &keeper.proc, "queue", &p->id,
			    CTLROW_NONE, chan_waiting(p->chan), CTLROW_NONE);
}

/* -- metrics ------------------------------------------------------------ */

static const char *const	 results[LOGIN_MAX] = {
	[LOGIN_GRANTED] = "granted",
	[LOGIN_DENIED] = "denied",
	[LOGIN_FAILED] = "failed",
	[LOGIN_NO_REALM] = "no_such_realm",
	[LOGIN_NO_METHOD] = "no_matching_method"
};

static struct {
	unsigned int	 piece;		/* told next: logins, limits, ... */
	size_t		 key;		/* and keys */
	uint32_t	 generation;	/* of the configuration */
} at;

static void
tell_logins(struct metricrows *m)
{
	struct peer	*p;
	const char	*name;
	uint64_t	 ndialogues = 0;
	unsigned int	 i, j;

	for (i = 0; i < AUTH_METHODS; i++) {
		name = wamp_auth_name(1U << i);
		for (j = 0; j <= LOGIN_FAILED; j++)
			metricrow(m, METRIC_LOGINS, name, results[j],
			    keeper.logins[i][j]);
	}
	/* before a method was chosen */
	for (j = LOGIN_DENIED; j < LOGIN_MAX; j++)
		metricrow(m, METRIC_LOGINS, "none", results[j],
		    keeper.logins[AUTH_METHODS][j]);
	TAILQ_FOREACH(p, &keeper.peers, entry)
		ndialogues += p->ndialogues;
	metricrow(m, METRIC_LOGINS_PENDING, NULL, NULL, ndialogues);
}

static void
tell_queues(struct metricrows *m)
{
	struct peer	*p;
	char		 name[32];

	TAILQ_FOREACH(p, &keeper.peers, entry) {
		if (p->id.link != LINK_MAIN)
			continue;
		snprintf(name, sizeof(name), "%s %u",
		    proc_role_name((enum proc_role)p->id.role),
		    p->id.instance);
		metricrow(m, METRIC_QUEUE, name, NULL, chan_waiting(p->chan));
	}
	metricrows_limits(m);
}

/* 1, or 0: there is no room for all of them. */
static int
tell_keys(struct metricrows *m)
{
	const char	*name;
	uint64_t	 t;

	for (; keys_expiry(at.key, &name, &t) == 0; at.key++) {
		metricrows_begin(m);
		metricrow(m, METRIC_EXPIRY, name, NULL, t);
		if (metricrows_end(m) == -1)
			return (0);
	}
	return (1);
}

/* 1: that was all. */
static int
show_metrics(struct ctlrows *r)
{
	static void	(*const pieces[])(struct metricrows *) = {
		tell_logins, tell_queues
	};
	struct metricrows	 m;

	metricrows_init(&m, r, &keeper.proc);
	for (; at.piece < sizeof(pieces) / sizeof(pieces[0]); at.piece++) {
		metricrows_begin(&m);
		pieces[at.piece](&m);
		if (metricrows_end(&m) == -1)
			return (0);
	}
	return (tell_keys(&m));
}

/* -- the parent asks ---------------------------------------------------- */

/* 0, or -1: what it goes on with is gone. */
static int
begin(enum ctl_turn turn)
{
	if (turn == CTL_TURN_BEGIN) {
		memset(&at, 0, sizeof(at));
		at.generation = keeper.conf->generation;
	}
	return (at.generation == keeper.conf->generation ? 0 : -1);
}

int
ctl_query(struct chan *c, struct imsg *im)
{
	struct ctlrows	rows;
	enum ctl_turn	turn;
	int		is_end = 1;

	if ((turn = ctl_asked_read(&asked, im)) == CTL_TURN_NONSENSE)
		return (-1);
	if (turn == CTL_TURN_LOST || (asked.m.what != CTL_MEMORY &&
	    asked.m.what != CTL_METRICS) || keeper.conf == NULL ||
	    begin(turn) == -1) {
		ctlrows_lost(c, im);
		return (0);
	}
	ctlrows_init(&rows);
	if (asked.m.what == CTL_MEMORY)
		show_memory(&rows);
	else
		is_end = show_metrics(&rows);
	ctlrows_send(&rows, c, &asked, is_end);
	return (0);
}
