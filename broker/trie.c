/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which patterns match a URI: a radix tree for prefixes and one for wildcards,
 * which has a root for each number of components.  It does not know what its
 * patterns are for, nor which are allowed.
 *
 * A step goes over a component and its dot, or, in the part of a prefix that
 * is behind its last dot, over an octet.  A node is a beginning that patterns
 * have in common, in whole steps; each is a pattern, or a root, or the parent
 * of two or more: no more than two for a pattern, and a root.  All are in one
 * hash table, by their parent and by the first step that they add to it, so
 * that a step down costs the same with any number of siblings.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "trie.h"

/* Wildcard patterns have a dot after the last component as well. */
#define TRIE_MAXTEXT	(URI_MAXLEN + 1)
/* A URI, other than a pattern, has no empty components. */
#define TRIE_MAXPARTS	((URI_MAXLEN + 1) / 2)

struct trie_node {
	struct hent		 hash;
	struct trie_node	*parent;	/* NULL: a root */
	union {
		struct trie_node *wild;		/* child: an empty component */
		size_t		 nparts;	/* of prefixes: children whose
						 * first step is a component */
	} u;
	void			*data;		/* or NULL: not a pattern */
	uint64_t		 sum;		/* xor of its children's hashes,
						 * to find the only one */
	uint32_t		 nchildren;
	uint16_t		 left;		/* components below */
	uint16_t		 len;
	char			 text[];	/* from the root on */
};

struct trie {
	struct htab		 nodes;
	enum uri_match		 match;
};

static uint64_t	 changes;	/* of any trie: nodes that came or went */

/* A pattern as the nodes have it. */
struct trie_key {
	const char		*text;
	size_t			 len;
	uint16_t		 left;		/* components, for wildcards */
	char			 buf[TRIE_MAXTEXT];
};

/* A URI on its way through the wildcard patterns. */
struct trie_walk {
	const struct uri	*uri;
	size_t			 nparts, nhashed;
	uint64_t		 hash[TRIE_MAXPARTS];
	uint16_t		 start[TRIE_MAXPARTS + 1];
};

struct trie *
trie_new(enum uri_match match)
{
	struct trie	*t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->match = match;
	if (htab_init(&t->nodes) == -1) {
		free(t);
		return (NULL);
	}
	return (t);
}

void
trie_free(struct trie *t)
{
	if (t == NULL)
		return;
	changes++;
	htab_free(&t->nodes);
	free(t);
}

/*
 * Its own node, the root, and one node with two or more children: for each
 * such there is a pattern below it that no other such needs to count.
 */
size_t
trie_cost(const struct uri *pattern)
{
	return (3 * sizeof(struct trie_node) + 2 * ((size_t)pattern->len + 1));
}

/* -1: longer than a URI can be. */
static int
trie_key_set(struct trie_key *k, enum uri_match match,
    const struct uri *pattern)
{
	if (pattern->len > URI_MAXLEN)
		return (-1);
	k->text = k->buf;
	k->len = pattern->len;
	k->left = 0;
	if (match == MATCH_PREFIX) {
		if (k->len > 0)
			k->text = pattern->p;
		return (0);
	}
	if (k->len > 0)
		memcpy(k->buf, pattern->p, k->len);
	k->buf[k->len++] = '.';
	k->left = (uint16_t)uri_components(pattern);
	return (0);
}

/* -- nodes -------------------------------------------------------------- */

/* What a child adds first. */
struct step {
	const char	*p;
	size_t		 len;		/* without the dot */
	int		 is_part;	/* a component, not an octet */
};

/* Of the rest of a pattern; a wildcard has a dot. */
static struct step
step_of(const char *rest, size_t len)
{
	const char	*dot = memchr(rest, '.', len);
	struct step	 s = { rest, 1, 0 };

	if (dot != NULL) {
		s.len = (size_t)(dot - rest);
		s.is_part = 1;
	}
	return (s);
}

/* A component is the client's choice, an address is not. */
static uint64_t
step_hash(const struct step *s)
{
	return (s->is_part ? hash_bytes(s->p, s->len) : (uint8_t)s->p[0]);
}

static uint64_t
trie_hash(const struct trie_node *parent, uint64_t step_hash)
{
	return (hash_pair((uintptr_t)parent, step_hash));
}

