/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Remote Procedure Calls: registrations and who holds them, and the calls
 * that are under way.
 */
#ifndef WAMPD_DEALER_H
#define WAMPD_DEALER_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "broker.h"

struct event;
struct pbuf;
struct rcall;
struct trie_node;

/* -- objects ------------------------------------------------------------ */

/* Owned by its realm; lives as long as it has a callee. */
struct registration {
	union {
		struct hent	  byuri;	/* exact: realm's procedures */
		struct trie_node *node;		/* else: realm's proc_* */
	} place;
	struct hent		 byid;		/* broker.regs */
	TAILQ_ENTRY(registration) realm_entry;	/* realm's regs, old first */
	struct realm		*realm;
	uint64_t		 id;
	uint64_t		 created;	/* ms since 1970 */
	TAILQ_HEAD(callees, callee) callees;	/* in order of registration */
	struct callee		*last;		/* round robin: called last;
						 * NULL: the first is next */
	struct callee		**pool;		/* random: the same callees */
	uint32_t		 npool;		/* places there */
	uint32_t		 ncallees;
	uint32_t		 nfull;		/* of them, at their limit */
	uint64_t		 lastorder;
	uint64_t		 ndrawn;	/* random: lots drawn */
	uint8_t			 match;		/* enum uri_match */
	uint8_t			 invoke;	/* enum invoke_policy */
	struct uri		 procedure;
	char			 text[];
};

/*
 * One session's hold of one registration.  When that ends with calls under
 * way it stays for them, its registration being NULL, until they are over.
 */
struct callee {
	struct hent		 hash;		/* broker.callees */
	TAILQ_ENTRY(callee)	 entry;		/* registration's */
	LIST_ENTRY(callee)	 session_entry;
	struct session		*session;
	struct registration	*reg;
	uint64_t		 regid;
	uint64_t		 order;		/* of registration; of all that
						 * held it, counted */
	uint32_t		 place;		/* in the pool */
	uint32_t		 concurrency;	/* calls at a time, 0: any */
	uint32_t		 running;	/* calls under way */
	uint32_t		 flags;		/* REGISTER_* */
};

/*
 * What of a CALL is needed again: for what else comes of it, its options
 * being those of the first (WAMP, Freezing of Options), or for another callee
 * (WAMP, Call Re-Routing).
 */
struct call_kept {
	struct pbuf		*pb;		/* procedure, ppt, payload */
	uint16_t		 urilen;
	uint16_t		 pptlen;
	uint32_t		 paylen;
	uint8_t			 ser, nargs;
	uint8_t			 is_whole;	/* with its payload */
	uint8_t			 is_begun;	/* to ask others */
	uint64_t		 first, start;	/* orders: of the callee asked
						 * first, where it begins */
	uint64_t		 rank;		/* of the one asked last */
};

/*
 * A call under way.  It ends with the first final answer, when either side
 * leaves, when it is canceled or when its time is up.
 */
struct invocation {
	struct hent		 hash;		/* broker.invocations */
	struct hent		 bycall;	/* broker.calls, with a caller */
	LIST_ENTRY(invocation)	 caller_entry;
	TAILQ_ENTRY(invocation)	 callee_entry;
	TAILQ_ENTRY(invocation)	 all_entry;	/* broker.underway */
	struct session		*caller, *callee;
	struct callee		*by;		/* the callee's hold */
	struct rcall		*own;		/* the router calls; then there
						 * is no caller */
	struct call_kept	*kept;		/* NULL: nothing is needed
						 * again */
	struct event		*timer;		/* or NULL: no limit of time */
	uint64_t		 id;		/* INVOCATION.Request */
	uint64_t		 call;		/* CALL.Request */
	uint64_t		 regid;
	uint64_t		 until;		/* mono_ms(), if timer */
	uint64_t		 began;		/* broker_now() */
	uint32_t		 timeout;	/* ms, CALL's or the realm's */
	uint32_t		 forwarded;	/* the same, if the callee is to
						 * keep it */
	uint32_t		 trust;		/* if INVOCATION_TRUST */
	uint8_t			 asked;		/* CALL_*, of the first CALL */
	uint8_t			 discloses;	/* enum conf_disclose, caller */
	uint8_t			 flags;		/* INVOCATION_*, of all that is
						 * sent for it */
	uint8_t			 is_pattern;	/* the registration's is one */
	uint8_t			 is_open;	/* more of the CALL may come */
	uint8_t			 is_on;		/* more of it than one message
						 * was sent, or came */
	uint8_t			 is_killed;	/* INTERRUPT was sent */
};

/* -- registration.c: the index of procedures ---------------------------- */

struct registration	*reg_find(const struct realm *, enum uri_match,
			    const struct uri *);
struct registration	*reg_find_id(const struct realm *, uint64_t);
/*
 * The one that a call of this procedure is for (WAMP, Pattern-based
 * Registrations), if its callees are not all about to be ended; or NULL.
 */
