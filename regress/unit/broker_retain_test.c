/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Event Retention at a real broker.  Numbers T.. are those of the
 * interoperability notes.
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
#define LIMITED	16		/* events of a topic that some may have */

static struct heard	heard;
static struct lists	lists;
static struct got	got;

static struct conf *
new_conf(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));

	bconf_rule(bconf_role(r, "staff"), 1, ACTION_ALL, MATCH_EXACT, NULL);
	bconf_rule(bconf_role(r, "mute"), 1, ACTION_SUBSCRIBE, MATCH_EXACT,
	    NULL);
	return (c);
}

static void
reload(uint32_t topics, uint64_t memory, uint32_t message, int is_off)
{
	struct conf		*c = new_conf();
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));

	r->retain.topics = topics;
	r->retain.memory = memory;
	r->retain.message = message;
	r->retain.is_off = (uint8_t)is_off;
	bp_reload(c);
}

static void
send_get_retained(struct sess *s, const char *topic, int match)
{
	struct m_subscribe	m;
	struct text		t = { topic, strlen(topic) };

	memset(&m, 0, sizeof(m));
	m.request = ++s->request;
	m.match = (uint8_t)match;
	m.flags = SUBSCRIBE_GET_RETAINED;
	m.urilen = (uint16_t)t.len;
	side_send(s->t, IMSG_SUBSCRIBE, s->slot, s->gen, &m, sizeof(m), &t,
	    1);
}

static void
want_retained(const struct sess *s, uint64_t sub, const char *body)
{
	hear_event(s->t, &heard);
	if (heard.m.subscription != sub ||
	    (heard.m.flags & (EVENT_ONLY | EVENT_RETAINED)) !=
	    (EVENT_ONLY | EVENT_RETAINED) || heard.m.nrefs != 1 ||
	    heard.refs[0].slot != s->slot || heard.refs[0].gen != s->gen)
		errx(1, "EVENT of %llu, flags %x, want the retained one of "
		    "%llu", (unsigned long long)heard.m.subscription,
		    heard.m.flags, (unsigned long long)sub);
	if (strcmp(heard.body, body) != 0)
		errx(1, "retained is \"%s\", want \"%s\"", heard.body, body);
}

/* Subscribe and unsubscribe: what is retained, for this session, or NULL. */
static void
check(struct sess *s, const char *topic, const char *body)
{
	uint64_t	sub;

	send_get_retained(s, topic, MATCH_EXACT);
	sub = want_subscribed(s);
	if (body != NULL)
		want_retained(s, sub, body);
	send_unsubscribe(s, sub);
	want_unsubscribed(s, sub);
}

static void
retain(struct sess *s, const char *topic, const char *body)
{
	send_publish(s, PUBLISH_RETAIN, topic, body, strlen(body));
}

static void
retain_to(struct sess *s, const char *topic, const char *body)
{
	send_publish_to(s, PUBLISH_RETAIN, topic, &lists, NULL, body);
}

/* What was said on one channel was heard before the next is used. */
static void
settle(void)
{
	side_sync(T0);
	side_sync(T1);
}

static void
basics(void)
{
	struct sess	p, a, b;
	uint64_t	sub, pub;

	join(&p, T0, 1, 1, R, "all");
	join(&a, T1, 1, 1, R, "all");
	join(&b, T1, 2, 1, R, "all");
	check(&a, "com.r.t", NULL);
	send_publish(&p, PUBLISH_ACK, "com.r.t", "0", 1);
	want_published(&p);
	check(&a, "com.r.t", NULL);
	sub = subscribe(&b, "com.r.t");
	send_publish(&p, PUBLISH_ACK | PUBLISH_RETAIN, "com.r.t", "1", 1);
	pub = want_published(&p);
	/* to who subscribed already it is an event as others are */
	if (want_event(T1, sub, NULL, "1", 1) != pub)
		errx(1, "ids differ");
	check(&a, "com.r.t", "1");
	if (heard.m.publication != pub)
		errx(1, "T44: not the original publication id");
	check(&a, "com.r", NULL);
	check(&a, "com.r.t.u", NULL);
	if (subscribe(&a, "com.r.t") != sub)
		errx(1, "a second id");
	send_get_retained(&a, "com.r.t", MATCH_EXACT);
	if (want_subscribed(&a) != sub)
		errx(1, "a second id");
	want_retained(&a, sub, "1");
	send_unsubscribe(&a, sub);
	want_unsubscribed(&a, sub);
	bp_ok("T44: after SUBSCRIBED, for who asks, with its first id");

	send_publish(&p, 0, "com.r.t", "2", 1);
	want_event(T1, sub, NULL, "2", 1);
	check(&a, "com.r.t", "1");
	retain(&p, "com.r.t", "3");
	want_event(T1, sub, NULL, "3", 1);
	check(&a, "com.r.t", "3");
	leave(&p);
	check(&a, "com.r.t", "3");
	leave(&b);
	check(&a, "com.r.t", "3");
	bp_ok("T45: the last one, whoever left");

	/* the chapter knows no deleting: an empty one is an event */
	send_publish(&a, PUBLISH_RETAIN | PUBLISH_INCLUDE_ME, "com.r.t", "",
	    0);
	check(&a, "com.r.t", "");
	if (heard.m.nargs != 0)
		errx(1, "an event without arguments has some");
	retain(&a, "com.r.t", "4");
	check(&a, "com.r.t", NULL);
	join(&p, T0, 1, 2, R, "all");
	settle();
	check(&p, "com.r.t", "4");
	leave(&a);
	join(&a, T1, 1, 2, R, "all");
	check(&a, "com.r.t", "4");
	bp_ok("not for its publisher, but with exclude_me false");

	send_publish_to(&p, PUBLISH_RETAIN, "com.r.ppt", NULL, "scheme",
	    "5");
	settle();
	check(&a, "com.r.ppt", "5");
	if (strcmp(heard.ppt, "scheme") != 0)
		errx(1, "its ppt attributes are \"%s\"", heard.ppt);
	leave(&p);
	leave(&a);
	bp_ok("with its attributes of payload passthru");
}

