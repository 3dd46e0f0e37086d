/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * How a child gives up what it does not need, one function a step, and the
 * table of system calls each role keeps.  Not here: what must be opened or
 * warmed up before (proc.c, and each program's prepare()), and the reports
 * of the parent about a child that broke the rules (wampd/child.c).
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/seccomp.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <seccomp.h>

#include "log.h"
#include "sandbox.h"

/* Numbers of our own: Debian 12's headers are older than its kernels. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE			65
#endif
#ifndef PR_MDWE_REFUSE_EXEC_GAIN
#define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset	444
#define SYS_landlock_restrict_self	446
#endif
#define LANDLOCK_VERSION		1U	/* flag: tell the ABI */
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS			59
#endif

/* libseccomp's action for whatever no rule allows. */
#ifdef SANDBOX_TRAP
#define ACT_OTHER	SCMP_ACT_TRAP
#define ACT_BADARCH	SCMP_ACT_TRAP
#else
#define ACT_OTHER	SCMP_ACT_KILL_PROCESS
#define ACT_BADARCH	SCMP_ACT_KILL_PROCESS
#endif

/* LeakSanitizer opens /proc and starts a thread when the process ends. */
#ifdef WAMPD_SAN
#define IS_SAN	1
#else
#define IS_SAN	0
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
	CALL("shutdown"),
	CALL_IF("setsockopt", IS(1, SOL_SOCKET), IS(2, SO_LINGER)),
	CALL_IF("getsockopt", IS(1, SOL_SOCKET), IS(2, SO_ERROR)),
	CALL_IF("getsockopt", IS(1, SOL_SOCKET), IS(2, SO_PEERCRED)),
	CALL_IF("getsockopt", IS(1, SOL_SOCKET), IS(2, SO_PEERGROUPS)),
	CALL("getsockname"),
	CALL("getpeername"),
};

/* Libraries try these and carry on without: EACCES instead of death. */
static const char *const probes[] = {
	"open", "openat", "stat", "lstat", "fstat", "newfstatat", "statx"
};

/* The capabilities wampd(8) names, and who needs them. */
static const struct {
	int		 cap;
	const char	*name;
} parent_caps[] = {
	/* the parent itself: sockets with an owner, ports under 1024, ends
	 * of children */
	{ CAP_CHOWN,		"CAP_CHOWN" },
	{ CAP_FOWNER,		"CAP_FOWNER" },
	{ CAP_NET_BIND_SERVICE,	"CAP_NET_BIND_SERVICE" },
	{ CAP_KILL,		"CAP_KILL" },
	/*
	 * Its children, before they enter the sandbox.  These have to stay
	 * permitted in the parent, too: under no_new_privs, which a systemd
	 * unit sets, execve(2) gives a process of root no others.
	 */
	{ CAP_SETUID,		"CAP_SETUID" },
	{ CAP_SETGID,		"CAP_SETGID" },
	{ CAP_SETPCAP,		"CAP_SETPCAP" },
	{ CAP_SYS_CHROOT,	"CAP_SYS_CHROOT" },
	{ CAP_SYS_ADMIN,	"CAP_SYS_ADMIN" },
};

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

__attribute__((format(printf, 3, 4)))
static int
refuse(char *err, size_t errlen, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(err, errlen, fmt, ap);
	va_end(ap);
	return (-1);
}

/* errno's text, or who else can have refused what the kernel never does. */
static const char *
outer(int errnum)
{
	if (errnum == EPERM || errnum == EACCES || errnum == ENOSYS)
		return ("denied by an outer filter (systemd SystemCallFilter= "
		    "or a container profile)?");
	return (strerror(errnum));
}

static int
compare(const void *a, const void *b)
{
	return (memcmp(a, b, 1));
}

/* What libc looks up once, with system calls that are about to go. */
static void
warm_libc(void)
{
	unsigned char	many[4096];

	tzset();			/* /etc/localtime */
	memset(many, 0, sizeof(many));
	qsort(many, sizeof(many), 1, compare);	/* sysinfo(2) over 1 kB */
}

