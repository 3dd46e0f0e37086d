/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Conversion: the first octet names the serializer of the rest.  What is
 * accepted converts unless it holds what the other side lacks, the result
 * is accepted, and comes back as an equal value.
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/same.h"
#include "codec_common.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int	is_convertible(const struct val *, enum ser);

static int
is_convertible_key(const struct val *v, enum ser to)
{
	if (to != SER_JSON)
		return (is_convertible(v, to));
	return (v->type == VAL_STR || v->type == VAL_UINT ||
	    v->type == VAL_INT);
}

static int
is_convertible(const struct val *v, enum ser to)
{
	struct val_iter	it;
	struct val	key, val;

	if (v->ser == to)
		return (1);
	val_iter_init(&it, v);
	if (v->type == VAL_MAP) {
		while (val_map_next(&it, &key, &val))
			if (!is_convertible_key(&key, to) ||
			    !is_convertible(&val, to))
				return (0);
	} else
		while (val_array_next(&it, &val))
			if (!is_convertible(&val, to))
				return (0);
	return (v->type != VAL_EXT);
}

/* Less room fails and leaves what was there. */
static void
no_room(const struct val *v, enum ser to, size_t need)
{
	struct wbuf	w = { 0 };

	w.max = need;
	wbuf_add(&w, "x", 1);
	if (codec_convert(v, to, &w) != CODEC_ENOMEM || w.len != 1 ||
	    w.size > need)
		abort();
	wbuf_free(&w);
}

static void
there_and_back(const struct val *v, enum ser to)
{
	struct wbuf	 mid = { 0 }, back = { 0 };
	struct val	 m, b;
	enum codec_err	 error;
	uint8_t		*copy;
	int		 json = to == SER_JSON || v->ser == SER_JSON;

	error = codec_convert(v, to, &mid);
	if (error != (is_convertible(v, to) ? CODEC_OK : CODEC_ECONVERT))
		abort();
	if (error != CODEC_OK) {
		if (mid.len != 0 || mid.failed)
			abort();
		wbuf_free(&mid);
		return;
	}
	if (mid.len > v->len * 10)
		abort();
	no_room(v, to, mid.len);
	copy = exact_copy(mid.buf, mid.len);
	if (codec_check(to, copy, mid.len, &m) != CODEC_OK ||
	    m.len != mid.len)
		abort();
	if (v->ser == to && memcmp(v->p, mid.buf, mid.len) != 0)
		abort();
	if (!json && !val_same(v, &m, 0))
		abort();
	if (codec_convert(&m, v->ser, &back) != CODEC_OK ||
	    codec_check(v->ser, back.buf, back.len, &b) != CODEC_OK ||
	    !val_same(v, &b, json))
		abort();
	free(copy);
	wbuf_free(&mid);
	wbuf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct val	 v;
	uint8_t		*copy;
	enum ser	 ser, to;

	if (len < 1)
		return (0);
	ser = (enum ser)(1 + in[0] % 3);
	copy = exact_copy(in + 1, len - 1);
	if (codec_check(ser, copy, len - 1, &v) == CODEC_OK)
		for (to = SER_JSON; to < SER_MAX; to++)
			there_and_back(&v, to);
	free(copy);
	return (0);
}