static struct trie_node *
trie_root(const struct trie *t, unsigned int left)
{
	struct trie_node	*n;
	struct hent		*e;

	for (e = htab_first(&t->nodes, trie_hash(NULL, left)); e != NULL;
	    e = htab_next(e)) {
		n = HENT_OF(e, struct trie_node, hash);
		if (n->parent == NULL && n->left == left)
			return (n);
	}
	return (NULL);
}

/* Is this node the child by that step? */
static int
is_child(const struct trie_node *n, const struct trie_node *parent,
    const struct step *s)
{
	const char	*added = n->text + parent->len;
	size_t		 len = (size_t)n->len - parent->len;

	if (!s->is_part)
		return (added[0] == s->p[0] && memchr(added, '.', len) == NULL);
	return (len > s->len && added[s->len] == '.' &&
	    memcmp(added, s->p, s->len) == 0);
}

static struct trie_node *
trie_child(const struct trie *t, const struct trie_node *parent,
    const struct step *s, uint64_t hash)
{
	struct trie_node	*n;
	struct hent		*e;

	for (e = htab_first(&t->nodes, trie_hash(parent, hash));
	    e != NULL; e = htab_next(e)) {
		n = HENT_OF(e, struct trie_node, hash);
		if (n->parent == parent && is_child(n, parent, s))
			return (n);
	}
	return (NULL);
}

/* The child towards that key, which is longer. */
static struct trie_node *
trie_towards(const struct trie *t, const struct trie_node *n,
    const struct trie_key *k)
{
	struct step	s = step_of(k->text + n->len, k->len - n->len);

	return (trie_child(t, n, &s, step_hash(&s)));
}

static struct trie_node *
trie_only_child(const struct trie *t, const struct trie_node *parent)
{
	struct trie_node	*n;
	struct hent		*e;

	for (e = htab_first(&t->nodes, parent->sum); e != NULL;
	    e = htab_next(e)) {
		n = HENT_OF(e, struct trie_node, hash);
		if (n->parent == parent)
			return (n);
	}
	return (NULL);
}

/* The first len octets of a key. */
static struct trie_node *
trie_node_new(const struct trie *t, const struct trie_key *k, size_t len)
{
	struct trie_node	*n;
	size_t			 i;

	if ((n = calloc(1, sizeof(*n) + len)) == NULL)
		return (NULL);
	if (len > 0)
		memcpy(n->text, k->text, len);
	n->len = (uint16_t)len;
	n->left = k->left;
	if (t->match == MATCH_WILDCARD)
		for (i = 0; i < len; i++)
			n->left -= n->text[i] == '.';
	return (n);
}

static void
trie_attach(struct trie *t, struct trie_node *n, struct trie_node *parent)
{
	struct step	s = step_of(n->text + parent->len,
			    (size_t)n->len - parent->len);
	uint64_t	hash = trie_hash(parent, step_hash(&s));

	htab_insert(&t->nodes, &n->hash, hash);
	changes++;
	n->parent = parent;
	parent->nchildren++;
	parent->sum ^= hash;
	if (t->match == MATCH_PREFIX)
		parent->u.nparts += s.is_part;
	else if (s.len == 0)
		parent->u.wild = n;
}

static void
trie_detach(struct trie *t, struct trie_node *n)
{
	struct trie_node	*parent = n->parent;

	htab_remove(&t->nodes, &n->hash);
	changes++;
	if (parent == NULL)
		return;
	parent->nchildren--;
	parent->sum ^= n->hash.hash;
	if (t->match == MATCH_PREFIX)
		parent->u.nparts -= memchr(n->text + parent->len, '.',
		    (size_t)n->len - parent->len) != NULL;
	else if (parent->u.wild == n)
		parent->u.wild = NULL;
}

/* A new node above n, from where on n and the key are not the same. */
static struct trie_node *
trie_split(struct trie *t, struct trie_node *n, const struct trie_key *k,
    size_t len)
{
	struct trie_node	*above, *parent = n->parent;

	if ((above = trie_node_new(t, k, len)) == NULL)
		return (NULL);
	trie_detach(t, n);
	trie_attach(t, above, parent);
	trie_attach(t, n, above);
	return (above);
}

