/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Publish and Subscribe at a real broker, but for the lists of PUBLISH
 * (broker_lists_test.c).  Numbers T.. are those of the interoperability
 * notes.
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
#define LOOSE	"realm1"

static struct heard	heard;

static void
events(void)
{
	struct sess	a, b, c;
	uint64_t	sub, pub;

	join(&a, T0, 1, 1, LOOSE, "all");
	join(&b, T0, 2, 1, LOOSE, "all");
	join(&c, T1, 1, 1, LOOSE, "all");
	sub = subscribe(&b, "com.example.t");
	if (subscribe(&c, "com.example.t") != sub)
		errx(1, "one topic has two ids");

	/* a is no subscriber: nobody is excepted */
	send_publish(&a, 0, "com.example.t", "x", 1);
	pub = want_event(T0, sub, NULL, "x", 1);
	if (want_event(T1, sub, NULL, "x", 1) != pub)
		errx(1, "one publication has two ids");
	bp_quiet();

	/* b is the only one of T0: T0 gets none */
	send_publish(&b, 0, "com.example.t", "", 0);
	want_event(T1, sub, NULL, "", 0);
	bp_quiet();
	/* until there is another */
	subscribe(&a, "com.example.t");
	send_publish(&b, 0, "com.example.t", "yy", 2);
	want_event(T1, sub, NULL, "yy", 2);
	want_event(T0, sub, &b, "yy", 2);
	bp_quiet();
	/* exclude_me: false */
	send_publish(&b, PUBLISH_INCLUDE_ME, "com.example.t", "z", 1);
	want_event(T1, sub, NULL, "z", 1);
	want_event(T0, sub, NULL, "z", 1);
	/* no subscriber, and another topic */
	send_publish(&b, 0, "com.example.T", "z", 1);
	send_publish(&b, 0, "com.example.t.u", "z", 1);
	send_publish(&b, 0, "com.example", "z", 1);
	bp_quiet();

	leave(&c);
	send_publish(&a, 0, "com.example.t", "w", 1);
	want_event(T0, sub, &a, "w", 1);
	bp_quiet();
	leave(&a);
	leave(&b);
	bp_ok("events go once to each proxy, not to the publisher (T38)");
}

/* An EVENT of a pattern of T1, of the topic "p.one.x". */
static void
want_pattern_event(uint64_t sub, char octet)
{
	struct m_event	m;
	struct got	g;
	char		tail[9];

	snprintf(tail, sizeof(tail), "p.one.x%c", octet);
	side_want(T1, IMSG_EVENT, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.subscription != sub || m.topiclen != 7 || m.paylen != 1 ||
	    g.len != sizeof(m) + 8 || memcmp(g.data + sizeof(m), tail, 8) != 0)
		errx(1, "EVENT of %llu, want one of the pattern %llu",
		    (unsigned long long)m.subscription,
		    (unsigned long long)sub);
}

/* Where no pattern matched that is remembered, and must be forgotten. */
static void
patterns_come_and_go(void)
{
	struct sess	a, b;
	uint64_t	exact, prefix, wild;
	int		i;

	join(&a, T0, 1, 5, LOOSE, "all");
	join(&b, T1, 1, 5, LOOSE, "all");
	exact = subscribe(&b, "p.one.x");
	subscribe_to(&b, "q..x", MATCH_WILDCARD);
	subscribe_to(&b, "q.", MATCH_PREFIX);
	for (i = 0; i < 3; i++) {
		send_publish(&a, 0, "p.one.x", "1", 1);
		want_event(T1, exact, NULL, "1", 1);
		bp_quiet();
		prefix = subscribe_to(&b, "p.", MATCH_PREFIX);
		send_publish(&a, 0, "p.one.x", "2", 1);
		want_event(T1, exact, NULL, "2", 1);
		want_pattern_event(prefix, '2');
		bp_quiet();
		send_unsubscribe(&b, prefix);
		want_unsubscribed(&b, prefix);
		send_publish(&a, 0, "p.one.x", "3", 1);
		want_event(T1, exact, NULL, "3", 1);
		bp_quiet();
		wild = subscribe_to(&b, "p..x", MATCH_WILDCARD);
		send_publish(&a, 0, "p.one.x", "4", 1);
		want_event(T1, exact, NULL, "4", 1);
		want_pattern_event(wild, '4');
		bp_quiet();
		send_unsubscribe(&b, wild);
		want_unsubscribed(&b, wild);
	}
	leave(&a);
	leave(&b);
	bp_ok("patterns that come and go beside an exact subscription");
}

