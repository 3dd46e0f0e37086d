/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The running wampd gives way to the program on disk.  That is first tried
 * beside us, up to children that could accept; only if they can, a copy of
 * ours, the caretaker, keeps the old children, and this process becomes the
 * new program, which says when its children serve (successor.c).
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "hash.h"
#include "mono.h"
#include "proc.h"
#include "wampd.h"
#include "xmalloc.h"

#define TRIAL_WITHIN	90	/* s */
#define TRIAL_ENDS	(END_WITHIN + 1000)	/* ms: its children, and it */
#define STEP_WITHIN	60	/* s: then, for all children to be up */
#define HOPELESS	3	/* backoff: it died often in a row */

/* Where we were started from: what lies there now is the new program. */
void
upgrade_init(struct wampd *w, const char *argv0)
{
	struct upgrade	*u = &w->upgrade;
	ssize_t		 n;

	u->go = -1;
	u->log.fd = -1;
	if (argv0 != NULL && argv0[0] == '/' &&
	    strlcpy(u->program, argv0, sizeof(u->program)) <
	    sizeof(u->program))
		return;
	n = readlink("/proc/self/exe", u->program, sizeof(u->program) - 1);
	u->program[n > 0 ? n : 0] = '\0';
}

int
upgrade_is_active(const struct wampd *w)
{
	return (w->upgrade.state != UPGRADE_NOT || w->upgrade.caretaker != 0 ||
	    w->upgrade.nold > 0);
}

/*
 * One asked for during the trial comes after it, and before the step: who
 * takes our place must find what it was tried with.
 */
int
upgrade_holds_reload(const struct wampd *w)
{
	return (upgrade_is_active(w) && w->upgrade.state != UPGRADE_TRIED);
}

/* A reload begins. */
void
upgrade_reloads(struct wampd *w)
{
	w->upgrade.is_stale = 1;
}

/* -- the program -------------------------------------------------------- */

static char **
arguments(const struct wampd *w)
{
	char	**argv;
	int	  i, n = 0;

	argv = xcalloc(8 + (size_t)w->verbose + 2 * w->nmacros,
	    sizeof(*argv));
	argv[n++] = xstrdup(w->upgrade.program);
	if (w->is_foreground)
		argv[n++] = xstrdup("-d");
	for (i = 0; i < w->verbose; i++)
		argv[n++] = xstrdup("-v");
	argv[n++] = xstrdup("-f");
	argv[n++] = xstrdup(w->conffile);
	if (w->pidfile != NULL) {
		argv[n++] = xstrdup("-p");
		argv[n++] = xstrdup(w->pidfile);
	}
	for (i = 0; i < (int)w->nmacros; i++) {
		argv[n++] = xstrdup("-D");
		xasprintf(&argv[n++], "%s=%s", w->macros[i].name,
		    w->macros[i].value);
	}
	return (argv);
}

