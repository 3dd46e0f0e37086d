/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Subscription Meta API at a real broker.
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
#define P(name)	"wamp.subscription." name

static uint32_t	gen;		/* every case has sessions of its own */

static unsigned long long
sub_of(struct sess *s, const char *topic, int match)
{
	send_subscribe(s, topic, match);
	return (want_subscribed(s));
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
	e = sub_of(&b, "com.a.b", MATCH_EXACT);
	p = sub_of(&b, "com.a", MATCH_PREFIX);
	w = sub_of(&b, "com..b", MATCH_WILDCARD);
	meta_send(&a, P("list"), "[]", "{}");
	meta_want(&a, "[{\"exact\":[%llu],\"prefix\":[%llu],"
	    "\"wildcard\":[%llu]}]", e, p, w);
	meta_send(&other, P("list"), NULL, NULL);
	meta_want(&other, "[{\"exact\":[],\"prefix\":[],\"wildcard\":[]}]");
	bp_ok("T81: three lists, of this realm");

	meta_send(&a, P("lookup"), "[\"com.a.b\"]", NULL);
	meta_want(&a, "[%llu]", e);
	meta_send(&a, P("lookup"), "[\"com.a.b\",{\"match\":\"exact\"}]",
	    NULL);
	meta_want(&a, "[%llu]", e);
	meta_send(&a, P("lookup"), "[\"com.a\",{\"match\":\"prefix\","
	    "\"x\":1}]", NULL);
	meta_want(&a, "[%llu]", p);
	meta_send(&a, P("lookup"), "[\"com..b\",{\"match\":\"wildcard\"}]",
	    NULL);
	meta_want(&a, "[%llu]", w);
	meta_send(&a, P("lookup"), "[\"com.a\",null]", NULL);
	meta_want(&a, "[null]");
	meta_send(&a, P("lookup"), "[\"\",{\"match\":null}]", NULL);
	meta_want(&a, "[null]");
	meta_send(&a, P("lookup"), "[\"com.a.b\",{\"match\":\"prefix\"}]",
	    NULL);
	meta_want(&a, "[null]");
	bp_ok("T81: lookup by policy, or null");

	meta_send(&a, P("match"), "[\"com.a.b\"]", NULL);
	meta_want(&a, "[[%llu,%llu,%llu]]", e, p, w);
	meta_send(&a, P("match"), "[\"com.a.c\"]", NULL);
	meta_want(&a, "[[%llu]]", p);
	meta_send(&a, P("match"), "[\"com.c\"]", NULL);
	meta_want(&a, "[null]");
	meta_send(&a, P("match"), "[\"com..b\"]", NULL);
	meta_want(&a, "[null]");
	meta_send(&other, P("match"), "[\"com.a.b\"]", NULL);
	meta_want(&other, "[null]");
	bp_ok("T81: all that match a topic, or null");

	ask(&a, P("get"), w);
	meta_want(&a, "[{\"id\":%llu,\"created\":\"T\",\"uri\":\"com..b\","
	    "\"match\":\"wildcard\"}]", w);
	ask(&a, P("count_subscribers"), e);
	meta_want(&a, "[1]");
	sub_of(&a, "com.a.b", MATCH_EXACT);
	ask(&a, P("count_subscribers"), e);
	meta_want(&a, "[2]");
	ask(&a, P("list_subscribers"), e);
	meta_want(&a, "[[%llu,%llu]]", ID(a), ID(b));
	ask(&a, P("list_subscribers"), p);
	meta_want(&a, "[[%llu]]", ID(b));
	bp_ok("what a subscription is, and whose");

	ask(&other, P("get"), e);
	meta_refused(&other, WERR_NO_SUCH_SUBSCRIPTION,
	    "no such subscription");
	ask(&a, P("get"), 99999);
	meta_refused(&a, WERR_NO_SUCH_SUBSCRIPTION, "no such subscription");
	ask(&a, P("list_subscribers"), 0);
	meta_refused(&a, WERR_NO_SUCH_SUBSCRIPTION, "no such subscription");
	ask(&a, P("count_subscribers"), 99999);
	meta_refused(&a, WERR_NO_SUCH_SUBSCRIPTION, "no such subscription");
	bp_ok("no such subscription, in this realm");
	leave(&a);
	leave(&b);
	leave(&other);
	bp_quiet();
}

