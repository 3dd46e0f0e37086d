/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The broker: routes the realms that are its own.  What a tlsproxy or the
 * keeper says is believed as far as their tables (broker.c) go; payloads are
 * opaque octets and never looked into, unless they are for the router itself
 * (dynamic.h, meta.h).
 */
#ifndef WAMPD_BROKER_H
#define WAMPD_BROKER_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "chan.h"
#include "counts.h"
#include "hash.h"
#include "limit.h"
#include "msgtypes.h"
#include "proc.h"
#include "uri.h"
#include "wamp.h"

struct body;
struct details;
struct event;
struct histories;
struct invocation;
struct kill;
struct pbuf;
struct retain;
struct rules;
struct trie;

/* -- objects ------------------------------------------------------------ */

/* What is remembered of a tlsproxy's slot. */
struct slot {
	struct session	*session;	/* or NULL */
	uint32_t	 gen;		/* last one granted */
	uint16_t	 unanswered;	/* our SESSION_ENDs without an answer */
	uint8_t		 is_used;
};
#define SLOT_CHUNK	1024
#define SLOT_MAXUNANSWERED 1000

/*
 * A process at the other end of a channel.  It is freed when the channel is
 * gone and its sessions have been worked off.
 */
struct peer {
	TAILQ_ENTRY(peer)	 entry;
	struct m_peer		 id;
	struct chan		*chan;		/* NULL: gone */
	LIST_HEAD(, session)	 sessions;
	struct slot		*slots[SLOT_MAX / SLOT_CHUNK];
	struct event		*timer;		/* end of FLOW_WAIT, or, while
						 * its queue is short, when to
						 * report nlost */
	uint64_t		 ndropped;	/* EVENTs, since it is slow */
	uint64_t		 nlost;		/* EVENTs, for want of memory;
						 * neither is reported yet */
	unsigned int		 unanswered;	/* SESSION_ENDs, of all slots */
	uint8_t			 is_over;	/* its queue is over the mark */
	uint8_t			 is_stuck;	/* and has been for FLOW_WAIT */
	uint8_t			 is_xoffed;	/* we sent XOFF */
};
TAILQ_HEAD(peers, peer);

/* Freed when it is gone from the configuration and no session has it. */
struct role {
	LIST_ENTRY(role) entry;
	uint32_t	 id;
	char		*name;
	uint64_t	 name_hash;
	struct rules	*rules;		/* compiled; NULL: gone */
	uint64_t	 rules_serial;	/* never used again */
	uint8_t			 settled;	/* ACTION_* that no rule with a
						 * URI and no authorizer has a
						 * say in, */
	uint8_t			 settled_allow;	/* and what they come to */
	const struct conf_role	*conf;	/* in force, or NULL */
	unsigned int	 nsessions;
	uint8_t		 is_gone;
	LIST_HEAD(, session) members;	/* those not about to end */
	uint32_t	 nmembers;
};

/* Likewise. */
struct realm {
	TAILQ_ENTRY(realm)	 entry;
	struct hent		 byid;
	uint32_t		 id;
	char			*name;
	enum uri_rules		 rules;
	LIST_HEAD(, role)	 roles;
	struct htab		 topics;	/* subscriptions, exact */
	struct trie		*topic_patterns[MATCH_MAX];	/* the others;
						 * NULL: never one */
	uint64_t		 npatterned;	/* that came to them so far */
	LIST_HEAD(, subscription) subs[MATCH_MAX];
	uint32_t		 nsubs[MATCH_MAX];
	uint32_t		 nmeta;		/* of them, below "wamp." */
	struct htab		 procedures;	/* registrations, exact */
	struct trie		*proc_patterns[MATCH_MAX];	/* the others;
						 * NULL: never one */
	TAILQ_HEAD(, registration) regs[MATCH_MAX];	/* old first */
	uint32_t		 nregs[MATCH_MAX];
	struct retain		*retain;	/* its events, or NULL */
	struct histories	*histories;	/* likewise */
	const struct conf_realm	*conf;		/* in force, or NULL */
	unsigned int		 nsessions;
	unsigned int		 nmembers;	/* those not about to end */
	uint8_t			 is_gone;
	struct realm_counts	 own;
	struct realm_counts	*counts;	/* own, or those of all others */
};
TAILQ_HEAD(realms, realm);

