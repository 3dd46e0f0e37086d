/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * More words for Remote Procedure Calls.
 */
#include <err.h>
#include <string.h>

#include "bplay_rpc.h"
#include "uri.h"

#define SER	2

struct text		rpc_ppt, rpc_got_ppt;
struct m_invocation	rpc_inv;
char			rpc_procedure[256], rpc_authid[64], rpc_authrole[64];
static uint8_t		got_ppt[PPT_MAXLEN];

/* -- what sessions say -------------------------------------------------- */

static struct text
text_of(const char *s)
{
	struct text	t = { s, strlen(s) };

	return (t);
}

static uint16_t
ppt_take(struct text *t)
{
	*t = rpc_ppt;
	memset(&rpc_ppt, 0, sizeof(rpc_ppt));
	return ((uint16_t)t->len);
}

void
send_features(struct sess *s, uint32_t features)
{
	struct m_session_features	m = { features, 0 };

	say(s, IMSG_SESSION_FEATURES, &m, sizeof(m), NULL, 0);
	side_sync(s->t);
}

void
send_register_as(struct sess *s, const char *procedure, int match, int invoke,
    uint32_t concurrency, uint32_t flags)
{
	struct m_register	m;
	struct text		t = text_of(procedure);

	memset(&m, 0, sizeof(m));
	m.request = ++s->request;
	m.match = (uint8_t)match;
	m.invoke = (uint8_t)invoke;
	m.urilen = (uint16_t)t.len;
	m.concurrency = concurrency;
	m.flags = flags;
	say(s, IMSG_REGISTER, &m, sizeof(m), &t, 1);
}

uint64_t
registers_as(struct sess *s, const char *procedure, int match, int invoke)
{
	send_register_as(s, procedure, match, invoke, 0, 0);
	return (want_registered(s));
}

static void
call_as(struct sess *s, uint64_t call, const char *procedure,
    const char *body, uint32_t flags, uint32_t ms)
{
	struct m_call	m;
	struct text	t[3] = { text_of(procedure), { NULL, 0 },
			    text_of(body) };

	memset(&m, 0, sizeof(m));
	m.request = call;
	m.flags = flags;
	m.timeout = ms;
	m.urilen = (uint16_t)t[0].len;
	m.pptlen = ppt_take(&t[1]);
	m.paylen = (uint32_t)t[2].len;
	m.ser = SER;
	m.nargs = t[2].len > 0 ? 2 : 0;
	say(s, IMSG_CALL, &m, sizeof(m), t, 3);
}

void
send_call_as(struct sess *s, const char *procedure, const char *body,
    uint32_t flags, uint32_t ms)
{
	call_as(s, ++s->request, procedure, body, flags, ms);
}

void
send_more(struct sess *s, uint64_t call, const char *procedure,
    const char *body, uint32_t flags)
{
	call_as(s, call, procedure, body, flags | CALL_CONTINUES, 0);
}

void
send_cancel(struct sess *s, uint64_t call, int mode)
{
	struct m_cancel	m;

	memset(&m, 0, sizeof(m));
	m.request = call;
	m.mode = (uint8_t)mode;
	say(s, IMSG_CANCEL, &m, sizeof(m), NULL, 0);
}

static void
yield_as(struct sess *s, uint64_t inv, const char *body, uint32_t flags)
{
	struct m_yield	m;
	struct text	t[2] = { { NULL, 0 }, text_of(body) };

	memset(&m, 0, sizeof(m));
	m.request = inv;
	m.flags = flags;
	m.pptlen = ppt_take(&t[0]);
	m.paylen = (uint32_t)t[1].len;
	m.ser = SER;
	m.nargs = t[1].len > 0;
	say(s, IMSG_YIELD, &m, sizeof(m), t, 2);
}

void
send_progress(struct sess *s, uint64_t inv, const char *body)
{
	yield_as(s, inv, body, YIELD_PROGRESS);
}

void
send_yield_ppt(struct sess *s, uint64_t inv, uint32_t flags)
{
	yield_as(s, inv, "r", flags);
}

void
send_error_ppt(struct sess *s, uint64_t inv, const char *uri)
{
	struct m_error	m;
	struct text	t[3] = { text_of(uri), { NULL, 0 }, text_of("e") };

	memset(&m, 0, sizeof(m));
	m.request = inv;
	m.urilen = (uint16_t)t[0].len;
	m.pptlen = ppt_take(&t[1]);
	m.paylen = 1;
	m.ser = SER;
	m.nargs = 1;
	say(s, IMSG_ERROR, &m, sizeof(m), t, 3);
}

/* -- what they hear ----------------------------------------------------- */

