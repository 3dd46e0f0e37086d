/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The parent: options, signals, the order of start and end.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "chan.h"
#include "isotime.h"
#include "logjson.h"
#include "mono.h"
#include "sandbox.h"
#include "wampd.h"
#include "xmalloc.h"

#define CONFFILE	SYSCONFDIR "/wampd.conf"
#define PIDFILE		RUNDIR "/wampd.pid"

__attribute__((noreturn))
static void
usage(void)
{
	fprintf(stderr, "usage: wampd [-dnvV] [-D macro=value] [-f file] "
	    "[-N fd] [-p pidfile]\n"
	    "       wampd -n -t test ... [-D macro=value] [-f file]\n");
	exit(1);
}

static void
add_macro(struct wampd *w, char *arg)
{
	char	*value;

	if ((value = strchr(arg, '=')) == NULL || value == arg)
		usage();
	*value++ = '\0';
	w->macros = xreallocarray(w->macros, w->nmacros + 1,
	    sizeof(*w->macros));
	w->macros[w->nmacros].name = arg;
	w->macros[w->nmacros].value = value;
	w->nmacros++;
}

/* A descriptor that whoever started us opened for -N. */
static int
inherited_fd(const char *arg)
{
	const char	*err;
	int		 fd;

	fd = (int)strtonum(arg, STDERR_FILENO + 1, INT_MAX, &err);
	if (err != NULL)
		fatalx("-N %s: %s", arg, err);
	if (fcntl(fd, F_GETFD) == -1)
		fatal("-N %s", arg);
	return (fd);
}

static void
options(struct wampd *w, int argc, char **argv)
{
	int	ch;

	while ((ch = getopt(argc, argv, "D:df:N:np:t:vV")) != -1) {
		switch (ch) {
		case 'D':
			add_macro(w, optarg);
			break;
		case 'd':
			w->is_foreground = 1;
			break;
		case 'f':
			free(w->conffile);
			w->conffile = xstrdup(optarg);
			break;
		case 'N':
			w->newline_fd = inherited_fd(optarg);
			break;
		case 'n':
			w->is_check = 1;
			break;
		case 'p':
			free(w->pidfile);
			w->pidfile = xstrdup(optarg);
			break;
		case 't':
			w->tests = xreallocarray(w->tests, w->ntests + 1,
			    sizeof(*w->tests));
			w->tests[w->ntests++] = optarg;
			break;
		case 'v':
			w->verbose++;
			break;
		case 'V':
			printf("wampd %s\n", VERSION);
			exit(0);
		default:
			usage();
		}
	}
	if (optind != argc || (w->ntests > 0 && !w->is_check))
		usage();
	if (w->conffile == NULL)
		w->conffile = xstrdup(CONFFILE);
	if (w->pidfile == NULL && !w->is_foreground)
		w->pidfile = xstrdup(PIDFILE);
}

static void
free_options(struct wampd *w)
{
	free(w->conffile);
	free(w->pidfile);
	free(w->macros);
	free(w->tests);
}

/* -- events ------------------------------------------------------------- */

static void
on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	chan_loop_exit();
}

/* Let clients say goodbye, then end; a second signal does not wait. */
void
wampd_stop(struct wampd *w)
{
	struct timeval	tv;
	uint64_t	ms = w->conf->grace;

	/* nobody has clients, neither we nor whom we succeed */
	if (w->is_stopping || (!w->is_ready && !upgrade_is_active(w))) {
		w->is_stopping = 1;
		chan_loop_exit();
		return;
	}
	log_info("stopping");
	reload_end(w);
	upgrade_end(w);
	successor_stop(w);
	w->is_stopping = 1;
	listen_close(w);
	children_shutdown(w);
	if (upgrade_is_active(w) && w->upgrade.grace > ms)
		ms = w->upgrade.grace;
	notify(w, "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=%llu",
	    (unsigned long long)(ms + 3000 + 2 * END_WITHIN) * 1000);
	tv.tv_sec = (time_t)(ms / 1000 + 1);
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	if ((w->stop_timer = evtimer_new(w->base, on_stop_timer, w)) == NULL ||
	    evtimer_add(w->stop_timer, &tv) == -1)
		chan_loop_exit();
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct wampd	*w = arg;

	(void)what;
	switch (sig) {
	case SIGTERM:
	case SIGINT:
		log_admin_signal("stop", sig == SIGTERM ? "TERM" : "INT");
		if (w->is_caretaker)
			caretaker_signal(w);
		else
			wampd_stop(w);
		break;
	case SIGHUP:
		log_admin_signal("reload", "HUP");
		w->reload.is_wanted = 1;
		break;
	case SIGUSR2:
		log_admin_signal("upgrade", "USR2");
		w->upgrade.is_wanted = 1;
		break;
	case SIGCHLD:
		children_reap(w);
		break;
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	children_tick(arg);
	log_flush();
	ask_tick(arg);
	control_tick(arg);
}

static void
on_turn_end(void *arg)
{
	children_progress(arg);
	/* it asks once a second: before those who may never stop asking */
	scrape_progress(arg);
	control_progress(arg);
}

void
wampd_events(struct wampd *w)
{
	static const int		 sigs[] = {
		SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD
	};
	static const struct timeval	 second = { 1, 0 };
	sigset_t			 none;
	size_t				 i;

	if ((w->base = event_base_new()) == NULL)
		fatalx("event_base_new failed");
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		w->sigs[i] = evsignal_new(w->base, sigs[i], on_signal, w);
		if (w->sigs[i] == NULL || event_add(w->sigs[i], NULL) == -1)
			fatalx("event_add failed");
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, w);
	if (w->tick == NULL || event_add(w->tick, &second) == -1)
		fatalx("event_add failed");
	w->tick_at = mono_ms();
}

