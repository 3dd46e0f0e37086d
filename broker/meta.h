/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The meta API: what the router tells of sessions, subscriptions and
 * registrations, and procedures of its own, below "wamp.".
 */
#ifndef WAMPD_META_H
#define WAMPD_META_H

#include <stddef.h>
#include <stdint.h>

#include "broker.h"
#include "codec.h"
#include "mpput.h"

#define META_MAXARGS	3
#define META_MAXKW	2

/*
 * A call of a procedure of the router's own.  Arguments are of the types
 * that its row in meta.c says, those that are not there are VAL_NIL.
 */
struct meta {
	struct session	*caller;
	uint64_t	 request;
	struct val	 arg[META_MAXARGS];
	struct val	 kw[META_MAXKW];
	struct mpput	 out;		/* the result, a list */
	char		 text[64];	/* for *why */
};

/*
 * Answers and returns WERR_NONE, or returns what to answer, and why; or
 * WERR_WAIT (dynamic.h).
 */
typedef enum wamp_err	meta_fn(struct meta *, const char **why);

/* -- meta.c ------------------------------------------------------------- */

/*
 * Call a procedure below "wamp." that the session may call.  WERR_NONE: it
 * is answered; or WERR_WAIT.
 */
enum wamp_err	 meta_call(struct session *, const struct m_call *,
		    const struct uri *procedure, const struct body *);
/* Make room in m->out; WERR_NONE, or what to answer. */
enum wamp_err	 meta_room(struct meta *, size_t, const char **why);
/* RESULT, with what is in m->out; likewise. */
enum wamp_err	 meta_reply(struct meta *, const char **why);
/* RESULT with one number. */
enum wamp_err	 meta_reply_uint(struct meta *, uint64_t, const char **why);

/* -- meta_session.c ----------------------------------------------------- */

meta_fn	 meta_session_count, meta_session_list, meta_session_get;

#endif /* WAMPD_META_H */