/*
 * Empty namespaces: no network to reach even if the filter failed.
 * Containers commonly refuse them; the rest does not depend on them.
 */
static int
leave_namespaces(const struct sandbox_conf *c, char *err, size_t errlen)
{
	static const struct {
		int		 flag;
		const char	*name;
	} ns[] = {
		{ CLONE_NEWNET, "network" },
		{ CLONE_NEWIPC, "ipc" },
		{ CLONE_NEWNS, "mount" },
		{ CLONE_NEWUTS, "uts" },
		{ CLONE_NEWCGROUP, "cgroup" },
	};
	char	names[64] = "";
	size_t	i;
	int	why = 0;

	(void)c;
	(void)err;
	(void)errlen;
	for (i = 0; i < NITEMS(ns); i++) {
		if (unshare(ns[i].flag) == 0)
			continue;
		why = errno;
		strcat(names, " ");
		strcat(names, ns[i].name);
	}
	if (why != 0)
		log_info("sandbox: no namespaces of its own:%s (%s)", names,
		    strerror(why));
	return (0);
}

/* The directory behind fd: root's, closed to others, and empty. */
static int
check_root(int fd, const char *root, char *err, size_t errlen)
{
	struct stat	 st;
	struct dirent	*de;
	DIR		*d;
	int		 empty = 1;

	if (fstat(fd, &st) == -1)
		return (refuse(err, errlen, "chroot %s: %s", root,
		    strerror(errno)));
	if (st.st_uid != 0)
		return (refuse(err, errlen, "chroot %s: owner is uid %u, "
		    "not root", root, (unsigned int)st.st_uid));
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return (refuse(err, errlen, "chroot %s: writable by others "
		    "than root (mode %04o)", root,
		    (unsigned int)st.st_mode & 07777));
	if ((fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return (refuse(err, errlen, "chroot %s: %s", root,
		    strerror(errno)));
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return (refuse(err, errlen, "chroot %s: %s", root,
		    strerror(errno)));
	}
	while ((de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			empty = 0;
	closedir(d);
	if (!empty)
		return (refuse(err, errlen, "chroot %s: directory is not "
		    "empty", root));
	return (0);
}

static int
change_root(const struct sandbox_conf *c, char *err, size_t errlen)
{
	int	fd, rc = -1;

	fd = open(c->root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return (refuse(err, errlen, "chroot %s: %s", c->root,
		    strerror(errno)));
	/* by descriptor: what was checked is what is entered */
	if (check_root(fd, c->root, err, errlen) == 0) {
		if (fchdir(fd) == -1 || chroot(".") == -1 || chdir("/") == -1)
			refuse(err, errlen, "chroot %s: %s%s", c->root,
			    strerror(errno), errno == EPERM ?
			    " (needs CAP_SYS_CHROOT)" : "");
		else
			rc = 0;
	}
	close(fd);
	return (rc);
}

/*
 * Reduce the bounding set to keep: 0, 1 if capabilities are left for want of
 * CAP_SETPCAP, or -1.
 */
static int
bound_caps(uint64_t keep)
{
	int	cap, has, left = 0;

	for (cap = 0; cap < 64; cap++) {
		has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (has == -1)
			return (errno == EINVAL ? left : -1);
		if (has == 0 || (keep >> cap & 1))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1) {
			if (errno != EPERM)
				return (-1);
			left = 1;
		}
	}
	return (left);
}

/* Permitted and effective reduced to keep, inheritable and ambient empty. */
static int
keep_caps(uint64_t keep)
{
	struct __user_cap_header_struct	h;
	struct __user_cap_data_struct	d[_LINUX_CAPABILITY_U32S_3];
	uint32_t			mask;
	int				i;

	h.version = _LINUX_CAPABILITY_VERSION_3;
	h.pid = 0;
	if (syscall(SYS_capget, &h, d) == -1)
		return (-1);
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		mask = (uint32_t)(keep >> (32 * i));
		d[i].permitted &= mask;
		d[i].effective &= mask;
		d[i].inheritable = 0;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		return (-1);
	return ((int)syscall(SYS_capset, &h, d));
}

/*
 * While still root.  The bounding set only matters to execve(2), which
 * no_new_privs and the filter close as well: a set that cannot be reduced
 * stops nothing.
 */
static int
empty_bounding(const struct sandbox_conf *c, char *err, size_t errlen)
{
	switch (bound_caps(0)) {
	case 0:
		return (0);
	case 1:
		if (c->is_root)
			log_info("sandbox: capability bounding set kept "
			    "(needs CAP_SETPCAP)");
		return (0);
	default:
		return (refuse(err, errlen, "capability bounding set: %s",
		    outer(errno)));
	}
}

static int
change_user(const struct sandbox_conf *c, char *err, size_t errlen)
{
	uid_t	r, e, s;
	gid_t	rg, eg, sg;

	if (c->uid == 0 || c->gid == 0)
		return (refuse(err, errlen, "user: uid %u, gid %u: must not "
		    "be root's", (unsigned int)c->uid, (unsigned int)c->gid));
	if (setgroups(0, NULL) == -1)
		return (refuse(err, errlen, "setgroups: %s (needs "
		    "CAP_SETGID)", strerror(errno)));
	if (setresgid(c->gid, c->gid, c->gid) == -1)
		return (refuse(err, errlen, "gid %u: %s (needs CAP_SETGID)",
		    (unsigned int)c->gid, strerror(errno)));
	if (setresuid(c->uid, c->uid, c->uid) == -1)
		return (refuse(err, errlen, "uid %u: %s (needs CAP_SETUID)",
		    (unsigned int)c->uid, strerror(errno)));
	if (getresuid(&r, &e, &s) == -1 || getresgid(&rg, &eg, &sg) == -1 ||
	    r != c->uid || e != c->uid || s != c->uid || rg != c->gid ||
	    eg != c->gid || sg != c->gid || getgroups(0, NULL) != 0)
		return (refuse(err, errlen, "uid %u: change of user had no "
		    "effect", (unsigned int)c->uid));
	return (0);
}

static int
drop_caps(const struct sandbox_conf *c, char *err, size_t errlen)
{
	(void)c;
	if (keep_caps(0) == -1)
		return (refuse(err, errlen, "capabilities: %s",
		    outer(errno)));
	return (0);
}

static int
check_user(const struct sandbox_conf *c, char *err, size_t errlen)
{
	(void)c;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 ||
	    setegid(0) == 0 || setgroups(0, NULL) == 0)
		return (refuse(err, errlen, "uid %u: change of user can be "
		    "undone", (unsigned int)c->uid));
	return (0);
}

static int
be_undumpable(const struct sandbox_conf *c, char *err, size_t errlen)
{
	(void)c;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return (refuse(err, errlen, "PR_SET_DUMPABLE: %s",
		    outer(errno)));
	return (0);
}

/* The end of fd 3 is the rule; this is for a child that does not read it. */
static int
die_with_parent(const struct sandbox_conf *c, char *err, size_t errlen)
{
	(void)c;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		return (refuse(err, errlen, "PR_SET_PDEATHSIG: %s",
		    outer(errno)));
	return (0);
}

static int
limit(int resource, const char *name, uint64_t max, char *err, size_t errlen)
{
	struct rlimit	r;

	r.rlim_cur = r.rlim_max = (rlim_t)max;
	if (setrlimit((__rlimit_resource_t)resource, &r) == -1)
		return (refuse(err, errlen, "%s %llu: %s%s", name,
		    (unsigned long long)max, strerror(errno),
		    errno == EPERM ? " (above the hard limit)" : ""));
	return (0);
}

static int
set_limits(const struct sandbox_conf *c, char *err, size_t errlen)
{
	if (limit(RLIMIT_CORE, "RLIMIT_CORE", 0, err, errlen) == -1 ||
	    limit(RLIMIT_FSIZE, "RLIMIT_FSIZE", 0, err, errlen) == -1)
		return (-1);
	if (c->nofile == 0)
		return (0);
	return (limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", c->nofile, err,
	    errlen));
}

/* Memory never becomes executable; kernels before 6.3 do not know it. */
static int
refuse_exec_gain(const struct sandbox_conf *c, char *err, size_t errlen)
{
	(void)c;
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		return (refuse(err, errlen, "PR_SET_MDWE: %s",
		    outer(errno)));
	return (0);
}

static int
refuse_new_privs(const struct sandbox_conf *c, char *err, size_t errlen)
{
	(void)c;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return (refuse(err, errlen, "PR_SET_NO_NEW_PRIVS: %s",
		    outer(errno)));
	return (0);
}

/* Landlock's rights, by the ABI that brought them. */
struct landlock_rights {
	uint64_t	fs, net, scoped;
};

static void
landlock_add(struct landlock_rights *all, long abi)
{
	static const struct {
		long			abi;
		struct landlock_rights	r;
	} known[] = {
		{ 1, { 0x1fff, 0, 0 } },	/* execute to make_sym */
		{ 2, { 1 << 13, 0, 0 } },	/* refer */
		{ 3, { 1 << 14, 0, 0 } },	/* truncate */
		{ 4, { 0, 3, 0 } },		/* TCP bind, connect */
		{ 5, { 1 << 15, 0, 0 } },	/* ioctl on devices */
		{ 6, { 0, 0, 3 } },		/* abstract sockets, signals */
		{ 9, { 1 << 16, 0, 0 } },	/* sockets by path name */
	};
	size_t	i;

	memset(all, 0, sizeof(*all));
	for (i = 0; i < NITEMS(known) && known[i].abi <= abi; i++) {
		all->fs |= known[i].r.fs;
		all->net |= known[i].r.net;
		all->scoped |= known[i].r.scoped;
	}
}

/* Every right handled, no rule: nothing is left of them. */
static int
enter_landlock(const struct sandbox_conf *c, char *err, size_t errlen)
{
	struct landlock_rights	r;
	long			abi;
	int			fd, rc, saved;

	(void)c;
	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	if (abi == -1 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
		log_info("sandbox: this kernel has no landlock");
		return (0);
	}
	if (abi == -1)
		return (refuse(err, errlen, "landlock: %s", outer(errno)));
	landlock_add(&r, abi);
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	if (fd == -1)
		return (refuse(err, errlen, "landlock: %s", outer(errno)));
	rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	saved = errno;
	close(fd);
	if (rc == -1)
		return (refuse(err, errlen, "landlock: %s", saved == E2BIG ?
		    "too many layers around wampd already" : outer(saved)));
	return (0);
}

/* The kernel does not apply it to root: the filter keeps fork away. */
static int
limit_processes(const struct sandbox_conf *c, char *err, size_t errlen)
{
	(void)c;
	return (limit(RLIMIT_NPROC, "RLIMIT_NPROC", 0, err, errlen));
}

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
add_rules(scmp_filter_ctx ctx, enum sandbox_role role)
{
	size_t	i;
	int	nr, rc;

	for (i = 0; i < NITEMS(common_rules); i++)
		if ((rc = add_rule(ctx, &common_rules[i])) != 0)
			return (rc);
	for (i = 0; role == SANDBOX_TLSPROXY && i < NITEMS(tlsproxy_rules);
	    i++)
		if ((rc = add_rule(ctx, &tlsproxy_rules[i])) != 0)
			return (rc);
	for (i = 0; i < NITEMS(probes); i++) {
		if ((nr = seccomp_syscall_resolve_name(probes[i])) < 0)
			continue;
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), nr, 0);
		if (rc != 0)
			return (rc);
	}
	return (0);
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
	    ACT_BADARCH)) == 0 &&
	    (rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1)) == 0 &&
	    (rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)) == 0 &&
	    (rc = add_rules(ctx, role)) == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return (rc);
}

