/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What two tlsproxies and a keeper may say to a broker, in any order: raw
 * imsgs and sensible ones, reloads, deaths, full queues.  The channels are
 * the target's own, so that it sees each imsg of the broker: its length must
 * be exact and its session open.  Afterwards nothing may be left over.
 */
#include <sys/queue.h>

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "obuf.h"

/* It has much to complain about. */
__attribute__((format(printf, 1, 2)))
static void
quiet(const char *fmt, ...)
{
	(void)fmt;
}

int	broker_main(int, char **);

#define log_warnx	quiet
#define main		broker_main
#include "../../broker/broker.c"
#undef main
#undef log_warnx

#define MUST(x)		do { if (!(x)) abort(); } while (0)

#define NPROXIES	2
#define NSLOTS		16
#define HEAVY		2048		/* octets count so many times */
#define BODY_ROOM	(OBUF_COPY + 256)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* -- channels ----------------------------------------------------------- */

struct chan {
	const struct chan_ops	*ops;
	void			*arg;
	size_t			 waiting, high, low;
	int			 is_over, is_freed, in_handler;
	/* of the tlsproxy at its end: who may be spoken to */
	uint8_t			 open[NSLOTS];
	uint32_t		 gens[NSLOTS];
};

static struct chan	*proxies[NPROXIES], *keeper;
static uint32_t		 generation;

struct chan *
chan_new(struct event_base *base, int fd, size_t len,
    const struct chan_ops *ops, void *arg)
{
	struct chan	*c;

	(void)base;
	(void)fd;
	(void)len;
	MUST((c = calloc(1, sizeof(*c))) != NULL);
	c->ops = ops;
	c->arg = arg;
	return (c);
}

void
chan_free(struct chan *c)
{
	int	i;

	for (i = 0; i < NPROXIES; i++)
		if (proxies[i] == c)
			proxies[i] = NULL;
	if (keeper == c)
		keeper = NULL;
	c->is_freed = 1;
	if (!c->in_handler)
		free(c);
}

void
chan_wipe(struct chan *c)
{
	(void)c;
}

void
chan_raise_maxlen(struct chan *c, size_t len)
{
	(void)c;
	(void)len;
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
	c->high = high;
	c->low = low;
}

void *
chan_arg(const struct chan *c)
{
	return (c->arg);
}

size_t
chan_waiting(const struct chan *c)
{
	return (c->waiting);
}

static size_t
fixed(uint32_t type)
{
	switch (type) {
	case IMSG_SESSION_OPEN:
		return (sizeof(struct m_session_open));
	case IMSG_SESSION_END:
		return (sizeof(struct m_session_end));
	case IMSG_SUBSCRIBED:
		return (sizeof(struct m_subscribed));
	case IMSG_UNSUBSCRIBED:
		return (sizeof(struct m_unsubscribed));
	case IMSG_PUBLISHED:
		return (sizeof(struct m_published));
	case IMSG_EVENT:
		return (sizeof(struct m_event));
	case IMSG_REGISTERED:
		return (sizeof(struct m_registered));
	case IMSG_UNREGISTERED:
		return (sizeof(struct m_unregistered));
	case IMSG_INVOCATION:
		return (sizeof(struct m_invocation));
	case IMSG_INTERRUPT:
		return (sizeof(struct m_interrupt));
	case IMSG_CALL_OVER:
		return (sizeof(struct m_call_over));
	case IMSG_HISTORY:
		return (sizeof(struct m_history));
	case IMSG_RESULT:
		return (sizeof(struct m_result));
	case IMSG_ERROR:
		return (sizeof(struct m_error));
	case IMSG_REFUSED:
		return (sizeof(struct m_refused));
	case IMSG_XOFF:
	case IMSG_XON:
	case IMSG_FENCE:
		return (0);
	}
	abort();		/* a broker does not say that */
}

/* Is an identity there if a flag says so, and not otherwise? */
static int
is_disclosed(int flag, uint64_t session, uint16_t authidlen, uint16_t rolelen)
{
	if (flag)
		return (session > 0 && session <= WAMP_ID_MAX);
	return (session == 0 && authidlen == 0 && rolelen == 0);
}

/* The octets behind the fixed part, by what the fixed part says; of texts
 * that are all that is left, what is left. */
