/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The keeper: holds private keys and who may join, tells neither to anybody.
 */
#ifndef WAMPD_KEEPER_H
#define WAMPD_KEEPER_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "msgtypes.h"
#include "proc.h"
#include "wamp.h"

struct chan;
struct conf;
struct event_base;
struct evp_pkey_st;
struct imsg;
struct auth_slot;
struct authcall;
struct conf_auth;
struct conf_realm;
struct dialogue;
struct event;
struct proof;
struct ticket_job;
struct users;

/* A text or octets inside an imsg: not terminated, gone with it. */
struct text {
	const char	*p;
	size_t		 len;
};

/* An AUTH_HELLO whose lengths were checked. */
struct ask {
	struct m_auth_hello	 m;
	uint32_t		 groups[AUTH_MAXGROUPS];
	struct text		 authid, subject, sans, nonce, address, extra;
};

/* An AUTH_RESPONSE whose lengths were checked. */
struct response {
	struct m_auth_response	 m;
	struct text		 sig, nonce, cbname, cbdata;
};

/* By whom a challenge is answered, or whose shape it has. */
struct principal {
	struct users		*users;
	const struct proof	*proof;		/* NULL: nobody's */
	const struct conf_auth	*dynamic;	/* or who is to be asked */
	uint32_t		 bit;		/* AUTH_*, one */
};

/* What the broker is told of somebody who may join. */
struct verdict {
	uint32_t	 realm, role;	/* ids */
	uint32_t	 method;	/* AUTH_* bit */
	uint64_t	 session;
	uint64_t	 proof;		/* 0: cannot be revoked */
	const char	*authid;
	struct text	 extra;		/* WELCOME's, a map in MessagePack */
	uint8_t		 provider;	/* enum auth_provider */
};

/* Work for a thread.  What contains it belongs to the threads between
 * workers_give() and done(). */
struct job {
	TAILQ_ENTRY(job) entry;
	void		(*work)(struct job *);	/* in a thread */
	void		(*done)(struct job *);	/* in the event loop */
	int		 is_waiting;		/* workers.c's */
};
#define WORKERS_QUEUE	256	/* jobs at a time */

/* What becomes of an AUTHENTICATE. */
enum check {
	CHECK_RIGHT,
	CHECK_WRONG,
	CHECK_LATER,		/* dialogue_checked() follows */
	CHECK_BUSY		/* could not be made */
};

/* A CHALLENGE being made. */
struct challenge {
	struct m_auth_challenge	 m;
	char			 challenge[AUTH_MAXTEXT];
	char			 salt[AUTH_MAXTEXT];
	char			 nonce[AUTH_MAXTEXT];
};

struct dialogue_method {
	/* Fill what differs from zero: 0, or -1 without memory. */
	int		(*challenge)(struct dialogue *, const struct ask *,
			    struct challenge *);
	enum check	(*check)(struct dialogue *, const struct response *);
	void		(*end)(struct dialogue *);	/* or NULL */
};

enum dialogue_state {
	DIALOGUE_ASKING,	/* before the CHALLENGE: who it is */
	DIALOGUE_CHALLENGED,	/* the AUTHENTICATE may come */
	DIALOGUE_CHECKING,	/* a thread has it, or who is asked */
	DIALOGUE_REFUSING	/* the refusal waits */
};

/*
 * One log-in under way.  Owned by its slot; ends with GRANT, AUTH_DENY or
 * CANCEL.
 */
struct dialogue {
	struct peer		*peer;
	uint32_t		 slot, gen;
	uint32_t		 realm;
	uint32_t		 bit;		/* AUTH_* */
	const struct dialogue_method *method;
	struct authcall		*call;		/* who is asked, or NULL */
	struct users		*users;		/* a reference, for: */
	const struct proof	*proof;		/* the principal's, or */
	int			 is_fake;	/* somebody else's */
	enum dialogue_state	 state;
	char			*authid;
	const char		*role;		/* while it is made */
	char			 address[AUTH_MAXADDRESS + 1];
	uint8_t			 addr[16];
	uint64_t		 session;
	struct event		*timer;
	uint8_t			 extra[128];	/* WELCOME's, MessagePack */
	size_t			 extralen;
	union {
		struct ticket_job	*ticket;
		char			*cra;		/* challenge */
		struct {
			char	*client_nonce, *nonce;
			char	 salt[96];		/* base64 */
		}			 scram;
		struct {
			uint8_t	 challenge[32];
			uint8_t	 pubkey[32];
			int	 has_pubkey;
			size_t	 key;			/* that signed */
		}			 sign;
	} u;
};

