/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which subscriptions there are in a realm, which match a topic, and who
 * holds them.  A subscription knows its sessions by tlsproxy, since an EVENT
 * goes once to each tlsproxy.  A policy of matching is an index of its own:
 * a hash table for exact topics, a trie for each kind of pattern.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "isotime.h"
#include "pubsub.h"
#include "trie.h"
#include "walk.h"

static uint64_t
topic_hash(const struct uri *u)
{
	return (hash_bytes(u->p, u->len));
}

static struct subscription *
exact_find(const struct realm *r, const struct uri *topic)
{
	struct hent		*e;
	struct subscription	*sub;

	for (e = htab_first(&r->topics, topic_hash(topic)); e != NULL;
	    e = htab_next(e)) {
		sub = HENT_OF(e, struct subscription, place.byuri);
		if (uri_eq(&sub->topic, topic))
			return (sub);
	}
	return (NULL);
}

struct subscription *
sub_find(const struct realm *r, enum uri_match match, const struct uri *topic)
{
	if (match == MATCH_EXACT)
		return (exact_find(r, topic));
	if (r->nsubs[match] == 0)
		return (NULL);
	return (trie_find(r->topic_patterns[match], topic));
}

struct subscription *
sub_find_id(const struct realm *r, uint64_t id)
{
	struct hent		*e;
	struct subscription	*sub;

	for (e = htab_first(&broker.subs, hash_count(0, router_count(id)));
	    e != NULL; e = htab_next(e)) {
		sub = HENT_OF(e, struct subscription, byid);
		if (sub->id == id && sub->realm == r)
			return (sub);
	}
	return (NULL);
}

static size_t
sub_cost(enum uri_match match, const struct uri *topic)
{
	return (sizeof(struct subscription) + topic->len +
	    (match == MATCH_EXACT ? 0 : trie_cost(topic)));
}

/* Into the index of its policy; -1: no memory. */
static int
sub_index(struct realm *r, struct subscription *sub)
{
	struct trie	**t;

	if (sub->match == MATCH_EXACT) {
		htab_insert(&r->topics, &sub->place.byuri,
		    topic_hash(&sub->topic));
		return (0);
	}
	t = &r->topic_patterns[sub->match];
	if (*t == NULL && (*t = trie_new(sub->match)) == NULL)
		return (-1);
	r->npatterned++;
	sub->place.node = trie_insert(*t, &sub->topic, sub);
	return (sub->place.node == NULL ? -1 : 0);
}

struct subscription *
sub_get(struct realm *r, enum uri_match match, const struct uri *topic)
{
	struct subscription	*sub;
	size_t			 cost = sub_cost(match, topic);

	if ((sub = sub_find(r, match, topic)) != NULL)
		return (sub);
	if (state_take(cost) == -1)
		return (NULL);
	if ((sub = calloc(1, sizeof(*sub) + topic->len)) == NULL) {
		state_give(cost);
		return (NULL);
	}
	sub->realm = r;
	sub->match = (uint8_t)match;
	/* the pattern for everything has none */
	if (topic->len > 0)
		memcpy(sub->text, topic->p, topic->len);
	sub->topic.p = sub->text;
	sub->topic.len = topic->len;
	if (sub_index(r, sub) == -1) {
		free(sub);
		state_give(cost);
		return (NULL);
	}
	sub->id = router_id(&broker.lastsub);
	sub->created = wall_ms();
	LIST_INIT(&sub->peers);
	htab_insert(&broker.subs, &sub->byid, hash_count(0,
	    router_count(sub->id)));
	LIST_INSERT_HEAD(&r->subs[match], sub, realm_entry);
	r->nsubs[match]++;
	r->nmeta += uri_pattern_is_reserved(topic, match) != 0;
	return (sub);
}

/* 1: it was unused and is freed. */
static int
sub_put(struct subscription *sub)
{
	struct realm	*r = sub->realm;

	if (sub->count > 0 || sub->npins > 0)
		return (0);
	if (sub->match == MATCH_EXACT)
		htab_remove(&r->topics, &sub->place.byuri);
	else
		trie_remove(r->topic_patterns[sub->match], sub->place.node);
	htab_remove(&broker.subs, &sub->byid);
	walk_leave_sub(sub);
	LIST_REMOVE(sub, realm_entry);
	r->nsubs[sub->match]--;
	r->nmeta -= uri_pattern_is_reserved(&sub->topic,
	    (enum uri_match)sub->match) != 0;
	state_give(sub_cost(sub->match, &sub->topic));
	free(sub);
	return (1);
}

struct subscription *
sub_pin(struct realm *r, enum uri_match match, const struct uri *topic)
{
	struct subscription	*sub;

	if ((sub = sub_get(r, match, topic)) != NULL)
		sub->npins++;
	return (sub);
}

void
sub_unpin(struct subscription *sub)
{
	sub->npins--;
	(void)sub_put(sub);
}

struct sub_matching {
	void	(*fn)(struct subscription *, void *);
	void	*arg;
	int	 is_reserved;	/* the topic */
	int	 is_alone;	/* no pattern so far */
};

static int
pattern_matches(void *data, void *arg)
{
	struct subscription	*sub = data;
	struct sub_matching	*m = arg;

	if (!m->is_reserved || uri_pattern_is_reserved(&sub->topic,
	    (enum uri_match)sub->match)) {
		m->is_alone = 0;
		m->fn(sub, m->arg);
	}
	return (0);
}

void
sub_match(const struct realm *r, const struct uri *topic,
    void (*fn)(struct subscription *, void *), void *arg)
{
	struct sub_matching	 m = { fn, arg, 0, 1 };
	struct subscription	*sub;

	if ((sub = exact_find(r, topic)) != NULL)
		fn(sub, arg);
	if (r->nsubs[MATCH_PREFIX] + r->nsubs[MATCH_WILDCARD] == 0 ||
	    (sub != NULL && sub->alone == r->npatterned))
		return;
	m.is_reserved = uri_is_reserved(topic);
	if (r->nsubs[MATCH_PREFIX] > 0)
		trie_match(r->topic_patterns[MATCH_PREFIX], topic,
		    pattern_matches, &m);
	if (r->nsubs[MATCH_WILDCARD] > 0)
		trie_match(r->topic_patterns[MATCH_WILDCARD], topic,
		    pattern_matches, &m);
	if (sub != NULL && m.is_alone)
		sub->alone = r->npatterned;
}

/* -- who holds it ------------------------------------------------------- */

struct sublink *
sublink_find(const struct session *s, uint64_t id)
{
	struct hent	*e;
	struct sublink	*l;

	if (s->nlinks == 0)
		return (NULL);
	for (e = htab_first(&broker.links, hash_count(s->serial,
	    router_count(id)));
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
	htab_insert(&broker.links, &l->hash, hash_count(s->serial,
	    router_count(sub->id)));
	sp->count++;
	sub->count++;
	s->nlinks++;
	return (l);
fail:
	if (sp != NULL)
		subpeer_put(sp);
	(void)sub_put(sub);
	return (NULL);
}

void
sublink_detach(struct sublink *l)
{
	LIST_REMOVE(l, subpeer_entry);
	htab_remove(&broker.links, &l->hash);
	l->sub->count--;
	l->subpeer->count--;
	subpeer_put(l->subpeer);
	l->subpeer = NULL;
}

int
sublink_free(struct sublink *l)
{
	struct subscription	*sub = l->sub;

	if (l->subpeer != NULL)
		sublink_detach(l);
	LIST_REMOVE(l, session_entry);
	l->session->nlinks--;
	state_give(sizeof(*l));
	free(l);
	return (sub_put(sub));
}
