/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A walk over all sessions, subscriptions, registrations or calls, a piece a
 * turn, while they come and go.
 */
#include <string.h>

#include "walk.h"

struct walk	 walk;

static void
at_peer(struct peer *p)
{
	walk.peer = p;
	walk.session = p != NULL ? LIST_FIRST(&p->sessions) : NULL;
}

static void
at_list(struct realm *r, unsigned int match)
{
	walk.realm = r;
	walk.match = match;
	walk.sub = r != NULL ? LIST_FIRST(&r->subs[match]) : NULL;
	walk.reg = r != NULL ? TAILQ_FIRST(&r->regs[match]) : NULL;
}

static void
next_realm(void)
{
	at_list(walk.is_one ? NULL : TAILQ_NEXT(walk.realm, entry), 0);
}

static void
next_list(void)
{
	if (walk.match + 1 < MATCH_MAX)
		at_list(walk.realm, walk.match + 1);
	else
		next_realm();
}

void
walk_begin(struct realm *r)
{
	uint64_t	n = broker.lastreg;

	memset(&walk, 0, sizeof(walk));
	walk.is_one = r != NULL;
	walk.nextreg = router_id(&n);
	walk.lastserial = broker.lastserial;
	walk.began = broker_now();
	at_peer(TAILQ_FIRST(&broker.peers));
	at_list(r != NULL ? r : TAILQ_FIRST(&broker.realms), 0);
	walk.inv = TAILQ_FIRST(&broker.underway);
}

void
walk_end(void)
{
	memset(&walk, 0, sizeof(walk));
}

void
walk_leave_peer(const struct peer *p)
{
	if (walk.peer == p)
		at_peer(TAILQ_NEXT(p, entry));
}

void
walk_leave_realm(const struct realm *r)
{
	if (walk.realm == r)
		next_realm();
}

/* A peer's last sessions come first. */
int
walk_sessions(unsigned int *steps, walk_fn *fn, void *arg)
{
	struct session	*s;

	for (; *steps > 0; (*steps)--) {
		if ((s = walk.session) != NULL) {
			if (s->serial <= walk.lastserial && fn(s, arg) == -1)
				return (0);
			walk.session = LIST_NEXT(s, peer_entry);
		} else if (walk.peer != NULL)
			at_peer(TAILQ_NEXT(walk.peer, entry));
		else
			return (1);
	}
	return (0);
}

int
walk_realms(unsigned int *steps, walk_fn *fn, void *arg)
{
	for (; *steps > 0; (*steps)--) {
		if (walk.realm == NULL)
			return (1);
		if (fn(walk.realm, arg) == -1)
			return (0);
		next_realm();
	}
	return (0);
}

/* A list's last come first. */
int
walk_subscriptions(unsigned int *steps, walk_fn *fn, void *arg)
{
	struct subscription	*sub;

	for (; *steps > 0; (*steps)--) {
		if ((sub = walk.sub) != NULL) {
			if (fn(sub, arg) == -1)
				return (0);
			walk.sub = LIST_NEXT(sub, realm_entry);
		} else if (walk.realm != NULL)
			next_list();
		else
			return (1);
	}
	return (0);
}

/* A list's first come first. */
int
walk_registrations(unsigned int *steps, walk_fn *fn, void *arg)
{
	struct registration	*reg;

	for (; *steps > 0; (*steps)--) {
		if ((reg = walk.reg) != NULL && reg->id < walk.nextreg) {
			if (fn(reg, arg) == -1)
				return (0);
			walk.reg = TAILQ_NEXT(reg, realm_entry);
		} else if (walk.realm != NULL)
			next_list();
		else
			return (1);
	}
	return (0);
}

/* The oldest come first. */
int
walk_invocations(unsigned int *steps, walk_fn *fn, void *arg)
{
	struct invocation	*inv;

	for (; *steps > 0; (*steps)--) {
		inv = walk.inv;
		if (inv == NULL || inv->began > walk.began)
			return (1);
		if (fn(inv, arg) == -1)
			return (0);
		walk.inv = TAILQ_NEXT(inv, all_entry);
	}
	return (0);
}