static int
enter_filter(const struct sandbox_conf *c, char *err, size_t errlen)
{
	uint32_t	action = SECCOMP_RET_KILL_PROCESS;
	int		rc;

	/* asked here: libseccomp would hide who refuses */
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == -1)
		return (refuse(err, errlen, "seccomp: %s", errno ==
		    EOPNOTSUPP ? "kernel is older than 4.14" : outer(errno)));
#ifdef SANDBOX_TRAP
	catch_traps();
#endif
	if ((rc = load_filter(c->role)) != 0)
		return (refuse(err, errlen, "seccomp: %s", outer(-rc)));
	return (0);
}

#define STEP_ROOT	0x1	/* only if started as root */
#define STEP_MUST	0x2	/* even if relaxed */
#define STEP_NOSAN	0x4	/* sanitizers do not survive it */

static const struct step {
	int	 (*take)(const struct sandbox_conf *, char *, size_t);
	int	 flags;
} steps[] = {
	{ leave_namespaces,	STEP_ROOT },
	{ change_root,		STEP_ROOT | STEP_NOSAN },
	{ empty_bounding,	0 },
	{ change_user,		STEP_ROOT | STEP_MUST },
	{ drop_caps,		0 },
	{ check_user,		STEP_ROOT | STEP_MUST },
	{ be_undumpable,	0 },
	{ die_with_parent,	0 },
	{ set_limits,		0 },
	{ refuse_exec_gain,	0 },
	{ refuse_new_privs,	0 },
	{ enter_landlock,	STEP_NOSAN },
	{ limit_processes,	STEP_NOSAN },
	{ enter_filter,		STEP_NOSAN },
};

