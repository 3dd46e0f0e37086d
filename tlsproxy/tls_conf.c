/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The TLS context of a listener: its keypairs, chosen by the name that the
 * client asks for (SNI), without their private keys.  libtls accepts several
 * things here that cannot work later; they are looked for and refused.
 */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <tls.h>

#include "conf.h"
#include "log.h"
#include "tls_key.h"

/*
 * Forward secret and authenticated, for TLS 1.2 (1.3 has nothing else).
 * Without this libtls would offer RSA key exchange, which needs the keeper
 * to decrypt.
 */
#define TLS_CIPHERS	"ECDHE+AESGCM:ECDHE+CHACHA20"

/* A name that a keypair of the listener answers to. */
struct name {
	char		*s;
	size_t		 keypair;	/* index in conf_listen.keypairs */
};

struct names {
	struct name	*v;
	size_t		 n;
};

static X509 *
leaf_read(const struct conf_keypair *kp)
{
	X509	*x = NULL;
	BIO	*bio;

	if (kp->cert != NULL && kp->certlen <= INT_MAX &&
	    (bio = BIO_new_mem_buf(kp->cert, (int)kp->certlen)) != NULL) {
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		BIO_free(bio);
	}
	ERR_clear_error();
	return (x);
}

/* 0, or -1 without memory; a name with a NUL in it matches nothing. */
static int
names_add(struct names *ns, const void *p, int len, size_t keypair)
{
	struct name	*v;

	if (p == NULL || len <= 0 || memchr(p, '\0', (size_t)len) != NULL)
		return (0);
	v = reallocarray(ns->v, ns->n + 1, sizeof(*v));
	if (v == NULL)
		return (-1);
	ns->v = v;
	if ((v[ns->n].s = strndup(p, (size_t)len)) == NULL)
		return (-1);
	v[ns->n++].keypair = keypair;
	return (0);
}

static void
names_free(struct names *ns)
{
	while (ns->n > 0)
		free(ns->v[--ns->n].s);
	free(ns->v);
}

/* As libtls looks for them: DNS names, without any the common name. */
static int
names_add_cert(struct names *ns, X509 *x, size_t keypair)
{
	GENERAL_NAMES		*gens;
	const GENERAL_NAME	*gn;
	char			 cn[256];
	int			 i, len, rv = 0;
	size_t			 before = ns->n;

	gens = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(gens) && rv == 0; i++) {
		gn = sk_GENERAL_NAME_value(gens, i);
		if (gn->type == GEN_DNS)
			rv = names_add(ns,
			    ASN1_STRING_get0_data(gn->d.dNSName),
			    ASN1_STRING_length(gn->d.dNSName), keypair);
	}
	GENERAL_NAMES_free(gens);
	if (rv == 0 && ns->n == before) {
		len = X509_NAME_get_text_by_NID(X509_get_subject_name(x),
		    NID_commonName, cn, sizeof(cn));
		if (len > 0)
			rv = names_add(ns, cn, len, keypair);
	}
	return (rv);
}

/* "*.example.org" stands for one label before it. */
static int
name_covers(const char *wild, const char *name)
{
	const char	*dot;

	if (strncmp(wild, "*.", 2) != 0 ||
	    (dot = strchr(name, '.')) == NULL || dot == name)
		return (0);
	return (strcasecmp(wild + 1, dot) == 0);
}

/*
 * The first keypair after the default that has the name is taken, then the
 * default: nobody chooses by algorithm, so a name belongs to one keypair.
 */
static int
names_check(const struct conf *c, const struct conf_listen *l,
    const struct names *ns, char *err, size_t errlen)
{
	const struct name	*a, *b;
	size_t			 i, j;

	for (i = 0; i < ns->n; i++) {
		for (j = i + 1; j < ns->n; j++) {
			a = &ns->v[i];
			b = &ns->v[j];
			if (a->keypair == b->keypair)
				continue;
			if (strcasecmp(a->s, b->s) != 0 &&
			    (a->keypair == 0 || !name_covers(a->s, b->s)))
				continue;
			snprintf(err, errlen, "listen on %s: keypair \"%s\" "
			    "is never used for %s: \"%s\" has %s%s", l->name,
			    conf_find_keypair_id(c,
			    l->keypairs[b->keypair])->name, b->s,
			    conf_find_keypair_id(c,
			    l->keypairs[a->keypair])->name, a->s,
			    strcasecmp(a->s, b->s) != 0 ?
			    " and stands before it" : "");
			return (-1);
		}
	}
	return (0);
}

/* The answer in the staple that is about this certificate, or NULL. */
static OCSP_SINGLERESP *
staple_find(OCSP_BASICRESP *basic, X509 *x)
{
	OCSP_SINGLERESP	*one;
	ASN1_INTEGER	*serial;
	OCSP_CERTID	*id;
	int		 i;

	for (i = 0; i < OCSP_resp_count(basic); i++) {
		one = OCSP_resp_get0(basic, i);
		/* OCSP_id_get0_info() does not change it */
		if ((id = OCSP_CERTID_dup(OCSP_SINGLERESP_get0_id(one))) ==
		    NULL)
			return (NULL);
		OCSP_id_get0_info(NULL, NULL, NULL, &serial, id);
		if (ASN1_INTEGER_cmp(serial, X509_get_serialNumber(x)) == 0) {
			OCSP_CERTID_free(id);
			return (one);
		}
		OCSP_CERTID_free(id);
	}
	return (NULL);
}

/*
 * libtls sends whatever it is given.  0, or -1: it is no OCSP response for
 * this certificate.  One that is old is sent all the same: the client judges.
 */
