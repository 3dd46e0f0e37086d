/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What mpput.c writes is what enc.c writes and mpcur.c reads, at every
 * boundary of lengths and numbers; and nothing is written beyond a buffer.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "mpcur.h"
#include "mpput.h"

static uint8_t	buf[70000], text[66000];

static const uint64_t	bounds[] = { 0, 1, 15, 16, 31, 32, 127, 128, 255,
	256, 65535, 65536 };

static void
same(const struct mpput *m, struct wbuf *w, const char *what, uint64_t n)
{
	struct val	v;

	if (m->failed || m->len != w->len || memcmp(m->p, w->buf, w->len))
		errx(1, "%s of %llu: %zu octets, want %zu", what,
		    (unsigned long long)n, m->len, w->len);
	if (mp_check(m->p, m->len, &v) != CODEC_OK)
		errx(1, "%s of %llu is not read", what,
		    (unsigned long long)n);
	wbuf_reset(w);
}

static void
one(uint64_t n)
{
	struct mpput	m;
	struct wbuf	w;
	struct enc	e;
	uint64_t	i;

	memset(&w, 0, sizeof(w));
	memset(text, 'x', sizeof(text));
	mpput_init(&m, buf, sizeof(buf));
	enc_init(&e, SER_MSGPACK, &w);
	mpput_str(&m, text, (size_t)n);
	enc_str(&e, (char *)text, (size_t)n);
	same(&m, &w, "string", n);

	mpput_init(&m, buf, sizeof(buf));
	enc_init(&e, SER_MSGPACK, &w);
	mpput_bin(&m, text, (size_t)n);
	enc_bin(&e, text, (size_t)n);
	same(&m, &w, "binary", n);

	mpput_init(&m, buf, sizeof(buf));
	enc_init(&e, SER_MSGPACK, &w);
	mpput_array(&m, (uint32_t)n);
	enc_array(&e, (uint32_t)n);
	for (i = 0; i < n; i++) {
		mpput_nil(&m);
		enc_nil(&e);
	}
	enc_end(&e);
	same(&m, &w, "array", n);

	if (n >= 32000)
		n = 32000;
	mpput_init(&m, buf, sizeof(buf));
	enc_init(&e, SER_MSGPACK, &w);
	mpput_map(&m, (uint32_t)n);
	enc_map(&e, (uint32_t)n);
	for (i = 0; i < n; i++) {
		mpput_text(&m, "");
		mpput_bool(&m, (int)(i & 1));
		ENC_KEY(&e, "");
		enc_bool(&e, (int)(i & 1));
	}
	enc_end(&e);
	same(&m, &w, "map", n);
	wbuf_free(&w);
}

static void
number(uint64_t n)
{
	struct mpput	m;
	struct wbuf	w;
	struct enc	e;

	memset(&w, 0, sizeof(w));
	mpput_init(&m, buf, sizeof(buf));
	enc_init(&e, SER_MSGPACK, &w);
	mpput_uint(&m, n);
	enc_uint(&e, n);
	same(&m, &w, "number", n);

	mpput_init(&m, buf, sizeof(buf));
	enc_init(&e, SER_MSGPACK, &w);
	mpput_double(&m, (double)n / 1000);
	enc_double(&e, (double)n / 1000);
	same(&m, &w, "double", n);
	wbuf_free(&w);
}

static void
bounded(void)
{
	struct mpput	m;
	size_t		size;

	for (size = 0; size < 12; size++) {
		memset(buf, 0xa5, sizeof(buf));
		mpput_init(&m, buf, size);
		mpput_map(&m, 1);
		mpput_text(&m, "abc");
		mpput_uint(&m, 1000000);
		if (m.failed != (size < 10) || m.len > size ||
		    buf[size] != 0xa5)
			errx(1, "%zu octets of room: failed %d, len %zu",
			    size, m.failed, m.len);
		mpput_raw(&m, "x", 1);
		if (m.failed != (size < 11))
			errx(1, "%zu octets of room, one more", size);
	}
}

int
main(void)
{
	size_t	i;

	for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		one(bounds[i]);
		number(bounds[i]);
	}
	number(UINT32_MAX);
	number(UINT32_MAX + 1ULL);
	number(UINT64_MAX);
	printf("ok - MessagePack as the serializer writes it\n");
	bounded();
	printf("ok - never beyond the buffer\n");
	return (0);
}
