/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Request ids of clients at a real tlsproxy, where calls go on in further
 * chunks or are canceled; and calls of the router's own procedures, whose
 * payload a broker reads.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "proxy_play.h"
#include "proxy_talk.h"

#define B0	(&brokers[0])

#define CHUNKS	"{\"caller\":{\"features\":{"				\
			"\"progressive_call_invocations\":true,"	\
			"\"payload_passthru_mode\":true}}}"
#define NO_CHUNKS	"{\"caller\":{}}"

static void
want_call(struct client *c, uint64_t request, uint32_t flags,
    uint32_t timeout, const char *payload)
{
	struct m_call	m;
	struct got	g;

	side_want(c->b, IMSG_CALL, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != c->slot || m.request != request || m.flags != flags ||
	    m.timeout != timeout || m.pptlen != 0)
		errx(1, "CALL %llu flags %#x timeout %u ppt %u, want %llu, "
		    "%#x, %u", (unsigned long long)m.request, m.flags,
		    m.timeout, m.pptlen, (unsigned long long)request, flags,
		    timeout);
	if (m.paylen != strlen(payload) || memcmp(g.data + g.len - m.paylen,
	    payload, m.paylen) != 0)
		errx(1, "payload %.*s, want %s", (int)m.paylen,
		    (const char *)g.data + g.len - m.paylen, payload);
}

static void
aborted(struct client *c, const char *message)
{
	talk_say(c, "%s", message);
	talk_is_aborted(c, message);
	want_close(c, CLOSE_VIOLATION);
	send_end(c, WERR_NONE, "");
	side_quiet(c->b);
}

/* WAMP, Progressive Call Invocations: the pseudocode on request ids. */
static void
chunks(void)
{
	struct client	c;
	struct got	g;

	talk_join(&c, SER_JSON, 1, CHUNKS);
	talk_say(&c, "[48,1,{\"progress\":true,\"timeout\":9},\"com.a\",[1]]");
	want_call(&c, 1, CALL_PROGRESS, 9, "[1]");
	/* only progress counts from now on, and the rest is not even read */
	talk_say(&c, "[48,1,{\"progress\":true,\"timeout\":\"no\","
	    "\"disclose_me\":1,\"receive_progress\":true,\"ppt_scheme\":7},"
	    "\"com.a\",[2]]");
	want_call(&c, 1, CALL_PROGRESS | CALL_CONTINUES, 0, "[2]");
	talk_say(&c, "[32,2,{},\"com.t\"]");
	side_want(B0, IMSG_SUBSCRIBE, &g, 0);
	talk_say(&c, "[48,3,{},\"com.b\"]");
	want_call(&c, 3, 0, 0, "");
	talk_say(&c, "[48,1,{},\"com.a\",[3]]");
	want_call(&c, 1, CALL_CONTINUES, 0, "[3]");
	/* whether there is such a call is for the broker to say */
	talk_say(&c, "[48,2,{},\"com.a\"]");
	want_call(&c, 2, CALL_CONTINUES, 0, "");
	talk_say(&c, "[48,4,{},\"com.a\"]");
	want_call(&c, 4, 0, 0, "");
	aborted(&c, "[48,6,{\"progress\":true},\"com.a\"]");
	pp_ok("a CALL with an id of before goes on");

	talk_join(&c, SER_JSON, 1, CHUNKS);
	talk_say(&c, "[48,1,{\"progress\":true},\"com.a\"]");
	want_call(&c, 1, CALL_PROGRESS, 0, "");
	aborted(&c, "[48,1,{\"progress\":1},\"com.a\"]");
	talk_join(&c, SER_JSON, 1, CHUNKS);
	aborted(&c, "[48,0,{},\"com.a\"]");
	talk_join(&c, SER_JSON, 1, CHUNKS);
	talk_say(&c, "[48,1,{\"progress\":true},\"com.a\"]");
	want_call(&c, 1, CALL_PROGRESS, 0, "");
	aborted(&c, "[16,1,{},\"com.a\"]");
	talk_join(&c, SER_JSON, 1, NO_CHUNKS);
	talk_say(&c, "[48,1,{\"progress\":false},\"com.a\"]");
	want_call(&c, 1, 0, 0, "");
	aborted(&c, "[48,1,{},\"com.a\"]");
	talk_join(&c, SER_JSON, 1, NO_CHUNKS);
	aborted(&c, "[48,1,{\"progress\":true},\"com.a\"]");
	pp_ok("other ids of before, and callers that did not announce it");
}

static void
loose_ids(void)
{
	struct client	c;

	talk_join(&c, SER_JSON, 2, CHUNKS);
	talk_say(&c, "[48,77,{\"progress\":true,\"timeout\":9},\"com.a\"]");
	want_call(&c, 77, CALL_PROGRESS | CALL_MAY_CONTINUE, 9, "");
	talk_say(&c, "[48,5,{},\"com.b\"]");
	want_call(&c, 5, CALL_MAY_CONTINUE, 0, "");
	talk_say(&c, "[48,77,{},\"com.a\",[1]]");
	want_call(&c, 77, CALL_MAY_CONTINUE, 0, "[1]");
	talk_gone(&c);
	talk_join(&c, SER_JSON, 2, NO_CHUNKS);
	talk_say(&c, "[48,77,{},\"com.a\"]");
	want_call(&c, 77, 0, 0, "");
	talk_say(&c, "[48,77,{},\"com.a\"]");
	want_call(&c, 77, 0, 0, "");
	talk_gone(&c);
	pp_ok("request ids loose: any CALL may go on, if it was announced");
}

