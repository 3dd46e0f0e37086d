/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A tlsproxy that does not read: the others wait a moment for it, then its
 * events are dropped, and what it costs is bounded; and the budgets.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bplay_rpc.h"
#include "chan.h"
#include "conf.h"
#include "mono.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define T2	(&proxies[2])
#define R	"realm1"
#define BODY	65536
#define MB	(1024 * 1024)
#define NCALLS	600000		/* answers to all of them are 28 MB */

static uint32_t	gen = 1;
static char	body[BODY];
static uint32_t	last_flow[4];		/* each one's last XOFF or XON */

static int
is_san(void)
{
	const char	*s = getenv("SAN");

	return (s != NULL && *s != '\0');
}

static long
resident_mb(void)
{
	char	path[64];
	FILE	*f;
	long	size, rss;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)bp.pid);
	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	if (fscanf(f, "%ld %ld", &size, &rss) != 2)
		errx(1, "%s", path);
	fclose(f);
	return (rss * sysconf(_SC_PAGESIZE) / MB);
}

static const char *
numbered(int n)
{
	memset(body, 'x', sizeof(body));
	snprintf(body, sizeof(body), "%d", n);
	return (body);
}

/* XOFF and XON come in between; 1 if there was another imsg within ms. */
static int
next_other(struct side *t, struct got *g, int ms)
{
	int	rv;

	while ((rv = side_next(t, g, ms)) == 1) {
		if (g->type != IMSG_XOFF && g->type != IMSG_XON)
			return (1);
		if (g->slot != 0 || g->gen != 0 || g->len != 0)
			errx(1, "flow control of slot %u", g->slot);
		if (g->type == last_flow[t->instance])
			errx(1, "flow control twice");
		last_flow[t->instance] = g->type;
	}
	return (rv);
}

static void
want_flow(struct side *t, uint32_t type)
{
	uint64_t	begin = mono_ms();
	struct got	g;

	while (last_flow[t->instance] != type) {
		if (next_other(t, &g, 10) == 1)
			errx(1, "got imsg %u, want %u", g.type, type);
		if (mono_ms() - begin > 20000)
			errx(1, "imsg %u does not come", type);
	}
}

static void
want_numbered(struct side *t, uint64_t sub, int n)
{
	struct m_event	m;
	struct got	g;

	if (next_other(t, &g, 20000) != 1 || g.type != IMSG_EVENT ||
	    g.len != sizeof(m) + BODY)
		errx(1, "no EVENT");
	memcpy(&m, g.data, sizeof(m));
	if (m.subscription != sub ||
	    memcmp(g.data + sizeof(m), numbered(n), BODY) != 0)
		errx(1, "EVENT of %llu, %.8s, want %llu, %d",
		    (unsigned long long)m.subscription, g.data + sizeof(m),
		    (unsigned long long)sub, n);
}

/* All that was under way to it is here. */
static void
settle(struct side *t)
{
	struct m_unsubscribe	m = { ++t->nsync, 1ULL << 50 };
	struct got		g;

	side_send(t, IMSG_UNSUBSCRIBE, SYNC_SLOT, 1, &m, sizeof(m), NULL, 0);
	if (next_other(t, &g, 20000) != 1 || g.type != IMSG_REFUSED ||
	    g.slot != SYNC_SLOT)
		errx(1, "got imsg %u of slot %u", g.type, g.slot);
}

/* Publish until the broker asks to stop; returns how many it took. */
static int
flood(struct sess *from, const char *topic, struct side *reader, uint64_t sub)
{
	struct got	g;
	int		n;

	for (n = 0; n < 1000; n++) {
		send_publish(from, 0, topic, numbered(n), BODY);
		if (reader != NULL)
			want_numbered(reader, sub, n);
		else
			usleep(100);
		if (next_other(from->t, &g, 0) != 0)
			errx(1, "got imsg %u, want XOFF", g.type);
		if (last_flow[from->t->instance] == IMSG_XOFF)
			return (n + 1);
	}
	errx(1, "nobody asked to stop");
}

