/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The system calls each role keeps, and the filter made of them: the last
 * step into the sandbox.  A row more needs a reason.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/futex.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

#include "log.h"
#include "sandbox.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS	59
#endif

/* libseccomp's action for whatever no rule allows. */
#ifdef SANDBOX_TRAP
#define ACT_OTHER	SCMP_ACT_TRAP
#else
#define ACT_OTHER	SCMP_ACT_KILL_PROCESS
#endif

/* (argument & mask) == value; mask 0 ends the list. */
struct cond {
	unsigned int	 arg;
	uint64_t	 mask;
	uint64_t	 value;
};

/*
 * A call that is allowed if all conditions hold.  Rows of one name stand
 * together: any of them will do.
 */
struct rule {
	const char	*name;
	struct cond	 cond[3];
};

#define CALL(n)		{ .name = n }
#define CALL_IF(n, ...)	{ .name = n, .cond = { __VA_ARGS__ } }
#define IS(n, v)	{ .arg = n, .mask = INT, .value = v }
#define ONLY(n, bits)	{ .arg = n, .mask = ~(uint64_t)(bits), .value = 0 }
#define INT		UINT32_MAX	/* all the kernel reads of an int */
#define SELF		UINT64_MAX	/* value: our own process id */

#define RW		(PROT_READ | PROT_WRITE)
#define MAP_WANT	(MAP_PRIVATE | MAP_ANONYMOUS)
#define MAP_MAY		(MAP_NORESERVE | MAP_STACK)
#define FL_MAY		(O_ACCMODE | O_NONBLOCK)
#define FUTEX_MAY	FUTEX_CLOCK_REALTIME
#define FUTEX(op)							\
	CALL_IF("futex", { .arg = 1, .mask = INT & ~FUTEX_MAY,		\
	    .value = (op) | FUTEX_PRIVATE_FLAG })

/* What every child keeps. */
static const struct rule common_rules[] = {
	/* channels, clients, log, files handed over by the parent */
	CALL("read"),
	CALL("readv"),
	CALL("pread64"),
	CALL("write"),
	CALL("writev"),
	CALL_IF("recvmsg", IS(0, 3)),	/* descriptors from the parent only */
	CALL("close"),
	CALL_IF("fcntl", IS(1, F_GETFL)),
	CALL_IF("fcntl", IS(1, F_SETFL),
	    { .arg = 2, .mask = INT & ~FL_MAY, .value = 0 }),
	/* event loop; glibc's poll(2) is ppoll where there is no poll */
	CALL("epoll_wait"),
	CALL("epoll_pwait"),
	CALL("epoll_ctl"),
#ifdef __NR_poll
	CALL("poll"),
#else
	CALL("ppoll"),
#endif
	CALL("restart_syscall"),	/* poll after SIGSTOP and SIGCONT */
	/* memory: private, anonymous, never executable */
	CALL("brk"),
	CALL_IF("mmap", ONLY(2, RW),
	    { .arg = 3, .mask = ~(uint64_t)MAP_MAY, .value = MAP_WANT }),
	CALL("munmap"),
	CALL_IF("mremap", IS(3, MREMAP_MAYMOVE)),
	CALL_IF("mprotect", ONLY(2, RW)),
	CALL_IF("madvise", IS(2, MADV_DONTNEED)),
	CALL_IF("madvise", IS(2, MADV_FREE)),
	FUTEX(FUTEX_WAIT),
	FUTEX(FUTEX_WAKE),
	FUTEX(FUTEX_WAIT_BITSET),
	FUTEX(FUTEX_WAKE_BITSET),
	/* system calls where the clock is not the processor's */
	CALL("clock_gettime"),
	CALL("gettimeofday"),
	CALL("time"),
	CALL("getrandom"),
	CALL("getpid"),			/* OpenSSL looks for forks */
	/* signals, and an abort(3) that ends with SIGABRT */
	CALL("rt_sigreturn"),
	CALL("rt_sigprocmask"),
	CALL("gettid"),
	CALL_IF("tgkill", IS(0, SELF)),
	CALL("exit_group"),
};

/* What the one that talks to clients keeps besides. */
static const struct rule tlsproxy_rules[] = {
	CALL_IF("accept4", IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC)),
	/* as write(2), which costs more for a socket; to no other address */
	CALL_IF("sendto", IS(3, MSG_NOSIGNAL), IS(4, 0)),
	/* the other half would end a listener for its successors, too */
	CALL_IF("shutdown", IS(1, SHUT_WR)),
	CALL_IF("setsockopt", IS(1, SOL_SOCKET), IS(2, SO_LINGER)),
	CALL_IF("getsockopt", IS(1, SOL_SOCKET), IS(2, SO_ERROR)),
	CALL_IF("getsockopt", IS(1, SOL_SOCKET), IS(2, SO_PEERCRED)),
	CALL_IF("getsockopt", IS(1, SOL_SOCKET), IS(2, SO_PEERGROUPS)),
	CALL("getsockname"),
	CALL("getpeername"),
};

/* The one that answers HTTP with libevent. */
static const struct rule metrics_rules[] = {
	CALL_IF("accept4", IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC)),
	/* as above */
	CALL_IF("shutdown", IS(1, SHUT_WR)),
};

