/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Session Meta API at a real broker.
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

static uint32_t	gen;		/* every case has sessions of its own */

/* Sessions of side_sync()'s own are in realm1, and of role "all". */
static void
lists(void)
{
	struct sess	a, b, c, other;

	gen++;
	join(&other, T1, 4, gen, "realm2", "all");
	join(&a, T0, 1, gen, R, "ops");
	meta_send(&a, "wamp.session.count", NULL, NULL);
	meta_want(&a, "[3]");
	join(&b, T0, 2, gen, R, "dev");
	join(&c, T1, 3, gen, R, "dev");
	meta_send(&a, "wamp.session.count", "[]", "{}");
	meta_want(&a, "[5]");
	meta_send(&a, "wamp.session.count", "[null]", NULL);
	meta_want(&a, "[5]");
	meta_send(&a, "wamp.session.count", "[[]]", NULL);
	meta_want(&a, "[0]");
	meta_send(&a, "wamp.session.count",
	    "[[\"dev\",\"none\",\"ops\",\"dev\"]]", "{\"unknown\":7}");
	meta_want(&a, "[3]");
	meta_send(&a, "wamp.session.list", "[[\"dev\"]]", NULL);
	meta_want(&a, "[[%llu,%llu]]", ID(c), ID(b));
	meta_send(&a, "wamp.session.list", "[[\"de\"]]", NULL);
	meta_want(&a, "[[]]");
	meta_send(&a, "wamp.session.list", NULL, NULL);
	meta_take(&a);
	meta_send(&other, "wamp.session.list", NULL, NULL);
	meta_want(&other, "[[%llu]]", ID(other));
	bp_ok("T81: who is in the realm, and in which role");

	leave(&b);
	meta_send(&a, "wamp.session.list", "[[\"dev\"]]", NULL);
	meta_want(&a, "[[%llu]]", ID(c));
	leave(&c);
	meta_send(&a, "wamp.session.count", "[[\"dev\"]]", NULL);
	meta_want(&a, "[0]");
	bp_ok("who left is not there");
	leave(&a);
	leave(&other);
}

static void
gets(void)
{
	struct sess	a, b, other;
	char		args[64];

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	join(&b, T1, 1, gen, R, "dev");
	join(&other, T1, 2, gen, "realm2", "all");
	snprintf(args, sizeof(args), "[%llu]", ID(b));
	meta_send(&a, "wamp.session.get", args, NULL);
	meta_want(&a, "[{\"session\":%llu,\"authid\":\"joe\","
	    "\"authrole\":\"dev\",\"authmethod\":\"anonymous\","
	    "\"authprovider\":\"static\"}]", ID(b));
	/* a float, as some clients write great integers */
	snprintf(args, sizeof(args), "[%llu.0]", ID(other));
	meta_send(&a, "wamp.session.get", args, NULL);
	meta_refused(&a, WERR_NO_SUCH_SESSION, "no such session");
	meta_send(&a, "wamp.session.get", "[18446744073709551615]", NULL);
	meta_refused(&a, WERR_NO_SUCH_SESSION, "no such session");
	bp_ok("T80: details of a session of this realm");
	leave(&a);
	leave(&b);
	leave(&other);
}

