/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Everybody around a real broker.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bplay.h"
#include "chan.h"
#include "conf.h"
#include "uri.h"

#define WAIT	20000		/* ms; SAN builds are slow */
#define SER	2

struct play	 bp;
struct conf	*bconf;
struct side	 keeper, proxies[4];
static int	 nproxies;
static char	 logged[16384];
static size_t	 nlogged;
static int	 is_running;

/* -- configuration ------------------------------------------------------ */

struct conf_realm *
bconf_realm(struct conf *c, const char *name)
{
	return (conf_add_realm(c, name, strlen(name)));
}

struct conf_role *
bconf_role(struct conf_realm *r, const char *name)
{
	return (conf_add_role(r, name, strlen(name)));
}

void
bconf_rule(struct conf_role *role, int allow, unsigned actions, int match,
    const char *uri)
{
	struct conf_rule	*r;

	if ((r = calloc(1, sizeof(*r))) == NULL ||
	    (r->uri = strdup(uri != NULL ? uri : "")) == NULL)
		err(1, NULL);
	r->allow = (uint8_t)allow;
	r->actions = (uint8_t)actions;
	r->match = (uint8_t)match;
	r->anyuri = uri == NULL;
	r->urilen = (uint16_t)strlen(r->uri);
	TAILQ_INSERT_TAIL(&role->rules, r, entry);
}

void
bconf_asks(struct conf_realm *r, const char *procedure)
{
	const struct conf_str	*s;

	TAILQ_FOREACH(s, &r->asked, entry)
		if (strcmp(s->s, procedure) == 0)
			return;
	conf_add_str(&r->asked, procedure, strlen(procedure));
}

void
bconf_authorizer(struct conf_realm *r, struct conf_role *role,
    const char *procedure, uint32_t cache, uint32_t timeout)
{
	if ((role->authorizer.procedure = strdup(procedure)) == NULL)
		err(1, NULL);
	role->authorizer.cache = cache;
	role->authorizer.timeout = timeout;
	bconf_asks(r, procedure);
}

struct conf *
bconf_new(void)
{
	struct conf	*c = conf_new();

	c->prefork = 1;
	c->loglevel = 0;
	c->limits.per_authid = CONF_MAXSESSIONS;	/* all are joe */
	bconf_rule(bconf_role(bconf_realm(c, "realm1"), "all"), 1,
	    ACTION_ALL, MATCH_EXACT, NULL);
	return (c);
}

void
bp_reload(struct conf *c)
{
	struct conf	*old = bconf;

	conf_assign_ids(c, old);
	if (play_configure(&bp, c) == -1)
		errx(1, "configuration refused: %s", bp.failed);
	bconf = c;
	conf_free(old);
}

/* What it logged is of interest if the test failed. */
static void
show_log(void)
{
	if (is_running)
		fwrite(logged, 1, nlogged, stderr);
}

static void
on_log(evutil_socket_t fd, short what, void *arg)
{
	ssize_t	n;

	(void)what;
	(void)arg;
	if (nlogged > sizeof(logged) / 2) {
		nlogged -= sizeof(logged) / 4;
		memmove(logged, logged + sizeof(logged) / 4, nlogged);
	}
	n = read(fd, logged + nlogged, sizeof(logged) - nlogged - 1);
	if (n > 0)
		nlogged += (size_t)n;
	else
		event_del(bp.log);
	logged[nlogged] = '\0';
}

void
bp_start(struct conf *c, int n)
{
	int	i;

	play_start(&bp, PROC_BROKER, "broker");
	is_running = 1;
	atexit(show_log);
	event_free(bp.log);
	bp.log = event_new(bp.base, bp.log_fd, EV_READ | EV_PERSIST, on_log,
	    NULL);
	if (bp.log == NULL || event_add(bp.log, NULL) == -1)
		errx(1, "log");
	bp_reload(c);
	side_open(&keeper, PROC_KEEPER, 0);
	nproxies = n;
	for (i = 0; i < n; i++)
		side_open(&proxies[i], PROC_TLSPROXY, i);
}

void
bp_stop(void)
{
	int	i;

	play_stop(&bp);
	is_running = 0;
	side_close(&keeper);
	for (i = 0; i < nproxies; i++)
		side_close(&proxies[i]);
	conf_free(bconf);
	bconf = NULL;
}