static void
not_allowed(void)
{
	struct sess	p, a;

	join(&p, T0, 1, 3, R, "mute");
	join(&a, T1, 1, 3, R, "all");
	retain(&a, "com.no.t", "1");
	settle();
	send_publish(&p, PUBLISH_ACK | PUBLISH_RETAIN, "com.no.t", "2", 1);
	want_refused(&p, WAMP_PUBLISH, p.request, WERR_NOT_AUTHORIZED);
	retain(&p, "com.no.t", "3");
	settle();
	leave(&a);
	join(&a, T1, 1, 4, R, "all");
	check(&a, "com.no.t", "1");
	send_publish(&a, PUBLISH_ACK | PUBLISH_RETAIN, "wamp.x", "2", 1);
	want_refused(&a, WAMP_PUBLISH, a.request, WERR_INVALID_URI);
	leave(&a);
	leave(&p);
	bp_ok("T45: who may not publish retains nothing");
}

/* -- lists -------------------------------------------------------------- */

#define NSUBS	8
#define STATES	3		/* of a list: none, empty, names some */

static struct sess		subs[NSUBS];
static const char *const	authids[] = { "ann", "bob" };
static const char *const	roles[] = { "all", "staff" };

static void
joins(void)
{
	int	i;

	for (i = 0; i < NSUBS; i++) {
		grant_authid = authids[i & 1];
		join(&subs[i], &proxies[i >> 2], (uint32_t)i + 10, 1, R,
		    roles[i >> 1 & 1]);
	}
	grant_authid = "joe";
}

/* "names some": sessions 1, 2, 5; bob; staff. */
static int
is_listed(int i, int list)
{
	switch (list) {
	case FILTER_EXCLUDE:
	case FILTER_ELIGIBLE:
		return (i == 1 || i == 2 || i == 5);
	case FILTER_EXCLUDE_AUTHID:
	case FILTER_ELIGIBLE_AUTHID:
		return (i & 1);
	default:
		return (i >> 1 & 1);
	}
}

static void
list_set(int list, int state)
{
	if (state == 0)
		return;
	lists_empty(&lists, list);
	if (state == 1)
		return;
	if (list <= FILTER_ELIGIBLE) {
		lists_id(&lists, list, subs[5].id);
		lists_id(&lists, list, subs[1].id);
		lists_id(&lists, list, subs[2].id);
	} else
		lists_text(&lists, list, list <= FILTER_ELIGIBLE_AUTHID ?
		    "bob" : "staff");
}

static int
is_eligible(int i, const int state[FILTER_LISTS])
{
	int	list, in;

	for (list = 0; list < FILTER_LISTS; list++) {
		if (state[list] == 0)
			continue;
		in = state[list] == 2 && is_listed(i, list);
		if ((list & 1) != in)	/* eligible lists are the odd ones */
			return (0);
	}
	return (1);
}

