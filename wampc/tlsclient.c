/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * TLS's handshake with the router, and whether its certificate is one to
 * believe.
 */
#include <sys/types.h>

#include <poll.h>
#include <string.h>
#include <tls.h>

#include "wampc.h"

int
tlsclient_begin(struct client *c)
{
	struct tls_config	*cfg;
	struct conn		*co = &c->conn;
	const char		*why = "out of memory";
	/* what libtls refuses here is what we were given */
	enum status		 status = c->o.cafile != NULL ?
				    ST_USAGE : ST_CONNECT;

	if ((cfg = tls_config_new()) == NULL ||
	    (co->tls = tls_client()) == NULL)
		goto fail;
	/* certificate and name are verified by libtls's own defaults */
	if (c->o.cafile != NULL &&
	    tls_config_set_ca_file(cfg, c->o.cafile) == -1) {
		why = tls_config_error(cfg);
		goto fail;
	}
	if (tls_configure(co->tls, cfg) == -1 ||
	    tls_connect_socket(co->tls, co->fd, c->o.url.host) == -1) {
		why = tls_error(co->tls);
		goto fail;
	}
	tls_config_free(cfg);
	return (0);
fail:
	if (why == NULL)
		why = "failed";
	if (c->o.cafile == NULL)
		client_fail(c, status, "TLS: %s", why);
	else
		client_fail(c, status, "TLS: --cafile %s: %s", c->o.cafile,
		    why);
	tls_config_free(cfg);
	return (-1);
}

/* What OpenSSL calls an unexpected end is all too common. */
const char *
tlsclient_why(struct tls *tls)
{
	const char	*why = tls_error(tls);

	if (why != NULL && strstr(why, "unexpected eof") != NULL)
		return ("closed by the router");
	return (why);
}

void
tlsclient_step(struct client *c)
{
	struct conn	*co = &c->conn;
	const char	*why;
	int		 untrusted;

	switch (tls_handshake(co->tls)) {
	case TLS_WANT_POLLIN:
		co->rwant = POLLIN;
		break;
	case TLS_WANT_POLLOUT:
		co->rwant = POLLOUT;
		break;
	case 0:
		co->state = CONN_UP;
		co->rwant = POLLIN;
		co->wwant = POLLOUT;
		transport_open(c);
		break;
	default:
		if ((why = tlsclient_why(co->tls)) == NULL)
			why = "handshake failed";
		untrusted = strstr(why, "verif") != NULL ||
		    strstr(why, "not present in server cert") != NULL;
		client_fail(c, untrusted ? ST_TRUST : ST_CONNECT,
		    "%s: %s port %s: TLS: %s", untrusted ?
		    "router not trusted" : "cannot connect", c->o.url.host,
		    c->o.url.port, why);
		break;
	}
}
