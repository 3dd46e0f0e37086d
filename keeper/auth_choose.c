/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * By which line of its realm a client is judged: methods that ask for
 * nothing (one row of the table each), and who it is by those that do.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "keeper.h"
#include "users.h"
#include "wamp.h"

/* A method that asks for nothing: what is known at HELLO decides. */
struct auth_method {
	uint32_t	 bit;
	int		 is_proof;	/* the tlsproxy witnessed it */
	int		(*matches)(const struct conf_realm *,
			    const struct conf_auth *, const struct ask *);
	void		(*authid)(const struct conf_realm *,
			    const struct conf_auth *, const struct ask *,
			    char *, size_t);
};

static int
socket_matches(const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q)
{
	unsigned int	i;

	(void)r;
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
anonymous_matches(const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q)
{
	(void)r;
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
	uint32_t		rnd[sizeof(id)];
	unsigned int		i;

	(void)q;
	if (a->authid != NULL) {
		snprintf(buf, size, "%s", a->authid);
		return;
	}
	do {
		/* all at once: each call costs a getpid(2) on Linux; 28 in
		 * 2^32 favours none */
		arc4random_buf(rnd, sizeof(rnd));
		for (i = 0; i < sizeof(id) - 1; i++)
			id[i] = i % 5 == 4 ? '-' :
			    chars[rnd[i] % (sizeof(chars) - 1)];
		id[sizeof(id) - 1] = '\0';
	} while (is_configured_authid(r, id));
	snprintf(buf, size, "%s", id);
}

static const struct auth_method	methods[] = {
	{ AUTH_SOCKET, 1, socket_matches, socket_authid },
	{ AUTH_TLS, 1, auth_tls_matches, auth_tls_authid },
	{ AUTH_ANONYMOUS, 0, anonymous_matches, anonymous_authid },
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

/* May this line be used, by what the client announced and can prove?
 * Without authmethods only methods that ask for nothing. */
static int
line_matches(const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q, const struct auth_method *am)
{
	if (q->m.announced && (q->m.methods & am->bit) == 0)
		return (0);
	return (am->matches(r, a, q));
}

/* RFC 5802: printable and no comma; and our part of it follows. */
static int
is_nonce(const struct text *t)
{
	size_t	i;

	for (i = 0; i < t->len; i++)
		if (t->p[i] <= ' ' || t->p[i] >= 0x7f || t->p[i] == ',')
			return (0);
	return (t->len > 0 && t->len <= AUTH_MAXNONCE - SCRAM_NONCE);
}

/*
 * The AUTH_* bits by which this line could ask this client for a proof, and
 * the client could answer; 0: it cannot.
 */
uint32_t
auth_asks(const struct conf_auth *a, const struct ask *q)
{
	uint32_t	bits = a->method & q->m.methods;

	if ((a->what != CONF_AUTH_USERS && a->what != CONF_AUTH_DYNAMIC) ||
	    a->method == AUTH_TLS)
		return (0);
	if (a->method == AUTH_SCRAM) {
		bits = q->m.methods & (AUTH_SCRAM | AUTH_WAMP_SCRAM);
		/* Initial Client Authentication Message: a binding that is
		 * not supported ends it */
		if (!is_nonce(&q->nonce) || q->m.wants_binding)
			bits = 0;
	}
	if (!q->m.has_authid && !(bits == AUTH_CRYPTOSIGN &&
	    q->m.has_pubkey))
		bits = 0;
	return (bits);
}

/* Of two dialects the specification's. */
static uint32_t
one_bit(uint32_t bits)
{
	return ((bits & AUTH_WAMP_SCRAM) != 0 ? AUTH_WAMP_SCRAM : bits);
}

/*
 * The realm's order decides, not the client's, among the methods announced;
 * without authmethods a proof or anonymous.  A proof that matches goes
 * before anonymous wherever the two stand: root does not become a stranger
 * because of the order of two lines.
 */
const struct conf_auth *
auth_choose(const struct conf_realm *r, const struct ask *q)
{
	const struct conf_auth		*a, *anonymous = NULL;
	const struct auth_method	*am;

	TAILQ_FOREACH(a, &r->auths, entry) {
		if (anonymous == NULL && auth_asks(a, q) != 0)
			return (a);
		if ((am = method_find(a->method)) == NULL ||
		    !line_matches(r, a, q, am))
			continue;
		if (am->is_proof)
			return (a);
		if (anonymous == NULL)
			anonymous = a;
	}
	return (anonymous);
}

void
auth_authid(const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q, char *buf, size_t size)
{
	method_find(a->method)->authid(r, a, q, buf, size);
}

/* The first line of the realm by which the client is somebody. */
int
principal_find(const struct conf_realm *r, const struct ask *q,
    struct principal *pr)
{
	const struct conf_auth	*a;
	const struct proof	*p = NULL;
	uint32_t		 bits;
	size_t			 key;

	TAILQ_FOREACH(a, &r->auths, entry) {
		if (a->method == AUTH_ANONYMOUS &&
		    line_matches(r, a, q, method_find(a->method)))
			break;		/* would have decided before */
		if ((bits = auth_asks(a, q)) == 0)
			continue;
		if (a->what == CONF_AUTH_DYNAMIC) {
			pr->bit = bits;
			pr->dynamic = a;
			return (1);
		}
		if ((pr->users = userset_find(a->users)) == NULL)
			continue;
		pr->bit = one_bit(bits);
		if (!q->m.has_authid)
			p = users_find_key(pr->users, q->m.pubkey, &key);
		else if ((p = users_find(pr->users, q->authid.p,
		    q->authid.len, pr->bit)) == NULL && pr->bit != bits) {
			/* his keys are of the other dialect */
			pr->bit = bits & ~AUTH_WAMP_SCRAM;
			p = users_find(pr->users, q->authid.p,
			    q->authid.len, pr->bit);
		}
		/* in another realm the file may serve other roles */
		if (p != NULL && conf_find_role(r, p->role) != NULL) {
			pr->proof = p;
			return (1);
		}
	}
	return (0);
}

/* For somebody who is nobody: the shape of a neighbour in the same file. */
int
principal_fake(const struct conf_realm *r, const struct ask *q,
    const struct conf_auth *first, struct principal *pr)
{
	const struct conf_auth	*a;
	const struct proof	*near;
	uint32_t		 bits, mask = 0, has;

	if ((pr->users = userset_find(first->users)) == NULL)
		return (0);
	TAILQ_FOREACH(a, &r->auths, entry)
		if (a->what == CONF_AUTH_USERS && a->users == first->users)
			mask |= auth_asks(a, q);
	near = users_shape(pr->users, q->authid.p, q->authid.len, mask);
	if (near == NULL)
		return (0);
	has = users_methods(pr->users, near->authid, near->authidlen) & mask;
	TAILQ_FOREACH(a, &r->auths, entry) {
		if (a->what != CONF_AUTH_USERS || a->users != first->users ||
		    (bits = auth_asks(a, q) & has) == 0)
			continue;
		pr->bit = one_bit(bits);
		pr->proof = users_find(pr->users, near->authid,
		    near->authidlen, pr->bit);
		return (pr->proof != NULL);
	}
	return (0);
}
