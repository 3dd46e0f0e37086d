/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A log-in by a method that asks for a proof: from the CHALLENGE to the
 * verdict.  How a method asks and checks is auth_*.c's; here is what all
 * have in common, above all that somebody unknown is treated as somebody
 * known with a wrong secret.
 */
#include <sys/time.h>

#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

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

int
text_is(const struct text *t, const char *s)
{
	return (t->len == strlen(s) && memcmp(t->p, s, t->len) == 0);
}

static const struct dialogue_method *
method_of(uint32_t bit)
{
	switch (bit) {
	case AUTH_TICKET:
		return (&ticket_method);
	case AUTH_WAMPCRA:
		return (&cra_method);
	case AUTH_SCRAM:
	case AUTH_WAMP_SCRAM:
		return (&scram_method);
	default:
		return (&cryptosign_method);
	}
}

/* HMAC-SHA-256 of purpose, method and authid; n is 64 at most. */
void
dialogue_fake(const struct dialogue *d, const char *purpose, uint8_t *out,
    size_t n)
{
	char	text[AUTHID_MAXLEN + 64];
	uint8_t	md[2][EVP_MAX_MD_SIZE];
	int	i, len;

	memset(md, 0, sizeof(md));
	for (i = 0; i < 2; i++) {
		len = snprintf(text, sizeof(text), "%s %d %u %s", purpose, i,
		    d->bit, d->authid);
		HMAC(EVP_sha256(), userset_secret(), 32,
		    (const unsigned char *)text, (size_t)len, md[i], NULL);
	}
	for (i = 0; n > 0; i++) {
		len = n > 32 ? 32 : (int)n;
		memcpy(out, md[i], (size_t)len);
		out += len;
		n -= (size_t)len;
	}
}

static void
challenge_send(const struct dialogue *d, struct challenge *c)
{
	struct iovec	iov[4];

	c->m.method = d->bit;
	c->m.challengelen = (uint16_t)strlen(c->challenge);
	c->m.saltlen = (uint16_t)strlen(c->salt);
	c->m.noncelen = (uint16_t)strlen(c->nonce);
	iov_set(&iov[0], &c->m, sizeof(c->m));
	iov_set(&iov[1], c->challenge, c->m.challengelen);
	iov_set(&iov[2], c->salt, c->m.saltlen);
	iov_set(&iov[3], c->nonce, c->m.noncelen);
	chan_sendv(d->peer->chan, IMSG_AUTH_CHALLENGE, d->slot, d->gen, iov,
	    4);
}

static struct dialogue *
dialogue_alloc(struct peer *p, uint32_t slot, uint32_t gen,
    const struct conf_realm *r, uint32_t bit, const struct ask *q,
    const char *authid)
{
	struct dialogue	*d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	d->peer = p;
	d->slot = slot;
	d->gen = gen;
	d->realm = r->id;
	d->bit = bit;
	d->method = method_of(bit);
	d->session = auth_session_id();
	memcpy(d->addr, q->m.addr, sizeof(d->addr));
	memcpy(d->address, q->address.p, q->address.len);
	/* cryptosign without authid: whose key it is */
	if (q->m.has_authid)
		d->authid = strndup(q->authid.p, q->authid.len);
	else
		d->authid = strdup(authid);
	if (d->authid == NULL) {
		free(d);
		return (NULL);
	}
	return (d);
}

/* 0, or -1: no memory. */
static int
challenge_make(struct dialogue *d, const struct conf_realm *r,
    const struct ask *q)
{
	const struct conf_role	*role;
	struct challenge	 c;
	int			 rv;

	/* a neighbour may have a role that this realm has not */
	role = d->proof != NULL ? conf_find_role(r, d->proof->role) : NULL;
	d->role = role != NULL ? role->name : TAILQ_FIRST(&r->roles)->name;
	memset(&c.m, 0, sizeof(c.m));
	c.challenge[0] = c.salt[0] = c.nonce[0] = '\0';
	rv = d->method->challenge(d, q, &c);
	d->role = NULL;		/* the configuration's */
	if (rv == 0)
		challenge_send(d, &c);
	return (rv);
}

