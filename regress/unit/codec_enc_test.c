/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The encoder: the same message in each serializer, and numbers at all
 * edges, written and read back.
 */
#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/same.h"
#include "codec.h"

/* A literal with its length: octets may be zero. */
#define S(lit)	(lit), sizeof(lit) - 1

static void
encode(struct enc *e)
{
	enc_array(e, 6);
	enc_uint(e, 48);
	enc_map(e, 2);
	ENC_KEY(e, "a");
	enc_map(e, 0);
	enc_end(e);
	ENC_KEY(e, "b\"");
	enc_array(e, 2);
	enc_nil(e);
	enc_bool(e, 1);
	enc_end(e);
	enc_end(e);
	enc_int(e, -5);
	enc_double(e, 1);
	enc_bin(e, (const uint8_t *)"\0\1\2\3", 4);
	enc_array(e, 0);
	enc_end(e);
	enc_end(e);
}

static void
expect_out(enum ser ser, const char *want, size_t len)
{
	struct wbuf	w = { 0 };
	struct enc	e;
	size_t		i;

	enc_init(&e, ser, &w);
	encode(&e);
	if (w.failed || w.len != len || memcmp(w.buf, want, len) != 0)
		errx(1, "encode %s: got %s, want %s", ser_name(ser),
		    show(w.buf, w.len), show(want, len));
	/* Too little room fails and stays so, and never runs over. */
	for (i = 1; i < len; i++) {
		wbuf_free(&w);
		w.max = i;
		enc_init(&e, ser, &w);
		encode(&e);
		if (!w.failed || w.len > i)
			errx(1, "encode %s into %zu octets", ser_name(ser),
			    i);
	}
	wbuf_free(&w);
}

static void
test_encode(void)
{
	static const struct {
		double		 d;
		const char	*want;
	} doubles[] = {
		{ 0.0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" },
		{ -2.5, "-2.5" }, { 0.1, "0.1" }, { 1e22, "1e+22" },
		{ 100000, "100000.0" }, { 1e15, "1e+15" },
		{ 0.30000000000000004, "0.30000000000000004" },
		{ 0.00001, "0.00001" }, { 0.0000012345, "1.2345e-06" },
		{ 999999999999999, "999999999999999.0" }, { 9.5, "9.5" },
		{ 9007199254740992.0, "9.007199254740992e+15" },
		{ 2.2250738585072014e-308, "2.2250738585072014e-308" },
		{ 5e-324, "5e-324" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ (double)NAN, "null" }, { (double)INFINITY, "null" },
		{ -(double)INFINITY, "null" }
	};
	struct wbuf	w = { 0 };
	struct enc	e;
	size_t		i;

	expect_out(SER_JSON, S("[48,{\"a\":{},\"b\\\"\":[null,true]},-5,1.0,"
	    "\"\\u0000AAECAw==\",[]]"));
	expect_out(SER_MSGPACK, S("\x96\x30\x82\xa1" "a\x80\xa2" "b\"\x92\xc0"
	    "\xc3\xfb\xcb\x3f\xf0\0\0\0\0\0\0\xc4\x04\0\1\2\3\x90"));
	expect_out(SER_CBOR, S("\x86\x18\x30\xa2\x61" "a\xa0\x62" "b\"\x82"
	    "\xf6\xf5\x24\xfb\x3f\xf0\0\0\0\0\0\0\x44\0\1\2\3\x80"));
	for (i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
		wbuf_reset(&w);
		enc_init(&e, SER_JSON, &w);
		enc_double(&e, doubles[i].d);
		if (w.len != strlen(doubles[i].want) ||
		    memcmp(w.buf, doubles[i].want, w.len) != 0)
			errx(1, "double: got %s, want %s",
			    show(w.buf, w.len), doubles[i].want);
	}
	wbuf_reset(&w);
	enc_init(&e, SER_JSON, &w);
	enc_str(&e, S("\0\b\t\n\f\r\x1f \"\\/\x7f\xc3\xa4plain text"
	    "\xe2\x82\xac"));
	wbuf_add(&w, "", 1);
	if (strcmp((char *)w.buf, "\"\\u0000\\b\\t\\n\\f\\r\\u001f \\\"\\\\/"
	    "\x7f\xc3\xa4plain text\xe2\x82\xac\"") != 0)
		errx(1, "escapes: %s", w.buf);
	wbuf_reset(&w);
	enc_init(&e, SER_JSON, &w);
	for (i = 0; i <= CODEC_MAXDEPTH; i++)
		enc_array(&e, 1);
	if (!w.failed)
		errx(1, "encoder accepts %zu containers", i);
	for (i = 0; i <= CODEC_MAXDEPTH + 1; i++)
		enc_end(&e);
	wbuf_free(&w);
	puts("ok - encode");
}

/* Integers at the edges of each format, written and read back. */
static void
test_integers(void)
{
	struct wbuf	w = { 0 };
	struct enc	e;
	struct val	v;
	uint64_t	u;
	int64_t		i;
	unsigned int	bit, off;
	enum ser	ser;

	for (ser = SER_JSON; ser < SER_MAX; ser++) {
		for (bit = 0; bit < 64; bit++) {
			for (off = 0; off < 3; off++) {
				u = ((uint64_t)1 << bit) - 1 + off;
				wbuf_reset(&w);
				enc_init(&e, ser, &w);
				enc_uint(&e, u);
				if (codec_check(ser, w.buf, w.len, &v) !=
				    CODEC_OK || v.type != VAL_UINT ||
				    v.u.u != u)
					errx(1, "%s: %ju came back as %ju",
					    ser_name(ser), (uintmax_t)u,
					    (uintmax_t)v.u.u);
				if (u == 0 || u > (uint64_t)INT64_MAX + 1)
					continue;
				i = -(int64_t)(u - 1) - 1;
				wbuf_reset(&w);
				enc_init(&e, ser, &w);
				enc_int(&e, i);
				if (codec_check(ser, w.buf, w.len, &v) !=
				    CODEC_OK || v.type != VAL_INT ||
				    v.u.i != i)
					errx(1, "%s: %jd came back as %jd",
					    ser_name(ser), (intmax_t)i,
					    (intmax_t)v.u.i);
			}
		}
	}
	wbuf_free(&w);
	puts("ok - integers");
}

/* Doubles of all sizes read back as they were, by us and by strtod(3). */
static void
test_doubles(void)
{
	struct wbuf	w = { 0 };
	struct enc	e;
	struct val	v;
	uint64_t	bits = 1, i;
	double		d;

	for (i = 0; i < 200000; i++) {
		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&d, &bits, sizeof(d));
		if (i % 4 == 1)		/* around a power of two */
			d = ldexp(1.0, (int)(bits % 2098) - 1074) +
			    ldexp((double)(i % 8) - 4, (int)(bits % 100) -
			    1074);
		if (!isfinite(d))
			continue;
		wbuf_reset(&w);
		enc_init(&e, SER_JSON, &w);
		enc_double(&e, d);
		if (codec_check(SER_JSON, w.buf, w.len, &v) != CODEC_OK ||
		    v.type != VAL_FLOAT || !double_same(v.u.d, d) ||
		    w.len > 24)
			errx(1, "double %.17g became %s", d,
			    show(w.buf, w.len));
		wbuf_add(&w, "", 1);
		if (!double_same(strtod((char *)w.buf, NULL), d))
			errx(1, "double %.17g printed as %s", d, w.buf);
	}
	wbuf_free(&w);
	puts("ok - doubles");
}

