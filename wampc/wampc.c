/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampc(1): the event loop, its timers and signals, and the end.
 */
#include <sys/types.h>

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"
#include "wampc.h"

void
client_finish(struct client *c, enum status status)
{
	if (c->finished)
		return;
	c->status = status;
	transport_close(c);
	c->finished = 1;
	event_base_loopbreak(c->base);
}

void
client_fail(struct client *c, enum status status, const char *fmt, ...)
{
	char	text[1500];
	va_list	ap;

	if (c->finished)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warnx("%s", text);
	client_finish(c, status);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct client	*c = arg;
	const char	*phase = "no answer";

	(void)fd;
	(void)what;
	if (c->conn.state == CONN_LOOKUP)
		phase = "no answer about the TLSA record";
	else if (c->conn.state != CONN_UP)
		phase = "cannot connect";
	else if (c->tr.state == TR_HANDSHAKE)
		phase = "the router does not answer the handshake";
	else if (c->s.state == SESS_HELLO)
		phase = "the router does not answer HELLO";
	if (c->s.state == SESS_LEAVING) {
		client_finish(c, c->status);
		return;
	}
	log_warnx("timeout: %s", phase);
	session_leave(c, ST_TIMEOUT);
}

void
client_await(struct client *c, int on)
{
	struct timeval	tv = { JOIN_SECONDS, 0 };

	if (!on || c->o.seconds > 0)
		event_del(c->deadline);
	else if (event_add(c->deadline, &tv) == -1)
		client_fail(c, ST_CONNECT, "out of memory");
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct client	*c = arg;

	if (c->s.state == SESS_JOINED && c->verb->is_service) {
		if (c->o.count > 0)
			log_warnx("timeout: before as many as -n says");
		session_leave(c, ST_TIMEOUT);
		return;
	}
	on_deadline(fd, what, arg);
}

/* The next signal has its usual effect. */
static void
unwatch(struct client *c)
{
	if (c->sigint != NULL)
		event_del(c->sigint);
	if (c->sigterm != NULL)
		event_del(c->sigterm);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct client	*c = arg;

	(void)sig;
	(void)what;
	if (c->s.state == SESS_LEAVING)
		client_finish(c, c->status);
	else if (c->verb->is_service)
		session_leave(c, ST_OK);
	else {
		unwatch(c);
		call_cancel(c);
	}
}

/* Standard descriptors exist, so that no other one takes their place. */
static void
fill_descriptors(void)
{
	int	fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			exit(ST_USAGE);
	} while (fd <= STDERR_FILENO);
	close(fd);
}

/* NULL for one that is ignored, as a shell does for background jobs. */
static struct event *
watch_signal(struct client *c, int sig)
{
	struct sigaction	 old;
	struct event		*ev;

	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
		return (NULL);
	ev = evsignal_new(c->base, sig, on_signal, c);
	if (ev == NULL || event_add(ev, NULL) == -1)
		fatalx("cannot watch signals");
	return (ev);
}

void
client_watch(struct client *c)
{
	c->sigint = watch_signal(c, SIGINT);
	c->sigterm = watch_signal(c, SIGTERM);
}

static void
prepare(struct client *c)
{
	struct event_config	*cfg;
	struct timeval		 tv;

	/* poll(2), for which standard input may be a file */
	if ((cfg = event_config_new()) == NULL ||
	    event_config_require_features(cfg, EV_FEATURE_FDS) == -1 ||
	    (c->base = event_base_new_with_config(cfg)) == NULL)
		fatalx("cannot make an event loop");
	event_config_free(cfg);
	c->deadline = evtimer_new(c->base, on_deadline, c);
	c->limit = evtimer_new(c->base, on_limit, c);
	if (c->deadline == NULL || c->limit == NULL)
		fatalx("out of memory");
	client_await(c, 1);
	if (c->o.seconds > 0) {
		tv.tv_sec = (time_t)c->o.seconds;
		tv.tv_usec = (suseconds_t)((c->o.seconds -
		    (double)tv.tv_sec) * 1000000);
		event_add(c->limit, &tv);
	}
	if (c->verb->is_service)
		client_watch(c);
}

static void
cleanup(struct client *c)
{
	struct event	*events[6];
	size_t		 i;

	login_clear(&c->login);
	command_end_all(c);
	reg_free(c);
	pub_free(c);
	transport_free(c);
	conn_close(c);
	wbuf_free(&c->s.msg);
	events[0] = c->deadline;
	events[1] = c->limit;
	events[2] = c->leave;
	events[3] = c->sigint;
	events[4] = c->sigterm;
	events[5] = c->sigchld;
	for (i = 0; i < 6; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	event_base_free(c->base);
	payload_free(&c->o.payload);
	payload_free(&c->o.msgopts);
	url_free(&c->o.url);
}

int
main(int argc, char **argv)
{
	static struct client	c;
	char			why[512];

	fill_descriptors();
	log_init(LOG_TO_STDERR, "wampc");
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && strcmp(argv[1], "passwd") == 0)
		return (passwd_main(argc - 1, argv + 1));
	if (argc > 1 && strcmp(argv[1], "key") == 0)
		return (key_main(argc - 1, argv + 1));
	c.verb = options_read(&c.o, argc, argv);
	if (login_prepare(&c.login, &c.o, why, sizeof(why)) == -1) {
		log_warnx("%s", why);
		return (ST_USAGE);
	}
	prepare(&c);
	conn_open(&c);
	if (!c.finished && event_base_dispatch(c.base) == -1)
		client_fail(&c, ST_CONNECT, "event loop failed");
	cleanup(&c);
	return ((int)c.status);
}
