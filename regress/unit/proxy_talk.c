/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Clients that speak JSON in the test and another serializer on the wire.
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "proxy_talk.h"

#define SAY_MAX	65536

void
talk_say(struct client *c, const char *fmt, ...)
{
	struct wbuf	 w;
	struct val	 v;
	va_list		 ap;
	char		*json;
	int		 n;

	if ((json = malloc(SAY_MAX)) == NULL)
		err(1, NULL);
	va_start(ap, fmt);
	n = vsnprintf(json, SAY_MAX, fmt, ap);
	va_end(ap);
	memset(&w, 0, sizeof(w));
	if (n < 0 || n >= SAY_MAX || codec_check(SER_JSON,
	    (const uint8_t *)json, (size_t)n, &v) != CODEC_OK ||
	    codec_convert(&v, (enum ser)c->ser, &w) != CODEC_OK)
		errx(1, "no message: %s", json);
	client_send(c, w.buf, w.len);
	wbuf_free(&w);
	free(json);
}

/* The next message as JSON; to be freed. */
static char *
heard(struct client *c, const char *want)
{
	struct wbuf	w;
	struct val	v;

	memset(&w, 0, sizeof(w));
	switch (client_next(c, WAIT)) {
	case 0:
		errx(1, "%s: %s did not come", ser_name((enum ser)c->ser),
		    want);
	case -1:
		errx(1, "%s: closed, want %s", ser_name((enum ser)c->ser),
		    want);
	}
	if (codec_check((enum ser)c->ser, c->msg, c->len, &v) != CODEC_OK ||
	    codec_convert(&v, SER_JSON, &w) != CODEC_OK)
		errx(1, "no message, want %s", want);
	wbuf_add(&w, "", 1);
	if (w.failed)
		err(1, NULL);
	return ((char *)w.buf);
}

void
talk_want(struct client *c, const char *json)
{
	char	*got = heard(c, json);

	if (strcmp(got, json) != 0)
		errx(1, "%s: got %s, want %s", ser_name((enum ser)c->ser),
		    got, json);
	free(got);
}

void
talk_want_like(struct client *c, const char *begin)
{
	char	*got = heard(c, begin);

	if (strncmp(got, begin, strlen(begin)) != 0)
		errx(1, "%s: got %s, want %s...", ser_name((enum ser)c->ser),
		    got, begin);
	free(got);
}

void
talk_is_aborted(struct client *c, const char *what)
{
	char	*got = heard(c, what);

	if (strncmp(got, "[3,{\"message\":", 14) != 0 ||
	    strstr(got, "},\"wamp.error.protocol_violation\"]") == NULL)
		errx(1, "%s: %s: got %s, want ABORT",
		    ser_name((enum ser)c->ser), what, got);
	free(got);
	client_is_closed(c);
}

void
talk_join(struct client *c, int ser, int realm, const char *roles)
{
	client_open(c, 0, ser, 15);
	talk_say(c, "[1,\"realm%d\",{\"roles\":%s}]", realm, roles);
	hello_heard(c, realm);
	send_open(c);
	talk_want_like(c, "[2,");
}

void
talk_gone(struct client *c)
{
	client_close(c);
	want_close(c, CLOSE_LOST);
	send_end(c, WERR_NONE, "");
}
