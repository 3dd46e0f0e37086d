/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the parent makes of a metrics process's questions: one at a time each,
 * numbers that grow, not too often; rows in imsgs that are not too long, and
 * none while it does not read; who does not answer a ping is named.
 */
#include <err.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../wampd/ask.h"
#include "../../wampd/wampd.h"
#include "chan.h"
#include "ctl.h"
#include "mono.h"

static struct wampd		 w;
static struct child		 keeper, broker, proxy, scraper;
static int			 all_said = -1;	/* counts_tell_end() */
static uint64_t			 now = 100000;
static size_t			 waiting;	/* for the metrics process */
static struct m_ctl_query	 query;
static unsigned int		 nqueries, npings, nkilled;
static struct m_counts		 counts;
static unsigned int		 ncounts, nrows;
static struct m_health		 answer;
static unsigned int		 nanswers;
static char			 why[HEALTH_MAXTEXT + 1];
static struct ask		 held;		/* somebody else's */
static unsigned int		 nown = 1;	/* rows of the parent */

/* -- in the place of the rest of the parent ------------------------------- */

static void
take_counts(const struct iovec *iov)
{
	const uint8_t	*p = iov[1].iov_base;
	size_t		 left = iov[1].iov_len;
	uint32_t	 i;
	uint16_t	 len;

	memcpy(&counts, iov[0].iov_base, sizeof(counts));
	ncounts++;
	if (left > CTL_MAXROWS)
		errx(1, "%zu octets of rows", left);
	for (i = 0; i < counts.nrows; i++, nrows++) {
		memcpy(&len, p, sizeof(len));
		p += sizeof(len) + len;
		left -= sizeof(len) + len;
	}
	if (left != 0)
		errx(1, "%zu octets left over", left);
}

int
chan_sendv(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n)
{
	(void)slot;
	(void)gen;
	if (n != 2)
		errx(1, "%d parts", n);
	if (type == IMSG_CTL_QUERY) {
		memcpy(&query, iov[0].iov_base, sizeof(query));
		nqueries++;
	} else if (c != scraper.chan)
		errx(1, "%u to somebody else", type);
	else if (type == IMSG_COUNTS)
		take_counts(iov);
	else if (type == IMSG_HEALTH) {
		memcpy(&answer, iov[0].iov_base, sizeof(answer));
		memcpy(why, iov[1].iov_base, iov[1].iov_len);
		why[iov[1].iov_len] = '\0';
		if (iov[1].iov_len != answer.textlen)
			errx(1, "text of %zu octets", iov[1].iov_len);
		nanswers++;
	} else
		errx(1, "sent %u", type);
	return (0);
}

int
chan_send(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	(void)slot;
	(void)gen;
	(void)data;
	if (type != IMSG_PING || len != 4 || c == proxy.chan ||
	    c == scraper.chan)
		errx(1, "sent %u", type);
	npings++;
	return (0);
}

int
chan_is_open(const struct chan *c)
{
	return (c != NULL);
}

size_t
chan_waiting(const struct chan *c)
{
	(void)c;
	return (waiting);
}

uint64_t
mono_ms(void)
{
	return (now);
}

struct child *
child_find(struct wampd *wampd, unsigned int role, unsigned int instance)
{
	size_t	i;

	for (i = 0; i < wampd->nchildren; i++)
		if (wampd->children[i]->role == role &&
		    wampd->children[i]->instance == instance)
			return (wampd->children[i]);
	return (NULL);
}

void
child_kill(struct child *c, const char *fmt, ...)
{
	(void)fmt;
	nkilled++;
	c->chan = NULL;
}

int
counts_tell(struct wampd *wampd, counts_cb put, void *arg)
{
	static const uint8_t	row[1000];
	unsigned int		i;

	(void)wampd;
	for (i = 0; i < nown; i++)
		if (put(arg, row, sizeof(row)) == -1)
			return (-1);
	return (0);
}

