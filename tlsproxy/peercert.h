/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the keeper is told of a client's certificate.
 */
#ifndef WAMPD_PEERCERT_H
#define WAMPD_PEERCERT_H

#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

#include "msgtypes.h"

struct tls;

#define PEERCERT_MAXSUBJECT	AUTH_MAXSUBJECT	/* octets */
#define PEERCERT_MAXSANS	AUTH_MAXSANS	/* octets, NULs included */

/* One allocation; free(3). */
struct peercert {
	uint8_t		 hash[32];	/* SHA-256 of the certificate */
	uint16_t	 subjectlen;	/* 0: none that can be shown */
	uint16_t	 sanslen;
	char		 text[];	/* subject; alternative names, "dns:x",
					 * each with a NUL */
};

/*
 * The certificate that the peer of a finished handshake proved to have.
 * NULL if there is none, or without memory.
 */
struct peercert	*peercert_new(struct tls *);

/* All of it for a log line, what is too long cut off.  Returns buf. */
#define PEERCERT_TEXT	1024
char		*peercert_text(const struct peercert *, char *, size_t);

/*
 * A distinguished name as text that no other name has: "/CN=x/O=y", in the
 * order of the certificate, "+" instead of "/" inside an RDN of several
 * attributes, and a backslash before a "/", "+", "*" or backslash inside a
 * value.  Types have OpenSSL's short names, else numbers.  Terminated.
 * Returns the length, or -1: too long, or not text (a NUL or another control
 * character, not UTF-8).
 */
int		 peercert_name(const X509_NAME *, char *, size_t);

/*
 * The subject alternative names of the kinds dns (in lower case), email, uri
 * and ip as in struct peercert.  Names with other octets than visible ASCII
 * are left out, and those that do not fit, which are counted in *nleft.
 * Returns the octets used.
 */
size_t		 peercert_sans(X509 *, char *, size_t, unsigned int *nleft);

#endif /* WAMPD_PEERCERT_H */
