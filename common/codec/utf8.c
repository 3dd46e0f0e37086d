/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * UTF-8 as RFC 3629 has it.
 */
#include "utf8.h"

static inline int
is_cont(uint8_t c)
{
	return ((c & 0xc0) == 0x80);
}

size_t
utf8_need(uint8_t c)
{
	if (c < 0x80)
		return (1);
	if (c < 0xc2 || c > 0xf4)	/* continuation, overlong, too big */
		return (0);
	return (c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4);
}

static inline size_t
seq(const uint8_t *p, size_t left)
{
	uint8_t	c = p[0];

	if (c < 0x80)
		return (1);
	if (c < 0xe0) {
		if (c < 0xc2 || left < 2)	/* continuation, overlong */
			return (0);
		return (is_cont(p[1]) ? 2 : 0);
	}
	if (c < 0xf0) {
		if (left < 3 ||
		    (c == 0xe0 && p[1] < 0xa0) ||	/* overlong */
		    (c == 0xed && p[1] > 0x9f))		/* surrogates */
			return (0);
		return (is_cont(p[1]) && is_cont(p[2]) ? 3 : 0);
	}
	if (c > 0xf4 || left < 4 ||
	    (c == 0xf0 && p[1] < 0x90) ||		/* overlong */
	    (c == 0xf4 && p[1] > 0x8f))			/* > U+10FFFF */
		return (0);
	return (is_cont(p[1]) && is_cont(p[2]) && is_cont(p[3]) ? 4 : 0);
}

size_t
utf8_seq(const uint8_t *p, size_t left)
{
	return (left == 0 ? 0 : seq(p, left));
}

int
utf8_ok(const uint8_t *p, size_t len)
{
	uint64_t	w;
	size_t		n;

	while (len > 0) {
		if (*p < 0x80 && len >= 8) {
			memcpy(&w, p, 8);
			n = (w & UTF8_HIGH) == 0 ? 8 : 1;
		} else if ((n = seq(p, len)) == 0)
			return (0);
		p += n;
		len -= n;
	}
	return (1);
}

size_t
utf8_put(uint8_t out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return (1);
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return (2);
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return (3);
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return (4);
}
