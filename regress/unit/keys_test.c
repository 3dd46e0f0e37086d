/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which keys the keeper takes, what it says of those it does not, and how
 * long it keeps them.
 */
#include <event2/event.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../keeper/keeper.h"
#include "certs.h"
#include "conf.h"

struct keeper	keeper;

static const struct trial {
	const char	*cert, *key;
	const char	*want;		/* error, or NULL */
	const char	*warning;	/* in the log, or NULL */
} trials[] = {
	{ "rsa2048", "rsa2048", NULL, NULL },
	{ "rsa3072", "rsa3072", NULL, NULL },
	{ "p256", "p256", NULL, NULL },
	{ "p384", "p384", NULL, NULL },
	{ "compressed", "compressed", NULL, NULL },
	{ "expired", "expired", NULL, "wampd: keypair \"expired\": the "
	    "certificate has expired\n" },
	{ "early", "early", NULL, "wampd: keypair \"early\": the certificate "
	    "is not valid yet\n" },
	{ "p256", "p384", "keypair \"p256\": key and certificate do not fit",
	    NULL },
	{ "p256", "clash", "keypair \"p256\": key and certificate do not "
	    "fit", NULL },
	{ "rsa2048", "p256", "keypair \"rsa2048\": key and certificate do "
	    "not fit", NULL },
	{ "rsa1024", "rsa1024", "keypair \"rsa1024\": RSA key of 1024 bits "
	    "cannot be used: 2048 to 4096", NULL },
	{ "rsapss", "rsapss", "keypair \"rsapss\": key type RSA-PSS cannot "
	    "be used: RSA or P-256/P-384", NULL },
	{ "p521", "p521", "keypair \"p521\": key type EC secp521r1 cannot be "
	    "used: RSA or P-256/P-384", NULL },
	{ "ed25519", "ed25519", "keypair \"ed25519\": key type ED25519 "
	    "cannot be used: RSA or P-256/P-384", NULL },
	{ "locked", "locked", "keypair \"locked\": the key is protected by a "
	    "passphrase, which nobody can type here", NULL },
	{ "p256", "garbage", "keypair \"p256\": the key is not a private key "
	    "in PEM", NULL },
	{ "garbage", "p256", "keypair \"garbage\": the certificate is not a "
	    "certificate in PEM", NULL },
	{ "p256", "none", "keypair \"p256\": no key", NULL },
	{ "none", "p256", "keypair \"none\": the certificate is not a "
	    "certificate in PEM", NULL },
};

/* In slices, to the end. */
static int
check_all(struct conf *c, char *err, size_t len)
{
	int	rv;

	for (rv = keys_check(c, err, len); rv == 1; )
		rv = keys_check_more(err, len);
	return (rv);
}

/* keys_check() with its log lines in log. */
static int
check(struct conf *c, char *errstr, size_t errlen, char *log, size_t loglen)
{
	ssize_t	n;
	int	p[2], old, rv;

	if (pipe(p) == -1 || (old = dup(2)) == -1 || dup2(p[1], 2) == -1)
		err(1, "pipe");
	rv = check_all(c, errstr, errlen);
	dup2(old, 2);
	close(old);
	close(p[1]);
	if ((n = read(p[0], log, loglen - 1)) == -1)
		err(1, "read");
	log[n] = '\0';
	close(p[0]);
	return (rv);
}

static void
test_trial(const struct trial *t)
{
	struct conf		*c = conf_new();
	struct conf_keypair	*kp;
	char			 errstr[256] = "", log[512];
	int			 rv;

	kp = certs_keypair(c, t->cert, t->key);
	rv = check(c, errstr, sizeof(errstr), log, sizeof(log));
	if (rv != (t->want == NULL ? 0 : -1) ||
	    strcmp(errstr, t->want == NULL ? "" : t->want) != 0)
		errx(1, "%s with %s: got %d \"%s\", want \"%s\"", t->cert,
		    t->key, rv, errstr, t->want == NULL ? "" : t->want);
	if (strcmp(log, t->warning == NULL ? "" : t->warning) != 0)
		errx(1, "%s: logged \"%s\", want \"%s\"", t->cert, log,
		    t->warning == NULL ? "" : t->warning);
	if (kp->key != NULL || kp->keylen != 0)
		errx(1, "%s: the key's text is still there", t->key);
	conf_free(c);
}

static void
test_strict(int strict, int want)
{
	struct conf	*c = conf_new();
	char		 errstr[256];

	c->strict = (uint32_t)strict;
	if (check_all(c, errstr, sizeof(errstr)) != want)
		errx(1, "strict %d, memory not locked: want %d", strict,
		    want);
	conf_free(c);
}

static void
hash_of(const char *name, uint8_t hash[32])
{
	uint8_t	*text, *der = NULL;
	size_t	 len;
	int	 derlen;
	X509	*x;
	BIO	*bio;

	text = certs_read(name, "crt", &len);
	bio = BIO_new_mem_buf(text, (int)len);
	if ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) == NULL ||
	    (derlen = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der)) <= 0)
		errx(1, "%s", name);
	SHA256(der, (size_t)derlen, hash);
	OPENSSL_free(der);
	X509_free(x);
	BIO_free(bio);
	free(text);
}

