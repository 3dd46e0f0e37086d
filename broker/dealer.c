/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * REGISTER, UNREGISTER, CALL and its answers.  A call under way is found by
 * its callee and the INVOCATION's request id; it ends with the first answer,
 * with its caller or with its callee.
 */
#include <stdlib.h>

#include "broker.h"
#include "chan.h"
#include "conf.h"
#include "dynamic.h"
#include "meta.h"

/* -- REGISTER ----------------------------------------------------------- */

/* Why a session may not register that, or WERR_NONE. */
static enum wamp_err
register_may(struct session *s, const struct m_register *m,
    const struct uri *procedure, const char **why)
{
	if (m->match != MATCH_EXACT) {
		*why = "only exact matching is offered";
		return (WERR_INVALID_ARGUMENT);
	}
	if (m->invoke != 0) {
		*why = "only the invocation policy single is offered";
		return (WERR_INVALID_ARGUMENT);
	}
	if (uri_pattern_is_reserved(procedure, m->match)) {
		*why = "procedures below wamp. are the router's";
		return (WERR_INVALID_URI);
	}
	/* who serves it decides for others */
	if (!role_may_serve(s->role, s->realm, m->match, procedure)) {
		*why = "not allowed";
		return (WERR_NOT_AUTHORIZED);
	}
	return (session_may(s, ACTION_REGISTER, m->match, procedure, why));
}

struct registration *
dealer_find(const struct realm *r, const struct uri *procedure)
{
	struct registration	*reg;

	if ((reg = reg_find(r, procedure)) == NULL)
		return (NULL);
	if (!session_is_over(reg->callee))
		return (reg);
	session_dismiss(reg->callee);
	return (NULL);
}

int
dealer_register(struct chan *c, struct imsg *im)
{
	struct m_register	 m;
	struct m_registered	 reply;
	struct uri		 procedure;
	struct session		*s;
	struct registration	*reg;
	enum wamp_err		 err;
	const char		*why;

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
	if (dealer_find(s->realm, &procedure) != NULL) {
		err = WERR_PROCEDURE_ALREADY_EXISTS;
		why = "the procedure is registered already";
		goto refuse;
	}
	err = WERR_LIMIT;
	if (s->nregs >= broker.conf->limits.registrations) {
		why = "too many registrations of this session";
		goto refuse;
	}
	if ((reg = reg_new(s, &procedure)) == NULL) {
		why = "the router has no room for another registration";
		goto refuse;
	}
	reply.request = m.request;
	reply.registration = reg->id;
	session_send(s, IMSG_REGISTERED, &reply, sizeof(reply));
	return (0);
refuse:
	session_refuse(s, WAMP_REGISTER, m.request, err, why);
	return (0);
}

