/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Event History at a real broker: what is kept, and
 * wamp.subscription.get_events (T46 of the interoperability notes), also
 * compared with a list that is looked through from end to end.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bplay.h"
#include "conf.h"
#include "isotime.h"
#include "mpput.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"
#define SER	2		/* MessagePack */
#define GET	"wamp.subscription.get_events"

/* Ids of subscriptions count; those with a history are the first. */
enum {
	SUB_AUTH = 1,		/* com.mycompany.log.auth */
	SUB_BASKET,		/* com.mycompany.log.basket */
	SUB_LOG,		/* com.mycompany.log, prefix */
	SUB_WILD		/* com..log, wildcard */
};

struct answer {
	struct m_history_event	 e;
	char			 topic[64], body[64];
};

static struct answer	*answers;	/* to the last question */
static size_t		 nanswers, maxanswers;
static uint32_t		 answerflags;
static struct lists	 lists;

/* -- asking ------------------------------------------------------------- */

static uint8_t		kwbuf[8192];
static struct mpput	kw;
static uint32_t		nkw;

static void
kw_begin(void)
{
	mpput_init(&kw, kwbuf, sizeof(kwbuf));
	nkw = 0;
}

static void
kw_uint(const char *name, uint64_t v)
{
	mpput_text(&kw, name);
	mpput_uint(&kw, v);
	nkw++;
}

static void
kw_text(const char *name, const char *v)
{
	mpput_text(&kw, name);
	mpput_text(&kw, v);
	nkw++;
}

static void
kw_bool(const char *name, int v)
{
	mpput_text(&kw, name);
	mpput_bool(&kw, v);
	nkw++;
}

/* Half a millisecond more, if asked for. */
static void
kw_time(const char *name, uint64_t ms, int is_later)
{
	char	buf[ISOTIME_LEN + 8];

	isotime(buf, ms);
	if (is_later)
		strcpy(buf + ISOTIME_LEN - 1, "5Z");
	kw_text(name, buf);
}

static void
send_args(struct sess *s, const void *body, size_t len, int nargs)
{
	struct m_call	m;
	struct text	t[2] = { { GET, sizeof(GET) - 1 }, { body, len } };

	memset(&m, 0, sizeof(m));
	m.request = ++s->request;
	m.paylen = (uint32_t)len;
	m.urilen = (uint16_t)t[0].len;
	m.ser = SER;
	m.nargs = (uint8_t)nargs;
	side_send(s->t, IMSG_CALL, s->slot, s->gen, &m, sizeof(m), t, 2);
}

/* With the keywords since kw_begin(). */
static void
ask(struct sess *s, uint64_t sub)
{
	uint8_t		buf[sizeof(kwbuf) + 64];
	struct mpput	b;

	mpput_init(&b, buf, sizeof(buf));
	mpput_array(&b, 1);
	mpput_uint(&b, sub);
	mpput_map(&b, nkw);
	mpput_raw(&b, kwbuf, kw.len);
	if (b.failed || kw.failed)
		errx(1, "question too long");
	send_args(s, buf, b.len, 2);
}

static const uint8_t *
take_text(const uint8_t *p, char *to, size_t size, size_t len)
{
	if (len >= size)
		len = size - 1;		/* the rest does not matter */
	memcpy(to, p, len);
	to[len] = '\0';
	return (p);
}

/* request 0: any */
static void
hear_answer(struct sess *s, uint64_t request)
{
	struct m_history	 m;
	struct answer		*a;
	struct got		 g;
	const uint8_t		*p, *end;

	side_want(s->t, IMSG_HISTORY, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != s->slot || g.gen != s->gen ||
	    (request != 0 && m.request != request))
		errx(1, "an answer to %llu, want %llu",
		    (unsigned long long)m.request,
		    (unsigned long long)request);
	p = g.data + sizeof(m);
	end = g.data + g.len;
	if (m.n > maxanswers) {
		maxanswers = m.n;
		answers = reallocarray(answers, maxanswers, sizeof(*answers));
		if (answers == NULL)
			err(1, NULL);
	}
	nanswers = m.n;
	answerflags = m.flags;
	for (a = answers; a < answers + nanswers; a++) {
		if ((size_t)(end - p) < sizeof(a->e))
			errx(1, "an answer that ends too early");
		memcpy(&a->e, p, sizeof(a->e));
		p += sizeof(a->e);
		take_text(p, a->topic, sizeof(a->topic), a->e.topiclen);
		p += a->e.topiclen + a->e.authidlen + a->e.rolelen +
		    a->e.pptlen;
		take_text(p, a->body, sizeof(a->body), a->e.paylen);
		p += a->e.paylen;
	}
	if (p != end)
		errx(1, "%ld octets too many in the answer", (long)(end - p));
}