static void
revoked(struct sess *s, unsigned long long id, const char *why)
{
	struct m_unsubscribed	m;
	struct got		g;

	side_want(s->t, IMSG_UNSUBSCRIBED, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != s->slot || m.request != 0 || m.subscription != id ||
	    g.len != sizeof(m) + strlen(why) ||
	    memcmp(g.data + sizeof(m), why, strlen(why)) != 0)
		errx(1, "UNSUBSCRIBED %llu of %llu: %.*s",
		    (unsigned long long)m.request,
		    (unsigned long long)m.subscription,
		    (int)(g.len - sizeof(m)),
		    (const char *)g.data + sizeof(m));
}

static void
removals(void)
{
	struct sess		a, b;
	unsigned long long	sub, gone, deleted;
	char			args[64], kw[512];

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	join(&b, T1, 1, gen, R, "all");
	sub = subscribe(&b, "com.a");
	subscribe(&a, "com.a");
	gone = subscribe(&a, P("on_unsubscribe"));
	deleted = subscribe(&a, P("on_delete"));
	snprintf(args, sizeof(args), "[%llu,%llu]", sub, ID(b));
	meta_send(&a, P("remove_subscriber"), args,
	    "{\"reason\":\"no longer authorized\"}");
	meta_want(&a, "%s", "");
	revoked(&b, sub, "no longer authorized");
	meta_event(T0, gone, "[%llu,%llu]", ID(b), sub);
	meta_send(&a, P("remove_subscriber"), args, NULL);
	meta_refused(&a, WERR_NO_SUCH_SESSION,
	    "no such session has that subscription");
	send_unsubscribe(&b, sub);
	want_refused(&b, WAMP_UNSUBSCRIBE, b.request,
	    WERR_NO_SUCH_SUBSCRIPTION);
	snprintf(args, sizeof(args), "[%llu,%llu]", sub, ID(a));
	meta_send(&a, P("remove_subscriber"), args, NULL);
	meta_want(&a, "%s", "");
	revoked(&a, sub, "");
	meta_event(T0, gone, "[%llu,%llu]", ID(a), sub);
	meta_event(T0, deleted, "[%llu,%llu]", ID(a), sub);
	meta_send(&a, P("remove_subscriber"), args, NULL);
	meta_refused(&a, WERR_NO_SUCH_SUBSCRIPTION, "no such subscription");
	memset(kw, 'x', sizeof(kw));
	memcpy(kw, "{\"reason\":\"", 11);
	memcpy(kw + 11 + 257, "\"}", 3);
	meta_send(&a, P("remove_subscriber"), args, kw);
	meta_refused(&a, WERR_INVALID_ARGUMENT, "reason is too long");
	bp_ok("a subscriber is removed, with a reason");
	leave(&a);
	leave(&b);
	bp_quiet();
}

static const struct wrong {
	const char	*procedure, *args, *text;
} wrongs[] = {
	{ P("list"), "[1]", "there must be no arguments" },
	{ P("lookup"), "[]", "argument 1 is missing" },
	{ P("lookup"), "[1]", "argument 1 must be a string" },
	{ P("lookup"), "[\"a\",\"prefix\"]", "argument 2 must be a dict" },
	{ P("lookup"), "[\"a\",{\"match\":\"x\"}]",
	    "match must be exact, prefix or wildcard" },
	{ P("lookup"), "[\"a\",{\"match\":1}]",
	    "match must be exact, prefix or wildcard" },
	{ P("match"), "[null]", "argument 1 must be a string" },
	{ P("match"), "[\"a\",{}]", "there are more than 1 arguments" },
	{ P("get"), "[\"1\"]", "argument 1 must be an id" },
	{ P("list_subscribers"), "[{}]", "argument 1 must be an id" },
	{ P("count_subscribers"), "[]", "argument 1 is missing" },
	{ P("remove_subscriber"), "[1]", "argument 2 is missing" },
	{ P("remove_subscriber"), "[1,\"a\"]", "argument 2 must be an id" },
};

