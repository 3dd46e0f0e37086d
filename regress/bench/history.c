/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A hundred events out of a million: what a question to a history takes, by
 * what it asks for, at a real broker, with the way there and back.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../unit/bplay.h"
#include "conf.h"
#include "isotime.h"
#include "mpput.h"

#define EVENTS	1000000
#define FEW	1000		/* of them are on another topic */
#define TIMES	200
#define R	"realm1"
#define GET	"wamp.subscription.get_events"

static struct sess	s;
static uint64_t		pubs[EVENTS / FEW];
static uint64_t		begin, end;	/* ms since 1970 */

static double
now_us(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3);
}

/* With n keywords in kw; how many events came. */
static uint32_t
ask(const struct mpput *kw, uint32_t n)
{
	struct m_call		 m;
	struct m_history	 h;
	struct got		 g;
	struct mpput		 b;
	uint8_t			 buf[2048];
	struct text		 t[2] = { { GET, sizeof(GET) - 1 } };

	mpput_init(&b, buf, sizeof(buf));
	mpput_array(&b, 1);
	mpput_uint(&b, 1);
	mpput_map(&b, n + 1);
	mpput_raw(&b, kw->p, kw->len);
	mpput_text(&b, "limit");
	mpput_uint(&b, 100);
	t[1].p = buf;
	t[1].len = b.len;
	memset(&m, 0, sizeof(m));
	m.request = ++s.request;
	m.paylen = (uint32_t)b.len;
	m.urilen = (uint16_t)t[0].len;
	m.ser = 2;
	m.nargs = 2;
	side_send(s.t, IMSG_CALL, s.slot, s.gen, &m, sizeof(m), t, 2);
	side_want(s.t, IMSG_HISTORY, &g, sizeof(h));
	memcpy(&h, g.data, sizeof(h));
	return (h.n);
}

static void
measure(const char *name, const struct mpput *kw, uint32_t n)
{
	double		start = now_us(), took, most = 0, total = 0;
	uint32_t	got = 0;
	int		i;

	for (i = 0; i < TIMES; i++) {
		start = now_us();
		got = ask(kw, n);
		took = now_us() - start;
		total += took;
		if (took > most)
			most = took;
	}
	printf("history: %-34s %3u events: %6.0f us, at most %6.0f\n", name,
	    got, total / TIMES, most);
}

static void
fill(void)
{
	double	start = now_us();
	int	i;

	begin = wall_ms();
	for (i = 0; i < EVENTS; i++)
		if (i % FEW == 0) {
			send_publish(&s, PUBLISH_ACK, "com.example.few", "x",
			    1);
			pubs[i / FEW] = want_published(&s);
		} else
			send_publish(&s, 0, "com.example.many", "x", 1);
	side_sync(s.t);
	end = wall_ms();
	printf("history: %d events published in %.1f s\n", EVENTS,
	    (now_us() - start) / 1e6);
}

static void
kw_time(struct mpput *kw, const char *name, uint64_t ms)
{
	char	buf[ISOTIME_LEN + 1];

	isotime(buf, ms);
	mpput_text(kw, name);
	mpput_text(kw, buf);
}

static void
questions(void)
{
	struct mpput	kw;
	uint8_t		buf[1024];

	mpput_init(&kw, buf, sizeof(buf));
	measure("the first", &kw, 0);
	mpput_text(&kw, "reverse");
	mpput_bool(&kw, 1);
	measure("the last", &kw, 1);
	mpput_init(&kw, buf, sizeof(buf));
	mpput_text(&kw, "after_publication");
	mpput_uint(&kw, pubs[EVENTS / FEW / 2]);
	measure("after a publication", &kw, 1);
	mpput_init(&kw, buf, sizeof(buf));
	kw_time(&kw, "from_time", begin + (end - begin) / 2);
	measure("from a time", &kw, 1);
	kw_time(&kw, "until_time", begin + (end - begin) / 2 + 1);
	measure("between two times", &kw, 2);
	mpput_init(&kw, buf, sizeof(buf));
	kw_time(&kw, "after_time", end + 1000);
	measure("after a time that has not come", &kw, 1);
	mpput_init(&kw, buf, sizeof(buf));
	mpput_text(&kw, "topic");
	mpput_text(&kw, "com.example.many");
	measure("of the topic of most", &kw, 1);
	mpput_init(&kw, buf, sizeof(buf));
	mpput_text(&kw, "topic");
	mpput_text(&kw, "com.example.few");
	measure("of a topic of one in a thousand", &kw, 1);
	mpput_init(&kw, buf, sizeof(buf));
	mpput_text(&kw, "topic");
	mpput_text(&kw, "com.example.none");
	measure("of a topic that is not there", &kw, 1);
}

static void
reload(void)
{
	double	start;

	start = now_us();
	bp_reload(bconf_new());
	side_sync(s.t);
	printf("history: forgotten in %.0f ms\n", (now_us() - start) / 1e3);
}

int
main(void)
{
	struct conf		*c = bconf_new();
	struct conf_realm	*r = conf_find_realm(c, R, strlen(R));
	struct conf_topic	*t = conf_add_topic(r, "com.example.", 12);

	r->has_history = 1;
	r->history.memory = 1ULL << 30;
	t->match = 1;			/* prefix */
	t->events = EVENTS;
	bp_start(c, 1);
	join(&s, &proxies[0], 1, 1, R, "all");
	fill();
	questions();
	reload();
	bp_stop();
	return (0);
}
