/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Rows for people: columns that fit what is in them.  Widths are those of
 * the first rows; what comes behind these may stick out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wampctl.h"
#include "xmalloc.h"

#define FIRST		500	/* rows looked at for the widths */
#define MAXCOLUMNS	16
#define MAXCELL		8192
#define MAXLABEL	32	/* "remembered_verdicts:" and the like */

struct table {
	const struct column	*columns;
	size_t			 ncolumns;
	size_t			 width[MAXCOLUMNS];
	int			 is_right[MAXCOLUMNS];
	char			**cells;	/* of the first rows */
	size_t			 nrows;
	int			 is_begun;	/* the widths are known */
};

/* A growing text; what is too long is cut. */
struct cell {
	char	buf[MAXCELL];
	size_t	len;
};

static void
add(struct cell *c, const char *s)
{
	size_t	n = strlen(s);

	if (n > sizeof(c->buf) - 1 - c->len)
		n = sizeof(c->buf) - 1 - c->len;
	memcpy(c->buf + c->len, s, n);
	c->len += n;
	c->buf[c->len] = '\0';
}

/* Nothing in it moves the cursor or begins a line. */
static void
add_text(struct cell *c, const uint8_t *p, size_t len)
{
	char	one[TEXT_ONE];
	size_t	i;

	for (i = 0; i < len;) {
		i += text_one(p + i, len - i, one);
		add(c, one);
	}
}

static void
add_seconds(struct cell *c, uint64_t s)
{
	char	buf[64];

	if (s < 60)
		snprintf(buf, sizeof(buf), "%llus", (unsigned long long)s);
	else if (s < 3600)
		snprintf(buf, sizeof(buf), "%llum%02llus",
		    (unsigned long long)s / 60, (unsigned long long)s % 60);
	else if (s < 86400)
		snprintf(buf, sizeof(buf), "%lluh%02llum",
		    (unsigned long long)s / 3600,
		    (unsigned long long)s / 60 % 60);
	else
		snprintf(buf, sizeof(buf), "%llud%02lluh",
		    (unsigned long long)s / 86400,
		    (unsigned long long)s / 3600 % 24);
	add(c, buf);
}

static void
add_size(struct cell *c, uint64_t n)
{
	static const char	units[] = " kmgt";
	char			buf[64];
	size_t			i = 0;

	while (n >= 10240 && i < 4) {
		n /= 1024;
		i++;
	}
	snprintf(buf, sizeof(buf), i > 0 ? "%llu%c" : "%llu",
	    (unsigned long long)n, units[i]);
	add(c, buf);
}

static void
add_scalar(struct cell *c, const struct val *v, int as)
{
	char	buf[64];

	switch (v->type) {
	case VAL_NIL:
		add(c, "-");
		return;
	case VAL_BOOL:
		add(c, v->u.b ? "yes" : "no");
		return;
	case VAL_UINT:
		if (as == SHOW_SECONDS)
			add_seconds(c, v->u.u);
		else if (as == SHOW_SIZE)
			add_size(c, v->u.u);
		else {
			snprintf(buf, sizeof(buf), "%llu",
			    (unsigned long long)v->u.u);
			add(c, buf);
		}
		return;
	case VAL_INT:
		snprintf(buf, sizeof(buf), "%lld", (long long)v->u.i);
		add(c, buf);
		return;
	case VAL_FLOAT:
		snprintf(buf, sizeof(buf), "%.2f", v->u.d);
		add(c, buf);
		return;
	case VAL_STR:
		add_text(c, v->str, v->slen);
		return;
	default:
		add(c, "?");
	}
}

/* Lists with commas, maps as key=value; deeper ones are left out. */
static void
add_value(struct cell *c, const struct val *v, int as)
{
	struct val_iter	it;
	struct val	key, item;
	const char	*sep = "";

	if (v->type != VAL_ARRAY && v->type != VAL_MAP) {
		add_scalar(c, v, as);
		return;
	}
	val_iter_init(&it, v);
	if (v->type == VAL_ARRAY) {
		while (val_array_next(&it, &item)) {
			add(c, sep);
			add_scalar(c, &item, as);
			sep = ",";
		}
	} else {
		while (val_map_next(&it, &key, &item)) {
			add(c, sep);
			add_scalar(c, &key, SHOW_PLAIN);
			add(c, "=");
			add_scalar(c, &item, as);
			sep = ",";
		}
	}
	if (*sep == '\0')
		add(c, "-");
}

