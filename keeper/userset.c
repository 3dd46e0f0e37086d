/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The users files of a configuration: read while signatures go on, put in
 * force together with it, compared with those before, so that whoever lost
 * his proof or changed his role loses his sessions.  All in slices: no step
 * takes longer than some milliseconds.
 */
#include <sys/time.h>

#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "keeper.h"
#include "log.h"
#include "users.h"
#include "wamp.h"

#define SLICE_US	3000

/* A file of one configuration. */
struct userfile {
	TAILQ_ENTRY(userfile) entry;
	uint32_t		 id;
	struct users		*users;		/* once it is read */
};
TAILQ_HEAD(userset, userfile);

/* A realm whose sessions may have lost their proofs. */
struct revocation {
	TAILQ_ENTRY(revocation) entry;
	uint32_t		 realm;
	struct users_diff	*diff;
	uint64_t		*proofs;
	uint32_t		 n;
};
TAILQ_HEAD(revocations, revocation);

static struct userset		 current = TAILQ_HEAD_INITIALIZER(current);
static struct userset		 next = TAILQ_HEAD_INITIALIZER(next);
static const struct conf	*next_conf;	/* while it is checked */
static struct conf_users	*reading;	/* of it, now */
static struct users_load	*load;
static struct revocations	 revocations =
				    TAILQ_HEAD_INITIALIZER(revocations);
static struct event		*timer;
static int			 is_freeing;
static const uint8_t		 proof_key[USERS_ORDER_LEN];
static uint8_t			*secret;	/* locked memory */
static int			 has_secret;

static void	step(evutil_socket_t, short, void *);

void
userset_prepare(void)
{
	if ((timer = evtimer_new(keeper.proc.base, step, NULL)) == NULL ||
	    (secret = OPENSSL_secure_malloc(USERS_ORDER_LEN)) == NULL)
		fatalx("users: out of memory");
	arc4random_buf(secret, USERS_ORDER_LEN);
}

const uint8_t *
userset_secret(void)
{
	return (secret);
}

/* Not by our secret: a keeper's successor must name them alike. */
uint64_t
userset_proof_id(const struct proof *p, uint32_t method, size_t key)
{
	return (proof_id(proof_key, p, method, key));
}

static void
again(void)
{
	struct timeval	now = { 0, 0 };

	evtimer_add(timer, &now);
}

/* -- one set ------------------------------------------------------------ */

static struct users *
find(const struct userset *set, uint32_t id)
{
	struct userfile	*f;

	TAILQ_FOREACH(f, set, entry)
		if (f->id == id)
			return (f->users);
	return (NULL);
}

struct users *
userset_find(uint32_t id)
{
	return (find(&current, id));
}

size_t
userset_count(void)
{
	struct userfile	*f;
	size_t		 n = 0;

	TAILQ_FOREACH(f, &current, entry)
		n += users_count(f->users);
	return (n);
}

void
userset_unref(struct users *u)
{
	if (users_unref(u)) {
		is_freeing = 1;
		again();
	}
}

static void
set_clear(struct userset *set)
{
	struct userfile	*f;

	while ((f = TAILQ_FIRST(set)) != NULL) {
		TAILQ_REMOVE(set, f, entry);
		userset_unref(f->users);
		free(f);
	}
}

/* The line of the realm that lets this method of the file in, or NULL. */
static int
is_from(const struct conf_auth *a, uint32_t users, uint32_t method)
{
	uint32_t	bits = a->method;

	if (bits == AUTH_SCRAM)
		bits |= AUTH_WAMP_SCRAM;
	return (a->what == CONF_AUTH_USERS && a->users == users &&
	    (bits & method) != 0);
}

static uint32_t
methods_of(const struct conf_realm *r, uint32_t users)
{
	const struct conf_auth	*a;
	uint32_t		 bits = 0;

	TAILQ_FOREACH(a, &r->auths, entry)
		if (is_from(a, users, UINT32_MAX))
			bits |= a->method == AUTH_SCRAM ?
			    AUTH_SCRAM | AUTH_WAMP_SCRAM : a->method;
	return (bits);
}

/* The same principal, role and key; of users, if given, the same secret. */
static int
is_same(const struct users *u, const struct proof *q,
    const struct users *users, const struct proof *p, size_t key)
{
	if (q == NULL || strcmp(p->role, q->role) != 0)
		return (0);
	if (p->nkeys > 0)
		return (proof_key_index(q, p->secret + 32 * key) != -1);
	return (users == NULL || users_same_secret(users, p, u, q));
}

int
userset_has(const struct conf_realm *r, const struct users *users,
    const struct proof *p, uint32_t method, size_t key)
{
	const struct conf_auth	*a;
	struct users		*u;

	TAILQ_FOREACH(a, &r->auths, entry)
		if (is_from(a, a->users, method) &&
		    (u = userset_find(a->users)) != NULL &&
		    is_same(u, users_find(u, p->authid, p->authidlen,
		    method), users, p, key))
			return (1);
	return (0);
}

/* -- check -------------------------------------------------------------- */

/* Has any realm that the file serves such a role? */
static int
role_ok(const char *role, void *arg)
{
	const struct conf_users	*cu = arg;
	const struct conf_realm	*r;

	TAILQ_FOREACH(r, &next_conf->realms, entry)
		if (methods_of(r, cu->id) != 0 &&
		    conf_find_role(r, role) != NULL)
			return (1);
	return (0);
}

static int
read_next(struct conf_users *cu)
{
	reading = cu;
	if (cu == NULL)
		return (0);
	load = users_load_begin(cu->fd, cu->path, secret, role_ok, cu);
	return (load != NULL ? 0 : -1);
}

/*
 * The order of principals and the salts of those who do not exist hang on
 * it: it is taken once, or tables could not be compared.
 */
