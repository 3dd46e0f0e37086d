/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * How often each limit of wampd.conf(5) was reached in this process, and the
 * lines of the log that say so.
 */
#ifndef WAMPD_LIMIT_H
#define WAMPD_LIMIT_H

#include <stdint.h>

enum limit {
	LIMIT_AUTHENTICATE,
	LIMIT_BYTES,			/* connections that said more */
	LIMIT_CALLS,
	LIMIT_COMPLETE,
	LIMIT_CONNECTIONS,
	LIMIT_PER_ADDRESS,
	LIMIT_FAILURES,
	LIMIT_HANDSHAKE,
	LIMIT_HELLO,
	LIMIT_MEMORY,
	LIMIT_MESSAGE,
	LIMIT_MESSAGES,			/* as bytes */
	LIMIT_METRICS,
	LIMIT_METRICS_CONNECTIONS,
	LIMIT_PING,
	LIMIT_QUEUE,
	LIMIT_REGISTRATIONS,
	LIMIT_SESSIONS,			/* of a realm */
	LIMIT_PER_AUTHID,
	LIMIT_SLOW,
	LIMIT_SUBSCRIPTIONS,
	LIMIT_MAX
};

/* As wampd.conf(5) has it: "sessions per authid". */
const char	*limit_name(enum limit);
/* How often since this process began. */
uint64_t	 limit_count(enum limit);
/* Once more; another line of the log says it. */
void		 limit_hit(enum limit);
/* Once more, and "limits NAME reached" and what is given is logged: as of one
 * session, ten times a second at most. */
void		 limit_reached(enum limit, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
/* The same as a warning, once a second: it is about all. */
void		 limit_warn(enum limit, const char *, ...)
		    __attribute__((format(printf, 2, 3)));

#endif /* WAMPD_LIMIT_H */