static void
free_arguments(char **argv)
{
	size_t	i;

	for (i = 0; argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}

/* Those that a program must have handlers for before they come. */
static void
hold_signals(int how)
{
	sigset_t	early;

	sigemptyset(&early);
	sigaddset(&early, SIGHUP);
	sigaddset(&early, SIGUSR2);
	sigaddset(&early, SIGTERM);
	sigaddset(&early, SIGINT);
	sigprocmask(how, &early, NULL);
}

/* Returns only if it cannot be run. */
static void
run_program(struct wampd *w, int state)
{
	char	**argv, number[16];
	int	  saved;

	snprintf(number, sizeof(number), "%d", state);
	if (setenv(HANDOVER_ENV, number, 1) == -1)
		return;
	argv = arguments(w);
	handover_pass(w, state, 1);
	hold_signals(SIG_BLOCK);
	execv(w->upgrade.program, argv);
	saved = errno;
	hold_signals(SIG_UNBLOCK);
	handover_pass(w, state, 0);
	unsetenv(HANDOVER_ENV);
	free_arguments(argv);
	errno = saved;
}

/* -- the outcome -------------------------------------------------------- */

static void
over(struct wampd *w)
{
	struct upgrade	*u = &w->upgrade;

	if (u->timer != NULL)
		event_free(u->timer);
	u->timer = NULL;
	logsink_close(&u->log);
	if (u->state == UPGRADE_STEP)
		hold_signals(SIG_UNBLOCK);
	u->state = UPGRADE_NOT;
}

/* The reason was logged. */
static void
refused(struct wampd *w)
{
	over(w);
	log_warnx("not upgraded: this wampd goes on");
	control_upgrade_end(w);
	notify(w, "STATUS=%s; an upgrade failed, see the log",
	    drain_status(w));
}

/* -- what is tried ------------------------------------------------------ */

static void
mix(uint64_t *d, uint64_t n)
{
	*d = hash_pair(*d, n);
}

/* Whichever file it is, and when it was changed. */
static void
mix_file(uint64_t *d, const char *path)
{
	struct stat	st;

	if (path == NULL)
		return;
	if (stat(path, &st) == -1) {
		mix(d, (uint64_t)errno);
		return;
	}
	mix(d, st.st_dev);
	mix(d, st.st_ino);
	mix(d, (uint64_t)st.st_size);
	mix(d, (uint64_t)st.st_ctim.tv_sec);
	mix(d, (uint64_t)st.st_ctim.tv_nsec);
}

/*
 * The programs, and the files of the configuration in force: others that the
 * one on the disk may name are known to the trial only.
 */
static uint64_t
digest(const struct wampd *w)
{
	const struct conf_keypair	*kp;
	const struct conf_listen	*l;
	const struct conf_users		*users;
	const struct conf_str		*s;
	enum proc_role			 role;
	char				 path[PATH_MAX + 32];
	uint64_t			 d = 0;

	mix_file(&d, w->upgrade.program);
	for (role = PROC_KEEPER; role < PROC_ROLES; role++) {
		snprintf(path, sizeof(path), "%s/%s", w->libexec,
		    proc_role_name(role));
		mix_file(&d, path);
	}
	mix_file(&d, w->conffile);
	TAILQ_FOREACH(s, &w->conf->files, entry)
		mix_file(&d, s->s);
	TAILQ_FOREACH(kp, &w->conf->keypairs, entry) {
		mix_file(&d, kp->cert_path);
		mix_file(&d, kp->key_path);
		mix_file(&d, kp->ocsp_path);
	}
	TAILQ_FOREACH(l, &w->conf->listens, entry) {
		mix_file(&d, l->ca_path);
		mix_file(&d, l->crl_path);
	}
	TAILQ_FOREACH(users, &w->conf->users, entry)
		mix_file(&d, users->path);
	mix_file(&d, w->conf->secret_path);
	return (d);
}

/* -- the trial ---------------------------------------------------------- */

/* It ends its children and takes away the files that it made. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval	 ends = { TRIAL_ENDS / 1000, 0 };
	struct wampd			*w = arg;
	struct upgrade			*u = &w->upgrade;

	(void)fd;
	(void)what;
	if (u->trial == 0) {
		log_warnx("upgrade: not all processes are up");
		refused(w);
		return;
	}
	if (!u->is_ending) {
		log_warnx("the new wampd is not ready in %d s", TRIAL_WITHIN);
		u->is_ending = 1;
		kill(u->trial, SIGTERM);
		if (evtimer_add(u->timer, &ends) == 0)
			return;
	}
	kill(u->trial, SIGKILL);
}

__attribute__((noreturn))
static void
run_trial(struct wampd *w, pid_t parent, int state, int log)
{
	log_tap(NULL, NULL);
	log_init(LOG_TO_PARENT, "wampd");
	/* it has our listening sockets: it must not outlive us */
	if (dup2(log, STDERR_FILENO) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(1);
	setpgid(0, 0);
	run_program(w, state);
	log_warn("%s", w->upgrade.program);
	/* what stdio has is our parent's to write */
	_exit(1);
}

static int
start_trial(struct wampd *w)
{
	static const struct timeval	 within = { TRIAL_WITHIN, 0 };
	struct upgrade			*u = &w->upgrade;
	pid_t				 parent = getpid();
	int				 p[2], state = -1;

	u->is_stale = u->is_ending = 0;
	u->tried = digest(w);
	if (pipe2(p, O_CLOEXEC) == -1)
		return (-1);
	/* as in step_over(), and the form of it is all that counts */
	u->caretaker = parent;
	u->go = p[1];
	control_hand_clients(w);
	if ((state = handover_write(w, 1)) == -1 ||
	    (u->timer == NULL &&
	    (u->timer = evtimer_new(w->base, on_timer, w)) == NULL) ||
	    evtimer_add(u->timer, &within) == -1) {
		close(p[0]);
		goto out;
	}
	if (logsink_open(&u->log, w->base, "new wampd", p[0]) == -1)
		goto out;
	if ((u->trial = fork()) == 0)
		run_trial(w, parent, state, p[1]);
	if (u->trial == -1)
		u->trial = 0;
out:
	u->caretaker = 0;
	u->go = -1;
	u->nclients = 0;
	if (state != -1)
		close(state);
	close(p[1]);
	return (u->trial != 0 ? 0 : -1);
}

static void
try(struct wampd *w)
{
	w->upgrade.state = UPGRADE_TRIAL;
	if (start_trial(w) == 0)
		return;
	log_warn("the new wampd cannot be tried");
	refused(w);
}

/* What lies there by now is run as root. */
static int
may_run(const struct wampd *w)
{
	return (w->upgrade.program[0] == '/' && (!w->is_root ||
	    child_check_program(w->upgrade.program) == 0));
}

/* NULL, or why it cannot be begun just now. */
const char *
upgrade_begin(struct wampd *w)
{
	struct upgrade	*u = &w->upgrade;

	if (w->is_stopping)
		return ("wampd is stopping");
	if (!w->is_ready)
		return ("wampd is not ready yet");
	if (upgrade_is_active(w))
		return ("an upgrade is under way already");
	if (w->reload.is_active || w->reload.is_wanted)
		return ("a reload is under way");
	if (w->drain.is_on)
		return ("wampd is drained: resume it first");
	if (!may_run(w))
		return ("the program cannot be run, see the log");
	log_info("upgrade: trying %s", u->program);
	notify(w, "STATUS=upgrading");
	try(w);
	return (NULL);
}

void
upgrade_reap(struct wampd *w)
{
	static const struct timeval	 within = { STEP_WITHIN, 0 };
	struct upgrade			*u = &w->upgrade;
	int				 status;

	if (u->trial == 0 || waitpid(u->trial, &status, WNOHANG) != u->trial)
		return;
	u->trial = 0;
	logsink_close(&u->log);
	if (w->is_stopping)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == TRIAL_PASSED) {
		u->state = UPGRADE_TRIED;
		log_info("upgrade: the new wampd can start");
		if (evtimer_add(u->timer, &within) == -1)
			refused(w);
		return;
	}
	if (WIFSIGNALED(status))
		log_warnx("the new wampd was killed by signal %d",
		    WTERMSIG(status));
	else if (WEXITSTATUS(status) == 0)
		log_warnx("%s is no wampd", u->program);
	else
		log_warnx("the new wampd cannot start");
	refused(w);
}