struct dialogue *
dialogue_new(struct peer *p, uint32_t slot, uint32_t gen,
    const struct conf_realm *r, uint32_t bit, const struct ask *q,
    struct users *users, const struct proof *proof, int is_fake)
{
	struct dialogue	*d;

	d = dialogue_alloc(p, slot, gen, r, bit, q,
	    is_fake ? "" : proof->authid);
	if (d == NULL)
		return (NULL);
	d->users = users_ref(users);
	d->proof = proof;
	d->is_fake = is_fake;
	d->state = DIALOGUE_CHALLENGED;
	if (challenge_make(d, r, q) == -1) {
		dialogue_free(d);
		return (NULL);
	}
	return (d);
}

/* A ticket is asked for first, of other methods who it is. */
struct dialogue *
dialogue_ask(struct peer *p, uint32_t slot, uint32_t gen,
    const struct conf_realm *r, uint32_t bit, const struct ask *q,
    const struct conf_auth *a)
{
	struct dialogue	*d;
	int		 rv;

	if ((d = dialogue_alloc(p, slot, gen, r, bit, q, "")) == NULL)
		return (NULL);
	if ((d->call = authcall_new(d, r, a, q)) == NULL)
		rv = -1;
	else if (bit == AUTH_TICKET) {
		d->state = DIALOGUE_CHALLENGED;
		rv = challenge_make(d, r, q);
	} else {
		d->state = DIALOGUE_ASKING;
		rv = authcall_start(d->call, NULL);
	}
	if (rv == -1) {
		dialogue_free(d);
		return (NULL);
	}
	return (d);
}

void
dialogue_challenge(struct dialogue *d, const struct conf_realm *r,
    const struct ask *q)
{
	d->state = DIALOGUE_CHALLENGED;
	if (challenge_make(d, r, q) == -1)
		dialogue_failed(d, "out of memory");
}

void
dialogue_free(struct dialogue *d)
{
	if (d == NULL)
		return;
	if (d->method->end != NULL)
		d->method->end(d);
	if (d->timer != NULL)
		event_free(d->timer);
	userset_unref(d->users);
	authcall_free(d->call);
	free(d->authid);
	free(d);
}

/* -- the verdict -------------------------------------------------------- */

/*
 * For the operator, and for what reads the log for him (wampd(8)): the line
 * has the cause, which the client is not told.
 */
static void
log_failed(const struct dialogue *d, const char *cause)
{
	static struct log_limit	 limit = LOG_LIMIT_WARN("auth failed");
	const struct conf_realm	*r;
	char			 realm[256], authid[256], address[160];

	if (!log_may(&limit, 200))
		return;
	r = conf_find_realm_id(keeper.conf, d->realm);
	log_warnx("auth failed realm=%s authid=%s method=%s address=%s "
	    "reason=\"%s\"", log_vis(realm, sizeof(realm), r != NULL ?
	    r->name : "", r != NULL ? strlen(r->name) : 0),
	    log_vis(authid, sizeof(authid), d->authid, strlen(d->authid)),
	    wamp_auth_name(d->bit),
	    log_vis(address, sizeof(address), d->address,
	    strlen(d->address)), cause);
}

static void
refuse(struct dialogue *d)
{
	/* WAMP, Authentication: the same for all who may not join */
	auth_deny(d->peer, d->slot, d->gen, WERR_AUTHENTICATION_DENIED,
	    "authentication denied");
}

static void
on_delay(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	refuse(arg);		/* frees it */
}

static void
dialogue_fail(struct dialogue *d, const char *cause)
{
	struct timeval	tv;
	uint32_t	ms;

	log_failed(d, cause);
	ms = failures_add(d->realm, d->authid, d->addr);
	d->state = DIALOGUE_REFUSING;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	if (ms == 0 || (d->timer = evtimer_new(keeper.proc.base, on_delay,
	    d)) == NULL || event_add(d->timer, &tv) == -1)
		refuse(d);
}

