/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Limits of connections, in all and per address, across the tlsproxies: each
 * reports how many it holds, we add up and say who is over.  What a tlsproxy
 * reports is its own word; it can fill its share of the table and no more.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>

#include "wampd.h"

#define SLACK	1024	/* connections just closed or above the limit */

struct addr {
	RB_ENTRY(addr)	 entry;
	uint8_t		 key[16];
	uint64_t	 total;
	int		 is_over;
	uint32_t	 count[MAXPROXIES];
};
RB_HEAD(addrs, addr);

struct connlimit {
	struct addrs	 addrs;
	size_t		 naddrs;
	size_t		 nof[MAXPROXIES];	/* addresses it named */
	struct addr	 all;			/* key all zero */
	uint32_t	 limit, per_address;
	uint32_t	 bound;			/* of one tlsproxy's addresses */
	connlimit_cb	 changed;
	void		*arg;
};

static int
addr_cmp(struct addr *a, struct addr *b)
{
	return (memcmp(a->key, b->key, sizeof(a->key)));
}

RB_PROTOTYPE(addrs, addr, entry, addr_cmp)
RB_GENERATE(addrs, addr, entry, addr_cmp)

/* Connections in all. */
uint64_t
connlimit_total(const struct connlimit *cl)
{
	return (cl != NULL ? cl->all.total : 0);
}

struct connlimit *
connlimit_new(connlimit_cb changed, void *arg)
{
	struct connlimit	*cl;

	if ((cl = calloc(1, sizeof(*cl))) == NULL)
		return (NULL);
	RB_INIT(&cl->addrs);
	cl->changed = changed;
	cl->arg = arg;
	return (cl);
}

void
connlimit_free(struct connlimit *cl)
{
	struct addr	*a, *next;

	if (cl == NULL)
		return;
	RB_FOREACH_SAFE(a, addrs, &cl->addrs, next) {
		RB_REMOVE(addrs, &cl->addrs, a);
		free(a);
	}
	free(cl);
}

static void
tell(const struct addr *a, connlimit_cb cb, void *arg)
{
	struct m_conn_limit	m;

	memcpy(m.addr, a->key, sizeof(m.addr));
	m.is_over = (uint32_t)a->is_over;
	cb(arg, &m);
}

static void
judge(struct connlimit *cl, struct addr *a)
{
	uint32_t	limit = a == &cl->all ? cl->limit : cl->per_address;
	int		is_over = a->total >= limit;

	if (is_over == a->is_over)
		return;
	a->is_over = is_over;
	tell(a, cl->changed, cl->arg);
}

/* The limits of a new configuration. */
void
connlimit_set(struct connlimit *cl, uint32_t limit, uint32_t per_address)
{
	struct addr	*a;

	cl->limit = limit;
	cl->per_address = per_address;
	if (cl->bound < limit + SLACK)
		cl->bound = limit + SLACK;
	judge(cl, &cl->all);
	RB_FOREACH(a, addrs, &cl->addrs)
		judge(cl, a);
}

static void
set_count(struct connlimit *cl, struct addr *a, unsigned int proxy,
    uint32_t count)
{
	if (a != &cl->all && a->count[proxy] == 0 && count > 0)
		cl->nof[proxy]++;
	if (a != &cl->all && a->count[proxy] > 0 && count == 0)
		cl->nof[proxy]--;
	a->total += count;
	a->total -= a->count[proxy];
	a->count[proxy] = count;
	judge(cl, a);
	if (a == &cl->all || a->total > 0)
		return;
	RB_REMOVE(addrs, &cl->addrs, a);
	cl->naddrs--;
	free(a);
}

/*
 * As many as this tlsproxy may hold besides what the others do; -1: as many
 * as it does.  It is taken at our word: who reports next is not to go for it.
 */
static int64_t
shed(struct connlimit *cl, struct addr *a, unsigned int proxy)
{
	uint32_t	limit = a == &cl->all ? cl->limit : cl->per_address;
	uint64_t	others = a->total - a->count[proxy];
	uint32_t	most = others < limit ? (uint32_t)(limit - others) : 0;

	if (a->count[proxy] <= most)
		return (-1);
	set_count(cl, a, proxy, most);
	return (most);
}

static struct addr *
addr_find(struct connlimit *cl, const uint8_t *key)
{
	struct addr	k;

	memcpy(k.key, key, sizeof(k.key));
	if (memcmp(k.key, cl->all.key, sizeof(k.key)) == 0)
		return (&cl->all);
	return (RB_FIND(addrs, &cl->addrs, &k));
}

static struct addr *
addr_new(struct connlimit *cl, const uint8_t *key)
{
	struct addr	*a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (NULL);
	memcpy(a->key, key, sizeof(a->key));
	RB_INSERT(addrs, &cl->addrs, a);
	cl->naddrs++;
	return (a);
}

/* -1: that cannot be. */
static int
count_one(struct connlimit *cl, unsigned int proxy,
    const struct m_conn_count *m, int64_t *most)
{
	struct addr	*a;
	int		 is_more;

	*most = -1;
	if (m->count > cl->bound)
		return (-1);
	if ((a = addr_find(cl, m->addr)) == NULL) {
		if (m->count == 0)
			return (0);
		if (cl->nof[proxy] >= cl->bound)
			return (-1);
		if ((a = addr_new(cl, m->addr)) == NULL)
			return (0);
	}
	is_more = m->count > a->count[proxy] && !m->is_kept;
	set_count(cl, a, proxy, m->count);
	if (cl->nof[proxy] > cl->bound)
		return (-1);
	if (is_more)
		*most = shed(cl, a, proxy);
	return (0);
}

/*
 * What a tlsproxy reports, of which shed gets those rows, and their number is
 * in nshed, that it must do something about: 0, or -1 if it cannot be.
 */
int
connlimit_count(struct connlimit *cl, unsigned int proxy,
    const struct m_conn_count *m, size_t n, struct m_conn_count *shed,
    size_t *nshed)
{
	int64_t	most;
	size_t	i;

	*nshed = 0;
	for (i = 0; i < n; i++) {
		if (count_one(cl, proxy, &m[i], &most) == -1)
			return (-1);
		if (most == -1)
			continue;
		shed[*nshed] = m[i];
		shed[(*nshed)++].count = (uint32_t)most;
	}
	return (0);
}

/* A tlsproxy died, and its connections with it. */
void
connlimit_gone(struct connlimit *cl, unsigned int proxy)
{
	struct addr	*a, *next;

	set_count(cl, &cl->all, proxy, 0);
	RB_FOREACH_SAFE(a, addrs, &cl->addrs, next)
		if (a->count[proxy] > 0)
			set_count(cl, a, proxy, 0);
}

/* For a tlsproxy that begins. */
void
connlimit_each_over(struct connlimit *cl, connlimit_cb cb, void *arg)
{
	struct addr	*a;

	if (cl->all.is_over)
		tell(&cl->all, cb, arg);
	RB_FOREACH(a, addrs, &cl->addrs)
		if (a->is_over)
			tell(a, cb, arg);
}

size_t
connlimit_entries(const struct connlimit *cl)
{
	return (cl->naddrs);
}
