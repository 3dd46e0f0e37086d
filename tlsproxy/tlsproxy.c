/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * tlsproxy: start, channels to keeper and brokers, the end of each turn.
 * The tables here say who may say what to this process.
 */
#include <sys/queue.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "pbuf.h"
#include "tls_key.h"
#include "tlsproxy.h"
#include "trim.h"

#define KEEPER_MAXLEN	(16 * 1024)

struct proxy	*proxy;

static int	sign_lost;

/* -- who may say what --------------------------------------------------- */

static const struct chan_rule keeper_table[IMSG_MAX] = {
	[IMSG_AUTH_DENY] = { session_on_deny, sizeof(struct m_auth_deny),
	    sizeof(struct m_auth_deny) + REASON_MAXLEN, 0, 0 },
	[IMSG_AUTH_CHALLENGE] = { session_on_challenge,
	    sizeof(struct m_auth_challenge), sizeof(struct m_auth_challenge) +
	    3 * AUTH_MAXTEXT, 0, 0 },
	[IMSG_AUTH_GRANTED] = { session_on_granted, 0, 0, 0, 0 },
};

static int	on_xoff(struct chan *, struct imsg *);
static int	on_xon(struct chan *, struct imsg *);

static const struct chan_rule broker_table[IMSG_MAX] = {
	[IMSG_SESSION_OPEN] = { session_on_open,
	    sizeof(struct m_session_open), sizeof(struct m_session_open) +
	    AUTHID_MAXLEN + CONF_MAXNAME + AUTH_MAXEXTRA, 0, 0 },
	[IMSG_SESSION_END] = { session_on_end, sizeof(struct m_session_end),
	    sizeof(struct m_session_end) + REASON_MAXLEN + URI_MAXLEN, 0, 0 },
	[IMSG_SUBSCRIBED] = { out_on_subscribed, sizeof(struct m_subscribed),
	    0, 0, 0 },
	[IMSG_UNSUBSCRIBED] = { out_on_unsubscribed,
	    sizeof(struct m_unsubscribed),
	    sizeof(struct m_unsubscribed) + REASON_MAXLEN, 0, 0 },
	[IMSG_PUBLISHED] = { out_on_published, sizeof(struct m_published),
	    0, 0, 0 },
	[IMSG_EVENT] = { out_on_event, sizeof(struct m_event), CHAN_ANY,
	    0, 0 },
	[IMSG_REGISTERED] = { out_on_registered, sizeof(struct m_registered),
	    0, 0, 0 },
	[IMSG_UNREGISTERED] = { out_on_unregistered,
	    sizeof(struct m_unregistered),
	    sizeof(struct m_unregistered) + REASON_MAXLEN, 0, 0 },
	[IMSG_INVOCATION] = { out_on_invocation, sizeof(struct m_invocation),
	    CHAN_ANY, 0, 0 },
	[IMSG_INTERRUPT] = { out_on_interrupt, sizeof(struct m_interrupt),
	    0, 0, 0 },
	[IMSG_RESULT] = { out_on_result, sizeof(struct m_result), CHAN_ANY,
	    0, 0 },
	[IMSG_HISTORY] = { out_on_history, sizeof(struct m_history),
	    CHAN_ANY, 0, 0 },
	[IMSG_ERROR] = { out_on_error, sizeof(struct m_error), CHAN_ANY,
	    0, 0 },
	[IMSG_CALL_OVER] = { out_on_call_over, sizeof(struct m_call_over),
	    0, 0, 0 },
	[IMSG_REFUSED] = { out_on_refused, sizeof(struct m_refused),
	    sizeof(struct m_refused) + REASON_MAXLEN, 0, 0 },
	[IMSG_XOFF] = { on_xoff, 0, 0, 0, 0 },
	[IMSG_XON] = { on_xon, 0, 0, 0, 0 },
	[IMSG_FENCE] = { talk_on_fence, 0, 0, 0, 0 },
};

static void	keeper_ended(struct chan *, enum chan_end, const char *);
static void	broker_ended(struct chan *, enum chan_end, const char *);
static void	broker_throttle(struct chan *, int);

static const struct chan_ops keeper_ops = { keeper_table, keeper_ended,
    NULL };
