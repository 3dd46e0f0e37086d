/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What brokers say of messages with a payload: one function an imsg, fixed
 * part, variable parts in order, nothing left over.  A broker has looked at
 * all of it but payloads and what belongs to them, so anything else that is
 * wrong is its own fault.
 */
#include <string.h>

#include "chan.h"
#include "tlsproxy.h"
#include "wamp_out.h"

int
out_is_id(uint64_t id)
{
	return (id >= 1 && id <= WAMP_ID_MAX);
}

/* The table made sure that the fixed part is there. */
static void
unread_begin(struct unread *r, const struct imsg *im, void *fixed, size_t len)
{
	memcpy(fixed, im->data, len);
	r->p = im->data + len;
	r->left = im->len - len;
	r->pb = im->pb;
}

static int
unread_octets(struct unread *r, size_t len, const uint8_t **p)
{
	if (len > r->left)
		return (-1);
	*p = r->p;
	r->p += len;
	r->left -= len;
	return (0);
}

static int
unread_text(struct unread *r, uint16_t len, size_t max, struct uri *text)
{
	const uint8_t	*p;

	if (len > max || unread_octets(r, len, &p) == -1 ||
	    !out_is_text(p, len))
		return (-1);
	text->p = (const char *)p;
	text->len = len;
	return (0);
}

static int
unread_uri(struct unread *r, uint16_t len, struct uri *uri)
{
	return (unread_text(r, len, URI_MAXLEN, uri) == 0 &&
	    uri_is_valid(uri, URI_LOOSE) ? 0 : -1);
}

/* Topic or procedure, authid and role, which follow each other. */
static int
unread_origin(struct unread *r, uint16_t urilen, uint16_t authidlen,
    uint16_t rolelen, struct origin *o)
{
	if (urilen > 0 && unread_uri(r, urilen, &o->uri) == -1)
		return (-1);
	if (o->session == 0 && (authidlen > 0 || rolelen > 0))
		return (-1);
	return (unread_text(r, authidlen, AUTHID_MAXLEN, &o->authid) == 0 &&
	    unread_text(r, rolelen, CONF_MAXNAME, &o->role) == 0 ? 0 : -1);
}

/* The session that is disclosed, or 0; and the trust level. */
static int
origin_begin(struct origin *o, uint64_t session, int is_disclosed,
    uint32_t trust, int has_trust)
{
	memset(o, 0, sizeof(*o));
	if (is_disclosed ? !out_is_id(session) : session != 0)
		return (-1);
	if (!has_trust && trust != 0)
		return (-1);
	o->session = session;
	o->trust = trust;
	o->has_trust = has_trust != 0;
	return (0);
}

/* Nobody looked at the ppt_* since they left another tlsproxy. */
static void
payload_ppt(struct payload *pl, const uint8_t *p, size_t len)
{
	int	i;

	pl->has_ppt = len > 0;
	pl->is_bad = len > 0 && ppt_read(p, len, pl->ppt) == -1;
	for (i = 0; i < PPT_ATTRS && pl->has_ppt && !pl->is_bad; i++)
		pl->is_bad = !out_is_text(pl->ppt[i].p, pl->ppt[i].len);
}

/* A payload and what is before it. */
static int
unread_payload(struct unread *r, uint16_t pptlen, uint8_t ser, uint8_t nargs,
    uint32_t len, struct payload *pl)
{
	const uint8_t	*ppt;

	if (pptlen > PPT_MAXLEN || unread_octets(r, pptlen, &ppt) == -1 ||
	    unread_octets(r, len, &pl->p) == -1 || nargs > 2 ||
	    (nargs == 0) != (len == 0) || ser < SER_JSON || ser > SER_CBOR)
		return (-1);
	pl->len = len;
	pl->pb = r->pb;
	pl->ser = ser;
	pl->nargs = nargs;
	payload_ppt(pl, ppt, pptlen);
	return (0);
}

