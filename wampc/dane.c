/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * DANE (RFC 6698, RFC 7671): the router's TLSA record, looked up before
 * anything is sent to it and validated by DNSSEC, tells which certificate to
 * believe.  libunbound validates in a thread of its own, which is gone
 * before we connect; addresses are looked up as ever, since it does not
 * matter who gave them.
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <unistd.h>

#include <event2/event.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "log.h"
#include "tlsa.h"
#include "wampc.h"

#define RR_TLSA		52	/* RFC 6698, 7.1 */
#define CLASS_IN	1
#define RCODE_NXDOMAIN	3
#define AUTH_LEVEL	2	/* keys and hashes of 112 bits and more */

/* The keys of the root: Debian's dns-root-data, unbound-anchor's. */
static const char *const anchors[] = {
	"/usr/share/dns/root.key",
	"/var/lib/unbound/root.key"
};
#define NANCHORS	(sizeof(anchors) / sizeof(anchors[0]))

const char *
dane_options(const struct options *o)
{
	struct in6_addr	addr;

	if (!o->dane) {
		if (o->resolver != NULL || o->anchor != NULL)
			return ("--resolver, --trust-anchor: with --dane "
			    "only");
		return (NULL);
	}
	if (!url_is_tls(&o->url))
		return ("--dane: for rss:// and wss:// only");
	if (inet_pton(AF_INET, o->url.host, &addr) == 1 ||
	    inet_pton(AF_INET6, o->url.host, &addr) == 1)
		return ("--dane: needs the name of a host, not an address");
	return (NULL);
}

/* -- look-up ------------------------------------------------------------ */

static void
untrusted(struct client *c, const char *why)
{
	client_fail(c, ST_TRUST, "router not trusted: TLSA record %s: %s",
	    c->dane.name, why);
}

/* The records that can be used: 0, or -1 with why set. */
static int
take(struct dane *d, const struct ub_result *r, char *why, size_t size)
{
	char	text[256];
	size_t	i;

	if (r->bogus) {
		snprintf(why, size, "bogus: %s", r->why_bogus == NULL ? "" :
		    log_vis(text, sizeof(text), r->why_bogus,
		    strlen(r->why_bogus)));
		return (-1);
	}
	if (r->rcode != 0 && r->rcode != RCODE_NXDOMAIN) {
		snprintf(why, size, "the look-up failed (rcode %d)",
		    r->rcode);
		return (-1);
	}
	if (!r->secure) {
		snprintf(why, size, "not signed, so nothing proves what it "
		    "says");
		return (-1);
	}
	if (!r->havedata) {
		snprintf(why, size, "there is none");
		return (-1);
	}
	for (i = 0; r->data[i] != NULL && d->n < DANE_MAX; i++)
		d->n += (size_t)tlsa_parse(&d->rr[d->n],
		    (const uint8_t *)r->data[i], (size_t)r->len[i]);
	d->n = tlsa_strongest(d->rr, d->n);
	if (d->n > 0)
		return (0);
	snprintf(why, size, "none of usage 2 or 3 with a SHA-256 or SHA-512");
	return (-1);
}

static void
on_answer(void *arg, int error, struct ub_result *r)
{
	struct client	*c = arg;
	char		 why[512];

	c->dane.is_answered = 1;
	if (error != 0)
		untrusted(c, ub_strerror(error));
	else if (take(&c->dane, r, why, sizeof(why)) == -1)
		untrusted(c, why);
	if (error == 0)
		ub_resolve_free(r);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client	*c = arg;
	int		 error;

	(void)fd;
	(void)what;
	if ((error = ub_process(c->dane.ctx)) != 0)
		untrusted(c, ub_strerror(error));
	if (c->finished || !c->dane.is_answered)
		return;
	dane_end(c);
	conn_dial(c);
}

/* 0, or -1 when the client has failed. */
static int
set_anchor(struct client *c)
{
	const char	*path = c->o.anchor;
	size_t		 i;

	if (path != NULL) {
		if (access(path, R_OK) == -1) {
			client_fail(c, ST_USAGE, "--trust-anchor %s: cannot "
			    "be read", path);
			return (-1);
		}
	} else {
		for (i = 0; i < NANCHORS; i++)
			if (access(anchors[i], R_OK) == 0)
				break;
		if (i == NANCHORS) {
			untrusted(c, "no key to validate it by: install "
			    "dns-root-data, or give --trust-anchor");
			return (-1);
		}
		path = anchors[i];
	}
	if (ub_ctx_add_ta_file(c->dane.ctx, path) == 0)
		return (0);
	client_fail(c, ST_CONNECT, "out of memory");
	return (-1);
}

