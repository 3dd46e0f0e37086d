/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Who may join which realm, as whom and in which role.  Judged by the
 * realm's authenticate lines and by what the asking channel can have
 * witnessed; a yes goes to the realm's broker as GRANT, a no to the asker.
 * One row of the table a method.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "conf.h"
#include "keeper.h"
#include "log.h"
#include "wamp.h"

#define AUTH_MAXSLOT	(1U << 20)	/* more than descriptors allow */
#define AUTH_ALL	(AUTH_ANONYMOUS | AUTH_SOCKET | AUTH_TLS | \
			    AUTH_TICKET | AUTH_WAMPCRA | AUTH_SCRAM | \
			    AUTH_WAMP_SCRAM | AUTH_CRYPTOSIGN)

/* What became of the last AUTH_HELLO of a slot. */
enum auth_state {
	AUTH_NEVER = 0,
	AUTH_DENIED,
	AUTH_OPENED,			/* GRANT was sent */
	AUTH_CANCELLED			/* after either */
};

struct auth_slot {
	uint32_t	 gen;
	uint32_t	 state;		/* enum auth_state */
};

struct auth_method {
	uint32_t	 bit;
	int		 is_proof;	/* the tlsproxy witnessed it */
	int		 is_default;	/* also without authmethods */
	int		(*matches)(const struct conf_auth *,
			    const struct ask *);
	void		(*authid)(const struct conf_realm *,
			    const struct conf_auth *, const struct ask *,
			    char *, size_t);
};

static int
socket_matches(const struct conf_auth *a, const struct ask *q)
{
	unsigned int	i;

	if ((q->m.proofs & PROOF_SOCKET) == 0)
		return (0);
	switch (a->what) {
	case CONF_AUTH_ANYBODY:
		return (1);
	case CONF_AUTH_USER:
		return (q->m.uid == a->id);
	case CONF_AUTH_GROUP:
		if (q->m.gid == a->id)
			return (1);
		for (i = 0; i < q->m.ngroups; i++)
			if (q->groups[i] == a->id)
				return (1);
		return (0);
	default:
		return (0);
	}
}

/*
 * A user's name as the configuration has it.  For a group the members are
 * told apart by number: the keeper cannot look a name up, and a name the
 * client gives would be nobody's word.
 */
static void
socket_authid(const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q, char *buf, size_t size)
{
	(void)r;
	if (a->authid != NULL)
		snprintf(buf, size, "%s", a->authid);
	else if (a->what == CONF_AUTH_USER && a->name != NULL)
		snprintf(buf, size, "%s", a->name);
	else
		snprintf(buf, size, "uid:%u", q->m.uid);
}

static int
anonymous_matches(const struct conf_auth *a, const struct ask *q)
{
	(void)q;
	return (a->what == CONF_AUTH_ANYBODY);
}

static int
is_configured_authid(const struct conf_realm *r, const char *authid)
{
	const struct conf_auth	*a;

	TAILQ_FOREACH(a, &r->auths, entry) {
		if (a->authid != NULL && strcmp(a->authid, authid) == 0)
			return (1);
		if (a->name != NULL && strcmp(a->name, authid) == 0)
			return (1);
	}
	return (0);
}

/*
 * Random (WAMP, WELCOME: "a random authid" for anonymous), in the form that
 * Crossbar made usual: six groups of four out of 28 unmistakable
 * characters, 115 bits.  What the client calls itself is not heeded.
 */
static void
anonymous_authid(const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q, char *buf, size_t size)
{
	static const char	chars[] = "3456789ACEFGHJKLMNPQRSTUVWXY";
	char			id[30];
	unsigned int		i;

	(void)q;
	if (a->authid != NULL) {
		snprintf(buf, size, "%s", a->authid);
		return;
	}
	do {
		for (i = 0; i < sizeof(id) - 1; i++)
			id[i] = i % 5 == 4 ? '-' :
			    chars[arc4random_uniform(sizeof(chars) - 1)];
		id[sizeof(id) - 1] = '\0';
	} while (is_configured_authid(r, id));
	snprintf(buf, size, "%s", id);
}

static const struct auth_method	methods[] = {
	{ AUTH_SOCKET, 1, 1, socket_matches, socket_authid },
	{ AUTH_ANONYMOUS, 0, 1, anonymous_matches, anonymous_authid },
};

static const struct auth_method *
method_find(uint32_t bit)
{
	size_t	i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].bit == bit)
			return (&methods[i]);
	return (NULL);
}

/* May this line be used, by what the client announced and can prove? */
static int
line_matches(const struct conf_auth *a, const struct ask *q,
    const struct auth_method *am)
{
	if (q->m.announced ? (q->m.methods & am->bit) == 0 : !am->is_default)
		return (0);
	return (am->matches(a, q));
}

/*
 * The realm's order decides, not the client's, among the methods announced;
 * without authmethods a proof or anonymous.  A proof that matches goes
 * before anonymous wherever the two stand: root does not become a stranger
 * because of the order of two lines.
 */
