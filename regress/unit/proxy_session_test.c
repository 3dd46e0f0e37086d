/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Sessions of a real tlsproxy from HELLO to GOODBYE, between a keeper and
 * brokers that this test plays: every order in which they and the client
 * may speak, and that a slot is used again only when all have spoken.
 */
#include <sys/socket.h>

#include <err.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "proxy_play.h"

#define K	(&keeper)
#define B0	(&brokers[0])
#define B1	(&brokers[1])

static void
want_cancel(const struct client *c)
{
	struct got	g;

	side_want(K, IMSG_AUTH_CANCEL, &g, 0);
	if (g.slot != c->slot || g.gen != c->gen)
		errx(1, "AUTH_CANCEL of slot %u generation %u, want %u, %u",
		    g.slot, g.gen, c->slot, c->gen);
}

static void
send_granted(const struct client *c)
{
	side_send(K, IMSG_AUTH_GRANTED, c->slot, c->gen, NULL, 0, NULL, 0);
}

/* A client that gave up after HELLO, as far as the tlsproxy knows. */
static void
hello_and_lose(struct client *c)
{
	client_open(c, 0, SER_JSON, 15);
	hello(c, 1);
	client_close(c);
	want_cancel(c);
}

/* The slot just freed is the next to be used, one generation later. */
static void
is_free(const struct client *old)
{
	struct client	c;

	pp_sync();
	client_open(&c, 0, SER_JSON, 15);
	hello(&c, 1);
	if (c.slot != old->slot || c.gen != old->gen + 1)
		errx(1, "slot %u generation %u was not free: got %u, %u",
		    old->slot, old->gen, c.slot, c.gen);
	send_deny(&c, WERR_NO_SUCH_ROLE, "");
	client_want(&c, "[3,{},\"wamp.error.no_such_role\"]");
	client_is_closed(&c);
	side_quiet(K);
	side_quiet(B0);
}

static void
is_taken(const struct client *old)
{
	struct client	c;

	pp_sync();
	client_open(&c, 0, SER_JSON, 15);
	hello(&c, 1);
	if (c.slot == old->slot)
		errx(1, "slot %u is used again too early", c.slot);
	send_deny(&c, WERR_NO_SUCH_ROLE, "");
	client_want(&c, "[3,{},\"wamp.error.no_such_role\"]");
	client_is_closed(&c);
}

/* -- joining ------------------------------------------------------------ */

static void
want_hello(const char *details, uint32_t methods, int announced,
    const char *authid)
{
	struct client		c;
	struct m_auth_hello	m;
	struct got		g;
	char			msg[512];

	client_open(&c, 0, SER_JSON, 15);
	snprintf(msg, sizeof(msg), "[1,\"realm1\",{\"roles\":{\"caller\":{}}%s}]",
	    details);
	client_say(&c, msg);
	side_want(K, IMSG_AUTH_HELLO, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.realm != 1 || m.methods != methods ||
	    m.announced != announced || m.proofs != 0 || m.uid != 0 ||
	    m.gid != 0 || m.ngroups != 0 ||
	    m.authidlen != strlen(authid) ||
	    m.has_authid != (authid[0] != '\0') || m.has_pubkey ||
	    g.len != sizeof(m) + m.authidlen + m.addresslen ||
	    m.addresslen == 0 ||
	    memcmp(g.data + sizeof(m), authid, m.authidlen) != 0)
		errx(1, "AUTH_HELLO of %s: methods %u announced %u authid "
		    "%.*s", details, m.methods, m.announced, m.authidlen,
		    (const char *)g.data + sizeof(m));
	c.slot = g.slot;
	c.gen = g.gen;
	send_deny(&c, WERR_NO_MATCHING_AUTH_METHOD, "none \"fits\"");
	client_want(&c, "[3,{\"message\":\"none \\\"fits\\\"\"},"
	    "\"wamp.error.no_matching_auth_method\"]");
	client_is_closed(&c);
}

static void
hello_contents(void)
{
	want_hello("", 0, 0, "");
	want_hello(",\"authmethods\":[]", 0, 0, "");
	want_hello(",\"authmethods\":null", 0, 0, "");
	want_hello(",\"authmethods\":[\"nobodys\"]", 0, 1, "");
	want_hello(",\"authmethods\":[\"anonymous\",\"x\",\"ticket\"]",
	    AUTH_ANONYMOUS | AUTH_TICKET, 1, "");
	want_hello(",\"authid\":\"jos\\u00e9\",\"authmethods\":[\"socket\"]",
	    AUTH_SOCKET, 1, "jos\xc3\xa9");
	side_quiet(K);
	side_quiet(B0);
	pp_ok("AUTH_HELLO says what HELLO said, AUTH_DENY is an ABORT");
}

