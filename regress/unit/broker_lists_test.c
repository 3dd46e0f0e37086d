/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Subscriber Black- and Whitelisting at a real broker: who gets an
 * EVENT by the six lists, and how its EVENTs say so.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bplay.h"
#include "conf.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"

/* authids x roles x tlsproxies, two of each, and a publisher */
#define NSUBS	8
#define STATES	3		/* of a list: none, empty, names some */

struct subscriber {
	struct sess	 s;
	const char	*authid, *role;
};

static struct subscriber	subs[NSUBS];
static struct lists		lists;
static struct heard		heard;
static unsigned int		nevents, maxnamed;

static void
joins(void)
{
	static const char *const	authids[] = { "ann", "bob" };
	static const char *const	roles[] = { "all", "staff" };
	struct subscriber		*x;
	int				 i;

	for (i = 0; i < NSUBS; i++) {
		x = &subs[i];
		x->authid = grant_authid = authids[i & 1];
		x->role = roles[i >> 1 & 1];
		join(&x->s, &proxies[i >> 2], (uint32_t)i + 1, 1, R, x->role);
	}
	grant_authid = "joe";
}

/* Is the session in the list?  mask: which of those that could be. */
static int
is_listed(const struct subscriber *x, int list, unsigned int mask)
{
	switch (list) {
	case FILTER_EXCLUDE:
	case FILTER_ELIGIBLE:
		return (mask >> (x - subs) & 1);
	case FILTER_EXCLUDE_AUTHID:
	case FILTER_ELIGIBLE_AUTHID:
		return (mask >> (strcmp(x->authid, "bob") == 0) & 1);
	default:
		return (mask >> (strcmp(x->role, "staff") == 0) & 1);
	}
}

static void
list_set(int list, unsigned int mask)
{
	int	i;

	lists_empty(&lists, list);
	if (list <= FILTER_ELIGIBLE) {
		/* not in their order, one twice, and one that is none */
		for (i = NSUBS - 1; i >= 0; i--)
			if (mask >> i & 1)
				lists_id(&lists, list, subs[i].s.id);
		if (mask & 1)
			lists_id(&lists, list, subs[0].s.id);
		if (mask != 0)
			lists_id(&lists, list, 1ULL << 52);
		return;
	}
	if (mask & 2)
		lists_text(&lists, list, list <= FILTER_ELIGIBLE_AUTHID ?
		    "bob" : "staff");
	if (mask & 1)
		lists_text(&lists, list, list <= FILTER_ELIGIBLE_AUTHID ?
		    "ann" : "all");
	if (mask != 0) {
		lists_text(&lists, list, "an");
		lists_text(&lists, list, "");
		lists_text(&lists, list, "annn");
	}
}

/* Those of that tlsproxy who get it, by what came: bits. */
static unsigned int
receivers(const struct side *t, uint64_t sub, unsigned int holders)
{
	unsigned int	named = 0, of_t = 0;
	uint32_t	i;
	int		j;

	for (j = 0; j < NSUBS; j++)
		if (subs[j].s.t == t)
			of_t |= 1U << j & holders;
	for (i = 0; i < heard.m.nrefs; i++) {
		for (j = 0; j < NSUBS; j++)
			if ((of_t >> j & 1) != 0 &&
			    subs[j].s.slot == heard.refs[i].slot &&
			    subs[j].s.gen == heard.refs[i].gen)
				break;
		if (j == NSUBS || (named >> j & 1) != 0)
			errx(1, "slot %u named, or twice", heard.refs[i].slot);
		named |= 1U << j;
	}
	if (heard.m.subscription != sub)
		errx(1, "EVENT of another");
	if (heard.m.flags & EVENT_ONLY)
		return (named);
	return (of_t & ~named);
}

static void
check(const struct side *t, uint64_t sub, unsigned int holders,
    unsigned int want)
{
	unsigned int	of_t = t == T0 ? 0x0f : 0xf0, got;

	if ((want & of_t) == 0)
		return;
	hear_event(&proxies[t->instance], &heard);
	got = receivers(t, sub, holders);
	if (got != (want & of_t))
		errx(1, "proxy %d: receivers %x, want %x", t->instance, got,
		    want & of_t);
	if (heard.m.nrefs > maxnamed)
		errx(1, "%u of 4 named", heard.m.nrefs);
	nevents++;
}

