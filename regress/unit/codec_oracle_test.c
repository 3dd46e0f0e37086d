/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Random values, written by us and read by jansson, libcbor and msgpack-c,
 * and the other way round; then damaged, to see that what we accept they
 * accept, with the same meaning.  ORACLE_ROUNDS and ORACLE_SEED change how
 * many and which.
 */
#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cbor.h>
#include <jansson.h>
#include <msgpack.h>

#include "codec.h"
#include "../lib/same.h"

#define MAXNEST		6

static uint64_t	seed;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed);
}

static uint32_t
below(uint32_t n)
{
	return ((uint32_t)(rnd() >> 20) % n);
}

/* Text of characters from all planes; the first is never NUL. */
static size_t
random_text(uint8_t *buf, size_t max)
{
	static const char	*chars[] = {
		"\"", "\\", "/", "\n", "\1", "\x1f", "\x7f", "\xc2\x80",
		"\xc3\xa4", "\xe2\x82\xac", "\xe2\x80\xa8", "\xef\xbf\xbf",
		"\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"
	};
	const char		*c;
	size_t			 n = 0, len = below((uint32_t)max - 4);

	while (n < len) {
		if (below(4) != 0) {
			buf[n++] = (uint8_t)('a' + below(26));
			continue;
		}
		c = chars[below(sizeof(chars) / sizeof(chars[0]))];
		memcpy(buf + n, c, strlen(c));
		n += strlen(c);
	}
	return (n);
}

static double
random_double(void)
{
	uint64_t	bits;
	double		d;

	switch (below(4)) {
	case 0:
		return ((double)(int64_t)rnd() / 1000000.0);
	case 1:
		return ((double)((int64_t)below(2000000) - 1000000) / 1000.0);
	case 2:
		return (ldexp(1.0, (int)below(2000) - 1000));
	default:
		do {
			bits = rnd();
			memcpy(&d, &bits, sizeof(d));
		} while (!isfinite(d));
		return (d);
	}
}

static void
random_integer(struct enc *e)
{
	uint64_t	u = rnd() >> below(64);

	if (below(2))
		enc_int(e, (int64_t)(u >> 1) * (below(2) ? -1 : 1));
	else
		/* jansson has no integers above this */
		enc_uint(e, e->ser == SER_JSON ? u >> 1 : u);
}

static void
random_value(struct enc *e, int nest)
{
	uint8_t		buf[300];
	uint32_t	i, n;
	size_t		len;

	switch (below(nest < MAXNEST ? 12 : 8)) {
	case 0:
		enc_nil(e);
		break;
	case 1:
		enc_bool(e, (int)below(2));
		break;
	case 2:
	case 3:
		random_integer(e);
		break;
	case 4:
		enc_double(e, random_double());
		break;
	case 5:
	case 6:
		len = random_text(buf, below(8) ? 40 : sizeof(buf));
		enc_str(e, (const char *)buf, len);
		break;
	case 7:
		len = below(below(8) ? 20 : sizeof(buf));
		for (i = 0; i < len; i++)
			buf[i] = (uint8_t)rnd();
		enc_bin(e, buf, len);
		break;
	case 8:
	case 9:
		n = below(below(8) ? 6 : 40);
		enc_array(e, n);
		while (n-- > 0)
			random_value(e, nest + 1);
		enc_end(e);
		break;
	default:
		n = below(below(8) ? 5 : 40);
		enc_map(e, n);
		while (n-- > 0) {
			/* The number makes keys differ. */
			len = (size_t)sprintf((char *)buf, "%u", n);
			len += random_text(buf + len, 20);
			enc_str(e, (const char *)buf, len);
			random_value(e, nest + 1);
		}
		enc_end(e);
		break;
	}
}

static int
text_same(const struct val *v, const void *s, size_t len)
{
	uint8_t		*buf;
	const uint8_t	*t;
	size_t		 n;
	int		 same;

	if ((buf = malloc(v->len)) == NULL)
		err(1, "malloc");
	t = val_str(v, buf, v->len, &n);
	same = t != NULL && n == len && (n == 0 || memcmp(s, t, n) == 0);
	free(buf);
	return (same);
}

/* jansson */

static int	json_same(const struct val *, json_t *);

