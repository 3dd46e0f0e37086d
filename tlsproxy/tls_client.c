/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Whose client certificates a listener believes ("client ca") and which of
 * them are revoked ("client crl").  libtls takes garbage for either without
 * a word and then refuses everybody: what it is given is read here first.
 * And it judges a certificate once, in the handshake; later CRLs are for us.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>

#include "conf.h"
#include "log.h"
#include "peercert.h"
#include "tls_key.h"

#define CHAIN_MAX	10		/* certificates; libtls takes fewer */
#define WARN_BEFORE	(7 * 24 * 3600)	/* s before something expires */

struct client_files {
	STACK_OF(X509)		*cas;
	STACK_OF(X509_CRL)	*crls;
};

static void
files_free(struct client_files *f)
{
	sk_X509_pop_free(f->cas, X509_free);
	sk_X509_CRL_pop_free(f->crls, X509_CRL_free);
}

/* What is wrong with a block of "client ca", or NULL. */
static const char *
add_ca(struct client_files *f, const char *name, const unsigned char *der,
    long len)
{
	const unsigned char	*p = der;
	X509			*x;

	if (strcmp(name, PEM_STRING_X509) != 0)
		return ("is no certificate");
	if ((x = d2i_X509(NULL, &p, len)) == NULL || p != der + len) {
		X509_free(x);
		return ("is no valid certificate");
	}
	if (X509_check_ca(x) == 0) {
		X509_free(x);
		return ("is not the certificate of a CA");
	}
	if (sk_X509_push(f->cas, x) == 0) {
		X509_free(x);
		return ("out of memory");
	}
	return (NULL);
}

/* The same of "client crl". */
static const char *
add_crl(struct client_files *f, const char *name, const unsigned char *der,
    long len)
{
	const unsigned char	*p = der;
	X509_CRL		*crl;

	if (strcmp(name, PEM_STRING_X509_CRL) != 0)
		return ("is no CRL");
	if ((crl = d2i_X509_CRL(NULL, &p, len)) == NULL || p != der + len) {
		X509_CRL_free(crl);
		return ("is no valid CRL");
	}
	if (sk_X509_CRL_push(f->crls, crl) == 0) {
		X509_CRL_free(crl);
		return ("out of memory");
	}
	return (NULL);
}

/*
 * Each PEM block of a file; there must be one, and add() must take them all.
 * Text between blocks is a comment, as everywhere.
 */
