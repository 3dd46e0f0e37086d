/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A token bucket lets through what its rate and its burst permit, exactly.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../tlsproxy/bucket.h"
#include "conf.h"

#define SECOND	((uint64_t)1000000)
#define YEAR	(365 * 24 * 3600 * SECOND)

static void
want(const char *what, uint64_t got, uint64_t n)
{
	if (got != n)
		errx(1, "%s: got %llu, want %llu", what,
		    (unsigned long long)got, (unsigned long long)n);
}

/* -- single cases -------------------------------------------------------- */

static void
begins_full(void)
{
	const struct conf_rate	r = { 10, 1000, 25 };
	struct bucket		b;

	bucket_start(&b, &r, 5 * SECOND);
	want("at once", bucket_fill(&b, &r, 5 * SECOND), 25);
	want("full stays full", bucket_fill(&b, &r, 6 * SECOND), 25);
	b.tokens = 0;
	want("too early", bucket_fill(&b, &r, 6 * SECOND + 99999), 0);
	want("one", bucket_fill(&b, &r, 6 * SECOND + 100000), 1);
	want("after a second", bucket_fill(&b, &r, 7 * SECOND), 10);
	want("full again", bucket_fill(&b, &r, 8 * SECOND + 500000), 25);
	/* what is over the brim is lost */
	b.tokens = 0;
	want("and no more", bucket_fill(&b, &r, 8 * SECOND + 599999), 0);
}

/* Idle for long, suspended, or a clock that stands still or goes back. */
static void
odd_clocks(void)
{
	const struct conf_rate	most = { CONF_MAXRATE, CONF_MAXRATETIME,
				    CONF_MAXRATE };
	const struct conf_rate	fast = { CONF_MAXRATE, 1, CONF_MAXRATE };
	const struct conf_rate	slow = { 1, CONF_MAXRATETIME, CONF_MAXRATE };
	const struct conf_rate	*all[] = { &most, &fast, &slow };
	const uint64_t		 idle[] = { 300 * YEAR, 100000 * YEAR,
				    UINT64_MAX - 10 };
	struct bucket		 b;
	size_t			 i, j;

	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++) {
			bucket_start(&b, all[i], 10);
			b.tokens = 0;
			want("idle", bucket_fill(&b, all[i], 10 + idle[j]),
			    CONF_MAXRATE);
			want("part", b.part, 0);
		}
	bucket_start(&b, &slow, 1000 * SECOND);
	b.tokens = 3;
	want("the same time", bucket_fill(&b, &slow, 1000 * SECOND), 3);
	want("backwards", bucket_fill(&b, &slow, 999 * SECOND), 3);
	want("and on", bucket_fill(&b, &slow, (1000 + 3600) * SECOND), 4);
	/* the last microsecond before it is full */
	bucket_start(&b, &slow, 0);
	b.tokens = 0;
	want("almost", bucket_fill(&b, &slow, 3600 * SECOND * CONF_MAXRATE -
	    1), CONF_MAXRATE - 1);
	want("full", bucket_fill(&b, &slow, 3600 * SECOND * CONF_MAXRATE),
	    CONF_MAXRATE);
	bucket_start(&b, &most, 0);
	b.tokens = 0;
	want("almost", bucket_fill(&b, &most, 3600 * SECOND - 1),
	    CONF_MAXRATE - 1);
	want("full", bucket_fill(&b, &most, 3600 * SECOND), CONF_MAXRATE);
}

static void
waits(void)
{
	const struct conf_rate	r = { 3, 1000, 5 };
	const struct conf_rate	fast = { 100000, 1000, 200000 };
	const struct conf_rate	tight = { 100000, 1000, 10 };
	struct bucket		b;

	bucket_start(&b, &r, 0);
	want("no wait", bucket_wait(&b, &r, 10000), 0);
	b.tokens = 0;
	want("a third", bucket_wait(&b, &r, 10000), 333334);
	want("not yet", bucket_fill(&b, &r, 333333), 0);
	want("a microsecond", bucket_wait(&b, &r, 10000), 1);
	want("now", bucket_fill(&b, &r, 333334), 1);
	want("not long", bucket_wait(&b, &r, 10000), 0);
	/* more tokens at a time where they come fast, as far as it holds */
	bucket_start(&b, &fast, 0);
	b.tokens = 0;
	want("ten milliseconds", bucket_wait(&b, &fast, 10000), 10000);
	want("worth", bucket_fill(&b, &fast, 10000), 1000);
	bucket_start(&b, &tight, 0);
	b.tokens = 0;
	want("what it holds", bucket_wait(&b, &tight, 10000), 100);
	want("worth", bucket_fill(&b, &tight, 100), 10);
}