static void
truth_table(void)
{
	struct sess	p;
	char		topic[32], body[32];
	int		state[FILTER_LISTS], n, i, x;

	join(&p, T0, 1, 5, R, "all");
	joins();
	/* what everybody may have is older */
	for (n = 0; n < 729; n++) {
		lists_init(&lists);
		for (i = 0, x = n; i < FILTER_LISTS; i++, x /= STATES)
			list_set(i, state[i] = x % STATES);
		snprintf(topic, sizeof(topic), "com.table.t%d", n);
		snprintf(body, sizeof(body), "body %d", n);
		retain(&p, topic, "general");
		retain_to(&p, topic, body);
		settle();
		for (i = 0; i < NSUBS; i++)
			check(&subs[i], topic, is_eligible(i, state) ? body :
			    "general");
	}
	leave(&p);
	bp_ok("T39, T44: all six lists, 729 ways");
}

static void
to_role(const char *role)
{
	lists_init(&lists);
	lists_text(&lists, FILTER_ELIGIBLE_AUTHROLE, role);
}

static void
limited(void)
{
	struct sess	p;
	char		name[32];
	int		i;

	join(&p, T0, 1, 6, R, "all");
	to_role("staff");
	retain_to(&p, "com.some.t", "for staff");
	check(&subs[2], "com.some.t", "for staff");
	check(&subs[0], "com.some.t", NULL);
	retain(&p, "com.some.t", "for all");
	check(&subs[2], "com.some.t", "for all");
	check(&subs[0], "com.some.t", "for all");
	retain_to(&p, "com.some.t", "for staff again");
	to_role("all");
	retain_to(&p, "com.some.t", "for role all");
	check(&subs[2], "com.some.t", "for staff again");
	check(&subs[0], "com.some.t", "for role all");
	bp_ok("of several the most recent one that the subscriber may have");

	/* one of the same lists takes the other's place */
	for (i = 0; i < 2 * LIMITED; i++) {
		to_role("all");
		retain_to(&p, "com.some.t", "new for role all");
	}
	check(&subs[2], "com.some.t", "for staff again");
	for (i = 1; i < LIMITED; i++) {
		snprintf(name, sizeof(name), "role%d", i);
		to_role(name);
		retain_to(&p, "com.some.t", name);
		check(&subs[2], "com.some.t", i < LIMITED - 1 ?
		    "for staff again" : "for all");
		check(&subs[0], "com.some.t", "new for role all");
	}
	to_role("role16");
	retain_to(&p, "com.some.t", "16");
	check(&subs[0], "com.some.t", "for all");
	leave(&p);
	bp_ok("a bounded number of them, the oldest goes");
}

/* -- patterns ----------------------------------------------------------- */

#define NTOPICS	400
#define NPATTERNS 1000

struct topic {
	char		 name[64];
	unsigned int	 seq;		/* of the last event, 0: none */
	unsigned int	 staffs;	/* of the last one for staff, after */
};

static struct topic	topics[NTOPICS];
static unsigned int	ntopics, nretained;

/* Few names, so that they often meet. */
static void
name_make(char *to, size_t size, int is_wild)
{
	static const char *const	parts[] = { "a", "ab", "b", "c", "ca" };
	uint32_t			n = 1 + arc4random_uniform(4);

	to[0] = '\0';
	for (; n > 0; n--) {
		if (!is_wild || arc4random_uniform(3) > 0)
			strlcat(to, parts[arc4random_uniform(5)], size);
		if (n > 1)
			strlcat(to, ".", size);
	}
}

static struct topic *
topic_get(const char *name)
{
	unsigned int	i;

	for (i = 0; i < ntopics; i++)
		if (strcmp(topics[i].name, name) == 0)
			return (&topics[i]);
	if (ntopics == NTOPICS)
		errx(1, "too many topics");
	strlcpy(topics[ntopics].name, name, sizeof(topics[0].name));
	return (&topics[ntopics++]);
}

static void
retain_some(struct sess *p)
{
	struct topic	*t;
	char		 name[64], body[32];

	name_make(name, sizeof(name), 0);
	t = topic_get(name);
	snprintf(body, sizeof(body), "%u", ++nretained);
	if (arc4random_uniform(4) > 0) {
		t->seq = nretained;
		t->staffs = 0;
		retain(p, name, body);
	} else {
		t->staffs = nretained;
		to_role("staff");
		retain_to(p, name, body);
	}
}

static unsigned int
topic_seq(const struct topic *t, int is_staff)
{
	return (is_staff && t->staffs > 0 ? t->staffs : t->seq);
}

