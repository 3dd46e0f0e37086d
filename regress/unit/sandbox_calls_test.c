/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What a child attempts dies, or is refused: each forbidden call, every
 * number there is, and, without the filter, by the layers under it.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/futex.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_child.h"

#ifdef WAMPD_SAN
/* Sanitizers do not survive what is tested here. */
int
main(void)
{
	printf("skip - the filter, landlock, chroot: not under sanitizers\n");
	return (0);
}
#else

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * Forbidden calls.
 */
struct attempt {
	const char	*name;
	long		 nr;
	long		 a[6];
};

#define X(n, ...)	{ #n, SYS_##n, { __VA_ARGS__ } }

/* Arguments that would succeed, or nearly: the filter must not wait. */
static const struct attempt forbidden[] = {
	X(socket, AF_INET, SOCK_STREAM, 0),
	{ "socket AF_UNIX", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
	X(socketpair, AF_UNIX, SOCK_STREAM, 0, 0),
	X(connect, FD_OTHER, 0, 0),
	X(bind, FD_OTHER, 0, 0),
	X(listen, FD_TCP, 128),
	X(accept, FD_TCP, 0, 0),
	{ "accept4 without flags", SYS_accept4, { FD_TCP, 0, 0, 0 } },
	/* ends a listener, also for who shares it */
	{ "shutdown SHUT_RD", SYS_shutdown, { FD_TCP, SHUT_RD } },
	{ "shutdown SHUT_RDWR", SYS_shutdown, { FD_TCP, SHUT_RDWR } },
	X(sendto, FD_ECHO, 0, 0, 0, 0, 0),
	{ "sendto an address", SYS_sendto,
	    { FD_ECHO, 0, 0, MSG_NOSIGNAL, 4096, 16 } },
	{ "sendto out of band", SYS_sendto,
	    { FD_ECHO, 0, 0, MSG_NOSIGNAL | MSG_OOB, 0, 0 } },
	X(recvfrom, FD_ECHO, 0, 0, 0, 0, 0),
	X(sendmsg, FD_PARENT, 0, 0),
	{ "recvmsg on fd 5", SYS_recvmsg, { FD_OTHER, 0, MSG_DONTWAIT } },
	X(recvmmsg, FD_PARENT, 0, 0, 0, 0),
	{ "setsockopt SO_RCVBUF", SYS_setsockopt,
	    { FD_ECHO, SOL_SOCKET, SO_RCVBUF, 0, 0 } },
	{ "setsockopt TCP_NODELAY", SYS_setsockopt,
	    { FD_TCP, IPPROTO_TCP, TCP_NODELAY, 0, 0 } },
	/* the numbers of SO_LINGER and so on, at another level */
	{ "setsockopt TCP_CONGESTION", SYS_setsockopt,
	    { FD_TCP, IPPROTO_TCP, SO_LINGER, 0, 0 } },
	{ "getsockopt TCP_KEEPIDLE", SYS_getsockopt,
	    { FD_TCP, IPPROTO_TCP, SO_ERROR, 0, 0 } },
	{ "getsockopt of TCP 17", SYS_getsockopt,
	    { FD_TCP, IPPROTO_TCP, SO_PEERCRED, 0, 0 } },
	{ "getsockopt of TCP 59", SYS_getsockopt,
	    { FD_TCP, IPPROTO_TCP, 59, 0, 0 } },
	{ "getsockopt SO_PEERPIDFD", SYS_getsockopt,
	    { FD_ECHO, SOL_SOCKET, 77, 0, 0 } },
	X(execve, 0, 0, 0),
	X(execveat, 0, 0, 0, 0, 0),
	X(clone, SIGCHLD, 0, 0, 0, 0),
	X(clone3, 0, 0),
	X(ptrace, PTRACE_TRACEME, 0, 0, 0),
	X(process_vm_readv, 1, 0, 0, 0, 0, 0),
	X(process_vm_writev, 1, 0, 0, 0, 0, 0),
	X(kill, 0, 0),
	X(tkill, 1, 0),
	{ "tgkill of another", SYS_tgkill, { 1, 1, 0 } },
	X(pidfd_open, 1, 0),
	X(pidfd_send_signal, 0, 0, 0, 0),
	X(pidfd_getfd, 0, 0, 0),
	X(rt_sigaction, SIGTERM, 0, 0, 8),
	X(setuid, 0),
	X(setgid, 0),
	X(setresuid, 0, 0, 0),
	X(setgroups, 0, 0),
	X(capset, 0, 0),
	X(chroot, 0),
	X(chdir, 0),
	X(fchdir, FD_OTHER),
	X(mount, 0, 0, 0, 0, 0),
	X(umount2, 0, 0),
	X(pivot_root, 0, 0),
	X(unshare, CLONE_NEWUSER),
	X(setns, 0, 0),
	X(open_by_handle_at, 0, 0, 0),
	X(openat2, AT_FDCWD, 0, 0, 0),
	X(unlinkat, AT_FDCWD, 0, 0),
	X(renameat2, AT_FDCWD, 0, AT_FDCWD, 0, 0),
	X(linkat, AT_FDCWD, 0, AT_FDCWD, 0, 0),
	X(symlinkat, 0, AT_FDCWD, 0),
	X(mkdirat, AT_FDCWD, 0, 0),
	X(mknodat, AT_FDCWD, 0, 0, 0),
	X(fchmodat, AT_FDCWD, 0, 0),
	X(readlinkat, AT_FDCWD, 0, 0, 0),
	X(getdents64, FD_OTHER, 0, 0),
	X(sendfile, FD_ECHO, FD_OTHER, 0, 0),
	X(splice, FD_ECHO, 0, FD_OTHER, 0, 0, 0),
	X(ioctl, FD_ECHO, 0, 0),
	X(dup, FD_ECHO),
	X(dup3, FD_ECHO, 20, 0),
	{ "fcntl F_DUPFD", SYS_fcntl, { FD_ECHO, F_DUPFD, 0 } },
	{ "fcntl F_SETOWN", SYS_fcntl, { FD_ECHO, F_SETOWN, 1 } },
	{ "fcntl O_ASYNC", SYS_fcntl, { FD_ECHO, F_SETFL, O_RDWR | O_ASYNC } },
	X(pipe2, 0, 0),
	X(eventfd2, 0, 0),
	X(signalfd4, -1, 0, 8, 0),
	X(timerfd_create, CLOCK_MONOTONIC, 0),
	X(inotify_init1, 0),
	X(epoll_create1, 0),
	{ "mmap PROT_EXEC", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } },
	{ "mmap of a file", SYS_mmap, { 0, 4096, PROT_READ, MAP_PRIVATE,
	    FD_OTHER, 0 } },
	{ "mmap MAP_SHARED", SYS_mmap, { 0, 4096, PROT_READ,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0 } },
	{ "mmap MAP_FIXED", SYS_mmap, { 0, 4096, PROT_READ,
	    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } },
	{ "mprotect PROT_EXEC", SYS_mprotect, { 0, 0, PROT_EXEC } },
	{ "mremap MREMAP_FIXED", SYS_mremap, { 0, 0, 0,
	    MREMAP_MAYMOVE | MREMAP_FIXED, 0 } },
	{ "madvise MADV_DODUMP", SYS_madvise, { 0, 0, MADV_DODUMP } },
	X(pkey_mprotect, 0, 0, PROT_EXEC, 0),
	X(remap_file_pages, 0, 0, 0, 0, 0),
	{ "futex shared", SYS_futex, { 0, FUTEX_WAKE, 0 } },
	{ "futex PI", SYS_futex, { 0, FUTEX_LOCK_PI_PRIVATE, 0 } },
	X(memfd_create, 0, 0),
	X(shmget, 0, 4096, 0600),
	X(msgget, 0, 0600),
	X(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0),
	X(seccomp, 0, 0, 0),
	X(prlimit64, 0, RLIMIT_CORE, 0, 0),
	X(setrlimit, RLIMIT_CORE, 0),
	X(personality, 0xffffffff),
	X(sched_setaffinity, 0, 0, 0),
	X(keyctl, 0, 0, 0, 0, 0),
	X(add_key, 0, 0, 0, 0, 0),
	X(request_key, 0, 0, 0, 0),
	X(bpf, 0, 0, 0),
	X(perf_event_open, 0, 0, 0, 0, 0),
	X(userfaultfd, 0),
	X(io_uring_setup, 1, 0),
	X(io_uring_enter, 0, 0, 0, 0, 0, 0),
	X(io_uring_register, 0, 0, 0, 0),
	X(io_setup, 0, 0),
	X(init_module, 0, 0, 0),
	X(kexec_load, 0, 0, 0, 0),
	X(reboot, 0, 0, 0, 0),
	X(swapon, 0, 0),
	X(sethostname, 0, 0),
	X(clock_settime, CLOCK_REALTIME, 0),
	X(syslog, 0, 0, 0),
	X(quotactl, 0, 0, 0, 0),
	X(sysinfo, 0),
	X(uname, 0),
	X(getppid, 0),
	{ "a number of the future", 1000, { 0 } },
#ifdef __x86_64__
	X(fork, 0),
	X(vfork, 0),
	X(creat, 0, 0),
	X(arch_prctl, 0, 0),
	X(modify_ldt, 0, 0, 0),
	X(iopl, 3),
	{ "x32 read", 0x40000000, { FD_ECHO, 0, 0 } },
#endif
};