/* Who took more than there was makes up for it first, to the microsecond. */
static void
debts(void)
{
	const struct conf_rate	r = { 3, 1000, 5 };
	const struct conf_rate	most = { 1, CONF_MAXRATETIME, CONF_MAXBYTES };
	struct bucket		b;

	bucket_start(&b, &r, 0);
	b.tokens -= 7;
	want("a second", bucket_wait(&b, &r, 0), SECOND);
	want("almost", bucket_fill(&b, &r, SECOND - 1), 0);
	want("one", bucket_fill(&b, &r, SECOND), 1);
	b.tokens = -16 * 1024 * 1024;
	want("long", bucket_wait(&b, &r, 10000), (16 * 1024 * 1024 + 1) *
	    SECOND / 3 + 1);
	want("full", bucket_fill(&b, &r, YEAR), 5);
	bucket_start(&b, &most, 0);
	b.tokens = -BUCKET_MAXDEBT;
	want("as long as can be", bucket_wait(&b, &most, 0),
	    ((uint64_t)BUCKET_MAXDEBT + 1) * 3600 * SECOND);
	want("made up for", bucket_fill(&b, &most,
	    (uint64_t)BUCKET_MAXDEBT * 3600 * SECOND), 0);
	want("full", bucket_fill(&b, &most, 3 * (uint64_t)BUCKET_MAXDEBT *
	    3600 * SECOND), CONF_MAXBYTES);
}

/* -- the promise --------------------------------------------------------- */

/*
 * Somebody takes all he gets, at odd times: from any of them to any later one
 * it is never more than the burst and what the time between brings, and from
 * the first to the last, if it never overflowed, not a single one less.
 */
#define NSTEPS	2000

static uint64_t
brings(const struct conf_rate *r, uint64_t t)
{
	uint64_t	per = (uint64_t)r->per * 1000;

	return (t / per * r->number + t % per * r->number / per);
}

static void
promise(const struct conf_rate *r, uint64_t longest)
{
	static uint64_t	at[NSTEPS], sum[NSTEPS + 1];
	struct bucket	b;
	uint64_t	now = 7 * SECOND, t;
	size_t		i, j;

	bucket_start(&b, r, now);
	for (i = 0; i < NSTEPS; i++) {
		at[i] = now;
		sum[i + 1] = sum[i] + (uint64_t)bucket_fill(&b, r, now);
		b.tokens = 0;
		now += (uint64_t)random() % (longest + 1);
	}
	for (i = 0; i < NSTEPS; i++)
		for (j = i; j < NSTEPS; j++) {
			t = at[j] - at[i];
			if (sum[j + 1] - sum[i] > r->burst + brings(r, t))
				errx(1, "%u per %u ms burst %u: %llu in "
				    "%llu us", r->number, r->per, r->burst,
				    (unsigned long long)(sum[j + 1] - sum[i]),
				    (unsigned long long)t);
		}
	if (brings(r, longest) + 1 < r->burst)
		want("all that time brought", sum[NSTEPS], r->burst +
		    brings(r, at[NSTEPS - 1] - at[0]));
}

static void
promises(void)
{
	static const struct conf_rate	rates[] = {
		{ 1, 1, 1 }, { 3, 1000, 1 }, { 3, 1000, 7 }, { 7, 100, 7 },
		{ 10000, 1000, 20000 }, { 999983, 3599999, 31 },
		{ CONF_MAXRATE, 1, CONF_MAXRATE },
		{ CONF_MAXRATE, CONF_MAXRATETIME, CONF_MAXRATE },
		{ CONF_MAXBYTES, 100, CONF_MAXBYTES },
		{ CONF_MAXBYTES, CONF_MAXRATETIME, 4096 },
		{ 1, CONF_MAXRATETIME, 1 }, { 1, CONF_MAXRATETIME, 2 }
	};
	static const uint64_t		longest[] = {
		1, 10, 1000, SECOND / 3, 5 * SECOND, 10000 * SECOND
	};
	size_t				i, j;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		for (j = 0; j < sizeof(longest) / sizeof(longest[0]); j++)
			promise(&rates[i], longest[j]);
}

int
main(void)
{
	srandom(1);
	begins_full();
	printf("ok - a bucket begins full and holds no more than its burst\n");
	odd_clocks();
	printf("ok - idle for ages, a clock that stands\n");
	waits();
	printf("ok - how long to wait\n");
	debts();
	printf("ok - debts\n");
	promises();
	printf("ok - never more than promised, nor less\n");
	return (0);
}
