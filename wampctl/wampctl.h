/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The administrator's program: a word, and what does it.
 */
#ifndef WAMPD_WAMPCTL_H
#define WAMPD_WAMPCTL_H

/* Wrong usage: say how it is right, and exit. */
__attribute__((noreturn))
void	 usage(void);

/* A word's function gets what follows it; returns the exit status. */
/* tlsa.c */
int	 ctl_tlsa(int, char **);

#endif /* WAMPD_WAMPCTL_H */
