/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a real tlsproxy makes of Details, flags and receivers that a broker
 * names, for clients of all serializers.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "ppt.h"
#include "proxy_play.h"

#define K	(&keeper)
#define B0	(&brokers[0])
#define SUB	55
#define NSERS	3

#define PUBLISHER	"\"publisher_identification\":true"
#define TRUST		"\"publication_trustlevels\":true"
#define PASSTHRU	"\"payload_passthru_mode\":true"

/* -- clients that speak JSON here, and what they please on the wire ------ */

static void
say(struct client *c, const char *json)
{
	struct wbuf	w;
	struct val	v;

	memset(&w, 0, sizeof(w));
	if (codec_check(SER_JSON, (const uint8_t *)json, strlen(json), &v) !=
	    CODEC_OK || codec_convert(&v, (enum ser)c->ser, &w) != CODEC_OK)
		errx(1, "%s", json);
	client_send(c, w.buf, w.len);
	wbuf_free(&w);
}

/* The next message as JSON; to be freed. */
static char *
heard(struct client *c, const char *want)
{
	struct wbuf	w;
	struct val	v;

	memset(&w, 0, sizeof(w));
	if (client_next(c, WAIT) != 1)
		errx(1, "%s did not come", want);
	if (codec_check((enum ser)c->ser, c->msg, c->len, &v) != CODEC_OK ||
	    codec_convert(&v, SER_JSON, &w) != CODEC_OK)
		errx(1, "no message, want %s", want);
	wbuf_add(&w, "", 1);
	return ((char *)w.buf);
}

static void
want(struct client *c, const char *json)
{
	char	*got = heard(c, json);

	if (strcmp(got, json) != 0)
		errx(1, "%s: got %s, want %s", ser_name((enum ser)c->ser), got,
		    json);
	free(got);
}

/* HELLO with features. */
static void
announce(struct client *c, const char *subscriber, const char *callee)
{
	char	msg[512];

	snprintf(msg, sizeof(msg), "[1,\"realm1\",{\"roles\":{\"subscriber\":{"
	    "\"features\":{%s}},\"callee\":{\"features\":{%s}}}}]",
	    subscriber, callee);
	say(c, msg);
	hello_heard(c, 1);
	send_open(c);
	free(heard(c, "WELCOME"));
}

static void
join_as(struct client *c, int ser, const char *subscriber, const char *callee)
{
	client_open(c, 0, ser, 15);
	announce(c, subscriber, callee);
}

static void
subscribe(struct client *c)
{
	send_subscribed(c, 1, SUB);
	want(c, "[33,1,55]");
}

static void
gone(struct client *c)
{
	client_close(c);
	want_close(c, CLOSE_LOST);
	send_end(c, WERR_NONE, "");
}

/* -- what the broker says ------------------------------------------------ */

#define PPT	"\x04\0wamp\x04\0cbor\0\0\x02\0id"
#define PPTLEN	(sizeof(PPT) - 1)
#define PPT_JSON	"\"ppt_scheme\":\"wamp\",\"ppt_serializer\":\"cbor\"," \
			"\"ppt_keyid\":\"id\""

static const struct client	*named[8];	/* ended by NULL */

static void
event(uint32_t flags, const char *topic, const char *ppt, size_t pptlen)
{
	struct m_event		m;
	struct m_sessref	refs[8];
	struct text		t[6];
	int			who = (flags & EVENT_PUBLISHER) != 0;

	memset(&m, 0, sizeof(m));
	for (; named[m.nrefs] != NULL; m.nrefs++) {
		refs[m.nrefs].slot = named[m.nrefs]->slot;
		refs[m.nrefs].gen = named[m.nrefs]->gen;
	}
	t[0] = (struct text){ refs, m.nrefs * sizeof(refs[0]) };
	t[1] = (struct text){ topic, strlen(topic) };
	t[2] = (struct text){ "joe", who ? 3 : 0 };
	t[3] = (struct text){ "user", who ? 4 : 0 };
	t[4] = (struct text){ ppt, pptlen };
	t[5] = (struct text){ "\x91\x07", 2 };
	m.subscription = SUB;
	m.publication = 9;
	m.flags = flags;
	m.topiclen = (uint16_t)t[1].len;
	m.authidlen = (uint16_t)t[2].len;
	m.rolelen = (uint16_t)t[3].len;
	m.pptlen = (uint16_t)t[4].len;
	m.paylen = 2;
	m.ser = SER_MSGPACK;
	m.nargs = 1;
	m.publisher = who ? 77 : 0;
	m.trust = flags & EVENT_TRUST ? 2 : 0;
	side_send(B0, IMSG_EVENT, 0, 0, &m, sizeof(m), t, 6);
}