/* Free n if it is of no use, and those above it that then are not either. */
static void
trie_prune(struct trie *t, struct trie_node *n)
{
	struct trie_node	*parent, *child;

	while (n != NULL && n->data == NULL && n->nchildren < 2) {
		parent = n->parent;
		child = NULL;
		if (n->nchildren == 1) {
			if (parent == NULL)
				return;
			child = trie_only_child(t, n);
			trie_detach(t, child);
		}
		trie_detach(t, n);
		if (child != NULL)
			trie_attach(t, child, parent);
		free(n);
		n = parent;
	}
}

/* -- patterns ----------------------------------------------------------- */

/*
 * How far the text of n and the key are the same, in whole steps; the first
 * is one that they have in common.
 */
static size_t
trie_common(const struct trie_node *n, const struct trie_key *k)
{
	size_t	i = n->parent->len, end = n->len < k->len ? n->len : k->len;
	size_t	dot = i;

	for (; i < end && n->text[i] == k->text[i]; i++)
		if (k->text[i] == '.')
			dot = i + 1;
	/* octets are steps where neither goes on to a dot */
	if (memchr(n->text + dot, '.', n->len - dot) != NULL ||
	    memchr(k->text + dot, '.', k->len - dot) != NULL)
		return (dot);
	return (i);
}

struct trie_node *
trie_insert(struct trie *t, const struct uri *pattern, void *data)
{
	struct trie_key		 k;
	struct trie_node	*n, *next;
	size_t			 len;

	if (trie_key_set(&k, t->match, pattern) == -1)
		return (NULL);
	if ((n = trie_root(t, k.left)) == NULL) {
		if ((n = trie_node_new(t, &k, 0)) == NULL)
			return (NULL);
		htab_insert(&t->nodes, &n->hash, trie_hash(NULL, k.left));
	}
	while (n->len < k.len) {
		if ((next = trie_towards(t, n, &k)) == NULL) {
			if ((next = trie_node_new(t, &k, k.len)) == NULL)
				goto fail;
			trie_attach(t, next, n);
		} else if ((len = trie_common(next, &k)) < next->len) {
			if ((next = trie_split(t, next, &k, len)) == NULL)
				goto fail;
		}
		n = next;
	}
	if (n->data != NULL)
		return (NULL);
	n->data = data;
	return (n);
fail:
	trie_prune(t, n);
	return (NULL);
}

void
trie_remove(struct trie *t, struct trie_node *n)
{
	n->data = NULL;
	trie_prune(t, n);
}

void *
trie_find(const struct trie *t, const struct uri *pattern)
{
	struct trie_key		 k;
	struct trie_node	*n;

	if (trie_key_set(&k, t->match, pattern) == -1)
		return (NULL);
	n = trie_root(t, k.left);
	while (n != NULL && n->len < k.len) {
		n = trie_towards(t, n, &k);
		if (n != NULL && trie_common(n, &k) < n->len)
			return (NULL);
	}
	return (n != NULL ? n->data : NULL);
}

/* -- prefixes ----------------------------------------------------------- */

/* This child, if the URI begins with it. */
static struct trie_node *
prefix_child(const struct trie *t, const struct trie_node *n,
    const struct uri *u, const struct step *s)
{
	struct trie_node	*next = trie_child(t, n, s, step_hash(s));

	if (next == NULL || next->len > u->len ||
	    memcmp(next->text + n->len, s->p, (size_t)next->len - n->len) != 0)
		return (NULL);
	return (next);
}

/* The next longer one within the component that is begun. */
static struct trie_node *
longer_by_octets(const struct trie *t, const struct trie_node *n,
    const struct uri *u)
{
	struct step	s = { u->p + n->len, 1, 0 };

	if (n->len >= u->len || n->nchildren == n->u.nparts)
		return (NULL);
	return (prefix_child(t, n, u, &s));
}

/* The next longer one that has the whole component. */
static struct trie_node *
longer_by_part(const struct trie *t, const struct trie_node *n,
    const struct uri *u)
{
	struct step	s;

	if (n->len >= u->len || n->u.nparts == 0)
		return (NULL);
	s = step_of(u->p + n->len, (size_t)u->len - n->len);
	return (s.is_part ? prefix_child(t, n, u, &s) : NULL);
}

static void *
trie_shortest(const struct trie *t, const struct uri *u,
    int (*fn)(void *, void *), void *arg)
{
	struct trie_node	*n, *m;

	for (n = trie_root(t, 0); n != NULL; n = longer_by_part(t, n, u))
		for (m = n; m != NULL; m = longer_by_octets(t, m, u))
			if (m->data != NULL && fn(m->data, arg))
				return (m->data);
	return (NULL);
}

