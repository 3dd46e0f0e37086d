/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Keys from passwords and the hash below them all, by libcrypto and
 * libargon2.  Nothing here opens a file or starts a thread once
 * cred_prepare() was called.
 */
#ifndef WAMPD_KDF_H
#define WAMPD_KDF_H

#include <stddef.h>
#include <stdint.h>

#define KDF_HMACLEN	32

/* argon2: passes, KiB, lanes, as written in its $-separated strings. */
struct kdf_cost {
	uint32_t	t;
	uint32_t	m;
	uint32_t	p;
};

/*
 * libcrypto fetches algorithms and reads its configuration when first used:
 * call this before a sandbox closes.
 */
void	 cred_prepare(void);

/* HMAC-SHA-256.  -1: libcrypto has no memory. */
int	 kdf_hmac(const void *key, size_t keylen, const void *, size_t len,
	    uint8_t out[KDF_HMACLEN]);
/* RFC 8018, 5.2, with HMAC-SHA-256; at least one iteration.  0 or -1. */
int	 kdf_pbkdf2(const void *pw, size_t pwlen, const void *salt,
	    size_t saltlen, uint32_t iterations, uint8_t *out,
	    size_t outlen);
/*
 * RFC 9106, Argon2id of version 0x13, in this thread whatever the lanes (the
 * result is the same).  What it filled is wiped.  0, or -1: no memory, or
 * parameters that argon2 does not permit (salt of 8 octets, 8 KiB a lane).
 */
int	 kdf_argon2id(const void *pw, size_t pwlen, const void *salt,
	    size_t saltlen, const struct kdf_cost *, uint8_t *out,
	    size_t outlen);
/*
 * RFC 4013, as for stored strings: unassigned characters are not permitted.
 * out is NUL-terminated.  -1: prohibited, not UTF-8, a NUL in it, or it does
 * not fit.
 */
int	 kdf_saslprep(const char *, size_t len, char *out, size_t outsize);

#endif /* WAMPD_KDF_H */
