/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Fences at a real tlsproxy: who says much to a broker does not keep waiting
 * who says little, whatever the broker makes of it.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "proxy_play.h"

#define B0	(&brokers[0])

static void
say_publishes(struct client *c, int from, int n)
{
	char	msg[64];
	int	i;

	for (i = from; i < from + n; i++) {
		snprintf(msg, sizeof(msg), "[16,%d,{},\"com.example.t\"]", i);
		client_say(c, msg);
	}
}

/* Up to n of c's in their order, from the number on, while any come within
 * ms; its fences among them are counted. */
static int
hear_publishes(struct client *c, int from, int n, int ms,
    unsigned int *nfences)
{
	struct m_publish	m;
	struct got		g;
	int			i;

	for (i = 0; i < n && side_next(c->b, &g, ms) == 1;) {
		if (g.slot != c->slot || g.gen != c->gen)
			errx(1, "imsg %u of slot %u, want %u", g.type, g.slot,
			    c->slot);
		if (g.type == IMSG_FENCE && g.len == 0) {
			(*nfences)++;
			continue;
		}
		if (g.type != IMSG_PUBLISH || g.len < sizeof(m))
			errx(1, "got imsg %u, want PUBLISH", g.type);
		memcpy(&m, g.data, sizeof(m));
		if (m.request != (uint64_t)(from + i))
			errx(1, "request %llu, want %d",
			    (unsigned long long)m.request, from + i);
		i++;
	}
	return (i);
}

static void
return_fence(struct client *c)
{
	side_send(c->b, IMSG_FENCE, c->slot, c->gen, NULL, 0, NULL, 0);
}

/* Of whoever it is, 0 if nothing comes within ms. */
static int
hear_either(struct client *a, int *na, struct client *b, int *nb, int ms,
    unsigned int *nfences)
{
	struct m_publish	m;
	struct got		g;
	int			*n;

	if (side_next(a->b, &g, ms) != 1)
		return (0);
	n = g.slot == a->slot ? na : nb;
	if (g.type == IMSG_FENCE && g.slot == a->slot) {
		if (++*nfences > 2)
			errx(1, "a third fence");
		return (1);
	}
	if (g.type != IMSG_PUBLISH || (n == nb && g.slot != b->slot))
		errx(1, "got imsg %u of slot %u", g.type, g.slot);
	memcpy(&m, g.data, sizeof(m));
	if (m.request != (uint64_t)*n)
		errx(1, "request %llu, want %d", (unsigned long long)m.request,
		    *n);
	(*n)++;
	return (1);
}

static void
fair(void)
{
	struct client	a, b;
	struct got	g;
	unsigned int	nfences = 0, nrounds = 0;
	int		n = 2000, i, end, from = 1, polite = 1;

	join(&a, 0, 1);
	join(&b, 0, 1);
	say_publishes(&a, from, n);
	if (hear_publishes(&a, from, n, WAIT, &nfences) != n || nfences != 0)
		errx(1, "who talks alone gets %u fences", nfences);
	from += n;
	client_say(&b, "[32,1,{},\"com.example.t\"]");
	side_want(B0, IMSG_SUBSCRIBE, &g, sizeof(struct m_subscribe));
	polite++;
	say_publishes(&a, from, n);
	if (hear_publishes(&a, from, n, WAIT, &nfences) != n || nfences != 0)
		errx(1, "who subscribes talks");
	from += n;
	pp_ok("who talks alone is not fenced in");

	say_publishes(&b, polite, 1);
	if (hear_publishes(&b, polite++, 1, WAIT, &nfences) != 1)
		errx(1, "nothing of b");
	say_publishes(&a, from, n);
	/* who says little is heard, whatever waits of the other */
	for (end = from + n; from < end; nrounds++) {
		say_publishes(&b, polite, 1);
		for (i = polite + 1; polite < i;)
			if (!hear_either(&a, &from, &b, &polite, WAIT,
			    &nfences))
				errx(1, "b is not heard, at %d", from);
		if (nrounds == 0 && from == end)
			errx(1, "all of a comes at once");
		while (nfences == 0 && from < end)
			if (!hear_either(&a, &from, &b, &polite, WAIT,
			    &nfences))
				errx(1, "nothing of a, at %d", from);
		for (; nfences > 0; nfences--)
			return_fence(&a);
	}
	pp_sync();
	while (hear_either(&a, &from, &b, &polite, 0, &nfences))
		;
	for (; nfences > 0; nfences--)
		return_fence(&a);
	if (nrounds < 3)
		errx(1, "%d messages in %u rounds", n, nrounds);
	pp_ok("beside others, two batches are under way at most");

	leave(&a);
	leave(&b);
}

/* A broker that says too much of fences, or too little. */
static void
fence_trouble(void)
{
	struct client	a, b;
	unsigned int	nfences = 0, n = pp.nsuspects;

	join(&a, 0, 1);
	join(&b, 0, 1);
	say_publishes(&b, 1, 1);
	if (hear_publishes(&b, 1, 1, WAIT, &nfences) != 1)
		errx(1, "nothing of b");
	say_publishes(&a, 1, 2000);
	if (hear_publishes(&a, 1, 2000, WAIT, &nfences) != 2000 ||
	    nfences != 2)
		errx(1, "a broker that returns none: %u", nfences);
	say_publishes(&a, 2001, 2000);
	if (hear_publishes(&a, 2001, 2000, WAIT, &nfences) != 2000)
		errx(1, "it waits again");
	pp_ok("a broker that returns no fence: as if there were none");

	/* the session may be gone when it comes back */
	leave(&a);
	return_fence(&a);
	return_fence(&a);
	say_publishes(&b, 2, 1);
	if (hear_publishes(&b, 2, 1, WAIT, &nfences) != 1 || pp.nsuspects != n)
		errx(1, "a fence that comes late is nonsense");
	pp_ok("a fence may outlive its session");

	/* but nobody gets more than he sent */
	return_fence(&b);
	side_is_cut(B0, n++);
	client_want_like(&b, "[6,");
	client_close(&b);
	side_open(B0, PROC_BROKER, 0);
	join(&b, 0, 1);
	side_send(B0, IMSG_FENCE, 0, 0, NULL, 0, NULL, 0);
	side_is_cut(B0, n++);
	client_want_like(&b, "[6,");
	client_close(&b);
	side_open(B0, PROC_BROKER, 0);
	pp_ok("a fence that nobody sent is nonsense");
}

int
main(void)
{
	struct conf	*c = pconf_new();

	pconf_listen(c, 0, LISTEN_INSECURE);
	pp_start(PROXY_NET, c);
	fair();
	fence_trouble();
	pp_stop();
	return (0);
}
