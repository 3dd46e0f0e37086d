/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Between the files that read wampd.conf(5): parse.y has the grammar and the
 * lexer, conf_*.c what statements mean.  One parser at a time, and nothing
 * of it outlives conf_parse() but the struct conf.
 */
#ifndef WAMPD_PARSE_H
#define WAMPD_PARSE_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "conf.h"

#define PARSE_MAXQUOTED	40	/* octets of a file in an error */
#define PARSE_MAXOCTETS	(16 * 1024 * 1024)	/* of all files together */

/* A file being read, or waiting to be; the top of a stack. */
struct source {
	struct source	*below;
	char		*path;
	const char	*name;		/* of the conf's files: for errors */
	char		*text;		/* NULL: not opened yet */
	size_t		 len, off;
	int		 line;
	int		 is_secret;	/* not everybody may read it */
	int		 is_ended;
	unsigned int	 depth;
	dev_t		 dev;
	ino_t		 ino;
	const char	*from;		/* where it is included */
	int		 fromline;
	int		 is_fromsecret;
};

struct macro {
	TAILQ_ENTRY(macro) entry;
	char		*name, *value;
	int		 is_fixed;	/* -D */
	int		 is_used;
};

/* "keypair" inside "listen", resolved at the end. */
struct ref {
	TAILQ_ENTRY(ref) entry;
	struct conf_listen *listen;
	char		*name;
	const char	*file;
	int		 line;
};

/* What may be said once. */
enum once {
	ONCE_PREFORK, ONCE_BROKERS, ONCE_LOG, ONCE_LOG_FORMAT, ONCE_SANDBOX, ONCE_GRACE,
	ONCE_CONNECTIONS, ONCE_PER_ADDRESS, ONCE_MESSAGE, ONCE_QUEUE,
	ONCE_SLOW, ONCE_MEMORY, ONCE_HANDSHAKE, ONCE_HELLO, ONCE_COMPLETE,
	ONCE_AUTHENTICATE, ONCE_PING, ONCE_SUBSCRIPTIONS,
	ONCE_REGISTRATIONS, ONCE_CALLS, ONCE_MESSAGES, ONCE_BYTES,
	ONCE_PER_AUTHID,
	ONCE_FAILURES, ONCE_FAILDELAY,
	ONCE_METRICS, ONCE_METRICS_CONNECTIONS,
	ONCE_SECRET, ONCE_CONTROL,
	/* in a realm */
	ONCE_URI, ONCE_IDS, ONCE_CALL_TIMEOUT, ONCE_RETAIN,
	ONCE_RETAIN_TOPICS, ONCE_RETAIN_MEMORY, ONCE_RETAIN_MESSAGE,
	ONCE_HISTORY, ONCE_HISTORY_MEMORY, ONCE_SLOW_CONSUMER,
	ONCE_SESSIONS,
	/* in a realm or a role */
	ONCE_PUBLISHER, ONCE_CALLER, ONCE_TRUST,
	/* in a listener */
	ONCE_ONLY, ONCE_MODE, ONCE_OWNER, ONCE_GROUP, ONCE_PROTOCOLS,
	ONCE_SERIALIZERS, ONCE_CLIENT_CA, ONCE_CLIENT_CRL, ONCE_PROXY,
	ONCE_READ_ONLY,
	ONCE_MAX
};

struct parser {
	struct conf	*conf;
	struct source	*top;
	TAILQ_HEAD(, macro) macros;
	TAILQ_HEAD(refs, ref) refs;
	struct conf_strs words;		/* tokens of this statement */
	unsigned int	 nerrors, nfiles, nmacros;
	int		 is_stopped;	/* too much of something */
	size_t		 noctets;
	int		 no_include;

	/* the lexer */
	int		 token;		/* last one returned */
	const char	*file;		/* where it stood */
	int		 line;
	const char	*word;		/* its text */
	char		 mark[2];	/* if that is one character */
	int		 is_secret;
	int		 is_value;	/* next word is a macro's value */
	int		 depth;		/* of open braces */
	int		 openline;	/* of the outermost */
	int		 closing;	/* braces to be closed at end of file */
	int		 is_skipping;	/* to the end of a wrong statement */
	int		 skipdepth;
	int		 has_failed;	/* the lexer reported already */
	char		 shown[4][PARSE_MAXQUOTED + 16];
	unsigned int	 nextshown;

	/* the grammar */
	uint64_t	 seen, blockseen;	/* 1 << enum once */
	uint64_t	 roleseen;
	struct {
		const char	*file;
		int		 line;
	}		 where[ONCE_MAX];
	int		 is_lost;	/* a top-level statement was skipped */
	int		 is_blocklost;	/* a line of this block was */
	struct conf_keypair	*keypair;
	struct conf_listen	*listen;
	struct conf_realm	*realm;
	struct conf_role	*role;
	struct conf_topic	*topic;		/* or NULL, so far */
	struct conf_dynamic	 dynamic;	/* statement under way */
	int			 has_cache, has_timeout;
	unsigned int		 nrefs;		/* of this listener */
	uint32_t		 methods[8];	/* of this "authenticate" */
	size_t			 nmethods;
};
extern struct parser	 parser;

