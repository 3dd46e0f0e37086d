/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Log-ins by the methods that ask for a proof, with the real keeper between
 * tlsproxies and a broker that this test plays: who has the proof is
 * granted, everybody else refused, whatever a tlsproxy says in which order;
 * and no broker is told what another could be let in by.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "cra.h"
#include "credtext.h"
#include "cryptosign.h"
#include "kdf.h"
#include "msgtypes.h"
#include "play.h"
#include "scram.h"
#include "wamp.h"
#include "xmalloc.h"

#define WAIT		20000		/* ms for an answer */
#define REALM		11
#define NONCE		"client-nonce"
#define SALT		"MDEyMzQ1Njc4OWFiY2RlZg=="	/* base64 */

static struct play	 play;
static int		 broker, proxy, other;	/* channels */
static uint32_t		 proxygen, brokergen = 1;
static uint8_t		 address = 7;	/* the client's */
static char		 path[] = "/tmp/wampd-dialogue.XXXXXX";
static const uint8_t	 seed[32] = { 1, 2, 3 }, stranger[32] = { 9 };
static uint8_t		 pub[32], strangers_pub[32];
static uint8_t		 client[32], stored[32], server[32];
static uint8_t		 buf[16384];		/* of the last imsg */
static struct imsg_hdr	 hdr;
static size_t		 len;

/* -- who there is ------------------------------------------------------- */

static const char	ticket_hash[] =
    "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4"
    "OWFiY2RlZg$gy470CZlSw0ed8WgsYH5pT67uGXQNVM3riJRq5EYb/I";
/* takes a thread about a second */
static const char	slow_hash[] =
    "$argon2id$v=19$m=131072,t=12,p=1$MDEyMzQ"
    "1Njc4OWFiY2RlZg$wy4TRpHzLp6Soo5OBCwjarvjfGaC4uaFE8e2I2/2PrA";

static void
keys_make(void)
{
	struct scram_exchange	x = { .salt = SALT, .iterations = 4096,
				    .kdf = SCRAM_PBKDF2 };
	uint8_t			salted[SCRAM_SALTED_MAX];
	size_t			n;

	if (scram_salted("bowman", &x, salted, &n) == -1 ||
	    cryptosign_public(seed, pub) == -1 ||
	    cryptosign_public(stranger, strangers_pub) == -1)
		errx(1, "libcred");
	scram_keys(salted, n, client, stored, server);
}