/* Only the one that talks to clients may do these. */
static const struct attempt proxy_only[] = {
	X(accept4, FD_ECHO, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC),
	X(sendto, FD_ECHO, 0, 0, MSG_NOSIGNAL, 0, 0),
	X(shutdown, FD_ECHO, SHUT_WR),
	X(setsockopt, FD_ECHO, SOL_SOCKET, SO_LINGER, 0, 0),
	X(getsockopt, FD_ECHO, SOL_SOCKET, SO_ERROR, 0, 0),
	{ "getsockopt SO_PEERCRED", SYS_getsockopt,
	    { FD_ECHO, SOL_SOCKET, SO_PEERCRED, 0, 0 } },
	{ "getsockopt SO_PEERGROUPS", SYS_getsockopt,
	    { FD_ECHO, SOL_SOCKET, 59, 0, 0 } },
	X(getsockname, FD_ECHO, 0, 0),
	X(getpeername, FD_ECHO, 0, 0),
};

/* What do_work() of sandbox_test.c cannot be sure to get from libc. */
static const struct attempt allowed[] = {
	X(pread64, FD_OTHER, 0, 0, 0),
	X(epoll_pwait, -1, 0, 1, 0, 0, 0),
	{ "mmap NORESERVE, STACK", SYS_mmap, { 0, 4096, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1,
	    0 } },
	{ "mprotect PROT_WRITE", SYS_mprotect, { 0, 0,
	    PROT_READ | PROT_WRITE } },
	{ "madvise MADV_FREE", SYS_madvise, { 0, 0, MADV_FREE } },
	{ "madvise MADV_DONTNEED", SYS_madvise, { 0, 0, MADV_DONTNEED } },
	{ "futex WAIT", SYS_futex, { 0, FUTEX_WAIT_PRIVATE, 0, 0 } },
	{ "futex WAKE", SYS_futex, { 0, FUTEX_WAKE_PRIVATE, 0, 0 } },
	{ "futex WAIT_BITSET", SYS_futex, { 0, FUTEX_WAIT_BITSET_PRIVATE |
	    FUTEX_CLOCK_REALTIME, 0, 0, 0, 1 } },
	{ "futex WAKE_BITSET", SYS_futex, { 0, FUTEX_WAKE_BITSET_PRIVATE, 0,
	    0, 0, 1 } },
	{ "fcntl O_NONBLOCK", SYS_fcntl, { FD_ECHO, F_SETFL, O_RDWR |
	    O_NONBLOCK } },
#ifdef SYS_time
	X(time, 0),
#endif
};

