/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * "authenticate ... dynamic": who somebody is, and by what the proof is
 * checked, says a procedure.  The broker of its realm calls it (AUTH_CALL)
 * and reduces the answer to a struct.  A ticket goes to the procedure, which
 * checks it; keys come from it, and the dialogue goes on as by a users file.
 */
#include <openssl/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "conf.h"
#include "keeper.h"
#include "log.h"
#include "mpput.h"
#include "users.h"
#include "usersfile.h"

#define NBUCKETS	1024		/* power of two */
#define NSHAPES		64

struct authcall {
	LIST_ENTRY(authcall)	 entry;		/* while it is under way */
	struct dialogue		*d;
	uint64_t		 id;		/* 0: not under way */
	uint32_t		 broker;	/* instance that was asked */
	uint32_t		 realm;		/* of the procedure */
	uint32_t		 timeout;
	char			*procedure;
	uint8_t			*args;		/* all but the ticket */
	size_t			 len, size;
	struct ask		 q;		/* without its texts */
	/* the answer */
	struct proof		 proof;
	char			*authid, *role;
	char			 salt[AUTH_MAXSALT];
	uint8_t			 keys[AUTH_MAXKEYS][32];
	uint8_t			*secret;	/* in secure memory */
	size_t			 secretlen;
	uint8_t			*extra;
	size_t			 extralen;
	char			 cause[AUTH_MAXERROR * 4 + 32];
};

/* What the last who was somebody got to see in a CHALLENGE: who is nobody
 * shall not get to see less. */
struct shape {
	uint32_t	 realm, method;
	uint32_t	 iterations;
	uint16_t	 keylen;
	uint8_t		 saltlen;
	char		 role[AUTH_MAXNAME + 1];
};

static LIST_HEAD(, authcall)	 buckets[NBUCKETS];
static uint64_t			 lastid;
static struct shape		 shapes[NSHAPES];

/* An answer, its lengths checked. */
struct result {
	struct m_auth_result	 m;
	struct text		 authid, role, realm, secret, salt, keys,
				 extra, error;
};

/* -- asking ------------------------------------------------------------- */

static void
put_member(struct mpput *m, const char *key, const struct text *t)
{
	mpput_text(m, key);
	if (t->len > 0)
		mpput_str(m, t->p, t->len);
	else
		mpput_nil(m);
}

static void
put_certificate(struct mpput *m, const struct ask *q)
{
	static const char	digits[] = "0123456789abcdef";
	char			hex[64];
	size_t			i;

	mpput_text(m, "client_cert");
	if ((q->m.proofs & PROOF_TLS) == 0) {
		mpput_nil(m);
		return;
	}
	for (i = 0; i < 32; i++) {
		hex[2 * i] = digits[q->m.certhash[i] >> 4];
		hex[2 * i + 1] = digits[q->m.certhash[i] & 15];
	}
	mpput_map(m, 2);
	put_member(m, "subject", &q->subject);
	mpput_text(m, "sha256");
	mpput_str(m, hex, sizeof(hex));
}

/*
 * realm, authid, details as Crossbar.io's authenticators get them; room for
 * one more detail, the ticket.
 */
static int
args_make(struct authcall *c, const struct conf_realm *r,
    const struct ask *q)
{
	const struct dialogue	*d = c->d;
	struct mpput		 m;

	c->size = AUTH_MAXARGS;
	if ((c->args = malloc(c->size)) == NULL)
		return (-1);
	mpput_init(&m, c->args, c->size);
	mpput_array(&m, 3);
	mpput_text(&m, r->name);
	if (q->m.has_authid)
		mpput_str(&m, q->authid.p, q->authid.len);
	else
		mpput_nil(&m);
	mpput_map(&m, d->bit == AUTH_TICKET ? 5 : 4);
	mpput_text(&m, "session");
	mpput_uint(&m, d->session);
	mpput_text(&m, "authmethod");
	mpput_text(&m, wamp_auth_name(d->bit));
	mpput_text(&m, "authextra");
	if (q->extra.len > 0)
		mpput_raw(&m, q->extra.p, q->extra.len);
	else
		mpput_nil(&m);
	mpput_text(&m, "transport");
	mpput_map(&m, 2);
	put_member(&m, "peer", &q->address);
	put_certificate(&m, q);
	c->len = m.len;
	return (m.failed ? -1 : 0);
}

