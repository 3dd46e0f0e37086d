/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Messages to clients without a payload, built from imsgs of the broker or by
 * this process.
 */
#include <string.h>

#include "chan.h"
#include "tlsproxy.h"
#include "utf8.h"
#include "wamp_out.h"

int
out_is_text(const void *p, size_t len)
{
	return (utf8_ok(p, len));
}

struct wbuf *
out_begin(struct enc *e, int ser)
{
	struct wbuf	*w = &proxy->msg;

	wbuf_reset(w);
	enc_init(e, (enum ser)ser, w);
	return (w);
}

void
out_send(struct conn *c, enum wamp_code code, const struct wbuf *w)
{
	struct iovec	iov;

	if (!conn_is_open(c))
		return;
	iov_set(&iov, w->buf, w->len);
	if (w->failed)
		conn_kill(c, "out of memory");
	else if (transport_send(c, &iov, 1, NULL) == -1)
		conn_close_code(c, WS_TOOBIG, "message too long");
	else
		c->p->counts.out[code]++;
}

/* -- opening and closing ------------------------------------------------ */

#define OF_BROKER	0x01
#define OF_DEALER	0x02

/*
 * WAMP, Feature Announcement: what the roles of the router do of the Advanced
 * Profile, each where its chapter says.
 */
static const struct announced {
	const char	*name;
	uint8_t		 roles;		/* OF_* */
	uint8_t		 if_history;	/* of realms that have it */
	uint8_t		 if_retain;
} announced[] = {
	{ "call_canceling", OF_DEALER, 0, 0 },
	{ "call_reroute", OF_DEALER, 0, 0 },
	{ "call_timeout", OF_DEALER, 0, 0 },
	{ "call_trustlevels", OF_DEALER, 0, 0 },
	{ "caller_identification", OF_DEALER, 0, 0 },
	{ "event_history", OF_BROKER, 1, 0 },
	{ "event_retention", OF_BROKER, 0, 1 },
	{ "pattern_based_registration", OF_DEALER, 0, 0 },
	{ "pattern_based_subscription", OF_BROKER, 0, 0 },
	{ "payload_passthru_mode", OF_BROKER | OF_DEALER, 0, 0 },
	{ "progressive_call_invocations", OF_DEALER, 0, 0 },
	{ "progressive_call_results", OF_DEALER, 0, 0 },
	{ "publication_trustlevels", OF_BROKER, 0, 0 },
	{ "publisher_exclusion", OF_BROKER, 0, 0 },
	{ "publisher_identification", OF_BROKER, 0, 0 },
	{ "registration_meta_api", OF_DEALER, 0, 0 },
	{ "registration_revocation", OF_DEALER, 0, 0 },
	{ "session_meta_api", OF_BROKER | OF_DEALER, 0, 0 },
	{ "shared_registration", OF_DEALER, 0, 0 },
	{ "subscriber_blackwhite_listing", OF_BROKER, 0, 0 },
	{ "subscription_meta_api", OF_BROKER, 0, 0 },
	{ "subscription_revocation", OF_BROKER, 0, 0 },
	{ "testament_meta_api", OF_DEALER, 0, 0 },
};
#define NANNOUNCED	(sizeof(announced) / sizeof(announced[0]))

static int
is_announced(const struct announced *a, int role, const struct conf_realm *r)
{
	return ((a->roles & role) != 0 &&
	    (!a->if_history || (r != NULL && r->has_history)) &&
	    (!a->if_retain || (r != NULL && r->has_retain)));
}

static void
enc_role(struct enc *e, int role, const struct conf_realm *r, int is_short)
{
	uint32_t	n = 0;
	size_t		i;

	for (i = 0; i < NANNOUNCED && !is_short; i++)
		n += is_announced(&announced[i], role, r);
	enc_map(e, 1);
	ENC_KEY(e, "features");
	enc_map(e, n);
	for (i = 0; i < NANNOUNCED && n > 0; i++) {
		if (!is_announced(&announced[i], role, r))
			continue;
		enc_str(e, announced[i].name, strlen(announced[i].name));
		enc_bool(e, 1);
	}
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
	out_send(c, WAMP_CHALLENGE, w);
}

/* WELCOME into proxy->msg; without features if it is to be short. */
static struct wbuf *
build_welcome(const struct conn *c, const struct psess *s,
    const struct val *extra, int is_short)
{
	const struct conf_realm	*r = conf_find_realm(c->p->conf, s->realm,
				    strlen(s->realm));
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
	enc_role(&e, OF_BROKER, r, is_short);
	ENC_KEY(&e, "dealer");
	enc_role(&e, OF_DEALER, r, is_short);
	enc_end(&e);
	enc_end(&e);
	enc_end(&e);
	return (w);
}

void
out_welcome(struct conn *c, const struct psess *s, const struct val *extra)
{
	struct wbuf	*w = build_welcome(c, s, extra, 0);

	/* some take 512 octets, and use none of them */
	if (w->len > c->peermax)
		w = build_welcome(c, s, extra, 1);
	out_send(c, WAMP_WELCOME, w);
}

