/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a client's connection is read for: the TLS handshake, and octets, TLS or
 * plain, as fast as broker and limits permit.
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
#include "fence.h"
#include "limit.h"
#include "mono.h"
#include "pbuf.h"
#include "peercert.h"
#include "tls_key.h"
#include "tlsproxy.h"

/* Octets behind the last message that its bucket let through. */
struct kept {
	size_t		 len, from;
	uint8_t		 data[];
};

#define READ_AGAIN	(-1)	/* nothing there now */
#define READ_FAILED	(-2)

static const char	why_closed[] = "connection closed";
static const char	why_lost[] = "connection lost";

void
conn_free_kept(struct conn *c)
{
	if (c->kept != NULL)
		freezero(c->kept, sizeof(*c->kept) + c->kept->len);
	c->kept = NULL;
}

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
	char		 text[512];
	const uint8_t	*first;

	if ((first = tls_release_no_tls(c->ssl)) != NULL)
		first_unknown(c, first, TLS_HEADER);
	else if (c->l->flags & LISTEN_CLIENT_CA) {
		/* what somebody looks for whose certificate is refused */
		if (log_may(&c->p->log_refused, 20))
			log_session("refused address=%s reason=\"TLS "
			    "handshake\" text=\"%s\"", c->peer,
			    log_text(text, sizeof(text), tls_error(c->tls),
			    strlen(tls_error(c->tls))));
		listener_refused_cert(c->l);
	} else if (log_may(&c->p->log_handshake, 5))
		log_debug("TLS handshake with %s failed: %s", c->peer,
		    tls_error(c->tls));
	c->p->counts.shaken[SHAKEN_TLS][0]++;
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
		c->p->counts.shaken[SHAKEN_TLS][0]++;
		conn_kill(c, "no client certificate that can be read");
		return;
	}
	c->p->counts.shaken[SHAKEN_TLS][1]++;
	c->state = CONN_DETECT;
	tls_release_shaken(c->ssl);
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
conn_unpause(struct conn *c)
{
	if (!c->is_paused)
		return;
	TAILQ_REMOVE(&c->p->paused, c, wait_entry);
	c->is_paused = 0;
	c->fenced_at = 0;
}

/* Whatever it waits for, it waits for it no longer. */
static void
conn_stop_reading(struct conn *c)
{
	conn_unpause(c);
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

/*
 * The client is not there any more.  Of many that leave at once some are
 * closed each turn: that others do so is no reason to wait for long.
 */
static void
conn_end(struct conn *c, int is_lost)
{
	struct proxy	*p = c->p;

	if (c->is_ended)
		return;
	if (p->closes > 0) {
		p->closes--;
		conn_kill(c, is_lost ? why_lost : why_closed);
		return;
	}
	conn_stop_reading(c);
	c->is_ended = is_lost ? 2 : 1;
	TAILQ_INSERT_TAIL(&p->ended, c, wait_entry);
	proxy_ask_next_turn(p);
}

void
conns_bury(struct proxy *p)
{
	struct conn	*c;
	int		 is_lost;

	for (; (c = TAILQ_FIRST(&p->ended)) != NULL; p->closes--) {
		if (p->closes == 0) {
			proxy_ask_next_turn(p);
			return;
		}
		TAILQ_REMOVE(&p->ended, c, wait_entry);
		is_lost = c->is_ended == 2;
		c->is_ended = 0;
		conn_kill(c, is_lost ? why_lost : why_closed);
	}
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
		conn_end(c, 0);
		return;
	}
}

/* -- limits session messages, bytes ------------------------------------- */

/* Nothing is counted where nothing is limited. */
static int
fill(struct bucket *b, const struct conf_rate *r, int is_free, uint64_t now)
{
	if (r->number == 0 || is_free) {
		b->tokens = INT64_MAX;
		return (1);
	}
	return (bucket_fill(b, r, now) > 0);
}

/* Fills its buckets; what it says after our GOODBYE goes nowhere. */
static int
conn_may_speak(struct conn *c)
{
	const struct conf_limits	*l = &c->p->conf->limits;
	uint64_t			 now;
	int				 may;

	now = l->messages.number != 0 || l->bytes.number != 0 ? mono_us() : 0;
	may = fill(&c->messages, &l->messages, c->is_leaving, now);
	may &= fill(&c->bytes, &l->bytes, c->is_leaving, now);
	return (may);
}