struct authcall *
authcall_new(struct dialogue *d, const struct conf_realm *r,
    const struct conf_auth *a, const struct ask *q)
{
	struct authcall	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->d = d;
	c->realm = a->dynamic.realm_id;
	c->timeout = a->dynamic.timeout;
	c->q.m = q->m;
	c->procedure = strdup(a->dynamic.procedure);
	if (c->procedure == NULL || args_make(c, r, q) == -1) {
		authcall_free(c);
		return (NULL);
	}
	return (c);
}

void
authcall_free(struct authcall *c)
{
	if (c == NULL)
		return;
	if (c->id != 0)
		LIST_REMOVE(c, entry);
	free(c->procedure);
	freezero(c->args, c->size);
	free(c->authid);
	free(c->role);
	OPENSSL_secure_clear_free(c->secret, AUTH_MAXSECRET);
	free(c->extra);
	freezero(c, sizeof(*c));
}

/* 0, or -1: nobody can be asked now. */
int
authcall_start(struct authcall *c, const struct text *ticket)
{
	const struct conf_realm	*r;
	struct m_auth_call	 m;
	struct mpput		 put;
	struct peer		*b;
	struct iovec		 iov[3];

	if ((r = conf_find_realm_id(keeper.conf, c->realm)) == NULL ||
	    (b = keeper_broker(r->broker)) == NULL || !chan_is_open(b->chan))
		return (-1);
	mpput_init(&put, c->args, c->size);
	put.len = c->len;
	if (ticket != NULL) {
		mpput_text(&put, "ticket");
		mpput_str(&put, ticket->p, ticket->len);
	}
	if (put.failed)
		return (-1);
	memset(&m, 0, sizeof(m));
	m.id = ++lastid;
	m.realm = c->realm;
	m.timeout = c->timeout;
	m.method = c->d->bit;
	m.arglen = (uint32_t)put.len;
	m.urilen = (uint16_t)strlen(c->procedure);
	iov[0].iov_base = &m;
	iov[0].iov_len = sizeof(m);
	iov[1].iov_base = c->procedure;
	iov[1].iov_len = m.urilen;
	iov[2].iov_base = c->args;
	iov[2].iov_len = put.len;
	if (chan_sendv(b->chan, IMSG_AUTH_CALL, 0, 0, iov, 3) == -1)
		return (-1);
	explicit_bzero(c->args, c->size);	/* asked once */
	c->broker = r->broker;
	c->id = m.id;
	LIST_INSERT_HEAD(&buckets[m.id & (NBUCKETS - 1)], c, entry);
	return (0);
}

/* -- who somebody is ---------------------------------------------------- */

static struct shape *
shape_of(const struct dialogue *d)
{
	return (&shapes[(d->realm * 8 + d->bit) % NSHAPES]);
}

static void
shape_keep(const struct dialogue *d)
{
	const struct proof	*p = &d->call->proof;
	struct shape		*s = shape_of(d);

	s->realm = d->realm;
	s->method = d->bit;
	s->iterations = p->iterations;
	s->keylen = p->secretlen;
	s->saltlen = p->saltlen > USERS_SALT_MAX ? USERS_SALT_MAX :
	    p->saltlen;
	strlcpy(s->role, p->role, sizeof(s->role));
}

/* For somebody who is nobody. */
static void
shape_use(struct dialogue *d, const struct conf_realm *r)
{
	struct authcall		*c = d->call;
	const struct shape	*s = shape_of(d);
	const struct conf_role	*role = NULL;

	if (s->realm == d->realm && s->method == d->bit) {
		role = conf_find_role(r, s->role);
		c->proof.iterations = s->iterations;
		c->proof.secretlen = s->keylen;
		c->proof.saltlen = s->saltlen;
	}
	c->proof.role = role != NULL ? role->name :
	    TAILQ_FIRST(&r->roles)->name;
	c->proof.secret = c->keys[0];
	if (d->bit == AUTH_CRYPTOSIGN) {
		c->proof.nkeys = 1;
		arc4random_buf(c->keys, sizeof(c->keys[0]));
	}
}

static char *
text_dup(const struct text *t)
{
	return (strndup(t->p, t->len));
}

