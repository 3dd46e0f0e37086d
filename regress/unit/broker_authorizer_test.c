/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * "authorize dynamic" at a real broker: what the authorizer is asked and
 * when, what becomes of its answers and of their absence, that a session's
 * messages keep their order and others do not wait, and who may serve it.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bplay_rpc.h"
#include "codec.h"
#include "conf.h"
#include "metaplay.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"
#define P	"com.authorize"
#define YES	"\x91\xc3"
#define NO	"\x91\xc2"

static struct sess	auth;		/* serves P */
static uint64_t		auth_reg;
static uint32_t		gen;

/*
 * Roles: "all" may everything and serve nothing; "guard" may serve P;
 * "dyn" has no rules, "some" has, both have P; "forgets" has a cache, "meta"
 * a meta rule, and "shy" is not disclosed.
 */
static struct conf *
conf_make(uint32_t timeout, uint32_t cache)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));
	struct conf_role	*ro;

	ro = bconf_role(r, "guard");
	bconf_rule(ro, 1, ACTION_ALL, MATCH_EXACT, NULL);
	bconf_rule(ro, 1, ACTION_REGISTER, MATCH_EXACT, P);
	ro = bconf_role(r, "dyn");
	bconf_authorizer(r, ro, P, 0, timeout);
	ro = bconf_role(r, "some");
	bconf_rule(ro, 1, ACTION_CALL | ACTION_SUBSCRIBE, MATCH_EXACT, NULL);
	bconf_rule(ro, 1, ACTION_ALL, MATCH_PREFIX, "free.");
	bconf_rule(ro, 0, ACTION_ALL, MATCH_PREFIX, "shut.");
	bconf_rule(ro, 0, ACTION_REGISTER, MATCH_EXACT, NULL);
	bconf_authorizer(r, ro, P, 0, timeout);
	ro = bconf_role(r, "forgets");
	bconf_authorizer(r, ro, P, cache, timeout);
	ro = bconf_role(r, "meta");
	bconf_rule(ro, 1, ACTION_META_READ, MATCH_EXACT, NULL);
	bconf_authorizer(r, ro, P, 0, timeout);
	conf_add_topic(r, "a.kept", strlen("a.kept"));
	ro = bconf_role(r, "shy");
	ro->disclose_publisher = DISCLOSE_NEVER;
	bconf_authorizer(r, ro, P, 0, timeout);
	return (c);
}

static void
serve(void)
{
	join(&auth, T1, 1, ++gen, R, "guard");
	auth_reg = registers(&auth, P);
}

/* -- the questions ------------------------------------------------------ */

static void
is_text(const struct val *v, const char *want)
{
	if (v->type != VAL_STR || v->slen != strlen(want) ||
	    memcmp(v->str, want, v->slen) != 0)
		errx(1, "asked with \"%.*s\", want %s", (int)v->slen,
		    (const char *)v->str, want);
}

static void
want_details(const struct val *v, const struct sess *s, const char *role)
{
	static const char *const keys[] = { "session", "realm", "authid",
	    "authrole", "authmethod", "authprovider" };
	const char		*values[] = { NULL, R, "joe", role,
				    "anonymous", "static" };
	struct val_iter		 it;
	struct val		 k, x;
	int			 i;

	val_iter_init(&it, v);
	for (i = 0; val_map_next(&it, &k, &x); i++) {
		if (i == 6)
			errx(1, "more details than 6");
		is_text(&k, keys[i]);
		if (values[i] != NULL)
			is_text(&x, values[i]);
		else if (x.type != VAL_UINT || x.u.u != s->id)
			errx(1, "details: another session");
	}
	if (i != 6)
		errx(1, "%d details", i);
}

/* The INVOCATION that asks; its id. */
static uint64_t
asked_match(const struct sess *s, const char *role, const char *uri,
    const char *action, const char *match)
{
	struct m_invocation	m;
	struct got		g;
	struct val		v[4], k, x;
	struct val_iter		it;
	size_t			n;
	int			has_match;

	side_want(T1, IMSG_INVOCATION, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != auth.slot || m.registration != auth_reg ||
	    m.flags != INVOCATION_MSGPACK || m.ser != SER_MSGPACK ||
	    m.nargs != 1 || m.paylen != g.len - sizeof(m))
		errx(1, "the INVOCATION is no question");
	if (codec_split(SER_MSGPACK, g.data + sizeof(m), m.paylen, v, 4,
	    &n) != CODEC_OK || n != 4 || v[3].type != VAL_MAP)
		errx(1, "the question is no list of 4");
	want_details(&v[0], s, role);
	is_text(&v[1], uri);
	is_text(&v[2], action);
	has_match = strcmp(action, "subscribe") == 0 ||
	    strcmp(action, "register") == 0;
	val_iter_init(&it, &v[3]);
	if (val_map_next(&it, &k, &x) != has_match)
		errx(1, "options of %s", action);
	if (has_match) {
		is_text(&k, "match");
		is_text(&x, match);
	}
	return (m.request);
}

static uint64_t
asked(const struct sess *s, const char *role, const char *uri,
    const char *action)
{
	return (asked_match(s, role, uri, action, "exact"));
}

