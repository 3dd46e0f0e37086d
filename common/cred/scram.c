/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * SCRAM's arithmetic.  Who may log in, and which answers are in time, is
 * decided elsewhere.
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credtext.h"
#include "kdf.h"
#include "scram.h"

static const char *const	kdf_names[] = {
	[SCRAM_PBKDF2] = "pbkdf2",
	[SCRAM_ARGON2ID13] = "argon2id13",
	[SCRAM_ARGON2ID13_AUTOBAHN] = "argon2id-13"
};

const char *
scram_kdf_name(enum scram_kdf kdf)
{
	return (kdf_names[kdf]);
}

int
scram_kdf_parse(const char *s, size_t len)
{
	int	i;

	for (i = SCRAM_PBKDF2; i <= SCRAM_ARGON2ID13_AUTOBAHN; i++)
		if (strlen(kdf_names[i]) == len &&
		    memcmp(kdf_names[i], s, len) == 0)
			return (i);
	return (0);
}

int
scram_kdf_speaks(enum scram_kdf kdf, enum scram_dialect dialect)
{
	switch (kdf) {
	case SCRAM_PBKDF2:
		return (1);
	case SCRAM_ARGON2ID13:
		return (dialect == SCRAM_SPEC);
	case SCRAM_ARGON2ID13_AUTOBAHN:
		return (dialect == SCRAM_AUTOBAHN);
	}
	return (0);
}

/* RFC 5802, 5.1: "," and "=" of a saslname. */
static char *
escape(const char *s)
{
	char	*out, *o;

	if (strlen(s) > SIZE_MAX / 4 ||
	    (out = o = malloc(strlen(s) * 3 + 1)) == NULL)
		return (NULL);
	for (; *s != '\0'; s++) {
		if (*s != ',' && *s != '=') {
			*o++ = *s;
			continue;
		}
		memcpy(o, *s == ',' ? "=2C" : "=3D", 3);
		o += 3;
	}
	*o = '\0';
	return (out);
}

/* SASLprep can make a character eighteen times as long (RFC 4013: NFKC). */
static char *
prepared(const char *s)
{
	char	*out;
	size_t	 size, len;

	if ((len = strlen(s)) > 65535)
		return (NULL);
	size = len * 18 + 1;
	if ((out = malloc(size)) == NULL)
		return (NULL);
	if (kdf_saslprep(s, len, out, size) == -1) {
		free(out);
		return (NULL);
	}
	return (out);
}

/* The base64 of gs2-header and channel binding data (RFC 5802, 7). */
static char *
cbind_input(const struct scram_exchange *x)
{
	char	*in = NULL, *out = NULL;
	size_t	 head, size, datalen = 0, namelen;

	namelen = x->cbind_name != NULL ? strlen(x->cbind_name) : 0;
	size = x->cbind_data != NULL ? strlen(x->cbind_data) : 0;
	if (namelen > 65535 || size > 65535 ||
	    (in = malloc(namelen + size + 8)) == NULL)
		return (NULL);
	head = (size_t)snprintf(in, namelen + 5, "%s%s,,",
	    x->cbind_name ? "p=" : "n", x->cbind_name ? x->cbind_name : "");
	if (x->cbind_data != NULL && cred_b64_decode(x->cbind_data, size,
	    in + head, size, &datalen) == -1)
		goto done;
	size = CRED_B64_SIZE(head + datalen);
	if ((out = malloc(size)) != NULL)
		(void)cred_b64_encode(in, head + datalen, out, size);
done:
	free(in);
	return (out);
}

char *
scram_auth_message(const struct scram_exchange *x)
{
	char	*name, *cbind, *msg = NULL;

	if (x->dialect == SCRAM_AUTOBAHN) {
		name = prepared(x->authid);
		cbind = strdup("");
	} else {
		name = escape(x->authid);
		cbind = cbind_input(x);
	}
	if (name == NULL || cbind == NULL ||
	    asprintf(&msg, "n=%s,r=%s,r=%s,s=%s,i=%u,c=%s,r=%s", name,
	    x->client_nonce, x->nonce, x->salt, x->iterations, cbind,
	    x->nonce) == -1)
		msg = NULL;
	free(name);
	free(cbind);
	return (msg);
}

static int
derive(const char *pw, const struct scram_exchange *x, uint8_t out[32])
{
	struct kdf_cost	cost = { x->iterations, x->memory, 1 };
	uint8_t		salt[SCRAM_SALT_MAX];
	size_t		len;

	if (cred_b64_decode(x->salt, strlen(x->salt), salt, sizeof(salt),
	    &len) == -1)
		return (-1);
	if (x->kdf == SCRAM_PBKDF2)
		return (kdf_pbkdf2(pw, strlen(pw), salt, len, x->iterations,
		    out, SCRAM_KEYLEN));
	return (kdf_argon2id(pw, strlen(pw), salt, len, &cost, out,
	    SCRAM_KEYLEN));
}

