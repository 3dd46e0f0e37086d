/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Makes a running process, wherever it stands, do a system call, as somebody
 * who has taken it over would: its real filter and its real descriptors
 * decide what comes of it.
 *
 * usage: inject pid-or-thread number [argument ...]
 * prints "killed N" (the signal), or "returned N"; exit status 2: this
 * machine does not let us trace.
 */
#include <sys/types.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAXARGS		6

#if defined(__x86_64__)
#define INSTRUCTION	2	/* octets of a system call */

static void
set_call(struct user_regs_struct *r, long nr, const long *a)
{
	unsigned long long	*to[MAXARGS] = { &r->rdi, &r->rsi, &r->rdx,
				    &r->r10, &r->r8, &r->r9 };
	int			 i;

	/* it stands behind the instruction that it waits in */
	r->rip -= INSTRUCTION;
	r->rax = (unsigned long long)nr;
	r->orig_rax = (unsigned long long)-1;	/* nothing to restart */
	for (i = 0; i < MAXARGS; i++)
		*to[i] = (unsigned long long)a[i];
}

static long
result(const struct user_regs_struct *r)
{
	return ((long)r->rax);
}

static int
is_at_call(pid_t pid, const struct user_regs_struct *r)
{
	long	word;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, r->rip - INSTRUCTION, NULL);
	return (errno == 0 && (word & 0xffff) == 0x050f);
}

static void
inject(pid_t pid, long nr, const long *args)
{
	struct user_regs_struct	r, saved;
	struct iovec		iov = { &r, sizeof(r) };
	int			status;

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) == -1)
		err(1, "PTRACE_GETREGSET");
	saved = r;
	if (!is_at_call(pid, &r))
		errx(1, "process %d does not wait in a system call",
		    (int)pid);
	set_call(&r, nr, args);
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov) == -1)
		err(1, "PTRACE_SETREGSET");
	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == -1)
		err(1, "PTRACE_SINGLESTEP");
	if (waitpid(pid, &status, __WALL) == -1)
		err(1, "waitpid");
	if (WIFSIGNALED(status)) {
		printf("killed %d\n", WTERMSIG(status));
		return;
	}
	if (WIFEXITED(status)) {
		printf("exited %d\n", WEXITSTATUS(status));
		return;
	}
	if (WSTOPSIG(status) != SIGTRAP) {
		printf("stopped %d\n", WSTOPSIG(status));
		return;
	}
	iov.iov_len = sizeof(r);
	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) == -1)
		err(1, "PTRACE_GETREGSET");
	printf("returned %ld\n", result(&r));
	/* it goes on as if it had been interrupted by a signal */
	r = saved;
	r.rax = (unsigned long long)-EINTR;
	r.orig_rax = (unsigned long long)-1;
	iov.iov_len = sizeof(r);
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov) == -1)
		err(1, "PTRACE_SETREGSET");
}

#else

static void
inject(pid_t pid, long nr, const long *args)
{
	(void)pid;
	(void)nr;
	(void)args;
	errx(2, "not known for this processor");
}
#endif

int
main(int argc, char **argv)
{
	long	args[MAXARGS] = { 0 };
	pid_t	pid;
	int	i, status;

	if (argc < 3 || argc > 3 + MAXARGS)
		errx(1, "usage: inject pid number [argument ...]");
	pid = (pid_t)atol(argv[1]);
	for (i = 3; i < argc; i++)
		args[i - 3] = strtol(argv[i], NULL, 0);
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) == -1)
		err(errno == EPERM ? 2 : 1, "PTRACE_ATTACH");
	if (waitpid(pid, &status, __WALL) == -1)
		err(1, "waitpid");
	if (!WIFSTOPPED(status))
		errx(1, "process %d did not stop", (int)pid);
	inject(pid, strtol(argv[2], NULL, 0), args);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return (0);
}
