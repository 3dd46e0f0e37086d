/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Messages of clients: checked as the table says, then turned into the imsg
 * that keeper or broker understands.  Payloads are passed on as they are.
 */
#include <sys/uio.h>

#include <stdarg.h>
#include <string.h>

#include "chan.h"
#include "tlsproxy.h"
#include "uri.h"

#define MSG_MAXELEMS	8	/* ERROR has 7 */

/* In which states of a session a message may come. */
#define IN_NONE		0x01	/* before HELLO, after GOODBYE */
#define IN_AUTH		0x02
#define IN_JOINED	0x04
#define IN_LEAVING	0x08

#define VIOLATION	WERR_PROTOCOL_VIOLATION

/* A message under way: who sent it, and its elements. */
struct in {
	struct conn		*c;
	struct psess		*s;
	const struct msg_rule	*rule;
	struct val		 v[MSG_MAXELEMS];
	size_t			 n;
	uint64_t		 request;
	uint8_t			 scratch[URI_MAXLEN + 1];
};

struct msg_rule {
	uint8_t		 code;		/* enum wamp_code */
	uint8_t		 min, max;	/* elements */
	uint8_t		 states;	/* IN_* */
	uint8_t		 is_request;	/* [1] is a new request id */
	uint8_t		 dict;		/* element that is Options or
					 * Details, 0: none */
	uint8_t		 uri;		/* element that is a string */
	uint8_t		 args;		/* first of Arguments, 0: none */
	void		(*handler)(struct in *);
};

static void	in_hello(struct in *);
static void	in_abort(struct in *);
static void	in_authenticate(struct in *);
static void	in_goodbye(struct in *);
static void	in_error(struct in *);
static void	in_publish(struct in *);
static void	in_subscribe(struct in *);
static void	in_unsubscribe(struct in *);
static void	in_call(struct in *);
static void	in_cancel(struct in *);
static void	in_register(struct in *);
static void	in_unregister(struct in *);
static void	in_yield(struct in *);

/* WAMP, Message Codes and Direction: what a client may send to a router. */
static const struct msg_rule rules[] = {
	{ WAMP_PUBLISH, 4, 6, IN_JOINED, 1, 2, 3, 4, in_publish },
	{ WAMP_CALL, 4, 6, IN_JOINED, 1, 2, 3, 4, in_call },
	{ WAMP_YIELD, 3, 5, IN_JOINED, 0, 2, 0, 3, in_yield },
	{ WAMP_ERROR, 5, 7, IN_JOINED, 0, 3, 4, 5, in_error },
	{ WAMP_SUBSCRIBE, 4, 4, IN_JOINED, 1, 2, 3, 0, in_subscribe },
	{ WAMP_UNSUBSCRIBE, 3, 3, IN_JOINED, 1, 0, 0, 0, in_unsubscribe },
	{ WAMP_REGISTER, 4, 4, IN_JOINED, 1, 2, 3, 0, in_register },
	{ WAMP_UNREGISTER, 3, 3, IN_JOINED, 1, 0, 0, 0, in_unregister },
	{ WAMP_CANCEL, 3, 3, IN_JOINED, 0, 2, 0, 0, in_cancel },
	{ WAMP_HELLO, 3, 3, IN_NONE, 0, 2, 1, 0, in_hello },
	{ WAMP_AUTHENTICATE, 3, 3, IN_AUTH, 0, 2, 1, 0, in_authenticate },
	{ WAMP_GOODBYE, 3, 3, IN_JOINED | IN_LEAVING, 0, 1, 2, 0,
	    in_goodbye },
	{ WAMP_ABORT, 3, 5, IN_NONE | IN_AUTH | IN_JOINED | IN_LEAVING, 0, 1,
	    2, 3, in_abort },
};

/* -- pieces ------------------------------------------------------------- */

static int
is_id(const struct val *v)
{
	return (v->type == VAL_UINT && v->u.u >= 1 && v->u.u <= WAMP_ID_MAX);
}

/* A string as a URI: 0, or -1 when it is longer than any URI may be. */
static int
in_uri(struct in *in, const struct val *v, struct uri *uri)
{
	const uint8_t	*p;
	size_t		 len;

	p = val_str(v, in->scratch, URI_MAXLEN, &len);
	if (p == NULL || len > URI_MAXLEN)
		return (-1);
	uri->p = (const char *)p;
	uri->len = (uint16_t)len;
	return (0);
}

