/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Ticket-based Authentication: the ticket itself comes, its argon2id
 * hash is known.  A thread hashes it.
 */
#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

#include "kdf.h"
#include "keeper.h"
#include "users.h"

/* One address cannot take the whole queue from the others. */
#define PER_ADDRESS	(WORKERS_QUEUE / 4)

/* All that the thread needs, copied: the dialogue may end before it. */
struct ticket_job {
	struct job	 job;		/* first */
	LIST_ENTRY(ticket_job) entry;	/* the event loop's */
	uint8_t		 addr[16];
	struct dialogue	*d;		/* NULL: it ended */
	struct kdf_cost	 cost;
	uint8_t		 salt[64], hash[64];
	size_t		 saltlen, hashlen, len;
	int		 is_right;
	char		 ticket[];
};

static int
ticket_challenge(struct dialogue *d, const struct ask *q, struct challenge *c)
{
	(void)d;
	(void)q;
	(void)c;
	return (0);
}

static LIST_HEAD(, ticket_job)	 underway;

static int
is_address_full(const uint8_t addr[16])
{
	const struct ticket_job	*t;
	unsigned int		 n = 0;

	LIST_FOREACH(t, &underway, entry)
		n += memcmp(t->addr, addr, sizeof(t->addr)) == 0;
	return (n >= PER_ADDRESS);
}

static void
ticket_free(struct ticket_job *t)
{
	LIST_REMOVE(t, entry);
	freezero(t, sizeof(*t) + t->len);
}

static void
ticket_work(struct job *j)
{
	struct ticket_job	*t = (struct ticket_job *)j;
	uint8_t			 hash[sizeof(t->hash)];

	t->is_right = kdf_argon2id(t->ticket, t->len, t->salt, t->saltlen,
	    &t->cost, hash, t->hashlen) == 0 &&
	    CRYPTO_memcmp(hash, t->hash, t->hashlen) == 0;
	explicit_bzero(hash, sizeof(hash));
	explicit_bzero(t->ticket, t->len);
}

static void
ticket_done(struct job *j)
{
	struct ticket_job	*t = (struct ticket_job *)j;
	struct dialogue		*d = t->d;
	int			 is_right = t->is_right;

	ticket_free(t);
	if (d == NULL)
		return;
	d->u.ticket = NULL;
	dialogue_checked(d, is_right ? CHECK_RIGHT : CHECK_WRONG);
}

static enum check
ticket_check(struct dialogue *d, const struct response *r)
{
	const struct proof	*p = d->proof;
	struct ticket_job	*t;

	/* who is asked checks it */
	if (d->call != NULL)
		return (authcall_start(d->call, &r->sig) == 0 ? CHECK_LATER :
		    CHECK_BUSY);
	if (is_address_full(d->addr) || p->saltlen > sizeof(t->salt) ||
	    p->secretlen > sizeof(t->hash) ||
	    (t = calloc(1, sizeof(*t) + r->sig.len)) == NULL)
		return (CHECK_BUSY);
	t->job.work = ticket_work;
	t->job.done = ticket_done;
	t->d = d;
	memcpy(t->addr, d->addr, sizeof(t->addr));
	LIST_INSERT_HEAD(&underway, t, entry);
	t->cost.t = p->iterations;
	t->cost.m = p->memory;
	t->cost.p = p->parallel;
	t->saltlen = p->saltlen;
	t->hashlen = p->secretlen;
	memcpy(t->salt, p->salt, p->saltlen);
	/* the neighbour's ticket opens nothing for somebody else */
	arc4random_buf(t->hash, t->hashlen);
	if (!d->is_fake)
		memcpy(t->hash, p->secret, t->hashlen);
	memcpy(t->ticket, r->sig.p, r->sig.len);
	t->len = r->sig.len;
	if (workers_give(&t->job) == -1) {
		ticket_free(t);
		return (CHECK_BUSY);
	}
	d->u.ticket = t;
	return (CHECK_LATER);
}

static void
ticket_end(struct dialogue *d)
{
	struct ticket_job	*t = d->u.ticket;

	if (t == NULL)
		return;
	t->d = NULL;
	if (workers_take_back(&t->job))
		ticket_free(t);
}

const struct dialogue_method	 ticket_method = {
	ticket_challenge, ticket_check, ticket_end
};
