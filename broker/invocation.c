/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Calls that are under way: found by their callee and INVOCATION.Request, or
 * by their caller and CALL.Request; their limits of time, and what is sent
 * to callees.  Who is called and who is answered is decided elsewhere.
 */
#include <sys/time.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "dealer.h"
#include "mono.h"
#include "pbuf.h"
#include "walk.h"

#define TIMEOUT_AGAIN	100	/* ms, if the caller's tlsproxy is slow */

struct invocation *
invocation_find(const struct session *callee, uint64_t id)
{
	struct hent		*e;
	struct invocation	*inv;

	/* most callees answer in the order they are asked */
	inv = TAILQ_FIRST(&callee->invocations);
	if (inv != NULL && inv->id == id)
		return (inv);
	for (e = htab_first(&broker.invocations,
	    hash_count(callee->serial, id)); e != NULL; e = htab_next(e)) {
		inv = HENT_OF(e, struct invocation, hash);
		if (inv->callee == callee && inv->id == id)
			return (inv);
	}
	return (NULL);
}

struct invocation *
invocation_by_call(const struct session *caller, uint64_t call)
{
	struct hent		*e;
	struct invocation	*inv;

	if (caller->ncalls == 0)
		return (NULL);
	for (e = htab_first(&broker.calls, hash_pair(caller->serial, call));
	    e != NULL; e = htab_next(e)) {
		inv = HENT_OF(e, struct invocation, bycall);
		if (inv->caller == caller && inv->call == call)
			return (inv);
	}
	return (NULL);
}

/* -- what is needed again ----------------------------------------------- */

int
invocation_keep(struct invocation *inv, const struct uri *procedure,
    const struct body *b, int all)
{
	struct call_kept	*k;
	struct pbuf	*pb;
	size_t		 len = procedure->len + b->pptlen;

	if (all)
		len += b->len;
	if (memory_need(len) == -1 || (pb = pbuf_new(len)) == NULL)
		return (-1);
	if (state_take(sizeof(*k)) == -1) {
		pbuf_unref(pb);
		return (-1);
	}
	if ((k = calloc(1, sizeof(*k))) == NULL) {
		state_give(sizeof(*k));
		pbuf_unref(pb);
		return (-1);
	}
	memcpy(pb->data, procedure->p, procedure->len);
	if (b->pptlen > 0)
		memcpy(pb->data + procedure->len, b->ppt, b->pptlen);
	if (all && b->len > 0)
		memcpy(pb->data + procedure->len + b->pptlen, b->p, b->len);
	pb->len = len;
	k->pb = pb;
	k->urilen = procedure->len;
	k->pptlen = b->pptlen;
	k->paylen = all ? b->len : 0;
	k->ser = b->ser;
	k->nargs = b->nargs;
	k->is_whole = all != 0;
	inv->kept = k;
	return (0);
}

void
invocation_kept(const struct invocation *inv, struct uri *procedure,
    struct body *b)
{
	const struct call_kept	*k = inv->kept;

	procedure->p = (const char *)k->pb->data;
	procedure->len = k->urilen;
	b->ppt = k->pb->data + k->urilen;
	b->pptlen = k->pptlen;
	b->p = b->ppt + k->pptlen;
	b->pb = k->pb;
	b->len = k->paylen;
	b->ser = k->ser;
	b->nargs = k->nargs;
}

void
invocation_forget(struct invocation *inv)
{
	if (inv->kept == NULL)
		return;
	pbuf_unref(inv->kept->pb);
	state_give(sizeof(*inv->kept));
	free(inv->kept);
	inv->kept = NULL;
}

/* -- limits of time ----------------------------------------------------- */

static void
timer_set(struct invocation *inv, uint64_t ms)
{
	struct timeval	tv;

	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(inv->timer, &tv);
}

