/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The MessagePack cursor: every octet from the wire in this serializer is
 * first looked at here.  Reads heads, checks lengths, UTF-8 and depth in one
 * pass; allocates nothing and does not recurse.  Writing is enc.c's.
 */
#include <string.h>

#include "codec.h"
#include "mpcur.h"
#include "utf8.h"

/* A head: n octets of content follow, or n entries. */
struct token {
	enum val_type	type;
	uint64_t	n;
};

/*
 * First octets 0xc0 to 0xdf: octets of the length that follows, and what is
 * to be added to it.
 */
static const struct wide {
	uint8_t	type;
	uint8_t	lenlen;
	uint8_t	add;
} wide[32] = {
	{ VAL_NIL, 0, 0 },	{ 0, 0, 0 },
	{ VAL_BOOL, 0, 0 },	{ VAL_BOOL, 0, 0 },
	{ VAL_BIN, 1, 0 },	{ VAL_BIN, 2, 0 },	{ VAL_BIN, 4, 0 },
	{ VAL_EXT, 1, 1 },	{ VAL_EXT, 2, 1 },	{ VAL_EXT, 4, 1 },
	{ VAL_FLOAT, 0, 4 },	{ VAL_FLOAT, 0, 8 },
	{ VAL_UINT, 0, 1 },	{ VAL_UINT, 0, 2 },
	{ VAL_UINT, 0, 4 },	{ VAL_UINT, 0, 8 },
	{ VAL_INT, 0, 1 },	{ VAL_INT, 0, 2 },
	{ VAL_INT, 0, 4 },	{ VAL_INT, 0, 8 },
	{ VAL_EXT, 0, 2 },	{ VAL_EXT, 0, 3 },	{ VAL_EXT, 0, 5 },
	{ VAL_EXT, 0, 9 },	{ VAL_EXT, 0, 17 },
	{ VAL_STR, 1, 0 },	{ VAL_STR, 2, 0 },	{ VAL_STR, 4, 0 },
	{ VAL_ARRAY, 2, 0 },	{ VAL_ARRAY, 4, 0 },
	{ VAL_MAP, 2, 0 },	{ VAL_MAP, 4, 0 }
};

static inline uint64_t
big_endian(const uint8_t *p, size_t n)
{
	uint64_t	x = 0;

	while (n-- > 0)
		x = x << 8 | *p++;
	return (x);
}

/*
 * The head at *pp; leaves *pp behind it.  Content that a length promises is
 * there; entries take an octet each at least, so a count beyond what is left
 * is refused at once.
 */
static inline enum codec_err
token_read(const uint8_t **pp, const uint8_t *end, struct token *t)
{
	const struct wide	*w;
	const uint8_t		*p = *pp;
	size_t			 left;
	uint8_t			 c;

	if (p == end)
		return (CODEC_ETRUNC);
	c = *p++;
	left = (size_t)(end - p);
	if (c < 0x80 || c >= 0xe0) {
		t->type = c < 0x80 ? VAL_UINT : VAL_INT;
		t->n = 0;
	} else if (c >= 0xc0) {
		w = &wide[c - 0xc0];
		if (w->type == 0)
			return (CODEC_ESYNTAX);
		if (w->lenlen > left)
			return (CODEC_ETRUNC);
		t->type = w->type;
		t->n = big_endian(p, w->lenlen) + w->add;
		p += w->lenlen;
		left -= w->lenlen;
	} else if (c >= 0xa0) {
		t->type = VAL_STR;
		t->n = c & 0x1f;
	} else {
		t->type = c >= 0x90 ? VAL_ARRAY : VAL_MAP;
		t->n = c & 0x0f;
	}
	if (t->n > (t->type == VAL_MAP ? left / 2 : left))
		return (CODEC_ETRUNC);
	*pp = p;
	return (CODEC_OK);
}

static inline int
text_ok(const uint8_t *p, size_t len)
{
	return (utf8_is_ascii(p, len) || utf8_ok(p, len));
}

/* Check "left" values, which "depth" containers are around. */
static enum codec_err
check_items(const uint8_t **pp, const uint8_t *end, uint64_t left,
    unsigned int depth)
{
	uint64_t	 outer[CODEC_MAXDEPTH];
	const uint8_t	*p = *pp;
	struct token	 t;
	unsigned int	 open = 0;
	enum codec_err	 error;

	for (;;) {
		while (left == 0) {
			if (open == 0) {
				*pp = p;
				return (CODEC_OK);
			}
			left = outer[--open];
		}
		left--;
		if (p == end)
			return (CODEC_ETRUNC);
		if (*p < 0x80 || *p >= 0xe0) {
			p++;
			continue;
		}
		if ((error = token_read(&p, end, &t)) != CODEC_OK)
			return (error);
		if (t.type == VAL_STR) {
			if (!text_ok(p, (size_t)t.n))
				return (CODEC_EUTF8);
			p += t.n;
			continue;
		}
		if (t.type != VAL_ARRAY && t.type != VAL_MAP) {
			p += t.n;
			continue;
		}
		if (depth + open >= CODEC_MAXDEPTH)
			return (CODEC_EDEPTH);
		outer[open++] = left;
		left = t.type == VAL_MAP ? t.n * 2 : t.n;
	}
}

