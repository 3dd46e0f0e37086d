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
#include "options.h"
#include "pbuf.h"
#include "tlsproxy.h"
#include "uri.h"

#define MSG_MAXELEMS	8	/* ERROR has 7 */

/* In which states of a session a message may come. */
#define IN_NONE		0x01	/* before HELLO, after GOODBYE */
#define IN_AUTH		0x02
#define IN_JOINED	0x04
#define IN_LEAVING	0x08

#define VIOLATION	WERR_PROTOCOL_VIOLATION

/* A message under way: who sent it, its elements, and what of it goes to the
 * broker behind the struct. */
struct in {
	struct conn		*c;
	struct psess		*s;
	const struct msg_rule	*rule;
	struct val		 v[MSG_MAXELEMS];
	size_t			 n;
	uint64_t		 request;
	struct uri		 uri;
	const struct wbuf	*filter;	/* or NULL */
	size_t			 pptlen;
	const uint8_t		*pay;
	size_t			 paylen;
	struct pbuf		*pb;		/* which pay is part of, or
						 * NULL */
	uint8_t			 ser, nargs;	/* of the payload */
	uint8_t			 continues;	/* CALL: the id is not new */
	uint8_t			 is_asked;	/* an answer, as many as the
						 * calls of others */
	uint8_t			 scratch[URI_MAXLEN + 1];
	uint8_t			 ppt[PPT_MAXLEN];
};