static int
json_members_same(const struct val *v, json_t *j)
{
	struct val_iter	 it;
	struct val	 key, val;
	const char	*name;
	json_t		*member;
	void		*tmp;

	val_iter_init(&it, v);
	json_object_foreach_safe(j, tmp, name, member)
		if (!val_map_next(&it, &key, &val) ||
		    !text_same(&key, name, strlen(name)) ||
		    !json_same(&val, member))
			return (0);
	return (!val_map_next(&it, &key, &val));
}

static int
json_elements_same(const struct val *v, json_t *j)
{
	struct val_iter	it;
	struct val	val;
	size_t		i;

	val_iter_init(&it, v);
	for (i = 0; i < json_array_size(j); i++)
		if (!val_array_next(&it, &val) ||
		    !json_same(&val, json_array_get(j, i)))
			return (0);
	return (!val_array_next(&it, &val));
}

static int
json_same(const struct val *v, json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return (v->type == VAL_MAP && json_members_same(v, j));
	case JSON_ARRAY:
		return (v->type == VAL_ARRAY && json_elements_same(v, j));
	case JSON_STRING:
		return (v->type == VAL_STR && text_same(v,
		    json_string_value(j), json_string_length(j)));
	case JSON_INTEGER:
		return (json_integer_value(j) >= 0 ? v->type == VAL_UINT &&
		    v->u.u == (uint64_t)json_integer_value(j) :
		    v->type == VAL_INT && v->u.i == json_integer_value(j));
	case JSON_REAL:
		return (v->type == VAL_FLOAT &&
		    double_same(v->u.d, json_real_value(j)));
	case JSON_TRUE:
	case JSON_FALSE:
		return (v->type == VAL_BOOL && !v->u.b == !json_is_true(j));
	case JSON_NULL:
		return (v->type == VAL_NIL);
	}
	return (0);
}

/* What we know and it does not, or keeps otherwise. */
static int
json_is_beyond(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_numeric_overflow:
	case json_error_null_byte_in_key:
	case json_error_duplicate_key:
		return (1);
	default:
		return (0);
	}
}

