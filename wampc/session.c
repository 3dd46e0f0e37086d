/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The session: HELLO to WELCOME, GOODBYE and ABORT, and a table that checks
 * every message before a verb's handler sees it.  What the specification
 * does not allow a router ends the session with ABORT.
 */
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "log.h"
#include "wamp.h"
#include "wampc.h"

#define MSG_MAX		8	/* elements; the longest has 7 */

static handler	on_welcome, on_abort, on_challenge, on_goodbye, on_error,
		on_revoked;

/* WAMP, Message Definitions: what a router may send to us. */
static const struct {
	unsigned int		 code;
	size_t			 min, max;
	enum session_state	 state;
	unsigned int		 role;	/* 0: any */
	handler			*fn;
} table[] = {
	{ WAMP_WELCOME,	   3, 3, SESS_HELLO,  0, on_welcome },
	{ WAMP_ABORT,	   3, 5, SESS_HELLO,  0, on_abort },
	{ WAMP_ABORT,	   3, 5, SESS_JOINED, 0, on_abort },
	{ WAMP_CHALLENGE,  3, 3, SESS_HELLO,  0, on_challenge },
	{ WAMP_GOODBYE,	   3, 5, SESS_JOINED, 0, on_goodbye },
	{ WAMP_ERROR,	   5, 7, SESS_JOINED, 0, on_error },
	{ WAMP_PUBLISHED,  3, 3, SESS_JOINED, WAMP_ROLE_PUBLISHER,
	    pub_published },
	{ WAMP_SUBSCRIBED, 3, 3, SESS_JOINED, WAMP_ROLE_SUBSCRIBER,
	    sub_subscribed },
	{ WAMP_EVENT,	   4, 6, SESS_JOINED, WAMP_ROLE_SUBSCRIBER,
	    sub_event },
	{ WAMP_RESULT,	   3, 5, SESS_JOINED, WAMP_ROLE_CALLER,
	    call_result },
	{ WAMP_REGISTERED, 3, 3, SESS_JOINED, WAMP_ROLE_CALLEE,
	    reg_registered },
	{ WAMP_INVOCATION, 4, 6, SESS_JOINED, WAMP_ROLE_CALLEE,
	    reg_invocation },
	{ WAMP_INTERRUPT,  3, 3, SESS_JOINED, WAMP_ROLE_CALLEE,
	    reg_interrupt },
	{ WAMP_UNSUBSCRIBED, 3, 3, SESS_JOINED, WAMP_ROLE_SUBSCRIBER,
	    on_revoked },
	{ WAMP_UNREGISTERED, 3, 3, SESS_JOINED, WAMP_ROLE_CALLEE,
	    on_revoked },
};
#define NTABLE	(sizeof(table) / sizeof(table[0]))

/* -- elements ----------------------------------------------------------- */

int
val_id(const struct val *v, uint64_t *id)
{
	if (v->type != VAL_UINT || v->u.u == 0 || v->u.u > WAMP_ID_MAX)
		return (-1);
	*id = v->u.u;
	return (0);
}

int
val_get_uri(const struct val *v, char *buf, size_t size)
{
	const uint8_t	*p;
	uint8_t		 tmp[URI_MAXLEN];
	struct uri	 uri;
	size_t		 len;

	if (v->type != VAL_STR ||
	    (p = val_str(v, tmp, sizeof(tmp), &len)) == NULL ||
	    len >= size || len > URI_MAXLEN)
		return (-1);
	uri.p = (const char *)p;
	uri.len = (uint16_t)len;
	if (!uri_is_valid(&uri, URI_LOOSE))
		return (-1);
	memcpy(buf, p, len);
	buf[len] = '\0';
	return (0);
}

int
val_member(const struct val *dict, const char *name, struct val *out)
{
	struct val_iter	it;
	struct val	key;

	val_iter_init(&it, dict);
	while (val_map_next(&it, &key, out))
		if (key.type == VAL_STR && val_is(&key, name, strlen(name)))
			return (1);
	return (0);
}

static int
is_dict(const struct val *v)
{
	return (v->type == VAL_MAP && val_map_check(v) == 0);
}

/* Arguments and ArgumentsKw from element "at" on, as far as they are there. */
static int
is_payload(const struct val *v, size_t n, size_t at)
{
	if (n > at && v[at].type != VAL_ARRAY)
		return (0);
	if (n > at + 1 && v[at + 1].type != VAL_MAP)
		return (0);
	return (1);
}

/* -- sending ------------------------------------------------------------ */

void
session_begin(struct client *c, struct enc *e, unsigned int code, uint32_t n)
{
	wbuf_reset(&c->s.msg);
	enc_init(e, c->o.ser, &c->s.msg);
	enc_array(e, n);
	enc_uint(e, code);
}

/* -1: longer than the router takes; nothing was sent. */
int
session_send(struct client *c, struct enc *e)
{
	enc_end(e);
	if (e->w->failed) {
		client_fail(c, ST_CONNECT, "out of memory");
		return (0);
	}
	if (e->w->len > transport_max(c))
		return (-1);
	transport_send(c, e->w->buf, e->w->len);
	return (0);
}

