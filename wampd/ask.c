/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the parent does not know it asks its children for, one after another,
 * and passes on: the next piece when he who asks took the last one.  A child
 * is asked one question at a time, so it belongs to who asks until it has
 * answered all.  Its rows are not looked into: only their lengths are.
 */
#include <sys/types.h>

#include <stddef.h>
#include <string.h>

#include "ask.h"
#include "chan.h"
#include "ctl.h"
#include "mono.h"
#include "wampd.h"

#define MAXCOUNTS	1000	/* answers of a child to CTL_METRICS; honest
				 * ones need 50 at most */
#define PATIENCE	30000	/* ms, for an answer; and for one who reads
				 * slowly, once another one waits */

#define K	(1U << PROC_KEEPER)
#define T	(1U << PROC_TLSPROXY)
#define B	(1U << PROC_BROKER)
#define M	(1U << PROC_METRICS)

/* Who can answer it; 0: no child is asked that. */
static unsigned int
roles_of(unsigned int what)
{
	switch (what) {
	case CTL_SESSIONS:
	case CTL_SESSION:
	case CTL_SUBSCRIPTIONS:
	case CTL_REGISTRATIONS:
	case CTL_CALLS:
	case CTL_KILL_SESSION:
	case CTL_KILL_AUTHID:
		return (B);
	case CTL_CONNECTIONS:
		return (T);
	case CTL_MEMORY:
	case CTL_METRICS:
		return (K | T | B | M);
	default:
		return (0);
	}
}

/* Children are asked in this order, whoever comes and goes meanwhile. */
static unsigned int
place(const struct child *c)
{
	return ((unsigned int)c->role * 256 + c->instance + 1);
}

static int
is_asked(const struct ask *a, const struct child *c)
{
	const struct conf_realm	*r;

	if ((roles_of(a->what) & (1U << c->role)) == 0)
		return (0);
	if (c->role != PROC_BROKER || a->realm == 0)
		return (1);
	r = conf_find_realm_id(a->w->conf, a->realm);
	return (r != NULL && r->broker == c->instance);
}

static struct child *
next_child(const struct ask *a)
{
	struct child	*c, *next = NULL;
	size_t		 i;

	for (i = 0; i < a->w->nchildren; i++) {
		c = a->w->children[i];
		if (place(c) > a->place && is_asked(a, c) &&
		    (next == NULL || place(c) < place(next)))
			next = c;
	}
	return (next);
}

/* With the one asked now; what came of it is told. */
static void
leave(struct ask *a, int is_incomplete)
{
	a->place = place(a->asked);
	a->asked->asker = NULL;
	a->asked = NULL;
	a->is_incomplete |= is_incomplete;
}

static void
send_query(struct ask *a)
{
	static uint32_t		 number;
	struct child		*c = a->asked;
	struct m_ctl_query	 m;
	struct iovec		 iov[2];

	if (a->next == 0) {
		if (++number == 0)
			number = 1;
		a->query = number;
	}
	memset(&m, 0, sizeof(m));
	m.query = a->query;
	m.what = a->what;
	m.cursor = a->next;
	m.session = a->session;
	m.realm = a->realm;
	m.authidlen = (uint16_t)strlen(a->authid);
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], a->authid, m.authidlen);
	c->ask_query = a->query;
	c->ask_since = mono_ms();
	chan_sendv(c->chan, IMSG_CTL_QUERY, 0, 0, iov, 2);
}

/* The child whose turn it is: 1, 0: it is asked by somebody else. */
static int
take_child(struct ask *a)
{
	struct child	*c;

	while ((c = next_child(a)) != NULL) {
		if (c->state == CHILD_UP && c->chan != NULL &&
		    chan_is_open(c->chan))
			break;
		a->place = place(c);
		a->is_incomplete = 1;
	}
	if (c == NULL)
		return (1);
	/* or it owes one who is gone an answer */
	if (c->asker != NULL || c->ask_query != 0) {
		c->is_wanted = 1;
		return (0);
	}
	c->asker = a;
	c->asked_since = mono_ms();
	c->is_wanted = 0;
	a->asked = c;
	a->next = 0;
	a->nanswers = 0;
	return (1);
}

