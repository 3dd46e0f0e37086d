/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampd -n: everything that can be told without opening a listener.  Keys
 * are read by a keeper that lives just long enough to say whether they fit
 * their certificates.
 */
#include <sys/types.h>

#include <stdio.h>

#include "chan.h"
#include "wampd.h"

/* Its answer, or its death, ends the loop. */
static int
check_keys(struct wampd *w)
{
	if (TAILQ_EMPTY(&w->conf->keypairs))
		return (0);
	if (child_find_programs(w) == -1)
		return (-1);
	if (w->is_root && host_emptydir() == -1)
		return (-1);
	wampd_events(w);
	w->connlimit = connlimit_new(children_limit, w);
	child_start(child_new(w, PROC_KEEPER, PROXY_NET, 0));
	wampd_loop(w);
	children_end(w);
	return (w->status == 0 ? 0 : -1);
}

/* Returns the exit status. */
int
check(struct wampd *w)
{
	int	rv = 0;

	if (host_users(w) == -1)
		rv = -1;
	if (listen_check(w->conf) == -1)
		rv = -1;
	if (rv == -1 || check_keys(w) == -1)
		return (1);
	if (w->verbose)
		conf_print(w->conf, stdout);
	else {
		conf_print_summary(w->conf, stdout);
		fprintf(stderr, "configuration OK\n");
	}
	return (fflush(stdout) == 0 ? 0 : 1);
}
