/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * "authenticate ... dynamic" at a real keeper, between a tlsproxy and
 * brokers that this test plays: what is asked of whom, and that an answer
 * counts only as long, as often and from where it is awaited.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "mpcur.h"
#include "play.h"
#include "wamp.h"
#include "xmalloc.h"

#define WAIT	20000
#define NBROKERS 2

static struct play	 play;
static int		 proxy = -1, brokers[NBROKERS] = { -1, -1 };
static uint32_t		 proxygen, brokergen, gen;
static struct imsg_hdr	 hdr;
static uint64_t		 data[4096];	/* of the last imsg */

/* Realm 5 on broker 0 asks a procedure of realm 6 on broker 1. */
static struct conf *
conf_make(void)
{
	static const uint32_t	 methods[] = { AUTH_TICKET, AUTH_WAMPCRA,
				    AUTH_CRYPTOSIGN };
	struct conf		*c = conf_new();
	struct conf_realm	*r;
	struct conf_auth	*a;
	size_t			 i;

	c->prefork = 1;
	c->brokers = NBROKERS;
	r = conf_add_realm(c, "com.five", 8);
	r->id = 5;
	r->broker = 0;
	conf_add_role(r, "user", 4)->id = 50;
	for (i = 0; i < 3; i++) {
		a = xcalloc(1, sizeof(*a));
		a->method = methods[i];
		a->what = CONF_AUTH_DYNAMIC;
		a->dynamic.procedure = xstrdup("com.auth");
		a->dynamic.realm_id = 6;
		a->dynamic.timeout = 1234;
		TAILQ_INSERT_TAIL(&r->auths, a, entry);
		r->nauths++;
	}
	r = conf_add_realm(c, "com.six", 7);
	r->id = 6;
	r->broker = 1;
	conf_add_role(r, "guard", 5)->id = 60;
	return (c);
}

static void
say(int fd, uint32_t type, uint32_t slot, const void *m, size_t len,
    const void *rest, size_t restlen)
{
	uint8_t	b[8192];

	memcpy(b, m, len);
	if (restlen > 0)
		memcpy(b + len, rest, restlen);
	if (imsg_write_blocking(fd, WAIT, type, slot, slot != 0 ? gen : 0, b,
	    len + restlen) == -1 && errno != EPIPE)
		err(1, "imsg %u", type);
}

static void
want(int fd, uint32_t type)
{
	if (imsg_read_blocking(fd, WAIT, &hdr, data, sizeof(data)) == -1)
		errx(1, "closed, imsg %u awaited", type);
	if (hdr.type != type)
		errx(1, "got imsg %u, want %u", hdr.type, type);
}

static void
is_cut(int *fd)
{
	static unsigned int	nsuspects;
	int			broker = (int)(fd - brokers);

	if (play.nsuspects == nsuspects)
		play_until(&play, &play.nsuspects, nsuspects,
		    "PROC_SUSPECT");
	if (play.nsuspects != ++nsuspects ||
	    play.suspect.role != PROC_BROKER ||
	    play.suspect.instance != broker)
		errx(1, "somebody else is suspected");
	if (imsg_read_blocking(*fd, WAIT, &hdr, data, sizeof(data)) != -1)
		errx(1, "not cut off: imsg %u", hdr.type);
	close(*fd);
	*fd = play_peer(&play, PROC_BROKER, 0, broker, ++brokergen,
	    LINK_MAIN);
}

static void
hello(uint32_t method)
{
	struct m_auth_hello	m;

	gen++;
	memset(&m, 0, sizeof(m));
	m.realm = 5;
	m.methods = method;
	m.announced = 1;
	m.has_authid = 1;
	m.authidlen = 3;
	m.addresslen = 4;
	say(proxy, IMSG_AUTH_HELLO, 1, &m, sizeof(m), "joeaddr", 7);
}

static void
respond(const char *sig)
{
	struct m_auth_response	m;

	memset(&m, 0, sizeof(m));
	m.siglen = (uint16_t)strlen(sig);
	say(proxy, IMSG_AUTH_RESPONSE, 1, &m, sizeof(m), sig, strlen(sig));
}

/* AUTH_CALL at broker 1; its id. */
static uint64_t
asked(uint32_t method, const char *ticket)
{
	struct m_auth_call	m;
	const uint8_t		*p = (const uint8_t *)data;
	struct val_iter		 it;
	struct val		 v[3], k, x;
	size_t			 n, found = 0;

	want(brokers[1], IMSG_AUTH_CALL);
	memcpy(&m, p, sizeof(m));
	if (m.realm != 6 || m.timeout != 1234 || m.method != method ||
	    m.urilen != 8 || memcmp(p + sizeof(m), "com.auth", 8) != 0 ||
	    hdr.len != sizeof(hdr) + sizeof(m) + 8 + m.arglen)
		errx(1, "AUTH_CALL");
	if (mp_split(p + sizeof(m) + 8, m.arglen, v, 3, &n) != CODEC_OK ||
	    n != 3 || v[0].slen != 8 || memcmp(v[0].str, "com.five", 8) != 0 ||
	    v[1].slen != 3 || memcmp(v[1].str, "joe", 3) != 0)
		errx(1, "arguments of AUTH_CALL");
	val_iter_init(&it, &v[2]);
	while (mp_map_next(&it, &k, &x))
		if (k.slen == 6 && memcmp(k.str, "ticket", 6) == 0) {
			found = 1;
			if (ticket == NULL || x.slen != strlen(ticket) ||
			    memcmp(x.str, ticket, x.slen) != 0)
				errx(1, "another ticket is asked about");
		}
	if (found != (ticket != NULL))
		errx(1, "the ticket is not asked about");
	return (m.id);
}

