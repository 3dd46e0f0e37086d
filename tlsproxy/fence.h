/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * How much of what one client says may be under way to its broker and back.
 */
#ifndef WAMPD_FENCE_H
#define WAMPD_FENCE_H

#include <stdint.h>

#define FENCES_MAX	2		/* under way */
#define FENCE_LOST	1000		/* ms; one that is away longer holds
					 * nobody up */

/* A FENCE that is under way. */
struct fence {
	uint64_t	 at;		/* when it was sent */
	uint64_t	 own, total;	/* before what it is behind */
	uint32_t	 said;		/* which is so much */
	uint32_t	 out;		/* under way, with that */
};

/*
 * What is said is counted in units: one for a message and one for each
 * KiB of it.  Times are mono_us()'s.
 */
struct fences {
	uint32_t	 window;	/* as much may be under way */
	uint32_t	 out;		/* as much is, ... */
	uint32_t	 said;		/* ... with what no fence follows yet */
	uint32_t	 n, nback;	/* away; back, of those */
	uint64_t	 own;		/* said, ever */
	uint64_t	 own_then;	/* at the last fence, */
	uint64_t	 total_then;	/* and what all had said */
	struct fence	 f[FENCES_MAX];	/* the oldest first */
	uint8_t		 was_full;	/* since the last came back */
};

/* total: what all clients have said, ever. */
void	 fences_init(struct fences *, uint64_t total);
/* As much may be said until it is asked for again, 0: nothing now. */
uint32_t fences_room(struct fences *, uint64_t now);
void	 fences_said(struct fences *, uint32_t units);
/* Is one to be sent now? */
int	 fences_due(const struct fences *);
void	 fences_sent(struct fences *, uint64_t total, uint64_t now);
/* The oldest that is away is back: 0, or -1 if there is none. */
int	 fences_back(struct fences *);
/* What came before those that are back has been dealt with. */
void	 fences_learn(struct fences *, uint64_t total, uint64_t now);

#endif /* WAMPD_FENCE_H */
