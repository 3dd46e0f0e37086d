/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A log line as a JSON object ("log format json").  What a line of our own
 * says in the form key=value becomes members of their own, for a fixed set
 * of lines and keys: a child that was taken over can say nothing else.
 * Whatever the text holds, the object is whole, one line, and ASCII.
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "isotime.h"
#include "log.h"
#include "logjson.h"

#define TEXT_RESERVE	400	/* of the line, for the message */

struct out {
	char	*buf;
	size_t	 len, size;
};

/* Lines that have members; "session": a number follows the first word. */
static const struct {
	const char	*begin, *event;
} events[] = {
	{ "joined ", "joined" },
	{ "left ", "left" },
	{ "refused ", "refused" },
	{ "auth failed ", "auth_failed" },
	{ "bad frame ", "bad_frame" },
	{ "admin ", "admin" },
};

static const struct {
	const char	*name;
	int		 is_number;
} keys[] = {
	{ "act", 0 }, { "address", 0 }, { "authid", 0 }, { "limit", 1 },
	{ "method", 0 }, { "pid", 1 }, { "proxy", 1 }, { "realm", 0 },
	{ "reason", 0 }, { "role", 0 }, { "serializer", 0 },
	{ "session", 1 }, { "signal", 0 }, { "text", 0 },
	{ "transport", 0 }, { "uid", 1 },
	{ "what", 0 },
};
#define NKEYS	(sizeof(keys) / sizeof(keys[0]))

static void
put(struct out *o, const char *s, size_t len)
{
	memcpy(o->buf + o->len, s, len);
	o->len += len;
}

/* What it takes in a string; at most 7 octets. */
static size_t
escape(char one[8], unsigned char c)
{
	if (c == '"' || c == '\\')
		return ((size_t)snprintf(one, 8, "\\%c", c));
	if (c < 0x20)
		return ((size_t)snprintf(one, 8, "\\u%04x", c));
	/* as vis(3) writes it: whether it is UTF-8 is not our business */
	if (c >= 0x7f)
		return ((size_t)snprintf(one, 8, "\\\\%03o", c));
	one[0] = (char)c;
	return (1);
}

/* A string of as much as fits before the reserve. */
static void
put_string(struct out *o, const char *s, size_t len, size_t reserve)
{
	char	one[8];
	size_t	i, n;

	put(o, "\"", 1);
	for (i = 0; i < len; i++) {
		n = escape(one, (unsigned char)s[i]);
		if (n + reserve > o->size - o->len)
			break;
		put(o, one, n);
	}
	put(o, "\"", 1);
}

static size_t
escaped_length(const char *s, size_t len)
{
	char	one[8];
	size_t	i, n = 0;

	for (i = 0; i < len; i++)
		n += escape(one, (unsigned char)s[i]);
	return (n);
}

/* A member whole or not at all. */
static void
put_member(struct out *o, const char *name, const char *s, size_t len,
    int is_number)
{
	size_t	need = strlen(name) + escaped_length(s, len) + 8;

	if (need + TEXT_RESERVE > o->size - o->len)
		return;
	if (o->len > 1)
		put(o, ",", 1);
	put(o, "\"", 1);
	put(o, name, strlen(name));
	put(o, "\":", 2);
	if (is_number)
		put(o, s, len);
	else
		put_string(o, s, len, 0);
}

static void
put_text(struct out *o, const char *name, const char *s)
{
	put_member(o, name, s, strlen(s), 0);
}

static const char *
level_name(int pri)
{
	static const char	*names[] = {
		"emerg", "alert", "crit", "err", "warning", "notice", "info",
		"debug"
	};

	return (names[pri & 7]);
}

/* Digits that are a number in JSON, and one that doubles hold. */
static int
is_number(const char *s, size_t len)
{
	return (len > 0 && len <= 16 && strspn(s, "0123456789") >= len &&
	    (*s != '0' || len == 1));
}

