/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Log lines.  A child writes "<level>text\n" to descriptor 2, a pipe that
 * the parent reads; the parent and the tools write for people or to syslog.
 * Client text is passed through log_vis() first.
 */
#ifndef WAMPD_LOG_H
#define WAMPD_LOG_H

#include <stdarg.h>
#include <stddef.h>

enum log_mode {
	LOG_TO_PARENT,		/* "<n>text", n a syslog level; so to journald */
	LOG_TO_STDERR,		/* "wampd: text", or the form's, with a time */
	LOG_TO_SYSLOG
};

/* How much: brief leaves out lines of single sessions. */
enum log_level {
	LOG_LEVEL_BRIEF,
	LOG_LEVEL_VERBOSE,
	LOG_LEVEL_DEBUG
};

void	 log_init(enum log_mode, const char *name);
void	 log_setlevel(enum log_level);
enum log_level	 log_getlevel(void);

/* For an operator who may act: warning, with errno's text or without. */
void	 log_warn(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_warnx(const char *, ...) __attribute__((format(printf, 1, 2)));
/* Life cycle of the daemon. */
void	 log_info(const char *, ...) __attribute__((format(printf, 1, 2)));
/* One line per join, refusal and leave; not at level brief. */
void	 log_session(const char *, ...) __attribute__((format(printf, 1, 2)));
/* Only at level debug. */
void	 log_debug(const char *, ...) __attribute__((format(printf, 1, 2)));
/* Give each line to fn as well (NULL: to nobody), which must log nothing. */
void	 log_tap(void (*fn)(void *, int level, const char *text), void *);
/*
 * Write a line of that process (a child, or "wampd"), level as syslog's
 * numbers.  Failed log-ins that the keeper tells of go to the facility auth.
 */
void	 log_from(int level, const char *process, const char *text);
/*
 * What somebody who may did to the daemon: act is a word or some ("reload"),
 * what it was done to any text or "" ("session 17").  By a signal, or by a
 * process that asked for it.  Logged at every level.
 */
void	 log_admin_signal(const char *act, const char *signal);
void	 log_admin(const char *act, unsigned long uid, long pid,
	    const char *what);

/*
 * Another form of lines than text: composes one in buf, without a newline.
 * NULL: text.  Only for modes that are not LOG_TO_PARENT of a child.
 */
typedef void	 log_form(char *buf, size_t size, int level,
		    const char *process, const char *text, int with_time);
void	 log_setform(log_form *);

/*
 * For start-up and broken invariants of our own only, never reachable by
 * what a client or a process of lower trust sends.  Exit with status 1.
 */
__attribute__((noreturn, format(printf, 1, 2)))
void	 fatal(const char *, ...);
__attribute__((noreturn, format(printf, 1, 2)))
void	 fatalx(const char *, ...);

/*
 * Text of a client made harmless for a log line: vis(3)-encoded, cut to
 * what fits dst (size > 0).  Returns dst.
 */
char	*log_vis(char *dst, size_t size, const void *text, size_t len);
/* The same for text between quotes: blanks stay. */
char	*log_text(char *dst, size_t size, const void *text, size_t len);

/*
 * At most "burst" lines a second of one kind: log_may() returns 1 if it may
 * go.  How many did not is said with the next that may, or by log_flush(),
 * which the process calls about once a second, at the level of its kind.
 * What the level in force leaves out may not go and is not counted.  Kinds
 * live as long as the process.
 */
enum log_what {
	LOG_OF_SESSION = 0,	/* log_session() */
	LOG_OF_WARNING,
	LOG_OF_DEBUG
};

struct log_limit {
	const char	*kind;
	enum log_what	 what;
	long		 second;
	unsigned int	 count, dropped;
	struct log_limit *next;		/* of those that have dropped some */
	int		 is_listed;
};
#define LOG_LIMIT(kind)		{ (kind), LOG_OF_SESSION, 0, 0, 0, NULL, 0 }
#define LOG_LIMIT_WARN(kind)	{ (kind), LOG_OF_WARNING, 0, 0, 0, NULL, 0 }
#define LOG_LIMIT_DEBUG(kind)	{ (kind), LOG_OF_DEBUG, 0, 0, 0, NULL, 0 }
int	 log_may(struct log_limit *, unsigned int burst);
void	 log_flush(void);

#endif /* WAMPD_LOG_H */
