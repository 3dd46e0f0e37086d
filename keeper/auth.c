/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Who may join which realm, as whom and in which role.  Judged by the
 * realm's authenticate lines and by what the asking channel can have
 * witnessed; a yes goes to the realm's broker as GRANT, a no to the asker.
 * By which line is auth_choose.c's, what follows a CHALLENGE dialogue.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "conf.h"
#include "keeper.h"
#include "limit.h"
#include "log.h"
#include "users.h"
#include "wamp.h"

#define AUTH_MAXSLOT	(1U << 20)	/* more than descriptors allow */
#define AUTH_ALL	(AUTH_ANONYMOUS | AUTH_SOCKET | AUTH_TLS | \
			    AUTH_TICKET | AUTH_WAMPCRA | AUTH_SCRAM | \
			    AUTH_WAMP_SCRAM | AUTH_CRYPTOSIGN)

/* What became of the last AUTH_HELLO of a slot. */
enum auth_state {
	AUTH_NEVER = 0,
	AUTH_PENDING,			/* a dialogue is under way */
	AUTH_DENIED,
	AUTH_OPENED,			/* GRANT was sent */
	AUTH_CANCELLED			/* after either */
};

struct auth_slot {
	uint32_t	 gen;
	uint32_t	 state;		/* enum auth_state */
	struct dialogue	*dialogue;	/* AUTH_PENDING */
};

/* Values of an AUTH_HELLO, and whether this channel can have witnessed what
 * it claims.  0, or -1: nonsense. */
static int
hello_check(const struct m_auth_hello *m, const struct peer *p)
{
	if (m->ngroups > AUTH_MAXGROUPS || m->authidlen > AUTHID_MAXLEN ||
	    m->subjectlen > AUTH_MAXSUBJECT || m->sanslen > AUTH_MAXSANS ||
	    m->noncelen > AUTH_MAXNONCE ||
	    m->addresslen > AUTH_MAXADDRESS || m->extralen > AUTH_MAXEXTRA)
		return (-1);
	if ((m->methods & ~(uint32_t)AUTH_ALL) != 0 || m->announced > 1 ||
	    (m->methods != 0 && !m->announced) || m->has_authid > 1 ||
	    (m->authidlen != 0 && !m->has_authid) || m->has_pubkey > 1 ||
	    m->wants_binding > 1 ||
	    (m->proofs & ~(PROOF_SOCKET | PROOF_TLS)) != 0)
		return (-1);
	/* a tlsproxy with network listeners holds no Unix socket */
	if ((m->proofs & PROOF_SOCKET) != 0 && p->id.kind != PROXY_UNIX)
		return (-1);
	if ((m->proofs & PROOF_SOCKET) == 0 && m->ngroups != 0)
		return (-1);
	/* and verifies certificates if it has a CA to do it by */
	if ((m->proofs & PROOF_TLS) != 0 &&
	    (p->id.kind != PROXY_NET || !keeper.had_client_ca))
		return (-1);
	if ((m->proofs & PROOF_TLS) == 0 &&
	    (m->subjectlen != 0 || m->sanslen != 0))
		return (-1);
	return (0);
}

int
text_take(const uint8_t **p, size_t *left, struct text *t, size_t len)
{
	if (len > *left)
		return (-1);
	t->p = (const char *)*p;
	t->len = len;
	*p += len;
	*left -= len;
	return (0);
}

/* 0, or -1: nonsense. */
static int
ask_parse(struct ask *q, const struct peer *peer, const struct imsg *im)
{
	struct m_auth_hello	*m = &q->m;
	struct text		 gids;
	const uint8_t		*p;
	size_t			 left;

	if (im->len < sizeof(*m))
		return (-1);
	memcpy(m, im->data, sizeof(*m));
	p = im->data + sizeof(*m);
	left = im->len - sizeof(*m);
	if (hello_check(m, peer) == -1 ||
	    text_take(&p, &left, &gids, m->ngroups * sizeof(q->groups[0])) == -1 ||
	    text_take(&p, &left, &q->authid, m->authidlen) == -1 ||
	    text_take(&p, &left, &q->subject, m->subjectlen) == -1 ||
	    text_take(&p, &left, &q->sans, m->sanslen) == -1 ||
	    text_take(&p, &left, &q->nonce, m->noncelen) == -1 ||
	    text_take(&p, &left, &q->address, m->addresslen) == -1 ||
	    text_take(&p, &left, &q->extra, m->extralen) == -1 || left != 0)
		return (-1);
	if (gids.len > 0)
		memcpy(q->groups, gids.p, gids.len);
	return (0);
}

