/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What HELLO and AUTHENTICATE say about who a client is, read into structs
 * for the keeper.  Nothing is judged here; a text that no method could use
 * is left out or is a violation.
 */
#include <string.h>

#include "tlsproxy.h"

/* Clients send options that they have no value for as null, or (wampy.js) as
 * what its serializers make of JavaScript's undefined: as good as not sent. */
int
val_is_absent(const struct val *v)
{
	static const uint8_t	mp_undefined[] = { 0xd4, 0, 0 };

	if (v->type == VAL_NIL)
		return (1);
	if (v->ser == SER_CBOR)
		return (v->len == 1 && v->p[0] == 0xf7);
	return (v->ser == SER_MSGPACK && v->len == sizeof(mp_undefined) &&
	    memcmp(v->p, mp_undefined, v->len) == 0);
}

void
hello_init(struct hello *h)
{
	memset(h, 0, sizeof(*h));
	h->extra.max = AUTH_MAXEXTRA;
}

void
hello_free(struct hello *h)
{
	wbuf_free(&h->extra);
}

/* A string of at most max octets: its length, or -1. */
static int
text_read(const struct val *v, uint8_t *buf, size_t max)
{
	const uint8_t	*p;
	size_t		 len;

	if (v->type != VAL_STR || (p = val_str(v, buf, max, &len)) == NULL ||
	    len > max)
		return (-1);
	if (p != buf)
		memcpy(buf, p, len);
	return ((int)len);
}

static int
hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

/* WAMP, Cryptosign-based Authentication: 32 octets in hex. */
static int
pubkey_read(const struct val *v, uint8_t key[32])
{
	uint8_t	text[64];
	int	i, hi, lo;

	if (text_read(v, text, sizeof(text)) != sizeof(text))
		return (0);
	for (i = 0; i < 32; i++) {
		hi = hex_value(text[2 * i]);
		lo = hex_value(text[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return (0);
		key[i] = (uint8_t)(hi << 4 | lo);
	}
	return (1);
}

/* HELLO.Details.authextra: what methods of ours use, and all of it for an
 * authenticator of the application's own. */
static const char *
extra_read(struct hello *h, const struct val *dict)
{
	struct val_iter	it;
	struct val	k, v;
	int		n;

	if (dict->type != VAL_MAP || val_map_check(dict) == -1)
		return ("authextra must be a dict");
	val_iter_init(&it, dict);
	while (val_map_next(&it, &k, &v)) {
		if (val_is_absent(&v))
			continue;
		if (val_is(&k, "pubkey", 6))
			h->m.has_pubkey = (uint8_t)pubkey_read(&v,
			    h->m.pubkey);
		else if (val_is(&k, "channel_binding", 15))
			h->m.wants_binding = 1;
		else if (val_is(&k, "nonce", 5) &&
		    (n = text_read(&v, h->nonce, AUTH_MAXNONCE)) != -1)
			h->m.noncelen = (uint16_t)n;
	}
	if (codec_convert(dict, SER_MSGPACK, &h->extra) != CODEC_OK)
		return ("authextra is too long, or holds what MessagePack "
		    "cannot say");
	h->m.extralen = (uint16_t)h->extra.len;
	return (NULL);
}

/* Methods of names we know; others are skipped (notes: T85). */
static const char *
methods_read(struct hello *h, const struct val *list)
{
	struct val_iter	it;
	struct val	v;
	const char	*name;
	uint32_t	bit;

	if (list->type != VAL_ARRAY)
		return ("authmethods must be a list");
	if (val_count(list) == 0)
		return (NULL);
	h->m.announced = 1;
	val_iter_init(&it, list);
	while (val_array_next(&it, &v)) {
		if (v.type != VAL_STR)
			return ("authmethods must be strings");
		for (bit = 1; (name = wamp_auth_name(bit)) != NULL; bit <<= 1)
			if (val_is(&v, name, strlen(name)))
				h->m.methods |= bit;
	}
	return (NULL);
}

static const char *
authid_read(struct hello *h, const struct val *v)
{
	int	n;

	if (v->type != VAL_STR)
		return ("authid must be a string");
	if ((n = text_read(v, h->authid, AUTHID_MAXLEN)) == -1)
		return ("authid is longer than 256 octets");
	h->m.authidlen = (uint16_t)n;
	h->m.has_authid = 1;
	return (NULL);
}

const char *
hello_read(struct hello *h, const struct val *details)
{
	struct val_iter	 it;
	struct val	 k, v;
	const char	*why = NULL;
	int		 roles = 0;

	val_iter_init(&it, details);
	while (why == NULL && val_map_next(&it, &k, &v)) {
		if (val_is_absent(&v))
			continue;
		if (val_is(&k, "roles", 5)) {
			roles = 1;
			why = features_read(&v, &h->features);
		} else if (val_is(&k, "authmethods", 11))
			why = methods_read(h, &v);
		else if (val_is(&k, "authid", 6))
			why = authid_read(h, &v);
		else if (val_is(&k, "authextra", 9))
			why = extra_read(h, &v);
	}
	if (why == NULL && !roles)
		why = "HELLO names no roles";
	return (why);
}

/* AUTHENTICATE.Extra: a text, or none. */
static int
member_read(const struct val *v, uint8_t *buf, size_t max, uint16_t *len)
{
	int	n;

	if ((n = text_read(v, buf, max)) == -1)
		return (-1);
	*len = (uint16_t)n;
	return (0);
}

const char *
response_read(struct response *r, const struct val *signature,
    const struct val *extra)
{
	struct val_iter	it;
	struct val	k, v;
	int		n;

	memset(r, 0, sizeof(*r));
	if ((n = text_read(signature, r->sig, AUTH_MAXSIG)) == -1)
		return ("Signature is longer than 4096 octets");
	r->m.siglen = (uint16_t)n;
	val_iter_init(&it, extra);
	while (val_map_next(&it, &k, &v)) {
		n = 0;
		if (val_is_absent(&v))
			continue;
		if (val_is(&k, "nonce", 5))
			n = member_read(&v, r->nonce, AUTH_MAXNONCE,
			    &r->m.noncelen);
		else if (val_is(&k, "channel_binding", 15)) {
			n = member_read(&v, r->cbname, AUTH_MAXCBNAME,
			    &r->m.cbnamelen);
			r->m.has_cbname = 1;
		} else if (val_is(&k, "cbind_data", 10)) {
			n = member_read(&v, r->cbdata, AUTH_MAXCBDATA,
			    &r->m.cbdatalen);
			r->m.has_cbdata = 1;
		}
		if (n == -1)
			return ("Extra holds a nonce or a channel binding "
			    "that is no string or too long");
	}
	return (NULL);
}
