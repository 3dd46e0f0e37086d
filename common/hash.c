/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Hash tables that grow and shrink by one bucket at a time (linear hashing),
 * so that no single operation is long, keyed by a secret of this process, so
 * that no client can choose names that collide.
 */
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define HTAB_MIN	16		/* power of two */

static uint64_t	key[2];

void
hash_init(void)
{
	arc4random_buf(key, sizeof(key));
}

static inline uint64_t
rotl(uint64_t x, int n)
{
	return (x << n | x >> (64 - n));
}

struct sip {
	uint64_t	v0, v1, v2, v3;
};

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

/* SipHash-1-3 (Aumasson, Bernstein). */
uint64_t
hash_bytes(const void *data, size_t len)
{
	const uint8_t	*p = data;
	struct sip	 s;
	uint64_t	 m;
	size_t		 left;

	s.v0 = key[0] ^ 0x736f6d6570736575ULL;
	s.v1 = key[1] ^ 0x646f72616e646f6dULL;
	s.v2 = key[0] ^ 0x6c7967656e657261ULL;
	s.v3 = key[1] ^ 0x7465646279746573ULL;
	for (left = len; left >= 8; left -= 8, p += 8) {
		memcpy(&m, p, 8);
		sip_word(&s, m);
	}
	m = 0;
	memcpy(&m, p, left);
	sip_word(&s, m | (uint64_t)len << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return (s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
}

/* For numbers of our own counting, which nobody chooses. */
uint64_t
hash_pair(uint64_t a, uint64_t b)
{
	uint64_t	x;

	x = (a ^ key[0]) * 0x9e3779b97f4a7c15ULL;
	x = (rotl(x, 29) ^ b ^ key[1]) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 31) * 0x94d049bb133111ebULL;
	return (x ^ x >> 30);
}

/* Likewise. */
uint64_t
hash_count(uint64_t owner, uint64_t n)
{
	return (hash_pair(owner, n >> 6) + (n & 63));
}

int
htab_init(struct htab *t)
{
	memset(t, 0, sizeof(*t));
	if ((t->buckets = calloc(HTAB_MIN, sizeof(*t->buckets))) == NULL)
		return (-1);
	t->nbuckets = t->nalloc = t->low = HTAB_MIN;
	return (0);
}

void
htab_free(struct htab *t)
{
	free(t->buckets);
	memset(t, 0, sizeof(*t));
}

/*
 * Buckets from low on have not all been split yet: those below
 * nbuckets - low were, and use one more bit of the hash.
 */
static size_t
htab_index(const struct htab *t, uint64_t hash)
{
	size_t	i = (size_t)hash & (2 * t->low - 1);

	return (i < t->nbuckets ? i : i & (t->low - 1));
}

/* One bucket more; without memory the chains get longer, that is all. */
static void
htab_grow(struct htab *t)
{
	struct hent	**grown, **from, **to, *e;
	size_t		  n = t->nbuckets;

	if (n == t->nalloc) {
		grown = reallocarray(t->buckets, 2 * n, sizeof(*grown));
		if (grown == NULL)
			return;
		t->buckets = grown;
		t->nalloc = 2 * n;
	}
	from = &t->buckets[n - t->low];
	to = &t->buckets[n];
	t->nbuckets++;
	while ((e = *from) != NULL) {
		if (htab_index(t, e->hash) == n) {
			*from = e->next;
			*to = e;
			to = &e->next;
		} else
			from = &e->next;
	}
	*to = NULL;
	if (t->nbuckets == 2 * t->low)
		t->low *= 2;
}

static void
htab_shrink(struct htab *t)
{
	struct hent	**p, **smaller;

	if (t->nbuckets == t->low)
		t->low /= 2;
	t->nbuckets--;
	p = &t->buckets[t->nbuckets - t->low];
	while (*p != NULL)
		p = &(*p)->next;
	*p = t->buckets[t->nbuckets];
	if (t->nbuckets * 4 > t->nalloc)
		return;
	smaller = reallocarray(t->buckets, t->nalloc / 2, sizeof(*smaller));
	if (smaller != NULL) {
		t->buckets = smaller;
		t->nalloc /= 2;
	}
}

void
htab_insert(struct htab *t, struct hent *e, uint64_t hash)
{
	struct hent	**b = &t->buckets[htab_index(t, hash)];
	int		  i;

	e->hash = hash;
	e->next = *b;
	*b = e;
	t->count++;
	for (i = 0; i < 2 && t->count > t->nbuckets / 2; i++)
		htab_grow(t);
}

void
htab_remove(struct htab *t, struct hent *e)
{
	struct hent	**p = &t->buckets[htab_index(t, e->hash)];
	int		  i;

	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	t->count--;
	/* eight at a time: a table that empties is small when it is empty */
	for (i = 0; i < 8 && t->nbuckets > HTAB_MIN &&
	    t->count < t->nbuckets / 8; i++)
		htab_shrink(t);
}

struct hent *
htab_first(const struct htab *t, uint64_t hash)
{
	struct hent	*e;

	for (e = t->buckets[htab_index(t, hash)]; e != NULL; e = e->next)
		if (e->hash == hash)
			break;
	return (e);
}

struct hent *
htab_next(const struct hent *e)
{
	uint64_t	 hash = e->hash;
	struct hent	*next;

	for (next = e->next; next != NULL; next = next->next)
		if (next->hash == hash)
			break;
	return (next);
}

void
htab_fetch_place(const struct htab *t, uint64_t hash)
{
	__builtin_prefetch(&t->buckets[htab_index(t, hash)]);
}

void
htab_fetch(const void *p, size_t size)
{
	size_t	i;

	for (i = 0; i < size; i += 64)
		__builtin_prefetch((const uint8_t *)p + i);
}

void
htab_fetch_entry(const struct htab *t, uint64_t hash, size_t size)
{
	const struct hent	*e = t->buckets[htab_index(t, hash)];

	if (e != NULL)
		htab_fetch(e, size);
}
