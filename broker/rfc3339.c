/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Times as clients write them (RFC 3339, 5.6).
 */
#include <stdlib.h>

#include "keep.h"

struct rd {
	const char	*p;
	size_t		 left;
};

/* A number of exactly n digits. */
static int
rd_digits(struct rd *r, unsigned int n, unsigned int min, unsigned int max,
    unsigned int *v)
{
	unsigned int	i;

	if (r->left < n)
		return (-1);
	*v = 0;
	for (i = 0; i < n; i++) {
		if (r->p[i] < '0' || r->p[i] > '9')
			return (-1);
		*v = *v * 10 + (unsigned int)(r->p[i] - '0');
	}
	r->p += n;
	r->left -= n;
	return (*v >= min && *v <= max ? 0 : -1);
}

/* One of these characters: it, or 0. */
static char
rd_one(struct rd *r, const char *set)
{
	for (; r->left > 0 && *set != '\0'; set++)
		if (*r->p == *set) {
			r->p++;
			r->left--;
			return (*set);
		}
	return (0);
}

static unsigned int
month_days(unsigned int year, unsigned int month)
{
	if (month == 2)
		return (year % 4 == 0 && (year % 100 != 0 ||
		    year % 400 == 0) ? 29 : 28);
	return (month == 4 || month == 6 || month == 9 || month == 11 ?
	    30 : 31);
}

/* Days from the first of January 1970; years begin in March. */
static int64_t
days_since_1970(unsigned int year, unsigned int month, unsigned int day)
{
	int64_t	y = (int64_t)year - (month <= 2) + 400, era = y / 400;
	int64_t	m = month > 2 ? month - 3 : month + 9;

	y %= 400;
	return ((era - 1) * 146097 + y * 365 + y / 4 - y / 100 +
	    (153 * m + 2) / 5 + day - 1 - 719468);
}

/* Any number of digits; *is_later: some beyond milliseconds are not 0. */
static int
rd_fraction(struct rd *r, int64_t *ms, int *is_later)
{
	unsigned int	v, scale = 100, n = 0;

	if (!rd_one(r, "."))
		return (0);
	for (; rd_digits(r, 1, 0, 9, &v) == 0; n++) {
		*ms += v * scale;
		if (scale == 0 && v > 0)
			*is_later = 1;
		scale /= 10;
	}
	return (n > 0 ? 0 : -1);
}

static int
rd_offset(struct rd *r, int64_t *minutes)
{
	unsigned int	h, m;
	char		sign;

	*minutes = 0;
	if (rd_one(r, "Zz"))
		return (0);
	if ((sign = rd_one(r, "+-")) == 0 ||
	    rd_digits(r, 2, 0, 23, &h) == -1 || !rd_one(r, ":") ||
	    rd_digits(r, 2, 0, 59, &m) == -1)
		return (-1);
	*minutes = (int64_t)h * 60 + m;
	if (sign == '-')
		*minutes = -*minutes;
	return (0);
}

int
rfc3339_read(const char *text, size_t len, int64_t *ms, int *is_later)
{
	struct rd	r = { text, len };
	unsigned int	year, month, day, h, m, s;
	int64_t		minutes, fraction = 0;

	*is_later = 0;
	if (rd_digits(&r, 4, 0, 9999, &year) == -1 || !rd_one(&r, "-") ||
	    rd_digits(&r, 2, 1, 12, &month) == -1 || !rd_one(&r, "-") ||
	    rd_digits(&r, 2, 1, month_days(year, month), &day) == -1 ||
	    !rd_one(&r, "Tt ") ||
	    rd_digits(&r, 2, 0, 23, &h) == -1 || !rd_one(&r, ":") ||
	    rd_digits(&r, 2, 0, 59, &m) == -1 || !rd_one(&r, ":") ||
	    rd_digits(&r, 2, 0, 60, &s) == -1 ||	/* leap seconds */
	    rd_fraction(&r, &fraction, is_later) == -1 ||
	    rd_offset(&r, &minutes) == -1 || r.left > 0)
		return (-1);
	*ms = ((days_since_1970(year, month, day) * 24 + h) * 60 + m -
	    minutes) * 60000 + (int64_t)s * 1000 + fraction;
	return (0);
}
