/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a real broker answers to wampctl: that what was there all the time is
 * told once, whatever comes and goes between two answers; what the fields
 * say; and to kill.
 */
#include <sys/wait.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bplay_rpc.h"
#include "chan.h"
#include "conf.h"
#include "ctlplay.h"
#include "metaplay.h"
#include "uri.h"

#define T0	(&proxies[0])
#define T1	(&proxies[1])
#define R	"realm1"
#define R2	"realm2"
#define MANY	600
#define CROWD	5000		/* more than are killed in one turn */

static struct sess	many[MANY + CROWD];
static uint64_t		ids[MANY];
static uint32_t		gen = 1;

static struct conf *
conf_make(int with_second)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r;

	meta_role(conf_find_realm(c, R, strlen(R)), "boss");
	if (!with_second)
		return (c);
	r = bconf_realm(c, R2);
	bconf_rule(bconf_role(r, "all"), 1, ACTION_ALL, MATCH_EXACT, NULL);
	conf_add_topic(r, "a.kept", strlen("a.kept"));
	return (c);
}

static uint32_t
realm_id(const char *name)
{
	return (conf_find_realm(bconf, name, strlen(name))->id);
}

/* Half of them at each tlsproxy. */
static void
crowd_join(struct sess *s, unsigned int n, const char *realm)
{
	static uint32_t	slot;
	unsigned int	i;

	for (i = 0; i < n; i++)
		join(&s[i], &proxies[i % 2], ++slot, gen, realm, "all");
}

static int
once(const char *name, uint64_t id)
{
	unsigned int	i, n = 0;

	for (i = 0; i < ctl_n; i++)
		n += ctl_num(i, name) == id;
	if (n > 1)
		errx(1, "%s %llu is told %u times", name,
		    (unsigned long long)id, n);
	return (n == 1);
}

static void
must_be(const char *name, uint64_t id)
{
	if (!once(name, id))
		errx(1, "%s %llu is not told", name, (unsigned long long)id);
}

/* -- sessions ----------------------------------------------------------- */