/* The next one after seq among the topics that match, or NULL. */
static const struct topic *
topic_next(const char *pattern, enum uri_match match, unsigned int seq,
    int is_staff)
{
	const struct topic	*t, *best = NULL;
	struct uri		 p = { pattern, (uint16_t)strlen(pattern) }, u;

	for (t = topics; t < topics + ntopics; t++) {
		u.p = t->name;
		u.len = (uint16_t)strlen(t->name);
		if (topic_seq(t, is_staff) > seq &&
		    uri_matches(&p, match, &u) && (best == NULL ||
		    topic_seq(t, is_staff) < topic_seq(best, is_staff)))
			best = t;
	}
	return (best);
}

static void
check_pattern(struct sess *s, const char *pattern, enum uri_match match,
    int is_staff)
{
	const struct topic	*t;
	uint64_t		 sub;
	unsigned int		 seq = 0;
	char			 body[32];

	send_get_retained(s, pattern, match);
	sub = want_subscribed(s);
	while ((t = topic_next(pattern, match, seq, is_staff)) != NULL) {
		seq = topic_seq(t, is_staff);
		snprintf(body, sizeof(body), "%u", seq);
		want_retained(s, sub, body);
		if (strcmp(heard.topic, t->name) != 0)
			errx(1, "T34: topic %s, want %s", heard.topic,
			    t->name);
	}
	send_unsubscribe(s, sub);
	want_unsubscribed(s, sub);
}

static void
patterns(void)
{
	struct sess	p;
	char		pattern[64];
	int		i, is_staff;
	enum uri_match	match;

	reload(10000, 1 << 20, 1000, 1);
	reload(10000, 1 << 20, 1000, 0);
	join(&p, T0, 1, 8, R, "all");
	check_pattern(&subs[0], "", MATCH_PREFIX, 0);
	for (i = 0; i < NPATTERNS; i++) {
		retain_some(&p);
		settle();
		match = arc4random_uniform(2) ? MATCH_PREFIX : MATCH_WILDCARD;
		name_make(pattern, sizeof(pattern), match == MATCH_WILDCARD);
		if (match == MATCH_PREFIX)
			pattern[arc4random_uniform((uint32_t)
			    strlen(pattern) + 1)] = '\0';
		is_staff = (int)arc4random_uniform(2);
		check_pattern(&subs[is_staff ? 6 : 4], pattern, match,
		    is_staff);
	}
	leave(&p);
	bp_ok("T44: of each topic that a pattern matches, oldest first");
}

static void
many(void)
{
	struct conf	*c;
	struct sess	 p;
	static char	 text[1024];
	uint64_t	 sub;
	int		 i;

	reload(10000, 16 << 20, 2000, 1);
	reload(10000, 16 << 20, 2000, 0);
	join(&p, T0, 1, 9, R, "all");
	for (i = 0; i < 1200; i++) {
		/* not in the order of their names */
		snprintf(text, sizeof(text), "com.many.%d", i * 7 % 1200);
		send_publish(&p, PUBLISH_RETAIN, text, "x", 1);
	}
	settle();
	send_get_retained(&subs[4], "com.many", MATCH_PREFIX);
	sub = want_subscribed(&subs[4]);
	for (i = 200; i < 1200; i++) {
		want_retained(&subs[4], sub, "x");
		snprintf(text, sizeof(text), "com.many.%d", i * 7 % 1200);
		if (strcmp(heard.topic, text) != 0)
			errx(1, "%s, want %s", heard.topic, text);
	}
	bp_quiet();
	bp_ok("a thousand at most, the most recent ones");

	c = new_conf();
	c->limits.message = 65536;
	c->limits.queue = 65536;
	bp_reload(c);
	memset(text, 'x', 1000);
	for (i = 0; i < 100; i++) {
		snprintf(text + 1000, 24, "com.long.%d", i);
		send_publish(&p, PUBLISH_RETAIN, text + 1000, text, 1000);
	}
	settle();
	send_get_retained(&subs[4], "com.long", MATCH_PREFIX);
	sub = want_subscribed(&subs[4]);
	hear_event(subs[4].t, &heard);
	i = atoi(heard.topic + strlen("com.long."));
	if (i < 84 || i > 87)
		errx(1, "the last of 100 begin with %s", heard.topic);
	while (++i < 100) {
		hear_event(subs[4].t, &heard);
		snprintf(text + 1000, 24, "com.long.%d", i);
		if (strcmp(heard.topic, text + 1000) != 0)
			errx(1, "%s, want %s", heard.topic, text + 1000);
	}
	bp_quiet();
	leave(&p);
	bp_ok("and as many as do not make a session slow");
}

