/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * EVENTs: one comes once for all sessions of this process that hold the
 * subscription, or for those of them that it names, and is spread here.
 */
#include <string.h>

#include "chan.h"
#include "pbuf.h"
#include "tlsproxy.h"
#include "wamp_out.h"

#define VARIANTS	4		/* by two features; 0: announced neither */

static const char no_passthru[] =
    "it did not announce payload passthru mode";

/* What is the same for sessions that see the same Details: built once per
 * serializer, framed once per serializer and transport. */
struct variant {
	uint8_t		 failed[SER_MAX];
	uint8_t		 taillen[SER_MAX];
	size_t		 msglen[SER_MAX];
	struct pbuf	*frame[SER_MAX][2];
	uint8_t		 shares[SER_MAX][2];	/* the payload as it came, which
						 * then is not in the frame */
};

/* One EVENT on its way to many. */
struct fanout {
	struct m_event	 m;
	const uint8_t	*refs;
	struct head	 h;
	struct payload	 pl;
	struct origin	 o;
	uint32_t	 needs;		/* FEAT_*, to receive it at all */
	uint32_t	 asks;		/* FEAT_* that make a difference */
	unsigned int	 nvariants;	/* one if none does; none if there is
					 * one receiver */
	uint8_t		 is_alone;
	struct variant	 v[VARIANTS];
};

static void
event_details(struct details *d, const struct fanout *f, uint32_t features)
{
	struct origin	o = f->o;

	d->n = 0;
	if ((features & FEAT_SUBSCRIBER_PUBLISHER) == 0)
		o.session = o.authid.len = o.role.len = 0;
	if ((features & FEAT_SUBSCRIBER_TRUST) == 0)
		o.has_trust = 0;
	details_origin(d, &o, origin_event_keys);
	if (f->m.flags & EVENT_RETAINED)
		details_true(d, "retained");
}

static enum codec_err
event_build(struct fanout *f, uint32_t features, int ser, struct message *m)
{
	struct details	 d;
	enum codec_err	 err;

	event_details(&d, f, features);
	f->h.details = &d;
	err = out_build(ser, &f->h, &f->pl, m);
	f->h.details = NULL;
	return (err);
}

static struct variant *
fanout_variant(struct fanout *f, uint32_t features)
{
	return (&f->v[((features & FEAT_SUBSCRIBER_PUBLISHER) != 0) +
	    2 * ((features & FEAT_SUBSCRIBER_TRUST) != 0)]);
}

static struct pbuf *
fanout_frame(struct fanout *f, uint32_t features, int ser, int is_ws)
{
	struct variant	*v = fanout_variant(f, features);
	struct message	 m;

	if (v->failed[ser] || v->frame[ser][is_ws] != NULL)
		return (v->frame[ser][is_ws]);
	if (event_build(f, features, ser, &m) != CODEC_OK ||
	    (v->frame[ser][is_ws] = transport_frame(is_ws, ser, m.iov,
	    MESSAGE_PARTS, m.pb)) == NULL)
		v->failed[ser] = 1;
	v->shares[ser][is_ws] = m.pb != NULL;
	v->msglen[ser] = m.len;
	v->taillen[ser] = (uint8_t)m.iov[2].iov_len;
	return (v->frame[ser][is_ws]);
}

/* A payload that is not in the frame belongs before its tail. */
static void
event_queue(const struct fanout *f, const struct variant *v, struct conn *c,
    struct pbuf *frame)
{
	const struct payload	*pl = &f->pl;
	size_t			 taillen = v->taillen[c->ser];
	size_t			 at = frame->len - taillen;

	if (!v->shares[c->ser][c->is_ws]) {
		conn_queue_pbuf(c, frame, 0, frame->len);
		return;
	}
	conn_queue(c, frame->data, at);
	conn_queue_pbuf(c, pl->pb, (size_t)(pl->p - pl->pb->data), pl->len);
	conn_queue(c, frame->data + at, taillen);
}

void
out_event_dropped(struct psess *s, const char *why)
{
	struct proxy	*p = proxy;

	s->alldropped++;
	p->dropped++;
	if (log_may(&p->log_drop, 2))
		log_session("event dropped for session %llu: %s",
		    (unsigned long long)s->id, why);
}

/* To the only one: there is no frame to be shared. */
static void
event_alone(struct fanout *f, struct psess *s, uint32_t features)
{
	struct conn	*c = s->conn;
	struct message	 m;

	if (event_build(f, features, c->ser, &m) != CODEC_OK)
		out_event_dropped(s, out_not_convertible);
	else if (transport_send(c, m.iov, MESSAGE_PARTS, m.pb) == -1)
		out_event_dropped(s, out_too_long);
	else
		c->p->counts.out[WAMP_EVENT]++;
}

