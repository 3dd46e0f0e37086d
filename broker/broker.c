/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The broker's process: its channels, what may arrive on each, how much may
 * wait on each, and long work in slices.  What the imsgs mean stands in
 * realm.c, pubsub.c and dealer.c.  Nothing that a peer says ends the process.
 */
#include <sys/time.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"
#include "conf.h"
#include "ctlask.h"
#include "dealer.h"
#include "dynamic.h"
#include "keep.h"
#include "log.h"
#include "mono.h"
#include "pbuf.h"
#include "pubsub.h"
#include "trim.h"
#include "walk.h"

#define CHAN_EXTRA	(64 * 1024)	/* an imsg beyond its payload */
#define PBUF_RESERVE	(8 * 1024 * 1024)	/* chunks of the queues */
#define SWEEP_STEPS	1024		/* of long work per turn */
#define SWEEP_PAUSE	20		/* ms, when all of it must wait */

struct broker		 broker;

static size_t		 maxlen;	/* of imsgs of a tlsproxy */
static uint64_t		 turn_us;	/* when it began, once asked */

/*
 * Who may say what.  A tlsproxy speaks for its sessions; the keeper says who
 * may become one, and nothing else.
 */
#define URI_ROOM	UINT16_MAX
#define GRANT_MAX	(sizeof(struct m_grant) + AUTHID_MAXLEN + AUTH_MAXEXTRA)
#define AUTH_CALL_MAX	(sizeof(struct m_auth_call) + URI_MAXLEN + AUTH_MAXARGS)
#define REVOKE_OCTETS	(sizeof(struct m_revoke) + \
			    REVOKE_MAX * sizeof(uint64_t))
#define KEEPER_MAX	(REVOKE_OCTETS > AUTH_CALL_MAX ? REVOKE_OCTETS : \
			    AUTH_CALL_MAX)

static const struct chan_rule	proxy_table[IMSG_MAX] = {
	[IMSG_SESSION_CLOSE] = { session_close,
	    sizeof(struct m_session_close), 0, 0, 0 },
	[IMSG_SESSION_FEATURES] = { session_features,
	    sizeof(struct m_session_features), 0, 0, 0 },
	[IMSG_SUBSCRIBE] = { pubsub_subscribe, sizeof(struct m_subscribe),
	    sizeof(struct m_subscribe) + URI_ROOM, 0, 0 },
	[IMSG_UNSUBSCRIBE] = { pubsub_unsubscribe,
	    sizeof(struct m_unsubscribe), 0, 0, 0 },
	[IMSG_PUBLISH] = { pubsub_publish, sizeof(struct m_publish),
	    CHAN_ANY, 0, 0 },
	[IMSG_REGISTER] = { dealer_register, sizeof(struct m_register),
	    sizeof(struct m_register) + URI_ROOM, 0, 0 },
	[IMSG_UNREGISTER] = { dealer_unregister,
	    sizeof(struct m_unregister), 0, 0, 0 },
	[IMSG_CALL] = { dealer_call, sizeof(struct m_call), CHAN_ANY, 0, 0 },
	[IMSG_CANCEL] = { dealer_cancel, sizeof(struct m_cancel), 0, 0, 0 },
	[IMSG_YIELD] = { dealer_yield, sizeof(struct m_yield), CHAN_ANY,
	    0, 0 },
	[IMSG_INVOCATION_FAILED] = { dealer_failed,
	    sizeof(struct m_invocation_failed),
	    sizeof(struct m_invocation_failed) + REASON_MAXLEN, 0, 0 },
	[IMSG_ERROR] = { dealer_error, sizeof(struct m_error), CHAN_ANY,
	    0, 0 },
	[IMSG_XOFF] = { session_flow, 0, 0, 0, 0 },
	[IMSG_XON] = { session_flow, 0, 0, 0, 0 },
	[IMSG_FENCE] = { session_fence, 0, 0, 0, 0 },
};
static const struct chan_rule	keeper_table[IMSG_MAX] = {
	[IMSG_GRANT] = { session_grant, sizeof(struct m_grant),
	    GRANT_MAX, 0, 0 },
	[IMSG_REVOKE] = { session_revoke, sizeof(struct m_revoke),
	    REVOKE_OCTETS, 0, 0 },
	[IMSG_AUTH_CALL] = { authenticator_call, sizeof(struct m_auth_call),
	    AUTH_CALL_MAX, 0, 0 },
};

