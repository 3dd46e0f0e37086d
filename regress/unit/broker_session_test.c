/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * How sessions begin and end at a real broker: GRANT and what may be wrong
 * with it, the handshake of SESSION_CLOSE and SESSION_END, the death of
 * those around, and a new configuration.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bplay_rpc.h"
#include "conf.h"
#include "log.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"

static uint32_t	gen;

static void
sess_of(struct sess *s, struct side *t, uint32_t slot, uint32_t g)
{
	memset(s, 0, sizeof(*s));
	s->t = t;
	s->slot = slot;
	s->gen = g;
}

static void
again(struct side *t)
{
	side_open(t, t->role, t->instance);
}

/* -- GRANT -------------------------------------------------------------- */

static void
refused_grants(void)
{
	struct sess	s, a;
	uint32_t	old;

	old = T0->generation;
	T0->generation += 1000;
	grant(T0, 1, ++gen, R, "all", bp_session_id());
	T0->generation = old;
	bp_quiet();
	bp_ok("GRANT for another generation of the tlsproxy is dropped");

	sess_of(&s, T0, 1, ++gen);
	grant(T0, 1, gen, "realm.none", "all", bp_session_id());
	want_end(T0, 1, gen, WERR_NO_SUCH_REALM);
	send_close(&s, CLOSE_ENDED);
	sess_of(&s, T0, 1, ++gen);
	grant(T0, 1, gen, R, "none", bp_session_id());
	want_end(T0, 1, gen, WERR_NO_SUCH_ROLE);
	/* the next one may be granted before the answer is here: the keeper's
	 * channel is another one */
	join(&a, T0, 1, ++gen, R, "all");
	send_flow(&s, IMSG_XOFF);
	send_close(&s, CLOSE_ENDED);
	subscribe(&a, "t");
	bp_quiet();
	bp_ok("GRANT of what a reload took away is refused");

	sess_of(&s, T0, 2, ++gen);
	grant(T0, 2, gen, R, "all", a.id);
	want_end(T0, 2, gen, WERR_AUTHENTICATION_FAILED);
	send_close(&s, CLOSE_ENDED);
	bp_quiet();
	leave(&a);
	/* free again */
	grant(T1, 2, gen, R, "all", a.id);
	sess_of(&a, T1, 2, gen);
	{
		struct got	g;

		side_want(T1, IMSG_SESSION_OPEN, &g,
		    sizeof(struct m_session_open));
	}
	leave(&a);
	bp_ok("a session id is given once");
}

/* What a tlsproxy can bring the keeper to say is the tlsproxy's fault. */
static void
blamed_grants(void)
{
	struct sess	a, b, c;
	unsigned int	n = bp.nsuspects;

	join(&c, T1, 1, ++gen, R, "all");
	join(&a, T0, 1, ++gen, R, "all");
	subscribe(&a, "t");
	grant(T0, 1, ++gen, R, "all", bp_session_id());
	side_is_cut(T0, n++);
	again(T0);
	join(&a, T0, 1, ++gen, R, "all");
	leave(&a);
	grant(T0, 1, a.gen, R, "all", bp_session_id());
	side_is_cut(T0, n++);
	again(T0);
	bp_quiet();
	join(&b, T0, 1, 1, R, "all");
	subscribe(&c, "t");
	send_publish(&b, PUBLISH_ACK, "t", "", 0);
	want_published(&b);
	{
		struct got	g;

		side_want(T1, IMSG_EVENT, &g, sizeof(struct m_event));
	}
	leave(&b);
	leave(&c);
	bp_ok("GRANT for a slot in use: the tlsproxy is cut off");
}

static void
bad_grant(uint32_t slot, uint64_t id)
{
	struct sess	a;
	unsigned int	n = bp.nsuspects;

	grant(T0, slot, ++gen, R, "all", id);
	side_is_cut(&keeper, n);
	bp_quiet();
	again(&keeper);
	join(&a, T0, 1, ++gen, R, "all");
	leave(&a);
}

static void
bad_grants(void)
{
	struct sess	a;

	bad_grant(0, 1);
	bad_grant(SLOT_MAX, 1);
	bad_grant(UINT32_MAX, 1);
	bad_grant(1, 0);
	bad_grant(1, WAMP_ID_MAX + 1);
	join(&a, T0, SLOT_MAX - 2, ++gen, R, "all");
	leave(&a);
	bp_ok("GRANT of slots and ids that cannot be: the keeper is cut off");

	join(&a, T0, 1, ++gen, R, "all");
	side_close(&keeper);
	subscribe(&a, "t");
	bp_quiet();
	again(&keeper);
	leave(&a);
	join(&a, T0, 1, ++gen, R, "all");
	leave(&a);
	bp_ok("the keeper dies: sessions go on");
}