/* Whatever a reload changed meanwhile. */
static const struct conf_role *
role_now(const struct dialogue *d, size_t key)
{
	const struct conf_realm	*r;
	const struct proof	*p = d->proof;

	if ((r = conf_find_realm_id(keeper.conf, d->realm)) == NULL)
		return (NULL);
	if (d->call != NULL ? authcall_line(d, r) == NULL :
	    !userset_has(r, d->users, p, d->bit, key))
		return (NULL);
	return (conf_find_role(r, p->role));
}

static void
dialogue_pass(struct dialogue *d)
{
	const struct conf_role	*role;
	struct verdict		 v;
	size_t			 key = 0;

	if (d->bit == AUTH_CRYPTOSIGN)
		key = d->u.sign.key;
	if ((role = role_now(d, key)) == NULL) {
		dialogue_fail(d, "a reload took it away");
		return;
	}
	memset(&v, 0, sizeof(v));
	v.realm = d->realm;
	v.role = role->id;
	v.method = d->bit;
	v.session = d->session;
	v.authid = d->proof->authid;
	if (d->call != NULL) {
		v.proof = auth_line_proof(authcall_line(d,
		    conf_find_realm_id(keeper.conf, d->realm)));
		v.provider = AUTH_PROVIDER_DYNAMIC;
		v.extra = authcall_extra(d->call);
	} else {
		v.proof = userset_proof_id(d->proof, d->bit, key);
		v.extra.p = (const char *)d->extra;
		v.extra.len = d->extralen;
	}
	if (d->call == NULL && v.proof == 0) {
		/* nobody could take it back */
		auth_deny(d->peer, d->slot, d->gen,
		    WERR_AUTHENTICATION_FAILED, "out of memory");
		return;
	}
	if (auth_grant(d->peer, d->slot, d->gen, &v) == -1)
		auth_deny(d->peer, d->slot, d->gen, WERR_SYSTEM_SHUTDOWN,
		    "the realm is not available now");
}

/* WAMP, Basic Profile URIs: the operation itself failed. */
void
dialogue_failed(struct dialogue *d, const char *why)
{
	log_failed(d, why);
	auth_deny(d->peer, d->slot, d->gen, WERR_AUTHENTICATION_FAILED,
	    "authentication failed");
}

/* For the log. */
static const char *
cause(const struct dialogue *d)
{
	if (d->call != NULL)
		return (authcall_cause(d->call));
	return (d->is_fake ? "unknown" : "wrong secret");
}

void
dialogue_checked(struct dialogue *d, enum check c)
{
	switch (c) {
	case CHECK_RIGHT:
		if (!d->is_fake)
			dialogue_pass(d);
		else
			dialogue_fail(d, cause(d));
		break;
	case CHECK_LATER:
		d->state = DIALOGUE_CHECKING;
		break;
	case CHECK_BUSY:
		log_failed(d, d->call != NULL ?
		    "the authenticator cannot be asked just now" :
		    "too many log-ins wait for their check");
		auth_deny(d->peer, d->slot, d->gen,
		    WERR_AUTHENTICATION_FAILED, "too many log-ins at once");
		break;
	default:
		dialogue_fail(d, cause(d));
		break;
	}
}

int
dialogue_response(struct dialogue *d, const struct response *r)
{
	if (d->state != DIALOGUE_CHALLENGED)
		return (-1);
	/* many can be begun before the first of them fails */
	if (failures_refuse(d->addr)) {
		limit_hit(LIMIT_FAILURES);
		log_failed(d, "too many failures of this address");
		auth_deny(d->peer, d->slot, d->gen,
		    WERR_AUTHENTICATION_FAILED, FAILURES_TEXT);
		return (0);
	}
	dialogue_checked(d, d->method->check(d, r));
	return (0);
}
