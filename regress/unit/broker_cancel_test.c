/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Calls that do not end with the first answer, at a real broker: canceled,
 * out of time, taken by another callee; and what callees learn of callers.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bplay_rpc.h"
#include "conf.h"
#include "ppt.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"
#define UNAVAILABLE	"wamp.error.unavailable"

static uint32_t	gen;

/* A caller, and a callee of "p" with these features. */
static uint64_t
pair(struct sess *a, struct sess *b, uint32_t features)
{
	gen++;
	join(a, T0, 1, gen, R, "all");
	join(b, T1, 1, gen, R, "all");
	send_features(b, features);
	return (registers(b, "p"));
}

static void
part(struct sess *a, struct sess *b)
{
	leave(a);
	leave(b);
	bp_quiet();
}

/* Whatever it says of that now is swallowed. */
static void
too_late(struct sess *b, uint64_t inv)
{
	send_progress(b, inv, "late");
	send_yield(b, inv, "late");
	send_error(b, inv, "com.late", "");
	bp_quiet();
}

/* -- Call Canceling ----------------------------------------------------- */

static void
cancels(uint32_t features)
{
	int		can = (features & FEAT_CALLEE_CANCELING) != 0;
	struct sess	a, b;
	uint64_t	reg, inv;

	reg = pair(&a, &b, features);
	send_call(&a, "p", "1");
	inv = want_invocation(&b, reg, "1");
	send_cancel(&a, a.request, CANCEL_SKIP);
	want_refused(&a, WAMP_CALL, a.request, WERR_CANCELED);
	too_late(&b, inv);

	send_call(&a, "p", "2");
	inv = want_invocation(&b, reg, "2");
	send_cancel(&a, a.request, CANCEL_KILLNOWAIT);
	want_refused(&a, WAMP_CALL, a.request, WERR_CANCELED);
	if (can)
		want_interrupt(&b, inv, CANCEL_KILLNOWAIT, WERR_CANCELED);
	too_late(&b, inv);
	/* a second one, and one of what never was */
	send_cancel(&a, a.request, CANCEL_KILLNOWAIT);
	send_cancel(&a, a.request, CANCEL_KILL);
	send_cancel(&a, a.request, CANCEL_UNKNOWN);
	send_cancel(&a, 777777, CANCEL_SKIP);
	send_cancel(&b, a.request, CANCEL_SKIP);
	bp_quiet();

	send_call(&a, "p", "3");
	inv = want_invocation(&b, reg, "3");
	send_cancel(&a, a.request, CANCEL_UNKNOWN);
	want_refused(&a, WAMP_CALL, a.request, WERR_INVALID_ARGUMENT);
	if (can)
		want_interrupt(&b, inv, CANCEL_KILLNOWAIT,
		    WERR_INVALID_ARGUMENT);
	too_late(&b, inv);
	part(&a, &b);
}

static void
kills(void)
{
	struct sess	a, b;
	uint64_t	reg, inv, call;
	int		i;

	/* T63: the callee says how it ends */
	reg = pair(&a, &b, FEAT_CALLEE_CANCELING);
	for (i = 0; i < 2; i++) {
		send_call(&a, "p", "k");
		inv = want_invocation(&b, reg, "k");
		send_cancel(&a, a.request, CANCEL_KILL);
		want_interrupt(&b, inv, CANCEL_KILL, WERR_CANCELED);
		send_cancel(&a, a.request, CANCEL_KILL);
		bp_quiet();
		if (i == 0) {
			send_yield(&b, inv, "done");
			want_result(&a, a.request, "done");
		} else {
			send_error(&b, inv, "wamp.error.canceled", "");
			want_error(&a, a.request, "wamp.error.canceled", "");
		}
		too_late(&b, inv);
	}
	bp_ok("T63: kill leaves the end to the callee");

	/* T67: others need not wait for that */
	for (i = CANCEL_SKIP; i < CANCEL_MAX; i++) {
		if (i == CANCEL_KILL)
			continue;
		send_call(&a, "p", "k");
		inv = want_invocation(&b, reg, "k");
		send_cancel(&a, a.request, CANCEL_KILL);
		want_interrupt(&b, inv, CANCEL_KILL, WERR_CANCELED);
		send_cancel(&a, a.request, i);
		if (i == CANCEL_UNDELIVERED)
			want_over(&a, a.request);
		else
			want_refused(&a, WAMP_CALL, a.request,
			    i == CANCEL_UNKNOWN ? WERR_INVALID_ARGUMENT :
			    WERR_CANCELED);
		too_late(&b, inv);
	}
	bp_ok("T67: another mode overrides it, and INTERRUPT is sent once");

	send_call(&a, "p", "k");
	call = a.request;
	inv = want_invocation(&b, reg, "k");
	send_cancel(&a, call, CANCEL_KILL);
	want_interrupt(&b, inv, CANCEL_KILL, WERR_CANCELED);
	leave(&b);
	want_refused(&a, WAMP_CALL, call, WERR_CANCELED);
	leave(&a);
	bp_quiet();
	bp_ok("T63: the callee leaves meanwhile");

	/* T64 */
	reg = pair(&a, &b, FEAT_ALL & ~FEAT_CALLEE_CANCELING);
	send_call(&a, "p", "k");
	inv = want_invocation(&b, reg, "k");
	send_cancel(&a, a.request, CANCEL_KILL);
	want_refused(&a, WAMP_CALL, a.request, WERR_CANCELED);
	too_late(&b, inv);
	part(&a, &b);
	bp_ok("T64: kill is skip for a callee that knows nothing of it");
}