/* A progressive result puts it off, and does not touch the timer. */
static void
invocation_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct invocation	*inv = arg;
	uint64_t		 now = mono_ms();

	(void)fd;
	(void)what;
	if (now < inv->until)
		timer_set(inv, inv->until - now);
	else if (peer_is_slow(inv->caller->peer))
		timer_set(inv, TIMEOUT_AGAIN);
	else
		invocation_cancel(inv, WERR_TIMEOUT, "the call timed out");
}

static void
timer_free(struct invocation *inv)
{
	if (inv->timer == NULL)
		return;
	event_free(inv->timer);
	inv->timer = NULL;
	state_give(event_get_struct_event_size());
}

static int
timer_new(struct invocation *inv)
{
	if (state_take(event_get_struct_event_size()) == -1)
		return (-1);
	inv->timer = evtimer_new(broker.proc.base, invocation_timeout, inv);
	if (inv->timer == NULL) {
		state_give(event_get_struct_event_size());
		return (-1);
	}
	inv->until = mono_ms() + inv->timeout;
	timer_set(inv, inv->timeout);
	return (0);
}

void
invocation_restart(struct invocation *inv)
{
	if (inv->timer != NULL)
		inv->until = mono_ms() + inv->timeout;
}

/* -- begin and end ------------------------------------------------------ */

static void
invocation_attach(struct invocation *inv, struct callee *cl)
{
	struct session	*s = cl->session;

	/* WAMP, IDs: session scope counts 1, 2, 3, ... and wraps */
	s->lastinv = s->lastinv % WAMP_ID_MAX + 1;
	inv->id = s->lastinv;
	inv->callee = s;
	inv->by = cl;
	inv->regid = cl->regid;
	callee_take(cl);
	htab_insert(&broker.invocations, &inv->hash,
	    hash_count(s->serial, inv->id));
	TAILQ_INSERT_TAIL(&s->invocations, inv, callee_entry);
	s->ninvocations++;
}

static void
invocation_detach(struct invocation *inv)
{
	htab_remove(&broker.invocations, &inv->hash);
	TAILQ_REMOVE(&inv->callee->invocations, inv, callee_entry);
	inv->callee->ninvocations--;
	callee_give(inv->by);
}

struct invocation *
invocation_new(struct session *caller, uint64_t call, struct callee *cl)
{
	struct invocation	*inv;

	if (state_take(sizeof(*inv)) == -1)
		return (NULL);
	if ((inv = calloc(1, sizeof(*inv))) == NULL) {
		state_give(sizeof(*inv));
		return (NULL);
	}
	invocation_attach(inv, cl);
	inv->call = call;
	inv->caller = caller;
	inv->began = broker_now();
	TAILQ_INSERT_TAIL(&broker.underway, inv, all_entry);
	if (caller != NULL) {
		htab_insert(&broker.calls, &inv->bycall,
		    hash_pair(caller->serial, call));
		LIST_INSERT_HEAD(&caller->calls, inv, caller_entry);
		caller->ncalls++;
		caller->realm->counts->calls++;
		caller->realm->counts->pending++;
	}
	return (inv);
}

void
invocation_move(struct invocation *inv, struct callee *cl)
{
	invocation_detach(inv);
	invocation_attach(inv, cl);
}

void
invocation_free(struct invocation *inv)
{
	invocation_detach(inv);
	walk_leave_invocation(inv);
	TAILQ_REMOVE(&broker.underway, inv, all_entry);
	if (inv->caller != NULL) {
		if (inv->caller->held_by == inv->callee)
			call_release(inv->caller);
		htab_remove(&broker.calls, &inv->bycall);
		LIST_REMOVE(inv, caller_entry);
		inv->caller->ncalls--;
		inv->caller->realm->counts->pending--;
	}
	invocation_forget(inv);
	timer_free(inv);
	state_give(sizeof(*inv));
	free(inv);
}

/* -- what callees are told ----------------------------------------------------- */

static int
is_disclosed(const struct invocation *inv)
{
	switch ((enum conf_disclose)inv->discloses) {
	case DISCLOSE_ALWAYS:
		return (1);
	case DISCLOSE_ASKED:
		return ((inv->asked & CALL_DISCLOSE_ME) != 0 ||
		    (inv->by->flags & REGISTER_DISCLOSE_CALLER) != 0);
	default:
		return (0);
	}
}

