/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * JSON's floating point numbers, both ways.  Text to double with strtod(3),
 * so in the C locale: no program of ours calls setlocale(3) for LC_NUMERIC.
 * Double to the shortest text that leads back, by Grisu2 (Florian Loitsch,
 * Printing Floating-Point Numbers Quickly and Accurately with Integers, PLDI
 * 2010): with printf(3), up to three attempts and each read back, a message
 * of nothing but floats would take seconds.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsoncur.h"

/*
 * Longer numbers are shortened to that many digits: 767 significant ones
 * decide how any decimal rounds (plus one that says whether more follow).
 */
#define NUM_DIGITS	780
#define NUM_COPY	(NUM_DIGITS + 60)

#define MANT_BITS	52
#define HIDDEN		((uint64_t)1 << MANT_BITS)
#define EXP_BIAS	(1023 + MANT_BITS)
#define MAXDIGITS	17

/* Written without an exponent: from 0.00001 to below 10^15. */
#define POINT_MIN	(-5)
#define POINT_MAX	15

/* A checked number with more digits than a copy should have. */
static double
double_shortened(const uint8_t *p, size_t len)
{
	const uint8_t	*end = p + len;
	char		 buf[NUM_COPY];
	long long	 exp = 0, e = 0;
	size_t		 n = 0, digits = 0;
	int		 point = 0, neg = 0, more = 0;

	if (*p == '-') {
		buf[n++] = '-';
		p++;
	}
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			point = 1;
		} else if (digits == 0 && *p == '0') {
			exp -= point;
		} else if (digits < NUM_DIGITS) {
			buf[n++] = (char)*p;
			digits++;
			exp -= point;
		} else {
			more |= *p != '0';
			exp += !point;
		}
	}
	if (digits == 0)
		buf[n++] = '0';
	if (more) {
		/* Not half-way between two doubles, but above. */
		buf[n++] = '1';
		exp--;
	}
	if (p < end && ++p < end && (*p == '-' || *p == '+'))
		neg = *p++ == '-';
	for (; p < end; p++)
		if (e < INT64_MAX / 100)
			e = e * 10 + (*p - '0');
	exp += neg ? -e : e;
	/* Beyond these it is zero or infinity with any of the digits. */
	if (exp > 100000)
		exp = 100000;
	if (exp < -100000)
		exp = -100000;
	snprintf(buf + n, sizeof(buf) - n, "e%lld", exp);
	return (strtod(buf, NULL));
}

double
json_read_double(const uint8_t *p, size_t len)
{
	char	buf[128];

	if (len >= sizeof(buf))
		return (double_shortened(p, len));
	memcpy(buf, p, len);
	buf[len] = '\0';
	return (strtod(buf, NULL));
}

/* A number f * 2^e. */
struct fe {
	uint64_t	 f;
	int		 e;
};

