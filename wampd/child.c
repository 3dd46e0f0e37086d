/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * One child: started, watched, buried, started again.  What it says to us is
 * in imsgs.c, what they do together in children.c.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "chan.h"
#include "mono.h"
#include "proc.h"
#include "wampd.h"
#include "xmalloc.h"

#define EARLY_DEATHS	5		/* in a row: give up */
#define UP_LONG		60000		/* ms up: the backoff begins anew */
#define SMALL_NOFILE	256		/* keeper, broker, metrics */

static const unsigned int backoff[] = {
	0, 200, 1000, 2000, 4000, 8000, 16000, 30000
};
#define NBACKOFF	(sizeof(backoff) / sizeof(backoff[0]))

static void	restart(evutil_socket_t, short, void *);

struct child *
child_new(struct wampd *w, enum proc_role role, enum proxy_kind kind,
    unsigned int instance)
{
	struct child	*c;

	c = xcalloc(1, sizeof(*c));
	c->w = w;
	c->role = role;
	c->kind = kind;
	c->instance = (uint16_t)instance;
	if (role == PROC_KEEPER || role == PROC_METRICS)
		strlcpy(c->name, proc_role_name(role), sizeof(c->name));
	else
		snprintf(c->name, sizeof(c->name), "%s %u",
		    proc_role_name(role), instance);
	c->log.fd = -1;
	c->pidfd = -1;
	if ((c->restart = evtimer_new(w->base, restart, c)) == NULL)
		fatalx("out of memory");
	edges_add_child(w, c);
	w->children[w->nchildren++] = c;
	return (c);
}

void
child_free(struct child *c)
{
	chan_free(c->chan);
	logsink_close(&c->log);
	if (c->pidfd != -1)
		close(c->pidfd);
	event_free(c->restart);
	free(c);
}

struct child *
child_find(struct wampd *w, unsigned int role, unsigned int instance)
{
	size_t	i;

	for (i = 0; i < w->nchildren; i++)
		if (w->children[i]->role == role &&
		    w->children[i]->instance == instance)
			return (w->children[i]);
	return (NULL);
}

void
child_set_state(struct child *c, enum child_state state)
{
	c->state = state;
	c->state_since = mono_ms();
	if (state == CHILD_UP) {
		c->up_since = c->state_since;
		c->was_ready = 1;
		c->early_deaths = 0;
	}
}

/* -- programs ----------------------------------------------------------- */

/* When root runs them, nobody else may have written them. */
int
child_check_program(const char *path)
{
	char		name[NAME_MAX + 1], err[PATH_MAX + 128];
	struct stat	st;
	int		dir, rv;

	dir = path_parent(path, PATH_LINKS, name, sizeof(name), err,
	    sizeof(err));
	if (dir == -1) {
		log_warnx("program %s: %s", path, err);
		return (-1);
	}
	rv = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
	close(dir);
	if (rv == -1) {
		log_warn("program %s", path);
		return (-1);
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		log_warnx("program %s: must be a file of root's that nobody "
		    "else can write to", path);
		return (-1);
	}
	return (0);
}

/*
 * The children's programs: beside a wampd in .../sbin, else where they were
 * installed.
 */
int
child_find_programs(struct wampd *w)
{
	static const char	sbin[] = "/sbin";
	char			exe[PATH_MAX], path[PATH_MAX + 32];
	enum proc_role		role;
	ssize_t			n;
	size_t			len;
	char			*slash;

	strlcpy(w->libexec, LIBEXECDIR, sizeof(w->libexec));
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n > 0) {
		exe[n] = '\0';
		if ((slash = strrchr(exe, '/')) != NULL)
			*slash = '\0';
		len = strlen(exe);
		if (len >= sizeof(sbin) - 1 && strcmp(exe + len -
		    (sizeof(sbin) - 1), sbin) == 0) {
			exe[len - (sizeof(sbin) - 1)] = '\0';
			snprintf(path, sizeof(path), "%s/libexec/wampd/keeper",
			    exe);
			if (access(path, X_OK) == 0)
				snprintf(w->libexec, sizeof(w->libexec),
				    "%.*s/libexec/wampd",
				    (int)(sizeof(w->libexec) - 32), exe);
		}
	}
	for (role = PROC_KEEPER; role < PROC_ROLES; role++) {
		snprintf(path, sizeof(path), "%s/%s", w->libexec,
		    proc_role_name(role));
		if (access(path, X_OK) == -1) {
			log_warn("program %s", path);
			return (-1);
		}
		if (w->is_root && child_check_program(path) == -1)
			return (-1);
	}
	return (0);
}

/* -- start -------------------------------------------------------------- */

/* Sanitizers are told where to write by the environment, nobody else is. */
static char **
environment(void)
{
	static char	*env[4];
#ifdef WAMPD_SAN
	static const char *const names[] = {
		"ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS="
	};
	extern char	**environ;
	size_t		  i, k, n = 0;

	for (i = 0; environ[i] != NULL; i++)
		for (k = 0; k < 3 && n < 3; k++)
			if (strncmp(environ[i], names[k],
			    strlen(names[k])) == 0)
				env[n++] = environ[i];
	env[n] = NULL;
#endif
	return (env);
}

