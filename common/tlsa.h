/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * TLSA records (RFC 6698, RFC 7671): what one says, and whether it speaks
 * of a certificate; SHA-256 of a public key, as it is pinned and published.
 */
#ifndef WAMPD_TLSA_H
#define WAMPD_TLSA_H

#include <stddef.h>
#include <stdint.h>

struct x509_st;

/* RFC 6698, 2.1.1: those that need no authority of the system's. */
#define TLSA_DANE_TA	2
#define TLSA_DANE_EE	3
/* 2.1.2 */
#define TLSA_CERT	0
#define TLSA_SPKI	1
/* 2.1.3 */
#define TLSA_SHA256	1
#define TLSA_SHA512	2

#define TLSA_SHA256_LEN	32
#define TLSA_MAXDATA	64

struct tlsa {
	uint8_t	 usage, selector, matching;
	uint8_t	 len;			/* of data */
	uint8_t	 data[TLSA_MAXDATA];	/* a hash */
};

/*
 * Read RDATA.  Returns 1 for a record that can be used: usage 2 or 3,
 * selector 0 or 1, a SHA-256 or SHA-512 of the right length; 0 for any
 * other, which RFC 7671, 4.1 wants passed over.
 */
int	 tlsa_parse(struct tlsa *, const uint8_t *, size_t);
/*
 * Leave of n records those with the strongest hash for their usage and
 * selector (RFC 7671, 9).  Returns how many are left.
 */
size_t	 tlsa_strongest(struct tlsa *, size_t n);
/*
 * Hash of a certificate, or of its SubjectPublicKeyInfo; returns its
 * length, 0 on failure or for a selector or matching type not above.
 */
size_t	 tlsa_hash(struct x509_st *, uint8_t selector, uint8_t matching,
	    uint8_t out[TLSA_MAXDATA]);
int	 tlsa_matches(const struct tlsa *, struct x509_st *);

#endif /* WAMPD_TLSA_H */
