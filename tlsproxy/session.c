/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The session state machine but for its begin, which is join.c's: GOODBYE,
 * ABORT, slow clients, and the slots by which keeper and broker name a
 * session.  A slot is given to another session only when neither has
 * anything to say of the old one.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "mono.h"
#include "tlsproxy.h"
#include "uri.h"

/* -- slots -------------------------------------------------------------- */

static int
slots_grow(struct proxy *p)
{
	struct slot	*ns;
	uint32_t	 i, n = p->nslots == 0 ? 64 : p->nslots * 2;

	/* every connection may have one under way and one that ends */
	if (p->nslots >= 2 * (uint64_t)p->most + 64 || p->nslots >= SLOT_MAX)
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

struct psess *
session_new(struct proxy *p)
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

void
session_free(struct psess *s)
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
	free(s->undelivered);
	talk_free(s);
	free(s);
}

void
session_free_if_done(struct psess *s)
{
	if (!s->await_auth && !s->await_open && !s->await_end &&
	    !s->unsubscribes)
		session_free(s);
}

struct psess *
session_at(struct broker *b, uint32_t slot, uint32_t gen, int *nonsense)
{
	struct proxy	*p = b->p;
	struct psess	*s;

	*nonsense = 0;
	if (slot == 0 || slot >= p->nslots ||
	    (int32_t)(gen - p->slots[slot].gen) > 0) {
		*nonsense = 1;
		return (NULL);
	}
	s = p->slots[slot].sess;
	if (s == NULL || s->gen != gen)
		return (NULL);
	if (s->broker != b) {
		*nonsense = 1;
		return (NULL);
	}
	return (s);
}

struct psess *
session_find(struct broker *b, const struct imsg *m, int *nonsense)
{
	return (session_at(b, m->slot, m->gen, nonsense));
}

/* -- leaving ------------------------------------------------------------ */

static void
log_left(const struct conn *c, const struct psess *s, const char *why)
{
	char	authid[128], realm[256];

	if (!log_may(&c->p->log_left, 1000))
		return;
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
	char	buf[256], quoted[REASON_MAXLEN];

	if (!log_may(&c->p->log_refused, 20))
		return;
	log_session("refused realm=%s address=%s reason=%s text=\"%s\"",
	    log_vis(buf, sizeof(buf), realm, len), c->peer, reason,
	    log_text(quoted, sizeof(quoted), text, strlen(text)));
}

void
session_send_close(struct psess *s, enum close_why why)
{
	struct m_session_close	m;

	memset(&m, 0, sizeof(m));
	m.why = (uint8_t)why;
	if (s->broker->chan == NULL || chan_send(s->broker->chan,
	    IMSG_SESSION_CLOSE, s->slot, s->gen, &m, sizeof(m)) == -1)
		return;
	s->await_end = 1;
}

/* What is much is done in slices, so that others need not wait for it. */
static void
session_unsubscribe(struct psess *s)
{
	struct proxy	*p = proxy;

	if (submap_remove_some(s, &p->steps))
		return;
	s->unsubscribes = 1;
	SLIST_INSERT_HEAD(&p->leaving, s, leaving_entry);
	proxy_ask_next_turn(p);
}

void
sessions_unsubscribe(struct proxy *p)
{
	struct psess	*s;

	while ((s = SLIST_FIRST(&p->leaving)) != NULL) {
		if (!submap_remove_some(s, &p->steps)) {
			proxy_ask_next_turn(p);
			return;
		}
		SLIST_REMOVE_HEAD(&p->leaving, leaving_entry);
		s->unsubscribes = 0;
		session_free_if_done(s);
	}
}

/* The client has no part in this session any more. */
void
session_detach(struct psess *s, enum close_why why)
{
	struct proxy	*p = proxy;

	if (s->conn != NULL)
		s->conn->sess = NULL;
	if (s->conn != NULL && s->xoff)
		conn_set_slow(s->conn, 0);
	if (s->dropped > 0 && log_may(&p->log_slow, 100))
		log_session("session %" PRIu64 " left while it was slow: "
		    "%" PRIu64 " events were dropped", s->id, s->dropped);
	s->dropped = 0;
	s->conn = NULL;
	talk_over(s);
	session_unsubscribe(s);
	switch (s->state) {
	case SESS_AUTHENTICATING:
		if (p->keeper != NULL && chan_send(p->keeper,
		    IMSG_AUTH_CANCEL, s->slot, s->gen, NULL, 0) == 0)
			s->await_auth = 1;
		break;
	case SESS_JOINED:
		session_send_close(s, why);
		break;
	default:
		break;
	}
	s->state = SESS_GONE;
	session_free_if_done(s);
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
	char		 text[REASON_MAXLEN], quoted[REASON_MAXLEN];
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
		log_left(c, s, log_text(quoted, sizeof(quoted), text,
		    strlen(text)));
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

	log_left(c, c->sess, log_text(why, sizeof(why), reason, len));
	session_detach(c->sess, CLOSE_GOODBYE);
	/* WAMP, Session Closing: the reply, and nothing after it */
	out_goodbye(c, WERR_GOODBYE_AND_OUT, NULL, NULL);
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
		log_left(c, s, log_text(why, sizeof(why), reason, len));
	if (s != NULL)
		session_detach(s, CLOSE_ABORTED);
	conn_close_code(c, WS_NORMAL, NULL);
}

