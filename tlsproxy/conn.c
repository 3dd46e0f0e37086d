/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The octets of one client's connection: TLS or plain, reading, writing,
 * time limits, closing.  What the octets mean is transport.c's business.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include "chan.h"
#include "mono.h"
#include "pbuf.h"
#include "peercert.h"
#include "tls_key.h"
#include "tlsproxy.h"

#define CONN_CHUNK	4096
#define CONN_STATE	2048		/* octets of a client, about; */
#define CONN_STATE_TLS	(16 * 1024)	/* by TLS */

/* Octets behind the last message that its bucket let through. */
struct kept {
	size_t		 len, from;
	uint8_t		 data[];
};

#define READ_AGAIN	(-1)	/* nothing there now */
#define READ_FAILED	(-2)

static size_t	conn_state(const struct conn *);
static void	conn_on_read(evutil_socket_t, short, void *);
static void	conn_on_write(evutil_socket_t, short, void *);
static void	conn_on_timer(evutil_socket_t, short, void *);
static void	conn_arm(struct conn *);
static void	conn_unlimit(struct conn *);

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
	c->state = l->tls != NULL ? CONN_TLS : CONN_DETECT;
	if ((c->peer = strdup(peer)) == NULL)
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
	bucket_start(&c->bucket, &p->conf->limits.rate, mono_us());
	TAILQ_INSERT_TAIL(&p->conns, c, entry);
	p->nconns++;
	proxy_state_take(p, conn_state(c));
	p->total_dirty = 1;
	addr_connected(c, addr);
	conn_set_phase(c, p->conf->limits.handshake);
	return (c);
fail:
	log_warn("connection from %s not accepted", peer);
	if (c != NULL) {
		tls_free(c->tls);
		free(c->peer);
		free(c);
	}
	close(fd);
	return (NULL);
}

