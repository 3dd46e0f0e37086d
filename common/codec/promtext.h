/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Rows of CTL_METRICS (metric.h) as text for Prometheus: its exposition
 * format, version 0.0.4.
 */
#ifndef WAMPD_PROMTEXT_H
#define WAMPD_PROMTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "codec.h"
#include "metric.h"

/* Octets of one text: of 10,000 realms it is a sixth of that. */
#define PROMTEXT_MAX	(32 * 1024 * 1024)

/* The samples of a metric have to stand together, wherever they come from. */
struct promtext {
	struct wbuf	 lines[METRIC_MAX];
	size_t		 len;		/* of all of them */
};

void	 promtext_init(struct promtext *);
void	 promtext_free(struct promtext *);
/*
 * One row more, a map in MessagePack.  0, or -1: it is none that metric.h has
 * (a process may have been taken over), or more than PROMTEXT_MAX would
 * become of all; nothing of it is kept.
 */
int	 promtext_add(struct promtext *, const struct val *row);
/* All of it behind what is there; 0, or -1: no memory. */
int	 promtext_end(const struct promtext *, struct wbuf *);

#endif /* WAMPD_PROMTEXT_H */
