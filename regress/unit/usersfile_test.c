/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Lines of a users file: what is taken and how it prints, what is not and
 * why, and that the reason never quotes the line.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scram.h"
#include "usersfile.h"
#include "wamp.h"

#define KEY1	"000102030405060708090a0b0c0d0e0f" \
		"101112131415161718191a1b1c1d1e1f"
#define KEY2	"ff0102030405060708090a0b0c0d0e0f" \
		"101112131415161718191a1b1c1d1eff"
/* base64 of 16 and 32 octets */
#define B16	"MDEyMzQ1Njc4OWFiY2RlZg"
#define B32	"MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY"
#define B32B	"enpVTlRYTkpYTkpYTkpYTkpYTkpYTkpYTkpYTkpYLi4"
#define HASH	"$" B16 "$" B32
#define SCRAMKEYS	",stored=" B32 "=,server=" B32B "="

/* What is taken; printed as itself if print is NULL. */
static const struct {
	const char	*line;
	const char	*print;
	const char	*authid, *role;
	uint32_t	 methods;
} goods[] = {
	{ "alice:ticket:user:$argon2id$v=19$m=65536,t=3,p=1" HASH, NULL,
	    "alice", "user", AUTH_TICKET },
	{ "alice:ticket:user:$argon2id$v=19$m=128,t=64,p=16" HASH, NULL,
	    "alice", "user", AUTH_TICKET },
	{ "alice:ticket:user:$argon2id$v=19$m=262144,t=1,p=1$MDEyMzQ1Njc$"
	    B16, NULL, "alice", "user", AUTH_TICKET },
	{ "bob:wampcra:user:key=c2VjcmV0", NULL, "bob", "user",
	    AUTH_WAMPCRA },
	{ "bob : wampcra\t: user : key=c2VjcmV0 # no salt",
	    "bob:wampcra:user:key=c2VjcmV0", "bob", "user", AUTH_WAMPCRA },
	{ "carol:wampcra:admin:salt=salt123,iterations=100000,keylen=32,"
	    "key=" B32 "=", NULL, "carol", "admin", AUTH_WAMPCRA },
	{ "carol:wampcra:admin:key=" B32 "= , keylen=32 , iterations=1 , "
	    "salt=\"a, b\"", "carol:wampcra:admin:salt=\"a, b\",iterations=1,"
	    "keylen=32,key=" B32 "=", "carol", "admin", AUTH_WAMPCRA },
	{ "carol:wampcra:admin:salt=#1,iterations=1,keylen=32,key=" B32 "=",
	    "carol:wampcra:admin:salt=\"#1\",iterations=1,keylen=32,key="
	    B32 "=", "carol", "admin", AUTH_WAMPCRA },
	{ "dave:scram:user:kdf=pbkdf2,iterations=10000,salt=" B16 "=="
	    SCRAMKEYS, NULL, "dave", "user", AUTH_SCRAM | AUTH_WAMP_SCRAM },
	{ "erin:scram:user:kdf=argon2id13,iterations=3,memory=65536,salt="
	    B16 "==" SCRAMKEYS, NULL, "erin", "user", AUTH_WAMP_SCRAM },
	{ "erin:scram:user:kdf=argon2id-13,iterations=3,memory=8,salt="
	    B16 "==" SCRAMKEYS, NULL, "erin", "user", AUTH_SCRAM },
	{ "frank:cryptosign:admin:" KEY1, NULL, "frank", "admin",
	    AUTH_CRYPTOSIGN },
	{ "frank:cryptosign:admin:" KEY1 " , " KEY2 "\r",
	    "frank:cryptosign:admin:" KEY1 "," KEY2, "frank", "admin",
	    AUTH_CRYPTOSIGN },
	{ "gate-7:tls:device:SHA256:" KEY1 ",SHA256:" KEY2, NULL, "gate-7",
	    "device", AUTH_TLS },
	{ "gate-7:tls:device:SHA256:"
	    "FF0102030405060708090A0B0C0D0E0F"
	    "101112131415161718191A1B1C1D1EFF",
	    "gate-7:tls:device:SHA256:" KEY2, "gate-7", "device", AUTH_TLS },
	{ "\"a:b\":cryptosign:user:" KEY1 "            # a colon", "\"a:b\":"
	    "cryptosign:user:" KEY1, "a:b", "user", AUTH_CRYPTOSIGN },
	{ "\"#1, \\\"the\\\" \\\\ \\first\":cryptosign:\"a role\":" KEY1,
	    "\"#1, \\\"the\\\" \\\\ \\\\first\":cryptosign:\"a role\":" KEY1,
	    "#1, \"the\" \\ \\first", "a role", AUTH_CRYPTOSIGN },
	{ "DOMAIN\\user#1@x=y:cryptosign:user:" KEY1,
	    "\"DOMAIN\\\\user#1@x=y\":cryptosign:user:" KEY1,
	    "DOMAIN\\user#1@x=y", "user", AUTH_CRYPTOSIGN },
	{ "zo\xc3\xab:cryptosign:\xe2\x82\xac:" KEY1, NULL, "zo\xc3\xab",
	    "\xe2\x82\xac", AUTH_CRYPTOSIGN },
};

