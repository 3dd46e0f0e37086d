/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The way to a Unix socket or a key: every directory of others', every
 * symbolic link and every foreign file on it is refused by name; stale
 * sockets are replaced, live ones are not.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../wampd/wampd.h"

static char	top[64];

static const char *
in_top(const char *rest)
{
	static char	buf[8][PATH_MAX];
	static int	n;

	n = (n + 1) % 8;
	snprintf(buf[n], sizeof(buf[n]), "%s/%s", top, rest);
	return (buf[n]);
}

static void
make_dir(const char *rest, mode_t mode)
{
	if (mkdir(in_top(rest), 0700) == -1 ||
	    chmod(in_top(rest), mode) == -1)
		err(1, "mkdir %s", in_top(rest));
}

static void
make_file(const char *rest)
{
	int	fd;

	if ((fd = open(in_top(rest), O_WRONLY | O_CREAT, 0600)) == -1)
		err(1, "%s", in_top(rest));
	close(fd);
}

/* want NULL: it works; else a piece of what is said. */
static void
expect_path(const char *path, int flags, const char *want)
{
	char	name[NAME_MAX + 1], msg[PATH_MAX + 128] = "";
	int	fd;

	fd = path_parent(path, flags, name, sizeof(name), msg, sizeof(msg));
	if (want == NULL && fd == -1)
		errx(1, "%s: %s", path, msg);
	if (want != NULL && fd != -1)
		errx(1, "%s: accepted, want \"%s\"", path, want);
	if (want != NULL && strstr(msg, want) == NULL)
		errx(1, "%s: got \"%s\", want \"%s\"", path, msg, want);
	if (fd != -1)
		close(fd);
}

static int
expect_bind(const char *path, const char *want, int *dir, struct stat *st)
{
	char	msg[PATH_MAX + 128] = "", before[PATH_MAX], after[PATH_MAX];
	int	fd;

	if (getcwd(before, sizeof(before)) == NULL)
		err(1, "getcwd");
	fd = unixsock_bind(path, 0666, (uid_t)-1, (gid_t)-1, dir, st, msg,
	    sizeof(msg));
	if (getcwd(after, sizeof(after)) == NULL || strcmp(before, after) != 0)
		errx(1, "%s: the working directory changed", path);
	if (want == NULL && fd == -1)
		errx(1, "bind %s: %s", path, msg);
	if (want != NULL && fd != -1)
		errx(1, "bind %s: worked, want \"%s\"", path, want);
	if (want != NULL && strstr(msg, want) == NULL)
		errx(1, "bind %s: got \"%s\", want \"%s\"", path, msg, want);
	return (fd);
}

static void
test_walk(void)
{
	make_dir("good", 0755);
	make_dir("good/sub", 0700);
	make_dir("group", 0775);
	make_dir("others", 0757);
	make_dir("sticky", 01777);
	make_dir("sticky/mine", 0755);
	make_dir("group/sub", 0755);
	make_file("file");
	if (symlink("good", in_top("link")) == -1 ||
	    symlink(in_top("good"), in_top("abs")) == -1 ||
	    symlink("loop", in_top("loop")) == -1 ||
	    symlink("../file", in_top("good/key")) == -1)
		err(1, "symlink");

	expect_path(in_top("good/x"), PATH_STRICT, NULL);
	expect_path(in_top("good//sub/./x"), PATH_STRICT, NULL);
	expect_path(in_top("sticky/mine/x"), PATH_STRICT, NULL);
	expect_path("/x", PATH_STRICT, NULL);
	expect_path("x", PATH_STRICT, "not an absolute path");
	expect_path("/", PATH_STRICT, "names a directory");
	expect_path(in_top("good/"), PATH_STRICT, "names a directory");
	expect_path(in_top("good/sub/../x"), PATH_STRICT, "\"..\"");
	expect_path(in_top("none/x"), PATH_STRICT, in_top("none"));
	expect_path(in_top("file/x"), PATH_STRICT, "not a directory");
	expect_path(in_top("group/x"), PATH_STRICT, "writable by its group");
	expect_path(in_top("group/sub/x"), PATH_STRICT, in_top("group"));
	expect_path(in_top("others/x"), PATH_STRICT, "writable by others");
	expect_path(in_top("sticky/x"), PATH_STRICT, "writable by others");
	expect_path(in_top("link/x"), PATH_STRICT, "symbolic link");

	expect_path(in_top("link/x"), PATH_LINKS, NULL);
	expect_path(in_top("abs/sub/../x"), PATH_LINKS, NULL);
	expect_path(in_top("good/key"), PATH_LINKS, NULL);
	expect_path(in_top("group/x"), PATH_LINKS, NULL);
	expect_path(in_top("sticky/x"), PATH_LINKS, NULL);
	expect_path(in_top("others/x"), PATH_LINKS, "writable by others");
	expect_path(in_top("loop/x"), PATH_LINKS, "symbolic links");
	expect_path(in_top("loop"), PATH_LINKS, "symbolic links");
}