/* -- the end ------------------------------------------------------------ */

static void
closes(void)
{
	struct sess	a;
	int		why;

	for (why = CLOSE_GOODBYE; why <= CLOSE_NEVER; why++) {
		join(&a, T0, 1, ++gen, R, "all");
		subscribe(&a, "t");
		send_close(&a, why);
		want_end(T0, 1, gen, WERR_NONE);
	}
	bp_quiet();
	bp_ok("SESSION_CLOSE is answered once");

	/* both end it, neither has heard the other yet */
	join(&a, T0, 1, ++gen, R, "all");
	send_yield(&a, 5, "");
	send_close(&a, CLOSE_LOST);
	want_end(T0, 1, gen, WERR_PROTOCOL_VIOLATION);
	bp_quiet();
	join(&a, T0, 1, ++gen, R, "all");
	leave(&a);
	bp_quiet();
	bp_ok("SESSION_CLOSE and SESSION_END cross");
}

/* kind: what the tlsproxy does wrong */
static void
nonsense_of(int kind)
{
	struct sess	a, b;
	unsigned int	n = bp.nsuspects;

	join(&a, T1, 7, 5, R, "all");
	b = a;
	switch (kind) {
	case 0:			/* a slot that never was */
		b.slot = 8;
		send_subscribe(&b, "t", MATCH_EXACT);
		break;
	case 1:			/* in memory not even allocated */
		b.slot = 500000;
		send_subscribe(&b, "t", MATCH_EXACT);
		break;
	case 2:
		b.slot = 0;
		send_subscribe(&b, "t", MATCH_EXACT);
		break;
	case 3:
		b.slot = UINT32_MAX;
		send_publish(&b, 0, "t", "", 0);
		break;
	case 4:			/* generations that never were */
		b.gen = 6;
		send_publish(&b, 0, "t", "", 0);
		break;
	case 5:
		b.gen = 4;
		send_call(&b, "t", "");
		break;
	case 6:			/* after it was closed */
		leave(&a);
		send_unsubscribe(&b, 1);
		break;
	case 7:			/* closed twice */
		leave(&a);
		send_close(&b, CLOSE_LOST);
		break;
	case 8:			/* after SESSION_END was answered */
		send_yield(&a, 5, "");
		want_end(T1, a.slot, a.gen, WERR_PROTOCOL_VIOLATION);
		send_close(&b, CLOSE_ENDED);
		send_flow(&b, IMSG_XON);
		break;
	case 9:			/* SESSION_END answered twice */
		send_yield(&a, 5, "");
		want_end(T1, a.slot, a.gen, WERR_PROTOCOL_VIOLATION);
		send_close(&b, CLOSE_ENDED);
		send_close(&b, CLOSE_ENDED);
		break;
	case 10:
		send_close(&b, 0);
		break;
	case 11:
		send_close(&b, CLOSE_NEVER + 1);
		break;
	case 12:		/* the whole channel is not a tlsproxy's word */
		b.slot = 0;
		b.gen = 0;
		send_flow(&b, IMSG_XOFF);
		break;
	case 13:
		b.slot = SLOT_MAX;
		send_close(&b, CLOSE_LOST);
		break;
	}
	side_is_cut(T1, n);
	again(T1);
}

static void
nonsense(void)
{
	struct sess	a;
	uint64_t	sub;
	int		i;

	join(&a, T0, 1, ++gen, R, "all");
	sub = subscribe(&a, "t");
	for (i = 0; i < 14; i++)
		nonsense_of(i);
	send_publish(&a, PUBLISH_INCLUDE_ME, "t", "", 0);
	want_event(T0, sub, NULL, "", 0);
	leave(&a);
	bp_ok("slots and generations that never were");
}

/* -- the death of a tlsproxy -------------------------------------------- */