static void
undelivered(void)
{
	struct sess	a, b;
	uint64_t	reg, inv;

	reg = pair(&a, &b, FEAT_CALLEE_CANCELING);
	send_call(&a, "p", "u");
	inv = want_invocation(&b, reg, "u");
	send_cancel(&a, a.request, CANCEL_UNDELIVERED);
	want_over(&a, a.request);
	want_interrupt(&b, inv, CANCEL_KILLNOWAIT, WERR_CANCELED);
	too_late(&b, inv);
	send_cancel(&a, a.request, CANCEL_UNDELIVERED);
	want_over(&a, a.request);
	bp_quiet();
	part(&a, &b);
	bp_ok("a result that could not be delivered ends the call");
}

static void
caller_leaves(void)
{
	struct sess	a, b, c;
	uint64_t	reg, creg, inv, inv2;

	reg = pair(&a, &b, FEAT_CALLEE_CANCELING);
	join(&c, T1, 2, gen, R, "all");
	creg = registers(&c, "c");
	send_call(&a, "p", "1");
	inv = want_invocation(&b, reg, "1");
	send_call(&a, "c", "2");
	inv2 = want_invocation(&c, creg, "2");
	send_call(&a, "p", "3");
	want_invocation(&b, reg, "3");
	send_cancel(&a, a.request, CANCEL_KILL);
	want_interrupt(&b, inv + 1, CANCEL_KILL, WERR_CANCELED);
	leave(&a);
	want_interrupt(&b, inv, CANCEL_KILLNOWAIT, WERR_CANCELED);
	too_late(&b, inv);
	too_late(&b, inv + 1);
	too_late(&c, inv2);
	/* one that calls itself */
	send_call(&b, "p", "self");
	want_invocation(&b, reg, "self");
	leave(&b);
	leave(&c);
	bp_quiet();
	bp_ok("T57: a caller leaves");
}

/* -- Call Timeouts ------------------------------------------------------ */

static void
timeouts(void)
{
	struct sess	a, b;
	uint64_t	reg, inv;
	int		i;

	for (i = 0; i < 2; i++) {
		reg = pair(&a, &b, i == 0 ? FEAT_CALLEE_CANCELING :
		    FEAT_CALLEE_TIMEOUT);
		send_call_as(&a, "p", "t", 0, 50);
		inv = want_invocation_as(&b, reg, "t", 0);
		if (rpc_inv.timeout != 0)
			errx(1, "a timeout nobody asked for is forwarded");
		want_refused(&a, WAMP_CALL, a.request, WERR_TIMEOUT);
		if (i == 0)
			want_interrupt(&b, inv, CANCEL_KILLNOWAIT,
			    WERR_TIMEOUT);
		too_late(&b, inv);
		/* what is in time */
		send_call_as(&a, "p", "t", 0, 60000);
		inv = want_invocation_as(&b, reg, "t", 0);
		send_yield(&b, inv, "ok");
		want_result(&a, a.request, "ok");
		/* while "kill" is awaited */
		if (i == 0) {
			send_call_as(&a, "p", "t", 0, 50);
			inv = want_invocation_as(&b, reg, "t", 0);
			send_cancel(&a, a.request, CANCEL_KILL);
			want_interrupt(&b, inv, CANCEL_KILL, WERR_CANCELED);
			want_refused(&a, WAMP_CALL, a.request, WERR_TIMEOUT);
			too_late(&b, inv);
		}
		/* either leaves before */
		send_call_as(&a, "p", "t", 0, 50);
		want_invocation_as(&b, reg, "t", 0);
		if (i == 0) {
			leave(&b);
			want_refused(&a, WAMP_CALL, a.request,
			    WERR_CANCELED);
			leave(&a);
		} else {
			leave(&a);
			leave(&b);
		}
		usleep(100000);
		bp_quiet();
	}
	bp_ok("T68: a call whose time is up");
}