/* What belongs to somebody else; needs root to set up. */
static void
test_owner(void)
{
	int	fd, dir;
	struct stat st;

	if (geteuid() != 0)
		return;
	make_dir("theirs", 0755);
	make_dir("theirs/sub", 0755);
	if (chown(in_top("theirs"), 1, 1) == -1)
		err(1, "chown");
	if (symlink("good", in_top("theirlink")) == -1 ||
	    lchown(in_top("theirlink"), 1, 1) == -1)
		err(1, "lchown");
	expect_path(in_top("theirs/x"), PATH_STRICT, "not to root");
	expect_path(in_top("theirs/sub/x"), PATH_STRICT, in_top("theirs"));
	expect_path(in_top("theirs/x"), PATH_LINKS, "not to root");
	expect_path(in_top("theirlink/x"), PATH_LINKS, "not to root");

	fd = expect_bind(in_top("good/foreign"), NULL, &dir, &st);
	close(fd);
	close(dir);
	if (chown(in_top("good/foreign"), 1, 1) == -1)
		err(1, "chown");
	expect_bind(in_top("good/foreign"), "somebody else", &dir, &st);
}

static void
test_bind(void)
{
	struct sockaddr_un	sun;
	struct stat		st, now;
	char			longname[200];
	int			fd, dir, client;

	fd = expect_bind(in_top("good/s"), NULL, &dir, &st);
	if (stat(in_top("good/s"), &now) == -1 || !S_ISSOCK(now.st_mode) ||
	    (now.st_mode & 0777) != 0666 || now.st_ino != st.st_ino)
		errx(1, "the socket is not as it should be");
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	strlcpy(sun.sun_path, in_top("good/s"), sizeof(sun.sun_path));
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(client, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(1, "connect");
	close(client);

	/* live: not stolen */
	expect_bind(in_top("good/s"), "running server", &dir, &now);
	if (stat(in_top("good/s"), &now) == -1 || now.st_ino != st.st_ino)
		errx(1, "a live socket was replaced");

	/* stale: replaced; what is no longer ours is not removed */
	close(fd);
	unixsock_unlink(dir, in_top("good/s"), st.st_dev, st.st_ino + 1);
	if (access(in_top("good/s"), F_OK) == -1)
		errx(1, "a socket of somebody else's was removed");
	close(dir);
	fd = expect_bind(in_top("good/s"), NULL, &dir, &st);
	unixsock_unlink(dir, in_top("good/s"), st.st_dev, st.st_ino);
	if (access(in_top("good/s"), F_OK) == 0)
		errx(1, "our socket was not removed");
	close(fd);
	close(dir);

	make_file("good/file");
	expect_bind(in_top("good/file"), "not a socket", &dir, &st);
	if (access(in_top("good/file"), F_OK) == -1)
		errx(1, "a file was removed");
	if (symlink("s", in_top("good/slink")) == -1)
		err(1, "symlink");
	expect_bind(in_top("good/slink"), "not a socket", &dir, &st);
	expect_bind(in_top("sticky/s"), in_top("sticky"), &dir, &st);
	memset(longname, 'a', sizeof(longname) - 1);
	longname[sizeof(longname) - 1] = '\0';
	memcpy(longname, "good/", 5);
	expect_bind(in_top(longname), "too long", &dir, &st);
}

int
main(void)
{
	const char	*tmp;
	char		 cmd[128];

	umask(0);
	tmp = (tmp = getenv("TEST_TMP")) != NULL && strlen(tmp) < 40 ? tmp :
	    "/tmp";
	snprintf(top, sizeof(top), "%s/listen.XXXXXX", tmp);
	if (mkdtemp(top) == NULL || chmod(top, 0755) == -1)
		err(1, "%s", top);
	test_walk();
	test_bind();
	test_owner();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	return (system(cmd) == 0 ? 0 : 1);
}