static void
conn_leave(struct conn *c, enum wamp_err err, const struct uri *reason,
    const char *text)
{
	out_goodbye(c, err, reason, text);
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
	conn_leave(c, err, NULL, text);
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
		conn_leave(c, WERR_KILLED, NULL, why);
	} else
		session_abort(c, WERR_AUTHENTICATION_FAILED, "%s", why);
}

void
session_refuse_open(struct broker *b, const struct imsg *m)
{
	struct m_session_close	cl;

	memset(&cl, 0, sizeof(cl));
	cl.why = CLOSE_NEVER;
	chan_send(b->chan, IMSG_SESSION_CLOSE, m->slot, m->gen, &cl,
	    sizeof(cl));
}

/* What ends a session: the text NUL terminated, and the URI that stands for
 * the error, which has no length if there is none.  -1: nonsense. */
static int
end_parse(const struct imsg *m, struct m_session_end *e,
    char text[REASON_MAXLEN + 1], struct uri *reason)
{
	const uint8_t	*p = m->data + sizeof(*e);

	memcpy(e, m->data, sizeof(*e));
	if ((size_t)e->textlen + e->urilen != m->len - sizeof(*e) ||
	    e->err >= WERR_MAX || e->textlen > REASON_MAXLEN)
		return (-1);
	/* the text may be another client's, not the broker's own */
	memset(text, 0, REASON_MAXLEN + 1);
	if (out_is_text(p, e->textlen))
		memcpy(text, p, e->textlen);
	reason->p = (const char *)p + e->textlen;
	reason->len = e->urilen;
	if (e->urilen > 0 && (e->err != WERR_KILLED ||
	    !uri_is_valid(reason, URI_LOOSE) || !uri_is_utf8(reason)))
		return (-1);
	return (0);
}

/* SESSION_END of a session without a client. */
static void
end_gone(struct broker *b, struct psess *s, const struct imsg *m,
    const struct m_session_end *e)
{
	/* one that answers nothing of ours is to be answered */
	if ((s == NULL || !s->await_end) && e->err != WERR_NONE)
		session_refuse_open(b, m);
	if (s == NULL)
		return;
	s->await_end = 0;
	s->await_open = 0;
	s->opened = 1;
	session_free_if_done(s);
}

static void
end_joined(struct broker *b, struct psess *s, const struct m_session_end *e,
    const char *text, const struct uri *reason)
{
	struct conn	*c = s->conn;
	enum wamp_err	 err = (enum wamp_err)e->err;
	char		 why[256];
	uint32_t	 slot = s->slot, gen = s->gen;

	if (*text != '\0')
		log_text(why, sizeof(why), text, strlen(text));
	else if (reason != NULL)
		log_text(why, sizeof(why), reason->p, reason->len);
	log_left(c, s, *text != '\0' || reason != NULL ? why :
	    wamp_err_uri(err));
	/* our CLOSE answers; the broker has nothing more to say */
	session_detach(s, CLOSE_ENDED);
	if ((s = b->p->slots[slot].sess) != NULL && s->gen == gen) {
		s->await_end = 0;
		session_free_if_done(s);
	}
	if (err == WERR_PROTOCOL_VIOLATION) {
		out_abort(c, err, text);
		conn_close_code(c, WS_NORMAL, NULL);
	} else
		conn_leave(c, err, reason, text);
}

int
session_on_end(struct chan *ch, struct imsg *m)
{
	struct broker		*b = chan_arg(ch);
	struct m_session_end	 e;
	struct psess		*s;
	struct uri		 reason;
	char			 text[REASON_MAXLEN + 1];
	int			 nonsense;

	if (end_parse(m, &e, text, &reason) == -1)
		return (-1);
	s = session_find(b, m, &nonsense);
	if (nonsense)
		return (-1);
	if (s == NULL || s->state == SESS_GONE) {
		end_gone(b, s, m, &e);
		return (0);
	}
	if (e.err == WERR_NONE)
		return (-1);
	if (s->state == SESS_JOINED) {
		end_joined(b, s, &e, text, reason.len > 0 ? &reason : NULL);
		return (0);
	}
	/* refused by the broker: an END without an OPEN.  Whether the keeper
	 * did grant it is its answer to the CANCEL */
	s->opened = 1;
	session_refuse_open(b, m);
	session_abort(s->conn, (enum wamp_err)e.err, "%s", text);
	return (0);
}

