/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Messages to clients, built from imsgs of the broker or by this process.
 * A payload is spliced in as it is where the serializers are equal, else
 * converted; either way it is checked, since it came from another process.
 */
#include <string.h>

#include "chan.h"
#include "pbuf.h"
#include "tlsproxy.h"
#include "uri.h"
#include "utf8.h"

/* A payload as it came: see msgtypes.h. */
struct payload {
	const uint8_t	*p;
	size_t		 len;
	uint8_t		 ser;
	uint8_t		 nargs;
};

/* The first elements of a message, before Arguments. */
struct head {
	unsigned int	 code;
	unsigned int	 n;		/* of ids */
	uint64_t	 ids[3];
	const char	*uri;		/* ERROR, else NULL */
	size_t		 urilen;
};

int
out_is_text(const void *p, size_t len)
{
	return (utf8_ok(p, len));
}

static struct wbuf *
out_begin(struct enc *e, int ser)
{
	struct wbuf	*w = &proxy->msg;

	wbuf_reset(w);
	enc_init(e, (enum ser)ser, w);
	return (w);
}

/* Send what was built; messages of ours are never too long for a client. */
static void
out_send(struct conn *c, const struct wbuf *w)
{
	if (!conn_is_open(c))
		return;
	if (w->failed)
		conn_kill(c, "out of memory");
	else if (transport_send(c, w->buf, w->len) == -1)
		conn_close_code(c, WS_TOOBIG, "message too long");
}

/* -- opening and closing ------------------------------------------------ */

static void
enc_role(struct enc *e)
{
	enc_map(e, 1);
	ENC_KEY(e, "features");
	enc_map(e, 0);
	enc_end(e);
	enc_end(e);
}

/* WAMP, CHALLENGE: the members that the keeper filled. */
void
out_challenge(struct conn *c, const struct m_auth_challenge *m,
    const char *texts)
{
	static const char *const kdfs[] = {
	    "", "pbkdf2", "argon2id13", "argon2id-13"
	};
	struct enc	 e;
	struct wbuf	*w = out_begin(&e, c->ser);
	const char	*method = wamp_auth_name(m->method);

	enc_array(&e, 3);
	enc_uint(&e, WAMP_CHALLENGE);
	enc_str(&e, method, strlen(method));
	enc_map(&e, (m->challengelen > 0) + (m->saltlen > 0) +
	    (m->noncelen > 0) + (m->kdf > 0) + (m->iterations > 0) +
	    (m->memory > 0) + (m->keylen > 0));
	if (m->challengelen > 0) {
		ENC_KEY(&e, "challenge");
		enc_str(&e, texts, m->challengelen);
	}
	texts += m->challengelen;
	if (m->saltlen > 0) {
		ENC_KEY(&e, "salt");
		enc_str(&e, texts, m->saltlen);
	}
	texts += m->saltlen;
	if (m->noncelen > 0) {
		ENC_KEY(&e, "nonce");
		enc_str(&e, texts, m->noncelen);
	}
	if (m->kdf > 0) {
		ENC_KEY(&e, "kdf");
		enc_str(&e, kdfs[m->kdf], strlen(kdfs[m->kdf]));
	}
	if (m->iterations > 0) {
		ENC_KEY(&e, "iterations");
		enc_uint(&e, m->iterations);
	}
	if (m->memory > 0) {
		ENC_KEY(&e, "memory");
		enc_uint(&e, m->memory);
	}
	if (m->keylen > 0) {
		ENC_KEY(&e, "keylen");
		enc_uint(&e, m->keylen);
	}
	enc_end(&e);
	enc_end(&e);
	out_send(c, w);
}

