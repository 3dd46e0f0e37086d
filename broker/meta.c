/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Procedures of the router's own: which there are, what arguments they take,
 * and how their results are sent.  What they do is in meta_session.c,
 * meta_subscription.c, meta_registration.c and testament.c.
 *
 * The tlsproxy made MessagePack of the arguments; they are the client's all
 * the same.  Nothing is allocated by what they claim.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "dynamic.h"
#include "keep.h"
#include "meta.h"
#include "mpcur.h"

#define RESULT_MIN	1024	/* and for heads and names */

struct keyword {
	const char	*name;
	char		 type;
};

#define KILL_KW		{ { "reason", 's' }, { "message", 's' } }

/*
 * Types: i id, n positive number, b boolean, s string, l list, d dict; those
 * behind | may be left out or be null, as keywords may.
 */
static const struct procedure {
	const char	*name;
	meta_fn		*fn;
	const char	*args;
	struct keyword	 kw[META_MAXKW];
} procedures[] = {
	{ "wamp.session.count", meta_session_count, "|l", { { 0 } } },
	{ "wamp.session.list", meta_session_list, "|l", { { 0 } } },
	{ "wamp.session.get", meta_session_get, "i", { { 0 } } },
	{ "wamp.session.kill", meta_session_kill, "i", KILL_KW },
	{ "wamp.session.kill_by_authid", meta_session_kill_by_authid, "s",
	    KILL_KW },
	{ "wamp.session.kill_by_authrole", meta_session_kill_by_authrole,
	    "s", KILL_KW },
	{ "wamp.session.kill_all", meta_session_kill_all, "", KILL_KW },
	{ "wamp.session.modify_details", meta_session_modify_details, "id",
	    { { 0 } } },
	{ "wamp.session.add_testament", meta_testament_add, "s|ld",
	    { { "publish_options", 'd' }, { "scope", 's' } } },
	{ "wamp.session.flush_testaments", meta_testament_flush, "",
	    { { "scope", 's' } } },
	{ "wamp.registration.list", meta_registration_list, "", { { 0 } } },
	{ "wamp.registration.lookup", meta_registration_lookup, "s|d",
	    { { 0 } } },
	{ "wamp.registration.match", meta_registration_match, "s",
	    { { 0 } } },
	{ "wamp.registration.get", meta_registration_get, "i", { { 0 } } },
	{ "wamp.registration.list_callees", meta_registration_list_callees,
	    "i", { { 0 } } },
	{ "wamp.registration.count_callees",
	    meta_registration_count_callees, "i", { { 0 } } },
	{ "wamp.registration.remove_callee",
	    meta_registration_remove_callee, "ii", { { "reason", 's' } } },
	{ "wamp.subscription.list", meta_subscription_list, "", { { 0 } } },
	{ "wamp.subscription.lookup", meta_subscription_lookup, "s|d",
	    { { 0 } } },
	{ "wamp.subscription.match", meta_subscription_match, "s",
	    { { 0 } } },
	{ "wamp.subscription.get", meta_subscription_get, "i", { { 0 } } },
	{ "wamp.subscription.list_subscribers",
	    meta_subscription_list_subscribers, "i", { { 0 } } },
	{ "wamp.subscription.count_subscribers",
	    meta_subscription_count_subscribers, "i", { { 0 } } },
	{ "wamp.subscription.remove_subscriber",
	    meta_subscription_remove_subscriber, "ii",
	    { { "reason", 's' } } },
	/* keywords in the order of history_query.c */
	{ "wamp.subscription.get_events", history_get_events, "i", {
	    { "reverse", 'b' }, { "limit", 'n' }, { "from_time", 's' },
	    { "after_time", 's' }, { "before_time", 's' },
	    { "until_time", 's' }, { "topic", 's' },
	    { "from_publication", 'i' }, { "after_publication", 'i' },
	    { "before_publication", 'i' }, { "until_publication", 'i' } } },
};
#define NPROCEDURES	(sizeof(procedures) / sizeof(procedures[0]))

static const struct procedure *
procedure_find(const struct uri *u)
{
	size_t	i;

	for (i = 0; i < NPROCEDURES; i++)
		if (strlen(procedures[i].name) == u->len &&
		    memcmp(procedures[i].name, u->p, u->len) == 0)
			return (&procedures[i]);
	return (NULL);
}

/* -- arguments ---------------------------------------------------------- */

