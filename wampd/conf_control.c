/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The statement "control socket", and what it shares with "listen": the path
 * of a Unix socket, its mode, its owner.
 */
#include <sys/stat.h>
#include <sys/un.h>

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "parse.h"
#include "xmalloc.h"

/* No "..", "." or "//": what is checked is what is bound. */
static int
is_plain_path(const char *path)
{
	const char	*p, *end;
	size_t		 len;

	for (p = path; *p == '/'; p = end) {
		p++;
		end = p + strcspn(p, "/");
		len = (size_t)(end - p);
		if (len == 0 || (len == 1 && p[0] == '.') ||
		    (len == 2 && p[0] == '.' && p[1] == '.'))
			return (0);
	}
	return (p != path);
}

int
check_socket_path(const char *what, const char *path)
{
	struct sockaddr_un	*sun;
	int			 is_long = strlen(path) >=
				    sizeof(sun->sun_path);

	if (!is_long && is_plain_path(path) && strpbrk(path, "\"\\") == NULL)
		return (0);
	conf_error("%s %s: %s", what, parse_shown(path), is_long ?
	    "path is longer than 107 octets" : "is no absolute path "
	    "without \"..\", \".\", \"//\", quotes and backslashes");
	return (-1);
}

int
get_mode(const char *text, mode_t *modep)
{
	unsigned int	mode = 0;
	const char	*p;

	for (p = text; *p >= '0' && *p <= '7' && mode <= 0777; p++)
		mode = mode * 8 + (unsigned int)(*p - '0');
	if (*p != '\0' || strlen(text) < 3 || mode > 0777) {
		conf_error("mode %s: must be octal, 000 to 0777",
		    parse_shown(text));
		return (-1);
	}
	*modep = (mode_t)mode;
	return (0);
}

int
get_owner(const char *name, char **ownerp, uid_t *uid)
{
	const struct passwd	*pw;

	if ((pw = getpwnam(name)) == NULL) {
		conf_error("owner %s: there is no such user",
		    parse_shown(name));
		return (-1);
	}
	*ownerp = xstrdup(name);
	*uid = pw->pw_uid;
	return (0);
}

int
get_group(const char *name, char **groupp, gid_t *gid)
{
	const struct group	*gr;

	if ((gr = getgrnam(name)) == NULL) {
		conf_error("group %s: there is no such group",
		    parse_shown(name));
		return (-1);
	}
	*groupp = xstrdup(name);
	*gid = gr->gr_gid;
	return (0);
}

/* -- the statement ------------------------------------------------------ */

/* The first one counts; what is wrong with others has been said. */
static int
control_once(void)
{
	struct conf_control	*k = &parser.conf->control;

	parser.blockseen = 0;
	parser.is_blocklost = 1;
	if (!parse_once(&parser.seen, ONCE_CONTROL, "control socket"))
		return (0);
	k->is_given = 1;
	k->file = parser.file;
	k->line = parser.line;
	return (1);
}

/* "none" is no path, so it need not be a word of its own. */
void
control_begin(const char *path)
{
	if (!control_once())
		return;
	if (strcmp(path, "none") != 0) {
		if (check_socket_path("control socket", path) == -1)
			return;
		parser.conf->control.path = xstrdup(path);
	}
	parser.is_blocklost = 0;
}

void
control_mode(const char *text)
{
	if (parse_once(&parser.blockseen, ONCE_MODE, "mode"))
		(void)get_mode(text, &parser.conf->control.mode);
}

void
control_owner(const char *name)
{
	struct conf_control	*k = &parser.conf->control;

	if (parse_once(&parser.blockseen, ONCE_OWNER, "owner") &&
	    k->owner == NULL)
		(void)get_owner(name, &k->owner, &k->uid);
}

void
control_group(const char *name)
{
	struct conf_control	*k = &parser.conf->control;

	if (parse_once(&parser.blockseen, ONCE_GROUP, "group") &&
	    k->group == NULL)
		(void)get_group(name, &k->group, &k->gid);
}

void
control_read_only(void)
{
	if (parse_once(&parser.blockseen, ONCE_READ_ONLY, "read only"))
		parser.conf->control.read_only = 1;
}

void
control_end(void)
{
	const struct conf_control	*k = &parser.conf->control;

	if (parser.is_blocklost)
		return;
	if (k->path == NULL && parser.blockseen != 0)
		conf_error("control socket none: has no options");
	if ((k->mode & S_IWOTH) != 0 && !k->read_only)
		conf_error("control socket: mode 0%03o would let everybody "
		    "change things: needs \"read only\"",
		    (unsigned int)k->mode);
}

static const struct conf_listen *
listener_of(const char *path)
{
	const struct conf_listen	*l;

	TAILQ_FOREACH(l, &parser.conf->listens, entry)
		if (l->path != NULL && strcmp(l->path, path) == 0)
			return (l);
	TAILQ_FOREACH(l, &parser.conf->metrics, entry)
		if (l->path != NULL && strcmp(l->path, path) == 0)
			return (l);
	return (NULL);
}

/* It may stand before the listener whose path it has. */
void
control_check_whole(void)
{
	const struct conf_control	*k = &parser.conf->control;
	const struct conf_listen	*l;

	if (k->path == NULL)
		return;
	if ((l = listener_of(k->path)) != NULL)
		conf_error_at(k->file, k->line, "control socket %s: is taken "
		    "by \"%s on %s\" at %s:%d", parse_shown(k->path),
		    (l->flags & LISTEN_METRICS) != 0 ? "metrics" : "listen",
		    l->name, l->file, l->line);
}

/* Where nothing was said: the usual one, unless a listener has its place. */
void
control_default(void)
{
	struct conf_control	*k = &parser.conf->control;

	if (!k->is_given && listener_of(CTL_SOCKET) == NULL)
		k->path = xstrdup(CTL_SOCKET);
}
