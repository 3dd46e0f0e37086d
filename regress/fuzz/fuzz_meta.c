/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Arguments of meta procedures, as three sessions of a realm may send them:
 * each call must be answered once, by what MessagePack can be read of, and
 * afterwards nothing may be left over.  All of the broker but broker.c, for
 * which there are stand-ins here.
 */
#include <sys/queue.h>

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../broker/broker.h"
#include "../../broker/dealer.h"
#include "../../broker/dynamic.h"
#include "../../broker/meta.h"
#include "../../broker/pubsub.h"
#include "chan.h"
#include "conf.h"
#include "log.h"
#include "mpcur.h"
#include "pbuf.h"

#define MUST(x)		do { if (!(x)) abort(); } while (0)
#define NSESSIONS	3
#define STATE_MAX	(1 << 20)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct broker		 broker;

static struct peer	 proxy;
static uint64_t		 lastid;
static uint32_t		 lastgen;
static unsigned int	 nanswers;

struct in {
	const uint8_t	*p;
	size_t		 left;
};

/* Sessions have fewer than there are, so that some are shared. */
static const char *const	topics[] = {
	"a", "a.b", "a.b.c", "wamp.session.on_leave",
	"wamp.subscription.on_create", "wamp.registration.on_delete"
};
static const char *const	procedures[] = {
	"session.count", "session.list", "session.get", "session.kill",
	"session.kill_by_authid", "session.kill_by_authrole",
	"session.kill_all", "session.modify_details",
	"session.add_testament", "session.flush_testaments",
	"registration.list", "registration.lookup", "registration.match",
	"registration.get", "registration.list_callees",
	"registration.count_callees", "registration.remove_callee",
	"subscription.list", "subscription.lookup", "subscription.match",
	"subscription.get", "subscription.list_subscribers",
	"subscription.count_subscribers", "subscription.remove_subscriber",
	"subscription.get_events", "session.nothing"
};

/* -- broker.c ----------------------------------------------------------- */

/* Arguments and ArgumentsKw. */
static void
read_body(const uint8_t *p, size_t len, unsigned int nargs)
{
	const uint8_t	*end;
	struct val	 v;

	MUST((nargs == 0) == (len == 0));
	if (nargs == 0)
		return;
	end = p + len;
	for (; nargs > 0; nargs--)
		MUST(mp_next(&p, end, 0, &v) == CODEC_OK);
	MUST(p == end);
}

void
peer_sendv(struct peer *p, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n)
{
	struct m_result	m;

	(void)gen;
	MUST(p == &proxy && slot > 0 && slot <= NSESSIONS);
	if (type == IMSG_RESULT) {
		MUST(n == 2 && iov[0].iov_len == sizeof(m));
		memcpy(&m, iov[0].iov_base, sizeof(m));
		MUST(m.ser == SER_MSGPACK && m.paylen == iov[1].iov_len &&
		    m.paylen <= broker.conf->limits.message);
		read_body(iov[1].iov_base, iov[1].iov_len, m.nargs);
	}
	switch (type) {
	case IMSG_RESULT:
	case IMSG_HISTORY:
	case IMSG_REFUSED:
		nanswers++;
		break;
	case IMSG_SESSION_OPEN:
	case IMSG_SESSION_END:
	case IMSG_UNSUBSCRIBED:
	case IMSG_UNREGISTERED:
		break;
	default:
		abort();
	}
}

/* What is sent is of the broker's own making. */
void
peer_sendv_body(struct peer *p, uint32_t type, uint32_t slot, uint32_t gen,
    struct iovec *iov, int n, const struct body *b)
{
	(void)p;
	(void)type;
	(void)slot;
	(void)gen;
	(void)iov;
	(void)n;
	(void)b;
	abort();
}

void
peer_send_event(struct peer *p, const struct iovec *iov, int n,
    struct pbuf *pb, size_t off, size_t len)
{
	struct m_event	m;

	MUST(p == &proxy && iov[0].iov_len == sizeof(m));
	memcpy(&m, iov[0].iov_base, sizeof(m));
	MUST(m.ser == SER_MSGPACK);
	if (pb != NULL)
		read_body(pb->data + off, len, m.nargs);
	else
		read_body(iov[n - 1].iov_base, iov[n - 1].iov_len, m.nargs);
}

