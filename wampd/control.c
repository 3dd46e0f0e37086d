/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The control socket: who is connected, what waits for him.  Clients are
 * local users, and we are root: of what they send only a struct of one size
 * is looked at.  A client that does not read is asked for nothing and told
 * nothing more, and nothing here ever waits for one.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "mono.h"
#include "uri.h"
#include "xmalloc.h"

#define ACCEPTS_A_TURN	16

/* The socket that is listened on. */
struct csock {
	char		*path;
	int		 fd, dir;
	dev_t		 dev;
	ino_t		 ino;
	struct event	*ev;
};

struct control {
	TAILQ_HEAD(, control_client) clients;
	unsigned int	 nclients, nothers;
	struct csock	*sock;		/* or NULL */
	struct csock	*next;		/* of a reload under way, or NULL */
	int		 is_kept;	/* the reload keeps sock */
	int		 was_told;	/* that there is none */
	int		 is_paused;	/* no descriptors: until a tick */
};

static void	on_accept(evutil_socket_t, short, void *);

/* -- the socket --------------------------------------------------------- */

static void
csock_free(struct csock *s)
{
	if (s == NULL)
		return;
	if (s->ev != NULL)
		event_free(s->ev);
	close(s->fd);
	unixsock_unlink(s->dir, s->path, s->dev, s->ino);
	close(s->dir);
	free(s->path);
	free(s);
}

static struct csock *
csock_new(struct wampd *w, const struct conf_control *k, char *err,
    size_t errlen)
{
	struct csock	*s;
	struct stat	 st;
	int		 fd, dir;

	fd = unixsock_bind(k->path, k->mode, k->uid, k->gid, &dir, &st, err,
	    errlen);
	if (fd == -1)
		return (NULL);
	s = xcalloc(1, sizeof(*s));
	s->path = xstrdup(k->path);
	s->fd = fd;
	s->dir = dir;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->ev = event_new(w->base, fd, EV_READ | EV_PERSIST, on_accept, w);
	if (s->ev == NULL)
		fatalx("out of memory");
	return (s);
}

/*
 * As listen_open(): 0, or -1 and nothing changed.  The usual socket that
 * nobody asked for is done without where it cannot be had: another wampd has
 * it, or we are not root.
 */
int
control_open(struct wampd *w, const struct conf *conf)
{
	const struct conf_control	*k = &conf->control;
	struct control			*ctl = w->control;
	char				 err[PATH_MAX + 128];

	if (ctl == NULL) {
		ctl = w->control = xcalloc(1, sizeof(*ctl));
		TAILQ_INIT(&ctl->clients);
	}
	ctl->is_kept = 0;
	if (k->path == NULL)
		return (0);
	if (ctl->sock != NULL && strcmp(ctl->sock->path, k->path) == 0) {
		ctl->is_kept = 1;
		return (0);
	}
	if ((ctl->next = csock_new(w, k, err, sizeof(err))) != NULL)
		return (0);
	if (!k->is_given) {
		if (!ctl->was_told)
			log_info("no control socket %s: %s", k->path, err);
		ctl->was_told = 1;
		return (0);
	}
	log_warnx("control socket %s: %s", k->path, err);
	return (-1);
}

/* For -n: what can be told without binding. */
int
control_check(const struct conf *conf)
{
	const struct conf_control	*k = &conf->control;
	char				 err[PATH_MAX + 128];

	if (!k->is_given || k->path == NULL || host_makes_dir(k->path) ||
	    unixsock_check(k->path, k->uid, err, sizeof(err)) == 0)
		return (0);
	log_warnx("control socket %s: %s", k->path, err);
	return (-1);
}

/* The configuration that control_open() looked at is in force. */
void
control_commit(struct wampd *w)
{
	const struct conf_control	*k = &w->conf->control;
	struct control			*ctl = w->control;
	char				 err[256];

	if (!ctl->is_kept) {
		csock_free(ctl->sock);
		ctl->sock = ctl->next;
		ctl->next = NULL;
		ctl->is_paused = 0;
		if (ctl->sock != NULL && event_add(ctl->sock->ev, NULL) == -1)
			fatalx("event_add failed");
		return;
	}
	if (unixsock_chmod(ctl->sock->dir, strrchr(k->path, '/') + 1, k->mode,
	    k->uid, k->gid, err, sizeof(err)) == -1)
		log_warnx("control socket %s: %s", k->path, err);
}

