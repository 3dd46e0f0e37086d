/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * publish: one event, or with -l one for each line of standard input.
 * Every one is acknowledged, so that the exit status tells.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "wamp.h"
#include "wampc.h"

#define NWAITING	(sizeof(c->pub.waiting) / sizeof(c->pub.waiting[0]))

static void
publish(struct client *c, const struct payload *pl)
{
	struct pub	*p = &c->pub;

	p->waiting[p->nwaiting++] = session_request(c, WAMP_PUBLISH,
	    c->o.uri, pl);
}

/* One line without its newline; empty ones are passed over. */
static void
publish_line(struct client *c, const uint8_t *line, size_t len)
{
	struct payload	 pl;
	const char	*why;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0)
		return;
	if ((why = payload_document(&pl, line, len, 1)) != NULL)
		client_fail(c, ST_USAGE, "standard input: %s", why);
	else
		publish(c, &pl);
	payload_free(&pl);
}

static void
drop_front(struct wbuf *w, size_t n)
{
	memmove(w->buf, w->buf + n, w->len - n);
	w->len -= n;
}

static int
is_open(const struct client *c)
{
	return (!c->finished && c->pub.nwaiting < NWAITING &&
	    conn_queued(c) < QUEUE_MAX);
}

/* Publish the lines that are there, as far as answers keep up. */
static void
next_lines(struct client *c)
{
	struct pub	*p = &c->pub;
	uint8_t		*nl;
	size_t		 done = 0;

	while (is_open(c) && p->scanned < p->line.len) {
		nl = memchr(p->line.buf + p->scanned, '\n',
		    p->line.len - p->scanned);
		if (nl == NULL && !p->eof) {
			p->scanned = p->line.len;
			break;
		}
		if (nl == NULL)
			nl = p->line.buf + p->line.len;
		publish_line(c, p->line.buf + done,
		    (size_t)(nl - (p->line.buf + done)));
		done = (size_t)(nl - p->line.buf);
		if (done < p->line.len)
			done++;
		p->scanned = done;
	}
	if (done > 0) {
		drop_front(&p->line, done);
		p->scanned -= done;
	}
	if (c->finished)
		return;
	client_await(c, p->nwaiting > 0);
	if (p->line.len > c->o.maxmsg && p->scanned == p->line.len)
		client_fail(c, ST_USAGE, "standard input: a line is longer "
		    "than %zu octets", c->o.maxmsg);
	else if (p->eof && p->line.len == 0 && p->nwaiting == 0)
		session_leave(c, ST_OK);
	else if (!p->eof && is_open(c))
		event_add(p->in, NULL);
}

/* Standard input may be shared: never made non-blocking, one read(2). */
static void
on_stdin(evutil_socket_t fd, short what, void *arg)
{
	struct client	*c = arg;
	struct pub	*p = &c->pub;
	uint8_t		*room;
	ssize_t		 n;

	(void)what;
	if (c->s.state != SESS_JOINED)
		return;
	if ((room = wbuf_room(&p->line, 65536)) == NULL) {
		client_fail(c, ST_USAGE, "out of memory");
		return;
	}
	n = read((int)fd, room, 65536);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		client_fail(c, ST_USAGE, "standard input: %s",
		    strerror(errno));
		return;
	}
	if (n > 0)
		p->line.len += (size_t)n;
	else if (n == 0) {
		p->eof = 1;
		/* the last line may lack its newline */
		p->scanned = 0;
	}
	next_lines(c);
}

void
pub_start(struct client *c)
{
	if (!c->o.lines) {
		publish(c, &c->o.payload);
		return;
	}
	client_await(c, 0);
	c->pub.in = event_new(c->base, STDIN_FILENO, EV_READ, on_stdin, c);
	if (c->pub.in == NULL || event_add(c->pub.in, NULL) == -1)
		client_fail(c, ST_USAGE, "standard input cannot be read");
}

void
pub_drained(struct client *c)
{
	if (c->o.lines)
		next_lines(c);
}

void
pub_free(struct client *c)
{
	if (c->pub.in != NULL)
		event_free(c->pub.in);
	c->pub.in = NULL;
	wbuf_free(&c->pub.line);
}

int
pub_is_waiting(struct client *c, uint64_t request)
{
	size_t	i;

	for (i = 0; i < c->pub.nwaiting; i++)
		if (c->pub.waiting[i] == request)
			return (1);
	return (0);
}

const char *
pub_published(struct client *c, const struct val *v, size_t n)
{
	struct pub	*p = &c->pub;
	uint64_t	 request, id;
	size_t		 i;

	(void)n;
	if (val_id(&v[1], &request) == -1 || val_id(&v[2], &id) == -1)
		return ("malformed PUBLISHED");
	for (i = 0; i < p->nwaiting; i++)
		if (p->waiting[i] == request)
			break;
	if (i == p->nwaiting)
		return ("PUBLISHED for no request of ours");
	p->waiting[i] = p->waiting[--p->nwaiting];
	if (!c->o.lines)
		session_leave(c, ST_OK);
	else
		next_lines(c);
	return (NULL);
}
