/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The subscription lists of the brokers as far as they concern this
 * process: an EVENT comes once and is spread here.  They follow SUBSCRIBED,
 * UNSUBSCRIBED and the end of sessions, in the channel's order.
 */
#include <sys/queue.h>

#include <stdlib.h>

#include "tlsproxy.h"

static size_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	return ((size_t)x);
}

static size_t
link_hash(uint64_t id, uint32_t slot)
{
	return (mix(id * 0x9e3779b97f4a7c15ULL + slot));
}

struct submap *
submap_find(struct broker *b, uint64_t id)
{
	struct submap	*sub;

	if (b->sizesubs == 0)
		return (NULL);
	for (sub = b->subs[mix(id) & (b->sizesubs - 1)]; sub != NULL;
	    sub = sub->next)
		if (sub->id == id)
			return (sub);
	return (NULL);
}

/* The place that points to the link, or to NULL where it would go. */
static struct sublink **
link_place(struct broker *b, const struct psess *s, uint64_t id)
{
	struct sublink	**pl;

	for (pl = &b->links[link_hash(id, s->slot) & (b->sizelinks - 1)];
	    *pl != NULL; pl = &(*pl)->next)
		if ((*pl)->sub->id == id && (*pl)->sess == s)
			break;
	return (pl);
}

int
submap_has(const struct psess *s, uint64_t id)
{
	return (s->broker->sizelinks > 0 &&
	    *link_place(s->broker, s, id) != NULL);
}

static int
subs_grow(struct broker *b)
{
	struct submap	**nt, *sub, *next;
	size_t		  i, n = b->sizesubs == 0 ? 64 : b->sizesubs * 2;

	if (b->nsubs < b->sizesubs)
		return (0);
	if ((nt = calloc(n, sizeof(*nt))) == NULL)
		return (-1);
	for (i = 0; i < b->sizesubs; i++)
		for (sub = b->subs[i]; sub != NULL; sub = next) {
			next = sub->next;
			sub->next = nt[mix(sub->id) & (n - 1)];
			nt[mix(sub->id) & (n - 1)] = sub;
		}
	free(b->subs);
	b->subs = nt;
	b->sizesubs = n;
	return (0);
}

static int
links_grow(struct broker *b)
{
	struct sublink	**nt, *l, *next;
	size_t		  i, h, n = b->sizelinks == 0 ? 64 : b->sizelinks * 2;

	if (b->nlinks < b->sizelinks)
		return (0);
	if ((nt = calloc(n, sizeof(*nt))) == NULL)
		return (-1);
	for (i = 0; i < b->sizelinks; i++)
		for (l = b->links[i]; l != NULL; l = next) {
			next = l->next;
			h = link_hash(l->sub->id, l->sess->slot) & (n - 1);
			l->next = nt[h];
			nt[h] = l;
		}
	free(b->links);
	b->links = nt;
	b->sizelinks = n;
	return (0);
}

static struct submap *
submap_get(struct broker *b, uint64_t id)
{
	struct submap	*sub;
	size_t		 h;

	if ((sub = submap_find(b, id)) != NULL)
		return (sub);
	if (subs_grow(b) == -1 || (sub = calloc(1, sizeof(*sub))) == NULL)
		return (NULL);
	sub->id = id;
	TAILQ_INIT(&sub->links);
	h = mix(id) & (b->sizesubs - 1);
	sub->next = b->subs[h];
	b->subs[h] = sub;
	b->nsubs++;
	return (sub);
}

static void
submap_drop_if_empty(struct broker *b, struct submap *sub)
{
	struct submap	**ps;

	if (!TAILQ_EMPTY(&sub->links))
		return;
	for (ps = &b->subs[mix(sub->id) & (b->sizesubs - 1)]; *ps != sub;
	    ps = &(*ps)->next)
		;
	*ps = sub->next;
	b->nsubs--;
	free(sub);
}

/* 0, also if it was there already; -1 without memory. */
int
submap_add(struct psess *s, uint64_t id)
{
	struct broker	 *b = s->broker;
	struct submap	 *sub;
	struct sublink	 *l, **pl;

	if (links_grow(b) == -1 || (sub = submap_get(b, id)) == NULL)
		return (-1);
	if (*(pl = link_place(b, s, id)) != NULL)
		return (0);
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		submap_drop_if_empty(b, sub);
		return (-1);
	}
	l->sess = s;
	l->sub = sub;
	*pl = l;
	b->nlinks++;
	TAILQ_INSERT_TAIL(&sub->links, l, sub_entry);
	TAILQ_INSERT_TAIL(&s->subs, l, sess_entry);
	return (0);
}

static void
link_remove(struct broker *b, struct sublink **pl)
{
	struct sublink	*l = *pl;
	struct submap	*sub = l->sub;

	*pl = l->next;
	b->nlinks--;
	TAILQ_REMOVE(&sub->links, l, sub_entry);
	TAILQ_REMOVE(&l->sess->subs, l, sess_entry);
	free(l);
	submap_drop_if_empty(b, sub);
}

void
submap_remove(struct psess *s, uint64_t id)
{
	struct sublink	**pl;

	if (s->broker == NULL || s->broker->sizelinks == 0)
		return;
	if (*(pl = link_place(s->broker, s, id)) != NULL)
		link_remove(s->broker, pl);
}

void
submap_remove_all(struct psess *s)
{
	struct sublink	*l;

	while ((l = TAILQ_FIRST(&s->subs)) != NULL)
		link_remove(s->broker, link_place(s->broker, s, l->sub->id));
}

/* The tables of a broker that is gone; its sessions left before. */
void
submap_free(struct broker *b)
{
	free(b->subs);
	free(b->links);
	b->subs = NULL;
	b->links = NULL;
	b->nsubs = b->sizesubs = b->nlinks = b->sizelinks = 0;
}
