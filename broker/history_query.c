/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wamp.subscription.get_events: which events of a history a caller wants
 * and may have.  All conditions come to a range of the order in which events
 * came and a range of times; what neither narrows is looked at one by one,
 * a slice at a time: a question that is not answered at once waits here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "keep.h"
#include "meta.h"
#include "pubsub.h"

#define QUERY_NOW	8192	/* steps, before it has to wait */
#define QUERY_SLICE	1024	/* steps of one that waits */
#define QUERY_MAX	8	/* waiting, of one session */
#define QUERY_EVENTS	1000	/* of an answer, if no limit was given */
#define QUERY_MIN	16	/* events there is room for at first */

struct query {
	TAILQ_ENTRY(query) entry;
	uint64_t	 session, serial;	/* of the caller */
	uint64_t	 request;		/* CALL.Request */
	uint64_t	 subscription;
	uint32_t	 confgen;		/* rights were checked against */
	uint64_t	 first, last;		/* seq */
	int64_t		 mintime, maxtime;
	uint64_t	 limit;
	uint8_t		 has_limit, is_reverse;
	uint8_t		 is_more;		/* than are in the answer */
	uint8_t		 is_pattern;
	struct kept	**found;
	size_t		 nfound, nalloc;
	size_t		 octets;		/* of the answer */
	struct uri	 topic;			/* p NULL: any */
	char		 text[];
};

static TAILQ_HEAD(, query)	waiting = TAILQ_HEAD_INITIALIZER(waiting);

static size_t
query_size(const struct query *q)
{
	return (sizeof(*q) + q->topic.len);
}

/* NULL: no memory. */
static struct query *
query_new(const struct session *s, uint64_t request,
    const struct subscription *sub, const struct uri *topic)
{
	struct query	*q;

	if (state_take(sizeof(*q) + topic->len) == -1)
		return (NULL);
	if ((q = calloc(1, sizeof(*q) + topic->len)) == NULL) {
		state_give(sizeof(*q) + topic->len);
		return (NULL);
	}
	q->session = s->id;
	q->serial = s->serial;
	q->request = request;
	q->subscription = sub->id;
	q->confgen = broker.confgen;
	q->is_pattern = sub->match != MATCH_EXACT;
	q->octets = sizeof(struct m_history);
	q->first = 1;
	q->last = UINT64_MAX - 1;
	q->mintime = INT64_MIN;
	q->maxtime = INT64_MAX;
	if (topic->p != NULL) {
		memcpy(q->text, topic->p, topic->len);
		q->topic.p = q->text;
		q->topic.len = topic->len;
	}
	return (q);
}

static void
query_free(struct query *q)
{
	size_t	i;

	for (i = 0; i < q->nfound; i++)
		kept_unref(q->found[i]);
	free(q->found);
	state_give(q->nalloc * sizeof(struct kept *) + query_size(q));
	free(q);
}

/* -- what is asked for -------------------------------------------------- */

enum query_kw {		/* in the order of the row in meta.c */
	KW_REVERSE,
	KW_LIMIT,
	KW_FROM_TIME,
	KW_AFTER_TIME,
	KW_BEFORE_TIME,
	KW_UNTIL_TIME,
	KW_TOPIC,
	KW_FROM_PUBLICATION,
	KW_AFTER_PUBLICATION,
	KW_BEFORE_PUBLICATION,
	KW_UNTIL_PUBLICATION
};

/* Times of events are whole milliseconds; what is asked for may be finer. */
static int
query_time(struct meta *m, enum query_kw kw, const char *name, int64_t *ms,
    int *is_later)
{
	const struct val	*v = &m->kw[kw];

	*is_later = 0;
	if (v->type == VAL_NIL)
		return (0);
	if (rfc3339_read((const char *)v->str, v->slen, ms, is_later) == 0)
		return (1);
	snprintf(m->text, sizeof(m->text),
	    "%s must be a time as in RFC 3339", name);
	return (-1);
}

