/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the parent answers, for all who wait for it at once: rows become the
 * text for Prometheus that wampctl(8) makes of them, too.  A question is under
 * way once at a time, and who comes meanwhile shares its answer.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "codec.h"
#include "conf.h"
#include "log.h"
#include "metrics.h"
#include "promtext.h"

#define HEALTH_WITHIN	4000	/* ms; the parent needs half of it at most */

/* A text that clients are being sent. */
struct text {
	unsigned int	 refs;
	struct wbuf	 w;
};

static struct {
	uint32_t	 number;	/* of the last one */
	int		 is_on;		/* and it is not answered yet */
	struct event	*timer;
} asked[QUESTIONS];

/* The counts that come at present; of those given up nothing is kept. */
static struct promtext	 rows;
static int		 is_lost;

/* -- texts -------------------------------------------------------------- */

static void
text_unref(struct text *t)
{
	if (--t->refs > 0)
		return;
	wbuf_free(&t->w);
	free(t);
}

static void
text_sent(const void *p, size_t len, void *arg)
{
	(void)p;
	(void)len;
	text_unref(arg);
}

static int
text_add(struct evbuffer *b, void *arg)
{
	struct text	*t = arg;

	if (t->w.len == 0)
		return (0);
	if (evbuffer_add_reference(b, t->w.buf, t->w.len, text_sent, t) == -1)
		return (-1);
	t->refs++;
	return (0);
}

static void
text_answer(enum question q, enum outcome o, struct text *t)
{
	http_reply_all(q, o, t->w.len, text_add, t);
	text_unref(t);
}

static struct text *
text_new(void)
{
	struct text	*t;

	if ((t = calloc(1, sizeof(*t))) != NULL)
		t->refs = 1;
	return (t);
}

/* A line of ours, or why there is none. */
static void
say(enum question q, enum outcome o, const char *line)
{
	struct text	*t;

	if ((t = text_new()) == NULL) {
		http_reply_all(q, OUT_UNAVAILABLE, 0, NULL, NULL);
		return;
	}
	wbuf_add(&t->w, line, strlen(line));
	wbuf_add(&t->w, "\n", 1);
	if (t->w.failed)
		wbuf_reset(&t->w);
	text_answer(q, o, t);
}

/* -- questions ---------------------------------------------------------- */

static void
drop_rows(void)
{
	promtext_free(&rows);
	promtext_init(&rows);
	is_lost = 0;
}

/* Nobody waits any longer; the parent's answer will be none to anybody. */
static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	enum question	q = arg == NULL ? ASK_COUNTS : ASK_HEALTH;

	(void)fd;
	(void)what;
	say(q, OUT_UNAVAILABLE, "wampd does not answer");
}

void
answer_want(enum question q)
{
	struct timeval	tv;
	struct m_u32	m;
	uint32_t	ms;

	ms = q == ASK_HEALTH ? HEALTH_WITHIN :
	    metrics.conf->limits.metrics_time;
	if (!evtimer_pending(asked[q].timer, NULL)) {
		tv.tv_sec = ms / 1000;
		tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
		evtimer_add(asked[q].timer, &tv);
	}
	if (asked[q].is_on)
		return;
	asked[q].is_on = 1;
	m.n = ++asked[q].number;
	chan_send(metrics.proc.parent, q == ASK_COUNTS ? IMSG_COUNTS_ASK :
	    IMSG_HEALTH_ASK, 0, 0, &m, sizeof(m));
}

void
answer_prepare(void)
{
	static int	 health;
	int		*args[QUESTIONS] = { NULL, &health };
	unsigned int	 q;

	promtext_init(&rows);
	for (q = 0; q < QUESTIONS; q++) {
		asked[q].timer = evtimer_new(metrics.proc.base, on_timeout,
		    args[q]);
		if (asked[q].timer == NULL)
			fatalx("metrics: out of memory");
	}
}

static int
is_answer(enum question q, uint32_t number)
{
	return (asked[q].is_on && number == asked[q].number);
}

static void
done(enum question q)
{
	asked[q].is_on = 0;
	evtimer_del(asked[q].timer);
}

/* -- answers ------------------------------------------------------------ */

/* All rows are there. */
static void
counts_end(void)
{
	struct text	*t;

	done(ASK_COUNTS);
	if (is_lost) {
		say(ASK_COUNTS, OUT_UNAVAILABLE, "what is counted cannot be told");
		return;
	}
	if ((t = text_new()) == NULL ||
	    promtext_end(&rows, &t->w) == -1) {
		if (t != NULL)
			text_unref(t);
		say(ASK_COUNTS, OUT_UNAVAILABLE, "out of memory");
		return;
	}
	text_answer(ASK_COUNTS, OUT_OK, t);
}

/* A row comes from any process, one that was taken over perhaps. */
static void
add_row(const uint8_t *p, size_t len)
{
	struct val	row;

	if (is_lost)
		return;
	if (codec_check(SER_MSGPACK, p, len, &row) == CODEC_OK &&
	    row.type == VAL_MAP && val_map_check(&row) == 0 &&
	    promtext_add(&rows, &row) == 0)
		return;
	drop_rows();
	is_lost = 1;
}

int
answer_counts(struct chan *c, struct imsg *im)
{
	struct m_counts	 m;
	const uint8_t	*p = im->data + sizeof(m);
	size_t		 left = im->len - sizeof(m);
	uint16_t	 len;

	(void)c;
	memcpy(&m, im->data, sizeof(m));
	if (!is_answer(ASK_COUNTS, m.number) || m.is_end > 1 ||
	    m.is_lost > m.is_end)
		return (-1);
	for (; m.nrows > 0; m.nrows--) {
		if (left < sizeof(len))
			return (-1);
		memcpy(&len, p, sizeof(len));
		p += sizeof(len);
		left -= sizeof(len);
		if (len == 0 || len > left)
			return (-1);
		add_row(p, len);
		p += len;
		left -= len;
	}
	if (left != 0)
		return (-1);
	/* that some process did not tell all of its own is a row as well */
	if (m.is_end) {
		counts_end();
		drop_rows();
	}
	return (0);
}

int
answer_health(struct chan *c, struct imsg *im)
{
	struct m_health	 m;
	char		 text[HEALTH_MAXTEXT + 1];

	(void)c;
	memcpy(&m, im->data, sizeof(m));
	if (!is_answer(ASK_HEALTH, m.number) || m.is_good > 1 ||
	    m.textlen != im->len - sizeof(m))
		return (-1);
	memcpy(text, im->data + sizeof(m), m.textlen);
	text[m.textlen] = '\0';
	done(ASK_HEALTH);
	say(ASK_HEALTH, m.is_good ? OUT_OK : OUT_UNAVAILABLE,
	    m.is_good ? "ok" : text);
	return (0);
}
