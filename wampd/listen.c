/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Listening sockets live here, whoever accepts on them: so they outlast the
 * death of a tlsproxy and a reload that still names them.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wampd.h"
#include "xmalloc.h"

static socklen_t
addr_len(const struct sockaddr_storage *ss)
{
	return (ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
	    sizeof(struct sockaddr_in));
}

static uint16_t
addr_port(const struct sockaddr_storage *ss)
{
	if (ss->ss_family == AF_INET6)
		return (((const struct sockaddr_in6 *)ss)->sin6_port);
	return (((const struct sockaddr_in *)ss)->sin_port);
}

static int
addr_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in6	*a6, *b6;
	const struct sockaddr_in	*a4, *b4;

	if (a->ss_family != b->ss_family || addr_port(a) != addr_port(b))
		return (0);
	if (a->ss_family == AF_INET) {
		a4 = (const struct sockaddr_in *)a;
		b4 = (const struct sockaddr_in *)b;
		return (a4->sin_addr.s_addr == b4->sin_addr.s_addr);
	}
	a6 = (const struct sockaddr_in6 *)a;
	b6 = (const struct sockaddr_in6 *)b;
	return (memcmp(&a6->sin6_addr, &b6->sin6_addr,
	    sizeof(a6->sin6_addr)) == 0 &&
	    a6->sin6_scope_id == b6->sin6_scope_id);
}

static int
is_metrics(const struct conf_listen *l)
{
	return ((l->flags & LISTEN_METRICS) != 0);
}

/* What is wrong with it. */
static void
complain(const struct conf_listen *l, const char *why)
{
	if (is_metrics(l))
		log_warnx("metrics on %s: %s", l->name, why);
	else
		log_warnx("listen on %s: %s", l->name, why);
}

static struct lsock *
lsock_new(struct wampd *w, const char *name, int for_metrics, size_t nfds)
{
	struct lsock	*s;
	size_t		 i;

	s = xcalloc(1, sizeof(*s));
	s->name = xstrdup(name);
	s->is_metrics = for_metrics;
	s->fds = xreallocarray(NULL, nfds, sizeof(*s->fds));
	s->nfds = nfds;
	for (i = 0; i < nfds; i++)
		s->fds[i] = -1;
	s->dir = -1;
	s->is_new = 1;
	s->is_named = 1;
	TAILQ_INSERT_TAIL(&w->lsocks, s, entry);
	return (s);
}

/* Closes it; a file it made goes, too. */
static void
lsock_free(struct wampd *w, struct lsock *s)
{
	size_t	i;

	TAILQ_REMOVE(&w->lsocks, s, entry);
	for (i = 0; i < s->nfds; i++)
		if (s->fds[i] != -1)
			close(s->fds[i]);
	if (s->dir != -1) {
		unixsock_unlink(s->dir, s->path, s->dev, s->ino);
		close(s->dir);
	}
	free(s->path);
	free(s->name);
	free(s->fds);
	free(s);
}

static struct lsock *
find_path(struct wampd *w, const struct conf_listen *l)
{
	struct lsock	*s;

	TAILQ_FOREACH(s, &w->lsocks, entry)
		if (s->path != NULL && s->is_metrics == is_metrics(l) &&
		    strcmp(s->path, l->path) == 0)
			return (s);
	return (NULL);
}

static struct lsock *
find_addr(struct wampd *w, const struct sockaddr_storage *ss, int for_metrics)
{
	struct lsock	*s;

	TAILQ_FOREACH(s, &w->lsocks, entry)
		if (s->path == NULL && s->is_metrics == for_metrics &&
		    addr_equal(&s->addr, ss))
			return (s);
	return (NULL);
}

/* Do we hold that port on another address of the family already? */
static int
has_port(struct wampd *w, const struct sockaddr_storage *ss)
{
	struct lsock	*s;

	TAILQ_FOREACH(s, &w->lsocks, entry)
		if (s->path == NULL && !s->is_new &&
		    s->addr.ss_family == ss->ss_family &&
		    addr_port(&s->addr) == addr_port(ss))
			return (1);
	return (0);
}

