/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * EVENTs: one comes once for all sessions of this process that hold the
 * subscription, and is spread here.
 */
#include <string.h>

#include "chan.h"
#include "pbuf.h"
#include "tlsproxy.h"
#include "wamp_out.h"

/* One EVENT on its way to many: built once per serializer, framed once per
 * serializer and transport. */
struct fanout {
	struct head	 h;
	struct payload	 pl;
	uint8_t		 tried[SER_MAX];
	uint8_t		 failed[SER_MAX];
	size_t		 msglen[SER_MAX];
	struct pbuf	*frame[SER_MAX][2];
};

static struct pbuf *
fanout_frame(struct fanout *f, int ser, int is_ws)
{
	struct wbuf	*w = &proxy->msg;

	if (f->failed[ser])
		return (NULL);
	if (f->frame[ser][is_ws] != NULL)
		return (f->frame[ser][is_ws]);
	if (out_build(ser, &f->h, &f->pl) != CODEC_OK ||
	    (f->frame[ser][is_ws] = transport_frame(is_ws, ser, w->buf,
	    w->len)) == NULL) {
		f->failed[ser] = 1;
		return (NULL);
	}
	f->msglen[ser] = w->len;
	return (f->frame[ser][is_ws]);
}

static void
event_to(struct fanout *f, struct psess *s)
{
	struct conn	*c = s->conn;
	struct pbuf	*pb;

	if (!conn_is_open(c) || !session_may_event(s))
		return;
	if ((pb = fanout_frame(f, c->ser, c->is_ws)) == NULL ||
	    f->msglen[c->ser] > c->peermax) {
		c->p->dropped++;
		if (log_may(&c->p->log_drop, 2))
			log_session("event dropped for session %llu: %s",
			    (unsigned long long)s->id, pb == NULL ?
			    out_not_convertible : out_too_long);
		return;
	}
	conn_queue_pbuf(c, pb);
}

static int
is_excepted(const struct psess *s, const uint8_t *list, uint32_t n)
{
	struct m_sessref	r;
	uint32_t		i;

	for (i = 0; i < n; i++) {
		memcpy(&r, list + i * sizeof(r), sizeof(r));
		if (r.slot == s->slot && r.gen == s->gen)
			return (1);
	}
	return (0);
}

int
out_on_event(struct chan *ch, struct imsg *im)
{
	struct broker	*b = chan_arg(ch);
	struct m_event	 m;
	struct fanout	 f;
	struct submap	*sub;
	struct sublink	*l, *next;
	const uint8_t	*list = im->data + sizeof(m);
	size_t		 listlen, i;

	memcpy(&m, im->data, sizeof(m));
	listlen = (size_t)m.nrefs * sizeof(struct m_sessref);
	memset(&f, 0, sizeof(f));
	if (m.nrefs > EVENT_MAXREFS || listlen > im->len - sizeof(m) ||
	    m.paylen != im->len - sizeof(m) - listlen || im->slot != 0 ||
	    m.flags != 0 || m.topiclen != 0 || m.pptlen != 0 || !out_is_id(m.subscription) ||
	    !out_is_id(m.publication) || payload_set(&f.pl, list + listlen,
	    m.paylen, m.ser, m.nargs) == -1)
		return (-1);
	/* the last session may have left while it was under way */
	if ((sub = submap_find(b, m.subscription)) == NULL)
		return (0);
	f.h.code = WAMP_EVENT;
	f.h.n = 2;
	f.h.ids[0] = m.subscription;
	f.h.ids[1] = m.publication;
	for (l = TAILQ_FIRST(&sub->links); l != NULL; l = next) {
		next = TAILQ_NEXT(l, sub_entry);
		if (!is_excepted(l->sess, list, m.nrefs))
			event_to(&f, l->sess);
	}
	for (i = 0; i < SER_MAX; i++) {
		pbuf_unref(f.frame[i][0]);
		pbuf_unref(f.frame[i][1]);
	}
	return (0);
}
