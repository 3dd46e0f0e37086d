/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP-CRA (WAMP, Challenge Response Authentication): HMAC-SHA-256 of the
 * challenge by a shared secret or by a key derived from it.
 */
#ifndef WAMPD_CRA_H
#define WAMPD_CRA_H

#include <stddef.h>
#include <stdint.h>

#define CRA_SIGLEN	44	/* base64 of 32 octets */
#define CRA_KEYLEN_MAX	128	/* octets of a derived key */

/* The signature, or "" if libcrypto has no memory. */
void	 cra_sign(const void *key, size_t keylen, const char *challenge,
	    char out[CRA_SIGLEN + 1]);
/*
 * The key of a salted secret (WAMP-CRA, Password Salting): PBKDF2 with the
 * salt's characters, then base64.  Those characters are the key that
 * cra_sign() takes: the specification does not say so, all implementations
 * do.  0, or -1: keylen is 0 or over CRA_KEYLEN_MAX, no iterations, or out
 * is too small (CRED_B64_SIZE(keylen)).
 */
int	 cra_derive(const char *secret, const char *salt,
	    uint32_t iterations, uint32_t keylen, char *out,
	    size_t outsize);
/* 1: it is the challenge's signature by this key.  In constant time. */
int	 cra_check(const void *key, size_t keylen, const char *challenge,
	    const char *signature, size_t len);

#endif /* WAMPD_CRA_H */