void
bp_ok(const char *name)
{
	printf("ok - %s\n", name);
	fflush(stdout);
}

int
bp_logged(const char *text)
{
	int	i;

	for (i = 0; i < 500 && strstr(logged, text) == NULL; i++) {
		play_poll(&bp);
		usleep(10000);
	}
	return (i < 500);
}

/* -- channels ----------------------------------------------------------- */

void
side_close(struct side *s)
{
	if (s->fd > 0)
		close(s->fd);
	s->fd = -1;
	free(s->in);
	s->in = NULL;
	s->inoff = s->inlen = s->insize = 0;
}

void
side_open(struct side *s, int role, int instance)
{
	struct got		 g;
	static uint32_t		 generation = 0x51a70000;

	side_close(s);
	s->role = role;
	s->instance = instance;
	s->generation = ++generation;
	s->fd = play_peer(&bp, role, PROXY_NET, instance, s->generation,
	    LINK_MAIN);
	s->insize = 1024 * 1024;
	if ((s->in = malloc(s->insize)) == NULL)
		err(1, NULL);
	if (role == PROC_TLSPROXY) {
		grant(s, SYNC_SLOT, 1, "realm1", "all", bp_session_id());
		side_want(s, IMSG_SESSION_OPEN, &g,
		    sizeof(struct m_session_open));
	}
}

void
side_write(struct side *s, const void *data, size_t len)
{
	const uint8_t	*p = data;
	ssize_t		 n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = send(s->fd, p, len, MSG_NOSIGNAL)) == -1) {
			if (errno == EPIPE || errno == ECONNRESET)
				return;	/* it was cut off: read on */
			err(1, "send");
		}
}

void
side_send(struct side *s, uint32_t type, uint32_t slot, uint32_t gen,
    const void *fixed, size_t len, const struct text *t, int n)
{
	static uint8_t	 out[17 * 1024 * 1024];
	struct imsg_hdr	 h;
	uint8_t		*p = out + sizeof(h);
	size_t		 total;
	int		 i;

	if (len > 0)
		memcpy(p, fixed, len);
	p += len;
	for (i = 0; i < n; i++) {
		if ((size_t)(out + sizeof(out) - p) < t[i].len + 8)
			errx(1, "too long to be sent");
		if (t[i].len > 0)
			memcpy(p, t[i].p, t[i].len);
		p += t[i].len;
	}
	h.type = type;
	h.len = (uint32_t)(p - out);
	h.slot = slot;
	h.gen = gen;
	memcpy(out, &h, sizeof(h));
	total = (h.len + 7) & ~(size_t)7;
	memset(p, 0, total - h.len);
	side_write(s, out, total);
}

/* A complete imsg in the buffer: its padded length, else 0. */
static size_t
side_complete(const struct side *s, struct imsg_hdr *h)
{
	size_t	full;

	if (s->inlen - s->inoff < sizeof(*h))
		return (0);
	memcpy(h, s->in + s->inoff, sizeof(*h));
	if (h->len < sizeof(*h))
		errx(1, "the broker sent a length of %u", h->len);
	full = ((size_t)h->len + 7) & ~(size_t)7;
	return (s->inlen - s->inoff < full ? 0 : full);
}

int
side_next(struct side *s, struct got *g, int ms)
{
	static uint8_t	*hold;
	struct imsg_hdr	 h;
	struct pollfd	 pfd;
	size_t		 full;
	ssize_t		 n;

	while ((full = side_complete(s, &h)) == 0) {
		s->inlen -= s->inoff;
		memmove(s->in, s->in + s->inoff, s->inlen);
		s->inoff = 0;
		if (s->insize - s->inlen < 65536) {
			s->insize *= 2;
			if ((s->in = realloc(s->in, s->insize)) == NULL)
				err(1, NULL);
		}
		pfd.fd = s->fd;
		pfd.events = POLLIN;
		if (poll(&pfd, 1, ms) == 0)
			return (0);
		n = read(s->fd, s->in + s->inlen, s->insize - s->inlen);
		if (n <= 0)
			return (-1);
		s->inlen += (size_t)n;
	}
	free(hold);
	if ((hold = malloc(full)) == NULL)
		err(1, NULL);
	memcpy(hold, s->in + s->inoff, full);
	s->inoff += full;
	g->type = h.type;
	g->slot = h.slot;
	g->gen = h.gen;
	g->len = h.len - sizeof(h);
	g->data = hold + sizeof(h);
	return (1);
}