int
counts_tell_end(int is_complete, counts_cb put, void *arg)
{
	(void)put;
	(void)arg;
	all_said = is_complete;
	return (0);
}

/* -- helpers ------------------------------------------------------------ */

static void
want(int is_right, const char *what)
{
	if (!is_right)
		errx(1, "%s", what);
}

static void
add(struct child *c, enum proc_role role, const char *name)
{
	memset(c, 0, sizeof(*c));
	c->w = &w;
	c->role = role;
	c->generation = 1;
	c->state = CHILD_UP;
	c->pid = 1;
	strlcpy(c->name, name, sizeof(c->name));
	/* only asked whether it is there */
	c->chan = (struct chan *)(void *)c;
	w.children[w.nchildren++] = c;
}

static void
begin(void)
{
	scrape_stop(&w);
	w.nchildren = 0;
	w.is_ready = 1;
	add(&broker, PROC_BROKER, "broker 0");
	add(&scraper, PROC_METRICS, "metrics");
	add(&proxy, PROC_TLSPROXY, "tlsproxy 0");
	add(&keeper, PROC_KEEPER, "keeper");
	now += 100000;
	waiting = nqueries = npings = nkilled = ncounts = nrows = 0;
	nanswers = 0;
	nown = 1;
}

/* The child that was asked answers by n rows of one octet; cursor 0: all. */
static int
part(struct child *c, uint32_t n, uint64_t cursor)
{
	uint8_t			 buf[sizeof(struct m_ctl_rows) + CTL_MAXROWS];
	struct m_ctl_rows	 m;
	struct imsg		 im;
	uint32_t		 i;
	uint8_t			*p = buf + sizeof(m);

	memset(&m, 0, sizeof(m));
	m.query = query.query;
	m.nrows = n;
	m.cursor = cursor;
	m.is_end = cursor == 0;
	memcpy(buf, &m, sizeof(m));
	for (i = 0; i < n; i++, p += 3)
		memcpy(p, "\1\0\200", 3);
	memset(&im, 0, sizeof(im));
	im.data = buf;
	im.len = (size_t)(p - buf);
	return (ask_answer(c, &im));
}

static int
reply(struct child *c, uint32_t n)
{
	return (part(c, n, 0));
}

/* All that are asked answer. */
static void
all_reply(void)
{
	struct child	*order[] = { &keeper, &proxy, &broker, &scraper };
	size_t		 i;

	for (i = 0; i < 4; i++) {
		scrape_progress(&w);
		want(nqueries == i + 1 && query.what == CTL_METRICS, "order");
		want(reply(order[i], 2) == 0, "reply");
	}
	scrape_progress(&w);
}

/* -- tests -------------------------------------------------------------- */

static void
test_counts(void)
{
	begin();
	want(scrape_counts_asked(&scraper, 7) == 0, "asked");
	all_reply();
	want(ncounts == 1 && nrows == 9 && counts.number == 7 &&
	    counts.is_end == 1 && counts.is_lost == 0 && all_said == 1,
	    "counts");
	/* somebody is missing */
	now += 1000;
	nqueries = nrows = 0;
	broker.state = CHILD_START;
	want(scrape_counts_asked(&scraper, 8) == 0, "asked again");
	scrape_progress(&w);
	reply(&keeper, 1);
	scrape_progress(&w);
	ask_child_gone(&proxy);
	scrape_progress(&w);
	want(reply(&scraper, 1) == 0, "its own");
	scrape_progress(&w);
	want(counts.number == 8 && counts.is_end == 1 && counts.is_lost == 1 &&
	    nrows == 3 && all_said == 0, "not all");
}

