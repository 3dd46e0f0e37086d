/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WebSocket frames, however the octets arrive: whole, octet by octet and in
 * every cut in two, masked at a server and unmasked at a client.  Input
 * stands at the end of exactly sized allocations, so that a sanitizer sees
 * reads beyond it.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pbuf.h"
#include "websocket.h"

#define MAX	300		/* largest message in the tables */

/*
 * Events in words: M, I (ping), O (pong) with the payload, C (close) and F
 * (failure) with the code; "." behind each, "+" at the end if something is
 * incomplete.  Payload is spelled with %xx where it is not plain text.
 */
static void
put(char *out, size_t size, const struct ws_event *ev)
{
	size_t	i;

	switch (ev->type) {
	case WS_MESSAGE:
		strlcat(out, "M", size);
		break;
	case WS_PING:
		strlcat(out, "I", size);
		break;
	case WS_PONG:
		strlcat(out, "O", size);
		break;
	default:
		out += strlen(out);
		snprintf(out, size, "%c%u", ev->type == WS_CLOSE ? 'C' : 'F',
		    ev->code);
		if (ev->type == WS_FAIL && ev->why == NULL)
			errx(1, "failure without reason");
		if (ev->len > 0)
			strlcat(out, " ", size);
		break;
	}
	out += strlen(out);
	for (i = 0; i < ev->len; i++) {
		if (ev->data[i] > ' ' && ev->data[i] < 0x7f)
			snprintf(out, 2, "%c", ev->data[i]);
		else
			snprintf(out, 4, "%%%02x", ev->data[i]);
		out += strlen(out);
	}
	strcpy(out, ".");
}

static void
feed(struct ws *ws, const uint8_t *in, size_t n, char *out, size_t size)
{
	struct ws_event	 ev;
	uint8_t		*copy, *p;
	size_t		 len = n;

	if ((copy = malloc(n)) == NULL && n > 0)
		err(1, NULL);
	if (n > 0)
		memcpy(copy, in, n);
	for (p = copy;;) {
		ws_next(ws, &p, &len, &ev);
		if (ev.type == WS_MORE)
			break;
		put(out, size, &ev);
	}
	if (len != 0 || p != copy + n)
		errx(1, "WS_MORE with %zu octets left", len);
	free(copy);
}

/* split: octets of the first piece; 0: octet by octet */
static void
expect_split(const char *name, int client, int text, const uint8_t *in,
    size_t n, size_t split, const char *want)
{
	static char	 got[16384];
	struct ws	 ws;
	size_t		 i;

	got[0] = '\0';
	ws_init(&ws, MAX, client, text);
	if (split == 0)
		for (i = 0; i < n; i++)
			feed(&ws, in + i, 1, got, sizeof(got));
	else {
		feed(&ws, in, split, got, sizeof(got));
		feed(&ws, in + split, n - split, got, sizeof(got));
	}
	if (ws_is_partial(&ws))
		strlcat(got, "+", sizeof(got));
	ws_free(&ws);
	if (strcmp(got, want) != 0)
		errx(1, "%s, client %d, split %zu: got %s, want %s", name,
		    client, split, got, want);
}

static void
expect_octets(const char *name, int client, int text, const uint8_t *in,
    size_t n, const char *want)
{
	size_t	split;

	for (split = 0; split <= n; split++)
		expect_split(name, client, text, in, n, split, want);
}

/*
 * Frames spelled as a server sends them; returns the same as a client sends
 * them, with other keys each.
 */
static size_t
mask_frames(uint8_t *out, const uint8_t *in, size_t n)
{
	uint8_t	*o = out, key[4];
	uint64_t len;
	size_t	 hdr, i;

	while (n > 0) {
		hdr = 2;
		len = n > 1 ? in[1] & 0x7f : 0;
		if (len >= 126)
			hdr += len == 126 ? 2 : 8;
		if (hdr > n) {		/* an incomplete header has no key */
			memcpy(o, in, n);
			if (n > 1)
				o[1] |= 0x80;
			return ((size_t)(o - out) + n);
		}
		if (hdr > 2)
			for (len = 0, i = 2; i < hdr; i++)
				len = len << 8 | in[i];
		memcpy(o, in, hdr);
		o[1] |= 0x80;
		o += hdr;
		in += hdr;
		n -= hdr;
		for (i = 0; i < 4; i++)
			key[i] = (uint8_t)(0x5b + 77 * i + n);
		memcpy(o, key, 4);
		o += 4;
		for (i = 0; i < len && n > 0; i++, n--)
			*o++ = *in++ ^ key[i % 4];
	}
	return ((size_t)(o - out));
}

