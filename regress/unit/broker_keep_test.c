/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The ring of a history against a plain array, with clocks that jump; and
 * the times of RFC 3339.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../broker/keep.h"
#include "isotime.h"

#define MAX	20000

static struct kept	*events[MAX];
static size_t		 first, count;		/* those in the ring */
static struct ring	 ring;

static uint32_t
below(uint32_t n)
{
	return (arc4random_uniform(n));
}

static void
push(void)
{
	static uint64_t	 seq, time = 1000000;
	struct kept	*k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		err(1, NULL);
	seq += 1 + below(3);
	/* the clock goes on, or is set */
	time = below(1000) == 0 ? 1 + below(2000000) : time + below(3);
	k->seq = seq;
	k->time = time;
	if (ring_push(&ring, k) == -1)
		err(1, NULL);
	events[(first + count++) % MAX] = k;
}

static struct kept *
at(size_t i)
{
	return (events[(first + i) % MAX]);
}

static void
shift(void)
{
	struct kept	*k = ring_shift(&ring);

	if (k != (count > 0 ? at(0) : NULL))
		errx(1, "not the first one");
	if (k == NULL)
		return;
	free(k);
	first = (first + 1) % MAX;
	count--;
}

static void
check(void)
{
	uint64_t	time, seq;
	size_t		i, want;

	if (ring.count != count ||
	    ring_first(&ring) != (count > 0 ? at(0) : NULL))
		errx(1, "%zu events, want %zu", ring.count, count);
	if (count == 0) {
		if (ring_before(&ring, 0) != 0 || ring_before(&ring, 1) != 0)
			errx(1, "something before nothing");
		return;
	}
	i = below((uint32_t)count);
	if (ring_at(&ring, i, &time) != at(i) || time != at(i)->time)
		errx(1, "event %zu is another one", i);
	seq = at(i)->seq - below(2) + below(2);
	for (want = i > 0 ? i - 1 : 0; want < count && at(want)->seq < seq;
	    want++)
		;
	if (ring_before(&ring, seq) != want)
		errx(1, "%zu before %llu, want %zu", ring_before(&ring, seq),
		    (unsigned long long)seq, want);
}

/* What is skipped has none of these times; and much is. */
static size_t
skip(int is_reverse)
{
	int64_t		min = below(2000000), max = min + below(1000);
	size_t		i = is_reverse ? count : 0, n, skipped = 0, j;
	struct kept	*k;

	while (is_reverse ? i > 0 : i < count) {
		n = ring_skip(&ring, is_reverse ? i - 1 : i, is_reverse, min,
		    max);
		if (n > (is_reverse ? i : count - i))
			n = is_reverse ? i : count - i;
		for (j = 0; j < n; j++) {
			k = at(is_reverse ? i - 1 - j : i + j);
			if ((int64_t)k->time >= min &&
			    (int64_t)k->time <= max)
				errx(1, "a wanted event was skipped");
		}
		skipped += n;
		n = n > 0 ? n : 1;
		i = is_reverse ? i - n : i + n;
	}
	return (skipped);
}

static void
rings(void)
{
	size_t	skipped = 0, all = 0;
	int	i, n, phase;

	for (phase = 0; phase < 40; phase++) {
		for (i = 0; i < 1000; i++) {
			for (n = (int)below(8); n > 0; n--)
				if (phase & 1 ? count > 0 : count < MAX)
					phase & 1 ? shift() : push();
			if (below(2) == 0 && count < MAX)
				push();
			check();
		}
		all += 2 * count;
		skipped += skip(0) + skip(1);
	}
	while (count > 0)
		shift();
	shift();
	check();
	if (skipped < all / 2)
		errx(1, "%zu of %zu skipped", skipped, all);
	if (ring.nblocks != 0)
		errx(1, "an empty ring has %zu blocks", ring.nblocks);
	ring_free(&ring);
	if (ring.octets != 0)
		errx(1, "%zu octets are left", ring.octets);
	printf("ok - a ring and an array\n");
}

