/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What clients announce and ask for in Details and Options, at a real
 * tlsproxy: right values reach the broker, wrong ones are answered as the
 * notes say.
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
#include "proxy_talk.h"
#include "uri.h"

#define B0	(&brokers[0])

/* -- features ----------------------------------------------------------- */

static void
announces(const char *roles, uint32_t want)
{
	struct client	c;
	unsigned int	n = B0->nfeatures;
	char		msg[512];

	client_open(&c, 0, SER_JSON, 15);
	snprintf(msg, sizeof(msg), "[1,\"realm1\",{\"roles\":{%s}}]", roles);
	client_say(&c, msg);
	hello_heard(&c, 1);
	send_open(&c);
	client_want_like(&c, "[2,");
	side_quiet(B0);
	if (B0->nfeatures != n + 1 || B0->features != want)
		errx(1, "%s: %u SESSION_FEATURES, %#x, want %#x", roles,
		    B0->nfeatures - n, B0->features, want);
	leave(&c);
}

static void
announces_wrongly(const char *roles)
{
	struct client	c;
	char		msg[512];

	client_open(&c, 0, SER_JSON, 15);
	snprintf(msg, sizeof(msg), "[1,\"realm1\",{\"roles\":%s}]", roles);
	client_say(&c, msg);
	client_want_like(&c, "[3,{\"message\":");
	if (strstr((char *)c.msg, "protocol_violation") == NULL)
		errx(1, "%s: %s", roles, (char *)c.msg);
	client_is_closed(&c);
	side_quiet(&keeper);
}

static void
features(void)
{
	announces("\"caller\":{}", 0);
	announces("\"nobody\":7,\"caller\":null,\"callee\":{\"x\":1}", 0);
	announces("\"callee\":{\"features\":null}", 0);
	announces("\"callee\":{\"features\":{\"call_timeout\":null,"
	    "\"shared_registration\":1,\"call_reroute\":false}}", 0);
	announces("\"caller\":{\"features\":{\"progressive_call_invocations\":"
	    "true,\"payload_passthru_mode\":true,\"call_timeout\":true}}",
	    FEAT_CALLER_PROGRESS_IN | FEAT_CALLER_PPT);
	announces("\"callee\":{\"features\":{\"call_canceling\":true,"
	    "\"call_timeout\":true,\"progressive_call_results\":true,"
	    "\"progressive_call_invocations\":true,"
	    "\"caller_identification\":true,\"call_trustlevels\":true,"
	    "\"call_reroute\":true,\"registration_revocation\":true,"
	    "\"payload_passthru_mode\":true}}", FEAT_CALLEE_CANCELING |
	    FEAT_CALLEE_TIMEOUT | FEAT_CALLEE_PROGRESS |
	    FEAT_CALLEE_PROGRESS_IN | FEAT_CALLEE_CALLER |
	    FEAT_CALLEE_TRUST | FEAT_CALLEE_REROUTE |
	    FEAT_CALLEE_REVOCATION | FEAT_CALLEE_PPT);
	announces("\"publisher\":{\"features\":{\"payload_passthru_mode\":"
	    "true}},\"subscriber\":{\"features\":{\"payload_passthru_mode\":"
	    "true,\"publisher_identification\":true,"
	    "\"publication_trustlevels\":true,\"subscription_revocation\":"
	    "true}}", FEAT_PUBLISHER_PPT | FEAT_SUBSCRIBER_PPT |
	    FEAT_SUBSCRIBER_PUBLISHER | FEAT_SUBSCRIBER_TRUST |
	    FEAT_SUBSCRIBER_REVOCATION);
	/* names of old; and what takes canceling */
	announces("\"callee\":{\"features\":{\"call_cancelling\":true,"
	    "\"progressive_calls\":true}}", FEAT_CALLEE_CANCELING |
	    FEAT_CALLEE_PROGRESS);
	announces("\"callee\":{\"features\":{\"progressive_call_results\":"
	    "true,\"progressive_call_invocations\":true,\"call_reroute\":true"
	    "}},\"caller\":{\"features\":{\"call_canceling\":true}}",
	    FEAT_CALLEE_REROUTE);
	pp_ok("SESSION_FEATURES says what HELLO announced");

	announces_wrongly("{}");
	announces_wrongly("[\"caller\"]");
	announces_wrongly("{\"caller\":{},\"caller\":{}}");
	announces_wrongly("{\"caller\":true}");
	announces_wrongly("{\"caller\":{\"features\":true}}");
	announces_wrongly("{\"caller\":{\"features\":{\"x\":1,\"x\":1}}}");
	announces_wrongly("{\"callee\":{\"features\":{\"call_timeout\":1}}}");
	announces_wrongly("{\"callee\":{\"features\":{\"call_canceling\":"
	    "\"yes\"}}}");
	pp_ok("features of wrong types");
}

