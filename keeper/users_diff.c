/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Who lost a proof when a users file was loaded anew, and by what number a
 * proof is known to those who may not know more.
 */
#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

#include "kdf.h"
#include "mono.h"
#include "users.h"
#include "usersfile.h"
#include "wamp.h"

struct users_diff {
	struct users		*old, *new;
	const struct proof	*at;		/* the next one to look at */
	uint32_t		 methods_old, methods_new;
	void			(*gone)(const struct proof *, uint32_t, size_t,
				    void *);
	void			*arg;
};

int
proof_key_index(const struct proof *p, const uint8_t key[32])
{
	int	i;

	for (i = 0; i < p->nkeys; i++)
		if (memcmp(p->secret + i * USERS_KEY_LEN, key,
		    USERS_KEY_LEN) == 0)
			return (i);
	return (-1);
}

static int
same_cra_key(const struct users *u, const struct proof *p,
    const struct users *v, const struct proof *q)
{
	uint8_t	*keys;
	size_t	 np = USERS_SECRET_MAX, nq = USERS_SECRET_MAX;
	int	 rv = 0;

	keys = OPENSSL_secure_malloc(2 * USERS_SECRET_MAX);
	if (keys == NULL)
		return (0);
	if (users_cra_key(u, p, keys, &np) == 0 &&
	    users_cra_key(v, q, keys + USERS_SECRET_MAX, &nq) == 0)
		rv = np == nq && CRYPTO_memcmp(keys,
		    keys + USERS_SECRET_MAX, np) == 0;
	OPENSSL_secure_clear_free(keys, 2 * USERS_SECRET_MAX);
	return (rv);
}

int
users_same_secret(const struct users *u, const struct proof *p,
    const struct users *v, const struct proof *q)
{
	if (p == q)
		return (1);
	if (p->methods != q->methods || p->kdf != q->kdf ||
	    p->iterations != q->iterations || p->memory != q->memory ||
	    p->saltlen != q->saltlen || p->secretlen != q->secretlen ||
	    memcmp(p->salt, q->salt, p->saltlen) != 0)
		return (0);
	if (p->methods & AUTH_WAMPCRA)
		return (same_cra_key(u, p, v, q));
	return (CRYPTO_memcmp(p->secret, q->secret, p->secretlen) == 0);
}

uint64_t
proof_id(const uint8_t *secret, const struct proof *p, uint32_t method,
    size_t key)
{
	uint8_t		buf[2 * (USERS_NAME_MAX + 1) + USERS_KEY_LEN +
			    sizeof(method)], hash[KDF_HMACLEN];
	uint64_t	id = 0;
	size_t		n = 0;

	memcpy(buf, &method, sizeof(method));
	n += sizeof(method);
	memcpy(buf + n, p->authid, p->authidlen + 1);
	n += p->authidlen + 1;
	memcpy(buf + n, p->role, strlen(p->role) + 1);
	n += strlen(p->role) + 1;
	if (key < p->nkeys) {
		memcpy(buf + n, p->secret + key * USERS_KEY_LEN,
		    USERS_KEY_LEN);
		n += USERS_KEY_LEN;
	}
	if (kdf_hmac(secret, USERS_ORDER_LEN, buf, n, hash) == 0)
		memcpy(&id, hash, sizeof(id));
	return (id);
}

struct users_diff *
users_diff_begin(struct users *old, struct users *new, uint32_t methods_old,
    uint32_t methods_new, void (*gone)(const struct proof *, uint32_t,
    size_t, void *), void *arg)
{
	struct users_diff	*d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	d->old = users_ref(old);
	if (new != NULL)
		d->new = users_ref(new);
	d->at = users_first(old);
	d->methods_old = methods_old;
	d->methods_new = methods_new;
	d->gone = gone;
	d->arg = arg;
	return (d);
}

static void
diff_method(struct users_diff *d, const struct proof *p, uint32_t method)
{
	const struct proof	*q = NULL;
	size_t			 i;

	if (d->new != NULL && (d->methods_new & method))
		q = users_find_same(d->new, p, method);
	if (q != NULL && strcmp(p->role, q->role) != 0)
		q = NULL;
	if (p->nkeys == 0 && q == NULL)
		d->gone(p, method, 0, d->arg);
	for (i = 0; i < p->nkeys; i++)
		if (q == NULL || proof_key_index(q,
		    p->secret + i * USERS_KEY_LEN) == -1)
			d->gone(p, method, i, d->arg);
}

int
users_diff_step(struct users_diff *d, unsigned int budget_us)
{
	const uint64_t	end = mono_us() + budget_us;
	uint32_t	bits, bit;

	while (d->at != NULL) {
		bits = d->at->methods & d->methods_old;
		for (bit = 1; bit <= bits; bit <<= 1)
			if (bits & bit)
				diff_method(d, d->at, bit);
		d->at = d->at->next;
		if (mono_us() >= end)
			break;
	}
	return (d->at == NULL);
}

int
users_diff_end(struct users_diff *d)
{
	int	is_last;

	if (d == NULL)
		return (0);
	is_last = users_unref(d->old);
	is_last |= users_unref(d->new);
	free(d);
	return (is_last);
}
