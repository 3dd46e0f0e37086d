/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a child process of wampd gives up before it reads the first octet
 * from anybody but its parent.  One function a step, one table a role.
 */
#ifndef WAMPD_SANDBOX_H
#define WAMPD_SANDBOX_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

enum sandbox_role {
	SANDBOX_KEEPER,
	SANDBOX_TLSPROXY,
	SANDBOX_BROKER,
	SANDBOX_METRICS
};

struct sandbox_conf {
	enum sandbox_role	 role;
	int			 strict;	/* sandbox strict | relaxed */
	int			 is_root;	/* started as root: change user,
						 * chroot, namespaces */
	uid_t			 uid;		/* if is_root */
	gid_t			 gid;
	const char		*root;		/* empty directory, likewise */
	uint64_t		 nofile;	/* RLIMIT_NOFILE, 0: leave it */
	/* starts threads, which share the sandbox: 0, or -1 and text */
	int			(*threads)(char *err, size_t errlen);
};

/*
 * Take the steps of wampd-internals(7) in order.  Call it when everything is
 * open and set up (event base, tzset, libcrypto); afterwards the process has
 * what its role's table allows and nothing else.
 * Returns 0, or -1 with one line of English in err: what could not be set
 * up.  With strict == 0 whatever the kernel refuses is logged by log_warnx()
 * and skipped, except the change of user.  Refused namespaces are one
 * log_info() line, and so is a bounding set kept for want of CAP_SETPCAP.
 * Capabilities and landlock hold for the calling thread and those it starts
 * later: no other thread may run yet.
 */
int	 sandbox_enter(const struct sandbox_conf *, char *err, size_t errlen);

/*
 * For the parent as root: reduce the capability bounding set and the
 * parent's own capabilities to what wampd(8) names.  0, or -1 and err.
 */
int	 sandbox_parent(char *err, size_t errlen);

/* Name of the i-th capability the parent keeps, NULL: no more. */
const char	*sandbox_parent_cap(size_t i);
uint64_t	 sandbox_parent_mask(void);	/* all of them, 1 << CAP_* */
/* Built with sanitizers, which do not survive all of it? */
int		 sandbox_is_san(void);

/* sandbox_filter.c */

/*
 * The last step of sandbox_enter(): 0, or -1 and errno.  EOPNOTSUPP: the
 * kernel cannot kill a whole process.
 */
int	 sandbox_filter(enum sandbox_role);

/*
 * How many system calls role's filter allows (those answered with EACCES
 * not counted), and the name of number i, NULL: no more.
 */
size_t		 sandbox_count(enum sandbox_role);
const char	*sandbox_name(enum sandbox_role, size_t i);

#endif /* WAMPD_SANDBOX_H */
