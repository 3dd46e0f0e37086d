/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Every day of 1970 to 2400, and edges of the day, against gmtime().
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "isotime.h"

static void
compare(uint64_t ms)
{
	char		got[ISOTIME_LEN + 1], want[64];
	time_t		t = (time_t)(ms / 1000);
	struct tm	tm;
	size_t		n;

	if (gmtime_r(&t, &tm) == NULL)
		errx(1, "gmtime_r");
	n = strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(want + n, sizeof(want) - n, ".%03uZ",
	    (unsigned int)(ms % 1000));
	isotime(got, ms);
	if (strcmp(got, want) != 0)
		errx(1, "got %s, want %s", got, want);
}

int
main(void)
{
	char		got[ISOTIME_LEN + 1];
	uint64_t	day;

	for (day = 0; day < 157100; day++) {
		compare(day * 86400000);
		compare(day * 86400000 + 86399999);
		compare(day * 86400000 + 45296789);
	}
	printf("ok - days from 1970 to 2400\n");
	isotime(got, 253402300799999ULL);
	if (strcmp(got, "9999-12-31T23:59:59.999Z") != 0)
		errx(1, "the end: %s", got);
	isotime(got, UINT64_MAX);
	if (strcmp(got, "9999-12-31T23:59:59.999Z") != 0)
		errx(1, "beyond the end: %s", got);
	printf("ok - the year 9999 is the last\n");
	if (wall_ms() < 1700000000000ULL)
		errx(1, "the clock is wrong");
	return (0);
}
