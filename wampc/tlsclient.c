/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * TLS's handshake with the router, and whether its certificate is one to
 * believe: libtls says so by the authorities of the system or of --cafile,
 * pin.c by its key, dane.c by what the DNS says.
 */
#include <sys/types.h>

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <tls.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "wampc.h"

#define KEY_MAX		65536	/* octets of a private key's file */
#define CHAIN_MAX	32	/* certificates */

const char *
tlsclient_options(const struct options *o)
{
	if (!url_is_tls(&o->url)) {
		if (o->cafile != NULL)
			return ("--cafile: for rss:// and wss:// only");
		if (o->pins.n > 0)
			return ("--pin: for rss:// and wss:// only");
		if (o->certfile != NULL || o->keyfile != NULL)
			return ("--cert, --key: for rss:// and wss:// only");
	}
	if ((o->certfile == NULL) != (o->keyfile == NULL))
		return ("--cert and --key go together");
	return (dane_options(o));
}

/* -- our own certificate ------------------------------------------------ */

/* 0, or -1 when the client has failed. */
static int
set_own(struct client *c, struct tls_config *cfg)
{
	static uint8_t	 key[KEY_MAX];
	char		 why[512];
	size_t		 len;
	int		 rc;

	if (c->o.certfile == NULL)
		return (0);
	if (tls_config_set_cert_file(cfg, c->o.certfile) == -1) {
		client_fail(c, ST_USAGE, "TLS: --cert %s: %s", c->o.certfile,
		    tls_config_error(cfg));
		return (-1);
	}
	if (secret_file(c->o.keyfile, key, sizeof(key), &len, why,
	    sizeof(why)) == -1) {
		client_fail(c, ST_USAGE, "TLS: --key %s", why);
		return (-1);
	}
	/* libtls would only say that it cannot be read */
	if (memmem(key, len, "ENCRYPTED", strlen("ENCRYPTED")) != NULL) {
		client_fail(c, ST_USAGE, "TLS: --key %s: is encrypted",
		    c->o.keyfile);
		rc = -1;
	} else if ((rc = tls_config_set_key_mem(cfg, key, len)) == -1)
		client_fail(c, ST_USAGE, "TLS: --key %s: %s", c->o.keyfile,
		    tls_config_error(cfg));
	explicit_bzero(key, sizeof(key));
	return (rc);
}

/* -- the router's ------------------------------------------------------- */

#ifndef LIBRESSL_VERSION_NUMBER
/* Called by OpenSSL while it makes an SSL. */
static void
ssl_made(void *ssl, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
	(void)ptr;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	(void)X509_VERIFY_PARAM_set_flags(SSL_get0_param(ssl),
	    X509_V_FLAG_PARTIAL_CHAIN);
}
#endif

/*
 * The certificate that issued the router's is enough in --cafile, and need
 * not be a root.  libtls offers no way to say so, and it is not for the
 * system's store.
 */
static int
set_partial_chain(void)
{
#ifndef LIBRESSL_VERSION_NUMBER
	if (SSL_get_ex_new_index(0, NULL, ssl_made, NULL, NULL) == -1)
		return (-1);
#endif
	return (0);
}

/*
 * Whatever was asked for must hold.  libtls asks the authorities, the
 * system's only if nothing was.
 */
static void
set_trust(const struct client *c, struct tls_config *cfg)
{
	if ((c->o.pins.n == 0 && !c->o.dane) || c->o.cafile != NULL)
		return;
	tls_config_insecure_noverifycert(cfg);
	tls_config_insecure_noverifyname(cfg);
	tls_config_insecure_noverifytime(cfg);
}

static void
chain_free(STACK_OF(X509) *chain)
{
	sk_X509_pop_free(chain, X509_free);
}

