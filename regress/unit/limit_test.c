/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Limits that were reached are counted each for itself, and each has a name.
 * What processes may hold if nobody says how much fits into the machine.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "limit.h"
#include "log.h"

/* What was logged, by way of a pipe. */
static size_t
lines(int fd, const char *text)
{
	static char	buf[65536];
	const char	*p;
	ssize_t		len;
	size_t		n = 0;

	if ((len = read(fd, buf, sizeof(buf) - 1)) == -1)
		err(1, "read");
	buf[len] = '\0';
	for (p = buf; (p = strstr(p, text)) != NULL; p += strlen(text))
		n++;
	return (n);
}

static void
want_memory(const struct conf *c, unsigned int gigas, unsigned int megas)
{
	uint64_t	got = conf_fair_memory(c, (uint64_t)gigas << 30);

	if (got != (uint64_t)megas << 20)
		errx(1, "%u processes of %u GB: %llu, want %u MB",
		    conf_holders(c), gigas, (unsigned long long)got, megas);
}

static void
memory(void)
{
	struct conf	*c = conf_new();

	c->prefork = 4;
	c->brokers = 2;
	conf_add_listen(c, "a", 1);
	if (conf_holders(c) != 6)
		errx(1, "%u processes, want 6", conf_holders(c));
	conf_add_listen(c, "b", 1)->flags = LISTEN_UNIX;
	if (conf_holders(c) != 7)
		errx(1, "%u processes, want 7", conf_holders(c));
	want_memory(c, 14, 1024);
	want_memory(c, 1000000, 1024);
	want_memory(c, 4, 292);
	want_memory(c, 1, 73);
	/* but a session must be able to be slow */
	c->limits.queue = 100 << 20;
	want_memory(c, 1, 100);
	want_memory(c, 0, 100);
	conf_free(c);
}

int
main(void)
{
	int	i, j, p[2], saved;

	for (i = 0; i < LIMIT_MAX; i++) {
		if (limit_name((enum limit)i) == NULL)
			errx(1, "limit %d has no name", i);
		for (j = 0; j < i; j++)
			if (strcmp(limit_name((enum limit)i),
			    limit_name((enum limit)j)) == 0)
				errx(1, "limit %d has the name of %d", i, j);
	}
	printf("ok - names\n");
	memory();
	printf("ok - memory\n");

	if ((saved = dup(STDERR_FILENO)) == -1 || pipe(p) == -1 ||
	    dup2(p[1], STDERR_FILENO) == -1)
		err(1, "pipe");
	log_init(LOG_TO_STDERR, "test");
	log_setlevel(LOG_LEVEL_VERBOSE);
	for (i = 0; i < 1000; i++)
		limit_reached(LIMIT_CALLS, "session=%d", 7);
	for (i = 0; i < 1000; i++)
		limit_warn(LIMIT_MEMORY, "no room");
	for (i = 0; i < 7; i++)
		limit_hit(LIMIT_QUEUE);
	dup2(saved, STDERR_FILENO);
	if (limit_count(LIMIT_CALLS) != 1000 ||
	    limit_count(LIMIT_MEMORY) != 1000 ||
	    limit_count(LIMIT_QUEUE) != 7 || limit_count(LIMIT_SLOW) != 0)
		errx(1, "wrong counts");
	printf("ok - counts\n");

	/* a second may end between two of them, but not twenty */
	i = (int)lines(p[0], "limits session calls reached session=7\n");
	if (i < 10 || i > 200)
		errx(1, "%d lines", i);
	printf("ok - lines\n");
	return (0);
}