int
invocation_agree(struct invocation *inv)
{
	const struct conf_role	*conf = inv->caller->role->conf;
	const struct callee	*cl = inv->by;
	uint32_t		 features = inv->callee->features;
	int			 forwards;

	inv->flags = 0;
	if ((inv->asked & CALL_RECEIVE_PROGRESS) != 0 &&
	    (features & FEAT_CALLEE_PROGRESS) != 0)
		inv->flags |= INVOCATION_RECEIVE_PROGRESS;
	if (is_disclosed(inv))
		inv->flags |= INVOCATION_CALLER;
	if ((features & FEAT_CALLEE_TRUST) != 0 && conf != NULL &&
	    conf->has_trust) {
		inv->flags |= INVOCATION_TRUST;
		inv->trust = conf->trust;
	}
	inv->is_pattern = cl->reg->match != MATCH_EXACT;
	/* WAMP, Call Timeouts: the callee's to keep, if it wants and can */
	forwards = (cl->flags & REGISTER_FORWARD_TIMEOUT) != 0 &&
	    (features & FEAT_CALLEE_TIMEOUT) != 0;
	inv->forwarded = forwards ? inv->timeout : 0;
	if (forwards)
		timer_free(inv);
	else if (inv->timeout != 0 && inv->timer == NULL)
		return (timer_new(inv));
	return (0);
}

void
invocation_send(const struct invocation *inv, uint32_t flags,
    const struct uri *procedure, const struct body *b)
{
	const struct session	*caller = inv->caller;
	struct m_invocation	 m;
	struct iovec		 iov[6];
	int			 n = 1;

	memset(&m, 0, sizeof(m));
	m.request = inv->id;
	m.registration = inv->regid;
	m.flags = inv->flags | flags;
	m.paylen = b->len;
	m.ser = b->ser;
	m.nargs = b->nargs;
	m.timeout = inv->forwarded;
	iov_set(&iov[0], &m, sizeof(m));
	/* WAMP, Concrete procedure called */
	if (inv->is_pattern) {
		m.proclen = procedure->len;
		iov_set(&iov[n++], procedure->p, m.proclen);
	}
	if ((m.flags & INVOCATION_CALLER) != 0) {
		m.caller = caller->id;
		m.authidlen = caller->authid.len;
		m.rolelen = (uint16_t)strlen(caller->role->name);
		iov_set(&iov[n++], caller->authid.p, m.authidlen);
		iov_set(&iov[n++], caller->role->name, m.rolelen);
	}
	if ((m.flags & INVOCATION_TRUST) != 0)
		m.trust = inv->trust;
	if (b->pptlen > 0) {
		m.pptlen = b->pptlen;
		iov_set(&iov[n++], b->ppt, m.pptlen);
	}
	session_sendv_body(inv->callee, IMSG_INVOCATION, iov, n, b);
}

void
invocation_interrupt(struct invocation *inv, enum cancel_mode mode,
    enum wamp_err err)
{
	struct session		*s = inv->callee;
	struct m_interrupt	 m;

	/* one that left may still be here until its callers are told */
	if (inv->is_killed || s->peer == NULL ||
	    (s->features & FEAT_CALLEE_CANCELING) == 0)
		return;
	inv->is_killed = 1;
	memset(&m, 0, sizeof(m));
	m.request = inv->id;
	m.err = (uint16_t)err;
	m.mode = (uint8_t)mode;
	session_send(s, IMSG_INTERRUPT, &m, sizeof(m));
}

void
invocation_cancel(struct invocation *inv, enum wamp_err err, const char *why)
{
	session_refuse(inv->caller, WAMP_CALL, inv->call, err, why);
	invocation_interrupt(inv, CANCEL_KILLNOWAIT, err);
	invocation_free(inv);
}
