/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The CBOR cursor: RFC 8949, well-formed items with definite and indefinite
 * lengths.  Checks structure, UTF-8 and depth in one pass; allocates nothing
 * and does not recurse.  Tags are passed through and not understood: one
 * counts as a container of one item, so that neither they nest for ever.
 * The writer is in enc.c.
 */
#include <string.h>

#include "cborcur.h"
#include "codec.h"
#include "mpcur.h"
#include "utf8.h"

#define MAJOR_UINT	0
#define MAJOR_NINT	1
#define MAJOR_BYTES	2
#define MAJOR_TEXT	3
#define MAJOR_ARRAY	4
#define MAJOR_MAP	5
#define MAJOR_TAG	6
#define MAJOR_OTHER	7

#define INFO_1		24	/* argument in the 1, 2, 4, 8 octets behind */
#define INFO_2		25
#define INFO_8		27
#define INFO_INDEF	31

#define SIMPLE_FALSE	20
#define SIMPLE_TRUE	21
#define SIMPLE_NULL	22

#define BREAK		0xff

/* RFC 8949, 3: a head is a major type and an argument. */
struct head {
	uint8_t		 major;
	uint8_t		 info;
	uint64_t	 arg;
};

static inline enum codec_err
head_read(const uint8_t **pp, const uint8_t *end, struct head *h)
{
	const uint8_t	*p = *pp;
	size_t		 n;

	if (p == end)
		return (CODEC_ETRUNC);
	h->major = *p >> 5;
	h->info = *p++ & 0x1f;
	h->arg = h->info;
	if (h->info >= INFO_1) {
		if (h->info == INFO_INDEF) {
			/* Strings and containers; the caller knows breaks. */
			if (h->major < MAJOR_BYTES || h->major > MAJOR_MAP)
				return (CODEC_ESYNTAX);
			h->arg = 0;
			*pp = p;
			return (CODEC_OK);
		}
		if (h->info > INFO_8)
			return (CODEC_ESYNTAX);
		n = (size_t)1 << (h->info - INFO_1);
		if (n > (size_t)(end - p))
			return (CODEC_ETRUNC);
		for (h->arg = 0; n > 0; n--)
			h->arg = h->arg << 8 | *p++;
	}
	*pp = p;
	return (CODEC_OK);
}

static inline enum codec_err
text_check(const uint8_t *p, size_t len)
{
	if (utf8_is_ascii(p, len) || utf8_ok(p, len))
		return (CODEC_OK);
	return (CODEC_EUTF8);
}

/* The content of a string, or of one chunk, at *pp: stepped over. */
static inline enum codec_err
content_check(const uint8_t **pp, const uint8_t *end, const struct head *h)
{
	const uint8_t	*p = *pp;

	if (h->arg > (size_t)(end - p))
		return (CODEC_ETRUNC);
	*pp = p + h->arg;
	if (h->major == MAJOR_TEXT)
		return (text_check(p, (size_t)h->arg));
	return (CODEC_OK);
}

int
cbor_break(const uint8_t **pp, const uint8_t *end)
{
	if (*pp == end || **pp != BREAK)
		return (0);
	++*pp;
	return (1);
}

/*
 * RFC 8949, 3.2.3: chunks of the same type and of definite length, and no
 * character is split between two of them.
 */
static enum codec_err
chunks_check(const uint8_t **pp, const uint8_t *end, uint8_t major)
{
	struct head	h;
	enum codec_err	error;

	while (!cbor_break(pp, end)) {
		if ((error = head_read(pp, end, &h)) != CODEC_OK)
			return (error);
		if (h.major != major || h.info == INFO_INDEF)
			return (CODEC_ESYNTAX);
		if ((error = content_check(pp, end, &h)) != CODEC_OK)
			return (error);
	}
	return (CODEC_OK);
}

int
cbor_chunk(const uint8_t **pp, const uint8_t *end, const uint8_t **chunk,
    size_t *len)
{
	struct head	h;

	if (*pp == end || **pp == BREAK ||
	    head_read(pp, end, &h) != CODEC_OK ||
	    h.arg > (size_t)(end - *pp))
		return (0);
	*chunk = *pp;
	*len = (size_t)h.arg;
	*pp += h.arg;
	return (1);
}

static inline enum codec_err
string_check(const uint8_t **pp, const uint8_t *end, const struct head *h)
{
	if (h->info == INFO_INDEF)
		return (chunks_check(pp, end, h->major));
	return (content_check(pp, end, h));
}

/*
 * Inside of maps of indefinite length two marks take turns, as a break is
 * allowed before a key only; they are no numbers that a count could be.
 */
#define ITEMS_UNTIL_END_KEY	(ITEMS_UNTIL_END - 1)
#define ITEMS_UNTIL_END_VALUE	(ITEMS_UNTIL_END - 2)

