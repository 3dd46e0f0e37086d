/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What is common to the serializers on the reading side: one entry for the
 * three cursors, the walk through maps and arrays, the content of strings.
 */
#include <stdlib.h>
#include <string.h>

#include "cborcur.h"
#include "codec.h"
#include "jsoncur.h"
#include "mpcur.h"
#include "pieces.h"

/*
 * Keys of Options and Details.  Nobody has as many; bounding them bounds
 * the work of finding one that is there twice.
 */
#define MAXKEYS		1024
#define FEWKEYS		32

enum codec_err
codec_split(enum ser ser, const uint8_t *buf, size_t len, struct val *v,
    size_t max, size_t *n)
{
	switch (ser) {
	case SER_JSON:
		return (json_split(buf, len, v, max, n));
	case SER_MSGPACK:
		return (mp_split(buf, len, v, max, n));
	case SER_CBOR:
		return (cbor_split(buf, len, v, max, n));
	case SER_NONE:
		break;
	}
	*n = 0;
	return (CODEC_ESYNTAX);
}

enum codec_err
codec_check(enum ser ser, const uint8_t *buf, size_t len, struct val *v)
{
	switch (ser) {
	case SER_JSON:
		return (json_check(buf, len, v));
	case SER_MSGPACK:
		return (mp_check(buf, len, v));
	case SER_CBOR:
		return (cbor_check(buf, len, v));
	case SER_NONE:
		break;
	}
	return (CODEC_ESYNTAX);
}

enum codec_err
codec_values(enum ser ser, const uint8_t *buf, size_t len, struct val *v,
    size_t n)
{
	switch (ser) {
	case SER_JSON:
		return (json_values(buf, len, v, n));
	case SER_MSGPACK:
		return (mp_values(buf, len, v, n));
	case SER_CBOR:
		return (cbor_values(buf, len, v, n));
	case SER_NONE:
		break;
	}
	return (CODEC_ESYNTAX);
}

const char *
codec_strerror(enum codec_err error)
{
	switch (error) {
	case CODEC_OK:
		return ("no error");
	case CODEC_ESYNTAX:
		return ("malformed");
	case CODEC_ETRUNC:
		return ("truncated");
	case CODEC_ETRAIL:
		return ("octets behind the message");
	case CODEC_EUTF8:
		return ("not UTF-8");
	case CODEC_EDEPTH:
		return ("nested too deep");
	case CODEC_ENOTLIST:
		return ("not a list");
	case CODEC_ETOOMANY:
		return ("too many elements");
	case CODEC_ECONVERT:
		return ("cannot be converted");
	case CODEC_ENOMEM:
		return ("out of memory");
	}
	return ("unknown error");
}

const char *
ser_name(enum ser ser)
{
	switch (ser) {
	case SER_NONE:
		break;
	case SER_JSON:
		return ("json");
	case SER_MSGPACK:
		return ("msgpack");
	case SER_CBOR:
		return ("cbor");
	}
	return ("none");
}

/* Is there another entry?  Steps over what stands between two. */
static int
iter_more(struct val_iter *it)
{
	int	more = 1;

	if (it->left == 0)
		return (0);
	if (it->left != ITEMS_UNTIL_END)
		it->left--;
	else if (it->ser == SER_JSON)
		more = json_more(&it->p, it->end);
	else
		more = !cbor_break(&it->p, it->end);
	if (!more)
		it->left = 0;
	return (more);
}

static int
iter_value(struct val_iter *it, struct val *v)
{
	enum codec_err	error;

	if (it->ser == SER_CBOR)
		error = cbor_next(&it->p, it->end, 0, v);
	else if (json_more(&it->p, it->end))
		error = json_next(&it->p, it->end, 0, v);
	else
		error = CODEC_ETRUNC;
	if (error != CODEC_OK)
		it->left = 0;
	return (error == CODEC_OK);
}

int
val_map_next(struct val_iter *it, struct val *key, struct val *v)
{
	if (it->ser == SER_MSGPACK)
		return (mp_map_next(it, key, v));
	return (iter_more(it) && iter_value(it, key) && iter_value(it, v));
}

