/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Into the background, but only when every listener accepts; and the file
 * that names our process.
 */
#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wampd.h"
#include "xmalloc.h"

/*
 * Fork; the process started by the user waits for its child to say that it
 * is ready, and its exit status is the answer.
 */
int
daemon_fork(struct wampd *w)
{
	ssize_t	n;
	char	c;
	int	p[2];

	if (pipe2(p, O_CLOEXEC) == -1) {
		log_warn("pipe");
		return (-1);
	}
	switch (fork()) {
	case -1:
		log_warn("fork");
		return (-1);
	case 0:
		close(p[0]);
		w->ready_fd = p[1];
		return (0);
	}
	close(p[1]);
	while ((n = read(p[0], &c, 1)) == -1 && errno == EINTR)
		;
	/* the reason stands on standard error already */
	_exit(n == 1 ? 0 : 1);
}

static char *
absolute(char *path)
{
	char	*cwd, *full;

	if (path == NULL || path[0] == '/')
		return (path);
	if ((cwd = getcwd(NULL, 0)) == NULL)
		return (path);
	xasprintf(&full, "%s/%s", cwd, path);
	free(cwd);
	free(path);
	return (full);
}

/* Every listener accepts: leave the terminal, let the user go on. */
void
daemon_ready(struct wampd *w)
{
	int	null;

	if (w->ready_fd == -1)
		return;
	w->conffile = absolute(w->conffile);
	w->pidfile = absolute(w->pidfile);
	if (setsid() == -1)
		log_warn("setsid");
	if (chdir("/") == -1)
		log_warn("chdir /");
	log_init(LOG_TO_SYSLOG, "wampd");
	log_info("ready");
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (write(w->ready_fd, "", 1) == -1)
		log_warn("cannot tell that we are ready");
	close(w->ready_fd);
	w->ready_fd = -1;
}

/* -- pidfile ------------------------------------------------------------ */

static int
pid_open(struct wampd *w, int flags)
{
	char		 name[NAME_MAX + 1], err[PATH_MAX + 128], *full;
	struct stat	 st;
	int		 dir, fd;

	full = absolute(xstrdup(w->pidfile));
	dir = path_parent(full, PATH_STRICT, name, sizeof(name), err,
	    sizeof(err));
	free(full);
	if (dir == -1) {
		log_warnx("pidfile %s: %s", w->pidfile, err);
		return (-1);
	}
	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
	    flags, 0644);
	close(dir);
	if (fd == -1) {
		if (errno == ENOENT && (flags & O_CREAT) == 0)
			return (-2);
		log_warn("pidfile %s", w->pidfile);
		return (-1);
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (st.st_uid != 0 && st.st_uid != geteuid())) {
		log_warnx("pidfile %s: exists and is not ours", w->pidfile);
		close(fd);
		return (-1);
	}
	return (fd);
}

/* A running wampd holds a lock on its pidfile. */
static int
pid_lock(struct wampd *w, int fd)
{
	char	buf[32];
	ssize_t	n;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return (0);
	if (errno != EWOULDBLOCK) {
		log_warn("pidfile %s", w->pidfile);
		return (-1);
	}
	n = pread(fd, buf, sizeof(buf) - 1, 0);
	buf[n > 0 ? n : 0] = '\0';
	buf[strspn(buf, "0123456789")] = '\0';
	log_warnx("pidfile %s: wampd runs already, process %s", w->pidfile,
	    buf);
	return (-1);
}

/* Before anything is started: is there another one, could it be written? */
int
daemon_pid_check(struct wampd *w)
{
	int	fd, rv;

	if (w->pidfile == NULL || w->pidfd != -1 || w->upgrade.is_trial)
		return (0);
	if ((fd = pid_open(w, 0)) == -2)
		return (0);
	if (fd == -1)
		return (-1);
	rv = pid_lock(w, fd);
	close(fd);
	return (rv);
}

/* Once ready.  The descriptor stays open for its lock. */
int
daemon_pid_write(struct wampd *w)
{
	int	fd;

	if (w->pidfile == NULL || w->pidfd != -1)
		return (0);
	if ((fd = pid_open(w, O_CREAT)) < 0)
		return (-1);
	if (pid_lock(w, fd) == -1) {
		close(fd);
		return (-1);
	}
	if (ftruncate(fd, 0) == -1 || fchmod(fd, 0644) == -1 ||
	    dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		log_warn("pidfile %s", w->pidfile);
		close(fd);
		return (-1);
	}
	w->pidfd = fd;
	return (0);
}

void
daemon_pid_remove(struct wampd *w)
{
	if (w->pidfd == -1)
		return;
	if (unlink(w->pidfile) == -1 && errno != ENOENT)
		log_warn("pidfile %s", w->pidfile);
	close(w->pidfd);
	w->pidfd = -1;
}
