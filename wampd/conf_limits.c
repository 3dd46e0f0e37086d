/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The statements of the limits block of wampd.conf(5).
 */
#include <stdio.h>

#include "parse.h"

void
limit_set(enum once o, const char *name, const char *text)
{
	const struct conf_limit	*l = conf_find_limit(name);
	uint32_t		*dst;

	dst = conf_limit_value(&parser.conf->limits, l);
	if (l->is_time)
		set_time(o, name, text, dst, l->min, l->max);
	else
		set_u32(o, name, text, dst, l->min, l->max);
}

/* One of several in a statement: 0 or -1. */
static int
limit_get(const char *name, const char *text)
{
	const struct conf_limit	*l = conf_find_limit(name);
	uint32_t		*dst;
	uint64_t		 n;

	dst = conf_limit_value(&parser.conf->limits, l);
	if (l->is_time)
		return (get_time(name, text, l->min, l->max, dst));
	if (get_number(name, text, l->min, l->max, &n) == -1)
		return (-1);
	*dst = (uint32_t)n;
	return (0);
}

void
limit_per_address(const char *n, const char *prefix)
{
	static const char	name[] = "connections per address";

	if (!parse_once(&parser.seen, ONCE_PER_ADDRESS, name))
		return;
	limit_get(name, n);
	if (prefix != NULL)
		limit_get("ipv6 prefix", prefix);
}

void
limit_memory(const char *text)
{
	uint64_t	n;

	if (parse_once(&parser.seen, ONCE_MEMORY, "memory") &&
	    get_number("memory", text, 1024 * 1024, CONF_MAXMEMORY,
	    &n) == 0)
		parser.conf->limits.memory = n;
}

void
limit_failures(const char *n, const char *per)
{
	if (parse_once(&parser.seen, ONCE_FAILURES, "failures") &&
	    limit_get("failures", n) == 0)
		limit_get("failures per", per);
}

/* N per T burst B of a session; burst is N if not given. */
static void
limit_rate(enum once o, const char *name, struct conf_rate *r, uint32_t max,
    const char *n, const char *per, const char *burst)
{
	char		what[32];
	uint64_t	number, most;
	int		bad;

	if (!parse_once(&parser.seen, o, name))
		return;
	snprintf(what, sizeof(what), "%s per", name);
	bad = get_number(name, n, 1, max, &number);
	bad |= get_time(what, per, 100, CONF_MAXRATETIME, &r->per);
	most = number;
	if (burst != NULL)
		bad |= get_number("burst", burst, 1, max, &most);
	if (bad)
		return;
	r->number = (uint32_t)number;
	r->burst = (uint32_t)most;
}

void
limit_messages(const char *n, const char *per, const char *burst)
{
	limit_rate(ONCE_MESSAGES, "messages", &parser.conf->limits.messages,
	    CONF_MAXRATE, n, per, burst);
}

void
limit_bytes(const char *n, const char *per, const char *burst)
{
	limit_rate(ONCE_BYTES, "bytes", &parser.conf->limits.bytes,
	    CONF_MAXBYTES, n, per, burst);
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
	bad = limit_get("ping every", every);
	bad |= limit_get("ping timeout", timeout);
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
