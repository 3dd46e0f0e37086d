/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a broker counts, in rows for wampd-metrics(7): of itself, and then of
 * each realm that has numbers of its own.
 */
#include <stdio.h>
#include <string.h>

#include "counts.h"
#include "ctlask.h"
#include "dealer.h"
#include "metric.h"
#include "pubsub.h"
#include "walk.h"

/* How much there is of a realm, or of all that have no numbers of their own. */
struct held {
	uint64_t	 nrealms;
	uint64_t	 sessions, subs, regs;
};

static unsigned int	 at;		/* the piece that is told next */
static struct held	 others;

void
ctl_metrics_begin(void)
{
	at = 0;
	memset(&others, 0, sizeof(others));
}

/* -- the broker itself -------------------------------------------------- */

static void
tell_broker(struct metricrows *m)
{
	metricrow(m, METRIC_DROPPED, "slow", NULL, broker_counts.slow);
	metricrow(m, METRIC_DROPPED, "memory", NULL, broker_counts.lost);
	metricrow_hist(m, METRIC_LATENCY, &broker_counts.latency);
	metricrows_limits(m);
}

static void
tell_queues(struct metricrows *m)
{
	struct peer	*p;
	char		 name[32];

	TAILQ_FOREACH(p, &broker.peers, entry) {
		if (p->chan == NULL)
			continue;
		if (p->id.role == PROC_KEEPER)
			snprintf(name, sizeof(name), "%s",
			    proc_role_name(PROC_KEEPER));
		else
			snprintf(name, sizeof(name), "%s %u",
			    proc_role_name((enum proc_role)p->id.role),
			    p->id.instance);
		metricrow(m, METRIC_QUEUE, name, NULL, chan_waiting(p->chan));
	}
}

/* -- realms ------------------------------------------------------------- */

static void
tell_counts(struct metricrows *m, const char *name,
    const struct realm_counts *k, const struct held *h)
{
	metricrow(m, METRIC_SESSIONS, name, NULL, h->sessions);
	metricrow(m, METRIC_JOINED, name, NULL, k->joined);
	metricrow(m, METRIC_SUBSCRIPTIONS, name, NULL, h->subs);
	metricrow(m, METRIC_REGISTRATIONS, name, NULL, h->regs);
	metricrow(m, METRIC_PENDING, name, NULL, k->pending);
	metricrow(m, METRIC_PUBLICATIONS, name, NULL, k->publications);
	metricrow(m, METRIC_EVENTS, name, NULL, k->events);
	metricrow(m, METRIC_CALLS, name, NULL, k->calls);
	metricrow(m, METRIC_ERRORS, name, NULL, k->errors);
}

static void
add(struct held *h, const struct realm *r)
{
	unsigned int	i;

	h->nrealms++;
	h->sessions += r->nmembers;
	for (i = 0; i < MATCH_MAX; i++) {
		h->subs += r->nsubs[i];
		h->regs += r->nregs[i];
	}
}

/* One that is gone from the configuration may be there again by its name. */
static int
tell_realm(void *object, void *arg)
{
	const struct realm	*r = object;
	struct metricrows	*m = arg;
	struct held		 h;

	if (r->is_gone)
		return (0);
	if (r->counts == &broker_counts.others) {
		add(&others, r);
		return (0);
	}
	memset(&h, 0, sizeof(h));
	add(&h, r);
	metricrows_begin(m);
	tell_counts(m, r->name, r->counts, &h);
	return (metricrows_end(m));
}

static void
tell_others(struct metricrows *m)
{
	if (others.nrealms > 0)
		tell_counts(m, "", &broker_counts.others, &others);
}

int
ctl_rows_metrics(struct ctlrows *r, unsigned int *steps)
{
	static void	(*const pieces[])(struct metricrows *) = {
		tell_broker, tell_queues, NULL /* realms */, tell_others
	};
	struct metricrows	 m;

	metricrows_init(&m, r, &broker.proc);
	for (; at < sizeof(pieces) / sizeof(pieces[0]); at++) {
		if (pieces[at] == NULL) {
			if (!walk_realms(steps, tell_realm, &m))
				return (0);
			continue;
		}
		metricrows_begin(&m);
		pieces[at](&m);
		if (metricrows_end(&m) == -1)
			return (0);
	}
	return (1);
}
