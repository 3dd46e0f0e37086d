/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The stream of octets to the router: TCP, TLS over it, or a Unix socket.
 * transport_open() is called when the router was verified, and not an octet
 * of ours is sent before, save TLS's own.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "wampc.h"

#define READ_TURN	16	/* reads a turn of the event loop */
#define WRITE_MAX	16384
#define ADDR_SECONDS	5	/* for an address, if there are more */
#define BUSY_MSEC	50	/* between attempts at a full backlog */

static void	conn_event(evutil_socket_t, short, void *);
static void	conn_next(struct client *);
static void	conn_unix(struct client *);
static void	conn_connected(struct client *);

/* Wait for what the state asks for. */
static void
conn_update(struct client *c)
{
	struct conn	*co = &c->conn;
	int		 in = 0, out = 0;

	switch (co->state) {
	case CONN_LOOKUP:
		return;
	case CONN_CONNECTING:
		out = 1;
		break;
	case CONN_TLS:
		in = co->rwant == POLLIN;
		out = co->rwant == POLLOUT;
		break;
	case CONN_UP:
		in = co->rwant == POLLIN;
		out = co->rwant == POLLOUT;
		if (evbuffer_get_length(co->out) > 0) {
			in |= co->wwant == POLLIN;
			out |= co->wwant == POLLOUT;
		}
		break;
	case CONN_CLOSED:
		return;
	}
	if (in)
		event_add(co->rev, NULL);
	else
		event_del(co->rev);
	if (out)
		event_add(co->wev, NULL);
	else
		event_del(co->wev);
}

static void
conn_drop_fd(struct conn *co)
{
	if (co->rev != NULL)
		event_free(co->rev);
	if (co->wev != NULL)
		event_free(co->wev);
	co->rev = co->wev = NULL;
	if (co->fd != -1)
		close(co->fd);
	co->fd = -1;
}

static void
conn_take_fd(struct client *c, int fd)
{
	struct conn	*co = &c->conn;

	co->fd = fd;
	co->rev = event_new(c->base, fd, EV_READ | EV_PERSIST, conn_event, c);
	co->wev = event_new(c->base, fd, EV_WRITE | EV_PERSIST, conn_event,
	    c);
	if (co->rev == NULL || co->wev == NULL)
		client_fail(c, ST_CONNECT, "out of memory");
}

/* -- Unix socket -------------------------------------------------------- */

/* Name the socket relative to the directory that was checked. */
static int
connect_in(int dfd, int fd, const char *name)
{
	struct sockaddr_un	sun;
	int			cwd, rc, saved;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlen(name) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	memcpy(sun.sun_path, name, strlen(name));
	if ((cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return (-1);
	if ((rc = fchdir(dfd)) == 0)
		rc = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	saved = errno;
	if (fchdir(cwd) == -1 && rc == 0) {
		saved = errno;
		rc = -1;
	}
	close(cwd);
	errno = saved;
	return (rc);
}

static void
unix_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_unix(arg);
}

static void
conn_unix(struct client *c)
{
	struct timeval	 tv = { 0, BUSY_MSEC * 1000 };
	struct conn	*co = &c->conn;
	const char	*path = c->o.url.path, *name;
	char		 why[512];
	enum status	 status;
	int		 dfd, fd, busy;

	dfd = trust_walk(path, c->o.owner, &name, &co->dirowner, &status,
	    why, sizeof(why));
	if (dfd == -1) {
		client_fail(c, status, "%s%s", status == ST_TRUST ?
		    "router not trusted: " : "cannot connect: ", why);
		return;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect_in(dfd, fd, name) == -1) {
		snprintf(why, sizeof(why), "%s", strerror(errno));
		busy = fd != -1 && errno == EAGAIN;	/* backlog is full */
		if (fd != -1)
			close(fd);
		close(dfd);
		if (busy && event_add(co->retry, &tv) == 0)
			return;
		client_fail(c, ST_CONNECT, "cannot connect: %s: %s", path,
		    why);
		return;
	}
	close(dfd);
	if (trust_peer(fd, co->dirowner, why, sizeof(why)) == -1) {
		close(fd);
		client_fail(c, ST_TRUST, "router not trusted: %s: %s", path,
		    why);
		return;
	}
	conn_take_fd(c, fd);
	conn_connected(c);
}

/* -- TCP ---------------------------------------------------------------- */

static void
lookup_timeout(int sig)
{
	static const char	text[] = "wampc: timeout: name look-up\n";
	ssize_t			n;

	(void)sig;
	n = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)n;
	_exit(ST_TIMEOUT);
}