static void
invoke(const struct client *c, uint64_t id, uint32_t flags, uint32_t timeout,
    const char *proc, int ser, const char *args)
{
	struct m_invocation	m;
	struct text		t[5];
	int			who = (flags & INVOCATION_CALLER) != 0;

	memset(&m, 0, sizeof(m));
	t[0] = (struct text){ proc, strlen(proc) };
	t[1] = (struct text){ "joe", who ? 3 : 0 };
	t[2] = (struct text){ "user", who ? 4 : 0 };
	t[3] = (struct text){ PPT, flags & INVOCATION_CALLER ? PPTLEN : 0 };
	t[4] = (struct text){ args, strlen(args) };
	m.request = id;
	m.registration = 9;
	m.flags = flags;
	m.timeout = timeout;
	m.proclen = (uint16_t)t[0].len;
	m.authidlen = (uint16_t)t[1].len;
	m.rolelen = (uint16_t)t[2].len;
	m.pptlen = (uint16_t)t[3].len;
	m.paylen = (uint32_t)t[4].len;
	m.ser = (uint8_t)ser;
	m.nargs = t[4].len > 0;
	m.caller = who ? 77 : 0;
	m.trust = flags & INVOCATION_TRUST ? 2 : 0;
	side_send(B0, IMSG_INVOCATION, c->slot, c->gen, &m, sizeof(m), t, 5);
}

static void
result(const struct client *c, uint64_t id, uint32_t flags, size_t pptlen)
{
	struct m_result	m = { .request = id, .flags = flags, .paylen = 2,
			    .ser = SER_MSGPACK, .nargs = 1,
			    .pptlen = (uint16_t)pptlen };
	struct text	t[2] = { { PPT, pptlen }, { "\x91\x07", 2 } };

	side_send(B0, IMSG_RESULT, c->slot, c->gen, &m, sizeof(m), t, 2);
}

static void
error(const struct client *c, uint64_t id, size_t pptlen)
{
	struct m_error	m = { .request = id, .urilen = 3, .paylen = 2,
			    .ser = SER_MSGPACK, .nargs = 1,
			    .pptlen = (uint16_t)pptlen };
	struct text	t[3] = { { "a.b", 3 }, { PPT, pptlen },
			    { "\x91\x07", 2 } };

	side_send(B0, IMSG_ERROR, c->slot, c->gen, &m, sizeof(m), t, 3);
}

static void
interrupt(const struct client *c, uint64_t id, int mode, enum wamp_err e)
{
	struct m_interrupt	m = { .request = id, .err = (uint16_t)e,
				    .mode = (uint8_t)mode };

	side_send(B0, IMSG_INTERRUPT, c->slot, c->gen, &m, sizeof(m), NULL,
	    0);
}

static void
revoke(const struct client *c, uint32_t type, uint64_t id, const char *why)
{
	struct m_unsubscribed	m = { 0, id };
	struct text		t = { why, strlen(why) };

	side_send(B0, type, c->slot, c->gen, &m, sizeof(m), &t, 1);
}

/* -- events -------------------------------------------------------------- */

static const struct {
	const char	*features;
	uint32_t	 flags;
	const char	*topic;
	size_t		 pptlen;
	const char	*want;		/* NULL: nothing comes */
} events[] = {
	{ "", 0, "", 0, "{}" },
	{ "", 0, "a.b", 0, "{\"topic\":\"a.b\"}" },
	{ "", EVENT_RETAINED, "", 0, "{\"retained\":true}" },
	{ "", EVENT_PUBLISHER | EVENT_TRUST, "", 0, "{}" },
	{ "\"publisher_identification\":false", EVENT_PUBLISHER, "", 0, "{}" },
	{ PUBLISHER, 0, "", 0, "{}" },
	{ PUBLISHER, EVENT_PUBLISHER | EVENT_TRUST, "", 0,
	    "{\"publisher\":77,\"publisher_authid\":\"joe\","
	    "\"publisher_authrole\":\"user\"}" },
	{ TRUST, EVENT_PUBLISHER | EVENT_TRUST, "a", 0,
	    "{\"topic\":\"a\",\"trustlevel\":2}" },
	{ PUBLISHER "," TRUST "," PASSTHRU, EVENT_FLAGS & ~EVENT_ONLY, "a.c",
	    PPTLEN, "{\"topic\":\"a.c\",\"publisher\":77,"
	    "\"publisher_authid\":\"joe\",\"publisher_authrole\":\"user\","
	    "\"trustlevel\":2,\"retained\":true," PPT_JSON "}" },
	{ "", 0, "", PPTLEN, NULL },
	{ PASSTHRU, 0, "", PPTLEN, "{" PPT_JSON "}" },
	{ PASSTHRU, 0, "", PPTLEN - 1, NULL },
};