/* T39: every combination of lists, the names in them at random. */
static void
truth_table(uint64_t sub, unsigned int holders)
{
	unsigned int	state[FILTER_LISTS], mask[FILTER_LISTS], i, n, want;
	unsigned int	flags;
	int		j, in;

	for (n = 0; n < 729 * 4; n++) {
		lists_init(&lists);
		for (i = 0, j = (int)n; i < FILTER_LISTS; i++, j /= STATES) {
			state[i] = (unsigned int)j % STATES;
			mask[i] = state[i] < 2 ? 0 :
			    1 + arc4random_uniform(0xff);
			if (state[i] > 0)
				list_set((int)i, mask[i]);
		}
		flags = arc4random_uniform(2) ? PUBLISH_INCLUDE_ME : 0;
		want = flags == 0 ? holders & ~1U : holders;
		for (j = 0; j < NSUBS; j++)
			for (i = 0; i < FILTER_LISTS; i++) {
				in = is_listed(&subs[j], (int)i, mask[i]);
				/* odd ones are eligible */
				if (state[i] > 0 && in != (int)(i & 1))
					want &= ~(1U << j);
			}
		send_publish_to(&subs[0].s, flags, "lists", &lists, NULL,
		    "x");
		/* ids are looked up, the others' shorter side is named */
		maxnamed = state[0] == 0 && state[1] == 0 ? 2 : 4;
		check(T0, sub, holders, want);
		check(T1, sub, holders, want);
		if (n % 100 == 0)
			bp_quiet();
	}
	bp_quiet();
}

static void
six_conditions(void)
{
	uint64_t	sub = 0;
	int		i;

	joins();
	for (i = 0; i < NSUBS; i++)
		sub = subscribe(&subs[i].s, "lists");
	truth_table(sub, 0xff);
	/* fewer hold it than are named */
	for (i = 2; i < 5; i++) {
		send_unsubscribe(&subs[i].s, sub);
		want_unsubscribed(&subs[i].s, sub);
	}
	truth_table(sub, 0xe3);
	send_unsubscribe(&subs[0].s, sub);
	want_unsubscribed(&subs[0].s, sub);
	truth_table(sub, 0xe2);
	if (nevents < 700)
		errx(1, "only %u events", nevents);
	for (i = 0; i < NSUBS; i++)
		leave(&subs[i].s);
	bp_ok("T39: the six conditions are one AND");
}

/* A session of another realm, or no subscriber, is no receiver. */
static void
strangers(void)
{
	struct sess	a, b, c;
	uint64_t	sub;

	join(&a, T0, 1, 2, R, "all");
	join(&b, T1, 1, 2, R, "all");
	join(&c, T1, 2, 2, "other", "all");
	sub = subscribe(&a, "lists");
	subscribe(&c, "lists");
	lists_init(&lists);
	lists_id(&lists, FILTER_ELIGIBLE, c.id);
	send_publish_to(&a, PUBLISH_ACK | PUBLISH_INCLUDE_ME, "lists", &lists,
	    NULL, "x");
	want_published(&a);
	lists_id(&lists, FILTER_ELIGIBLE, b.id);
	send_publish_to(&a, PUBLISH_INCLUDE_ME, "lists", &lists, NULL, "x");
	bp_quiet();
	lists_init(&lists);
	lists_id(&lists, FILTER_EXCLUDE, c.id);
	send_publish_to(&a, PUBLISH_INCLUDE_ME, "lists", &lists, NULL, "x");
	want_event(T0, sub, NULL, "x", 1);
	bp_quiet();
	leave(&a);
	leave(&b);
	leave(&c);
	bp_ok("those who are not subscribed are not told");
}

/* Long lists, and all that they may have. */
static void
long_lists(void)
{
	struct sess	a, b;
	uint64_t	sub;
	char		name[16];
	int		i, list;

	join(&a, T0, 1, 3, R, "all");
	grant_authid = "u999";
	join(&b, T1, 1, 3, R, "staff");
	grant_authid = "joe";
	sub = subscribe(&b, "lists");
	for (list = 0; list < FILTER_LISTS; list++) {
		lists_init(&lists);
		for (i = 0; i < FILTER_MAX; i++) {
			snprintf(name, sizeof(name), "u%d", i);
			if (i == 500 && list >= FILTER_EXCLUDE_AUTHROLE)
				strcpy(name, "staff");
			if (list <= FILTER_ELIGIBLE)
				lists_id(&lists, list, b.id + 999 -
				    (uint64_t)i);
			else
				lists_text(&lists, list, name);
		}
		send_publish_to(&a, 0, "lists", &lists, NULL, "x");
		if (list & 1) {
			hear_event(T1, &heard);
			if (heard.m.subscription != sub)
				errx(1, "EVENT of another");
		}
		bp_quiet();
	}
	leave(&a);
	leave(&b);
	bp_ok("lists of 1000");
}