static void
test_nonsense(void)
{
	static int	(*const asks[])(struct child *, uint32_t) = {
		scrape_counts_asked, scrape_health_asked
	};
	size_t		 i;

	for (i = 0; i < 2; i++) {
		begin();
		want(asks[i](&broker, 1) == -1 && asks[i](&proxy, 1) == -1 &&
		    asks[i](&keeper, 1) == -1, "of another");
		scraper.state = CHILD_PEERS;
		want(asks[i](&scraper, 1) == -1, "too early");
		scraper.state = CHILD_UP;
		want(asks[i](&scraper, 0) == -1, "zero");
		want(asks[i](&scraper, 2) == 0, "asked");
		want(asks[i](&scraper, 3) == -1, "twice");
		scrape_progress(&w);
		want(asks[i](&scraper, 3) == -1, "while it is asked");
		if (i == 0)
			all_reply();
		else {
			keeper.ping_got = keeper.ping_sent;
			broker.ping_got = broker.ping_sent;
			scrape_progress(&w);
		}
		want(asks[i](&scraper, 2) == -1 && asks[i](&scraper, 1) == -1,
		    "a number again");
		want(asks[i](&scraper, 3) == 0, "the next one");
		/* another process counts anew */
		scraper.generation++;
		want(asks[i](&scraper, 1) == 0, "another process");
		scraper.chan = NULL;
		scrape_progress(&w);
		scraper.chan = (struct chan *)(void *)&scraper;
		want(asks[i](&scraper, 1) == 0, "gone and here again");
	}
}

static void
test_often(void)
{
	begin();
	want(scrape_counts_asked(&scraper, 1) == 0, "asked");
	all_reply();
	nqueries = 0;
	want(scrape_counts_asked(&scraper, 2) == 0, "at once");
	scrape_progress(&w);
	now += 999;
	scrape_progress(&w);
	want(nqueries == 0, "too often");
	now += 1;
	scrape_progress(&w);
	want(nqueries == 1, "a second later");
}

static void
test_room(void)
{
	begin();
	nown = 100;
	want(scrape_counts_asked(&scraper, 1) == 0, "asked");
	scrape_progress(&w);
	/* a hundred rows of a thousand octets are several imsgs */
	want(ncounts > 7 && nrows > 80 && counts.is_end == 0, "pieces");
	reply(&keeper, 2);
	waiting = 64 * 1024;
	nqueries = 0;
	scrape_progress(&w);
	want(nqueries == 0, "it does not read");
	waiting = 0;
	scrape_progress(&w);
	want(nqueries == 1, "it reads");
}

/* Who is slow, or held by another one, is missing, and all others are told. */
static void
test_slow(void)
{
	begin();
	want(scrape_counts_asked(&scraper, 1) == 0, "asked");
	scrape_progress(&w);
	now += 2499;
	scrape_progress(&w);
	want(nqueries == 1 && keeper.asker != NULL, "its turn");
	now += 1;
	scrape_progress(&w);
	want(keeper.asker == NULL, "no longer");
	proxy.asker = &held;
	scrape_progress(&w);
	want(nqueries == 1 && !counts.is_end, "it is held");
	now += 2499;
	scrape_progress(&w);
	want(nqueries == 1 && !counts.is_end, "it is held yet");
	now += 1;
	scrape_progress(&w);
	want(counts.is_end == 1 && counts.is_lost == 1 && nkilled == 0,
	    "the end of it");
	/* what it says late is for nobody */
	want(keeper.ask_query != 0 && reply(&keeper, 1) == 0 && nrows == 1,
	    "late");
	/* in time but for one */
	begin();
	want(scrape_counts_asked(&scraper, 1) == 0, "asked");
	proxy.asker = &held;
	scrape_progress(&w);
	want(reply(&keeper, 1) == 0, "keeper");
	scrape_progress(&w);
	now += 2500;
	scrape_progress(&w);
	scrape_progress(&w);
	want(nqueries == 2 && reply(&broker, 1) == 0, "the next one");
	scrape_progress(&w);
	want(reply(&scraper, 1) == 0, "the last one");
	scrape_progress(&w);
	want(counts.is_end == 1 && counts.is_lost == 1 && nrows == 4,
	    "all but one");
	/* as long as "limits metrics" allows */
	begin();
	w.conf->limits.metrics_time = 100;
	want(scrape_counts_asked(&scraper, 1) == 0, "asked");
	scrape_progress(&w);
	now += 50;
	scrape_progress(&w);
	want(counts.is_end == 1 && counts.is_lost == 1, "a short time");
	w.conf->limits.metrics_time = 10000;
}

