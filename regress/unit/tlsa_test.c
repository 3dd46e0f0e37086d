/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * TLSA records: which can be used, which is the strongest, and what of a
 * certificate they speak of.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tlsa.h"

/* Exactly these octets, so that a sanitizer sees a step beyond them. */
static int
parse(const uint8_t *p, size_t len, struct tlsa *t)
{
	uint8_t	*copy;
	int	 rc;

	if ((copy = malloc(len > 0 ? len : 1)) == NULL)
		err(1, NULL);
	memcpy(copy, p, len);
	memset(t, 0xee, sizeof(*t));
	rc = tlsa_parse(t, copy, len);
	free(copy);
	return (rc);
}

/* Every usage, selector, matching type and length. */
static void
test_parse(void)
{
	struct tlsa	t;
	uint8_t		rd[256];
	unsigned int	u, s, m, n = 0;
	size_t		len;
	int		want;

	for (len = 0; len < sizeof(rd); len++)
		rd[len] = (uint8_t)(len * 7 + 1);
	for (u = 0; u < 256; u += u < 6 ? 1 : 83)
		for (s = 0; s < 256; s += s < 4 ? 1 : 63)
			for (m = 0; m < 256; m += m < 5 ? 1 : 50)
				for (len = 0; len <= 140; len++) {
					rd[0] = (uint8_t)u;
					rd[1] = (uint8_t)s;
					rd[2] = (uint8_t)m;
					want = (u == 2 || u == 3) && s <= 1 &&
					    ((m == 1 && len == 35) ||
					    (m == 2 && len == 67));
					if (parse(rd, len, &t) != want)
						errx(1, "%u %u %u of %zu "
						    "octets: want %d", u, s,
						    m, len, want);
					if (!want)
						continue;
					n++;
					if (t.usage != u || t.selector != s ||
					    t.matching != m ||
					    t.len != len - 3 ||
					    memcmp(t.data, rd + 3, t.len) != 0)
						errx(1, "%u %u %u: not as it "
						    "was", u, s, m);
				}
	if (n != 8)
		errx(1, "records that can be used: got %u, want 8", n);
}

/* Noise of any length: never more than what is there is looked at. */
static void
test_noise(void)
{
	struct tlsa	t;
	uint8_t		rd[96];
	unsigned int	i;
	size_t		j, len;

	srandom(7);
	for (i = 0; i < 200000; i++) {
		len = (size_t)random() % (sizeof(rd) + 1);
		for (j = 0; j < len; j++)
			rd[j] = (uint8_t)random();
		if (len > 2 && i % 2) {
			rd[0] = (uint8_t)(2 + random() % 2);
			rd[1] = (uint8_t)(random() % 2);
			rd[2] = (uint8_t)(random() % 4);
		}
		if (parse(rd, len, &t) == 1 && t.len != 32 && t.len != 64)
			errx(1, "noise: a hash of %u octets", t.len);
	}
}

static void
strongest(const char *in, const char *want)
{
	struct tlsa	t[16];
	char		got[64] = "";
	size_t		i, n = 0;

	for (; *in != '\0'; in += in[3] == ' ' ? 4 : 3, n++) {
		memset(&t[n], 0, sizeof(t[n]));
		t[n].usage = (uint8_t)(in[0] - '0');
		t[n].selector = (uint8_t)(in[1] - '0');
		t[n].matching = (uint8_t)(in[2] - '0');
	}
	n = tlsa_strongest(t, n);
	for (i = 0; i < n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got),
		    "%s%u%u%u", i > 0 ? " " : "", t[i].usage, t[i].selector,
		    t[i].matching);
	if (strcmp(got, want) != 0)
		errx(1, "strongest: got %s, want %s", got, want);
}

static void
test_strongest(void)
{
	strongest("", "");
	strongest("311", "311");
	strongest("311 311", "311 311");
	strongest("311 312", "312");
	strongest("312 311 311", "312");
	strongest("311 301 312 201 202", "301 312 202");
	strongest("311 211 302", "311 211 302");
	strongest("211 312 212 311 301", "312 212 301");
}

static X509 *
certificate(void)
{
	EVP_PKEY	*key;
	X509		*x;

	if ((key = EVP_EC_gen("P-256")) == NULL || (x = X509_new()) == NULL ||
	    !X509_set_version(x, 2) || !X509_set_pubkey(x, key) ||
	    !ASN1_INTEGER_set(X509_get_serialNumber(x), 1) ||
	    X509_gmtime_adj(X509_getm_notBefore(x), 0) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(x), 3600) == NULL ||
	    !X509_sign(x, key, EVP_sha256()))
		errx(1, "no certificate");
	EVP_PKEY_free(key);
	return (x);
}

static void
test_hash(void)
{
	X509		*x = certificate(), *other = certificate();
	struct tlsa	 t;
	uint8_t		 hash[TLSA_MAXDATA], want[TLSA_MAXDATA];
	uint8_t		*der = NULL;
	unsigned int	 n;
	uint8_t		 s, m;
	int		 len;

	for (s = 0; s <= 1; s++)
		for (m = 1; m <= 2; m++) {
			memset(&t, 0, sizeof(t));
			t.usage = TLSA_DANE_EE;
			t.selector = s;
			t.matching = m;
			t.len = (uint8_t)tlsa_hash(x, s, m, t.data);
			/* by another way: libcrypto's own digests */
			if (s == TLSA_CERT) {
				n = sizeof(want);
				if (!X509_digest(x, m == 1 ? EVP_sha256() :
				    EVP_sha512(), want, &n))
					errx(1, "X509_digest");
			} else {
				der = NULL;
				len = i2d_PUBKEY(X509_get0_pubkey(x), &der);
				if (len <= 0 || !EVP_Digest(der, (size_t)len,
				    want, &n, m == 1 ? EVP_sha256() :
				    EVP_sha512(), NULL))
					errx(1, "EVP_Digest");
				OPENSSL_free(der);
			}
			if (t.len != n || memcmp(t.data, want, n) != 0)
				errx(1, "hash %u %u differs", s, m);
			if (!tlsa_matches(&t, x) || tlsa_matches(&t, other))
				errx(1, "%u %u: matches", s, m);
			t.data[t.len - 1] ^= 1;
			if (tlsa_matches(&t, x))
				errx(1, "%u %u: the last octet", s, m);
		}
	if (tlsa_hash(x, 2, 1, hash) != 0 || tlsa_hash(x, 1, 0, hash) != 0 ||
	    tlsa_hash(x, 1, 3, hash) != 0)
		errx(1, "a hash of nothing");
	X509_free(x);
	X509_free(other);
}

int
main(void)
{
	test_parse();
	test_noise();
	test_strongest();
	test_hash();
	return (0);
}