/* -- what the broker is told -------------------------------------------- */

#define ROLE(name, f)	"\"" name "\":{\"features\":{\"" f "\":true}}"
#define PPT_ROLES	"{" ROLE("caller", "payload_passthru_mode") ","	\
			    ROLE("callee", "payload_passthru_mode") ","	\
			    ROLE("publisher", "payload_passthru_mode") "}"
#define NO_ROLES	"{\"caller\":{},\"callee\":{},\"publisher\":{}}"
#define PPT_JSON	"\"ppt_scheme\":\"x\",\"ppt_keyid\":\"k\""
#define PPT_TEXT	"x|||k"

/* The lists as text: "0:1,2,3:joe," are exclude and eligible_authid. */
static void
show_filter(char *buf, size_t size, const uint8_t *p, size_t len)
{
	const uint8_t	*end = p + len;
	struct m_filter	 m;
	uint64_t	 id;
	uint16_t	 n;
	FILE		*f;
	int		 i, k;

	if ((f = fmemopen(buf, size, "w")) == NULL)
		err(1, "fmemopen");
	if (len > 0) {
		memcpy(&m, p, sizeof(m));
		p += sizeof(m);
		for (i = 0; i < FILTER_LISTS; i++) {
			if ((m.present & 1 << i) == 0)
				continue;
			fprintf(f, "%d:", i);
			for (k = 0; k < m.n[i] && i <= FILTER_ELIGIBLE; k++) {
				memcpy(&id, p, sizeof(id));
				fprintf(f, "%llu,", (unsigned long long)id);
				p += sizeof(id);
			}
			for (; k < m.n[i]; k++) {
				memcpy(&n, p, sizeof(n));
				fprintf(f, "%.*s,", n, (const char *)p + 2);
				p += sizeof(n) + n;
			}
		}
		if (p != end)
			errx(1, "a filter of %zu octets", len);
	}
	fputc('\0', f);
	if (fclose(f) != 0)
		err(1, "a filter");
}

static void
want_ppt(const uint8_t *p, size_t len, const char *want)
{
	struct ppt_text	t[PPT_ATTRS];
	char		got[512] = "";

	if (len > 0) {
		if (ppt_read(p, len, t) == -1)
			errx(1, "ppt of %zu octets", len);
		snprintf(got, sizeof(got), "%.*s|%.*s|%.*s|%.*s", t[0].len,
		    t[0].p, t[1].len, t[1].p, t[2].len, t[2].p, t[3].len,
		    t[3].p);
	}
	if (strcmp(got, want) != 0)
		errx(1, "ppt %s, want %s", got, want);
}

static const struct publish_case {
	const char	*options;
	uint32_t	 flags;
	const char	*filter, *ppt;
} publishes[] = {
	{ "", 0, "", "" },
	{ "\"acknowledge\":true", PUBLISH_ACK, "", "" },
	{ "\"acknowledge\":false,\"exclude_me\":true,\"disclose_me\":null,"
	    "\"retain\":false,\"x\":[]", 0, "", "" },
	{ "\"exclude_me\":false,\"disclose_me\":true,\"retain\":true,"
	    "\"acknowledge\":true", PUBLISH_FLAGS, "", "" },
	{ "\"exclude\\u005fme\":false", PUBLISH_INCLUDE_ME, "", "" },
	{ "\"exclude\":[1,9007199254740992.0],\"eligible\":[]", 0,
	    "0:1,9007199254740992,1:", "" },
	{ "\"eligible_authrole\":[\"a\"],\"exclude_authrole\":[\"b\",\"\"],"
	    "\"eligible_authid\":[\"jos\u00e9\"],\"exclude_authid\":[],"
	    "\"eligible\":[7],\"exclude\":null", 0,
	    "1:7,2:3:jos\xc3\xa9,4:b,,5:a,", "" },
	{ PPT_JSON, 0, "", PPT_TEXT },
	{ "\"ppt_cipher\":\"a\\u0062c\",\"ppt_serializer\":\"s\","
	    "\"ppt_scheme\":\"mqtt\",\"exclude\":[5]", 0, "0:5,",
	    "mqtt|s|abc|" },
	/* not in use without a scheme */
	{ "\"ppt_scheme\":\"\",\"ppt_keyid\":\"k\"", 0, "", "" },
	{ "\"ppt_keyid\":\"k\",\"ppt_scheme\":null", 0, "", "" }
};

