/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The index of patterns: the specification's examples, the order of matches,
 * the longest texts, and random patterns put in and taken out, some without
 * memory, against uri_matches() on each of a list.  And scouts, which are
 * ahead of matching: that they ask for what it needs, and end.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void	*calloc_or_not(size_t, size_t);
static void	 fetch_noted(const void *, size_t);
#define calloc	calloc_or_not
#define htab_fetch	fetch_noted
#include "../../broker/trie.c"
#undef calloc
#undef htab_fetch

#define NPATTERNS	200
#define STEPS		60000

struct pattern {
	struct uri		 uri;
	struct trie_node	*node;		/* NULL: not in */
	int			 is_accepted;
	char			 text[16];
};

/* What is expected, one after another. */
struct expected {
	struct pattern	*list[NPATTERNS];
	size_t		 n, at;
	int		 takes;			/* is_accepted ends it */
};

static const char	*what;			/* goes on */
static unsigned int	 seed;
static unsigned int	 fail_at;		/* 0: never */

static void *
calloc_or_not(size_t n, size_t size)
{
	if (fail_at > 0 && --fail_at == 0)
		return (NULL);
	return (calloc(n, size));
}

static const void	*fetched[64];		/* by a scout */
static size_t		 nfetched;

static void
fetch_noted(const void *p, size_t size)
{
	(void)size;
	if (nfetched == sizeof(fetched) / sizeof(fetched[0]))
		errx(1, "%s: a scout without end", what);
	fetched[nfetched++] = p;
}

static int
was_fetched(const void *p)
{
	size_t	i;

	for (i = 0; i < nfetched && fetched[i] != p; i++)
		;
	return (i < nfetched);
}

/* To its end, which is the URI's; returns the steps. */
static unsigned int
scout(const struct trie *t, const struct uri *u)
{
	struct trie_scout	s;
	unsigned int		n = 0;

	nfetched = 0;
	if (!trie_scout_begin(&s, t, u))
		return (0);
	while (trie_scout_step(&s))
		if (++n > 2 * (unsigned int)u->len + 2)
			errx(1, "%s: seed %u: a scout without end", what,
			    seed);
	return (n + 1);
}

static struct uri
uri(const char *s)
{
	struct uri	u;

	u.p = s;
	u.len = (uint16_t)strlen(s);
	return (u);
}

static struct trie *
new(enum uri_match match)
{
	struct trie	*t;

	if ((t = trie_new(match)) == NULL)
		err(1, NULL);
	return (t);
}

static struct trie_node *
insert(struct trie *t, const struct uri *u, void *data)
{
	struct trie_node	*n;

	if ((n = trie_insert(t, u, data)) == NULL)
		errx(1, "%s: %.*s not inserted", what, u->len, u->p);
	return (n);
}

static void
check_empty(struct trie *t)
{
	if (t->nodes.count != 0)
		errx(1, "%s: %zu nodes left over", what, t->nodes.count);
	trie_free(t);
}

static int
take_any(void *data, void *arg)
{
	(void)data;
	(void)arg;
	return (1);
}

static int
count(void *data, void *arg)
{
	(void)data;
	++*(size_t *)arg;
	return (0);
}

/* -- WAMP, Pattern-based Registrations ---------------------------------- */

static struct {
	enum uri_match		 match;
	const char		*procedure;
	struct trie_node	*node;
} rpcs[] = {
	{ MATCH_EXACT, "a1.b2.c3.d4.e55", NULL },
	{ MATCH_PREFIX, "a1.b2.c3", NULL },
	{ MATCH_PREFIX, "a1.b2.c3.d4", NULL },
	{ MATCH_WILDCARD, "a1.b2..d4.e5", NULL },
	{ MATCH_WILDCARD, "a1.b2.c33..e5", NULL },
	{ MATCH_WILDCARD, "a1.b2..d4.e5..g7", NULL },
	{ MATCH_WILDCARD, "a1.b2..d4..f6.g7", NULL }
};
#define NRPCS	(sizeof(rpcs) / sizeof(rpcs[0]))