static const struct attempt denied[] = {
	X(openat, AT_FDCWD, 0, O_RDONLY),
	X(fstat, FD_ECHO, 0),
	X(statx, AT_FDCWD, 0, 0, 0, 0),
#ifdef __x86_64__
	X(open, 0, O_RDONLY),
	X(stat, 0, 0),
	X(lstat, 0, 0),
	X(newfstatat, AT_FDCWD, 0, 0, 0),
#endif
};

enum outcome { DIES, DENIED, PASSES, OTHER };

static const enum sandbox_role	roles[] = {
	SANDBOX_KEEPER, SANDBOX_BROKER, SANDBOX_TLSPROXY
};

static void
attempt(struct child *c, enum sandbox_role role, int mode,
    const struct attempt *t)
{
	long	rc;

	if (child_start(c) == 0) {
		child_enter(role, mode);
		errno = 0;
		rc = syscall(t->nr, t->a[0], t->a[1], t->a[2], t->a[3],
		    t->a[4], t->a[5]);
		_exit(rc == -1 && errno == EACCES ? GOT_EACCES : 0);
	}
	child_finish(c);
}

static int
meets(enum sandbox_role role, int mode, const struct attempt *t,
    enum outcome want)
{
	struct child	c;
	enum outcome	got;

	attempt(&c, role, mode, t);
	got = child_violated(&c) ? DIES : child_exited(&c, GOT_EACCES) ?
	    DENIED : child_exited(&c, 0) ? PASSES : OTHER;
	if (got == want)
		return (1);
	printf("# %s: %s\n", child_where(role, mode), child_how(&c));
	return (0);
}

