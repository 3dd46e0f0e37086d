/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a tlsproxy counts, in rows for wampd-metrics(7): pieces, each of which
 * fits into one answer.
 */
#include <sys/queue.h>

#include <stdio.h>

#include "chan.h"
#include "ctlrow.h"
#include "metric.h"
#include "tlsproxy.h"

static void
tell_connections(const struct proxy *p, struct metricrows *m)
{
	static const char *const	 reasons[REFUSED_MAX] = {
		[REFUSED_ADDRESS] = "per_address",
		[REFUSED_CONNECTIONS] = "connections",
		[REFUSED_PROXY] = "proxy_protocol",
		[REFUSED_FAILED] = "failed"
	};
	static const char *const	 protocols[SHAKEN_MAX] = {
		[SHAKEN_TLS] = "tls",
		[SHAKEN_RAWSOCKET] = "rawsocket",
		[SHAKEN_WEBSOCKET] = "websocket",
		[SHAKEN_UNKNOWN] = "unknown"
	};
	const struct counts		*k = &p->counts;
	unsigned int			 i;

	metricrow(m, METRIC_CONNECTIONS, NULL, NULL, p->nconns);
	metricrow(m, METRIC_ACCEPTED, NULL, NULL, k->accepted);
	for (i = 0; i < REFUSED_MAX; i++)
		metricrow(m, METRIC_REFUSED, reasons[i], NULL, k->refused[i]);
	for (i = 0; i < SHAKEN_MAX; i++) {
		if (i != SHAKEN_UNKNOWN)
			metricrow(m, METRIC_HANDSHAKES, protocols[i], "done",
			    k->shaken[i][1]);
		metricrow(m, METRIC_HANDSHAKES, protocols[i], "failed",
		    k->shaken[i][0]);
	}
	metricrow(m, METRIC_RECEIVED, NULL, NULL, k->received);
	metricrow(m, METRIC_SENT, NULL, NULL, k->sent);
	metricrow(m, METRIC_BUFFERED, NULL, NULL, p->held);
	metricrow(m, METRIC_DROPPED, "slow", NULL, p->slow_dropped);
	metricrow(m, METRIC_DROPPED, "undeliverable", NULL,
	    p->dropped - p->slow_dropped);
	metricrow(m, METRIC_SLOW, NULL, NULL, k->slow);
	metricrow(m, METRIC_SLOW_ENDED, NULL, NULL, p->slow_ended);
}

/* The specification says who sends which. */
static int
is_of_client(unsigned int code)
{
	switch (code) {
	case WAMP_HELLO:
	case WAMP_AUTHENTICATE:
	case WAMP_PUBLISH:
	case WAMP_SUBSCRIBE:
	case WAMP_UNSUBSCRIBE:
	case WAMP_CALL:
	case WAMP_CANCEL:
	case WAMP_REGISTER:
	case WAMP_UNREGISTER:
	case WAMP_YIELD:
		return (1);
	default:
		return (0);
	}
}

static int
is_of_both(unsigned int code)
{
	return (code == WAMP_ABORT || code == WAMP_GOODBYE ||
	    code == WAMP_ERROR);
}

static void
tell_messages(const struct proxy *p, struct metricrows *m)
{
	const char	*name;
	unsigned int	 i;

	for (i = 0; i < WAMP_CODES; i++) {
		if ((name = wamp_code_name(i)) == NULL)
			continue;
		if (is_of_client(i) || is_of_both(i))
			metricrow(m, METRIC_MESSAGES, "in", name,
			    p->counts.in[i]);
		if (!is_of_client(i))
			metricrow(m, METRIC_MESSAGES, "out", name,
			    p->counts.out[i]);
	}
}

static void
tell_queue(struct metricrows *m, const struct m_peer *peer,
    const struct chan *c)
{
	char	name[32];

	if (c == NULL)
		return;
	if (peer->role == PROC_KEEPER)
		snprintf(name, sizeof(name), "%s", proc_role_name(PROC_KEEPER));
	else
		snprintf(name, sizeof(name), "%s %u",
		    proc_role_name((enum proc_role)peer->role),
		    peer->instance);
	metricrow(m, METRIC_QUEUE, name, NULL, chan_waiting(c));
}

static void
tell_queues(const struct proxy *p, struct metricrows *m)
{
	unsigned int	i;

	tell_queue(m, &p->keeper_peer, p->keeper);
	for (i = 0; i < CONF_MAXBROKERS; i++)
		tell_queue(m, &p->brokers[i].peer, p->brokers[i].chan);
}

static void
tell_limits(const struct proxy *p, struct metricrows *m)
{
	(void)p;
	metricrows_limits(m);
}

int
ctl_rows_metrics(const struct proxy *p, struct ctlrows *r, unsigned int *at)
{
	static void	(*const pieces[])(const struct proxy *,
			    struct metricrows *) = {
		tell_connections, tell_messages, tell_queues, tell_limits
	};
	struct metricrows	 m;

	metricrows_init(&m, r, &p->proc);
	for (; *at < sizeof(pieces) / sizeof(pieces[0]); (*at)++) {
		metricrows_begin(&m);
		pieces[*at](p, &m);
		if (metricrows_end(&m) == -1)
			return (0);
	}
	return (1);
}