/*
 * The RPCs of the examples; 0: none.  In the fifth the specification says
 * that no prefix matches, but by its own Prefix Matching, which is one of
 * strings, RPC 2 does: "a1.b2.c3" of "a1.b2.c33".
 */
static const struct {
	const char	*call;
	size_t		 prefix, wildcard;
} calls[] = {
	{ "a1.b2.c3.d4.e55", 3, 0 },	/* RPC 1 is exact */
	{ "a1.b2.c3.d98.e74", 2, 0 },
	{ "a1.b2.c3.d4.e325", 3, 0 },
	{ "a1.b2.c55.d4.e5", 0, 4 },
	{ "a1.b2.c33.d4.e5", 2, 5 },
	{ "a1.b2.c88.d4.e5.f6.g7", 0, 6 },
	{ "a2.b2.c2.d2.e2", 0, 0 }
};

static void
check_best(const struct trie *t, const char *call, size_t want)
{
	struct uri	 u = uri(call);
	void		*found;
	size_t		 got;

	found = trie_best(t, &u, take_any, NULL);
	for (got = NRPCS; got > 0 && found != &rpcs[got - 1]; got--)
		;
	if (got != want)
		errx(1, "%s: RPC %zu, want %zu", call, got, want);
}

static void
test_specification(void)
{
	struct trie	*t[MATCH_MAX];
	struct uri	 u;
	size_t		 i;

	what = "specification";
	t[MATCH_PREFIX] = new(MATCH_PREFIX);
	t[MATCH_WILDCARD] = new(MATCH_WILDCARD);
	for (i = 1; i < NRPCS; i++) {
		u = uri(rpcs[i].procedure);
		rpcs[i].node = insert(t[rpcs[i].match], &u, &rpcs[i]);
	}
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		check_best(t[MATCH_PREFIX], calls[i].call, calls[i].prefix);
		check_best(t[MATCH_WILDCARD], calls[i].call,
		    calls[i].wildcard);
	}
	for (i = 1; i < NRPCS; i++)
		trie_remove(t[rpcs[i].match], rpcs[i].node);
	check_empty(t[MATCH_PREFIX]);
	check_empty(t[MATCH_WILDCARD]);
}

/* -- the longest -------------------------------------------------------- */

/* Every beginning of a URI, and of no other. */
static void
test_deep_prefixes(void)
{
	static struct trie_node	*nodes[URI_MAXLEN + 1];
	static char		 text[URI_MAXLEN + 1];
	struct trie		*t = new(MATCH_PREFIX);
	struct uri		 u;
	size_t			 i, n = 0;

	what = "deep prefixes";
	memset(text, 'a', sizeof(text));
	u.p = text;
	for (i = 0; i <= URI_MAXLEN; i++) {
		/* from both ends, so that nodes are split, too */
		u.len = (uint16_t)(i % 2 == 0 ? i / 2 : URI_MAXLEN - i / 2);
		nodes[u.len] = insert(t, &u, &nodes[u.len]);
	}
	u.len = URI_MAXLEN + 1;
	if (trie_insert(t, &u, nodes) != NULL || trie_find(t, &u) != NULL)
		errx(1, "%s: one is too long", what);
	u.len = URI_MAXLEN;
	trie_match(t, &u, count, &n);
	if (n != URI_MAXLEN + 1)
		errx(1, "%s: %zu matched", what, n);
	if (trie_best(t, &u, take_any, NULL) != &nodes[URI_MAXLEN])
		errx(1, "%s: not the longest", what);
	text[1] = 'b';
	n = 0;
	trie_match(t, &u, count, &n);
	if (n != 2)
		errx(1, "%s: %zu matched, want 2", what, n);
	for (i = 0; i <= URI_MAXLEN; i++)
		trie_remove(t, nodes[i]);
	check_empty(t);
}

