/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The rules of a role, compiled: what they say of an action on a URI.  The
 * last rule that matches decides; nothing matches: denied.
 *
 * What is below "wamp." is the router's own, and to learn of others, or to
 * end them, is more than an operator means who allows everything.  So only
 * rules that speak of it count there: meta rules, of the URI's class, and
 * those whose own text begins with "wamp.".
 */
#ifndef WAMPD_RULES_H
#define WAMPD_RULES_H

#include "uri.h"

struct conf_role;
struct conf_rule;
struct rules;

/*
 * Compile.  The result points into the configuration, which must outlive it.
 * Fatal without memory.
 */
struct rules	*rules_new(const struct conf_role *, enum uri_rules);
void		 rules_free(struct rules *);	/* NULL ok */
/*
 * The class of an action on a reserved URI: ACTION_META_READ,
 * ACTION_META_WRITE, or 0, where a session deals with what is its own and the
 * rules count as for any URI.
 */
unsigned int	 rules_meta_class(unsigned int action, const struct uri *);
/* Does what they say depend on the authid? */
int		 rules_have_authid(const struct rules *);
/*
 * The rule that decides, or NULL: none matches.  action is one ACTION_*, the
 * URI a concrete one.
 *
 * An authid that cannot be a component of a URI by the realm's rules is put
 * in nowhere: rules that allow with {authid} do not match then, and rules
 * that deny match as if any component could stand there.
 */
const struct conf_rule	*rules_decide(const struct rules *,
			    unsigned int action, const struct uri *,
			    const struct uri *authid);
/*
 * The same for a pattern, to be subscribed or registered: it is allowed if
 * one rule allows all that it can match, and no later one denies any of it.
 * Takes longer the more rules there are that deny and come later.
 */
const struct conf_rule	*rules_decide_pattern(const struct rules *,
			    unsigned int action, const struct uri *,
			    enum uri_match, const struct uri *authid);

#endif /* WAMPD_RULES_H */
