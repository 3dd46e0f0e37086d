/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What is told of a session, a subscription, a registration, a call, and of
 * the memory of this process.  Nothing here walks over what may be many.
 */
#include <string.h>

#include "ctlask.h"
#include "dealer.h"
#include "meta.h"
#include "mono.h"
#include "pubsub.h"

#define DETAILS_MAX	4096	/* octets of modify_details that are shown */

/* -- sessions ----------------------------------------------------------- */

static void
put_session(struct ctlrows *r, const struct session *s)
{
	ctlrow_uint(r, "session", s->id);
	ctlrow_text(r, "realm", s->realm->name);
	ctlrow_str(r, "authid", s->authid.p, s->authid.len);
	ctlrow_text(r, "authrole", s->role->name);
	ctlrow_text(r, "authmethod", wamp_auth_name(s->method));
	ctlrow_text(r, "authprovider", s->provider == AUTH_PROVIDER_DYNAMIC ?
	    "dynamic" : "static");
	ctlrow_uint(r, "proxy", s->peer->id.instance);
	ctlrow_time(r, "since", s->joined);
	ctlrow_uint(r, "subscriptions", s->nlinks);
	ctlrow_uint(r, "registrations", s->nregs);
	ctlrow_uint(r, "calls", s->ncalls);
	ctlrow_uint(r, "invocations", s->ninvocations);
	ctlrow_bool(r, "slow", s->is_slow);
}

int
ctl_row_session(struct ctlrows *r, const struct session *s)
{
	ctlrow_begin(r);
	put_session(r, s);
	return (ctlrow_end(r));
}

static void
put_features(struct ctlrows *r, uint32_t features)
{
	static const char *const	names[] = {
		"caller.progressive_call_invocations",
		"caller.payload_passthru_mode",
		"callee.call_canceling",
		"callee.call_timeout",
		"callee.progressive_call_results",
		"callee.progressive_call_invocations",
		"callee.caller_identification",
		"callee.call_trustlevels",
		"callee.call_reroute",
		"callee.registration_revocation",
		"callee.payload_passthru_mode",
		"publisher.payload_passthru_mode",
		"subscriber.payload_passthru_mode",
		"subscriber.publisher_identification",
		"subscriber.publication_trustlevels",
		"subscriber.subscription_revocation"
	};
	_Static_assert(FEAT_ALL == (1U << (sizeof(names) /
	    sizeof(names[0]))) - 1, "a name for each FEAT_*");
	struct mpput	*out = ctlrow_value(r, "features");
	uint32_t	 i, n = 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		n += (features >> i) & 1;
	mpput_array(out, n);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (((features >> i) & 1) != 0)
			mpput_text(out, names[i]);
}

/* Checked to be MessagePack before they were kept (meta_details.c). */
static void
put_details(struct ctlrows *r, const struct details *d)
{
	struct mpput	*out = ctlrow_value(r, "details");

	if (d == NULL || d->len > DETAILS_MAX) {
		mpput_nil(out);
		return;
	}
	mpput_map(out, d->n);
	mpput_raw(out, d->octets, d->len);
}

int
ctl_row_one_session(struct ctlrows *r, const struct session *s)
{
	ctlrow_begin(r);
	put_session(r, s);
	ctlrow_uint(r, "slow_ms", s->is_slow ? mono_ms() - s->slow_since : 0);
	ctlrow_bool(r, "waits_for_authorizer", s->wait != NULL);
	ctlrow_bool(r, "paused_by_authorizer",
	    (s->paused & PAUSE_AUTHORIZER) != 0);
	ctlrow_bool(r, "paused_by_callee", (s->paused & PAUSE_CALLEE) != 0);
	ctlrow_uint(r, "slot", s->slot);
	ctlrow_uint(r, "testaments", s->ntestaments);
	ctlrow_uint(r, "remembered_verdicts", s->nverdicts);
	ctlrow_uint(r, "proxy_queued", s->peer->chan == NULL ? 0 :
	    chan_waiting(s->peer->chan));
	ctlrow_uint(r, "proxy_dropped_events", s->peer->ndropped);
	put_features(r, s->features);
	put_details(r, s->details);
	return (ctlrow_end(r));
}

/* -- what they have and do ----------------------------------------------- */

