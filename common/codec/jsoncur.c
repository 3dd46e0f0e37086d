/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The JSON cursor: RFC 8259 and nothing more.  Checks structure, UTF-8,
 * escapes, numbers and depth in one pass; allocates nothing and does not
 * recurse.
 */
#include <string.h>

#include "codec.h"
#include "jsoncur.h"
#include "mpcur.h"
#include "utf8.h"

#define ONES		0x0101010101010101ULL

static const uint8_t *
skip_space(const uint8_t *p, const uint8_t *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' ||
	    *p == '\t'))
		p++;
	return (p);
}

/*
 * Has the word an octet below 0x20, a quote, a backslash, or one above
 * 0x7f?  May say yes for none (a borrow out of the octet below), never no.
 */
static inline uint64_t
word_special(uint64_t w)
{
	uint64_t	quote = w ^ (ONES * '"'), slash = w ^ (ONES * '\\');

	return (((w - ONES * 0x20) | (quote - ONES) | (slash - ONES) | w) &
	    UTF8_HIGH);
}

static inline size_t
plain_len(const uint8_t *p, size_t len)
{
	uint64_t	w;
	size_t		i = 0;

	for (; len - i >= 8; i += 8) {
		memcpy(&w, p + i, 8);
		if ((w = word_special(w)) != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			/* The first one found is one: nothing borrowed. */
			return (i + (size_t)__builtin_ctzll(w) / 8);
#else
			break;
#endif
		}
	}
	while (i < len && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' &&
	    p[i] != '\\')
		i++;
	return (i);
}

size_t
json_plain_len(const uint8_t *p, size_t len)
{
	return (plain_len(p, len));
}

static enum codec_err
hex4(const uint8_t **pp, const uint8_t *end, uint32_t *x)
{
	const uint8_t	*p = *pp;
	unsigned int	 i;

	*x = 0;
	for (i = 0; i < 4; i++, p++) {
		if (p == end)
			return (CODEC_ETRUNC);
		*x <<= 4;
		if (*p >= '0' && *p <= '9')
			*x |= *p - '0';
		else if ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f')
			*x |= (*p | 0x20) - 'a' + 10;
		else
			return (CODEC_ESYNTAX);
	}
	*pp = p;
	return (CODEC_OK);
}

/*
 * RFC 8259, 7: what is beyond U+FFFF is written as a pair of surrogates; *c
 * holds the first one, the second must be at *pp.
 */
static enum codec_err
pair_read(const uint8_t **pp, const uint8_t *end, uint32_t *c)
{
	const uint8_t	*p = *pp;
	uint32_t	 low;
	enum codec_err	 error;

	if (*c >= 0xdc00)
		return (CODEC_EUTF8);
	if (p < end && *p++ != '\\')
		return (CODEC_EUTF8);
	if (p < end && *p++ != 'u')
		return (CODEC_EUTF8);
	if ((error = hex4(&p, end, &low)) != CODEC_OK)
		return (error);
	if (low < 0xdc00 || low > 0xdfff)
		return (CODEC_EUTF8);
	*c = 0x10000 + ((*c - 0xd800) << 10 | (low - 0xdc00));
	*pp = p;
	return (CODEC_OK);
}

/* The character that the escape at *pp stands for. */
static enum codec_err
escape_read(const uint8_t **pp, const uint8_t *end, uint32_t *c)
{
	static const char	 from[] = "\"\\/bfnrt";
	static const char	 to[] = "\"\\/\b\f\n\r\t";
	const uint8_t		*p = *pp + 1;
	const char		*s;
	enum codec_err		 error;

	if (p == end)
		return (CODEC_ETRUNC);
	if (*p == 'u') {
		p++;
		error = hex4(&p, end, c);
		if (error == CODEC_OK && *c >= 0xd800 && *c <= 0xdfff)
			error = pair_read(&p, end, c);
	} else if (*p == '\0' || (s = strchr(from, *p)) == NULL) {
		error = CODEC_ESYNTAX;
	} else {
		*c = (uint8_t)to[s - from];
		p++;
		error = CODEC_OK;
	}
	*pp = p;
	return (error);
}

