/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The cursors by tables: each type, what must be refused and with which
 * error, depth, keys.  Input stands at the end of an allocation of its size,
 * so that ASan sees a step beyond.
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

static const char	*names[] = {
	"OK", "ESYNTAX", "ETRUNC", "ETRAIL", "EUTF8", "EDEPTH", "ENOTLIST",
	"ETOOMANY", "ECONVERT", "ENOMEM"
};

static void *
copy(const void *p, size_t len)
{
	void	*q;

	if ((q = malloc(len)) == NULL && len > 0)
		err(1, "malloc");
	if (len > 0)
		memcpy(q, p, len);
	return (q);
}

struct check {
	enum ser	 ser;
	const char	*in;
	size_t		 len;
	enum codec_err	 want;
};

static const struct check	checks[] = {
	/* MessagePack */
	{ SER_MSGPACK, S(""), CODEC_ETRUNC },
	{ SER_MSGPACK, S("\xc0"), CODEC_OK },
	{ SER_MSGPACK, S("\xc1"), CODEC_ESYNTAX },
	{ SER_MSGPACK, S("\x92\x01\xc1"), CODEC_ESYNTAX },
	{ SER_MSGPACK, S("\xc0\xc0"), CODEC_ETRAIL },
	{ SER_MSGPACK, S("\xa3" "a\xc3\xa4"), CODEC_OK },
	{ SER_MSGPACK, S("\xa2" "a\xc3"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xa1\x80"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xa2\xc0\x80"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xa3\xe0\x9f\xbf"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xa3\xe0\xa0\x80"), CODEC_OK },
	{ SER_MSGPACK, S("\xa3\xed\x9f\xbf"), CODEC_OK },
	{ SER_MSGPACK, S("\xa3\xed\xa0\x80"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xa3\xef\xbf\xbf"), CODEC_OK },
	{ SER_MSGPACK, S("\xa4\xf0\x8f\xbf\xbf"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xa4\xf0\x90\x80\x80"), CODEC_OK },
	{ SER_MSGPACK, S("\xa4\xf4\x8f\xbf\xbf"), CODEC_OK },
	{ SER_MSGPACK, S("\xa4\xf4\x90\x80\x80"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xa4\xf5\x80\x80\x80"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xab" "0123456789\xff"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xac" "0123456789\xc3\xa4"), CODEC_OK },
	{ SER_MSGPACK, S("\xac" "\xc3\xa4" "0123456789"), CODEC_OK },
	{ SER_MSGPACK, S("\xac" "\xc3\xa4" "012345678\xff"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\x91\xa1\xff"), CODEC_EUTF8 },
	{ SER_MSGPACK, S("\xc4\x02\xff\xfe"), CODEC_OK },
	{ SER_MSGPACK, S("\xd9\x02" "ab"), CODEC_OK },
	{ SER_MSGPACK, S("\xda\x00\x02" "ab"), CODEC_OK },
	{ SER_MSGPACK, S("\xdb\x00\x00\x00\x02" "ab"), CODEC_OK },
	{ SER_MSGPACK, S("\xdb\xff\xff\xff\xff" "ab"), CODEC_ETRUNC },
	{ SER_MSGPACK, S("\xdd\xff\xff\xff\xff\xc0"), CODEC_ETRUNC },
	{ SER_MSGPACK, S("\xdf\xff\xff\xff\xff\xc0\xc0"), CODEC_ETRUNC },
	{ SER_MSGPACK, S("\xdf\x80\x00\x00\x01\xc0\xc0"), CODEC_ETRUNC },
	{ SER_MSGPACK, S("\x81\xc0"), CODEC_ETRUNC },
	{ SER_MSGPACK, S("\x82\xa1" "a\x81\x01\x02\xa1" "b\x93\x01\x02\x03"),
	    CODEC_OK },
	{ SER_MSGPACK, S("\xc7\x00\x05"), CODEC_OK },
	{ SER_MSGPACK, S("\xd8\x01" "0123456789abcdef"), CODEC_OK },
	{ SER_MSGPACK, S("\xc9\xff\xff\xff\xff\x01\x02"), CODEC_ETRUNC },

	/* JSON: structure */
	{ SER_JSON, S(""), CODEC_ETRUNC },
	{ SER_JSON, S(" \t\r\n"), CODEC_ETRUNC },
	{ SER_JSON, S(" \t\r\n[ 1 , 2 , { } , [ ] ]\n"), CODEC_OK },
	{ SER_JSON, S("{ \"a\" : 1 , \"b\" : { \"c\" : [ null ] } }"),
	    CODEC_OK },
	{ SER_JSON, S("[1,]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[,1]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[1 2]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[1}"), CODEC_ESYNTAX },
	{ SER_JSON, S("{\"a\":1]"), CODEC_ESYNTAX },
	{ SER_JSON, S("{\"a\" 1}"), CODEC_ESYNTAX },
	{ SER_JSON, S("{\"a\",1}"), CODEC_ESYNTAX },
	{ SER_JSON, S("{\"a\":1,}"), CODEC_ESYNTAX },
	{ SER_JSON, S("{,}"), CODEC_ESYNTAX },
	{ SER_JSON, S("{1:2}"), CODEC_ESYNTAX },
	{ SER_JSON, S("{\"a\":}"), CODEC_ESYNTAX },
	{ SER_JSON, S("{\"a\"}"), CODEC_ESYNTAX },
	{ SER_JSON, S("[1]]"), CODEC_ETRAIL },
	{ SER_JSON, S("[1][2]"), CODEC_ETRAIL },
	{ SER_JSON, S("[1]\0"), CODEC_ETRAIL },
	{ SER_JSON, S("[1"), CODEC_ETRUNC },
	{ SER_JSON, S("]"), CODEC_ESYNTAX },
	{ SER_JSON, S("\xef\xbb\xbf[]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[1,\x0c" "2]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[/**/1]"), CODEC_ESYNTAX },
	{ SER_JSON, S("['a']"), CODEC_ESYNTAX },
	{ SER_JSON, S("[a]"), CODEC_ESYNTAX },
	/* JSON: literals and numbers */
	{ SER_JSON, S("[true,false,null]"), CODEC_OK },
	{ SER_JSON, S("tru"), CODEC_ETRUNC },
	{ SER_JSON, S("[trux]"), CODEC_ESYNTAX },
	{ SER_JSON, S("True"), CODEC_ESYNTAX },
	{ SER_JSON, S("truee"), CODEC_ETRAIL },
	{ SER_JSON, S("NaN"), CODEC_ESYNTAX },
	{ SER_JSON, S("[-Infinity]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[0,-0,0.0,-0.5e+3,1E-2,1e5,123]"), CODEC_OK },
	{ SER_JSON, S("[01]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[-01]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[+1]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[1.]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[.5]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[1e]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[1e+]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[-]"), CODEC_ESYNTAX },
	{ SER_JSON, S("[0x10]"), CODEC_ESYNTAX },
	{ SER_JSON, S("-"), CODEC_ETRUNC },
	{ SER_JSON, S("1."), CODEC_ETRUNC },
	{ SER_JSON, S("1e-"), CODEC_ETRUNC },
	/* JSON: strings */
	{ SER_JSON, S("\"\""), CODEC_OK },
	{ SER_JSON, S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\""), CODEC_OK },
	{ SER_JSON, S("\"\x7f\xc2\x80\xe2\x80\xa8\""), CODEC_OK },
	{ SER_JSON, S("\"abc"), CODEC_ETRUNC },
	{ SER_JSON, S("\"abc\\"), CODEC_ETRUNC },
	{ SER_JSON, S("\"abc\\\""), CODEC_ETRUNC },
	{ SER_JSON, S("\"\\a\""), CODEC_ESYNTAX },
	{ SER_JSON, S("\"\\\0\""), CODEC_ESYNTAX },
	{ SER_JSON, S("\"\\u12\""), CODEC_ESYNTAX },
	{ SER_JSON, S("\"\\u123g\""), CODEC_ESYNTAX },
	{ SER_JSON, S("\"\\U1234\""), CODEC_ESYNTAX },
	{ SER_JSON, S("\"a\nb\""), CODEC_ESYNTAX },
	{ SER_JSON, S("\"a\0b\""), CODEC_ESYNTAX },
	{ SER_JSON, S("\"0123456789\x1f\""), CODEC_ESYNTAX },
	{ SER_JSON, S("\"\\ud83d\\ude00\""), CODEC_OK },
	{ SER_JSON, S("\"\\uD83D\\uDE00\""), CODEC_OK },
	{ SER_JSON, S("\"\\ud800\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\\udc00\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\\ud800\\n\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\\ud800x\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\\ud800\\ud800\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\\ud800\\u0041\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\\ude00\\ud83d\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\xff\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\xc0\x80\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\xed\xa0\x80\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\xc3\""), CODEC_EUTF8 },
	{ SER_JSON, S("\"\xc3"), CODEC_ETRUNC },
	{ SER_JSON, S("{\"\xff\":1}"), CODEC_EUTF8 },

	/* CBOR */
	{ SER_CBOR, S(""), CODEC_ETRUNC },
	{ SER_CBOR, S("\xf6"), CODEC_OK },
	{ SER_CBOR, S("\xf6\xf6"), CODEC_ETRAIL },
	{ SER_CBOR, S("\x1c"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\x3d"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\x1f"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\x3f"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xdf"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\x81\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xa1\x01\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xc1\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\x9f\xff"), CODEC_OK },
	{ SER_CBOR, S("\xbf\xff"), CODEC_OK },
	{ SER_CBOR, S("\xbf\x01\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xbf\x01\x02\x03\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xbf\x01\x9f\x03\xff\xff"), CODEC_OK },
	{ SER_CBOR, S("\x9f\x9f\xff\xbf\xff\x81\x9f\xff\xff"), CODEC_OK },
	{ SER_CBOR, S("\x9f\x01\x02"), CODEC_ETRUNC },
	{ SER_CBOR, S("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	    CODEC_ETRUNC },
	{ SER_CBOR, S("\x9b\xff\xff\xff\xff\xff\xff\xff\xfe\x01"),
	    CODEC_ETRUNC },
	{ SER_CBOR, S("\xbb\x80\x00\x00\x00\x00\x00\x00\x00\x01"),
	    CODEC_ETRUNC },
	{ SER_CBOR, S("\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"),
	    CODEC_ETRUNC },
	{ SER_CBOR, S("\x7b\xff\xff\xff\xff\xff\xff\xff\xff\x61"),
	    CODEC_ETRUNC },
	{ SER_CBOR, S("\x62\xc3\xa4"), CODEC_OK },
	{ SER_CBOR, S("\x61\xc3"), CODEC_EUTF8 },
	{ SER_CBOR, S("\x42\xff\xfe"), CODEC_OK },
	{ SER_CBOR, S("\x7f\x61\x61\x62\xc3\xa4\x60\xff"), CODEC_OK },
	{ SER_CBOR, S("\x7f\xff"), CODEC_OK },
	{ SER_CBOR, S("\x7f\x61\xc3\x61\xa4\xff"), CODEC_EUTF8 },
	{ SER_CBOR, S("\x7f\x41\x61\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\x5f\x61\x61\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\x7f\x7f\x61\x61\xff\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\x7f\x01\xff"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\x7f\x61\x61"), CODEC_ETRUNC },
	{ SER_CBOR, S("\xf8\x1f"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xf8\x18"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xf8\x20"), CODEC_OK },
	{ SER_CBOR, S("\xe0"), CODEC_OK },
	{ SER_CBOR, S("\xfc"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xc0\x61" "a"), CODEC_OK },
	{ SER_CBOR, S("\x82\xc2\x41\x01\xd9\xd9\xf7\x80"), CODEC_OK },
	{ SER_CBOR, S("\xc0"), CODEC_ETRUNC },
	{ SER_CBOR, S("\xc0\x1c"), CODEC_ESYNTAX },
	{ SER_CBOR, S("\xa2\x61" "a\xa1\x01\x02\x61" "b\x83\x01\x02\x03"),
	    CODEC_OK },

	{ SER_NONE, S("[]"), CODEC_ESYNTAX }
};

static void
test_checks(void)
{
	const struct check	*c;
	struct val		 v, list[8];
	enum codec_err		 got;
	size_t			 i, n;
	uint8_t			*in;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		c = &checks[i];
		in = copy(c->in, c->len);
		got = codec_check(c->ser, in, c->len, &v);
		if (got != c->want)
			errx(1, "check %s %s: got %s, want %s",
			    ser_name(c->ser), show(in, c->len), names[got],
			    names[c->want]);
		if (got == CODEC_OK && (v.p < in || v.ser != c->ser ||
		    v.len > c->len - (size_t)(v.p - in)))
			errx(1, "check %s %s: wrong span",
			    ser_name(c->ser), show(in, c->len));
		got = codec_split(c->ser, in, c->len, list, 8, &n);
		if ((got == CODEC_OK) != (c->want == CODEC_OK &&
		    v.type == VAL_ARRAY))
			errx(1, "split %s %s: got %s", ser_name(c->ser),
			    show(in, c->len), names[got]);
		if (c->want != CODEC_OK && got != c->want)
			errx(1, "split %s %s: got %s, want %s",
			    ser_name(c->ser), show(in, c->len), names[got],
			    names[c->want]);
		if (c->want == CODEC_OK && got != CODEC_OK &&
		    got != CODEC_ENOTLIST)
			errx(1, "split %s %s: got %s, want ENOTLIST",
			    ser_name(c->ser), show(in, c->len), names[got]);
		free(in);
	}
	puts("ok - accepted and refused");
}

struct scalar {
	enum ser	 ser;
	const char	*in;
	size_t		 len;
	enum val_type	 type;
	uint64_t	 u;	/* also the pattern of a negative integer */
	double		 d;
	const char	*str;
	size_t		 slen;
};

#define U(x)	VAL_UINT, (x), 0, NULL, 0
#define I(x)	VAL_INT, (uint64_t)(x), 0, NULL, 0
#define F(x)	VAL_FLOAT, 0, (x), NULL, 0
#define T(x)	VAL_STR, 0, 0, S(x)
#define X(x)	VAL_BIN, 0, 0, S(x)
#define B(x)	VAL_BOOL, (x), 0, NULL, 0
#define NIL	VAL_NIL, 0, 0, NULL, 0
#define EXT	VAL_EXT, 0, 0, NULL, 0

static const struct scalar	scalars[] = {
	{ SER_MSGPACK, S("\xc0"), NIL },
	{ SER_MSGPACK, S("\xc2"), B(0) },
	{ SER_MSGPACK, S("\xc3"), B(1) },
	{ SER_MSGPACK, S("\x00"), U(0) },
	{ SER_MSGPACK, S("\x7f"), U(127) },
	{ SER_MSGPACK, S("\xff"), I(-1) },
	{ SER_MSGPACK, S("\xe0"), I(-32) },
	{ SER_MSGPACK, S("\xcc\xff"), U(255) },
	{ SER_MSGPACK, S("\xcd\xff\xff"), U(65535) },
	{ SER_MSGPACK, S("\xce\xff\xff\xff\xff"), U(UINT32_MAX) },
	{ SER_MSGPACK, S("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
	    U(UINT64_MAX) },
	{ SER_MSGPACK, S("\xd0\x80"), I(-128) },
	{ SER_MSGPACK, S("\xd0\x7f"), U(127) },
	{ SER_MSGPACK, S("\xd1\x80\x00"), I(-32768) },
	{ SER_MSGPACK, S("\xd1\x00\x01"), U(1) },
	{ SER_MSGPACK, S("\xd2\x80\x00\x00\x00"), I(INT32_MIN) },
	{ SER_MSGPACK, S("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
	    I(INT64_MIN) },
	{ SER_MSGPACK, S("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"),
	    U(INT64_MAX) },
	{ SER_MSGPACK, S("\xca\x3f\xc0\x00\x00"), F(1.5) },
	{ SER_MSGPACK, S("\xcb\xbf\xf8\x00\x00\x00\x00\x00\x00"), F(-1.5) },
	{ SER_MSGPACK, S("\xa0"), T("") },
	{ SER_MSGPACK, S("\xa3" "a\0b"), T("a\0b") },
	{ SER_MSGPACK, S("\xd9\x01" "a"), T("a") },
	{ SER_MSGPACK, S("\xc4\x01\xff"), X("\xff") },
	{ SER_MSGPACK, S("\xc5\x00\x01\xff"), X("\xff") },
	{ SER_MSGPACK, S("\xc6\x00\x00\x00\x01\xff"), X("\xff") },
	{ SER_MSGPACK, S("\xd4\xff\x00"), EXT },
	{ SER_MSGPACK, S("\xc7\x01\x00\x00"), EXT },

	{ SER_JSON, S("null"), NIL },
	{ SER_JSON, S(" false "), B(0) },
	{ SER_JSON, S("true"), B(1) },
	{ SER_JSON, S("0"), U(0) },
	{ SER_JSON, S("-0"), U(0) },
	{ SER_JSON, S("-1"), I(-1) },
	{ SER_JSON, S("9223372036854775807"), U(INT64_MAX) },
	{ SER_JSON, S("-9223372036854775808"), I(INT64_MIN) },
	{ SER_JSON, S("-9223372036854775809"), F(-9223372036854775809.0) },
	{ SER_JSON, S("18446744073709551615"), U(UINT64_MAX) },
	{ SER_JSON, S("18446744073709551616"), F(18446744073709551616.0) },
	{ SER_JSON, S("99999999999999999999"), F(99999999999999999999.0) },
	{ SER_JSON, S("-99999999999999999999"), F(-99999999999999999999.0) },
	{ SER_JSON, S("0.0"), F(0.0) },
	{ SER_JSON, S("-0.0"), F(-0.0) },
	{ SER_JSON, S("1.0"), F(1.0) },
	{ SER_JSON, S("1e2"), F(100.0) },
	{ SER_JSON, S("0.1"), F(0.1) },
	{ SER_JSON, S("1e999"), F((double)INFINITY) },
	{ SER_JSON, S("1e-999"), F(0.0) },
	{ SER_JSON, S("\"\""), T("") },
	{ SER_JSON, S("\"ab\""), T("ab") },
	{ SER_JSON, S("\"a\\nb\""), T("a\nb") },
	{ SER_JSON, S("\"\\u0000x\""), T("\0x") },
	{ SER_JSON, S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	    T("\"\\/\b\f\n\r\t") },
	{ SER_JSON, S("\"\\u00e4\\u20ac\\ud83d\\ude00x\""),
	    T("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80x") },
	{ SER_JSON, S("\"\xc3\xa4\""), T("\xc3\xa4") },

	{ SER_CBOR, S("\xf6"), NIL },
	{ SER_CBOR, S("\xf4"), B(0) },
	{ SER_CBOR, S("\xf5"), B(1) },
	{ SER_CBOR, S("\xf7"), EXT },
	{ SER_CBOR, S("\xe1"), EXT },
	{ SER_CBOR, S("\xf8\xff"), EXT },
	{ SER_CBOR, S("\xc2\x41\x01"), EXT },
	{ SER_CBOR, S("\x17"), U(23) },
	{ SER_CBOR, S("\x18\x18"), U(24) },
	{ SER_CBOR, S("\x18\x00"), U(0) },
	{ SER_CBOR, S("\x19\x01\x00"), U(256) },
	{ SER_CBOR, S("\x1a\x00\x01\x00\x00"), U(65536) },
	{ SER_CBOR, S("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
	    U(UINT64_MAX) },
	{ SER_CBOR, S("\x20"), I(-1) },
	{ SER_CBOR, S("\x38\xff"), I(-256) },
	{ SER_CBOR, S("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"),
	    I(INT64_MIN) },
	{ SER_CBOR, S("\x3b\x80\x00\x00\x00\x00\x00\x00\x00"),
	    F(-9223372036854775809.0) },
	{ SER_CBOR, S("\x3b\xff\xff\xff\xff\xff\xff\xff\xff"),
	    F(-18446744073709551616.0) },
	{ SER_CBOR, S("\xf9\x00\x00"), F(0.0) },
	{ SER_CBOR, S("\xf9\x80\x00"), F(-0.0) },
	{ SER_CBOR, S("\xf9\x3c\x00"), F(1.0) },
	{ SER_CBOR, S("\xf9\x7b\xff"), F(65504.0) },
	{ SER_CBOR, S("\xf9\x00\x01"), F(5.960464477539063e-8) },
	{ SER_CBOR, S("\xf9\x04\x00"), F(0.00006103515625) },
	{ SER_CBOR, S("\xf9\xc4\x00"), F(-4.0) },
	{ SER_CBOR, S("\xf9\x7c\x00"), F((double)INFINITY) },
	{ SER_CBOR, S("\xf9\xfc\x00"), F(-(double)INFINITY) },
	{ SER_CBOR, S("\xf9\x7e\x00"), F((double)NAN) },
	{ SER_CBOR, S("\xfa\x47\xc3\x50\x00"), F(100000.0) },
	{ SER_CBOR, S("\xfa\xff\x80\x00\x00"), F(-(double)INFINITY) },
	{ SER_CBOR, S("\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a"), F(1.1) },
	{ SER_CBOR, S("\x60"), T("") },
	{ SER_CBOR, S("\x61" "a"), T("a") },
	{ SER_CBOR, S("\x78\x01" "a"), T("a") },
	{ SER_CBOR, S("\x7f\x61" "a\x60\x62" "bc\xff"), T("abc") },
	{ SER_CBOR, S("\x7f\xff"), T("") },
	{ SER_CBOR, S("\x42\xff\x00"), X("\xff\x00") },
	{ SER_CBOR, S("\x5f\x41\xff\x41\x00\xff"), X("\xff\x00") }
};

/* Compare v with the row; content and val_is() of strings, too. */
static void
expect_scalar(const struct scalar *c, const struct val *v, const char *what)
{
	uint8_t		 buf[64];
	const uint8_t	*s;
	size_t		 len;
	int		 ok = 1;

	if (v->type != c->type)
		errx(1, "%s %s: type %d, want %d", what,
		    show(c->in, c->len), v->type, c->type);
	if (c->type == VAL_UINT)
		ok = v->u.u == c->u;
	else if (c->type == VAL_INT)
		ok = v->u.i == (int64_t)c->u && v->u.i < 0;
	else if (c->type == VAL_BOOL)
		ok = v->u.b == (int)c->u;
	else if (c->type == VAL_FLOAT)
		ok = double_same(v->u.d, c->d);
	else if (c->str != NULL) {
		s = val_str(v, buf, sizeof(buf), &len);
		ok = s != NULL && len == c->slen &&
		    memcmp(s, c->str, len) == 0 &&
		    val_is(v, c->str, len) == (c->type == VAL_STR) &&
		    !val_is(v, "other", 5) && !val_is(v, c->str, len + 1) &&
		    (len == 0 || !val_is(v, c->str, len - 1)) &&
		    (v->plain || len == 0 ||
		    val_str(v, buf, c->slen - 1, &len) == NULL);
	}
	if (!ok)
		errx(1, "%s %s: wrong value", what, show(c->in, c->len));
}

/* Each scalar alone, in a list by split, and by iterators. */
static void
test_scalars(void)
{
	static const char	*open[] = { "", "[1,", "\x92\x01", "\x82\x01" };
	static const char	*mopen[] = { "", "{\"k\":", "\x81\xa1k",
				    "\xbf\x61k" };
	const struct scalar	*c;
	struct val		 v, list[2], key;
	struct val_iter		 it;
	size_t			 i, n;
	struct wbuf		 w;
	uint8_t			*in;

	for (i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
		c = &scalars[i];
		in = copy(c->in, c->len);
		if (codec_check(c->ser, in, c->len, &v) != CODEC_OK)
			errx(1, "scalar %s refused", show(c->in, c->len));
		expect_scalar(c, &v, "alone");
		free(in);

		memset(&w, 0, sizeof(w));
		wbuf_add(&w, open[c->ser], strlen(open[c->ser]));
		wbuf_add(&w, c->in, c->len);
		wbuf_add(&w, "]", c->ser == SER_JSON);
		in = copy(w.buf, w.len);
		if (codec_split(c->ser, in, w.len, list, 2, &n) != CODEC_OK ||
		    n != 2)
			errx(1, "list of %s refused", show(c->in, c->len));
		expect_scalar(c, &list[1], "in a list");
		if (codec_check(c->ser, in, w.len, &v) != CODEC_OK ||
		    val_count(&v) != 2)
			errx(1, "list of %s: count", show(c->in, c->len));
		val_iter_init(&it, &v);
		if (!val_array_next(&it, &v) || !val_array_next(&it, &v))
			errx(1, "iterator of %s ends", show(c->in, c->len));
		expect_scalar(c, &v, "by iterator");
		if (val_array_next(&it, &v) || val_array_next(&it, &v))
			errx(1, "iterator of %s goes on",
			    show(c->in, c->len));
		free(in);

		wbuf_reset(&w);
		wbuf_add(&w, mopen[c->ser], strlen(mopen[c->ser]));
		wbuf_add(&w, c->in, c->len);
		wbuf_add(&w, c->ser == SER_JSON ? "}" : "\xff",
		    c->ser != SER_MSGPACK);
		in = copy(w.buf, w.len);
		if (codec_check(c->ser, in, w.len, &v) != CODEC_OK ||
		    val_count(&v) != 1)
			errx(1, "map of %s refused", show(c->in, c->len));
		val_iter_init(&it, &v);
		if (!val_map_next(&it, &key, &v) || !val_is(&key, "k", 1))
			errx(1, "map of %s: key", show(c->in, c->len));
		expect_scalar(c, &v, "in a map");
		if (val_map_next(&it, &key, &v))
			errx(1, "map of %s goes on", show(c->in, c->len));
		free(in);
		wbuf_free(&w);
	}
	puts("ok - scalars");
}

/* Exactly CODEC_MAXDEPTH containers pass, and a megabyte of them fails. */
static void
test_depth(void)
{
	static const struct {
		enum ser	 ser;
		const char	*open, *close;
		size_t		 olen;
		const char	*inner;
	} rows[] = {
		{ SER_MSGPACK, "\x91", "", 1, "\xc0" },
		{ SER_MSGPACK, "\x91", "", 1, "\x90" },
		{ SER_MSGPACK, "\x81\xa1" "a", "", 3, "\xc0" },
		{ SER_MSGPACK, "\x81\xc0", "", 2, "\x80" },
		{ SER_JSON, "[", "]", 1, "1" },
		{ SER_JSON, "[", "]", 1, "[]" },
		{ SER_JSON, "{\"a\":", "}", 5, "1" },
		{ SER_JSON, "{\"a\":", "}", 5, "{}" },
		{ SER_CBOR, "\x81", "", 1, "\x01" },
		{ SER_CBOR, "\xa1\x61" "a", "", 3, "\x80" },
		{ SER_CBOR, "\x9f", "\xff", 1, "\x01" },
		{ SER_CBOR, "\xbf\x01", "\xff", 2, "\xa0" },
		{ SER_CBOR, "\xc1", "", 1, "\x01" },
	};
	struct val	 v, list[1];
	struct wbuf	 w = { 0 };
	enum codec_err	 got, want;
	size_t		 i, n, depth, inner;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (depth = 126; depth <= 130; depth++) {
			wbuf_reset(&w);
			for (n = 0; n < depth; n++)
				wbuf_add(&w, rows[i].open, rows[i].olen);
			wbuf_add(&w, rows[i].inner, strlen(rows[i].inner));
			for (n = 0; n < depth; n++)
				wbuf_add(&w, rows[i].close,
				    strlen(rows[i].close));
			inner = strchr("1\x01\xc0", rows[i].inner[0]) == NULL;
			want = depth + inner > CODEC_MAXDEPTH ?
			    CODEC_EDEPTH : CODEC_OK;
			got = codec_check(rows[i].ser, w.buf, w.len, &v);
			if (got != want)
				errx(1, "depth row %zu, %zu: got %s, want %s",
				    i, depth, names[got], names[want]);
			got = codec_split(rows[i].ser, w.buf, w.len, list, 1,
			    &n);
			if (got == CODEC_ENOTLIST)
				got = CODEC_OK;
			if (got != want)
				errx(1, "split row %zu, %zu: got %s, want %s",
				    i, depth, names[got], names[want]);
		}
		wbuf_reset(&w);
		while (w.len < 1 << 20)
			wbuf_add(&w, rows[i].open, rows[i].olen);
		if ((got = codec_check(rows[i].ser, w.buf, w.len, &v)) !=
		    CODEC_EDEPTH)
			errx(1, "a megabyte of row %zu: got %s", i,
			    names[got]);
	}
	wbuf_free(&w);
	puts("ok - depth");
}

static void
test_split(void)
{
	struct val	v[3];
	size_t		n;

	if (codec_split(SER_JSON, (const uint8_t *)S("[1,2,3]"), v, 3, &n) !=
	    CODEC_OK || n != 3 || v[2].u.u != 3)
		errx(1, "split of three");
	if (codec_split(SER_JSON, (const uint8_t *)S("[1,2,3,4]"), v, 3,
	    &n) != CODEC_ETOOMANY || n != 0)
		errx(1, "JSON, four of three");
	if (codec_split(SER_MSGPACK, (const uint8_t *)S("\x94\1\2\3\4"), v, 3,
	    &n) != CODEC_ETOOMANY || n != 0)
		errx(1, "MessagePack, four of three");
	if (codec_split(SER_CBOR, (const uint8_t *)S("\x84\1\2\3\4"), v, 3,
	    &n) != CODEC_ETOOMANY)
		errx(1, "CBOR, four of three");
	if (codec_split(SER_CBOR, (const uint8_t *)S("\x9f\1\2\3\4\xff"), v,
	    3, &n) != CODEC_ETOOMANY)
		errx(1, "CBOR until end, four of three");
	if (codec_split(SER_CBOR, (const uint8_t *)S("\x9f\1\2\3\xff"), v, 3,
	    &n) != CODEC_OK || n != 3)
		errx(1, "CBOR until end, three");
	if (codec_split(SER_JSON, (const uint8_t *)S(" [ ] "), v, 3, &n) !=
	    CODEC_OK || n != 0)
		errx(1, "split of none");
	if (codec_split(SER_JSON, (const uint8_t *)S("[ [1, 2] ,{}]"), v, 3,
	    &n) != CODEC_OK || n != 2 || v[0].len != 6 || v[1].len != 2 ||
	    val_count(&v[0]) != 2 || val_count(&v[1]) != 0)
		errx(1, "spans without the space around them");
	puts("ok - split");
}

static const struct values {
	enum ser	 ser;
	const char	*in;
	size_t		 len, n;
	enum codec_err	 want;
} values[] = {
	{ SER_JSON, S("[1,2],{}"), 2, CODEC_OK },
	{ SER_JSON, S(" [1] , {} "), 2, CODEC_OK },
	{ SER_JSON, S("[1]"), 1, CODEC_OK },
	{ SER_JSON, S("[1]"), 2, CODEC_ETRUNC },
	{ SER_JSON, S("[1],"), 2, CODEC_ETRUNC },
	{ SER_JSON, S("[1] {}"), 2, CODEC_ESYNTAX },
	{ SER_JSON, S("[1],{}"), 1, CODEC_ETRAIL },
	{ SER_JSON, S("[1]]"), 1, CODEC_ETRAIL },
	{ SER_JSON, S("[1],{},3"), 2, CODEC_ETRAIL },
	{ SER_MSGPACK, S("\x91\1\x80"), 2, CODEC_OK },
	{ SER_MSGPACK, S("\x91\1\x80"), 1, CODEC_ETRAIL },
	{ SER_MSGPACK, S("\x91\1"), 2, CODEC_ETRUNC },
	{ SER_MSGPACK, S("\x91"), 1, CODEC_ETRUNC },
	{ SER_CBOR, S("\x81\1\xa0"), 2, CODEC_OK },
	{ SER_CBOR, S("\x81\1\xa0"), 1, CODEC_ETRAIL },
	{ SER_CBOR, S("\x81\1"), 2, CODEC_ETRUNC },
	{ SER_CBOR, S("\x81\1\xff"), 2, CODEC_ESYNTAX },
};

static void
test_values(void)
{
	const struct values	*t;
	struct val		 v[2];
	uint8_t			*in;
	enum codec_err		 got;
	size_t			 i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		t = &values[i];
		in = copy(t->in, t->len);
		got = codec_values(t->ser, in, t->len, v, t->n);
		if (got != t->want)
			errx(1, "%zu values in %s: got %s, want %s", t->n,
			    show(t->in, t->len), names[got], names[t->want]);
		if (got == CODEC_OK && v[0].type != VAL_ARRAY)
			errx(1, "values in %s: the first is no list",
			    show(t->in, t->len));
		free(in);
	}
	puts("ok - values");
}

static int
map_check(enum ser ser, const char *s, size_t len)
{
	struct val	 v;
	uint8_t		*in = copy(s, len);
	int		 ret;

	if (codec_check(ser, in, len, &v) != CODEC_OK)
		errx(1, "map %s refused", show(s, len));
	ret = val_map_check(&v);
	free(in);
	return (ret);
}

/* A map of n different keys, and with twin one of them again at the end. */
static int
big_map_check(enum ser ser, uint32_t n, int twin)
{
	struct wbuf	w = { 0 };
	struct enc	e;
	char		key[16];
	uint32_t	i;
	int		ret;

	enc_init(&e, ser, &w);
	enc_map(&e, n + !!twin);
	for (i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		enc_str(&e, key, strlen(key));
		enc_uint(&e, i);
	}
	if (twin) {
		ENC_KEY(&e, "key0");
		enc_nil(&e);
	}
	enc_end(&e);
	ret = map_check(ser, (const char *)w.buf, w.len);
	wbuf_free(&w);
	return (ret);
}

static void
test_map_check(void)
{
	static const uint32_t	sizes[] = { 0, 1, 2, 31, 32, 33, 34, 1023 };
	size_t			i;
	enum ser		ser;

	if (map_check(SER_JSON, S("{\"a\":1,\"b\":{\"c\":1,\"c\":2}}")) != 0 ||
	    map_check(SER_JSON, S("{\"a\":1,\"a\":1}")) != -1 ||
	    map_check(SER_JSON, S("{\"a\":1,\"\\u0061\":1}")) != -1 ||
	    map_check(SER_JSON, S("{}")) != 0 ||
	    map_check(SER_JSON, S("[]")) != -1 ||
	    map_check(SER_MSGPACK, S("\x81\x01\x02")) != -1 ||
	    map_check(SER_MSGPACK, S("\x82\xa1" "a\x02\xa0\x01")) != 0 ||
	    map_check(SER_MSGPACK, S("\x82\xa1" "a\x02\xd9\x01" "a\x01")) !=
	    -1 || map_check(SER_MSGPACK, S("\x81\xc4\x01" "a\x02")) != -1 ||
	    map_check(SER_CBOR, S("\xbf\x61" "a\x01\x7f\x61" "a\xff\x02\xff"))
	    != -1 || map_check(SER_CBOR, S("\xa1\xc1\x61" "a\x01")) != -1)
		errx(1, "val_map_check of a small map");
	for (ser = SER_JSON; ser < SER_MAX; ser++) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			if (big_map_check(ser, sizes[i], 0) != 0)
				errx(1, "%u different keys", sizes[i]);
			if (big_map_check(ser, sizes[i], 1) !=
			    (sizes[i] > 0 ? -1 : 0))
				errx(1, "%u keys and a twin", sizes[i]);
		}
		if (big_map_check(ser, 1024, 0) != 0 ||
		    big_map_check(ser, 1025, 0) != -1)
			errx(1, "more than 1024 keys");
	}
	puts("ok - keys");
}

/*
 * Every truncation of good samples ends in ETRUNC or ESYNTAX; read from
 * allocations of just their size.
 */
static void
test_truncations(void)
{
	static const struct {
		enum ser	 ser;
		const char	*in;
		size_t		 len;
	} rows[] = {
		{ SER_JSON, S("[16,1,{\"acknowledge\":true,\"x\":-1.5e+3},"
		    "\"com.example.t\\u00e4\\ud83d\\ude00\xc3\xa4\xe2\x82\xac"
		    "\xf0\x9f\x98\x80\",[null,false,[],{}],"
		    "{\"k\":[{\"a\":\"\\n\"}]}]") },
		{ SER_MSGPACK, S("\x95\x10\xcd\x01\x00\x82\xa1" "a\xc3\xa1"
		    "b\xcb\x3f\xf0\0\0\0\0\0\0\xd9\x06" "topic\x7f\x9c\xc0\xd3"
		    "\0\0\0\0\0\0\0\1\xc4\x02\xff\xfe\xc7\x01\x05\x00\xd8\x01"
		    "0123456789abcdef\xca\0\0\0\0\x90\x80\xce\0\0\0\1\xda\x00"
		    "\x02\xc3\xa4\xdb\0\0\0\0\xde\x00\x01\xa1" "k\xdc\x00\x01"
		    "\xdd\0\0\0\1\xdf\0\0\0\0") },
		{ SER_CBOR, S("\x86\x10\x19\x01\x00\xa2\x61" "a\xf5\x61"
		    "b\xfb\x3f\xf0\0\0\0\0\0\0\x78\x06" "topic\x7f\x9f\xf6\x3b"
		    "\0\0\0\0\0\0\0\1\x42\xff\xfe\xc2\x41\x01\xf9\x3c\x00\xfa"
		    "\0\0\0\0\x5f\x41\x01\x42\x02\x03\xff\x7f\x62\xc3\xa4\x60"
		    "\xff\xf8\x20\x80\xa0\x9a\0\0\0\0\xff\xbf\x61" "k\x99\x00"
		    "\x01\x9b\0\0\0\0\0\0\0\1\x1b\0\0\0\0\0\0\0\1\xff") }
	};
	struct val	 v, list[6];
	enum codec_err	 got;
	size_t		 i, len, n;
	uint8_t		*in;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (len = 0; len <= rows[i].len; len++) {
			in = copy(rows[i].in, len);
			got = codec_split(rows[i].ser, in, len, list, 6, &n);
			if (len == rows[i].len ? got != CODEC_OK :
			    got != CODEC_ETRUNC && got != CODEC_ESYNTAX)
				errx(1, "%s cut to %zu: split %s",
				    ser_name(rows[i].ser), len, names[got]);
			if (codec_check(rows[i].ser, in, len, &v) != got)
				errx(1, "%s cut to %zu: check differs",
				    ser_name(rows[i].ser), len);
			free(in);
		}
	}
	puts("ok - truncations");
}

int
main(void)
{
	test_checks();
	test_scalars();
	test_depth();
	test_split();
	test_values();
	test_map_check();
	test_truncations();
	return (0);
}