static const char *const	nothings[] = { "", " ", "\t \r", "\r", "#",
    "# alice:ticket", " \t# alice" };

#define FIELDS	"must be authid:method:role:verifier"
#define TICKET	"SECRET:ticket:user:"
#define PHC	"ticket: must be $argon2id$v=19$m=...,t=...,p=...$salt$hash"
#define CRA	"SECRET:wampcra:user:"
#define SALTED	"salt=SECRET,iterations=1,keylen=32,"
#define SCRAM	"SECRET:scram:user:"
#define PBKDF2	SCRAM "kdf=pbkdf2,iterations=1,salt=" B16 "=="
#define ARGON2	SCRAM "kdf=argon2id13,iterations=3,salt=" B16 "==" SCRAMKEYS

static const struct {
	const char	*line;
	const char	*want;
} bads[] = {
	{ "SECRET", FIELDS },
	{ "SECRET:ticket", FIELDS },
	{ "SECRET:ticket:user", FIELDS },
	{ ":ticket:user:x", "authid is empty" },
	{ "\"\":ticket:user:x", "authid is empty" },
	{ "SECRET:ticket::x", "role is empty" },
	{ "SECRET:SECRET:user:x", "method must be ticket, wampcra, scram, "
	    "cryptosign or tls" },
	{ "a,SECRET:ticket:user:x", "authid: a comma in it needs quotes" },
	{ "SECRET:ticket:a,b:x", "role: a comma in it needs quotes" },
	{ "an SECRET:ticket:user:x", "text with blanks in it, or after its "
	    "closing quote" },
	{ "\"SECRET\"x:ticket:user:x", "text with blanks in it, or after its "
	    "closing quote" },
	{ "SECRET\"x:ticket:user:x", "a quote within text" },
	{ "\"SECRET:ticket:user:x", "text without closing quote" },
	{ "\"SECRET:ticket:user:x\\\"", "text without closing quote" },
	{ "\"SECRET\tx\":ticket:user:x", "a tab within quotes" },
	{ "SECRET\x01:ticket:user:x", "a control character" },
	{ "SECRET\x7f:ticket:user:x", "a control character" },
	{ "SECRET\xc2\x85:ticket:user:x", "a control character" },
	{ "SECRET\rx:ticket:user:x", "a control character" },
	{ "SECRET\xff:ticket:user:x", "not UTF-8" },

	{ TICKET, PHC },
	{ TICKET "SECRET", PHC },
	{ TICKET "$argon2i$v=19$m=65536,t=3,p=1" HASH, PHC },
	{ TICKET "$argon2id$v=16$m=65536,t=3,p=1" HASH, PHC },
	{ TICKET "$argon2id$v=19$t=3,m=65536,p=1" HASH, PHC },
	{ TICKET "$argon2id$v=19$m=65536,t=3,p=1$" B16, PHC },
	{ TICKET "$argon2id$v=19$m=7,t=3,p=1" HASH, "ticket: memory (m) must "
	    "be a number from 8 to 262144" },
	{ TICKET "$argon2id$v=19$m=262145,t=3,p=1" HASH, "ticket: memory (m) "
	    "must be a number from 8 to 262144" },
	{ TICKET "$argon2id$v=19$m=4294967304,t=3,p=1" HASH, "ticket: memory "
	    "(m) must be a number from 8 to 262144" },
	{ TICKET "$argon2id$v=19$m=8,t=3,p=2" HASH, "ticket: memory (m) must "
	    "be 8 times parallelism (p) or more" },
	{ TICKET "$argon2id$v=19$m=8,t=0,p=1" HASH, "ticket: iterations (t) "
	    "must be a number from 1 to 64" },
	{ TICKET "$argon2id$v=19$m=8,t=65,p=1" HASH, "ticket: iterations (t) "
	    "must be a number from 1 to 64" },
	{ TICKET "$argon2id$v=19$m=8,t=,p=1" HASH, "ticket: iterations (t) "
	    "must be a number from 1 to 64" },
	{ TICKET "$argon2id$v=19$m=8,t=-1,p=1" HASH, "ticket: iterations (t) "
	    "must be a number from 1 to 64" },
	{ TICKET "$argon2id$v=19$m=800,t=1,p=0" HASH, "ticket: parallelism "
	    "(p) must be a number from 1 to 16" },
	{ TICKET "$argon2id$v=19$m=800,t=1,p=17" HASH, "ticket: parallelism "
	    "(p) must be a number from 1 to 16" },
	{ TICKET "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Ng$" B32, "ticket: salt "
	    "must be 8 to 64 octets in base64 without padding" },
	{ TICKET "$argon2id$v=19$m=8,t=1,p=1$" B32 B32 B32 "$" B32, "ticket: "
	    "salt must be 8 to 64 octets in base64 without padding" },
	{ TICKET "$argon2id$v=19$m=8,t=1,p=1$" B16 "$" B16 "==", "ticket: "
	    "hash must be 16 to 64 octets in base64 without padding" },
	{ TICKET "$argon2id$v=19$m=8,t=1,p=1$" B16 "$MDEyMzQ1Njc4OWFiY2Rl",
	    "ticket: hash must be 16 to 64 octets in base64 without "
	    "padding" },
	{ TICKET "$argon2id$v=19$m=8,t=1,p=1" HASH " SECRET", "ticket: text "
	    "with blanks in it, or after its closing quote" },

	{ CRA "SECRET", "wampcra: must be name=value,..." },
	{ CRA "SECRET=", "wampcra: a name before \"=\" that it does not "
	    "have" },
	{ CRA "stored=" B16 "==", "wampcra: a name before \"=\" that it does "
	    "not have" },
	{ CRA "key=", "wampcra: key must be 1 to 256 octets in base64" },
	{ CRA "key=SECRE", "wampcra: key must be 1 to 256 octets in base64" },
	{ CRA "key=" B16 "==,", "wampcra: must be name=value,..." },
	{ CRA "key=" B16 "==,key=" B16 "==", "wampcra: key is there twice" },
	{ CRA "key=" B16 "==,iterations=1", "wampcra: iterations without "
	    "salt" },
	{ CRA "salt=SECRET,key=" B16 "==", "wampcra: iterations is missing" },
	{ CRA "salt=\"\",iterations=1,keylen=32,key=" B32 "=", "wampcra: salt "
	    "must be 1 to 64 octets of text" },
	{ CRA "salt=" B32 B32 ",iterations=1,keylen=32,key=" B32 "=",
	    "wampcra: salt must be 1 to 64 octets of text" },
	{ CRA SALTED, "wampcra: must be name=value,..." },
	{ CRA SALTED "key=" B16 "==", "wampcra: key has 16 octets, keylen is "
	    "32" },
	{ CRA SALTED "key=c2VjcmV0", "wampcra: key must be 16 to 64 octets in "
	    "base64" },
	{ CRA "salt=x,iterations=0,keylen=32,key=" B32 "=", "wampcra: "
	    "iterations must be a number from 1 to 10000000" },
	{ CRA "salt=x,iterations=10000001,keylen=32,key=" B32 "=", "wampcra: "
	    "iterations must be a number from 1 to 10000000" },
	{ CRA "salt=x,iterations=1,keylen=65,key=" B32 "=", "wampcra: keylen "
	    "must be a number from 16 to 64" },

	{ SCRAM "SECRET", "scram: must be name=value,..." },
	{ SCRAM "kdf=pbkdf2", "scram: iterations is missing" },
	{ PBKDF2, "scram: stored is missing" },
	{ PBKDF2 ",stored=" B32 "=", "scram: server is missing" },
	{ PBKDF2 ",stored=" B16 "==,server=" B32 "=", "scram: stored must be "
	    "32 octets in base64" },
	{ PBKDF2 ",stored=" B32 "=,server=" B32, "scram: server must be 32 "
	    "octets in base64" },
	{ PBKDF2 ",memory=8" SCRAMKEYS, "scram: memory is for Argon2 alone" },
	{ SCRAM "kdf=SECRET,iterations=1,salt=" B16 "==" SCRAMKEYS, "scram: "
	    "kdf must be pbkdf2, argon2id13 or argon2id-13" },
	{ SCRAM "kdf=pbkdf2,iterations=1,salt=MDEyMzQ1Ng==" SCRAMKEYS,
	    "scram: salt must be 8 to 64 octets in base64" },
	{ SCRAM "kdf=pbkdf2,iterations=10000001,salt=" B16 "==" SCRAMKEYS,
	    "scram: iterations must be a number from 1 to 10000000" },
	{ ARGON2, "scram: memory is missing" },
	{ ARGON2 ",memory=262145", "scram: memory (m) must be a number from 8 "
	    "to 262144" },

	{ "SECRET:cryptosign:user:", "cryptosign: each must be 64 hexadecimal "
	    "digits" },
	{ "SECRET:cryptosign:user:" KEY1 ",", "cryptosign: each must be 64 "
	    "hexadecimal digits" },
	{ "SECRET:cryptosign:user:" KEY1 "0", "cryptosign: each must be 64 "
	    "hexadecimal digits" },
	{ "SECRET:cryptosign:user:SHA256:" KEY1, "cryptosign: each must be 64 "
	    "hexadecimal digits" },
	{ "SECRET:cryptosign:user:" KEY1 "," KEY2 "," KEY1, "cryptosign: the "
	    "same twice" },
	{ "SECRET:tls:user:" KEY1, "tls: each must be SHA256: and 64 "
	    "hexadecimal digits" },
	{ "SECRET:tls:user:SHA256:" KEY1 "," KEY2, "tls: each must be "
	    "SHA256: and 64 hexadecimal digits" },
};

