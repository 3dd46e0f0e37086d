/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The graph of processes: who has a channel to whom.  A new child gets its
 * ends first and acknowledges them all; only then its neighbours get
 * theirs.  So nobody ever writes to a peer that is not there yet.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "wampd.h"
#include "xmalloc.h"

/*
 * What may be under way between a tlsproxy and a broker, each way: with less
 * than half a long message they would stop and wake each other in its middle.
 * The kernel doubles it, for what it keeps besides.
 */
#define EDGE_SNDBUF	(512 * 1024)

/* Nothing else exists. */
static const struct edge_rule {
	enum proc_role	 a, b;
	enum peer_link	 link;
} rules[] = {
	{ PROC_TLSPROXY,	PROC_KEEPER,	LINK_MAIN },
	{ PROC_TLSPROXY,	PROC_KEEPER,	LINK_SIGN },
	{ PROC_TLSPROXY,	PROC_BROKER,	LINK_MAIN },
	{ PROC_KEEPER,		PROC_BROKER,	LINK_MAIN },
};

#define NRULES	(sizeof(rules) / sizeof(rules[0]))

static void
add_edge(struct wampd *w, struct child *a, struct child *b,
    enum peer_link link)
{
	struct edge	*e;

	w->edges = xreallocarray(w->edges, w->nedges + 1, sizeof(*w->edges));
	e = &w->edges[w->nedges++];
	memset(e, 0, sizeof(*e));
	e->end[0] = a;
	e->end[1] = b;
	e->link = link;
	e->fd = -1;
}

/* c is new among w's children. */
void
edges_add_child(struct wampd *w, struct child *c)
{
	struct child	*d;
	size_t		 i, k;

	for (i = 0; i < w->nchildren; i++) {
		d = w->children[i];
		for (k = 0; k < NRULES; k++) {
			if (c->role == rules[k].a && d->role == rules[k].b)
				add_edge(w, c, d, rules[k].link);
			if (c->role == rules[k].b && d->role == rules[k].a)
				add_edge(w, d, c, rules[k].link);
		}
	}
}

/* Which end of e is c: 0, 1, or -1. */
static int
end_of(const struct edge *e, const struct child *c)
{
	return (e->end[0] == c ? 0 : e->end[1] == c ? 1 : -1);
}

/* c, of whom no edge is more than EDGE_DOWN, will not be among them. */
void
edges_drop_child(struct child *c)
{
	struct wampd	*w = c->w;
	size_t		 i, n = 0;

	for (i = 0; i < w->nedges; i++)
		if (end_of(&w->edges[i], c) == -1)
			w->edges[n++] = w->edges[i];
	w->nedges = n;
}

static void
describe(struct m_peer *m, const struct child *c, enum peer_link link)
{
	memset(m, 0, sizeof(*m));
	m->role = (uint8_t)c->role;
	m->kind = (uint8_t)c->kind;
	m->instance = c->instance;
	m->generation = c->generation;
	m->link = (uint8_t)link;
}

/* Give end i its descriptor, which is taken. */
static void
tell(struct edge *e, int i, int fd)
{
	struct m_peer	m;

	describe(&m, e->end[!i], e->link);
	e->since = e->end[i]->w->tick_at;
	if (chan_send_fd(e->end[i]->chan, IMSG_SETUP_PEER, 0, 0, &m,
	    sizeof(m), fd) == -1)
		log_debug("%s: cannot be told about %s", e->end[i]->name,
		    e->end[!i]->name);
}

static int
may_begin(const struct child *c)
{
	return (c->state >= CHILD_PEERS && c->chan != NULL);
}

/* As much as net.core.wmem_max lets it be; it also works with less. */
static void
set_sndbuf(int fd)
{
	int	n = EDGE_SNDBUF;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n)) == -1)
		log_debug("SO_SNDBUF: %s", strerror(errno));
}

static void
begin(struct edge *e)
{
	static struct log_limit	 limit = LOG_LIMIT_WARN("channel");
	int			 sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp) == -1) {
		/* tried again at the next tick */
		if (log_may(&limit, 1))
			log_warn("channel between %s and %s", e->end[0]->name,
			    e->end[1]->name);
		return;
	}
	if (e->end[0]->role == PROC_TLSPROXY &&
	    e->end[1]->role == PROC_BROKER) {
		set_sndbuf(sp[0]);
		set_sndbuf(sp[1]);
	}
	e->first = e->end[0]->state == CHILD_PEERS ? 0 : 1;
	e->fd = sp[1];
	e->state = EDGE_FIRST;
	tell(e, e->first, sp[0]);
}

/* Has c acknowledged every end it was told of as the first? */
static int
has_acked(const struct child *c)
{
	const struct wampd	*w = c->w;
	size_t			 i;

	for (i = 0; i < w->nedges; i++)
		if (w->edges[i].state == EDGE_FIRST &&
		    end_of(&w->edges[i], c) == w->edges[i].first)
			return (0);
	return (1);
}

