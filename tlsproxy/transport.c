/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which transport a client speaks, told by its first octet (RawSocket's is
 * 0x7F, a letter begins HTTP), and the frames of either.  The frames are
 * taken apart in common/codec; here they meet the connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "http.h"
#include "pbuf.h"
#include "tls_key.h"
#include "tlsproxy.h"

/* Longest message taken now: a small one before WELCOME. */
static size_t
message_max(const struct conn *c)
{
	size_t	max = c->p->conf->limits.message;

	if (!c->is_ws)
		max = rs_floor(max);
	if (!c->joined_once && max > PREJOIN_MAX)
		max = PREJOIN_MAX;
	return (max);
}

/* Outside a session a client's messages may hold secrets, and are wiped. */
static void
set_wipes(struct conn *c, int wipes)
{
	if (c->is_ws)
		c->in.ws.wipes = (uint8_t)wipes;
	else
		c->in.rs.wipes = (uint8_t)wipes;
	tls_release_wipe(c->ssl, wipes);
}

void
transport_joined(struct conn *c)
{
	c->joined_once = 1;
	if (c->is_ws)
		c->in.ws.max = message_max(c);
	else
		c->in.rs.max = message_max(c);
	set_wipes(c, 0);
}

void
transport_left(struct conn *c)
{
	set_wipes(c, 1);
}

static void
transport_up(struct conn *c, int is_ws, int ser)
{
	c->p->counts.shaken[is_ws ? SHAKEN_WEBSOCKET : SHAKEN_RAWSOCKET][1]++;
	c->is_ws = (uint8_t)is_ws;
	c->ser = (uint8_t)ser;
	c->state = CONN_OPEN;
	if (is_ws) {
		ws_init(&c->in.ws, message_max(c), 0, ser == SER_JSON);
		c->peermax = SIZE_MAX;
	} else
		rs_init(&c->in.rs, message_max(c));
	set_wipes(c, 1);
	conn_set_phase(c, c->p->conf->limits.hello);
}

int
transport_is_partial(const struct conn *c)
{
	if (c->state != CONN_OPEN)
		return (0);
	return (c->is_ws ? ws_is_partial(&c->in.ws) :
	    rs_is_partial(&c->in.rs));
}

size_t
transport_buffered(const struct conn *c)
{
	if (c->state != CONN_OPEN)
		return (c->prelen);
	return (c->is_ws ? ws_held(&c->in.ws) : rs_held(&c->in.rs));
}

uint8_t *
transport_room(struct conn *c, size_t *n)
{
	if (c->state != CONN_OPEN)
		return (NULL);
	return (c->is_ws ? ws_room(&c->in.ws, n) : rs_room(&c->in.rs, n));
}

static void
pre_free(struct conn *c)
{
	freezero(c->pre, c->prelen);
	c->pre = NULL;
	c->prelen = 0;
}

void
transport_free(struct conn *c)
{
	pre_free(c);
	if (c->ser == SER_NONE)
		return;
	if (c->is_ws)
		ws_free(&c->in.ws);
	else
		rs_free(&c->in.rs);
}

/* -- frames out --------------------------------------------------------- */

static size_t
frame_header(uint8_t hdr[WS_MAXHDR], int is_ws, int ser, size_t len)
{
	if (is_ws)
		return (ws_header(hdr, ser == SER_JSON ? WS_OP_TEXT :
		    WS_OP_BINARY, len, NULL));
	rs_header(hdr, RS_T_MESSAGE, len);
	return (RS_HDRLEN);
}

/* The second of three parts is kept in its pbuf. */
static void
send_shared(struct conn *c, const uint8_t *hdr, size_t hdrlen,
    const struct iovec *iov, struct pbuf *pb)
{
	const uint8_t	*p = iov[1].iov_base;

	conn_queue(c, hdr, hdrlen);
	conn_queue(c, iov[0].iov_base, iov[0].iov_len);
	conn_queue_pbuf(c, pb, (size_t)(p - pb->data), iov[1].iov_len);
	conn_queue(c, iov[2].iov_base, iov[2].iov_len);
}