static int
type_is(struct val *v, char type)
{
	switch (type) {
	case 'i':
		return (val_as_id(v));
	case 'n':
		return (v->type == VAL_UINT && v->u.u > 0);
	case 'b':
		return (v->type == VAL_BOOL);
	case 's':
		return (v->type == VAL_STR);
	case 'l':
		return (v->type == VAL_ARRAY);
	default:
		return (v->type == VAL_MAP);
	}
}

static const char *
type_name(char type)
{
	switch (type) {
	case 'i':
		return ("an id");
	case 'n':
		return ("a positive integer");
	case 'b':
		return ("true or false");
	case 's':
		return ("a string");
	case 'l':
		return ("a list");
	default:
		return ("a dict");
	}
}

/* 0, or -1 with the reason in m->text. */
static int
args_read(struct meta *m, const char *types, const struct val *list)
{
	struct val_iter	it;
	unsigned int	i = 0;
	int		is_optional = 0;

	val_iter_init(&it, list);
	for (; *types != '\0'; types++) {
		if (*types == '|') {
			is_optional = 1;
			continue;
		}
		if (!mp_array_next(&it, &m->arg[i++]) && !is_optional) {
			snprintf(m->text, sizeof(m->text),
			    "argument %u is missing", i);
			return (-1);
		}
		if (type_is(&m->arg[i - 1], *types) ||
		    (is_optional && m->arg[i - 1].type == VAL_NIL))
			continue;
		snprintf(m->text, sizeof(m->text), "argument %u must be %s",
		    i, type_name(*types));
		return (-1);
	}
	if (list->u.u <= i)
		return (0);
	if (i == 0)
		snprintf(m->text, sizeof(m->text),
		    "there must be no arguments");
	else
		snprintf(m->text, sizeof(m->text),
		    "there are more than %u arguments", i);
	return (-1);
}

/* What is not known is ignored, of what is there twice the last counts. */
static int
kw_read(struct meta *m, const struct keyword *kw, const struct val *dict)
{
	struct val_iter	it;
	struct val	k, v;
	unsigned int	i;

	val_iter_init(&it, dict);
	while (mp_map_next(&it, &k, &v))
		for (i = 0; i < META_MAXKW && kw[i].name != NULL; i++)
			if (rcall_key_is(&k, kw[i].name))
				m->kw[i] = v;
	for (i = 0; i < META_MAXKW && kw[i].name != NULL; i++) {
		if (m->kw[i].type == VAL_NIL ||
		    type_is(&m->kw[i], kw[i].type))
			continue;
		snprintf(m->text, sizeof(m->text), "%s must be %s",
		    kw[i].name, type_name(kw[i].type));
		return (-1);
	}
	return (0);
}

/* Arguments and ArgumentsKw, whole and nothing behind. */
static int
body_split(const struct body *b, struct val *list, struct val *dict)
{
	static const uint8_t	 nothing[1];
	const uint8_t		*p = b->p, *end;

	memset(list, 0, sizeof(*list));
	memset(dict, 0, sizeof(*dict));
	list->type = VAL_ARRAY;
	dict->type = VAL_MAP;
	list->str = dict->str = nothing;
	if (b->nargs == 0)
		return (0);
	if (b->ser != SER_MSGPACK)
		return (-1);
	end = p + b->len;
	if (mp_next(&p, end, 0, list) != CODEC_OK ||
	    list->type != VAL_ARRAY)
		return (-1);
	if (b->nargs == 2 && (mp_next(&p, end, 0, dict) != CODEC_OK ||
	    dict->type != VAL_MAP))
		return (-1);
	return (p == end ? 0 : -1);
}

static int
body_read_args(struct meta *m, const struct procedure *pr,
    const struct body *b)
{
	struct val	list, dict;
	unsigned int	i;

	for (i = 0; i < META_MAXARGS; i++)
		m->arg[i].type = VAL_NIL;
	for (i = 0; i < META_MAXKW; i++)
		m->kw[i].type = VAL_NIL;
	if (b->pptlen > 0) {
		snprintf(m->text, sizeof(m->text),
		    "the router cannot read a passed-through payload");
		return (-1);
	}
	if (body_split(b, &list, &dict) == -1) {
		snprintf(m->text, sizeof(m->text),
		    "the arguments cannot be read");
		return (-1);
	}
	if (args_read(m, pr->args, &list) == -1)
		return (-1);
	return (kw_read(m, pr->kw, &dict));
}

struct session *
meta_session(const struct meta *m, const struct val *id)
{
	struct session	*s;

	if ((s = session_find_id(id->u.u)) == NULL ||
	    s->realm != m->caller->realm || session_is_over(s))
		return (NULL);
	return (s);
}

