/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Children that enter the sandbox, for sandbox_test.c and
 * sandbox_calls_test.c.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <linux/capability.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_child.h"

struct fixture		 fix;
const char *const	 child_role_names[] = {
	"keeper", "tlsproxy", "broker", "metrics"
};

void
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
		fix.nfailed++;
}

const char *
child_how(const struct child *c)
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

int
child_exited(const struct child *c, int status)
{
	return (WIFEXITED(c->status) && WEXITSTATUS(c->status) == status);
}

int
child_violated(const struct child *c)
{
#ifdef SANDBOX_TRAP
	return (child_exited(c, 1) && strstr(c->text, "blocked system call"));
#else
	return (WIFSIGNALED(c->status) && WTERMSIG(c->status) == SIGSYS);
#endif
}

void
child_drop_to(uint64_t keep)
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
outer_filter(int errnum, const char *name)
{
	scmp_filter_ctx	ctx;

	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL ||
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(errnum),
	    seccomp_syscall_resolve_name(name), 0) != 0 ||
	    seccomp_load(ctx) != 0)
		errx(1, "outer filter");
	seccomp_release(ctx);
}

static void
become_user(int mode)
{
	struct __user_cap_header_struct	h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct	d[2];

	if (((mode & AMBIENT) && prctl(PR_SET_KEEPCAPS, 1) == -1) ||
	    setgroups(0, NULL) == -1 ||
	    setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
	    setresuid(NOBODY, NOBODY, NOBODY) == -1)
		err(1, "nobody");
	/* as after an execve(2) of the user's */
	if (prctl(PR_SET_DUMPABLE, 1) == -1)
		err(1, "PR_SET_DUMPABLE");
	if (!(mode & AMBIENT))
		return;
	memset(d, 0, sizeof(d));
	d[0].permitted = d[0].effective = d[0].inheritable =
	    1U << CAP_NET_BIND_SERVICE;
	if (syscall(SYS_capset, &h, d) == -1 || prctl(PR_CAP_AMBIENT,
	    PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) == -1)
		err(1, "ambient capability");
}

void
child_enter(enum sandbox_role role, int mode)
{
	struct sandbox_conf	c;
	char			text[256];

	if (mode & NO_ADMIN)
		child_drop_to(~(1ULL << CAP_SYS_ADMIN));
	if (mode & FEW_CAPS)
		child_drop_to(1ULL << CAP_SETUID | 1ULL << CAP_SETGID |
		    1ULL << CAP_SYS_CHROOT);
	if (!(mode & AS_ROOT) && fix.is_root)
		become_user(mode);
	if (mode & NO_SECCOMP)
		outer_filter(EPERM, "seccomp");
	if (mode & NO_LANDLOCK)
		outer_filter(ENOSYS, "landlock_create_ruleset");
	if (mode & EPERM_LANDLOCK)
		outer_filter(EPERM, "landlock_create_ruleset");
	memset(&c, 0, sizeof(c));
	c.role = role;
	c.strict = !(mode & RELAXED);
	c.is_root = (mode & AS_ROOT) != 0;
	c.uid = fix.enter_uid;
	c.gid = NOBODY;
	c.root = mode & OTHER_DIR ? fix.otherdir : fix.emptydir;
	c.nofile = fix.nofile;
	if (sandbox_enter(&c, text, sizeof(text)) == -1) {
		log_warnx("enter: %s", text);
		_exit(FAILED_ENTER);
	}
}

static void
child_fds(struct child *c, int parent, int echo, int other, int log)
{
	int	from[] = { parent, echo, other, fix.tcp_fd, fix.unix_fd };
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

int
child_start(struct child *c)
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

void
child_finish(struct child *c)
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

int
child_wait_ready(const struct child *c)
{
	char	b;

	return (read(c->echo, &b, 1) == 1);
}

void
child_say_ready(void)
{
	if (write(FD_ECHO, "r", 1) != 1)
		_exit(1);
}

void
child_run(struct child *c, enum sandbox_role role, int mode, int (*f)(void))
{
	if (child_start(c) == 0) {
		child_enter(role, mode);
		_exit(f != NULL ? f() : 0);
	}
	child_finish(c);
}

const char *
child_where(enum sandbox_role role, int mode)
{
	static char	buf[64];

	snprintf(buf, sizeof(buf), "%s, %s", child_role_names[role],
	    mode & AS_ROOT ? "root" : "user");
	return (buf);
}

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
	socklen_t	len = sizeof(fix.tcp_addr);

	fix.tcp_addr.sin_family = AF_INET;
	fix.tcp_addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fix.tcp_fd = listen_on(&fix.tcp_addr, sizeof(fix.tcp_addr));
	if (getsockname(fix.tcp_fd, (struct sockaddr *)&fix.tcp_addr, &len) ==
	    -1)
		err(1, "getsockname");
	fix.unix_addr.sun_family = AF_UNIX;
	/* short: a path of a socket has 107 octets */
	snprintf(fix.unix_addr.sun_path, sizeof(fix.unix_addr.sun_path),
	    "/tmp/wampd-sandbox.%d", (int)getpid());
	unlink(fix.unix_addr.sun_path);
	fix.unix_fd = listen_on(&fix.unix_addr, sizeof(fix.unix_addr));
	fix.abstract_addr.sun_family = AF_UNIX;
	snprintf(fix.abstract_addr.sun_path + 1, 60, "wampd-sandbox.%d",
	    (int)getpid());
	fix.abstract_fd = listen_on(&fix.abstract_addr,
	    sizeof(fix.abstract_addr));
}

const char *
fixture_path(const char *name)
{
	static char	path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", fix.dir, name) >=
	    (int)sizeof(path))
		errx(1, "%s: too long", name);
	return (path);
}

static void
make_dirs(void)
{
	const char	*tmp = getenv("TEST_TMP");
	int		 fd;

	snprintf(fix.dir, sizeof(fix.dir), "%.4000s/sandbox.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(fix.dir) == NULL || chmod(fix.dir, 0755) == -1)
		err(1, "%s", fix.dir);
	snprintf(fix.emptydir, sizeof(fix.emptydir), "%s",
	    fixture_path("empty"));
	if (mkdir(fix.emptydir, 0555) == -1)
		err(1, "%s", fix.emptydir);
	snprintf(fix.file, sizeof(fix.file), "%s", fixture_path("file"));
	if ((fd = open(fix.file, O_WRONLY | O_CREAT | O_EXCL, 0666)) == -1 ||
	    fchmod(fd, 0666) == -1)
		err(1, "%s", fix.file);
	close(fd);
}

void
fixture_close(void)
{
	unlink(fix.unix_addr.sun_path);
	unlink(fix.file);
	rmdir(fix.emptydir);
	rmdir(fix.dir);
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

void
fixture_open(void)
{
	fix.nofile = NOFILE;
	fix.enter_uid = NOBODY;
	fix.is_root = geteuid() == 0;
	fix.has_namespaces = fix.is_root && can_unshare();
	make_dirs();
	open_listeners();
	if (!fix.is_root)
		printf("skip - as started by root: not root\n");
	else if (!fix.has_namespaces)
		printf("skip - namespaces: not permitted here\n");
}
