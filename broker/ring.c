/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The events of one history, in the order they came: put in at the end,
 * taken out at the beginning, found by number.  They are in blocks that know
 * the times in them, since a clock may jump: the order is not that of time.
 */
#include <stdlib.h>
#include <string.h>

#include "keep.h"

#define RING_BLOCK	128		/* power of two */
#define RING_MIN	4		/* likewise, blocks */

struct ring_entry {
	struct kept	*event;
	uint64_t	 time;		/* its, at hand */
};

struct ring_block {
	struct ring_entry *e;
	uint64_t	 mintime, maxtime;	/* or further apart, after
						 * ring_shift() */
};

static struct ring_block *
ring_block(const struct ring *r, size_t n)
{
	return (&r->blocks[(r->head + n) & (r->nalloc - 1)]);
}

/* Room for the place of one block more, the circle cut open at its head. */
static int
ring_grow(struct ring *r)
{
	struct ring_block	*grown;
	size_t			 i, n = r->nalloc > 0 ? 2 * r->nalloc : RING_MIN;

	if (r->nblocks < r->nalloc)
		return (0);
	if ((grown = calloc(n, sizeof(*grown))) == NULL)
		return (-1);
	for (i = 0; i < r->nblocks; i++)
		grown[i] = *ring_block(r, i);
	free(r->blocks);
	r->blocks = grown;
	r->octets += (n - r->nalloc) * sizeof(*grown);
	r->nalloc = n;
	r->head = 0;
	return (0);
}

int
ring_push(struct ring *r, struct kept *k)
{
	struct ring_block	*b;
	size_t			 n = r->gone + r->count;

	if (n == r->nblocks * RING_BLOCK) {
		if (ring_grow(r) == -1)
			return (-1);
		b = ring_block(r, r->nblocks);
		b->e = reallocarray(NULL, RING_BLOCK, sizeof(*b->e));
		if (b->e == NULL)
			return (-1);
		b->mintime = UINT64_MAX;
		b->maxtime = 0;
		r->nblocks++;
		r->octets += RING_BLOCK * sizeof(*b->e);
	}
	b = ring_block(r, n / RING_BLOCK);
	b->e[n % RING_BLOCK].event = k;
	b->e[n % RING_BLOCK].time = k->time;
	if (k->time < b->mintime)
		b->mintime = k->time;
	if (k->time > b->maxtime)
		b->maxtime = k->time;
	r->count++;
	return (0);
}

static void
ring_drop_block(struct ring *r)
{
	free(ring_block(r, 0)->e);
	r->head = (r->head + 1) & (r->nalloc - 1);
	r->nblocks--;
	r->gone = 0;
	r->octets -= RING_BLOCK * sizeof(struct ring_entry);
}

struct kept *
ring_shift(struct ring *r)
{
	struct kept	*k;

	if ((k = ring_first(r)) == NULL)
		return (NULL);
	r->gone++;
	r->count--;
	if (r->gone == RING_BLOCK || r->count == 0)
		ring_drop_block(r);
	return (k);
}

struct kept *
ring_first(const struct ring *r)
{
	return (r->count == 0 ? NULL : ring_block(r, 0)->e[r->gone].event);
}

void
ring_free(struct ring *r)
{
	free(r->blocks);
	memset(r, 0, sizeof(*r));
}

struct kept *
ring_at(const struct ring *r, size_t i, uint64_t *time)
{
	const struct ring_entry	*e;

	i += r->gone;
	e = &ring_block(r, i / RING_BLOCK)->e[i % RING_BLOCK];
	*time = e->time;
	return (e->event);
}

size_t
ring_before(const struct ring *r, uint64_t seq)
{
	size_t		lo = 0, hi = r->count, mid;
	uint64_t	time;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (ring_at(r, mid, &time)->seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

size_t
ring_skip(const struct ring *r, size_t i, int is_reverse, int64_t mintime,
    int64_t maxtime)
{
	const struct ring_block	*b;
	size_t			 n = (r->gone + i) % RING_BLOCK;

	b = ring_block(r, (r->gone + i) / RING_BLOCK);
	if ((int64_t)b->mintime <= maxtime && (int64_t)b->maxtime >= mintime)
		return (0);
	return (is_reverse ? n + 1 : RING_BLOCK - n);
}
