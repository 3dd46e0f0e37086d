/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Ed25519 (RFC 8032) as WAMP-Cryptosign uses it (WAMP, Cryptosign-based
 * Authentication): keys are the 32 octets of RFC 8032, 5.1.5, private ones
 * its seed.  What is signed, and in which text it travels, is the caller's.
 */
#ifndef WAMPD_CRYPTOSIGN_H
#define WAMPD_CRYPTOSIGN_H

#include <stddef.h>
#include <stdint.h>

#define CRYPTOSIGN_KEYLEN	32
#define CRYPTOSIGN_SIGLEN	64

/* 1: the signature is the message's by that key; 0: it is not. */
int	 cryptosign_verify(const uint8_t pub[CRYPTOSIGN_KEYLEN],
	    const uint8_t *, size_t len,
	    const uint8_t sig[CRYPTOSIGN_SIGLEN]);
/* 0, or -1: libcrypto has no memory. */
int	 cryptosign_sign(const uint8_t seed[CRYPTOSIGN_KEYLEN],
	    const uint8_t *, size_t len, uint8_t sig[CRYPTOSIGN_SIGLEN]);
int	 cryptosign_public(const uint8_t seed[CRYPTOSIGN_KEYLEN],
	    uint8_t pub[CRYPTOSIGN_KEYLEN]);

#endif /* WAMPD_CRYPTOSIGN_H */