static void *
trie_longest(const struct trie *t, const struct uri *u,
    int (*fn)(void *, void *), void *arg)
{
	struct trie_node	*n, *m, *next;

	if ((n = trie_root(t, 0)) == NULL)
		return (NULL);
	while ((next = longer_by_part(t, n, u)) != NULL)
		n = next;
	for (; n != NULL; n = n->parent) {
		for (m = n; (next = longer_by_octets(t, m, u)) != NULL;)
			m = next;
		for (;; m = m->parent) {
			if (m->data != NULL && fn(m->data, arg))
				return (m->data);
			if (m == n)
				break;
		}
	}
	return (NULL);
}

/* -- wildcards ---------------------------------------------------------- */

static void
walk_init(struct trie_walk *w, const struct uri *u, size_t nparts)
{
	size_t	i, start = 0;

	w->uri = u;
	w->nparts = nparts;
	w->nhashed = 0;
	for (i = 0; i < nparts; i++) {
		w->start[i] = (uint16_t)start;
		start = uri_component_end(u, start) + 1;
	}
	w->start[nparts] = (uint16_t)start;
}

/* Most URIs are at their end, or match nothing, after a few components. */
static uint64_t
walk_hash(struct trie_walk *w, size_t part)
{
	size_t	i, start;

	for (i = w->nhashed; i <= part; i++) {
		start = w->start[i];
		w->hash[i] = hash_bytes(w->uri->p + start,
		    w->start[i + 1] - start - 1);
	}
	w->nhashed = i;
	return (w->hash[part]);
}

/* Does what this node adds to its parent match the URI? */
static int
walk_fits(const struct trie_walk *w, const struct trie_node *n)
{
	const char	*p = n->text + n->parent->len;
	size_t		 i, len, left = n->len - n->parent->len;

	for (i = w->nparts - n->parent->left; left > 0; i++) {
		len = 1;
		if (*p != '.') {
			len = w->start[i + 1] - w->start[i];
			if (len > left || p[len - 1] != '.' ||
			    memcmp(p, w->uri->p + w->start[i], len - 1) != 0)
				return (0);
		}
		p += len;
		left -= len;
	}
	return (1);
}

static struct trie_node *
walk_literal(const struct trie *t, struct trie_walk *w,
    const struct trie_node *n)
{
	struct trie_node	*next;
	size_t			 part = w->nparts - n->left;
	struct step		 s = { NULL, 0, 1 };

	if (n->nchildren == (n->u.wild != NULL))
		return (NULL);
	s.p = w->uri->p + w->start[part];
	s.len = (size_t)(w->start[part + 1] - w->start[part]) - 1;
	next = trie_child(t, n, &s, walk_hash(w, part));
	return (next != NULL && next != n->u.wild && walk_fits(w, next) ?
	    next : NULL);
}

static struct trie_node *
walk_wild(const struct trie_walk *w, const struct trie_node *n)
{
	return (n->u.wild != NULL && walk_fits(w, n->u.wild) ? n->u.wild :
	    NULL);
}

/*
 * Every node whose text matches, depth first.  Literal before wildcard is
 * the order of WAMP, Pattern-based Registrations: where two patterns first
 * differ, the literal one has the longer portion.
 */
static void *
trie_walk(const struct trie *t, const struct uri *u,
    int (*fn)(void *, void *), void *arg)
{
	struct trie_walk	 w;
	struct trie_node	*n, *next;
	unsigned int		 nparts = uri_components(u);

	if (u->len > URI_MAXLEN || nparts > TRIE_MAXPARTS ||
	    (n = trie_root(t, nparts)) == NULL)
		return (NULL);
	walk_init(&w, u, nparts);
	while (n != NULL) {
		if (n->data != NULL && fn(n->data, arg))
			return (n->data);
		if ((next = walk_literal(t, &w, n)) == NULL)
			next = walk_wild(&w, n);
		for (; next == NULL && n->parent != NULL; n = n->parent)
			if (n != n->parent->u.wild)
				next = walk_wild(&w, n->parent);
		n = next;
	}
	return (NULL);
}

/* -- both --------------------------------------------------------------- */