/* Items that follow the head; an item is an octet at least. */
static inline enum codec_err
items_of(const struct head *h, size_t left, uint64_t *items)
{
	*items = 0;
	switch (h->major) {
	case MAJOR_ARRAY:
		*items = h->info == INFO_INDEF ? ITEMS_UNTIL_END : h->arg;
		break;
	case MAJOR_MAP:
		if (h->arg > left / 2)
			return (CODEC_ETRUNC);
		*items = h->info == INFO_INDEF ? ITEMS_UNTIL_END_KEY :
		    h->arg * 2;
		break;
	case MAJOR_TAG:
		*items = 1;
		break;
	case MAJOR_OTHER:
		/* RFC 8949, 3.3: simple values below 32 have one form. */
		if (h->info == INFO_1 && h->arg < 32)
			return (CODEC_ESYNTAX);
		break;
	}
	if (h->info != INFO_INDEF && *items > left)
		return (CODEC_ETRUNC);
	return (CODEC_OK);
}

/* Check "left" items, which "depth" containers are around. */
static enum codec_err
check_items(const uint8_t **pp, const uint8_t *end, uint64_t left,
    unsigned int depth)
{
	uint64_t	 outer[CODEC_MAXDEPTH];
	const uint8_t	*p = *pp;
	struct head	 h;
	unsigned int	 open = 0;
	uint64_t	 items;
	enum codec_err	 error;

	for (;;) {
		while (left == 0 || (left >= ITEMS_UNTIL_END_KEY &&
		    cbor_break(&p, end))) {
			if (open == 0) {
				*pp = p;
				return (CODEC_OK);
			}
			left = outer[--open];
		}
		if (left == ITEMS_UNTIL_END_KEY)
			left = ITEMS_UNTIL_END_VALUE;
		else if (left == ITEMS_UNTIL_END_VALUE)
			left = ITEMS_UNTIL_END_KEY;
		else if (left != ITEMS_UNTIL_END)
			left--;
		if ((error = head_read(&p, end, &h)) != CODEC_OK)
			return (error);
		if (h.major == MAJOR_BYTES || h.major == MAJOR_TEXT) {
			error = string_check(&p, end, &h);
			if (error != CODEC_OK)
				return (error);
			continue;
		}
		error = items_of(&h, (size_t)(end - p), &items);
		if (error != CODEC_OK)
			return (error);
		if (h.major < MAJOR_ARRAY || h.major > MAJOR_TAG)
			continue;
		if (depth + open >= CODEC_MAXDEPTH)
			return (CODEC_EDEPTH);
		outer[open++] = left;
		left = items;
	}
}

/* IEEE 754 binary16 as a binary64, bit by bit. */
static double
half_read(uint16_t half)
{
	uint64_t	bits, exp = half >> 10 & 0x1f, mant = half & 0x3ff;
	double		d;

	if (exp == 0) {
		d = (double)mant * 0x1p-24;
		return (half & 0x8000 ? -d : d);
	}
	exp = exp == 31 ? 0x7ff : exp - 15 + 1023;
	bits = (uint64_t)(half & 0x8000) << 48 | exp << 52 | mant << 42;
	memcpy(&d, &bits, sizeof(d));
	return (d);
}

static double
float_read(const struct head *h)
{
	uint32_t	x32;
	float		f;
	double		d;

	if (h->info == INFO_2)
		return (half_read((uint16_t)h->arg));
	if (h->info == INFO_8) {
		memcpy(&d, &h->arg, sizeof(d));
		return (d);
	}
	x32 = (uint32_t)h->arg;
	memcpy(&f, &x32, sizeof(f));
	return ((double)f);
}

static void
other_read(struct val *v, const struct head *h)
{
	v->type = VAL_EXT;
	if (h->info >= INFO_2) {
		v->type = VAL_FLOAT;
		v->u.d = float_read(h);
	} else if (h->arg == SIMPLE_NULL) {
		v->type = VAL_NIL;
	} else if (h->arg == SIMPLE_TRUE || h->arg == SIMPLE_FALSE) {
		v->type = VAL_BOOL;
		v->u.b = h->arg == SIMPLE_TRUE;
	}
}

static void
integer_read(struct val *v, const struct head *h)
{
	if (h->major == MAJOR_UINT) {
		v->type = VAL_UINT;
		v->u.u = h->arg;
	} else if (h->arg <= INT64_MAX) {
		v->type = VAL_INT;
		v->u.i = -1 - (int64_t)h->arg;
	} else {
		/* Down to -2^64, which no integer type here holds. */
		v->type = VAL_FLOAT;
		v->u.d = -1.0 - (double)h->arg;
	}
}