void
side_want(struct side *s, uint32_t type, struct got *g, size_t fixed)
{
	switch (side_next(s, g, WAIT)) {
	case 0:
		errx(1, "proxy %d: no imsg %u came", s->instance, type);
	case -1:
		errx(1, "proxy %d: closed, imsg %u awaited", s->instance,
		    type);
	}
	if (g->type != type)
		errx(1, "proxy %d: got imsg %u of slot %u, want %u",
		    s->instance, g->type, g->slot, type);
	if (g->len < fixed)
		errx(1, "imsg %u has %zu octets", type, g->len);
}

void
side_sync(struct side *t)
{
	struct m_unsubscribe	m = { ++t->nsync, 1ULL << 50 };
	struct m_refused	r;
	struct got		g;

	side_send(t, IMSG_UNSUBSCRIBE, SYNC_SLOT, 1, &m, sizeof(m), NULL, 0);
	side_want(t, IMSG_REFUSED, &g, sizeof(r));
	memcpy(&r, g.data, sizeof(r));
	if (g.slot != SYNC_SLOT || r.request != t->nsync)
		errx(1, "proxy %d: unexpected REFUSED of slot %u",
		    t->instance, g.slot);
}

void
bp_quiet(void)
{
	int	i, n;

	for (n = 0; n < 2; n++)
		for (i = 0; i < nproxies; i++)
			if (proxies[i].fd != -1)
				side_sync(&proxies[i]);
	play_poll(&bp);
	if (bp.is_gone)
		errx(1, "the broker died");
}

void
side_is_cut(struct side *s, unsigned int suspects)
{
	struct got	g;
	int		n;

	while ((n = side_next(s, &g, WAIT)) == 1)
		;
	if (n == 0)
		errx(1, "peer %d of role %d is not cut off", s->instance,
		    s->role);
	if (bp.nsuspects == suspects)
		play_until(&bp, &bp.nsuspects, suspects, "PROC_SUSPECT");
	if (bp.nsuspects != suspects + 1 || bp.suspect.role != s->role ||
	    bp.suspect.instance != s->instance ||
	    bp.suspect.generation != s->generation)
		errx(1, "somebody else is suspected");
	side_close(s);
}

/* -- sessions ----------------------------------------------------------- */

uint64_t
bp_session_id(void)
{
	static uint64_t	id = 1ULL << 40;

	return (id++);
}

uint64_t	 grant_proof;
const char	*grant_authid = "joe";

void
grant(struct side *t, uint32_t slot, uint32_t gen, const char *realm,
    const char *role, uint64_t id)
{
	struct conf_realm	*r;
	struct conf_role	*ro = NULL;
	struct m_grant		 m;
	struct text		 authid = { grant_authid,
				    strlen(grant_authid) };

	memset(&m, 0, sizeof(m));
	m.session = id;
	m.proof = grant_proof;
	m.proxy = (uint16_t)t->instance;
	m.proxygen = t->generation;
	m.method = AUTH_ANONYMOUS;
	m.authidlen = (uint16_t)authid.len;
	if ((r = conf_find_realm(bconf, realm, strlen(realm))) != NULL)
		ro = conf_find_role(r, role);
	m.realm = r != NULL ? r->id : 999999;
	m.role = ro != NULL ? ro->id : 999999;
	side_send(&keeper, IMSG_GRANT, slot, gen, &m, sizeof(m), &authid, 1);
}

void
join(struct sess *s, struct side *t, uint32_t slot, uint32_t gen,
    const char *realm, const char *role)
{
	struct m_session_open	m;
	struct got		g;
	size_t			len = strlen(grant_authid);

	s->t = t;
	s->slot = slot;
	s->gen = gen;
	s->id = bp_session_id();
	s->request = 0;
	grant(t, slot, gen, realm, role, s->id);
	side_want(t, IMSG_SESSION_OPEN, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != slot || g.gen != gen || m.session != s->id ||
	    m.realm != conf_find_realm(bconf, realm, strlen(realm))->id ||
	    m.method != AUTH_ANONYMOUS || m.authidlen != len ||
	    m.rolelen != strlen(role) ||
	    g.len != sizeof(m) + len + strlen(role) ||
	    memcmp(g.data + sizeof(m), grant_authid, len) != 0 ||
	    memcmp(g.data + sizeof(m) + len, role, strlen(role)) != 0)
		errx(1, "SESSION_OPEN of slot %u is wrong", slot);
}