int
peer_is_slow(const struct peer *p)
{
	(void)p;
	return (0);
}

void
peer_lose_event(struct peer *p)
{
	(void)p;
}

int
peer_is_full(const struct peer *p)
{
	(void)p;
	return (0);
}

void
peer_blame(struct peer *p, const char *why)
{
	(void)p;
	(void)why;
	abort();
}

int
memory_keep(struct pbuf *pb)
{
	return (pbuf_count(pb));
}

int
memory_need(size_t len)
{
	(void)len;
	return (0);
}

int
proxy_says(struct chan *c, struct imsg *im)
{
	(void)c;
	(void)im;
	abort();
}

int
state_take(size_t len)
{
	if (len > STATE_MAX - broker.state)
		return (-1);
	broker.state += len;
	return (0);
}

void
state_give(size_t len)
{
	MUST(len <= broker.state);
	broker.state -= len;
}

uint64_t
router_id(uint64_t *n)
{
	return (++*n);
}

uint64_t
broker_now(void)
{
	return (1);
}

void
sweep_wake(void)
{
}

/* -- the world ---------------------------------------------------------- */

static void
rule(struct conf_role *role, unsigned int actions)
{
	struct conf_rule	*r;

	MUST((r = calloc(1, sizeof(*r))) != NULL);
	r->allow = r->anyuri = 1;
	r->actions = (uint8_t)actions;
	MUST((r->uri = strdup("")) != NULL);
	TAILQ_INSERT_TAIL(&role->rules, r, entry);
}

static void
begin(void)
{
	static uint8_t		 chan[1];
	struct conf_realm	*r;
	struct conf_role	*role;

	log_setlevel(LOG_LEVEL_BRIEF);
	MUST((broker.proc.base = event_base_new()) != NULL);
	hash_init();
	TAILQ_INIT(&broker.peers);
	TAILQ_INIT(&broker.realms);
	TAILQ_INIT(&broker.checked);
	TAILQ_INIT(&broker.unchecked);
	TAILQ_INIT(&broker.left);
	sessions_turn_end();
	TAILQ_INIT(&broker.underway);
	MUST(htab_init(&broker.realmids) == 0 &&
	    htab_init(&broker.sessions) == 0 &&
	    htab_init(&broker.identities) == 0 &&
	    htab_init(&broker.proofs) == 0 && htab_init(&broker.subs) == 0 &&
	    htab_init(&broker.links) == 0 && htab_init(&broker.regs) == 0 &&
	    htab_init(&broker.callees) == 0 &&
	    htab_init(&broker.invocations) == 0 &&
	    htab_init(&broker.calls) == 0 &&
	    htab_init(&broker.verdicts) == 0 && authz_init() == 0);
	authorizer_init();
	broker.conf = conf_new();
	broker.conf->limits.message = 4096;
	r = conf_add_realm(broker.conf, "one", 3);
	r->id = 1;
	role = conf_add_role(r, "all", 3);
	role->id = 10;
	rule(role, ACTION_ALL);
	rule(role, ACTION_META);
	realm_commit(broker.conf);
	proxy.id.role = PROC_TLSPROXY;
	proxy.chan = (struct chan *)(void *)chan;
	LIST_INIT(&proxy.sessions);
	TAILQ_INSERT_TAIL(&broker.peers, &proxy, entry);
}

static void
join(uint32_t slot)
{
	struct m_grant	g;
	uint8_t		buf[sizeof(g) + 1];
	struct imsg	im;

	memset(&g, 0, sizeof(g));
	g.session = ++lastid;
	g.realm = 1;
	g.role = 10;
	g.method = AUTH_ANONYMOUS;
	g.authidlen = 1;
	memcpy(buf, &g, sizeof(g));
	buf[sizeof(g)] = slot == 1 ? 'a' : 'b';
	memset(&im, 0, sizeof(im));
	im.type = IMSG_GRANT;
	im.slot = slot;
	im.gen = ++lastgen;
	im.data = buf;
	im.len = sizeof(buf);
	im.fd = -1;
	MUST(session_grant(NULL, &im) == 0);
}

static struct session *
session_at(uint32_t slot)
{
	struct session	*s;

	LIST_FOREACH(s, &proxy.sessions, peer_entry)
		if (s->slot == slot && !session_is_over(s))
			return (s);
	return (NULL);
}

