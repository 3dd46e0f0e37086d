/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Registration Meta API.
 */
#include "dealer.h"
#include "isotime.h"
#include "meta.h"
#include "pubsub.h"

#define DETAILS_OCTETS	128	/* names, heads, numbers of the details */

static void
put_registration(struct mpput *out, const struct registration *reg)
{
	char	created[ISOTIME_LEN + 1];

	isotime(created, reg->created);
	mpput_map(out, 5);
	mpput_text(out, "id");
	mpput_uint(out, reg->id);
	mpput_text(out, "created");
	mpput_text(out, created);
	mpput_text(out, "uri");
	mpput_str(out, reg->procedure.p, reg->procedure.len);
	mpput_text(out, "match");
	mpput_text(out, meta_match_name(reg->match));
	mpput_text(out, "invoke");
	mpput_text(out, invoke_name((enum invoke_policy)reg->invoke));
}

/* -- events ------------------------------------------------------------- */

/* Of a session, and of a registration by its id. */
static void
reg_tell(struct session *s, const char *topic, uint64_t reg)
{
	uint8_t		buf[1 + 2 * META_IDLEN];
	struct mpput	m;

	mpput_init(&m, buf, sizeof(buf));
	mpput_array(&m, 2);
	mpput_uint(&m, s->id);
	mpput_uint(&m, reg);
	pubsub_meta(s->realm, topic, m.p, m.len);
}

void
meta_registered(struct session *s, const struct registration *reg,
    int is_first)
{
	uint8_t		buf[DETAILS_OCTETS + URI_MAXLEN];
	struct mpput	m;

	if (!pubsub_is_watched(s->realm))
		return;
	if (is_first) {
		mpput_init(&m, buf, sizeof(buf));
		mpput_array(&m, 2);
		mpput_uint(&m, s->id);
		put_registration(&m, reg);
		pubsub_meta(s->realm, "wamp.registration.on_create", m.p,
		    m.len);
	}
	reg_tell(s, "wamp.registration.on_register", reg->id);
}

void
meta_unregistered(struct session *s, uint64_t reg, int is_last)
{
	if (!pubsub_is_watched(s->realm))
		return;
	reg_tell(s, "wamp.registration.on_unregister", reg);
	if (is_last)
		reg_tell(s, "wamp.registration.on_delete", reg);
}

/* -- list, lookup, match ------------------------------------------------ */

enum wamp_err
meta_registration_list(struct meta *m, const char **why)
{
	const struct realm		*r = m->caller->realm;
	const struct registration	*reg;
	enum wamp_err			 err;
	size_t				 n = 0;
	unsigned int			 i;

	for (i = 0; i < MATCH_MAX; i++)
		n += r->nregs[i];
	if ((err = meta_room(m, n * META_IDLEN, why)) != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	mpput_map(&m->out, MATCH_MAX);
	for (i = 0; i < MATCH_MAX; i++) {
		mpput_text(&m->out, meta_match_name(i));
		mpput_array(&m->out, r->nregs[i]);
		TAILQ_FOREACH(reg, &r->regs[i], realm_entry)
			mpput_uint(&m->out, reg->id);
	}
	return (meta_reply(m, why));
}

enum wamp_err
meta_registration_lookup(struct meta *m, const char **why)
{
	const struct registration	*reg = NULL;
	enum uri_match			 match;
	struct uri			 u;
	enum wamp_err			 err;

	if ((err = meta_match(&m->arg[1], &match, why)) != WERR_NONE)
		return (err);
	if (meta_uri(&m->arg[0], &u) == 0)
		reg = reg_find(m->caller->realm, match, &u);
	return (meta_reply_id(m, reg == NULL ? 0 : reg->id, why));
}

enum wamp_err
meta_registration_match(struct meta *m, const char **why)
{
	const struct registration	*reg = NULL;
	struct uri			 u;

	/* patterns match none of the router's own */
	if (meta_uri(&m->arg[0], &u) == 0 && uri_is_valid(&u, URI_LOOSE) &&
	    !uri_is_reserved(&u))
		reg = reg_match(m->caller->realm, &u);
	return (meta_reply_id(m, reg == NULL ? 0 : reg->id, why));
}

/* -- of one ------------------------------------------------------------- */

static struct registration *
reg_asked(const struct meta *m, const char **why)
{
	*why = "no such registration";
	return (reg_find_id(m->caller->realm, m->arg[0].u.u));
}

enum wamp_err
meta_registration_get(struct meta *m, const char **why)
{
	const struct registration	*reg;
	enum wamp_err			 err;

	if ((reg = reg_asked(m, why)) == NULL)
		return (WERR_NO_SUCH_REGISTRATION);
	err = meta_room(m, DETAILS_OCTETS + reg->procedure.len, why);
	if (err != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	put_registration(&m->out, reg);
	return (meta_reply(m, why));
}

/* Those whose sessions are about to end do not count. */
static uint32_t
callees(const struct registration *reg)
{
	const struct callee	*cl;
	uint32_t		 n = 0;

	if (!sessions_are_over())
		return (reg->ncallees);
	TAILQ_FOREACH(cl, &reg->callees, entry)
		if (!session_is_over(cl->session))
			n++;
	return (n);
}

enum wamp_err
meta_registration_list_callees(struct meta *m, const char **why)
{
	const struct registration	*reg;
	const struct callee		*cl;
	enum wamp_err			 err;
	uint32_t			 n;

	if ((reg = reg_asked(m, why)) == NULL)
		return (WERR_NO_SUCH_REGISTRATION);
	n = callees(reg);
	if ((err = meta_room(m, (size_t)n * META_IDLEN, why)) != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	mpput_array(&m->out, n);
	TAILQ_FOREACH(cl, &reg->callees, entry)
		if (!session_is_over(cl->session))
			mpput_uint(&m->out, cl->session->id);
	return (meta_reply(m, why));
}

enum wamp_err
meta_registration_count_callees(struct meta *m, const char **why)
{
	const struct registration	*reg;

	if ((reg = reg_asked(m, why)) == NULL)
		return (WERR_NO_SUCH_REGISTRATION);
	return (meta_reply_uint(m, callees(reg), why));
}

enum wamp_err
meta_registration_remove_callee(struct meta *m, const char **why)
{
	const struct registration	*reg;
	const struct session		*s;
	struct callee			*cl;
	const char			*reason;
	size_t				 len;
	enum wamp_err			 err;

	if ((err = meta_reason(m, &reason, &len, why)) != WERR_NONE)
		return (err);
	if ((reg = reg_asked(m, why)) == NULL)
		return (WERR_NO_SUCH_REGISTRATION);
	*why = "no such session has that registration";
	if ((s = meta_session(m, &m->arg[1])) == NULL ||
	    (cl = callee_find(s, reg->id)) == NULL)
		return (WERR_NO_SUCH_SESSION);
	if ((err = meta_reply(m, why)) == WERR_NONE)
		dealer_revoke(cl, reason, len);
	return (err);
}
