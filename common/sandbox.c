/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * How a child gives up what it does not need, one function a step, and what
 * the parent keeps.  Not here: the system calls each role keeps
 * (sandbox_filter.c), and what must be opened or warmed up before (proc.c,
 * and each program's prepare()).
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/capability.h>

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

/* LeakSanitizer opens /proc and starts a thread when the process ends. */
#ifdef WAMPD_SAN
#define IS_SAN	1
#else
#define IS_SAN	0
#endif

/* The capabilities wampd(8) names, and who needs them. */
static const struct {
	int		 cap;
	const char	*name;
} parent_caps[] = {
	/* the parent itself: sockets with an owner, ports under 1024, ends
	 * of children */
	{ CAP_CHOWN,		"CAP_CHOWN" },
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
	/* glibc 2.41 maps memory of its own for it */
	if (getrandom(many, 1, 0) == -1)
		return;
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
		strlcat(names, " ", sizeof(names));
		strlcat(names, ns[i].name, sizeof(names));
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

/* They inherit all that is per thread; only the filter comes after. */
static int
start_threads(const struct sandbox_conf *c, char *err, size_t errlen)
{
	return (c->threads != NULL ? c->threads(err, errlen) : 0);
}

/* The kernel does not apply it to root: the filter keeps fork away. */
static int
limit_processes(const struct sandbox_conf *c, char *err, size_t errlen)
{
	(void)c;
	return (limit(RLIMIT_NPROC, "RLIMIT_NPROC", 0, err, errlen));
}

static int
enter_filter(const struct sandbox_conf *c, char *err, size_t errlen)
{
	if (sandbox_filter(c->role) == -1)
		return (refuse(err, errlen, "seccomp: %s", errno ==
		    EOPNOTSUPP ? "kernel is older than 4.14" : outer(errno)));
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
	{ start_threads,	STEP_MUST },
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

uint64_t
sandbox_parent_mask(void)
{
	uint64_t	mask = 0;
	size_t		i;

	for (i = 0; i < NITEMS(parent_caps); i++)
		mask |= 1ULL << parent_caps[i].cap;
	return (mask);
}

int
sandbox_is_san(void)
{
	return (IS_SAN);
}

int
sandbox_parent(char *err, size_t errlen)
{
	uint64_t	keep = sandbox_parent_mask();

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
