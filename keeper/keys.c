/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The TLS private keys: read from PEM, checked against their certificates
 * and held, in OpenSSL's locked heap, until some time after a newer
 * configuration took their place.
 */
#include <sys/resource.h>
#include <sys/time.h>

#include <event2/event.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "keeper.h"
#include "log.h"

#define KEYS_HEAP	(1024 * 1024)	/* some 300 keys of RSA 4096 */
#define KEYS_HEAP_MIN	32		/* its smallest block */
#define KEYS_HEAP_FULL	(KEYS_HEAP - 32 * 1024)	/* reading one may fail */
#define KEYS_SLICE	4		/* keypairs checked in a turn */
#define KEYS_RETIRE	10000		/* ms: tlsproxies commit later */

struct key {
	SLIST_ENTRY(key) entry;
	uint8_t		 hash[32];	/* of the SubjectPublicKeyInfo */
	EVP_PKEY	*pkey;
	char		*name;		/* of the keypair */
	uint64_t	 not_after;	/* s since 1970 */
};

/* The keys of one configuration. */
struct keyset {
	SLIST_HEAD(, key)	 keys;
	SLIST_ENTRY(keyset)	 entry;		/* among the retired */
	struct event		*timer;
};
SLIST_HEAD(keysets, keyset);

static struct keyset	*making, *checked, *current;
static struct conf_keypair *unchecked;	/* the next, or NULL */
static struct keysets	 retired = SLIST_HEAD_INITIALIZER(retired);
static int		 is_locked;

static void
keyset_free(struct keyset *ks)
{
	struct key	*k;

	if (ks == NULL)
		return;
	while ((k = SLIST_FIRST(&ks->keys)) != NULL) {
		SLIST_REMOVE_HEAD(&ks->keys, entry);
		EVP_PKEY_free(k->pkey);
		free(k->name);
		free(k);
	}
	if (ks->timer != NULL)
		event_free(ks->timer);
	free(ks);
}

static void
keyset_expired(int fd, short what, void *arg)
{
	struct keyset	*ks = arg;

	(void)fd;
	(void)what;
	SLIST_REMOVE(&retired, ks, keyset, entry);
	keyset_free(ks);
}

/*
 * Make a key of the kind and use it: whatever OpenSSL opens, fetches or
 * allocates at the first use has happened when the sandbox closes.
 */
static void
throw_away(const char *kind, EVP_PKEY *pkey)
{
	if (pkey == NULL || !sign_works(pkey, pkey))
		fatalx("OpenSSL cannot sign with %s: %s", kind,
		    ERR_reason_error_string(ERR_peek_last_error()));
	EVP_PKEY_free(pkey);
}

void
keys_prepare(void)
{
	struct rlimit	rl;

	/* the soft limit may be lower than what is allowed */
	if (getrlimit(RLIMIT_MEMLOCK, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &rl);
	}
	if (!OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_ADD_ALL_DIGESTS |
	    OPENSSL_INIT_ADD_ALL_CIPHERS, NULL) || RAND_status() != 1)
		fatalx("OpenSSL cannot be initialized");
	/* 1: guarded and locked; 2: something of this could not be had */
	is_locked = CRYPTO_secure_malloc_init(KEYS_HEAP, KEYS_HEAP_MIN) == 1;
	throw_away("RSA", EVP_RSA_gen(1024));	/* small: made fast */
	throw_away("P-256", EVP_EC_gen("P-256"));
	throw_away("P-384", EVP_EC_gen("P-384"));
}

