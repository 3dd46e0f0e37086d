/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The session state machine: HELLO to WELCOME or ABORT, GOODBYE, and the
 * slots by which keeper and broker name a session.  A slot is given to
 * another session only when neither has anything to say of the old one.
 */
#include <sys/socket.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "mono.h"
#include "peercert.h"
#include "tlsproxy.h"

/* -- slots -------------------------------------------------------------- */

static int
slots_grow(struct proxy *p)
{
	struct slot	*ns;
	uint32_t	 i, n = p->nslots == 0 ? 64 : p->nslots * 2;
	uint32_t	 max = p->conf->limits.connections;

	/* every connection may have one under way and one that ends */
	if (p->nslots >= 2 * (uint64_t)max + 64 || p->nslots >= SLOT_MAX)
		return (-1);
	if ((ns = reallocarray(p->slots, n, sizeof(*ns))) == NULL)
		return (-1);
	p->slots = ns;
	for (i = n - 1; i >= p->nslots && i > 0; i--) {
		ns[i].sess = NULL;
		ns[i].gen = 1;
		ns[i].next_free = p->free_slot;
		p->free_slot = i;
	}
	if (p->nslots == 0)
		memset(&ns[0], 0, sizeof(ns[0]));
	p->nslots = n;
	return (0);
}

static struct psess *
psess_new(struct proxy *p)
{
	struct psess	*s;
	uint32_t	 slot;

	if (p->free_slot == 0 && slots_grow(p) == -1)
		return (NULL);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	slot = p->free_slot;
	p->free_slot = p->slots[slot].next_free;
	p->slots[slot].sess = s;
	s->slot = slot;
	s->gen = p->slots[slot].gen;
	TAILQ_INIT(&s->subs);
	p->nsess++;
	return (s);
}

static void
psess_free(struct psess *s)
{
	struct proxy	*p = proxy;
	struct slot	*slot = &p->slots[s->slot];

	submap_remove_all(s);
	if (s->conn != NULL)
		s->conn->sess = NULL;
	slot->sess = NULL;
	slot->gen++;
	slot->next_free = p->free_slot;
	p->free_slot = s->slot;
	p->nsess--;
	free(s->realm);
	free(s->authid);
	free(s->role);
	free(s->skipped);
	free(s->asked);
	free(s);
}

static void
psess_free_if_done(struct psess *s)
{
	if (!s->await_auth && !s->await_open && !s->await_end)
		psess_free(s);
}

struct psess *
session_find(struct broker *b, const struct imsg *m, int *nonsense)
{
	struct proxy	*p = b->p;
	struct psess	*s;

	*nonsense = 0;
	if (m->slot == 0 || m->slot >= p->nslots ||
	    (int32_t)(m->gen - p->slots[m->slot].gen) > 0) {
		*nonsense = 1;
		return (NULL);
	}
	s = p->slots[m->slot].sess;
	if (s == NULL || s->gen != m->gen)
		return (NULL);
	if (s->broker != b) {
		*nonsense = 1;
		return (NULL);
	}
	return (s);
}

/* -- leaving ------------------------------------------------------------ */

static void
log_left(const struct conn *c, const struct psess *s, const char *why)
{
	char	authid[128], realm[256];

	log_session("session %" PRIu64 " left realm=%s authid=%s role=%s "
	    "address=%s reason=\"%s\"", s->id,
	    log_vis(realm, sizeof(realm), s->realm, strlen(s->realm)),
	    log_vis(authid, sizeof(authid), s->authid, strlen(s->authid)),
	    s->role, c->peer, why);
}

static void
log_refused(const struct conn *c, const char *realm, size_t len,
    const char *reason, const char *text)
{
	char	buf[256];

	if (!log_may(&c->p->log_refused, 20))
		return;
	log_session("refused realm=%s address=%s reason=%s: %s",
	    log_vis(buf, sizeof(buf), realm, len), c->peer, reason, text);
}

static void
send_close(struct psess *s, enum close_why why)
{
	struct m_session_close	m;

	memset(&m, 0, sizeof(m));
	m.why = (uint8_t)why;
	if (s->broker->chan == NULL || chan_send(s->broker->chan,
	    IMSG_SESSION_CLOSE, s->slot, s->gen, &m, sizeof(m)) == -1)
		return;
	s->await_end = 1;
}