static void	peer_ended(struct chan *, enum chan_end, const char *);
static void	peer_throttle(struct chan *, int);

static const struct chan_ops	proxy_ops = { proxy_table, peer_ended,
				    peer_throttle };
static const struct chan_ops	keeper_ops = { keeper_table, peer_ended,
				    NULL };

int
proxy_says(struct chan *c, struct imsg *im)
{
	return (proxy_table[im->type].handler(c, im));
}

/* -- flow control ------------------------------------------------------- */

static int
flow_is_waiting(void)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &broker.peers, entry)
		if (p->chan != NULL && p->is_over && !p->is_stuck)
			return (1);
	return (0);
}

/*
 * While the queue to one tlsproxy is over the mark none reads clients, for
 * FLOW_WAIT at most; then EVENTs to it are dropped instead.  It is asked,
 * too: it may well be its own clients that it reads faster than its channel.
 */
static void
flow_update(void)
{
	struct peer	*p;
	int		 want;

	TAILQ_FOREACH(p, &broker.peers, entry) {
		if (p->chan == NULL || p->id.role != PROC_TLSPROXY)
			continue;
		/* what is sent here may cut off the very one waited for */
		want = flow_is_waiting();
		if (want == p->is_xoffed)
			continue;
		p->is_xoffed = (uint8_t)want;
		peer_sendv(p, want ? IMSG_XOFF : IMSG_XON, 0, 0, NULL, 0);
	}
}

static size_t
flow_messages(void)
{
	return (broker.conf == NULL ? 0 :
	    FLOW_MESSAGES * (size_t)broker.conf->limits.message);
}

static void
report_dropped(struct peer *p)
{
	const char	*role = proc_role_name(p->id.role);

	if (p->ndropped > 0)
		log_warnx("%s %u was too slow: %llu events to it dropped",
		    role, p->id.instance, (unsigned long long)p->ndropped);
	if (p->nlost > 0)
		log_warnx("limits memory was reached: %llu events to %s %u "
		    "dropped", (unsigned long long)p->nlost, role,
		    p->id.instance);
	p->ndropped = p->nlost = 0;
}

static void
peer_waited(evutil_socket_t fd, short what, void *arg)
{
	struct peer	*p = arg;

	(void)fd;
	(void)what;
	if (!p->is_over) {
		report_dropped(p);
		return;
	}
	p->is_stuck = 1;
	flow_update();
}

static void
peer_drop_event(struct peer *p)
{
	broker_counts.slow++;
	if (p->ndropped++ == 0)
		log_warnx("%s %u is too slow: events to it are dropped",
		    proc_role_name(p->id.role), p->id.instance);
}

/* Its queue may be short, and then nothing else reports it. */
void
peer_lose_event(struct peer *p)
{
	struct timeval	tv = { LOST_WAIT, 0 };

	limit_hit(LIMIT_MEMORY);
	broker_counts.lost++;
	if (p->nlost++ == 0 && !p->is_over)
		evtimer_add(p->timer, &tv);
}

static void
peer_throttle(struct chan *c, int is_over)
{
	struct peer		*p = chan_arg(c);
	struct timeval		 tv = { 0, FLOW_WAIT * 1000 };

	p->is_over = (uint8_t)is_over;
	p->is_stuck = 0;
	if (is_over)
		evtimer_add(p->timer, &tv);
	else {
		evtimer_del(p->timer);
		report_dropped(p);
	}
	flow_update();
}

