/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Limits that were reached: one place for their names, their counters and
 * how often they are logged.  Who holds to them is not here.
 */
#include <stdarg.h>
#include <stdio.h>

#include "limit.h"
#include "log.h"

#define LINES		10	/* a second, of one limit */

static const char *const	 names[LIMIT_MAX] = {
	[LIMIT_AUTHENTICATE] = "authenticate",
	[LIMIT_BYTES] = "session bytes",
	[LIMIT_CALLS] = "session calls",
	[LIMIT_COMPLETE] = "complete",
	[LIMIT_CONNECTIONS] = "connections",
	[LIMIT_PER_ADDRESS] = "connections per address",
	[LIMIT_FAILURES] = "failures",
	[LIMIT_HANDSHAKE] = "handshake",
	[LIMIT_HELLO] = "hello",
	[LIMIT_MEMORY] = "memory",
	[LIMIT_MESSAGE] = "message",
	[LIMIT_MESSAGES] = "session messages",
	[LIMIT_METRICS] = "metrics",
	[LIMIT_METRICS_CONNECTIONS] = "metrics connections",
	[LIMIT_PING] = "ping",
	[LIMIT_QUEUE] = "queue",
	[LIMIT_REGISTRATIONS] = "session registrations",
	[LIMIT_SESSIONS] = "sessions",
	[LIMIT_PER_AUTHID] = "sessions per authid",
	[LIMIT_SLOW] = "slow",
	[LIMIT_SUBSCRIPTIONS] = "session subscriptions"
};

static struct {
	uint64_t		 n;
	struct log_limit	 log;
} counts[LIMIT_MAX];

const char *
limit_name(enum limit l)
{
	return (names[l]);
}

uint64_t
limit_count(enum limit l)
{
	return (counts[l].n);
}

void
limit_hit(enum limit l)
{
	counts[l].n++;
}

void
limit_reached(enum limit l, const char *fmt, ...)
{
	char	text[512];
	va_list	ap;

	counts[l].n++;
	counts[l].log.kind = names[l];
	if (!log_may(&counts[l].log, LINES))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_session("limits %s reached %s", names[l], text);
}

void
limit_warn(enum limit l, const char *fmt, ...)
{
	char	text[512];
	va_list	ap;

	counts[l].n++;
	counts[l].log.kind = names[l];
	counts[l].log.what = LOG_OF_WARNING;
	if (!log_may(&counts[l].log, 1))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warnx("limits %s reached: %s", names[l], text);
}
