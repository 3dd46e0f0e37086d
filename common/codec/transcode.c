/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Conversion of a value between serializers: one pass from a cursor to the
 * encoder, no tree.  Memory is the buffer written to, and a fixed stack of
 * open containers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cborcur.h"
#include "codec.h"
#include "enc.h"
#include "jsoncur.h"
#include "mpcur.h"
#include "pieces.h"

/*
 * Heads whose number of entries is known at the end only are written five
 * octets long.  If the number turns out to fit into one octet and the
 * entries are short, they are moved up: a bounded price for each container.
 */
#define LONGHEAD	5
#define MOVEMAX		256
#define MP_FIXMAX	15
#define CBOR_FIXMAX	23

/* A container that is open. */
struct level {
	uint64_t	 left;	/* entries, or ITEMS_UNTIL_END */
	uint64_t	 seen;	/* values, keys counted on their own */
	size_t		 head;	/* offset of the head; only if until end */
	uint8_t		 map;
};

struct conv {
	struct enc	 e;
	const uint8_t	*p, *end;
	enum ser	 from;
	unsigned int	 depth;
	struct level	 levels[CODEC_MAXDEPTH];
};

static enum codec_err
read_head(struct conv *c, struct val *v)
{
	switch (c->from) {
	case SER_JSON:
		if (!json_more(&c->p, c->end))
			return (CODEC_ETRUNC);
		return (json_head(&c->p, c->end, v));
	case SER_MSGPACK:
		return (mp_head(&c->p, c->end, v));
	case SER_CBOR:
		return (cbor_head(&c->p, c->end, v));
	default:
		return (CODEC_ESYNTAX);
	}
}

/* Is the innermost container complete? */
static int
is_complete(struct conv *c)
{
	struct level	*l = &c->levels[c->depth - 1];

	if (l->left != ITEMS_UNTIL_END)
		return (l->seen == (l->map ? l->left * 2 : l->left));
	if (l->map && l->seen % 2 == 1)
		return (0);
	if (c->from == SER_JSON)
		return (!json_more(&c->p, c->end));
	return (cbor_break(&c->p, c->end));
}

/* Write the head that was left open, now that n is known. */
static void
patch_head(struct conv *c, const struct level *l, uint64_t n)
{
	struct wbuf	*w = c->e.w;
	uint8_t		*head = w->buf + l->head;
	size_t		 body = w->len - l->head - LONGHEAD;
	int		 mp = c->e.ser == SER_MSGPACK;

	if (body <= MOVEMAX && n <= (mp ? MP_FIXMAX : CBOR_FIXMAX)) {
		if (mp)
			*head = (uint8_t)((l->map ? 0x80 : 0x90) | n);
		else
			*head = (uint8_t)((l->map ? 0xa0 : 0x80) | n);
		memmove(head + 1, head + LONGHEAD, body);
		w->len -= LONGHEAD - 1;
		return;
	}
	if (mp)
		head[0] = l->map ? 0xdf : 0xdd;
	else
		head[0] = l->map ? 0xba : 0x9a;
	head[1] = (uint8_t)(n >> 24);
	head[2] = (uint8_t)(n >> 16);
	head[3] = (uint8_t)(n >> 8);
	head[4] = (uint8_t)n;
}

static enum codec_err
open_level(struct conv *c, const struct val *v)
{
	static const uint8_t	 unknown[LONGHEAD];
	struct level		*l;

	if (c->depth == CODEC_MAXDEPTH)
		return (CODEC_EDEPTH);
	l = &c->levels[c->depth++];
	l->left = v->u.u;
	l->seen = 0;
	l->map = v->type == VAL_MAP;
	l->head = c->e.w->len;
	if (l->left == ITEMS_UNTIL_END && c->e.ser != SER_JSON) {
		wbuf_add(c->e.w, unknown, LONGHEAD);
		return (CODEC_OK);
	}
	/* JSON has no use for the number. */
	if (l->left > UINT32_MAX && c->e.ser != SER_JSON)
		return (CODEC_ECONVERT);
	if (l->map)
		enc_map(&c->e, (uint32_t)l->left);
	else
		enc_array(&c->e, (uint32_t)l->left);
	return (CODEC_OK);
}

