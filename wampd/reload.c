/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A new configuration in two phases: everything that can fail is done while
 * the old one is in force (parse, open, start who is missing, send to all,
 * READY from all), and only then it is committed: brokers, keeper,
 * tlsproxies, metrics.  Whatever fails before leaves everything as it was.
 */
#include <sys/types.h>

#include <errno.h>
#include <event2/event.h>
#include "chan.h"
#include "isotime.h"
#include "wampd.h"

#define START_WITHIN	30	/* s: for children that are not there */
#define ANSWER_WITHIN	30	/* s: users files take as long as at a start */
#define COMMIT_WITHIN	10	/* s */

static void	timeout(evutil_socket_t, short, void *);

/* -- before there is no way back ---------------------------------------- */

static void
stop_timer(struct wampd *w)
{
	if (w->reload.timer != NULL)
		event_free(w->reload.timer);
	w->reload.timer = NULL;
}

static int
start_timer(struct wampd *w, int seconds)
{
	struct timeval	tv = { seconds, 0 };

	stop_timer(w);
	w->reload.timer = evtimer_new(w->base, timeout, w);
	return (w->reload.timer == NULL ||
	    evtimer_add(w->reload.timer, &tv) == -1 ? -1 : 0);
}

/* The reason was logged. */
static void
refused(struct wampd *w)
{
	w->reload.refused_at = wall_ms();
	w->reload.nrefused++;
	control_reload_end(w, 0);
	log_warnx("configuration not reloaded: the old one stays in force");
	notify(w, "READY=1\nSTATUS=%s; a new configuration was refused, "
	    "see the log", drain_status(w));
}

/* Back to what was. */
static void
take_back(struct wampd *w)
{
	struct reload	*r = &w->reload;
	struct child	*c;
	struct m_u32	 gen;
	size_t		 i;

	gen.n = r->generation;
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->reload != RELOAD_NOT && c->chan != NULL)
			chan_send(c->chan, IMSG_CONF_ABORT, 0, 0, &gen,
			    sizeof(gen));
		c->reload = RELOAD_NOT;
		if (c->is_extra)
			child_kill(c, "is not needed");
	}
	stop_timer(w);
	listen_abort(w);
	control_abort(w);
	conf_free(r->next);
	r->next = NULL;
	r->is_active = 0;
}

/* The reason was logged. */
static void
give_up(struct wampd *w)
{
	take_back(w);
	refused(w);
}

/* Statements that only a restart can follow keep their old value. */
static void
keep_fixed(struct wampd *w, struct conf *next)
{
	const struct conf	*old = w->conf;

	if (next->prefork != old->prefork) {
		log_warnx("prefork %u needs a restart: %u stays in force",
		    next->prefork, old->prefork);
		next->prefork = old->prefork;
	}
	if (next->brokers != old->brokers) {
		log_warnx("brokers %u needs a restart: %u stays in force",
		    next->brokers, old->brokers);
		next->brokers = old->brokers;
	}
	if (next->strict != old->strict) {
		log_warnx("sandbox %s needs a restart: %s stays in force",
		    next->strict ? "strict" : "relaxed",
		    old->strict ? "strict" : "relaxed");
		next->strict = old->strict;
	}
}

static struct conf *
load(struct wampd *w)
{
	struct conf	*next;

	next = conf_parse(w->conffile, w->macros, w->nmacros);
	if (next == NULL)
		return (NULL);
	keep_fixed(w, next);
	if (w->verbose)
		next->loglevel = LOG_LEVEL_DEBUG;
	host_clamp(w, next);
	conf_assign_ids(next, w->conf);
	next->generation = ++w->confgen;
	if (host_users(w, next) == -1 || keyfile_open_all(next) == -1 ||
	    host_rundir(next) == -1 ||
	    listen_open(w, next) == -1) {
		conf_free(next);
		return (NULL);
	}
	if (control_open(w, next) == -1) {
		listen_abort(w);
		conf_free(next);
		return (NULL);
	}
	return (next);
}

/*
 * Nobody takes a configuration unseen: who waits for his restart starts now,
 * and who would be needed is started before it is known whether he will be.
 */
static void
start_missing(struct wampd *w)
{
	struct child	*c;
	size_t		 i;

	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->state == CHILD_DOWN && c->pid == 0)
			child_restart(c);
	}
	children_update(w, w->reload.next);
}

/*
 * One that the new configuration ends has no say in it, whether it hangs, dies
 * or refuses.
 */