int
sandbox_enter(const struct sandbox_conf *c, char *err, size_t errlen)
{
	const struct step	*s;
	size_t			 i;

	if (!c->is_root && geteuid() == 0)
		return (refuse(err, errlen, "user: root, and nobody to "
		    "change to"));
	warm_libc();
	for (i = 0; i < NITEMS(steps); i++) {
		s = &steps[i];
		if (((s->flags & STEP_ROOT) && !c->is_root) ||
		    ((s->flags & STEP_NOSAN) && IS_SAN))
			continue;
		if (s->take(c, err, errlen) == 0)
			continue;
		if (c->strict || (s->flags & STEP_MUST))
			return (-1);
		log_warnx("sandbox relaxed: %s", err);
	}
	return (0);
}

int
sandbox_parent(char *err, size_t errlen)
{
	uint64_t	keep = 0;
	size_t		i;

	for (i = 0; i < NITEMS(parent_caps); i++)
		keep |= 1ULL << parent_caps[i].cap;
	switch (bound_caps(keep)) {
	case 0:
		break;
	case 1:
		log_info("sandbox: capability bounding set kept "
		    "(needs CAP_SETPCAP)");
		break;
	default:
		return (refuse(err, errlen, "capability bounding set: %s",
		    outer(errno)));
	}
	if (keep_caps(keep) == -1)
		return (refuse(err, errlen, "capabilities: %s",
		    outer(errno)));
	return (0);
}

const char *
sandbox_parent_cap(size_t i)
{
	return (i < NITEMS(parent_caps) ? parent_caps[i].name : NULL);
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
	const char	*name;

	name = nth_name(common_rules, NITEMS(common_rules), &i);
	if (name == NULL && role == SANDBOX_TLSPROXY)
		name = nth_name(tlsproxy_rules, NITEMS(tlsproxy_rules), &i);
	return (name);
}

size_t
sandbox_count(enum sandbox_role role)
{
	size_t	n = 0;

	while (sandbox_name(role, n) != NULL)
		n++;
	return (n);
}
