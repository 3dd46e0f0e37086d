/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Session Testament at a real broker.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bplay.h"
#include "conf.h"
#include "metaplay.h"
#include "ppt.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"
#define ID(s)	((unsigned long long)(s).id)

#define ADD	"wamp.session.add_testament"
#define FLUSH	"wamp.session.flush_testaments"

static uint32_t	gen;		/* every case has sessions of its own */

static void
add(struct sess *s, const char *args, const char *kw)
{
	meta_send(s, ADD, args, kw);
	meta_want(s, "%s", "");
}

static void
lost(struct sess *s)
{
	send_close(s, CLOSE_LOST);
	want_end(s->t, s->slot, s->gen, WERR_NONE);
}

static void
order(void)
{
	struct sess	w, a;
	uint64_t	sub, left;

	gen++;
	join(&w, T0, 1, gen, R, "ops");
	join(&a, T1, 1, gen, R, "all");
	sub = subscribe(&w, "com.bye");
	left = subscribe(&w, "wamp.session.on_leave");
	subscribe(&a, "com.bye");
	add(&a, "[\"com.bye\",[1],{}]", NULL);
	add(&a, "[\"com.bye\",[2]]", "{\"scope\":\"destroyed\"}");
	add(&a, "[\"com.bye\",[3,\"x\"],null]", "{\"scope\":\"detached\"}");
	add(&a, "[\"com.bye\"]", "{\"scope\":\"detached\","
	    "\"publish_options\":{\"exclude_me\":false,\"acknowledge\":true,"
	    "\"unknown\":1}}");
	add(&a, "[\"com.none\",[9]]", "{\"publish_options\":null}");
	lost(&a);
	meta_event(T0, sub, "[3,\"x\"]");
	meta_event(T0, sub, "%s", "");
	meta_event(T0, sub, "[1]");
	meta_event(T0, sub, "[2]");
	meta_event(T0, left, "[%llu,\"joe\",\"all\"]", ID(a));
	bp_quiet();
	bp_ok("T83: detached, then destroyed, then on_leave, of one lost");

	gen++;
	join(&a, T1, 1, gen, R, "all");
	add(&a, "[\"com.bye\",[1]]", NULL);
	add(&a, "[\"com.bye\",[2]]", "{\"scope\":\"detached\"}");
	add(&a, "[\"com.bye\",[3]]", NULL);
	meta_send(&a, FLUSH, NULL, NULL);
	meta_want(&a, "%s", "");
	add(&a, "[\"com.bye\",[4]]", NULL);
	leave(&a);
	meta_event(T0, sub, "[2]");
	meta_event(T0, sub, "[4]");
	meta_event(T0, left, "[%llu,\"joe\",\"all\"]", ID(a));
	bp_ok("T83: flushed are the destroyed ones by default; GOODBYE");

	gen++;
	join(&a, T1, 1, gen, R, "all");
	add(&a, "[\"com.bye\",[1]]", NULL);
	add(&a, "[\"com.bye\",[2]]", "{\"scope\":\"detached\"}");
	meta_send(&a, FLUSH, "[]", "{\"scope\":\"detached\"}");
	meta_want(&a, "%s", "");
	send_unsubscribe(&w, left);
	want_unsubscribed(&w, left);
	side_close(T1);
	meta_event(T0, sub, "[1]");
	side_open(T1, PROC_TLSPROXY, 1);
	leave(&w);
	bp_quiet();
	bp_ok("T83: of one whose tlsproxy died");
	gen++;
}