static size_t
tail(uint32_t type, const uint8_t *b, size_t left)
{
	union {
		struct m_session_open	open;
		struct m_session_end	end;
		struct m_unsubscribed	removed;
		struct m_event		event;
		struct m_invocation	inv;
		struct m_interrupt	irq;
		struct m_history	history;
		struct m_result		result;
		struct m_error		error;
		struct m_refused	refused;
	} m;

	memset(&m, 0, sizeof(m));
	memcpy(&m, b, fixed(type));
	switch (type) {
	case IMSG_SESSION_OPEN:
		return ((size_t)m.open.authidlen + m.open.rolelen);
	case IMSG_SESSION_END:
		MUST(m.end.textlen <= REASON_MAXLEN && m.end.err < WERR_MAX);
		return ((size_t)m.end.textlen + m.end.urilen);
	case IMSG_UNSUBSCRIBED:
	case IMSG_UNREGISTERED:
		/* revoked, with the reason, or asked for */
		MUST(left <= (m.removed.request == 0 ? REASON_MAXLEN : 0));
		return (left);
	case IMSG_EVENT:
		MUST(m.event.nrefs <= EVENT_MAXREFS && m.event.subscription > 0 &&
		    m.event.subscription <= broker.lastsub &&
		    m.event.publication > 0 &&
		    m.event.publication <= WAMP_ID_MAX);
		MUST(is_disclosed((m.event.flags & EVENT_PUBLISHER) != 0,
		    m.event.publisher, m.event.authidlen, m.event.rolelen));
		MUST((m.event.flags & EVENT_TRUST) != 0 ||
		    m.event.trust == 0);
		return (m.event.nrefs * sizeof(struct m_sessref) +
		    m.event.topiclen + m.event.authidlen + m.event.rolelen +
		    m.event.pptlen + m.event.paylen);
	case IMSG_INVOCATION:
		MUST(is_disclosed((m.inv.flags & INVOCATION_CALLER) != 0,
		    m.inv.caller, m.inv.authidlen, m.inv.rolelen));
		MUST((m.inv.flags & INVOCATION_TRUST) != 0 ||
		    m.inv.trust == 0);
		return ((size_t)m.inv.proclen + m.inv.authidlen +
		    m.inv.rolelen + m.inv.pptlen + m.inv.paylen);
	case IMSG_INTERRUPT:
		MUST((m.irq.mode == CANCEL_KILL ||
		    m.irq.mode == CANCEL_KILLNOWAIT) &&
		    m.irq.err > WERR_NONE && m.irq.err < WERR_MAX);
		return (0);
	case IMSG_HISTORY:
		MUST(left >= m.history.n * sizeof(struct m_history_event));
		return (left);
	case IMSG_RESULT:
		return ((size_t)m.result.pptlen + m.result.paylen);
	case IMSG_ERROR:
		return ((size_t)m.error.urilen + m.error.pptlen +
		    m.error.paylen);
	case IMSG_REFUSED:
		MUST(m.refused.textlen <= REASON_MAXLEN &&
		    m.refused.err > WERR_NONE && m.refused.err < WERR_MAX &&
		    wamp_code_name(m.refused.reqtype) != NULL);
		return (m.refused.textlen);
	}
	return (0);
}

/* What the broker says: is it well-formed, and said to somebody there? */
static int
heard(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n, size_t more)
{
	uint8_t	b[64] = { 0 };
	size_t	len = 0, part;
	int	i;

	MUST(c->ops == &proxy_ops && !c->is_freed);
	for (i = 0; i < n; i++) {
		part = iov[i].iov_len;
		if (len < sizeof(b) && part > 0)
			memcpy(b + len, iov[i].iov_base,
			    part < sizeof(b) - len ? part : sizeof(b) - len);
		len += part;
	}
	len += more;
	MUST(len >= fixed(type) &&
	    len - fixed(type) == tail(type, b, len - fixed(type)));
	c->waiting += (sizeof(struct imsg_hdr) + len) * HEAVY;
	if (type == IMSG_EVENT || ((type == IMSG_XOFF || type == IMSG_XON) &&
	    slot == 0)) {
		MUST(slot == 0 && gen == 0);
		return (0);
	}
	MUST(slot > 0 && slot < SLOT_MAX);
	if (slot >= NSLOTS)
		return (0);
	if (type == IMSG_SESSION_OPEN) {
		MUST(!c->open[slot]);
		c->open[slot] = 1;
		c->gens[slot] = gen;
	} else if (type != IMSG_SESSION_END)
		MUST(c->open[slot] && c->gens[slot] == gen);
	if (type == IMSG_SESSION_END) {
		if (c->open[slot] && c->gens[slot] == gen)
			c->open[slot] = 0;
		else if (!c->open[slot])
			c->gens[slot] = gen;	/* a grant refused */
	}
	return (0);
}

