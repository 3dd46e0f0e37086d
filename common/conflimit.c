/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the limits of wampd.conf(5) may be: for who parses them, and for who
 * receives them.
 */
#include <string.h>

#include "conf.h"
#include "log.h"

#define COUNT_MAX	1000000
#define TIME_MIN	100
#define TIME_MAX	(3600 * 1000)
#define MEGA		((uint64_t)1024 * 1024)
#define DAY		(24 * 3600 * 1000)

#define AT(member)	offsetof(struct conf_limits, member)

static const struct conf_limit	limits[] = {
	{ "authenticate", AT(authenticate), TIME_MIN, TIME_MAX, 1 },
	{ "calls", AT(calls), 1, COUNT_MAX, 0 },
	{ "complete", AT(complete), TIME_MIN, TIME_MAX, 1 },
	{ "connections", AT(connections), 1, COUNT_MAX, 0 },
	{ "connections per address", AT(per_address), 1, COUNT_MAX, 0 },
	{ "failures", AT(failures), 1, COUNT_MAX, 0 },
	{ "failures delay", AT(failures_delay), 0, 60 * 1000, 1 },
	{ "failures per", AT(failures_per), 1000, DAY, 1 },
	{ "handshake", AT(handshake), TIME_MIN, TIME_MAX, 1 },
	{ "hello", AT(hello), TIME_MIN, TIME_MAX, 1 },
	{ "ipv6 prefix", AT(ipv6_prefix), 32, 128, 0 },
	{ "message", AT(message), 512, 16 * 1024 * 1024, 0 },
	{ "metrics", AT(metrics_time), TIME_MIN, TIME_MAX, 1 },
	{ "metrics connections", AT(metrics_connections), 1, 128, 0 },
	{ "ping every", AT(ping_every), TIME_MIN, TIME_MAX, 1 },
	{ "ping timeout", AT(ping_timeout), TIME_MIN, DAY, 1 },
	{ "queue", AT(queue), 4096, 1024 * 1024 * 1024, 0 },
	{ "registrations", AT(registrations), 1, COUNT_MAX, 0 },
	{ "sessions per authid", AT(per_authid), 1, CONF_MAXSESSIONS, 0 },
	{ "slow", AT(slow), TIME_MIN, TIME_MAX, 1 },
	{ "subscriptions", AT(subscriptions), 1, COUNT_MAX, 0 },
};

const struct conf_limit *
conf_find_limit(const char *name)
{
	size_t	i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (strcmp(limits[i].name, name) == 0)
			return (&limits[i]);
	fatalx("no limit \"%s\"", name);
}

uint32_t *
conf_limit_value(struct conf_limits *l, const struct conf_limit *which)
{
	return ((uint32_t *)(void *)((char *)l + which->where));
}

uint32_t
conf_holders(const struct conf *c)
{
	const struct conf_listen	*l;
	uint32_t			 net = 0, local = 0;

	TAILQ_FOREACH(l, &c->listens, entry) {
		if (l->flags & LISTEN_UNIX)
			local = 1;
		else
			net = c->prefork;
	}
	return (net + local + c->brokers);
}

uint64_t
conf_fair_memory(const struct conf *c, uint64_t total)
{
	uint64_t	share = total / 2 / conf_holders(c) & ~(MEGA - 1);
	uint64_t	least = c->limits.queue > MEGA ? c->limits.queue : MEGA;

	if (share >= c->limits.memory)
		return (c->limits.memory);
	return (share > least ? share : least);
}

static int
is_rate(const struct conf_rate *r, uint32_t max)
{
	return (r->number == 0 || (r->number <= max &&
	    r->per >= 1 && r->per <= CONF_MAXRATETIME &&
	    r->burst >= 1 && r->burst <= max));
}

int
conf_limits_are_good(const struct conf_limits *l)
{
	uint32_t	n;
	size_t		i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		memcpy(&n, (const char *)l + limits[i].where, sizeof(n));
		if (n == 0 && l->ping_every == 0 &&
		    (limits[i].where == AT(ping_every) ||
		    limits[i].where == AT(ping_timeout)))
			continue;		/* "ping never" */
		if (n < limits[i].min || n > limits[i].max)
			return (0);
	}
	return (l->queue >= l->message && l->memory >= l->queue &&
	    l->memory <= CONF_MAXMEMORY &&
	    is_rate(&l->messages, CONF_MAXRATE) &&
	    is_rate(&l->bytes, CONF_MAXBYTES));
}
