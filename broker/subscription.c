/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which subscriptions there are in a realm, which match a topic, and who
 * holds them.  A subscription knows its sessions by tlsproxy, since an EVENT
 * goes once to each tlsproxy.  A policy of matching is an index of its own,
 * looked up in sub_find(), sub_get(), sub_put() and sub_match(); there is
 * one for exact topics.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"

static uint64_t
topic_hash(const struct uri *u)
{
	return (hash_bytes(u->p, u->len));
}

/* NULL: no such subscription; nobody could make one for another policy. */
struct subscription *
sub_find(const struct realm *r, enum uri_match match, const struct uri *topic)
{
	struct hent		*e;
	struct subscription	*sub;

	if (match != MATCH_EXACT)
		return (NULL);
	for (e = htab_first(&r->topics, topic_hash(topic)); e != NULL;
	    e = htab_next(e)) {
		sub = HENT_OF(e, struct subscription, byuri);
		if (uri_eq(&sub->topic, topic))
			return (sub);
	}
	return (NULL);
}

struct subscription *
sub_get(struct realm *r, enum uri_match match, const struct uri *topic)
{
	struct subscription	*sub;

	if ((sub = sub_find(r, match, topic)) != NULL)
		return (sub);
	if (match != MATCH_EXACT ||
	    state_take(sizeof(*sub) + topic->len) == -1)
		return (NULL);
	if ((sub = calloc(1, sizeof(*sub) + topic->len)) == NULL) {
		state_give(sizeof(*sub) + topic->len);
		return (NULL);
	}
	sub->realm = r;
	sub->id = router_id(&broker.lastsub);
	sub->match = (uint8_t)match;
	memcpy(sub->text, topic->p, topic->len);
	sub->topic.p = sub->text;
	sub->topic.len = topic->len;
	LIST_INIT(&sub->peers);
	htab_insert(&r->topics, &sub->byuri, topic_hash(topic));
	return (sub);
}

void
sub_put(struct subscription *sub)
{
	if (!LIST_EMPTY(&sub->peers))
		return;
	htab_remove(&sub->realm->topics, &sub->byuri);
	state_give(sizeof(*sub) + sub->topic.len);
	free(sub);
}

void
sub_match(const struct realm *r, const struct uri *topic,
    void (*fn)(struct subscription *, void *), void *arg)
{
	struct subscription	*sub;

	if ((sub = sub_find(r, MATCH_EXACT, topic)) != NULL)
		fn(sub, arg);
}

/* -- who holds it ------------------------------------------------------- */

struct sublink *
sublink_find(const struct session *s, uint64_t id)
{
	struct hent	*e;
	struct sublink	*l;

	if (s->nlinks == 0)
		return (NULL);
	for (e = htab_first(&broker.links, hash_pair(s->serial, id));
	    e != NULL; e = htab_next(e)) {
		l = HENT_OF(e, struct sublink, hash);
		if (l->session == s && l->sub->id == id)
			return (l);
	}
	return (NULL);
}

/* There are few tlsproxies. */
static struct subpeer *
subpeer_get(struct subscription *sub, struct peer *p)
{
	struct subpeer	*sp;

	LIST_FOREACH(sp, &sub->peers, entry)
		if (sp->peer == p)
			return (sp);
	if (state_take(sizeof(*sp)) == -1)
		return (NULL);
	if ((sp = calloc(1, sizeof(*sp))) == NULL) {
		state_give(sizeof(*sp));
		return (NULL);
	}
	sp->peer = p;
	LIST_INIT(&sp->links);
	LIST_INSERT_HEAD(&sub->peers, sp, entry);
	return (sp);
}

static void
subpeer_put(struct subpeer *sp)
{
	if (sp->count > 0)
		return;
	LIST_REMOVE(sp, entry);
	state_give(sizeof(*sp));
	free(sp);
}

/* NULL without memory; sub is then freed if nobody else holds it. */
struct sublink *
sublink_add(struct session *s, struct subscription *sub)
{
	struct subpeer	*sp;
	struct sublink	*l;

	if ((sp = subpeer_get(sub, s->peer)) == NULL)
		goto fail;
	if (state_take(sizeof(*l)) == -1)
		goto fail;
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		state_give(sizeof(*l));
		goto fail;
	}
	l->session = s;
	l->sub = sub;
	l->subpeer = sp;
	LIST_INSERT_HEAD(&s->links, l, session_entry);
	LIST_INSERT_HEAD(&sp->links, l, subpeer_entry);
	htab_insert(&broker.links, &l->hash, hash_pair(s->serial, sub->id));
	sp->count++;
	s->nlinks++;
	return (l);
fail:
	if (sp != NULL)
		subpeer_put(sp);
	sub_put(sub);
	return (NULL);
}

void
sublink_free(struct sublink *l)
{
	struct subscription	*sub = l->sub;

	LIST_REMOVE(l, session_entry);
	LIST_REMOVE(l, subpeer_entry);
	htab_remove(&broker.links, &l->hash);
	l->session->nlinks--;
	l->subpeer->count--;
	subpeer_put(l->subpeer);
	state_give(sizeof(*l));
	free(l);
	sub_put(sub);
}
