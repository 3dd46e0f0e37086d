/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP URIs: what is one, what a pattern matches, which pattern lies within
 * another.  No index is kept here, and nobody is authorized here.
 */
#include <string.h>

#include "uri.h"
#include "utf8.h"

enum empty {
	EMPTY_NONE,		/* no empty component at all */
	EMPTY_LAST,		/* the last one may be */
	EMPTY_ANY
};

/* Length of the character at p, 0 if it is not UTF-8 (RFC 3629, 4). */
static size_t
utf8_char(const unsigned char *p, size_t left)
{
	unsigned char	lo = 0x80, hi = 0xbf;
	size_t		i, n;

	if (p[0] < 0x80)
		return (1);
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		n = 3;
		if (p[0] == 0xe0)
			lo = 0xa0;
		else if (p[0] == 0xed)
			hi = 0x9f;	/* no surrogates */
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		if (p[0] == 0xf0)
			lo = 0x90;
		else if (p[0] == 0xf4)
			hi = 0x8f;
	} else
		return (0);
	if (n > left || p[1] < lo || p[1] > hi)
		return (0);
	for (i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return (0);
	return (n);
}

/*
 * Octets of the white space at p, 0 if there is none.  The specification
 * gives \s of Python's re as the rule, which is Unicode's.
 */
static size_t
space_char(const unsigned char *p, size_t left)
{
	if ((p[0] >= 0x09 && p[0] <= 0x0d) || (p[0] >= 0x1c && p[0] <= 0x20))
		return (1);
	if (p[0] == 0xc2 && left > 1 && (p[1] == 0x85 || p[1] == 0xa0))
		return (2);
	if (left < 3)
		return (0);
	if (p[0] == 0xe1 && p[1] == 0x9a && p[2] == 0x80)	/* U+1680 */
		return (3);
	if (p[0] == 0xe2 && p[1] == 0x80 &&
	    ((p[2] >= 0x80 && p[2] <= 0x8a) ||		/* U+2000 - U+200A */
	    p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf))
		return (3);
	if (p[0] == 0xe2 && p[1] == 0x81 && p[2] == 0x9f)	/* U+205F */
		return (3);
	if (p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80)	/* U+3000 */
		return (3);
	return (0);
}

/*
 * Is it what nearly all are: ASCII that needs no closer look, no component
 * empty?  Without a branch for each octet, which the processor would guess
 * wrong at each dot.
 */
static int
is_plain(const unsigned char *p, size_t len, enum uri_rules rules)
{
	unsigned char	odd;
	size_t		i;

	if (len == 0)
		return (0);
	odd = (p[0] == '.') | (p[len - 1] == '.');
	for (i = 1; i < len; i++)
		odd |= (p[i] == '.') & (p[i - 1] == '.');
	if (rules == URI_STRICT)
		for (i = 0; i < len; i++)
			odd |= !(((p[i] >= 'a') & (p[i] <= 'z')) |
			    ((p[i] >= '0') & (p[i] <= '9')) |
			    (p[i] == '_') | (p[i] == '.'));
	else
		for (i = 0; i < len; i++)
			odd |= (p[i] <= ' ') | (p[i] > '~') | (p[i] == '#');
	return (!odd);
}

/* Characters and components by the rules; "" has one, empty component. */
static int
is_made_of(const struct uri *u, enum uri_rules rules, enum empty empty)
{
	const unsigned char	*p = (const unsigned char *)u->p;
	size_t			 i, start = 0;

	if (u->len > URI_MAXLEN)
		return (0);
	if (is_plain(p, u->len, rules))
		return (1);
	for (i = 0; i < u->len; i++) {
		if (p[i] == '.') {
			if (i == start && empty != EMPTY_ANY)
				return (0);
			start = i + 1;
		} else if (rules == URI_STRICT) {
			if (!((p[i] >= 'a' && p[i] <= 'z') ||
			    (p[i] >= '0' && p[i] <= '9') || p[i] == '_'))
				return (0);
		} else if (p[i] == '#' || space_char(p + i, u->len - i))
			return (0);
	}
	return (i > start || empty != EMPTY_NONE);
}

int
uri_is_valid(const struct uri *u, enum uri_rules rules)
{
	return (is_made_of(u, rules, EMPTY_NONE));
}

