/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Session Testament: publications that a session leaves behind, made
 * when it ends, however it does.  Sessions are not resumed, so "detached" is
 * the same moment as "destroyed", and before it.
 */
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "dynamic.h"
#include "meta.h"
#include "mpcur.h"
#include "ppt.h"
#include "pubsub.h"

#define TESTAMENTS_MAX	100	/* of a session */

/* One allocation: topic, filter, ppt, body are behind it. */
struct testament {
	TAILQ_ENTRY(testament)	 entry;
	size_t			 cost;
	uint32_t		 flags;		/* PUBLISH_* */
	struct uri		 topic;
	const uint8_t		*filter;
	size_t			 filterlen;
	struct body		 body;
	uint8_t			 octets[];
};

/* What Publish.Options say, as it stands in the CALL. */
struct options {
	uint32_t	flags;
	struct val	list[FILTER_LISTS];	/* VAL_NIL: not there */
	struct val	ppt[PPT_ATTRS];		/* likewise */
};

/* -- options ------------------------------------------------------------ */

static const char *const	list_names[FILTER_LISTS] = {
	[FILTER_EXCLUDE] = "exclude",
	[FILTER_ELIGIBLE] = "eligible",
	[FILTER_EXCLUDE_AUTHID] = "exclude_authid",
	[FILTER_ELIGIBLE_AUTHID] = "eligible_authid",
	[FILTER_EXCLUDE_AUTHROLE] = "exclude_authrole",
	[FILTER_ELIGIBLE_AUTHROLE] = "eligible_authrole"
};

/* What is ignored is checked all the same. */
static const struct {
	const char	*name;
	uint32_t	 flag;
} bools[] = {
	{ "acknowledge", 0 },
	{ "exclude_me", 0 },
	{ "disclose_me", PUBLISH_DISCLOSE_ME },
	{ "retain", PUBLISH_RETAIN }
};
#define NBOOLS	(sizeof(bools) / sizeof(bools[0]))

static int
list_is_ok(const struct val *list, int has_ids)
{
	struct val_iter	it;
	struct val	v;

	if (list->type != VAL_ARRAY || list->u.u > FILTER_MAX)
		return (0);
	val_iter_init(&it, list);
	while (mp_array_next(&it, &v))
		if (has_ids ? !val_as_id(&v) :
		    v.type != VAL_STR || v.slen > UINT16_MAX)
			return (0);
	return (1);
}

/* One option; -1: not of its type. */
static int
option_read(struct options *o, const struct val *key, const struct val *v)
{
	size_t	i;

	for (i = 0; i < NBOOLS; i++) {
		if (!rcall_key_is(key, bools[i].name))
			continue;
		o->flags &= ~bools[i].flag;
		if (v->type == VAL_BOOL && v->u.b)
			o->flags |= bools[i].flag;
		return (v->type == VAL_BOOL || v->type == VAL_NIL ? 0 : -1);
	}
	for (i = 0; i < FILTER_LISTS; i++) {
		if (!rcall_key_is(key, list_names[i]))
			continue;
		o->list[i] = *v;
		return (v->type == VAL_NIL ||
		    list_is_ok(v, i < FILTER_EXCLUDE_AUTHID) ? 0 : -1);
	}
	for (i = 0; i < PPT_ATTRS; i++) {
		if (!rcall_key_is(key, ppt_name((enum ppt_attr)i)))
			continue;
		o->ppt[i] = *v;
		return (v->type == VAL_STR || v->type == VAL_NIL ? 0 : -1);
	}
	return (0);
}

/* After it was found out that the session may publish. */
static enum wamp_err
options_read(struct meta *m, struct options *o, const char **why)
{
	struct val_iter		it;
	struct val		k, v;
	enum conf_disclose	discloses = role_discloses(m->caller, 0);
	unsigned int		i;

	o->flags = 0;
	for (i = 0; i < FILTER_LISTS; i++)
		o->list[i].type = VAL_NIL;
	for (i = 0; i < PPT_ATTRS; i++)
		o->ppt[i].type = VAL_NIL;
	*why = "publish_options: not of its type, or too long";
	if (m->kw[0].type != VAL_NIL)
		val_iter_init(&it, &m->kw[0]);
	else
		memset(&it, 0, sizeof(it));
	while (mp_map_next(&it, &k, &v))
		if (option_read(o, &k, &v) == -1)
			return (WERR_INVALID_ARGUMENT);
	*why = "disclose_me is not allowed";
	if ((o->flags & PUBLISH_DISCLOSE_ME) != 0 &&
	    discloses == DISCLOSE_NEVER)
		return (WERR_OPTION_DISALLOWED_DISCLOSE_ME);
	/* the authorizer is not asked again; the configuration is */
	if (m->caller->is_disclosed && discloses == DISCLOSE_ALWAYS)
		o->flags |= PUBLISH_DISCLOSE_ME;
	return (WERR_NONE);
}

