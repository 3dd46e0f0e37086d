/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * One client's connection: its life, and what is written to it.  Reading is
 * conn_read.c's, limits of time are conn_time.c's, and what the octets mean
 * is transport.c's business.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include "chan.h"
#include "isotime.h"
#include "mono.h"
#include "pbuf.h"
#include "peercert.h"
#include "tls_key.h"
#include "tlsproxy.h"

#define CONN_CHUNK	4096
#define FLUSH_STEPS	32
#define FLUSH_US	1000		/* a turn, of events to many */
#define CONN_STATE	2048		/* octets of a client, about; */
#define CONN_STATE_TLS	(16 * 1024)	/* by TLS */

static size_t	conn_state(const struct conn *);

struct conn *
conn_new(struct proxy *p, struct listener *l, int fd, const char *peer,
    const uint8_t addr[16])
{
	struct event_base	*base = p->proc.base;
	struct conn		*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		goto fail;
	c->p = p;
	c->fd = fd;
	c->state = (l->flags & LISTEN_PROXY) != 0 ? CONN_PROXY :
	    l->tls != NULL ? CONN_TLS : CONN_DETECT;
	memcpy(c->from, addr, sizeof(c->from));
	if ((c->peer = strdup(peer)) == NULL)
		goto fail;
	if (c->state == CONN_PROXY && announce_new(c) == -1)
		goto fail;
	if (l->tls != NULL && tls_accept_socket(l->tls, &c->tls, fd) == -1)
		goto fail;
	c->ssl = c->tls != NULL ? tls_release_last() : NULL;
	obuf_init(&c->out, CONN_CHUNK, 0);
	c->out.sends = 1;
	event_assign(&c->rev, base, fd, EV_READ | EV_PERSIST, conn_on_read, c);
	event_assign(&c->wev, base, fd, EV_WRITE, conn_on_write, c);
	evtimer_assign(&c->tev, base, conn_on_timer, c);
	if (event_add(&c->rev, NULL) == -1)
		goto fail;
	c->l = l;
	l->refs++;
	c->last_input = mono_ms();
	c->since = wall_ms();
	c->number = ++p->lastconn;
	bucket_start(&c->messages, &p->conf->limits.messages, mono_us());
	bucket_start(&c->bytes, &p->conf->limits.bytes, mono_us());
	TAILQ_INSERT_TAIL(&p->conns, c, entry);
	p->nconns++;
	proxy_state_take(p, conn_state(c));
	p->total_dirty = 1;
	if (c->state != CONN_PROXY)
		addr_connected(c);
	conn_set_phase(c, p->conf->limits.handshake);
	return (c);
fail:
	if (log_may(&p->log_memory, 5))
		log_warn("connection from %s not accepted", peer);
	if (c != NULL) {
		tls_free(c->tls);
		announce_free(c);
		free(c->peer);
		free(c);
	}
	close(fd);
	return (NULL);
}

static size_t
conn_state(const struct conn *c)
{
	return (c->tls != NULL ? CONN_STATE_TLS : CONN_STATE);
}

/* Only from conns_flush(), when nobody up the stack holds it. */
static void
conn_free(struct conn *c)
{
	struct proxy	*p = c->p;

	event_del(&c->rev);
	event_del(&c->wev);
	event_del(&c->tev);
	if (c->is_paused)
		TAILQ_REMOVE(&p->paused, c, wait_entry);
	if (c->is_postponed)
		TAILQ_REMOVE(&p->postponed, c, wait_entry);
	if (c->is_ended)
		TAILQ_REMOVE(&p->ended, c, wait_entry);
	if (p->recheck == c)
		p->recheck = TAILQ_NEXT(c, entry);
	if (p->told == c)
		p->told = TAILQ_NEXT(c, entry);
	if (p->drain.next == c)
		p->drain.next = TAILQ_NEXT(c, entry);
	TAILQ_REMOVE(&p->conns, c, entry);
	p->nconns--;
	proxy_state_give(p, conn_state(c));
	p->total_dirty = 1;
	p->held -= c->held;
	addr_left(c);
	transport_free(c);
	conn_free_kept(c);
	obuf_free(&c->out);
	tls_free(c->tls);
	close(c->fd);
	listener_unref(c->l);
	free(c->cert);
	announce_free(c);
	free(c->peer);
	free(c);
	/* there is room again, and a descriptor */
	if (p->is_starved || p->at_limit) {
		p->is_starved = p->at_limit = 0;
		listeners_update(p);
	}
}

