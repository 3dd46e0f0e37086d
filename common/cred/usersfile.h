/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * One line of a users file (wampd.users(5)): one proof of one principal.
 */
#ifndef WAMPD_USERSFILE_H
#define WAMPD_USERSFILE_H

#include <stddef.h>
#include <stdint.h>

#define USERS_LINE_MAX	 8192	/* octets of a line */
#define USERS_NAME_MAX	 256	/* of an authid, of a role */
#define USERS_SALT_MAX	 64
#define USERS_HASH_MAX	 64	/* of a ticket's hash, a derived WAMP-CRA key */
#define USERS_SECRET_MAX 256	/* of a WAMP-CRA secret without salt */
#define USERS_KEYS_MAX	 16	/* keys or certificates of a line */
#define USERS_KEY_LEN	 32	/* one of those, and SCRAM's StoredKey */

struct users_line {
	/*
	 * AUTH_* bits: one, but a scram line has those of the dialects that
	 * its kdf speaks.
	 */
	uint32_t	 methods;
	uint8_t		 kdf;		/* scram: enum scram_kdf, else 0 */
	uint32_t	 iterations;	/* 0: none */
	uint32_t	 memory;	/* of Argon2, KiB, else 0 */
	uint32_t	 parallel;	/* p of a ticket's Argon2, else 0 */
	size_t		 authidlen, rolelen, saltlen, secretlen;
	char		 authid[USERS_NAME_MAX + 1];	/* without quotes */
	char		 role[USERS_NAME_MAX + 1];
	uint8_t		 salt[USERS_SALT_MAX];	/* of wampcra: the text */
	/*
	 * ticket: the hash; wampcra: the secret or, if there is a salt, the
	 * derived key; scram: StoredKey and ServerKey; cryptosign, tls:
	 * public keys, hashes of certificates.
	 */
	uint8_t		 secret[USERS_KEYS_MAX * USERS_KEY_LEN];
};

/*
 * Parse a line, which has no newline (a carriage return at its end is
 * dropped).  1: a proof; 0: blank or a comment; -1 and what is wrong in err,
 * which quotes nothing of the line.  *l may hold secrets in any case:
 * users_line_clear() wipes them.
 */
int		 users_line_parse(const char *, size_t, struct users_line *l,
		    char *err, size_t);
void		 users_line_clear(struct users_line *);
/*
 * The text of a line without a newline, which parses to the same.  Its
 * length, or -1: it does not fit, or is nothing that may stand in a line.
 */
int		 users_line_print(const struct users_line *, char *, size_t);
/* The method's name in the file by any of its bits, or NULL. */
const char	*users_method_name(uint32_t);

#endif /* WAMPD_USERSFILE_H */