static void
hello_refused(const char *hello_msg, const char *answer)
{
	struct client	c;

	client_open(&c, 0, SER_JSON, 15);
	client_say(&c, hello_msg);
	client_want_like(&c, answer);
	client_is_closed(&c);
	side_quiet(K);
}

static void
hellos_refused(void)
{
	hello_refused("[1,\"realm9\",{\"roles\":{\"caller\":{}}}]",
	    "[3,{\"message\":\"no such realm\"},\"wamp.error.no_such_realm\"]");
	hello_refused("[1,\"\",{\"roles\":{\"caller\":{}}}]",
	    "[3,{\"message\":\"the realm is not a valid URI\"},"
	    "\"wamp.error.invalid_uri\"]");
	hello_refused("[1,\"realm1\",{\"roles\":{}}]", "[3,{\"message\":");
	hello_refused("[1,\"realm1\",{}]", "[3,{\"message\":");
	hello_refused("[32,1,{},\"com.example.t\"]", "[3,{\"message\":");
	hello_refused("[6,{},\"wamp.close.normal\"]", "[3,{\"message\":");
	hello_refused("no JSON", "[3,{\"message\":");
	pp_ok("what the keeper need not be asked about");
}

static void
normal_join(void)
{
	struct client	c;
	char		want[512];

	client_open(&c, 0, SER_JSON, 15);
	hello(&c, 2);
	side_quiet(K);
	send_open(&c);
	snprintf(want, sizeof(want), "[2,%llu,{\"realm\":\"realm2\","
	    "\"authid\":\"alice\",\"authrole\":\"user\","
	    "\"authmethod\":\"anonymous\",\"authprovider\":\"static\","
	    "\"agent\":\"wampd\",\"roles\":{\"broker\":{\"features\":{",
	    (unsigned long long)c.id);
	client_want_like(&c, want);
	side_quiet(B0);
	side_quiet(B1);
	leave(&c);
	pp_ok("join and leave");
}

/* The same connection may say HELLO again (WAMP, Session Closing). */
static void
join_again(void)
{
	struct client	c;
	uint32_t	slot, gen;

	join(&c, 0, 1);
	slot = c.slot;
	gen = c.gen;
	client_say(&c, "[6,{},\"wamp.close.normal\"]");
	client_want(&c, "[6,{},\"wamp.close.goodbye_and_out\"]");
	want_close(&c, CLOSE_GOODBYE);
	hello(&c, 2);
	if (c.slot == slot)
		errx(1, "slot %u is used before the broker's END", slot);
	send_open(&c);
	client_want_like(&c, "[2,");
	/* the END of the first session does not concern the second */
	c.b = B0;
	{
		struct client	old = { .b = B0, .slot = slot, .gen = gen };

		send_end(&old, WERR_NONE, "");
	}
	c.b = B1;
	client_quiet(&c);
	leave(&c);
	pp_ok("HELLO after GOODBYE, in another realm");
}

static void
hello_on_unix(void)
{
	struct client		c;
	struct m_auth_hello	m;
	struct got		g;
	struct conf		*conf = pconf_new();
	gid_t			 gids[AUTH_MAXGROUPS];
	uint32_t		 got[AUTH_MAXGROUPS];
	int			 i, n;

	pconf_listen(conf, 0, LISTEN_UNIX);
	pp_start(PROXY_UNIX, conf);
	if ((n = getgroups(AUTH_MAXGROUPS, gids)) == -1)
		err(1, "getgroups");
	client_open(&c, 0, SER_JSON, 15);
	client_say(&c, "[1,\"realm1\",{\"roles\":{\"caller\":{}},"
	    "\"authid\":\"x\"}]");
	side_want(K, IMSG_AUTH_HELLO, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.proofs != PROOF_SOCKET || m.uid != getuid() ||
	    m.gid != getgid() || m.ngroups != n)
		errx(1, "proofs %u uid %u gid %u, %u groups", m.proofs,
		    m.uid, m.gid, m.ngroups);
	if (g.len != sizeof(m) + (size_t)n * 4 + 1 + m.addresslen)
		errx(1, "AUTH_HELLO has %zu octets", g.len);
	memcpy(got, g.data + sizeof(m), (size_t)n * 4);
	for (i = 0; i < n; i++)
		if (got[i] != gids[i])
			errx(1, "group %d is %u, want %u", i, got[i],
			    gids[i]);
	if (g.data[sizeof(m) + (size_t)n * 4] != 'x')
		errx(1, "no authid");
	client_close(&c);
	side_want(K, IMSG_AUTH_CANCEL, &g, 0);
	pp_stop();
	pp_ok("a Unix socket's peer is named by SO_PEERCRED");
}