/* What only the keeper may know. */
static void
users_write(int has_alice)
{
	FILE	*f;
	char	 a[64], b[64], key[65];

	if ((f = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	cred_b64_encode(stored, 32, a, sizeof(a));
	cred_b64_encode(server, 32, b, sizeof(b));
	cred_hex_encode(pub, 32, key);
	if (has_alice)
		fprintf(f, "alice:ticket:user:%s\n"
		    "alice:wampcra:user:key=YnVpbGRlcg==\n"
		    "alice:scram:user:kdf=pbkdf2,iterations=4096,salt=%s,"
		    "stored=%s,server=%s\nalice:cryptosign:user:%s\n",
		    ticket_hash, SALT, a, b, key);
	else
		fprintf(f, "zoe:cryptosign:user:%s\n"
		    "zoe:wampcra:user:key=YnVpbGRlcg==\n"
		    "zoe:scram:user:kdf=pbkdf2,iterations=4096,salt=%s,"
		    "stored=%s,server=%s\n", key, SALT, a, b);
	fprintf(f, "slow:ticket:user:%s\n", slow_hash);
	fclose(f);
}

static void
configure(int has_alice, uint32_t delay, uint32_t failures, uint32_t conns)
{
	static const uint32_t	 methods[] = { AUTH_TICKET, AUTH_WAMPCRA,
				    AUTH_SCRAM, AUTH_CRYPTOSIGN };
	struct conf		*c = conf_new();
	struct conf_realm	*r;
	struct conf_auth	*a;
	struct conf_users	*u;
	size_t			 i;

	users_write(has_alice);
	c->prefork = c->brokers = 1;
	c->limits.failures = failures;
	c->limits.failures_per = 3600 * 1000;
	c->limits.failures_delay = delay;
	c->limits.connections = conns;
	u = conf_add_users(c, path, strlen(path));
	if ((u->fd = open(path, O_RDONLY)) == -1)
		err(1, "%s", path);
	r = conf_add_realm(c, "realm1", 6);
	r->id = REALM;
	conf_add_role(r, "user", 4)->id = 1;
	for (i = 0; i < 4; i++) {
		a = xcalloc(1, sizeof(*a));
		a->method = methods[i];
		a->what = CONF_AUTH_USERS;
		a->users = u->id;
		TAILQ_INSERT_TAIL(&r->auths, a, entry);
	}
	if (play_configure(&play, c) == -1)
		errx(1, "configuration: %s", play.failed);
	conf_free(c);
}

static void
plain(int has_alice)
{
	configure(has_alice, 0, 1000000, 1000);
}

/* -- imsgs -------------------------------------------------------------- */

static void
proxy_start(void)
{
	if (proxy != -1)
		close(proxy);
	proxygen++;
	proxy = play_peer(&play, PROC_TLSPROXY, PROXY_NET, 0, proxygen,
	    LINK_MAIN);
	/* nobody signs here */
	close(play_peer(&play, PROC_TLSPROXY, PROXY_NET, 0, proxygen,
	    LINK_SIGN));
}

/* imsg_write_blocking() writes none as long as AUTH_RESPONSE may be. */
static void
send_imsg(int fd, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t n)
{
	static uint8_t	out[16384];
	struct imsg_hdr	h = { type, (uint32_t)(sizeof(h) + n), slot, gen };
	size_t		full = (h.len + 7) & ~(size_t)7;

	memset(out, 0, full);
	memcpy(out, &h, sizeof(h));
	if (n > 0)
		memcpy(out + sizeof(h), data, n);
	/* EPIPE: it was cut off already, which the caller will see */
	if (send(fd, out, full, MSG_NOSIGNAL) != (ssize_t)full &&
	    errno != EPIPE)
		err(1, "imsg %u", type);
}

/* The next one, which must be this; a REVOKE may come at any time. */
static void
want(int fd, uint32_t type, uint32_t slot, uint32_t gen, const char *what)
{
	do {
		if (imsg_read_blocking(fd, WAIT, &hdr, buf,
		    sizeof(buf)) == -1)
			errx(1, "%s: cut off", what);
	} while (hdr.type == IMSG_REVOKE && type != IMSG_REVOKE);
	if (hdr.type != type || hdr.slot != slot || hdr.gen != gen)
		errx(1, "%s: imsg %u for slot %u.%u, want %u for %u.%u", what,
		    hdr.type, hdr.slot, hdr.gen, type, slot, gen);
	len = hdr.len - sizeof(hdr);
}

/* Nothing came there, after a round trip elsewhere. */
static void
want_nothing(int fd, const char *what)
{
	struct pollfd	pfd = { fd, POLLIN, 0 };

	play_sync(&play);
	while (poll(&pfd, 1, 0) != 0)
		if (imsg_read_blocking(fd, WAIT, &hdr, buf,
		    sizeof(buf)) == -1 || hdr.type != IMSG_REVOKE)
			errx(1, "%s: something came", what);
}

static void
want_deny(uint32_t slot, uint32_t gen, unsigned int error, const char *what)
{
	struct m_auth_deny	m;

	want(proxy, IMSG_AUTH_DENY, slot, gen, what);
	memcpy(&m, buf, sizeof(m));
	if (m.err != error)
		errx(1, "%s: error %u, want %u", what, m.err, error);
	want_nothing(broker, what);
}

static void
want_cut(const char *what, unsigned int old)
{
	play_until(&play, &play.nsuspects, old, what);
	if (play.suspect.role != PROC_TLSPROXY ||
	    play.suspect.instance != 0 ||
	    play.suspect.generation != proxygen)
		errx(1, "%s: suspect is %u %u", what, play.suspect.role,
		    play.suspect.instance);
	while (imsg_read_blocking(proxy, WAIT, &hdr, buf, sizeof(buf)) == 0)
		;
	want_nothing(broker, what);
	proxy_start();
}

/* The GRANT names who and what for, and holds nothing to log in by. */
static void
want_grant(uint32_t slot, uint32_t gen, uint32_t method, const char *what)
{
	const void	*secrets[] = { stored, server, client, pub };
	struct m_grant	 m;
	size_t		 i;

	want(broker, IMSG_GRANT, slot, gen, what);
	memcpy(&m, buf, sizeof(m));
	if (m.method != method || m.realm != REALM || m.role != 1 ||
	    m.proxygen != proxygen || m.authidlen != 5 || m.proof == 0 ||
	    memcmp(buf + sizeof(m), "alice", 5) != 0 ||
	    len != sizeof(m) + m.authidlen + m.extralen)
		errx(1, "%s: GRANT of method %u role %u", what, m.method,
		    m.role);
	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (memmem(buf, len, secrets[i], 16) != NULL)
			errx(1, "%s: GRANT holds secret %zu", what, i);
	if (memmem(buf, len, strrchr(ticket_hash, '$') + 1, 20) != NULL ||
	    memmem(buf, len, "builder", 7) != NULL)
		errx(1, "%s: GRANT holds a secret", what);
}

/* -- dialogues ---------------------------------------------------------- */

static void
hello_on(int fd, uint32_t slot, uint32_t gen, uint32_t method,
    const char *authid, const uint8_t *key)
{
	struct m_auth_hello	m;
	uint8_t			out[1024];
	size_t			n = sizeof(m), k = strlen(authid);

	memset(&m, 0, sizeof(m));
	m.realm = REALM;
	m.methods = method;
	m.announced = 1;
	m.has_authid = 1;
	m.authidlen = (uint16_t)k;
	m.noncelen = sizeof(NONCE) - 1;
	m.addr[0] = address;
	if (key != NULL) {
		m.has_pubkey = 1;
		memcpy(m.pubkey, key, sizeof(m.pubkey));
	}
	memcpy(out, &m, sizeof(m));
	memcpy(out + n, authid, k);
	memcpy(out + n + k, NONCE, m.noncelen);
	send_imsg(fd, IMSG_AUTH_HELLO, slot, gen, out, n + k + m.noncelen);
}

static void
hello(uint32_t slot, uint32_t gen, uint32_t method, const char *authid)
{
	hello_on(proxy, slot, gen, method, authid, NULL);
}

/* What a CHALLENGE says, terminated. */
struct challenge {
	struct m_auth_challenge	m;
	char			text[AUTH_MAXTEXT + 1];
	char			nonce[AUTH_MAXTEXT + 1];
};

static struct challenge
want_challenge(uint32_t slot, uint32_t gen, uint32_t method, const char *what)
{
	struct challenge	c;
	const uint8_t		*p = buf + sizeof(c.m);

	memset(&c, 0, sizeof(c));
	want(proxy, IMSG_AUTH_CHALLENGE, slot, gen, what);
	memcpy(&c.m, buf, sizeof(c.m));
	if (c.m.method != method || len != sizeof(c.m) +
	    (size_t)c.m.challengelen + c.m.saltlen + c.m.noncelen)
		errx(1, "%s: CHALLENGE of method %u", what, c.m.method);
	memcpy(c.text, p, c.m.challengelen);
	memcpy(c.nonce, p + c.m.challengelen + c.m.saltlen, c.m.noncelen);
	return (c);
}

struct answer {
	char	sig[256];
	char	nonce[AUTH_MAXNONCE + 1];
};

static struct answer
answer(const struct challenge *c, const char *authid, const uint8_t *key)
{
	struct scram_exchange	 x = { .authid = authid,
				    .client_nonce = NONCE, .nonce = c->nonce,
				    .salt = SALT, .iterations = 4096,
				    .kdf = SCRAM_PBKDF2 };
	struct answer		 a;
	uint8_t			 msg[32], sig[64];
	char			*text;

	memset(&a, 0, sizeof(a));
	switch (c->m.method) {
	case AUTH_TICKET:
		strlcpy(a.sig, "wonder", sizeof(a.sig));
		break;
	case AUTH_WAMPCRA:
		cra_sign("builder", 7, c->text, a.sig);
		break;
	case AUTH_CRYPTOSIGN:
		if (cred_hex_decode(c->text, 64, msg, 32) == -1)
			errx(1, "challenge \"%s\"", c->text);
		cryptosign_sign(key, msg, sizeof(msg), sig);
		cred_hex_encode(sig, sizeof(sig), a.sig);
		strlcat(a.sig, c->text, sizeof(a.sig));
		break;
	default:
		x.dialect = c->m.method == AUTH_SCRAM ? SCRAM_AUTOBAHN :
		    SCRAM_SPEC;
		if ((text = scram_auth_message(&x)) == NULL)
			errx(1, "scram_auth_message");
		scram_proof(client, stored, text, a.sig);
		free(text);
		strlcpy(a.nonce, c->nonce, sizeof(a.nonce));
	}
	return (a);
}

static void
respond(uint32_t slot, uint32_t gen, const struct answer *a)
{
	struct m_auth_response	m;
	uint8_t			out[1024];

	memset(&m, 0, sizeof(m));
	m.siglen = (uint16_t)strlen(a->sig);
	m.noncelen = (uint16_t)strlen(a->nonce);
	memcpy(out, &m, sizeof(m));
	memcpy(out + sizeof(m), a->sig, m.siglen);
	memcpy(out + sizeof(m) + m.siglen, a->nonce, m.noncelen);
	send_imsg(proxy, IMSG_AUTH_RESPONSE, slot, gen, out, sizeof(m) +
	    m.siglen + m.noncelen);
}

static const uint32_t	methods[] = { AUTH_TICKET, AUTH_WAMPCRA, AUTH_SCRAM,
			    AUTH_WAMP_SCRAM, AUTH_CRYPTOSIGN };
#define NMETHODS	(sizeof(methods) / sizeof(methods[0]))

static uint32_t		next = 1;

/* A dialogue until its CHALLENGE. */
static struct challenge
begin(uint32_t method, const char *authid, const char *what)
{
	next++;
	hello(next, next, method, authid);
	return (want_challenge(next, next, method, what));
}

static void
log_in(uint32_t method, const char *what)
{
	struct challenge	c = begin(method, "alice", what);
	struct answer		a = answer(&c, "alice", seed);

	respond(next, next, &a);
	want_grant(next, next, method, what);
}

static void
expect_alive(const char *what)
{
	size_t	i;

	for (i = 0; i < NMETHODS; i++)
		log_in(methods[i], what);
}

/* -- tests -------------------------------------------------------------- */

static void
test_right_and_wrong(void)
{
	struct challenge	c;
	struct answer		a;
	char			what[64];
	size_t			i;

	expect_alive("right");
	for (i = 0; i < NMETHODS; i++) {
		snprintf(what, sizeof(what), "wrong %s",
		    wamp_auth_name(methods[i]));
		c = begin(methods[i], "alice", what);
		a = answer(&c, "alice", seed);
		/* 'a' and 'A' are the same in hex */
		a.sig[3] = a.sig[3] == '0' ? '1' : '0';
		respond(next, next, &a);
		want_deny(next, next, WERR_AUTHENTICATION_DENIED, what);
		/* alice's proof is nobody else's */
		c = begin(methods[i], "mallory", what);
		a = answer(&c, "mallory", seed);
		respond(next, next, &a);
		want_deny(next, next, WERR_AUTHENTICATION_DENIED, what);
		c = begin(methods[i], "alice", what);
		memset(&a, 0, sizeof(a));
		respond(next, next, &a);
		want_deny(next, next, WERR_AUTHENTICATION_DENIED, what);
	}
	/* signed by a key that is announced, and nobody's or another's */
	next++;
	hello_on(proxy, next, next, AUTH_CRYPTOSIGN, "alice", strangers_pub);
	c = want_challenge(next, next, AUTH_CRYPTOSIGN, "stranger's key");
	a = answer(&c, "alice", stranger);
	respond(next, next, &a);
	want_deny(next, next, WERR_AUTHENTICATION_DENIED, "stranger's key");
	next++;
	hello_on(proxy, next, next, AUTH_CRYPTOSIGN, "mallory", pub);
	c = want_challenge(next, next, AUTH_CRYPTOSIGN, "alice's key");
	a = answer(&c, "mallory", seed);
	respond(next, next, &a);
	want_deny(next, next, WERR_AUTHENTICATION_DENIED, "alice's key");
	next++;
	hello_on(proxy, next, next, AUTH_CRYPTOSIGN, "alice", pub);
	c = want_challenge(next, next, AUTH_CRYPTOSIGN, "own key");
	a = answer(&c, "alice", seed);
	respond(next, next, &a);
	want_grant(next, next, AUTH_CRYPTOSIGN, "own key");
}

/* An answer to one CHALLENGE is none to another. */
static void
test_replay(void)
{
	struct challenge	c;
	struct answer		a;
	size_t			i;

	for (i = 1; i < NMETHODS; i++) {
		c = begin(methods[i], "alice", "replay");
		a = answer(&c, "alice", seed);
		respond(next, next, &a);
		want_grant(next, next, methods[i], "replay");
		begin(methods[i], "alice", "replay");
		respond(next, next, &a);
		want_deny(next, next, WERR_AUTHENTICATION_DENIED, "replay");
	}
}

/* What a tlsproxy may not say, each with a right answer at hand. */
static void
test_order(void)
{
	struct challenge	c;
	struct answer		a;
	unsigned int		old;
	size_t			i;

	for (i = 0; i < NMETHODS; i++) {
		/* another slot, another generation, out of bounds */
		c = begin(methods[i], "alice", "order");
		a = answer(&c, "alice", seed);
		old = play.nsuspects;
		respond(next + 1, next, &a);
		want_cut("another slot", old);
		c = begin(methods[i], "alice", "order");
		a = answer(&c, "alice", seed);
		old = play.nsuspects;
		respond(next, next + 1, &a);
		want_cut("another generation", old);
		old = play.nsuspects;
		respond(UINT32_MAX, 1, &a);
		want_cut("no slot", old);
		/* before any HELLO, and again after the verdict */
		old = play.nsuspects;
		respond(1, 1, &a);
		want_cut("before HELLO", old);
		c = begin(methods[i], "alice", "order");
		a = answer(&c, "alice", seed);
		respond(next, next, &a);
		want_grant(next, next, methods[i], "order");
		old = play.nsuspects;
		respond(next, next, &a);
		want_cut("after GRANT", old);
		c = begin(methods[i], "alice", "order");
		a = answer(&c, "alice", seed);
		a.sig[0] ^= 1;
		respond(next, next, &a);
		want_deny(next, next, WERR_AUTHENTICATION_DENIED, "order");
		a.sig[0] ^= 1;
		old = play.nsuspects;
		respond(next, next, &a);
		want_cut("after a refusal", old);
		/* a second HELLO in the same dialogue */
		c = begin(methods[i], "alice", "order");
		old = play.nsuspects;
		hello(next, next, methods[i], "alice");
		want_cut("second HELLO", old);
	}
	/* twice, while a thread has the first */
	begin(AUTH_TICKET, "slow", "twice");
	memset(&a, 0, sizeof(a));
	strlcpy(a.sig, "slow", sizeof(a.sig));
	old = play.nsuspects;
	respond(next, next, &a);
	respond(next, next, &a);
	want_cut("twice", old);
	expect_alive("order");
}

/* Lengths inside an AUTH_RESPONSE. */
static void
test_lengths(void)
{
	static const struct m_auth_response	bad[] = {
		{ .siglen = 1 }, { .noncelen = 1 }, { .cbnamelen = 1 },
		{ .cbdatalen = 1 }, { .siglen = UINT16_MAX },
		{ .siglen = AUTH_MAXSIG + 1 },
		{ .noncelen = AUTH_MAXNONCE + 1 },
		{ .cbnamelen = AUTH_MAXCBNAME + 1 },
		{ .cbdatalen = AUTH_MAXCBDATA + 1 },
		{ .has_cbname = 2 }, { .has_cbdata = 255 },
	};
	static uint8_t	out[8192];
	unsigned int	old;
	size_t		i, k, n;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (k = 0; k < 2; k++) {
			begin(AUTH_WAMPCRA, "alice", "lengths");
			memset(out, 'x', sizeof(out));
			memcpy(out, &bad[i], sizeof(bad[i]));
			n = sizeof(bad[i]);
			/* as short as it claims not to be; or as it says */
			if (k == 1 && i >= 5)
				n += bad[i].siglen + bad[i].noncelen +
				    bad[i].cbnamelen + bad[i].cbdatalen;
			else if (k == 1)
				n += 2;		/* one is left over */
			if (k == 1 && i == 4)
				n = sizeof(bad[i]) + AUTH_MAXSIG;
			old = play.nsuspects;
			send_imsg(proxy, IMSG_AUTH_RESPONSE, next, next, out,
			    n);
			want_cut("lengths", old);
		}
	/* as long as may be */
	begin(AUTH_WAMPCRA, "alice", "longest");
	memset(out, 'x', sizeof(out));
	memcpy(out, &(struct m_auth_response){ .siglen = AUTH_MAXSIG,
	    .noncelen = AUTH_MAXNONCE, .cbnamelen = AUTH_MAXCBNAME,
	    .cbdatalen = AUTH_MAXCBDATA, .has_cbname = 1, .has_cbdata = 1 },
	    sizeof(struct m_auth_response));
	send_imsg(proxy, IMSG_AUTH_RESPONSE, next, next, out,
	    sizeof(struct m_auth_response) + AUTH_MAXSIG + AUTH_MAXNONCE +
	    AUTH_MAXCBNAME + AUTH_MAXCBDATA);
	want_deny(next, next, WERR_AUTHENTICATION_DENIED, "longest");
	expect_alive("lengths");
}

/* The client goes away at each stage: one answer, and no session. */
static void
test_cancel(void)
{
	struct answer	a;
	size_t		i;

	memset(&a, 0, sizeof(a));
	for (i = 0; i < NMETHODS; i++) {
		/* crosses the CHALLENGE */
		next++;
		hello(next, next, methods[i], "alice");
		send_imsg(proxy, IMSG_AUTH_CANCEL, next, next, NULL, 0);
		want_challenge(next, next, methods[i], "cancel");
		want_deny(next, next, WERR_AUTHENTICATION_FAILED, "cancel");
		/* after it */
		begin(methods[i], "alice", "cancel");
		send_imsg(proxy, IMSG_AUTH_CANCEL, next, next, NULL, 0);
		want_deny(next, next, WERR_AUTHENTICATION_FAILED, "cancel");
	}
	/* while threads hash a right ticket, and others wait for one */
	strlcpy(a.sig, "slow", sizeof(a.sig));
	for (i = 0; i < 20; i++) {
		begin(AUTH_TICKET, "slow", "hashing");
		respond(next, next, &a);
	}
	for (i = 0; i < 20; i++) {
		send_imsg(proxy, IMSG_AUTH_CANCEL, next - i, next - i, NULL,
		    0);
		want_deny(next - i, next - i, WERR_AUTHENTICATION_FAILED,
		    "hashing");
	}
	/* those that waited are hashed no more: this one's turn is next */
	log_in(AUTH_TICKET, "after CANCEL");
	want_nothing(broker, "hashed for nobody");
}

/* While a refusal waits a CANCEL is answered, and a right secret is. */
static void
test_waiting(void)
{
	struct answer	a;
	unsigned int	old;
	int		i;

	configure(1, 60 * 1000, 1000000, 1000);
	memset(&a, 0, sizeof(a));
	for (i = 0; i < 12; i++) {	/* a minute, soon */
		begin(AUTH_WAMPCRA, "alice", "waiting");
		respond(next, next, &a);
	}
	log_in(AUTH_WAMPCRA, "right meanwhile");
	begin(AUTH_WAMPCRA, "alice", "waiting");
	respond(next, next, &a);
	send_imsg(proxy, IMSG_AUTH_CANCEL, next, next, NULL, 0);
	while (imsg_read_blocking(proxy, WAIT, &hdr, buf, sizeof(buf)) == 0 &&
	    hdr.slot != next)
		if (hdr.type != IMSG_AUTH_DENY)
			errx(1, "imsg %u while refusals wait", hdr.type);
	if (hdr.type != IMSG_AUTH_DENY || hdr.slot != next)
		errx(1, "CANCEL of a refusal: imsg %u", hdr.type);
	/* an answer that comes while it waits */
	begin(AUTH_WAMPCRA, "alice", "waiting");
	respond(next, next, &a);
	old = play.nsuspects;
	respond(next, next, &a);
	want_cut("answer while refused", old);
	plain(1);
}

/* The tlsproxy or the broker is gone meanwhile. */
static void
test_peers(void)
{
	struct challenge	c;
	struct answer		a;

	memset(&a, 0, sizeof(a));
	strlcpy(a.sig, "slow", sizeof(a.sig));
	begin(AUTH_WAMPCRA, "alice", "peers");
	begin(AUTH_TICKET, "slow", "peers");
	respond(next, next, &a);
	begin(AUTH_TICKET, "slow", "peers");
	respond(next, next, &a);
	play_peer_gone(&play, PROC_TLSPROXY, 0, proxygen);
	proxy_start();
	expect_alive("tlsproxy gone");

	c = begin(AUTH_WAMPCRA, "alice", "peers");
	a = answer(&c, "alice", seed);
	close(broker);
	play_sync(&play);
	respond(next, next, &a);
	want(proxy, IMSG_AUTH_DENY, next, next, "broker gone");
	broker = play_peer(&play, PROC_BROKER, 0, 0, ++brokergen, LINK_MAIN);
	expect_alive("broker gone");
}

/* A reload takes alice away between CHALLENGE and AUTHENTICATE. */
static void
test_reload(void)
{
	struct challenge	c;
	struct answer		a;
	size_t			i;

	for (i = 0; i < NMETHODS; i++) {
		c = begin(methods[i], "alice", "reload");
		a = answer(&c, "alice", seed);
		plain(0);
		want(broker, IMSG_REVOKE, 0, 0, "reload");
		respond(next, next, &a);
		want_deny(next, next, WERR_AUTHENTICATION_DENIED, "reload");
		/* and when she is back the next dialogue is hers */
		c = begin(methods[i] == AUTH_TICKET ? AUTH_WAMPCRA :
		    methods[i], "alice", "reload");
		a = answer(&c, "alice", seed);
		respond(next, next, &a);
		want_deny(next, next, WERR_AUTHENTICATION_DENIED, "gone");
		plain(1);
		log_in(methods[i], "back");
	}
}

/* No more dialogues than there may be connections; others have theirs. */
static void
test_many(void)
{
	unsigned int	i;

	configure(1, 0, 1000000, 5);
	for (i = 0; i < 5; i++)
		begin(AUTH_WAMPCRA, "alice", "many");
	next++;
	hello(next, next, AUTH_WAMPCRA, "alice");
	want_deny(next, next, WERR_AUTHENTICATION_FAILED, "many");
	send_imsg(proxy, IMSG_AUTH_CANCEL, next - 1, next - 1, NULL, 0);
	want_deny(next - 1, next - 1, WERR_AUTHENTICATION_FAILED, "cancel");
	log_in(AUTH_WAMPCRA, "room again");
	hello_on(other, 1, 1, AUTH_WAMPCRA, "alice", NULL);
	want(other, IMSG_AUTH_CHALLENGE, 1, 1, "another tlsproxy");
	proxy_start();
	plain(1);
}

/* Those begun before the limit was reached are refused as well. */
static void
test_limit(void)
{
	struct challenge	c[6];
	struct answer		a, right;
	uint32_t		first = next + 1;
	int			i;

	configure(1, 0, 3, 1000);
	address++;
	memset(&a, 0, sizeof(a));
	for (i = 0; i < 6; i++)
		c[i] = begin(AUTH_WAMPCRA, "nobody", "limit");
	for (i = 0; i < 5; i++) {
		respond(first + (uint32_t)i, first + (uint32_t)i, &a);
		want_deny(first + (uint32_t)i, first + (uint32_t)i, i < 3 ?
		    WERR_AUTHENTICATION_DENIED : WERR_AUTHENTICATION_FAILED,
		    "limit");
	}
	right = answer(&c[5], "alice", seed);
	respond(first + 5, first + 5, &right);
	want_deny(first + 5, first + 5, WERR_AUTHENTICATION_FAILED, "limit");
	next++;
	hello(next, next, AUTH_WAMPCRA, "alice");
	want_deny(next, next, WERR_AUTHENTICATION_FAILED, "limit");
	address++;
	log_in(AUTH_WAMPCRA, "another address");
	plain(1);
}

/* A broker has no part in it. */
static void
test_broker(void)
{
	static const uint32_t	types[] = { IMSG_GRANT, IMSG_REVOKE,
		IMSG_AUTH_HELLO, IMSG_AUTH_RESPONSE, IMSG_AUTH_CHALLENGE,
		IMSG_AUTH_CANCEL, IMSG_AUTH_DENY, IMSG_AUTH_GRANTED };
	unsigned int		old;
	size_t			i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		memset(buf, 0, 256);
		old = play.nsuspects;
		send_imsg(broker, types[i], 1, 1, buf, 120);
		play_until(&play, &play.nsuspects, old, "broker");
		if (play.suspect.role != PROC_BROKER)
			errx(1, "imsg %u: suspect is %u", types[i],
			    play.suspect.role);
		close(broker);
		broker = play_peer(&play, PROC_BROKER, 0, 0, ++brokergen,
		    LINK_MAIN);
	}
	expect_alive("broker");
}

int
main(void)
{
	int	fd;

	cred_prepare();
	keys_make();
	if ((fd = mkstemp(path)) == -1)
		err(1, "%s", path);
	close(fd);
	play_start(&play, PROC_KEEPER, "keeper");
	proxy = -1;
	proxy_start();
	other = play_peer(&play, PROC_TLSPROXY, PROXY_NET, 2, 1, LINK_MAIN);
	broker = play_peer(&play, PROC_BROKER, 0, 0, brokergen, LINK_MAIN);
	plain(1);
	test_right_and_wrong();
	test_replay();
	test_order();
	test_lengths();
	test_cancel();
	test_waiting();
	test_peers();
	test_reload();
	test_many();
	test_limit();
	test_broker();
	unlink(path);
	play_stop(&play);
	return (0);
}