static void
subscriptions(void)
{
	struct sess	a, b, c;
	uint64_t	sub, sub2, other;

	join(&a, T0, 1, 2, LOOSE, "all");
	join(&b, T1, 1, 2, LOOSE, "all");
	join(&c, T1, 2, 2, LOOSE, "all");
	sub = subscribe(&a, "t.one");
	if (subscribe(&a, "t.one") != sub)
		errx(1, "T31: a second id");
	other = subscribe(&a, "t.two");
	if (other == sub)
		errx(1, "two topics have one id");
	send_publish(&b, 0, "t.one", "1", 1);
	want_event(T0, sub, NULL, "1", 1);
	bp_quiet();
	send_unsubscribe(&a, sub);
	want_unsubscribed(&a, sub);
	send_unsubscribe(&a, sub);
	want_refused(&a, WAMP_UNSUBSCRIBE, a.request,
	    WERR_NO_SUCH_SUBSCRIPTION);
	send_publish(&b, 0, "t.one", "1", 1);
	bp_quiet();
	bp_ok("T31: subscribed twice is subscribed once");

	send_unsubscribe(&b, other);
	want_refused(&b, WAMP_UNSUBSCRIBE, b.request,
	    WERR_NO_SUCH_SUBSCRIPTION);
	send_unsubscribe(&b, 0);
	want_refused(&b, WAMP_UNSUBSCRIBE, b.request,
	    WERR_NO_SUCH_SUBSCRIPTION);
	/* even to one who holds another one */
	subscribe(&c, "t.three");
	send_unsubscribe(&c, other);
	want_refused(&c, WAMP_UNSUBSCRIBE, c.request,
	    WERR_NO_SUCH_SUBSCRIPTION);
	send_publish(&b, 0, "t.two", "2", 1);
	want_event(T0, other, NULL, "2", 1);
	bp_quiet();
	bp_ok("T32: a foreign subscription stays");

	sub2 = subscribe(&a, "t.one");
	if (sub2 == sub)
		errx(1, "the id of a dead subscription came back");
	/* the first leaves, the second keeps it alive */
	if (subscribe(&b, "t.one") != sub2)
		errx(1, "one topic has two ids");
	leave(&a);
	send_publish(&c, 0, "t.one", "3", 1);
	want_event(T1, sub2, NULL, "3", 1);
	bp_quiet();
	leave(&b);
	send_publish(&c, 0, "t.one", "3", 1);
	bp_quiet();
	leave(&c);
	bp_ok("a subscription ends with its last session");
}