static void
deaths(void)
{
	struct sess	a, b;
	uint64_t	sub;

	join(&a, T0, 1, ++gen, R, "all");
	sub = subscribe(&a, "t");
	join(&b, T1, 1, ++gen, R, "all");
	subscribe(&b, "t");
	registers(&b, "p");
	side_close(T1);
	side_sync(T0);		/* a turn in which it may see that */
	side_sync(T0);
	send_call(&a, "p", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_SUCH_PROCEDURE);
	send_publish(&a, 0, "t", "", 0);
	bp_quiet();
	again(T1);

	/* by the parent's word, though its end is open still */
	join(&b, T1, 1, ++gen, R, "all");
	registers(&b, "p");
	play_peer_gone(&bp, PROC_TLSPROXY, 1, T1->generation + 7);
	side_sync(T1);
	play_peer_gone(&bp, PROC_TLSPROXY, 1, T1->generation);
	{
		struct got	g;

		if (side_next(T1, &g, 20000) != -1)
			errx(1, "PEER_GONE was not heard");
	}
	send_register(&a, "p", MATCH_EXACT, 0);
	want_registered(&a);
	again(T1);

	/* replaced without a word */
	join(&b, T1, 1, ++gen, R, "all");
	registers(&b, "q");
	{
		struct side	old = *T1;
		struct got	g;

		T1->fd = -1;
		T1->in = NULL;
		again(T1);
		if (side_next(&old, &g, 20000) != -1)
			errx(1, "the old channel is open");
		side_close(&old);
	}
	send_register(&a, "q", MATCH_EXACT, 0);
	want_registered(&a);
	send_publish(&a, PUBLISH_INCLUDE_ME, "t", "", 0);
	want_event(T0, sub, NULL, "", 0);
	bp_quiet();
	leave(&a);
	bp_ok("a tlsproxy dies: its sessions end, no other's");
}

static double
now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

/* Thousands of sessions end at once; the others are served meanwhile. */
static void
mass_leave(void)
{
	static struct sess	many[3000];
	struct sess		a;
	char			name[32];
	double			begin, worst = 0, t;
	int			i, j;

	join(&a, T0, 1, ++gen, R, "all");
	for (i = 0; i < 3000; i++) {
		join(&many[i], T1, (uint32_t)i + 1, 1, R, "all");
		for (j = 0; j < 20; j++) {
			snprintf(name, sizeof(name), "m.%d", i % 100 + j);
			send_subscribe(&many[i], name, MATCH_EXACT);
		}
		snprintf(name, sizeof(name), "proc.%d", i);
		send_register(&many[i], name, MATCH_EXACT, 0);
		for (j = 0; j < 20; j++) {
			struct got	g;

			side_want(T1, IMSG_SUBSCRIBED, &g, 1);
		}
		want_registered(&many[i]);
	}
	side_close(T1);
	side_sync(T0);		/* a turn in which it may see that */
	for (i = 0; i < 300; i++) {
		begin = now();
		/* whether it was worked off yet or not */
		snprintf(name, sizeof(name), "proc.%d", i * 10);
		if (i % 2 == 0)
			registers(&a, name);
		else {
			send_call(&a, name, "");
			want_refused(&a, WAMP_CALL, a.request,
			    WERR_NO_SUCH_PROCEDURE);
		}
		snprintf(name, sizeof(name), "m.%d", i % 100);
		send_publish(&a, PUBLISH_ACK, name, "", 0);
		want_published(&a);
		if ((t = now() - begin) > worst)
			worst = t;
	}
	if (worst > 1)
		errx(1, "somebody waited %.2f s", worst);
	bp_quiet();
	again(T1);
	leave(&a);
	bp_ok("thousands of sessions end, the others are served");
}

/* -- reload ------------------------------------------------------------- */

