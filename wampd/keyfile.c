/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Certificates and keys: opened here, read by the keeper (and certificates
 * by the tlsproxies) only.  A file somebody else could have written, or a
 * key somebody else can read, is refused.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wampd.h"

/* What is wrong with the file, or NULL. */
static const char *
check_file(const struct stat *st, int is_key)
{
	if (!S_ISREG(st->st_mode))
		return ("is not a regular file");
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return (geteuid() == 0 ? "does not belong to root" :
		    "belongs neither to root nor to you");
	if (st->st_mode & S_IWOTH)
		return ("is writable by others");
	if (st->st_mode & S_IWGRP)
		return ("is writable by its group");
	if (is_key && (st->st_mode & S_IROTH))
		return ("is readable by others");
	if (st->st_size == 0)
		return ("is empty");
	if (st->st_size > CONF_MAXFILE)
		return ("is larger than 1 MiB");
	return (NULL);
}

static int
open_file(const struct conf_keypair *kp, const char *what, const char *path,
    int is_key)
{
	char		 name[NAME_MAX + 1], err[PATH_MAX + 128];
	const char	*why;
	struct stat	 st;
	int		 dir, fd;

	dir = path_parent(path, PATH_LINKS, name, sizeof(name), err,
	    sizeof(err));
	if (dir == -1) {
		log_warnx("keypair \"%s\": %s %s: %s", kp->name, what, path,
		    err);
		return (-1);
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	close(dir);
	if (fd == -1) {
		log_warn("keypair \"%s\": %s %s", kp->name, what, path);
		return (-1);
	}
	if (fstat(fd, &st) == -1)
		why = strerror(errno);
	else
		why = check_file(&st, is_key);
	if (why != NULL) {
		log_warnx("keypair \"%s\": %s %s %s", kp->name, what, path,
		    why);
		close(fd);
		return (-1);
	}
	return (fd);
}

/* Open all files of all keypairs: 0, or -1 and a line for each error. */
int
keyfile_open_all(struct conf *conf)
{
	struct conf_keypair	*kp;
	int			 rv = 0;

	TAILQ_FOREACH(kp, &conf->keypairs, entry) {
		kp->cert_fd = open_file(kp, "certificate", kp->cert_path, 0);
		kp->key_fd = open_file(kp, "key", kp->key_path, 1);
		if (kp->cert_fd == -1 || kp->key_fd == -1)
			rv = -1;
		if (kp->ocsp_path == NULL)
			continue;
		kp->ocsp_fd = open_file(kp, "ocsp", kp->ocsp_path, 0);
		if (kp->ocsp_fd == -1)
			rv = -1;
	}
	return (rv);
}
