/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WebSocket frames (RFC 6455, 5 to 8).  Decides what is an error and with
 * which code the connection ends; sending the Close, answering pings and
 * timing out are the caller's, the opening handshake is http.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "assembly.h"
#include "pbuf.h"
#include "websocket.h"

#define WS_FIN		0x80
#define WS_RSV		0x70
#define WS_MASKED	0x80
#define WS_LEN16	126
#define WS_LEN64	127
#define WS_MAXCTL	125

/*
 * UTF-8 under way: how many continuation octets lack, and the range of the
 * next one (RFC 3629, 4).  UTF8_DONE between characters.
 */
#define UTF8_DONE		0
#define UTF8_STATE(n, lo, hi)	((uint32_t)(n) << 16 | (uint32_t)(lo) << 8 | \
				(uint32_t)(hi))
#define UTF8_N(s)		((s) >> 16)
#define UTF8_LO(s)		((s) >> 8 & 0xff)
#define UTF8_HI(s)		((s) & 0xff)

/* State behind the first octet of a character, or UTF8_DONE: none such. */
static uint32_t
utf8_lead(uint8_t c)
{
	if (c < 0xc2 || c > 0xf4)
		return (UTF8_DONE);
	if (c < 0xe0)
		return (UTF8_STATE(1, 0x80, 0xbf));
	if (c < 0xf0)
		return (UTF8_STATE(2, c == 0xe0 ? 0xa0 : 0x80,
		    c == 0xed ? 0x9f : 0xbf));
	return (UTF8_STATE(3, c == 0xf0 ? 0x90 : 0x80,
	    c == 0xf4 ? 0x8f : 0xbf));
}

/* How many octets at p are ASCII, counted in steps of eight. */
static size_t
ascii_run(const uint8_t *p, size_t len)
{
	uint64_t	a, b;
	size_t		n = 0;

	while (len - n >= 16) {
		memcpy(&a, p + n, 8);
		memcpy(&b, p + n + 8, 8);
		if (((a | b) & 0x8080808080808080U) != 0)
			break;
		n += 16;
	}
	if (len - n >= 8) {
		memcpy(&a, p + n, 8);
		if ((a & 0x8080808080808080U) == 0)
			n += 8;
	}
	return (n);
}

/*
 * Go on with the check; -1 at the first octet that cannot be right.  This
 * is not utf8.c's check of whole strings: frames end anywhere.
 */
static int
utf8_feed(uint32_t *state, const uint8_t *p, size_t len)
{
	uint32_t	s = *state;
	size_t		i = 0;

	while (i < len) {
		if (s == UTF8_DONE) {
			if (p[i] < 0x80) {
				i += ascii_run(p + i, len - i);
				while (i < len && p[i] < 0x80)
					i++;
				continue;
			}
			if ((s = utf8_lead(p[i++])) == UTF8_DONE)
				return (-1);
		} else {
			if (p[i] < UTF8_LO(s) || p[i] > UTF8_HI(s))
				return (-1);
			s = UTF8_N(s) == 1 ? UTF8_DONE :
			    UTF8_STATE(UTF8_N(s) - 1, 0x80, 0xbf);
			i++;
		}
	}
	*state = s;
	return (0);
}

void
ws_init(struct ws *ws, size_t max, int client, int text)
{
	memset(ws, 0, sizeof(*ws));
	ws->max = max;
	ws->client = client != 0;
	ws->text = text != 0;
}

/* Octets of the message so far. */
static size_t
assembled(const struct ws *ws)
{
	return (ws->pb != NULL ? ws->pb->len : 0);
}

/* How long it may become; its last frame says how long it will be. */
static size_t
most(const struct ws *ws)
{
	return (ws->fin ? assembled(ws) + ws->left : ws->max);
}

static void
end(struct ws *ws)
{
	assembly_drop(&ws->pb, ws->wipes);
	ws->closed = 1;
	ws->inmsg = ws->inframe = 0;
	ws->hdrlen = ws->ctllen = 0;
}

