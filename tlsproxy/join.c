/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Joining: a client's HELLO goes to the keeper, with what was witnessed of
 * the client; CHALLENGE and AUTHENTICATE pass between the two; the broker
 * opens the session, and WELCOME is said, or ABORT.
 */
#include <sys/socket.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "chan.h"
#include "peercert.h"
#include "tlsproxy.h"

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
	addr_cut(h->m.addr, c->from, c->p->conf->limits.ipv6_prefix);
	h->m.addresslen = (uint16_t)strnlen(c->peer, AUTH_MAXADDRESS);
	iov_set(&iov[n++], &h->m, sizeof(h->m));
	iov_set(&iov[n++], gids, h->m.ngroups * sizeof(gids[0]));
	iov_set(&iov[n++], h->authid, h->m.authidlen);
	if (c->cert != NULL) {
		iov_set(&iov[n++], c->cert->text, h->m.subjectlen);
		iov_set(&iov[n++], c->cert->text + c->cert->subjectlen,
		    h->m.sanslen);
	}
	iov_set(&iov[n++], h->nonce, h->m.noncelen);
	iov_set(&iov[n++], c->peer, h->m.addresslen);
	iov_set(&iov[n++], h->extra.buf, h->m.extralen);
	chan_sendv(c->p->keeper, IMSG_AUTH_HELLO, s->slot, s->gen, iov, n);
}

void
session_hello(struct conn *c, const struct conf_realm *r, struct hello *h)
{
	struct proxy	*p = c->p;
	struct psess	*s;

	if (p->keeper == NULL || p->is_shutting ||
	    (p->drain.is_on && !p->drain.is_upgrade) ||
	    p->brokers[r->broker].chan == NULL) {
		session_abort(c, WERR_SYSTEM_SHUTDOWN,
		    "the router cannot take sessions just now");
		return;
	}
	if ((s = session_new(p)) == NULL ||
	    (s->realm = strdup(r->name)) == NULL) {
		if (s != NULL)
			session_free(s);
		session_abort(c, WERR_SYSTEM_SHUTDOWN, "out of memory");
		return;
	}
	s->conn = c;
	c->sess = s;
	s->broker = &p->brokers[r->broker];
	s->realm_id = r->id;
	s->loose_ids = r->loose_ids;
	s->features = h->features;
	s->state = SESS_AUTHENTICATING;
	ask_keeper(s, h);
	conn_set_phase(c, p->conf->limits.authenticate);
}

void
session_authenticate(struct psess *s, const struct response *r)
{
	struct iovec	iov[5];

	iov_set(&iov[0], &r->m, sizeof(r->m));
	iov_set(&iov[1], r->sig, r->m.siglen);
	iov_set(&iov[2], r->nonce, r->m.noncelen);
	iov_set(&iov[3], r->cbname, r->m.cbnamelen);
	iov_set(&iov[4], r->cbdata, r->m.cbdatalen);
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
	session_free_if_done(s);
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
	session_free_if_done(s);
	return (0);
}

static void
log_joined(const struct conn *c, const struct psess *s)
{
	char	authid[128], realm[256];

	if (!log_may(&c->p->log_joined, 1000))
		return;
	log_session("session %" PRIu64 " joined realm=%s authid=%s role=%s "
	    "method=%s address=%s transport=%s serializer=%s proxy=%u",
	    s->id, log_vis(realm, sizeof(realm), s->realm, strlen(s->realm)),
	    log_vis(authid, sizeof(authid), s->authid, strlen(s->authid)),
	    s->role, wamp_auth_name(s->method), c->peer,
	    c->is_ws ? "websocket" : "rawsocket", ser_name(c->ser),
	    c->p->proc.instance);
}

/* What the broker is to know before anything else of the session. */
static void
send_features(struct psess *s)
{
	struct m_session_features	m = { .features = s->features };

	chan_send(s->broker->chan, IMSG_SESSION_FEATURES, s->slot, s->gen,
	    &m, sizeof(m));
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
		session_refuse_open(b, m);
		return (0);
	}
	if (s->opened || o.realm != s->realm_id)
		return (-1);
	s->opened = 1;
	s->await_open = 0;
	if (s->state == SESS_AUTHENTICATING) {
		send_features(s);
		session_welcome(s, &o, m->data + sizeof(o),
		    extra.type != 0 ? &extra : NULL);
		return (0);
	}
	session_send_close(s, CLOSE_NEVER);
	session_free_if_done(s);
	return (0);
}
