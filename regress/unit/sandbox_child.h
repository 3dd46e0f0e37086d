/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * For the tests of the sandbox: children with known descriptors that enter
 * it, and what became of them.
 */
#ifndef WAMPD_SANDBOX_CHILD_H
#define WAMPD_SANDBOX_CHILD_H

#include <sys/types.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <limits.h>
#include <stdint.h>

#include "sandbox.h"

#define NOBODY		65534
#define NOFILE		64
#define FAILED_ENTER	101	/* exit statuses of children */
#define GOT_EACCES	77

/* Descriptors every child has. */
#define FD_PARENT	3	/* stream sockets, the other end is ours */
#define FD_ECHO		4
#define FD_OTHER	5	/* not the parent: no recvmsg */
#define FD_TCP		6	/* listen on loopback */
#define FD_UNIX		7
#define FD_LAST		7

/* How a child is before it enters. */
#define AS_ROOT		0x01	/* else as an ordinary user */
#define RELAXED		0x02
#define NO_SECCOMP	0x04	/* an outer filter refuses seccomp(2) */
#define NO_LANDLOCK	0x08	/* ... answers landlock with ENOSYS */
#define EPERM_LANDLOCK	0x10	/* ... with EPERM */
#define NO_ADMIN	0x20	/* without CAP_SYS_ADMIN */
#define FEW_CAPS	0x40	/* SETUID, SETGID and SYS_CHROOT only */
#define OTHER_DIR	0x80	/* chroot to otherdir */
#define AMBIENT		0x100	/* a user with capabilities (systemd) */

struct child {
	pid_t	 pid;
	int	 parent, echo;	/* our ends */
	int	 log;		/* what it writes to fd 2 */
	int	 status;
	char	 text[4096];
};

/* What all tests share. */
struct fixture {
	int			 is_root;
	int			 has_namespaces;	/* unshare(2) works */
	int			 nfailed;
	char			 dir[PATH_MAX];
	char			 emptydir[PATH_MAX];	/* in dir */
	char			 file[PATH_MAX];	/* anybody may write */
	struct sockaddr_in	 tcp_addr;	/* listeners of ours */
	struct sockaddr_un	 unix_addr, abstract_addr;
	int			 tcp_fd, unix_fd, abstract_fd;
	/* what the next child asks for */
	const char		*otherdir;
	uint64_t		 nofile;
	uid_t			 enter_uid;
};

extern struct fixture		 fix;
extern const char *const	 child_role_names[];

void	 fixture_open(void);
void	 fixture_close(void);
const char	*fixture_path(const char *);	/* in dir; static */

/* One case: "ok - text" or "not ok - text". */
__attribute__((format(printf, 2, 3)))
void	 result(int ok, const char *, ...);

/* 0 in the child, with its descriptors in place; 1 in the parent. */
int	 child_start(struct child *);
/* In the child: become what mode asks for, then enter. */
void	 child_enter(enum sandbox_role, int mode);
/* In the child: inside; in the parent: 0 if it never says so. */
void	 child_say_ready(void);
int	 child_wait_ready(const struct child *);
/* Collect its log and its end. */
void	 child_finish(struct child *);
/* All of it, with the function to call inside, or NULL. */
void	 child_run(struct child *, enum sandbox_role, int mode,
	    int (*)(void));
/* Lose capabilities as a container does: bounding set and own sets. */
void	 child_drop_to(uint64_t keep);

int	 child_exited(const struct child *, int status);
int	 child_violated(const struct child *);
const char	*child_how(const struct child *);	/* static */
const char	*child_where(enum sandbox_role, int mode);	/* static */

#endif /* WAMPD_SANDBOX_CHILD_H */
