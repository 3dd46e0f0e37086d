/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The configuration: as the parent parses it, as it travels to the children,
 * as they hold it.  One struct for all; each role receives its part only.
 */
#ifndef WAMPD_CONF_H
#define WAMPD_CONF_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>

#include "uri.h"

struct chan;
struct imsg;

#define CONF_MAXPREFORK	32
#define CONF_MAXBROKERS	32
#define CONF_MAXFILE	(1024 * 1024)	/* certificate, key, staple, CRL, ... */
#define CONF_MAXNAME	256		/* octets of a realm, role, keypair */
#define CONF_MAXREALMS	10000
#define CONF_MAXROLES	1000		/* of one realm */
#define CONF_MAXTOPICS	1000		/* with a history, of one realm */
#define CONF_MAXLISTENS	256
#define CONF_MAXMETRICS	16		/* "metrics on" */
#define CONF_MAXNETS	256		/* "from", of one listener */
#define CONF_MAXKEYPAIRS 1000
#define CONF_MAXUSERS	1000		/* users files */
#define CONF_MAXUSERSFILE (64 * 1024 * 1024)
#define CONF_MINSECRET	16		/* octets of the server's secret */
#define CONF_MAXSECRET	4096

#define CONF_MAXSESSIONS 1000000	/* of one realm */
#define CONF_MAXRATE	1000000		/* messages, at once and per time */
#define CONF_MAXBYTES	(1024 * 1024 * 1024)	/* likewise */
#define CONF_MAXRATETIME (3600 * 1000)

/* "messages N per T burst B", "bytes N per T burst B" */
struct conf_rate {
	uint32_t	 number;	/* 0: as many as it likes */
	uint32_t	 per;		/* ms */
	uint32_t	 burst;
};

/* The "limits" block; times in milliseconds. Fixed layout: it travels. */
struct conf_limits {
	uint64_t	 memory;	/* payload octets a process may hold */
	uint32_t	 connections;
	uint32_t	 per_address;	/* clients of one IPv4 address, */
	uint32_t	 ipv6_prefix;	/* or IPv6 network of so many bits */
	uint32_t	 message;	/* 512 to 16 MiB */
	uint32_t	 queue;		/* octets waiting for one session */
	uint32_t	 slow;		/* over the soft limit at most */
	uint32_t	 handshake;
	uint32_t	 hello;
	uint32_t	 complete;
	uint32_t	 authenticate;
	uint32_t	 ping_every;	/* 0: never */
	uint32_t	 ping_timeout;
	uint32_t	 subscriptions;	/* per session */
	uint32_t	 registrations;
	uint32_t	 calls;
	uint32_t	 failures;	/* failed log-ins of one address ... */
	uint32_t	 failures_per;	/* ... within this time */
	uint32_t	 failures_delay; /* of a refusal, at most */
	struct conf_rate messages;	/* of one session */
	struct conf_rate bytes;
	uint32_t	 metrics_time;	/* of a scraper */
	uint32_t	 per_authid;	/* sessions, in each realm */
	uint32_t	 metrics_connections;
	uint32_t	 pad;
};

#define CONF_MAXMEMORY	(1ULL << 40)

/* A limit that is one number, or one time. */
struct conf_limit {
	const char	*name;		/* as wampd.conf(5) has it */
	size_t		 where;		/* a uint32_t in struct conf_limits */
	uint32_t	 min, max;
	int		 is_time;	/* milliseconds */
};
/* Fatal for a name there is not. */
const struct conf_limit	*conf_find_limit(const char *name);
uint32_t		*conf_limit_value(struct conf_limits *,
			    const struct conf_limit *);
/* Is each in its range, and as large as others need it? */
int			 conf_limits_are_good(const struct conf_limits *);

/*
 * What may wait for a session until it counts as slow.  Under half of it the
 * session is fast again.
 */
static inline uint32_t
conf_soft_queue(const struct conf_limits *l)
{
	return (l->queue / 4);
}