static void
get(struct sess *s, uint64_t sub)
{
	size_t	i;

	ask(s, sub);
	hear_answer(s, s->request);
	for (i = 0; i < nanswers; i++)
		if (answers[i].e.subscription != sub)
			errx(1, "an event of another subscription");
}

/* All of it is these bodies, one octet each. */
static void
want_bodies(struct sess *s, uint64_t sub, const char *bodies)
{
	size_t	i;

	get(s, sub);
	for (i = 0; i < nanswers && bodies[i] != '\0'; i++)
		if (answers[i].body[0] != bodies[i])
			break;
	if (i < nanswers || bodies[i] != '\0')
		errx(1, "%zu events of subscription %llu, event %zu is not "
		    "that of %s", nanswers, (unsigned long long)sub, i,
		    bodies);
}

static void
want_all(struct sess *s, uint64_t sub, const char *bodies)
{
	kw_begin();
	want_bodies(s, sub, bodies);
}

static uint64_t
publish(struct sess *s, const char *topic, const char *body)
{
	send_publish(s, PUBLISH_ACK, topic, body, strlen(body));
	return (want_published(s));
}

/* -- configuration ------------------------------------------------------ */

static struct conf *
new_conf(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));
	struct conf_role	*role;

	bconf_rule(bconf_role(r, "staff"), 1, ACTION_ALL, MATCH_EXACT, NULL);
	role = bconf_role(r, "few");
	bconf_rule(role, 1, ACTION_CALL, MATCH_EXACT, NULL);
	bconf_rule(role, 1, ACTION_SUBSCRIBE, MATCH_EXACT,
	    "com.mycompany.log.auth");
	return (c);
}

static void
add_topic(struct conf *c, const char *uri, int match, uint32_t events)
{
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));
	struct conf_topic	*t = conf_add_topic(r, uri, strlen(uri));

	r->has_history = 1;
	t->match = (uint8_t)match;
	t->events = events;
}

static void
set_memory(struct conf *c, uint64_t memory)
{
	conf_find_realm(c, R, strlen(R))->history.memory = memory;
}

static struct conf *
log_conf(uint32_t events)
{
	struct conf	*c = new_conf();

	add_topic(c, "com.mycompany.log.auth", MATCH_EXACT, events);
	add_topic(c, "com.mycompany.log.basket", MATCH_EXACT, events);
	add_topic(c, "com.mycompany.log", MATCH_PREFIX, events);
	add_topic(c, "com..log", MATCH_WILDCARD, events);
	return (c);
}

/* -- what is kept ------------------------------------------------------- */

static void
chapter(void)
{
	struct sess	p;
	uint64_t	pub;

	join(&p, T0, 1, 1, R, "all");
	want_all(&p, SUB_LOG, "");
	publish(&p, "com.mycompany.log.auth", "1");
	publish(&p, "com.mycompany.log.basket", "2");
	publish(&p, "com.mycompany.log.basket", "3");
	publish(&p, "com.mycompany.log.basket", "4");
	pub = publish(&p, "com.mycompany.log.checkout", "5");
	publish(&p, "com.mycompany.lo", "6");
	publish(&p, "com.x.log", "7");
	want_all(&p, SUB_AUTH, "1");
	if (answers[0].e.topiclen != 0)
		errx(1, "an exact subscription's event says its topic");
	want_all(&p, SUB_BASKET, "234");
	want_all(&p, SUB_LOG, "12345");
	if (answers[4].e.publication != pub || strcmp(answers[4].topic,
	    "com.mycompany.log.checkout") != 0)
		errx(1, "T34: %s", answers[4].topic);
	want_all(&p, SUB_WILD, "7");
	if (subscribe(&p, "com.mycompany.log.auth") != SUB_AUTH)
		errx(1, "another id than that of the history");
	send_unsubscribe(&p, SUB_AUTH);
	want_unsubscribed(&p, SUB_AUTH);
	want_all(&p, SUB_AUTH, "1");
	bp_ok("the chapter's example: without subscribers, before, after");

	leave(&p);
	join(&p, T0, 1, 2, R, "all");
	want_all(&p, SUB_LOG, "12345");
	leave(&p);
	bp_ok("events survive their publisher");
}

static void
to_role(const char *role)
{
	lists_init(&lists);
	lists_text(&lists, FILTER_ELIGIBLE_AUTHROLE, role);
}