/* What the router sent, its own certificate first; or NULL. */
static STACK_OF(X509) *
peer_chain(struct tls *tls)
{
	STACK_OF(X509)	*chain = NULL;
	X509		*x;
	BIO		*bio;
	const uint8_t	*pem;
	size_t		 len;

	pem = tls_peer_cert_chain_pem(tls, &len);
	if (pem == NULL || len > INT_MAX ||
	    (bio = BIO_new_mem_buf(pem, (int)len)) == NULL)
		return (NULL);
	if ((chain = sk_X509_new_null()) != NULL)
		while (sk_X509_num(chain) < CHAIN_MAX &&
		    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
			if (sk_X509_push(chain, x) <= 0) {
				X509_free(x);
				break;
			}
	ERR_clear_error();		/* the end of the text is one */
	BIO_free(bio);
	if (chain != NULL && sk_X509_num(chain) > 0)
		return (chain);
	chain_free(chain);
	return (NULL);
}

/* What libtls does not look at.  0, or -1 when the client has failed. */
static int
verify(struct client *c)
{
	STACK_OF(X509)	*chain;
	char		 why[512] = "";
	int		 rc = -1;

	if (c->o.pins.n == 0 && !c->o.dane)
		return (0);
	if ((chain = peer_chain(c->conn.tls)) == NULL)
		snprintf(why, sizeof(why), "no certificate");
	else if (c->o.pins.n == 0 || pin_check(&c->o.pins,
	    sk_X509_value(chain, 0), why, sizeof(why)) == 0)
		rc = !c->o.dane ? 0 : dane_check(&c->dane, c->o.url.host,
		    chain, why, sizeof(why));
	chain_free(chain);
	if (rc == -1)
		client_fail(c, ST_TRUST, "router not trusted: %s port %s: %s",
		    c->o.url.host, c->o.url.port, why);
	return (rc);
}

/* -- handshake ---------------------------------------------------------- */

/* The files libtls was given, one of which it did not like. */
static const char *
files(const struct options *o, char *buf, size_t size)
{
	buf[0] = '\0';
	if (o->cafile != NULL)
		snprintf(buf, size, "--cafile %s: ", o->cafile);
	if (o->certfile != NULL) {
		strlcat(buf, "--cert ", size);
		strlcat(buf, o->certfile, size);
		strlcat(buf, ", --key ", size);
		strlcat(buf, o->keyfile, size);
		strlcat(buf, ": ", size);
	}
	return (buf);
}

int
tlsclient_begin(struct client *c)
{
	struct tls_config	*cfg;
	struct conn		*co = &c->conn;
	const char		*why = "out of memory";
	char			 names[512];
	/* what libtls refuses here is what we were given */
	enum status		 status = c->o.cafile != NULL ||
				    c->o.certfile != NULL ?
				    ST_USAGE : ST_CONNECT;

	if ((cfg = tls_config_new()) == NULL ||
	    (co->tls = tls_client()) == NULL)
		goto fail;
	if (set_own(c, cfg) == -1) {
		tls_config_free(cfg);
		return (-1);
	}
	set_trust(c, cfg);
	if (c->o.cafile != NULL) {
		if (set_partial_chain() == -1)
			goto fail;
		if (tls_config_set_ca_file(cfg, c->o.cafile) == -1) {
			why = tls_config_error(cfg);
			goto fail;
		}
	}
	if (tls_configure(co->tls, cfg) == -1 ||
	    tls_connect_socket(co->tls, co->fd, c->o.url.host) == -1) {
		why = tls_error(co->tls);
		goto fail;
	}
	tls_config_free(cfg);
	return (0);
fail:
	client_fail(c, status, "TLS: %s%s", files(&c->o, names,
	    sizeof(names)), why != NULL ? why : "failed");
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

/*
 * RFC 8446, 6.2: bad_certificate to unknown_ca, certificate_required.  In
 * TLS 1.3 they come after the handshake.
 */
int
tlsclient_is_refusal(const char *why)
{
	const char	*alert = strstr(why, " alert ");

	return (alert != NULL && (strstr(alert, "certificate") != NULL ||
	    strstr(alert, "unknown ca") != NULL));
}

/* No connection came of it. */
static void
handshake_failed(struct client *c)
{
	const char	*why, *what = "cannot connect";
	enum status	 status = ST_CONNECT;

	if ((why = tlsclient_why(c->conn.tls)) == NULL)
		why = "handshake failed";
	if (strstr(why, "verif") != NULL ||
	    strstr(why, "not present in server cert") != NULL) {
		status = ST_TRUST;
		what = "router not trusted";
	} else if (tlsclient_is_refusal(why)) {
		status = ST_REFUSED;
		what = "refused";
	}
	client_fail(c, status, "%s: %s port %s: TLS: %s", what,
	    c->o.url.host, c->o.url.port, why);
}

void
tlsclient_step(struct client *c)
{
	struct conn	*co = &c->conn;

	switch (tls_handshake(co->tls)) {
	case TLS_WANT_POLLIN:
		co->rwant = POLLIN;
		break;
	case TLS_WANT_POLLOUT:
		co->rwant = POLLOUT;
		break;
	case 0:
		if (verify(c) == -1)
			break;
		co->state = CONN_UP;
		co->rwant = POLLIN;
		co->wwant = POLLOUT;
		transport_open(c);
		break;
	default:
		handshake_failed(c);
		break;
	}
}
