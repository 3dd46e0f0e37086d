/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * subscribe: a line an event.
 */
#include <string.h>

#include "log.h"
#include "wamp.h"
#include "wampc.h"

void
sub_start(struct client *c)
{
	c->sub.request = session_request(c, WAMP_SUBSCRIBE, c->o.uri, NULL);
}

const char *
sub_subscribed(struct client *c, const struct val *v, size_t n)
{
	uint64_t	request, id;

	(void)n;
	if (val_id(&v[1], &request) == -1 || val_id(&v[2], &id) == -1)
		return ("malformed SUBSCRIBED");
	if (request != c->sub.request || c->sub.id != 0)
		return ("SUBSCRIBED for no request of ours");
	c->sub.id = id;
	client_await(c, 0);
	if (c->o.verbose)
		log_info("subscribed %s", c->o.uri);
	return (NULL);
}

const char *
sub_event(struct client *c, const struct val *v, size_t n)
{
	char		uri[URI_MAXLEN + 1];
	const char	*topic = c->o.uri;
	struct wbuf	w;
	struct val	t;
	uint64_t	id, pub;
	int		rc = 0;

	if (val_id(&v[1], &id) == -1 || val_id(&v[2], &pub) == -1 ||
	    v[3].type != VAL_MAP || val_map_check(&v[3]) == -1)
		return ("malformed EVENT");
	/* WAMP, Ordering Guarantees: SUBSCRIBED before any EVENT */
	if (c->sub.id == 0 || id != c->sub.id)
		return ("EVENT of no subscription of ours");
	if (val_member(&v[3], "topic", &t)) {
		if (val_get_uri(&t, uri, sizeof(uri)) == -1)
			return ("malformed topic in EVENT");
		topic = uri;
	}
	memset(&w, 0, sizeof(w));
	if (output_object(&w, "topic", topic, pub,
	    c->o.details ? &v[3] : NULL, v + 4, n - 4) == 0)
		rc = output_write(c, &w);
	else
		log_warnx("%s: publication %llu: JSON cannot say it", topic,
		    (unsigned long long)pub);
	wbuf_free(&w);
	if (rc == 0 && ++c->sub.seen == c->o.count)
		session_leave(c, ST_OK);
	return (NULL);
}