/* By the roles from first on, of keeper, broker, tlsproxy. */
static void
expect_all(const struct attempt *t, size_t n, size_t first, size_t end,
    enum outcome want)
{
	static const char *const	outcomes[] = {
		"dies", "EACCES", "is let through", ""
	};
	size_t				i, k;
	int				mode, ok;

	for (i = 0; i < n; i++) {
		ok = 1;
		for (k = first; k < end; k++)
			for (mode = 0; mode <= fix.is_root; mode++)
				ok &= meets(roles[k], mode, &t[i], want);
		result(ok, "%s: %s%s", t[i].name, outcomes[want],
		    end - first == 3 ? "" : first == 2 ? " in a tlsproxy" :
		    " in keeper and broker");
	}
}

/* What the metrics process has beside the common rules. */
static enum outcome
of_metrics(const struct attempt *t, enum outcome of_keeper)
{
	if (t->nr == SYS_socket || t->nr == SYS_ioctl)
		return (DENIED);
	if ((t->nr == SYS_accept4 && t->a[3] != 0) ||
	    (t->nr == SYS_shutdown && t->a[1] == SHUT_WR))
		return (PASSES);
	return (of_keeper);
}

static void
test_metrics(void)
{
	const struct {
		const struct attempt	*t;
		size_t			 n;
		enum outcome		 of_keeper;
		const char		*what;
	} lists[] = {
		{ forbidden, NITEMS(forbidden), DIES, "is forbidden" },
		{ proxy_only, NITEMS(proxy_only), DIES, "a tlsproxy has" },
		{ allowed, NITEMS(allowed), PASSES, "is allowed" },
		{ denied, NITEMS(denied), DENIED, "is denied" },
	};
	size_t	i, k;
	int	ok;

	for (i = 0; i < NITEMS(lists); i++) {
		ok = 1;
		for (k = 0; k < lists[i].n; k++)
			ok &= meets(SANDBOX_METRICS, fix.is_root,
			    &lists[i].t[k], of_metrics(&lists[i].t[k],
			    lists[i].of_keeper));
		result(ok, "metrics: what %s, %zu calls", lists[i].what,
		    lists[i].n);
	}
}

static void
test_forbidden(void)
{
	expect_all(forbidden, NITEMS(forbidden), 0, 3, DIES);
	expect_all(proxy_only, NITEMS(proxy_only), 0, 2, DIES);
	expect_all(proxy_only, NITEMS(proxy_only), 2, 3, PASSES);
	expect_all(allowed, NITEMS(allowed), 0, 3, PASSES);
	expect_all(denied, NITEMS(denied), 0, 3, DENIED);
}

#if defined(__x86_64__) && !defined(SANDBOX_TRAP)
static int
do_int80(void)
{
	long	nr = 20;	/* getpid of i386 */

	__asm__ volatile ("int $0x80" : "+a" (nr) : : "memory", "r8", "r9",
	    "r10", "r11");
	return (0);
}

