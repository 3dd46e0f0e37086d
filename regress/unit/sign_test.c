/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * SIGN is no oracle: what has the shape of a padded hash is signed and
 * verifies, everything else is refused, above all what somebody encrypted
 * to the key.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <sys/queue.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "../../keeper/keeper.h"

struct keeper	keeper;

static const char	message[] = "what is signed";

static const struct md {
	const char	*name;
	const EVP_MD	*(*md)(void);
	int		 type;		/* of RSA_sign() */
	int		 is_good;
} mds[] = {
	{ "SHA-256", EVP_sha256, NID_sha256, 1 },
	{ "SHA-384", EVP_sha384, NID_sha384, 1 },
	{ "SHA-512", EVP_sha512, NID_sha512, 1 },
	{ "SHA-1", EVP_sha1, NID_sha1, 0 },
	{ "SHA-224", EVP_sha224, NID_sha224, 0 },
	{ "MD5", EVP_md5, NID_md5, 0 },
};
#define NMDS	(sizeof(mds) / sizeof(mds[0]))

static size_t
digest(const struct md *md, uint8_t *out)
{
	unsigned int	n;

	if (!EVP_Digest(message, sizeof(message), out, &n, md->md(), NULL))
		errx(1, "%s", md->name);
	return (n);
}

static size_t
sign(EVP_PKEY *key, int alg, const void *data, size_t len, uint8_t *sig)
{
	struct m_sign	m;

	memset(&m, 0, sizeof(m));
	m.alg = (uint8_t)alg;
	m.len = (uint16_t)len;
	memcpy(m.data, data, len < sizeof(m.data) ? len : sizeof(m.data));
	return (sign_data(key, &m, sig, SIGN_MAX));
}

static void
refused(const char *what, EVP_PKEY *key, int alg, const void *data,
    size_t len)
{
	uint8_t	sig[SIGN_MAX];
	size_t	n;

	if ((n = sign(key, alg, data, len, sig)) != 0)
		errx(1, "%s, %zu octets: signed %zu, want refused", what, len,
		    n);
}

/* Verified by OpenSSL's high-level interface, from the message on. */
static void
verifies(const char *what, EVP_PKEY *key, const EVP_MD *md, int padding,
    const uint8_t *sig, size_t len)
{
	EVP_PKEY_CTX	*pctx;
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();

	if (len == 0)
		errx(1, "%s: refused, want signed", what);
	if (!EVP_DigestVerifyInit(ctx, &pctx, md, NULL, key) ||
	    (padding != 0 && !EVP_PKEY_CTX_set_rsa_padding(pctx, padding)) ||
	    (padding == RSA_PKCS1_PSS_PADDING &&
	    !EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST)))
		errx(1, "%s: cannot verify", what);
	if (EVP_DigestVerify(ctx, sig, len, (const uint8_t *)message,
	    sizeof(message)) != 1)
		errx(1, "%s: signature does not verify", what);
	EVP_MD_CTX_free(ctx);
}