/* -- network ------------------------------------------------------------ */

static const char *
bind_error(int errnum)
{
	switch (errnum) {
	case EADDRINUSE:
		return ("address in use");
	case EADDRNOTAVAIL:
		return ("this machine does not have that address");
	case EACCES:
		return ("not permitted (ports under 1024 need root)");
	default:
		return (strerror(errnum));
	}
}

static int
bind_tcp(const struct sockaddr_storage *ss, int is_shared)
{
	int	fd, one = 1, saved;

	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return (-1);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1)
		goto fail;
	if (is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one,
	    sizeof(one)) == -1)
		goto fail;
	if (ss->ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &one, sizeof(one)) == -1)
		goto fail;
	if (bind(fd, (const struct sockaddr *)ss, addr_len(ss)) == -1)
		goto fail;
	return (fd);
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return (-1);
}

static int
set_int(int fd, int opt, unsigned int value)
{
	int	n = (int)value;

	return (setsockopt(fd, IPPROTO_TCP, opt, &n, sizeof(n)));
}

/*
 * What accepted sockets inherit.  Dead peers are found in the time that
 * "ping every ... timeout ..." gives a live one to answer.
 */
static int
tune_tcp(int fd, const struct conf_limits *l)
{
	unsigned int	idle = 30, limit = 60;
	int		one = 1;

	if (l->ping_every >= 1000)
		idle = l->ping_every / 1000;
	if (l->ping_timeout >= 5000)
		limit = l->ping_timeout / 1000;
	if (idle > 32767)
		idle = 32767;
	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) == -1 ||
	    set_int(fd, TCP_NODELAY, 1) == -1 ||
	    set_int(fd, TCP_KEEPIDLE, idle) == -1 ||
	    set_int(fd, TCP_KEEPINTVL, idle < 30 ? 1 + idle / 3 : 10) == -1 ||
	    set_int(fd, TCP_KEEPCNT, 3) == -1 ||
	    set_int(fd, TCP_USER_TIMEOUT,
	    limit > 86400 ? 86400000 : limit * 1000) == -1)
		return (-1);
	return (0);
}

/*
 * One socket for each network tlsproxy, the kernel spreads clients over
 * them; and one for metrics.  With SO_REUSEPORT a second wampd of the same
 * user would share the port unnoticed, so one bind without it comes first.
 * Those of a trial do not listen: who connects to an address that a socket of
 * the running wampd covers must come to that.
 */
static int
open_addr(struct wampd *w, struct conf *conf, const struct conf_listen *l,
    unsigned int n)
{
	const struct sockaddr_storage	*ss = &l->addr[n];
	struct lsock			*s;
	size_t				 i;
	int				 fd;

	if (!has_port(w, ss)) {
		if ((fd = bind_tcp(ss, 0)) == -1)
			return (-1);
		close(fd);
	}
	s = lsock_new(w, l->name, is_metrics(l), is_metrics(l) ? 1 :
	    conf->prefork);
	memcpy(&s->addr, ss, sizeof(s->addr));
	for (i = 0; i < s->nfds; i++) {
		if ((s->fds[i] = bind_tcp(ss, 1)) == -1 ||
		    tune_tcp(s->fds[i], &conf->limits) == -1 ||
		    (!w->upgrade.is_trial &&
		    listen(s->fds[i], SOMAXCONN) == -1))
			goto fail;
	}
	return (0);
fail:
	fd = errno;
	lsock_free(w, s);
	errno = fd;
	return (-1);
}

static int
is_missing(int errnum)
{
	return (errnum == EAFNOSUPPORT || errnum == EADDRNOTAVAIL);
}