/* -- lost while GRANT is under way -------------------------------------- */

static void
lost_orders(void)
{
	struct client	c;

	/* DENY crosses CANCEL: it is the answer */
	client_open(&c, 0, SER_JSON, 15);
	hello(&c, 1);
	client_close(&c);
	want_cancel(&c);
	is_taken(&c);
	send_deny(&c, WERR_NO_SUCH_ROLE, "too late");
	is_free(&c);
	pp_ok("CANCEL, DENY");

	hello_and_lose(&c);
	send_granted(&c);
	is_taken(&c);
	send_open(&c);
	want_close(&c, CLOSE_NEVER);
	is_taken(&c);
	send_end(&c, WERR_NONE, "");
	is_free(&c);
	pp_ok("CANCEL, GRANTED, OPEN, END");

	hello_and_lose(&c);
	send_open(&c);
	want_close(&c, CLOSE_NEVER);
	send_granted(&c);
	is_taken(&c);
	send_end(&c, WERR_NONE, "");
	is_free(&c);
	pp_ok("CANCEL, OPEN, GRANTED, END");

	hello_and_lose(&c);
	send_open(&c);
	want_close(&c, CLOSE_NEVER);
	send_end(&c, WERR_NONE, "");
	is_taken(&c);
	send_granted(&c);
	is_free(&c);
	pp_ok("CANCEL, OPEN, END, GRANTED");
}

/* The broker refuses what the keeper granted: END instead of OPEN. */
static void
refused_orders(void)
{
	struct client	c;

	hello_and_lose(&c);
	send_granted(&c);
	is_taken(&c);
	send_end(&c, WERR_NO_SUCH_ROLE, "the role is gone");
	want_close(&c, CLOSE_NEVER);
	is_free(&c);
	pp_ok("CANCEL, GRANTED, END");

	hello_and_lose(&c);
	send_end(&c, WERR_NO_SUCH_ROLE, "the role is gone");
	want_close(&c, CLOSE_NEVER);
	is_taken(&c);
	send_granted(&c);
	is_free(&c);
	pp_ok("CANCEL, END, GRANTED");

	client_open(&c, 0, SER_JSON, 15);
	hello(&c, 1);
	send_end(&c, WERR_NO_SUCH_ROLE, "the role is gone");
	client_want(&c, "[3,{\"message\":\"the role is gone\"},"
	    "\"wamp.error.no_such_role\"]");
	want_close(&c, CLOSE_NEVER);
	client_is_closed(&c);
	want_cancel(&c);
	is_taken(&c);
	send_granted(&c);
	is_free(&c);
	pp_ok("END in the place of OPEN is an ABORT");
}

/* A session of an earlier generation, which nobody here knows. */
static void
old_generations(void)
{
	struct client	c, old;

	join(&c, 0, 1);
	old = c;
	leave(&c);
	join(&c, 0, 1);
	if (c.slot != old.slot || c.gen != old.gen + 1)
		errx(1, "slot %u generation %u", c.slot, c.gen);
	old.fd = -1;
	send_result(&old, 1, "[1]");
	send_subscribed(&old, 1, 77);
	send_event(&old, 77, 1, NULL, "[1]");
	client_quiet(&c);
	side_quiet(B0);
	/* it is told that there is none */
	send_open(&old);
	want_close(&old, CLOSE_NEVER);
	send_end(&old, WERR_NONE, "");
	side_quiet(B0);
	/* nor is that an answer to anything */
	send_end(&old, WERR_KILLED, "");
	want_close(&old, CLOSE_NEVER);
	side_quiet(B0);
	client_quiet(&c);
	leave(&c);
	pp_ok("what comes for an earlier generation is dropped");
}

/* -- the end ------------------------------------------------------------ */