struct conf_keypair {
	TAILQ_ENTRY(conf_keypair) entry;
	uint32_t	 id;
	char		*name;
	char		*cert_path, *key_path, *ocsp_path;	/* parent only */
	int		 cert_fd, key_fd, ocsp_fd;	/* parent only, -1 */
	uint8_t		*cert;		/* K, T: content */
	size_t		 certlen;
	uint8_t		*key;		/* K only; PEM, wiped by the keeper once
				 * it made its key of it */
	size_t		 keylen;
	uint8_t		*ocsp;		/* T: DER, or NULL */
	size_t		 ocsplen;
	const char	*file;		/* where it was written, parent only: */
	int		 line;		/* struct conf's files own the name */
};
TAILQ_HEAD(conf_keypairs, conf_keypair);

/* A users file (wampd.users(5)). */
struct conf_users {
	TAILQ_ENTRY(conf_users) entry;
	uint32_t	 id;
	char		*path;
	int		 fd;		/* P, K: open, or -1 */
	const char	*file;		/* where it was written, parent only */
	int		 line;
};
TAILQ_HEAD(conf_users_list, conf_users);

#define LISTEN_TLS		0x0001
#define LISTEN_INSECURE		0x0002	/* the word was given */
#define LISTEN_RAWSOCKET	0x0004
#define LISTEN_WEBSOCKET	0x0008
#define LISTEN_RSPING		0x0010	/* "rawsocket ping" */
#define LISTEN_UNIX		0x0020
#define LISTEN_TLS12		0x0040
#define LISTEN_TLS13		0x0080
#define LISTEN_CLIENT_CA	0x0100	/* "client ca", optional ... */
#define LISTEN_CLIENT_REQUIRED	0x0200	/* ... or required */
#define LISTEN_PROXY		0x0400	/* "proxy protocol from" */
#define LISTEN_METRICS		0x0800	/* "metrics on" */

#define LISTEN_MAXADDRS		2	/* "*" and localhost: IPv4, IPv6 */

struct conf_str {
	TAILQ_ENTRY(conf_str) entry;
	char		*s;
};
TAILQ_HEAD(conf_strs, conf_str);

/* "127.0.0.0/8". Fixed layout: it travels. */
struct conf_net {
	uint8_t		 addr[16];	/* IPv4: in the first four */
	uint8_t		 family;	/* NET_* */
	uint8_t		 len;		/* bits of addr that count */
	uint16_t	 pad;
};
#define NET_INET		4
#define NET_INET6		6

struct conf_listen {
	TAILQ_ENTRY(conf_listen) entry;
	uint32_t	 id;
	uint32_t	 flags;		/* LISTEN_* */
	uint32_t	 sers;		/* 1 << enum ser */
	char		*name;		/* "127.0.0.1 port 8443", for logs and
				 * -n, without "listen on" */
	const char	*file;		/* where it was written, parent only */
	int		 line;
	struct sockaddr_storage	 addr[LISTEN_MAXADDRS];	/* parent only */
	unsigned int	 naddr;		/* Unix socket: 1 */
	char		*path;		/* Unix socket, parent only */
	mode_t		 mode;
	char		*owner, *group;	/* as written, or NULL */
	uid_t		 uid;		/* (uid_t)-1: leave it */
	gid_t		 gid;
	uint32_t	*keypairs;	/* ids, the first is the default */
	size_t		 nkeypairs;
	char		*ca_path, *crl_path;	/* "client ca", "client crl" */
	int		 ca_fd, crl_fd;	/* parent only, -1 */
	uint8_t		*ca, *crl;	/* T: content, or NULL */
	size_t		 calen, crllen;
	struct conf_strs paths;		/* "websocket path"; none: any */
	struct conf_strs origins;	/* "websocket origin", lower case,
					 * "*", or a host "*.example.org" */
	struct conf_net	*from;		/* "proxy protocol from" */
	size_t		 nfrom;
	int		 fds[LISTEN_MAXADDRS];	/* T only: listening sockets
					 * that came with CONF_LISTEN_FD, -1;
					 * conf_free() closes what is left */
};
TAILQ_HEAD(conf_listens, conf_listen);

struct conf_rule {
	TAILQ_ENTRY(conf_rule) entry;
	uint8_t		 allow;		/* 1 allow, 0 deny */
	uint8_t		 actions;	/* ACTION_* bits; those of ACTION_META
				 * stand without others and without
				 * a URI */
	uint8_t		 match;		/* enum uri_match */
	uint8_t		 anyuri;	/* no URI was given */
	char		*uri;		/* "" if anyuri */
	uint16_t	 urilen;
	const char	*file;
	int		 line;
};
TAILQ_HEAD(conf_rules, conf_rule);