static void
event_details(void)
{
	struct client	c;
	char		msg[512];
	size_t		i;
	int		ser;

	named[0] = NULL;
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		for (ser = 1; ser <= NSERS; ser++) {
			join_as(&c, ser, events[i].features, "");
			subscribe(&c);
			event(events[i].flags, events[i].topic, PPT,
			    events[i].pptlen);
			snprintf(msg, sizeof(msg), "[36,55,9,%s,[7]]",
			    events[i].want);
			if (events[i].want != NULL)
				want(&c, msg);
			else
				client_quiet(&c);
			gone(&c);
		}
	pp_ok("Details of EVENT, by what is announced");
}

/* All of them at once, on both transports: each sees what it announced. */
static void
event_variants(void)
{
	static const char *const	f[4] = { "", PUBLISHER, TRUST,
					    PUBLISHER "," TRUST };
	struct client			c[8][NSERS];
	char				msg[512];
	int				i, j;

	named[0] = NULL;
	for (i = 0; i < 8; i++)
		for (j = 0; j < NSERS; j++) {
			if (i < 4)
				client_open(&c[i][j], 0, j + 1, 15);
			else
				client_open_ws(&c[i][j], 0, j + 1);
			announce(&c[i][j], f[i & 3], "");
			subscribe(&c[i][j]);
		}
	event(EVENT_PUBLISHER | EVENT_TRUST, "", NULL, 0);
	for (i = 0; i < 8; i++)
		for (j = 0; j < NSERS; j++) {
			snprintf(msg, sizeof(msg), "[36,55,9,{%s%s%s},[7]]",
			    i & 1 ? "\"publisher\":77,\"publisher_authid\":"
			    "\"joe\",\"publisher_authrole\":\"user\"" : "",
			    (i & 3) == 3 ? "," : "",
			    i & 2 ? "\"trustlevel\":2" : "");
			want(&c[i][j], msg);
		}
	for (i = 0; i < 8; i++)
		for (j = 0; j < NSERS; j++)
			gone(&c[i][j]);
	pp_ok("one EVENT for sessions that announced different features");
}

static void
event_receivers(void)
{
	struct client	c[4], stale;
	int		i;

	for (i = 0; i < 4; i++) {
		join_as(&c[i], SER_JSON, "", "");
		if (i < 3)
			subscribe(&c[i]);
	}
	stale = c[0];
	stale.gen--;
	named[0] = &c[1];
	named[1] = &stale;
	named[2] = NULL;
	event(0, "", NULL, 0);
	want(&c[0], "[36,55,9,{},[7]]");
	want(&c[2], "[36,55,9,{},[7]]");
	event(EVENT_ONLY, "", NULL, 0);
	want(&c[1], "[36,55,9,{},[7]]");
	/* twice; without the subscription; nobody */
	named[1] = &c[3];
	named[2] = &c[1];
	event(EVENT_ONLY, "", NULL, 0);
	want(&c[1], "[36,55,9,{},[7]]");
	named[0] = NULL;
	event(EVENT_ONLY, "", NULL, 0);
	event(0, "", NULL, 0);
	for (i = 0; i < 3; i++)
		want(&c[i], "[36,55,9,{},[7]]");
	for (i = 0; i < 4; i++) {
		client_quiet(&c[i]);
		gone(&c[i]);
	}
	pp_ok("sessions that an EVENT names: exceptions, or the only ones");
}

/* -- calls --------------------------------------------------------------- */