void
control_abort(struct wampd *w)
{
	if (w->control == NULL)
		return;
	csock_free(w->control->next);
	w->control->next = NULL;
}

/* -- frames ------------------------------------------------------------- */

size_t
control_room(const struct control_client *k)
{
	return (sizeof(k->out) - k->outlen);
}

int
control_put(struct control_client *k, enum ctl_kind kind, uint16_t flags,
    const void *data, size_t len)
{
	struct ctl_frame	f;

	if (k->fd == -1 || len > CTL_MAXDATA ||
	    control_room(k) < sizeof(f) + len)
		return (-1);
	if (k->outlen == 0) {
		if (event_add(k->wev, NULL) == -1)
			return (-1);
		k->outoff = 0;
		k->since = mono_ms();
	} else if (sizeof(k->out) - k->outoff - k->outlen < sizeof(f) + len) {
		memmove(k->out, k->out + k->outoff, k->outlen);
		k->outoff = 0;
	}
	memset(&f, 0, sizeof(f));
	f.len = (uint32_t)len;
	f.kind = (uint16_t)kind;
	f.flags = flags;
	memcpy(k->out + k->outoff + k->outlen, &f, sizeof(f));
	k->outlen += sizeof(f);
	if (len > 0)
		memcpy(k->out + k->outoff + k->outlen, data, len);
	k->outlen += len;
	return (0);
}

void
control_error(struct control_client *k, const char *fmt, ...)
{
	char	text[1024];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* it is short, and steps leave room for it */
	if (control_put(k, CTL_ERROR, 0, text, strlen(text)) == -1)
		control_close(k);
}

/* -- clients ------------------------------------------------------------ */

static int
is_other(const struct control_client *k)
{
	return (k->uid != 0 && k->uid != geteuid());
}

void
control_close(struct control_client *k)
{
	struct control	*ctl = k->w->control;

	if (k->fd == -1)
		return;
	event_free(k->rev);
	event_free(k->wev);
	close(k->fd);
	k->fd = -1;
	control_clean_up(k);
	k->step = NULL;
	ctl->nclients--;
	if (is_other(k))
		ctl->nothers--;
}

/* The request under way is answered: the next one may come. */
static void
finish(struct control_client *k)
{
	control_clean_up(k);
	k->step = NULL;
	k->reqlen = 0;
	k->since = mono_ms();
}

static int
is_text(const char *p, size_t size)
{
	struct uri	u;
	size_t		len = strnlen(p, size), i;

	if (len == size)
		return (0);
	for (i = len; i < size; i++)
		if (p[i] != '\0')
			return (0);
	u.p = p;
	u.len = (uint16_t)len;
	return (uri_is_utf8(&u));
}

/* All that is looked at of what a local user sends. */
static int
is_request(const struct ctl_request *r)
{
	return (r->magic == CTL_MAGIC &&
	    is_text(r->realm, sizeof(r->realm)) &&
	    is_text(r->role, sizeof(r->role)) &&
	    is_text(r->authid, sizeof(r->authid)) &&
	    is_text(r->uri, sizeof(r->uri)));
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct control_client	*k = arg;
	ssize_t			 n;
	char			 more;

	(void)what;
	if (k->step != NULL || k->is_ending) {
		/* it left, or it talks out of turn */
		n = recv(fd, &more, 1, 0);
		if (n != -1 || (errno != EAGAIN && errno != EINTR))
			control_close(k);
		return;
	}
	n = recv(fd, (uint8_t *)&k->req + k->reqlen,
	    sizeof(k->req) - k->reqlen, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		control_close(k);
		return;
	}
	k->reqlen += (size_t)n;
	if (k->reqlen < sizeof(k->req))
		return;
	k->since = mono_ms();
	if (is_request(&k->req))
		control_request(k);
	else
		control_close(k);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct control_client	*k = arg;
	ssize_t			 n;

	(void)what;
	n = send(fd, k->out + k->outoff, k->outlen, MSG_NOSIGNAL);
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			control_close(k);
		return;
	}
	k->outoff += (size_t)n;
	k->outlen -= (size_t)n;
	if (n > 0)
		k->since = mono_ms();
	if (k->outlen > 0)
		return;
	event_del(k->wev);
	if (k->is_ending && k->step == NULL)
		control_close(k);
}