size_t
json_unescape(const uint8_t **pp, const uint8_t *end, uint8_t out[4])
{
	uint32_t	c;

	if (*pp == end || **pp != '\\' ||
	    escape_read(pp, end, &c) != CODEC_OK)
		return (0);
	return (utf8_put(out, c));
}

/* The string whose opening quote is at *pp. */
static enum codec_err
string_check(const uint8_t **pp, const uint8_t *end, int *plain)
{
	const uint8_t	*p = *pp + 1;
	enum codec_err	 error;
	uint32_t	 c;
	size_t		 n;

	*plain = 1;
	for (;;) {
		p += plain_len(p, (size_t)(end - p));
		if (p == end)
			return (CODEC_ETRUNC);
		if (*p == '"') {
			*pp = p + 1;
			return (CODEC_OK);
		}
		if (*p == '\\') {
			*plain = 0;
			if ((error = escape_read(&p, end, &c)) != CODEC_OK)
				return (error);
			continue;
		}
		if (*p < 0x20)
			return (CODEC_ESYNTAX);
		do {
			if ((n = utf8_seq(p, (size_t)(end - p))) == 0)
				return (utf8_need(*p) > (size_t)(end - p) ?
				    CODEC_ETRUNC : CODEC_EUTF8);
			p += n;
		} while (p < end && *p >= 0x80);
	}
}

static const uint8_t *
skip_digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return (p);
}

static inline int
is_digit(uint8_t c)
{
	return (c >= '0' && c <= '9');
}

/* RFC 8259, 6.  A number at the end of the text may be a part of one. */
static enum codec_err
number_check(const uint8_t **pp, const uint8_t *end, int *isint)
{
	const uint8_t	*p = *pp;

	*isint = 1;
	if (*p == '-' && ++p == end)
		return (CODEC_ETRUNC);
	if (!is_digit(*p))
		return (CODEC_ESYNTAX);
	if (*p == '0') {
		if (++p < end && is_digit(*p))
			return (CODEC_ESYNTAX);
	} else
		p = skip_digits(p, end);
	if (p < end && *p == '.') {
		*isint = 0;
		if (++p == end)
			return (CODEC_ETRUNC);
		if (!is_digit(*p))
			return (CODEC_ESYNTAX);
		p = skip_digits(p, end);
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		*isint = 0;
		if (++p < end && (*p == '+' || *p == '-'))
			p++;
		if (p == end)
			return (CODEC_ETRUNC);
		if (!is_digit(*p))
			return (CODEC_ESYNTAX);
		p = skip_digits(p, end);
	}
	*pp = p;
	return (CODEC_OK);
}

/* "-0" is the integer 0. */
static void
number_read(struct val *v, int isint)
{
	const uint8_t	*p = v->p, *end = v->p + v->len;
	uint64_t	 x = 0, digit, max = UINT64_MAX;
	int		 neg;

	if ((neg = *p == '-')) {
		p++;
		max = (uint64_t)INT64_MAX + 1;
	}
	for (; isint && p < end; p++) {
		digit = (uint64_t)(*p - '0');
		if (x > (max - digit) / 10)
			isint = 0;
		x = x * 10 + digit;
	}
	if (!isint) {
		v->type = VAL_FLOAT;
		v->u.d = json_read_double(v->p, v->len);
	} else if (neg && x != 0) {
		v->type = VAL_INT;
		v->u.i = -(int64_t)(x - 1) - 1;
	} else {
		v->type = VAL_UINT;
		v->u.u = x;
	}
}

static enum codec_err
literal_check(const uint8_t **pp, const uint8_t *end, const char *word)
{
	const uint8_t	*p = *pp;

	for (; *word != '\0'; word++, p++) {
		if (p == end)
			return (CODEC_ETRUNC);
		if (*p != (uint8_t)*word)
			return (CODEC_ESYNTAX);
	}
	*pp = p;
	return (CODEC_OK);
}

