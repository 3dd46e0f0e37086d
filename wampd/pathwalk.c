/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The way to a file, one directory after the other: each must belong to root
 * (or, when we are not root, to root or us) and none may be writable for
 * anybody else, so that nobody can put another file in the place of the one
 * the configuration names.  What the file itself must be like is its
 * caller's business.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wampd.h"

#define PATH_MAXLINKS	16

struct walk {
	int	 flags;
	int	 dir;			/* O_PATH: where we are */
	char	 where[PATH_MAX];	/* its name, for messages */
	char	 rest[PATH_MAX];	/* still to go */
	char	 name[NAME_MAX + 1];	/* the component looked at */
	int	 is_last;
	int	 nlinks;
	char	*err;
	size_t	 errlen;
};

__attribute__((format(printf, 2, 3)))
static int
refuse(struct walk *w, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(w->err, w->errlen, fmt, ap);
	va_end(ap);
	return (-1);
}

static const char *
owner_name(uid_t uid, char *buf, size_t size)
{
	struct passwd	*pw;

	if ((pw = getpwuid(uid)) != NULL)
		snprintf(buf, size, "%s", pw->pw_name);
	else
		snprintf(buf, size, "user id %u", (unsigned int)uid);
	return (buf);
}

static int
check_owner(struct walk *w, const char *what, const struct stat *st)
{
	char	name[64];

	if (st->st_uid == 0 || st->st_uid == geteuid())
		return (0);
	return (refuse(w, "%s %s belongs to %s, not to root%s", what, w->where,
	    owner_name(st->st_uid, name, sizeof(name)),
	    geteuid() == 0 ? "" : " or you"));
}

/* May this directory be trusted with what is in it? */
static int
check_dir(struct walk *w, int is_last)
{
	struct stat	st;
	mode_t		bad = S_IWOTH;

	if (fstat(w->dir, &st) == -1)
		return (refuse(w, "%s: %s", w->where, strerror(errno)));
	if (check_owner(w, "directory", &st) == -1)
		return (-1);
	/* as key files: a group may be trusted with them */
	if ((w->flags & PATH_LINKS) == 0)
		bad |= S_IWGRP;
	if ((st.st_mode & bad) == 0)
		return (0);
	if ((st.st_mode & S_ISVTX) != 0 &&
	    !(is_last && (w->flags & PATH_STRICT)))
		return (0);
	return (refuse(w, "directory %s is writable by %s", w->where,
	    (st.st_mode & S_IWOTH) ? "others" : "its group"));
}

/* Split the next component off; 0, or -1 if there is none. */
static int
next_component(struct walk *w)
{
	size_t	skip, len;

	skip = strspn(w->rest, "/");
	len = strcspn(w->rest + skip, "/");
	if (len == 0)
		return (refuse(w, "names a directory"));
	if (len > NAME_MAX)
		return (refuse(w, "%s", strerror(ENAMETOOLONG)));
	memcpy(w->name, w->rest + skip, len);
	w->name[len] = '\0';
	w->is_last = w->rest[skip + len] == '\0';
	memmove(w->rest, w->rest + skip + len,
	    strlen(w->rest + skip + len) + 1);
	return (0);
}

static int
enter_root(struct walk *w)
{
	int	fd;

	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (refuse(w, "/: %s", strerror(errno)));
	if (w->dir != -1)
		close(w->dir);
	w->dir = fd;
	strlcpy(w->where, "/", sizeof(w->where));
	return (check_dir(w, 0));
}

static void
where_add(struct walk *w)
{
	char	*slash;

	if (strcmp(w->name, "..") == 0) {
		if ((slash = strrchr(w->where, '/')) != NULL)
			slash[slash == w->where] = '\0';
		return;
	}
	if (strcmp(w->where, "/") != 0)
		strlcat(w->where, "/", sizeof(w->where));
	strlcat(w->where, w->name, sizeof(w->where));
}

