/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Children enter the real sandbox, as started by root and as started by a
 * user, and then attempt what they must not be able to do, and do what they
 * must be able to do.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/capability.h>
#include <linux/futex.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <seccomp.h>

#include "log.h"
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

#ifdef WAMPD_SAN
#define IS_SAN	1
#else
#define IS_SAN	0
#endif

struct child {
	pid_t	 pid;
	int	 parent, echo;	/* our ends */
	int	 log;		/* what it writes to fd 2 */
	int	 status;
	char	 text[4096];
};

static const char *const role_names[] = { "keeper", "tlsproxy", "broker" };
static char		 dir[PATH_MAX], emptydir[PATH_MAX];
static const char	*otherdir;
static struct sockaddr_in	 tcp_addr;
static struct sockaddr_un	 unix_addr, abstract_addr;
static int		 tcp_fd, unix_fd, abstract_fd;
static int		 is_root, has_namespaces, nfailed;
static uint64_t		 nofile = NOFILE;
static uid_t		 enter_uid = NOBODY;

__attribute__((format(printf, 2, 3)))
static void
result(int ok, const char *fmt, ...)
{
	va_list	ap;

	printf(ok ? "ok - " : "not ok - ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	if (!ok)
		nfailed++;
}

static const char *
how(const struct child *c)
{
	static char	buf[sizeof(c->text) + 64];

	if (WIFSIGNALED(c->status))
		snprintf(buf, sizeof(buf), "signal %d (%s) %s",
		    WTERMSIG(c->status), strsignal(WTERMSIG(c->status)),
		    c->text);
	else
		snprintf(buf, sizeof(buf), "exit status %d %s",
		    WEXITSTATUS(c->status), c->text);
	return (buf);
}

static int
is_exit(const struct child *c, int status)
{
	return (WIFEXITED(c->status) && WEXITSTATUS(c->status) == status);
}

#ifndef WAMPD_SAN
static int
is_violation(const struct child *c)
{
#ifdef SANDBOX_TRAP
	return (is_exit(c, 1) && strstr(c->text, "blocked system call"));
#else
	return (WIFSIGNALED(c->status) && WTERMSIG(c->status) == SIGSYS);
#endif
}
#endif

/* Lose capabilities as a container does: bounding set and own sets. */
static void
drop_to(uint64_t keep)
{
	struct __user_cap_header_struct	h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct	d[2];
	int				i;

	for (i = 0; i < 64; i++)
		if (!(keep >> i & 1) && prctl(PR_CAPBSET_READ, i) == 1 &&
		    prctl(PR_CAPBSET_DROP, i) == -1)
			err(1, "PR_CAPBSET_DROP %d", i);
	if (syscall(SYS_capget, &h, d) == -1)
		err(1, "capget");
	for (i = 0; i < 2; i++) {
		d[i].permitted &= (uint32_t)(keep >> 32 * i);
		d[i].effective &= (uint32_t)(keep >> 32 * i);
	}
	if (syscall(SYS_capset, &h, d) == -1)
		err(1, "capset");
}

static void
outer_filter(int errnum, const char *first, const char *second)
{
	scmp_filter_ctx	ctx;

	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL ||
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(errnum),
	    seccomp_syscall_resolve_name(first), 0) != 0 ||
	    (second != NULL && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(errnum),
	    seccomp_syscall_resolve_name(second), 0) != 0) ||
	    seccomp_load(ctx) != 0)
		errx(1, "outer filter");
	seccomp_release(ctx);
}

/* In the child: become what how asks for, then enter. */
static void
enter(enum sandbox_role role, int mode)
{
	struct sandbox_conf	c;
	char			text[256];

	if (mode & NO_ADMIN)
		drop_to(~(1ULL << CAP_SYS_ADMIN));
	if (mode & FEW_CAPS)
		drop_to(1ULL << CAP_SETUID | 1ULL << CAP_SETGID |
		    1ULL << CAP_SYS_CHROOT);
	if (!(mode & AS_ROOT) && is_root) {
		if (setgroups(0, NULL) == -1 ||
		    setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
		    setresuid(NOBODY, NOBODY, NOBODY) == -1)
			err(1, "nobody");
	}
	if (mode & NO_SECCOMP)
		outer_filter(EPERM, "seccomp", NULL);
	if (mode & NO_LANDLOCK)
		outer_filter(ENOSYS, "landlock_create_ruleset", NULL);
	if (mode & EPERM_LANDLOCK)
		outer_filter(EPERM, "landlock_create_ruleset", NULL);
	memset(&c, 0, sizeof(c));
	c.role = role;
	c.strict = !(mode & RELAXED);
	c.is_root = (mode & AS_ROOT) != 0;
	c.uid = enter_uid;
	c.gid = NOBODY;
	c.root = mode & OTHER_DIR ? otherdir : emptydir;
	c.nofile = nofile;
	if (sandbox_enter(&c, text, sizeof(text)) == -1) {
		log_warnx("enter: %s", text);
		_exit(FAILED_ENTER);
	}
}

static void
child_fds(struct child *c, int parent, int echo, int other, int log)
{
	int	from[] = { parent, echo, other, tcp_fd, unix_fd };
	size_t	i;

	close(c->parent);
	close(c->echo);
	close(c->log);
	/* out of the way first */
	for (i = 0; i < sizeof(from) / sizeof(from[0]); i++)
		if ((from[i] = fcntl(from[i], F_DUPFD, 100)) == -1)
			err(1, "F_DUPFD");
	if (dup2(log, STDERR_FILENO) == -1 || dup2(log, STDOUT_FILENO) == -1)
		err(1, "dup2");
	for (i = 0; i < sizeof(from) / sizeof(from[0]); i++)
		if (dup2(from[i], FD_PARENT + (int)i) == -1)
			err(1, "dup2");
	if (close_range(FD_LAST + 1, ~0U, 0) == -1)
		err(1, "close_range");
}