void
send_close(struct sess *s, int why)
{
	struct m_session_close	m;

	memset(&m, 0, sizeof(m));
	m.why = (uint8_t)why;
	side_send(s->t, IMSG_SESSION_CLOSE, s->slot, s->gen, &m, sizeof(m),
	    NULL, 0);
}

void
want_end(struct side *t, uint32_t slot, uint32_t gen, enum wamp_err e)
{
	struct m_session_end	m;
	struct got		g;

	side_want(t, IMSG_SESSION_END, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != slot || g.gen != gen || m.err != e ||
	    g.len != sizeof(m) + m.textlen || m.textlen > REASON_MAXLEN ||
	    (e == WERR_NONE) != (m.textlen == 0))
		errx(1, "SESSION_END of %u/%u: error %u, want %u/%u: %d",
		    g.slot, g.gen, m.err, slot, gen, e);
}

void
leave(struct sess *s)
{
	send_close(s, CLOSE_GOODBYE);
	want_end(s->t, s->slot, s->gen, WERR_NONE);
}

/* -- what sessions say -------------------------------------------------- */

void
say(struct sess *s, uint32_t type, const void *m, size_t len,
    const struct text *t, int n)
{
	side_send(s->t, type, s->slot, s->gen, m, len, t, n);
}

void
send_subscribe(struct sess *s, const char *topic, int match)
{
	struct m_subscribe	m;
	struct text		t = { topic, strlen(topic) };

	memset(&m, 0, sizeof(m));
	m.request = ++s->request;
	m.match = (uint8_t)match;
	m.urilen = (uint16_t)t.len;
	say(s, IMSG_SUBSCRIBE, &m, sizeof(m), &t, 1);
}

void
send_unsubscribe(struct sess *s, uint64_t id)
{
	struct m_unsubscribe	m = { ++s->request, id };

	say(s, IMSG_UNSUBSCRIBE, &m, sizeof(m), NULL, 0);
}

void
send_publish(struct sess *s, uint32_t flags, const char *topic,
    const void *body, size_t len)
{
	struct m_publish	m;
	struct text		t[2] = { { topic, strlen(topic) },
				    { body, len } };

	memset(&m, 0, sizeof(m));
	m.request = ++s->request;
	m.flags = flags;
	m.paylen = (uint32_t)len;
	m.urilen = (uint16_t)t[0].len;
	m.ser = SER;
	m.nargs = len > 0;
	say(s, IMSG_PUBLISH, &m, sizeof(m), t, 2);
}

/* -- lists of PUBLISH --------------------------------------------------- */

void
lists_init(struct lists *l)
{
	memset(&l->m, 0, sizeof(l->m));
	memset(l->len, 0, sizeof(l->len));
}

void
lists_empty(struct lists *l, int list)
{
	l->m.present |= (uint8_t)(1 << list);
}

static void
lists_add(struct lists *l, int list, const void *p, size_t len)
{
	if (len > sizeof(l->buf[list]) - l->len[list])
		errx(1, "no room in list %d", list);
	memcpy(l->buf[list] + l->len[list], p, len);
	l->len[list] += len;
}

void
lists_id(struct lists *l, int list, uint64_t id)
{
	lists_empty(l, list);
	l->m.n[list]++;
	lists_add(l, list, &id, sizeof(id));
}

void
lists_text(struct lists *l, int list, const char *text)
{
	uint16_t	len = (uint16_t)strlen(text);

	lists_empty(l, list);
	l->m.n[list]++;
	lists_add(l, list, &len, sizeof(len));
	lists_add(l, list, text, len);
}

