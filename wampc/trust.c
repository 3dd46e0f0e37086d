/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Is it the router that listens on a Unix socket?  Every directory of the
 * path must be one that only root and the owner we trust can change, and
 * SO_PEERCRED names the user who called listen().  No symbolic link is
 * followed, and the socket is named relative to the directory that was
 * looked at, so nothing can be swapped in between.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wampc.h"
#include "xmalloc.h"

/* Who may have made the directory, and who may write to it? */
static int
check_dir(const struct stat *st, const char *path, uid_t owner, int last,
    char *why, size_t size)
{
	if (S_ISLNK(st->st_mode)) {
		snprintf(why, size, "%s: is a symbolic link", path);
		return (-1);
	}
	if (!S_ISDIR(st->st_mode)) {
		snprintf(why, size, "%s: is not a directory", path);
		return (-1);
	}
	if (st->st_uid != 0 && st->st_uid != owner) {
		snprintf(why, size, "%s: belongs to user %u, who is neither "
		    "root nor user %u", path, (unsigned int)st->st_uid,
		    (unsigned int)owner);
		return (-1);
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return (0);
	/* in /tmp others cannot rename what is not theirs */
	if ((st->st_mode & S_ISVTX) && !last)
		return (0);
	snprintf(why, size, "%s: others than its owner may write to it",
	    path);
	return (-1);
}

/*
 * One step down.  The descriptor of the old directory is closed; the new
 * one belongs to the caller.
 */
static int
step(int dfd, const char *name, const char *path, uid_t owner, int last,
    uid_t *dirowner, enum status *status, char *why, size_t size)
{
	struct stat	st;
	int		fd;

	fd = openat(dfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (dfd != AT_FDCWD)
		close(dfd);
	if (fd == -1 || fstat(fd, &st) == -1) {
		*status = ST_CONNECT;
		snprintf(why, size, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (check_dir(&st, path, owner, last, why, size) == -1) {
		*status = ST_TRUST;
		goto fail;
	}
	*dirowner = st.st_uid;
	return (fd);
fail:
	if (fd != -1)
		close(fd);
	return (-1);
}

/* The path from the root on; getcwd(3) has no symbolic links in it. */
static char *
absolute(const char *path)
{
	char	*cwd, *full;

	if (path[0] == '/')
		return (xstrdup(path));
	if ((cwd = getcwd(NULL, 0)) == NULL)
		return (NULL);
	if (cwd[0] != '/') {
		free(cwd);
		errno = ENOENT;
		return (NULL);
	}
	xasprintf(&full, "%s/%s", cwd, path);
	free(cwd);
	return (full);
}

/*
 * connect(2) would follow a symbolic link in the end as well; and a hard
 * link is another place's socket, which its own directory does not protect.
 */
static int
check_socket(int dfd, const char *name, const char *path,
    enum status *status, char *why, size_t size)
{
	struct stat	st;

	if (fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		*status = ST_CONNECT;
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return (-1);
	}
	*status = ST_TRUST;
	if (S_ISLNK(st.st_mode))
		snprintf(why, size, "%s: is a symbolic link", path);
	else if (!S_ISSOCK(st.st_mode))
		snprintf(why, size, "%s: is not a socket", path);
	else if (st.st_nlink != 1)
		snprintf(why, size, "%s: has another name as well, by a hard "
		    "link", path);
	else
		return (0);
	return (-1);
}

int
trust_walk(const char *path, uid_t owner, const char **name, uid_t *dirowner,
    enum status *status, char *why, size_t size)
{
	char	*full, *p, *end, c;
	int	 fd, last;

	if ((*name = strrchr(path, '/')) == NULL)
		*name = path;
	else
		++*name;
	*status = ST_CONNECT;
	if (**name == '\0') {
		snprintf(why, size, "%s: is not the path of a socket", path);
		return (-1);
	}
	if ((full = absolute(path)) == NULL) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return (-1);
	}
	full[strlen(full) - strlen(*name)] = '\0';

	p = full + strspn(full, "/");
	fd = step(AT_FDCWD, "/", "/", owner, *p == '\0', dirowner, status,
	    why, size);
	while (fd != -1 && *p != '\0') {
		end = p + strcspn(p, "/");
		c = *end;
		*end = '\0';
		last = c == '\0' || end[1 + strspn(end + 1, "/")] == '\0';
		fd = step(fd, p, full, owner, last, dirowner, status, why,
		    size);
		*end = c;
		p = end + strspn(end, "/");
	}
	free(full);
	if (fd != -1 && check_socket(fd, *name, path, status, why,
	    size) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
}

int
trust_peer(int fd, uid_t dirowner, char *why, size_t size)
{
	struct ucred	cred;
	socklen_t	len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1) {
		snprintf(why, size, "SO_PEERCRED: %s", strerror(errno));
		return (-1);
	}
	if (len == sizeof(cred) && (cred.uid == 0 || cred.uid == dirowner))
		return (0);
	snprintf(why, size, "user %u listens in a directory of user %u",
	    (unsigned int)cred.uid, (unsigned int)dirowner);
	return (-1);
}
