/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Tables that a peer cannot make slow.
 */
#ifndef WAMPD_HASH_H
#define WAMPD_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hent {
	struct hent	*next;
	uint64_t	 hash;
};

/* Owns its buckets, not the entries. */
struct htab {
	struct hent	**buckets;
	size_t		  nbuckets, nalloc;
	size_t		  low;		/* power of two <= nbuckets */
	size_t		  count;
};

/* The struct that e is the member "field" of. */
#define HENT_OF(e, type, field) \
	((type *)(void *)((uint8_t *)(e) - offsetof(type, field)))

void		 hash_init(void);
uint64_t	 hash_bytes(const void *, size_t);
uint64_t	 hash_pair(uint64_t, uint64_t);
/* For what its owner counts: neighbours are side by side, and cost little to
 * come by one after another. */
uint64_t	 hash_count(uint64_t owner, uint64_t n);
int		 htab_init(struct htab *);	/* -1: no memory */
void		 htab_free(struct htab *);	/* must be empty */
void		 htab_insert(struct htab *, struct hent *, uint64_t hash);
void		 htab_remove(struct htab *, struct hent *);
/* Entries of exactly this hash, one after another; NULL: no more. */
struct hent	*htab_first(const struct htab *, uint64_t hash);
struct hent	*htab_next(const struct hent *);

/*
 * What htab_first() will touch, fetched meanwhile: where to look, and later,
 * when that is there, an entry of so many octets; or anything else.
 */
void		 htab_fetch_place(const struct htab *, uint64_t hash);
void		 htab_fetch_entry(const struct htab *, uint64_t hash,
		    size_t size);
void		 htab_fetch(const void *, size_t size);

/* Tables of so many are not in the caches as a whole. */
#define HTAB_LARGE	4096

#endif /* WAMPD_HASH_H */