int
conn_is_open(const struct conn *c)
{
	return (c->state == CONN_OPEN);
}

static void
conn_unmark(struct conn *c)
{
	struct proxy	*p = c->p;

	TAILQ_REMOVE(c->is_dirty == DIRTY_MANY ? &p->many : &p->dirty, c,
	    dirty_entry);
	if (c->is_dirty == DIRTY_MANY)
		p->many_done++;
	c->is_dirty = 0;
}

void
conn_mark_dirty(struct conn *c)
{
	if (c->is_dirty == DIRTY)
		return;
	if (c->is_dirty)
		conn_unmark(c);
	c->is_dirty = DIRTY;
	TAILQ_INSERT_TAIL(&c->p->dirty, c, dirty_entry);
}

/* There is something to be written; of an event to many it may wait while
 * others talk. */
static void
conn_mark_queued(struct conn *c)
{
	struct proxy	*p = c->p;

	if (!p->is_to_many) {
		conn_mark_dirty(c);
		return;
	}
	if (c->is_dirty)
		return;
	c->is_dirty = DIRTY_MANY;
	p->many_begun++;
	TAILQ_INSERT_TAIL(&p->many, c, dirty_entry);
}

/* Go on with it next turn. */
void
conn_postpone(struct conn *c)
{
	if (c->is_postponed || c->is_paused || c->is_ended ||
	    c->limited_at != 0)
		return;
	c->is_postponed = 1;
	TAILQ_INSERT_TAIL(&c->p->postponed, c, wait_entry);
	proxy_ask_next_turn(c->p);
}

void
conn_queue(struct conn *c, const void *data, size_t len)
{
	if (obuf_add(&c->out, data, len) == -1)
		conn_kill(c, "out of memory");
	else
		conn_mark_queued(c);
}

void
conn_queue_pbuf(struct conn *c, struct pbuf *pb, size_t off, size_t len)
{
	if (obuf_add_pbuf(&c->out, pb, off, len) == -1)
		conn_kill(c, "out of memory");
	else
		conn_mark_queued(c);
}

/* -- closing ------------------------------------------------------------ */

void
conn_kill(struct conn *c, const char *why)
{
	if (c->state == CONN_DEAD)
		return;
	if (c->sess != NULL)
		session_lost(c, why);
	else
		log_debug("connection from %s: %s", c->peer, why);
	c->state = CONN_DEAD;
	obuf_free(&c->out);
	event_del(&c->rev);
	event_del(&c->wev);
	event_del(&c->tev);
	conn_mark_dirty(c);
}

/* The line about a session that left says why. */
void
conn_exceeds(struct conn *c, enum limit l, const char *why)
{
	if (c->sess != NULL && c->sess->state == SESS_JOINED)
		limit_hit(l);
	else
		limit_reached(l, "address=%s", c->peer);
	conn_kill(c, why);
}

void
conn_close(struct conn *c)
{
	if (c->state >= CONN_CLOSING)
		return;
	if (c->sess != NULL)
		session_lost(c, "closed");
	c->state = CONN_CLOSING;
	conn_unlimit(c);
	conn_resume(c);
	conn_free_kept(c);
	c->complete_at = c->ping_at = c->slow_at = 0;
	conn_set_phase(c, CLOSING_MS);
	conn_mark_dirty(c);
}

void
conn_close_code(struct conn *c, uint16_t code, const char *why)
{
	uint8_t	hdr[WS_MAXHDR], payload[125];
	size_t	n, len;

	if (c->state >= CONN_CLOSING)
		return;
	if (c->is_ws && c->state == CONN_OPEN && !c->closed_ws) {
		len = ws_close_payload(payload, code, why);
		n = ws_header(hdr, WS_OP_CLOSE, len, NULL);
		c->closed_ws = 1;
		conn_queue(c, hdr, n);
		conn_queue(c, payload, len);
	}
	conn_close(c);
}

/* Everything is written: end our half of the stream. */
static void
conn_shut(struct conn *c)
{
	if (c->tls != NULL && !c->tls_error)
		tls_close(c->tls);
	if (shutdown(c->fd, SHUT_WR) == -1) {
		conn_kill(c, "closed");
		return;
	}
	c->state = CONN_LINGER;
	conn_set_phase(c, LINGER_MS);
	if (!event_pending(&c->rev, EV_READ, NULL))
		event_add(&c->rev, NULL);
}