static void
one_session(void)
{
	struct sess	a, b;
	char		args[256];
	uint64_t	reg;
	int		i;

	grant_authid = "ann";
	join(&a, T1, 7, ++gen, R, "boss");
	grant_authid = "joe";
	join(&b, T0, 8, gen, R, "all");
	subscribe(&a, "a.b");
	subscribe(&a, "a.c");
	reg = registers(&a, "p");
	send_call(&b, "p", "x");
	want_invocation(&a, reg, "x");
	ctl_all(&bp, CTL_SESSIONS, 0, 0, NULL);
	/* and one of bp_sync()'s at each tlsproxy */
	if (ctl_n != 4 || (i = ctl_find("session", a.id)) == -1)
		errx(1, "%u sessions", ctl_n);
	if (!ctl_is(i, "realm", R) || !ctl_is(i, "authid", "ann") ||
	    !ctl_is(i, "authrole", "boss") ||
	    !ctl_is(i, "authmethod", "anonymous") ||
	    !ctl_is(i, "authprovider", "static") ||
	    ctl_num(i, "proxy") != 1 || ctl_num(i, "subscriptions") != 2 ||
	    ctl_num(i, "registrations") != 1 || ctl_num(i, "calls") != 0 ||
	    ctl_num(i, "invocations") != 1 || ctl_num(i, "slow") != 0 ||
	    strncmp(ctl_text(i, "since"), "20", 2) != 0)
		errx(1, "a session is told otherwise");
	i = ctl_find("session", b.id);
	if (i == -1 || ctl_num(i, "calls") != 1 ||
	    ctl_num(i, "invocations") != 0 || ctl_num(i, "proxy") != 0)
		errx(1, "its caller is told otherwise");
	bp_ok("a session and its fields");

	send_features(&b, FEAT_CALLEE_CANCELING | FEAT_SUBSCRIBER_REVOCATION);
	send_flow(&b, IMSG_XOFF);
	snprintf(args, sizeof(args), "[%llu,{\"k\":[1]}]",
	    (unsigned long long)b.id);
	meta_send(&a, "wamp.session.modify_details", args, NULL);
	meta_want(&a, "%s", "");
	bp_quiet();
	ctl_all(&bp, CTL_SESSION, 0, b.id, NULL);
	if (ctl_n != 1 || ctl_num(0, "session") != b.id ||
	    ctl_num(0, "slow") != 1 || ctl_num(0, "slot") != 8 ||
	    ctl_num(0, "testaments") != 0 ||
	    ctl_num(0, "waits_for_authorizer") != 0 ||
	    ctl_list(0, "features") != 2 || ctl_list(0, "details") != 1)
		errx(1, "one session is told otherwise");
	ctl_all(&bp, CTL_SESSION, 0, 1, NULL);
	if (ctl_n != 0)
		errx(1, "a session that is none is told");
	bp_ok("one session with all that is known of it");

	ctl_all(&bp, CTL_SESSIONS, 0, 0, "ann");
	if (ctl_n != 1 || ctl_num(0, "session") != a.id)
		errx(1, "%u sessions of ann", ctl_n);
	ctl_all(&bp, CTL_SESSIONS, 0, 0, "an");
	if (ctl_n != 0)
		errx(1, "%u sessions of an", ctl_n);
	ctl_all(&bp, CTL_SESSIONS, realm_id(R2), 0, NULL);
	if (ctl_n != 0)
		errx(1, "%u sessions of another realm", ctl_n);
	ctl_all(&bp, CTL_SESSIONS, 777777, 0, NULL);
	if (ctl_n != 0)
		errx(1, "%u sessions of no realm", ctl_n);
	ctl_all(&bp, CTL_SESSIONS, realm_id(R), 0, "ann");
	if (ctl_n != 1)
		errx(1, "%u sessions of ann in her realm", ctl_n);
	bp_ok("sessions of a realm, of an authid");
	leave(&b);
	leave(&a);
	bp_quiet();
}

/* Answers are short of everything: those between them come and go. */
static void
sessions_change(void)
{
	struct sess	late[20];
	unsigned int	i, told, left = 0, second;
	static uint8_t	is_gone[MANY];

	memset(is_gone, 0, sizeof(is_gone));
	gen++;
	crowd_join(many, MANY / 2, R);
	crowd_join(many + MANY / 2, MANY / 2, R2);
	second = realm_id(R2);
	ctl_ask(&bp, CTL_SESSIONS, 0, 0, NULL);
	if (ctl_n == 0 || ctl_n >= 200)
		errx(1, "%u sessions in an answer", ctl_n);
	/* a tlsproxy's last come first: the last that was told, the next of
	 * all, and those behind it */
	told = ctl_n;
	for (i = 0; i < MANY; i++)
		if (many[i].id == ctl_num(told - 1, "session"))
			left = i;
	for (i = 0; i < 20; i++, left -= 2) {
		leave(&many[left]);
		is_gone[left] = 1;
	}
	/* the very last of both, which are the first that joined */
	leave(&many[0]);
	leave(&many[1]);
	is_gone[0] = is_gone[1] = 1;
	crowd_join(late, 20, R);
	while (ctl_more(&bp)) {
		left -= left > 1 ? 2 : 0;
		if (!is_gone[left]) {
			leave(&many[left]);
			is_gone[left] = 1;
		}
	}
	if (ctl_answers < 4 || ctl_lost)
		errx(1, "%u answers", ctl_answers);
	for (i = 0; i < MANY; i++)
		if (!is_gone[i])
			must_be("session", many[i].id);
		else
			(void)once("session", many[i].id);
	for (i = 0; i < 20; i++)
		if (once("session", late[i].id))
			errx(1, "a session that came later is told");
	bp_ok("sessions that come and go between answers");

	ctl_all(&bp, CTL_SESSIONS, second, 0, NULL);
	for (told = 0, i = MANY / 2; i < MANY; i++)
		if (!is_gone[i]) {
			must_be("session", many[i].id);
			told++;
		}
	if (ctl_n != told)
		errx(1, "%u sessions of realm2, want %u", ctl_n, told);
	bp_ok("only those of a realm, among others");

	ctl_ask(&bp, CTL_SESSIONS, 0, 0, NULL);
	side_close(T0);
	side_sync(T1);
	side_open(T0, PROC_TLSPROXY, 0);
	bp_quiet();
	while (ctl_more(&bp))
		;
	for (i = 1; i < MANY; i += 2)
		if (!is_gone[i])
			must_be("session", many[i].id);
	bp_ok("a tlsproxy ends between answers");
	side_close(T1);
	side_open(T1, PROC_TLSPROXY, 1);
	bp_quiet();
}

