/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * RawSocket handshake and frames (WAMP, RawSocket Transport).  Knows
 * nothing of what a message contains, nor of sockets.
 */
#include <stdlib.h>
#include <string.h>

#include "assembly.h"
#include "pbuf.h"
#include "rawsocket.h"

#define RS_MINEXP	9	/* LENGTH 0 is 2**9 octets */
#define RS_MAXEXP	24
#define RS_MAXSER	3

/* Errors of the handshake, upper four bits of the reply's second octet. */
#define RS_E_SERIALIZER	1
#define RS_E_RESERVED	3

#define RS_25THBIT	0x08
#define RS_TYPEMASK	0x07

static unsigned int
floor_exp(size_t n)
{
	unsigned int	e = RS_MINEXP;

	while (e < RS_MAXEXP && ((size_t)1 << (e + 1)) <= n)
		e++;
	return (e);
}

size_t
rs_floor(size_t n)
{
	return ((size_t)1 << floor_exp(n));
}

static size_t
length_field(uint8_t octet)
{
	return ((size_t)1 << ((octet >> 4) + RS_MINEXP));
}

static void
hello(uint8_t out[4], unsigned int high, unsigned int low)
{
	out[0] = RS_MAGIC;
	out[1] = (uint8_t)(high << 4 | low);
	out[2] = 0;
	out[3] = 0;
}

int
rs_handshake(const uint8_t in[4], unsigned int accept, size_t ourmax,
    uint8_t reply[4], size_t *replylen, int *ser, size_t *peermax)
{
	unsigned int	n = in[1] & 0x0f;

	*replylen = 0;
	if (in[0] != RS_MAGIC)
		return (-1);
	*replylen = RS_HDRLEN;
	if (in[2] != 0 || in[3] != 0) {
		hello(reply, RS_E_RESERVED, 0);
		return (-1);
	}
	if (n == 0 || n > RS_MAXSER || (accept & 1U << n) == 0) {
		hello(reply, RS_E_SERIALIZER, 0);
		return (-1);
	}
	hello(reply, floor_exp(ourmax) - RS_MINEXP, n);
	*ser = (int)n;
	*peermax = length_field(in[1]);
	return (0);
}

void
rs_client_hello(uint8_t out[4], int ser, size_t ourmax)
{
	hello(out, floor_exp(ourmax) - RS_MINEXP, (unsigned int)ser);
}

int
rs_client_reply(const uint8_t in[4], int ser, size_t *peermax,
    const char **why)
{
	static const char *const errors[] = {
		"router sent handshake error 0",
		"router does not support the serializer",
		"router does not accept the maximum message length",
		"router does not accept the reserved bits",
		"router has too many connections",
	};
	unsigned int	 e = in[1] >> 4;

	if (in[0] != RS_MAGIC)
		*why = "no RawSocket router";
	else if (in[2] != 0 || in[3] != 0)
		*why = "reserved octets set in handshake reply";
	else if ((in[1] & 0x0f) == 0)
		*why = e < sizeof(errors) / sizeof(errors[0]) ? errors[e] :
		    "router sent an unknown handshake error";
	else if ((in[1] & 0x0f) != ser)
		*why = "router answered with another serializer";
	else {
		*peermax = length_field(in[1]);
		return (0);
	}
	return (-1);
}

void
rs_init(struct rs *rs, size_t max)
{
	memset(rs, 0, sizeof(*rs));
	rs->max = max;
}

void
rs_free(struct rs *rs)
{
	assembly_drop(&rs->pb, rs->wipes);
	rs->hdrlen = 0;
}

static void
fail(struct rs *rs, struct rs_event *ev, const char *why, int toobig)
{
	rs_free(rs);
	rs->failed = 1;
	ev->type = RS_FAIL;
	ev->why = why;
	ev->toobig = toobig;
}