/* Once for each of them and connection. */
static void
log_limited(struct conn *c, uint8_t which)
{
	const struct psess	*s = c->sess;
	enum limit		 l = which == LIMITED_BYTES ? LIMIT_BYTES :
				    LIMIT_MESSAGES;

	if ((c->was_limited & which) != 0)
		return;
	c->was_limited |= which;
	limit_hit(l);
	if (!log_may(&c->p->log_over, 10))
		return;
	if (s != NULL && s->state == SESS_JOINED)
		log_session("session %" PRIu64 " says more than limits %s: it "
		    "is read more slowly", s->id, limit_name(l));
	else
		log_session("%s says more than limits %s: it is read more "
		    "slowly", c->peer, limit_name(l));
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

/* When the bucket has tokens again, mono_us(); 0: it has. */
static uint64_t
next_token(const struct bucket *b, const struct conf_rate *r)
{
	if (r->number == 0 || b->tokens > 0)
		return (0);
	return (b->at + bucket_wait(b, r, LIMITED_MIN * 1000));
}

/* Neither read on nor handle what was read until its buckets have tokens. */
static void
conn_limit(struct conn *c)
{
	const struct conf_limits	*l = &c->p->conf->limits;
	uint64_t			 at, bytes_at, most;

	conn_stop_reading(c);
	look_for_end(c);
	at = next_token(&c->messages, &l->messages);
	bytes_at = next_token(&c->bytes, &l->bytes);
	if (at != 0)
		log_limited(c, LIMITED_MESSAGES);
	if (bytes_at != 0)
		log_limited(c, LIMITED_BYTES);
	if (at < bytes_at)
		at = bytes_at;
	most = mono_us() + LIMITED_MAX * 1000;
	if (at > most)
		at = most;		/* and look again */
	/* mono_us() counts from where mono_ms() does */
	c->limited_at = at / 1000 + 1;
	conn_arm(c);
}

void
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
		bucket_start(&c->messages, &p->conf->limits.messages, now);
		bucket_start(&c->bytes, &p->conf->limits.bytes, now);
		conn_unlimit(c);
	}
}

/* -- fences ------------------------------------------------------------- */

/* Neither read on nor handle what was read until a fence is back, or not in
 * a while. */
static void
conn_fence(struct conn *c)
{
	conn_pause(c);
	c->fenced_at = mono_ms() + FENCE_LOST + 1;
	conn_arm(c);
}

static int
has_tokens(const struct conn *c)
{
	return (c->messages.tokens > 0 && c->bytes.tokens > 0);
}

/* It may not say more now. */
static void
conn_wait(struct conn *c)
{
	if (has_tokens(c))
		conn_fence(c);
	else
		conn_limit(c);
}

/* What is not taken now waits.  Returns how many octets at the end do. */
static size_t
conn_hear(struct conn *c, uint8_t *p, size_t len)
{
	size_t	left = len;

	do {
		if (talk_room(c) == 0)
			return (left);
		p += len - left;
		len = left;
		left = transport_input(c, p, len);
		talk_said(c);
	} while (left > 0 && has_tokens(c));
	return (left);
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
	conn_wait(c);
}

static void
conn_input_kept(struct conn *c)
{
	struct kept	*k = c->kept;
	size_t		 left;

	c->kept = NULL;		/* which the end of c would free */
	left = conn_hear(c, k->data + k->from, k->len - k->from);
	k->from = k->len - left;
	if (left > 0) {
		c->kept = k;
		conn_wait(c);
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
	    c->kept != NULL || conn_must_pause(c) || !conn_may_speak(c) ||
	    talk_room(c) == 0)
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
		conn_end(c, n == READ_FAILED);
		return (0);
	}
	if (n > READ_MAX)
		p->bulk -= (size_t)n - READ_MAX;
	p->counts.received += (size_t)n;
	c->last_input = mono_ms();
	c->ping_sent = 0;
	is_in = c->sess != NULL && c->sess->state == SESS_JOINED;
	left = conn_hear(c, buf, (size_t)n);
	if (left > 0)
		conn_keep(c, buf + (size_t)n - left, left);
	/* GOODBYE and another HELLO may have come in one */
	if (!is_in || c->sess == NULL || c->sess->state != SESS_JOINED)
		conn_wipe(c, buf == p->rbuf ? (size_t)n : 0);
	conn_after_input(c);
	return (buf == p->rbuf && n == READ_MAX && conn_reads_on(c));
}

static void
conn_go_on(struct conn *c)
{
	switch (c->state) {
	case CONN_PROXY:
		announce_read(c);
		break;
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
		else if (talk_room(c) == 0)
			conn_fence(c);
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

void
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

void
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
	conn_unpause(c);
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