/* -- subscriptions, registrations ---------------------------------------- */

static int
match_of(unsigned int i)
{
	return ((int)(i % MATCH_MAX));
}

static const char *
uri_of(unsigned int i, int pages)
{
	static char	buf[64];

	snprintf(buf, sizeof(buf), match_of(i) == MATCH_WILDCARD ?
	    "w..%d.%u" : "t.%d.%u", pages, i);
	return (buf);
}

static void
subscriptions_change(void)
{
	struct sess	a, b;
	unsigned int	i;
	int		row;

	join(&a, T0, 1, ++gen, R, "all");
	join(&b, T1, 1, gen, R2, "all");
	for (i = 0; i < MANY; i++)
		ids[i] = subscribe_to(i < MANY / 2 ? &a : &b, uri_of(i, 0),
		    match_of(i));
	send_subscribe(&a, uri_of(MANY, 0), MATCH_EXACT);
	want_subscribed(&a);
	ctl_all(&bp, CTL_SUBSCRIPTIONS, realm_id(R2), 0, NULL);
	/* and the one of the history */
	if (ctl_n != MANY / 2 + 1)
		errx(1, "%u subscriptions of realm2", ctl_n);
	row = ctl_find("id", ids[MANY - 1]);
	if (row == -1 || !ctl_is(row, "uri", uri_of(MANY - 1, 0)) ||
	    !ctl_is(row, "realm", R2) || !ctl_is(row, "match", "wildcard") ||
	    ctl_num(row, "subscribers") != 1 || ctl_num(row, "history") != 0 ||
	    strncmp(ctl_text(row, "created"), "20", 2) != 0)
		errx(1, "a subscription is told otherwise");
	row = ctl_find_text("uri", "a.kept");
	if (row == -1 || ctl_num(row, "history") != 1 ||
	    ctl_num(row, "subscribers") != 0)
		errx(1, "a history is told otherwise");
	bp_ok("subscriptions of a realm, and their fields");

	/* lists of exact ones, prefixes, wildcards; their last come first */
	ctl_ask(&bp, CTL_SUBSCRIPTIONS, 0, 0, NULL);
	for (i = 0; i < MANY; i++)
		if (ids[i] == ctl_num(ctl_n - 1, "id"))
			break;
	for (row = 0; row < 10; row++, i -= MATCH_MAX) {
		send_unsubscribe(i < MANY / 2 ? &a : &b, ids[i]);
		want_unsubscribed(i < MANY / 2 ? &a : &b, ids[i]);
		ids[i] = 0;
	}
	do {
		for (i = 0; i < MATCH_MAX; i++)
			subscribe_to(&a, uri_of(i, (int)ctl_answers),
			    match_of(i));
	} while (ctl_more(&bp));
	for (i = 0; i < MANY; i++)
		if (ids[i] != 0)
			must_be("id", ids[i]);
	for (i = 0; i < ctl_n; i++)
		(void)once("id", ctl_num(i, "id"));
	bp_ok("subscriptions that come and go between answers");
	leave(&a);
	leave(&b);
	bp_quiet();
}

