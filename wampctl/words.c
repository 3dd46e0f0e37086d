/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Words become a request: a table for each place, in which a word may be
 * shortened as long as no other begins like that.  Whoever writes nonsense is
 * told what could have stood there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "uri.h"
#include "wamp.h"
#include "words.h"

#define TOP_SECONDS	2
#define TOP_MAXSECONDS	20	/* wampd closes who says nothing for 30 */

enum token_type {
	T_NONE,		/* the end of a table */
	T_END,		/* it may end here */
	T_WORD,
	T_WHAT,		/* a word: value is an enum ctl_what */
	T_TLSA,
	T_TOP,
	T_LEVEL,
	T_ACTION,
	T_MATCH,
	/* not words of ours: anything may stand there */
	T_ANYTHING,
	T_REALM,
	T_AUTHID,
	T_SESSION,
	T_TIME,
	T_ROLE,
	T_URI,
	T_SECONDS
};

struct token {
	enum token_type		 type;
	const char		*word;	/* or what to call it */
	int			 value;
	const struct token	*next;	/* NULL: nothing follows */
};

static const struct token t_log[] = {
	{ T_LEVEL, "brief", LOG_LEVEL_BRIEF, NULL },
	{ T_LEVEL, "debug", LOG_LEVEL_DEBUG, NULL },
	{ T_LEVEL, "verbose", LOG_LEVEL_VERBOSE, NULL },
	{ T_NONE, NULL, 0, NULL }
};

/* Filters: each once, in any order. */
static const struct token t_sessions[], t_realm[], t_connections[];