/* Put the target of the link fd before what is still to go. */
static int
follow_link(struct walk *w, int fd, const struct stat *st)
{
	char	target[PATH_MAX], rest[PATH_MAX];
	char	dir[PATH_MAX];
	ssize_t	n;
	int	rv;

	strlcpy(dir, w->where, sizeof(dir));
	where_add(w);
	if ((w->flags & PATH_LINKS) == 0)
		return (refuse(w, "%s is a symbolic link", w->where));
	if (check_owner(w, "symbolic link", st) == -1)
		return (-1);
	if (++w->nlinks > PATH_MAXLINKS)
		return (refuse(w, "%s: %s", w->where, strerror(ELOOP)));
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n <= 0)
		return (refuse(w, "%s: cannot be read", w->where));
	target[n] = '\0';
	rv = snprintf(rest, sizeof(rest), "%s%s", target, w->rest);
	if (rv < 0 || (size_t)rv >= sizeof(rest))
		return (refuse(w, "%s: %s", w->where, strerror(ENAMETOOLONG)));
	strlcpy(w->rest, rest, sizeof(w->rest));
	strlcpy(w->where, dir, sizeof(w->where));
	return (target[0] == '/' ? enter_root(w) : 0);
}

/* One step: 0, 1 when the parent of the last component is reached, -1. */
static int
step(struct walk *w)
{
	struct stat	st;
	int		fd;

	if (next_component(w) == -1)
		return (-1);
	if (strcmp(w->name, ".") == 0)
		return (w->is_last ? refuse(w, "names a directory") : 0);
	if (strcmp(w->name, "..") == 0 && (w->flags & PATH_LINKS) == 0)
		return (refuse(w, "\"..\" in the path"));
	if (w->is_last && (w->flags & PATH_LINKS) == 0)
		return (1);
	fd = openat(w->dir, w->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		if (w->is_last)
			return (1);
		where_add(w);
		return (refuse(w, "directory %s: %s", w->where,
		    strerror(errno)));
	}
	if (fstat(fd, &st) == -1) {
		close(fd);
		return (refuse(w, "%s: %s", w->name, strerror(errno)));
	}
	if (S_ISLNK(st.st_mode)) {
		int	rv = follow_link(w, fd, &st);

		close(fd);
		return (rv);
	}
	if (w->is_last) {
		close(fd);
		return (1);
	}
	where_add(w);
	if (!S_ISDIR(st.st_mode)) {
		close(fd);
		return (refuse(w, "%s is not a directory", w->where));
	}
	close(w->dir);
	w->dir = fd;
	return (check_dir(w, 0));
}

/*
 * Walk to the directory that holds the last component of path.  Returns
 * a descriptor of it (O_PATH) with the component's name in name, or -1 with
 * one line of English in err.  Without PATH_LINKS the last component itself
 * is not looked at.
 */
int
path_parent(const char *path, int flags, char *name, size_t namelen,
    char *err, size_t errlen)
{
	struct walk	w;
	int		rv;

	memset(&w, 0, sizeof(w));
	w.flags = flags;
	w.dir = -1;
	w.err = err;
	w.errlen = errlen;
	if (path[0] != '/')
		return (refuse(&w, "is not an absolute path"));
	if (strlcpy(w.rest, path, sizeof(w.rest)) >= sizeof(w.rest))
		return (refuse(&w, "%s", strerror(ENAMETOOLONG)));
	if (enter_root(&w) == -1)
		goto fail;
	while ((rv = step(&w)) == 0)
		;
	if (rv == -1 || check_dir(&w, 1) == -1)
		goto fail;
	if (strlcpy(name, w.name, namelen) >= namelen) {
		refuse(&w, "%s", strerror(ENAMETOOLONG));
		goto fail;
	}
	return (w.dir);
fail:
	if (w.dir != -1)
		close(w.dir);
	return (-1);
}
