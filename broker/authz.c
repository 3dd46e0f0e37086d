/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a session may do, by the rules of its role (common/rules.c), and what
 * was found out lately.  That is one table for all sessions: what somebody
 * asks for at random costs others a look into the rules, and nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "conf.h"
#include "rules.h"

#define KNOWN_MAX	4096		/* power of two; half a MB */
#define KNOWN_TEXT	104		/* longer ones are not remembered */

/* Answers for one URI, and for one authid if the rules have {authid}. */
struct known {
	uint64_t	 hash;
	uint64_t	 serial;	/* of the rules; 0: nothing */
	uint16_t	 urilen;
	uint16_t	 authidlen;
	uint8_t		 match;		/* enum uri_match */
	uint8_t		 asked;		/* ACTION_* */
	uint8_t		 allowed;
	uint8_t		 open;		/* an authorizer is to be asked */
	char		 text[KNOWN_TEXT];	/* URI, authid */
};

static struct known	*known;
static uint64_t		 lastserial;

int
authz_init(void)
{
	known = calloc(KNOWN_MAX, sizeof(*known));
	return (known == NULL ? -1 : 0);
}

/* What the rules say of each action whatever the URI is, unless reserved. */
static void
settle(struct role *role, const struct conf_role *conf)
{
	const struct conf_rule	*ru;
	unsigned int		 open = ACTION_ALL, now;

	role->settled = role->settled_allow = 0;
	if (conf->authorizer.procedure != NULL)
		return;
	TAILQ_FOREACH_REVERSE(ru, &conf->rules, conf_rules, entry) {
		now = ru->actions & open;
		open &= ~now;
		if (!ru->anyuri)
			continue;
		role->settled |= (uint8_t)now;
		if (ru->allow)
			role->settled_allow |= (uint8_t)now;
	}
	role->settled |= (uint8_t)open;		/* no rule: denied */
}

void
authz_load(const struct realm *r, struct role *role,
    const struct conf_role *conf)
{
	authz_free(role);
	role->conf = conf;
	role->rules = rules_new(conf, r->rules);
	role->rules_serial = ++lastserial;
	settle(role, conf);
}

void
authz_free(struct role *role)
{
	rules_free(role->rules);
	role->rules = NULL;
	role->conf = NULL;
	role->rules_serial = 0;
}

static enum authz_verdict
ask_rules(const struct session *s, unsigned int action, enum uri_match match,
    const struct uri *u)
{
	const struct rules	*rules = s->role->rules;
	const struct conf_rule	*ru;

	ru = match == MATCH_EXACT ?
	    rules_decide(rules, action, u, &s->authid) :
	    rules_decide_pattern(rules, action, u, match, &s->authid);
	if (conf_role_asks(s->role->conf, ru))
		return (AUTHZ_ASK);
	return (ru != NULL && ru->allow ? AUTHZ_ALLOW : AUTHZ_DENY);
}

static int
is_known(const struct known *k, uint64_t hash, uint64_t serial,
    enum uri_match match, const struct uri *u, const struct uri *authid)
{
	return (k->hash == hash && k->serial == serial && k->match == match &&
	    k->urilen == u->len && k->authidlen == authid->len &&
	    memcmp(k->text, u->p, u->len) == 0 &&
	    memcmp(k->text + u->len, authid->p, authid->len) == 0);
}

int
authz_may_stay(const struct role *role, unsigned int action,
    const struct uri *u, const struct uri *authid)
{
	const struct conf_rule	*ru;

	if (role->rules == NULL)
		return (0);
	if ((role->settled & action) != 0)
		return ((role->settled_allow & action) != 0);
	ru = rules_decide(role->rules, action, u, authid);
	return (conf_role_asks(role->conf, ru) || (ru != NULL && ru->allow));
}

enum authz_verdict
authz_check(const struct session *s, unsigned int action,
    enum uri_match match, const struct uri *u)
{
	static const struct uri	 nobody = { "", 0 };
	const struct uri	*authid = &nobody;
	const struct role	*role = s->role;
	struct known		*k;
	enum authz_verdict	 v;
	uint64_t		 hash;
	int			 is_reserved;

	if (role->rules == NULL)
		return (AUTHZ_DENY);
	is_reserved = uri_pattern_is_reserved(u, match);
	/* nobody is asked who would say something else */
	if (is_reserved &&
	    (action & (ACTION_PUBLISH | ACTION_REGISTER)) != 0)
		return (AUTHZ_DENY);
	if (!is_reserved && (role->settled & action) != 0)
		return ((role->settled_allow & action) != 0 ? AUTHZ_ALLOW :
		    AUTHZ_DENY);
	hash = role->rules_serial << 2 | match;
	if (rules_have_authid(role->rules)) {
		authid = &s->authid;
		hash ^= s->authid_hash;
	}
	if ((size_t)u->len + authid->len > KNOWN_TEXT)
		return (ask_rules(s, action, match, u));
	hash = hash_pair(hash_bytes(u->p, u->len), hash);
	k = &known[hash & (KNOWN_MAX - 1)];
	if (!is_known(k, hash, role->rules_serial, match, u, authid)) {
		k->hash = hash;
		k->serial = role->rules_serial;
		k->urilen = u->len;
		k->authidlen = authid->len;
		k->match = (uint8_t)match;
		k->asked = k->allowed = k->open = 0;
		memcpy(k->text, u->p, u->len);
		memcpy(k->text + u->len, authid->p, authid->len);
	} else if ((k->asked & action) != 0)
		return ((k->allowed & action) != 0 ? AUTHZ_ALLOW :
		    (k->open & action) != 0 ? AUTHZ_ASK : AUTHZ_DENY);
	v = ask_rules(s, action, match, u);
	k->asked |= (uint8_t)action;
	if (v == AUTHZ_ALLOW)
		k->allowed |= (uint8_t)action;
	else if (v == AUTHZ_ASK)
		k->open |= (uint8_t)action;
	return (v);
}

enum conf_disclose
role_discloses(const struct session *s, int is_call)
{
	const struct conf_role	*role = s->role->conf;
	const struct conf_realm	*realm = s->realm->conf;
	uint8_t			 mode;

	/* gone, and its sessions are about to be ended */
	if (role == NULL || realm == NULL)
		return (DISCLOSE_NEVER);
	mode = is_call ? role->disclose_caller : role->disclose_publisher;
	if (mode == DISCLOSE_UNSET)
		mode = is_call ? realm->disclose_caller :
		    realm->disclose_publisher;
	/* as with rules, an authorizer does not undo a no */
	if (mode == DISCLOSE_ASKED && s->is_disclosed)
		mode = DISCLOSE_ALWAYS;
	return ((enum conf_disclose)mode);
}
