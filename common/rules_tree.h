/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Between rules_tree.c, which compiles the rules of a role, and rules.c, which
 * asks them.
 */
#ifndef WAMPD_RULES_TREE_H
#define WAMPD_RULES_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "uri.h"

struct conf_rule;

#define NACTIONS	4		/* bits of ACTION_ALL */

/* The last rule for each action: 1 for the first, 0 for none. */
struct last {
	uint32_t	 n[NACTIONS];
};

struct edge {
	struct uri	 name;		/* a component */
	struct node	*to;
};

struct slot {
	uint32_t	 hash;
	uint32_t	 i;		/* of an edge, and 1; 0: none */
};

struct edges {
	struct edge	*v;
	struct slot	*index;		/* NULL: they are few */
	uint32_t	 n, mask;
};

/* The last component of prefixes, which others may begin with. */
struct tail {
	struct uri	 start;
	uint32_t	 up;		/* the longest that starts this one,
					 * and 1; 0: none */
	struct last	 last;		/* of those above, too */
};

struct node {
	struct node	*made_before;
	struct node	*any;		/* by an empty component */
	struct edges	 names;
	struct edges	 authids;	/* with RULEURI_AUTHID in the name */
	struct tail	*tails;		/* sorted */
	uint32_t	 ntails;
	struct last	 last;		/* of URIs that end here */
	struct last	 max;		/* of all from here on */
};

/*
 * What two patterns must agree in to have a URI in common: 16 bits of each of
 * the first components, where mask says so, and how many there may be.
 */
struct sketch {
	uint64_t	 bits, mask;
	uint16_t	 min, max;
};
#define SKETCH_COMPS	4

/* A rule that denies, without a meta rule. */
struct denial {
	struct sketch	 sketch;
	uint32_t	 n;		/* the rule's */
	uint8_t		 actions;
};

struct rule {
	const struct conf_rule	*conf;
	struct uri		 text;	/* expanded */
	char			*own;	/* if it is not the configuration's */
	char			*blind;	/* for those with no usable authid */
	uint32_t		 n;	/* place in the configuration, from 1 */
	int			 is_open;	/* a prefix, or no URI */
	int			 is_meta;
	int			 is_wamp;	/* its own text begins with
						 * "wamp." */
	int			 has_authid;
};

/* On its way into a tree. */
struct item {
	struct uri		 text;
	const struct rule	*rule;
};

/* A node that part of the URI led to. */
struct place {
	const struct node	*node;
	size_t			 off;	/* of the next component */
};

struct rules {
	struct rule	*v;		/* in order */
	uint32_t	 n;
	enum uri_rules	 uri_rules;
	int		 has_authid;
	struct node	*root;
	struct node	*blind;		/* for those with no usable authid */
	struct node	*wamp, *wamp_blind;	/* for what is reserved */
	uint32_t	 meta_read, meta_write;	/* the last of these, 0: none */
	struct denial	*denials;	/* in order */
	uint32_t	 ndenials;
	struct node	*nodes;
	struct place	*stack;		/* to be worked off */
	size_t		 nnodes, depth, maxauthids;
	size_t		 maxbefore;	/* octets before RULEURI_AUTHID */
};

/* The component of a URI or pattern that begins at i. */
struct uri	 name_at(const struct uri *, size_t i);
int		 name_cmp(const struct uri *, const struct uri *);
int		 name_starts(const struct uri *, const struct uri *start);
uint32_t	 name_hash(const struct uri *);
/* Of a pattern, or a rule's text; is_open: its last component is a prefix. */
struct sketch	 sketch_of(const struct uri *, int is_open);
int		 sketch_fits(const struct sketch *, const struct sketch *);

#endif /* WAMPD_RULES_TREE_H */
