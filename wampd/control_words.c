/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a client of the control socket may ask for, and who may.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "control.h"

/* -- the configuration as text ------------------------------------------ */

static struct control_text	*last;	/* of whom somebody may ask again */

static void
text_unref(struct control_text *t)
{
	if (t == NULL || --t->refs > 0)
		return;
	if (last == t)
		last = NULL;
	free(t->p);
	free(t);
}

static struct control_text *
text_of(const struct conf *conf)
{
	struct control_text	*t;
	FILE			*f;

	if (last != NULL && last->generation == conf->generation &&
	    last->loglevel == conf->loglevel) {
		last->refs++;
		return (last);
	}
	if ((t = calloc(1, sizeof(*t))) == NULL ||
	    (f = open_memstream(&t->p, &t->len)) == NULL) {
		free(t);
		return (NULL);
	}
	conf_print(conf, f);
	if (fclose(f) == EOF) {
		free(t->p);
		free(t);
		return (NULL);
	}
	t->refs = 1;
	t->generation = conf->generation;
	t->loglevel = conf->loglevel;
	last = t;
	return (t);
}

static int
config(struct control_client *k)
{
	size_t	n;

	while (k->cursor < k->text->len) {
		n = k->text->len - k->cursor;
		if (n > CTL_MAXDATA)
			n = CTL_MAXDATA;
		if (control_put(k, CTL_TEXT, 0, k->text->p + k->cursor, n) ==
		    -1)
			return (0);
		k->cursor += n;
	}
	return (control_put(k, CTL_END, 0, NULL, 0) == 0);
}

static int
begin_config(struct control_client *k)
{
	if ((k->text = text_of(k->w->conf)) != NULL)
		return (0);
	control_error(k, "out of memory");
	return (-1);
}

/* -- what changes something --------------------------------------------- */

/* Does it serve? */
static int
check_ready(struct control_client *k)
{
	if (k->w->is_stopping)
		control_error(k, "wampd is stopping");
	else if (!k->w->is_ready)
		control_error(k, "wampd is not ready yet");
	else
		return (0);
	return (-1);
}

static int
begin_reload(struct control_client *k)
{
	if (check_ready(k) == -1)
		return (-1);
	k->w->reload.is_wanted = 1;
	k->reload = CONTROL_WAITS;
	return (0);
}

/* Goes on in control_reload_end(). */
static int
reload(struct control_client *k)
{
	return (k->reload == CONTROL_NO_RELOAD);
}

/* The next reload begins: it is the one that was asked for. */
void
control_reload_begin(struct wampd *w)
{
	struct control_client	*k;

	for (k = control_first(w); k != NULL; k = TAILQ_NEXT(k, entry))
		if (k->reload == CONTROL_WAITS)
			k->reload = CONTROL_RELOADS;
}

/* 1: it is done, 0: it was refused, -1: there will be no more. */
void
control_reload_end(struct wampd *w, int outcome)
{
	struct control_client	*k;

	for (k = control_first(w); k != NULL; k = TAILQ_NEXT(k, entry)) {
		if (k->fd == -1 || k->reload == CONTROL_NO_RELOAD ||
		    (k->reload == CONTROL_WAITS && outcome != -1))
			continue;
		k->reload = CONTROL_NO_RELOAD;
		if (outcome == 1 && control_put(k, CTL_END, 0, NULL, 0) == -1)
			control_close(k);
		else if (outcome == -1)
			control_error(k, "wampd is stopping");
		else if (outcome == 0)
			control_error(k, "configuration not reloaded: the "
			    "old one stays in force");
	}
}

/* -- monitor ------------------------------------------------------------ */

/* It goes on until its client leaves: lines come by control_log(). */
static int
monitor(struct control_client *k)
{
	char	text[64];

	if (k->nlost > 0 && k->outlen == 0) {
		snprintf(text, sizeof(text), "%u lines were not shown",
		    k->nlost);
		if (control_line(k, LOG_WARNING, text) == 0)
			k->nlost = 0;
	}
	return (0);
}

static int
begin_monitor(struct control_client *k)
{
	k->nlost = 0;
	return (0);
}

/* One that does not keep up loses lines, and is told how many. */
static void
monitor_line(struct control_client *k, int pri, const char *text)
{
	if (k->nlost > 0 || control_line(k, pri, text) == -1)
		k->nlost++;
}

/*
 * Every line of the log: who waits for a reload learns of its warnings,
 * which say why.
 */
void
control_log(void *arg, int pri, const char *text)
{
	struct wampd		*w = arg;
	struct control_client	*k;
	char			 clean[1700];
	size_t			 len;

	for (k = control_first(w); k != NULL; k = TAILQ_NEXT(k, entry)) {
		if (k->fd == -1)
			continue;
		if (k->step == monitor && pri <= LOG_INFO)
			monitor_line(k, pri, text);
		if ((k->reload != CONTROL_RELOADS && !k->waits_for_upgrade) ||
		    pri > LOG_WARNING)
			continue;
		logsink_clean(clean, sizeof(clean) - 1, text, strlen(text));
		len = strlen(clean);
		clean[len++] = '\n';
		/* room is left for the outcome */
		if (control_room(k) > len + 2048)
			(void)control_put(k, CTL_TEXT, 0, clean, len);
	}
}