/* key=value or key="value" at p: the end of it, or NULL if it is none. */
static const char *
scan(const char *p, size_t *keylen, const char **value, size_t *len)
{
	const char	*q;

	*keylen = strspn(p, "abcdefghijklmnopqrstuvwxyz");
	if (*keylen == 0 || p[*keylen] != '=')
		return (NULL);
	p += *keylen + 1;
	if (*p != '"') {
		*value = p;
		*len = strcspn(p, " ");
		return (p + *len);
	}
	*value = ++p;
	for (q = p; *q != '\0' && *q != '"'; q++)
		if (*q == '\\' && q[1] != '\0')
			q++;
	*len = (size_t)(q - p);
	return (*q == '"' ? q + 1 : NULL);
}

static void
put_fields(struct out *o, const char *p, int has_session)
{
	const char	*value;
	size_t		 i, keylen, len;
	unsigned int	 seen = 0;

	while ((p = scan(p, &keylen, &value, &len)) != NULL &&
	    (*p == ' ' || *p == '\0')) {
		for (i = 0; i < NKEYS; i++)
			if (strlen(keys[i].name) == keylen &&
			    memcmp(keys[i].name, value - keylen - 1 -
			    (value[-1] == '"'), keylen) == 0)
				break;
		if (i < NKEYS && (seen & 1U << i) == 0 &&
		    (!has_session || strcmp(keys[i].name, "session") != 0) &&
		    (!keys[i].is_number || is_number(value, len))) {
			seen |= 1U << i;
			put_member(o, keys[i].name, value, len,
			    keys[i].is_number);
		}
		if (*p == '\0')
			break;
		p++;
	}
}

/* "limits session calls reached realm=...": 1 if it is one. */
static int
put_limit(struct out *o, const char *text)
{
	static const char	 begin[] = "limits ", reached[] = " reached ";
	const char		*p = text + sizeof(begin) - 1, *value;
	size_t			 namelen, keylen, len;

	if (strncmp(text, begin, sizeof(begin) - 1) != 0)
		return (0);
	namelen = strspn(p, "abcdefghijklmnopqrstuvwxyz ");
	while (namelen > 0 && strncmp(p + namelen, reached,
	    sizeof(reached) - 1) != 0)
		namelen--;
	if (namelen == 0 || scan(p + namelen + sizeof(reached) - 1, &keylen,
	    &value, &len) == NULL)
		return (0);
	put_text(o, "event", "limit_reached");
	put_member(o, "name", p, namelen, 0);
	put_fields(o, p + namelen + sizeof(reached) - 1, 0);
	return (1);
}

/* The members of a line of one of our forms. */
static void
put_event(struct out *o, const char *text)
{
	const char	*p = text, *id = NULL, *value;
	size_t		 i, n, idlen = 0, keylen;

	if (put_limit(o, text))
		return;
	if (strncmp(p, "session ", 8) == 0) {
		id = p + 8;
		idlen = strspn(id, "0123456789");
		if (!is_number(id, idlen) || id[idlen] != ' ')
			return;
		p = id + idlen + 1;
	}
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		n = strlen(events[i].begin);
		/* the first two are a session's, the others not */
		if ((id != NULL) != (i < 2) ||
		    strncmp(p, events[i].begin, n) != 0 ||
		    scan(p + n, &keylen, &value, &n) == NULL)
			continue;
		put_text(o, "event", events[i].event);
		if (id != NULL)
			put_member(o, "session", id, idlen, 1);
		put_fields(o, p + strlen(events[i].begin), id != NULL);
		return;
	}
}

void
logjson(char *buf, size_t size, int pri, const char *process,
    const char *text, int with_time)
{
	struct out	o = { buf, 0, size - 3 };	/* the end fits */
	char		now[ISOTIME_LEN + 1];

	put(&o, "{", 1);
	if (with_time) {
		isotime(now, wall_ms());
		put_text(&o, "time", now);
	}
	put_text(&o, "level", level_name(pri));
	put_text(&o, "process", process);
	put_event(&o, text);
	put(&o, ",\"message\":", 11);
	put_string(&o, text, strlen(text), 1);
	buf[o.len++] = '}';
	buf[o.len] = '\0';
}