static void
modified(void)
{
	struct sess	a, b;
	char		args[256], *p;
	int		i;

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	join(&b, T1, 1, gen, R, "dev");
#define MODIFY(delta)	do {						\
	snprintf(args, sizeof(args), "[%llu,%s]", ID(b), (delta));	\
	meta_send(&a, "wamp.session.modify_details", args, NULL);	\
} while (0)
#define GET(more)	do {						\
	snprintf(args, sizeof(args), "[%llu]", ID(b));			\
	meta_send(&a, "wamp.session.get", args, NULL);			\
	meta_want(&a, "[{\"session\":%llu,\"authid\":\"joe\","		\
	    "\"authrole\":\"dev\",\"authmethod\":\"anonymous\","	\
	    "\"authprovider\":\"static\"%s}]", ID(b), (more));		\
} while (0)
	MODIFY("{\"a\":1,\"b\":[2,{}],\"c\":null}");
	meta_want(&a, "%s", "");
	GET(",\"a\":1,\"b\":[2,{}]");
	MODIFY("{\"a\":null,\"x\":\"y\"}");
	meta_want(&a, "%s", "");
	GET(",\"b\":[2,{}],\"x\":\"y\"");
	MODIFY("{\"b\":true}");
	meta_want(&a, "%s", "");
	GET(",\"x\":\"y\",\"b\":true");
	MODIFY("{\"b\":null,\"x\":null}");
	meta_want(&a, "%s", "");
	GET("");
	bp_ok("details that others say: merged, deleted by null");

	MODIFY("{\"ok\":1,\"authid\":\"root\"}");
	meta_refused(&a, WERR_INVALID_ARGUMENT,
	    "the router itself says these details");
	MODIFY("[]");
	meta_refused(&a, WERR_INVALID_ARGUMENT, "argument 2 must be a dict");
	meta_send(&a, "wamp.session.modify_details", "[1,{}]", NULL);
	meta_refused(&a, WERR_NO_SUCH_SESSION, "no such session");
	GET("");
	if ((p = malloc(20000)) == NULL)
		err(1, NULL);
	for (i = 0; i < 2; i++) {
		/* 9000 octets each */
		snprintf(p, 20000, "[%llu,{\"k%d\":\"%09000d\"}]", ID(b), i,
		    0);
		meta_send(&a, "wamp.session.modify_details", p, NULL);
		if (i == 0)
			meta_want(&a, "%s", "");
	}
	meta_refused(&a, WERR_INVALID_ARGUMENT,
	    "the details would be too many or too long");
	snprintf(p, 20000, "[%llu,{\"k\":\"%017000d\"}]", ID(b), 0);
	meta_send(&a, "wamp.session.modify_details", p, NULL);
	meta_refused(&a, WERR_INVALID_ARGUMENT,
	    "the details are too many or too long");
	free(p);
	bp_ok("16 KB of them, none of the router's own");
	leave(&a);
	leave(&b);
	bp_quiet();
}

/* -- who may ------------------------------------------------------------ */

static void
rights(void)
{
	static const char *const	reads[] = {
		"session.count", "session.list", "session.get",
		"subscription.list", "subscription.lookup",
		"subscription.match", "subscription.get",
		"subscription.list_subscribers",
		"subscription.count_subscribers"
	};
	static const char *const	writes[] = {
		"session.kill", "session.kill_by_authid",
		"session.kill_by_authrole", "session.kill_all",
		"session.modify_details", "subscription.remove_subscriber"
	};
	static const char *const	topics[] = {
		"session.on_join", "session.on_leave",
		"subscription.on_create", "subscription.on_subscribe",
		"subscription.on_unsubscribe", "subscription.on_delete"
	};
	struct sess			any, reader;
	struct got			g;
	uint64_t			sub;
	char				uri[64];
	size_t				i;

	gen++;
	join(&any, T0, 1, gen, R, "all");
	join(&reader, T0, 2, gen, R, "reader");
	for (i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		snprintf(uri, sizeof(uri), "wamp.%s", reads[i]);
		meta_send(&any, uri, NULL, NULL);
		meta_refused(&any, WERR_NOT_AUTHORIZED, "not allowed");
	}
	for (i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		snprintf(uri, sizeof(uri), "wamp.%s", writes[i]);
		meta_send(&any, uri, NULL, NULL);
		meta_refused(&any, WERR_NOT_AUTHORIZED, "not allowed");
		meta_send(&reader, uri, NULL, NULL);
		meta_refused(&reader, WERR_NOT_AUTHORIZED, "not allowed");
	}
	for (i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		snprintf(uri, sizeof(uri), "wamp.%s", topics[i]);
		send_subscribe(&any, uri, MATCH_EXACT);
		want_refused(&any, WAMP_SUBSCRIBE, any.request,
		    WERR_NOT_AUTHORIZED);
		sub = subscribe(&reader, uri);
		if (i == 2 || i == 3)	/* it sees itself */
			side_want(T0, IMSG_EVENT, &g, 0);
		send_unsubscribe(&reader, sub);
		want_unsubscribed(&reader, sub);
	}
	meta_send(&reader, "wamp.session.count", "[[\"none\"]]", NULL);
	meta_want(&reader, "[0]");
	bp_ok("T82: the meta API takes rules of its own");

	send_publish(&reader, PUBLISH_ACK, "wamp.session.on_join", "", 0);
	want_refused(&reader, WAMP_PUBLISH, reader.request, WERR_INVALID_URI);
	send_register(&reader, "wamp.session.count", MATCH_EXACT, 0);
	want_refused(&reader, WAMP_REGISTER, reader.request,
	    WERR_INVALID_URI);
	bp_ok("T82: nobody publishes or registers below wamp.");
	leave(&any);
	leave(&reader);
	bp_quiet();
}

