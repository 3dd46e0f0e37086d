/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Remote Procedure Calls of the Basic Profile at a real broker.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bplay.h"
#include "conf.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"

static uint32_t	gen;		/* every case has sessions of its own */

static void
two(struct sess *caller, struct sess *callee)
{
	gen++;
	join(caller, T0, 1, gen, R, "all");
	join(callee, T1, 1, gen, R, "all");
}

static void
calls(void)
{
	struct sess	a, b, c;
	uint64_t	reg, reg2, inv, call, call2;

	two(&a, &b);
	join(&c, T1, 2, gen, R, "all");
	reg = registers(&b, "com.add");
	send_call(&a, "com.add", "[1,2]{}");
	inv = want_invocation(&b, reg, "[1,2]{}");
	if (inv != 1)
		errx(1, "T24: first invocation has id %llu",
		    (unsigned long long)inv);
	send_yield(&b, inv, "[3]");
	want_result(&a, a.request, "[3]");
	send_call(&a, "com.add", "");
	if ((inv = want_invocation(&b, reg, "")) != 2)
		errx(1, "T24: second invocation");
	send_yield(&b, inv, "");
	want_result(&a, a.request, "");
	bp_ok("a call and its result");

	/* two under way, answered in the other order, of two procedures */
	reg2 = registers(&b, "com.sub");
	send_call(&a, "com.sub", "one");
	call = a.request;
	send_call(&a, "com.add", "two");
	call2 = a.request;
	if (want_invocation(&b, reg2, "one") != 3 ||
	    want_invocation(&b, reg, "two") != 4)
		errx(1, "T24: invocations of two procedures");
	send_error(&b, 4, "com.example.Error-1", "{}");
	want_error(&a, call2, "com.example.Error-1", "{}");
	send_yield(&b, 3, "r");
	want_result(&a, call, "r");
	send_call(&a, "com.add", "");
	want_invocation(&b, reg, "");
	send_error(&b, 5, "wamp.error.runtime_error", "");
	want_error(&a, a.request, "wamp.error.runtime_error", "");
	bp_ok("T24: invocations count 1, 2, 3 per callee");

	/* another callee begins at 1 */
	reg2 = registers(&c, "com.mul");
	send_call(&a, "com.mul", "x");
	if ((inv = want_invocation(&c, reg2, "x")) != 1)
		errx(1, "T24: another callee");
	send_yield(&c, inv, "y");
	want_result(&a, a.request, "y");

	send_call(&b, "com.add", "self");
	inv = want_invocation(&b, reg, "self");
	call = b.request;
	send_yield(&b, inv, "me");
	want_result(&b, call, "me");
	bp_ok("T59: a callee calls itself");

	/* an error that is no URI */
	send_call(&a, "com.add", "");
	inv = want_invocation(&b, reg, "");
	send_error(&b, inv, "no uri", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_INVALID_URI);
	bp_quiet();
	leave(&a);
	leave(&b);
	leave(&c);
}

static void
registrations(void)
{
	struct sess	a, b, poor;
	uint64_t	reg, reg2, inv, inv2, call;

	two(&a, &b);
	join(&poor, T0, 2, gen, R, "none");
	send_call(&a, "com.add", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_SUCH_PROCEDURE);
	reg = registers(&b, "com.add");
	send_register(&b, "com.add", MATCH_EXACT, 0);
	want_refused(&b, WAMP_REGISTER, b.request,
	    WERR_PROCEDURE_ALREADY_EXISTS);
	send_register(&a, "com.add", MATCH_EXACT, 0);
	want_refused(&a, WAMP_REGISTER, a.request,
	    WERR_PROCEDURE_ALREADY_EXISTS);
	bp_ok("T47, T48: no such procedure, procedure already exists");

	send_register(&poor, "com.add", MATCH_EXACT, 0);
	want_refused(&poor, WAMP_REGISTER, poor.request, WERR_NOT_AUTHORIZED);
	send_register(&poor, "com.none", MATCH_EXACT, 0);
	want_refused(&poor, WAMP_REGISTER, poor.request, WERR_NOT_AUTHORIZED);
	send_call(&poor, "com.add", "");
	want_refused(&poor, WAMP_CALL, poor.request, WERR_NOT_AUTHORIZED);
	send_call(&poor, "com.none", "");
	want_refused(&poor, WAMP_CALL, poor.request, WERR_NOT_AUTHORIZED);
	send_subscribe(&poor, "com.none", MATCH_EXACT);
	want_refused(&poor, WAMP_SUBSCRIBE, poor.request,
	    WERR_NOT_AUTHORIZED);
	send_publish(&poor, PUBLISH_ACK, "com.none", "", 0);
	want_refused(&poor, WAMP_PUBLISH, poor.request, WERR_NOT_AUTHORIZED);
	bp_ok("T26: authorization before existence; an empty role may nothing");

	send_register(&a, "wamp.x", MATCH_EXACT, 0);
	want_refused(&a, WAMP_REGISTER, a.request, WERR_INVALID_URI);
	bp_ok("T43: no procedures below wamp.");

	send_unregister(&a, reg);
	want_refused(&a, WAMP_UNREGISTER, a.request,
	    WERR_NO_SUCH_REGISTRATION);
	send_unregister(&a, 12345678);
	want_refused(&a, WAMP_UNREGISTER, a.request,
	    WERR_NO_SUCH_REGISTRATION);
	send_call(&a, "com.add", "still");
	call = a.request;
	inv = want_invocation(&b, reg, "still");
	bp_ok("T52: a foreign registration stays");

	/* T51, with a second one under way */
	send_call(&a, "com.add", "too");
	inv2 = want_invocation(&b, reg, "too");
	send_unregister(&b, reg);
	want_unregistered(&b);
	send_call(&a, "com.add", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_SUCH_PROCEDURE);
	send_unregister(&b, reg);
	want_refused(&b, WAMP_UNREGISTER, b.request,
	    WERR_NO_SUCH_REGISTRATION);
	send_yield(&b, inv, "done");
	want_result(&a, call, "done");
	send_error(&b, inv2, "com.late", "");
	want_error(&a, call + 1, "com.late", "");
	bp_ok("T51: UNREGISTER with invocations under way");

	reg2 = registers(&a, "com.add");
	if (reg2 == reg)
		errx(1, "a registration's id came back");
	leave(&a);
	leave(&b);
	leave(&poor);
}