/* Too many: said if it can be said at once. */
static void
turn_away(int fd)
{
	static const char	text[] = "too many control clients";
	struct {
		struct ctl_frame	f;
		char			text[sizeof(text) - 1];
	} m;

	memset(&m, 0, sizeof(m));
	m.f.len = sizeof(m.text);
	m.f.kind = CTL_ERROR;
	memcpy(m.text, text, sizeof(m.text));
	(void)!send(fd, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static struct control_client *
client_new(struct wampd *w, int fd)
{
	struct control		*ctl = w->control;
	struct control_client	*k;
	struct ucred		 cred;
	socklen_t		 len = sizeof(cred);
	int			 other;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1 ||
	    len != sizeof(cred)) {
		close(fd);
		return (NULL);
	}
	other = cred.uid != 0 && cred.uid != geteuid();
	if (ctl->nclients >= CONTROL_MAXCLIENTS ||
	    (other && ctl->nothers >= CONTROL_MAXOTHERS) ||
	    (k = calloc(1, sizeof(*k))) == NULL) {
		turn_away(fd);
		return (NULL);
	}
	k->w = w;
	k->fd = fd;
	k->uid = cred.uid;
	k->pid = cred.pid;
	k->since = mono_ms();
	k->rev = event_new(w->base, fd, EV_READ | EV_PERSIST, on_readable, k);
	k->wev = event_new(w->base, fd, EV_WRITE | EV_PERSIST, on_writable, k);
	if (k->rev == NULL || k->wev == NULL ||
	    event_add(k->rev, NULL) == -1) {
		if (k->rev != NULL)
			event_free(k->rev);
		if (k->wev != NULL)
			event_free(k->wev);
		free(k);
		turn_away(fd);
		return (NULL);
	}
	ctl->nclients++;
	if (other)
		ctl->nothers++;
	TAILQ_INSERT_TAIL(&ctl->clients, k, entry);
	return (k);
}

static void
on_accept(evutil_socket_t sock, short what, void *arg)
{
	struct wampd	*w = arg;
	int		 fd, i;

	(void)what;
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		fd = accept4(sock, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			(void)client_new(w, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			event_del(w->control->sock->ev);
			w->control->is_paused = 1;
		}
		return;
	}
}

/* -- turns -------------------------------------------------------------- */

/* At the end of each turn: answers go on where there is room. */
void
control_progress(struct wampd *w)
{
	struct control_client	*k, *next;

	if (w->control == NULL)
		return;
	TAILQ_FOREACH_SAFE(k, &w->control->clients, entry, next) {
		/* then the longest frame fits, and nothing is tried in vain */
		if (k->fd != -1 && k->step != NULL &&
		    k->outlen <= sizeof(k->out) / 2 && k->step(k) == 1 &&
		    k->fd != -1)
			finish(k);
		if (k->fd == -1) {
			TAILQ_REMOVE(&w->control->clients, k, entry);
			free(k);
		}
	}
}

/* Every second: who does not read or says nothing has to go. */
void
control_tick(struct wampd *w)
{
	struct control		*ctl = w->control;
	struct control_client	*k;
	uint64_t		 now = mono_ms();

	if (ctl == NULL)
		return;
	TAILQ_FOREACH(k, &ctl->clients, entry)
		if (k->fd != -1 && now - k->since > CONTROL_WITHIN &&
		    (k->outlen > 0 || k->step == NULL))
			control_close(k);
	if (ctl->is_paused && ctl->sock != NULL &&
	    event_add(ctl->sock->ev, NULL) == 0)
		ctl->is_paused = 0;
}

unsigned int
control_clients(const struct wampd *w)
{
	return (w->control != NULL ? w->control->nclients : 0);
}

struct control_client *
control_first(struct wampd *w)
{
	return (w->control != NULL ? TAILQ_FIRST(&w->control->clients) : NULL);
}

/* -- an upgrade --------------------------------------------------------- */

int
control_listens(const struct wampd *w, struct control_listen *k)
{
	const struct csock	*s;

	if (w->control == NULL || (s = w->control->sock) == NULL)
		return (0);
	k->path = s->path;
	k->fd = s->fd;
	k->dir = s->dir;
	k->dev = s->dev;
	k->ino = s->ino;
	return (1);
}

/* The socket that was handed over is ours, as if we had bound it. */
void
control_take(struct wampd *w)
{
	const struct control_listen	*k = &w->upgrade.control;
	struct csock			*s;

	if (k->path == NULL)
		return;
	w->control = xcalloc(1, sizeof(*w->control));
	TAILQ_INIT(&w->control->clients);
	s = w->control->sock = xcalloc(1, sizeof(*s));
	s->path = xstrdup(k->path);
	s->fd = k->fd;
	s->dir = k->dir;
	s->dev = k->dev;
	s->ino = k->ino;
	s->ev = event_new(w->base, s->fd, EV_READ | EV_PERSIST, on_accept, w);
	if (s->ev == NULL || (w->upgrade.is_successor &&
	    event_add(s->ev, NULL) == -1))
		fatalx("event_add failed");
}

/* So are connections. */
void
control_take_clients(struct wampd *w)
{
	struct upgrade		*u = &w->upgrade;
	struct control_client	*k;
	size_t			 i;

	for (i = 0; i < u->nclients; i++) {
		if (w->control == NULL) {
			close(u->clients[i].fd);
			continue;
		}
		if ((k = client_new(w, u->clients[i].fd)) == NULL)
			continue;
		if (u->clients[i].kind != UPGRADE_IDLE)
			control_taken(k, u->clients[i].kind ==
			    UPGRADE_MONITOR);
	}
	u->nclients = 0;
}

/* Those that can go on under the new program: they have all that was said. */
void
control_hand_clients(struct wampd *w)
{
	struct upgrade		*u = &w->upgrade;
	struct upgrade_client	*c;
	struct control_client	*k;

	u->nclients = 0;
	if (w->control == NULL)
		return;
	TAILQ_FOREACH(k, &w->control->clients, entry) {
		if (k->fd != -1 && k->outlen > 0)
			on_writable(k->fd, EV_WRITE, k);
		if (k->fd == -1 || k->outlen > 0 || k->is_ending ||
		    u->nclients == UPGRADE_CLIENTS)
			continue;
		c = &u->clients[u->nclients];
		c->fd = k->fd;
		if (k->waits_for_upgrade)
			c->kind = UPGRADE_ASKER;
		else if (control_is_monitor(k))
			c->kind = UPGRADE_MONITOR;
		else if (k->step == NULL && k->reqlen == 0)
			c->kind = UPGRADE_IDLE;
		else
			continue;
		u->nclients++;
	}
}

/* They are another's now: no file goes. */
void
control_forget(struct wampd *w)
{
	struct csock	*s;

	if (w->control == NULL)
		return;
	if ((s = w->control->sock) != NULL) {
		event_free(s->ev);
		close(s->fd);
		close(s->dir);
		free(s->path);
		free(s);
		w->control->sock = NULL;
	}
	control_stop(w);
}

/* The end of all; clients see it by that. */
void
control_stop(struct wampd *w)
{
	struct control_client	*k;

	if (w->control == NULL)
		return;
	while ((k = TAILQ_FIRST(&w->control->clients)) != NULL) {
		/* who asked for the end is told that it came */
		if (k->fd != -1 && k->outlen > 0)
			(void)!send(k->fd, k->out + k->outoff, k->outlen,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		control_close(k);
		TAILQ_REMOVE(&w->control->clients, k, entry);
		free(k);
	}
	csock_free(w->control->sock);
	csock_free(w->control->next);
	free(w->control);
	w->control = NULL;
}