static void
eligible(void)
{
	struct sess	p, joe, ann, staff;

	join(&p, T0, 1, 3, R, "all");
	join(&joe, T1, 1, 3, R, "all");
	join(&staff, T1, 2, 3, R, "staff");
	grant_authid = "ann";
	join(&ann, T1, 3, 3, R, "all");
	grant_authid = "joe";
	to_role("staff");
	send_publish_to(&p, 0, "com.a.log", &lists, NULL, "s");
	lists_init(&lists);
	lists_text(&lists, FILTER_EXCLUDE_AUTHROLE, "staff");
	send_publish_to(&p, 0, "com.a.log", &lists, NULL, "S");
	lists_init(&lists);
	lists_text(&lists, FILTER_ELIGIBLE_AUTHID, "ann");
	send_publish_to(&p, 0, "com.a.log", &lists, NULL, "a");
	lists_init(&lists);
	lists_text(&lists, FILTER_EXCLUDE_AUTHID, "ann");
	send_publish_to(&p, 0, "com.a.log", &lists, NULL, "A");
	lists_init(&lists);
	lists_empty(&lists, FILTER_ELIGIBLE_AUTHROLE);
	send_publish_to(&p, 0, "com.a.log", &lists, NULL, "n");
	/* not kept at all, whatever else is said */
	lists_init(&lists);
	lists_id(&lists, FILTER_ELIGIBLE, joe.id);
	send_publish_to(&p, 0, "com.a.log", &lists, NULL, "x");
	lists_init(&lists);
	lists_empty(&lists, FILTER_EXCLUDE);
	send_publish_to(&p, 0, "com.a.log", &lists, NULL, "y");
	lists_text(&lists, FILTER_EXCLUDE_AUTHID, "nobody");
	send_publish_to(&p, 0, "com.a.log", &lists, NULL, "z");
	side_sync(T0);
	want_all(&joe, SUB_WILD, "7SA");
	want_all(&staff, SUB_WILD, "7sA");
	want_all(&ann, SUB_WILD, "7Sa");
	leave(&p);
	leave(&joe);
	leave(&staff);
	leave(&ann);
	bp_ok("T46: lists of authids and roles count for who asks");
}

static void
rights(void)
{
	struct sess	p, few;
	uint64_t	sub;

	join(&p, T0, 1, 4, R, "all");
	join(&few, T1, 1, 4, R, "few");
	want_all(&few, SUB_AUTH, "1");
	kw_begin();
	ask(&few, SUB_BASKET);
	want_refused(&few, WAMP_CALL, few.request, WERR_NOT_AUTHORIZED);
	ask(&few, SUB_LOG);
	want_refused(&few, WAMP_CALL, few.request, WERR_NOT_AUTHORIZED);
	ask(&few, 999999);
	want_refused(&few, WAMP_CALL, few.request,
	    WERR_NO_SUCH_SUBSCRIPTION);
	ask(&p, 0);
	want_refused(&p, WAMP_CALL, p.request, WERR_NO_SUCH_SUBSCRIPTION);
	sub = subscribe(&p, "com.other.t");
	send_publish(&p, PUBLISH_INCLUDE_ME, "com.other.t", "1", 1);
	want_event(T0, sub, NULL, "1", 1);
	want_all(&p, sub, "");
	send_unsubscribe(&p, sub);
	want_unsubscribed(&p, sub);
	kw_begin();
	ask(&p, sub);
	want_refused(&p, WAMP_CALL, p.request, WERR_NO_SUCH_SUBSCRIPTION);
	leave(&p);
	leave(&few);
	bp_ok("T46: for who may subscribe; no such subscription");
}

/* -- arguments ---------------------------------------------------------- */

static void
bad_args(struct sess *s, const void *body, size_t len, int nargs)
{
	send_args(s, body, len, nargs);
	want_refused(s, WAMP_CALL, s->request, WERR_INVALID_ARGUMENT);
}

static void
bad(struct sess *s)
{
	ask(s, SUB_LOG);
	want_refused(s, WAMP_CALL, s->request, WERR_INVALID_ARGUMENT);
	kw_begin();
}

