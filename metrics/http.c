/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Clients: libevent's evhttp reads one request of each and writes one answer.
 * What evhttp does not bound is bounded here: how many there are, how long
 * one may take for his request and for the answer, whatever he dribbles.
 * When there are too many, the one who has been silent for longest goes.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "limit.h"
#include "log.h"
#include "metrics.h"
#include "mono.h"

#define MAXHEADERS	8192	/* octets of a request */
#define SWEEP		200	/* ms */
#define SWEEP_FULL	20
#define ASKS_WITHIN	20	/* ms: a request comes with its connection */
#define READS_WITHIN	1000	/* ms, where others wait to be accepted */
#define TYPE		"text/plain; version=0.0.4; charset=utf-8"
#define PLAIN		"text/plain; charset=utf-8"

enum client_state {
	CLIENT_ASKS,		/* his request is not whole */
	CLIENT_WAITS,		/* for what the parent says */
	CLIENT_READS		/* his answer */
};

struct client {
	TAILQ_ENTRY(client) entry;
	enum client_state	 state;
	uint64_t		 since;
	struct bufferevent	*bev;
	/* CLIENT_WAITS */
	enum question		 question;
	struct evhttp_request	*req;
};

/* In the order in which they came. */
static TAILQ_HEAD(, client)	 clients = TAILQ_HEAD_INITIALIZER(clients);
static unsigned int		 nclients;

#define MAXBOUND	(CONF_MAXMETRICS * LISTEN_MAXADDRS)
static struct evhttp			*http;
static struct evhttp_bound_socket	*bound[MAXBOUND];
static size_t				 nbound;
static int				 is_paused;
static struct event			*sweeper;
static int				 is_hurried;	/* it comes soon */
static int				 is_starved;	/* until then */

/* -- how many ----------------------------------------------------------- */

static void
pause_listeners(int is_wanted)
{
	struct evconnlistener	*l;
	size_t			 i;

	is_paused = is_wanted;
	for (i = 0; i < nbound; i++) {
		l = evhttp_bound_socket_get_listener(bound[i]);
		if (is_wanted)
			evconnlistener_disable(l);
		else
			evconnlistener_enable(l);
	}
}

static int
is_full(void)
{
	return (nclients >= metrics.conf->limits.metrics_connections);
}

/*
 * evhttp has accepted somebody, and asks for his bufferevent, which owns the
 * socket.  We hold it, too: evhttp does not say when it is done with it.
 */
static struct bufferevent *
client_new(struct event_base *base, void *arg)
{
	struct client	*c;

	(void)arg;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL) {
		free(c);
		return (NULL);
	}
	bufferevent_incref(c->bev);
	c->state = CLIENT_ASKS;
	c->since = mono_ms();
	TAILQ_INSERT_TAIL(&clients, c, entry);
	nclients++;
	if (is_full())
		pause_listeners(1);
	return (c->bev);
}

/* One that evhttp has freed calls nobody back. */
static int
is_freed(const struct client *c)
{
	bufferevent_data_cb	 readcb, writecb;
	bufferevent_event_cb	 eventcb;

	bufferevent_getcb(c->bev, &readcb, &writecb, &eventcb, NULL);
	return (eventcb == NULL);
}