static void
refuse(struct in *in, enum wamp_err err, const char *text)
{
	out_error(in->c, in->rule->code, in->request, err, text,
	    strlen(text));
}

/* Arguments and ArgumentsKw as one span (see msgtypes.h). */
static size_t
in_payload(const struct in *in, const uint8_t **p, uint8_t *nargs)
{
	const struct val	*first, *last;

	*nargs = (uint8_t)(in->n - in->rule->args);
	if (*nargs == 0) {
		*p = NULL;
		return (0);
	}
	first = &in->v[in->rule->args];
	last = &in->v[in->n - 1];
	*p = first->p;
	return ((size_t)(last->p + last->len - first->p));
}

static void
set_iov(struct iovec *iov, const void *data, size_t len)
{
	union {
		const void	*c;
		void		*p;
	} u = { .c = data };

	iov->iov_base = u.p;
	iov->iov_len = len;
}

/* To the session's broker: struct, text, payload. */
static void
to_broker(struct in *in, uint32_t type, const void *m, size_t len,
    const void *text, size_t textlen, const void *pay, size_t paylen)
{
	struct iovec	iov[3];

	set_iov(&iov[0], m, len);
	set_iov(&iov[1], text, textlen);
	set_iov(&iov[2], pay, paylen);
	chan_sendv(in->s->broker->chan, type, in->s->slot, in->s->gen, iov, 3);
}

/* -- options ------------------------------------------------------------ */

/* The boolean "key" of a dict: *set keeps its value where there is none.
 * Known keys with a wrong type are violations (notes: T15): -1. */
static int
opt_bool(struct in *in, const struct val *dict, const char *key, int *set)
{
	struct val_iter	it;
	struct val	k, v;

	val_iter_init(&it, dict);
	while (val_map_next(&it, &k, &v)) {
		if (!val_is(&k, key, strlen(key)) || val_is_absent(&v))
			continue;
		if (v.type != VAL_BOOL) {
			session_abort(in->c, VIOLATION,
			    "option %s must be a boolean", key);
			return (-1);
		}
		*set = v.u.b;
	}
	return (0);
}

/* Options with one string out of a list: its index in *set; -1 after an
 * ABORT, -2 for a string that is not in the list. */
static int
opt_word(struct in *in, const struct val *dict, const char *key,
    const char *const *words, int n, int *set)
{
	struct val_iter	it;
	struct val	k, v;
	int		i, found = 0;

	val_iter_init(&it, dict);
	while (val_map_next(&it, &k, &v)) {
		if (!val_is(&k, key, strlen(key)) || val_is_absent(&v))
			continue;
		if (v.type != VAL_STR) {
			session_abort(in->c, VIOLATION,
			    "option %s must be a string", key);
			return (-1);
		}
		for (i = 0; i < n; i++)
			if (val_is(&v, words[i], strlen(words[i])))
				break;
		*set = i;
		found = i < n ? 0 : -2;
	}
	return (found);
}

static const char *const match_words[] = { "exact", "prefix", "wildcard" };
static const char *const invoke_words[] = { "single", "first", "last",
    "roundrobin", "random" };

/* -- opening and closing ------------------------------------------------ */

/* The realm, or NULL after an ABORT (WAMP, Session Establishment). */
static const struct conf_realm *
hello_realm(struct in *in)
{
	const struct conf_realm	*r;
	struct uri		 uri = { "", 0 };

	if (in_uri(in, &in->v[1], &uri) == -1 ||
	    !uri_is_valid(&uri, URI_LOOSE)) {
		session_refuse(in->c, &uri, WERR_INVALID_URI,
		    "the realm is not a valid URI");
		return (NULL);
	}
	if ((r = conf_find_realm(in->c->p->conf, uri.p, uri.len)) == NULL)
		session_refuse(in->c, &uri, WERR_NO_SUCH_REALM,
		    "no such realm");
	return (r);
}

static void
in_hello(struct in *in)
{
	const struct conf_realm	*r;
	const char		*why;
	struct hello		 h;

	in->c->said_goodbye = 0;
	if ((r = hello_realm(in)) == NULL)
		return;
	hello_init(&h);
	if ((why = hello_read(&h, &in->v[2])) != NULL)
		session_abort(in->c, VIOLATION, "%s", why);
	else
		session_hello(in->c, r, &h);
	hello_free(&h);
}