static void
forwarded(void)
{
	struct sess	a, b;
	uint64_t	reg, inv;

	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	send_register_as(&b, "p", MATCH_EXACT, 0, 0,
	    REGISTER_FORWARD_TIMEOUT);
	reg = want_registered(&b);
	/* it asks for what it did not announce */
	send_call_as(&a, "p", "t", 0, 50);
	want_invocation_as(&b, reg, "t", 0);
	if (rpc_inv.timeout != 0)
		errx(1, "a timeout is forwarded to who does not know it");
	want_refused(&a, WAMP_CALL, a.request, WERR_TIMEOUT);
	send_features(&b, FEAT_CALLEE_TIMEOUT | FEAT_CALLEE_CANCELING);
	send_call_as(&a, "p", "t", 0, 50);
	inv = want_invocation_as(&b, reg, "t", 0);
	if (rpc_inv.timeout != 50)
		errx(1, "T69: timeout %u", rpc_inv.timeout);
	usleep(150000);
	bp_quiet();
	send_yield(&b, inv, "late");
	want_result(&a, a.request, "late");
	send_call_as(&a, "p", "t", 0, 0);
	inv = want_invocation_as(&b, reg, "t", 0);
	if (rpc_inv.timeout != 0)
		errx(1, "T69: timeout %u", rpc_inv.timeout);
	send_yield(&b, inv, "");
	want_result(&a, a.request, "");
	part(&a, &b);
	bp_ok("T69: the callee keeps the time if it wants and can");
}

static void
realm_timeouts(void)
{
	static const struct {
		uint32_t	fallback, max, asked;
		uint32_t	want;		/* 0: none */
	}			cases[] = {
		{ 0, 0, 0, 0 }, { 0, 0, 77, 77 }, { 50, 0, 0, 50 },
		{ 50, 0, 77, 77 }, { 0, 60, 0, 60 }, { 0, 60, 50, 50 },
		{ 0, 60, 77, 60 }, { 50, 60, 0, 50 }, { 70, 60, 0, 60 },
	};
	struct conf		*c;
	struct conf_realm	*r;
	struct sess		 a, b;
	uint64_t		 reg;
	size_t			 i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = bconf_new();
		r = conf_find_realm(c, R, strlen(R));
		r->call_timeout = cases[i].fallback;
		r->call_timeout_max = cases[i].max;
		bp_reload(c);
		gen++;
		join(&a, T0, 1, gen, R, "all");
		join(&b, T1, 1, gen, R, "all");
		send_features(&b, FEAT_CALLEE_TIMEOUT);
		send_register_as(&b, "p", MATCH_EXACT, 0, 0,
		    REGISTER_FORWARD_TIMEOUT);
		reg = want_registered(&b);
		send_call_as(&a, "p", "t", 0, cases[i].asked);
		want_invocation_as(&b, reg, "t", 0);
		if (rpc_inv.timeout != cases[i].want)
			errx(1, "timeouts: case %zu: %u", i, rpc_inv.timeout);
		part(&a, &b);
		reg = pair(&a, &b, 0);
		send_call_as(&a, "p", "t", 0, cases[i].asked);
		want_invocation_as(&b, reg, "t", 0);
		if (cases[i].want != 0)
			want_refused(&a, WAMP_CALL, a.request, WERR_TIMEOUT);
		else
			bp_quiet();
		part(&a, &b);
	}
	bp_reload(bconf_new());
	bp_ok("the realm's timeout, and the longest it permits");
}

/* -- Call Re-Routing ---------------------------------------------------- */

#define N	4

static uint64_t
group(struct sess *a, struct sess *b, int invoke)
{
	uint64_t	reg = 0;
	int		i;

	gen++;
	join(a, T0, 1, gen, R, "all");
	for (i = 0; i < N; i++) {
		join(&b[i], T1, (uint32_t)i + 1, gen, R, "all");
		send_features(&b[i], FEAT_CALLEE_REROUTE);
		reg = registers_as(&b[i], "p", MATCH_EXACT, invoke);
	}
	return (reg);
}