static void
expect_frames(const char *name, int text, const void *in, size_t n,
    const char *want)
{
	uint8_t	*masked;
	size_t	 len;

	if ((masked = malloc(n * 3 + 8)) == NULL)
		err(1, NULL);
	len = mask_frames(masked, in, n);
	expect_octets(name, 0, text, masked, len, want);
	expect_octets(name, 1, text, in, n, want);
	free(masked);
}

/* Numbers are those of the Autobahn testsuite. */
#define S(s)	s, sizeof(s) - 1
static const struct {
	const char	*name;
	int		 text;
	const char	*in;
	size_t		 n;
	const char	*want;
} frames[] = {
	{ "nothing", 1, S(""), "" },
	{ "1.1.1", 1, S("\x81\0"), "M." },
	{ "1.2.1", 0, S("\x82\0"), "M." },
	{ "text", 1, S("\x81\5Hello"), "MHello." },
	{ "binary", 0, S("\x82\3\xff\0\x80"), "M%ff%00%80." },
	{ "two", 1, S("\x81\1a\x81\1b\x81\1"), "Ma.Mb.+" },
	{ "2.1", 1, S("\x89\0"), "I." },
	{ "2.3", 1, S("\x89\4\0\xff\xfe\xfd"), "I%00%ff%fe%fd." },
	{ "2.5", 1, S("\x89\x7e\0\x7e"), "F1002." },
	{ "ping with u64", 1, S("\x89\x7f\0\0\0\0\0\0\0\1a"), "F1002." },
	{ "ping not minimal", 1, S("\x89\x7e\0\1a"), "F1002." },
	{ "2.7", 1, S("\x8a\0\x88\2\3\xe8"), "O.C1000." },
	{ "2.9", 1, S("\x8a\2ab\x89\2cd"), "Oab.Icd." },
	{ "3.1", 1, S("\xc1\1a"), "F1002." },
	{ "3.2", 1, S("\x81\1a\xa1\1b\x89\0"), "Ma.F1002." },
	{ "3.3", 1, S("\x91\1a"), "F1002." },
	{ "3.5", 0, S("\xd2\1a"), "F1002." },
	{ "3.6", 1, S("\xe9\1a"), "F1002." },
	{ "3.7", 1, S("\xf8\0"), "F1002." },
	{ "RSV1 on a continuation", 1, S("\1\1a\xc0\1b"), "F1002." },
	{ "4.1.1", 1, S("\x83\0"), "F1002." },
	{ "4.1.2", 1, S("\x84\1a"), "F1002." },
	{ "4.1.3", 1, S("\x81\1a\x85\0\x89\0"), "Ma.F1002." },
	{ "4.1.4", 1, S("\x86\1a"), "F1002." },
	{ "4.1.5", 1, S("\x87\1a"), "F1002." },
	{ "reserved, fragment", 1, S("\3\1a"), "F1002." },
	{ "4.2.1", 1, S("\x8b\0"), "F1002." },
	{ "4.2.2", 1, S("\x8c\1a"), "F1002." },
	{ "4.2.3", 1, S("\x8d\0"), "F1002." },
	{ "4.2.4", 1, S("\x8e\1a"), "F1002." },
	{ "4.2.5", 1, S("\x8f\0\x89\0"), "F1002." },
	{ "5.1", 1, S("\x09\1a\x80\1b"), "F1002." },
	{ "5.2", 1, S("\x0a\1a\x80\1b"), "F1002." },
	{ "fragmented close", 1, S("\x08\2\3\xe8"), "F1002." },
	{ "5.3", 1, S("\1\2ab\x80\1c"), "Mabc." },
	{ "5.6", 1, S("\1\2ab\x89\1p\x80\1c"), "Ip.Mabc." },
	{ "pings everywhere", 1, S("\x89\1p\1\2ab\x89\1q\x8a\0\0\0\x89\1r\x80"
	    "\1c\x89\1s"), "Ip.Iq.O.Ir.Mabc.Is." },
	{ "5.9", 1, S("\x80\1a\x81\1b"), "F1002." },
	{ "5.12", 1, S("\0\1a\x81\1b"), "F1002." },
	{ "5.15", 1, S("\1\1a\x80\1b\0\1c\x81\1d"), "Mab.F1002." },
	{ "5.16", 1, S("\0\1a\1\1b\x80\1c"), "F1002." },
	{ "5.18", 1, S("\1\1a\x81\1b"), "F1002." },
	{ "fragmented in fragmented", 1, S("\1\1a\1\1b"), "F1002." },
	{ "after a message", 1, S("\x81\1a\x80\1b"), "Ma.F1002." },
	{ "5.19", 1, S("\1\1a\0\1b\x89\1" "1\0\1c\0\1d\x89\1" "2\x80\1e"),
	    "I1.I2.Mabcde." },
	{ "6.1.2", 1, S("\1\0\0\0\x80\0"), "M." },
	{ "6.1.3", 1, S("\1\0\0\2ab\x80\0"), "Mab." },
	{ "empty, then one", 1, S("\1\0\0\0\x80\2ab"), "Mab." },
	{ "6.2.4", 1, S("\1\1\xce\0\1\xba\0\1\xe1\0\1\xbd\0\1\xb9\x80\0"),
	    "M%ce%ba%e1%bd%b9." },
	{ "6.4.1", 1, S("\1\1k\0\4\xf4\x90\x80\x80\x80\1x"), "F1007." },
	{ "6.4.2, second octet", 1, S("\1\2k\xf4\0\1\x90"), "F1007." },
	{ "6.4.3, inside a frame", 1, S("\1\x15k\xf4\x90"), "F1007." },
	{ "cut by a ping", 1, S("\1\1\xce\x89\1\xff\x80\1\xba"),
	    "I%ff.M%ce%ba." },
	{ "cut by the end", 1, S("\1\1\xce\x80\0"), "F1007." },
	{ "cut by the end, one frame", 1, S("\x81\2 \xce"), "F1007." },
	{ "state does not live on", 1, S("\x81\2\xce\xba\x81\1\xba"),
	    "M%ce%ba.F1007." },
	{ "binary is not checked", 0, S("\2\1\xce\x80\1\xff"), "M%ce%ff." },
	{ "7.1.2", 1, S("\x88\2\3\xe8\x88\0"), "C1000." },
	{ "7.1.3", 1, S("\x88\2\3\xe8\x89\0"), "C1000." },
	{ "7.1.4", 1, S("\x88\2\3\xe8\x81\1a"), "C1000." },
	{ "7.1.5", 1, S("\1\1a\x88\2\3\xe8\x80\1b"), "C1000." },
	{ "7.3.1", 1, S("\x88\0"), "C0." },
	{ "7.3.2", 1, S("\x88\1a"), "F1002." },
	{ "7.3.4", 1, S("\x88\5\3\xe8" "bye"), "C1000 bye." },
	{ "7.3.6", 1, S("\x88\x7e\0\x7e"), "F1002." },
	{ "7.5.1", 1, S("\x88\5\3\xe8\xed\xa0\x80"), "F1007." },
	{ "7.5.1, cut", 1, S("\x88\4\3\xe8" "a\xce"), "F1007." },
	{ "reason in UTF-8", 1, S("\x88\4\3\xe8\xce\xba"), "C1000 %ce%ba." },
	{ "behind a failure", 1, S("\x83\0\x81\1a\x88\0\x89\0"), "F1002." },
	{ "text to binary", 0, S("\x81\1a\x82\1b"), "F1003." },
	{ "binary to text", 1, S("\x82\1a\x81\1b"), "F1003." },
	{ "fragmented text to binary", 0, S("\1\0"), "F1003." },
	{ "16 bit form of 125", 1, S("\x81\x7e\0\x7d"), "F1002." },
	{ "16 bit form of 0", 1, S("\x81\x7e\0\0"), "F1002." },
	{ "64 bit form of 65535", 1, S("\x81\x7f\0\0\0\0\0\0\xff\xff"),
	    "F1002." },
	{ "64 bit form of 65536", 1, S("\x81\x7f\0\0\0\0\0\1\0\0"),
	    "F1009." },
	{ "2**63 - 1", 1, S("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"),
	    "F1009." },
	{ "2**63", 1, S("\x81\x7f\x80\0\0\0\0\0\0\0"), "F1002." },
	{ "2**64 - 1", 1, S("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"),
	    "F1002." },
	{ "max + 1", 1, S("\x81\x7e\1\x2d"), "F1009." },
	{ "max, nothing of it", 1, S("\x81\x7e\1\x2c"), "+" },
	{ "sum over max", 1, S("\1\1a\x80\x7e\1\x2c"), "F1009." },
	{ "sum at max", 1, S("\1\1a\x80\x7e\1\x2b"), "+" },
	{ "sum wraps", 1, S("\1\1a\0\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"),
	    "F1009." },
	{ "half a header", 1, S("\x81"), "+" },
	{ "half a length", 1, S("\x81\x7e\1"), "+" },
	{ "half a frame", 1, S("\x81\2a"), "+" },
	{ "half a ping", 1, S("\x89\2a"), "+" },
	{ "half a message", 1, S("\1\1a"), "+" },
};

