/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The statement "realm": who may join as what, and what roles may do.
 */
#include <sys/types.h>

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "parse.h"
#include "ruleuri.h"
#include "wamp.h"
#include "xmalloc.h"

void
realm_begin(const char *name)
{
	struct conf_realm	*r;
	struct uri		 u;

	parser.is_blocklost = 0;
	parser.blockseen = 0;
	u.p = name;
	u.len = (uint16_t)strlen(name);
	if (check_name("realm", name) == -1)
		parser.is_blocklost = 1;
	else if (!uri_is_valid(&u, URI_LOOSE)) {
		conf_error("realm %s: is no URI", parse_shown(name));
		parser.is_blocklost = 1;
	} else if ((r = conf_find_realm(parser.conf, name, u.len)) != NULL) {
		conf_error("realm %s: is already defined at %s:%d",
		    parse_shown(name), r->file, r->line);
		parser.is_blocklost = 1;
	} else if (parser.conf->nrealms >= CONF_MAXREALMS)
		conf_error("more than %d realms", CONF_MAXREALMS);
	r = conf_add_realm(parser.conf, name, u.len);
	r->file = parser.file;
	r->line = parser.line;
	parser.realm = r;
}

void
realm_uri(int strict)
{
	if (parse_once(&parser.blockseen, ONCE_URI, "uri"))
		parser.realm->strict_uris = (uint8_t)strict;
}

void
realm_ids(int strict)
{
	if (parse_once(&parser.blockseen, ONCE_IDS, "request ids"))
		parser.realm->loose_ids = !strict;
}

struct conf_auth *
auth_add(uint32_t method, int what, const char *role)
{
	struct conf_auth	*a;

	if (++parser.realm->nauths > CONF_MAXROLES)
		conf_error("realm %s: more than %d lines of authenticate",
		    parse_shown(parser.realm->name), CONF_MAXROLES);
	a = xcalloc(1, sizeof(*a));
	a->method = method;
	a->what = (uint8_t)what;
	a->role_name = role != NULL ? xstrdup(role) : NULL;
	a->file = parser.file;
	a->line = parser.line;
	TAILQ_INSERT_TAIL(&parser.realm->auths, a, entry);
	return (a);
}

void
auth_anonymous(const char *role)
{
	const struct conf_auth	*a;

	TAILQ_FOREACH(a, &parser.realm->auths, entry) {
		if (a->method == AUTH_ANONYMOUS) {
			conf_error("authenticate anonymous is given twice");
			return;
		}
	}
	auth_add(AUTH_ANONYMOUS, CONF_AUTH_ANYBODY, role);
}

/* One word of the list before "from". */
void
auth_method(uint32_t method, int is_first)
{
	size_t	i;

	if (is_first)
		parser.nmethods = 0;
	for (i = 0; i < parser.nmethods; i++) {
		if (parser.methods[i] == method) {
			conf_error("authenticate: %s is given twice",
			    wamp_auth_name(method));
			return;
		}
	}
	parser.methods[parser.nmethods++] = method;
}

void
auth_from(const char *path)
{
	struct conf_auth	*a, *other;
	struct conf_users	*u;
	size_t			 i;

	if (check_path("users file", path) == -1)
		return;
	u = conf_add_users(parser.conf, path, strlen(path));
	if (u->file == NULL) {
		u->file = parser.file;
		u->line = parser.line;
	}
	if (parser.conf->nusers > CONF_MAXUSERS)
		conf_error("more than %d users files", CONF_MAXUSERS);
	for (i = 0; i < parser.nmethods; i++) {
		TAILQ_FOREACH(other, &parser.realm->auths, entry)
			if (other->what == CONF_AUTH_USERS &&
			    other->users == u->id &&
			    other->method == parser.methods[i])
				conf_error("authenticate %s from %s: has a "
				    "line already at %s:%d",
				    wamp_auth_name(other->method),
				    parse_shown(path), other->file,
				    other->line);
		a = auth_add(parser.methods[i], CONF_AUTH_USERS, NULL);
		a->users = u->id;
	}
}

static int
auth_socket_lookup(int what, const char *name, uint32_t *id)
{
	const struct passwd	*pw;
	const struct group	*gr;

	if (what == CONF_AUTH_USER) {
		if ((pw = getpwnam(name)) != NULL) {
			*id = pw->pw_uid;
			return (0);
		}
		conf_error("user %s: there is no such user", parse_shown(name));
	} else {
		if ((gr = getgrnam(name)) != NULL) {
			*id = gr->gr_gid;
			return (0);
		}
		conf_error("group %s: there is no such group",
		    parse_shown(name));
	}
	return (-1);
}

/* The first line that fits decides: one that never can is a slip. */
static void
auth_socket_check(int what, uint32_t id)
{
	const struct conf_auth	*a;

	TAILQ_FOREACH(a, &parser.realm->auths, entry) {
		if (a->method != AUTH_SOCKET)
			continue;
		if (a->what == CONF_AUTH_ANYBODY) {
			conf_error("never decides: \"any\" stands before it at "
			    "%s:%d", a->file, a->line);
			return;
		}
		if (a->what != what || a->id != id)
			continue;
		conf_error("%s %s: has a line already at %s:%d",
		    what == CONF_AUTH_USER ? "user" : "group",
		    parse_shown(a->name), a->file, a->line);
		return;
	}
}