static void
arguments(void)
{
	static const char *const	times[] = { "from_time", "after_time",
				    "before_time", "until_time" };
	static const char *const	pubs[] = { "from_publication",
				    "after_publication", "before_publication",
				    "until_publication" };
	static const char *const	all[] = { "reverse", "limit",
				    "from_time", "after_time", "before_time",
				    "until_time", "topic", "from_publication",
				    "after_publication", "before_publication",
				    "until_publication" };
	struct sess			p;
	size_t				i;

	join(&p, T0, 1, 5, R, "all");
	bad_args(&p, NULL, 0, 0);
	bad_args(&p, "\x90", 1, 1);		/* [] */
	bad_args(&p, "\x92\x01\x02", 3, 1);	/* [1, 2] */
	bad_args(&p, "\x91\xa1\x31", 3, 1);	/* ["1"] */
	bad_args(&p, "\x91\xff", 2, 1);		/* [-1] */
	bad_args(&p, "\x91", 1, 1);
	bad_args(&p, "\x91\x01\x90", 3, 2);	/* [1], [] */
	kw_begin();
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		mpput_text(&kw, all[i]);
		mpput_array(&kw, 0);
		nkw = 1;
		bad(&p);
	}
	for (i = 0; i < 4; i++) {
		kw_text(times[i], "yesterday");
		bad(&p);
		kw_uint(times[i], 1700000000000);
		bad(&p);
		kw_text(times[i], "2026-02-29T00:00:00Z");
		bad(&p);
		kw_text(pubs[i], "1");
		bad(&p);
		kw_uint(pubs[i], 0);
		bad(&p);
		kw_uint(pubs[i], 1ULL << 60);
		bad(&p);
	}
	kw_uint("reverse", 1);
	bad(&p);
	kw_uint("limit", 0);
	bad(&p);
	kw_text("limit", "1");
	bad(&p);
	mpput_text(&kw, "limit");
	mpput_raw(&kw, "\xff", 1);		/* -1 */
	nkw = 1;
	bad(&p);
	kw_text("topic", "com..log");
	bad(&p);
	kw_text("topic", "");
	bad(&p);
	kw_uint("topic", 1);
	bad(&p);
	bp_ok("arguments of a wrong type or value");

	/* null is as good as not there, what is unknown as well */
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		mpput_text(&kw, all[i]);
		mpput_nil(&kw);
		nkw++;
	}
	kw_text("colour", "blue");
	want_bodies(&p, SUB_LOG, "12345");
	send_args(&p, "\x91\x01", 2, 1);
	hear_answer(&p, p.request);
	if (nanswers != 1)
		errx(1, "%zu events", nanswers);
	leave(&p);
	bp_ok("arguments that are null or unknown");
}

/* -- compared with a list ----------------------------------------------- */

#define EVENTS	3000
#define KEPT	2500
#define QUERIES	3000

struct known {
	uint64_t	 id, time;
	int		 topic, is_staffs;
};

static struct known	known[EVENTS];

static const char *const	topics[] = { "com.mycompany.log.auth",
	    "com.mycompany.log.basket", "com.mycompany.log.checkout",
	    "com.mycompany.logs" };

static uint32_t
below(uint32_t n)
{
	return (arc4random_uniform(n));
}

static void
fill(struct sess *p)
{
	int	i;

	to_role("staff");
	for (i = 0; i < EVENTS; i++) {
		known[i].topic = (int)below(4);
		known[i].is_staffs = below(5) == 0;
		send_publish_to(p, PUBLISH_ACK, topics[known[i].topic],
		    known[i].is_staffs ? &lists : NULL, NULL, "x");
		known[i].id = want_published(p);
		if (i % 20 == 0)
			usleep(1000);
	}
}

/* Their times are told by the first answers. */
static void
learn(struct sess *staff)
{
	size_t	i;

	kw_begin();
	kw_uint("limit", EVENTS);
	get(staff, SUB_LOG);
	if (nanswers != KEPT || answerflags != 0)
		errx(1, "%zu events of %d are kept", nanswers, KEPT);
	for (i = 0; i < KEPT; i++) {
		if (answers[i].e.publication != known[EVENTS - KEPT + i].id)
			errx(1, "event %zu is another one", i);
		known[EVENTS - KEPT + i].time = answers[i].e.time;
	}
}

struct question {
	int		 sub;
	int		 is_reverse, topic;
	uint32_t	 limit;
	uint64_t	 from, after, before, until;	/* times, 0: none */
	int		 later[4];
	int		 pfrom, pafter, pbefore, puntil;	/* or -1 */
};