static enum codec_err
string_read(const uint8_t **pp, const uint8_t *end, struct val *v,
    const struct head *h)
{
	enum codec_err	error;

	if ((error = string_check(pp, end, h)) != CODEC_OK)
		return (error);
	v->type = h->major == MAJOR_TEXT ? VAL_STR : VAL_BIN;
	v->plain = h->info != INFO_INDEF;
	v->slen = (size_t)(*pp - v->str) - !v->plain;	/* no break */
	return (CODEC_OK);
}

/* As cbor_head(); *items follow, keys and values counted on their own. */
static enum codec_err
value_head(const uint8_t **pp, const uint8_t *end, struct val *v,
    uint64_t *items)
{
	struct head	h;
	enum codec_err	error;

	v->p = *pp;
	if ((error = head_read(pp, end, &h)) != CODEC_OK)
		return (error);
	v->ser = SER_CBOR;
	v->plain = 0;
	v->str = *pp;
	v->slen = 0;
	v->u.u = 0;
	error = items_of(&h, (size_t)(end - *pp), items);
	if (error != CODEC_OK)
		return (error);
	switch (h.major) {
	case MAJOR_UINT:
	case MAJOR_NINT:
		integer_read(v, &h);
		break;
	case MAJOR_BYTES:
	case MAJOR_TEXT:
		if ((error = string_read(pp, end, v, &h)) != CODEC_OK)
			return (error);
		break;
	case MAJOR_ARRAY:
	case MAJOR_MAP:
		v->type = h.major == MAJOR_MAP ? VAL_MAP : VAL_ARRAY;
		v->u.u = h.info == INFO_INDEF ? ITEMS_UNTIL_END : h.arg;
		break;
	case MAJOR_TAG:
		v->type = VAL_EXT;
		break;
	default:
		other_read(v, &h);
		break;
	}
	v->len = (size_t)(*pp - v->p);
	return (CODEC_OK);
}

enum codec_err
cbor_head(const uint8_t **pp, const uint8_t *end, struct val *v)
{
	uint64_t	items;

	return (value_head(pp, end, v, &items));
}

enum codec_err
cbor_next(const uint8_t **pp, const uint8_t *end, unsigned int depth,
    struct val *v)
{
	uint64_t	items;
	enum codec_err	error;

	if ((error = value_head(pp, end, v, &items)) != CODEC_OK)
		return (error);
	if (v->type != VAL_ARRAY && v->type != VAL_MAP && items == 0)
		return (CODEC_OK);
	if (depth >= CODEC_MAXDEPTH)
		return (CODEC_EDEPTH);
	error = check_items(pp, end, items, depth + 1);
	v->slen = (size_t)(*pp - v->str);
	v->len = (size_t)(*pp - v->p);
	return (error);
}

enum codec_err
cbor_check(const uint8_t *buf, size_t len, struct val *v)
{
	const uint8_t	*p = buf, *end;
	enum codec_err	 error;

	if (len == 0)
		return (CODEC_ETRUNC);
	end = buf + len;
	if ((error = cbor_next(&p, end, 0, v)) != CODEC_OK)
		return (error);
	return (p == end ? CODEC_OK : CODEC_ETRAIL);
}

enum codec_err
cbor_split(const uint8_t *buf, size_t len, struct val *v, size_t max,
    size_t *n)
{
	const uint8_t	*p = buf, *end;
	struct val	 list;
	enum codec_err	 error;
	size_t		 i;

	*n = 0;
	if (len == 0)
		return (CODEC_ETRUNC);
	end = buf + len;
	if ((error = cbor_head(&p, end, &list)) != CODEC_OK)
		return (error);
	if (list.type != VAL_ARRAY) {
		/* Say that it is garbage rather than no list, if it is. */
		error = cbor_check(buf, len, &list);
		return (error != CODEC_OK ? error : CODEC_ENOTLIST);
	}
	if (list.u.u != ITEMS_UNTIL_END && list.u.u > max)
		return (CODEC_ETOOMANY);
	for (i = 0; i < list.u.u; i++) {
		if (list.u.u == ITEMS_UNTIL_END && cbor_break(&p, end))
			break;
		if (i == max)
			return (CODEC_ETOOMANY);
		if ((error = cbor_next(&p, end, 1, &v[i])) != CODEC_OK)
			return (error);
	}
	if (p != end)
		return (CODEC_ETRAIL);
	*n = i;
	return (CODEC_OK);
}

enum codec_err
cbor_values(const uint8_t *buf, size_t len, struct val *v, size_t n)
{
	const uint8_t	*p = buf, *end = buf + len;
	enum codec_err	 error;
	size_t		 i;

	for (i = 0; i < n; i++)
		if ((error = cbor_next(&p, end, 1, &v[i])) != CODEC_OK)
			return (error);
	return (p == end ? CODEC_OK : CODEC_ETRAIL);
}
