/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Salted Challenge Response Authentication: method "wamp-scram" to the
 * letter, method "scram" as Autobahn and Crossbar.io speak it.  Neither side
 * learns the other's secret, and each proves that it has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credtext.h"
#include "keeper.h"
#include "scram.h"
#include "users.h"
#include "wamp.h"

#define NONCE_OCTETS	(SCRAM_NONCE / 4 * 3)

static enum scram_dialect
dialect_of(const struct dialogue *d)
{
	return (d->bit == AUTH_WAMP_SCRAM ? SCRAM_SPEC : SCRAM_AUTOBAHN);
}

static int
scram_challenge(struct dialogue *d, const struct ask *q, struct challenge *c)
{
	const struct proof	*p = d->proof;
	uint8_t			 raw[64];
	char			 text[CRED_B64_SIZE(NONCE_OCTETS)];

	arc4random_buf(raw, NONCE_OCTETS);
	cred_b64_encode(raw, NONCE_OCTETS, text, sizeof(text));
	d->u.scram.client_nonce = strndup(q->nonce.p, q->nonce.len);
	if (d->u.scram.client_nonce == NULL)
		return (-1);
	snprintf(c->nonce, sizeof(c->nonce), "%s%s", d->u.scram.client_nonce,
	    text);
	if ((d->u.scram.nonce = strdup(c->nonce)) == NULL)
		return (-1);
	/* a mock salt is always the same for an authid (Initial Client
	 * Authentication Message) */
	dialogue_fake(d, "salt", raw, p->saltlen);
	if (!d->is_fake)
		memcpy(raw, p->salt, p->saltlen);
	cred_b64_encode(raw, p->saltlen, d->u.scram.salt,
	    sizeof(d->u.scram.salt));
	memcpy(c->salt, d->u.scram.salt, sizeof(d->u.scram.salt));
	c->m.kdf = p->kdf;
	c->m.iterations = p->iterations;
	c->m.memory = p->memory;
	return (0);
}

/* {key: value} in MessagePack; both are short. */
static void
extra_make(struct dialogue *d, const char *key, const char *value)
{
	uint8_t	*p = d->extra;
	size_t	 klen = strlen(key), vlen = strlen(value);

	*p++ = 0x81;
	*p++ = (uint8_t)(0xa0 | klen);
	memcpy(p, key, klen);
	p += klen;
	*p++ = 0xd9;
	*p++ = (uint8_t)vlen;
	memcpy(p, value, vlen);
	d->extralen = (size_t)(p + vlen - d->extra);
}

/* The router's own proof, for WELCOME. */
static void
extra_sign(struct dialogue *d, const uint8_t *server, const char *message)
{
	char	text[2 + SCRAM_TEXTLEN + 1] = "v=";

	scram_signature(server, message, text + 2);
	/* the specification's example has "v=" before it, as RFC 5802 */
	if (d->bit == AUTH_WAMP_SCRAM)
		extra_make(d, "verifier", text);
	else
		extra_make(d, "scram_server_signature", text + 2);
}

static enum check
scram_answer(struct dialogue *d, const struct response *r)
{
	const struct proof	*p = d->proof;
	struct scram_exchange	 e;
	uint8_t			 stored[SCRAM_KEYLEN];
	char			*message;
	int			 is_right;

	memset(&e, 0, sizeof(e));
	e.authid = d->authid;
	e.client_nonce = d->u.scram.client_nonce;
	e.nonce = d->u.scram.nonce;
	e.salt = d->u.scram.salt;
	e.iterations = p->iterations;
	e.memory = p->memory;
	e.kdf = (enum scram_kdf)p->kdf;
	e.dialect = dialect_of(d);
	if ((message = scram_auth_message(&e)) == NULL)
		return (CHECK_WRONG);
	/* the neighbour's key opens nothing for somebody else; a random
	 * one is drawn for all, or the time would tell */
	arc4random_buf(stored, sizeof(stored));
	if (!d->is_fake)
		memcpy(stored, p->secret, sizeof(stored));
	is_right = scram_check(stored, message, r->sig.p, r->sig.len);
	/* Final Client Authentication Message: the nonce as it was sent, and
	 * no channel binding, which HELLO cannot have asked for.  Autobahn's
	 * "scram" sends neither. */
	if (!text_is(&r->nonce, d->u.scram.nonce) &&
	    (d->bit == AUTH_WAMP_SCRAM || r->m.noncelen > 0))
		is_right = 0;
	if (r->m.has_cbname || r->m.has_cbdata)
		is_right = 0;
	if (is_right)
		extra_sign(d, p->secret + SCRAM_KEYLEN, message);
	explicit_bzero(stored, sizeof(stored));
	free(message);
	return (is_right ? CHECK_RIGHT : CHECK_WRONG);
}

static void
scram_end(struct dialogue *d)
{
	free(d->u.scram.client_nonce);
	free(d->u.scram.nonce);
}

const struct dialogue_method	 scram_method = {
	scram_challenge, scram_answer, scram_end
};