/* -- events ------------------------------------------------------------- */

static void
session_events(void)
{
	struct sess	w, a, b, other;
	uint64_t	joined, left;

	gen++;
	join(&w, T0, 1, gen, R, "ops");
	joined = subscribe(&w, "wamp.session.on_join");
	left = subscribe(&w, "wamp.session.on_leave");
	join(&a, T1, 1, gen, R, "dev");
	meta_event(T0, joined, "[{\"session\":%llu,\"authid\":\"joe\","
	    "\"authrole\":\"dev\",\"authmethod\":\"anonymous\","
	    "\"authprovider\":\"static\"}]", ID(a));
	join(&b, T1, 2, gen, R, "dev");
	meta_event(T0, joined, "[{\"session\":%llu,\"authid\":\"joe\","
	    "\"authrole\":\"dev\",\"authmethod\":\"anonymous\","
	    "\"authprovider\":\"static\"}]", ID(b));
	join(&other, T1, 3, gen, "realm2", "all");
	leave(&other);
	leave(&b);
	meta_event(T0, left, "[%llu,\"joe\",\"dev\"]", ID(b));
	send_close(&a, CLOSE_LOST);
	want_end(T1, 1, gen, WERR_NONE);
	meta_event(T0, left, "[%llu,\"joe\",\"dev\"]", ID(a));
	bp_quiet();
	bp_ok("T77: on_join, on_leave, of this realm only");
	leave(&w);
	bp_quiet();
	bp_ok("none of a session that leaves to itself");
}