static int
parse(const char *line, size_t len, struct users_line *l, char *errstr,
    size_t size)
{
	char	*copy;
	int	 rc;

	/* at the end of its own allocation */
	if ((copy = malloc(len + (len == 0))) == NULL)
		err(1, "malloc");
	memcpy(copy, line, len);
	errstr[0] = '\0';
	rc = users_line_parse(copy, len, l, errstr, size);
	free(copy);
	return (rc);
}

static void
expect_error(const char *line, const char *want)
{
	struct users_line	l;
	char			errstr[256];

	if (parse(line, strlen(line), &l, errstr, sizeof(errstr)) != -1)
		errx(1, "%s: taken, want \"%s\"", line, want);
	if (strcmp(errstr, want) != 0)
		errx(1, "%s: got \"%s\", want \"%s\"", line, errstr, want);
	if (strstr(errstr, "SECRET") != NULL)
		errx(1, "%s: quoted in \"%s\"", line, errstr);
}

static void
test_good(void)
{
	struct users_line	 l;
	const char		*want;
	char			 errstr[256], text[USERS_LINE_MAX];
	size_t			 i;
	int			 n;

	for (i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		if (parse(goods[i].line, strlen(goods[i].line), &l, errstr,
		    sizeof(errstr)) != 1)
			errx(1, "%s: %s", goods[i].line, errstr);
		if (strcmp(l.authid, goods[i].authid) != 0 ||
		    strcmp(l.role, goods[i].role) != 0 ||
		    l.methods != goods[i].methods)
			errx(1, "%s: got %s, %s, %#x", goods[i].line,
			    l.authid, l.role, l.methods);
		want = goods[i].print != NULL ? goods[i].print :
		    goods[i].line;
		n = users_line_print(&l, text, sizeof(text));
		if (n != (int)strlen(want) || strcmp(text, want) != 0)
			errx(1, "%s: prints as %s", goods[i].line, text);
		if (users_line_print(&l, text, strlen(want)) != -1)
			errx(1, "%s: printed where it does not fit",
			    goods[i].line);
	}
	puts("ok - good lines");
}

