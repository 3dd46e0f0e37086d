/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Calls that the router itself makes, to ask somebody who is trusted with
 * the answer.  To the callee they are calls like others; here they have a
 * time limit and no caller, and a short answer in MessagePack, which is what
 * the callee's tlsproxy makes of it (INVOCATION_MSGPACK).
 */
#include <sys/time.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "dealer.h"
#include "dynamic.h"
#include "mpcur.h"

struct rcall {
	struct invocation	*inv;
	struct event		*timer;
	rcall_fn		*fn;
	void			*arg;
};

const char *
rcall_end_text(enum rcall_end end)
{
	switch (end) {
	case RCALL_RESULT:
		return ("it answered");
	case RCALL_ERROR:
		return ("its callee failed");
	case RCALL_NO_CALLEE:
		return ("it is not registered");
	case RCALL_SLOW:
		return ("its callee does not keep up");
	case RCALL_UNDELIVERED:
		return ("it could not be delivered to its callee");
	case RCALL_LEFT:
		return ("its callee left");
	case RCALL_TIMEOUT:
		return ("its callee did not answer in time");
	case RCALL_UNREADABLE:
		return ("the answer is too long or cannot be read");
	case RCALL_NO_ROOM:
		return ("there is no room for another call");
	}
	return ("");
}

int
rcall_key_is(const struct val *v, const char *name)
{
	return (v->type == VAL_STR && v->slen == strlen(name) &&
	    memcmp(v->str, name, v->slen) == 0);
}

/* The end of it for everybody but its callback. */
static void
rcall_free(struct rcall *rc)
{
	if (rc->inv != NULL)
		invocation_free(rc->inv);
	if (rc->timer != NULL)
		event_free(rc->timer);
	state_give(sizeof(*rc));
	free(rc);
}

static void
rcall_end(struct rcall *rc, const struct rcall_answer *a)
{
	rcall_fn	*fn = rc->fn;
	void		*arg = rc->arg;

	rcall_free(rc);
	fn(arg, a);
}

void
rcall_failed(struct rcall *rc, enum rcall_end end)
{
	struct rcall_answer	a;

	memset(&a, 0, sizeof(a));
	a.end = end;
	rcall_end(rc, &a);
}

static void
rcall_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	rcall_failed(arg, RCALL_TIMEOUT);
}

/* Arguments and ArgumentsKw, whole and nothing behind; the first is kept. */
static int
body_read(const struct body *b, struct val *args)
{
	static const uint8_t	 nothing[1];
	const uint8_t		*p = b->p, *end;
	struct val		 kw;

	if (b->len > RCALL_MAXANSWER || b->ser != SER_MSGPACK)
		return (-1);
	memset(args, 0, sizeof(*args));
	args->type = VAL_ARRAY;
	args->str = nothing;
	if (b->nargs == 0)
		return (0);
	end = p + b->len;
	if (mp_next(&p, end, 0, args) != CODEC_OK || args->type != VAL_ARRAY)
		return (-1);
	if (b->nargs == 2 && (mp_next(&p, end, 0, &kw) != CODEC_OK ||
	    kw.type != VAL_MAP))
		return (-1);
	return (p == end ? 0 : -1);
}

void
rcall_result(struct rcall *rc, const struct body *b)
{
	struct rcall_answer	a;

	memset(&a, 0, sizeof(a));
	a.end = body_read(b, &a.args) == 0 ? RCALL_RESULT : RCALL_UNREADABLE;
	rcall_end(rc, &a);
}

void
rcall_error(struct rcall *rc, const struct uri *error)
{
	struct rcall_answer	a;

	memset(&a, 0, sizeof(a));
	a.end = RCALL_ERROR;
	a.error = *error;
	rcall_end(rc, &a);
}

struct rcall *
rcall_start(const struct realm *r, const struct uri *procedure,
    const void *args, size_t len, uint32_t timeout, rcall_fn *fn, void *arg,
    enum rcall_end *why)
{
	struct body		 b = { .p = args, .len = (uint32_t)len,
				    .ser = SER_MSGPACK, .nargs = 1 };
	struct timeval		 tv;
	struct registration	*reg;
	struct callee		*cl;
	struct rcall		*rc;
	enum pick_end		 end;

	/* no pattern; and a reload may have taken the trust a moment ago */
	*why = RCALL_NO_CALLEE;
	if ((reg = reg_find(r, MATCH_EXACT, procedure)) == NULL)
		return (NULL);
	if ((cl = invoke_pick(reg, 0, procedure, &end)) == NULL) {
		if (end == PICK_BUSY)
			*why = RCALL_SLOW;
		return (NULL);
	}
	*why = RCALL_NO_ROOM;
	if (state_take(sizeof(*rc)) == -1)
		return (NULL);
	if ((rc = calloc(1, sizeof(*rc))) == NULL) {
		state_give(sizeof(*rc));
		return (NULL);
	}
	rc->fn = fn;
	rc->arg = arg;
	tv.tv_sec = timeout / 1000;
	tv.tv_usec = timeout % 1000 * 1000;
	rc->timer = evtimer_new(broker.proc.base, rcall_timeout, rc);
	if (rc->timer == NULL || evtimer_add(rc->timer, &tv) == -1 ||
	    (rc->inv = dealer_invoke(cl, rc, &b)) == NULL) {
		rcall_free(rc);
		return (NULL);
	}
	return (rc);
}

void
rcall_wipe(const struct rcall *rc)
{
	struct chan	*c = rc->inv->callee->peer->chan;

	if (c != NULL)
		chan_wipe(c);
}

void
rcall_cancel(struct rcall *rc)
{
	rcall_free(rc);
}