static void
take_secret(const struct conf *c)
{
	uint8_t		md[EVP_MAX_MD_SIZE];
	unsigned int	len = 0;

	if (c->secret == NULL || HMAC(EVP_sha256(), "wampd users", 11,
	    c->secret, c->secretlen, md, &len) == NULL ||
	    len < USERS_ORDER_LEN)
		return;
	if (!has_secret && keeper.conf == NULL)
		memcpy(secret, md, USERS_ORDER_LEN);
	else if (!has_secret || CRYPTO_memcmp(secret, md,
	    USERS_ORDER_LEN) != 0)
		log_warnx("secret: another one needs a restart");
	has_secret = 1;
	explicit_bzero(md, sizeof(md));
}

int
userset_check(struct conf *c, char *err, size_t errlen)
{
	take_secret(c);
	if (TAILQ_EMPTY(&c->users))
		return (0);
	next_conf = c;
	if (read_next(TAILQ_FIRST(&c->users)) == -1) {
		userset_abort();
		snprintf(err, errlen, "users: out of memory");
		return (-1);
	}
	again();
	return (1);
}

/* The end of a file: 0, or -1. */
static int
read_end(void)
{
	struct userfile	*f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (-1);
	f->id = reading->id;
	f->users = users_load_end(load);
	load = NULL;
	TAILQ_INSERT_TAIL(&next, f, entry);
	close(reading->fd);
	reading->fd = -1;
	log_info("users %s: %zu proofs", reading->path,
	    users_count(f->users));
	return (read_next(TAILQ_NEXT(reading, entry)));
}

/* Errors of a file are logged, all of them: here it is enough to name it. */
static void
check_failed(void)
{
	char	text[256];

	snprintf(text, sizeof(text), "users %s is wrong", reading != NULL ?
	    reading->path : "");
	userset_abort();
	proc_conf_checked(text);
}

static void
check_step(void)
{
	int	rv = users_load_step(load, SLICE_US);

	if (rv == 0)
		return;
	if (rv == -1 || read_end() == -1) {
		check_failed();
		return;
	}
	if (reading != NULL)
		return;
	next_conf = NULL;
	proc_conf_checked(NULL);
}

void
userset_abort(void)
{
	if (load != NULL && users_load_end(load) == NULL)
		is_freeing = 1;
	load = NULL;
	reading = NULL;
	next_conf = NULL;
	set_clear(&next);
	again();
}

/* -- commit ------------------------------------------------------------- */

static void
revoke_send(struct revocation *v)
{
	const struct conf_realm	*r;

	if ((r = conf_find_realm_id(keeper.conf, v->realm)) != NULL)
		auth_revoke(r, v->proofs, v->n);
	v->n = 0;
}

/* The old table has it and the file of now has not; another may have. */
static void
proof_gone(const struct proof *p, uint32_t method, size_t key, void *arg)
{
	const struct conf_realm	*r;
	struct revocation	*v = arg;

	r = conf_find_realm_id(keeper.conf, v->realm);
	if (r != NULL && userset_has(r, NULL, p, method, key))
		return;
	v->proofs[v->n++] = userset_proof_id(p, method, key);
	if (v->n == REVOKE_MAX)
		revoke_send(v);
}

/* 0, or -1 without memory. */
static int
revoke_begin(const struct conf_realm *was, uint32_t users,
    struct users *before)
{
	const struct conf_realm	*r;
	struct revocation	*v;

	/* a realm that is gone takes its sessions with it */
	if ((r = conf_find_realm_id(keeper.conf, was->id)) == NULL)
		return (0);
	if ((v = calloc(1, sizeof(*v))) == NULL)
		return (-1);
	v->realm = r->id;
	v->proofs = calloc(REVOKE_MAX, sizeof(v->proofs[0]));
	v->diff = users_diff_begin(before, userset_find(users),
	    methods_of(was, users), methods_of(r, users), proof_gone, v);
	if (v->proofs == NULL || v->diff == NULL) {
		free(v->proofs);
		if (v->diff != NULL)
			users_diff_end(v->diff);
		free(v);
		return (-1);
	}
	TAILQ_INSERT_TAIL(&revocations, v, entry);
	return (0);
}

static void
revoke_step(void)
{
	struct revocation	*v = TAILQ_FIRST(&revocations);

	if (!users_diff_step(v->diff, SLICE_US))
		return;
	revoke_send(v);
	if (users_diff_end(v->diff))
		is_freeing = 1;
	TAILQ_REMOVE(&revocations, v, entry);
	free(v->proofs);
	free(v);
}

void
userset_commit(const struct conf *old)
{
	const struct conf_realm	*r;
	struct userset		 before = TAILQ_HEAD_INITIALIZER(before);
	struct userfile		*f;

	TAILQ_CONCAT(&before, &current, entry);
	TAILQ_CONCAT(&current, &next, entry);
	if (old != NULL)
		TAILQ_FOREACH(r, &old->realms, entry)
			TAILQ_FOREACH(f, &before, entry)
				if (methods_of(r, f->id) != 0 &&
				    revoke_begin(r, f->id, f->users) == -1)
					log_warnx("realm \"%s\": out of "
					    "memory: sessions of those who "
					    "are gone were not ended",
					    r->name);
	set_clear(&before);
	again();
}

/* -- slices ------------------------------------------------------------- */

static void
step(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (!TAILQ_EMPTY(&revocations))
		revoke_step();
	else if (is_freeing)	/* before the next table: wiped soon */
		is_freeing = !users_free_step(SLICE_US);
	else if (load != NULL)
		check_step();
	if (!TAILQ_EMPTY(&revocations) || load != NULL || is_freeing)
		again();
}
