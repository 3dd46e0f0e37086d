/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The subscription lists of the brokers as far as they concern this
 * process: an EVENT comes once and is spread here.  They follow SUBSCRIBED,
 * UNSUBSCRIBED and the end of sessions, in the channel's order.
 */
#include <sys/queue.h>

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "tlsproxy.h"

/* The broker counts, and others have the numbers between. */
static uint64_t
sub_hash(const struct broker *b, uint64_t id)
{
	return (hash_count(0, id / b->p->conf->brokers));
}

static uint64_t
link_hash(const struct broker *b, const struct psess *s, uint64_t id)
{
	return (hash_count(s->slot, id / b->p->conf->brokers));
}

struct submap *
submap_find(struct broker *b, uint64_t id)
{
	struct submap	*sub;
	struct hent	*e;

	if (b->subs.count == 0)
		return (NULL);
	for (e = htab_first(&b->subs, sub_hash(b, id)); e != NULL;
	    e = htab_next(e)) {
		sub = HENT_OF(e, struct submap, hash);
		if (sub->id == id)
			return (sub);
	}
	return (NULL);
}

/* For chan_set_ahead(): of EVENTs to come. */
int
submap_ahead(struct chan *c, const struct imsg *m, enum chan_ahead what)
{
	struct broker	*b = chan_arg(c);
	uint64_t	 id;

	if (b->subs.count < HTAB_LARGE)
		return (0);
	if (m->type != IMSG_EVENT || m->len < sizeof(struct m_event))
		return (1);
	memcpy(&id, m->data + offsetof(struct m_event, subscription),
	    sizeof(id));
	if (what == CHAN_PLACE)
		htab_fetch_place(&b->subs, sub_hash(b, id));
	else
		htab_fetch_entry(&b->subs, sub_hash(b, id),
		    sizeof(struct submap));
	return (1);
}

static struct sublink *
link_find(const struct broker *b, const struct psess *s, uint64_t id)
{
	struct sublink	*l;
	struct hent	*e;

	if (b->links.count == 0)
		return (NULL);
	for (e = htab_first(&b->links, link_hash(b, s, id)); e != NULL;
	    e = htab_next(e)) {
		l = HENT_OF(e, struct sublink, hash);
		if (l->sub->id == id && l->sess == s)
			return (l);
	}
	return (NULL);
}

int
submap_has(const struct psess *s, uint64_t id)
{
	return (link_find(s->broker, s, id) != NULL);
}

static int
tables_init(struct broker *b)
{
	return ((b->subs.nbuckets == 0 && htab_init(&b->subs) == -1) ||
	    (b->links.nbuckets == 0 && htab_init(&b->links) == -1) ? -1 : 0);
}

static struct submap *
submap_get(struct broker *b, uint64_t id)
{
	struct submap	*sub;

	if ((sub = submap_find(b, id)) != NULL)
		return (sub);
	if ((sub = calloc(1, sizeof(*sub))) == NULL)
		return (NULL);
	sub->id = id;
	TAILQ_INIT(&sub->links);
	htab_insert(&b->subs, &sub->hash, sub_hash(b, id));
	return (sub);
}

static void
submap_drop_if_empty(struct broker *b, struct submap *sub)
{
	if (!TAILQ_EMPTY(&sub->links))
		return;
	htab_remove(&b->subs, &sub->hash);
	free(sub);
}

/* 0, also if it was there already; -1 without memory. */
int
submap_add(struct psess *s, uint64_t id)
{
	struct broker	 *b = s->broker;
	struct submap	 *sub;
	struct sublink	 *l;

	if (tables_init(b) == -1)
		return (-1);
	if (link_find(b, s, id) != NULL)
		return (0);
	if ((sub = submap_get(b, id)) == NULL)
		return (-1);
	l = &sub->first;
	if (l->sess != NULL && (l = calloc(1, sizeof(*l))) == NULL)
		return (-1);
	l->sess = s;
	l->sub = sub;
	htab_insert(&b->links, &l->hash, link_hash(b, s, id));
	proxy_state_take(b->p, sizeof(*sub));
	TAILQ_INSERT_TAIL(&sub->links, l, sub_entry);
	TAILQ_INSERT_TAIL(&s->subs, l, sess_entry);
	return (0);
}

static void
link_remove(struct broker *b, struct sublink *l)
{
	struct submap	*sub = l->sub;

	htab_remove(&b->links, &l->hash);
	proxy_state_give(b->p, sizeof(*sub));
	TAILQ_REMOVE(&sub->links, l, sub_entry);
	TAILQ_REMOVE(&l->sess->subs, l, sess_entry);
	if (l == &sub->first)
		l->sess = NULL;
	else
		free(l);
	submap_drop_if_empty(b, sub);
}

void
submap_remove(struct psess *s, uint64_t id)
{
	struct sublink	*l;

	if (s->broker != NULL && (l = link_find(s->broker, s, id)) != NULL)
		link_remove(s->broker, l);
}

int
submap_remove_some(struct psess *s, unsigned int *steps)
{
	struct sublink	*l;

	while ((l = TAILQ_FIRST(&s->subs)) != NULL) {
		if (*steps == 0)
			return (0);
		(*steps)--;
		link_remove(s->broker, l);
	}
	return (1);
}

void
submap_remove_all(struct psess *s)
{
	unsigned int	steps;

	do
		steps = UINT_MAX;
	while (!submap_remove_some(s, &steps));
}

/* The tables of a broker that is gone; its sessions left before. */
void
submap_free(struct broker *b)
{
	htab_free(&b->subs);
	htab_free(&b->links);
}