struct msg_rule {
	uint8_t		 code;		/* enum wamp_code */
	uint8_t		 min, max;	/* elements */
	uint8_t		 states;	/* IN_* */
	uint8_t		 is_request;	/* [1] is a request id */
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
static void
in_payload(struct in *in)
{
	const struct val	*first, *last;

	in->ser = in->c->ser;
	in->nargs = (uint8_t)(in->n - in->rule->args);
	if (in->nargs == 0)
		return;
	first = &in->v[in->rule->args];
	last = &in->v[in->n - 1];
	in->pay = first->p;
	in->paylen = (size_t)(last->p + last->len - first->p);
}

/* The same for a broker that is to read it: in MessagePack.  Where that
 * cannot be, it is told by the serializer. */
static void
in_payload_msgpack(struct in *in)
{
	struct wbuf	*w = &proxy->tmp;
	enum codec_err	 err = CODEC_OK;
	size_t		 i;

	if (in->ser == SER_MSGPACK)
		return;
	wbuf_reset(w);
	for (i = in->rule->args; i < in->n && err == CODEC_OK; i++)
		err = codec_convert(&in->v[i], SER_MSGPACK, w);
	/* no more than fits into an imsg */
	if (err != CODEC_OK || w->len > proxy->conf->limits.message)
		return;
	in->ser = SER_MSGPACK;
	in->pb = NULL;
	in->pay = w->buf;
	in->paylen = w->len;
}

/* To the session's broker: the struct and what is behind it. */
static void
to_broker(struct in *in, uint32_t type, const void *m, size_t len)
{
	struct chan	*ch = in->s->broker->chan;
	struct iovec	 iov[5];
	uint32_t	 units = 1 + (uint32_t)(in->paylen / 1024);
	int		 n = 0;

	in->c->talks |= in->rule->args != 0;
	if (in->is_asked)
		in->s->broker->said += units;
	else
		in->c->said += units;
	iov_set(&iov[n++], m, len);
	iov_set(&iov[n++], in->uri.p, in->uri.len);
	if (in->filter != NULL)
		iov_set(&iov[n++], in->filter->buf, in->filter->len);
	if (in->pptlen > 0)
		iov_set(&iov[n++], in->ppt, in->pptlen);
	/* a short one does not keep what was allotted to a long one */
	if (in->pb != NULL && in->paylen >= OBUF_COPY &&
	    in->paylen >= in->pb->size / 2 && pbuf_count(in->pb) == 0) {
		chan_sendv_pbuf(ch, type, in->s->slot, in->s->gen, iov, n,
		    in->pb, (size_t)(in->pay - in->pb->data), in->paylen);
		return;
	}
	iov_set(&iov[n++], in->pay, in->paylen);
	chan_sendv(ch, type, in->s->slot, in->s->gen, iov, n);
}

/* -- Payload Passthru Mode ---------------------------------------------- */

/* One item in Arguments and nothing in ArgumentsKw. */
static int
is_one_item(const struct in *in)
{
	const struct val	*args = &in->v[in->rule->args];

	return (in->nargs > 0 && val_count(args) == 1 &&
	    (in->nargs == 1 || val_count(args + 1) == 0));
}

/*
 * WAMP, Payload Passthru Mode: a role that did not announce it must not use
 * it (-1, after an ABORT).  What else is not right is said in o->wrong.
 */
static int
in_ppt(struct in *in, struct options *o, uint32_t feature)
{
	if (o->ppts == 0 || !options_has_ppt(o))
		return (0);
	if ((in->s->features & feature) == 0) {
		session_abort(in->c, VIOLATION, "%s with ppt_scheme, but "
		    "payload_passthru_mode was not announced",
		    wamp_code_name(in->rule->code));
		return (-1);
	}
	if ((in->pptlen = options_ppt(o, in->ppt)) == 0)
		o->wrong = "ppt attributes are too long";
	else if (in->rule->code != WAMP_ERROR && !is_one_item(in))
		o->wrong = "ppt_scheme is for a single item in Arguments";
	return (0);
}

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

/* Who may receive it and how it is protected: 0, or -1 when the client is no
 * more. */
static int
in_publish_options(struct in *in, struct options *o)
{
	if (options_read(in->c, publish_options, &in->v[2], o) == -1 ||
	    in_ppt(in, o, FEAT_PUBLISHER_PPT) == -1)
		return (-1);
	if (o->lists == 0)
		return (0);
	options_filter(o, &proxy->filter);
	if (proxy->filter.failed) {
		conn_kill(in->c, "out of memory");
		return (-1);
	}
	in->filter = &proxy->filter;
	return (0);
}

static void
in_publish(struct in *in)
{
	struct m_publish	m;
	struct options		o;
	enum wamp_err		err = WERR_NONE;

	in_payload(in);
	if (in_publish_options(in, &o) == -1)
		return;
	if (o.wrong != NULL)
		err = WERR_INVALID_ARGUMENT;
	else if (in_uri(in, &in->v[3], &in->uri) == -1) {
		err = WERR_INVALID_URI;
		o.wrong = "topic is too long";
	}
	if (err != WERR_NONE) {
		/* not acknowledged: never answered (notes: T36) */
		if (o.flags & PUBLISH_ACK)
			refuse(in, err, o.wrong);
		return;
	}
	memset(&m, 0, sizeof(m));
	m.request = in->request;
	m.flags = o.flags;
	m.paylen = (uint32_t)in->paylen;
	m.urilen = in->uri.len;
	m.ser = in->ser;
	m.nargs = in->nargs;
	m.filterlen = in->filter != NULL ? (uint32_t)in->filter->len : 0;
	m.pptlen = (uint16_t)in->pptlen;
	to_broker(in, IMSG_PUBLISH, &m, sizeof(m));
}

static void
in_subscribe(struct in *in)
{
	struct m_subscribe	m;
	struct options		o;

	if (options_read(in->c, subscribe_options, &in->v[2], &o) == -1)
		return;
	if (o.wrong != NULL) {
		refuse(in, WERR_INVALID_ARGUMENT, o.wrong);
		return;
	}
	if (in_uri(in, &in->v[3], &in->uri) == -1) {
		refuse(in, WERR_INVALID_URI, "topic is too long");
		return;
	}
	memset(&m, 0, sizeof(m));
	m.request = in->request;
	m.match = o.match;
	m.flags = (uint8_t)o.flags;
	m.urilen = in->uri.len;
	to_broker(in, IMSG_SUBSCRIBE, &m, sizeof(m));
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
	to_broker(in, IMSG_UNSUBSCRIBE, &m, sizeof(m));
}

/* -- Remote Procedure Calls --------------------------------------------- */

static void
in_register(struct in *in)
{
	struct m_register	m;
	struct options		o;

	if (options_read(in->c, register_options, &in->v[2], &o) == -1)
		return;
	if (o.wrong != NULL) {
		refuse(in, WERR_INVALID_ARGUMENT, o.wrong);
		return;
	}
	if (in_uri(in, &in->v[3], &in->uri) == -1) {
		refuse(in, WERR_INVALID_URI, "procedure is too long");
		return;
	}
	memset(&m, 0, sizeof(m));
	m.request = in->request;
	m.match = o.match;
	m.invoke = o.invoke;
	m.urilen = in->uri.len;
	m.concurrency = o.number;
	m.flags = o.flags;
	to_broker(in, IMSG_REGISTER, &m, sizeof(m));
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
	to_broker(in, IMSG_UNREGISTER, &m, sizeof(m));
}

/* Options of a CALL: 0, or -1 after an ABORT. */
static int
in_call_options(struct in *in, struct options *o)
{
	if (options_read(in->c, in->continues ? more_options : call_options,
	    &in->v[2], o) == -1 || in_ppt(in, o, FEAT_CALLER_PPT) == -1)
		return (-1);
	if ((in->s->features & FEAT_CALLER_PROGRESS_IN) == 0) {
		if ((o->flags & CALL_PROGRESS) == 0)
			return (0);
		session_abort(in->c, VIOLATION, "CALL with progress, but "
		    "progressive_call_invocations was not announced");
		return (-1);
	}
	if (in->continues)
		o->flags |= CALL_CONTINUES;
	else if (in->s->loose_ids)
		o->flags |= CALL_MAY_CONTINUE;
	return (0);
}

static void
in_call(struct in *in)
{
	struct m_call	m;
	struct options	o;

	in_payload(in);
	if (in_call_options(in, &o) == -1)
		return;
	if (o.wrong != NULL) {
		refuse(in, WERR_INVALID_ARGUMENT, o.wrong);
		return;
	}
	if (in_uri(in, &in->v[3], &in->uri) == -1) {
		refuse(in, WERR_INVALID_URI, "procedure is too long");
		return;
	}
	if (uri_is_reserved(&in->uri))
		in_payload_msgpack(in);	/* the router itself answers */
	memset(&m, 0, sizeof(m));
	m.request = in->request;
	m.flags = o.flags;
	m.paylen = (uint32_t)in->paylen;
	m.urilen = in->uri.len;
	m.ser = in->ser;
	m.nargs = in->nargs;
	m.timeout = o.number;
	m.pptlen = (uint16_t)in->pptlen;
	to_broker(in, IMSG_CALL, &m, sizeof(m));
}

static void
in_cancel(struct in *in)
{
	struct m_cancel	m;
	struct options	o;

	if (!is_id(&in->v[1])) {
		session_abort(in->c, VIOLATION, "CANCEL of what is no id");
		return;
	}
	if (options_read(in->c, cancel_options, &in->v[2], &o) == -1)
		return;
	/* of what was never called nothing is canceled (notes: T66); whether
	 * an id of before was a CALL's, the broker finds out */
	if (!in->s->loose_ids && in->v[1].u.u > in->s->last_request)
		return;
	memset(&m, 0, sizeof(m));
	m.request = in->v[1].u.u;
	m.mode = o.mode;
	to_broker(in, IMSG_CANCEL, &m, sizeof(m));
}

/* An answer that no caller can be given: the call ends with an error in its
 * place. */
static void
fail_answer(struct in *in, uint64_t invocation, enum wamp_err err)
{
	struct m_error	m;

	(void)invocation_answered(in->s, invocation);
	in->pptlen = 0;
	in->paylen = 0;
	in->uri.p = wamp_err_uri(err);
	in->uri.len = (uint16_t)strlen(in->uri.p);
	memset(&m, 0, sizeof(m));
	m.request = invocation;
	m.urilen = in->uri.len;
	m.ser = in->c->ser;
	to_broker(in, IMSG_ERROR, &m, sizeof(m));
}

static void
in_yield(struct in *in)
{
	struct m_yield	m;
	struct options	o;

	if (!is_id(&in->v[1])) {
		session_abort(in->c, VIOLATION, "invocation is not an id");
		return;
	}
	in_payload(in);
	if (options_read(in->c, yield_options, &in->v[2], &o) == -1 ||
	    in_ppt(in, &o, FEAT_CALLEE_PPT) == -1)
		return;
	memset(&m, 0, sizeof(m));
	m.request = invocation_meant(in->s, in->v[1].u.u);
	if (o.wrong != NULL) {
		fail_answer(in, m.request, WERR_INVALID_ARGUMENT);
		return;
	}
	if (invocation_answered(in->s, m.request))
		in_payload_msgpack(in);
	m.flags = o.flags;
	m.paylen = (uint32_t)in->paylen;
	m.ser = in->ser;
	m.nargs = in->nargs;
	m.pptlen = (uint16_t)in->pptlen;
	in->is_asked = (o.flags & YIELD_PROGRESS) == 0;
	to_broker(in, IMSG_YIELD, &m, sizeof(m));
}

static void
in_error(struct in *in)
{
	struct m_error	m;
	struct options	o;

	/* notes: T19 */
	if (in->v[1].type != VAL_UINT || in->v[1].u.u != WAMP_INVOCATION ||
	    !is_id(&in->v[2])) {
		session_abort(in->c, VIOLATION,
		    "ERROR is not of an INVOCATION");
		return;
	}
	in_payload(in);
	if (options_read(in->c, error_options, &in->v[3], &o) == -1 ||
	    in_ppt(in, &o, FEAT_CALLEE_PPT) == -1)
		return;
	memset(&m, 0, sizeof(m));
	m.request = invocation_meant(in->s, in->v[2].u.u);
	if (o.wrong != NULL) {
		fail_answer(in, m.request, WERR_INVALID_ARGUMENT);
		return;
	}
	/* too long: no URI for the broker either, which tells the caller */
	(void)in_uri(in, &in->v[4], &in->uri);
	if (invocation_answered(in->s, m.request))
		in_payload_msgpack(in);
	m.paylen = (uint32_t)in->paylen;
	m.urilen = in->uri.len;
	m.ser = in->ser;
	m.nargs = in->nargs;
	m.pptlen = (uint16_t)in->pptlen;
	in->is_asked = 1;
	to_broker(in, IMSG_ERROR, &m, sizeof(m));
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

/* A CALL whose id was used before: a further chunk of a call (WAMP,
 * Progressive Call Invocations), which only the broker can tell. */
static int
may_continue(const struct in *in)
{
	return (in->rule->code == WAMP_CALL &&
	    (in->s->features & FEAT_CALLER_PROGRESS_IN) != 0 &&
	    in->request <= in->s->last_request);
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
		if (may_continue(in)) {
			in->continues = 1;
			return (0);
		}
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
	else if (r->dict != 0 && in->v[r->dict].len > DICT_EMPTY &&
	    val_map_check(&in->v[r->dict]) == -1)
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

/* But for what is written before it is read. */
static void
in_init(struct in *in, struct conn *c)
{
	in->c = c;
	in->s = c->sess;
	in->uri.p = "";
	in->uri.len = 0;
	in->filter = NULL;
	in->pptlen = 0;
	in->pay = NULL;
	in->paylen = 0;
	in->continues = 0;
	in->is_asked = 0;
}

void
wamp_input(struct conn *c, const uint8_t *msg, size_t len, struct pbuf *pb)
{
	struct in	in;
	enum codec_err	err;

	in_init(&in, c);
	in.pb = pb;
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
	c->p->counts.in[in.rule->code]++;
	if (check_elements(&in) == -1)
		return;
	if (in.rule->is_request && check_request(&in) == -1)
		return;
	in.rule->handler(&in);
}
