/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * SUBSCRIBE, UNSUBSCRIBE and PUBLISH.  An event is sent once to each
 * tlsproxy that has a receiver; which of its sessions those are it knows
 * itself, from SUBSCRIBED, UNSUBSCRIBED and SESSION_END on the same channel.
 */
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "chan.h"
#include "conf.h"
#include "dynamic.h"
#include "log.h"
#include "obuf.h"
#include "pbuf.h"

#define IDS_BATCH	64

static uint64_t		ids[IDS_BATCH];
static unsigned int	nids;
static struct log_limit	refused;

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

static void
subscribed(struct session *s, uint64_t request, uint64_t id)
{
	struct m_subscribed	m = { request, id };

	session_send(s, IMSG_SUBSCRIBED, &m, sizeof(m));
}

int
pubsub_subscribe(struct chan *c, struct imsg *im)
{
	struct m_subscribe	 m;
	struct uri		 topic;
	struct session		*s;
	struct subscription	*sub;
	enum wamp_err		 err;
	const char		*why;

	if (parse_subscribe(im, &m, &topic) == -1 ||
	    session_find(chan_arg(c), im, &s) == -1)
		return (-1);
	if (s == NULL)
		return (0);
	if (m.match != MATCH_EXACT) {
		session_refuse(s, WAMP_SUBSCRIBE, m.request,
		    WERR_INVALID_ARGUMENT, "only exact matching is offered");
		return (0);
	}
	err = session_may(s, ACTION_SUBSCRIBE, &topic, &why);
	if (err == WERR_WAIT)
		return (authorizer_hold(s, im));
	if (err != WERR_NONE) {
		session_refuse(s, WAMP_SUBSCRIBE, m.request, err, why);
		return (0);
	}
	/* WAMP, SUBSCRIBED: again to the same topic is the same id */
	sub = sub_find(s->realm, MATCH_EXACT, &topic);
	if (sub != NULL && sublink_find(s, sub->id) != NULL) {
		subscribed(s, m.request, sub->id);
		return (0);
	}
	if (s->nlinks >= broker.conf->limits.subscriptions) {
		session_refuse(s, WAMP_SUBSCRIBE, m.request, WERR_LIMIT,
		    "too many subscriptions of this session");
		return (0);
	}
	if ((sub = sub_get(s->realm, MATCH_EXACT, &topic)) == NULL ||
	    sublink_add(s, sub) == NULL) {
		session_refuse(s, WAMP_SUBSCRIBE, m.request, WERR_LIMIT,
		    "the router has no room for another subscription");
		return (0);
	}
	/* WAMP, Ordering Guarantees: before any EVENT */
	subscribed(s, m.request, sub->id);
	return (0);
}

static void
unsubscribed(struct session *s, uint64_t request, uint64_t id)
{
	struct m_unsubscribed	m = { request, id };

	session_send(s, IMSG_UNSUBSCRIBED, &m, sizeof(m));
}

int
pubsub_unsubscribe(struct chan *c, struct imsg *im)
{
	struct m_unsubscribe	 m;
	struct session		*s;
	struct sublink		*l;

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
	sublink_free(l);
	unsubscribed(s, m.request, m.subscription);
	return (0);
}

void
pubsub_recheck(struct session *s)
{
	struct sublink	*l, *next;
	uint64_t	 id;

	for (l = LIST_FIRST(&s->links); l != NULL; l = next) {
		next = LIST_NEXT(l, session_entry);
		/* what an authorizer allowed once it is not asked again */
		if (authz_check(s, ACTION_SUBSCRIBE, &l->sub->topic) !=
		    AUTHZ_DENY)
			continue;
		id = l->sub->id;
		session_log_revoked(s, "subscription", &l->sub->topic);
		sublink_free(l);
		unsubscribed(s, 0, id);		/* revoked */
	}
}

unsigned int
pubsub_leave(struct session *s)
{
	struct sublink	*l;
	unsigned int	 n;

	for (n = 0; (l = LIST_FIRST(&s->links)) != NULL; n++)
		sublink_free(l);
	return (n);
}

/* -- PUBLISH ------------------------------------------------------------ */

struct publication {
	struct session	*publisher;
	uint64_t	 id;
	uint32_t	 flags;		/* PUBLISH_* */
	struct body	 body;
	struct pbuf	*pb;		/* body, once it is shared */
	int		 is_lost;	/* no memory to share it */
};

/*
 * A large body is copied once and then shared by all channels that it goes
 * to.  0, or -1: no memory.
 */
static int
publication_share(struct publication *p)
{
	if (p->pb != NULL || p->body.len < OBUF_COPY)
		return (0);
	if (p->is_lost || memory_need(p->body.len) == -1 ||
	    (p->pb = pbuf_new(p->body.len)) == NULL) {
		p->is_lost = 1;
		return (-1);
	}
	memcpy(p->pb->data, p->body.p, p->body.len);
	p->pb->len = p->body.len;
	return (0);
}

static void
event_send(struct publication *p, const struct subpeer *sp, uint64_t sub,
    int excludes)
{
	struct m_event		m;
	struct m_sessref	ref;
	struct iovec		iov[3];
	int			n = 0;

	memset(&m, 0, sizeof(m));
	m.subscription = sub;
	m.publication = p->id;
	m.nrefs = excludes ? 1 : 0;
	m.paylen = p->body.len;
	m.ser = p->body.ser;
	m.nargs = p->body.nargs;
	iov_set(&iov[n++], &m, sizeof(m));
	if (excludes) {
		ref.slot = p->publisher->slot;
		ref.gen = p->publisher->gen;
		iov_set(&iov[n++], &ref, sizeof(ref));
	}
	if (p->pb == NULL)
		iov_set(&iov[n++], p->body.p, p->body.len);
	peer_send_event(sp->peer, iov, n, p->pb);
}

/* To one subscription: one EVENT to each tlsproxy with a receiver. */
static void
publish_to(struct subscription *sub, void *arg)
{
	struct publication	*p = arg;
	struct subpeer		*sp;
	const struct sublink	*own = NULL;
	int			 excludes;

	if ((p->flags & PUBLISH_INCLUDE_ME) == 0)
		own = sublink_find(p->publisher, sub->id);
	LIST_FOREACH(sp, &sub->peers, entry) {
		excludes = own != NULL && own->subpeer == sp;
		if (excludes && sp->count == 1)
			continue;
		if (publication_share(p) == -1)
			sp->peer->ndropped++;
		else
			event_send(p, sp, sub->id, excludes);
	}
}

/* Why a session may not publish there, or WERR_NONE. */
static enum wamp_err
publish_may(struct session *s, const struct uri *topic,
    const char **why)
{
	if (uri_is_reserved(topic)) {
		*why = "topics below wamp. are the router's";
		return (WERR_INVALID_URI);
	}
	return (session_may(s, ACTION_PUBLISH, topic, why));
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
	if (err != WERR_NONE) {
		publish_refuse(s, &m, err, why);
		return (0);
	}
	p.publisher = s;
	p.id = publication_id();
	p.flags = m.flags;
	if (m.flags & PUBLISH_ACK) {
		reply.request = m.request;
		reply.publication = p.id;
		session_send(s, IMSG_PUBLISHED, &reply, sizeof(reply));
	}
	sub_match(s->realm, &topic, publish_to, &p);
	pbuf_unref(p.pb);
	return (0);
}
