/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A connection of a balancer ("proxy protocol from"): its first octets say
 * whose it is, and until then it is nobody's.  Not one octet behind the
 * header is read here.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "proxyproto.h"
#include "tlsproxy.h"

int
announce_new(struct conn *c)
{
	if ((c->pp = malloc(sizeof(*c->pp))) == NULL)
		return (-1);
	pp_init(c->pp);
	return (0);
}

void
announce_free(struct conn *c)
{
	free(c->pp);
	c->pp = NULL;
}

void
announce_refused(struct conn *c, const char *why)
{
	if (log_may(&c->p->log_refused, 10))
		log_session("refused address=%s reason=\"PROXY header %s\"",
		    c->peer, why);
	conn_kill(c, "PROXY header");
}

/* From here on it is the client's. */
static void
announce_done(struct conn *c, const struct sockaddr_storage *from)
{
	announce_free(c);
	if (addr_announced(c, from) == -1)
		return;
	c->state = c->tls != NULL ? CONN_TLS : CONN_DETECT;
}

void
announce_read(struct conn *c)
{
	struct sockaddr_storage	 from;
	uint8_t			 buf[PP_V2MAX];
	const char		*why;
	enum pp_result		 rv;
	ssize_t			 n;

	do {
		n = read(c->fd, buf, pp_missing(c->pp));
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			if (c->pp->got == 0)	/* is it there at all? */
				conn_kill(c, "connection closed");
			else
				announce_refused(c, "is not whole");
			return;
		}
		rv = pp_feed(c->pp, buf, (size_t)n, &from, &why);
	} while (rv == PP_MORE);
	if (rv == PP_BAD)
		announce_refused(c, why);
	else
		announce_done(c, &from);
}
