/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A writer of MessagePack that allocates nothing; reading is
 * common/codec/mpcur.c's.
 */
#include <string.h>

#include "mpput.h"

void
mpput_init(struct mpput *m, void *p, size_t size)
{
	m->p = p;
	m->len = 0;
	m->size = size;
	m->failed = 0;
}

void
mpput_raw(struct mpput *m, const void *p, size_t len)
{
	if (m->failed || len > m->size - m->len) {
		m->failed = 1;
		return;
	}
	if (len > 0)
		memcpy(m->p + m->len, p, len);
	m->len += len;
}

/* A first octet, and n in so many octets behind it. */
static void
head(struct mpput *m, uint8_t first, uint64_t n, unsigned int octets)
{
	uint8_t		b[9];
	unsigned int	i;

	b[0] = first;
	for (i = 0; i < octets; i++)
		b[1 + i] = (uint8_t)(n >> (8 * (octets - 1 - i)));
	mpput_raw(m, b, 1 + octets);
}

void
mpput_array(struct mpput *m, uint32_t n)
{
	if (n < 16)
		head(m, (uint8_t)(0x90 | n), 0, 0);
	else if (n <= UINT16_MAX)
		head(m, 0xdc, n, 2);
	else
		head(m, 0xdd, n, 4);
}

void
mpput_map(struct mpput *m, uint32_t n)
{
	if (n < 16)
		head(m, (uint8_t)(0x80 | n), 0, 0);
	else if (n <= UINT16_MAX)
		head(m, 0xde, n, 2);
	else
		head(m, 0xdf, n, 4);
}

void
mpput_nil(struct mpput *m)
{
	head(m, 0xc0, 0, 0);
}

void
mpput_bool(struct mpput *m, int is_true)
{
	head(m, is_true ? 0xc3 : 0xc2, 0, 0);
}

void
mpput_uint(struct mpput *m, uint64_t n)
{
	if (n < 0x80)
		head(m, (uint8_t)n, 0, 0);
	else if (n <= UINT8_MAX)
		head(m, 0xcc, n, 1);
	else if (n <= UINT16_MAX)
		head(m, 0xcd, n, 2);
	else if (n <= UINT32_MAX)
		head(m, 0xce, n, 4);
	else
		head(m, 0xcf, n, 8);
}

void
mpput_double(struct mpput *m, double d)
{
	uint64_t	n;

	_Static_assert(sizeof(n) == sizeof(d), "IEEE 754, 64 bits");
	memcpy(&n, &d, sizeof(n));
	head(m, 0xcb, n, 8);
}

void
mpput_str(struct mpput *m, const void *p, size_t len)
{
	if (len < 32)
		head(m, (uint8_t)(0xa0 | len), 0, 0);
	else if (len <= UINT8_MAX)
		head(m, 0xd9, len, 1);
	else if (len <= UINT16_MAX)
		head(m, 0xda, len, 2);
	else if (len <= UINT32_MAX)
		head(m, 0xdb, len, 4);
	else
		m->failed = 1;
	mpput_raw(m, p, len);
}

void
mpput_text(struct mpput *m, const char *s)
{
	mpput_str(m, s, strlen(s));
}

void
mpput_bin(struct mpput *m, const void *p, size_t len)
{
	if (len <= UINT8_MAX)
		head(m, 0xc4, len, 1);
	else if (len <= UINT16_MAX)
		head(m, 0xc5, len, 2);
	else if (len <= UINT32_MAX)
		head(m, 0xc6, len, 4);
	else
		m->failed = 1;
	mpput_raw(m, p, len);
}