static int
query_times(struct query *q, struct meta *m)
{
	int64_t	t;
	int	later, rv;

	if ((rv = query_time(m, KW_FROM_TIME, "from_time", &t, &later)) == -1)
		return (-1);
	if (rv == 1 && t + later > q->mintime)
		q->mintime = t + later;
	if ((rv = query_time(m, KW_AFTER_TIME, "after_time", &t,
	    &later)) == -1)
		return (-1);
	if (rv == 1 && t + 1 > q->mintime)
		q->mintime = t + 1;
	if ((rv = query_time(m, KW_BEFORE_TIME, "before_time", &t,
	    &later)) == -1)
		return (-1);
	if (rv == 1 && t - 1 + later < q->maxtime)
		q->maxtime = t - 1 + later;
	if ((rv = query_time(m, KW_UNTIL_TIME, "until_time", &t,
	    &later)) == -1)
		return (-1);
	if (rv == 1 && t < q->maxtime)
		q->maxtime = t;
	return (0);
}

/*
 * An event that is not there any more is no empty answer: who goes on from
 * the last one that it saw would never learn that it missed some.
 */
static int
query_publication(struct meta *m, const struct history *h, enum query_kw kw,
    const char *name, uint64_t *seq)
{
	const struct val	*v = &m->kw[kw];

	if (v->type == VAL_NIL)
		return (0);
	if ((*seq = history_seq(h, v->u.u)) != 0)
		return (1);
	snprintf(m->text, sizeof(m->text),
	    "%s: that event is not in the history", name);
	return (-1);
}

static int
query_publications(struct query *q, struct meta *m, const struct history *h)
{
	uint64_t	seq;
	int		rv;

	if ((rv = query_publication(m, h, KW_FROM_PUBLICATION,
	    "from_publication", &seq)) == -1)
		return (-1);
	if (rv == 1)
		q->first = seq;
	if ((rv = query_publication(m, h, KW_AFTER_PUBLICATION,
	    "after_publication", &seq)) == -1)
		return (-1);
	if (rv == 1 && seq + 1 > q->first)
		q->first = seq + 1;
	if ((rv = query_publication(m, h, KW_BEFORE_PUBLICATION,
	    "before_publication", &seq)) == -1)
		return (-1);
	if (rv == 1)
		q->last = seq - 1;
	if ((rv = query_publication(m, h, KW_UNTIL_PUBLICATION,
	    "until_publication", &seq)) == -1)
		return (-1);
	if (rv == 1 && seq < q->last)
		q->last = seq;
	return (0);
}

/* 0, or -1 with the reason in m->text. */
static int
query_read(struct query *q, struct meta *m, const struct history *h)
{
	const struct val	*v = &m->kw[KW_LIMIT];

	q->is_reverse = m->kw[KW_REVERSE].type == VAL_BOOL &&
	    m->kw[KW_REVERSE].u.b;
	q->limit = QUERY_EVENTS;
	if ((q->has_limit = v->type != VAL_NIL))
		q->limit = v->u.u;
	if (query_times(q, m) == -1)
		return (-1);
	return (h == NULL ? 0 : query_publications(q, m, h));
}

static int
topic_read(struct meta *m, struct uri *topic)
{
	const struct val	*v = &m->kw[KW_TOPIC];

	memset(topic, 0, sizeof(*topic));
	if (v->type == VAL_NIL)
		return (0);
	topic->p = (const char *)v->str;
	topic->len = (uint16_t)v->slen;
	if (v->slen <= URI_MAXLEN &&
	    uri_is_valid(topic, m->caller->realm->rules))
		return (0);
	snprintf(m->text, sizeof(m->text), "topic must be a URI");
	return (-1);
}

/* -- looking for it ----------------------------------------------------- */

static size_t
event_topiclen(const struct query *q, const struct kept *k)
{
	return (q->is_pattern ? k->topiclen : 0);
}

static size_t
event_size(const struct query *q, const struct kept *k)
{
	return (sizeof(struct m_history_event) + event_topiclen(q, k) +
	    k->authidlen + k->rolelen + k->pptlen + k->paylen);
}

static int
query_grow(struct query *q)
{
	size_t		 n = q->nalloc > 0 ? q->nalloc : QUERY_MIN;
	struct kept	**grown;

	if (q->nfound < q->nalloc)
		return (0);
	if (state_take(n * sizeof(*grown)) == -1)
		return (-1);
	grown = reallocarray(q->found, q->nalloc + n, sizeof(*grown));
	if (grown == NULL) {
		state_give(n * sizeof(*grown));
		return (-1);
	}
	q->found = grown;
	q->nalloc += n;
	return (0);
}

