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
	struct message	m;
	enum codec_err	err;

	err = out_build(c->ser, h, pl, &m);
	if (err == CODEC_ENOMEM) {
		conn_kill(c, "out of memory");
		return (WERR_NONE);
	}
	if (err == CODEC_OK &&
	    transport_send(c, m.iov, MESSAGE_PARTS, m.pb) == 0) {
		c->p->counts.out[h->code]++;
		return (WERR_NONE);
	}
	return (build_error(err, text));
}

/* -- to callees --------------------------------------------------------- */

static void
invocation_details(struct details *d, const struct m_invocation *m,
    struct origin *o, uint32_t features)
{
	static const char *const keys[ORIGIN_KEYS] = { "procedure", "caller",
	    "caller_authid", "caller_authrole", "trustlevel" };

	d->n = 0;
	if ((features & FEAT_CALLEE_TRUST) == 0)
		o->has_trust = 0;
	details_origin(d, o, keys);
	if (m->timeout > 0)
		details_uint(d, "timeout", m->timeout);
	if (m->flags & INVOCATION_RECEIVE_PROGRESS)
		details_true(d, "receive_progress");
	if (m->flags & INVOCATION_PROGRESS)
		details_true(d, "progress");
}

static void
send_failed(struct psess *s, uint64_t request, enum wamp_err err,
    const char *text)
{
	struct m_invocation_failed	m;
	struct iovec			iov[2];

	memset(&m, 0, sizeof(m));
	m.request = request;
	m.err = (uint16_t)err;
	m.textlen = (uint16_t)strlen(text);
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], text, m.textlen);
	chan_sendv(s->broker->chan, IMSG_INVOCATION_FAILED, s->slot, s->gen,
	    iov, 2);
}

/* The id as the callee is to see it, in *shown; 0: nothing is to be sent.
 * -1: nonsense. */
static int
invocation_id(struct psess *s, const struct m_invocation *m, uint64_t *shown)
{
	if ((m->flags & INVOCATION_CONTINUES) == 0)
		return ((*shown = invocation_shown(s, m->request)) == 0 ?
		    -1 : 0);
	if (!invocation_was_shown(s, m->request))
		return (-1);
	*shown = invocation_continued(s, m->request);
	return (0);
}

int
out_on_invocation(struct chan *ch, struct imsg *im)
{
	struct m_invocation	 m;
	struct origin		 o;
	struct payload		 pl;
	struct details		 d;
	struct head		 h;
	struct psess		*s;
	const char		*text = NULL;
	enum wamp_err		 err;

	if (out_parse_invocation(im, &m, &o, &pl) == -1 ||
	    out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	memset(&h, 0, sizeof(h));
	h.code = WAMP_INVOCATION;
	h.n = 2;
	h.ids[1] = m.registration;
	if (invocation_id(s, &m, &h.ids[0]) == -1)
		return (-1);
	if (h.ids[0] == 0)
		return (0);	/* the broker has yet to hear of it */
	if ((m.flags & INVOCATION_MSGPACK) != 0 &&
	    s->conn->ser != SER_MSGPACK &&
	    invocation_asked(s, m.request) == -1) {
		conn_kill(s->conn, "out of memory");
		return (0);
	}
	invocation_details(&d, &m, &o, s->features);
	h.details = &d;
	if ((err = out_message(s->conn, &h, &pl, &text)) == WERR_NONE)
		return (0);
	if ((m.flags & INVOCATION_CONTINUES) == 0) {
		(void)invocation_answered(s, m.request);
		invocation_skip(s, m.request);
	}
	send_failed(s, m.request, err, text);
	return (0);
}

int
out_on_interrupt(struct chan *ch, struct imsg *im)
{
	struct m_interrupt	 m;
	struct details		 d = { .n = 0 };
	struct psess		*s;
	struct enc		 e;
	struct wbuf		*w;
	const char		*mode, *reason;
	uint64_t		 shown;

	memcpy(&m, im->data, sizeof(m));
	if (!out_is_id(m.request) || m.err == WERR_NONE ||
	    m.err >= WERR_MAX ||
	    (m.mode != CANCEL_KILL && m.mode != CANCEL_KILLNOWAIT) ||
	    out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if (!invocation_was_shown(s, m.request))
		return (-1);
	if ((shown = invocation_continued(s, m.request)) == 0)
		return (0);	/* its callee never saw it */
	mode = m.mode == CANCEL_KILL ? "kill" : "killnowait";
	reason = wamp_err_uri((enum wamp_err)m.err);
	details_text(&d, "mode", mode, strlen(mode));
	details_text(&d, "reason", reason, strlen(reason));
	w = out_begin(&e, s->conn->ser);
	enc_array(&e, 3);
	enc_uint(&e, WAMP_INTERRUPT);
	enc_uint(&e, shown);
	out_details(&e, &d, NULL);
	enc_end(&e);
	out_send(s->conn, WAMP_INTERRUPT, w);
	return (0);
}

/* -- to callers --------------------------------------------------------- */

/* A call goes on whose caller is told that it does not. */
static void
result_undelivered(struct psess *s, uint64_t request, enum wamp_err err,
    const char *text)
{
	struct conn	*c = s->conn;

	if (undelivered_add(s, request) == -1)
		conn_kill(c, "too many results that cannot be delivered");
	else
		out_error(c, WAMP_CALL, request, err, text, strlen(text));
}

int
out_on_result(struct chan *ch, struct imsg *im)
{
	struct m_result	 m;
	struct payload	 pl;
	struct details	 d = { .n = 0 };
	struct head	 h;
	struct psess	*s;
	const char	*text = NULL;
	enum wamp_err	 err;

	if (out_parse_result(im, &m, &pl) == -1 ||
	    out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL || undelivered_has(s, m.request))
		return (0);
	memset(&h, 0, sizeof(h));
	h.code = WAMP_RESULT;
	h.n = 1;
	h.ids[0] = m.request;
	if (m.flags & YIELD_PROGRESS) {
		details_true(&d, "progress");
		h.details = &d;
	}
	if ((err = out_message(s->conn, &h, &pl, &text)) == WERR_NONE)
		return (0);
	if (m.flags & YIELD_PROGRESS)
		result_undelivered(s, m.request, err, text);
	else
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
	struct uri	 uri;

	if (out_parse_error(im, &m, &uri, &pl) == -1 ||
	    out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL || undelivered_has(s, m.request))
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
	memset(&pl, 0, sizeof(pl));
	if (out_message(s->conn, &h, &pl, &text) != WERR_NONE)
		out_error(s->conn, WAMP_CALL, m.request,
		    WERR_PAYLOAD_SIZE_EXCEEDED, text, strlen(text));
	return (0);
}

int
out_on_call_over(struct chan *ch, struct imsg *im)
{
	struct m_call_over	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if (out_target(ch, im, &s) == -1)
		return (-1);
	return (s == NULL ? 0 : undelivered_over(s, m.request));
}