static void
want_publish(const struct publish_case *p, uint64_t request)
{
	struct m_publish	m;
	struct got		g;
	const uint8_t		*d;
	char			filter[512];

	side_want(B0, IMSG_PUBLISH, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.request != request || m.flags != p->flags || m.nargs != 1 ||
	    m.urilen != 5 || g.len != sizeof(m) + m.urilen + m.filterlen +
	    m.pptlen + m.paylen)
		errx(1, "PUBLISH {%s}: request %llu flags %#x", p->options,
		    (unsigned long long)m.request, m.flags);
	d = g.data + sizeof(m) + m.urilen;
	show_filter(filter, sizeof(filter), d, m.filterlen);
	if (strcmp(filter, p->filter) != 0)
		errx(1, "PUBLISH {%s}: filter %s", p->options, filter);
	want_ppt(d + m.filterlen, m.pptlen, p->ppt);
}

static void
publish(int ser)
{
	struct client	c;
	uint64_t	i;

	talk_join(&c, ser, 1, PPT_ROLES);
	for (i = 0; i < sizeof(publishes) / sizeof(publishes[0]); i++) {
		talk_say(&c, "[16,%llu,{%s},\"com.a\",[1]]",
		    (unsigned long long)i + 1, publishes[i].options);
		want_publish(&publishes[i], i + 1);
	}
	talk_gone(&c);
}

static const struct call_case {
	const char	*options;
	uint32_t	 flags, timeout;
	const char	*ppt;
} calls[] = {
	{ "", 0, 0, "" },
	{ "\"receive_progress\":true,\"disclose_me\":true,\"timeout\":0",
	    CALL_RECEIVE_PROGRESS | CALL_DISCLOSE_ME, 0, "" },
	{ "\"receive_progress\":false,\"progress\":false,\"timeout\":null,"
	    "\"match\":5", 0, 0, "" },
	{ "\"timeout\":4294967295", 0, UINT32_MAX, "" },
	{ "\"timeout\":4294967296", 0, UINT32_MAX, "" },
	{ "\"timeout\":18446744073709551615", 0, UINT32_MAX, "" },
	{ "\"timeout\":5000," PPT_JSON, 0, 5000, PPT_TEXT }
};

static void
call(int ser)
{
	const struct call_case	*w;
	struct client		 c;
	struct m_call		 m;
	struct got		 g;
	uint64_t		 i;

	talk_join(&c, ser, 1, PPT_ROLES);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		w = &calls[i];
		talk_say(&c, "[48,%llu,{%s},\"com.a\",[1],{}]",
		    (unsigned long long)i + 1, w->options);
		side_want(B0, IMSG_CALL, &g, sizeof(m));
		memcpy(&m, g.data, sizeof(m));
		if (m.request != i + 1 || m.flags != w->flags ||
		    m.timeout != w->timeout || m.nargs != 2 || m.urilen != 5 ||
		    g.len != sizeof(m) + m.urilen + m.pptlen + m.paylen)
			errx(1, "CALL {%s}: flags %#x timeout %u", w->options,
			    m.flags, m.timeout);
		want_ppt(g.data + sizeof(m) + m.urilen, m.pptlen, w->ppt);
	}
	talk_gone(&c);
}

static const struct register_case {
	const char	*options;
	uint32_t	 match, invoke, concurrency, flags;
} registers[] = {
	{ "", 0, 0, 0, 0 },
	{ "\"match\":\"exact\",\"invoke\":\"single\",\"concurrency\":1",
	    MATCH_EXACT, INVOKE_SINGLE, 1, 0 },
	{ "\"match\":\"prefix\",\"invoke\":\"first\",\"concurrency\":"
	    "99999999999", MATCH_PREFIX, INVOKE_FIRST, UINT32_MAX, 0 },
	{ "\"match\":\"wildcard\",\"invoke\":\"last\",\"forward_timeout\":"
	    "true,\"disclose_caller\":true,\"force_reregister\":true",
	    MATCH_WILDCARD, INVOKE_LAST, 0, REGISTER_FLAGS },
	{ "\"invoke\":\"roundrobin\",\"forward_timeout\":false", 0,
	    INVOKE_ROUNDROBIN, 0, 0 },
	{ "\"invoke\":\"random\",\"match\":null,\"concurrency\":null", 0,
	    INVOKE_RANDOM, 0, 0 }
};