/* One channel to another process; a tlsproxy has two. */
struct peer {
	TAILQ_ENTRY(peer)	 entry;
	struct m_peer		 id;
	struct chan		*chan;
	/* LINK_MAIN of a tlsproxy: what became of each slot's last HELLO */
	struct auth_slot	*slots;
	uint32_t		 nslots;
	uint32_t		 ndialogues;	/* in them */
	/* LINK_SIGN of a tlsproxy */
	uint64_t		 sign_turn;	/* of its last request */
	long			 sign_second;
	unsigned int		 sign_count;	/* in that second */
};
TAILQ_HEAD(peers, peer);

/* What became of a log-in. */
enum login_result {
	LOGIN_GRANTED,
	LOGIN_DENIED,
	LOGIN_FAILED,		/* it could not be judged */
	LOGIN_NO_REALM,		/* these two before a method was chosen */
	LOGIN_NO_METHOD,
	LOGIN_MAX
};

struct keeper {
	struct proc		 proc;
	struct conf		*conf;		/* in force, or NULL */
	struct peers		 peers;
	uint64_t		 turn;		/* of the event loop */
	int			 had_client_ca;	/* a configuration did */
	uint64_t		 logins[AUTH_METHODS + 1][LOGIN_MAX]; /* by
						 * method, the last: none */
};

/* keeper.c */
extern struct keeper	 keeper;
struct peer	*keeper_broker(uint32_t);

/* auth_choose.c: by which line */
/* The line of the realm that decides, or NULL. */
const struct conf_auth	*auth_choose(const struct conf_realm *,
		    const struct ask *);
/* The AUTH_* bits by which a line could ask this client for a proof, and the
 * client could answer; 0: it cannot. */
uint32_t	 auth_asks(const struct conf_auth *, const struct ask *);
/* Whom a line that asks for nothing lets in: AUTHID_MAXLEN + 1 octets. */
void		 auth_authid(const struct conf_realm *,
		    const struct conf_auth *, const struct ask *, char *,
		    size_t);
/* The first line by which the client is somebody; or, as a line of that file
 * would ask him, his neighbour's proof.  1, or 0: there is none. */
int		 principal_find(const struct conf_realm *, const struct ask *,
		    struct principal *);
int		 principal_fake(const struct conf_realm *, const struct ask *,
		    const struct conf_auth *first, struct principal *);

/* auth.c: who may join as what */
int		 auth_hello(struct chan *, struct imsg *);
int		 auth_response(struct chan *, struct imsg *);
int		 auth_cancel(struct chan *, struct imsg *);
void		 auth_peer_gone(struct peer *);	/* and all it asked */
/* Ends the HELLO of that slot: no, or yes (0; -1: its broker cannot be told
 * now, and nothing was). */
void		 auth_deny(struct peer *, uint32_t slot, uint32_t gen,
		    enum wamp_err, const char *text);
int		 auth_grant(struct peer *, uint32_t slot, uint32_t gen,
		    const struct verdict *);
uint64_t	 auth_session_id(void);
/* Sessions of the realm by one of these proofs (GRANT's) end: REVOKE_MAX of
 * them at most. */
void		 auth_revoke(const struct conf_realm *, const uint64_t *,
		    uint32_t n);

/* dialogue.c: from CHALLENGE to the verdict */
/*
 * Begin one for somebody's proof in a users file, or (is_fake) for somebody
 * who has none, by a proof whose shape the CHALLENGE takes: the two cannot
 * be told apart before the AUTHENTICATE, nor after it by more than the
 * verdict.  bit: the AUTH_* of the method as announced.  NULL without
 * memory; else the CHALLENGE is sent.
 */
struct dialogue	*dialogue_new(struct peer *, uint32_t slot, uint32_t gen,
		    const struct conf_realm *, uint32_t bit,
		    const struct ask *, struct users *, const struct proof *,
		    int is_fake);
/* The same for somebody whom only a procedure knows. */
struct dialogue	*dialogue_ask(struct peer *, uint32_t slot, uint32_t gen,
		    const struct conf_realm *, uint32_t bit,
		    const struct ask *, const struct conf_auth *);
/* What was asked is known: go on.  It may be over then. */
void		 dialogue_challenge(struct dialogue *,
		    const struct conf_realm *, const struct ask *);
/* The check cannot be made; why is for the log.  It is over then. */
void		 dialogue_failed(struct dialogue *, const char *why);
void		 dialogue_free(struct dialogue *);	/* NULL ok */
/* 0, or -1: it was not asked for. */
int		 dialogue_response(struct dialogue *, const struct response *);
/* What a job found out. */
void		 dialogue_checked(struct dialogue *, enum check);
/* n (64 at most) octets that nobody without the server's secret can
 * foretell, the same for the same authid and purpose for ever. */
void		 dialogue_fake(const struct dialogue *, const char *purpose,
		    uint8_t *, size_t n);
int		 text_is(const struct text *, const char *);
/* The next len octets of what is left: 0, or -1 if there are not as many. */
int		 text_take(const uint8_t **, size_t *left, struct text *,
		    size_t len);