static int
set_resolver(struct client *c)
{
	struct ub_ctx	*ctx = c->dane.ctx;
	int		 error;

	if (c->o.resolver == NULL) {
		if ((error = ub_ctx_resolvconf(ctx, NULL)) == 0)
			return (0);
		untrusted(c, "/etc/resolv.conf cannot be read");
		return (-1);
	}
	if (ub_ctx_set_fwd(ctx, c->o.resolver) == 0)
		return (0);
	client_fail(c, ST_USAGE, "--resolver %s: must be an address, or "
	    "address@port", c->o.resolver);
	return (-1);
}

static int
set_options(struct ub_ctx *ctx)
{
	/* a resolver of our own machine is as good as any */
	return (ub_ctx_set_option(ctx, "do-not-query-localhost:", "no") != 0 ||
	    ub_ctx_set_option(ctx, "trust-anchor-signaling:", "no") != 0 ||
	    ub_ctx_debugout(ctx, NULL) != 0 || ub_ctx_async(ctx, 1) != 0 ?
	    -1 : 0);
}

void
dane_open(struct client *c)
{
	struct dane	*d = &c->dane;
	int		 error;

	/* RFC 6698, 3 */
	snprintf(d->name, sizeof(d->name), "_%lu._tcp.%s",
	    strtoul(c->o.url.port, NULL, 10), c->o.url.host);
	if ((d->ctx = ub_ctx_create()) == NULL || set_options(d->ctx) == -1) {
		client_fail(c, ST_CONNECT, "libunbound cannot be set up");
		return;
	}
	if (set_anchor(c) == -1 || set_resolver(c) == -1)
		return;
	error = ub_resolve_async(d->ctx, d->name, RR_TLSA, CLASS_IN, c,
	    on_answer, NULL);
	if (error == UB_INITFAIL && c->o.anchor != NULL) {
		client_fail(c, ST_USAGE, "--trust-anchor %s: holds no key "
		    "that can be used", c->o.anchor);
		return;
	}
	if (error != 0) {
		untrusted(c, ub_strerror(error));
		return;
	}
	d->ev = event_new(c->base, ub_fd(d->ctx), EV_READ | EV_PERSIST,
	    on_readable, c);
	if (d->ev == NULL || event_add(d->ev, NULL) == -1)
		client_fail(c, ST_CONNECT, "out of memory");
}

void
dane_end(struct client *c)
{
	struct dane	*d = &c->dane;

	if (d->ev != NULL)
		event_free(d->ev);
	if (d->ctx != NULL)
		ub_ctx_delete(d->ctx);
	d->ev = NULL;
	d->ctx = NULL;
}

/* -- verification ------------------------------------------------------- */

static int
matches(const struct dane *d, uint8_t usage, X509 *x)
{
	size_t	i;

	for (i = 0; i < d->n; i++)
		if (d->rr[i].usage == usage && tlsa_matches(&d->rr[i], x))
			return (1);
	return (0);
}

/*
 * RFC 7671, 5.2: the record names an authority, which the router sends
 * along; what it signed must be valid and have the host's name.
 */
static int
check_chain(X509_STORE *store, const char *host, STACK_OF(X509) *chain,
    char *why, size_t size)
{
	X509_STORE_CTX		*ctx;
	X509_VERIFY_PARAM	*param;
	size_t			 len = strlen(host);
	int			 rc = -1;

	if (len > 0 && host[len - 1] == '.')
		len--;
	snprintf(why, size, "out of memory");
	if ((ctx = X509_STORE_CTX_new()) == NULL)
		return (-1);
	if (!X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0),
	    chain) || !X509_STORE_CTX_set_default(ctx, "ssl_server"))
		goto done;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) ||
	    !X509_VERIFY_PARAM_set1_host(param, host, len))
		goto done;
	if (X509_verify_cert(ctx) == 1)
		rc = 0;
	else
		snprintf(why, size, "not signed by the authority of the TLSA "
		    "record: %s", X509_verify_cert_error_string(
		    X509_STORE_CTX_get_error(ctx)));
done:
	X509_STORE_CTX_free(ctx);
	return (rc);
}

int
dane_check(const struct dane *d, const char *host, STACK_OF(X509) *chain,
    char *why, size_t size)
{
	X509_STORE	*store;
	int		 i, n = 0, rc = -1;

	/* 5.1: neither name nor dates of the router's own certificate count */
	if (matches(d, TLSA_DANE_EE, sk_X509_value(chain, 0)))
		return (0);
	if ((store = X509_STORE_new()) == NULL) {
		snprintf(why, size, "out of memory");
		return (-1);
	}
	for (i = 1; i < sk_X509_num(chain); i++)
		if (matches(d, TLSA_DANE_TA, sk_X509_value(chain, i)))
			n += X509_STORE_add_cert(store,
			    sk_X509_value(chain, i));
	if (n > 0)
		rc = check_chain(store, host, chain, why, size);
	else
		snprintf(why, size, "the TLSA record %s is of another key or "
		    "certificate", d->name);
	X509_STORE_free(store);
	return (rc);
}