static void
callee_leaves(void)
{
	struct sess	a, b;
	uint64_t	reg, first;
	int		i;

	two(&a, &b);
	reg = registers(&b, "p");
	send_call(&a, "p", "");
	first = a.request;
	send_call(&a, "p", "");
	want_invocation(&b, reg, "");
	want_invocation(&b, reg, "");
	leave(&b);
	want_refused(&a, WAMP_CALL, first, WERR_CANCELED);
	want_refused(&a, WAMP_CALL, first + 1, WERR_CANCELED);
	send_call(&a, "p", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_SUCH_PROCEDURE);
	bp_ok("T56: the callee leaves");

	/* its own calls end without a word */
	join(&b, T1, 1, ++gen, R, "all");
	reg = registers(&b, "p");
	send_call(&b, "p", "");
	want_invocation(&b, reg, "");
	leave(&b);
	bp_quiet();

	/* so many that not all are told at once */
	join(&b, T1, 1, ++gen, R, "all");
	reg = registers(&b, "p");
	first = a.request + 1;
	for (i = 0; i < 20000; i++) {
		send_call(&a, "p", "");
		want_invocation(&b, reg, "");
	}
	send_close(&b, CLOSE_LOST);
	want_end(T1, b.slot, b.gen, WERR_NONE);
	for (i = 0; i < 20000; i++)
		want_refused(&a, WAMP_CALL, first + (uint64_t)i,
		    WERR_CANCELED);
	bp_quiet();

	/* again, but the caller leaves meanwhile */
	join(&b, T1, 1, ++gen, R, "all");
	reg = registers(&b, "p");
	for (i = 0; i < 5000; i++) {
		send_call(&a, "p", "");
		want_invocation(&b, reg, "");
	}
	send_close(&b, CLOSE_LOST);
	want_end(T1, b.slot, b.gen, WERR_NONE);
	send_close(&a, CLOSE_LOST);
	for (;;) {
		struct got	g;

		if (side_next(T0, &g, 20000) != 1)
			errx(1, "no SESSION_END");
		if (g.type == IMSG_SESSION_END)
			break;
		if (g.type != IMSG_REFUSED)
			errx(1, "got %u", g.type);
	}
	bp_quiet();
	bp_ok("a callee leaves with thousands of calls");

	/* with its process */
	two(&a, &b);
	reg = registers(&b, "p");
	send_call(&a, "p", "");
	want_invocation(&b, reg, "");
	side_close(T1);
	want_refused(&a, WAMP_CALL, a.request, WERR_CANCELED);
	side_open(T1, PROC_TLSPROXY, 1);
	join(&b, T1, 1, 1, R, "all");
	registers(&b, "p");
	leave(&a);
	leave(&b);
	bp_ok("a callee's tlsproxy dies");
}

static void
caller_leaves(void)
{
	struct sess	a, b, c;
	uint64_t	reg, inv;

	two(&a, &b);
	join(&c, T0, 2, gen, R, "all");
	reg = registers(&b, "p");
	send_call(&a, "p", "1");
	inv = want_invocation(&b, reg, "1");
	leave(&a);
	bp_quiet();
	send_yield(&b, inv, "late");
	send_yield(&b, inv, "later");
	send_error(&b, inv, "com.late", "");
	send_failed(&b, inv, WERR_PAYLOAD_SIZE_EXCEEDED, "too late");
	bp_quiet();
	/* the session goes on, and so do the ids */
	send_call(&c, "p", "2");
	if (want_invocation(&b, reg, "2") != inv + 1)
		errx(1, "invocation ids");
	send_yield(&b, inv + 1, "ok");
	want_result(&c, c.request, "ok");
	/* the answer to an answered call */
	send_yield(&b, inv + 1, "ok");
	bp_quiet();
	leave(&b);
	leave(&c);
	bp_ok("T55: late answers are swallowed");
}

