/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The graph of processes: these edges and no others; a new child first, its
 * neighbours when it has acknowledged all; deaths at every step.
 */
#include <sys/socket.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../wampd/wampd.h"
#include "chan.h"

static struct sent {
	struct chan	*to;
	uint32_t	 type;
	struct m_peer	 m;
} sent[64];
static size_t	nsent;

static void
record(struct chan *c, uint32_t type, const void *data, size_t len)
{
	if (nsent == 64 || len != sizeof(struct m_peer))
		errx(1, "unexpected imsg");
	sent[nsent].to = c;
	sent[nsent].type = type;
	memcpy(&sent[nsent++].m, data, len);
}

static int
sndbuf(int fd)
{
	socklen_t	len = sizeof(int);
	int		n = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, &len) == -1)
		err(1, "SO_SNDBUF");
	return (n);
}

/* Both ends between tlsproxy and broker have more than others. */
static void
check_sndbuf(const struct chan *to, const struct m_peer *m, int fd)
{
	const struct child	*c = (const void *)to;
	int			 fds[2], normal;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		err(1, "socketpair");
	normal = sndbuf(fds[0]);
	close(fds[0]);
	close(fds[1]);
	if (c->role == PROC_KEEPER || m->role == PROC_KEEPER ?
	    sndbuf(fd) != normal : sndbuf(fd) <= normal)
		errx(1, "roles %d and %d: a buffer of %d octets", c->role,
		    m->role, sndbuf(fd));
}

/* In the place of chan.c's. */
int
chan_send(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	(void)slot;
	(void)gen;
	record(c, type, data, len);
	return (0);
}

int
chan_send_fd(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len, int fd)
{
	(void)slot;
	(void)gen;
	record(c, type, data, len);
	if (nsent > 0 && sent[nsent - 1].m.link == LINK_MAIN)
		check_sndbuf(c, &sent[nsent - 1].m, fd);
	close(fd);
	return (0);
}

static struct wampd	 w;
static struct child	*k, *b, *t0, *t1;

static struct child *
add(enum proc_role role, unsigned int instance)
{
	struct child	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, "calloc");
	c->w = &w;
	c->role = role;
	c->instance = (uint16_t)instance;
	c->generation = 1;
	/* never looked into */
	c->chan = (struct chan *)(void *)c;
	edges_add_child(&w, c);
	w.children[w.nchildren++] = c;
	return (c);
}

/* How many imsgs of a type went to c about peer. */
static size_t
count(const struct child *c, uint32_t type, const struct child *peer)
{
	size_t	i, n = 0;

	for (i = 0; i < nsent; i++)
		if (sent[i].to == c->chan && sent[i].type == type &&
		    (peer == NULL || (sent[i].m.role == peer->role &&
		    sent[i].m.instance == peer->instance &&
		    sent[i].m.generation == peer->generation)))
			n++;
	return (n);
}

static void
expect(const char *what, size_t got, size_t want)
{
	if (got != want)
		errx(1, "%s: got %zu, want %zu", what, got, want);
}

/* Answer everything that was sent to c, and go on. */
static void
answer(struct child *c)
{
	size_t	i;

	for (i = 0; i < nsent; i++) {
		if (sent[i].to != c->chan || sent[i].type != IMSG_SETUP_PEER)
			continue;
		sent[i].type = IMSG_NONE;
		if (edges_ready(c, &sent[i].m) == -1)
			errx(1, "an answer was refused");
	}
	edges_progress(&w);
}

static void
test_graph(void)
{
	expect("edges of the keeper", edges_count(k), 5);
	expect("edges of the broker", edges_count(b), 3);
	expect("edges of a tlsproxy", edges_count(t0), 3);
	expect("edges", w.nedges, 7 + 0);
	if (edges_may_accuse(t0, t1) || edges_may_accuse(t0, t0) ||
	    !edges_may_accuse(t0, k) || !edges_may_accuse(b, t1))
		errx(1, "who may accuse whom");
}