int
chan_sendv(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n)
{
	return (heard(c, type, slot, gen, iov, n, 0));
}

int
chan_sendv_pbuf(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n, struct pbuf *pb, size_t off, size_t len)
{
	MUST(pb->refs > 0 && off <= pb->len && len <= pb->len - off);
	MUST(pb->is_counted);
	return (heard(c, type, slot, gen, iov, n, len));
}

/* -- the process -------------------------------------------------------- */

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
proc_suspect(const struct m_peer *p)
{
	MUST(p->role == PROC_TLSPROXY || p->role == PROC_KEEPER);
}

const char *
proc_role_name(enum proc_role role)
{
	(void)role;
	return ("");
}

static void
rule(struct conf_role *role, int allow, unsigned int actions, int match,
    const char *uri)
{
	struct conf_rule	*r;

	MUST((r = calloc(1, sizeof(*r))) != NULL);
	r->allow = (uint8_t)allow;
	r->actions = (uint8_t)actions;
	r->match = (uint8_t)match;
	r->anyuri = *uri == '\0';
	MUST((r->uri = strdup(uri)) != NULL);
	r->urilen = (uint16_t)strlen(uri);
	TAILQ_INSERT_TAIL(&role->rules, r, entry);
}

/* The role 11 is asked about of who has role 10. */
static void
authorizer(struct conf_realm *r, uint8_t how)
{
	struct conf_role	*role;

	MUST((role = conf_find_role_id(r, 10)) != NULL);
	rule(role, 1, ACTION_REGISTER, MATCH_EXACT, "b");
	MUST((role = conf_find_role_id(r, 11)) != NULL);
	MUST((role->authorizer.procedure = strdup("b")) != NULL);
	role->authorizer.timeout = how & 0x20 ? 1 : 10000;
	role->authorizer.cache = how & 0x40 ? 10000 : 0;
	conf_add_str(&r->asked, "b", 1);
}

/* Realms 1 (always) and 2, roles 10 (all), 11 (some) and 12. */
static void
configure(uint8_t how)
{
	struct conf		*c = conf_new();
	struct conf_realm	*r;
	struct conf_role	*role;
	uint32_t		 i;

	c->limits.subscriptions = 4 + how % 3;
	c->limits.registrations = 4 + how % 3;
	c->limits.calls = 8;
	c->limits.memory = how & 0x80 ? 2048 : 1 << 24;
	for (i = 1; i <= (how & 1 ? 2U : 1U); i++) {
		r = conf_add_realm(c, i == 1 ? "one" : "two", 3);
		r->id = i;
		r->strict_uris = (how & 2) != 0;
		role = conf_add_role(r, "all", 3);
		role->id = 10;
		rule(role, 1, ACTION_ALL, MATCH_EXACT, "");
		role = conf_add_role(r, "some", 4);
		role->id = 11;
		rule(role, 1, ACTION_ALL, MATCH_PREFIX, "a");
		if (how & 4)
			rule(role, 0, ACTION_ALL, MATCH_WILDCARD, "a.");
		if (how & 8)
			conf_add_role(r, "none", 4)->id = 12;
		if (how & 0x10)
			authorizer(r, how);
	}
	conf_commit(c);
}

static void
connect_peers(void)
{
	struct m_peer	id;
	int		i;

	for (i = 0; i <= NPROXIES; i++) {
		if ((i < NPROXIES ? proxies[i] : keeper) != NULL)
			continue;
		memset(&id, 0, sizeof(id));
		id.role = i < NPROXIES ? PROC_TLSPROXY : PROC_KEEPER;
		id.instance = (uint16_t)(i % NPROXIES);
		id.generation = ++generation;
		MUST(peer_new(&id, -1) == 0);
		*(i < NPROXIES ? &proxies[i] : &keeper) =
		    TAILQ_LAST(&broker.peers, peers)->chan;
	}
}