static void
subscription_events(void)
{
	struct sess	w, a, b;
	uint64_t	created, subscribed, unsubscribed, deleted, sub;

	gen++;
	join(&w, T0, 1, gen, R, "ops");
	join(&a, T1, 1, gen, R, "dev");
	join(&b, T1, 2, gen, R, "dev");
	created = subscribe(&w, "wamp.subscription.on_create");
	meta_event(T0, created, "[%llu,{\"id\":%llu,\"created\":\"T\","
	    "\"uri\":\"wamp.subscription.on_create\","
	    "\"match\":\"exact\"}]", ID(w), (unsigned long long)created);
	subscribed = subscribe(&w, "wamp.subscription.on_subscribe");
	meta_event(T0, created, "[%llu,{\"id\":%llu,\"created\":\"T\","
	    "\"uri\":\"wamp.subscription.on_subscribe\","
	    "\"match\":\"exact\"}]", ID(w),
	    (unsigned long long)subscribed);
	meta_event(T0, subscribed, "[%llu,%llu]", ID(w),
	    (unsigned long long)subscribed);
	bp_ok("T79: SUBSCRIBED before the events that it causes");
	send_unsubscribe(&w, created);
	want_unsubscribed(&w, created);
	unsubscribed = subscribe(&w, "wamp.subscription.on_unsubscribe");
	meta_event(T0, subscribed, "[%llu,%llu]", ID(w),
	    (unsigned long long)unsubscribed);
	deleted = subscribe(&w, "wamp.subscription.on_delete");
	meta_event(T0, subscribed, "[%llu,%llu]", ID(w),
	    (unsigned long long)deleted);
	created = subscribe(&w, "wamp.subscription.on_create");
	meta_event(T0, created, "[%llu,{\"id\":%llu,\"created\":\"T\","
	    "\"uri\":\"wamp.subscription.on_create\","
	    "\"match\":\"exact\"}]", ID(w), (unsigned long long)created);
	meta_event(T0, subscribed, "[%llu,%llu]", ID(w),
	    (unsigned long long)created);

	sub = subscribe(&a, "com.topic");
	meta_event(T0, created, "[%llu,{\"id\":%llu,\"created\":\"T\","
	    "\"uri\":\"com.topic\",\"match\":\"exact\"}]", ID(a),
	    (unsigned long long)sub);
	meta_event(T0, subscribed, "[%llu,%llu]", ID(a),
	    (unsigned long long)sub);
	/* again, which is nothing new */
	if (subscribe(&a, "com.topic") != sub)
		errx(1, "another subscription");
	subscribe(&b, "com.topic");
	meta_event(T0, subscribed, "[%llu,%llu]", ID(b),
	    (unsigned long long)sub);
	bp_ok("T78: on_create before the first on_subscribe");
	send_unsubscribe(&a, sub);
	want_unsubscribed(&a, sub);
	meta_event(T0, unsubscribed, "[%llu,%llu]", ID(a),
	    (unsigned long long)sub);
	send_close(&b, CLOSE_LOST);
	want_end(T1, 2, gen, WERR_NONE);
	meta_event(T0, unsubscribed, "[%llu,%llu]", ID(b),
	    (unsigned long long)sub);
	meta_event(T0, deleted, "[%llu,%llu]", ID(b),
	    (unsigned long long)sub);
	bp_ok("T78: on_delete after the last on_unsubscribe, of one lost");

	join(&b, T1, 2, gen + 1, R, "dev");
	sub = subscribe(&b, "com.topic");
	meta_event(T0, created, "[%llu,{\"id\":%llu,\"created\":\"T\","
	    "\"uri\":\"com.topic\",\"match\":\"exact\"}]", ID(b),
	    (unsigned long long)sub);
	meta_event(T0, subscribed, "[%llu,%llu]", ID(b),
	    (unsigned long long)sub);
	side_close(T1);
	meta_event(T0, unsubscribed, "[%llu,%llu]", ID(b),
	    (unsigned long long)sub);
	meta_event(T0, deleted, "[%llu,%llu]", ID(b),
	    (unsigned long long)sub);
	side_open(T1, PROC_TLSPROXY, 1);
	bp_ok("T78: and of one whose tlsproxy died");
	leave(&w);
	bp_quiet();
	gen++;
}

/* -- kill --------------------------------------------------------------- */

static void
kills(void)
{
	struct sess	a, b, other;
	uint64_t	left;
	char		args[64];

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	left = subscribe(&a, "wamp.session.on_leave");
	join(&b, T1, 1, gen, R, "dev");
	join(&other, T1, 2, gen, "realm2", "all");
	snprintf(args, sizeof(args), "[%llu]", ID(b));
	meta_send(&a, "wamp.session.kill", args, "{\"reason\":\"no uri\"}");
	meta_refused(&a, WERR_INVALID_URI, "reason is not a URI");
	meta_send(&a, "wamp.session.kill", args, "{\"reason\":\"\"}");
	meta_refused(&a, WERR_INVALID_URI, "reason is not a URI");
	meta_send(&a, "wamp.session.kill", args, "{\"reason\":7}");
	meta_refused(&a, WERR_INVALID_ARGUMENT, "reason must be a string");
	meta_send(&a, "wamp.session.kill", args, NULL);
	meta_want(&a, "%s", "");
	meta_ended(&b, "", "");
	meta_event(T0, left, "[%llu,\"joe\",\"dev\"]", ID(b));
	send_close(&b, CLOSE_ENDED);
	meta_send(&a, "wamp.session.kill", args, NULL);
	meta_refused(&a, WERR_NO_SUCH_SESSION, "no such session");
	snprintf(args, sizeof(args), "[%llu]", ID(a));
	meta_send(&a, "wamp.session.kill", args, NULL);
	meta_refused(&a, WERR_NO_SUCH_SESSION, "no such session");
	snprintf(args, sizeof(args), "[%llu]", ID(other));
	meta_send(&a, "wamp.session.kill", args, NULL);
	meta_refused(&a, WERR_NO_SUCH_SESSION, "no such session");
	bp_ok("T80: a kill, of another session of the realm");

	gen++;
	join(&b, T1, 1, gen, R, "dev");
	snprintf(args, sizeof(args), "[%llu]", ID(b));
	meta_send(&a, "wamp.session.kill", args,
	    "{\"reason\":\"com.example.bye\",\"message\":\"go away\"}");
	meta_want(&a, "%s", "");
	meta_ended(&b, "com.example.bye", "go away");
	meta_event(T0, left, "[%llu,\"joe\",\"dev\"]", ID(b));
	send_close(&b, CLOSE_ENDED);
	bp_ok("T80: reason and message of a kill");
	leave(&a);
	leave(&other);
	bp_quiet();
}