static void
registrations_change(void)
{
	struct sess	a, b;
	unsigned int	i;
	int		row;

	join(&a, T0, 1, ++gen, R, "all");
	join(&b, T1, 1, gen, R2, "all");
	for (i = 0; i < MANY; i++)
		ids[i] = registers_as(i < MANY / 2 ? &a : &b, uri_of(i, 0),
		    match_of(i), INVOKE_ROUNDROBIN);
	ctl_all(&bp, CTL_REGISTRATIONS, realm_id(R), 0, NULL);
	row = ctl_find("id", ids[1]);
	if (ctl_n != MANY / 2 || row == -1 ||
	    !ctl_is(row, "uri", uri_of(1, 0)) || !ctl_is(row, "realm", R) ||
	    !ctl_is(row, "match", "prefix") ||
	    !ctl_is(row, "invoke", "roundrobin") ||
	    ctl_num(row, "callees") != 1 || ctl_num(row, "busy_callees") != 0)
		errx(1, "a registration is told otherwise");
	bp_ok("registrations of a realm, and their fields");

	/* the first come first here */
	ctl_ask(&bp, CTL_REGISTRATIONS, 0, 0, NULL);
	for (i = 0; i < MANY; i++)
		if (ids[i] == ctl_num(ctl_n - 1, "id"))
			break;
	for (row = 0; row < 10; row++, i += MATCH_MAX) {
		send_unregister(i < MANY / 2 ? &a : &b, ids[i]);
		want_unregistered(i < MANY / 2 ? &a : &b);
		ids[i] = 0;
	}
	do {
		for (i = 0; i < MATCH_MAX; i++)
			registers_as(&a, uri_of(i, (int)ctl_answers),
			    match_of(i), INVOKE_ROUNDROBIN);
	} while (ctl_more(&bp));
	for (i = 0; i < MANY; i++)
		if (ids[i] != 0)
			must_be("id", ids[i]);
	for (i = 0; i < ctl_n; i++)
		if (ctl_num(i, "id") > ids[MANY - 1])
			errx(1, "a registration that came later is told");
		else
			(void)once("id", ctl_num(i, "id"));
	bp_ok("registrations that come and go between answers");

	/* realm2 has half of them, and goes */
	ctl_ask(&bp, CTL_REGISTRATIONS, 0, 0, NULL);
	while (!ctl_is(ctl_n - 1, "realm", R2))
		if (!ctl_more(&bp))
			errx(1, "nothing of realm2");
	bp_reload(conf_make(0));
	want_end(T1, 1, gen, WERR_CLOSE_REALM);
	send_close(&b, CLOSE_ENDED);
	bp_quiet();
	while (ctl_more(&bp))
		;
	for (i = 0; i < MANY / 2; i++)
		if (ids[i] != 0)
			must_be("id", ids[i]);
	ctl_ask(&bp, CTL_SUBSCRIPTIONS, 0, 0, NULL);
	if (ctl_n != 0)
		errx(1, "%u subscriptions are left", ctl_n);
	bp_reload(conf_make(1));
	bp_ok("a realm ends between answers");
	leave(&a);
	bp_quiet();
}

/* -- calls -------------------------------------------------------------- */