static int
read_blocks(struct client_files *f, const uint8_t *data, size_t datalen,
    const char *(*add)(struct client_files *, const char *,
    const unsigned char *, long), char *why, size_t whylen)
{
	BIO		*bio;
	char		*name, *header;
	const char	*wrong = NULL;
	unsigned char	*der;
	long		 len;
	unsigned int	 n = 0;

	if (datalen > INT_MAX ||
	    (bio = BIO_new_mem_buf(data, (int)datalen)) == NULL) {
		snprintf(why, whylen, "out of memory");
		return (-1);
	}
	ERR_clear_error();
	while (wrong == NULL && PEM_read_bio(bio, &name, &header, &der, &len)) {
		n++;
		wrong = *header != '\0' ? "is encrypted" :
		    add(f, name, der, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	if (wrong == NULL && ERR_GET_REASON(ERR_peek_last_error()) !=
	    PEM_R_NO_START_LINE) {
		n++;
		wrong = "is not PEM";
	}
	ERR_clear_error();
	BIO_free(bio);
	if (wrong != NULL)
		snprintf(why, whylen, "block %u %s", n, wrong);
	else if (n == 0)
		snprintf(why, whylen, "has nothing in PEM");
	return (wrong == NULL && n > 0 ? 0 : -1);
}

static int
files_read(struct client_files *f, const struct conf_listen *l, char *err,
    size_t errlen)
{
	char	why[128];

	f->cas = sk_X509_new_null();
	f->crls = sk_X509_CRL_new_null();
	if (f->cas == NULL || f->crls == NULL)
		snprintf(err, errlen, "out of memory");
	else if (read_blocks(f, l->ca, l->calen, add_ca, why,
	    sizeof(why)) == -1)
		snprintf(err, errlen, "listen on %s: client ca %s: %s",
		    l->name, l->ca_path, why);
	else if (l->crl != NULL && read_blocks(f, l->crl, l->crllen, add_crl,
	    why, sizeof(why)) == -1)
		snprintf(err, errlen, "listen on %s: client crl %s: %s",
		    l->name, l->crl_path, why);
	else
		return (0);
	return (-1);
}

int
tls_client_config(struct tls_config *cfg, const struct conf_listen *l,
    char *err, size_t errlen)
{
	struct client_files	f = { NULL, NULL };
	int			rv;

	if ((l->flags & LISTEN_CLIENT_CA) == 0)
		return (0);
	rv = files_read(&f, l, err, errlen);
	files_free(&f);
	if (rv == -1)
		return (-1);
	if (tls_config_set_ca_mem(cfg, l->ca, l->calen) == -1 ||
	    (l->crl != NULL &&
	    tls_config_set_crl_mem(cfg, l->crl, l->crllen) == -1)) {
		snprintf(err, errlen, "listen on %s: %s", l->name,
		    tls_config_error(cfg));
		return (-1);
	}
	if (l->flags & LISTEN_CLIENT_REQUIRED)
		tls_config_verify_client(cfg);
	else
		tls_config_verify_client_optional(cfg);
	return (0);
}

/* -- who is revoked, though in already ----------------------------------- */

struct client_files *
client_files_new(const struct conf_listen *l, char *err, size_t errlen)
{
	struct client_files	*f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		snprintf(err, errlen, "out of memory");
		return (NULL);
	}
	if (files_read(f, l, err, errlen) == -1) {
		client_files_free(f);
		return (NULL);
	}
	return (f);
}

void
client_files_free(struct client_files *f)
{
	if (f != NULL)
		files_free(f);
	free(f);
}

/* What the client sent, its own first; NULL without memory. */
static STACK_OF(X509) *
chain_read(struct tls *tls)
{
	const uint8_t	*pem;
	size_t		 len;
	STACK_OF(X509)	*chain;
	X509		*x;
	BIO		*bio = NULL;

	pem = tls_peer_cert_chain_pem(tls, &len);
	chain = sk_X509_new_null();
	if (pem != NULL && len <= INT_MAX && chain != NULL)
		bio = BIO_new_mem_buf(pem, (int)len);
	while (bio != NULL && sk_X509_num(chain) < CHAIN_MAX &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(chain, x) == 0) {
			X509_free(x);
			break;
		}
	BIO_free(bio);
	ERR_clear_error();
	return (chain);
}

static X509 *
issuer_find(const STACK_OF(X509) *list, X509 *x)
{
	X509	*ca;
	int	 i;

	for (i = 0; i < sk_X509_num(list); i++) {
		ca = sk_X509_value(list, i);
		if (ca != x && X509_check_issued(ca, x) == X509_V_OK)
			return (ca);
	}
	return (NULL);
}

/* By issuer and serial number; a binary search in each CRL. */
static int
is_named(const struct client_files *f, X509 *x)
{
	X509_REVOKED	*rev;
	int		 i;

	for (i = 0; i < sk_X509_CRL_num(f->crls); i++)
		if (X509_CRL_get0_by_cert(sk_X509_CRL_value(f->crls, i), &rev,
		    x) == 1)
			return (1);
	return (0);
}

int
client_files_revoke(const struct client_files *f, struct tls *tls)
{
	STACK_OF(X509)	*chain = chain_read(tls);
	X509		*x, *ca;
	int		 n, rv = 0;

	x = sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : NULL;
	for (n = 0; x != NULL && n < CHAIN_MAX && !rv; n++) {
		rv = is_named(f, x);
		/* the upper ones need not have been sent */
		if ((ca = issuer_find(chain, x)) == NULL)
			ca = issuer_find(f->cas, x);
		x = ca;
	}
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return (rv);
}

/* -- what will refuse clients, though it can be read --------------------- */

static const char *
name_text(const X509_NAME *name, char *buf, size_t size)
{
	char	text[PEERCERT_MAXSUBJECT + 1];

	if (peercert_name(name, text, sizeof(text)) == -1)
		strlcpy(text, "(a name that cannot be shown)", sizeof(text));
	return (log_vis(buf, size, text, strlen(text)));
}

/* Log when what (file and owner) ends, if it did or will soon. */
static void
warn_end(const char *what, const ASN1_TIME *end, const char *then)
{
	struct tm	tm;
	time_t		soon = time(NULL) + WARN_BEFORE;
	char		date[64];
	int		is_over;

	if (end == NULL || X509_cmp_time(end, &soon) > 0)
		return;
	is_over = X509_cmp_current_time(end) <= 0;
	if (ASN1_TIME_to_tm(end, &tm) != 1 ||
	    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		strlcpy(date, "an unknown time", sizeof(date));
	log_warnx("%s %s on %s: %s", what, is_over ? "expired" : "expires",
	    date, then);
}

static int
is_of_ca(X509_CRL *crl, X509 *ca)
{
	return (X509_NAME_cmp(X509_CRL_get_issuer(crl),
	    X509_get_subject_name(ca)) == 0 &&
	    X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1);
}

/* Is there another of its issuer that is good for longer? */
static int
is_superseded(const struct client_files *f, X509_CRL *crl)
{
	const ASN1_TIME	*end = X509_CRL_get0_nextUpdate(crl), *later;
	X509_CRL	*other;
	int		 i;

	for (i = 0; end != NULL && i < sk_X509_CRL_num(f->crls); i++) {
		other = sk_X509_CRL_value(f->crls, i);
		if (other == crl || X509_NAME_cmp(X509_CRL_get_issuer(other),
		    X509_CRL_get_issuer(crl)) != 0)
			continue;
		later = X509_CRL_get0_nextUpdate(other);
		if (later == NULL || ASN1_TIME_compare(later, end) > 0)
			return (1);
	}
	return (0);
}

/* Its own issuer, or one that is there. */
static int
has_issuer(const struct client_files *f, X509 *ca)
{
	int	i;

	for (i = 0; i < sk_X509_num(f->cas); i++)
		if (X509_check_issued(sk_X509_value(f->cas, i), ca) ==
		    X509_V_OK)
			return (1);
	return (0);
}

/* libtls believes in roots only, and wants a CRL for every CA between the client and the root, and of
 * the root. */
static void
warn_ca(const struct client_files *f, const struct conf_listen *l, X509 *ca)
{
	char	name[256], what[512];
	int	i, n = 0;

	name_text(X509_get_subject_name(ca), name, sizeof(name));
	snprintf(what, sizeof(what), "listen on %s: client ca %s: %s",
	    l->name, l->ca_path, name);
	warn_end(what, X509_get0_notAfter(ca),
	    "nobody with a certificate of this CA gets in after that");
	if (!has_issuer(f, ca))
		log_warnx("%s: its issuer is not in the file: nobody with a "
		    "certificate of this CA gets in", what);
	if (l->crl == NULL)
		return;
	for (i = 0; i < sk_X509_CRL_num(f->crls); i++)
		n += is_of_ca(sk_X509_CRL_value(f->crls, i), ca);
	if (n == 0)
		log_warnx("listen on %s: client crl %s: has no CRL of %s: "
		    "nobody with a certificate of this CA gets in", l->name,
		    l->crl_path, name);
	else if ((X509_get_key_usage(ca) & KU_CRL_SIGN) == 0)
		log_warnx("%s: its key usage does not allow it to sign CRLs: "
		    "nobody with a certificate of this CA gets in", what);
}

void
tls_client_warn(const struct conf_listen *l)
{
	struct client_files	 f = { NULL, NULL };
	X509_CRL		*crl;
	char			 err[256], name[256], what[512];
	int			 i;

	if ((l->flags & LISTEN_CLIENT_CA) != 0 &&
	    files_read(&f, l, err, sizeof(err)) == 0) {
		for (i = 0; i < sk_X509_num(f.cas); i++)
			warn_ca(&f, l, sk_X509_value(f.cas, i));
		for (i = 0; i < sk_X509_CRL_num(f.crls); i++) {
			crl = sk_X509_CRL_value(f.crls, i);
			if (is_superseded(&f, crl))
				continue;
			snprintf(what, sizeof(what), "listen on %s: client "
			    "crl %s: the CRL of %s", l->name, l->crl_path,
			    name_text(X509_CRL_get_issuer(crl), name,
			    sizeof(name)));
			warn_end(what, X509_CRL_get0_nextUpdate(crl),
			    "nobody with a certificate of this CA gets in "
			    "after that");
		}
	}
	files_free(&f);
	ERR_clear_error();
}