static void
kill_by(void)
{
	struct sess	a, b, c, d, e;
	uint64_t	left;

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	join(&b, T1, 1, gen, R, "dev");
	join(&c, T1, 2, gen, R, "dev");
	left = subscribe(&a, "wamp.session.on_leave");
	meta_send(&a, "wamp.session.kill_by_authrole", "[\"none\"]", NULL);
	meta_want(&a, "[0]");
	meta_send(&a, "wamp.session.kill_by_authrole", "[\"ops\"]", NULL);
	meta_want(&a, "[0]");
	meta_send(&a, "wamp.session.kill_by_authid", "[\"jo\"]", NULL);
	meta_want(&a, "[[]]");
	meta_send(&a, "wamp.session.kill_by_authrole", "[\"dev\"]",
	    "{\"message\":\"m\",\"reason\":null}");
	meta_want(&a, "[2]");
	meta_ended(&c, "", "m");
	meta_ended(&b, "", "m");
	meta_event(T0, left, "[%llu,\"joe\",\"dev\"]", ID(c));
	meta_event(T0, left, "[%llu,\"joe\",\"dev\"]", ID(b));
	send_close(&b, CLOSE_ENDED);
	send_close(&c, CLOSE_ENDED);
	bp_ok("T80: by authrole, a count");

	/* side_sync()'s own would go, too: another realm */
	gen++;
	join(&c, T1, 1, gen, "realm2", "all");
	join(&d, T1, 2, gen, "realm2", "all");
	join(&e, T1, 3, gen, "realm2", "all");
	meta_send(&c, "wamp.session.kill_by_authid", "[\"joe\"]",
	    "{\"reason\":\"com.example.bye\"}");
	meta_want(&c, "[[%llu,%llu]]", ID(e), ID(d));
	/* members no more, though perhaps not gone yet */
	meta_ended(&e, "com.example.bye", "");
	meta_ended(&d, "com.example.bye", "");
	send_close(&d, CLOSE_ENDED);
	send_close(&e, CLOSE_ENDED);
	meta_send(&c, "wamp.session.list", NULL, NULL);
	meta_want(&c, "[[%llu]]", ID(c));
	bp_ok("T80: by authid, a list");

	left = subscribe(&c, "wamp.session.on_leave");
	gen++;
	join(&d, T1, 2, gen, "realm2", "all");
	join(&e, T1, 3, gen, "realm2", "all");
	meta_send(&c, "wamp.session.kill_all", NULL, NULL);
	meta_want(&c, "[2]");
	meta_ended(&e, "", "");
	meta_ended(&d, "", "");
	send_close(&d, CLOSE_ENDED);
	send_close(&e, CLOSE_ENDED);
	bp_quiet();
	meta_send(&c, "wamp.session.count", NULL, NULL);
	meta_want(&c, "[1]");
	bp_ok("T80: all, and nobody is told");
	leave(&a);
	leave(&c);
	bp_quiet();
}

