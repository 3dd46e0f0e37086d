/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The files of a configuration: what may be one, opened so that nothing
 * waits and nothing is touched, and which an include means.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parse.h"
#include "xmalloc.h"

#define MAXDEPTH	16		/* files that include each other */
#define MAXFILES	1024

static const char *
file_name(const char *path)
{
	struct conf_str	*s;
	char		 vis[1024];

	log_vis(vis, sizeof(vis), path, strlen(path));
	TAILQ_FOREACH(s, &parser.conf->files, entry)
		if (strcmp(s->s, vis) == 0)
			return (s->s);
	conf_add_str(&parser.conf->files, vis, strlen(vis));
	return (TAILQ_LAST(&parser.conf->files, conf_strs)->s);
}

void
source_push(const char *path, unsigned int depth, const char *from, int line)
{
	struct source	*s;

	s = xcalloc(1, sizeof(*s));
	s->path = xstrdup(path);
	s->name = file_name(path);
	s->line = 1;
	s->depth = depth;
	s->from = from;
	s->fromline = line;
	s->is_fromsecret = parser.is_secret;
	s->below = parser.top;
	parser.top = s;
}

/* No character that could move a cursor, hide a line or end a string. */
static int
source_check(struct source *s)
{
	size_t	i;
	int	line = 1;

	for (i = 0; i < s->len; i++) {
		unsigned char	c = (unsigned char)s->text[i];

		if (c == '\n')
			line++;
		if ((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t')
			continue;
		parser.is_lost = 1;
		conf_error_at(s->name, line, "%s", c == '\0' ? "NUL byte" :
		    c == '\r' ? "carriage return (lines end as in DOS?)" :
		    "control character");
		return (-1);
	}
	return (0);
}

/* A file that is in memory; one that may not be is left out. */
void
source_push_text(const char *name, const char *text, size_t len)
{
	source_push(name, 0, NULL, 0);
	parser.top->text = xcalloc(1, len + 1);
	memcpy(parser.top->text, text, len);
	parser.top->len = len;
	if (source_check(parser.top) == -1)
		source_pop();
}

void
source_pop(void)
{
	struct source	*s = parser.top;

	parser.top = s->below;
	free(s->path);
	free(s->text);
	free(s);
}

/* Why a file cannot be used, where it was asked for. */
static int
source_failed(const struct source *s, const char *why)
{
	parser.is_lost = 1;
	if (s->from == NULL)
		conf_error_at(s->name, 0, "%s", why);
	else
		conf_error_at(s->from, s->fromline, "include %s: %s",
		    s->is_fromsecret ? "(not shown)" : s->name, why);
	return (-1);
}

/* Nothing that comes after it matters. */
static int
source_too_much(const struct source *s, const char *why)
{
	source_failed(s, why);
	parser.is_stopped = 1;
	return (-1);
}

/* May nobody else replace a file there, or lay a link? */
static int
is_safe_dir(const char *path)
{
	struct stat	 st;
	char		*dir;
	const char	*slash;
	int		 rc;

	if ((slash = strrchr(path, '/')) == NULL)
		dir = xstrdup(".");
	else
		dir = xstrndup(path, slash == path ? 1 :
		    (size_t)(slash - path));
	rc = stat(dir, &st);
	free(dir);
	return (rc == 0 && st.st_uid == 0 &&
	    ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
	    (st.st_mode & S_ISVTX) != 0));
}

static const char *
source_refusal(const struct source *s, const struct stat *st)
{
	const struct source	*other;

	if (!S_ISREG(st->st_mode))
		return ("is not a regular file");
	if (geteuid() == 0) {
		if (st->st_uid != 0)
			return ("does not belong to root");
		if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
			return ("group or others may write to it");
		if (!is_safe_dir(s->path))
			return ("others than root may write to its "
			    "directory");
	}
	if (st->st_size > CONF_MAXFILE)
		return ("is larger than 1 MB");
	for (other = s->below; other != NULL; other = other->below)
		if (other->text != NULL && other->dev == st->st_dev &&
		    other->ino == st->st_ino)
			return ("it includes itself");
	return (NULL);
}

/*
 * Open for reading what is a regular file and stays one: a device is not
 * even opened, a FIFO does not block.
 */
static int
source_open(struct source *s)
{
	struct stat	 st;
	const char	*why;
	int		 fd;

	if (stat(s->path, &st) == -1)
		return (source_failed(s, strerror(errno)));
	if (!S_ISREG(st.st_mode))
		return (source_failed(s, "is not a regular file"));
	fd = open(s->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return (source_failed(s, strerror(errno)));
	why = fstat(fd, &st) == -1 ? strerror(errno) : source_refusal(s, &st);
	if (why != NULL) {
		close(fd);
		return (source_failed(s, why));
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->is_secret = geteuid() == 0 && (st.st_mode & S_IROTH) == 0;
	return (fd);
}

int
source_load(struct source *s)
{
	ssize_t	n;
	int	fd;

	if (++parser.nfiles > MAXFILES)
		return (source_too_much(s, "too many files"));
	if ((fd = source_open(s)) == -1)
		return (-1);
	s->text = xcalloc(1, CONF_MAXFILE + 1);
	while ((n = read(fd, s->text + s->len, CONF_MAXFILE + 1 - s->len)) > 0)
		s->len += (size_t)n;
	close(fd);
	if (n == -1)
		return (source_failed(s, strerror(errno)));
	if (s->len > CONF_MAXFILE)
		return (source_failed(s, "is larger than 1 MB"));
	parser.noctets += s->len;
	if (parser.noctets > PARSE_MAXOCTETS)
		return (source_too_much(s, "all files together are larger "
		    "than 16 MB"));
	s->text = xreallocarray(s->text, s->len + 1, 1);
	return (source_check(s));
}

static int
glob_error(const char *path, int errnum)
{
	(void)path;
	return (errnum != ENOENT);
}

/* Append text with what glob(3) would take for more than itself escaped. */
static void
glob_append(char *path, size_t *n, const char *text, size_t len,
    const char *special)
{
	size_t	i;

	for (i = 0; i < len; i++) {
		if (strchr(special, text[i]) != NULL)
			path[(*n)++] = '\\';
		path[(*n)++] = text[i];
	}
	path[*n] = '\0';
}

/* All files that match, the first on top. */
static void
include_glob(const char *pattern, const char *dir, size_t dirlen)
{
	glob_t		 g;
	char		 path[4 * PATH_MAX];
	unsigned int	 depth = parser.top->depth + 1;
	size_t		 i, n = 0;
	int		 rc;

	glob_append(path, &n, dir, dirlen, "*?[\\");
	glob_append(path, &n, pattern, strlen(pattern), "?[\\");
	rc = glob(path, 0, glob_error, &g);
	if (rc == GLOB_NOMATCH)
		return;
	if (rc != 0) {
		conf_error("include %s: cannot read the directory",
		    parse_quoted(pattern));
		parser.is_lost = 1;
		return;
	}
	if (g.gl_pathc > MAXFILES)
		conf_error("include %s: too many files",
		    parse_quoted(pattern));
	else for (i = g.gl_pathc; i > 0; i--)
		source_push(g.gl_pathv[i - 1], depth, parser.file,
		    parser.line);
	globfree(&g);
}

/*
 * A relative path begins where this file is.  "*" may stand in the last
 * component only, so that it looks into one directory and not into the
 * whole tree.
 */
void
conf_include(const char *pattern)
{
	const struct source	*s = parser.top;
	const char		*slash, *why = NULL;
	char			*path;
	size_t			 dirlen = 0;

	slash = strrchr(pattern, '/');
	if (parser.no_include)
		why = "is not possible here";
	else if (s->depth + 1 > MAXDEPTH)
		why = "files include each other too deeply";
	else if (*pattern == '\0' || strlen(pattern) >= PATH_MAX ||
	    strlen(s->path) >= PATH_MAX)
		why = "path is empty or too long";
	else if (slash != NULL &&
	    memchr(pattern, '*', (size_t)(slash - pattern)) != NULL)
		why = "\"*\" is for the last part of a path";
	if (why != NULL) {
		conf_error("include %s: %s", parse_quoted(pattern), why);
		parser.is_lost = 1;
		return;
	}
	if (*pattern != '/' && (slash = strrchr(s->path, '/')) != NULL)
		dirlen = (size_t)(slash - s->path) + 1;
	if (strchr(pattern, '*') != NULL) {
		include_glob(pattern, s->path, dirlen);
		return;
	}
	xasprintf(&path, "%.*s%s", (int)dirlen, s->path, pattern);
	source_push(path, s->depth + 1, parser.file, parser.line);
	free(path);
}
