/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Session Meta API: to end sessions of the caller's realm, other than
 * its own.  One ends at once, many in slices (sessions_recheck()); they are
 * members no more from the beginning.
 */
#include <stdlib.h>
#include <string.h>

#include "meta.h"

void
kill_unref(struct kill *k)
{
	if (k == NULL || --k->refs > 0)
		return;
	state_give(sizeof(*k) + k->reason.len + k->textlen);
	free(k);
}

/* From the keywords reason and message; WERR_NONE, or what to answer. */
static enum wamp_err
kill_new(const struct meta *m, struct kill **kp, const char **why)
{
	const struct val	*reason = &m->kw[0], *message = &m->kw[1];
	struct uri		 u = { "", 0 };
	struct kill		*k;
	size_t			 len = 0;

	if (reason->type != VAL_NIL) {
		*why = "reason is not a URI";
		if (meta_uri(reason, &u) == -1 ||
		    !uri_is_valid(&u, URI_LOOSE))
			return (WERR_INVALID_URI);
	}
	if (message->type != VAL_NIL && (len = message->slen) >
	    REASON_MAXLEN) {
		*why = "message is too long";
		return (WERR_INVALID_ARGUMENT);
	}
	*why = "the router has no room for it";
	if (state_take(sizeof(*k) + u.len + len) == -1)
		return (WERR_LIMIT);
	if ((k = calloc(1, sizeof(*k) + u.len + len)) == NULL) {
		state_give(sizeof(*k) + u.len + len);
		return (WERR_LIMIT);
	}
	k->refs = 1;
	k->reason.p = k->text;
	k->reason.len = u.len;
	memcpy(k->text, u.p, u.len);
	k->message = k->text + u.len;
	k->textlen = (uint16_t)len;
	if (len > 0)
		memcpy(k->message, message->str, len);
	*kp = k;
	return (WERR_NONE);
}

/* There is room for this one always. */
int
kill_for_admin(struct session *s)
{
	static char		text[] = "ended by the administrator";
	static struct kill	k = { .refs = 1, .reason = { "", 0 },
				    .textlen = sizeof(text) - 1,
				    .message = text };

	if (session_is_over(s))
		return (0);
	session_kill(s, &k);
	return (1);
}

enum wamp_err
meta_session_kill(struct meta *m, const char **why)
{
	struct session	*s;
	struct kill	*k;
	enum wamp_err	 err;

	s = meta_session(m, &m->arg[0]);
	if (s == NULL || s == m->caller) {
		*why = "no such session";
		return (WERR_NO_SUCH_SESSION);
	}
	if ((err = kill_new(m, &k, why)) != WERR_NONE)
		return (err);
	if ((err = meta_reply(m, why)) == WERR_NONE) {
		session_kill(s, k);
		session_hurry(s);
	}
	kill_unref(k);
	return (err);
}

/* RESULT with the ids of the sessions. */
static enum wamp_err
reply_others(struct meta *m, const struct identity *ident, const char **why)
{
	const struct session	*s;
	enum wamp_err		 err;
	uint32_t		 n = 0;

	if (ident != NULL)
		n = members_of_identity(ident) -
		    (m->caller->identity == ident);
	err = meta_room(m, (size_t)n * META_IDLEN, why);
	if (err != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	mpput_array(&m->out, n);
	if (n > 0)
		LIST_FOREACH(s, &ident->members, identity_entry)
			if (s != m->caller && !session_is_over(s))
				mpput_uint(&m->out, s->id);
	return (meta_reply(m, why));
}

enum wamp_err
meta_session_kill_by_authid(struct meta *m, const char **why)
{
	struct identity	*ident;
	struct session	*s, *next;
	struct kill	*k;
	enum wamp_err	 err;

	if ((err = kill_new(m, &k, why)) != WERR_NONE)
		return (err);
	ident = identity_find(m->caller->realm, m->arg[0].str,
	    m->arg[0].slen);
	err = reply_others(m, ident, why);
	/* it is freed with its last member */
	s = err != WERR_NONE || ident == NULL ? NULL :
	    LIST_FIRST(&ident->members);
	for (; s != NULL; s = next) {
		next = LIST_NEXT(s, identity_entry);
		if (s != m->caller)
			session_kill(s, k);
	}
	kill_unref(k);
	return (err);
}

static void
role_kill(struct role *role, const struct session *caller, struct kill *k)
{
	struct session	*s, *next;

	for (s = LIST_FIRST(&role->members); s != NULL; s = next) {
		next = LIST_NEXT(s, role_entry);
		if (s != caller)
			session_kill(s, k);
	}
}

static int
role_is(const struct role *role, const struct val *name)
{
	return (strlen(role->name) == name->slen &&
	    memcmp(role->name, name->str, name->slen) == 0);
}

/* Of one role, or of all (name is NULL). */
static enum wamp_err
kill_roles(struct meta *m, const struct val *name, const char **why)
{
	struct role	*role;
	struct kill	*k;
	enum wamp_err	 err;
	uint64_t	 n = 0;

	if ((err = kill_new(m, &k, why)) != WERR_NONE)
		return (err);
	/* WAMP, wamp.session.kill_all: no session meta events, testaments */
	k->is_silent = name == NULL;
	LIST_FOREACH(role, &m->caller->realm->roles, entry)
		if (name == NULL || role_is(role, name))
			n += members_of_role(role) -
			    (role == m->caller->role);
	if ((err = meta_reply_uint(m, n, why)) == WERR_NONE)
		LIST_FOREACH(role, &m->caller->realm->roles, entry)
			if (name == NULL || role_is(role, name))
				role_kill(role, m->caller, k);
	kill_unref(k);
	return (err);
}

enum wamp_err
meta_session_kill_by_authrole(struct meta *m, const char **why)
{
	return (kill_roles(m, &m->arg[0], why));
}

enum wamp_err
meta_session_kill_all(struct meta *m, const char **why)
{
	return (kill_roles(m, NULL, why));
}
