/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a client sent never ends a log line, moves a cursor or runs over, and
 * nobody can make so many lines that others are lost.
 */
#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
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

/* In the place of libc's, also where it is called through a check; in
 * parentheses, since clang's headers have a macro of that name. */
void	(syslog)(int, const char *, ...);
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
(syslog)(int pri, const char *fmt, ...)
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

/* -- standard error ------------------------------------------------------ */

static int	err_pipe[2], old_err;

static void
capture(void)
{
	if (pipe2(err_pipe, O_NONBLOCK) == -1 || (old_err = dup(2)) == -1 ||
	    dup2(err_pipe[1], 2) == -1)
		err(1, "pipe");
}

/* What was written since, which must be this. */
static void
captured(const char *want)
{
	char	buf[8192];
	ssize_t	n;

	if ((n = read(err_pipe[0], buf, sizeof(buf) - 1)) < 0)
		n = 0;
	buf[n] = '\0';
	if (strcmp(buf, want) == 0)
		return;
	dup2(old_err, 2);
	errx(1, "got \"%s\", want \"%s\"", buf, want);
}

static void
release(void)
{
	dup2(old_err, 2);
	close(old_err);
	close(err_pipe[0]);
	close(err_pipe[1]);
}

static void
expect_line(const char *text, const char *want)
{
	capture();
	log_warnx("%s", text);
	captured(want);
	release();
}

/* -- repeats ------------------------------------------------------------- */

static struct timespec	now = { 1000, 0 };

int	clock_gettime(clockid_t, struct timespec *);

/* In the place of libc's. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	*ts = now;
	return (0);
}

static int
may(struct log_limit *l, unsigned int burst, int n)
{
	int	may = 0;

	while (n-- > 0)
		may += log_may(l, burst);
	return (may);
}

static void
expect_may(struct log_limit *l, unsigned int burst, int n, int want)
{
	int	got = may(l, burst, n);

	if (got != want) {
		dup2(old_err, 2);
		errx(1, "log_may: %d of %d lines, want %d", got, n, want);
	}
}

/* So many a second of each, and the count at its level. */
static void
kinds(void)
{
	struct log_limit	one = LOG_LIMIT("one");
	struct log_limit	two = LOG_LIMIT_WARN("two");
	struct log_limit	three = LOG_LIMIT_DEBUG("three");

	log_init(LOG_TO_PARENT, "test");
	capture();
	expect_may(&one, 5, 100, 5);
	expect_may(&two, 3, 3, 3);
	expect_may(&two, 3, 1, 0);
	log_flush();
	captured("");		/* there may be more */
	/* with the next of its kind */
	now.tv_sec++;
	expect_may(&one, 5, 1, 1);
	captured("<6>95 lines were not logged: one\n");
	expect_may(&one, 5, 7, 4);
	log_flush();
	captured("<4>1 lines were not logged: two\n");
	/* or without one */
	now.tv_sec++;
	log_flush();
	captured("<6>3 lines were not logged: one\n");
	now.tv_sec++;
	log_flush();
	captured("");
	/* what is not logged is not counted */
	expect_may(&three, 5, 100, 0);
	log_setlevel(LOG_LEVEL_BRIEF);
	expect_may(&one, 5, 100, 0);
	expect_may(&two, 5, 7, 5);
	now.tv_sec++;
	log_flush();
	captured("<4>2 lines were not logged: two\n");
	log_setlevel(LOG_LEVEL_DEBUG);
	expect_may(&three, 5, 7, 5);
	now.tv_sec++;
	log_flush();
	captured("<7>2 lines were not logged: three\n");
	log_setlevel(LOG_LEVEL_VERBOSE);
	release();
}

/* The parent does not read: no line waits, and none is lost unsaid. */
static void
pipe_full(void)
{
	static char	fill[4096];
	char		buf[4096];
	int		n = 0;

	log_init(LOG_TO_PARENT, "test");
	capture();
	while (write(2, fill, sizeof(fill)) == sizeof(fill))
		n++;
	log_warnx("one");
	log_session("two");
	log_warnx("three");
	while (n-- > 0)
		if (read(err_pipe[0], buf, sizeof(buf)) != sizeof(buf))
			err(1, "read");
	captured("");
	log_warnx("four");
	captured("<4>3 lines of the log were lost\n<4>four\n");
	log_warnx("five");
	captured("<4>five\n");
	release();
}

int
main(void)
{
	char	longtext[4000];

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

	kinds();
	pipe_full();
	return (0);
}
