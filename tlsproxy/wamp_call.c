/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Messages to callers and callees, built from imsgs of the broker.
 */
#include <sys/uio.h>

#include <string.h>

#include "chan.h"
#include "tlsproxy.h"
#include "uri.h"
#include "wamp_out.h"

const char out_too_long[] = "longer than the receiver accepts";
const char out_not_convertible[] =
    "cannot be converted to the receiver's serializer";

/* Why a message cannot be delivered to its receiver. */
static enum wamp_err
build_error(enum codec_err err, const char **text)
{
	if (err == CODEC_OK) {
		*text = out_too_long;
		return (WERR_PAYLOAD_SIZE_EXCEEDED);
	}
	*text = out_not_convertible;
	return (WERR_INVALID_ARGUMENT);
}

/* Build and send; WERR_NONE, or why not. */
static enum wamp_err
out_message(struct conn *c, const struct head *h, const struct payload *pl,
    const char **text)
{
	enum codec_err	err;

	err = out_build(c->ser, h, pl);
	if (err == CODEC_ENOMEM) {
		conn_kill(c, "out of memory");
		return (WERR_NONE);
	}
	if (err == CODEC_OK &&
	    transport_send(c, proxy->msg.buf, proxy->msg.len) == 0)
		return (WERR_NONE);
	return (build_error(err, text));
}

int
out_on_invocation(struct chan *ch, struct imsg *im)
{
	struct m_invocation		 m;
	struct m_invocation_failed	 f;
	struct payload			 pl;
	struct head			 h;
	struct psess			*s;
	struct iovec			 iov[2];
	const char			*text = NULL;
	union {
		const char	*c;
		char		*p;
	} u;

	memcpy(&m, im->data, sizeof(m));
	if (m.paylen != im->len - sizeof(m) || payload_set(&pl,
	    im->data + sizeof(m), m.paylen, m.ser, m.nargs) == -1 ||
	    (m.flags & ~INVOCATION_MSGPACK) != 0 || m.proclen != 0 ||
	    m.pptlen != 0 || !out_is_id(m.request) ||
	    !out_is_id(m.registration) || out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	memset(&h, 0, sizeof(h));
	h.code = WAMP_INVOCATION;
	h.n = 2;
	if ((h.ids[0] = invocation_shown(s, m.request)) == 0)
		return (-1);
	h.ids[1] = m.registration;
	if ((m.flags & INVOCATION_MSGPACK) != 0 && s->conn->ser != SER_MSGPACK &&
	    invocation_asked(s, m.request) == -1) {
		conn_kill(s->conn, "out of memory");
		return (0);
	}
	memset(&f, 0, sizeof(f));
	f.err = (uint16_t)out_message(s->conn, &h, &pl, &text);
	if (f.err == WERR_NONE)
		return (0);
	(void)invocation_answered(s, m.request);
	invocation_skip(s, m.request);
	f.request = m.request;
	f.textlen = (uint16_t)strlen(text);
	u.c = text;
	iov[0].iov_base = &f;
	iov[0].iov_len = sizeof(f);
	iov[1].iov_base = u.p;
	iov[1].iov_len = f.textlen;
	chan_sendv(ch, IMSG_INVOCATION_FAILED, im->slot, im->gen, iov, 2);
	return (0);
}

int
out_on_result(struct chan *ch, struct imsg *im)
{
	struct m_result	 m;
	struct payload	 pl;
	struct head	 h;
	struct psess	*s;
	const char	*text = NULL;
	enum wamp_err	 err;

	memcpy(&m, im->data, sizeof(m));
	if (m.paylen != im->len - sizeof(m) || payload_set(&pl,
	    im->data + sizeof(m), m.paylen, m.ser, m.nargs) == -1 ||
	    m.flags != 0 || !out_is_id(m.request) || out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	memset(&h, 0, sizeof(h));
	h.code = WAMP_RESULT;
	h.n = 1;
	h.ids[0] = m.request;
	if ((err = out_message(s->conn, &h, &pl, &text)) != WERR_NONE)
		out_error(s->conn, WAMP_CALL, m.request, err, text,
		    strlen(text));
	return (0);
}

int
out_on_error(struct chan *ch, struct imsg *im)
{
	struct m_error	 m;
	struct payload	 pl;
	struct head	 h;
	struct psess	*s;
	const char	*text = NULL;
	const uint8_t	*p = im->data + sizeof(m);
	struct uri	 uri;

	memcpy(&m, im->data, sizeof(m));
	uri.p = (const char *)p;
	uri.len = m.urilen;
	if (m.urilen > im->len - sizeof(m) ||
	    m.paylen != im->len - sizeof(m) - m.urilen ||
	    !out_is_id(m.request) || !uri_is_valid(&uri, URI_LOOSE) ||
	    !uri_is_utf8(&uri) || payload_set(&pl, p + m.urilen, m.paylen,
	    m.ser, m.nargs) == -1 || out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	memset(&h, 0, sizeof(h));
	h.code = WAMP_ERROR;
	h.n = 2;
	h.ids[0] = WAMP_CALL;
	h.ids[1] = m.request;
	h.uri = uri.p;
	h.urilen = uri.len;
	if (out_message(s->conn, &h, &pl, &text) == WERR_NONE)
		return (0);
	/* the error's name matters more than its arguments */
	pl.nargs = 0;
	pl.len = 0;
	if (out_message(s->conn, &h, &pl, &text) != WERR_NONE)
		out_error(s->conn, WAMP_CALL, m.request,
		    WERR_PAYLOAD_SIZE_EXCEEDED, text, strlen(text));
	return (0);
}
