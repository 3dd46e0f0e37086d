/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Signatures for the handshakes of the tlsproxies.  Padding and algorithm
 * come from a list of three shapes, each of which must be recognized as the
 * encoding of a hash: a block chosen freely, such as somebody's ciphertext,
 * is none, so nothing is ever decrypted here.  The answer's size is the
 * key's, never the request's.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <string.h>
#include <time.h>

#include "chan.h"
#include "keeper.h"
#include "log.h"

struct hash {
	size_t		 len;
	/* RFC 8017, 9.2, note 1: the DigestInfo before the digest */
	uint8_t		 prefix[19];
	const EVP_MD	*(*md)(void);
};

static const struct hash	hashes[] = {
	{ 32, { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	    0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 },
	    EVP_sha256 },
	{ 48, { 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	    0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30 },
	    EVP_sha384 },
	{ 64, { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	    0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40 },
	    EVP_sha512 },
};
#define NHASHES	(sizeof(hashes) / sizeof(hashes[0]))

static int
is_digest_len(size_t len)
{
	size_t	i;

	for (i = 0; i < NHASHES; i++)
		if (hashes[i].len == len)
			return (1);
	return (0);
}

static int
is_digestinfo(const uint8_t *p, size_t len)
{
	const struct hash	*h;
	size_t			 i;

	for (i = 0; i < NHASHES; i++) {
		h = &hashes[i];
		if (len == sizeof(h->prefix) + h->len &&
		    memcmp(p, h->prefix, sizeof(h->prefix)) == 0)
			return (1);
	}
	return (0);
}

/* RFC 8017, B.2.1: xor the mask made of seed over p. */
static int
mgf1_xor(uint8_t *p, size_t len, const uint8_t *seed, const struct hash *h)
{
	uint8_t		 in[64 + 4], out[EVP_MAX_MD_SIZE];
	size_t		 i, off;
	uint32_t	 n;

	memcpy(in, seed, h->len);
	for (n = 0, off = 0; off < len; n++) {
		in[h->len] = (uint8_t)(n >> 24);
		in[h->len + 1] = (uint8_t)(n >> 16);
		in[h->len + 2] = (uint8_t)(n >> 8);
		in[h->len + 3] = (uint8_t)n;
		if (EVP_Digest(in, h->len + 4, out, NULL, h->md(),
		    NULL) != 1)
			return (-1);
		for (i = 0; i < h->len && off < len; i++)
			p[off++] ^= out[i];
	}
	return (0);
}

/*
 * Is it EMSA-PSS (RFC 8017, 9.1.1) by this hash, with a salt as long as the
 * hash (RFC 8446, 4.2.3)?  The hash of the message itself cannot be
 * checked; the zeros and the one under the mask can, and a block that was
 * not made so has them with a probability below 2^-1000.
 */
static int
is_pss_of(const uint8_t *em, size_t len, unsigned int topbits,
    const struct hash *h)
{
	uint8_t	db[SIGN_MAX];
	size_t	dblen, i, ps;

	if (len < 2 * h->len + 2)
		return (0);
	dblen = len - h->len - 1;
	memcpy(db, em, dblen);
	if (mgf1_xor(db, dblen, em + dblen, h) == -1)
		return (0);
	db[0] &= (uint8_t)(0xff >> topbits);
	ps = dblen - h->len - 1;
	for (i = 0; i < ps; i++)
		if (db[i] != 0)
			return (0);
	return (db[ps] == 1);
}

static int
is_pss(const uint8_t *em, size_t len, int bits)
{
	unsigned int	topbits = 8 - (unsigned int)(bits - 1) % 8;
	size_t		i;

	if (topbits == 8) {	/* the block has an octet more than EM */
		if (*em != 0)
			return (0);
		em++;
		len--;
		topbits = 0;
	}
	if (em[len - 1] != 0xbc || (em[0] & ~(0xff >> topbits)) != 0)
		return (0);
	for (i = 0; i < NHASHES; i++)
		if (is_pss_of(em, len, topbits, &hashes[i]))
			return (1);
	return (0);
}