static const struct conf_auth *
auth_choose(const struct conf_realm *r, const struct ask *q)
{
	const struct conf_auth		*a, *anonymous = NULL;
	const struct auth_method	*am;

	TAILQ_FOREACH(a, &r->auths, entry) {
		if ((am = method_find(a->method)) == NULL ||
		    !line_matches(a, q, am))
			continue;
		if (am->bit == AUTH_ANONYMOUS && anonymous == NULL)
			anonymous = a;
		else if (am->is_proof ||
		    (am->bit != AUTH_ANONYMOUS && anonymous == NULL))
			return (a);
	}
	return (anonymous);
}

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
	    m->wants_binding > 1 || (m->proofs & ~PROOF_SOCKET) != 0)
		return (-1);
	/* a tlsproxy with network listeners holds no Unix socket */
	if ((m->proofs & PROOF_SOCKET) != 0 && p->id.kind != PROXY_UNIX)
		return (-1);
	if ((m->proofs & PROOF_SOCKET) == 0 && m->ngroups != 0)
		return (-1);
	if ((m->proofs & PROOF_TLS) == 0 &&
	    (m->subjectlen != 0 || m->sanslen != 0))
		return (-1);
	return (0);
}

/* The next len octets: 0, or -1 if there are not as many. */
static int
take(const uint8_t **p, size_t *left, struct text *t, size_t len)
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
	    take(&p, &left, &gids, m->ngroups * sizeof(q->groups[0])) == -1 ||
	    take(&p, &left, &q->authid, m->authidlen) == -1 ||
	    take(&p, &left, &q->subject, m->subjectlen) == -1 ||
	    take(&p, &left, &q->sans, m->sanslen) == -1 ||
	    take(&p, &left, &q->nonce, m->noncelen) == -1 ||
	    take(&p, &left, &q->address, m->addresslen) == -1 ||
	    take(&p, &left, &q->extra, m->extralen) == -1 || left != 0)
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
deny(struct peer *p, const struct imsg *im, enum wamp_err err,
    const char *text)
{
	struct m_auth_deny	 m = { .err = err,
				     .textlen = (uint16_t)strlen(text) };
	struct iovec		 iov[2] = { { &m, sizeof(m) } };
	char			 copy[REASON_MAXLEN];

	memcpy(copy, text, m.textlen);
	iov[1].iov_base = copy;
	iov[1].iov_len = m.textlen;
	log_debug("proxy %u slot %u: denied: %s", p->id.instance, im->slot,
	    text);
	chan_sendv(p->chan, IMSG_AUTH_DENY, im->slot, im->gen, iov, 2);
}

/* 0, or -1: that broker cannot be told now. */
static int
grant(const struct peer *p, const struct imsg *im,
    const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q)
{
	const struct auth_method	*am = method_find(a->method);
	struct m_grant			 m;
	struct iovec			 iov[2];
	struct peer			*b;
	uint64_t			 rnd;
	char				 authid[AUTHID_MAXLEN + 1];

	if ((b = keeper_broker(r->broker)) == NULL || !chan_is_open(b->chan))
		return (-1);
	am->authid(r, a, q, authid, sizeof(authid));
	arc4random_buf(&rnd, sizeof(rnd));
	memset(&m, 0, sizeof(m));
	/* WAMP, IDs: global scope is drawn from [1, 2^53]; a broker that has
	 * it already refuses */
	m.session = (rnd & (WAMP_ID_MAX - 1)) + 1;
	m.realm = r->id;
	m.role = a->role;
	m.proxy = p->id.instance;
	m.proxygen = p->id.generation;
	m.authidlen = (uint16_t)strlen(authid);
	m.method = am->bit;
	iov[0].iov_base = &m;
	iov[0].iov_len = sizeof(m);
	iov[1].iov_base = authid;
	iov[1].iov_len = m.authidlen;
	if (chan_sendv(b->chan, IMSG_GRANT, im->slot, im->gen, iov, 2) == -1)
		return (-1);
	log_debug("proxy %u slot %u: session %llu granted by %s",
	    p->id.instance, im->slot, (unsigned long long)m.session,
	    wamp_auth_name(am->bit));
	return (0);
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
		deny(p, im, WERR_AUTHENTICATION_FAILED, "out of memory");
		return (0);
	}
	/* one HELLO a session: a second could be granted twice */
	if (s->state != AUTH_NEVER && s->gen == im->gen)
		return (-1);
	s->gen = im->gen;
	s->state = AUTH_DENIED;

	if (keeper.conf != NULL)
		r = conf_find_realm_id(keeper.conf, q.m.realm);
	if (r == NULL)		/* a reload may have removed it meanwhile */
		deny(p, im, WERR_NO_SUCH_REALM, "no such realm");
	else if ((a = auth_choose(r, &q)) == NULL)
		deny(p, im, WERR_NO_MATCHING_AUTH_METHOD,
		    "none of the realm's authentication methods fits");
	else if (grant(p, im, r, a, &q) == -1)
		deny(p, im, WERR_SYSTEM_SHUTDOWN,
		    "the realm is not available now");
	else
		s->state = AUTH_OPENED;
	return (0);
}

/*
 * Exactly one answer ends a HELLO that was cancelled: the AUTH_DENY that
 * crosses the CANCEL, or AUTH_GRANTED, as the verdict fell.
 */
int
auth_cancel(struct chan *c, struct imsg *im)
{
	struct peer		*p = chan_arg(c);
	struct auth_slot	*s;

	if (im->slot >= p->nslots)
		return (-1);
	s = &p->slots[im->slot];
	if (s->gen != im->gen ||
	    (s->state != AUTH_OPENED && s->state != AUTH_DENIED))
		return (-1);
	if (s->state == AUTH_OPENED)
		chan_send(c, IMSG_AUTH_GRANTED, im->slot, im->gen, NULL, 0);
	s->state = AUTH_CANCELLED;
	return (0);
}
