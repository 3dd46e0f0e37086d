/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * TLSA records and certificates.  Where a record comes from, and whether it
 * is to be believed, is not decided here.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tlsa.h"

static size_t
hash_length(uint8_t matching)
{
	switch (matching) {
	case TLSA_SHA256:
		return (TLSA_SHA256_LEN);
	case TLSA_SHA512:
		return (64);
	default:
		return (0);
	}
}

int
tlsa_parse(struct tlsa *t, const uint8_t *p, size_t len)
{
	size_t	want;

	if (len < 3)
		return (0);
	t->usage = p[0];
	t->selector = p[1];
	t->matching = p[2];
	want = hash_length(t->matching);
	if ((t->usage != TLSA_DANE_TA && t->usage != TLSA_DANE_EE) ||
	    (t->selector != TLSA_CERT && t->selector != TLSA_SPKI) ||
	    want == 0 || len - 3 != want)
		return (0);
	t->len = (uint8_t)want;
	memcpy(t->data, p + 3, want);
	return (1);
}

size_t
tlsa_strongest(struct tlsa *t, size_t n)
{
	size_t	i, j, left = 0;

	/* the higher type is the stronger; a stronger one stays till last */
	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++)
			if (t[j].usage == t[i].usage &&
			    t[j].selector == t[i].selector &&
			    t[j].matching > t[i].matching)
				break;
		if (j == n)
			t[left++] = t[i];
	}
	return (left);
}

size_t
tlsa_hash(X509 *x, uint8_t selector, uint8_t matching,
    uint8_t out[TLSA_MAXDATA])
{
	const EVP_MD	*md;
	unsigned char	*der = NULL;
	unsigned int	 n = 0;
	int		 len;

	if (hash_length(matching) == 0)
		return (0);
	md = matching == TLSA_SHA256 ? EVP_sha256() : EVP_sha512();
	switch (selector) {
	case TLSA_CERT:
		len = i2d_X509(x, &der);
		break;
	case TLSA_SPKI:
		len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
		break;
	default:
		return (0);
	}
	if (len <= 0)
		return (0);
	if (EVP_Digest(der, (size_t)len, out, &n, md, NULL) != 1)
		n = 0;
	OPENSSL_free(der);
	return (n);
}

int
tlsa_matches(const struct tlsa *t, X509 *x)
{
	uint8_t	hash[TLSA_MAXDATA];

	return (tlsa_hash(x, t->selector, t->matching, hash) == t->len &&
	    memcmp(hash, t->data, t->len) == 0);
}
