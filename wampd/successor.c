/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The other side of upgrade.c: the program that was started in the place of
 * another wampd, or beside it to see whether it could be.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "mono.h"
#include "wampd.h"

/* ms: a caretaker takes ten seconds more than grace, and END_WITHIN */
#define MORE_THAN_GRACE	(10000 + 2 * END_WITHIN)

static void
say(struct wampd *w, char c)
{
	if (w->upgrade.go != -1 && write(w->upgrade.go, &c, 1) == -1)
		log_warn("upgrade: the caretaker of the old processes");
}

/* The old processes are in good hands: we are here. */
void
successor_begin(struct wampd *w)
{
	say(w, 's');
}

/* Our children serve: those of the old program may send theirs away. */
void
successor_ready(struct wampd *w)
{
	say(w, 'g');
	w->upgrade.end_by = mono_ms() + w->upgrade.grace + MORE_THAN_GRACE;
	log_info("upgraded: this is wampd %s", VERSION);
}

/* Nobody waits any longer. */
void
successor_stop(struct wampd *w)
{
	say(w, 'q');
}

/*
 * We end without ever having had children.  Those of the old program say
 * goodbye, unless another of those signals comes.
 */
void
successor_wait(struct wampd *w, const sigset_t *ends)
{
	static const struct timespec	nap = { 0, 100 * 1000 * 1000 };

	successor_stop(w);
	while (upgrade_is_active(w) && sigtimedwait(ends, NULL, &nap) == -1)
		successor_reap(w);
}

static void
reap_old(struct upgrade *u)
{
	struct upgrade_old	*o;
	size_t			 i, n = 0;
	int			 status;

	for (i = 0; i < u->nold; i++) {
		o = &u->old[i];
		switch (waitpid(o->pid, &status, WNOHANG)) {
		case 0:
			u->old[n++] = *o;
			break;
		case -1:
			break;
		default:
			if (WIFSIGNALED(status))
				log_warnx("upgrade: old %s (process %d) was "
				    "killed by signal %d", o->name,
				    (int)o->pid, WTERMSIG(status));
		}
	}
	u->nold = n;
}

/* They are children of ours that nobody has reaped. */
static void
end_old(struct upgrade *u)
{
	size_t	i;

	u->caretaker = 0;
	close(u->go);
	u->go = -1;
	for (i = 0; i < u->nold; i++)
		kill(u->old[i].pid, SIGKILL);
}

/*
 * The old processes are children of ours, as is who cares for them.  When he
 * is gone before them, nobody does, and they go.
 */
void
successor_reap(struct wampd *w)
{
	struct upgrade	*u = &w->upgrade;

	if (u->caretaker == 0 && u->nold == 0)
		return;
	reap_old(u);
	if (u->caretaker != 0) {
		if (waitpid(u->caretaker, NULL, WNOHANG) != 0)
			end_old(u);
		else if (u->end_by != 0 && mono_ms() > u->end_by) {
			log_warnx("upgrade: the old processes do not end: "
			    "killed");
			kill(u->caretaker, SIGKILL);
			u->end_by = 0;
		}
	}
	if (u->caretaker == 0 && u->nold == 0)
		log_info("upgrade: the old processes are gone");
}