/* Returns 1 if jansson takes the text and means the same by it. */
static int
jansson_agrees(const struct wbuf *w, const struct val *v, int ours)
{
	json_error_t	 error;
	json_t		*j;
	char		*text;
	struct val	 back;
	int		 same = 1;

	/* It loses a NUL that comes behind a number. */
	if (!ours && memchr(w->buf, 0, w->len) != NULL)
		return (1);
	j = json_loadb((const char *)w->buf, w->len,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	if (j == NULL)
		return (!ours || json_is_beyond(&error));
	if (ours && (same = json_same(v, j))) {
		text = json_dumps(j, JSON_ENCODE_ANY |
		    (below(2) ? JSON_ENSURE_ASCII : 0) |
		    (below(2) ? JSON_INDENT(3) : JSON_COMPACT));
		if (text != NULL)
			same = codec_check(SER_JSON, (uint8_t *)text,
			    strlen(text), &back) == CODEC_OK &&
			    json_same(&back, j);
		free(text);
	}
	json_decref(j);
	return (same && ours);
}

/* libcbor */

static int
cbor_string_same(const struct val *v, const cbor_item_t *c)
{
	cbor_item_t	**chunks;
	uint8_t		 *buf, *p;
	size_t		  i, n, len;
	int		  same;

	if ((p = buf = malloc(v->len + 1)) == NULL)
		err(1, "malloc");
	if (cbor_isa_string(c) && cbor_string_is_definite(c)) {
		n = cbor_string_length(c);
		memcpy(p, cbor_string_handle(c), n);
		p += n;
	} else if (cbor_isa_string(c)) {
		chunks = cbor_string_chunks_handle(c);
		for (i = 0; i < cbor_string_chunk_count(c); i++) {
			len = cbor_string_length(chunks[i]);
			memcpy(p, cbor_string_handle(chunks[i]), len);
			p += len;
		}
	} else if (cbor_bytestring_is_definite(c)) {
		n = cbor_bytestring_length(c);
		memcpy(p, cbor_bytestring_handle(c), n);
		p += n;
	} else {
		chunks = cbor_bytestring_chunks_handle(c);
		for (i = 0; i < cbor_bytestring_chunk_count(c); i++) {
			len = cbor_bytestring_length(chunks[i]);
			memcpy(p, cbor_bytestring_handle(chunks[i]), len);
			p += len;
		}
	}
	same = text_same(v, buf, (size_t)(p - buf));
	free(buf);
	return (same);
}

static int	cbor_same(const struct val *, const cbor_item_t *);

static int
cbor_items_same(const struct val *v, const cbor_item_t *c)
{
	struct val_iter	 it;
	struct val	 key, val;
	struct cbor_pair *pairs;
	cbor_item_t	**items;
	size_t		 i;

	val_iter_init(&it, v);
	if (cbor_isa_map(c)) {
		pairs = cbor_map_handle(c);
		for (i = 0; i < cbor_map_size(c); i++)
			if (!val_map_next(&it, &key, &val) ||
			    !cbor_same(&key, pairs[i].key) ||
			    !cbor_same(&val, pairs[i].value))
				return (0);
		return (!val_map_next(&it, &key, &val));
	}
	items = cbor_array_handle(c);
	for (i = 0; i < cbor_array_size(c); i++)
		if (!val_array_next(&it, &val) || !cbor_same(&val, items[i]))
			return (0);
	return (!val_array_next(&it, &val));
}

static int
cbor_simple_same(const struct val *v, const cbor_item_t *c)
{
	if (cbor_float_get_width(c) != CBOR_FLOAT_0)
		return (v->type == VAL_FLOAT &&
		    double_same(v->u.d, cbor_float_get_float(c)));
	if (cbor_is_bool(c))
		return (v->type == VAL_BOOL && !v->u.b == !cbor_get_bool(c));
	return (v->type == (cbor_is_null(c) ? VAL_NIL : VAL_EXT));
}

static int
cbor_same(const struct val *v, const cbor_item_t *c)
{
	uint64_t	x;

	switch (cbor_typeof(c)) {
	case CBOR_TYPE_UINT:
		return (v->type == VAL_UINT && v->u.u == cbor_get_int(c));
	case CBOR_TYPE_NEGINT:
		x = cbor_get_int(c);
		if (x > INT64_MAX)
			return (v->type == VAL_FLOAT &&
			    v->u.d == -1.0 - (double)x);
		return (v->type == VAL_INT && v->u.i == -1 - (int64_t)x);
	case CBOR_TYPE_BYTESTRING:
		return (v->type == VAL_BIN && cbor_string_same(v, c));
	case CBOR_TYPE_STRING:
		return (v->type == VAL_STR && cbor_string_same(v, c));
	case CBOR_TYPE_ARRAY:
		return (v->type == VAL_ARRAY && cbor_items_same(v, c));
	case CBOR_TYPE_MAP:
		return (v->type == VAL_MAP && cbor_items_same(v, c));
	case CBOR_TYPE_TAG:
		return (v->type == VAL_EXT);
	case CBOR_TYPE_FLOAT_CTRL:
		return (cbor_simple_same(v, c));
	}
	return (0);
}

/* Most tags and simple values are unknown to libcbor. */
static int
has_ext(const struct val *v)
{
	struct val_iter	it;
	struct val	key, val;

	val_iter_init(&it, v);
	if (v->type == VAL_MAP) {
		while (val_map_next(&it, &key, &val))
			if (has_ext(&key) || has_ext(&val))
				return (1);
	} else
		while (val_array_next(&it, &val))
			if (has_ext(&val))
				return (1);
	return (v->type == VAL_EXT);
}

static int
libcbor_agrees(const struct wbuf *w, const struct val *v, int ours)
{
	struct cbor_load_result	 result;
	cbor_item_t		*c;
	unsigned char		*out = NULL;
	size_t			 size, len;
	struct val		 back;
	int			 same = 1;

	c = cbor_load(w->buf, w->len, &result);
	if (c == NULL)
		return (!ours || has_ext(v));
	if (result.read != w->len) {
		cbor_decref(&c);
		return (!ours);
	}
	if (ours && (same = cbor_same(v, c))) {
		len = cbor_serialize_alloc(c, &out, &size);
		/* It writes small halves wrongly. */
		same = codec_check(SER_CBOR, out, len, &back) == CODEC_OK &&
		    (memchr(w->buf, 0xf9, w->len) != NULL ||
		    cbor_same(&back, c));
		free(out);
	}
	cbor_decref(&c);
	return (same && ours);
}

/* msgpack-c */

static int
msgpack_same(const struct val *v, const msgpack_object *o)
{
	struct val_iter	it;
	struct val	key, val;
	uint32_t	i;

	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		return (v->type == VAL_NIL);
	case MSGPACK_OBJECT_BOOLEAN:
		return (v->type == VAL_BOOL && !v->u.b == !o->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return (v->type == VAL_UINT && v->u.u == o->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return (v->type == VAL_INT && v->u.i == o->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return (v->type == VAL_FLOAT &&
		    double_same(v->u.d, o->via.f64));
	case MSGPACK_OBJECT_STR:
		return (v->type == VAL_STR && text_same(v, o->via.str.ptr,
		    o->via.str.size));
	case MSGPACK_OBJECT_BIN:
		return (v->type == VAL_BIN && text_same(v, o->via.bin.ptr,
		    o->via.bin.size));
	case MSGPACK_OBJECT_EXT:
		return (v->type == VAL_EXT);
	case MSGPACK_OBJECT_ARRAY:
		if (v->type != VAL_ARRAY)
			return (0);
		val_iter_init(&it, v);
		for (i = 0; i < o->via.array.size; i++)
			if (!val_array_next(&it, &val) ||
			    !msgpack_same(&val, &o->via.array.ptr[i]))
				return (0);
		return (!val_array_next(&it, &val));
	case MSGPACK_OBJECT_MAP:
		if (v->type != VAL_MAP)
			return (0);
		val_iter_init(&it, v);
		for (i = 0; i < o->via.map.size; i++)
			if (!val_map_next(&it, &key, &val) ||
			    !msgpack_same(&key, &o->via.map.ptr[i].key) ||
			    !msgpack_same(&val, &o->via.map.ptr[i].val))
				return (0);
		return (!val_map_next(&it, &key, &val));
	}
	return (0);
}

static int
msgpackc_agrees(const struct wbuf *w, const struct val *v, int ours)
{
	msgpack_unpacked	 u;
	msgpack_sbuffer		 sbuf;
	msgpack_packer		 pk;
	msgpack_unpack_return	 ret;
	struct val		 back;
	size_t			 off = 0;
	int			 same = 1;

	msgpack_unpacked_init(&u);
	ret = msgpack_unpack_next(&u, (const char *)w->buf, w->len, &off);
	if ((ret != MSGPACK_UNPACK_SUCCESS && ret !=
	    MSGPACK_UNPACK_EXTRA_BYTES) || off != w->len) {
		msgpack_unpacked_destroy(&u);
		return (!ours);
	}
	if (ours && (same = msgpack_same(v, &u.data))) {
		msgpack_sbuffer_init(&sbuf);
		msgpack_packer_init(&pk, &sbuf, msgpack_sbuffer_write);
		msgpack_pack_object(&pk, u.data);
		same = codec_check(SER_MSGPACK, (uint8_t *)sbuf.data,
		    sbuf.size, &back) == CODEC_OK &&
		    msgpack_same(&back, &u.data);
		msgpack_sbuffer_destroy(&sbuf);
	}
	msgpack_unpacked_destroy(&u);
	return (same && ours);
}

/* "ours": we took it. */
static int
oracle_agrees(enum ser ser, const struct wbuf *w, const struct val *v,
    int ours)
{
	if (ser == SER_JSON)
		return (jansson_agrees(w, v, ours));
	if (ser == SER_CBOR)
		return (libcbor_agrees(w, v, ours));
	return (msgpackc_agrees(w, v, ours));
}

static void
fail(enum ser ser, const struct wbuf *w, uint64_t round_seed, const char *why)
{
	size_t	i;

	fprintf(stderr, "%s:", ser_name(ser));
	for (i = 0; i < w->len && i < 2000; i++)
		fprintf(stderr, ser == SER_JSON && w->buf[i] >= ' ' &&
		    w->buf[i] < 127 ? "%c" : "\\x%02x", w->buf[i]);
	errx(1, "\n%s, ORACLE_SEED=%ju", why, (uintmax_t)round_seed);
}

/* There and back: from what we wrote the same octets, else the same value. */
static void
round_trips(enum ser ser, const struct wbuf *w, const struct val *v,
    uint64_t round_seed)
{
	struct wbuf	mid = { 0 }, back = { 0 };
	struct val	m, b;
	enum ser	to;
	int		json;

	for (to = SER_JSON; to < SER_MAX; to++) {
		wbuf_reset(&mid);
		wbuf_reset(&back);
		json = ser == SER_JSON || to == SER_JSON;
		if (codec_convert(v, to, &mid) != CODEC_OK ||
		    codec_check(to, mid.buf, mid.len, &m) != CODEC_OK ||
		    codec_convert(&m, ser, &back) != CODEC_OK ||
		    codec_check(ser, back.buf, back.len, &b) != CODEC_OK)
			fail(ser, w, round_seed, "not converted");
		if (to == SER_JSON && ser != SER_JSON) {
			if (!val_same(v, &b, 1))
				fail(ser, w, round_seed, "changed by JSON");
		} else if (back.len != w->len ||
		    memcmp(back.buf, w->buf, w->len) != 0)
			fail(ser, w, round_seed, "changed on the way");
		if (!json && !val_same(v, &m, 0))
			fail(ser, w, round_seed, "changed by conversion");
	}
	wbuf_free(&mid);
	wbuf_free(&back);
}

static void
damage(struct wbuf *w)
{
	static const uint8_t	octets[] = "\"\\,:[]{}0-.eu \x00\x7f\x80\x9f"
				    "\xbf\xc0\xc1\xdf\xf7\xf8\xf9\xff";
	uint32_t		i, n = 1 + below(3);

	for (i = 0; i < n && w->len > 0; i++) {
		switch (below(4)) {
		case 0:
			w->buf[below((uint32_t)w->len)] ^=
			    (uint8_t)(1U << below(8));
			break;
		case 1:
			w->buf[below((uint32_t)w->len)] =
			    octets[below(sizeof(octets) - 1)];
			break;
		case 2:
			w->len -= 1 + below(w->len > 4 ? 4 :
			    (uint32_t)w->len);
			break;
		default:
			wbuf_add(w, &octets[below(sizeof(octets) - 1)], 1);
			break;
		}
	}
}

static void
one_round(enum ser ser, uint64_t round_seed)
{
	struct wbuf	w = { 0 };
	struct enc	e;
	struct val	v;
	enum codec_err	error;
	int		i;

	enc_init(&e, ser, &w);
	random_value(&e, 0);
	if (w.failed || codec_check(ser, w.buf, w.len, &v) != CODEC_OK)
		fail(ser, &w, round_seed, "our own writing is refused");
	if (!oracle_agrees(ser, &w, &v, 1))
		fail(ser, &w, round_seed, "oracle reads something else");
	round_trips(ser, &w, &v, round_seed);
	for (i = 0; i < 8; i++) {
		damage(&w);
		error = codec_check(ser, w.buf, w.len, &v);
		if (error == CODEC_OK) {
			if (!oracle_agrees(ser, &w, &v, 1))
				fail(ser, &w, round_seed,
				    "accepted, but not by the oracle");
		} else if ((error == CODEC_ESYNTAX ||
		    error == CODEC_ETRAIL || ser == SER_JSON) &&
		    /* Others would make an oracle allocate as told. */
		    error != CODEC_EDEPTH &&
		    !oracle_agrees(ser, &w, &v, 0))
			fail(ser, &w, round_seed,
			    "refused, but not by the oracle");
	}
	wbuf_free(&w);
}

int
main(void)
{
	const char	*s;
	enum ser	 ser;
	uint64_t	 i, rounds = 3000, first = 1;

	if ((s = getenv("ORACLE_ROUNDS")) != NULL)
		rounds = strtoull(s, NULL, 10);
	if ((s = getenv("ORACLE_SEED")) != NULL) {
		first = strtoull(s, NULL, 10);
		rounds = getenv("ORACLE_ROUNDS") != NULL ? rounds : 1;
	}
	for (ser = SER_JSON; ser < SER_MAX; ser++) {
		for (i = first; i < first + rounds; i++) {
			seed = i * 0x9e3779b97f4a7c15ULL + ser;
			one_round(ser, i);
		}
		printf("ok - %s\n", ser_name(ser));
	}
	return (0);
}