static const struct token t_sessions_realm[] = {
	{ T_REALM, "realm", 0, t_sessions },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_sessions_authid[] = {
	{ T_AUTHID, "authid", 0, t_sessions },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_sessions[] = {
	{ T_END, NULL, 0, NULL },
	{ T_WORD, "authid", 0, t_sessions_authid },
	{ T_WORD, "realm", 0, t_sessions_realm },
	{ T_NONE, NULL, 0, NULL }
};

static const struct token t_realm_name[] = {
	{ T_REALM, "realm", 0, NULL },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_realm[] = {
	{ T_END, NULL, 0, NULL },
	{ T_WORD, "realm", 0, t_realm_name },
	{ T_NONE, NULL, 0, NULL }
};

static const struct token t_connections_realm[] = {
	{ T_REALM, "realm", 0, t_connections },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_connections_authid[] = {
	{ T_AUTHID, "authid", 0, t_connections },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_connections_session[] = {
	{ T_SESSION, "session id", 0, t_connections },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_connections[] = {
	{ T_END, NULL, 0, NULL },
	{ T_WORD, "authid", 0, t_connections_authid },
	{ T_WORD, "realm", 0, t_connections_realm },
	{ T_WORD, "session", 0, t_connections_session },
	{ T_NONE, NULL, 0, NULL }
};

static const struct token t_session[] = {
	{ T_SESSION, "session id", 0, NULL },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_kill_authid[] = {
	{ T_AUTHID, "authid", 0, t_realm },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_kill[] = {
	{ T_WHAT, "authid", CTL_KILL_AUTHID, t_kill_authid },
	{ T_WHAT, "session", CTL_KILL_SESSION, t_session },
	{ T_NONE, NULL, 0, NULL }
};

/* test realm R role R action URI [match] [authid A] */
static const struct token t_test_authid_name[] = {
	{ T_AUTHID, "authid", 0, NULL },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_test_authid[] = {
	{ T_END, NULL, 0, NULL },
	{ T_WORD, "authid", 0, t_test_authid_name },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_test_match[] = {
	{ T_END, NULL, 0, NULL },
	{ T_WORD, "authid", 0, t_test_authid_name },
	{ T_MATCH, "exact", MATCH_EXACT, t_test_authid },
	{ T_MATCH, "prefix", MATCH_PREFIX, t_test_authid },
	{ T_MATCH, "wildcard", MATCH_WILDCARD, t_test_authid },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_test_uri[] = {
	{ T_URI, "uri", 0, t_test_match },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_test_action[] = {
	{ T_ACTION, "call", ACTION_CALL, t_test_uri },
	{ T_ACTION, "publish", ACTION_PUBLISH, t_test_uri },
	{ T_ACTION, "register", ACTION_REGISTER, t_test_uri },
	{ T_ACTION, "subscribe", ACTION_SUBSCRIBE, t_test_uri },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_test_role_name[] = {
	{ T_ROLE, "role", 0, t_test_action },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_test_role[] = {
	{ T_WORD, "role", 0, t_test_role_name },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_test_realm[] = {
	{ T_REALM, "realm", 0, t_test_role },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_test[] = {
	{ T_WORD, "realm", 0, t_test_realm },
	{ T_NONE, NULL, 0, NULL }
};

static const struct token t_drain_over[] = {
	{ T_TIME, "time", 0, NULL },
	{ T_NONE, NULL, 0, NULL }
};
static const struct token t_drain[] = {
	{ T_END, NULL, 0, NULL },
	{ T_WORD, "over", 0, t_drain_over },
	{ T_NONE, NULL, 0, NULL }
};

static const struct token t_show[] = {
	{ T_WHAT, "calls", CTL_CALLS, t_realm },
	{ T_WHAT, "certificates", CTL_CERTIFICATES, NULL },
	{ T_WHAT, "config", CTL_CONFIG, NULL },
	{ T_WHAT, "connections", CTL_CONNECTIONS, t_connections },
	{ T_WHAT, "limits", CTL_LIMITS, NULL },
	{ T_WHAT, "listeners", CTL_LISTENERS, NULL },
	{ T_WHAT, "memory", CTL_MEMORY, NULL },
	{ T_WHAT, "metrics", CTL_METRICS, NULL },
	{ T_WHAT, "processes", CTL_PROCESSES, NULL },
	{ T_WHAT, "realms", CTL_REALMS, NULL },
	{ T_WHAT, "registrations", CTL_REGISTRATIONS, t_realm },
	{ T_WHAT, "sandbox", CTL_SANDBOX, NULL },
	{ T_WHAT, "session", CTL_SESSION, t_session },
	{ T_WHAT, "sessions", CTL_SESSIONS, t_sessions },
	{ T_WHAT, "subscriptions", CTL_SUBSCRIPTIONS, t_realm },
	{ T_WHAT, "summary", CTL_SUMMARY, NULL },
	{ T_NONE, NULL, 0, NULL }
};

static const struct token t_top[] = {
	{ T_END, NULL, 0, NULL },
	{ T_SECONDS, "seconds", 0, NULL },
	{ T_NONE, NULL, 0, NULL }
};

static const struct token t_main[] = {
	{ T_WHAT, "check", CTL_CHECK, NULL },
	{ T_WHAT, "drain", CTL_DRAIN, t_drain },
	{ T_WORD, "kill", 0, t_kill },
	{ T_WHAT, "log", CTL_LOG, t_log },
	{ T_WHAT, "monitor", CTL_MONITOR, NULL },
	{ T_WHAT, "reload", CTL_RELOAD, NULL },
	{ T_WHAT, "resume", CTL_RESUME, NULL },
	{ T_WORD, "show", 0, t_show },
	{ T_WHAT, "stop", CTL_STOP, NULL },
	{ T_WHAT, "test", CTL_TEST, t_test },
	{ T_TLSA, "tlsa", 0, NULL },
	{ T_TOP, "top", 0, t_top },
	{ T_WHAT, "upgrade", CTL_UPGRADE, NULL },
	{ T_NONE, NULL, 0, NULL }
};

static int
is_word(const struct token *t)
{
	return (t->type > T_END && t->type < T_ANYTHING);
}

/* Which token of the table is meant; *n: how many could be. */
static const struct token *
find(const struct token *table, const char *arg, int *n)
{
	const struct token	*t, *found = NULL;
	size_t			 len = strlen(arg);

	*n = 0;
	for (t = table; t->type != T_NONE; t++) {
		if (!is_word(t) || len == 0 ||
		    strncmp(arg, t->word, len) != 0)
			continue;
		if (t->word[len] == '\0') {
			*n = 1;
			return (t);
		}
		found = t;
		(*n)++;
	}
	for (t = table; *n == 0 && t->type != T_NONE; t++)
		if (t->type >= T_ANYTHING) {
			*n = 1;
			return (t);
		}
	return (*n == 1 ? found : NULL);
}

static void
expected(const struct token *table, const char *begin, FILE *f)
{
	const struct token	*t;

	fprintf(f, "expected here:\n");
	for (t = table; t != NULL && t->type != T_NONE; t++) {
		if (t->type == T_END)
			fprintf(f, "  <end>\n");
		else if (!is_word(t))
			fprintf(f, "  <%s>\n", t->word);
		else if (begin == NULL ||
		    strncmp(t->word, begin, strlen(begin)) == 0)
			fprintf(f, "  %s\n", t->word);
	}
	if (table == NULL)
		fprintf(f, "  <end>\n");
}

static int
wrong(const struct token *table, const char *what, const char *arg,
    const char *begin, FILE *f)
{
	char	shown[256];

	if (arg != NULL)
		fprintf(f, "wampctl: %s: \"%s\"\n", what,
		    log_vis(shown, sizeof(shown), arg, strlen(arg)));
	else
		fprintf(f, "wampctl: %s\n", what);
	expected(table, begin, f);
	return (-1);
}

/* A name for a field of the request: 0, or what is wrong with it. */
static const char *
set_name(char *field, size_t size, const char *arg)
{
	struct uri	u;
	size_t		len = strlen(arg);

	if (field[0] != '\0')
		return ("is given twice");
	if (len == 0)
		return ("is empty");
	if (len >= size)
		return ("is too long");
	u.p = arg;
	u.len = (uint16_t)len;
	if (!uri_is_utf8(&u))
		return ("is not UTF-8");
	memcpy(field, arg, len + 1);
	return (NULL);
}

static const char *
set_session(uint64_t *id, const char *arg)
{
	char			*end;
	unsigned long long	 n;

	errno = 0;
	n = strtoull(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end != '\0' || errno != 0 || n == 0 ||
	    n > WAMP_ID_MAX)
		return ("is no id");
	if (*id != 0)
		return ("is given twice");
	*id = n;
	return (NULL);
}

static const char *
set_seconds(unsigned int *seconds, const char *arg)
{
	const char	*err;

	*seconds = (unsigned int)strtonum(arg, 1, TOP_MAXSECONDS, &err);
	return (err == NULL ? NULL : "is no number from 1 to 20");
}

/* As in wampd.conf(5). */
static const char *
set_time(uint32_t *ms, const char *arg)
{
	static const struct {
		const char	*name;
		uint64_t	 ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 },
		{ "h", 3600 * 1000 }, { "d", 24 * 3600 * 1000 }
	};
	size_t		 i, len = strspn(arg, "0123456789");
	uint64_t	 n;

	if (len == 0)
		return ("is no time");
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(arg + len, units[i].name) == 0)
			break;
	if (i == sizeof(units) / sizeof(units[0]))
		return ("a time needs its unit: ms, s, m, h or d");
	n = strtoull(arg, NULL, 10);
	if (n > CTL_MAXDRAIN || n * units[i].ms > CTL_MAXDRAIN)
		return ("is longer than a day");
	*ms = (uint32_t)(n * units[i].ms);
	return (NULL);
}

/* What the token means for the request: NULL, or what is wrong with it. */
static const char *
apply(struct words *w, const struct token *t, const char *arg)
{
	switch (t->type) {
	case T_WHAT:
		w->req.what = (uint16_t)t->value;
		if (t->value == CTL_DRAIN)
			w->req.ms = CTL_GRACE;
		break;
	case T_LEVEL:
		w->req.level = (uint32_t)t->value;
		break;
	case T_ACTION:
		w->req.action = (uint8_t)t->value;
		break;
	case T_MATCH:
		w->req.match = (uint8_t)t->value;
		break;
	case T_ROLE:
		return (set_name(w->req.role, sizeof(w->req.role), arg));
	case T_URI:
		return (set_name(w->req.uri, sizeof(w->req.uri), arg));
	case T_TOP:
		w->what = DO_TOP;
		w->seconds = TOP_SECONDS;
		break;
	case T_SECONDS:
		return (set_seconds(&w->seconds, arg));
	case T_TLSA:
		w->what = DO_TLSA;
		break;
	case T_REALM:
		return (set_name(w->req.realm, sizeof(w->req.realm), arg));
	case T_AUTHID:
		return (set_name(w->req.authid, sizeof(w->req.authid), arg));
	case T_TIME:
		return (set_time(&w->req.ms, arg));
	case T_SESSION:
		return (set_session(&w->req.session, arg));
	default:
		break;
	}
	return (NULL);
}

int
words_parse(struct words *w, int argc, char **argv, FILE *f)
{
	const struct token	*table = t_main, *t;
	const char		*why;
	char			 shown[256];
	int			 i, n;

	memset(w, 0, sizeof(*w));
	w->what = DO_ASK;
	w->req.magic = CTL_MAGIC;
	for (i = 0; i < argc; i++) {
		if (table == NULL)
			return (wrong(NULL, "one word too many", argv[i],
			    NULL, f));
		if ((t = find(table, argv[i], &n)) == NULL)
			return (wrong(table, n == 0 ? "unknown word" :
			    "could be several words", argv[i],
			    n == 0 ? NULL : argv[i], f));
		if ((why = apply(w, t, argv[i])) != NULL) {
			fprintf(f, "wampctl: %s \"%s\": %s\n", t->word,
			    log_vis(shown, sizeof(shown), argv[i],
			    strlen(argv[i])), why);
			return (-1);
		}
		if (w->what == DO_TLSA) {
			w->rest = i;
			return (0);
		}
		table = t->next;
	}
	for (t = table; t != NULL && t->type != T_NONE; t++)
		if (t->type == T_END)
			return (0);
	return (table == NULL ? 0 : wrong(table, "a word is missing", NULL,
	    NULL, f));
}
