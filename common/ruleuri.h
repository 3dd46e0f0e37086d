/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * URIs as rules have them: with {authid} and {authrole} in them.
 */
#ifndef WAMPD_RULEURI_H
#define WAMPD_RULEURI_H

#include <stddef.h>

#include "uri.h"

/*
 * What stands for {authid} once the rest is expanded: no URI, no pattern and
 * no role that is expanded can have it.
 */
#define RULEURI_AUTHID	'#'

enum ruleuri {
	RULEURI_OK,
	RULEURI_BRACE,		/* a brace that belongs to neither */
	RULEURI_PREFIX,		/* {authid} behind a prefix's last dot */
	RULEURI_TWICE,		/* {authid} twice in one component */
	RULEURI_ROLE,		/* {authrole} would be no component */
	RULEURI_PATTERN,	/* not by the rules, or too long */
	RULEURI_UTF8
};

/* What is wrong with it, as the URI of a rule of this role. */
enum ruleuri	 ruleuri_check(const struct uri *, enum uri_match,
		    enum uri_rules, const char *role);
/*
 * Put the role's name in, and RULEURI_AUTHID for {authid}.  Returns the
 * length, at most URI_MAXLEN, or -1.
 */
int		 ruleuri_expand(const struct uri *, const char *role,
		    char [URI_MAXLEN]);
/*
 * Put the authid in for RULEURI_AUTHID.  With authid NULL, a component that
 * has it becomes empty instead.  Returns the length, or -1: too long for any
 * URI.
 */
int		 ruleuri_fill(const struct uri *, const struct uri *authid,
		    char [URI_MAXLEN]);
/*
 * May it stand for a placeholder: one whole component of a URI, by the rules
 * and without control characters?
 */
int		 ruleuri_is_component(const struct uri *, enum uri_rules);

#endif /* WAMPD_RULEURI_H */