static void
answer(uint64_t inv, const void *body, size_t len)
{
	struct m_yield	m;
	struct text	t = { body, len };

	memset(&m, 0, sizeof(m));
	m.request = inv;
	m.paylen = (uint32_t)len;
	m.ser = SER_MSGPACK;
	m.nargs = len > 0;
	side_send(auth.t, IMSG_YIELD, auth.slot, auth.gen, &m, sizeof(m), &t,
	    1);
}

/* -- what is asked ------------------------------------------------------ */

static void
questions(void)
{
	struct sess	s;
	uint64_t	inv;

	join(&s, T0, 1, ++gen, R, "dyn");
	send_subscribe(&s, "a.topic", MATCH_EXACT);
	inv = asked(&s, "dyn", "a.topic", "subscribe");
	answer(inv, YES, 2);
	want_subscribed(&s);
	send_publish(&s, PUBLISH_ACK, "a.topic", "x", 1);
	inv = asked(&s, "dyn", "a.topic", "publish");
	answer(inv, YES, 2);
	want_published(&s);
	send_register(&s, "a.proc", MATCH_EXACT, 0);
	inv = asked(&s, "dyn", "a.proc", "register");
	answer(inv, YES, 2);
	want_registered(&s);
	send_call(&s, "a.none", "");
	inv = asked(&s, "dyn", "a.none", "call");
	answer(inv, YES, 2);
	want_refused(&s, WAMP_CALL, s.request, WERR_NO_SUCH_PROCEDURE);
	bp_ok("each action is asked about: session, uri, action, options");

	/* T26: whether it exists shows in nothing */
	send_call(&s, "a.proc", "");
	answer(asked(&s, "dyn", "a.proc", "call"), NO, 2);
	want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
	send_call(&s, "a.none", "");
	answer(asked(&s, "dyn", "a.none", "call"), NO, 2);
	want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
	send_register(&s, "a.proc", MATCH_EXACT, 0);
	answer(asked(&s, "dyn", "a.proc", "register"), NO, 2);
	want_refused(&s, WAMP_REGISTER, s.request, WERR_NOT_AUTHORIZED);
	send_publish(&s, PUBLISH_ACK, "a.topic", "x", 1);
	answer(asked(&s, "dyn", "a.topic", "publish"), NO, 2);
	want_refused(&s, WAMP_PUBLISH, s.request, WERR_NOT_AUTHORIZED);
	send_publish(&s, 0, "a.topic", "x", 1);
	answer(asked(&s, "dyn", "a.topic", "publish"), NO, 2);
	send_subscribe(&s, "b.topic", MATCH_EXACT);
	answer(asked(&s, "dyn", "b.topic", "subscribe"), NO, 2);
	want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_NOT_AUTHORIZED);
	/* what can be nothing is nothing to ask about */
	send_call(&s, "a..b#", "");
	want_refused(&s, WAMP_CALL, s.request, WERR_INVALID_URI);
	bp_quiet();
	leave(&s);
	bp_ok("no is no, whether it exists or not");
}

static void
rules_first(void)
{
	struct sess	s;

	join(&s, T0, 1, ++gen, R, "some");
	send_publish(&s, PUBLISH_ACK, "free.topic", "x", 1);
	want_published(&s);
	send_subscribe(&s, "shut.topic", MATCH_EXACT);
	want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_NOT_AUTHORIZED);
	send_register(&s, "free.proc", MATCH_EXACT, 0);
	want_refused(&s, WAMP_REGISTER, s.request, WERR_NOT_AUTHORIZED);
	bp_quiet();
	bp_ok("rules that deny, and those that allow a URI, decide alone");

	send_call(&s, "a.none", "");
	answer(asked(&s, "some", "a.none", "call"), NO, 2);
	want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
	send_publish(&s, PUBLISH_ACK, "a.topic", "x", 1);
	answer(asked(&s, "some", "a.topic", "publish"), YES, 2);
	want_published(&s);
	/* once more, as it is remembered that it is to be asked */
	send_publish(&s, PUBLISH_ACK, "a.topic", "x", 1);
	answer(asked(&s, "some", "a.topic", "publish"), YES, 2);
	want_published(&s);
	leave(&s);
	bp_ok("what is allowed without URI, or by no rule, is asked");
}

static void
patterns(void)
{
	struct sess	s;

	join(&s, T0, 1, ++gen, R, "dyn");
	send_subscribe(&s, "a.", MATCH_PREFIX);
	answer(asked_match(&s, "dyn", "a.", "subscribe", "prefix"), YES, 2);
	want_subscribed(&s);
	send_subscribe(&s, "a..b", MATCH_WILDCARD);
	answer(asked_match(&s, "dyn", "a..b", "subscribe", "wildcard"), NO,
	    2);
	want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_NOT_AUTHORIZED);
	send_subscribe(&s, "a..b", MATCH_PREFIX);
	want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_INVALID_URI);
	leave(&s);

	/* one rule for all of it decides, or one that denies any of it */
	join(&s, T0, 1, ++gen, R, "some");
	subscribe_to(&s, "free.x", MATCH_PREFIX);
	send_subscribe(&s, "", MATCH_PREFIX);
	want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_NOT_AUTHORIZED);
	send_subscribe(&s, ".topic", MATCH_WILDCARD);
	want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_NOT_AUTHORIZED);
	send_subscribe(&s, "free", MATCH_PREFIX);
	answer(asked_match(&s, "some", "free", "subscribe", "prefix"), YES,
	    2);
	want_subscribed(&s);
	leave(&s);
	bp_ok("patterns are asked about as such");
}