__attribute__((noreturn))
static void
run_program(struct child *c, pid_t parent, int ctl, int log)
{
	struct sigaction	sa;
	sigset_t		none;
	char			path[PATH_MAX + 32], title[64];
	char			*argv[2];
	int			null, sig;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	for (sig = 1; sig < NSIG; sig++)
		sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* at least until its sandbox; then it sees the end of its channel */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(1);
	/* out of the way of the numbers they shall have */
	ctl = fcntl(ctl, F_DUPFD, 16);
	log = fcntl(log, F_DUPFD, 16);
	null = open("/dev/null", O_RDWR);
	if (ctl == -1 || log == -1 || null == -1 ||
	    dup2(log, STDERR_FILENO) == -1 ||
	    dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 ||
	    dup2(ctl, PROC_PARENT_FD) == -1)
		_exit(1);
	if (syscall(SYS_close_range, PROC_PARENT_FD + 1U, ~0U, 0U) == -1)
		closefrom(PROC_PARENT_FD + 1);
	umask(077);
	/* ^C at a terminal is for the parent */
	setpgid(0, 0);
	log_tap(NULL, NULL);
	log_init(LOG_TO_PARENT, c->name);
	if (chdir("/") == -1)
		fatal("chdir /");
	snprintf(path, sizeof(path), "%s/%s", c->w->libexec,
	    proc_role_name(c->role));
	snprintf(title, sizeof(title), "wampd: %s", c->name);
	argv[0] = title;
	argv[1] = NULL;
	execve(path, argv, environment());
	fatal("cannot run %s", path);
}

/* Fork and leave the child with its two descriptors. */
static int
spawn(struct child *c)
{
	pid_t	parent = getpid();
	int	sp[2] = { -1, -1 }, lp[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp) == -1 ||
	    pipe2(lp, O_CLOEXEC | O_NONBLOCK) == -1)
		goto fail;
	switch (c->pid = fork()) {
	case -1:
		c->pid = 0;
		goto fail;
	case 0:
		run_program(c, parent, sp[1], lp[1]);
	}
	close(sp[1]);
	close(lp[1]);
	c->chan = imsgs_chan(c, sp[0]);
	if (logsink_open(&c->log, c->w->base, c->name, lp[0]) == -1 ||
	    c->chan == NULL)
		child_kill(c, "could not be watched");
	return (0);
fail:
	log_warn("%s: cannot be started", c->name);
	if (sp[0] != -1) {
		close(sp[0]);
		close(sp[1]);
	}
	if (lp[0] != -1) {
		close(lp[0]);
		close(lp[1]);
	}
	return (-1);
}

static void
send_start(struct child *c)
{
	struct wampd		*w = c->w;
	struct m_setup_start	 s;
	struct iovec		 iov[2];
	char			 root[] = EMPTYDIR;

	memset(&s, 0, sizeof(s));
	s.version = IMSG_VERSION;
	s.role = (uint8_t)c->role;
	s.kind = (uint8_t)c->kind;
	s.instance = c->instance;
	s.generation = c->generation;
	s.is_root = (uint32_t)w->is_root;
	s.uid = w->users[c->role].uid;
	s.gid = w->users[c->role].gid;
	s.strict = w->conf->strict;
	s.loglevel = w->conf->loglevel;
	s.rootlen = sizeof(root) - 1;
	s.nofile = w->nofile;
	if (c->role != PROC_TLSPROXY && s.nofile > SMALL_NOFILE)
		s.nofile = SMALL_NOFILE;
	iov[0].iov_base = &s;
	iov[0].iov_len = sizeof(s);
	iov[1].iov_base = root;
	iov[1].iov_len = sizeof(root) - 1;
	chan_sendv(c->chan, IMSG_SETUP_START, 0, 0, iov, 2);
}

static void
schedule(struct child *c)
{
	struct timeval	tv;
	unsigned int	ms = backoff[c->backoff];

	if (c->backoff + 1 < NBACKOFF)
		c->backoff++;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	evtimer_add(c->restart, &tv);
}

/* Once it failed: 0 when that ends the start of the daemon. */
static int
may_retry(struct child *c)
{
	if (c->was_ready || c->w->is_ready || c->w->upgrade.is_successor ||
	    ++c->early_deaths < EARLY_DEATHS)
		return (1);
	log_warnx("%s cannot be started: giving up", c->name);
	wampd_fail(c->w);
	return (0);
}