void *
trie_match(const struct trie *t, const struct uri *u,
    int (*fn)(void *, void *), void *arg)
{
	if (t->match == MATCH_PREFIX)
		return (trie_shortest(t, u, fn, arg));
	return (trie_walk(t, u, fn, arg));
}

void *
trie_best(const struct trie *t, const struct uri *u,
    int (*fn)(void *, void *), void *arg)
{
	if (t->match == MATCH_PREFIX)
		return (trie_longest(t, u, fn, arg));
	return (trie_walk(t, u, fn, arg));
}

/* -- scouts ------------------------------------------------------------- */

/* Nodes so near the root, and with so few children, are in the caches. */
#define SCOUT_NEAR	3
#define SCOUT_FEW	16
#define SCOUT_NODE	128		/* octets of a node that are used, */
#define SCOUT_DATA	192		/* and of what it is for */

int
trie_is_large(const struct trie *t)
{
	return (t != NULL && t->nodes.count >= HTAB_LARGE);
}

/* The URI's next step from here, as far as it is known. */
static struct step
scout_next(const struct trie_scout *s, const struct trie_node *n)
{
	struct step	step;

	step = step_of(s->uri + s->at, (size_t)s->len - s->at);
	if (s->t->match == MATCH_WILDCARD && !step.is_part) {
		step.len = (size_t)s->len - s->at;
		step.is_part = 1;
	} else if (s->t->match == MATCH_PREFIX && n->u.nparts == 0) {
		step.len = 1;
		step.is_part = 0;
	}
	return (step);
}

/* What n adds to its parent is taken to be there, what it is not. */
static void
scout_pass(struct trie_scout *s, const struct trie_node *n)
{
	unsigned int	left;

	if (s->t->match == MATCH_PREFIX) {
		s->at = n->len;
		return;
	}
	for (left = (unsigned int)n->parent->left - n->left; left > 0 &&
	    s->at < s->len; left--)
		s->at += scout_next(s, n).len + 1;
}

/* From a node that is here, ask for the next; 0: there is none. */
static int
scout_ask(struct trie_scout *s, const struct trie_node *n)
{
	struct step	step;

	if (n->parent != NULL)
		scout_pass(s, n);
	if (n->data != NULL)
		htab_fetch(n->data, SCOUT_DATA);
	if (n->nchildren == 0 || s->at >= s->len)
		return (0);
	s->from = n;
	s->is_wild = s->t->match == MATCH_WILDCARD && n->u.wild != NULL &&
	    n->nchildren == 1;
	if (s->is_wild) {
		htab_fetch(n->u.wild, SCOUT_NODE);
		s->is_placed = 1;
		return (1);
	}
	step = scout_next(s, n);
	s->hash = trie_hash(n, step_hash(&step));
	htab_fetch_place(&s->t->nodes, s->hash);
	s->is_placed = 0;
	return (1);
}

static const struct trie_node *
scout_arrive(const struct trie_scout *s)
{
	struct trie_node	*n;
	struct hent		*e;

	if (s->is_wild)
		return (s->from->u.wild);
	for (e = htab_first(&s->t->nodes, s->hash); e != NULL;
	    e = htab_next(e)) {
		n = HENT_OF(e, struct trie_node, hash);
		if (n->parent == s->from)
			return (n);
	}
	return (NULL);
}

int
trie_scout_begin(struct trie_scout *s, const struct trie *t,
    const struct uri *u)
{
	const struct trie_node	*n;
	int			 near;

	if (u->len > sizeof(s->uri))
		return (0);
	memcpy(s->uri, u->p, u->len);
	s->t = t;
	s->changes = changes;
	s->len = u->len;
	s->at = 0;
	n = trie_root(t, t->match == MATCH_PREFIX ? 0 : uri_components(u));
	for (near = 0; n != NULL && scout_ask(s, n); near++) {
		if (near == SCOUT_NEAR || n->nchildren > SCOUT_FEW)
			return (1);
		n = scout_arrive(s);
	}
	return (0);
}

int
trie_scout_step(struct trie_scout *s)
{
	const struct trie_node	*n;

	if (s->changes != changes)
		return (0);
	if (!s->is_placed) {
		htab_fetch_entry(&s->t->nodes, s->hash, SCOUT_NODE);
		s->is_placed = 1;
		return (1);
	}
	return ((n = scout_arrive(s)) != NULL && scout_ask(s, n));
}