static void
reserved(void)
{
	struct sess	s;

	join(&s, T0, 1, ++gen, R, "dyn");
	send_call(&s, "wamp.session.kill_all", "");
	answer(asked(&s, "dyn", "wamp.session.kill_all", "call"), NO, 2);
	want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
	send_subscribe(&s, "wamp.session.on_join", MATCH_EXACT);
	answer(asked(&s, "dyn", "wamp.session.on_join", "subscribe"), YES, 2);
	want_subscribed(&s);
	/* to no answer would this be allowed */
	send_publish(&s, PUBLISH_ACK, "wamp.session.on_join", "x", 1);
	want_refused(&s, WAMP_PUBLISH, s.request, WERR_INVALID_URI);
	send_register(&s, "wamp.session.kill", MATCH_EXACT, 0);
	want_refused(&s, WAMP_REGISTER, s.request, WERR_INVALID_URI);
	leave(&s);

	join(&s, T0, 1, ++gen, R, "meta");
	subscribe_to(&s, "wamp.session.", MATCH_PREFIX);
	send_call(&s, "wamp.no.such", "");
	want_refused(&s, WAMP_CALL, s.request, WERR_NO_SUCH_PROCEDURE);
	send_call(&s, "wamp.session.kill", "");
	answer(asked(&s, "meta", "wamp.session.kill", "call"), NO, 2);
	want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
	leave(&s);
	bp_ok("a meta rule decides alone, of its class");
}

#define GET_EVENTS	"wamp.subscription.get_events"
#define ADD_TESTAMENT	"wamp.session.add_testament"

/* Two rights: to call, and to subscribe to what is asked for. */
static void
two_questions(void)
{
	struct sess	s;
	struct got	g;
	char		args[32];
	int		i;

	join(&s, T0, 1, ++gen, R, "dyn");
	send_subscribe(&s, "a.kept", MATCH_EXACT);
	answer(asked(&s, "dyn", "a.kept", "subscribe"), YES, 2);
	snprintf(args, sizeof(args), "[%llu]",
	    (unsigned long long)want_subscribed(&s));
	/* more than once: nothing is left of the answers before */
	for (i = 0; i < 2; i++) {
		meta_send(&s, GET_EVENTS, args, NULL);
		answer(asked(&s, "dyn", GET_EVENTS, "call"), YES, 2);
		answer(asked(&s, "dyn", "a.kept", "subscribe"), NO, 2);
		want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
		meta_send(&s, GET_EVENTS, args, NULL);
		answer(asked(&s, "dyn", GET_EVENTS, "call"), NO, 2);
		want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
		meta_send(&s, GET_EVENTS, args, NULL);
		answer(asked(&s, "dyn", GET_EVENTS, "call"), YES, 2);
		answer(asked(&s, "dyn", "a.kept", "subscribe"), "\x90", 1);
		want_refused(&s, WAMP_CALL, s.request,
		    WERR_AUTHORIZATION_FAILED);
		meta_send(&s, GET_EVENTS, args, NULL);
		answer(asked(&s, "dyn", GET_EVENTS, "call"), YES, 2);
		answer(asked(&s, "dyn", "a.kept", "subscribe"), YES, 2);
		side_want(T0, IMSG_HISTORY, &g, sizeof(struct m_history));
	}
	leave(&s);

	/* what is remembered of one is not asked again for the other */
	bp_reload(conf_make(20000, 600000));
	join(&s, T0, 1, ++gen, R, "forgets");
	send_subscribe(&s, "a.kept", MATCH_EXACT);
	answer(asked(&s, "forgets", "a.kept", "subscribe"), YES, 2);
	want_subscribed(&s);
	meta_send(&s, GET_EVENTS, args, NULL);
	answer(asked(&s, "forgets", GET_EVENTS, "call"), YES, 2);
	side_want(T0, IMSG_HISTORY, &g, sizeof(struct m_history));
	meta_send(&s, GET_EVENTS, args, NULL);
	side_want(T0, IMSG_HISTORY, &g, sizeof(struct m_history));
	leave(&s);
	bp_reload(conf_make(20000, 0));
	bp_ok("a message that needs two rights is asked about twice");
}

