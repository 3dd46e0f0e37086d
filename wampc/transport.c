/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP messages over the stream: handshake and frames of RawSocket and
 * WebSocket, from the client's side.  The frames are read by the same
 * state machines as in wampd.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "http.h"
#include "log.h"
#include "wampc.h"

/* The router does not speak as agreed; the connection is of no use. */
static void
transport_fail(struct client *c, uint16_t code, const char *why)
{
	uint8_t	payload[125];
	uint8_t	mask[4], hdr[WS_MAXHDR];
	size_t	len, hlen;

	if (c->tr.state == TR_UP && url_is_websocket(&c->o.url)) {
		len = ws_close_payload(payload, code, why);
		arc4random_buf(mask, sizeof(mask));
		hlen = ws_header(hdr, WS_OP_CLOSE, len, mask);
		ws_mask(payload, len, mask, 0);
		conn_write(c, hdr, hlen);
		conn_write(c, payload, len);
	}
	c->tr.state = TR_CLOSED;
	if (c->s.state == SESS_LEAVING)
		client_finish(c, c->status);
	else
		client_fail(c, ST_WAMP, "wamp.error.protocol_violation: "
		    "the router's framing: %s", why);
}

/* A masked frame (RFC 6455, 5.3). */
static void
ws_send(struct client *c, int op, const uint8_t *p, size_t len)
{
	uint8_t	hdr[WS_MAXHDR], chunk[16384], mask[4];
	size_t	n, pos = 0;

	arc4random_buf(mask, sizeof(mask));
	conn_write(c, hdr, ws_header(hdr, op, len, mask));
	while (pos < len && !c->finished) {
		n = len - pos < sizeof(chunk) ? len - pos : sizeof(chunk);
		memcpy(chunk, p + pos, n);
		ws_mask(chunk, n, mask, pos);
		conn_write(c, chunk, n);
		pos += n;
	}
}

static void
ws_open(struct client *c)
{
	struct transport	*tr = &c->tr;
	uint8_t			 nonce[16];
	char			 req[4096];
	size_t			 len;

	arc4random_buf(nonce, sizeof(nonce));
	EVP_EncodeBlock((unsigned char *)tr->key, nonce, sizeof(nonce));
	len = http_client_request(req, sizeof(req), c->o.url.hosthdr,
	    c->o.url.path, tr->key, 1U << c->o.ser);
	if (len == 0) {
		client_fail(c, ST_USAGE, "the URL is too long");
		return;
	}
	ws_init(&tr->ws, c->o.maxmsg, 1, c->o.ser == SER_JSON);
	conn_write(c, req, len);
}

static void
rs_open(struct client *c)
{
	uint8_t	hello[4];

	rs_client_hello(hello, c->o.ser, c->o.maxmsg);
	rs_init(&c->tr.rs, rs_floor(c->o.maxmsg));
	conn_write(c, hello, sizeof(hello));
}

void
transport_open(struct client *c)
{
	if (url_is_websocket(&c->o.url))
		ws_open(c);
	else
		rs_open(c);
}

/* Returns how much of the input was taken. */
static size_t
ws_handshake(struct client *c, const uint8_t *p, size_t len)
{
	struct transport	*tr = &c->tr;
	char			 why[256];
	size_t			 old = tr->headlen, n;
	int			 rc, ser = 0;

	n = sizeof(tr->head) - old < len ? sizeof(tr->head) - old : len;
	memcpy(tr->head + old, p, n);
	tr->headlen += n;
	rc = http_client_response(tr->head, tr->headlen, tr->key, &ser, why,
	    sizeof(why));
	if (rc == 0 && tr->headlen == sizeof(tr->head)) {
		snprintf(why, sizeof(why), "the answer is too long");
		rc = -1;
	} else if (rc > 0 && ser != (int)c->o.ser) {
		snprintf(why, sizeof(why), "another subprotocol was chosen");
		rc = -1;
	}
	if (rc < 0) {
		client_fail(c, ST_REFUSED, "refused: WebSocket: %s", why);
		return (len);
	}
	if (rc == 0)
		return (len);
	tr->peermax = SIZE_MAX;
	tr->state = TR_UP;
	return ((size_t)rc - old);
}

static size_t
rs_handshake_reply(struct client *c, const uint8_t *p, size_t len)
{
	struct transport	*tr = &c->tr;
	const char		*why;
	size_t			 n = 4 - tr->headlen < len ?
				    4 - tr->headlen : len;

	memcpy(tr->head + tr->headlen, p, n);
	tr->headlen += n;
	if (tr->headlen < 4)
		return (len);
	if (rs_client_reply((const uint8_t *)tr->head, c->o.ser,
	    &tr->peermax, &why) == -1) {
		client_fail(c, ST_REFUSED, "refused: RawSocket: %s", why);
		return (len);
	}
	tr->state = TR_UP;
	return (n);
}