static enum codec_err
close_level(struct conv *c)
{
	struct level	*l = &c->levels[--c->depth];
	uint64_t	 n = l->map ? l->seen / 2 : l->seen;

	if (l->left != ITEMS_UNTIL_END || c->e.ser == SER_JSON) {
		enc_end(&c->e);
		return (CODEC_OK);
	}
	if (n > UINT32_MAX)
		return (CODEC_ECONVERT);
	if (!c->e.w->failed)
		patch_head(c, l, n);
	return (CODEC_OK);
}

static size_t
content_len(const struct val *v)
{
	struct pieces	 ps;
	const uint8_t	*p;
	size_t		 n, len = 0;

	if (v->plain)
		return (v->slen);
	pieces_init(&ps, v);
	while (pieces_next(&ps, &p, &n))
		len += n;
	return (len);
}

static int
b64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	return (c == '+' ? 62 : c == '/' ? 63 : -1);
}

/* A base64 decoder: RFC 4648, section 4, padded, unused bits zero. */
struct unb64 {
	uint32_t	 bits;
	size_t		 chars;
	unsigned int	 pad;
};

/* One more character; returns how many octets came out, -1: bad. */
static int
unb64_take(struct unb64 *u, uint8_t c, uint8_t out[3])
{
	int	x = 0;

	/* One '=' too many leaves chars odd, or pad beyond two. */
	if (c == '=') {
		if (++u->pad > 2)
			return (-1);
	} else if (u->pad > 0 || (x = b64_value(c)) == -1)
		return (-1);
	u->bits = u->bits << 6 | (uint32_t)x;
	if (++u->chars % 4 != 0)
		return (0);
	out[0] = (uint8_t)(u->bits >> 16);
	out[1] = (uint8_t)(u->bits >> 8);
	out[2] = (uint8_t)u->bits;
	if ((u->pad == 2 && out[1] != 0) || (u->pad > 0 && out[2] != 0))
		return (-1);
	return (3 - (int)u->pad);
}

/*
 * The octets that a JSON string of NUL and base64 stands for: counted into
 * *len, and written if e is not NULL.  Returns 0 if it is none.  Only what
 * our own encoder would write counts, so that the way back leads to the
 * same string.
 */
static int
binary_string(const struct val *v, size_t *len, struct enc *e, struct b64 *b)
{
	struct pieces	 ps;
	struct unb64	 u = { 0, 0, 0 };
	const uint8_t	*p;
	size_t		 i, n;
	uint8_t		 out[3];
	int		 got, nul = 0;

	*len = 0;
	pieces_init(&ps, v);
	while (pieces_next(&ps, &p, &n)) {
		i = 0;
		if (!nul) {
			if (p[i++] != 0)
				return (0);
			nul = 1;
		}
		for (; i < n; i++) {
			if ((got = unb64_take(&u, p[i], out)) == -1)
				return (0);
			*len += (size_t)got;
			if (e != NULL && got > 0)
				enc_bin_part(e, out, (size_t)got, b);
		}
	}
	return (nul && u.chars % 4 == 0);
}

/*
 * A string of MessagePack or CBOR that begins with NUL and goes on in
 * base64 looks like binary once it is JSON; it is passed as it is, since
 * JSON has no other way to write it.
 */
static void
write_str(struct conv *c, const struct val *v, int is_key)
{
	struct pieces	 ps;
	struct b64	 b;
	const uint8_t	*p;
	size_t		 n;

	if (v->plain) {
		enc_str(&c->e, (const char *)v->str, v->slen);
		return;
	}
	if (c->from == SER_JSON && !is_key && v->slen >= 6 &&
	    memcmp(v->str, "\\u0000", 6) == 0 &&
	    binary_string(v, &n, NULL, NULL)) {
		enc_bin_begin(&c->e, n, &b);
		binary_string(v, &n, &c->e, &b);
		enc_bin_end(&c->e, &b);
		return;
	}
	enc_str_begin(&c->e, c->e.ser == SER_JSON ? 0 : content_len(v));
	pieces_init(&ps, v);
	while (pieces_next(&ps, &p, &n))
		enc_str_part(&c->e, p, n);
	enc_str_end(&c->e);
}