/* The second question is of the testament's topic; so is the disclosure. */
static void
testaments(void)
{
	static const char	tell[] = "\x91\x82\xa8" "disclose\xc3\xa5"
				"allow\xc3";
	struct sess		s, w;
	struct m_event		m;
	struct got		g;
	int			i;

	join(&w, T0, 2, ++gen, R, "all");
	subscribe(&w, "a.bye");
	for (i = 0; i < 2; i++) {
		join(&s, T0, 1, ++gen, R, "dyn");
		meta_send(&s, ADD_TESTAMENT, "[\"a.bye\",[1]]", NULL);
		answer(asked(&s, "dyn", ADD_TESTAMENT, "call"),
		    i ? YES : tell, i ? 2 : sizeof(tell) - 1);
		answer(asked(&s, "dyn", "a.bye", "publish"), NO, 2);
		want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
		meta_send(&s, ADD_TESTAMENT, "[\"a.bye\",[1]]", NULL);
		answer(asked(&s, "dyn", ADD_TESTAMENT, "call"),
		    i ? YES : tell, i ? 2 : sizeof(tell) - 1);
		answer(asked(&s, "dyn", "a.bye", "publish"), i ? tell : YES,
		    i ? sizeof(tell) - 1 : 2);
		meta_want(&s, "%s", "");
		send_close(&s, CLOSE_LOST);
		want_end(T0, 1, gen, WERR_NONE);
		side_want(T0, IMSG_EVENT, &g, sizeof(m));
		memcpy(&m, g.data, sizeof(m));
		if ((m.flags & EVENT_PUBLISHER) != (i ? EVENT_PUBLISHER : 0))
			errx(1, "testament %d: flags %x", i, m.flags);
	}
	leave(&w);
	bp_ok("a testament: asked about its topic when it is added");
}

/* -- what is answered --------------------------------------------------- */

static void
shapes(void)
{
	static const struct {
		const char	*body;
		size_t		 len;
		enum wamp_err	 err;
	} t[] = {
#define B(s, e)	{ s, sizeof(s) - 1, e }
		B("\x91\x81\xa5" "allow\xc3", WERR_NO_SUCH_PROCEDURE),
		B("\x91\x81\xa5" "allow\xc2", WERR_NOT_AUTHORIZED),
		B("\x91\x83\xa8" "disclose\xc3\xa5" "cache\xc2\xa5"
		    "allow\xc3", WERR_NO_SUCH_PROCEDURE),
		B("\x91\x82\xa1x\x01\xa5" "allow\xc3",
		    WERR_NO_SUCH_PROCEDURE),
		B("\x92\xc3\x01", WERR_NO_SUCH_PROCEDURE),
		B("\x91\x83\xa8" "disclose\xc0\xa5" "cache\x07\xa5"
		    "allow\xc2", WERR_NOT_AUTHORIZED),
		/* wrong */
		B("", WERR_AUTHORIZATION_FAILED),
		B("\x90", WERR_AUTHORIZATION_FAILED),
		B("\x91\xc0", WERR_AUTHORIZATION_FAILED),
		B("\x91\x01", WERR_AUTHORIZATION_FAILED),
		B("\x91\xa4true", WERR_AUTHORIZATION_FAILED),
		B("\x91\x91\xc3", WERR_AUTHORIZATION_FAILED),
		B("\x91\x80", WERR_AUTHORIZATION_FAILED),
		B("\x91\x81\xa5" "allow\x01", WERR_AUTHORIZATION_FAILED),
		B("\x91\x82\xa5" "allow\xc2\xa5" "allow\xc3",
		    WERR_AUTHORIZATION_FAILED),
		B("\x91\x81\xa5" "Allow\xc3", WERR_AUTHORIZATION_FAILED),
		B("\x91\x82\xa5" "allow\xc3\xa5" "cache\xa1x",
		    WERR_AUTHORIZATION_FAILED),
		B("\x91\x82\xa5" "allow\xc3\xa8" "disclose\x01",
		    WERR_AUTHORIZATION_FAILED),
		/* no MessagePack, or more than that */
		B("\xc1", WERR_AUTHORIZATION_FAILED),
		B("\xc3", WERR_AUTHORIZATION_FAILED),
		B("\x91", WERR_AUTHORIZATION_FAILED),
		B("\x91\xc3\xc3", WERR_AUTHORIZATION_FAILED),
		B("\x91\x81\xa1\xff\xc3", WERR_AUTHORIZATION_FAILED),
		B("\xdd\xff\xff\xff\xff", WERR_AUTHORIZATION_FAILED),
#undef B
	};
	struct sess	s;
	size_t		i;

	join(&s, T0, 1, ++gen, R, "dyn");
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		send_call(&s, "a.none", "");
		answer(asked(&s, "dyn", "a.none", "call"), t[i].body,
		    t[i].len);
		want_refused(&s, WAMP_CALL, s.request, t[i].err);
	}
	if (!bp_logged("realm realm1: authorizer com.authorize: the answer "
	    "has not the right shape"))
		errx(1, "no line names the procedure");
	leave(&s);
	bp_ok("answers of every shape");
}

static void
long_answer(struct sess *s, size_t n, enum wamp_err e)
{
	static uint8_t	b[17000];

	memset(b, 'x', sizeof(b));
	memcpy(b, "\x92\xc3\xda", 3);		/* [true, "xxx..."] */
	b[3] = (uint8_t)((n - 5) >> 8);
	b[4] = (uint8_t)(n - 5);
	send_call(s, "a.none", "");
	answer(asked(s, "dyn", "a.none", "call"), b, n);
	want_refused(s, WAMP_CALL, s->request, e);
}

