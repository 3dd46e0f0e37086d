/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * SCRAM: RFC 7677's exchange, the specification's dialect, and Autobahn's
 * as its own code computes it.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credtext.h"
#include "kdf.h"
#include "scram.h"

/* RFC 7677, section 3 */
static const struct scram_exchange	rfc7677 = {
	.authid = "user",
	.client_nonce = "rOprNGfwEbeRWgbNEkqO",
	.nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	.salt = "W22ZaJ0SNY7soEsUEjb6gQ==",
	.iterations = 4096,
	.kdf = SCRAM_PBKDF2,
	.dialect = SCRAM_SPEC
};

/* AuthScram of Autobahn|Python 22.7.1 with these nonces */
static const struct scram_exchange	autobahn = {
	.authid = "user",
	.client_nonce = "AAECAwQFBgcICQoLDA0ODw==",
	.nonce = "AAECAwQFBgcICQoLDA0ODw==EBESExQVFhcYGRobHB0eHw==",
	.salt = "W22ZaJ0SNY7soEsUEjb6gQ==",
	.iterations = 3,
	.memory = 4096,
	.kdf = SCRAM_ARGON2ID13_AUTOBAHN,
	.dialect = SCRAM_AUTOBAHN
};

static char *
message(const struct scram_exchange *x)
{
	char	*msg;

	if ((msg = scram_auth_message(x)) == NULL)
		errx(1, "no AuthMessage");
	return (msg);
}

/* Both sides; every wrong bit of the proof is refused. */
static void
exchange(const struct scram_exchange *x, const char *password,
    const char *want_message, const char *want_proof, const char *want_sig)
{
	uint8_t	salted[SCRAM_SALTED_MAX], client[32], stored[32], server[32];
	char	proof[45], sig[45], *msg;
	size_t	i, len;

	if (scram_salted(password, x, salted, &len) == -1)
		errx(1, "no SaltedPassword");
	scram_keys(salted, len, client, stored, server);
	msg = message(x);
	if (want_message != NULL && strcmp(msg, want_message) != 0)
		errx(1, "AuthMessage: %s, want %s", msg, want_message);
	scram_proof(client, stored, msg, proof);
	if (want_proof != NULL && strcmp(proof, want_proof) != 0)
		errx(1, "ClientProof: %s, want %s", proof, want_proof);
	scram_signature(server, msg, sig);
	if (want_sig != NULL && strcmp(sig, want_sig) != 0)
		errx(1, "ServerSignature: %s, want %s", sig, want_sig);
	if (!scram_check(stored, msg, proof, 44))
		errx(1, "right proof refused");
	for (i = 0; i < 44; i++) {
		proof[i] ^= 1;
		if (scram_check(stored, msg, proof, 44))
			errx(1, "wrong character %zu accepted", i);
		proof[i] ^= 1;
		if (scram_check(stored, msg, proof, i))
			errx(1, "%zu characters accepted", i);
	}
	if (scram_check(server, msg, proof, 44))
		errx(1, "proof of another key accepted");
	msg[0] ^= 1;
	if (scram_check(stored, msg, proof, 44))
		errx(1, "proof of another exchange accepted");
	free(msg);
}