static void
test_frames(void)
{
	size_t	i;

	for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		expect_frames(frames[i].name, frames[i].text, frames[i].in,
		    frames[i].n, frames[i].want);
}

static void
test_masking(void)
{
	static const uint8_t	key[4] = { 0x12, 0x34, 0x56, 0x78 };
	uint8_t			in[64], out[64];
	size_t			pos, len, off, i;

	/* RFC 6455, 5.7 */
	expect_octets("masked Hello", 0, 1, (const uint8_t *)
	    "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11, "MHello.");
	expect_octets("no mask", 0, 1, (const uint8_t *)"\x81\5Hello", 7,
	    "F1002.");
	expect_octets("no mask, ping", 0, 1, (const uint8_t *)"\x89\0", 2,
	    "F1002.");
	expect_octets("server masks", 1, 1, (const uint8_t *)
	    "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11, "F1002.");

	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	for (pos = 0; pos < 9; pos++)
		for (off = 0; off < 8; off++)
			for (len = 0; len < sizeof(in) - off; len++) {
				memcpy(out, in, sizeof(in));
				ws_mask(out + off, len, key, pos);
				for (i = 0; i < sizeof(in); i++)
					if (out[i] != (in[i] ^ (i >= off &&
					    i < off + len ?
					    key[(pos + i - off) % 4] : 0)))
						errx(1, "mask pos %zu len %zu",
						    pos, len);
			}
}

static void
test_header(void)
{
	static const struct {
		int		 op;
		uint64_t	 len;
		const char	*want;
		size_t		 n;
	} t[] = {
		{ WS_OP_TEXT, 0, S("\x81\0") },
		{ WS_OP_BINARY, 125, S("\x82\x7d") },
		{ WS_OP_TEXT, 126, S("\x81\x7e\0\x7e") },
		{ WS_OP_TEXT, 65535, S("\x81\x7e\xff\xff") },
		{ WS_OP_TEXT, 65536, S("\x81\x7f\0\0\0\0\0\1\0\0") },
		{ WS_OP_TEXT, 0x0102030405060708,
		    S("\x81\x7f\1\2\3\4\5\6\7\x08") },
		{ WS_OP_CLOSE, 2, S("\x88\2") },
	};
	static const uint8_t	key[4] = { 1, 2, 3, 4 };
	uint8_t			hdr[WS_MAXHDR];
	size_t			i, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = ws_header(hdr, t[i].op, t[i].len, NULL);
		if (n != t[i].n || memcmp(hdr, t[i].want, n) != 0)
			errx(1, "header %zu", i);
		n = ws_header(hdr, t[i].op, t[i].len, key);
		if (n != t[i].n + 4 || memcmp(hdr + n - 4, key, 4) != 0 ||
		    hdr[1] != (0x80 | (uint8_t)t[i].want[1]))
			errx(1, "masked header %zu", i);
	}
}

static void
test_close(void)
{
	static const uint16_t	good[] = { 1000, 1001, 1002, 1003, 1007, 1008,
	    1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999 };
	static const uint16_t	bad[] = { 0, 1, 999, 1004, 1005, 1006, 1015,
	    1016, 1100, 2000, 2999, 5000, 65535 };
	uint8_t			in[2 + 125];
	char			want[512], why[200];
	size_t			i, n;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		n = ws_close_payload(in + 2, good[i], NULL);
		in[0] = 0x88;
		in[1] = (uint8_t)n;
		snprintf(want, sizeof(want), "C%u.", good[i]);
		expect_frames("7.7", 1, in, 2 + n, want);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(in, "\x88\2", 2);
		in[2] = (uint8_t)(bad[i] >> 8);
		in[3] = (uint8_t)bad[i];
		expect_frames("7.9", 1, in, 4, "F1002.");
	}

	/* 7.3.5: the longest reason; ours is cut where a character ends */
	memset(why, '*', sizeof(why));
	why[124] = '\0';
	if ((n = ws_close_payload(in + 2, 1000, why)) != 125)
		errx(1, "close payload of 124 octets: %zu", n);
	why[124] = '*';
	why[sizeof(why) - 1] = '\0';
	if ((n = ws_close_payload(in + 2, 1000, why)) != 125)
		errx(1, "close payload: %zu octets", n);
	memcpy(in, "\x88\x7d", 2);
	snprintf(want, sizeof(want), "C1000 %.123s.", why);
	expect_frames("7.3.5", 1, in, 127, want);
	memcpy(why + 121, "\xe2\x82\xac", 3);
	if ((n = ws_close_payload(in + 2, 1000, why)) != 2 + 121)
		errx(1, "close payload inside a character: %zu octets", n);
	memcpy(why + 120, "\xe2\x82\xac*", 4);
	if ((n = ws_close_payload(in + 2, 1000, why)) != 125)
		errx(1, "close payload behind a character: %zu octets", n);
	if (ws_close_payload(in, 0, "why") != 0)
		errx(1, "close payload without code");
}

