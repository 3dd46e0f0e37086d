/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * CALL and CANCEL: who may call what, who is asked and what is told to it
 * about the call; more of a call that has begun; and the end of one that its
 * caller does not wait for.  Answers stand in answer.c.
 */
#include <string.h>

#include "broker.h"
#include "conf.h"
#include "dealer.h"
#include "dynamic.h"
#include "meta.h"

/* -- CALL --------------------------------------------------------------- */

/* What has nothing to do with whom it is for. */
static enum wamp_err
call_may(struct session *s, const struct m_call *m,
    const struct uri *procedure, const char **why)
{
	enum wamp_err	err;

	/* whether it exists is nobody's business who may not call it */
	err = session_may(s, ACTION_CALL, MATCH_EXACT, procedure, why);
	if (err != WERR_NONE)
		return (err);
	if ((m->flags & CALL_DISCLOSE_ME) != 0 &&
	    role_discloses(s, 1) == DISCLOSE_NEVER) {
		*why = "callers are not disclosed here";
		return (WERR_OPTION_DISALLOWED_DISCLOSE_ME);
	}
	return (WERR_NONE);
}

/* What a callee must have announced to be called so. */
uint32_t
call_features(uint32_t flags, const struct body *b)
{
	uint32_t	features = 0;

	if ((flags & CALL_PROGRESS) != 0)
		features |= FEAT_CALLEE_PROGRESS_IN;
	if (b->pptlen > 0)
		features |= FEAT_CALLEE_PPT;
	return (features);
}

/* What to tell the caller when nobody was picked. */
static enum wamp_err
call_unpicked(enum pick_end end, const char **why)
{
	switch (end) {
	case PICK_UNABLE:
		*why = "the callee does not support that kind of call";
		return (WERR_FEATURE_NOT_SUPPORTED);
	case PICK_BUSY:
		*why = "no callee keeps up";
		return (WERR_NO_AVAILABLE_CALLEE);
	default:
		*why = "no callee is there for it";
		return (WERR_NO_AVAILABLE_CALLEE);
	}
}

/* The limit of time of a call, in ms; 0: none. */
static uint32_t
call_timeout(const struct session *s, uint32_t asked)
{
	const struct conf_realm	*conf = s->realm->conf;

	if (conf == NULL)
		return (asked);
	if (asked == 0)
		asked = conf->call_timeout;
	if (conf->call_timeout_max != 0 &&
	    (asked == 0 || asked > conf->call_timeout_max))
		asked = conf->call_timeout_max;
	return (asked);
}

/* Could another callee be asked, should this one not take it?  It may be one
 * that is not there yet. */
static int
has_others(const struct callee *cl)
{
	return (cl->reg->invoke != INVOKE_SINGLE &&
	    (cl->session->features & FEAT_CALLEE_REROUTE) != 0);
}

/* Find a callee and send it there; WERR_NONE, or what to answer. */
static enum wamp_err
call_begin(struct session *s, const struct m_call *m,
    struct registration *reg, const struct uri *procedure,
    const struct body *b, const char **why)
{
	struct callee		*cl;
	struct invocation	*inv;
	enum pick_end		 end;
	uint32_t		 flags = 0;
	int			 others;

	if ((cl = invoke_pick(reg, call_features(m->flags, b), NULL, &end)) ==
	    NULL)
		return (call_unpicked(end, why));
	*why = "the router has no room for another call";
	if ((inv = invocation_new(s, m->request, cl)) == NULL)
		return (WERR_NO_AVAILABLE_CALLEE);
	inv->asked = (uint8_t)m->flags;
	inv->discloses = (uint8_t)role_discloses(s, 1);
	inv->timeout = call_timeout(s, m->timeout);
	if (invocation_agree(inv) == -1)
		goto fail;
	if ((m->flags & CALL_PROGRESS) != 0) {
		inv->is_open = 1;
		flags = INVOCATION_PROGRESS;
	}
	others = has_others(cl);
	if ((others || inv->is_open) &&
	    invocation_keep(inv, procedure, b, others) == -1 && inv->is_open)
		goto fail;
	invocation_send(inv, flags, procedure, b);
	return (WERR_NONE);
fail:
	invocation_free(inv);
	return (WERR_NO_AVAILABLE_CALLEE);
}

/*
 * Parts of a call cannot be refused as calls are while their callee is slow,
 * so their caller has to wait.  Not for ever: who is slow for long is ended.
 */
static void
call_hold(struct session *caller, struct session *callee)
{
	if (!callee->is_slow || caller->held_by != NULL || caller == callee)
		return;
	caller->held_by = callee;
	LIST_INSERT_HEAD(&callee->holds, caller, held_entry);
	session_pause(caller, PAUSE_CALLEE, 1);
}

void
call_forget_hold(struct session *caller)
{
	if (caller->held_by == NULL)
		return;
	caller->held_by = NULL;
	LIST_REMOVE(caller, held_entry);
}

void
call_release(struct session *caller)
{
	call_forget_hold(caller);
	session_pause(caller, PAUSE_CALLEE, 0);
}

void
dealer_release(struct session *callee)
{
	struct session	*s;

	while ((s = LIST_FIRST(&callee->holds)) != NULL)
		call_release(s);
}