static void
invocation_details(void)
{
	struct client	c;
	int		ser;

	for (ser = 1; ser <= NSERS; ser++) {
		join_as(&c, ser, "", "");
		invoke(&c, 1, 0, 0, "", SER_JSON, "[7]");
		want(&c, "[68,1,9,{},[7]]");
		invoke(&c, 2, INVOCATION_TRUST, 0, "a.b", SER_JSON, "");
		want(&c, "[68,2,9,{\"procedure\":\"a.b\"}]");
		gone(&c);
		join_as(&c, ser, "", "\"call_trustlevels\":true");
		invoke(&c, 1, INVOCATION_FLAGS & ~(INVOCATION_CONTINUES |
		    INVOCATION_MSGPACK), 300, "a.b", SER_JSON, "[7]");
		want(&c, "[68,1,9,{\"procedure\":\"a.b\",\"caller\":77,"
		    "\"caller_authid\":\"joe\",\"caller_authrole\":\"user\","
		    "\"trustlevel\":2,\"timeout\":300,"
		    "\"receive_progress\":true,\"progress\":true," PPT_JSON
		    "},[7]]");
		result(&c, 5, YIELD_PROGRESS, PPTLEN);
		want(&c, "[50,5,{\"progress\":true," PPT_JSON "},[7]]");
		result(&c, 5, 0, PPTLEN);
		want(&c, "[50,5,{" PPT_JSON "},[7]]");
		result(&c, 6, YIELD_PROGRESS, 0);
		want(&c, "[50,6,{\"progress\":true},[7]]");
		error(&c, 6, PPTLEN);
		want(&c, "[8,48,6,{" PPT_JSON "},\"a.b\",[7]]");
		/* attributes that are none: what is left of it */
		error(&c, 7, PPTLEN - 1);
		want(&c, "[8,48,7,{},\"a.b\"]");
		result(&c, 8, 0, PPTLEN - 1);
		want(&c, "[8,48,8,{},\"wamp.error.invalid_argument\",[\"cannot"
		    " be converted to the receiver's serializer\"]]");
		gone(&c);
	}
	pp_ok("Details of INVOCATION, RESULT and ERROR");
}

static void
want_failed(uint64_t id)
{
	struct m_invocation_failed	m;
	struct got			g;

	side_want(B0, IMSG_INVOCATION_FAILED, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.request != id || m.err != WERR_INVALID_ARGUMENT)
		errx(1, "INVOCATION_FAILED of %llu, error %d",
		    (unsigned long long)m.request, m.err);
}

static void
refuse_yield(const struct client *c, uint64_t id)
{
	struct m_refused	m = { .request = id, .err =
	    WERR_FEATURE_NOT_SUPPORTED, .reqtype = WAMP_YIELD };

	side_send(B0, IMSG_REFUSED, c->slot, c->gen, &m, sizeof(m), NULL, 0);
}

/* Three, the second of which cannot be sent: 1 and 3 are shown as 1, 2. */
static void
invocation_ids(void)
{
	struct client	c;

	join_as(&c, SER_JSON, "", "");
	invoke(&c, 1, INVOCATION_PROGRESS, 0, "", SER_JSON, "[1]");
	want(&c, "[68,1,9,{\"progress\":true},[1]]");
	invoke(&c, 2, INVOCATION_PROGRESS, 0, "", SER_JSON, "[1");
	want_failed(2);
	invoke(&c, 3, INVOCATION_PROGRESS, 0, "", SER_JSON, "[3]");
	want(&c, "[68,2,9,{\"progress\":true},[3]]");
	/* chunks of each; what failed is not said again */
	invoke(&c, 1, INVOCATION_PROGRESS | INVOCATION_CONTINUES, 0, "",
	    SER_JSON, "[11]");
	want(&c, "[68,1,9,{\"progress\":true},[11]]");
	invoke(&c, 2, INVOCATION_CONTINUES, 0, "", SER_JSON, "[22]");
	interrupt(&c, 2, CANCEL_KILL, WERR_CANCELED);
	invoke(&c, 3, INVOCATION_CONTINUES, 0, "", SER_JSON, "[3");
	want_failed(3);
	invoke(&c, 3, INVOCATION_CONTINUES, 0, "", SER_JSON, "[33]");
	want(&c, "[68,2,9,{},[33]]");
	invoke(&c, 4, 0, 0, "", SER_JSON, "[4]");
	want(&c, "[68,3,9,{},[4]]");
	interrupt(&c, 3, CANCEL_KILL, WERR_CANCELED);
	want(&c, "[69,2,{\"mode\":\"kill\",\"reason\":"
	    "\"wamp.error.canceled\"}]");
	interrupt(&c, 4, CANCEL_KILLNOWAIT, WERR_TIMEOUT);
	want(&c, "[69,3,{\"mode\":\"killnowait\",\"reason\":"
	    "\"wamp.error.timeout\"}]");
	refuse_yield(&c, 3);
	want(&c, "[8,70,2,{},\"wamp.error.feature_not_supported\"]");
	side_quiet(B0);
	gone(&c);
	pp_ok("ids of chunks, interrupts and refused answers as the callee "
	    "knows them");
}