static void
test_pss(EVP_PKEY *key, const struct md *md)
{
	RSA		*rsa = EVP_PKEY_get1_RSA(key);
	uint8_t		 dgst[EVP_MAX_MD_SIZE], em[SIGN_MAX + 1];
	uint8_t		 sig[SIGN_MAX];
	size_t		 len = (size_t)EVP_PKEY_get_size(key), hlen, i, n;
	static const int salts[] = { 0, 20, 31, 33, 128 };

	hlen = digest(md, dgst);
	memset(em, 0, sizeof(em));
	if (!RSA_padding_add_PKCS1_PSS_mgf1(rsa, em, dgst, md->md(),
	    md->md(), (int)hlen))
		errx(1, "PSS of %s", md->name);
	if (!md->is_good) {
		refused(md->name, key, SIGN_RSA_PSS, em, len);
		RSA_free(rsa);
		return;
	}
	n = sign(key, SIGN_RSA_PSS, em, len, sig);
	if (n != len)
		errx(1, "PSS: %zu octets, want the modulus' %zu", n, len);
	verifies("PSS", key, md->md(), RSA_PKCS1_PSS_PADDING, sig, n);

	refused("short block", key, SIGN_RSA_PSS, em, len - 1);
	refused("long block", key, SIGN_RSA_PSS, em, len + 1);
	refused("no block", key, SIGN_RSA_PSS, em, 0);
	refused("PSS as PKCS#1", key, SIGN_RSA_PKCS1, em, len);
	refused("PSS as ECDSA", key, SIGN_ECDSA, em, hlen);
	/* any octet outside of H and salt changed is no padding any more; H
	 * changed is another mask */
	for (i = 0; i < len; i++) {
		if (i >= len - 2 * hlen - 1 && i < len - hlen - 1)
			continue;	/* the salt may be anything */
		em[i] ^= 0x01;
		refused("changed block", key, SIGN_RSA_PSS, em, len);
		em[i] ^= 0x01;
	}
	em[0] ^= 0x80;
	refused("top bit", key, SIGN_RSA_PSS, em, len);

	for (i = 0; i < sizeof(salts) / sizeof(salts[0]); i++) {
		memset(em, 0, sizeof(em));
		if (!RSA_padding_add_PKCS1_PSS_mgf1(rsa, em, dgst, md->md(),
		    md->md(), salts[i]))
			errx(1, "PSS with salt of %d", salts[i]);
		refused("other salt length", key, SIGN_RSA_PSS, em, len);
	}
	memset(em, 0, sizeof(em));
	if (!RSA_padding_add_PKCS1_PSS_mgf1(rsa, em, dgst, md->md(),
	    EVP_sha1(), (int)hlen))
		errx(1, "PSS with another mask");
	refused("other mask hash", key, SIGN_RSA_PSS, em, len);
	RSA_free(rsa);
}

/* DigestInfo as OpenSSL makes it: sign with padding, take it off again. */
static size_t
digestinfo(EVP_PKEY *key, const struct md *md, uint8_t *out)
{
	RSA		*rsa = EVP_PKEY_get1_RSA(key);
	uint8_t		 dgst[EVP_MAX_MD_SIZE], sig[SIGN_MAX];
	unsigned int	 siglen;
	int		 n;

	if (!RSA_sign(md->type, dgst, (unsigned int)digest(md, dgst), sig,
	    &siglen, rsa) || (n = RSA_public_decrypt((int)siglen, sig, out,
	    rsa, RSA_PKCS1_PADDING)) <= 0)
		errx(1, "DigestInfo of %s", md->name);
	RSA_free(rsa);
	return ((size_t)n);
}

static void
test_pkcs1(EVP_PKEY *key, const struct md *md)
{
	uint8_t	di[SIGN_MAX], sig[SIGN_MAX], dgst[EVP_MAX_MD_SIZE];
	size_t	len, n, i;

	memset(di, 0, sizeof(di));
	len = digestinfo(key, md, di);
	if (!md->is_good) {
		refused(md->name, key, SIGN_RSA_PKCS1, di, len);
		return;
	}
	n = sign(key, SIGN_RSA_PKCS1, di, len, sig);
	if (n != (size_t)EVP_PKEY_get_size(key))
		errx(1, "PKCS#1: %zu octets", n);
	verifies("PKCS#1", key, md->md(), RSA_PKCS1_PADDING, sig, n);

	refused("short DigestInfo", key, SIGN_RSA_PKCS1, di, len - 1);
	refused("long DigestInfo", key, SIGN_RSA_PKCS1, di, len + 1);
	refused("nothing", key, SIGN_RSA_PKCS1, di, 0);
	refused("DigestInfo as ECDSA", key, SIGN_ECDSA, di, len);
	n = digest(md, dgst);
	refused("bare digest", key, SIGN_RSA_PKCS1, dgst, n);
	refused("digest as ECDSA", key, SIGN_ECDSA, dgst, n);
	for (i = 0; i < 19; i++) {
		di[i] ^= 0x10;
		refused("changed prefix", key, SIGN_RSA_PKCS1, di, len);
		di[i] ^= 0x10;
	}
	/* padded already: 00 01 ff .. 00 DigestInfo */
	memmove(di + EVP_PKEY_get_size(key) - len, di, len);
	memset(di, 0xff, (size_t)EVP_PKEY_get_size(key) - len - 1);
	di[0] = 0;
	di[1] = 1;
	di[(size_t)EVP_PKEY_get_size(key) - len - 1] = 0;
	refused("padded PKCS#1 as PSS", key, SIGN_RSA_PSS, di,
	    (size_t)EVP_PKEY_get_size(key));
	refused("padded PKCS#1", key, SIGN_RSA_PKCS1, di,
	    (size_t)EVP_PKEY_get_size(key));
}

