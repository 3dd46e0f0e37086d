/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A test plays everybody around a real broker: the parent, the keeper and
 * the tlsproxies with their sessions.  What is awaited and does not come,
 * and what comes and is not awaited, ends the test.
 */
#ifndef WAMPD_BPLAY_H
#define WAMPD_BPLAY_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "msgtypes.h"
#include "play.h"
#include "uri.h"
#include "wamp.h"

struct conf;
struct conf_realm;
struct conf_role;

/* The broker's peer, as the test plays it. */
struct side {
	int		 fd;
	int		 role;		/* PROC_TLSPROXY or PROC_KEEPER */
	int		 instance;
	uint32_t	 generation;
	uint64_t	 nsync;
	uint8_t		*in;
	size_t		 inoff, inlen, insize;
};

/* An imsg from the broker; data is valid until the next is read. */
struct got {
	uint32_t	 type, slot, gen;
	size_t		 len;
	const uint8_t	*data;
};

struct sess {
	struct side	*t;
	uint32_t	 slot, gen;
	uint64_t	 id;
	uint64_t	 request;	/* of what was sent last */
};

struct text {
	const void	*p;
	size_t		 len;
};

/* Lists of PUBLISH, as they are built. */
struct lists {
	struct m_filter	 m;
	size_t		 len[FILTER_LISTS];
	uint8_t		 buf[FILTER_LISTS][16384];
};

/* An EVENT, taken apart; the texts are NUL terminated. */
struct heard {
	struct m_event	 m;
	struct m_sessref refs[EVENT_MAXREFS];
	char		 topic[URI_MAXLEN + 1];
	char		 authid[AUTHID_MAXLEN + 1];
	char		 role[AUTH_MAXNAME + 1];
	char		 ppt[PPT_MAXLEN + 1];
	char		 body[1024];
};

extern struct play	 bp;
extern struct conf	*bconf;		/* in force */
extern struct side	 keeper, proxies[4];

#define SYNC_SLOT	(SLOT_MAX - 1)	/* a session of bp_sync()'s own */

/* A configuration with realm "realm1" and its role "all", which may. */
struct conf	*bconf_new(void);
struct conf_realm	*bconf_realm(struct conf *, const char *);
struct conf_role	*bconf_role(struct conf_realm *, const char *);
void		 bconf_rule(struct conf_role *, int allow, unsigned actions,
		    int match, const char *uri);	/* NULL: any */
/* "authorize dynamic" of a role of the realm; times in ms. */
void		 bconf_authorizer(struct conf_realm *, struct conf_role *,
		    const char *procedure, uint32_t cache, uint32_t timeout);
/* A procedure of the realm that the router itself calls. */
void		 bconf_asks(struct conf_realm *, const char *procedure);
/* A broker with a keeper and n tlsproxies; takes the conf. */
void		 bp_start(struct conf *, int n);
void		 bp_reload(struct conf *);
void		 bp_stop(void);
void		 bp_ok(const char *name);
int		 bp_logged(const char *);	/* lately, or soon */

/* (Re)connect; what was there is closed. */
void		 side_open(struct side *, int role, int instance);
void		 side_close(struct side *);
void		 side_write(struct side *, const void *, size_t);
void		 side_send(struct side *, uint32_t type, uint32_t slot,
		    uint32_t gen, const void *fixed, size_t,
		    const struct text *, int n);
/* 1, 0 if nothing came for ms, -1 when the broker closed it. */
int		 side_next(struct side *, struct got *, int ms);
void		 side_want(struct side *, uint32_t type, struct got *,
		    size_t fixed);
/* All that was said is done, and nothing but the answer to this came. */
void		 side_sync(struct side *);
/* The same for several tlsproxies, what one said reached the others. */
void		 bp_quiet(void);
/* The broker closes it and reports it. */
void		 side_is_cut(struct side *, unsigned int suspects);

uint64_t	 bp_session_id(void);
extern uint64_t	 grant_proof;	/* of the next GRANTs; 0: none */
extern const char	*grant_authid;	/* of the next GRANTs */
void		 grant(struct side *, uint32_t slot, uint32_t gen,
		    const char *realm, const char *role, uint64_t id);
/* Join: GRANT and SESSION_OPEN. */
void		 join(struct sess *, struct side *, uint32_t slot,
		    uint32_t gen, const char *realm, const char *role);
void		 leave(struct sess *);		/* and the answer */
void		 send_close(struct sess *, int why);
void		 want_end(struct side *, uint32_t slot, uint32_t gen,
		    enum wamp_err);

/* An imsg of a session's; one to it, its fixed part copied. */
void		 say(struct sess *, uint32_t type, const void *, size_t,
		    const struct text *, int);
void		 hear(struct sess *, uint32_t type, struct got *, void *,
		    size_t);
void		 send_subscribe(struct sess *, const char *, int match);
void		 send_unsubscribe(struct sess *, uint64_t id);
void		 send_publish(struct sess *, uint32_t flags, const char *,
		    const void *, size_t);
void		 lists_init(struct lists *);
void		 lists_empty(struct lists *, int list);	/* it is there */
void		 lists_id(struct lists *, int list, uint64_t);
void		 lists_text(struct lists *, int list, const char *);
/* lists, ppt: or NULL */
void		 send_publish_to(struct sess *, uint32_t flags, const char *,
		    const struct lists *, const char *ppt, const char *body);
void		 send_register(struct sess *, const char *, int match,
		    int invoke);
void		 send_unregister(struct sess *, uint64_t id);
void		 send_call(struct sess *, const char *, const char *);
void		 send_yield(struct sess *, uint64_t inv, const char *);
void		 send_error(struct sess *, uint64_t inv, const char *,
		    const char *);
void		 send_failed(struct sess *, uint64_t inv, enum wamp_err,
		    const char *);
void		 send_flow(struct sess *, uint32_t type);

uint64_t	 want_subscribed(struct sess *);
void		 want_unsubscribed(struct sess *, uint64_t id);
int		 got_uri(const struct got *, size_t n);
void		 want_revoked(struct sess *, uint64_t id);
uint64_t	 want_published(struct sess *);
/* but: the session that the EVENT must not reach, or NULL */
uint64_t	 want_event(struct side *, uint64_t sub, const struct sess *but,
		    const void *, size_t);
/* An EVENT whatever it says; one with a short payload. */
void		 hear_event(struct side *, struct heard *);
uint64_t	 want_registered(struct sess *);
void		 want_unregistered(struct sess *);
uint64_t	 want_invocation(struct sess *, uint64_t reg, const char *);
void		 want_result(struct sess *, uint64_t call, const char *);
void		 want_error(struct sess *, uint64_t call, const char *,
		    const char *);
void		 want_refused(struct sess *, enum wamp_code, uint64_t request,
		    enum wamp_err);

uint64_t	 subscribe(struct sess *, const char *);
uint64_t	 subscribe_to(struct sess *, const char *, int match);
uint64_t	 registers(struct sess *, const char *);

#endif /* WAMPD_BPLAY_H */
