/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Writes values in each serializer: MessagePack with msgpack-c's packer,
 * JSON and CBOR by hand.  Everything goes into a struct wbuf, which
 * remembers failure.
 */
#include <math.h>
#include <string.h>

#include <msgpack/pack.h>

#include "codec.h"
#include "enc.h"
#include "jsoncur.h"

/* What enc.stack says of a JSON container. */
#define IN_MAP		0x01
#define HAS_ENTRIES	0x02
#define HAS_KEY		0x04	/* its value comes next */

#define CBOR_UINT	0x00
#define CBOR_NINT	0x20
#define CBOR_BYTES	0x40
#define CBOR_TEXT	0x60
#define CBOR_ARRAY	0x80
#define CBOR_MAP	0xa0
#define CBOR_FALSE	0xf4
#define CBOR_TRUE	0xf5
#define CBOR_NULL	0xf6
#define CBOR_DOUBLE	0xfb

static inline void
octet(struct wbuf *w, uint8_t c)
{
	uint8_t	*p;

	if ((p = wbuf_room(w, 1)) != NULL) {
		*p = c;
		w->len++;
	}
}

static int
packer_write(void *arg, const char *buf, size_t len)
{
	struct wbuf	*w = arg;

	if (len == 1)		/* as most heads are */
		octet(w, (uint8_t)*buf);
	else
		wbuf_add(w, buf, len);
	return (w->failed ? -1 : 0);
}

static inline void
packer(msgpack_packer *pk, struct enc *e)
{
	msgpack_packer_init(pk, e->w, packer_write);
}

/* RFC 8949, 4.2.1: arguments as short as possible. */
static void
cbor_write(struct wbuf *w, uint8_t major, uint64_t arg)
{
	uint8_t		*p;
	unsigned int	 n, info;

	if (arg < 24) {
		octet(w, (uint8_t)(major | arg));
		return;
	}
	if (arg <= UINT8_MAX)
		info = 24;
	else if (arg <= UINT16_MAX)
		info = 25;
	else if (arg <= UINT32_MAX)
		info = 26;
	else
		info = 27;
	n = 1U << (info - 24);
	if ((p = wbuf_room(w, 1 + n)) == NULL)
		return;
	*p++ = (uint8_t)(major | info);
	w->len += 1 + n;
	while (n-- > 0)
		*p++ = (uint8_t)(arg >> 8 * n);
}

/* The octet of the innermost container, NULL if there is none. */
static inline uint8_t *
innermost(struct enc *e)
{
	if (e->depth == 0 || e->depth > CODEC_MAXDEPTH)
		return (NULL);
	return (&e->stack[e->depth - 1]);
}

/* Before a key or value in JSON: the comma that may be due. */
static inline void
json_before(struct enc *e)
{
	uint8_t	*in;

	if ((in = innermost(e)) == NULL || *in & HAS_KEY)
		return;
	if (*in & HAS_ENTRIES)
		octet(e->w, ',');
	*in |= HAS_ENTRIES;
}

/* Behind a key: the colon; behind a value: the next one is a key. */
static inline void
json_after(struct enc *e)
{
	uint8_t	*in;

	if ((in = innermost(e)) == NULL || !(*in & IN_MAP))
		return;
	if (!(*in & HAS_KEY))
		octet(e->w, ':');
	*in ^= HAS_KEY;
}

static void
json_text(struct enc *e, const char *s, size_t len)
{
	json_before(e);
	wbuf_add(e->w, s, len);
	json_after(e);
}

static void
json_uint(struct enc *e, uint64_t x, int neg)
{
	char	buf[24], *p = buf + sizeof(buf);

	do {
		*--p = (char)('0' + x % 10);
		x /= 10;
	} while (x != 0);
	if (neg)
		*--p = '-';
	json_text(e, p, (size_t)(buf + sizeof(buf) - p));
}

void
enc_init(struct enc *e, enum ser ser, struct wbuf *w)
{
	e->w = w;
	e->ser = ser;
	e->depth = 0;
}

static void
open_container(struct enc *e, int map, uint32_t n)
{
	msgpack_packer	pk;

	switch (e->ser) {
	case SER_JSON:
		json_before(e);
		octet(e->w, map ? '{' : '[');
		break;
	case SER_MSGPACK:
		packer(&pk, e);
		if (map)
			msgpack_pack_map(&pk, n);
		else
			msgpack_pack_array(&pk, n);
		break;
	case SER_CBOR:
		cbor_write(e->w, map ? CBOR_MAP : CBOR_ARRAY, n);
		break;
	case SER_NONE:
		e->w->failed = 1;
		break;
	}
	if (e->depth < CODEC_MAXDEPTH)
		e->stack[e->depth] = map ? IN_MAP : 0;
	else
		e->w->failed = 1;
	e->depth++;
}

