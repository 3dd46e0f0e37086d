/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * call: one call, its result on a line.
 */
#include <string.h>

#include "wamp.h"
#include "wampc.h"

void
call_start(struct client *c)
{
	/* how long the procedure takes is its own affair: -w limits it */
	client_await(c, 0);
	c->call.request = session_request(c, WAMP_CALL, c->o.uri,
	    &c->o.payload);
}

const char *
call_result(struct client *c, const struct val *v, size_t n)
{
	struct wbuf	w;
	uint64_t	request;

	if (val_id(&v[1], &request) == -1 || v[2].type != VAL_MAP ||
	    val_map_check(&v[2]) == -1)
		return ("malformed RESULT");
	if (request != c->call.request)
		return ("RESULT for no request of ours");
	memset(&w, 0, sizeof(w));
	if (output_object(&w, NULL, NULL, 0, c->o.details ? &v[2] : NULL,
	    v + 3, n - 3) == -1)
		client_fail(c, ST_WAMP, "wamp.error.invalid_argument: "
		    "JSON cannot say the result");
	else if (output_write(c, &w) == 0)
		session_leave(c, ST_OK);
	wbuf_free(&w);
	return (NULL);
}