/* We stop. */
void
upgrade_end(struct wampd *w)
{
	if (w->upgrade.state == UPGRADE_NOT)
		return;
	if (w->upgrade.trial != 0)
		kill(w->upgrade.trial, SIGTERM);
	over(w);
}

/* Our children are gone: the trial's have had as long, and some. */
void
upgrade_wait(struct wampd *w)
{
	static const struct timespec	 nap = { 0, 5 * 1000 * 1000 };
	uint64_t			 begin = mono_ms();
	struct upgrade			*u = &w->upgrade;

	for (upgrade_reap(w); u->trial != 0; upgrade_reap(w)) {
		if (mono_ms() - begin > TRIAL_ENDS) {
			/* it would also end with us */
			kill(u->trial, SIGKILL);
			return;
		}
		nanosleep(&nap, NULL);
	}
}

/* -- the caretaker ------------------------------------------------------ */

/* Numbers of processes may be given anew once our parent has reaped them. */
static int
hold_children(struct wampd *w)
{
	struct child	*c;
	size_t		 i;

	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->pid == 0)
			continue;
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0U);
		if (c->pidfd == -1)
			return (-1);
	}
	return (0);
}

static void
release_children(struct wampd *w)
{
	size_t	i;

	for (i = 0; i < w->nchildren; i++) {
		if (w->children[i]->pidfd != -1)
			close(w->children[i]->pidfd);
		w->children[i]->pidfd = -1;
	}
}