/* Invocations under way go on: only new ones come no more. */
int
dealer_unregister(struct chan *c, struct imsg *im)
{
	struct m_unregister	 m;
	struct m_unregistered	 reply;
	struct session		*s;
	struct registration	*reg;

	if (parse_unregister(im, &m) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if ((reg = reg_find_id(m.registration)) == NULL || reg->callee != s) {
		session_refuse(s, WAMP_UNREGISTER, m.request,
		    WERR_NO_SUCH_REGISTRATION, "no such registration");
		return (0);
	}
	reg_free(reg);
	reply.request = m.request;
	reply.registration = m.registration;
	session_send(s, IMSG_UNREGISTERED, &reply, sizeof(reply));
	return (0);
}

/* What an authorizer allowed once it is not asked again. */
static int
register_keeps(const struct session *s, const struct uri *procedure)
{
	if (!role_may_serve(s->role, s->realm, MATCH_EXACT, procedure))
		return (0);
	return (authz_check(s, ACTION_REGISTER, MATCH_EXACT, procedure) !=
	    AUTHZ_DENY);
}

void
dealer_recheck(struct session *s)
{
	struct registration	*reg, *next;

	/* the tlsproxy keeps no list of these: nothing to tell it */
	for (reg = LIST_FIRST(&s->regs); reg != NULL; reg = next) {
		next = LIST_NEXT(reg, session_entry);
		if (register_keeps(s, &reg->procedure))
			continue;
		session_log_revoked(s, "registration", &reg->procedure);
		reg_free(reg);
	}
}

/* -- CALL --------------------------------------------------------------- */

static struct invocation *
invocation_find(const struct session *callee, uint64_t id)
{
	struct hent		*e;
	struct invocation	*inv;

	for (e = htab_first(&broker.invocations,
	    hash_pair(callee->serial, id)); e != NULL; e = htab_next(e)) {
		inv = HENT_OF(e, struct invocation, hash);
		if (inv->callee == callee && inv->id == id)
			return (inv);
	}
	return (NULL);
}

/* Without a caller it is the router's own; NULL without memory. */
static struct invocation *
invocation_new(struct session *caller, uint64_t call, struct session *callee)
{
	struct invocation	*inv;

	if (state_take(sizeof(*inv)) == -1)
		return (NULL);
	if ((inv = calloc(1, sizeof(*inv))) == NULL) {
		state_give(sizeof(*inv));
		return (NULL);
	}
	/* WAMP, IDs: session scope counts 1, 2, 3, ... and wraps */
	callee->lastinv = callee->lastinv % WAMP_ID_MAX + 1;
	inv->id = callee->lastinv;
	inv->call = call;
	inv->caller = caller;
	inv->callee = callee;
	htab_insert(&broker.invocations, &inv->hash,
	    hash_pair(callee->serial, inv->id));
	TAILQ_INSERT_TAIL(&callee->invocations, inv, callee_entry);
	if (caller != NULL) {
		LIST_INSERT_HEAD(&caller->calls, inv, caller_entry);
		caller->ncalls++;
	}
	return (inv);
}

static void
invocation_free(struct invocation *inv)
{
	htab_remove(&broker.invocations, &inv->hash);
	TAILQ_REMOVE(&inv->callee->invocations, inv, callee_entry);
	if (inv->caller != NULL) {
		LIST_REMOVE(inv, caller_entry);
		inv->caller->ncalls--;
	}
	state_give(sizeof(*inv));
	free(inv);
}

static void
invocation_send(const struct invocation *inv, uint64_t reg,
    const struct body *b)
{
	struct m_invocation	m = { .request = inv->id,
				    .registration = reg, .paylen = b->len,
				    .flags = inv->own != NULL ?
				    INVOCATION_MSGPACK : 0, .ser = b->ser, .nargs = b->nargs };
	struct iovec		iov[2];

	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], b->p, b->len);
	session_sendv(inv->callee, IMSG_INVOCATION, iov, 2);
}

struct invocation *
dealer_invoke(struct registration *reg, struct rcall *own,
    const struct body *b)
{
	struct invocation	*inv;

	if ((inv = invocation_new(NULL, 0, reg->callee)) == NULL)
		return (NULL);
	inv->own = own;
	invocation_send(inv, reg->id, b);
	return (inv);
}

void
dealer_forget(struct invocation *inv)
{
	invocation_free(inv);
}