/* Has c owed an answer for that long, by the time of the last tick? */
int
edges_is_late(const struct child *c, uint64_t ms)
{
	const struct wampd	*w = c->w;
	const struct edge	*e;
	size_t			 i;
	int			 me;

	for (i = 0; i < w->nedges; i++) {
		e = &w->edges[i];
		if ((me = end_of(e, c)) == -1 || w->tick_at - e->since <= ms)
			continue;
		if ((e->state == EDGE_FIRST && e->first == me) ||
		    (e->state == EDGE_SECOND && e->first != me))
			return (1);
	}
	return (0);
}

/* Take the next step of each edge that can take one. */
void
edges_progress(struct wampd *w)
{
	struct edge	*e;
	size_t		 i;

	for (i = 0; i < w->nedges; i++) {
		e = &w->edges[i];
		if (e->state == EDGE_DOWN && may_begin(e->end[0]) &&
		    may_begin(e->end[1]))
			begin(e);
	}
	for (i = 0; i < w->nedges; i++) {
		e = &w->edges[i];
		if (e->state != EDGE_HALF || !has_acked(e->end[e->first]) ||
		    !may_begin(e->end[!e->first]))
			continue;
		e->state = EDGE_SECOND;
		tell(e, !e->first, e->fd);
		e->fd = -1;
	}
}

/* PEER_READY: 0, or -1 if c has no such peer. */
int
edges_ready(struct child *c, const struct m_peer *m)
{
	struct wampd	*w = c->w;
	struct child	*peer;
	struct edge	*e;
	size_t		 i;
	int		 me;

	for (i = 0; i < w->nedges; i++) {
		e = &w->edges[i];
		if ((me = end_of(e, c)) == -1 || e->link != m->link)
			continue;
		peer = e->end[!me];
		if (peer->role != m->role || peer->instance != m->instance)
			continue;
		/* an answer to what a death overtook */
		if (m->generation < peer->generation || e->state == EDGE_DOWN)
			return (0);
		if (m->generation > peer->generation)
			return (-1);
		if (e->state == EDGE_FIRST && e->first == me)
			e->state = EDGE_HALF;
		else if (e->state == EDGE_SECOND && e->first != me)
			e->state = EDGE_UP;
		else
			return (-1);
		return (0);
	}
	return (-1);
}

/* c died: its neighbours that knew it hear so, once each. */
void
edges_gone(struct child *c)
{
	struct wampd	*w = c->w;
	struct child	*peer;
	struct edge	*e;
	struct m_peer	 m;
	size_t		 i;
	int		 me, knew;

	for (i = 0; i < w->nchildren; i++)
		w->children[i]->was_told = 0;
	for (i = 0; i < w->nedges; i++) {
		e = &w->edges[i];
		if ((me = end_of(e, c)) == -1 || e->state == EDGE_DOWN)
			continue;
		knew = e->first != me || e->state >= EDGE_SECOND;
		e->state = EDGE_DOWN;
		if (e->fd != -1)
			close(e->fd);
		e->fd = -1;
		peer = e->end[!me];
		if (!knew || peer->was_told || peer->chan == NULL)
			continue;
		peer->was_told = 1;
		describe(&m, c, LINK_MAIN);
		chan_send(peer->chan, IMSG_PEER_GONE, 0, 0, &m, sizeof(m));
	}
}

/* No edge of c's is half-way. */
int
edges_is_settled(const struct child *c)
{
	const struct wampd	*w = c->w;
	const struct edge	*e;
	size_t			 i;

	for (i = 0; i < w->nedges; i++) {
		e = &w->edges[i];
		if (end_of(e, c) != -1 && e->state != EDGE_DOWN &&
		    e->state != EDGE_UP)
			return (0);
	}
	return (1);
}

int
edges_has_all(const struct child *c)
{
	const struct wampd	*w = c->w;
	size_t			 i;

	for (i = 0; i < w->nedges; i++)
		if (end_of(&w->edges[i], c) != -1 &&
		    w->edges[i].state != EDGE_UP)
			return (0);
	return (1);
}

int
edges_has_keeper(const struct child *c)
{
	const struct wampd	*w = c->w;
	const struct edge	*e;
	size_t			 i;

	for (i = 0; i < w->nedges; i++) {
		e = &w->edges[i];
		if (e->end[0] == c && e->end[1]->role == PROC_KEEPER &&
		    e->state != EDGE_UP)
			return (0);
	}
	return (1);
}

/* Everybody is wired up. */
int
edges_is_whole(const struct wampd *w)
{
	size_t	i;

	for (i = 0; i < w->nedges; i++)
		if (w->edges[i].state != EDGE_UP)
			return (0);
	return (1);
}

/* How many channels c has when it has all. */
size_t
edges_count(const struct child *c)
{
	const struct wampd	*w = c->w;
	size_t			 i, n = 0;

	for (i = 0; i < w->nedges; i++)
		if (end_of(&w->edges[i], c) != -1)
			n++;
	return (n);
}

/* Only who has a channel to somebody can know of nonsense on it. */
int
edges_may_accuse(const struct child *c, const struct child *accused)
{
	const struct wampd	*w = c->w;
	size_t			 i;

	for (i = 0; i < w->nedges; i++)
		if (end_of(&w->edges[i], c) != -1 &&
		    end_of(&w->edges[i], accused) != -1 && c != accused)
			return (1);
	return (0);
}
