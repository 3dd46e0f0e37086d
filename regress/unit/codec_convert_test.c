/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Conversion between serializers by tables: what becomes what, what cannot
 * be said in the other one, and that failure leaves the buffer as it was.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec.h"

#define S(lit)	(lit), sizeof(lit) - 1
#define NONE	NULL, 0		/* cannot be converted */
#define J	SER_JSON
#define M	SER_MSGPACK
#define C	SER_CBOR

static const struct row {
	enum ser	 from;
	const char	*in;
	size_t		 len;
	enum ser	 to;
	const char	*out;
	size_t		 outlen;
} rows[] = {
	/* Equal serializers: the octets, without the space around them. */
	{ J, S(" [1 ,2] "), J, S("[1 ,2]") },
	{ M, S("\xd4\x01\x02"), M, S("\xd4\x01\x02") },
	{ C, S("\xf7"), C, S("\xf7") },

	/* JSON to binary */
	{ J, S("null"), M, S("\xc0") },
	{ J, S("true"), C, S("\xf5") },
	{ J, S("-0"), M, S("\x00") },
	{ J, S("-33"), M, S("\xd0\xdf") },
	{ J, S("18446744073709551615"), M,
	    S("\xcf\xff\xff\xff\xff\xff\xff\xff\xff") },
	{ J, S("18446744073709551616"), M,
	    S("\xcb\x43\xf0\x00\x00\x00\x00\x00\x00") },
	{ J, S("-9223372036854775809"), C,
	    S("\xfb\xc3\xe0\x00\x00\x00\x00\x00\x00") },
	{ J, S("1.0"), M, S("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00") },
	{ J, S("1e999"), M, S("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00") },
	{ J, S("\"a\\u00e4\\ud83d\\ude00\""), M,
	    S("\xa7" "a\xc3\xa4\xf0\x9f\x98\x80") },
	{ J, S("\"a\\n\""), C, S("\x62" "a\n") },
	{ J, S("[]"), M, S("\x90") },
	{ J, S(" { } "), C, S("\xa0") },
	{ J, S("[1,[2,{\"a\":[ ]}], 3 ]"), M,
	    S("\x93\x01\x92\x02\x81\xa1" "a\x90\x03") },
	{ J, S("{\"a\":{\"b\":null},\"c\":[]}"), C,
	    S("\xa2\x61" "a\xa1\x61" "b\xf6\x61" "c\x80") },
	{ J, S("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]"), M,
	    S("\x9f\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f") },
	{ J, S("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"), M,
	    S("\xdd\0\0\0\x10\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
	    "\x10") },
	{ J, S("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"), C,
	    S("\x90\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10") },

	/* Binary in JSON */
	{ J, S("\"\\u0000\""), M, S("\xc4\x00") },
	{ J, S("\"\\u0000AAECAw==\""), M, S("\xc4\x04\0\1\2\3") },
	{ J, S("\"\\u0000AAEC\""), C, S("\x43\0\1\2") },
	{ J, S("\"\\u0000AAE=\""), C, S("\x42\0\1") },
	{ J, S("\"\\u0000+\\/8=\""), M, S("\xc4\x02\xfb\xff") },
	{ J, S("\"\\u0000\\u0041A==\""), M, S("\xc4\x01\0") },
	{ J, S("{\"k\":\"\\u0000AA==\"}"), M, S("\x81\xa1k\xc4\x01\0") },
	/* ... and what only looks like it */
	{ J, S("\"\\u0000A\""), M, S("\xa2\0A") },
	{ J, S("\"\\u0000AA=\""), M, S("\xa4\0AA=") },
	{ J, S("\"\\u0000AA\""), M, S("\xa3\0AA") },
	{ J, S("\"\\u0000AAB=\""), M, S("\xa5\0AAB=") },
	{ J, S("\"\\u0000AB==\""), M, S("\xa5\0AB==") },
	{ J, S("\"\\u0000====\""), M, S("\xa5\0====") },
	{ J, S("\"\\u0000AA==AA==\""), M, S("\xa9\0AA==AA==") },
	{ J, S("\"\\u0000AAE====\\u003d\""), C, S("\x69\0AAE=====") },
	{ J, S("\"\\u0000AA-_\""), C, S("\x65\0AA-_") },
	{ J, S("\"\\u0000AA==\\n\""), C, S("\x66\0AA==\n") },
	{ J, S("\"\\u0001AA==\""), C, S("\x65\1AA==") },
	{ J, S("{\"\\u0000AA==\":1}"), M, S("\x81\xa5\0AA==\x01") },

	/* MessagePack to the others */
	{ M, S("\xc0"), J, S("null") },
	{ M, S("\xc3"), J, S("true") },
	{ M, S("\xd3\x80\0\0\0\0\0\0\0"), J, S("-9223372036854775808") },
	{ M, S("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), J,
	    S("18446744073709551615") },
	{ M, S("\xca\x3f\x00\x00\x00"), J, S("0.5") },
	{ M, S("\xcb\x3f\xf0\0\0\0\0\0\0"), J, S("1.0") },
	{ M, S("\xcb\x7f\xf8\0\0\0\0\0\0"), J, S("null") },
	{ M, S("\xcb\xff\xf0\0\0\0\0\0\0"), J, S("null") },
	{ M, S("\xcb\xff\xf0\0\0\0\0\0\0"), C, S("\xfb\xff\xf0\0\0\0\0\0\0") },
	{ M, S("\xc4\x03\0\1\2"), J, S("\"\\u0000AAEC\"") },
	{ M, S("\xc4\x02\0\1"), J, S("\"\\u0000AAE=\"") },
	{ M, S("\xc4\x00"), J, S("\"\\u0000\"") },
	{ M, S("\xc4\x02\0\1"), C, S("\x42\0\1") },
	{ M, S("\xa5\0AA=="), J, S("\"\\u0000AA==\"") },
	{ M, S("\xa4\xe2\x82\xac\""), J, S("\"\xe2\x82\xac\\\"\"") },
	{ M, S("\x93\x01\x90\x80"), J, S("[1,[],{}]") },
	{ M, S("\x93\x01\x90\x80"), C, S("\x83\x01\x80\xa0") },
	{ M, S("\x82\xa1" "a\x01\x05\x02"), J, S("{\"a\":1,\"5\":2}") },
	{ M, S("\x81\xff\x02"), J, S("{\"-1\":2}") },
	{ M, S("\x81\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x02"), J,
	    S("{\"18446744073709551615\":2}") },
	{ M, S("\x81\x05\x02"), C, S("\xa1\x05\x02") },
	{ M, S("\x81\xc0\x02"), J, NONE },
	{ M, S("\x81\xc3\x02"), J, NONE },
	{ M, S("\x81\xca\0\0\0\0\x02"), J, NONE },
	{ M, S("\x81\xc4\x01" "a\x02"), J, NONE },
	{ M, S("\x81\x90\x02"), J, NONE },
	{ M, S("\x81\x80\x02"), J, NONE },
	{ M, S("\x81\x91\xc0\x82\xc0\x02\xc3\x03"), C,
	    S("\xa1\x81\xf6\xa2\xf6\x02\xf5\x03") },
	{ M, S("\xd4\x01\x02"), J, NONE },
	{ M, S("\x92\x01\xd4\x01\x02"), C, NONE },
	{ M, S("\x91\xd6\xff\0\0\0\0"), J, NONE },

	/* CBOR to the others */
	{ C, S("\xf6"), M, S("\xc0") },
	{ C, S("\x20"), J, S("-1") },
	{ C, S("\x3b\xff\xff\xff\xff\xff\xff\xff\xff"), J,
	    S("-1.8446744073709552e+19") },
	{ C, S("\x3b\x80\0\0\0\0\0\0\0"), M, S("\xcb\xc3\xe0\0\0\0\0\0\0") },
	{ C, S("\xf9\x3e\x00"), M, S("\xcb\x3f\xf8\0\0\0\0\0\0") },
	{ C, S("\xf9\x7e\x00"), J, S("null") },
	{ C, S("\xf9\xbe\x00"), J, S("-1.5") },
	{ C, S("\x7f\x61" "a\x60\x62" "b\"\xff"), J, S("\"ab\\\"\"") },
	{ C, S("\x7f\x61" "a\x60\x62" "bc\xff"), M, S("\xa3" "abc") },
	{ C, S("\x7f\xff"), M, S("\xa0") },
	{ C, S("\x5f\x41\0\x42\1\2\x40\x41\3\xff"), J,
	    S("\"\\u0000AAECAw==\"") },
	{ C, S("\x5f\x41\0\x42\1\2\xff"), M, S("\xc4\x03\0\1\2") },
	{ C, S("\x9f\x01\x9f\xff\xbf\xff\xff"), M, S("\x93\x01\x90\x80") },
	{ C, S("\x9f\x01\x9f\xff\xbf\xff\xff"), J, S("[1,[],{}]") },
	{ C, S("\xbf\x61" "a\x01\x02\x9f\x03\xff\xff"), J,
	    S("{\"a\":1,\"2\":[3]}") },
	{ C, S("\xbf\x7f\x61" "a\xff\x01\xff"), M, S("\x81\xa1" "a\x01") },
	{ C, S("\xbf\x9f\xff\xbf\x01\x02\xff\xff"), M,
	    S("\x81\x90\x81\x01\x02") },
	{ C, S("\xbf\x9f\xff\x01\xff"), J, NONE },
	{ C, S("\x82\x01\x82\x02\x03"), M, S("\x92\x01\x92\x02\x03") },
	{ C, S("\xf7"), M, NONE },
	{ C, S("\xe0"), J, NONE },
	{ C, S("\xc1\x01"), J, NONE },
	{ C, S("\x81\xc2\x41\x01"), M, NONE },
	{ C, S("\xa1\x20\x01"), J, S("{\"-1\":1}") },
	{ C, S("\xa1\x3b\xff\xff\xff\xff\xff\xff\xff\xff\x01"), J, NONE }
};

static void
expect(const struct row *r, size_t i)
{
	struct wbuf	 w = { 0 };
	struct val	 v;
	enum codec_err	 got;
	uint8_t		*in;

	if ((in = malloc(r->len)) == NULL)
		err(1, "malloc");
	memcpy(in, r->in, r->len);
	if (codec_check(r->from, in, r->len, &v) != CODEC_OK)
		errx(1, "row %zu: refused", i);
	wbuf_add(&w, "xx", 2);
	got = codec_convert(&v, r->to, &w);
	if (r->out == NULL) {
		if (got != CODEC_ECONVERT || w.len != 2 || w.failed)
			errx(1, "row %zu: got %d, length %zu", i, got, w.len);
	} else if (got != CODEC_OK || w.len != r->outlen + 2 ||
	    memcmp(w.buf + 2, r->out, r->outlen) != 0)
		errx(1, "row %zu: got %d, %zu octets: %.*s", i, got,
		    w.len - 2, (int)w.len - 2, w.buf + 2);
	/* With too little room it fails, and says so. */
	while (r->out != NULL && r->outlen > 0 && w.len-- > 3) {
		w.max = w.len;
		w.len = 2;
		got = codec_convert(&v, r->to, &w);
		if (got != CODEC_ENOMEM || w.len != 2 || !w.failed)
			errx(1, "row %zu, room for %zu: got %d, length %zu",
			    i, w.max, got, w.len);
		wbuf_reset(&w);
		w.len = w.max;
	}
	wbuf_free(&w);
	free(in);
}

static void
test_rows(void)
{
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(&rows[i], i);
	puts("ok - rows");
}

static void
convert(enum ser from, const struct wbuf *in, enum ser to, struct wbuf *out)
{
	struct val	v;
	enum codec_err	e;

	wbuf_reset(out);
	if ((e = codec_check(from, in->buf, in->len, &v)) != CODEC_OK)
		errx(1, "check %s: %s", ser_name(from), codec_strerror(e));
	if ((e = codec_convert(&v, to, out)) != CODEC_OK)
		errx(1, "convert %s to %s: %s", ser_name(from), ser_name(to),
		    codec_strerror(e));
}

/*
 * Heads that are patched: every number of entries around the limits, with
 * bodies short and long, read back the same.
 */
static void
test_counts(void)
{
	static const char	*entries[] = { "1", "\"twenty octets of text\"",
				    "[]", "{\"a\":1}" };
	struct wbuf		 in = { 0 }, mid = { 0 }, out = { 0 };
	struct val		 v;
	enum ser		 to;
	size_t			 e, i, n;

	for (e = 0; e < sizeof(entries) / sizeof(entries[0]); e++) {
		for (n = 0; n < 300; n += n < 30 ? 1 : 31) {
			wbuf_reset(&in);
			wbuf_add(&in, "{\"m\":[", 6);
			for (i = 0; i < n; i++) {
				wbuf_add(&in, ",", i > 0);
				wbuf_add(&in, entries[e], strlen(entries[e]));
			}
			wbuf_add(&in, "]}", 2);
			for (to = SER_MSGPACK; to <= SER_CBOR; to++) {
				convert(SER_JSON, &in, to, &mid);
				convert(to, &mid, SER_JSON, &out);
				if (out.len != in.len ||
				    memcmp(out.buf, in.buf, in.len) != 0)
					errx(1, "%zu of %s by %s", n,
					    entries[e], ser_name(to));
			}
		}
	}
	if (codec_check(SER_CBOR, mid.buf, mid.len, &v) != CODEC_OK ||
	    val_count(&v) != 1)
		errx(1, "count");
	wbuf_free(&in);
	wbuf_free(&mid);
	wbuf_free(&out);
	puts("ok - counts");
}

static double
seconds(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

/*
 * As deep as allowed, and a megabyte of it: time stays linear though each
 * head is patched.  The bound is two orders above what it takes.
 */
static void
test_deep(void)
{
	struct wbuf	in = { 0 }, mid = { 0 }, out = { 0 };
	double		begin;
	enum ser	to;
	size_t		i;

	wbuf_add(&in, "[", 1);
	while (in.len < 1 << 20) {
		wbuf_add(&in, ",", in.len > 1);
		for (i = 0; i < 127; i++)
			wbuf_add(&in, "[", 1);
		for (i = 0; i < 127; i++)
			wbuf_add(&in, "]", 1);
	}
	wbuf_add(&in, "]", 1);
	begin = seconds();
	for (to = SER_MSGPACK; to <= SER_CBOR; to++) {
		convert(SER_JSON, &in, to, &mid);
		convert(to, &mid, SER_JSON, &out);
		if (out.len != in.len || memcmp(out.buf, in.buf, in.len) != 0)
			errx(1, "deep lists changed by %s", ser_name(to));
	}
	if (seconds() - begin > 30)
		errx(1, "deep lists took %.1f s", seconds() - begin);
	wbuf_free(&in);
	wbuf_free(&mid);
	wbuf_free(&out);
	puts("ok - deep");
}

/* Megabytes of what is dearest for each octet stay cheap. */
static void
test_large(void)
{
	static const struct {
		enum ser	 from;
		const char	*head, *unit;
		size_t		 ulen;
		const char	*tail;
	} large[] = {
		{ J, "[1", S("234567890"), "]" },
		{ J, "[0.1", S("0"), "]" },
		{ J, "[1", S(",0.12345678901234567"), "]" },
		{ J, "[1", S(",[]"), "]" },
		{ J, "[\"", S("\\u0041"), "\"]" },
		{ J, "[\"\\u0000", S("AAAA"), "\"]" },
		{ J, "[\"\\u0000", S("AAAA"), "A\"]" },
		{ J, "{\"\":1", S(",\"\":1"), "}" },
		{ C, "\x9f\x7f", S("\x61" "a"), "\xff\xff" },
		{ C, "\x9f\x5f", S("\x40\x41" "a"), "\xff\xff" },
		{ C, "\x9f", S("\xf6"), "\xff" },
		{ C, "\x9f", S("\xf9\x03\xff"), "\xff" },
		{ C, "\xbf", S("\x60\x9f\xff"), "\xff" }
	};
	struct wbuf		 in = { 0 }, out = { 0 };
	double			 begin = seconds();
	enum ser		 to;
	size_t			 i;

	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		wbuf_reset(&in);
		wbuf_add(&in, large[i].head, strlen(large[i].head));
		while (in.len < 1 << 20)
			wbuf_add(&in, large[i].unit, large[i].ulen);
		wbuf_add(&in, large[i].tail, strlen(large[i].tail));
		for (to = SER_JSON; to < SER_MAX; to++)
			convert(large[i].from, &in, to, &out);
	}
	if (seconds() - begin > 60)
		errx(1, "large ones took %.1f s", seconds() - begin);
	wbuf_free(&in);
	wbuf_free(&out);
	puts("ok - large");
}

int
main(void)
{
	test_rows();
	test_large();
	test_counts();
	test_deep();
	return (0);
}
