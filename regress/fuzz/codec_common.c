/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The reading half of the codec against itself: check against split, spans
 * against the buffer, iterators against both, content against UTF-8.
 */
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "codec_common.h"
#include "utf8.h"

#define MAXLIST		16
#define SMALL		512	/* what is quadratic is done up to that */

uint8_t *
exact_copy(const uint8_t *in, size_t len)
{
	uint8_t	*p;

	if ((p = malloc(len > 0 ? len : 1)) == NULL)
		abort();
	if (len == 0)
		return (p);
	memcpy(p, in, len);
	return (p);
}

static void
content_agrees(const struct val *v)
{
	const uint8_t	*s;
	uint8_t		*buf;
	size_t		 len, less;

	buf = exact_copy(v->p, v->len);
	if ((s = val_str(v, buf, v->len, &len)) == NULL || len > v->len)
		abort();
	if (v->type == VAL_STR) {
		if (!utf8_ok(s, len) || !val_is(v, (const char *)s, len) ||
		    (len > 0 && val_is(v, (const char *)s, len - 1)))
			abort();
	}
	if (!v->plain && len > 0 && val_str(v, buf, len - 1, &less) != NULL)
		abort();
	free(buf);
}

/* The same answer as comparing each key with each. */
static void
keys_agree(const struct val *v)
{
	struct val_iter	 it, jt;
	struct val	 k, l, val;
	const uint8_t	*s;
	uint8_t		*buf;
	size_t		 i, j, len;
	int		 want = 0;

	if ((buf = malloc(v->len)) == NULL)
		abort();
	val_iter_init(&it, v);
	for (i = 0; val_map_next(&it, &k, &val); i++) {
		if (k.type != VAL_STR) {
			want = -1;
			continue;
		}
		s = val_str(&k, buf, v->len, &len);
		val_iter_init(&jt, v);
		for (j = 0; j < i && val_map_next(&jt, &l, &val); j++)
			if (val_is(&l, (const char *)s, len))
				want = -1;
	}
	if (val_map_check(v) != want)
		abort();
	free(buf);
}

static uint64_t	inside_agrees(const struct val *, unsigned int);

static void
value_agrees(const struct val *parent, const struct val *v,
    unsigned int depth)
{
	struct val	again;
	uint8_t		*copy;

	if (v->p < parent->str || v->len > parent->slen -
	    (size_t)(v->p - parent->str) || v->ser != parent->ser)
		abort();
	if (v->len <= SMALL) {
		copy = exact_copy(v->p, v->len);
		if (codec_check(v->ser, copy, v->len, &again) != CODEC_OK ||
		    again.type != v->type || again.len != v->len)
			abort();
		free(copy);
	}
	if (v->type == VAL_STR || v->type == VAL_BIN)
		content_agrees(v);
	if (inside_agrees(v, depth) != val_count(v))
		abort();
}

/* Returns the number of entries. */
static uint64_t
inside_agrees(const struct val *v, unsigned int depth)
{
	struct val_iter	it;
	struct val	key, val;
	uint64_t	n = 0;

	if (v->type != VAL_MAP && v->type != VAL_ARRAY)
		return (0);
	if (++depth > CODEC_MAXDEPTH)
		abort();
	val_iter_init(&it, v);
	if (v->type == VAL_ARRAY) {
		for (; val_array_next(&it, &val); n++)
			value_agrees(v, &val, depth);
		return (n);
	}
	for (; val_map_next(&it, &key, &val); n++) {
		value_agrees(v, &key, depth);
		value_agrees(v, &val, depth);
	}
	if (v->len <= SMALL)
		keys_agree(v);
	return (n);
}

static void
split_agrees(const struct val *v, const struct val *list, size_t n)
{
	struct val_iter	it;
	struct val	val;
	size_t		i;

	val_iter_init(&it, v);
	for (i = 0; i < n; i++)
		if (!val_array_next(&it, &val) || val.p != list[i].p ||
		    val.len != list[i].len || val.type != list[i].type)
			abort();
	if (val_array_next(&it, &val))
		abort();
}