static void
in_abort(struct in *in)
{
	struct uri	uri = { "", 0 };

	in_uri(in, &in->v[2], &uri);
	session_on_client_abort(in->c, uri.p, uri.len);
}

static void
in_authenticate(struct in *in)
{
	const char		*why;
	struct response		 r;

	/* notes: T91; also a second one before the verdict */
	if (!in->s->is_challenged) {
		session_abort(in->c, VIOLATION,
		    "AUTHENTICATE without CHALLENGE");
		return;
	}
	if ((why = response_read(&r, &in->v[1], &in->v[2])) != NULL)
		session_abort(in->c, VIOLATION, "%s", why);
	else
		session_authenticate(in->s, &r);
	explicit_bzero(&r, sizeof(r));
}

static void
in_goodbye(struct in *in)
{
	struct uri	uri = { "", 0 };

	if (in->c->is_leaving) {
		conn_close_code(in->c, WS_NORMAL, NULL);
		return;
	}
	in_uri(in, &in->v[2], &uri);
	session_on_client_goodbye(in->c, uri.p, uri.len);
}

/* -- Publish and Subscribe ---------------------------------------------- */

static void
in_publish(struct in *in)
{
	struct m_publish	 m;
	struct uri		 uri;
	const uint8_t		*pay;
	size_t			 paylen;
	int			 ack = 0, exclude_me = 1;

	if (opt_bool(in, &in->v[2], "acknowledge", &ack) == -1 ||
	    opt_bool(in, &in->v[2], "exclude_me", &exclude_me) == -1)
		return;
	memset(&m, 0, sizeof(m));
	if (in_uri(in, &in->v[3], &uri) == -1) {
		/* not acknowledged: never answered (notes: T36) */
		if (ack)
			refuse(in, WERR_INVALID_URI, "topic is too long");
		return;
	}
	paylen = in_payload(in, &pay, &m.nargs);
	m.request = in->request;
	m.flags = (ack ? PUBLISH_ACK : 0U) |
	    (exclude_me ? 0U : PUBLISH_INCLUDE_ME);
	m.paylen = (uint32_t)paylen;
	m.urilen = uri.len;
	m.ser = in->c->ser;
	to_broker(in, IMSG_PUBLISH, &m, sizeof(m), uri.p, uri.len, pay,
	    paylen);
}

static void
in_subscribe(struct in *in)
{
	struct m_subscribe	m;
	struct uri		uri;
	int			match = MATCH_EXACT, rv;

	rv = opt_word(in, &in->v[2], "match", match_words, MATCH_MAX, &match);
	if (rv == -1)
		return;
	if (rv == -2) {
		refuse(in, WERR_INVALID_ARGUMENT, "unknown matching policy");
		return;
	}
	if (in_uri(in, &in->v[3], &uri) == -1) {
		refuse(in, WERR_INVALID_URI, "topic is too long");
		return;
	}
	memset(&m, 0, sizeof(m));
	m.request = in->request;
	m.match = (uint8_t)match;
	m.urilen = uri.len;
	to_broker(in, IMSG_SUBSCRIBE, &m, sizeof(m), uri.p, uri.len, NULL, 0);
}

static void
in_unsubscribe(struct in *in)
{
	struct m_unsubscribe	m;

	if (!is_id(&in->v[2])) {
		session_abort(in->c, VIOLATION, "subscription is not an id");
		return;
	}
	memset(&m, 0, sizeof(m));
	m.request = in->request;
	m.subscription = in->v[2].u.u;
	to_broker(in, IMSG_UNSUBSCRIBE, &m, sizeof(m), NULL, 0, NULL, 0);
}

/* -- Remote Procedure Calls --------------------------------------------- */

static void
in_register(struct in *in)
{
	struct m_register	m;
	struct uri		uri;
	int			match = MATCH_EXACT, invoke = 0, rm, ri;

	rm = opt_word(in, &in->v[2], "match", match_words, MATCH_MAX, &match);
	if (rm == -1)
		return;
	ri = opt_word(in, &in->v[2], "invoke", invoke_words,
	    (int)(sizeof(invoke_words) / sizeof(invoke_words[0])), &invoke);
	if (ri == -1)
		return;
	if (rm == -2 || ri == -2) {
		refuse(in, WERR_INVALID_ARGUMENT, rm == -2 ?
		    "unknown matching policy" : "unknown invocation policy");
		return;
	}
	if (in_uri(in, &in->v[3], &uri) == -1) {
		refuse(in, WERR_INVALID_URI, "procedure is too long");
		return;
	}
	memset(&m, 0, sizeof(m));
	m.request = in->request;
	m.match = (uint8_t)match;
	m.invoke = (uint8_t)invoke;
	m.urilen = uri.len;
	to_broker(in, IMSG_REGISTER, &m, sizeof(m), uri.p, uri.len, NULL, 0);
}

