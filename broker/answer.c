/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What callees answer: YIELD, ERROR, and that an INVOCATION could not be
 * delivered.  A call ends with the first final answer; what comes for it
 * later is dropped.
 */
#include <string.h>

#include "broker.h"
#include "dealer.h"
#include "dynamic.h"
#include "mono.h"

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

/* It is the final one, of a call of somebody's. */
static void
observe(const struct invocation *inv)
{
	uint64_t	now = broker_now();

	metric_observe(&broker_counts.latency, now > inv->began ?
	    now - inv->began : 0);
}

/* -- YIELD -------------------------------------------------------------- */

/*
 * For too long, or it is about to be too much for its tlsproxy?  A third of
 * the time after which a slow session is ended, so that its other calls may
 * still be answered.
 */
static int
keeps_up(struct session *caller)
{
	if (caller->is_slow && mono_ms() - caller->slow_since >=
	    broker.conf->limits.slow / 3) {
		session_exceeds(caller, LIMIT_SLOW);
		return (0);
	}
	return (!peer_is_full(caller->peer));
}

static void
result_send(const struct invocation *inv, uint32_t flags,
    const struct body *b)
{
	struct m_result	m;
	struct iovec	iov[3];

	memset(&m, 0, sizeof(m));
	m.request = inv->call;
	m.flags = flags;
	m.paylen = b->len;
	m.ser = b->ser;
	m.nargs = b->nargs;
	m.pptlen = b->pptlen;
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], b->ppt, m.pptlen);
	session_sendv_body(inv->caller, IMSG_RESULT, iov, 2, b);
}

static void
yield_progress(struct invocation *inv, const struct body *b)
{
	if (!keeps_up(inv->caller)) {
		invocation_cancel(inv, WERR_CANCELED,
		    "the caller does not keep up with the results");
		return;
	}
	/* it took it: no other callee will be asked */
	inv->is_on = 1;
	if (!inv->is_open)
		invocation_forget(inv);
	invocation_restart(inv);
	result_send(inv, YIELD_PROGRESS, b);
}

/* Payload Passthru Mode that the caller did not announce: both are told. */
static void
yield_refuse(struct invocation *inv)
{
	static const char	 why[] =
	    "the caller does not support payload passthru mode";

	session_refuse(inv->callee, WAMP_YIELD, inv->id,
	    WERR_FEATURE_NOT_SUPPORTED, why);
	session_refuse(inv->caller, WAMP_CALL, inv->call,
	    WERR_FEATURE_NOT_SUPPORTED, why);
	invocation_free(inv);
}

int
dealer_yield(struct chan *c, struct imsg *im)
{
	struct m_yield		 m;
	struct body		 b;
	struct session		*s;
	struct invocation	*inv;
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
	if (b.pptlen > 0 && (inv->caller->features & FEAT_CALLER_PPT) == 0) {
		yield_refuse(inv);
		return (0);
	}
	/* without having been asked for it is no progress but the result */
	if ((m.flags & YIELD_PROGRESS) != 0 &&
	    (inv->flags & INVOCATION_RECEIVE_PROGRESS) != 0) {
		yield_progress(inv, &b);
		return (0);
	}
	result_send(inv, 0, &b);
	observe(inv);
	invocation_free(inv);
	return (0);
}

/* -- ERROR -------------------------------------------------------------- */

/* WAMP, Call Re-Routing: does the callee not take it? */
static int
is_unavailable(const struct invocation *inv, const struct uri *error)
{
	static const char	 name[] = "wamp.error.unavailable";

	return ((inv->callee->features & FEAT_CALLEE_REROUTE) != 0 &&
	    !inv->is_killed && error->len == sizeof(name) - 1 &&
	    memcmp(error->p, name, sizeof(name) - 1) == 0);
}

/* Ask another callee; 0, or -1 with why there is none. */
static int
reroute(struct invocation *inv, const char **why)
{
	struct registration	*reg = inv->by->reg;
	struct callee		*cl;
	struct uri		 procedure;
	struct body		 b;
	enum pick_end		 end;
	uint32_t		 flags = inv->is_open ? CALL_PROGRESS : 0;

	*why = "no callee takes the call";
	if (inv->kept == NULL || !inv->kept->is_whole || inv->is_on)
		return (-1);
	if (reg == NULL)	/* unregistered meanwhile */
		reg = reg_find_id(inv->caller->realm, inv->regid);
	if (reg == NULL)
		return (-1);
	invocation_kept(inv, &procedure, &b);
	cl = invoke_again(reg, inv, call_features(flags, &b), &end);
	if (cl == NULL) {
		if (end == PICK_BUSY)
			*why = "no other callee keeps up";
		return (-1);
	}
	invocation_move(inv, cl);
	if (invocation_agree(inv) == -1) {
		*why = "the router has no room for another call";
		return (-1);
	}
	invocation_send(inv, inv->is_open ? INVOCATION_PROGRESS : 0,
	    &procedure, &b);
	return (0);
}

/*
 * The error URI need not follow the realm's strict rules, which are for the
 * names of topics and procedures: the caller would learn less.
 */
static void
error_send(const struct invocation *inv, struct m_error *m,
    const struct uri *error, const struct body *b)
{
	struct iovec	iov[4];

	if (!uri_is_valid(error, URI_LOOSE) || !uri_is_utf8(error)) {
		session_refuse(inv->caller, WAMP_CALL, inv->call,
		    WERR_INVALID_URI, "the callee's error is no URI");
		return;
	}
	if (b->pptlen > 0 && (inv->caller->features & FEAT_CALLER_PPT) == 0) {
		session_refuse(inv->caller, WAMP_CALL, inv->call,
		    WERR_FEATURE_NOT_SUPPORTED,
		    "the callee's error is in payload passthru mode");
		return;
	}
	inv->caller->realm->counts->errors++;
	m->request = inv->call;
	iov_set(&iov[0], m, sizeof(*m));
	iov_set(&iov[1], error->p, error->len);
	iov_set(&iov[2], b->ppt, b->pptlen);
	session_sendv_body(inv->caller, IMSG_ERROR, iov, 3, b);
}

int
dealer_error(struct chan *c, struct imsg *im)
{
	struct m_error		 m;
	struct uri		 error;
	struct body		 b;
	struct session		*s;
	struct invocation	*inv;
	const char		*why;
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
	if (!is_unavailable(inv, &error))
		error_send(inv, &m, &error, &b);
	else if (reroute(inv, &why) == 0)
		return (0);
	else
		session_refuse(inv->caller, WAMP_CALL, inv->call,
		    WERR_NO_AVAILABLE_CALLEE, why);
	observe(inv);
	invocation_free(inv);
	return (0);
}

/*
 * A tlsproxy could not deliver: it speaks for itself, not for its client,
 * who may have got an earlier part of the call.
 */
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
	if (inv->is_on)
		invocation_interrupt(inv, CANCEL_KILLNOWAIT, WERR_CANCELED);
	invocation_free(inv);
	return (0);
}
