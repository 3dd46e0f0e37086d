/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * How the parent asks children for wampctl: one question at a time each, in
 * order, the next piece when there is room; and what a child must not answer.
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../wampd/control.h"
#include "chan.h"
#include "mono.h"
#include "xmalloc.h"

static struct wampd		 w;
static struct child		 keeper, broker, proxy[2];
static struct control_client	*a, *b;
static struct m_ctl_query	 sent;		/* the last query */
static unsigned int		 nsent;
static size_t			 room = CONTROL_MAXOUT;
static unsigned int		 nrows;		/* put */
static int			 end_flags;	/* of CTL_END, -1: none */
static int			 nclosed, nkilled;
static int			 all_said = -1;	/* counts_tell_end() */
static uint64_t			 now = 1000;

/* -- in the place of the rest of the parent ------------------------------- */

int
chan_sendv(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n)
{
	(void)slot;
	(void)gen;
	if (c == NULL)
		errx(1, "sent to nobody");
	if (type != IMSG_CTL_QUERY || n != 2)
		errx(1, "sent %u", type);
	memcpy(&sent, iov[0].iov_base, sizeof(sent));
	if (iov[1].iov_len != sent.authidlen)
		errx(1, "authid of %zu octets", iov[1].iov_len);
	nsent++;
	return (0);
}

int
chan_is_open(const struct chan *c)
{
	return (c != NULL);
}

uint64_t
mono_ms(void)
{
	return (now);
}

size_t
control_room(const struct control_client *k)
{
	(void)k;
	return (room);
}

int
control_put(struct control_client *k, enum ctl_kind kind, uint16_t flags,
    const void *data, size_t len)
{
	(void)k;
	(void)data;
	(void)len;
	if (kind == CTL_ROW)
		nrows++;
	else if (kind == CTL_END)
		end_flags = flags;
	return (0);
}

void
control_error(struct control_client *k, const char *fmt, ...)
{
	(void)k;
	(void)fmt;
	end_flags = -2;
}

void
control_close(struct control_client *k)
{
	nclosed++;
	ask_end(&k->ask);
}

int
counts_tell(struct wampd *wampd, counts_cb put, void *arg)
{
	(void)wampd;
	return (put(arg, (const uint8_t *)"", 1));
}

void
child_kill(struct child *c, const char *fmt, ...)
{
	(void)c;
	(void)fmt;
	nkilled++;
}

int
counts_tell_end(int is_complete, counts_cb put, void *arg)
{
	static const uint8_t	row[1];

	all_said = is_complete;
	return (put(arg, row, sizeof(row)));
}

/* -- helpers ------------------------------------------------------------ */

static void
add(struct child *c, enum proc_role role, unsigned int instance)
{
	memset(c, 0, sizeof(*c));
	c->w = &w;
	c->role = role;
	c->instance = (uint16_t)instance;
	c->state = CHILD_UP;
	/* only asked whether it is there */
	c->chan = (struct chan *)(void *)c;
	w.children[w.nchildren++] = c;
}

static void
begin(void)
{
	w.nchildren = 0;
	w.conf = NULL;
	/* in no order */
	add(&proxy[1], PROC_TLSPROXY, 1);
	add(&broker, PROC_BROKER, 0);
	add(&proxy[0], PROC_TLSPROXY, 0);
	add(&keeper, PROC_KEEPER, 0);
	free(a);
	free(b);
	a = xcalloc(1, sizeof(*a));
	b = xcalloc(1, sizeof(*b));
	a->w = b->w = &w;
	nrows = nsent = 0;
	end_flags = -1;
	nclosed = nkilled = 0;
	room = CONTROL_MAXOUT;
}

static int
ask(struct control_client *k, unsigned int what)
{
	k->req.what = (uint16_t)what;
	return (control_ask_begin(k));
}

/* An answer of n rows of one octet, or what is wrong with it. */
static int
answer(struct child *c, uint32_t query, uint32_t n, uint64_t cursor,
    int is_end, int is_lost)
{
	uint8_t			 buf[sizeof(struct m_ctl_rows) + CTL_MAXROWS];
	struct m_ctl_rows	 m;
	struct imsg		 im;
	uint32_t		 i;
	uint8_t			*p = buf + sizeof(m);

	memset(&m, 0, sizeof(m));
	m.query = query;
	m.nrows = n;
	m.cursor = cursor;
	m.is_end = (uint8_t)is_end;
	m.is_lost = (uint8_t)is_lost;
	memcpy(buf, &m, sizeof(m));
	for (i = 0; i < n; i++, p += 3)
		memcpy(p, "\1\0\200", 3);
	memset(&im, 0, sizeof(im));
	im.data = buf;
	im.len = (size_t)(p - buf);
	return (ask_answer(c, &im));
}