int
transport_send(struct conn *c, const struct iovec *iov, int n,
    struct pbuf *pb)
{
	uint8_t	 hdr[WS_MAXHDR], *p;
	size_t	 hdrlen, len = iov_total(iov, n);

	if (len > c->peermax || (!c->is_ws && len > RS_MAXLEN))
		return (-1);
	hdrlen = frame_header(hdr, c->is_ws, c->ser, len);
	if (pb != NULL) {
		send_shared(c, hdr, hdrlen, iov, pb);
		return (0);
	}
	if ((p = obuf_room(&c->out, hdrlen + len)) == NULL) {
		conn_kill(c, "out of memory");
		return (0);
	}
	memcpy(p, hdr, hdrlen);
	iov_copy(p + hdrlen, iov, n);
	conn_mark_dirty(c);
	return (0);
}

struct pbuf *
transport_frame(int is_ws, int ser, const struct iovec *iov, int n,
    struct pbuf *pb)
{
	struct pbuf	*frame;
	uint8_t		 hdr[WS_MAXHDR], *p;
	size_t		 hdrlen, len = iov_total(iov, n);

	hdrlen = frame_header(hdr, is_ws, ser, len);
	if (pb != NULL)
		len -= iov[1].iov_len;
	if ((frame = pbuf_new(hdrlen + len)) == NULL)
		return (NULL);
	memcpy(frame->data, hdr, hdrlen);
	if (pb != NULL) {
		p = iov_copy(frame->data + hdrlen, &iov[0], 1);
		iov_copy(p, &iov[2], 1);
	} else
		iov_copy(frame->data + hdrlen, iov, n);
	frame->len = hdrlen + len;
	return (frame);
}

static void
control_frame(struct conn *c, int type, const uint8_t *data, size_t len)
{
	uint8_t	hdr[WS_MAXHDR];
	size_t	n;

	if (c->is_ws)
		n = ws_header(hdr, type, len, NULL);
	else {
		rs_header(hdr, type, len);
		n = RS_HDRLEN;
	}
	conn_queue(c, hdr, n);
	conn_queue(c, data, len);
	/* a client that asks and does not read ends itself */
	if (c->out.bytes > c->p->conf->limits.queue)
		conn_exceeds(c, LIMIT_QUEUE, "does not read");
}

void
transport_ping(struct conn *c)
{
	static const uint8_t	word[] = "wampd";

	control_frame(c, c->is_ws ? WS_OP_PING : RS_T_PING, word,
	    sizeof(word) - 1);
}

/* -- frames in ---------------------------------------------------------- */

static void
rs_failed(struct conn *c, const struct rs_event *ev)
{
	if (ev->toobig)
		limit_hit(LIMIT_MESSAGE);
	if (log_may(&c->p->log_bad, 5))
		log_session("bad frame address=%s reason=\"%s\" limit=%zu",
		    c->peer, ev->why, c->in.rs.max);
	if (ev->toobig && c->sess != NULL)
		session_abort(c, WERR_PAYLOAD_SIZE_EXCEEDED,
		    "message longer than %zu octets", c->in.rs.max);
	else
		conn_close(c);
}

/*
 * No message more than its buckets have tokens, or than is fair: what is behind
 * waits.  One that is longer than all the octets there are is taken, and made
 * up for later.
 */
static size_t
stop_at_limit(const struct conn *c, size_t *len)
{
	size_t	left = 0;

	if (c->messages.tokens <= 0 || c->bytes.tokens <= 0 ||
	    c->said >= c->may) {
		left = *len;
		*len = 0;
	}
	return (left);
}

static void
message(struct conn *c, const uint8_t *data, size_t len, struct pbuf *pb)
{
	c->complete_at = 0;
	c->messages.tokens--;
	c->bytes.tokens -= (int64_t)len;
	wamp_input(c, data, len, pb);
}

