/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the broker does not know by itself and asks a callee: its own calls,
 * the authorizers of roles, and the authenticators that the keeper wants to
 * have asked.  Their answers, and arguments of meta procedures (meta.c), are
 * the only payloads it reads.
 */
#ifndef WAMPD_DYNAMIC_H
#define WAMPD_DYNAMIC_H

#include "broker.h"
#include "codec.h"

/* -- rcall.c: calls of the router's own --------------------------------- */

#define RCALL_MAXANSWER	(16 * 1024)	/* octets */

enum rcall_end {
	RCALL_RESULT,
	RCALL_ERROR,		/* the callee's own */
	RCALL_NO_CALLEE,	/* nobody who may has registered it */
	RCALL_SLOW,		/* its callee does not keep up */
	RCALL_UNDELIVERED,	/* its tlsproxy could not deliver it */
	RCALL_LEFT,		/* its callee is gone */
	RCALL_TIMEOUT,
	RCALL_UNREADABLE,	/* too long, or no MessagePack */
	RCALL_NO_ROOM
};
#define RCALL_ENDS	(RCALL_NO_ROOM + 1)
const char	*rcall_end_text(enum rcall_end);	/* "its callee left" */

/* Is it the string "name"? */
int		 rcall_key_is(const struct val *, const char *name);

/* Valid during the callback. */
struct rcall_answer {
	enum rcall_end	 end;
	struct val	 args;		/* RESULT: a list, checked */
	struct uri	 error;		/* ERROR: not checked */
};

/* Called once, in the middle of other work: it must end no session and must
 * not make a call. */
typedef void	rcall_fn(void *arg, const struct rcall_answer *);

/*
 * Call a procedure of a realm, args being a list in MessagePack.  NULL, with
 * why in *end, if that cannot be; fn is not called then.
 */
struct rcall	*rcall_start(const struct realm *, const struct uri *procedure,
		    const void *args, size_t len, uint32_t timeout_ms,
		    rcall_fn *, void *arg, enum rcall_end *end);
/* Secrets pass: from now on the channel to its callee is wiped. */
void		 rcall_wipe(const struct rcall *);
void		 rcall_cancel(struct rcall *);	/* fn will not be called */
/* From dealer.c: how its invocation ended. */
void		 rcall_result(struct rcall *, const struct body *);
void		 rcall_error(struct rcall *, const struct uri *);
void		 rcall_failed(struct rcall *, enum rcall_end);

/* -- authorizer.c: "authorize dynamic" ---------------------------------- */

#define HELD_HIGH	64		/* messages: its client is not read */
#define HELD_LOW	16
#define HELD_HIGHOCTETS	(256 * 1024)
#define HELD_MAX	32768		/* beyond it the session ends */
#define HELD_MAXOCTETS	(4 * 1024 * 1024) /* and two of the longest */
#define CACHE_MAX	1024		/* answers remembered for a session */
#define CACHE_MAXURI	256		/* octets; longer ones are not */

/* The answer is not there yet: authorizer_hold() the message. */
#define WERR_WAIT	WERR_MAX

void	 authorizer_init(void);
/* WERR_NONE, WERR_WAIT, or what to answer. */
enum wamp_err	 authorizer_ask(struct session *, unsigned int action,
		    enum uri_match, const struct uri *, const char **why);
/* The message whose handler was told WERR_WAIT; 0, as handlers return. */
int	 authorizer_hold(struct session *, const struct imsg *);
/* The session waits: must this message, too?  1: it is kept; 0: no; -1: yes,
 * and there is no room for it. */
int	 authorizer_queue(struct session *, const struct imsg *);
void	 authorizer_full(struct session *);	/* so it ends */
void	 authorizer_leave(struct session *);	/* all that it has here */

/* -- authenticator.c: "authenticate ... dynamic" ------------------------- */

int	 authenticator_call(struct chan *, struct imsg *);
void	 authenticator_gone(const struct peer *);	/* the keeper is */

#endif /* WAMPD_DYNAMIC_H */
