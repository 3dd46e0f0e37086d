/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Everybody around a real tlsproxy.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "proxy_play.h"

#define NLISTEN		4
#define IN_MAX		(32 * 1024 * 1024)

struct play	 pp;
struct side	 keeper = { .fd = -1 };
struct side	 brokers[2] = { { .fd = -1 }, { .fd = -1 } };
static struct conf	*pconf;
static char		 logged[65536];
static size_t		 nlogged;
static int		 is_running;

static struct listening {
	int			 fd;
	struct sockaddr_storage	 ss;
	socklen_t		 len;
} listening[NLISTEN] = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 },
    { .fd = -1 } };

/* -- configuration ------------------------------------------------------ */

static void
add_realm(struct conf *c, const char *name, uint32_t id)
{
	struct conf_realm	*r = conf_add_realm(c, name, strlen(name));

	r->id = id;
	r->broker = id - 1;
}

struct conf *
pconf_new(void)
{
	struct conf	*c = conf_new();

	c->prefork = 1;
	c->brokers = 2;
	c->loglevel = 0;
	add_realm(c, "realm1", 1);
	add_realm(c, "realm2", 2);
	return (c);
}

static void
listen_unix(struct listening *l, int n)
{
	struct sockaddr_un	*sun = (struct sockaddr_un *)&l->ss;

	sun->sun_family = AF_UNIX;
	/* abstract: nothing is left behind */
	snprintf(sun->sun_path + 1, sizeof(sun->sun_path) - 1,
	    "wampd-proxy-play.%ld.%d", (long)getpid(), n);
	l->len = sizeof(*sun);
}

static void
listen_inet(struct listening *l)
{
	struct sockaddr_in	*in = (struct sockaddr_in *)&l->ss;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->len = sizeof(*in);
}