static void
work_off(void)
{
	unsigned int	steps = 1000;

	while (!TAILQ_EMPTY(&broker.unchecked))
		sessions_recheck(&steps);
	sessions_turn_end();
	/* the tlsproxy answers every SESSION_END */
	for (steps = 1; steps <= NSESSIONS; steps++)
		proxy.slots[0][steps].unanswered = 0;
	proxy.unanswered = 0;
}

/* -- what they do ------------------------------------------------------- */

static uint8_t
next(struct in *in)
{
	if (in->left == 0)
		return (0);
	in->left--;
	return (*in->p++);
}

static void
call(struct session *s, struct in *in)
{
	struct m_call	 m;
	struct body	 b;
	struct uri	 u;
	char		 name[64] = "wamp.";
	uint8_t		*copy;
	unsigned int	 which = next(in);
	size_t		 len;

	memset(&b, 0, sizeof(b));
	b.nargs = next(in) % 3;
	len = (size_t)next(in) << 8;
	len |= next(in);
	if (len > in->left)
		len = in->left;
	if (len == 0)
		b.nargs = 0;
	if (b.nargs == 0)
		len = 0;
	/* exactly sized, for sanitizers */
	MUST((copy = malloc(len > 0 ? len : 1)) != NULL);
	memcpy(copy, in->p, len);
	in->p += len;
	in->left -= len;
	b.p = copy;
	b.len = (uint32_t)len;
	b.ser = SER_MSGPACK;
	memset(&m, 0, sizeof(m));
	m.request = 1;
	strlcat(name, procedures[which % (sizeof(procedures) /
	    sizeof(procedures[0]))], sizeof(name));
	u.p = name;
	u.len = (uint16_t)strlen(name);
	nanswers = 0;
	MUST(meta_call(s, &m, &u, &b) == WERR_NONE && nanswers == 1);
	free(copy);
}

static void
subscribe(struct session *s, uint8_t how)
{
	const char		*topic = topics[how % 6];
	struct uri		 u = { topic, (uint16_t)strlen(topic) };
	enum uri_match		 match = (enum uri_match)(how / 6 % 3);
	struct subscription	*sub;

	sub = sub_find(s->realm, match, &u);
	if ((sub != NULL && sublink_find(s, sub->id) != NULL) ||
	    (sub = sub_get(s->realm, match, &u)) == NULL)
		return;
	if (sublink_add(s, sub) != NULL)
		meta_subscribed(s, sub, sub->count == 1);
}

static void
registers(struct session *s, uint8_t how)
{
	const char		*proc = topics[how % 3];
	struct uri		 u = { proc, (uint16_t)strlen(proc) };
	enum uri_match		 match = (enum uri_match)(how / 3 % 3);
	struct registration	*reg;

	reg = reg_find(s->realm, match, &u);
	if ((reg != NULL && callee_find(s, reg->id) != NULL) ||
	    (reg == NULL && (reg = reg_new(s->realm, match, INVOKE_RANDOM,
	    &u)) == NULL))
		return;
	if (callee_add(s, reg, 0, 0) != NULL)
		meta_registered(s, reg, reg->ncallees == 1);
	else
		reg_put(reg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct in	 in = { data, len };
	struct session	*s;
	uint32_t	 slot;
	unsigned int	 op;

	if (broker.proc.base == NULL)
		begin();
	/* so that an input can name them */
	lastid = broker.lastsub = broker.lastreg = 0;
	while (in.left > 0) {
		for (slot = 1; slot <= NSESSIONS; slot++)
			if (session_at(slot) == NULL)
				join(slot);
		op = next(&in);
		s = session_at(1 + op / 4 % NSESSIONS);
		switch (op % 4) {
		case 0:
			call(s, &in);
			break;
		case 1:
			subscribe(s, next(&in));
			break;
		case 2:
			registers(s, next(&in));
			break;
		case 3:
			session_end(s, WERR_KILLED, "");
			break;
		}
		work_off();
	}
	while ((s = LIST_FIRST(&proxy.sessions)) != NULL) {
		session_end(s, WERR_KILLED, "");
		work_off();
	}
	MUST(broker.state == 0 && pbuf_in_use() == 0);
	MUST(broker.sessions.count == 0 && broker.identities.count == 0 &&
	    broker.subs.count == 0 && broker.regs.count == 0);
	return (0);
}
