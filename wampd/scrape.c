/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the metrics process may ask us for, on behalf of those who ask it:
 * everything that is counted, and whether keeper and brokers answer.  It talks
 * to the network, so of what it says only a number is looked at; each of the
 * two is answered once before it may be asked again, and not more often than
 * below.  Rows are passed on when it took those before them.
 */
#include <sys/types.h>

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "chan.h"
#include "ctl.h"
#include "mono.h"
#include "wampd.h"
#include "xmalloc.h"

#define COUNTS_EVERY	1000	/* ms, at most */
#define COUNTS_WITHIN	5000	/* and half of "limits metrics" at most: for
				 * all, and half of that for one */
#define HEALTH_EVERY	100
#define HEALTH_WITHIN	2000	/* to answer a ping */

/* One of the two questions. */
struct question {
	uint32_t	 number;	/* of the last one */
	int		 is_put;	/* and not begun yet */
	int		 is_on;		/* begun, and not answered yet */
	uint64_t	 since;		/* it was begun; 0: none was */
	unsigned int	 every;
};

struct scrape {
	struct wampd	*w;
	uint32_t	 generation;	/* of the process that asked, 0: it is
					 * gone */
	struct event	*timer;		/* for what must wait */
	uint64_t	 wake_at;
	struct question	 counts, health;
	struct ask	 ask;		/* counts */
	unsigned int	 place;		/* whose turn it has been since */
	uint64_t	 place_since;
	struct m_counts	 head;
	size_t		 len;
	uint8_t		 rows[CTL_MAXROWS];
};

static struct child *
asker(const struct scrape *s)
{
	struct child	*c = child_find(s->w, PROC_METRICS, 0);

	return (c != NULL && c->chan != NULL && chan_is_open(c->chan) &&
	    c->generation == s->generation ? c : NULL);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	/* scrape_progress() is called at the end of this turn */
}

/* It is looked at again by then. */
static void
wake(struct scrape *s, uint64_t ms)
{
	struct timeval	tv;
	uint64_t	now = mono_ms();

	if (s->wake_at > now && s->wake_at <= now + ms)
		return;
	s->wake_at = now + ms;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(s->timer, &tv);
}

/* -- what is counted ---------------------------------------------------- */

static void
send_rows(struct scrape *s, struct child *c)
{
	struct iovec	iov[2];

	iov_set(&iov[0], &s->head, sizeof(s->head));
	iov_set(&iov[1], s->rows, s->len);
	chan_sendv(c->chan, IMSG_COUNTS, 0, 0, iov, 2);
	s->head.nrows = 0;
	s->len = 0;
}

/* A row more, of ours or of a child's. */
static int
add_row(void *arg, const uint8_t *p, size_t rowlen)
{
	struct scrape	*s = arg;
	struct child	*c = asker(s);
	uint16_t	 len = (uint16_t)rowlen;

	if (c == NULL || rowlen > sizeof(s->rows) - sizeof(len))
		return (0);
	if (sizeof(s->rows) - s->len < sizeof(len) + rowlen)
		send_rows(s, c);
	memcpy(s->rows + s->len, &len, sizeof(len));
	memcpy(s->rows + s->len + sizeof(len), p, rowlen);
	s->len += sizeof(len) + rowlen;
	s->head.nrows++;
	return (0);
}

static int
add_answer(struct ask *a, const uint8_t *p, size_t len)
{
	return (add_row(a->arg, p, len));
}

static int
has_room(const struct ask *a)
{
	struct child	*c = asker(a->arg);

	return (c == NULL || chan_waiting(c->chan) < CHILD_MAXWAITING);
}

static const struct ask_ops	ops = { has_room, add_answer, ask_skip };

static void
counts_begin(struct scrape *s)
{
	memset(&s->head, 0, sizeof(s->head));
	s->head.number = s->counts.number;
	s->len = 0;
	memset(&s->ask, 0, sizeof(s->ask));
	s->ask.ops = &ops;
	s->ask.arg = s;
	s->ask.w = s->w;
	s->ask.what = CTL_METRICS;
	s->ask.authid = "";
	ask_begin(&s->ask);
	s->place = 0;
	s->place_since = s->counts.since;
	(void)counts_tell(s->w, add_row, s);
}

/*
 * Who is slow to answer, or is held by a client of the control socket that
 * does not read, does not keep all others' counts from who asks.
 */
static int
is_over(struct scrape *s)
{
	uint64_t	now = mono_ms(), most;

	most = s->w->conf->limits.metrics_time / 2;
	if (most > COUNTS_WITHIN)
		most = COUNTS_WITHIN;
	if (s->place != s->ask.place) {
		s->place = s->ask.place;
		s->place_since = now;
	}
	if (now - s->counts.since >= most)
		return (1);
	if (now - s->place_since >= most / 2)
		ask_skip(&s->ask);
	wake(s, most / 4 + 1);
	return (0);
}

static void
counts_step(struct scrape *s, struct child *c)
{
	if (!ask_step(&s->ask)) {
		if (!is_over(s))
			return;
		ask_end(&s->ask);
		s->ask.is_incomplete = 1;
	}
	(void)counts_tell_end(!s->ask.is_incomplete, add_row, s);
	s->head.is_end = 1;
	s->head.is_lost = s->ask.is_incomplete != 0;
	send_rows(s, c);
	s->counts.is_on = 0;
}

/* -- whether they answer ------------------------------------------------ */

static int
is_needed(const struct child *c)
{
	return (c->role == PROC_KEEPER || c->role == PROC_BROKER);
}