static void
killed(void)
{
	struct sess	w, a;
	uint64_t	sub;
	char		args[64];

	gen++;
	join(&w, T0, 1, gen, R, "ops");
	join(&a, T1, 1, gen, R, "all");
	sub = subscribe(&w, "com.bye");
	add(&a, "[\"com.bye\",[],{\"k\":[1,{\"m\":null}]}]", NULL);
	snprintf(args, sizeof(args), "[%llu]", ID(a));
	meta_send(&w, "wamp.session.kill", args, NULL);
	meta_want(&w, "%s", "");
	meta_ended(&a, "", "");
	meta_event(T0, sub, "[]{\"k\":[1,{\"m\":null}]}");
	send_close(&a, CLOSE_ENDED);
	bp_ok("T83: of one that is killed; ArgumentsKw");
	leave(&w);

	gen++;
	join(&w, T0, 1, gen, "realm2", "ops");
	join(&a, T1, 1, gen, "realm2", "ops");
	sub = subscribe(&w, "com.bye");
	add(&a, "[\"com.bye\",[1]]", NULL);
	meta_send(&w, "wamp.session.kill_all", NULL, NULL);
	meta_want(&w, "[1]");
	meta_ended(&a, "", "");
	send_close(&a, CLOSE_ENDED);
	leave(&w);
	bp_quiet();
	bp_ok("none of those that kill_all ends");
}

static void
send_features(struct sess *s, uint32_t features)
{
	struct m_session_features	m = { features, 0 };

	side_send(s->t, IMSG_SESSION_FEATURES, s->slot, s->gen, &m,
	    sizeof(m), NULL, 0);
}

/* An EVENT to T0 with exactly these receivers or exceptions. */
static void
event_refs(uint64_t sub, uint32_t flags, const struct sess *s, int n)
{
	struct m_event		m;
	struct m_sessref	ref;
	struct got		g;

	side_want(T0, IMSG_EVENT, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.subscription != sub || m.flags != flags ||
	    m.nrefs != (uint32_t)n)
		errx(1, "EVENT: flags %x, %u named, want %x, %d", m.flags,
		    m.nrefs, flags, n);
	if (n == 0)
		return;
	memcpy(&ref, g.data + sizeof(m), sizeof(ref));
	if (ref.slot != s->slot || ref.gen != s->gen)
		errx(1, "EVENT names slot %u", ref.slot);
}

static void
options(void)
{
	struct sess	w, v, a;
	uint64_t	sub;
	char		kw[256];

	gen++;
	join(&w, T0, 1, gen, R, "ops");
	join(&v, T0, 2, gen, R, "all");
	join(&a, T1, 1, gen, R, "all");
	sub = subscribe(&w, "com.bye");
	subscribe(&v, "com.bye");
	snprintf(kw, sizeof(kw),
	    "{\"publish_options\":{\"exclude\":[7,%llu]}}", ID(v));
	add(&a, "[\"com.bye\",[1]]", kw);
	snprintf(kw, sizeof(kw),
	    "{\"publish_options\":{\"eligible\":[%llu.0]}}", ID(v));
	add(&a, "[\"com.bye\",[2]]", kw);
	add(&a, "[\"com.bye\",[3]]",
	    "{\"publish_options\":{\"eligible\":[]}}");
	add(&a, "[\"com.bye\",[4]]",
	    "{\"publish_options\":{\"exclude_authid\":[\"jim\",\"joe\"]}}");
	add(&a, "[\"com.bye\",[5]]",
	    "{\"publish_options\":{\"eligible_authid\":[\"joe\"],"
	    "\"exclude_authrole\":[\"all\",\"x\"]}}");
	add(&a, "[\"com.bye\",[6]]",
	    "{\"publish_options\":{\"eligible_authrole\":[\"ops\"],"
	    "\"eligible\":null}}");
	lost(&a);
	event_refs(sub, 0, &v, 1);
	event_refs(sub, EVENT_ONLY, &v, 1);
	event_refs(sub, 0, &v, 1);
	event_refs(sub, 0, &v, 1);
	bp_quiet();
	bp_ok("T83: black- and whitelisting of a testament");

	gen++;
	join(&a, T1, 1, gen, R, "all");
	add(&a, "[\"com.bye\",[1]]",
	    "{\"publish_options\":{\"disclose_me\":true}}");
	lost(&a);
	event_refs(sub, EVENT_PUBLISHER, NULL, 0);
	bp_ok("T83: disclose_me of a testament");
	leave(&w);
	leave(&v);
	bp_quiet();
}

