/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * SUBSCRIBE, UNSUBSCRIBE and PUBLISH, and what the router itself publishes.
 * An event is sent once to each tlsproxy that has a receiver; which of its
 * sessions those are it knows itself, from SUBSCRIBED, UNSUBSCRIBED and
 * SESSION_END on the same channel, and from the exceptions that go along.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "conf.h"
#include "dynamic.h"
#include "keep.h"
#include "log.h"
#include "meta.h"
#include "obuf.h"
#include "pbuf.h"
#include "pubsub.h"

#define IDS_BATCH	64

static uint64_t		 ids[IDS_BATCH];
static unsigned int	 nids;
static struct log_limit	 refused =
	LOG_LIMIT_DEBUG("publication refused");

/* Of the publication in hand; there is one at a time. */
static struct filter	 lists;
static struct m_sessref	 receivers[EVENT_MAXREFS], others[EVENT_MAXREFS];
static const struct sublink	*named[FILTER_MAX + 1];

/* WAMP, IDs: publications are drawn from [1, 2^53], uniformly. */
static uint64_t
publication_id(void)
{
	if (nids == 0) {
		arc4random_buf(ids, sizeof(ids));
		nids = IDS_BATCH;
	}
	return ((ids[--nids] & (WAMP_ID_MAX - 1)) + 1);
}

/* -- SUBSCRIBE ---------------------------------------------------------- */

/* WAMP, Ordering Guarantees: before any EVENT, a retained one, too. */
static void
subscribed(struct session *s, const struct m_subscribe *m,
    const struct sublink *l)
{
	struct m_subscribed	reply = { m->request, l->sub->id };

	session_send(s, IMSG_SUBSCRIBED, &reply, sizeof(reply));
	if (m->flags & SUBSCRIBE_GET_RETAINED)
		retain_send(l);
}

int
pubsub_subscribe(struct chan *c, struct imsg *im)
{
	struct m_subscribe	 m;
	struct uri		 topic;
	struct session		*s;
	struct subscription	*sub;
	struct sublink		*l;
	enum uri_match		 match;
	enum wamp_err		 err;
	const char		*why;
	int			 is_first;

	if (parse_subscribe(im, &m, &topic) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	match = (enum uri_match)m.match;
	err = session_may(s, ACTION_SUBSCRIBE, match, &topic, &why);
	if (err == WERR_WAIT)
		return (authorizer_hold(s, im));
	if (err != WERR_NONE) {
		session_refuse(s, WAMP_SUBSCRIBE, m.request, err, why);
		return (0);
	}
	/* WAMP, SUBSCRIBED: again to the same topic is the same id */
	sub = sub_find(s->realm, match, &topic);
	if (sub != NULL && (l = sublink_find(s, sub->id)) != NULL) {
		subscribed(s, &m, l);
		return (0);
	}
	if (s->nlinks >= broker.conf->limits.subscriptions) {
		session_exceeds(s, LIMIT_SUBSCRIPTIONS);
		session_refuse(s, WAMP_SUBSCRIBE, m.request, WERR_LIMIT,
		    "too many subscriptions of this session");
		return (0);
	}
	is_first = sub == NULL;
	if ((sub = sub_get(s->realm, match, &topic)) == NULL ||
	    (l = sublink_add(s, sub)) == NULL) {
		session_refuse(s, WAMP_SUBSCRIBE, m.request, WERR_LIMIT,
		    "the router has no room for another subscription");
		return (0);
	}
	subscribed(s, &m, l);
	meta_subscribed(s, sub, is_first);
	return (0);
}

static void
unsubscribed(struct session *s, uint64_t request, uint64_t id,
    const char *why, size_t len)
{
	struct m_unsubscribed	m = { request, id };
	struct iovec		iov[2];

	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], why, len > REASON_MAXLEN ? REASON_MAXLEN : len);
	session_sendv(s, IMSG_UNSUBSCRIBED, iov, 2);
}