int
dealer_call(struct chan *c, struct imsg *im)
{
	struct m_call		 m;
	struct uri		 procedure;
	struct body		 body;
	struct session		*s;
	struct registration	*reg;
	struct invocation	*inv;
	enum wamp_err		 err;
	const char		*why;

	if (parse_call(im, &m, &procedure, &body) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	/* whether it exists is nobody's business who may not call it */
	err = session_may(s, ACTION_CALL, MATCH_EXACT, &procedure, &why);
	if (err == WERR_WAIT)
		return (authorizer_hold(s, im));
	if (err != WERR_NONE)
		goto refuse;
	if (uri_is_reserved(&procedure)) {
		if (meta_call(s, &m, &procedure, &body) == WERR_WAIT)
			return (authorizer_hold(s, im));
		return (0);
	}
	if ((reg = dealer_find(s->realm, &procedure)) == NULL) {
		err = WERR_NO_SUCH_PROCEDURE;
		why = "no such procedure";
		goto refuse;
	}
	if (s->ncalls >= broker.conf->limits.calls) {
		err = WERR_LIMIT;
		why = "too many calls of this session under way";
		goto refuse;
	}
	err = WERR_NO_AVAILABLE_CALLEE;
	if (reg->callee->is_slow || peer_is_slow(reg->callee->peer)) {
		why = "the callee does not keep up";
		goto refuse;
	}
	if ((inv = invocation_new(s, m.request, reg->callee)) == NULL) {
		why = "the router has no room for another call";
		goto refuse;
	}
	invocation_send(inv, reg->id, &body);
	return (0);
refuse:
	session_refuse(s, WAMP_CALL, m.request, err, why);
	return (0);
}

/* -- what a callee answers ---------------------------------------------- */

/*
 * The invocation that a callee's message answers.  NULL: the call is over
 * (its caller left, or it was answered before), drop the message; or the id
 * was never sent, then *never is set (WAMP, Protocol Errors: YIELD with
 * invalid INVOCATION.Request).
 */
static struct invocation *
answered(const struct session *callee, uint64_t id, int *never)
{
	*never = id == 0 || id > callee->lastinv;
	return (*never ? NULL : invocation_find(callee, id));
}

int
dealer_yield(struct chan *c, struct imsg *im)
{
	struct m_yield		 m;
	struct m_result		 r = { 0 };
	struct body		 b;
	struct session		*s;
	struct invocation	*inv;
	struct iovec		 iov[2];
	int			 never;

	if (parse_yield(im, &m, &b) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if ((inv = answered(s, m.request, &never)) == NULL) {
		if (never)
			session_end(s, WERR_PROTOCOL_VIOLATION,
			    "YIELD of an invocation that never was");
		return (0);
	}
	if (inv->own != NULL) {
		rcall_result(inv->own, &b);
		return (0);
	}
	r.request = inv->call;
	r.paylen = b.len;
	r.ser = b.ser;
	r.nargs = b.nargs;
	iov_set(&iov[0], &r, sizeof(r));
	iov_set(&iov[1], b.p, b.len);
	session_sendv(inv->caller, IMSG_RESULT, iov, 2);
	invocation_free(inv);
	return (0);
}

/*
 * The error URI need not follow the realm's strict rules, which are for the
 * names of topics and procedures: the caller would learn less.
 */
int
dealer_error(struct chan *c, struct imsg *im)
{
	struct m_error		 m;
	struct uri		 error;
	struct body		 b;
	struct session		*s;
	struct invocation	*inv;
	struct iovec		 iov[3];
	int			 never;

	if (parse_error(im, &m, &error, &b) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if ((inv = answered(s, m.request, &never)) == NULL) {
		if (never)
			session_end(s, WERR_PROTOCOL_VIOLATION,
			    "ERROR of an invocation that never was");
		return (0);
	}
	if (inv->own != NULL) {
		rcall_error(inv->own, &error);
		return (0);
	}
	if (!uri_is_valid(&error, URI_LOOSE) || !uri_is_utf8(&error)) {
		session_refuse(inv->caller, WAMP_CALL, inv->call,
		    WERR_INVALID_URI, "the callee's error is no URI");
	} else {
		m.request = inv->call;
		m.pptlen = 0;
		iov_set(&iov[0], &m, sizeof(m));
		iov_set(&iov[1], error.p, error.len);
		iov_set(&iov[2], b.p, b.len);
		session_sendv(inv->caller, IMSG_ERROR, iov, 3);
	}
	invocation_free(inv);
	return (0);
}

/* A tlsproxy could not deliver: it speaks for itself, not for its client. */
int
dealer_failed(struct chan *c, struct imsg *im)
{
	struct m_invocation_failed	 m;
	struct uri			 text;
	struct session			*s;
	struct invocation		*inv;
	int				 never;

	if (parse_failed(im, &m, &text) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if ((inv = answered(s, m.request, &never)) == NULL)
		return (never ? -1 : 0);
	if (inv->own != NULL) {
		rcall_failed(inv->own, RCALL_UNDELIVERED);
		return (0);
	}
	session_refuse_text(inv->caller, WAMP_CALL, inv->call,
	    (enum wamp_err)m.err, text.p, text.len);
	invocation_free(inv);
	return (0);
}

/* -- leaving ------------------------------------------------------------ */

unsigned int
dealer_leave(struct session *s)
{
	struct registration	*reg;
	struct invocation	*inv;
	unsigned int		 n;

	for (n = 0; (reg = LIST_FIRST(&s->regs)) != NULL; n++)
		reg_free(reg);
	/* a late answer finds nothing and is dropped (WAMP, Caller Leaving) */
	for (; (inv = LIST_FIRST(&s->calls)) != NULL; n++)
		invocation_free(inv);
	return (n);
}

unsigned int
dealer_cancel(struct session *callee, unsigned int *steps)
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
