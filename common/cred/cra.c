/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP-CRA.
 */
#include <openssl/crypto.h>

#include <string.h>

#include "cra.h"
#include "credtext.h"
#include "kdf.h"

void
cra_sign(const void *key, size_t keylen, const char *challenge,
    char out[CRA_SIGLEN + 1])
{
	uint8_t	mac[KDF_HMACLEN];

	out[0] = '\0';
	if (kdf_hmac(key, keylen, challenge, strlen(challenge), mac) == -1)
		return;
	(void)cred_b64_encode(mac, sizeof(mac), out, CRA_SIGLEN + 1);
	explicit_bzero(mac, sizeof(mac));
}

int
cra_derive(const char *secret, const char *salt, uint32_t iterations,
    uint32_t keylen, char *out, size_t outsize)
{
	uint8_t	key[CRA_KEYLEN_MAX];
	int	ret = -1;

	if (keylen == 0 || keylen > sizeof(key))
		return (-1);
	if (kdf_pbkdf2(secret, strlen(secret), salt, strlen(salt),
	    iterations, key, keylen) == 0)
		ret = cred_b64_encode(key, keylen, out, outsize);
	explicit_bzero(key, sizeof(key));
	return (ret);
}

int
cra_check(const void *key, size_t keylen, const char *challenge,
    const char *signature, size_t len)
{
	char	right[CRA_SIGLEN + 1];
	int	ok;

	cra_sign(key, keylen, challenge, right);
	ok = right[0] != '\0' && len == CRA_SIGLEN &&
	    CRYPTO_memcmp(right, signature, CRA_SIGLEN) == 0;
	explicit_bzero(right, sizeof(right));
	return (ok);
}
