/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Ed25519 by libcrypto.
 */
#include <openssl/err.h>
#include <openssl/evp.h>

#include "cryptosign.h"

int
cryptosign_verify(const uint8_t pub[CRYPTOSIGN_KEYLEN], const uint8_t *msg,
    size_t len, const uint8_t sig[CRYPTOSIGN_SIGLEN])
{
	EVP_PKEY	*key;
	EVP_MD_CTX	*ctx;
	int		 ok;

	key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub,
	    CRYPTOSIGN_KEYLEN);
	ctx = EVP_MD_CTX_new();
	ok = key != NULL && ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, sig, CRYPTOSIGN_SIGLEN, msg, len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	if (!ok)
		ERR_clear_error();
	return (ok);
}

int
cryptosign_sign(const uint8_t seed[CRYPTOSIGN_KEYLEN], const uint8_t *msg,
    size_t len, uint8_t sig[CRYPTOSIGN_SIGLEN])
{
	EVP_PKEY	*key;
	EVP_MD_CTX	*ctx;
	size_t		 siglen = CRYPTOSIGN_SIGLEN;
	int		 ok;

	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
	    CRYPTOSIGN_KEYLEN);
	ctx = EVP_MD_CTX_new();
	ok = key != NULL && ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, &siglen, msg, len) == 1 &&
	    siglen == CRYPTOSIGN_SIGLEN;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	if (!ok)
		ERR_clear_error();
	return (ok ? 0 : -1);
}

int
cryptosign_public(const uint8_t seed[CRYPTOSIGN_KEYLEN],
    uint8_t pub[CRYPTOSIGN_KEYLEN])
{
	EVP_PKEY	*key;
	size_t		 len = CRYPTOSIGN_KEYLEN;
	int		 ok;

	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
	    CRYPTOSIGN_KEYLEN);
	ok = key != NULL && EVP_PKEY_get_raw_public_key(key, pub, &len) == 1 &&
	    len == CRYPTOSIGN_KEYLEN;
	EVP_PKEY_free(key);
	if (!ok)
		ERR_clear_error();
	return (ok ? 0 : -1);
}
