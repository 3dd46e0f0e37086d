/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Where a walk over the broker's tables stands, which takes many turns
 * (ctl.c): at the next object.  Who takes one out of its list tells it here,
 * and the walk goes on with the one behind.  The lists are in the order in
 * which things came, and what came after the walk began is left out where
 * it would be met: so what was there all the time is met once, whatever
 * comes and goes.  There is one walk at a time.
 */
#ifndef WAMPD_WALK_H
#define WAMPD_WALK_H

#include "broker.h"
#include "dealer.h"
#include "pubsub.h"

struct walk {
	struct peer		*peer;
	struct session		*session;	/* its next, or NULL */
	struct realm		*realm;
	unsigned int		 match;		/* enum uri_match, of: */
	struct subscription	*sub;		/* the realm's next, or NULL */
	struct registration	*reg;		/* likewise */
	struct invocation	*inv;
	int			 is_one;	/* of that realm only */
	uint64_t		 nextreg;	/* id, when it began */
	uint64_t		 lastserial;	/* likewise */
	uint64_t		 began;		/* broker_now() */
};
extern struct walk	 walk;

/* -1: not told, there is no room; the walk stops in front of it. */
typedef int	walk_fn(void *object, void *arg);

/* The walk that was is over.  One realm, or NULL: all. */
void	 walk_begin(struct realm *);
void	 walk_end(void);
/*
 * Some *steps of it, which are taken from them; 1: that was all.  fn must
 * not free anything.
 */
int	 walk_sessions(unsigned int *steps, walk_fn *, void *);
int	 walk_realms(unsigned int *steps, walk_fn *, void *);
int	 walk_subscriptions(unsigned int *steps, walk_fn *, void *);
int	 walk_registrations(unsigned int *steps, walk_fn *, void *);
int	 walk_invocations(unsigned int *steps, walk_fn *, void *);

/* -- before one is taken out of its list -------------------------------- */

void	 walk_leave_peer(const struct peer *);
void	 walk_leave_realm(const struct realm *);

static inline void
walk_leave_session(const struct session *s)
{
	if (walk.session == s)
		walk.session = LIST_NEXT(s, peer_entry);
}

static inline void
walk_leave_sub(const struct subscription *sub)
{
	if (walk.sub == sub)
		walk.sub = LIST_NEXT(sub, realm_entry);
}

static inline void
walk_leave_reg(const struct registration *reg)
{
	if (walk.reg == reg)
		walk.reg = TAILQ_NEXT(reg, realm_entry);
}

static inline void
walk_leave_invocation(const struct invocation *inv)
{
	if (walk.inv == inv)
		walk.inv = TAILQ_NEXT(inv, all_entry);
}

#endif /* WAMPD_WALK_H */
