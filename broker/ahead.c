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

int
ahead(struct chan *c, const struct imsg *im, enum chan_ahead what)
{
	const struct named	*n;
	const struct session	*s;
	const struct htab	*t;
	uint64_t		 hash;
	uint16_t		 urilen;

	if (broker.subs.count < HTAB_LARGE && broker.regs.count < HTAB_LARGE)
		return (0);
	if (im->type >= IMSG_MAX || (n = &named[im->type])->fixed == 0 ||
	    im->len < n->fixed)
		return (1);
	memcpy(&urilen, im->data + n->urilen, sizeof(urilen));
	if (urilen > im->len - n->fixed ||
	    (s = session_in_slot(chan_arg(c), im->slot)) == NULL)
		return (1);
	t = n->is_procedure ? &s->realm->procedures : &s->realm->topics;
	hash = hash_of(im->data + n->fixed, urilen, what);
	if (what == CHAN_PLACE)
		htab_fetch_place(t, hash);
	else
		htab_fetch_entry(t, hash, n->is_procedure ?
		    sizeof(struct registration) : sizeof(struct subscription));
	return (1);
}
