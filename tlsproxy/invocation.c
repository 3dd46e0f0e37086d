/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The request ids of INVOCATIONs as the callee sees them: 1, 2, 3...  (WAMP,
 * IDs: session scope), though some of those that the broker numbered cannot
 * be sent.  Which these were is remembered, since each later id is shifted.
 */
#include <stdlib.h>

#include "tlsproxy.h"

#define SKIP_MAX	1024	/* beyond it the callee sees a gap */
#define SKIP_STEP	16

/* The broker's id of one that was not sent. */
void
invocation_skip(struct psess *s, uint64_t id)
{
	uint64_t	*n;

	if (s->nskipped == SKIP_MAX)
		return;
	if (s->nskipped % SKIP_STEP == 0) {
		n = reallocarray(s->skipped, s->nskipped + SKIP_STEP,
		    sizeof(*n));
		if (n == NULL)
			return;
		s->skipped = n;
	}
	s->skipped[s->nskipped++] = id;
}

/* What the callee is shown of the newest id: 0 if there is no such thing. */
uint64_t
invocation_shown(const struct psess *s, uint64_t id)
{
	if (s->nskipped > 0 && id <= s->skipped[s->nskipped - 1])
		return (0);
	return (id - s->nskipped);
}

/* What the broker calls one that the callee answers. */
uint64_t
invocation_meant(const struct psess *s, uint64_t shown)
{
	uint32_t	i;

	for (i = 0; i < s->nskipped && s->skipped[i] <= shown; i++)
		shown++;
	return (shown);
}