/* A value that is no container; its type in *type, VAL_INT: any integer. */
static inline enum codec_err
scalar_check(const uint8_t **pp, const uint8_t *end, enum val_type *type,
    int *plain)
{
	enum codec_err	error;
	int		isint;

	switch (**pp) {
	case '"':
		*type = VAL_STR;
		return (string_check(pp, end, plain));
	case 't':
		*type = VAL_BOOL;
		return (literal_check(pp, end, "true"));
	case 'f':
		*type = VAL_BOOL;
		return (literal_check(pp, end, "false"));
	case 'n':
		*type = VAL_NIL;
		return (literal_check(pp, end, "null"));
	default:
		error = number_check(pp, end, &isint);
		*type = isint ? VAL_INT : VAL_FLOAT;
		return (error);
	}
}

/* The key at *pp, and its colon. */
static enum codec_err
key_check(const uint8_t **pp, const uint8_t *end)
{
	const uint8_t	*p = skip_space(*pp, end);
	enum codec_err	 error;
	int		 plain;

	if (p == end)
		return (CODEC_ETRUNC);
	if (*p != '"')
		return (CODEC_ESYNTAX);
	if ((error = string_check(&p, end, &plain)) != CODEC_OK)
		return (error);
	p = skip_space(p, end);
	if (p == end)
		return (CODEC_ETRUNC);
	if (*p != ':')
		return (CODEC_ESYNTAX);
	*pp = p + 1;
	return (CODEC_OK);
}

/*
 * Open containers: one bit each, 1 for a map.
 */
struct nest {
	uint64_t	bits[CODEC_MAXDEPTH / 64];
	unsigned int	open;
};

static inline int
nest_is_map(const struct nest *n)
{
	return (n->bits[(n->open - 1) / 64] >> (n->open - 1) % 64 & 1);
}

static inline void
nest_push(struct nest *n, int map)
{
	uint64_t	bit = (uint64_t)1 << n->open % 64;

	if (map)
		n->bits[n->open / 64] |= bit;
	else
		n->bits[n->open / 64] &= ~bit;
	n->open++;
}

/*
 * Behind the opening bracket or a value: past a comma (and the key behind
 * it) to the next value, or past closing brackets.  *pp is at a value when
 * this ends with containers open.
 */
static enum codec_err
to_value(const uint8_t **pp, const uint8_t *end, struct nest *n, int first)
{
	const uint8_t	*p = *pp;
	enum codec_err	 error;
	int		 map;

	for (; n->open > 0; first = 0, n->open--) {
		map = nest_is_map(n);
		p = skip_space(p, end);
		if (p == end)
			return (CODEC_ETRUNC);
		if (*p == (map ? '}' : ']')) {
			p++;
			continue;
		}
		if (!first && *p++ != ',')
			return (CODEC_ESYNTAX);
		if (map && (error = key_check(&p, end)) != CODEC_OK)
			return (error);
		if ((p = skip_space(p, end)) == end)
			return (CODEC_ETRUNC);
		break;
	}
	*pp = p;
	return (CODEC_OK);
}

/* The rest of a container, behind its bracket, "depth" counts it. */
static enum codec_err
check_items(const uint8_t **pp, const uint8_t *end, int map,
    unsigned int depth)
{
	struct nest	 n = { { 0 }, 0 };
	const uint8_t	*p = *pp;
	enum val_type	 type;
	enum codec_err	 error;
	int		 plain;

	nest_push(&n, map);
	if ((error = to_value(&p, end, &n, 1)) != CODEC_OK)
		return (error);
	while (n.open > 0) {
		if (*p == '[' || *p == '{') {
			if (depth - 1 + n.open >= CODEC_MAXDEPTH)
				return (CODEC_EDEPTH);
			nest_push(&n, *p++ == '{');
			error = to_value(&p, end, &n, 1);
		} else {
			error = scalar_check(&p, end, &type, &plain);
			if (error == CODEC_OK)
				error = to_value(&p, end, &n, 0);
		}
		if (error != CODEC_OK)
			return (error);
	}
	*pp = p;
	return (CODEC_OK);
}