/* -- slow consumers ----------------------------------------------------- */

/* What its realm says, as of the configuration in force. */
static int
is_to_disconnect(struct psess *s)
{
	const struct conf	*conf = proxy->conf;
	const struct conf_realm	*r;

	if (s->disconnects_of != conf->generation) {
		r = conf_find_realm_id(conf, s->realm_id);
		s->disconnects = r != NULL && r->disconnects;
		s->disconnects_of = conf->generation;
	}
	return (s->disconnects);
}

/*
 * GOODBYE, should it read so far within CLOSING_MS; whether it answers, it
 * is not waited for.
 */
static void
session_disconnect(struct conn *c)
{
	static const char	why[] = "slow consumer: does not read its events";

	c->p->slow_ended++;
	log_left(c, c->sess, why);
	session_detach(c->sess, CLOSE_ENDED);
	out_goodbye(c, WERR_KILLED, NULL, why);
	conn_close_code(c, WS_POLICY, why);
}

static void
session_drop(struct psess *s)
{
	struct proxy	*p = proxy;

	if (s->dropped++ == 0 && log_may(&p->log_slow, 100))
		log_session("session %" PRIu64 " is slow: events are dropped",
		    s->id);
	s->alldropped++;
	p->dropped++;
	p->slow_dropped++;
}

static void
session_is_slow(struct psess *s)
{
	s->xoff = 1;
	proxy->counts.slow++;
	chan_send(s->broker->chan, IMSG_XOFF, s->slot, s->gen, NULL, 0);
	conn_set_slow(s->conn, proxy->conf->limits.slow);
}

static void
session_is_fast(struct psess *s)
{
	s->xoff = 0;
	chan_send(s->broker->chan, IMSG_XON, s->slot, s->gen, NULL, 0);
	conn_set_slow(s->conn, 0);
	if (s->dropped > 0 && log_may(&proxy->log_slow, 100))
		log_session("session %" PRIu64 " is fast again: %" PRIu64
		    " events were dropped", s->id, s->dropped);
	s->dropped = 0;
}

int
session_may_event(struct psess *s)
{
	struct conn	*c = s->conn;

	/* what waits may be of this turn alone, and its socket take it */
	if (!s->xoff && c->out.bytes > conf_soft_queue(&c->p->conf->limits)) {
		conn_flush(c);
		if (c->sess != s)
			return (0);
	}
	if (!s->xoff)
		return (1);
	if (is_to_disconnect(s))
		session_disconnect(c);
	else
		session_drop(s);
	return (0);
}

void
session_queue_check(struct psess *s)
{
	const struct conf_limits	*l = &proxy->conf->limits;
	struct conn			*c = s->conn;
	uint32_t			 soft = conf_soft_queue(l);

	if (s->state != SESS_JOINED)
		return;
	if (c->out.bytes > l->queue)
		conn_exceeds(c, LIMIT_QUEUE,
		    "limits queue reached: does not read");
	else if (!s->xoff && c->out.bytes > soft)
		session_is_slow(s);
	else if (s->xoff && c->out.bytes <= soft / 2)
		session_is_fast(s);
}

/* -- all sessions ------------------------------------------------------- */

void
sessions_broker_gone(struct broker *b)
{
	struct proxy	*p = b->p;
	struct psess	*s;
	struct conn	*c;
	uint32_t	 i;

	/* its tables go at once */
	for (i = 1; i < p->nslots; i++)
		if ((s = p->slots[i].sess) != NULL && s->broker == b)
			submap_remove_all(s);
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
			session_free_if_done(s);
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
			session_free_if_done(s);
		}
	}
}

/* Send it away, whatever state it is in. */
void
session_shutdown(struct conn *c)
{
	if (c->sess != NULL && c->sess->state == SESS_JOINED)
		session_goodbye(c, WERR_SYSTEM_SHUTDOWN,
		    "the router is shutting down");
	else if (c->sess != NULL)
		session_abort(c, WERR_SYSTEM_SHUTDOWN,
		    "the router is shutting down");
	else if (!c->is_leaving)
		conn_close_code(c, WS_GOING_AWAY, NULL);
}

void
sessions_shutdown(struct proxy *p)
{
	struct conn	*c, *next;

	for (c = TAILQ_FIRST(&p->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		session_shutdown(c);
	}
}