/* Numbers too long for a copy are shortened without changing their value. */
static void
test_long_numbers(void)
{
	struct wbuf	w = { 0 };
	struct val	v;
	double		want;
	size_t		i, digits;

	for (digits = 1; digits < 3000; digits += 111) {
		wbuf_reset(&w);
		wbuf_add(&w, "-0.00", 5);
		for (i = 0; i < digits; i++)
			wbuf_add(&w, &"9172635405"[i % 10], 1);
		wbuf_add(&w, "e+40", 4);
		if (codec_check(SER_JSON, w.buf, w.len, &v) != CODEC_OK)
			errx(1, "long number refused");
		wbuf_add(&w, "", 1);
		want = strtod((char *)w.buf, NULL);
		if (v.type != VAL_FLOAT || v.u.d != want)
			errx(1, "number of %zu digits: got %.17g, want %.17g",
			    digits, v.u.d, want);
	}
	/* Half-way between two doubles, and a little more, far behind. */
	for (i = 0; i < 2; i++) {
		wbuf_reset(&w);
		wbuf_add(&w, "9007199254740993.", 17);
		for (digits = 0; digits < 2000; digits++)
			wbuf_add(&w, "0", 1);
		wbuf_add(&w, i == 0 ? "0" : "1", 1);
		want = i == 0 ? 9007199254740992.0 : 9007199254740994.0;
		if (codec_check(SER_JSON, w.buf, w.len, &v) != CODEC_OK ||
		    v.u.d != want)
			errx(1, "half-way: got %.17g, want %.17g", v.u.d,
			    want);
	}
	/* A long zero, a huge exponent, both. */
	wbuf_reset(&w);
	wbuf_add(&w, "0.", 2);
	for (digits = 0; digits < 2000; digits++)
		wbuf_add(&w, "0", 1);
	wbuf_add(&w, "1e2001", 6);
	if (codec_check(SER_JSON, w.buf, w.len, &v) != CODEC_OK ||
	    v.u.d != 1.0)
		errx(1, "small with exponent: got %.17g", v.u.d);
	w.len -= 6;
	wbuf_add(&w, "e99999999999999999999999999999", 30);
	if (codec_check(SER_JSON, w.buf, w.len, &v) != CODEC_OK ||
	    v.u.d != 0.0)
		errx(1, "zero with huge exponent: got %.17g", v.u.d);
	wbuf_free(&w);
	puts("ok - long numbers");
}

int
main(void)
{
	test_encode();
	test_integers();
	test_doubles();
	test_long_numbers();
	return (0);
}