static struct m_auth_result
result(uint64_t id, int outcome)
{
	struct m_auth_result	m;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.outcome = (uint8_t)outcome;
	return (m);
}

static void
tell(int broker, const struct m_auth_result *m, const char *rest)
{
	say(brokers[broker], IMSG_AUTH_RESULT, 0, m, sizeof(*m), rest,
	    strlen(rest));
}

static void
denied(enum wamp_err want_err)
{
	struct m_auth_deny	m;

	want(proxy, IMSG_AUTH_DENY);
	memcpy(&m, data, sizeof(m));
	if (m.err != want_err || hdr.slot != 1 || hdr.gen != gen)
		errx(1, "denied with %u, want %d", m.err, want_err);
}

static void
granted(uint32_t method, const char *texts)
{
	struct m_grant	m;

	want(brokers[0], IMSG_GRANT);
	memcpy(&m, data, sizeof(m));
	if (m.realm != 5 || m.role != 50 || m.method != method ||
	    m.provider != AUTH_PROVIDER_DYNAMIC || hdr.gen != gen ||
	    hdr.len != sizeof(hdr) + sizeof(m) + strlen(texts) ||
	    memcmp((uint8_t *)data + sizeof(m), texts, strlen(texts)) != 0)
		errx(1, "GRANT");
}

static void
tickets(void)
{
	struct m_auth_result	m;

	hello(AUTH_TICKET);
	want(proxy, IMSG_AUTH_CHALLENGE);
	respond("sesame");
	m = result(asked(AUTH_TICKET, "sesame"), AUTH_OUTCOME_GIVEN);
	m.rolelen = 4;
	m.authidlen = 2;
	m.extralen = 1;
	tell(1, &m, "jouser\x80");
	granted(AUTH_TICKET, "jo\x80");
	hello(AUTH_TICKET);
	want(proxy, IMSG_AUTH_CHALLENGE);
	respond("x");
	m = result(asked(AUTH_TICKET, "x"), AUTH_OUTCOME_REFUSED);
	m.errorlen = 6;
	tell(1, &m, "com.no");
	denied(WERR_AUTHENTICATION_DENIED);
	hello(AUTH_TICKET);
	want(proxy, IMSG_AUTH_CHALLENGE);
	respond("x");
	m = result(asked(AUTH_TICKET, "x"), AUTH_OUTCOME_FAILED);
	tell(1, &m, "");
	denied(WERR_AUTHENTICATION_FAILED);
	/* a role of another realm */
	hello(AUTH_TICKET);
	want(proxy, IMSG_AUTH_CHALLENGE);
	respond("x");
	m = result(asked(AUTH_TICKET, "x"), AUTH_OUTCOME_GIVEN);
	m.rolelen = 5;
	tell(1, &m, "guard");
	denied(WERR_AUTHENTICATION_FAILED);
	printf("ok - a ticket is the procedure's to check\n");
}

static void
keys(void)
{
	struct m_auth_challenge	ch;
	struct m_auth_result	m;
	uint64_t		id;

	hello(AUTH_WAMPCRA);
	m = result(asked(AUTH_WAMPCRA, NULL), AUTH_OUTCOME_GIVEN);
	m.rolelen = 4;
	m.secretlen = 3;
	m.saltlen = 4;
	m.iterations = 7;
	m.keylen = 32;
	tell(1, &m, "userkeysalt");
	want(proxy, IMSG_AUTH_CHALLENGE);
	memcpy(&ch, data, sizeof(ch));
	if (ch.iterations != 7 || ch.keylen != 32 || ch.saltlen != 4)
		errx(1, "CHALLENGE");
	respond("wrong");
	denied(WERR_AUTHENTICATION_DENIED);
	/* who is refused sees the same, and only then the denial */
	hello(AUTH_WAMPCRA);
	id = asked(AUTH_WAMPCRA, NULL);
	m = result(id, AUTH_OUTCOME_REFUSED);
	tell(1, &m, "");
	want(proxy, IMSG_AUTH_CHALLENGE);
	memcpy(&ch, data, sizeof(ch));
	if (ch.iterations != 7 || ch.keylen != 32 || ch.saltlen != 4)
		errx(1, "CHALLENGE of somebody refused");
	/* a second answer changes nothing */
	m = result(id, AUTH_OUTCOME_GIVEN);
	m.rolelen = 4;
	m.secretlen = 3;
	tell(1, &m, "userkey");
	respond("wrong");
	denied(WERR_AUTHENTICATION_DENIED);
	printf("ok - keys are the procedure's, the proof is the keeper's\n");
}