/* What stands inside of a list is so many values, and no other number. */
static void
values_agree(const struct val *list, size_t n)
{
	struct val	 v[MAXLIST];
	const uint8_t	*end = list[n - 1].p + list[n - 1].len;
	size_t		 i, len = (size_t)(end - list[0].p);
	enum ser	 ser = (enum ser)list[0].ser;
	uint8_t		*copy = exact_copy(list[0].p, len);

	if (codec_values(ser, copy, len, v, n) != CODEC_OK)
		abort();
	for (i = 0; i < n; i++)
		if (v[i].p - copy != list[i].p - list[0].p ||
		    v[i].len != list[i].len || v[i].type != list[i].type)
			abort();
	if (codec_values(ser, copy, len, v, n - 1) != CODEC_ETRAIL ||
	    (n < MAXLIST &&
	    codec_values(ser, copy, len, v, n + 1) != CODEC_ETRUNC))
		abort();
	free(copy);
}

/* Any octets: are they values as if there were a list around them? */
static void
values_are_listed(enum ser ser, const uint8_t *in, size_t len, uint8_t n)
{
	static const uint8_t	 open[SER_MAX] = { 0, '[', 0x90, 0x80 };
	struct val		 v[MAXLIST], list[MAXLIST];
	uint8_t			*copy;
	size_t			 max = len + 2, got;
	enum codec_err		 values, split;

	if ((copy = malloc(max)) == NULL)
		abort();
	copy[0] = ser == SER_JSON ? open[ser] : open[ser] + n;
	if (len > 0)
		memcpy(copy + 1, in, len);
	copy[len + 1] = ']';
	split = codec_split(ser, copy, ser == SER_JSON ? max : max - 1, list,
	    MAXLIST, &got);
	values = codec_values(ser, copy + 1, len, v, n);
	if ((values == CODEC_OK) != (split == CODEC_OK && got == n))
		abort();
	free(copy);
}

/* A container cut anywhere is known to be cut. */
static void
cuts_agree(const struct val *v)
{
	struct val	 w;
	uint8_t		*copy;
	size_t		 len;

	if ((v->type != VAL_ARRAY && v->type != VAL_MAP) || v->len > SMALL)
		return;
	for (len = 0; len < v->len; len++) {
		copy = exact_copy(v->p, len);
		if (codec_check(v->ser, copy, len, &w) != CODEC_ETRUNC)
			abort();
		free(copy);
	}
}

void
reading_agrees(enum ser ser, const uint8_t *in, size_t len)
{
	struct val	 v, list[MAXLIST];
	uint8_t		*copy;
	enum codec_err	 checked, split, want;
	size_t		 n;

	copy = exact_copy(in, len);
	checked = codec_check(ser, copy, len, &v);
	split = codec_split(ser, copy, len, list, MAXLIST, &n);
	want = checked;
	if (checked == CODEC_OK && v.type != VAL_ARRAY)
		want = CODEC_ENOTLIST;
	else if (checked == CODEC_OK && val_count(&v) > MAXLIST)
		want = CODEC_ETOOMANY;
	/* The number of elements may be looked at before all of them. */
	if (split != want &&
	    (split != CODEC_ETOOMANY || checked == CODEC_OK))
		abort();
	if ((split == CODEC_OK) != (want == CODEC_OK) ||
	    (split != CODEC_OK && n != 0))
		abort();
	if (checked == CODEC_OK) {
		if (v.p < copy || v.len > len - (size_t)(v.p - copy))
			abort();
		if (v.type == VAL_STR || v.type == VAL_BIN)
			content_agrees(&v);
		if (inside_agrees(&v, 0) != val_count(&v))
			abort();
		cuts_agree(&v);
	}
	if (split == CODEC_OK)
		split_agrees(&v, list, n);
	if (split == CODEC_OK && n > 0)
		values_agree(list, n);
	values_are_listed(ser, copy, len, 1);
	values_are_listed(ser, copy, len, 2);
	free(copy);
}