static int
is_asked(const struct wampd *w, const struct child *c)
{
	return (c->role != PROC_METRICS ||
	    !TAILQ_EMPTY(&w->reload.next->metrics));
}

/* 1: every child has a sandbox at least, -1: one could not be forked. */
static int
all_there(const struct wampd *w)
{
	const struct child	*c;
	size_t			 i;
	int			 rv = 1;

	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (!is_asked(w, c))
			continue;
		if (c->is_extra && c->pid == 0)
			return (-1);
		/* without a channel: it is dead, and will be another */
		if (c->state < CHILD_HOLD || c->chan == NULL)
			rv = 0;
	}
	return (rv);
}

/* To those that run with the old one, and to those that have none yet. */
static int
send_all(struct wampd *w)
{
	struct child	*c;
	size_t		 i;

	w->reload.is_sent = 1;
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (!is_asked(w, c))
			continue;
		c->reload = RELOAD_SENT;
		errno = EPIPE;
		if (c->chan == NULL || conf_send(c->chan, w->reload.next,
		    (int)c->role, (int)c->kind, listen_fd, c) == -1) {
			log_warn("%s: cannot be sent the configuration",
			    c->name);
			return (-1);
		}
	}
	return (0);
}

static void
begin(struct wampd *w)
{
	struct reload	*r = &w->reload;

	r->is_wanted = 0;
	r->is_second = r->is_again;
	r->is_again = 0;
	notify_reloading(w);
	control_reload_begin(w);
	if ((r->next = load(w)) == NULL) {
		refused(w);
		return;
	}
	r->generation = r->next->generation;
	r->is_active = 1;
	r->is_sent = 0;
	r->is_committed = 0;
	if (start_timer(w, START_WITHIN) == -1) {
		give_up(w);
		return;
	}
	start_missing(w);
}

/* -- from here on it is in force ---------------------------------------- */

static void
commit(struct wampd *w)
{
	struct reload	*r = &w->reload;
	size_t		 i;

	for (i = 0; i < w->nchildren; i++)
		w->children[i]->is_extra = 0;
	conf_free(w->conf);
	w->conf = r->next;
	r->next = NULL;
	r->is_committed = 1;
	r->turn = PROC_BROKER;
	wampd_log(w->conf);
	/* if it cannot be started, who hangs is found by the pings */
	start_timer(w, COMMIT_WITHIN);
}

static void
finish(struct wampd *w)
{
	struct reload	*r = &w->reload;
	size_t		 i;

	stop_timer(w);
	for (i = 0; i < w->nchildren; i++)
		w->children[i]->reload = RELOAD_NOT;
	r->is_active = 0;
	listen_commit(w);
	children_retire(w);
	connlimit_set(w->connlimit, w->conf->limits.connections,
	    w->conf->limits.per_address);
	control_commit(w);
	log_info("configuration reloaded");
	notify(w, "READY=1\nSTATUS=%s", drain_status(w));
	r->done_at = wall_ms();
	r->ndone++;
	control_reload_end(w, 1);
}

/* Send CONF_COMMIT to whose turn it is; 1 if all of these have done it. */
static int
commit_role(struct wampd *w)
{
	struct reload	*r = &w->reload;
	struct child	*c;
	struct m_u32	 gen;
	size_t		 i;
	int		 is_done = 1;

	gen.n = r->generation;
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->role != r->turn || c->chan == NULL)
			continue;
		if (c->reload == RELOAD_READY) {
			chan_send(c->chan, IMSG_CONF_COMMIT, 0, 0, &gen,
			    sizeof(gen));
			c->reload = RELOAD_COMMIT;
		}
		if (c->reload == RELOAD_COMMIT)
			is_done = 0;
	}
	return (is_done);
}

/* -- steps -------------------------------------------------------------- */

/*
 * A child in the middle of these two must end up with one or the other; one
 * that an earlier attempt started must be gone, and one that died must have
 * been reaped, so that its successor can be asked.
 */
static int
is_between(const struct wampd *w)
{
	const struct child	*c;
	size_t			 i;

	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->state == CHILD_CONF || c->state == CHILD_COMMIT ||
		    c->is_extra || (c->pid != 0 &&
		    (c->chan == NULL || c->is_reaped)))
			return (1);
	}
	return (0);
}

