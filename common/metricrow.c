/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Rows of what a child counts, as many as one answer takes.
 */
#include <stdio.h>
#include <string.h>

#include "ctlrow.h"
#include "limit.h"
#include "metric.h"
#include "pbuf.h"
#include "proc.h"

void
metricrows_init(struct metricrows *mr, struct ctlrows *r,
    const struct proc *p)
{
	memset(mr, 0, sizeof(*mr));
	mr->r = r;
	/* as the parent calls it */
	if (p->role == PROC_KEEPER || p->role == PROC_METRICS)
		snprintf(mr->process, sizeof(mr->process), "%s",
		    proc_role_name(p->role));
	else
		snprintf(mr->process, sizeof(mr->process), "%s %u",
		    proc_role_name(p->role), p->instance);
}

void
metricrows_begin(struct metricrows *mr)
{
	mr->is_full = 0;
	mr->len = mr->r->out.len;
	mr->nrows = mr->r->nrows;
}

int
metricrows_end(struct metricrows *mr)
{
	if (!mr->is_full)
		return (0);
	mr->r->out.len = mr->len;
	mr->r->nrows = mr->nrows;
	return (-1);
}

static void
row(struct metricrows *mr, enum metric m, const char *a, const char *b,
    const struct metric_hist *h, uint64_t n)
{
	const char	*first = metric_def(m)->labels[0];
	const char	*labels[METRIC_LABELS + 1];
	unsigned int	 i = 0;

	if (first != NULL && strcmp(first, "process") == 0)
		labels[i++] = mr->process;
	labels[i++] = a;
	labels[i] = b;
	ctlrow_begin(mr->r);
	mr->r->nfields = h != NULL ? METRIC_HIST_FIELDS : METRIC_FIELDS;
	if (h != NULL)
		metric_put_hist(&mr->r->out, m, labels, h);
	else
		metric_put(&mr->r->out, m, labels, n);
	if (ctlrow_end(mr->r) == -1)
		mr->is_full = 1;
}

void
metricrow(struct metricrows *mr, enum metric m, const char *a, const char *b,
    uint64_t n)
{
	row(mr, m, a, b, NULL, n);
}

void
metricrow_hist(struct metricrows *mr, enum metric m,
    const struct metric_hist *h)
{
	row(mr, m, NULL, NULL, h, 0);
}

void
metricrows_limits(struct metricrows *mr)
{
	unsigned int	i;

	for (i = 0; i < LIMIT_MAX; i++)
		metricrow(mr, METRIC_LIMITS, limit_name((enum limit)i), NULL,
		    limit_count((enum limit)i));
	metricrow(mr, METRIC_PAYLOADS, NULL, NULL, pbuf_in_use());
}
