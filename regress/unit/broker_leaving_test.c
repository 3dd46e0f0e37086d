/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Sessions that hold much and end, at a real broker: the others are answered
 * first, and do not see them any more.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bplay.h"
#include "conf.h"
#include "metaplay.h"

#define T0	(&proxies[0])
#define R	"realm2"		/* without those of bplay.c */
#define MANY	5000			/* too much for one turn */

static uint32_t		 gen;
static struct sess	 a, b;		/* who asks, and who leaves */
static uint64_t		 watch, topic, procedure;
static unsigned int	 nevents;

/* What is said until go() is all there when the broker reads next. */
static void
hold(void)
{
	int	status;

	if (kill(bp.pid, SIGSTOP) == -1 ||
	    waitpid(bp.pid, &status, WUNTRACED) != bp.pid ||
	    !WIFSTOPPED(status))
		err(1, "the broker does not stop");
}

static void
go(void)
{
	if (kill(bp.pid, SIGCONT) == -1)
		err(1, "kill");
}

/* Each subscription of b that ends makes an event for a. */
static void
begin(void)
{
	char	name[32];
	int	i;

	gen++;
	nevents = 0;
	join(&a, T0, 1, gen, R, "ops");
	join(&b, T0, 2, gen, R, "many");
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "com.t%d", i);
		subscribe(&b, name);
	}
	topic = subscribe(&b, "com.shared");
	subscribe(&a, "com.shared");
	send_register(&a, "com.p", MATCH_EXACT, INVOKE_ROUNDROBIN);
	procedure = want_registered(&a);
	send_register(&b, "com.p", MATCH_EXACT, INVOKE_ROUNDROBIN);
	if (want_registered(&b) != procedure)
		errx(1, "not shared");
	registers(&b, "com.single");
	watch = subscribe(&a, "wamp.subscription.on_unsubscribe");
	hold();
}

static void
ask(const char *what, unsigned long long id)
{
	char	args[64];

	snprintf(args, sizeof(args), "[%llu]", id);
	meta_send(&a, what, args, NULL);
}

/* Answered before all that is to be done for b: a is alone. */
static void
want_alone(uint64_t first)
{
	a.request = first;
	meta_want(&a, "[1]");
	a.request++;
	meta_want(&a, "[[%llu]]", (unsigned long long)a.id);
	a.request++;
	meta_want(&a, "[1]");
	a.request++;
	meta_want(&a, "[[%llu]]", (unsigned long long)a.id);
	a.request++;
	meta_want(&a, "[1]");
	a.request++;
	meta_want(&a, "[[%llu]]", (unsigned long long)a.id);
}

/* Who there is: the number of the first question. */
static uint64_t
ask_all(void)
{
	uint64_t	first = a.request + 1;

	ask("wamp.subscription.count_subscribers", topic);
	ask("wamp.subscription.list_subscribers", topic);
	ask("wamp.registration.count_callees", procedure);
	ask("wamp.registration.list_callees", procedure);
	meta_send(&a, "wamp.session.count", NULL, NULL);
	meta_send(&a, "wamp.session.list", NULL, NULL);
	return (first);
}

/* The rest, as far as another imsg than those events. */
static void
rest(uint32_t type, struct got *g)
{
	for (;;) {
		if (side_next(T0, g, 20000) != 1)
			errx(1, "%u events, and no imsg %u", nevents, type);
		if (g->type == type)
			return;
		if (g->type != IMSG_EVENT)
			errx(1, "imsg %u", g->type);
		nevents++;
	}
}

static void
rest_of_events(void)
{
	struct got	g;

	while (nevents < MANY + 1) {
		if (side_next(T0, &g, 20000) != 1 || g.type != IMSG_EVENT)
			errx(1, "after %u events: not another", nevents);
		nevents++;
	}
}

static void
want_gone(enum wamp_err e)
{
	struct m_session_end	m;
	struct got		g;

	rest(IMSG_SESSION_END, &g);
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != b.slot || g.gen != b.gen || m.err != e)
		errx(1, "SESSION_END of slot %u: %u", g.slot, m.err);
	if (e != WERR_NONE)
		send_close(&b, CLOSE_ENDED);
}

static void
finish(const char *what)
{
	rest_of_events();
	bp_quiet();
	send_call(&a, "com.single", "");
	want_refused(&a, WAMP_CALL, a.request, WERR_NO_SUCH_PROCEDURE);
	leave(&a);
	bp_quiet();
	bp_ok(what);
}

static void
by_itself(void)
{
	uint64_t	first;

	begin();
	send_close(&b, CLOSE_LOST);
	first = ask_all();
	go();
	want_alone(first);
	want_gone(WERR_NONE);
	finish("one with many subscriptions leaves: others are answered");
}

