/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which of the callees of a registration gets a call (WAMP, Shared
 * Registration), and which the next one if it does not take it.
 */
#include "dealer.h"

const char *
invoke_name(enum invoke_policy policy)
{
	static const char *const	names[INVOKE_MAX] = {
		"single", "first", "last", "roundrobin", "random"
	};

	return (names[policy]);
}

static enum pick_end
callee_may(const struct callee *cl, uint32_t features,
    const struct uri *trusted)
{
	const struct session	*s = cl->session;

	if (session_is_over(s) ||
	    (trusted != NULL && !role_trusts(s->role, trusted)))
		return (PICK_NOBODY);
	if ((s->features & features) != features)
		return (PICK_UNABLE);
	if (callee_is_full(cl) || s->is_slow || peer_is_slow(s->peer))
		return (PICK_BUSY);
	return (PICK_FOUND);
}

/* That somebody is busy says more than that somebody is not able to. */
static enum pick_end
pick_worse(enum pick_end a, enum pick_end b)
{
	if (a == PICK_BUSY || b == PICK_NOBODY)
		return (a);
	return (b);
}

/* The list is a ring, gone round in the direction of the policy. */
static struct callee *
callee_after(const struct registration *reg, const struct callee *cl)
{
	struct callee	*next;

	if (reg->invoke == INVOKE_LAST) {
		next = TAILQ_PREV(cl, callees, entry);
		return (next != NULL ? next :
		    TAILQ_LAST(&reg->callees, callees));
	}
	next = TAILQ_NEXT(cl, entry);
	return (next != NULL ? next : TAILQ_FIRST(&reg->callees));
}

/* One of the first n in the pool. */
static struct callee *
draw(struct registration *reg, uint32_t n)
{
	return (reg->pool[hash_pair(reg->id, ++reg->ndrawn) % n]);
}

static struct callee *
callee_first(struct registration *reg)
{
	switch (reg->invoke) {
	case INVOKE_LAST:
		return (TAILQ_LAST(&reg->callees, callees));
	case INVOKE_ROUNDROBIN:
		if (reg->last != NULL)
			return (callee_after(reg, reg->last));
		break;
	case INVOKE_RANDOM:
		return (draw(reg, reg->ncallees));
	}
	return (TAILQ_FIRST(&reg->callees));
}

struct callee *
invoke_pick(struct registration *reg, uint32_t features,
    const struct uri *trusted, enum pick_end *end)
{
	struct callee	*cl;
	enum pick_end	 e;
	uint32_t	 n;

	/* what happens under load should not take long */
	*end = PICK_BUSY;
	if (reg->nfull == reg->ncallees)
		return (NULL);
	*end = PICK_NOBODY;
	cl = callee_first(reg);
	for (n = reg->ncallees; n > 0; n--) {
		e = callee_may(cl, features, trusted);
		if (e == PICK_FOUND) {
			if (reg->invoke == INVOKE_ROUNDROBIN)
				reg->last = cl;
			*end = e;
			return (cl);
		}
		*end = pick_worse(*end, e);
		cl = callee_after(reg, cl);
	}
	return (NULL);
}

/* -- once more ---------------------------------------------------------- */

/*
 * A number that grows on the way from one callee to the next, so that none
 * is asked twice, whoever leaves or comes meanwhile.
 */
static uint64_t
rank(const struct registration *reg, const struct call_kept *k,
    uint64_t order)
{
	switch (reg->invoke) {
	case INVOKE_FIRST:
		return (order);
	case INVOKE_LAST:
		return (UINT64_MAX - order);
	default:
		/* round the ring, from where it began */
		return (order >= k->start ? order - k->start + 1 :
		    order | 1ULL << 63);
	}
}

/* The callee of the lowest rank over that. */
static struct callee *
callee_beyond(const struct registration *reg, const struct call_kept *k,
    uint64_t from)
{
	struct callee	*cl, *found = NULL;
	uint64_t	 n, lowest = UINT64_MAX;

	TAILQ_FOREACH(cl, &reg->callees, entry) {
		n = rank(reg, k, cl->order);
		if (n > from && n <= lowest) {
			lowest = n;
			found = cl;
		}
	}
	return (found);
}

/* Where to begin: who was asked first is out; NULL: nobody else is there. */
static struct callee *
again_first(struct registration *reg, struct callee *by,
    struct call_kept *k)
{
	struct callee	*cl;

	k->is_begun = 1;
	k->first = k->start = by->order;
	k->rank = rank(reg, k, by->order);
	if (reg->invoke != INVOKE_RANDOM)
		return (NULL);
	/* not always the same one after it, who would get twice as many */
	cl = draw(reg, reg->ncallees);
	if (cl == by)
		cl = callee_after(reg, cl);
	k->start = cl->order;
	k->rank = 0;
	return (cl);
}

struct callee *
invoke_again(struct registration *reg, const struct invocation *inv,
    uint32_t features, enum pick_end *end)
{
	struct call_kept	*k = inv->kept;
	struct callee	*cl = NULL;
	enum pick_end	 e;
	uint64_t	 n;

	*end = PICK_NOBODY;
	if (!k->is_begun)
		cl = again_first(reg, inv->by, k);
	if (cl == NULL)
		cl = inv->by->reg != NULL ? callee_after(reg, inv->by) :
		    callee_beyond(reg, k, k->rank);
	while (cl != NULL && (n = rank(reg, k, cl->order)) > k->rank) {
		k->rank = n;
		e = cl->order == k->first ? PICK_NOBODY :
		    callee_may(cl, features, NULL);
		if (e == PICK_FOUND) {
			*end = e;
			return (cl);
		}
		*end = pick_worse(*end, e);
		cl = callee_after(reg, cl);
	}
	return (NULL);
}
