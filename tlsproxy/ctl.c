/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What wampctl asks of a tlsproxy, by way of the parent: its connections and
 * its memory.  The names of the fields are in ctl.h.
 */
#include <sys/queue.h>

#include <string.h>
#include <tls.h>

#include "chan.h"
#include "ctlrow.h"
#include "limit.h"
#include "mono.h"
#include "pbuf.h"
#include "tlsproxy.h"

#define CTL_STEPS	4096	/* connections looked at in a turn */
#define CTL_ROWS	200	/* told of */

static struct ctl_asked	 asked;
static unsigned int	 metrics_at;	/* the piece that is told next */

/* -- connections -------------------------------------------------------- */

static const char *
state_name(const struct conn *c)
{
	switch ((enum conn_state)c->state) {
	case CONN_PROXY:
		return ("proxy");
	case CONN_TLS:
		return ("tls");
	case CONN_DETECT:
		return ("begun");
	case CONN_HTTP:
		return ("http");
	case CONN_OPEN:
		if (c->sess == NULL)
			return ("open");
		return (c->sess->state == SESS_JOINED ? "joined" :
		    "authenticating");
	case CONN_CLOSING:
		return ("closing");
	case CONN_LINGER:
		return ("lingering");
	case CONN_DEAD:
		break;
	}
	return ("dead");
}

/* Known once the handshake is over. */
static void
put_tls(struct ctlrows *r, const struct conn *c)
{
	int	is_known = c->tls != NULL && c->state > CONN_TLS;

	ctlrow_text(r, "tls", is_known ? tls_conn_version(c->tls) : NULL);
	ctlrow_text(r, "cipher", is_known ? tls_conn_cipher(c->tls) : NULL);
}

static void
put_session(struct ctlrows *r, const struct psess *s)
{
	int	is_joined = s != NULL && s->state == SESS_JOINED;

	ctlrow_uint(r, "session", is_joined ? s->id : 0);
	ctlrow_uint(r, "slot", s != NULL ? s->slot : 0);
	ctlrow_text(r, "realm", is_joined ? s->realm : NULL);
	ctlrow_text(r, "authid", is_joined ? s->authid : NULL);
	ctlrow_text(r, "authrole", is_joined ? s->role : NULL);
}

static int
put_connection(struct ctlrows *r, const struct conn *c)
{
	const struct psess	*s = c->sess;
	int			 is_open = c->ser != SER_NONE;

	ctlrow_begin(r);
	ctlrow_uint(r, "proxy", c->p->proc.instance);
	ctlrow_uint(r, "connection", c->number);
	ctlrow_text(r, "address", c->peer);
	ctlrow_text(r, "listener", c->l->name);
	ctlrow_text(r, "transport", !is_open ? NULL :
	    c->is_ws ? "websocket" : "rawsocket");
	ctlrow_text(r, "serializer", !is_open ? NULL :
	    ser_name((enum ser)c->ser));
	put_tls(r, c);
	ctlrow_text(r, "state", state_name(c));
	put_session(r, s);
	ctlrow_time(r, "since", c->since);
	ctlrow_uint(r, "idle_ms", mono_ms() - c->last_input);
	ctlrow_uint(r, "queued", c->out.bytes);
	ctlrow_uint(r, "buffered", c->held);
	ctlrow_bool(r, "slow", s != NULL && s->xoff);
	ctlrow_bool(r, "paused", c->is_paused || (s != NULL && s->held));
	ctlrow_bool(r, "limited", c->limited_at != 0);
	ctlrow_uint(r, "dropped_events", s != NULL ? s->alldropped : 0);
	return (ctlrow_end(r));
}

static int
is_asked_for(const struct conn *c)
{
	const struct m_ctl_query	*q = &asked.m;
	const struct psess		*s = c->sess;

	if (c->state == CONN_DEAD)
		return (0);
	if (q->session == 0 && q->realm == 0 && q->authidlen == 0)
		return (1);
	if (s == NULL || s->state != SESS_JOINED)
		return (0);
	return ((q->session == 0 || q->session == s->id) &&
	    (q->realm == 0 || q->realm == s->realm_id) &&
	    (q->authidlen == 0 || (strlen(s->authid) == q->authidlen &&
	    memcmp(s->authid, asked.authid, q->authidlen) == 0)));
}