static void
number_read(struct val *v, const uint8_t *p, size_t n)
{
	uint64_t	x = big_endian(p, n);
	uint32_t	x32;
	float		f;
	int64_t		i;

	if (v->type == VAL_FLOAT && n == 4) {
		x32 = (uint32_t)x;
		memcpy(&f, &x32, sizeof(f));
		v->u.d = (double)f;
		return;
	}
	if (v->type == VAL_FLOAT) {
		memcpy(&v->u.d, &x, sizeof(v->u.d));
		return;
	}
	if (n == 0)
		i = (int8_t)*v->p;
	else if (v->type == VAL_UINT) {
		v->u.u = x;
		return;
	} else if (n == 1)
		i = (int8_t)x;
	else if (n == 2)
		i = (int16_t)x;
	else if (n == 4)
		i = (int32_t)x;
	else
		i = (int64_t)x;
	/* A signed format may hold what is not negative. */
	if (i >= 0) {
		v->type = VAL_UINT;
		v->u.u = (uint64_t)i;
	} else {
		v->type = VAL_INT;
		v->u.i = i;
	}
}

enum codec_err
mp_head(const uint8_t **pp, const uint8_t *end, struct val *v)
{
	struct token	t;
	enum codec_err	error;

	v->p = *pp;
	if ((error = token_read(pp, end, &t)) != CODEC_OK)
		return (error);
	v->type = t.type;
	v->ser = SER_MSGPACK;
	v->plain = 0;
	v->str = *pp;
	v->slen = 0;
	v->u.u = 0;
	switch (t.type) {
	case VAL_ARRAY:
	case VAL_MAP:
		v->u.u = t.n;
		return (CODEC_OK);
	case VAL_STR:
	case VAL_BIN:
		if (t.type == VAL_STR && !text_ok(*pp, (size_t)t.n))
			return (CODEC_EUTF8);
		v->plain = 1;
		v->slen = (size_t)t.n;
		break;
	case VAL_BOOL:
		v->u.b = *v->p == 0xc3;
		break;
	case VAL_UINT:
	case VAL_INT:
	case VAL_FLOAT:
		number_read(v, *pp, (size_t)t.n);
		break;
	case VAL_NIL:
	case VAL_EXT:
		break;
	}
	*pp += t.n;
	v->len = (size_t)(*pp - v->p);
	return (CODEC_OK);
}

enum codec_err
mp_next(const uint8_t **pp, const uint8_t *end, unsigned int depth,
    struct val *v)
{
	uint64_t	items;
	enum codec_err	error;

	if ((error = mp_head(pp, end, v)) != CODEC_OK)
		return (error);
	if (v->type != VAL_ARRAY && v->type != VAL_MAP)
		return (CODEC_OK);
	if (depth >= CODEC_MAXDEPTH)
		return (CODEC_EDEPTH);
	items = v->type == VAL_MAP ? v->u.u * 2 : v->u.u;
	error = check_items(pp, end, items, depth + 1);
	v->slen = (size_t)(*pp - v->str);
	v->len = (size_t)(*pp - v->p);
	return (error);
}

enum codec_err
mp_check(const uint8_t *buf, size_t len, struct val *v)
{
	const uint8_t	*p = buf, *end;
	enum codec_err	 error;

	if (len == 0)
		return (CODEC_ETRUNC);
	end = buf + len;
	if ((error = mp_next(&p, end, 0, v)) != CODEC_OK)
		return (error);
	return (p == end ? CODEC_OK : CODEC_ETRAIL);
}

enum codec_err
mp_values(const uint8_t *buf, size_t len, struct val *v, size_t n)
{
	const uint8_t	*p = buf, *end = buf + len;
	enum codec_err	 error;
	size_t		 i;

	for (i = 0; i < n; i++)
		if ((error = mp_next(&p, end, 1, &v[i])) != CODEC_OK)
			return (error);
	return (p == end ? CODEC_OK : CODEC_ETRAIL);
}

enum codec_err
mp_split(const uint8_t *buf, size_t len, struct val *v, size_t max,
    size_t *n)
{
	const uint8_t	*p = buf, *end;
	struct val	 list;
	enum codec_err	 error;

	*n = 0;
	if (len == 0)
		return (CODEC_ETRUNC);
	end = buf + len;
	if ((error = mp_head(&p, end, &list)) != CODEC_OK)
		return (error);
	if (list.type != VAL_ARRAY) {
		/* Say that it is garbage rather than no list, if it is. */
		error = mp_check(buf, len, &list);
		return (error != CODEC_OK ? error : CODEC_ENOTLIST);
	}
	if (list.u.u > max)
		return (CODEC_ETOOMANY);
	error = mp_values(p, (size_t)(end - p), v, (size_t)list.u.u);
	if (error == CODEC_OK)
		*n = (size_t)list.u.u;
	return (error);
}

/* Good for all serializers; here because it must be where mpcur.o is alone. */
void
val_iter_init(struct val_iter *it, const struct val *v)
{
	memset(it, 0, sizeof(*it));
	if (v->type != VAL_MAP && v->type != VAL_ARRAY)
		return;
	it->p = v->str;
	it->end = v->str + v->slen;
	it->left = v->u.u;
	it->ser = v->ser;
}

int
mp_array_next(struct val_iter *it, struct val *v)
{
	if (it->left == 0)
		return (0);
	it->left--;
	if (mp_next(&it->p, it->end, 0, v) == CODEC_OK)
		return (1);
	it->left = 0;
	return (0);
}

int
mp_map_next(struct val_iter *it, struct val *key, struct val *v)
{
	if (it->left == 0)
		return (0);
	it->left--;
	if (mp_next(&it->p, it->end, 0, key) == CODEC_OK &&
	    mp_next(&it->p, it->end, 0, v) == CODEC_OK)
		return (1);
	it->left = 0;
	return (0);
}

int
val_as_id(struct val *v)
{
	uint64_t	u;

	if (v->type == VAL_FLOAT && v->u.d >= 0 &&
	    v->u.d <= 9007199254740992.0) {
		u = (uint64_t)v->u.d;
		if ((double)u == v->u.d) {
			v->type = VAL_UINT;
			v->u.u = u;
		}
	}
	return (v->type == VAL_UINT);
}