static void
no_answer(void)
{
	struct m_yield	m;
	struct text	t = { "[true]", 6 };
	struct sess	s;
	uint64_t	inv;

	join(&s, T0, 1, ++gen, R, "dyn");
	long_answer(&s, 16384, WERR_NO_SUCH_PROCEDURE);
	long_answer(&s, 16385, WERR_AUTHORIZATION_FAILED);
	send_call(&s, "a.none", "");
	memset(&m, 0, sizeof(m));
	m.request = asked(&s, "dyn", "a.none", "call");
	m.paylen = 6;
	m.ser = SER_JSON;
	m.nargs = 1;
	side_send(auth.t, IMSG_YIELD, auth.slot, auth.gen, &m, sizeof(m), &t,
	    1);
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	send_call(&s, "a.none", "");
	inv = asked(&s, "dyn", "a.none", "call");
	send_error(&auth, inv, "com.example.broken", "");
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	send_call(&s, "a.none", "");
	inv = asked(&s, "dyn", "a.none", "call");
	send_failed(&auth, inv, WERR_PAYLOAD_SIZE_EXCEEDED, "too long");
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	if (!bp_logged("authorizer com.authorize: its callee failed"))
		errx(1, "an error is not logged");
	/* an answer to what is over is dropped */
	answer(inv, YES, 2);
	/* it leaves while it is asked, and is not there */
	send_call(&s, "a.none", "");
	asked(&s, "dyn", "a.none", "call");
	leave(&auth);
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	send_call(&s, "a.none", "");
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	if (!bp_logged("authorizer com.authorize: it is not registered"))
		errx(1, "its absence is not logged");
	serve();
	/* and while it is slow */
	send_flow(&auth, IMSG_XOFF);
	side_sync(T1);
	send_call(&s, "a.none", "");
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	send_flow(&auth, IMSG_XON);
	side_sync(T1);
	/* its tlsproxy dies */
	send_call(&s, "a.none", "");
	asked(&s, "dyn", "a.none", "call");
	side_open(T1, PROC_TLSPROXY, 1);
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	serve();
	leave(&s);
	bp_ok("no answer: the authorization failed");
}

static void
timeout(void)
{
	struct sess	s;
	uint64_t	inv;

	bp_reload(conf_make(200, 0));
	join(&s, T0, 1, ++gen, R, "dyn");
	send_call(&s, "a.none", "");
	inv = asked(&s, "dyn", "a.none", "call");
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	if (!bp_logged("com.authorize: its callee did not answer in time"))
		errx(1, "not logged");
	/* the late answer answers nothing else */
	send_call(&s, "a.other", "");
	answer(inv, YES, 2);
	answer(asked(&s, "dyn", "a.other", "call"), NO, 2);
	want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
	leave(&s);
	bp_reload(conf_make(20000, 0));
	bp_ok("an authorizer that does not answer in time");
}

/* -- order -------------------------------------------------------------- */

static void
order(void)
{
	struct sess	s, other;
	uint64_t	sub, inv, reg, call, first;

	join(&s, T0, 1, ++gen, R, "dyn");
	join(&other, T0, 2, gen, R, "all");
	send_register(&s, "s.proc", MATCH_EXACT, 0);
	answer(asked(&s, "dyn", "s.proc", "register"), YES, 2);
	reg = want_registered(&s);
	sub = subscribe(&other, "a.topic");

	send_publish(&s, 0, "a.topic", "1", 1);
	inv = asked(&s, "dyn", "a.topic", "publish");
	send_publish(&s, PUBLISH_ACK, "a.topic", "2", 1);
	send_unsubscribe(&s, 77);
	first = s.request;
	send_publish(&s, 0, "a.topic", "3", 1);
	/* others do not wait, nor does what this one answers */
	send_call(&other, "s.proc", "");
	call = want_invocation(&s, reg, "");
	send_yield(&s, call, "r");
	want_result(&other, other.request, "r");
	bp_quiet();
	answer(inv, YES, 2);
	want_event(T0, sub, NULL, "1", 1);
	answer(asked(&s, "dyn", "a.topic", "publish"), YES, 2);
	s.request = first - 1;
	want_published(&s);
	want_event(T0, sub, NULL, "2", 1);
	want_refused(&s, WAMP_UNSUBSCRIBE, first, WERR_NO_SUCH_SUBSCRIPTION);
	s.request = first + 1;
	inv = asked(&s, "dyn", "a.topic", "publish");

	/* so does its GOODBYE */
	send_close(&s, CLOSE_GOODBYE);
	bp_quiet();
	answer(inv, YES, 2);
	want_event(T0, sub, NULL, "3", 1);
	want_end(T0, s.slot, s.gen, WERR_NONE);
	leave(&other);
	bp_ok("a session's messages keep their order, others do not wait");
}

static void
leaving(void)
{
	struct sess	s, other;
	uint64_t	sub, inv;

	join(&other, T0, 2, ++gen, R, "all");
	sub = subscribe(&other, "a.topic");
	join(&s, T0, 1, ++gen, R, "dyn");
	send_publish(&s, 0, "a.topic", "1", 1);
	inv = asked(&s, "dyn", "a.topic", "publish");
	send_publish(&s, 0, "a.topic", "2", 1);
	send_close(&s, CLOSE_LOST);
	want_end(T0, s.slot, s.gen, WERR_NONE);
	answer(inv, YES, 2);
	bp_quiet();
	/* its slot is another's */
	join(&s, T0, 1, ++gen, R, "dyn");
	send_publish(&s, 0, "a.topic", "3", 1);
	answer(asked(&s, "dyn", "a.topic", "publish"), YES, 2);
	want_event(T0, sub, NULL, "3", 1);
	leave(&s);
	leave(&other);
	bp_ok("a session that is lost while it waits");
}