static void
procedure(int ser)
{
	const struct register_case	*w;
	struct client			 c;
	struct m_register		 m;
	struct got			 g;
	uint64_t			 i;

	talk_join(&c, ser, 1, NO_ROLES);
	for (i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		w = &registers[i];
		talk_say(&c, "[64,%llu,{%s},\"com.a\"]",
		    (unsigned long long)i + 1, w->options);
		side_want(B0, IMSG_REGISTER, &g, sizeof(m));
		memcpy(&m, g.data, sizeof(m));
		if (m.request != i + 1 || m.match != w->match ||
		    m.invoke != w->invoke || m.flags != w->flags ||
		    m.concurrency != w->concurrency)
			errx(1, "REGISTER {%s}: match %d invoke %d "
			    "concurrency %u flags %#x", w->options, m.match,
			    m.invoke, m.concurrency, m.flags);
	}
	talk_gone(&c);
}

static void
topic(int ser)
{
	struct client		c;
	struct m_subscribe	m;
	struct got		g;

	talk_join(&c, ser, 1, NO_ROLES);
	talk_say(&c, "[32,1,{\"match\":\"wildcard\",\"get_retained\":true},"
	    "\"com..a\"]");
	side_want(B0, IMSG_SUBSCRIBE, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.match != MATCH_WILDCARD || m.flags != SUBSCRIBE_GET_RETAINED)
		errx(1, "SUBSCRIBE: match %d flags %#x", m.match, m.flags);
	talk_say(&c, "[32,2,{\"get_retained\":false},\"com.a\"]");
	side_want(B0, IMSG_SUBSCRIBE, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.match != MATCH_EXACT || m.flags != 0)
		errx(1, "SUBSCRIBE: match %d flags %#x", m.match, m.flags);
	talk_gone(&c);
}

static void
want_answer(uint32_t type, const char *uri, uint32_t flags, const char *ppt,
    uint8_t nargs)
{
	struct m_yield	y;
	struct m_error	e;
	struct got	g;

	side_want(B0, type, &g, sizeof(e));
	memcpy(&y, g.data, sizeof(y));
	memcpy(&e, g.data, sizeof(e));
	if (type == IMSG_YIELD) {
		if (y.flags != flags || y.nargs != nargs)
			errx(1, "YIELD: flags %#x, %d args", y.flags, y.nargs);
		want_ppt(g.data + sizeof(y), y.pptlen, ppt);
		return;
	}
	if (e.urilen != strlen(uri) || e.nargs != nargs ||
	    memcmp(g.data + sizeof(e), uri, e.urilen) != 0)
		errx(1, "ERROR %.*s, want %s", e.urilen,
		    (const char *)g.data + sizeof(e), uri);
	want_ppt(g.data + sizeof(e) + e.urilen, e.pptlen, ppt);
}

static void
answer(int ser)
{
	static const char	invalid[] = "wamp.error.invalid_argument";
	struct client		c;
	char			key[PPT_MAXLEN + 1];

	talk_join(&c, ser, 1, PPT_ROLES);
	talk_say(&c, "[70,1,{},[1]]");
	want_answer(IMSG_YIELD, NULL, 0, "", 1);
	talk_say(&c, "[70,1,{\"progress\":false}]");
	want_answer(IMSG_YIELD, NULL, 0, "", 0);
	talk_say(&c, "[70,1,{\"progress\":true," PPT_JSON "},[1]]");
	want_answer(IMSG_YIELD, NULL, YIELD_PROGRESS, PPT_TEXT, 1);
	talk_say(&c, "[8,68,1,{" PPT_JSON "},\"com.e\",[1],{}]");
	want_answer(IMSG_ERROR, "com.e", 0, PPT_TEXT, 2);
	talk_say(&c, "[8,68,1,{" PPT_JSON "},\"com.e\"]");
	want_answer(IMSG_ERROR, "com.e", 0, PPT_TEXT, 0);
	/* no caller can be given these */
	talk_say(&c, "[70,1,{" PPT_JSON "},[1],{\"a\":1}]");
	want_answer(IMSG_ERROR, invalid, 0, "", 0);
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	talk_say(&c, "[70,1,{\"ppt_scheme\":\"x\",\"ppt_keyid\":\"%s\"},[1]]",
	    key);
	want_answer(IMSG_ERROR, invalid, 0, "", 0);
	talk_say(&c, "[8,68,1,{\"ppt_scheme\":\"x\",\"ppt_keyid\":\"%s\"},"
	    "\"com.e\",[1]]", key);
	want_answer(IMSG_ERROR, invalid, 0, "", 0);
	talk_gone(&c);
}