/* -- filter and ppt ----------------------------------------------------- */

static size_t
filter_size(const struct options *o)
{
	struct val_iter	it;
	struct val	v;
	size_t		len = sizeof(struct m_filter);
	unsigned int	i;
	int		is_there = 0;

	for (i = 0; i < FILTER_LISTS; i++) {
		if (o->list[i].type == VAL_NIL)
			continue;
		is_there = 1;
		val_iter_init(&it, &o->list[i]);
		while (mp_array_next(&it, &v))
			len += i < FILTER_EXCLUDE_AUTHID ? sizeof(v.u.u) :
			    sizeof(uint16_t) + v.slen;
	}
	return (is_there ? len : 0);
}

static void
filter_write(uint8_t *p, const struct options *o)
{
	struct m_filter	f;
	struct val_iter	it;
	struct val	v;
	uint8_t		*out = p + sizeof(f);
	uint16_t	len;
	unsigned int	i;

	memset(&f, 0, sizeof(f));
	for (i = 0; i < FILTER_LISTS; i++) {
		if (o->list[i].type == VAL_NIL)
			continue;
		f.present |= (uint8_t)(1 << i);
		f.n[i] = (uint16_t)o->list[i].u.u;
		val_iter_init(&it, &o->list[i]);
		while (mp_array_next(&it, &v)) {
			if (i < FILTER_EXCLUDE_AUTHID && val_as_id(&v)) {
				memcpy(out, &v.u.u, sizeof(v.u.u));
				out += sizeof(v.u.u);
				continue;
			}
			len = (uint16_t)v.slen;
			memcpy(out, &len, sizeof(len));
			memcpy(out + sizeof(len), v.str, len);
			out += sizeof(len) + len;
		}
	}
	memcpy(p, &f, sizeof(f));
}

/* WAMP, Payload Passthru Mode: its payload is one argument. */
static enum wamp_err
ppt_make(const struct meta *m, const struct options *o, uint8_t *buf,
    size_t *len, const char **why)
{
	struct ppt_text	t[PPT_ATTRS];
	unsigned int	i;

	memset(t, 0, sizeof(t));
	*len = 0;
	if (o->ppt[PPT_SCHEME].type == VAL_NIL ||
	    o->ppt[PPT_SCHEME].slen == 0)
		return (WERR_NONE);
	*why = "payload passthru mode was not announced";
	if ((m->caller->features & FEAT_PUBLISHER_PPT) == 0)
		return (WERR_INVALID_ARGUMENT);
	*why = "a payload that is passed through is one argument";
	if (m->arg[1].type == VAL_NIL || m->arg[1].u.u != 1 ||
	    (m->arg[2].type != VAL_NIL && m->arg[2].u.u != 0))
		return (WERR_INVALID_ARGUMENT);
	*why = "ppt attributes are too long";
	for (i = 0; i < PPT_ATTRS; i++) {
		if (o->ppt[i].type == VAL_NIL)
			continue;
		if (o->ppt[i].slen > PPT_MAXLEN)
			return (WERR_INVALID_ARGUMENT);
		t[i].p = (const char *)o->ppt[i].str;
		t[i].len = (uint16_t)o->ppt[i].slen;
	}
	if ((*len = ppt_write(buf, t)) == 0)
		return (WERR_INVALID_ARGUMENT);
	return (WERR_NONE);
}

/* -- add, flush --------------------------------------------------------- */

static void
testament_free(struct testaments *list, struct testament *t)
{
	TAILQ_REMOVE(list, t, entry);
	state_give(t->cost);
	free(t);
}

/* Arguments and ArgumentsKw as they came; those that are empty are left out
 * where they can be. */
static void
body_write(struct testament *t, uint8_t *p, const struct val *args,
    const struct val *kwargs)
{
	static const uint8_t	empty[] = { 0x90 };

	t->body.p = p;
	t->body.ser = SER_MSGPACK;
	if (args->type != VAL_NIL && args->u.u > 0) {
		memcpy(p, args->p, args->len);
		p += args->len;
		t->body.nargs = 1;
	}
	if (kwargs->type != VAL_NIL && kwargs->u.u > 0) {
		if (t->body.nargs == 0)
			*p++ = empty[0];
		memcpy(p, kwargs->p, kwargs->len);
		p += kwargs->len;
		t->body.nargs = 2;
	}
	t->body.len = (uint32_t)(p - t->body.p);
}

