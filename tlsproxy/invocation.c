/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The request ids of INVOCATIONs as the callee sees them: 1, 2, 3...  (WAMP,
 * IDs: session scope), though some of those that the broker numbered cannot
 * be sent.  Which these were is remembered, since each later id is shifted;
 * and which are the broker's own calls, whose answers it must be able to
 * read.
 */
#include <stdlib.h>
#include <string.h>

#include "tlsproxy.h"

#define SKIP_MAX	1024	/* beyond it the callee sees a gap */
#define SKIP_STEP	16
#define ASKED_MAX	1024	/* beyond it the oldest is forgotten: what
				 * answers it the broker cannot read */
#define ASKED_STEP	16

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

uint64_t
invocation_shown(struct psess *s, uint64_t id)
{
	if (id <= s->last_invocation)
		return (0);
	s->last_invocation = id;
	return (id - s->nskipped);
}

int
invocation_was_shown(const struct psess *s, uint64_t id)
{
	return (id <= s->last_invocation);
}

/* What it was shown of an id that is not new: a further chunk of the call
 * (WAMP, Progressive Call Invocations). */
uint64_t
invocation_continued(const struct psess *s, uint64_t id)
{
	uint32_t	i;

	for (i = s->nskipped; i > 0 && s->skipped[i - 1] > id; i--)
		;
	if (i > 0 && s->skipped[i - 1] == id)
		return (0);
	return (id - i);
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

int
invocation_asked(struct psess *s, uint64_t id)
{
	uint64_t	*n;

	if (s->nasked == ASKED_MAX)
		memmove(s->asked, s->asked + 1,
		    --s->nasked * sizeof(*s->asked));
	if (s->nasked % ASKED_STEP == 0) {
		n = reallocarray(s->asked, s->nasked + ASKED_STEP,
		    sizeof(*n));
		if (n == NULL)
			return (-1);
		s->asked = n;
	}
	s->asked[s->nasked++] = id;
	return (0);
}

int
invocation_answered(struct psess *s, uint64_t id)
{
	uint32_t	i;

	for (i = 0; i < s->nasked && s->asked[i] != id; i++)
		;
	if (i == s->nasked)
		return (0);
	s->nasked--;
	memmove(s->asked + i, s->asked + i + 1,
	    (s->nasked - i) * sizeof(*s->asked));
	return (1);
}