static void
gone_realms(void)
{
	struct conf	*c;
	struct sess	 a, b, d, e;
	uint64_t	 reg, inv;

	c = bconf_new();
	bconf_rule(bconf_role(bconf_realm(c, "other"), "all"), 1, ACTION_ALL,
	    MATCH_EXACT, NULL);
	bconf_rule(bconf_role(conf_find_realm(c, R, strlen(R)), "extra"), 1,
	    ACTION_ALL, MATCH_EXACT, NULL);
	bp_reload(c);
	bp_quiet();
	join(&a, T0, 1, ++gen, "other", "all");
	join(&b, T1, 1, ++gen, "other", "all");
	join(&d, T0, 2, ++gen, R, "extra");
	join(&e, T1, 2, ++gen, R, "all");
	subscribe(&a, "t");
	registers(&b, "p");
	reg = registers(&d, "p");
	send_call(&e, "p", "");
	inv = want_invocation(&d, reg, "");
	bp_reload(bconf_new());
	want_end(T0, a.slot, a.gen, WERR_CLOSE_REALM);
	want_end(T1, b.slot, b.gen, WERR_CLOSE_REALM);
	want_end(T0, d.slot, d.gen, WERR_CLOSE_REALM);
	want_refused(&e, WAMP_CALL, e.request, WERR_CANCELED);
	send_yield(&d, inv, "");		/* dropped */
	send_subscribe(&a, "t", MATCH_EXACT);	/* dropped */
	send_close(&a, CLOSE_ENDED);
	send_close(&b, CLOSE_ENDED);
	send_close(&d, CLOSE_ENDED);
	send_call(&e, "p", "");
	want_refused(&e, WAMP_CALL, e.request, WERR_NO_SUCH_PROCEDURE);
	bp_quiet();
	/* it comes back, as another realm */
	c = bconf_new();
	bconf_rule(bconf_role(bconf_realm(c, "other"), "all"), 1, ACTION_ALL,
	    MATCH_EXACT, NULL);
	bp_reload(c);
	join(&a, T0, 1, ++gen, "other", "all");
	send_call(&a, "p", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_SUCH_PROCEDURE);
	leave(&a);
	leave(&e);
	bp_reload(bconf_new());
	bp_quiet();
	bp_ok("reload: realms and roles that are gone");
}

/* Realms are spread over brokers; each hears of all. */
static void
foreign_realms(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r;
	struct sess		 s;
	char			 name[32];
	int			 i, n[2] = { 0, 0 };

	c->brokers = 2;
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "spread%d", i);
		bconf_role(bconf_realm(c, name), "all");
	}
	bp_reload(c);
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "spread%d", i);
		r = conf_find_realm(bconf, name, strlen(name));
		n[r->broker]++;
		if (r->broker == 0) {
			join(&s, T0, 1, ++gen, name, "all");
			leave(&s);
			continue;
		}
		sess_of(&s, T0, 1, ++gen);
		grant(T0, 1, gen, name, "all", bp_session_id());
		want_end(T0, 1, gen, WERR_NO_SUCH_REALM);
		send_close(&s, CLOSE_ENDED);
	}
	if (n[0] == 0 || n[1] == 0)
		errx(1, "realms are not spread");
	bp_reload(bconf_new());
	bp_quiet();
	bp_ok("realms of another broker");
}

/* Threats, lesson 12: revoked rights leave nothing alive. */
static void
revoked(void)
{
	struct conf		*c;
	struct conf_role	*role;
	struct sess		 a, b;
	uint64_t		 s1, s2, r1, r2, inv, call;

	c = bconf_new();
	role = bconf_role(conf_find_realm(c, R, strlen(R)), "some");
	bconf_rule(role, 1, ACTION_ALL, MATCH_PREFIX, "");
	bp_reload(c);
	join(&a, T0, 1, ++gen, R, "some");
	join(&b, T1, 1, ++gen, R, "all");
	s1 = subscribe(&a, "x.one");
	s2 = subscribe(&a, "x.two");
	if (subscribe(&b, "x.two") != s2)
		errx(1, "two ids");
	r1 = registers(&a, "x.one");
	r2 = registers(&a, "x.two");
	send_call(&b, "x.two", "before");
	call = b.request;
	inv = want_invocation(&a, r2, "before");

	c = bconf_new();
	role = bconf_role(conf_find_realm(c, R, strlen(R)), "some");
	bconf_rule(role, 1, ACTION_SUBSCRIBE | ACTION_REGISTER, MATCH_PREFIX,
	    "x.");
	bconf_rule(role, 0, ACTION_ALL, MATCH_EXACT, "x.two");
	bp_reload(c);
	want_revoked(&a, s2);
	want_reg_revoked(&a, r2);
	bp_quiet();
	send_publish(&b, PUBLISH_INCLUDE_ME, "x.two", "2", 1);
	want_event(T1, s2, NULL, "2", 1);
	send_publish(&b, 0, "x.one", "1", 1);
	want_event(T0, s1, NULL, "1", 1);
	send_unsubscribe(&a, s2);
	want_refused(&a, WAMP_UNSUBSCRIBE, a.request,
	    WERR_NO_SUCH_SUBSCRIPTION);
	send_subscribe(&a, "x.two", MATCH_EXACT);
	want_refused(&a, WAMP_SUBSCRIBE, a.request, WERR_NOT_AUTHORIZED);
	bp_ok("lesson 12: a subscription is revoked");

	send_call(&b, "x.two", "");
	want_refused(&b, WAMP_CALL, b.request, WERR_NO_SUCH_PROCEDURE);
	send_yield(&a, inv, "after");
	want_result(&b, call, "after");
	send_call(&b, "x.one", "");
	send_yield(&a, want_invocation(&a, r1, ""), "");
	want_result(&b, b.request, "");
	send_unregister(&a, r2);
	want_refused(&a, WAMP_UNREGISTER, a.request,
	    WERR_NO_SUCH_REGISTRATION);
	registers(&b, "x.two");
	send_call(&a, "x.one", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NOT_AUTHORIZED);
	send_publish(&a, PUBLISH_ACK, "x.one", "", 0);
	want_refused(&a, WAMP_PUBLISH, a.request, WERR_NOT_AUTHORIZED);
	bp_ok("lesson 12: a registration is revoked");

	/* an empty role; then rights again, and strict names */
	c = bconf_new();
	bconf_role(conf_find_realm(c, R, strlen(R)), "some");
	bp_reload(c);
	want_revoked(&a, s1);
	want_reg_revoked(&a, r1);
	bp_quiet();
	c = bconf_new();
	role = bconf_role(conf_find_realm(c, R, strlen(R)), "some");
	bconf_rule(role, 1, ACTION_ALL, MATCH_PREFIX, "");
	conf_find_realm(c, R, strlen(R))->strict_uris = 1;
	bp_reload(c);
	bp_quiet();
	subscribe(&a, "x.one");
	send_subscribe(&a, "X.one", MATCH_EXACT);
	want_refused(&a, WAMP_SUBSCRIBE, a.request, WERR_INVALID_URI);
	leave(&a);
	leave(&b);
	bp_reload(bconf_new());
	bp_quiet();
	bp_ok("reload: rules and names");
}