/* What is remembered of a slot; NULL without memory. */
static struct auth_slot *
slot_get(struct peer *p, uint32_t slot)
{
	struct auth_slot	*grown;
	uint32_t		 n;

	if (slot >= p->nslots) {
		for (n = p->nslots == 0 ? 64 : p->nslots; n <= slot; n *= 2)
			;
		grown = reallocarray(p->slots, n, sizeof(*grown));
		if (grown == NULL)
			return (NULL);
		memset(grown + p->nslots, 0,
		    (n - p->nslots) * sizeof(*grown));
		p->slots = grown;
		p->nslots = n;
	}
	return (&p->slots[slot]);
}

static void
slot_drop(struct peer *p, struct auth_slot *s)
{
	if (s->dialogue == NULL)
		return;
	dialogue_free(s->dialogue);
	s->dialogue = NULL;
	p->ndialogues--;
}

/* A verdict fell: what is left of the dialogue ends. */
static void
slot_end(struct peer *p, uint32_t slot, enum auth_state state)
{
	struct auth_slot	*s = &p->slots[slot];

	slot_drop(p, s);
	s->state = state;
}

/* For wampd-metrics(7); method: an AUTH_*, or 0: none was chosen. */
static void
count(uint32_t method, enum login_result r)
{
	unsigned int	i = 0;

	while (i < AUTH_METHODS && method != 1U << i)
		i++;
	keeper.logins[i][r]++;
}

static enum login_result
result_of(enum wamp_err err)
{
	switch (err) {
	case WERR_AUTHENTICATION_DENIED:
		return (LOGIN_DENIED);
	case WERR_NO_SUCH_REALM:
		return (LOGIN_NO_REALM);
	case WERR_NO_MATCHING_AUTH_METHOD:
		return (LOGIN_NO_METHOD);
	default:
		return (LOGIN_FAILED);
	}
}

void
auth_deny(struct peer *p, uint32_t slot, uint32_t gen, enum wamp_err err,
    const char *text)
{
	struct m_auth_deny	 m = { .err = (uint16_t)err,
				     .textlen = (uint16_t)strlen(text) };
	struct iovec		 iov[2] = { { &m, sizeof(m) } };
	const struct dialogue	*d;
	char			 copy[REASON_MAXLEN];

	memcpy(copy, text, m.textlen);
	iov[1].iov_base = copy;
	iov[1].iov_len = m.textlen;
	log_debug("proxy %u slot %u: denied: %s", p->id.instance, slot, text);
	chan_sendv(p->chan, IMSG_AUTH_DENY, slot, gen, iov, 2);
	d = p->slots[slot].dialogue;
	count(d != NULL ? d->bit : 0, result_of(err));
	slot_end(p, slot, AUTH_DENIED);
}

/* WAMP, IDs: global scope is drawn from [1, 2^53]; a broker that has it
 * already refuses. */
uint64_t
auth_session_id(void)
{
	uint64_t	rnd;

	arc4random_buf(&rnd, sizeof(rnd));
	return ((rnd & (WAMP_ID_MAX - 1)) + 1);
}

int
auth_grant(struct peer *p, uint32_t slot, uint32_t gen,
    const struct verdict *v)
{
	const struct conf_realm	*r;
	struct m_grant		 m;
	struct iovec		 iov[3];
	struct peer		*b;

	if ((r = conf_find_realm_id(keeper.conf, v->realm)) == NULL ||
	    (b = keeper_broker(r->broker)) == NULL || !chan_is_open(b->chan))
		return (-1);
	memset(&m, 0, sizeof(m));
	m.session = v->session;
	m.proof = v->proof;
	m.realm = v->realm;
	m.role = v->role;
	m.proxy = p->id.instance;
	m.proxygen = p->id.generation;
	m.authidlen = (uint16_t)strlen(v->authid);
	m.method = v->method;
	m.extralen = (uint16_t)v->extra.len;
	m.provider = v->provider;
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], v->authid, m.authidlen);
	iov_set(&iov[2], v->extra.p, m.extralen);
	if (chan_sendv(b->chan, IMSG_GRANT, slot, gen, iov, 3) == -1)
		return (-1);
	log_debug("proxy %u slot %u: session %llu granted by %s",
	    p->id.instance, slot, (unsigned long long)v->session,
	    wamp_auth_name(v->method));
	count(v->method, LOGIN_GRANTED);
	slot_end(p, slot, AUTH_OPENED);
	return (0);
}