void
out_welcome(struct conn *c, const struct psess *s, const struct val *extra)
{
	struct enc	 e;
	struct wbuf	*w, *tmp = &proxy->tmp;
	const char	*method = wamp_auth_name(s->method);
	const char	*provider = s->provider == AUTH_PROVIDER_DYNAMIC ?
			    "dynamic" : "static";

	wbuf_reset(tmp);
	if (extra != NULL && codec_convert(extra, (enum ser)c->ser, tmp) !=
	    CODEC_OK)
		extra = NULL;
	w = out_begin(&e, c->ser);

	enc_array(&e, 3);
	enc_uint(&e, WAMP_WELCOME);
	enc_uint(&e, s->id);
	enc_map(&e, extra != NULL ? 8 : 7);
	ENC_KEY(&e, "realm");
	enc_str(&e, s->realm, strlen(s->realm));
	ENC_KEY(&e, "authid");
	enc_str(&e, s->authid, strlen(s->authid));
	ENC_KEY(&e, "authrole");
	enc_str(&e, s->role, strlen(s->role));
	ENC_KEY(&e, "authmethod");
	enc_str(&e, method, strlen(method));
	ENC_KEY(&e, "authprovider");
	enc_str(&e, provider, strlen(provider));
	if (extra != NULL) {
		ENC_KEY(&e, "authextra");
		enc_raw(&e, tmp->buf, tmp->len);
	}
	ENC_KEY(&e, "agent");
	ENC_KEY(&e, "wampd");
	ENC_KEY(&e, "roles");
	enc_map(&e, 2);
	ENC_KEY(&e, "broker");
	enc_role(&e);
	ENC_KEY(&e, "dealer");
	enc_role(&e);
	enc_end(&e);
	enc_end(&e);
	enc_end(&e);
	out_send(c, w);
}

/* [code, {"message": text}, reason] */
static void
out_farewell(struct conn *c, unsigned int code, enum wamp_err err,
    const char *text)
{
	struct enc	 e;
	struct wbuf	*w;
	const char	*uri = wamp_err_uri(err);

	if (!conn_is_open(c))
		return;
	w = out_begin(&e, c->ser);
	enc_array(&e, 3);
	enc_uint(&e, code);
	enc_map(&e, text != NULL && *text != '\0');
	if (text != NULL && *text != '\0') {
		ENC_KEY(&e, "message");
		enc_str(&e, text, strlen(text));
	}
	enc_end(&e);
	enc_str(&e, uri, strlen(uri));
	enc_end(&e);
	if (w->len > c->peermax && text != NULL)
		out_farewell(c, code, err, NULL);
	else
		out_send(c, w);
}

void
out_abort(struct conn *c, enum wamp_err err, const char *text)
{
	out_farewell(c, WAMP_ABORT, err, text);
}

void
out_goodbye(struct conn *c, enum wamp_err err, const char *text)
{
	out_farewell(c, WAMP_GOODBYE, err, text);
}

void
out_error(struct conn *c, unsigned int reqtype, uint64_t request,
    enum wamp_err err, const char *text, size_t textlen)
{
	struct enc	 e;
	struct wbuf	*w = out_begin(&e, c->ser);
	const char	*uri = wamp_err_uri(err);

	enc_array(&e, textlen > 0 ? 6 : 5);
	enc_uint(&e, WAMP_ERROR);
	enc_uint(&e, reqtype);
	enc_uint(&e, request);
	enc_map(&e, 0);
	enc_end(&e);
	enc_str(&e, uri, strlen(uri));
	if (textlen > 0) {
		enc_array(&e, 1);
		enc_str(&e, text, textlen);
		enc_end(&e);
	}
	enc_end(&e);
	if (w->len > c->peermax && textlen > 0)
		out_error(c, reqtype, request, err, NULL, 0);
	else
		out_send(c, w);
}

/* -- payloads ----------------------------------------------------------- */

/* Octets that make one list of nargs elements of the payload alone. */
static enum codec_err
payload_split(const struct payload *pl, struct wbuf *w, struct val v[2])
{
	static const uint8_t	open[SER_MAX] = { 0, '[', 0x90, 0x80 };
	uint8_t			first = open[pl->ser];
	size_t			n;
	enum codec_err		err;

	if (pl->ser != SER_JSON)
		first = (uint8_t)(first + pl->nargs);
	wbuf_reset(w);
	wbuf_add(w, &first, 1);
	wbuf_add(w, pl->p, pl->len);
	if (pl->ser == SER_JSON)
		wbuf_add(w, "]", 1);
	if (w->failed)
		return (CODEC_ENOMEM);
	err = codec_split((enum ser)pl->ser, w->buf, w->len, v, 2, &n);
	if (err == CODEC_OK && n != pl->nargs)
		err = CODEC_ESYNTAX;
	return (err);
}