void
send_publish_to(struct sess *s, uint32_t flags, const char *topic,
    const struct lists *l, const char *ppt, const char *body)
{
	struct m_publish	m;
	struct text		t[FILTER_LISTS + 4];
	int			i, n = 0;

	memset(&m, 0, sizeof(m));
	m.request = ++s->request;
	m.flags = flags;
	m.ser = SER;
	m.nargs = 1;
	t[n].p = topic;
	m.urilen = (uint16_t)(t[n++].len = strlen(topic));
	if (l != NULL) {
		t[n].p = &l->m;
		m.filterlen = (uint32_t)(t[n++].len = sizeof(l->m));
		for (i = 0; i < FILTER_LISTS; i++) {
			t[n].p = l->buf[i];
			m.filterlen += (uint32_t)(t[n++].len = l->len[i]);
		}
	}
	t[n].p = ppt;
	m.pptlen = (uint16_t)(t[n++].len = ppt != NULL ? strlen(ppt) : 0);
	t[n].p = body;
	m.paylen = (uint32_t)(t[n++].len = strlen(body));
	say(s, IMSG_PUBLISH, &m, sizeof(m), t, n);
}

void
send_register(struct sess *s, const char *procedure, int match, int invoke)
{
	struct m_register	m;
	struct text		t = { procedure, strlen(procedure) };

	memset(&m, 0, sizeof(m));
	m.request = ++s->request;
	m.match = (uint8_t)match;
	m.invoke = (uint8_t)invoke;
	m.urilen = (uint16_t)t.len;
	say(s, IMSG_REGISTER, &m, sizeof(m), &t, 1);
}

void
send_unregister(struct sess *s, uint64_t id)
{
	struct m_unregister	m = { ++s->request, id };

	say(s, IMSG_UNREGISTER, &m, sizeof(m), NULL, 0);
}

void
send_call(struct sess *s, const char *procedure, const char *body)
{
	struct m_call	m;
	struct text	t[2] = { { procedure, strlen(procedure) },
			    { body, strlen(body) } };

	memset(&m, 0, sizeof(m));
	m.request = ++s->request;
	m.paylen = (uint32_t)t[1].len;
	m.urilen = (uint16_t)t[0].len;
	m.ser = SER;
	m.nargs = t[1].len > 0 ? 2 : 0;
	say(s, IMSG_CALL, &m, sizeof(m), t, 2);
}

void
send_yield(struct sess *s, uint64_t inv, const char *body)
{
	struct m_yield	m;
	struct text	t = { body, strlen(body) };

	memset(&m, 0, sizeof(m));
	m.request = inv;
	m.paylen = (uint32_t)t.len;
	m.ser = SER;
	m.nargs = t.len > 0;
	say(s, IMSG_YIELD, &m, sizeof(m), &t, 1);
}

void
send_error(struct sess *s, uint64_t inv, const char *uri, const char *body)
{
	struct m_error	m;
	struct text	t[2] = { { uri, strlen(uri) },
			    { body, strlen(body) } };

	memset(&m, 0, sizeof(m));
	m.request = inv;
	m.paylen = (uint32_t)t[1].len;
	m.urilen = (uint16_t)t[0].len;
	m.ser = SER;
	m.nargs = t[1].len > 0;
	say(s, IMSG_ERROR, &m, sizeof(m), t, 2);
}

void
send_failed(struct sess *s, uint64_t inv, enum wamp_err e, const char *why)
{
	struct m_invocation_failed	m;
	struct text			t = { why, strlen(why) };

	memset(&m, 0, sizeof(m));
	m.request = inv;
	m.err = (uint16_t)e;
	m.textlen = (uint16_t)t.len;
	say(s, IMSG_INVOCATION_FAILED, &m, sizeof(m), &t, 1);
}

void
send_flow(struct sess *s, uint32_t type)
{
	say(s, type, NULL, 0, NULL, 0);
}

/* -- what they hear ----------------------------------------------------- */

void
hear(struct sess *s, uint32_t type, struct got *g, void *m, size_t len)
{
	side_want(s->t, type, g, len);
	if (g->slot != s->slot || g->gen != s->gen)
		errx(1, "imsg %u for %u/%u, want %u/%u", type, g->slot,
		    g->gen, s->slot, s->gen);
	memcpy(m, g->data, len);
}

static void
tail(const struct got *g, size_t off, const void *want, size_t len)
{
	if (g->len - off != len || memcmp(g->data + off, want, len) != 0)
		errx(1, "imsg %u: its last %zu octets are not the %zu "
		    "awaited", g->type, g->len - off, len);
}

