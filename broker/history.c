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

#define TIDY_NOW	4096		/* steps */

/* Of one subscription. */
struct history {
	LIST_ENTRY(history)	 entry;
	struct histories	*hs;
	struct subscription	*sub;		/* pinned; NULL: gone from the
						 * configuration */
	struct ring		 ring;
	uint32_t		 max;		/* events */
	uint32_t		 goal;		/* likewise, when it is tidy */
	uint8_t			 is_gone;	/* while one is read */
};
LIST_HEAD(history_list, history);

/* Of a realm. */
struct histories {
	TAILQ_ENTRY(histories)	 entry;		/* if it is untidy */
	struct realm		*realm;		/* NULL: it is gone */
	struct history_list	 all, gone;
	struct kepts		 order;		/* as they came */
	struct kept		*unchecked;	/* this one and later ones: do
						 * they stay? */
	struct htab		 byid;		/* by publication */
	uint64_t		 used, max;	/* octets */
	uint64_t		 goal;
	uint64_t		 nlost;
	uint8_t			 is_untidy;
};

/*
 * A reload may make millions of events superfluous, which go a slice at a
 * time; these have some.
 */
static TAILQ_HEAD(, histories)	untidy = TAILQ_HEAD_INITIALIZER(untidy);
static struct log_limit		lost = LOG_LIMIT_WARN("no room in a history");

/* -- events ------------------------------------------------------------- */

static void
event_put(struct histories *hs, struct kept *k)
{
	if (--k->nrings > 0)
		return;
	if (hs->unchecked == k)
		hs->unchecked = TAILQ_NEXT(k, order);
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
	size_t	octets = h->ring.octets;

	if (ring_push(&h->ring, k) == -1)
		return (-1);
	h->hs->used += h->ring.octets - octets;
	event_get(h->hs, k);
	return (0);
}

/* The oldest one goes. */
static void
history_shift(struct history *h)
{
	size_t		 octets = h->ring.octets;
	struct kept	*k;

	if ((k = ring_shift(&h->ring)) == NULL)
		return;
	h->hs->used -= octets - h->ring.octets;
	event_put(h->hs, k);
}

static void
drop_from(struct subscription *sub, void *arg)
{
	if (sub->history != NULL && ring_first(&sub->history->ring) == arg)
		history_shift(sub->history);
}

/* In the rings that have it, the oldest event of all is the first one. */
static void
histories_drop(struct histories *hs, struct kept *k)
{
	struct history	*h;
	struct uri	 topic;

	kept_ref(k);
	kept_topic(k, &topic);
	sub_match(hs->realm, &topic, drop_from, k);
	LIST_FOREACH(h, &hs->gone, entry)
		if (ring_first(&h->ring) == k)
			history_shift(h);
	kept_unref(k);
}

void
history_add(struct history *h, struct publication *p)
{
	struct kept	*k;

	/* WAMP, Event History: an id of a session means nothing later on */
	if (p->filter != NULL && filter_has_ids(p->filter->octets))
		return;
	if ((k = publication_kept(p)) != NULL &&
	    kept_size(k) <= h->hs->goal && history_push(h, k) == 0) {
		while (h->ring.count > h->max)
			history_shift(h);
		return;
	}
	h->hs->nlost++;
	if (log_may(&lost, 1))
		log_warnx("realm %s: no room for an event in a history; %llu "
		    "so far", p->realm->name,
		    (unsigned long long)h->hs->nlost);
}

void
history_added(struct publication *p)
{
	struct histories	*hs = p->realm->histories;
	struct kept		*k;

	if (hs == NULL)
		return;
	while (hs->used > hs->max && (k = TAILQ_FIRST(&hs->order)) != NULL)
		histories_drop(hs, k);
}

/* -- what is superfluous ------------------------------------------------ */

static void
history_tidy(struct history *h, unsigned int *steps)
{
	while (h->max > h->goal && *steps > 0) {
		(*steps)--;
		if (h->ring.count > h->goal)
			history_shift(h);
		h->max = h->ring.count > h->goal ? (uint32_t)h->ring.count :
		    h->goal;
	}
}

static void
histories_free(struct histories *hs)
{
	htab_free(&hs->byid);
	free(hs);
}

/*
 * What its publisher may not publish any more is not told, but stays in its
 * place in the rings.
 */
static void
histories_recheck(struct histories *hs, unsigned int *steps)
{
	while (*steps > 0 && hs->unchecked != NULL) {
		(*steps)--;
		kept_stays(hs->unchecked, hs->realm);
		hs->unchecked = TAILQ_NEXT(hs->unchecked, order);
	}
}

