/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Shared and pattern-based registrations at a real broker: whom a call goes
 * to.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bplay_rpc.h"
#include "conf.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"
#define MANY	10000

static uint32_t	gen;

/* A caller and n callees. */
static void
people(struct sess *caller, struct sess *b, int n)
{
	int	i;

	gen++;
	join(caller, T0, 1, gen, R, "all");
	for (i = 0; i < n; i++)
		join(&b[i], T1, (uint32_t)i + 1, gen, R, "all");
}

static void
all_leave(struct sess *caller, struct sess *b, int n)
{
	int	i;

	leave(caller);
	for (i = 0; i < n; i++)
		leave(&b[i]);
	bp_quiet();
}

/* The next INVOCATION, whoever of the callees gets it: who does. */
static int
next_callee(struct sess *b, int n, uint64_t *inv)
{
	struct m_invocation	m;
	struct got		g;
	int			i;

	side_want(T1, IMSG_INVOCATION, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	*inv = m.request;
	for (i = 0; i < n; i++)
		if (b[i].slot == g.slot && b[i].gen == g.gen)
			return (i);
	errx(1, "INVOCATION for slot %u", g.slot);
}

/* A call, its result, and which callee it was. */
static int
call_one(struct sess *a, struct sess *b, int n, const char *procedure)
{
	uint64_t	inv;
	int		i;

	send_call(a, procedure, "");
	i = next_callee(b, n, &inv);
	send_yield(&b[i], inv, "r");
	want_result(a, a->request, "r");
	return (i);
}

static void
want_calls(struct sess *a, struct sess *b, int n, const char *procedure,
    const char *order)
{
	int	i;

	for (; *order != '\0'; order++)
		if ((i = call_one(a, b, n, procedure)) != *order - '0')
			errx(1, "callee %d was called, want %c", i, *order);
}

/* -- Shared Registration ------------------------------------------------ */

static uint64_t
share(struct sess *b, int n, int invoke)
{
	uint64_t	reg = 0, r;
	int		i;

	for (i = 0; i < n; i++) {
		r = registers_as(&b[i], "p", MATCH_EXACT, invoke);
		if (i > 0 && r != reg)
			errx(1, "two ids of a shared registration");
		reg = r;
	}
	return (reg);
}

static void
conflicts(void)
{
	struct sess	a, b[3];
	uint64_t	reg;
	int		i, j;

	for (i = 0; i < INVOKE_MAX; i++) {
		people(&a, b, 3);
		reg = registers_as(&b[0], "p", MATCH_EXACT, i);
		for (j = 0; j < INVOKE_MAX; j++) {
			if (i == j && i != INVOKE_SINGLE)
				continue;
			send_register(&b[1], "p", MATCH_EXACT, j);
			want_refused(&b[1], WAMP_REGISTER, b[1].request,
			    WERR_PROCEDURE_ALREADY_EXISTS);
		}
		/* of the same name, but others */
		if (registers_as(&b[1], "p", MATCH_PREFIX, INVOKE_LAST) ==
		    reg ||
		    registers_as(&b[2], "p", MATCH_WILDCARD, 0) == reg)
			errx(1, "one id of two registrations");
		want_calls(&a, b, 3, "p", "000");
		send_unregister(&b[0], reg);
		want_unregistered(&b[0]);
		want_calls(&a, b, 3, "p", "111");
		all_leave(&a, b, 3);
	}
	bp_ok("T48: conflicts are of the same procedure and match");

	people(&a, b, 3);
	reg = share(b, 3, INVOKE_ROUNDROBIN);
	if (registers_as(&b[1], "p", MATCH_EXACT, INVOKE_ROUNDROBIN) != reg)
		errx(1, "T49: another id");
	want_calls(&a, b, 3, "p", "012012");
	send_unregister(&b[1], reg);
	want_unregistered(&b[1]);
	send_unregister(&b[1], reg);
	want_refused(&b[1], WAMP_UNREGISTER, b[1].request,
	    WERR_NO_SUCH_REGISTRATION);
	send_unregister(&a, reg);
	want_refused(&a, WAMP_UNREGISTER, a.request,
	    WERR_NO_SUCH_REGISTRATION);
	want_calls(&a, b, 3, "p", "0202");
	all_leave(&a, b, 3);
	bp_ok("T49, T52: the same id and one share; one UNREGISTER ends it");
}

static void
policies(void)
{
	struct sess	a, b[4];
	uint64_t	reg;
	int		i, seen[4] = { 0 };

	people(&a, b, 4);
	reg = share(b, 3, INVOKE_FIRST);
	want_calls(&a, b, 4, "p", "000");
	registers_as(&b[3], "p", MATCH_EXACT, INVOKE_FIRST);
	want_calls(&a, b, 4, "p", "00");
	leave(&b[0]);
	want_calls(&a, b, 4, "p", "11");
	send_unregister(&b[1], reg);
	want_unregistered(&b[1]);
	want_calls(&a, b, 4, "p", "22");
	registers_as(&b[1], "p", MATCH_EXACT, INVOKE_FIRST);
	want_calls(&a, b, 4, "p", "22");
	all_leave(&a, b + 1, 3);

	people(&a, b, 4);
	reg = share(b, 3, INVOKE_LAST);
	want_calls(&a, b, 4, "p", "222");
	registers_as(&b[3], "p", MATCH_EXACT, INVOKE_LAST);
	want_calls(&a, b, 4, "p", "33");
	leave(&b[3]);
	want_calls(&a, b, 4, "p", "22");
	send_unregister(&b[0], reg);
	want_unregistered(&b[0]);
	registers_as(&b[0], "p", MATCH_EXACT, INVOKE_LAST);
	want_calls(&a, b, 4, "p", "00");
	all_leave(&a, b, 3);
	bp_ok("T50: first and last follow who comes and leaves");

	people(&a, b, 4);
	reg = share(b, 3, INVOKE_ROUNDROBIN);
	want_calls(&a, b, 4, "p", "0120");
	/* who was called last leaves; then who would be next */
	send_unregister(&b[0], reg);
	want_unregistered(&b[0]);
	want_calls(&a, b, 4, "p", "12");
	registers_as(&b[0], "p", MATCH_EXACT, INVOKE_ROUNDROBIN);
	want_calls(&a, b, 4, "p", "0120");
	send_unregister(&b[1], reg);
	want_unregistered(&b[1]);
	want_calls(&a, b, 4, "p", "2020");
	/* one in the middle that was called last */
	registers_as(&b[1], "p", MATCH_EXACT, INVOKE_ROUNDROBIN);
	want_calls(&a, b, 4, "p", "120");
	send_unregister(&b[0], reg);
	want_unregistered(&b[0]);
	want_calls(&a, b, 4, "p", "1212");
	registers_as(&b[0], "p", MATCH_EXACT, INVOKE_ROUNDROBIN);
	want_calls(&a, b, 4, "p", "10");
	send_unregister(&b[1], reg);
	want_unregistered(&b[1]);
	/* one that comes is next, where the end was reached */
	registers_as(&b[3], "p", MATCH_EXACT, INVOKE_ROUNDROBIN);
	want_calls(&a, b, 4, "p", "3203");
	leave(&b[3]);
	want_calls(&a, b, 4, "p", "2020");
	all_leave(&a, b, 3);
	bp_ok("T50: round robin goes on when a callee leaves");

	people(&a, b, 4);
	reg = share(b, 4, INVOKE_RANDOM);
	for (i = 0; i < 4000; i++)
		seen[call_one(&a, b, 4, "p")]++;
	for (i = 0; i < 4; i++)
		if (seen[i] < 850 || seen[i] > 1150)
			errx(1, "random: callee %d was called %d times", i,
			    seen[i]);
	send_unregister(&b[1], reg);
	want_unregistered(&b[1]);
	leave(&b[3]);
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < 200; i++)
		seen[call_one(&a, b, 4, "p")]++;
	if (seen[0] < 50 || seen[2] < 50 || seen[0] + seen[2] != 200)
		errx(1, "random: after two left");
	all_leave(&a, b, 3);
	bp_ok("T50: random calls all, evenly");
}

