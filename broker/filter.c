/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Subscriber Black- and Whitelisting: the lists that came with a
 * publication, and what they say of a session.  Who is subscribed is not
 * looked at here.
 */
#include <string.h>

#include "broker.h"
#include "pubsub.h"

#define IS_ELIGIBLE(list)	((int)(list) & 1)
#define FIRST_TEXT		FILTER_EXCLUDE_AUTHID

/* Octets that were checked, list after list. */
struct filter_rd {
	struct m_filter	 m;
	const uint8_t	*p;
};

static int
text_skip(const uint8_t **p, size_t *left)
{
	uint16_t	len;

	if (sizeof(len) > *left)
		return (-1);
	memcpy(&len, *p, sizeof(len));
	*p += sizeof(len);
	*left -= sizeof(len);
	if (len > *left)
		return (-1);
	*p += len;
	*left -= len;
	return (0);
}

int
filter_check(const uint8_t *p, size_t left)
{
	struct m_filter	 m;
	size_t		 len;
	unsigned int	 i, n;

	if (sizeof(m) > left)
		return (-1);
	memcpy(&m, p, sizeof(m));
	p += sizeof(m);
	left -= sizeof(m);
	if ((m.present >> FILTER_LISTS) != 0)
		return (-1);
	for (i = 0; i < FILTER_LISTS; i++)
		if (m.n[i] > FILTER_MAX ||
		    (m.n[i] > 0 && (m.present & 1 << i) == 0))
			return (-1);
	for (i = 0; i < FIRST_TEXT; i++) {
		if ((len = m.n[i] * sizeof(uint64_t)) > left)
			return (-1);
		p += len;
		left -= len;
	}
	for (; i < FILTER_LISTS; i++)
		for (n = 0; n < m.n[i]; n++)
			if (text_skip(&p, &left) == -1)
				return (-1);
	return (left == 0 ? 0 : -1);
}

int
filter_has_ids(const uint8_t *p)
{
	struct m_filter	m;

	memcpy(&m, p, sizeof(m));
	return ((m.present & (1 << FILTER_EXCLUDE | 1 << FILTER_ELIGIBLE)) !=
	    0);
}

static void
rd_filter(struct filter_rd *r, const uint8_t *p)
{
	memcpy(&r->m, p, sizeof(r->m));
	r->p = p + sizeof(r->m);
}

static uint64_t
rd_id(struct filter_rd *r)
{
	uint64_t	id;

	memcpy(&id, r->p, sizeof(id));
	r->p += sizeof(id);
	return (id);
}

static void
rd_text(struct filter_rd *r, struct filter_text *t)
{
	memcpy(&t->len, r->p, sizeof(t->len));
	t->p = (const char *)r->p + sizeof(t->len);
	r->p += sizeof(t->len) + t->len;
}

/* -- by their hashes ---------------------------------------------------- */

/* Where an id is in the table of its list, or would be. */
static size_t
id_place(const struct filter *f, unsigned int list, uint64_t id)
{
	const uint16_t	*t = f->table[list];
	size_t		 i;

	for (i = hash_pair(id, 0) & f->mask[list]; t[i] != 0;
	    i = (i + 1) & f->mask[list])
		if (f->ids[list][t[i] - 1] == id)
			break;
	return (i);
}

static size_t
text_place(const struct filter *f, unsigned int list,
    const struct filter_text *want)
{
	const struct filter_text	*have;
	const uint16_t			*t = f->table[list];
	size_t				 i;

	for (i = want->hash & f->mask[list]; t[i] != 0;
	    i = (i + 1) & f->mask[list]) {
		have = &f->texts[list - FIRST_TEXT][t[i] - 1];
		if (have->hash == want->hash && have->len == want->len &&
		    memcmp(have->p, want->p, want->len) == 0)
			break;
	}
	return (i);
}

/* Room for n entries, half full at most. */
static void
table_clear(struct filter *f, unsigned int list, unsigned int n)
{
	size_t	size = 2;

	while (size < 2 * (size_t)n)
		size *= 2;
	memset(f->table[list], 0, size * sizeof(f->table[list][0]));
	f->mask[list] = (uint16_t)(size - 1);
	f->n[list] = 0;
}

void
filter_load(struct filter *f, const uint8_t *p, size_t len)
{
	struct filter_rd	 r;
	struct filter_text	 t;
	uint64_t		 id;
	uint16_t		*place;
	unsigned int		 i, n;

	rd_filter(&r, p);
	f->octets = p;
	f->len = len;
	f->present = r.m.present;
	for (i = 0; i < FILTER_LISTS; i++) {
		table_clear(f, i, r.m.n[i]);
		for (n = 0; n < r.m.n[i]; n++) {
			if (i < FIRST_TEXT) {
				id = rd_id(&r);
				place = &f->table[i][id_place(f, i, id)];
				f->ids[i][f->n[i]] = id;
			} else {
				rd_text(&r, &t);
				t.hash = hash_bytes(t.p, t.len);
				place = &f->table[i][text_place(f, i, &t)];
				f->texts[i - FIRST_TEXT][f->n[i]] = t;
			}
			if (*place == 0)
				*place = ++f->n[i];
		}
	}
}

static void
session_text(const struct session *s, unsigned int list,
    struct filter_text *t)
{
	if (list == FILTER_EXCLUDE_AUTHID || list == FILTER_ELIGIBLE_AUTHID) {
		t->hash = s->authid_hash;
		t->p = s->authid.p;
		t->len = s->authid.len;
	} else {
		t->hash = s->role->name_hash;
		t->p = s->role->name;
		t->len = (uint16_t)strlen(s->role->name);
	}
}

/* All six conditions must hold; a list that is empty has nobody. */
int
filter_allows(const struct filter *f, const struct session *s)
{
	struct filter_text	t;
	size_t			place;
	unsigned int		i;
	int			is_in;

	for (i = 0; i < FILTER_LISTS; i++) {
		if ((f->present & 1 << i) == 0)
			continue;
		if (i < FIRST_TEXT)
			place = id_place(f, i, s->id);
		else {
			session_text(s, i, &t);
			place = text_place(f, i, &t);
		}
		is_in = f->table[i][place] != 0;
		if (is_in != IS_ELIGIBLE(i))
			return (0);
	}
	return (1);
}

/* -- as they came ------------------------------------------------------- */

static int
rd_list_has(struct filter_rd *r, unsigned int list, const struct session *s)
{
	struct filter_text	t, want;
	unsigned int		n;
	int			is_in = 0;

	if (list < FIRST_TEXT) {
		for (n = 0; n < r->m.n[list]; n++)
			is_in |= rd_id(r) == s->id;
		return (is_in);
	}
	session_text(s, list, &want);
	for (n = 0; n < r->m.n[list]; n++) {
		rd_text(r, &t);
		is_in |= t.len == want.len &&
		    memcmp(t.p, want.p, t.len) == 0;
	}
	return (is_in);
}

int
filter_octets_allow(const uint8_t *p, const struct session *s)
{
	struct filter_rd	r;
	unsigned int		i;

	rd_filter(&r, p);
	for (i = 0; i < FILTER_LISTS; i++)
		if ((r.m.present & 1 << i) != 0 &&
		    rd_list_has(&r, i, s) != IS_ELIGIBLE(i))
			return (0);
	return (1);
}
