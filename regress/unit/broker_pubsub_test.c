/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Publish and Subscribe of the Basic Profile at a real broker.  Numbers T..
 * are those of the interoperability notes.
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

static void
policies(void)
{
	struct sess	a;

	join(&a, T0, 1, 5, LOOSE, "all");
	send_subscribe(&a, "a..b", MATCH_WILDCARD);
	want_refused(&a, WAMP_SUBSCRIBE, a.request, WERR_INVALID_ARGUMENT);
	send_subscribe(&a, "a.b", MATCH_PREFIX);
	want_refused(&a, WAMP_SUBSCRIBE, a.request, WERR_INVALID_ARGUMENT);
	bp_quiet();
	leave(&a);
	bp_ok("policies other than exact: invalid_argument");
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
	int		i;

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
	struct conf_realm	*r;

	r = bconf_realm(c, "strict");
	r->strict_uris = 1;
	bconf_rule(bconf_role(r, "all"), 1, ACTION_ALL, MATCH_EXACT, NULL);
	c->limits.subscriptions = 20;
	bp_start(c, 2);
	events();
	subscriptions();
	acknowledged();
	uris();
	policies();
	realms();
	ordering();
	payloads();
	limit();
	bp_stop();
	return (0);
}