static void
commit(struct event_base *base, const char *name, uint32_t limit)
{
	struct conf	*c = conf_new();
	char		 errstr[256];

	certs_keypair(c, name, name);
	if (check_all(c, errstr, sizeof(errstr)) == -1)
		errx(1, "%s", errstr);
	keys_commit(base, limit);
	conf_free(c);
}

static void
expect_key(const char *name, int want)
{
	uint8_t		 hash[32];
	EVP_PKEY	*pkey;

	hash_of(name, hash);
	pkey = keys_find(hash);
	if ((pkey != NULL) != want)
		errx(1, "key %s: got %d, want %d", name, pkey != NULL, want);
}

/* Reading one more says what is the matter. */
static void
test_full(void)
{
	struct conf	*c = conf_new();
	void		*p[64];
	char		 errstr[256];
	size_t		 n = 0, size;

	for (size = 256 * 1024; size >= 1024; size /= 2)
		while (n < sizeof(p) / sizeof(p[0]) &&
		    (p[n] = CRYPTO_secure_malloc(size, __FILE__,
		    __LINE__)) != NULL)
			n++;
	certs_keypair(c, "rsa2048", "rsa2048");
	if (check_all(c, errstr, sizeof(errstr)) != -1 ||
	    strcmp(errstr, "keypair \"rsa2048\": the 1024 KiB of locked "
	    "memory for keys are used up") != 0)
		errx(1, "no locked memory: got \"%s\"", errstr);
	while (n > 0)
		CRYPTO_secure_free(p[--n], __FILE__, __LINE__);
	conf_free(c);
}

/* The keys of the configuration before stay for as long as handshakes. */
static void
test_retire(void)
{
	struct event_base	*base = event_base_new();
	struct timespec		 begin, end;
	struct conf		*c;
	char			 errstr[256];
	size_t			 used;

	if (base == NULL)
		errx(1, "event_base_new");
	commit(base, "rsa2048", 0);
	expect_key("rsa2048", 1);
	used = CRYPTO_secure_used();
	if (used < 2048 / 8)
		errx(1, "%zu octets in the locked heap", used);
	commit(base, "rsa2048", 0);
	if (CRYPTO_secure_used() != used)
		errx(1, "%zu octets in the locked heap, want %zu: a key is "
		    "there twice", CRYPTO_secure_used(), used);

	/* checked is not in force */
	c = conf_new();
	certs_keypair(c, "p384", "p384");
	if (check_all(c, errstr, sizeof(errstr)) == -1)
		errx(1, "%s", errstr);
	expect_key("p384", 0);
	conf_free(c);

	clock_gettime(CLOCK_MONOTONIC, &begin);
	commit(base, "p256", 3000);
	expect_key("p384", 0);
	expect_key("p256", 1);
	expect_key("rsa2048", 1);
	commit(base, "compressed", 0);
	expect_key("p256", 1);
	expect_key("rsa2048", 1);
	event_base_dispatch(base);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (end.tv_sec - begin.tv_sec < 12 || end.tv_sec - begin.tv_sec > 23)
		errx(1, "old keys were kept for %ld s, want 13",
		    (long)(end.tv_sec - begin.tv_sec));
	expect_key("p256", 0);
	expect_key("rsa2048", 0);
	expect_key("compressed", 1);
	event_base_free(base);
}

/* Of many a few at a time; given up in the middle, none is left. */
static void
test_slices(void)
{
	struct conf		*c = conf_new();
	struct conf_keypair	*kp;
	char			 errstr[256];
	size_t			 used = CRYPTO_secure_used();
	int			 i, n, rv;

	for (i = 0; i < 10; i++)
		certs_keypair(c, "p256", "p256");
	if (keys_check(c, errstr, sizeof(errstr)) != 1)
		errx(1, "10 keys are checked at once");
	keys_abort();
	TAILQ_FOREACH(kp, &c->keypairs, entry)
		if (kp->key != NULL)
			errx(1, "a key is not wiped");
	if (CRYPTO_secure_used() != used)
		errx(1, "a key stays in the locked heap");
	conf_free(c);

	c = conf_new();
	for (i = 0; i < 10; i++)
		certs_keypair(c, i == 9 ? "p384" : "p256", "p256");
	rv = keys_check(c, errstr, sizeof(errstr));
	for (n = 0; rv == 1; n++)
		rv = keys_check_more(errstr, sizeof(errstr));
	if (rv != -1 || n < 2)
		errx(1, "the last of 10 is not seen: %d after %d", rv, n);
	conf_free(c);
	if (CRYPTO_secure_used() != used)
		errx(1, "a key stays in the locked heap");
}

int
main(void)
{
	size_t	i;

	certs_make();
	test_strict(0, 0);
	test_strict(1, -1);
	keys_prepare();
	test_strict(1, 0);
	for (i = 0; i < sizeof(trials) / sizeof(trials[0]); i++)
		test_trial(&trials[i]);
	test_full();
	test_slices();
	test_retire();
	return (0);
}