/* Returns 0 in the child, with its descriptors in place; 1 in the parent. */
static int
start(struct child *c)
{
	int	s[2], e[2], o[2], l[2];

	memset(c, 0, sizeof(*c));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, e) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, o) == -1 || pipe(l) == -1)
		err(1, "socketpair");
	c->parent = s[0];
	c->echo = e[0];
	c->log = l[0];
	fflush(stdout);
	if ((c->pid = fork()) == -1)
		err(1, "fork");
	if (c->pid == 0) {
		child_fds(c, s[1], e[1], o[1], l[1]);
		log_init(LOG_TO_PARENT, "test");
		alarm(30);	/* a hang ends as SIGALRM */
		return (0);
	}
	close(s[1]);
	close(e[1]);
	close(o[0]);
	close(o[1]);
	close(l[1]);
	return (1);
}

/* Collect its log and its end. */
static void
finish(struct child *c)
{
	size_t	len = 0;
	ssize_t	n;

	while (len < sizeof(c->text) - 1 && (n = read(c->log, c->text + len,
	    sizeof(c->text) - 1 - len)) > 0)
		len += (size_t)n;
	c->text[len] = '\0';
	while (len > 0 && c->text[len - 1] == '\n')
		c->text[--len] = '\0';
	close(c->log);
	close(c->parent);
	close(c->echo);
	if (waitpid(c->pid, &c->status, 0) == -1)
		err(1, "waitpid");
}

/* The child says so when it is inside; 0 if it never does. */
static int
wait_ready(const struct child *c)
{
	char	b;

	return (read(c->echo, &b, 1) == 1);
}

static void
say_ready(void)
{
	if (write(FD_ECHO, "r", 1) != 1)
		_exit(1);
}

static void
run(struct child *c, enum sandbox_role role, int mode, int (*f)(void))
{
	if (start(c) == 0) {
		enter(role, mode);
		_exit(f != NULL ? f() : 0);
	}
	finish(c);
}

static const char *
where(enum sandbox_role role, int mode)
{
	static char	buf[64];

	snprintf(buf, sizeof(buf), "%s, %s", role_names[role],
	    mode & AS_ROOT ? "root" : "user");
	return (buf);
}

#ifndef WAMPD_SAN
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
	X(sendto, FD_ECHO, 0, 0, 0, 0, 0),
	X(recvfrom, FD_ECHO, 0, 0, 0, 0, 0),
	X(sendmsg, FD_PARENT, 0, 0),
	{ "recvmsg on fd 5", SYS_recvmsg, { FD_OTHER, 0, MSG_DONTWAIT } },
	X(recvmmsg, FD_PARENT, 0, 0, 0, 0),
	{ "setsockopt SO_RCVBUF", SYS_setsockopt,
	    { FD_ECHO, SOL_SOCKET, SO_RCVBUF, 0, 0 } },
	{ "setsockopt TCP_NODELAY", SYS_setsockopt,
	    { FD_TCP, IPPROTO_TCP, TCP_NODELAY, 0, 0 } },
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
	X(accept4, FD_TCP, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC),
	X(shutdown, FD_ECHO, SHUT_WR),
	X(setsockopt, FD_ECHO, SOL_SOCKET, SO_LINGER, 0, 0),
	X(getsockopt, FD_ECHO, SOL_SOCKET, SO_ERROR, 0, 0),
	X(getsockname, FD_ECHO, 0, 0),
	X(getpeername, FD_ECHO, 0, 0),
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

static void
attempt(struct child *c, enum sandbox_role role, int mode,
    const struct attempt *t)
{
	long	rc;

	if (start(c) == 0) {
		enter(role, mode);
		errno = 0;
		rc = syscall(t->nr, t->a[0], t->a[1], t->a[2], t->a[3],
		    t->a[4], t->a[5]);
		_exit(rc == -1 && errno == EACCES ? GOT_EACCES : 0);
	}
	finish(c);
}

static void
expect_all(const char *what, const struct attempt *t, size_t n, int nroles,
    int want_death)
{
	static const enum sandbox_role	 roles[] = { SANDBOX_KEEPER,
	    SANDBOX_BROKER, SANDBOX_TLSPROXY };
	struct child	 c;
	size_t		 i;
	int		 k, mode, ok;

	for (i = 0; i < n; i++) {
		ok = 1;
		for (k = 0; k < nroles && ok; k++) {
			for (mode = 0; mode <= is_root && ok; mode++) {
				attempt(&c, roles[k], mode, &t[i]);
				ok = want_death ? is_violation(&c) :
				    is_exit(&c, GOT_EACCES);
				if (!ok)
					result(0, "%s: %s: %s: %s",
					    t[i].name, what,
					    where(roles[k], mode), how(&c));
			}
		}
		if (ok)
			result(1, "%s: %s", t[i].name, what);
	}
}

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

