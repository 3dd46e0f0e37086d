/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Calls of which a progressive result could not be delivered.  The caller had
 * an ERROR, so for it the call is over, and nothing that the broker still
 * says of it may follow; until CALL_OVER, after which it says nothing more.
 */
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "tlsproxy.h"

#define UNDELIVERED_MAX	64	/* a broker answers soon */

int
undelivered_add(struct psess *s, uint64_t request)
{
	struct m_cancel	m;

	if (s->nundelivered == UNDELIVERED_MAX)
		return (-1);
	if (s->undelivered == NULL && (s->undelivered = calloc(UNDELIVERED_MAX,
	    sizeof(*s->undelivered))) == NULL)
		return (-1);
	s->undelivered[s->nundelivered++] = request;
	memset(&m, 0, sizeof(m));
	m.request = request;
	m.mode = CANCEL_UNDELIVERED;
	chan_send(s->broker->chan, IMSG_CANCEL, s->slot, s->gen, &m,
	    sizeof(m));
	return (0);
}

int
undelivered_has(const struct psess *s, uint64_t request)
{
	uint32_t	i;

	for (i = 0; i < s->nundelivered; i++)
		if (s->undelivered[i] == request)
			return (1);
	return (0);
}

int
undelivered_over(struct psess *s, uint64_t request)
{
	uint32_t	i;

	for (i = 0; i < s->nundelivered && s->undelivered[i] != request; i++)
		;
	if (i == s->nundelivered)
		return (-1);
	s->undelivered[i] = s->undelivered[--s->nundelivered];
	return (0);
}
