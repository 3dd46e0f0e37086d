/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What is counted, by the names that wampd-metrics(7) promises, and the rows
 * of CTL_METRICS that say how much it is:
 *
 * name, type ("counter", "gauge", "histogram"), labels (a map of texts), and
 * value, a number; or, of a histogram, buckets (a map from the bound, as a
 * text, to how many were not above it), sum and count.
 */
#ifndef WAMPD_METRIC_H
#define WAMPD_METRIC_H

#include <stddef.h>
#include <stdint.h>

struct ctlrows;
struct mpput;
struct proc;

enum metric {
	/* of the parent */
	METRIC_BUILD,
	METRIC_START,
	METRIC_RELOADS,
	METRIC_CONTROL_CLIENTS,
	METRIC_COMPLETE,
	METRIC_UP,
	METRIC_RESTARTS,
	METRIC_CPU,
	METRIC_MEMORY,
	/* of several processes */
	METRIC_LIMITS,
	METRIC_PAYLOADS,
	METRIC_QUEUE,
	METRIC_DROPPED,
	/* of tlsproxies */
	METRIC_CONNECTIONS,
	METRIC_ACCEPTED,
	METRIC_REFUSED,
	METRIC_HANDSHAKES,
	METRIC_RECEIVED,
	METRIC_SENT,
	METRIC_MESSAGES,
	METRIC_BUFFERED,
	METRIC_SLOW,
	METRIC_SLOW_ENDED,
	/* of the keeper */
	METRIC_LOGINS,
	METRIC_LOGINS_PENDING,
	METRIC_EXPIRY,
	/* of brokers */
	METRIC_SESSIONS,
	METRIC_JOINED,
	METRIC_SUBSCRIPTIONS,
	METRIC_REGISTRATIONS,
	METRIC_PENDING,
	METRIC_PUBLICATIONS,
	METRIC_EVENTS,
	METRIC_CALLS,
	METRIC_ERRORS,
	METRIC_LATENCY,
	/* of the metrics process */
	METRIC_SCRAPERS,
	METRIC_REQUESTS,
	METRIC_MAX
};

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM
};

#define METRIC_LABELS	3
struct metric_def {
	const char		*name;
	enum metric_type	 type;
	int			 is_ms;		/* it is counted in ms, and told
						 * in seconds */
	const char		*labels[METRIC_LABELS];	/* in this order, NULL:
						 * no more */
	const char		*help;
};

const struct metric_def	*metric_def(enum metric);
/* NULL: there is none of that name. */
const struct metric_def	*metric_find(const char *, size_t);
const char		*metric_type_name(enum metric_type);

/* Times; the bounds are of 1 ms to 60 s. */
#define METRIC_BOUNDS	15
struct metric_hist {
	uint64_t	 n[METRIC_BOUNDS + 1];	/* between two bounds; the last:
						 * above all */
	uint64_t	 sum;			/* us */
};
extern const uint32_t	 metric_bounds[METRIC_BOUNDS];	/* us */
/* As the bound is written, in seconds. */
const char		*metric_bound_name(size_t);

/* One more, which took so many us. */
static inline void
metric_observe(struct metric_hist *h, uint64_t us)
{
	size_t	i = 0;

	while (i < METRIC_BOUNDS && us > metric_bounds[i])
		i++;
	h->n[i]++;
	h->sum += us;
}

/* -- rows --------------------------------------------------------------- */

/*
 * The fields of a row, with a text for each label; how many there are is
 * METRIC_FIELDS.
 */
#define METRIC_FIELDS		4
#define METRIC_HIST_FIELDS	6
void	 metric_put(struct mpput *, enum metric, const char *const *labels,
	    uint64_t);
void	 metric_put_hist(struct mpput *, enum metric,
	    const char *const *labels, const struct metric_hist *);

/* -- metricrow.c -------------------------------------------------------- */

/*
 * A process's own rows in their order: those that come after have no room
 * once one had none, and what belongs together can be taken back.
 */
struct metricrows {
	struct ctlrows	*r;
	char		 process[32];	/* "tlsproxy 0" */
	int		 is_full;
	size_t		 len;		/* of what is kept */
	uint32_t	 nrows;
};
void	 metricrows_init(struct metricrows *, struct ctlrows *,
	    const struct proc *);
/* What follows belongs together. */
void	 metricrows_begin(struct metricrows *);
/* 0, or -1: not all of it had room, and nothing of it is there. */
int	 metricrows_end(struct metricrows *);
/* The first label is the process if the metric has it; a and b are those
 * that follow, or NULL. */
void	 metricrow(struct metricrows *, enum metric, const char *a,
	    const char *b, uint64_t);
void	 metricrow_hist(struct metricrows *, enum metric,
	    const struct metric_hist *);
/* Each limit that this process can reach, and its payloads. */
void	 metricrows_limits(struct metricrows *);

#endif /* WAMPD_METRIC_H */
