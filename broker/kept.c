/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * An event that is kept: all of its publication that a later receiver may
 * be told, and whom it was for, in one block.
 */
#include <stdlib.h>
#include <string.h>

#include "isotime.h"
#include "keep.h"
#include "pubsub.h"

#define KEPT_MALLOC	16	/* what an allocation takes besides */

static uint64_t	lastseq;

static uint8_t *
put(uint8_t *to, const void *p, size_t len)
{
	if (len > 0)
		memcpy(to, p, len);
	return (to + len);
}

static struct kept *
kept_new(const struct publication *p)
{
	struct kept	*k;
	uint8_t		*to;
	size_t		 filterlen = p->filter != NULL ? p->filter->len : 0;
	size_t		 bylen = p->by != NULL ? p->by->authid.len : 0;

	k = malloc(sizeof(*k) + p->topic->len + p->authid.len +
	    p->authrole.len + p->body.pptlen + p->body.len + filterlen +
	    bylen);
	if (k == NULL)
		return (NULL);
	memset(k, 0, sizeof(*k));
	k->refs = 1;
	k->seq = ++lastseq;
	k->time = wall_ms();
	k->id = p->id;
	k->except = p->except != NULL ? p->except->serial : 0;
	k->publisher = p->publisher;
	k->trust = p->trust;
	k->flags = p->flags & (EVENT_PUBLISHER | EVENT_TRUST);
	k->ser = p->body.ser;
	k->nargs = p->body.nargs;
	k->topiclen = p->topic->len;
	k->authidlen = p->authid.len;
	k->rolelen = p->authrole.len;
	k->pptlen = p->body.pptlen;
	k->paylen = p->body.len;
	k->filterlen = (uint32_t)filterlen;
	k->bylen = (uint16_t)bylen;
	k->role = p->by != NULL ? p->by->role->id : 0;
	k->confgen = broker.confgen;
	to = put(k->data, p->topic->p, k->topiclen);
	to = put(to, p->authid.p, k->authidlen);
	to = put(to, p->authrole.p, k->rolelen);
	to = put(to, p->body.ppt, k->pptlen);
	to = put(to, p->body.p, k->paylen);
	if (filterlen > 0)
		to = put(to, p->filter->octets, filterlen);
	if (bylen > 0)
		put(to, p->by->authid.p, bylen);
	return (k);
}

struct kept *
publication_kept(struct publication *p)
{
	if (p->kept == NULL)
		p->kept = kept_new(p);
	return (p->kept);
}

struct kept *
kept_ref(struct kept *k)
{
	k->refs++;
	return (k);
}

void
kept_unref(struct kept *k)
{
	if (k != NULL && --k->refs == 0)
		free(k);
}

static size_t
kept_textlen(const struct kept *k)
{
	return ((size_t)k->topiclen + k->authidlen + k->rolelen + k->pptlen +
	    k->paylen);
}

size_t
kept_size(const struct kept *k)
{
	return (sizeof(*k) + KEPT_MALLOC + kept_textlen(k) + k->filterlen +
	    k->bylen);
}

void
kept_topic(const struct kept *k, struct uri *topic)
{
	topic->p = (const char *)k->data;
	topic->len = k->topiclen;
}

const uint8_t *
kept_filter(const struct kept *k)
{
	return (k->data + kept_textlen(k));
}

int
kept_stays(struct kept *k, const struct realm *r)
{
	const struct role	*role;
	struct uri		 topic, by;

	/* a realm that is being read anew has no rules */
	if (k->role == 0 || k->confgen == broker.confgen || k->is_withdrawn ||
	    r->is_gone)
		return (!k->is_withdrawn);
	k->confgen = broker.confgen;
	kept_topic(k, &topic);
	by.p = (const char *)kept_filter(k) + k->filterlen;
	by.len = k->bylen;
	role = role_find(r, k->role);
	k->is_withdrawn = role == NULL || !authz_may_stay(role,
	    ACTION_PUBLISH, &topic, &by);
	return (!k->is_withdrawn);
}

int
kept_allows(const struct kept *k, const struct session *s)
{
	return (k->filterlen == 0 ||
	    filter_octets_allow(kept_filter(k), s));
}

void
kept_publication(const struct kept *k, struct realm *r, struct uri *topic,
    struct publication *p)
{
	const uint8_t	*from = k->data + k->topiclen;

	memset(p, 0, sizeof(*p));
	kept_topic(k, topic);
	p->realm = r;
	p->topic = topic;
	p->id = k->id;
	p->flags = k->flags;
	p->trust = k->trust;
	p->publisher = k->publisher;
	p->authid.p = (const char *)from;
	p->authid.len = k->authidlen;
	from += k->authidlen;
	p->authrole.p = (const char *)from;
	p->authrole.len = k->rolelen;
	from += k->rolelen;
	p->body.ppt = from;
	p->body.pptlen = k->pptlen;
	p->body.p = from + k->pptlen;
	p->body.len = k->paylen;
	p->body.ser = k->ser;
	p->body.nargs = k->nargs;
}
