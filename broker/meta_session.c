/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Session Meta API.
 */
#include <string.h>

#include "meta.h"
#include "mpcur.h"
#include "pubsub.h"

#define DETAILS_OCTETS	256	/* names and heads of the details */
#define EVENT_OCTETS	(DETAILS_OCTETS + 2 * AUTH_MAXNAME)

/* -- count, list -------------------------------------------------------- */

/* A list of strings, not too long; or not there. */
static enum wamp_err
filter_read(const struct val *filter, const char **why)
{
	struct val_iter	it;
	struct val	v;

	if (filter->type == VAL_NIL)
		return (WERR_NONE);
	*why = "filter_authroles has too many entries";
	if (filter->u.u > FILTER_MAX)
		return (WERR_INVALID_ARGUMENT);
	*why = "filter_authroles must be a list of strings";
	val_iter_init(&it, filter);
	while (mp_array_next(&it, &v))
		if (v.type != VAL_STR)
			return (WERR_INVALID_ARGUMENT);
	return (WERR_NONE);
}

static int
filter_has(const struct val *filter, const struct role *role)
{
	struct val_iter	it;
	struct val	v;
	size_t		len = strlen(role->name);

	if (role->is_gone)
		return (0);
	if (filter->type == VAL_NIL)
		return (1);
	val_iter_init(&it, filter);
	while (mp_array_next(&it, &v))
		if (v.slen == len && memcmp(v.str, role->name, len) == 0)
			return (1);
	return (0);
}

static uint32_t
members_count(const struct realm *r, const struct val *filter)
{
	struct role	*role;
	uint32_t	 n = 0;

	LIST_FOREACH(role, &r->roles, entry)
		if (filter_has(filter, role))
			n += members_of_role(role);
	return (n);
}

enum wamp_err
meta_session_count(struct meta *m, const char **why)
{
	enum wamp_err	err;

	if ((err = filter_read(&m->arg[0], why)) != WERR_NONE)
		return (err);
	return (meta_reply_uint(m, members_count(m->caller->realm,
	    &m->arg[0]), why));
}

enum wamp_err
meta_session_list(struct meta *m, const char **why)
{
	struct realm	*r = m->caller->realm;
	struct role	*role;
	struct session	*s;
	enum wamp_err	 err;
	uint32_t	 n;

	if ((err = filter_read(&m->arg[0], why)) != WERR_NONE)
		return (err);
	n = members_count(r, &m->arg[0]);
	if ((err = meta_room(m, (size_t)n * META_IDLEN, why)) != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	mpput_array(&m->out, n);
	LIST_FOREACH(role, &r->roles, entry)
		if (filter_has(&m->arg[0], role))
			LIST_FOREACH(s, &role->members, role_entry)
				if (!session_is_over(s))
					mpput_uint(&m->out, s->id);
	return (meta_reply(m, why));
}

/* -- get ---------------------------------------------------------------- */

/* Those that the router knows, and "more" will follow. */
static void
put_details(struct mpput *out, const struct session *s, uint32_t more)
{
	mpput_map(out, 5 + more);
	mpput_text(out, "session");
	mpput_uint(out, s->id);
	mpput_text(out, "authid");
	mpput_str(out, s->authid.p, s->authid.len);
	mpput_text(out, "authrole");
	mpput_text(out, s->role->name);
	mpput_text(out, "authmethod");
	mpput_text(out, wamp_auth_name(s->method));
	mpput_text(out, "authprovider");
	mpput_text(out, s->provider == AUTH_PROVIDER_DYNAMIC ? "dynamic" :
	    "static");
}

enum wamp_err
meta_session_get(struct meta *m, const char **why)
{
	const struct details	*d;
	const struct session	*s;
	enum wamp_err		 err;

	if ((s = meta_session(m, &m->arg[0])) == NULL) {
		*why = "no such session";
		return (WERR_NO_SUCH_SESSION);
	}
	d = s->details;
	err = meta_room(m, DETAILS_OCTETS + s->authid.len +
	    strlen(s->role->name) + (d == NULL ? 0 : d->len), why);
	if (err != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	put_details(&m->out, s, d == NULL ? 0 : d->n);
	if (d != NULL)
		mpput_raw(&m->out, d->octets, d->len);
	return (meta_reply(m, why));
}

/* -- events ------------------------------------------------------------- */

static int
is_told(const struct session *s)
{
	return (pubsub_is_watched(s->realm) &&
	    (s->kill == NULL || !s->kill->is_silent));
}

void
meta_joined(struct session *s)
{
	uint8_t		buf[EVENT_OCTETS];
	struct mpput	m;

	if (!is_told(s))
		return;
	mpput_init(&m, buf, sizeof(buf));
	mpput_array(&m, 1);
	put_details(&m, s, 0);
	pubsub_meta(s->realm, "wamp.session.on_join", m.p, m.len);
}

void
meta_left(struct session *s)
{
	uint8_t		buf[EVENT_OCTETS];
	struct mpput	m;

	if (!is_told(s))
		return;
	mpput_init(&m, buf, sizeof(buf));
	mpput_array(&m, 3);
	mpput_uint(&m, s->id);
	mpput_str(&m, s->authid.p, s->authid.len);
	mpput_text(&m, s->role->name);
	pubsub_meta(s->realm, "wamp.session.on_leave", m.p, m.len);
}