/* RSA's padding for the shape, 0 for ECDSA, or -1: not of this key. */
static int
sign_padding(EVP_PKEY *pkey, const struct m_sign *m)
{
	int	type = EVP_PKEY_get_base_id(pkey);

	if (m->len > sizeof(m->data))
		return (-1);
	switch (m->alg) {
	case SIGN_RSA_PSS:
		if (type != EVP_PKEY_RSA ||
		    m->len != (size_t)EVP_PKEY_get_size(pkey) ||
		    !is_pss(m->data, m->len, EVP_PKEY_get_bits(pkey)))
			return (-1);
		return (RSA_NO_PADDING);
	case SIGN_RSA_PKCS1:
		if (type != EVP_PKEY_RSA || !is_digestinfo(m->data, m->len))
			return (-1);
		return (RSA_PKCS1_PADDING);
	case SIGN_ECDSA:
		if (type != EVP_PKEY_EC || !is_digest_len(m->len))
			return (-1);
		return (0);
	default:
		return (-1);
	}
}

/*
 * Sign what the request holds, if it is of one of the shapes.  Returns the
 * signature's length, 0: refused.
 */
size_t
sign_data(EVP_PKEY *pkey, const struct m_sign *m, uint8_t *sig, size_t size)
{
	EVP_PKEY_CTX	*ctx;
	size_t		 len = size;
	int		 padding, ok;

	if ((padding = sign_padding(pkey, m)) == -1 ||
	    (size_t)EVP_PKEY_get_size(pkey) > size)
		return (0);
	/* RSA blinds: OpenSSL's default, never switched off */
	ok = (ctx = EVP_PKEY_CTX_new(pkey, NULL)) != NULL &&
	    EVP_PKEY_sign_init(ctx) == 1 &&
	    (padding == 0 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
	    EVP_PKEY_sign(ctx, sig, &len, m->data, m->len) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return (ok ? len : 0);
}

/* Does pub verify what key signs? */
int
sign_works(EVP_PKEY *key, EVP_PKEY *pub)
{
	EVP_PKEY_CTX	*ctx;
	struct m_sign	 m;
	uint8_t		 sig[SIGN_MAX];
	size_t		 len;
	int		 is_rsa, ok;

	is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	memset(&m, 0, sizeof(m));
	m.alg = is_rsa ? SIGN_RSA_PKCS1 : SIGN_ECDSA;
	m.len = 32;
	if (is_rsa) {
		memcpy(m.data, hashes[0].prefix, sizeof(hashes[0].prefix));
		m.len += sizeof(hashes[0].prefix);
	}
	if ((len = sign_data(key, &m, sig, sizeof(sig))) == 0)
		return (0);
	ok = (ctx = EVP_PKEY_CTX_new(pub, NULL)) != NULL &&
	    EVP_PKEY_verify_init(ctx) == 1 &&
	    (!is_rsa ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
	    EVP_PKEY_verify(ctx, sig, len, m.data, m.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return (ok);
}

static void
sign_count(struct peer *p)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (ts.tv_sec != p->sign_second) {
		if (p->sign_count != 0)
			log_debug("proxy %u: %u signatures in a second",
			    p->id.instance, p->sign_count);
		p->sign_second = ts.tv_sec;
		p->sign_count = 0;
	}
	p->sign_count++;
}

int
sign_request(struct chan *c, struct imsg *im)
{
	struct peer	*p = chan_arg(c);
	EVP_PKEY	*pkey;
	struct m_sign	 m;
	struct m_signed	 answer;

	/* a tlsproxy waits for the answer, which is written at the end of
	 * the turn: another request before that is no tlsproxy of ours */
	if (p->sign_turn == keeper.turn)
		return (-1);
	p->sign_turn = keeper.turn;
	sign_count(p);

	if (im->len != sizeof(m))
		return (-1);
	memcpy(&m, im->data, sizeof(m));
	memset(&answer, 0, sizeof(answer));
	answer.seq = m.seq;
	if ((pkey = keys_find(m.pubkey)) != NULL)
		answer.len = (uint16_t)sign_data(pkey, &m, answer.sig,
		    sizeof(answer.sig));
	if (answer.len == 0)
		log_debug("proxy %u: signature refused: %s", p->id.instance,
		    pkey == NULL ? "unknown key" : "not of a known shape");
	chan_send(c, IMSG_SIGNED, im->slot, im->gen, &answer,
	    sizeof(answer));
	return (0);
}
