/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The time of day, and how it is written for others to read.  gmtime() would
 * look for the files of the time zone, which a sandbox does not let it.
 */
#include <stdio.h>
#include <time.h>

#include "isotime.h"

#define DAY_MS		86400000ULL
#define LAST_MS		253402300799999ULL	/* of the year 9999 */

uint64_t
wall_ms(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

/*
 * Years are counted from March, so that a leap day is the last of its year;
 * days from the first of March of the year 0, so that 400 years, which have
 * always 146097 days, begin there.
 */
void
isotime(char buf[ISOTIME_LEN + 1], uint64_t ms)
{
	unsigned int	era, day, year, month, t;

	if (ms > LAST_MS)
		ms = LAST_MS;
	day = (unsigned int)(ms / DAY_MS) + 719468;
	t = (unsigned int)(ms % DAY_MS);
	era = day / 146097;
	day %= 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	year += era * 400 + (month >= 10);
	month = month < 10 ? month + 3 : month - 9;
	snprintf(buf, ISOTIME_LEN + 1, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    year % 10000, month % 100, (day + 1) % 100, t / 3600000 % 100,
	    t / 60000 % 60, t / 1000 % 60, t % 1000);
}