static void
flow(void)
{
	struct got	g;
	struct sess	s;
	uint64_t	inv;
	int		i;

	join(&s, T0, 1, ++gen, R, "dyn");
	send_publish(&s, 0, "a.topic", "1", 1);
	inv = asked(&s, "dyn", "a.topic", "publish");
	for (i = 0; i < 64; i++)
		send_publish(&s, 0, "a.topic", "1", 1);
	side_want(T0, IMSG_XOFF, &g, 0);
	if (g.slot != s.slot || g.gen != s.gen)
		errx(1, "XOFF of slot %u", g.slot);
	bp_quiet();
	for (i = 0; i < 64; i++) {
		answer(inv, YES, 2);
		inv = asked(&s, "dyn", "a.topic", "publish");
	}
	side_want(T0, IMSG_XON, &g, 0);
	if (g.slot != s.slot || g.gen != s.gen)
		errx(1, "XON of slot %u", g.slot);
	answer(inv, YES, 2);
	bp_quiet();
	bp_ok("XOFF and XON of a session for which much waits");

	/* a tlsproxy that does not heed it: the session ends, once */
	send_publish(&s, 0, "a.topic", "1", 1);
	inv = asked(&s, "dyn", "a.topic", "publish");
	for (i = 0; i < 33000; i++)
		send_publish(&s, 0, "a.topic", "1", 1);
	side_want(T0, IMSG_XOFF, &g, 0);
	want_end(T0, s.slot, s.gen, WERR_AUTHORIZATION_FAILED);
	send_close(&s, CLOSE_ENDED);
	answer(inv, YES, 2);
	bp_quiet();
	bp_ok("what waits is bounded");
}

/* -- answers that are remembered ---------------------------------------- */

static void
call_asked(struct sess *s, const char *uri, const char *body, size_t len,
    enum wamp_err e)
{
	send_call(s, uri, "");
	if (body != NULL)
		answer(asked(s, "forgets", uri, "call"), body, len);
	want_refused(s, WAMP_CALL, s->request, e);
}

static void
cache(void)
{
	static const char	once[] = "\x91\x82\xa5" "allow\xc3\xa5"
				    "cache\xc2";
	static const char	zero[] = "\x91\x82\xa5" "cache\x00\xa5"
				    "allow\xc3";
	static const char	keep[] = "\x91\x82\xa5" "allow\xc3\xa5"
				    "cache\xc3";
	struct sess		s, other;
	char			uri[300];
	int			i;

	bp_reload(conf_make(20000, 600000));
	join(&s, T0, 1, ++gen, R, "forgets");
	join(&other, T0, 2, gen, R, "forgets");
	call_asked(&s, "a.p", YES, 2, WERR_NO_SUCH_PROCEDURE);
	call_asked(&s, "a.p", NULL, 0, WERR_NO_SUCH_PROCEDURE);
	call_asked(&s, "a.q", NO, 2, WERR_NOT_AUTHORIZED);
	call_asked(&s, "a.q", NULL, 0, WERR_NOT_AUTHORIZED);
	/* another session, another action */
	call_asked(&other, "a.p", NO, 2, WERR_NOT_AUTHORIZED);
	call_asked(&s, "a.p", NULL, 0, WERR_NO_SUCH_PROCEDURE);
	send_register(&s, "a.p", MATCH_EXACT, 0);
	answer(asked(&s, "forgets", "a.p", "register"), NO, 2);
	want_refused(&s, WAMP_REGISTER, s.request, WERR_NOT_AUTHORIZED);
	/* the answer says not to, or for no time; or to */
	call_asked(&s, "a.r", once, sizeof(once) - 1, WERR_NO_SUCH_PROCEDURE);
	call_asked(&s, "a.r", zero, sizeof(zero) - 1, WERR_NO_SUCH_PROCEDURE);
	call_asked(&s, "a.r", "\x91\xc0", 2, WERR_AUTHORIZATION_FAILED);
	call_asked(&s, "a.r", keep, sizeof(keep) - 1, WERR_NO_SUCH_PROCEDURE);
	call_asked(&s, "a.r", NULL, 0, WERR_NO_SUCH_PROCEDURE);
	/* long ones are not */
	memset(uri, 'a', sizeof(uri));
	uri[257] = '\0';
	call_asked(&s, uri, YES, 2, WERR_NO_SUCH_PROCEDURE);
	call_asked(&s, uri, YES, 2, WERR_NO_SUCH_PROCEDURE);
	/* and a thousand others take the place of the first */
	for (i = 0; i < 1022; i++) {
		snprintf(uri, sizeof(uri), "b.x%d", i);
		call_asked(&s, uri, YES, 2, WERR_NO_SUCH_PROCEDURE);
	}
	call_asked(&s, "a.p", YES, 2, WERR_NO_SUCH_PROCEDURE);
	call_asked(&s, uri, NULL, 0, WERR_NO_SUCH_PROCEDURE);
	bp_ok("answers are remembered, by session, action and URI");

	/* a reload forgets; without "cache" nothing is remembered */
	bp_reload(conf_make(20000, 0));
	call_asked(&s, uri, keep, sizeof(keep) - 1, WERR_NO_SUCH_PROCEDURE);
	call_asked(&s, uri, YES, 2, WERR_NO_SUCH_PROCEDURE);
	leave(&s);
	leave(&other);
	bp_ok("a reload forgets them");
}