/* As chan.c would: the table, then the handler. */
static void
say(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	const struct chan_rule	*r;
	struct imsg		 im;
	size_t			 max;
	struct pbuf		*pb;

	/* exactly sized and aligned, for sanitizers */
	MUST((pb = pbuf_new_apart(len)) != NULL);
	if (len > 0)
		memcpy(pb->data, data, len);
	pb->len = len;
	im.type = type;
	im.slot = slot;
	im.gen = gen;
	im.len = len;
	im.fd = -1;
	im.data = pb->data;
	im.pb = len & 1 ? pb : NULL;
	r = type < IMSG_MAX ? &c->ops->table[type] : NULL;
	max = r == NULL ? 0 : r->max == 0 ? r->min : r->max;
	c->in_handler = 1;
	if (r == NULL || r->handler == NULL || len < r->min || len > max ||
	    r->handler(c, &im) == -1) {
		if (!c->is_freed)
			c->ops->ended(c, CHAN_NONSENSE, "");
	}
	c->in_handler = 0;
	if (c->is_freed)
		free(c);
	pbuf_unref(pb);
}

static void
turn(void)
{
	struct chan	*c;
	int		 i, over;

	event_base_loop(broker.proc.base, EVLOOP_NONBLOCK);
	for (i = 0; i < NPROXIES; i++) {
		if ((c = proxies[i]) == NULL)
			continue;
		over = c->is_over ? c->waiting > c->low : c->waiting > c->high;
		if (over == c->is_over)
			continue;
		c->is_over = over;
		c->ops->throttle(c, over);
	}
}

/* -- what is said ------------------------------------------------------- */

struct in {
	const uint8_t	*p;
	size_t		 left;
};

static uint8_t
next(struct in *in)
{
	if (in->left == 0)
		return (0);
	in->left--;
	return (*in->p++);
}

static const uint8_t	yeses[4][10] = {
	{ 0x91, 0x81, 0xa5, 'a', 'l', 'l', 'o', 'w', 0xc3, 0xc0 },
	{ 0x92, 0xc3, 0xa7, '.', '.', '.', '.', '.', '.', '.' },
	{ 0x92, 0xc2, 0xa7, '.', '.', '.', '.', '.', '.', '.' },
	{ 0x91, 0x88, 0xa5, 'c', 'a', 'c', 'h', 'e', 0x01, 0x01 }
};
static const char *const names[] = { "a", "a.b", "b", "A", "wamp.x", "" };

/* A sensible imsg, or one that nearly is. */
static size_t
compose(struct in *in, uint32_t type, uint8_t *b)
{
	union {
		struct m_session_close		close;
		struct m_subscribe		sub;
		struct m_unsubscribe		unsub;
		struct m_publish		pub;
		struct m_register		reg;
		struct m_unregister		unreg;
		struct m_call			call;
		struct m_yield			yield;
		struct m_error			error;
		struct m_invocation_failed	failed;
	} m;
	uint8_t		 what = next(in), n = next(in);
	const char	*uri = names[what % 6];
	/* now and then so much that it is shared */
	size_t		 urilen = strlen(uri), len;
	size_t		 paylen = n % 32 == 31 ? OBUF_COPY + 5 : n % 32;
	uint8_t		 nargs = paylen > 0;

	memset(&m, 0, sizeof(m));
	memset(b, 'p', BODY_ROOM);
	switch (type) {
	case IMSG_SESSION_CLOSE:
		m.close.why = what % 7;
		len = sizeof(m.close);
		urilen = paylen = 0;
		break;
	case IMSG_SUBSCRIBE:
		m.sub.match = n == 255;
		m.sub.urilen = (uint16_t)urilen;
		len = sizeof(m.sub);
		paylen = 0;
		break;
	case IMSG_UNSUBSCRIBE:
		m.unsub.subscription = broker.lastsub - what % 4;
		len = sizeof(m.unsub);
		urilen = paylen = 0;
		break;
	case IMSG_PUBLISH:
		m.pub.flags = n >> 6;
		m.pub.urilen = (uint16_t)urilen;
		m.pub.paylen = (uint32_t)paylen;
		m.pub.ser = 1;
		m.pub.nargs = nargs;
		len = sizeof(m.pub);
		break;
	case IMSG_REGISTER:
		m.reg.invoke = n == 255;
		m.reg.urilen = (uint16_t)urilen;
		len = sizeof(m.reg);
		paylen = 0;
		break;
	case IMSG_UNREGISTER:
		m.unreg.registration = broker.lastreg - what % 4;
		len = sizeof(m.unreg);
		urilen = paylen = 0;
		break;
	case IMSG_CALL:
		m.call.urilen = (uint16_t)urilen;
		m.call.paylen = (uint32_t)paylen;
		m.call.ser = 2;
		m.call.nargs = nargs;
		len = sizeof(m.call);
		break;
	case IMSG_YIELD:
		m.yield.request = what % 16;
		m.yield.ser = 3;
		if (what & 0x10) {	/* what an authorizer may say */
			m.yield.ser = 2;
			paylen = sizeof(yeses[0]);
			nargs = 1;
			memcpy(b + sizeof(m.yield), yeses[n % 4], paylen);
		}
		m.yield.paylen = (uint32_t)paylen;
		m.yield.nargs = nargs;
		len = sizeof(m.yield);
		urilen = 0;
		break;
	case IMSG_ERROR:
		m.error.request = what % 16;
		m.error.urilen = (uint16_t)urilen;
		m.error.paylen = (uint32_t)paylen;
		m.error.ser = 3;
		m.error.nargs = nargs;
		len = sizeof(m.error);
		break;
	case IMSG_INVOCATION_FAILED:
		m.failed.request = what % 16;
		m.failed.err = WERR_TIMEOUT;
		paylen %= REASON_MAXLEN;
		m.failed.textlen = (uint16_t)paylen;
		len = sizeof(m.failed);
		urilen = 0;
		break;
	default:
		return (0);
	}
	memcpy(b, &m, len);
	memcpy(b + len, uri, urilen);
	return (len + urilen + paylen);
}

