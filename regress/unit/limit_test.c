/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Limits that were reached are counted each for itself, and each has a name.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