int
uri_is_pattern(const struct uri *u, enum uri_match match,
    enum uri_rules rules)
{
	switch (match) {
	case MATCH_EXACT:
		return (is_made_of(u, rules, EMPTY_NONE));
	case MATCH_PREFIX:
		return (is_made_of(u, rules, EMPTY_LAST));
	case MATCH_WILDCARD:
		return (is_made_of(u, rules, EMPTY_ANY));
	}
	return (0);
}

int
uri_is_utf8(const struct uri *u)
{
	const unsigned char	*p = (const unsigned char *)u->p;
	size_t			 i, n;

	if (utf8_is_ascii(p, u->len))
		return (1);
	for (i = 0; i < u->len; i += n)
		if ((n = utf8_char(p + i, u->len - i)) == 0)
			return (0);
	return (1);
}

int
uri_is_reserved(const struct uri *u)
{
	/* WAMP, Reserved URIs: "wamp" as a first URI component */
	return (u->len >= 4 && memcmp(u->p, "wamp", 4) == 0 &&
	    (u->len == 4 || u->p[4] == '.'));
}

int
uri_pattern_is_reserved(const struct uri *u, enum uri_match match)
{
	if (match == MATCH_PREFIX)
		return (u->len >= 5 && memcmp(u->p, "wamp.", 5) == 0);
	return (uri_is_reserved(u));
}

static int
starts_with(const struct uri *u, const char *p, size_t len)
{
	return (len <= u->len && memcmp(u->p, p, len) == 0);
}

size_t
uri_component_end(const struct uri *u, size_t i)
{
	const char	*dot;

	if ((dot = memchr(u->p + i, '.', u->len - i)) == NULL)
		return (u->len);
	return ((size_t)(dot - u->p));
}

/*
 * Component by component: those of a are empty or equal b's, and there are
 * as many.  An empty one of b, a wildcard, is only within an empty one.
 */
static int
wildcard_covers(const struct uri *a, const struct uri *b)
{
	size_t	i = 0, j = 0, iend, jend;

	for (;;) {
		iend = uri_component_end(a, i);
		jend = uri_component_end(b, j);
		if (iend > i && (iend - i != jend - j ||
		    memcmp(a->p + i, b->p + j, iend - i) != 0))
			return (0);
		if (iend == a->len || jend == b->len)
			return (iend == a->len && jend == b->len);
		i = iend + 1;
		j = jend + 1;
	}
}

int
uri_matches(const struct uri *pattern, enum uri_match match,
    const struct uri *u)
{
	switch (match) {
	case MATCH_EXACT:
		return (uri_eq(pattern, u));
	case MATCH_PREFIX:
		return (starts_with(u, pattern->p, pattern->len));
	case MATCH_WILDCARD:
		return (wildcard_covers(pattern, u));
	}
	return (0);
}

/* Octets before the first empty component, all if there is none. */
static size_t
literal_len(const struct uri *u)
{
	size_t	i = 0, end;

	for (;;) {
		if ((end = uri_component_end(u, i)) == i)
			return (i);
		if (end == u->len)
			return (end);
		i = end + 1;
	}
}

/*
 * Exact for patterns by uri_is_pattern(), any octet count aside: near
 * URI_MAXLEN a prefix matches few URIs or none, and is taken as if longer
 * ones existed, which errs towards "no".
 */
int
uri_covers(const struct uri *a, enum uri_match am, const struct uri *b,
    enum uri_match bm)
{
	size_t	lit;

	if (bm == MATCH_WILDCARD && (lit = literal_len(b)) == b->len &&
	    b->len > 0 && b->p[b->len - 1] != '.')
		bm = MATCH_EXACT;	/* no wildcard in it */

	switch (bm) {
	case MATCH_EXACT:
		return (uri_matches(a, am, b));
	case MATCH_PREFIX:
		/* any number of components follows */
		return (am == MATCH_PREFIX && starts_with(b, a->p, a->len));
	case MATCH_WILDCARD:
		if (am == MATCH_WILDCARD)
			return (wildcard_covers(a, b));
		/* what stands in for the first wildcard is not known */
		return (am == MATCH_PREFIX && a->len <= lit &&
		    starts_with(b, a->p, a->len));
	}
	return (0);
}

int
uri_eq(const struct uri *a, const struct uri *b)
{
	return (a->len == b->len && memcmp(a->p, b->p, a->len) == 0);
}

unsigned int
uri_components(const struct uri *u)
{
	unsigned int	n = 1;
	size_t		i;

	for (i = 0; i < u->len; i++)
		if (u->p[i] == '.')
			n++;
	return (n);
}
