/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What wampctl asks of a broker.  The names of the fields are in ctl.h.
 */
#ifndef WAMPD_CTLASK_H
#define WAMPD_CTLASK_H

#include "ctlrow.h"

struct chan;
struct imsg;
struct invocation;
struct registration;
struct session;
struct subscription;

/* -- ctl.c -------------------------------------------------------------- */

int	 ctl_query(struct chan *, struct imsg *);

/* -- ctl_rows.c: a row each; -1: there is no room for it ----------------- */

int	 ctl_row_session(struct ctlrows *, const struct session *);
/* All that is known of it. */
int	 ctl_row_one_session(struct ctlrows *, const struct session *);
int	 ctl_row_subscription(struct ctlrows *, const struct subscription *);
int	 ctl_row_registration(struct ctlrows *, const struct registration *);
int	 ctl_row_call(struct ctlrows *, const struct invocation *);
void	 ctl_rows_memory(struct ctlrows *);

/* -- ctl_metrics.c ------------------------------------------------------ */

void	 ctl_metrics_begin(void);
/* Some *steps of it, which are taken from them; 1: that was all. */
int	 ctl_rows_metrics(struct ctlrows *, unsigned int *steps);

#endif /* WAMPD_CTLASK_H */
