/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Is it UTF-8?
 */
#ifndef WAMPD_UTF8_H
#define WAMPD_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define UTF8_HIGH	0x8080808080808080ULL

/*
 * Length of the character at p, of which left octets are there: 1 to 4, or
 * 0 if it is none: RFC 3629, so no surrogates, nothing overlong, nothing
 * above U+10FFFF.
 */
size_t	 utf8_seq(const uint8_t *, size_t left);
/* Octets a character should have by its first one, 0: it cannot be first. */
size_t	 utf8_need(uint8_t);
int	 utf8_ok(const uint8_t *, size_t);
/* Writes the character, which must be one; returns its length. */
size_t	 utf8_put(uint8_t out[4], uint32_t);

/* Eight octets at a time; the last ones are looked at twice. */
static inline int
utf8_is_ascii(const uint8_t *p, size_t len)
{
	uint64_t	w, all = 0;
	uint32_t	a, b;
	size_t		i;

	if (len >= 8) {
		for (i = 0; i + 8 <= len; i += 8) {
			memcpy(&w, p + i, 8);
			all |= w;
		}
		memcpy(&w, p + len - 8, 8);
		return (((all | w) & UTF8_HIGH) == 0);
	}
	if (len >= 4) {
		memcpy(&a, p, 4);
		memcpy(&b, p + len - 4, 4);
		return (((a | b) & (uint32_t)UTF8_HIGH) == 0);
	}
	for (i = 0; i < len; i++)
		all |= p[i];
	return ((all & 0x80) == 0);
}

#endif /* WAMPD_UTF8_H */