/* The sessions of a realm that have one authid. */
struct identity {
	struct hent		 byauthid;	/* broker.identities */
	const struct realm	*realm;
	LIST_HEAD(, session)	 members;	/* those not about to end */
	uint32_t		 nmembers;
	uint16_t		 len;
	char			 text[];
};

/* The sessions of a realm that the keeper granted by one proof: all that are
 * anonymous have the same. */
struct proven {
	struct hent		 byproof;	/* broker.proofs, until it is
						 * revoked */
	LIST_ENTRY(proven)	 entry;		/* then broker.revoked */
	const struct realm	*realm;
	uint64_t		 proof;
	LIST_HEAD(, session)	 sessions;
	int			 is_revoked;
};

struct session {
	LIST_ENTRY(session)	 peer_entry;
	TAILQ_ENTRY(session)	 all_entry;
	LIST_ENTRY(session)	 role_entry;
	LIST_ENTRY(session)	 identity_entry;
	struct identity		*identity;	/* NULL: it is about to end */
	struct hent		 byid;
	uint64_t		 id;		/* WELCOME.Session */
	uint64_t		 joined;	/* ms since 1970 */
	uint64_t		 serial;	/* never used again */
	struct peer		*peer;
	uint32_t		 slot, gen;
	struct realm		*realm;
	struct role		*role;
	struct uri		 authid;	/* text behind the struct */
	uint64_t		 authid_hash;
	uint32_t		 method;	/* AUTH_* bit */
	uint32_t		 features;	/* FEAT_*, that it announced */
	uint8_t			 provider;	/* enum auth_provider */
	LIST_HEAD(, sublink)	 links;
	LIST_HEAD(, callee)	 regs;
	LIST_HEAD(, invocation)	 calls;		/* as caller */
	TAILQ_HEAD(, invocation) invocations;	/* as callee */
	uint32_t		 nlinks, nregs, ncalls, ninvocations;
	uint64_t		 lastinv;	/* INVOCATION.Request */
	struct wait		*wait;		/* for an authorizer, or NULL */
	TAILQ_HEAD(, verdict)	 verdicts;	/* of the authorizer, lately */
	uint32_t		 nverdicts;
	uint32_t		 confgen;	/* rights checked against */
	LIST_ENTRY(session)	 proven_entry;
	struct proven		*proven;	/* by GRANT's proof, or NULL */
	TAILQ_HEAD(testaments, testament) testaments[2];	/* detached,
						 * destroyed */
	uint32_t		 ntestaments;
	struct details		*details;	/* said by others, or NULL */
	struct kill		*kill;		/* it is to end so, or NULL */
	struct session		*held_by;	/* a slow callee; or NULL */
	LIST_ENTRY(session)	 held_entry;
	LIST_HEAD(, session)	 holds;		/* callers, likewise */
	uint64_t		 slow_since;	/* mono_ms(), if it is: */
	uint32_t		 met;		/* limits, 1 << enum limit */
	uint8_t			 is_slow;	/* XOFF */
	uint8_t			 paused;	/* PAUSE_* */
	uint8_t			 is_revoked;	/* the proof is gone, and it
						 * knows */
	uint8_t			 is_left;	/* said its proxy, and waits for
						 * our word of it */
	uint8_t			 is_ended;	/* its proxy heard our word, and
						 * the slot is not its any more */
	uint8_t			 is_disclosed;	/* says the authorizer of what
						 * session_may() was asked */
	char			 text[];
};
TAILQ_HEAD(sessions, session);

