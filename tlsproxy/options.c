/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Options and Details of clients' messages.  Keys that no table names are
 * ignored; known ones with a value of the wrong type violate the protocol
 * (notes: T15), where a request can be refused instead and which values make
 * sense is a matter of the option.
 */
#include <string.h>

#include "options.h"
#include "tlsproxy.h"
#include "uri.h"

enum opt_kind {
	OPT_TRUE,		/* sets the flag arg, if it is true */
	OPT_FALSE,		/* if it is false */
	OPT_MATCH,
	OPT_INVOKE,
	OPT_MODE,
	OPT_TIMEOUT,
	OPT_CONCURRENCY,
	OPT_LIST,		/* arg: enum filter_list */
	OPT_PPT			/* arg: enum ppt_attr */
};

#define OPT(name, kind, arg)	{ name, sizeof(name) - 1, kind, arg }
#define OPT_END			{ NULL, 0, 0, 0 }
#define OPTS_PPT						\
	OPT("ppt_scheme", OPT_PPT, PPT_SCHEME),			\
	OPT("ppt_serializer", OPT_PPT, PPT_SERIALIZER),		\
	OPT("ppt_cipher", OPT_PPT, PPT_CIPHER),			\
	OPT("ppt_keyid", OPT_PPT, PPT_KEYID)

const struct opt_rule publish_options[] = {
	OPT("acknowledge", OPT_TRUE, PUBLISH_ACK),
	OPT("exclude_me", OPT_FALSE, PUBLISH_INCLUDE_ME),
	OPT("disclose_me", OPT_TRUE, PUBLISH_DISCLOSE_ME),
	OPT("retain", OPT_TRUE, PUBLISH_RETAIN),
	OPT("exclude", OPT_LIST, FILTER_EXCLUDE),
	OPT("eligible", OPT_LIST, FILTER_ELIGIBLE),
	OPT("exclude_authid", OPT_LIST, FILTER_EXCLUDE_AUTHID),
	OPT("eligible_authid", OPT_LIST, FILTER_ELIGIBLE_AUTHID),
	OPT("exclude_authrole", OPT_LIST, FILTER_EXCLUDE_AUTHROLE),
	OPT("eligible_authrole", OPT_LIST, FILTER_ELIGIBLE_AUTHROLE),
	OPTS_PPT,
	OPT_END
};

const struct opt_rule subscribe_options[] = {
	OPT("match", OPT_MATCH, 0),
	OPT("get_retained", OPT_TRUE, SUBSCRIBE_GET_RETAINED),
	OPT_END
};

const struct opt_rule register_options[] = {
	OPT("match", OPT_MATCH, 0),
	OPT("invoke", OPT_INVOKE, 0),
	OPT("concurrency", OPT_CONCURRENCY, 0),
	OPT("forward_timeout", OPT_TRUE, REGISTER_FORWARD_TIMEOUT),
	OPT("disclose_caller", OPT_TRUE, REGISTER_DISCLOSE_CALLER),
	OPT("force_reregister", OPT_TRUE, REGISTER_FORCE),
	OPT_END
};

const struct opt_rule call_options[] = {
	OPT("receive_progress", OPT_TRUE, CALL_RECEIVE_PROGRESS),
	OPT("progress", OPT_TRUE, CALL_PROGRESS),
	OPT("disclose_me", OPT_TRUE, CALL_DISCLOSE_ME),
	OPT("timeout", OPT_TIMEOUT, 0),
	OPTS_PPT,
	OPT_END
};

/* WAMP, Freezing of Options in Progressive Call Invocations */
const struct opt_rule more_options[] = {
	OPT("progress", OPT_TRUE, CALL_PROGRESS),
	OPT_END
};

const struct opt_rule cancel_options[] = {
	OPT("mode", OPT_MODE, 0),
	OPT_END
};

const struct opt_rule yield_options[] = {
	OPT("progress", OPT_TRUE, YIELD_PROGRESS),
	OPTS_PPT,
	OPT_END
};

const struct opt_rule error_options[] = {
	OPTS_PPT,
	OPT_END
};

static const char *const match_words[] = { "exact", "prefix", "wildcard",
    NULL };
static const char *const invoke_words[] = { "single", "first", "last",
    "roundrobin", "random", NULL };
/* as enum cancel_mode, which begins at 1; the next is CANCEL_UNKNOWN */
static const char *const mode_words[] = { "skip", "kill", "killnowait",
    NULL };

/* Which one it is; as many as there are: none of them. */
static uint8_t
word_index(const struct val *v, const char *const *words)
{
	uint8_t	i;

	for (i = 0; words[i] != NULL; i++)
		if (val_is(v, words[i], strlen(words[i])))
			break;
	return (i);
}

static void
set_word(struct options *o, const struct opt_rule *r, const struct val *v)
{
	if (r->kind == OPT_MATCH) {
		o->match = word_index(v, match_words);
		if (o->match >= MATCH_MAX)
			o->wrong = "unknown matching policy";
	} else if (r->kind == OPT_INVOKE) {
		o->invoke = word_index(v, invoke_words);
		if (o->invoke >= INVOKE_MAX)
			o->wrong = "unknown invocation policy";
	} else
		o->mode = (uint8_t)(CANCEL_SKIP + word_index(v, mode_words));
}

static void
set_number(struct options *o, const struct opt_rule *r, const struct val *v)
{
	uint64_t	least = r->kind == OPT_CONCURRENCY;

	if (v->type != VAL_UINT || v->u.u < least) {
		o->wrong = r->kind == OPT_CONCURRENCY ?
		    "concurrency must be an integer, at least 1" :
		    "timeout must be an integer, at least 0";
		return;
	}
	o->number = v->u.u > UINT32_MAX ? UINT32_MAX : (uint32_t)v->u.u;
}

