/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Cryptosign-based Authentication: the client signs 32 random octets
 * by an Ed25519 key whose public half is known.  Without channel binding:
 * libtls does not give what it would bind to, so the CHALLENGE has none,
 * whatever HELLO asked for (Challenge: "if the router does not support").
 */
#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

#include "credtext.h"
#include "cryptosign.h"
#include "keeper.h"
#include "users.h"

#define SIG_HEX		128
#define MSG_HEX		64

static int
sign_challenge(struct dialogue *d, const struct ask *q, struct challenge *c)
{
	arc4random_buf(d->u.sign.challenge, sizeof(d->u.sign.challenge));
	cred_hex_encode(d->u.sign.challenge, sizeof(d->u.sign.challenge),
	    c->challenge);
	d->u.sign.has_pubkey = q->m.has_pubkey;
	memcpy(d->u.sign.pubkey, q->m.pubkey, sizeof(d->u.sign.pubkey));
	return (0);
}

/*
 * Signature and message, as the specification has it; the message must be
 * exactly our challenge, or an answer to another one would do (notes: T88).
 * The signature alone is the same proof, and some clients send that.
 */
static int
sig_read(const struct dialogue *d, const struct text *t, uint8_t sig[64])
{
	uint8_t	msg[32];

	if (t->len != SIG_HEX && t->len != SIG_HEX + MSG_HEX)
		return (-1);
	if (cred_hex_decode(t->p, SIG_HEX, sig, 64) == -1)
		return (-1);
	if (t->len == SIG_HEX)
		return (0);
	if (cred_hex_decode(t->p + SIG_HEX, MSG_HEX, msg, sizeof(msg)) == -1)
		return (-1);
	return (CRYPTO_memcmp(msg, d->u.sign.challenge, sizeof(msg)) == 0 ?
	    0 : -1);
}

static int
is_signed(const struct dialogue *d, const uint8_t *key, const uint8_t *sig)
{
	return (cryptosign_verify(key, d->u.sign.challenge,
	    sizeof(d->u.sign.challenge), sig));
}

/* For somebody unknown the neighbour's keys; the verdict is no in any case
 * (dialogue_checked()). */
static enum check
sign_answer(struct dialogue *d, const struct response *r)
{
	const struct proof	*p = d->proof;
	uint8_t			 sig[64];
	int			 i;

	if (sig_read(d, &r->sig, sig) == -1)
		return (CHECK_WRONG);
	if (d->u.sign.has_pubkey) {
		/* verified also if it is nobody's: the time would tell */
		if (!is_signed(d, d->u.sign.pubkey, sig) ||
		    (i = proof_key_index(p, d->u.sign.pubkey)) == -1)
			return (CHECK_WRONG);
		d->u.sign.key = (size_t)i;
		return (CHECK_RIGHT);
	}
	for (i = 0; i < p->nkeys; i++)
		if (is_signed(d, p->secret + 32 * i, sig)) {
			d->u.sign.key = (size_t)i;
			return (CHECK_RIGHT);
		}
	return (CHECK_WRONG);
}

const struct dialogue_method	 cryptosign_method = {
	sign_challenge, sign_answer, NULL
};
