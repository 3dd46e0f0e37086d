/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * base64 and hexadecimal, PBKDF2, Argon2id, SASLprep, WAMP-CRA and Ed25519
 * against published vectors.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <argon2.h>
#include <err.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cra.h"
#include "credtext.h"
#include "cryptosign.h"
#include "kdf.h"
#include "scram.h"

static void
expect_hex(const char *what, const uint8_t *p, size_t len, const char *want)
{
	char	*text;

	if ((text = malloc(2 * len + 1)) == NULL)
		err(1, "malloc");
	cred_hex_encode(p, len, text);
	if (strcmp(text, want) != 0)
		errx(1, "%s: got %s, want %s", what, text, want);
	free(text);
}

static void
from_hex(const char *text, uint8_t *out, size_t len)
{
	if (cred_hex_decode(text, strlen(text), out, len) == -1)
		errx(1, "%s: not %zu octets", text, len);
}

/* RFC 4648, section 10 */
static const struct {
	const char	*plain;
	const char	*text;
} b64s[] = {
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" }, { "\xfb\xff\xbe", "+/++" }
};

/* None of them is what an encoder writes; the second without padding. */
static const char *const	bad_b64s[] = {
	"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm9v=",
	"Zg==Zg==", "Zm9v\n", " Zm9v", "Zm 9", "Zm-_", "Zm9v====", "Zm.v",
	"Zm\xc3\xa9v", "Z=m=", "Zg=A"
};
static const char *const	bad_nopads[] = {
	"Z", "Zg==", "Zh", "Zm9", "Zm9vY", "Zg=", "=", "Zm9v\n", "Zm-_"
};

static void
test_base64(void)
{
	char	out[64];
	size_t	i, len, plain;

	for (i = 0; i < sizeof(b64s) / sizeof(b64s[0]); i++) {
		plain = strlen(b64s[i].plain);
		len = strlen(b64s[i].text);
		if (cred_b64_encode(b64s[i].plain, plain, out,
		    len + 1) == -1 || strcmp(out, b64s[i].text) != 0)
			errx(1, "encode %s", b64s[i].text);
		if (cred_b64_encode(b64s[i].plain, plain, out, len) == 0)
			errx(1, "encode %s: no room for a NUL", out);
		if (cred_b64_decode(b64s[i].text, len, out, plain,
		    &len) == -1 || len != plain ||
		    memcmp(out, b64s[i].plain, len) != 0)
			errx(1, "decode %s", b64s[i].text);
		if (plain > 0 && cred_b64_decode(b64s[i].text,
		    strlen(b64s[i].text), out, plain - 1, &len) == 0)
			errx(1, "decode %s: no room", b64s[i].text);
		len = strcspn(b64s[i].text, "=");
		if (cred_b64_encode_nopad(b64s[i].plain, plain, out,
		    len + 1) == -1 || strncmp(out, b64s[i].text, len) != 0 ||
		    out[len] != '\0')
			errx(1, "encode %s without padding", b64s[i].text);
		if (cred_b64_encode_nopad(b64s[i].plain, plain, out,
		    len) == 0)
			errx(1, "encode %s without padding: room", out);
		if (cred_b64_decode_nopad(b64s[i].text, len, out, plain,
		    &len) == -1 || len != plain ||
		    memcmp(out, b64s[i].plain, len) != 0)
			errx(1, "decode %s without padding", b64s[i].text);
	}
	for (i = 0; i < sizeof(bad_b64s) / sizeof(bad_b64s[0]); i++)
		if (cred_b64_decode(bad_b64s[i], strlen(bad_b64s[i]), out,
		    sizeof(out), &len) == 0)
			errx(1, "decoded %s", bad_b64s[i]);
	for (i = 0; i < sizeof(bad_nopads) / sizeof(bad_nopads[0]); i++)
		if (cred_b64_decode_nopad(bad_nopads[i],
		    strlen(bad_nopads[i]), out, sizeof(out), &len) == 0)
			errx(1, "decoded %s without padding", bad_nopads[i]);
	puts("ok - base64");
}

