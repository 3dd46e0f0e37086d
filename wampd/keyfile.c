/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Certificates, keys, users files and what clients' certificates are judged
 * by: opened here, read by the keeper (and what is no secret by the
 * tlsproxies) only.  A file somebody else could have written, or a secret
 * somebody else can read, is refused.
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
check_file(const struct stat *st, int is_key, off_t max)
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
	if (st->st_size > max)
		return (max == CONF_MAXFILE ? "is larger than 1 MiB" :
		    "is too large");
	return (NULL);
}

static int
open_file(const char *whose, const char *what, const char *path, int is_key,
    off_t max)
{
	char		 name[NAME_MAX + 1], err[PATH_MAX + 128];
	const char	*why;
	struct stat	 st;
	int		 dir, fd;

	dir = path_parent(path, PATH_LINKS, name, sizeof(name), err,
	    sizeof(err));
	if (dir == -1) {
		log_warnx("%s: %s %s: %s", whose, what, path, err);
		return (-1);
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	close(dir);
	if (fd == -1) {
		log_warn("%s: %s %s", whose, what, path);
		return (-1);
	}
	if (fstat(fd, &st) == -1)
		why = strerror(errno);
	else
		why = check_file(&st, is_key, max);
	if (why != NULL) {
		log_warnx("%s: %s %s %s", whose, what, path, why);
		close(fd);
		return (-1);
	}
	return (fd);
}

static int
open_keypair(struct conf_keypair *kp)
{
	char	whose[CONF_MAXNAME + 16];

	snprintf(whose, sizeof(whose), "keypair \"%s\"", kp->name);
	kp->cert_fd = open_file(whose, "certificate", kp->cert_path, 0,
	    CONF_MAXFILE);
	kp->key_fd = open_file(whose, "key", kp->key_path, 1,
	    CONF_MAXFILE);
	if (kp->ocsp_path != NULL)
		kp->ocsp_fd = open_file(whose, "ocsp", kp->ocsp_path, 0,
		    CONF_MAXFILE);
	if (kp->cert_fd == -1 || kp->key_fd == -1 ||
	    (kp->ocsp_path != NULL && kp->ocsp_fd == -1))
		return (-1);
	return (0);
}

static int
open_client(struct conf_listen *l)
{
	char	whose[256];

	snprintf(whose, sizeof(whose), "listen on %s", l->name);
	if (l->ca_path != NULL)
		l->ca_fd = open_file(whose, "client ca", l->ca_path, 0,
		    CONF_MAXFILE);
	if (l->crl_path != NULL)
		l->crl_fd = open_file(whose, "client crl", l->crl_path, 0,
		    CONF_MAXFILE);
	if ((l->ca_path != NULL && l->ca_fd == -1) ||
	    (l->crl_path != NULL && l->crl_fd == -1))
		return (-1);
	return (0);
}

/* All files of keypairs and listeners: 0, or -1 and a line for each error. */
int
keyfile_open_all(struct conf *conf)
{
	struct conf_keypair	*kp;
	struct conf_listen	*l;
	struct conf_users	*u;
	int			 rv = 0;

	TAILQ_FOREACH(kp, &conf->keypairs, entry)
		if (open_keypair(kp) == -1)
			rv = -1;
	TAILQ_FOREACH(l, &conf->listens, entry)
		if (open_client(l) == -1)
			rv = -1;
	TAILQ_FOREACH(u, &conf->users, entry)
		if ((u->fd = open_file("users", "file", u->path, 1,
		    CONF_MAXUSERSFILE)) == -1)
			rv = -1;
	if (conf->secret_path != NULL && (conf->secret_fd =
	    open_file("secret", "file", conf->secret_path, 1,
	    CONF_MAXSECRET)) == -1)
		rv = -1;
	return (rv);
}