static void
say_grant(struct in *in, int proxy, uint32_t slot, uint32_t gen)
{
	struct {
		struct m_grant	m;
		char		authid[8];
	} g;
	uint8_t		 how = next(in);

	memset(&g, 0, sizeof(g));
	g.m.session = 1 + next(in);
	g.m.realm = 1 + (how & 1);
	g.m.role = 10 + how / 2 % 3;
	g.m.proxy = (uint16_t)proxy;
	g.m.proxygen = ((struct peer *)proxies[proxy]->arg)->id.generation;
	g.m.authidlen = 3;
	g.m.method = AUTH_ANONYMOUS;
	memcpy(g.authid, "joe", 3);
	say(keeper, IMSG_GRANT, slot, gen, &g, sizeof(g.m) + 3);
}

static void
step(struct in *in)
{
	static const uint8_t	types[] = { IMSG_SESSION_CLOSE,
	    IMSG_SUBSCRIBE, IMSG_UNSUBSCRIBE, IMSG_PUBLISH, IMSG_REGISTER,
	    IMSG_UNREGISTER, IMSG_CALL, IMSG_YIELD, IMSG_ERROR,
	    IMSG_INVOCATION_FAILED, IMSG_XOFF, IMSG_XON };
	uint8_t			b[BODY_ROOM], op = next(in), who = next(in);
	int			proxy = who & 1;
	uint32_t		slot = who >> 1 & (NSLOTS - 1), gen;
	size_t			len;

	/* the one that is there, mostly */
	gen = who < 0xe0 ? proxies[proxy]->gens[slot] : who & 3;
	switch (op % 24) {
	case 12:
	case 13:
	case 14:
		say_grant(in, proxy, slot, proxies[proxy]->gens[slot] + 1);
		break;
	case 15:
		say_grant(in, proxy, who, gen);
		break;
	case 16:		/* raw */
	case 17:
		len = next(in);
		if (len > in->left)
			len = in->left;
		say(op % 24 == 16 ? proxies[proxy] : keeper, op >> 2, slot,
		    gen, in->p, len);
		in->p += len;
		in->left -= len;
		break;
	case 18:
		configure(next(in));
		break;
	case 19:
		proxies[proxy]->ops->ended(proxies[proxy], CHAN_EOF, "");
		break;
	case 20:
		proxies[proxy]->waiting = 0;
		break;
	case 21:
		peer_waited(-1, 0, proxies[proxy]->arg);
		break;
	case 22:
		if (proxies[proxy]->open[slot])
			say(proxies[proxy], IMSG_FENCE, slot, gen, NULL, 0);
		turn();
		break;
	case 23:
		peer_gone(&((struct peer *)proxies[proxy]->arg)->id);
		break;
	default:
		len = compose(in, types[op % 24], b);
		say(proxies[proxy], types[op % 24], slot, gen, b, len);
		break;
	}
}