/* The same up to the end. */
static int
unread_last(struct unread *r, uint16_t pptlen, uint8_t ser, uint8_t nargs,
    uint32_t len, struct payload *pl)
{
	return (unread_payload(r, pptlen, ser, nargs, len, pl) == 0 &&
	    r->left == 0 ? 0 : -1);
}

int
out_parse_event(const struct imsg *im, struct m_event *m,
    const uint8_t **refs, struct origin *o, struct payload *pl)
{
	struct unread	r;

	unread_begin(&r, im, m, sizeof(*m));
	if (im->slot != 0 || (m->flags & ~EVENT_FLAGS) != 0 ||
	    !out_is_id(m->subscription) || !out_is_id(m->publication) ||
	    m->nrefs > EVENT_MAXREFS || unread_octets(&r,
	    (size_t)m->nrefs * sizeof(struct m_sessref), refs) == -1 ||
	    origin_begin(o, m->publisher, (m->flags & EVENT_PUBLISHER) != 0,
	    m->trust, (m->flags & EVENT_TRUST) != 0) == -1 ||
	    unread_origin(&r, m->topiclen, m->authidlen, m->rolelen, o) == -1)
		return (-1);
	return (unread_last(&r, m->pptlen, m->ser, m->nargs, m->paylen, pl));
}

int
out_parse_invocation(const struct imsg *im, struct m_invocation *m,
    struct origin *o, struct payload *pl)
{
	struct unread	r;

	unread_begin(&r, im, m, sizeof(*m));
	if ((m->flags & ~INVOCATION_FLAGS) != 0 || !out_is_id(m->request) ||
	    !out_is_id(m->registration) ||
	    origin_begin(o, m->caller, (m->flags & INVOCATION_CALLER) != 0,
	    m->trust, (m->flags & INVOCATION_TRUST) != 0) == -1 ||
	    unread_origin(&r, m->proclen, m->authidlen, m->rolelen, o) == -1)
		return (-1);
	return (unread_last(&r, m->pptlen, m->ser, m->nargs, m->paylen, pl));
}

int
out_parse_result(const struct imsg *im, struct m_result *m,
    struct payload *pl)
{
	struct unread	r;

	unread_begin(&r, im, m, sizeof(*m));
	if ((m->flags & ~YIELD_PROGRESS) != 0 || !out_is_id(m->request))
		return (-1);
	return (unread_last(&r, m->pptlen, m->ser, m->nargs, m->paylen, pl));
}

int
out_parse_error(const struct imsg *im, struct m_error *m, struct uri *uri,
    struct payload *pl)
{
	struct unread	r;

	unread_begin(&r, im, m, sizeof(*m));
	if (!out_is_id(m->request) || unread_uri(&r, m->urilen, uri) == -1)
		return (-1);
	return (unread_last(&r, m->pptlen, m->ser, m->nargs, m->paylen, pl));
}

int
out_parse_history(const struct imsg *im, struct m_history *m,
    struct unread *r)
{
	unread_begin(r, im, m, sizeof(*m));
	return (out_is_id(m->request) && (m->flags & ~HISTORY_MORE) == 0 ?
	    0 : -1);
}

int
out_parse_history_event(struct unread *r, struct m_history_event *m,
    struct origin *o, struct payload *pl)
{
	const uint8_t	*p;

	if (unread_octets(r, sizeof(*m), &p) == -1)
		return (-1);
	memcpy(m, p, sizeof(*m));
	if (!out_is_id(m->subscription) || !out_is_id(m->publication) ||
	    (m->flags & ~(EVENT_PUBLISHER | EVENT_TRUST)) != 0 ||
	    origin_begin(o, m->publisher, (m->flags & EVENT_PUBLISHER) != 0,
	    m->trust, (m->flags & EVENT_TRUST) != 0) == -1 ||
	    unread_origin(r, m->topiclen, m->authidlen, m->rolelen, o) == -1)
		return (-1);
	return (unread_payload(r, m->pptlen, m->ser, m->nargs, m->paylen,
	    pl));
}
