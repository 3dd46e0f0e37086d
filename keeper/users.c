/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The table of one users file: proofs by principal and by key.  It lies in
 * large chunks, which are wiped as a whole.  Principals are sorted by a keyed
 * hash of their authid: nobody can make look-ups slow or guess neighbours,
 * and each look-up goes down to a leaf, whether or not it finds something.
 * WAMP-CRA keys, of which there may be more than locked memory, are kept
 * encrypted by a key in OpenSSL's locked heap.
 */
#include <sys/queue.h>
#include <sys/tree.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "credtext.h"
#include "kdf.h"
#include "mono.h"
#include "users.h"
#include "usersfile.h"
#include "wamp.h"

#define CHUNK_SIZE	(64 * 1024)
#define NMETHODS	8		/* bits of AUTH_* */

/* A method of a proof. */
struct node {
	RB_ENTRY(node)	 entry;
	struct proof	*proof;
};
RB_HEAD(nodes, node);

/* A key of a proof. */
struct keynode {
	RB_ENTRY(keynode)	 entry;
	struct proof		*proof;
	const uint8_t		*key;
};
RB_HEAD(keynodes, keynode);

struct role {
	RB_ENTRY(role)	 entry;
	const char	*name;
};
RB_HEAD(roles, role);

struct chunk {
	SLIST_ENTRY(chunk)	 entry;
	size_t			 used;
	uint8_t			 data[];
};

/* In locked memory. */
struct shield {
	uint8_t	order[USERS_ORDER_LEN];
	uint8_t	key[32];		/* AES-256 */
};

struct users {
	unsigned int		 refs;
	size_t			 count;
	struct shield		*shield;
	struct nodes		 methods[NMETHODS];
	struct keynodes		 keys, certs;
	struct roles		 roles;
	struct proof		*first, *last;
	SLIST_HEAD(, chunk)	 chunks;
	SLIST_ENTRY(users)	 entry;		/* among the dropped */
};

static SLIST_HEAD(, users)	dropped = SLIST_HEAD_INITIALIZER(dropped);

static int
node_cmp(struct node *a, struct node *b)
{
	const struct proof	*p = a->proof, *q = b->proof;

	if (p->order != q->order)
		return (p->order < q->order ? -1 : 1);
	if (p->authidlen != q->authidlen)
		return (p->authidlen < q->authidlen ? -1 : 1);
	return (memcmp(p->authid, q->authid, p->authidlen));
}

static int
keynode_cmp(struct keynode *a, struct keynode *b)
{
	return (memcmp(a->key, b->key, USERS_KEY_LEN));
}

static int
role_cmp(struct role *a, struct role *b)
{
	return (strcmp(a->name, b->name));
}

RB_PROTOTYPE(nodes, node, entry, node_cmp)
RB_GENERATE(nodes, node, entry, node_cmp)
RB_PROTOTYPE(keynodes, keynode, entry, keynode_cmp)
RB_GENERATE(keynodes, keynode, entry, keynode_cmp)
RB_PROTOTYPE(roles, role, entry, role_cmp)
RB_GENERATE(roles, role, entry, role_cmp)

/* The place of an authid; 0 if libcrypto has no memory, which harms nobody. */
static uint64_t
order_of(const struct users *u, const char *authid, size_t len)
{
	uint8_t		hash[KDF_HMACLEN];
	uint64_t	order = 0;

	if (kdf_hmac(u->shield->order, sizeof(u->shield->order), authid, len,
	    hash) == 0)
		memcpy(&order, hash, sizeof(order));
	return (order);
}

struct users *
users_new(const uint8_t secret[USERS_ORDER_LEN])
{
	struct users	*u;

	if ((u = calloc(1, sizeof(*u))) == NULL)	/* empty trees */
		return (NULL);
	u->shield = OPENSSL_secure_zalloc(sizeof(*u->shield));
	if (u->shield == NULL || RAND_priv_bytes(u->shield->key,
	    sizeof(u->shield->key)) != 1) {
		OPENSSL_secure_clear_free(u->shield, sizeof(*u->shield));
		free(u);
		return (NULL);
	}
	memcpy(u->shield->order, secret, sizeof(u->shield->order));
	u->refs = 1;
	return (u);
}

/* Zeroed memory of the table, or NULL and errno. */
static void *
take(struct users *u, size_t len)
{
	struct chunk	*c = SLIST_FIRST(&u->chunks);
	void		*p;

	len = (len + 7) & ~(size_t)7;
	if (c == NULL || len > CHUNK_SIZE - c->used) {
		if ((c = calloc(1, sizeof(*c) + CHUNK_SIZE)) == NULL)
			return (NULL);
		SLIST_INSERT_HEAD(&u->chunks, c, entry);
	}
	p = c->data + c->used;
	c->used += len;
	return (p);
}

static struct role *
role_find(struct users *u, const char *name)
{
	struct role	find = { .name = name };

	return (RB_FIND(roles, &u->roles, &find));
}

int
users_has_role(struct users *u, const char *name)
{
	return (role_find(u, name) != NULL);
}