static void
acknowledged(void)
{
	struct sess	 a, b;
	uint64_t	 sub, pub, seen[2000], high = 0, low = 0;
	int		 i, j, n = 0;

	join(&a, T0, 1, 3, LOOSE, "all");
	join(&b, T1, 1, 3, LOOSE, "all");
	send_publish(&a, PUBLISH_ACK, "t.nobody", "1", 1);
	want_published(&a);
	sub = subscribe(&b, "t.some");
	subscribe(&a, "t.some");
	send_publish(&a, PUBLISH_ACK | PUBLISH_INCLUDE_ME, "t.some", "1", 1);
	pub = want_published(&a);
	if (want_event(T0, sub, NULL, "1", 1) != pub ||
	    want_event(T1, sub, NULL, "1", 1) != pub)
		errx(1, "T37: ids differ");
	bp_ok("T37: PUBLISHED and all EVENTs have one id");

	for (i = 0; i < 2000; i++) {
		send_publish(&a, PUBLISH_ACK, "t.nobody", "", 0);
		seen[n++] = pub = want_published(&a);
		high += pub > WAMP_ID_MAX / 2;
		low += pub & 1;
		for (j = 0; j < i; j++)
			if (seen[j] == pub)
				errx(1, "publication id twice");
	}
	/* 2000 tosses of a coin, 9 sigma */
	if (high < 800 || high > 1200 || low < 800 || low > 1200)
		errx(1, "publication ids are not uniform: %d, %d", (int)high,
		    (int)low);
	bp_ok("publication ids are random");

	/* T36, T43 */
	send_publish(&a, 0, "wamp.topic", "1", 1);
	send_publish(&a, 0, "no uri", "1", 1);
	send_publish(&a, 0, "", "1", 1);
	bp_quiet();
	send_publish(&a, PUBLISH_ACK, "wamp.topic", "1", 1);
	want_refused(&a, WAMP_PUBLISH, a.request, WERR_INVALID_URI);
	send_publish(&a, PUBLISH_ACK, "wamp", "1", 1);
	want_refused(&a, WAMP_PUBLISH, a.request, WERR_INVALID_URI);
	send_publish(&a, PUBLISH_ACK, "no uri", "1", 1);
	want_refused(&a, WAMP_PUBLISH, a.request, WERR_INVALID_URI);
	send_publish(&a, PUBLISH_ACK, "wampum", "1", 1);
	want_published(&a);
	/* "allow any" is not meant for these */
	send_subscribe(&a, "wamp.session.on_join", MATCH_EXACT);
	want_refused(&a, WAMP_SUBSCRIBE, a.request, WERR_NOT_AUTHORIZED);
	leave(&a);
	leave(&b);
	bp_ok("T36, T43: refused publications are answered if acknowledged");
}

static void
uris(void)
{
	struct sess	 a, s;
	uint64_t	 sub;
	char		 longuri[URI_MAXLEN + 2];
	static const char *const bad[] = {
		"", ".", "a.", ".a", "a..b", "a b", "a#b", "a\nb",
		"a.\342\200\200b", "\303", "a.\355\240\200", "a\300\200"
	};
	static const char *const loose[] = {
		"A.b", "a-b", "com.\303\244", "a/b", "\001"
	};
	size_t		 i;

	join(&a, T0, 1, 4, LOOSE, "all");
	join(&s, T1, 1, 4, "strict", "all");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		send_subscribe(&a, bad[i], MATCH_EXACT);
		want_refused(&a, WAMP_SUBSCRIBE, a.request, WERR_INVALID_URI);
		send_publish(&a, PUBLISH_ACK, bad[i], "", 0);
		want_refused(&a, WAMP_PUBLISH, a.request, WERR_INVALID_URI);
		send_register(&a, bad[i], MATCH_EXACT, 0);
		want_refused(&a, WAMP_REGISTER, a.request, WERR_INVALID_URI);
		send_call(&a, bad[i], "");
		want_refused(&a, WAMP_CALL, a.request, WERR_INVALID_URI);
	}
	for (i = 0; i < sizeof(loose) / sizeof(loose[0]); i++) {
		subscribe(&a, loose[i]);
		registers(&a, loose[i]);
		send_subscribe(&s, loose[i], MATCH_EXACT);
		want_refused(&s, WAMP_SUBSCRIBE, s.request, WERR_INVALID_URI);
		send_call(&s, loose[i], "");
		want_refused(&s, WAMP_CALL, s.request, WERR_INVALID_URI);
	}
	subscribe(&s, "com.example_1.t");
	memset(longuri, 'a', sizeof(longuri));
	longuri[URI_MAXLEN + 1] = '\0';
	send_subscribe(&a, longuri, MATCH_EXACT);
	want_refused(&a, WAMP_SUBSCRIBE, a.request, WERR_INVALID_URI);
	longuri[URI_MAXLEN] = '\0';
	sub = subscribe(&a, longuri);
	send_publish(&a, PUBLISH_INCLUDE_ME, longuri, "", 0);
	want_event(T0, sub, NULL, "", 0);
	leave(&a);
	leave(&s);
	bp_ok("URIs, loose and strict");
}