/* [code, {"message": text}, reason] */
static void
out_farewell(struct conn *c, unsigned int code, enum wamp_err err,
    const struct uri *reason, const char *text)
{
	struct enc	 e;
	struct wbuf	*w;
	const char	*uri = reason != NULL ? reason->p : wamp_err_uri(err);

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
	enc_str(&e, uri, reason != NULL ? reason->len : strlen(uri));
	enc_end(&e);
	if (w->len > c->peermax && text != NULL)
		out_farewell(c, code, err, reason, NULL);
	else if (w->len > c->peermax && reason != NULL)
		out_farewell(c, code, err, NULL, NULL);
	else
		out_send(c, (enum wamp_code)code, w);
}

void
out_abort(struct conn *c, enum wamp_err err, const char *text)
{
	out_farewell(c, WAMP_ABORT, err, NULL, text);
}

void
out_goodbye(struct conn *c, enum wamp_err err, const struct uri *reason,
    const char *text)
{
	out_farewell(c, WAMP_GOODBYE, err, reason, text);
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
		out_send(c, WAMP_ERROR, w);
}

/* -- answers ------------------------------------------------------------ */

int
out_target(struct chan *ch, struct imsg *m, struct psess **s)
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
	out_send(c, (enum wamp_code)code, w);
}

int
out_on_subscribed(struct chan *ch, struct imsg *im)
{
	struct m_subscribed	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if (!out_is_id(m.request) || !out_is_id(m.subscription) ||
	    out_target(ch, im, &s) == -1)
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

/* WAMP, Subscription Revocation and Registration Revocation: [code, 0,
 * {what: id, "reason": text}] */
static void
out_revoked(struct conn *c, unsigned int code, const char *what, uint64_t id,
    const char *text, size_t textlen)
{
	struct details	 d = { .n = 0 };
	struct enc	 e;
	struct wbuf	*w = out_begin(&e, c->ser);

	details_uint(&d, what, id);
	/* the text may be another client's, not the broker's own */
	if (textlen > 0 && out_is_text(text, textlen))
		details_text(&d, "reason", text, textlen);
	enc_array(&e, 3);
	enc_uint(&e, code);
	enc_uint(&e, 0);
	out_details(&e, &d, NULL);
	enc_end(&e);
	if (w->len > c->peermax && textlen > 0)
		out_revoked(c, code, what, id, NULL, 0);
	else
		out_send(c, (enum wamp_code)code, w);
}

int
out_on_unsubscribed(struct chan *ch, struct imsg *im)
{
	struct m_unsubscribed	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if ((m.request != 0 && !out_is_id(m.request)) ||
	    !out_is_id(m.subscription) ||
	    (m.request != 0 && im->len != sizeof(m)) ||
	    out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	submap_remove(s, m.subscription);
	if (m.request != 0)
		out_ids(s->conn, WAMP_UNSUBSCRIBED, m.request, 0, 1);
	else if (s->features & FEAT_SUBSCRIBER_REVOCATION)
		out_revoked(s->conn, WAMP_UNSUBSCRIBED, "subscription",
		    m.subscription, (const char *)im->data + sizeof(m),
		    im->len - sizeof(m));
	return (0);
}

int
out_on_published(struct chan *ch, struct imsg *im)
{
	struct m_published	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if (!out_is_id(m.request) || !out_is_id(m.publication) ||
	    out_target(ch, im, &s) == -1)
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
	if (!out_is_id(m.request) || !out_is_id(m.registration) ||
	    out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	s->nregs++;
	out_ids(s->conn, WAMP_REGISTERED, m.request, m.registration, 2);
	return (0);
}

int
out_on_unregistered(struct chan *ch, struct imsg *im)
{
	struct m_unregistered	 m;
	struct psess		*s;

	memcpy(&m, im->data, sizeof(m));
	if ((m.request != 0 && !out_is_id(m.request)) ||
	    (m.request == 0 && !out_is_id(m.registration)) ||
	    (m.request != 0 && im->len != sizeof(m)) ||
	    out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if (s->nregs > 0)
		s->nregs--;
	if (m.request != 0)
		out_ids(s->conn, WAMP_UNREGISTERED, m.request, 0, 1);
	else if (s->features & FEAT_CALLEE_REVOCATION)
		out_revoked(s->conn, WAMP_UNREGISTERED, "registration",
		    m.registration, (const char *)im->data + sizeof(m),
		    im->len - sizeof(m));
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
	case WAMP_YIELD:
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
	    !is_request(m.reqtype) || !out_is_id(m.request) ||
	    out_target(ch, im, &s) == -1)
		return (-1);
	if (s == NULL || (m.reqtype == WAMP_CALL &&
	    undelivered_has(s, m.request)))
		return (0);
	/* an invocation that the callee was refused to answer */
	if (m.reqtype == WAMP_YIELD && (!invocation_was_shown(s, m.request) ||
	    (m.request = invocation_continued(s, m.request)) == 0))
		return (-1);
	/* the text may be another tlsproxy's, not the broker's own */
	if (!out_is_text(text, m.textlen))
		m.textlen = 0;
	out_error(s->conn, m.reqtype, m.request, (enum wamp_err)m.err, text,
	    m.textlen);
	return (0);
}