/* -- writing ------------------------------------------------------------ */

/*
 * In as few records as it fits, each of which is a write(2).  1: all
 * written, 0: some waits, -1: failed.
 */
static int
conn_write_tls(struct conn *c)
{
	const uint8_t	*p;
	size_t		 len;
	ssize_t		 n;

	while ((len = obuf_peek(&c->out, c->p->record, RECORD_MAX, &p)) > 0) {
		n = tls_write(c->tls, p, len);
		if (n > 0) {
			obuf_drain(&c->out, (size_t)n);
			continue;
		}
		if (n == TLS_WANT_POLLIN) {
			c->want_read = 1;
			return (0);
		}
		if (n == TLS_WANT_POLLOUT) {
			event_add(&c->wev, NULL);
			return (0);
		}
		c->tls_error = 1;
		return (-1);
	}
	return (1);
}

static int
conn_write_plain(struct conn *c)
{
	int	rv;

	if ((rv = obuf_write(&c->out, c->fd)) == 0)
		event_add(&c->wev, NULL);
	return (rv);
}

void
conn_flush(struct conn *c)
{
	size_t	before = c->out.bytes;
	int	rv;

	if (c->state <= CONN_TLS || c->state == CONN_LINGER)
		return;
	rv = c->tls != NULL ? conn_write_tls(c) : conn_write_plain(c);
	c->p->counts.sent += before - c->out.bytes;
	if (rv == -1) {
		conn_kill(c, "connection lost");
		return;
	}
	if (c->sess != NULL)
		session_queue_check(c->sess);
	if (rv == 1 && c->state == CONN_CLOSING)
		conn_shut(c);
}

/* What a connection keeps this process from giving back. */
static size_t
conn_weight(const struct conn *c)
{
	return (c->held + c->out.bytes);
}

/* What all of them do.  The queues to the brokers have marks of their own;
 * what waits there is no connection's any more. */
static size_t
conns_weight(const struct proxy *p)
{
	size_t		n = p->held + pbuf_in_use(), waiting;
	unsigned int	i;

	for (i = 0; i < CONF_MAXBROKERS; i++) {
		if (p->brokers[i].chan == NULL)
			continue;
		waiting = chan_waiting(p->brokers[i].chan);
		n -= waiting < n ? waiting : n;
	}
	return (n);
}

/* Over the budget the one that holds most goes, not the one that asks. */
static void
conns_keep_budget(struct proxy *p)
{
	struct conn	*c, *most = NULL;

	if (p->conf == NULL || conns_weight(p) <= p->conf->limits.memory)
		return;
	TAILQ_FOREACH(c, &p->conns, entry)
		if (c->state != CONN_DEAD && (most == NULL ||
		    conn_weight(c) > conn_weight(most)))
			most = c;
	if (most == NULL || conn_weight(most) == 0)
		return;
	limit_warn(LIMIT_MEMORY, "closing %s, which holds %zu octets",
	    most->peer, conn_weight(most));
	conn_kill(most, "limits memory reached");
}

static void
conn_write_or_free(struct conn *c)
{
	conn_unmark(c);
	if (c->state == CONN_DEAD)
		conn_free(c);
	else
		conn_flush(c);
}

/* Those that an event to many is for, some of them a turn: each costs a
 * system call or two, and others wait to be read. */
static void
conns_flush_many(struct proxy *p)
{
	uint64_t	 end = 0;
	unsigned int	 n;
	struct conn	*c;

	for (n = 1; (c = TAILQ_FIRST(&p->many)) != NULL; n++) {
		conn_write_or_free(c);
		if (n % FLUSH_STEPS != 0)
			continue;
		if (end == 0)
			end = mono_us() + FLUSH_US;
		else if (mono_us() >= end)
			break;
	}
	if (!TAILQ_EMPTY(&p->many))
		proxy_ask_next_turn(p);
}

void
conns_flush(struct proxy *p)
{
	struct conn	*c;

	do {
		while ((c = TAILQ_FIRST(&p->dirty)) != NULL)
			conn_write_or_free(c);
		conns_flush_many(p);
		/* input alone makes nothing dirty, and weighs as well */
		conns_keep_budget(p);
	} while (!TAILQ_EMPTY(&p->dirty));
}
