/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A whole tlsproxy but for TLS and its listening sockets: clients that send
 * anything over RawSocket and WebSocket, a broker and a keeper that may say
 * anything, in any order.  What goes to broker and keeper must be laid out
 * as msgtypes.h says, what RawSocket clients receive must be WAMP that a
 * router sends, and at the end nothing may be left.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <signal.h>

int	proxy_main(int, char **);
#define main	proxy_main
#include "../../tlsproxy/tlsproxy.c"
#undef main

#include "mono.h"
#include "ppt.h"

#define MUST(x)		do { if (!(x)) abort(); } while (0)
#define NCLIENTS	4

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct chan {
	const struct chan_ops	*ops;
	void			*arg;
	int			 is_closed, is_freed, in_handler;
};

struct client {
	struct conn	*conn;		/* may be freed: see is_live() */
	int		 fd;
	int		 is_rs;		/* RawSocket: frames can be read */
	int		 got_handshake;
	uint8_t		 ser;
	struct rs	 rs;
};

static struct proxy	 world;
static struct client	 clients[NCLIENTS];
static struct listener	 listener;
static uint64_t		 nextid;

/* -- in the place of chan.c and proc.c ----------------------------------- */

struct chan *
chan_new(struct event_base *base, int fd, size_t maxlen,
    const struct chan_ops *ops, void *arg)
{
	struct chan	*c;

	(void)base;
	(void)fd;
	(void)maxlen;
	MUST((c = calloc(1, sizeof(*c))) != NULL);
	c->ops = ops;
	c->arg = arg;
	return (c);
}

void
chan_free(struct chan *c)
{
	if (c == NULL)
		return;
	MUST(!c->is_freed);
	c->is_closed = 1;
	if (c->in_handler)
		c->is_freed = 1;
	else
		free(c);
}

void
chan_wipe(struct chan *c)
{
	(void)c;
}

void *
chan_arg(const struct chan *c)
{
	return (c->arg);
}

int
chan_is_over(const struct chan *c)
{
	MUST(!c->is_freed);
	return (0);
}

size_t
chan_waiting(const struct chan *c)
{
	MUST(!c->is_freed);
	return (0);
}

void
chan_set_ahead(struct chan *c, int (*fn)(struct chan *, const struct imsg *,
    enum chan_ahead))
{
	(void)c;
	(void)fn;
}

void
chan_set_marks(struct chan *c, size_t high, size_t low)
{
	(void)c;
	(void)high;
	(void)low;
}

void
chan_raise_maxlen(struct chan *c, size_t n)
{
	(void)c;
	(void)n;
}

static void
check_span(size_t len, size_t fixed, size_t urilen, size_t pptlen,
    size_t paylen, uint8_t ser, uint8_t nargs)
{
	MUST(pptlen <= PPT_MAXLEN);
	MUST(len == fixed + urilen + pptlen + paylen);
	MUST(urilen <= URI_MAXLEN);
	MUST(ser >= SER_JSON && ser <= SER_CBOR && nargs <= 2);
	MUST((nargs == 0) == (paylen == 0));
}

/* The lists of a PUBLISH, exactly as long as said. */
static void
check_filter(const uint8_t *p, size_t left)
{
	struct m_filter	m;
	uint16_t	len;
	int		i, n;

	MUST(left >= sizeof(m));
	memcpy(&m, p, sizeof(m));
	MUST(m.present != 0 && m.present < 1 << FILTER_LISTS);
	p += sizeof(m);
	left -= sizeof(m);
	for (i = 0; i < FILTER_LISTS; i++) {
		MUST(m.n[i] <= FILTER_MAX);
		MUST(m.n[i] == 0 || (m.present & 1 << i) != 0);
		for (n = 0; n < m.n[i]; n++) {
			len = sizeof(uint64_t);
			if (i > FILTER_ELIGIBLE) {
				MUST(left >= sizeof(len));
				memcpy(&len, p, sizeof(len));
				MUST(len <= AUTHID_MAXLEN);
				len = (uint16_t)(len + sizeof(len));
			}
			MUST(len <= left);
			p += len;
			left -= len;
		}
	}
	MUST(left == 0);
}

static void
check_ppt(const uint8_t *p, size_t len)
{
	struct ppt_text	t[PPT_ATTRS];

	MUST(len == 0 || ppt_read(p, len, t) == 0);
}