struct when {
	const char	*text;
	int64_t		 ms;
	int		 is_later;
};

static const struct when	whens[] = {
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "1969-12-31T23:59:59.999Z", -1, 0 },
	{ "1985-04-12T23:20:50.52Z", 482196050520, 0 },
	{ "1996-12-19T16:39:57-08:00", 851042397000, 0 },
	{ "1990-12-31T23:59:60Z", 662688000000, 0 },
	{ "1990-12-31T15:59:60-08:00", 662688000000, 0 },
	{ "1937-01-01T12:00:27.87+00:20", -1041337172130, 0 },
	{ "2000-02-29t00:00:00z", 951782400000, 0 },
	{ "2000-03-01 00:00:00Z", 951868800000, 0 },
	{ "2026-11-30T08:00:00.123456789Z", 1796025600123, 1 },
	{ "2026-11-30T08:00:00.1230000000000000000000Z", 1796025600123, 0 },
	{ "2026-11-30T08:00:00.1230000000000000000001Z", 1796025600123, 1 },
	{ "2026-11-30T08:00:00-00:00", 1796025600000, 0 },
	{ "0000-01-01T00:00:00Z", -62167219200000, 0 },
	{ "9999-12-31T23:59:59.999-23:59", 253402387139999, 0 },
};

static const char *const	nonsense[] = { "", "Z", "2026-11-30",
	    "2026-11-30T08:00:00", "2026-11-30T08:00Z",
	    "2026-11-30T08:00:00.Z", "2026-11-30T08:00:00+0100",
	    "2026-11-30T08:00:00+24:00", "2026-11-30T08:00:00+01:60",
	    "2026-11-30T24:00:00Z", "2026-11-30T08:60:00Z",
	    "2026-11-30T08:00:61Z", "2026-11-31T08:00:00Z",
	    "2026-13-01T08:00:00Z", "2026-00-01T08:00:00Z",
	    "2026-01-00T08:00:00Z", "2025-02-29T08:00:00Z",
	    "1900-02-29T08:00:00Z", "26-11-30T08:00:00Z",
	    "2026-11-30T08:00:00Z ", " 2026-11-30T08:00:00Z",
	    "2026-11-30T8:00:00Z", "2026-11-30T08:00:00,5Z",
	    "+026-11-30T08:00:00Z", "2026-11-30_08:00:00Z" };

static void
times(void)
{
	char		buf[ISOTIME_LEN + 1];
	int64_t		ms;
	uint64_t	t;
	size_t		i, len;
	int		later;

	for (i = 0; i < sizeof(whens) / sizeof(whens[0]); i++)
		if (rfc3339_read(whens[i].text, strlen(whens[i].text), &ms,
		    &later) == -1 || ms != whens[i].ms ||
		    later != whens[i].is_later)
			errx(1, "%s: %lld, later %d, want %lld",
			    whens[i].text, (long long)ms, later,
			    (long long)whens[i].ms);
	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		if (rfc3339_read(nonsense[i], strlen(nonsense[i]), &ms,
		    &later) == 0)
			errx(1, "\"%s\" is a time", nonsense[i]);
	/* nor is any beginning of one */
	for (len = 0; len < strlen(whens[6].text); len++)
		if (rfc3339_read(whens[6].text, len, &ms, &later) == 0)
			errx(1, "%zu octets of %s are a time", len,
			    whens[6].text);
	for (i = 0; i < 100000; i++) {
		t = ((uint64_t)below(UINT32_MAX) << 16 | below(65536)) %
		    253402300800000;
		isotime(buf, t);
		if (rfc3339_read(buf, strlen(buf), &ms, &later) == -1 ||
		    ms != (int64_t)t || later)
			errx(1, "%s: %lld, want %llu", buf, (long long)ms,
			    (unsigned long long)t);
	}
	printf("ok - times of RFC 3339\n");
}

int
main(void)
{
	rings();
	times();
	return (0);
}