static const char *
role_get(struct users *u, const struct users_line *l)
{
	struct role	*r;
	char		*name;

	if ((r = role_find(u, l->role)) != NULL)
		return (r->name);
	if ((r = take(u, sizeof(*r) + l->rolelen + 1)) == NULL)
		return (NULL);
	name = (char *)(r + 1);
	memcpy(name, l->role, l->rolelen);
	r->name = name;
	RB_INSERT(roles, &u->roles, r);
	return (r->name);
}

/* Encrypt or decrypt the key of a line; 0 or -1. */
static int
shield_key(const struct users *u, uint32_t line, const uint8_t *in,
    uint8_t *out, size_t len)
{
	EVP_CIPHER_CTX	*ctx;
	uint8_t		 iv[16] = { 0 };
	int		 n, rc = -1;

	/* the rest of it counts the blocks */
	memcpy(iv, &line, sizeof(line));
	if ((ctx = EVP_CIPHER_CTX_new()) == NULL)
		return (-1);
	if (EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, u->shield->key,
	    iv) == 1 && EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1)
		rc = 0;
	EVP_CIPHER_CTX_free(ctx);	/* wiped */
	return (rc);
}

/* Copy what a line says into the table, or NULL. */
static struct proof *
proof_new(struct users *u, const struct users_line *l, uint32_t lineno)
{
	struct proof	*p;
	uint8_t		*q;

	if ((p = take(u, sizeof(*p) + l->secretlen + l->saltlen +
	    l->authidlen + 1)) == NULL ||
	    (p->role = role_get(u, l)) == NULL)
		return (NULL);
	p->secret = q = (uint8_t *)(p + 1);
	p->salt = q + l->secretlen;
	p->authid = (char *)q + l->secretlen + l->saltlen;
	if (l->methods & AUTH_WAMPCRA) {
		if (shield_key(u, lineno, l->secret, q, l->secretlen) == -1)
			return (NULL);
	} else
		memcpy(q, l->secret, l->secretlen);
	memcpy(q + l->secretlen, l->salt, l->saltlen);
	memcpy(q + l->secretlen + l->saltlen, l->authid, l->authidlen);
	p->order = order_of(u, l->authid, l->authidlen);
	p->authidlen = l->authidlen;
	p->methods = l->methods;
	p->line = lineno;
	p->iterations = l->iterations;
	p->memory = l->memory;
	p->secretlen = (uint16_t)l->secretlen;
	p->kdf = l->kdf;
	p->parallel = (uint8_t)l->parallel;
	p->saltlen = (uint8_t)l->saltlen;
	if (l->methods & (AUTH_CRYPTOSIGN | AUTH_TLS))
		p->nkeys = (uint8_t)(l->secretlen / USERS_KEY_LEN);
	return (p);
}

static int
is_taken(const struct proof *by, const struct proof **other)
{
	*other = by;
	errno = EEXIST;
	return (-1);
}

/* 0, or -1 and errno. */
static int
add_methods(struct users *u, struct proof *p, const struct proof **other)
{
	struct node	*n, *same;
	int		 i;

	for (i = 0; i < NMETHODS; i++) {
		if ((p->methods & 1U << i) == 0)
			continue;
		if ((n = take(u, sizeof(*n))) == NULL)
			return (-1);
		n->proof = p;
		if ((same = RB_INSERT(nodes, &u->methods[i], n)) != NULL)
			return (is_taken(same->proof, other));
	}
	return (0);
}

static int
add_keys(struct users *u, struct proof *p, const struct proof **other)
{
	struct keynodes	*tree;
	struct keynode	*n, *same;
	size_t		 i;

	tree = p->methods & AUTH_TLS ? &u->certs : &u->keys;
	for (i = 0; i < p->nkeys; i++) {
		if ((n = take(u, sizeof(*n))) == NULL)
			return (-1);
		n->proof = p;
		n->key = p->secret + i * USERS_KEY_LEN;
		if ((same = RB_INSERT(keynodes, tree, n)) != NULL)
			return (is_taken(same->proof, other));
	}
	return (0);
}

