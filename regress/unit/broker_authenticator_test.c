/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * AUTH_CALL at a real broker: the keeper has an authenticator called and is
 * told exactly what it answered, or that it did not.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bplay.h"
#include "codec.h"
#include "conf.h"
#include "uri.h"

#define T1	(&proxies[1])
#define R	"realm1"
#define P	"com.authenticate"
#define ARGS	"\x93\xa1r\xa1u\x80"	/* ["r", "u", {}] */
#define KEY	"00112233445566778899aabbccddeeff" \
		"00112233445566778899AABBCCDDEEFF"
#define KEYOCTETS "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc" \
		"\xdd\xee\xff\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa" \
		"\xbb\xcc\xdd\xee\xff"

static struct sess	auth;
static uint64_t		reg;
static uint32_t		gen;
static uint64_t		lastid;

static struct conf *
conf_make(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));

	bconf_rule(bconf_role(r, "guard"), 1, ACTION_REGISTER, MATCH_EXACT,
	    P);
	bconf_asks(r, P);
	return (c);
}

static void
serve(void)
{
	join(&auth, T1, 1, ++gen, R, "guard");
	reg = registers(&auth, P);
}

static void
call(uint32_t method, uint32_t timeout, const char *uri)
{
	struct m_auth_call	m;
	struct text		t[2] = { { uri, strlen(uri) },
				    { ARGS, sizeof(ARGS) - 1 } };

	memset(&m, 0, sizeof(m));
	m.id = ++lastid;
	m.realm = conf_find_realm(bconf, R, strlen(R))->id;
	m.timeout = timeout;
	m.method = method;
	m.arglen = (uint32_t)t[1].len;
	m.urilen = (uint16_t)t[0].len;
	side_send(&keeper, IMSG_AUTH_CALL, 0, 0, &m, sizeof(m), t, 2);
}

static uint64_t
asked(void)
{
	struct m_invocation	m;
	struct got		g;

	side_want(T1, IMSG_INVOCATION, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != auth.slot || m.registration != reg ||
	    m.flags != INVOCATION_MSGPACK || m.ser != SER_MSGPACK ||
	    m.nargs != 1 || g.len != sizeof(m) + sizeof(ARGS) - 1 ||
	    memcmp(g.data + sizeof(m), ARGS, sizeof(ARGS) - 1) != 0)
		errx(1, "the INVOCATION is not what the keeper said");
	return (m.request);
}

static void
answer(uint64_t inv, const void *body, size_t len)
{
	struct m_yield	m;
	struct text	t = { body, len };

	memset(&m, 0, sizeof(m));
	m.request = inv;
	m.paylen = (uint32_t)len;
	m.ser = SER_MSGPACK;
	m.nargs = len > 0;
	side_send(auth.t, IMSG_YIELD, auth.slot, auth.gen, &m, sizeof(m), &t,
	    1);
}

