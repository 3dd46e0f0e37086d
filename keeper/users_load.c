/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A users file becomes a table, in slices.  What is read lies in OpenSSL's
 * locked heap until it is parsed.  All that is wrong is logged, and then the
 * file as a whole is refused.
 */
#include <openssl/crypto.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"
#include "users.h"
#include "usersfile.h"
#include "wamp.h"

#define FILE_MAX	(64 * 1024 * 1024)
#define LINES_MAX	1000000
#define WRONG_MAX	1000	/* the parent takes 2000 lines a second */
#define WRONG_A_STEP	50	/* its pipe holds more, but not many more */
#define READ_SIZE	(2 * USERS_LINE_MAX)

struct users_load {
	int			 fd;
	int			 is_done;	/* 1, or -1: no table */
	int			 is_eof;
	int			 is_long;	/* passing over a long line */
	char			*name;
	struct users		*users;
	struct users_line	*line;		/* in locked memory */
	char			*buf;		/* likewise */
	size_t			 pos, len;	/* what of it is not parsed */
	off_t			 off;
	uint32_t		 lineno;
	unsigned int		 nwrong;
	int			(*role_ok)(const char *, void *);
	void			*arg;
};

struct users_load *
users_load_begin(int fd, const char *name,
    const uint8_t secret[USERS_ORDER_LEN], int (*role_ok)(const char *,
    void *), void *arg)
{
	struct users_load	*ul;

	if ((ul = calloc(1, sizeof(*ul))) == NULL ||
	    (ul->name = strdup(name)) == NULL ||
	    (ul->users = users_new(secret)) == NULL ||
	    (ul->line = OPENSSL_secure_zalloc(sizeof(*ul->line))) == NULL ||
	    (ul->buf = OPENSSL_secure_zalloc(READ_SIZE)) == NULL) {
		log_warnx("%s: out of memory", name);
		users_load_end(ul);
		return (NULL);
	}
	ul->fd = fd;
	ul->role_ok = role_ok;
	ul->arg = arg;
	return (ul);
}

struct users *
users_load_end(struct users_load *ul)
{
	struct users	*u;

	if (ul == NULL)
		return (NULL);
	u = ul->users;
	if (ul->is_done != 1) {
		users_unref(u);
		u = NULL;
	}
	OPENSSL_secure_clear_free(ul->line, sizeof(*ul->line));
	OPENSSL_secure_clear_free(ul->buf, READ_SIZE);
	free(ul->name);
	free(ul);
	return (u);
}

/* The file is refused at once. */
__attribute__((format(printf, 2, 3)))
static void
give_up(struct users_load *ul, const char *fmt, ...)
{
	char	text[256];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warnx("%s: %s", ul->name, text);
	ul->is_done = -1;
}

/* The file will be refused, but there may be more to tell. */
__attribute__((format(printf, 2, 3)))
static void
wrong(struct users_load *ul, const char *fmt, ...)
{
	char	text[1200];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warnx("%s:%u: %s", ul->name, ul->lineno, text);
	if (++ul->nwrong == WRONG_MAX)
		give_up(ul, "%d lines are wrong, those after line %u were "
		    "not looked at", WRONG_MAX, ul->lineno);
}

/* Somebody else has this principal and method, or the key. */
static void
told_twice(struct users_load *ul, const struct proof *other)
{
	const struct users_line	*l = ul->line;
	char			 vis[600];

	log_vis(vis, sizeof(vis), other->authid, other->authidlen);
	if ((other->methods & l->methods) == 0 ||
	    other->authidlen != l->authidlen ||
	    memcmp(other->authid, l->authid, l->authidlen) != 0)
		wrong(ul, "%s is that of \"%s\" in line %u",
		    l->methods & AUTH_TLS ? "a certificate" : "a key", vis,
		    other->line);
	else
		wrong(ul, "\"%s\" has %s in line %u", vis,
		    users_method_name(l->methods), other->line);
}

static void
load_line(struct users_load *ul, const char *text, size_t len)
{
	const struct proof	*other = NULL;
	char			 errstr[256], vis[600];

	switch (users_line_parse(text, len, ul->line, errstr,
	    sizeof(errstr))) {
	case 0:
		return;
	case -1:
		wrong(ul, "%s", errstr);
		return;
	}
	if (!users_has_role(ul->users, ul->line->role) &&
	    !ul->role_ok(ul->line->role, ul->arg))
		wrong(ul, "there is no role \"%s\"", log_vis(vis, sizeof(vis),
		    ul->line->role, ul->line->rolelen));
	else if (users_add(ul->users, ul->line, ul->lineno, &other) == -1) {
		if (errno == EEXIST)
			told_twice(ul, other);
		else
			give_up(ul, "out of memory");
	}
}

/* More of the file, behind what is not parsed yet. */
static void
load_more(struct users_load *ul)
{
	ssize_t	n;

	memmove(ul->buf, ul->buf + ul->pos, ul->len);
	ul->pos = 0;
	n = pread(ul->fd, ul->buf + ul->len, READ_SIZE - ul->len, ul->off);
	if (n == -1 && errno != EINTR)
		give_up(ul, "%s", strerror(errno));
	if (n > FILE_MAX - ul->off)
		give_up(ul, "larger than %d MiB", FILE_MAX / 1024 / 1024);
	if (n == 0)
		ul->is_eof = 1;
	if (n <= 0)
		return;
	/* what some editors begin a file of UTF-8 with */
	if (ul->off == 0 && n >= 3 && memcmp(ul->buf, "\xef\xbb\xbf", 3) == 0)
		ul->pos = 3;
	ul->off += n;
	ul->len += (size_t)n - ul->pos;
}

/* The end of a line, at the end of the file also of one without newline. */
static void
load_eol(struct users_load *ul, size_t len, size_t eol)
{
	if (ul->lineno == LINES_MAX) {
		give_up(ul, "more than %d lines", LINES_MAX);
		return;
	}
	ul->lineno++;
	if (ul->is_long)
		wrong(ul, "line longer than %d octets", USERS_LINE_MAX);
	else
		load_line(ul, ul->buf + ul->pos, len);
	ul->is_long = 0;
	ul->pos += len + eol;
	ul->len -= len + eol;
}

/* One line, or one read. */
static void
load_some(struct users_load *ul)
{
	const char	*p = ul->buf + ul->pos, *nl;

	if ((nl = memchr(p, '\n', ul->len)) != NULL)
		load_eol(ul, (size_t)(nl - p), 1);
	else if (!ul->is_eof) {
		if (ul->len > USERS_LINE_MAX) {
			ul->is_long = 1;
			ul->len = 0;
		}
		load_more(ul);
	} else if (ul->len > 0 || ul->is_long)
		load_eol(ul, ul->len, 0);
	else if (ul->nwrong > 0)
		give_up(ul, "%u of %u lines are wrong", ul->nwrong,
		    ul->lineno);
	else
		ul->is_done = 1;
}

int
users_load_step(struct users_load *ul, unsigned int budget_us)
{
	const uint64_t		end = mono_us() + budget_us;
	const unsigned int	most = ul->nwrong + WRONG_A_STEP;

	while (ul->is_done == 0) {
		load_some(ul);
		if (mono_us() >= end || ul->nwrong >= most)
			break;
	}
	return (ul->is_done);
}