/* 0, or -1: no memory. */
static int
proof_make(struct authcall *c, const struct result *res)
{
	struct proof	*p = &c->proof;

	c->role = text_dup(&res->role);
	c->authid = res->authid.len > 0 ? text_dup(&res->authid) :
	    strdup(c->d->authid);
	c->secret = OPENSSL_secure_malloc(AUTH_MAXSECRET);
	c->extra = malloc(res->extra.len + 1);
	if (c->role == NULL || c->authid == NULL || c->secret == NULL ||
	    c->extra == NULL)
		return (-1);
	memcpy(c->salt, res->salt.p, res->salt.len);
	memcpy(c->keys, res->keys.p, res->keys.len);
	memcpy(c->secret, res->secret.p, res->secret.len);
	memcpy(c->extra, res->extra.p, res->extra.len);
	c->secretlen = res->secret.len;
	c->extralen = res->extra.len;
	p->authid = c->authid;
	p->authidlen = strlen(c->authid);
	p->role = c->role;
	p->methods = c->d->bit;
	p->iterations = res->m.iterations;
	p->salt = (const uint8_t *)c->salt;
	p->saltlen = (uint8_t)res->salt.len;
	p->secret = c->keys[0];
	p->nkeys = (uint8_t)res->m.nkeys;
	p->secretlen = p->nkeys > 0 ? (uint16_t)(32 * p->nkeys) :
	    res->m.keylen;
	return (0);
}

/* By which the realm that is joined asks this procedure, still; or NULL. */
const struct conf_auth *
authcall_line(const struct dialogue *d, const struct conf_realm *r)
{
	const struct conf_auth	*a;

	TAILQ_FOREACH(a, &r->auths, entry)
		if (a->what == CONF_AUTH_DYNAMIC && a->method == d->bit &&
		    a->dynamic.realm_id == d->call->realm &&
		    strcmp(a->dynamic.procedure, d->call->procedure) == 0)
			return (a);
	return (NULL);
}

/* Why what was given is not good enough, or NULL. */
static const char *
given_wrong(struct authcall *c, const struct conf_realm *r,
    const struct result *res)
{
	if (proof_make(c, res) == -1)
		return ("out of memory");
	if (res->realm.len > 0 && !text_is(&res->realm, r->name))
		return ("the authenticator sent it to another realm");
	if (conf_find_role(r, c->role) == NULL)
		return ("the authenticator gave a role that is not in the "
		    "realm");
	if (*c->authid == '\0')
		return ("the authenticator gave no authid");
	return (NULL);
}

static void
given(struct authcall *c, const struct conf_realm *r,
    const struct result *res)
{
	struct dialogue	*d = c->d;
	const char	*why;
	char		*authid;

	if ((why = given_wrong(c, r, res)) != NULL) {
		dialogue_failed(d, why);
		return;
	}
	if ((authid = strdup(c->authid)) == NULL) {
		dialogue_failed(d, "out of memory");
		return;
	}
	free(d->authid);
	d->authid = authid;
	d->proof = &c->proof;
	shape_keep(d);
	if (d->bit == AUTH_TICKET)
		dialogue_checked(d, CHECK_RIGHT);
	else
		dialogue_challenge(d, r, &c->q);
}

/* A challenge all the same: who is known shows in nothing. */
static void
refused(struct authcall *c, const struct conf_realm *r,
    const struct result *res)
{
	struct dialogue	*d = c->d;
	char		 vis[AUTH_MAXERROR * 4];

	snprintf(c->cause, sizeof(c->cause), "refused by the authenticator: "
	    "%s", log_vis(vis, sizeof(vis), res->error.p, res->error.len));
	d->is_fake = 1;
	shape_use(d, r);
	d->proof = &c->proof;
	if (d->bit == AUTH_TICKET)
		dialogue_checked(d, CHECK_WRONG);
	else
		dialogue_challenge(d, r, &c->q);
}

const char *
authcall_cause(const struct authcall *c)
{
	return (c->cause[0] != '\0' ? c->cause : "wrong secret");
}

/* What cra_check() takes; out has AUTH_MAXSECRET octets. */
size_t
authcall_secret(const struct authcall *c, uint8_t *out)
{
	if (c->secret == NULL)
		return (0);
	memcpy(out, c->secret, c->secretlen);
	return (c->secretlen);
}

struct text
authcall_extra(const struct authcall *c)
{
	struct text	t = { (const char *)c->extra, c->extralen };

	return (t);
}

/* -- what the broker says ----------------------------------------------- */