/* What no broker says, during a call of broker 1. */
static void
nonsense(void)
{
	struct m_auth_result	m;
	uint64_t		id;
	int			i;

	for (i = 0; i < 14; i++) {
		hello(AUTH_WAMPCRA);
		id = asked(AUTH_WAMPCRA, NULL);
		m = result(id, AUTH_OUTCOME_GIVEN);
		m.rolelen = 4;
		m.secretlen = 3;
		switch (i) {
		case 0:			/* another's call */
			tell(0, &m, "userkey");
			is_cut(&brokers[0]);
			tell(1, &m, "userkey");
			want(proxy, IMSG_AUTH_CHALLENGE);
			respond("x");
			denied(WERR_AUTHENTICATION_DENIED);
			continue;
		case 1:
			m.id = id + 1;
			break;
		case 2:
			m.id = 0;
			break;
		case 3:
			m.outcome = 3;
			break;
		case 4:
			m.rolelen = 3;
			break;
		case 5:
			m.secretlen = 4;
			break;
		case 6:
			m.rolelen = 0;
			m.secretlen = 7;
			break;
		case 7:
			m.secretlen = 0;
			m.rolelen = 7;
			break;
		case 8:
			m.secretlen = 1;
			m.saltlen = 2;	/* without iterations */
			break;
		case 9:
			m.keylen = 257;
			break;
		case 10:
			m.rolelen = 257;
			break;
		case 11:
			m.nkeys = 17;
			break;
		case 12:
			m.extralen = 4097;
			break;
		case 13:
			m.authidlen = 65535;
			break;
		}
		tell(1, &m, "userkey");
		is_cut(&brokers[1]);
		denied(WERR_AUTHENTICATION_FAILED);
	}
	printf("ok - answers that cannot be, and those of others\n");
}

static void
ends(void)
{
	struct m_auth_result	m;
	uint64_t		id;

	/* the client goes, then the answer comes */
	hello(AUTH_WAMPCRA);
	id = asked(AUTH_WAMPCRA, NULL);
	say(proxy, IMSG_AUTH_CANCEL, 1, "", 0, "", 0);
	denied(WERR_AUTHENTICATION_FAILED);
	m = result(id, AUTH_OUTCOME_GIVEN);
	m.rolelen = 4;
	m.secretlen = 3;
	tell(1, &m, "userkey");
	/* the tlsproxy dies */
	hello(AUTH_WAMPCRA);
	id = asked(AUTH_WAMPCRA, NULL);
	close(proxy);
	proxy = play_peer(&play, PROC_TLSPROXY, PROXY_NET, 0, ++proxygen,
	    LINK_MAIN);
	m.id = id;
	tell(1, &m, "userkey");
	/* the broker does */
	hello(AUTH_CRYPTOSIGN);
	asked(AUTH_CRYPTOSIGN, NULL);
	close(brokers[1]);
	denied(WERR_AUTHENTICATION_FAILED);
	hello(AUTH_CRYPTOSIGN);
	denied(WERR_AUTHENTICATION_FAILED);
	brokers[1] = play_peer(&play, PROC_BROKER, 0, 1, ++brokergen,
	    LINK_MAIN);
	/* a reload takes the line away */
	hello(AUTH_WAMPCRA);
	id = asked(AUTH_WAMPCRA, NULL);
	{
		struct conf		*c = conf_make();
		struct conf_realm	*r = conf_find_realm_id(c, 5);
		struct conf_auth	*a;

		TAILQ_FOREACH(a, &r->auths, entry)
			if (a->method == AUTH_WAMPCRA)
				a->dynamic.procedure[0] = 'x';
		c->generation = 2;
		if (play_configure(&play, c) == -1)
			errx(1, "%s", play.failed);
		conf_free(c);
	}
	m.id = id;
	tell(1, &m, "userkey");
	denied(WERR_AUTHENTICATION_FAILED);
	printf("ok - ends of the client, of a process, of a line meanwhile\n");
}

int
main(void)
{
	struct conf	*c = conf_make();
	int		 i;

	c->limits.failures_delay = 0;
	play_start(&play, PROC_KEEPER, "keeper");
	brokergen = 10;
	for (i = 0; i < NBROKERS; i++)
		brokers[i] = play_peer(&play, PROC_BROKER, 0, i, ++brokergen,
		    LINK_MAIN);
	proxy = play_peer(&play, PROC_TLSPROXY, PROXY_NET, 0, ++proxygen,
	    LINK_MAIN);
	if (play_configure(&play, c) == -1)
		errx(1, "%s", play.failed);
	conf_free(c);
	tickets();
	keys();
	nonsense();
	ends();
	play_stop(&play);
	return (0);
}