/* name is NULL for CONF_AUTH_ANYBODY. */
void
auth_socket(int what, const char *name, const char *authid, const char *role)
{
	struct conf_auth	*a;
	uint32_t		 id = 0;

	if (authid != NULL && check_name("authid", authid) == -1)
		authid = NULL;
	if (what == CONF_AUTH_ANYBODY ||
	    auth_socket_lookup(what, name, &id) == 0)
		auth_socket_check(what, id);
	else
		id = UINT32_MAX;
	a = auth_add(AUTH_SOCKET, what, role);
	a->id = id;
	if (name != NULL)
		a->name = xstrdup(name);
	if (authid != NULL)
		a->authid = xstrdup(authid);
}

void
role_begin(const char *name)
{
	struct conf_role	*ro;

	if (check_name("role", name) == 0) {
		if ((ro = conf_find_role(parser.realm, name)) != NULL)
			conf_error("role %s: is already defined at %s:%d",
			    parse_shown(name), ro->file, ro->line);
		else if (parser.realm->nroles >= CONF_MAXROLES)
			conf_error("more than %d roles", CONF_MAXROLES);
	}
	ro = conf_add_role(parser.realm, name, strlen(name));
	ro->file = parser.file;
	ro->line = parser.line;
	parser.role = ro;
	parser.roleseen = 0;
}

/* match -1: no URI was given. */
void
role_rule(int allow, uint32_t actions, int match, const char *uri)
{
	struct conf_rule	*ru;

	ru = xcalloc(1, sizeof(*ru));
	ru->allow = (uint8_t)allow;
	ru->actions = (uint8_t)actions;
	ru->anyuri = match == -1;
	ru->match = match == -1 ? MATCH_EXACT : (uint8_t)match;
	ru->uri = xstrdup(uri != NULL ? uri : "");
	ru->urilen = (uint16_t)strlen(ru->uri);
	ru->file = parser.file;
	ru->line = parser.line;
	TAILQ_INSERT_TAIL(&parser.role->rules, ru, entry);
}

/* "uri strict" may come after the roles: so it is the realm's end. */
static void
rule_check(const struct conf_realm *r, const struct conf_role *ro,
    const struct conf_rule *ru)
{
	static const char *const kinds[MATCH_MAX] = {
		"URI", "prefix", "wildcard pattern"
	};
	const char		*shown, *strictly;
	struct uri		 u = { ru->uri, ru->urilen };

	if (ru->anyuri)
		return;
	shown = parse_shown(ru->uri);
	strictly = r->strict_uris ? " by strict rules" : "";
	switch (ruleuri_check(&u, (enum uri_match)ru->match,
	    r->strict_uris ? URI_STRICT : URI_LOOSE, ro->name)) {
	case RULEURI_OK:
		break;
	case RULEURI_BRACE:
		conf_error_at(ru->file, ru->line, "%s: braces are for {authid} "
		    "and {authrole} only", shown);
		break;
	case RULEURI_PREFIX:
		conf_error_at(ru->file, ru->line, "%s: a dot must follow "
		    "{authid}: the prefix would match longer authids", shown);
		break;
	case RULEURI_TWICE:
		conf_error_at(ru->file, ru->line, "%s: {authid} is twice in "
		    "one component", shown);
		break;
	case RULEURI_ROLE:
		conf_error_at(ru->file, ru->line, "%s: the role's name %s is "
		    "no component of a URI%s", shown, parse_shown(ro->name),
		    strictly);
		break;
	case RULEURI_PATTERN:
		conf_error_at(ru->file, ru->line, "%s: is no %s%s", shown,
		    kinds[ru->match], strictly);
		break;
	case RULEURI_UTF8:
		conf_error_at(ru->file, ru->line, "%s: is not UTF-8", shown);
		break;
	}
}

void
realm_end(void)
{
	struct conf_realm	*r = parser.realm;
	const struct conf_auth	*a;
	const struct conf_role	*ro;
	const struct conf_rule	*ru;

	TAILQ_FOREACH(ro, &r->roles, entry)
		TAILQ_FOREACH(ru, &ro->rules, entry)
			rule_check(r, ro, ru);
	history_check(r);
	if (parser.is_blocklost)
		return;
	realm_check_dynamic(r);
	if (TAILQ_EMPTY(&r->auths))
		conf_error_at(r->file, r->line, "realm %s: no authenticate: "
		    "nobody could join", parse_shown(r->name));
	if (TAILQ_EMPTY(&r->roles)) {
		conf_error_at(r->file, r->line, "realm %s: no role",
		    parse_shown(r->name));
		return;
	}
	TAILQ_FOREACH(a, &r->auths, entry)
		if (a->role_name != NULL &&
		    conf_find_role(r, a->role_name) == NULL)
			conf_error_at(a->file, a->line, "role %s is not "
			    "defined in this realm", parse_shown(a->role_name));
}
