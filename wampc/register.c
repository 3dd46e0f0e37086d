/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * register: a command for each invocation, so many at once, the others in
 * a bounded queue.
 */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "wamp.h"
#include "wampc.h"

#define WAITING_MAX	1000	/* invocations without a command */

struct invocation {
	struct invocation	*next;
	uint64_t		 request;
	struct wbuf		 line;	/* for standard input */
};

static void	run_next(struct client *);

void
reg_start(struct client *c)
{
	c->reg.request = session_request(c, WAMP_REGISTER, c->o.uri, NULL);
}

const char *
reg_registered(struct client *c, const struct val *v, size_t n)
{
	uint64_t	request, id;

	(void)n;
	if (val_id(&v[1], &request) == -1 || val_id(&v[2], &id) == -1)
		return ("malformed REGISTERED");
	if (request != c->reg.request || c->reg.id != 0)
		return ("REGISTERED for no request of ours");
	c->reg.id = id;
	client_await(c, 0);
	if (c->o.verbose)
		log_info("registered %s", c->o.uri);
	return (NULL);
}

/* [ERROR, INVOCATION, request, {}, uri, [why]] */
static void
answer_error(struct client *c, uint64_t request, const char *uri,
    const char *why)
{
	struct enc	e;

	session_begin(c, &e, WAMP_ERROR, 6);
	enc_uint(&e, WAMP_INVOCATION);
	enc_uint(&e, request);
	enc_map(&e, 0);
	enc_end(&e);
	enc_str(&e, uri, strlen(uri));
	enc_array(&e, 1);
	enc_str(&e, why, strlen(why));
	enc_end(&e);
	(void)session_send(c, &e);
}

/* [YIELD, request, {}, [result]] */
static void
answer_result(struct client *c, uint64_t request, const struct val *result)
{
	struct wbuf	w;
	struct enc	e;

	memset(&w, 0, sizeof(w));
	if (codec_convert(result, c->o.ser, &w) != CODEC_OK) {
		wbuf_free(&w);
		answer_error(c, request, "wamp.error.runtime_error",
		    "the result cannot be sent");
		return;
	}
	session_begin(c, &e, WAMP_YIELD, 4);
	enc_uint(&e, request);
	enc_map(&e, 0);
	enc_end(&e);
	enc_array(&e, 1);
	enc_raw(&e, w.buf, w.len);
	enc_end(&e);
	wbuf_free(&w);
	if (session_send(c, &e) == -1)
		answer_error(c, request,
		    wamp_err_uri(WERR_PAYLOAD_SIZE_EXCEEDED),
		    "the result is longer than the router takes");
}

/* The command printed nothing: [YIELD, request, {}] */
static void
answer_nothing(struct client *c, uint64_t request)
{
	struct enc	e;

	session_begin(c, &e, WAMP_YIELD, 3);
	enc_uint(&e, request);
	enc_map(&e, 0);
	enc_end(&e);
	(void)session_send(c, &e);
}

static void
answered(struct client *c)
{
	if (++c->reg.answered == c->o.count)
		session_leave(c, ST_OK);
}

void
reg_done(struct client *c, uint64_t request, const struct val *result,
    const char *error, const char *why)
{
	c->reg.running--;
	if (c->s.state != SESS_JOINED)
		return;
	if (error != NULL)
		answer_error(c, request, error, why);
	else if (result == NULL)
		answer_nothing(c, request);
	else
		answer_result(c, request, result);
	answered(c);
	run_next(c);
}

/* Take it out of those that wait; NULL: it is not among them. */
static struct invocation *
take_waiting(struct reg *r, uint64_t request)
{
	struct invocation	**pp, *inv, *prev = NULL;

	for (pp = &r->first; (inv = *pp) != NULL; pp = &inv->next) {
		if (inv->request == request)
			break;
		prev = inv;
	}
	if (inv == NULL)
		return (NULL);
	*pp = inv->next;
	if (r->last == inv)
		r->last = prev;
	r->nwaiting--;
	r->octets -= inv->line.len;
	return (inv);
}

/* Start commands while there is room. */
static void
run_next(struct client *c)
{
	struct reg		*r = &c->reg;
	struct invocation	*inv;

	while (!c->finished && c->s.state == SESS_JOINED &&
	    conn_queued(c) < QUEUE_MAX && r->running < c->o.atonce &&
	    (inv = r->first) != NULL) {
		if (c->o.count != 0 && r->answered + r->running == c->o.count)
			return;
		(void)take_waiting(r, inv->request);
		if (command_start(c, inv->request, &inv->line) == 0)
			r->running++;
		else {
			log_warn("%s", c->o.command[0]);
			answer_error(c, inv->request,
			    "wamp.error.runtime_error",
			    "the command cannot be run");
			answered(c);
		}
		wbuf_free(&inv->line);
		free(inv);
	}
}

const char *
reg_invocation(struct client *c, const struct val *v, size_t n)
{
	struct reg		*r = &c->reg;
	struct invocation	*inv;
	char			 uri[URI_MAXLEN + 1];
	const char		*procedure = c->o.uri;
	struct val		 p;
	uint64_t		 request, id;

	if (val_id(&v[1], &request) == -1 || val_id(&v[2], &id) == -1 ||
	    v[3].type != VAL_MAP || val_map_check(&v[3]) == -1)
		return ("malformed INVOCATION");
	/* WAMP, Ordering Guarantees: REGISTERED before any INVOCATION */
	if (r->id == 0 || id != r->id)
		return ("INVOCATION of no registration of ours");
	if (val_member(&v[3], "procedure", &p)) {
		if (val_get_uri(&p, uri, sizeof(uri)) == -1)
			return ("malformed procedure in INVOCATION");
		procedure = uri;
	}
	if (r->nwaiting >= WAITING_MAX || r->octets >= 4 * c->o.maxmsg ||
	    (inv = calloc(1, sizeof(*inv))) == NULL) {
		answer_error(c, request, "wamp.error.unavailable",
		    "too many calls are waiting");
		return (NULL);
	}
	inv->request = request;
	if (output_object(&inv->line, "procedure", procedure, 0,
	    c->o.details ? &v[3] : NULL, v + 4, n - 4) == -1) {
		wbuf_free(&inv->line);
		free(inv);
		answer_error(c, request,
		    wamp_err_uri(WERR_INVALID_ARGUMENT),
		    "JSON cannot say the arguments");
		return (NULL);
	}
	if (r->last == NULL)
		r->first = inv;
	else
		r->last->next = inv;
	r->last = inv;
	r->nwaiting++;
	r->octets += inv->line.len;
	run_next(c);
	return (NULL);
}

const char *
reg_interrupt(struct client *c, const struct val *v, size_t n)
{
	struct invocation	*inv;
	uint64_t		 request;

	(void)n;
	if (val_id(&v[1], &request) == -1 || v[2].type != VAL_MAP ||
	    val_map_check(&v[2]) == -1)
		return ("malformed INTERRUPT");
	if ((inv = take_waiting(&c->reg, request)) == NULL) {
		/* may be answered already: the messages have crossed */
		command_interrupt(c, request);
		return (NULL);
	}
	wbuf_free(&inv->line);
	free(inv);
	answer_error(c, request, wamp_err_uri(WERR_CANCELED),
	    "canceled before the command was run");
	return (NULL);
}

void
reg_drained(struct client *c)
{
	run_next(c);
}

void
reg_free(struct client *c)
{
	struct invocation	*inv;

	while ((inv = c->reg.first) != NULL) {
		c->reg.first = inv->next;
		wbuf_free(&inv->line);
		free(inv);
	}
	c->reg.last = NULL;
}
