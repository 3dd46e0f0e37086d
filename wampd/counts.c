/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the parent counts, and what it knows of its children, in rows for
 * wampd-metrics(7); theirs they tell themselves (ask.c).
 */
#include <sys/types.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "limit.h"
#include "metric.h"
#include "mpput.h"
#include "wampd.h"

#define MAXROW	1024	/* more than it takes: names are ours */

/* To whom. */
struct listener {
	counts_cb	 put;
	void		*arg;
};

static int
tell(const struct listener *l, enum metric which, const char *a,
    const char *b, uint64_t n)
{
	const char	*labels[METRIC_LABELS] = { a, b };
	struct mpput	 m;
	uint8_t		 row[MAXROW];

	mpput_init(&m, row, sizeof(row));
	mpput_map(&m, METRIC_FIELDS);
	metric_put(&m, which, labels, n);
	return (m.failed ? 0 : l->put(l->arg, m.p, m.len));
}

/* 0, or -1: it is gone. */
static int
cpu_ms(pid_t pid, uint64_t *ms)
{
	clockid_t	clock;
	struct timespec	ts;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &ts) == -1)
		return (-1);
	*ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	return (0);
}

/* 0, or -1: the kernel hides it (ProtectProc=invisible), or it is gone. */
static int
resident(pid_t pid, uint64_t *octets)
{
	char			 path[64], buf[128];
	unsigned long long	 pages;
	long			 size = sysconf(_SC_PAGESIZE);
	ssize_t			 n;
	int			 fd;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	if (size <= 0 || (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (-1);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return (-1);
	buf[n] = '\0';
	if (sscanf(buf, "%*u %llu", &pages) != 1)
		return (-1);
	*octets = pages * (unsigned long)size;
	return (0);
}

static int
tell_process(const struct listener *l, const char *name, pid_t pid, int is_up,
    uint64_t restarts)
{
	uint64_t	n;

	if (tell(l, METRIC_UP, name, NULL, (uint64_t)is_up) == -1 ||
	    tell(l, METRIC_RESTARTS, name, NULL, restarts) == -1)
		return (-1);
	if (pid <= 0)
		return (0);
	if (cpu_ms(pid, &n) == 0 && tell(l, METRIC_CPU, name, NULL, n) == -1)
		return (-1);
	if (resident(pid, &n) == 0 &&
	    tell(l, METRIC_MEMORY, name, NULL, n) == -1)
		return (-1);
	return (0);
}

static int
tell_own(const struct listener *l, struct wampd *w)
{
	unsigned int	 i;

	if (tell(l, METRIC_BUILD, VERSION, NULL, 1) == -1 ||
	    tell(l, METRIC_START, NULL, NULL, w->started) == -1 ||
	    tell(l, METRIC_RELOADS, "done", NULL, w->reload.ndone) == -1 ||
	    tell(l, METRIC_RELOADS, "refused", NULL, w->reload.nrefused) ==
	    -1 || tell(l, METRIC_CONTROL_CLIENTS, NULL, NULL,
	    control_clients(w)) == -1 || tell_process(l, "wampd", getpid(),
	    !w->is_stopping, 0) == -1)
		return (-1);
	for (i = 0; i < LIMIT_MAX; i++)
		if (tell(l, METRIC_LIMITS, "wampd",
		    limit_name((enum limit)i), limit_count((enum limit)i)) ==
		    -1)
			return (-1);
	return (0);
}

int
counts_tell_end(int is_complete, counts_cb put, void *arg)
{
	const struct listener	 l = { put, arg };

	return (tell(&l, METRIC_COMPLETE, NULL, NULL, (uint64_t)is_complete));
}

int
counts_tell(struct wampd *w, counts_cb put, void *arg)
{
	const struct listener	 l = { put, arg };
	struct child		*c;
	size_t			 i;

	if (tell_own(&l, w) == -1)
		return (-1);
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (tell_process(&l, c->name, c->pid, c->state == CHILD_UP,
		    c->generation > 0 ? c->generation - 1 : 0) == -1)
			return (-1);
	}
	return (0);
}