/* The client has no part in this session any more. */
static void
session_detach(struct psess *s, enum close_why why)
{
	struct proxy	*p = proxy;

	if (s->conn != NULL)
		s->conn->sess = NULL;
	if (s->conn != NULL && s->xoff)
		conn_set_slow(s->conn, 0);
	s->conn = NULL;
	submap_remove_all(s);
	switch (s->state) {
	case SESS_AUTHENTICATING:
		if (p->keeper != NULL && chan_send(p->keeper,
		    IMSG_AUTH_CANCEL, s->slot, s->gen, NULL, 0) == 0)
			s->await_auth = 1;
		break;
	case SESS_JOINED:
		send_close(s, why);
		break;
	default:
		break;
	}
	s->state = SESS_GONE;
	psess_free_if_done(s);
}

void
session_lost(struct conn *c, const char *why)
{
	struct psess	*s = c->sess;

	if (s->state == SESS_JOINED)
		log_left(c, s, why);
	session_detach(s, CLOSE_LOST);
}

void
session_abort(struct conn *c, enum wamp_err err, const char *fmt, ...)
{
	struct psess	*s = c->sess;
	char		 text[REASON_MAXLEN];
	va_list		 ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->is_leaving || c->said_goodbye) {
		/* nothing follows a GOODBYE */
		conn_close_code(c, WS_NORMAL, NULL);
		return;
	}
	if (s != NULL && s->state == SESS_JOINED)
		log_left(c, s, text);
	else
		log_refused(c, s != NULL ? s->realm : "", s != NULL ?
		    strlen(s->realm) : 0, wamp_err_uri(err), text);
	if (s != NULL)
		session_detach(s, CLOSE_VIOLATION);
	out_abort(c, err, text);
	conn_close_code(c, WS_NORMAL, NULL);
}

void
session_refuse(struct conn *c, const struct uri *realm, enum wamp_err err,
    const char *text)
{
	log_refused(c, realm->p, realm->len, wamp_err_uri(err), text);
	out_abort(c, err, text);
	conn_close_code(c, WS_NORMAL, NULL);
}

void
session_on_client_goodbye(struct conn *c, const char *reason, size_t len)
{
	char	why[128];

	log_left(c, c->sess, log_vis(why, sizeof(why), reason, len));
	session_detach(c->sess, CLOSE_GOODBYE);
	/* WAMP, Session Closing: the reply, and nothing after it */
	out_goodbye(c, WERR_GOODBYE_AND_OUT, NULL);
	c->said_goodbye = 1;
	/* WAMP, Transport and Session Lifetime: another HELLO may follow */
	if (!conn_is_open(c))
		return;
	transport_left(c);
	conn_set_phase(c, c->p->conf->limits.hello);
}

void
session_on_client_abort(struct conn *c, const char *reason, size_t len)
{
	struct psess	*s = c->sess;
	char		 why[128];

	/* an ABORT is never answered */
	if (s != NULL && s->state == SESS_JOINED)
		log_left(c, s, log_vis(why, sizeof(why), reason, len));
	if (s != NULL)
		session_detach(s, CLOSE_ABORTED);
	conn_close_code(c, WS_NORMAL, NULL);
}

static void
conn_leave(struct conn *c, enum wamp_err err, const char *text)
{
	out_goodbye(c, err, text);
	c->is_leaving = 1;
	if (!conn_is_open(c))
		return;
	conn_set_phase(c, LEAVING_MS);
	conn_resume(c);		/* its broker has no say any more */
}

/* GOODBYE of ours: waits for the client's, then closes. */
static void
session_goodbye(struct conn *c, enum wamp_err err, const char *text)
{
	log_left(c, c->sess, wamp_err_uri(err));
	session_detach(c->sess, CLOSE_ENDED);
	conn_leave(c, err, text);
}

void
session_revoked(struct conn *c)
{
	static const char	why[] = "the client's certificate was revoked";

	if (c->is_leaving || c->state >= CONN_CLOSING)
		return;
	if (c->sess == NULL) {
		log_session("refused address=%s reason=\"%s\"", c->peer, why);
		if (conn_is_open(c))
			conn_close_code(c, WS_GOING_AWAY, why);
		else
			conn_kill(c, why);
	} else if (c->sess->state == SESS_JOINED) {
		log_left(c, c->sess, why);
		session_detach(c->sess, CLOSE_ENDED);
		conn_leave(c, WERR_KILLED, why);
	} else
		session_abort(c, WERR_AUTHENTICATION_FAILED, "%s", why);
}

/* -- joining ------------------------------------------------------------ */

