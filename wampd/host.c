/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What wampd needs from the machine before it starts: its users, its
 * directories, descriptors enough.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wampd.h"

/*
 * Whom each child that conf asks for becomes, if that is not known yet: 0, or
 * -1 and a line for each that is missing.
 */
int
host_users(struct wampd *w, const struct conf *conf)
{
	static const char *const names[PROC_ROLES] = {
	    [PROC_KEEPER] = "_wampkeeper",
	    [PROC_TLSPROXY] = "_wampd",
	    [PROC_BROKER] = "_wampbroker",
	    [PROC_METRICS] = "_wampmetrics"
	};
	struct passwd	*pw;
	unsigned int	 i;
	int		 rv = 0;

	for (i = 0; i < PROC_ROLES; i++) {
		if (w->users[i].is_known ||
		    (i == PROC_METRICS && TAILQ_EMPTY(&conf->metrics)))
			continue;
		w->users[i].uid = getuid();
		w->users[i].gid = getgid();
		if (!w->is_root || names[i] == NULL) {
			w->users[i].is_known = 1;
			continue;
		}
		if ((pw = getpwnam(names[i])) == NULL) {
			log_warnx("user %s does not exist (create it with: "
			    "useradd -r -M -d %s -s /usr/sbin/nologin %s)",
			    names[i], EMPTYDIR, names[i]);
			rv = -1;
			continue;
		}
		if (pw->pw_uid == 0) {
			log_warnx("user %s is root", names[i]);
			rv = -1;
		}
		w->users[i].uid = pw->pw_uid;
		w->users[i].gid = pw->pw_gid;
		w->users[i].is_known = pw->pw_uid != 0;
	}
	return (rv);
}

/* mkdir -p, each for everybody to enter and nobody else to write. */
static int
make_dirs(const char *path)
{
	char	part[PATH_MAX], *p;
	mode_t	mask;
	int	rv = 0;

	if (strlcpy(part, path, sizeof(part)) >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	mask = umask(022);
	for (p = part + 1; rv == 0; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		if (*p == '\0') {
			rv = mkdir(part, 0755);
			break;
		}
		*p = '\0';
		if (mkdir(part, 0755) == -1 && errno != EEXIST)
			rv = -1;
		*p = '/';
	}
	umask(mask);
	if (rv == -1 && errno == EEXIST)
		rv = 0;
	return (rv);
}

static int
is_empty(const char *path)
{
	struct dirent	*d;
	DIR		*dir;
	int		 n = 0;

	if ((dir = opendir(path)) == NULL)
		return (0);
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			n++;
	closedir(dir);
	return (n == 0);
}

/* The root directory of the children: ours, and with nothing in it. */
int
host_emptydir(void)
{
	struct stat	st;

	if (lstat(EMPTYDIR, &st) == -1 && errno == ENOENT) {
		if (make_dirs(EMPTYDIR) == -1) {
			log_warn("directory %s: cannot be made", EMPTYDIR);
			return (-1);
		}
		log_info("directory %s made", EMPTYDIR);
	}
	if (lstat(EMPTYDIR, &st) == -1) {
		log_warn("directory %s", EMPTYDIR);
		return (-1);
	}
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		log_warnx("directory %s: must be a directory of root's that "
		    "nobody else can write to", EMPTYDIR);
		return (-1);
	}
	if (!is_empty(EMPTYDIR)) {
		log_warnx("directory %s: must be empty", EMPTYDIR);
		return (-1);
	}
	return (0);
}

/* Is it in the usual directory of Unix sockets? */
static int
is_in_rundir(const char *path)
{
	static const char	 dir[] = RUNDIR "/wampd";
	const char		*slash;

	return (path != NULL && (slash = strrchr(path, '/')) != NULL &&
	    (size_t)(slash - path) == sizeof(dir) - 1 &&
	    strncmp(path, dir, sizeof(dir) - 1) == 0);
}

int
host_makes_dir(const char *path)
{
	struct stat	st;

	return (is_in_rundir(path) && lstat(RUNDIR "/wampd", &st) == -1 &&
	    errno == ENOENT && access(RUNDIR, W_OK) == 0);
}