int
users_add(struct users *u, const struct users_line *l, uint32_t lineno,
    const struct proof **other)
{
	struct proof	*p;

	if ((p = proof_new(u, l, lineno)) == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	if (u->last == NULL)
		u->first = p;
	else
		u->last->next = p;
	u->last = p;
	u->count++;
	if (add_methods(u, p, other) == -1)
		return (-1);
	return (add_keys(u, p, other));
}

struct users *
users_ref(struct users *u)
{
	u->refs++;
	return (u);
}

int
users_unref(struct users *u)
{
	if (u == NULL || --u->refs > 0)
		return (0);
	SLIST_INSERT_HEAD(&dropped, u, entry);
	return (1);
}

int
users_free_step(unsigned int budget_us)
{
	const uint64_t	 end = mono_us() + budget_us;
	struct users	*u;
	struct chunk	*c;

	while ((u = SLIST_FIRST(&dropped)) != NULL) {
		if ((c = SLIST_FIRST(&u->chunks)) != NULL) {
			SLIST_REMOVE_HEAD(&u->chunks, entry);
			freezero(c, sizeof(*c) + CHUNK_SIZE);
		} else {
			SLIST_REMOVE_HEAD(&dropped, entry);
			OPENSSL_secure_clear_free(u->shield,
			    sizeof(*u->shield));
			freezero(u, sizeof(*u));
		}
		if (mono_us() >= end)
			break;
	}
	return (SLIST_EMPTY(&dropped));
}

size_t
users_count(const struct users *u)
{
	return (u->count);
}

const struct proof *
users_first(const struct users *u)
{
	return (u->first);
}

/* The first one not before the place, down to a leaf in any case. */
static struct node *
node_at(const struct nodes *tree, uint64_t order)
{
	struct node	*n, *found = NULL;

	for (n = RB_ROOT(tree); n != NULL;) {
		if (n->proof->order >= order) {
			found = n;
			n = RB_LEFT(n, entry);
		} else
			n = RB_RIGHT(n, entry);
	}
	return (found);
}

static const struct proof *
find_at(const struct users *u, uint64_t order, const char *authid,
    size_t len, uint32_t method)
{
	const struct proof	*p;
	struct node		*n;
	int			 differs, i = ffs((int)method) - 1;

	if (i < 0 || i >= NMETHODS)
		return (NULL);
	n = node_at(&u->methods[i], order);
	for (; n != NULL; n = RB_NEXT(nodes, NULL, n)) {
		p = n->proof;
		/* an unknown one's neighbour is looked at, too: it takes time */
		differs = CRYPTO_memcmp(authid, p->authid,
		    len < p->authidlen ? len : p->authidlen);
		if (p->order != order)
			break;
		if (!differs && len == p->authidlen)
			return (p);
	}
	return (NULL);
}

const struct proof *
users_find(const struct users *u, const char *authid, size_t len,
    uint32_t method)
{
	return (find_at(u, order_of(u, authid, len), authid, len, method));
}

const struct proof *
users_find_same(const struct users *u, const struct proof *p, uint32_t method)
{
	return (find_at(u, p->order, p->authid, p->authidlen, method));
}

uint32_t
users_methods(const struct users *u, const char *authid, size_t len)
{
	const uint64_t	order = order_of(u, authid, len);
	uint32_t	bit, bits = 0;

	for (bit = 1; bit < 1U << NMETHODS; bit <<= 1)
		if (find_at(u, order, authid, len, bit) != NULL)
			bits |= bit;
	return (bits);
}

static const struct proof *
find_key(const struct keynodes *tree, const uint8_t *key, size_t *i)
{
	struct keynode	*n;
	int		 cmp;

	for (n = RB_ROOT(tree); n != NULL;) {
		if ((cmp = memcmp(key, n->key, USERS_KEY_LEN)) == 0) {
			*i = (size_t)(n->key - n->proof->secret) /
			    USERS_KEY_LEN;
			return (n->proof);
		}
		n = cmp < 0 ? RB_LEFT(n, entry) : RB_RIGHT(n, entry);
	}
	return (NULL);
}

const struct proof *
users_find_key(const struct users *u, const uint8_t pub[32], size_t *i)
{
	return (find_key(&u->keys, pub, i));
}

const struct proof *
users_find_cert(const struct users *u, const uint8_t hash[32], size_t *i)
{
	return (find_key(&u->certs, hash, i));
}

const struct proof *
users_shape(const struct users *u, const char *authid, size_t len,
    uint32_t methods)
{
	const uint64_t		 order = order_of(u, authid, len);
	const struct proof	*found = NULL;
	struct node		*n;
	uint32_t		 i;

	for (i = 0; i < NMETHODS; i++) {
		if ((methods & 1U << i) == 0)
			continue;
		n = node_at(&u->methods[i], order);
		if (n == NULL)	/* the order is a ring */
			n = node_at(&u->methods[i], 0);
		if (n != NULL && (found == NULL || n->proof->order - order <
		    found->order - order))
			found = n->proof;
	}
	return (found);
}

int
users_cra_key(const struct users *u, const struct proof *p, uint8_t *out,
    size_t *len)
{
	uint8_t	*key;
	int	 rc;

	if ((p->methods & AUTH_WAMPCRA) == 0 ||
	    (key = OPENSSL_secure_malloc(p->secretlen)) == NULL)
		return (-1);
	rc = shield_key(u, p->line, p->secret, key, p->secretlen);
	if (rc == 0 && p->saltlen > 0) {
		rc = cred_b64_encode(key, p->secretlen, (char *)out, *len);
		*len = CRED_B64_SIZE((size_t)p->secretlen) - 1;
	} else if (rc == 0 && p->secretlen <= *len) {
		memcpy(out, key, p->secretlen);
		*len = p->secretlen;
	} else
		rc = -1;
	OPENSSL_secure_clear_free(key, p->secretlen);
	return (rc);
}