void
ws_free(struct ws *ws)
{
	end(ws);
}

static int
fail(struct ws *ws, struct ws_event *ev, uint16_t code, const char *why)
{
	end(ws);
	ev->type = WS_FAIL;
	ev->code = code;
	ev->why = why;
	return (-1);
}

static int
is_control(const struct ws *ws)
{
	return (ws->opcode >= WS_OP_CLOSE);
}

/* What the first two octets of a header permit to say. */
static int
check_start(struct ws *ws, struct ws_event *ev)
{
	uint8_t	b = ws->hdr[0];

	ws->fin = (b & WS_FIN) != 0;
	ws->opcode = b & 0x0f;
	if (b & WS_RSV)
		return (fail(ws, ev, WS_PROTOCOL, "reserved bits set"));
	if (((ws->hdr[1] & WS_MASKED) != 0) == ws->client)
		return (fail(ws, ev, WS_PROTOCOL, ws->client ?
		    "masked frame" : "frame without mask"));
	switch (ws->opcode) {
	case WS_OP_CONT:
		if (!ws->inmsg)
			return (fail(ws, ev, WS_PROTOCOL,
			    "continuation of nothing"));
		return (0);
	case WS_OP_TEXT:
	case WS_OP_BINARY:
		if (ws->inmsg)
			return (fail(ws, ev, WS_PROTOCOL,
			    "message inside a fragmented message"));
		if (ws->opcode != (ws->text ? WS_OP_TEXT : WS_OP_BINARY))
			return (fail(ws, ev, WS_UNSUPPORTED, ws->text ?
			    "binary message with a text serializer" :
			    "text message with a binary serializer"));
		return (0);
	case WS_OP_CLOSE:
	case WS_OP_PING:
	case WS_OP_PONG:
		if (!ws->fin)
			return (fail(ws, ev, WS_PROTOCOL,
			    "fragmented control frame"));
		if ((ws->hdr[1] & ~WS_MASKED) > WS_MAXCTL)
			return (fail(ws, ev, WS_PROTOCOL,
			    "control frame longer than 125 octets"));
		return (0);
	default:
		return (fail(ws, ev, WS_PROTOCOL, "reserved opcode"));
	}
}

static uint64_t
get_be(const uint8_t *p, int n)
{
	uint64_t	v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return (v);
}

/* The header is complete: how long is the frame, and may it be? */
static int
check_length(struct ws *ws, struct ws_event *ev)
{
	const uint8_t	*h = ws->hdr;
	uint64_t	 n = h[1] & ~WS_MASKED, least = 0;

	if (n == WS_LEN16) {
		n = get_be(h + 2, 2);
		least = WS_LEN16;
	} else if (n == WS_LEN64) {
		n = get_be(h + 2, 8);
		least = 65536;
	}
	/* RFC 6455, 5.2: the most significant bit is 0, the form minimal */
	if (n >> 63 != 0)
		return (fail(ws, ev, WS_PROTOCOL, "frame length over 2**63"));
	if (n < least)
		return (fail(ws, ev, WS_PROTOCOL,
		    "frame length not in the shortest form"));
	if (!is_control(ws) &&
	    (assembled(ws) > ws->max || n > ws->max - assembled(ws)))
		return (fail(ws, ev, WS_TOOBIG,
		    "message longer than permitted"));
	ws->left = (size_t)n;
	return (0);
}

static void
take_hdr(struct ws *ws, uint8_t **p, size_t *len, size_t upto)
{
	while (ws->hdrlen < upto && *len > 0) {
		ws->hdr[ws->hdrlen++] = *(*p)++;
		(*len)--;
	}
}