/* -- what is refused ---------------------------------------------------- */

static void
refused(struct client *c, int code, uint64_t id, const char *options,
    const char *payload)
{
	char	begin[128];

	talk_say(c, "[%d,%llu,{%s},\"com.a\"%s]", code,
	    (unsigned long long)id, options, payload);
	snprintf(begin, sizeof(begin), "[8,%d,%llu,{},"
	    "\"wamp.error.invalid_argument\",[\"", code,
	    (unsigned long long)id);
	talk_want_like(c, begin);
	side_quiet(B0);
}

#define ACK	"\"acknowledge\":true,"

static const struct {
	int		 code;
	const char	*options, *payload;
} bad[] = {
	{ 16, ACK "\"exclude\":7", "" },
	{ 16, "\"eligible\":\"all\"," ACK "\"retain\":true", "" },
	{ 16, ACK "\"exclude\":[\"joe\"]", "" },
	{ 16, ACK "\"exclude\":[1,-1]", "" },
	{ 16, ACK "\"exclude\":[1.5]", "" },
	{ 16, ACK "\"exclude\":[1e300]", "" },
	{ 16, ACK "\"eligible\":[1.5]", "" },
	{ 16, ACK "\"eligible_authid\":[1]", "" },
	{ 16, ACK "\"exclude_authrole\":[\"a\",null]", "" },
	{ 16, ACK "\"exclude_authid\":{\"a\":1}", "" },
	{ 16, ACK PPT_JSON, "" },
	{ 16, ACK PPT_JSON, ",[]" },
	{ 16, ACK PPT_JSON, ",[1,2]" },
	{ 16, ACK PPT_JSON, ",[1],{\"a\":1}" },
	{ 48, PPT_JSON, ",[1,2]" },
	{ 48, PPT_JSON, ",[],{}" },
	{ 48, "\"timeout\":-1", "" },
	{ 48, "\"timeout\":1.5", "" },
	{ 48, "\"timeout\":\"soon\"", "" },
	{ 32, "\"match\":\"regex\"", "" },
	{ 64, "\"match\":\"\"", "" },
	{ 64, "\"invoke\":\"all\"", "" },
	{ 64, "\"concurrency\":0", "" },
	{ 64, "\"concurrency\":-1", "" },
	{ 64, "\"concurrency\":true", "" }
};

static void
refusals(int ser)
{
	struct client	c;
	uint64_t	i;

	talk_join(&c, ser, 1, PPT_ROLES);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(&c, bad[i].code, i + 1, bad[i].options,
		    bad[i].payload);
	/* never answered if not asked to be (notes: T36) */
	talk_say(&c, "[16,%llu,{\"exclude\":7},\"com.a\"]",
	    (unsigned long long)++i);
	talk_say(&c, "[16,%llu,{" PPT_JSON "},\"com.a\",[]]",
	    (unsigned long long)++i);
	client_quiet(&c);
	side_quiet(B0);
	talk_gone(&c);
}

/* At most FILTER_MAX entries; authids that nobody can have are left out. */
static void
long_lists(int ser)
{
	struct publish_case	p = { "", PUBLISH_ACK, "", "" };
	struct client		c;
	struct m_publish	m;
	struct got		g;
	char			list[2 * FILTER_MAX + 4], name[AUTHID_MAXLEN + 2];
	char			filter[AUTHID_MAXLEN + 16];
	int			i;

	talk_join(&c, ser, 1, NO_ROLES);
	for (i = 0; i < FILTER_MAX + 1; i++)
		memcpy(list + 2 * i, "7,", 2);
	list[2 * FILTER_MAX - 1] = '\0';
	talk_say(&c, "[16,1,{\"exclude\":[%s]},\"com.a\"]", list);
	side_want(B0, IMSG_PUBLISH, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.filterlen != sizeof(struct m_filter) +
	    FILTER_MAX * sizeof(uint64_t))
		errx(1, "a filter of %u octets", m.filterlen);
	list[2 * FILTER_MAX - 1] = ',';
	list[2 * FILTER_MAX + 1] = '\0';
	snprintf(filter, sizeof(filter), "[8,16,2,{},");
	talk_say(&c, "[16,2,{" ACK "\"exclude\":[%s]},\"com.a\"]", list);
	talk_want_like(&c, filter);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	talk_say(&c, "[16,3,{" ACK "\"eligible_authid\":[\"%s\"]},\"com.a\","
	    "[1]]", name);
	p.filter = "3:";
	want_publish(&p, 3);
	name[sizeof(name) - 2] = '\0';
	talk_say(&c, "[16,4,{" ACK "\"eligible_authid\":[\"%s\"]},\"com.a\","
	    "[1]]", name);
	snprintf(filter, sizeof(filter), "3:%s,", name);
	p.filter = filter;
	want_publish(&p, 4);
	talk_gone(&c);
}

