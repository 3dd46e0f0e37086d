/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A token bucket in whole numbers: a microsecond brings as many parts of a
 * token as messages may come in the rate's time, and a token has as many
 * parts as that time has microseconds.  So nothing is rounded, however
 * often it is filled.
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

void
bucket_start(struct bucket *b, const struct conf_rate *r, uint64_t now)
{
	b->at = now;
	b->tokens = r->burst;
	b->part = 0;
}

uint32_t
bucket_fill(struct bucket *b, const struct conf_rate *r, uint64_t now)
{
	uint64_t	passed, parts = parts_of(r), n;

	if (now <= b->at)
		return (b->tokens);
	passed = now - b->at;
	b->at = now;
	/* no more than fills it: an idle year does not overflow */
	if (passed <= r->burst * parts / r->messages) {
		n = b->part + passed * r->messages;
		b->part = (uint32_t)(n % parts);
		n = n / parts + b->tokens;
		if (n < r->burst)
			return (b->tokens = (uint32_t)n);
	}
	b->tokens = r->burst;
	b->part = 0;
	return (b->tokens);
}

uint64_t
bucket_wait(const struct bucket *b, const struct conf_rate *r, uint64_t least)
{
	uint64_t	want, has, parts = parts_of(r);

	want = least * r->messages / parts;
	if (want > r->burst)
		want = r->burst;
	if (want == 0)
		want = 1;
	want *= parts;
	has = b->tokens * parts + b->part;
	return (has >= want ? 0 : (want - has + r->messages - 1) /
	    r->messages);
}