/* More than are ended in one turn. */
static void
kill_many(void)
{
	enum { MANY = 6000 };
	struct m_session_end	m;
	struct got		g;
	struct sess		a, b;
	uint64_t		left;
	uint32_t		i;

	gen++;
	join(&a, T0, 1, gen, "realm2", "all");
	left = subscribe(&a, "wamp.session.on_leave");
	for (i = 0; i < MANY; i++)
		join(&b, T1, 10 + i, gen, "realm2", "many");
	meta_send(&a, "wamp.session.kill_by_authrole", "[\"many\"]", NULL);
	meta_want(&a, "[%d]", MANY);
	/* members no more, though not all are gone */
	meta_send(&a, "wamp.session.count", NULL, NULL);
	for (i = 0; i < MANY; i++) {
		side_want(T1, IMSG_SESSION_END, &g, sizeof(m));
		memcpy(&m, g.data, sizeof(m));
		if (m.err != WERR_KILLED)
			errx(1, "SESSION_END of slot %u", g.slot);
		/* they go on as it is answered */
		b.slot = g.slot;
		send_close(&b, CLOSE_ENDED);
	}
	/* the answer came among the events */
	for (i = 0; i < MANY + 1; i++) {
		if (side_next(T0, &g, 20000) != 1)
			errx(1, "%u of %d", i, MANY);
		if (g.type == IMSG_RESULT) {
			if (memcmp(g.data + sizeof(struct m_result),
			    "\x91\x01", 2) != 0)
				errx(1, "not one session is left");
		} else if (g.type != IMSG_EVENT)
			errx(1, "imsg %u", g.type);
	}
	bp_quiet();
	bp_ok("many are killed in slices");
	send_unsubscribe(&a, left);
	want_unsubscribed(&a, left);
	leave(&a);
	bp_quiet();
}

static const struct wrong {
	const char	*procedure, *args, *kw, *text;
} wrongs[] = {
	{ "session.get", NULL, NULL, "argument 1 is missing" },
	{ "session.get", "[]", NULL, "argument 1 is missing" },
	{ "session.get", "[null]", NULL, "argument 1 must be an id" },
	{ "session.get", "[-1]", NULL, "argument 1 must be an id" },
	{ "session.get", "[1.5]", NULL, "argument 1 must be an id" },
	{ "session.get", "[\"1\"]", NULL, "argument 1 must be an id" },
	{ "session.get", "[true]", NULL, "argument 1 must be an id" },
	{ "session.get", "[[1]]", NULL, "argument 1 must be an id" },
	{ "session.get", "[1,2]", NULL, "there are more than 1 arguments" },
	{ "session.count", "[\"dev\"]", NULL, "argument 1 must be a list" },
	{ "session.count", "[{}]", NULL, "argument 1 must be a list" },
	{ "session.count", "[[1]]", NULL,
	    "filter_authroles must be a list of strings" },
	{ "session.list", "[[\"a\",null]]", NULL,
	    "filter_authroles must be a list of strings" },
	{ "session.list", "[null,null]", NULL,
	    "there are more than 1 arguments" },
	{ "session.kill", "[]", "{}", "argument 1 is missing" },
	{ "session.kill", "[\"x\"]", NULL, "argument 1 must be an id" },
	{ "session.kill_by_authid", "[1]", NULL,
	    "argument 1 must be a string" },
	{ "session.kill_by_authid", "[\"x\"]", "{\"reason\":[]}",
	    "reason must be a string" },
	{ "session.kill_by_authrole", "[null]", NULL,
	    "argument 1 must be a string" },
	{ "session.kill_by_authrole", "[\"x\"]", "{\"message\":true}",
	    "message must be a string" },
	{ "session.kill_all", "[1]", NULL,
	    "there must be no arguments" },
	{ "session.kill_all", "[]", "{\"message\":7}",
	    "message must be a string" },
};