static void
rs_send(struct client *c, int type, const uint8_t *p, size_t len)
{
	uint8_t	hdr[RS_HDRLEN];

	rs_header(hdr, type, len);
	conn_write(c, hdr, sizeof(hdr));
	conn_write(c, p, len);
}

static void
rs_input(struct client *c, uint8_t *p, size_t len)
{
	struct rs_event	ev;

	while (!c->finished && c->tr.state == TR_UP) {
		rs_next(&c->tr.rs, &p, &len, &ev);
		switch (ev.type) {
		case RS_MORE:
			return;
		case RS_MESSAGE:
			session_message(c, ev.data, ev.len);
			break;
		case RS_PING:
			/* never answered faster than it is read */
			if (conn_queued(c) < 2 * (size_t)RS_MAXLEN &&
			    ev.len <= c->tr.peermax)
				rs_send(c, RS_T_PONG, ev.data, ev.len);
			break;
		case RS_PONG:
			break;
		case RS_FAIL:
			transport_fail(c, 0, ev.why);
			return;
		}
	}
}

static void
ws_closed(struct client *c, const struct ws_event *ev)
{
	char	text[256];
	uint8_t	code[2];

	code[0] = (uint8_t)(ev->code >> 8);
	code[1] = (uint8_t)ev->code;
	ws_send(c, WS_OP_CLOSE, code, ev->code == 0 ? 0 : 2);
	c->tr.state = TR_CLOSED;
	if (c->s.state == SESS_LEAVING)
		client_finish(c, c->status);
	else
		client_fail(c, ST_CONNECT, "connection lost: closed by the "
		    "router with code %u (%s)", ev->code,
		    log_text(text, sizeof(text), ev->data, ev->len));
}

static void
ws_input(struct client *c, uint8_t *p, size_t len)
{
	struct ws_event	ev;

	while (!c->finished && c->tr.state == TR_UP) {
		ws_next(&c->tr.ws, &p, &len, &ev);
		switch (ev.type) {
		case WS_MORE:
			return;
		case WS_MESSAGE:
			session_message(c, ev.data, ev.len);
			break;
		case WS_PING:
			if (conn_queued(c) < 2 * (size_t)RS_MAXLEN)
				ws_send(c, WS_OP_PONG, ev.data, ev.len);
			break;
		case WS_PONG:
			break;
		case WS_CLOSE:
			ws_closed(c, &ev);
			return;
		case WS_FAIL:
			transport_fail(c, ev.code, ev.why);
			return;
		}
	}
}

void
transport_input(struct client *c, uint8_t *p, size_t len)
{
	struct transport	*tr = &c->tr;
	int			 is_ws = url_is_websocket(&c->o.url);
	size_t			 n;

	if (tr->state == TR_HANDSHAKE) {
		n = is_ws ? ws_handshake(c, p, len) :
		    rs_handshake_reply(c, p, len);
		if (tr->state != TR_UP || c->finished)
			return;
		session_open(c);
		p += n;
		len -= n;
	}
	if (is_ws)
		ws_input(c, p, len);
	else
		rs_input(c, p, len);
}

void
transport_eof(struct client *c)
{
	if (c->s.state == SESS_LEAVING)
		client_finish(c, c->status);
	else if (c->tr.state == TR_HANDSHAKE)
		client_fail(c, ST_CONNECT, "cannot connect: closed by the "
		    "router before its handshake");
	else
		client_fail(c, ST_CONNECT, "connection lost: closed by the "
		    "router");
}

/* The longest message that the router takes. */
size_t
transport_max(const struct client *c)
{
	return (c->tr.peermax);
}

void
transport_send(struct client *c, const uint8_t *p, size_t len)
{
	if (c->tr.state != TR_UP)
		return;
	if (url_is_websocket(&c->o.url))
		ws_send(c, c->o.ser == SER_JSON ? WS_OP_TEXT : WS_OP_BINARY,
		    p, len);
	else
		rs_send(c, RS_T_MESSAGE, p, len);
}

/* Say at the framing's level that this was all. */
void
transport_close(struct client *c)
{
	static const uint8_t	code[2] = { WS_NORMAL >> 8, WS_NORMAL & 0xff };

	if (c->tr.state == TR_UP && url_is_websocket(&c->o.url))
		ws_send(c, WS_OP_CLOSE, code, sizeof(code));
	c->tr.state = TR_CLOSED;
}

void
transport_free(struct client *c)
{
	rs_free(&c->tr.rs);
	ws_free(&c->tr.ws);
}
