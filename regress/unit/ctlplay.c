/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The parent asks for wampctl.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "ctlplay.h"
#include "mpcur.h"

unsigned int	 ctl_n, ctl_answers;
int		 ctl_lost;

static struct m_ctl_query	 q;
static char			 filter[AUTHID_MAXLEN + 1];
static uint8_t			*octets[100000];	/* a row each */
static struct val		 maps[100000];

static void
one_row(const uint8_t *p, size_t len)
{
	if (ctl_n == sizeof(maps) / sizeof(maps[0]))
		errx(1, "there is no end of rows");
	free(octets[ctl_n]);
	if ((octets[ctl_n] = malloc(len)) == NULL)
		err(1, NULL);
	memcpy(octets[ctl_n], p, len);
	if (mp_check(octets[ctl_n], len, &maps[ctl_n]) != CODEC_OK ||
	    maps[ctl_n].type != VAL_MAP || maps[ctl_n].len != len)
		errx(1, "row %u is not one map of MessagePack", ctl_n);
	ctl_n++;
}

static void
ask(struct play *p)
{
	const struct m_ctl_rows	*m = &p->answer;
	size_t			 off = 0;
	uint32_t		 i;
	uint16_t		 len;

	play_ask(p, &q, filter);
	ctl_answers++;
	ctl_lost = m->is_lost;
	if (m->query != q.query || m->is_end > 1 || m->is_lost > 1 ||
	    (m->cursor == 0) != m->is_end)
		errx(1, "answer %u to %u: end %u, cursor %llu", m->query,
		    q.query, m->is_end, (unsigned long long)m->cursor);
	for (i = 0; i < m->nrows; i++, off += len) {
		if (p->rowslen - off < sizeof(len))
			errx(1, "the answer has less rows than %u", m->nrows);
		memcpy(&len, p->rows + off, sizeof(len));
		off += sizeof(len);
		if (p->rowslen - off < len)
			errx(1, "the answer ends in row %u", i);
		one_row(p->rows + off, len);
	}
	if (off != p->rowslen)
		errx(1, "the answer has %zu octets, want %zu", p->rowslen,
		    off);
}

void
ctl_ask(struct play *p, uint16_t what, uint32_t realm, uint64_t session,
    const char *authid)
{
	static uint32_t	query;

	memset(&q, 0, sizeof(q));
	q.query = ++query;
	q.what = what;
	q.realm = realm;
	q.session = session;
	strlcpy(filter, authid != NULL ? authid : "", sizeof(filter));
	q.authidlen = (uint16_t)strlen(filter);
	ctl_n = ctl_answers = 0;
	ask(p);
}

int
ctl_more(struct play *p)
{
	if (p->answer.is_end)
		return (0);
	q.cursor = p->answer.cursor;
	ask(p);
	return (1);
}

void
ctl_all(struct play *p, uint16_t what, uint32_t realm, uint64_t session,
    const char *authid)
{
	ctl_ask(p, what, realm, session, authid);
	while (ctl_more(p))
		;
	if (ctl_lost)
		errx(1, "the answer to %u is not whole", what);
}

static struct val
field(unsigned int i, const char *name)
{
	struct val_iter	it;
	struct val	k, v;

	if (i >= ctl_n)
		errx(1, "there is no row %u of %u", i, ctl_n);
	val_iter_init(&it, &maps[i]);
	while (mp_map_next(&it, &k, &v))
		if (k.type == VAL_STR && k.slen == strlen(name) &&
		    memcmp(k.str, name, k.slen) == 0)
			return (v);
	errx(1, "row %u has no field %s", i, name);
}

uint64_t
ctl_num(unsigned int i, const char *name)
{
	struct val	v = field(i, name);

	switch (v.type) {
	case VAL_UINT:
		return (v.u.u);
	case VAL_BOOL:
		return ((uint64_t)v.u.b);
	default:
		errx(1, "%s of row %u is no number", name, i);
	}
}

const char *
ctl_text(unsigned int i, const char *name)
{
	static char	buf[8192];
	struct val	v = field(i, name);

	buf[0] = '\0';
	if (v.type == VAL_NIL)
		return (buf);
	if (v.type != VAL_STR || v.slen >= sizeof(buf))
		errx(1, "%s of row %u is no text", name, i);
	memcpy(buf, v.str, v.slen);
	buf[v.slen] = '\0';
	return (buf);
}

unsigned int
ctl_list(unsigned int i, const char *name)
{
	struct val	v = field(i, name);

	if (v.type != VAL_ARRAY && v.type != VAL_MAP)
		errx(1, "%s of row %u has no entries", name, i);
	return ((unsigned int)v.u.u);
}

int
ctl_is(unsigned int i, const char *name, const char *text)
{
	return (strcmp(ctl_text(i, name), text) == 0);
}

int
ctl_find(const char *name, uint64_t n)
{
	unsigned int	i;

	for (i = 0; i < ctl_n; i++)
		if (ctl_num(i, name) == n)
			return ((int)i);
	return (-1);
}

int
ctl_find_text(const char *name, const char *text)
{
	unsigned int	i;

	for (i = 0; i < ctl_n; i++)
		if (ctl_is(i, name, text))
			return ((int)i);
	return (-1);
}