/* Its numbers, and all behind them as one text. */
static void
want(int outcome, const char *numbers, const void *rest, size_t len)
{
	struct m_auth_result	m;
	struct got		g;
	char			got[128];

	side_want(&keeper, IMSG_AUTH_RESULT, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	snprintf(got, sizeof(got), "%u %u %u %u %u %u %u %u %u", m.iterations,
	    m.keylen, m.authidlen, m.rolelen, m.realmlen, m.secretlen,
	    m.saltlen, m.nkeys, m.extralen);
	if (m.id != lastid || m.outcome != outcome ||
	    strcmp(got, numbers) != 0 || m.pad != 0)
		errx(1, "AUTH_RESULT of %llu: %u, %s; want %d, %s",
		    (unsigned long long)m.id, m.outcome, got, outcome,
		    numbers);
	if (m.errorlen != (outcome == AUTH_OUTCOME_REFUSED ? len : 0) ||
	    g.len != sizeof(m) + len ||
	    memcmp(g.data + sizeof(m), rest, len) != 0)
		errx(1, "AUTH_RESULT of %llu: texts",
		    (unsigned long long)m.id);
}

#define NOTHING	"0 0 0 0 0 0 0 0 0"

static void
answers(void)
{
	static const struct {
		uint32_t	 method;
		const char	*body;
		size_t		 len;
		const char	*numbers;	/* NULL: it failed */
		const char	*rest;
		size_t		 restlen;
	} t[] = {
#define B(m, s, n, r)	{ m, s, sizeof(s) - 1, n, r, sizeof(r) - 1 }
#define W(m, s)		{ m, s, sizeof(s) - 1, NULL, "", 0 }
		B(AUTH_TICKET, "\x91\xa4user", "0 0 0 4 0 0 0 0 0", "user"),
		B(AUTH_TICKET, "\x91\x81\xa4role\xa4user",
		    "0 0 0 4 0 0 0 0 0", "user"),
		B(AUTH_TICKET, "\x91\x84\xa4role\xa4user\xa6" "authid\xa3joe"
		    "\xa5realm\xa2r2\xa5" "extra\x81\xa1x\x91\xc0",
		    "0 0 3 4 2 0 0 0 5", "joeuserr2\x81\xa1x\x91\xc0"),
		B(AUTH_TICKET, "\x92\x84\xa4role\xa4user\xa6" "authid\xc0"
		    "\xa5" "extra\xc0\xa5other\x01\xc3",
		    "0 0 0 4 0 0 0 0 0", "user"),
		B(AUTH_WAMPCRA, "\x91\x82\xa4role\xa4user\xa6secret\xa3xyz",
		    "0 0 0 4 0 3 0 0 0", "userxyz"),
		B(AUTH_WAMPCRA, "\x91\x83\xa4role\xa4user\xa6secret\xa3xyz"
		    "\xa4salt\xa2sa", "1000 32 0 4 0 3 2 0 0", "userxyzsa"),
		B(AUTH_WAMPCRA, "\x91\x85\xa4role\xa4user\xa6secret\xa3xyz"
		    "\xa4salt\xa2sa\xaaiterations\xcd\x01\x00\xa6keylen\x10",
		    "256 16 0 4 0 3 2 0 0", "userxyzsa"),
		B(AUTH_WAMPCRA, "\x91\x83\xa4role\xa4user\xa6secret\xa3xyz"
		    "\xaaiterations\x07", "0 0 0 4 0 3 0 0 0", "userxyz"),
		B(AUTH_CRYPTOSIGN, "\x91\x82\xa4role\xa4user\xa6pubkey\xd9\x40"
		    KEY, "0 0 0 4 0 0 0 1 0", "user" KEYOCTETS),
		B(AUTH_CRYPTOSIGN, "\x91\x82\xa4role\xa4user\xaf"
		    "authorized_keys\x92\xd9\x40" KEY "\xd9\x40" KEY,
		    "0 0 0 4 0 0 0 2 0", "user" KEYOCTETS KEYOCTETS),
		/* what is missing */
		W(AUTH_TICKET, ""), W(AUTH_TICKET, "\x90"),
		W(AUTH_TICKET, "\x91\x80"), W(AUTH_TICKET, "\x91\xa0"),
		W(AUTH_TICKET, "\x91\xc3"), W(AUTH_TICKET, "\x91\xc0"),
		W(AUTH_TICKET, "\x91\x91\xa4user"),
		W(AUTH_TICKET, "\x91\x81\xa6" "authid\xa3joe"),
		W(AUTH_WAMPCRA, "\x91\xa4user"),
		W(AUTH_WAMPCRA, "\x91\x81\xa4role\xa4user"),
		W(AUTH_CRYPTOSIGN, "\x91\x81\xa4role\xa4user"),
		W(AUTH_CRYPTOSIGN, "\x91\x82\xa4role\xa4user\xaf"
		    "authorized_keys\x90"),
		/* what is wrong */
		W(AUTH_TICKET, "\x91\x81\xa4role\x01"),
		W(AUTH_TICKET, "\x91\xa3" "a\0b"),
		W(AUTH_TICKET, "\x91\x82\xa4role\xa4user\xa6" "authid\x01"),
		W(AUTH_TICKET, "\x91\x82\xa4role\xa4user\xa6" "authid\xa0"),
		W(AUTH_TICKET, "\x91\x82\xa4role\xa4user\xa5" "extra\x90"),
		W(AUTH_TICKET, "\x91\x82\xa4role\xa4user\xa5" "extra\x81\x01"
		    "\x01"),
		W(AUTH_WAMPCRA, "\x91\x82\xa4role\xa4user\xa6secret\xc4\x01x"),
		W(AUTH_WAMPCRA, "\x91\x84\xa4role\xa4user\xa6secret\xa1x"
		    "\xa4salt\xa1s\xa6keylen\x00"),
		W(AUTH_WAMPCRA, "\x91\x84\xa4role\xa4user\xa6secret\xa1x"
		    "\xa4salt\xa1s\xaaiterations\xce\xff\xff\xff\xff"),
		W(AUTH_CRYPTOSIGN, "\x91\x82\xa4role\xa4user\xa6pubkey\xa2"
		    "ab"),
		W(AUTH_CRYPTOSIGN, "\x91\x82\xa4role\xa4user\xa6pubkey\xd9\x40"
		    "0011223344556677" "0011223344556677" "0011223344556677"
		    "001122334455667x"),
		W(AUTH_CRYPTOSIGN, "\x91\x82\xa4role\xa4user\xaf"
		    "authorized_keys\x91\x01"),
		/* no MessagePack */
		W(AUTH_TICKET, "\x91"), W(AUTH_TICKET, "\xc1"),
		W(AUTH_TICKET, "\x91\xa4user\xc0"),
		W(AUTH_TICKET, "\x91\xa2\xff\xff"),
#undef B
#undef W
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		call(t[i].method, 20000, P);
		answer(asked(), t[i].body, t[i].len);
		if (t[i].numbers != NULL)
			want(AUTH_OUTCOME_GIVEN, t[i].numbers, t[i].rest,
			    t[i].restlen);
		else
			want(AUTH_OUTCOME_FAILED, NOTHING, "", 0);
	}
	if (!bp_logged("realm realm1: authenticator com.authenticate: the "
	    "answer has not the right shape"))
		errx(1, "no line names the procedure");
	bp_ok("answers of every shape, and what the keeper is told of them");
}

/* str 16 of n octets as "role", "authid", "secret"... */
static void
long_text(const char *key, size_t n, int is_fine)
{
	uint8_t	b[8192], *p = b;
	char	numbers[64];
	int	is_key = strcmp(key, "extra") != 0;

	memcpy(p, "\x91\x83\xa4role\xa4user\xa6secret\xa1x", 21);
	p += 21;
	*p++ = (uint8_t)(0xa0 | strlen(key));
	memcpy(p, key, strlen(key));
	p += strlen(key);
	if (!is_key) {
		memcpy(p, "\x81\xa1k", 3);
		p += 3;
		n -= 6;
	}
	*p++ = 0xda;
	*p++ = (uint8_t)(n >> 8);
	*p++ = (uint8_t)n;
	memset(p, 'x', n);
	p += n;
	call(AUTH_WAMPCRA, 20000, P);
	answer(asked(), b, (size_t)(p - b));
	if (!is_fine) {
		want(AUTH_OUTCOME_FAILED, NOTHING, "", 0);
		return;
	}
	memset(b, 'x', sizeof(b));
	if (strcmp(key, "authid") == 0) {
		memcpy(b + n, "userx", 5);
		snprintf(numbers, sizeof(numbers), "0 0 %zu 4 0 1 0 0 0", n);
		want(AUTH_OUTCOME_GIVEN, numbers, b, n + 5);
	} else {
		memcpy(b, "userx\x81\xa1k\xda", 9);
		b[9] = (uint8_t)(n >> 8);
		b[10] = (uint8_t)n;
		snprintf(numbers, sizeof(numbers), "0 0 0 4 0 1 0 0 %zu",
		    n + 6);
		want(AUTH_OUTCOME_GIVEN, numbers, b, n + 11);
	}
}

static void
bounds(void)
{
	uint8_t	b[2000], *p = b;
	int	i, n;

	long_text("authid", AUTHID_MAXLEN, 1);
	long_text("authid", AUTHID_MAXLEN + 1, 0);
	long_text("salt", AUTH_MAXSALT + 1, 0);
	long_text("realm", AUTH_MAXNAME + 1, 0);
	long_text("extra", AUTH_MAXEXTRA, 1);
	long_text("extra", AUTH_MAXEXTRA + 1, 0);
	for (n = AUTH_MAXKEYS; n <= AUTH_MAXKEYS + 1; n++) {
		p = b;
		memcpy(p, "\x91\x82\xa4role\xa4user\xaf" "authorized_keys\xdc",
		    29);
		p += 29;
		*p++ = 0;
		*p++ = (uint8_t)n;
		for (i = 0; i < n; i++) {
			memcpy(p, "\xd9\x40" KEY, 66);
			p += 66;
		}
		call(AUTH_CRYPTOSIGN, 20000, P);
		answer(asked(), b, (size_t)(p - b));
		if (n > AUTH_MAXKEYS) {
			want(AUTH_OUTCOME_FAILED, NOTHING, "", 0);
			break;
		}
		memcpy(b, "user", 4);
		for (i = 0; i < n; i++)
			memcpy(b + 4 + 32 * i, KEYOCTETS, 32);
		want(AUTH_OUTCOME_GIVEN, "0 0 0 4 0 0 0 16 0", b,
		    4 + 32 * (size_t)n);
	}
	bp_ok("lengths and numbers of what an answer may have");
}

static void
none(void)
{
	struct m_auth_call	m;
	uint64_t		inv;

	call(AUTH_TICKET, 20000, P);
	send_error(&auth, asked(), "com.example.no_such_user", "");
	want(AUTH_OUTCOME_REFUSED, NOTHING, "com.example.no_such_user", 24);
	bp_ok("an ERROR is a refusal");

	call(AUTH_TICKET, 200, P);
	inv = asked();
	want(AUTH_OUTCOME_FAILED, NOTHING, "", 0);
	answer(inv, "\x91\xa4user", 6);
	/* that nobody has configured, in a realm that is not here */
	call(AUTH_TICKET, 20000, "com.other");
	want(AUTH_OUTCOME_FAILED, NOTHING, "", 0);
	memset(&m, 0, sizeof(m));
	m.id = ++lastid;
	m.realm = 999999;
	m.timeout = 1000;
	m.method = AUTH_TICKET;
	m.arglen = 1;
	m.urilen = 1;
	side_send(&keeper, IMSG_AUTH_CALL, 0, 0, &m, sizeof(m),
	    &(struct text){ "p\x90", 2 }, 1);
	want(AUTH_OUTCOME_FAILED, NOTHING, "", 0);
	/* it leaves, and is not there */
	call(AUTH_TICKET, 20000, P);
	asked();
	leave(&auth);
	want(AUTH_OUTCOME_FAILED, NOTHING, "", 0);
	call(AUTH_TICKET, 20000, P);
	want(AUTH_OUTCOME_FAILED, NOTHING, "", 0);
	if (!bp_logged("authenticator com.authenticate: it is not "
	    "registered"))
		errx(1, "not logged");
	bp_ok("no answer: the authentication failed");

	/* a keeper that dies does not hear of it, its successor neither */
	serve();
	call(AUTH_TICKET, 20000, P);
	inv = asked();
	side_open(&keeper, PROC_KEEPER, 0);
	answer(inv, "\x91\xa4user", 6);
	bp_quiet();
	call(AUTH_TICKET, 20000, P);
	answer(asked(), "\x91\xa4user", 6);
	want(AUTH_OUTCOME_GIVEN, "0 0 0 4 0 0 0 0 0", "user", 4);
	bp_ok("answers are for the keeper that asked");
}

/* The keeper's own nonsense. */
static void
nonsense(void)
{
	struct m_auth_call	m;
	unsigned int		i, n;

	for (i = 0; i < 6; i++) {
		n = bp.nsuspects;
		memset(&m, 0, sizeof(m));
		m.id = ++lastid;
		m.timeout = i == 0 ? 0 : 1000;
		m.method = i == 1 ? 0 : AUTH_TICKET;
		m.arglen = i == 2 ? 0 : i == 3 ? 2 : 1;
		m.urilen = i == 4 ? 0 : i == 5 ? 4097 : 1;
		side_send(&keeper, IMSG_AUTH_CALL, 0, 0, &m, sizeof(m),
		    &(struct text){ "p\x90", 2 }, 1);
		side_is_cut(&keeper, n);
		side_open(&keeper, PROC_KEEPER, 0);
	}
	bp_ok("AUTH_CALLs that cannot be");
}

int
main(void)
{
	bp_start(conf_make(), 2);
	serve();
	answers();
	bounds();
	none();
	nonsense();
	bp_stop();
	return (0);
}