struct broker {
	struct proc		 proc;
	struct conf		*conf;		/* NULL before the first */
	uint32_t		 confgen;	/* counts commits */
	struct peers		 peers;
	struct realms		 realms;
	struct htab		 realmids;
	struct htab		 sessions;	/* by id */
	struct htab		 identities;	/* by realm and authid */
	struct htab		 proofs;	/* by realm and proof */
	LIST_HEAD(, proven)	 revoked;	/* its sessions are to hear */
	struct sessions		 checked;	/* by this configuration */
	struct sessions		 unchecked;
	struct sessions		 left;		/* invocations to be ended */
	unsigned int		 leaving;	/* steps left for those that do
						 * so in this turn */
	struct htab		 subs;		/* by id */
	struct htab		 links;		/* by session and id */
	struct htab		 regs;		/* by id */
	struct htab		 callees;	/* by session and registration */
	struct htab		 invocations;	/* by callee and id */
	struct htab		 calls;		/* the same by caller and id */
	TAILQ_HEAD(, invocation) underway;	/* the same, old first */
	struct htab		 verdicts;	/* by session and question */
	uint64_t		 lastserial, lastsub, lastreg;
	size_t			 state;		/* octets of all objects */
	uint64_t		 nrefused;	/* publications nobody asked
						 * an answer for */
	struct event		*sweep;
};
extern struct broker	 broker;

/* -- broker.c ----------------------------------------------------------- */

#define FLOW_HIGH	(8 * 1024 * 1024)
#define FLOW_LOW	(2 * 1024 * 1024)
#define FLOW_EVENTS	(3 * FLOW_HIGH)	/* beyond it EVENTs are dropped */
#define FLOW_REPLIES	(4 * FLOW_HIGH)	/* and the peer given up; to both, as
					 * what is under way when others are
					 * asked to wait may be long: */
#define FLOW_MESSAGES	4		/* times limits message, or twice that */
#define FLOW_WAIT	250		/* ms others wait for a slow one */
#define LOST_WAIT	1		/* s until what was lost is reported */

void	 peer_sendv(struct peer *, uint32_t type, uint32_t slot, uint32_t gen,
	    const struct iovec *, int);
/* The same with a body that is in a pbuf as its last part; iov has room for
 * one more. */
void	 peer_sendv_body(struct peer *, uint32_t type, uint32_t slot,
	    uint32_t gen, struct iovec *iov, int, const struct body *);
/* Its queue grows and does not shrink. */
int	 peer_is_slow(const struct peer *);
/* It is even over the mark from where on EVENTs are dropped. */
int	 peer_is_full(const struct peer *);
/* An EVENT, the rest of it, len octets from off, in a pbuf (or NULL); dropped
 * if it is slow, or without memory. */
void	 peer_send_event(struct peer *, const struct iovec *, int,
	    struct pbuf *, size_t off, size_t len);
/* One could not even be made: without memory. */
void	 peer_lose_event(struct peer *);
/* It is to blame for what another process told us: cut it off. */
void	 peer_blame(struct peer *, const char *why);
/* There will be room for so many octets, or -1. */
int	 memory_need(size_t);
int	 memory_keep(struct pbuf *);	/* and it is counted, see pbuf_count() */
/* As if that imsg came through the table again, which it passed before. */
int	 proxy_says(struct chan *, struct imsg *);
/* Objects of a client: 0, or -1: over the budget. */
int	 state_take(size_t);
void	 state_give(size_t);
/* The next id of router scope, counted in *n. */
uint64_t router_id(uint64_t *n);
/* What it counted, for hash_count(). */
static inline uint64_t
router_count(uint64_t id)
{
	return (id / broker.conf->brokers);
}
void	 sweep_wake(void);	/* there is work to be done in slices */
/* mono_us() at about the time when this turn began. */
uint64_t broker_now(void);

/* -- parse.c: imsgs, every length and range checked --------------------- */

/* Arguments and ArgumentsKw as they came, with the ppt_* attributes that go
 * along with them (ppt.h). */