/* Is what was built a message with the payload that was meant? */
static enum codec_err
payload_check(int ser, const struct wbuf *w, size_t headlen, uint8_t nargs)
{
	struct val	v[8];
	size_t		n;
	enum codec_err	err;

	err = codec_split((enum ser)ser, w->buf, w->len, v, 8, &n);
	if (err != CODEC_OK)
		return (err);
	if (n != headlen + nargs ||
	    (nargs > 0 && v[headlen].type != VAL_ARRAY) ||
	    (nargs > 1 && v[headlen + 1].type != VAL_MAP))
		return (CODEC_ESYNTAX);
	return (CODEC_OK);
}

/* Both values of a payload in another serializer, behind the head. */
static enum codec_err
payload_convert(const struct payload *pl, struct enc *e, struct wbuf *w)
{
	struct val	v[2];
	struct wbuf	conv;
	enum codec_err	err;
	int		i;

	if ((err = payload_split(pl, &proxy->tmp, v)) != CODEC_OK)
		return (err);
	if (v[0].type != VAL_ARRAY || (pl->nargs > 1 && v[1].type != VAL_MAP))
		return (CODEC_ESYNTAX);
	memset(&conv, 0, sizeof(conv));
	for (i = 0; i < pl->nargs && err == CODEC_OK; i++) {
		wbuf_reset(&conv);
		err = codec_convert(&v[i], e->ser, &conv);
		if (err == CODEC_OK)
			enc_raw(e, conv.buf, conv.len);
	}
	wbuf_free(&conv);
	if (err == CODEC_OK && w->failed)
		err = CODEC_ENOMEM;
	return (err);
}

/* [code, ids..., {}, uri?, args?, kwargs?] into proxy->msg. */
static enum codec_err
out_build(int ser, const struct head *h, const struct payload *pl)
{
	struct enc	 e;
	struct wbuf	*w = out_begin(&e, ser);
	unsigned int	 i, headlen = 2 + h->n + (h->uri != NULL);
	enum codec_err	 err = CODEC_OK;

	enc_array(&e, headlen + pl->nargs);
	enc_uint(&e, h->code);
	for (i = 0; i < h->n; i++)
		enc_uint(&e, h->ids[i]);
	enc_map(&e, 0);
	enc_end(&e);
	if (h->uri != NULL)
		enc_str(&e, h->uri, h->urilen);
	if (pl->nargs > 0 && pl->ser == ser)
		enc_raw(&e, pl->p, pl->len);
	else if (pl->nargs > 0)
		err = payload_convert(pl, &e, w);
	enc_end(&e);
	if (err == CODEC_OK && w->failed)
		err = CODEC_ENOMEM;
	if (err == CODEC_OK && pl->nargs > 0 && pl->ser == ser)
		err = payload_check(ser, w, headlen, pl->nargs);
	return (err);
}

static int
payload_set(struct payload *pl, const uint8_t *p, size_t len, uint8_t ser,
    uint8_t nargs)
{
	if (nargs > 2 || (nargs == 0) != (len == 0) ||
	    ser < SER_JSON || ser > SER_CBOR)
		return (-1);
	pl->p = p;
	pl->len = len;
	pl->ser = ser;
	pl->nargs = nargs;
	return (0);
}

/* -- answers ------------------------------------------------------------ */

static int
is_id(uint64_t id)
{
	return (id >= 1 && id <= WAMP_ID_MAX);
}

/* The joined session of an imsg in *s (NULL: dropped, that is normal);
 * -1: nonsense. */
static int
target(struct chan *ch, struct imsg *m, struct psess **s)
{
	int	nonsense;

	*s = session_find(chan_arg(ch), m, &nonsense);
	if (nonsense)
		return (-1);
	if (*s != NULL && (*s)->state != SESS_JOINED) {
		/* nothing may come before SESSION_OPEN */
		if ((*s)->state == SESS_AUTHENTICATING)
			return (-1);
		*s = NULL;
	}
	return (0);
}