/* One of as many components as there can be, and wildcards all over it. */
static void
test_deep_wildcards(void)
{
	static struct trie_node	*nodes[URI_MAXLEN];
	static char		 text[URI_MAXLEN + 1], pattern[URI_MAXLEN + 1];
	struct trie		*t = new(MATCH_WILDCARD);
	struct trie_node	*dots;
	struct uri		 u, p;
	size_t			 i, n = 0, parts = URI_MAXLEN / 2;

	what = "deep wildcards";
	memset(pattern, '.', sizeof(pattern));
	p.p = pattern;
	p.len = URI_MAXLEN;
	dots = insert(t, &p, nodes);
	for (i = 0; i < sizeof(text); i++)
		text[i] = i % 2 == 0 ? 'a' : '.';
	u.p = text;
	u.len = (uint16_t)(2 * parts - 1);
	/* the i first are "a", the others wildcards */
	for (i = 0; i < parts; i++) {
		p.len = (uint16_t)(parts + i - 1);
		nodes[i] = insert(t, &p, &nodes[i]);
		memcpy(pattern + 2 * i, "a.", 2);
	}
	trie_match(t, &u, count, &n);
	if (n != parts)
		errx(1, "%s: %zu matched, want %zu", what, n, parts);
	if (trie_best(t, &u, take_any, NULL) != &nodes[parts - 1])
		errx(1, "%s: not the most literal", what);
	memset(text, '.', sizeof(text));	/* no URI, and no harm */
	u.len = URI_MAXLEN;
	if (trie_match(t, &u, take_any, NULL) != NULL)
		errx(1, "%s: matched dots", what);
	for (i = 0; i < parts; i++)
		trie_remove(t, nodes[i]);
	trie_remove(t, dots);
	check_empty(t);
}

/*
 * A client's worst: patterns that all match but for the last component.
 * Each is looked at, none twice.
 */
static void
test_backtracking(void)
{
	enum { PARTS = 12 };
	static struct trie_node	*nodes[1 << PARTS];
	struct trie		*t = new(MATCH_WILDCARD);
	struct uri		 u;
	char			 text[2 * PARTS + 2], *p;
	size_t			 i, j, n = 0;

	what = "backtracking";
	for (i = 0; i < 1 << PARTS; i++) {
		for (p = text, j = 0; j < PARTS; j++) {
			if (i & (size_t)1 << j)
				*p++ = 'a';
			*p++ = '.';
		}
		strlcpy(p, i == 0 ? "" : "b", 2);
		u = uri(text);
		nodes[i] = insert(t, &u, &nodes[i]);
	}
	u = uri("a.a.a.a.a.a.a.a.a.a.a.a.c");
	trie_match(t, &u, count, &n);
	if (n != 1)
		errx(1, "%s: %zu matched, want 1", what, n);
	u = uri("a.a.a.a.a.a.a.a.a.a.a.a.b");
	trie_match(t, &u, count, &n);
	if (n != 1 + (1 << PARTS))
		errx(1, "%s: %zu matched", what, n);
	for (i = 0; i < 1 << PARTS; i++)
		trie_remove(t, nodes[i]);
	check_empty(t);
}

/* -- scouts ------------------------------------------------------------- */

/* One pattern for each number, behind more children than are near. */
static void
test_scout(enum uri_match match, const char *format)
{
	static struct trie_node	*nodes[1000];
	struct trie		*t = new(match);
	struct trie_scout	 s;
	struct uri		 u;
	char			 text[SCOUT_URI + 2];
	int			 i;

	what = "scout";
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), format, i);
		u = uri(text);
		nodes[i] = insert(t, &u, &nodes[i]);
	}
	if (trie_is_large(NULL) || trie_is_large(t))
		errx(1, "%s: 1,000 patterns are large", what);
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "com.of.%d.x", i);
		u = uri(text);
		if (scout(t, &u) > 4 || !was_fetched(&nodes[i]))
			errx(1, "%s: the pattern of %s was not fetched",
			    what, text);
	}
	/* what nobody has checked yet */
	u = uri("com.of.");
	scout(t, &u);
	u = uri("...");
	scout(t, &u);
	memset(text, '.', sizeof(text));
	u.p = text;
	for (u.len = SCOUT_URI; u.len > 0; u.len--)
		scout(t, &u);
	u.len = SCOUT_URI + 1;
	if (trie_scout_begin(&s, t, &u))
		errx(1, "%s: of a URI that is too long for it", what);
	/* it does not go on where nodes are not any more what they were */
	u = uri("com.of.777.x");
	if (!trie_scout_begin(&s, t, &u))
		errx(1, "%s: does not begin", what);
	for (i = 0; i < 1000; i++)
		trie_remove(t, nodes[i]);
	if (trie_scout_step(&s))
		errx(1, "%s: goes on after a change", what);
	check_empty(t);
}

