/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Lines of a handover: whatever they are, one that is taken holds nothing
 * that the new program could not believe.
 */
#include <sys/types.h>

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/conf.h"
#include "../../wampd/handover.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_socket(const struct handover_line *h)
{
	if (h->what == HANDOVER_TCP || h->what == HANDOVER_METRICS_TCP) {
		if (h->n == 0 || h->n > CONF_MAXPREFORK || h->i >= h->n ||
		    (h->addr.ss_family != AF_INET &&
		    h->addr.ss_family != AF_INET6))
			abort();
		return;
	}
	if (h->dir < 3 || h->path[0] != '/' ||
	    memchr(h->path, '\0', sizeof(h->path)) == NULL)
		abort();
}

static void
check(const struct handover_line *h)
{
	int	has_fd = 1;

	switch (h->what) {
	case HANDOVER_TCP:
	case HANDOVER_UNIX:
	case HANDOVER_METRICS_TCP:
	case HANDOVER_METRICS_UNIX:
	case HANDOVER_CONTROL:
		check_socket(h);
		break;
	case HANDOVER_CARETAKER:
		if (h->pid < 1)
			abort();
		break;
	case HANDOVER_OLD:
		/* nobody kills init */
		if (h->pid <= 1 || h->name[0] == '\0' ||
		    memchr(h->name, '\0', sizeof(h->name)) == NULL)
			abort();
		has_fd = 0;
		break;
	case HANDOVER_PREFORK:
		if (h->n == 0 || h->n > CONF_MAXPREFORK)
			abort();
		has_fd = 0;
		break;
	case HANDOVER_TRIAL:
	case HANDOVER_REPLACE:
	case HANDOVER_END:
		has_fd = 0;
		break;
	case HANDOVER_PIDFILE:
	case HANDOVER_NOTIFY:
	case HANDOVER_CLIENT:
	case HANDOVER_MONITOR:
	case HANDOVER_IDLE:
		break;
	default:
		abort();
	}
	if (has_fd ? h->fd < 3 : h->fd != -1)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct handover_line	 h;
	const uint8_t		*end;
	char			*line;
	size_t			 n;

	for (; len > 0; in += n, len -= n) {
		end = memchr(in, '\n', len);
		n = end != NULL ? (size_t)(end - in) : len;
		/* of its own length, for the sanitizers */
		if ((line = malloc(n + 1)) == NULL)
			abort();
		memcpy(line, in, n);
		line[n] = '\0';
		if (handover_form(line) < -1)
			abort();
		if (handover_parse(line, &h) == 0)
			check(&h);
		free(line);
		if (end != NULL)
			n++;
	}
	return (0);
}