struct body {
	const uint8_t	*p;
	struct pbuf	*pb;		/* which p is part of, or NULL */
	uint32_t	 len;
	uint8_t		 ser, nargs;
	uint16_t	 pptlen;
	const uint8_t	*ppt;
};

int	 parse_grant(const struct imsg *, struct m_grant *,
	    const uint8_t **authid, const uint8_t **extra);
int	 parse_revoke(const struct imsg *, struct m_revoke *,
	    const uint8_t **proofs);
int	 parse_auth_call(const struct imsg *, struct m_auth_call *,
	    struct uri *procedure, struct body *args);
int	 parse_close(const struct imsg *, struct m_session_close *);
int	 parse_subscribe(const struct imsg *, struct m_subscribe *,
	    struct uri *);
int	 parse_unsubscribe(const struct imsg *, struct m_unsubscribe *);
int	 parse_features(const struct imsg *, struct m_session_features *);
int	 parse_publish(const struct imsg *, struct m_publish *, struct uri *,
	    const uint8_t **filter, struct body *);
int	 parse_register(const struct imsg *, struct m_register *,
	    struct uri *);
int	 parse_unregister(const struct imsg *, struct m_unregister *);
int	 parse_call(const struct imsg *, struct m_call *, struct uri *,
	    struct body *);
int	 parse_cancel(const struct imsg *, struct m_cancel *);
int	 parse_yield(const struct imsg *, struct m_yield *, struct body *);
int	 parse_error(const struct imsg *, struct m_error *, struct uri *,
	    struct body *);
int	 parse_failed(const struct imsg *, struct m_invocation_failed *,
	    struct uri *text);

/* -- realm.c ------------------------------------------------------------ */

struct realm	*realm_find(uint32_t id);
struct role	*role_find(const struct realm *, uint32_t id);
/* Is it trusted with that procedure, which the router itself calls? */
int		 role_trusts(const struct role *, const struct uri *);
/* See conf_role_may_serve(); nothing, once it is gone. */
int		 role_may_serve(const struct role *, const struct realm *,
		    enum uri_match, const struct uri *);
/* Is that procedure one that the router itself calls? */
int		 realm_asks(const struct realm *, const struct uri *);
void		 role_put(struct role *);	/* free it if gone and unused */
void		 realm_put(struct realm *);
void		 realm_commit(const struct conf *);

/* -- ahead.c: for chan_set_ahead() --------------------------------------- */

int	 ahead(struct chan *, const struct imsg *, enum chan_ahead);

/* -- members.c: who is in a realm --------------------------------------- */

struct identity *identity_find(const struct realm *, const void *authid,
		    size_t);
int		 member_add(struct session *);	/* -1: no memory */
uint32_t	 members_of_role(const struct role *);	/* not over */
uint32_t	 members_of_identity(const struct identity *);
void		 member_remove(struct session *);	/* it may be none */
/* The same with those of one proof. */
struct proven	*proven_find(const struct realm *, uint64_t proof);
int		 proven_add(struct session *, uint64_t proof);
void		 proven_remove(struct session *);
/* GRANTs by that proof that follow stand. */
void		 proven_revoke(struct proven *);

/* -- session.c: slots and sessions -------------------------------------- */

/*
 * A limit of the configuration is reached.  No URI of the specification says
 * it; "not authorized" is true, needs no new name, and clients do not take
 * it for a reason to try at once again.  The text tells which limit.
 */
#define WERR_LIMIT	WERR_NOT_AUTHORIZED

int	 session_grant(struct chan *, struct imsg *);
int	 session_revoke(struct chan *, struct imsg *);
int	 session_close(struct chan *, struct imsg *);
int	 session_flow(struct chan *, struct imsg *);	/* XOFF, XON */
int	 session_fence(struct chan *, struct imsg *);
int	 session_features(struct chan *, struct imsg *);
/*
 * The session an imsg of a tlsproxy speaks for: 0, or -1 for one that never
 * was.  *s is NULL if the imsg must be dropped, its session being over.
 */
