/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Progressive call results and progressive call invocations at a real
 * broker, with all that may come between.
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

#define RESULTS	(FEAT_CALLEE_CANCELING | FEAT_CALLEE_PROGRESS)
#define PARTS	(FEAT_CALLEE_CANCELING | FEAT_CALLEE_PROGRESS_IN)
#define BOTH	(RESULTS | PARTS)
#define WANTS	CALL_RECEIVE_PROGRESS
#define MORE	CALL_PROGRESS
#define FIRST	INVOCATION_PROGRESS
#define NEXT	(INVOCATION_PROGRESS | INVOCATION_CONTINUES)
#define LAST	INVOCATION_CONTINUES

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

/* Whatever either says of it now is swallowed. */
static void
is_over(struct sess *a, uint64_t call, struct sess *b, uint64_t inv)
{
	send_more(a, call, "p", "late", MORE);
	send_more(a, call, "p", "late", 0);
	send_cancel(a, call, CANCEL_KILL);
	send_progress(b, inv, "late");
	send_yield(b, inv, "late");
	send_error(b, inv, "com.late", "");
	bp_quiet();
}

/* -- Progressive Call Results ------------------------------------------- */

static uint64_t
stream(struct sess *a, struct sess *b, uint64_t reg, uint32_t ms)
{
	uint64_t	inv;

	send_call_as(a, "p", "s", WANTS, ms);
	inv = want_invocation_as(b, reg, "s", INVOCATION_RECEIVE_PROGRESS);
	send_progress(b, inv, "1");
	want_progress(a, a->request, "1");
	return (inv);
}