/* Publish, perhaps be asked, and is the publisher told to "all"? */
static void
publish_asked(struct sess *s, const char *role, const char *body, size_t len,
    int is_told)
{
	static struct heard	h;

	send_publish(s, 0, "a.told", "x", 1);
	if (body != NULL)
		answer(asked(s, role, "a.told", "publish"), body, len);
	hear_event(T1, &h);
	if (((h.m.flags & EVENT_PUBLISHER) != 0) != is_told ||
	    (is_told && h.m.publisher != s->id))
		errx(1, "role %s: publisher told: flags %x, want %d", role,
		    h.m.flags, is_told);
}

static void
disclosure(void)
{
	static const char	tell[] = "\x91\x82\xa8" "disclose\xc3\xa5"
				    "allow\xc3";
	static const char	not[] = "\x91\x82\xa8" "disclose\xc2\xa5"
				    "allow\xc3";
	struct sess		s, t;

	bp_reload(conf_make(20000, 600000));
	join(&t, T1, 2, ++gen, R, "all");
	subscribe(&t, "a.told");
	join(&s, T0, 1, gen, R, "dyn");
	publish_asked(&s, "dyn", tell, sizeof(tell) - 1, 1);
	publish_asked(&s, "dyn", not, sizeof(not) - 1, 0);
	publish_asked(&s, "dyn", YES, 2, 0);
	leave(&s);
	/* of what is remembered as well */
	join(&s, T0, 1, ++gen, R, "forgets");
	publish_asked(&s, "forgets", tell, sizeof(tell) - 1, 1);
	publish_asked(&s, "forgets", NULL, 0, 1);
	/* and of nothing else: that is another topic's */
	send_subscribe(&s, "a.other", MATCH_EXACT);
	answer(asked(&s, "forgets", "a.other", "subscribe"), YES, 2);
	want_subscribed(&s);
	publish_asked(&s, "forgets", NULL, 0, 1);
	leave(&s);
	join(&s, T0, 1, ++gen, R, "shy");
	publish_asked(&s, "shy", tell, sizeof(tell) - 1, 0);
	leave(&s);
	leave(&t);
	bp_ok("an answer discloses, unless that is never to be");
}

static void
pattern_cache(void)
{
	struct sess	s;

	join(&s, T0, 1, ++gen, R, "forgets");
	send_subscribe(&s, "a.p", MATCH_EXACT);
	answer(asked(&s, "forgets", "a.p", "subscribe"), YES, 2);
	want_subscribed(&s);
	send_subscribe(&s, "a.p", MATCH_PREFIX);
	answer(asked_match(&s, "forgets", "a.p", "subscribe", "prefix"), NO,
	    2);
	want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_NOT_AUTHORIZED);
	send_subscribe(&s, "a.p", MATCH_WILDCARD);
	answer(asked_match(&s, "forgets", "a.p", "subscribe", "wildcard"), NO,
	    2);
	want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_NOT_AUTHORIZED);
	send_subscribe(&s, "a.p", MATCH_PREFIX);
	want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_NOT_AUTHORIZED);
	subscribe(&s, "a.p");
	leave(&s);
	bp_ok("answers about a pattern are none about the URI");
}

static void
expiry(void)
{
	struct sess	s;
	struct got	g;
	int		i, n = 0;

	bp_reload(conf_make(20000, 300));
	join(&s, T0, 1, ++gen, R, "forgets");
	call_asked(&s, "a.p", YES, 2, WERR_NO_SUCH_PROCEDURE);
	/* until it is asked again */
	for (i = 0; i < 100000 && n == 0; i++) {
		send_call(&s, "a.p", "");
		while (side_next(T0, &g, 10) == 0)
			if ((n = side_next(T1, &g, 0)) != 0)
				break;
	}
	if (n != 1 || g.type != IMSG_INVOCATION || i < 2)
		errx(1, "asked again after %d, type %u", i, g.type);
	leave(&auth);
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	leave(&s);
	serve();
	bp_ok("and so does time");
}

/* -- reloads ------------------------------------------------------------ */