static int
is_wanted(const struct question *q, int i, int is_staff)
{
	const struct known	*k = &known[i];

	return ((q->sub != SUB_AUTH || k->topic == 0) &&
	    (is_staff || !k->is_staffs) &&
	    (q->topic == -1 || k->topic == q->topic) &&
	    (q->from == 0 || k->time >= q->from + (unsigned)q->later[0]) &&
	    (q->after == 0 || k->time > q->after) &&
	    (q->before == 0 || k->time < q->before + (unsigned)q->later[2]) &&
	    (q->until == 0 || k->time <= q->until) &&
	    (q->pfrom == -1 || i >= q->pfrom) &&
	    (q->pafter == -1 || i > q->pafter) &&
	    (q->pbefore == -1 || i < q->pbefore) &&
	    (q->puntil == -1 || i <= q->puntil));
}

static uint64_t
some_time(int *later)
{
	*later = (int)below(2);
	if (below(3) > 0)
		return (0);
	return (known[EVENTS - KEPT + below(KEPT)].time + below(3) - 1);
}

/* Only what both histories have. */
static int
some_event(int sub)
{
	int	i;

	if (below(4) > 0)
		return (-1);
	do
		i = EVENTS - KEPT + (int)below(KEPT);
	while (sub == SUB_AUTH && known[i].topic != 0);
	return (i);
}

static void
question_make(struct question *q)
{
	q->sub = below(3) == 0 ? SUB_AUTH : SUB_LOG;
	q->is_reverse = (int)below(2);
	q->topic = below(2) == 0 ? -1 : (int)below(4);
	q->limit = below(3) == 0 ? EVENTS : 1 + below(100);
	q->from = some_time(&q->later[0]);
	q->after = some_time(&q->later[1]);
	q->before = some_time(&q->later[2]);
	q->until = some_time(&q->later[3]);
	q->pfrom = some_event(q->sub);
	q->pafter = some_event(q->sub);
	q->pbefore = some_event(q->sub);
	q->puntil = some_event(q->sub);
}

static void
question_ask(const struct question *q, struct sess *s)
{
	kw_begin();
	if (q->is_reverse || below(2) == 0)
		kw_bool("reverse", q->is_reverse);
	kw_uint("limit", q->limit);
	if (q->topic != -1)
		kw_text("topic", topics[q->topic]);
	if (q->from != 0)
		kw_time("from_time", q->from, q->later[0]);
	if (q->after != 0)
		kw_time("after_time", q->after, q->later[1]);
	if (q->before != 0)
		kw_time("before_time", q->before, q->later[2]);
	if (q->until != 0)
		kw_time("until_time", q->until, q->later[3]);
	if (q->pfrom != -1)
		kw_uint("from_publication", known[q->pfrom].id);
	if (q->pafter != -1)
		kw_uint("after_publication", known[q->pafter].id);
	if (q->pbefore != -1)
		kw_uint("before_publication", known[q->pbefore].id);
	if (q->puntil != -1)
		kw_uint("until_publication", known[q->puntil].id);
	get(s, (uint64_t)q->sub);
}

/* The exact one has older ones: those of before, and of the first. */
static void
question_check(const struct question *q, int is_staff)
{
	size_t	n = 0;
	int	i, at;

	for (i = 0; i < KEPT && n < q->limit; i++) {
		at = q->is_reverse ? EVENTS - 1 - i : EVENTS - KEPT + i;
		if (!is_wanted(q, at, is_staff))
			continue;
		if (n >= nanswers || answers[n].e.publication != known[at].id ||
		    answers[n].e.time != known[at].time)
			errx(1, "answer %zu of %zu is not event %d", n,
			    nanswers, at);
		n++;
	}
	if (n != nanswers)
		errx(1, "%zu answers, want %zu", nanswers, n);
}

static void
compared(void)
{
	struct sess	p, staff;
	struct question	q;
	int		i, is_staff;
	size_t		found = 0;

	join(&p, T0, 1, 6, R, "all");
	join(&staff, T1, 1, 6, R, "staff");
	fill(&p);
	learn(&staff);
	for (i = 0; i < QUERIES; i++) {
		is_staff = (int)below(2);
		question_make(&q);
		/* the exact history goes further back than is known */
		if (q.sub == SUB_AUTH && !q.is_reverse && q.pfrom == -1)
			q.pfrom = EVENTS - KEPT;
		while (q.sub == SUB_AUTH && q.pfrom != -1 &&
		    known[q.pfrom].topic != 0)
			q.pfrom++;
		if (q.sub == SUB_AUTH && q.is_reverse && q.pfrom == -1 &&
		    q.pafter == -1)
			for (q.pfrom = EVENTS - KEPT;
			    known[q.pfrom].topic != 0; q.pfrom++)
				;
		question_ask(&q, is_staff ? &staff : &p);
		question_check(&q, is_staff);
		found += nanswers;
	}
	if (found < QUERIES)
		errx(1, "hardly a question had an answer");
	leave(&p);
	leave(&staff);
	bp_ok("3000 questions answered as by looking at each event");
}

