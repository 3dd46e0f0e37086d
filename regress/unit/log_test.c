/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a client sent never ends a log line, moves a cursor or runs over.
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <vis.h>

#include "log.h"

static void
expect_vis(const char *in, size_t len, size_t size, const char *want)
{
	char	buf[256];

	memset(buf, 'X', sizeof(buf));
	log_vis(buf, size, in, len);
	if (strcmp(buf, want) != 0)
		errx(1, "log_vis: got \"%s\", want \"%s\"", buf, want);
	if (buf[size] != 'X')
		errx(1, "log_vis: wrote behind %zu octets", size);
}

/* What is copied without asking vis(3) is what vis(3) leaves alone. */
static void
expect_as_vis(void)
{
	char	in[2] = { 0, 'x' }, want[16];
	int	c;

	for (c = 0; c < 256; c++) {
		in[0] = (char)c;
		vis(want, (unsigned char)in[0], VIS_CSTYLE | VIS_OCTAL |
		    VIS_WHITE | VIS_DQ, in[1]);
		strlcat(want, "x", sizeof(want));
		expect_vis(in, 2, 64, want);
	}
}

/* In the place of libc's, also where it is called through a check. */
void	syslog(int, const char *, ...);
void	__syslog_chk(int, int, const char *, ...);

static int	priority;
static char	logged[4096];

static void
note(int pri, const char *fmt, va_list ap)
{
	priority = pri;
	vsnprintf(logged, sizeof(logged), fmt, ap);
}

void
syslog(int pri, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	note(pri, fmt, ap);
	va_end(ap);
}

void
__syslog_chk(int pri, int flag, const char *fmt, ...)
{
	va_list	ap;

	(void)flag;
	va_start(ap, fmt);
	note(pri, fmt, ap);
	va_end(ap);
}

static void
expect_syslog(const char *process, const char *text, int pri,
    const char *want)
{
	if (process != NULL)
		log_from(LOG_WARNING, process, text);
	else
		log_warnx("%s", text);
	if (priority != pri || strcmp(logged, want) != 0)
		errx(1, "syslog: got %d \"%s\", want %d \"%s\"", priority,
		    logged, pri, want);
}

static void
angular(char *buf, size_t size, int level, const char *process,
    const char *text, int with_time)
{
	snprintf(buf, size, "<%d %s|%s|%d>", level, process, text, with_time);
}

/* Only the keeper tells of failed log-ins. */
static void
to_syslog(void)
{
	static const char	failed[] = "auth failed realm=r";

	log_init(LOG_TO_SYSLOG, "test");
	expect_syslog("keeper", failed, LOG_AUTH | LOG_WARNING,
	    "keeper: auth failed realm=r");
	expect_syslog("tlsproxy 0", failed, LOG_WARNING,
	    "tlsproxy 0: auth failed realm=r");
	expect_syslog(NULL, failed, LOG_WARNING, failed);
	expect_syslog("keeper", "x auth failed ", LOG_WARNING,
	    "keeper: x auth failed ");
	expect_syslog("broker 0", "%s%n", LOG_WARNING, "broker 0: %s%n");
	log_setform(angular);
	expect_syslog("keeper", failed, LOG_AUTH | LOG_WARNING,
	    "<4 keeper|auth failed realm=r|0>");
	expect_syslog(NULL, "hello", LOG_WARNING, "<4 test|hello|0>");
	log_setform(NULL);
}

static void
expect_line(const char *text, const char *want)
{
	char	buf[4096];
	ssize_t	n;
	int	p[2], old;

	if (pipe(p) == -1 || (old = dup(2)) == -1 || dup2(p[1], 2) == -1)
		err(1, "pipe");
	log_warnx("%s", text);
	n = read(p[0], buf, sizeof(buf) - 1);
	dup2(old, 2);
	close(old);
	close(p[0]);
	close(p[1]);
	if (n < 0)
		err(1, "read");
	buf[n] = '\0';
	if (strcmp(buf, want) != 0)
		errx(1, "log_warnx: got \"%s\", want \"%s\"", buf, want);
}

int
main(void)
{
	struct log_limit	l = { 0, 0, 0 };
	char			longtext[4000];
	int			i, n = 0;

	expect_vis("a\r\nb", 4, 64, "a\\r\\nb");
	expect_vis("\033[2J", 4, 64, "\\033[2J");
	expect_vis("x y\"", 4, 64, "x\\sy\\\"");
	expect_vis("abcdef", 6, 4, "abc");
	expect_vis("ab\n", 3, 4, "ab");
	expect_vis("", 0, 1, "");
	expect_as_vis();

	log_init(LOG_TO_PARENT, "test");
	expect_line("hello", "<4>hello\n");
	log_init(LOG_TO_STDERR, "test");
	expect_line("hello", "test: hello\n");
	log_setform(angular);
	expect_line("hello", "<4 test|hello|1>\n");
	log_init(LOG_TO_PARENT, "test");
	expect_line("hello", "<4><4 test|hello|0>\n");
	log_init(LOG_TO_STDERR, "test");
	log_setform(NULL);
	to_syslog();
	log_init(LOG_TO_STDERR, "test");
	memset(longtext, 'a', sizeof(longtext) - 1);
	longtext[sizeof(longtext) - 1] = '\0';
	{
		char	want[2048];

		memset(want, 'a', sizeof(want));
		memcpy(want, "test: ", 6);
		want[1905] = '\n';
		want[1906] = '\0';
		expect_line(longtext, want);
	}

	for (i = 0; i < 100; i++)
		n += log_may(&l, 5);
	/* the second may have turned once */
	if (n < 5 || n > 10)
		errx(1, "log_may: %d lines of 100, want 5", n);
	return (0);
}