/* The next len octets of an imsg, as a text. */
static void
take_text(const struct got *g, size_t *off, size_t len, char *buf,
    size_t size)
{
	if (len >= size || len > g->len - *off)
		errx(1, "imsg %u: a text of %zu octets", g->type, len);
	memcpy(buf, g->data + *off, len);
	buf[len] = '\0';
	*off += len;
}

static void
take_ppt(const struct got *g, size_t *off, size_t len)
{
	if (len > sizeof(got_ppt) || len > g->len - *off)
		errx(1, "imsg %u: ppt of %zu octets", g->type, len);
	memcpy(got_ppt, g->data + *off, len);
	rpc_got_ppt.p = got_ppt;
	rpc_got_ppt.len = len;
	*off += len;
}

static void
take_body(const struct got *g, size_t off, const char *body)
{
	if (g->len - off != strlen(body) ||
	    memcmp(g->data + off, body, g->len - off) != 0)
		errx(1, "imsg %u: payload %.*s, want %s", g->type,
		    (int)(g->len - off), (const char *)g->data + off, body);
}

uint64_t
want_invocation_as(struct sess *s, uint64_t reg, const char *body,
    uint32_t flags)
{
	struct got	g;
	size_t		off = sizeof(rpc_inv);

	hear(s, IMSG_INVOCATION, &g, &rpc_inv, sizeof(rpc_inv));
	if (rpc_inv.registration != reg || rpc_inv.flags != flags)
		errx(1, "INVOCATION of %llu, flags %x, want %llu, %x",
		    (unsigned long long)rpc_inv.registration, rpc_inv.flags,
		    (unsigned long long)reg, flags);
	take_text(&g, &off, rpc_inv.proclen, rpc_procedure,
	    sizeof(rpc_procedure));
	take_text(&g, &off, rpc_inv.authidlen, rpc_authid,
	    sizeof(rpc_authid));
	take_text(&g, &off, rpc_inv.rolelen, rpc_authrole,
	    sizeof(rpc_authrole));
	take_ppt(&g, &off, rpc_inv.pptlen);
	take_body(&g, off, body);
	return (rpc_inv.request);
}

static void
want_result_as(struct sess *s, uint64_t call, const char *body,
    uint32_t flags)
{
	struct m_result	m;
	struct got	g;
	size_t		off = sizeof(m);

	hear(s, IMSG_RESULT, &g, &m, sizeof(m));
	if (m.request != call || m.flags != flags)
		errx(1, "RESULT of call %llu, flags %x, want %llu, %x",
		    (unsigned long long)m.request, m.flags,
		    (unsigned long long)call, flags);
	take_ppt(&g, &off, m.pptlen);
	take_body(&g, off, body);
}

void
want_progress(struct sess *s, uint64_t call, const char *body)
{
	want_result_as(s, call, body, YIELD_PROGRESS);
}

void
want_result_ppt(struct sess *s, uint64_t call)
{
	want_result_as(s, call, "r", 0);
}

void
want_error_ppt(struct sess *s, uint64_t call)
{
	struct m_error	m;
	struct got	g;
	size_t		off = sizeof(m);

	hear(s, IMSG_ERROR, &g, &m, sizeof(m));
	if (m.request != call)
		errx(1, "ERROR of call %llu", (unsigned long long)m.request);
	off += m.urilen;
	take_ppt(&g, &off, m.pptlen);
	take_body(&g, off, "e");
}

void
want_interrupt(struct sess *s, uint64_t inv, int mode, enum wamp_err e)
{
	struct m_interrupt	m;
	struct got		g;

	hear(s, IMSG_INTERRUPT, &g, &m, sizeof(m));
	if (g.len != sizeof(m) || m.request != inv || m.mode != mode ||
	    m.err != e)
		errx(1, "INTERRUPT of %llu, mode %u, %s",
		    (unsigned long long)m.request, m.mode,
		    wamp_err_uri((enum wamp_err)m.err));
}

void
want_over(struct sess *s, uint64_t call)
{
	struct m_call_over	m;
	struct got		g;

	hear(s, IMSG_CALL_OVER, &g, &m, sizeof(m));
	if (g.len != sizeof(m) || m.request != call)
		errx(1, "CALL_OVER");
}

void
want_reg_revoked(struct sess *s, uint64_t reg)
{
	struct m_unregistered	m;
	struct got		g;

	hear(s, IMSG_UNREGISTERED, &g, &m, sizeof(m));
	if (m.request != 0 || m.registration != reg ||
	    !got_uri(&g, sizeof(m)))
		errx(1, "UNREGISTERED from %llu, want %llu, unasked",
		    (unsigned long long)m.registration,
		    (unsigned long long)reg);
}