static int
has_nul(const struct text *t)
{
	return (t->len > 0 && memchr(t->p, '\0', t->len) != NULL);
}

/* 0, or -1: nonsense. */
static int
result_parse(struct result *r, const struct imsg *im)
{
	struct m_auth_result	*m = &r->m;
	const uint8_t		*p = im->data + sizeof(*m);
	size_t			 left;

	if (im->len < sizeof(*m))
		return (-1);
	memcpy(m, im->data, sizeof(*m));
	left = im->len - sizeof(*m);
	if (m->authidlen > AUTHID_MAXLEN || m->rolelen > AUTH_MAXNAME ||
	    m->realmlen > AUTH_MAXNAME || m->secretlen > AUTH_MAXSECRET ||
	    m->saltlen > AUTH_MAXSALT || m->nkeys > AUTH_MAXKEYS ||
	    m->extralen > AUTH_MAXEXTRA || m->errorlen > AUTH_MAXERROR ||
	    m->keylen > AUTH_MAXSECRET || m->outcome > AUTH_OUTCOME_FAILED)
		return (-1);
	if (text_take(&p, &left, &r->authid, m->authidlen) == -1 ||
	    text_take(&p, &left, &r->role, m->rolelen) == -1 ||
	    text_take(&p, &left, &r->realm, m->realmlen) == -1 ||
	    text_take(&p, &left, &r->secret, m->secretlen) == -1 ||
	    text_take(&p, &left, &r->salt, m->saltlen) == -1 ||
	    text_take(&p, &left, &r->keys, m->nkeys * (size_t)32) == -1 ||
	    text_take(&p, &left, &r->extra, m->extralen) == -1 ||
	    text_take(&p, &left, &r->error, m->errorlen) == -1 || left != 0)
		return (-1);
	return (has_nul(&r->authid) || has_nul(&r->role) ||
	    has_nul(&r->salt) ? -1 : 0);
}

/* Has it what the method needs?  The broker sends no other. */
static int
is_enough(const struct authcall *c, const struct result *r)
{
	if (r->m.outcome != AUTH_OUTCOME_GIVEN)
		return (1);
	if (r->role.len == 0 || (c->d->bit == AUTH_WAMPCRA &&
	    (r->secret.len == 0 || (r->salt.len > 0 &&
	    (r->m.iterations == 0 || r->m.keylen == 0)))))
		return (0);
	return (c->d->bit == AUTH_CRYPTOSIGN ? r->m.nkeys > 0 :
	    r->m.nkeys == 0);
}

static struct authcall *
authcall_find(uint64_t id)
{
	struct authcall	*c;

	LIST_FOREACH(c, &buckets[id & (NBUCKETS - 1)], entry)
		if (c->id == id)
			return (c);
	return (NULL);
}

static void
authcall_over(struct authcall *c)
{
	LIST_REMOVE(c, entry);
	c->id = 0;
}

int
authcall_result(struct chan *ch, struct imsg *im)
{
	const struct peer	*b = chan_arg(ch);
	const struct conf_realm	*r;
	struct authcall		*c;
	struct result		 res;

	if (result_parse(&res, im) == -1 || res.m.id == 0 ||
	    res.m.id > lastid)
		return (-1);
	if ((c = authcall_find(res.m.id)) == NULL)
		return (0);		/* who asked is gone */
	if (c->broker != b->id.instance || !is_enough(c, &res))
		return (-1);
	authcall_over(c);
	r = conf_find_realm_id(keeper.conf, c->d->realm);
	if (r == NULL || authcall_line(c->d, r) == NULL)
		dialogue_failed(c->d, "a reload took it away");
	else if (res.m.outcome == AUTH_OUTCOME_GIVEN)
		given(c, r, &res);
	else if (res.m.outcome == AUTH_OUTCOME_REFUSED)
		refused(c, r, &res);
	else
		dialogue_failed(c->d, "the authenticator gave no answer");
	return (0);
}

void
authcall_broker_gone(uint32_t broker)
{
	struct authcall	*c, *next;
	size_t		 i;

	for (i = 0; i < NBUCKETS; i++)
		for (c = LIST_FIRST(&buckets[i]); c != NULL; c = next) {
			next = LIST_NEXT(c, entry);
			if (c->broker != broker)
				continue;
			authcall_over(c);
			dialogue_failed(c->d, "the authenticator's realm is "
			    "not available now");
		}
}