static void
ended_by_broker(void)
{
	struct client	c;

	join(&c, 0, 1);
	send_end(&c, WERR_KILLED, "by an operator");
	client_want(&c, "[6,{\"message\":\"by an operator\"},"
	    "\"wamp.close.killed\"]");
	want_close(&c, CLOSE_ENDED);
	/* WAMP, Session Closing: nothing but the GOODBYE is heard */
	client_say(&c, "[32,1,{},\"com.example.t\"]");
	client_say(&c, "[48,2,{},\"com.example.p\"]");
	client_quiet(&c);
	side_quiet(B0);
	client_say(&c, "[6,{},\"wamp.close.goodbye_and_out\"]");
	client_is_closed(&c);
	side_quiet(B0);
	pp_ok("SESSION_END: GOODBYE, and the client's is waited for");

	join(&c, 0, 1);
	send_end(&c, WERR_PROTOCOL_VIOLATION, "no such invocation");
	client_want(&c, "[3,{\"message\":\"no such invocation\"},"
	    "\"wamp.error.protocol_violation\"]");
	want_close(&c, CLOSE_ENDED);
	client_is_closed(&c);
	pp_ok("SESSION_END for a protocol violation: ABORT");

	/* one that does not answer is not waited for longer than 5 s */
	join(&c, 0, 1);
	send_end(&c, WERR_CLOSE_REALM, "");
	client_want(&c, "[6,{},\"wamp.close.close_realm\"]");
	want_close(&c, CLOSE_ENDED);
	client_is_closed(&c);
	pp_ok("the client's GOODBYE is not waited for long");
}

static void
crossing(void)
{
	struct client	c;

	join(&c, 0, 1);
	client_say(&c, "[6,{},\"wamp.close.normal\"]");
	client_want_like(&c, "[6,");
	want_close(&c, CLOSE_GOODBYE);
	is_taken(&c);
	/* the broker had said this before it heard ours */
	send_event(&c, 7, 1, NULL, "[1]");
	send_result(&c, 9, "[1]");
	send_end(&c, WERR_KILLED, "crossing");
	client_quiet(&c);
	side_quiet(B0);
	is_free(&c);
	client_close(&c);
	pp_ok("SESSION_CLOSE and SESSION_END cross");

	join(&c, 0, 1);
	client_close(&c);
	want_close(&c, CLOSE_LOST);
	send_end(&c, WERR_NONE, "");
	is_free(&c);

	join(&c, 0, 1);
	client_say(&c, "[3,{},\"com.example.tired\"]");
	want_close(&c, CLOSE_ABORTED);
	client_is_closed(&c);
	send_end(&c, WERR_NONE, "");
	side_quiet(B0);

	join(&c, 0, 1);
	client_say(&c, "[32,2,{},\"com.example.t\"]");
	client_want_like(&c, "[3,{\"message\":");
	want_close(&c, CLOSE_VIOLATION);
	client_is_closed(&c);
	send_end(&c, WERR_NONE, "");
	side_quiet(B0);
	pp_ok("SESSION_CLOSE says why");
}

/* WELCOME of more octets than the client takes. */
static void
welcome_too_long(void)
{
	struct m_session_open	m;
	struct client		c;
	char			name[AUTHID_MAXLEN];
	struct text		t[2] = { { name, 200 }, { name, 200 } };

	memset(name, 'a', sizeof(name));
	client_open(&c, 0, SER_JSON, 0);
	hello(&c, 1);
	memset(&m, 0, sizeof(m));
	m.session = 77;
	m.realm = 1;
	m.method = AUTH_ANONYMOUS;
	m.authidlen = m.rolelen = 200;
	side_send(B0, IMSG_SESSION_OPEN, c.slot, c.gen, &m, sizeof(m), t, 2);
	want_close(&c, CLOSE_LOST);
	client_is_closed(&c);
	is_taken(&c);
	send_end(&c, WERR_NONE, "");
	is_free(&c);
	pp_ok("a WELCOME that the client does not take");
}

/* -- the mirrored subscriptions ----------------------------------------- */

