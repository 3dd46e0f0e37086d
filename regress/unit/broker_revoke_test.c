/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * REVOKE at a real broker: whose proof is gone leaves, nobody else does.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bplay.h"
#include "conf.h"
#include "wamp.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"
#define MANY	3000

static uint32_t	gen;

/* n is what the header says, of what follows it. */
static void
revoke_n(const char *realm, uint32_t n, const uint64_t *proofs, size_t len)
{
	struct conf_realm	*r = conf_find_realm(bconf, realm,
				    strlen(realm));
	struct m_revoke		 m;
	struct text		 t = { (const char *)proofs, len };

	m.realm = r != NULL ? r->id : 999999;
	m.n = n;
	side_send(&keeper, IMSG_REVOKE, 0, 0, &m, sizeof(m), &t, 1);
}

static void
revoke(const char *realm, const uint64_t *proofs, uint32_t n)
{
	revoke_n(realm, n, proofs, n * sizeof(*proofs));
}

static void
join_by(struct sess *s, struct side *t, uint32_t slot, const char *realm,
    uint64_t proof)
{
	grant_proof = proof;
	join(s, t, slot, ++gen, realm, "all");
	grant_proof = 0;
}

static void
want_killed(struct sess *s)
{
	want_end(s->t, s->slot, s->gen, WERR_KILLED);
	send_close(s, CLOSE_ENDED);
}

/* Two realms of this broker. */
static void
two_realms(void)
{
	struct conf	*c = bconf_new();

	bconf_rule(bconf_role(bconf_realm(c, "other"), "all"), 1, ACTION_ALL,
	    MATCH_EXACT, NULL);
	bp_reload(c);
	bp_quiet();
}

static void
those_of_the_proof(void)
{
	const uint64_t	proofs[] = { 7, 9, 11 };
	struct sess	a, b, other, none, elsewhere;
	uint64_t	reg;

	join_by(&a, T0, 1, R, 7);
	join_by(&b, T1, 1, R, 9);
	join_by(&other, T0, 2, R, 8);
	join_by(&none, T1, 2, R, 0);
	join_by(&elsewhere, T0, 3, "other", 7);
	reg = registers(&a, "p");
	send_call(&other, "p", "");
	want_invocation(&a, reg, "");
	revoke(R, proofs, 3);
	want_killed(&a);
	want_killed(&b);
	want_refused(&other, WAMP_CALL, other.request, WERR_CANCELED);
	bp_quiet();
	bp_ok("REVOKE: sessions by that proof end, their callees' calls too");

	send_call(&other, "p", "");
	want_refused(&other, WAMP_CALL, other.request,
	    WERR_NO_SUCH_PROCEDURE);
	subscribe(&none, "t");
	subscribe(&elsewhere, "t");
	bp_quiet();
	bp_ok("REVOKE: other proofs and the other realm's sessions stay");

	/* what was said before the REVOKE arrived there is heard no more */
	join_by(&a, T0, 1, R, 7);
	revoke(R, proofs, 1);
	want_killed(&a);
	join_by(&a, T0, 1, R, 7);
	subscribe(&a, "t");
	leave(&a);
	bp_quiet();
	bp_ok("REVOKE: a later GRANT by the same proof stands");

	revoke("other", proofs, 1);
	want_killed(&elsewhere);
	leave(&other);
	leave(&none);
	bp_quiet();
}

static void
thousands(void)
{
	static struct sess	 many[MANY];
	static uint64_t		 proofs[REVOKE_MAX];
	struct sess		 a;
	uint32_t		 i;

	for (i = 0; i < REVOKE_MAX; i++)
		proofs[i] = 1000 + i;
	join_by(&a, T1, 1, R, 999);
	subscribe(&a, "t");
	for (i = 0; i < MANY; i++)	/* half of them by one proof */
		join_by(&many[i], T0, i + 1, R, i % 2 ? 1000 + i : 1000);
	revoke(R, proofs, REVOKE_MAX);
	for (i = 0; i < MANY; i++) {
		send_call(&a, "none", "");
		want_refused(&a, WAMP_CALL, a.request,
		    WERR_NO_SUCH_PROCEDURE);
	}
	for (i = 0; i < MANY; i++) {
		struct got	 g;

		side_want(T0, IMSG_SESSION_END, &g,
		    sizeof(struct m_session_end));
		if (g.slot == 0 || g.slot > MANY ||
		    g.gen != many[g.slot - 1].gen)
			errx(1, "who left?");
		send_close(&many[g.slot - 1], CLOSE_ENDED);
		many[g.slot - 1].gen = 0;
	}
	bp_quiet();
	leave(&a);
	bp_ok("REVOKE: 4096 proofs, thousands of sessions");
}

static void
nothing_to_end(void)
{
	const uint64_t	proofs[] = { 1, 2 };
	struct sess	a;

	join_by(&a, T0, 1, R, 3);
	revoke(R, NULL, 0);
	revoke(R, proofs, 2);
	revoke("realm.none", proofs, 2);
	subscribe(&a, "t");
	leave(&a);
	bp_quiet();
	bp_ok("REVOKE: none, unknown proofs, an unknown realm");
}

static void
malformed(const char *name, uint32_t n, size_t len)
{
	static uint64_t	proofs[REVOKE_MAX + 1];
	struct sess	a;
	unsigned int	was = bp.nsuspects;

	join_by(&a, T0, 1, R, 0);
	revoke_n(R, n, proofs, len);
	side_is_cut(&keeper, was);
	bp_quiet();
	side_open(&keeper, keeper.role, keeper.instance);
	subscribe(&a, "t");
	leave(&a);
	bp_ok(name);
}

int
main(void)
{
	bp_start(bconf_new(), 2);
	two_realms();
	those_of_the_proof();
	nothing_to_end();
	thousands();
	malformed("REVOKE: more proofs than there are", 3, 16);
	malformed("REVOKE: fewer proofs than there are", 1, 16);
	malformed("REVOKE: half a proof", 1, 4);
	malformed("REVOKE: more than may be", REVOKE_MAX + 1,
	    (REVOKE_MAX + 1) * sizeof(uint64_t));
	malformed("REVOKE: a number that overflows", 0x20000001, 8);
	bp_stop();
	return (0);
}
