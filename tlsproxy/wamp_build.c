/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Messages with a payload.  It is spliced in as it is where the serializers
 * are equal, else converted; either way it is checked, since it came from
 * another process.
 */
#include <string.h>

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

/* Octets that make one list of nargs elements of the payload alone. */
static enum codec_err
payload_split(const struct payload *pl, struct wbuf *w, struct val v[2])
{
	static const uint8_t	open[SER_MAX] = { 0, '[', 0x90, 0x80 };
	uint8_t			first = open[pl->ser];
	size_t			n;
	enum codec_err		err;

	if (pl->ser != SER_JSON)
		first = (uint8_t)(first + pl->nargs);
	wbuf_reset(w);
	wbuf_add(w, &first, 1);
	wbuf_add(w, pl->p, pl->len);
	if (pl->ser == SER_JSON)
		wbuf_add(w, "]", 1);
	if (w->failed)
		return (CODEC_ENOMEM);
	err = codec_split((enum ser)pl->ser, w->buf, w->len, v, 2, &n);
	if (err == CODEC_OK && n != pl->nargs)
		err = CODEC_ESYNTAX;
	return (err);
}

/* Is what was built a message with the payload that was meant? */
static enum codec_err
payload_check(int ser, const struct wbuf *w, size_t headlen, uint8_t nargs)
{
	struct val	v[8];
	size_t		n;
	enum codec_err	err;

	err = codec_split((enum ser)ser, w->buf, w->len, v, 8, &n);
	if (err != CODEC_OK)
		return (err);
	if (n != headlen + nargs ||
	    (nargs > 0 && v[headlen].type != VAL_ARRAY) ||
	    (nargs > 1 && v[headlen + 1].type != VAL_MAP))
		return (CODEC_ESYNTAX);
	return (CODEC_OK);
}

enum codec_err
payload_values(const struct payload *pl, struct val v[2])
{
	enum codec_err	err;

	if (pl->is_bad)
		return (CODEC_ESYNTAX);
	if ((err = payload_split(pl, &proxy->tmp, v)) != CODEC_OK)
		return (err);
	if ((pl->nargs > 0 && v[0].type != VAL_ARRAY) ||
	    (pl->nargs > 1 && v[1].type != VAL_MAP))
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

/* Both values of a payload in another serializer, behind the head. */
static enum codec_err
payload_convert(const struct payload *pl, struct enc *e)
{
	struct val	v[2];
	enum codec_err	err = payload_values(pl, v);
	int		i;

	for (i = 0; i < pl->nargs && err == CODEC_OK; i++)
		err = out_value(e, &v[i]);
	return (err);
}

enum codec_err
out_build(int ser, const struct head *h, const struct payload *pl)
{
	struct enc	 e;
	struct wbuf	*w = out_begin(&e, ser);
	unsigned int	 i, headlen = 2 + h->n + (h->uri != NULL);
	enum codec_err	 err = CODEC_OK;

	if (pl->is_bad)
		return (CODEC_ESYNTAX);
	enc_array(&e, headlen + pl->nargs);
	enc_uint(&e, h->code);
	for (i = 0; i < h->n; i++)
		enc_uint(&e, h->ids[i]);
	out_details(&e, h->details, pl);
	if (h->uri != NULL)
		enc_str(&e, h->uri, h->urilen);
	if (pl->nargs > 0 && pl->ser == ser)
		enc_raw(&e, pl->p, pl->len);
	else if (pl->nargs > 0)
		err = payload_convert(pl, &e);
	enc_end(&e);
	if (err == CODEC_OK && w->failed)
		err = CODEC_ENOMEM;
	if (err == CODEC_OK && pl->nargs > 0 && pl->ser == ser)
		err = payload_check(ser, w, headlen, pl->nargs);
	return (err);
}
