/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the role of a session permits.  The last rule that matches decides;
 * nothing matches: denied.  An empty role permits nothing.
 */
#include <stdlib.h>

#include "broker.h"
#include "conf.h"
#include "xmalloc.h"

/* The URIs stay the configuration's, which lives until the next is loaded. */
void
authz_load(struct role *role, const struct conf_role *conf)
{
	const struct conf_rule	*c;
	struct rule		*r;
	size_t			 n = 0;

	authz_free(role);
	TAILQ_FOREACH(c, &conf->rules, entry)
		n++;
	if (n == 0)
		return;
	role->rules = xcalloc(n, sizeof(*role->rules));
	TAILQ_FOREACH(c, &conf->rules, entry) {
		r = &role->rules[role->nrules++];
		r->uri.p = c->uri;
		r->uri.len = c->urilen;
		r->allow = c->allow;
		r->actions = c->actions;
		r->match = c->match;
		r->anyuri = c->anyuri;
	}
}

void
authz_free(struct role *role)
{
	free(role->rules);
	role->rules = NULL;
	role->nrules = 0;
}

/*
 * For a URI that is a concrete one.  A pattern would have to lie within the
 * rule that decides (uri_covers(), threats: lesson 9); there are none yet.
 */
int
authz_allows(const struct role *role, unsigned int action,
    const struct uri *u)
{
	const struct rule	*r;
	size_t			 i;

	for (i = role->nrules; i > 0; i--) {
		r = &role->rules[i - 1];
		if ((r->actions & action) != 0 && (r->anyuri ||
		    uri_matches(&r->uri, (enum uri_match)r->match, u)))
			return (r->allow);
	}
	return (0);
}