static void
wrong_arguments(void)
{
	struct sess	a;
	char		uri[128], *many;
	size_t		i;

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		snprintf(uri, sizeof(uri), "wamp.%s", wrongs[i].procedure);
		meta_send(&a, uri, wrongs[i].args, wrongs[i].kw);
		meta_refused(&a, WERR_INVALID_ARGUMENT, wrongs[i].text);
	}
	if ((many = malloc(3 * 1001 + 8)) == NULL)
		err(1, NULL);
	strcpy(many, "[[");
	for (i = 0; i < 1001; i++)
		memcpy(many + 2 + 3 * i, "\"\",", 3);
	strcpy(many + 2 + 3 * 1001 - 1, "]]");
	meta_send(&a, "wamp.session.count", many, NULL);
	meta_refused(&a, WERR_INVALID_ARGUMENT,
	    "filter_authroles has too many entries");
	free(many);
	bp_ok("wrong arguments, each named");

	meta_send(&a, "wamp.session.nothing", "[]", NULL);
	meta_refused(&a, WERR_NO_SUCH_PROCEDURE, "no such procedure");
	meta_send(&a, "wamp.session.get.x", "[]", NULL);
	meta_refused(&a, WERR_NO_SUCH_PROCEDURE, "no such procedure");
	meta_send(&a, "wamp.session.ge", "[]", NULL);
	meta_refused(&a, WERR_NO_SUCH_PROCEDURE, "no such procedure");
	bp_ok("no such meta procedure");
	leave(&a);
}

/* Octets as a client might have got them past its tlsproxy. */
static void
octets(struct sess *s, unsigned int nargs, const void *p, size_t len)
{
	struct m_call	m;
	struct text	t[2] = { { "wamp.session.get", 16 }, { p, len } };

	memset(&m, 0, sizeof(m));
	m.request = ++s->request;
	m.paylen = (uint32_t)len;
	m.urilen = (uint16_t)t[0].len;
	m.ser = 2;
	m.nargs = (uint8_t)nargs;
	side_send(s->t, IMSG_CALL, s->slot, s->gen, &m, sizeof(m), t, 2);
	meta_refused(s, WERR_INVALID_ARGUMENT,
	    "the arguments cannot be read");
}

static void
hostile(void)
{
	static const uint8_t	whole[] = { 0x92, 0xcf, 0, 0, 1, 0, 0, 0, 0,
				    1, 0x81, 0xa1, 'a', 0x91, 0x01 };
	struct sess		a;
	uint8_t			deep[4096];
	size_t			i;

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	for (i = 1; i < sizeof(whole); i++)
		octets(&a, 1, whole, i);
	octets(&a, 1, "\x91\x01\x80", 3);	/* something behind */
	octets(&a, 2, "\x91\x01", 2);		/* no dict */
	octets(&a, 2, "\x91\x01\x90", 3);
	octets(&a, 1, "\x80", 1);		/* no list */
	octets(&a, 1, "\xdd\xff\xff\xff\xff\x01", 6);	/* claims */
	octets(&a, 1, "\x91\xdb\xff\xff\xff\xff\x01", 7);
	octets(&a, 2, "\x90\xdf\x7f\xff\xff\xff\x01\x01", 8);
	octets(&a, 1, "\x91\xa1\xff", 3);	/* not UTF-8 */
	memset(deep, 0x91, sizeof(deep));
	octets(&a, 1, deep, sizeof(deep));
	bp_ok("arguments that are no MessagePack");
	meta_send(&a, "wamp.session.count", "[[\"ops\"]]", NULL);
	meta_want(&a, "[1]");
	leave(&a);
}

int
main(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r;
	struct conf_role	*reader;

	r = conf_find_realm(c, R, strlen(R));
	meta_role(r, "ops");
	meta_role(r, "dev");
	meta_role(bconf_realm(c, "realm2"), "all");
	bconf_role(conf_find_realm(c, "realm2", 6), "many");
	reader = bconf_role(r, "reader");
	bconf_rule(reader, 1, ACTION_ALL, MATCH_EXACT, NULL);
	bconf_rule(reader, 1, ACTION_META_READ, MATCH_EXACT, NULL);
	bp_start(c, 2);
	lists();
	gets();
	modified();
	rights();
	session_events();
	subscription_events();
	kills();
	kill_by();
	kill_many();
	wrong_arguments();
	hostile();
	bp_stop();
	return (0);
}
