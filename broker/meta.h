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

struct registration;
struct subscription;

#define META_MAXARGS	3
#define META_MAXKW	11
#define META_IDLEN	9	/* octets of an id, at most */

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

/* How sessions are to end, which end one after another. */
struct kill {
	unsigned int	 refs;
	struct uri	 reason;	/* of GOODBYE; no length: killed */
	uint16_t	 textlen;	/* of the message; 0: none */
	uint8_t		 is_silent;	/* nobody is told */
	char		*message;
	char		 text[];	/* reason, message */
};

/* What modify_details said of a session: n pairs in MessagePack. */
struct details {
	uint32_t	 n, len;
	uint8_t		 octets[];
};

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
/* RESULT with one id, or null for 0. */
enum wamp_err	 meta_reply_id(struct meta *, uint64_t, const char **why);
/* RESULT with one number. */
enum wamp_err	 meta_reply_uint(struct meta *, uint64_t, const char **why);
/*
 * Of options that may have a "match", and a keyword "reason": WERR_NONE, or
 * what to answer.
 */
enum wamp_err	 meta_match(const struct val *options, enum uri_match *,
		    const char **why);
enum wamp_err	 meta_reason(const struct meta *, const char **reason,
		    size_t *, const char **why);
int		 meta_uri(const struct val *, struct uri *);	/* -1: it is
							 * too long for one */
const char	*meta_match_name(unsigned int);		/* enum uri_match */
/* Another session of the caller's realm, or its own; NULL: there is none. */
struct session	*meta_session(const struct meta *, const struct val *id);

/* -- meta_session.c ----------------------------------------------------- */

meta_fn	 meta_session_count, meta_session_list, meta_session_get;
void	 meta_joined(struct session *);
void	 meta_left(struct session *);

/* -- meta_details.c ----------------------------------------------------- */

meta_fn	 meta_session_modify_details;
void	 details_free(struct details *);	/* NULL is fine */

/* -- meta_kill.c -------------------------------------------------------- */

meta_fn	 meta_session_kill, meta_session_kill_by_authid;
meta_fn	 meta_session_kill_by_authrole, meta_session_kill_all;
/* Kill by the administrator's word, if it is not about to end: 1, else 0. */
int	 kill_for_admin(struct session *);
void	 kill_unref(struct kill *);	/* NULL is fine */

/* -- testament.c -------------------------------------------------------- */

meta_fn	 meta_testament_add, meta_testament_flush;
/* The session ends; returns how much work it was. */
unsigned int	 testaments_publish(struct session *);

/* -- meta_subscription.c ------------------------------------------------ */

meta_fn	 meta_subscription_list, meta_subscription_lookup;
meta_fn	 meta_subscription_match, meta_subscription_get;
meta_fn	 meta_subscription_list_subscribers;
meta_fn	 meta_subscription_count_subscribers;
meta_fn	 meta_subscription_remove_subscriber;
/* To be called after the reply; is_first: it is new, is_last: it is gone. */
void	 meta_subscribed(struct session *, const struct subscription *,
	    int is_first);
void	 meta_unsubscribed(struct session *, uint64_t subscription,
	    int is_last);

/* -- meta_registration.c ------------------------------------------------ */

meta_fn	 meta_registration_list, meta_registration_lookup;
meta_fn	 meta_registration_match, meta_registration_get;
meta_fn	 meta_registration_list_callees, meta_registration_count_callees;
meta_fn	 meta_registration_remove_callee;
/* As those of subscriptions. */
void	 meta_registered(struct session *, const struct registration *,
	    int is_first);
void	 meta_unregistered(struct session *, uint64_t registration,
	    int is_last);

#endif /* WAMPD_META_H */
