/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Rows as they come from wampd's processes, one of which may be taken over:
 * checked before anything else, and harmless when they are printed.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <vis.h>
#include <wchar.h>
#include <wctype.h>

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

/* -- text --------------------------------------------------------------- */

/*
 * The user's locale, if it is one of UTF-8.  It is in force here alone: what
 * vis(3) thinks harmless would depend on it as well.
 */
static locale_t	utf8 = (locale_t)0;

void
text_init(void)
{
	utf8 = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	if (utf8 != (locale_t)0 && strcmp(nl_langinfo_l(CODESET, utf8),
	    "UTF-8") != 0) {
		freelocale(utf8);
		utf8 = (locale_t)0;
	}
}

/*
 * What is not seen, or changes how others are: directions of writing,
 * invisible characters, ends of lines, tags.
 */
static int
is_hidden(wchar_t c)
{
	return (c < 0xa0 || c == 0xad || c == 0x061c || c == 0x180e ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	    (c >= 0xfff0 && c <= 0xfffb) || c >= 0xe0000);
}

/* The octets of a character that can be seen, or 0. */
static size_t
seen(const uint8_t *p, size_t len)
{
	locale_t	old = uselocale(utf8);
	mbstate_t	state;
	wchar_t		c;
	size_t		n;

	memset(&state, 0, sizeof(state));
	n = mbrtowc(&c, (const char *)p, len, &state);
	if (n < 2 || n > 4 || !iswprint((wint_t)c) || is_hidden(c))
		n = 0;
	uselocale(old);
	return (n);
}

size_t
text_one(const uint8_t *p, size_t len, char one[TEXT_ONE])
{
	size_t	n;

	if (utf8 != (locale_t)0 && p[0] >= 0x80 && (n = seen(p, len)) > 0) {
		memcpy(one, p, n);
		one[n] = '\0';
		return (n);
	}
	vis(one, (char)p[0], VIS_CSTYLE | VIS_OCTAL | VIS_TAB | VIS_NL,
	    len > 1 ? (char)p[1] : 0);
	return (1);
}

size_t
text_width(const char *s)
{
	locale_t	old;
	mbstate_t	state;
	wchar_t		c;
	size_t		width = 0, n;
	int		w;

	if (utf8 == (locale_t)0)
		return (strlen(s));
	old = uselocale(utf8);
	memset(&state, 0, sizeof(state));
	for (; *s != '\0'; s += n) {
		n = mbrtowc(&c, s, strlen(s), &state);
		if (n == 0 || n > 4) {
			/* cut within one */
			width += strlen(s);
			break;
		}
		if ((w = wcwidth(c)) > 0)
			width += (size_t)w;
	}
	uselocale(old);
	return (width);
}

/* Lines and tabs stay as they are. */
void
print_clean(const void *text, size_t len, FILE *f)
{
	const unsigned char	*p = text;
	char			 one[TEXT_ONE];
	size_t			 i, n;

	for (i = 0; i < len; i += n) {
		n = 1;
		if (p[i] == '\n' || p[i] == '\t' ||
		    (p[i] >= ' ' && p[i] < 0x7f)) {
			putc(p[i], f);
			continue;
		}
		n = text_one(p + i, len - i, one);
		fputs(one, f);
	}
}
