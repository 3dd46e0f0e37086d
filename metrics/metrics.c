/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The metrics process: it has one channel, to the parent, its listening
 * sockets and its clients, and nothing else.  It knows what there is to count
 * from the rows that the parent passes on.
 */
#include <string.h>

#include "chan.h"
#include "conf.h"
#include "log.h"
#include "metrics.h"

struct metrics	 metrics;

static int	 is_accepting;
static uint32_t	 drain;		/* not answered yet, or 0 */

static int
on_accept(struct chan *c, struct imsg *im)
{
	(void)im;
	if (metrics.conf == NULL || is_accepting)
		return (-1);
	is_accepting = 1;
	http_listen();
	chan_send(c, IMSG_ACCEPTING, 0, 0, NULL, 0);
	return (0);
}

/* Our successor accepts: those who are here are answered yet. */
static int
on_drain(struct chan *c, struct imsg *im)
{
	struct m_drain	m;

	(void)c;
	if (!is_accepting)
		return (-1);
	memcpy(&m, im->data, sizeof(m));
	is_accepting = 0;
	http_close();
	drain = m.number;
	return (0);
}

static void
turn_end(void)
{
	struct m_u32	m = { drain };

	http_turn_end();
	if (drain == 0 || http_clients() > 0)
		return;
	chan_send(metrics.proc.parent, IMSG_DRAINED, 0, 0, &m, sizeof(m));
	drain = 0;
}

/* What else the parent may say (proc.c). */
static const struct chan_rule	parent_table[IMSG_MAX] = {
	[IMSG_ACCEPT] = { on_accept, 0, 0, 0, 0 },
	[IMSG_DRAIN] = { on_drain, sizeof(struct m_drain), 0, 0, 0 },
	[IMSG_CTL_QUERY] = { ctl_query, sizeof(struct m_ctl_query),
	    sizeof(struct m_ctl_query) + AUTHID_MAXLEN, 0, 0 },
	[IMSG_COUNTS] = { answer_counts, sizeof(struct m_counts),
	    sizeof(struct m_counts) + CTL_MAXROWS, 0, 0 },
	[IMSG_HEALTH] = { answer_health, sizeof(struct m_health),
	    sizeof(struct m_health) + HEALTH_MAXTEXT, 0, 0 },
};

static void
prepare(void)
{
	answer_prepare();
	http_prepare();
}

static void
conf_commit(struct conf *next)
{
	struct conf	*old = metrics.conf;

	metrics.conf = next;
	if (is_accepting)
		http_listen();
	conf_free(old);
}

static const struct proc_hooks	hooks = {
	.role = PROC_METRICS,
	.prepare = prepare,
	.conf_commit = conf_commit,
	.table = parent_table,
	.turn_end = turn_end,
};

int
main(int argc, char **argv)
{
	return (proc_main(&metrics.proc, &hooks, argc, argv));
}