uint64_t
session_request(struct client *c, unsigned int code, const char *uri,
    const struct payload *pl)
{
	struct enc	e;
	uint32_t	n = pl == NULL ? 0 : payload_count(pl);
	uint64_t	id = ++c->s.request;

	session_begin(c, &e, code, 4 + n);
	enc_uint(&e, id);
	if (payload_encode_kwargs(&c->o.msgopts, &e) == -1) {
		client_fail(c, ST_USAGE, "-o: cannot be said in %s",
		    ser_name(c->o.ser));
		return (id);
	}
	enc_str(&e, uri, strlen(uri));
	if (n > 0 && payload_encode(pl, &e) == -1) {
		client_fail(c, ST_USAGE, "the arguments cannot be said in %s",
		    ser_name(c->o.ser));
		return (id);
	}
	if (session_send(c, &e) == -1)
		client_fail(c, ST_REFUSED, "refused: the router takes "
		    "messages of %zu octets, this one has %zu",
		    transport_max(c), c->s.msg.len);
	return (id);
}

void
session_reason(struct client *c, unsigned int code, const char *uri,
    const char *message)
{
	struct enc	e;

	session_begin(c, &e, code, 3);
	enc_map(&e, message == NULL ? 0 : 1);
	if (message != NULL) {
		ENC_KEY(&e, "message");
		enc_str(&e, message, strlen(message));
	}
	enc_end(&e);
	enc_str(&e, uri, strlen(uri));
	(void)session_send(c, &e);
}

/* WAMP, Feature Announcement: {role: {"features": {name: true...}}} */
static void
encode_roles(const struct verb *verb, struct enc *e)
{
	const char *const	*f;
	uint32_t		 n = 0;

	for (f = verb->features; *f != NULL; f++)
		n++;
	enc_map(e, 1);
	enc_str(e, verb->rolename, strlen(verb->rolename));
	enc_map(e, 1);
	ENC_KEY(e, "features");
	enc_map(e, n);
	for (f = verb->features; *f != NULL; f++) {
		enc_str(e, *f, strlen(*f));
		enc_bool(e, 1);
	}
	enc_end(e);
	enc_end(e);
	enc_end(e);
}

void
session_open(struct client *c)
{
	struct enc	e;

	c->s.state = SESS_HELLO;
	session_begin(c, &e, WAMP_HELLO, 3);
	enc_str(&e, c->o.realm, strlen(c->o.realm));
	enc_map(&e, 2 + login_count(c));
	ENC_KEY(&e, "agent");
	enc_str(&e, "wampc", 5);
	ENC_KEY(&e, "roles");
	encode_roles(c->verb, &e);
	login_hello(c, &e);
	enc_end(&e);
	(void)session_send(c, &e);
}

static void
leave_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct client	*c = arg;

	(void)fd;
	(void)what;
	client_finish(c, c->status);
}

void
session_leave(struct client *c, enum status status)
{
	struct timeval	tv = { LEAVE_SECONDS, 0 };

	/* who is late already is not waited for twice */
	if (status == ST_TIMEOUT) {
		tv.tv_sec = 0;
		tv.tv_usec = 200000;
	}
	if (c->finished || c->s.state == SESS_LEAVING)
		return;
	c->status = status;
	if (c->s.state != SESS_JOINED) {
		client_finish(c, status);
		return;
	}
	session_reason(c, WAMP_GOODBYE, "wamp.close.close_realm", NULL);
	c->s.state = SESS_LEAVING;
	c->leave = evtimer_new(c->base, leave_timeout, c);
	if (c->leave == NULL || event_add(c->leave, &tv) == -1)
		client_finish(c, status);
}

/* -- receiving ---------------------------------------------------------- */

static void
violation(struct client *c, const char *why)
{
	char	text[200];

	snprintf(text, sizeof(text), "%s", why);
	session_reason(c, WAMP_ABORT, "wamp.error.protocol_violation", text);
	client_fail(c, ST_WAMP, "wamp.error.protocol_violation: the "
	    "router's message: %s", text);
}

static const char *
on_welcome(struct client *c, const struct val *v, size_t n)
{
	uint64_t	 id;
	const char	*why;

	(void)n;
	if (val_id(&v[1], &id) == -1 || !is_dict(&v[2]))
		return ("malformed WELCOME");
	if ((why = login_welcome(c, &v[2])) != NULL) {
		session_reason(c, WAMP_GOODBYE,
		    "wamp.error.authentication_failed", why);
		client_fail(c, ST_TRUST, "router not trusted: %s", why);
		return (NULL);
	}
	c->s.state = SESS_JOINED;
	c->verb->start(c);
	return (NULL);
}

static const char *
on_abort(struct client *c, const struct val *v, size_t n)
{
	char	uri[URI_MAXLEN + 1], why[1024];
	int	joining = c->s.state == SESS_HELLO;

	if (!is_dict(&v[1]) || val_get_uri(&v[2], uri, sizeof(uri)) == -1 ||
	    !is_payload(v, n, 3))
		return ("malformed ABORT");
	output_reason(why, sizeof(why), &v[1], v + 3, n - 3);
	/* ABORT is not answered */
	c->s.state = SESS_CLOSED;
	client_fail(c, joining ? ST_REFUSED : ST_WAMP, "%s%s", uri, why);
	return (NULL);
}