/* Returns NULL, or what it must be. */
static const char *
set_option(struct options *o, const struct opt_rule *r, const struct val *v)
{
	switch ((enum opt_kind)r->kind) {
	case OPT_TRUE:
	case OPT_FALSE:
		if (v->type != VAL_BOOL)
			return ("a boolean");
		if ((v->u.b != 0) == (r->kind == OPT_TRUE))
			o->flags |= r->arg;
		break;
	case OPT_MATCH:
	case OPT_INVOKE:
	case OPT_MODE:
		if (v->type != VAL_STR)
			return ("a string");
		set_word(o, r, v);
		break;
	case OPT_TIMEOUT:
	case OPT_CONCURRENCY:
		set_number(o, r, v);
		break;
	case OPT_LIST:
		o->lists = (uint8_t)(o->lists | 1U << r->arg);
		o->list[r->arg] = *v;
		break;
	case OPT_PPT:
		if (v->type != VAL_STR)
			return ("a string");
		o->ppts = (uint8_t)(o->ppts | 1U << r->arg);
		o->ppt[r->arg] = *v;
		break;
	}
	return (NULL);
}

int
options_read(struct conn *c, const struct opt_rule *rules,
    const struct val *dict, struct options *o)
{
	const struct opt_rule	*r;
	struct val_iter		 it;
	struct val		 k, v;
	const char		*type;

	/* the values of what is not there are not looked at */
	memset(o, 0, offsetof(struct options, list));
	o->mode = CANCEL_KILLNOWAIT;	/* notes: T65 */
	if (dict->len <= DICT_EMPTY)
		return (0);
	val_iter_init(&it, dict);
	while (val_map_next(&it, &k, &v)) {
		for (r = rules; r->name != NULL; r++)
			if ((!k.plain || k.slen == r->len) &&
			    val_is(&k, r->name, r->len))
				break;
		if (r->name == NULL || val_is_absent(&v) ||
		    (type = set_option(o, r, &v)) == NULL)
			continue;
		session_abort(c, WERR_PROTOCOL_VIOLATION,
		    "option %s must be %s", r->name, type);
		return (-1);
	}
	return (0);
}

/* -- lists of sessions -------------------------------------------------- */

/* An authid or authrole; what is longer than any is none. */
static int
add_text(struct wbuf *w, const struct val *v)
{
	uint8_t		 buf[AUTHID_MAXLEN];
	const uint8_t	*p;
	size_t		 len;
	uint16_t	 n;

	p = val_str(v, buf, sizeof(buf), &len);
	if (p == NULL || len > AUTHID_MAXLEN)
		return (0);
	n = (uint16_t)len;
	wbuf_add(w, &n, sizeof(n));
	wbuf_add(w, p, len);
	return (1);
}

static const char *
add_list(struct wbuf *w, int is_ids, const struct val *list, uint16_t *n)
{
	struct val_iter	 it;
	struct val	 v;
	int		 i = 0;

	if (list->type != VAL_ARRAY)
		return ("who is excluded or eligible must be a list");
	val_iter_init(&it, list);
	while (val_array_next(&it, &v)) {
		if (i++ == FILTER_MAX)
			return ("an exclude or eligible list has more than "
			    "1000 entries");
		if (!is_ids && v.type == VAL_STR)
			*n = (uint16_t)(*n + add_text(w, &v));
		else if (is_ids && val_as_id(&v)) {
			wbuf_add(w, &v.u.u, sizeof(v.u.u));
			(*n)++;
		} else
			return (is_ids ? "exclude and eligible list integers" :
			    "authids and authroles must be strings");
	}
	return (NULL);
}

void
options_filter(struct options *o, struct wbuf *w)
{
	struct m_filter	 m;
	const char	*why;
	int		 i;

	memset(&m, 0, sizeof(m));
	m.present = o->lists;
	wbuf_reset(w);
	wbuf_add(w, &m, sizeof(m));
	for (i = 0; i < FILTER_LISTS && o->wrong == NULL; i++) {
		if ((o->lists & 1U << i) == 0)
			continue;
		why = add_list(w, i <= FILTER_ELIGIBLE, &o->list[i], &m.n[i]);
		if (why != NULL)
			o->wrong = why;
	}
	if (!w->failed)
		memcpy(w->buf, &m, sizeof(m));
}

/* -- Payload Passthru Mode ---------------------------------------------- */

int
options_has_ppt(const struct options *o)
{
	/* WAMP, ppt_scheme Attribute: existence and non-empty value */
	return ((o->ppts & 1U << PPT_SCHEME) != 0 &&
	    !val_is(&o->ppt[PPT_SCHEME], "", 0));
}

size_t
options_ppt(const struct options *o, uint8_t buf[PPT_MAXLEN])
{
	struct ppt_text	 t[PPT_ATTRS];
	uint8_t		 text[PPT_MAXLEN];	/* of those with escapes */
	const uint8_t	*p;
	size_t		 used = 0, len;
	int		 i;

	memset(t, 0, sizeof(t));
	for (i = 0; i < PPT_ATTRS; i++) {
		if ((o->ppts & 1U << i) == 0)
			continue;
		p = val_str(&o->ppt[i], text + used, sizeof(text) - used,
		    &len);
		if (p == NULL || len > PPT_MAXLEN)
			return (0);
		if (p == text + used)
			used += len;
		t[i].p = (const char *)p;
		t[i].len = (uint16_t)len;
	}
	return (ppt_write(buf, t));
}
