/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * show sandbox: what the kernel says of each process that wampd named, with
 * all of its threads, beside what the configuration asks for.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wampctl.h"

#define MAXWEAK	16

/* The worst of all threads. */
struct status {
	unsigned int		 nthreads;
	unsigned long long	 uid, gid;	/* of the first one */
	int			 is_mixed;	/* not one user and group */
	unsigned int		 ngroups;
	unsigned long long	 caps;		/* in any set */
	int			 has_nnp, is_filtered;
};

static const char *const	namespaces[] = {
	"cgroup", "ipc", "mnt", "net", "uts"
};
#define NNAMESPACES	(sizeof(namespaces) / sizeof(namespaces[0]))

/* What is behind the name in a status file, or NULL. */
static const char *
field(const char *status, const char *name)
{
	const char	*p = status;
	size_t		 len = strlen(name);

	while (p != NULL && strncmp(p, name, len) != 0)
		if ((p = strchr(p, '\n')) != NULL)
			p++;
	return (p != NULL ? p + len : NULL);
}

static int
numbers(const char *p, unsigned long long n[4])
{
	return (p != NULL && sscanf(p, "%llu %llu %llu %llu", &n[0], &n[1],
	    &n[2], &n[3]) == 4 ? 0 : -1);
}

static unsigned int
count(const char *p)
{
	unsigned int	n = 0;

	for (; p != NULL && *p != '\0' && *p != '\n'; p++)
		if (*p >= '0' && *p <= '9' && (p[1] < '0' || p[1] > '9'))
			n++;
	return (n);
}

static int
add_thread(struct status *s, const char *text)
{
	static const char *const	sets[] = {
		"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"
	};
	unsigned long long		uid[4], gid[4];
	const char			*nnp, *filter, *p;
	unsigned int			n;
	size_t				i;

	nnp = field(text, "NoNewPrivs:");
	filter = field(text, "Seccomp:");
	if (numbers(field(text, "Uid:"), uid) == -1 ||
	    numbers(field(text, "Gid:"), gid) == -1 || nnp == NULL ||
	    filter == NULL)
		return (-1);
	if (s->nthreads++ == 0) {
		s->uid = uid[0];
		s->gid = gid[0];
		s->has_nnp = s->is_filtered = 1;
	}
	for (i = 0; i < 4; i++)
		s->is_mixed |= uid[i] != s->uid || gid[i] != s->gid;
	if ((n = count(field(text, "Groups:"))) > s->ngroups)
		s->ngroups = n;
	for (i = 0; i < 4; i++)
		if ((p = field(text, sets[i])) != NULL)
			s->caps |= strtoull(p, NULL, 16);
	s->has_nnp &= strtol(nnp, NULL, 10) == 1;
	s->is_filtered &= strtol(filter, NULL, 10) == 2;
	return (0);
}

/* 0, or -1: it is not there, or cannot be read. */
static int
read_status(uint64_t pid, struct status *s)
{
	char		 path[64], text[8192], name[64];
	struct dirent	*d;
	DIR		*dir;
	int		 rv = 0;

	memset(s, 0, sizeof(*s));
	snprintf(path, sizeof(path), "/proc/%llu/task",
	    (unsigned long long)pid);
	if ((dir = opendir(path)) == NULL)
		return (-1);
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] < '0' || d->d_name[0] > '9')
			continue;
		snprintf(name, sizeof(name), "task/%.20s/status", d->d_name);
		/* a thread may end meanwhile */
		if (proc_read(pid, name, text, sizeof(text)) == 0 &&
		    add_thread(s, text) == -1)
			rv = -1;
	}
	closedir(dir);
	return (s->nthreads > 0 ? rv : -1);
}

