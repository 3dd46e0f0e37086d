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
	struct val	v;

	/* how long the procedure takes is its own affair: -w limits it */
	client_await(c, 0);
	c->call.has_progress = payload_kwarg(&c->o.msgopts,
	    "receive_progress", &v) && v.type == VAL_BOOL && v.u.b;
	client_watch(c);
	c->call.request = session_request(c, WAMP_CALL, c->o.uri,
	    &c->o.payload);
}

/* WAMP, Call Canceling: ERROR is the answer, or a RESULT was faster. */
void
call_cancel(struct client *c)
{
	struct enc	e;

	session_begin(c, &e, WAMP_CANCEL, 3);
	enc_uint(&e, c->call.request);
	enc_map(&e, 1);
	ENC_KEY(&e, "mode");
	enc_str(&e, "killnowait", 10);
	enc_end(&e);
	(void)session_send(c, &e);
	client_await(c, 1);
}

/* Is there more to come? */
static int
is_progress(const struct val *details)
{
	struct val	v;

	return (val_member(details, "progress", &v) && v.type == VAL_BOOL &&
	    v.u.b);
}

const char *
call_result(struct client *c, const struct val *v, size_t n)
{
	struct wbuf	w;
	uint64_t	request;
	int		progress;

	if (val_id(&v[1], &request) == -1 || v[2].type != VAL_MAP ||
	    val_map_check(&v[2]) == -1)
		return ("malformed RESULT");
	if (request != c->call.request)
		return ("RESULT for no request of ours");
	progress = is_progress(&v[2]);
	if (progress && !c->call.has_progress)
		return ("progressive RESULT that was not asked for");
	memset(&w, 0, sizeof(w));
	if (output_object(&w, NULL, NULL, 0, c->o.details ? &v[2] : NULL,
	    v + 3, n - 3) == -1)
		client_fail(c, ST_WAMP, "wamp.error.invalid_argument: "
		    "JSON cannot say the result");
	else if (output_write(c, &w) == 0 && !progress)
		session_leave(c, ST_OK);
	wbuf_free(&w);
	return (NULL);
}
