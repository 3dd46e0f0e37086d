/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Messages with a payload.  It is spliced in as it is where the serializers
 * are equal, else converted; either way it is checked, since it came from
 * another process.
 */
#include <string.h>

#include "chan.h"
#include "pbuf.h"
#include "tlsproxy.h"
#include "wamp_out.h"

/* -- Details ------------------------------------------------------------ */

const char *const origin_event_keys[ORIGIN_KEYS] = { "topic", "publisher",
    "publisher_authid", "publisher_authrole", "trustlevel" };

static struct detail *
details_add(struct details *d, const char *key)
{
	struct detail	*e = &d->v[d->n++];

	memset(e, 0, sizeof(*e));
	e->key = key;
	return (e);
}

void
details_text(struct details *d, const char *key, const char *text, size_t len)
{
	struct detail	*e = details_add(d, key);

	e->text = text;
	e->len = len;
}

void
details_uint(struct details *d, const char *key, uint64_t n)
{
	details_add(d, key)->n = n;
}

void
details_true(struct details *d, const char *key)
{
	details_add(d, key)->is_true = 1;
}

void
details_origin(struct details *d, const struct origin *o,
    const char *const keys[ORIGIN_KEYS])
{
	if (o->uri.len > 0)
		details_text(d, keys[0], o->uri.p, o->uri.len);
	if (o->session != 0)
		details_uint(d, keys[1], o->session);
	if (o->authid.len > 0)
		details_text(d, keys[2], o->authid.p, o->authid.len);
	if (o->role.len > 0)
		details_text(d, keys[3], o->role.p, o->role.len);
	if (o->has_trust)
		details_uint(d, keys[4], o->trust);
}

static void
enc_detail(struct enc *e, const struct detail *d)
{
	enc_str(e, d->key, strlen(d->key));
	if (d->text != NULL)
		enc_str(e, d->text, d->len);
	else if (d->is_true)
		enc_bool(e, 1);
	else
		enc_uint(e, d->n);
}

void
out_details(struct enc *e, const struct details *d, const struct payload *pl)
{
	unsigned int	 i, n = d != NULL ? d->n : 0, nppt = 0;
	const char	*key;

	if (pl != NULL && pl->has_ppt && !pl->is_bad)
		for (i = 0; i < PPT_ATTRS; i++)
			nppt += pl->ppt[i].len > 0;
	enc_map(e, n + nppt);
	for (i = 0; i < n; i++)
		enc_detail(e, &d->v[i]);
	for (i = 0; i < PPT_ATTRS && nppt > 0; i++) {
		if (pl->ppt[i].len == 0)
			continue;
		key = ppt_name((enum ppt_attr)i);
		enc_str(e, key, strlen(key));
		enc_str(e, pl->ppt[i].p, pl->ppt[i].len);
	}
	enc_end(e);
}

/* -- payloads ----------------------------------------------------------- */

/* It came from another process: is it what was meant? */
enum codec_err
payload_values(const struct payload *pl, struct val v[2])
{
	enum codec_err	err;

	if (pl->is_bad)
		return (CODEC_ESYNTAX);
	if (pl->nargs == 0)
		return (CODEC_OK);
	err = codec_values((enum ser)pl->ser, pl->p, pl->len, v, pl->nargs);
	if (err != CODEC_OK)
		return (err);
	if (v[0].type != VAL_ARRAY || (pl->nargs > 1 && v[1].type != VAL_MAP))
		return (CODEC_ESYNTAX);
	return (CODEC_OK);
}

enum codec_err
out_value(struct enc *e, const struct val *v)
{
	struct wbuf	w;
	enum codec_err	err;

	memset(&w, 0, sizeof(w));
	if ((err = codec_convert(v, e->ser, &w)) == CODEC_OK)
		enc_raw(e, w.buf, w.len);
	wbuf_free(&w);
	return (err);
}

enum codec_err
out_build(int ser, const struct head *h, const struct payload *pl,
    struct message *m)
{
	struct enc	 e;
	struct val	 v[2];
	struct wbuf	*w = out_begin(&e, ser);
	size_t		 at = 0, spliced = 0;
	unsigned int	 i;
	enum codec_err	 err;

	memset(m, 0, sizeof(*m));
	if ((err = payload_values(pl, v)) != CODEC_OK)
		return (err);
	enc_array(&e, 2 + h->n + (h->uri != NULL) + pl->nargs);
	enc_uint(&e, h->code);
	for (i = 0; i < h->n; i++)
		enc_uint(&e, h->ids[i]);
	out_details(&e, h->details, pl);
	if (h->uri != NULL)
		enc_str(&e, h->uri, h->urilen);
	if (pl->ser == ser && pl->nargs > 0) {
		/* only what is around it */
		enc_raw(&e, pl->p, 0);
		at = w->len;
		spliced = pl->len;
	}
	for (i = 0; i < pl->nargs && pl->ser != ser && err == CODEC_OK; i++)
		err = out_value(&e, &v[i]);
	enc_end(&e);
	iov_set(&m->iov[0], w->buf, at);
	iov_set(&m->iov[1], pl->p, spliced);
	iov_set(&m->iov[2], w->buf + at, w->len - at);
	m->len = w->len + spliced;
	/* without room in the budget it is copied, which fails */
	if (pl->pb != NULL && spliced >= OBUF_COPY &&
	    pbuf_count(pl->pb) == 0)
		m->pb = pl->pb;
	return (err == CODEC_OK && w->failed ? CODEC_ENOMEM : err);
}
