/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Connections whose client certificate a new "client crl" names: libtls
 * judged it in the handshake, by the CRL of then, so after a reload all of
 * them are looked at again, some in each turn.
 */
#include <sys/queue.h>

#include <stdlib.h>

#include "tls_key.h"
#include "tlsproxy.h"

/* A turn's: looking at a certificate takes some 0.3 ms. */
#define TURN_CERTS	8
#define TURN_CONNS	1024

/*
 * By the CRL that is in force for the connection's listener.  One without a
 * CRL, or that is gone, revokes nothing.
 */
int
conn_is_revoked(struct conn *c)
{
	struct listener	*l = listener_now(c->l);

	return (l != NULL && l->client != NULL &&
	    client_files_revoke(l->client, c->tls));
}

void
revoked_start(struct proxy *p)
{
	struct listener	*l;

	p->recheck = NULL;
	TAILQ_FOREACH(l, &p->listeners, entry)
		if (l->client != NULL)
			p->recheck = TAILQ_FIRST(&p->conns);
	if (p->recheck != NULL)
		proxy_ask_next_turn(p);
}

void
revoked_continue(struct proxy *p)
{
	struct conn	*c;
	unsigned int	 ncerts = 0, nconns = 0;

	while ((c = p->recheck) != NULL && ncerts < TURN_CERTS &&
	    nconns < TURN_CONNS) {
		p->recheck = TAILQ_NEXT(c, entry);
		nconns++;
		if (c->cert == NULL || c->state >= CONN_CLOSING)
			continue;
		ncerts++;
		if (conn_is_revoked(c))
			session_revoked(c);
	}
	if (p->recheck != NULL)
		proxy_ask_next_turn(p);
}
