/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * How much one client may have under way, learned from the time that its
 * fences take.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../tlsproxy/fence.h"

#define SECOND	((uint64_t)1000000)

static void
want(const char *what, uint64_t got, uint64_t n)
{
	if (got != n)
		errx(1, "%s: got %llu, want %llu", what,
		    (unsigned long long)got, (unsigned long long)n);
}

static void
is_within(const char *what, uint64_t got, uint64_t least, uint64_t most)
{
	if (got < least || got > most)
		errx(1, "%s: got %llu, want %llu to %llu", what,
		    (unsigned long long)got, (unsigned long long)least,
		    (unsigned long long)most);
}

/* All that it may say now, with the fences that are due. */
static uint32_t
say_all(struct fences *s, uint64_t *total, uint64_t now)
{
	uint32_t	n, all = 0;

	while ((n = fences_room(s, now)) > 0) {
		fences_said(s, n);
		all += n;
		*total += n;
		if (fences_due(s))
			fences_sent(s, *total, now);
	}
	return (all);
}

/* As many fences as are away come back. */
static void
come_back(struct fences *s, uint64_t total, uint64_t now)
{
	while (fences_back(s) == 0)
		;
	fences_learn(s, total, now);
}

/* -- single cases -------------------------------------------------------- */

static void
two_batches(void)
{
	struct fences	s;
	uint64_t	total = 0;
	uint32_t	w, half;

	fences_init(&s, 0);
	w = s.window;
	half = w / 2;
	want("none is away", (uint64_t)-fences_back(&s), 1);
	want("up to the first fence", fences_room(&s, 1), half);
	fences_said(&s, half - 1);
	want("not yet", (uint64_t)fences_due(&s), 0);
	fences_said(&s, 1);
	want("now", (uint64_t)fences_due(&s), 1);
	total += half;
	fences_sent(&s, total, 1);
	want("once", (uint64_t)fences_due(&s), 0);
	want("up to the second", fences_room(&s, 1), w - half);
	want("and all", say_all(&s, &total, 1), w - half);
	want("no third", fences_room(&s, 1), 0);
	want("away", s.n, 2);
	want("one back", (uint64_t)fences_back(&s), 0);
	want("nothing before its events are written", fences_room(&s, 100),
	    0);
	fences_learn(&s, total, 100);
	is_within("as much again", fences_room(&s, 100), half, half + w / 8);
	want("the other back", (uint64_t)fences_back(&s), 0);
	fences_learn(&s, total, 200);
	want("all of them", s.out, 0);
	want("and no more", (uint64_t)-fences_back(&s), 1);
	puts("two batches at a time, each with a fence behind it");
}

static void
learns(void)
{
	struct fences	s;
	uint64_t	total = 0, now = 1;
	uint32_t	w;
	int		i;

	fences_init(&s, 0);
	/* far too long: half at once, and down to one message */
	w = s.window;
	say_all(&s, &total, now);
	come_back(&s, total, now += 100000);
	want("half", s.window, w / 2);
	for (i = 0; i < 20; i++) {
		say_all(&s, &total, now);
		come_back(&s, total, now += 500000);
	}
	want("one at least", s.window, 1);
	want("one may be said", fences_room(&s, now), 1);
	/* short: it grows, a bit at a time */
	for (i = 0; i < 500; i++) {
		w = s.window;
		say_all(&s, &total, now);
		come_back(&s, total, now += 10);
		is_within("grows", s.window, w, w + w / 8 + 1);
	}
	is_within("a limit", s.window, 60000, 65536);
	/* who does not use it learns nothing of its size */
	fences_said(&s, s.window / 2);
	fences_sent(&s, total += s.window / 2, now);
	w = s.window / 2;
	s.window = w * 2 - 2;
	come_back(&s, total, now += 10);
	want("stays", s.window, w * 2 - 2);
	puts("long away, less; short and full, more");
}