/* -- bounds ------------------------------------------------------------- */

static void
pages(void)
{
	struct sess	p;
	uint64_t	last;
	size_t		n;
	static char	big[300001];

	join(&p, T0, 1, 7, R, "staff");
	kw_begin();
	get(&p, SUB_LOG);
	if (nanswers != 1000 || answerflags != HISTORY_MORE)
		errx(1, "%zu events, flags %x", nanswers, answerflags);
	for (n = nanswers; answerflags & HISTORY_MORE; n += nanswers) {
		last = answers[nanswers - 1].e.publication;
		kw_begin();
		kw_uint("after_publication", last);
		get(&p, SUB_LOG);
	}
	if (n != KEPT)
		errx(1, "%zu events page by page", n);
	/* both may name the same one, which then is not meant */
	kw_begin();
	kw_uint("from_publication", answers[0].e.publication);
	kw_uint("after_publication", answers[0].e.publication);
	last = answers[1].e.publication;
	get(&p, SUB_LOG);
	if (answers[0].e.publication != last)
		errx(1, "from and after one, and there it is");
	kw_begin();
	kw_uint("until_publication", last);
	kw_uint("before_publication", last);
	kw_bool("reverse", 1);
	get(&p, SUB_LOG);
	if (nanswers == 0 || answers[0].e.publication == last)
		errx(1, "until and before one, and there it is");
	kw_begin();
	kw_uint("limit", 7);
	get(&p, SUB_LOG);
	if (nanswers != 7 || answerflags != 0)
		errx(1, "limit 7: %zu events, flags %x", nanswers,
		    answerflags);
	bp_ok("a thousand at a time, and the rest after the last one");

	memset(big, 'x', sizeof(big) - 1);
	for (n = 0; n < 10; n++)
		send_publish(&p, 0, "com.b.log", big, sizeof(big) - 1);
	kw_begin();
	kw_text("topic", "com.b.log");
	kw_bool("reverse", 1);
	kw_uint("limit", 10);
	get(&p, SUB_WILD);
	/* limits message is 1 MB */
	if (nanswers != 3 || answerflags != HISTORY_MORE)
		errx(1, "%zu long events, flags %x", nanswers, answerflags);
	leave(&p);
	bp_ok("as many as fit into a message");
}

static void
reloads(void)
{
	struct conf	*c;
	struct sess	 p;

	bp_reload(log_conf(3));
	join(&p, T0, 1, 8, R, "all");
	kw_begin();
	kw_uint("limit", 1000);
	get(&p, SUB_BASKET);
	if (nanswers > 3 || nanswers == 0)
		errx(1, "%zu events after a reload", nanswers);
	publish(&p, topics[1], "1");
	publish(&p, topics[1], "2");
	want_all(&p, SUB_WILD, "xxx");
	publish(&p, topics[1], "3");
	publish(&p, topics[2], "4");
	want_all(&p, SUB_BASKET, "123");
	want_all(&p, SUB_LOG, "234");
	bp_reload(log_conf(1000));
	want_all(&p, SUB_BASKET, "123");
	publish(&p, topics[1], "5");
	want_all(&p, SUB_BASKET, "1235");
	want_all(&p, SUB_LOG, "2345");
	bp_ok("a reload changes how many; what stays keeps its events");

	/* only the prefix is left */
	c = new_conf();
	add_topic(c, "com.mycompany.log", MATCH_PREFIX, 1000);
	bp_reload(c);
	kw_begin();
	ask(&p, SUB_BASKET);
	want_refused(&p, WAMP_CALL, p.request, WERR_NO_SUCH_SUBSCRIPTION);
	want_all(&p, SUB_LOG, "2345");
	subscribe(&p, topics[1]);
	c = new_conf();
	add_topic(c, topics[1], MATCH_EXACT, 1000);
	bp_reload(c);
	kw_begin();
	ask(&p, SUB_LOG);
	want_refused(&p, WAMP_CALL, p.request, WERR_NO_SUCH_SUBSCRIPTION);
	publish(&p, topics[1], "6");
	want_all(&p, subscribe(&p, topics[1]), "6");
	bp_reload(new_conf());
	/* it is held, but has no history */
	want_all(&p, subscribe(&p, topics[1]), "");
	publish(&p, topics[1], "7");
	want_all(&p, subscribe(&p, topics[1]), "");
	leave(&p);
	bp_ok("a reload takes histories and brings others");
}

