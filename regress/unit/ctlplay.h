/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a child answers to wampctl, taken apart: what is not as it must be
 * ends the test.
 */
#ifndef WAMPD_CTLPLAY_H
#define WAMPD_CTLPLAY_H

#include <stdint.h>

#include "ctl.h"
#include "play.h"

/* Of the last answer; rows are those of all since ctl_ask(). */
extern unsigned int	 ctl_n;			/* its rows */
extern unsigned int	 ctl_answers;		/* since ctl_ask() */
extern int		 ctl_lost;

/* 0: all, NULL: all. */
void		 ctl_ask(struct play *, uint16_t what, uint32_t realm,
		    uint64_t session, const char *authid);
int		 ctl_more(struct play *);	/* 0: that was all */
void		 ctl_all(struct play *, uint16_t what, uint32_t realm,
		    uint64_t session, const char *authid);
/* Of row i: a number or bool; a text, "" for nil, until the next call. */
uint64_t	 ctl_num(unsigned int i, const char *name);
const char	*ctl_text(unsigned int i, const char *name);
unsigned int	 ctl_list(unsigned int i, const char *name);	/* entries */
int		 ctl_is(unsigned int i, const char *name, const char *);
/* The row whose field is that number, or -1. */
int		 ctl_find(const char *name, uint64_t);
int		 ctl_find_text(const char *name, const char *);

#endif /* WAMPD_CTLPLAY_H */
