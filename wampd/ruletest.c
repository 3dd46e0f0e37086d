/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampd -n -t and wampctl test: may a role do that, and which rule says so?
 * The answer is that of the code which decides in the broker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "ctl.h"
#include "rules.h"
#include "wamp.h"
#include "wampd.h"
#include "xmalloc.h"

#define MAXWORDS	7

struct question {
	const struct conf_realm	*realm;
	const struct conf_role	*role;
	unsigned int		 action;
	struct uri		 uri;
	enum uri_match		 match;
	struct uri		 authid;
	int			 has_authid;
};

/*
 * Blanks part words, but not in double quotes, where \" and \\ are as in the
 * configuration.  Returns how many, or -1.
 */
static int
split(char *s, char *words[MAXWORDS])
{
	char	*to;
	int	 n = 0, is_quoted;

	for (;;) {
		s += strspn(s, " \t");
		if (*s == '\0')
			return (n);
		if (n == MAXWORDS)
			return (-1);
		words[n++] = to = s;
		for (is_quoted = 0; *s != '\0'; s++) {
			if (*s == '"') {
				is_quoted = !is_quoted;
				continue;
			}
			if (!is_quoted && (*s == ' ' || *s == '\t'))
				break;
			if (is_quoted && *s == '\\' &&
			    (s[1] == '"' || s[1] == '\\'))
				s++;
			*to++ = *s;
		}
		if (is_quoted)
			return (-1);
		if (*s != '\0')
			s++;
		*to = '\0';
	}
}

static int
word_find(const char *word, const char *const *names, int n)
{
	int	i;

	for (i = 0; i < n; i++)
		if (strcmp(word, names[i]) == 0)
			return (i);
	return (-1);
}

static int
set_uri(struct uri *u, const char *word)
{
	size_t	len = strlen(word);

	if (len > URI_MAXLEN)
		return (-1);
	u->p = word;
	u->len = (uint16_t)len;
	return (0);
}

/* What is wrong with it, or NULL. */
static const char *
question_check(const struct question *q)
{
	if (q->match != MATCH_EXACT &&
	    (q->action & (ACTION_SUBSCRIBE | ACTION_REGISTER)) == 0)
		return ("a pattern can be subscribed or registered only");
	if (!uri_is_utf8(&q->uri) ||
	    !uri_is_pattern(&q->uri, q->match,
	    q->realm->strict_uris ? URI_STRICT : URI_LOOSE))
		return (q->realm->strict_uris ?
		    "that is no URI by the strict rules of the realm" :
		    "that is no URI: it holds a blank, a # or nothing "
		    "between two dots");
	return (NULL);
}

/* What is wrong with the words, or NULL. */
static const char *
question_read(struct question *q, const struct conf *conf, char **words,
    int n)
{
	static const char *const	actions[] = {
		"publish", "subscribe", "call", "register"
	};
	static const uint8_t		bits[] = {
		ACTION_PUBLISH, ACTION_SUBSCRIBE, ACTION_CALL, ACTION_REGISTER
	};
	static const char *const	matches[MATCH_MAX] = {
		"exact", "prefix", "wildcard"
	};
	int				i, m;

	memset(q, 0, sizeof(*q));
	if (n < 4)
		return ("is not: realm role action uri [match] [authid name]");
	q->realm = conf_find_realm(conf, words[0], strlen(words[0]));
	if (q->realm == NULL)
		return ("there is no such realm");
	if ((q->role = conf_find_role(q->realm, words[1])) == NULL)
		return ("there is no such role");
	if ((i = word_find(words[2], actions, 4)) == -1)
		return ("the action is none of publish, subscribe, call, "
		    "register");
	q->action = bits[i];
	i = 4;
	if (i < n && (m = word_find(words[i], matches, MATCH_MAX)) != -1) {
		q->match = (enum uri_match)m;
		i++;
	}
	if (i < n - 1 && strcmp(words[i], "authid") == 0) {
		if (set_uri(&q->authid, words[i + 1]) == -1)
			return ("the authid is too long");
		q->has_authid = 1;
		i += 2;
	}
	if (i < n)
		return ("behind the uri may stand exact, prefix or wildcard, "
		    "then authid and a name");
	if (set_uri(&q->uri, words[3]) == -1)
		return ("the uri is too long");
	return (question_check(q));
}