/* Ends with inframe set, or the input used up, or the failure in ev. */
static void
take_header(struct ws *ws, uint8_t **p, size_t *len, struct ws_event *ev)
{
	size_t	n = 2;

	if (ws->hdrlen < n) {
		take_hdr(ws, p, len, n);
		if (ws->hdrlen < n || check_start(ws, ev) == -1)
			return;
	}
	switch (ws->hdr[1] & ~WS_MASKED) {
	case WS_LEN16:
		n += 2;
		break;
	case WS_LEN64:
		n += 8;
		break;
	}
	if (!ws->client)
		n += 4;
	take_hdr(ws, p, len, n);
	if (ws->hdrlen < n || check_length(ws, ev) == -1)
		return;

	if (!ws->client)
		memcpy(ws->mask, ws->hdr + n - 4, 4);
	ws->maskpos = 0;
	ws->hdrlen = 0;
	ws->inframe = 1;
	if (!is_control(ws) && !ws->inmsg) {
		ws->inmsg = 1;
		ws->utf8 = UTF8_DONE;
	}
}

/* The next n octets of the frame's payload are unmasked and taken. */
static uint8_t *
take_payload(struct ws *ws, uint8_t **p, size_t *len, size_t n)
{
	uint8_t	*data = *p;

	if (!ws->client)
		ws_mask(data, n, ws->mask, ws->maskpos);
	ws->maskpos += n;
	ws->left -= n;
	*p += n;
	*len -= n;
	return (data);
}

/*
 * Codes that a peer may send: those of RFC 6455, 7.4.1 and the registry
 * behind it, 7.4.2 for the ranges.  1004 to 1006 and 1015 never stand in a
 * frame.
 */
static int
is_close_code(uint16_t code)
{
	if (code >= 1000 && code <= 1014)
		return (code < 1004 || code > 1006);
	return (code >= 3000 && code <= 4999);
}

static void
deliver_close(struct ws *ws, struct ws_event *ev, uint8_t *data, size_t len)
{
	uint32_t	state = UTF8_DONE;
	uint16_t	code = 0;

	if (len == 1) {
		fail(ws, ev, WS_PROTOCOL, "Close with half a code");
		return;
	}
	if (len >= 2) {
		code = (uint16_t)(data[0] << 8 | data[1]);
		data += 2;
		len -= 2;
		if (!is_close_code(code)) {
			fail(ws, ev, WS_PROTOCOL, "Close with a bad code");
			return;
		}
	}
	if (utf8_feed(&state, data, len) == -1 || state != UTF8_DONE) {
		fail(ws, ev, WS_BADDATA, "reason of Close is not UTF-8");
		return;
	}
	end(ws);
	ev->type = WS_CLOSE;
	ev->code = code;
	ev->data = data;
	ev->len = len;
}

static void
take_control(struct ws *ws, uint8_t **p, size_t *len, struct ws_event *ev)
{
	size_t	 n = *len < ws->left ? *len : ws->left, ctllen;
	uint8_t	*data;

	data = take_payload(ws, p, len, n);
	if (ws->ctllen > 0 || ws->left > 0) {
		memcpy(ws->ctl + ws->ctllen, data, n);
		data = ws->ctl;
	}
	ws->ctllen += n;
	if (ws->left > 0)
		return;
	ws->inframe = 0;
	ctllen = ws->ctllen;
	ws->ctllen = 0;
	if (ws->opcode == WS_OP_CLOSE) {
		deliver_close(ws, ev, data, ctllen);
		return;
	}
	ev->type = ws->opcode == WS_OP_PING ? WS_PING : WS_PONG;
	ev->data = data;
	ev->len = ctllen;
}

