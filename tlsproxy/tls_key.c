/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Private key operations of the handshake, done by the keeper: OpenSSL's
 * default methods for RSA and EC are replaced by ones that ask over a
 * descriptor and wait.  There is no private key in this process, and no way
 * from here to a decryption.
 */
/* RSA_METHOD and EC_KEY_METHOD are the only way that libtls leaves. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "log.h"
#include "msgtypes.h"
#include "tls_key.h"

#define TLS_KEY_WAIT	2000		/* ms for a signature */

static int		 sign_fd = -1;
static uint32_t		 sign_seq;
static int		 sign_used;
static int		 sign_owed;	/* an answer is still to come */
static void		(*sign_lost)(void);
static int		 id_rsa_idx, id_ec_idx;	/* of their ex_data */

static void
sign_give_up(const char *why)
{
	close(sign_fd);
	sign_fd = -1;
	sign_owed = 0;
	log_warnx("no signature from the keeper: %s", why);
}

/* It lives and must be replaced. */
static void
sign_blame(const char *why)
{
	sign_give_up(why);
	if (sign_lost != NULL)
		sign_lost();
}

/*
 * The answer to request seq: 0; 1 if it does not come within ms, -1 if none
 * will.  A keeper that is slow or dead did nothing wrong, and the parent
 * sees either: it is accused of lies only.
 */
static int
sign_answer(uint32_t seq, int ms, struct m_signed *answer)
{
	struct pollfd	pfd = { .fd = sign_fd, .events = POLLIN };
	struct imsg_hdr	h;
	int		n;

	while ((n = poll(&pfd, 1, ms)) == -1 && errno == EINTR)
		;
	if (n == 0)
		return (1);
	if (imsg_read_blocking(sign_fd, TLS_KEY_WAIT, &h, answer,
	    sizeof(*answer)) == -1) {
		if (pfd.revents & POLLHUP)
			sign_give_up("it is gone");
		else
			sign_blame("half an answer");
		return (-1);
	}
	if (h.type != IMSG_SIGNED || h.len != sizeof(h) + sizeof(*answer) ||
	    answer->seq != seq || answer->len > sizeof(answer->sig)) {
		sign_blame("not an answer to the request");
		return (-1);
	}
	return (0);
}

/*
 * Is the keeper ready for a request?  While it owes the last answer, which
 * came too late for its handshake, nothing else is asked and nobody waits.
 */
static int
sign_is_ready(void)
{
	struct m_signed	late;

	if (sign_fd == -1)
		return (0);
	if (sign_owed && sign_answer(sign_seq, 0, &late) != 0)
		return (0);
	sign_owed = 0;
	return (1);
}

/* -- which key: the SHA-256 of its SubjectPublicKeyInfo ----------------- */

static void
id_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	free(ptr);
}

/* A copy of a key makes its own. */
static int
id_dup(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **ptr, int idx,
    long argl, void *argp)
{
	(void)to;
	(void)from;
	(void)idx;
	(void)argl;
	(void)argp;
	*ptr = NULL;
	return (1);
}

/* Takes the DER of a public key; NULL without it or memory. */
static uint8_t *
id_new(uint8_t *der, int derlen)
{
	uint8_t	*id = NULL;

	if (derlen > 0 && (id = malloc(SHA256_DIGEST_LENGTH)) != NULL)
		SHA256(der, (size_t)derlen, id);
	OPENSSL_free(der);
	return (id);
}

/* Computed once a key: 30 us for EC are a tenth of a handshake. */
static const uint8_t *
id_rsa(RSA *rsa)
{
	uint8_t	*id, *der = NULL;
	int	 len;

	if ((id = RSA_get_ex_data(rsa, id_rsa_idx)) != NULL)
		return (id);
	len = i2d_RSA_PUBKEY(rsa, &der);
	id = id_new(der, len);
	if (id != NULL && !RSA_set_ex_data(rsa, id_rsa_idx, id)) {
		free(id);
		return (NULL);
	}
	return (id);
}

static const uint8_t *
id_ec(EC_KEY *ec)
{
	uint8_t	*id, *der = NULL;
	int	 len;

	if ((id = EC_KEY_get_ex_data(ec, id_ec_idx)) != NULL)
		return (id);
	len = i2d_EC_PUBKEY(ec, &der);
	id = id_new(der, len);
	if (id != NULL && !EC_KEY_set_ex_data(ec, id_ec_idx, id)) {
		free(id);
		return (NULL);
	}
	return (id);
}

/* -- asking ------------------------------------------------------------- */

/*
 * Have data signed with the key of that id.  Returns the signature's
 * length, 0 if there is none.
 */