static void
want(int is_right, const char *what)
{
	if (!is_right)
		errx(1, "%s", what);
}

/* -- tests -------------------------------------------------------------- */

static void
test_order(void)
{
	struct child	*order[] = { &keeper, &proxy[0], &proxy[1], &broker };
	size_t		 i;

	begin();
	want(ask(a, CTL_MEMORY) == 0, "memory");
	for (i = 0; i < 4; i++) {
		want(control_ask(a) == 0 && nsent == 2 * i + 1 &&
		    a->ask.asked == order[i] && sent.cursor == 0, "first piece");
		/* it is not asked again before it answered */
		want(control_ask(a) == 0 && nsent == 2 * i + 1, "patience");
		want(answer(order[i], sent.query, 2, 7, 0, 0) == 0, "rows");
		/* nor before there is room */
		room = 1000;
		want(control_ask(a) == 0 && nsent == 2 * i + 1, "room");
		room = CONTROL_MAXOUT;
		want(control_ask(a) == 0 && nsent == 2 * i + 2 &&
		    sent.cursor == 7, "next piece");
		want(answer(order[i], sent.query, 1, 0, 1, 0) == 0, "end");
	}
	want(control_ask(a) == 1 && nrows == 12 && end_flags == 0, "whole");
}

/* Whoever else asks waits until all of it was told. */
static void
test_one_at_a_time(void)
{
	begin();
	ask(a, CTL_SESSIONS);
	ask(b, CTL_CALLS);
	control_ask(a);
	control_ask(b);
	want(nsent == 1 && sent.what == CTL_SESSIONS, "one");
	answer(&broker, sent.query, 1, 3, 0, 0);
	control_ask(b);
	want(nsent == 1, "it waits");
	/* who is gone is owed an answer all the same */
	control_ask(a);
	ask_end(&a->ask);
	control_ask(b);
	want(nsent == 2, "it waits for the answer");
	nrows = 0;
	want(answer(&broker, sent.query, 1, 3, 0, 0) == 0 && nrows == 0,
	    "nobody is told");
	control_ask(b);
	want(nsent == 3 && sent.what == CTL_CALLS && sent.cursor == 0, "next");
}

static void
test_incomplete(void)
{
	begin();
	/* down */
	proxy[0].state = CHILD_START;
	ask(a, CTL_CONNECTIONS);
	control_ask(a);
	want(a->ask.asked == &proxy[1], "the other one");
	/* dies */
	ask_child_gone(&proxy[1]);
	want(control_ask(a) == 1 && end_flags == CTL_INCOMPLETE &&
	    proxy[1].ask_query == 0, "not all");
	/* lost it */
	begin();
	ask(a, CTL_SESSIONS);
	control_ask(a);
	want(answer(&broker, sent.query, 0, 0, 1, 1) == 0 &&
	    control_ask(a) == 1 && end_flags == CTL_INCOMPLETE, "lost");
}

static void
test_nonsense(void)
{
	static const struct {
		int		 query;		/* added to the right one */
		uint32_t	 n;
		uint64_t	 cursor;
		int		 is_end, is_lost;
	} bad[] = {
		{ 1, 1, 0, 1, 0 },	/* another question */
		{ -1, 1, 0, 1, 0 },
		{ 0, 1, 0, 0, 0 },	/* more, but where? */
		{ 0, 1, 5, 1, 0 },	/* an end that is none */
		{ 0, 1, 0, 2, 0 },
		{ 0, 1, 0, 1, 2 },
		{ 0, 1, 5, 0, 1 }	/* lost, and no end */
	};
	static const uint8_t	rows[][6] = {
		{ 1, 0, 0x80, 1, 0, 0x80 },	/* fine, if there are two */
		{ 4, 0, 0x80, 0x80, 0x80, 0x80 },
		{ 5, 0, 0x80, 0x80, 0x80, 0x80 },	/* too long */
		{ 0xff, 0xff, 0x80, 0x80, 0x80, 0x80 },
		{ 0, 0, 1, 0, 0x80, 0 },
		{ 1, 0, 0x80, 0x80, 0x80, 0x80 },
		{ 3, 0, 0x80, 0x80, 0x80, 1 }	/* half a length */
	};
	struct m_ctl_rows	m;
	struct imsg		im;
	uint8_t			buf[sizeof(m) + 6];
	uint32_t		n;
	size_t			i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin();
		ask(a, CTL_SESSIONS);
		control_ask(a);
		want(answer(&broker, sent.query + (uint32_t)bad[i].query,
		    bad[i].n, bad[i].cursor, bad[i].is_end,
		    bad[i].is_lost) == -1 && nrows == 0, "nonsense is taken");
	}
	/* unasked, and twice */
	want(answer(&keeper, sent.query, 0, 0, 1, 0) == -1, "unasked");
	want(answer(&broker, sent.query, 0, 0, 1, 0) == 0 &&
	    answer(&broker, sent.query, 0, 0, 1, 0) == -1, "twice");
	/* rows */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (n = 0; n < 4; n++) {
			begin();
			ask(a, CTL_SESSIONS);
			control_ask(a);
			memset(&m, 0, sizeof(m));
			m.query = sent.query;
			m.nrows = n;
			m.is_end = 1;
			memcpy(buf, &m, sizeof(m));
			memcpy(buf + sizeof(m), rows[i], 6);
			memset(&im, 0, sizeof(im));
			im.data = buf;
			im.len = sizeof(buf);
			want((ask_answer(&broker, &im) == 0) ==
			    ((i == 0 && n == 2) || (i == 1 && n == 1)),
			    "rows of nonsense");
			if (i > 1)
				want(nrows == 0, "some were passed on");
		}
}

