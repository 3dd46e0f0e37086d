/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Subscription Meta API.
 */
#include "isotime.h"
#include "meta.h"
#include "pubsub.h"

#define DETAILS_OCTETS	128	/* names, heads, numbers of the details */

static void
put_subscription(struct mpput *out, const struct subscription *sub)
{
	char	created[ISOTIME_LEN + 1];

	isotime(created, sub->created);
	mpput_map(out, 4);
	mpput_text(out, "id");
	mpput_uint(out, sub->id);
	mpput_text(out, "created");
	mpput_text(out, created);
	mpput_text(out, "uri");
	mpput_str(out, sub->topic.p, sub->topic.len);
	mpput_text(out, "match");
	mpput_text(out, meta_match_name(sub->match));
}

/* -- events ------------------------------------------------------------- */

/* Of a session, and of a subscription by its id. */
static void
sub_tell(struct session *s, const char *topic, uint64_t sub)
{
	uint8_t		buf[1 + 2 * META_IDLEN];
	struct mpput	m;

	mpput_init(&m, buf, sizeof(buf));
	mpput_array(&m, 2);
	mpput_uint(&m, s->id);
	mpput_uint(&m, sub);
	pubsub_meta(s->realm, topic, m.p, m.len);
}

void
meta_subscribed(struct session *s, const struct subscription *sub,
    int is_first)
{
	uint8_t		buf[DETAILS_OCTETS + URI_MAXLEN];
	struct mpput	m;

	if (!pubsub_is_watched(s->realm))
		return;
	if (is_first) {
		mpput_init(&m, buf, sizeof(buf));
		mpput_array(&m, 2);
		mpput_uint(&m, s->id);
		put_subscription(&m, sub);
		pubsub_meta(s->realm, "wamp.subscription.on_create", m.p,
		    m.len);
	}
	sub_tell(s, "wamp.subscription.on_subscribe", sub->id);
}

void
meta_unsubscribed(struct session *s, uint64_t sub, int is_last)
{
	if (!pubsub_is_watched(s->realm))
		return;
	sub_tell(s, "wamp.subscription.on_unsubscribe", sub);
	if (is_last)
		sub_tell(s, "wamp.subscription.on_delete", sub);
}

/* -- list, lookup, match ------------------------------------------------ */

