/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * One function an imsg of a tlsproxy or the keeper: fixed part, variable
 * parts in order, nothing left over.  Whether a URI is one is not asked
 * here: a client may send any, and gets an answer.  -1 is nonsense.
 */
#include <string.h>

#include "broker.h"
#include "codec.h"
#include "pbuf.h"
#include "pubsub.h"

/* What is left to read of an imsg. */
struct rd {
	const uint8_t	*p;
	size_t		 left;
	struct pbuf	*pb;		/* of all of it, or NULL */
};

static int
rd_begin(struct rd *r, const struct imsg *im, void *fixed, size_t len)
{
	if (len > im->len)
		return (-1);
	memcpy(fixed, im->data, len);
	r->p = im->data + len;
	r->left = im->len - len;
	r->pb = im->pb;
	return (0);
}

static int
rd_octets(struct rd *r, size_t len, const uint8_t **p)
{
	if (len > r->left)
		return (-1);
	*p = r->p;
	r->p += len;
	r->left -= len;
	return (0);
}

static int
rd_uri(struct rd *r, uint16_t len, struct uri *u)
{
	const uint8_t	*p;

	if (rd_octets(r, len, &p) == -1)
		return (-1);
	u->p = (const char *)p;
	u->len = len;
	return (0);
}

static int
rd_body(struct rd *r, uint8_t ser, uint8_t nargs, uint32_t len,
    struct body *b)
{
	if (ser < 1 || ser >= SER_MAX || nargs > 2 ||
	    (nargs == 0) != (len == 0))
		return (-1);
	/* a short body does not keep a long filter */
	b->pb = r->pb != NULL && len >= r->pb->size / 2 ? r->pb : NULL;
	b->len = len;
	b->ser = ser;
	b->nargs = nargs;
	return (rd_octets(r, len, &b->p));
}

/* What they say is for the receivers to read. */
static int
rd_ppt(struct rd *r, uint16_t len, struct body *b)
{
	if (len > PPT_MAXLEN)
		return (-1);
	b->pptlen = len;
	return (rd_octets(r, len, &b->ppt));
}

static int
rd_end(const struct rd *r)
{
	return (r->left == 0 ? 0 : -1);
}

int
parse_grant(const struct imsg *im, struct m_grant *m, const uint8_t **authid,
    const uint8_t **extra)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 ||
	    m->authidlen > AUTHID_MAXLEN || m->extralen > AUTH_MAXEXTRA ||
	    m->provider > AUTH_PROVIDER_DYNAMIC ||
	    rd_octets(&r, m->authidlen, authid) == -1 ||
	    rd_octets(&r, m->extralen, extra) == -1 ||
	    m->session < 1 || m->session > WAMP_ID_MAX ||
	    wamp_auth_name(m->method) == NULL || im->slot == 0 || im->slot >= SLOT_MAX)
		return (-1);
	return (rd_end(&r));
}

int
parse_revoke(const struct imsg *im, struct m_revoke *m, const uint8_t **p)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 || m->n > REVOKE_MAX ||
	    rd_octets(&r, m->n * sizeof(uint64_t), p) == -1)
		return (-1);
	return (rd_end(&r));
}

int
parse_auth_call(const struct imsg *im, struct m_auth_call *m,
    struct uri *procedure, struct body *args)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 || m->urilen == 0 ||
	    m->urilen > URI_MAXLEN || m->arglen > AUTH_MAXARGS ||
	    m->timeout == 0 || wamp_auth_name(m->method) == NULL ||
	    rd_uri(&r, m->urilen, procedure) == -1 ||
	    rd_body(&r, SER_MSGPACK, 1, m->arglen, args) == -1)
		return (-1);
	return (rd_end(&r));
}

int
parse_close(const struct imsg *im, struct m_session_close *m)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 ||
	    m->why < CLOSE_GOODBYE || m->why > CLOSE_NEVER)
		return (-1);
	return (rd_end(&r));
}

int
parse_subscribe(const struct imsg *im, struct m_subscribe *m,
    struct uri *topic)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 || m->match >= MATCH_MAX ||
	    (m->flags & ~SUBSCRIBE_GET_RETAINED) != 0 ||
	    rd_uri(&r, m->urilen, topic) == -1)
		return (-1);
	return (rd_end(&r));
}

int
parse_unsubscribe(const struct imsg *im, struct m_unsubscribe *m)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1)
		return (-1);
	return (rd_end(&r));
}

int
parse_features(const struct imsg *im, struct m_session_features *m)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 ||
	    (m->features & ~FEAT_ALL) != 0)
		return (-1);
	return (rd_end(&r));
}

int
parse_publish(const struct imsg *im, struct m_publish *m, struct uri *topic,
    const uint8_t **filter, struct body *b)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 ||
	    (m->flags & ~PUBLISH_FLAGS) != 0 ||
	    rd_uri(&r, m->urilen, topic) == -1 ||
	    rd_octets(&r, m->filterlen, filter) == -1 ||
	    (m->filterlen > 0 && filter_check(*filter, m->filterlen) == -1) ||
	    rd_ppt(&r, m->pptlen, b) == -1 ||
	    rd_body(&r, m->ser, m->nargs, m->paylen, b) == -1)
		return (-1);
	return (rd_end(&r));
}

int
parse_register(const struct imsg *im, struct m_register *m,
    struct uri *procedure)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 || m->match >= MATCH_MAX ||
	    m->invoke >= INVOKE_MAX || (m->flags & ~REGISTER_FLAGS) != 0 ||
	    rd_uri(&r, m->urilen, procedure) == -1)
		return (-1);
	return (rd_end(&r));
}

int
parse_unregister(const struct imsg *im, struct m_unregister *m)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1)
		return (-1);
	return (rd_end(&r));
}

int
parse_call(const struct imsg *im, struct m_call *m, struct uri *procedure,
    struct body *b)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 ||
	    (m->flags & ~CALL_FLAGS) != 0 ||
	    rd_uri(&r, m->urilen, procedure) == -1 ||
	    rd_ppt(&r, m->pptlen, b) == -1 ||
	    rd_body(&r, m->ser, m->nargs, m->paylen, b) == -1)
		return (-1);
	return (rd_end(&r));
}

int
parse_cancel(const struct imsg *im, struct m_cancel *m)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 || m->mode == 0 ||
	    m->mode >= CANCEL_MAX)
		return (-1);
	return (rd_end(&r));
}

int
parse_yield(const struct imsg *im, struct m_yield *m, struct body *b)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 ||
	    (m->flags & ~YIELD_PROGRESS) != 0 ||
	    rd_ppt(&r, m->pptlen, b) == -1 ||
	    rd_body(&r, m->ser, m->nargs, m->paylen, b) == -1)
		return (-1);
	return (rd_end(&r));
}

int
parse_error(const struct imsg *im, struct m_error *m, struct uri *error,
    struct body *b)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 ||
	    rd_uri(&r, m->urilen, error) == -1 ||
	    rd_ppt(&r, m->pptlen, b) == -1 ||
	    rd_body(&r, m->ser, m->nargs, m->paylen, b) == -1)
		return (-1);
	return (rd_end(&r));
}

/* The text goes to another tlsproxy's client. */
int
parse_failed(const struct imsg *im, struct m_invocation_failed *m,
    struct uri *text)
{
	struct rd	r;

	if (rd_begin(&r, im, m, sizeof(*m)) == -1 || m->err == WERR_NONE ||
	    m->err >= WERR_MAX || m->textlen > REASON_MAXLEN ||
	    rd_uri(&r, m->textlen, text) == -1 || !uri_is_utf8(text))
		return (-1);
	return (rd_end(&r));
}