/* The resolver cannot be interrupted but by the end of the process. */
static int
lookup(const struct url *u, double seconds, struct addrinfo **ai)
{
	struct addrinfo	hints;
	int		error;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	signal(SIGALRM, lookup_timeout);
	alarm(seconds > 0 ? (unsigned int)seconds + 1 : JOIN_SECONDS);
	error = getaddrinfo(u->host, u->port, &hints, ai);
	alarm(0);
	signal(SIGALRM, SIG_DFL);
	return (error);
}

static void
next_address(evutil_socket_t fd, short what, void *arg)
{
	struct client	*c = arg;

	(void)fd;
	(void)what;
	snprintf(c->conn.why, sizeof(c->conn.why), "%s",
	    strerror(ETIMEDOUT));
	conn_next(c);
}

/* Try the next address. */
static void
conn_next(struct client *c)
{
	struct timeval	 tv = { ADDR_SECONDS, 0 };
	struct conn	*co = &c->conn;
	struct addrinfo	*ai;
	int		 fd, one = 1;

	conn_drop_fd(co);
	event_del(co->retry);
	while ((ai = co->next) != NULL) {
		co->next = ai->ai_next;
		fd = socket(ai->ai_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd == -1) {
			snprintf(co->why, sizeof(co->why), "%s",
			    strerror(errno));
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 ||
		    errno == EINPROGRESS) {
			conn_take_fd(c, fd);
			if (co->next != NULL)
				event_add(co->retry, &tv);
			conn_update(c);
			return;
		}
		snprintf(co->why, sizeof(co->why), "%s", strerror(errno));
		close(fd);
	}
	client_fail(c, ST_CONNECT, "cannot connect: %s port %s: %s",
	    c->o.url.host, c->o.url.port, co->why);
}

void
conn_dial(struct client *c)
{
	struct conn	*co = &c->conn;
	int		 error;

	co->state = CONN_CONNECTING;
	if (!url_is_tls(&c->o.url) && !c->o.insecure) {
		client_fail(c, ST_TRUST, "router not trusted: without TLS "
		    "nothing proves who answers; --insecure does without");
		return;
	}
	error = lookup(&c->o.url, c->o.seconds, &co->ai);
	if (error != 0) {
		client_fail(c, ST_CONNECT, "cannot connect: %s: %s",
		    c->o.url.host, gai_strerror(error));
		return;
	}
	co->next = co->ai;
	conn_next(c);
}

/* -- the stream --------------------------------------------------------- */

static void
conn_connected(struct client *c)
{
	struct conn	*co = &c->conn;

	event_del(co->retry);
	co->rwant = POLLIN;
	co->wwant = POLLOUT;
	if (c->finished)
		return;
	if (url_is_tls(&c->o.url)) {
		co->state = CONN_TLS;
		if (tlsclient_begin(c) == 0)
			tlsclient_step(c);
	} else {
		co->state = CONN_UP;
		transport_open(c);
	}
	conn_update(c);
}

/* Octets read or written, 0 at the end, -1 on error, -2 when not ready. */
static ssize_t
tls_result(ssize_t n, short *want)
{
	switch (n) {
	case TLS_WANT_POLLIN:
		*want = POLLIN;
		return (-2);
	case TLS_WANT_POLLOUT:
		*want = POLLOUT;
		return (-2);
	default:
		return (n);
	}
}

static ssize_t
sys_result(ssize_t n, short *want, short event)
{
	*want = event;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return (-2);
	return (n);
}

static void
conn_failed(struct client *c)
{
	struct conn	*co = &c->conn;
	const char	*why = NULL;

	if (c->finished)
		return;
	if (co->tls != NULL)
		why = tlsclient_why(co->tls);
	if (why == NULL)
		why = strerror(errno);
	if (c->s.state == SESS_LEAVING) {
		client_finish(c, c->status);
		return;
	}
	if (co->tls != NULL && tlsclient_is_refusal(why))
		client_fail(c, ST_REFUSED, "refused: TLS: %s", why);
	else
		client_fail(c, ST_CONNECT, "connection lost: %s", why);
}

/*
 * The buffer holds more than a TLS record, so that none is left in libtls
 * while poll(2) sees nothing.
 */