/* 1: that was the last one. */
static int
query_take(struct query *q, struct kept *k)
{
	size_t	len = event_size(q, k);

	/* one always fits: it came in a message of that length */
	if ((q->nfound > 0 &&
	    q->octets + len > broker.conf->limits.message) ||
	    (!q->has_limit && q->nfound == q->limit) || query_grow(q) == -1) {
		q->is_more = 1;
		return (1);
	}
	q->found[q->nfound++] = kept_ref(k);
	q->octets += len;
	return (q->has_limit && q->nfound == q->limit);
}

static int
query_wants(const struct query *q, struct kept *k, const struct session *s)
{
	struct uri	topic;

	if (q->topic.p != NULL) {
		kept_topic(k, &topic);
		if (!uri_eq(&topic, &q->topic))
			return (0);
	}
	return (kept_stays(k, s->realm) && kept_allows(k, s));
}

/* One event. 1: that was the last one. */
static int
query_look(struct query *q, const struct ring *r, size_t i,
    const struct session *s, unsigned int *steps)
{
	struct kept	*k;
	uint64_t	 time;
	unsigned int	 cost = 1;
	int		 rv = 0;

	k = ring_at(r, i, &time);
	if ((int64_t)time >= q->mintime && (int64_t)time <= q->maxtime) {
		cost += k->filterlen / 64;
		if (query_wants(q, k, s))
			rv = query_take(q, k);
	}
	*steps -= cost < *steps ? cost : *steps;
	return (rv);
}

/* 1: done; 0: all steps are used up. */
static int
query_run(struct query *q, const struct ring *r, const struct session *s,
    unsigned int *steps)
{
	size_t		lo = ring_before(r, q->first), n, i;
	size_t		hi = ring_before(r, q->last + 1);
	uint64_t	time;

	while (lo < hi) {
		i = q->is_reverse ? hi - 1 : lo;
		if (*steps == 0) {
			if (q->is_reverse)
				q->last = ring_at(r, i, &time)->seq;
			else
				q->first = ring_at(r, i, &time)->seq;
			return (0);
		}
		n = ring_skip(r, i, q->is_reverse, q->mintime, q->maxtime);
		if (n > 0)
			(*steps)--;
		else if (query_look(q, r, i, s, steps))
			return (1);
		else
			n = 1;
		if (n > hi - lo)
			n = hi - lo;
		if (q->is_reverse)
			hi -= n;
		else
			lo += n;
	}
	return (1);
}

/* -- the answer --------------------------------------------------------- */

static uint8_t *
event_put(uint8_t *to, const struct query *q, const struct kept *k)
{
	struct m_history_event	e;
	size_t			topiclen = event_topiclen(q, k);
	size_t			len = event_size(q, k) - sizeof(e) - topiclen;

	memset(&e, 0, sizeof(e));
	e.subscription = q->subscription;
	e.publication = k->id;
	e.publisher = k->publisher;
	e.time = k->time;
	e.flags = k->flags;
	e.trust = k->trust;
	e.paylen = k->paylen;
	e.topiclen = (uint16_t)topiclen;
	e.authidlen = k->authidlen;
	e.rolelen = k->rolelen;
	e.pptlen = k->pptlen;
	e.ser = k->ser;
	e.nargs = k->nargs;
	memcpy(to, &e, sizeof(e));
	to += sizeof(e);
	memcpy(to, k->data, topiclen);
	to += topiclen;
	memcpy(to, k->data + k->topiclen, len);
	return (to + len);
}

static void
query_answer(const struct query *q, struct session *s)
{
	struct m_history	 m;
	uint8_t			*buf, *to;
	size_t			 i;

	if ((buf = malloc(q->octets)) == NULL) {
		session_refuse(s, WAMP_CALL, q->request, WERR_LIMIT,
		    "the router has no memory for the result");
		return;
	}
	memset(&m, 0, sizeof(m));
	m.request = q->request;
	m.n = (uint32_t)q->nfound;
	m.flags = q->is_more ? HISTORY_MORE : 0;
	memcpy(buf, &m, sizeof(m));
	to = buf + sizeof(m);
	for (i = 0; i < q->nfound; i++)
		to = event_put(to, q, q->found[i]);
	session_send(s, IMSG_HISTORY, buf, q->octets);
	free(buf);
}

/* -- in slices ---------------------------------------------------------- */

static unsigned int
queries_of(const struct session *s)
{
	const struct query	*q;
	unsigned int		 n = 0;

	TAILQ_FOREACH(q, &waiting, entry)
		if (q->serial == s->serial)
			n++;
	return (n);
}