static void
shut_down(struct wampd *w)
{
	if (w->upgrade.is_shut)
		return;
	w->upgrade.is_shut = 1;
	children_shutdown(w);
	caretaker_hurry(w);
}

/*
 * Somebody means every process of our name: clients say goodbye here, too.
 * A second signal does not wait.
 */
void
caretaker_signal(struct wampd *w)
{
	if (w->upgrade.is_signalled)
		chan_loop_exit();
	w->upgrade.is_signalled = 1;
	shut_down(w);
}

static void
on_word(evutil_socket_t fd, short what, void *arg)
{
	struct wampd	*w = arg;
	char		 c;
	ssize_t		 n;

	(void)what;
	if ((n = read(fd, &c, 1)) == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n == 1 && c == 'g' && !w->drain.is_on) {
		drain_old(w);
		return;
	}
	if (n == 1 && c == 'q') {
		shut_down(w);
		return;
	}
	/* a later version may have more to say */
	if (n > 0)
		return;
	/* the parent is dead */
	chan_loop_exit();
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	chan_loop_exit();
}

/* All are told, and the last one has had time to leave. */
void
caretaker_hurry(struct wampd *w)
{
	struct timeval	tv;

	if (w->stop_timer != NULL)
		return;
	tv.tv_sec = w->conf->grace / 1000 + 10;
	tv.tv_usec = 0;
	w->stop_timer = evtimer_new(w->base, on_late, w);
	if (w->stop_timer == NULL || evtimer_add(w->stop_timer, &tv) == -1)
		chan_loop_exit();
}

/*
 * We are the copy: of what we have we keep the children and the log.  The
 * descriptors that our parent has, too, are its own now.
 */
static void
be_caretaker(struct wampd *w, int go)
{
	char	 c;
	ssize_t	 n;
	size_t	 i;

	setpgid(0, 0);
	/* nothing is touched before the new program runs */
	while ((n = read(go, &c, 1)) == -1 && errno == EINTR)
		;
	if (n != 1 || c != 's')
		_exit(1);
	log_tap(NULL, NULL);
	w->is_caretaker = 1;
	w->is_stopping = 1;
	if (event_reinit(w->base) == -1)
		fatalx("event_reinit failed");
	listen_forget(w);
	control_forget(w);
	notify_close(w);
	if (w->pidfd != -1)
		close(w->pidfd);
	w->pidfd = -1;
	over(w);
	for (i = 0; i < w->nchildren; i++) {
		w->children[i]->wstatus = 0;
		if (w->children[i]->role != PROC_TLSPROXY ||
		    w->children[i]->pid == 0)
			w->children[i]->is_shut = 1;
	}
	w->upgrade.word = event_new(w->base, go, EV_READ | EV_PERSIST,
	    on_word, w);
	if (w->upgrade.word == NULL || event_add(w->upgrade.word, NULL) == -1)
		fatalx("event_add failed");
}