static uint16_t
peer_groups(const struct conn *c, uint32_t *gids, size_t max)
{
	socklen_t	len = (socklen_t)(max * sizeof(*gids));

#ifdef SO_PEERGROUPS
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, gids, &len) == 0)
		return ((uint16_t)(len / sizeof(*gids)));
#else
	(void)c;
	(void)gids;
	(void)len;
#endif
	return (0);
}

static void
set_iov(struct iovec *iov, const void *data, size_t len)
{
	union {
		const void	*c;
		void		*p;
	} u = { .c = data };

	iov->iov_base = u.p;
	iov->iov_len = len;
}

/* AUTH_HELLO with all that was witnessed of the client. */
static void
ask_keeper(struct psess *s, struct hello *h)
{
	struct conn	*c = s->conn;
	struct iovec	 iov[8];
	uint32_t	 gids[AUTH_MAXGROUPS];
	int		 n = 0;

	h->m.realm = s->realm_id;
	if (c->l->flags & LISTEN_UNIX) {
		h->m.proofs |= PROOF_SOCKET;
		h->m.uid = c->uid;
		h->m.gid = c->gid;
		h->m.ngroups = peer_groups(c, gids, AUTH_MAXGROUPS);
	}
	/* not once the last client CA is gone from the configuration */
	if (c->cert != NULL && conf_has_client_ca(c->p->conf)) {
		h->m.proofs |= PROOF_TLS;
		memcpy(h->m.certhash, c->cert->hash, sizeof(h->m.certhash));
		h->m.subjectlen = c->cert->subjectlen;
		h->m.sanslen = c->cert->sanslen;
	}
	memcpy(h->m.addr, c->addr->addr, sizeof(h->m.addr));
	h->m.addresslen = (uint16_t)strnlen(c->peer, AUTH_MAXADDRESS);
	set_iov(&iov[n++], &h->m, sizeof(h->m));
	set_iov(&iov[n++], gids, h->m.ngroups * sizeof(gids[0]));
	set_iov(&iov[n++], h->authid, h->m.authidlen);
	if (c->cert != NULL) {
		set_iov(&iov[n++], c->cert->text, h->m.subjectlen);
		set_iov(&iov[n++], c->cert->text + c->cert->subjectlen,
		    h->m.sanslen);
	}
	set_iov(&iov[n++], h->nonce, h->m.noncelen);
	set_iov(&iov[n++], c->peer, h->m.addresslen);
	set_iov(&iov[n++], h->extra.buf, h->m.extralen);
	chan_sendv(c->p->keeper, IMSG_AUTH_HELLO, s->slot, s->gen, iov, n);
}

void
session_hello(struct conn *c, const struct conf_realm *r, struct hello *h)
{
	struct proxy	*p = c->p;
	struct psess	*s;

	if (p->keeper == NULL || p->is_shutting ||
	    p->brokers[r->broker].chan == NULL) {
		session_abort(c, WERR_SYSTEM_SHUTDOWN,
		    "the router cannot take sessions just now");
		return;
	}
	if ((s = psess_new(p)) == NULL ||
	    (s->realm = strdup(r->name)) == NULL) {
		if (s != NULL)
			psess_free(s);
		session_abort(c, WERR_SYSTEM_SHUTDOWN, "out of memory");
		return;
	}
	s->conn = c;
	c->sess = s;
	s->broker = &p->brokers[r->broker];
	s->realm_id = r->id;
	s->loose_ids = r->loose_ids;
	s->state = SESS_AUTHENTICATING;
	ask_keeper(s, h);
	conn_set_phase(c, p->conf->limits.authenticate);
}

void
session_authenticate(struct psess *s, const struct response *r)
{
	struct iovec	iov[5];

	set_iov(&iov[0], &r->m, sizeof(r->m));
	set_iov(&iov[1], r->sig, r->m.siglen);
	set_iov(&iov[2], r->nonce, r->m.noncelen);
	set_iov(&iov[3], r->cbname, r->m.cbnamelen);
	set_iov(&iov[4], r->cbdata, r->m.cbdatalen);
	s->is_challenged = 0;
	chan_sendv(proxy->keeper, IMSG_AUTH_RESPONSE, s->slot, s->gen, iov, 5);
}

/*
 * The session whose AUTH_HELLO the keeper answers; *nonsense is set if it
 * was never asked.  NULL without: a broker that opens or ends sessions which
 * the keeper has yet to judge can make an answer come too late, and that is
 * not the keeper's fault.
 */