void
enc_array(struct enc *e, uint32_t n)
{
	open_container(e, 0, n);
}

void
enc_map(struct enc *e, uint32_t n)
{
	open_container(e, 1, n);
}

void
enc_end(struct enc *e)
{
	uint8_t	*in = innermost(e);

	if (e->depth == 0) {
		e->w->failed = 1;
		return;
	}
	if (e->ser == SER_JSON && in != NULL)
		octet(e->w, *in & IN_MAP ? '}' : ']');
	e->depth--;
	if (e->ser == SER_JSON)
		json_after(e);
}

void
enc_nil(struct enc *e)
{
	msgpack_packer	pk;

	switch (e->ser) {
	case SER_JSON:
		json_text(e, "null", 4);
		break;
	case SER_MSGPACK:
		packer(&pk, e);
		msgpack_pack_nil(&pk);
		break;
	case SER_CBOR:
		octet(e->w, CBOR_NULL);
		break;
	case SER_NONE:
		e->w->failed = 1;
		break;
	}
}

void
enc_bool(struct enc *e, int on)
{
	msgpack_packer	pk;

	switch (e->ser) {
	case SER_JSON:
		json_text(e, on ? "true" : "false", on ? 4 : 5);
		break;
	case SER_MSGPACK:
		packer(&pk, e);
		if (on)
			msgpack_pack_true(&pk);
		else
			msgpack_pack_false(&pk);
		break;
	case SER_CBOR:
		octet(e->w, on ? CBOR_TRUE : CBOR_FALSE);
		break;
	case SER_NONE:
		e->w->failed = 1;
		break;
	}
}

void
enc_uint(struct enc *e, uint64_t x)
{
	msgpack_packer	pk;

	switch (e->ser) {
	case SER_JSON:
		json_uint(e, x, 0);
		break;
	case SER_MSGPACK:
		packer(&pk, e);
		msgpack_pack_uint64(&pk, x);
		break;
	case SER_CBOR:
		cbor_write(e->w, CBOR_UINT, x);
		break;
	case SER_NONE:
		e->w->failed = 1;
		break;
	}
}

void
enc_int(struct enc *e, int64_t i)
{
	msgpack_packer	pk;

	if (i >= 0) {
		enc_uint(e, (uint64_t)i);
		return;
	}
	switch (e->ser) {
	case SER_JSON:
		json_uint(e, (uint64_t)-(i + 1) + 1, 1);
		break;
	case SER_MSGPACK:
		packer(&pk, e);
		msgpack_pack_int64(&pk, i);
		break;
	case SER_CBOR:
		cbor_write(e->w, CBOR_NINT, (uint64_t)-(i + 1));
		break;
	case SER_NONE:
		e->w->failed = 1;
		break;
	}
}

static void
cbor_double(struct wbuf *w, double d)
{
	uint64_t	 bits;
	uint8_t		*p;
	unsigned int	 n = 8;

	if ((p = wbuf_room(w, 9)) == NULL)
		return;
	memcpy(&bits, &d, sizeof(bits));
	*p++ = CBOR_DOUBLE;
	while (n-- > 0)
		*p++ = (uint8_t)(bits >> 8 * n);
	w->len += 9;
}

void
enc_double(struct enc *e, double d)
{
	char		buf[JSON_NUMSIZE];
	msgpack_packer	pk;

	switch (e->ser) {
	case SER_JSON:
		if (isfinite(d))
			json_text(e, buf, json_print_double(buf, d));
		else
			json_text(e, "null", 4);
		break;
	case SER_MSGPACK:
		packer(&pk, e);
		msgpack_pack_double(&pk, d);
		break;
	case SER_CBOR:
		cbor_double(e->w, d);
		break;
	case SER_NONE:
		e->w->failed = 1;
		break;
	}
}

void
enc_str_begin(struct enc *e, size_t len)
{
	msgpack_packer	pk;

	switch (e->ser) {
	case SER_JSON:
		json_before(e);
		octet(e->w, '"');
		break;
	case SER_MSGPACK:
		/* The packer would write the low 32 bits of it. */
		if (len > UINT32_MAX)
			e->w->failed = 1;
		packer(&pk, e);
		msgpack_pack_str(&pk, len);
		break;
	case SER_CBOR:
		cbor_write(e->w, CBOR_TEXT, len);
		break;
	case SER_NONE:
		e->w->failed = 1;
		break;
	}
}