static const struct chan_ops broker_ops = { broker_table, broker_ended,
    broker_throttle };

/* -- peers -------------------------------------------------------------- */

static void
keeper_lost(struct proxy *p)
{
	chan_free(p->keeper);
	p->keeper = NULL;
	tls_key_set_fd(-1);
	listeners_update(p);
	sessions_keeper_gone(p);
	/* channels end after the clients' turn */
	proxy_ask_next_turn(p);
}

static void
keeper_ended(struct chan *c, enum chan_end end, const char *why)
{
	struct proxy	*p = chan_arg(c);

	if (end == CHAN_NONSENSE) {
		log_warnx("keeper sent %s", why);
		proc_suspect(&p->keeper_peer);
	}
	keeper_lost(p);
}

static void
broker_lost(struct broker *b)
{
	chan_free(b->chan);
	b->chan = NULL;
	b->xoff = 0;
	memset(b->talkers, 0, sizeof(b->talkers));
	sessions_broker_gone(b);
	conns_resume(b->p);
	proxy_ask_next_turn(b->p);
}

static void
broker_ended(struct chan *c, enum chan_end end, const char *why)
{
	struct broker	*b = chan_arg(c);

	if (end == CHAN_NONSENSE) {
		log_warnx("broker %u sent %s", b->peer.instance, why);
		proc_suspect(&b->peer);
	}
	broker_lost(b);
}

void
broker_suspect(struct broker *b, const char *what)
{
	if (b->chan == NULL)
		return;
	log_warnx("broker %u sent %s", b->peer.instance, what);
	proc_suspect(&b->peer);
	broker_lost(b);
}

static void
broker_throttle(struct chan *c, int is_over)
{
	struct broker	*b = chan_arg(c);

	if (!is_over)
		conns_resume(b->p);
}

static int
on_xoff(struct chan *c, struct imsg *m)
{
	struct broker	*b = chan_arg(c);
	struct psess	*s;
	int		 nonsense;

	if (m->slot == 0) {
		b->xoff = 1;
		return (0);
	}
	if ((s = session_find(b, m, &nonsense)) == NULL)
		return (nonsense ? -1 : 0);
	s->held = 1;
	return (0);
}

static int
on_xon(struct chan *c, struct imsg *m)
{
	struct broker	*b = chan_arg(c);
	struct psess	*s;
	int		 nonsense;

	if (m->slot == 0) {
		b->xoff = 0;
		conns_resume(b->p);
		return (0);
	}
	if ((s = session_find(b, m, &nonsense)) == NULL)
		return (nonsense ? -1 : 0);
	s->held = 0;
	if (s->conn != NULL)
		conn_resume(s->conn);
	return (0);
}

static int
keeper_new(const struct m_peer *peer, int fd)
{
	struct proxy	*p = proxy;

	if (peer->link == LINK_SIGN) {
		tls_key_set_fd(fd);
		return (0);
	}
	if (p->keeper != NULL)
		keeper_lost(p);
	p->keeper_peer = *peer;
	p->keeper = chan_new(p->proc.base, fd, KEEPER_MAXLEN, &keeper_ops, p);
	if (p->keeper != NULL)
		chan_wipe(p->keeper);	/* tickets */
	listeners_update(p);
	return (0);
}

/* Longest imsg to and from a broker, message and what comes with it. */
static size_t
broker_maxlen(const struct conf *conf)
{
	return ((size_t)conf->limits.message + 64 * 1024);
}

static int
broker_new(const struct m_peer *peer, int fd)
{
	struct proxy	*p = proxy;
	struct broker	*b;

	if (peer->instance >= CONF_MAXBROKERS || p->conf == NULL) {
		close(fd);
		return (-1);
	}
	b = &p->brokers[peer->instance];
	if (b->chan != NULL)
		broker_lost(b);
	b->p = p;
	b->peer = *peer;
	b->chan = chan_new(p->proc.base, fd, broker_maxlen(p->conf),
	    &broker_ops, b);
	if (b->chan != NULL) {
		chan_set_marks(b->chan, CHAN_HIGH, CHAN_LOW);
		chan_set_ahead(b->chan, submap_ahead);
	}
	return (0);
}

