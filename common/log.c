/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Log lines: composed here, written with one write(2) or syslog(3).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include "log.h"

#define LINE_MAXLEN	4096	/* what write(2) keeps in one piece */
#define FORM_MAXLEN	(LINE_MAXLEN - 8)

static enum log_mode	 mode = LOG_TO_STDERR;
static enum log_level	 level = LOG_LEVEL_VERBOSE;
static log_form		*form;
static const char	*progname = "wampd";
static struct log_limit	*limits;	/* that have something to say */
static unsigned int	 nlost;		/* lines that the pipe did not take */
static void		(*tap)(void *, int, const char *);
static void		*tap_arg;

void
log_init(enum log_mode m, const char *name)
{
	mode = m;
	progname = name;
	if (m == LOG_TO_SYSLOG)
		openlog(name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_setlevel(enum log_level l)
{
	level = l;
}

enum log_level
log_getlevel(void)
{
	return (level);
}

void
log_tap(void (*fn)(void *, int, const char *), void *arg)
{
	tap = fn;
	tap_arg = arg;
}

void
log_setform(log_form *f)
{
	form = f;
}

/* Once there is room in the pipe again. */
static void
say_lost(void)
{
	char	line[64];
	int	len;

	if (nlost == 0)
		return;
	len = snprintf(line, sizeof(line), "<%d>%u lines of the log were "
	    "lost\n", LOG_WARNING, nlost);
	if (write(STDERR_FILENO, line, (size_t)len) == len)
		nlost = 0;
}

/* Write what is composed already. */
static void
emit(int pri, const char *text)
{
	char	line[LINE_MAXLEN];
	ssize_t	n;
	int	len;

	switch (mode) {
	case LOG_TO_SYSLOG:
		syslog(pri, "%s", text);
		return;
	case LOG_TO_PARENT:
		say_lost();
		len = snprintf(line, sizeof(line), "<%d>%s",
		    LOG_PRI(pri), text);
		break;
	default:
		len = snprintf(line, sizeof(line), "%s%s%s", form != NULL ?
		    "" : progname, form != NULL ? "" : ": ", text);
		break;
	}
	if (len < 0)
		return;
	if ((size_t)len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	/* a full pipe loses the line, never blocks the process */
	n = write(STDERR_FILENO, line, (size_t)len);
	nlost += n == -1;
}

/* For the parent's own lines; a syslog may keep these from most eyes. */
static int
is_failed_login(const char *process, const char *text)
{
	return (strcmp(process, "keeper") == 0 &&
	    strncmp(text, "auth failed ", 12) == 0);
}

void
log_from(int pri, const char *process, const char *text)
{
	char	line[FORM_MAXLEN];
	int	auth = is_failed_login(process, text) ? LOG_AUTH : 0;

	snprintf(line, sizeof(line), "%s: %s", process, text);
	if (tap != NULL)
		tap(tap_arg, pri, line);
	if (form != NULL)
		form(line, sizeof(line), pri, process, text,
		    mode == LOG_TO_STDERR);
	emit(pri | auth, line);
}

/* A line of our own: its process is named by the mode. */
static void
log_own(int pri, const char *text)
{
	char	line[FORM_MAXLEN];

	if (tap != NULL)
		tap(tap_arg, pri, text);
	if (form != NULL) {
		form(line, sizeof(line), pri, progname, text,
		    mode == LOG_TO_STDERR);
		text = line;
	}
	emit(pri, text);
}

__attribute__((format(printf, 3, 0)))
static void
vlog(int pri, int errnum, const char *fmt, va_list ap)
{
	char	text[1900];
	int	saved = errno;
	size_t	len;

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		return;
	if (errnum != 0) {
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, ": %s",
		    strerror(errnum));
	}
	log_own(pri, text);
	errno = saved;
}

void
log_warn(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vlog(LOG_WARNING, errno, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vlog(LOG_WARNING, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vlog(LOG_NOTICE, 0, fmt, ap);
	va_end(ap);
}

void
log_session(const char *fmt, ...)
{
	va_list	ap;

	if (level == LOG_LEVEL_BRIEF)
		return;
	va_start(ap, fmt);
	vlog(LOG_INFO, 0, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list	ap;

	if (level != LOG_LEVEL_DEBUG)
		return;
	va_start(ap, fmt);
	vlog(LOG_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void
log_admin_signal(const char *act, const char *signal)
{
	log_info("admin act=%s signal=%s", act, signal);
}

void
log_admin(const char *act, unsigned long uid, long pid, const char *what)
{
	char	buf[1024], word[64], *p;

	strlcpy(word, act, sizeof(word));
	for (p = word; *p != '\0'; p++)
		if (*p == ' ')
			*p = '_';
	log_info("admin act=%s uid=%lu pid=%ld what=\"%s\"", word, uid, pid,
	    log_text(buf, sizeof(buf), what, strlen(what)));
}

void
fatal(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vlog(LOG_CRIT, errno, fmt, ap);
	va_end(ap);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vlog(LOG_CRIT, 0, fmt, ap);
	va_end(ap);
	exit(1);
}

/* vis(3) leaves it as it is, and takes 0.2 us to find that out. */
static int
is_plain(unsigned char c)
{
	return (c > ' ' && c < 0x7f && c != '"' && c != '\\');
}

static char *
encode(char *dst, size_t size, const void *text, size_t len, int keeps_blanks)
{
	const unsigned char	*p = text;
	char			 one[8];
	size_t			 i, n, off = 0;

	for (i = 0; i < len; i++) {
		if (is_plain(p[i]) || (keeps_blanks && p[i] == ' ')) {
			if (off + 2 > size)
				break;
			dst[off++] = (char)p[i];
			continue;
		}
		vis(one, p[i], VIS_CSTYLE | VIS_OCTAL | VIS_WHITE | VIS_DQ,
		    i + 1 < len ? p[i + 1] : 0);
		n = strlen(one);
		if (off + n + 1 > size)
			break;
		memcpy(dst + off, one, n);
		off += n;
	}
	dst[off] = '\0';
	return (dst);
}

char *
log_vis(char *dst, size_t size, const void *text, size_t len)
{
	return (encode(dst, size, text, len, 0));
}

char *
log_text(char *dst, size_t size, const void *text, size_t len)
{
	return (encode(dst, size, text, len, 1));
}

/* -- repeats ------------------------------------------------------------- */

static void
say_dropped(struct log_limit *l)
{
	static const char	fmt[] = "%u lines were not logged: %s";
	unsigned int		n = l->dropped;

	l->dropped = 0;
	if (n == 0)
		return;
	if (l->what == LOG_OF_WARNING)
		log_warnx(fmt, n, l->kind);
	else if (l->what == LOG_OF_SESSION)
		log_session(fmt, n, l->kind);
	else
		log_debug(fmt, n, l->kind);
}

static long
this_second(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((long)ts.tv_sec);
}

int
log_may(struct log_limit *l, unsigned int burst)
{
	long	now = this_second();

	if ((l->what == LOG_OF_SESSION && level == LOG_LEVEL_BRIEF) ||
	    (l->what == LOG_OF_DEBUG && level != LOG_LEVEL_DEBUG))
		return (0);
	if (now != l->second) {
		l->second = now;
		l->count = 0;
		say_dropped(l);
	}
	if (l->count < burst) {
		l->count++;
		return (1);
	}
	l->dropped++;
	if (!l->is_listed) {
		l->is_listed = 1;
		l->next = limits;
		limits = l;
	}
	return (0);
}

/* Those whose second is over; the others wait for the next time. */
void
log_flush(void)
{
	struct log_limit	**pl = &limits, *l;
	long			  now = this_second();

	while ((l = *pl) != NULL) {
		if (l->second == now) {
			pl = &l->next;
			continue;
		}
		*pl = l->next;
		l->is_listed = 0;
		say_dropped(l);
	}
}
