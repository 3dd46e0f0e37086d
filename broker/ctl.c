/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What wampctl asks, by way of the parent: a question is answered in pieces,
 * each of which is little work, and nothing waits here to be asked for.
 */
#include <string.h>

#include "ctlask.h"
#include "meta.h"
#include "walk.h"

#define CTL_STEPS	4096	/* objects looked at in a turn */
#define CTL_ROWS	200	/* told of */

static struct ctl_asked	 asked;
static uint64_t		 nkilled;	/* by this question */

/* -- which ones --------------------------------------------------------- */

static int
is_of_authid(const struct session *s)
{
	return (asked.m.authidlen == 0 ||
	    (s->authid.len == asked.m.authidlen &&
	    memcmp(s->authid.p, asked.authid, s->authid.len) == 0));
}

static int
is_of_realm(const struct realm *r)
{
	return (asked.m.realm == 0 || (r != NULL && r->id == asked.m.realm));
}

static int
is_enough(const struct ctlrows *r)
{
	return (r->nrows >= CTL_ROWS);
}

static int
tell_session(void *object, void *arg)
{
	const struct session	*s = object;

	if (session_is_over(s) || !is_of_realm(s->realm) || !is_of_authid(s))
		return (0);
	return (is_enough(arg) ? -1 : ctl_row_session(arg, s));
}

static int
tell_subscription(void *object, void *arg)
{
	return (is_enough(arg) ? -1 : ctl_row_subscription(arg, object));
}

static int
tell_registration(void *object, void *arg)
{
	return (is_enough(arg) ? -1 : ctl_row_registration(arg, object));
}

static int
tell_call(void *object, void *arg)
{
	const struct invocation	*inv = object;

	if (!is_of_realm(inv->caller != NULL ? inv->caller->realm :
	    inv->callee->realm))
		return (0);
	return (is_enough(arg) ? -1 : ctl_row_call(arg, inv));
}

/* -- words: 1: that was all --------------------------------------------- */

static int
show_sessions(struct ctlrows *r, unsigned int *steps)
{
	return (walk_sessions(steps, tell_session, r));
}

static int
show_session(struct ctlrows *r, unsigned int *steps)
{
	const struct session	*s = session_find_id(asked.m.session);

	(void)steps;
	if (s != NULL && !session_is_over(s))
		(void)ctl_row_one_session(r, s);
	return (1);
}

static int
show_subscriptions(struct ctlrows *r, unsigned int *steps)
{
	return (walk_subscriptions(steps, tell_subscription, r));
}

static int
show_registrations(struct ctlrows *r, unsigned int *steps)
{
	return (walk_registrations(steps, tell_registration, r));
}

static int
show_calls(struct ctlrows *r, unsigned int *steps)
{
	return (walk_invocations(steps, tell_call, r));
}

static int
show_memory(struct ctlrows *r, unsigned int *steps)
{
	(void)steps;
	ctl_rows_memory(r);
	return (1);
}

static int
show_metrics(struct ctlrows *r, unsigned int *steps)
{
	return (ctl_rows_metrics(r, steps));
}

static int
tell_killed(struct ctlrows *r)
{
	ctlrow_begin(r);
	ctlrow_uint(r, "killed", nkilled);
	return (ctlrow_end(r) == 0);
}

static int
kill_session(struct ctlrows *r, unsigned int *steps)
{
	struct session	*s = session_find_id(asked.m.session);

	(void)steps;
	if (s != NULL)
		nkilled = (uint64_t)kill_for_admin(s);
	return (tell_killed(r));
}

/* Those that are in the realm, a piece of them. */
static int
kill_in_realm(void *object, void *arg)
{
	const struct realm	*r = object;
	unsigned int		*steps = arg;
	struct identity		*ident;
	struct session		*s, *next;
	uint32_t		 left;

	ident = identity_find(r, asked.authid, asked.m.authidlen);
	if (ident == NULL)
		return (0);
	left = ident->nmembers;
	for (s = LIST_FIRST(&ident->members); left > 0; s = next, left--) {
		if (*steps <= 1)
			return (-1);
		(*steps)--;
		/* it is freed with its last member */
		next = LIST_NEXT(s, identity_entry);
		nkilled += (uint64_t)kill_for_admin(s);
	}
	return (0);
}

static int
kill_authid(struct ctlrows *r, unsigned int *steps)
{
	if (!walk_realms(steps, kill_in_realm, steps))
		return (0);
	return (tell_killed(r));
}

static const struct word {
	uint16_t	 what;		/* enum ctl_what */
	int		(*tell)(struct ctlrows *, unsigned int *steps);
} words[] = {
	{ CTL_SESSIONS, show_sessions },
	{ CTL_SESSION, show_session },
	{ CTL_SUBSCRIPTIONS, show_subscriptions },
	{ CTL_REGISTRATIONS, show_registrations },
	{ CTL_CALLS, show_calls },
	{ CTL_MEMORY, show_memory },
	{ CTL_METRICS, show_metrics },
	{ CTL_KILL_SESSION, kill_session },
	{ CTL_KILL_AUTHID, kill_authid },
};

static const struct word *
word_find(uint16_t what)
{
	size_t	i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].what == what)
			return (&words[i]);
	return (NULL);
}

/* -- the parent asks ---------------------------------------------------- */

static void
begin(void)
{
	struct realm	*r = NULL;

	nkilled = 0;
	ctl_metrics_begin();
	if (asked.m.realm != 0 && (r = realm_find(asked.m.realm)) == NULL)
		walk_end();	/* there is nothing to be met */
	else
		walk_begin(r);
}

int
ctl_query(struct chan *c, struct imsg *im)
{
	const struct word	*w;
	struct ctlrows		 rows;
	unsigned int		 steps = CTL_STEPS;
	enum ctl_turn		 turn;
	int			 is_end;

	if ((turn = ctl_asked_read(&asked, im)) == CTL_TURN_NONSENSE)
		return (-1);
	if (turn == CTL_TURN_LOST || (w = word_find(asked.m.what)) == NULL ||
	    broker.conf == NULL) {
		ctlrows_lost(c, im);
		return (0);
	}
	ctlrows_init(&rows);
	if (turn == CTL_TURN_BEGIN)
		begin();
	if ((is_end = w->tell(&rows, &steps)))
		walk_end();
	ctlrows_send(&rows, c, &asked, is_end);
	return (0);
}
