/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Invocations of the broker's own at a real tlsproxy: the callee sees
 * nothing odd, and the broker gets the answer in MessagePack whatever the
 * callee speaks.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "proxy_play.h"

#define K	(&keeper)
#define B0	(&brokers[0])

#define ASKED_MAX	1024		/* as in invocation.c */

static void
invoke(struct client *c, uint64_t id, uint32_t flags)
{
	struct m_invocation	m;
	struct text		t = { "\x92\x01\xa1x", 4 };

	memset(&m, 0, sizeof(m));
	m.request = id;
	m.registration = 9;
	m.flags = flags;
	m.paylen = (uint32_t)t.len;
	m.ser = SER_MSGPACK;
	m.nargs = 1;
	side_send(c->b, IMSG_INVOCATION, c->slot, c->gen, &m, sizeof(m), &t,
	    1);
}

static void
want_payload(const struct got *g, size_t off, size_t paylen, const char *want,
    size_t len)
{
	if (g->len != off + len || paylen != len ||
	    memcmp(g->data + off, want, len) != 0)
		errx(1, "imsg %u: %zu octets of payload are not the %zu "
		    "awaited", g->type, g->len - off, len);
}

static void
want_yield(uint64_t id, int ser, int nargs, const char *want, size_t len)
{
	struct m_yield	m;
	struct got	g;

	side_want(B0, IMSG_YIELD, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.request != id || m.ser != ser || m.nargs != nargs)
		errx(1, "YIELD of %llu, serializer %d, %d args",
		    (unsigned long long)m.request, m.ser, m.nargs);
	want_payload(&g, sizeof(m), m.paylen, want, len);
}

static void
json_callee(void)
{
	struct client	c;
	struct m_error	m;
	struct got	g;

	join(&c, 0, 1);
	invoke(&c, 1, INVOCATION_MSGPACK);
	client_want(&c, "[68,1,9,{},[1,\"x\"]]");
	client_say(&c, "[70,1,{},[true,null],{\"a\":[\"b\"]}]");
	want_yield(1, SER_MSGPACK, 2, "\x92\xc3\xc0\x81\xa1" "a\x91\xa1" "b",
	    9);
	/* a second answer to it, and answers to others, are as they are */
	client_say(&c, "[70,1,{},[true]]");
	want_yield(1, SER_JSON, 1, "[true]", 6);
	invoke(&c, 2, 0);
	client_want(&c, "[68,2,9,{},[1,\"x\"]]");
	client_say(&c, "[70,2,{},[true]]");
	want_yield(2, SER_JSON, 1, "[true]", 6);
	invoke(&c, 3, INVOCATION_MSGPACK);
	client_want(&c, "[68,3,9,{},[1,\"x\"]]");
	client_say(&c, "[70,3,{}]");
	want_yield(3, SER_MSGPACK, 0, "", 0);
	pp_ok("a JSON callee answers the broker: YIELD in MessagePack");

	invoke(&c, 4, INVOCATION_MSGPACK);
	client_want(&c, "[68,4,9,{},[1,\"x\"]]");
	client_say(&c, "[8,68,4,{},\"com.no\",[\"why\"]]");
	side_want(B0, IMSG_ERROR, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.request != 4 || m.ser != SER_MSGPACK || m.nargs != 1 ||
	    m.urilen != 6 || memcmp(g.data + sizeof(m), "com.no", 6) != 0)
		errx(1, "ERROR of the callee");
	want_payload(&g, sizeof(m) + 6, m.paylen, "\x91\xa3why", 5);
	leave(&c);
	pp_ok("a JSON callee answers the broker: ERROR in MessagePack");
}