static void
busy(void)
{
	struct sess	a, b[3];
	uint64_t	reg, inv[8];
	int		i, policy;

	people(&a, b, 3);
	send_register_as(&b[0], "p", MATCH_EXACT, INVOKE_ROUNDROBIN, 1, 0);
	reg = want_registered(&b[0]);
	send_register_as(&b[1], "p", MATCH_EXACT, INVOKE_ROUNDROBIN, 2, 0);
	want_registered(&b[1]);
	for (i = 0; i < 3; i++) {
		send_call(&a, "p", "");
		if (next_callee(b, 3, &inv[i]) != (i == 0 ? 0 : 1))
			errx(1, "concurrency: call %d", i);
	}
	send_call(&a, "p", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	/* options of a second REGISTER do not count */
	send_register_as(&b[0], "p", MATCH_EXACT, INVOKE_ROUNDROBIN, 9, 0);
	want_registered(&b[0]);
	send_call(&a, "p", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	send_yield(&b[0], inv[0], "r");
	want_result(&a, a.request - 4, "r");
	send_call(&a, "p", "");
	if (next_callee(b, 3, &inv[0]) != 0)
		errx(1, "concurrency: not free again");
	/* unregistered with calls under way, and once more: from the start */
	send_unregister(&b[0], reg);
	want_unregistered(&b[0]);
	send_register_as(&b[0], "p", MATCH_EXACT, INVOKE_ROUNDROBIN, 1, 0);
	want_registered(&b[0]);
	send_yield(&b[0], inv[0], "old");
	want_result(&a, a.request, "old");
	send_call(&a, "p", "");
	if (next_callee(b, 3, &inv[0]) != 0)
		errx(1, "concurrency: not counted from the start");
	send_call(&a, "p", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	leave(&a);
	join(&a, T0, 1, ++gen, R, "all");
	want_calls(&a, b, 3, "p", "1010");
	all_leave(&a, b, 3);
	bp_ok("concurrency: at most so many calls of a callee at a time");

	people(&a, b, 1);
	send_register_as(&b[0], "p", MATCH_EXACT, INVOKE_SINGLE, 1, 0);
	want_registered(&b[0]);
	send_call(&a, "p", "");
	next_callee(b, 1, inv);
	send_call(&a, "p", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_AVAILABLE_CALLEE);
	send_error(&b[0], inv[0], "com.e", "");
	want_error(&a, a.request - 1, "com.e", "");
	want_calls(&a, b, 1, "p", "00");
	all_leave(&a, b, 1);
	bp_ok("concurrency of a single callee");

	for (policy = INVOKE_FIRST; policy < INVOKE_MAX; policy++) {
		people(&a, b, 3);
		share(b, 3, policy);
		send_flow(&b[0], IMSG_XOFF);
		send_flow(&b[2], IMSG_XOFF);
		side_sync(T1);
		want_calls(&a, b, 3, "p", "1111");
		send_flow(&b[1], IMSG_XOFF);
		side_sync(T1);
		send_call(&a, "p", "");
		want_refused(&a, WAMP_CALL, a.request,
		    WERR_NO_AVAILABLE_CALLEE);
		send_flow(&b[2], IMSG_XON);
		side_sync(T1);
		want_calls(&a, b, 3, "p", "22");
		all_leave(&a, b, 3);
	}
	bp_ok("a slow callee is passed over");
}

static void
forced(void)
{
	struct sess	a, b[4];
	uint64_t	reg, other, inv, call;
	int		i;

	people(&a, b, 4);
	reg = share(b, 3, INVOKE_ROUNDROBIN);
	other = registers_as(&b[0], "p", MATCH_PREFIX, 0);
	send_call(&a, "p", "");
	call = a.request;
	next_callee(b, 1, &inv);
	send_register_as(&b[3], "p", MATCH_EXACT, INVOKE_SINGLE, 0,
	    REGISTER_FORCE);
	for (i = 0; i < 3; i++)
		want_reg_revoked(&b[i], reg);
	if (want_registered(&b[3]) == reg)
		errx(1, "force_reregister: the old id");
	want_calls(&a, b, 4, "p", "33");
	send_yield(&b[0], inv, "old");
	want_result(&a, call, "old");
	send_unregister(&b[0], reg);
	want_refused(&b[0], WAMP_UNREGISTER, b[0].request,
	    WERR_NO_SUCH_REGISTRATION);
	/* with nobody there it is an ordinary one; its own is lost, too */
	send_register_as(&b[0], "q", MATCH_EXACT, 0, 0, REGISTER_FORCE);
	reg = want_registered(&b[0]);
	send_register_as(&b[0], "q", MATCH_EXACT, 0, 0, REGISTER_FORCE);
	want_reg_revoked(&b[0], reg);
	want_registered(&b[0]);
	send_unregister(&b[0], other);
	want_unregistered(&b[0]);
	all_leave(&a, b, 4);
	bp_ok("force_reregister takes one registration from all who hold it");
}

/* -- Pattern-based Registrations ---------------------------------------- */

struct pattern {
	const char	*uri;
	int		 match;
};

static void
examples(void)
{
	static const struct pattern	rpcs[] = {
		{ "a1.b2.c3.d4.e55", MATCH_EXACT },
		{ "a1.b2.c3", MATCH_PREFIX },
		{ "a1.b2.c3.d4", MATCH_PREFIX },
		{ "a1.b2..d4.e5", MATCH_WILDCARD },
		{ "a1.b2.c33..e5", MATCH_WILDCARD },
		{ "a1.b2..d4.e5..g7", MATCH_WILDCARD },
		{ "a1.b2..d4..f6.g7", MATCH_WILDCARD },
	};
	static const struct {
		const char	*call;
		int		 rpc;
	}				calls[] = {
		{ "a1.b2.c3.d4.e55", 1 },
		{ "a1.b2.c3.d98.e74", 2 },
		{ "a1.b2.c3.d4.e325", 3 },
		{ "a1.b2.c55.d4.e5", 4 },
		{ "a1.b2.c33.d4.e5", 5 },
		{ "a1.b2.c88.d4.e5.f6.g7", 6 },
		{ "a2.b2.c2.d2.e2", 0 },
	};
	struct sess			a, b;
	uint64_t			reg[7], inv;
	size_t				i;
	int				rpc;

	people(&a, &b, 1);
	for (i = 0; i < 7; i++)
		reg[i] = registers_as(&b, rpcs[i].uri, rpcs[i].match, 0);
	for (i = 0; i < 7; i++) {
		send_call(&a, calls[i].call, "x");
		if ((rpc = calls[i].rpc) == 0) {
			want_refused(&a, WAMP_CALL, a.request,
			    WERR_NO_SUCH_PROCEDURE);
			continue;
		}
		inv = want_invocation_as(&b, reg[rpc - 1], "x", 0);
		if (strcmp(rpc_procedure, rpc == 1 ? "" : calls[i].call) != 0)
			errx(1, "INVOCATION.Details.procedure %s",
			    rpc_procedure);
		send_yield(&b, inv, "r");
		want_result(&a, a.request, "r");
	}
	all_leave(&a, &b, 1);
	bp_ok("T53: the seven examples of Pattern-based Registrations");
}

/* The examples of the two policies, and what they say of each other. */
static void
patterns(void)
{
	static const struct {
		struct pattern	 rpc;
		const char	*yes[4], *no[4];
	}		cases[] = {
		{ { "com.myapp.myobject1", MATCH_PREFIX },
		    { "com.myapp.myobject1.myprocedure1",
		    "com.myapp.myobject1-mysubobject1",
		    "com.myapp.myobject1.mysubobject1.myprocedure1",
		    "com.myapp.myobject1" },
		    { "com.myapp.myobject2", "com.myapp.myobject" } },
		{ { "com.myapp..myprocedure1", MATCH_WILDCARD },
		    { "com.myapp.myobject1.myprocedure1",
		    "com.myapp.myobject2.myprocedure1" },
		    { "com.myapp.myobject1.myprocedure1.mysubprocedure1",
		    "com.myapp.myobject1.myprocedure2",
		    "com.myapp2.myobject1.myprocedure1" } },
		{ { "", MATCH_PREFIX }, { "a", "b.c" }, { NULL } },
		{ { "a.", MATCH_PREFIX }, { "a.b", "a.b.c" },
		    { "a", "ab" } },
		{ { "..", MATCH_WILDCARD }, { "a.b.c" },
		    { "a.b", "a.b.c.d" } },
	};
	struct sess	a, b;
	uint64_t	reg;
	size_t		i, j;

	people(&a, &b, 1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reg = registers_as(&b, cases[i].rpc.uri, cases[i].rpc.match,
		    0);
		for (j = 0; j < 4 && cases[i].yes[j] != NULL; j++) {
			send_call(&a, cases[i].yes[j], "");
			send_yield(&b, want_invocation_as(&b, reg, "", 0),
			    "");
			want_result(&a, a.request, "");
			if (strcmp(rpc_procedure, cases[i].yes[j]) != 0)
				errx(1, "%s", rpc_procedure);
		}
		for (j = 0; j < 4 && cases[i].no[j] != NULL; j++) {
			send_call(&a, cases[i].no[j], "");
			want_refused(&a, WAMP_CALL, a.request,
			    WERR_NO_SUCH_PROCEDURE);
		}
		send_unregister(&b, reg);
		want_unregistered(&b);
	}
	all_leave(&a, &b, 1);
	bp_ok("prefix and wildcard matching");
}

static void
priorities(void)
{
	struct sess	a, b[6];

	people(&a, b, 6);
	registers_as(&b[0], "a.bc", MATCH_PREFIX, 0);
	registers_as(&b[1], "a", MATCH_PREFIX, 0);
	registers_as(&b[2], "a.b", MATCH_PREFIX, 0);
	/* more components, then more characters; whole ones first */
	want_calls(&a, b, 6, "a.bcd", "1");
	want_calls(&a, b, 6, "a.bc", "0");
	want_calls(&a, b, 6, "a.b.x", "2");
	want_calls(&a, b, 6, "ax", "1");
	registers_as(&b[3], "a.b.c", MATCH_EXACT, 0);
	registers_as(&b[4], "..c", MATCH_WILDCARD, 0);
	want_calls(&a, b, 6, "a.b.c", "3");
	want_calls(&a, b, 6, "x.b.c", "4");
	leave(&b[3]);
	want_calls(&a, b, 6, "a.b.c", "2");
	leave(&b[1]);
	/* a wildcard before a prefix that ends within a component */
	want_calls(&a, b, 6, "a.bcx.c", "4");
	leave(&b[4]);
	want_calls(&a, b, 6, "a.bcx.c", "0");
	leave(&b[0]);
	want_calls(&a, b, 6, "a.bcx.c", "2");
	leave(&a);
	leave(&b[2]);
	leave(&b[5]);
	bp_quiet();
	bp_ok("T54: exact, prefixes of whole components, wildcards, prefixes");
}

/* What is not for everybody. */
static void
guarded(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));
	struct conf_role	*role = bconf_role(r, "some");
	struct sess		 a, b, s;
	uint64_t		 reg;

	bconf_rule(role, 1, ACTION_REGISTER, MATCH_PREFIX, "x.");
	bconf_rule(role, 1, ACTION_CALL, MATCH_EXACT, NULL);
	bconf_rule(role, 0, ACTION_REGISTER, MATCH_EXACT, "x.no");
	bconf_asks(r, "com.asked");
	bp_reload(c);
	people(&a, &b, 1);
	join(&s, T1, 7, ++gen, R, "some");
	send_register(&s, "x.", MATCH_PREFIX, 0);
	want_refused(&s, WAMP_REGISTER, s.request, WERR_NOT_AUTHORIZED);
	send_register(&s, "", MATCH_PREFIX, 0);
	want_refused(&s, WAMP_REGISTER, s.request, WERR_NOT_AUTHORIZED);
	reg = registers_as(&s, "x.y.", MATCH_PREFIX, 0);
	bp_ok("a pattern is allowed if all that it matches is");

	/* those that would serve what the router itself calls */
	send_register(&b, "com.asked", MATCH_EXACT, 0);
	want_refused(&b, WAMP_REGISTER, b.request, WERR_NOT_AUTHORIZED);
	send_register(&b, "com", MATCH_PREFIX, 0);
	want_refused(&b, WAMP_REGISTER, b.request, WERR_NOT_AUTHORIZED);
	send_register(&b, ".asked", MATCH_WILDCARD, 0);
	want_refused(&b, WAMP_REGISTER, b.request, WERR_NOT_AUTHORIZED);
	registers_as(&b, ".other", MATCH_WILDCARD, 0);
	bp_ok("no pattern over a procedure that the router calls");

	send_register(&b, "wamp.", MATCH_PREFIX, 0);
	want_refused(&b, WAMP_REGISTER, b.request, WERR_INVALID_URI);
	send_register(&b, "wamp..x", MATCH_WILDCARD, 0);
	want_refused(&b, WAMP_REGISTER, b.request, WERR_INVALID_URI);
	send_register(&b, "a b", MATCH_PREFIX, 0);
	want_refused(&b, WAMP_REGISTER, b.request, WERR_INVALID_URI);
	bp_ok("T43: nor one below wamp.");

	c = bconf_new();
	role = bconf_role(conf_find_realm(c, R, strlen(R)), "some");
	bconf_rule(role, 1, ACTION_REGISTER, MATCH_EXACT, NULL);
	bconf_rule(role, 0, ACTION_REGISTER, MATCH_EXACT, "x.y.z");
	bp_reload(c);
	want_reg_revoked(&s, reg);
	leave(&s);
	all_leave(&a, &b, 1);
	bp_reload(bconf_new());
	bp_ok("a reload revokes a pattern");
}

/* -- many --------------------------------------------------------------- */

static double
now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

/* What leaves costs what it held, not what others hold. */
static void
many(void)
{
	static struct sess	b[MANY];
	struct sess		a;
	double			t, half;
	uint64_t		reg;
	int			i, policy;

	for (policy = INVOKE_ROUNDROBIN; policy < INVOKE_MAX; policy++) {
		people(&a, b, MANY);
		reg = share(b, MANY, policy);
		t = now();
		for (i = 0; i < MANY / 2; i++) {
			send_unregister(&b[i], reg);
			want_unregistered(&b[i]);
		}
		for (; i < MANY; i++)
			leave(&b[i]);
		t = now() - t;
		send_call(&a, "p", "");
		want_refused(&a, WAMP_CALL, a.request,
		    WERR_NO_SUCH_PROCEDURE);
		for (i = 0; i < MANY / 2; i++)
			leave(&b[i]);
		leave(&a);
		/* the same, each with a registration of its own */
		people(&a, b, MANY / 2);
		for (i = 0; i < MANY / 2; i++) {
			char	name[16];

			snprintf(name, sizeof(name), "p.%d", i);
			registers(&b[i], name);
		}
		half = now();
		for (i = 0; i < MANY / 2; i++)
			leave(&b[i]);
		half = now() - half;
		leave(&a);
		if (t > 10 * half + 1)
			errx(1, "%d callees left in %.3f s, others in %.3f",
			    MANY, t, half);
	}
	bp_ok("thousands share a registration and leave it");
}

int
main(void)
{
	bp_start(bconf_new(), 2);
	conflicts();
	policies();
	busy();
	forced();
	examples();
	patterns();
	priorities();
	guarded();
	many();
	bp_stop();
	return (0);
}