void
ask_begin(struct ask *a)
{
	a->asked = NULL;
	a->place = 0;
	a->is_incomplete = 0;
}

int
ask_step(struct ask *a)
{
	if (a->asked == NULL && !take_child(a))
		return (0);
	if (a->asked == NULL)
		return (1);
	/* one that is dying has no channel any more: ask_child_gone() */
	if (a->asked->ask_query == 0 && a->asked->chan != NULL &&
	    a->ops->has_room(a))
		send_query(a);
	return (0);
}

/* -- answers ------------------------------------------------------------ */

static int
is_answer(const struct child *c, const struct m_ctl_rows *m)
{
	size_t	i;

	if (c->ask_query == 0 || m->query != c->ask_query || m->is_end > 1 ||
	    m->is_lost > m->is_end || (m->cursor == 0) != (m->is_end == 1))
		return (0);
	for (i = 0; i < sizeof(m->pad); i++)
		if (m->pad[i] != 0)
			return (0);
	return (1);
}

/* The next row, 0 at the end, -1: there is none as long as it says. */
static int
next_row(const uint8_t **p, size_t *left, const uint8_t **row, uint16_t *len)
{
	if (*left == 0)
		return (0);
	if (*left < sizeof(*len))
		return (-1);
	memcpy(len, *p, sizeof(*len));
	*left -= sizeof(*len);
	*p += sizeof(*len);
	if (*len == 0 || *len > *left)
		return (-1);
	*row = *p;
	*p += *len;
	*left -= *len;
	return (1);
}

static int
are_rows(const uint8_t *p, size_t left, uint32_t nrows)
{
	const uint8_t	*row;
	uint16_t	 len;
	int		 rv;

	while ((rv = next_row(&p, &left, &row, &len)) == 1)
		if (nrows-- == 0)
			return (0);
	return (rv == 0 && nrows == 0);
}

int
ask_answer(struct child *c, const struct imsg *im)
{
	struct ask		*a = c->asker;
	struct m_ctl_rows	 m;
	const uint8_t		*p = im->data + sizeof(m), *row;
	size_t			 left = im->len - sizeof(m);
	uint16_t		 len;

	memcpy(&m, im->data, sizeof(m));
	if (left > CTL_MAXROWS || !is_answer(c, &m) ||
	    !are_rows(p, left, m.nrows))
		return (-1);
	c->ask_query = 0;
	if (a == NULL)
		return (0);
	/* it would never end */
	if (a->what == CTL_METRICS && ++a->nanswers > MAXCOUNTS)
		return (-1);
	while (next_row(&p, &left, &row, &len) == 1)
		if (a->ops->row(a, row, len) == -1)
			return (0);
	a->next = m.cursor;
	if (m.is_end)
		leave(a, m.is_lost);
	return (0);
}

void
ask_skip(struct ask *a)
{
	struct child	*c;

	if (a->asked != NULL)
		leave(a, 1);
	else if ((c = next_child(a)) != NULL) {
		a->place = place(c);
		a->is_incomplete = 1;
	}
}

void
ask_child_gone(struct child *c)
{
	c->ask_query = 0;
	if (c->asker != NULL)
		leave(c->asker, 1);
}

void
ask_end(struct ask *a)
{
	if (a->asked != NULL)
		leave(a, 1);
}

void
ask_tick(struct wampd *w)
{
	struct child	*c;
	uint64_t	 now = mono_ms();
	size_t		 i;

	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->ask_query != 0 && now - c->ask_since > PATIENCE)
			child_kill(c, "did not answer a question for %d s",
			    PATIENCE / 1000);
		else if (c->asker != NULL && c->ask_query == 0 &&
		    c->is_wanted && now - c->asked_since > PATIENCE)
			c->asker->ops->drop(c->asker);
	}
}