static void
out_ids(struct conn *c, unsigned int code, uint64_t a, uint64_t b, int n)
{
	struct enc	 e;
	struct wbuf	*w = out_begin(&e, c->ser);

	enc_array(&e, (uint32_t)n + 1);
	enc_uint(&e, code);
	enc_uint(&e, a);
	if (n > 1)
		enc_uint(&e, b);
	enc_end(&e);
	out_send(c, w);
}

int
out_on_subscribed(struct chan *ch, struct imsg *im)
{
	struct m_subscribed	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if (!is_id(m.request) || !is_id(m.subscription) ||
	    target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if (submap_add(s, m.subscription) == -1) {
		conn_kill(s->conn, "out of memory");
		return (0);
	}
	out_ids(s->conn, WAMP_SUBSCRIBED, m.request, m.subscription, 2);
	return (0);
}

int
out_on_unsubscribed(struct chan *ch, struct imsg *im)
{
	struct m_unsubscribed	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if ((m.request != 0 && !is_id(m.request)) ||
	    (m.request != 0 && im->len != sizeof(m)) ||
	    target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	submap_remove(s, m.subscription);
	/* request 0: the broker took the subscription away (a reload) */
	if (m.request != 0)
		out_ids(s->conn, WAMP_UNSUBSCRIBED, m.request, 0, 1);
	return (0);
}

int
out_on_published(struct chan *ch, struct imsg *im)
{
	struct m_published	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if (!is_id(m.request) || !is_id(m.publication) ||
	    target(ch, im, &s) == -1)
		return (-1);
	if (s != NULL)
		out_ids(s->conn, WAMP_PUBLISHED, m.request, m.publication, 2);
	return (0);
}

int
out_on_registered(struct chan *ch, struct imsg *im)
{
	struct m_registered	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if (!is_id(m.request) || !is_id(m.registration) ||
	    target(ch, im, &s) == -1)
		return (-1);
	if (s != NULL)
		out_ids(s->conn, WAMP_REGISTERED, m.request, m.registration,
		    2);
	return (0);
}

int
out_on_unregistered(struct chan *ch, struct imsg *im)
{
	struct m_unregistered	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if ((m.request != 0 && !is_id(m.request)) ||
	    (m.request != 0 && im->len != sizeof(m)) ||
	    target(ch, im, &s) == -1)
		return (-1);
	if (s != NULL && m.request != 0)
		out_ids(s->conn, WAMP_UNREGISTERED, m.request, 0, 1);
	return (0);
}

/* What a client asks and a broker may refuse. */
static int
is_request(unsigned int code)
{
	switch (code) {
	case WAMP_PUBLISH:
	case WAMP_SUBSCRIBE:
	case WAMP_UNSUBSCRIBE:
	case WAMP_CALL:
	case WAMP_REGISTER:
	case WAMP_UNREGISTER:
		return (1);
	default:
		return (0);
	}
}

int
out_on_refused(struct chan *ch, struct imsg *im)
{
	const char		*text = (const char *)im->data +
				    sizeof(struct m_refused);
	struct m_refused	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if (m.textlen != im->len - sizeof(m) || m.textlen > REASON_MAXLEN ||
	    m.err == WERR_NONE || m.err >= WERR_MAX ||
	    !is_request(m.reqtype) || !is_id(m.request) ||
	    target(ch, im, &s) == -1)
		return (-1);
	/* the text may be another tlsproxy's, not the broker's own */
	if (!out_is_text(text, m.textlen))
		m.textlen = 0;
	if (s != NULL)
		out_error(s->conn, m.reqtype, m.request, (enum wamp_err)m.err,
		    text, m.textlen);
	return (0);
}

/* -- messages with a payload -------------------------------------------- */

static const char too_long[] = "longer than the receiver accepts";
static const char not_convertible[] =
    "cannot be converted to the receiver's serializer";

/* Why a message cannot be delivered to its receiver. */
static enum wamp_err
build_error(enum codec_err err, const char **text)
{
	if (err == CODEC_OK) {
		*text = too_long;
		return (WERR_PAYLOAD_SIZE_EXCEEDED);
	}
	*text = not_convertible;
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
	    m.pptlen != 0 || !is_id(m.request) ||
	    !is_id(m.registration) || target(ch, im, &s) == -1)
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
	    m.flags != 0 || !is_id(m.request) || target(ch, im, &s) == -1)
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
	    !is_id(m.request) || !uri_is_valid(&uri, URI_LOOSE) ||
	    !uri_is_utf8(&uri) || payload_set(&pl, p + m.urilen, m.paylen,
	    m.ser, m.nargs) == -1 || target(ch, im, &s) == -1)
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

