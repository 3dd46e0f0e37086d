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

struct chan;
struct conf;
struct event_base;
struct evp_pkey_st;
struct imsg;
struct auth_slot;

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

/* One channel to another process; a tlsproxy has two. */
struct peer {
	TAILQ_ENTRY(peer)	 entry;
	struct m_peer		 id;
	struct chan		*chan;
	/* LINK_MAIN of a tlsproxy: what became of each slot's last HELLO */
	struct auth_slot	*slots;
	uint32_t		 nslots;
	/* LINK_SIGN of a tlsproxy */
	uint64_t		 sign_turn;	/* of its last request */
	long			 sign_second;
	unsigned int		 sign_count;	/* in that second */
};
TAILQ_HEAD(peers, peer);

struct keeper {
	struct proc		 proc;
	struct conf		*conf;		/* in force, or NULL */
	struct peers		 peers;
	uint64_t		 turn;		/* of the event loop */
};

/* keeper.c */
extern struct keeper	 keeper;
struct peer	*keeper_broker(uint32_t);

/* auth.c */
int		 auth_hello(struct chan *, struct imsg *);
int		 auth_cancel(struct chan *, struct imsg *);

/* keys.c */
void		 keys_prepare(void);
int		 keys_check(struct conf *, char *, size_t);
void		 keys_commit(struct event_base *);
struct evp_pkey_st	*keys_find(const uint8_t [32]);	/* EVP_PKEY */

/* sign.c */
int		 sign_works(struct evp_pkey_st *, struct evp_pkey_st *);
size_t		 sign_data(struct evp_pkey_st *, const struct m_sign *,
		    uint8_t *, size_t);
int		 sign_request(struct chan *, struct imsg *);

#endif /* WAMPD_KEEPER_H */