static void
others_count(void)
{
	struct fences	s;
	uint64_t	total = 0, now = 1;
	uint32_t	w;

	/* a hundredth of what is said is its own: the others are at fault */
	fences_init(&s, 0);
	w = s.window;
	fences_said(&s, w / 2);
	fences_sent(&s, total += w / 2, now);
	total += w / 2 * 99;
	come_back(&s, total, now += 10000);
	want("a small part of much", s.window, w);
	/* also where it says all of its own in one piece */
	s.window = w = 2;
	fences_said(&s, 1);
	fences_sent(&s, total += 1, now);
	total += 999;
	come_back(&s, total, now += 20000);
	want("a small piece", s.window, w);
	/* half of it is: so is half of the time */
	s.window = w = 256;
	fences_said(&s, w / 2);
	fences_sent(&s, total += w / 2, now);
	total += w / 2;
	come_back(&s, total, now += 10000);
	want("a large part", s.window, w / 2);
	puts("a fence that is away long because of others");
}

static void
lost(void)
{
	struct fences	s;
	uint64_t	total = 0;

	fences_init(&s, 0);
	say_all(&s, &total, 1);
	want("nothing", fences_room(&s, FENCE_LOST * 1000), 0);
	want("all", fences_room(&s, FENCE_LOST * 1000 + 2), UINT32_MAX);
	fences_said(&s, UINT32_MAX);
	fences_said(&s, UINT32_MAX);
	want("no third fence", (uint64_t)fences_due(&s), 0);
	come_back(&s, total, 10 * SECOND);
	/* and it counts again, with what no fence followed */
	want("due", (uint64_t)fences_due(&s), 1);
	want("until then", fences_room(&s, 10 * SECOND), 0);
	fences_sent(&s, total, 10 * SECOND);
	come_back(&s, total, 10 * SECOND + 10);
	is_within("again", fences_room(&s, 10 * SECOND + 10), 1, 1024);
	puts("a broker that does not send them back");
}

/* A long message is more than there is room for, and said all the same. */
static void
long_message(void)
{
	struct fences	s;
	uint64_t	total = 0, now = 1;
	uint32_t	n = 0;
	int		i;

	fences_init(&s, 0);
	for (i = 0; i < 50; i++) {
		for (n = 0; fences_room(&s, now) > 0; n++) {
			fences_said(&s, 1001);
			if (fences_due(&s))
				fences_sent(&s, total += 1001, now);
		}
		if (s.n == 0)
			errx(1, "it waits for no fence");
		come_back(&s, total, now += n * 800);
	}
	is_within("two or three of them", n, 2, 3);
	puts("long messages");
}

/* -- a model of a broker ------------------------------------------------- */

/*
 * Whatever a message costs, and whatever a turn costs beside, the work under
 * way comes to about as long as it should, but for one message.
 */
static void
settles(uint64_t each, uint64_t turn)
{
	struct fences	s;
	uint64_t	total = 0, now = 1, work = 0;
	uint32_t	n = 0;
	int		i;
	char		what[64];

	fences_init(&s, 0);
	for (i = 0; i < 2000; i++) {
		n = say_all(&s, &total, now);
		if (n == 0)
			errx(1, "turn %d: stuck", i);
		work = turn + n * each / 100;
		come_back(&s, total, now += work);
	}
	snprintf(what, sizeof(what), "%llu ns each, %llu us a turn",
	    (unsigned long long)each * 10, (unsigned long long)turn);
	if (n > 1)
		is_within(what, work, 700, 1800);
	else if (work < 700)
		errx(1, "%s: one only", what);
}

static void
model(void)
{
	static const uint64_t	each[] = { 30, 60, 400, 4000, 40000, 1000000 };
	static const uint64_t	turn[] = { 0, 10, 400, 900 };
	size_t			i, j;

	for (i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		for (j = 0; j < sizeof(turn) / sizeof(turn[0]); j++)
			settles(each[i], turn[j]);
	puts("it settles");
}

int
main(void)
{
	two_batches();
	learns();
	others_count();
	lost();
	long_message();
	model();
	return (0);
}