/* What was found before a reload, and that withdrew. */
static void
query_drop_withdrawn(struct query *q, const struct realm *r)
{
	struct kept	*k;
	size_t		 i, n = 0;

	for (i = 0; i < q->nfound; i++) {
		k = q->found[i];
		if (kept_stays(k, r)) {
			q->found[n++] = k;
			continue;
		}
		q->octets -= event_size(q, k);
		kept_unref(k);
	}
	q->nfound = n;
}

/*
 * There was a reload while it waited: rights are those of today, both who
 * asks and the publishers'.  An authorizer is not asked again.  1: refused.
 */
static int
query_recheck(struct query *q, struct session *s,
    const struct subscription *sub)
{
	q->confgen = broker.confgen;
	if (sub != NULL && authz_check(s, ACTION_SUBSCRIBE,
	    (enum uri_match)sub->match, &sub->topic) == AUTHZ_DENY) {
		session_refuse(s, WAMP_CALL, q->request, WERR_NOT_AUTHORIZED,
		    "not allowed");
		return (1);
	}
	query_drop_withdrawn(q, s->realm);
	return (0);
}

/* 1: it is done with. */
static int
query_go_on(struct query *q, unsigned int *steps)
{
	struct session			*s;
	const struct subscription	*sub;

	if ((s = session_find_id(q->session)) == NULL ||
	    s->serial != q->serial || session_is_over(s))
		return (1);
	sub = sub_find_id(s->realm, q->subscription);
	if (q->confgen != broker.confgen && query_recheck(q, s, sub))
		return (1);
	/* a reload took the history: there is what was found until then */
	if (sub != NULL && sub->history != NULL && query_run(q,
	    history_ring(sub->history), s, steps) == 0)
		return (0);
	query_answer(q, s);
	return (1);
}

int
query_is_waiting(void)
{
	return (!TAILQ_EMPTY(&waiting));
}

unsigned int
query_work(unsigned int *steps)
{
	struct query	*q;
	unsigned int	 n, left, done = 0;

	while (*steps > 0 && (q = TAILQ_FIRST(&waiting)) != NULL) {
		n = left = *steps < QUERY_SLICE ? *steps : QUERY_SLICE;
		TAILQ_REMOVE(&waiting, q, entry);
		if (query_go_on(q, &left))
			query_free(q);
		else
			TAILQ_INSERT_TAIL(&waiting, q, entry);
		*steps -= n - left > 0 ? n - left : 1;
		done++;
	}
	return (done);
}

/* -- the call ----------------------------------------------------------- */

static enum wamp_err
query_start(struct query *q, struct meta *m, const struct history *h,
    const char **why)
{
	unsigned int	steps = QUERY_NOW;

	if (h != NULL && query_run(q, history_ring(h), m->caller,
	    &steps) == 0) {
		if (queries_of(m->caller) >= QUERY_MAX) {
			query_free(q);
			*why = "too many questions at a time";
			return (WERR_LIMIT);
		}
		TAILQ_INSERT_TAIL(&waiting, q, entry);
		sweep_wake();
		return (WERR_NONE);
	}
	query_answer(q, m->caller);
	query_free(q);
	return (WERR_NONE);
}

/*
 * WAMP, Event History.  A subscription that is there without a history has
 * had no events that were kept: an empty list.
 */
enum wamp_err
history_get_events(struct meta *m, const char **why)
{
	const struct subscription	*sub;
	struct query			*q;
	struct uri			 topic;
	enum wamp_err			 err;

	*why = m->text;
	sub = sub_find_id(m->caller->realm, m->arg[0].u.u);
	if (sub == NULL) {
		*why = "no such subscription";
		return (WERR_NO_SUCH_SUBSCRIPTION);
	}
	err = session_may(m->caller, ACTION_SUBSCRIBE,
	    (enum uri_match)sub->match, &sub->topic, why);
	if (err != WERR_NONE)
		return (err);
	if (topic_read(m, &topic) == -1)
		return (WERR_INVALID_ARGUMENT);
	*why = "the router has no room for another question";
	if ((q = query_new(m->caller, m->request, sub, &topic)) == NULL)
		return (WERR_LIMIT);
	*why = m->text;
	if (query_read(q, m, sub->history) == -1) {
		query_free(q);
		return (WERR_INVALID_ARGUMENT);
	}
	return (query_start(q, m, sub->history, why));
}