int
peer_is_full(const struct peer *p)
{
	return (p->chan != NULL &&
	    chan_waiting(p->chan) > FLOW_EVENTS + flow_messages());
}

int
peer_is_slow(const struct peer *p)
{
	return (p->chan != NULL && (p->is_stuck || peer_is_full(p)));
}

/* -- sending ------------------------------------------------------------ */

/*
 * Over the budget the peer for which most waits is given up, not the one
 * that is sent to next.
 */
int
memory_need(size_t len)
{
	struct peer	*p, *most;
	uint64_t	 budget;

	if (broker.conf == NULL)
		return (0);
	budget = broker.conf->limits.memory;
	while (pbuf_in_use() > budget || len > budget - pbuf_in_use()) {
		most = NULL;
		TAILQ_FOREACH(p, &broker.peers, entry)
			if (p->chan != NULL && (most == NULL ||
			    chan_waiting(p->chan) > chan_waiting(most->chan)))
				most = p;
		if (most == NULL || chan_waiting(most->chan) < FLOW_LOW)
			return (-1);
		limit_hit(LIMIT_MEMORY);
		peer_blame(most, "reads too slowly, memory is used up");
	}
	return (0);
}

int
memory_keep(struct pbuf *pb)
{
	if (pb->is_counted)
		return (0);
	return (memory_need(pb->size) == 0 ? pbuf_count(pb) : -1);
}

/* May something be queued for it that must not get lost? */
static int
peer_takes(struct peer *p)
{
	if (p->chan == NULL)
		return (0);
	if (chan_waiting(p->chan) <= FLOW_REPLIES + 2 * flow_messages())
		return (1);
	peer_blame(p, "does not read");
	return (0);
}

void
peer_sendv(struct peer *p, uint32_t type, uint32_t slot, uint32_t gen,
    const struct iovec *iov, int n)
{
	if (!peer_takes(p))
		return;
	/* if there is no room the channel ends: nothing is lost silently */
	(void)memory_need(iov_total(iov, n));
	if (p->chan != NULL)
		chan_sendv(p->chan, type, slot, gen, iov, n);
}

void
peer_sendv_body(struct peer *p, uint32_t type, uint32_t slot, uint32_t gen,
    struct iovec *iov, int n, const struct body *b)
{
	if (!peer_takes(p))
		return;
	(void)memory_keep(b->pb);
	if (p->chan == NULL)
		return;
	if (pbuf_count(b->pb) == 0) {
		chan_sendv_pbuf(p->chan, type, slot, gen, iov, n, b->pb,
		    (size_t)(b->p - b->pb->data), b->len);
		return;
	}
	/* the channel ends */
	iov_set(&iov[n], b->p, b->len);
	chan_sendv(p->chan, type, slot, gen, iov, n + 1);
}

void
peer_send_event(struct peer *p, const struct iovec *iov, int n,
    struct pbuf *pb, size_t off, size_t len)
{
	if (p->chan == NULL)
		return;
	if (peer_is_slow(p)) {
		peer_drop_event(p);
		return;
	}
	if (memory_need(iov_total(iov, n)) == -1) {
		peer_lose_event(p);
		return;
	}
	if (p->chan == NULL)	/* was given up for memory */
		return;
	if (pb == NULL)
		chan_sendv(p->chan, IMSG_EVENT, 0, 0, iov, n);
	else
		chan_sendv_pbuf(p->chan, IMSG_EVENT, 0, 0, iov, n, pb,
		    off, len);
}

/* -- peers -------------------------------------------------------------- */

/* Its channel is closed; its sessions are ended in slices. */
static void
peer_drop(struct peer *p)
{
	if (p->chan == NULL)
		return;
	report_dropped(p);
	chan_free(p->chan);
	p->chan = NULL;
	authenticator_gone(p);
	p->is_over = p->is_stuck = p->is_xoffed = 0;
	if (p->timer != NULL)
		evtimer_del(p->timer);
	flow_update();
	sweep_wake();
}