static void
memory(void)
{
	struct conf	*c = log_conf(100000);
	struct sess	 p;
	uint64_t	 auth, basket;
	char		 text[2001];
	size_t		 i, n, sum = 0;

	set_memory(c, 100000);
	bp_reload(c);
	join(&p, T0, 1, 9, R, "all");
	auth = subscribe(&p, topics[0]);
	basket = subscribe(&p, topics[1]);
	publish(&p, topics[0], "a");
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%zu", i);
		publish(&p, topics[1], text);
	}
	want_all(&p, auth, "");
	kw_begin();
	kw_uint("limit", 100000);
	get(&p, basket);
	if ((n = nanswers) < 400 || n > 900)
		errx(1, "%zu short events in 100000 octets", n);
	for (i = 0; i < n; i++)
		if ((size_t)atoi(answers[i].body) != 1000 - n + i)
			errx(1, "event %zu of %zu is %s", i, n,
			    answers[i].body);
	memset(text, 'x', 2000);
	for (i = 0; i < 200; i++) {
		send_publish(&p, 0, topics[1], text, 2000);
		kw_begin();
		kw_uint("limit", 100000);
		get(&p, basket);
		for (n = 0, sum = 0; n < nanswers; n++)
			sum += answers[n].e.paylen;
		if (sum > 100000 || nanswers == 0)
			errx(1, "%zu octets of payload", sum);
	}
	if (sum < 70000)
		errx(1, "only %zu octets of payload", sum);
	bp_ok("so much memory, the oldest of all go");

	c = log_conf(100000);
	set_memory(c, 1000);
	bp_reload(c);
	want_all(&p, basket, "");
	send_publish(&p, 0, topics[1], text, 2000);
	want_all(&p, basket, "");
	if (!bp_logged("realm realm1: no room for an event in a history; 1 "
	    "so far"))
		errx(1, "not logged");
	bp_reload(log_conf(100000));
	leave(&p);
	bp_ok("an event that is longer than all memory");
}

static struct conf *
two_conf(void)
{
	struct conf		*c = log_conf(10000);
	struct conf_realm	*r = bconf_realm(c, "realm2");
	struct conf_topic	*t = conf_add_topic(r, "com.", 4);

	bconf_rule(bconf_role(r, "all"), 1, ACTION_ALL, MATCH_EXACT, NULL);
	r->has_history = 1;
	r->retain.topics = 20000;
	r->history.memory = 64 << 20;
	t->match = MATCH_PREFIX;
	t->events = 20000;
	return (c);
}

/* More than is dropped at once. */
static void
realms(void)
{
	struct sess	p;
	uint64_t	sub;
	char		topic[32];
	int		i, n;

	for (n = 0; n < 2; n++) {
		bp_reload(two_conf());
		join(&p, T0, 1, 12 + (uint32_t)n, "realm2", "all");
		send_subscribe(&p, "com.", MATCH_PREFIX);
		sub = want_subscribed(&p);
		want_all(&p, sub, "");
		for (i = 0; i < 15000; i++) {
			snprintf(topic, sizeof(topic), "com.t%d", i);
			send_publish(&p, PUBLISH_RETAIN, topic, "x", 1);
		}
		kw_begin();
		kw_uint("limit", 2);
		get(&p, sub);
		if (nanswers != 2)
			errx(1, "%zu events", nanswers);
		bp_reload(log_conf(10000));
		want_end(T0, p.slot, p.gen, WERR_CLOSE_REALM);
		send_close(&p, CLOSE_ENDED);
		bp_quiet();
	}
	bp_ok("a realm goes with its events, and comes without");
}

/* -- questions that take long ------------------------------------------- */

#define MANY	60000

