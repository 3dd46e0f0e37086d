/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the parent passes on to the metrics process: rows of any process, one
 * that was taken over among them.  Whatever they are, the text that becomes of
 * them has lines of the format and nothing else.
 *
 * The input is a row of operations: two octets, what and how many octets of
 * data, and the data.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../metrics/metrics.h"
#include "chan.h"
#include "conf.h"
#include "metric.h"

#define MUST(x)		do { if (!(x)) abort(); } while (0)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct metrics	 metrics;
static uint32_t	 asked[QUESTIONS];

int
chan_send(struct chan *c, uint32_t type, uint32_t slot, uint32_t gen,
    const void *data, size_t len)
{
	(void)c;
	(void)slot;
	(void)gen;
	MUST(len == sizeof(uint32_t));
	memcpy(&asked[type == IMSG_COUNTS_ASK ? ASK_COUNTS : ASK_HEALTH],
	    data, len);
	return (0);
}

/* "# HELP name ", "# TYPE name " or "name{" or "name ", of the table. */
static void
check_line(const char *p, size_t len)
{
	const struct metric_def	*d;
	size_t			 n = 0, i;

	if (len > 7 && (memcmp(p, "# HELP ", 7) == 0 ||
	    memcmp(p, "# TYPE ", 7) == 0)) {
		p += 7;
		len -= 7;
	}
	while (n < len && p[n] != ' ' && p[n] != '{')
		n++;
	MUST(n < len);
	for (i = 0; i < len; i++)
		MUST((unsigned char)p[i] >= ' ' && p[i] != 0x7f);
	for (i = 0; i < METRIC_MAX; i++) {
		d = metric_def((enum metric)i);
		if (n >= strlen(d->name) &&
		    memcmp(p, d->name, strlen(d->name)) == 0)
			return;
	}
	abort();
}

static void
check_text(const char *p, size_t len)
{
	const char	*end;

	while (len > 0) {
		MUST((end = memchr(p, '\n', len)) != NULL);
		check_line(p, (size_t)(end - p));
		len -= (size_t)(end - p) + 1;
		p = end + 1;
	}
}

void
http_reply_all(enum question q, enum outcome o, size_t len,
    int (*add)(struct evbuffer *, void *), void *arg)
{
	struct evbuffer	*b = evbuffer_new();

	MUST(b != NULL);
	if (add != NULL)
		MUST(add(b, arg) == 0 && evbuffer_get_length(b) == len);
	if (q == ASK_COUNTS && o == OUT_OK)
		check_text((const char *)evbuffer_pullup(b, -1), len);
	evbuffer_free(b);
}

/* As chan.c would: the length was checked by the table. */
static void
deliver(int (*handler)(struct chan *, struct imsg *), size_t min,
    const uint8_t *p, size_t len, uint32_t number)
{
	uint64_t	aligned[64];
	uint8_t		*data = (uint8_t *)aligned;
	struct imsg	 m;

	if (len < min || len > sizeof(aligned))
		return;
	memcpy(data, p, len);
	memcpy(data, &number, sizeof(number));
	memset(&m, 0, sizeof(m));
	m.data = data;
	m.len = len;
	m.fd = -1;
	(void)handler(NULL, &m);
}

static void
setup(void)
{
	if (metrics.conf != NULL)
		return;
	MUST((metrics.proc.base = event_base_new()) != NULL);
	metrics.conf = conf_new();
	metrics.conf->limits.memory = 4096;
	answer_prepare();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t left)
{
	size_t	n;

	setup();
	while (left >= 2) {
		n = p[1] < left - 2 ? p[1] : left - 2;
		switch (p[0] % 4) {
		case 0:
			answer_want(ASK_COUNTS);
			break;
		case 1:
			answer_want(ASK_HEALTH);
			break;
		case 2:
			deliver(answer_counts, sizeof(struct m_counts), p + 2,
			    n, asked[ASK_COUNTS]);
			break;
		default:
			deliver(answer_health, sizeof(struct m_health), p + 2,
			    n, asked[ASK_HEALTH]);
			break;
		}
		p += 2 + n;
		left -= 2 + n;
	}
	return (0);
}
