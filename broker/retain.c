/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Event Retention: of a topic the last event that everybody may have,
 * and beside it the last ones that some may have (Subscriber Black- and
 * Whitelisting).  The topics of a realm are in the order of their octets, so
 * that those of a prefix stand together.
 */
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "keep.h"
#include "log.h"
#include "pbuf.h"
#include "pubsub.h"

#define RETAIN_LIMITED	16	/* events of a topic that some may have */
#define RETAIN_SEND	1000	/* events for one SUBSCRIBE */
#define RETAIN_LOOK	100000	/* topics looked at for one */
#define TIDY_NOW	4096	/* topics dropped at once */

struct rtopic {
	RB_ENTRY(rtopic)	 entry;
	TAILQ_ENTRY(rtopic)	 age;
	struct kept		*general;	/* or NULL */
	struct kept		**limited;	/* RETAIN_LIMITED, or NULL;
						 * the oldest first */
	unsigned int		 nlimited;
	struct uri		 topic;
	char			 text[];
};
RB_HEAD(rtopics, rtopic);

struct retain {
	struct rtopics		 topics;
	TAILQ_HEAD(, rtopic)	 byage;		/* of the last event */
	struct rtopic		*unchecked;	/* this one and later ones:
						 * do their events stay? */
	const struct realm	*realm;		/* unless it is gone */
	struct conf_retain	 conf;		/* the bounds in force */
	uint64_t		 used;
	uint32_t		 ntopics;
	uint64_t		 nrefused;
	TAILQ_ENTRY(retain)	 entry;		/* if it is untidy */
	uint8_t			 is_untidy, is_gone;
};

/*
 * A reload may make a million topics superfluous, which go a slice at a
 * time; these have some.
 */
static TAILQ_HEAD(, retain)	untidy = TAILQ_HEAD_INITIALIZER(untidy);
static struct log_limit		refused =
	LOG_LIMIT_WARN("not retained");

static int
rtopic_cmp(const struct rtopic *a, const struct rtopic *b)
{
	uint16_t	len = a->topic.len < b->topic.len ? a->topic.len :
			    b->topic.len;
	int		c = memcmp(a->topic.p, b->topic.p, len);

	return (c != 0 ? c : (int)a->topic.len - (int)b->topic.len);
}

/* RB_GENERATE_STATIC() needs a __unused that Linux has not. */
RB_GENERATE_INTERNAL(rtopics, rtopic, entry, rtopic_cmp,
    __attribute__((__unused__)) static)

/* -- topics ------------------------------------------------------------- */

static size_t
rtopic_size(const struct rtopic *t)
{
	return (sizeof(*t) + t->topic.len + (t->limited == NULL ? 0 :
	    RETAIN_LIMITED * sizeof(struct kept *)));
}

static struct rtopic *
rtopic_find(struct retain *r, const struct uri *topic)
{
	struct rtopic	key = { .topic = *topic };

	return (RB_FIND(rtopics, &r->topics, &key));
}

static int
has_room(const struct retain *r, size_t len)
{
	return (r->used <= r->conf.memory &&
	    len <= r->conf.memory - r->used);
}

/* NULL, with why, if there is no room. */
static struct rtopic *
rtopic_new(struct retain *r, const struct uri *topic, const char **why)
{
	struct rtopic	*t;

	*why = "too many topics";
	if (r->ntopics >= r->conf.topics)
		return (NULL);
	*why = "no memory for another topic";
	if (!has_room(r, sizeof(*t) + topic->len) ||
	    (t = calloc(1, sizeof(*t) + topic->len)) == NULL)
		return (NULL);
	memcpy(t->text, topic->p, topic->len);
	t->topic.p = t->text;
	t->topic.len = topic->len;
	r->used += rtopic_size(t);
	r->ntopics++;
	RB_INSERT(rtopics, &r->topics, t);
	TAILQ_INSERT_TAIL(&r->byage, t, age);
	return (t);
}