static struct psess *
keeper_sess(struct proxy *p, const struct imsg *m, int *nonsense)
{
	struct psess	*s;

	*nonsense = 0;
	if (m->slot == 0 || m->slot >= p->nslots ||
	    (int32_t)(m->gen - p->slots[m->slot].gen) > 0) {
		*nonsense = 1;
		return (NULL);
	}
	s = p->slots[m->slot].sess;
	if (s == NULL || s->gen != m->gen)
		return (NULL);
	return (s);
}

/* Each text of a CHALLENGE is as long as said, and UTF-8. */
static int
challenge_is_valid(const struct m_auth_challenge *m, const char *texts,
    size_t len)
{
	return (m->challengelen <= AUTH_MAXTEXT &&
	    m->saltlen <= AUTH_MAXTEXT && m->noncelen <= AUTH_MAXTEXT &&
	    len == (size_t)m->challengelen + m->saltlen + m->noncelen &&
	    m->kdf <= AUTH_KDF_ARGON2ID13_AUTOBAHN &&
	    wamp_auth_name(m->method) != NULL &&
	    out_is_text(texts, m->challengelen) &&
	    out_is_text(texts + m->challengelen, m->saltlen) &&
	    out_is_text(texts + m->challengelen + m->saltlen, m->noncelen));
}

int
session_on_challenge(struct chan *ch, struct imsg *m)
{
	const char		*texts = (const char *)m->data +
				    sizeof(struct m_auth_challenge);
	struct m_auth_challenge	 a;
	struct psess		*s;
	int			 nonsense;

	memcpy(&a, m->data, sizeof(a));
	if (!challenge_is_valid(&a, texts, m->len - sizeof(a)))
		return (-1);
	if ((s = keeper_sess(chan_arg(ch), m, &nonsense)) == NULL)
		return (nonsense ? -1 : 0);
	if (s->state == SESS_GONE)
		return (0);	/* crosses the CANCEL */
	if (s->state == SESS_JOINED) {
		broker_suspect(s->broker, "a session that was not granted");
		return (0);
	}
	if (s->is_challenged)
		return (-1);
	s->is_challenged = 1;
	out_challenge(s->conn, &a, texts);
	return (0);
}

int
session_on_deny(struct chan *ch, struct imsg *m)
{
	const char		*text = (const char *)m->data +
				    sizeof(struct m_auth_deny);
	struct m_auth_deny	 d;
	struct psess		*s;
	int			 nonsense;

	memcpy(&d, m->data, sizeof(d));
	if (d.textlen != m->len - sizeof(d) || d.err == WERR_NONE ||
	    d.err >= WERR_MAX || !out_is_text(text, d.textlen))
		return (-1);
	if ((s = keeper_sess(chan_arg(ch), m, &nonsense)) == NULL)
		return (nonsense ? -1 : 0);
	if (s->state == SESS_JOINED) {
		broker_suspect(s->broker, "a session that was not granted");
		return (0);
	}
	if (s->state == SESS_AUTHENTICATING) {
		s->state = SESS_GONE;	/* nothing is left to be canceled */
		session_abort(s->conn, (enum wamp_err)d.err, "%.*s",
		    (int)d.textlen, text);
		return (0);
	}
	s->await_auth = 0;
	psess_free_if_done(s);
	return (0);
}

int
session_on_granted(struct chan *ch, struct imsg *m)
{
	struct psess	*s;
	int		 nonsense;

	if ((s = keeper_sess(chan_arg(ch), m, &nonsense)) == NULL)
		return (nonsense ? -1 : 0);
	if (!s->await_auth)
		return (-1);
	s->await_auth = 0;
	if (!s->opened && !s->orphaned)
		s->await_open = 1;
	psess_free_if_done(s);
	return (0);
}

static void
refuse_open(struct broker *b, const struct imsg *m)
{
	struct m_session_close	cl;

	memset(&cl, 0, sizeof(cl));
	cl.why = CLOSE_NEVER;
	chan_send(b->chan, IMSG_SESSION_CLOSE, m->slot, m->gen, &cl,
	    sizeof(cl));
}

static void
log_joined(const struct conn *c, const struct psess *s)
{
	char	authid[128], realm[256];

	log_session("session %" PRIu64 " joined realm=%s authid=%s role=%s "
	    "method=%s address=%s transport=%s serializer=%s proxy=%u",
	    s->id, log_vis(realm, sizeof(realm), s->realm, strlen(s->realm)),
	    log_vis(authid, sizeof(authid), s->authid, strlen(s->authid)),
	    s->role, wamp_auth_name(s->method), c->peer,
	    c->is_ws ? "websocket" : "rawsocket", ser_name(c->ser),
	    c->p->proc.instance);
}

