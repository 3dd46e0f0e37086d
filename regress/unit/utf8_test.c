/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * All strings of up to three octets and all characters there are: the
 * number of those accepted is known.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* Characters of one, two and three octets; the last without surrogates. */
#define ONE	128U
#define TWO	1920U
#define THREE	61440U

static void
expect_count(const char *what, uint32_t got, uint32_t want)
{
	if (got != want)
		errx(1, "%s: %u accepted, want %u", what, got, want);
}

static void
test_short(void)
{
	uint8_t		*s;
	uint32_t	 i, n = 0, seq = 0;

	if ((s = malloc(3)) == NULL)
		err(1, "malloc");
	for (i = 0; i < 1U << 24; i++) {
		s[0] = (uint8_t)(i >> 16);
		s[1] = (uint8_t)(i >> 8);
		s[2] = (uint8_t)i;
		n += utf8_ok(s, 3) != 0;
		seq += utf8_seq(s, 3) == 3;
	}
	expect_count("three octets", n,
	    ONE * ONE * ONE + 2 * ONE * TWO + THREE);
	expect_count("characters of three", seq, THREE);
	for (n = i = 0; i < 1U << 16; i++) {
		s[1] = (uint8_t)(i >> 8);
		s[2] = (uint8_t)i;
		n += utf8_ok(s + 1, 2) != 0;
	}
	expect_count("two octets", n, ONE * ONE + TWO);
	for (n = i = 0; i < 256; i++) {
		s[2] = (uint8_t)i;
		n += utf8_ok(s + 2, 1) != 0;
	}
	expect_count("one octet", n, ONE);
	if (!utf8_ok(s, 0) || utf8_seq(s, 0) != 0)
		errx(1, "nothing");
	free(s);
	puts("ok - short");
}

/* Each character, its truncations, and the step over the last one. */
static void
test_characters(void)
{
	uint8_t		s[4];
	uint32_t	c;
	size_t		len, cut;
	int		surrogate;

	for (c = 0; c < 0x110100; c++) {
		len = utf8_put(s, c);
		surrogate = c >= 0xd800 && c <= 0xdfff;
		if (utf8_ok(s, len) != (!surrogate && c <= 0x10ffff))
			errx(1, "U+%04X", c);
		for (cut = 1; cut < len; cut++)
			if (utf8_ok(s, cut))
				errx(1, "U+%04X cut to %zu", c, cut);
		if (c <= 0x10ffff && !surrogate && utf8_need(s[0]) != len)
			errx(1, "need of U+%04X", c);
	}
	puts("ok - characters");
}

/* One bad octet in each place of texts of each length. */
static void
test_places(void)
{
	uint8_t	*s;
	size_t	 len, i;

	for (len = 1; len < 40; len++) {
		if ((s = malloc(len)) == NULL)
			err(1, "malloc");
		memset(s, 'a', len);
		if (!utf8_ok(s, len) || !utf8_is_ascii(s, len))
			errx(1, "ASCII of %zu", len);
		for (i = 0; i < len; i++) {
			s[i] = 0xbf;
			if (utf8_ok(s, len) || utf8_is_ascii(s, len))
				errx(1, "octet %zu of %zu", i, len);
			s[i] = 'a';
		}
		for (i = 0; i + 1 < len; i++) {
			memcpy(s + i, "\xc3\xa4", 2);
			if (!utf8_ok(s, len) || utf8_is_ascii(s, len))
				errx(1, "character %zu of %zu", i, len);
			memcpy(s + i, "aa", 2);
		}
		free(s);
	}
	puts("ok - places");
}

int
main(void)
{
	test_short();
	test_characters();
	test_places();
	return (0);
}
