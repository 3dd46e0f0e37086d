/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What it costs to put a pattern into the broker's index, to find those that
 * match a URI, and to take it out again: by how many there are.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../broker/broker.h"
#include "../../broker/trie.h"

#define MOST	100000
#define MATCHES	1000000

static struct trie_node	*nodes[MOST];

static double
now_ns(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec * 1e9 + (double)ts.tv_nsec);
}

static int
count(void *data, void *arg)
{
	(void)data;
	++*(size_t *)arg;
	return (0);
}

static struct uri
text_set(char *text, size_t size, const char *fmt, size_t i)
{
	struct uri	u;

	u.p = text;
	u.len = (uint16_t)snprintf(text, size, fmt, i % 1000, i / 1000);
	return (u);
}

/* n patterns, and URIs of which half match one, and the others none. */
static void
measure(enum uri_match match, const char *name, const char *pattern,
    const char *topic, size_t n)
{
	static struct uri	 uris[4096];
	static char		 texts[4096][64];
	struct trie		*t;
	struct uri		 u;
	char			 text[64];
	size_t			 i, matched = 0;
	double			 start, in, one, out;

	if ((t = trie_new(match)) == NULL)
		err(1, NULL);
	start = now_ns();
	for (i = 0; i < n; i++) {
		u = text_set(text, sizeof(text), pattern, i);
		if ((nodes[i] = trie_insert(t, &u, nodes)) == NULL)
			err(1, NULL);
	}
	in = now_ns() - start;
	for (i = 0; i < 4096; i++)
		uris[i] = text_set(texts[i], sizeof(texts[i]), topic,
		    arc4random_uniform((uint32_t)n) + (i % 2 == 0 ? 0 : MOST));
	start = now_ns();
	for (i = 0; i < MATCHES; i++)
		trie_match(t, &uris[i % 4096], count, &matched);
	one = now_ns() - start;
	start = now_ns();
	for (i = 0; i < n; i++)
		trie_remove(t, nodes[i]);
	out = now_ns() - start;
	trie_free(t);
	printf("trie: %-20s %6zu patterns: match %4.0f ns (%.2f found), "
	    "insert %4.0f ns, remove %4.0f ns\n", name, n, one / MATCHES,
	    (double)matched / MATCHES, in / (double)n, out / (double)n);
}

int
main(void)
{
	size_t	n;

	hash_init();
	for (n = 10; n <= MOST; n = n < 1000 ? 1000 : n * 100) {
		measure(MATCH_PREFIX, "prefixes",
		    "com.example.dev%zu.unit%zu.",
		    "com.example.dev%zu.unit%zu.state.on", n);
		measure(MATCH_WILDCARD, "wildcards, first",
		    ".example.dev%zu.unit%zu.state",
		    "com.example.dev%zu.unit%zu.state", n);
		measure(MATCH_WILDCARD, "wildcards, last",
		    "com.example.dev%zu.unit%zu.",
		    "com.example.dev%zu.unit%zu.state", n);
	}
	return (0);
}