static int
open_net(struct wampd *w, struct conf *conf, struct conf_listen *l)
{
	struct lsock	*s;
	unsigned int	 i, n = 0;

	for (i = 0; i < l->naddr; i++) {
		s = find_addr(w, &l->addr[i], is_metrics(l));
		if (s != NULL) {
			if (s->is_named) {
				complain(l, "named twice");
				return (-1);
			}
			s->is_named = 1;
			n++;
			continue;
		}
		if (open_addr(w, conf, l, i) == 0) {
			n++;
			continue;
		}
		/* "*" and localhost do without IPv6 where there is none */
		if (l->naddr > 1 && is_missing(errno)) {
			log_info("%s on %s: no %s here",
			    is_metrics(l) ? "metrics" : "listen", l->name,
			    l->addr[i].ss_family == AF_INET6 ? "IPv6" : "IPv4");
			continue;
		}
		complain(l, bind_error(errno));
		return (-1);
	}
	if (n > 0)
		return (0);
	complain(l, bind_error(EADDRNOTAVAIL));
	return (-1);
}

/* -- Unix sockets ------------------------------------------------------- */

static int
open_unix(struct wampd *w, struct conf_listen *l)
{
	struct lsock	*s;
	struct stat	 st;
	char		 err[PATH_MAX + 128];
	int		 fd, dir;

	if ((s = find_path(w, l)) != NULL) {
		if (s->is_named) {
			complain(l, "named twice");
			return (-1);
		}
		s->is_named = 1;
		return (0);
	}
	fd = unixsock_bind(l->path, l->mode, l->uid, l->gid, &dir, &st, err,
	    sizeof(err));
	if (fd == -1) {
		complain(l, err);
		return (-1);
	}
	s = lsock_new(w, l->name, is_metrics(l), 1);
	s->path = xstrdup(l->path);
	s->fds[0] = fd;
	s->dir = dir;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return (0);
}

/* -- all of them -------------------------------------------------------- */

static int
open_list(struct wampd *w, struct conf *conf, struct conf_listens *list)
{
	struct conf_listen	*l;
	int			 rv;

	TAILQ_FOREACH(l, list, entry) {
		rv = l->path != NULL ? open_unix(w, l) : open_net(w, conf, l);
		if (rv == -1)
			return (-1);
	}
	return (0);
}

/*
 * Open what conf names and is not open yet: 0, or -1 and nothing changed
 * but the marks.  listen_commit() or listen_abort() must follow.
 */
int
listen_open(struct wampd *w, struct conf *conf)
{
	struct lsock	*s;

	TAILQ_FOREACH(s, &w->lsocks, entry)
		s->is_named = 0;
	if (open_list(w, conf, &conf->listens) == 0 &&
	    open_list(w, conf, &conf->metrics) == 0)
		return (0);
	listen_abort(w);
	return (-1);
}

static int
check_list(const struct conf_listens *list)
{
	const struct conf_listen	*l;
	char				 err[PATH_MAX + 128];
	int				 rv = 0;

	TAILQ_FOREACH(l, list, entry) {
		if (l->path == NULL)
			continue;
		if (host_makes_dir(l->path))
			continue;
		if (unixsock_check(l->path, l->uid, err, sizeof(err)) == -1) {
			complain(l, err);
			rv = -1;
		}
	}
	return (rv);
}

/* For -n: what can be told without binding. */
int
listen_check(const struct conf *conf)
{
	int	rv;

	rv = check_list(&conf->listens);
	return (check_list(&conf->metrics) == -1 ? -1 : rv);
}

static void
adjust_files(struct wampd *w, const struct conf_listens *list)
{
	const struct conf_listen	*l;
	struct lsock			*s;
	const char			*name;
	char				 err[256];

	TAILQ_FOREACH(l, list, entry) {
		if (l->path == NULL || (s = find_path(w, l)) == NULL)
			continue;
		name = strrchr(l->path, '/') + 1;
		if (unixsock_chmod(s->dir, name, l->mode, l->uid, l->gid, err,
		    sizeof(err)) == -1)
			complain(l, err);
	}
}