/* What is told of the publisher is told later as well. */
static void
disclosed(void)
{
	struct conf	*c = new_conf();
	struct conf_role *role;
	struct sess	 p;
	char		 big[20001];
	uint64_t	 sub;

	role = conf_find_role(conf_find_realm(c, R, strlen(R)), "all");
	role->has_trust = 1;
	role->trust = 7;
	bp_reload(c);
	join(&p, T0, 1, 10, R, "all");
	send_publish(&p, PUBLISH_RETAIN | PUBLISH_DISCLOSE_ME, "com.who.t",
	    "x", 1);
	leave(&p);
	settle();
	check(&subs[4], "com.who.t", "x");
	if ((heard.m.flags & EVENT_PUBLISHER) == 0 ||
	    heard.m.publisher != p.id || strcmp(heard.authid, "joe") != 0 ||
	    strcmp(heard.role, "all") != 0)
		errx(1, "not disclosed: %s, %s", heard.authid, heard.role);
	if ((heard.m.flags & EVENT_TRUST) == 0 || heard.m.trust != 7)
		errx(1, "trust %u", heard.m.trust);
	join(&p, T0, 1, 11, R, "staff");
	retain(&p, "com.who.t", "y");
	settle();
	check(&subs[4], "com.who.t", "y");
	if (heard.m.flags & (EVENT_PUBLISHER | EVENT_TRUST))
		errx(1, "disclosed");
	/* a body that goes on its way in a buffer of its own */
	memset(big, 'x', sizeof(big));
	send_publish(&p, PUBLISH_RETAIN, "com.who.t", big, sizeof(big));
	settle();
	send_get_retained(&subs[4], "com.who.t", MATCH_EXACT);
	sub = want_subscribed(&subs[4]);
	side_want(T1, IMSG_EVENT, &got, sizeof(struct m_event));
	if (got.len != sizeof(struct m_event) + sizeof(struct m_sessref) +
	    sizeof(big) || memcmp(got.data + got.len - sizeof(big), big,
	    sizeof(big)) != 0)
		errx(1, "a long event of %llu is %zu octets long",
		    (unsigned long long)sub, got.len);
	leave(&p);
	bp_ok("publisher and trust level as they were; long ones");
}

/* -- bounds ------------------------------------------------------------- */

static void
bounds(void)
{
	struct sess	 p;
	static char	 text[1001];

	reload(0, 100000, 1000, 0);
	join(&p, T0, 1, 7, R, "all");
	check(&subs[0], "com.some.t", NULL);
	retain(&p, "t.one", "1");
	check(&subs[0], "t.one", NULL);
	if (!bp_logged("realm realm1: an event was not retained: too many "
	    "topics; 1 so far"))
		errx(1, "not logged");
	reload(2, 100000, 1000, 0);
	retain(&p, "t.one", "1");
	retain(&p, "t.two", "2");
	retain(&p, "t.three", "3");
	check(&subs[0], "t.one", "1");
	check(&subs[0], "t.two", "2");
	check(&subs[0], "t.three", NULL);
	/* the one there is counts once */
	retain(&p, "t.one", "11");
	check(&subs[0], "t.one", "11");
	to_role("nobody");
	retain_to(&p, "t.two", "22");
	check(&subs[0], "t.two", "2");
	bp_ok("so many topics");

	memset(text, 'x', 1000);
	retain(&p, "t.one", text);
	check(&subs[0], "t.one", text);
	send_publish(&p, PUBLISH_RETAIN, "t.one", text, sizeof(text));
	check(&subs[0], "t.one", NULL);
	retain(&p, "t.three", "3");
	check(&subs[0], "t.three", "3");
	/* a longer one for some says nothing of the other */
	to_role("staff");
	text[999] = '\0';
	retain_to(&p, "t.three", text);
	check(&subs[0], "t.three", "3");
	check(&subs[2], "t.three", "3");
	bp_ok("events so long, and none that is no longer the last");

	/* t.two is older */
	reload(2, 600, 1000, 0);
	check(&subs[0], "t.two", NULL);
	check(&subs[0], "t.three", "3");
	retain(&p, "t.three", "4");
	check(&subs[0], "t.three", "4");
	retain(&p, "t.three", text);
	check(&subs[0], "t.three", NULL);
	retain(&p, "t.three", "5");
	check(&subs[0], "t.three", "5");
	bp_ok("so much memory");

	reload(2, 1000, 1000, 1);
	check(&subs[0], "t.three", NULL);
	retain(&p, "t.three", "6");
	check(&subs[0], "t.three", NULL);
	reload(2, 1000, 1000, 0);
	check(&subs[0], "t.three", NULL);
	leave(&p);
	bp_ok("retain never");
}

int
main(void)
{
	bp_start(new_conf(), 2);
	basics();
	not_allowed();
	truth_table();
	limited();
	bounds();
	patterns();
	many();
	disclosed();
	bp_quiet();
	bp_stop();
	return (0);
}
