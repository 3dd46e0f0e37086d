/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a client sent never ends a log line, moves a cursor or runs over.
 */
#include <err.h>
#include <string.h>
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

static void
expect_line(int pri, const char *text, const char *want)
{
	char	buf[4096];
	ssize_t	n;
	int	p[2], old;

	if (pipe(p) == -1 || (old = dup(2)) == -1 || dup2(p[1], 2) == -1)
		err(1, "pipe");
	log_raw(pri, text);
	n = read(p[0], buf, sizeof(buf) - 1);
	dup2(old, 2);
	close(old);
	close(p[0]);
	close(p[1]);
	if (n < 0)
		err(1, "read");
	buf[n] = '\0';
	if (strcmp(buf, want) != 0)
		errx(1, "log_raw: got \"%s\", want \"%s\"", buf, want);
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
	expect_line(4, "hello", "<4>hello\n");
	log_init(LOG_TO_STDERR, "test");
	expect_line(4, "hello", "test: hello\n");
	memset(longtext, 'a', sizeof(longtext) - 1);
	longtext[sizeof(longtext) - 1] = '\0';
	{
		char	want[2048];

		memset(want, 'a', sizeof(want));
		memcpy(want, "test: ", 6);
		want[2046] = '\n';
		want[2047] = '\0';
		expect_line(4, longtext, want);
	}

	for (i = 0; i < 100; i++)
		n += log_may(&l, 5);
	/* the second may have turned once */
	if (n < 5 || n > 10)
		errx(1, "log_may: %d lines of 100, want 5", n);
	return (0);
}
