/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * One throw-away handshake in memory for each version of TLS, with a key
 * made for it, a certificate on both sides: what libtls and OpenSSL open or
 * fetch at the first use they have when the sandbox closes.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>

#include "tls_key.h"

#define WARM_NAME	"warm.invalid"
#define WARM_ROUNDS	16

/* What one side wrote and the other has not read yet. */
struct half {
	uint8_t		 buf[16 * 1024];
	size_t		 len;
};

struct side {
	struct half	*in, *out;
};

struct warm {
	uint8_t		*cert, *key;	/* PEM */
	size_t		 certlen, keylen;
	struct half	 up, down;
};

static ssize_t
warm_read(struct tls *ctx, void *buf, size_t len, void *arg)
{
	struct half	*h = ((struct side *)arg)->in;

	(void)ctx;
	if (h->len == 0)
		return (TLS_WANT_POLLIN);
	if (len > h->len)
		len = h->len;
	memcpy(buf, h->buf, len);
	memmove(h->buf, h->buf + len, h->len - len);
	h->len -= len;
	return ((ssize_t)len);
}

static ssize_t
warm_write(struct tls *ctx, const void *buf, size_t len, void *arg)
{
	struct half	*h = ((struct side *)arg)->out;

	(void)ctx;
	if (len > sizeof(h->buf) - h->len)
		len = sizeof(h->buf) - h->len;
	if (len == 0)
		return (TLS_WANT_POLLOUT);
	memcpy(h->buf + h->len, buf, len);
	h->len += len;
	return ((ssize_t)len);
}

static int
bio_take(BIO *bio, uint8_t **p, size_t *len)
{
	char	*data;
	long	 n = BIO_get_mem_data(bio, &data);

	if (n <= 0 || (*p = malloc((size_t)n)) == NULL)
		return (-1);
	memcpy(*p, data, (size_t)n);
	*len = (size_t)n;
	return (0);
}

/* A certificate of a minute for nobody. */
static X509 *
warm_cert(EVP_PKEY *pkey)
{
	X509		*x;
	X509_NAME	*name;
	X509_EXTENSION	*san = NULL;
	int		 ok;

	if ((x = X509_new()) == NULL)
		return (NULL);
	name = X509_get_subject_name(x);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
	    "DNS:" WARM_NAME);
	ok = san != NULL && X509_set_version(x, 2) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 3600) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)WARM_NAME, -1, -1, 0) &&
	    X509_set_issuer_name(x, name) && X509_set_pubkey(x, pkey) &&
	    X509_add_ext(x, san, -1) && X509_sign(x, pkey, EVP_sha256()) > 0;
	X509_EXTENSION_free(san);
	if (!ok) {
		X509_free(x);
		return (NULL);
	}
	return (x);
}

static int
warm_keypair(struct warm *w)
{
	EVP_PKEY	*pkey = EVP_EC_gen("P-256");
	X509		*x = NULL;
	BIO		*cert = BIO_new(BIO_s_mem()), *key;
	int		 rv = -1;

	key = BIO_new(BIO_s_mem());
	if (pkey != NULL && cert != NULL && key != NULL &&
	    (x = warm_cert(pkey)) != NULL && PEM_write_bio_X509(cert, x) &&
	    PEM_write_bio_PrivateKey(key, pkey, NULL, NULL, 0, NULL, NULL) &&
	    bio_take(cert, &w->cert, &w->certlen) == 0 &&
	    bio_take(key, &w->key, &w->keylen) == 0)
		rv = 0;
	X509_free(x);
	EVP_PKEY_free(pkey);
	BIO_free(cert);
	BIO_free(key);
	return (rv);
}

static struct tls_config *
warm_config(const struct warm *w, int is_server, uint32_t protocols)
{
	struct tls_config	*cfg;
	int			 rv;

	if ((cfg = tls_config_new()) == NULL)
		return (NULL);
	rv = tls_config_set_keypair_mem(cfg, w->cert, w->certlen, w->key,
	    w->keylen);
	if (rv == 0)
		rv = tls_config_set_ca_mem(cfg, w->cert, w->certlen);
	if (is_server)
		tls_config_verify_client(cfg);
	if (rv == -1 || tls_config_set_protocols(cfg, protocols) == -1) {
		tls_config_free(cfg);
		return (NULL);
	}
	return (cfg);
}

/* Returns 1 when both sides are through, 0 if not. */
static int
warm_shake(struct tls *client, struct tls *server)
{
	int	i, c = TLS_WANT_POLLIN, s = TLS_WANT_POLLIN;

	for (i = 0; i < WARM_ROUNDS && (c != 0 || s != 0); i++) {
		if (c != 0 && (c = tls_handshake(client)) == -1)
			return (0);
		if (s != 0 && (s = tls_handshake(server)) == -1)
			return (0);
	}
	return (c == 0 && s == 0);
}

static int
warm_once(struct warm *w, uint32_t protocols)
{
	struct side		 cside = { &w->down, &w->up };
	struct side		 sside = { &w->up, &w->down };
	struct tls_config	*ccfg = warm_config(w, 0, protocols);
	struct tls_config	*scfg = warm_config(w, 1, protocols);
	struct tls		*client = tls_client(), *listener = tls_server();
	struct tls		*server = NULL;
	int			 rv = -1;

	w->up.len = w->down.len = 0;
	if (ccfg != NULL && scfg != NULL && client != NULL &&
	    listener != NULL && tls_configure(client, ccfg) == 0 &&
	    tls_configure(listener, scfg) == 0 &&
	    tls_connect_cbs(client, warm_read, warm_write, &cside,
	    WARM_NAME) == 0 &&
	    tls_accept_cbs(listener, &server, warm_read, warm_write,
	    &sside) == 0 && warm_shake(client, server))
		rv = 0;
	tls_free(server);
	tls_free(listener);
	tls_free(client);
	tls_config_free(scfg);
	tls_config_free(ccfg);
	return (rv);
}

/* 0, or -1 and one line in err. */
int
tls_warm_up(char *err, size_t errlen)
{
	struct warm	*w;
	int		 rv = -1;

	tzset();
	if ((w = calloc(1, sizeof(*w))) == NULL)
		snprintf(err, errlen, "out of memory");
	else if (tls_init() == -1 || warm_keypair(w) == -1)
		snprintf(err, errlen, "TLS: OpenSSL makes no key");
	else if (warm_once(w, TLS_PROTOCOL_TLSv1_3) == -1)
		snprintf(err, errlen, "TLS 1.3: handshake with itself fails");
	else if (warm_once(w, TLS_PROTOCOL_TLSv1_2) == -1)
		snprintf(err, errlen, "TLS 1.2: handshake with itself fails");
	else
		rv = 0;
	if (w != NULL) {
		free(w->cert);
		freezero(w->key, w->keylen);
		free(w);
	}
	return (rv);
}
