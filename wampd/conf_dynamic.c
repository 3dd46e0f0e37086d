/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Procedures that the router itself calls to decide something: "authenticate
 * ... dynamic", "authorize dynamic".  Whoever serves one decides for others, so a role must be
 * trusted with exactly it.
 */
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "wamp.h"
#include "xmalloc.h"

void
dynamic_begin(const char *procedure)
{
	struct conf_dynamic	*d = &parser.dynamic;

	free(d->procedure);
	free(d->realm);
	memset(d, 0, sizeof(*d));
	d->procedure = xstrdup(procedure);
	d->timeout = DYNAMIC_TIMEOUT;
	d->file = parser.file;
	d->line = parser.line;
	parser.has_cache = parser.has_timeout = 0;
}

void
dynamic_cache(const char *text)
{
	if (parser.has_cache++)
		conf_error("cache is given twice");
	else
		get_time("cache", text, 1, 24 * 3600 * 1000,
		    &parser.dynamic.cache);
}

void
dynamic_timeout(const char *text)
{
	if (parser.has_timeout++)
		conf_error("timeout is given twice");
	else
		get_time("timeout", text, 100, 600 * 1000,
		    &parser.dynamic.timeout);
}

void
dynamic_realm(const char *name)
{
	if (parser.dynamic.realm != NULL)
		conf_error("realm is given twice");
	else
		parser.dynamic.realm = xstrdup(name);
}

/* A procedure may be named for several methods, for each once. */
static void
auth_dynamic_method(uint32_t method)
{
	const struct conf_dynamic	*d = &parser.dynamic;
	const struct conf_auth		*other;
	struct conf_auth		*a;

	if (method != AUTH_TICKET && method != AUTH_WAMPCRA &&
	    method != AUTH_CRYPTOSIGN) {
		conf_error("authenticate %s dynamic: there is no such thing",
		    wamp_auth_name(method));
		return;
	}
	TAILQ_FOREACH(other, &parser.realm->auths, entry)
		if (other->what == CONF_AUTH_DYNAMIC &&
		    other->method == method) {
			conf_error("authenticate %s dynamic: has a line "
			    "already at %s:%d", wamp_auth_name(method),
			    other->file, other->line);
			return;
		}
	a = auth_add(method, CONF_AUTH_DYNAMIC, NULL);
	a->dynamic = *d;
	a->dynamic.procedure = xstrdup(d->procedure);
	if (d->realm != NULL)
		a->dynamic.realm = xstrdup(d->realm);
}

void
auth_dynamic(void)
{
	size_t	i;

	for (i = 0; i < parser.nmethods; i++)
		auth_dynamic_method(parser.methods[i]);
}

void
role_authorize(void)
{
	struct conf_dynamic	*d = &parser.role->authorizer;

	if (d->procedure != NULL) {
		conf_error("authorize is given already at %s:%d", d->file,
		    d->line);
		return;
	}
	*d = parser.dynamic;
	memset(&parser.dynamic, 0, sizeof(parser.dynamic));
}

static int
is_procedure(const struct conf_realm *r, const struct conf_dynamic *d)
{
	struct uri	u;

	u.p = d->procedure;
	u.len = (uint16_t)strlen(d->procedure);
	if (strlen(d->procedure) > URI_MAXLEN || !uri_is_valid(&u,
	    r->strict_uris ? URI_STRICT : URI_LOOSE) || !uri_is_utf8(&u))
		conf_error_at(d->file, d->line, "%s: is no URI%s",
		    parse_shown(d->procedure),
		    r->strict_uris ? " by strict rules" : "");
	else if (uri_is_reserved(&u))
		conf_error_at(d->file, d->line, "%s: procedures below wamp. "
		    "are the router's", parse_shown(d->procedure));
	else
		return (1);
	return (0);
}

/* Somebody must be trusted with it, or it is never there. */
static void
check_trusted(const struct conf_realm *r, const struct conf_dynamic *d)
{
	const struct conf_role	*ro;
	struct uri		 u;

	u.p = d->procedure;
	u.len = (uint16_t)strlen(d->procedure);
	TAILQ_FOREACH(ro, &r->roles, entry)
		if (conf_role_trusts(ro, &u))
			return;
	conf_error_at(d->file, d->line, "%s: no role of realm %s may serve "
	    "it: one needs the rule \"allow register exact\" with this URI",
	    parse_shown(d->procedure), parse_shown(r->name));
}

static void
ask(struct conf_realm *r, const struct conf_dynamic *d)
{
	const struct conf_str	*s;

	TAILQ_FOREACH(s, &r->asked, entry)
		if (strcmp(s->s, d->procedure) == 0)
			return;
	conf_add_str(&r->asked, d->procedure, strlen(d->procedure));
	check_trusted(r, d);
}

/* At the realm's end: "uri strict" and the roles may come after. */
void
realm_check_dynamic(struct conf_realm *r)
{
	const struct conf_dynamic	*d;
	const struct conf_role		*ro;
	struct uri			 u;

	TAILQ_FOREACH(ro, &r->roles, entry) {
		d = &ro->authorizer;
		if (d->procedure == NULL || !is_procedure(r, d))
			continue;
		ask(r, d);
		u.p = d->procedure;
		u.len = (uint16_t)strlen(d->procedure);
		if (conf_role_trusts(ro, &u))
			conf_error_at(d->file, d->line, "role %s serves %s: "
			    "it would be asked about itself",
			    parse_shown(ro->name), parse_shown(d->procedure));
	}
}

/* Realms may name each other. */
void
conf_check_dynamic(void)
{
	const struct conf_dynamic	*d;
	const struct conf_auth		*a;
	struct conf_realm		*r, *where;

	TAILQ_FOREACH(r, &parser.conf->realms, entry)
	TAILQ_FOREACH(a, &r->auths, entry) {
		d = &a->dynamic;
		where = r;
		if (d->procedure == NULL)
			continue;
		if (d->realm != NULL)
			where = conf_find_realm(parser.conf, d->realm,
			    strlen(d->realm));
		if (where == NULL && !parser.is_lost)
			conf_error_at(d->file, d->line, "realm %s is not "
			    "defined", parse_shown(d->realm));
		if (where != NULL && is_procedure(where, d))
			ask(where, d);
	}
}
