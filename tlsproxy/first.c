/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the first octets of a connection look like when they are not what its
 * listener speaks: for the log alone, in which somebody looks for why nothing
 * gets through.  They are judged elsewhere.
 */
#include <string.h>

#include "log.h"
#include "rawsocket.h"
#include "tlsproxy.h"

#define LINES	5	/* a second */

static int
begins(const uint8_t *p, size_t len, const char *s, size_t slen)
{
	return (len >= 4 && memcmp(p, s, len < slen ? len : slen) == 0);
}

static int
is_http(const uint8_t *p, size_t len)
{
	static const char *const	methods[] = {
		"CONNECT ", "DELETE ", "GET ", "HEAD ", "OPTIONS ", "PATCH ",
		"POST ", "PUT "
	};
	size_t				i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (begins(p, len, methods[i], strlen(methods[i])))
			return (1);
	return (0);
}

int
first_is_announced(const void *p, size_t len)
{
	return (len >= 6 && memcmp(p, "PROXY ", 6) == 0);
}

static const char *
look(const struct conn *c, const uint8_t *p, size_t len)
{
	static const char	v2[] = "\r\n\r\n\0\r\nQUIT\n";
	int			lacks_tls = c->state == CONN_TLS;

	if (begins(p, len, "PROXY ", 6) || begins(p, len, v2, sizeof(v2) - 1))
		return ("PROXY header, which this listener does not take");
	if (is_http(p, len))
		return (lacks_tls ? "HTTP without TLS" :
		    (c->l->flags & LISTEN_WEBSOCKET) != 0 ?
		    "HTTP that is wrong" : "HTTP, which this listener does "
		    "not speak");
	if (len > 0 && p[0] == RS_MAGIC)
		return (lacks_tls ? "RawSocket without TLS" :
		    "RawSocket, which this listener does not speak");
	/* a handshake of any version */
	if (len > 1 && p[0] == 0x16 && p[1] == 3)
		return ("TLS, which this listener does not speak");
	return ("no protocol that is known");
}

void
first_refused(struct conn *c, const char *why)
{
	char	name[512];

	if (log_may(&c->p->log_bad, LINES))
		log_session("bad frame address=%s reason=\"%s\" "
		    "listener=\"%s\"", c->peer, why, log_text(name,
		    sizeof(name), c->l->name, strlen(c->l->name)));
}

void
first_unknown(struct conn *c, const uint8_t *p, size_t len)
{
	first_refused(c, look(c, p, len));
}
