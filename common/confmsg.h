/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Between confmsg.c and confmsg_realm.c: a configuration being sent, and one
 * being received.
 */
#ifndef WAMPD_CONFMSG_H
#define WAMPD_CONFMSG_H

#include <stddef.h>
#include <stdint.h>

struct chan;
struct conf;
struct conf_realm;
struct imsg;

/* Longest text in one of these imsgs; the parser's limit on a word. */
#define CONFMSG_MAXTEXT	8192

struct confmsg_out {
	struct chan	*chan;
	uint32_t	 n;		/* imsgs so far */
	int		 has_failed;
};

/* An imsg as it is taken apart. */
struct confmsg_in {
	struct conf	*conf;
	struct imsg	*m;
	const uint8_t	*p;		/* what is left of the imsg */
	size_t		 left;
	char		*err;
	size_t		 errlen;
};

/* A struct and up to two texts behind it. */
void	 confmsg_put(struct confmsg_out *, uint32_t type, const void *, size_t,
	    const void *a, size_t alen, const void *b, size_t blen);
/* 0, or -1: the imsg has not so much. */
int	 confmsg_get(struct confmsg_in *, void *, size_t);
/* len octets without NUL, in place; not terminated. */
int	 confmsg_get_text(struct confmsg_in *, const char **, size_t len);
/* The rest of the imsg is a text of this length. */
int	 confmsg_get_last(struct confmsg_in *, const char **, size_t len,
	    size_t max);

/* confmsg_realm.c */
void	 confmsg_send_realm(struct confmsg_out *, const struct conf_realm *,
	    int role);
int	 confmsg_recv_realm(struct confmsg_in *);
int	 confmsg_recv_auth(struct confmsg_in *);
int	 confmsg_recv_role(struct confmsg_in *);
int	 confmsg_recv_rule(struct confmsg_in *);
int	 confmsg_recv_authorizer(struct confmsg_in *);
int	 confmsg_recv_asked(struct confmsg_in *);
int	 confmsg_recv_policy(struct confmsg_in *);
int	 confmsg_recv_topic(struct confmsg_in *);

#endif /* WAMPD_CONFMSG_H */
