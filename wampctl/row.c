/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Rows as they come from wampd's processes, one of which may be taken over:
 * checked before anything else, and harmless when they are printed.
 */
#include <stdio.h>
#include <string.h>
#include <vis.h>

#include "wampctl.h"

int
row_check(const uint8_t *p, size_t len, struct val *row)
{
	struct val_iter	it;
	struct val	key, v;

	if (codec_check(SER_MSGPACK, p, len, row) != CODEC_OK ||
	    row->type != VAL_MAP || val_map_check(row) == -1)
		return (-1);
	val_iter_init(&it, row);
	while (val_map_next(&it, &key, &v))
		if (key.type != VAL_STR)
			return (-1);
	return (0);
}

/* 0, or -1 if there is no such field. */
int
row_get(const struct val *row, const char *name, struct val *v)
{
	struct val_iter	it;
	struct val	key;

	val_iter_init(&it, row);
	while (val_map_next(&it, &key, v))
		if (key.type == VAL_STR && val_is(&key, name, strlen(name)))
			return (0);
	return (-1);
}

int
row_uint(const struct val *row, const char *name, uint64_t *n)
{
	struct val	v;

	if (row_get(row, name, &v) == -1 || v.type != VAL_UINT)
		return (-1);
	*n = v.u.u;
	return (0);
}

int
row_text(const struct val *row, const char *name, char *buf, size_t size)
{
	struct val	v;

	if (row_get(row, name, &v) == -1 || v.type != VAL_STR ||
	    v.slen >= size || memchr(v.str, '\0', v.slen) != NULL)
		return (-1);
	memcpy(buf, v.str, v.slen);
	buf[v.slen] = '\0';
	return ((int)v.slen);
}

void
row_extend(struct enc *e, struct wbuf *w, const struct val *row, uint32_t n)
{
	struct val_iter	it;
	struct val	key, v;

	enc_init(e, SER_MSGPACK, w);
	enc_map(e, (uint32_t)val_count(row) + n);
	val_iter_init(&it, row);
	while (val_map_next(&it, &key, &v)) {
		enc_str(e, (const char *)key.str, key.slen);
		enc_raw(e, v.p, v.len);
	}
}

/* Lines and tabs stay as they are. */
void
print_clean(const void *text, size_t len, FILE *f)
{
	const unsigned char	*p = text;
	char			 one[8];
	size_t			 i;

	for (i = 0; i < len; i++) {
		if (p[i] == '\n' || p[i] == '\t' ||
		    (p[i] >= ' ' && p[i] < 0x7f)) {
			putc(p[i], f);
			continue;
		}
		vis(one, (char)p[i], VIS_CSTYLE | VIS_OCTAL,
		    i + 1 < len ? (char)p[i + 1] : 0);
		fputs(one, f);
	}
}