/* 1: it is tidy. */
static int
histories_tidy(struct histories *hs, unsigned int *steps)
{
	struct history	*h;
	struct kept	*k;

	while (*steps > 0 && (h = LIST_FIRST(&hs->gone)) != NULL) {
		(*steps)--;
		if (h->ring.count > 0) {
			history_shift(h);
			continue;
		}
		hs->used -= h->ring.octets;
		ring_free(&h->ring);
		LIST_REMOVE(h, entry);
		free(h);
	}
	LIST_FOREACH(h, &hs->all, entry)
		history_tidy(h, steps);
	histories_recheck(hs, steps);
	while (hs->max > hs->goal && *steps > 0) {
		(*steps)--;
		if ((k = TAILQ_FIRST(&hs->order)) != NULL)
			histories_drop(hs, k);
		hs->max = k != NULL && hs->used > hs->goal ? hs->used :
		    hs->goal;
	}
	return (*steps > 0);
}

int
history_is_untidy(void)
{
	return (!TAILQ_EMPTY(&untidy));
}

unsigned int
history_work(unsigned int *steps)
{
	struct histories	*hs;
	unsigned int		 before = *steps;

	while (*steps > 0 && (hs = TAILQ_FIRST(&untidy)) != NULL) {
		if (!histories_tidy(hs, steps))
			break;
		TAILQ_REMOVE(&untidy, hs, entry);
		hs->is_untidy = 0;
		if (hs->realm == NULL)
			histories_free(hs);
	}
	return (before - *steps);
}

/* What is little is done at once. */
static void
histories_untidy(struct histories *hs)
{
	unsigned int	steps = TIDY_NOW;

	if (!hs->is_untidy)
		TAILQ_INSERT_TAIL(&untidy, hs, entry);
	hs->is_untidy = 1;
	history_work(&steps);
	if (history_is_untidy())
		sweep_wake();
}

/* -- which there are ---------------------------------------------------- */

static void
history_drop(struct history *h)
{
	struct subscription	*sub = h->sub;

	LIST_REMOVE(h, entry);
	LIST_INSERT_HEAD(&h->hs->gone, h, entry);
	h->sub = NULL;
	sub->history = NULL;
	sub_unpin(sub);
}

/* NULL, and logged: no room. */
static struct history *
history_get(struct realm *r, const struct conf_topic *t)
{
	struct uri		 topic = { t->uri, t->urilen };
	struct subscription	*sub;
	struct history		*h;

	sub = sub_find(r, (enum uri_match)t->match, &topic);
	if (sub != NULL && sub->history != NULL)
		return (sub->history);
	if ((sub = sub_pin(r, (enum uri_match)t->match, &topic)) == NULL) {
		log_warnx("realm %s: no room for the history of %s", r->name,
		    t->uri);
		return (NULL);
	}
	if ((h = calloc(1, sizeof(*h))) == NULL)
		fatal("history");
	h->hs = r->histories;
	h->sub = sub;
	sub->history = h;
	LIST_INSERT_HEAD(&r->histories->all, h, entry);
	return (h);
}

static void
histories_new(struct realm *r)
{
	struct histories	*hs;

	if ((hs = calloc(1, sizeof(*hs))) == NULL ||
	    htab_init(&hs->byid) == -1)
		fatalx("out of memory for the history of realm %s", r->name);
	LIST_INIT(&hs->all);
	LIST_INIT(&hs->gone);
	TAILQ_INIT(&hs->order);
	hs->realm = r;
	r->histories = hs;
}

/* What stays configured keeps its events. */
void
history_load(struct realm *r)
{
	const struct conf_topic	*t;
	struct histories	*hs;
	struct history		*h, *next;

	if (r->histories == NULL) {
		if (TAILQ_EMPTY(&r->conf->history.topics))
			return;
		histories_new(r);
	}
	hs = r->histories;
	LIST_FOREACH(h, &hs->all, entry)
		h->is_gone = 1;
	TAILQ_FOREACH(t, &r->conf->history.topics, entry) {
		if ((h = history_get(r, t)) == NULL)
			continue;
		h->is_gone = 0;
		h->goal = t->events;
		if (h->max < h->goal)
			h->max = h->goal;
	}
	for (h = LIST_FIRST(&hs->all); h != NULL; h = next) {
		next = LIST_NEXT(h, entry);
		if (h->is_gone)
			history_drop(h);
	}
	hs->unchecked = TAILQ_FIRST(&hs->order);
	hs->goal = r->conf->history.memory;
	if (hs->max < hs->goal)
		hs->max = hs->goal;
	histories_untidy(hs);
}

void
history_free(struct realm *r)
{
	struct histories	*hs = r->histories;
	struct history		*h;

	if (hs == NULL)
		return;
	while ((h = LIST_FIRST(&hs->all)) != NULL)
		history_drop(h);
	r->histories = NULL;
	hs->realm = NULL;
	hs->unchecked = NULL;
	hs->goal = hs->max;
	histories_untidy(hs);
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
	const struct histories	*hs = h->hs;
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