static void
disband(struct sess *a, struct sess *b)
{
	int	i;

	leave(a);
	for (i = 0; i < N; i++)
		leave(&b[i]);
	bp_quiet();
}

/* Which callee is invoked, with this payload. */
static int
invoked(struct sess *b, const char *body, uint64_t *inv)
{
	struct m_invocation	m;
	struct got		g;
	int			i;

	side_want(T1, IMSG_INVOCATION, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	*inv = m.request;
	if (m.paylen != strlen(body) || g.len < m.paylen ||
	    memcmp(g.data + g.len - m.paylen, body, m.paylen) != 0)
		errx(1, "rerouted with another payload");
	for (i = 0; i < N && b[i].slot != g.slot; i++)
		;
	return (i);
}

/* A call that callees do not take, in that order; then nobody is left. */
static void
nobody_takes(struct sess *a, struct sess *b, const char *order)
{
	uint64_t	inv;
	int		i, seen = 0;

	send_call(a, "p", "payload");
	for (; *order != '\0'; order++) {
		i = invoked(b, "payload", &inv);
		if (*order != '?' && i != *order - '0')
			errx(1, "rerouted to %d, want %c", i, *order);
		if (seen & 1 << i)
			errx(1, "rerouted twice to %d", i);
		seen |= 1 << i;
		send_error(&b[i], inv, UNAVAILABLE, "");
	}
	want_refused(a, WAMP_CALL, a->request, WERR_NO_AVAILABLE_CALLEE);
}

static void
reroutes(void)
{
	struct sess	a, b[N];
	uint64_t	reg, inv;
	int		i, j, seen[N] = { 0 };

	group(&a, b, INVOKE_FIRST);
	nobody_takes(&a, b, "0123");
	nobody_takes(&a, b, "0123");
	send_flow(&b[1], IMSG_XOFF);
	side_sync(T1);
	nobody_takes(&a, b, "023");
	disband(&a, b);
	group(&a, b, INVOKE_LAST);
	nobody_takes(&a, b, "3210");
	disband(&a, b);
	group(&a, b, INVOKE_ROUNDROBIN);
	nobody_takes(&a, b, "0123");
	nobody_takes(&a, b, "1230");
	nobody_takes(&a, b, "2301");
	disband(&a, b);
	bp_ok("T76: the next callee by the policy, until none is left");

	/* the first is random, and the one after it is, too */
	reg = group(&a, b, INVOKE_RANDOM);
	for (i = 0; i < 600; i++) {
		send_call(&a, "p", "x");
		while ((j = invoked(b, "x", &inv)) == 0)
			send_error(&b[0], inv, UNAVAILABLE, "");
		seen[j]++;
		send_yield(&b[j], inv, "r");
		want_result(&a, a.request, "r");
	}
	for (j = 1; j < N; j++)
		if (seen[j] < 140 || seen[j] > 260)
			errx(1, "random: %d times rerouted to %d", seen[j],
			    j);
	for (i = 0; i < 100; i++)
		nobody_takes(&a, b, "????");
	bp_ok("T76: random");

	/* it ends as any call does */
	send_call(&a, "p", "x");
	i = invoked(b, "x", &inv);
	send_error(&b[i], inv, UNAVAILABLE, "");
	j = invoked(b, "x", &inv);
	send_error(&b[j], inv, "com.other", "e");
	want_error(&a, a.request, "com.other", "e");
	too_late(&b[i], 1);
	/* the first unregisters meanwhile, and comes again */
	send_call(&a, "p", "x");
	i = invoked(b, "x", &inv);
	send_unregister(&b[i], reg);
	want_unregistered(&b[i]);
	send_error(&b[i], inv, UNAVAILABLE, "");
	j = invoked(b, "x", &inv);
	if (i == j)
		errx(1, "rerouted to where it came from");
	send_yield(&b[j], inv, "r");
	want_result(&a, a.request, "r");
	disband(&a, b);

	reg = pair(&a, &b[0], FEAT_CALLEE_REROUTE);
	send_call(&a, "p", "x");
	send_error(&b[0], want_invocation(&b[0], reg, "x"), UNAVAILABLE, "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	part(&a, &b[0]);
	bp_ok("T76: single has nobody else");

	/* without the feature it is an error like others */
	group(&a, b, INVOKE_FIRST);
	send_features(&b[0], 0);
	send_call(&a, "p", "x");
	if (invoked(b, "x", &inv) != 0)
		errx(1, "not the first");
	send_error(&b[0], inv, UNAVAILABLE, "e");
	want_error(&a, a.request, UNAVAILABLE, "e");
	disband(&a, b);
	bp_ok("T76: a callee that did not announce it");

	/* its time goes on */
	group(&a, b, INVOKE_FIRST);
	send_call_as(&a, "p", "t", 0, 100);
	invoked(b, "t", &inv);
	send_error(&b[0], inv, UNAVAILABLE, "");
	invoked(b, "t", &inv);
	want_refused(&a, WAMP_CALL, a.request, WERR_TIMEOUT);
	/* and it can be canceled */
	send_call(&a, "p", "t");
	invoked(b, "t", &inv);
	send_error(&b[0], inv, UNAVAILABLE, "");
	invoked(b, "t", &inv);
	send_cancel(&a, a.request, CANCEL_KILLNOWAIT);
	want_refused(&a, WAMP_CALL, a.request, WERR_CANCELED);
	/* the callee it went to leaves */
	send_call(&a, "p", "t");
	invoked(b, "t", &inv);
	send_error(&b[0], inv, UNAVAILABLE, "");
	invoked(b, "t", &inv);
	leave(&b[1]);
	want_refused(&a, WAMP_CALL, a.request, WERR_CANCELED);
	join(&b[1], T1, 2, ++gen, R, "all");
	disband(&a, b);
	bp_ok("a call that was rerouted is as others are");
}

/* -- Caller Identification, Call Trust Levels ---------------------------- */

static void
disclosed(void)
{
	/* of the realm, of the role; asked by the caller, by the callee */
	static const uint8_t	modes[] = { DISCLOSE_ASKED, DISCLOSE_ALWAYS,
				    DISCLOSE_NEVER };
	struct conf		*c;
	struct conf_realm	*r;
	struct sess		 a, b;
	uint64_t		 reg;
	uint8_t			 mode;
	int			 i, me, callee, want;

	for (i = 0; i < 6; i++) {
		mode = modes[i % 3];
		c = bconf_new();
		r = conf_find_realm(c, R, strlen(R));
		r->disclose_caller = i < 3 ? mode : DISCLOSE_NEVER;
		if (i >= 3)
			conf_find_role(r, "all")->disclose_caller = mode;
		bp_reload(c);
		for (me = 0; me < 2; me++)
		for (callee = 0; callee < 2; callee++) {
			gen++;
			join(&a, T0, 1, gen, R, "all");
			join(&b, T1, 1, gen, R, "all");
			send_register_as(&b, "p", MATCH_EXACT, 0, 0,
			    callee ? REGISTER_DISCLOSE_CALLER : 0);
			reg = want_registered(&b);
			send_call_as(&a, "p", "d", me ? CALL_DISCLOSE_ME : 0,
			    0);
			if (me && mode == DISCLOSE_NEVER) {
				want_refused(&a, WAMP_CALL, a.request,
				    WERR_OPTION_DISALLOWED_DISCLOSE_ME);
				part(&a, &b);
				continue;
			}
			want = mode == DISCLOSE_ALWAYS ||
			    (mode == DISCLOSE_ASKED && (me || callee));
			want_invocation_as(&b, reg, "d", want ?
			    INVOCATION_CALLER : 0);
			if (rpc_inv.caller != (want ? a.id : 0) ||
			    strcmp(rpc_authid, want ? "joe" : "") != 0 ||
			    strcmp(rpc_authrole, want ? "all" : "") != 0)
				errx(1, "caller %llu %s %s", (unsigned long
				    long)rpc_inv.caller, rpc_authid,
				    rpc_authrole);
			part(&a, &b);
		}
	}
	bp_reload(bconf_new());
	bp_ok("T40: who calls is disclosed as configured and asked");
}

static void
trust(void)
{
	struct conf		*c = bconf_new();
	struct conf_role	*role;
	struct sess		 a, b;
	uint64_t		 reg;

	role = conf_find_role(conf_find_realm(c, R, strlen(R)), "all");
	role->has_trust = 1;
	role->trust = 7;
	bp_reload(c);
	reg = pair(&a, &b, FEAT_CALLEE_TRUST);
	send_call(&a, "p", "t");
	want_invocation_as(&b, reg, "t", INVOCATION_TRUST);
	if (rpc_inv.trust != 7)
		errx(1, "trust level %u", rpc_inv.trust);
	part(&a, &b);
	reg = pair(&a, &b, 0);
	send_call(&a, "p", "t");
	want_invocation_as(&b, reg, "t", 0);
	part(&a, &b);
	bp_reload(bconf_new());
	reg = pair(&a, &b, FEAT_CALLEE_TRUST);
	send_call(&a, "p", "t");
	want_invocation_as(&b, reg, "t", 0);
	part(&a, &b);
	bp_ok("trust levels, to callees that know them");
}

/* -- Payload Passthru Mode ---------------------------------------------- */

static void
passthru(void)
{
	static const struct text	none;
	static uint8_t			attrs[64];
	struct ppt_text			t[PPT_ATTRS] = { { "x_test", 6 } };
	struct text			ppt = { attrs, 0 };
	struct sess			a, b;
	struct m_refused		m;
	struct got			g;
	uint64_t			reg, inv;

	ppt.len = ppt_write(attrs, t);
	reg = pair(&a, &b, FEAT_CALLEE_PPT);
	send_features(&a, FEAT_CALLER_PPT);
	rpc_ppt = ppt;
	send_call_as(&a, "p", "c", 0, 0);
	inv = want_invocation_as(&b, reg, "c", 0);
	if (rpc_got_ppt.len != ppt.len ||
	    memcmp(rpc_got_ppt.p, attrs, ppt.len) != 0)
		errx(1, "INVOCATION with other ppt attributes");
	rpc_ppt = ppt;
	send_yield_ppt(&b, inv, 0);
	want_result_ppt(&a, a.request);
	if (rpc_got_ppt.len != ppt.len ||
	    memcmp(rpc_got_ppt.p, attrs, ppt.len) != 0)
		errx(1, "RESULT with other ppt attributes");
	send_call_as(&a, "p", "c", 0, 0);
	inv = want_invocation_as(&b, reg, "c", 0);
	if (rpc_got_ppt.len != none.len)
		errx(1, "ppt attributes from nowhere");
	rpc_ppt = ppt;
	send_error_ppt(&b, inv, "com.e");
	want_error_ppt(&a, a.request);
	if (rpc_got_ppt.len != ppt.len)
		errx(1, "ERROR without ppt attributes");
	bp_ok("T100: ppt attributes are passed on");

	/* the caller has not announced it */
	send_features(&a, 0);
	send_call_as(&a, "p", "c", 0, 0);
	inv = want_invocation_as(&b, reg, "c", 0);
	rpc_ppt = ppt;
	send_yield_ppt(&b, inv, 0);
	hear(&b, IMSG_REFUSED, &g, &m, sizeof(m));
	if (m.request != inv || m.reqtype != WAMP_YIELD ||
	    m.err != WERR_FEATURE_NOT_SUPPORTED)
		errx(1, "YIELD with ppt for a caller without");
	want_refused(&a, WAMP_CALL, a.request, WERR_FEATURE_NOT_SUPPORTED);
	too_late(&b, inv);
	send_call_as(&a, "p", "c", 0, 0);
	inv = want_invocation_as(&b, reg, "c", 0);
	rpc_ppt = ppt;
	send_error_ppt(&b, inv, "com.e");
	want_refused(&a, WAMP_CALL, a.request, WERR_FEATURE_NOT_SUPPORTED);
	part(&a, &b);

	/* nor the callee */
	reg = pair(&a, &b, FEAT_ALL & ~FEAT_CALLEE_PPT);
	send_features(&a, FEAT_CALLER_PPT);
	rpc_ppt = ppt;
	send_call_as(&a, "p", "c", 0, 0);
	want_refused(&a, WAMP_CALL, a.request, WERR_FEATURE_NOT_SUPPORTED);
	rpc_ppt = ppt;
	send_call_as(&a, "wamp.session.count", "", 0, 0);
	want_refused(&a, WAMP_CALL, a.request, WERR_NOT_AUTHORIZED);
	part(&a, &b);
	bp_ok("T100: both sides must have announced it");
}

int
main(void)
{
	bp_start(bconf_new(), 2);
	cancels(FEAT_CALLEE_CANCELING);
	cancels(0);
	bp_ok("T61, T62, T65, T66: skip, killnowait and no such mode");
	kills();
	undelivered();
	caller_leaves();
	timeouts();
	forwarded();
	realm_timeouts();
	reroutes();
	disclosed();
	trust();
	passthru();
	bp_stop();
	return (0);
}
