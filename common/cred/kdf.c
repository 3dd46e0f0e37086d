/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Keys from passwords.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <argon2.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <stringprep.h>

#include "cra.h"
#include "cryptosign.h"
#include "kdf.h"
#include "scram.h"

void
cred_prepare(void)
{
	struct kdf_cost	cost = { 1, 8, 1 };
	uint8_t		key[32] = { 0 }, pub[32], sig[64], out[32];
	uint8_t		client[32], stored[32], server[32];
	char		text[45];

	(void)kdf_pbkdf2("", 0, "saltsalt", 8, 1, out, sizeof(out));
	(void)kdf_argon2id("", 0, "saltsalt", 8, &cost, out, sizeof(out));
	scram_keys(key, sizeof(key), client, stored, server);
	(void)scram_check(stored, "", text, 0);
	cra_sign(key, sizeof(key), "", text);
	if (cryptosign_public(key, pub) == 0 &&
	    cryptosign_sign(key, out, sizeof(out), sig) == 0) {
		(void)cryptosign_verify(pub, out, sizeof(out), sig);
		sig[0] ^= 1;
		(void)cryptosign_verify(pub, out, sizeof(out), sig);
	}
	ERR_clear_error();
}

int
kdf_hmac(const void *key, size_t keylen, const void *p, size_t len,
    uint8_t out[KDF_HMACLEN])
{
	unsigned int	outlen = 0;

	if (keylen > INT_MAX ||
	    HMAC(EVP_sha256(), keylen > 0 ? key : "", (int)keylen, p, len,
	    out, &outlen) == NULL || outlen != KDF_HMACLEN) {
		ERR_clear_error();
		return (-1);
	}
	return (0);
}

int
kdf_pbkdf2(const void *pw, size_t pwlen, const void *salt, size_t saltlen,
    uint32_t iterations, uint8_t *out, size_t outlen)
{
	if (pwlen > INT_MAX || saltlen > INT_MAX || iterations == 0 ||
	    iterations > INT_MAX || outlen == 0 || outlen > INT_MAX)
		return (-1);
	if (PKCS5_PBKDF2_HMAC(pwlen > 0 ? pw : "", (int)pwlen, salt,
	    (int)saltlen, (int)iterations, EVP_sha256(), (int)outlen,
	    out) != 1) {
		ERR_clear_error();
		return (-1);
	}
	return (0);
}

/*
 * argon2id_ctx() and not argon2id_verify(): that one starts a thread a lane,
 * for which a sandbox kills the process.
 */
int
kdf_argon2id(const void *pw, size_t pwlen, const void *salt, size_t saltlen,
    const struct kdf_cost *cost, uint8_t *out, size_t outlen)
{
	argon2_context	 c;
	uint8_t		*copy;
	int		 error;

	if (pwlen > ARGON2_MAX_PWD_LENGTH / 2 ||
	    saltlen > ARGON2_MAX_SALT_LENGTH / 2 || outlen > UINT32_MAX)
		return (-1);
	/* its pointers are not const: a copy of both */
	if ((copy = malloc(pwlen + saltlen + 1)) == NULL)
		return (-1);
	if (pwlen > 0)
		memcpy(copy, pw, pwlen);
	if (saltlen > 0)
		memcpy(copy + pwlen, salt, saltlen);
	memset(&c, 0, sizeof(c));
	c.out = out;
	c.outlen = (uint32_t)outlen;
	c.pwd = copy;
	c.pwdlen = (uint32_t)pwlen;
	c.salt = copy + pwlen;
	c.saltlen = (uint32_t)saltlen;
	c.t_cost = cost->t;
	c.m_cost = cost->m;
	c.lanes = cost->p;
	c.threads = 1;
	c.version = ARGON2_VERSION_13;
	c.flags = ARGON2_DEFAULT_FLAGS;
	error = argon2id_ctx(&c);
	freezero(copy, pwlen + saltlen + 1);
	return (error == ARGON2_OK ? 0 : -1);
}

int
kdf_saslprep(const char *in, size_t len, char *out, size_t outsize)
{
	if (len >= outsize || memchr(in, '\0', len) != NULL)
		return (-1);
	memcpy(out, in, len);
	out[len] = '\0';
	if (stringprep(out, outsize, STRINGPREP_NO_UNASSIGNED,
	    stringprep_saslprep) != STRINGPREP_OK) {
		explicit_bzero(out, outsize);
		return (-1);
	}
	return (0);
}