struct registration	*reg_match(const struct realm *, const struct uri *);
struct registration	*reg_new(struct realm *, enum uri_match,
			    enum invoke_policy, const struct uri *);
void			 reg_put(struct registration *);	/* free it if
								 * unused */
/* NULL: the session does not hold it. */
struct callee		*callee_find(const struct session *, uint64_t regid);
/* NULL: no memory.  A registration that is new is then for reg_put(). */
struct callee		*callee_add(struct session *, struct registration *,
			    uint32_t concurrency, uint32_t flags);
/* Out of its registration, which stays, though perhaps without any. */
void			 callee_free(struct callee *);
/* A call begins, ends; that may free it. */
void			 callee_take(struct callee *);
void			 callee_give(struct callee *);
int			 callee_is_full(const struct callee *);

/* -- invoke.c: which callee gets a call ---------------------------------- */

enum pick_end {
	PICK_FOUND,
	PICK_NOBODY,		/* all are about to be ended, or were asked */
	PICK_BUSY,		/* slow, or at their limit */
	PICK_UNABLE		/* none has the features */
};

const char	*invoke_name(enum invoke_policy);
/*
 * The next callee of a registration by its policy: one that keeps up, has
 * all these features (FEAT_*) and is trusted with the procedure, if that is
 * not NULL.
 */
struct callee	*invoke_pick(struct registration *, uint32_t features,
		    const struct uri *trusted, enum pick_end *);
/* Another one, after invocation's (WAMP, Call Re-Routing). */
struct callee	*invoke_again(struct registration *,
		    const struct invocation *, uint32_t features,
		    enum pick_end *);

/* -- invocation.c: calls under way --------------------------------------- */

struct invocation	*invocation_find(const struct session *callee,
			    uint64_t id);
struct invocation	*invocation_by_call(const struct session *caller,
			    uint64_t call);
/* Without a caller it is the router's own; NULL: no memory. */
struct invocation	*invocation_new(struct session *caller, uint64_t call,
			    struct callee *);
void			 invocation_free(struct invocation *);
/* To another callee; it is the same call. */
void			 invocation_move(struct invocation *, struct callee *);
/* Keep of the CALL what is needed again; -1: no memory. */
int			 invocation_keep(struct invocation *,
			    const struct uri *, const struct body *, int all);
/* That again; points into it. */
void			 invocation_kept(const struct invocation *,
			    struct uri *, struct body *);
void			 invocation_forget(struct invocation *);
/* What its callee is to know of it, and who keeps its limit of time; -1: no
 * memory. */
int			 invocation_agree(struct invocation *);
/* Its time begins anew. */
void			 invocation_restart(struct invocation *);
/* flags: INVOCATION_* of this one only */
void			 invocation_send(const struct invocation *,
			    uint32_t flags, const struct uri *procedure,
			    const struct body *);
/* INTERRUPT, once, if the callee knows what that is. */
void			 invocation_interrupt(struct invocation *,
			    enum cancel_mode, enum wamp_err);
/* ERROR to the caller, INTERRUPT to the callee; it is freed. */
void			 invocation_cancel(struct invocation *, enum wamp_err,
			    const char *why);

/* -- dealer.c ----------------------------------------------------------- */

int	 dealer_register(struct chan *, struct imsg *);
int	 dealer_unregister(struct chan *, struct imsg *);
void	 dealer_recheck(struct session *);
/* UNREGISTERED, unasked; the callee is freed. */
void	 dealer_revoke(struct callee *, const char *why, size_t);
/* One registration of a session that is over and has some. */
void	 dealer_give_up(struct session *);
/* Everything but its invocations: those stay for dealer_callee_left(). */
unsigned int	 dealer_leave(struct session *);
/* Tell callers that their callee left, those not that are slow. */
unsigned int	 dealer_callee_left(struct session *, unsigned int *steps);

/* -- call.c ------------------------------------------------------------- */

int	 dealer_call(struct chan *, struct imsg *);
int	 dealer_cancel(struct chan *, struct imsg *);
/* It is slow no longer, or leaves: its callers go on. */
void	 dealer_release(struct session *callee);
void	 call_release(struct session *caller);
void	 call_forget_hold(struct session *);	/* one that leaves */
/* FEAT_* that a callee must have to be called so. */
uint32_t	 call_features(uint32_t flags, const struct body *);
/* The router's own call; NULL without memory. */
struct invocation	*dealer_invoke(struct callee *, struct rcall *,
			    const struct body *);

/* -- answer.c ----------------------------------------------------------- */

int	 dealer_yield(struct chan *, struct imsg *);
int	 dealer_error(struct chan *, struct imsg *);
int	 dealer_failed(struct chan *, struct imsg *);

#endif /* WAMPD_DEALER_H */