static void
refuse_call(const struct client *c, uint64_t id)
{
	struct m_refused	m = { .request = id, .err = WERR_CANCELED,
				    .reqtype = WAMP_CALL };

	side_send(B0, IMSG_REFUSED, c->slot, c->gen, &m, sizeof(m), NULL, 0);
}

static void
call_over(const struct client *c, uint64_t id)
{
	struct m_call_over	m = { id };

	side_send(B0, IMSG_CALL_OVER, c->slot, c->gen, &m, sizeof(m), NULL,
	    0);
}

/* A progressive result that is none: the caller hears of it, and so does the
 * broker. */
static void
fail_result(struct client *c, uint64_t id)
{
	struct m_cancel	m;
	struct got	g;
	char		msg[64];

	result(c, id, YIELD_PROGRESS, PPTLEN - 1);
	snprintf(msg, sizeof(msg), "[8,48,%llu,{},\"wamp.error."
	    "invalid_argument\",", (unsigned long long)id);
	client_want_like(c, msg);
	side_want(B0, IMSG_CANCEL, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != c->slot || g.gen != c->gen || m.request != id ||
	    m.mode != CANCEL_UNDELIVERED)
		errx(1, "CANCEL of %llu, mode %d",
		    (unsigned long long)m.request, m.mode);
}

static void
undelivered(void)
{
	struct client	c;
	uint64_t	id;

	join_as(&c, SER_JSON, "", "");
	result(&c, 5, YIELD_PROGRESS, 0);
	want(&c, "[50,5,{\"progress\":true},[7]]");
	fail_result(&c, 5);
	/* it is over for the caller, and for no other call */
	result(&c, 5, YIELD_PROGRESS, 0);
	result(&c, 5, YIELD_PROGRESS, PPTLEN - 1);
	result(&c, 5, 0, 0);
	error(&c, 5, 0);
	refuse_call(&c, 5);
	result(&c, 6, 0, 0);
	want(&c, "[50,6,{},[7]]");
	call_over(&c, 5);
	refuse_call(&c, 5);
	want(&c, "[8,48,5,{},\"wamp.error.canceled\"]");
	for (id = 10; id < 10 + 64; id++)
		fail_result(&c, id);
	call_over(&c, 12);
	fail_result(&c, id);
	result(&c, 13, 0, 0);
	client_quiet(&c);
	result(&c, 100, YIELD_PROGRESS, PPTLEN - 1);
	client_is_closed(&c);
	want_close(&c, CLOSE_LOST);
	send_end(&c, WERR_NONE, "");
	pp_ok("a progressive result that cannot be delivered ends the call");
}

/* -- event history ------------------------------------------------------- */

static uint8_t	past[65536];
static size_t	npast;			/* octets */

static void
add_past(uint64_t pub, uint32_t flags, const char *topic, int ser, int nargs,
    const char *pay, size_t paylen)
{
	struct m_history_event	m;
	int			who = (flags & EVENT_PUBLISHER) != 0;
	struct text		t[6] = { { &m, sizeof(m) },
				    { topic, strlen(topic) },
				    { "joe", who ? 3 : 0 },
				    { "user", who ? 4 : 0 },
				    { PPT, who ? PPTLEN : 0 },
				    { pay, paylen } };
	size_t			i;

	memset(&m, 0, sizeof(m));
	m.subscription = SUB;
	m.publication = pub;
	m.publisher = who ? 77 : 0;
	m.time = 1769860800000ULL + pub;
	m.flags = flags;
	m.trust = flags & EVENT_TRUST ? 2 : 0;
	m.paylen = (uint32_t)paylen;
	m.topiclen = (uint16_t)t[1].len;
	m.authidlen = (uint16_t)t[2].len;
	m.rolelen = (uint16_t)t[3].len;
	m.pptlen = (uint16_t)t[4].len;
	m.ser = (uint8_t)ser;
	m.nargs = (uint8_t)nargs;
	for (i = 0; i < 6; npast += t[i++].len)
		if (t[i].len > 0)
			memcpy(past + npast, t[i].p, t[i].len);
}

