/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampctl(8): finds the function of the word.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "wampctl.h"

static const struct {
	const char	*word;
	int		(*fn)(int, char **);
} words[] = {
	{ "tlsa",	ctl_tlsa },
};
#define NWORDS	(sizeof(words) / sizeof(words[0]))

void
usage(void)
{
	fprintf(stderr, "usage: wampctl tlsa [-D macro=value] [-f file] "
	    "[host]\n"
	    "       wampctl -V\n");
	exit(1);
}

int
main(int argc, char **argv)
{
	size_t	i;
	int	rv;

	log_init(LOG_TO_STDERR, "wampctl");
	if (argc < 2)
		usage();
	if (strcmp(argv[1], "-V") == 0) {
		printf("wampctl %s\n", VERSION);
		return (0);
	}
	for (i = 0; i < NWORDS; i++)
		if (strcmp(argv[1], words[i].word) == 0)
			break;
	if (i == NWORDS)
		usage();
	rv = words[i].fn(argc - 1, argv + 1);
	if (fflush(stdout) == EOF) {
		log_warn("standard output");
		rv = 1;
	}
	return (rv);
}
