/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP URIs (WAMP, URIs): the rules, loose and strict, and patterns.
 */
#ifndef WAMPD_URI_H
#define WAMPD_URI_H

#include <stddef.h>
#include <stdint.h>

#define URI_MAXLEN	4096	/* octets; longer ones are invalid */

/* A URI or pattern that somebody else owns; not NUL terminated. */
struct uri {
	const char	*p;
	uint16_t	 len;
};

/* Matching policies; the numbers travel in imsgs. */
enum uri_match {
	MATCH_EXACT = 0,
	MATCH_PREFIX = 1,
	MATCH_WILDCARD = 2
};
#define MATCH_MAX	3

enum uri_rules {
	URI_LOOSE,		/* no empty components, no #, no white space */
	URI_STRICT		/* components of [0-9a-z_] only */
};

/*
 * Is it a URI by these rules, as a topic, procedure, realm or error?
 * 1 to URI_MAXLEN octets.  It must be UTF-8, which is not checked here for
 * URI_LOOSE: the serializers' cursors did, and the broker does by
 * uri_is_utf8().
 */
int	 uri_is_valid(const struct uri *, enum uri_rules);
/*
 * The same for a pattern: prefix patterns may be empty or end in the middle
 * of a component or with a dot (WAMP, Prefix Matching); wildcard patterns
 * have empty components.  MATCH_EXACT: as uri_is_valid().
 */
int	 uri_is_pattern(const struct uri *, enum uri_match, enum uri_rules);
int	 uri_is_utf8(const struct uri *);
/* Is it below "wamp." (reserved for the protocol)? */
int	 uri_is_reserved(const struct uri *);
/*
 * Is this one, or a pattern of which that can be said?  A pattern that does
 * not itself begin with "wamp." is for no reserved URI, whatever it matches.
 */
int	 uri_pattern_is_reserved(const struct uri *, enum uri_match);

/* Does the pattern match the concrete URI? */
int	 uri_matches(const struct uri *pattern, enum uri_match,
	    const struct uri *);
/*
 * Does everything that pattern b matches also match pattern a?  Decides
 * whether a rule covers a pattern subscription (threats: lesson 9).
 */
int	 uri_covers(const struct uri *a, enum uri_match am,
	    const struct uri *b, enum uri_match bm);
int	 uri_eq(const struct uri *, const struct uri *);
/* Components of a URI or wildcard pattern: dots + 1. */
unsigned int	 uri_components(const struct uri *);
/* Where the component that begins at i ends; the dot or the end. */
size_t	 uri_component_end(const struct uri *, size_t i);

#endif /* WAMPD_URI_H */