static void
test_int80(void)
{
	struct child	c;

	/* SIGSEGV: a kernel without i386 emulation */
	child_run(&c, SANDBOX_BROKER, 0, do_int80);
	result(child_violated(&c) || (WIFSIGNALED(c.status) &&
	    WTERMSIG(c.status) == SIGSEGV), "int 0x80: dies");
}
#endif

/*
 * Every number: allowed by the table, EACCES, or death.
 */
static const struct attempt fitting[] = {
	X(recvmsg, FD_PARENT, 0, MSG_DONTWAIT),
	X(fcntl, FD_PARENT, F_GETFL),
	X(ppoll, 0, 1, 0, 0, 0),	/* EFAULT instead of for ever */
	X(mmap, 0, 4096, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	X(mremap, 0, 0, 0, MREMAP_MAYMOVE),
	X(madvise, 0, 0, MADV_DONTNEED),
	X(futex, 0, FUTEX_WAKE_PRIVATE, 0),
	X(accept4, FD_PARENT, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC),
	X(sendto, FD_ECHO, 0, 0, MSG_NOSIGNAL, 0, 0),
	X(shutdown, FD_ECHO, SHUT_WR),
	X(setsockopt, FD_PARENT, SOL_SOCKET, SO_LINGER, 0, 0),
	X(getsockopt, FD_PARENT, SOL_SOCKET, SO_ERROR, 0, 0),
};

static int
in_table(enum sandbox_role role, const char *name)
{
	size_t	i;

	for (i = 0; i < sandbox_count(role); i++)
		if (strcmp(sandbox_name(role, i), name) == 0)
			return (1);
	return (0);
}

static int
in_denied(enum sandbox_role role, const char *name)
{
	size_t	i;

	if (role == SANDBOX_METRICS && (strcmp(name, "socket") == 0 ||
	    strcmp(name, "ioctl") == 0))
		return (1);
	for (i = 0; i < NITEMS(denied); i++)
		if (strcmp(denied[i].name, name) == 0)
			return (1);
	return (0);
}

/* uretprobe and uprobe: kernels from 6.14 show them to no filter. */
static int
is_unfiltered(long nr)
{
#ifdef __x86_64__
	return (nr == 335 || nr == 336);
#else
	return (0);
#endif
}

static void
sweep_one(struct child *c, enum sandbox_role role, long nr)
{
	struct attempt	 t;
	size_t		 i;
	long		 rc;

	memset(&t, 0, sizeof(t));
	for (i = 0; i < NITEMS(fitting); i++)
		if (fitting[i].nr == nr)
			t = fitting[i];
	if (child_start(c) == 0) {
		child_enter(role, 0);
		if (nr == SYS_tgkill)
			t.a[0] = getpid();
		errno = 0;
		rc = syscall(nr, t.a[0], t.a[1], t.a[2], t.a[3], t.a[4],
		    t.a[5]);
		_exit(rc == -1 && errno == EACCES ? GOT_EACCES : 0);
	}
	child_finish(c);
}

static void
test_sweep(enum sandbox_role role)
{
	struct child	 c;
	char		*name;
	long		 nr;
	int		 ok, before = fix.nfailed;
	size_t		 nallowed = 0;

	for (nr = 0; nr < 512; nr++) {
		if (is_unfiltered(nr))
			continue;
		sweep_one(&c, role, nr);
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
		    (int)nr);
		if (name != NULL && in_table(role, name)) {
			ok = !child_violated(&c) &&
			    !child_exited(&c, GOT_EACCES) &&
			    !child_exited(&c, FAILED_ENTER);
			nallowed++;
		} else if (name != NULL && in_denied(role, name))
			ok = child_exited(&c, GOT_EACCES);
		else
			ok = child_violated(&c);
		if (!ok)
			result(0, "sweep %s: %ld (%s): %s",
			    child_role_names[role], nr,
			    name != NULL ? name : "unknown", child_how(&c));
		free(name);
	}
	result(fix.nfailed == before && nallowed == sandbox_count(role),
	    "sweep of 512 numbers, %s: %zu allowed", child_role_names[role],
	    nallowed);
}

