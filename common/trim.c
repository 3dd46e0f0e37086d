/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which freed memory a process keeps for itself, and which goes back to the
 * kernel.
 */
#include <sys/time.h>

#include <event2/event.h>
#include <stddef.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "trim.h"

#define TRIM_LEAST	(1024 * 1024)	/* octets freed */
#define TRIM_AFTER	5		/* seconds */
#define TRIM_PAD	(512 * 1024)	/* free memory that is kept */

static struct event	*trim;
static size_t		 peak;		/* since it last fired */

/*
 * Buffers come and go with every turn: given back to the kernel and faulted
 * in again each time they cost more than the messages in them (measured: a
 * publication of 4 KiB 19 us without this, 10 with; of 1 MB 4.6 ms and 1.8).
 * Small pieces that are freed are joined with their neighbours at once, since
 * malloc_trim(3) would do so with a million of them while others wait.
 */
void
trim_keep(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
	mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
	mallopt(M_MXFAST, 0);
#endif
}

static void
give_back(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	peak = 0;
#ifdef __GLIBC__
	malloc_trim(TRIM_PAD);
#endif
}

void
trim_init(struct event_base *base)
{
	trim = evtimer_new(base, give_back, NULL);
}

/* Not at once: what is freed in slices is looked at when that is over. */
void
trim_shrank(size_t from, size_t to)
{
	struct timeval	tv = { TRIM_AFTER, 0 };

	if (from > peak)
		peak = from;
	if (trim == NULL || to > peak / 2 || peak - to < TRIM_LEAST)
		return;
	if (!evtimer_pending(trim, NULL))
		evtimer_add(trim, &tv);
}