/* Libraries try these and carry on without: EACCES instead of death. */
static const char *const probes[] = {
	"open", "openat", "stat", "lstat", "fstat", "newfstatat", "statx"
};

/*
 * Likewise in the last one: how much there is to be read (FIONREAD), and the
 * name of the interface of a link-local client.
 */
static const char *const metrics_probes[] = {
	"ioctl", "socket"
};

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

#ifdef SANDBOX_TRAP
/* make SANDBOX=trap: say what the table lacks.  Not for production. */
static void
trapped(int sig, siginfo_t *si, void *ctx)
{
	char	*name;

	(void)sig;
	(void)ctx;
	name = seccomp_syscall_resolve_num_arch(si->si_arch, si->si_syscall);
	log_warnx("sandbox: blocked system call %d (%s)", si->si_syscall,
	    name != NULL ? name : "unknown");
	_exit(1);
}

static void
catch_traps(void)
{
	struct sigaction	sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = trapped;
	sa.sa_flags = SA_SIGINFO;
	sigaction(SIGSYS, &sa, NULL);
}
#endif

static int
add_rule(scmp_filter_ctx ctx, const struct rule *r)
{
	struct scmp_arg_cmp	 a[NITEMS(r->cond)];
	const struct cond	*c;
	unsigned int		 n;
	int			 nr;

	/* negative: a call this machine does not have */
	if ((nr = seccomp_syscall_resolve_name(r->name)) < 0)
		return (0);
	for (n = 0; n < NITEMS(r->cond) && r->cond[n].mask != 0; n++) {
		c = &r->cond[n];
		a[n].arg = c->arg;
		a[n].op = SCMP_CMP_MASKED_EQ;
		a[n].datum_a = c->mask;
		a[n].datum_b = c->value == SELF ? (scmp_datum_t)getpid() :
		    c->value;
	}
	return (seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, nr, n, a));
}

static int
add_probes(scmp_filter_ctx ctx, const char *const *names, size_t n)
{
	size_t	i;
	int	nr, rc;

	for (i = 0; i < n; i++) {
		if ((nr = seccomp_syscall_resolve_name(names[i])) < 0)
			continue;
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), nr, 0);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

/* What a role keeps beside the common rules. */
static const struct rule *
own_rules(enum sandbox_role role, size_t *n)
{
	switch (role) {
	case SANDBOX_TLSPROXY:
		*n = NITEMS(tlsproxy_rules);
		return (tlsproxy_rules);
	case SANDBOX_METRICS:
		*n = NITEMS(metrics_rules);
		return (metrics_rules);
	default:
		*n = 0;
		return (NULL);
	}
}

static int
add_rules(scmp_filter_ctx ctx, enum sandbox_role role)
{
	const struct rule	*own;
	size_t			 i, n;
	int			 rc;

	for (i = 0; i < NITEMS(common_rules); i++)
		if ((rc = add_rule(ctx, &common_rules[i])) != 0)
			return (rc);
	own = own_rules(role, &n);
	for (i = 0; i < n; i++)
		if ((rc = add_rule(ctx, &own[i])) != 0)
			return (rc);
	if ((rc = add_probes(ctx, probes, NITEMS(probes))) != 0 ||
	    role != SANDBOX_METRICS)
		return (rc);
	return (add_probes(ctx, metrics_probes, NITEMS(metrics_probes)));
}

/* Returns 0 or a negative errno, as libseccomp does. */
static int
load_filter(enum sandbox_role role)
{
	scmp_filter_ctx	ctx;
	int		rc;

	if ((ctx = seccomp_init(ACT_OTHER)) == NULL)
		return (-ENOMEM);
	/* raw errors of the kernel; all threads; a tree instead of a list */
	if ((rc = seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1)) == 0 &&
	    (rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    ACT_OTHER)) == 0 &&
	    (rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1)) == 0 &&
	    (rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)) == 0 &&
	    (rc = add_rules(ctx, role)) == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return (rc);
}

int
sandbox_filter(enum sandbox_role role)
{
	uint32_t	action = SECCOMP_RET_KILL_PROCESS;
	int		rc;

	/* asked here: libseccomp would hide who refuses */
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == -1)
		return (-1);
#ifdef SANDBOX_TRAP
	catch_traps();
#endif
	if ((rc = load_filter(role)) != 0) {
		errno = -rc;
		return (-1);
	}
	return (0);
}

/* Rows first of their name. */
static const char *
nth_name(const struct rule *r, size_t n, size_t *i)
{
	size_t	k;

	for (k = 0; k < n; k++) {
		if (k > 0 && strcmp(r[k].name, r[k - 1].name) == 0)
			continue;
		if (*i == 0)
			return (r[k].name);
		(*i)--;
	}
	return (NULL);
}

const char *
sandbox_name(enum sandbox_role role, size_t i)
{
	const struct rule	*own;
	const char		*name;
	size_t			 n;

	name = nth_name(common_rules, NITEMS(common_rules), &i);
	own = own_rules(role, &n);
	return (name == NULL && n > 0 ? nth_name(own, n, &i) : name);
}

size_t
sandbox_count(enum sandbox_role role)
{
	size_t	n = 0;

	while (sandbox_name(role, n) != NULL)
		n++;
	return (n);
}