static int
begin_check(struct control_client *k)
{
	(void)k;
	return (0);
}

/* With what wampd -n has to be called to see what we would. */
static int
check_words(struct control_client *k)
{
	const struct wampd	*w = k->w;
	struct mpput		 m;
	char			 macro[8192 + 128];

	if (k->cursor == 0) {
		control_row(&m, 1);
		mpput_text(&m, "file");
		control_conffile(&m, w);
		if (control_row_end(k, &m) == -1)
			return (0);
		k->cursor++;
	}
	for (; k->cursor - 1 < w->nmacros; k->cursor++) {
		snprintf(macro, sizeof(macro), "%s=%s",
		    w->macros[k->cursor - 1].name,
		    w->macros[k->cursor - 1].value);
		control_row(&m, 1);
		mpput_text(&m, "macro");
		mpput_text(&m, macro);
		if (control_row_end(k, &m) == -1)
			return (0);
	}
	return (control_put(k, CTL_END, 0, NULL, 0) == 0);
}

static int
begin_log(struct control_client *k)
{
	if (k->req.level > LOG_LEVEL_DEBUG) {
		control_error(k, "there is no such level");
		return (-1);
	}
	children_log_level(k->w, k->req.level);
	return (0);
}

static int
begin_drain(struct control_client *k)
{
	uint32_t	ms = k->req.ms;

	if (check_ready(k) == -1)
		return (-1);
	if (upgrade_is_active(k->w)) {
		control_error(k, "an upgrade is under way");
		return (-1);
	}
	if (ms == CTL_GRACE)
		ms = k->w->conf->grace;
	else if (ms > CTL_MAXDRAIN) {
		control_error(k, "that is longer than a day");
		return (-1);
	}
	drain_begin(k->w, ms);
	k->drain = k->w->drain.number;
	return (0);
}

/* Until no client is left; if who asked leaves, it goes on. */
static int
drain(struct control_client *k)
{
	const struct wampd	*w = k->w;

	if (w->is_stopping || !w->drain.is_on || w->drain.number != k->drain)
		control_error(k, w->is_stopping ? "wampd is stopping" :
		    !w->drain.is_on ? "not drained: clients are accepted "
		    "again" : "another drain began");
	else if (!w->drain.is_done ||
	    control_put(k, CTL_END, 0, NULL, 0) == -1)
		return (0);
	return (1);
}

static int
begin_resume(struct control_client *k)
{
	if (check_ready(k) == -1)
		return (-1);
	drain_resume(k->w);
	return (0);
}

static int
begin_upgrade(struct control_client *k)
{
	const char	*why;

	k->waits_for_upgrade = 1;
	if ((why = upgrade_begin(k->w)) != NULL) {
		k->waits_for_upgrade = 0;
		control_error(k, "not upgraded: %s", why);
	}
	/* else it may have been refused already */
	return (k->waits_for_upgrade ? 0 : -1);
}

/* Goes on in control_upgrade_end(), or in the new program, */
static int
upgrade(struct control_client *k)
{
	return (!k->waits_for_upgrade);
}

/* which is this. */
static int
upgraded(struct control_client *k)
{
	return (k->w->is_ready && control_put(k, CTL_END, 0, NULL, 0) == 0);
}

int
control_is_monitor(const struct control_client *k)
{
	return (k->step == monitor);
}

/* One that the program before us had. */
void
control_taken(struct control_client *k, int is_monitor)
{
	k->step = is_monitor ? monitor : upgraded;
}

void
control_upgrade_end(struct wampd *w)
{
	struct control_client	*k;

	for (k = control_first(w); k != NULL; k = TAILQ_NEXT(k, entry)) {
		if (k->fd == -1 || !k->waits_for_upgrade)
			continue;
		k->waits_for_upgrade = 0;
		control_error(k, "not upgraded: this wampd goes on");
	}
}

static int
begin_stop(struct control_client *k)
{
	if (control_put(k, CTL_END, 0, NULL, 0) == -1) {
		control_close(k);
		return (-1);
	}
	wampd_stop(k->w);
	return (0);
}

static int
end(struct control_client *k)
{
	return (control_put(k, CTL_END, 0, NULL, 0) == 0);
}

/* Its answer was the end; the client sees us go by the end of file. */
static int
wait_for_end(struct control_client *k)
{
	(void)k;
	return (0);
}

/* -- the words ---------------------------------------------------------- */

