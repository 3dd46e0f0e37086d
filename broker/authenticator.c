/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * "authenticate ... dynamic": the keeper has a procedure called and is told
 * who it says that somebody is.  The answer is reduced to a struct here,
 * since the keeper holds no reader of serializers; whether the proof is
 * right, and what becomes of it, is the keeper's to judge.
 */
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "conf.h"
#include "dynamic.h"
#include "log.h"
#include "mpcur.h"

#define CRA_ITERATIONS	1000	/* Crossbar.io's, where the answer has none */
#define CRA_KEYLEN	32
#define MAX_ITERATIONS	10000000

/* One that is under way. */
struct auth_call {
	LIST_ENTRY(auth_call)	 entry;
	struct peer		*keeper;
	struct rcall		*call;
	uint32_t		 realm_id;	/* may go meanwhile */
	uint64_t		 id;
	uint32_t		 method;
	struct uri		 procedure;
	char			 text[];
};

/* An answer; what it has not is empty. */
struct principal {
	struct uri	 authid, role, realm, secret, salt;
	const uint8_t	*extra;
	size_t		 extralen;
	uint32_t	 iterations;
	uint32_t	 keylen;
	uint16_t	 nkeys;
	uint8_t		 keys[AUTH_MAXKEYS][32];
};

static LIST_HEAD(, auth_call)	 calls = LIST_HEAD_INITIALIZER(calls);
static struct log_limit		 failures[RCALL_ENDS];

/* -- reading an answer -------------------------------------------------- */

/* Strings: 0, or -1.  nil is as good as nothing. */
static int
text_read(const struct val *v, struct uri *t, size_t max)
{
	if (v->type == VAL_NIL)
		return (0);
	if (v->type != VAL_STR || v->slen == 0 || v->slen > max ||
	    memchr(v->str, '\0', v->slen) != NULL)
		return (-1);
	t->p = (const char *)v->str;
	t->len = (uint16_t)v->slen;
	return (0);
}

