/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A token bucket: how many messages, or octets of them, may come now, if they
 * come at a rate.
 */
#ifndef WAMPD_BUCKET_H
#define WAMPD_BUCKET_H

#include <stdint.h>

struct conf_rate;

#define BUCKET_MAXDEBT	(1024 * 1024 * 1024)

/* Times are mono_us()'s. */
struct bucket {
	uint64_t	 at;		/* when it was filled last */
	int64_t		 tokens;	/* one for each; below zero: to be
					 * made up for first */
	uint32_t	 part;		/* of the next one, in microseconds
					 * times the rate's number */
};

/* Full, as at the beginning. */
void	 bucket_start(struct bucket *, const struct conf_rate *, uint64_t now);
/* Put in what time has brought; returns the tokens. */
int64_t	 bucket_fill(struct bucket *, const struct conf_rate *, uint64_t now);
/* From when it was filled to when it holds a token, or more if less than
 * "least" would pass, but for a bucket that is full by then. */
uint64_t bucket_wait(const struct bucket *, const struct conf_rate *,
	    uint64_t least);

#endif /* WAMPD_BUCKET_H */