/* Small writes are not to wait for each other. */
static void
no_delay(int fd)
{
	int	on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void
listen_open(int n, int is_unix)
{
	struct listening	*l = &listening[n];

	memset(&l->ss, 0, sizeof(l->ss));
	if (is_unix)
		listen_unix(l, n);
	else
		listen_inet(l);
	l->fd = socket(l->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (l->fd == -1 || bind(l->fd, (struct sockaddr *)&l->ss, l->len) ==
	    -1 || listen(l->fd, 128) == -1 || getsockname(l->fd,
	    (struct sockaddr *)&l->ss, &l->len) == -1)
		err(1, "listen");
	if (!is_unix)
		no_delay(l->fd);	/* its connections inherit it */
}

void
listener_forget(int n)
{
	close(listening[n].fd);
	listening[n].fd = -1;
}

struct conf_listen *
pconf_listen(struct conf *c, int n, uint32_t flags)
{
	struct conf_listen	*cl;
	char			 name[16];

	snprintf(name, sizeof(name), "%d", n);
	cl = conf_add_listen(c, name, strlen(name));
	cl->id = (uint32_t)n + 100;
	cl->flags = flags | LISTEN_RAWSOCKET | LISTEN_WEBSOCKET;
	cl->sers = 1U << SER_JSON | 1U << SER_MSGPACK | 1U << SER_CBOR;
	cl->naddr = 1;
	if (listening[n].fd == -1)
		listen_open(n, (flags & LISTEN_UNIX) != 0);
	return (cl);
}

static int
listen_fd(void *arg, const struct conf_listen *cl, unsigned int i)
{
	(void)arg;
	(void)i;
	return (listening[cl->id - 100].fd);
}

int
pp_configure(struct conf *c)
{
	struct conf	*old = pconf;

	if (play_configure(&pp, c) == -1)
		return (-1);
	pconf = c;
	conf_free(old);
	return (0);
}

/* -- the tlsproxy ------------------------------------------------------- */

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
		event_del(pp.log);
	logged[nlogged] = '\0';
}

void
pp_start(int kind, struct conf *c)
{
	static int	is_registered;

	play_start_kind(&pp, PROC_TLSPROXY, kind, "tlsproxy");
	if (!is_registered)
		atexit(show_log);
	is_registered = is_running = 1;
	event_free(pp.log);
	pp.log = event_new(pp.base, pp.log_fd, EV_READ | EV_PERSIST, on_log,
	    NULL);
	if (pp.log == NULL || event_add(pp.log, NULL) == -1)
		errx(1, "log");
	pp.listen_fd = listen_fd;
	if (pp_configure(c) == -1)
		errx(1, "configuration refused: %s", pp.failed);
	side_open(&keeper, PROC_KEEPER, 0);
	side_open(&brokers[0], PROC_BROKER, 0);
	side_open(&brokers[1], PROC_BROKER, 1);
	chan_send(pp.chan, IMSG_ACCEPT, 0, 0, NULL, 0);
	play_until(&pp, &pp.naccepting, 0, "ACCEPTING");
}

void
pp_stop(void)
{
	int	i;

	play_stop(&pp);
	is_running = 0;
	side_close(&keeper);
	side_close(&brokers[0]);
	side_close(&brokers[1]);
	for (i = 0; i < NLISTEN; i++)
		if (listening[i].fd != -1)
			listener_forget(i);
	conf_free(pconf);
	pconf = NULL;
	nlogged = 0;
}

void
pp_ok(const char *name)
{
	printf("ok - %s\n", name);
	fflush(stdout);
}

/* What came in one turn of its loop is done at the end of it, and what was
 * put off is done in the next. */
void
pp_sync(void)
{
	play_sync(&pp);
	play_sync(&pp);
}

int
pp_logged(const char *text)
{
	int	i;

	for (i = 0; i < 500 && strstr(logged, text) == NULL; i++) {
		play_poll(&pp);
		usleep(10000);
	}
	return (i < 500);
}

void
pp_forget_log(void)
{
	pp_sync();
	play_poll(&pp);
	nlogged = 0;
	logged[0] = '\0';
}

/* -- keeper and brokers ------------------------------------------------- */

void
side_close(struct side *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

void
side_open(struct side *s, int role, int instance)
{
	static uint32_t	generation = 0x51a70000;

	side_close(s);
	s->role = role;
	s->instance = instance;
	s->generation = ++generation;
	s->fd = play_peer(&pp, role, PROXY_NET, instance, s->generation,
	    LINK_MAIN);
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

/* A whole imsg with padding into b; returns its length. */
size_t
imsg_make(uint8_t *b, uint32_t type, uint32_t slot, uint32_t gen,
    const void *fixed, size_t len, const struct text *t, int n)
{
	struct imsg_hdr	 h;
	uint8_t		*p = b + sizeof(h);
	size_t		 total;
	int		 i;

	if (len > 0)
		memcpy(p, fixed, len);
	p += len;
	for (i = 0; i < n; i++) {
		if (t[i].len > 0)
			memcpy(p, t[i].p, t[i].len);
		p += t[i].len;
	}
	h.type = type;
	h.len = (uint32_t)(p - b);
	h.slot = slot;
	h.gen = gen;
	memcpy(b, &h, sizeof(h));
	total = (h.len + 7) & ~(size_t)7;
	memset(p, 0, total - h.len);
	return (total);
}

void
side_send(struct side *s, uint32_t type, uint32_t slot, uint32_t gen,
    const void *fixed, size_t len, const struct text *t, int n)
{
	size_t	 total = sizeof(struct imsg_hdr) + len + 8;
	uint8_t	*b;
	int	 i;

	for (i = 0; i < n; i++)
		total += t[i].len;
	if ((b = malloc(total)) == NULL)
		err(1, NULL);
	total = imsg_make(b, type, slot, gen, fixed, len, t, n);
	side_write(s, b, total);
	free(b);
}

static void
features_heard(struct side *s, const uint8_t *data)
{
	struct m_session_features	m;

	memcpy(&m, data, sizeof(m));
	s->features = m.features;
	s->nfeatures++;
}

int
side_next(struct side *s, struct got *g, int ms)
{
	static uint8_t	*buf;
	struct imsg_hdr	 h;
	struct pollfd	 pfd = { s->fd, POLLIN, 0 };

	if (buf == NULL && (buf = malloc(IN_MAX)) == NULL)
		err(1, NULL);
	for (;;) {
		if (poll(&pfd, 1, ms) == 0)
			return (0);
		if (imsg_read_blocking(s->fd, WAIT, &h, buf, IN_MAX) == -1)
			return (-1);
		if (h.type != IMSG_SESSION_FEATURES)
			break;
		features_heard(s, buf);
	}
	g->type = h.type;
	g->slot = h.slot;
	g->gen = h.gen;
	g->len = h.len - sizeof(h);
	g->data = buf;
	return (1);
}

static const char *
side_name(const struct side *s)
{
	return (s->role == PROC_KEEPER ? "keeper" :
	    s->instance == 0 ? "broker 0" : "broker 1");
}

void
side_want(struct side *s, uint32_t type, struct got *g, size_t fixed)
{
	switch (side_next(s, g, WAIT)) {
	case 0:
		errx(1, "%s: no imsg %u came", side_name(s), type);
	case -1:
		errx(1, "%s: closed, imsg %u awaited", side_name(s), type);
	}
	if (g->type != type)
		errx(1, "%s: got imsg %u of slot %u, want %u", side_name(s),
		    g->type, g->slot, type);
	if (g->len < fixed)
		errx(1, "imsg %u has %zu octets", type, g->len);
}

void
side_quiet(struct side *s)
{
	struct got	g;

	pp_sync();
	switch (side_next(s, &g, 0)) {
	case 1:
		errx(1, "%s: unexpected imsg %u of slot %u generation %u",
		    side_name(s), g.type, g.slot, g.gen);
	case -1:
		errx(1, "%s: closed", side_name(s));
	}
}

void
side_is_cut(struct side *s, unsigned int suspects)
{
	struct got	g;
	int		rv;

	while ((rv = side_next(s, &g, WAIT)) == 1)
		;
	if (rv == 0)
		errx(1, "%s: not cut off", side_name(s));
	if (pp.nsuspects == suspects)
		play_until(&pp, &pp.nsuspects, suspects, "PROC_SUSPECT");
	if (pp.nsuspects != suspects + 1 || pp.suspect.role != s->role ||
	    pp.suspect.instance != s->instance ||
	    pp.suspect.generation != s->generation)
		errx(1, "%s: somebody else is suspected", side_name(s));
}

/* -- clients ------------------------------------------------------------ */

void
client_close(struct client *c)
{
	if (c->fd > 0)
		close(c->fd);
	free(c->in);
	free(c->msg);
	c->in = c->msg = NULL;
	c->inlen = c->insize = 0;
	c->fd = -1;
}

void
client_connect(struct client *c, int n)
{
	struct listening	*l = &listening[n];

	memset(c, 0, sizeof(*c));
	c->fd = socket(l->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 || connect(c->fd, (struct sockaddr *)&l->ss,
	    l->len) == -1)
		err(1, "connect");
	if (l->ss.ss_family != AF_UNIX)
		no_delay(c->fd);
}

void
client_write(struct client *c, const void *data, size_t len)
{
	const uint8_t	*p = data;
	ssize_t		 n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = send(c->fd, p, len, MSG_NOSIGNAL)) == -1) {
			if (errno == EPIPE || errno == ECONNRESET)
				return;
			err(1, "client");
		}
}

/* Have n octets at least: 1, 0 if they do not come, -1 at the end. */
static int
client_fill(struct client *c, size_t want, int ms)
{
	struct pollfd	pfd = { c->fd, POLLIN, 0 };
	ssize_t		n;

	while (c->inlen < want) {
		if (c->insize < want + 65536) {
			c->insize = want + 65536;
			if ((c->in = realloc(c->in, c->insize)) == NULL)
				err(1, NULL);
		}
		if (poll(&pfd, 1, ms) == 0)
			return (0);
		n = read(c->fd, c->in + c->inlen, c->insize - c->inlen);
		if (n <= 0)
			return (-1);
		c->inlen += (size_t)n;
	}
	return (1);
}

static void
client_take(struct client *c, size_t n)
{
	c->inlen -= n;
	memmove(c->in, c->in + n, c->inlen);
}

void
client_open(struct client *c, int n, int ser, int exp)
{
	uint8_t	hello[4] = { 0x7f, (uint8_t)(exp << 4 | ser), 0, 0 };

	client_connect(c, n);
	c->ser = ser;
	client_write(c, hello, sizeof(hello));
	if (client_fill(c, 4, WAIT) != 1 || c->in[0] != 0x7f ||
	    (c->in[1] & 15) != ser)
		errx(1, "no RawSocket handshake");
	client_take(c, 4);
}

void
client_open_ws(struct client *c, int n, int ser)
{
	static const char *const names[] = { "", "json", "msgpack", "cbor" };
	char			 req[512];
	const uint8_t		*end = NULL;
	size_t			 want;

	client_connect(c, n);
	c->ser = ser;
	c->is_ws = 1;
	snprintf(req, sizeof(req), "GET / HTTP/1.1\r\nHost: localhost\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Protocol: wamp.2.%s\r\n\r\n", names[ser]);
	client_write(c, req, strlen(req));
	for (want = 1; end == NULL; want = c->inlen + 1) {
		if (client_fill(c, want, WAIT) != 1)
			errx(1, "no WebSocket handshake");
		end = memmem(c->in, c->inlen, "\r\n\r\n", 4);
	}
	if (memcmp(c->in, "HTTP/1.1 101", 12) != 0)
		errx(1, "no WebSocket: %.12s", (const char *)c->in);
	client_take(c, (size_t)(end + 4 - c->in));
}

static size_t
ws_head(const struct client *c, size_t len, uint8_t *h)
{
	size_t	n = 2, i;

	h[0] = c->ser == SER_JSON ? 0x81 : 0x82;
	if (len < 126)
		h[1] = (uint8_t)(0x80 | len);
	else if (len < 65536) {
		h[1] = 0x80 | 126;
		h[n++] = (uint8_t)(len >> 8);
		h[n++] = (uint8_t)len;
	} else {
		h[1] = 0x80 | 127;
		for (i = 0; i < 8; i++)
			h[n++] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
	}
	memset(h + n, 0, 4);		/* a mask that changes nothing */
	return (n + 4);
}

void
client_send(struct client *c, const void *msg, size_t len)
{
	uint8_t	h[16];
	size_t	n = 4;

	if (c->is_ws)
		n = ws_head(c, len, h);
	else {
		h[0] = 0;
		h[1] = (uint8_t)(len >> 16);
		h[2] = (uint8_t)(len >> 8);
		h[3] = (uint8_t)len;
	}
	client_write(c, h, n);
	client_write(c, msg, len);
}

void
client_say(struct client *c, const char *json)
{
	client_send(c, json, strlen(json));
}

/* The next frame's head: its length, with that of the payload in *len. */
static int
frame_head(struct client *c, size_t *head, size_t *len, int ms)
{
	int	rv, i;

	*head = c->is_ws ? 2 : 4;
	if ((rv = client_fill(c, *head, ms)) != 1)
		return (rv);
	if (!c->is_ws) {
		*len = (size_t)c->in[1] << 16 | (size_t)c->in[2] << 8 |
		    c->in[3];
		return (1);
	}
	*len = c->in[1] & 127;
	if (*len < 126)
		return (1);
	*head = *len == 126 ? 4 : 10;
	if ((rv = client_fill(c, *head, ms)) != 1)
		return (rv);
	for (*len = 0, i = 2; i < (int)*head; i++)
		*len = *len << 8 | c->in[i];
	return (1);
}

int
client_next(struct client *c, int ms)
{
	size_t	head, len;
	int	rv, is_message;

	do {
		if ((rv = frame_head(c, &head, &len, ms)) != 1)
			return (rv);
		if ((rv = client_fill(c, head + len, ms)) != 1)
			return (rv);
		is_message = c->is_ws ? (c->in[0] & 15) < 8 :
		    (c->in[0] & 7) == 0;
		free(c->msg);
		if ((c->msg = malloc(len + 1)) == NULL)
			err(1, NULL);
		memcpy(c->msg, c->in + head, len);
		c->msg[len] = '\0';
		c->len = len;
		client_take(c, head + len);
	} while (!is_message);
	return (1);
}

static void
client_expect(struct client *c, const char *what)
{
	switch (client_next(c, WAIT)) {
	case 0:
		errx(1, "client: %s did not come", what);
	case -1:
		errx(1, "client: closed, awaiting %s", what);
	}
}

void
client_want(struct client *c, const char *json)
{
	client_expect(c, json);
	if (strcmp((char *)c->msg, json) != 0)
		errx(1, "client: got %s, want %s", (char *)c->msg, json);
}

void
client_want_like(struct client *c, const char *begin)
{
	client_expect(c, begin);
	if (strncmp((char *)c->msg, begin, strlen(begin)) != 0)
		errx(1, "client: got %s, want %s...", (char *)c->msg, begin);
}

void
client_quiet(struct client *c)
{
	pp_sync();
	switch (client_next(c, 0)) {
	case 1:
		errx(1, "client: unexpected %s", (char *)c->msg);
	case -1:
		errx(1, "client: closed");
	}
}

void
client_is_closed(struct client *c)
{
	switch (client_next(c, WAIT)) {
	case 0:
		errx(1, "client: not closed");
	case 1:
		errx(1, "client: unexpected %s", (char *)c->msg);
	}
	client_close(c);
}

/* -- sessions ----------------------------------------------------------- */

void
hello(struct client *c, int realm)
{
	char	msg[128];

	snprintf(msg, sizeof(msg), "[1,\"realm%d\",{\"roles\":{\"caller\":{}}}]",
	    realm);
	client_say(c, msg);
	hello_heard(c, realm);
}

void
hello_heard(struct client *c, int realm)
{
	struct got	g;

	side_want(&keeper, IMSG_AUTH_HELLO, &g, sizeof(struct m_auth_hello));
	c->realm = (uint32_t)realm;
	c->b = &brokers[realm - 1];
	c->slot = g.slot;
	c->gen = g.gen;
}

void
send_open(struct client *c)
{
	static uint64_t		id = 1000;
	struct m_session_open	m;
	struct text		t[2] = { { "alice", 5 }, { "user", 4 } };

	memset(&m, 0, sizeof(m));
	m.session = c->id = ++id;
	m.realm = c->realm;
	m.method = AUTH_ANONYMOUS;
	m.authidlen = 5;
	m.rolelen = 4;
	side_send(c->b, IMSG_SESSION_OPEN, c->slot, c->gen, &m, sizeof(m), t,
	    2);
}

void
join(struct client *c, int n, int realm)
{
	client_open(c, n, SER_JSON, 15);
	hello(c, realm);
	send_open(c);
	client_want_like(c, "[2,");
}

void
send_end(struct client *c, enum wamp_err e, const char *why)
{
	struct m_session_end	m = { .err = (uint16_t)e,
				    .textlen = (uint16_t)strlen(why) };
	struct text		t = { why, strlen(why) };

	side_send(c->b, IMSG_SESSION_END, c->slot, c->gen, &m, sizeof(m), &t,
	    1);
}

void
want_close(struct client *c, int why)
{
	struct m_session_close	m;
	struct got		g;

	side_want(c->b, IMSG_SESSION_CLOSE, &g, sizeof(m));
	memcpy(&m, g.data, sizeof(m));
	if (g.slot != c->slot || g.gen != c->gen)
		errx(1, "SESSION_CLOSE of slot %u generation %u, want %u, %u",
		    g.slot, g.gen, c->slot, c->gen);
	if (m.why != why)
		errx(1, "SESSION_CLOSE: why %d, want %d", m.why, why);
}

void
send_deny(struct client *c, enum wamp_err e, const char *why)
{
	struct m_auth_deny	m = { (uint16_t)e, (uint16_t)strlen(why) };
	struct text		t = { why, strlen(why) };

	side_send(&keeper, IMSG_AUTH_DENY, c->slot, c->gen, &m, sizeof(m),
	    &t, 1);
}

void
send_event(struct client *c, uint64_t sub, uint64_t pub,
    const struct client *but, const char *json)
{
	struct m_event		m;
	struct m_sessref	r;
	struct text		t[2] = { { &r, 0 }, { json, strlen(json) } };

	memset(&m, 0, sizeof(m));
	m.subscription = sub;
	m.publication = pub;
	m.paylen = (uint32_t)strlen(json);
	m.ser = SER_JSON;
	m.nargs = m.paylen > 0;
	if (but != NULL) {
		m.nrefs = 1;
		r.slot = but->slot;
		r.gen = but->gen;
		t[0].len = sizeof(r);
	}
	side_send(c->b, IMSG_EVENT, 0, 0, &m, sizeof(m), t, 2);
}

void
send_subscribed(struct client *c, uint64_t request, uint64_t sub)
{
	struct m_subscribed	m = { request, sub };

	side_send(c->b, IMSG_SUBSCRIBED, c->slot, c->gen, &m, sizeof(m),
	    NULL, 0);
}

void
send_result(struct client *c, uint64_t request, const char *json)
{
	struct m_result	m;
	struct text	t = { json, strlen(json) };

	memset(&m, 0, sizeof(m));
	m.request = request;
	m.paylen = (uint32_t)t.len;
	m.ser = SER_JSON;
	m.nargs = t.len > 0;
	side_send(c->b, IMSG_RESULT, c->slot, c->gen, &m, sizeof(m), &t, 1);
}

void
leave(struct client *c)
{
	client_say(c, "[6,{},\"wamp.close.normal\"]");
	client_want_like(c, "[6,");
	want_close(c, CLOSE_GOODBYE);
	send_end(c, WERR_NONE, "");
	client_close(c);
}
