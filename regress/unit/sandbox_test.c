/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Children enter the real sandbox, as started by root and as started by a
 * user: what must work does, the kernel reports what was asked for, and what
 * cannot be set up is told in one line.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/capability.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_child.h"

#ifdef WAMPD_SAN
#define IS_SAN	1
#else
#define IS_SAN	0
#endif

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

	if (child_start(&c) == 0) {
		child_enter(role, mode);
		_exit(do_work());
	}
	if (read(c.echo, buf, 4) == 4 && write(c.echo, buf, 4) == 4 &&
	    read(c.echo, buf, 2) == 2 && write(c.echo, buf, 2) == 2 &&
	    write(c.parent, "m", 1) == 1) {
		/* wait for its log line, or its end */
	}
	child_finish(&c);
	result(child_exited(&c, 0) && strstr(c.text, "<4>the log works"),
	    "what must work: %s", child_where(role, mode));
	if (!child_exited(&c, 0))
		printf("# %s\n", child_how(&c));
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

	if (child_start(&c) == 0) {
		base = event_base_new();
		ev = evsignal_new(base, SIGTERM, on_signal, NULL);
		event_add(ev, NULL);
		child_enter(SANDBOX_TLSPROXY, fix.is_root);
		event_add(event_new(base, FD_ECHO, EV_READ | EV_PERSIST,
		    on_readable, NULL), NULL);
		event_base_once(base, -1, EV_TIMEOUT, on_signal, NULL, &tv);
		event_base_dispatch(base);	/* the timer */
		child_say_ready();
		event_base_dispatch(base);	/* the signal */
		_exit(0);
	}
	if (child_wait_ready(&c) && write(c.echo, "x", 1) == 1 &&
	    read(c.echo, &b, 1) == 1 && b == 'e')
		kill(c.pid, SIGTERM);
	child_finish(&c);
	result(child_exited(&c, 0), "libevent: timer, event, signal");
	if (!child_exited(&c, 0))
		printf("# %s\n", child_how(&c));
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

	child_say_ready();
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
	struct timeval		 tv = { 10, 0 };
	char			 buf[8];
	int			 fd, ok;

	/* the child may die, its listener does not */
	if ((fd = socket(sa->sa_family, SOCK_STREAM, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1)
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

	if (child_start(&c) == 0) {
		child_enter(SANDBOX_TLSPROXY, mode);
		_exit(do_serve());
	}
	if (child_wait_ready(&c))
		ok = says_hello(&fix.tcp_addr, sizeof(fix.tcp_addr)) &&
		    says_hello(&fix.unix_addr, sizeof(fix.unix_addr)) &&
		    read(c.echo, &uid, sizeof(uid)) == sizeof(uid);
	child_finish(&c);
	result(ok && child_exited(&c, 0) && uid == getuid(),
	    "inherited listeners serve: %s",
	    child_where(SANDBOX_TLSPROXY, mode));
	if (!child_exited(&c, 0))
		printf("# %s\n", child_how(&c));
}

#ifdef WAMPD_SAN
/* LeakSanitizer runs at the end, inside. */
static void
test_leaks(int mode)
{
	struct child	 c;
	void		*volatile p;

	if (child_start(&c) == 0) {
		child_enter(SANDBOX_BROKER, mode);
		exit(0);
	}
	child_finish(&c);
	result(child_exited(&c, 0), "no leaks: %s",
	    child_where(SANDBOX_BROKER, mode));
	if (!child_exited(&c, 0))
		printf("# %s\n", child_how(&c));
	if (child_start(&c) == 0) {
		child_enter(SANDBOX_BROKER, mode);
		p = malloc(1000);
		memset(p, 0, 1000);
		p = NULL;
		exit(0);
	}
	child_finish(&c);
	result(strstr(c.text, "detected memory leaks") != NULL,
	    "a leak is found: %s", child_where(SANDBOX_BROKER, mode));
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

/* poll(2) goes on after SIGSTOP and SIGCONT by restart_syscall(2). */
static void
test_stop(void)
{
	struct pollfd	pfd = { FD_PARENT, POLLIN, 0 };
	struct child	c;
	int		status, tries = 10000;

	if (child_start(&c) == 0) {
		child_enter(SANDBOX_TLSPROXY, 0);
		child_say_ready();
		_exit(poll(&pfd, 1, 20000) == 1 ? 0 : 1);
	}
	if (child_wait_ready(&c)) {
		/* it sleeps nowhere else */
		while (*proc_field(c.pid, "status", "State:") != 'S' &&
		    tries-- > 0)
			usleep(1000);
		kill(c.pid, SIGSTOP);
		if (waitpid(c.pid, &status, WUNTRACED) == -1 ||
		    !WIFSTOPPED(status))
			errx(1, "child did not stop");
		kill(c.pid, SIGCONT);
		if (write(c.parent, "x", 1) != 1)
			err(1, "write");
	}
	child_finish(&c);
	result(child_exited(&c, 0), "poll survives SIGSTOP and SIGCONT");
	if (!child_exited(&c, 0))
		printf("# %s\n", child_how(&c));
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

	uid = fix.is_root ? NOBODY : getuid();
	gid = fix.is_root ? NOBODY : getgid();
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
	int	want = (mode & AS_ROOT) && fix.has_namespaces &&
		    !(mode & (NO_ADMIN | FEW_CAPS));

	if (!fix.is_root)
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

	if (child_start(&c) == 0) {
		child_enter(role, mode);
		child_say_ready();
		_exit(read(FD_ECHO, &ok, 1) == 1 ? 0 : 1);
	}
	if (child_wait_ready(&c)) {
		ok = check_ids(c.pid, mode) && check_caps(c.pid, mode) &&
		    check_rest(c.pid);
		if (ok && !check_namespaces(c.pid, mode)) {
			printf("# namespaces\n");
			ok = 0;
		}
		if (write(c.echo, "x", 1) != 1)
			err(1, "write");
	}
	child_finish(&c);
	result(ok && child_exited(&c, 0), "the kernel's report%s: %s", name,
	    child_where(role, mode));
	if (!child_exited(&c, 0))
		printf("# %s\n", child_how(&c));
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

	for (role = SANDBOX_KEEPER; role <= SANDBOX_METRICS; role++)
		for (mode = 0; mode <= fix.is_root; mode++)
			test_report("", (enum sandbox_role)role, mode);
	if (!fix.is_root)
		return;
	test_report(" of a user with capabilities", SANDBOX_TLSPROXY, AMBIENT);
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

	child_run(&c, SANDBOX_BROKER, mode, NULL);
	result(child_exited(&c, FAILED_ENTER) && strstr(c.text, want) != NULL &&
	    strchr(strstr(c.text, "enter: "), '\n') == NULL,
	    "refused: %s", want);
	if (!child_exited(&c, FAILED_ENTER) || strstr(c.text, want) == NULL)
		printf("# %s\n", child_how(&c));
}

#ifndef WAMPD_SAN
static void
test_bad_roots(void)
{
	struct child	c;

	fix.otherdir = fix.dir;		/* holds fix.emptydir */
	expect_refusal(AS_ROOT | OTHER_DIR, "directory is not empty");
	child_run(&c, SANDBOX_BROKER, AS_ROOT | OTHER_DIR | RELAXED, NULL);
	result(child_exited(&c, 0) && strstr(c.text,
	    "<4>sandbox relaxed: chroot"),
	    "relaxed: a chroot that fails is a warning");
	fix.otherdir = fixture_path("none");
	expect_refusal(AS_ROOT | OTHER_DIR, "No such file or directory");
	fix.otherdir = fixture_path("link");
	if (symlink(fix.emptydir, fix.otherdir) == -1)
		err(1, "%s", fix.otherdir);
	expect_refusal(AS_ROOT | OTHER_DIR, "chroot ");
	unlink(fix.otherdir);
	fix.otherdir = fixture_path("other");
	if (mkdir(fix.otherdir, 0755) == -1 || chmod(fix.otherdir, 0775) == -1)
		err(1, "%s", fix.otherdir);
	expect_refusal(AS_ROOT | OTHER_DIR,
	    "writable by others than root (mode 0775)");
	if (chmod(fix.otherdir, 0555) == -1 ||
	    chown(fix.otherdir, NOBODY, 0) == -1)
		err(1, "%s", fix.otherdir);
	expect_refusal(AS_ROOT | OTHER_DIR, "owner is uid 65534, not root");
	rmdir(fix.otherdir);
}
#endif

static void
expect_refusal_caps(uint64_t keep, const char *want)
{
	struct child	c;

	if (child_start(&c) == 0) {
		child_drop_to(keep);
		child_enter(SANDBOX_BROKER, AS_ROOT | RELAXED);
		_exit(0);
	}
	child_finish(&c);
	result(child_exited(&c, FAILED_ENTER) && strstr(c.text, want),
	    "refused even if relaxed: %s", want);
	if (!child_exited(&c, FAILED_ENTER))
		printf("# %s\n", child_how(&c));
}

static void
test_refusals(void)
{
	struct child	c;
	struct rlimit	r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		err(1, "getrlimit");
	fix.nofile = r.rlim_max + 1;
	expect_refusal(fix.is_root ? AS_ROOT : 0, "above the hard limit");
	fix.nofile = NOFILE;
#ifndef WAMPD_SAN
	expect_refusal(NO_SECCOMP, "seccomp: denied by an outer filter "
	    "(systemd SystemCallFilter= or a container profile)?");
	expect_refusal(EPERM_LANDLOCK, "landlock: denied by an outer filter "
	    "(systemd SystemCallFilter= or a container profile)?");
	child_run(&c, SANDBOX_BROKER, NO_LANDLOCK, NULL);
	result(child_exited(&c, 0) && strstr(c.text, "no landlock"),
	    "a kernel without landlock is no obstacle");
#endif
	if (!fix.is_root)
		return;
#ifndef WAMPD_SAN
	test_bad_roots();
#endif
	fix.enter_uid = 0;
	expect_refusal(AS_ROOT, "must not be root's");
	fix.enter_uid = NOBODY;
	expect_refusal_caps(~(1ULL << CAP_SETGID), "needs CAP_SETGID");
	expect_refusal_caps(~(1ULL << CAP_SETUID), "needs CAP_SETUID");
	if (child_start(&c) == 0) {
		struct sandbox_conf	conf;
		char			text[256];

		memset(&conf, 0, sizeof(conf));
		conf.strict = 1;
		if (sandbox_enter(&conf, text, sizeof(text)) == 0)
			_exit(0);
		log_warnx("enter: %s", text);
		_exit(FAILED_ENTER);
	}
	child_finish(&c);
	result(child_exited(&c, FAILED_ENTER), "refused: %s", c.text);
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
	if (child_start(&c) == 0) {
		if ((pid = fork()) == 0) {
			alarm(30);
			pid = getpid();
			if (write(FD_ECHO, &pid, sizeof(pid)) != sizeof(pid))
				_exit(1);
			child_enter(SANDBOX_BROKER, fix.is_root);
			child_say_ready();
			for (;;)
				poll(NULL, 0, 1000);
		}
		_exit(read(FD_PARENT, &pid, 1) == 1 ? 0 : 1);
	}
	ok = read(c.echo, &grandchild, sizeof(grandchild)) ==
	    sizeof(grandchild) && child_wait_ready(&c) &&
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
	execl(self, "sandbox", "enter", fix.emptydir, (char *)NULL);
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
	if (child_start(&c) == 0)
		_exit(do_parent(self, had, nnp));
	child_finish(&c);
	result(child_exited(&c, 0), "the parent's capabilities are enough for "
	    "its children%s", nnp ? " under no_new_privs" : "");
	if (!child_exited(&c, 0))
		printf("# %s\n", child_how(&c));
	if (nnp)
		return;
	if (child_start(&c) == 0) {
		child_drop_to(1ULL << CAP_SETUID | 1ULL << CAP_SYS_CHROOT |
		    1ULL << CAP_SYS_RESOURCE);
		_exit(sandbox_parent(self, sizeof(self)) == 0 &&
		    field_is(getpid(), "status", "CapEff:",
		    "0000000000040080") ? 0 : 1);
	}
	child_finish(&c);
	result(child_exited(&c, 0), "a parent that never had them all");
	if (!child_exited(&c, 0))
		printf("# %s\n", child_how(&c));
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

int
main(int argc, char **argv)
{
	int	mode, role;

	if (argc == 3 && strcmp(argv[1], "enter") == 0)
		_exit(enter_again(argv[2]));
	signal(SIGPIPE, SIG_IGN);
	fixture_open();
	for (role = SANDBOX_KEEPER; role <= SANDBOX_METRICS; role++)
		for (mode = 0; mode <= fix.is_root; mode++)
			test_work((enum sandbox_role)role, mode);
	for (mode = 0; mode <= fix.is_root; mode++)
		test_serve(mode);
	test_libevent();
	test_stop();
	test_reports();
	test_refusals();
	test_parent_death();
	if (fix.is_root) {
		test_parent(0);
		test_parent(1);
	}
#ifdef WAMPD_SAN
	for (mode = 0; mode <= fix.is_root; mode++)
		test_leaks(mode);
#endif
	fixture_close();
	return (fix.nfailed != 0);
}