/*
 * Connections are in the order in which they came, and one that ends moves
 * p->told on (conn.c), so that each is told once.
 */
static int
show_connections(struct proxy *p, struct ctlrows *r)
{
	struct conn	*c;
	unsigned int	 steps;

	for (steps = 0; steps < CTL_STEPS; steps++) {
		if ((c = p->told) == NULL || c->number > p->tell_to) {
			p->told = NULL;
			return (1);
		}
		if (is_asked_for(c) && (r->nrows >= CTL_ROWS ||
		    put_connection(r, c) == -1))
			return (0);
		p->told = TAILQ_NEXT(c, entry);
	}
	return (0);
}

/* -- memory ------------------------------------------------------------- */

/* Of all types together. */
static uint64_t
messages(const uint64_t counts[WAMP_CODES])
{
	uint64_t	n = 0;
	unsigned int	i;

	for (i = 0; i < WAMP_CODES; i++)
		n += counts[i];
	return (n);
}

static void
count(const struct proxy *p, struct ctlrows *r, const char *what, uint64_t n)
{
	ctlrow_memory(r, &p->proc, what, NULL, n, CTLROW_NONE, CTLROW_NONE);
}

static void
queue(const struct proxy *p, struct ctlrows *r, const struct m_peer *peer,
    const struct chan *c)
{
	if (c != NULL)
		ctlrow_memory(r, &p->proc, "queue", peer, CTLROW_NONE,
		    chan_waiting(c), CTLROW_NONE);
}

/* There are few brokers, so that all of it has room. */
static int
show_memory(struct proxy *p, struct ctlrows *r)
{
	unsigned int	i;

	ctlrows_memory(r, &p->proc, p->conf->limits.memory);
	ctlrow_memory(r, &p->proc, "input", NULL, CTLROW_NONE, p->held,
	    CTLROW_NONE);
	ctlrow_memory(r, &p->proc, "objects", NULL, CTLROW_NONE, p->state,
	    CTLROW_NONE);
	count(p, r, "connections", p->nconns);
	count(p, r, "addresses", p->naddrs);
	count(p, r, "sessions", p->nsess);
	count(p, r, "messages_in", messages(p->counts.in));
	count(p, r, "messages_out", messages(p->counts.out));
	count(p, r, "dropped_events", p->dropped);
	count(p, r, "slow_dropped_events", p->slow_dropped);
	count(p, r, "slow_ended_sessions", p->slow_ended);
	count(p, r, "limited_connections", limit_count(LIMIT_MESSAGES) +
	    limit_count(LIMIT_BYTES));
	queue(p, r, &p->keeper_peer, p->keeper);
	for (i = 0; i < CONF_MAXBROKERS; i++)
		queue(p, r, &p->brokers[i].peer, p->brokers[i].chan);
	return (1);
}

/* -- metrics ------------------------------------------------------------ */

static int
show_metrics(struct proxy *p, struct ctlrows *r)
{
	return (ctl_rows_metrics(p, r, &metrics_at));
}

/* -- the parent asks ---------------------------------------------------- */

static const struct word {
	uint16_t	 what;		/* enum ctl_what */
	int		(*tell)(struct proxy *, struct ctlrows *); /* 1: that
							 * was all */
} words[] = {
	{ CTL_CONNECTIONS, show_connections },
	{ CTL_MEMORY, show_memory },
	{ CTL_METRICS, show_metrics },
};

static const struct word *
word_find(uint16_t what)
{
	size_t	i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].what == what)
			return (&words[i]);
	return (NULL);
}

int
ctl_query(struct chan *c, struct imsg *im)
{
	const struct word	*w;
	struct ctlrows		 rows;
	enum ctl_turn		 turn;

	if ((turn = ctl_asked_read(&asked, im)) == CTL_TURN_NONSENSE)
		return (-1);
	if (turn == CTL_TURN_LOST || (w = word_find(asked.m.what)) == NULL ||
	    proxy->conf == NULL) {
		ctlrows_lost(c, im);
		return (0);
	}
	if (turn == CTL_TURN_BEGIN) {
		proxy->told = TAILQ_FIRST(&proxy->conns);
		proxy->tell_to = proxy->lastconn;
		metrics_at = 0;
	}
	ctlrows_init(&rows);
	ctlrows_send(&rows, c, &asked, w->tell(proxy, &rows));
	return (0);
}