/* authcall.c: whom a procedure knows */
struct authcall	*authcall_new(struct dialogue *, const struct conf_realm *,
		    const struct conf_auth *, const struct ask *);
void		 authcall_free(struct authcall *);	/* NULL ok */
/* Ask, once; the ticket or NULL.  0, or -1: that cannot be now. */
int		 authcall_start(struct authcall *, const struct text *);
/* The line by which that realm asks that procedure, still; or NULL. */
const struct conf_auth	*authcall_line(const struct dialogue *,
		    const struct conf_realm *);
const char	*authcall_cause(const struct authcall *); /* of a refusal */
/* The key of WAMP-CRA into AUTH_MAXSECRET octets; its length. */
size_t		 authcall_secret(const struct authcall *, uint8_t *);
struct text	 authcall_extra(const struct authcall *); /* for WELCOME */
int		 authcall_result(struct chan *, struct imsg *);
void		 authcall_broker_gone(uint32_t instance);

/* auth_*.c: a method each */
#define SCRAM_NONCE	24	/* what the keeper adds to the client's: base64
				 * without padding */
extern const struct dialogue_method	 ticket_method, cra_method,
		    scram_method, cryptosign_method;

/* failures.c */
void		 failures_prepare(void);
#define FAILURES_TEXT	"too many failed log-ins from this address"
/* 1: that address failed too often of late. */
int		 failures_refuse(const uint8_t addr[16]);
/* One more; returns how many milliseconds its refusal is to wait. */
uint32_t	 failures_add(uint32_t realm, const char *authid,
		    const uint8_t addr[16]);

/* workers.c */
void		 workers_prepare(struct event_base *);
int		 workers_start(char *err, size_t errlen);	/* 0 or -1 */
/* 0: done() will be called from the event loop; -1: too many wait. */
int		 workers_give(struct job *);
unsigned int	 workers_count(void);	/* jobs that are not done */
/* 1: no thread had begun it, done() will not be called; 0: it will. */
int		 workers_take_back(struct job *);

/* userset.c: the users files of the configuration */
void		 userset_prepare(void);
/* As proc_hooks.conf_check: 0, 1 or -1. */
int		 userset_check(struct conf *, char *err, size_t errlen);
void		 userset_abort(void);
/* After keeper.conf took its place: old is the one before, or NULL. */
void		 userset_commit(const struct conf *old);
struct users	*userset_find(uint32_t id);	/* no new reference; or NULL */
void		 userset_unref(struct users *);	/* wiped in slices */
size_t		 userset_count(void);		/* lines of all in force */
const uint8_t	*userset_secret(void);		/* 32 octets */
uint64_t	 userset_proof_id(const struct proof *, uint32_t method,
		    size_t key);	/* for GRANT and REVOKE */
/*
 * Has the realm in force this proof (that key of it), by whatever table: the
 * same principal, method and role, and the same secret as in the table
 * users, unless that is NULL?
 */
int		 userset_has(const struct conf_realm *,
		    const struct users *, const struct proof *,
		    uint32_t method, size_t key);

/* auth_line.c: the lines of wampd.conf(5) as proofs */
uint64_t	 auth_line_proof(const struct conf_auth *);
/* Sessions by lines of old that the configuration in force has not end. */
void		 auth_lines_commit(const struct conf *old);

/* auth_tls.c: what auth.c asks of a method */
int		 auth_tls_matches(const struct conf_realm *,
		    const struct conf_auth *, const struct ask *);
void		 auth_tls_authid(const struct conf_realm *,
		    const struct conf_auth *, const struct ask *, char *,
		    size_t);
/* Of a line with a users file: whose certificate it is there, and which of
 * his; NULL: nobody's who has a role in this realm. */
const struct proof	*auth_tls_proof(const struct conf_realm *,
			    const struct conf_auth *, const struct ask *,
			    size_t *);

/* ctl.c: what wampctl asks */
int		 ctl_query(struct chan *, struct imsg *);

/* keys.c */
void		 keys_prepare(void);
int		 keys_check(struct conf *, char *, size_t);
int		 keys_check_more(char *, size_t);
void		 keys_abort(void);	/* what was checked is not to be */
void		 keys_commit(struct event_base *, uint32_t);
/* How many are in force; octets of all there are, of those there is room
 * for. */
size_t		 keys_count(size_t *used, size_t *size);
/* Of the i-th of those in force: its keypair, and when the certificate
 * expires, in s since 1970; -1: there are fewer. */
int		 keys_expiry(size_t i, const char **name,
		    uint64_t *not_after);
struct evp_pkey_st	*keys_find(const uint8_t [32]);	/* EVP_PKEY */

/* sign.c */
int		 sign_works(struct evp_pkey_st *, struct evp_pkey_st *);
size_t		 sign_data(struct evp_pkey_st *, const struct m_sign *,
		    uint8_t *, size_t);
int		 sign_request(struct chan *, struct imsg *);

#endif /* WAMPD_KEEPER_H */
