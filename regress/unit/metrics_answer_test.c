/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the metrics process makes of the parent's answers: nothing that it did
 * not ask for, nothing cut short or left over, and of rows only those that
 * metric.h has.
 */
#include <err.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../metrics/metrics.h"
#include "chan.h"
#include "conf.h"
#include "metric.h"
#include "mpput.h"
#include "promtext.h"

struct metrics		 metrics;

static uint32_t		 asked[QUESTIONS];	/* the last number */
static unsigned int	 nasked;
static int		 outcome = -1;
static char		 text[65536];

/* -- in the place of the others ------------------------------------------ */

int
chan_send(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	struct m_u32	m;

	(void)c;
	(void)slot;
	(void)gen;
	if (len != sizeof(m) || (type != IMSG_COUNTS_ASK &&
	    type != IMSG_HEALTH_ASK))
		errx(1, "sent %u, %zu octets", type, len);
	memcpy(&m, data, sizeof(m));
	asked[type == IMSG_COUNTS_ASK ? ASK_COUNTS : ASK_HEALTH] = m.n;
	nasked++;
	return (0);
}

void
http_reply_all(enum question q, enum outcome o, size_t len,
    int (*add)(struct evbuffer *, void *), void *arg)
{
	struct evbuffer	*b = evbuffer_new();
	int		 n;

	(void)q;
	outcome = (int)o;
	if (add != NULL && add(b, arg) == -1)
		errx(1, "add");
	n = evbuffer_remove(b, text, sizeof(text) - 1);
	if (n < 0 || (size_t)n != len)
		errx(1, "%d octets of text, said %zu", n, len);
	text[n] = '\0';
	evbuffer_free(b);
}

/* -- helpers ------------------------------------------------------------ */

static void
want(int is_right, const char *what)
{
	if (!is_right)
		errx(1, "%s", what);
}

static uint8_t	 buf[sizeof(struct m_counts) + CTL_MAXROWS];

static int
counts(uint32_t number, uint32_t nrows, int is_end, int is_lost,
    const void *rows, size_t len)
{
	struct m_counts	m;
	struct imsg	im;

	memset(&m, 0, sizeof(m));
	m.number = number;
	m.nrows = nrows;
	m.is_end = (uint8_t)is_end;
	m.is_lost = (uint8_t)is_lost;
	memcpy(buf, &m, sizeof(m));
	if (len > 0)
		memcpy(buf + sizeof(m), rows, len);
	memset(&im, 0, sizeof(im));
	im.data = buf;
	im.len = sizeof(m) + len;
	outcome = -1;
	return (answer_counts(NULL, &im));
}

static int
health(uint32_t number, int is_good, const char *why, size_t len)
{
	struct m_health	m;
	struct imsg	im;

	memset(&m, 0, sizeof(m));
	m.number = number;
	m.is_good = (uint8_t)is_good;
	m.textlen = (uint16_t)len;
	memcpy(buf, &m, sizeof(m));
	memcpy(buf + sizeof(m), why, strlen(why));
	memset(&im, 0, sizeof(im));
	im.data = buf;
	im.len = sizeof(m) + strlen(why);
	outcome = -1;
	return (answer_health(NULL, &im));
}

/* A row that metric.h has, with its length in front. */
static size_t
row(uint8_t *p, const char *process, uint64_t n)
{
	const char	*labels[METRIC_LABELS] = { process, NULL };
	struct mpput	 m;
	uint16_t	 len;

	mpput_init(&m, p + sizeof(len), 500 + strlen(process));
	mpput_map(&m, METRIC_FIELDS);
	metric_put(&m, METRIC_UP, labels, n);
	len = (uint16_t)m.len;
	memcpy(p, &len, sizeof(len));
	return (sizeof(len) + len);
}

/* -- tests -------------------------------------------------------------- */

static void
test_counts(void)
{
	uint8_t	rows[2000];
	size_t	n;

	answer_want(ASK_COUNTS);
	answer_want(ASK_COUNTS);
	want(nasked == 1, "it is asked once");
	n = row(rows, "wampd", 1);
	n += row(rows + n, "a\"b", 0);
	want(counts(asked[0], 2, 0, 0, rows, n) == 0 && outcome == -1,
	    "the first part");
	n = row(rows, "keeper", 1);
	want(counts(asked[0], 1, 1, 1, rows, n) == 0 && outcome == OUT_OK,
	    "the end");
	want(strstr(text, "# TYPE wampd_process_up gauge\n"
	    "wampd_process_up{process=\"wampd\"} 1\n"
	    "wampd_process_up{process=\"a\\\"b\"} 0\n"
	    "wampd_process_up{process=\"keeper\"} 1\n") != NULL, text);
	/* nothing of it is left */
	answer_want(ASK_COUNTS);
	want(nasked == 2 && counts(asked[0], 0, 1, 0, NULL, 0) == 0 &&
	    outcome == OUT_OK && text[0] == '\0', "no rows");
}

