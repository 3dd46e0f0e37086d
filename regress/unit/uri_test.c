/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * URI rules by a table; uri_matches() and uri_covers() against definitions
 * written a second time in the plainest way, for all patterns of up to four
 * components (threats, lesson 9: a pattern never widens a rule).
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uri.h"

#define N	4096			/* more than there are */

static struct uri
mk(const char *s)
{
	struct uri	u;

	u.p = s;
	u.len = (uint16_t)strlen(s);
	return (u);
}

/* flags: l loose, s strict, p prefix, w wildcard, P and W the strict ones */
static void
rules(const char *s, const char *want)
{
	struct uri	u = mk(s);
	char		got[8] = "";

	if (uri_is_valid(&u, URI_LOOSE))
		strcat(got, "l");
	if (uri_is_valid(&u, URI_STRICT))
		strcat(got, "s");
	if (uri_is_pattern(&u, MATCH_PREFIX, URI_LOOSE))
		strcat(got, "p");
	if (uri_is_pattern(&u, MATCH_WILDCARD, URI_LOOSE))
		strcat(got, "w");
	if (uri_is_pattern(&u, MATCH_PREFIX, URI_STRICT))
		strcat(got, "P");
	if (uri_is_pattern(&u, MATCH_WILDCARD, URI_STRICT))
		strcat(got, "W");
	if (strcmp(got, want) != 0)
		errx(1, "\"%s\": got %s, want %s", s, got, want);
	if (uri_is_pattern(&u, MATCH_EXACT, URI_LOOSE) !=
	    uri_is_valid(&u, URI_LOOSE) ||
	    uri_is_pattern(&u, MATCH_EXACT, URI_STRICT) !=
	    uri_is_valid(&u, URI_STRICT))
		errx(1, "\"%s\": as exact pattern", s);
	if (uri_is_pattern(&u, (enum uri_match)3, URI_LOOSE))
		errx(1, "\"%s\": a pattern of policy 3", s);
}

static void
utf8(const char *s, size_t len, int want)
{
	struct uri	 u;
	char		*copy;

	/* of its own, so that reading over the end is found */
	if ((copy = malloc(len ? len : 1)) == NULL)
		err(1, NULL);
	memcpy(copy, s, len);
	u.p = copy;
	u.len = (uint16_t)len;
	if (uri_is_utf8(&u) != want)
		errx(1, "UTF-8 of %zu octets, first %02x: want %d", len,
		    (unsigned char)s[0], want);
	(void)uri_is_valid(&u, URI_LOOSE);
	free(copy);
}

static void
lengths(void)
{
	static char	buf[65536];
	struct uri	u;

	memset(buf, 'a', sizeof(buf));
	u.p = buf;
	u.len = URI_MAXLEN;
	if (!uri_is_valid(&u, URI_LOOSE) || !uri_is_valid(&u, URI_STRICT))
		errx(1, "%d octets are refused", URI_MAXLEN);
	u.len++;
	if (uri_is_valid(&u, URI_LOOSE) || uri_is_valid(&u, URI_STRICT) ||
	    uri_is_pattern(&u, MATCH_PREFIX, URI_LOOSE) ||
	    uri_is_pattern(&u, MATCH_WILDCARD, URI_LOOSE))
		errx(1, "%d octets are accepted", URI_MAXLEN + 1);
	u.len = 65535;
	if (uri_is_valid(&u, URI_LOOSE))
		errx(1, "65535 octets are accepted");
}