void
child_start(struct child *c)
{
	c->generation++;
	c->is_reaped = 0;
	c->is_killed = 0;
	c->is_accused = 0;
	c->is_stuck = 0;
	c->is_shut = 0;
	c->why[0] = '\0';
	c->ping_sent = c->ping_got = c->ping_health = 0;
	c->reload = RELOAD_NOT;
	c->pong_at = c->read_at = mono_ms();
	if (spawn(c) == -1) {
		if (!c->is_extra && may_retry(c))
			schedule(c);
		return;
	}
	if (c->chan == NULL)
		return;
	child_set_state(c, CHILD_START);
	send_start(c);
}

static void
restart(evutil_socket_t fd, short what, void *arg)
{
	struct child	*c = arg;

	(void)fd;
	(void)what;
	if (!c->w->is_stopping)
		child_start(c);
}

/* It is down and waits: not any longer. */
void
child_restart(struct child *c)
{
	event_del(c->restart);
	child_start(c);
}

/* -- end ---------------------------------------------------------------- */

void
child_kill(struct child *c, const char *fmt, ...)
{
	va_list	ap;

	if (c->pid == 0 || c->is_killed)
		return;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	c->is_killed = 1;
	/* it saw its channel closed and left first: the reason is the same */
	if (c->is_reaped)
		return;
	if (c->pidfd != -1)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL,
		    0U);
	else
		kill(c->pid, SIGKILL);
	chan_free(c->chan);
	c->chan = NULL;
	child_ended(c);
}

static void
describe_death(const struct child *c, char *buf, size_t size)
{
	if (c->is_killed)
		snprintf(buf, size, "%s: killed", c->why);
	else if (WIFEXITED(c->wstatus))
		snprintf(buf, size, "exited with status %d",
		    WEXITSTATUS(c->wstatus));
	else if (WIFSIGNALED(c->wstatus) && WTERMSIG(c->wstatus) == SIGSYS)
		snprintf(buf, size, "sandbox violation (SIGSYS): the call is "
		    "in the kernel's audit log, type=1326");
	else if (WIFSIGNALED(c->wstatus))
		snprintf(buf, size, "killed by signal %d (%s)",
		    WTERMSIG(c->wstatus), strsignal(WTERMSIG(c->wstatus)));
	else
		snprintf(buf, size, "ended");
}

/*
 * At the first start: it said why and left, or hung for half a minute, and
 * trying again will not help.
 */
static int
has_refused(const struct child *c)
{
	if (c->was_ready || c->w->is_ready || c->w->upgrade.is_successor)
		return (0);
	return (c->w->is_check || c->is_stuck ||
	    (!c->is_killed && WIFEXITED(c->wstatus)));
}

/* Dead, and all it said was read. */
static void
bury(struct child *c)
{
	struct wampd	*w = c->w;
	char		 how[256];
	int		 was_up = c->state == CHILD_UP;

	logsink_close(&c->log);
	describe_death(c, how, sizeof(how));
	edges_gone(c);
	if (c->role == PROC_TLSPROXY)
		connlimit_gone(w->connlimit, c->instance);
	if (was_up && mono_ms() - c->up_since >= UP_LONG)
		c->backoff = 0;
	child_set_state(c, CHILD_DOWN);
	ask_child_gone(c);
	reload_child_gone(c, was_up && !c->is_killed);
	if (w->is_stopping) {
		if (!WIFEXITED(c->wstatus) || WEXITSTATUS(c->wstatus) != 0)
			log_warnx("%s (process %d) %s", c->name, (int)c->pid,
			    how);
		c->is_shut = 1;
		c->pid = 0;
		return;
	}
	if (has_refused(c)) {
		log_warnx("%s (process %d) cannot be started: %s", c->name,
		    (int)c->pid, how);
		c->pid = 0;
		wampd_fail(w);
		return;
	}
	if (c->is_extra && !c->is_killed && c->wstatus == 0)
		log_info("%s (process %d) ended: it is not needed", c->name,
		    (int)c->pid);
	else
		log_warnx("%s (process %d) %s%s", c->name, (int)c->pid, how,
		    c->is_extra ? "" : "; it will be started again");
	c->pid = 0;
	if (!c->is_extra && may_retry(c))
		schedule(c);
}

/* It is not needed any more: at the end of its channel it leaves. */
void
child_retire(struct child *c)
{
	c->is_extra = 1;
	chan_free(c->chan);
	c->chan = NULL;
	c->closed_at = mono_ms();
	child_ended(c);
}

/* Its channel has ended or it was reaped. */
void
child_ended(struct child *c)
{
	if (c->pid != 0 && c->is_reaped && c->chan == NULL)
		bury(c);
}

/* One that is our sister: how it ended only our parent learns. */
static int
has_ended(const struct child *c)
{
	struct pollfd	pfd = { c->pidfd, POLLIN, 0 };

	return (poll(&pfd, 1, 0) == 1);
}

void
child_reap(struct child *c)
{
	if (c->pid == 0 || c->is_reaped)
		return;
	if (c->w->is_caretaker) {
		if (!has_ended(c))
			return;
	} else if (waitpid(c->pid, &c->wstatus, WNOHANG) != c->pid)
		return;
	c->is_reaped = 1;
	child_ended(c);
}