static void
test_patience(void)
{
	begin();
	ask(a, CTL_SESSIONS);
	ask(b, CTL_SESSIONS);
	control_ask(a);
	control_ask(b);
	ask_tick(&w);
	want(nkilled == 0, "too early");
	now += 31000;
	ask_tick(&w);
	want(nkilled == 1 && nclosed == 0, "no answer");
	/* the client's fault, but only if somebody waits */
	begin();
	ask(a, CTL_SESSIONS);
	ask(b, CTL_SESSIONS);
	control_ask(a);
	answer(&broker, sent.query, 1, 3, 0, 0);
	now += 31000;
	ask_tick(&w);
	want(nkilled == 0 && nclosed == 0, "nobody waits");
	control_ask(b);
	ask_tick(&w);
	want(nkilled == 0 && nclosed == 1, "somebody waits");
	control_ask(b);
	want(b->ask.asked == &broker, "in turn");
}

/* Its channel is gone before it is reaped. */
static void
test_dying(void)
{
	begin();
	ask(a, CTL_SESSIONS);
	control_ask(a);
	answer(&broker, sent.query, 1, 3, 0, 0);
	broker.chan = NULL;
	want(control_ask(a) == 0 && nsent == 1, "nothing is sent to it");
	ask_child_gone(&broker);
	want(control_ask(a) == 1 && end_flags == CTL_INCOMPLETE,
	    "and then it is gone");
}

/* What the parent counts comes first, if there is room for all of it. */
static void
test_metrics(void)
{
	struct child	*order[] = { &keeper, &proxy[0], &proxy[1], &broker };
	int		 i;

	begin();
	want(ask(a, CTL_METRICS) == 0, "metrics");
	a->outlen = 1;
	want(control_metrics(a) == 0 && nrows == 0 && nsent == 0, "not yet");
	a->outlen = 0;
	want(control_metrics(a) == 0 && nrows == 1 && nsent == 1 &&
	    sent.what == CTL_METRICS && a->ask.asked == &keeper, "the first");
	want(control_metrics(a) == 0 && nrows == 1, "once");
	for (i = 0; i < 4; i++) {
		want(answer(order[i], sent.query, 1, 0, 1, i == 2) == 0,
		    "an answer");
		want(control_metrics(a) == (i == 3), "the next one");
	}
	want(nrows == 6 && all_said == 0 && end_flags == CTL_INCOMPLETE,
	    "it says that it is not all");
	begin();
	ask(a, CTL_METRICS);
	room = 1000;
	want(control_metrics(a) == 1 && end_flags == -2 && nsent == 0,
	    "too long");
}

/* Nothing said is not all. */
static void
test_which(void)
{
	begin();
	want(ask(a, CTL_KILL_AUTHID) == -1 && end_flags == -2, "authid");
	want(ask(a, CTL_KILL_SESSION) == -1, "kill session");
	want(ask(a, CTL_SESSION) == -1, "session");
	memcpy(a->req.authid, "me", 3);
	a->req.session = 5;
	want(ask(a, CTL_KILL_AUTHID) == 0 && ask(a, CTL_KILL_SESSION) == 0 &&
	    ask(a, CTL_SESSION) == 0, "which one is said");
	want(nsent == 0, "not yet");
	control_ask(a);
	want(sent.session == 5 && sent.authidlen == 2, "and passed on");
}

int
main(void)
{
	test_order();
	test_one_at_a_time();
	test_incomplete();
	test_dying();
	test_nonsense();
	test_patience();
	test_metrics();
	test_which();
	free(a);
	free(b);
	return (0);
}