uint64_t
want_subscribed(struct sess *s)
{
	struct m_subscribed	m;
	struct got		g;

	hear(s, IMSG_SUBSCRIBED, &g, &m, sizeof(m));
	tail(&g, sizeof(m), "", 0);
	if (m.request != s->request || m.subscription == 0)
		errx(1, "SUBSCRIBED to request %llu",
		    (unsigned long long)m.request);
	return (m.subscription);
}

void
want_unsubscribed(struct sess *s, uint64_t id)
{
	struct m_unsubscribed	m;
	struct got		g;

	hear(s, IMSG_UNSUBSCRIBED, &g, &m, sizeof(m));
	tail(&g, sizeof(m), "", 0);
	if (m.request != s->request || m.subscription != id)
		errx(1, "UNSUBSCRIBED from %llu",
		    (unsigned long long)m.subscription);
}

/* What follows n octets is a URI: clients end sessions for what is none. */
int
got_uri(const struct got *g, size_t n)
{
	struct uri	u;

	if (g->len <= n || g->len > n + REASON_MAXLEN)
		return (0);
	u.p = (const char *)g->data + n;
	u.len = (uint16_t)(g->len - n);
	return (uri_is_valid(&u, URI_LOOSE));
}

void
want_revoked(struct sess *s, uint64_t id)
{
	struct m_unsubscribed	m;
	struct got		g;

	hear(s, IMSG_UNSUBSCRIBED, &g, &m, sizeof(m));
	if (m.request != 0 || m.subscription != id ||
	    !got_uri(&g, sizeof(m)))
		errx(1, "UNSUBSCRIBED %llu from %llu, %zu octets, want 0 "
		    "from %llu", (unsigned long long)m.request,
		    (unsigned long long)m.subscription, g.len,
		    (unsigned long long)id);
}

uint64_t
want_published(struct sess *s)
{
	struct m_published	m;
	struct got		g;

	hear(s, IMSG_PUBLISHED, &g, &m, sizeof(m));
	tail(&g, sizeof(m), "", 0);
	if (m.request != s->request || m.publication == 0 ||
	    m.publication > WAMP_ID_MAX)
		errx(1, "PUBLISHED %llu", (unsigned long long)m.request);
	return (m.publication);
}

uint64_t
want_event(struct side *t, uint64_t sub, const struct sess *but,
    const void *body, size_t len)
{
	struct m_event		m;
	struct m_sessref	r;
	struct got		g;
	size_t			off = sizeof(m);

	side_want(t, IMSG_EVENT, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != 0 || g.gen != 0 || m.subscription != sub ||
	    m.publication == 0 || m.publication > WAMP_ID_MAX ||
	    m.flags != 0 || m.nrefs != (but != NULL) || m.paylen != len ||
	    m.ser != SER || m.nargs != (len > 0))
		errx(1, "proxy %d: EVENT of %llu, %u excepted, want %llu",
		    t->instance, (unsigned long long)m.subscription,
		    m.nrefs, (unsigned long long)sub);
	if (but != NULL) {
		memcpy(&r, g.data + off, sizeof(r));
		off += sizeof(r);
		if (r.slot != but->slot || r.gen != but->gen)
			errx(1, "EVENT excepts slot %u", r.slot);
	}
	tail(&g, off, body, len);
	return (m.publication);
}

static size_t
take(const struct got *g, size_t off, size_t len, size_t size, void *to)
{
	if (off > g->len || len > g->len - off || len >= size)
		errx(1, "imsg %u has %zu octets, %zu of them at %zu?",
		    g->type, g->len, len, off);
	memcpy(to, g->data + off, len);
	((char *)to)[len] = '\0';
	return (off + len);
}

