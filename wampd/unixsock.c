/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The file of a Unix socket: made through the descriptor of a directory that
 * was checked from the root on, so that nothing can be swapped in between;
 * a stale one is replaced, a live or foreign one never touched.
 */
#include <sys/types.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wampd.h"

/* Run one call on a relative path within dir, with the rights of uid there. */
static int
in_dir(int dir, const char *name, int fd, uid_t uid,
    int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un	sun;
	int			back, rv, saved;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, name, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (back == -1 || fchdir(dir) == -1) {
		saved = errno;
		if (back != -1)
			close(back);
		errno = saved;
		return (-1);
	}
	setfsuid(uid);
	rv = call(fd, (struct sockaddr *)&sun, sizeof(sun));
	saved = errno;
	setfsuid(geteuid());
	if (fchdir(back) == -1 && chdir("/") == -1)
		fatal("working directory");
	close(back);
	errno = saved;
	return (rv);
}

/*
 * Is somebody listening on the socket there?  1, 0, or -1 and errno.  It is
 * asked as the owner of the file: root without CAP_DAC_OVERRIDE may not.
 */
static int
is_live(int dir, const char *name, uid_t uid)
{
	int	fd, rv, saved;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return (-1);
	rv = in_dir(dir, name, fd, uid, connect);
	saved = errno;
	close(fd);
	errno = saved;
	if (rv == 0)
		return (1);
	switch (errno) {
	case ECONNREFUSED:
	case ENOENT:
		return (0);
	case EAGAIN:		/* its backlog is full */
	case EINPROGRESS:
	case EPROTOTYPE:	/* of another type, and bound */
		return (1);
	}
	return (-1);
}

/* Whatever has the name now: may it be replaced? */
static int
make_way(int dir, const char *name, uid_t uid, int may_unlink, char *err,
    size_t errlen)
{
	struct stat	st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno == ENOENT)
			return (0);
		snprintf(err, errlen, "%s", strerror(errno));
		return (-1);
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, errlen, "exists and is not a socket");
		return (-1);
	}
	if (st.st_uid != geteuid() && st.st_uid != 0 && st.st_uid != uid) {
		snprintf(err, errlen, "exists and belongs to somebody else");
		return (-1);
	}
	if (!may_unlink)
		return (0);
	switch (is_live(dir, name, st.st_uid)) {
	case 1:
		snprintf(err, errlen, "in use by a running server");
		return (-1);
	case -1:
		snprintf(err, errlen, "%s", strerror(errno));
		return (-1);
	}
	if (unlinkat(dir, name, 0) == -1 && errno != ENOENT) {
		snprintf(err, errlen, "cannot be replaced: %s",
		    strerror(errno));
		return (-1);
	}
	return (0);
}

/*
 * Its mode can only be set while it is ours, for want of CAP_FOWNER.  One
 * that is as it shall be is left alone.
 */
int
unixsock_chmod(int dir, const char *name, mode_t mode, uid_t uid, gid_t gid,
    char *err, size_t errlen)
{
	struct stat	st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		snprintf(err, errlen, "%s", strerror(errno));
		return (-1);
	}
	/* nobody else can write to dir: name is our socket */
	if ((st.st_mode & 07777) != mode &&
	    ((st.st_uid != geteuid() && fchownat(dir, name, geteuid(),
	    (gid_t)-1, AT_SYMLINK_NOFOLLOW) == -1) ||
	    fchmodat(dir, name, mode, 0) == -1)) {
		snprintf(err, errlen, "cannot set its mode: %s",
		    strerror(errno));
		return (-1);
	}
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) &&
	    fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) == -1) {
		snprintf(err, errlen, "cannot set its owner: %s",
		    strerror(errno));
		return (-1);
	}
	return (0);
}

/*
 * Bind a listening socket to path.  Returns its descriptor, with that of
 * the directory in *dirp and what the file is in *st; or -1 and err.
 */
int
unixsock_bind(const char *path, mode_t mode, uid_t uid, gid_t gid, int *dirp,
    struct stat *st, char *err, size_t errlen)
{
	char	name[NAME_MAX + 1];
	mode_t	mask;
	int	dir, fd = -1, rv;

	dir = path_parent(path, PATH_STRICT, name, sizeof(name), err, errlen);
	if (dir == -1)
		return (-1);
	if (make_way(dir, name, uid, 1, err, errlen) == -1)
		goto fail;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		snprintf(err, errlen, "%s", strerror(errno));
		goto fail;
	}
	mask = umask(0177);
	rv = in_dir(dir, name, fd, geteuid(), bind);
	umask(mask);
	if (rv == -1) {
		snprintf(err, errlen, "%s", strerror(errno));
		goto fail;
	}
	/* it is the parent, as root, who calls listen(2): clients see its
	 * user in SO_PEERCRED */
	if (listen(fd, SOMAXCONN) == -1 ||
	    fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == -1) {
		snprintf(err, errlen, "%s", strerror(errno));
		goto fail_unlink;
	}
	if (unixsock_chmod(dir, name, mode, uid, gid, err, errlen) == -1)
		goto fail_unlink;
	*dirp = dir;
	return (fd);
fail_unlink:
	unlinkat(dir, name, 0);
fail:
	if (fd != -1)
		close(fd);
	close(dir);
	return (-1);
}

/* As far as can be told without making it. */
int
unixsock_check(const char *path, uid_t uid, char *err, size_t errlen)
{
	char	name[NAME_MAX + 1];
	int	dir, rv;

	dir = path_parent(path, PATH_STRICT, name, sizeof(name), err, errlen);
	if (dir == -1)
		return (-1);
	rv = make_way(dir, name, uid, 0, err, errlen);
	close(dir);
	return (rv);
}

/* Remove the file if it is still the one we made. */
void
unixsock_unlink(int dir, const char *path, dev_t dev, ino_t ino)
{
	const char	*name;
	struct stat	 st;

	name = (name = strrchr(path, '/')) != NULL ? name + 1 : path;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (st.st_dev == dev && st.st_ino == ino)
		unlinkat(dir, name, 0);
}