static void
cancels(struct client *c, uint64_t id, const char *options, int mode)
{
	struct m_cancel	m;
	struct got	g;

	talk_say(c, "[49,%llu,{%s}]", (unsigned long long)id, options);
	side_want(c->b, IMSG_CANCEL, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != c->slot || g.len != sizeof(m) || m.request != id ||
	    m.mode != mode)
		errx(1, "CANCEL {%s}: mode %d, want %d", options, m.mode,
		    mode);
}

static void
canceling(int ser)
{
	struct client	c;

	talk_join(&c, ser, 1, NO_CHUNKS);
	talk_say(&c, "[49,1,{}]");
	side_quiet(B0);
	talk_say(&c, "[48,1,{},\"com.a\"]");
	want_call(&c, 1, 0, 0, "");
	cancels(&c, 1, "", CANCEL_KILLNOWAIT);
	cancels(&c, 1, "\"mode\":null,\"x\":1", CANCEL_KILLNOWAIT);
	cancels(&c, 1, "\"mode\":\"skip\"", CANCEL_SKIP);
	cancels(&c, 1, "\"mode\":\"kill\"", CANCEL_KILL);
	cancels(&c, 1, "\"mode\":\"killnowait\"", CANCEL_KILLNOWAIT);
	cancels(&c, 1, "\"mode\":\"Kill\"", CANCEL_UNKNOWN);
	cancels(&c, 1, "\"mode\":\"\"", CANCEL_UNKNOWN);
	talk_say(&c, "[49,2,{\"mode\":\"kill\"}]");
	client_quiet(&c);
	side_quiet(B0);
	talk_gone(&c);
	talk_join(&c, ser, 2, NO_CHUNKS);
	cancels(&c, 9, "\"mode\":\"skip\"", CANCEL_SKIP);
	aborted(&c, "[49,0,{}]");
}

static void
want_payload(int ser, int nargs, const void *p, size_t len)
{
	struct m_call	m;
	struct got	g;

	side_want(B0, IMSG_CALL, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.ser != ser || m.nargs != nargs || m.paylen != len ||
	    memcmp(g.data + g.len - len, p, len) != 0)
		errx(1, "CALL: serializer %d, %d args, %u octets", m.ser,
		    m.nargs, m.paylen);
}

static void
own_procedures(void)
{
	static const char	mp[] = "\x92\x01\xa1x\x81\xa1" "a\xc0";
	struct client		c;
	char			*big;
	size_t			 i;

	talk_join(&c, SER_JSON, 1, NO_CHUNKS);
	talk_say(&c, "[48,1,{},\"wamp.a\",[1,\"x\"],{\"a\":null}]");
	want_payload(SER_MSGPACK, 2, mp, sizeof(mp) - 1);
	talk_say(&c, "[48,2,{},\"wamp.a\"]");
	want_payload(SER_MSGPACK, 0, "", 0);
	talk_say(&c, "[48,3,{},\"wampum.a\",[1]]");
	want_payload(SER_JSON, 1, "[1]", 3);
	/* one that grows beyond what an imsg may have */
	if ((big = malloc(500032)) == NULL)
		err(1, NULL);
	memcpy(big, "[48,4,{},\"wamp.a\",[1.5", 22);
	for (i = 22; i < 500000; i += 4)
		memcpy(big + i, ",1.5", 4);
	memcpy(big + i, "]]", 3);
	client_say(&c, big);
	want_payload(SER_JSON, 1, big + 18, i - 18 + 1);
	free(big);
	talk_gone(&c);

	talk_join(&c, SER_MSGPACK, 1, NO_CHUNKS);
	talk_say(&c, "[48,1,{},\"wamp.a\",[1,\"x\"],{\"a\":null}]");
	want_payload(SER_MSGPACK, 2, mp, sizeof(mp) - 1);
	talk_gone(&c);

	talk_join(&c, SER_CBOR, 1, NO_CHUNKS);
	talk_say(&c, "[48,1,{},\"wamp.a\",[1,\"x\"],{\"a\":null}]");
	want_payload(SER_MSGPACK, 2, mp, sizeof(mp) - 1);
	/* a tag, which MessagePack cannot say */
	client_send(&c, "\x85\x18\x30\x02\xa0\x66wamp.a\x81\xc1\x01", 15);
	want_payload(SER_CBOR, 1, "\x81\xc1\x01", 3);
	talk_gone(&c);
	pp_ok("what calls wamp.* is in MessagePack, if that can say it");
}

int
main(void)
{
	struct conf	*c = pconf_new();
	int		 ser;

	TAILQ_LAST(&c->realms, conf_realms)->loose_ids = 1;
	c->limits.message = 512 * 1024;
	pconf_listen(c, 0, LISTEN_INSECURE);
	pp_start(PROXY_NET, c);
	chunks();
	loose_ids();
	for (ser = SER_JSON; ser < SER_MAX; ser++)
		canceling(ser);
	pp_ok("CANCEL with all modes, and of what was never called");
	own_procedures();
	pp_stop();
	return (0);
}
