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

#define AGAIN_FIRST	2000	/* ms: to read the configuration again */
#define AGAIN_MOST	30000
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

/* -- until the children serve ------------------------------------------- */

/*
 * That we can start was tried just before; what has changed since may change
 * again.
 */
static void
again(struct upgrade *u)
{
	u->again_in = u->again_in == 0 ? AGAIN_FIRST : u->again_in * 2;
	if (u->again_in > AGAIN_MOST)
		u->again_in = AGAIN_MOST;
	u->again_at = mono_ms() + u->again_in;
}

/* One of the children cannot do with the configuration. */
void
successor_refused(struct wampd *w)
{
	if (w->upgrade.again_at == 0)
		again(&w->upgrade);
}

/* The file is read, and all children begin anew. */
static void
read_conf(struct wampd *w)
{
	struct upgrade	*u = &w->upgrade;
	size_t		 i;

	u->again_at = 0;
	w->reload.is_wanted = 0;
	if (wampd_conf(w) == -1) {
		log_warnx("upgrade: cannot start yet, trying again");
		again(u);
		return;
	}
	u->has_conf = 1;
	for (i = 0; i < w->nchildren; i++)
		child_retire(w->children[i]);
}

void
successor_start(struct wampd *w)
{
	w->upgrade.again_at = mono_ms();
	successor_progress(w);
}

/* At the end of each turn before they serve. */
void
successor_progress(struct wampd *w)
{
	struct upgrade	*u = &w->upgrade;

	if (u->again_at != 0 && (mono_ms() >= u->again_at ||
	    w->reload.is_wanted))
		read_conf(w);
	if (u->has_conf && w->nchildren == 0)
		children_update(w, w->conf);
}

/* -- the old processes -------------------------------------------------- */

/* Nobody starts it again, and its clients find nobody else yet. */
static void
is_missed(struct wampd *w, const struct upgrade_old *o)
{
	if (w->is_ready || w->is_stopping)
		return;
	log_warnx("upgrade: old %s (process %d) has ended before the new "
	    "processes serve", o->name, (int)o->pid);
	notify(w, "STATUS=upgrading; old %s has ended before the new "
	    "processes serve", o->name);
}

static void
reap_old(struct wampd *w)
{
	struct upgrade		*u = &w->upgrade;
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
			is_missed(w, o);
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
	if (u->go != -1)
		close(u->go);
	u->go = -1;
	for (i = 0; i < u->nold; i++)
		kill(u->old[i].pid, SIGKILL);
}

static void
kill_caretaker(struct upgrade *u)
{
	log_warnx("upgrade: the old processes do not end: killed");
	kill(u->caretaker, SIGKILL);
	u->end_by = 0;
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
	reap_old(w);
	if (u->caretaker != 0) {
		if (waitpid(u->caretaker, NULL, WNOHANG) != 0)
			end_old(u);
		else if (u->end_by != 0 && mono_ms() > u->end_by)
			kill_caretaker(u);
	}
	if (u->caretaker == 0 && u->nold == 0)
		log_info("upgrade: the old processes are gone");
}

/* Our children are gone; when the caretaker sees us go, so are his. */
void
successor_end(struct wampd *w)
{
	static const struct timespec	 nap = { 0, 5 * 1000 * 1000 };
	uint64_t			 now = mono_ms();
	uint64_t			 give_up = now + END_WITHIN + 2000;
	struct upgrade			*u = &w->upgrade;

	if (u->go != -1)
		close(u->go);
	u->go = -1;
	if (u->caretaker != 0)
		u->end_by = now + END_WITHIN + 1000;
	for (successor_reap(w); u->caretaker != 0 || u->nold > 0;
	    successor_reap(w)) {
		if (mono_ms() > give_up)
			return;
		nanosleep(&nap, NULL);
	}
}
