/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a child writes to its standard error becomes lines of our log:
 * "<level>text" from log.c, anything else (a sanitizer's report, libc's last
 * words) as a warning.  A child may be taken over: its lines bear its name,
 * hold nothing that moves a cursor, and are bounded in length and number.
 */
#include <sys/types.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"
#include "wampd.h"

#define LINES_A_SECOND	2000
#define READ_A_TURN	(64 * 1024)

static void
note_dropped(struct logsink *l)
{
	if (l->dropped == 0)
		return;
	log_warnx("%s: %u lines of its log were dropped", l->name,
	    l->dropped);
	l->dropped = 0;
}

/* Its warnings have as much room for themselves. */
static int
may_log(struct logsink *l, int level)
{
	uint64_t	 now = mono_ms() / 1000;
	unsigned int	*n = &l->count[level <= LOG_WARNING];

	if (now != l->second) {
		l->second = now;
		l->count[0] = l->count[1] = 0;
		note_dropped(l);
	}
	if (*n >= LINES_A_SECOND) {
		l->dropped++;
		return (0);
	}
	(*n)++;
	return (1);
}

/* Text of a child without anything a terminal could act on. */
void
logsink_clean(char *dst, size_t size, const void *text, size_t len)
{
	const unsigned char	*p = text;
	size_t			 i, off = 0;

	for (i = 0; i < len && off + 5 < size; i++) {
		if (p[i] == '\t' || (p[i] >= 0x20 && p[i] < 0x7f))
			dst[off++] = (char)p[i];
		else
			off += (size_t)snprintf(dst + off, 5, "\\%03o", p[i]);
	}
	dst[off] = '\0';
}

static void
emit(struct logsink *l)
{
	const char	*p = l->buf;
	char		 text[1600];
	int		 level = LOG_WARNING;

	/* a child has no emergencies to tell to all terminals */
	if (l->len >= 3 && p[0] == '<' && p[1] >= '0' + LOG_CRIT &&
	    p[1] <= '0' + LOG_DEBUG && p[2] == '>') {
		level = p[1] - '0';
		p += 3;
	}
	logsink_clean(text, sizeof(text), p, l->len - (size_t)(p - l->buf));
	l->len = 0;
	if (text[0] == '\0' || !may_log(l, level))
		return;
	log_from(level, l->name, text);
}

/* Octets as they arrive, with or without the ends of lines. */
void
logsink_feed(struct logsink *l, const char *p, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++) {
		if (p[i] == '\n') {
			if (!l->is_long)
				emit(l);
			l->is_long = 0;
			continue;
		}
		if (l->is_long)
			continue;
		l->buf[l->len++] = p[i];
		if (l->len == sizeof(l->buf)) {
			emit(l);
			l->is_long = 1;
		}
	}
}

/* Returns 0 when there may be more later, -1 at the end. */
int
logsink_drain(struct logsink *l)
{
	char	buf[4096];
	ssize_t	n;
	size_t	total = 0;

	while (total < READ_A_TURN) {
		n = read(l->fd, buf, sizeof(buf));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return (0);
		if (n <= 0)
			return (-1);
		logsink_feed(l, buf, (size_t)n);
		total += (size_t)n;
	}
	return (0);
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct logsink	*l = arg;

	(void)fd;
	(void)what;
	if (logsink_drain(l) == -1)
		event_del(l->ev);
}

/* Takes fd, the reading end. */
int
logsink_open(struct logsink *l, struct event_base *base, const char *name,
    int fd)
{
	memset(l, 0, sizeof(*l));
	l->name = name;
	l->fd = fd;
	if (evutil_make_socket_nonblocking(fd) == -1)
		goto fail;
	l->ev = event_new(base, fd, EV_READ | EV_PERSIST, readable, l);
	if (l->ev == NULL || event_add(l->ev, NULL) == -1)
		goto fail;
	return (0);
fail:
	logsink_close(l);
	return (-1);
}

/* The child is gone: its last words first. */
void
logsink_close(struct logsink *l)
{
	if (l->fd == -1)
		return;
	logsink_drain(l);
	if (l->len > 0)
		emit(l);
	note_dropped(l);
	if (l->ev != NULL)
		event_free(l->ev);
	l->ev = NULL;
	close(l->fd);
	l->fd = -1;
}