/*
 * The usual directory of Unix sockets is made if it is wanted, or if root
 * can have the usual control socket there.
 */
int
host_rundir(const struct conf *conf)
{
	static const char	 dir[] = RUNDIR "/wampd";
	struct conf_listen	*l;
	struct stat		 st;
	int			 is_wanted, may_lack;

	may_lack = !conf->control.is_given;
	is_wanted = is_in_rundir(conf->control.path);
	TAILQ_FOREACH(l, &conf->listens, entry)
		if (is_in_rundir(l->path)) {
			is_wanted = 1;
			may_lack = 0;
		}
	TAILQ_FOREACH(l, &conf->metrics, entry)
		if (is_in_rundir(l->path)) {
			is_wanted = 1;
			may_lack = 0;
		}
	if (!is_wanted || lstat(dir, &st) == 0 || errno != ENOENT)
		return (0);
	if (mkdir(dir, 0755) == -1 || chmod(dir, 0755) == -1) {
		if (may_lack)
			return (0);
		log_warn("directory %s: cannot be made", dir);
		return (-1);
	}
	log_info("directory %s made", dir);
	return (0);
}

/* As many descriptors as we may have; children inherit it. */
void
host_nofile(struct wampd *w)
{
	struct rlimit	rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("getrlimit");
	if (rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
			getrlimit(RLIMIT_NOFILE, &rl);
	}
	w->nofile = (uint64_t)rl.rlim_cur;
}

/*
 * The tlsproxies cannot hold more clients than they may have descriptors.
 * Who asked for more is warned, once.
 */
static void
clamp_connections(struct wampd *w, struct conf *conf)
{
	struct conf_listen	*l;
	uint64_t		 most;
	int			 has_net = 0, has_unix = 0;

	TAILQ_FOREACH(l, &conf->listens, entry) {
		if (l->path != NULL)
			has_unix = 1;
		else
			has_net = 1;
	}
	most = (uint64_t)conf_most_clients(conf, w->nofile) *
	    (has_net * conf->prefork + (uint32_t)has_unix);
	if (conf->limits.connections <= most || most == 0)
		return;
	if (!conf->says_connections)
		log_info("at most %llu connections: a process may have %llu "
		    "descriptors (ulimit -n)", (unsigned long long)most,
		    (unsigned long long)w->nofile);
	else if (!w->nofile_warned) {
		log_warnx("limit of connections lowered from %u to %llu: "
		    "a process may have %llu descriptors (ulimit -n)",
		    conf->limits.connections, (unsigned long long)most,
		    (unsigned long long)w->nofile);
		w->nofile_warned = 1;
	}
	conf->limits.connections = (uint32_t)most;
}

/*
 * All processes may hold as much as one may, at once.  Where nobody says how
 * much it is what leaves the machine something; who asked for more than there
 * is is warned, once.
 */
static void
clamp_memory(struct wampd *w, struct conf *conf)
{
	long		pages = sysconf(_SC_PHYS_PAGES);
	uint64_t	total, share;
	char		one[32];

	if (pages <= 0)
		return;
	total = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	if (!conf->says_memory) {
		if ((share = conf_fair_memory(conf, total)) >=
		    conf->limits.memory)
			return;
		conf->limits.memory = share;
		log_info("limits memory is %s: half of what the machine has, "
		    "for %u processes", conf_text_number(one, sizeof(one),
		    share), conf_holders(conf));
	} else if (conf->limits.memory > total / conf_holders(conf) &&
	    !w->memory_warned) {
		log_warnx("limits memory %s: %u processes could need more "
		    "than the machine has", conf_text_number(one, sizeof(one),
		    conf->limits.memory), conf_holders(conf));
		w->memory_warned = 1;
	}
}

/* What the file says and this machine cannot hold to. */
void
host_clamp(struct wampd *w, struct conf *conf)
{
	clamp_connections(w, conf);
	clamp_memory(w, conf);
}
