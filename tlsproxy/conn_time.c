/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Limits of time of a client's connection, with one timer for all of them;
 * pings.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "mono.h"
#include "tlsproxy.h"

static void
earliest(uint64_t *at, uint64_t other)
{
	if (other != 0 && (*at == 0 || other < *at))
		*at = other;
}

/* The timer is set no later than the first deadline; it is not moved when
 * a deadline moves away, only checked when it fires. */
void
conn_arm(struct conn *c)
{
	struct timeval	tv;
	uint64_t	at = 0, now, left;

	earliest(&at, c->phase_at);
	earliest(&at, c->complete_at);
	earliest(&at, c->ping_at);
	earliest(&at, c->slow_at);
	earliest(&at, c->limited_at);
	earliest(&at, c->fenced_at);
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
	if (c->state == CONN_PROXY) {
		announce_refused(c, "did not come in time");
		return;
	}
	if (c->state >= CONN_CLOSING) {
		conn_kill(c, "closed");
		return;
	}
	if (c->state != CONN_OPEN) {
		conn_exceeds(c, LIMIT_HANDSHAKE, "handshake took too long");
		return;
	}
	if (c->is_leaving) {
		conn_close_code(c, WS_GOING_AWAY, "no GOODBYE");
		return;
	}
	if (c->sess == NULL) {
		limit_hit(LIMIT_HELLO);
		if (log_may(&c->p->log_refused, 10))
			log_session("refused address=%s reason=\"no HELLO\"",
			    c->peer);
		conn_close_code(c, WS_NORMAL, "no HELLO");
		return;
	}
	limit_hit(LIMIT_AUTHENTICATE);
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
		conn_exceeds(c, LIMIT_PING, "ping timeout");
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

void
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
	if (c->fenced_at != 0 && c->fenced_at <= now)
		conn_resume(c);
	if (c->phase_at != 0 && c->phase_at <= now)
		conn_phase_over(c);
	if (c->complete_at != 0 && c->complete_at <= now &&
	    c->state < CONN_CLOSING)
		conn_exceeds(c, LIMIT_COMPLETE,
		    "message was not completed in time");
	if (c->slow_at != 0 && c->slow_at <= now && c->state < CONN_CLOSING)
		conn_exceeds(c, LIMIT_SLOW, "slow for too long");
	if (c->ping_at != 0 && c->ping_at <= now && c->state != CONN_DEAD)
		conn_ping(c, now);
	if (c->state != CONN_DEAD)
		conn_arm(c);
}
