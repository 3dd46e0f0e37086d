/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A client's certificate as the keeper judges it: hash, subject, alternative
 * names.  Whether it is to be believed was libtls's question; here it only
 * becomes text, in a form in which no name can look like another.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>

#include "log.h"
#include "peercert.h"
#include "utf8.h"

#define HASH_PREFIX	"SHA256:"

struct text {
	char	*buf;
	size_t	 len, size;
};

static int
text_put(struct text *t, const void *p, size_t len)
{
	if (len > t->size - t->len)
		return (-1);
	memcpy(t->buf + t->len, p, len);
	t->len += len;
	return (0);
}

/* -- subject ------------------------------------------------------------ */

/* A short name that is a word, else the number. */
static int
put_type(struct text *t, const ASN1_OBJECT *obj)
{
	char		 number[128];
	const char	*name, *p;
	int		 nid = OBJ_obj2nid(obj), len;

	if (nid != NID_undef && (name = OBJ_nid2sn(nid)) != NULL) {
		for (p = name; isalnum((unsigned char)*p) || *p == '-'; p++)
			;
		if (*p == '\0' && p != name)
			return (text_put(t, name, strlen(name)));
	}
	len = OBJ_obj2txt(number, sizeof(number), obj, 1);
	if (len <= 0 || (size_t)len >= sizeof(number))
		return (-1);
	return (text_put(t, number, (size_t)len));
}

/* C0, DEL, and C1 in UTF-8. */
static int
is_control(const uint8_t *p, size_t left)
{
	return (p[0] < ' ' || p[0] == 0x7f ||
	    (p[0] == 0xc2 && left > 1 && p[1] < 0xa0));
}

static int
put_value(struct text *t, const ASN1_STRING *s)
{
	uint8_t	*p;
	int	 len, rv = 0;
	size_t	 i, n;

	if ((len = ASN1_STRING_to_UTF8(&p, s)) < 0)
		return (-1);
	n = (size_t)len;
	if (!utf8_ok(p, n))
		rv = -1;
	for (i = 0; i < n && rv == 0; i++) {
		if (is_control(p + i, n - i))
			rv = -1;
		else if (strchr("/+*\\", p[i]) != NULL)
			rv = text_put(t, "\\", 1);
		if (rv == 0)
			rv = text_put(t, p + i, 1);
	}
	OPENSSL_free(p);
	return (rv);
}

int
peercert_name(const X509_NAME *name, char *buf, size_t size)
{
	struct text		 t = { buf, 0, size - 1 };
	const X509_NAME_ENTRY	*e;
	int			 i, rdn = -1;

	for (i = 0; i < X509_NAME_entry_count(name); i++) {
		e = X509_NAME_get_entry(name, i);
		if (text_put(&t, X509_NAME_ENTRY_set(e) == rdn ? "+" : "/",
		    1) == -1 ||
		    put_type(&t, X509_NAME_ENTRY_get_object(e)) == -1 ||
		    text_put(&t, "=", 1) == -1 ||
		    put_value(&t, X509_NAME_ENTRY_get_data(e)) == -1) {
			ERR_clear_error();
			return (-1);
		}
		rdn = X509_NAME_ENTRY_set(e);
	}
	buf[t.len] = '\0';
	return ((int)t.len);
}

/* -- subject alternative names ------------------------------------------ */

/* Returns the length, 0 if it is none of ours. */
static size_t
san_text(const GENERAL_NAME *gn, char *buf, size_t size)
{
	const ASN1_STRING	*s;
	const uint8_t		*p;
	const char		*kind;
	char			 ip[INET6_ADDRSTRLEN];
	size_t			 i, len, n;

	switch (gn->type) {
	case GEN_DNS:
		kind = "dns:";
		s = gn->d.dNSName;
		break;
	case GEN_EMAIL:
		kind = "email:";
		s = gn->d.rfc822Name;
		break;
	case GEN_URI:
		kind = "uri:";
		s = gn->d.uniformResourceIdentifier;
		break;
	case GEN_IPADD:
		s = gn->d.iPAddress;
		len = (size_t)ASN1_STRING_length(s);
		if ((len != 4 && len != 16) || inet_ntop(len == 4 ? AF_INET :
		    AF_INET6, ASN1_STRING_get0_data(s), ip, sizeof(ip)) ==
		    NULL)
			return (0);
		return ((size_t)snprintf(buf, size, "ip:%s", ip));
	default:
		return (0);
	}
	p = ASN1_STRING_get0_data(s);
	len = (size_t)ASN1_STRING_length(s);
	n = strlen(kind);
	if (len == 0 || len > size - n)
		return (0);
	memcpy(buf, kind, n);
	for (i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] > '~')
			return (0);
		buf[n + i] = gn->type == GEN_DNS ? (char)tolower(p[i]) :
		    (char)p[i];
	}
	return (n + len);
}