/* -- events ------------------------------------------------------------- */

/* One EVENT on its way to many: built once per serializer, framed once per
 * serializer and transport. */
struct fanout {
	struct head	 h;
	struct payload	 pl;
	uint8_t		 tried[SER_MAX];
	uint8_t		 failed[SER_MAX];
	size_t		 msglen[SER_MAX];
	struct pbuf	*frame[SER_MAX][2];
};

static struct pbuf *
fanout_frame(struct fanout *f, int ser, int is_ws)
{
	struct wbuf	*w = &proxy->msg;

	if (f->failed[ser])
		return (NULL);
	if (f->frame[ser][is_ws] != NULL)
		return (f->frame[ser][is_ws]);
	if (out_build(ser, &f->h, &f->pl) != CODEC_OK ||
	    (f->frame[ser][is_ws] = transport_frame(is_ws, ser, w->buf,
	    w->len)) == NULL) {
		f->failed[ser] = 1;
		return (NULL);
	}
	f->msglen[ser] = w->len;
	return (f->frame[ser][is_ws]);
}

static void
event_to(struct fanout *f, struct psess *s)
{
	struct conn	*c = s->conn;
	struct pbuf	*pb;

	if (!conn_is_open(c) || !session_may_event(s))
		return;
	if ((pb = fanout_frame(f, c->ser, c->is_ws)) == NULL ||
	    f->msglen[c->ser] > c->peermax) {
		c->p->dropped++;
		if (log_may(&c->p->log_drop, 2))
			log_session("event dropped for session %llu: %s",
			    (unsigned long long)s->id, pb == NULL ?
			    not_convertible : too_long);
		return;
	}
	conn_queue_pbuf(c, pb);
}

static int
is_excepted(const struct psess *s, const uint8_t *list, uint32_t n)
{
	struct m_sessref	r;
	uint32_t		i;

	for (i = 0; i < n; i++) {
		memcpy(&r, list + i * sizeof(r), sizeof(r));
		if (r.slot == s->slot && r.gen == s->gen)
			return (1);
	}
	return (0);
}

int
out_on_event(struct chan *ch, struct imsg *im)
{
	struct broker	*b = chan_arg(ch);
	struct m_event	 m;
	struct fanout	 f;
	struct submap	*sub;
	struct sublink	*l, *next;
	const uint8_t	*list = im->data + sizeof(m);
	size_t		 listlen, i;

	memcpy(&m, im->data, sizeof(m));
	listlen = (size_t)m.nrefs * sizeof(struct m_sessref);
	memset(&f, 0, sizeof(f));
	if (m.nrefs > EVENT_MAXREFS || listlen > im->len - sizeof(m) ||
	    m.paylen != im->len - sizeof(m) - listlen || im->slot != 0 ||
	    m.flags != 0 || m.topiclen != 0 || m.pptlen != 0 || !is_id(m.subscription) ||
	    !is_id(m.publication) || payload_set(&f.pl, list + listlen,
	    m.paylen, m.ser, m.nargs) == -1)
		return (-1);
	/* the last session may have left while it was under way */
	if ((sub = submap_find(b, m.subscription)) == NULL)
		return (0);
	f.h.code = WAMP_EVENT;
	f.h.n = 2;
	f.h.ids[0] = m.subscription;
	f.h.ids[1] = m.publication;
	for (l = TAILQ_FIRST(&sub->links); l != NULL; l = next) {
		next = TAILQ_NEXT(l, sub_entry);
		if (!is_excepted(l->sess, list, m.nrefs))
			event_to(&f, l->sess);
	}
	for (i = 0; i < SER_MAX; i++) {
		pbuf_unref(f.frame[i][0]);
		pbuf_unref(f.frame[i][1]);
	}
	return (0);
}