/* 10^-348, 10^-340, ... 10^340, to 64 bits, rounded. */
#define POWER_FIRST	(-348)
#define POWER_STEP	8
static const struct fe	powers[] = {
	{ 0xfa8fd5a0081c0288ULL, -1220 }, { 0xbaaee17fa23ebf76ULL, -1193 },
	{ 0x8b16fb203055ac76ULL, -1166 }, { 0xcf42894a5dce35eaULL, -1140 },
	{ 0x9a6bb0aa55653b2dULL, -1113 }, { 0xe61acf033d1a45dfULL, -1087 },
	{ 0xab70fe17c79ac6caULL, -1060 }, { 0xff77b1fcbebcdc4fULL, -1034 },
	{ 0xbe5691ef416bd60cULL, -1007 }, { 0x8dd01fad907ffc3cULL, -980 },
	{ 0xd3515c2831559a83ULL, -954 }, { 0x9d71ac8fada6c9b5ULL, -927 },
	{ 0xea9c227723ee8bcbULL, -901 }, { 0xaecc49914078536dULL, -874 },
	{ 0x823c12795db6ce57ULL, -847 }, { 0xc21094364dfb5637ULL, -821 },
	{ 0x9096ea6f3848984fULL, -794 }, { 0xd77485cb25823ac7ULL, -768 },
	{ 0xa086cfcd97bf97f4ULL, -741 }, { 0xef340a98172aace5ULL, -715 },
	{ 0xb23867fb2a35b28eULL, -688 }, { 0x84c8d4dfd2c63f3bULL, -661 },
	{ 0xc5dd44271ad3cdbaULL, -635 }, { 0x936b9fcebb25c996ULL, -608 },
	{ 0xdbac6c247d62a584ULL, -582 }, { 0xa3ab66580d5fdaf6ULL, -555 },
	{ 0xf3e2f893dec3f126ULL, -529 }, { 0xb5b5ada8aaff80b8ULL, -502 },
	{ 0x87625f056c7c4a8bULL, -475 }, { 0xc9bcff6034c13053ULL, -449 },
	{ 0x964e858c91ba2655ULL, -422 }, { 0xdff9772470297ebdULL, -396 },
	{ 0xa6dfbd9fb8e5b88fULL, -369 }, { 0xf8a95fcf88747d94ULL, -343 },
	{ 0xb94470938fa89bcfULL, -316 }, { 0x8a08f0f8bf0f156bULL, -289 },
	{ 0xcdb02555653131b6ULL, -263 }, { 0x993fe2c6d07b7facULL, -236 },
	{ 0xe45c10c42a2b3b06ULL, -210 }, { 0xaa242499697392d3ULL, -183 },
	{ 0xfd87b5f28300ca0eULL, -157 }, { 0xbce5086492111aebULL, -130 },
	{ 0x8cbccc096f5088ccULL, -103 }, { 0xd1b71758e219652cULL, -77 },
	{ 0x9c40000000000000ULL, -50 }, { 0xe8d4a51000000000ULL, -24 },
	{ 0xad78ebc5ac620000ULL, 3 }, { 0x813f3978f8940984ULL, 30 },
	{ 0xc097ce7bc90715b3ULL, 56 }, { 0x8f7e32ce7bea5c70ULL, 83 },
	{ 0xd5d238a4abe98068ULL, 109 }, { 0x9f4f2726179a2245ULL, 136 },
	{ 0xed63a231d4c4fb27ULL, 162 }, { 0xb0de65388cc8ada8ULL, 189 },
	{ 0x83c7088e1aab65dbULL, 216 }, { 0xc45d1df942711d9aULL, 242 },
	{ 0x924d692ca61be758ULL, 269 }, { 0xda01ee641a708deaULL, 295 },
	{ 0xa26da3999aef774aULL, 322 }, { 0xf209787bb47d6b85ULL, 348 },
	{ 0xb454e4a179dd1877ULL, 375 }, { 0x865b86925b9bc5c2ULL, 402 },
	{ 0xc83553c5c8965d3dULL, 428 }, { 0x952ab45cfa97a0b3ULL, 455 },
	{ 0xde469fbd99a05fe3ULL, 481 }, { 0xa59bc234db398c25ULL, 508 },
	{ 0xf6c69a72a3989f5cULL, 534 }, { 0xb7dcbf5354e9beceULL, 561 },
	{ 0x88fcf317f22241e2ULL, 588 }, { 0xcc20ce9bd35c78a5ULL, 614 },
	{ 0x98165af37b2153dfULL, 641 }, { 0xe2a0b5dc971f303aULL, 667 },
	{ 0xa8d9d1535ce3b396ULL, 694 }, { 0xfb9b7cd9a4a7443cULL, 720 },
	{ 0xbb764c4ca7a44410ULL, 747 }, { 0x8bab8eefb6409c1aULL, 774 },
	{ 0xd01fef10a657842cULL, 800 }, { 0x9b10a4e5e9913129ULL, 827 },
	{ 0xe7109bfba19c0c9dULL, 853 }, { 0xac2820d9623bf429ULL, 880 },
	{ 0x80444b5e7aa7cf85ULL, 907 }, { 0xbf21e44003acdd2dULL, 933 },
	{ 0x8e679c2f5e44ff8fULL, 960 }, { 0xd433179d9c8cb841ULL, 986 },
	{ 0x9e19db92b4e31ba9ULL, 1013 }, { 0xeb96bf6ebadf77d9ULL, 1039 },
	{ 0xaf87023b9bf0ee6bULL, 1066 }
};

static const uint64_t	tens[] = {
	1ULL, 10ULL, 100ULL, 1000ULL, 10000ULL, 100000ULL, 1000000ULL,
	10000000ULL, 100000000ULL, 1000000000ULL, 10000000000ULL,
	100000000000ULL, 1000000000000ULL, 10000000000000ULL,
	100000000000000ULL, 1000000000000000ULL, 10000000000000000ULL,
	100000000000000000ULL, 1000000000000000000ULL,
	10000000000000000000ULL
};

/* The upper 64 bits of the product, rounded. */
static struct fe
fe_mul(struct fe x, struct fe y)
{
	uint64_t	xh = x.f >> 32, xl = x.f & UINT32_MAX;
	uint64_t	yh = y.f >> 32, yl = y.f & UINT32_MAX;
	uint64_t	hl = xh * yl, lh = xl * yh, mid;
	struct fe	r;

	mid = (xl * yl >> 32) + (hl & UINT32_MAX) + (lh & UINT32_MAX) +
	    (1U << 31);
	r.f = xh * yh + (hl >> 32) + (lh >> 32) + (mid >> 32);
	r.e = x.e + y.e + 64;
	return (r);
}

static struct fe
fe_normal(struct fe x)
{
	while (!(x.f >> 63)) {
		x.f <<= 1;
		x.e--;
	}
	return (x);
}

/*
 * v, and the ends of the interval of numbers that read back as v, with the
 * exponent of the upper one.
 */