static void
wrong_arguments(void)
{
	struct sess	a;
	char		*longest;
	size_t		i;

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		meta_send(&a, wrongs[i].procedure, wrongs[i].args, NULL);
		meta_refused(&a, WERR_INVALID_ARGUMENT, wrongs[i].text);
	}
	/* no URI is so long; the shortest prefix is not it */
	sub_of(&a, "", MATCH_PREFIX);
	if ((longest = malloc(70100)) == NULL)
		err(1, NULL);
	for (i = 4097; i <= 70000; i += 61439) {
		memset(longest, 'x', i + 2);
		memcpy(longest, "[\"", 2);
		memcpy(longest + i + 2, "\",{\"match\":\"prefix\"}]", 22);
		meta_send(&a, P("lookup"), longest, NULL);
		meta_want(&a, "[null]");
		memcpy(longest + i + 2, "\"]", 3);
		meta_send(&a, P("match"), longest, NULL);
		meta_want(&a, "[null]");
	}
	free(longest);
	bp_ok("wrong arguments, each named");
	leave(&a);
	bp_quiet();
}

/* By prefix, too, but not by one that says less than "wamp.". */
static void
patterns(void)
{
	struct sess		a, b;
	unsigned long long	sub;
	struct m_event		m;
	struct got		g;

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	join(&b, T1, 1, gen, R, "all");
	sub_of(&a, "", MATCH_PREFIX);
	sub_of(&a, "wamp", MATCH_PREFIX);
	sub_of(&a, "..on_leave", MATCH_WILDCARD);
	leave(&b);
	bp_quiet();
	join(&b, T1, 2, gen, R, "all");
	sub = sub_of(&a, "wamp.session.", MATCH_PREFIX);
	/* "prefix" sees itself begin, as wamp.subscription. is none of it */
	leave(&b);
	side_want(T0, IMSG_EVENT, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.subscription != sub || m.topiclen != 21 ||
	    memcmp(g.data + sizeof(m), "wamp.session.on_leave", 21) != 0)
		errx(1, "EVENT of a prefix below wamp. is wrong");
	bp_quiet();
	bp_ok("meta events go to patterns that begin with wamp.");
	leave(&a);
	bp_quiet();
}

static struct conf *
conf(uint32_t message)
{
	struct conf	*c = bconf_new();

	meta_role(conf_find_realm(c, R, strlen(R)), "ops");
	meta_role(bconf_realm(c, "realm2"), "ops");
	if (message > 0)
		c->limits.message = message;
	return (c);
}

/* Ids take three octets or less here. */
static void
long_results(void)
{
	struct sess	a;
	char		topic[32];
	unsigned int	i;

	bp_reload(conf(2048));
	gen++;
	join(&a, T0, 1, gen, R, "ops");
	for (i = 0; i < 600; i++) {
		snprintf(topic, sizeof(topic), "com.t%u", i);
		subscribe(&a, topic);
	}
	meta_send(&a, P("list"), NULL, NULL);
	meta_take(&a);
	for (; i < 1000; i++) {
		snprintf(topic, sizeof(topic), "com.t%u", i);
		subscribe(&a, topic);
	}
	meta_send(&a, P("list"), NULL, NULL);
	meta_refused(&a, WERR_PAYLOAD_SIZE_EXCEEDED,
	    "the result is longer than a message may be");
	bp_ok("a result that is too long for a message");
	leave(&a);
	bp_quiet();
}

int
main(void)
{
	bp_start(conf(0), 2);
	lists();
	removals();
	wrong_arguments();
	patterns();
	long_results();
	bp_stop();
	return (0);
}
