/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wamp.session.modify_details: what others say of a session, and
 * wamp.session.get shows.  It is kept as pairs in MessagePack.
 */
#include <stdlib.h>
#include <string.h>

#include "dynamic.h"
#include "meta.h"
#include "mpcur.h"

#define DETAILS_MAX	(16 * 1024)	/* octets of a session's */
#define DETAILS_MAXKEYS	256

void
details_free(struct details *d)
{
	if (d == NULL)
		return;
	state_give(sizeof(*d) + d->len);
	free(d);
}

/* Those that the router itself says. */
static int
is_router_key(const struct val *key)
{
	static const char *const	names[] = {
		"session", "authid", "authrole", "authmethod",
		"authprovider", "transport"
	};
	size_t				i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (rcall_key_is(key, names[i]))
			return (1);
	return (0);
}

static int
delta_is_ok(const struct val *delta, const char **why)
{
	struct val_iter	it;
	struct val	k, v;

	*why = "the details are too many or too long";
	if (delta->u.u > DETAILS_MAXKEYS || delta->slen > DETAILS_MAX)
		return (0);
	val_iter_init(&it, delta);
	while (mp_map_next(&it, &k, &v)) {
		*why = "the names of details must be strings";
		if (k.type != VAL_STR)
			return (0);
		*why = "the router itself says these details";
		if (is_router_key(&k))
			return (0);
	}
	return (1);
}

/* Is the key among the pairs that the iterator has not seen yet? */
static int
is_among(struct val_iter it, const struct val *key)
{
	struct val	k, v;

	while (mp_map_next(&it, &k, &v))
		if (k.slen == key->slen &&
		    memcmp(k.str, key->str, k.slen) == 0)
			return (1);
	return (0);
}

/* Add the pairs of "it" that are not nil, nor among those of "later". */
static uint32_t
pairs_add(struct mpput *out, struct val_iter it,
    const struct val_iter *later)
{
	struct val	k, v;
	uint32_t	n = 0;

	while (mp_map_next(&it, &k, &v)) {
		if (v.type == VAL_NIL ||
		    is_among(later == NULL ? it : *later, &k))
			continue;
		mpput_raw(out, k.p, k.len);
		mpput_raw(out, v.p, v.len);
		n++;
	}
	return (n);
}

static void
details_iter(struct val_iter *it, const struct details *d)
{
	memset(it, 0, sizeof(*it));
	if (d == NULL)
		return;
	it->p = d->octets;
	it->end = d->octets + d->len;
	it->left = d->n;
	it->ser = SER_MSGPACK;
}

enum wamp_err
meta_session_modify_details(struct meta *m, const char **why)
{
	uint8_t		 buf[2 * DETAILS_MAX];
	struct session	*s;
	struct details	*d;
	struct val_iter	 old, new;
	struct mpput	 out;
	uint32_t	 n;

	if ((s = meta_session(m, &m->arg[0])) == NULL) {
		*why = "no such session";
		return (WERR_NO_SUCH_SESSION);
	}
	if (!delta_is_ok(&m->arg[1], why))
		return (WERR_INVALID_ARGUMENT);
	mpput_init(&out, buf, sizeof(buf));
	details_iter(&old, s->details);
	val_iter_init(&new, &m->arg[1]);
	n = pairs_add(&out, old, &new);
	n += pairs_add(&out, new, NULL);
	if (n > DETAILS_MAXKEYS || out.len > DETAILS_MAX) {
		*why = "the details would be too many or too long";
		return (WERR_INVALID_ARGUMENT);
	}
	*why = "the router has no room for the details";
	if (state_take(sizeof(*d) + out.len) == -1)
		return (WERR_LIMIT);
	if ((d = malloc(sizeof(*d) + out.len)) == NULL) {
		state_give(sizeof(*d) + out.len);
		return (WERR_LIMIT);
	}
	d->n = n;
	d->len = (uint32_t)out.len;
	memcpy(d->octets, buf, out.len);
	details_free(s->details);
	s->details = d;
	return (meta_reply(m, why));
}
