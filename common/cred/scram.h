/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * SCRAM-SHA-256 (RFC 5802, RFC 7677; WAMP, Salted Challenge Response
 * Authentication), both sides' arithmetic, in two dialects:
 *
 * SCRAM_SPEC is the method "wamp-scram" of the specification, to the letter.
 *
 * SCRAM_AUTOBAHN is the method "scram" of Autobahn|Python and Crossbar.io,
 * as their code does it:
 *   - CHALLENGE.Extra has nonce, kdf, salt, iterations, memory and nothing
 *     else (the client raises on an unknown member, and on a memory of
 *     null); salt and nonce are base64 text;
 *   - the KDFs are called "pbkdf2" and "argon2id-13", with a hyphen; the
 *     latter's SaltedPassword is not the 32 octets but the 43 characters of
 *     their unpadded base64, of the password without SASLprep;
 *   - in AuthMessage, "n=" is the authid by SASLprep without escaping and
 *     "c=" is empty, not base64 of "n,,";
 *   - Crossbar's nonce is the base64 of the client's octets followed by its
 *     own: it starts with the client's text only if that needs no padding;
 *   - AUTHENTICATE carries the proof in base64 and an empty Extra: no nonce;
 *   - WELCOME.authextra.scram_server_signature is the signature in base64.
 * Autobahn|Python's pbkdf2 raises on the text that a salt is (22.7.1), so
 * only its argon2id-13 can be met.
 */
#ifndef WAMPD_SCRAM_H
#define WAMPD_SCRAM_H

#include <stddef.h>
#include <stdint.h>

#define SCRAM_KEYLEN		32
#define SCRAM_TEXTLEN		44	/* base64 of a key */
#define SCRAM_SALTED_MAX	43
#define SCRAM_SALT_MAX		256	/* octets */
#define SCRAM_PASSWORD_MAX	1023	/* octets, prepared */

enum scram_kdf {
	SCRAM_PBKDF2 = 1,
	SCRAM_ARGON2ID13 = 2,
	SCRAM_ARGON2ID13_AUTOBAHN = 3
};

enum scram_dialect {
	SCRAM_SPEC,
	SCRAM_AUTOBAHN
};

/* What the three messages carried; texts as they were in them. */
struct scram_exchange {
	const char		*authid;
	const char		*client_nonce;
	const char		*nonce;		/* the client's and the router's */
	const char		*salt;		/* base64 */
	const char		*cbind_name;	/* or NULL */
	const char		*cbind_data;	/* base64, or NULL */
	uint32_t		 iterations;
	uint32_t		 memory;	/* KiB; argon2 only */
	enum scram_kdf		 kdf;
	enum scram_dialect	 dialect;
};

/* "pbkdf2", "argon2id13", "argon2id-13". */
const char	*scram_kdf_name(enum scram_kdf);
/* The enum scram_kdf of that name, or 0. */
int		 scram_kdf_parse(const char *, size_t len);
/* Can keys made by the KDF serve that dialect?  pbkdf2's serve both. */
int		 scram_kdf_speaks(enum scram_kdf, enum scram_dialect);

/*
 * AuthMessage, to be freed.  NULL: no memory, an authid that SASLprep does
 * not permit (SCRAM_AUTOBAHN), or cbind_data that is no base64.
 */
char	*scram_auth_message(const struct scram_exchange *);
/*
 * SaltedPassword by the exchange's salt, kdf, iterations and memory; 32
 * octets, or 43 (see above).  0, or -1: a password that SASLprep does not
 * permit or leaves empty, a salt that is no base64, or wrong costs.
 */
int	 scram_salted(const char *password, const struct scram_exchange *,
	    uint8_t salted[SCRAM_SALTED_MAX], size_t *len);
/*
 * ClientKey, StoredKey and ServerKey.  If libcrypto has no memory they are
 * random: nothing fits them.
 */
void	 scram_keys(const uint8_t *salted, size_t len,
	    uint8_t client[SCRAM_KEYLEN], uint8_t stored[SCRAM_KEYLEN],
	    uint8_t server[SCRAM_KEYLEN]);
/* ClientProof in base64; "" if libcrypto has no memory. */
void	 scram_proof(const uint8_t client[SCRAM_KEYLEN],
	    const uint8_t stored[SCRAM_KEYLEN], const char *auth_message,
	    char proof[SCRAM_TEXTLEN + 1]);
/* 1: the proof is right; 0: it is wrong, or no base64 of 32 octets. */
int	 scram_check(const uint8_t stored[SCRAM_KEYLEN],
	    const char *auth_message, const char *proof, size_t prooflen);
/* ServerSignature in base64; "" if libcrypto has no memory. */
void	 scram_signature(const uint8_t server[SCRAM_KEYLEN],
	    const char *auth_message, char out[SCRAM_TEXTLEN + 1]);

#endif /* WAMPD_SCRAM_H */
