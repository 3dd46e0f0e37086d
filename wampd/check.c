/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampd -n: everything that can be told without opening a listener.  Keys
 * and users files are read by a keeper that lives just long enough to say
 * what is wrong with them; what else listeners need for TLS by a tlsproxy.
 */
#include <sys/types.h>

#include <stdio.h>

#include "chan.h"
#include "wampd.h"

#define CHECK_DENIED	3	/* exit status: -t, and something is denied */

static int
has_tls(const struct conf *conf)
{
	const struct conf_listen	*l;

	TAILQ_FOREACH(l, &conf->listens, entry)
		if ((l->flags & LISTEN_TLS) != 0)
			return (1);
	return (0);
}

/* Their answers, or the death of one, end the loop. */
static int
check_files(struct wampd *w)
{
	if (TAILQ_EMPTY(&w->conf->keypairs) && TAILQ_EMPTY(&w->conf->users) &&
	    w->conf->secret_path == NULL)
		return (0);
	if (child_find_programs(w) == -1)
		return (-1);
	if (w->is_root && host_emptydir() == -1)
		return (-1);
	wampd_events(w);
	w->connlimit = connlimit_new(children_limit, w);
	if (w->connlimit == NULL)
		fatalx("out of memory");
	connlimit_set(w->connlimit, w->conf->limits.connections,
	    w->conf->limits.per_address);
	child_start(child_new(w, PROC_KEEPER, PROXY_NET, 0));
	wampd_loop(w);
	if (w->status == 0 && !w->is_stopping && has_tls(w->conf)) {
		child_start(child_new(w, PROC_TLSPROXY, PROXY_NET, 0));
		wampd_loop(w);
	}
	children_end(w);
	return (w->status == 0 ? 0 : -1);
}

/* All allowed, some denied, or some no question at all. */
static int
check_rules(struct wampd *w)
{
	size_t	i;
	int	may, rv = 0;

	for (i = 0; i < w->ntests; i++) {
		may = ruletest(w->conf, w->tests[i]);
		if (may == -1)
			rv = 1;
		else if (may == 0 && rv == 0)
			rv = CHECK_DENIED;
	}
	return (rv);
}

/* Returns the exit status. */
int
check(struct wampd *w)
{
	int	rv = 0;

	if (host_users(w, w->conf) == -1)
		rv = -1;
	if (listen_check(w->conf) == -1)
		rv = -1;
	if (control_check(w->conf) == -1)
		rv = -1;
	if (rv == -1 || check_files(w) == -1)
		return (1);
	if (w->ntests > 0)
		rv = check_rules(w);
	else if (w->verbose)
		conf_print(w->conf, stdout);
	else {
		conf_print_summary(w->conf, stdout);
		fprintf(stderr, "configuration OK\n");
	}
	return (fflush(stdout) == 0 ? rv : 1);
}