static void
write_bin(struct conv *c, const struct val *v)
{
	struct pieces	 ps;
	struct b64	 b;
	const uint8_t	*p;
	size_t		 n;

	enc_bin_begin(&c->e, c->e.ser == SER_JSON ? 0 : content_len(v), &b);
	pieces_init(&ps, v);
	while (pieces_next(&ps, &p, &n))
		enc_bin_part(&c->e, p, n, &b);
	enc_bin_end(&c->e, &b);
}

static enum codec_err
write_scalar(struct conv *c, const struct val *v, int is_key)
{
	switch (v->type) {
	case VAL_NIL:
		enc_nil(&c->e);
		break;
	case VAL_BOOL:
		enc_bool(&c->e, v->u.b);
		break;
	case VAL_UINT:
		enc_uint(&c->e, v->u.u);
		break;
	case VAL_INT:
		enc_int(&c->e, v->u.i);
		break;
	case VAL_FLOAT:
		enc_double(&c->e, v->u.d);
		break;
	case VAL_STR:
		write_str(c, v, is_key);
		break;
	case VAL_BIN:
		write_bin(c, v);
		break;
	default:
		return (CODEC_ECONVERT);
	}
	return (CODEC_OK);
}

/* JSON has only strings for keys: integers become decimal ones. */
static enum codec_err
write_json_key(struct conv *c, const struct val *v)
{
	char	buf[24];
	int	n;

	switch (v->type) {
	case VAL_STR:
		write_str(c, v, 1);
		return (CODEC_OK);
	case VAL_UINT:
		n = snprintf(buf, sizeof(buf), "%" PRIu64, v->u.u);
		break;
	case VAL_INT:
		n = snprintf(buf, sizeof(buf), "%" PRId64, v->u.i);
		break;
	default:
		return (CODEC_ECONVERT);
	}
	enc_str(&c->e, buf, (size_t)n);
	return (CODEC_OK);
}

/* One value or the head of a container. */
static enum codec_err
convert_one(struct conv *c)
{
	struct level	*l;
	struct val	 v;
	enum codec_err	 error;
	int		 is_key = 0;

	if ((error = read_head(c, &v)) != CODEC_OK)
		return (error);
	if (c->depth > 0) {
		l = &c->levels[c->depth - 1];
		is_key = l->map && l->seen % 2 == 0;
		l->seen++;
	}
	if (is_key && c->e.ser == SER_JSON)
		return (write_json_key(c, &v));
	if (v.type == VAL_ARRAY || v.type == VAL_MAP)
		return (open_level(c, &v));
	return (write_scalar(c, &v, is_key));
}

static enum codec_err
convert_all(struct conv *c)
{
	enum codec_err	error;

	do {
		if ((error = convert_one(c)) != CODEC_OK)
			return (error);
		while (c->depth > 0 && is_complete(c))
			if ((error = close_level(c)) != CODEC_OK)
				return (error);
		if (c->e.w->failed)
			return (CODEC_ENOMEM);
	} while (c->depth > 0);
	return (CODEC_OK);
}

enum codec_err
codec_convert(const struct val *v, enum ser to, struct wbuf *w)
{
	struct conv	c;
	size_t		len = w->len;
	enum codec_err	error;

	if (w->failed)
		return (CODEC_ENOMEM);
	if (v->ser == to) {
		wbuf_add(w, v->p, v->len);
		return (w->failed ? CODEC_ENOMEM : CODEC_OK);
	}
	if (to == SER_NONE)
		return (CODEC_ECONVERT);
	enc_init(&c.e, to, w);
	c.p = v->p;
	c.end = v->p + v->len;
	c.from = v->ser;
	c.depth = 0;
	if ((error = convert_all(&c)) != CODEC_OK)
		w->len = len;
	return (error);
}
