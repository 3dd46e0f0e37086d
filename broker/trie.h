/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * An index of URI patterns of one policy, MATCH_PREFIX or MATCH_WILDCARD.  A
 * realm has one of each for its subscriptions and for its registrations.
 */
#ifndef WAMPD_TRIE_H
#define WAMPD_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "uri.h"

struct trie;
struct trie_node;		/* a pattern's place, until trie_remove() */

struct trie	*trie_new(enum uri_match);	/* NULL: no memory */
void		 trie_free(struct trie *);	/* empty, or NULL */
/*
 * The most octets that this pattern adds, the nodes it shares with others
 * included: for state_take() before trie_insert(), and for state_give()
 * after trie_remove().
 */
size_t		 trie_cost(const struct uri *pattern);
/*
 * Put in a pattern that is not there yet; it is copied, its data is not and
 * must not be NULL.  NULL: no memory, and nothing has changed.
 */
struct trie_node *trie_insert(struct trie *, const struct uri *pattern,
		    void *data);
void		 trie_remove(struct trie *, struct trie_node *);
/* The data of this very pattern, or NULL. */
void		*trie_find(const struct trie *, const struct uri *pattern);
/*
 * Call fn with the data of the patterns that match a concrete URI, one after
 * another, until it returns non-zero: returns the data it did so with, or
 * NULL.  fn must not change the index.
 * trie_match() begins with the shortest prefix, trie_best() with the longest:
 * in the order of WAMP, Pattern-based Registrations.  Wildcard patterns come
 * in that order from both.
 */
void		*trie_match(const struct trie *, const struct uri *,
		    int (*fn)(void *data, void *arg), void *arg);
void		*trie_best(const struct trie *, const struct uri *,
		    int (*fn)(void *data, void *arg), void *arg);

/*
 * Goes through an index ahead of trie_match(), a step at a time, and asks
 * memory for what that will need; between two steps there is time for it to
 * come.  It is a guess, which takes literal before wildcard and nothing of a
 * URI for granted.  Owned by the caller; it ends by itself when an index
 * changes.
 */
#define SCOUT_URI	104		/* octets of the longest */
struct trie_scout {
	const struct trie	*t;
	const struct trie_node	*from;	/* whose child was asked for */
	uint64_t		 hash;	/* of that */
	uint64_t		 changes;
	uint16_t		 len, at;	/* of uri */
	uint8_t			 is_wild;	/* of an empty component */
	uint8_t			 is_placed;	/* the node was asked for */
	char			 uri[SCOUT_URI];
};

/* Is it too large for the caches?  May be NULL. */
int		 trie_is_large(const struct trie *);
/* 0: there is nothing to be done, 1: trie_scout_step() goes on. */
int		 trie_scout_begin(struct trie_scout *, const struct trie *,
		    const struct uri *);
int		 trie_scout_step(struct trie_scout *);	/* likewise */

#endif /* WAMPD_TRIE_H */