/*
 * Autobahn 6.5 to 6.23: hex; "!" in front: not UTF-8, "@n" the first octet
 * that cannot be right, no "@": cut short by the end.
 */
static const char *const utf8[] = {
	"68656c6c6f24776f726c64", "68656c6c6fc2a2776f726c64",
	"68656c6c6fe282ac776f726c64", "68656c6c6ff0a4ada2776f726c64",
	"cebae1bdb9cf83cebcceb5",
	"!ce", "ceba", "!cebae1", "!cebae1bd", "cebae1bdb9", "!cebae1bdb9cf",
	"cebae1bdb9cf83", "!cebae1bdb9cf83ce", "cebae1bdb9cf83cebc",
	"!cebae1bdb9cf83cebcce",
	"00", "c280", "e0a080", "f0908080",
	"!f888808080@0", "!fc8480808080@0",
	"7f", "dfbf", "efbfbf", "f48fbfbf",
	"!f7bfbfbf@0", "!fbbfbfbfbf@0", "!fdbfbfbfbfbf@0",
	"ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "!f4908080@1",
	"!80@0", "!bf@0", "!80bf@0", "!80bf80@0", "!80bf80bf@0",
	"!80bf80bf80@0", "!80bf80bf80bf@0",
	"!c020c120@0", "!e020e120@1", "!f020f120@1", "!f820f920@0", "!fc20@0",
	"!de20@1", "!ee20@1", "!f420@1",
	"!c0@0", "!e080@1", "!f08080@1", "!f8808080@0", "!fc80808080@0",
	"!df", "!efbf", "!f7bfbf@0", "!fbbfbfbf@0", "!fdbfbfbfbf@0",
	"!c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf@0",
	"!fe@0", "!ff@0", "!fefeffff@0",
	"!c0af@0", "!e080af@1", "!f08080af@1", "!f8808080af@0",
	"!fc80808080af@0",
	"!c1bf@0", "!e09fbf@1", "!f08fbfbf@1", "!f887bfbfbf@0",
	"!fc83bfbfbfbf@0",
	"!c080@0", "!e08080@1", "!f0808080@1", "!f880808080@0",
	"!fc8080808080@0",
	"!eda080@1", "!edadbf@1", "!edae80@1", "!edafbf@1", "!edb080@1",
	"!edbe80@1", "!edbfbf@1",
	"!eda080edb080@1", "!eda080edbfbf@1", "!edadbfedb080@1",
	"!edadbfedbfbf@1", "!edae80edb080@1", "!edae80edbfbf@1",
	"!edafbfedb080@1", "!edafbfedbfbf@1",
	"efbfbe", "efbfbf", "f09fbfbe", "f09fbfbf", "f18fbfbe", "f3bfbfbf",
	"f48fbfbe", "f48fbfbf", "efbfb9", "efbfba", "efbfbb", "efbfbc",
};

