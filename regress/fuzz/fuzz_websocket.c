/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WebSocket frames: the first octet says which side we are, what messages
 * are, how large, and how the rest is chopped.  The same octets whole and
 * in chops are the same events, text that is delivered is UTF-8, and memory
 * follows what was received.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "websocket.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What came out: enough to see that two runs differ. */
struct events {
	uint64_t	hash;
	size_t		n;
	int		partial;
};

static void
note(struct events *e, const void *data, size_t len)
{
	const uint8_t	*p = data;

	while (len-- > 0)
		e->hash = (e->hash ^ *p++) * 0x100000001b3U;
}

static int
is_utf8(const uint8_t *p, size_t len)
{
	static const uint32_t	least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t		c;
	size_t			n, i;

	while (len > 0) {
		n = *p < 0x80 ? 0 : (*p & 0xe0) == 0xc0 ? 1 :
		    (*p & 0xf0) == 0xe0 ? 2 : (*p & 0xf8) == 0xf0 ? 3 : len;
		if (n >= len)
			return (0);
		c = n == 0 ? *p : *p & (0x3fU >> n);
		for (i = 1; i <= n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return (0);
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < least[n] || c > 0x10ffff || (c & ~0x7ffU) == 0xd800)
			return (0);
		p += n + 1;
		len -= n + 1;
	}
	return (1);
}

static void
check(const struct ws *ws, const struct ws_event *ev)
{
	switch (ev->type) {
	case WS_MESSAGE:
		if (ev->len > ws->max || (ws->text && !is_utf8(ev->data,
		    ev->len)))
			abort();
		break;
	case WS_PING:
	case WS_PONG:
		if (ev->len > 125)
			abort();
		break;
	case WS_CLOSE:
		if (ev->len > 123 || !is_utf8(ev->data, ev->len) ||
		    (ev->code == 0 && ev->len > 0) || !ws->closed)
			abort();
		break;
	case WS_FAIL:
		if (ev->why == NULL || !ws->closed || ws->pb != NULL ||
		    (ev->code != WS_PROTOCOL && ev->code != WS_UNSUPPORTED &&
		    ev->code != WS_BADDATA && ev->code != WS_TOOBIG))
			abort();
		break;
	default:
		abort();
	}
}

/* One piece, at the end of its own allocation. */
static void
feed(struct ws *ws, const uint8_t *in, size_t len, size_t received,
    struct events *e)
{
	struct ws_event	 ev;
	uint8_t		*copy, *p;
	size_t		 n = len;
	int		 closed = ws->closed;

	if ((copy = malloc(len)) == NULL)
		abort();
	memcpy(copy, in, len);
	for (p = copy;;) {
		ws_next(ws, &p, &n, &ev);
		if (n > len || p != copy + (len - n))
			abort();
		if (ws_held(ws) > 2 * received + 64 || ws_held(ws) > ws->max)
			abort();
		if (ev.type == WS_MORE)
			break;
		if (closed)
			abort();
		closed = ws->closed;
		check(ws, &ev);
		e->n++;
		note(e, &ev.type, sizeof(ev.type));
		note(e, &ev.code, sizeof(ev.code));
		note(e, &ev.len, sizeof(ev.len));
		note(e, ev.data, ev.len);
	}
	if (n != 0)
		abort();
	free(copy);
}

static void
run(const uint8_t *in, size_t len, uint8_t how, uint32_t seed,
    struct events *e)
{
	struct ws	ws;
	size_t		n, done = 0;

	memset(e, 0, sizeof(*e));
	ws_init(&ws, (size_t)100 << (how >> 2 & 7) * 3, how & 1, how & 2);
	while (done < len) {
		n = len - done;
		if (seed != 0) {
			seed = seed * 1103515245 + 12345;
			n = 1 + (seed >> 16) % (seed >> 8 & 1 ? 3 : 40);
			if (n > len - done)
				n = len - done;
		}
		done += n;
		feed(&ws, in + done - n, n, done, e);
	}
	e->partial = ws_is_partial(&ws);
	if (ws.closed && (e->partial || ws.pb != NULL))
		abort();
	ws_free(&ws);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct events	whole, chops;

	if (len < 2)
		return (0);
	run(in + 1, len - 1, in[0], 0, &whole);
	run(in + 1, len - 1, in[0], in[0] + 1U, &chops);
	if (whole.hash != chops.hash || whole.n != chops.n ||
	    whole.partial != chops.partial)
		abort();
	return (0);
}