/* Every octet there and back; every character that is no digit refused. */
static void
test_alphabets(void)
{
	static const char	b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char	hex[] = "0123456789abcdefABCDEF";
	uint8_t			all[256], back[256];
	char			text[CRED_B64_SIZE(256)], two[3], four[5];
	size_t			i, len;

	for (i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	if (cred_b64_encode(all, 256, text, sizeof(text)) == -1 ||
	    cred_b64_decode(text, strlen(text), back, 256, &len) == -1 ||
	    len != 256 || memcmp(all, back, 256) != 0)
		errx(1, "base64 of all octets");
	for (i = 0; i < 256; i++) {
		cred_hex_encode(&all[i], 1, two);
		if (cred_hex_decode(two, 2, back, 1) == -1 || back[0] != i)
			errx(1, "octet %zu as %s", i, two);
		memcpy(four, "AAAA", 5);
		four[2] = (char)i;
		if ((cred_b64_decode(four, 4, back, 3, &len) == 0) !=
		    (i != 0 && strchr(b64, (int)i) != NULL))
			errx(1, "base64 digit %zu", i);
		two[0] = (char)i;
		if ((cred_hex_decode(two, 2, back, 1) == 0) !=
		    (i != 0 && strchr(hex, (int)i) != NULL))
			errx(1, "hexadecimal digit %zu", i);
	}
	if (cred_hex_decode("abc", 3, back, 1) == 0 ||
	    cred_hex_decode("abcd", 4, back, 1) == 0 ||
	    cred_hex_decode("ab", 2, back, 2) == 0)
		errx(1, "hexadecimal of a wrong length");
	if (cred_hex_decode("aBCd", 4, back, 2) == -1 || back[0] != 0xab ||
	    back[1] != 0xcd)
		errx(1, "either case");
	puts("ok - alphabets");
}

/* RFC 7914, section 11 */
static void
test_pbkdf2(void)
{
	uint8_t	out[64];

	if (kdf_pbkdf2("passwd", 6, "salt", 4, 1, out, 64) == -1)
		errx(1, "PBKDF2");
	expect_hex("PBKDF2 1", out, 64, "55ac046e56e3089fec1691c22544b605"
	    "f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef"
	    "317c71b845b1e30bd509112041d3a19783");
	if (kdf_pbkdf2("Password", 8, "NaCl", 4, 80000, out, 64) == -1)
		errx(1, "PBKDF2");
	expect_hex("PBKDF2 80000", out, 64, "4ddcd8f60b98be21830cee5ef22701"
	    "f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9"
	    "b3176a272bdebba1d078478f62b397f33c8d");
	if (kdf_pbkdf2("p", 1, "s", 1, 0, out, 32) == 0 ||
	    kdf_pbkdf2("p", 1, "s", 1, 0x80000000U, out, 32) == 0)
		errx(1, "iterations out of range");
	puts("ok - pbkdf2");
}

/* From the test.c of Argon2's reference implementation. */
static const struct {
	struct kdf_cost	 cost;
	const char	*password;
	const char	*salt;
	const char	*hash;
} argons[] = {
	{ { 2, 65536, 1 }, "password", "somesalt", "09316115d5cf24ed5a15a31a3"
	    "ba326e5cf32edc24702987c02b6566f61913cf7" },
	{ { 2, 256, 1 }, "password", "somesalt", "9dfeb910e80bad0311fee20f9c0"
	    "e2b12c17987b4cac90c2ef54d5b3021c68bfe" },
	{ { 2, 256, 2 }, "password", "somesalt", "6d093c501fd5999645e0ea3bf62"
	    "0d7b8be7fd2db59c20d9fff9539da2bf57037" },
	{ { 1, 65536, 1 }, "password", "somesalt", "f6a5adc1ba723dddef9b5ac1d"
	    "464e180fcd9dffc9d1cbf76cca2fed795d9ca98" },
	{ { 2, 65536, 1 }, "differentpassword", "somesalt", "0b84d652cf6b0c4b"
	    "eaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde" },
	{ { 2, 65536, 1 }, "password", "diffsalt", "bdf32b05ccc42eb15d58fd19b"
	    "1f856b113da1e9a5874fdcc544308565aa8141c" }
};

static void
test_argon2id(void)
{
	struct kdf_cost	cost = { 3, 4096, 4 };
	uint8_t		out[32], lib[32];
	size_t		i;

	for (i = 0; i < sizeof(argons) / sizeof(argons[0]); i++) {
		if (kdf_argon2id(argons[i].password,
		    strlen(argons[i].password), argons[i].salt, 8,
		    &argons[i].cost, out, sizeof(out)) == -1)
			errx(1, "Argon2id %zu", i);
		expect_hex("Argon2id", out, sizeof(out), argons[i].hash);
	}
	/* four lanes in one thread, and in the library's four */
	if (kdf_argon2id("pencil", 6, "sixteen of salt!", 16, &cost, out,
	    sizeof(out)) == -1 ||
	    argon2id_hash_raw(3, 4096, 4, "pencil", 6, "sixteen of salt!", 16,
	    lib, sizeof(lib)) != ARGON2_OK ||
	    memcmp(out, lib, sizeof(out)) != 0)
		errx(1, "four lanes");
	if (kdf_argon2id("", 0, "sixteen of salt!", 16, &cost, out,
	    sizeof(out)) == -1)
		errx(1, "no password");
	if (kdf_argon2id("p", 1, "salt", 4, &cost, out, sizeof(out)) == 0)
		errx(1, "a salt of four octets");
	cost.m = 31;
	if (kdf_argon2id("p", 1, "saltsalt", 8, &cost, out, 32) == 0)
		errx(1, "7.75 KiB a lane");
	cost.m = 4096;
	cost.t = 0;
	if (kdf_argon2id("p", 1, "saltsalt", 8, &cost, out, 32) == 0)
		errx(1, "no passes");
	puts("ok - argon2id");
}

/* RFC 4013, section 3, and more; NULL: refused */
static const struct {
	const char	*in;
	const char	*out;
} preps[] = {
	{ "I\xc2\xadX", "IX" }, { "user", "user" }, { "USER", "USER" },
	{ "\xc2\xaa", "a" }, { "\xe2\x85\xa8", "IX" }, { "\x07", NULL },
	{ "\xd8\xa7\x31", NULL }, { "", "" },
	{ "a\xc2\xa0" "b", "a b" },		/* no-break space */
	{ "\xc8\xa1", NULL },			/* unassigned in 3.2 */
	{ "\xee\x80\x80", NULL },		/* private use */
	{ "a\xcc\x88", "\xc3\xa4" },		/* NFKC */
	{ "\xff", NULL }, { "\xc3", NULL }, { "\xed\xa0\x80", NULL }
};

static void
test_saslprep(void)
{
	char	out[16];
	size_t	i;
	int	ret;

	for (i = 0; i < sizeof(preps) / sizeof(preps[0]); i++) {
		ret = kdf_saslprep(preps[i].in, strlen(preps[i].in), out,
		    sizeof(out));
		if (ret != (preps[i].out != NULL ? 0 : -1) ||
		    (ret == 0 && strcmp(out, preps[i].out) != 0))
			errx(1, "case %zu: %s", i, ret == 0 ? out : "-1");
	}
	if (kdf_saslprep("a\0b", 3, out, sizeof(out)) == 0)
		errx(1, "a NUL");
	if (kdf_saslprep("user", 4, out, 4) == 0 ||
	    kdf_saslprep("user", 4, out, 5) == -1)
		errx(1, "size of the result");
	/* three octets become 33 */
	if (kdf_saslprep("\xef\xb7\xba", 3, out, sizeof(out)) == 0)
		errx(1, "a result that grew over its room");
	puts("ok - saslprep");
}

/*
 * The challenge and signature of the specification's example, whose secret
 * is "secret1", salted as the example in its last section; the other two by
 * Autobahn|Python.
 */
static const char	challenge[] = "{\"nonce\": \"LHRTC9zeOIrt_9U3\", "
    "\"authprovider\": \"userdb\", \"authid\": \"peter\", "
    "\"timestamp\": \"2014-06-22T16:36:25.448Z\", \"authrole\": \"user\", "
    "\"authmethod\": \"wampcra\", \"session\": 3251278072152162}";

static void
test_cra(void)
{
	static const char	right[] =
	    "gir1mSx+deCDUV7wRM5SGIn/+R/ClqLZuH4m7FJeBVI=";
	char			key[CRED_B64_SIZE(32)], out[CRA_SIGLEN + 1];
	char			wrong[CRA_SIGLEN + 1];
	size_t			i;

	if (cra_derive("secret1", "salt123", 1000, 32, key,
	    sizeof(key)) == -1 || strcmp(key,
	    "64xfzBvZhGDT7PB0bQwDeI8/WR1M9x6Cw5dt0yP9koc=") != 0)
		errx(1, "derived key");
	cra_sign(key, strlen(key), challenge, out);
	if (strcmp(out, right) != 0)
		errx(1, "salted: %s", out);
	cra_sign("L3L1YUE8Txlw", 12, "[1, 2, 3]", out);
	if (strcmp(out, "1njQtmmeYO41N5EWEzD2kAjjEKRZ5kPZt/TzpYXOzR0=") != 0)
		errx(1, "plain: %s", out);
	if (!cra_check(key, strlen(key), challenge, right, CRA_SIGLEN))
		errx(1, "right signature refused");
	for (i = 0; i < CRA_SIGLEN; i++) {
		memcpy(wrong, right, sizeof(wrong));
		wrong[i] ^= 1;
		if (cra_check(key, strlen(key), challenge, wrong,
		    CRA_SIGLEN) ||
		    cra_check(key, strlen(key), challenge, right, i))
			errx(1, "wrong signature %zu accepted", i);
	}
	if (cra_check(key, strlen(key) - 1, challenge, right, CRA_SIGLEN))
		errx(1, "wrong key accepted");
	if (cra_derive("s", "s", 1, 0, key, sizeof(key)) == 0 ||
	    cra_derive("s", "s", 1, CRA_KEYLEN_MAX + 1, key,
	    sizeof(key)) == 0 ||
	    cra_derive("s", "s", 0, 32, key, sizeof(key)) == 0 ||
	    cra_derive("s", "s", 1, 34, key, sizeof(key)) == 0)
		errx(1, "parameters out of range");
	puts("ok - wampcra");
}

/* WAMP, Cryptosign-based Authentication, Test Vectors */
static const struct {
	const char	*channel_id;
	const char	*seed;
	const char	*challenge;
	const char	*signature;	/* and message */
} signs[] = {
	{ NULL,
	    "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
	    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0c"
	    "ae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03"
	    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
	{ NULL,
	    "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
	    "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
	    "d4209ad10d5aff6bfbc009d7e924795de138a63515efc7afc6b01b7fe5201372"
	    "190374886a70207b042294af5bd64ce725cd8dceb344e6d11c09d1aaaf4d660f"
	    "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d" },
	{ NULL,
	    "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
	    "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
	    "7beb282184baadd08f166f16dd683b39cab53816ed81e6955def951cb2ddad1e"
	    "c184e206746fd82bda075af03711d3d5658fc84a76196b0fa8d1ebc92ef9f30b"
	    "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2" },
	{ "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff",
	    "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
	    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3"
	    "e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb59a07b580095c2b82f80f"
	    "9d16ca518aa0c2b707f2b2a609edeca73bca8dd59817a633f35574ac6fd80d00" },
	{ "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff",
	    "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
	    "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
	    "305aaa3ac25e98f651427688b3fc43fe7d8a68a7ec1d7d61c61517c519bd4a42"
	    "7c3015599d83ca28b4c652333920223844ef0725eb5dc2febfd6af7677b73f01"
	    "d0852a29b460fc92ec943242ac638a053bbacc200512b18b30d15083cbdc9282" },
	{ "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff",
	    "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
	    "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
	    "ee3c7644fd8070532bc1fde3d70d742267da545d8c8f03e63bda63f1ad4214f4"
	    "d2c4bfdb4eb9526def42deeb7e31602a6ff99eba893e0a4ad4d45892ca75e608"
	    "d2b75e24a189a7f78ca776ba36fc53f6c3e31c32f251f2c524f0a44202f2902d" }
};

static void
test_cryptosign(void)
{
	uint8_t	id[32], seed[32], pub[32], msg[32], sig[64], want[96];
	size_t	i, k;

	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		from_hex(signs[i].seed, seed, sizeof(seed));
		from_hex(signs[i].challenge, msg, sizeof(msg));
		from_hex(signs[i].signature, want, sizeof(want));
		if (signs[i].channel_id != NULL) {
			from_hex(signs[i].channel_id, id, sizeof(id));
			for (k = 0; k < sizeof(msg); k++)
				msg[k] ^= id[k];
		}
		if (cryptosign_public(seed, pub) == -1 ||
		    cryptosign_sign(seed, msg, sizeof(msg), sig) == -1)
			errx(1, "sign %zu", i);
		if (memcmp(sig, want, 64) != 0 ||
		    memcmp(msg, want + 64, 32) != 0)
			errx(1, "signature %zu", i);
		if (!cryptosign_verify(pub, msg, sizeof(msg), sig))
			errx(1, "verify %zu", i);
		for (k = 0; k < 64; k++) {
			sig[k] ^= 0x10;
			if (cryptosign_verify(pub, msg, sizeof(msg), sig))
				errx(1, "octet %zu of signature", k);
			sig[k] ^= 0x10;
		}
		msg[31] ^= 1;
		if (cryptosign_verify(pub, msg, sizeof(msg), sig))
			errx(1, "another message");
		msg[31] ^= 1;
		pub[0] ^= 1;
		if (cryptosign_verify(pub, msg, sizeof(msg), sig))
			errx(1, "another key");
	}
	puts("ok - cryptosign");
}

/* The sanitizers open files. */
#ifndef WAMPD_SAN
/* A file opened, or a thread started, ends the process from now on. */
static void
close_in(void)
{
	static const char *const	calls[] = {
		"open", "openat", "clone", "clone3", "fork", "vfork",
		"execve", "socket", "prctl"
	};
	scmp_filter_ctx			ctx;
	size_t				i;

	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL)
		errx(1, "seccomp_init");
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS,
		    seccomp_syscall_resolve_name(calls[i]), 0) != 0)
			errx(1, "seccomp_rule_add %s", calls[i]);
	if (seccomp_load(ctx) != 0)
		errx(1, "seccomp_load");
}