static void
test_rfc7677(void)
{
	exchange(&rfc7677, "pencil", "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,"
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
	puts("ok - rfc7677");
}

static void
test_autobahn(void)
{
	exchange(&autobahn, "pencil", "n=user,r=AAECAwQFBgcICQoLDA0ODw==,"
	    "r=AAECAwQFBgcICQoLDA0ODw==EBESExQVFhcYGRobHB0eHw==,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=3,c=,"
	    "r=AAECAwQFBgcICQoLDA0ODw==EBESExQVFhcYGRobHB0eHw==",
	    "MN4x4fNCH1KALBkZ/P1d33bA1hmBZIAijb8+fyUJb8g=",
	    "JGXS+EsJwacBeh8xD76WpU+DRSKi/nPKP7zz4J8ugmE=");
	puts("ok - autobahn");
}

/* SaltedPassword: Argon2id of one lane, its octets and Autobahn's text. */
static void
test_argon2id(void)
{
	struct scram_exchange	x = autobahn;
	struct kdf_cost		cost = { 3, 4096, 1 };
	uint8_t			salted[SCRAM_SALTED_MAX], raw[32];
	uint8_t			salt[16];
	char			text[CRED_B64_SIZE(32)];
	size_t			len;

	x.kdf = SCRAM_ARGON2ID13;
	x.dialect = SCRAM_SPEC;
	if (cred_b64_decode(x.salt, strlen(x.salt), salt, 16, &len) == -1 ||
	    kdf_argon2id("pencil", 6, salt, 16, &cost, raw, 32) == -1 ||
	    cred_b64_encode_nopad(raw, 32, text, sizeof(text)) == -1)
		errx(1, "Argon2id");
	if (scram_salted("pencil", &x, salted, &len) == -1 || len != 32 ||
	    memcmp(salted, raw, 32) != 0)
		errx(1, "argon2id13");
	exchange(&x, "pencil", NULL, NULL, NULL);
	x.kdf = SCRAM_ARGON2ID13_AUTOBAHN;
	if (scram_salted("pencil", &x, salted, &len) == -1 || len != 43 ||
	    memcmp(salted, text, 43) != 0 || strcmp(text,
	    "zJUqroBSWylW6ZS/zWPaiz8/r/X6zGFEghE7UbUP7Zg") != 0)
		errx(1, "argon2id-13");
	x.memory = 7;
	if (scram_salted("pencil", &x, salted, &len) == 0)
		errx(1, "seven KiB");
	puts("ok - argon2id");
}

static void
expect_message(const struct scram_exchange *x, const char *want)
{
	char	*msg = scram_auth_message(x);

	if (want == NULL ? msg != NULL :
	    msg == NULL || strcmp(msg, want) != 0)
		errx(1, "AuthMessage: %s", msg != NULL ? msg : "none");
	free(msg);
}

static void
test_message(void)
{
	struct scram_exchange	x = {
		.client_nonce = "YQ==", .nonce = "YQ==Yg==", .salt = "c2FsdA==",
		.iterations = 4294967295U, .kdf = SCRAM_PBKDF2
	};

	/* RFC 5802, 5.1: saslname */
	x.authid = "a,b=c";
	expect_message(&x, "n=a=2Cb=3Dc,r=YQ==,r=YQ==Yg==,s=c2FsdA==,"
	    "i=4294967295,c=biws,r=YQ==Yg==");
	/* base64 of "p=tls-exporter,," and of three octets after it */
	x.authid = "";
	x.cbind_name = "tls-exporter";
	x.cbind_data = "AP+A";
	expect_message(&x, "n=,r=YQ==,r=YQ==Yg==,s=c2FsdA==,i=4294967295,"
	    "c=cD10bHMtZXhwb3J0ZXIsLAD/gA==,r=YQ==Yg==");
	x.cbind_data = "AP+";
	expect_message(&x, NULL);
	/* the other dialect: prepared, not escaped, nothing bound */
	x.dialect = SCRAM_AUTOBAHN;
	x.authid = "I\xc2\xadX=,";
	expect_message(&x, "n=IX=,,r=YQ==,r=YQ==Yg==,s=c2FsdA==,"
	    "i=4294967295,c=,r=YQ==Yg==");
	x.authid = "\x07";
	expect_message(&x, NULL);
	puts("ok - message");
}

/* SASLprep of passwords, in all but Autobahn's KDF. */
static void
test_passwords(void)
{
	struct scram_exchange	x = rfc7677, a = autobahn;
	uint8_t			one[SCRAM_SALTED_MAX], two[SCRAM_SALTED_MAX];
	char			big[SCRAM_PASSWORD_MAX + 1];
	size_t			len;

	if (scram_salted("I\xc2\xadX", &x, one, &len) == -1 ||
	    scram_salted("\xe2\x85\xa8", &x, two, &len) == -1 ||
	    memcmp(one, two, 32) != 0)
		errx(1, "two writings of a password differ");
	if (scram_salted("I\xc2\xadX", &a, one, &len) == -1 ||
	    scram_salted("IX", &a, two, &len) == -1 ||
	    memcmp(one, two, 43) == 0)
		errx(1, "Autobahn prepares no password");
	if (scram_salted("a\x07", &x, one, &len) == 0 ||
	    scram_salted("\xc2\xad", &x, one, &len) == 0 ||
	    scram_salted("", &x, one, &len) == 0 ||
	    scram_salted("", &a, one, &len) == 0)
		errx(1, "no password, or a prohibited one, accepted");
	memset(big, 'a', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	if (scram_salted(big, &x, one, &len) == -1)
		errx(1, "%d octets refused", SCRAM_PASSWORD_MAX);
	x.salt = "W22ZaJ0SNY7soEsUEjb6gQ";
	if (scram_salted("pencil", &x, one, &len) == 0)
		errx(1, "salt without padding accepted");
	x.salt = rfc7677.salt;
	x.iterations = 0;
	if (scram_salted("pencil", &x, one, &len) == 0)
		errx(1, "no iterations accepted");
	puts("ok - passwords");
}

static void
test_names(void)
{
	int	kdf;

	for (kdf = SCRAM_PBKDF2; kdf <= SCRAM_ARGON2ID13_AUTOBAHN; kdf++)
		if (scram_kdf_parse(scram_kdf_name(kdf),
		    strlen(scram_kdf_name(kdf))) != kdf ||
		    scram_kdf_speaks(kdf, SCRAM_SPEC) !=
		    (kdf != SCRAM_ARGON2ID13_AUTOBAHN) ||
		    scram_kdf_speaks(kdf, SCRAM_AUTOBAHN) !=
		    (kdf != SCRAM_ARGON2ID13))
			errx(1, "KDF %d", kdf);
	if (scram_kdf_parse("argon2id", 8) != 0 ||
	    scram_kdf_parse("argon2id13 ", 11) != 0 ||
	    scram_kdf_parse("", 0) != 0 ||
	    scram_kdf_parse("pbkdf2x", 6) != SCRAM_PBKDF2)
		errx(1, "names");
	puts("ok - names");
}

int
main(void)
{
	test_rfc7677();
	test_autobahn();
	test_argon2id();
	test_message();
	test_passwords();
	test_names();
	return (0);
}