/* The events of one publication, one for each of the subscriptions. */
static void
want_matches(const char *topic, const uint64_t *subs, int n)
{
	uint64_t	pub = 0;
	unsigned int	seen = 0;
	int		i, j;

	for (i = 0; i < n; i++) {
		hear_event(T1, &heard);
		if (pub == 0)
			pub = heard.m.publication;
		if (heard.m.publication != pub)
			errx(1, "T33: two publication ids");
		for (j = 0; j < n; j++)
			if (subs[j] == heard.m.subscription &&
			    (seen >> j & 1) == 0)
				break;
		if (j == n)
			errx(1, "event of %llu, or twice",
			    (unsigned long long)heard.m.subscription);
		seen |= 1U << j;
		/* the first one of ours is exact */
		if (strcmp(heard.topic, j == 0 ? "" : topic) != 0)
			errx(1, "T34: topic \"%s\"", heard.topic);
		if (heard.m.nrefs != 0 || strcmp(heard.body, "x") != 0)
			errx(1, "another event");
	}
	bp_quiet();
}

static void
policies(void)
{
	struct sess	a, b, c;
	uint64_t	subs[3];
	int		i, j;

	join(&a, T0, 1, 5, LOOSE, "all");
	join(&b, T1, 1, 5, LOOSE, "all");
	for (i = 0; i < MATCH_MAX; i++) {
		subs[i] = subscribe_to(&b, "p.q.r", i);
		if (subscribe_to(&b, "p.q.r", i) != subs[i])
			errx(1, "T31: a second id");
		for (j = 0; j < i; j++)
			if (subs[j] == subs[i])
				errx(1, "T33: one id for two policies");
	}
	send_publish_to(&a, 0, "p.q.r", NULL, NULL, "x");
	want_matches("p.q.r", subs, 3);
	/* each on its own */
	send_unsubscribe(&b, subs[MATCH_PREFIX]);
	want_unsubscribed(&b, subs[MATCH_PREFIX]);
	send_unsubscribe(&b, subs[MATCH_PREFIX]);
	want_refused(&b, WAMP_UNSUBSCRIBE, b.request,
	    WERR_NO_SUCH_SUBSCRIPTION);
	subs[MATCH_PREFIX] = subs[MATCH_WILDCARD];
	send_publish_to(&a, 0, "p.q.r", NULL, NULL, "x");
	want_matches("p.q.r", subs, 2);
	if (subscribe_to(&b, "p.q.r", MATCH_PREFIX) == subs[MATCH_PREFIX])
		errx(1, "the id of a dead subscription came back");
	leave(&b);
	send_publish_to(&a, PUBLISH_ACK, "p.q.r", NULL, NULL, "x");
	want_published(&a);
	bp_quiet();
	/* a pattern is excluded, and shared, as any */
	subs[0] = subscribe_to(&a, "p..r", MATCH_WILDCARD);
	send_publish_to(&a, 0, "p.q.r", NULL, NULL, "x");
	bp_quiet();
	join(&c, T0, 3, 5, LOOSE, "all");
	if (subscribe_to(&c, "p..r", MATCH_WILDCARD) != subs[0])
		errx(1, "one pattern has two ids");
	send_publish_to(&a, 0, "p.q.r", NULL, NULL, "x");
	hear_event(T0, &heard);
	if (heard.m.nrefs != 1 || heard.refs[0].slot != a.slot ||
	    strcmp(heard.topic, "p.q.r") != 0)
		errx(1, "the publisher is not excluded");
	bp_quiet();
	leave(&a);
	leave(&c);
	bp_ok("T33, T34: policies are subscriptions of their own");
}

