/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The words of wampctl: what they come to, how short they may be, and what
 * is said where one is wrong.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../wampctl/words.h"
#include "log.h"
#include "wamp.h"

#define MAXWORDS	16

static char	said[4096];

/* Blanks part words. */
static int
parse(struct words *w, const char *text)
{
	char	*argv[MAXWORDS], *copy, *p, *word;
	FILE	*f;
	int	 argc = 0, rv;

	if ((copy = p = strdup(text)) == NULL ||
	    (f = fmemopen(said, sizeof(said), "w")) == NULL)
		err(1, NULL);
	while ((word = strsep(&p, " ")) != NULL && argc < MAXWORDS)
		argv[argc++] = word;
	rv = words_parse(w, argc, argv, f);
	fclose(f);
	free(copy);
	return (rv);
}

static void
good(const char *text, unsigned int what)
{
	struct words	w;

	if (parse(&w, text) == -1)
		errx(1, "%s: refused: %s", text, said);
	if (w.what != DO_ASK || w.req.what != what ||
	    w.req.magic != CTL_MAGIC)
		errx(1, "%s: got %u, want %u", text, w.req.what, what);
}

/* Says why, and what could have stood there. */
static void
bad(const char *text, const char *why, const char *expected)
{
	struct words	w;

	memset(said, 0, sizeof(said));
	if (parse(&w, text) == 0)
		errx(1, "%s: is taken", text);
	if (strstr(said, why) == NULL ||
	    (expected != NULL && strstr(said, expected) == NULL))
		errx(1, "%s: says: %s", text, said);
}

static void
test_words(void)
{
	static const struct {
		const char	*text;
		unsigned int	 what;
	} words[] = {
		{ "show summary", CTL_SUMMARY },
		{ "show processes", CTL_PROCESSES },
		{ "show listeners", CTL_LISTENERS },
		{ "show realms", CTL_REALMS },
		{ "show limits", CTL_LIMITS },
		{ "show certificates", CTL_CERTIFICATES },
		{ "show config", CTL_CONFIG },
		{ "reload", CTL_RELOAD },
		{ "check", CTL_CHECK },
		{ "log brief", CTL_LOG },
		{ "stop", CTL_STOP },
		/* as short as can be told apart */
		{ "sh lim", CTL_LIMITS },
		{ "sh lis", CTL_LISTENERS },
		{ "st", CTL_STOP },
		{ "l b", CTL_LOG }
	};
	size_t	i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		good(words[i].text, words[i].what);
}

static void
test_level(void)
{
	struct words	w;

	if (parse(&w, "log d") == -1 || w.req.level != LOG_LEVEL_DEBUG ||
	    parse(&w, "log verbose") == -1 ||
	    w.req.level != LOG_LEVEL_VERBOSE)
		errx(1, "log: wrong level");
}

static void
test_tlsa(void)
{
	struct words	w;

	if (parse(&w, "tlsa -f show") == -1 || w.what != DO_TLSA ||
	    w.rest != 0)
		errx(1, "tlsa: what follows is not its own");
}

static void
test_bad(void)
{
	bad("nonsense", "unknown word: \"nonsense\"", "\n  reload\n");
	bad("", "unknown word: \"\"", "\n  show\n");
	bad("show nonsense", "unknown word", "\n  summary\n");
	bad("show", "a word is missing", "\n  summary\n");
	bad("s", "could be several words", "\n  show\n  stop\n");
	bad("show l", "could be several words", "\n  limits\n  listeners\n");
	bad("reload now", "one word too many: \"now\"", "<end>");
	bad("log loud", "unknown word", "\n  brief\n  debug\n  verbose\n");
	/* nothing of it reaches a terminal */
	bad("\033[2J", "unknown word: \"\\033[2J\"", NULL);
	/* a word is a beginning, not what begins with it */
	bad("stopp", "unknown word", NULL);
}

int
main(void)
{
	test_words();
	test_level();
	test_tlsa();
	test_bad();
	return (0);
}