/* The parent replaces it. */
void
peer_blame(struct peer *p, const char *why)
{
	if (p->chan == NULL)
		return;
	log_warnx("%s %u is cut off: it %s", proc_role_name(p->id.role),
	    p->id.instance, why);
	proc_suspect(&p->id);
	peer_drop(p);
}

static void
peer_put(struct peer *p)
{
	size_t	i;

	if (p->chan != NULL || !LIST_EMPTY(&p->sessions))
		return;
	walk_leave_peer(p);
	TAILQ_REMOVE(&broker.peers, p, entry);
	for (i = 0; i < SLOT_MAX / SLOT_CHUNK; i++)
		free(p->slots[i]);
	if (p->timer != NULL)
		event_free(p->timer);
	free(p);
}

static void
peer_ended(struct chan *c, enum chan_end end, const char *why)
{
	struct peer	*p = chan_arg(c);

	if (end == CHAN_NONSENSE) {
		log_warnx("%s %u sent nonsense: %s",
		    proc_role_name(p->id.role), p->id.instance, why);
		proc_suspect(&p->id);
	}
	peer_drop(p);
}

static void
peer_gone(const struct m_peer *id)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &broker.peers, entry)
		if (p->id.role == id->role &&
		    p->id.instance == id->instance &&
		    p->id.generation == id->generation)
			peer_drop(p);
}

static int
peer_new(const struct m_peer *id, int fd)
{
	struct peer	*p, *old;

	if ((id->role != PROC_TLSPROXY && id->role != PROC_KEEPER) ||
	    id->link != LINK_MAIN) {
		close(fd);
		return (-1);
	}
	TAILQ_FOREACH(old, &broker.peers, entry)
		if (old->id.role == id->role &&
		    old->id.instance == id->instance)
			peer_drop(old);
	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("peer");
	p->id = *id;
	LIST_INIT(&p->sessions);
	p->timer = evtimer_new(broker.proc.base, peer_waited, p);
	if (id->role == PROC_TLSPROXY)
		p->chan = chan_new(broker.proc.base, fd, maxlen, &proxy_ops,
		    p);
	else
		p->chan = chan_new(broker.proc.base, fd,
		    KEEPER_MAX, &keeper_ops, p);
	if (p->timer == NULL || p->chan == NULL)
		fatalx("out of memory for a channel");
	if (id->role == PROC_TLSPROXY) {
		chan_set_marks(p->chan, FLOW_HIGH, FLOW_LOW);
		chan_set_ahead(p->chan, ahead);
	} else
		chan_wipe(p->chan);	/* tickets, secrets */
	TAILQ_INSERT_TAIL(&broker.peers, p, entry);
	flow_update();
	return (0);
}

/* -- budget of objects -------------------------------------------------- */

/*
 * What clients make us keep is bounded as their payloads are, on its own
 * account.
 */
int
state_take(size_t len)
{
	uint64_t	budget = broker.conf->limits.memory;

	if (broker.state > budget || len > budget - broker.state) {
		limit_warn(LIMIT_MEMORY, "no room for more subscriptions, "
		    "registrations or calls");
		return (-1);
	}
	broker.state += len;
	return (0);
}

void
state_give(size_t len)
{
	trim_shrank(broker.state, broker.state - len);
	broker.state -= len;
}

/* -- ids ---------------------------------------------------------------- */

/*
 * WAMP, IDs: subscriptions and registrations have ids of router scope, and
 * the router is all of us: each broker takes every n-th number.
 */
uint64_t
router_id(uint64_t *n)
{
	return ((*n)++ * broker.conf->brokers + broker.proc.instance + 1);
}

/* -- long work in slices ------------------------------------------------ */

static void
sweep_in(long ms)
{
	struct timeval	tv = { 0, ms * 1000 };

	evtimer_add(broker.sweep, &tv);
}

