/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * REGISTER and UNREGISTER, registrations that end otherwise, and what
 * becomes of calls when a session leaves.
 */
#include <string.h>

#include "broker.h"
#include "conf.h"
#include "dealer.h"
#include "dynamic.h"
#include "meta.h"

/* -- REGISTER ----------------------------------------------------------- */

/* Why a session may not register that, or WERR_NONE. */
static enum wamp_err
register_may(struct session *s, const struct m_register *m,
    const struct uri *procedure, const char **why)
{
	enum uri_match	match = (enum uri_match)m->match;

	if (uri_pattern_is_reserved(procedure, match)) {
		*why = "procedures below wamp. are the router's";
		return (WERR_INVALID_URI);
	}
	/* who serves it decides for others */
	if (!role_may_serve(s->role, s->realm, match, procedure)) {
		*why = "not allowed";
		return (WERR_NOT_AUTHORIZED);
	}
	return (session_may(s, ACTION_REGISTER, match, procedure, why));
}

static void	unregister(struct callee *);

/* The registration there is, unless those who hold it are about to end. */
static struct registration *
reg_find_alive(const struct realm *r, enum uri_match match,
    const struct uri *procedure)
{
	struct registration	*reg;
	struct callee		*cl;

	while ((reg = reg_find(r, match, procedure)) != NULL) {
		cl = TAILQ_FIRST(&reg->callees);
		if (!session_is_over(cl->session))
			break;
		unregister(cl);
	}
	return (reg);
}

static void
registered(struct session *s, uint64_t request, const struct registration *reg)
{
	struct m_registered	m;

	m.request = request;
	m.registration = reg->id;
	session_send(s, IMSG_REGISTERED, &m, sizeof(m));
}

/* NULL: no memory. */
static struct registration *
reg_get(struct session *s, const struct m_register *m,
    const struct uri *procedure, struct registration *reg)
{
	if (reg == NULL && (reg = reg_new(s->realm, (enum uri_match)m->match,
	    (enum invoke_policy)m->invoke, procedure)) == NULL)
		return (NULL);
	if (callee_add(s, reg, m->concurrency, m->flags) == NULL) {
		reg_put(reg);
		return (NULL);
	}
	return (reg);
}

/*
 * force_reregister: from all who hold it.  The reason is a URI: for one that
 * is none, Autobahn|Python ends its session.
 */
static void
reg_revoke(struct registration *reg)
{
	static const char	 why[] = "wampd.another_callee_took_over";
	struct callee		*cl;
	uint32_t		 n;

	for (n = reg->ncallees; n > 0; n--) {
		cl = TAILQ_FIRST(&reg->callees);
		dealer_revoke(cl, why, sizeof(why) - 1);
	}
}