static const char *const	matches[MATCH_MAX] = {
	"exact", "prefix", "wildcard"
};

const char *
meta_match_name(unsigned int match)
{
	return (matches[match]);
}

int
meta_uri(const struct val *v, struct uri *u)
{
	if (v->slen > URI_MAXLEN)
		return (-1);
	u->p = (const char *)v->str;
	u->len = (uint16_t)v->slen;
	return (0);
}

enum wamp_err
meta_match(const struct val *options, enum uri_match *match,
    const char **why)
{
	struct val_iter	it;
	struct val	k, v, found = { .type = VAL_NIL };
	unsigned int	i;

	*match = MATCH_EXACT;
	if (options->type == VAL_NIL)
		return (WERR_NONE);
	val_iter_init(&it, options);
	while (mp_map_next(&it, &k, &v))
		if (rcall_key_is(&k, "match"))
			found = v;
	if (found.type == VAL_NIL)
		return (WERR_NONE);
	for (i = 0; i < MATCH_MAX; i++)
		if (rcall_key_is(&found, matches[i])) {
			*match = (enum uri_match)i;
			return (WERR_NONE);
		}
	*why = "match must be exact, prefix or wildcard";
	return (WERR_INVALID_ARGUMENT);
}

enum wamp_err
meta_reason(const struct meta *m, const char **reason, size_t *len,
    const char **why)
{
	const struct val	*v = &m->kw[0];

	*reason = v->type == VAL_NIL ? "" : (const char *)v->str;
	*len = v->type == VAL_NIL ? 0 : v->slen;
	*why = "reason is too long";
	return (*len > REASON_MAXLEN ? WERR_INVALID_ARGUMENT : WERR_NONE);
}

/* -- results ------------------------------------------------------------ */

enum wamp_err
meta_room(struct meta *m, size_t len, const char **why)
{
	size_t	max = broker.conf->limits.message;
	uint8_t	*p;

	len += RESULT_MIN;
	if (len > max)
		len = max;	/* perhaps it is not as long as it could be */
	if ((p = malloc(len)) == NULL) {
		*why = "the router has no memory for the result";
		return (WERR_LIMIT);
	}
	mpput_init(&m->out, p, len);
	return (WERR_NONE);
}

enum wamp_err
meta_reply(struct meta *m, const char **why)
{
	struct m_result	r = { .request = m->request, .ser = SER_MSGPACK };
	struct iovec	iov[2];

	if (m->out.failed) {
		*why = "the result is longer than a message may be";
		return (WERR_PAYLOAD_SIZE_EXCEEDED);
	}
	r.paylen = (uint32_t)m->out.len;
	r.nargs = m->out.len > 0;
	iov_set(&iov[0], &r, sizeof(r));
	iov_set(&iov[1], m->out.p, m->out.len);
	session_sendv(m->caller, IMSG_RESULT, iov, 2);
	return (WERR_NONE);
}

enum wamp_err
meta_reply_id(struct meta *m, uint64_t id, const char **why)
{
	enum wamp_err	err;

	if (id != 0)
		return (meta_reply_uint(m, id, why));
	if ((err = meta_room(m, 0, why)) != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	mpput_nil(&m->out);
	return (meta_reply(m, why));
}

enum wamp_err
meta_reply_uint(struct meta *m, uint64_t n, const char **why)
{
	enum wamp_err	err;

	if ((err = meta_room(m, 0, why)) != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	mpput_uint(&m->out, n);
	return (meta_reply(m, why));
}

enum wamp_err
meta_call(struct session *s, const struct m_call *call,
    const struct uri *procedure, const struct body *b)
{
	const struct procedure	*pr;
	struct meta		 m;
	enum wamp_err		 err;
	const char		*why;

	memset(&m, 0, sizeof(m));
	m.caller = s;
	m.request = call->request;
	if ((pr = procedure_find(procedure)) == NULL) {
		err = WERR_NO_SUCH_PROCEDURE;
		why = "no such procedure";
	} else if (body_read_args(&m, pr, b) == -1) {
		err = WERR_INVALID_ARGUMENT;
		why = m.text;
	} else
		err = pr->fn(&m, &why);
	free(m.out.p);
	if (err == WERR_WAIT)
		return (err);
	if (err != WERR_NONE)
		session_refuse(s, WAMP_CALL, call->request, err, why);
	return (WERR_NONE);
}
