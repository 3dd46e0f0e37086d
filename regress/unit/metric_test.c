/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Metrics: the table is sound, times fall between the right bounds, rows
 * that have no room are taken back, and the text for Prometheus is that of
 * the rows, whatever a process that was taken over makes of these.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "ctlrow.h"
#include "limit.h"
#include "metric.h"
#include "mpput.h"
#include "proc.h"
#include "promtext.h"

static uint8_t	buf[65536];

static void
table(void)
{
	const struct metric_def	*d;
	size_t			 i, len;

	for (i = 0; i < METRIC_MAX; i++) {
		d = metric_def((enum metric)i);
		if (d->name == NULL || d->help == NULL)
			errx(1, "metric %zu has no name or help", i);
		if (metric_find(d->name, strlen(d->name)) != d)
			errx(1, "%s is there twice", d->name);
		len = strlen(d->name);
		if ((len > 6 && strcmp(d->name + len - 6, "_total") == 0) !=
		    (d->type == METRIC_COUNTER))
			errx(1, "%s: counters end in _total", d->name);
	}
	if (metric_find("wampd_u", 7) != NULL)
		errx(1, "what does not exist is found");
}

static void
bounds(void)
{
	struct metric_hist	h;
	char			text[32];
	size_t			i;

	memset(&h, 0, sizeof(h));
	for (i = 0; i < METRIC_BOUNDS; i++) {
		metric_observe(&h, metric_bounds[i]);
		metric_observe(&h, metric_bounds[i] + 1);
		snprintf(text, sizeof(text), "%g",
		    (double)metric_bounds[i] / 1000000);
		if (strcmp(text, metric_bound_name(i)) != 0)
			errx(1, "bound %zu: %s, want %s", i,
			    metric_bound_name(i), text);
	}
	for (i = 0; i <= METRIC_BOUNDS; i++)
		if (h.n[i] != (uint64_t)(i == 0 || i == METRIC_BOUNDS ? 1 : 2))
			errx(1, "bucket %zu: %llu", i,
			    (unsigned long long)h.n[i]);
}

/* -- rows of a child ---------------------------------------------------- */

static void
rows(void)
{
	static struct ctlrows	r;
	struct metricrows	m;
	struct proc		p;
	size_t			before;
	uint32_t		nrows;
	unsigned int		i;

	memset(&p, 0, sizeof(p));
	p.role = PROC_BROKER;
	p.instance = 3;
	ctlrows_init(&r);
	metricrows_init(&m, &r, &p);
	if (strcmp(m.process, "broker 3") != 0)
		errx(1, "process: %s", m.process);
	for (i = 0; ; i++) {
		before = r.out.len;
		nrows = r.nrows;
		metricrows_begin(&m);
		metricrow(&m, METRIC_SESSIONS, "realm1", NULL, 1);
		metricrow(&m, METRIC_CALLS, "realm1", NULL, 1);
		if (metricrows_end(&m) == -1)
			break;
		if (r.nrows != nrows + 2)
			errx(1, "%u rows", r.nrows);
	}
	if (i < 20 || r.out.len != before || r.nrows != nrows)
		errx(1, "after %u: %zu octets, want %zu", i, r.out.len,
		    before);
	/* all limits at once */
	ctlrows_init(&r);
	metricrows_begin(&m);
	metricrows_limits(&m);
	if (metricrows_end(&m) == -1 || r.nrows != LIMIT_MAX + 1)
		errx(1, "limits: %u rows", r.nrows);
}

/* -- text --------------------------------------------------------------- */

static int
add(struct promtext *t, const struct mpput *m)
{
	struct val	v;

	if (m->failed || codec_check(SER_MSGPACK, m->p, m->len, &v) !=
	    CODEC_OK)
		errx(1, "a row is no MessagePack");
	return (promtext_add(t, &v));
}

static void
begin(struct mpput *m, uint32_t n)
{
	mpput_init(m, buf, sizeof(buf));
	mpput_map(m, n);
}

static void
expect(struct promtext *t, const char *want)
{
	struct wbuf	w;

	memset(&w, 0, sizeof(w));
	if (promtext_end(t, &w) == -1)
		errx(1, "no text");
	if (w.len != strlen(want) || (w.len > 0 &&
	    memcmp(w.buf, want, w.len) != 0))
		errx(1, "got:\n%.*swant:\n%s", (int)w.len, (char *)w.buf,
		    want);
	wbuf_free(&w);
	promtext_free(t);
	promtext_init(t);
}

static void
text(void)
{
	static const char *const	a[] = { "broker 0", "a\"\\\n\tb\x80" };
	static const char *const	b[] = { "broker 1", "" };
	struct promtext			t;
	struct mpput			m;

	promtext_init(&t);
	/* together, wherever they come from */
	begin(&m, METRIC_FIELDS);
	metric_put(&m, METRIC_SESSIONS, a, 1);
	add(&t, &m);
	begin(&m, METRIC_FIELDS);
	metric_put(&m, METRIC_START, NULL, 1500);
	add(&t, &m);
	begin(&m, METRIC_FIELDS);
	metric_put(&m, METRIC_SESSIONS, b, UINT64_MAX);
	add(&t, &m);
	expect(&t, "# HELP wampd_start_time_seconds When wampd began, in "
	    "seconds since 1970.\n"
	    "# TYPE wampd_start_time_seconds gauge\n"
	    "wampd_start_time_seconds 1.500000\n"
	    "# HELP wampd_sessions Sessions that are joined.\n"
	    "# TYPE wampd_sessions gauge\n"
	    "wampd_sessions{process=\"broker 0\",realm=\"a\\\"\\\\\\n?b?\"} "
	    "1\n"
	    "wampd_sessions{process=\"broker 1\",realm=\"\"} "
	    "18446744073709551615\n");
}