int
pubsub_unsubscribe(struct chan *c, struct imsg *im)
{
	struct m_unsubscribe	 m;
	struct session		*s;
	struct sublink		*l;
	int			 is_last;

	if (parse_unsubscribe(im, &m) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	/* somebody else's subscription is none of this session */
	if ((l = sublink_find(s, m.subscription)) == NULL) {
		session_refuse(s, WAMP_UNSUBSCRIBE, m.request,
		    WERR_NO_SUCH_SUBSCRIPTION, "no such subscription");
		return (0);
	}
	is_last = sublink_free(l);
	unsubscribed(s, m.request, m.subscription, "", 0);
	meta_unsubscribed(s, m.subscription, is_last);
	return (0);
}

void
pubsub_revoke(struct sublink *l, const char *why, size_t len)
{
	struct session	*s = l->session;
	uint64_t	 id = l->sub->id;
	int		 is_last;

	is_last = sublink_free(l);
	unsubscribed(s, 0, id, why, len);
	meta_unsubscribed(s, id, is_last);
}

void
pubsub_recheck(struct session *s)
{
	static const char	why[] = "wamp.error.not_authorized";
	struct sublink		*l, *next;

	for (l = LIST_FIRST(&s->links); l != NULL; l = next) {
		next = LIST_NEXT(l, session_entry);
		/* what an authorizer allowed once it is not asked again */
		if (authz_check(s, ACTION_SUBSCRIBE,
		    (enum uri_match)l->sub->match, &l->sub->topic) !=
		    AUTHZ_DENY)
			continue;
		session_log_revoked(s, "subscription", &l->sub->topic);
		pubsub_revoke(l, why, sizeof(why) - 1);
	}
}

void
pubsub_give_up(struct session *s)
{
	struct sublink	*l = LIST_FIRST(&s->links);
	uint64_t	 id = l->sub->id;

	meta_unsubscribed(s, id, sublink_free(l));
}

/* All of them before the first is reported: it gets no events any more. */
unsigned int
pubsub_leave(struct session *s)
{
	struct sublink	*l;
	uint64_t	 id;
	unsigned int	 n = 0;

	LIST_FOREACH(l, &s->links, session_entry)
		sublink_detach(l);
	for (; (l = LIST_FIRST(&s->links)) != NULL; n++) {
		id = l->sub->id;
		meta_unsubscribed(s, id, sublink_free(l));
	}
	return (n);
}

/* -- EVENT -------------------------------------------------------------- */

/*
 * A large body is shared by all channels that it goes to, copied once if it
 * is in no pbuf.  0, or -1: no memory.
 */
static int
publication_share(struct publication *p)
{
	struct body	*b = &p->body;

	if (p->pb != NULL || b->len < OBUF_COPY)
		return (0);
	if (p->is_lost)
		return (-1);
	p->is_lost = 1;
	if (b->pb != NULL) {
		if (memory_keep(b->pb) == -1)
			return (-1);
		p->pb = pbuf_ref(b->pb);
		p->off = (size_t)(b->p - b->pb->data);
	} else {
		if (memory_need(b->len) == -1 ||
		    (p->pb = pbuf_new(b->len)) == NULL)
			return (-1);
		memcpy(p->pb->data, b->p, b->len);
		p->pb->len = b->len;
	}
	p->is_lost = 0;
	return (0);
}

static void
event_send(struct publication *p, const struct subpeer *sp,
    const struct subscription *sub, uint32_t flags,
    const struct m_sessref *refs, size_t nrefs)
{
	struct m_event	m;
	struct iovec	iov[7];
	int		n = 0;

	if (publication_share(p) == -1) {
		peer_lose_event(sp->peer);
		return;
	}
	memset(&m, 0, sizeof(m));
	m.subscription = sub->id;
	m.publication = p->id;
	m.flags = p->flags | flags;
	m.nrefs = (uint32_t)nrefs;
	m.paylen = p->body.len;
	m.ser = p->body.ser;
	m.nargs = p->body.nargs;
	m.pptlen = p->body.pptlen;
	iov_set(&iov[n++], &m, sizeof(m));
	iov_set(&iov[n++], refs, nrefs * sizeof(*refs));
	/* WAMP, Pattern-based Subscription: the concrete topic */
	if (sub->match != MATCH_EXACT) {
		m.topiclen = p->topic->len;
		iov_set(&iov[n++], p->topic->p, m.topiclen);
	}
	if (m.flags & EVENT_PUBLISHER) {
		m.publisher = p->publisher;
		m.authidlen = p->authid.len;
		m.rolelen = p->authrole.len;
		iov_set(&iov[n++], p->authid.p, m.authidlen);
		iov_set(&iov[n++], p->authrole.p, m.rolelen);
	}
	if (m.flags & EVENT_TRUST)
		m.trust = p->trust;
	if (m.pptlen > 0)
		iov_set(&iov[n++], p->body.ppt, m.pptlen);
	if (p->pb == NULL)
		iov_set(&iov[n++], p->body.p, p->body.len);
	p->realm->counts->events++;
	peer_send_event(sp->peer, iov, n, p->pb, p->off, p->body.len);
}

static void
ref_set(struct m_sessref *ref, const struct session *s)
{
	ref->slot = s->slot;
	ref->gen = s->gen;
}

void
pubsub_send(struct publication *p, const struct sublink *l)
{
	struct m_sessref	ref;

	ref_set(&ref, l->session);
	event_send(p, l->subpeer, l->sub, EVENT_ONLY, &ref, 1);
}

/* To everybody but the publisher. */
static void
send_to_all(struct publication *p, const struct subscription *sub)
{
	const struct sublink	*own = NULL;
	const struct subpeer	*sp;
	struct m_sessref	 ref;

	if (p->except != NULL)
		own = sublink_find(p->except, sub->id);
	LIST_FOREACH(sp, &sub->peers, entry) {
		if (own == NULL || own->subpeer != sp) {
			event_send(p, sp, sub, 0, NULL, 0);
			continue;
		}
		if (sp->count == 1)
			continue;
		ref_set(&ref, p->except);
		event_send(p, sp, sub, 0, &ref, 1);
	}
}

/* -- to whom the lists let it ------------------------------------------- */

/* Subscribers that a list of ids names: in "named". */
static size_t
find_named(const struct filter *f, enum filter_list list, uint64_t sub)
{
	const struct session	*s;
	size_t			 i, n = 0;

	for (i = 0; i < f->n[list]; i++)
		if ((s = session_find_id(f->ids[list][i])) != NULL &&
		    (named[n] = sublink_find(s, sub)) != NULL)
			n++;
	return (n);
}

static int
is_receiver(const struct publication *p, const struct session *s)
{
	return (s != p->except && filter_allows(p->filter, s));
}

/* The eligible ones are few. */
static void
send_to_named(struct publication *p, const struct subscription *sub)
{
	const struct subpeer	*sp;
	size_t			 i, n, nnamed;

	nnamed = find_named(p->filter, FILTER_ELIGIBLE, sub->id);
	LIST_FOREACH(sp, &sub->peers, entry) {
		n = 0;
		for (i = 0; i < nnamed; i++)
			if (named[i]->subpeer == sp &&
			    is_receiver(p, named[i]->session))
				ref_set(&receivers[n++], named[i]->session);
		if (n > 0)
			event_send(p, sp, sub, EVENT_ONLY, receivers, n);
	}
}

/* The excluded ones are few, and excluded by their ids alone. */
static void
send_to_others(struct publication *p, const struct subscription *sub)
{
	const struct sublink	*own = NULL;
	const struct subpeer	*sp;
	size_t			 i, n, nnamed;

	if (p->except != NULL)
		own = sublink_find(p->except, sub->id);
	nnamed = find_named(p->filter, FILTER_EXCLUDE, sub->id);
	for (i = 0; i < nnamed && named[i] != own; i++)
		;
	if (own != NULL && i == nnamed)
		named[nnamed++] = own;
	LIST_FOREACH(sp, &sub->peers, entry) {
		n = 0;
		for (i = 0; i < nnamed; i++)
			if (named[i]->subpeer == sp)
				ref_set(&others[n++], named[i]->session);
		if (n < sp->count)
			event_send(p, sp, sub, 0, others, n);
	}
}

/* More than one EVENT can name, on either side. */
static void
send_in_chunks(struct publication *p, const struct subscription *sub,
    const struct subpeer *sp)
{
	const struct sublink	*l;
	size_t			 n = 0;

	LIST_FOREACH(l, &sp->links, subpeer_entry) {
		if (!is_receiver(p, l->session))
			continue;
		ref_set(&receivers[n++], l->session);
		if (n == EVENT_MAXREFS) {
			event_send(p, sp, sub, EVENT_ONLY, receivers, n);
			n = 0;
		}
	}
	if (n > 0)
		event_send(p, sp, sub, EVENT_ONLY, receivers, n);
}

/* Everybody is looked at; the shorter list goes along. */
static void
send_to_some(struct publication *p, const struct subscription *sub,
    const struct subpeer *sp)
{
	const struct sublink	*l;
	size_t			 nin = 0, nout = 0;

	LIST_FOREACH(l, &sp->links, subpeer_entry) {
		if (is_receiver(p, l->session)) {
			if (nin++ < EVENT_MAXREFS)
				ref_set(&receivers[nin - 1], l->session);
		} else if (nout++ < EVENT_MAXREFS)
			ref_set(&others[nout - 1], l->session);
	}
	if (nin == 0)
		return;
	if (nout <= nin && nout <= EVENT_MAXREFS)
		event_send(p, sp, sub, 0, others, nout);
	else if (nin <= EVENT_MAXREFS)
		event_send(p, sp, sub, EVENT_ONLY, receivers, nin);
	else
		send_in_chunks(p, sub, sp);
}

static void
send_filtered(struct publication *p, const struct subscription *sub)
{
	const struct filter	*f = p->filter;
	const struct subpeer	*sp;

	if ((f->present & 1 << FILTER_ELIGIBLE) != 0 &&
	    f->n[FILTER_ELIGIBLE] <= sub->count)
		send_to_named(p, sub);
	else if (f->present == 1 << FILTER_EXCLUDE &&
	    f->n[FILTER_EXCLUDE] <= sub->count)
		send_to_others(p, sub);
	else
		LIST_FOREACH(sp, &sub->peers, entry)
			send_to_some(p, sub, sp);
}

/* -- publications ------------------------------------------------------- */

static void
publish_to(struct subscription *sub, void *arg)
{
	struct publication	*p = arg;

	if (p->filter != NULL)
		send_filtered(p, sub);
	else
		send_to_all(p, sub);
	if (sub->history != NULL)
		history_add(sub->history, p);
}

static void
publish(struct publication *p)
{
	p->realm->counts->publications++;
	sub_match(p->realm, p->topic, publish_to, p);
	history_added(p);
	if (p->is_retained)
		retain_event(p);
	kept_unref(p->kept);
	pbuf_unref(p->pb);
}

int
pubsub_is_watched(const struct realm *r)
{
	return (r->nmeta > 0);
}

void
pubsub_meta(struct realm *r, const char *topic, const void *args, size_t len)
{
	struct publication	p;
	struct uri		u = { topic, (uint16_t)strlen(topic) };

	memset(&p, 0, sizeof(p));
	p.realm = r;
	p.topic = &u;
	p.id = publication_id();
	p.body.p = args;
	p.body.len = (uint32_t)len;
	p.body.ser = SER_MSGPACK;
	p.body.nargs = 1;
	publish(&p);
}

/* WAMP, Publisher Identification; or refused. */
static enum wamp_err
publication_disclose(struct publication *p, const struct session *s,
    int is_asked, const char **why)
{
	enum conf_disclose	mode = role_discloses(s, 0);

	if (is_asked && mode == DISCLOSE_NEVER) {
		*why = "publishers are not disclosed";
		return (WERR_OPTION_DISALLOWED_DISCLOSE_ME);
	}
	if (!is_asked && mode != DISCLOSE_ALWAYS)
		return (WERR_NONE);
	p->flags |= EVENT_PUBLISHER;
	p->publisher = s->id;
	p->authid = s->authid;
	p->authrole.p = s->role->name;
	p->authrole.len = (uint16_t)strlen(s->role->name);
	return (WERR_NONE);
}

/*
 * What its publisher and the options, PUBLISH_*, make of it.  Its body is
 * there already; the filter outlives it.
 */
static enum wamp_err
publication_init(struct publication *p, const struct session *s,
    uint32_t flags, const uint8_t *filter, size_t filterlen, const char **why)
{
	const struct conf_role	*conf = s->role->conf;
	enum wamp_err		 err;

	err = publication_disclose(p, s, (flags & PUBLISH_DISCLOSE_ME) != 0,
	    why);
	if (err != WERR_NONE)
		return (err);
	p->realm = s->realm;
	p->by = s;
	p->id = publication_id();
	if ((flags & PUBLISH_INCLUDE_ME) == 0)
		p->except = s;
	p->is_retained = (flags & PUBLISH_RETAIN) != 0;
	/* WAMP, Publication Trust Levels */
	if (conf != NULL && conf->has_trust) {
		p->flags |= EVENT_TRUST;
		p->trust = conf->trust;
	}
	if (filterlen > 0) {
		filter_load(&lists, filter, filterlen);
		p->filter = &lists;
	}
	return (WERR_NONE);
}

void
pubsub_testament(struct session *s, uint32_t flags, const struct uri *topic,
    const uint8_t *filter, size_t filterlen, const struct body *body)
{
	struct publication	 p;
	const char		*why;

	if (uri_is_reserved(topic) || authz_check(s, ACTION_PUBLISH,
	    MATCH_EXACT, topic) == AUTHZ_DENY)
		return;
	s->is_disclosed = 0;	/* was said of another publication */
	memset(&p, 0, sizeof(p));
	p.topic = topic;
	p.body = *body;
	if (publication_init(&p, s, flags & ~(uint32_t)PUBLISH_INCLUDE_ME,
	    filter, filterlen, &why) == WERR_NONE)
		publish(&p);
}

/* -- PUBLISH ------------------------------------------------------------ */

/* Why a session may not publish there, or WERR_NONE. */
static enum wamp_err
publish_may(struct session *s, const struct uri *topic,
    const char **why)
{
	if (uri_is_reserved(topic)) {
		*why = "topics below wamp. are the router's";
		return (WERR_INVALID_URI);
	}
	return (session_may(s, ACTION_PUBLISH, MATCH_EXACT, topic, why));
}

/* WAMP, PUBLISH: what is unacknowledged is never answered. */
static void
publish_refuse(struct session *s, const struct m_publish *m,
    enum wamp_err err, const char *why)
{
	if (m->flags & PUBLISH_ACK) {
		session_refuse(s, WAMP_PUBLISH, m->request, err, why);
		return;
	}
	broker.nrefused++;
	if (log_may(&refused, 1))
		log_debug("session %llu: publication refused: %s; %llu of all "
		    "so far", (unsigned long long)s->id, why,
		    (unsigned long long)broker.nrefused);
}

int
pubsub_publish(struct chan *c, struct imsg *im)
{
	struct m_publish	 m;
	struct m_published	 reply;
	struct publication	 p;
	struct session		*s;
	struct uri		 topic;
	const uint8_t		*filter;
	enum wamp_err		 err;
	const char		*why;

	memset(&p, 0, sizeof(p));
	if (parse_publish(im, &m, &topic, &filter, &p.body) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	err = publish_may(s, &topic, &why);
	if (err == WERR_WAIT)
		return (authorizer_hold(s, im));
	if (err == WERR_NONE)
		err = publication_init(&p, s, m.flags, filter, m.filterlen,
		    &why);
	if (err != WERR_NONE) {
		publish_refuse(s, &m, err, why);
		return (0);
	}
	p.topic = &topic;
	if (m.flags & PUBLISH_ACK) {
		reply.request = m.request;
		reply.publication = p.id;
		session_send(s, IMSG_PUBLISHED, &reply, sizeof(reply));
	}
	publish(&p);
	return (0);
}