static size_t
unhex(uint8_t *out, const char *hex)
{
	unsigned int	v;
	size_t		n = 0;

	while (sscanf(hex + 2 * n, "%2x", &v) == 1)
		out[n++] = (uint8_t)v;
	return (n);
}

static void
expect_failure_at(const char *name, const uint8_t *in, size_t n, size_t at)
{
	struct ws_event	 ev;
	struct ws	 ws;
	uint8_t		*p, octet;
	size_t		 len, i;

	ws_init(&ws, MAX, 1, 1);
	for (i = 0; i < n; i++) {
		p = &octet;
		octet = in[i];
		len = 1;
		ws_next(&ws, &p, &len, &ev);
		if ((ev.type == WS_FAIL) != (i == at))
			errx(1, "%s: event %d at octet %zu, want a failure "
			    "at %zu", name, ev.type, i, at);
	}
	ws_free(&ws);
}

static void
test_utf8(void)
{
	uint8_t		 in[2 + 64];
	char		 want[256];
	const char	*at;
	size_t		 i, j, n;

	for (i = 0; i < sizeof(utf8) / sizeof(utf8[0]); i++) {
		n = unhex(in + 2, utf8[i] + (utf8[i][0] == '!'));
		in[0] = 0x81;
		in[1] = (uint8_t)n;
		strlcpy(want, "F1007.", sizeof(want));
		if (utf8[i][0] != '!') {
			strlcpy(want, "M", sizeof(want));
			for (j = 2; j < n + 2; j++)
				snprintf(want + strlen(want), 4,
				    in[j] > ' ' && in[j] < 0x7f ? "%c" :
				    "%%%02x", in[j]);
			strlcat(want, ".", sizeof(want));
		}
		expect_frames(utf8[i], 1, in, n + 2, want);
		if (utf8[i][0] == '!') {
			at = strchr(utf8[i], '@');
			expect_failure_at(utf8[i], in, n + 2, 2 +
			    (at == NULL ? n - 1 : strtoul(at + 1, NULL, 10)));
		}
	}
}