static void
session_welcome(struct psess *s, const struct m_session_open *o,
    const uint8_t *text, const struct val *extra)
{
	struct conn	*c = s->conn;

	s->authid = strndup((const char *)text, o->authidlen);
	s->role = strndup((const char *)text + o->authidlen, o->rolelen);
	if (s->authid == NULL || s->role == NULL) {
		s->state = SESS_JOINED;
		session_detach(s, CLOSE_LOST);
		conn_kill(c, "out of memory");
		return;
	}
	s->id = o->session;
	s->method = o->method;
	s->provider = o->provider;
	s->state = SESS_JOINED;
	log_joined(c, s);
	out_welcome(c, s, extra);
	if (!conn_is_open(c))
		return;		/* too long for this client, or no memory */
	transport_joined(c);
	conn_set_phase(c, 0);
}

/* Lengths, texts and values of a SESSION_OPEN; extra is of type 0 if it has
 * none.  0, or -1: nonsense. */
static int
open_parse(const struct imsg *m, struct m_session_open *o, struct val *extra)
{
	const uint8_t	*p = m->data + sizeof(*o);

	memcpy(o, m->data, sizeof(*o));
	memset(extra, 0, sizeof(*extra));
	if ((size_t)o->authidlen + o->rolelen + o->extralen !=
	    m->len - sizeof(*o) ||
	    !out_is_text(p, o->authidlen) ||
	    !out_is_text(p + o->authidlen, o->rolelen) ||
	    o->session == 0 || o->session > WAMP_ID_MAX ||
	    o->provider > AUTH_PROVIDER_DYNAMIC ||
	    wamp_auth_name(o->method) == NULL)
		return (-1);
	if (o->extralen == 0)
		return (0);
	p += o->authidlen + o->rolelen;
	return (codec_check(SER_MSGPACK, p, o->extralen, extra) == CODEC_OK &&
	    extra->type == VAL_MAP ? 0 : -1);
}

int
session_on_open(struct chan *ch, struct imsg *m)
{
	struct broker		*b = chan_arg(ch);
	struct m_session_open	 o;
	struct psess		*s;
	struct val		 extra;
	int			 nonsense;

	if (open_parse(m, &o, &extra) == -1)
		return (-1);
	s = session_find(b, m, &nonsense);
	if (nonsense)
		return (-1);
	if (s == NULL || s->orphaned) {
		/* the client went away while the keeper granted */
		refuse_open(b, m);
		return (0);
	}
	if (s->opened || o.realm != s->realm_id)
		return (-1);
	s->opened = 1;
	s->await_open = 0;
	if (s->state == SESS_AUTHENTICATING) {
		session_welcome(s, &o, m->data + sizeof(o),
		    extra.type != 0 ? &extra : NULL);
		return (0);
	}
	send_close(s, CLOSE_NEVER);
	psess_free_if_done(s);
	return (0);
}

int
session_on_end(struct chan *ch, struct imsg *m)
{
	struct broker		*b = chan_arg(ch);
	struct m_session_end	 e;
	struct psess		*s;
	struct conn		*c;
	char			 text[REASON_MAXLEN + 1];
	int			 nonsense;

	memcpy(&e, m->data, sizeof(e));
	if (e.textlen != m->len - sizeof(e) || e.err >= WERR_MAX ||
	    e.textlen > REASON_MAXLEN ||
	    !out_is_text(m->data + sizeof(e), e.textlen))
		return (-1);
	s = session_find(b, m, &nonsense);
	if (nonsense)
		return (-1);
	if (s == NULL || s->state == SESS_GONE) {
		/* one that answers nothing of ours is to be answered */
		if ((s == NULL || !s->await_end) && e.err != WERR_NONE)
			refuse_open(b, m);
		if (s == NULL)
			return (0);
		s->await_end = 0;
		s->await_open = 0;
		s->opened = 1;
		psess_free_if_done(s);
		return (0);
	}
	if (e.err == WERR_NONE)
		return (-1);
	memcpy(text, m->data + sizeof(e), e.textlen);
	text[e.textlen] = '\0';
	c = s->conn;
	if (s->state == SESS_AUTHENTICATING) {
		/* refused by the broker: an END without an OPEN.  Whether
		 * the keeper did grant it is its answer to the CANCEL */
		s->opened = 1;
		refuse_open(b, m);
		session_abort(c, (enum wamp_err)e.err, "%s", text);
		return (0);
	}
	/* our CLOSE answers; the broker has nothing more to say */
	log_left(c, s, e.textlen > 0 ? text :
	    wamp_err_uri((enum wamp_err)e.err));
	session_detach(s, CLOSE_ENDED);
	if ((s = b->p->slots[m->slot].sess) != NULL && s->gen == m->gen) {
		s->await_end = 0;
		psess_free_if_done(s);
	}
	if (e.err == WERR_PROTOCOL_VIOLATION) {
		out_abort(c, WERR_PROTOCOL_VIOLATION, text);
		conn_close_code(c, WS_NORMAL, NULL);
	} else
		conn_leave(c, (enum wamp_err)e.err, text);
	return (0);
}