static void
rtopic_drop(struct retain *r, struct kept *k)
{
	if (k == NULL)
		return;
	r->used -= kept_size(k);
	kept_unref(k);
}

static void
rtopic_drop_limited(struct retain *r, struct rtopic *t, unsigned int i)
{
	rtopic_drop(r, t->limited[i]);
	t->nlimited--;
	memmove(&t->limited[i], &t->limited[i + 1],
	    (t->nlimited - i) * sizeof(*t->limited));
}

/* All its events. */
static void
rtopic_clear(struct retain *r, struct rtopic *t)
{
	rtopic_drop(r, t->general);
	t->general = NULL;
	while (t->nlimited > 0)
		rtopic_drop_limited(r, t, t->nlimited - 1);
}

static void
rtopic_put(struct retain *r, struct rtopic *t)
{
	if (t->general != NULL || t->nlimited > 0)
		return;
	RB_REMOVE(rtopics, &r->topics, t);
	if (r->unchecked == t)
		r->unchecked = TAILQ_NEXT(t, age);
	TAILQ_REMOVE(&r->byage, t, age);
	r->ntopics--;
	r->used -= rtopic_size(t);
	free(t->limited);
	free(t);
}

/* -- what a realm retains ----------------------------------------------- */

static int
is_superfluous(const struct retain *r)
{
	return (r->ntopics > 0 && (r->is_gone ||
	    r->used > r->conf.memory || r->ntopics > r->conf.topics));
}

int
retain_is_untidy(void)
{
	return (!TAILQ_EMPTY(&untidy));
}

/* By the rules in force. */
static void
rtopic_recheck(struct retain *r, struct rtopic *t)
{
	unsigned int	i;

	if (t->general != NULL && !kept_stays(t->general, r->realm)) {
		rtopic_drop(r, t->general);
		t->general = NULL;
	}
	for (i = t->nlimited; i > 0; i--)
		if (!kept_stays(t->limited[i - 1], r->realm))
			rtopic_drop_limited(r, t, i - 1);
	rtopic_put(r, t);
}

/* The oldest go, and those whose publisher lost the right. */
unsigned int
retain_work(unsigned int *steps)
{
	struct retain	*r;
	struct rtopic	*t;
	unsigned int	 before = *steps;

	while (*steps > 0 && (r = TAILQ_FIRST(&untidy)) != NULL) {
		if (is_superfluous(r)) {
			(*steps)--;
			t = TAILQ_FIRST(&r->byage);
			rtopic_clear(r, t);
			rtopic_put(r, t);
			continue;
		}
		if ((t = r->unchecked) != NULL) {
			(*steps)--;
			r->unchecked = TAILQ_NEXT(t, age);
			rtopic_recheck(r, t);
			continue;
		}
		TAILQ_REMOVE(&untidy, r, entry);
		r->is_untidy = 0;
		if (r->is_gone)
			free(r);
	}
	return (before - *steps);
}

/* What is little is done at once. */
static void
retain_untidy(struct retain *r)
{
	unsigned int	steps = TIDY_NOW;

	if (!r->is_untidy)
		TAILQ_INSERT_TAIL(&untidy, r, entry);
	r->is_untidy = 1;
	retain_work(&steps);
	if (retain_is_untidy())
		sweep_wake();
}

void
retain_load(struct realm *realm)
{
	struct retain	*r = realm->retain;

	if (realm->conf->retain.is_off) {
		retain_free(realm);
		return;
	}
	if (r == NULL) {
		if ((r = calloc(1, sizeof(*r))) == NULL)
			fatal("retain");
		RB_INIT(&r->topics);
		TAILQ_INIT(&r->byage);
		realm->retain = r;
	}
	r->conf = realm->conf->retain;
	r->realm = realm;
	r->unchecked = TAILQ_FIRST(&r->byage);
	retain_untidy(r);
}

void
retain_free(struct realm *realm)
{
	struct retain	*r = realm->retain;

	if (r == NULL)
		return;
	realm->retain = NULL;
	r->is_gone = 1;
	retain_untidy(r);
}

/* -- PUBLISH ------------------------------------------------------------ */