enum wamp_err
meta_subscription_list(struct meta *m, const char **why)
{
	const struct realm		*r = m->caller->realm;
	const struct subscription	*sub;
	enum wamp_err			 err;
	size_t				 n = 0;
	unsigned int			 i;

	for (i = 0; i < MATCH_MAX; i++)
		n += r->nsubs[i];
	if ((err = meta_room(m, n * META_IDLEN, why)) != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	mpput_map(&m->out, MATCH_MAX);
	for (i = 0; i < MATCH_MAX; i++) {
		mpput_text(&m->out, meta_match_name(i));
		mpput_array(&m->out, r->nsubs[i]);
		LIST_FOREACH(sub, &r->subs[i], realm_entry)
			mpput_uint(&m->out, sub->id);
	}
	return (meta_reply(m, why));
}

enum wamp_err
meta_subscription_lookup(struct meta *m, const char **why)
{
	const struct subscription	*sub = NULL;
	enum uri_match			 match;
	struct uri			 u;
	enum wamp_err			 err;

	if ((err = meta_match(&m->arg[1], &match, why)) != WERR_NONE)
		return (err);
	if (meta_uri(&m->arg[0], &u) == 0)
		sub = sub_find(m->caller->realm, match, &u);
	return (meta_reply_id(m, sub == NULL ? 0 : sub->id, why));
}

static void
sub_count_one(struct subscription *sub, void *arg)
{
	uint32_t	*n = arg;

	(void)sub;
	(*n)++;
}

static void
sub_put_one(struct subscription *sub, void *arg)
{
	mpput_uint(arg, sub->id);
}

enum wamp_err
meta_subscription_match(struct meta *m, const char **why)
{
	const struct realm	*r = m->caller->realm;
	struct uri		 u;
	enum wamp_err		 err;
	uint32_t		 n = 0;

	if (meta_uri(&m->arg[0], &u) == 0 && uri_is_valid(&u, URI_LOOSE))
		sub_match(r, &u, sub_count_one, &n);
	if ((err = meta_room(m, (size_t)n * META_IDLEN, why)) != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	if (n == 0)
		mpput_nil(&m->out);
	else {
		mpput_array(&m->out, n);
		sub_match(r, &u, sub_put_one, &m->out);
	}
	return (meta_reply(m, why));
}

/* -- of one ------------------------------------------------------------- */

static struct subscription *
sub_asked(const struct meta *m, const char **why)
{
	*why = "no such subscription";
	return (sub_find_id(m->caller->realm, m->arg[0].u.u));
}

enum wamp_err
meta_subscription_get(struct meta *m, const char **why)
{
	const struct subscription	*sub;
	enum wamp_err			 err;

	if ((sub = sub_asked(m, why)) == NULL)
		return (WERR_NO_SUCH_SUBSCRIPTION);
	err = meta_room(m, DETAILS_OCTETS + sub->topic.len, why);
	if (err != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	put_subscription(&m->out, sub);
	return (meta_reply(m, why));
}

/* Those whose sessions are about to end do not count. */
static uint32_t
subscribers(const struct subscription *sub)
{
	const struct subpeer	*sp;
	const struct sublink	*l;
	uint32_t		 n = 0;

	if (!sessions_are_over())
		return (sub->count);
	LIST_FOREACH(sp, &sub->peers, entry)
		LIST_FOREACH(l, &sp->links, subpeer_entry)
			if (!session_is_over(l->session))
				n++;
	return (n);
}

enum wamp_err
meta_subscription_list_subscribers(struct meta *m, const char **why)
{
	const struct subscription	*sub;
	const struct subpeer		*sp;
	const struct sublink		*l;
	enum wamp_err			 err;
	uint32_t			 n;

	if ((sub = sub_asked(m, why)) == NULL)
		return (WERR_NO_SUCH_SUBSCRIPTION);
	n = subscribers(sub);
	if ((err = meta_room(m, (size_t)n * META_IDLEN, why)) != WERR_NONE)
		return (err);
	mpput_array(&m->out, 1);
	mpput_array(&m->out, n);
	LIST_FOREACH(sp, &sub->peers, entry)
		LIST_FOREACH(l, &sp->links, subpeer_entry)
			if (!session_is_over(l->session))
				mpput_uint(&m->out, l->session->id);
	return (meta_reply(m, why));
}

enum wamp_err
meta_subscription_count_subscribers(struct meta *m, const char **why)
{
	const struct subscription	*sub;

	if ((sub = sub_asked(m, why)) == NULL)
		return (WERR_NO_SUCH_SUBSCRIPTION);
	return (meta_reply_uint(m, subscribers(sub), why));
}

enum wamp_err
meta_subscription_remove_subscriber(struct meta *m, const char **why)
{
	const struct subscription	*sub;
	const struct session		*s;
	struct sublink			*l;
	const char			*reason;
	size_t				 len;
	enum wamp_err			 err;

	if ((err = meta_reason(m, &reason, &len, why)) != WERR_NONE)
		return (err);
	if ((sub = sub_asked(m, why)) == NULL)
		return (WERR_NO_SUCH_SUBSCRIPTION);
	*why = "no such session has that subscription";
	if ((s = meta_session(m, &m->arg[1])) == NULL ||
	    (l = sublink_find(s, sub->id)) == NULL)
		return (WERR_NO_SUCH_SESSION);
	if ((err = meta_reply(m, why)) == WERR_NONE)
		pubsub_revoke(l, reason, len);
	return (err);
}
