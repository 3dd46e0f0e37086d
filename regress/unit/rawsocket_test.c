/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * RawSocket handshake and frames, however the octets arrive.  Input stands
 * at the end of exactly sized allocations, so that a sanitizer sees reads
 * beyond it.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pbuf.h"
#include "rawsocket.h"

static void
expect_handshake(const uint8_t in[4], unsigned int accept, size_t ourmax,
    int wantrc, const char *want, int wantser, size_t wantmax)
{
	uint8_t	reply[4] = { 0 };
	char	hex[9] = "";
	size_t	n, peermax = 0, i;
	int	rc, ser = 0;

	rc = rs_handshake(in, accept, ourmax, reply, &n, &ser, &peermax);
	for (i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", reply[i]);
	if (rc != wantrc || strcmp(hex, want) != 0)
		errx(1, "handshake %02x%02x%02x%02x: got %d %s, want %d %s",
		    in[0], in[1], in[2], in[3], rc, hex, wantrc, want);
	if (rc == 0 && (ser != wantser || peermax != wantmax))
		errx(1, "handshake %02x: got ser %d max %zu, want %d, %zu",
		    in[1], ser, peermax, wantser, wantmax);
}

#define ALL	(1U << 1 | 1U << 2 | 1U << 3)
#define IN(a, b, c, d)	(const uint8_t[4]){ a, b, c, d }

static void
test_handshake(void)
{
	char	want[24];
	int	i, ser;

	for (i = 0; i < 16; i++)
		for (ser = 1; ser <= 3; ser++) {
			snprintf(want, sizeof(want), "7ff%d0000", ser);
			expect_handshake(IN(0x7f, (uint8_t)(i << 4 | ser), 0,
			    0), ALL, 16777216, 0, want, ser,
			    (size_t)512 << i);
		}
	/* our true limit is announced, not an echo of the client's */
	expect_handshake(IN(0x7f, 0xf1, 0, 0), ALL, 512, 0, "7f010000", 1,
	    16777216);
	expect_handshake(IN(0x7f, 0x02, 0, 0), ALL, 1000000, 0, "7fa20000",
	    2, 512);
	expect_handshake(IN(0x7f, 0x02, 0, 0), ALL, 1048576, 0, "7fb20000",
	    2, 512);

	expect_handshake(IN(0x7f, 0xf0, 0, 0), ALL, 512, -1, "7f100000", 0, 0);
	for (ser = 4; ser < 16; ser++)
		expect_handshake(IN(0x7f, (uint8_t)(0xf0 | ser), 0, 0), ~0U,
		    512, -1, "7f100000", 0, 0);
	expect_handshake(IN(0x7f, 0xf2, 0, 0), 1U << 1 | 1U << 3, 512, -1,
	    "7f100000", 0, 0);
	expect_handshake(IN(0x7f, 0xf1, 1, 0), ALL, 512, -1, "7f300000", 0, 0);
	expect_handshake(IN(0x7f, 0xf1, 0, 1), ALL, 512, -1, "7f300000", 0, 0);
	expect_handshake(IN(0x7f, 0xf9, 0, 1), ALL, 512, -1, "7f300000", 0, 0);
	expect_handshake(IN(0x7e, 0xf1, 0, 0), ALL, 512, -1, "", 0, 0);
	expect_handshake(IN('G', 'E', 'T', ' '), ALL, 512, -1, "", 0, 0);
}

static void
expect_reply(const uint8_t in[4], int ser, int want, size_t wantmax)
{
	const char	*why = NULL;
	size_t		 max = 0;
	int		 rc;

	rc = rs_client_reply(in, ser, &max, &why);
	if (rc != want || (rc == -1 && why == NULL))
		errx(1, "reply %02x%02x%02x%02x: got %d, want %d", in[0],
		    in[1], in[2], in[3], rc, want);
	if (max != wantmax)
		errx(1, "reply %02x: got max %zu, want %zu", in[1], max,
		    wantmax);
}

static void
test_client(void)
{
	uint8_t	out[4];
	int	i;

	rs_client_hello(out, 2, 16777216);
	if (memcmp(out, "\x7f\xf2\0\0", 4) != 0)
		errx(1, "client hello: %02x%02x", out[0], out[1]);
	rs_client_hello(out, 1, 70000);
	if (memcmp(out, "\x7f\x71\0\0", 4) != 0)
		errx(1, "client hello: %02x%02x", out[0], out[1]);
	expect_reply(IN(0x7f, 0xf2, 0, 0), 2, 0, 16777216);
	expect_reply(IN(0x7f, 0x01, 0, 0), 1, 0, 512);
	expect_reply(IN(0x7f, 0xf1, 0, 0), 2, -1, 0);
	expect_reply(IN(0x7f, 0xf2, 1, 0), 2, -1, 0);
	expect_reply(IN(0x7f, 0xf2, 0, 1), 2, -1, 0);
	expect_reply(IN('H', 'T', 'T', 'P'), 2, -1, 0);
	for (i = 0; i < 16; i++)
		expect_reply(IN(0x7f, (uint8_t)(i << 4), 0, 0), 2, -1, 0);
}

static void
test_floor(void)
{
	static const struct {
		size_t	n, want;
	} t[] = {
		{ 0, 512 }, { 511, 512 }, { 512, 512 }, { 1023, 512 },
		{ 1024, 1024 }, { 1048575, 524288 }, { 16777215, 8388608 },
		{ 16777216, 16777216 }, { SIZE_MAX, 16777216 },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (rs_floor(t[i].n) != t[i].want)
			errx(1, "floor %zu: got %zu", t[i].n,
			    rs_floor(t[i].n));
}

/*
 * Events in words: M, I (ping) and O (pong) with the payload in hex, F or
 * T (too big); at the end "+" if a frame is incomplete.
 */
static void
feed(struct rs *rs, const uint8_t *in, size_t n, char *out, size_t size)
{
	struct rs_event	 ev;
	uint8_t		*copy, *p;
	size_t		 len = n, i;

	if ((copy = malloc(n)) == NULL && n > 0)
		err(1, NULL);
	if (n > 0)
		memcpy(copy, in, n);
	for (p = copy;;) {
		rs_next(rs, &p, &len, &ev);
		if (ev.type == RS_MORE)
			break;
		out += strlen(out);
		snprintf(out, size, "%c", ev.type == RS_MESSAGE ? 'M' :
		    ev.type == RS_PING ? 'I' : ev.type == RS_PONG ? 'O' :
		    ev.toobig ? 'T' : 'F');
		if (ev.type == RS_FAIL && ev.why == NULL)
			errx(1, "failure without reason");
		for (i = 0; i < ev.len; i++) {
			out += strlen(out);
			snprintf(out, size, "%02x", ev.data[i]);
		}
	}
	if (len != 0 || p != copy + n)
		errx(1, "RS_MORE with %zu octets left", len);
	free(copy);
}

/* split: octets of the first piece; 0: octet by octet */
static void
expect_events(const char *name, const uint8_t *in, size_t n, size_t split,
    const char *want)
{
	struct rs	 rs;
	char		 got[8192] = "";
	size_t		 i;

	rs_init(&rs, 512);
	if (split == 0)
		for (i = 0; i < n; i++)
			feed(&rs, in + i, 1, got, 4096);
	else {
		feed(&rs, in, split, got, 4096);
		feed(&rs, in + split, n - split, got, 4096);
	}
	if (rs_is_partial(&rs))
		strcat(got, "+");
	if (strcmp(got, want) != 0)
		errx(1, "%s, split %zu: got %s, want %s", name, split, got,
		    want);
	rs_free(&rs);
}

static void
test_frames(void)
{
	static const struct {
		const char	*in;
		size_t		 n;
		const char	*want;
	} t[] = {
#define S(s)	s, sizeof(s) - 1
		{ S(""), "" },
		{ S("\0\0\0\3abc"), "M616263" },
		{ S("\0\0\0\0"), "M" },
		{ S("\0\0\0\1a\1\0\0\2bc\2\0\0\0\0\0\0\1d"), "M61I6263OM64" },
		{ S("\1\0\0\0"), "I" },
		{ S("\0"), "+" },
		{ S("\0\0\0\3ab"), "+" },
		{ S("\0\0\0\1a\0\0"), "M61+" },
		{ S("\3\0\0\1a"), "F" },
		{ S("\7\0\0\1a"), "F" },
		{ S("\x10\0\0\1a\0\0\0\1b"), "F" },
		{ S("\x80\0\0\1a"), "F" },
		{ S("\x81\0\0\1a"), "F" },
		{ S("\0\0\0\1a\x40\0\0\1a"), "M61F" },
		{ S("\0\0\2\1a"), "T" },
		{ S("\1\0\2\1a"), "T" },
		{ S("\0\xff\xff\xff"), "T" },
		/* the 25th bit only for exactly 16 MiB */
		{ S("\x08\0\0\0"), "T" },
		{ S("\x08\0\0\1"), "F" },
		{ S("\x09\1\0\0"), "F" },
	};
	size_t	i, split;
	char	name[32];

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(name, sizeof(name), "frames %zu", i);
		for (split = 0; split <= t[i].n; split++)
			expect_events(name, (const uint8_t *)t[i].in, t[i].n,
			    split, t[i].want);
	}
}

static void
test_largest(void)
{
	uint8_t	 in[516], *p;
	char	 want[1026] = "M";
	size_t	 split;

	rs_header(in, RS_T_MESSAGE, 512);
	memset(in + 4, 0xab, 512);
	for (p = in + 4; p < in + 516; p++)
		strcat(want, "ab");
	for (split = 0; split <= sizeof(in); split++)
		expect_events("largest", in, sizeof(in), split, want);
}

/* 16 MiB announced, and what is held while it trickles in. */
static void
test_memory(void)
{
	static uint8_t	 chunk[100003];
	struct rs_event	 ev;
	struct rs	 rs;
	uint8_t		 hdr[4], *p;
	size_t		 n, len, got = 0;

	rs_header(hdr, RS_T_PING, RS_MAXLEN);
	if (memcmp(hdr, "\x09\0\0\0", 4) != 0)
		errx(1, "header of 16 MiB");
	rs_init(&rs, RS_MAXLEN);
	p = hdr;
	len = 4;
	rs_next(&rs, &p, &len, &ev);
	if (ev.type != RS_MORE || rs_held(&rs) != 0)
		errx(1, "memory taken for an announced length");
	while (got < RS_MAXLEN) {
		n = got < 1000 ? 1 : sizeof(chunk);
		if (n > RS_MAXLEN - got)
			n = RS_MAXLEN - got;
		memset(chunk, (int)(got / 999 % 251), n);
		p = chunk;
		len = n;
		rs_next(&rs, &p, &len, &ev);
		got += n;
		if (rs_held(&rs) > 2 * got + 64 || rs_held(&rs) > RS_MAXLEN)
			errx(1, "%zu octets held after %zu", rs_held(&rs), got);
		if ((ev.type == RS_PING) != (got == RS_MAXLEN))
			errx(1, "event %d after %zu", ev.type, got);
	}
	if (ev.len != RS_MAXLEN || ev.data[1000] != 1000 / 999)
		errx(1, "16 MiB came back wrong");
	rs_next(&rs, &p, &len, &ev);
	if (ev.type != RS_MORE || rs.pb != NULL || rs_is_partial(&rs))
		errx(1, "buffer kept behind a complete frame");
	rs_free(&rs);
}

/*
 * A long message that is read to where it belongs: the first piece, then up
 * to step octets at once.
 */
static void
read_in_place(size_t total, size_t first, size_t step, int wipes)
{
	struct rs_event	 ev;
	struct pbuf	*pb;
	struct rs	 rs;
	uint8_t		*in, *p;
	size_t		 got, n, len, nroom = 0;

	if ((in = malloc(RS_HDRLEN + total)) == NULL)
		err(1, NULL);
	rs_header(in, RS_T_MESSAGE, total);
	for (n = 0; n < total; n++)
		in[RS_HDRLEN + n] = (uint8_t)(n * 7 + n / 251);
	rs_init(&rs, RS_MAXLEN);
	rs.wipes = (uint8_t)wipes;
	if (rs_room(&rs, &n) != NULL)
		errx(1, "room before a header");
	for (got = 0; got < RS_HDRLEN + total; got += n) {
		if ((p = rs_room(&rs, &n)) != NULL) {
			if (got + n > RS_HDRLEN + total || n == 0)
				errx(1, "room for %zu after %zu", n, got);
			if (n > step)
				n = step;
			memcpy(p, in + got, n);
			nroom++;
		} else {
			p = in + got;
			n = got == 0 ? first : step;
			if (n > RS_HDRLEN + total - got)
				n = RS_HDRLEN + total - got;
		}
		len = n;
		rs_next(&rs, &p, &len, &ev);
		if (rs_held(&rs) > 4 * (got + n) + 64 || rs_held(&rs) > total)
			errx(1, "%zu octets held after %zu", rs_held(&rs),
			    got + n);
		if (len != 0 || (ev.type == RS_MESSAGE) !=
		    (got + n == RS_HDRLEN + total))
			errx(1, "event %d after %zu", ev.type, got + n);
	}
	if (nroom == 0 || ev.pb == NULL || ev.data != ev.pb->data ||
	    ev.len != total || ev.pb->len != total ||
	    memcmp(ev.data, in + RS_HDRLEN, total) != 0)
		errx(1, "%zu octets by %zu, %zu are not in place", total,
		    first, step);
	if (rs_room(&rs, &n) != NULL)
		errx(1, "room behind a frame");
	/* it can be kept, which makes it none of rs's business */
	pb = pbuf_ref(ev.pb);
	rs_next(&rs, &p, &len, &ev);
	if (rs_held(&rs) != 0 || pb->refs != 1 ||
	    memcmp(pb->data, in + RS_HDRLEN, total) != 0)
		errx(1, "what is kept changes");
	pbuf_unref(pb);
	if (pbuf_in_use() != 0)
		errx(1, "counted");
	rs_free(&rs);
	free(in);
}

static void
test_room(void)
{
	static const size_t	firsts[] = { 1, 3, 4, 5, 32771, 32772, 32773,
				    65536, 99999, 100003 };
	static const size_t	steps[] = { 1000, 32768, 65536, 1000000 };
	size_t			i, k;

	for (i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
		for (k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
			if (firsts[i] < 32772 && steps[k] > 70000)
				continue;
			read_in_place(100000, firsts[i], steps[k], 0);
			read_in_place(100000, firsts[i], steps[k], 1);
			read_in_place(1000000, firsts[i], steps[k], k & 1);
		}
}

/* A payload wholly in the input is not copied. */
static void
test_inplace(void)
{
	uint8_t		 in[] = { 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0 }, *p = in;
	size_t		 len = sizeof(in);
	struct rs_event	 ev;
	struct rs	 rs;

	rs_init(&rs, 512);
	rs_next(&rs, &p, &len, &ev);
	if (ev.type != RS_MESSAGE || ev.data != in + 4 || rs.pb != NULL)
		errx(1, "not delivered in place");
	rs_next(&rs, &p, &len, &ev);
	if (ev.type != RS_MESSAGE || ev.len != 0 || ev.data == NULL)
		errx(1, "empty message");
	rs_free(&rs);
}

int
main(void)
{
	test_handshake();
	test_client();
	test_floor();
	test_frames();
	test_largest();
	test_memory();
	test_inplace();
	test_room();
	return (0);
}