static void
kept_free(struct conn *c)
{
	if (c->kept != NULL)
		freezero(c->kept, sizeof(*c->kept) + c->kept->len);
	c->kept = NULL;
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
	if (p->recheck == c)
		p->recheck = TAILQ_NEXT(c, entry);
	TAILQ_REMOVE(&p->conns, c, entry);
	p->nconns--;
	proxy_state_give(p, conn_state(c));
	p->total_dirty = 1;
	p->held -= c->held;
	addr_left(c);
	transport_free(c);
	kept_free(c);
	obuf_free(&c->out);
	tls_free(c->tls);
	close(c->fd);
	listener_unref(c->l);
	free(c->cert);
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

void
conn_mark_dirty(struct conn *c)
{
	if (c->is_dirty)
		return;
	c->is_dirty = 1;
	TAILQ_INSERT_TAIL(&c->p->dirty, c, dirty_entry);
}

/* Go on with it next turn. */
static void
conn_postpone(struct conn *c)
{
	if (c->is_postponed || c->is_paused || c->limited_at != 0)
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
		conn_mark_dirty(c);
}

void
conn_queue_pbuf(struct conn *c, struct pbuf *pb, size_t off, size_t len)
{
	if (obuf_add_pbuf(&c->out, pb, off, len) == -1)
		conn_kill(c, "out of memory");
	else
		conn_mark_dirty(c);
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

void
conn_close(struct conn *c)
{
	if (c->state >= CONN_CLOSING)
		return;
	if (c->sess != NULL)
		session_lost(c, "closed");
	c->state = CONN_CLOSING;
	conn_unlimit(c);
	kept_free(c);
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

/* -- reading ------------------------------------------------------------ */

static ssize_t
conn_read_plain(struct conn *c, uint8_t *buf, size_t size)
{
	ssize_t	n;

	if ((n = read(c->fd, buf, size)) >= 0)
		return (n);
	if (errno == EAGAIN || errno == EINTR)
		return (READ_AGAIN);
	return (READ_FAILED);
}

/*
 * As much as OpenSSL holds, of which poll cannot tell, and what else there
 * is while it comes in large pieces.
 */
static ssize_t
conn_read_tls(struct conn *c, uint8_t *buf, size_t size)
{
	size_t	len = 0;
	ssize_t	n;

	c->want_write = 0;
	while (len < size) {
		n = tls_read(c->tls, buf + len, size - len);
		if (n > 0) {
			len += (size_t)n;
			if (n < RECORD_MAX / 2 && !tls_release_more(c->ssl))
				return ((ssize_t)len);
			continue;
		}
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT) {
			c->want_write = n == TLS_WANT_POLLOUT;
			return (len > 0 ? (ssize_t)len : READ_AGAIN);
		}
		if (len > 0)
			break;		/* seen again next turn */
		if (n == -1)
			c->tls_error = 1;
		return (n == 0 ? 0 : READ_FAILED);
	}
	conn_postpone(c);
	return ((ssize_t)len);
}

static ssize_t
conn_read(struct conn *c, uint8_t *buf, size_t size)
{
	if (c->tls != NULL)
		return (conn_read_tls(c, buf, size));
	return (conn_read_plain(c, buf, size));
}

static void
conn_handshake_failed(struct conn *c)
{
	if (c->l->flags & LISTEN_CLIENT_CA) {
		/* what somebody looks for whose certificate is refused */
		if (log_may(&c->p->log_refused, 20))
			log_session("refused address=%s reason=\"TLS "
			    "handshake\": %s", c->peer, tls_error(c->tls));
		listener_refused_cert(c->l);
	} else if (log_may(&c->p->log_bad, 5))
		log_debug("TLS handshake with %s failed: %s", c->peer,
		    tls_error(c->tls));
	c->tls_error = 1;
	conn_kill(c, "TLS handshake failed");
}

/*
 * The certificate that libtls verified; 0, or -1: the client must have one
 * and has none, or it cannot be read.  Without a client CA there is nothing
 * to verify by, and nothing counts as verified.
 */
static int
conn_take_cert(struct conn *c)
{
	char	text[PEERCERT_TEXT];

	if ((c->l->flags & LISTEN_CLIENT_CA) == 0)
		return (0);
	if (tls_peer_cert_provided(c->tls) != 1)
		return (c->l->flags & LISTEN_CLIENT_REQUIRED ? -1 : 0);
	if ((c->cert = peercert_new(c->tls)) == NULL)
		return (-1);
	log_debug("client certificate of %s: %s", c->peer,
	    peercert_text(c->cert, text, sizeof(text)));
	if (c->l != listener_now(c->l) && conn_is_revoked(c)) {
		/* by a reload that the handshake crossed */
		session_revoked(c);
		return (-1);
	}
	return (0);
}

/* One signature of the keeper's a turn, so that a storm of handshakes does
 * not freeze the sessions that are in. */
static void
conn_handshake(struct conn *c)
{
	int	rv;

	if (tls_key_used_this_turn()) {
		conn_postpone(c);
		return;
	}
	rv = tls_handshake(c->tls);
	if (rv == TLS_WANT_POLLIN)
		return;
	if (rv == TLS_WANT_POLLOUT) {
		event_add(&c->wev, NULL);
		return;
	}
	if (rv == -1) {
		conn_handshake_failed(c);
		return;
	}
	if (conn_take_cert(c) == -1) {
		conn_kill(c, "no client certificate that can be read");
		return;
	}
	c->state = CONN_DETECT;
	tls_release_wipe(c->ssl, 1);
	if (tls_release_more(c->ssl))
		conn_postpone(c);
}

/* Does the broker of this client's session ask for silence? */
static int
conn_must_pause(const struct conn *c)
{
	const struct broker	*b;

	if (c->sess == NULL || (b = c->sess->broker) == NULL)
		return (0);
	return (c->sess->held || b->xoff || (b->chan != NULL && chan_is_over(b->chan)));
}

static void
conn_stop_reading(struct conn *c)
{
	if (c->is_postponed) {
		TAILQ_REMOVE(&c->p->postponed, c, wait_entry);
		c->is_postponed = 0;
	}
	event_del(&c->rev);
}

static void
conn_pause(struct conn *c)
{
	if (c->is_paused)
		return;
	conn_stop_reading(c);
	c->is_paused = 1;
	TAILQ_INSERT_TAIL(&c->p->paused, c, wait_entry);
}

static void
conn_linger(struct conn *c)
{
	ssize_t	n;
	int	i;

	for (i = 0; i < 16; i++) {
		n = read(c->fd, c->p->rbuf, READ_MAX);
		if (n > 0) {
			explicit_bzero(c->p->rbuf, (size_t)n);
			continue;
		}
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		conn_kill(c, "closed");
		return;
	}
}

/* -- limits session messages -------------------------------------------- */

/* Fills its bucket; what it says after our GOODBYE goes nowhere. */
static int
conn_may_speak(struct conn *c)
{
	const struct conf_rate	*r = &c->p->conf->limits.rate;

	if (r->messages == 0 || c->is_leaving) {
		c->bucket.tokens = UINT32_MAX;
		return (1);
	}
	return (bucket_fill(&c->bucket, r, mono_us()) > 0);
}

static void
log_limited(struct conn *c)
{
	const struct psess	*s = c->sess;

	c->was_limited = 1;
	c->p->limited++;
	if (!log_may(&c->p->log_over, 10))
		return;
	if (s != NULL && s->state == SESS_JOINED)
		log_session("session %" PRIu64 " says more than limits "
		    "session messages: it is read more slowly", s->id);
	else
		log_session("%s says more than limits session messages: it "
		    "is read more slowly", c->peer);
}

/* Did the client end the connection?  What it said before is heard, but not
 * for ever: others may wait for what its session holds. */
static void
look_for_end(struct conn *c)
{
	struct pollfd	pfd;

	pfd.fd = c->fd;
	pfd.events = POLLRDHUP;
	if (poll(&pfd, 1, 0) <= 0)
		return;
	c->has_ended = 1;
	if (c->phase_at == 0)
		conn_set_phase(c, LEAVING_MS);
}

/* Neither read on nor handle what was read until the bucket has tokens. */
static void
conn_limit(struct conn *c)
{
	const struct conf_rate	*r = &c->p->conf->limits.rate;
	uint64_t		 wait;

	conn_stop_reading(c);
	look_for_end(c);
	wait = bucket_wait(&c->bucket, r, LIMITED_MIN * 1000);
	if (wait > LIMITED_MAX * 1000)
		wait = LIMITED_MAX * 1000;	/* and look again */
	/* mono_us() counts from where mono_ms() does */
	c->limited_at = (c->bucket.at + wait) / 1000 + 1;
	if (!c->was_limited)
		log_limited(c);
	conn_arm(c);
}

static void
conn_unlimit(struct conn *c)
{
	if (c->limited_at == 0)
		return;
	c->limited_at = 0;
	if (c->state == CONN_DEAD)
		return;
	event_add(&c->rev, NULL);
	conn_postpone(c);
}

void
conns_new_rate(struct proxy *p)
{
	struct conn	*c;
	uint64_t	 now = mono_us();

	TAILQ_FOREACH(c, &p->conns, entry) {
		bucket_start(&c->bucket, &p->conf->limits.rate, now);
		conn_unlimit(c);
	}
}

/* -- input -------------------------------------------------------------- */

/* What it holds of a message that began, or waits. */
static void
conn_count_held(struct conn *c)
{
	size_t	held = transport_buffered(c);

	if (c->kept != NULL)
		held += c->kept->len;
	c->p->held += held - c->held;
	c->held = held;
}

/* Time limit of a message that began; octets count as long as it lasts. */
static void
conn_after_input(struct conn *c)
{
	if (c->state >= CONN_CLOSING)
		return;
	if (!transport_is_partial(c))
		c->complete_at = 0;
	else if (c->complete_at == 0 && c->state == CONN_OPEN)
		c->complete_at = mono_ms() + c->p->conf->limits.complete;
	conn_count_held(c);
	conn_arm(c);
}

/* What a client said before it joined may have been its secret. */
static void
conn_wipe(struct conn *c, size_t n)
{
	explicit_bzero(c->p->rbuf, n);
	if (c->state >= CONN_CLOSING)
		transport_free(c);	/* nobody reads on */
}

/*
 * Where to read to: the rest of a long message to its place, and more of it
 * than of others as long as there is some of READ_BULK.
 */
static uint8_t *
conn_room(struct conn *c, size_t *size)
{
	struct proxy	*p = c->p;
	uint8_t		*buf;

	if ((buf = transport_room(c, size)) == NULL) {
		*size = READ_MAX;
		return (p->rbuf);
	}
	if (*size <= READ_MAX)
		return (buf);
	if (*size > READ_MAX + p->bulk)
		*size = READ_MAX + p->bulk;
	return (buf);
}

static void
conn_keep(struct conn *c, const uint8_t *p, size_t len)
{
	struct kept	*k;

	if ((k = malloc(sizeof(*k) + len)) == NULL) {
		conn_kill(c, "out of memory");
		return;
	}
	k->len = len;
	k->from = 0;
	memcpy(k->data, p, len);
	c->kept = k;
	conn_limit(c);
}

static void
conn_input_kept(struct conn *c)
{
	struct kept	*k = c->kept;
	size_t		 left;

	c->kept = NULL;		/* which the end of c would free */
	left = transport_input(c, k->data + k->from, k->len - k->from);
	k->from = k->len - left;
	if (left > 0) {
		c->kept = k;
		conn_limit(c);
	} else {
		freezero(k, sizeof(*k) + k->len);
		if (c->state < CONN_CLOSING)
			conn_postpone(c);	/* TLS may hold more */
	}
	conn_after_input(c);
}

/*
 * Is there likely more, and may it be read this turn?  TLS reads what there
 * is until READ_MAX, and goes on next turn.
 */
static int
conn_reads_on(struct conn *c)
{
	struct proxy	*p = c->p;

	if (p->bulk < READ_MAX || c->tls != NULL || c->state != CONN_OPEN ||
	    c->limited_at != 0 || conn_must_pause(c) || !conn_may_speak(c))
		return (0);
	p->bulk -= READ_MAX;
	return (1);
}

/* Returns 1 if it should be done again. */
static int
conn_input(struct conn *c)
{
	struct proxy	*p = c->p;
	uint8_t		*buf;
	size_t		 size, left;
	ssize_t		 n;
	int		 is_in;

	buf = conn_room(c, &size);
	n = conn_read(c, buf, size);
	if (n == READ_AGAIN) {
		conn_count_held(c);	/* there may be more room now */
		if (c->want_write)
			event_add(&c->wev, NULL);
		return (0);
	}
	if (n == 0 || n == READ_FAILED) {
		conn_kill(c, n == 0 ? "connection closed" : "connection lost");
		return (0);
	}
	if (n > READ_MAX)
		p->bulk -= (size_t)n - READ_MAX;
	c->last_input = mono_ms();
	c->ping_sent = 0;
	is_in = c->sess != NULL && c->sess->state == SESS_JOINED;
	left = transport_input(c, buf, (size_t)n);
	if (left > 0)
		conn_keep(c, buf + (size_t)n - left, left);
	if (!is_in)
		conn_wipe(c, buf == p->rbuf ? (size_t)n : 0);
	conn_after_input(c);
	return (buf == p->rbuf && n == READ_MAX && conn_reads_on(c));
}

static void
conn_go_on(struct conn *c)
{
	switch (c->state) {
	case CONN_TLS:
		conn_handshake(c);
		break;
	case CONN_DETECT:
	case CONN_HTTP:
	case CONN_OPEN:
		if (c->limited_at != 0)
			break;
		if (conn_must_pause(c))
			conn_pause(c);
		else if (!conn_may_speak(c))
			conn_limit(c);
		else if (c->kept != NULL)
			conn_input_kept(c);
		else
			while (conn_input(c))
				;
		break;
	case CONN_CLOSING:
		/* dropped, and not to be seen as readable all the time */
		event_del(&c->rev);
		break;
	case CONN_LINGER:
		conn_linger(c);
		break;
	default:
		break;
	}
}

static void
conn_on_read(evutil_socket_t fd, short what, void *arg)
{
	struct conn	*c = arg;

	(void)fd;
	(void)what;
	if (c->want_read) {
		c->want_read = 0;
		conn_mark_dirty(c);
	}
	conn_go_on(c);
}

static void
conn_on_write(evutil_socket_t fd, short what, void *arg)
{
	struct conn	*c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_TLS || c->want_write)
		conn_go_on(c);
	conn_mark_dirty(c);
}

void
conns_continue(struct proxy *p)
{
	struct conns	 list = TAILQ_HEAD_INITIALIZER(list);
	struct conn	*c;

	TAILQ_CONCAT(&list, &p->postponed, wait_entry);
	while ((c = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, c, wait_entry);
		c->is_postponed = 0;
		conn_go_on(c);
	}
}

void
conn_resume(struct conn *c)
{
	if (!c->is_paused)
		return;
	TAILQ_REMOVE(&c->p->paused, c, wait_entry);
	c->is_paused = 0;
	if (c->state == CONN_DEAD)
		return;
	event_add(&c->rev, NULL);
	conn_postpone(c);
}

void
conns_resume(struct proxy *p)
{
	struct conn	*c;

	while ((c = TAILQ_FIRST(&p->paused)) != NULL)
		conn_resume(c);
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
	int	rv;

	if (c->state == CONN_TLS || c->state == CONN_LINGER)
		return;
	rv = c->tls != NULL ? conn_write_tls(c) : conn_write_plain(c);
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
	log_warnx("limits memory reached: closing %s, which holds %zu octets",
	    most->peer, conn_weight(most));
	conn_kill(most, "limits memory reached");
}

void
conns_flush(struct proxy *p)
{
	struct conn	*c;

	do {
		while ((c = TAILQ_FIRST(&p->dirty)) != NULL) {
			TAILQ_REMOVE(&p->dirty, c, dirty_entry);
			c->is_dirty = 0;
			if (c->state == CONN_DEAD)
				conn_free(c);
			else
				conn_flush(c);
		}
		/* input alone makes nothing dirty, and weighs as well */
		conns_keep_budget(p);
	} while (!TAILQ_EMPTY(&p->dirty));
}

/* -- time --------------------------------------------------------------- */

static void
earliest(uint64_t *at, uint64_t other)
{
	if (other != 0 && (*at == 0 || other < *at))
		*at = other;
}

/* The timer is set no later than the first deadline; it is not moved when
 * a deadline moves away, only checked when it fires. */
static void
conn_arm(struct conn *c)
{
	struct timeval	tv;
	uint64_t	at = 0, now, left;

	earliest(&at, c->phase_at);
	earliest(&at, c->complete_at);
	earliest(&at, c->ping_at);
	earliest(&at, c->slow_at);
	earliest(&at, c->limited_at);
	if (at == 0 || (c->armed_at != 0 && c->armed_at <= at))
		return;
	now = mono_ms();
	left = at > now ? at - now : 0;
	tv.tv_sec = (time_t)(left / 1000);
	tv.tv_usec = (suseconds_t)(left % 1000) * 1000;
	if (event_add(&c->tev, &tv) == 0)
		c->armed_at = at;
}

void
conn_set_phase(struct conn *c, uint32_t ms)
{
	struct conf_limits	*l = &c->p->conf->limits;

	c->phase_at = ms == 0 ? 0 : mono_ms() + ms;
	if (ms == 0 && c->ping_at == 0 && l->ping_every != 0 &&
	    (c->is_ws || (c->l->flags & LISTEN_RSPING)))
		c->ping_at = mono_ms() + l->ping_every;
	conn_arm(c);
}

void
conn_set_slow(struct conn *c, uint32_t ms)
{
	c->slow_at = ms == 0 ? 0 : mono_ms() + ms;
	conn_arm(c);
}

static void
conn_phase_over(struct conn *c)
{
	c->phase_at = 0;
	if (c->has_ended && c->state < CONN_CLOSING) {
		conn_kill(c, "connection closed");
		return;
	}
	if (c->state != CONN_OPEN) {
		conn_kill(c, c->state >= CONN_CLOSING ? "closed" :
		    "handshake took too long");
		return;
	}
	if (c->is_leaving) {
		conn_close_code(c, WS_GOING_AWAY, "no GOODBYE");
		return;
	}
	if (c->sess == NULL) {
		if (log_may(&c->p->log_refused, 10))
			log_session("refused address=%s reason=\"no HELLO\"",
			    c->peer);
		conn_close_code(c, WS_NORMAL, "no HELLO");
		return;
	}
	session_abort(c, WERR_AUTHENTICATION_FAILED,
	    "authentication took too long");
}

static void
conn_ping(struct conn *c, uint64_t now)
{
	struct conf_limits	*l = &c->p->conf->limits;

	c->ping_at = 0;
	if (c->state != CONN_OPEN || l->ping_every == 0)
		return;
	if (c->ping_sent && now - c->last_input >= l->ping_timeout) {
		conn_kill(c, "ping timeout");
		return;
	}
	if (!c->ping_sent && now - c->last_input >= l->ping_every) {
		transport_ping(c);
		c->ping_sent = 1;
		/* the answer's limit counts from the last octet */
		c->ping_at = now + (l->ping_timeout > l->ping_every ?
		    l->ping_timeout - l->ping_every : l->ping_timeout);
	} else
		c->ping_at = c->last_input + (c->ping_sent ?
		    l->ping_timeout : l->ping_every);
}

/* We do not read it: its silence is none. */
static void
conn_excuse(struct conn *c, uint64_t now)
{
	struct conf_limits	*l = &c->p->conf->limits;

	if (c->complete_at != 0 && c->complete_at <= now)
		c->complete_at = now + l->complete;
	if (c->ping_at != 0 && c->ping_at <= now)
		c->ping_at = now + l->ping_timeout;
}

static void
conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn	*c = arg;
	uint64_t	 now = mono_ms();

	(void)fd;
	(void)what;
	c->armed_at = 0;
	if (c->state == CONN_DEAD)
		return;
	if (c->is_paused || c->limited_at != 0 || c->kept != NULL)
		conn_excuse(c, now);
	if (c->limited_at != 0 && c->limited_at <= now)
		conn_unlimit(c);
	if (c->phase_at != 0 && c->phase_at <= now)
		conn_phase_over(c);
	if (c->complete_at != 0 && c->complete_at <= now &&
	    c->state < CONN_CLOSING)
		conn_kill(c, "message was not completed in time");
	if (c->slow_at != 0 && c->slow_at <= now && c->state < CONN_CLOSING)
		conn_kill(c, "slow for too long");
	if (c->ping_at != 0 && c->ping_at <= now && c->state != CONN_DEAD)
		conn_ping(c, now);
	if (c->state != CONN_DEAD)
		conn_arm(c);
}