enum codec_err
json_head(const uint8_t **pp, const uint8_t *end, struct val *v)
{
	enum codec_err	error;
	int		plain = 0;

	if ((*pp = skip_space(*pp, end)) == end)
		return (CODEC_ETRUNC);
	v->p = *pp;
	v->ser = SER_JSON;
	v->plain = 0;
	v->slen = 0;
	v->u.u = 0;
	if (*v->p == '[' || *v->p == '{') {
		v->type = *v->p == '[' ? VAL_ARRAY : VAL_MAP;
		v->str = ++*pp;
		v->u.u = ITEMS_UNTIL_END;
		return (CODEC_OK);
	}
	if ((error = scalar_check(pp, end, &v->type, &plain)) != CODEC_OK)
		return (error);
	v->str = v->p;
	v->len = (size_t)(*pp - v->p);
	switch (v->type) {
	case VAL_STR:
		v->plain = (uint8_t)plain;
		v->str = v->p + 1;
		v->slen = v->len - 2;
		break;
	case VAL_BOOL:
		v->u.b = *v->p == 't';
		break;
	case VAL_INT:
	case VAL_FLOAT:
		number_read(v, v->type == VAL_INT);
		break;
	default:
		break;
	}
	return (CODEC_OK);
}

enum codec_err
json_next(const uint8_t **pp, const uint8_t *end, unsigned int depth,
    struct val *v)
{
	enum codec_err	error;

	if ((error = json_head(pp, end, v)) != CODEC_OK)
		return (error);
	if (v->type != VAL_ARRAY && v->type != VAL_MAP)
		return (CODEC_OK);
	if (depth >= CODEC_MAXDEPTH)
		return (CODEC_EDEPTH);
	error = check_items(pp, end, v->type == VAL_MAP, depth + 1);
	v->slen = (size_t)(*pp - v->str);
	v->len = (size_t)(*pp - v->p);
	return (error);
}

enum codec_err
json_check(const uint8_t *buf, size_t len, struct val *v)
{
	const uint8_t	*p = buf, *end;
	enum codec_err	 error;

	if (len == 0)
		return (CODEC_ETRUNC);
	end = buf + len;
	if ((error = json_next(&p, end, 0, v)) != CODEC_OK)
		return (error);
	return (skip_space(p, end) == end ? CODEC_OK : CODEC_ETRAIL);
}

enum codec_err
json_split(const uint8_t *buf, size_t len, struct val *v, size_t max,
    size_t *n)
{
	struct nest	 nest = { { 0 }, 0 };
	const uint8_t	*p = buf, *end;
	struct val	 list;
	enum codec_err	 error;
	size_t		 i;

	*n = 0;
	if (len == 0)
		return (CODEC_ETRUNC);
	end = buf + len;
	if ((error = json_head(&p, end, &list)) != CODEC_OK)
		return (error);
	if (list.type != VAL_ARRAY) {
		/* Say that it is garbage rather than no list, if it is. */
		error = json_check(buf, len, &list);
		return (error != CODEC_OK ? error : CODEC_ENOTLIST);
	}
	nest_push(&nest, 0);
	error = to_value(&p, end, &nest, 1);
	for (i = 0; error == CODEC_OK && nest.open > 0; i++) {
		if (i == max)
			return (CODEC_ETOOMANY);
		error = json_next(&p, end, 1, &v[i]);
		if (error == CODEC_OK)
			error = to_value(&p, end, &nest, 0);
	}
	if (error != CODEC_OK)
		return (error);
	if (skip_space(p, end) != end)
		return (CODEC_ETRAIL);
	*n = i;
	return (CODEC_OK);
}

enum codec_err
json_values(const uint8_t *buf, size_t len, struct val *v, size_t n)
{
	const uint8_t	*p = buf, *end = buf + len;
	enum codec_err	 error;
	size_t		 i;

	for (i = 0; i < n; i++) {
		if (i > 0 && (p == end || *p++ != ','))
			return (p == end ? CODEC_ETRUNC : CODEC_ESYNTAX);
		if ((error = json_next(&p, end, 1, &v[i])) != CODEC_OK)
			return (error);
		p = skip_space(p, end);
	}
	return (p == end ? CODEC_OK : CODEC_ETRAIL);
}

int
json_more(const uint8_t **pp, const uint8_t *end)
{
	const uint8_t	*p = *pp;

	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' ||
	    *p == '\t' || *p == ',' || *p == ':'))
		p++;
	if (p < end && *p != ']' && *p != '}') {
		*pp = p;
		return (1);
	}
	*pp = p < end ? p + 1 : end;
	return (0);
}