/* -- random patterns ---------------------------------------------------- */

static size_t
below(size_t n)
{
	return ((size_t)random() % n);
}

static void
random_pattern(struct pattern *p, enum uri_match match)
{
	static const char	 octets[] = { 'a', 'b', '.', '\0', '\xff' };
	static const char	*parts[] = {
		"", "", "a", "b", "ab", "\xc3\xa9"
	};
	size_t			 n, len = 0;

	if (match == MATCH_PREFIX) {
		for (n = below(9); len < n; len++)
			p->text[len] = octets[below(below(4) ? 2 : 5)];
	} else {
		for (n = 1 + below(5); n > 0; n--) {
			len += strlcpy(p->text + len, parts[below(6)], 3);
			if (n > 1)
				p->text[len++] = '.';
		}
	}
	p->uri.p = p->text;
	p->uri.len = (uint16_t)len;
}

/* Prefixes that are no URIs match as well. */
static void
random_uri(struct pattern *p, enum uri_match match)
{
	do {
		random_pattern(p, match);
	} while (match == MATCH_WILDCARD &&
	    !uri_is_valid(&p->uri, URI_LOOSE));
}

/* Literal components before the next wildcard, or the end. */
static size_t
portion(const struct uri *u, size_t *at)
{
	size_t	n = 0, end;

	while (*at <= u->len) {
		end = uri_component_end(u, *at);
		if (end == (*at)++)
			break;
		*at = end + 1;
		n++;
	}
	return (n);
}

/* Does a come before b?  Both match the same URI. */
static int
is_before(const struct pattern *a, const struct pattern *b,
    enum uri_match match)
{
	size_t	i = 0, j = 0, an, bn;

	if (match == MATCH_PREFIX)
		return (a->uri.len > b->uri.len);
	do {
		an = portion(&a->uri, &i);
		bn = portion(&b->uri, &j);
	} while (an == bn && i <= a->uri.len);
	return (an > bn);
}

/* Those that match u, the best first. */
static void
expect(struct expected *e, struct pattern *patterns, enum uri_match match,
    const struct uri *u)
{
	struct pattern	*p;
	size_t		 i, at;

	memset(e, 0, sizeof(*e));
	for (i = 0; i < NPATTERNS; i++) {
		p = &patterns[i];
		p->is_accepted = below(4) == 0;
		if (p->node == NULL || !uri_matches(&p->uri, match, u))
			continue;
		for (at = e->n++; at > 0 &&
		    is_before(p, e->list[at - 1], match); at--)
			e->list[at] = e->list[at - 1];
		e->list[at] = p;
	}
}

static int
is_expected(void *data, void *arg)
{
	struct expected	*e = arg;
	struct pattern	*p = data;

	if (e->at == e->n || e->list[e->at] != p)
		errx(1, "%s: seed %u: match %zu of %zu is not the one", what,
		    seed, e->at, e->n);
	e->at++;
	return (e->takes && p->is_accepted);
}

static void
compare(const struct trie *t, struct pattern *patterns)
{
	struct expected	 e;
	struct pattern	 u, *p, *best;
	size_t		 i;

	random_uri(&u, t->match);
	expect(&e, patterns, t->match, &u.uri);
	e.takes = 1;
	best = trie_best(t, &u.uri, is_expected, &e);
	for (i = 0; i < e.n && !e.list[i]->is_accepted; i++)
		;
	if (best != (i < e.n ? e.list[i] : NULL))
		errx(1, "%s: seed %u: not the best", what, seed);
	e.at = e.takes = 0;
	if (t->match == MATCH_PREFIX)		/* the other way round */
		for (i = 0; i < e.n / 2; i++) {
			p = e.list[i];
			e.list[i] = e.list[e.n - 1 - i];
			e.list[e.n - 1 - i] = p;
		}
	if (trie_match(t, &u.uri, is_expected, &e) != NULL || e.at != e.n)
		errx(1, "%s: seed %u: %zu matches, want %zu", what, seed,
		    e.at, e.n);
	scout(t, &u.uri);
}