static size_t
rs_input(struct conn *c, uint8_t *p, size_t len)
{
	struct rs_event	ev;
	size_t		left;

	while (c->state == CONN_OPEN) {
		left = stop_at_limit(c, &len);
		rs_next(&c->in.rs, &p, &len, &ev);
		switch (ev.type) {
		case RS_MORE:
			return (left);
		case RS_MESSAGE:
			message(c, ev.data, ev.len, ev.pb);
			break;
		case RS_PING:
			c->complete_at = 0;
			control_frame(c, RS_T_PONG, ev.data, ev.len);
			break;
		case RS_PONG:
			c->complete_at = 0;
			break;
		case RS_FAIL:
			rs_failed(c, &ev);
			return (0);
		}
	}
	return (0);
}

static void
ws_peer_close(struct conn *c, const struct ws_event *ev)
{
	if (c->sess != NULL)
		session_lost(c, "connection closed");
	/* RFC 6455, 5.5.1: the code is echoed; where there is none, clients
	 * that call everything but 1000 a loss are told 1000 */
	conn_close_code(c, ev->code != 0 ? ev->code : WS_NORMAL, NULL);
}

static size_t
ws_input(struct conn *c, uint8_t *p, size_t len)
{
	struct ws_event	ev;
	size_t		left;

	while (c->state == CONN_OPEN) {
		left = stop_at_limit(c, &len);
		ws_next(&c->in.ws, &p, &len, &ev);
		switch (ev.type) {
		case WS_MORE:
			return (left);
		case WS_MESSAGE:
			message(c, ev.data, ev.len, ev.pb);
			break;
		case WS_PING:
			control_frame(c, WS_OP_PONG, ev.data, ev.len);
			break;
		case WS_PONG:
			break;
		case WS_CLOSE:
			ws_peer_close(c, &ev);
			return (0);
		case WS_FAIL:
			if (ev.code == WS_TOOBIG)
				limit_hit(LIMIT_MESSAGE);
			if (log_may(&c->p->log_bad, 5))
				log_session("bad frame address=%s "
				    "reason=\"%s\"", c->peer, ev.why);
			if (c->sess != NULL)
				session_lost(c, ev.why);
			conn_close_code(c, ev.code, ev.why);
			return (0);
		}
	}
	return (0);
}

/* -- the first octets --------------------------------------------------- */

/* Gather octets until there are enough; -1: no memory, connection ended. */
static int
pre_add(struct conn *c, const uint8_t *p, size_t len)
{
	char	*n;

	n = recallocarray(c->pre, c->pre != NULL ? c->prelen + 1 : 0,
	    c->prelen + len + 1, 1);
	if (n == NULL) {
		conn_kill(c, "out of memory");
		return (-1);
	}
	memcpy(n + c->prelen, p, len);
	c->pre = n;
	c->prelen += len;
	return (0);
}

static size_t
rs_begin(struct conn *c, uint8_t *p, size_t len)
{
	uint8_t	in[4], reply[4];
	size_t	replylen, n, message = c->p->conf->limits.message;
	int	ser, rv;

	n = 4 - c->prelen < len ? 4 - c->prelen : len;
	if (c->prelen + n < 4) {
		pre_add(c, p, n);
		return (0);
	}
	if (c->prelen > 0)
		memcpy(in, c->pre, c->prelen);
	memcpy(in + c->prelen, p, n);
	pre_free(c);
	rv = rs_handshake(in, c->l->sers, message, reply, &replylen, &ser,
	    &c->peermax);
	conn_queue(c, reply, replylen);
	if (rv == -1) {
		c->p->counts.shaken[SHAKEN_RAWSOCKET][0]++;
		conn_close(c);
		return (0);
	}
	if (c->state == CONN_DEAD)
		return (0);	/* no memory for the reply */
	transport_up(c, 0, ser);
	return (rs_input(c, p + n, len - n));
}

static void
http_answer(struct conn *c, int status, int head)
{
	char	out[1024];

	c->p->counts.shaken[SHAKEN_WEBSOCKET][0]++;
	log_debug("HTTP %d to %s", status, c->peer);
	conn_queue(c, out, http_error(out, sizeof(out), status, head));
	conn_close(c);
}