static void
reloads(void)
{
	struct conf		*c;
	struct conf_realm	*r;
	struct sess		 s;
	uint64_t		 inv;

	bp_reload(conf_make(20000, 0));
	join(&s, T0, 1, ++gen, R, "dyn");
	/* other rules decide what waits: by the new ones it is denied */
	send_call(&s, "a.none", "");
	inv = asked(&s, "dyn", "a.none", "call");
	c = conf_make(20000, 0);
	r = conf_find_realm(c, R, strlen(R));
	bconf_rule(conf_find_role(r, "dyn"), 0, ACTION_ALL, MATCH_EXACT,
	    NULL);
	bp_reload(c);
	answer(inv, YES, 2);
	want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
	/* or they still leave it to the authorizer, which is asked anew */
	bp_reload(conf_make(20000, 0));
	send_call(&s, "a.none", "");
	inv = asked(&s, "dyn", "a.none", "call");
	bp_reload(conf_make(20000, 0));
	answer(inv, YES, 2);
	answer(asked(&s, "dyn", "a.none", "call"), NO, 2);
	want_refused(&s, WAMP_CALL, s.request, WERR_NOT_AUTHORIZED);
	/* what it allowed stays */
	send_subscribe(&s, "a.topic", MATCH_EXACT);
	answer(asked(&s, "dyn", "a.topic", "subscribe"), YES, 2);
	want_subscribed(&s);
	bp_reload(conf_make(20000, 0));
	bp_quiet();
	/* the role goes while its session waits */
	send_call(&s, "a.none", "");
	inv = asked(&s, "dyn", "a.none", "call");
	c = bconf_new();
	r = conf_find_realm(c, R, strlen(R));
	bconf_rule(bconf_role(r, "guard"), 1, ACTION_REGISTER, MATCH_EXACT,
	    P);
	bp_reload(c);
	want_end(T0, s.slot, s.gen, WERR_CLOSE_REALM);
	send_close(&s, CLOSE_ENDED);
	answer(inv, YES, 2);
	bp_quiet();
	bp_reload(conf_make(20000, 0));
	bp_ok("reloads while an answer is awaited");
}

static void
trust(void)
{
	struct sess	s, t;
	uint64_t	reg;

	leave(&auth);
	join(&t, T0, 2, ++gen, R, "all");
	send_register(&t, P, MATCH_EXACT, 0);
	want_refused(&t, WAMP_REGISTER, t.request, WERR_NOT_AUTHORIZED);
	bp_ok("REGISTER of an authorizer needs a rule for exactly it");

	/* it becomes one, and who serves it already is not trusted */
	bp_reload(bconf_new());
	reg = registers(&t, P);
	bp_reload(conf_make(20000, 0));
	want_reg_revoked(&t, reg);
	bp_quiet();
	send_unregister(&t, reg);
	want_refused(&t, WAMP_UNREGISTER, t.request,
	    WERR_NO_SUCH_REGISTRATION);
	join(&s, T0, 1, ++gen, R, "dyn");
	send_call(&s, "a.none", "");
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	leave(&t);
	bp_ok("a reload takes it from who is not trusted");

	/* who may serve it may have a pattern over it, which does not */
	join(&t, T1, 2, ++gen, R, "guard");
	registers_as(&t, "com", MATCH_PREFIX, 0);
	send_call(&s, "a.none", "");
	want_refused(&s, WAMP_CALL, s.request, WERR_AUTHORIZATION_FAILED);
	bp_quiet();
	leave(&t);
	leave(&s);
	serve();
	bp_ok("no pattern serves as an authorizer");
}

/* Nor does one get it by a pattern that matches it. */
static void
trust_patterns(void)
{
	static const struct {
		const char	*uri;
		int		 match, may;
	} t[] = {
		{ "com.", MATCH_PREFIX, 0 }, { "", MATCH_PREFIX, 0 },
		{ P, MATCH_PREFIX, 0 }, { ".authorize", MATCH_WILDCARD, 0 },
		{ "com.", MATCH_WILDCARD, 0 }, { P ".", MATCH_PREFIX, 1 },
		{ "com..", MATCH_WILDCARD, 1 }
	};
	struct sess	a, guard;
	uint64_t	reg;
	size_t		i;

	join(&a, T0, 1, ++gen, R, "all");
	join(&guard, T1, 2, gen, R, "guard");
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		send_register(&guard, t[i].uri, t[i].match, 0);
		send_unregister(&guard, want_registered(&guard));
		want_unregistered(&guard);
		send_register(&a, t[i].uri, t[i].match, 0);
		if (t[i].may)
			want_registered(&a);
		else
			want_refused(&a, WAMP_REGISTER, a.request,
			    WERR_NOT_AUTHORIZED);
	}
	leave(&a);
	leave(&guard);
	bp_ok("nor does one get it by a pattern");

	/* who holds a pattern when it becomes an authorizer is not trusted */
	leave(&auth);
	bp_reload(bconf_new());
	join(&a, T0, 1, ++gen, R, "all");
	send_register(&a, "com.", MATCH_PREFIX, 0);
	reg = want_registered(&a);
	bp_reload(conf_make(20000, 0));
	want_reg_revoked(&a, reg);
	join(&guard, T1, 2, gen, R, "guard");
	send_register(&guard, "com.", MATCH_PREFIX, 0);
	want_registered(&guard);
	leave(&a);
	leave(&guard);
	serve();
	bp_ok("a reload takes patterns as well");
}

int
main(void)
{
	bp_start(conf_make(20000, 0), 2);
	serve();
	questions();
	rules_first();
	patterns();
	reserved();
	two_questions();
	testaments();
	shapes();
	no_answer();
	timeout();
	order();
	leaving();
	flow();
	cache();
	disclosure();
	pattern_cache();
	expiry();
	reloads();
	trust();
	trust_patterns();
	bp_stop();
	return (0);
}