static void
table(void)
{
	size_t	i;
	char	s[8];
	static const char *const spaces[] = {
		" ", "\t", "\n", "\v", "\f", "\r", "\034", "\037",
		"\302\205", "\302\240", "\341\232\200", "\342\200\200",
		"\342\200\212", "\342\200\250", "\342\200\251",
		"\342\200\257", "\342\201\237", "\343\200\200"
	};
	static const char *const others[] = {
		"\302\204", "\302\241", "\342\200\213", "\342\200\252",
		"\342\201\236", "\343\200\201", "\341\232\201"
	};

	rules("", "pwPW");
	rules("a", "lspwPW");
	rules("com.example.topic_1", "lspwPW");
	rules("Com.Example", "lpw");
	rules("com.ex-ample", "lpw");
	rules("com.\303\244.x", "lpw");
	rules("a.", "pwPW");
	rules(".", "wW");
	rules(".a", "wW");
	rules("a..b", "wW");
	rules("a..", "wW");
	rules("A..b", "w");
	rules("..", "wW");
	rules("a#b", "");
	rules("#", "");
	rules("a.b c", "");
	rules("a\nb", "");
	rules("a/b:c?d=e", "lpw");
	rules("\001", "lpw");
	for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		snprintf(s, sizeof(s), "a%s", spaces[i]);
		rules(s, "");
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		rules(others[i], "lpw");

	utf8("", 0, 1);
	utf8("abc", 3, 1);
	utf8("\303\244", 2, 1);
	utf8("\303", 1, 0);
	utf8("\244", 1, 0);
	utf8("\300\200", 2, 0);
	utf8("\301\277", 2, 0);
	utf8("\340\237\277", 3, 0);
	utf8("\340\240\200", 3, 1);
	utf8("\355\237\277", 3, 1);
	utf8("\355\240\200", 3, 0);	/* a surrogate */
	utf8("\357\277\277", 3, 1);
	utf8("\357\277", 2, 0);
	utf8("\360\217\277\277", 4, 0);
	utf8("\360\220\200\200", 4, 1);
	utf8("\360\220\200", 3, 0);
	utf8("\360\220\200.", 4, 0);
	utf8("\364\217\277\277", 4, 1);
	utf8("\364\220\200\200", 4, 0);
	utf8("\365\200\200\200", 4, 0);
	utf8("\377", 1, 0);
	utf8("\342\200", 2, 0);		/* the beginning of a space */
	utf8("\302", 1, 0);
}

static void
reserved(const char *s, int want)
{
	struct uri	u = mk(s);

	if (uri_is_reserved(&u) != want)
		errx(1, "reserved \"%s\": want %d", s, want);
}

/* -- the definitions a second time -------------------------------------- */

static char	words[N][16];
static int	nwords;

/* All strings of up to "parts" components out of comp, some twice. */
static void
generate(const char *so_far, int parts, const char *const *comp, int ncomp)
{
	char	s[16];
	int	i;

	for (i = 0; i < ncomp; i++) {
		snprintf(s, sizeof(s), "%s%s", so_far, comp[i]);
		if (nwords == N)
			errx(1, "too many words");
		strcpy(words[nwords++], s);
		if (parts > 1) {
			strcat(s, ".");
			generate(s, parts - 1, comp, ncomp);
		}
	}
}

static int
plain_matches(const char *pat, enum uri_match m, const char *u)
{
	char	p1[16], u1[16], *p = p1, *q = u1, *c, *d;

	if (m == MATCH_EXACT)
		return (strcmp(pat, u) == 0);
	if (m == MATCH_PREFIX)
		return (strncmp(pat, u, strlen(pat)) == 0);
	strcpy(p1, pat);
	strcpy(u1, u);
	do {
		c = strsep(&p, ".");
		d = strsep(&q, ".");
		if ((c == NULL) != (d == NULL))
			return (0);
		if (c != NULL && *c != '\0' && strcmp(c, d) != 0)
			return (0);
	} while (c != NULL);
	return (1);
}