static void
test_forbidden(void)
{
	expect_all("dies", forbidden, NITEMS(forbidden), 3, 1);
	expect_all("dies save in a tlsproxy", proxy_only, NITEMS(proxy_only),
	    2, 1);
	expect_all("EACCES", denied, NITEMS(denied), 3, 0);
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
	run(&c, SANDBOX_BROKER, 0, do_int80);
	result(is_violation(&c) || (WIFSIGNALED(c.status) &&
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
in_denied(const char *name)
{
	size_t	i;

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
	if (start(c) == 0) {
		enter(role, 0);
		if (nr == SYS_tgkill)
			t.a[0] = getpid();
		errno = 0;
		rc = syscall(nr, t.a[0], t.a[1], t.a[2], t.a[3], t.a[4],
		    t.a[5]);
		_exit(rc == -1 && errno == EACCES ? GOT_EACCES : 0);
	}
	finish(c);
}

static void
test_sweep(enum sandbox_role role)
{
	struct child	 c;
	char		*name;
	long		 nr;
	int		 ok, before = nfailed;
	size_t		 nallowed = 0;

	for (nr = 0; nr < 512; nr++) {
		if (is_unfiltered(nr))
			continue;
		sweep_one(&c, role, nr);
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
		    (int)nr);
		if (name != NULL && in_table(role, name)) {
			ok = !is_violation(&c) && !is_exit(&c, GOT_EACCES) &&
			    !is_exit(&c, FAILED_ENTER);
			nallowed++;
		} else if (name != NULL && in_denied(name))
			ok = is_exit(&c, GOT_EACCES);
		else
			ok = is_violation(&c);
		if (!ok)
			result(0, "sweep %s: %ld (%s): %s", role_names[role],
			    nr, name != NULL ? name : "unknown", how(&c));
		free(name);
	}
	result(nfailed == before && nallowed == sandbox_count(role),
	    "sweep of 512 numbers, %s: %zu allowed", role_names[role],
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
	};
	size_t	i, n;

	for (i = 0; i < NITEMS(t); i++) {
		n = sandbox_count(t[i].role);
		result(n > 0 && n <= t[i].max &&
		    sandbox_name(t[i].role, n) == NULL,
		    "%s: %zu names, at most %zu", role_names[t[i].role], n,
		    t[i].max);
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
	if (abi >= 4)
		bad += connects(&tcp_addr, sizeof(tcp_addr), "connect",
		    EACCES, ENETUNREACH);
	if (abi >= 6) {
		/* an abstract name belongs to its network namespace */
		bad += connects(&abstract_addr, sizeof(abstract_addr),
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
	bad += connects(&unix_addr, sizeof(unix_addr), "connect by path",
	    ENOENT, EACCES);
	return (bad != 0);
}

static int
do_layers_net(void)
{
	int	one = 1;

	/* UDP is not Landlock's either: this is the network namespace */
	return (connects(&tcp_addr, sizeof(tcp_addr), "connect", ENETUNREACH,
	    EACCES) || gets("sendto", sendto(socket(AF_INET, SOCK_DGRAM, 0),
	    &one, sizeof(one), 0, (const struct sockaddr *)&tcp_addr,
	    sizeof(tcp_addr)), ENETUNREACH, 0));
}

static void
layer(const char *name, int mode, int (*f)(void))
{
	struct child	c;

	run(&c, SANDBOX_BROKER, mode | RELAXED | NO_SECCOMP, f);
	result(is_exit(&c, 0) && strstr(c.text, "sandbox relaxed: seccomp: "
	    "denied by an outer filter"), "without a filter, %s: %s",
	    mode & AS_ROOT ? "root" : "user", name);
	if (!is_exit(&c, 0))
		printf("# %s\n", how(&c));
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

	for (mode = 0; mode <= is_root; mode++) {
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
	if (is_root)
		layer("chroot", AS_ROOT, do_layers_chroot);
	if (is_root && has_namespaces)
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

	for (role = SANDBOX_KEEPER; role <= SANDBOX_BROKER; role++) {
		run(&c, (enum sandbox_role)role, 0, do_abort);
		ok &= WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGABRT;
		run(&c, (enum sandbox_role)role, 0, do_double_free);
		ok &= WIFSIGNALED(c.status) &&
		    WTERMSIG(c.status) == SIGABRT &&
		    strstr(c.text, "double free") != NULL;
	}
	result(ok, "abort and double free end as SIGABRT, with libc's text");
}
#endif /* !WAMPD_SAN */

static int
byte_order(const void *a, const void *b)
{
	return (memcmp(a, b, 4));
}

/* What any code of ours may do at any time. */
static int
do_work(void)
{
	struct timespec	 ts;
	struct pollfd	 pfd = { FD_ECHO, POLLIN, 0 };
	struct msghdr	 m;
	struct iovec	 iov;
	struct timeval	 tv;
	struct tm	*tm;
	time_t		 now;
	char		 buf[64], *p, *q;

	if ((p = malloc(64 << 20)) == NULL)
		return (2);
	memset(p, 1, 64 << 20);
	if ((q = realloc(p, 96 << 20)) == NULL)
		return (3);
	free(q);
	if ((p = malloc(100000)) == NULL)
		return (4);
	arc4random_buf(p, 100000);
	qsort(p, 25000, 4, byte_order);
	free(p);
	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1 ||
	    gettimeofday(&tv, NULL) == -1 || (now = time(NULL)) == -1 ||
	    syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts) == -1 ||
	    syscall(SYS_gettimeofday, &tv, NULL) == -1)
		return (5);
	if ((tm = localtime(&now)) == NULL ||
	    strftime(buf, sizeof(buf), "%F %T %Z", tm) == 0)
		return (6);
	snprintf(buf, sizeof(buf), "%g %s", 1.5e300, strerror(ENOENT));
	if (syscall(SYS_getrandom, buf, 8, 0) != 8 || getpid() <= 0)
		return (7);
	if (write(FD_ECHO, "ping", 4) != 4 || poll(&pfd, 1, 10000) != 1 ||
	    read(FD_ECHO, buf, sizeof(buf)) != 4)
		return (8);
	iov.iov_base = buf;
	iov.iov_len = 2;
	if (writev(FD_ECHO, &iov, 1) != 2 || readv(FD_ECHO, &iov, 1) != 2)
		return (9);
	/* a message from the parent, with its control data */
	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	if (recvmsg(FD_PARENT, &m, MSG_CMSG_CLOEXEC) != 1)
		return (10);
	if (fcntl(FD_ECHO, F_SETFL, fcntl(FD_ECHO, F_GETFL) | O_NONBLOCK) ==
	    -1 || read(FD_ECHO, buf, 1) != -1 || errno != EAGAIN)
		return (11);
	log_warnx("the log works");
	return (0);
}

static void
test_work(enum sandbox_role role, int mode)
{
	struct child	c;
	char		buf[8];

	if (start(&c) == 0) {
		enter(role, mode);
		_exit(do_work());
	}
	if (read(c.echo, buf, 4) == 4 && write(c.echo, buf, 4) == 4 &&
	    read(c.echo, buf, 2) == 2 && write(c.echo, buf, 2) == 2 &&
	    write(c.parent, "m", 1) == 1) {
		/* wait for its log line, or its end */
	}
	finish(&c);
	result(is_exit(&c, 0) && strstr(c.text, "<4>the log works"),
	    "what must work: %s", where(role, mode));
	if (!is_exit(&c, 0))
		printf("# %s\n", how(&c));
}

static struct event_base	*base;

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	event_base_loopbreak(base);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	char	buf[8];

	(void)what;
	(void)arg;
	if (read(fd, buf, sizeof(buf)) <= 0 || write(fd, "e", 1) != 1)
		_exit(20);
}

/* libevent: a signal, a timer and an event added inside. */
static void
test_libevent(void)
{
	struct timeval	 tv = { 0, 1000 };
	struct child	 c;
	struct event	*ev;
	char		 b;

	if (start(&c) == 0) {
		base = event_base_new();
		ev = evsignal_new(base, SIGTERM, on_signal, NULL);
		event_add(ev, NULL);
		enter(SANDBOX_TLSPROXY, is_root);
		event_add(event_new(base, FD_ECHO, EV_READ | EV_PERSIST,
		    on_readable, NULL), NULL);
		event_base_once(base, -1, EV_TIMEOUT, on_signal, NULL, &tv);
		event_base_dispatch(base);	/* the timer */
		say_ready();
		event_base_dispatch(base);	/* the signal */
		_exit(0);
	}
	if (wait_ready(&c) && write(c.echo, "x", 1) == 1 &&
	    read(c.echo, &b, 1) == 1 && b == 'e')
		kill(c.pid, SIGTERM);
	finish(&c);
	result(is_exit(&c, 0), "libevent: timer, event, signal");
	if (!is_exit(&c, 0))
		printf("# %s\n", how(&c));
}

/* poll(2) goes on after SIGSTOP and SIGCONT by restart_syscall(2). */
static void
test_stop(void)
{
	struct pollfd	pfd = { FD_PARENT, POLLIN, 0 };
	struct child	c;
	int		status;

	if (start(&c) == 0) {
		enter(SANDBOX_TLSPROXY, 0);
		say_ready();
		_exit(poll(&pfd, 1, 20000) == 1 ? 0 : 1);
	}
	if (wait_ready(&c)) {
		kill(c.pid, SIGSTOP);
		if (waitpid(c.pid, &status, WUNTRACED) == -1 ||
		    !WIFSTOPPED(status))
			errx(1, "child did not stop");
		kill(c.pid, SIGCONT);
		if (waitpid(c.pid, &status, WCONTINUED) == -1)
			err(1, "waitpid");
		if (write(c.parent, "x", 1) != 1)
			err(1, "write");
	}
	finish(&c);
	result(is_exit(&c, 0), "poll survives SIGSTOP and SIGCONT");
	if (!is_exit(&c, 0))
		printf("# %s\n", how(&c));
}

static int
take_client(int fd)
{
	struct sockaddr_storage	ss;
	struct pollfd		pfd = { fd, POLLIN, 0 };
	struct linger		l = { 1, 0 };
	socklen_t		len = sizeof(ss);
	int			s, e;

	if (poll(&pfd, 1, 10000) != 1 || (s = accept4(fd,
	    (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC)) ==
	    -1)
		return (-1);
	len = sizeof(ss);
	if (getsockname(s, (struct sockaddr *)&ss, &len) == -1)
		return (-1);
	len = sizeof(ss);
	if (getpeername(s, (struct sockaddr *)&ss, &len) == -1)
		return (-1);
	len = sizeof(e);
	if (getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &len) == -1 || e != 0)
		return (-1);
	if (write(s, "hello", 5) != 5)
		return (-1);
	if (setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == -1)
		return (-1);
	return (s);
}

static int
do_serve(void)
{
	struct ucred	u;
	socklen_t	len;
	gid_t		groups[NGROUPS_MAX];
	int		s;

	say_ready();
	if ((s = take_client(FD_TCP)) == -1 || shutdown(s, SHUT_WR) == -1)
		return (2);
	close(s);
	if ((s = take_client(FD_UNIX)) == -1)
		return (3);
	len = sizeof(u);
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &len) == -1)
		return (4);
	len = sizeof(groups);
	if (getsockopt(s, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
		return (5);
	/* the client is this test */
	if (write(FD_ECHO, &u.uid, sizeof(u.uid)) != sizeof(u.uid))
		return (6);
	return (0);
}

static int
says_hello(const void *addr, socklen_t len)
{
	const struct sockaddr	*sa = addr;
	char			 buf[8];
	int			 fd, ok;

	if ((fd = socket(sa->sa_family, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	ok = connect(fd, sa, len) == 0 && read(fd, buf, 5) == 5 &&
	    memcmp(buf, "hello", 5) == 0;
	close(fd);
	return (ok);
}

/* A listener that was inherited serves in the empty network namespace. */
static void
test_serve(int mode)
{
	struct child	c;
	uid_t		uid = (uid_t)-1;
	int		ok = 0;

	if (start(&c) == 0) {
		enter(SANDBOX_TLSPROXY, mode);
		_exit(do_serve());
	}
	if (wait_ready(&c))
		ok = says_hello(&tcp_addr, sizeof(tcp_addr)) &&
		    says_hello(&unix_addr, sizeof(unix_addr)) &&
		    read(c.echo, &uid, sizeof(uid)) == sizeof(uid);
	finish(&c);
	result(ok && is_exit(&c, 0) && uid == getuid(),
	    "inherited listeners serve: %s", where(SANDBOX_TLSPROXY, mode));
	if (!is_exit(&c, 0))
		printf("# %s\n", how(&c));
}

#ifndef WAMPD_SAN
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

	if (start(&c) == 0) {
		if (pthread_create(&t, NULL, other_thread, NULL) != 0)
			_exit(1);
		enter(SANDBOX_KEEPER, 0);
		say_ready();
		while (read(FD_ECHO, &b, 1) > 0)
			;
		_exit(2);
	}
	if (wait_ready(&c) && write(c.parent, "x", 1) != 1)
		err(1, "write");
	/* its descriptors stay open until finish() closes ours */
	finish(&c);
	result(is_violation(&c), "the filter holds for every thread");
}
#else

/* LeakSanitizer runs at the end, inside. */
static void
test_leaks(int mode)
{
	struct child	 c;
	void		*volatile p;

	if (start(&c) == 0) {
		enter(SANDBOX_BROKER, mode);
		exit(0);
	}
	finish(&c);
	result(is_exit(&c, 0), "no leaks: %s", where(SANDBOX_BROKER, mode));
	if (!is_exit(&c, 0))
		printf("# %s\n", how(&c));
	if (start(&c) == 0) {
		enter(SANDBOX_BROKER, mode);
		p = malloc(1000);
		memset(p, 0, 1000);
		p = NULL;
		exit(0);
	}
	finish(&c);
	result(strstr(c.text, "detected memory leaks") != NULL,
	    "a leak is found: %s", where(SANDBOX_BROKER, mode));
}
#endif

/*
 * What the kernel says about a child.
 */
static const char *
proc_field(pid_t pid, const char *file, const char *name)
{
	static char	 line[512];
	char		 path[64], *v = NULL;
	FILE		*fp;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if ((fp = fopen(path, "r")) == NULL)
		return ("?");
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (strncmp(line, name, strlen(name)) != 0)
			continue;
		v = line + strlen(name);
		v += strspn(v, " \t");
		v[strcspn(v, "\n")] = '\0';
		break;
	}
	fclose(fp);
	return (v != NULL ? v : "?");
}

static int
field_is(pid_t pid, const char *file, const char *name, const char *want)
{
	const char	*got = proc_field(pid, file, name);

	if (strncmp(got, want, strlen(want)) == 0 &&
	    strspn(got + strlen(want), " \t") <= strlen(got + strlen(want)) &&
	    (want[0] != '\0' || got[strspn(got, " \t")] == '\0'))
		return (1);
	printf("# %s of /proc/pid/%s: got \"%s\", want \"%s\"\n", name, file,
	    got, want);
	return (0);
}

static int
ns_differs(pid_t pid, const char *ns)
{
	char	path[64], mine[64], its[64];
	ssize_t	n, m;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", ns);
	n = readlink(path, mine, sizeof(mine));
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, ns);
	m = readlink(path, its, sizeof(its));
	return (n > 0 && m > 0 && (n != m || memcmp(mine, its, (size_t)n)));
}

static int
check_ids(pid_t pid, int mode)
{
	char	want[64];
	unsigned int	uid, gid;

	uid = is_root ? NOBODY : getuid();
	gid = is_root ? NOBODY : getgid();
	snprintf(want, sizeof(want), "%u\t%u\t%u\t%u", uid, uid, uid, uid);
	if (!field_is(pid, "status", "Uid:", want))
		return (0);
	snprintf(want, sizeof(want), "%u\t%u\t%u\t%u", gid, gid, gid, gid);
	if (!field_is(pid, "status", "Gid:", want))
		return (0);
	return (!(mode & AS_ROOT) || field_is(pid, "status", "Groups:", ""));
}

static int
check_caps(pid_t pid, int mode)
{
	const char	*none = "0000000000000000";

	return (field_is(pid, "status", "CapInh:", none) &&
	    field_is(pid, "status", "CapPrm:", none) &&
	    field_is(pid, "status", "CapEff:", none) &&
	    field_is(pid, "status", "CapAmb:", none) &&
	    (!(mode & AS_ROOT) || (mode & FEW_CAPS) ||
	    field_is(pid, "status", "CapBnd:", none)));
}

static int
check_rest(pid_t pid)
{
	struct stat	st;
	char		path[64];

	/* root owns the files of a process that is not dumpable */
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (stat(path, &st) == -1 || st.st_uid != 0) {
		printf("# dumpable\n");
		return (0);
	}
	return (field_is(pid, "status", "NoNewPrivs:", "1") &&
	    (IS_SAN || field_is(pid, "status", "Seccomp:", "2")) &&
	    (IS_SAN || field_is(pid, "limits", "Max processes", "0 ")) &&
	    field_is(pid, "limits", "Max core file size", "0 ") &&
	    field_is(pid, "limits", "Max file size", "0 ") &&
	    field_is(pid, "limits", "Max open files", "64 "));
}

static int
check_namespaces(pid_t pid, int mode)
{
	int	want = (mode & AS_ROOT) && !(mode & (NO_ADMIN | FEW_CAPS));

	if (!is_root)
		return (1);
	return (ns_differs(pid, "net") == want &&
	    ns_differs(pid, "ipc") == want &&
	    ns_differs(pid, "mnt") == want &&
	    ns_differs(pid, "uts") == want &&
	    ns_differs(pid, "cgroup") == want && !ns_differs(pid, "user"));
}

/* Returns the child's log. */
static const char *
test_report(const char *name, enum sandbox_role role, int mode)
{
	static struct child	c;
	int			ok = 0;

	if (start(&c) == 0) {
		enter(role, mode);
		say_ready();
		_exit(read(FD_ECHO, &ok, 1) == 1 ? 0 : 1);
	}
	if (wait_ready(&c)) {
		ok = check_ids(c.pid, mode) && check_caps(c.pid, mode) &&
		    check_rest(c.pid);
		if (ok && (has_namespaces || (mode & (NO_ADMIN | FEW_CAPS))) &&
		    !check_namespaces(c.pid, mode)) {
			printf("# namespaces\n");
			ok = 0;
		}
		if (write(c.echo, "x", 1) != 1)
			err(1, "write");
	}
	finish(&c);
	result(ok && is_exit(&c, 0), "the kernel's report%s: %s", name,
	    where(role, mode));
	if (!is_exit(&c, 0))
		printf("# %s\n", how(&c));
	return (c.text);
}

static int
count_lines(const char *s)
{
	int	n = *s != '\0';

	for (; *s != '\0'; s++)
		n += *s == '\n';
	return (n);
}

static void
test_reports(void)
{
	const char	*text;
	int		 role, mode;

	for (role = SANDBOX_KEEPER; role <= SANDBOX_BROKER; role++)
		for (mode = 0; mode <= is_root; mode++)
			test_report("", (enum sandbox_role)role, mode);
	if (!is_root)
		return;
	text = test_report(" without CAP_SYS_ADMIN", SANDBOX_BROKER,
	    AS_ROOT | NO_ADMIN);
	result(count_lines(text) == 1 && strstr(text, "<5>sandbox: no "
	    "namespaces of its own: network ipc mount uts cgroup "
	    "(Operation not permitted)"),
	    "refused namespaces are one line at info");
	text = test_report(" with three capabilities", SANDBOX_TLSPROXY,
	    AS_ROOT | FEW_CAPS);
	result(count_lines(text) == 2 && strstr(text, "<5>sandbox: "
	    "capability bounding set kept (needs CAP_SETPCAP)"),
	    "a bounding set that stays is one line at info");
}

/*
 * Refusals: what the operator reads.
 */
static void
expect_refusal(int mode, const char *want)
{
	struct child	c;

	run(&c, SANDBOX_BROKER, mode, NULL);
	result(is_exit(&c, FAILED_ENTER) && strstr(c.text, want) != NULL &&
	    strchr(strstr(c.text, "enter: "), '\n') == NULL,
	    "refused: %s", want);
	if (!is_exit(&c, FAILED_ENTER) || strstr(c.text, want) == NULL)
		printf("# %s\n", how(&c));
}

static const char *
in_dir(const char *name)
{
	static char	path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		errx(1, "%s: too long", name);
	return (path);
}

#ifndef WAMPD_SAN
static void
test_bad_roots(void)
{
	struct child	c;

	otherdir = dir;		/* holds emptydir */
	expect_refusal(AS_ROOT | OTHER_DIR, "directory is not empty");
	run(&c, SANDBOX_BROKER, AS_ROOT | OTHER_DIR | RELAXED, NULL);
	result(is_exit(&c, 0) && strstr(c.text, "<4>sandbox relaxed: chroot"),
	    "relaxed: a chroot that fails is a warning");
	otherdir = in_dir("none");
	expect_refusal(AS_ROOT | OTHER_DIR, "No such file or directory");
	otherdir = in_dir("link");
	if (symlink(emptydir, otherdir) == -1)
		err(1, "%s", otherdir);
	expect_refusal(AS_ROOT | OTHER_DIR, "chroot ");
	unlink(otherdir);
	otherdir = in_dir("other");
	if (mkdir(otherdir, 0755) == -1 || chmod(otherdir, 0775) == -1)
		err(1, "%s", otherdir);
	expect_refusal(AS_ROOT | OTHER_DIR,
	    "writable by others than root (mode 0775)");
	if (chmod(otherdir, 0555) == -1 || chown(otherdir, NOBODY, 0) == -1)
		err(1, "%s", otherdir);
	expect_refusal(AS_ROOT | OTHER_DIR, "owner is uid 65534, not root");
	rmdir(otherdir);
}
#endif

static void
expect_refusal_caps(uint64_t keep, const char *want)
{
	struct child	c;

	if (start(&c) == 0) {
		drop_to(keep);
		enter(SANDBOX_BROKER, AS_ROOT | RELAXED);
		_exit(0);
	}
	finish(&c);
	result(is_exit(&c, FAILED_ENTER) && strstr(c.text, want),
	    "refused even if relaxed: %s", want);
	if (!is_exit(&c, FAILED_ENTER))
		printf("# %s\n", how(&c));
}

static void
test_refusals(void)
{
	struct child	c;
	struct rlimit	r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		err(1, "getrlimit");
	nofile = r.rlim_max + 1;
	expect_refusal(is_root ? AS_ROOT : 0, "above the hard limit");
	nofile = NOFILE;
#ifndef WAMPD_SAN
	expect_refusal(NO_SECCOMP, "seccomp: denied by an outer filter "
	    "(systemd SystemCallFilter= or a container profile)?");
	expect_refusal(EPERM_LANDLOCK, "landlock: denied by an outer filter "
	    "(systemd SystemCallFilter= or a container profile)?");
	run(&c, SANDBOX_BROKER, NO_LANDLOCK, NULL);
	result(is_exit(&c, 0) && strstr(c.text, "no landlock"),
	    "a kernel without landlock is no obstacle");
#endif
	if (!is_root)
		return;
#ifndef WAMPD_SAN
	test_bad_roots();
#endif
	enter_uid = 0;
	expect_refusal(AS_ROOT, "must not be root's");
	enter_uid = NOBODY;
	expect_refusal_caps(~(1ULL << CAP_SETGID), "needs CAP_SETGID");
	expect_refusal_caps(~(1ULL << CAP_SETUID), "needs CAP_SETUID");
	if (start(&c) == 0) {
		struct sandbox_conf	conf;
		char			text[256];

		memset(&conf, 0, sizeof(conf));
		conf.strict = 1;
		if (sandbox_enter(&conf, text, sizeof(text)) == 0)
			_exit(0);
		log_warnx("enter: %s", text);
		_exit(FAILED_ENTER);
	}
	finish(&c);
	result(is_exit(&c, FAILED_ENTER), "refused: %s", c.text);
}

/*
 * A child that does not read fd 3 dies with its parent all the same.
 */
static void
test_parent_death(void)
{
	struct child	c;
	pid_t		pid, grandchild;
	int		status = 0, ok;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1)
		err(1, "PR_SET_CHILD_SUBREAPER");
	if (start(&c) == 0) {
		if ((pid = fork()) == 0) {
			enter(SANDBOX_BROKER, is_root);
			say_ready();
			for (;;)
				poll(NULL, 0, 1000);
		}
		if (write(FD_ECHO, &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		_exit(read(FD_PARENT, &pid, 1) == 1 ? 0 : 1);
	}
	ok = read(c.echo, &grandchild, sizeof(grandchild)) ==
	    sizeof(grandchild) && wait_ready(&c) &&
	    write(c.parent, "x", 1) == 1 &&
	    waitpid(c.pid, &status, 0) == c.pid &&
	    waitpid(grandchild, &status, 0) == grandchild &&
	    WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	result(ok, "a child dies with its parent");
	close(c.log);
	close(c.echo);
	close(c.parent);
}

/*
 * The parent's own capabilities, and that they are enough for its children.
 */
static uint64_t
parent_mask(void)
{
	static const struct {
		const char	*name;
		int		 cap;
	} names[] = {
		{ "CAP_CHOWN", CAP_CHOWN },
		{ "CAP_FOWNER", CAP_FOWNER },
		{ "CAP_KILL", CAP_KILL },
		{ "CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE },
		{ "CAP_SETGID", CAP_SETGID },
		{ "CAP_SETPCAP", CAP_SETPCAP },
		{ "CAP_SETUID", CAP_SETUID },
		{ "CAP_SYS_ADMIN", CAP_SYS_ADMIN },
		{ "CAP_SYS_CHROOT", CAP_SYS_CHROOT },
	};
	const char	*name;
	uint64_t	 mask = 0;
	size_t		 i, k;

	for (i = 0; (name = sandbox_parent_cap(i)) != NULL; i++)
		for (k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (strcmp(name, names[k].name) == 0)
				mask |= 1ULL << names[k].cap;
	if ((size_t)__builtin_popcountll(mask) != i)
		errx(1, "sandbox_parent_cap: unknown name");
	return (mask);
}

static int
do_parent(const char *self, uint64_t had, int nnp)
{
	char	text[256], want[32];
	pid_t	me = getpid();

	if (nnp && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return (2);
	if (sandbox_parent(text, sizeof(text)) == -1) {
		log_warnx("%s", text);
		return (3);
	}
	snprintf(want, sizeof(want), "%016llx",
	    (unsigned long long)(had & parent_mask()));
	if (!field_is(me, "status", "CapBnd:", want) ||
	    !field_is(me, "status", "CapPrm:", want) ||
	    !field_is(me, "status", "CapEff:", want) ||
	    !field_is(me, "status", "CapInh:", "0000000000000000"))
		return (4);
	/* files of root need no capability, others' are out of reach */
	if (open("/proc/1/environ", O_RDONLY) != -1)
		return (5);
	execl(self, "sandbox", "enter", emptydir, (char *)NULL);
	return (6);
}

static void
test_parent(int nnp)
{
	struct child	c;
	char		self[PATH_MAX];
	uint64_t	had;
	ssize_t		n;

	if ((n = readlink("/proc/self/exe", self, sizeof(self) - 1)) == -1)
		err(1, "/proc/self/exe");
	self[n] = '\0';
	had = strtoull(proc_field(getpid(), "status", "CapPrm:"), NULL, 16);
	if (start(&c) == 0)
		_exit(do_parent(self, had, nnp));
	finish(&c);
	result(is_exit(&c, 0), "the parent's capabilities are enough for its "
	    "children%s", nnp ? " under no_new_privs" : "");
	if (!is_exit(&c, 0))
		printf("# %s\n", how(&c));
	if (nnp)
		return;
	if (start(&c) == 0) {
		drop_to(1ULL << CAP_SETUID | 1ULL << CAP_SYS_CHROOT |
		    1ULL << CAP_SYS_RESOURCE);
		_exit(sandbox_parent(self, sizeof(self)) == 0 &&
		    field_is(getpid(), "status", "CapEff:",
		    "0000000000040080") ? 0 : 1);
	}
	finish(&c);
	result(is_exit(&c, 0), "a parent that never had them all");
	if (!is_exit(&c, 0))
		printf("# %s\n", how(&c));
}

/*
 * Set-up.
 */
static int
listen_on(const void *addr, socklen_t len)
{
	const struct sockaddr	*sa = addr;
	int			 fd;

	if ((fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) ==
	    -1 || bind(fd, sa, len) == -1 || listen(fd, 5) == -1)
		err(1, "listen");
	return (fd);
}

static void
open_listeners(void)
{
	socklen_t	len = sizeof(tcp_addr);

	tcp_addr.sin_family = AF_INET;
	tcp_addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	tcp_fd = listen_on(&tcp_addr, sizeof(tcp_addr));
	if (getsockname(tcp_fd, (struct sockaddr *)&tcp_addr, &len) == -1)
		err(1, "getsockname");
	unix_addr.sun_family = AF_UNIX;
	/* short: a path of a socket has 107 octets */
	snprintf(unix_addr.sun_path, sizeof(unix_addr.sun_path),
	    "/tmp/wampd-sandbox.%d", (int)getpid());
	unlink(unix_addr.sun_path);
	unix_fd = listen_on(&unix_addr, sizeof(unix_addr));
	abstract_addr.sun_family = AF_UNIX;
	snprintf(abstract_addr.sun_path + 1, 60, "wampd-sandbox.%d",
	    (int)getpid());
	abstract_fd = listen_on(&abstract_addr, sizeof(abstract_addr));
}

static void
make_dirs(void)
{
	const char	*tmp = getenv("TEST_TMP");

	snprintf(dir, sizeof(dir), "%.4000s/sandbox.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) == -1)
		err(1, "%s", dir);
	snprintf(emptydir, sizeof(emptydir), "%s", in_dir("empty"));
	if (mkdir(emptydir, 0555) == -1)
		err(1, "%s", emptydir);
}

static void
clean_up(void)
{
	unlink(unix_addr.sun_path);
	rmdir(emptydir);
	rmdir(dir);
}

/* Re-executed by test_parent() with what a parent of root leaves. */
static int
enter_again(const char *root)
{
	struct sandbox_conf	c;
	char			text[256];

	memset(&c, 0, sizeof(c));
	c.role = SANDBOX_TLSPROXY;
	c.strict = c.is_root = 1;
	c.uid = c.gid = NOBODY;
	c.root = root;
	log_init(LOG_TO_PARENT, "test");
	if (sandbox_enter(&c, text, sizeof(text)) == -1) {
		log_warnx("enter: %s", text);
		return (FAILED_ENTER);
	}
	return (0);
}

static int
can_unshare(void)
{
	pid_t	pid;
	int	status;

	if ((pid = fork()) == 0)
		_exit(unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS |
		    CLONE_NEWUTS | CLONE_NEWCGROUP) == -1);
	return (waitpid(pid, &status, 0) == pid && status == 0);
}

int
main(int argc, char **argv)
{
	int	mode, role;

	if (argc == 3 && strcmp(argv[1], "enter") == 0)
		_exit(enter_again(argv[2]));
	signal(SIGPIPE, SIG_IGN);
	is_root = geteuid() == 0;
	has_namespaces = is_root && can_unshare();
	make_dirs();
	open_listeners();

	if (!is_root)
		printf("skip - as started by root: not root\n");
	else if (!has_namespaces)
		printf("skip - namespaces: not permitted here\n");
	for (role = SANDBOX_KEEPER; role <= SANDBOX_BROKER; role++)
		for (mode = 0; mode <= is_root; mode++)
			test_work((enum sandbox_role)role, mode);
	for (mode = 0; mode <= is_root; mode++)
		test_serve(mode);
	test_libevent();
	test_stop();
	test_reports();
	test_refusals();
	test_parent_death();
	if (is_root) {
		test_parent(0);
		test_parent(1);
	}
#ifdef WAMPD_SAN
	for (mode = 0; mode <= is_root; mode++)
		test_leaks(mode);
	printf("skip - the filter, landlock, chroot: not under sanitizers\n");
#else
	test_thread();
	test_counts();
	test_crashes();
	test_layers();
	test_forbidden();
#if defined(__x86_64__) && !defined(SANDBOX_TRAP)
	test_int80();
#endif
	for (role = SANDBOX_KEEPER; role <= SANDBOX_BROKER; role++)
		test_sweep((enum sandbox_role)role);
#endif
	clean_up();
	return (nfailed != 0);
}