/* The link /proc/PID/name: -1 where we may not look. */
static int
read_link(uint64_t pid, const char *name, char *buf, size_t size)
{
	char	path[64];
	ssize_t	n;

	snprintf(path, sizeof(path), "/proc/%llu/%s",
	    (unsigned long long)pid, name);
	n = readlink(path, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	return (n > 0 ? 0 : -1);
}

static void
put_str(struct enc *e, const char *key, const char *s)
{
	enc_str(e, key, strlen(key));
	if (s == NULL)
		enc_nil(e);
	else
		enc_str(e, s, strlen(s));
}

/* Those that are its own, by the parent's; null: we may not look. */
static void
put_namespaces(struct enc *e, uint64_t pid, uint64_t parent)
{
	char	name[32], its[128], others[128];
	size_t	i, n = 0;
	int	is_own[NNAMESPACES];

	ENC_KEY(e, "namespaces");
	for (i = 0; i < NNAMESPACES; i++) {
		snprintf(name, sizeof(name), "ns/%s", namespaces[i]);
		if (read_link(pid, name, its, sizeof(its)) == -1 ||
		    read_link(parent, name, others, sizeof(others)) == -1) {
			enc_nil(e);
			return;
		}
		n += (size_t)(is_own[i] = strcmp(its, others) != 0);
	}
	enc_array(e, (uint32_t)n);
	for (i = 0; i < NNAMESPACES; i++)
		if (is_own[i])
			enc_str(e, namespaces[i], strlen(namespaces[i]));
	enc_end(e);
}

/*
 * Is that its root directory?  Of one in another mount namespace the link may
 * name it in another way than we do.
 */
static int
has_root(uint64_t pid, const char *root, const char *wanted)
{
	struct stat	is, should;
	char		path[64];

	if (strcmp(root, wanted) == 0)
		return (1);
	snprintf(path, sizeof(path), "/proc/%llu/root/.",
	    (unsigned long long)pid);
	return (stat(path, &is) == 0 && stat(wanted, &should) == 0 &&
	    is.st_dev == should.st_dev && is.st_ino == should.st_ino);
}

/* Where it falls short of what the row wants; returns how often. */
static size_t
compare(const struct val *row, uint64_t pid, const struct status *s,
    const char *root, const char *weak[MAXWEAK])
{
	char		 role[32], sandbox[32], wanted[PATH_MAX], caps[32];
	struct val	 san, by_root;
	uint64_t	 uid, gid;
	size_t		 n = 0;
	int		 is_child, is_san;

	if (row_text(row, "role", role, sizeof(role)) == -1 ||
	    row_text(row, "sandbox", sandbox, sizeof(sandbox)) == -1 ||
	    row_text(row, "wanted_root", wanted, sizeof(wanted)) == -1 ||
	    row_uint(row, "wanted_uid", &uid) == -1 ||
	    row_uint(row, "wanted_gid", &gid) == -1 ||
	    row_text(row, "wanted_capabilities", caps, sizeof(caps)) == -1 ||
	    row_get(row, "sanitizers", &san) == -1 ||
	    row_get(row, "started_by_root", &by_root) == -1) {
		weak[n++] = "wanted";
		return (n);
	}
	is_child = strcmp(role, "parent") != 0;
	is_san = san.type == VAL_BOOL && san.u.b;
	if (s->is_mixed || s->uid != uid || s->gid != gid)
		weak[n++] = "user";
	/* what relaxes this is the configuration */
	if (strcmp(sandbox, "strict") != 0)
		return (n);
	if ((s->caps & ~strtoull(caps, NULL, 16)) != 0)
		weak[n++] = "capabilities";
	if (!is_child)
		return (n);
	if (by_root.type == VAL_BOOL && by_root.u.b && s->ngroups > 0)
		weak[n++] = "groups";
	if (!s->has_nnp)
		weak[n++] = "no_new_privs";
	if (is_san)
		return (n);
	if (!s->is_filtered)
		weak[n++] = "seccomp";
	if (root[0] != '\0' && !has_root(pid, root, wanted))
		weak[n++] = "root";
	return (n);
}

/* The row of a process that could not be looked at. */
static void
put_unknown(struct enc *e)
{
	static const char *const	keys[] = {
		"user", "groups", "root", "namespaces", "seccomp",
		"no_new_privs", "capabilities", "threads", "landlock"
	};
	size_t				i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put_str(e, keys[i], NULL);
}

static void
put_known(struct enc *e, uint64_t pid, uint64_t parent, const struct status *s,
    const char *root)
{
	const struct passwd	*pw = getpwuid((uid_t)s->uid);
	char			 text[32];

	snprintf(text, sizeof(text), "%llu", s->uid);
	put_str(e, "user", pw != NULL ? pw->pw_name : text);
	ENC_KEY(e, "groups");
	enc_uint(e, s->ngroups);
	put_str(e, "root", root[0] != '\0' ? root : NULL);
	put_namespaces(e, pid, parent);
	put_str(e, "seccomp", s->is_filtered ? "filter" : "none");
	ENC_KEY(e, "no_new_privs");
	enc_bool(e, s->has_nnp);
	snprintf(text, sizeof(text), "%016llx", s->caps);
	put_str(e, "capabilities", text);
	ENC_KEY(e, "threads");
	enc_uint(e, s->nthreads);
	/* there is no file that says */
	put_str(e, "landlock", NULL);
}

/*
 * A row of "show sandbox" with what the kernel says.  -1: it is weaker than
 * the configuration wants, which is said.
 */
int
sandbox_row(const struct val *row, struct wbuf *w)
{
	static uint64_t	 parent;
	struct status	 s;
	struct enc	 e;
	const char	*weak[MAXWEAK];
	char		 root[PATH_MAX] = "", name[64];
	uint64_t	 pid;
	size_t		 i, n = 0;

	row_extend(&e, w, row, 10);
	if (row_uint(row, "pid", &pid) == -1)
		pid = 0;
	if (parent == 0)
		parent = pid;	/* it comes first */
	if (row_text(row, "process", name, sizeof(name)) == -1)
		name[0] = '\0';
	if (pid == 0 || read_status(pid, &s) == -1) {
		/* of one that is not there nothing is asked */
		if (pid != 0)
			weak[n++] = "unknown";
		put_unknown(&e);
	} else {
		(void)read_link(pid, "root", root, sizeof(root));
		n = compare(row, pid, &s, root, weak);
		put_known(&e, pid, parent, &s, root);
	}
	ENC_KEY(&e, "weaker");
	enc_array(&e, (uint32_t)n);
	for (i = 0; i < n; i++) {
		enc_str(&e, weak[i], strlen(weak[i]));
		fprintf(stderr, "wampctl: ");
		print_clean(name, strlen(name), stderr);
		fprintf(stderr, ": weaker than configured: %s\n", weak[i]);
	}
	enc_end(&e);
	enc_end(&e);
	return (n > 0 ? -1 : 0);
}