/* PEM_read_bio_PrivateKey() asks for a passphrase: there is none. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	*(int *)arg = 1;
	return (-1);
}

static EVP_PKEY *
key_read(const struct conf_keypair *kp, char *err, size_t errlen)
{
	EVP_PKEY	*pkey = NULL;
	BIO		*bio;
	int		 is_protected = 0;

	if (kp->key == NULL || kp->keylen > INT32_MAX) {
		snprintf(err, errlen, "keypair \"%s\": no key", kp->name);
		return (NULL);
	}
	if ((bio = BIO_new_mem_buf(kp->key, (int)kp->keylen)) != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase,
		    &is_protected);
	BIO_free(bio);
	ERR_clear_error();
	if (pkey == NULL && is_protected)
		snprintf(err, errlen, "keypair \"%s\": the key is protected "
		    "by a passphrase, which nobody can type here", kp->name);
	else if (pkey == NULL && CRYPTO_secure_used() > KEYS_HEAP_FULL)
		snprintf(err, errlen, "keypair \"%s\": the %d KiB of locked "
		    "memory for keys are used up", kp->name,
		    KEYS_HEAP / 1024);
	else if (pkey == NULL)
		snprintf(err, errlen, "keypair \"%s\": the key is not a "
		    "private key in PEM", kp->name);
	return (pkey);
}

static X509 *
cert_read(const struct conf_keypair *kp, char *err, size_t errlen)
{
	X509	*x = NULL;
	BIO	*bio;

	if (kp->cert != NULL && kp->certlen <= INT32_MAX &&
	    (bio = BIO_new_mem_buf(kp->cert, (int)kp->certlen)) != NULL) {
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		BIO_free(bio);
	}
	ERR_clear_error();
	if (x == NULL)
		snprintf(err, errlen, "keypair \"%s\": the certificate is "
		    "not a certificate in PEM", kp->name);
	return (x);
}

/* What can be used through libtls with the key elsewhere, and is worth it. */
static int
key_is_usable(const struct conf_keypair *kp, EVP_PKEY *pkey, char *err,
    size_t errlen)
{
	char		 curve[64] = "";
	const char	*type = EVP_PKEY_get0_type_name(pkey);
	int		 bits = EVP_PKEY_get_bits(pkey);

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		if (bits >= 2048 && bits <= SIGN_MAX * 8)
			return (1);
		snprintf(err, errlen, "keypair \"%s\": RSA key of %d bits "
		    "cannot be used: 2048 to %d", kp->name, bits,
		    SIGN_MAX * 8);
		return (0);
	case EVP_PKEY_EC:
		EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL);
		if (strcmp(curve, "prime256v1") == 0 ||
		    strcmp(curve, "secp384r1") == 0)
			return (1);
		snprintf(err, errlen, "keypair \"%s\": key type EC %s cannot "
		    "be used: RSA or P-256/P-384", kp->name, curve);
		return (0);
	default:
		snprintf(err, errlen, "keypair \"%s\": key type %s cannot be "
		    "used: RSA or P-256/P-384", kp->name,
		    type != NULL ? type : "unknown");
		return (0);
	}
}

static void
cert_warn_dates(const struct conf_keypair *kp, const X509 *x)
{
	if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		log_warnx("keypair \"%s\": the certificate is not valid yet",
		    kp->name);
	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		log_warnx("keypair \"%s\": the certificate has expired",
		    kp->name);
}

/* Seconds since 1970, or 0: it cannot be told. */
static uint64_t
cert_not_after(const X509 *x)
{
	ASN1_TIME	*epoch = ASN1_TIME_new();
	int		 days, s;
	int64_t		 t = 0;

	if (epoch != NULL &&
	    ASN1_TIME_set_string(epoch, "19700101000000Z") == 1 &&
	    ASN1_TIME_diff(&days, &s, epoch, X509_get0_notAfter(x)) == 1)
		t = (int64_t)days * 86400 + s;
	ASN1_TIME_free(epoch);
	return (t > 0 ? (uint64_t)t : 0);
}

/*
 * How a tlsproxy names a key: by its public key, encoded anew from the
 * certificate, as it does itself.
 */
static int
pubkey_hash(EVP_PKEY *pub, uint8_t hash[32])
{
	uint8_t	*der = NULL;
	int	 len;

	if ((len = i2d_PUBKEY(pub, &der)) <= 0)
		return (-1);
	SHA256(der, (size_t)len, hash);
	OPENSSL_free(der);
	return (0);
}

static EVP_PKEY *
keyset_find(const struct keyset *ks, const uint8_t hash[32])
{
	struct key	*k;

	SLIST_FOREACH(k, &ks->keys, entry)
		if (memcmp(k->hash, hash, sizeof(k->hash)) == 0)
			return (k->pkey);
	return (NULL);
}

/*
 * A key that is held already, and was tried, is held once: many reloads in a
 * row would fill the locked heap otherwise.  Both belong to the same public
 * key.
 */
static int
key_share(struct key *k, const struct keyset *ks)
{
	EVP_PKEY	*pkey;

	if ((pkey = keyset_find(ks, k->hash)) == NULL &&
	    (pkey = keys_find(k->hash)) == NULL)
		return (0);
	if (EVP_PKEY_up_ref(pkey) != 1)
		return (0);
	EVP_PKEY_free(k->pkey);
	k->pkey = pkey;
	return (1);
}