static int
use_everything(void)
{
	struct kdf_cost		cost = { 1, 65536, 4 };
	struct scram_exchange	x = {
		.authid = "user", .client_nonce = "YQ==", .nonce = "YQ==Yg==",
		.salt = "c2FsdHNhbHQ=", .iterations = 1, .memory = 8,
		.kdf = SCRAM_ARGON2ID13_AUTOBAHN, .dialect = SCRAM_AUTOBAHN
	};
	uint8_t			seed[32] = { 1 }, pub[32], sig[64], out[32];
	uint8_t			salted[SCRAM_SALTED_MAX], client[32];
	uint8_t			stored[32], server[32];
	char			text[45], *msg;
	size_t			len;

	if (kdf_argon2id("p", 1, "saltsalt", 8, &cost, out, 32) == -1 ||
	    kdf_pbkdf2("p", 1, "salt", 4, 10, out, 32) == -1 ||
	    scram_salted("\xe2\x85\xa8", &x, salted, &len) == -1 ||
	    (msg = scram_auth_message(&x)) == NULL)
		return (1);
	scram_keys(salted, len, client, stored, server);
	scram_proof(client, stored, msg, text);
	if (!scram_check(stored, msg, text, 44) ||
	    scram_check(server, msg, text, 44))
		return (2);
	scram_signature(server, msg, text);
	cra_sign("key", 3, msg, text);
	if (!cra_check("key", 3, msg, text, 44) ||
	    cryptosign_public(seed, pub) == -1 ||
	    cryptosign_sign(seed, out, 32, sig) == -1 ||
	    !cryptosign_verify(pub, out, 32, sig))
		return (3);
	sig[0] ^= 1;
	return (cryptosign_verify(pub, out, 32, sig) ? 4 : 0);
}

/* First of all, before anything else has prepared libcrypto. */
static void
test_sandbox(void)
{
	pid_t	pid;
	int	status;

	fflush(stdout);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		cred_prepare();
		close_in();
		_exit(use_everything());
	}
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		errx(1, "sandbox: status 0x%x", (unsigned int)status);
	puts("ok - sandbox");
}
#endif

int
main(void)
{
#ifndef WAMPD_SAN
	test_sandbox();
#endif
	cred_prepare();
	test_base64();
	test_alphabets();
	test_pbkdf2();
	test_argon2id();
	test_saslprep();
	test_cra();
	test_cryptosign();
	return (0);
}
