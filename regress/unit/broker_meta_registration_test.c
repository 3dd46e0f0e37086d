/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Registration Meta API at a real broker.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bplay.h"
#include "conf.h"
#include "metaplay.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"
#define ID(s)	((unsigned long long)(s).id)
#define P(name)	"wamp.registration." name

static uint32_t	gen;		/* every case has sessions of its own */

static unsigned long long
reg_of(struct sess *s, const char *procedure, int match, int invoke)
{
	send_register(s, procedure, match, invoke);
	return (want_registered(s));
}

static void
ask(struct sess *s, const char *procedure, unsigned long long id)
{
	char	args[64];

	snprintf(args, sizeof(args), "[%llu]", id);
	meta_send(s, procedure, args, NULL);
}

static void
lists(void)
{
	struct sess		a, b, other;
	unsigned long long	e, p, w;

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	join(&b, T1, 1, gen, R, "all");
	join(&other, T1, 2, gen, "realm2", "ops");
	meta_send(&a, P("list"), NULL, NULL);
	meta_want(&a, "[{\"exact\":[],\"prefix\":[],\"wildcard\":[]}]");
	e = reg_of(&b, "com.a.b", MATCH_EXACT, INVOKE_SINGLE);
	p = reg_of(&b, "com.a", MATCH_PREFIX, INVOKE_RANDOM);
	w = reg_of(&b, "com..b", MATCH_WILDCARD, INVOKE_ROUNDROBIN);
	meta_send(&a, P("list"), "[]", "{}");
	meta_want(&a, "[{\"exact\":[%llu],\"prefix\":[%llu],"
	    "\"wildcard\":[%llu]}]", e, p, w);
	meta_send(&other, P("list"), NULL, NULL);
	meta_want(&other, "[{\"exact\":[],\"prefix\":[],\"wildcard\":[]}]");
	bp_ok("T81: three lists, of this realm");

	meta_send(&a, P("lookup"), "[\"com.a.b\"]", NULL);
	meta_want(&a, "[%llu]", e);
	meta_send(&a, P("lookup"), "[\"com.a\",{\"match\":\"prefix\"}]",
	    NULL);
	meta_want(&a, "[%llu]", p);
	meta_send(&a, P("lookup"), "[\"com..b\",{\"match\":\"wildcard\"}]",
	    NULL);
	meta_want(&a, "[%llu]", w);
	meta_send(&a, P("lookup"), "[\"com.a\"]", NULL);
	meta_want(&a, "[null]");
	meta_send(&a, P("lookup"), "[\"\",{\"match\":\"wildcard\"}]", NULL);
	meta_want(&a, "[null]");
	bp_ok("T81: lookup by policy, or null");

	meta_send(&a, P("match"), "[\"com.a.b\"]", NULL);
	meta_want(&a, "[%llu]", e);
	meta_send(&a, P("match"), "[\"com.a.c\"]", NULL);
	meta_want(&a, "[%llu]", p);
	meta_send(&a, P("match"), "[\"com.x.b\"]", NULL);
	meta_want(&a, "[%llu]", w);
	meta_send(&a, P("match"), "[\"com.x\"]", NULL);
	meta_want(&a, "[null]");
	meta_send(&a, P("match"), "[\"com..b\"]", NULL);
	meta_want(&a, "[null]");
	meta_send(&a, P("match"), "[\"wamp.session.get\"]", NULL);
	meta_want(&a, "[null]");
	meta_send(&other, P("match"), "[\"com.a.b\"]", NULL);
	meta_want(&other, "[null]");
	bp_ok("T81: the best match of a procedure, or null");

	ask(&a, P("get"), w);
	meta_want(&a, "[{\"id\":%llu,\"created\":\"T\",\"uri\":\"com..b\","
	    "\"match\":\"wildcard\",\"invoke\":\"roundrobin\"}]", w);
	ask(&a, P("get"), e);
	meta_want(&a, "[{\"id\":%llu,\"created\":\"T\",\"uri\":\"com.a.b\","
	    "\"match\":\"exact\",\"invoke\":\"single\"}]", e);
	reg_of(&a, "com.a", MATCH_PREFIX, INVOKE_RANDOM);
	ask(&a, P("count_callees"), p);
	meta_want(&a, "[2]");
	ask(&a, P("list_callees"), p);
	meta_want(&a, "[[%llu,%llu]]", ID(b), ID(a));
	bp_ok("what a registration is, and whose");

	ask(&other, P("get"), e);
	meta_refused(&other, WERR_NO_SUCH_REGISTRATION,
	    "no such registration");
	ask(&a, P("list_callees"), 99999);
	meta_refused(&a, WERR_NO_SUCH_REGISTRATION, "no such registration");
	ask(&a, P("count_callees"), 0);
	meta_refused(&a, WERR_NO_SUCH_REGISTRATION, "no such registration");
	bp_ok("no such registration, in this realm");
	leave(&a);
	leave(&b);
	leave(&other);
	bp_quiet();
}