static void
calls_change(void)
{
	struct sess	a, b;
	static uint64_t	invs[MANY], calls[MANY];
	unsigned int	i, n;
	uint64_t	reg, pattern, last;
	struct got	g;
	int		row;

	join(&a, T0, 1, ++gen, R, "all");
	join(&b, T1, 1, gen, R, "all");
	send_features(&b, FEAT_CALLEE_CANCELING | FEAT_CALLEE_PROGRESS);
	reg = registers(&b, "p");
	pattern = registers_as(&b, "q.", MATCH_PREFIX, INVOKE_SINGLE);
	for (i = 0; i < MANY; i++) {
		send_call(&a, "p", "");
		calls[i] = a.request;
		invs[i] = want_invocation(&b, reg, "");
	}
	send_call_as(&a, "q.x", "", CALL_RECEIVE_PROGRESS, 60000);
	want_invocation_as(&b, pattern, "", INVOCATION_RECEIVE_PROGRESS);
	send_cancel(&a, a.request, CANCEL_KILL);
	want_interrupt(&b, rpc_inv.request, CANCEL_KILL, WERR_CANCELED);
	last = a.request;
	ctl_ask(&bp, CTL_CALLS, 0, 0, NULL);
	if (!ctl_is(0, "realm", R) || !ctl_is(0, "procedure", "p") ||
	    !ctl_is(0, "match", "exact") ||
	    ctl_num(0, "registration") != reg ||
	    ctl_num(0, "caller") != a.id || ctl_num(0, "callee") != b.id ||
	    ctl_num(0, "call") != calls[0] ||
	    ctl_num(0, "invocation") != invs[0] ||
	    ctl_num(0, "timeout_ms") != 0 || ctl_num(0, "progressive") != 0 ||
	    ctl_num(0, "open") != 0 || ctl_num(0, "canceled") != 0 ||
	    ctl_num(0, "age_ms") > 3600000)
		errx(1, "a call is told otherwise");
	bp_ok("a call and its fields, the oldest first");

	/* the next ones end, and one of the last; others begin */
	for (i = ctl_n - 1, n = 0; n < 20; n++, i++) {
		send_yield(&b, invs[i], "");
		want_result(&a, calls[i], "");
		calls[i] = 0;
	}
	send_yield(&b, invs[MANY - 1], "");
	want_result(&a, calls[MANY - 1], "");
	calls[MANY - 1] = 0;
	n = 0;
	do {
		send_call(&a, "p", "");
		want_invocation(&b, reg, "");
		n++;
	} while (ctl_more(&bp));
	for (i = 0; i < MANY; i++)
		if (calls[i] != 0)
			must_be("call", calls[i]);
	for (i = 0; i < ctl_n; i++)
		if (ctl_num(i, "call") > last)
			errx(1, "a call that began later is told");
		else
			(void)once("call", ctl_num(i, "call"));
	row = ctl_find("registration", pattern);
	if (row == -1 || !ctl_is(row, "procedure", "q.") ||
	    !ctl_is(row, "match", "prefix") ||
	    ctl_num(row, "progressive") != 1 ||
	    ctl_num(row, "canceled") != 1 ||
	    ctl_num(row, "timeout_ms") != 60000)
		errx(1, "a progressive call is told otherwise");
	bp_ok("calls that begin and end between answers");

	ctl_all(&bp, CTL_CALLS, realm_id(R2), 0, NULL);
	if (ctl_n != 0)
		errx(1, "%u calls of realm2", ctl_n);
	/* the callee leaves, of which many callers learn later */
	for (n++, i = 0; i < MANY; i++)
		n += calls[i] != 0;
	ctl_ask(&bp, CTL_CALLS, 0, 0, NULL);
	send_close(&b, CLOSE_GOODBYE);
	want_end(T1, b.slot, b.gen, WERR_NONE);
	(void)ctl_more(&bp);
	for (i = 0; i < n; i++)
		side_want(T0, IMSG_REFUSED, &g, sizeof(struct m_refused));
	bp_quiet();
	while (ctl_more(&bp))
		;
	if (ctl_answers > 3)
		errx(1, "%u answers of calls that are over", ctl_answers);
	leave(&a);
	bp_quiet();
	bp_ok("all calls end between answers");
}

/* -- kill --------------------------------------------------------------- */

static void
killed_is(uint64_t n)
{
	if (ctl_n != 1 || ctl_num(0, "killed") != n)
		errx(1, "%u rows, %llu killed, want %llu", ctl_n,
		    ctl_n > 0 ? (unsigned long long)ctl_num(0, "killed") : 0,
		    (unsigned long long)n);
}