static int
number_read(const struct val *v, uint32_t *n, uint32_t max)
{
	if (v->type == VAL_NIL)
		return (0);
	if (v->type != VAL_UINT || v->u.u == 0 || v->u.u > max)
		return (-1);
	*n = (uint32_t)v->u.u;
	return (0);
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c |= 0x20;
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* One more public key, in hexadecimal. */
static int
key_read(const struct val *v, struct principal *p)
{
	uint8_t	*key = p->keys[p->nkeys];
	int	 i, hi, lo;

	if (v->type != VAL_STR || v->slen != 64 || p->nkeys == AUTH_MAXKEYS)
		return (-1);
	for (i = 0; i < 32; i++) {
		hi = hex_digit(v->str[2 * i]);
		lo = hex_digit(v->str[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return (-1);
		key[i] = (uint8_t)(hi << 4 | lo);
	}
	p->nkeys++;
	return (0);
}

static int
keys_read(const struct val *v, struct principal *p)
{
	struct val_iter	it;
	struct val	k;

	if (v->type == VAL_NIL)
		return (0);
	if (v->type != VAL_ARRAY)
		return (-1);
	val_iter_init(&it, v);
	while (mp_array_next(&it, &k))
		if (key_read(&k, p) == -1)
			return (-1);
	return (0);
}

/* WELCOME.Details.authextra: a dict, its keys strings. */
static int
extra_read(const struct val *v, struct principal *p)
{
	struct val_iter	it;
	struct val	k, x;

	if (v->type == VAL_NIL)
		return (0);
	if (v->type != VAL_MAP || v->len > AUTH_MAXEXTRA)
		return (-1);
	val_iter_init(&it, v);
	while (mp_map_next(&it, &k, &x))
		if (k.type != VAL_STR)
			return (-1);
	p->extra = v->p;
	p->extralen = v->len;
	return (0);
}

static int
member_read(const struct val *k, const struct val *v, struct principal *p)
{
	if (rcall_key_is(k, "role"))
		return (text_read(v, &p->role, AUTH_MAXNAME));
	if (rcall_key_is(k, "authid"))
		return (text_read(v, &p->authid, AUTHID_MAXLEN));
	if (rcall_key_is(k, "realm"))
		return (text_read(v, &p->realm, AUTH_MAXNAME));
	if (rcall_key_is(k, "secret"))
		return (text_read(v, &p->secret, AUTH_MAXSECRET));
	if (rcall_key_is(k, "salt"))
		return (text_read(v, &p->salt, AUTH_MAXSALT));
	if (rcall_key_is(k, "iterations"))
		return (number_read(v, &p->iterations, MAX_ITERATIONS));
	if (rcall_key_is(k, "keylen"))
		return (number_read(v, &p->keylen, AUTH_MAXSECRET));
	if (rcall_key_is(k, "pubkey"))
		return (v->type == VAL_NIL ? 0 : key_read(v, p));
	if (rcall_key_is(k, "authorized_keys"))
		return (keys_read(v, p));
	if (rcall_key_is(k, "extra"))
		return (extra_read(v, p));
	return (0);
}

/* Has it what the method needs? */
static int
is_enough(struct principal *p, uint32_t method)
{
	if (p->role.len == 0)
		return (0);
	switch (method) {
	case AUTH_TICKET:
		return (1);
	case AUTH_WAMPCRA:
		if (p->salt.len == 0)
			p->iterations = p->keylen = 0;
		else {
			if (p->iterations == 0)
				p->iterations = CRA_ITERATIONS;
			if (p->keylen == 0)
				p->keylen = CRA_KEYLEN;
		}
		return (p->secret.len > 0);
	case AUTH_CRYPTOSIGN:
		return (p->nkeys > 0);
	default:
		return (0);
	}
}

/* As Crossbar.io's authenticators answer: a dict, or the role alone. */
static int
answer_read(const struct val *args, uint32_t method, struct principal *p)
{
	struct val_iter	it;
	struct val	v, k, m;

	memset(p, 0, sizeof(*p));
	val_iter_init(&it, args);
	if (!mp_array_next(&it, &v))
		return (-1);
	if (v.type == VAL_STR) {
		if (text_read(&v, &p->role, AUTH_MAXNAME) == -1)
			return (-1);
	} else if (v.type != VAL_MAP)
		return (-1);
	else {
		val_iter_init(&it, &v);
		while (mp_map_next(&it, &k, &m))
			if (member_read(&k, &m, p) == -1)
				return (-1);
	}
	return (is_enough(p, method) ? 0 : -1);
}

/* -- telling the keeper ------------------------------------------------- */

static void
tell(const struct auth_call *c, enum auth_outcome outcome,
    const struct principal *p, const struct uri *error)
{
	static const struct principal	nobody;
	static const struct uri		none;
	struct m_auth_result		m;
	struct iovec			iov[9];

	if (p == NULL)
		p = &nobody;
	if (error == NULL)
		error = &none;
	memset(&m, 0, sizeof(m));
	m.id = c->id;
	m.outcome = (uint8_t)outcome;
	m.iterations = p->iterations;
	m.keylen = (uint16_t)p->keylen;
	m.authidlen = p->authid.len;
	m.rolelen = p->role.len;
	m.realmlen = p->realm.len;
	m.secretlen = p->secret.len;
	m.saltlen = p->salt.len;
	m.nkeys = p->nkeys;
	m.extralen = (uint16_t)p->extralen;
	m.errorlen = error->len > AUTH_MAXERROR ? AUTH_MAXERROR : error->len;
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], p->authid.p, m.authidlen);
	iov_set(&iov[2], p->role.p, m.rolelen);
	iov_set(&iov[3], p->realm.p, m.realmlen);
	iov_set(&iov[4], p->secret.p, m.secretlen);
	iov_set(&iov[5], p->salt.p, m.saltlen);
	iov_set(&iov[6], p->keys, m.nkeys * sizeof(p->keys[0]));
	iov_set(&iov[7], p->extra, m.extralen);
	iov_set(&iov[8], error->p, m.errorlen);
	peer_sendv(c->keeper, IMSG_AUTH_RESULT, 0, 0, iov, 9);
}

/* RCALL_RESULT: there is one, but not of the right shape. */
static void
tell_failed(const struct auth_call *c, enum rcall_end end)
{
	const struct realm	*r = realm_find(c->realm_id);
	char			 buf[256];

	failures[end].kind = "authenticator failed";
	failures[end].what = LOG_OF_WARNING;
	if (log_may(&failures[end], 10))
		log_warnx("realm %s: authenticator %s: %s; nobody is let in "
		    "by it", r != NULL ? r->name : "",
		    log_vis(buf, sizeof(buf), c->procedure.p,
		    c->procedure.len), end == RCALL_RESULT ?
		    "the answer has not the right shape" :
		    rcall_end_text(end));
	tell(c, AUTH_OUTCOME_FAILED, NULL, NULL);
}

static void
auth_call_free(struct auth_call *c)
{
	LIST_REMOVE(c, entry);
	state_give(sizeof(*c) + c->procedure.len);
	free(c);
}

static void
answered(void *arg, const struct rcall_answer *a)
{
	struct auth_call	*c = arg;
	struct principal	 p;

	c->call = NULL;
	if (a->end == RCALL_ERROR)
		tell(c, AUTH_OUTCOME_REFUSED, NULL, &a->error);
	else if (a->end == RCALL_RESULT &&
	    answer_read(&a->args, c->method, &p) == 0)
		tell(c, AUTH_OUTCOME_GIVEN, &p, NULL);
	else
		tell_failed(c, a->end);
	auth_call_free(c);
}

/* -- what it asks ------------------------------------------------------- */

static struct auth_call *
auth_call_new(struct peer *keeper, const struct m_auth_call *m,
    const struct uri *procedure)
{
	struct auth_call	*c;

	if (state_take(sizeof(*c) + procedure->len) == -1)
		return (NULL);
	if ((c = calloc(1, sizeof(*c) + procedure->len)) == NULL) {
		state_give(sizeof(*c) + procedure->len);
		return (NULL);
	}
	c->keeper = keeper;
	c->id = m->id;
	c->realm_id = m->realm;
	c->method = m->method;
	memcpy(c->text, procedure->p, procedure->len);
	c->procedure.p = c->text;
	c->procedure.len = procedure->len;
	LIST_INSERT_HEAD(&calls, c, entry);
	return (c);
}

int
authenticator_call(struct chan *ch, struct imsg *im)
{
	struct m_auth_call	 m;
	struct auth_call	 failed, *c;
	struct uri		 procedure;
	struct body		 args;
	struct realm		*r;
	enum rcall_end		 end = RCALL_NO_CALLEE;

	if (parse_auth_call(im, &m, &procedure, &args) == -1)
		return (-1);
	if (broker.conf == NULL || (c = auth_call_new(chan_arg(ch), &m,
	    &procedure)) == NULL) {
		failed.keeper = chan_arg(ch);
		failed.id = m.id;
		tell(&failed, AUTH_OUTCOME_FAILED, NULL, NULL);
		return (0);
	}
	/* a reload that the keeper knows of may not be here yet */
	r = realm_find(m.realm);
	if (r != NULL && !r->is_gone && realm_asks(r, &procedure))
		c->call = rcall_start(r, &c->procedure, args.p, args.len,
		    m.timeout, answered, c, &end);
	if (c->call != NULL)
		rcall_wipe(c->call);
	if (c->call == NULL)
		tell_failed(c, end);
	else if (c->keeper->chan == NULL)
		rcall_cancel(c->call);	/* cut off for what this sent */
	else
		return (0);
	auth_call_free(c);
	return (0);
}

void
authenticator_gone(const struct peer *keeper)
{
	struct auth_call	*c, *next;

	for (c = LIST_FIRST(&calls); c != NULL; c = next) {
		next = LIST_NEXT(c, entry);
		/* without a call it is in hand just now */
		if (c->keeper != keeper || c->call == NULL)
			continue;
		rcall_cancel(c->call);
		auth_call_free(c);
	}
}
