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

/* Unless wampd.conf(5) says otherwise; RUNDIR as make was told. */
#define CTL_SOCKET	RUNDIR "/wampd/control.sock"

#define CTL_MAGIC	0x57434c31U	/* "WCL1" */
#define CTL_MAXNAME	256		/* realm, role, authid, with a NUL */
#define CTL_MAXURI	1024
#define CTL_MAXDATA	(16 * 1024)	/* of one frame */

/*
 * The fields of the rows that children send (ctl_rows.c, ctl.c), in their
 * order; wampctl(8) promises these names.  Times are as in
 * 2026-01-31T12:00:00.000Z, "bool" is true or false, "or nil" may be null,
 * everything else without a type is a number or, where that is plain, a text.
 *
 * SESSIONS	session, realm, authid, authrole, authmethod, authprovider,
 *		proxy (instance), since (time), subscriptions,
 *		registrations, calls (as caller, under way), invocations (as
 *		callee), slow (bool).  A tlsproxy's last come first.
 *		Filters: realm, authid.
 * SESSION	one row, or none: the same and slow_ms (since it is, or 0),
 *		waits_for_authorizer (bool), paused_by_authorizer (bool),
 *		paused_by_callee (bool), slot (of its tlsproxy), testaments,
 *		remembered_verdicts, proxy_queued (octets that wait for its
 *		tlsproxy), proxy_dropped_events (since that one is slow),
 *		features (list of "role.feature"), details (map of anything,
 *		or nil: none, or more than 4096 octets; what
 *		wamp.session.modify_details said)
 * SUBSCRIPTIONS id, realm, uri, match (exact, prefix, wildcard),
 *		subscribers, history (bool), created (time).  Filter: realm.
 * REGISTRATIONS id, realm, uri, match, invoke (single, first, last,
 *		roundrobin, random), callees, busy_callees (at their limit),
 *		created (time).  Filter: realm.
 * CALLS	realm (or nil), procedure (of the registration, or as called
 *		where that is kept; nil if that is gone), match (or nil),
 *		registration, caller (session; 0: the router), call (CALL's
 *		Request), callee (session), invocation (INVOCATION's Request),
 *		age_ms, timeout_ms (0: none), progressive (bool: results),
 *		open (bool: more of the CALL may come), canceled (bool:
 *		INTERRUPT was sent).  The oldest come first.  Filter: realm.
 * CONNECTIONS	proxy (instance), connection (of that process, counted),
 *		address, listener, transport (rawsocket, websocket, or nil: not
 *		known yet), serializer (or nil), tls (version, or nil), cipher
 *		(or nil), state (proxy: the header of that protocol is
 *		awaited; tls, begun, http, open, authenticating, joined,
 *		closing, lingering), session (0: none is joined), slot (0:
 *		none), realm (or nil), authid (or nil), authrole (or nil),
 *		since (time), idle_ms (since its client was heard), queued
 *		(octets to it), buffered (octets of it), slow (bool), paused
 *		(bool: it is not read for a broker's sake), limited (bool: nor
 *		for limits session messages or bytes), dropped_events (of this
 *		session).  The oldest come first.  Filters: session, realm,
 *		authid: joined ones only.
 * KILL_SESSION, KILL_AUTHID	killed, one row of each broker.  A realm of 0:
 *		all.  Who asks no further stops it; what is killed is.
 * MEMORY	process, instance, what, peer (or nil: process at the other
 *		end of a queue), peer_instance (or nil), count (or nil),
 *		octets (or nil), limit (or nil, of octets).  What: payloads
 *		(limits memory bounds them), queue (to that peer), objects (of
 *		clients), sessions; of a broker subscriptions, subscribers,
 *		registrations, callees, calls, verdicts (of authorizers,
 *		remembered); of a tlsproxy connections, addresses, input
 *		(incomplete), messages_in and messages_out (of clients),
 *		dropped_events, slow_dropped_events, slow_ended_sessions,
 *		limited_connections (these six since it began); of a keeper keys, users (lines of files), logins
 *		(under way), jobs (for its threads).  All octets that the
 *		kernel counts are the parent's to tell.
 * METRICS	see metric.h
 */

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

#define CTL_GRACE	UINT32_MAX	/* as long as "grace" */
#define CTL_MAXDRAIN	86400000U	/* ms: a day */

/* Texts end in a NUL, and what is behind it is zero. */
struct ctl_request {
	uint32_t	 magic;
	uint16_t	 what;		/* enum ctl_what */
	uint8_t		 action;	/* CTL_TEST: ACTION_* */
	uint8_t		 match;		/* CTL_TEST: enum uri_match */
	uint64_t	 session;	/* CTL_SESSION, CTL_KILL_SESSION */
	uint32_t	 ms;		/* CTL_DRAIN: over which time, or
					 * CTL_GRACE */
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
#define CTL_LEAVING	0x0002	/* of CTL_END: there are processes from before
				 * an upgrade, which were not asked */

struct ctl_frame {
	uint32_t	 len;		/* of the data behind it */
	uint16_t	 kind;		/* enum ctl_kind */
	uint16_t	 flags;
};

#endif /* WAMPD_CTL_H */