void
wampd_loop(struct wampd *w)
{
	chan_loop(w->base, on_turn_end, w);
}

/* -- start -------------------------------------------------------------- */

/* A child refused to start before we were ready; it said why. */
void
wampd_fail(struct wampd *w)
{
	w->status = 1;
	w->is_stopping = 1;
	chan_loop_exit();
}

/* Every listener accepts. */
void
wampd_ready(struct wampd *w)
{
	w->is_ready = 1;
	if (w->upgrade.is_trial) {
		chan_loop_exit();
		return;
	}
	if (daemon_pid_write(w) == -1) {
		wampd_fail(w);
		return;
	}
	if (w->is_foreground)
		log_info("ready");
	daemon_ready(w);
	notify(w, "READY=1\nSTATUS=serving");
	notify_newline(w);
	if (w->upgrade.is_successor)
		successor_ready(w);
}

/* As the configuration wants it. */
void
wampd_log(const struct conf *conf)
{
	log_setlevel((enum log_level)conf->loglevel);
	log_setform(conf->logs_json ? logjson : NULL);
}

static struct conf *
load(struct wampd *w)
{
	struct conf	*conf;

	conf = conf_parse(w->conffile, w->macros, w->nmacros);
	if (conf == NULL)
		return (NULL);
	/* -nv prints what the file says */
	if (w->verbose && !w->is_check)
		conf->loglevel = LOG_LEVEL_DEBUG;
	if (w->is_check)
		log_setlevel((enum log_level)conf->loglevel);
	else {
		wampd_log(conf);
		host_clamp(w, conf);
	}
	if (w->upgrade.prefork != 0 && conf->prefork != w->upgrade.prefork) {
		log_warnx("prefork %u needs a restart: %u stays in force",
		    conf->prefork, w->upgrade.prefork);
		conf->prefork = w->upgrade.prefork;
	}
	conf_assign_ids(conf, NULL);
	conf->generation = ++w->confgen;
	if (keyfile_open_all(conf) == -1) {
		conf_free(conf);
		return (NULL);
	}
	return (conf);
}

/* All that needs rights or can be refused, before anything is started. */
static int
prepare(struct wampd *w)
{
	char	err[256];

	if (host_users(w, w->conf) == -1 || child_find_programs(w) == -1)
		return (-1);
	if (w->is_root && host_emptydir() == -1)
		return (-1);
	if (host_rundir(w->conf) == -1)
		return (-1);
	if (daemon_pid_check(w) == -1)
		return (-1);
	if (listen_open(w, w->conf) == -1)
		return (-1);
	if (control_open(w, w->conf) == -1) {
		listen_abort(w);
		return (-1);
	}
	if (!w->upgrade.is_trial) {
		listen_commit(w);
		control_commit(w);
		log_tap(control_log, w);
	}
	if (w->is_root && sandbox_parent(err, sizeof(err)) == -1) {
		log_warnx("sandbox: %s", err);
		return (-1);
	}
	return (0);
}

/*
 * What the file says is in force from now on, or, with -1, what was before;
 * the reason was logged.
 */
int
wampd_conf(struct wampd *w)
{
	struct conf	*old = w->conf;

	if ((w->conf = load(w)) != NULL && prepare(w) == 0) {
		conf_free(old);
		connlimit_set(w->connlimit, w->conf->limits.connections,
		    w->conf->limits.per_address);
		return (0);
	}
	conf_free(w->conf);
	w->conf = old;
	return (-1);
}

static void
run(struct wampd *w)
{
	w->connlimit = connlimit_new(children_limit, w);
	if (w->connlimit == NULL)
		fatalx("out of memory");
	connlimit_set(w->connlimit, w->conf->limits.connections,
	    w->conf->limits.per_address);
	if (w->upgrade.is_successor)
		successor_start(w);
	else
		children_update(w, w->conf);
	wampd_loop(w);
	children_end(w);
	upgrade_wait(w);
	successor_end(w);
}