static void
test_nothing(void)
{
	struct users_line	l;
	char			errstr[256];
	size_t			i;

	for (i = 0; i < sizeof(nothings) / sizeof(nothings[0]); i++)
		if (parse(nothings[i], strlen(nothings[i]), &l, errstr,
		    sizeof(errstr)) != 0)
			errx(1, "\"%s\" is something: %s", nothings[i],
			    errstr);
	puts("ok - blank lines and comments");
}

static void
test_bad(void)
{
	size_t	i;

	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++)
		expect_error(bads[i].line, bads[i].want);
	puts("ok - bad lines");
}

/* A line made of a start, n characters and an end. */
static char *
stretch(const char *start, char c, size_t n, const char *end)
{
	char	*line;
	size_t	 len = strlen(start);

	if ((line = malloc(len + n + strlen(end) + 1)) == NULL)
		err(1, "malloc");
	memcpy(line, start, len);
	memset(line + len, c, n);
	strcpy(line + len + n, end);
	return (line);
}

static void
expect_length(const char *start, size_t n, const char *end, const char *want)
{
	struct users_line	 l;
	char			*line, errstr[256];

	line = stretch(start, 'x', n, end);
	if (parse(line, strlen(line), &l, errstr, sizeof(errstr)) != 1)
		errx(1, "%zu octets: %s", n, errstr);
	free(line);
	line = stretch(start, 'x', n + 1, end);
	expect_error(line, want);
	free(line);
}

