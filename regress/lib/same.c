/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Equality of values, and octets as text, for tests only: this allocates and
 * recurses.
 */
#include <err.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "same.h"

const char *
show(const void *p, size_t len)
{
	static char	 buf[4][256];
	static int	 turn;
	const uint8_t	*s = p;
	char		*b = buf[turn++ % 4];
	size_t		 i, n = 0;

	for (i = 0; i < len && n < 240; i++)
		n += (size_t)snprintf(b + n, 256 - n, s[i] >= ' ' &&
		    s[i] < 127 ? "%c" : "\\x%02x", s[i]);
	b[n] = '\0';
	return (b);
}

int
double_same(double a, double b)
{
	return (isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b));
}

static uint8_t *
content(const struct val *v, size_t *len)
{
	const uint8_t	*s;
	uint8_t		*buf;

	if ((buf = malloc(v->len + 32)) == NULL)
		err(1, "malloc");
	if (v->type == VAL_UINT)
		*len = (size_t)sprintf((char *)buf, "%" PRIu64, v->u.u);
	else if (v->type == VAL_INT)
		*len = (size_t)sprintf((char *)buf, "%" PRId64, v->u.i);
	else {
		if ((s = val_str(v, buf, v->len, len)) == NULL)
			errx(1, "content longer than its encoding");
		memmove(buf, s, *len);
	}
	return (buf);
}

static int
content_same(const struct val *a, const struct val *b)
{
	uint8_t	*s, *t;
	size_t	 slen, tlen;
	int	 same;

	s = content(a, &slen);
	t = content(b, &tlen);
	same = slen == tlen && memcmp(s, t, slen) == 0;
	free(s);
	free(t);
	return (same);
}

static int
is_text(const struct val *v)
{
	return (v->type == VAL_STR || v->type == VAL_UINT ||
	    v->type == VAL_INT);
}

static int
map_same(const struct val *a, const struct val *b, int json_rules)
{
	struct val_iter	i, j;
	struct val	k, l, v, w;

	val_iter_init(&i, a);
	val_iter_init(&j, b);
	while (val_map_next(&i, &k, &v)) {
		if (!val_map_next(&j, &l, &w))
			return (0);
		if (json_rules && is_text(&k) && is_text(&l)) {
			if (!content_same(&k, &l))
				return (0);
		} else if (!val_same(&k, &l, json_rules))
			return (0);
		if (!val_same(&v, &w, json_rules))
			return (0);
	}
	return (!val_map_next(&j, &l, &w));
}

static int
array_same(const struct val *a, const struct val *b, int json_rules)
{
	struct val_iter	i, j;
	struct val	v, w;

	val_iter_init(&i, a);
	val_iter_init(&j, b);
	while (val_array_next(&i, &v))
		if (!val_array_next(&j, &w) || !val_same(&v, &w, json_rules))
			return (0);
	return (!val_array_next(&j, &w));
}

static int
is_nil(const struct val *v, int json_rules)
{
	return (v->type == VAL_NIL ||
	    (json_rules && v->type == VAL_FLOAT && !isfinite(v->u.d)));
}

/* JSON cannot tell it from binary. */
static int
is_binary_string(const struct val *v)
{
	uint8_t	*s;
	size_t	 len, i;
	int	 is;

	s = content(v, &len);
	is = len % 4 == 1 && s[0] == '\0';
	for (i = 1; i < len; i++)
		if (s[i] == '\0' || strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
		    "ghijklmnopqrstuvwxyz0123456789+/=", s[i]) == NULL)
			is = 0;
	free(s);
	return (is);
}

int
val_same(const struct val *a, const struct val *b, int json_rules)
{
	if (is_nil(a, json_rules) && is_nil(b, json_rules))
		return (1);
	if (json_rules && a->type == VAL_STR && b->type == VAL_BIN)
		return (is_binary_string(a));
	if (a->type != b->type)
		return (0);
	switch (a->type) {
	case VAL_NIL:
		return (1);
	case VAL_BOOL:
		return (!a->u.b == !b->u.b);
	case VAL_UINT:
		return (a->u.u == b->u.u);
	case VAL_INT:
		return (a->u.i == b->u.i);
	case VAL_FLOAT:
		return (double_same(a->u.d, b->u.d));
	case VAL_STR:
	case VAL_BIN:
		return (content_same(a, b));
	case VAL_ARRAY:
		return (array_same(a, b, json_rules));
	case VAL_MAP:
		return (map_same(a, b, json_rules));
	case VAL_EXT:
		return (a->len == b->len && memcmp(a->p, b->p, a->len) == 0);
	}
	return (0);
}