static void
passed_through(void)
{
	static const char	kw[] = "{\"publish_options\":{"
				"\"ppt_scheme\":\"x_my\","
				"\"ppt_keyid\":\"k\"}}";
	struct ppt_text		t[PPT_ATTRS];
	struct sess		w, a;
	struct m_event		m;
	struct got		g;
	uint64_t		sub;

	gen++;
	join(&w, T0, 1, gen, R, "ops");
	join(&a, T1, 1, gen, R, "all");
	sub = subscribe(&w, "com.bye");
	meta_send(&a, ADD, "[\"com.bye\",[1]]", kw);
	meta_refused(&a, WERR_INVALID_ARGUMENT,
	    "payload passthru mode was not announced");
	send_features(&a, FEAT_PUBLISHER_PPT);
	meta_send(&a, ADD, "[\"com.bye\",[1,2]]", kw);
	meta_refused(&a, WERR_INVALID_ARGUMENT,
	    "a payload that is passed through is one argument");
	meta_send(&a, ADD, "[\"com.bye\",[1],{\"k\":1}]", kw);
	meta_refused(&a, WERR_INVALID_ARGUMENT,
	    "a payload that is passed through is one argument");
	meta_send(&a, ADD, "[\"com.bye\"]", kw);
	meta_refused(&a, WERR_INVALID_ARGUMENT,
	    "a payload that is passed through is one argument");
	add(&a, "[\"com.bye\",[\"secret\"],{}]", kw);
	lost(&a);
	side_want(T0, IMSG_EVENT, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.subscription != sub || m.nargs != 1 ||
	    g.len != sizeof(m) + m.pptlen + m.paylen ||
	    ppt_read(g.data + sizeof(m), m.pptlen, t) == -1 ||
	    t[PPT_SCHEME].len != 4 || t[PPT_KEYID].len != 1 ||
	    t[PPT_CIPHER].len != 0 || t[PPT_SERIALIZER].len != 0 ||
	    memcmp(t[PPT_SCHEME].p, "x_my", 4) != 0)
		errx(1, "EVENT without its ppt attributes");
	bp_ok("a testament whose payload is passed through");
	leave(&w);
	bp_quiet();
}

static const struct wrong {
	const char	*args, *kw;
	enum wamp_err	 err;
	const char	*text;
} wrongs[] = {
	{ "[]", NULL, WERR_INVALID_ARGUMENT, "argument 1 is missing" },
	{ "[1]", NULL, WERR_INVALID_ARGUMENT,
	    "argument 1 must be a string" },
	{ "[\"com.t\",{}]", NULL, WERR_INVALID_ARGUMENT,
	    "argument 2 must be a list" },
	{ "[\"com.t\",[],[]]", NULL, WERR_INVALID_ARGUMENT,
	    "argument 3 must be a dict" },
	{ "[\"com.t\",[],{},1]", NULL, WERR_INVALID_ARGUMENT,
	    "there are more than 3 arguments" },
	{ "[\"com.t\"]", "{\"scope\":1}", WERR_INVALID_ARGUMENT,
	    "scope must be a string" },
	{ "[\"com.t\"]", "{\"scope\":\"\"}", WERR_INVALID_ARGUMENT,
	    "scope must be detached or destroyed" },
	{ "[\"com.t\"]", "{\"publish_options\":[]}", WERR_INVALID_ARGUMENT,
	    "publish_options must be a dict" },
	{ "[\"com..t\"]", NULL, WERR_INVALID_URI, "not a URI" },
	{ "[\"\"]", NULL, WERR_INVALID_URI, "not a URI" },
	{ "[\"wamp.session.on_join\"]", NULL, WERR_INVALID_URI,
	    "topics below wamp. are the router's" },
};

static const char *const	wrong_options[] = {
	"\"acknowledge\":1", "\"exclude_me\":\"x\"", "\"disclose_me\":1",
	"\"retain\":[]", "\"exclude\":1", "\"exclude\":[\"a\"]",
	"\"eligible\":[1.5]", "\"eligible\":[-1]", "\"eligible\":{}",
	"\"exclude_authid\":[1]", "\"eligible_authid\":\"joe\"",
	"\"exclude_authrole\":[null]", "\"eligible_authrole\":[[]]",
	"\"ppt_scheme\":1", "\"ppt_cipher\":[]"
};

