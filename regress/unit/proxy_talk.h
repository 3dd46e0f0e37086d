/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Clients of proxy_play.h that a test lets speak JSON, and that speak on the
 * wire what they please.
 */
#ifndef WAMPD_PROXY_TALK_H
#define WAMPD_PROXY_TALK_H

#include "proxy_play.h"

/* HELLO with these roles, up to WELCOME. */
void	 talk_join(struct client *, int ser, int realm, const char *roles);
void	 talk_say(struct client *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* The next message is this; begins with this. */
void	 talk_want(struct client *, const char *json);
void	 talk_want_like(struct client *, const char *begin);
/* ABORT, protocol_violation; and it is closed. */
void	 talk_is_aborted(struct client *, const char *what);
/* The client goes without a word, and all answer. */
void	 talk_gone(struct client *);

#endif /* WAMPD_PROXY_TALK_H */