static void
test_rows(void)
{
	static const struct {
		const char	*octets;
		size_t		 len;
	} bad[] = {
		{ "\1\0\300", 3 },		/* nil */
		{ "\1\0\200", 3 },		/* a map with nothing */
		{ "\2\0\201\1", 4 },		/* cut short */
		{ "\2\0\200\200", 4 },		/* two maps */
		{ "\3\0\201\1\2", 5 },		/* a key that is no text */
		{ "\1\0\301", 3 },
	};
	static char	 name[11000];
	static uint8_t	 rows[12000];
	size_t		 i, n;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		answer_want(ASK_COUNTS);
		n = row(rows, "wampd", 1);
		memcpy(rows + n, bad[i].octets, bad[i].len);
		n += bad[i].len;
		n += row(rows + n, "keeper", 1);
		want(counts(asked[0], 3, 1, 0, rows, n) == 0 &&
		    outcome == OUT_UNAVAILABLE &&
		    strstr(text, "wampd_process") == NULL, "bad row");
	}
	/* more of them than a text may be of */
	memset(name, '"', sizeof(name) - 1);
	answer_want(ASK_COUNTS);
	n = row(rows, name, 1);
	for (i = 0; i < PROMTEXT_MAX / (2 * sizeof(name)); i++)
		want(counts(asked[0], 1, 0, 0, rows, n) == 0, "rows");
	want(counts(asked[0], 0, 1, 0, NULL, 0) == 0 &&
	    outcome == OUT_UNAVAILABLE, "too many");
}

static void
test_nonsense(void)
{
	uint8_t	rows[2000];
	size_t	n = row(rows, "wampd", 1);

	want(counts(asked[0], 1, 1, 0, rows, n) == -1, "unasked");
	answer_want(ASK_COUNTS);
	want(counts(asked[0] + 1, 1, 1, 0, rows, n) == -1, "number");
	want(counts(asked[0] - 1, 1, 1, 0, rows, n) == -1, "an old number");
	want(counts(asked[0], 1, 2, 0, rows, n) == -1, "end");
	want(counts(asked[0], 1, 0, 1, rows, n) == -1, "lost, and no end");
	want(counts(asked[0], 2, 1, 0, rows, n) == -1, "too few");
	want(counts(asked[0], 0, 1, 0, rows, n) == -1, "left over");
	want(counts(asked[0], 1, 1, 0, rows, n - 1) == -1, "cut short");
	want(counts(asked[0], 1, 1, 0, rows, 1) == -1, "half a length");
	want(counts(asked[0], 1, 1, 0, "\0\0", 2) == -1, "an empty row");
	want(counts(asked[0], 0, 1, 0, NULL, 0) == 0, "it is still awaited");
}

static void
test_health(void)
{
	want(health(1, 1, "", 0) == -1, "unasked");
	answer_want(ASK_HEALTH);
	want(health(asked[1] + 1, 1, "", 0) == -1, "number");
	want(health(asked[1], 2, "", 0) == -1, "good is 2");
	want(health(asked[1], 0, "why", 2) == -1, "left over");
	want(health(asked[1], 0, "why", 4) == -1, "cut short");
	want(health(asked[1], 0, "broker 0 is down", 16) == 0 &&
	    outcome == OUT_UNAVAILABLE &&
	    strcmp(text, "broker 0 is down\n") == 0, "why");
	answer_want(ASK_HEALTH);
	want(health(asked[1], 1, "", 0) == 0 && outcome == OUT_OK &&
	    strcmp(text, "ok\n") == 0, "ok");
	want(health(asked[1], 1, "", 0) == -1, "twice");
}

/* Who waits is told in time, and the answer that comes late is taken. */
static void
test_late(void)
{
	metrics.conf->limits.metrics_time = 1;
	answer_want(ASK_COUNTS);
	outcome = -1;
	while (outcome == -1)
		event_base_loop(metrics.proc.base, EVLOOP_ONCE);
	want(outcome == OUT_UNAVAILABLE &&
	    strcmp(text, "wampd does not answer\n") == 0, "late");
	nasked = 0;
	answer_want(ASK_COUNTS);
	want(nasked == 0, "the parent still owes an answer");
	want(counts(asked[0], 0, 1, 0, NULL, 0) == 0 && outcome == OUT_OK,
	    "to who came later");
}

int
main(void)
{
	if ((metrics.proc.base = event_base_new()) == NULL)
		errx(1, "event_base_new");
	metrics.conf = conf_new();
	answer_prepare();
	test_counts();
	test_rows();
	test_nonsense();
	test_health();
	test_late();
	conf_free(metrics.conf);
	event_base_free(metrics.proc.base);
	return (0);
}