/* One that does not end its answer is one that sends nonsense. */
static void
test_endless(void)
{
	unsigned int	i;

	begin();
	want(scrape_counts_asked(&scraper, 1) == 0, "asked");
	for (i = 0; i < 1000; i++) {
		scrape_progress(&w);
		want(part(&keeper, 1, 7) == 0, "a part");
	}
	scrape_progress(&w);
	want(part(&keeper, 1, 7) == -1, "without end");
}

static void
test_health(void)
{
	begin();
	want(scrape_health_asked(&scraper, 5) == 0, "asked");
	scrape_progress(&w);
	want(npings == 2 && nanswers == 0, "pings");
	keeper.ping_got = keeper.ping_sent;
	scrape_progress(&w);
	want(nanswers == 0, "one");
	broker.ping_got = broker.ping_sent;
	scrape_progress(&w);
	want(nanswers == 1 && answer.number == 5 && answer.is_good == 1 &&
	    answer.textlen == 0, "good");
	/* late */
	now += 100;
	scrape_health_asked(&scraper, 6);
	scrape_progress(&w);
	keeper.ping_got = keeper.ping_sent;
	now += 1999;
	scrape_progress(&w);
	want(nanswers == 1, "in time");
	now += 1;
	scrape_progress(&w);
	want(nanswers == 2 && answer.is_good == 0 &&
	    strcmp(why, "broker 0 does not answer") == 0, "late");
	/* down */
	now += 100;
	broker.pid = 0;
	broker.state = CHILD_DOWN;
	scrape_health_asked(&scraper, 7);
	scrape_progress(&w);
	want(nanswers == 3 && strcmp(why, "broker 0 is down") == 0, "down");
	broker.pid = 2;
	broker.state = CHILD_UP;
	/* it was not sent one */
	broker.ping_health = 0;
	now += 100;
	w.drain.is_on = 1;
	scrape_health_asked(&scraper, 8);
	scrape_progress(&w);
	want(nanswers == 4 && strncmp(why, "drained", 7) == 0, "drained");
	/* a caretaker's processes are asked all the same */
	w.is_stopping = w.is_caretaker = 1;
	now += 100;
	scrape_health_asked(&scraper, 9);
	scrape_progress(&w);
	keeper.ping_got = keeper.ping_sent;
	broker.ping_got = broker.ping_sent;
	scrape_progress(&w);
	want(nanswers == 5 && answer.is_good == 1, "of a caretaker");
	w.drain.is_on = w.is_caretaker = 0;
	now += 100;
	scrape_health_asked(&scraper, 10);
	scrape_progress(&w);
	want(nanswers == 6 && strcmp(why, "wampd is stopping") == 0,
	    "stopping");
	/* it does not read */
	waiting = CHILD_MAXWAITING;
	now += 2000;
	scrape_health_asked(&scraper, 11);
	scrape_counts_asked(&scraper, 1);
	scrape_progress(&w);
	want(nanswers == 6 && nrows == 0, "nothing more");
	waiting--;
	scrape_progress(&w);
	want(nanswers == 7 && nqueries == 1, "it has read");
	w.is_stopping = 0;
}

int
main(void)
{
	if ((w.base = event_base_new()) == NULL)
		errx(1, "event_base_new");
	w.conf = conf_new();
	test_counts();
	test_nonsense();
	test_often();
	test_room();
	test_slow();
	test_endless();
	test_health();
	scrape_stop(&w);
	conf_free(w.conf);
	event_base_free(w.base);
	return (0);
}