size_t
peercert_sans(X509 *x, char *buf, size_t size, unsigned int *nleft)
{
	struct text	 t = { buf, 0, size };
	GENERAL_NAMES	*gens;
	char		 name[PEERCERT_MAXSANS];
	size_t		 len;
	int		 i;

	*nleft = 0;
	gens = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(gens); i++) {
		len = san_text(sk_GENERAL_NAME_value(gens, i), name,
		    sizeof(name));
		if (len == 0 || len + 1 > t.size - t.len) {
			(*nleft)++;
			continue;
		}
		text_put(&t, name, len);
		text_put(&t, "", 1);
	}
	GENERAL_NAMES_free(gens);
	ERR_clear_error();
	return (t.len);
}

/* -- the whole ---------------------------------------------------------- */

/* The peer's own certificate is the first of the chain. */
static X509 *
leaf_read(struct tls *tls)
{
	const uint8_t	*pem;
	size_t		 len;
	X509		*x = NULL;
	BIO		*bio;

	pem = tls_peer_cert_chain_pem(tls, &len);
	if (pem != NULL && len <= INT_MAX &&
	    (bio = BIO_new_mem_buf(pem, (int)len)) != NULL) {
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		BIO_free(bio);
	}
	ERR_clear_error();
	return (x);
}

/* Is it the one that libtls verified? */
static int
leaf_hash(struct tls *tls, X509 *x, uint8_t hash[32])
{
	const char	*text = tls_peer_cert_hash(tls);
	char		 hex[2 * 32 + 1];
	unsigned int	 i, len = 32;

	if (text == NULL || !X509_digest(x, EVP_sha256(), hash, &len) ||
	    len != 32 || strncmp(text, HASH_PREFIX,
	    sizeof(HASH_PREFIX) - 1) != 0)
		return (-1);
	for (i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return (strcmp(text + sizeof(HASH_PREFIX) - 1, hex) == 0 ? 0 : -1);
}

struct peercert *
peercert_new(struct tls *tls)
{
	struct peercert	*pc = NULL;
	X509		*x;
	char		 subject[PEERCERT_MAXSUBJECT + 1];
	char		 sans[PEERCERT_MAXSANS];
	uint8_t		 hash[32];
	size_t		 sanslen;
	unsigned int	 nleft;
	int		 len;

	if (tls_peer_cert_provided(tls) != 1 || (x = leaf_read(tls)) == NULL)
		return (NULL);
	len = peercert_name(X509_get_subject_name(x), subject,
	    sizeof(subject));
	if (len == -1)
		log_debug("client certificate: the subject is not heeded: "
		    "too long, or not text");
	sanslen = peercert_sans(x, sans, sizeof(sans), &nleft);
	if (nleft > 0)
		log_debug("client certificate: %u alternative names are not "
		    "heeded: of another kind, too many, or not visible ASCII",
		    nleft);
	if (leaf_hash(tls, x, hash) == 0 &&
	    (pc = malloc(sizeof(*pc) + (len > 0 ? (size_t)len :
	    0) + sanslen)) !=
	    NULL) {
		memcpy(pc->hash, hash, sizeof(hash));
		pc->subjectlen = len == -1 ? 0 : (uint16_t)len;
		pc->sanslen = (uint16_t)sanslen;
		memcpy(pc->text, subject, pc->subjectlen);
		memcpy(pc->text + pc->subjectlen, sans, sanslen);
	}
	X509_free(x);
	ERR_clear_error();
	return (pc);
}

char *
peercert_text(const struct peercert *pc, char *buf, size_t size)
{
	const char	*san = pc->text + pc->subjectlen;
	const char	*end = san + pc->sanslen;
	char		 vis[512];
	size_t		 i, n;

	n = (size_t)snprintf(buf, size, "fingerprint=" HASH_PREFIX);
	for (i = 0; i < sizeof(pc->hash) && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%02x", pc->hash[i]);
	if (n < size)
		n += (size_t)snprintf(buf + n, size - n, " subject=%s",
		    log_vis(vis, sizeof(vis), pc->text, pc->subjectlen));
	for (; san < end && n < size; san += strlen(san) + 1)
		n += (size_t)snprintf(buf + n, size - n, " name=%s",
		    log_vis(vis, sizeof(vis), san, strlen(san)));
	return (buf);
}