int
scram_salted(const char *password, const struct scram_exchange *x,
    uint8_t salted[SCRAM_SALTED_MAX], size_t *len)
{
	char	pw[SCRAM_PASSWORD_MAX + 1], text[CRED_B64_SIZE(SCRAM_KEYLEN)];
	uint8_t	raw[SCRAM_KEYLEN];
	int	ret = -1;

	if (x->kdf == SCRAM_ARGON2ID13_AUTOBAHN) {
		if (strlcpy(pw, password, sizeof(pw)) >= sizeof(pw))
			goto done;
	} else if (kdf_saslprep(password, strlen(password), pw,
	    sizeof(pw)) == -1)
		goto done;
	if (pw[0] == '\0' || derive(pw, x, raw) == -1)
		goto done;
	if (x->kdf == SCRAM_ARGON2ID13_AUTOBAHN) {
		(void)cred_b64_encode_nopad(raw, sizeof(raw), text,
		    sizeof(text));
		memcpy(salted, text, *len = SCRAM_SALTED_MAX);
	} else
		memcpy(salted, raw, *len = SCRAM_KEYLEN);
	ret = 0;
done:
	explicit_bzero(pw, sizeof(pw));
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(text, sizeof(text));
	return (ret);
}

static int
sha256(const uint8_t *p, size_t len, uint8_t out[SCRAM_KEYLEN])
{
	if (EVP_Digest(p, len, out, NULL, EVP_sha256(), NULL) == 1)
		return (0);
	ERR_clear_error();
	return (-1);
}

static int
hmac_text(const uint8_t *key, size_t keylen, const char *s,
    uint8_t out[SCRAM_KEYLEN])
{
	return (kdf_hmac(key, keylen, s, strlen(s), out));
}

void
scram_keys(const uint8_t *salted, size_t len, uint8_t client[SCRAM_KEYLEN],
    uint8_t stored[SCRAM_KEYLEN], uint8_t server[SCRAM_KEYLEN])
{
	if (hmac_text(salted, len, "Client Key", client) == -1 ||
	    sha256(client, SCRAM_KEYLEN, stored) == -1 ||
	    hmac_text(salted, len, "Server Key", server) == -1) {
		arc4random_buf(client, SCRAM_KEYLEN);
		arc4random_buf(stored, SCRAM_KEYLEN);
		arc4random_buf(server, SCRAM_KEYLEN);
	}
}

void
scram_proof(const uint8_t client[SCRAM_KEYLEN],
    const uint8_t stored[SCRAM_KEYLEN], const char *auth_message,
    char proof[SCRAM_TEXTLEN + 1])
{
	uint8_t	sig[SCRAM_KEYLEN];
	size_t	i;

	proof[0] = '\0';
	if (hmac_text(stored, SCRAM_KEYLEN, auth_message, sig) == -1)
		return;
	for (i = 0; i < sizeof(sig); i++)
		sig[i] ^= client[i];
	(void)cred_b64_encode(sig, sizeof(sig), proof, SCRAM_TEXTLEN + 1);
}

int
scram_check(const uint8_t stored[SCRAM_KEYLEN], const char *auth_message,
    const char *proof, size_t prooflen)
{
	uint8_t	sig[SCRAM_KEYLEN], client[SCRAM_KEYLEN], got[SCRAM_KEYLEN];
	size_t	i, len;
	int	ok;

	if (cred_b64_decode(proof, prooflen, client, sizeof(client),
	    &len) == -1 || len != sizeof(client) ||
	    hmac_text(stored, SCRAM_KEYLEN, auth_message, sig) == -1)
		return (0);
	for (i = 0; i < sizeof(sig); i++)
		client[i] ^= sig[i];
	ok = sha256(client, sizeof(client), got) == 0 &&
	    CRYPTO_memcmp(got, stored, sizeof(got)) == 0;
	explicit_bzero(client, sizeof(client));
	return (ok);
}

void
scram_signature(const uint8_t server[SCRAM_KEYLEN], const char *auth_message,
    char out[SCRAM_TEXTLEN + 1])
{
	uint8_t	sig[SCRAM_KEYLEN];

	out[0] = '\0';
	if (hmac_text(server, SCRAM_KEYLEN, auth_message, sig) == -1)
		return;
	(void)cred_b64_encode(sig, sizeof(sig), out, SCRAM_TEXTLEN + 1);
}