/* -- the step over ------------------------------------------------------ */

/*
 * All are whole, but for those that die as often as they are started: after
 * their programs were replaced on the disk nothing else may help them.
 */
static int
may_step(const struct wampd *w)
{
	const struct child	*c;
	size_t			 i, ndown = 0;

	if (w->reload.is_active || w->reload.is_wanted)
		return (0);
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (c->pid == 0 && c->backoff >= HOPELESS) {
			ndown++;
			continue;
		}
		if (c->state != CHILD_UP || c->chan == NULL || c->is_reaped ||
		    !edges_is_settled(c))
			return (0);
	}
	return (ndown > 0 || edges_is_whole(w));
}

/* Are the programs what was tried, and the configuration? */
static int
is_as_tried(const struct wampd *w)
{
	return (!w->upgrade.is_stale && w->upgrade.tried == digest(w));
}

static void
nothing(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/*
 * A signal that came is known to nobody but us: there is another turn to
 * handle it.  What comes from now on stays until a handler is there, that of
 * the new program.
 */
static void
prepare(struct wampd *w)
{
	static const struct timeval	 now = { 0, 0 };

	if (event_base_once(w->base, -1, EV_TIMEOUT, nothing, NULL,
	    &now) == -1)
		return;
	hold_signals(SIG_BLOCK);
	w->upgrade.state = UPGRADE_STEP;
}

static void
step_over(struct wampd *w)
{
	struct upgrade	*u = &w->upgrade;
	int		 p[2] = { -1, -1 }, state = -1;

	if (hold_children(w) == -1 || pipe2(p, O_CLOEXEC) == -1) {
		log_warn("upgrade");
		goto fail;
	}
	/* what was written must not be written twice */
	fflush(NULL);
	control_hand_clients(w);
	switch (u->caretaker = fork()) {
	case -1:
		u->caretaker = 0;
		log_warn("fork");
		goto fail;
	case 0:
		u->caretaker = 0;
		u->nclients = 0;
		close(p[1]);
		be_caretaker(w, p[0]);
		return;
	}
	close(p[0]);
	p[0] = -1;
	u->go = p[1];
	if ((state = handover_write(w, 0)) != -1)
		run_program(w, state);
	log_warn("%s", u->program);
	kill(u->caretaker, SIGKILL);
	while (waitpid(u->caretaker, NULL, 0) == -1 && errno == EINTR)
		;
	u->caretaker = 0;
	u->go = -1;
fail:
	u->nclients = 0;
	if (state != -1)
		close(state);
	if (p[0] != -1)
		close(p[0]);
	if (p[1] != -1)
		close(p[1]);
	release_children(w);
	refused(w);
}

/* Signals are held, and those before were handled: is all as it was? */
static void
step(struct wampd *w)
{
	if (!may_step(w) || !is_as_tried(w)) {
		hold_signals(SIG_UNBLOCK);
		w->upgrade.state = UPGRADE_TRIED;
		return;
	}
	step_over(w);
}

/* At the end of each turn. */
void
upgrade_progress(struct wampd *w)
{
	const char	*why;

	if (w->upgrade.is_wanted) {
		w->upgrade.is_wanted = 0;
		if ((why = upgrade_begin(w)) != NULL)
			log_warnx("not upgraded: %s", why);
	}
	if (w->upgrade.state == UPGRADE_STEP)
		step(w);
	else if (w->upgrade.state == UPGRADE_TRIED && may_step(w)) {
		if (is_as_tried(w))
			prepare(w);
		else {
			log_info("upgrade: something has changed, trying "
			    "again");
			if (may_run(w))
				try(w);
			else
				refused(w);
		}
	}
}