static int
has_same_lists(const struct kept *a, const struct kept *b)
{
	return (a->filterlen == b->filterlen && memcmp(kept_filter(a),
	    kept_filter(b), a->filterlen) == 0);
}

/* Beside the others; too many: the oldest one goes.  -1: no room. */
static int
retain_limited(struct retain *r, struct rtopic *t, struct kept *k)
{
	size_t		len = RETAIN_LIMITED * sizeof(*t->limited);
	unsigned int	i;

	if (t->limited == NULL) {
		if (!has_room(r, len) ||
		    (t->limited = calloc(1, len)) == NULL)
			return (-1);
		r->used += len;
	}
	/* who may have this one would never be sent that one any more */
	for (i = 0; i < t->nlimited; i++)
		if (has_same_lists(t->limited[i], k)) {
			rtopic_drop_limited(r, t, i);
			break;
		}
	if (t->nlimited == RETAIN_LIMITED)
		rtopic_drop_limited(r, t, 0);
	if (!has_room(r, kept_size(k)))
		return (-1);
	t->limited[t->nlimited++] = kept_ref(k);
	return (0);
}

/*
 * What was retained before a general event is no longer the most recent one
 * for anybody, and goes even if there is no room for the new one: better
 * none than one that is no longer true.
 */
static int
retain_general(struct retain *r, struct rtopic *t, struct kept *k)
{
	rtopic_clear(r, t);
	if (!has_room(r, kept_size(k)))
		return (-1);
	t->general = kept_ref(k);
	return (0);
}

static int
retain_try(struct retain *r, const struct publication *p,
    struct kept *k, const char **why)
{
	struct rtopic	*t, *next;
	int		 rv;

	if ((t = rtopic_find(r, p->topic)) == NULL &&
	    (t = rtopic_new(r, p->topic, why)) == NULL)
		return (-1);
	*why = "no memory for another event";
	rv = k->filterlen > 0 ? retain_limited(r, t, k) :
	    retain_general(r, t, k);
	if (rv == 0) {
		r->used += kept_size(k);
		next = TAILQ_NEXT(t, age);
		TAILQ_REMOVE(&r->byage, t, age);
		TAILQ_INSERT_TAIL(&r->byage, t, age);
		if (r->unchecked == t && next != NULL)
			r->unchecked = next;
	}
	rtopic_put(r, t);
	return (rv);
}

/* Too long, or no memory for a copy: see retain_general(). */
static void
retain_none(struct retain *r, const struct publication *p)
{
	struct rtopic	*t;

	if (p->filter != NULL || (t = rtopic_find(r, p->topic)) == NULL)
		return;
	rtopic_clear(r, t);
	rtopic_put(r, t);
}

void
retain_event(struct publication *p)
{
	struct retain	*r = p->realm->retain;
	struct kept	*k;
	const char	*why = "it is too long";
	size_t		 len = (size_t)p->body.len + p->body.pptlen;

	if (r == NULL || uri_is_reserved(p->topic))
		return;
	if (p->filter != NULL)
		len += p->filter->len;
	if (len > r->conf.message || (k = publication_kept(p)) == NULL)
		retain_none(r, p);
	else if (retain_try(r, p, k, &why) == 0)
		return;
	r->nrefused++;
	if (log_may(&refused, 1))
		log_warnx("realm %s: an event was not retained: %s; %llu so "
		    "far", p->realm->name, why, (unsigned long long)r->nrefused);
}

/* -- SUBSCRIBE ---------------------------------------------------------- */

/* The most recent ones: a heap with the oldest on top. */
struct found {
	const struct session	*session;
	unsigned int		 n;
	struct kept		*heap[RETAIN_SEND];
};

static void
found_swap(struct found *f, unsigned int a, unsigned int b)
{
	struct kept	*k = f->heap[a];

	f->heap[a] = f->heap[b];
	f->heap[b] = k;
}