static void
in_unregister(struct in *in)
{
	struct m_unregister	m;

	if (!is_id(&in->v[2])) {
		session_abort(in->c, VIOLATION, "registration is not an id");
		return;
	}
	memset(&m, 0, sizeof(m));
	m.request = in->request;
	m.registration = in->v[2].u.u;
	to_broker(in, IMSG_UNREGISTER, &m, sizeof(m), NULL, 0, NULL, 0);
}

static void
in_call(struct in *in)
{
	struct m_call		 m;
	struct uri		 uri;
	const uint8_t		*pay;
	size_t			 paylen;

	if (in_uri(in, &in->v[3], &uri) == -1) {
		refuse(in, WERR_INVALID_URI, "procedure is too long");
		return;
	}
	memset(&m, 0, sizeof(m));
	paylen = in_payload(in, &pay, &m.nargs);
	m.request = in->request;
	m.paylen = (uint32_t)paylen;
	m.urilen = uri.len;
	m.ser = in->c->ser;
	to_broker(in, IMSG_CALL, &m, sizeof(m), uri.p, uri.len, pay, paylen);
}

/* Call canceling is not announced, yet some clients send it whenever a
 * caller loses patience: the call goes on, as if it came too late. */
static void
in_cancel(struct in *in)
{
	if (!is_id(&in->v[1]))
		session_abort(in->c, VIOLATION, "CANCEL of what is no id");
}

/*
 * The payload of what answers an invocation, as it is; in MessagePack if the
 * broker itself called, since it reads no other.  Where that cannot be, the
 * broker is told by the serializer.
 */
static size_t
in_answer(struct in *in, uint64_t invocation, const uint8_t **pay,
    uint8_t *nargs, uint8_t *ser)
{
	struct wbuf	*w = &proxy->tmp;
	enum codec_err	 err = CODEC_OK;
	size_t		 i, len;

	len = in_payload(in, pay, nargs);
	*ser = in->c->ser;
	if (!invocation_answered(in->s, invocation))
		return (len);
	wbuf_reset(w);
	for (i = in->rule->args; i < in->n && err == CODEC_OK; i++)
		err = codec_convert(&in->v[i], SER_MSGPACK, w);
	if (err != CODEC_OK)
		return (len);
	*pay = w->buf;
	*ser = SER_MSGPACK;
	return (w->len);
}

static void
in_yield(struct in *in)
{
	struct m_yield	 m;
	const uint8_t	*pay;
	size_t		 paylen;

	if (!is_id(&in->v[1])) {
		session_abort(in->c, VIOLATION, "invocation is not an id");
		return;
	}
	memset(&m, 0, sizeof(m));
	m.request = invocation_meant(in->s, in->v[1].u.u);
	paylen = in_answer(in, m.request, &pay, &m.nargs, &m.ser);
	m.paylen = (uint32_t)paylen;
	to_broker(in, IMSG_YIELD, &m, sizeof(m), NULL, 0, pay, paylen);
}

static void
in_error(struct in *in)
{
	struct m_error	 m;
	struct uri	 uri;
	const uint8_t	*pay;
	size_t		 paylen;

	/* notes: T19 */
	if (in->v[1].type != VAL_UINT || in->v[1].u.u != WAMP_INVOCATION ||
	    !is_id(&in->v[2])) {
		session_abort(in->c, VIOLATION,
		    "ERROR is not of an INVOCATION");
		return;
	}
	if (in_uri(in, &in->v[4], &uri) == -1) {
		/* no URI for the broker either, which tells the caller */
		uri.p = "";
		uri.len = 0;
	}
	memset(&m, 0, sizeof(m));
	m.request = invocation_meant(in->s, in->v[2].u.u);
	paylen = in_answer(in, m.request, &pay, &m.nargs, &m.ser);
	m.paylen = (uint32_t)paylen;
	m.urilen = uri.len;
	to_broker(in, IMSG_ERROR, &m, sizeof(m), uri.p, uri.len, pay, paylen);
}