static void
end(struct wampd *w)
{
	size_t	i;

	log_tap(NULL, NULL);
	if (w->upgrade.is_trial) {
		listen_abort(w);
		listen_forget(w);
		control_abort(w);
		control_forget(w);
	}
	control_stop(w);
	scrape_stop(w);
	notify_close(w);
	listen_remove(w);
	daemon_pid_remove(w);
	for (i = 0; i < w->nchildren; i++)
		child_free(w->children[i]);
	connlimit_free(w->connlimit);
	free(w->edges);
	for (i = 0; i < sizeof(w->sigs) / sizeof(w->sigs[0]); i++)
		if (w->sigs[i] != NULL)
			event_free(w->sigs[i]);
	if (w->tick != NULL)
		event_free(w->tick);
	if (w->stop_timer != NULL)
		event_free(w->stop_timer);
	if (w->upgrade.word != NULL)
		event_free(w->upgrade.word);
	if (w->base != NULL)
		event_base_free(w->base);
	conf_free(w->conf);
	free(w->upgrade.control.path);
	free_options(w);
}

/*
 * In another's place: his children serve as long as we try.  Until there is a
 * configuration we do with one that lets nobody do anything.
 */
static int
succeed(struct wampd *w)
{
	successor_begin(w);
	w->conf = conf_new();
	w->conf->control.read_only = 1;
	wampd_events(w);
	control_take(w);
	control_take_clients(w);
	log_tap(control_log, w);
	run(w);
	if (w->is_ready && w->status == 0 && !w->is_caretaker)
		log_info("stopped");
	return (w->status);
}

static int
try(struct wampd *w)
{
	if ((w->conf = load(w)) == NULL)
		return (1);
	wampd_events(w);
	control_take(w);
	if (prepare(w) == -1)
		return (1);
	run(w);
	return (w->is_ready && w->status == 0 ? TRIAL_PASSED : 1);
}

/* Returns the exit status. */
static int
start(struct wampd *w)
{
	if (w->upgrade.is_trial)
		return (try(w));
	if (w->upgrade.is_successor)
		return (succeed(w));
	if ((w->conf = load(w)) == NULL)
		return (1);
	if (w->is_check)
		return (check(w));
	notify_open(w);
	if (!w->is_foreground && daemon_fork(w) == -1)
		return (1);
	wampd_events(w);
	if (prepare(w) == -1)
		return (1);
	run(w);
	if (w->is_ready && w->status == 0 && !w->is_caretaker)
		log_info("stopped");
	return (w->status);
}

/* Whoever started us: 0 to 2 are open, and no signal waits. */
static void
clean_up(void)
{
	sigset_t	none;
	int		fd;

	while ((fd = open("/dev/null", O_RDWR)) != -1 && fd <= STDERR_FILENO)
		;
	if (fd > STDERR_FILENO)
		close(fd);
	sigemptyset(&none);
	/* a successor gets those that wait when it has handlers for them */
	if (getenv(HANDOVER_ENV) == NULL)
		sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Nothing but 0 to 2 is open, and what -N names. */
static void
close_rest(struct wampd *w)
{
	int	first = STDERR_FILENO + 1;

	if (w->newline_fd != -1) {
		if (w->newline_fd != first && dup2(w->newline_fd, first) == -1)
			fatal("descriptor of -N");
		w->newline_fd = first++;
		fcntl(w->newline_fd, F_SETFD, FD_CLOEXEC);
	}
	closefrom(first);
}

static int
is_pipe(int fd)
{
	struct stat	st;

	return (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode));
}

int
main(int argc, char **argv)
{
	struct wampd	w;
	int		status, handed;

	clean_up();
	memset(&w, 0, sizeof(w));
	TAILQ_INIT(&w.lsocks);
	w.ready_fd = -1;
	w.newline_fd = -1;
	w.notify = -1;
	w.pidfd = -1;
	w.is_root = geteuid() == 0;
	w.started = wall_ms();
	w.started_mono = mono_ms();
	upgrade_init(&w, argv[0]);
	log_init(notify_is_journal() ? LOG_TO_PARENT : LOG_TO_STDERR, "wampd");
	options(&w, argc, argv);
	/* a trial's goes to who runs it, that of a successor to nobody */
	if (getenv(HANDOVER_ENV) != NULL && !w.is_foreground &&
	    !is_pipe(STDERR_FILENO))
		log_init(LOG_TO_SYSLOG, "wampd");
	if ((handed = handover_read(&w)) == -1) {
		free_options(&w);
		return (1);
	}
	if (w.upgrade.is_trial)
		log_init(LOG_TO_PARENT, "wampd");
	/* a wampd has none open that its successor shall not have */
	if (!handed)
		close_rest(&w);
	host_nofile(&w);
	status = start(&w);
	end(&w);
	return (status);
}