static void
test_start(void)
{
	edges_progress(&w);
	expect("before anybody is there", nsent, 0);
	k->state = CHILD_PEERS;
	edges_progress(&w);
	expect("the keeper alone", nsent, 0);
	k->state = CHILD_UP;

	b->state = CHILD_PEERS;
	edges_progress(&w);
	expect("broker hears of keeper", count(b, IMSG_SETUP_PEER, k), 1);
	expect("keeper waits", count(k, IMSG_SETUP_PEER, NULL), 0);
	if (edges_is_settled(b))
		errx(1, "settled too early");
	w.tick_at += 50;
	if (edges_is_late(b, 50) || !edges_is_late(b, 49) ||
	    edges_is_late(k, 49))
		errx(1, "who is late");
	answer(b);
	if (edges_is_late(b, 49) || edges_is_late(k, 49))
		errx(1, "nobody is late");
	w.tick_at += 50;
	if (!edges_is_late(k, 49) || edges_has_all(k))
		errx(1, "the second one is late");
	expect("keeper hears of broker", count(k, IMSG_SETUP_PEER, b), 1);
	answer(k);
	if (!edges_is_settled(b) || edges_is_whole(&w))
		errx(1, "broker and keeper");
	b->state = CHILD_UP;

	t0->state = CHILD_PEERS;
	t1->state = CHILD_PEERS;
	edges_progress(&w);
	expect("t0 of keeper", count(t0, IMSG_SETUP_PEER, k), 2);
	expect("t0 of broker", count(t0, IMSG_SETUP_PEER, b), 1);
	answer(t0);
	expect("keeper of t0", count(k, IMSG_SETUP_PEER, t0), 2);
	expect("keeper not of t1", count(k, IMSG_SETUP_PEER, t1), 0);
	answer(t1);
	answer(k);
	answer(b);
	if (!edges_is_whole(&w) || !edges_has_keeper(t0))
		errx(1, "not whole");
	t0->state = t1->state = CHILD_UP;
	nsent = 0;
}

static void
test_restart(void)
{
	struct m_peer	old;

	/* a tlsproxy: once to each neighbour, though it had two edges */
	edges_gone(t0);
	expect("keeper told once", count(k, IMSG_PEER_GONE, t0), 1);
	expect("broker told once", count(b, IMSG_PEER_GONE, t0), 1);
	expect("nobody else", nsent, 2);
	nsent = 0;
	t0->state = CHILD_START;
	t0->generation = 2;
	edges_progress(&w);
	expect("not yet", nsent, 0);
	t0->state = CHILD_PEERS;
	edges_progress(&w);
	expect("the new one first", count(t0, IMSG_SETUP_PEER, NULL), 3);
	expect("and nobody else", nsent, 3);

	/* the broker dies before it heard of the new one */
	edges_gone(b);
	expect("t0 hears", count(t0, IMSG_PEER_GONE, b), 1);
	expect("t1 hears", count(t1, IMSG_PEER_GONE, b), 1);
	old = sent[nsent - 1].m;
	b->state = CHILD_START;
	b->generation = 2;
	answer(t0);
	expect("keeper of t0", count(k, IMSG_SETUP_PEER, t0), 2);
	answer(k);
	if (!edges_is_settled(t0) || !edges_has_keeper(t0))
		errx(1, "t0 goes without a broker");
	/* an answer that the death overtook */
	old.role = PROC_BROKER;
	old.generation = 1;
	old.link = LINK_MAIN;
	if (edges_ready(t0, &old) == -1)
		errx(1, "late answer");
	t0->state = CHILD_UP;
	nsent = 0;
	b->state = CHILD_PEERS;
	edges_progress(&w);
	expect("broker first", nsent, 3);

	/* it dies before its neighbours heard of it: nothing is gone */
	edges_gone(b);
	expect("nobody knew it", count(t0, IMSG_PEER_GONE, NULL) +
	    count(k, IMSG_PEER_GONE, NULL), 0);
	b->generation = 3;
	nsent = 0;
	edges_progress(&w);
	answer(b);
	answer(k);
	answer(t0);
	answer(t1);
	if (!edges_is_whole(&w))
		errx(1, "not whole again");
}

static void
test_nonsense(void)
{
	struct m_peer	m;

	memset(&m, 0, sizeof(m));
	m.role = PROC_TLSPROXY;
	m.instance = 1;
	m.generation = 1;
	if (edges_ready(t0, &m) != -1)
		errx(1, "no such edge");
	m.role = PROC_KEEPER;
	m.instance = 0;
	if (edges_ready(t0, &m) != -1)
		errx(1, "answered twice");
	m.generation = 9;
	if (edges_ready(t0, &m) != -1)
		errx(1, "a generation that never was");
	m.generation = 1;
	m.link = 7;
	if (edges_ready(t0, &m) != -1)
		errx(1, "no such link");
}

int
main(void)
{
	size_t	i;

	k = add(PROC_KEEPER, 0);
	b = add(PROC_BROKER, 0);
	t0 = add(PROC_TLSPROXY, 0);
	t1 = add(PROC_TLSPROXY, 1);
	test_graph();
	test_start();
	test_restart();
	test_nonsense();
	for (i = 0; i < w.nchildren; i++)
		free(w.children[i]);
	free(w.edges);
	return (0);
}