/* Another way to say what UTF-8 is: decode, then look at the number. */
static int
is_utf8(const uint8_t *p, size_t len)
{
	static const uint32_t	least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t		c;
	size_t			n, i;

	while (len > 0) {
		n = *p < 0x80 ? 0 : (*p & 0xe0) == 0xc0 ? 1 :
		    (*p & 0xf0) == 0xe0 ? 2 : (*p & 0xf8) == 0xf0 ? 3 : 9;
		if (n >= len)
			return (0);
		c = n == 0 ? *p : *p & (0x3fU >> n);
		for (i = 1; i <= n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return (0);
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < least[n] || c > 0x10ffff || (c >= 0xd800 &&
		    c <= 0xdfff))
			return (0);
		p += n + 1;
		len -= n + 1;
	}
	return (1);
}

/* All strings of one to four of the octets at which something changes. */
static void
test_utf8_all(void)
{
	static const uint8_t	o[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
	    0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
	    0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff };
	struct ws_event		ev;
	struct ws		ws;
	uint8_t			in[6] = { 0x81 }, *p;
	size_t			len, n, i, j, v, all;

	for (n = 1, all = sizeof(o); n <= 4; n++, all *= sizeof(o))
		for (i = 0; i < all; i++) {
			for (j = 0, v = i; j < n; j++, v /= sizeof(o))
				in[2 + j] = o[v % sizeof(o)];
			in[1] = (uint8_t)n;
			ws_init(&ws, MAX, 1, 1);
			p = in;
			len = n + 2;
			ws_next(&ws, &p, &len, &ev);
			if ((ev.type == WS_MESSAGE) != is_utf8(in + 2, n))
				errx(1, "%02x%02x%02x%02x, %zu of them: "
				    "event %d", in[2], in[3], in[4], in[5],
				    n, ev.type);
			ws_free(&ws);
		}
}

/*
 * A bad octet is seen wherever it stands among ASCII, be there another
 * character in front or not.
 */
static void
test_utf8_fast(void)
{
	struct ws_event	 ev;
	struct ws	 ws;
	uint8_t		*in, *p;
	size_t		 n, at, len;

	for (n = 3; n < 100; n++)
		for (at = 0; at < 2 * n; at++) {
			if ((in = malloc(n + 2)) == NULL)
				err(1, NULL);
			memset(in, 'a', n + 2);
			in[0] = 0x81;
			in[1] = (uint8_t)n;
			if (at >= n)
				memcpy(in + 2, "\xc3\xa4", 2);
			in[2 + at % n] = 0xff;
			ws_init(&ws, MAX, 1, 1);
			p = in;
			len = n + 2;
			ws_next(&ws, &p, &len, &ev);
			if (ev.type != WS_FAIL)
				errx(1, "octet %zu of %zu not seen", at, n);
			ws_free(&ws);
			free(in);
		}
}