/* Every link from both sides. */
static void
check_links(void)
{
	struct peer		*p;
	struct session		*s;
	struct sublink		*l, *other;
	struct invocation	*inv;
	size_t			 nlinks = 0, ninvs = 0, nsess = 0, n, seen;
	size_t			 nverdicts = 0;
	int			 waiting = 0;

	/* who was asked to stop is asked to go on */
	TAILQ_FOREACH(p, &broker.peers, entry)
		waiting |= p->chan != NULL && p->is_over && !p->is_stuck;
	TAILQ_FOREACH(p, &broker.peers, entry)
		MUST(p->chan == NULL || p->id.role != PROC_TLSPROXY ||
		    p->is_xoffed == waiting);
	TAILQ_FOREACH(p, &broker.peers, entry)
	LIST_FOREACH(s, &p->sessions, peer_entry) {
		MUST(s->peer == p);
		nsess++;
		n = 0;
		LIST_FOREACH(l, &s->links, session_entry) {
			MUST(l->session == s && l->subpeer->peer == p);
			seen = 0;
			LIST_FOREACH(other, &l->subpeer->links, subpeer_entry)
				seen++;
			MUST(seen == l->subpeer->count);
			MUST(sublink_find(s, l->sub->id) == l);
			n++;
		}
		MUST(n == s->nlinks);
		nlinks += n;
		n = 0;
		LIST_FOREACH(inv, &s->calls, caller_entry) {
			MUST(inv->caller == s);
			n++;
		}
		MUST(n == s->ncalls);
		ninvs += n;
		TAILQ_FOREACH(inv, &s->invocations, callee_entry) {
			MUST((inv->caller == NULL) == (inv->own != NULL));
			ninvs += inv->own != NULL;
		}
		nverdicts += s->nverdicts;
	}
	MUST(nsess == broker.sessions.count && nlinks == broker.links.count &&
	    nverdicts == broker.verdicts.count);
	/* those of sessions that left are still told */
	TAILQ_FOREACH(s, &broker.left, all_entry)
		TAILQ_FOREACH(inv, &s->invocations, callee_entry)
			ninvs += inv->own != NULL;
	MUST(ninvs == broker.invocations.count);
}

static void
check_empty(void)
{
	struct realm	*r;
	struct role	*role;
	int		 i;

	for (i = 0; i < 1000 && !TAILQ_EMPTY(&broker.peers); i++)
		sweep(-1, 0, NULL);
	for (i = 0; i < 1000 && !TAILQ_EMPTY(&broker.left); i++)
		sweep(-1, 0, NULL);
	MUST(TAILQ_EMPTY(&broker.peers) && TAILQ_EMPTY(&broker.left) &&
	    TAILQ_EMPTY(&broker.checked) && TAILQ_EMPTY(&broker.unchecked));
	MUST(broker.sessions.count == 0 && broker.links.count == 0 &&
	    broker.regs.count == 0 && broker.invocations.count == 0);
	MUST(broker.verdicts.count == 0 && broker.identities.count == 0);
	MUST(broker.state == 0 && pbuf_in_use() == 0);
	TAILQ_FOREACH(r, &broker.realms, entry) {
		MUST(!r->is_gone && r->nsessions == 0 &&
		    r->topics.count == 0 && r->procedures.count == 0);
		LIST_FOREACH(role, &r->roles, entry)
			MUST(!role->is_gone && role->nsessions == 0 &&
			    role->nmembers == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct in	in = { data, len };
	int		i;

	if (broker.proc.base == NULL) {
		MUST((broker.proc.base = event_base_new()) != NULL);
		log_setlevel(LOG_LEVEL_BRIEF);
		prepare();
	}
	configure(next(&in));
	while (in.left > 0) {
		connect_peers();
		step(&in);
	}
	check_links();
	for (i = 0; i < NPROXIES; i++)
		if (proxies[i] != NULL)
			peer_drop(proxies[i]->arg);
	if (keeper != NULL)
		peer_drop(keeper->arg);
	check_empty();
	return (0);
}