static void
json_escape(struct wbuf *w, uint8_t c)
{
	static const char	hex[] = "0123456789abcdef";
	static const char	from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char		*s;
	char			esc[6] = { '\\', 'u', '0', '0', '0', '0' };

	if (c != 0 && (s = strchr(from, c)) != NULL) {
		esc[1] = to[s - from];
		wbuf_add(w, esc, 2);
		return;
	}
	esc[4] = hex[c >> 4];
	esc[5] = hex[c & 0xf];
	wbuf_add(w, esc, sizeof(esc));
}

/* Octets that go into a JSON string as they are: all but RFC 8259's few. */
static size_t
no_escape_len(const uint8_t *p, size_t len)
{
	size_t	i = 0;

	for (;;) {
		i += json_plain_len(p + i, len - i);
		if (i == len || p[i] < 0x80)
			return (i);
		while (i < len && p[i] >= 0x80)
			i++;
	}
}

void
enc_str_part(struct enc *e, const uint8_t *p, size_t len)
{
	size_t	n;

	if (e->ser != SER_JSON) {
		wbuf_add(e->w, p, len);
		return;
	}
	while (len > 0 && !e->w->failed) {
		n = no_escape_len(p, len);
		wbuf_add(e->w, p, n);
		p += n;
		len -= n;
		if (len > 0) {
			json_escape(e->w, *p++);
			len--;
		}
	}
}

void
enc_str_end(struct enc *e)
{
	if (e->ser == SER_JSON) {
		octet(e->w, '"');
		json_after(e);
	}
}

void
enc_str(struct enc *e, const char *s, size_t len)
{
	enc_str_begin(e, len);
	enc_str_part(e, (const uint8_t *)s, len);
	enc_str_end(e);
}

/* RFC 4648, 4. */
static void
b64_group(struct wbuf *w, const uint8_t in[3], unsigned int n)
{
	static const char	alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t			*p;

	if ((p = wbuf_room(w, 4)) == NULL)
		return;
	p[0] = (uint8_t)alphabet[in[0] >> 2];
	p[1] = (uint8_t)alphabet[(in[0] & 0x03) << 4 | in[1] >> 4];
	p[2] = n < 2 ? '=' :
	    (uint8_t)alphabet[(in[1] & 0x0f) << 2 | in[2] >> 6];
	p[3] = n < 3 ? '=' : (uint8_t)alphabet[in[2] & 0x3f];
	w->len += 4;
}

/* WAMP, Binary support in JSON: NUL and base64. */
void
enc_bin_begin(struct enc *e, size_t len, struct b64 *b)
{
	msgpack_packer	pk;

	memset(b, 0, sizeof(*b));
	switch (e->ser) {
	case SER_JSON:
		json_before(e);
		wbuf_add(e->w, "\"\\u0000", 7);
		break;
	case SER_MSGPACK:
		if (len > UINT32_MAX)
			e->w->failed = 1;
		packer(&pk, e);
		msgpack_pack_bin(&pk, len);
		break;
	case SER_CBOR:
		cbor_write(e->w, CBOR_BYTES, len);
		break;
	case SER_NONE:
		e->w->failed = 1;
		break;
	}
}

void
enc_bin_part(struct enc *e, const uint8_t *p, size_t len, struct b64 *b)
{
	if (e->ser != SER_JSON) {
		wbuf_add(e->w, p, len);
		return;
	}
	for (; len > 0 && b->n > 0; len--) {
		b->hold[b->n++] = *p++;
		if (b->n == 3) {
			b64_group(e->w, b->hold, 3);
			b->n = 0;
		}
	}
	for (; len >= 3; p += 3, len -= 3)
		b64_group(e->w, p, 3);
	for (; len > 0; len--)
		b->hold[b->n++] = *p++;
}

void
enc_bin_end(struct enc *e, struct b64 *b)
{
	if (e->ser != SER_JSON)
		return;
	if (b->n > 0) {
		memset(b->hold + b->n, 0, sizeof(b->hold) - b->n);
		b64_group(e->w, b->hold, b->n);
	}
	octet(e->w, '"');
	json_after(e);
}

void
enc_bin(struct enc *e, const uint8_t *p, size_t len)
{
	struct b64	b;

	enc_bin_begin(e, len, &b);
	enc_bin_part(e, p, len, &b);
	enc_bin_end(e, &b);
}

void
enc_raw(struct enc *e, const uint8_t *p, size_t len)
{
	if (e->ser == SER_JSON) {
		json_before(e);
		wbuf_add(e->w, p, len);
		json_after(e);
	} else
		wbuf_add(e->w, p, len);
}