/*
 * More than one EVENT can name of one tlsproxy's: exceptions stay in one,
 * receivers come in several.  Those of role "staff" are every third.
 */
#define CROWD	(3 * EVENT_MAXREFS + 9)

static void
hear_crowd(uint64_t sub, int staff, uint32_t want_flags, uint32_t nrefs)
{
	static uint8_t	seen[CROWD + 2];
	uint32_t	i, n, slot;

	memset(seen, 0, sizeof(seen));
	for (n = 0; n < nrefs; n += heard.m.nrefs) {
		hear_event(T1, &heard);
		if (heard.m.subscription != sub || heard.m.nrefs == 0 ||
		    heard.m.flags != want_flags ||
		    strcmp(heard.body, "crowd") != 0)
			errx(1, "EVENT with flags %x", heard.m.flags);
		for (i = 0; i < heard.m.nrefs; i++) {
			slot = heard.refs[i].slot;
			if (slot == 0 || slot > CROWD || seen[slot]++ ||
			    (slot % 3 == 0) != staff || heard.refs[i].gen != 9)
				errx(1, "EVENT names slot %u", slot);
		}
	}
	if (n != nrefs)
		errx(1, "%u named, want %u", n, nrefs);
	bp_quiet();
}

static void
crowds(void)
{
	static struct sess	crowd[CROWD + 1];
	struct sess		a;
	uint64_t		sub = 0;
	uint32_t		i;

	join(&a, T0, 1, 9, R, "all");
	for (i = 1; i <= CROWD; i++) {
		join(&crowd[i], T1, i, 9, R, i % 3 == 0 ? "staff" : "all");
		sub = subscribe(&crowd[i], "crowd");
	}
	lists_init(&lists);
	lists_text(&lists, FILTER_ELIGIBLE_AUTHROLE, "staff");
	send_publish_to(&a, 0, "crowd", &lists, NULL, "crowd");
	hear_crowd(sub, 1, EVENT_ONLY, CROWD / 3);
	lists_init(&lists);
	lists_text(&lists, FILTER_EXCLUDE_AUTHROLE, "staff");
	send_publish_to(&a, 0, "crowd", &lists, NULL, "crowd");
	/* the exceptions would not fit */
	hear_crowd(sub, 0, EVENT_ONLY, CROWD - CROWD / 3);
	/* and now they do, exactly */
	for (i = 3; i <= 9; i += 3)
		leave(&crowd[i]);
	send_publish_to(&a, 0, "crowd", &lists, NULL, "crowd");
	hear_crowd(sub, 1, 0, EVENT_MAXREFS);
	lists_init(&lists);
	lists_text(&lists, FILTER_ELIGIBLE_AUTHROLE, "staff");
	send_publish_to(&a, 0, "crowd", &lists, NULL, "crowd");
	hear_crowd(sub, 1, EVENT_ONLY, EVENT_MAXREFS);
	/* named by their ids nobody else is looked at */
	lists_init(&lists);
	for (i = 12; i < 300; i += 3)
		lists_id(&lists, FILTER_EXCLUDE, crowd[i].id);
	send_publish_to(&a, 0, "crowd", &lists, NULL, "crowd");
	hear_crowd(sub, 1, 0, 96);
	lists_init(&lists);
	for (i = 12; i < 300; i += 3)
		lists_id(&lists, FILTER_ELIGIBLE, crowd[i].id);
	send_publish_to(&a, 0, "crowd", &lists, NULL, "crowd");
	hear_crowd(sub, 1, EVENT_ONLY, 96);
	for (i = 1; i <= CROWD; i++)
		if (i % 3 != 0 || i > 9)
			leave(&crowd[i]);
	leave(&a);
	bp_ok("more receivers and exceptions than one EVENT can name");
}

int
main(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));

	bconf_rule(bconf_role(r, "staff"), 1, ACTION_ALL, MATCH_EXACT, NULL);
	bconf_rule(bconf_role(bconf_realm(c, "other"), "all"), 1, ACTION_ALL,
	    MATCH_EXACT, NULL);
	bp_start(c, 2);
	six_conditions();
	strangers();
	long_lists();
	crowds();
	bp_stop();
	return (0);
}
