/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A private Ed25519 key from a file, in any of the forms in which WAMP's
 * users have them: the 32 octets, hexadecimal digits, a key file of
 * Crossbar.io, OpenSSH's own format and PKCS#8 in PEM.  None of them may be
 * encrypted.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credtext.h"
#include "cryptosign.h"
#include "wampc.h"

#define KEYFILE_MAX	16384
#define PAIRLEN		(2 * CRYPTOSIGN_KEYLEN)	/* seed, public key */
#define ENCRYPTED	"is encrypted; give a key without passphrase"
#define BROKEN		"is damaged"

/* The public key behind a seed must be the seed's. */
static const char *
take_pair(const uint8_t pair[PAIRLEN], uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	uint8_t	pub[CRYPTOSIGN_KEYLEN];

	if (cryptosign_public(pair, pub) == -1)
		return ("libcrypto failed");
	if (memcmp(pub, pair + CRYPTOSIGN_KEYLEN, sizeof(pub)) != 0)
		return ("the public key in it is another one's");
	memcpy(seed, pair, CRYPTOSIGN_KEYLEN);
	return (NULL);
}

/* -- hexadecimal -------------------------------------------------------- */

static const char *
take_hex(const char *s, size_t len, uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	uint8_t		 pair[PAIRLEN];
	const char	*why;

	if (cred_hex_decode(s, len, seed, CRYPTOSIGN_KEYLEN) == 0)
		return (NULL);
	if (cred_hex_decode(s, len, pair, PAIRLEN) == -1)
		return ("holds no Ed25519 key in a form that is known");
	why = take_pair(pair, seed);
	explicit_bzero(pair, sizeof(pair));
	return (why);
}

/* "private-key-ed25519: <digits>", or nothing but digits */
static const char *
from_text(const char *s, uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	static const char	 tag[] = "private-key-ed25519:";
	static const char	 space[] = " \t\r\n";
	const char		*p;

	if ((p = strstr(s, tag)) != NULL && (p == s || p[-1] == '\n')) {
		p += strlen(tag);
		p += strspn(p, " \t");
		return (take_hex(p, strcspn(p, space), seed));
	}
	s += strspn(s, space);
	p = s + strcspn(s, space);
	if (p[strspn(p, space)] != '\0')
		return ("holds no Ed25519 key in a form that is known");
	return (take_hex(s, (size_t)(p - s), seed));
}

/* -- OpenSSH ------------------------------------------------------------ */

/* What is left of the octets of a key (PROTOCOL.key of OpenSSH). */
struct span {
	const uint8_t	*p;
	size_t		 len;
};

static int
get_u32(struct span *s, uint32_t *n)
{
	if (s->len < 4)
		return (-1);
	*n = (uint32_t)s->p[0] << 24 | (uint32_t)s->p[1] << 16 |
	    (uint32_t)s->p[2] << 8 | s->p[3];
	s->p += 4;
	s->len -= 4;
	return (0);
}

static int
get_string(struct span *s, struct span *out)
{
	uint32_t	n;

	if (get_u32(s, &n) == -1 || n > s->len)
		return (-1);
	out->p = s->p;
	out->len = n;
	s->p += n;
	s->len -= n;
	return (0);
}

static int
is_text(const struct span *s, const char *text)
{
	return (s->len == strlen(text) && memcmp(s->p, text, s->len) == 0);
}

static const char *
openssh_secret(struct span s, uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	struct span	type, pub, pair;
	uint32_t	check1, check2;

	if (get_u32(&s, &check1) == -1 || get_u32(&s, &check2) == -1 ||
	    check1 != check2 || get_string(&s, &type) == -1)
		return (BROKEN);
	if (!is_text(&type, "ssh-ed25519"))
		return ("is of another type than Ed25519");
	if (get_string(&s, &pub) == -1 || get_string(&s, &pair) == -1 ||
	    pub.len != CRYPTOSIGN_KEYLEN || pair.len != PAIRLEN ||
	    memcmp(pub.p, pair.p + CRYPTOSIGN_KEYLEN, pub.len) != 0)
		return (BROKEN);
	return (take_pair(pair.p, seed));
}

