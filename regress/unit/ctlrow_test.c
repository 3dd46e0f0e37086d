/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Rows for wampctl: what is no text becomes one, a row that has no room is
 * not there at all, and the numbers of CTL_ROWS are right.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "codec.h"
#include "ctlrow.h"
#include "mpcur.h"

static struct ctlrows	r;

/* The next row, of so many fields; returns where the one behind begins. */
static size_t
row(size_t off, struct val_iter *it, unsigned int nfields)
{
	struct val	v;
	uint16_t	len;

	memcpy(&len, r.buf + off, sizeof(len));
	off += sizeof(len);
	if (len > r.out.len - off)
		errx(1, "a row of %u octets, %zu are left", len,
		    r.out.len - off);
	if (mp_check(r.buf + off, len, &v) != CODEC_OK ||
	    v.type != VAL_MAP || v.len != len || v.u.u != nfields)
		errx(1, "a row is no map of %u fields", nfields);
	val_iter_init(it, &v);
	return (off + len);
}

static void
want(struct val_iter *it, const char *name, const char *value)
{
	struct val	k, v;

	if (!mp_map_next(it, &k, &v) || k.slen != strlen(name) ||
	    memcmp(k.str, name, k.slen) != 0)
		errx(1, "no field %s", name);
	if (value == NULL ? v.type != VAL_NIL : v.type != VAL_STR ||
	    v.slen != strlen(value) || memcmp(v.str, value, v.slen) != 0)
		errx(1, "%s is otherwise", name);
}

static void
texts(void)
{
	struct val_iter	it;

	ctlrows_init(&r);
	ctlrow_begin(&r);
	ctlrow_text(&r, "a", "\303\244\342\202\254");
	ctlrow_text(&r, "b", "\303x\344\377y");
	ctlrow_text(&r, "c", NULL);
	ctlrow_str(&r, "d", "", 0);
	ctlrow_time(&r, "e", 0);
	ctlrow_time(&r, "f", 1000);
	if (ctlrow_end(&r) == -1 || r.nrows != 1 ||
	    row(0, &it, 6) != r.out.len)
		errx(1, "one row");
	want(&it, "a", "\303\244\342\202\254");
	want(&it, "b", "?x??y");
	want(&it, "c", NULL);
	want(&it, "d", "");
	want(&it, "e", NULL);
	want(&it, "f", "1970-01-01T00:00:01.000Z");
	puts("ok - texts are UTF-8");
}

/* A first row of any length: what is behind it fits, or is not there. */
static void
room(void)
{
	static char	text[CTL_MAXROWS + 1];
	struct val_iter	it;
	unsigned int	n, nboth = 0, nnone = 0;
	size_t		off;
	int		is_one, is_other;

	memset(text, 'x', sizeof(text) - 1);
	for (n = CTL_MAXROWS - 64; n <= CTL_MAXROWS; n++) {
		ctlrows_init(&r);
		ctlrow_begin(&r);
		ctlrow_str(&r, "text", text, n);
		is_one = ctlrow_end(&r) == 0;
		nnone += !is_one;
		ctlrow_begin(&r);
		ctlrow_uint(&r, "number", UINT32_MAX);
		ctlrow_bool(&r, "bool", 1);
		is_other = ctlrow_end(&r) == 0;
		if (r.out.len > CTL_MAXROWS ||
		    r.nrows != (unsigned int)(is_one + is_other) ||
		    (!is_one && !is_other))
			errx(1, "%u: %u rows", n, r.nrows);
		nboth += is_one && is_other;
		off = is_one ? row(0, &it, 1) : 0;
		if (is_other)
			off = row(off, &it, 2);
		if (off != r.out.len)
			errx(1, "%u: something is left over", n);
	}
	if (nboth == 0 || nnone == 0)
		errx(1, "%u with both, %u without the first", nboth, nnone);
	puts("ok - what has no room is not there");
}

int
main(void)
{
	texts();
	room();
	return (0);
}