int
val_array_next(struct val_iter *it, struct val *v)
{
	if (it->ser == SER_MSGPACK)
		return (mp_array_next(it, v));
	return (iter_more(it) && iter_value(it, v));
}

uint64_t
val_count(const struct val *v)
{
	struct val_iter	it;
	struct val	key, val;
	uint64_t	n = 0;

	val_iter_init(&it, v);
	if (it.left != ITEMS_UNTIL_END)
		return (it.left);
	if (v->type == VAL_MAP)
		while (val_map_next(&it, &key, &val))
			n++;
	else
		while (val_array_next(&it, &val))
			n++;
	return (n);
}

void
pieces_init(struct pieces *ps, const struct val *v)
{
	ps->p = v->str;
	ps->end = v->str + v->slen;
	ps->ser = v->ser;
	ps->plain = v->plain;
}

int
pieces_next(struct pieces *ps, const uint8_t **p, size_t *len)
{
	const uint8_t	*slash;

	if (ps->p == ps->end)
		return (0);
	if (!ps->plain && ps->ser == SER_CBOR)
		return (cbor_chunk(&ps->p, ps->end, p, len));
	if (!ps->plain && *ps->p == '\\') {
		*p = ps->one;
		*len = json_unescape(&ps->p, ps->end, ps->one);
		return (*len != 0);
	}
	*p = ps->p;
	*len = (size_t)(ps->end - ps->p);
	if (!ps->plain && (slash = memchr(ps->p, '\\', *len)) != NULL)
		*len = (size_t)(slash - ps->p);
	ps->p += *len;
	return (1);
}

int
val_is(const struct val *v, const char *s, size_t len)
{
	struct pieces	 ps;
	const uint8_t	*p;
	size_t		 n;

	if (v->type != VAL_STR)
		return (0);
	if (v->plain)
		return (v->slen == len && memcmp(v->str, s, len) == 0);
	pieces_init(&ps, v);
	while (pieces_next(&ps, &p, &n)) {
		if (n > len || memcmp(p, s, n) != 0)
			return (0);
		s += n;
		len -= n;
	}
	return (len == 0);
}

const uint8_t *
val_str(const struct val *v, uint8_t *buf, size_t size, size_t *len)
{
	struct pieces	 ps;
	const uint8_t	*p;
	size_t		 n;

	*len = 0;
	if (v->type != VAL_STR && v->type != VAL_BIN)
		return (NULL);
	if (v->plain) {
		*len = v->slen;
		return (v->str);
	}
	pieces_init(&ps, v);
	while (pieces_next(&ps, &p, &n)) {
		if (n > size - *len)
			return (NULL);
		memcpy(buf + *len, p, n);
		*len += n;
	}
	return (buf);
}

/* FNV-1a, 64 bits. */
static uint64_t
key_hash(const struct val *v)
{
	struct pieces	 ps;
	const uint8_t	*p;
	uint64_t	 h = 0xcbf29ce484222325ULL;
	size_t		 i, n;

	pieces_init(&ps, v);
	while (pieces_next(&ps, &p, &n))
		for (i = 0; i < n; i++)
			h = (h ^ p[i]) * 0x100000001b3ULL;
	return (h);
}

static int
hash_cmp(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y ? -1 : x > y);
}

/*
 * Keys of equal hash count as equal.  Who makes two different ones of equal
 * hash has made a message that is refused, and nothing else.
 */
int
val_map_check(const struct val *v)
{
	uint64_t	hash[MAXKEYS];
	struct val_iter	it;
	struct val	key, val;
	size_t		i, n;

	if (v->type != VAL_MAP)
		return (-1);
	val_iter_init(&it, v);
	for (n = 0; val_map_next(&it, &key, &val); n++) {
		if (key.type != VAL_STR || n == MAXKEYS)
			return (-1);
		hash[n] = key_hash(&key);
		for (i = 0; n < FEWKEYS && i < n; i++)
			if (hash[i] == hash[n])
				return (-1);
	}
	if (n <= FEWKEYS)
		return (0);
	/* Never n^2, whatever the keys are. */
	if (heapsort(hash, n, sizeof(hash[0]), hash_cmp) == -1)
		return (-1);
	for (i = 1; i < n; i++)
		if (hash[i - 1] == hash[i])
			return (-1);
	return (0);
}
