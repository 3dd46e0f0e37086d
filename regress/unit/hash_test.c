/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A hash table against a plain list: finds what is in it, grows
 * and shrinks by single steps, and is small again when it is empty.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define N	20000

struct item {
	struct hent	h;
	uint64_t	key;
	int		is_in;
};

static struct item	items[N];

static struct item *
find(const struct htab *t, uint64_t key, uint64_t hash)
{
	struct hent	*e;
	struct item	*i;

	for (e = htab_first(t, hash); e != NULL; e = htab_next(e)) {
		if (e->hash != hash)
			errx(1, "an entry of another hash");
		i = HENT_OF(e, struct item, h);
		if (i->key == key)
			return (i);
	}
	return (NULL);
}

/* few: so few hashes that many entries have the same */
static uint64_t
hash_of(uint64_t key, int few)
{
	return (few ? key % 64 * 0x100000001ULL : hash_pair(key, 1));
}

static void
random_steps(int few)
{
	struct htab	t;
	struct item	*it;
	size_t		 n = 0, steps, most = 0, before;
	uint64_t	 i;

	if (htab_init(&t) == -1)
		err(1, NULL);
	memset(items, 0, sizeof(items));
	for (steps = 0; steps < 400000; steps++) {
		/* up in the first half, down in the second */
		i = arc4random_uniform(N);
		it = &items[i];
		before = t.nbuckets;
		if (!it->is_in && (steps < 200000 || steps % 8 == 0)) {
			it->key = i;
			htab_insert(&t, &it->h, hash_of(i, few));
			it->is_in = 1;
			n++;
		} else if (it->is_in && (steps >= 200000 ||
		    steps % 4 == 0)) {
			htab_remove(&t, &it->h);
			it->is_in = 0;
			n--;
		}
		if (t.count != n)
			errx(1, "count is %zu, want %zu", t.count, n);
		if (t.nbuckets > before + 2 || t.nbuckets + 8 < before)
			errx(1, "one step from %zu to %zu buckets", before,
			    t.nbuckets);
		if (t.nbuckets > most)
			most = t.nbuckets;
		i = arc4random_uniform(N);
		it = find(&t, i, hash_of(i, few));
		if ((it != NULL) != items[i].is_in ||
		    (it != NULL && it != &items[i]))
			errx(1, "key %llu: found %d, want %d",
			    (unsigned long long)i, it != NULL,
			    items[i].is_in);
	}
	if (most < N / 4)
		errx(1, "it grew to %zu buckets only", most);
	for (i = 0; i < N; i++) {
		it = find(&t, i, hash_of(i, few));
		if ((it != NULL) != items[i].is_in)
			errx(1, "key %llu is lost", (unsigned long long)i);
	}
	for (i = 0; i < N; i++)
		if (items[i].is_in)
			htab_remove(&t, &items[i].h);
	if (t.count != 0 || t.nbuckets > 64 || t.nalloc > 256)
		errx(1, "empty, it keeps %zu of %zu buckets", t.nbuckets,
		    t.nalloc);
	htab_free(&t);
}

/* Chains stay short for keys that look alike, in both hashes. */
static void
spread(void)
{
	struct htab	 t;
	struct hent	*e;
	char		 name[32];
	size_t		 i, n, longest, which;

	for (which = 0; which < 2; which++) {
		if (htab_init(&t) == -1)
			err(1, NULL);
		for (i = 0; i < N; i++) {
			snprintf(name, sizeof(name), "com.example.%zu", i);
			htab_insert(&t, &items[i].h, which == 0 ?
			    hash_bytes(name, strlen(name)) :
			    hash_pair(i << 20, i));
		}
		longest = 0;
		for (i = 0; i < t.nbuckets; i++) {
			n = 0;
			for (e = t.buckets[i]; e != NULL; e = e->next)
				n++;
			if (n > longest)
				longest = n;
		}
		if (longest > 16)
			errx(1, "hash %zu: a chain of %zu", which, longest);
		for (i = 0; i < N; i++)
			htab_remove(&t, &items[i].h);
		htab_free(&t);
	}
}

static void
lengths(void)
{
	uint8_t		buf[64] = { 0 };
	uint64_t	seen[65];
	size_t		i, j;

	/* zeros of different length are different */
	for (i = 0; i <= 64; i++) {
		seen[i] = hash_bytes(buf, i);
		for (j = 0; j < i; j++)
			if (seen[i] == seen[j])
				errx(1, "%zu and %zu zeros are one", i, j);
		if (hash_bytes(buf, i) != seen[i])
			errx(1, "not a function");
	}
	hash_init();
	if (hash_bytes(buf, 8) == seen[8] || hash_pair(1, 2) ==
	    hash_pair(2, 1))
		errx(1, "the key is not used");
}

int
main(void)
{
	hash_init();
	random_steps(0);
	random_steps(1);
	spread();
	lengths();
	return (0);
}