/* What they match: T35. */
static void
patterns(void)
{
	static const struct {
		const char	*pattern;
		int		 match;
		const char	*yes[4], *no[4];
	} cases[] = {
		{ "com.a.em", MATCH_PREFIX,
		    { "com.a.em", "com.a.em-low", "com.a.em.x.y" },
		    { "com.a.e", "com.b", "Com.a.em" } },
		{ "com.a.", MATCH_PREFIX, { "com.a.b" }, { "com.a", "com" } },
		{ "", MATCH_PREFIX, { "a", "com.a", "wampum" }, { NULL } },
		{ "wamp", MATCH_PREFIX, { "wampum", "wamp-x.y" }, { "wam" } },
		{ "com..u", MATCH_WILDCARD, { "com.a.u", "com.b.u" },
		    { "com.a.u.b", "com.a.v", "co.a.u", "com.u" } },
		{ "..", MATCH_WILDCARD, { "a.b.c" }, { "a.b", "a.b.c.d" } },
		{ "", MATCH_WILDCARD, { "a" }, { "a.b" } },
		{ ".b", MATCH_WILDCARD, { "a.b" }, { "b", "a.b.c", "a.c" } },
		{ "a.b", MATCH_WILDCARD, { "a.b" }, { "a.b.c", "a" } },
	};
	static const struct {
		const char	*pattern;
		int		 match;
	} bad[] = {
		{ "a..b", MATCH_PREFIX }, { "..", MATCH_PREFIX },
		{ ".a", MATCH_PREFIX }, { "a b", MATCH_PREFIX },
		{ "a#", MATCH_WILDCARD }, { "a. .c", MATCH_WILDCARD },
		{ "\300\200", MATCH_WILDCARD },
	};
	struct sess	a, b;
	uint64_t	sub[2] = { 0, 0 };
	size_t		i, j;

	join(&a, T0, 1, 55, LOOSE, "all");
	join(&b, T1, 1, 55, LOOSE, "all");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sub[1] = subscribe_to(&b, cases[i].pattern, cases[i].match);
		for (j = 0; j < 4 && cases[i].no[j] != NULL; j++)
			send_publish_to(&a, 0, cases[i].no[j], NULL, NULL,
			    "x");
		bp_quiet();
		for (j = 0; j < 4 && cases[i].yes[j] != NULL; j++) {
			send_publish_to(&a, 0, cases[i].yes[j], NULL, NULL,
			    "x");
			hear_event(T1, &heard);
			if (heard.m.subscription != sub[1] ||
			    strcmp(heard.topic, cases[i].yes[j]) != 0)
				errx(1, "%s: topic %s", cases[i].pattern,
				    heard.topic);
		}
		bp_quiet();
		send_unsubscribe(&b, sub[1]);
		want_unsubscribed(&b, sub[1]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		send_subscribe(&b, bad[i].pattern, bad[i].match);
		want_refused(&b, WAMP_SUBSCRIBE, b.request,
		    WERR_INVALID_URI);
	}
	leave(&a);
	leave(&b);
	bp_ok("T35: what patterns match");
}

/* The event that came of one publication. */
static void
want_publisher(const struct sess *s, const char *role, int trust)
{
	uint32_t	flags = trust >= 0 ? EVENT_TRUST : 0;

	if (s != NULL)
		flags |= EVENT_PUBLISHER;
	hear_event(T1, &heard);
	if (heard.m.flags != flags)
		errx(1, "EVENT with flags %x, want %x", heard.m.flags, flags);
	if (heard.m.publisher != (s != NULL ? s->id : 0) ||
	    strcmp(heard.authid, s != NULL ? "ann" : "") != 0 ||
	    strcmp(heard.role, s != NULL ? role : "") != 0)
		errx(1, "published by %llu %s %s",
		    (unsigned long long)heard.m.publisher, heard.authid,
		    heard.role);
	if (heard.m.trust != (trust >= 0 ? (uint32_t)trust : 0))
		errx(1, "trust level %u, want %d", heard.m.trust, trust);
	bp_quiet();
}

