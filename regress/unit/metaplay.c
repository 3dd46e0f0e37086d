/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Calls of meta procedures, and meta events.
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "isotime.h"
#include "metaplay.h"
#include "mpcur.h"
#include "uri.h"

char	meta_got[65536];

void
meta_role(struct conf_realm *r, const char *name)
{
	struct conf_role	*ro = bconf_role(r, name);

	bconf_rule(ro, 1, ACTION_ALL, MATCH_EXACT, NULL);
	bconf_rule(ro, 1, ACTION_META, MATCH_EXACT, NULL);
}

/* Append one value. */
static void
convert(struct wbuf *w, enum ser from, enum ser to, const void *p, size_t len)
{
	struct val	v;

	if (codec_check(from, p, len, &v) != CODEC_OK ||
	    codec_convert(&v, to, w) != CODEC_OK)
		errx(1, "%zu octets cannot be converted", len);
}

void
meta_send(struct sess *s, const char *procedure, const char *args,
    const char *kw)
{
	struct m_call	m;
	struct text	t[2];
	struct wbuf	w;

	memset(&w, 0, sizeof(w));
	memset(&m, 0, sizeof(m));
	if (args != NULL) {
		convert(&w, SER_JSON, SER_MSGPACK, args, strlen(args));
		m.nargs = 1;
	}
	if (kw != NULL) {
		convert(&w, SER_JSON, SER_MSGPACK, kw, strlen(kw));
		m.nargs = 2;
	}
	t[0].p = procedure;
	t[0].len = strlen(procedure);
	t[1].p = w.buf;
	t[1].len = w.len;
	m.request = ++s->request;
	m.paylen = (uint32_t)w.len;
	m.urilen = (uint16_t)t[0].len;
	m.ser = SER_MSGPACK;
	side_send(s->t, IMSG_CALL, s->slot, s->gen, &m, sizeof(m), t, 2);
	wbuf_free(&w);
}

/* A time, if it is one and of today, becomes "T". */
static void
times_away(void)
{
	static const char	key[] = "\"created\":\"";
	char			now[ISOTIME_LEN + 1], *p = meta_got;

	isotime(now, wall_ms());
	while ((p = strstr(p, key)) != NULL) {
		p += sizeof(key) - 1;
		if (strlen(p) < ISOTIME_LEN || strncmp(p, now, 8) != 0 ||
		    p[ISOTIME_LEN - 1] != 'Z' || p[ISOTIME_LEN] != '"')
			errx(1, "no time: %s", p);
		*p++ = 'T';
		memmove(p, p + ISOTIME_LEN - 1, strlen(p + ISOTIME_LEN - 1) +
		    1);
	}
}

/* The values of a payload, one after another, in meta_got. */
static void
read_body(const struct got *g, size_t off, unsigned int ser,
    unsigned int nargs, size_t paylen)
{
	const uint8_t	*p, *end;
	struct val	 v;
	struct wbuf	 w;

	if (ser != SER_MSGPACK || g->len - off != paylen)
		errx(1, "payload of imsg %u is wrong", g->type);
	memset(&w, 0, sizeof(w));
	end = g->data + g->len;
	for (p = g->data + off; nargs > 0; nargs--)
		if (mp_next(&p, end, 0, &v) != CODEC_OK ||
		    codec_convert(&v, SER_JSON, &w) != CODEC_OK)
			errx(1, "payload of imsg %u is wrong", g->type);
	if (p != end)
		errx(1, "payload of imsg %u is too long", g->type);
	if (w.len >= sizeof(meta_got))
		errx(1, "%zu octets are too many for the test", w.len);
	if (w.len > 0)
		memcpy(meta_got, w.buf, w.len);
	meta_got[w.len] = '\0';
	times_away();
	wbuf_free(&w);
}

static void
compare(const char *fmt, va_list ap)
{
	char	want[4096];

	vsnprintf(want, sizeof(want), fmt, ap);
	if (strcmp(meta_got, want) != 0)
		errx(1, "got %s\nwant %s", meta_got, want);
}

void
meta_take(struct sess *s)
{
	struct m_result	m;
	struct got	g;

	side_want(s->t, IMSG_RESULT, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != s->slot || g.gen != s->gen ||
	    m.request != s->request || m.flags != 0 || m.pptlen != 0)
		errx(1, "RESULT of call %llu, want %llu",
		    (unsigned long long)m.request,
		    (unsigned long long)s->request);
	read_body(&g, sizeof(m), m.ser, m.nargs, m.paylen);
}

void
meta_want(struct sess *s, const char *fmt, ...)
{
	va_list	ap;

	meta_take(s);
	va_start(ap, fmt);
	compare(fmt, ap);
	va_end(ap);
}

void
meta_ended(const struct sess *s, const char *reason, const char *message)
{
	struct m_session_end	m;
	struct got		g;

	side_want(s->t, IMSG_SESSION_END, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != s->slot || g.gen != s->gen || m.err != WERR_KILLED ||
	    m.textlen != strlen(message) || m.urilen != strlen(reason) ||
	    g.len != sizeof(m) + m.textlen + m.urilen ||
	    memcmp(g.data + sizeof(m), message, m.textlen) != 0 ||
	    memcmp(g.data + sizeof(m) + m.textlen, reason, m.urilen) != 0)
		errx(1, "SESSION_END of slot %u: %.*s", g.slot,
		    (int)(g.len - sizeof(m)), (const char *)g.data +
		    sizeof(m));
}

void
meta_refused(struct sess *s, enum wamp_err e, const char *text)
{
	struct m_refused	m;
	struct got		g;

	side_want(s->t, IMSG_REFUSED, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != s->slot || g.gen != s->gen ||
	    m.request != s->request || m.reqtype != WAMP_CALL ||
	    m.err != e || g.len != sizeof(m) + m.textlen ||
	    m.textlen != strlen(text) ||
	    memcmp(g.data + sizeof(m), text, m.textlen) != 0)
		errx(1, "REFUSED %s: %.*s, want %s: %s",
		    wamp_err_uri((enum wamp_err)m.err), (int)m.textlen,
		    (const char *)g.data + sizeof(m), wamp_err_uri(e), text);
}

void
meta_event(struct side *t, uint64_t sub, const char *fmt, ...)
{
	struct m_event	m;
	struct got	g;
	va_list		ap;

	side_want(t, IMSG_EVENT, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (m.subscription != sub || m.publication == 0 || m.nrefs != 0 ||
	    (m.flags & (EVENT_PUBLISHER | EVENT_RETAINED)) != 0 ||
	    m.pptlen != 0)
		errx(1, "proxy %d: EVENT of %llu, want %llu", t->instance,
		    (unsigned long long)m.subscription,
		    (unsigned long long)sub);
	read_body(&g, sizeof(m) + m.topiclen, m.ser, m.nargs, m.paylen);
	va_start(ap, fmt);
	compare(fmt, ap);
	va_end(ap);
}
