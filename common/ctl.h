/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What wampctl and the parent say to each other over the control socket, and
 * the words that the parent passes on to its children (IMSG_CTL_QUERY).
 *
 * A client sends one struct ctl_request and reads frames until CTL_END or
 * CTL_ERROR; then it may send the next.  Requests have one size, so the
 * parent, which is root, parses nothing of a local user's.
 */
#ifndef WAMPD_CTL_H
#define WAMPD_CTL_H

#include <stdint.h>

#define CTL_MAGIC	0x57434c31U	/* "WCL1" */
#define CTL_MAXNAME	256		/* realm, role, authid, with a NUL */
#define CTL_MAXURI	1024
#define CTL_MAXDATA	(16 * 1024)	/* of one frame */

/* Numbers are never given anew: wampctl and wampd may differ in age. */
enum ctl_what {
	CTL_NONE = 0,
	/* answered by the parent */
	CTL_SUMMARY = 1,
	CTL_PROCESSES = 2,
	CTL_SANDBOX = 3,
	CTL_LISTENERS = 4,
	CTL_REALMS = 5,
	CTL_LIMITS = 6,
	CTL_CERTIFICATES = 7,
	CTL_CONFIG = 8,
	CTL_TEST = 9,
	CTL_MONITOR = 10,
	/* by the children whom the parent asks */
	CTL_SESSIONS = 20,		/* B */
	CTL_SESSION = 21,		/* B */
	CTL_SUBSCRIPTIONS = 22,		/* B */
	CTL_REGISTRATIONS = 23,		/* B */
	CTL_CALLS = 24,			/* B */
	CTL_CONNECTIONS = 25,		/* T */
	CTL_MEMORY = 26,		/* K, T, B */
	CTL_METRICS = 27,		/* P, K, T, B */
	/* change something */
	CTL_KILL_SESSION = 40,		/* B */
	CTL_KILL_AUTHID = 41,		/* B */
	CTL_RELOAD = 42,
	CTL_CHECK = 43,
	CTL_LOG = 44,
	CTL_DRAIN = 45,
	CTL_RESUME = 46,
	CTL_UPGRADE = 47,
	CTL_STOP = 48
};
#define CTL_IS_CHANGE(what)	((what) >= CTL_KILL_SESSION)

/* Texts end in a NUL, and what is behind it is zero. */
struct ctl_request {
	uint32_t	 magic;
	uint16_t	 what;		/* enum ctl_what */
	uint8_t		 action;	/* CTL_TEST: ACTION_* */
	uint8_t		 match;		/* CTL_TEST: enum uri_match */
	uint64_t	 session;	/* CTL_SESSION, CTL_KILL_SESSION */
	uint32_t	 ms;		/* CTL_DRAIN: over which time */
	uint32_t	 level;		/* CTL_LOG: enum log_level */
	char		 realm[CTL_MAXNAME];	/* "": all */
	char		 role[CTL_MAXNAME];
	char		 authid[CTL_MAXNAME];	/* "": all */
	char		 uri[CTL_MAXURI];
};

enum ctl_kind {
	CTL_ROW = 1,		/* one map in MessagePack */
	CTL_TEXT = 2,		/* octets to be printed as they are, through
				 * vis(3) */
	CTL_ERROR = 3,		/* why not; the last frame */
	CTL_END = 4		/* the last frame, without data */
};

#define CTL_INCOMPLETE	0x0001	/* of CTL_END: a child did not answer */

struct ctl_frame {
	uint32_t	 len;		/* of the data behind it */
	uint16_t	 kind;		/* enum ctl_kind */
	uint16_t	 flags;
};

#endif /* WAMPD_CTL_H */