static void
identification(void)
{
	struct sess	a, b, always, never;

	join(&b, T1, 1, 56, LOOSE, "all");
	grant_authid = "ann";
	join(&a, T0, 1, 56, LOOSE, "all");
	join(&always, T0, 2, 56, LOOSE, "always");
	join(&never, T0, 3, 56, LOOSE, "never");
	grant_authid = "joe";
	subscribe_to(&b, "who", MATCH_EXACT);
	send_publish(&a, 0, "who", "x", 1);
	want_publisher(NULL, NULL, -1);
	send_publish(&a, PUBLISH_DISCLOSE_ME, "who", "x", 1);
	want_publisher(&a, "all", -1);
	send_publish(&a, 0, "who", "x", 1);
	want_publisher(NULL, NULL, -1);
	send_publish(&always, 0, "who", "x", 1);
	want_publisher(&always, "always", 65535);
	send_publish(&always, PUBLISH_DISCLOSE_ME, "who", "x", 1);
	want_publisher(&always, "always", 65535);
	send_publish(&never, 0, "who", "x", 1);
	want_publisher(NULL, NULL, 0);
	/* T40, T41 */
	send_publish(&never, PUBLISH_DISCLOSE_ME, "who", "x", 1);
	bp_quiet();
	send_publish(&never, PUBLISH_DISCLOSE_ME | PUBLISH_ACK, "who", "x", 1);
	want_refused(&never, WAMP_PUBLISH, never.request,
	    WERR_OPTION_DISALLOWED_DISCLOSE_ME);
	bp_quiet();
	/* with a topic and a large payload, too */
	subscribe_to(&b, "whe", MATCH_PREFIX);
	send_publish_to(&always, 0, "where", NULL, "the ppt blob", "body");
	hear_event(T1, &heard);
	if (heard.m.flags != (EVENT_PUBLISHER | EVENT_TRUST) ||
	    strcmp(heard.topic, "where") != 0 ||
	    strcmp(heard.authid, "ann") != 0 ||
	    strcmp(heard.role, "always") != 0 ||
	    strcmp(heard.ppt, "the ppt blob") != 0 ||
	    strcmp(heard.body, "body") != 0)
		errx(1, "not all that was said of it");
	leave(&a);
	leave(&b);
	leave(&always);
	leave(&never);
	bp_ok("T40, T41: who published, and how much it is trusted");
}

/* What the router publishes is for patterns that say so. */
static void
reserved(void)
{
	static const struct {
		const char	*pattern;
		int		 match, gets;
	} cases[] = {
		{ "", MATCH_PREFIX, 0 }, { "wam", MATCH_PREFIX, 0 },
		{ "wamp", MATCH_PREFIX, 0 }, { "..", MATCH_WILDCARD, 0 },
		{ "..on_join", MATCH_WILDCARD, 0 },
		{ "wamp.session.", MATCH_PREFIX, 1 },
		{ "wamp..on_join", MATCH_WILDCARD, 1 },
		{ "wamp.session.on_join", MATCH_WILDCARD, 1 },
		{ "wamp.session.on_join", MATCH_EXACT, 1 },
	};
	struct sess	a, b, c;
	uint64_t	sub, last = 0;
	size_t		i;

	join(&b, T1, 1, 57, LOOSE, "meta");
	join(&c, T1, 2, 57, LOOSE, "meta");
	/* else nothing of the kind is published */
	subscribe(&c, "wamp.registration.on_create");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sub = subscribe_to(&b, cases[i].pattern, cases[i].match);
		join(&a, T0, 1, (uint32_t)(i + 100), LOOSE, "all");
		if (cases[i].gets) {
			hear_event(T1, &heard);
			if (heard.m.subscription != sub ||
			    heard.m.flags != 0 || heard.m.nrefs != 0 ||
			    strcmp(heard.topic, cases[i].match ==
			    MATCH_EXACT ? "" : "wamp.session.on_join") != 0)
				errx(1, "%s: an event of %s",
				    cases[i].pattern, heard.topic);
		}
		send_unsubscribe(&b, sub);
		want_unsubscribed(&b, sub);
		bp_quiet();
		leave(&a);
	}
	/* who leaves hears nothing of it, who stays does */
	leave(&b);
	join(&b, T0, 1, 57, LOOSE, "meta");
	sub = subscribe_to(&c, "wamp.subscription.on_unsubscribe",
	    MATCH_EXACT);
	if (subscribe_to(&b, "wamp.subscription.on_unsubscribe",
	    MATCH_EXACT) != sub)
		errx(1, "one topic has two ids");
	last = subscribe(&b, "t.last");
	leave(&b);
	for (i = 0; i < 2; i++) {
		hear_event(T1, &heard);
		if (heard.m.subscription != sub || heard.m.nrefs != 0)
			errx(1, "event of %llu, %llu was the last",
			    (unsigned long long)heard.m.subscription,
			    (unsigned long long)last);
	}
	bp_quiet();
	leave(&c);
	bp_quiet();
	bp_ok("events of the router itself");
}