/* -- checks that all messages share ------------------------------------- */

static const struct msg_rule *
find_rule(uint64_t code)
{
	size_t	i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].code == code)
			return (&rules[i]);
	return (NULL);
}

static uint8_t
in_state(const struct conn *c)
{
	if (c->is_leaving)
		return (IN_LEAVING);
	if (c->sess == NULL)
		return (IN_NONE);
	return (c->sess->state == SESS_JOINED ? IN_JOINED : IN_AUTH);
}

/* WAMP, IDs: 1, 2, 3... in one sequence (notes: T23). */
static int
check_request(struct in *in)
{
	struct psess	*s = in->s;
	uint64_t	 next = s->last_request == WAMP_ID_MAX ? 1 :
			    s->last_request + 1;

	if (!is_id(&in->v[1])) {
		session_abort(in->c, VIOLATION, "%s: request is not an id",
		    wamp_code_name(in->rule->code));
		return (-1);
	}
	in->request = in->v[1].u.u;
	if (!s->loose_ids && in->request != next) {
		session_abort(in->c, VIOLATION,
		    "%s: request id %llu where %llu was due",
		    wamp_code_name(in->rule->code),
		    (unsigned long long)in->request,
		    (unsigned long long)next);
		return (-1);
	}
	s->last_request = in->request;
	return (0);
}

/* Element types as WAMP, Message Definitions has them. */
static int
check_elements(struct in *in)
{
	const struct msg_rule	*r = in->rule;
	const char		*bad = NULL;

	if (in->n < r->min || in->n > r->max)
		bad = "wrong number of elements";
	else if (r->dict != 0 && in->v[r->dict].type != VAL_MAP)
		bad = "Options or Details is not a dict";
	else if (r->dict != 0 && val_map_check(&in->v[r->dict]) == -1)
		bad = "keys of Options or Details are no strings, or twice";
	else if (r->uri != 0 && in->v[r->uri].type != VAL_STR)
		bad = "a URI is not a string";
	else if (r->args != 0 && in->n > r->args &&
	    in->v[r->args].type != VAL_ARRAY)
		bad = "Arguments is not a list";
	else if (r->args != 0 && in->n > (size_t)r->args + 1 &&
	    in->v[r->args + 1].type != VAL_MAP)
		bad = "ArgumentsKw is not a dict";
	if (bad == NULL)
		return (0);
	session_abort(in->c, VIOLATION, "%s: %s", wamp_code_name(r->code),
	    bad);
	return (-1);
}

static int
check_code(struct in *in)
{
	const struct val	*v = &in->v[0];
	const char		*name;
	uint8_t			 state;

	if (in->n == 0 || v->type != VAL_UINT) {
		session_abort(in->c, VIOLATION,
		    "a message begins with its type");
		return (-1);
	}
	state = in_state(in->c);
	if ((in->rule = find_rule(v->u.u)) == NULL) {
		name = v->u.u <= UINT8_MAX ?
		    wamp_code_name((unsigned int)v->u.u) : NULL;
		session_abort(in->c, VIOLATION, name != NULL ?
		    "%s is not for clients to send" :
		    "unknown message type", name);
		return (-1);
	}
	if (in->rule->states & state)
		return (0);
	if (state == IN_LEAVING)
		return (-1);	/* WAMP, Session Closing: ignored */
	session_abort(in->c, VIOLATION, "%s out of turn",
	    wamp_code_name(in->rule->code));
	return (-1);
}

void
wamp_input(struct conn *c, const uint8_t *msg, size_t len)
{
	struct in	in;
	enum codec_err	err;

	in.c = c;
	in.s = c->sess;
	err = codec_split((enum ser)c->ser, msg, len, in.v, MSG_MAXELEMS,
	    &in.n);
	if (err != CODEC_OK) {
		if (!c->is_leaving)
			session_abort(c, VIOLATION, "message is not valid "
			    "%s: %s", ser_name(c->ser), codec_strerror(err));
		return;
	}
	if (check_code(&in) == -1)
		return;
	if (check_elements(&in) == -1)
		return;
	if (in.rule->is_request && check_request(&in) == -1)
		return;
	in.rule->handler(&in);
}