int	 session_find(struct peer *, const struct imsg *, struct session **);
struct session	*session_find_id(uint64_t);	/* or NULL */
/* Whoever is there now, or NULL. */
const struct session	*session_in_slot(const struct peer *, uint32_t slot);
/* GOODBYE or ABORT it.  The session is freed, or will be soon. */
void	 session_end(struct session *, enum wamp_err, const char *why);
/* A reload took a right away, and what lived by it ends without a word. */
void	 session_log_revoked(const struct session *, const char *what,
	    const struct uri *);
/* Is it about to be ended, with its peer, realm or role gone? */
int	 session_is_over(const struct session *);
/* May there be one that has not left yet?  0: surely not. */
int	 sessions_are_over(void);
/* End such a one now, unless it holds so much that others had to wait. */
void	 session_hurry(struct session *);
/* It is one from now on, and will end soon. */
void	 session_kill(struct session *, struct kill *);
/* Its client is read no further while there is a reason. */
#define PAUSE_AUTHORIZER	0x01
#define PAUSE_CALLEE		0x02
void	 session_pause(struct session *, uint8_t reason, int want);
/* It met this limit: the log says so once. */
void	 session_exceeds(struct session *, enum limit);
void	 session_sendv(struct session *, uint32_t type, const struct iovec *,
	    int);
/* With a body as its last part; iov has room for one more. */
void	 session_sendv_body(struct session *, uint32_t type, struct iovec *iov,
	    int, const struct body *);
void	 session_send(struct session *, uint32_t type, const void *, size_t);
void	 session_refuse(struct session *, enum wamp_code, uint64_t request,
	    enum wamp_err, const char *why);
void	 session_refuse_text(struct session *, enum wamp_code,
	    uint64_t request, enum wamp_err, const void *, size_t);
/*
 * WERR_NONE, or what to answer: a URI (or pattern, to SUBSCRIBE or REGISTER)
 * by the realm's rules, and allowed?  WERR_WAIT: see dynamic.h.  The handler
 * of one message may ask twice, about two things, each time it runs.
 */
enum wamp_err	 session_may(struct session *, unsigned int action,
		    enum uri_match, const struct uri *, const char **why);
/*
 * Slices of long work: up to *steps are taken from *steps; returns how many
 * got something done.
 */
unsigned int	 sessions_work_off(struct peer *, unsigned int *steps);
unsigned int	 sessions_revoke(unsigned int *steps);
unsigned int	 sessions_recheck(unsigned int *steps);
unsigned int	 sessions_cancel(unsigned int *steps);
void		 sessions_turn_end(void);


/* -- authz.c ------------------------------------------------------------ */

enum authz_verdict {
	AUTHZ_DENY = 0,
	AUTHZ_ALLOW = 1,
	AUTHZ_ASK = 2			/* the role's authorizer */
};

int	 authz_init(void);		/* -1: no memory */
/* The role's rules; the conf_role must live until the next are loaded. */
void	 authz_load(const struct realm *, struct role *,
	    const struct conf_role *);
void	 authz_free(struct role *);
/* action: one ACTION_*, on a URI or pattern by the realm's rules */
enum authz_verdict	 authz_check(const struct session *,
			    unsigned int action, enum uri_match,
			    const struct uri *);
/*
 * For what somebody of that role and authid did on a URI that is not
 * reserved, before the rules in force: might he, or would his authorizer be
 * asked?
 */
int	 authz_may_stay(const struct role *, unsigned int action,
	    const struct uri *, const struct uri *authid);
/*
 * Do receivers learn who published, or who called?  ASKED, ALWAYS or NEVER:
 * its role's word goes before the realm's.  An authorizer's answer counts as
 * well, so ask only once session_may() has allowed this very message.
 */
enum conf_disclose	 role_discloses(const struct session *, int is_call);

#endif /* WAMPD_BROKER_H */
