/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a wampd hands to the program that takes its place: the numbers of open
 * descriptors and what they are, as lines of text (handover_line.c) in a file
 * of memory.  The two programs may be of different versions, so the form has
 * a number of its own, and whatever is not understood is refused as a whole.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handover.h"
#include "wampd.h"
#include "xmalloc.h"

#define MAXHANDOVER	(1024 * 1024)

/* Linux 6.3 to 6.5 may insist on it (vm.memfd_noexec), others know it not. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U
#endif

/* -- writing ------------------------------------------------------------ */

static void
put_hex(FILE *f, const void *data, size_t len)
{
	const uint8_t	*p = data;
	size_t		 i;

	for (i = 0; i < len; i++)
		fprintf(f, "%02x", p[i]);
}

/* Names are for the log alone. */
static void
put_name(FILE *f, const char *name)
{
	put_hex(f, name, strnlen(name, HANDOVER_NAME - 1));
}

static void
put_lsock(FILE *f, const struct lsock *s)
{
	size_t	i;

	const char	*what = s->is_metrics ? "metrics " : "";

	if (s->path != NULL) {
		fprintf(f, "%sunix %d %d %llu %llu ", what, s->fds[0],
		    s->dir, (unsigned long long)s->dev,
		    (unsigned long long)s->ino);
		put_hex(f, s->path, strlen(s->path));
		fprintf(f, "\n");
		return;
	}
	for (i = 0; i < s->nfds; i++) {
		fprintf(f, "%stcp %zu %zu %d ", what, i, s->nfds, s->fds[i]);
		put_hex(f, &s->addr, s->addr.ss_family == AF_INET6 ?
		    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		fprintf(f, " ");
		put_name(f, s->name);
		fprintf(f, "\n");
	}
}

static void
put_client(FILE *f, const struct upgrade_client *c)
{
	static const char	*const kinds[] = { "client", "monitor", "idle" };

	fprintf(f, "%s %d\n", kinds[c->kind], c->fd);
}

/* A trial gets all lines as well: it shall see whether they can be read. */
static void
put_all(FILE *f, struct wampd *w, int is_trial)
{
	struct upgrade		*u = &w->upgrade;
	struct control_listen	 k;
	struct lsock		*s;
	size_t			 i;

	fprintf(f, "wampd %d\nmode %s\n", HANDOVER_FORM,
	    is_trial ? "trial" : "replace");
	fprintf(f, "prefork %u\n", w->conf->prefork);
	TAILQ_FOREACH(s, &w->lsocks, entry)
		put_lsock(f, s);
	if (control_listens(w, &k)) {
		fprintf(f, "control %d %d %llu %llu ", k.fd, k.dir,
		    (unsigned long long)k.dev, (unsigned long long)k.ino);
		put_hex(f, k.path, strlen(k.path));
		fprintf(f, "\n");
	}
	fprintf(f, "caretaker %d %d %u\n", (int)u->caretaker, u->go,
	    w->conf->grace);
	for (i = 0; i < w->nchildren; i++) {
		if (w->children[i]->pid == 0)
			continue;
		fprintf(f, "old %d ", (int)w->children[i]->pid);
		put_name(f, w->children[i]->name);
		fprintf(f, "\n");
	}
	if (w->pidfd != -1)
		fprintf(f, "pidfile %d\n", w->pidfd);
	if (w->notify != -1)
		fprintf(f, "notify %d\n", w->notify);
	for (i = 0; i < u->nclients; i++)
		put_client(f, &u->clients[i]);
	fprintf(f, "end\n");
}

/* u->caretaker, u->go and u->clients are set: a descriptor, or -1. */
int
handover_write(struct wampd *w, int is_trial)
{
	FILE	*f;
	int	 fd, copy;

	fd = memfd_create("wampd", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (fd == -1 && errno == EINVAL)
		fd = memfd_create("wampd", MFD_CLOEXEC);
	if (fd == -1)
		return (-1);
	if ((copy = fcntl(fd, F_DUPFD_CLOEXEC, 3)) == -1 ||
	    (f = fdopen(copy, "w")) == NULL) {
		if (copy != -1)
			close(copy);
		close(fd);
		return (-1);
	}
	put_all(f, w, is_trial);
	if (fclose(f) == EOF || lseek(fd, 0, SEEK_SET) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
}

static void
pass(int fd, int is_passed)
{
	if (fd != -1)
		fcntl(fd, F_SETFD, is_passed ? 0 : FD_CLOEXEC);
}

/* What it names survives execve(2), or not any more. */
void
handover_pass(struct wampd *w, int fd, int is_passed)
{
	struct upgrade		*u = &w->upgrade;
	struct control_listen	 k;
	struct lsock		*s;
	size_t			 i;

	pass(fd, is_passed);
	TAILQ_FOREACH(s, &w->lsocks, entry) {
		for (i = 0; i < s->nfds; i++)
			pass(s->fds[i], is_passed);
		pass(s->dir, is_passed);
	}
	if (control_listens(w, &k)) {
		pass(k.fd, is_passed);
		pass(k.dir, is_passed);
	}
	pass(u->go, is_passed);
	pass(w->pidfd, is_passed);
	pass(w->notify, is_passed);
	for (i = 0; i < u->nclients; i++)
		pass(u->clients[i].fd, is_passed);
}

/* -- reading ------------------------------------------------------------ */

/* An open descriptor, which we do not pass on by accident. */
static int
take_fd(int fd)
{
	if (fd <= STDERR_FILENO || fcntl(fd, F_GETFD) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return (-1);
	return (0);
}

static int
take_listening(int fd, int family)
{
	socklen_t	len = sizeof(int);
	int		is_listening = 0, domain = -1;

	if (take_fd(fd) == -1 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN,
	    &is_listening, &len) == -1 || !is_listening)
		return (-1);
	len = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1)
		return (-1);
	return (domain == family ? 0 : -1);
}

static int
take_dir(int fd)
{
	struct stat	st;

	if (take_fd(fd) == -1 || fstat(fd, &st) == -1 || !S_ISDIR(st.st_mode))
		return (-1);
	return (0);
}

static int
take_tcp(struct wampd *w, const struct handover_line *h)
{
	if (take_listening(h->fd, h->addr.ss_family) == -1)
		return (-1);
	return (listen_take_tcp(w, &h->addr, h->name,
	    h->what == HANDOVER_METRICS_TCP, h->i, h->n, h->fd));
}

static int
take_unix(struct wampd *w, const struct handover_line *h)
{
	struct control_listen	k;

	if (take_listening(h->fd, AF_UNIX) == -1 || take_dir(h->dir) == -1)
		return (-1);
	k.path = xstrdup(h->path);
	k.fd = h->fd;
	k.dir = h->dir;
	k.dev = (dev_t)h->dev;
	k.ino = (ino_t)h->ino;
	if (h->what != HANDOVER_CONTROL) {
		listen_take_unix(w, &k, h->what == HANDOVER_METRICS_UNIX);
		free(k.path);
		return (0);
	}
	if (w->upgrade.control.path != NULL) {
		free(k.path);
		return (-1);
	}
	w->upgrade.control = k;
	return (0);
}

static int
take_old(struct upgrade *u, const struct handover_line *h)
{
	struct upgrade_old	*o;

	if (u->nold == MAXCHILDREN)
		return (-1);
	o = &u->old[u->nold++];
	o->pid = h->pid;
	strlcpy(o->name, h->name, sizeof(o->name));
	return (0);
}

static int
take_client(struct upgrade *u, const struct handover_line *h)
{
	struct upgrade_client	*c;

	if (u->nclients == UPGRADE_CLIENTS || take_fd(h->fd) == -1)
		return (-1);
	c = &u->clients[u->nclients++];
	c->fd = h->fd;
	c->kind = h->what == HANDOVER_CLIENT ? UPGRADE_ASKER :
	    h->what == HANDOVER_MONITOR ? UPGRADE_MONITOR : UPGRADE_IDLE;
	return (0);
}

/* One that may be there once. */
static int
take_once(int *fd, const struct handover_line *h)
{
	if (*fd != -1 || take_fd(h->fd) == -1)
		return (-1);
	*fd = h->fd;
	return (0);
}

static int
take(struct wampd *w, const struct handover_line *h)
{
	struct upgrade	*u = &w->upgrade;

	switch (h->what) {
	case HANDOVER_TRIAL:
		u->is_trial++;
		return (0);
	case HANDOVER_REPLACE:
		u->is_successor++;
		return (0);
	case HANDOVER_PREFORK:
		u->prefork = (uint32_t)h->n;
		return (0);
	case HANDOVER_TCP:
	case HANDOVER_METRICS_TCP:
		return (take_tcp(w, h));
	case HANDOVER_UNIX:
	case HANDOVER_METRICS_UNIX:
	case HANDOVER_CONTROL:
		return (take_unix(w, h));
	case HANDOVER_CARETAKER:
		u->caretaker = h->pid;
		u->grace = h->ms;
		return (take_once(&u->go, h));
	case HANDOVER_OLD:
		return (take_old(u, h));
	case HANDOVER_PIDFILE:
		return (take_once(&w->pidfd, h));
	case HANDOVER_NOTIFY:
		return (take_once(&w->notify, h));
	case HANDOVER_CLIENT:
	case HANDOVER_MONITOR:
	case HANDOVER_IDLE:
		return (take_client(u, h));
	case HANDOVER_END:
		return (0);
	}
	return (-1);
}

/* Line n of them, from 1: 1 when it was the last, 0, or -1. */
static int
read_line(struct wampd *w, unsigned int n, char *line, size_t len)
{
	struct handover_line	h;
	int			form;

	if (line[len - 1] != '\n' || strlen(line) != len)
		goto bad;
	line[len - 1] = '\0';
	if (n == 1) {
		if ((form = handover_form(line)) == -1)
			goto bad;
		if (form == HANDOVER_FORM)
			return (0);
		log_warnx("the running wampd hands over in form %d, wampd %s "
		    "takes form %d: it needs a restart", form, VERSION,
		    HANDOVER_FORM);
		return (-1);
	}
	if (handover_parse(line, &h) == -1 || take(w, &h) == -1)
		goto bad;
	return (h.what == HANDOVER_END);
bad:
	log_warnx("line %u of what the running wampd hands over is not "
	    "understood by wampd %s: it needs a restart", n, VERSION);
	return (-1);
}

static int
read_lines(struct wampd *w, FILE *f)
{
	char		*line = NULL;
	size_t		 size = 0;
	ssize_t		 len;
	unsigned int	 n = 0;
	int		 rv = 0;

	while (rv == 0 && (len = getline(&line, &size, f)) > 0)
		rv = read_line(w, ++n, line, (size_t)len);
	free(line);
	if (rv == 1 && getc(f) == EOF)
		return (0);
	if (rv != -1)
		log_warnx("what the running wampd hands over has no end");
	return (-1);
}

/* All of it can be read: what is not for a trial is let go. */
static void
forget_rest(struct wampd *w)
{
	struct upgrade	*u = &w->upgrade;

	close(u->go);
	u->go = -1;
	u->caretaker = 0;
	u->nold = 0;
	/* its lock is that of all who have it */
	if (w->pidfd != -1)
		close(w->pidfd);
	w->pidfd = -1;
	notify_close(w);
	while (u->nclients > 0)
		close(u->clients[--u->nclients].fd);
}

/*
 * 1: we are to take another's place, or to try; 0: we are not; -1: we are,
 * but it was said why that cannot be.
 */
int
handover_read(struct wampd *w)
{
	const char	*name = getenv(HANDOVER_ENV), *err;
	struct upgrade	*u = &w->upgrade;
	struct stat	 st;
	FILE		*f;
	int		 fd, rv;

	if (name == NULL)
		return (0);
	fd = (int)strtonum(name, STDERR_FILENO + 1, INT_MAX, &err);
	unsetenv(HANDOVER_ENV);
	if (err != NULL || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size > MAXHANDOVER || (f = fdopen(fd, "r")) == NULL) {
		log_warnx("%s: is not what a wampd hands over", HANDOVER_ENV);
		return (-1);
	}
	rv = read_lines(w, f);
	fclose(f);
	if (rv == -1)
		return (-1);
	if (u->prefork == 0 || u->caretaker == 0 ||
	    u->is_trial + u->is_successor != 1 || !listen_has_all(w)) {
		log_warnx("what the running wampd hands over is not complete");
		return (-1);
	}
	if (u->is_trial)
		forget_rest(w);
	return (1);
}