static void
bury(void)
{
	struct client	*c, *next;

	for (c = TAILQ_FIRST(&clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (!is_freed(c))
			continue;
		TAILQ_REMOVE(&clients, c, entry);
		nclients--;
		bufferevent_decref(c->bev);	/* closes the socket */
		free(c);
	}
}

/* He is dropped as one who was too slow for evhttp is. */
static void
client_end(struct client *c)
{
	bufferevent_trigger_event(c->bev, BEV_EVENT_TIMEOUT |
	    (c->state == CLIENT_READS ? BEV_EVENT_WRITING :
	    BEV_EVENT_READING), 0);
}

/*
 * Room for one more: who came with a request is answered soon, so it is the
 * silent ones who fill the place, or else those who do not read.
 */
static void
make_room(void)
{
	struct client	*c, *worst = NULL;
	uint64_t	 now = mono_ms();

	TAILQ_FOREACH(c, &clients, entry) {
		if (c->state == CLIENT_ASKS && now - c->since >= ASKS_WITHIN) {
			worst = c;
			break;
		}
		if (c->state == CLIENT_READS && worst == NULL &&
		    now - c->since > READS_WITHIN)
			worst = c;
	}
	if (worst == NULL)
		return;
	limit_reached(LIMIT_METRICS_CONNECTIONS, "connections=%u", nclients);
	client_end(worst);
}

/* As long as there is somebody. */
static void
arm_sweeper(void)
{
	static const struct timeval	seldom = { 0, SWEEP * 1000 };
	static const struct timeval	often = { 0, SWEEP_FULL * 1000 };

	if (is_full() && !is_hurried) {
		evtimer_add(sweeper, &often);
		is_hurried = 1;
	} else if ((nclients > 0 || is_starved) &&
	    !evtimer_pending(sweeper, NULL))
		evtimer_add(sweeper, &seldom);
}

void
http_turn_end(void)
{
	if (metrics.conf == NULL)
		return;
	bury();
	if (is_full()) {
		make_room();
		bury();
	}
	if (is_paused && !is_full() && !is_starved)
		pause_listeners(0);
	arm_sweeper();
}

/* evhttp's own time begins anew with each octet. */
static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct client	*c, *next;
	uint64_t	 now = mono_ms();

	(void)fd;
	(void)what;
	(void)arg;
	is_hurried = is_starved = 0;
	for (c = TAILQ_FIRST(&clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if ((c->state != CLIENT_ASKS && c->state != CLIENT_READS) ||
		    now - c->since < metrics.conf->limits.metrics_time)
			continue;
		limit_reached(LIMIT_METRICS, "awaited=%s", c->state ==
		    CLIENT_ASKS ? "request" : "reader");
		client_end(c);
	}
}

size_t
http_clients(void)
{
	return (nclients);
}

/* -- answers ------------------------------------------------------------ */

static struct client *
client_of(struct evhttp_request *req)
{
	struct evhttp_connection	*evcon;
	struct bufferevent		*bev;
	struct client			*c;

	if ((evcon = evhttp_request_get_connection(req)) == NULL)
		return (NULL);
	bev = evhttp_connection_get_bufferevent(evcon);
	TAILQ_FOREACH(c, &clients, entry)
		if (c->bev == bev)
			return (c);
	return (NULL);
}

static const struct {
	int		 status;
	const char	*reason;
} answers[OUTCOMES] = {
	[OUT_OK] = { 200, "OK" },
	[OUT_NOT_FOUND] = { 404, "Not Found" },
	[OUT_METHOD] = { 405, "Method Not Allowed" },
	[OUT_UNAVAILABLE] = { 503, "Service Unavailable" }
};

/* One request a connection.  HEAD has the length and not the text. */
static void
reply(struct evhttp_request *req, enum outcome o, const char *type,
    size_t len, int (*add)(struct evbuffer *, void *), void *arg)
{
	struct evkeyvalq	*h = evhttp_request_get_output_headers(req);
	struct client		*c = client_of(req);
	char			 number[32];

	metrics.outcomes[o]++;
	if (c != NULL) {
		c->state = CLIENT_READS;
		c->since = mono_ms();
		c->req = NULL;
	}
	snprintf(number, sizeof(number), "%zu", len);
	evhttp_add_header(h, "Content-Type", type);
	evhttp_add_header(h, "Content-Length", number);
	evhttp_add_header(h, "Connection", "close");
	evhttp_add_header(h, "Cache-Control", "no-store");
	if (o == OUT_METHOD)
		evhttp_add_header(h, "Allow", "GET, HEAD");
	if (add != NULL && evhttp_request_get_command(req) != EVHTTP_REQ_HEAD
	    && add(evhttp_request_get_output_buffer(req), arg) == -1)
		log_debug("out of memory for an answer");
	evhttp_send_reply(req, answers[o].status, answers[o].reason, NULL);
}

static int
add_text(struct evbuffer *b, void *arg)
{
	return (evbuffer_add(b, arg, strlen(arg)));
}

static void
refuse(struct evhttp_request *req, enum outcome o, const char *text)
{
	char	line[64];

	snprintf(line, sizeof(line), "%s\n", text);
	reply(req, o, PLAIN, strlen(line), add_text, line);
}

void
http_reply_all(enum question q, enum outcome o, size_t len,
    int (*add)(struct evbuffer *, void *), void *arg)
{
	struct client	*c, *next;
	const char	*type;

	type = q == ASK_COUNTS && o == OUT_OK ? TYPE : PLAIN;
	for (c = TAILQ_FIRST(&clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->state == CLIENT_WAITS && c->question == q)
			reply(c->req, o, type, len, add, arg);
	}
}

/*
 * A quarter of the places is for those whose answer does not take long, and
 * for those who have not asked yet.
 */
static int
may_wait(void)
{
	const struct client	*c;
	unsigned int		 n = 0, most;

	most = metrics.conf->limits.metrics_connections;
	most -= most / 4;
	TAILQ_FOREACH(c, &clients, entry)
		if (c->state == CLIENT_WAITS && c->question == ASK_COUNTS)
			n++;
	return (n < most);
}

/* A request is whole, or evhttp could not understand it. */
static void
on_request(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri	*uri;
	const char		*path = NULL;
	struct client		*c = client_of(req);
	enum evhttp_cmd_type	 method = evhttp_request_get_command(req);
	enum question		 q;

	(void)arg;
	if (evhttp_request_get_uri(req) != NULL &&
	    (uri = evhttp_request_get_evhttp_uri(req)) != NULL)
		path = evhttp_uri_get_path(uri);
	if (c != NULL && path != NULL && strcmp(path, "/metrics") == 0)
		q = ASK_COUNTS;
	else if (c != NULL && path != NULL && strcmp(path, "/health") == 0)
		q = ASK_HEALTH;
	else {
		refuse(req, OUT_NOT_FOUND, "here are /metrics and /health");
		return;
	}
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		refuse(req, OUT_METHOD, "GET or HEAD");
		return;
	}
	if (q == ASK_COUNTS && !may_wait()) {
		limit_reached(LIMIT_METRICS_CONNECTIONS, "waiting=%u",
		    nclients);
		refuse(req, OUT_UNAVAILABLE, "too many ask");
		return;
	}
	c->state = CLIENT_WAITS;
	c->question = q;
	c->req = req;
	answer_want(q);
}

