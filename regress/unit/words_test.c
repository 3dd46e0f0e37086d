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
#include "uri.h"
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
		{ "drain", CTL_DRAIN },
		{ "drain over 30s", CTL_DRAIN },
		{ "resume", CTL_RESUME },
		{ "upgrade", CTL_UPGRADE },
		{ "log brief", CTL_LOG },
		{ "stop", CTL_STOP },
		{ "show sandbox", CTL_SANDBOX },
		{ "monitor", CTL_MONITOR },
		{ "show calls", CTL_CALLS },
		{ "show connections", CTL_CONNECTIONS },
		{ "show memory", CTL_MEMORY },
		{ "show metrics", CTL_METRICS },
		{ "show registrations", CTL_REGISTRATIONS },
		{ "show session 17", CTL_SESSION },
		{ "show sessions", CTL_SESSIONS },
		{ "show subscriptions", CTL_SUBSCRIPTIONS },
		{ "kill session 17", CTL_KILL_SESSION },
		{ "kill authid x", CTL_KILL_AUTHID },
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
test_time(void)
{
	struct words	w;

	if (parse(&w, "drain") == -1 || w.req.ms != CTL_GRACE ||
	    parse(&w, "drain over 90ms") == -1 || w.req.ms != 90 ||
	    parse(&w, "d o 24h") == -1 || w.req.ms != CTL_MAXDRAIN ||
	    parse(&w, "drain over 0s") == -1 || w.req.ms != 0)
		errx(1, "drain: wrong time");
	bad("drain over", "a word is missing", "<time>");
	bad("drain 3s", "unknown word: \"3s\"", "over");
	bad("drain over 3", "needs its unit", NULL);
	bad("drain over s", "is no time", NULL);
	bad("drain over 25h", "longer than a day", NULL);
	bad("drain over 18446744073709551617ms", "longer than a day", NULL);
	bad("drain over 3s now", "one word too many", "<end>");
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
test_names(void)
{
	struct words	w;

	if (parse(&w, "show sessions realm r authid show") == -1 ||
	    strcmp(w.req.realm, "r") != 0 ||
	    strcmp(w.req.authid, "show") != 0)
		errx(1, "sessions: %s", said);
	if (parse(&w, "sh sessions auth a re realm") == -1 ||
	    strcmp(w.req.realm, "realm") != 0 ||
	    strcmp(w.req.authid, "a") != 0)
		errx(1, "sessions, the other way round: %s", said);
	if (parse(&w, "show connections session 9007199254740992 realm r") ==
	    -1 || w.req.session != 9007199254740992ULL)
		errx(1, "connections: %s", said);
	if (parse(&w, "kill authid a realm r") == -1 ||
	    strcmp(w.req.authid, "a") != 0 || strcmp(w.req.realm, "r") != 0)
		errx(1, "kill authid: %s", said);
	if (parse(&w, "kill session 5") == -1 || w.req.session != 5)
		errx(1, "kill session: %s", said);
	if (parse(&w, "show calls realm \303\244") == -1)
		errx(1, "UTF-8: %s", said);
}

static void
test_test(void)
{
	struct words	w;

	if (parse(&w, "test realm r role o publish com.x") == -1 ||
	    w.req.what != CTL_TEST || w.req.action != ACTION_PUBLISH ||
	    w.req.match != MATCH_EXACT || strcmp(w.req.realm, "r") != 0 ||
	    strcmp(w.req.role, "o") != 0 || strcmp(w.req.uri, "com.x") != 0 ||
	    w.req.authid[0] != '\0')
		errx(1, "test: %s", said);
	if (parse(&w, "test realm r role o register com..x wild auth me") ==
	    -1 || w.req.action != ACTION_REGISTER ||
	    w.req.match != MATCH_WILDCARD || strcmp(w.req.authid, "me") != 0)
		errx(1, "test of a pattern: %s", said);
	if (parse(&w, "test realm r role o call x authid me") == -1)
		errx(1, "test with authid: %s", said);
	bad("test x", "unknown word", "\n  realm\n");
	bad("test realm r role o", "a word is missing", "\n  subscribe\n");
	bad("test realm r role o publish", "a word is missing", "<uri>");
	bad("test realm r role o publish x y", "unknown word",
	    "<end>\n  authid\n  exact\n  prefix\n  wildcard\n");
}

static void
test_top(void)
{
	struct words	w;

	if (parse(&w, "top") == -1 || w.what != DO_TOP || w.seconds != 2 ||
	    parse(&w, "to 20") == -1 || w.seconds != 20)
		errx(1, "top: %s", said);
	bad("top 0", "is no number from 1 to 20", NULL);
	bad("top 21", "is no number", NULL);
	bad("top 1s", "is no number", NULL);
	bad("top 1 2", "one word too many", NULL);
	bad("t", "could be several words", "\n  test\n  tlsa\n  top\n");
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
	bad("show s", "could be several words", "\n  sandbox\n  session\n");
	bad("show l", "could be several words", "\n  limits\n  listeners\n");
	bad("reload now", "one word too many: \"now\"", "<end>");
	bad("log loud", "unknown word", "\n  brief\n  debug\n  verbose\n");
	/* nothing of it reaches a terminal */
	bad("\033[2J", "unknown word: \"\\033[2J\"", NULL);
	bad("show session", "a word is missing", "<session id>");
	bad("show session 0", "is no id", NULL);
	bad("show session -1", "is no id", NULL);
	bad("show session 9007199254740993", "is no id", NULL);
	bad("show session 99999999999999999999", "is no id", NULL);
	bad("show session 1x", "is no id", NULL);
	bad("show sessions realm", "a word is missing", "<realm>");
	bad("show sessions realm r realm s", "is given twice", NULL);
	bad("show sessions r s x", "unknown word", "<end>");
	bad("show calls realm r x", "one word too many", NULL);
	bad("kill authid", "a word is missing", "<authid>");
	bad("kill", "a word is missing", "\n  authid\n  session\n");
	bad("kill authid \377", "is not UTF-8", NULL);
	bad("kill authid ", "is empty", NULL);
	/* a word is a beginning, not what begins with it */
	bad("stopp", "unknown word", NULL);
}

int
main(void)
{
	test_words();
	test_level();
	test_time();
	test_names();
	test_test();
	test_top();
	test_tlsa();
	test_bad();
	return (0);
}