static size_t
sign_remote(enum sign_alg alg, const uint8_t *id, const uint8_t *data,
    size_t len, uint8_t *sig, size_t size)
{
	struct m_sign	m;
	struct m_signed	answer;

	if (id == NULL || len > sizeof(m.data) || !sign_is_ready())
		return (0);
	sign_used++;
	memset(&m, 0, sizeof(m));
	m.seq = ++sign_seq;
	m.alg = (uint8_t)alg;
	m.len = (uint16_t)len;
	memcpy(m.pubkey, id, sizeof(m.pubkey));
	memcpy(m.data, data, len);
	if (imsg_write_blocking(sign_fd, TLS_KEY_WAIT, IMSG_SIGN, 0, 0, &m,
	    sizeof(m)) == -1) {
		sign_give_up("it is gone");
		return (0);
	}
	switch (sign_answer(m.seq, TLS_KEY_WAIT, &answer)) {
	case 1:
		log_warnx("no signature from the keeper: it is late");
		sign_owed = 1;
		return (0);
	case -1:
		return (0);
	}
	if (answer.len == 0 || answer.len > size)
		return (0);
	memcpy(sig, answer.sig, answer.len);
	return (answer.len);
}

/*
 * TLS 1.3 and rsa_pss_* of TLS 1.2 come as a block that is padded already,
 * rsa_pkcs1_* as a DigestInfo.
 */
static int
key_rsa_sign(int flen, const unsigned char *from, unsigned char *to, RSA *rsa,
    int padding)
{
	enum sign_alg	alg;
	size_t		n;

	switch (padding) {
	case RSA_NO_PADDING:
		alg = SIGN_RSA_PSS;
		break;
	case RSA_PKCS1_PADDING:
		alg = SIGN_RSA_PKCS1;
		break;
	default:
		return (-1);
	}
	if (flen < 0)
		return (-1);
	n = sign_remote(alg, id_rsa(rsa), from, (size_t)flen, to,
	    (size_t)RSA_size(rsa));
	return (n == (size_t)RSA_size(rsa) ? (int)n : -1);
}

/* Cipher suites with RSA key exchange are off: nothing needs this. */
static int
key_rsa_refuse(int flen, const unsigned char *from, unsigned char *to,
    RSA *rsa, int padding)
{
	(void)flen;
	(void)from;
	(void)to;
	(void)rsa;
	(void)padding;
	return (-1);
}

static int
key_ec_sign(int type, const unsigned char *dgst, int dlen, unsigned char *sig,
    unsigned int *siglen, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *ec)
{
	size_t	n;

	(void)type;
	(void)kinv;
	(void)r;
	if (dlen < 0)
		return (0);
	n = sign_remote(SIGN_ECDSA, id_ec(ec), dgst, (size_t)dlen, sig,
	    (size_t)ECDSA_size(ec));
	*siglen = (unsigned int)n;
	return (n != 0);
}

static ECDSA_SIG *
key_ec_sign_sig(const unsigned char *dgst, int dlen, const BIGNUM *kinv,
    const BIGNUM *r, EC_KEY *ec)
{
	uint8_t			 sig[SIGN_MAX];
	const unsigned char	*p = sig;
	unsigned int		 len;

	if (ECDSA_size(ec) > (int)sizeof(sig) ||
	    !key_ec_sign(0, dgst, dlen, sig, &len, kinv, r, ec))
		return (NULL);
	return (d2i_ECDSA_SIG(NULL, &p, (long)len));
}

void
tls_key_init(void (*lost)(void))
{
	RSA_METHOD	*rsa;
	EC_KEY_METHOD	*ec;
	int		(*setup)(EC_KEY *, BN_CTX *, BIGNUM **, BIGNUM **);

	sign_lost = lost;
	/* slot 0 is libtls's own */
	(void)RSA_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	(void)EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	id_rsa_idx = RSA_get_ex_new_index(0, NULL, NULL, id_dup, id_free);
	id_ec_idx = EC_KEY_get_ex_new_index(0, NULL, NULL, id_dup, id_free);
	if (id_rsa_idx == -1 || id_ec_idx == -1)
		fatalx("application data of keys");
	if ((rsa = RSA_meth_dup(RSA_PKCS1_OpenSSL())) == NULL ||
	    !RSA_meth_set_priv_enc(rsa, key_rsa_sign) ||
	    !RSA_meth_set_priv_dec(rsa, key_rsa_refuse))
		fatalx("RSA method");
	RSA_set_default_method(rsa);

	if ((ec = EC_KEY_METHOD_new(EC_KEY_OpenSSL())) == NULL)
		fatalx("EC method");
	EC_KEY_METHOD_get_sign(ec, NULL, &setup, NULL);
	EC_KEY_METHOD_set_sign(ec, key_ec_sign, setup, key_ec_sign_sig);
	EC_KEY_set_default_method(ec);
}

void
tls_key_set_fd(int fd)
{
	if (sign_fd != -1)
		close(sign_fd);
	sign_fd = fd;
	sign_owed = 0;
}

int
tls_key_has_fd(void)
{
	return (sign_fd != -1);
}

int
tls_key_used_this_turn(void)
{
	return (sign_used);
}

void
tls_key_new_turn(void)
{
	sign_used = 0;
}
