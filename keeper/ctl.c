/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What wampctl asks of the keeper, by way of the parent: how much there is,
 * and of nothing what it is.  The names of the fields are in ctl.h.
 */
#include <sys/queue.h>

#include "chan.h"
#include "conf.h"
#include "ctlrow.h"
#include "keeper.h"

static struct ctl_asked	 asked;

static void
count(struct ctlrows *r, const char *what, uint64_t n)
{
	ctlrow_memory(r, &keeper.proc, what, NULL, n, CTLROW_NONE,
	    CTLROW_NONE);
}

/*
 * There are few peers, so that all of it has room.  What waits for the
 * tlsproxies' signatures is one reply each.
 */
static void
show_memory(struct ctlrows *r)
{
	struct peer	*p;
	size_t		 used, size, n = keys_count(&used, &size);
	uint64_t	 ndialogues = 0;

	ctlrows_memory(r, &keeper.proc, CTLROW_NONE);
	ctlrow_memory(r, &keeper.proc, "keys", NULL, n, used, size);
	count(r, "users", userset_count());
	TAILQ_FOREACH(p, &keeper.peers, entry)
		ndialogues += p->ndialogues;
	count(r, "logins", ndialogues);
	count(r, "jobs", workers_count());
	TAILQ_FOREACH(p, &keeper.peers, entry)
		if (p->id.link == LINK_MAIN)
			ctlrow_memory(r, &keeper.proc, "queue", &p->id,
			    CTLROW_NONE, chan_waiting(p->chan), CTLROW_NONE);
}

int
ctl_query(struct chan *c, struct imsg *im)
{
	struct ctlrows	rows;
	enum ctl_turn	turn;

	if ((turn = ctl_asked_read(&asked, im)) == CTL_TURN_NONSENSE)
		return (-1);
	if (turn == CTL_TURN_LOST || asked.m.what != CTL_MEMORY ||
	    keeper.conf == NULL) {
		ctlrows_lost(c, im);
		return (0);
	}
	ctlrows_init(&rows);
	show_memory(&rows);
	ctlrows_send(&rows, c, &asked, 1);
	return (0);
}