static const char *
on_challenge(struct client *c, const struct val *v, size_t n)
{
	(void)n;
	if (v[1].type != VAL_STR || !is_dict(&v[2]))
		return ("malformed CHALLENGE");
	return (login_challenge(c, &v[1], &v[2]));
}

/* A router that ends the session: answered, and an error for the caller. */
static const char *
on_goodbye(struct client *c, const struct val *v, size_t n)
{
	char	uri[URI_MAXLEN + 1], why[1024];

	if (!is_dict(&v[1]) || val_get_uri(&v[2], uri, sizeof(uri)) == -1 ||
	    !is_payload(v, n, 3))
		return ("malformed GOODBYE");
	output_reason(why, sizeof(why), &v[1], v + 3, n - 3);
	session_reason(c, WAMP_GOODBYE, "wamp.close.goodbye_and_out", NULL);
	client_fail(c, ST_WAMP, "%s%s", uri, why);
	return (NULL);
}

/* Is it the answer to a request of ours? */
static int
is_request(struct client *c, uint64_t type, uint64_t request)
{
	switch (type) {
	case WAMP_PUBLISH:
		return (pub_is_waiting(c, request));
	case WAMP_SUBSCRIBE:
		return (request == c->sub.request && c->sub.id == 0);
	case WAMP_CALL:
		return (request == c->call.request);
	case WAMP_REGISTER:
		return (request == c->reg.request && c->reg.id == 0);
	default:
		return (0);
	}
}

static const char *
on_error(struct client *c, const struct val *v, size_t n)
{
	char		uri[URI_MAXLEN + 1], why[1024];
	uint64_t	request;

	if (v[1].type != VAL_UINT || val_id(&v[2], &request) == -1 ||
	    !is_dict(&v[3]) || val_get_uri(&v[4], uri, sizeof(uri)) == -1 ||
	    !is_payload(v, n, 5))
		return ("malformed ERROR");
	if (!is_request(c, v[1].u.u, request))
		return ("ERROR for no request of ours");
	output_reason(why, sizeof(why), &v[3], v + 5, n - 5);
	log_warnx("%s%s", uri, why);
	session_leave(c, ST_WAMP);
	return (NULL);
}

/* WAMP, Subscription Revocation and Registration Revocation */
static const char *
on_revoked(struct client *c, const struct val *v, size_t n)
{
	const char	*what = "subscription";
	char		 why[1024] = "";
	struct val	 member;
	uint64_t	 ours = c->sub.id, id;

	(void)n;
	if (v[0].u.u == WAMP_UNREGISTERED) {
		what = "registration";
		ours = c->reg.id;
	}
	if (v[1].type != VAL_UINT || v[1].u.u != 0 || !is_dict(&v[2]) ||
	    !val_member(&v[2], what, &member) || val_id(&member, &id) == -1)
		return ("malformed revocation");
	if (id != ours)
		return ("revocation of nothing of ours");
	if (val_member(&v[2], "reason", &member) && member.type == VAL_STR)
		output_text(why, sizeof(why), &member);
	log_warnx("the router revoked the %s%s", what, why);
	session_leave(c, ST_WAMP);
	return (NULL);
}

/* WAMP, Session Closing: only the answer to GOODBYE counts now. */
static void
leaving(struct client *c, const struct val *v)
{
	if (v->type == VAL_UINT &&
	    (v->u.u == WAMP_GOODBYE || v->u.u == WAMP_ABORT))
		client_finish(c, c->status);
}

static size_t
payload_at(unsigned int code)
{
	switch (code) {
	case WAMP_EVENT:
	case WAMP_INVOCATION:
		return (4);
	case WAMP_RESULT:
		return (3);
	default:
		return (MSG_MAX);
	}
}

void
session_message(struct client *c, const uint8_t *p, size_t len)
{
	struct val	 v[MSG_MAX];
	const char	*why = NULL;
	enum codec_err	 err;
	size_t		 i, n;

	err = codec_split(c->o.ser, p, len, v, MSG_MAX, &n);
	if (c->s.state == SESS_LEAVING) {
		if (err == CODEC_OK && n > 0)
			leaving(c, v);
		return;
	}
	if (err != CODEC_OK) {
		violation(c, codec_strerror(err));
		return;
	}
	if (n == 0 || v[0].type != VAL_UINT) {
		violation(c, "no message code");
		return;
	}
	for (i = 0; i < NTABLE; i++)
		if (v[0].u.u == table[i].code &&
		    c->s.state == table[i].state &&
		    (table[i].role == 0 || table[i].role == c->verb->role))
			break;
	if (i == NTABLE)
		why = "not to be sent to this client now";
	else if (n < table[i].min || n > table[i].max)
		why = "wrong number of elements";
	else if (!is_payload(v, n, payload_at(table[i].code)))
		why = "malformed arguments";
	else
		why = table[i].fn(c, v, n);
	if (why != NULL && !c->finished)
		violation(c, why);
}