static void
realms(void)
{
	struct sess	a, s;
	uint64_t	sub;

	join(&a, T0, 1, 6, LOOSE, "all");
	join(&s, T0, 2, 6, "strict", "all");
	sub = subscribe(&a, "t");
	if (subscribe(&s, "t") == sub)
		errx(1, "an id in two realms");
	send_publish(&s, PUBLISH_ACK, "t", "", 0);
	want_published(&s);
	bp_quiet();
	send_unsubscribe(&s, sub);
	want_refused(&s, WAMP_UNSUBSCRIBE, s.request,
	    WERR_NO_SUCH_SUBSCRIPTION);
	leave(&a);
	leave(&s);
	bp_ok("realms do not mix");
}

/* T27, T28 */
static void
ordering(void)
{
	struct sess	a, b;
	uint64_t	subs[5], late;
	char		topic[32], body[32];
	int		i, j;

	join(&a, T0, 1, 7, LOOSE, "all");
	join(&b, T1, 1, 7, LOOSE, "all");
	for (i = 0; i < 5; i++) {
		snprintf(topic, sizeof(topic), "order.%d", i);
		subs[i] = subscribe(&b, topic);
	}
	for (i = 0; i < 10000; i++) {
		snprintf(topic, sizeof(topic), "order.%d", i * 7 % 5);
		snprintf(body, sizeof(body), "%d", i);
		send_publish(&a, 0, topic, body, strlen(body));
		if (i % 100 != 99)
			continue;
		for (i -= 99; ; i++) {
			snprintf(body, sizeof(body), "%d", i);
			want_event(T1, subs[i * 7 % 5], NULL, body,
			    strlen(body));
			if (i % 100 == 99)
				break;
		}
	}
	bp_quiet();
	/* with patterns, five subscriptions match */
	subscribe_to(&b, "order.", MATCH_PREFIX);
	subscribe_to(&b, "", MATCH_PREFIX);
	subscribe_to(&b, "order.", MATCH_WILDCARD);
	subscribe_to(&b, ".", MATCH_WILDCARD);
	for (i = 0; i < 5000; i++) {
		snprintf(topic, sizeof(topic), "order.%d", i * 7 % 5);
		snprintf(body, sizeof(body), "%d", i);
		send_publish_to(&a, 0, topic, NULL, NULL, body);
		if (i % 50 != 49)
			continue;
		for (i -= 49; ; i++) {
			for (j = 0; j < 5; j++) {
				hear_event(T1, &heard);
				if (atoi(heard.body) != i)
					errx(1, "T27: %s, want %d",
					    heard.body, i);
			}
			if (i % 50 == 49)
				break;
		}
	}
	bp_quiet();
	leave(&b);
	join(&b, T1, 1, 70, LOOSE, "all");
	bp_ok("T27: events of one publisher in order across topics");

	for (i = 0; i < 500; i++) {
		snprintf(topic, sizeof(topic), "late.%d", i);
		send_publish(&a, 0, topic, "1", 1);
		send_subscribe(&b, topic, MATCH_EXACT);
		send_publish(&a, 0, topic, "2", 1);
		/* whatever of them arrives, SUBSCRIBED is the first */
		late = want_subscribed(&b);
		side_sync(T0);
		send_publish(&a, 0, topic, "3", 1);
		side_sync(T0);
		for (;;) {
			struct got	g;
			struct m_event	m;

			side_want(T1, IMSG_EVENT, &g, sizeof(m));
			memcpy(&m, g.data, sizeof(m));
			if (m.subscription != late)
				errx(1, "T28: event of another");
			if (g.data[sizeof(m)] == '3')
				break;
		}
		send_unsubscribe(&b, late);
		want_unsubscribed(&b, late);
	}
	bp_quiet();
	leave(&a);
	leave(&b);
	bp_ok("T28: SUBSCRIBED before the first EVENT");
}