int
dealer_register(struct chan *c, struct imsg *im)
{
	struct m_register	 m;
	struct uri		 procedure;
	struct session		*s;
	struct registration	*reg;
	enum wamp_err		 err;
	const char		*why;
	int			 force, is_first;

	if (parse_register(im, &m, &procedure) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	err = register_may(s, &m, &procedure, &why);
	if (err == WERR_WAIT)
		return (authorizer_hold(s, im));
	if (err != WERR_NONE)
		goto refuse;
	force = (m.flags & REGISTER_FORCE) != 0;
	reg = reg_find_alive(s->realm, (enum uri_match)m.match, &procedure);
	if (reg != NULL && !force) {
		err = WERR_PROCEDURE_ALREADY_EXISTS;
		if (reg->invoke == INVOKE_SINGLE) {
			why = "the procedure is registered already";
			goto refuse;
		}
		if (reg->invoke != m.invoke) {
			why = "the procedure is registered with another "
			    "invocation policy";
			goto refuse;
		}
		/* it holds it, and gets no second share */
		if (callee_find(s, reg->id) != NULL) {
			registered(s, m.request, reg);
			return (0);
		}
	}
	err = WERR_LIMIT;
	if (s->nregs >= broker.conf->limits.registrations) {
		session_exceeds(s, LIMIT_REGISTRATIONS);
		why = "too many registrations of this session";
		goto refuse;
	}
	if (reg != NULL && force) {
		reg_revoke(reg);
		reg = NULL;
	}
	is_first = reg == NULL;
	if ((reg = reg_get(s, &m, &procedure, reg)) == NULL) {
		why = "the router has no room for another registration";
		goto refuse;
	}
	registered(s, m.request, reg);
	meta_registered(s, reg, is_first);
	return (0);
refuse:
	session_refuse(s, WAMP_REGISTER, m.request, err, why);
	return (0);
}

/* -- the end of registrations ------------------------------------------- */

/* Calls under way go on: only new ones come no more. */
static void
unregister(struct callee *cl)
{
	struct registration	*reg = cl->reg;
	struct session		*s = cl->session;
	uint64_t		 id = reg->id;
	int			 is_last = reg->ncallees == 1;

	callee_free(cl);
	reg_put(reg);
	meta_unregistered(s, id, is_last);
}

int
dealer_unregister(struct chan *c, struct imsg *im)
{
	struct m_unregister	 m;
	struct m_unregistered	 reply;
	struct session		*s;
	struct callee		*cl;

	if (parse_unregister(im, &m) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if ((cl = callee_find(s, m.registration)) == NULL) {
		session_refuse(s, WAMP_UNREGISTER, m.request,
		    WERR_NO_SUCH_REGISTRATION, "no such registration");
		return (0);
	}
	reply.request = m.request;
	reply.registration = m.registration;
	session_send(s, IMSG_UNREGISTERED, &reply, sizeof(reply));
	unregister(cl);
	return (0);
}

/* WAMP, Registration Revocation: the tlsproxy knows whether to say so. */
void
dealer_revoke(struct callee *cl, const char *why, size_t len)
{
	struct m_unregistered	m;
	struct iovec		iov[2];

	memset(&m, 0, sizeof(m));
	m.registration = cl->regid;
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], why, len);
	session_sendv(cl->session, IMSG_UNREGISTERED, iov, 2);
	unregister(cl);
}

/* What an authorizer allowed once it is not asked again. */
static int
register_keeps(const struct session *s, const struct registration *reg)
{
	enum uri_match	match = (enum uri_match)reg->match;

	return (role_may_serve(s->role, s->realm, match, &reg->procedure) &&
	    authz_check(s, ACTION_REGISTER, match, &reg->procedure) !=
	    AUTHZ_DENY);
}

void
dealer_recheck(struct session *s)
{
	static const char	 why[] = "wamp.error.not_authorized";
	struct callee		*cl, *next;

	for (cl = LIST_FIRST(&s->regs); cl != NULL; cl = next) {
		next = LIST_NEXT(cl, session_entry);
		if (register_keeps(s, cl->reg))
			continue;
		session_log_revoked(s, "registration", &cl->reg->procedure);
		dealer_revoke(cl, why, sizeof(why) - 1);
	}
}

/* -- leaving ------------------------------------------------------------ */

void
dealer_give_up(struct session *s)
{
	unregister(LIST_FIRST(&s->regs));
}

unsigned int
dealer_leave(struct session *s)
{
	struct callee		*cl;
	struct invocation	*inv;
	unsigned int		 n;

	for (n = 0; (cl = LIST_FIRST(&s->regs)) != NULL; n++)
		unregister(cl);
	call_forget_hold(s);
	dealer_release(s);
	/* a late answer finds nothing and is dropped (WAMP, Caller Leaving) */
	for (; (inv = LIST_FIRST(&s->calls)) != NULL; n++) {
		if (inv->callee != s)
			invocation_interrupt(inv, CANCEL_KILLNOWAIT,
			    WERR_CANCELED);
		invocation_free(inv);
	}
	return (n);
}

unsigned int
dealer_callee_left(struct session *callee, unsigned int *steps)
{
	struct invocation	*inv;
	unsigned int		 n = 0;

	for (; *steps > 0; (*steps)--) {
		if ((inv = TAILQ_FIRST(&callee->invocations)) == NULL)
			break;
		if (inv->own != NULL) {
			rcall_failed(inv->own, RCALL_LEFT);
			n++;
			continue;
		}
		if (peer_is_slow(inv->caller->peer)) {
			TAILQ_REMOVE(&callee->invocations, inv, callee_entry);
			TAILQ_INSERT_TAIL(&callee->invocations, inv,
			    callee_entry);
			continue;
		}
		/* WAMP, Callee Leaving */
		session_refuse(inv->caller, WAMP_CALL, inv->call,
		    WERR_CANCELED, "the callee left");
		invocation_free(inv);
		n++;
	}
	return (n);
}