void
sweep_wake(void)
{
	sweep_in(0);
}

static void
sweep(evutil_socket_t fd, short what, void *arg)
{
	struct peer	*p, *next;
	unsigned int	 steps = SWEEP_STEPS, done = 0;
	int		 is_more = 0;

	(void)fd;
	(void)what;
	(void)arg;
	for (p = TAILQ_FIRST(&broker.peers); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->chan != NULL)
			continue;
		done += sessions_work_off(p, &steps);
		if (LIST_EMPTY(&p->sessions))
			peer_put(p);
		else
			is_more = 1;
	}
	done += sessions_revoke(&steps);
	done += sessions_recheck(&steps);
	done += sessions_cancel(&steps);
	done += retain_work(&steps);
	done += history_work(&steps);
	done += query_work(&steps);
	if (is_more || !LIST_EMPTY(&broker.revoked) ||
	    !TAILQ_EMPTY(&broker.unchecked) ||
	    !TAILQ_EMPTY(&broker.left) || retain_is_untidy() ||
	    history_is_untidy() || query_is_waiting())
		sweep_in(done > 0 ? 0 : SWEEP_PAUSE);
}

/* -- the process -------------------------------------------------------- */

uint64_t
broker_now(void)
{
	if (turn_us == 0)
		turn_us = mono_us();
	return (turn_us);
}

static void
turn_end(void)
{
	turn_us = 0;
	sessions_turn_end();
}

/* What else the parent may say (proc.c). */
static const struct chan_rule	parent_table[IMSG_MAX] = {
	[IMSG_CTL_QUERY] = { ctl_query, sizeof(struct m_ctl_query),
	    sizeof(struct m_ctl_query) + AUTHID_MAXLEN, 0, 0 },
};

static void
prepare(void)
{
	hash_init();
	TAILQ_INIT(&broker.peers);
	TAILQ_INIT(&broker.realms);
	TAILQ_INIT(&broker.checked);
	TAILQ_INIT(&broker.unchecked);
	TAILQ_INIT(&broker.left);
	LIST_INIT(&broker.revoked);
	TAILQ_INIT(&broker.underway);
	broker.sweep = evtimer_new(broker.proc.base, sweep, NULL);
	if (broker.sweep == NULL || htab_init(&broker.realmids) == -1 ||
	    htab_init(&broker.sessions) == -1 ||
	    htab_init(&broker.identities) == -1 ||
	    htab_init(&broker.proofs) == -1 ||
	    htab_init(&broker.subs) == -1 || htab_init(&broker.links) == -1 ||
	    htab_init(&broker.regs) == -1 ||
	    htab_init(&broker.callees) == -1 ||
	    htab_init(&broker.calls) == -1 ||
	    htab_init(&broker.invocations) == -1 ||
	    htab_init(&broker.verdicts) == -1 || authz_init() == -1)
		fatalx("out of memory");
	authorizer_init();
}

static void
conf_commit(struct conf *next)
{
	struct conf	*old = broker.conf;
	struct peer	*p;
	size_t		 len = (size_t)next->limits.message + CHAN_EXTRA;

	broker.conf = next;
	pbuf_set_budget(next->limits.memory + PBUF_RESERVE);
	/* never less than before: a tlsproxy learns of the new limit later */
	if (len > maxlen)
		maxlen = len;
	TAILQ_FOREACH(p, &broker.peers, entry)
		if (p->chan != NULL && p->id.role == PROC_TLSPROXY)
			chan_raise_maxlen(p->chan, maxlen);
	realm_commit(next);
	conf_free(old);
}

static const struct proc_hooks	hooks = {
	.role = PROC_BROKER,
	.prepare = prepare,
	.conf_commit = conf_commit,
	.peer_new = peer_new,
	.peer_gone = peer_gone,
	.table = parent_table,
	.turn_end = turn_end,
};

int
main(int argc, char **argv)
{
	return (proc_main(&broker.proc, &hooks, argc, argv));
}