static void
subscriptions(void)
{
	struct m_unsubscribed	u = { 0, 5 };
	struct client		a, b, w;

	join(&a, 0, 1);
	join(&b, 0, 1);
	client_open_ws(&w, 0, SER_JSON);
	hello(&w, 1);
	send_open(&w);
	client_want_like(&w, "[2,");
	send_subscribed(&a, 1, 5);
	client_want(&a, "[33,1,5]");
	send_subscribed(&b, 1, 5);
	client_want(&b, "[33,1,5]");
	send_subscribed(&w, 1, 5);
	client_want(&w, "[33,1,5]");
	send_subscribed(&b, 2, 6);
	client_want(&b, "[33,2,6]");
	send_subscribed(&b, 3, 6);	/* again: the same, and once */
	client_want(&b, "[33,3,6]");
	send_event(&a, 5, 100, NULL, "[\"all\"]");
	send_event(&a, 6, 101, NULL, "");
	send_event(&a, 5, 102, &a, "[\"but a\"]");
	send_event(&a, 7, 103, NULL, "[\"nobody\"]");
	client_want(&a, "[36,5,100,{},[\"all\"]]");
	client_want(&b, "[36,5,100,{},[\"all\"]]");
	client_want(&b, "[36,6,101,{}]");
	client_want(&b, "[36,5,102,{},[\"but a\"]]");
	client_want(&w, "[36,5,100,{},[\"all\"]]");
	client_want(&w, "[36,5,102,{},[\"but a\"]]");
	client_quiet(&a);
	client_quiet(&b);
	pp_ok("EVENT goes to all that hold the subscription but those named");

	/* a reload took it away */
	side_send(B0, IMSG_UNSUBSCRIBED, a.slot, a.gen, &u, sizeof(u), NULL,
	    0);
	u.request = 4;
	u.subscription = 6;
	side_send(B0, IMSG_UNSUBSCRIBED, b.slot, b.gen, &u, sizeof(u), NULL,
	    0);
	client_want(&b, "[35,4]");
	send_event(&a, 5, 104, NULL, "");
	send_event(&a, 6, 105, NULL, "");
	client_want(&b, "[36,5,104,{}]");
	client_want(&w, "[36,5,104,{}]");
	client_quiet(&a);
	client_quiet(&b);
	leave(&b);
	send_event(&a, 5, 106, NULL, "");
	client_want(&w, "[36,5,106,{}]");
	client_quiet(&a);
	client_close(&w);
	want_close(&w, CLOSE_LOST);
	send_event(&a, 5, 107, NULL, "");
	send_end(&w, WERR_NONE, "");
	client_quiet(&a);
	leave(&a);
	pp_ok("UNSUBSCRIBED and the end of a session take it away");
}

/* -- peers that die ----------------------------------------------------- */

static void
broker_gone(void)
{
	struct client	a, b, x, lost, late;

	join(&a, 0, 1);
	join(&b, 0, 2);
	client_open(&x, 0, SER_JSON, 15);
	hello(&x, 1);
	hello_and_lose(&lost);
	side_close(B0);
	client_want(&a, "[6,{\"message\":\"the realm's broker was "
	    "restarted\"},\"wamp.close.system_shutdown\"]");
	client_want(&x, "[3,{\"message\":\"the realm's broker was "
	    "restarted\"},\"wamp.close.system_shutdown\"]");
	client_is_closed(&x);
	want_cancel(&x);
	client_say(&a, "[6,{},\"wamp.close.goodbye_and_out\"]");
	client_is_closed(&a);
	client_quiet(&b);
	side_quiet(B1);
	client_open(&late, 0, SER_JSON, 15);
	client_say(&late, "[1,\"realm1\",{\"roles\":{\"caller\":{}}}]");
	client_want_like(&late, "[3,{\"message\":\"the router cannot take "
	    "sessions just now\"},\"wamp.close.system_shutdown\"]");
	client_is_closed(&late);
	side_quiet(K);
	/* what was granted to the dead one is not waited for */
	send_granted(&x);
	side_open(B0, PROC_BROKER, 0);
	send_granted(&lost);
	is_free(&lost);
	join(&a, 0, 1);
	send_subscribed(&b, 1, 5);
	client_want(&b, "[33,1,5]");
	leave(&a);
	leave(&b);
	pp_ok("a broker's end is its sessions' only");

	/* a new one comes before the old one's end was seen */
	join(&a, 0, 1);
	side_open(B0, PROC_BROKER, 0);
	client_want_like(&a, "[6,");
	client_close(&a);
	play_peer_gone(&pp, PROC_BROKER, 0, B0->generation - 1);
	join(&a, 0, 1);
	play_peer_gone(&pp, PROC_BROKER, 0, B0->generation);
	client_want_like(&a, "[6,");
	client_close(&a);
	side_open(B0, PROC_BROKER, 0);
	pp_ok("PEER_GONE names a generation");
}