static void
refused(void)
{
	struct sess	a, poor, w;
	uint64_t	sub;
	char		kw[128];
	size_t		i;

	gen++;
	join(&a, T0, 1, gen, R, "all");
	for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		meta_send(&a, ADD, wrongs[i].args, wrongs[i].kw);
		meta_refused(&a, wrongs[i].err, wrongs[i].text);
	}
	for (i = 0; i < sizeof(wrong_options) / sizeof(wrong_options[0]);
	    i++) {
		snprintf(kw, sizeof(kw), "{\"publish_options\":{%s}}",
		    wrong_options[i]);
		meta_send(&a, ADD, "[\"com.t\"]", kw);
		meta_refused(&a, WERR_INVALID_ARGUMENT,
		    "publish_options: not of its type, or too long");
	}
	meta_send(&a, FLUSH, "[1]", NULL);
	meta_refused(&a, WERR_INVALID_ARGUMENT, "there must be no arguments");
	meta_send(&a, FLUSH, NULL, NULL);
	meta_want(&a, "%s", "");
	bp_ok("wrong arguments of a testament");

	/* may call, and publish com.mine only */
	join(&w, T1, 1, gen, R, "ops");
	join(&poor, T0, 2, gen, R, "poor");
	sub = subscribe(&w, "com.mine");
	meta_send(&poor, ADD, "[\"com.other\"]", NULL);
	meta_refused(&poor, WERR_NOT_AUTHORIZED, "not allowed");
	add(&poor, "[\"com.mine\",[1]]", NULL);
	lost(&poor);
	meta_event(T1, sub, "[1]");
	bp_ok("T83: authorized when it is added");

	join(&poor, T0, 2, gen + 1, R, "shy");
	meta_send(&poor, ADD, "[\"com.t\"]",
	    "{\"publish_options\":{\"disclose_me\":true}}");
	meta_refused(&poor, WERR_OPTION_DISALLOWED_DISCLOSE_ME,
	    "disclose_me is not allowed");
	add(&poor, "[\"com.t\"]",
	    "{\"publish_options\":{\"disclose_me\":false}}");
	leave(&poor);
	gen++;
	bp_ok("disclose_me where that is never to be");

	for (i = 0; i < 100; i++)
		add(&a, "[\"com.t\"]", i & 1 ? NULL :
		    "{\"scope\":\"detached\"}");
	meta_send(&a, ADD, "[\"com.t\"]", NULL);
	meta_refused(&a, WERR_NOT_AUTHORIZED,
	    "too many testaments of this session");
	meta_send(&a, FLUSH, NULL, NULL);
	meta_want(&a, "%s", "");
	add(&a, "[\"com.t\"]", NULL);
	bp_ok("a hundred of them and no more");
	leave(&a);
	leave(&w);
	bp_quiet();
}

static struct conf *
conf(int poor_may)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));
	struct conf_role	*poor, *shy;

	meta_role(r, "ops");
	meta_role(bconf_realm(c, "realm2"), "ops");
	shy = bconf_role(r, "shy");
	shy->disclose_publisher = DISCLOSE_NEVER;
	bconf_rule(shy, 1, ACTION_ALL, MATCH_EXACT, NULL);
	poor = bconf_role(r, "poor");
	bconf_rule(poor, 1, ACTION_CALL, MATCH_EXACT, NULL);
	if (poor_may)
		bconf_rule(poor, 1, ACTION_PUBLISH, MATCH_EXACT, "com.mine");
	return (c);
}

/* What was allowed at first is not any more. */
static void
reloaded(void)
{
	struct sess	w, poor;
	uint64_t	left;

	gen++;
	join(&w, T0, 1, gen, R, "ops");
	subscribe(&w, "com.mine");
	left = subscribe(&w, "wamp.session.on_leave");
	join(&poor, T1, 1, gen, R, "poor");
	add(&poor, "[\"com.mine\",[1]]", NULL);
	bp_reload(conf(0));
	lost(&poor);
	meta_event(T0, left, "[%llu,\"joe\",\"poor\"]", ID(poor));
	bp_ok("T83: authorized again when it is published");
	leave(&w);
	bp_quiet();
}

int
main(void)
{
	bp_start(conf(1), 2);
	order();
	killed();
	options();
	passed_through();
	refused();
	reloaded();
	bp_stop();
	return (0);
}