static void
test_counts(void)
{
	static const struct {
		enum sandbox_role	 role;
		size_t			 max;
	} t[] = {
		{ SANDBOX_KEEPER, 30 },
		{ SANDBOX_TLSPROXY, 38 },
		{ SANDBOX_BROKER, 30 },
		{ SANDBOX_METRICS, 32 },
	};
	size_t	i, n;

	for (i = 0; i < NITEMS(t); i++) {
		n = sandbox_count(t[i].role);
		result(n > 0 && n <= t[i].max &&
		    sandbox_name(t[i].role, n) == NULL,
		    "%s: %zu names, at most %zu",
		    child_role_names[t[i].role], n, t[i].max);
	}
}

/*
 * The layers under the filter: a relaxed child that an outer filter kept
 * from having one of its own.
 */
static int
gets(const char *what, long rc, int want, int or_want)
{
	if (rc == -1 && (errno == want || errno == or_want))
		return (0);
	log_warnx("%s: %s", what, rc == -1 ? strerror(errno) : "no error");
	return (1);
}

static int
connects(const void *addr, socklen_t len, const char *what, int want,
    int or_want)
{
	const struct sockaddr	*sa = addr;
	int			 fd, rc;

	if ((fd = socket(sa->sa_family, SOCK_STREAM, 0)) == -1)
		return (gets(what, -1, want, or_want));
	rc = gets(what, connect(fd, sa, len), want, or_want);
	close(fd);
	return (rc);
}

static long
landlock_abi(void)
{
	return (syscall(SYS_landlock_create_ruleset, NULL, 0, 1));
}

static int
do_layers_landlock(void)
{
	int	bad = 0;
	long	abi = landlock_abi();

	bad += gets("open /", open("/", O_RDONLY), EACCES, 0);
	bad += gets("mkdir", mkdir("x", 0700), EACCES, EPERM);
	if (abi >= 3)
		bad += gets("truncate", truncate(fix.file, 0), EACCES,
		    ENOENT);
	if (abi >= 4)
		bad += connects(&fix.tcp_addr, sizeof(fix.tcp_addr), "connect",
		    EACCES, ENETUNREACH);
	if (abi >= 6) {
		/* an abstract name belongs to its network namespace */
		bad += connects(&fix.abstract_addr, sizeof(fix.abstract_addr),
		    "connect abstract", EPERM, ECONNREFUSED);
		bad += gets("kill parent", kill(getppid(), 0), EPERM, 0);
	}
	return (bad != 0);
}

static int
do_layers_plain(void)
{
	struct rlimit	r = { 100, 100 };
	int		bad = 0;

	bad += gets("fork", (long)fork(), EAGAIN, 0);
	bad += gets("setuid", setuid(0), EPERM, 0);
	bad += gets("setgid", setgid(0), EPERM, 0);
	bad += gets("chroot", chroot("/"), EPERM, EACCES);
	bad += gets("RLIMIT_CORE", setrlimit(RLIMIT_CORE, &r), EPERM, 0);
	bad += gets("ptrace", ptrace(PTRACE_ATTACH, getppid(), 0, 0), EPERM,
	    0);
	bad += gets("unshare", unshare(CLONE_NEWNET), EPERM, 0);
	if (prctl(PR_GET_DUMPABLE) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0,
	    0) != 1)
		bad++;
	return (bad != 0);
}