/* One more than may be: it is refused, and its slot free again. */
static void
one_too_many(uint32_t slot, const char *authid, const char *line)
{
	struct sess	s;

	grant_authid = authid;
	sess_of(&s, T0, slot, ++gen);
	grant(T0, slot, gen, R, "all", bp_session_id());
	want_end(T0, slot, gen, WERR_NOT_AUTHORIZED);
	send_close(&s, CLOSE_ENDED);
	bp_quiet();
	if (!bp_logged(line))
		errx(1, "not logged: %s", line);
}

static struct conf *
conf_limited(uint32_t per_authid, uint32_t sessions)
{
	struct conf	*c = bconf_new();

	c->loglevel = LOG_LEVEL_VERBOSE;
	c->limits.per_authid = per_authid;
	conf_find_realm(c, R, strlen(R))->sessions = sessions;
	bconf_rule(bconf_role(bconf_realm(c, "realm2"), "all"), 1,
	    ACTION_ALL, MATCH_EXACT, NULL);
	return (c);
}

static void
limits(void)
{
	struct sess	a, b, other, s, t;

	/* beside the one of each tlsproxy that is joe */
	bp_reload(conf_limited(2, 4 + 2));
	grant_authid = "amy";
	join(&a, T0, 1, ++gen, R, "all");
	join(&b, T1, 1, ++gen, R, "all");
	one_too_many(2, "amy",
	    "limits sessions per authid reached realm=realm1 authid=amy");
	join(&other, T0, 2, ++gen, "realm2", "all");
	leave(&a);
	join(&a, T0, 1, ++gen, R, "all");
	bp_ok("sessions per authid, in each realm");

	grant_authid = "ann";
	join(&s, T0, 3, ++gen, R, "all");
	join(&t, T0, 4, ++gen, R, "all");
	one_too_many(5, "eve", "limits sessions reached realm=realm1");
	leave(&t);
	grant_authid = "eve";
	join(&t, T0, 5, ++gen, R, "all");
	bp_ok("sessions of a realm");

	/* who is in stays */
	bp_reload(conf_limited(1, 3 + 2));
	subscribe(&t, "t");
	one_too_many(6, "max", "limits sessions reached realm=realm1");
	leave(&t);
	leave(&b);
	one_too_many(6, "ann",
	    "limits sessions per authid reached realm=realm1 authid=ann");
	leave(&s);
	leave(&a);
	leave(&other);
	grant_authid = "joe";
	bp_reload(bconf_new());
	bp_quiet();
	bp_ok("reload: fewer sessions than there are");
}

