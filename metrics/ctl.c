/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What wampctl asks of this process, and so do its own clients, by way of the
 * parent.  The names of the fields are in ctl.h and metric.h.
 */
#include "chan.h"
#include "conf.h"
#include "ctlrow.h"
#include "metric.h"
#include "metrics.h"

static struct ctl_asked	 asked;

static void
show_memory(struct ctlrows *r)
{
	ctlrows_memory(r, &metrics.proc, CTLROW_NONE);
	ctlrow_memory(r, &metrics.proc, "scrapers", NULL, http_clients(),
	    CTLROW_NONE, CTLROW_NONE);
}

static void
show_metrics(struct ctlrows *r)
{
	static const char *const	names[OUTCOMES] = {
		[OUT_OK] = "200",
		[OUT_NOT_FOUND] = "404",
		[OUT_METHOD] = "405",
		[OUT_UNAVAILABLE] = "503"
	};
	struct metricrows		 m;
	unsigned int			 i;

	metricrows_init(&m, r, &metrics.proc);
	metricrow(&m, METRIC_SCRAPERS, NULL, NULL, http_clients());
	for (i = 0; i < OUTCOMES; i++)
		metricrow(&m, METRIC_REQUESTS, names[i], NULL,
		    metrics.outcomes[i]);
	metricrows_limits(&m);
}

int
ctl_query(struct chan *c, struct imsg *im)
{
	struct ctlrows	rows;
	enum ctl_turn	turn;

	if ((turn = ctl_asked_read(&asked, im)) == CTL_TURN_NONSENSE)
		return (-1);
	/* all of it has room in one answer */
	if (turn != CTL_TURN_BEGIN || metrics.conf == NULL ||
	    (asked.m.what != CTL_MEMORY && asked.m.what != CTL_METRICS)) {
		ctlrows_lost(c, im);
		return (0);
	}
	ctlrows_init(&rows);
	if (asked.m.what == CTL_MEMORY)
		show_memory(&rows);
	else
		show_metrics(&rows);
	ctlrows_send(&rows, c, &asked, 1);
	return (0);
}
