/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A test plays everybody around a real tlsproxy: the parent, the keeper, two
 * brokers and the clients.  What is awaited and does not come, and what
 * comes and is not awaited, ends the test.
 */
#ifndef WAMPD_PROXY_PLAY_H
#define WAMPD_PROXY_PLAY_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "msgtypes.h"
#include "play.h"
#include "wamp.h"

struct conf;
struct conf_listen;

#define WAIT	20000			/* ms; SAN builds are slow */

/* A peer of the tlsproxy, as the test plays it. */
struct side {
	int		 fd;
	int		 role;		/* PROC_KEEPER or PROC_BROKER */
	int		 instance;
	uint32_t	 generation;
	uint32_t	 features;	/* the last SESSION_FEATURES */
	unsigned int	 nfeatures;
};

/* An imsg from the tlsproxy; data is valid until the next is read. */
struct got {
	uint32_t	 type, slot, gen;
	size_t		 len;
	const uint8_t	*data;
};

struct text {
	const void	*p;
	size_t		 len;
};

struct client {
	int		 fd;
	int		 ser;
	int		 is_ws;
	uint8_t		*in;
	size_t		 inlen, insize;
	uint8_t		*msg;		/* the last, NUL terminated */
	size_t		 len;
	/* its session, as keeper and broker know it */
	struct side	*b;
	uint32_t	 realm, slot, gen;
	uint64_t	 id;
};

extern struct play	 pp;
extern struct side	 keeper, brokers[2];

/* Realm "realm1" (id 1) of brokers[0] and "realm2" (id 2) of brokers[1]. */
struct conf		*pconf_new(void);
/* A loopback address, or a Unix socket; the same number: the same socket. */
struct conf_listen	*pconf_listen(struct conf *, int n, uint32_t flags);
void			 listener_forget(int n);	/* its descriptor */

/* A tlsproxy that accepts, with a keeper and both brokers; takes the conf. */
void	 pp_start(int kind, struct conf *);
int	 pp_configure(struct conf *);		/* as play_configure() */
void	 pp_stop(void);
void	 pp_ok(const char *name);
/* All that was said is done. */
void	 pp_sync(void);
int	 pp_logged(const char *);		/* lately, or soon */
void	 pp_forget_log(void);

/* (Re)connect; what was there is closed. */
void	 side_open(struct side *, int role, int instance);
void	 side_close(struct side *);
void	 side_write(struct side *, const void *, size_t);
size_t	 imsg_make(uint8_t *, uint32_t type, uint32_t slot, uint32_t gen,
	    const void *fixed, size_t, const struct text *, int n);
void	 side_send(struct side *, uint32_t type, uint32_t slot, uint32_t gen,
	    const void *fixed, size_t, const struct text *, int n);
/* 1, 0 if nothing came for ms, -1 when the tlsproxy closed it.
 * SESSION_FEATURES, which every session begins with, is remembered only. */
int	 side_next(struct side *, struct got *, int ms);
void	 side_want(struct side *, uint32_t type, struct got *, size_t fixed);
void	 side_quiet(struct side *);		/* nothing waits there */
/* The tlsproxy closes it and reports it. */
void	 side_is_cut(struct side *, unsigned int suspects);

void	 client_connect(struct client *, int n);	/* no handshake */
void	 client_open(struct client *, int n, int ser, int exp);
void	 client_open_ws(struct client *, int n, int ser);
void	 client_write(struct client *, const void *, size_t);
void	 client_send(struct client *, const void *, size_t);
void	 client_say(struct client *, const char *json);
/* 1, 0 if nothing came for ms, -1 when it was closed. */
int	 client_next(struct client *, int ms);
void	 client_want(struct client *, const char *json);
void	 client_want_like(struct client *, const char *begin);
void	 client_quiet(struct client *);
void	 client_is_closed(struct client *);	/* the router did */
void	 client_close(struct client *);

/* HELLO, as the keeper sees it. */
void	 hello(struct client *, int realm);
void	 hello_heard(struct client *, int realm);	/* sent already */
void	 send_open(struct client *);
void	 join(struct client *, int n, int realm);
void	 send_end(struct client *, enum wamp_err, const char *);
void	 want_close(struct client *, int why);
void	 send_deny(struct client *, enum wamp_err, const char *);
void	 send_event(struct client *, uint64_t sub, uint64_t pub,
	    const struct client *but, const char *json);
void	 send_subscribed(struct client *, uint64_t request, uint64_t sub);
void	 send_result(struct client *, uint64_t request, const char *json);
/* The client leaves, and all answer. */
void	 leave(struct client *);

#endif /* WAMPD_PROXY_PLAY_H */