static const struct word {
	enum ctl_what	 what;
	const char	*name;
	int		(*begin)(struct control_client *);	/* or NULL; -1:
						 * it is answered */
	control_step	 step;
} words[] = {
	{ CTL_SUMMARY, "show summary", NULL, control_summary },
	{ CTL_PROCESSES, "show processes", NULL, control_processes },
	{ CTL_LISTENERS, "show listeners", NULL, control_listeners },
	{ CTL_REALMS, "show realms", NULL, control_realms },
	{ CTL_LIMITS, "show limits", NULL, control_limits },
	{ CTL_CERTIFICATES, "show certificates", NULL, control_certificates },
	{ CTL_SANDBOX, "show sandbox", NULL, control_sandbox },
	{ CTL_TEST, "test", NULL, control_test },
	{ CTL_MONITOR, "monitor", begin_monitor, monitor },
	{ CTL_CONFIG, "show config", begin_config, config },
	{ CTL_SESSIONS, "show sessions", control_ask_begin, control_ask },
	{ CTL_SESSION, "show session", control_ask_begin, control_ask },
	{ CTL_SUBSCRIPTIONS, "show subscriptions", control_ask_begin,
	    control_ask },
	{ CTL_REGISTRATIONS, "show registrations", control_ask_begin,
	    control_ask },
	{ CTL_CALLS, "show calls", control_ask_begin, control_ask },
	{ CTL_CONNECTIONS, "show connections", control_ask_begin,
	    control_ask },
	{ CTL_MEMORY, "show memory", control_ask_begin, control_ask },
	{ CTL_METRICS, "show metrics", control_ask_begin, control_metrics },
	{ CTL_KILL_SESSION, "kill session", control_ask_begin, control_ask },
	{ CTL_KILL_AUTHID, "kill authid", control_ask_begin, control_ask },
	{ CTL_RELOAD, "reload", begin_reload, reload },
	{ CTL_CHECK, "check", begin_check, check_words },
	{ CTL_LOG, "log", begin_log, end },
	{ CTL_DRAIN, "drain", begin_drain, drain },
	{ CTL_RESUME, "resume", begin_resume, end },
	{ CTL_UPGRADE, "upgrade", begin_upgrade, upgrade },
	{ CTL_STOP, "stop", begin_stop, wait_for_end },
};
#define REFUSALS_A_SECOND	10
static struct log_limit	 refusals = LOG_LIMIT_WARN("control: refused");
#define NWORDS	(sizeof(words) / sizeof(words[0]))

static int
may(const struct control_client *k, enum ctl_what what)
{
	if (k->uid == 0 || k->uid == geteuid())
		return (1);
	return (!CTL_IS_CHANGE(what) || !k->w->conf->control.read_only);
}

static void
log_change(const struct control_client *k, const char *name)
{
	static const char		*levels[] = { "brief", "verbose", "debug" };
	const struct ctl_request	*req = &k->req;
	char				 what[2 * CTL_MAXNAME + 64], text[32];
	int				 has_realm = req->realm[0] != '\0';

	what[0] = '\0';
	if (req->what == CTL_LOG)
		strlcpy(what, req->level > LOG_LEVEL_DEBUG ? "" :
		    levels[req->level], sizeof(what));
	else if (req->what == CTL_DRAIN && req->ms <= CTL_MAXDRAIN)
		snprintf(what, sizeof(what), "over %s",
		    conf_text_time(text, sizeof(text), req->ms));
	else if (req->session != 0)
		snprintf(what, sizeof(what), "session %llu",
		    (unsigned long long)req->session);
	else if (req->authid[0] != '\0')
		snprintf(what, sizeof(what), "authid %s%s%s", req->authid,
		    has_realm ? " realm " : "", req->realm);
	log_admin(name, (unsigned long)k->uid, (long)k->pid, what);
}

/* A request is complete, and its texts are texts. */
void
control_request(struct control_client *k)
{
	const struct word	*wo;
	size_t			 i;

	for (i = 0; i < NWORDS; i++)
		if (words[i].what == k->req.what)
			break;
	if (i == NWORDS) {
		k->is_ending = 1;
		control_error(k, "this wampd, %s, does not know that request",
		    VERSION);
		return;
	}
	wo = &words[i];
	k->cursor = 0;
	k->generation = k->w->conf->generation;
	if (!may(k, wo->what)) {
		if (log_may(&refusals, REFUSALS_A_SECOND))
			log_warnx("control: \"%s\" refused to uid %u "
			    "(process %d)", wo->name, (unsigned int)k->uid,
			    (int)k->pid);
		k->reqlen = 0;
		control_error(k, "%s: not permitted, the control socket is "
		    "read only for you", wo->name);
		return;
	}
	if (CTL_IS_CHANGE(wo->what))
		log_change(k, wo->name);
	if (wo->begin != NULL && wo->begin(k) == -1) {
		k->reqlen = 0;
		return;
	}
	k->step = wo->step;
}

/* What the request under way holds. */
void
control_clean_up(struct control_client *k)
{
	ask_end(&k->ask);
	text_unref(k->text);
	k->text = NULL;
	k->reload = CONTROL_NO_RELOAD;
	k->waits_for_upgrade = 0;
}