static void
payloads(void)
{
	struct sess	 a, b, c;
	uint64_t	 sub;
	uint8_t		*body;
	size_t		 i, max = 1024 * 1024, len;
	static const size_t lens[] = { 1, 7, 8, 9, 2047, 2048, 2049, 65536,
	    300000, 1024 * 1024 };

	if ((body = malloc(max)) == NULL)
		err(1, NULL);
	for (i = 0; i < max; i++)
		body[i] = (uint8_t)(i * 2654435761U >> 13);
	join(&a, T0, 1, 8, LOOSE, "all");
	join(&b, T0, 2, 8, LOOSE, "all");
	join(&c, T1, 1, 8, LOOSE, "all");
	sub = subscribe(&a, "big");
	subscribe(&b, "big");
	subscribe(&c, "big");
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		len = lens[i];
		send_publish(&a, 0, "big", body, len);
		want_event(T1, sub, NULL, body, len);
		want_event(T0, sub, &a, body, len);
	}
	bp_quiet();
	free(body);
	leave(&a);
	leave(&b);
	leave(&c);
	bp_ok("payloads arrive as they were sent");
}

static void
limit(void)
{
	struct sess	a;
	char		topic[32];
	uint64_t	sub = 0;
	int		i;

	join(&a, T0, 1, 9, LOOSE, "all");
	for (i = 0; i < 20; i++) {
		snprintf(topic, sizeof(topic), "limit.%d", i);
		sub = subscribe(&a, topic);
	}
	send_subscribe(&a, "limit.20", MATCH_EXACT);
	want_refused(&a, WAMP_SUBSCRIBE, a.request, WERR_NOT_AUTHORIZED);
	/* one that it has is no new one */
	if (subscribe(&a, "limit.19") != sub)
		errx(1, "another id");
	send_unsubscribe(&a, sub);
	want_unsubscribed(&a, sub);
	subscribe(&a, "limit.20");
	leave(&a);
	bp_ok("limit of subscriptions");
}

int
main(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = conf_find_realm(c, LOOSE, strlen(LOOSE));
	struct conf_role	*ro;

	ro = bconf_role(r, "always");
	bconf_rule(ro, 1, ACTION_ALL, MATCH_EXACT, NULL);
	ro->disclose_publisher = DISCLOSE_ALWAYS;
	ro->has_trust = 1;
	ro->trust = 65535;
	ro = bconf_role(r, "never");
	bconf_rule(ro, 1, ACTION_ALL, MATCH_EXACT, NULL);
	ro->disclose_publisher = DISCLOSE_NEVER;
	ro->has_trust = 1;
	ro = bconf_role(r, "meta");
	bconf_rule(ro, 1, ACTION_ALL, MATCH_EXACT, NULL);
	bconf_rule(ro, 1, ACTION_META, MATCH_EXACT, NULL);
	r = bconf_realm(c, "strict");
	r->strict_uris = 1;
	bconf_rule(bconf_role(r, "all"), 1, ACTION_ALL, MATCH_EXACT, NULL);
	c->limits.subscriptions = 20;
	bp_start(c, 2);
	events();
	patterns_come_and_go();
	subscriptions();
	acknowledged();
	uris();
	policies();
	patterns();
	identification();
	reserved();
	realms();
	ordering();
	payloads();
	limit();
	bp_stop();
	return (0);
}