static void
other_callees(void)
{
	struct client	c;

	/* CBOR: an answer that MessagePack lacks is left as it is */
	client_open(&c, 0, SER_CBOR, 15);
	client_send(&c, "\x83\x01\x66realm1\xa1\x65roles\xa1\x66"
	    "callee\xa0", 25);
	hello_heard(&c, 1);
	send_open(&c);
	client_want_like(&c, "\x83\x02");
	invoke(&c, 1, INVOCATION_MSGPACK);
	client_want_like(&c, "\x85\x18\x44\x01\x09\xa0\x82\x01\x61x");
	client_send(&c, "\x84\x18\x46\x01\xa0\x81\xf5", 7);
	want_yield(1, SER_MSGPACK, 1, "\x91\xc3", 2);
	invoke(&c, 2, INVOCATION_MSGPACK);
	client_want_like(&c, "\x85\x18\x44\x02");
	client_send(&c, "\x84\x18\x46\x02\xa0\x81\xc1\x01", 8);
	want_yield(2, SER_CBOR, 1, "\x81\xc1\x01", 3);
	client_close(&c);
	want_close(&c, CLOSE_LOST);
	send_end(&c, WERR_NONE, "");

	client_open(&c, 0, SER_MSGPACK, 15);
	client_send(&c, "\x93\x01\xa6realm1\x81\xa5roles\x81\xa6" "callee\x80",
	    25);
	hello_heard(&c, 1);
	send_open(&c);
	client_want_like(&c, "\x93\x02");
	invoke(&c, 1, INVOCATION_MSGPACK);
	client_want_like(&c, "\x95\x44\x01\x09\x80\x92\x01\xa1x");
	client_send(&c, "\x94\x46\x01\x80\x91\xc3", 6);
	want_yield(1, SER_MSGPACK, 1, "\x91\xc3", 2);
	client_close(&c);
	want_close(&c, CLOSE_LOST);
	send_end(&c, WERR_NONE, "");
	pp_ok("CBOR and MessagePack callees answer the broker");
}

/* One that never answers is not remembered without end. */
static void
many(void)
{
	struct client	c;
	uint64_t	i;
	char		say[64];

	join(&c, 0, 1);
	for (i = 1; i <= ASKED_MAX + 1; i++) {
		invoke(&c, i, INVOCATION_MSGPACK);
		client_want_like(&c, "[68,");
	}
	client_say(&c, "[70,1,{},[true]]");
	want_yield(1, SER_JSON, 1, "[true]", 6);
	for (i = 2; i <= ASKED_MAX + 1; i++) {
		snprintf(say, sizeof(say), "[70,%llu,{},[true]]",
		    (unsigned long long)i);
		client_say(&c, say);
		want_yield(i, SER_MSGPACK, 1, "\x91\xc3", 2);
	}
	leave(&c);
	pp_ok("the oldest of too many unanswered ones is forgotten");
}

static void
held(void)
{
	struct client	a, b;
	struct got	g;

	join(&a, 0, 1);
	join(&b, 0, 1);
	side_send(B0, IMSG_XOFF, a.slot, a.gen, NULL, 0, NULL, 0);
	pp_sync();
	client_say(&a, "[32,1,{},\"a\"]");
	client_say(&b, "[32,1,{},\"b\"]");
	side_want(B0, IMSG_SUBSCRIBE, &g, 0);
	if (g.slot != b.slot)
		errx(1, "the wrong client is read");
	pp_sync();
	side_quiet(B0);
	/* those of all do not change that */
	side_send(B0, IMSG_XOFF, 0, 0, NULL, 0, NULL, 0);
	side_send(B0, IMSG_XON, 0, 0, NULL, 0, NULL, 0);
	pp_sync();
	side_quiet(B0);
	/* it still hears */
	send_subscribed(&a, 1, 5);
	client_want(&a, "[33,1,5]");
	side_send(B0, IMSG_XON, a.slot, a.gen, NULL, 0, NULL, 0);
	side_want(B0, IMSG_SUBSCRIBE, &g, 0);
	if (g.slot != a.slot)
		errx(1, "XON");
	/* its end ends that, too */
	side_send(B0, IMSG_XOFF, a.slot, a.gen, NULL, 0, NULL, 0);
	pp_sync();
	send_end(&a, WERR_CLOSE_REALM, "gone");
	client_want_like(&a, "[6,");
	want_close(&a, CLOSE_ENDED);
	client_say(&a, "[6,{},\"wamp.close.goodbye_and_out\"]");
	client_is_closed(&a);
	/* and for a session that is over it says nothing */
	side_send(B0, IMSG_XOFF, a.slot, a.gen, NULL, 0, NULL, 0);
	side_send(B0, IMSG_XON, a.slot, a.gen, NULL, 0, NULL, 0);
	pp_sync();
	leave(&b);
	pp_ok("XOFF of one session: that client is not read until XON");
}

int
main(void)
{
	struct conf	*c = pconf_new();

	pconf_listen(c, 0, LISTEN_INSECURE);
	pp_start(PROXY_NET, c);
	json_callee();
	other_callees();
	many();
	held();
	pp_stop();
	return (0);
}