void
hear_event(struct side *t, struct heard *h)
{
	struct got	g;
	size_t		off = sizeof(h->m), len;

	side_want(t, IMSG_EVENT, &g, sizeof(h->m));
	memcpy(&h->m, g.data, sizeof(h->m));
	len = h->m.nrefs * sizeof(h->refs[0]);
	if (g.slot != 0 || g.gen != 0 || h->m.nrefs > EVENT_MAXREFS ||
	    len > g.len - off || h->m.ser != SER ||
	    (h->m.flags & ~EVENT_FLAGS) != 0)
		errx(1, "EVENT with %u sessions", h->m.nrefs);
	memcpy(h->refs, g.data + off, len);
	off += len;
	off = take(&g, off, h->m.topiclen, sizeof(h->topic), h->topic);
	off = take(&g, off, h->m.authidlen, sizeof(h->authid), h->authid);
	off = take(&g, off, h->m.rolelen, sizeof(h->role), h->role);
	off = take(&g, off, h->m.pptlen, sizeof(h->ppt), h->ppt);
	off = take(&g, off, h->m.paylen, sizeof(h->body), h->body);
	tail(&g, off, "", 0);
}

uint64_t
want_registered(struct sess *s)
{
	struct m_registered	m;
	struct got		g;

	hear(s, IMSG_REGISTERED, &g, &m, sizeof(m));
	tail(&g, sizeof(m), "", 0);
	if (m.request != s->request || m.registration == 0)
		errx(1, "REGISTERED");
	return (m.registration);
}

void
want_unregistered(struct sess *s)
{
	struct m_unregistered	m;
	struct got		g;

	hear(s, IMSG_UNREGISTERED, &g, &m, sizeof(m));
	tail(&g, sizeof(m), "", 0);
	if (m.request != s->request)
		errx(1, "UNREGISTERED");
}

uint64_t
want_invocation(struct sess *s, uint64_t reg, const char *body)
{
	struct m_invocation	m;
	struct got		g;
	size_t			len = strlen(body);

	hear(s, IMSG_INVOCATION, &g, &m, sizeof(m));
	if (m.registration != reg || m.flags != 0 || m.paylen != len ||
	    m.ser != SER || m.nargs != (len > 0 ? 2 : 0))
		errx(1, "INVOCATION of %llu, want %llu",
		    (unsigned long long)m.registration,
		    (unsigned long long)reg);
	tail(&g, sizeof(m), body, len);
	return (m.request);
}

void
want_result(struct sess *s, uint64_t call, const char *body)
{
	struct m_result	m;
	struct got	g;
	size_t		len = strlen(body);

	hear(s, IMSG_RESULT, &g, &m, sizeof(m));
	if (m.request != call || m.flags != 0 || m.paylen != len ||
	    m.ser != SER || m.nargs != (len > 0))
		errx(1, "RESULT of call %llu, want %llu",
		    (unsigned long long)m.request, (unsigned long long)call);
	tail(&g, sizeof(m), body, len);
}

void
want_error(struct sess *s, uint64_t call, const char *uri, const char *body)
{
	struct m_error	m;
	struct got	g;
	size_t		len = strlen(body);

	hear(s, IMSG_ERROR, &g, &m, sizeof(m));
	if (m.request != call || m.paylen != len || m.ser != SER ||
	    m.nargs != (len > 0) || m.urilen != strlen(uri) ||
	    g.len != sizeof(m) + m.urilen + len ||
	    memcmp(g.data + sizeof(m), uri, m.urilen) != 0)
		errx(1, "ERROR of call %llu", (unsigned long long)m.request);
	tail(&g, sizeof(m) + m.urilen, body, len);
}

void
want_refused(struct sess *s, enum wamp_code code, uint64_t request,
    enum wamp_err e)
{
	struct m_refused	m;
	struct got		g;

	hear(s, IMSG_REFUSED, &g, &m, sizeof(m));
	if (m.request != request || m.reqtype != code || m.err != e ||
	    m.textlen == 0 || m.textlen > REASON_MAXLEN ||
	    g.len != sizeof(m) + m.textlen)
		errx(1, "REFUSED %u %llu: %s, want %d %llu: %s", m.reqtype,
		    (unsigned long long)m.request,
		    wamp_err_uri((enum wamp_err)m.err), code,
		    (unsigned long long)request, wamp_err_uri(e));
}

uint64_t
subscribe_to(struct sess *s, const char *topic, int match)
{
	send_subscribe(s, topic, match);
	return (want_subscribed(s));
}

uint64_t
subscribe(struct sess *s, const char *topic)
{
	return (subscribe_to(s, topic, MATCH_EXACT));
}

uint64_t
registers(struct sess *s, const char *procedure)
{
	send_register(s, procedure, MATCH_EXACT, 0);
	return (want_registered(s));
}
