/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the parent does not know it asks its children for, one after another,
 * and passes on: the next piece when the client took the last one.  A child
 * is asked one question at a time, so it belongs to the client who asks until
 * it has answered all.  Its rows are not looked into: only their lengths are.
 */
#include <sys/types.h>

#include <stddef.h>
#include <string.h>

#include "chan.h"
#include "control.h"
#include "mono.h"

/* Rows of one octet, each with its frame, and the last frame. */
#define ROOM	(CTL_MAXROWS / 3 * (sizeof(struct ctl_frame) + 1) + 2048)
#define PATIENCE	30000	/* ms, for an answer; and for a client who
				 * reads slowly, once another one waits */

#define K	(1U << PROC_KEEPER)
#define T	(1U << PROC_TLSPROXY)
#define B	(1U << PROC_BROKER)

_Static_assert(ROOM < CONTROL_MAXOUT, "an answer fits");

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
		return (K | T | B);
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
is_asked(const struct control_client *k, const struct child *c)
{
	const struct conf_realm	*r;

	if ((roles_of(k->req.what) & (1U << c->role)) == 0)
		return (0);
	if (c->role != PROC_BROKER || k->realm == 0)
		return (1);
	r = conf_find_realm_id(k->w->conf, k->realm);
	return (r != NULL && r->broker == c->instance);
}

static struct child *
next_child(const struct control_client *k)
{
	struct child	*c, *next = NULL;
	size_t		 i;

	for (i = 0; i < k->w->nchildren; i++) {
		c = k->w->children[i];
		if (place(c) > k->place && is_asked(k, c) &&
		    (next == NULL || place(c) < place(next)))
			next = c;
	}
	return (next);
}

/* With the one asked now; what came of it is told. */
static void
leave(struct control_client *k, int is_incomplete)
{
	k->place = place(k->asked);
	k->asked->asker = NULL;
	k->asked = NULL;
	k->is_incomplete |= is_incomplete;
}

static void
send_query(struct control_client *k)
{
	static uint32_t		 number;
	struct child		*c = k->asked;
	struct m_ctl_query	 m;
	struct iovec		 iov[2];

	if (k->next == 0) {
		if (++number == 0)
			number = 1;
		k->query = number;
	}
	memset(&m, 0, sizeof(m));
	m.query = k->query;
	m.what = k->req.what;
	m.cursor = k->next;
	m.session = k->req.session;
	m.realm = k->realm;
	m.authidlen = (uint16_t)strlen(k->req.authid);
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], k->req.authid, m.authidlen);
	c->ask_query = k->query;
	c->ask_since = mono_ms();
	chan_sendv(c->chan, IMSG_CTL_QUERY, 0, 0, iov, 2);
}

/* The child whose turn it is: 1, 0: it is asked by somebody else. */
static int
take_child(struct control_client *k)
{
	struct child	*c;

	while ((c = next_child(k)) != NULL) {
		if (c->state == CHILD_UP && c->chan != NULL &&
		    chan_is_open(c->chan))
			break;
		k->place = place(c);
		k->is_incomplete = 1;
	}
	if (c == NULL)
		return (1);
	/* or it owes one who is gone an answer */
	if (c->asker != NULL || c->ask_query != 0) {
		c->is_wanted = 1;
		return (0);
	}
	c->asker = k;
	c->asked_since = mono_ms();
	c->is_wanted = 0;
	k->asked = c;
	k->next = 0;
	return (1);
}

int
control_ask(struct control_client *k)
{
	if (k->asked == NULL && !take_child(k))
		return (0);
	if (k->asked == NULL)
		return (control_put(k, CTL_END, k->is_incomplete ?
		    CTL_INCOMPLETE : 0, NULL, 0) == 0);
	/* one that is dying has no channel any more: control_child_gone() */
	if (k->asked->ask_query == 0 && k->asked->chan != NULL &&
	    control_room(k) >= ROOM)
		send_query(k);
	return (0);
}

int
control_ask_begin(struct control_client *k)
{
	const struct ctl_request	*r = &k->req;
	const struct conf_realm		*realm;

	k->place = 0;
	k->is_incomplete = 0;
	k->realm = 0;
	/* nothing said would mean all */
	if ((r->what == CTL_KILL_AUTHID && r->authid[0] == '\0') ||
	    ((r->what == CTL_KILL_SESSION || r->what == CTL_SESSION) &&
	    r->session == 0)) {
		control_error(k, "which one is not said");
		return (-1);
	}
	if (r->realm[0] == '\0')
		return (0);
	realm = conf_find_realm(k->w->conf, r->realm, strlen(r->realm));
	if (realm == NULL) {
		control_error(k, "there is no such realm");
		return (-1);
	}
	k->realm = realm->id;
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

/* A child answers: 0, or -1 for nonsense. */
int
control_answer(struct child *c, const struct imsg *im)
{
	struct control_client	*k = c->asker;
	struct m_ctl_rows	 m;
	const uint8_t		*p = im->data + sizeof(m), *row;
	size_t			 left = im->len - sizeof(m);
	uint16_t		 len;

	memcpy(&m, im->data, sizeof(m));
	if (left > CTL_MAXROWS || !is_answer(c, &m) ||
	    !are_rows(p, left, m.nrows))
		return (-1);
	c->ask_query = 0;
	if (k == NULL)
		return (0);
	k->since = mono_ms();
	while (next_row(&p, &left, &row, &len) == 1)
		if (control_put(k, CTL_ROW, 0, row, len) == -1) {
			control_close(k);
			return (0);
		}
	k->next = m.cursor;
	if (m.is_end)
		leave(k, m.is_lost);
	return (0);
}

/* It is gone, and with it what it would have said. */
void
control_child_gone(struct child *c)
{
	c->ask_query = 0;
	if (c->asker != NULL)
		leave(c->asker, 1);
}

/* The client is gone, or is answered. */
void
control_ask_end(struct control_client *k)
{
	if (k->asked != NULL)
		leave(k, 1);
}

/* Every second: nobody keeps a child to himself. */
void
control_ask_tick(struct wampd *w)
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
			control_close(c->asker);
	}
}