static int
peer_new(const struct m_peer *peer, int fd)
{
	switch (peer->role) {
	case PROC_KEEPER:
		return (keeper_new(peer, fd));
	case PROC_BROKER:
		return (broker_new(peer, fd));
	default:
		close(fd);
		return (-1);
	}
}

static void
peer_gone(const struct m_peer *peer)
{
	struct proxy	*p = proxy;
	struct broker	*b;

	if (peer->role == PROC_KEEPER && p->keeper != NULL &&
	    p->keeper_peer.generation == peer->generation)
		keeper_lost(p);
	if (peer->role != PROC_BROKER || peer->instance >= CONF_MAXBROKERS)
		return;
	b = &p->brokers[peer->instance];
	if (b->chan != NULL && b->peer.generation == peer->generation)
		broker_lost(b);
}

/* tls_key.c gave up its descriptor in the middle of a handshake. */
static void
on_sign_lost(void)
{
	sign_lost = 1;
}

/* -- the parent --------------------------------------------------------- */

static int
on_accept(struct chan *c, struct imsg *m)
{
	(void)m;
	proxy->may_accept = 1;
	listeners_update(proxy);
	chan_send(c, IMSG_ACCEPTING, 0, 0, NULL, 0);
	return (0);
}

static int
on_shutdown(struct chan *c, struct imsg *m)
{
	(void)c;
	(void)m;
	proxy->is_shutting = 1;
	listeners_update(proxy);
	sessions_shutdown(proxy);
	return (0);
}

static const struct chan_rule parent_table[IMSG_MAX] = {
	[IMSG_ACCEPT] = { on_accept, 0, 0, 0, 0 },
	[IMSG_SHUTDOWN] = { on_shutdown, sizeof(struct m_u32), 0, 0, 0 },
	[IMSG_DRAIN] = { drain_on_drain, sizeof(struct m_drain), 0, 0, 0 },
	[IMSG_RESUME] = { drain_on_resume, 0, 0, 0, 0 },
	[IMSG_CONN_LIMIT] = { addr_on_limit, sizeof(struct m_conn_limit),
	    CHAN_ANY, 0, 0 },
	[IMSG_CONN_SHED] = { addr_on_shed, sizeof(struct m_conn_count),
	    CHAN_ANY, 0, 0 },
	[IMSG_CTL_QUERY] = { ctl_query, sizeof(struct m_ctl_query),
	    sizeof(struct m_ctl_query) + AUTHID_MAXLEN, 0, 0 },
};

static int
conf_check(struct conf *next, char *err, size_t errlen)
{
	struct conf_listen	*l;

	if (listeners_check(next, err, errlen) == -1)
		return (-1);
	/* one of them is enough to say it */
	if (proxy->proc.instance == 0)
		TAILQ_FOREACH(l, &next->listens, entry)
			tls_client_warn(l);
	return (0);
}

static void
conf_commit(struct conf *next)
{
	struct proxy	*p = proxy;
	int		 is_new_rate, is_new_prefix;
	unsigned int	 i;

	is_new_rate = p->conf != NULL &&
	    (memcmp(&p->conf->limits.messages, &next->limits.messages,
	    sizeof(next->limits.messages)) != 0 ||
	    memcmp(&p->conf->limits.bytes, &next->limits.bytes,
	    sizeof(next->limits.bytes)) != 0);
	is_new_prefix = p->conf != NULL && p->conf->limits.ipv6_prefix !=
	    next->limits.ipv6_prefix;
	listeners_commit(p, next);
	conf_free(p->conf);
	p->conf = next;
	p->most = conf_most_clients(next, p->proc.nofile);
	if (is_new_rate)
		conns_new_rate(p);
	if (is_new_prefix)
		addrs_recount(p);
	/* connections close before their queues meet this */
	pbuf_set_budget((size_t)next->limits.memory * 2 + PBUF_RESERVE);
	for (i = 0; i < CONF_MAXBROKERS; i++)
		if (p->brokers[i].chan != NULL)
			chan_raise_maxlen(p->brokers[i].chan,
			    broker_maxlen(next));
}

/* -- start and turns ---------------------------------------------------- */

void
proxy_state_take(struct proxy *p, size_t len)
{
	p->state += len;
}

