/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Subscriber Black- and Whitelisting: the lists that came with a
 * publication, and what they say of a session.  Who is subscribed is not
 * looked at here.
 */
#include <stdlib.h>
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

/* -- sorted ------------------------------------------------------------- */

static int
id_cmp(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

static int
text_cmp(const void *a, const void *b)
{
	const struct filter_text	*x = a, *y = b;

	return (x->hash < y->hash ? -1 : x->hash > y->hash);
}

void
filter_load(struct filter *f, const uint8_t *p, size_t len)
{
	struct filter_rd	 r;
	struct filter_text	*t;
	unsigned int		 i, n;

	rd_filter(&r, p);
	f->octets = p;
	f->len = len;
	f->present = r.m.present;
	memcpy(f->n, r.m.n, sizeof(f->n));
	for (i = 0; i < FIRST_TEXT; i++) {
		for (n = 0; n < f->n[i]; n++)
			f->ids[i][n] = rd_id(&r);
		qsort(f->ids[i], n, sizeof(f->ids[i][0]), id_cmp);
	}
	for (; i < FILTER_LISTS; i++) {
		t = f->texts[i - FIRST_TEXT];
		for (n = 0; n < f->n[i]; n++) {
			rd_text(&r, &t[n]);
			t[n].hash = hash_bytes(t[n].p, t[n].len);
		}
		qsort(t, n, sizeof(*t), text_cmp);
	}
}

static int
has_id(const struct filter *f, unsigned int list, uint64_t id)
{
	return (f->n[list] > 0 && bsearch(&id, f->ids[list], f->n[list],
	    sizeof(id), id_cmp) != NULL);
}

static int
has_text(const struct filter *f, unsigned int list,
    const struct filter_text *want)
{
	const struct filter_text	*t = f->texts[list - FIRST_TEXT];
	size_t				 low = 0, high = f->n[list], mid;

	/* the first of that hash */
	while (low < high) {
		mid = (low + high) / 2;
		if (t[mid].hash < want->hash)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < f->n[list] && t[low].hash == want->hash; low++)
		if (t[low].len == want->len &&
		    memcmp(t[low].p, want->p, want->len) == 0)
			return (1);
	return (0);
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
	unsigned int		i;
	int			is_in;

	for (i = 0; i < FILTER_LISTS; i++) {
		if ((f->present & 1 << i) == 0)
			continue;
		if (i < FIRST_TEXT)
			is_in = has_id(f, i, s->id);
		else {
			session_text(s, i, &t);
			is_in = has_text(f, i, &t);
		}
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
