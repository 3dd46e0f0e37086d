/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampctl drain and resume: tlsproxies that accept nobody and send their
 * clients away, until they are told otherwise, and who of them is done.
 */
#include <sys/types.h>

#include "chan.h"
#include "wampd.h"

static void
send_drain(struct child *c, uint32_t ms, int is_upgrade)
{
	struct m_drain	m = { c->w->drain.number, ms,
	    (uint32_t)is_upgrade };

	c->is_drained = 0;
	chan_send(c->chan, IMSG_DRAIN, 0, 0, &m, sizeof(m));
}

static int
may_have_clients(const struct child *c)
{
	/* who asks for metrics is sent away by an upgrade only */
	return ((c->role == PROC_TLSPROXY || (c->role == PROC_METRICS &&
	    c->w->is_caretaker)) && c->chan != NULL &&
	    c->state >= CHILD_ACCEPT);
}

/* What a supervisor is told in STATUS. */
const char *
drain_status(const struct wampd *w)
{
	if (!w->drain.is_on)
		return ("serving");
	return (w->drain.is_done ? "drained: no client is accepted" :
	    "draining");
}

/* Again, with another time, if it is under way. */
void
drain_begin(struct wampd *w, uint32_t ms)
{
	struct drain	*d = &w->drain;
	char		 text[32];
	size_t		 i;

	d->is_on = 1;
	d->is_done = 0;
	d->number++;
	for (i = 0; i < w->nchildren; i++)
		if (may_have_clients(w->children[i]))
			send_drain(w->children[i], ms, 0);
	log_info("draining: no client is accepted, all are sent away within "
	    "%s", conf_text_time(text, sizeof(text), ms));
	notify(w, "STATUS=%s", drain_status(w));
}

/*
 * Of a caretaker: the successors serve.  Those with registrations go first,
 * so that procedures are soon where callers go.
 */
void
drain_old(struct wampd *w)
{
	size_t	i;

	w->drain.is_on = 1;
	w->drain.number++;
	for (i = 0; i < w->nchildren; i++)
		if (may_have_clients(w->children[i]))
			send_drain(w->children[i], w->conf->grace, 1);
	caretaker_hurry(w);
}

void
drain_resume(struct wampd *w)
{
	size_t	i;

	if (!w->drain.is_on)
		return;
	w->drain.is_on = w->drain.is_done = 0;
	for (i = 0; i < w->nchildren; i++)
		if (may_have_clients(w->children[i]))
			chan_send(w->children[i]->chan, IMSG_RESUME, 0, 0,
			    NULL, 0);
	log_info("clients are accepted again");
	notify(w, "STATUS=%s", drain_status(w));
}

/* Before one that was started meanwhile hears ACCEPT. */
void
drain_of_new(struct child *c)
{
	if (c->w->drain.is_on)
		send_drain(c, 0, 0);
}

/* DRAINED; one that answers what was taken back or said anew is late. */
int
drain_done(struct child *c, uint32_t number)
{
	struct drain	*d = &c->w->drain;

	if (!may_have_clients(c) ||
	    number == 0 || number > d->number || c->is_drained)
		return (-1);
	if (d->is_on && number == d->number)
		c->is_drained = 1;
	return (0);
}

/* At the end of each turn: is nobody left anywhere? */
void
drain_progress(struct wampd *w)
{
	struct drain	*d = &w->drain;
	size_t		 i;

	if (!d->is_on || d->is_done)
		return;
	for (i = 0; i < w->nchildren; i++)
		if (may_have_clients(w->children[i]) &&
		    !w->children[i]->is_drained)
			return;
	d->is_done = 1;
	if (w->is_caretaker) {
		chan_loop_exit();
		return;
	}
	log_info("drained: no client is left");
	notify(w, "STATUS=%s", drain_status(w));
}
