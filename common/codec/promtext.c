/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Text for Prometheus.  Of a row no octet is passed on that the table of
 * metrics and the format do not allow: its names are those of the table, its
 * values are numbers, its labels are escaped.
 */
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "promtext.h"

void
promtext_init(struct promtext *t)
{
	memset(t, 0, sizeof(*t));
}

void
promtext_free(struct promtext *t)
{
	size_t	i;

	for (i = 0; i < METRIC_MAX; i++)
		wbuf_free(&t->lines[i]);
	t->len = 0;
}

static void
add(struct wbuf *w, const char *s)
{
	wbuf_add(w, s, strlen(s));
}

/* -- what a row has ----------------------------------------------------- */

/* 0, or -1: there is none of that type. */
static int
get(const struct val *map, const char *key, enum val_type type,
    struct val *v)
{
	struct val_iter	it;
	struct val	k;

	val_iter_init(&it, map);
	while (val_map_next(&it, &k, v))
		if (k.type == VAL_STR && val_is(&k, key, strlen(key)))
			return (v->type == type ? 0 : -1);
	return (-1);
}

/* A number that is none below zero: its text, or -1. */
static int
number(const struct val *row, const char *key, char *buf, size_t size)
{
	struct val	v;

	if (get(row, key, VAL_UINT, &v) == 0) {
		snprintf(buf, size, "%llu", (unsigned long long)v.u.u);
		return (0);
	}
	/* infinite, or no number: compared so that both fail */
	if (get(row, key, VAL_FLOAT, &v) == 0 && v.u.d >= 0 &&
	    v.u.d < 1e18) {
		snprintf(buf, size, "%.6f", v.u.d);
		return (0);
	}
	return (-1);
}

/* Escaped as the format wants it; other control characters go. */
static void
label_value(struct wbuf *w, const struct val *v)
{
	size_t	i;

	for (i = 0; i < v->slen; i++) {
		if (v->str[i] == '\\')
			add(w, "\\\\");
		else if (v->str[i] == '"')
			add(w, "\\\"");
		else if (v->str[i] == '\n')
			add(w, "\\n");
		else if (v->str[i] < ' ' || v->str[i] == 0x7f)
			add(w, "?");
		else
			wbuf_add(w, &v->str[i], 1);
	}
}

/* The labels of the table and no others: 0, or -1.  "a="b",c="d"", */
static int
labels(struct wbuf *w, const struct metric_def *d, const struct val *row)
{
	struct val	map, v;
	size_t		i, n = 0;

	if (get(row, "labels", VAL_MAP, &map) == -1)
		return (-1);
	for (i = 0; i < METRIC_LABELS && d->labels[i] != NULL; i++, n++) {
		if (get(&map, d->labels[i], VAL_STR, &v) == -1)
			return (-1);
		if (i > 0)
			add(w, ",");
		add(w, d->labels[i]);
		add(w, "=\"");
		label_value(w, &v);
		add(w, "\"");
	}
	return (val_count(&map) == n ? 0 : -1);
}

/* -- lines -------------------------------------------------------------- */

static void
line(struct wbuf *w, const char *name, const char *suffix,
    const struct wbuf *lab, const char *le, const char *value)
{
	add(w, name);
	add(w, suffix);
	if (lab->len > 0 || le != NULL) {
		add(w, "{");
		wbuf_add(w, lab->buf, lab->len);
		if (le != NULL) {
			add(w, lab->len > 0 ? ",le=\"" : "le=\"");
			add(w, le);
			add(w, "\"");
		}
		add(w, "}");
	}
	add(w, " ");
	add(w, value);
	add(w, "\n");
}

static int
histogram(struct wbuf *w, const struct metric_def *d, const struct wbuf *lab,
    const struct val *row)
{
	struct val	buckets, v;
	char		value[64];
	uint64_t	last = 0;
	size_t		i;

	if (get(row, "buckets", VAL_MAP, &buckets) == -1 ||
	    val_count(&buckets) != METRIC_BOUNDS + 1)
		return (-1);
	for (i = 0; i <= METRIC_BOUNDS; i++) {
		if (get(&buckets, metric_bound_name(i), VAL_UINT, &v) == -1 ||
		    v.u.u < last)
			return (-1);
		last = v.u.u;
		snprintf(value, sizeof(value), "%llu",
		    (unsigned long long)last);
		line(w, d->name, "_bucket", lab, metric_bound_name(i), value);
	}
	if (number(row, "sum", value, sizeof(value)) == -1)
		return (-1);
	line(w, d->name, "_sum", lab, NULL, value);
	/* as many as there are below infinity */
	if (get(row, "count", VAL_UINT, &v) == -1 || v.u.u != last)
		return (-1);
	snprintf(value, sizeof(value), "%llu", (unsigned long long)last);
	line(w, d->name, "_count", lab, NULL, value);
	return (0);
}

int
promtext_add(struct promtext *t, const struct val *row)
{
	const struct metric_def	*d;
	struct val		 name, type;
	struct wbuf		 lab, *w;
	char			 value[64];
	size_t			 len;
	int			 rv;

	if (get(row, "name", VAL_STR, &name) == -1 ||
	    (d = metric_find((const char *)name.str, name.slen)) == NULL ||
	    get(row, "type", VAL_STR, &type) == -1 ||
	    !val_is(&type, metric_type_name(d->type),
	    strlen(metric_type_name(d->type))))
		return (-1);
	w = &t->lines[d - metric_def(0)];
	len = w->len;
	memset(&lab, 0, sizeof(lab));
	if ((rv = labels(&lab, d, row)) == -1)
		;
	else if (d->type == METRIC_HISTOGRAM)
		rv = histogram(w, d, &lab, row);
	else if ((rv = number(row, "value", value, sizeof(value))) == 0)
		line(w, d->name, "", &lab, NULL, value);
	if (lab.failed)
		w->failed = 1;
	/* its labels stand in each line of it: a row may become much */
	if (rv == 0 && w->len - len > PROMTEXT_MAX - t->len)
		rv = -1;
	if (rv == -1)
		w->len = len;
	t->len += w->len - len;
	wbuf_free(&lab);
	return (rv);
}

int
promtext_end(const struct promtext *t, struct wbuf *out)
{
	const struct metric_def	*d;
	size_t			 i;

	for (i = 0; i < METRIC_MAX; i++) {
		if (t->lines[i].failed)
			return (-1);
		if (t->lines[i].len == 0)
			continue;
		d = metric_def((enum metric)i);
		add(out, "# HELP ");
		add(out, d->name);
		add(out, " ");
		add(out, d->help);
		add(out, "\n# TYPE ");
		add(out, d->name);
		add(out, " ");
		add(out, metric_type_name(d->type));
		add(out, "\n");
		wbuf_add(out, t->lines[i].buf, t->lines[i].len);
	}
	return (out->failed ? -1 : 0);
}
