/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which freed memory a process keeps for itself, and which goes back to the
 * kernel.
 */
#ifndef WAMPD_TRIM_H
#define WAMPD_TRIM_H

#include <stddef.h>

struct event_base;

/* Before anything is allocated. */
void	 trim_keep(void);
void	 trim_init(struct event_base *);
/*
 * Of what it keeps for its peers, in octets, this process had so much and now
 * has less.  Once that is less than half of the most it had, the memory goes
 * back; nothing does without trim_init().
 */
void	 trim_shrank(size_t from, size_t to);

#endif /* WAMPD_TRIM_H */