static void
send_history(const struct client *c, uint32_t n, uint32_t flags)
{
	struct m_history	m = { .request = 4, .n = n, .flags = flags };
	struct text		t = { past, npast };

	side_send(B0, IMSG_HISTORY, c->slot, c->gen, &m, sizeof(m), &t, 1);
	npast = 0;
}

#define EVENT_JSON(ms, pub, details, pay) \
	"{\"timestamp\":\"2026-01-31T12:00:00." ms "Z\",\"subscription\":55," \
	"\"publication\":" pub ",\"details\":{" details "}" pay "}"

static void
history(void)
{
	struct client	c;
	int		ser;

	for (ser = 1; ser <= NSERS; ser++) {
		join_as(&c, ser, "", "");
		send_history(&c, 0, 0);
		want(&c, "[50,4,{},[]]");
		add_past(1, 0, "", SER_JSON, 0, "", 0);
		add_past(20, EVENT_PUBLISHER | EVENT_TRUST, "a.b", SER_MSGPACK,
		    1, "\x91\xc4\x01x", 4);
		/* what cannot be said, or is no payload, is left out */
		add_past(3, 0, "", SER_CBOR, 1, "\x81\xc1\x01", ser ==
		    SER_CBOR ? 2 : 3);
		add_past(4, 0, "", SER_JSON, 1, "{}", 2);
		add_past(5, 0, "", SER_CBOR, 2, "\x80\xa1\x61k\x07", 5);
		send_history(&c, 5, HISTORY_MORE);
		want(&c, "[50,4,{},["
		    EVENT_JSON("001", "1", "", "") ","
		    EVENT_JSON("020", "20", "\"topic\":\"a.b\",\"publisher\":77,"
		    "\"publisher_authid\":\"joe\",\"publisher_authrole\":"
		    "\"user\",\"trustlevel\":2," PPT_JSON,
		    ",\"args\":[\"\\u0000eA==\"]") ","
		    EVENT_JSON("005", "5", "", ",\"args\":[],\"kwargs\":"
		    "{\"k\":7}") "],{\"more\":true}]");
		gone(&c);
	}
	pp_ok("event history, each event of another serializer");
}

/* One that takes 1024 octets: what would never fit is left out, what does
 * not any more is for another call. */
static void
long_history(void)
{
	char		big[1024], msg[1024];
	struct client	c;
	uint64_t	i;

	client_open(&c, 0, SER_JSON, 1);
	hello(&c, 1);
	send_open(&c);
	client_want_like(&c, "[2,");
	memset(big, 'x', sizeof(big));
	memcpy(big, "[\"", 2);
	memcpy(big + 998, "\"]", 2);
	add_past(1, 0, "", SER_JSON, 1, big, 1000);
	memcpy(big + 298, "\"]", 2);
	for (i = 2; i < 10; i++)
		add_past(i, 0, "", SER_JSON, 1, big, 300);
	send_history(&c, 9, 0);
	snprintf(msg, sizeof(msg), "[50,4,{},[" EVENT_JSON("002", "2", "",
	    ",\"args\":%.300s") "," EVENT_JSON("003", "3", "",
	    ",\"args\":%.300s") "],{\"more\":true}]", big, big);
	client_want(&c, msg);
	gone(&c);
	pp_ok("event history, no longer than the client accepts");
}

static void
kill_session(struct client *c, const char *text, const char *uri,
    const char *goodbye)
{
	struct m_session_end	m = { .err = WERR_KILLED,
				    .textlen = (uint16_t)strlen(text),
				    .urilen = (uint16_t)strlen(uri) };
	struct text		t[2] = { { text, m.textlen },
				    { uri, m.urilen } };

	side_send(B0, IMSG_SESSION_END, c->slot, c->gen, &m, sizeof(m), t, 2);
	want(c, goodbye);
	want_close(c, CLOSE_ENDED);
	say(c, "[6,{},\"wamp.close.goodbye_and_out\"]");
	client_is_closed(c);
}

