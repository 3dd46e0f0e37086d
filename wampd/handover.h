/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The lines of what a wampd hands to the program that takes its place.
 */
#ifndef WAMPD_HANDOVER_H
#define WAMPD_HANDOVER_H

#include <sys/types.h>
#include <sys/socket.h>

#include <limits.h>
#include <stdint.h>

/* Of the lines and what they mean; another one is refused. */
#define HANDOVER_FORM	1
#define HANDOVER_NAME	256	/* what names are cut to, for the log */

enum handover_what {
	HANDOVER_TRIAL,		/* to be tried, */
	HANDOVER_REPLACE,	/* or to take the place */
	HANDOVER_PREFORK,	/* n: for so many tlsproxies are the sockets */
	HANDOVER_TCP,		/* i of n, fd, addr, name */
	HANDOVER_UNIX,		/* fd, dir, dev, ino, path */
	HANDOVER_METRICS_TCP,	/* as TCP and UNIX, */
	HANDOVER_METRICS_UNIX,	/* for metrics */
	HANDOVER_CONTROL,	/* fd, dir, dev, ino, path */
	HANDOVER_CARETAKER,	/* pid, fd: pipe to it, ms: it has to end */
	HANDOVER_OLD,		/* pid, name */
	HANDOVER_PIDFILE,	/* fd */
	HANDOVER_NOTIFY,	/* fd */
	HANDOVER_CLIENT,	/* fd: waits to hear of the upgrade, */
	HANDOVER_MONITOR,	/* fd: follows the log, */
	HANDOVER_IDLE,		/* fd: has nothing asked */
	HANDOVER_END
};

struct handover_line {
	enum handover_what	 what;
	int			 fd, dir;
	int			 pid;
	uint64_t		 i, n, ms, dev, ino;
	struct sockaddr_storage	 addr;
	char			 name[HANDOVER_NAME];
	char			 path[PATH_MAX];
};

/* The form of a first line, or -1. */
int	 handover_form(const char *);
/* 0, or -1 if it is none of the above, whole, with nothing out of range. */
int	 handover_parse(const char *, struct handover_line *);

#endif