static struct key *
key_new(const struct conf_keypair *kp, const struct keyset *ks, char *err,
    size_t errlen)
{
	struct key	*k;
	EVP_PKEY	*pub;
	X509		*x;

	if ((k = calloc(1, sizeof(*k))) == NULL) {
		snprintf(err, errlen, "out of memory");
		return (NULL);
	}
	if ((x = cert_read(kp, err, errlen)) == NULL ||
	    (k->pkey = key_read(kp, err, errlen)) == NULL ||
	    !key_is_usable(kp, k->pkey, err, errlen))
		goto fail;
	pub = X509_get0_pubkey(x);
	if (pub == NULL || EVP_PKEY_eq(pub, k->pkey) != 1) {
		snprintf(err, errlen, "keypair \"%s\": key and certificate "
		    "do not fit", kp->name);
		goto fail;
	}
	if (pubkey_hash(pub, k->hash) == -1 ||
	    (!key_share(k, ks) && !sign_works(k->pkey, pub))) {
		snprintf(err, errlen, "keypair \"%s\": what the key signs "
		    "does not verify", kp->name);
		goto fail;
	}
	if ((k->name = strdup(kp->name)) == NULL) {
		snprintf(err, errlen, "out of memory");
		goto fail;
	}
	cert_warn_dates(kp, x);
	k->not_after = cert_not_after(x);
	X509_free(x);
	return (k);
fail:
	ERR_clear_error();
	X509_free(x);
	EVP_PKEY_free(k->pkey);
	free(k);
	return (NULL);
}

static void
keypair_wipe(struct conf_keypair *kp)
{
	freezero(kp->key, kp->keylen);
	kp->key = NULL;
	kp->keylen = 0;
}

static void
check_end(void)
{
	for (; unchecked != NULL; unchecked = TAILQ_NEXT(unchecked, entry))
		keypair_wipe(unchecked);
	keyset_free(making);
	making = NULL;
}

/*
 * Make keys of a new configuration and wipe what they were made of.  0, or -1
 * and one line in err; 1: there are many, and keys_check_more() follows.
 */
int
keys_check(struct conf *next, char *err, size_t errlen)
{
	keys_abort();
	unchecked = TAILQ_FIRST(&next->keypairs);
	if (next->strict && !is_locked) {
		snprintf(err, errlen, "keeper: memory for keys cannot be "
		    "locked (RLIMIT_MEMLOCK of %d KiB is needed): "
		    "sandbox strict", KEYS_HEAP / 1024);
		check_end();
		return (-1);
	}
	if ((making = calloc(1, sizeof(*making))) == NULL) {
		snprintf(err, errlen, "out of memory");
		check_end();
		return (-1);
	}
	return (keys_check_more(err, errlen));
}

int
keys_check_more(char *err, size_t errlen)
{
	struct key	*k;
	unsigned int	 n;

	for (n = 0; unchecked != NULL; n++) {
		if (n == KEYS_SLICE)
			return (1);
		k = key_new(unchecked, making, err, errlen);
		if (k == NULL) {
			check_end();
			return (-1);
		}
		SLIST_INSERT_HEAD(&making->keys, k, entry);
		keypair_wipe(unchecked);
		unchecked = TAILQ_NEXT(unchecked, entry);
	}
	checked = making;
	making = NULL;
	return (0);
}

void
keys_abort(void)
{
	check_end();
	keyset_free(checked);
	checked = NULL;
}

/*
 * The keys checked last are in force.  The old ones stay for a while, since
 * handshakes that began with their certificates go on, for limit ms at most.
 */
void
keys_commit(struct event_base *base, uint32_t limit)
{
	struct keyset	*old = current;
	struct timeval	 wait;

	wait.tv_sec = (KEYS_RETIRE + limit) / 1000;
	wait.tv_usec = (KEYS_RETIRE + limit) % 1000 * 1000;
	current = checked;
	checked = NULL;
	if (old == NULL)
		return;
	SLIST_INSERT_HEAD(&retired, old, entry);
	old->timer = evtimer_new(base, keyset_expired, old);
	if (old->timer == NULL || evtimer_add(old->timer, &wait) == -1)
		fatalx("timer of old keys");
}

EVP_PKEY *
keys_find(const uint8_t hash[32])
{
	struct keyset	*ks;
	EVP_PKEY	*pkey;

	if (current != NULL && (pkey = keyset_find(current, hash)) != NULL)
		return (pkey);
	SLIST_FOREACH(ks, &retired, entry)
		if ((pkey = keyset_find(ks, hash)) != NULL)
			return (pkey);
	return (NULL);
}

size_t
keys_count(size_t *used, size_t *size)
{
	struct key	*k;
	size_t		 n = 0;

	if (current != NULL)
		SLIST_FOREACH(k, &current->keys, entry)
			n++;
	*used = CRYPTO_secure_used();
	*size = KEYS_HEAP;
	return (n);
}

int
keys_expiry(size_t i, const char **name, uint64_t *not_after)
{
	struct key	*k;

	if (current == NULL)
		return (-1);
	SLIST_FOREACH(k, &current->keys, entry)
		if (i-- == 0) {
			*name = k->name;
			*not_after = k->not_after;
			return (0);
		}
	return (-1);
}
