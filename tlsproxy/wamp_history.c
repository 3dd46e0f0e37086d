/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The RESULT of wamp.subscription.get_events (WAMP, Event History): each
 * event comes in the serializer of its publisher, and goes out in the
 * client's.
 */
#include <string.h>

#include "chan.h"
#include "isotime.h"
#include "tlsproxy.h"
#include "wamp_out.h"

#define AROUND	64		/* octets of RESULT but for the events */

/* The events that were taken, in the client's serializer. */
struct taken {
	struct psess	*s;
	struct wbuf	 w;
	size_t		 max;	/* octets */
	uint32_t	 n;
	uint8_t		 is_full;
	uint8_t		 failed;	/* no memory */
};

static enum codec_err
enc_event(struct enc *e, const struct m_history_event *m,
    const struct origin *o, const struct payload *pl)
{
	struct details	 d = { .n = 0 };
	struct val	 v[2];
	char		 when[ISOTIME_LEN + 1];
	enum codec_err	 err = payload_values(pl, v);

	if (err != CODEC_OK)
		return (err);
	isotime(when, m->time);
	enc_map(e, 4U + pl->nargs);
	ENC_KEY(e, "timestamp");
	enc_str(e, when, ISOTIME_LEN);
	ENC_KEY(e, "subscription");
	enc_uint(e, m->subscription);
	ENC_KEY(e, "publication");
	enc_uint(e, m->publication);
	ENC_KEY(e, "details");
	details_origin(&d, o, origin_event_keys);
	out_details(e, &d, pl);
	if (pl->nargs > 0) {
		ENC_KEY(e, "args");
		err = out_value(e, &v[0]);
	}
	if (pl->nargs > 1 && err == CODEC_OK) {
		ENC_KEY(e, "kwargs");
		err = out_value(e, &v[1]);
	}
	enc_end(e);
	return (err);
}

/* One more, unless it does not fit any more, or never would. */
static void
take_event(struct taken *t, const struct m_history_event *m,
    const struct origin *o, const struct payload *pl)
{
	int		 ser = t->s->conn->ser;
	size_t		 before = t->w.len, len;
	struct enc	 e;
	enum codec_err	 err;

	if (ser == SER_JSON && t->n > 0)
		wbuf_add(&t->w, ",", 1);
	enc_init(&e, (enum ser)ser, &t->w);
	err = enc_event(&e, m, o, pl);
	if (err == CODEC_ENOMEM || t->w.failed) {
		t->failed = 1;
		return;
	}
	len = t->w.len - before;
	if (err == CODEC_OK && len <= t->max && t->w.len <= t->max) {
		t->n++;
		return;
	}
	t->w.len = before;
	if (err == CODEC_OK && len <= t->max)
		t->is_full = 1;
	else
		out_event_dropped(t->s, err == CODEC_OK ? out_too_long :
		    out_not_convertible);
}

static void
send_events(struct taken *t, uint64_t request, int more)
{
	struct conn	*c = t->s->conn;
	struct enc	 e;
	struct wbuf	*w = out_begin(&e, c->ser);

	enc_array(&e, more ? 5 : 4);
	enc_uint(&e, WAMP_RESULT);
	enc_uint(&e, request);
	enc_map(&e, 0);
	enc_end(&e);
	enc_array(&e, t->n);
	if (t->n > 0)
		enc_raw(&e, t->w.buf, t->w.len);
	enc_end(&e);
	if (more) {
		enc_map(&e, 1);
		ENC_KEY(&e, "more");
		enc_bool(&e, 1);
		enc_end(&e);
	}
	enc_end(&e);
	out_send(c, WAMP_RESULT, w);
}

int
out_on_history(struct chan *ch, struct imsg *im)
{
	struct m_history	 m;
	struct m_history_event	 ev;
	struct origin		 o;
	struct payload		 pl;
	struct unread		 r;
	struct taken		 t;
	uint32_t		 i;

	memset(&t, 0, sizeof(t));
	if (out_parse_history(im, &m, &r) == -1 ||
	    out_target(ch, im, &t.s) == -1)
		return (-1);
	if (t.s == NULL)
		return (0);
	/* no longer than what clients may send themselves */
	t.max = proxy->conf->limits.message;
	if (t.max > t.s->conn->peermax)
		t.max = t.s->conn->peermax;
	t.max = t.max > AROUND ? t.max - AROUND : 0;
	for (i = 0; i < m.n; i++) {
		if (out_parse_history_event(&r, &ev, &o, &pl) == -1)
			goto nonsense;
		if (!t.failed && !t.is_full)
			take_event(&t, &ev, &o, &pl);
	}
	if (r.left > 0)
		goto nonsense;
	if (t.failed)
		conn_kill(t.s->conn, "out of memory");
	else
		send_events(&t, m.request, t.is_full ||
		    (m.flags & HISTORY_MORE) != 0);
	wbuf_free(&t.w);
	return (0);
nonsense:
	wbuf_free(&t.w);
	return (-1);
}