/* NULL: no room. */
static struct testament *
testament_new(const struct meta *m, const struct options *o,
    const struct uri *topic, const uint8_t *ppt, size_t pptlen)
{
	struct testament	*t;
	size_t			 len, filterlen = filter_size(o);
	uint8_t			*p;

	len = sizeof(*t) + filterlen + pptlen + topic->len + 1;
	if (m->arg[1].type != VAL_NIL)
		len += m->arg[1].len;
	if (m->arg[2].type != VAL_NIL)
		len += m->arg[2].len;
	if (state_take(len) == -1)
		return (NULL);
	if ((t = calloc(1, len)) == NULL) {
		state_give(len);
		return (NULL);
	}
	t->cost = len;
	t->flags = o->flags;
	t->filter = p = t->octets;
	t->filterlen = filterlen;
	if (filterlen > 0)
		filter_write(p, o);
	p += filterlen;
	memcpy(p, topic->p, topic->len);
	t->topic.p = (const char *)p;
	t->topic.len = topic->len;
	p += topic->len;
	if (pptlen > 0)
		memcpy(p, ppt, pptlen);
	t->body.ppt = p;
	t->body.pptlen = (uint16_t)pptlen;
	body_write(t, p + pptlen, &m->arg[1], &m->arg[2]);
	return (t);
}

/* The bucket that "scope" names, or NULL. */
static struct testaments *
scope_read(const struct meta *m, const struct val *v, const char **why)
{
	if (v->type == VAL_NIL || rcall_key_is(v, "destroyed"))
		return (&m->caller->testaments[1]);
	if (rcall_key_is(v, "detached"))
		return (&m->caller->testaments[0]);
	*why = "scope must be detached or destroyed";
	return (NULL);
}

/* WERR_NONE, what to answer, or WERR_WAIT. */
static enum wamp_err
topic_may(struct session *s, const struct val *v, struct uri *topic,
    const char **why)
{
	*why = "not a URI";
	if (meta_uri(v, topic) == -1)
		return (WERR_INVALID_URI);
	*why = "topics below wamp. are the router's";
	if (uri_is_reserved(topic))
		return (WERR_INVALID_URI);
	return (session_may(s, ACTION_PUBLISH, MATCH_EXACT, topic, why));
}

enum wamp_err
meta_testament_add(struct meta *m, const char **why)
{
	struct session		*s = m->caller;
	struct testaments	*list;
	struct testament	*t;
	struct options		 o;
	struct uri		 topic;
	uint8_t			 ppt[PPT_MAXLEN];
	size_t			 pptlen;
	enum wamp_err		 err;

	if ((list = scope_read(m, &m->kw[1], why)) == NULL)
		return (WERR_INVALID_ARGUMENT);
	if ((err = topic_may(s, &m->arg[0], &topic, why)) != WERR_NONE ||
	    (err = options_read(m, &o, why)) != WERR_NONE ||
	    (err = ppt_make(m, &o, ppt, &pptlen, why)) != WERR_NONE)
		return (err);
	if (s->ntestaments >= TESTAMENTS_MAX) {
		*why = "too many testaments of this session";
		return (WERR_LIMIT);
	}
	if ((t = testament_new(m, &o, &topic, ppt, pptlen)) == NULL) {
		*why = "the router has no room for another testament";
		return (WERR_LIMIT);
	}
	TAILQ_INSERT_TAIL(list, t, entry);
	s->ntestaments++;
	return (meta_reply(m, why));
}

enum wamp_err
meta_testament_flush(struct meta *m, const char **why)
{
	struct testaments	*list;
	struct testament	*t;

	if ((list = scope_read(m, &m->kw[0], why)) == NULL)
		return (WERR_INVALID_ARGUMENT);
	while ((t = TAILQ_FIRST(list)) != NULL) {
		testament_free(list, t);
		m->caller->ntestaments--;
	}
	return (meta_reply(m, why));
}

/* -- the end of a session ----------------------------------------------- */

unsigned int
testaments_publish(struct session *s)
{
	struct testaments	*list;
	struct testament	*t;
	unsigned int		 n = 0;
	int			 is_silent;

	is_silent = s->kill != NULL && s->kill->is_silent;
	for (list = s->testaments; list < s->testaments + 2; list++)
		for (; (t = TAILQ_FIRST(list)) != NULL; n++) {
			if (!is_silent)
				pubsub_testament(s, t->flags, &t->topic,
				    t->filter, t->filterlen, &t->body);
			testament_free(list, t);
		}
	s->ntestaments = 0;
	return (n);
}