static void
revoked(struct sess *s, unsigned long long id, const char *why)
{
	struct m_unregistered	m;
	struct got		g;

	side_want(s->t, IMSG_UNREGISTERED, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != s->slot || m.request != 0 || m.registration != id ||
	    g.len != sizeof(m) + strlen(why) ||
	    memcmp(g.data + sizeof(m), why, strlen(why)) != 0)
		errx(1, "UNREGISTERED %llu of %llu: %.*s",
		    (unsigned long long)m.request,
		    (unsigned long long)m.registration,
		    (int)(g.len - sizeof(m)),
		    (const char *)g.data + sizeof(m));
}

static void
events(void)
{
	struct sess		w, a, b;
	unsigned long long	created, added, gone, deleted, reg;
	char			args[64];

	gen++;
	join(&w, T0, 1, gen, R, "ops");
	join(&a, T1, 1, gen, R, "all");
	join(&b, T1, 2, gen, R, "all");
	created = subscribe(&w, P("on_create"));
	added = subscribe(&w, P("on_register"));
	gone = subscribe(&w, P("on_unregister"));
	deleted = subscribe(&w, P("on_delete"));
	reg = reg_of(&a, "com.p", MATCH_EXACT, INVOKE_FIRST);
	meta_event(T0, created, "[%llu,{\"id\":%llu,\"created\":\"T\","
	    "\"uri\":\"com.p\",\"match\":\"exact\",\"invoke\":\"first\"}]",
	    ID(a), reg);
	meta_event(T0, added, "[%llu,%llu]", ID(a), reg);
	if (reg_of(&a, "com.p", MATCH_EXACT, INVOKE_FIRST) != reg ||
	    reg_of(&b, "com.p", MATCH_EXACT, INVOKE_FIRST) != reg)
		errx(1, "another registration");
	meta_event(T0, added, "[%llu,%llu]", ID(b), reg);
	bp_ok("T78: on_create before the first on_register");
	send_unregister(&a, reg);
	want_unregistered(&a);
	meta_event(T0, gone, "[%llu,%llu]", ID(a), reg);
	send_close(&b, CLOSE_LOST);
	want_end(T1, 2, gen, WERR_NONE);
	meta_event(T0, gone, "[%llu,%llu]", ID(b), reg);
	meta_event(T0, deleted, "[%llu,%llu]", ID(b), reg);
	bp_ok("T78: on_delete after the last on_unregister, of one lost");

	/* T79, of one that watches itself */
	reg = reg_of(&w, "com.p", MATCH_EXACT, INVOKE_SINGLE);
	meta_event(T0, created, "[%llu,{\"id\":%llu,\"created\":\"T\","
	    "\"uri\":\"com.p\",\"match\":\"exact\",\"invoke\":\"single\"}]",
	    ID(w), reg);
	meta_event(T0, added, "[%llu,%llu]", ID(w), reg);
	send_unregister(&w, reg);
	want_unregistered(&w);
	meta_event(T0, gone, "[%llu,%llu]", ID(w), reg);
	meta_event(T0, deleted, "[%llu,%llu]", ID(w), reg);
	bp_ok("T79: the reply before the events that it causes");

	reg = reg_of(&a, "com.p", MATCH_EXACT, INVOKE_SINGLE);
	meta_event(T0, created, "[%llu,{\"id\":%llu,\"created\":\"T\","
	    "\"uri\":\"com.p\",\"match\":\"exact\",\"invoke\":\"single\"}]",
	    ID(a), reg);
	meta_event(T0, added, "[%llu,%llu]", ID(a), reg);
	snprintf(args, sizeof(args), "[%llu,%llu]", reg, ID(w));
	meta_send(&w, P("remove_callee"), args, NULL);
	meta_refused(&w, WERR_NO_SUCH_SESSION,
	    "no such session has that registration");
	snprintf(args, sizeof(args), "[%llu,%llu]", reg, ID(a));
	meta_send(&w, P("remove_callee"), args,
	    "{\"reason\":\"moving endpoint to other callee\"}");
	meta_want(&w, "%s", "");
	revoked(&a, reg, "moving endpoint to other callee");
	meta_event(T0, gone, "[%llu,%llu]", ID(a), reg);
	meta_event(T0, deleted, "[%llu,%llu]", ID(a), reg);
	meta_send(&w, P("remove_callee"), args, NULL);
	meta_refused(&w, WERR_NO_SUCH_REGISTRATION, "no such registration");
	send_call(&w, "com.p", "");
	want_refused(&w, WAMP_CALL, w.request, WERR_NO_SUCH_PROCEDURE);
	bp_ok("a callee is removed, with a reason");
	leave(&w);
	leave(&a);
	bp_quiet();
}