/* A procedure that the router itself calls; times in milliseconds. */
struct conf_dynamic {
	char		*procedure;	/* NULL: none */
	char		*realm;		/* where it is, NULL: in this one */
	uint32_t	 realm_id;	/* of that, once the file is read */
	uint32_t	 cache;		/* how long an answer is good, 0: once */
	uint32_t	 timeout;
	const char	*file;
	int		 line;
};
#define DYNAMIC_TIMEOUT	5000		/* default */

/* Whom receivers learn of; travels as a number. */
enum conf_disclose {
	DISCLOSE_UNSET = 0,	/* of a role: the realm's */
	DISCLOSE_ASKED = 1,	/* who wants it says disclose_me */
	DISCLOSE_ALWAYS = 2,
	DISCLOSE_NEVER = 3
};

struct conf_role {
	TAILQ_ENTRY(conf_role) entry;
	uint32_t	 id;
	char		*name;
	struct conf_dynamic authorizer;	/* "authorize dynamic" */
	uint8_t		 disclose_publisher;	/* enum conf_disclose */
	uint8_t		 disclose_caller;
	uint8_t		 has_trust;	/* "trust level" was given */
	uint16_t	 trust;
	struct conf_rules rules;	/* in order: the last match decides */
	const char	*file;
	int		 line;
};
TAILQ_HEAD(conf_roles, conf_role);

enum conf_auth_what {
	CONF_AUTH_ANYBODY = 0,
	CONF_AUTH_USER = 1,
	CONF_AUTH_GROUP = 2,
	CONF_AUTH_USERS = 3,	/* who stands in a users file */
	CONF_AUTH_SUBJECT = 4,	/* of a certificate */
	CONF_AUTH_FINGERPRINT = 5,
	CONF_AUTH_NAME = 6,
	CONF_AUTH_DYNAMIC = 7	/* whom a procedure knows */
};

/* One line of an authenticate statement. */
struct conf_auth {
	TAILQ_ENTRY(conf_auth) entry;
	uint32_t	 method;	/* AUTH_* bit */
	uint8_t		 what;		/* enum conf_auth_what */
	uint32_t	 id;		/* uid or gid */
	char		*name;		/* user or group as written; of a
					 * certificate, in one form */
	char		*authid;	/* "authid" given, or NULL */
	uint32_t	 users;		/* CONF_AUTH_USERS: conf_users.id */
	struct conf_dynamic dynamic;	/* CONF_AUTH_DYNAMIC */
	char		*role_name;	/* USERS, DYNAMIC: NULL */
	uint32_t	 role;		/* its id, once the file is read */
	const char	*file;
	int		 line;
};
TAILQ_HEAD(conf_auths, conf_auth);

/* Events that are kept for those who subscribe with get_retained. */
struct conf_retain {
	uint64_t	 memory;	/* octets of all */
	uint32_t	 topics;
	uint32_t	 message;	/* octets of one event */
	uint8_t		 is_off;	/* "retain never" */
};

/* Its last events are kept for wamp.subscription.get_events. */
struct conf_topic {
	TAILQ_ENTRY(conf_topic) entry;
	char		*uri;		/* or pattern */
	uint16_t	 urilen;
	uint8_t		 match;		/* enum uri_match */
	uint32_t	 events;
	const char	*file;
	int		 line;
};
TAILQ_HEAD(conf_topics, conf_topic);
#define TOPIC_EVENTS	1000		/* default */

struct conf_history {
	struct conf_topics topics;
	unsigned int	 ntopics;
	uint64_t	 memory;	/* octets of all */
};

struct conf_realm {
	TAILQ_ENTRY(conf_realm) entry;
	uint32_t	 id;
	uint32_t	 broker;	/* instance that routes it */
	char		*name;
	uint32_t	 hash;		/* of the name, for conf_find_realm */
	uint8_t		 strict_uris;
	uint8_t		 loose_ids;	/* "request ids loose" */
	uint8_t		 has_history;	/* children: there are topics */
	uint8_t		 has_retain;	/* children: not "retain never" */
	uint8_t		 disconnects;	/* "slow consumer disconnect" */
	uint8_t		 disclose_publisher;	/* enum conf_disclose, */
	uint8_t		 disclose_caller;	/* never UNSET */
	uint32_t	 sessions;	/* at most */
	uint32_t	 call_timeout;	/* ms, where a call asks for none */
	uint32_t	 call_timeout_max;	/* 0: none */
	struct conf_retain retain;
	struct conf_history history;
	struct conf_auths auths;	/* in order */
	struct conf_roles roles;
	struct conf_strs asked;		/* procedures of this realm that the
					 * router itself calls */
	unsigned int	 nauths, nroles;
	const char	*file;
	int		 line;
};
TAILQ_HEAD(conf_realms, conf_realm);