static void
stalled(void)
{
	struct sess	a, b, c;
	uint64_t	sub, reg, begin, took;
	struct got	g;
	int		n, i;

	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	join(&c, T2, 1, gen, R, "all");
	sub = subscribe(&b, "t");
	subscribe(&c, "t");
	reg = registers(&b, "p");

	n = flood(&a, "t", T2, sub);
	begin = mono_ms();
	if (n * BODY < 8 * MB || n * BODY > 12 * MB)
		errx(1, "XOFF after %d MB", n * BODY / MB);
	want_flow(T2, IMSG_XOFF);
	want_flow(T0, IMSG_XON);
	took = mono_ms() - begin;
	want_flow(T2, IMSG_XON);
	if (took < 100 || took > 2000)
		errx(1, "others waited %llu ms", (unsigned long long)took);
	bp_ok("the others wait 250 ms for one that does not read");

	for (i = 0; i < 500; i++) {
		send_publish(&a, 0, "t", numbered(i), BODY);
		want_numbered(T2, sub, i);
	}
	if (next_other(T0, &g, 0) != 0 || last_flow[0] != IMSG_XON)
		errx(1, "the others wait again");
	if (!bp_logged("tlsproxy 1 is too slow: events to it are dropped"))
		errx(1, "that it begins is not logged");
	if (!is_san() && resident_mb() > 40)
		errx(1, "it holds %ld MB", resident_mb());
	send_call(&a, "p", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	bp_ok("then it gets no more events and calls");

	/* now it reads: all up to then, in order, and nothing twice */
	for (i = 0; i < n; i++)
		want_numbered(T1, sub, i);
	settle(T1);
	want_flow(T1, IMSG_XON);
	bp_quiet();
	if (!bp_logged("tlsproxy 1 was too slow: 500 events to it dropped"))
		errx(1, "the drop is not logged");
	send_publish(&a, 0, "t", "1", 1);
	want_event(T1, sub, NULL, "1", 1);
	want_event(T2, sub, NULL, "1", 1);
	send_call(&a, "p", "");
	send_yield(&b, want_invocation(&b, reg, ""), "");
	want_result(&a, a.request, "");
	bp_quiet();
	leave(&a);
	leave(&b);
	leave(&c);
	bp_ok("and when it reads again, all is as before");
}

/* One that reads in time costs nobody an event. */
static void
recovers(void)
{
	struct sess	a, b;
	uint64_t	sub;
	int		n, i;

	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	sub = subscribe(&b, "t");
	n = flood(&a, "t", NULL, 0);
	want_flow(T2, IMSG_XOFF);
	for (i = 0; i < n; i++)
		want_numbered(T1, sub, i);
	want_flow(T0, IMSG_XON);
	settle(T1);
	want_flow(T1, IMSG_XON);
	want_flow(T2, IMSG_XON);
	send_publish(&a, 0, "t", "1", 1);
	want_event(T1, sub, NULL, "1", 1);
	bp_quiet();
	leave(&a);
	leave(&b);
	bp_ok("one that reads in time loses nothing");
}

/* Of replies none is dropped; they are bounded all the same. */
static void
replies(void)
{
	struct sess		a, b, c;
	struct m_invocation	m;
	struct got		g;
	uint64_t		sub;
	unsigned int		n = bp.nsuspects;
	int			i, done, rv;
	static char		big[BODY + 1];

	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	join(&c, T2, 1, gen, R, "all");
	sub = subscribe(&a, "t");
	registers(&a, "big");
	memset(big, 'r', BODY);
	for (i = 0; i < 900; i++)
		send_call(&b, "big", "");
	for (done = 0; done < 900; ) {
		if ((rv = next_other(T0, &g, 1000)) != 1)
			break;
		if (g.type != IMSG_INVOCATION)
			errx(1, "got imsg %u", g.type);
		memcpy(&m, g.data, sizeof(m));
		send_yield(&a, m.request, big);
		done++;
		if (!is_san() && done % 100 == 0 && resident_mb() > 80)
			errx(1, "it holds %ld MB", resident_mb());
	}
	side_is_cut(T1, n);
	if (!bp_logged("tlsproxy 1 is cut off: it does not read"))
		errx(1, "no reason is logged");
	/* the others are told to go on, if they had to stop */
	settle(T0);
	settle(T2);
	want_flow(T0, IMSG_XON);
	want_flow(T2, IMSG_XON);
	side_open(T1, PROC_TLSPROXY, 1);
	send_publish(&c, 0, "t", "1", 1);
	want_event(T0, sub, NULL, "1", 1);
	bp_quiet();
	leave(&a);
	leave(&c);
	bp_ok("one that never reads its replies is cut off");
}

/* FENCE: behind all that came of what was said before it, once. */
static void
fences(void)
{
	static struct imsg_hdr	many[4096];
	struct sess		a, b;
	struct got		g;
	uint64_t		sub;
	unsigned int		n = bp.nsuspects;
	int			i;

	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	sub = subscribe(&a, "t");
	for (i = 0; i < 3; i++)
		send_publish(&b, 0, "t", numbered(i), BODY);
	side_sync(T1);
	send_publish(&a, PUBLISH_INCLUDE_ME, "t", numbered(3), BODY);
	side_send(T0, IMSG_FENCE, a.slot, a.gen, NULL, 0, NULL, 0);
	send_publish(&a, PUBLISH_INCLUDE_ME, "t", numbered(4), BODY);
	for (i = 0; i < 4; i++)
		want_numbered(T0, sub, i);
	if (next_other(T0, &g, 20000) != 1 || g.type != IMSG_FENCE ||
	    g.slot != a.slot || g.gen != a.gen || g.len != 0)
		errx(1, "got imsg %u of slot %u, want FENCE", g.type, g.slot);
	want_numbered(T0, sub, 4);
	bp_quiet();
	bp_ok("a fence goes back behind what came before it");

	/* who sends them and does not read only harms himself */
	for (i = 0; i < 4096; i++) {
		many[i].type = IMSG_FENCE;
		many[i].len = sizeof(many[i]);
		many[i].slot = b.slot;
		many[i].gen = b.gen;
	}
	for (i = 0; i < 2048 && bp.nsuspects == n; i++) {
		side_write(T1, many, sizeof(many));
		if (i % 64 == 0)
			settle(T0);
		if (!is_san() && i % 64 == 0 && resident_mb() > 120)
			errx(1, "it holds %ld MB", resident_mb());
	}
	side_is_cut(T1, n);
	if (!bp_logged("tlsproxy 1 is cut off: it does not read"))
		errx(1, "no reason is logged");
	settle(T0);
	settle(T2);
	want_flow(T0, IMSG_XON);
	want_flow(T2, IMSG_XON);
	side_open(T1, PROC_TLSPROXY, 1);
	send_publish(&a, PUBLISH_INCLUDE_ME, "t", "1", 1);
	want_event(T0, sub, NULL, "1", 1);
	leave(&a);
	bp_ok("a flood of fences is its sender's trouble");
}

/* A callee that goes with thousands of calls of one that is slow. */
static void
cancelled(void)
{
	struct sess	a, b, c;
	uint64_t	sub, reg, first;
	struct m_refused m;
	struct got	g;
	static char	seen[NCALLS];
	int		n, i, j;

	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	join(&c, T2, 1, gen, R, "all");
	sub = subscribe(&b, "t");
	reg = registers(&c, "p");
	first = b.request + 1;
	for (i = 0; i < NCALLS; i++) {
		send_call(&b, "p", "");
		for (j = i - 999; i % 1000 == 999 && j <= i; j++)
			want_invocation(&c, reg, "");
	}
	n = flood(&a, "t", NULL, 0);
	want_flow(T2, IMSG_XOFF);
	want_flow(T0, IMSG_XON);
	want_flow(T2, IMSG_XON);
	send_close(&c, CLOSE_LOST);
	want_end(T2, c.slot, c.gen, WERR_NONE);
	/* time enough to send it all at once, and cut it off for that */
	for (i = 0; i < 100; i++) {
		side_sync(T0);
		usleep(5000);
	}
	for (i = 0; i < n; i++)
		want_numbered(T1, sub, i);
	/* in any order */
	for (i = 0; i < NCALLS; i++) {
		if (next_other(T1, &g, 20000) != 1 ||
		    g.type != IMSG_REFUSED || g.slot != b.slot)
			errx(1, "got imsg %u of slot %u", g.type, g.slot);
		memcpy(&m, g.data, sizeof(m));
		if (m.err != WERR_CANCELED || m.reqtype != WAMP_CALL ||
		    m.request < first || m.request >= first + NCALLS ||
		    seen[m.request - first]++)
			errx(1, "REFUSED %llu: %u",
			    (unsigned long long)m.request, m.err);
	}
	/* others may have had to wait for it once more */
	settle(T0);
	settle(T2);
	want_flow(T0, IMSG_XON);
	want_flow(T2, IMSG_XON);
	bp_quiet();
	leave(&a);
	leave(&b);
	bp_ok("a slow caller learns that its callee left");
}

static void
memory(void)
{
	struct conf	*c;
	struct sess	 a, b, d;
	uint64_t	 two;
	unsigned int	 n = bp.nsuspects;
	int		 i;

	c = bconf_new();
	c->limits.memory = 12 * MB;
	c->limits.calls = 1000;
	bp_reload(c);
	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	join(&d, T2, 1, gen, R, "all");
	subscribe(&b, "one");
	two = subscribe(&d, "two");
	/* neither reads; none of the two is over its mark */
	for (i = 0; i < 115; i++) {
		send_publish(&a, 0, "one", numbered(i), BODY);
		side_sync(T0);
	}
	for (i = 0; i < 88; i++) {
		send_publish(&a, 0, "two", numbered(i), BODY);
		side_sync(T0);
	}
	side_is_cut(T1, n);
	if (!bp_logged("memory is used up"))
		errx(1, "no reason is logged");
	/* the other one lives and has all that was sent to it */
	for (i = 0; i < 88; i++)
		want_numbered(T2, two, i);
	side_open(T1, PROC_TLSPROXY, 1);
	leave(&a);
	bp_ok("memory used up: the one that holds most is cut off");
}

/* Memory that no queue holds: calls that another callee might be asked. */
static void
lost(void)
{
	static char	 args[60000];
	struct conf	*c;
	struct sess	 a, b, d;
	struct m_invocation m;
	struct got	 g;
	uint64_t	 sub, inv[40];
	int		 i;

	c = bconf_new();
	c->limits.queue = 1 * MB;
	c->limits.memory = 2 * MB;
	bp_reload(c);
	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	join(&d, T1, 2, gen, R, "all");
	sub = subscribe(&d, "t");
	send_features(&b, FEAT_CALLEE_REROUTE);
	send_register(&b, "p", MATCH_EXACT, INVOKE_FIRST);
	side_want(T1, IMSG_REGISTERED, &g, sizeof(struct m_registered));
	send_register(&d, "p", MATCH_EXACT, INVOKE_FIRST);
	side_want(T1, IMSG_REGISTERED, &g, sizeof(struct m_registered));
	memset(args, 'x', sizeof(args) - 1);
	for (i = 0; i < 40; i++) {
		send_call(&a, "p", args);
		side_want(T1, IMSG_INVOCATION, &g, sizeof(m));
		memcpy(&m, g.data, sizeof(m));
		inv[i] = m.request;
	}
	for (i = 0; i < 3; i++)
		send_publish(&a, 0, "t", numbered(i), BODY);
	settle(T1);
	if (!bp_logged("limits memory was reached: 3 events to tlsproxy 1 "
	    "dropped"))
		errx(1, "what was lost is not logged");
	for (i = 0; i < 40; i++) {
		send_yield(&b, inv[i], "");
		side_want(T0, IMSG_RESULT, &g, sizeof(struct m_result));
	}
	send_publish(&a, 0, "t", numbered(7), BODY);
	want_numbered(T1, sub, 7);
	leave(&a);
	leave(&b);
	leave(&d);
	bp_ok("events for which there is no memory are counted");
}

static void
state(void)
{
	struct conf	*c;
	struct sess	 a, b;
	struct got	 g;
	char		 topic[4000], number[16];
	int		 i;

	c = bconf_new();
	c->limits.queue = 1 * MB;
	c->limits.memory = 2 * MB;
	bp_reload(c);
	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T0, 2, gen, R, "all");
	memset(topic, 'a', sizeof(topic));
	topic[sizeof(topic) - 1] = '\0';
	for (i = 0; i < 1000; i++) {
		snprintf(number, sizeof(number), "%06d", i);
		memcpy(topic, number, 6);
		send_subscribe(&a, topic, MATCH_EXACT);
		side_next(T0, &g, 20000);
		if (g.type == IMSG_REFUSED)
			break;
		if (g.type != IMSG_SUBSCRIBED)
			errx(1, "got imsg %u", g.type);
	}
	if (i < 300 || i > 520)
		errx(1, "%d subscriptions of 4 kB in 2 MB", i);
	/* a registration is smaller: one may still fit */
	for (i = 0; i < 2; i++) {
		send_register(&b, topic, MATCH_EXACT, 0);
		side_next(T0, &g, 20000);
		if (g.type == IMSG_REFUSED)
			break;
		memcpy(topic, "again-", 6);
	}
	if (g.type != IMSG_REFUSED)
		errx(1, "got imsg %u, want a registration refused", g.type);
	memcpy(topic, "later-", 6);
	leave(&a);
	registers(&b, topic);
	subscribe(&b, topic);
	leave(&b);
	bp_quiet();
	bp_ok("what clients make it keep is bounded, too");
}

int
main(void)
{
	struct conf	*c = bconf_new();

	c->limits.calls = NCALLS;
	bp_start(c, 3);
	stalled();
	recovers();
	replies();
	fences();
	cancelled();
	memory();
	lost();
	state();
	bp_stop();
	return (0);
}