/*
 * More of a call that has begun (WAMP, Progressive Call Invocations): where
 * the first went, with its options.  If the call is over, the caller will
 * learn that or has learnt it: nothing is said then.
 */
static void
call_continue(struct session *s, struct invocation *inv,
    const struct m_call *m, const struct uri *procedure, const struct body *b)
{
	struct uri	first;
	struct body	kept, next = *b;
	uint32_t	flags = INVOCATION_CONTINUES;

	if (inv == NULL)
		return;
	if (!inv->is_open) {
		session_end(s, WERR_PROTOCOL_VIOLATION,
		    "CALL has the id of one that takes no more");
		return;
	}
	invocation_kept(inv, &first, &kept);
	if (!uri_eq(&first, procedure) || inv->is_killed ||
	    inv->callee->peer == NULL)
		return;
	next.ppt = kept.ppt;
	next.pptlen = kept.pptlen;
	if ((m->flags & CALL_PROGRESS) != 0)
		flags |= INVOCATION_PROGRESS;
	else
		inv->is_open = 0;
	inv->is_on = 1;
	invocation_send(inv, flags, &first, &next);
	if (inv->is_open)
		call_hold(s, inv->callee);
	else
		invocation_forget(inv);
}

int
dealer_call(struct chan *c, struct imsg *im)
{
	struct m_call		 m;
	struct uri		 procedure;
	struct body		 body;
	struct session		*s;
	struct registration	*reg;
	struct invocation	*inv = NULL;
	enum wamp_err		 err;
	const char		*why;

	if (parse_call(im, &m, &procedure, &body) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if ((m.flags & (CALL_CONTINUES | CALL_MAY_CONTINUE)) != 0)
		inv = invocation_by_call(s, m.request);
	if ((m.flags & CALL_CONTINUES) != 0 || (inv != NULL && inv->is_open)) {
		call_continue(s, inv, &m, &procedure, &body);
		return (0);
	}
	err = call_may(s, &m, &procedure, &why);
	if (err == WERR_WAIT)
		return (authorizer_hold(s, im));
	if (err != WERR_NONE)
		goto refuse;
	if (uri_is_reserved(&procedure)) {
		if (call_features(m.flags, &body) != 0) {
			err = call_unpicked(PICK_UNABLE, &why);
			goto refuse;
		}
		if (meta_call(s, &m, &procedure, &body) == WERR_WAIT)
			return (authorizer_hold(s, im));
		return (0);
	}
	if ((reg = reg_match(s->realm, &procedure)) == NULL) {
		err = WERR_NO_SUCH_PROCEDURE;
		why = "no such procedure";
		goto refuse;
	}
	if (s->ncalls >= broker.conf->limits.calls) {
		session_exceeds(s, LIMIT_CALLS);
		err = WERR_LIMIT;
		why = "too many calls of this session under way";
		goto refuse;
	}
	err = call_begin(s, &m, reg, &procedure, &body, &why);
	if (err != WERR_NONE)
		goto refuse;
	return (0);
refuse:
	session_refuse(s, WAMP_CALL, m.request, err, why);
	return (0);
}

struct invocation *
dealer_invoke(struct callee *cl, struct rcall *own, const struct body *b)
{
	struct invocation	*inv;

	if ((inv = invocation_new(NULL, 0, cl)) == NULL)
		return (NULL);
	inv->own = own;
	invocation_send(inv, INVOCATION_MSGPACK, NULL, b);
	return (inv);
}

/* -- CANCEL ------------------------------------------------------------- */

/*
 * WAMP, Call Canceling: "kill" leaves it to the callee how the call ends, if
 * it can be told; a second CANCEL need not wait for that.
 */
static void
call_cancel(struct invocation *inv, enum cancel_mode mode)
{
	static const char	 canceled[] = "the call was canceled";

	if (mode == CANCEL_KILL) {
		invocation_interrupt(inv, CANCEL_KILL, WERR_CANCELED);
		if (inv->is_killed)
			return;
	}
	switch (mode) {
	case CANCEL_KILL:
	case CANCEL_SKIP:
		session_refuse(inv->caller, WAMP_CALL, inv->call,
		    WERR_CANCELED, canceled);
		invocation_free(inv);
		return;
	case CANCEL_KILLNOWAIT:
		invocation_cancel(inv, WERR_CANCELED, canceled);
		return;
	case CANCEL_UNKNOWN:
		invocation_cancel(inv, WERR_INVALID_ARGUMENT,
		    "there is no such mode of canceling; it is canceled");
		return;
	case CANCEL_UNDELIVERED:
		invocation_interrupt(inv, CANCEL_KILLNOWAIT, WERR_CANCELED);
		invocation_free(inv);
		return;
	}
}

/* One that is over or never was is no error: the answer was under way. */
int
dealer_cancel(struct chan *c, struct imsg *im)
{
	struct m_cancel		 m;
	struct m_call_over	 over;
	struct session		*s;
	struct invocation	*inv;

	if (parse_cancel(im, &m) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if ((inv = invocation_by_call(s, m.request)) != NULL)
		call_cancel(inv, (enum cancel_mode)m.mode);
	if (m.mode == CANCEL_UNDELIVERED) {
		over.request = m.request;
		session_send(s, IMSG_CALL_OVER, &over, sizeof(over));
	}
	return (0);
}
