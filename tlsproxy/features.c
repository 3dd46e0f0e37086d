/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The features that HELLO announces of a client's roles (WAMP, Feature
 * Announcement), as far as a router does anything else without them.
 * Other roles and other features are ignored (notes: T5).
 */
#include <string.h>

#include "tlsproxy.h"

struct feature {
	const char	*name;
	uint32_t	 bit;		/* FEAT_* */
};

/* What is only there with call canceling. */
#define NEEDS_CANCELING	(FEAT_CALLEE_PROGRESS | FEAT_CALLEE_PROGRESS_IN)

static const struct feature caller_features[] = {
	{ "progressive_call_invocations", FEAT_CALLER_PROGRESS_IN },
	{ "payload_passthru_mode", FEAT_CALLER_PPT },
	{ NULL, 0 }
};

/* The specification spells canceling both ways (notes: T74); the results
 * had another name once. */
static const struct feature callee_features[] = {
	{ "call_canceling", FEAT_CALLEE_CANCELING },
	{ "call_cancelling", FEAT_CALLEE_CANCELING },
	{ "call_timeout", FEAT_CALLEE_TIMEOUT },
	{ "progressive_call_results", FEAT_CALLEE_PROGRESS },
	{ "progressive_calls", FEAT_CALLEE_PROGRESS },
	{ "progressive_call_invocations", FEAT_CALLEE_PROGRESS_IN },
	{ "caller_identification", FEAT_CALLEE_CALLER },
	{ "call_trustlevels", FEAT_CALLEE_TRUST },
	{ "call_reroute", FEAT_CALLEE_REROUTE },
	{ "registration_revocation", FEAT_CALLEE_REVOCATION },
	{ "payload_passthru_mode", FEAT_CALLEE_PPT },
	{ NULL, 0 }
};

static const struct feature publisher_features[] = {
	{ "payload_passthru_mode", FEAT_PUBLISHER_PPT },
	{ NULL, 0 }
};

static const struct feature subscriber_features[] = {
	{ "payload_passthru_mode", FEAT_SUBSCRIBER_PPT },
	{ "publisher_identification", FEAT_SUBSCRIBER_PUBLISHER },
	{ "publication_trustlevels", FEAT_SUBSCRIBER_TRUST },
	{ "subscription_revocation", FEAT_SUBSCRIBER_REVOCATION },
	{ NULL, 0 }
};

static const struct {
	const char		*name;
	const struct feature	*features;
} roles[] = {
	{ "caller", caller_features },
	{ "callee", callee_features },
	{ "publisher", publisher_features },
	{ "subscriber", subscriber_features }
};

static int
is_dict(const struct val *v)
{
	return (v->type == VAL_MAP && val_map_check(v) == 0);
}

static const char *
features_of(const struct feature *known, const struct val *dict,
    uint32_t *bits)
{
	const struct feature	*f;
	struct val_iter		 it;
	struct val		 k, v;

	if (!is_dict(dict))
		return ("features of a role must be a dict");
	val_iter_init(&it, dict);
	while (val_map_next(&it, &k, &v)) {
		if (val_is_absent(&v))
			continue;
		for (f = known; f->name != NULL; f++)
			if (val_is(&k, f->name, strlen(f->name)))
				break;
		if (f->name == NULL)
			continue;
		if (v.type != VAL_BOOL)
			return ("a feature of a role must be a boolean");
		if (v.u.b)
			*bits |= f->bit;
	}
	return (NULL);
}

static const char *
role_read(const struct feature *known, const struct val *role, uint32_t *bits)
{
	struct val_iter	 it;
	struct val	 k, v;
	const char	*why = NULL;

	if (!is_dict(role))
		return ("a role must be a dict");
	val_iter_init(&it, role);
	while (why == NULL && val_map_next(&it, &k, &v))
		if (val_is(&k, "features", 8) && !val_is_absent(&v))
			why = features_of(known, &v, bits);
	return (why);
}

const char *
features_read(const struct val *dict, uint32_t *bits)
{
	struct val_iter	 it;
	struct val	 k, v;
	const char	*why = NULL;
	size_t		 i;

	*bits = 0;
	if (!is_dict(dict) || val_count(dict) == 0)
		return ("HELLO names no roles");
	val_iter_init(&it, dict);
	while (why == NULL && val_map_next(&it, &k, &v)) {
		if (val_is_absent(&v))
			continue;
		for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
			if (val_is(&k, roles[i].name, strlen(roles[i].name)))
				why = role_read(roles[i].features, &v, bits);
	}
	if ((*bits & FEAT_CALLEE_CANCELING) == 0)
		*bits &= ~(uint32_t)NEEDS_CANCELING;
	return (why);
}