static int
staple_check(const struct conf_keypair *kp, X509 *x, char *err, size_t errlen)
{
	const unsigned char	*p = kp->ocsp;
	ASN1_GENERALIZEDTIME	*next = NULL;
	OCSP_RESPONSE		*resp;
	OCSP_BASICRESP		*basic = NULL;
	OCSP_SINGLERESP		*one = NULL;
	int			 status;

	if (kp->ocsp == NULL)
		return (0);
	resp = d2i_OCSP_RESPONSE(NULL, &p, (long)kp->ocsplen);
	if (resp == NULL || p != kp->ocsp + kp->ocsplen)
		snprintf(err, errlen, "keypair \"%s\": ocsp: not an OCSP "
		    "response in DER", kp->name);
	else if ((status = OCSP_response_status(resp)) !=
	    OCSP_RESPONSE_STATUS_SUCCESSFUL)
		snprintf(err, errlen, "keypair \"%s\": ocsp: the responder "
		    "said \"%s\"", kp->name,
		    OCSP_response_status_str(status));
	else if ((basic = OCSP_response_get1_basic(resp)) == NULL ||
	    (one = staple_find(basic, x)) == NULL)
		snprintf(err, errlen, "keypair \"%s\": ocsp: not about this "
		    "certificate", kp->name);
	else {
		OCSP_single_get0_status(one, NULL, NULL, NULL, &next);
		if (next != NULL && X509_cmp_current_time(next) < 0)
			log_warnx("keypair \"%s\": the OCSP response has "
			    "expired", kp->name);
	}
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
	ERR_clear_error();
	return (one != NULL ? 0 : -1);
}

/* The first is the default, further ones are chosen by SNI. */
static int
config_add(struct tls_config *cfg, const struct conf_keypair *kp,
    int is_default, char *err, size_t errlen)
{
	int	rv;

	if (!is_default)
		rv = tls_config_add_keypair_ocsp_mem(cfg, kp->cert,
		    kp->certlen, NULL, 0, kp->ocsp, kp->ocsplen);
	else if ((rv = tls_config_set_cert_mem(cfg, kp->cert,
	    kp->certlen)) == 0 && kp->ocsp != NULL)
		rv = tls_config_set_ocsp_staple_mem(cfg, kp->ocsp,
		    kp->ocsplen);
	if (rv == -1)
		snprintf(err, errlen, "keypair \"%s\": %s", kp->name,
		    tls_config_error(cfg));
	return (rv);
}

static int
config_keypair(struct tls_config *cfg, const struct conf_keypair *kp,
    size_t i, struct names *ns, char *err, size_t errlen)
{
	X509	*x;
	int	 rv = -1;

	if ((x = leaf_read(kp)) == NULL) {
		snprintf(err, errlen, "keypair \"%s\": the certificate is "
		    "not a certificate in PEM", kp->name);
		return (-1);
	}
	if (names_add_cert(ns, x, i) == -1)
		snprintf(err, errlen, "out of memory");
	else if (staple_check(kp, x, err, errlen) == 0)
		rv = config_add(cfg, kp, i == 0, err, errlen);
	X509_free(x);
	return (rv);
}

static int
config_fill(struct tls_config *cfg, const struct conf *c,
    const struct conf_listen *l, char *err, size_t errlen)
{
	const struct conf_keypair	*kp;
	struct names			 ns = { NULL, 0 };
	uint32_t			 protocols = 0;
	size_t				 i;
	int				 rv = -1;

	if (l->flags & LISTEN_TLS12)
		protocols |= TLS_PROTOCOL_TLSv1_2;
	if (l->flags & LISTEN_TLS13)
		protocols |= TLS_PROTOCOL_TLSv1_3;
	if (l->nkeypairs == 0 || protocols == 0) {
		snprintf(err, errlen, "listen on %s: tls without %s", l->name,
		    protocols == 0 ? "protocols" : "a keypair");
		return (-1);
	}
	tls_config_use_fake_private_key(cfg);
	/* no session lifetime: neither tickets nor a session cache */
	if (tls_config_set_protocols(cfg, protocols) == -1 ||
	    tls_config_set_ciphers(cfg, TLS_CIPHERS) == -1) {
		snprintf(err, errlen, "listen on %s: %s", l->name,
		    tls_config_error(cfg));
		return (-1);
	}
	for (i = 0; i < l->nkeypairs; i++) {
		kp = conf_find_keypair_id(c, l->keypairs[i]);
		if (kp == NULL) {
			snprintf(err, errlen, "listen on %s: no such keypair",
			    l->name);
			goto done;
		}
		if (config_keypair(cfg, kp, i, &ns, err, errlen) == -1)
			goto done;
	}
	rv = names_check(c, l, &ns, err, errlen);
	if (rv == 0)
		rv = tls_client_config(cfg, l, err, errlen);
done:
	names_free(&ns);
	return (rv);
}

/*
 * The context that the listener's connections are accepted with, or NULL
 * and one line in err.  It must live as long as any of them is still in its
 * handshake, not longer.
 */
struct tls *
tls_listener_new(const struct conf *c, const struct conf_listen *l, char *err,
    size_t errlen)
{
	struct tls_config	*cfg;
	struct tls		*tls = NULL;

	if ((cfg = tls_config_new()) == NULL) {
		snprintf(err, errlen, "out of memory");
		return (NULL);
	}
	if (config_fill(cfg, c, l, err, errlen) == 0) {
		if ((tls = tls_server()) == NULL)
			snprintf(err, errlen, "out of memory");
		else if (tls_configure(tls, cfg) == -1) {
			snprintf(err, errlen, "listen on %s: %s", l->name,
			    tls_error(tls));
			tls_free(tls);
			tls = NULL;
		}
	}
	tls_config_free(cfg);
	return (tls);
}
