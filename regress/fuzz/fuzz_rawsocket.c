/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * RawSocket: the first octet says how the rest is chopped and what is the
 * largest message.  The same octets whole and in chops are the same events,
 * and memory follows what was received.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rawsocket.h"

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

/* One piece, at the end of its own allocation.  Returns 0 after a failure. */
static int
feed(struct rs *rs, const uint8_t *in, size_t len, size_t received,
    struct events *e)
{
	struct rs_event	 ev;
	uint8_t		*copy, *p;
	size_t		 n = len;
	int		 alive = 1;

	if ((copy = malloc(len)) == NULL)
		abort();
	memcpy(copy, in, len);
	p = copy;
	do {
		rs_next(rs, &p, &n, &ev);
		if (n > len || p != copy + (len - n))
			abort();
		if (rs_held(rs) > 2 * received + 64 || rs_held(rs) > rs->max)
			abort();
		if (ev.type == RS_MORE)
			break;
		if (!alive || ev.len > rs->max)
			abort();
		if (ev.type == RS_FAIL) {
			if (ev.why == NULL || rs->pb != NULL)
				abort();
			alive = 0;
		}
		e->n++;
		note(e, &ev.type, sizeof(ev.type));
		note(e, &ev.len, sizeof(ev.len));
		note(e, ev.data, ev.len);
	} while (1);
	if (n != 0)
		abort();
	free(copy);
	return (alive);
}

static void
run(const uint8_t *in, size_t len, size_t max, uint32_t seed,
    struct events *e)
{
	struct rs	rs;
	size_t		n, done = 0;
	int		dead = 0;

	memset(e, 0, sizeof(*e));
	rs_init(&rs, max);
	while (done < len) {
		n = len - done;
		if (seed != 0) {
			seed = seed * 1103515245 + 12345;
			n = 1 + (seed >> 16) % (seed >> 8 & 1 ? 3 : 40);
			if (n > len - done)
				n = len - done;
		}
		done += n;
		if (!feed(&rs, in + done - n, n, done, e) && dead++)
			abort();
	}
	e->partial = rs_is_partial(&rs);
	rs_free(&rs);
}

static void
handshake(const uint8_t *in)
{
	uint8_t		 reply[4];
	const char	*why;
	size_t		 n, max, routermax;
	int		 ser;

	if (rs_handshake(in, 1U << 1 | 1U << 3, in[1] * 1000U, reply, &n,
	    &ser, &max) == 0) {
		if (n != 4 || (ser != 1 && ser != 3) || max < 512 ||
		    max > RS_MAXLEN ||
		    rs_client_reply(reply, ser, &routermax, &why) == -1 ||
		    routermax != rs_floor(in[1] * 1000U))
			abort();
	} else if (n == 4) {
		if (rs_client_reply(reply, in[1] & 0x0f, &routermax, &why) !=
		    -1 || (reply[1] & 0x0f) != 0 || reply[1] == 0)
			abort();
	} else if (n != 0 || in[0] == RS_MAGIC)
		abort();
	(void)rs_client_reply(in, in[2] & 3, &routermax, &why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct events	whole, chops;
	size_t		max;

	if (len < 5)
		return (0);
	handshake(in + 1);
	max = (size_t)16 << (in[0] & 0x0f) * 2;
	if (max > RS_MAXLEN)
		max = RS_MAXLEN;
	run(in + 1, len - 1, max, 0, &whole);
	run(in + 1, len - 1, max, in[0] + 1U, &chops);
	if (whole.hash != chops.hash || whole.n != chops.n ||
	    whole.partial != chops.partial)
		abort();
	return (0);
}