/* parse.y */
void	 conf_error(const char *, ...)
	    __attribute__((format(printf, 1, 2)));
void	 conf_error_at(const char *, int, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
void	 conf_warn_at(const char *, int, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
const char	*parse_quoted(const char *);
const char	*parse_shown(const char *);

/* conf_file.c */
void	 source_push(const char *, unsigned int, const char *, int);
void	 source_push_text(const char *, const char *, size_t);
void	 source_pop(void);
int	 source_load(struct source *);
void	 conf_include(const char *);

/* conf_value.c */
int	 parse_once(uint64_t *, enum once, const char *);
const char	*parse_digits(const char *, uint64_t *);
int	 get_number(const char *, const char *, uint64_t, uint64_t, uint64_t *);
int	 get_time(const char *, const char *, uint32_t, uint32_t, uint32_t *);
void	 set_u32(enum once, const char *, const char *, uint32_t *,
	    uint32_t, uint32_t);
void	 set_time(enum once, const char *, const char *, uint32_t *,
	    uint32_t, uint32_t);
void	 secret_path(const char *);
int	 check_name(const char *, const char *);
int	 check_text(const char *, const char *, size_t);
int	 check_path(const char *, const char *);
/* Of a Unix socket: 0, or -1 after saying what is wrong. */
int	 check_socket_path(const char *, const char *);
int	 get_mode(const char *, mode_t *);
int	 get_owner(const char *, char **, uid_t *);
int	 get_group(const char *, char **, gid_t *);

/* conf_control.c */
void	 control_begin(const char *);
void	 control_mode(const char *);
void	 control_owner(const char *);
void	 control_group(const char *);
void	 control_read_only(void);
void	 control_end(void);
void	 control_check_whole(void);
void	 control_default(void);

/* conf_limits.c */
/* One that is a number or a time. */
void	 limit_set(enum once, const char *name, const char *);
/* prefix may be NULL */
void	 limit_per_address(const char *, const char *prefix);
void	 limit_memory(const char *);
void	 limit_failures(const char *, const char *per);
/* burst may be NULL */
void	 limit_messages(const char *, const char *per, const char *burst);
void	 limit_bytes(const char *, const char *per, const char *burst);
void	 limit_ping(const char *every, const char *timeout);	/* NULL, NULL:
								 * never */
/* Something that would say nothing without more words. */
void	 limit_lacks(const char *what, const char *text, const char *lacks);

/* conf_listen.c */
void	 keypair_begin(const char *);
void	 keypair_path(char **, const char *, const char *);
void	 keypair_end(void);
void	 listen_begin_inet(const char *, const char *);
void	 listen_begin_unix(const char *);
void	 listen_flag(uint32_t);
void	 listen_only(uint32_t);
void	 listen_mode(const char *);
void	 listen_owner(const char *);
void	 listen_group(const char *);
void	 listen_proxy(void);
void	 listen_from(const char *);
void	 listen_keypair(const char *);
void	 listen_protocols(const char *);
void	 listen_path(const char *);
void	 listen_origin(const char *);
void	 listen_serializers(uint32_t);
void	 listen_client_ca(const char *, int);
void	 listen_client_crl(const char *);
void	 listen_complain(const struct conf_listen *, const char *);
void	 listen_end(void);
void	 metrics_begin_inet(const char *, const char *);
void	 metrics_begin_unix(const char *);
void	 metrics_end(void);

/* conf_realm.c */
void	 realm_begin(const char *);
void	 realm_uri(int);
void	 realm_ids(int);
struct conf_auth	*auth_add(uint32_t, int, const char *);
void	 auth_anonymous(const char *);
void	 auth_method(uint32_t, int);
void	 auth_from(const char *);
struct conf_auth	*auth_add(uint32_t, int, const char *);
void	 auth_socket(int, const char *, const char *, const char *);
void	 role_begin(const char *);
void	 role_rule(int, uint32_t, int, const char *);
void	 realm_end(void);

/* conf_policy.c */
void	 realm_disclose(unsigned int, int);
void	 role_disclose(unsigned int, int);
void	 role_trust(const char *);
void	 realm_call_timeout(const char *, const char *);
void	 realm_slow_consumer(int);
void	 realm_sessions(const char *);
void	 retain_begin(void);
void	 retain_never(void);
void	 retain_topics(const char *);
void	 retain_memory(const char *);
void	 retain_message(const char *);
void	 retain_end(void);
void	 history_begin(void);
void	 history_topic(int, const char *);
void	 history_events(const char *);
void	 history_memory(const char *);
void	 history_end(void);
void	 history_check(const struct conf_realm *);

/* conf_dynamic.c */
void	 dynamic_begin(const char *);
void	 dynamic_cache(const char *);
void	 dynamic_timeout(const char *);
void	 dynamic_realm(const char *);
void	 auth_dynamic(void);
void	 role_authorize(void);
void	 realm_check_dynamic(struct conf_realm *);
void	 conf_check_dynamic(void);

/* conf_tls.c */
void	 auth_tls(int, const char *, const char *, const char *);
void	 auth_tls_check_whole(void);

/* conf_whole.c */
void	 conf_check_whole(const char *);
void	 conf_warn_whole(void);

#endif /* WAMPD_PARSE_H */