/* T55: ids never sent to that session, whoever else has them. */
static void
violation(int kind)
{
	struct sess		a, b, c;
	uint64_t		reg, inv;
	struct got		g;
	struct m_session_end	m;

	two(&a, &b);
	join(&c, T1, 2, gen, R, "all");
	reg = registers(&b, "p");
	send_call(&a, "p", "1");
	inv = want_invocation(&b, reg, "1");
	switch (kind) {
	case 0:
		send_yield(&c, inv, "forged");
		break;
	case 1:
		send_error(&c, inv, "com.forged", "");
		break;
	case 2:
		send_yield(&c, 0, "");
		break;
	case 3:
		send_yield(&c, UINT64_MAX, "");
		break;
	}
	side_want(T1, IMSG_SESSION_END, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != c.slot || g.gen != c.gen ||
	    m.err != WERR_PROTOCOL_VIOLATION)
		errx(1, "T55: SESSION_END of %u: %u", g.slot, m.err);
	/* what it had still to say is not heard */
	send_publish(&c, PUBLISH_ACK, "t", "", 0);
	send_yield(&c, 77, "");
	bp_quiet();
	send_close(&c, CLOSE_ENDED);
	send_yield(&b, inv, "true");
	want_result(&a, a.request, "true");
	leave(&a);
	leave(&b);
	bp_quiet();
}

static void
failed(void)
{
	struct sess	a, b;
	uint64_t	reg, inv;
	unsigned int	n = bp.nsuspects;

	two(&a, &b);
	reg = registers(&b, "p");
	send_call(&a, "p", "1");
	inv = want_invocation(&b, reg, "1");
	send_failed(&b, inv, WERR_PAYLOAD_SIZE_EXCEEDED, "it is too long");
	want_refused(&a, WAMP_CALL, a.request, WERR_PAYLOAD_SIZE_EXCEEDED);
	bp_ok("a tlsproxy could not deliver");

	send_failed(&b, inv + 1, WERR_INVALID_ARGUMENT, "never was");
	side_is_cut(T1, n);
	side_open(T1, PROC_TLSPROXY, 1);
	leave(&a);
	bp_ok("and makes up an invocation");
}

static void
slow(void)
{
	struct sess	a, b;
	uint64_t	reg;

	two(&a, &b);
	reg = registers(&b, "p");
	send_flow(&b, IMSG_XOFF);
	send_flow(&b, IMSG_XOFF);
	side_sync(T1);
	send_call(&a, "p", "1");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	send_flow(&b, IMSG_XON);
	side_sync(T1);
	send_call(&a, "p", "2");
	send_yield(&b, want_invocation(&b, reg, "2"), "");
	want_result(&a, a.request, "");
	leave(&a);
	leave(&b);
	bp_ok("T60: a callee that is slow");
}

static void
limits(void)
{
	struct sess	a, b;
	char		name[32];
	uint64_t	reg = 0, inv = 0, first;
	int		i;

	two(&a, &b);
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "p.%d", i);
		reg = registers(&b, name);
	}
	send_register(&b, "p.20", MATCH_EXACT, 0);
	want_refused(&b, WAMP_REGISTER, b.request, WERR_NOT_AUTHORIZED);
	send_unregister(&b, reg);
	want_unregistered(&b);
	reg = registers(&b, "p.20");
	first = a.request + 1;
	for (i = 0; i < 20000; i++) {
		send_call(&a, "p.20", "");
		inv = want_invocation(&b, reg, "");
	}
	send_call(&a, "p.20", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NOT_AUTHORIZED);
	send_yield(&b, inv, "");
	want_result(&a, first + 19999, "");
	send_call(&a, "p.20", "");
	want_invocation(&b, reg, "");
	leave(&a);
	leave(&b);
	bp_ok("limits of registrations and calls");
}

static void
ordering(void)
{
	struct sess	a, b;
	uint64_t	reg[3];
	char		name[32];
	int		i, j;

	two(&a, &b);
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "o.%d", i);
		reg[i] = registers(&b, name);
	}
	for (i = 0; i < 10000; i += 100) {
		for (j = i; j < i + 100; j++) {
			snprintf(name, sizeof(name), "o.%d", j % 3);
			send_call(&a, name, name + 2);
		}
		for (j = i; j < i + 100; j++) {
			snprintf(name, sizeof(name), "%d", j % 3);
			if (want_invocation(&b, reg[j % 3], name) !=
			    (uint64_t)j + 1)
				errx(1, "T29: call %d", j);
		}
	}
	leave(&a);
	leave(&b);
	bp_ok("T29: invocations in the order of the calls");
}

int
main(void)
{
	struct conf	*c = bconf_new();
	int		 i;

	bconf_role(conf_find_realm(c, R, strlen(R)), "none");
	c->limits.registrations = 20;
	c->limits.calls = 20000;
	bp_start(c, 2);
	calls();
	registrations();
	callee_leaves();
	caller_leaves();
	for (i = 0; i < 4; i++)
		violation(i);
	bp_ok("T55: answers to what was never asked end the session");
	failed();
	slow();
	limits();
	ordering();
	bp_stop();
	return (0);
}