static void
smaller_messages(void)
{
	struct conf	*c;
	struct sess	 a;
	static char	 body[900000];

	c = bconf_new();
	c->limits.message = 4096;
	bp_reload(c);
	join(&a, T0, 1, ++gen, R, "all");
	/* the tlsproxy has not heard of it yet */
	send_publish(&a, PUBLISH_ACK, "t", body, sizeof(body));
	want_published(&a);
	leave(&a);
	bp_reload(bconf_new());
	bp_ok("reload: a lower limit of messages is no trap");
}

/* SESSION_END of one of n, in slots from 1 on: which. */
static uint32_t
one_ends(const struct sess *many, uint32_t n)
{
	struct m_session_end	m;
	struct got		g;

	side_want(T0, IMSG_SESSION_END, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot == 0 || g.slot > n || g.gen != many[g.slot - 1].gen ||
	    m.err != WERR_CLOSE_REALM)
		errx(1, "SESSION_END of slot %u: %u", g.slot, m.err);
	return (g.slot);
}

static void
revoke_many(void)
{
	static struct sess	 many[2000];
	uint32_t		 slots[64];
	struct conf		*c;
	struct conf_role	*role;
	struct sess		 a;
	uint64_t		 sub = 0;
	int			 i;

	c = bconf_new();
	role = bconf_role(conf_find_realm(c, R, strlen(R)), "some");
	bconf_rule(role, 1, ACTION_ALL, MATCH_EXACT, NULL);
	bp_reload(c);
	for (i = 0; i < 2000; i++) {
		join(&many[i], T0, (uint32_t)i + 1, ++gen, R, "some");
		sub = subscribe(&many[i], "t");
	}
	join(&a, T1, 1, ++gen, R, "all");
	c = bconf_new();
	bconf_role(conf_find_realm(c, R, strlen(R)), "some");
	bp_reload(c);
	for (i = 0; i < 2000; i++)
		want_revoked(&many[i], sub);
	send_publish(&a, 0, "t", "", 0);
	bp_quiet();
	bp_reload(bconf_new());		/* and now the role is gone */
	/* a few at a time: those behind them wait for the answers */
	for (i = 0; i < 64; i++)
		slots[i] = one_ends(many, 2000);
	bp_quiet();		/* no more than these */
	for (i = 0; i < 64; i++)
		send_close(&many[slots[i] - 1], CLOSE_ENDED);
	for (; i < 2000; i++)
		send_close(&many[one_ends(many, 2000) - 1], CLOSE_ENDED);
	bp_quiet();
	leave(&a);
	bp_ok("reload: thousands of sessions");
}

/* -- memory ------------------------------------------------------------- */

static long
resident(void)
{
	char	path[64];
	FILE	*f;
	long	size, rss;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)bp.pid);
	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	if (fscanf(f, "%ld %ld", &size, &rss) != 2)
		errx(1, "%s", path);
	fclose(f);
	return (rss * (sysconf(_SC_PAGESIZE) / 1024));
}

static void
memory(void)
{
	struct sess	a, b;
	char		name[64];
	const char	*san = getenv("SAN");
	long		begin = 0, end;
	int		i, j;
	uint64_t	reg;

	for (i = 0; i < 2000; i++) {
		if (i == 500)
			begin = resident();
		join(&a, T0, 1, ++gen, R, "all");
		join(&b, T1, 1, ++gen, R, "all");
		for (j = 0; j < 8; j++) {
			snprintf(name, sizeof(name), "mem.%d.%d", i, j);
			subscribe(&a, name);
		}
		reg = registers(&b, "p");
		for (j = 0; j < 8; j++) {
			send_call(&a, "p", "");
			want_invocation(&b, reg, "");
		}
		if (i % 2)
			leave(&a);
		leave(&b);
		if (i % 2 == 0) {
			for (j = 0; j < 8; j++)
				want_refused(&a, WAMP_CALL, a.request - 7 +
				    (uint64_t)j, WERR_CANCELED);
			leave(&a);
		}
	}
	end = resident();
	if ((san == NULL || *san == '\0') && end - begin > 512)
		errx(1, "memory grew from %ld to %ld kB", begin, end);
	bp_ok("memory returns to where it was");
}

int
main(void)
{
	bp_start(bconf_new(), 2);
	refused_grants();
	blamed_grants();
	bad_grants();
	closes();
	nonsense();
	deaths();
	mass_leave();
	gone_realms();
	foreign_realms();
	revoked();
	limits();
	smaller_messages();
	revoke_many();
	memory();
	bp_stop();
	return (0);
}