static const struct wrong {
	const char	*procedure, *args, *text;
} wrongs[] = {
	{ P("list"), "[null]", "there must be no arguments" },
	{ P("lookup"), "[]", "argument 1 is missing" },
	{ P("lookup"), "[[]]", "argument 1 must be a string" },
	{ P("lookup"), "[\"a\",[]]", "argument 2 must be a dict" },
	{ P("lookup"), "[\"a\",{\"match\":\"\"}]",
	    "match must be exact, prefix or wildcard" },
	{ P("match"), "[1]", "argument 1 must be a string" },
	{ P("get"), "[null]", "argument 1 must be an id" },
	{ P("list_callees"), "[\"1\"]", "argument 1 must be an id" },
	{ P("count_callees"), "[1,2]", "there are more than 1 arguments" },
	{ P("remove_callee"), "[1]", "argument 2 is missing" },
	{ P("remove_callee"), "[1,null]", "argument 2 must be an id" },
};

static void
wrong_arguments(void)
{
	static const char *const	all[] = {
		P("list"), P("lookup"), P("match"), P("get"),
		P("list_callees"), P("count_callees"), P("remove_callee")
	};
	static const char *const	topics[] = {
		P("on_create"), P("on_register"), P("on_unregister"),
		P("on_delete")
	};
	struct sess			a, any;
	size_t				i;

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	join(&any, T0, 2, gen, R, "all");
	for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		meta_send(&a, wrongs[i].procedure, wrongs[i].args, NULL);
		meta_refused(&a, WERR_INVALID_ARGUMENT, wrongs[i].text);
	}
	bp_ok("wrong arguments, each named");
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		meta_send(&any, all[i], NULL, NULL);
		meta_refused(&any, WERR_NOT_AUTHORIZED, "not allowed");
	}
	for (i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		send_subscribe(&any, topics[i], MATCH_EXACT);
		want_refused(&any, WAMP_SUBSCRIBE, any.request,
		    WERR_NOT_AUTHORIZED);
	}
	bp_ok("T82: the meta API takes rules of its own");
	leave(&a);
	leave(&any);
	bp_quiet();
}

int
main(void)
{
	struct conf	*c = bconf_new();

	meta_role(conf_find_realm(c, R, strlen(R)), "ops");
	meta_role(bconf_realm(c, "realm2"), "ops");
	bp_start(c, 2);
	lists();
	events();
	wrong_arguments();
	bp_stop();
	return (0);
}