/* The header is complete.  Returns NULL, or why it is not acceptable. */
static const char *
check_header(struct rs *rs, int *toobig)
{
	const uint8_t	*h = rs->hdr;

	rs->need = (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
	if ((h[0] & ~(RS_25THBIT | RS_TYPEMASK)) != 0)
		return ("reserved bits set in frame header");
	if ((h[0] & RS_TYPEMASK) > RS_T_PONG)
		return ("reserved frame type");
	if (h[0] & RS_25THBIT) {
		if (rs->need != 0)
			return ("frame longer than 16 MiB");
		rs->need = RS_MAXLEN;
	}
	if (rs->need > rs->max) {
		*toobig = 1;
		return ("frame longer than permitted");
	}
	return (NULL);
}

/* Returns 0 when the header is complete and good, else -1. */
static int
take_header(struct rs *rs, uint8_t **p, size_t *len, struct rs_event *ev)
{
	const char	*why;
	int		 toobig = 0;

	size_t		 n = RS_HDRLEN - rs->hdrlen;

	if (n > *len)
		n = *len;
	if (n == RS_HDRLEN)		/* at once */
		memcpy(rs->hdr, *p, RS_HDRLEN);
	else
		memcpy(rs->hdr + rs->hdrlen, *p, n);
	rs->hdrlen = (uint8_t)(rs->hdrlen + n);
	*p += n;
	*len -= n;
	if (rs->hdrlen < RS_HDRLEN)
		return (-1);
	if ((why = check_header(rs, &toobig)) != NULL) {
		fail(rs, ev, why, toobig);
		return (-1);
	}
	return (0);
}

static void
deliver(struct rs *rs, struct rs_event *ev, uint8_t *data, struct pbuf *pb)
{
	static const enum rs_event_type	 types[] = {
		[RS_T_MESSAGE] = RS_MESSAGE,
		[RS_T_PING] = RS_PING,
		[RS_T_PONG] = RS_PONG,
	};

	ev->type = types[rs->hdr[0] & RS_TYPEMASK];
	ev->data = data;
	ev->len = rs->need;
	ev->pb = pb;
	rs->hdrlen = 0;		/* pb lives on until the next rs_next() */
}

void
rs_next(struct rs *rs, uint8_t **p, size_t *len, struct rs_event *ev)
{
	size_t	 n, had;

	memset(ev, 0, sizeof(*ev));
	ev->type = RS_MORE;
	if (rs->failed) {
		*p += *len;
		*len = 0;
		return;
	}
	if (rs->hdrlen == 0)
		assembly_drop(&rs->pb, rs->wipes);

	if (rs->hdrlen < RS_HDRLEN && take_header(rs, p, len, ev) == -1)
		return;

	had = rs->pb != NULL ? rs->pb->len : 0;
	n = rs->need - had;
	if (had == 0 && *len >= n) {
		deliver(rs, ev, *p, NULL);
		*p += n;
		*len -= n;
		return;
	}
	if (n > *len)
		n = *len;
	if (n > 0 && assembly_add(&rs->pb, *p, n, rs->need,
	    rs->wipes) == -1) {
		fail(rs, ev, "out of memory", 0);
		return;
	}
	*p += n;
	*len -= n;
	if (had + n == rs->need)
		deliver(rs, ev, rs->pb->data, rs->pb);
}

uint8_t *
rs_room(struct rs *rs, size_t *n)
{
	if (rs->hdrlen < RS_HDRLEN)
		return (NULL);
	return (assembly_room(&rs->pb, rs->need, rs->wipes, n));
}

size_t
rs_held(const struct rs *rs)
{
	return (rs->pb != NULL ? rs->pb->size : 0);
}

int
rs_is_partial(const struct rs *rs)
{
	return (rs->hdrlen > 0);
}

void
rs_header(uint8_t hdr[RS_HDRLEN], int type, size_t len)
{
	hdr[0] = (uint8_t)(type | (len == RS_MAXLEN ? RS_25THBIT : 0));
	hdr[1] = (uint8_t)(len >> 16);
	hdr[2] = (uint8_t)(len >> 8);
	hdr[3] = (uint8_t)len;
}