static void
slices(void)
{
	struct sess	p, q;
	struct got	g;
	uint64_t	basket, log;
	char		text[16];
	int		i, reverse;

	join(&p, T0, 1, 10, R, "all");
	join(&q, T1, 1, 10, R, "all");
	basket = subscribe(&p, topics[1]);
	publish(&q, "com.mycompany.log.first", "f");
	/* the events of the others are many */
	send_unsubscribe(&p, basket);
	want_unsubscribed(&p, basket);
	for (i = 0; i < MANY; i++)
		if (i % 500 == 0) {
			snprintf(text, sizeof(text), "%d", i / 500);
			send_publish(&p, 0, topics[2], text, strlen(text));
		} else
			send_publish(&p, 0, topics[1], "m", 1);
	side_sync(T0);
	log = basket + 1;	/* the next topic of the configuration */
	kw_begin();
	kw_text("topic", "com.mycompany.log.first");
	kw_bool("reverse", 1);
	for (i = 0; i < 8; i++)
		ask(&q, log);
	for (i = 0; i < 8; i++) {
		hear_answer(&q, 0);
		if (nanswers != 1 || answers[0].body[0] != 'f')
			errx(1, "%zu events", nanswers);
	}
	for (reverse = 0; reverse < 2; reverse++) {
		kw_begin();
		kw_text("topic", topics[2]);
		kw_bool("reverse", reverse);
		get(&q, log);
		if (nanswers != MANY / 500)
			errx(1, "%zu of %d", nanswers, MANY / 500);
		for (i = 0; i < MANY / 500; i++)
			if (atoi(answers[i].body) != (reverse ?
			    MANY / 500 - 1 - i : i))
				errx(1, "event %d is %s", i, answers[i].body);
	}
	bp_ok("the one of 60000, looked for in slices, eight at a time");

	/* some may be answered before */
	kw_begin();
	kw_text("topic", "com.mycompany.log.first");
	kw_bool("reverse", 1);
	for (i = 0; i < 8; i++)
		ask(&q, log);
	send_close(&q, CLOSE_GOODBYE);
	do
		if (side_next(T1, &g, 20000) != 1)
			errx(1, "the session does not end");
	while (g.type == IMSG_HISTORY);
	if (g.type != IMSG_SESSION_END)
		errx(1, "got imsg %u", g.type);
	bp_quiet();
	join(&q, T1, 1, 11, R, "all");
	for (i = 0; i < 4; i++)
		ask(&q, log);
	bp_reload(new_conf());
	for (i = 0; i < 4; i++)
		hear_answer(&q, 0);
	leave(&p);
	leave(&q);
	bp_ok("who asked leaves, or the history does");
}

/* The histories as before, but one role has no rights left. */
static struct conf *
without_rights(const char *name)
{
	struct conf		*c = log_conf(MANY + 1);
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));
	struct conf_role	*role;

	TAILQ_FOREACH(role, &r->roles, entry)
		if (strcmp(role->name, name) == 0)
			bconf_rule(role, 0, ACTION_PUBLISH | ACTION_SUBSCRIBE,
			    MATCH_EXACT, NULL);
	return (c);
}

/*
 * The last of eight questions waits while a reload takes the rights of a
 * role: of who asks, or of who published what was found by then.
 */
static void
withdrawn_meanwhile(uint32_t gen, const char *role)
{
	struct sess		 p, q;
	struct m_refused	 m;
	struct got		 g;
	uint64_t		 basket, log;
	int			 i;

	bp_reload(log_conf(MANY + 1));
	join(&p, T0, 1, gen, R, "all");
	join(&q, T1, 1, gen, R, "staff");
	basket = subscribe(&p, topics[1]);
	send_unsubscribe(&p, basket);
	want_unsubscribed(&p, basket);
	log = basket + 1;
	publish(&p, "com.mycompany.log.first", "f");
	for (i = 0; i < MANY; i++)
		send_publish(&p, 0, topics[1], "m", 1);
	side_sync(T0);
	kw_begin();
	kw_text("topic", "com.mycompany.log.first");
	for (i = 0; i < 8; i++)
		ask(&q, log);
	bp_reload(without_rights(role));
	if (strcmp(role, "all") == 0) {
		for (i = 0; i < 8; i++)
			hear_answer(&q, 0);
		if (nanswers != 0)
			errx(1, "got an event that was withdrawn");
	} else {
		for (i = 0; i < 8; i++)
			if (side_next(T1, &g, 20000) != 1 ||
			    (g.type != IMSG_HISTORY && g.type != IMSG_REFUSED))
				errx(1, "no answer");
		memcpy(&m, g.data, sizeof(m));
		if (g.type != IMSG_REFUSED || m.err != WERR_NOT_AUTHORIZED)
			errx(1, "who may not subscribe got an answer");
	}
	leave(&p);
	leave(&q);
}

static void
rights_meanwhile(void)
{
	withdrawn_meanwhile(14, "staff");
	withdrawn_meanwhile(15, "all");
	bp_ok("a reload takes rights while a question waits");
}

int
main(void)
{
	struct conf	*c = log_conf(KEPT);

	bp_start(c, 2);
	chapter();
	eligible();
	rights();
	arguments();
	compared();
	pages();
	reloads();
	memory();
	slices();
	realms();
	rights_meanwhile();
	bp_quiet();
	bp_stop();
	free(answers);
	return (0);
}