static void
kills(void)
{
	struct sess		a, b, c;
	struct m_session_end	m;
	struct got		g;
	unsigned int		i;

	grant_authid = "ann";
	join(&a, T0, 1, ++gen, R, "all");
	join(&b, T1, 1, gen, R2, "all");
	join(&c, T0, 2, gen, R, "all");
	ctl_all(&bp, CTL_KILL_SESSION, 0, a.id, NULL);
	killed_is(1);
	meta_ended(&a, "", "ended by the administrator");
	ctl_all(&bp, CTL_KILL_SESSION, 0, a.id, NULL);
	killed_is(0);
	send_close(&a, CLOSE_ENDED);
	bp_quiet();
	bp_ok("kill a session");

	ctl_all(&bp, CTL_KILL_AUTHID, realm_id(R2), 0, "joe");
	killed_is(0);
	ctl_all(&bp, CTL_KILL_AUTHID, 0, 0, NULL);
	killed_is(0);
	ctl_all(&bp, CTL_KILL_AUTHID, 777777, 0, "ann");
	killed_is(0);
	ctl_all(&bp, CTL_KILL_AUTHID, realm_id(R2), 0, "ann");
	killed_is(1);
	meta_ended(&b, "", "ended by the administrator");
	send_close(&b, CLOSE_ENDED);
	subscribe(&c, "t");
	bp_quiet();
	bp_ok("kill an authid in a realm");

	join(&b, T1, 1, ++gen, R2, "all");
	ctl_all(&bp, CTL_KILL_AUTHID, 0, 0, "ann");
	killed_is(2);
	meta_ended(&b, "", "ended by the administrator");
	send_close(&b, CLOSE_ENDED);
	meta_ended(&c, "", "ended by the administrator");
	send_close(&c, CLOSE_ENDED);
	bp_quiet();
	bp_ok("kill an authid in all realms");

	gen++;
	crowd_join(many, CROWD, R);
	ctl_all(&bp, CTL_KILL_AUTHID, realm_id(R), 0, "ann");
	killed_is(CROWD);
	if (ctl_answers < 2)
		errx(1, "%d are killed in one turn", CROWD);
	for (i = 0; i < CROWD; i++) {
		side_want(&proxies[i % 2], IMSG_SESSION_END, &g, sizeof(m));
		memcpy(&m, g.data, sizeof(m));
		if (m.err != WERR_KILLED)
			errx(1, "SESSION_END: error %u", m.err);
		/* they go on as it is answered */
		b.t = &proxies[i % 2];
		b.slot = g.slot;
		b.gen = g.gen;
		send_close(&b, CLOSE_ENDED);
	}
	bp_quiet();
	bp_ok("kill more than a turn's work");
	grant_authid = "joe";
}

/* -- the rest ----------------------------------------------------------- */

static void
memory(void)
{
	struct sess	a;
	int		row;

	join(&a, T0, 1, ++gen, R, "all");
	ctl_all(&bp, CTL_MEMORY, 0, 0, NULL);
	if ((row = ctl_find_text("what", "sessions")) == -1 ||
	    !ctl_is(row, "process", "broker") ||
	    ctl_num(row, "instance") != 0 || ctl_num(row, "count") != 3)
		errx(1, "the sessions are told otherwise");
	if ((row = ctl_find_text("what", "objects")) == -1 ||
	    ctl_num(row, "octets") == 0 ||
	    ctl_num(row, "limit") != bconf->limits.memory)
		errx(1, "the objects are told otherwise");
	if (ctl_find_text("peer", "parent") == -1 ||
	    ctl_find_text("peer", "keeper") == -1 ||
	    (row = ctl_find_text("peer", "tlsproxy")) == -1 ||
	    !ctl_is(row, "what", "queue") ||
	    ctl_num(row, "peer_instance") != 0 ||
	    !ctl_is(row + 1, "peer", "tlsproxy") ||
	    ctl_num(row + 1, "peer_instance") != 1)
		errx(1, "the queues are told otherwise");
	leave(&a);
	bp_quiet();
	bp_ok("memory");
}