/* No node too many, and no more memory than the patterns pay for. */
static void
check_nodes(const struct trie *t, const struct pattern *patterns)
{
	const struct trie_node	*n;
	const struct hent	*e;
	size_t			 i, octets = 0, paid = 0;

	for (i = 0; i < t->nodes.nbuckets; i++)
		for (e = t->nodes.buckets[i]; e != NULL; e = e->next) {
			n = (const void *)((const uint8_t *)e -
			    offsetof(struct trie_node, hash));
			octets += sizeof(*n) + n->len;
			if (n->data == NULL && n->nchildren <
			    (n->parent == NULL ? 1 : 2))
				errx(1, "%s: seed %u: a useless node", what,
				    seed);
		}
	for (i = 0; i < NPATTERNS; i++)
		if (patterns[i].node != NULL)
			paid += trie_cost(&patterns[i].uri);
	if (octets > paid)
		errx(1, "%s: seed %u: %zu octets, paid for %zu", what, seed,
		    octets, paid);
}

static struct pattern *
find(struct pattern *patterns, const struct uri *u)
{
	size_t	i;

	for (i = 0; i < NPATTERNS; i++)
		if (patterns[i].node != NULL &&
		    uri_eq(&patterns[i].uri, u))
			return (&patterns[i]);
	return (NULL);
}

/* This place of the list gets another pattern, unless memory fails. */
static void
replace(struct trie *t, struct pattern *patterns, struct pattern *p)
{
	struct pattern	*old;
	size_t		 before;

	if (p->node != NULL) {
		trie_remove(t, p->node);
		p->node = NULL;
	}
	random_pattern(p, t->match);
	old = find(patterns, &p->uri);
	if (trie_find(t, &p->uri) != old)
		errx(1, "%s: seed %u: not found", what, seed);
	before = t->nodes.count;
	fail_at = (unsigned int)below(6);
	p->node = trie_insert(t, &p->uri, p);
	if (old != NULL ? p->node != NULL : p->node == NULL && fail_at != 0)
		errx(1, "%s: seed %u: insertion", what, seed);
	if (p->node == NULL && t->nodes.count != before)
		errx(1, "%s: seed %u: failed, and left nodes", what, seed);
	fail_at = 0;
}

static void
test_random(enum uri_match match)
{
	static struct pattern	 patterns[NPATTERNS];
	struct trie		*t = new(match);
	size_t			 i, many;

	memset(patterns, 0, sizeof(patterns));
	what = match == MATCH_PREFIX ? "prefixes" : "wildcards";
	for (i = 0; i < STEPS; i++) {
		/* now many patterns, now few */
		many = i % 8192 < 4096 ? NPATTERNS : 8;
		replace(t, patterns, &patterns[below(many)]);
		if (i % 4 == 0)
			compare(t, patterns);
		if (i % 64 == 0)
			check_nodes(t, patterns);
	}
	for (i = 0; i < NPATTERNS; i++)
		if (patterns[i].node != NULL)
			trie_remove(t, patterns[i].node);
	check_empty(t);
}

int
main(void)
{
	hash_init();
	seed = arc4random();
	srandom(seed);
	test_specification();
	test_deep_prefixes();
	test_deep_wildcards();
	test_backtracking();
	test_scout(MATCH_PREFIX, "com.of.%d.");
	test_scout(MATCH_PREFIX, "com.of.%d.x");
	test_scout(MATCH_WILDCARD, "com.of.%d.");
	test_scout(MATCH_WILDCARD, "com..%d.x");
	test_scout(MATCH_WILDCARD, ".of.%d.x");
	test_random(MATCH_PREFIX);
	test_random(MATCH_WILDCARD);
	trie_free(NULL);
	return (0);
}
