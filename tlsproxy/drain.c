/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampctl drain: nobody new is accepted, and those who are here are sent away
 * one after the other, spread over the time that the parent said, so that
 * they do not all come to another router at once.
 */
#include <sys/queue.h>

#include <event2/event.h>
#include <string.h>

#include "chan.h"
#include "mono.h"
#include "tlsproxy.h"

#define DRAIN_STEP_MS	20
#define DRAIN_A_TURN	256	/* connections */
#define JOIN_MS		2000	/* an upgrade: for who has just connected */

/* How many should have been told by now. */
static uint64_t
due(const struct drain *d, uint64_t now)
{
	if (now - d->begin >= d->ms)
		return (d->total);
	return (d->total * (now - d->begin) / d->ms);
}

static void
next_step(struct drain *d, int is_late)
{
	struct timeval	tv = { 0, is_late ? 0 : DRAIN_STEP_MS * 1000 };

	event_add(d->timer, &tv);
}

/* Is it his turn, and was he not told before? */
static int
is_to_go(const struct drain *d, const struct conn *c)
{
	if (c->is_leaving || c->state >= CONN_CLOSING)
		return (0);
	switch (d->pass) {
	case DRAIN_CALLEES:
		return (c->sess != NULL && c->sess->nregs > 0);
	case DRAIN_SESSIONS:
		return (c->sess != NULL && c->sess->state == SESS_JOINED);
	default:
		return (1);
	}
}

/* All of the list were looked at: once more for others?  -1: not yet. */
static int
next_pass(struct proxy *p)
{
	struct drain	*d = &p->drain;
	struct timeval	 tv;
	uint64_t	 now = mono_ms(), at = d->begin + d->ms + JOIN_MS;

	if (d->pass == DRAIN_ALL)
		return (-1);
	if (d->pass == DRAIN_SESSIONS && now < at) {
		tv.tv_sec = (time_t)((at - now) / 1000);
		tv.tv_usec = (suseconds_t)((at - now) % 1000) * 1000;
		event_add(d->timer, &tv);
		return (-1);
	}
	d->pass++;
	d->next = TAILQ_FIRST(&p->conns);
	return (0);
}

/* conn.c moves d->next on when that one goes by itself. */
static void
step(evutil_socket_t fd, short what, void *arg)
{
	struct proxy	*p = arg;
	struct drain	*d = &p->drain;
	struct conn	*c;
	uint64_t	 upto = due(d, mono_ms());
	unsigned int	 n;

	(void)fd;
	(void)what;
	for (n = 0; n < DRAIN_A_TURN && d->told < upto; n++) {
		if ((c = d->next) == NULL) {
			if (next_pass(p) == -1)
				return;
			continue;
		}
		d->next = TAILQ_NEXT(c, entry);
		if (!is_to_go(d, c))
			continue;
		d->told++;
		session_shutdown(c);
	}
	if (d->told < d->total && (d->next != NULL || d->pass != DRAIN_ALL))
		next_step(d, d->told < upto);
}

void
drain_init(struct proxy *p)
{
	p->drain.timer = evtimer_new(p->proc.base, step, p);
	if (p->drain.timer == NULL)
		fatalx("tlsproxy: out of memory");
}

int
drain_on_drain(struct chan *ch, struct imsg *m)
{
	struct proxy	*p = proxy;
	struct drain	*d = &p->drain;
	struct m_drain	 md;

	(void)ch;
	memcpy(&md, m->data, sizeof(md));
	if (md.is_upgrade > 1)
		return (-1);
	/* who waits is among those who are told */
	if (md.is_upgrade)
		listeners_leave(p);
	d->is_on = 1;
	d->number = md.number;
	d->was_said = 0;
	d->begin = mono_ms();
	d->ms = md.ms;
	d->total = p->nconns;
	d->told = 0;
	d->is_upgrade = (int)md.is_upgrade;
	/* who has no session yet could only be cut off */
	d->pass = d->is_upgrade ? DRAIN_CALLEES : DRAIN_ALL;
	d->next = TAILQ_FIRST(&p->conns);
	listeners_update(p);
	next_step(d, 1);
	return (0);
}

/* Who was told is told; all others stay. */
int
drain_on_resume(struct chan *ch, struct imsg *m)
{
	struct proxy	*p = proxy;

	(void)ch;
	(void)m;
	p->drain.is_on = 0;
	p->drain.next = NULL;
	event_del(p->drain.timer);
	listeners_update(p);
	return (0);
}

/* At the end of a turn: is nobody left, and was that number reported? */
void
drain_turn_end(struct proxy *p)
{
	struct m_u32	m = { p->drain.number };

	if (!p->drain.is_on || p->drain.was_said || p->nconns > 0 ||
	    p->total_dirty)
		return;
	p->drain.was_said = 1;
	chan_send(p->proc.parent, IMSG_DRAINED, 0, 0, &m, sizeof(m));
}