/* -- slow consumers ----------------------------------------------------- */

static void
session_xoff(struct psess *s)
{
	s->xoff = 1;
	chan_send(s->broker->chan, IMSG_XOFF, s->slot, s->gen, NULL, 0);
	conn_set_slow(s->conn, SLOW_MS);
}

int
session_may_event(struct psess *s)
{
	struct conn	*c = s->conn;

	if (!s->xoff && c->out.bytes > c->p->conf->limits.queue / 4)
		session_xoff(s);
	if (!s->xoff)
		return (1);
	if (s->dropped++ == 0)
		log_session("session %" PRIu64 " is slow: events are dropped",
		    s->id);
	c->p->dropped++;
	return (0);
}

void
session_queue_check(struct psess *s)
{
	struct conn	*c = s->conn;
	uint32_t	 queue = c->p->conf->limits.queue;

	if (s->state != SESS_JOINED)
		return;
	if (c->out.bytes > queue) {
		conn_kill(c, "limits queue reached: does not read");
		return;
	}
	if (!s->xoff && c->out.bytes > queue / 4)
		session_xoff(s);
	else if (s->xoff && c->out.bytes <= queue / 8) {
		s->xoff = 0;
		chan_send(s->broker->chan, IMSG_XON, s->slot, s->gen, NULL, 0);
		conn_set_slow(c, 0);
		if (s->dropped > 0)
			log_session("session %" PRIu64 " is fast again: "
			    "%" PRIu64 " events were dropped", s->id,
			    s->dropped);
		s->dropped = 0;
	}
}

/* -- all sessions ------------------------------------------------------- */

void
sessions_broker_gone(struct broker *b)
{
	struct proxy	*p = b->p;
	struct psess	*s;
	struct conn	*c;
	uint32_t	 i;

	for (i = 1; i < p->nslots; i++) {
		if ((s = p->slots[i].sess) == NULL || s->broker != b)
			continue;
		s->await_end = s->await_open = 0;
		s->orphaned = 1;
		c = s->conn;
		if (s->state == SESS_JOINED)
			session_goodbye(c, WERR_SYSTEM_SHUTDOWN,
			    "the realm's broker was restarted");
		else if (s->state == SESS_AUTHENTICATING)
			session_abort(c, WERR_SYSTEM_SHUTDOWN,
			    "the realm's broker was restarted");
		else
			psess_free_if_done(s);
	}
	submap_free(b);
}

void
sessions_keeper_gone(struct proxy *p)
{
	struct psess	*s;
	uint32_t	 i;

	for (i = 1; i < p->nslots; i++) {
		if ((s = p->slots[i].sess) == NULL)
			continue;
		if (s->state == SESS_AUTHENTICATING)
			session_abort(s->conn, WERR_AUTHENTICATION_FAILED,
			    "authentication is not possible just now");
		else if (s->state == SESS_GONE) {
			/* what it granted last may never have been sent */
			s->await_auth = s->await_open = 0;
			psess_free_if_done(s);
		}
	}
}

void
sessions_shutdown(struct proxy *p)
{
	struct conn	*c, *next;

	for (c = TAILQ_FIRST(&p->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->sess != NULL && c->sess->state == SESS_JOINED)
			session_goodbye(c, WERR_SYSTEM_SHUTDOWN,
			    "the router is shutting down");
		else if (c->sess != NULL)
			session_abort(c, WERR_SYSTEM_SHUTDOWN,
			    "the router is shutting down");
		else if (!c->is_leaving)
			conn_close_code(c, WS_GOING_AWAY, NULL);
	}
}