static void
histogram(void)
{
	static const char *const	a[] = { "broker 0" };
	struct metric_hist		h;
	struct promtext			t;
	struct mpput			m;

	memset(&h, 0, sizeof(h));
	metric_observe(&h, 1500);
	metric_observe(&h, 4000000);
	metric_observe(&h, 90000000);
	promtext_init(&t);
	begin(&m, METRIC_HIST_FIELDS);
	metric_put_hist(&m, METRIC_LATENCY, a, &h);
	add(&t, &m);
#define B(le, n)	"wampd_call_duration_seconds_bucket" \
			    "{process=\"broker 0\",le=\"" le "\"} " n "\n"
	expect(&t, "# HELP wampd_call_duration_seconds From a call to the "
	    "final answer of its callee.\n"
	    "# TYPE wampd_call_duration_seconds histogram\n"
	    B("0.001", "0") B("0.002", "1") B("0.005", "1") B("0.01", "1")
	    B("0.02", "1") B("0.05", "1") B("0.1", "1") B("0.2", "1")
	    B("0.5", "1") B("1", "1") B("2", "1") B("5", "2") B("10", "2")
	    B("30", "2") B("60", "2") B("+Inf", "3")
	    "wampd_call_duration_seconds_sum{process=\"broker 0\"} "
	    "94.001500\n"
	    "wampd_call_duration_seconds_count{process=\"broker 0\"} 3\n");
}

/* -- rows that are none ------------------------------------------------- */

static void
head(struct mpput *m, uint32_t n, const char *name, const char *type)
{
	begin(m, n);
	mpput_text(m, "name");
	mpput_text(m, name);
	mpput_text(m, "type");
	mpput_text(m, type);
}

/* nlabels of the three; "process" is a text, or a number. */
static void
labels(struct mpput *m, uint32_t nlabels, int is_text)
{
	static const char *const	names[] = { "process", "realm", "x" };
	uint32_t			i;

	mpput_text(m, "labels");
	mpput_map(m, nlabels);
	for (i = 0; i < nlabels; i++) {
		mpput_text(m, names[i]);
		if (is_text)
			mpput_text(m, "v");
		else
			mpput_uint(m, 1);
	}
}

static void
refused(struct mpput *m, const char *what)
{
	struct promtext	t;

	promtext_init(&t);
	if (add(&t, m) != -1)
		errx(1, "%s is taken", what);
	expect(&t, "");
}

static void
nonsense(void)
{
	static const double	bad[] = { -1, 1e300 * 1e300, 1e300, -0.5 };
	struct mpput		m;
	size_t			i;

	begin(&m, 0);
	refused(&m, "an empty row");
	head(&m, 4, "wampd_x\nwampd_sessions", "gauge");
	labels(&m, 2, 1);
	mpput_text(&m, "value");
	mpput_uint(&m, 1);
	refused(&m, "an unknown name");
	head(&m, 4, "wampd_sessions", "counter");
	labels(&m, 2, 1);
	mpput_text(&m, "value");
	mpput_uint(&m, 1);
	refused(&m, "another type");
	head(&m, 3, "wampd_sessions", "gauge");
	labels(&m, 2, 1);
	refused(&m, "no value");
	head(&m, 3, "wampd_sessions", "gauge");
	mpput_text(&m, "value");
	mpput_uint(&m, 1);
	refused(&m, "no labels");
	for (i = 0; i < 4; i++) {
		if (i == 2)
			continue;
		head(&m, 4, "wampd_sessions", "gauge");
		labels(&m, (uint32_t)i, 1);
		mpput_text(&m, "value");
		mpput_uint(&m, 1);
		refused(&m, "another number of labels");
	}
	head(&m, 4, "wampd_sessions", "gauge");
	labels(&m, 2, 0);
	mpput_text(&m, "value");
	mpput_uint(&m, 1);
	refused(&m, "a label that is a number");
	head(&m, 4, "wampd_sessions", "gauge");
	labels(&m, 2, 1);
	mpput_text(&m, "value");
	mpput_text(&m, "1\nwampd_x 2");
	refused(&m, "a value that is a text");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		head(&m, 4, "wampd_sessions", "gauge");
		labels(&m, 2, 1);
		mpput_text(&m, "value");
		mpput_double(&m, bad[i]);
		refused(&m, "a value out of range");
	}
}

/* 0: sound, 1: a bucket is missing, 2: fewer than before, 3: another count,
 * 4: no sum */
static void
broken_histogram(int how)
{
	struct promtext	t;
	struct mpput	m;
	size_t		i;

	head(&m, 6, "wampd_call_duration_seconds", "histogram");
	labels(&m, 1, 1);
	mpput_text(&m, "buckets");
	mpput_map(&m, METRIC_BOUNDS + 1);
	for (i = 0; i <= METRIC_BOUNDS; i++) {
		mpput_text(&m, how == 1 && i == 5 ? "x" :
		    metric_bound_name(i));
		mpput_uint(&m, how == 2 && i == 5 ? 1 : i);
	}
	mpput_text(&m, how == 4 ? "x" : "sum");
	mpput_double(&m, 1);
	mpput_text(&m, "count");
	mpput_uint(&m, how == 3 ? 1 : METRIC_BOUNDS);
	if (how != 0) {
		refused(&m, "a broken histogram");
		return;
	}
	promtext_init(&t);
	if (add(&t, &m) == -1)
		errx(1, "a histogram is not taken");
	promtext_free(&t);
}

int
main(void)
{
	int	i;

	table();
	bounds();
	rows();
	text();
	histogram();
	nonsense();
	for (i = 0; i < 5; i++)
		broken_histogram(i);
	return (0);
}