/* The longest of everything. */
static void
test_lengths(void)
{
	static const char	 first[] = "x:cryptosign:user:" KEY1;
	struct users_line	 l;
	char			*line, errstr[256], key[80];
	size_t			 i;

	expect_length("", USERS_NAME_MAX, ":cryptosign:user:" KEY1,
	    "authid longer than 256 octets");
	expect_length("\"", USERS_NAME_MAX, "\":cryptosign:user:" KEY1,
	    "authid longer than 256 octets");
	expect_length("x:cryptosign:", USERS_NAME_MAX, ":" KEY1,
	    "role longer than 256 octets");
	expect_length("x:wampcra:user:salt=", USERS_SALT_MAX, ",iterations=1,"
	    "keylen=16,key=" B16 "==", "wampcra: salt must be 1 to 64 octets "
	    "of text");
	expect_length("x:cryptosign:user:" KEY1 " #", USERS_LINE_MAX -
	    (sizeof(first) - 1) - 2, "", "line longer than 8192 octets");

	line = stretch("x:wampcra:user:key=", 'A', 340, "AA==");
	if (parse(line, strlen(line), &l, errstr, sizeof(errstr)) != 1 ||
	    l.secretlen != USERS_SECRET_MAX)
		errx(1, "key of 256 octets: %s", errstr);
	free(line);
	line = stretch("x:wampcra:user:key=", 'A', 340, "AAA=");
	expect_error(line, "wampcra: key must be 1 to 256 octets in base64");
	free(line);

	line = stretch(first, 'x', 0, "");
	for (i = 1; i <= USERS_KEYS_MAX; i++) {
		if (parse(line, strlen(line), &l, errstr, sizeof(errstr)) !=
		    1 || l.secretlen != i * USERS_KEY_LEN)
			errx(1, "%zu keys: %s", i, errstr);
		snprintf(key, sizeof(key), ",%064zx", i);
		line = realloc(line, strlen(line) + sizeof(key));
		if (line == NULL)
			err(1, "realloc");
		strcat(line, key);
	}
	expect_error(line, "cryptosign: more than 16 in a line");
	free(line);
	puts("ok - lengths");
}