static void
check_sent(uint32_t type, const uint8_t *p, size_t len)
{
	struct m_auth_hello	ah;
	struct m_publish	pu;
	struct m_call		ca;
	struct m_yield		yi;
	struct m_error		er;
	struct m_subscribe	su;
	struct m_register	re;
	struct m_invocation_failed f;
	struct m_auth_response	ar;

	switch (type) {
	case IMSG_AUTH_HELLO:
		memcpy(&ah, p, sizeof(ah));
		MUST(len == sizeof(ah) + ah.ngroups * sizeof(uint32_t) +
		    ah.authidlen + (size_t)ah.subjectlen + ah.sanslen +
		    ah.noncelen + ah.addresslen + ah.extralen);
		MUST(ah.authidlen <= AUTHID_MAXLEN && ah.proofs == 0);
		MUST(ah.noncelen <= AUTH_MAXNONCE &&
		    ah.addresslen <= AUTH_MAXADDRESS &&
		    ah.extralen <= AUTH_MAXEXTRA);
		break;
	case IMSG_AUTH_RESPONSE:
		memcpy(&ar, p, sizeof(ar));
		MUST(len == sizeof(ar) + ar.siglen + (size_t)ar.noncelen +
		    ar.cbnamelen + ar.cbdatalen);
		MUST(ar.siglen <= AUTH_MAXSIG &&
		    ar.noncelen <= AUTH_MAXNONCE &&
		    ar.cbnamelen <= AUTH_MAXCBNAME &&
		    ar.cbdatalen <= AUTH_MAXCBDATA);
		break;
	case IMSG_PUBLISH:
		memcpy(&pu, p, sizeof(pu));
		MUST((pu.flags & ~(uint32_t)PUBLISH_FLAGS) == 0);
		MUST(pu.filterlen <= len);
		check_span(len - pu.filterlen, sizeof(pu), pu.urilen,
		    pu.pptlen, pu.paylen, pu.ser, pu.nargs);
		p += sizeof(pu) + pu.urilen;
		if (pu.filterlen > 0)
			check_filter(p, pu.filterlen);
		check_ppt(p + pu.filterlen, pu.pptlen);
		break;
	case IMSG_CALL:
		memcpy(&ca, p, sizeof(ca));
		MUST((ca.flags & ~(uint32_t)CALL_FLAGS) == 0);
		check_span(len, sizeof(ca), ca.urilen, ca.pptlen, ca.paylen,
		    ca.ser, ca.nargs);
		check_ppt(p + sizeof(ca) + ca.urilen, ca.pptlen);
		break;
	case IMSG_YIELD:
		memcpy(&yi, p, sizeof(yi));
		MUST((yi.flags & ~(uint32_t)YIELD_PROGRESS) == 0);
		check_span(len, sizeof(yi), 0, yi.pptlen, yi.paylen, yi.ser,
		    yi.nargs);
		check_ppt(p + sizeof(yi), yi.pptlen);
		break;
	case IMSG_ERROR:
		memcpy(&er, p, sizeof(er));
		check_span(len, sizeof(er), er.urilen, er.pptlen, er.paylen,
		    er.ser, er.nargs);
		check_ppt(p + sizeof(er) + er.urilen, er.pptlen);
		break;
	case IMSG_SUBSCRIBE:
		memcpy(&su, p, sizeof(su));
		MUST(len == sizeof(su) + su.urilen && su.match < MATCH_MAX);
		MUST((su.flags & ~SUBSCRIBE_GET_RETAINED) == 0);
		break;
	case IMSG_REGISTER:
		memcpy(&re, p, sizeof(re));
		MUST(len == sizeof(re) + re.urilen && re.match < MATCH_MAX);
		MUST(re.invoke < INVOKE_MAX);
		MUST((re.flags & ~(uint32_t)REGISTER_FLAGS) == 0);
		break;
	case IMSG_INVOCATION_FAILED:
		memcpy(&f, p, sizeof(f));
		MUST(len == sizeof(f) + f.textlen && f.err < WERR_MAX);
		break;
	case IMSG_UNSUBSCRIBE:
		MUST(len == sizeof(struct m_unsubscribe));
		break;
	case IMSG_UNREGISTER:
		MUST(len == sizeof(struct m_unregister));
		break;
	case IMSG_SESSION_FEATURES:
		MUST(len == sizeof(struct m_session_features));
		break;
	case IMSG_CANCEL:
		MUST(len == sizeof(struct m_cancel));
		break;
	case IMSG_SESSION_CLOSE:
		MUST(len == sizeof(struct m_session_close));
		break;
	case IMSG_AUTH_CANCEL:
	case IMSG_XOFF:
	case IMSG_XON:
	case IMSG_FENCE:
	case IMSG_ACCEPTING:
	case IMSG_SHUTDOWN_DONE:
		MUST(len == 0);
		break;
	case IMSG_DRAINED:
		MUST(len == sizeof(struct m_u32));
		break;
	case IMSG_CONN_COUNT:
		MUST(len > 0 && len % sizeof(struct m_conn_count) == 0);
		break;
	default:
		abort();
	}
}