/* 10.1.1 in small: the largest message, as one frame and in fragments. */
static void
test_largest(void)
{
	uint8_t	 in[MAX + 64], *p = in;
	char	 want[MAX + 3] = "M";
	size_t	 left, n;

	memset(want + 1, 'x', MAX);
	strcpy(want + 1 + MAX, ".");
	n = ws_header(in, WS_OP_TEXT, MAX, NULL);
	memset(in + n, 'x', MAX);
	expect_frames("largest", 1, in, n + MAX, want);

	for (left = MAX; left > 0; left -= n) {
		n = left < 97 ? left : 97;
		*p++ = (left == MAX ? WS_OP_TEXT : WS_OP_CONT) |
		    (left == n ? 0x80 : 0);
		*p++ = (uint8_t)n;
		memset(p, 'x', n);
		p += n;
	}
	expect_frames("largest in fragments", 1, in, (size_t)(p - in), want);

	/* nothing fits in any more, and nothing comes */
	n = ws_header(in, WS_OP_TEXT, MAX, NULL);
	in[0] = WS_OP_TEXT;
	memset(in + n, 'x', MAX);
	memcpy(in + n + MAX, "\x80\0", 2);
	expect_frames("largest, empty end", 1, in, n + MAX + 2, want);
}

/* What is held while much is announced, or much arrives in small pieces. */
static void
test_memory(void)
{
	static uint8_t	 chunk[70000];
	struct ws_event	 ev;
	struct ws	 ws;
	uint8_t		 hdr[WS_MAXHDR], one[3], *p;
	size_t		 i, n, len, got;

	ws_init(&ws, 16777216, 1, 0);
	p = hdr;
	len = ws_header(hdr, WS_OP_BINARY, 16777216, NULL);
	ws_next(&ws, &p, &len, &ev);
	if (ev.type != WS_MORE || ws_held(&ws) != 0)
		errx(1, "memory taken for an announced length");
	for (got = 0; got < 16777216; got += n) {
		n = got < 1000 ? 1 : sizeof(chunk);
		if (n > 16777216 - got)
			n = 16777216 - got;
		p = chunk;
		len = n;
		ws_next(&ws, &p, &len, &ev);
		if (ws_held(&ws) > 2 * (got + n) + 64 || ws_held(&ws) > 16777216)
			errx(1, "%zu octets held after %zu", ws_held(&ws), got + n);
	}
	if (ev.type != WS_MESSAGE || ev.len != 16777216)
		errx(1, "16 MiB came back wrong");
	ws_next(&ws, &p, &len, &ev);
	if (ev.type != WS_MORE || ws.pb != NULL || ws_is_partial(&ws))
		errx(1, "buffer kept behind a message");

	/* 10^6 fragments of one octet; between them empty ones */
	for (i = 0; i < 1000000; i++) {
		one[0] = i == 0 ? WS_OP_BINARY : WS_OP_CONT;
		one[1] = 1;
		one[2] = (uint8_t)i;
		p = one;
		len = 3;
		ws_next(&ws, &p, &len, &ev);
		if (ev.type != WS_MORE || ws_held(&ws) > 2 * (i + 1) + 64)
			errx(1, "fragment %zu: event %d, %zu octets held", i,
			    ev.type, ws_held(&ws));
		one[0] = one[1] = 0;
		p = one;
		len = 2;
		n = ws_held(&ws);
		ws_next(&ws, &p, &len, &ev);
		if (ev.type != WS_MORE || ws_held(&ws) != n)
			errx(1, "empty fragment %zu", i);
	}
	memcpy(one, "\x80\0", 2);
	p = one;
	len = 2;
	ws_next(&ws, &p, &len, &ev);
	if (ev.type != WS_MESSAGE || ev.len != 1000000 ||
	    ev.data[999999] != (uint8_t)999999)
		errx(1, "10^6 fragments came back wrong");
	ws_free(&ws);
}

/*
 * A long message in frames of each octets, masked, with pings between, read
 * to where it belongs: the first piece, then up to step octets at once.
 */