/* Its slot is free at once. */
static void
by_violation(void)
{
	struct sess	c;
	struct got	g;
	uint64_t	first;

	begin();
	send_yield(&b, 12345, "");
	send_close(&b, CLOSE_ENDED);
	first = ask_all();
	go();
	want_end(T0, b.slot, b.gen, WERR_PROTOCOL_VIOLATION);
	want_alone(first);
	c = b;
	c.gen = ++gen;
	grant(T0, c.slot, c.gen, R, "all", bp_session_id());
	rest(IMSG_SESSION_OPEN, &g);
	if (g.slot != c.slot || g.gen != c.gen)
		errx(1, "SESSION_OPEN of slot %u", g.slot);
	send_subscribe(&c, "com.t1", MATCH_EXACT);
	rest(IMSG_SUBSCRIBED, &g);
	rest_of_events();
	send_close(&c, CLOSE_GOODBYE);
	rest(IMSG_SESSION_END, &g);
	rest(IMSG_EVENT, &g);		/* com.t1 */
	finish("one is ended for what it said: its slot can be used again");
}

/* Of a role, whose sessions end in slices anyway. */
static void
by_role(void)
{
	uint64_t	first, single;

	begin();
	meta_send(&a, "wamp.session.kill_by_authrole", "[\"many\"]", NULL);
	/* neither what it says nor what it holds hurries it */
	send_subscribe(&b, "com.more", MATCH_EXACT);
	send_register(&a, "com.single", MATCH_EXACT, INVOKE_SINGLE);
	first = ask_all();
	go();
	a.request = first - 2;
	meta_want(&a, "[1]");
	a.request++;
	single = want_registered(&a);
	want_alone(first);
	want_gone(WERR_KILLED);
	/* it is told before all of it is given up */
	rest_of_events();
	send_unregister(&a, single);
	want_unregistered(&a);
	finish("many that are killed are not waited for");
}

static void
by_id(void)
{
	uint64_t	first;

	begin();
	ask("wamp.session.kill", b.id);
	first = ask_all();
	go();
	a.request = first - 1;
	meta_want(&a, "%s", "");
	want_alone(first);
	want_gone(WERR_KILLED);
	finish("one that is killed with many subscriptions");
}

#define TOLD	64	/* at a time */
#define CROWD	100

/* May it get an EVENT that is meant for others? */
static int
is_spared(const struct heard *h, const struct sess *s)
{
	uint32_t	i;
	int		is_named = 0;

	for (i = 0; i < h->m.nrefs; i++)
		if (h->refs[i].slot == s->slot && h->refs[i].gen == s->gen)
			is_named = 1;
	return ((h->m.flags & EVENT_ONLY) != 0 ? !is_named : is_named);
}

/* Those that are killed and not told yet still get events: not all. */
static void
excluded(void)
{
	static struct sess	crowd[CROWD];
	static struct lists	lists;
	static struct heard	h;
	struct sess		c;
	struct got		g;
	int			told[CROWD] = { 0 }, i, n = 0;

	gen++;
	join(&a, T0, 1, gen, R, "ops");
	join(&c, T0, 2, gen, R, "all");
	subscribe(&a, "com.shared");
	for (i = 0; i < CROWD; i++) {
		join(&crowd[i], T0, (uint32_t)i + 3, gen, R, "many");
		subscribe(&crowd[i], "com.shared");
	}
	meta_send(&a, "wamp.session.kill_by_authrole", "[\"many\"]", NULL);
	while (n < TOLD) {
		if (side_next(T0, &g, 20000) != 1)
			errx(1, "%d are told, and no more", n);
		if (g.type == IMSG_SESSION_END) {
			told[g.slot - 3] = 1;
			n++;
		} else if (g.type != IMSG_RESULT)
			errx(1, "imsg %u", g.type);
	}
	/* no more before these answer */
	for (i = 0; i < 3; i++)
		side_sync(T0);
	lists_init(&lists);
	lists_empty(&lists, FILTER_EXCLUDE_AUTHROLE);
	lists_text(&lists, FILTER_EXCLUDE_AUTHROLE, "many");
	send_publish_to(&c, 0, "com.shared", &lists, NULL, "x");
	hear_event(T0, &h);
	if (is_spared(&h, &a))
		errx(1, "who is not excluded gets nothing");
	for (i = 0; i < CROWD; i++)
		if (!told[i] && !is_spared(&h, &crowd[i]))
			errx(1, "one that is excluded gets it: slot %u",
			    crowd[i].slot);
	for (i = 0; i < CROWD; i++)
		if (told[i])
			send_close(&crowd[i], CLOSE_ENDED);
	while (n < CROWD) {
		side_want(T0, IMSG_SESSION_END, &g,
		    sizeof(struct m_session_end));
		send_close(&crowd[g.slot - 3], CLOSE_ENDED);
		n++;
	}
	leave(&a);
	leave(&c);
	bp_quiet();
	bp_ok("many that are killed: who is not told yet can be excluded");
}

static struct conf *
conf(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = bconf_realm(c, R);

	meta_role(r, "ops");
	bconf_rule(bconf_role(r, "all"), 1, ACTION_ALL, MATCH_EXACT, NULL);
	bconf_rule(bconf_role(r, "many"), 1, ACTION_ALL, MATCH_EXACT, NULL);
	return (c);
}

int
main(void)
{
	bp_start(conf(), 1);
	by_itself();
	by_violation();
	by_role();
	by_id();
	excluded();
	bp_stop();
	return (0);
}