/* What the key could decrypt, it does not. */
static void
test_oracle(EVP_PKEY *key)
{
	static const int paddings[] = { RSA_PKCS1_PADDING,
					RSA_PKCS1_OAEP_PADDING };
	RSA		*rsa = EVP_PKEY_get1_RSA(key);
	uint8_t		 secret[48], block[SIGN_MAX];
	size_t		 len = (size_t)EVP_PKEY_get_size(key), i;
	int		 n;

	arc4random_buf(secret, sizeof(secret));
	for (i = 0; i < 2; i++) {
		n = RSA_public_encrypt(sizeof(secret), secret, block, rsa,
		    paddings[i]);
		if (n != (int)len)
			errx(1, "RSA_public_encrypt");
		refused("ciphertext as PSS", key, SIGN_RSA_PSS, block, len);
		refused("ciphertext as PKCS#1", key, SIGN_RSA_PKCS1, block,
		    len);
	}
	for (i = 0; i < 2000; i++) {
		arc4random_buf(block, sizeof(block));
		block[0] &= 0x7f;
		block[len - 1] = 0xbc;
		refused("random block", key, SIGN_RSA_PSS, block, len);
	}
	memset(block, 0, sizeof(block));
	refused("zero", key, SIGN_RSA_PSS, block, len);
	block[len - 1] = 0xbc;
	refused("0xbc", key, SIGN_RSA_PSS, block, len);
	memset(block, 0xff, sizeof(block));
	refused("more than the modulus", key, SIGN_RSA_PSS, block, len);
	RSA_free(rsa);
}

static void
test_algs(EVP_PKEY *key)
{
	uint8_t	data[SIGN_MAX];
	size_t	len;
	int	alg;

	memset(data, 0x42, sizeof(data));
	for (len = 0; len <= UINT16_MAX; len += len < 600 ? 1 : 997)
		for (alg = 0; alg < 256; alg += alg < 5 ? 1 : 25)
			if (alg != SIGN_ECDSA || (len != 32 && len != 48 &&
			    len != 64) ||
			    EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
				refused("algorithm", key, alg, data, len);
}

static void
test_rsa(unsigned int bits)
{
	EVP_PKEY	*key = EVP_RSA_gen(bits);
	size_t		 i;

	if (key == NULL)
		errx(1, "RSA %u", bits);
	for (i = 0; i < NMDS; i++) {
		test_pss(key, &mds[i]);
		test_pkcs1(key, &mds[i]);
	}
	test_oracle(key);
	test_algs(key);
	if (!sign_works(key, key))
		errx(1, "RSA %u: sign_works: got 0", bits);
	EVP_PKEY_free(key);
}

static void
test_ec(const char *curve)
{
	EVP_PKEY	*key = EVP_EC_gen(curve), *other = EVP_EC_gen(curve);
	uint8_t		 dgst[EVP_MAX_MD_SIZE], sig[SIGN_MAX];
	size_t		 i, len, n;

	for (i = 0; i < NMDS; i++) {
		len = digest(&mds[i], dgst);
		if (!mds[i].is_good) {
			refused(mds[i].name, key, SIGN_ECDSA, dgst, len);
			continue;
		}
		n = sign(key, SIGN_ECDSA, dgst, len, sig);
		verifies(curve, key, mds[i].md(), 0, sig, n);
		refused("ECDSA as PSS", key, SIGN_RSA_PSS, dgst, len);
		refused("ECDSA as PKCS#1", key, SIGN_RSA_PKCS1, dgst, len);
		refused("short", key, SIGN_ECDSA, dgst, len - 1);
	}
	test_algs(key);
	if (!sign_works(key, key))
		errx(1, "%s: sign_works: got 0", curve);
	if (sign_works(key, other))
		errx(1, "%s: another key verified", curve);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

int
main(void)
{
	/* 2049 to 2055: the block's top bits, and one with an octet more */
	static const unsigned int bits[] = { 2048, 2049, 2052, 2055, 3072,
	    4096 };
	size_t	i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		test_rsa(bits[i]);
	test_ec("P-256");
	test_ec("P-384");
	return (0);
}
