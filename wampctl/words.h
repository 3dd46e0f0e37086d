/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The words of wampctl(8), and what they come to.
 */
#ifndef WAMPD_WORDS_H
#define WAMPD_WORDS_H

#include <stdio.h>

#include "ctl.h"

enum words_do {
	DO_ASK,		/* send the request, show the answer */
	DO_TOP,
	DO_TLSA		/* the rest is for ctl_tlsa() */
};

struct words {
	enum words_do		 what;
	struct ctl_request	 req;	/* DO_ASK */
	unsigned int		 seconds;	/* DO_TOP */
	int			 rest;	/* DO_TLSA: index of its first word */
};

/*
 * 0; or -1 after saying to the stream what is wrong with the words, and what
 * was expected there.
 */
int	 words_parse(struct words *, int argc, char **argv, FILE *);

#endif /* WAMPD_WORDS_H */
