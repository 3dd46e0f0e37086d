/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The limits of wampd.conf(5): what each may be, and where it is kept.
 */
#include <stddef.h>

#include "parse.h"

#define COUNT_MAX	1000000
#define TIME_MIN	100
#define TIME_MAX	(3600 * 1000)
#define WAIT_MAX	(24 * 3600 * 1000)
#define FAIL_MIN	1000
#define FAILDELAY_MAX	(60 * 1000)

#define LIMIT(member)	offsetof(struct conf_limits, member)

/* Those that are one number or one time. */
static const struct limit {
	const char	*name;
	size_t		 where;		/* a uint32_t of struct conf_limits */
	uint32_t	 min, max;
	int		 is_time;
} limits[ONCE_MAX] = {
	[ONCE_CONNECTIONS] = { "connections", LIMIT(connections), 1,
	    COUNT_MAX, 0 },
	[ONCE_PER_ADDRESS] = { "connections per address", LIMIT(per_address),
	    1, COUNT_MAX, 0 },
	[ONCE_MESSAGE] = { "message", LIMIT(message), 512, 16 * 1024 * 1024,
	    0 },
	[ONCE_QUEUE] = { "queue", LIMIT(queue), 4096, 1024 * 1024 * 1024, 0 },
	[ONCE_SLOW] = { "slow", LIMIT(slow), TIME_MIN, TIME_MAX, 1 },
	[ONCE_HANDSHAKE] = { "handshake", LIMIT(handshake), TIME_MIN,
	    TIME_MAX, 1 },
	[ONCE_HELLO] = { "hello", LIMIT(hello), TIME_MIN, TIME_MAX, 1 },
	[ONCE_COMPLETE] = { "complete", LIMIT(complete), TIME_MIN, TIME_MAX,
	    1 },
	[ONCE_AUTHENTICATE] = { "authenticate", LIMIT(authenticate), TIME_MIN,
	    TIME_MAX, 1 },
	[ONCE_FAILDELAY] = { "failures delay", LIMIT(failures_delay), 0,
	    FAILDELAY_MAX, 1 },
	[ONCE_SUBSCRIPTIONS] = { "subscriptions", LIMIT(subscriptions), 1,
	    COUNT_MAX, 0 },
	[ONCE_REGISTRATIONS] = { "registrations", LIMIT(registrations), 1,
	    COUNT_MAX, 0 },
	[ONCE_CALLS] = { "calls", LIMIT(calls), 1, COUNT_MAX, 0 },
};

void
limit_set(enum once o, const char *text)
{
	const struct limit	*l = &limits[o];
	uint32_t		*dst;

	dst = (uint32_t *)(void *)((char *)&parser.conf->limits + l->where);
	if (l->is_time)
		set_time(o, l->name, text, dst, l->min, l->max);
	else
		set_u32(o, l->name, text, dst, l->min, l->max);
}

void
limit_memory(const char *text)
{
	uint64_t	n;

	if (parse_once(&parser.seen, ONCE_MEMORY, "memory") &&
	    get_number("memory", text, 1024 * 1024, 1ULL << 40, &n) == 0)
		parser.conf->limits.memory = n;
}

void
limit_failures(const char *n, const char *per)
{
	struct conf_limits	*l = &parser.conf->limits;
	uint64_t		 number;

	if (parse_once(&parser.seen, ONCE_FAILURES, "failures") &&
	    get_number("failures", n, 1, COUNT_MAX, &number) == 0 &&
	    get_time("failures per", per, FAIL_MIN, WAIT_MAX,
	    &l->failures_per) == 0)
		l->failures = (uint32_t)number;
}

void
limit_messages(const char *n, const char *per, const char *burst)
{
	struct conf_rate	*r = &parser.conf->limits.rate;
	uint64_t		 number, most;
	int			 bad;

	if (!parse_once(&parser.seen, ONCE_RATE, "messages"))
		return;
	bad = get_number("messages", n, 1, CONF_MAXRATE, &number);
	bad |= get_time("messages per", per, 100, CONF_MAXRATETIME, &r->per);
	most = number;
	if (burst != NULL)
		bad |= get_number("burst", burst, 1, CONF_MAXRATE, &most);
	if (bad)
		return;
	r->messages = (uint32_t)number;
	r->burst = (uint32_t)most;
}

void
limit_ping(const char *every, const char *timeout)
{
	struct conf_limits	*l = &parser.conf->limits;
	int			 bad;

	if (!parse_once(&parser.seen, ONCE_PING, "ping"))
		return;
	if (every == NULL) {
		l->ping_every = l->ping_timeout = 0;
		return;
	}
	bad = get_time("ping every", every, TIME_MIN, TIME_MAX,
	    &l->ping_every);
	bad |= get_time("ping timeout", timeout, TIME_MIN, WAIT_MAX,
	    &l->ping_timeout);
	if (!bad && l->ping_timeout < l->ping_every)
		conf_error("ping timeout %s: is shorter than every %s",
		    parse_shown(timeout), parse_shown(every));
}

void
limit_lacks(const char *what, const char *text, const char *lacks)
{
	conf_error("%s %s: must be followed by %s", what, parse_shown(text),
	    lacks);
}