static void
interval(double d, struct fe *v, struct fe *low, struct fe *high)
{
	uint64_t	bits;
	int		exp;

	memcpy(&bits, &d, sizeof(bits));
	exp = bits >> MANT_BITS & 0x7ff;
	v->f = bits & (HIDDEN - 1);
	if (exp != 0)
		v->f |= HIDDEN;
	v->e = (exp != 0 ? exp : 1) - EXP_BIAS;
	high->f = 2 * v->f + 1;
	high->e = v->e - 1;
	*high = fe_normal(*high);
	/* Below a power of two the numbers are twice as dense. */
	if (v->f == HIDDEN && exp > 1) {
		low->f = 4 * v->f - 1;
		low->e = v->e - 2;
	} else {
		low->f = 2 * v->f - 1;
		low->e = v->e - 1;
	}
	low->f <<= low->e - high->e;
	low->e = high->e;
	*v = fe_normal(*v);
}

/*
 * The power of ten that brings exponent e to -60 or a little above: four
 * bits at least for the digits, 32 at most before the point.
 */
static struct fe
power_for(int e, int *k)
{
	int	want = -60 - 64 - e, i = (want - powers[0].e) / 27;

	if (i < 0)
		i = 0;
	while (powers[i].e < want)
		i++;
	*k = POWER_FIRST + i * POWER_STEP;
	return (powers[i]);
}

/* Bring the last digit as close to v as the interval allows. */
static void
round_last(char *last, uint64_t width, uint64_t rest, uint64_t unit,
    uint64_t dist)
{
	while (rest < dist && width - rest >= unit &&
	    (rest + unit < dist || dist - rest > rest + unit - dist)) {
		--*last;
		rest += unit;
	}
}

/*
 * The digits of high, until the rest is within the interval: then the
 * number cut off there reads back as v.  *exp is the exponent of the last
 * one.
 */
static int
digits_make(char *buf, struct fe v, struct fe low, struct fe high, int *exp)
{
	uint64_t	width = high.f - low.f, dist = high.f - v.f, frac;
	uint64_t	one, whole, rest;
	int		n = 0, left = 1, digit, shift = -high.e;

	one = (uint64_t)1 << shift;
	whole = high.f >> shift;
	frac = high.f & (one - 1);
	while (left < 10 && tens[left] <= whole)
		left++;
	while (left > 0) {
		digit = (int)(whole / tens[--left]);
		whole %= tens[left];
		buf[n++] = (char)('0' + digit);
		rest = (whole << shift) + frac;
		if (rest <= width) {
			round_last(&buf[n - 1], width, rest,
			    tens[left] << shift, dist);
			*exp = left;
			return (n);
		}
	}
	do {
		frac *= 10;
		width *= 10;
		digit = (int)(frac >> shift);
		frac &= one - 1;
		left--;
		buf[n++] = (char)('0' + digit);
	} while (frac >= width);
	round_last(&buf[n - 1], width, frac, one, dist * tens[-left]);
	*exp = left;
	return (n);
}

/* Digits of a positive number, at most MAXDIGITS; it is them * 10^exp. */
static int
shortest(char *buf, double d, int *exp)
{
	struct fe	v, low, high, power;
	int		n, k;

	interval(d, &v, &low, &high);
	power = power_for(high.e, &k);
	v = fe_mul(v, power);
	low = fe_mul(low, power);
	high = fe_mul(high, power);
	/* The products may be off by one: stay inside. */
	low.f++;
	high.f--;
	n = digits_make(buf, v, low, high, exp);
	*exp -= k;
	return (n);
}

static char *
put_zeros(char *p, int n)
{
	while (n-- > 0)
		*p++ = '0';
	return (p);
}

static char *
put_exponent(char *p, int exp)
{
	*p++ = 'e';
	*p++ = exp < 0 ? '-' : '+';
	if (exp < 0)
		exp = -exp;
	if (exp >= 100)
		*p++ = (char)('0' + exp / 100);
	*p++ = (char)('0' + exp / 10 % 10);
	*p++ = (char)('0' + exp % 10);
	return (p);
}

size_t
json_print_double(char out[JSON_NUMSIZE], double d)
{
	char	digits[MAXDIGITS + 3], *p = out;
	int	n, exp, point;

	if (signbit(d))
		*p++ = '-';
	if (d == 0) {
		memcpy(p, "0.0", 3);
		return ((size_t)(p + 3 - out));
	}
	n = shortest(digits, fabs(d), &exp);
	point = n + exp;	/* digits before the point */
	if (point > POINT_MAX || point < POINT_MIN + 1) {
		*p++ = digits[0];
		if (n > 1) {
			*p++ = '.';
			memcpy(p, digits + 1, (size_t)n - 1);
			p += n - 1;
		}
		p = put_exponent(p, point - 1);
	} else if (point <= 0) {
		memcpy(p, "0.", 2);
		p = put_zeros(p + 2, -point);
		memcpy(p, digits, (size_t)n);
		p += n;
	} else if (point >= n) {
		memcpy(p, digits, (size_t)n);
		p = put_zeros(p + n, point - n);
		memcpy(p, ".0", 2);
		p += 2;
	} else {
		memcpy(p, digits, (size_t)point);
		p += point;
		*p++ = '.';
		memcpy(p, digits + point, (size_t)(n - point));
		p += n - point;
	}
	return ((size_t)(p - out));
}
