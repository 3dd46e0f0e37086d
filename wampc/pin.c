/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Pinned public keys: "sha256:" and the hash of the SubjectPublicKeyInfo
 * (RFC 5280, 4.1), in hexadecimal or base64.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "tlsa.h"
#include "wampc.h"

#define PREFIX		"sha256:"
#define BASE64_LEN	44

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c = (char)tolower((unsigned char)c);
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

static int
from_hex(uint8_t hash[PIN_LEN], const char *p)
{
	size_t	i;
	int	hi, lo;

	for (i = 0; i < PIN_LEN; i++) {
		if ((hi = nibble(p[2 * i])) == -1 ||
		    (lo = nibble(p[2 * i + 1])) == -1)
			return (-1);
		hash[i] = (uint8_t)(hi << 4 | lo);
	}
	return (0);
}

static void
to_base64(char out[BASE64_LEN + 1], const uint8_t hash[PIN_LEN])
{
	EVP_EncodeBlock((unsigned char *)out, hash, PIN_LEN);
}

/* Only the text that we would write ourselves. */
static int
from_base64(uint8_t hash[PIN_LEN], const char *p)
{
	unsigned char	buf[PIN_LEN + 1];
	char		again[BASE64_LEN + 1];

	if (EVP_DecodeBlock(buf, (const unsigned char *)p, BASE64_LEN) !=
	    PIN_LEN + 1)
		return (-1);
	memcpy(hash, buf, PIN_LEN);
	to_base64(again, hash);
	return (strcmp(again, p) == 0 ? 0 : -1);
}

const char *
pin_add(struct pins *pins, const char *text)
{
	size_t	len;
	int	rc = -1;

	if (pins->n == PIN_MAX)
		return ("too many of them");
	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return ("does not begin with \"" PREFIX "\"");
	text += strlen(PREFIX);
	len = strlen(text);
	if (len == (size_t)2 * PIN_LEN)
		rc = from_hex(pins->hash[pins->n], text);
	else if (len == BASE64_LEN)
		rc = from_base64(pins->hash[pins->n], text);
	if (rc == -1)
		return ("must be 64 hexadecimal digits or 44 characters of "
		    "base64");
	pins->n++;
	return (NULL);
}

int
pin_check(const struct pins *pins, struct x509_st *leaf, char *why,
    size_t size)
{
	uint8_t	hash[TLSA_MAXDATA];
	char	text[BASE64_LEN + 1];
	size_t	i;

	if (tlsa_hash(leaf, TLSA_SPKI, TLSA_SHA256, hash) != PIN_LEN) {
		snprintf(why, size, "its key cannot be hashed");
		return (-1);
	}
	for (i = 0; i < pins->n; i++)
		if (memcmp(pins->hash[i], hash, PIN_LEN) == 0)
			return (0);
	to_base64(text, hash);
	snprintf(why, size, "its key, " PREFIX "%s, is not pinned", text);
	return (-1);
}