static void
event_to(struct fanout *f, struct psess *s)
{
	struct conn	*c = s->conn;
	struct pbuf	*pb;
	uint32_t	 features = s->features & f->asks;
	struct variant	*v = fanout_variant(f, features);

	if (c == NULL || !conn_is_open(c) || !session_may_event(s))
		return;
	if ((s->features & f->needs) != f->needs)
		out_event_dropped(s, no_passthru);
	else if (f->is_alone)
		event_alone(f, s, features);
	else if ((pb = fanout_frame(f, features, c->ser, c->is_ws)) == NULL)
		out_event_dropped(s, out_not_convertible);
	else if (v->msglen[c->ser] > c->peermax)
		out_event_dropped(s, out_too_long);
	else {
		event_queue(f, v, c, pb);
		c->p->counts.out[WAMP_EVENT]++;
	}
}

/* Mark the sessions that this EVENT names: 0, or -1: nonsense. */
static int
name_sessions(struct broker *b, const struct fanout *f)
{
	struct m_sessref	r;
	struct psess		*s;
	uint32_t		i;
	int			nonsense;

	b->p->nnamed++;
	for (i = 0; i < f->m.nrefs; i++) {
		memcpy(&r, f->refs + i * sizeof(r), sizeof(r));
		s = session_at(b, r.slot, r.gen, &nonsense);
		if (nonsense)
			return (-1);
		if (s != NULL)
			s->named = b->p->nnamed;
	}
	return (0);
}

static void
event_to_named(struct broker *b, struct fanout *f)
{
	struct m_sessref	r;
	struct psess		*s;
	uint32_t		i;
	int			nonsense;

	for (i = 0; i < f->m.nrefs; i++) {
		memcpy(&r, f->refs + i * sizeof(r), sizeof(r));
		s = session_at(b, r.slot, r.gen, &nonsense);
		if (s == NULL || s->named != b->p->nnamed ||
		    !submap_has(s, f->m.subscription))
			continue;
		s->named = 0;		/* also if it is named twice */
		event_to(f, s);
	}
}

static void
event_to_others(struct broker *b, struct fanout *f, struct submap *sub)
{
	struct sublink	*l, *next;
	uint64_t	 named = f->m.nrefs > 0 ? b->p->nnamed : UINT64_MAX;

	for (l = TAILQ_FIRST(&sub->links); l != NULL; l = next) {
		next = TAILQ_NEXT(l, sub_entry);
		if (l->sess->named != named)
			event_to(f, l->sess);
	}
}

static void
fanout_init(struct fanout *f, const struct submap *sub)
{
	f->needs = f->pl.has_ppt ? FEAT_SUBSCRIBER_PPT : 0;
	f->asks = (f->o.session != 0 ? FEAT_SUBSCRIBER_PUBLISHER : 0) |
	    (f->o.has_trust ? FEAT_SUBSCRIBER_TRUST : 0);
	f->is_alone = f->m.flags & EVENT_ONLY ? f->m.nrefs == 1 :
	    TAILQ_FIRST(&sub->links) == TAILQ_LAST(&sub->links, sublinks);
	f->nvariants = f->is_alone ? 0 : f->asks != 0 ? VARIANTS : 1;
	memset(f->v, 0, f->nvariants * sizeof(f->v[0]));
	memset(&f->h, 0, sizeof(f->h));
	f->h.code = WAMP_EVENT;
	f->h.n = 2;
	f->h.ids[0] = f->m.subscription;
	f->h.ids[1] = f->m.publication;
}

static void
fanout_free(struct fanout *f)
{
	size_t	i, j;

	for (i = 0; i < f->nvariants; i++)
		for (j = 0; j < SER_MAX; j++) {
			pbuf_unref(f->v[i].frame[j][0]);
			pbuf_unref(f->v[i].frame[j][1]);
		}
}

int
out_on_event(struct chan *ch, struct imsg *im)
{
	struct broker	*b = chan_arg(ch);
	struct fanout	 f;
	struct submap	*sub;

	if (out_parse_event(im, &f.m, &f.refs, &f.o, &f.pl) == -1)
		return (-1);
	/* the last session may have left while it was under way */
	if ((sub = submap_find(b, f.m.subscription)) == NULL)
		return (0);
	if (f.m.nrefs > 0 && name_sessions(b, &f) == -1)
		return (-1);
	fanout_init(&f, sub);
	b->p->is_to_many = !f.is_alone && talks_are_fair(b);
	if (f.m.flags & EVENT_ONLY)
		event_to_named(b, &f);
	else
		event_to_others(b, &f, sub);
	b->p->is_to_many = 0;
	fanout_free(&f);
	return (0);
}