static void
reasons(void)
{
	struct client	c;
	char		uri[600];

	join_as(&c, SER_CBOR, "", "");
	kill_session(&c, "go away", "com.app.maintenance",
	    "[6,{\"message\":\"go away\"},\"com.app.maintenance\"]");
	join_as(&c, SER_MSGPACK, "", "");
	kill_session(&c, "", "com.app.maintenance",
	    "[6,{},\"com.app.maintenance\"]");
	/* this one takes 512 octets, into which no features go */
	memset(uri, 'a', sizeof(uri) - 1);
	uri[sizeof(uri) - 1] = '\0';
	client_open(&c, 0, SER_JSON, 0);
	hello(&c, 1);
	send_open(&c);
	client_want_like(&c, "[2,");
	if (strstr((char *)c.msg, "\"roles\":{\"broker\":{\"features\":{}},"
	    "\"dealer\":{\"features\":{}}}") == NULL)
		errx(1, "WELCOME: %s", (char *)c.msg);
	kill_session(&c, "go away", uri, "[6,{},\"wamp.close.killed\"]");
	pp_ok("GOODBYE with the reason of who kills a session");
}

/* What only a broker's own fault can be. */
static void
nonsense(void)
{
	struct client	c;
	unsigned int	n;
	int		i;

	for (i = 0; i < 6; i++) {
		join_as(&c, SER_JSON, "", "");
		n = pp.nsuspects;
		invoke(&c, 2, 0, 0, "", SER_JSON, "");
		want(&c, "[68,2,9,{}]");
		switch (i) {
		case 0:
			call_over(&c, 5);
			break;
		case 1:		/* not new */
			invoke(&c, 2, 0, 0, "", SER_JSON, "");
			break;
		case 2:		/* not begun */
			invoke(&c, 3, INVOCATION_CONTINUES, 0, "", SER_JSON,
			    "");
			break;
		case 3:
			interrupt(&c, 3, CANCEL_KILL, WERR_CANCELED);
			break;
		case 4:
			refuse_yield(&c, 3);
			break;
		case 5:
			interrupt(&c, 2, CANCEL_SKIP, WERR_CANCELED);
			break;
		}
		side_is_cut(B0, n);
		want(&c, "[6,{\"message\":\"the realm's broker was "
		    "restarted\"},\"wamp.close.system_shutdown\"]");
		client_close(&c);
		side_open(B0, PROC_BROKER, 0);
	}
	pp_ok("ids that a broker cannot mean");
}

static void
revocations(void)
{
	struct client	c;
	int		ser;

	for (ser = 1; ser <= NSERS; ser++) {
		join_as(&c, ser, "\"subscription_revocation\":true",
		    "\"registration_revocation\":true");
		revoke(&c, IMSG_UNSUBSCRIBED, SUB, "no more");
		want(&c, "[35,0,{\"subscription\":55,\"reason\":"
		    "\"no more\"}]");
		revoke(&c, IMSG_UNSUBSCRIBED, SUB, "");
		want(&c, "[35,0,{\"subscription\":55}]");
		revoke(&c, IMSG_UNREGISTERED, 9, "no more");
		want(&c, "[67,0,{\"registration\":9,\"reason\":"
		    "\"no more\"}]");
		revoke(&c, IMSG_UNREGISTERED, 9, "\xff");
		want(&c, "[67,0,{\"registration\":9}]");
		gone(&c);
	}
	join_as(&c, SER_JSON, "", "");
	subscribe(&c);
	revoke(&c, IMSG_UNSUBSCRIBED, SUB, "no more");
	revoke(&c, IMSG_UNREGISTERED, 9, "no more");
	named[0] = NULL;
	event(0, "", NULL, 0);
	client_quiet(&c);
	gone(&c);
	pp_ok("revocations, to those who announced them");
}

int
main(void)
{
	struct conf	*c = pconf_new();

	pconf_listen(c, 0, LISTEN_INSECURE);
	c->limits.per_address = 1000;
	pp_start(PROXY_NET, c);
	event_details();
	event_variants();
	event_receivers();
	invocation_details();
	invocation_ids();
	undelivered();
	history();
	long_history();
	revocations();
	reasons();
	nonsense();
	pp_stop();
	return (0);
}