static int
all_ready(const struct wampd *w)
{
	size_t	i;

	for (i = 0; i < w->nchildren; i++)
		if (w->children[i]->reload == RELOAD_SENT)
			return (0);
	return (1);
}

/* The first phase, once all are there who are to be asked. */
static void
ask(struct wampd *w)
{
	switch (all_there(w)) {
	case 0:
		return;
	case 1:
		if (send_all(w) == 0 && start_timer(w, ANSWER_WITHIN) == 0)
			return;
	}
	give_up(w);
}

void
reload_progress(struct wampd *w)
{
	struct reload	*r = &w->reload;

	if (r->is_wanted && !r->is_active && w->is_ready &&
	    !upgrade_holds_reload(w) && !is_between(w)) {
		upgrade_reloads(w);
		begin(w);
	}
	if (r->is_active && !r->is_sent)
		ask(w);
	if (!r->is_active || !r->is_sent)
		return;
	if (!r->is_committed) {
		if (!all_ready(w))
			return;
		commit(w);
	}
	while (commit_role(w)) {
		switch (r->turn) {
		case PROC_BROKER:
			r->turn = PROC_KEEPER;
			break;
		case PROC_KEEPER:
			r->turn = PROC_TLSPROXY;
			break;
		case PROC_TLSPROXY:
			r->turn = PROC_METRICS;
			break;
		default:
			finish(w);
			return;
		}
	}
}

static void
timeout(evutil_socket_t fd, short what, void *arg)
{
	struct wampd	*w = arg;
	struct child	*c;
	size_t		 i;

	(void)fd;
	(void)what;
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (!w->reload.is_sent && is_asked(w, c) &&
		    c->state < CHILD_HOLD)
			log_warnx("%s: cannot be asked: it does not start",
			    c->name);
		if (c->reload == RELOAD_SENT)
			log_warnx("%s: no answer to the configuration in "
			    "%d s", c->name, ANSWER_WITHIN);
		if (c->reload == RELOAD_COMMIT)
			child_kill(c, "did not commit the configuration in "
			    "%d s", COMMIT_WITHIN);
	}
	if (w->reload.is_committed)
		start_timer(w, COMMIT_WITHIN);
	else
		give_up(w);
}

/* -- what children say -------------------------------------------------- */

/* An answer to an attempt given up is no error, whenever it comes. */
static int
is_late(const struct child *c, uint32_t gen)
{
	const struct wampd	*w = c->w;

	return (gen < w->confgen ||
	    (gen == w->confgen && !w->reload.is_active));
}

int
reload_ready(struct child *c, uint32_t gen)
{
	if (c->reload != RELOAD_SENT || gen != c->w->reload.generation)
		return (is_late(c, gen) ? 0 : -1);
	c->reload = RELOAD_READY;
	return (0);
}

int
reload_failed(struct child *c, uint32_t gen, const char *text)
{
	/* one that could not read the beginning does not know the number */
	if (c->reload != RELOAD_SENT ||
	    (gen != 0 && gen != c->w->reload.generation))
		return (is_late(c, gen) ? 0 : -1);
	log_warnx("%s", text);
	give_up(c->w);
	return (0);
}

int
reload_committed(struct child *c, uint32_t gen)
{
	if (c->reload != RELOAD_COMMIT || gen != c->w->reload.generation)
		return (-1);
	c->reload = RELOAD_NOT;
	if (c->state == CHILD_HOLD)
		child_set_state(c, CHILD_PEERS);
	return (0);
}

/*
 * Its successor gets what is in force then.  One that had served, and was
 * not killed by us, may have died for another reason: its successor is
 * asked, once.
 */
void
reload_child_gone(struct child *c, int may_ask)
{
	struct wampd	*w = c->w;
	struct reload	*r = &w->reload;

	c->reload = RELOAD_NOT;
	if (!r->is_active || r->is_committed || !is_asked(w, c))
		return;
	if (may_ask && !r->is_second && !w->is_stopping) {
		log_warnx("%s died while it was asked about the "
		    "configuration: asking once more", c->name);
		take_back(w);
		r->is_wanted = r->is_again = 1;
		return;
	}
	log_warnx("%s died while it was asked about the configuration",
	    c->name);
	give_up(w);
}

/* We stop. */
void
reload_end(struct wampd *w)
{
	if (w->reload.is_active && !w->reload.is_committed)
		give_up(w);
	stop_timer(w);
	w->reload.is_active = 0;
	w->reload.is_wanted = 0;
	control_reload_end(w, -1);
}