static void
results(void)
{
	struct sess	a, b;
	uint64_t	reg, inv, call;
	char		n[16];
	int		i;

	reg = pair(&a, &b, RESULTS);
	inv = stream(&a, &b, reg, 0);
	for (i = 0; i < 1000; i++) {
		snprintf(n, sizeof(n), "%d", i);
		send_progress(&b, inv, n);
	}
	send_progress(&b, inv, "");
	send_yield(&b, inv, "end");
	for (i = 0; i < 1000; i++) {
		snprintf(n, sizeof(n), "%d", i);
		want_progress(&a, a.request, n);
	}
	want_progress(&a, a.request, "");
	want_result(&a, a.request, "end");
	is_over(&a, a.request, &b, inv);
	inv = stream(&a, &b, reg, 0);
	send_error(&b, inv, "com.e", "x");
	want_error(&a, a.request, "com.e", "x");
	is_over(&a, a.request, &b, inv);
	bp_ok("progressive results, and the final one");

	/* T72 */
	send_call(&a, "p", "s");
	inv = want_invocation_as(&b, reg, "s", 0);
	send_progress(&b, inv, "1");
	want_result(&a, a.request, "1");
	is_over(&a, a.request, &b, inv);
	bp_ok("T72: progress that nobody asked for is the result");

	/* canceled in every way */
	for (i = CANCEL_SKIP; i < CANCEL_MAX; i++) {
		inv = stream(&a, &b, reg, 0);
		call = a.request;
		send_cancel(&a, call, i);
		if (i == CANCEL_KILL) {
			want_interrupt(&b, inv, CANCEL_KILL, WERR_CANCELED);
			send_progress(&b, inv, "2");
			want_progress(&a, call, "2");
			send_error(&b, inv, "wamp.error.canceled", "");
			want_error(&a, call, "wamp.error.canceled", "");
		} else {
			if (i == CANCEL_UNDELIVERED)
				want_over(&a, call);
			else
				want_refused(&a, WAMP_CALL, call,
				    i == CANCEL_UNKNOWN ?
				    WERR_INVALID_ARGUMENT : WERR_CANCELED);
			if (i != CANCEL_SKIP)
				want_interrupt(&b, inv, CANCEL_KILLNOWAIT,
				    i == CANCEL_UNKNOWN ?
				    WERR_INVALID_ARGUMENT : WERR_CANCELED);
		}
		is_over(&a, call, &b, inv);
	}
	bp_ok("progressive results are canceled");

	/* T70 */
	inv = stream(&a, &b, reg, 400);
	for (i = 0; i < 4; i++) {
		usleep(250000);
		send_progress(&b, inv, "on");
		want_progress(&a, a.request, "on");
	}
	want_refused(&a, WAMP_CALL, a.request, WERR_TIMEOUT);
	want_interrupt(&b, inv, CANCEL_KILLNOWAIT, WERR_TIMEOUT);
	is_over(&a, a.request, &b, inv);
	bp_ok("T70: the time begins anew with each result");

	inv = stream(&a, &b, reg, 0);
	leave(&a);
	want_interrupt(&b, inv, CANCEL_KILLNOWAIT, WERR_CANCELED);
	send_progress(&b, inv, "late");
	bp_quiet();
	join(&a, T0, 1, ++gen, R, "all");
	stream(&a, &b, reg, 0);
	leave(&b);
	want_refused(&a, WAMP_CALL, a.request, WERR_CANCELED);
	leave(&a);
	bp_quiet();
	bp_ok("either leaves between progressive results");

	/* T71: the callee lacks one of the two, or both; then as T72 */
	for (i = 0; i < 2; i++) {
		reg = pair(&a, &b, i == 0 ? FEAT_CALLEE_CANCELING : 0);
		send_call_as(&a, "p", "s", WANTS, 0);
		inv = want_invocation_as(&b, reg, "s", 0);
		send_progress(&b, inv, "1");
		want_result(&a, a.request, "1");
		is_over(&a, a.request, &b, inv);
		part(&a, &b);
	}
	bp_ok("T71: a callee that does not know progressive results");

	/* it took the call */
	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	send_features(&b, RESULTS | FEAT_CALLEE_REROUTE);
	reg = registers_as(&b, "p", MATCH_EXACT, INVOKE_FIRST);
	registers_as(&a, "p", MATCH_EXACT, INVOKE_FIRST);
	inv = stream(&a, &b, reg, 0);
	send_error(&b, inv, "wamp.error.unavailable", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	part(&a, &b);
	bp_ok("after a progressive result no other callee is asked");
}

/* The caller's queue is long; for a while that is no reason. */
static void
slow_caller(void)
{
	struct sess	 a, b;
	struct conf	*c;
	uint64_t	 reg, inv;

	c = bconf_new();
	c->limits.slow = 15 * 1000;
	bp_reload(c);
	reg = pair(&a, &b, RESULTS);
	inv = stream(&a, &b, reg, 0);
	send_flow(&a, IMSG_XOFF);
	side_sync(T0);
	send_progress(&b, inv, "2");
	want_progress(&a, a.request, "2");
	sleep(3);
	send_flow(&a, IMSG_XON);
	send_flow(&a, IMSG_XOFF);
	side_sync(T0);
	sleep(3);
	send_progress(&b, inv, "3");
	want_progress(&a, a.request, "3");
	sleep(3);
	send_progress(&b, inv, "4");
	want_refused(&a, WAMP_CALL, a.request, WERR_CANCELED);
	want_interrupt(&b, inv, CANCEL_KILLNOWAIT, WERR_CANCELED);
	is_over(&a, a.request, &b, inv);
	/* others it gets */
	send_call(&a, "p", "");
	send_yield(&b, want_invocation(&b, reg, ""), "r");
	want_result(&a, a.request, "r");
	part(&a, &b);
	bp_ok("progressive results to a caller that is slow for long");
}

/* -- Progressive Call Invocations --------------------------------------- */

/* A call of which more will follow, and its second part. */
static uint64_t
upload(struct sess *a, struct sess *b, uint64_t reg, uint32_t ms)
{
	uint64_t	inv;

	send_call_as(a, "p", "1", MORE, ms);
	inv = want_invocation_as(b, reg, "1", FIRST);
	send_more(a, a->request, "p", "2", MORE);
	if (want_invocation_as(b, reg, "2", NEXT) != inv)
		errx(1, "another id");
	return (inv);
}

static void
invocations(void)
{
	struct sess	a, b, c;
	uint64_t	reg, creg, inv, call;
	char		n[16];
	int		i;

	reg = pair(&a, &b, PARTS);
	inv = upload(&a, &b, reg, 0);
	call = a.request;
	for (i = 0; i < 500; i++) {
		snprintf(n, sizeof(n), "%d", i);
		send_more(&a, call, "p", n, MORE);
		send_call(&a, "p", n);
	}
	for (i = 0; i < 500; i++) {
		snprintf(n, sizeof(n), "%d", i);
		if (want_invocation_as(&b, reg, n, NEXT) != inv ||
		    want_invocation_as(&b, reg, n, 0) != inv + 1 +
		    (uint64_t)i)
			errx(1, "part %d", i);
	}
	send_more(&a, call, "p", "", 0);
	if (want_invocation_as(&b, reg, "", LAST) != inv)
		errx(1, "the last part");
	send_yield(&b, inv, "all");
	want_result(&a, call, "all");
	is_over(&a, call, &b, inv);
	for (i = 1; i <= 500; i++) {
		send_yield(&b, inv + (uint64_t)i, "");
		want_result(&a, call + (uint64_t)i, "");
	}
	part(&a, &b);
	bp_ok("parts of a call, in order among others");

	/* a result or error before the last part ends it */
	reg = pair(&a, &b, PARTS);
	inv = upload(&a, &b, reg, 0);
	send_yield(&b, inv, "enough");
	want_result(&a, a.request, "enough");
	is_over(&a, a.request, &b, inv);
	inv = upload(&a, &b, reg, 0);
	send_error(&b, inv, "com.e", "");
	want_error(&a, a.request, "com.e", "");
	is_over(&a, a.request, &b, inv);
	/* one whose last part there was */
	send_call_as(&a, "p", "1", MORE, 0);
	inv = want_invocation_as(&b, reg, "1", FIRST);
	send_more(&a, a.request, "p", "2", 0);
	want_invocation_as(&b, reg, "2", LAST);
	send_yield(&b, inv, "");
	want_result(&a, a.request, "");
	is_over(&a, a.request, &b, inv);
	bp_ok("what continues a call that is over is discarded");

	/* another procedure's, another session's */
	join(&c, T0, 2, gen, R, "all");
	inv = upload(&a, &b, reg, 0);
	send_more(&a, a.request, "q", "x", MORE);
	send_more(&c, a.request, "p", "x", MORE);
	bp_quiet();
	send_more(&a, a.request, "p", "3", 0);
	want_invocation_as(&b, reg, "3", LAST);
	send_yield(&b, inv, "");
	want_result(&a, a.request, "");
	leave(&c);
	bp_ok("so is one of another procedure");

	for (i = CANCEL_SKIP; i < CANCEL_MAX; i++) {
		inv = upload(&a, &b, reg, 0);
		call = a.request;
		send_cancel(&a, call, i);
		if (i == CANCEL_KILL) {
			want_interrupt(&b, inv, CANCEL_KILL, WERR_CANCELED);
			send_more(&a, call, "p", "no more", MORE);
			bp_quiet();
			send_yield(&b, inv, "so far");
			want_result(&a, call, "so far");
		} else {
			if (i == CANCEL_UNDELIVERED)
				want_over(&a, call);
			else
				want_refused(&a, WAMP_CALL, call,
				    i == CANCEL_UNKNOWN ?
				    WERR_INVALID_ARGUMENT : WERR_CANCELED);
			if (i != CANCEL_SKIP)
				want_interrupt(&b, inv, CANCEL_KILLNOWAIT,
				    i == CANCEL_UNKNOWN ?
				    WERR_INVALID_ARGUMENT : WERR_CANCELED);
		}
		is_over(&a, call, &b, inv);
	}
	inv = upload(&a, &b, reg, 50);
	want_refused(&a, WAMP_CALL, a.request, WERR_TIMEOUT);
	want_interrupt(&b, inv, CANCEL_KILLNOWAIT, WERR_TIMEOUT);
	is_over(&a, a.request, &b, inv);
	bp_ok("a call in parts is canceled, its time is up");

	inv = upload(&a, &b, reg, 0);
	send_failed(&b, inv, WERR_PAYLOAD_SIZE_EXCEEDED, "too long");
	want_refused(&a, WAMP_CALL, a.request, WERR_PAYLOAD_SIZE_EXCEEDED);
	want_interrupt(&b, inv, CANCEL_KILLNOWAIT, WERR_CANCELED);
	is_over(&a, a.request, &b, inv);
	send_call_as(&a, "p", "1", MORE, 0);
	inv = want_invocation_as(&b, reg, "1", FIRST);
	send_failed(&b, inv, WERR_PAYLOAD_SIZE_EXCEEDED, "too long");
	want_refused(&a, WAMP_CALL, a.request, WERR_PAYLOAD_SIZE_EXCEEDED);
	is_over(&a, a.request, &b, inv);
	bp_ok("a part that could not be delivered");

	inv = upload(&a, &b, reg, 0);
	leave(&a);
	want_interrupt(&b, inv, CANCEL_KILLNOWAIT, WERR_CANCELED);
	join(&a, T0, 1, ++gen, R, "all");
	upload(&a, &b, reg, 0);
	call = a.request;
	leave(&b);
	want_refused(&a, WAMP_CALL, call, WERR_CANCELED);
	send_more(&a, call, "p", "late", MORE);
	leave(&a);
	bp_quiet();
	bp_ok("either leaves between parts");

	/* T73 */
	reg = pair(&a, &b, FEAT_ALL & ~FEAT_CALLEE_PROGRESS_IN);
	send_call_as(&a, "p", "1", MORE, 0);
	want_refused(&a, WAMP_CALL, a.request, WERR_FEATURE_NOT_SUPPORTED);
	send_more(&a, a.request, "p", "2", MORE);
	send_more(&a, a.request, "p", "3", 0);
	bp_quiet();
	part(&a, &b);
	bp_ok("T73: a callee that does not know calls in parts");

	/* with others it is not asked */
	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	join(&c, T1, 2, gen, R, "all");
	registers_as(&c, "p", MATCH_EXACT, INVOKE_ROUNDROBIN);
	send_features(&b, PARTS);
	creg = registers_as(&b, "p", MATCH_EXACT, INVOKE_ROUNDROBIN);
	for (i = 0; i < 3; i++) {
		inv = upload(&a, &b, creg, 0);
		send_more(&a, a.request, "p", "3", 0);
		want_invocation_as(&b, creg, "3", LAST);
		send_yield(&b, inv, "");
		want_result(&a, a.request, "");
	}
	leave(&c);
	part(&a, &b);
	bp_ok("T73: all parts go to one callee, one that can");
}

/* T75 */
static void
violations(int kind)
{
	struct sess	a, b;
	uint64_t	reg;

	reg = pair(&a, &b, PARTS);
	if (kind == 0) {
		send_call(&a, "p", "1");
		want_invocation_as(&b, reg, "1", 0);
	} else {
		send_call_as(&a, "p", "1", MORE, 0);
		want_invocation_as(&b, reg, "1", FIRST);
		send_more(&a, a.request, "p", "2", 0);
		want_invocation_as(&b, reg, "2", LAST);
	}
	send_more(&a, a.request, "p", "3", 0);
	want_end(T0, a.slot, a.gen, WERR_PROTOCOL_VIOLATION);
	want_interrupt(&b, 1, CANCEL_KILLNOWAIT, WERR_CANCELED);
	send_close(&a, CLOSE_ENDED);
	leave(&b);
	bp_quiet();
}

/* "request ids loose": it may be a new call by an id that is known. */
static void
loose(void)
{
	struct sess	a, b;
	uint64_t	reg, inv, call;

	reg = pair(&a, &b, PARTS);
	send_call_as(&a, "p", "1", MORE | CALL_MAY_CONTINUE, 0);
	inv = want_invocation_as(&b, reg, "1", FIRST);
	call = a.request--;
	send_call_as(&a, "p", "2", MORE | CALL_MAY_CONTINUE, 0);
	if (want_invocation_as(&b, reg, "2", NEXT) != inv)
		errx(1, "loose: a part");
	a.request--;
	send_call_as(&a, "p", "3", CALL_MAY_CONTINUE, 0);
	if (want_invocation_as(&b, reg, "3", LAST) != inv)
		errx(1, "loose: the last part");
	a.request--;
	send_call_as(&a, "p", "new", CALL_MAY_CONTINUE, 0);
	if (want_invocation_as(&b, reg, "new", 0) != inv + 1)
		errx(1, "loose: a new call");
	send_yield(&b, inv + 1, "r2");
	want_result(&a, call, "r2");
	send_yield(&b, inv, "r1");
	want_result(&a, call, "r1");
	part(&a, &b);
	bp_ok("request ids that need not be new");
}

/* WAMP, Freezing of Options */
static void
frozen(void)
{
	static uint8_t	attrs[64];
	struct ppt_text	t[PPT_ATTRS] = { { "x_test", 6 } };
	struct text	ppt = { attrs, 0 };
	struct sess	a, b;
	uint64_t	reg, inv;
	uint32_t	told;
	int		i;

	ppt.len = ppt_write(attrs, t);
	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	send_features(&b, BOTH | FEAT_CALLEE_PPT | FEAT_CALLEE_TIMEOUT);
	send_register_as(&b, "a.b", MATCH_PREFIX, 0, 0,
	    REGISTER_FORWARD_TIMEOUT);
	reg = want_registered(&b);
	/* all of them with the first, none with the others */
	rpc_ppt = ppt;
	send_call_as(&a, "a.b.c", "1", MORE | WANTS | CALL_DISCLOSE_ME, 5000);
	told = INVOCATION_CALLER | INVOCATION_RECEIVE_PROGRESS;
	for (i = 0; i < 3; i++) {
		inv = want_invocation_as(&b, reg, i == 0 ? "1" : "2",
		    told | (i == 0 ? FIRST : i == 1 ? NEXT : LAST));
		if (strcmp(rpc_procedure, "a.b.c") != 0 ||
		    rpc_inv.caller != a.id || rpc_inv.timeout != 5000 ||
		    rpc_got_ppt.len != ppt.len ||
		    memcmp(rpc_got_ppt.p, attrs, ppt.len) != 0)
			errx(1, "part %d has not the first one's options",
			    i);
		if (i < 2)
			send_more(&a, a.request, "a.b.c", "2",
			    i == 0 ? MORE : 0);
	}
	send_progress(&b, inv, "1");
	want_progress(&a, a.request, "1");
	send_yield(&b, inv, "end");
	want_result(&a, a.request, "end");
	/* the other way about */
	send_call_as(&a, "a.b.c", "1", MORE, 0);
	inv = want_invocation_as(&b, reg, "1", FIRST);
	rpc_ppt = ppt;
	send_more(&a, a.request, "a.b.c", "2",
	    WANTS | CALL_DISCLOSE_ME);
	want_invocation_as(&b, reg, "2", LAST);
	if (rpc_inv.caller != 0 || rpc_got_ppt.len != 0)
		errx(1, "options of a later part count");
	send_progress(&b, inv, "final");
	want_result(&a, a.request, "final");
	part(&a, &b);
	bp_ok("T73: the options are those of the first part");
}

/* Who sends parts faster than the callee takes them is not read. */
static void
slow_callee(void)
{
	struct sess	a, b;
	struct got	g;
	uint64_t	reg, inv;
	char		none[1];
	int		end;

	for (end = 0; end < 4; end++) {
		reg = pair(&a, &b, PARTS);
		inv = upload(&a, &b, reg, end == 1 ? 300 : 0);
		send_flow(&b, IMSG_XOFF);
		side_sync(T1);
		send_more(&a, a.request, "p", "3", MORE);
		want_invocation_as(&b, reg, "3", NEXT);
		hear(&a, IMSG_XOFF, &g, none, 0);
		send_more(&a, a.request, "p", "4", MORE);
		want_invocation_as(&b, reg, "4", NEXT);
		bp_quiet();
		switch (end) {
		case 0:
			send_flow(&b, IMSG_XON);
			hear(&a, IMSG_XON, &g, none, 0);
			send_more(&a, a.request, "p", "5", 0);
			want_invocation_as(&b, reg, "5", LAST);
			send_yield(&b, inv, "");
			want_result(&a, a.request, "");
			break;
		case 1:
			want_refused(&a, WAMP_CALL, a.request, WERR_TIMEOUT);
			want_interrupt(&b, inv, CANCEL_KILLNOWAIT,
			    WERR_TIMEOUT);
			hear(&a, IMSG_XON, &g, none, 0);
			break;
		case 2:
			send_close(&b, CLOSE_LOST);
			want_end(T1, b.slot, b.gen, WERR_NONE);
			hear(&a, IMSG_XON, &g, none, 0);
			want_refused(&a, WAMP_CALL, a.request, WERR_CANCELED);
			leave(&a);
			bp_quiet();
			continue;
		case 3:
			send_close(&a, CLOSE_LOST);
			want_end(T0, a.slot, a.gen, WERR_NONE);
			want_interrupt(&b, inv, CANCEL_KILLNOWAIT,
			    WERR_CANCELED);
			leave(&b);
			bp_quiet();
			continue;
		}
		part(&a, &b);
	}
	bp_ok("a caller waits for a callee that is slow");
}

static void
both_ways(void)
{
	struct sess	a, b;
	uint64_t	reg, inv;
	int		i;

	reg = pair(&a, &b, BOTH);
	send_call_as(&a, "p", "1", MORE | WANTS, 0);
	inv = want_invocation_as(&b, reg, "1", FIRST |
	    INVOCATION_RECEIVE_PROGRESS);
	for (i = 0; i < 100; i++) {
		send_progress(&b, inv, "r");
		want_progress(&a, a.request, "r");
		send_more(&a, a.request, "p", "2", MORE);
		want_invocation_as(&b, reg, "2", NEXT |
		    INVOCATION_RECEIVE_PROGRESS);
	}
	send_more(&a, a.request, "p", "3", 0);
	want_invocation_as(&b, reg, "3", LAST | INVOCATION_RECEIVE_PROGRESS);
	send_progress(&b, inv, "r");
	want_progress(&a, a.request, "r");
	send_yield(&b, inv, "end");
	want_result(&a, a.request, "end");
	is_over(&a, a.request, &b, inv);
	part(&a, &b);
	bp_ok("parts and progressive results of one call");
}

static void
rerouted(void)
{
	struct sess	a, b, c;
	uint64_t	reg, inv;

	gen++;
	join(&a, T0, 1, gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	join(&c, T1, 2, gen, R, "all");
	send_features(&b, PARTS | FEAT_CALLEE_REROUTE);
	send_features(&c, PARTS | FEAT_CALLEE_REROUTE);
	reg = registers_as(&b, "p", MATCH_EXACT, INVOKE_FIRST);
	registers_as(&c, "p", MATCH_EXACT, INVOKE_FIRST);
	send_call_as(&a, "p", "1", MORE, 0);
	inv = want_invocation_as(&b, reg, "1", FIRST);
	send_error(&b, inv, "wamp.error.unavailable", "");
	inv = want_invocation_as(&c, reg, "1", FIRST);
	send_more(&a, a.request, "p", "2", 0);
	want_invocation_as(&c, reg, "2", LAST);
	send_yield(&c, inv, "r");
	want_result(&a, a.request, "r");
	/* too late: what was sent of it is gone */
	inv = upload(&a, &b, reg, 0);
	send_error(&b, inv, "wamp.error.unavailable", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	/* nor is a payload made up that was not kept: who says that it can is
	 * to be believed from then on */
	send_features(&b, PARTS);
	send_call_as(&a, "p", "1", MORE, 0);
	inv = want_invocation_as(&b, reg, "1", FIRST);
	send_features(&b, PARTS | FEAT_CALLEE_REROUTE);
	send_error(&b, inv, "wamp.error.unavailable", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	leave(&c);
	part(&a, &b);
	bp_ok("a call in parts is rerouted while there is one part");
}

int
main(void)
{
	bp_start(bconf_new(), 2);
	results();
	invocations();
	violations(0);
	violations(1);
	bp_ok("T75: more of a call that takes no more");
	loose();
	frozen();
	both_ways();
	rerouted();
	slow_callee();
	slow_caller();
	bp_stop();
	return (0);
}
