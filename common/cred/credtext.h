/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Octets as text: base64 (RFC 4648, section 4) and hexadecimal, as secrets,
 * salts and signatures are written in messages and in the users file.
 * Nothing is read that its own encoder would not write, letters of
 * hexadecimal digits apart.  Neither branches on what it encodes.
 */
#ifndef WAMPD_CREDTEXT_H
#define WAMPD_CREDTEXT_H

#include <stddef.h>
#include <stdint.h>

/* Room for the base64 of n octets and a NUL, padded or not. */
#define CRED_B64_SIZE(n)	((((n) + 2) / 3) * 4 + 1)

/*
 * Padded, canonical: no white space, unused bits zero (RFC 4648, 3.5).
 * Returns 0, or -1 if it is not that or does not fit, when out is untouched
 * beyond what it held room for and must not be used.
 */
int	 cred_b64_decode(const char *, size_t len, void *out, size_t outsize,
	    size_t *outlen);
/* NUL-terminated; -1: it does not fit. */
int	 cred_b64_encode(const void *, size_t, char *out, size_t outsize);
/* The same without padding: the $-separated strings of argon2. */
int	 cred_b64_decode_nopad(const char *, size_t len, void *out,
	    size_t outsize, size_t *outlen);
int	 cred_b64_encode_nopad(const void *, size_t, char *out,
	    size_t outsize);

/* Exactly 2 * outlen digits of either case: 0, else -1. */
int	 cred_hex_decode(const char *, size_t len, uint8_t *out,
	    size_t outlen);
/* Lower case; out has room for 2 * len + 1. */
void	 cred_hex_encode(const void *, size_t len, char *out);

#endif /* WAMPD_CREDTEXT_H */