static void
answer(const struct question *q, struct rule_answer *a)
{
	const struct conf_rule	*ru;
	const struct uri	*authid = q->has_authid ? &q->authid : NULL;
	const struct conf_dynamic *d = &q->role->authorizer;
	struct rules		*r;

	memset(a, 0, sizeof(*a));
	a->outcome = RULE_DENIED;
	/* the broker has no rules for these */
	if (uri_pattern_is_reserved(&q->uri, q->match) &&
	    (q->action & (ACTION_PUBLISH | ACTION_REGISTER)) != 0) {
		a->why = "what is below wamp. is the router's";
		return;
	}
	if ((q->action & ACTION_REGISTER) != 0 && !conf_role_may_serve(q->role,
	    q->realm, q->match, &q->uri)) {
		a->why = q->match == MATCH_EXACT ?
		    "no rule allows exactly this procedure, which wampd "
		    "calls" :
		    "no rule allows exactly a procedure that it matches, "
		    "which wampd calls";
		return;
	}
	r = rules_new(q->role, q->realm->strict_uris ? URI_STRICT : URI_LOOSE);
	ru = q->match == MATCH_EXACT ?
	    rules_decide(r, q->action, &q->uri, authid) :
	    rules_decide_pattern(r, q->action, &q->uri, q->match, authid);
	rules_free(r);
	if (conf_role_asks(q->role, ru)) {
		a->outcome = RULE_ASKED;
		a->procedure = d->procedure;
		a->file = d->file;
		a->line = d->line;
	} else if (ru == NULL)
		a->why = "no rule matches";
	else {
		if (ru->allow)
			a->outcome = RULE_ALLOWED;
		a->file = ru->file;
		a->line = ru->line;
	}
}

/* 1 allowed, or the authorizer is asked; 0 denied. */
static int
print_answer(const struct rule_answer *a, const char *test)
{
	if (a->outcome == RULE_ASKED)
		printf("%s: asked of \"%s\" by %s:%d\n", test, a->procedure,
		    a->file, a->line);
	else if (a->why != NULL)
		printf("%s: denied, %s\n", test, a->why);
	else
		printf("%s: %s by %s:%d\n", test, a->outcome == RULE_ALLOWED ?
		    "allowed" : "denied", a->file, a->line);
	return (a->outcome != RULE_DENIED);
}

int
ruletest(const struct conf *conf, const char *test)
{
	struct question		 q;
	struct rule_answer	 a;
	const char		*wrong = "more than seven words, or an open "
				    "quote";
	char			*words[MAXWORDS], *copy;
	int			 n, rv = -1;

	copy = xstrdup(test);
	if ((n = split(copy, words)) != -1)
		wrong = question_read(&q, conf, words, n);
	if (wrong != NULL)
		log_warnx("-t '%s': %s", test, wrong);
	else {
		answer(&q, &a);
		rv = print_answer(&a, test);
	}
	free(copy);
	return (rv);
}

const char *
ruletest_request(const struct conf *conf, const struct ctl_request *r,
    struct rule_answer *a)
{
	struct question	 q;
	const char	*wrong;

	memset(&q, 0, sizeof(q));
	q.realm = conf_find_realm(conf, r->realm, strlen(r->realm));
	if (q.realm == NULL)
		return ("there is no such realm");
	if ((q.role = conf_find_role(q.realm, r->role)) == NULL)
		return ("there is no such role");
	if (r->match >= MATCH_MAX)
		return ("there is no such match");
	switch (r->action) {
	case ACTION_PUBLISH:
	case ACTION_SUBSCRIBE:
	case ACTION_CALL:
	case ACTION_REGISTER:
		break;
	default:
		return ("there is no such action");
	}
	q.action = r->action;
	q.match = (enum uri_match)r->match;
	q.has_authid = r->authid[0] != '\0';
	if (set_uri(&q.uri, r->uri) == -1 ||
	    set_uri(&q.authid, r->authid) == -1)
		return ("the uri is too long");
	if ((wrong = question_check(&q)) == NULL)
		answer(&q, a);
	return (wrong);
}
