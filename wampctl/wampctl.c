/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampctl(8): options and words, and who does what they say.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "wampctl.h"
#include "words.h"

void
usage(void)
{
	fprintf(stderr, "usage: wampctl [-j] [-s socket] word ...\n"
	    "       wampctl [-j] tlsa [-D macro=value] [-f file] [host]\n"
	    "       wampctl -V\n");
	exit(1);
}

static int
run(const struct options *opt, const struct words *w, int argc, char **argv)
{
	switch (w->what) {
	case DO_TLSA:
		optind = 1;
		return (ctl_tlsa(opt, argc - w->rest, argv + w->rest));
	case DO_TOP:
		return (top(opt, w->seconds));
	case DO_ASK:
		text_init();
		break;
	}
	if (w->req.what == CTL_CHECK)
		return (check(opt, &w->req));
	if (w->req.what == CTL_MONITOR)
		return (monitor(opt, &w->req));
	return (show(opt, &w->req));
}

int
main(int argc, char **argv)
{
	struct options	opt = { CTL_SOCKET, 0 };
	struct words	w;
	int		ch, rv;

	log_init(LOG_TO_STDERR, "wampctl");
	signal(SIGPIPE, SIG_IGN);
	while ((ch = getopt(argc, argv, "+js:V")) != -1) {
		switch (ch) {
		case 'j':
			opt.json = 1;
			break;
		case 's':
			opt.socket = optarg;
			break;
		case 'V':
			printf("wampctl %s\n", VERSION);
			return (0);
		default:
			usage();
		}
	}
	argc -= optind;
	argv += optind;
	if (argc == 0)
		usage();
	if (words_parse(&w, argc, argv, stderr) == -1)
		return (1);
	rv = run(&opt, &w, argc, argv);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		/* who has seen enough of it is no news */
		if (errno != EPIPE)
			log_warn("standard output");
		rv = 1;
	}
	return (rv);
}
