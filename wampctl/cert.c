/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Certificates, read with the rights of who asks: wampd's parent, which is
 * root, parses none.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "conf.h"
#include "isotime.h"
#include "log.h"
#include "wampctl.h"
#include "xmalloc.h"

#define MAXNAMES	200
#define DAY		86400

/* st may be NULL */
static X509 *
cert_open(const char *path, struct stat *stp, const char **why)
{
	struct stat	 st;
	X509		*x = NULL;
	BIO		*bio;
	char		*text;
	ssize_t		 n;
	int		 fd;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		*why = strerror(errno);
		if (fd != -1)
			close(fd);
		return (NULL);
	}
	if (!S_ISREG(st.st_mode) || st.st_size > CONF_MAXFILE) {
		*why = "is not a regular file of up to 1 MiB";
		close(fd);
		return (NULL);
	}
	text = xcalloc(1, CONF_MAXFILE);
	n = read(fd, text, CONF_MAXFILE);
	close(fd);
	if (n > 0 && (bio = BIO_new_mem_buf(text, (int)n)) != NULL) {
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		BIO_free(bio);
	}
	free(text);
	if (x == NULL)
		*why = "holds no certificate in PEM";
	if (stp != NULL)
		*stp = st;
	return (x);
}

X509 *
cert_read(const char *path, const char **why)
{
	return (cert_open(path, NULL, why));
}

/* -- show certificates -------------------------------------------------- */

static void
put_text(struct enc *e, const char *key, const char *s)
{
	char	clean[4096];

	enc_str(e, key, strlen(key));
	log_vis(clean, sizeof(clean), s, strlen(s));
	enc_str(e, clean, strlen(clean));
}

static void
put_name(struct enc *e, const char *key, X509_NAME *name)
{
	char	text[1024];

	if (name == NULL ||
	    X509_NAME_oneline(name, text, sizeof(text)) == NULL)
		text[0] = '\0';
	put_text(e, key, text);
}

static void
put_time(struct enc *e, const char *key, const ASN1_TIME *t)
{
	char		iso[ISOTIME_LEN + 1];
	struct tm	tm;
	time_t		when;

	memset(&tm, 0, sizeof(tm));
	enc_str(e, key, strlen(key));
	if (ASN1_TIME_to_tm(t, &tm) != 1 || (when = timegm(&tm)) < 0) {
		enc_nil(e);
		return;
	}
	isotime(iso, (uint64_t)when * 1000);
	enc_str(e, iso, strlen(iso));
}

/* The names of hosts in it. */
static void
put_names(struct enc *e, X509 *x)
{
	GENERAL_NAMES		*sans;
	const GENERAL_NAME	*san;
	char			 name[512];
	int			 i, total, n = 0;

	sans = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	total = sk_GENERAL_NAME_num(sans);
	for (i = 0; i < total; i++)
		if (sk_GENERAL_NAME_value(sans, i)->type == GEN_DNS &&
		    n < MAXNAMES)
			n++;
	ENC_KEY(e, "names");
	enc_array(e, (uint32_t)n);
	for (i = 0; i < total && n > 0; i++) {
		san = sk_GENERAL_NAME_value(sans, i);
		if (san->type != GEN_DNS)
			continue;
		log_vis(name, sizeof(name),
		    ASN1_STRING_get0_data(san->d.dNSName),
		    (size_t)ASN1_STRING_length(san->d.dNSName));
		enc_str(e, name, strlen(name));
		n--;
	}
	enc_end(e);
	GENERAL_NAMES_free(sans);
}

/* As wampd.conf(5) writes it. */
static void
put_fingerprint(struct enc *e, X509 *x)
{
	uint8_t		hash[EVP_MAX_MD_SIZE];
	unsigned int	len, i;
	char		text[8 + 2 * EVP_MAX_MD_SIZE] = "SHA256:";

	ENC_KEY(e, "fingerprint");
	if (X509_digest(x, EVP_sha256(), hash, &len) != 1) {
		enc_nil(e);
		return;
	}
	for (i = 0; i < len; i++)
		snprintf(text + 7 + 2 * i, 3, "%02x", hash[i]);
	enc_str(e, text, strlen(text));
}

/* Whole days until it expires, rounded down: -1 means that it has. */
static int
put_days(struct enc *e, X509 *x)
{
	int	days, seconds;

	ENC_KEY(e, "days_left");
	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)) !=
	    1) {
		enc_nil(e);
		return (-1);
	}
	if (seconds < 0)
		days--;
	enc_int(e, days);
	return (days);
}

/* Is it the file that wampd has open? */
static int
is_in_force(const struct val *row, const struct stat *st)
{
	uint64_t	dev, ino, mtime;

	return (row_uint(row, "device", &dev) == 0 &&
	    row_uint(row, "inode", &ino) == 0 &&
	    row_uint(row, "modified", &mtime) == 0 &&
	    dev == (uint64_t)st->st_dev && ino == (uint64_t)st->st_ino &&
	    mtime == (uint64_t)st->st_mtim.tv_sec);
}

static void
put_error(struct enc *e, const char *why)
{
	static const char *const	keys[] = {
		"subject", "issuer", "names", "not_before", "not_after",
		"days_left", "fingerprint", "in_force"
	};
	size_t				i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		enc_str(e, keys[i], strlen(keys[i]));
		enc_nil(e);
	}
	put_text(e, "error", why);
	enc_end(e);
}

int
cert_row(const struct val *row, struct wbuf *w)
{
	char		 path[PATH_MAX], shown[PATH_MAX];
	const char	*why = "has no path";
	struct enc	 e;
	struct stat	 st;
	X509		*x = NULL;
	int		 days;

	row_extend(&e, w, row, 9);
	if (row_text(row, "file", path, sizeof(path)) != -1)
		x = cert_open(path, &st, &why);
	else
		path[0] = '\0';
	log_vis(shown, sizeof(shown), path, strlen(path));
	if (x == NULL) {
		log_warnx("certificate %s: %s", shown, why);
		put_error(&e, why);
		return (-1);
	}
	put_name(&e, "subject", X509_get_subject_name(x));
	put_name(&e, "issuer", X509_get_issuer_name(x));
	put_names(&e, x);
	put_time(&e, "not_before", X509_get0_notBefore(x));
	put_time(&e, "not_after", X509_get0_notAfter(x));
	days = put_days(&e, x);
	put_fingerprint(&e, x);
	ENC_KEY(&e, "in_force");
	enc_bool(&e, is_in_force(row, &st));
	ENC_KEY(&e, "error");
	enc_nil(&e);
	enc_end(&e);
	X509_free(x);
	if (days >= 0)
		return (0);
	log_warnx("certificate %s: has expired", shown);
	return (-1);
}