void
proxy_state_give(struct proxy *p, size_t len)
{
	trim_shrank(p->state, p->state - len);
	p->state -= len;
}

void
proxy_ask_next_turn(struct proxy *p)
{
	struct timeval	now = { 0, 0 };

	event_add(p->next_turn, &now);
}

static void
on_next_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conns_continue(arg);
	conns_bury(arg);
	revoked_continue(arg);
	sessions_unsubscribe(arg);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct proxy	*p = arg;

	(void)fd;
	(void)what;
	p->is_starved = 0;
	listeners_update(p);
}

/* There is a turn now, at whose end it happens. */
static void
on_report(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
turn_end(void)
{
	struct proxy	*p = proxy;

	conns_flush(p);
	talks_turn_end(p);
	listeners_turn_end(p);
	p->steps = TURN_STEPS;
	p->closes = TURN_CLOSES;
	if (p->conf == NULL)
		return;
	tls_key_new_turn();
	p->bulk = READ_BULK;
	if (sign_lost) {
		sign_lost = 0;
		log_warnx("the keeper lied: handshakes fail");
		proc_suspect(&p->keeper_peer);
	}
	addr_report(p);
	drain_turn_end(p);
	if (p->is_shutting && p->nconns == 0) {
		p->is_shutting = 0;
		p->may_accept = 0;
		chan_send(p->proc.parent, IMSG_SHUTDOWN_DONE, 0, 0, NULL, 0);
	}
}

static void
prepare(void)
{
	struct proxy	*p = proxy;
	char		 err[256];

	hash_init();
	if (p->proc.kind == PROXY_NET) {
		if (tls_warm_up(err, sizeof(err)) == -1)
			fatalx("tlsproxy: %s", err);
		tls_release_buffers();
		tls_key_init(on_sign_lost);
	}
	if ((p->rbuf = malloc(READ_MAX)) == NULL ||
	    (p->record = malloc(RECORD_MAX)) == NULL)
		fatal("tlsproxy");
	p->next_turn = evtimer_new(p->proc.base, on_next_turn, p);
	p->resume = evtimer_new(p->proc.base, on_resume, p);
	p->report = evtimer_new(p->proc.base, on_report, p);
	if (p->next_turn == NULL || p->resume == NULL || p->report == NULL)
		fatalx("tlsproxy: out of memory");
	drain_init(p);
}

static const struct proc_hooks hooks = {
	.role = PROC_TLSPROXY,
	.prepare = prepare,
	.conf_check = conf_check,
	.conf_commit = conf_commit,
	.peer_new = peer_new,
	.peer_gone = peer_gone,
	.table = parent_table,
	.turn_end = turn_end,
};

/* What clients can make it say, by kinds. */
static void
init_limits(struct proxy *p)
{
	const struct log_limit	joined = LOG_LIMIT("joined"),
				left = LOG_LIMIT("left"),
				refused = LOG_LIMIT("refused"),
				bad = LOG_LIMIT("bad frame"),
				shake = LOG_LIMIT_DEBUG("TLS handshake"),
				drop = LOG_LIMIT("event dropped"),
				over = LOG_LIMIT("is read more slowly"),
				slow = LOG_LIMIT("is slow"),
				memory = LOG_LIMIT_WARN("memory");

	p->log_joined = joined;
	p->log_left = left;
	p->log_refused = refused;
	p->log_bad = bad;
	p->log_handshake = shake;
	p->log_drop = drop;
	p->log_over = over;
	p->log_slow = slow;
	p->log_memory = memory;
}

int
main(int argc, char **argv)
{
	static struct proxy	p;

	proxy = &p;
	TAILQ_INIT(&p.listeners);
	TAILQ_INIT(&p.conns);
	TAILQ_INIT(&p.dirty);
	TAILQ_INIT(&p.many);
	TAILQ_INIT(&p.paused);
	TAILQ_INIT(&p.postponed);
	TAILQ_INIT(&p.ended);
	SLIST_INIT(&p.leaving);
	SLIST_INIT(&p.fenced);
	TAILQ_INIT(&p.dirty_addrs);
	init_limits(&p);
	return (proc_main(&p.proc, &hooks, argc, argv));
}