void
auth_revoke(const struct conf_realm *r, const uint64_t *proofs, uint32_t n)
{
	struct m_revoke	 m = { r->id, n };
	struct iovec	 iov[2];
	struct peer	*b;

	if (n == 0 || (b = keeper_broker(r->broker)) == NULL)
		return;
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], proofs, n * sizeof(proofs[0]));
	chan_sendv(b->chan, IMSG_REVOKE, 0, 0, iov, 2);
}

/* By what is known already: granted, or denied. */
static void
judge(struct peer *p, const struct imsg *im, const struct conf_realm *r,
    const struct conf_auth *a, const struct ask *q)
{
	const struct proof	*proof;
	struct verdict		 v;
	char			 authid[AUTHID_MAXLEN + 1];
	size_t			 key;

	auth_authid(r, a, q, authid, sizeof(authid));
	memset(&v, 0, sizeof(v));
	v.realm = r->id;
	v.role = a->role;
	v.method = a->method;
	v.session = auth_session_id();
	v.authid = authid;
	v.proof = auth_line_proof(a);
	if ((proof = auth_tls_proof(r, a, q, &key)) != NULL) {
		v.role = conf_find_role(r, proof->role)->id;
		v.proof = userset_proof_id(proof, AUTH_TLS, key);
	}
	if (auth_grant(p, im->slot, im->gen, &v) == -1)
		auth_deny(p, im->slot, im->gen, WERR_SYSTEM_SHUTDOWN,
		    "the realm is not available now");
}

/*
 * By a proof that the client is to give.  Both ways are always gone, so that
 * their time tells nothing.
 */
static void
challenge(struct peer *p, const struct imsg *im, const struct conf_realm *r,
    const struct conf_auth *first, const struct ask *q)
{
	struct auth_slot	*s = &p->slots[im->slot];
	struct principal	 real = { NULL, NULL, NULL, 0 };
	struct principal	 fake = { NULL, NULL, NULL, 0 };
	struct principal	*pr;
	int			 is_known, is_shaped;

	if (failures_refuse(q->m.addr)) {
		limit_hit(LIMIT_FAILURES);
		auth_deny(p, im->slot, im->gen, WERR_AUTHENTICATION_FAILED,
		    FAILURES_TEXT);
		return;
	}
	/* each has a connection, unless the tlsproxy lies */
	if (p->ndialogues >= keeper.conf->limits.connections) {
		auth_deny(p, im->slot, im->gen, WERR_AUTHENTICATION_FAILED,
		    "too many log-ins at once");
		return;
	}
	is_known = principal_find(r, q, &real);
	is_shaped = principal_fake(r, q, first, &fake);
	pr = is_known ? &real : &fake;
	if (!is_known && !is_shaped) {
		/* the file knows nobody by any method announced */
		auth_deny(p, im->slot, im->gen, WERR_AUTHENTICATION_DENIED,
		    "authentication denied");
		return;
	}
	s->state = AUTH_PENDING;
	if (pr->dynamic != NULL)
		s->dialogue = dialogue_ask(p, im->slot, im->gen, r, pr->bit,
		    q, pr->dynamic);
	else
		s->dialogue = dialogue_new(p, im->slot, im->gen, r, pr->bit,
		    q, pr->users, pr->proof, !is_known);
	if (s->dialogue == NULL)
		auth_deny(p, im->slot, im->gen, WERR_AUTHENTICATION_FAILED,
		    pr->dynamic != NULL ? "nobody can be asked just now" :
		    "out of memory");
	else
		p->ndialogues++;
}