static void
conn_read(struct client *c)
{
	struct conn	*co = &c->conn;
	ssize_t		 n;
	int		 i;

	for (i = 0; i < READ_TURN && !c->finished; i++) {
		if (co->tls != NULL)
			n = tls_result(tls_read(co->tls, co->in,
			    sizeof(co->in)),
			    &co->rwant);
		else
			n = sys_result(read(co->fd, co->in, sizeof(co->in)),
			    &co->rwant, POLLIN);
		if (n == -2)
			return;
		if (n == -1) {
			conn_failed(c);
			return;
		}
		if (n == 0) {
			transport_eof(c);
			return;
		}
		co->rwant = POLLIN;
		transport_input(c, co->in, (size_t)n);
	}
}

static int
conn_flush(struct client *c)
{
	struct conn	*co = &c->conn;
	size_t		 len;
	ssize_t		 n;
	uint8_t		*p;

	while ((len = evbuffer_get_length(co->out)) > 0) {
		if (len > WRITE_MAX)
			len = WRITE_MAX;
		if ((p = evbuffer_pullup(co->out, (ssize_t)len)) == NULL) {
			errno = ENOMEM;
			return (-1);
		}
		if (co->tls != NULL)
			n = tls_result(tls_write(co->tls, p, len),
			    &co->wwant);
		else
			n = sys_result(send(co->fd, p, len, MSG_NOSIGNAL),
			    &co->wwant, POLLOUT);
		if (n == -2)
			return (0);
		if (n <= 0)
			return (-1);
		co->wwant = POLLOUT;
		evbuffer_drain(co->out, (size_t)n);
	}
	return (0);
}

static void
conn_event(evutil_socket_t fd, short what, void *arg)
{
	struct client	*c = arg;
	struct conn	*co = &c->conn;
	socklen_t	 len = sizeof(int);
	int		 error = 0;

	(void)what;
	switch (co->state) {
	case CONN_CONNECTING:
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
			error = errno;
		if (error != 0) {
			snprintf(co->why, sizeof(co->why), "%s",
			    strerror(error));
			conn_next(c);
		} else
			conn_connected(c);
		return;
	case CONN_TLS:
		tlsclient_step(c);
		break;
	case CONN_UP:
		conn_read(c);
		if (!c->finished && conn_flush(c) == -1) {
			/* what the router said before it closed explains it */
			error = errno;
			conn_read(c);
			errno = error;
			conn_failed(c);
		}
		if (!c->finished && c->s.state == SESS_JOINED &&
		    c->verb->drained != NULL && conn_queued(c) < QUEUE_MAX)
			c->verb->drained(c);
		break;
	case CONN_LOOKUP:
	case CONN_CLOSED:
		return;
	}
	if (!c->finished)
		conn_update(c);
}

void
conn_write(struct client *c, const void *p, size_t len)
{
	struct conn	*co = &c->conn;

	if (co->state != CONN_UP || c->finished)
		return;
	if (evbuffer_add(co->out, p, len) == -1) {
		client_fail(c, ST_CONNECT, "out of memory");
		return;
	}
	conn_update(c);
}

size_t
conn_queued(const struct client *c)
{
	return (evbuffer_get_length(c->conn.out));
}

void
conn_open(struct client *c)
{
	struct conn	*co = &c->conn;
	int		 is_unix = c->o.url.scheme == SCHEME_UNIX;

	co->fd = -1;
	co->state = CONN_CONNECTING;
	co->out = evbuffer_new();
	co->retry = evtimer_new(c->base, is_unix ? unix_again : next_address,
	    c);
	if (co->out == NULL || co->retry == NULL)
		client_fail(c, ST_CONNECT, "out of memory");
	else if (is_unix)
		conn_unix(c);
	else if (c->o.dane) {
		co->state = CONN_LOOKUP;
		dane_open(c);
	} else
		conn_dial(c);
}

void
conn_close(struct client *c)
{
	struct conn	*co = &c->conn;

	if (co->state == CONN_UP && conn_flush(c) == 0 && co->tls != NULL)
		(void)tls_close(co->tls);
	co->state = CONN_CLOSED;
	dane_end(c);
	conn_drop_fd(co);
	if (co->retry != NULL)
		event_free(co->retry);
	if (co->out != NULL)
		evbuffer_free(co->out);
	if (co->ai != NULL)
		freeaddrinfo(co->ai);
	tls_free(co->tls);
	co->retry = NULL;
	co->out = NULL;
	co->ai = NULL;
	co->tls = NULL;
}