/* -- listeners ---------------------------------------------------------- */

/* No descriptor or no memory for one more: again when the sweeper comes. */
static void
on_error(struct evconnlistener *l, void *arg)
{
	(void)l;
	(void)arg;
	is_starved = 1;
	pause_listeners(1);
}

/*
 * Takes fd.  One before us that was taken over may have made the socket, which
 * the parent keeps, one that blocks: evhttp accepts until there is nobody.
 */
static struct evhttp_bound_socket *
bind_fd(int fd)
{
	struct evhttp_bound_socket	*b;
	struct evconnlistener		*l;

	if (evutil_make_socket_nonblocking(fd) == -1)
		fatal("metrics: fcntl");
	l = evconnlistener_new(metrics.proc.base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l == NULL || (b = evhttp_bind_listener(http, l)) == NULL)
		fatalx("metrics: out of memory");
	evconnlistener_set_error_cb(l, on_error);
	return (b);
}

void
http_listen(void)
{
	struct evhttp_bound_socket	*old[MAXBOUND];
	struct conf_listen		*l;
	struct timeval			 tv;
	size_t				 i, nold = nbound;

	memcpy(old, bound, sizeof(old));
	nbound = 0;
	TAILQ_FOREACH(l, &metrics.conf->listens, entry)
		for (i = 0; i < LISTEN_MAXADDRS && nbound < MAXBOUND; i++) {
			if (l->fds[i] == -1)
				continue;
			bound[nbound++] = bind_fd(l->fds[i]);
			l->fds[i] = -1;
		}
	for (i = 0; i < nold; i++)
		evhttp_del_accept_socket(http, old[i]);
	if (is_paused || is_full())
		pause_listeners(is_full());
	/* ours is over before, and counted */
	tv.tv_sec = metrics.conf->limits.metrics_time / 1000 + 2;
	tv.tv_usec = (suseconds_t)(metrics.conf->limits.metrics_time % 1000 *
	    1000);
	evhttp_set_timeout_tv(http, &tv);
}

void
http_close(void)
{
	while (nbound > 0)
		evhttp_del_accept_socket(http, bound[--nbound]);
}

static void
on_libevent(int severity, const char *text)
{
	(void)severity;
	log_debug("libevent: %s", text);
}

void
http_prepare(void)
{
	event_set_log_callback(on_libevent);
	if ((http = evhttp_new(metrics.proc.base)) == NULL)
		fatalx("metrics: out of memory");
	evhttp_set_bevcb(http, client_new, NULL);
	evhttp_set_gencb(http, on_request, NULL);
	evhttp_set_max_headers_size(http, MAXHEADERS);
	evhttp_set_max_body_size(http, 0);
	/* who asks for another gets 405 of us, and not 501 of evhttp; but for
	 * CONNECT, which it lets go on whatever we say: that is no end of his
	 * request, whose time goes on */
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD |
	    EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
	    EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH);
	if ((sweeper = evtimer_new(metrics.proc.base, on_sweep, NULL)) == NULL)
		fatalx("metrics: out of memory");
}