/* "control socket"; the parent's alone. */
struct conf_control {
	char		*path;		/* NULL: none */
	uint8_t		 is_given;	/* 0: the default, which may fail */
	uint8_t		 read_only;	/* for all but root and who runs it */
	mode_t		 mode;
	char		*owner, *group;	/* as written, or NULL */
	uid_t		 uid;		/* (uid_t)-1: leave it */
	gid_t		 gid;
	const char	*file;		/* where it was written, or NULL */
	int		 line;
};

/* Owns everything below it; freed by conf_free(). */
struct conf {
	uint32_t		 generation;
	uint32_t		 prefork;
	uint32_t		 brokers;
	uint32_t		 loglevel;	/* enum log_level */
	uint32_t		 logs_json;	/* parent only */
	uint32_t		 strict;	/* sandbox */
	uint32_t		 grace;		/* ms */
	uint32_t		 has_client_ca;	/* K: a listener has */
	struct conf_limits	 limits;
	struct conf_control	 control;
	struct conf_keypairs	 keypairs;
	struct conf_users_list	 users;
	char			*secret_path;	/* parent only, or NULL */
	int			 secret_fd;	/* parent only, or -1 */
	uint8_t			*secret;	/* K: content, or NULL */
	size_t			 secretlen;
	struct conf_listens	 listens;	/* M: those for metrics */
	struct conf_listens	 metrics;	/* "metrics on"; parent only */
	struct conf_realms	 realms;
	unsigned int		 nkeypairs, nlistens, nrealms, nusers;
	unsigned int		 nmetrics;
	uint32_t		 next_id;	/* conf_assign_ids() */
	struct conf_strs	 files;		/* that were read, for errors */
	int			 says_connections; /* parent only: it was
						 * written */
	int			 says_memory;	/* likewise */
	uint32_t		 nrecv;		/* conf_recv() */
};

/*
 * With the defaults of wampd.conf(5), but prefork 0: the parser knows the
 * number of CPUs.  Fatal without memory.
 */
struct conf		*conf_new(void);
void			 conf_free(struct conf *);	/* closes fds; NULL ok */
/* With a name of len octets, without anything else; the conf owns it. */
struct conf_keypair	*conf_add_keypair(struct conf *, const char *,
			    size_t len);
/* The users file of that path: the one there is, or a new one. */
struct conf_users	*conf_add_users(struct conf *, const char *,
			    size_t len);
struct conf_listen	*conf_add_listen(struct conf *, const char *,
			    size_t len);
/* The same for "metrics on". */
struct conf_listen	*conf_add_metrics(struct conf *, const char *,
			    size_t len);
struct conf_realm	*conf_add_realm(struct conf *, const char *,
			    size_t len);
struct conf_role	*conf_add_role(struct conf_realm *, const char *,
			    size_t len);
/* The same for a topic of a realm's history. */
struct conf_topic	*conf_add_topic(struct conf_realm *, const char *,
			    size_t len);
void			 conf_add_str(struct conf_strs *, const char *,
			    size_t len);
/* Append to "proxy protocol from". */
void			 conf_add_from(struct conf_listen *,
			    const struct conf_net *);
struct conf_realm	*conf_find_realm(const struct conf *, const char *,
			    size_t len);
struct conf_realm	*conf_find_realm_id(const struct conf *, uint32_t);
struct conf_role	*conf_find_role(const struct conf_realm *,
			    const char *);
struct conf_role	*conf_find_role_id(const struct conf_realm *,
			    uint32_t);
/* How many processes hold what clients say: tlsproxies and brokers. */
uint32_t		 conf_holders(const struct conf *);
/*
 * What of so many octets of memory each of them may hold if nobody says how
 * much: half of it among them, as far as the default goes.
 */
uint64_t		 conf_fair_memory(const struct conf *, uint64_t);
/*
 * How many clients one tlsproxy can hold that may have so many descriptors
 * (0: nobody said), if "connections" does not say fewer.
 */