static void
keeper_gone(void)
{
	struct client	a, x, lost, waiting, later;
	struct got	g;

	join(&a, 0, 1);
	client_open(&x, 0, SER_JSON, 15);
	hello(&x, 1);
	hello_and_lose(&lost);
	hello_and_lose(&waiting);
	send_granted(&waiting);
	pp_sync();
	side_close(K);
	client_want(&x, "[3,{\"message\":\"authentication is not possible "
	    "just now\"},\"wamp.error.authentication_failed\"]");
	client_is_closed(&x);
	send_subscribed(&a, 1, 5);
	client_want(&a, "[33,1,5]");
	/* it is in the queue of the listening socket */
	pp_sync();
	client_connect(&later, 0);
	client_write(&later, "\x7f\xf1\0\0", 4);
	pp_sync();
	if (client_next(&later, 200) != 0)
		errx(1, "accepted without a keeper");
	side_open(K, PROC_KEEPER, 0);
	if (client_next(&later, 0) == -1 || later.inlen > 4)
		errx(1, "closed");
	pp_sync();
	client_close(&later);
	join(&x, 0, 1);
	leave(&x);
	/* a grant of the old keeper is refused, its refusal answered */
	send_open(&lost);
	side_want(B0, IMSG_SESSION_CLOSE, &g, 0);
	send_end(&waiting, WERR_NO_SUCH_ROLE, "");
	side_want(B0, IMSG_SESSION_CLOSE, &g, 0);
	client_quiet(&a);
	leave(&a);
	pp_ok("without a keeper nobody is accepted, and who is in stays");
}

static void
send_challenge(const struct client *c, const char *text)
{
	struct m_auth_challenge	m = { .method = AUTH_WAMPCRA };
	struct text		t = { text, strlen(text) };

	m.challengelen = (uint16_t)t.len;
	side_send(K, IMSG_AUTH_CHALLENGE, c->slot, c->gen, &m, sizeof(m), &t,
	    1);
}

/* An AUTHENTICATE only after a CHALLENGE, and only one. */
static void
dialogues(void)
{
	static const char	sig[] = "[5,\"abc\",{}]";
	struct m_auth_response	r;
	struct client		c;
	struct got		g;

	client_open(&c, 0, SER_JSON, 15);
	hello(&c, 1);
	send_challenge(&c, "x");
	client_want(&c, "[4,\"wampcra\",{\"challenge\":\"x\"}]");
	client_say(&c, sig);
	side_want(K, IMSG_AUTH_RESPONSE, &g, sizeof(r));
	memcpy(&r, g.data, sizeof(r));
	if (g.slot != c.slot || g.gen != c.gen || r.siglen != 3 ||
	    r.noncelen != 0 || r.has_cbname || r.has_cbdata ||
	    memcmp(g.data + sizeof(r), "abc", 3) != 0)
		errx(1, "AUTH_RESPONSE of %u octets", r.siglen);
	/* the keeper may ask again: another proof */
	send_challenge(&c, "y");
	client_want(&c, "[4,\"wampcra\",{\"challenge\":\"y\"}]");
	client_say(&c, sig);
	side_want(K, IMSG_AUTH_RESPONSE, &g, sizeof(r));
	client_say(&c, sig);
	want_cancel(&c);
	client_want_like(&c, "[3,");
	/* what crosses the CANCEL is for nobody */
	send_challenge(&c, "z");
	send_deny(&c, WERR_AUTHENTICATION_FAILED, "canceled");
	client_is_closed(&c);

	/* before any CHALLENGE */
	client_open(&c, 0, SER_JSON, 15);
	hello(&c, 1);
	client_say(&c, sig);
	want_cancel(&c);
	client_want_like(&c, "[3,");
	send_deny(&c, WERR_AUTHENTICATION_FAILED, "canceled");
	client_is_closed(&c);
	side_quiet(K);
	pp_ok("CHALLENGE and AUTHENTICATE, one for the other");
}

int
main(void)
{
	struct conf	*c = pconf_new();

	pconf_listen(c, 0, LISTEN_INSECURE);
	pp_start(PROXY_NET, c);
	hello_contents();
	hellos_refused();
	dialogues();
	normal_join();
	join_again();
	lost_orders();
	refused_orders();
	old_generations();
	ended_by_broker();
	crossing();
	welcome_too_long();
	subscriptions();
	broker_gone();
	keeper_gone();
	pp_stop();
	hello_on_unix();
	return (0);
}