static void
brute_force(void)
{
	/* "ab" begins like "a"; "c" stands in no pattern, so that a URI
	 * exists that differs from each of them at every place */
	static const char *const pcomp[] = { "", "a", "b", "ab" };
	static const char *const ucomp[] = { "a", "b", "ab", "c" };
	static char	 uris[N][16];
	static uint8_t	*langs[MATCH_MAX][N];
	int		 nuris, i, j, k, m, n, want, got, checks = 0;
	struct uri	 a, b, u;

	/* one component more than patterns have: a prefix goes on */
	generate("", 5, ucomp, 4);
	for (i = 0; i < nwords; i++)
		strcpy(uris[i], words[i]);
	nuris = nwords;
	nwords = 0;
	generate("", 4, pcomp, 4);

	for (m = 0; m < MATCH_MAX; m++) {
		for (i = 0; i < nwords; i++) {
			a = mk(words[i]);
			if (!uri_is_pattern(&a, (enum uri_match)m, URI_STRICT))
				continue;
			if ((langs[m][i] = calloc(1, (size_t)nuris)) == NULL)
				err(1, NULL);
			for (k = 0; k < nuris; k++) {
				u = mk(uris[k]);
				want = plain_matches(words[i],
				    (enum uri_match)m, uris[k]);
				if (uri_matches(&a, (enum uri_match)m, &u) !=
				    want)
					errx(1, "matches \"%s\" %d \"%s\": "
					    "want %d", words[i], m, uris[k],
					    want);
				langs[m][i][k] = (uint8_t)want;
			}
		}
	}
	for (m = 0; m < MATCH_MAX; m++)
	for (i = 0; i < nwords; i++)
	for (n = 0; n < MATCH_MAX; n++)
	for (j = 0; j < nwords; j++) {
		if (langs[m][i] == NULL || langs[n][j] == NULL)
			continue;
		want = 1;
		for (k = 0; k < nuris && want; k++)
			if (langs[n][j][k] && !langs[m][i][k])
				want = 0;
		a = mk(words[i]);
		b = mk(words[j]);
		got = uri_covers(&a, (enum uri_match)m, &b,
		    (enum uri_match)n);
		if (got != want)
			errx(1, "covers \"%s\" %d, \"%s\" %d: got %d, "
			    "want %d", words[i], m, words[j], n, got, want);
		checks++;
	}
	for (m = 0; m < MATCH_MAX; m++)
		for (i = 0; i < nwords; i++)
			free(langs[m][i]);
	if (checks < 100000)
		errx(1, "only %d pairs checked", checks);
}

static int
is_char(char c, enum uri_rules rules)
{
	if (rules == URI_STRICT)
		return (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", c) !=
		    NULL);
	return (strchr(" \t\n\v\f\r\x1c\x1d\x1e\x1f#.", c) == NULL);
}

/* By the rules, octet by octet; ASCII. */
static int
is_uri(const char *s, enum uri_match match, enum uri_rules rules)
{
	size_t	i, start = 0, len = strlen(s);

	for (i = 0; i <= len; i++) {
		if (i < len && s[i] != '.') {
			if (!is_char(s[i], rules))
				return (0);
			continue;
		}
		if (i == start && match != MATCH_WILDCARD &&
		    (match != MATCH_PREFIX || i < len))
			return (0);
		start = i + 1;
	}
	return (1);
}

/* Each octet of ASCII at each place; each way to put dots. */
static void
octets(void)
{
	char		s[32];
	size_t		i;
	int		c, match, strict, bits;
	struct uri	u;

	for (match = MATCH_EXACT; match <= MATCH_WILDCARD; match++)
		for (strict = 0; strict < 2; strict++) {
			for (i = 0; i < 20; i++)
				for (c = 1; c < 0x80; c++) {
					strcpy(s, "com.example.topic_21");
					s[i] = (char)c;
					u = mk(s);
					if (uri_is_pattern(&u, match, strict) !=
					    is_uri(s, match, strict))
						errx(1, "octet %d at %zu", c,
						    i);
				}
			for (bits = 0; bits < 1 << 10; bits++) {
				for (i = 0; i < 10; i++)
					s[i] = bits & 1 << i ? '.' : 'x';
				s[10] = '\0';
				u = mk(s + bits % 10);
				if (uri_is_pattern(&u, match, strict) !=
				    is_uri(u.p, match, strict))
					errx(1, "dots of %s", u.p);
			}
		}
}

int
main(void)
{
	struct uri	u, v;

	table();
	lengths();
	octets();
	reserved("wamp", 1);
	reserved("wamp.", 1);
	reserved("wamp.session.on_join", 1);
	reserved("wampd.x", 0);
	reserved("com.wamp", 0);
	reserved("wam", 0);
	reserved("", 0);
	u = mk("");
	v = mk("a..b");
	if (uri_components(&u) != 1 || uri_components(&v) != 3)
		errx(1, "components");
	if (uri_eq(&u, &v) || !uri_eq(&v, &v))
		errx(1, "eq");
	brute_force();
	return (0);
}