__attribute__((format(printf, 3, 4)))
static void
health_answer(struct scrape *s, struct child *c, const char *fmt, ...)
{
	struct m_health	 m;
	struct iovec	 iov[2];
	char		 text[HEALTH_MAXTEXT] = "";
	va_list		 ap;

	memset(&m, 0, sizeof(m));
	m.number = s->health.number;
	m.is_good = fmt == NULL;
	if (fmt != NULL) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
	}
	m.textlen = (uint16_t)strlen(text);
	iov_set(&iov[0], &m, sizeof(m));
	iov_set(&iov[1], text, m.textlen);
	chan_sendv(c->chan, IMSG_HEALTH, 0, 0, iov, 2);
	s->health.is_on = 0;
}

/* Each of them is sent a ping beside those of every second. */
static void
health_begin(struct scrape *s)
{
	struct m_u32	 ping;
	struct child	*c;
	size_t		 i;

	for (i = 0; i < s->w->nchildren; i++) {
		c = s->w->children[i];
		c->ping_health = 0;
		if (!is_needed(c) || c->state != CHILD_UP || c->chan == NULL)
			continue;
		ping.n = c->ping_health = ++c->ping_sent;
		chan_send(c->chan, IMSG_PING, 0, 0, &ping, sizeof(ping));
	}
	wake(s, HEALTH_WITHIN);
}

/* What can be said without waiting for anybody, or NULL. */
static const char *
trouble(const struct wampd *w)
{
	/* the new processes serve, or will; these were asked before */
	if (w->is_caretaker)
		return (NULL);
	if (w->is_stopping)
		return ("wampd is stopping");
	if (!w->is_ready)
		return ("wampd is starting");
	if (w->drain.is_on)
		return ("drained: no clients are accepted");
	return (NULL);
}

static void
health_step(struct scrape *s, struct child *asked)
{
	struct wampd	*w = s->w;
	struct child	*c, *late = NULL;
	const char	*why;
	size_t		 i;

	if ((why = trouble(w)) != NULL) {
		health_answer(s, asked, "%s", why);
		return;
	}
	for (i = 0; i < w->nchildren; i++) {
		c = w->children[i];
		if (!is_needed(c))
			continue;
		if (c->state != CHILD_UP || c->ping_health == 0) {
			health_answer(s, asked, "%s is %s", c->name,
			    c->pid == 0 ? "down" : "starting");
			return;
		}
		if (c->ping_got < c->ping_health)
			late = c;
	}
	if (late == NULL)
		health_answer(s, asked, NULL);
	else if (mono_ms() - s->health.since >= HEALTH_WITHIN)
		health_answer(s, asked, "%s does not answer", late->name);
}

/* -- both --------------------------------------------------------------- */

/* What the last one asked; the next one counts anew. */
static void
forget(struct scrape *s, uint32_t generation)
{
	ask_end(&s->ask);
	s->generation = generation;
	s->counts.number = s->health.number = 0;
	s->counts.is_put = s->counts.is_on = 0;
	s->health.is_put = s->health.is_on = 0;
}

static struct scrape *
scrape_of(struct child *c)
{
	struct wampd	*w = c->w;
	struct scrape	*s = w->scrape;

	if (s == NULL) {
		s = w->scrape = xcalloc(1, sizeof(*s));
		s->w = w;
		s->counts.every = COUNTS_EVERY;
		s->health.every = HEALTH_EVERY;
		if ((s->timer = evtimer_new(w->base, on_timer, s)) == NULL)
			fatalx("out of memory");
	}
	if (s->generation != c->generation)
		forget(s, c->generation);
	return (s);
}

/* 0, or -1: the last one is not answered, or it counts wrong. */
static int
put(struct question *q, uint32_t number)
{
	if (q->is_put || q->is_on || number <= q->number)
		return (-1);
	q->number = number;
	q->is_put = 1;
	return (0);
}

static int
may_ask(const struct child *c)
{
	return (c->role == PROC_METRICS && c->state >= CHILD_ACCEPT);
}

/* 0, or -1 for nonsense. */
int
scrape_counts_asked(struct child *c, uint32_t number)
{
	return (may_ask(c) ? put(&scrape_of(c)->counts, number) : -1);
}

int
scrape_health_asked(struct child *c, uint32_t number)
{
	return (may_ask(c) ? put(&scrape_of(c)->health, number) : -1);
}

/* Is it to begin, and may it already? */
static int
is_due(struct scrape *s, struct question *q)
{
	uint64_t	now = mono_ms();

	if (!q->is_put)
		return (0);
	if (q->since != 0 && now - q->since < q->every) {
		wake(s, q->every - (now - q->since));
		return (0);
	}
	q->is_put = 0;
	q->is_on = 1;
	q->since = now;
	return (1);
}

/* At the end of each turn. */
void
scrape_progress(struct wampd *w)
{
	struct scrape	*s = w->scrape;
	struct child	*c;
	int		 can_take;

	if (s == NULL)
		return;
	if ((c = asker(s)) == NULL) {
		forget(s, 0);
		return;
	}
	/* one that never reads asks for more and more */
	can_take = chan_waiting(c->chan) < CHILD_MAXWAITING;
	if (can_take && is_due(s, &s->counts))
		counts_begin(s);
	if (s->counts.is_on)
		counts_step(s, c);
	if (can_take && is_due(s, &s->health))
		health_begin(s);
	if (s->health.is_on)
		health_step(s, c);
}

void
scrape_stop(struct wampd *w)
{
	if (w->scrape == NULL)
		return;
	ask_end(&w->scrape->ask);
	event_free(w->scrape->timer);
	free(w->scrape);
	w->scrape = NULL;
}
