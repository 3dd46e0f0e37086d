/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A token bucket in whole numbers: a microsecond brings as many parts of a
 * token as tokens come in the rate's time, and a token has as many parts as
 * that time has microseconds.  So nothing is rounded, however often it is
 * filled.
 */
#include "bucket.h"
#include "conf.h"

static uint64_t
parts_of(const struct conf_rate *r)
{
	return ((uint64_t)r->per * 1000);	/* fits into 32 bits */
}

_Static_assert((uint64_t)CONF_MAXRATETIME * 1000 <= UINT32_MAX,
    "bucket.part is too narrow");
_Static_assert((uint64_t)CONF_MAXBYTES + BUCKET_MAXDEBT <
    INT64_MAX / ((uint64_t)CONF_MAXRATETIME * 1000),
    "parts of all tokens are too many");

void
bucket_start(struct bucket *b, const struct conf_rate *r, uint64_t now)
{
	b->at = now;
	b->tokens = r->burst;
	b->part = 0;
}

int64_t
bucket_fill(struct bucket *b, const struct conf_rate *r, uint64_t now)
{
	uint64_t	passed, parts = parts_of(r), n, room;

	if (now <= b->at)
		return (b->tokens);
	passed = now - b->at;
	b->at = now;
	room = b->tokens < r->burst ? (uint64_t)(r->burst - b->tokens) : 0;
	/* no more than fills it: an idle year does not overflow */
	if (passed <= room * parts / r->number) {
		n = b->part + passed * r->number;
		b->part = (uint32_t)(n % parts);
		if (n / parts < room)
			return (b->tokens += (int64_t)(n / parts));
	}
	b->tokens = r->burst;
	b->part = 0;
	return (b->tokens);
}

uint64_t
bucket_wait(const struct bucket *b, const struct conf_rate *r, uint64_t least)
{
	uint64_t	parts = parts_of(r);
	int64_t		want, lacks;

	want = (int64_t)(least * r->number / parts);
	if (want > r->burst)
		want = r->burst;
	if (want == 0)
		want = 1;
	lacks = (want - b->tokens) * (int64_t)parts - b->part;
	return (lacks <= 0 ? 0 : ((uint64_t)lacks + r->number - 1) /
	    r->number);
}