/* The kept ones may have other options now. */
static void
adjust(struct wampd *w)
{
	struct lsock	*s;
	size_t		 i;

	TAILQ_FOREACH(s, &w->lsocks, entry)
		for (i = 0; s->path == NULL && i < s->nfds; i++)
			if (s->fds[i] != -1 &&
			    tune_tcp(s->fds[i], &w->conf->limits) == -1)
				log_warn("listen on %s", s->name);
	adjust_files(w, &w->conf->listens);
	adjust_files(w, &w->conf->metrics);
}

/* w->conf is what listen_open() looked at: close what it does not name. */
void
listen_commit(struct wampd *w)
{
	struct lsock	*s, *next;

	TAILQ_FOREACH_SAFE(s, &w->lsocks, entry, next) {
		s->is_new = 0;
		if (!s->is_named) {
			log_info("listener %s closed", s->name);
			lsock_free(w, s);
		}
	}
	adjust(w);
}

void
listen_abort(struct wampd *w)
{
	struct lsock	*s, *next;

	TAILQ_FOREACH_SAFE(s, &w->lsocks, entry, next)
		if (s->is_new)
			lsock_free(w, s);
}

/* Nobody may connect any more; what we made in the file system stays. */
void
listen_close(struct wampd *w)
{
	struct lsock	*s;
	size_t		 i;

	TAILQ_FOREACH(s, &w->lsocks, entry)
		for (i = 0; i < s->nfds; i++) {
			if (s->fds[i] != -1)
				close(s->fds[i]);
			s->fds[i] = -1;
		}
}

void
listen_remove(struct wampd *w)
{
	struct lsock	*s;

	while ((s = TAILQ_FIRST(&w->lsocks)) != NULL)
		lsock_free(w, s);
}

/* -- handed over by another wampd --------------------------------------- */

/* Socket i of n of an address: 0, or -1 if it is there already. */
int
listen_take_tcp(struct wampd *w, const struct sockaddr_storage *ss,
    const char *name, int for_metrics, size_t i, size_t n, int fd)
{
	struct lsock	*s;

	if ((s = find_addr(w, ss, for_metrics)) == NULL) {
		s = lsock_new(w, name, for_metrics, n);
		memcpy(&s->addr, ss, sizeof(s->addr));
		s->is_new = 0;
	}
	if (s->nfds != n || s->fds[i] != -1)
		return (-1);
	s->fds[i] = fd;
	return (0);
}

void
listen_take_unix(struct wampd *w, const struct control_listen *k,
    int for_metrics)
{
	struct lsock	*s;

	s = lsock_new(w, k->path, for_metrics, 1);
	s->path = xstrdup(k->path);
	s->is_new = 0;
	s->fds[0] = k->fd;
	s->dir = k->dir;
	s->dev = k->dev;
	s->ino = k->ino;
}

/* Are they as many as they said? */
int
listen_has_all(const struct wampd *w)
{
	const struct lsock	*s;
	size_t			 i;

	TAILQ_FOREACH(s, &w->lsocks, entry)
		for (i = 0; i < s->nfds; i++)
			if (s->fds[i] == -1)
				return (0);
	return (1);
}

/* They are another's now: nothing goes from the file system. */
void
listen_forget(struct wampd *w)
{
	struct lsock	*s;

	while ((s = TAILQ_FIRST(&w->lsocks)) != NULL) {
		if (s->dir != -1)
			close(s->dir);
		s->dir = -1;
		lsock_free(w, s);
	}
}

/* For conf_send(): the descriptor of address i for one child, or -1. */
int
listen_fd(void *arg, const struct conf_listen *l, unsigned int i)
{
	struct child	*c = arg;
	struct lsock	*s;

	if (l->path != NULL) {
		s = find_path(c->w, l);
		return (s != NULL ? s->fds[0] : -1);
	}
	s = find_addr(c->w, &l->addr[i], is_metrics(l));
	if (s == NULL || c->instance >= s->nfds)
		return (-1);
	return (s->fds[c->instance]);
}
