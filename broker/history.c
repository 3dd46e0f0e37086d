/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Event History: the last events of the topics and patterns that the
 * configuration names.  Each has a subscription, which is there without
 * subscribers, and a ring of events; an event is kept once for all rings of
 * its realm.  Questions about them are answered in history_query.c.
 */
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "keep.h"
#include "log.h"
#include "pubsub.h"

/* Of one subscription. */
struct history {
	LIST_ENTRY(history)	 entry;
	struct subscription	*sub;		/* pinned */
	struct ring		 ring;
	uint32_t		 max;		/* events */
	uint8_t			 is_gone;	/* from the configuration */
};

/* Of a realm. */
struct histories {
	LIST_HEAD(, history)	 all;
	struct kepts		 order;		/* as they came */
	struct htab		 byid;		/* by publication */
	uint64_t		 used, max;	/* octets */
	uint64_t		 nlost;
};

static struct log_limit	lost;

/* -- events ------------------------------------------------------------- */

static void
event_put(struct histories *hs, struct kept *k)
{
	if (--k->nrings > 0)
		return;
	TAILQ_REMOVE(&hs->order, k, order);
	htab_remove(&hs->byid, &k->byid);
	hs->used -= kept_size(k);
	kept_unref(k);
}

static void
event_get(struct histories *hs, struct kept *k)
{
	if (k->nrings++ > 0)
		return;
	kept_ref(k);
	TAILQ_INSERT_TAIL(&hs->order, k, order);
	htab_insert(&hs->byid, &k->byid, hash_pair(k->id, 0));
	hs->used += kept_size(k);
}

static int
history_push(struct history *h, struct kept *k)
{
	struct histories	*hs = h->sub->realm->histories;
	size_t			 octets = h->ring.octets;

	if (ring_push(&h->ring, k) == -1)
		return (-1);
	hs->used += h->ring.octets - octets;
	event_get(hs, k);
	return (0);
}

/* The oldest one goes. */
static void
history_shift(struct history *h)
{
	struct histories	*hs = h->sub->realm->histories;
	size_t			 octets = h->ring.octets;
	struct kept		*k;

	if ((k = ring_shift(&h->ring)) == NULL)
		return;
	hs->used -= octets - h->ring.octets;
	event_put(hs, k);
}

static void
history_trim(struct history *h)
{
	while (h->ring.count > h->max)
		history_shift(h);
}

/* In the rings that have it, the oldest event of all is the first one. */
static void
drop_from(struct subscription *sub, void *arg)
{
	if (sub->history != NULL && ring_first(&sub->history->ring) == arg)
		history_shift(sub->history);
}

static void
histories_trim(struct realm *r)
{
	struct histories	*hs = r->histories;
	struct kept		*k;
	struct uri		 topic;

	while (hs->used > hs->max && (k = TAILQ_FIRST(&hs->order)) != NULL) {
		kept_ref(k);
		kept_topic(k, &topic);
		sub_match(r, &topic, drop_from, k);
		kept_unref(k);
	}
}

void
history_add(struct history *h, struct publication *p)
{
	struct histories	*hs = h->sub->realm->histories;
	struct kept		*k;

	/* WAMP, Event History: an id of a session means nothing later on */
	if (p->filter != NULL && filter_has_ids(p->filter->octets))
		return;
	if ((k = publication_kept(p)) != NULL && kept_size(k) <= hs->max &&
	    history_push(h, k) == 0) {
		history_trim(h);
		return;
	}
	hs->nlost++;
	if (log_may(&lost, 1))
		log_warnx("realm %s: no room for an event in a history; %llu "
		    "so far", h->sub->realm->name,
		    (unsigned long long)hs->nlost);
}

void
history_added(struct publication *p)
{
	if (p->realm->histories != NULL)
		histories_trim(p->realm);
}

/* -- which there are ---------------------------------------------------- */

static void
history_drop(struct history *h)
{
	struct subscription	*sub = h->sub;

	while (ring_first(&h->ring) != NULL)
		history_shift(h);
	sub->realm->histories->used -= h->ring.octets;
	ring_free(&h->ring);
	LIST_REMOVE(h, entry);
	sub->history = NULL;
	free(h);
	sub_unpin(sub);
}

/* What stays configured keeps its events. */
static void
history_configure(struct realm *r, const struct conf_topic *t)
{
	struct uri		 topic = { t->uri, t->urilen };
	struct subscription	*sub;
	struct history		*h;

	sub = sub_find(r, (enum uri_match)t->match, &topic);
	if (sub != NULL && (h = sub->history) != NULL) {
		h->is_gone = 0;
		h->max = t->events;
		history_trim(h);
		return;
	}
	if ((h = calloc(1, sizeof(*h))) == NULL)
		fatal("history");
	h->sub = sub_pin(r, (enum uri_match)t->match, &topic);
	if (h->sub == NULL) {
		log_warnx("realm %s: no room for the history of %s", r->name,
		    t->uri);
		free(h);
		return;
	}
	h->sub->history = h;
	h->max = t->events;
	LIST_INSERT_HEAD(&r->histories->all, h, entry);
}

static void
histories_new(struct realm *r)
{
	struct histories	*hs;

	if ((hs = calloc(1, sizeof(*hs))) == NULL ||
	    htab_init(&hs->byid) == -1)
		fatalx("out of memory for the history of realm %s", r->name);
	LIST_INIT(&hs->all);
	TAILQ_INIT(&hs->order);
	r->histories = hs;
}

void
history_load(struct realm *r)
{
	const struct conf_topic	*t;
	struct history		*h, *next;

	if (r->histories == NULL) {
		if (TAILQ_EMPTY(&r->conf->history.topics))
			return;
		histories_new(r);
	}
	LIST_FOREACH(h, &r->histories->all, entry)
		h->is_gone = 1;
	TAILQ_FOREACH(t, &r->conf->history.topics, entry)
		history_configure(r, t);
	for (h = LIST_FIRST(&r->histories->all); h != NULL; h = next) {
		next = LIST_NEXT(h, entry);
		if (h->is_gone)
			history_drop(h);
	}
	r->histories->max = r->conf->history.memory;
	histories_trim(r);
}

void
history_free(struct realm *r)
{
	struct history	*h;

	if (r->histories == NULL)
		return;
	while ((h = LIST_FIRST(&r->histories->all)) != NULL)
		history_drop(h);
	htab_free(&r->histories->byid);
	free(r->histories);
	r->histories = NULL;
}

/* -- for questions ------------------------------------------------------ */

const struct ring *
history_ring(const struct history *h)
{
	return (&h->ring);
}

uint64_t
history_seq(const struct history *h, uint64_t publication)
{
	const struct histories	*hs = h->sub->realm->histories;
	const struct kept	*k;
	struct hent		*e;
	uint64_t		 time;
	size_t			 i;

	for (e = htab_first(&hs->byid, hash_pair(publication, 0)); e != NULL;
	    e = htab_next(e)) {
		k = HENT_OF(e, struct kept, byid);
		if (k->id != publication)
			continue;
		i = ring_before(&h->ring, k->seq);
		if (i < h->ring.count && ring_at(&h->ring, i, &time) == k)
			return (k->seq);
	}
	return (0);
}