static void
test_values(void)
{
	struct users_line	l;
	char			errstr[256];
	size_t			i;

	if (parse(goods[0].line, strlen(goods[0].line), &l, errstr,
	    sizeof(errstr)) != 1 || l.memory != 65536 || l.iterations != 3 ||
	    l.parallel != 1 || l.saltlen != 16 || l.secretlen != 32 ||
	    memcmp(l.salt, "0123456789abcdef", 16) != 0 ||
	    memcmp(l.secret, "0123456789abcdefghijklmnopqrstuv", 32) != 0)
		errx(1, "ticket");
	if (parse(goods[9].line, strlen(goods[9].line), &l, errstr,
	    sizeof(errstr)) != 1 || l.memory != 65536 || l.iterations != 3 ||
	    l.parallel != 0 || l.kdf != SCRAM_ARGON2ID13 ||
	    l.secretlen != 64 || memcmp(l.secret + 32, "zzUNTX", 6) != 0)
		errx(1, "scram");
	users_line_clear(&l);
	for (i = 0; i < sizeof(l); i++)
		if (((const char *)&l)[i] != 0)
			errx(1, "octet %zu is not cleared", i);
	/* text ends where its length says, and errors where their room does */
	if (parse("x:tls:", 6, &l, errstr, 8) != -1 ||
	    strcmp(errstr, "must be") != 0)
		errx(1, "cut error: %s", errstr);
	if (parse("x\0:tls:user:", 12, &l, errstr, sizeof(errstr)) != -1 ||
	    strcmp(errstr, "a control character") != 0)
		errx(1, "NUL: %s", errstr);
	puts("ok - values");
}

/* What cannot be a line is not printed as one. */
static void
test_unprintable(void)
{
	static const char *const	names[] = { "", "a\nb", "a\tb", "\x1b",
	    "\xc3", "\xc2\x80" };
	struct users_line		l;
	char				text[USERS_LINE_MAX], errstr[256];
	size_t				i;

	if (parse(goods[3].line, strlen(goods[3].line), &l, errstr,
	    sizeof(errstr)) != 1)
		errx(1, "%s", errstr);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		strcpy(l.authid, names[i]);
		l.authidlen = strlen(names[i]);
		if (users_line_print(&l, text, sizeof(text)) != -1)
			errx(1, "authid %zu: %s", i, text);
	}
	strcpy(l.authid, "bob");
	l.authidlen = 3;
	if (users_line_print(&l, text, sizeof(text)) <= 0)
		errx(1, "bob is not printed");
	l.secretlen = 0;
	if (users_line_print(&l, text, sizeof(text)) != -1)
		errx(1, "no key: %s", text);
	l.methods = AUTH_ANONYMOUS;
	if (users_line_print(&l, text, sizeof(text)) != -1)
		errx(1, "no method: %s", text);
	puts("ok - unprintable");
}

int
main(void)
{
	test_good();
	test_nothing();
	test_bad();
	test_lengths();
	test_values();
	test_unprintable();
	return (0);
}