static void
violation(int ser, const char *roles, const char *message)
{
	struct client	c;

	talk_join(&c, ser, 1, roles);
	talk_say(&c, "%s", message);
	talk_is_aborted(&c, message);
	want_close(&c, CLOSE_VIOLATION);
	send_end(&c, WERR_NONE, "");
	side_quiet(B0);
}

static void
violations(int ser)
{
	static const char *const	types[] = {
	    "[16,1,{\"acknowledge\":1},\"com.a\"]",
	    "[16,1,{\"exclude_me\":\"no\"},\"com.a\"]",
	    "[16,1,{\"disclose_me\":0},\"com.a\"]",
	    "[16,1,{\"retain\":[]},\"com.a\"]",
	    "[16,1,{\"ppt_scheme\":1},\"com.a\",[1]]",
	    "[32,1,{\"match\":1},\"com.a\"]",
	    "[32,1,{\"get_retained\":1},\"com.a\"]",
	    "[64,1,{\"invoke\":false},\"com.a\"]",
	    "[64,1,{\"forward_timeout\":1},\"com.a\"]",
	    "[64,1,{\"disclose_caller\":1},\"com.a\"]",
	    "[64,1,{\"force_reregister\":{}},\"com.a\"]",
	    "[48,1,{\"receive_progress\":1},\"com.a\"]",
	    "[48,1,{\"progress\":\"\"},\"com.a\"]",
	    "[48,1,{\"disclose_me\":1.0},\"com.a\"]",
	    "[48,1,{\"ppt_keyid\":true},\"com.a\"]",
	    "[49,1,{\"mode\":1}]",
	    "[70,1,{\"progress\":1}]",
	    "[70,1,{\"ppt_cipher\":1}]",
	    "[8,68,1,{\"ppt_serializer\":1},\"com.e\"]"
	};
	/* of roles that did not announce what they use */
	static const char *const	uses[] = {
	    "[48,1,{\"progress\":true},\"com.a\"]",
	    "[48,1,{\"ppt_scheme\":\"x\"},\"com.a\",[1]]",
	    "[16,1,{\"ppt_scheme\":\"x\"},\"com.a\",[1]]",
	    "[70,1,{\"ppt_scheme\":\"x\"},[1]]",
	    "[8,68,1,{\"ppt_scheme\":\"x\"},\"com.e\",[1]]"
	};
	size_t				i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		violation(ser, PPT_ROLES, types[i]);
	for (i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		violation(ser, NO_ROLES, uses[i]);
	violation(ser, "{" ROLE("callee", "payload_passthru_mode") ","
	    ROLE("publisher", "payload_passthru_mode") "}", uses[1]);
	violation(ser, "{" ROLE("caller", "payload_passthru_mode") "}",
	    uses[2]);
}

int
main(void)
{
	struct conf	*c = pconf_new();
	int		 ser;

	pconf_listen(c, 0, LISTEN_INSECURE);
	pp_start(PROXY_NET, c);
	features();
	for (ser = SER_JSON; ser < SER_MAX; ser++) {
		publish(ser);
		call(ser);
		procedure(ser);
		topic(ser);
		answer(ser);
		printf("ok - %s: options reach the broker\n",
		    ser_name((enum ser)ser));
		refusals(ser);
		long_lists(ser);
		printf("ok - %s: wrong options are refused\n",
		    ser_name((enum ser)ser));
		violations(ser);
		printf("ok - %s: options of wrong types\n",
		    ser_name((enum ser)ser));
	}
	pp_stop();
	return (0);
}