static void
read_in_place(size_t total, size_t each, size_t first, size_t step, int text)
{
	static const uint8_t	 mask[] = { 0x12, 0x9a, 0x00, 0xff };
	static const uint8_t	 ping[] = { 0x89, 0x81, 0, 0, 0, 0, 'p' };
	struct ws_event		 ev;
	struct pbuf		*pb;
	struct ws		 ws;
	uint8_t			*in, *want, *p;
	size_t			 at, n, len, size = 0, got, nroom = 0;

	if ((in = malloc(2 * total + 1000)) == NULL ||
	    (want = malloc(total)) == NULL)
		err(1, NULL);
	for (n = 0; n < total; n++)
		want[n] = (uint8_t)((n * 7 + n / 251) & 0x7f);
	if (text)		/* across all that may be cut */
		for (n = 0; n + 2 < total; n += 2)
			memcpy(want + n, "\xc3\xa4", 2);
	for (at = 0; at < total; at += n) {
		n = each < total - at ? each : total - at;
		len = ws_header(in + size, at > 0 ? WS_OP_CONT : text ?
		    WS_OP_TEXT : WS_OP_BINARY, n, mask);
		if (at + n < total)
			in[size] &= 0x7f;
		size += len;
		memcpy(in + size, want + at, n);
		ws_mask(in + size, n, mask, 0);
		size += n;
		if (at + n < total) {
			memcpy(in + size, ping, sizeof(ping));
			size += sizeof(ping);
		}
	}
	ws_init(&ws, 16777216, 0, text);
	pb = NULL;
	for (got = 0; got < size; got += n) {
		if ((p = ws_room(&ws, &n)) != NULL) {
			if (got + n > size || n == 0)
				errx(1, "room for %zu after %zu", n, got);
			if (n > step)
				n = step;
			memcpy(p, in + got, n);
			nroom++;
		} else {
			p = in + got;
			n = got == 0 ? first : step;
			if (n > size - got)
				n = size - got;
		}
		for (len = n;;) {
			ws_next(&ws, &p, &len, &ev);
			if (ws_held(&ws) > 4 * (got + n) + 64)
				errx(1, "%zu octets held after %zu",
				    ws_held(&ws), got + n);
			if (ev.type == WS_MORE)
				break;
			if (ev.type == WS_PING)
				continue;
			if (ev.type != WS_MESSAGE || got + n != size)
				errx(1, "event %d after %zu", ev.type,
				    got + n);
			if (ev.pb == NULL || ev.data != ev.pb->data ||
			    ev.len != total)
				errx(1, "no pbuf");
			pb = pbuf_ref(ev.pb);
		}
		if (len != 0)
			errx(1, "%zu octets left", len);
	}
	if (nroom == 0 || pb == NULL || pb->refs != 1 ||
	    memcmp(pb->data, want, total) != 0)
		errx(1, "%zu octets in frames of %zu are not in place", total,
		    each);
	pbuf_unref(pb);
	if (ws_room(&ws, &n) != NULL || ws_held(&ws) != 0 ||
	    pbuf_in_use() != 0)
		errx(1, "something is left of a message");
	ws_free(&ws);
	free(in);
	free(want);
}

static void
test_room(void)
{
	static const size_t	eachs[] = { 1000, 65536, 99999, 1000000 };
	static const size_t	steps[] = { 997, 65536, 100000 };
	size_t			i, k;

	for (i = 0; i < sizeof(eachs) / sizeof(eachs[0]); i++)
		for (k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
			read_in_place(300001, eachs[i], 1, steps[k], 0);
			read_in_place(300001, eachs[i], 65537, steps[k], 1);
			read_in_place(300002, eachs[i], 65536, steps[k],
			    (int)k & 1);
		}
}

/* A message wholly in the input is not copied, behind empty ones too. */
static void
test_inplace(void)
{
	uint8_t		 in[] = { 0x82, 2, 'a', 'b', 0x02, 0, 0x89, 1, 'p',
	    0x80, 1, 'c' }, *p = in;
	struct ws_event	 ev;
	struct ws	 ws;
	size_t		 len = sizeof(in);

	ws_init(&ws, MAX, 1, 0);
	ws_next(&ws, &p, &len, &ev);
	if (ev.type != WS_MESSAGE || ev.data != in + 2)
		errx(1, "message not delivered in place");
	ws_next(&ws, &p, &len, &ev);
	if (ev.type != WS_PING || ev.data != in + 8)
		errx(1, "ping not delivered in place");
	ws_next(&ws, &p, &len, &ev);
	if (ev.type != WS_MESSAGE || ev.data != in + 11 || ws.pb != NULL)
		errx(1, "last fragment not delivered in place");
	ws_free(&ws);
}

int
main(void)
{
	test_frames();
	test_masking();
	test_header();
	test_close();
	test_utf8();
	test_utf8_all();
	test_utf8_fast();
	test_largest();
	test_memory();
	test_inplace();
	test_room();
	return (0);
}
