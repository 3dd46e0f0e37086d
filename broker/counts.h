/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a broker counts, since it began: see wampd-metrics(7).
 */
#ifndef WAMPD_COUNTS_H
#define WAMPD_COUNTS_H

#include "metric.h"

/* Realms with numbers of their own; the others share theirs. */
#define COUNTS_REALMS	500

struct realm_counts {
	uint64_t	 joined;
	uint64_t	 publications, events;
	uint64_t	 calls, errors;
	uint64_t	 pending;	/* calls */
};

struct counts {
	uint64_t		 slow, lost;	/* EVENTs */
	struct metric_hist	 latency;	/* of calls */
	struct realm_counts	 others;
	unsigned int		 nrealms;	/* with their own */
};
extern struct counts	 broker_counts;

#endif /* WAMPD_COUNTS_H */