static void
ask_raw(struct m_ctl_query *q, const char *authid)
{
	play_ask(&bp, q, authid);
	if (bp.answer.query != q->query)
		errx(1, "the answer to %u", bp.answer.query);
}

static void
stale(void)
{
	struct m_ctl_query	q;
	uint64_t		cursor;

	gen++;
	crowd_join(many, MANY, R);
	memset(&q, 0, sizeof(q));
	q.query = 1000000;
	q.what = CTL_SESSIONS;
	ask_raw(&q, "");
	cursor = bp.answer.cursor;
	/* an old one asks for more */
	q.query--;
	q.cursor = cursor;
	ask_raw(&q, "");
	if (!bp.answer.is_lost || !bp.answer.is_end || bp.answer.nrows != 0)
		errx(1, "a query that is not under way is answered");
	q.query++;
	q.cursor = cursor + 1;
	ask_raw(&q, "");
	if (!bp.answer.is_lost)
		errx(1, "a cursor that never was is answered");
	/* that was no harm to this one */
	q.cursor = cursor;
	ask_raw(&q, "");
	if (bp.answer.is_lost || bp.answer.nrows == 0)
		errx(1, "the query under way is lost");
	ask_raw(&q, "");
	if (!bp.answer.is_lost)
		errx(1, "an old cursor is answered");
	/* a new one takes its place */
	q.query = 2000000;
	q.what = CTL_MEMORY;
	q.cursor = 0;
	ask_raw(&q, "");
	q.query = 1000000;
	q.what = CTL_SESSIONS;
	q.cursor = cursor + 1;
	ask_raw(&q, "");
	if (!bp.answer.is_lost)
		errx(1, "a query that was given up goes on");
	bp_ok("who asks for what is not under way learns that it is lost");

	ctl_ask(&bp, CTL_CONNECTIONS, 0, 0, NULL);
	if (!ctl_lost || ctl_n != 0)
		errx(1, "a broker tells of connections");
	ctl_ask(&bp, 4711, 0, 0, NULL);
	if (!ctl_lost || ctl_n != 0)
		errx(1, "an answer to what is no word");
	bp_ok("a word that is not for it");
}

/* The parent's nonsense ends it. */
static void
nonsense(const void *data, size_t len, const char *what)
{
	struct play	p;
	int		status;

	play_start(&p, PROC_BROKER, "broker");
	chan_send(p.chan, IMSG_CTL_QUERY, 0, 0, data, len);
	status = play_wait(&p);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
		errx(1, "%s: status 0x%x", what, status);
}

static void
before_conf(void)
{
	static struct m_ctl_query	q = { .query = 1, .what = CTL_SESSIONS };
	struct play			p;

	play_start(&p, PROC_BROKER, "broker");
	play_ask(&p, &q, "");
	if (!p.answer.is_lost)
		errx(1, "a broker without a configuration tells something");
	play_stop(&p);
	bp_ok("a broker without a configuration knows nothing");
}

int
main(void)
{
	uint8_t			buf[sizeof(struct m_ctl_query) + 512];
	struct m_ctl_query	q;

	bp_start(conf_make(1), 2);
	one_session();
	memory();
	sessions_change();
	subscriptions_change();
	registrations_change();
	calls_change();
	kills();
	stale();
	bp_stop();

	before_conf();
	memset(buf, 'x', sizeof(buf));
	memset(&q, 0, sizeof(q));
	q.query = 1;
	q.what = CTL_SESSIONS;
	nonsense(&q, sizeof(q) - 1, "too short");
	q.authidlen = 1;
	nonsense(&q, sizeof(q), "without its authid");
	q.authidlen = 0;
	memcpy(buf, &q, sizeof(q));
	nonsense(buf, sizeof(q) + 1, "too long");
	q.authidlen = AUTHID_MAXLEN + 1;
	memcpy(buf, &q, sizeof(q));
	nonsense(buf, sizeof(q) + q.authidlen, "authid too long");
	bp_ok("the parent's nonsense ends it");
	return (0);
}