int
chan_sendv(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n)
{
	static uint8_t	 buf[256 * 1024];
	size_t		 len = 0;
	int		 i;

	(void)slot;
	(void)gen;
	MUST(!c->is_freed);
	if (c->is_closed)
		return (-1);
	for (i = 0; i < n; i++) {
		MUST(iov[i].iov_len <= sizeof(buf) - len);
		if (iov[i].iov_len > 0)
			memcpy(buf + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	check_sent(type, buf, len);
	return (0);
}

int
chan_sendv_pbuf(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n, struct pbuf *pb, size_t off, size_t len)
{
	struct iovec	v[8];

	MUST(n < 8 && pb->refs > 0 && pb->is_counted && off <= pb->len &&
	    len <= pb->len - off);
	memcpy(v, iov, (size_t)n * sizeof(v[0]));
	iov_set(&v[n], pb->data + off, len);
	return (chan_sendv(c, type, slot, gen, v, n + 1));
}

int
chan_send(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	struct iovec	iov;
	union {
		const void	*c;
		void		*p;
	} u = { .c = data };

	iov.iov_base = u.p;
	iov.iov_len = len;
	return (chan_sendv(c, type, slot, gen, &iov, len > 0));
}

int
imsg_read_blocking(int fd, int ms, struct imsg_hdr *h, void *p, size_t n)
{
	(void)fd;
	(void)ms;
	(void)h;
	(void)p;
	(void)n;
	return (-1);
}

int
imsg_write_blocking(int fd, int ms, uint32_t type, uint32_t slot,
    uint32_t gen, const void *p, size_t n)
{
	(void)fd;
	(void)ms;
	(void)type;
	(void)slot;
	(void)gen;
	(void)p;
	(void)n;
	return (-1);
}

int
proc_main(struct proc *p, const struct proc_hooks *h, int argc, char **argv)
{
	(void)p;
	(void)h;
	(void)argc;
	(void)argv;
	return (0);
}

void
proc_suspect(const struct m_peer *id)
{
	MUST(id->role == PROC_BROKER || id->role == PROC_KEEPER);
}

const char *
proc_role_name(enum proc_role role)
{
	(void)role;
	return ("peer");
}

/* There is much to complain about. */
#define QUIET(name)				\
void						\
name(const char *fmt, ...)			\
{						\
	(void)fmt;				\
}

QUIET(log_warn)
QUIET(log_warnx)
QUIET(log_info)
QUIET(log_debug)
QUIET(log_session)

char *
log_vis(char *dst, size_t size, const void *text, size_t len)
{
	const uint8_t	*p = text;
	uint8_t		 sum = 0;

	while (len > 0)
		sum ^= p[--len];	/* all of it may be read */
	memset(dst, 0, size);
	dst[0] = (char)(sum == 1);
	return (dst);
}

char *
log_text(char *dst, size_t size, const void *text, size_t len)
{
	const uint8_t	*p = text;
	uint8_t		 sum = 0;

	while (len > 0)
		sum ^= p[--len];	/* all of it may be read */
	memset(dst, 0, size);
	dst[0] = (char)(sum == 1);
	return (dst);
}

int
log_may(struct log_limit *l, unsigned int burst)
{
	(void)l;
	(void)burst;
	return (1);
}

void
fatal(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

void
fatalx(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

/* -- the world ----------------------------------------------------------- */

static void
peers_back(void)
{
	struct m_peer	id;

	memset(&id, 0, sizeof(id));
	id.generation = 1;
	if (world.brokers[0].chan == NULL) {
		id.role = PROC_BROKER;
		MUST(broker_new(&id, -1) == 0);
	}
	if (world.keeper == NULL) {
		id.role = PROC_KEEPER;
		MUST(keeper_new(&id, -1) == 0);
	}
}

static void
start(void)
{
	static struct event_base	*base;
	struct conf_realm		*r;
	struct conf			*c;

	if (base == NULL)
		MUST((base = event_base_new()) != NULL);
	memset(&world, 0, sizeof(world));
	proxy = &world;
	TAILQ_INIT(&world.listeners);
	TAILQ_INIT(&world.conns);
	TAILQ_INIT(&world.dirty);
	TAILQ_INIT(&world.paused);
	TAILQ_INIT(&world.postponed);
	TAILQ_INIT(&world.ended);
	world.closes = TURN_CLOSES;
	TAILQ_INIT(&world.dirty_addrs);
	world.proc.base = base;
	world.proc.parent = chan_new(base, -1, 0, NULL, NULL);
	MUST((world.rbuf = malloc(READ_MAX)) != NULL);
	world.next_turn = evtimer_new(base, on_next_turn, &world);
	world.resume = evtimer_new(base, on_resume, &world);
	world.report = evtimer_new(base, on_report, &world);
	c = conf_new();
	c->limits.message = 64 * 1024;
	c->limits.queue = 256 * 1024;
	c->limits.memory = 8 * 1024 * 1024;
	r = conf_add_realm(c, "realm1", 6);
	r->id = 1;
	r = conf_add_realm(c, "loose", 5);
	r->id = 2;
	r->loose_ids = 1;
	conf_commit(c);
	memset(&listener, 0, sizeof(listener));
	listener.refs = 1000;
	listener.p = &world;
	listener.name = (char *)(uintptr_t)"fuzz";
	listener.flags = LISTEN_RAWSOCKET | LISTEN_WEBSOCKET;
	listener.sers = 1 << SER_JSON | 1 << SER_MSGPACK | 1 << SER_CBOR;
	peers_back();
	nextid = 0;
}

static int
is_live(const struct client *cl)
{
	struct conn	*c;

	TAILQ_FOREACH(c, &world.conns, entry)
		if (c == cl->conn)
			return (c->state != CONN_DEAD);
	return (0);
}

static void
check_message(const struct client *cl, const uint8_t *p, size_t len)
{
	static const uint8_t	ok[] = { WAMP_WELCOME, WAMP_ABORT,
	    WAMP_GOODBYE, WAMP_ERROR, WAMP_PUBLISHED, WAMP_SUBSCRIBED,
	    WAMP_UNSUBSCRIBED, WAMP_EVENT, WAMP_RESULT, WAMP_REGISTERED,
	    WAMP_UNREGISTERED, WAMP_INVOCATION, WAMP_INTERRUPT };
	struct val		v[8];
	size_t			i, n;

	MUST(codec_split((enum ser)cl->ser, p, len, v, 8, &n) == CODEC_OK);
	MUST(n >= 2 && v[0].type == VAL_UINT);
	for (i = 0; i < sizeof(ok); i++)
		if (ok[i] == v[0].u.u)
			return;
	abort();
}

/* What a client has received by now. */
static void
receive(struct client *cl)
{
	static uint8_t	 buf[64 * 1024];
	struct rs_event	 ev;
	uint8_t		*p;
	size_t		 len;
	ssize_t		 n;

	while (cl->fd != -1 && (n = read(cl->fd, buf, sizeof(buf))) > 0) {
		if (!cl->is_rs)
			continue;
		p = buf;
		len = (size_t)n;
		if (!cl->got_handshake) {
			MUST(len >= 4);
			p += 4;
			len -= 4;
			cl->got_handshake = 1;
		}
		do {
			rs_next(&cl->rs, &p, &len, &ev);
			MUST(ev.type != RS_FAIL);
			if (ev.type == RS_MESSAGE)
				check_message(cl, ev.data, ev.len);
		} while (ev.type != RS_MORE);
	}
}

static void
turn(void)
{
	int	i;

	event_base_loop(world.proc.base, EVLOOP_NONBLOCK);
	turn_end();
	for (i = 0; i < NCLIENTS; i++)
		receive(&clients[i]);
}

static void
client_close(struct client *cl)
{
	if (cl->fd != -1)
		close(cl->fd);
	if (cl->is_rs)
		rs_free(&cl->rs);
	memset(cl, 0, sizeof(*cl));
	cl->fd = -1;
}

static void
client_write(struct client *cl, const uint8_t *p, size_t len)
{
	ssize_t	n;

	n = send(cl->fd, p, len, MSG_NOSIGNAL);
	(void)n;
}

/* ser 1 to 3: its RawSocket handshake is done; 0: nothing is. */
static void
client_open(struct client *cl, uint8_t ser)
{
	static const uint8_t	key[16] = { 1 };
	uint8_t			hs[4] = { RS_MAGIC, 0, 0, 0 };
	int			sp[2];

	client_close(cl);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sp) == 0);
	cl->fd = sp[0];
	MUST((cl->conn = conn_new(&world, &listener, sp[1], "fuzz", key)) !=
	    NULL);
	if (ser == 0)
		return;
	cl->is_rs = 1;
	cl->ser = ser;
	rs_init(&cl->rs, RS_MAXLEN);
	hs[1] = (uint8_t)(0x80 | ser);		/* takes 128 KiB */
	client_write(cl, hs, sizeof(hs));
	turn();
}

static void
client_frame(struct client *cl, const uint8_t *p, size_t len)
{
	uint8_t	hdr[RS_HDRLEN];

	rs_header(hdr, RS_T_MESSAGE, len);
	client_write(cl, hdr, sizeof(hdr));
	client_write(cl, p, len);
}

/* As chan.c would: the table first, then the handler. */
static void
deliver(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const uint8_t *p, size_t len)
{
	const struct chan_rule	*r;
	struct imsg		 im;
	struct pbuf		*pb;
	size_t			 max;

	if (c == NULL || len > 8192)
		return;
	MUST((pb = pbuf_new_apart(len)) != NULL);
	pb->len = len;
	memset(&im, 0, sizeof(im));
	im.type = type;
	im.slot = slot;
	im.gen = gen;
	if (len > 0)
		memcpy(pb->data, p, len);
	im.data = pb->data;
	im.pb = len & 1 ? pb : NULL;
	im.len = len;
	im.fd = -1;
	r = type < IMSG_MAX ? &c->ops->table[type] : NULL;
	if (r != NULL && r->handler != NULL) {
		max = r->max == 0 ? r->min : r->max;
		if (len >= r->min && len <= max) {
			int	rv;

			c->in_handler = 1;
			rv = r->handler(c, &im);
			c->in_handler = 0;
			pbuf_unref(pb);
			if (c->is_freed) {
				free(c);
				return;
			}
			if (rv == 0)
				return;
			c->ops->ended(c, CHAN_NONSENSE, "fuzz");
			return;
		}
	}
	pbuf_unref(pb);
	c->ops->ended(c, CHAN_NONSENSE, "fuzz");
}

static struct psess *
sess_of(const struct client *cl)
{
	return (is_live(cl) ? cl->conn->sess : NULL);
}

/* HELLO, and the broker's SESSION_OPEN for it. */
static void
client_join(struct client *cl)
{
	static const char	json[] = "[1,\"realm1\",{\"roles\":{\"x\":{}}}]";
	static const uint8_t	mp[] = "\x93\x01\xa6realm1\x81\xa5roles\x81"
	    "\xa1x\x80";
	static const uint8_t	cbor[] = "\x83\x01\x66realm1\xa1\x65roles\xa1"
	    "\x61x\xa0";
	struct m_session_open	o;
	struct psess		*s;
	uint8_t			 buf[sizeof(o) + 2];

	if (!cl->is_rs || !is_live(cl))
		return;
	if (cl->ser == SER_JSON)
		client_frame(cl, (const uint8_t *)json, sizeof(json) - 1);
	else if (cl->ser == SER_MSGPACK)
		client_frame(cl, mp, sizeof(mp) - 1);
	else
		client_frame(cl, cbor, sizeof(cbor) - 1);
	turn();
	if ((s = sess_of(cl)) == NULL || s->state != SESS_AUTHENTICATING)
		return;
	/* each announced something else */
	s->features = FEAT_ALL >> (4 * (cl - clients));
	memset(&o, 0, sizeof(o));
	o.session = ++nextid;
	o.realm = 1;
	o.method = AUTH_ANONYMOUS;
	o.authidlen = o.rolelen = 1;
	memcpy(buf, &o, sizeof(o));
	memcpy(buf + sizeof(o), "ar", 2);
	deliver(world.brokers[0].chan, IMSG_SESSION_OPEN, s->slot, s->gen,
	    buf, sizeof(buf));
}

/* What a broker may say by its place here, so that seeds outlive new types;
 * anything else by its number. */
static uint32_t
said_by_broker(uint8_t what)
{
	static const uint8_t	types[] = { IMSG_SESSION_OPEN,
	    IMSG_SESSION_END, IMSG_SUBSCRIBED, IMSG_UNSUBSCRIBED,
	    IMSG_PUBLISHED, IMSG_EVENT, IMSG_REGISTERED, IMSG_UNREGISTERED,
	    IMSG_INVOCATION, IMSG_INTERRUPT, IMSG_RESULT, IMSG_HISTORY,
	    IMSG_CALL_OVER, IMSG_ERROR, IMSG_REFUSED, IMSG_XOFF, IMSG_XON,
	    IMSG_FENCE };

	return (what < sizeof(types) ? types[what] : what);
}

/* One step: op and client, argument, length (2), data. */
static size_t
step(const uint8_t *p, size_t left)
{
	struct client	*cl = &clients[p[0] % NCLIENTS];
	unsigned int	 op = p[0] / NCLIENTS % 12;
	size_t		 len = p[2] | (size_t)(p[3] & 0x1f) << 8;
	struct psess	*s;
	uint32_t	 slot, gen;

	if (len > left - 4)
		len = left - 4;
	s = sess_of(cl);
	slot = s != NULL ? s->slot : p[1] & 7;
	gen = s != NULL ? s->gen : 1;
	switch (op) {
	case 0:
		client_open(cl, p[1] % 4);
		return (4);
	case 1:
		client_join(cl);
		return (4);
	case 2:
		if (cl->fd != -1)
			client_write(cl, p + 4, len);
		break;
	case 3:
		if (cl->fd != -1)
			client_frame(cl, p + 4, len);
		break;
	case 4:
	case 5:
		deliver(world.brokers[0].chan, said_by_broker(p[1]), slot, gen,
		    p + 4, len);
		break;
	case 6:
		deliver(world.brokers[0].chan, said_by_broker(p[1]), 0, 0,
		    p + 4, len);
		break;
	case 7:
		deliver(world.keeper, p[1] & 2 ? IMSG_AUTH_CHALLENGE :
		    p[1] & 1 ? IMSG_AUTH_DENY : IMSG_AUTH_GRANTED, slot, gen + (p[1] >> 7), p + 4, len);
		break;
	case 8:
		turn();
		return (4);
	case 9:
		client_close(cl);
		return (4);
	case 10:
		if ((p[1] & 1) && world.brokers[0].chan != NULL)
			broker_lost(&world.brokers[0]);
		if ((p[1] & 2) && world.keeper != NULL)
			keeper_lost(&world);
		return (4);
	case 11:
		peers_back();
		return (4);
	}
	return (4 + len);
}

static void
finish(void)
{
	struct conn	*c;
	int		 i;

	turn();
	if (world.brokers[0].chan != NULL)
		broker_lost(&world.brokers[0]);
	if (world.keeper != NULL)
		keeper_lost(&world);
	turn();
	while ((c = TAILQ_FIRST(&world.conns)) != NULL) {
		conn_kill(c, "end");
		conns_flush(&world);
	}
	for (i = 0; i < NCLIENTS; i++)
		client_close(&clients[i]);
	world.report_at = 0;
	addr_report(&world);
	MUST(world.nconns == 0 && world.nsess == 0 && world.held == 0);
	MUST(world.naddrs == 0 && listener.refs == 1000);
	MUST(pbuf_in_use() == 0);
	event_free(world.next_turn);
	event_free(world.resume);
	event_free(world.report);
	chan_free(world.proc.parent);
	conf_free(world.conf);
	wbuf_free(&world.msg);
	wbuf_free(&world.tmp);
	wbuf_free(&world.filter);
	free(world.addrs);
	free(world.slots);
	free(world.rbuf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	size_t	n;
	int	i;

	signal(SIGPIPE, SIG_IGN);	/* as proc_main() does */
	for (i = 0; i < NCLIENTS; i++)
		clients[i].fd = -1;
	start();
	while (len >= 4) {
		n = step(p, len);
		p += n;
		len -= n;
	}
	finish();
	return (0);
}