int
ctl_row_subscription(struct ctlrows *r, const struct subscription *sub)
{
	ctlrow_begin(r);
	ctlrow_uint(r, "id", sub->id);
	ctlrow_text(r, "realm", sub->realm->name);
	ctlrow_str(r, "uri", sub->topic.p, sub->topic.len);
	ctlrow_text(r, "match", meta_match_name(sub->match));
	ctlrow_uint(r, "subscribers", sub->count);
	ctlrow_bool(r, "history", sub->history != NULL);
	ctlrow_time(r, "created", sub->created);
	return (ctlrow_end(r));
}

int
ctl_row_registration(struct ctlrows *r, const struct registration *reg)
{
	ctlrow_begin(r);
	ctlrow_uint(r, "id", reg->id);
	ctlrow_text(r, "realm", reg->realm->name);
	ctlrow_str(r, "uri", reg->procedure.p, reg->procedure.len);
	ctlrow_text(r, "match", meta_match_name(reg->match));
	ctlrow_text(r, "invoke", invoke_name((enum invoke_policy)reg->invoke));
	ctlrow_uint(r, "callees", reg->ncallees);
	ctlrow_uint(r, "busy_callees", reg->nfull);
	ctlrow_time(r, "created", reg->created);
	return (ctlrow_end(r));
}

/*
 * Of the procedure only its registration is known, unless the CALL was kept;
 * and that one may have ended meanwhile.
 */
static void
put_procedure(struct ctlrows *r, const struct invocation *inv)
{
	const struct registration	*reg = inv->by->reg;
	struct uri			 u;
	struct body			 b;

	if (inv->kept != NULL) {
		invocation_kept(inv, &u, &b);
		ctlrow_str(r, "procedure", u.p, u.len);
	} else if (reg != NULL)
		ctlrow_str(r, "procedure", reg->procedure.p,
		    reg->procedure.len);
	else
		ctlrow_text(r, "procedure", NULL);
	ctlrow_text(r, "match", reg == NULL ? NULL :
	    meta_match_name(reg->match));
}

/* A callee that left is nowhere until its callers are told. */
int
ctl_row_call(struct ctlrows *r, const struct invocation *inv)
{
	const struct session	*any = inv->caller != NULL ? inv->caller :
				    inv->callee;
	uint64_t		 now = broker_now();

	ctlrow_begin(r);
	ctlrow_text(r, "realm", any->realm == NULL ? NULL :
	    any->realm->name);
	put_procedure(r, inv);
	ctlrow_uint(r, "registration", inv->regid);
	ctlrow_uint(r, "caller", inv->caller == NULL ? 0 : inv->caller->id);
	ctlrow_uint(r, "call", inv->call);
	ctlrow_uint(r, "callee", inv->callee->id);
	ctlrow_uint(r, "invocation", inv->id);
	ctlrow_uint(r, "age_ms", now > inv->began ?
	    (now - inv->began) / 1000 : 0);
	ctlrow_uint(r, "timeout_ms", inv->timeout);
	ctlrow_bool(r, "progressive", (inv->asked &
	    CALL_RECEIVE_PROGRESS) != 0);
	ctlrow_bool(r, "open", inv->is_open);
	ctlrow_bool(r, "canceled", inv->is_killed);
	return (ctlrow_end(r));
}

/* -- memory ------------------------------------------------------------- */

static void
count(struct ctlrows *r, const char *what, uint64_t n)
{
	ctlrow_memory(r, &broker.proc, what, NULL, n, CTLROW_NONE,
	    CTLROW_NONE);
}

/* There are few peers, so that all of it has room. */
void
ctl_rows_memory(struct ctlrows *r)
{
	uint64_t	 limit = broker.conf->limits.memory;
	struct peer	*p;

	ctlrows_memory(r, &broker.proc, limit);
	ctlrow_memory(r, &broker.proc, "objects", NULL, CTLROW_NONE,
	    broker.state, limit);
	count(r, "sessions", broker.sessions.count);
	count(r, "subscriptions", broker.subs.count);
	count(r, "subscribers", broker.links.count);
	count(r, "registrations", broker.regs.count);
	count(r, "callees", broker.callees.count);
	count(r, "calls", broker.invocations.count);
	count(r, "verdicts", broker.verdicts.count);
	TAILQ_FOREACH(p, &broker.peers, entry)
		if (p->chan != NULL)
			ctlrow_memory(r, &broker.proc, "queue", &p->id,
			    CTLROW_NONE, chan_waiting(p->chan),
			    CTLROW_NONE);
}