uint32_t		 conf_most_clients(const struct conf *, uint64_t);
/*
 * Is the role trusted with a procedure that the router itself calls?  Only if
 * the last rule for REGISTER that matches it allows exactly it, word for
 * word: what is allowed along with others is not meant.
 */
int			 conf_role_trusts(const struct conf_role *,
			    const struct uri *);
/*
 * Is it trusted with all procedures that the router itself calls and that a
 * registration of this URI or pattern would serve?  Mostly there are none.
 */
int			 conf_role_may_serve(const struct conf_role *,
			    const struct conf_realm *, enum uri_match,
			    const struct uri *);
/*
 * Is the role's authorizer to be asked, where this rule decides (NULL: none
 * matches)?  What is allowed without a URI says no more than which actions
 * there may be; but a meta rule says which URIs it is for.
 */
int			 conf_role_asks(const struct conf_role *,
			    const struct conf_rule *);
struct conf_users	*conf_find_users(const struct conf *, const char *);
struct conf_users	*conf_find_users_id(const struct conf *, uint32_t);
struct conf_keypair	*conf_find_keypair(const struct conf *, const char *);
struct conf_keypair	*conf_find_keypair_id(const struct conf *, uint32_t);
struct conf_listen	*conf_find_listen(const struct conf *, const char *);
/* Could it be one: a family, a length of it, no bits beyond that? */
int			 conf_net_is_valid(const struct conf_net *);
/* Is the address (struct in_addr, struct in6_addr) of family AF_* in it? */
int			 conf_net_has(const struct conf_net *, int family,
			    const void *addr);
/* "127.0.0.0/8", or without the length if all bits count.  Returns buf. */
#define NET_MAXTEXT	64
const char		*conf_net_text(const struct conf_net *,
			    char buf[NET_MAXTEXT]);
/* Does a listener ask for client certificates? */
int			 conf_has_client_ca(const struct conf *);

/*
 * Ids of realms, roles, listeners and keypairs: equal names (listeners:
 * equal addresses) keep the id they had in old (or NULL), new ones get one
 * that was never used before; and realms are spread over brokers
 * (rendezvous hash of the name, so that a realm stays where it is).
 */
void	 conf_assign_ids(struct conf *, const struct conf *old);

/* -- on the way to a child: confmsg.c ----------------------------------- */

/*
 * Send to a child, whose role and kind decide what it gets, as CONF_BEGIN to
 * CONF_END.  listen_fd(arg, listen, i) returns the parent's descriptor for
 * address i of a listener for this tlsproxy, not given away (it is
 * duplicated), or -1 if there is none; without listen_fd none is sent.
 * 0, or -1 when something could not be sent.
 */
int	 conf_send(struct chan *, const struct conf *, int role, int kind,
	    int (*listen_fd)(void *, const struct conf_listen *, unsigned int),
	    void *arg);

/*
 * Receive: one imsg from CONF_BEGIN to CONF_END.  *next is built up; on
 * CONF_END with everything complete returns 1, 0 if more must come, -1 for
 * nonsense or a file that cannot be read (text in err; the caller answers
 * CONF_FAILED and frees *next).
 */
int	 conf_recv(struct conf **next, struct imsg *, char *err, size_t errlen);

/* -- the parent's part: wampd/parse.y, wampd/printconf.c ---------------- */

/* A macro given with -D. */
struct conf_macro {
	const char	*name, *value;
};

/*
 * Parse a file.  Errors ("file:line: what is wrong", up to 20) go to
 * log_warnx().  NULL if there was one.
 */
struct conf	*conf_parse(const char *path, const struct conf_macro *,
		    size_t nmacros);
/* The same for text in memory, without "include": for tests. */
struct conf	*conf_parse_text(const char *name, const char *, size_t len);
/* 1048576 is "1m", 5000 ms "5s": as they parse. Return buf. */
const char	*conf_text_number(char *buf, size_t, uint64_t);
const char	*conf_text_time(char *buf, size_t, uint32_t ms);
/* Text that parses again (-nv), to a stdio stream. */
void		 conf_print(const struct conf *, void *stream);
/* One line a listener (-n): address, TLS or not, realms, who may join. */
void		 conf_print_summary(const struct conf *, void *stream);

#endif /* WAMPD_CONF_H */
