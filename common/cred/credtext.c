/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Octets as text.  Digits are computed, not looked up, since a table's cache
 * lines would tell about the keys that are read or written here.
 */
#include "credtext.h"

/* All ones if lo <= c <= hi, else 0; each is an octet. */
static unsigned int
between(unsigned int c, unsigned int lo, unsigned int hi)
{
	return ((((c - lo) | (hi - c)) >> 31) - 1);
}

static char
b64_digit(unsigned int x)
{
	return ((char)((between(x, 0, 25) & (x + 'A')) |
	    (between(x, 26, 51) & (x - 26 + 'a')) |
	    (between(x, 52, 61) & (x - 52 + '0')) |
	    (between(x, 62, 62) & '+') | (between(x, 63, 63) & '/')));
}

/* The digit's value plus one; 0: it is none. */
static unsigned int
b64_value(unsigned int c)
{
	return ((between(c, 'A', 'Z') & (c - 'A' + 1)) |
	    (between(c, 'a', 'z') & (c - 'a' + 27)) |
	    (between(c, '0', '9') & (c - '0' + 53)) |
	    (between(c, '+', '+') & 63) | (between(c, '/', '/') & 64));
}

int
cred_b64_decode_nopad(const char *s, size_t len, void *out, size_t outsize,
    size_t *outlen)
{
	uint8_t		*o = out;
	unsigned int	 acc = 0, bits = 0, bad = 0, x;
	size_t		 i;

	if (len % 4 == 1 || len / 4 * 3 + (len % 4 * 3) / 4 > outsize)
		return (-1);
	for (i = 0; i < len; i++) {
		x = b64_value((uint8_t)s[i]);
		bad |= (x - 1) >> 31;
		acc = (acc << 6 | ((x - 1) & 0x3f)) & 0xfff;
		if ((bits += 6) >= 8) {
			bits -= 8;
			*o++ = (uint8_t)(acc >> bits);
		}
	}
	/* RFC 4648, 3.5: unused bits are zero */
	bad |= acc & ((1U << bits) - 1);
	*outlen = (size_t)(o - (uint8_t *)out);
	return (bad ? -1 : 0);
}

int
cred_b64_decode(const char *s, size_t len, void *out, size_t outsize,
    size_t *outlen)
{
	unsigned int	pads = 0;

	if (len % 4 != 0)
		return (-1);
	while (pads < 2 && pads < len && s[len - 1 - pads] == '=')
		pads++;
	return (cred_b64_decode_nopad(s, len - pads, out, outsize, outlen));
}

int
cred_b64_encode_nopad(const void *p, size_t len, char *out, size_t outsize)
{
	const uint8_t	*in = p;
	unsigned int	 acc = 0, bits = 0;
	size_t		 i;

	/* first what len / 3 * 4 must not exceed */
	if (outsize == 0 || len / 3 > (outsize - 1) / 4 ||
	    len / 3 * 4 + (len % 3 > 0 ? len % 3 + 1 : 0) > outsize - 1)
		return (-1);
	for (i = 0; i < len; i++) {
		acc = (acc << 8 | in[i]) & 0xffff;
		for (bits += 8; bits >= 6; ) {
			bits -= 6;
			*out++ = b64_digit(acc >> bits & 0x3f);
		}
	}
	if (bits > 0)
		*out++ = b64_digit(acc << (6 - bits) & 0x3f);
	*out = '\0';
	return (0);
}

int
cred_b64_encode(const void *p, size_t len, char *out, size_t outsize)
{
	size_t	digits;

	if (outsize == 0 || len > (outsize - 1) / 4 * 3 ||
	    cred_b64_encode_nopad(p, len, out, outsize) == -1)
		return (-1);
	digits = len / 3 * 4 + (len % 3 > 0 ? len % 3 + 1 : 0);
	while (digits % 4 != 0)
		out[digits++] = '=';
	out[digits] = '\0';
	return (0);
}

/* The digit's value plus one; 0: it is none. */
static unsigned int
hex_value(unsigned int c)
{
	return ((between(c, '0', '9') & (c - '0' + 1)) |
	    (between(c, 'a', 'f') & (c - 'a' + 11)) |
	    (between(c, 'A', 'F') & (c - 'A' + 11)));
}

int
cred_hex_decode(const char *s, size_t len, uint8_t *out, size_t outlen)
{
	unsigned int	hi, lo, bad = 0;
	size_t		i;

	if (len % 2 != 0 || len / 2 != outlen)
		return (-1);
	for (i = 0; i < outlen; i++) {
		hi = hex_value((uint8_t)s[2 * i]);
		lo = hex_value((uint8_t)s[2 * i + 1]);
		bad |= (hi - 1) >> 31 | (lo - 1) >> 31;
		out[i] = (uint8_t)(((hi - 1) & 0xf) << 4 | ((lo - 1) & 0xf));
	}
	return (bad ? -1 : 0);
}

static char
hex_digit(unsigned int x)
{
	return ((char)((between(x, 0, 9) & (x + '0')) |
	    (between(x, 10, 15) & (x - 10 + 'a'))));
}

void
cred_hex_encode(const void *p, size_t len, char *out)
{
	const uint8_t	*in = p;
	size_t		 i;

	for (i = 0; i < len; i++) {
		*out++ = hex_digit(in[i] >> 4);
		*out++ = hex_digit(in[i] & 0xf);
	}
	*out = '\0';
}