int
auth_hello(struct chan *c, struct imsg *im)
{
	struct peer		*p = chan_arg(c);
	const struct conf_realm	*r = NULL;
	const struct conf_auth	*a;
	struct auth_slot	*s;
	struct ask		 q;

	if (ask_parse(&q, p, im) == -1 || im->slot == 0 ||
	    im->slot >= AUTH_MAXSLOT)
		return (-1);
	if ((s = slot_get(p, im->slot)) == NULL) {
		log_warnx("proxy %u: no memory for its slots",
		    p->id.instance);
		return (-1);
	}
	/* one HELLO a session: a second could be granted twice */
	if (s->state != AUTH_NEVER && s->gen == im->gen)
		return (-1);
	slot_drop(p, s);	/* of a session that is over */
	s->gen = im->gen;
	s->state = AUTH_DENIED;

	if (keeper.conf != NULL)
		r = conf_find_realm_id(keeper.conf, q.m.realm);
	if (r == NULL)		/* a reload may have removed it meanwhile */
		auth_deny(p, im->slot, im->gen, WERR_NO_SUCH_REALM,
		    "no such realm");
	else if ((a = auth_choose(r, &q)) == NULL)
		auth_deny(p, im->slot, im->gen, WERR_NO_MATCHING_AUTH_METHOD,
		    "none of the realm's authentication methods fits");
	else if (auth_asks(a, &q) != 0)
		challenge(p, im, r, a, &q);
	else
		judge(p, im, r, a, &q);
	return (0);
}

/* 0, or -1: nonsense. */
static int
response_parse(struct response *r, const struct imsg *im)
{
	struct m_auth_response	*m = &r->m;
	const uint8_t		*p = im->data + sizeof(*m);
	size_t			 left;

	if (im->len < sizeof(*m))
		return (-1);
	memcpy(m, im->data, sizeof(*m));
	left = im->len - sizeof(*m);
	if (m->siglen > AUTH_MAXSIG || m->noncelen > AUTH_MAXNONCE ||
	    m->cbnamelen > AUTH_MAXCBNAME ||
	    m->cbdatalen > AUTH_MAXCBDATA || m->has_cbname > 1 ||
	    m->has_cbdata > 1 ||
	    text_take(&p, &left, &r->sig, m->siglen) == -1 ||
	    text_take(&p, &left, &r->nonce, m->noncelen) == -1 ||
	    text_take(&p, &left, &r->cbname, m->cbnamelen) == -1 ||
	    text_take(&p, &left, &r->cbdata, m->cbdatalen) == -1 || left != 0)
		return (-1);
	return (0);
}

static struct auth_slot *
slot_find(struct peer *p, const struct imsg *im)
{
	struct auth_slot	*s;

	if (im->slot >= p->nslots)
		return (NULL);
	s = &p->slots[im->slot];
	return (s->gen == im->gen ? s : NULL);
}

int
auth_response(struct chan *c, struct imsg *im)
{
	struct peer		*p = chan_arg(c);
	struct auth_slot	*s = slot_find(p, im);
	struct response		 r;
	int			 rv = -1;

	if (s != NULL && s->state == AUTH_PENDING &&
	    response_parse(&r, im) == 0)
		rv = dialogue_response(s->dialogue, &r);
	return (rv);
}

/*
 * Exactly one answer ends a HELLO that was cancelled: the AUTH_DENY that
 * crosses the CANCEL or, if no verdict had fallen, answers it; or
 * AUTH_GRANTED.
 */
int
auth_cancel(struct chan *c, struct imsg *im)
{
	struct peer		*p = chan_arg(c);
	struct auth_slot	*s = slot_find(p, im);

	if (s == NULL || s->state == AUTH_NEVER ||
	    s->state == AUTH_CANCELLED)
		return (-1);
	if (s->state == AUTH_PENDING)
		auth_deny(p, im->slot, im->gen, WERR_AUTHENTICATION_FAILED,
		    "canceled");
	else if (s->state == AUTH_OPENED)
		chan_send(c, IMSG_AUTH_GRANTED, im->slot, im->gen, NULL, 0);
	s->state = AUTH_CANCELLED;
	return (0);
}

void
auth_peer_gone(struct peer *p)
{
	uint32_t	i;

	for (i = 0; i < p->nslots; i++)
		dialogue_free(p->slots[i].dialogue);
	free(p->slots);
	p->slots = NULL;
	p->nslots = 0;
}