static const char *
openssh_key(struct span s, uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	static const char	magic[] = "openssh-key-v1";	/* and NUL */
	struct span		cipher, kdf, options, pub, secret;
	uint32_t		nkeys;

	if (s.len < sizeof(magic) || memcmp(s.p, magic, sizeof(magic)) != 0)
		return (BROKEN);
	s.p += sizeof(magic);
	s.len -= sizeof(magic);
	if (get_string(&s, &cipher) == -1 || get_string(&s, &kdf) == -1 ||
	    get_string(&s, &options) == -1 || get_u32(&s, &nkeys) == -1)
		return (BROKEN);
	if (!is_text(&cipher, "none") || !is_text(&kdf, "none"))
		return (ENCRYPTED);
	if (nkeys != 1 || get_string(&s, &pub) == -1 ||
	    get_string(&s, &secret) == -1)
		return (BROKEN);
	return (openssh_secret(secret, seed));
}

/* The base64 between the two lines. */
static const char *
from_openssh(const char *body, uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	uint8_t		 octets[KEYFILE_MAX];
	char		 text[KEYFILE_MAX];
	const char	*end, *why = BROKEN;
	struct span	 s;
	size_t		 n = 0;

	if ((end = strstr(body, "-----END OPENSSH PRIVATE KEY-----")) == NULL)
		return (BROKEN);
	for (; body < end && n < sizeof(text); body++)
		if (*body != '\n' && *body != '\r')
			text[n++] = *body;
	if (cred_b64_decode(text, n, octets, sizeof(octets), &s.len) == 0) {
		s.p = octets;
		why = openssh_key(s, seed);
	}
	explicit_bzero(text, sizeof(text));
	explicit_bzero(octets, sizeof(octets));
	return (why);
}

/* -- PKCS#8 ------------------------------------------------------------- */

static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return (-1);
}

static const char *
from_pem(const char *text, uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	EVP_PKEY	*key = NULL;
	BIO		*bio;
	const char	*why = BROKEN;
	size_t		 len = CRYPTOSIGN_KEYLEN;

	if ((bio = BIO_new_mem_buf(text, (int)strlen(text))) == NULL)
		return ("out of memory");
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (key != NULL && EVP_PKEY_base_id(key) != EVP_PKEY_ED25519)
		why = "is of another type than Ed25519";
	else if (key != NULL &&
	    EVP_PKEY_get_raw_private_key(key, seed, &len) == 1 &&
	    len == CRYPTOSIGN_KEYLEN)
		why = NULL;
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return (why);
}

/* -- all of them -------------------------------------------------------- */

static const char *
from_octets(char *buf, size_t len, uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	static const char	ssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";

	if (len == CRYPTOSIGN_KEYLEN) {
		memcpy(seed, buf, len);
		return (NULL);
	}
	buf[len] = '\0';
	if (strncmp(buf, ssh, strlen(ssh)) == 0)
		return (from_openssh(buf + strlen(ssh), seed));
	if (strstr(buf, "-----BEGIN ENCRYPTED PRIVATE KEY-----") != NULL)
		return (ENCRYPTED);
	if (strstr(buf, "-----BEGIN ") != NULL)
		return (from_pem(buf, seed));
	return (from_text(buf, seed));
}

int
keyfile_read(const char *path, uint8_t seed[32], char *why, size_t whysize)
{
	char		 buf[KEYFILE_MAX + 1];
	const char	*wrong;
	size_t		 len;

	if (secret_file(path, buf, KEYFILE_MAX, &len, why, whysize) == -1)
		return (-1);
	wrong = from_octets(buf, len, seed);
	explicit_bzero(buf, sizeof(buf));
	if (wrong == NULL)
		return (0);
	explicit_bzero(seed, CRYPTOSIGN_KEYLEN);
	snprintf(why, whysize, "%s: %s", path, wrong);
	return (-1);
}