static int
http_path_ok(const struct conn *c, const struct http_req *req)
{
	size_t	i;

	for (i = 0; i < c->l->npaths; i++)
		if (strlen(c->l->paths[i]) == req->path.len &&
		    memcmp(c->l->paths[i], req->path.p, req->path.len) == 0)
			return (1);
	return (c->l->npaths == 0);
}

/* The client's first subprotocol that is ours too (RFC 6455, 4.1: "ordered
 * by preference"; notes: T98). */
static int
http_choose(const struct conn *c, const struct http_req *req)
{
	size_t	i;
	int	ser;

	for (i = 0; i < req->nproto; i++) {
		ser = http_subprotocol(&req->proto[i]);
		if (ser != 0 && (c->l->sers & (1U << ser)))
			return (ser);
	}
	return (0);
}

/* 0: go on with *ser, or the status to answer. */
static int
http_judge(const struct conn *c, const struct http_req *req, int *ser)
{
	if (!http_path_ok(c, req))
		return (404);
	if (!req->is_upgrade)
		return (426);
	if (!http_origin_ok(req, (const char *const *)c->l->origins,
	    c->l->norigins))
		return (403);
	if ((*ser = http_choose(c, req)) == 0)
		return (400);
	return (0);
}

static const char *
http_why(int status)
{
	switch (status) {
	case 403:
		return ("WebSocket for an origin that may not");
	case 404:
		return ("HTTP for a path that is not there");
	case 426:
		return ("HTTP that wants no WebSocket");
	default:
		return ("WebSocket without a serializer of this listener");
	}
}

static size_t
http_begin(struct conn *c, uint8_t *p, size_t len)
{
	struct http_req	req;
	char		out[1024];
	size_t		rest;
	int		n, ser, status;

	/* what is behind the head belongs to frames, at most one read's */
	if (pre_add(c, p, len) == -1)
		return (0);
	/* what follows that is no HTTP, and its end would be waited for */
	n = first_is_announced(c->pre, c->prelen) ? -400 :
	    http_parse_request(c->pre, c->prelen, &c->prefrom, &req);
	if (n == 0)
		return (0);
	if (n < 0) {
		first_unknown(c, (const uint8_t *)c->pre, c->prelen);
		http_answer(c, -n, 0);
		return (0);
	}
	if ((status = http_judge(c, &req, &ser)) != 0) {
		first_refused(c, http_why(status));
		http_answer(c, status, !req.is_get);
		return (0);
	}
	conn_queue(c, out, http_switching(out, sizeof(out), &req, ser));
	rest = c->prelen - (size_t)n;
	pre_free(c);
	if (c->state == CONN_DEAD)
		return (0);	/* no memory for the reply */
	transport_up(c, 1, ser);
	return (ws_input(c, p + (len - rest), rest));
}

static size_t
transport_begin(struct conn *c, uint8_t *p, size_t len)
{
	uint8_t	first = c->prelen > 0 ? (uint8_t)c->pre[0] : p[0];

	if (first == RS_MAGIC && (c->l->flags & LISTEN_RAWSOCKET))
		return (rs_begin(c, p, len));
	if (((first >= 'A' && first <= 'Z') || (first >= 'a' &&
	    first <= 'z')) && (c->l->flags & LISTEN_WEBSOCKET)) {
		c->state = CONN_HTTP;
		return (http_begin(c, p, len));
	}
	c->p->counts.shaken[SHAKEN_UNKNOWN][0]++;
	first_unknown(c, p, len);
	conn_close(c);
	return (0);
}

size_t
transport_input(struct conn *c, uint8_t *p, size_t len)
{
	switch (c->state) {
	case CONN_DETECT:
		return (transport_begin(c, p, len));
	case CONN_HTTP:
		return (http_begin(c, p, len));
	case CONN_OPEN:
		return (c->is_ws ? ws_input(c, p, len) : rs_input(c, p, len));
	default:
		return (0);
	}
}
