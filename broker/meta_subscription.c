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

static const char *const	matches[MATCH_MAX] = {
	"exact", "prefix", "wildcard"
};

static void
put_details(struct mpput *out, const struct subscription *sub)
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
	mpput_text(out, matches[sub->match]);
}

/* -- events ------------------------------------------------------------- */

/* Of a session, and of a subscription by its id. */
static void
tell(struct session *s, const char *topic, uint64_t sub)
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
		put_details(&m, sub);
		pubsub_meta(s->realm, "wamp.subscription.on_create", m.p,
		    m.len);
	}
	tell(s, "wamp.subscription.on_subscribe", sub->id);
}

void
meta_unsubscribed(struct session *s, uint64_t sub, int is_last)
{
	if (!pubsub_is_watched(s->realm))
		return;
	tell(s, "wamp.subscription.on_unsubscribe", sub);
	if (is_last)
		tell(s, "wamp.subscription.on_delete", sub);
}
