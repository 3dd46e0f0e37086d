/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * While a message is handled, what those behind it will look up is fetched
 * into the caches: where there are very many topics or procedures, waiting
 * for memory would be the most of what a message costs.  A guess that is
 * wrong does no harm.
 */
#include <stddef.h>
#include <string.h>

#include "broker.h"
#include "dealer.h"
#include "pubsub.h"
#include "trie.h"

/* What is named by a URI that follows the fixed part. */
static const struct named {
	size_t	 fixed, urilen;
	int	 is_procedure;
} named[IMSG_MAX] = {
	[IMSG_PUBLISH] = { sizeof(struct m_publish),
	    offsetof(struct m_publish, urilen), 0 },
	[IMSG_SUBSCRIBE] = { sizeof(struct m_subscribe),
	    offsetof(struct m_subscribe, urilen), 0 },
	[IMSG_CALL] = { sizeof(struct m_call),
	    offsetof(struct m_call, urilen), 1 },
	[IMSG_REGISTER] = { sizeof(struct m_register),
	    offsetof(struct m_register, urilen), 1 },
};

/* Of the URIs whose place was asked for: each comes a second time. */
static struct {
	const uint8_t	*p;
	uint64_t	 hash;
} lately[CHAN_AHEAD];
static unsigned int	 nlately;

static uint64_t
hash_of(const uint8_t *p, size_t len, enum chan_ahead what)
{
	unsigned int	i;

	if (what == CHAN_ENTRY)
		for (i = 0; i < CHAN_AHEAD; i++)
			if (lately[i].p == p)
				return (lately[i].hash);
	i = nlately++ % CHAN_AHEAD;
	lately[i].p = p;
	lately[i].hash = hash_bytes(p, len);
	return (lately[i].hash);
}

/* By the end of its hash, the last URI that went through the patterns: what
 * it touched is in the caches still. */
static uint64_t	 warm[1024];

/* Those on their way through the patterns, a step for each imsg. */
static struct trie_scout	scouts[2 * CHAN_AHEAD];
static unsigned int		nscouts;

static void
scouts_step(void)
{
	unsigned int	i;

	for (i = 0; i < nscouts;)
		if (trie_scout_step(&scouts[i]))
			i++;
		else
			scouts[i] = scouts[--nscouts];
}

static void
scouts_begin(const struct named *n, const struct realm *r,
    const struct uri *u, uint64_t hash)
{
	struct trie *const	*patterns;
	enum uri_match		 match;
	uint64_t		*w = &warm[hash % 1024];

	if (*w == hash)
		return;
	*w = hash;
	patterns = n->is_procedure ? r->proc_patterns : r->topic_patterns;
	for (match = MATCH_PREFIX; match < MATCH_MAX; match++)
		if (trie_is_large(patterns[match]) &&
		    nscouts < sizeof(scouts) / sizeof(scouts[0]) &&
		    trie_scout_begin(&scouts[nscouts], patterns[match], u))
			nscouts++;
}

int
ahead(struct chan *c, const struct imsg *im, enum chan_ahead what)
{
	const struct named	*n;
	const struct session	*s;
	const struct htab	*t;
	struct uri		 u;
	uint64_t		 hash;

	if (broker.subs.count < HTAB_LARGE && broker.regs.count < HTAB_LARGE)
		return (0);
	if (im->type >= IMSG_MAX || (n = &named[im->type])->fixed == 0 ||
	    im->len < n->fixed)
		return (1);
	memcpy(&u.len, im->data + n->urilen, sizeof(u.len));
	if (u.len > im->len - n->fixed ||
	    (s = session_in_slot(chan_arg(c), im->slot)) == NULL)
		return (1);
	t = n->is_procedure ? &s->realm->procedures : &s->realm->topics;
	hash = hash_of(im->data + n->fixed, u.len, what);
	if (what == CHAN_PLACE) {
		htab_fetch_place(t, hash);
		scouts_step();
		u.p = (const char *)im->data + n->fixed;
		scouts_begin(n, s->realm, &u, hash);
	} else
		htab_fetch_entry(t, hash, n->is_procedure ?
		    sizeof(struct registration) : sizeof(struct subscription));
	return (1);
}