/* Returns 1 if a fragment ended, and the next header is due; else 0. */
static int
take_data(struct ws *ws, uint8_t **p, size_t *len, struct ws_event *ev)
{
	size_t	 n = *len < ws->left ? *len : ws->left, longest = most(ws);
	int	 whole = assembled(ws) == 0 && n == ws->left && ws->fin;
	uint8_t	*data;

	data = take_payload(ws, p, len, n);
	if (ws->text && utf8_feed(&ws->utf8, data, n) == -1) {
		fail(ws, ev, WS_BADDATA, "text is not UTF-8");
		return (0);
	}
	if (!whole && n > 0 && assembly_add(&ws->pb, data, n, longest,
	    ws->wipes) == -1) {
		fail(ws, ev, WS_INTERNAL, "out of memory");
		return (0);
	}
	if (ws->left > 0)
		return (0);
	ws->inframe = 0;
	if (!ws->fin)
		return (1);
	if (ws->utf8 != UTF8_DONE) {
		fail(ws, ev, WS_BADDATA, "text ends inside a character");
		return (0);
	}
	ws->inmsg = 0;		/* pb lives on until the next ws_next() */
	ev->type = WS_MESSAGE;
	ev->pb = whole ? NULL : ws->pb;
	ev->data = ev->pb == NULL ? data : ws->pb->data;
	ev->len = whole ? n : assembled(ws);
	return (0);
}

void
ws_next(struct ws *ws, uint8_t **p, size_t *len, struct ws_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	ev->type = WS_MORE;
	if (ws->closed) {
		*p += *len;
		*len = 0;
		return;
	}
	if (!ws->inmsg)
		assembly_drop(&ws->pb, ws->wipes);
	do {
		if (!ws->inframe)
			take_header(ws, p, len, ev);
		if (!ws->inframe)
			return;
		if (is_control(ws)) {
			take_control(ws, p, len, ev);
			return;
		}
	} while (take_data(ws, p, len, ev));
}

int
ws_is_partial(const struct ws *ws)
{
	return (ws->inmsg || ws->inframe || ws->hdrlen > 0);
}

uint8_t *
ws_room(struct ws *ws, size_t *n)
{
	uint8_t	*p;

	if (!ws->inframe || is_control(ws) ||
	    (p = assembly_room(&ws->pb, most(ws), ws->wipes, n)) == NULL)
		return (NULL);
	if (*n > ws->left)
		*n = ws->left;
	return (p);
}

size_t
ws_held(const struct ws *ws)
{
	return (ws->pb != NULL ? ws->pb->size : 0);
}

size_t
ws_header(uint8_t hdr[WS_MAXHDR], int opcode, uint64_t len,
    const uint8_t mask[4])
{
	size_t	n = 2, i;

	hdr[0] = (uint8_t)(WS_FIN | opcode);
	if (len < WS_LEN16)
		hdr[1] = (uint8_t)len;
	else if (len < 65536) {
		hdr[1] = WS_LEN16;
		n += 2;
	} else {
		hdr[1] = WS_LEN64;
		n += 8;
	}
	for (i = n; i > 2; i--, len >>= 8)
		hdr[i - 1] = (uint8_t)len;
	if (mask != NULL) {
		hdr[1] |= WS_MASKED;
		memcpy(hdr + n, mask, 4);
		n += 4;
	}
	return (n);
}

void
ws_mask(uint8_t *p, size_t len, const uint8_t mask[4], size_t pos)
{
	uint8_t		m[8];
	uint64_t	word, x;
	size_t		i;

	for (i = 0; i < sizeof(m); i++)
		m[i] = mask[(pos + i) % 4];
	memcpy(&word, m, sizeof(word));
	for (; len >= sizeof(x); p += sizeof(x), len -= sizeof(x)) {
		memcpy(&x, p, sizeof(x));
		x ^= word;
		memcpy(p, &x, sizeof(x));
	}
	for (i = 0; i < len; i++)
		p[i] ^= m[i];
}

size_t
ws_close_payload(uint8_t out[125], uint16_t code, const char *why)
{
	size_t	n;

	if (code == 0)
		return (0);
	out[0] = (uint8_t)(code >> 8);
	out[1] = (uint8_t)code;
	n = why == NULL ? 0 : strlen(why);
	if (n > WS_MAXCTL - 2) {
		n = WS_MAXCTL - 2;
		while (n > 0 && ((uint8_t)why[n] & 0xc0) == 0x80)
			n--;
	}
	if (n > 0)
		memcpy(out + 2, why, n);
	return (n + 2);
}