struct table *
table_new(const struct column *columns, size_t n)
{
	struct table	*t;
	size_t		 i;

	t = xcalloc(1, sizeof(*t));
	t->columns = columns;
	t->ncolumns = n < MAXCOLUMNS ? n : MAXCOLUMNS;
	for (i = 0; i < t->ncolumns; i++)
		t->width[i] = strlen(columns[i].title);
	if (columns != NULL)
		t->cells = xcalloc(FIRST * t->ncolumns, sizeof(*t->cells));
	return (t);
}

static void
print_cells(const struct table *t, char *const *cells)
{
	size_t	i, n;
	int	pad;

	for (i = 0; i < t->ncolumns; i++) {
		n = text_width(cells[i]);
		pad = n < t->width[i] ? (int)(t->width[i] - n) : 0;
		if (t->is_right[i])
			printf("%*s%s", pad, "", cells[i]);
		else if (i + 1 < t->ncolumns)
			printf("%s%*s", cells[i], pad, "");
		else
			printf("%s", cells[i]);
		printf("%s", i + 1 < t->ncolumns ? "  " : "\n");
	}
}

/* The widths are fixed from here on. */
static void
begin(struct table *t)
{
	char	*titles[MAXCOLUMNS];
	size_t	 i, n;

	if (t->is_begun)
		return;
	t->is_begun = 1;
	for (i = 0; i < t->ncolumns; i++)
		titles[i] = xstrdup(t->columns[i].title);
	print_cells(t, titles);
	for (i = 0; i < t->ncolumns; i++)
		free(titles[i]);
	for (n = 0; n < t->nrows; n++) {
		print_cells(t, t->cells + n * t->ncolumns);
		for (i = 0; i < t->ncolumns; i++)
			free(t->cells[n * t->ncolumns + i]);
	}
}

static void
field_name(struct cell *c, const struct val *key)
{
	c->len = 0;
	add_scalar(c, key, SHOW_PLAIN);
	add(c, ":");
}

/* One line a field. */
static void
print_lines(struct table *t, const struct val *row)
{
	static struct cell	c;
	struct val_iter		it;
	struct val		key, v;
	size_t			width = 0;

	if (t->nrows++ > 0)
		putchar('\n');
	val_iter_init(&it, row);
	while (val_map_next(&it, &key, &v)) {
		field_name(&c, &key);
		if (c.len > width && c.len <= MAXLABEL)
			width = c.len;
	}
	val_iter_init(&it, row);
	while (val_map_next(&it, &key, &v)) {
		field_name(&c, &key);
		printf("%-*s  ", (int)width, c.buf);
		c.len = 0;
		c.buf[0] = '\0';
		add_value(&c, &v, val_is(&key, "uptime", 6) ? SHOW_SECONDS :
		    SHOW_PLAIN);
		printf("%s\n", c.buf);
	}
}

void
table_row(struct table *t, const struct val *row)
{
	static struct cell	 c;
	struct val		 v;
	char			*cells[MAXCOLUMNS];
	size_t			 i, n;

	if (t->columns == NULL) {
		print_lines(t, row);
		return;
	}
	for (i = 0; i < t->ncolumns; i++) {
		c.len = 0;
		c.buf[0] = '\0';
		if (row_get(row, t->columns[i].field, &v) == -1)
			add(&c, "-");
		else {
			add_value(&c, &v, t->columns[i].as);
			if (v.type == VAL_UINT || v.type == VAL_INT ||
			    v.type == VAL_FLOAT)
				t->is_right[i] |= !t->is_begun;
		}
		cells[i] = xstrdup(c.buf);
		n = text_width(c.buf);
		if (!t->is_begun && n > t->width[i])
			t->width[i] = n;
	}
	if (t->nrows == FIRST)
		begin(t);
	if (t->is_begun) {
		print_cells(t, cells);
		for (i = 0; i < t->ncolumns; i++)
			free(cells[i]);
		return;
	}
	memcpy(t->cells + t->nrows++ * t->ncolumns, cells,
	    t->ncolumns * sizeof(*cells));
}

void
table_end(struct table *t, int is_refused)
{
	if (t == NULL)
		return;
	/* names of columns without a row say that there are none */
	if (t->columns != NULL && (t->nrows > 0 || !is_refused))
		begin(t);
	free(t->cells);
	free(t);
}