static int
do_layers_mdwe(void)
{
	void	*p;
	int	 bad;

	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bad = gets("mmap W|X", p == MAP_FAILED ? -1 : 0, EACCES, 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bad += gets("mprotect +X", mprotect(p, 4096, PROT_READ | PROT_EXEC),
	    EACCES, 0);
	return (bad != 0);
}

/* stat(2) is not Landlock's: this is the chroot. */
static int
do_layers_chroot(void)
{
	struct stat	st;
	int		i, bad;

	for (i = 0; i < 20; i++)
		if (chdir("..") == -1)
			return (1);
	bad = gets("stat /etc", stat("/etc", &st), ENOENT, 0);
	bad += gets("stat etc", stat("etc", &st), ENOENT, 0);
	bad += connects(&fix.unix_addr, sizeof(fix.unix_addr),
	    "connect by path", ENOENT, EACCES);
	return (bad != 0);
}

static int
do_layers_net(void)
{
	int	one = 1;

	/* UDP is not Landlock's either: this is the network namespace */
	return (connects(&fix.tcp_addr, sizeof(fix.tcp_addr), "connect",
	    ENETUNREACH, EACCES) || gets("sendto", sendto(socket(AF_INET,
	    SOCK_DGRAM, 0), &one, sizeof(one), 0, (const struct sockaddr *)
	    &fix.tcp_addr, sizeof(fix.tcp_addr)), ENETUNREACH, 0));
}

static void
layer(const char *name, int mode, int (*f)(void))
{
	struct child	c;

	child_run(&c, SANDBOX_BROKER, mode | RELAXED | NO_SECCOMP, f);
	result(child_exited(&c, 0) && strstr(c.text, "sandbox relaxed: "
	    "seccomp: denied by an outer filter"), "without a filter, %s: %s",
	    mode & AS_ROOT ? "root" : "user", name);
	if (!child_exited(&c, 0))
		printf("# %s\n", child_how(&c));
}

static int
has_mdwe(void)
{
	/* PR_GET_MDWE */
	return (prctl(66, 0, 0, 0, 0) != -1);
}

static void
test_layers(void)
{
	int	mode;

	for (mode = 0; mode <= fix.is_root; mode++) {
		layer("ids, limits, fork, ptrace", mode, do_layers_plain);
		if (landlock_abi() > 0)
			layer("landlock", mode, do_layers_landlock);
		else
			printf("skip - landlock: not in this kernel\n");
		if (has_mdwe())
			layer("no new executable memory", mode,
			    do_layers_mdwe);
		else
			printf("skip - MDWE: not in this kernel\n");
	}
	if (fix.is_root)
		layer("chroot", AS_ROOT, do_layers_chroot);
	if (fix.is_root && fix.has_namespaces)
		layer("network namespace", AS_ROOT, do_layers_net);
}

/*
 * What must work.
 */
static int
do_abort(void)
{
	abort();
}

static int
do_double_free(void)
{
	void	*volatile p = malloc(40), *volatile q = p;

	free(p);
	free(q);
	return (0);
}

static void
test_crashes(void)
{
	struct child	c;
	int		role, ok = 1;

	for (role = SANDBOX_KEEPER; role <= SANDBOX_METRICS; role++) {
		child_run(&c, (enum sandbox_role)role, 0, do_abort);
		ok &= WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGABRT;
		child_run(&c, (enum sandbox_role)role, 0, do_double_free);
		ok &= WIFSIGNALED(c.status) &&
		    WTERMSIG(c.status) == SIGABRT &&
		    strstr(c.text, "double free") != NULL;
	}
	result(ok, "abort and double free end as SIGABRT, with libc's text");
}

/* Started before, so without the filter of its own. */
static void *
other_thread(void *arg)
{
	char	b;

	(void)arg;
	if (read(FD_PARENT, &b, 1) == 1)
		(void)socket(AF_INET, SOCK_STREAM, 0);
	_exit(3);
}

static void
test_thread(void)
{
	struct child	c;
	pthread_t	t;
	char		b;

	if (child_start(&c) == 0) {
		if (pthread_create(&t, NULL, other_thread, NULL) != 0)
			_exit(1);
		child_enter(SANDBOX_KEEPER, 0);
		child_say_ready();
		while (read(FD_ECHO, &b, 1) > 0)
			;
		_exit(2);
	}
	if (child_wait_ready(&c) && write(c.parent, "x", 1) != 1)
		err(1, "write");
	/* its descriptors stay open until child_finish() closes ours */
	child_finish(&c);
	result(child_violated(&c), "the filter holds for every thread");
}

int
main(void)
{
	int	role;

	fixture_open();
	test_counts();
	test_crashes();
	test_thread();
	test_layers();
	test_forbidden();
	test_metrics();
#if defined(__x86_64__) && !defined(SANDBOX_TRAP)
	test_int80();
#endif
	for (role = SANDBOX_KEEPER; role <= SANDBOX_METRICS; role++)
		test_sweep((enum sandbox_role)role);
	fixture_close();
	return (fix.nfailed != 0);
}
#endif /* !WAMPD_SAN */
