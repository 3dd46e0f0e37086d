/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * All that is under way to a broker and back is one queue, in which who says
 * little waits behind who says much.  So behind what the latter says a FENCE
 * follows, which the broker sends back behind all that came of it, and only
 * so much may be under way as is back in FENCE_AWAY.  How much that is is
 * learned from how long the fences are away.
 */
#include <string.h>

#include "fence.h"

#define FENCE_AWAY	1200		/* microseconds */
#define FENCE_SHARE	4		/* so much of it is anybody's */
#define WINDOW_FIRST	256
#define WINDOW_MAX	(64 * 1024)

void
fences_init(struct fences *s, uint64_t total)
{
	memset(s, 0, sizeof(*s));
	s->window = WINDOW_FIRST;
	s->total_then = total;
}

/* Behind so much a fence goes. */
static uint32_t
batch(const struct fences *s)
{
	return (s->window > 1 ? s->window / 2 : 1);
}

uint32_t
fences_room(struct fences *s, uint64_t now)
{
	uint32_t	left, half = batch(s);

	if (s->n > 0 && now - s->f[0].at > FENCE_LOST * 1000)
		return (UINT32_MAX);
	if (s->out >= s->window) {
		s->was_full = 1;
		return (0);
	}
	left = s->window - s->out;
	if (s->n < FENCES_MAX && s->said < half && half - s->said < left)
		left = half - s->said;
	return (left);
}

void
fences_said(struct fences *s, uint32_t units)
{
	s->own += units;
	s->said = units > UINT32_MAX - s->said ? UINT32_MAX : s->said + units;
	s->out = units > UINT32_MAX - s->out ? UINT32_MAX : s->out + units;
}

int
fences_due(const struct fences *s)
{
	return (s->n < FENCES_MAX && s->said >= batch(s));
}

void
fences_sent(struct fences *s, uint64_t total, uint64_t now)
{
	struct fence	*f = &s->f[s->n++];

	f->at = now;
	f->own = s->own_then;
	f->total = s->total_then;
	f->said = s->said;
	f->out = s->out;
	s->said = 0;
	s->own_then = s->own;
	s->total_then = total;
}

/*
 * out: what was under way when the last fence that is back was sent.  The
 * work of a client is as long as the first was away, but for the part of
 * others in what was said since.  Where many talk at once each may have some
 * under way, or they all would say too little at a time.
 */
static void
window_learn(struct fences *s, uint64_t out, uint64_t away, uint64_t said,
    uint64_t all)
{
	uint64_t	own = away * said / all;
	uint64_t	may = FENCE_AWAY * said / all;
	uint64_t	n;

	if (may < FENCE_AWAY / FENCE_SHARE)
		may = FENCE_AWAY / FENCE_SHARE;
	n = own > 0 ? out * may / own : WINDOW_MAX;
	if (n < s->window)
		n = n < s->window / 2 ? s->window / 2 : n;
	else if (!s->was_full)
		n = s->window;
	else if (n > s->window + s->window / 8 + 1)
		n = s->window + s->window / 8 + 1;
	s->window = n > WINDOW_MAX ? WINDOW_MAX : n > 0 ? (uint32_t)n : 1;
	s->was_full = 0;
}

int
fences_back(struct fences *s)
{
	if (s->nback == s->n)
		return (-1);
	s->nback++;
	return (0);
}

void
fences_learn(struct fences *s, uint64_t total, uint64_t now)
{
	struct fence	first = s->f[0];
	uint64_t	said, all;
	uint32_t	out = 0;

	if (s->nback == 0)
		return;
	for (; s->nback > 0; s->nback--) {
		out = s->f[0].out;
		s->out -= s->f[0].said < s->out ? s->f[0].said : s->out;
		s->n--;
		memmove(&s->f[0], &s->f[1], s->n * sizeof(s->f[0]));
	}
	said = s->own - first.own;
	all = total - first.total;
	window_learn(s, out, now - first.at, said, all > said ? all : said);
}