/* Down from the top. */
static void
found_sift(struct found *f, unsigned int n)
{
	unsigned int	i = 0, next;

	while ((next = 2 * i + 1) < n) {
		if (next + 1 < n &&
		    f->heap[next + 1]->seq < f->heap[next]->seq)
			next++;
		if (f->heap[i]->seq <= f->heap[next]->seq)
			break;
		found_swap(f, i, next);
		i = next;
	}
}

static void
found_add(struct found *f, struct kept *k)
{
	unsigned int	i;

	if (f->n == RETAIN_SEND) {
		if (k->seq < f->heap[0]->seq)
			return;
		f->heap[0] = k;
		found_sift(f, f->n);
		return;
	}
	f->heap[i = f->n++] = k;
	for (; i > 0 && f->heap[(i - 1) / 2]->seq > k->seq; i = (i - 1) / 2)
		found_swap(f, i, (i - 1) / 2);
}

/* The most recent one first. */
static void
found_sort(struct found *f)
{
	unsigned int	n;

	for (n = f->n; n > 1;) {
		found_swap(f, 0, --n);
		found_sift(f, n);
	}
}

static int
is_for(struct kept *k, const struct session *s)
{
	return (k->except != s->serial && kept_stays(k, s->realm) &&
	    kept_allows(k, s));
}

/* The most recent one of a topic that the session may have. */
static void
find_in(struct found *f, const struct rtopic *t)
{
	unsigned int	i;

	/* what has lists came after what has none */
	for (i = t->nlimited; i > 0; i--)
		if (is_for(t->limited[i - 1], f->session)) {
			found_add(f, t->limited[i - 1]);
			return;
		}
	if (t->general != NULL && is_for(t->general, f->session))
		found_add(f, t->general);
}

/* What all topics that match a pattern begin with. */
static void
pattern_head(const struct subscription *sub, struct uri *head)
{
	size_t	i, end;

	*head = sub->topic;
	if (sub->match == MATCH_PREFIX)
		return;
	for (i = 0; (end = uri_component_end(head, i)) > i; i = end + 1)
		if (end == head->len)
			return;
	head->len = (uint16_t)i;
}

static void
find_pattern(struct retain *r, struct found *f,
    const struct subscription *sub)
{
	struct rtopic	 key, *t;
	unsigned int	 n = 0;

	memset(&key, 0, sizeof(key));
	pattern_head(sub, &key.topic);
	for (t = RB_NFIND(rtopics, &r->topics, &key);
	    t != NULL && n < RETAIN_LOOK;
	    t = RB_NEXT(rtopics, &r->topics, t), n++) {
		if (!uri_matches(&key.topic, MATCH_PREFIX, &t->topic))
			break;
		if (uri_matches(&sub->topic, (enum uri_match)sub->match,
		    &t->topic))
			find_in(f, t);
	}
}

/*
 * Oldest first, so that the most recent one is the last heard of.  All of
 * them wait for one session at once, and are not to make it a slow one.
 */
static void
found_send(struct found *f, const struct sublink *l)
{
	struct publication	 p;
	struct uri		 topic;
	size_t			 left, len;
	unsigned int		 n;

	found_sort(f);
	left = conf_soft_queue(&broker.conf->limits);
	for (n = 0; n < f->n; n++) {
		len = kept_size(f->heap[n]);
		if (n > 0 && len > left)
			break;
		left -= len < left ? len : left;
	}
	while (n > 0) {
		kept_publication(f->heap[--n], l->sub->realm, &topic, &p);
		p.flags |= EVENT_RETAINED;
		pubsub_send(&p, l);
		pbuf_unref(p.pb);
	}
}

void
retain_send(const struct sublink *l)
{
	static struct found	 f;
	struct retain		*r = l->sub->realm->retain;
	struct rtopic		*t;

	if (r == NULL)
		return;
	f.session = l->session;
	f.n = 0;
	if (l->sub->match != MATCH_EXACT)
		find_pattern(r, &f, l->sub);
	else if ((t = rtopic_find(r, &l->sub->topic)) != NULL)
		find_in(&f, t);
	found_send(&f, l);
}
