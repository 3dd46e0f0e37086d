/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Numbers, times and names as wampd.conf(5) writes them, and what may be
 * said once only.
 */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "parse.h"
#include "xmalloc.h"

/* May this be said (again)?  Remembers where it was said. */
int
parse_once(uint64_t *seen, enum once o, const char *what)
{
	if ((*seen & (1ULL << o)) != 0) {
		conf_error("%s is given twice", what);
		return (0);
	}
	*seen |= 1ULL << o;
	parser.where[o].file = parser.file;
	parser.where[o].line = parser.line;
	return (1);
}

#define TOO_MUCH	(1ULL << 62)

/* The end of the digits, or NULL if there are none; TOO_MUCH stays that. */
const char *
parse_digits(const char *s, uint64_t *n)
{
	const char	*begin = s;

	for (*n = 0; isdigit((unsigned char)*s); s++)
		*n = *n >= TOO_MUCH / 16 ? TOO_MUCH :
		    *n * 10 + (uint64_t)(*s - '0');
	return (s == begin ? NULL : s);
}

int
get_number(const char *what, const char *text, uint64_t min, uint64_t max,
    uint64_t *n)
{
	static const char	 suffixes[] = "kmg";
	char			 low[32], high[32];
	const char		*p, *suffix;
	unsigned int		 shift = 0;

	p = parse_digits(text, n);
	if (p != NULL && *p != '\0' &&
	    (suffix = strchr(suffixes, *p)) != NULL) {
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		p++;
	}
	if (p == NULL || *p != '\0') {
		conf_error("%s %s: is no number", what, parse_shown(text));
		return (-1);
	}
	*n = *n > TOO_MUCH >> shift ? TOO_MUCH : *n << shift;
	if (*n < min || *n > max) {
		conf_error("%s %s: must be %s to %s", what, parse_shown(text),
		    conf_text_number(low, sizeof(low), min),
		    conf_text_number(high, sizeof(high), max));
		return (-1);
	}
	return (0);
}

int
get_time(const char *what, const char *text, uint32_t min, uint32_t max,
    uint32_t *ms)
{
	static const struct {
		const char	*name;
		uint64_t	 ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 },
		{ "h", 3600 * 1000 }, { "d", 24 * 3600 * 1000 }
	};
	char		 low[32], high[32];
	const char	*p;
	uint64_t	 n;
	size_t		 i;

	if ((p = parse_digits(text, &n)) == NULL) {
		conf_error("%s %s: is no time", what, parse_shown(text));
		return (-1);
	}
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(p, units[i].name) == 0)
			break;
	if (i == sizeof(units) / sizeof(units[0])) {
		conf_error("%s %s: a time needs its unit: ms, s, m, h or d",
		    what, parse_shown(text));
		return (-1);
	}
	if (n > UINT32_MAX || (n *= units[i].ms) < min || n > max) {
		conf_error("%s %s: must be %s to %s", what, parse_shown(text),
		    conf_text_time(low, sizeof(low), min),
		    conf_text_time(high, sizeof(high), max));
		return (-1);
	}
	*ms = (uint32_t)n;
	return (0);
}

void
set_u32(enum once o, const char *what, const char *text, uint32_t *dst,
    uint32_t min, uint32_t max)
{
	uint64_t	n;

	if (parse_once(&parser.seen, o, what) &&
	    get_number(what, text, min, max, &n) == 0)
		*dst = (uint32_t)n;
}

void
set_time(enum once o, const char *what, const char *text, uint32_t *dst,
    uint32_t min, uint32_t max)
{
	if (parse_once(&parser.seen, o, what))
		get_time(what, text, min, max, dst);
}

void
secret_path(const char *path)
{
	if (parse_once(&parser.seen, ONCE_SECRET, "secret") &&
	    check_path("secret", path) == 0)
		parser.conf->secret_path = xstrdup(path);
}

/* UTF-8, not empty, and of at most max octets. */
int
check_text(const char *what, const char *text, size_t max)
{
	struct uri	u;

	u.p = text;
	u.len = (uint16_t)strlen(text);		/* MAXWORD at most */
	if (u.len == 0)
		conf_error("%s %s: is empty", what, parse_shown(text));
	else if (u.len > max)
		conf_error("%s %s: is longer than %zu octets", what,
		    parse_shown(text), max);
	else if (!uri_is_utf8(&u))
		conf_error("%s %s: is not UTF-8", what, parse_shown(text));
	else
		return (0);
	return (-1);
}

/* Names that clients and operators see. */
int
check_name(const char *what, const char *name)
{
	return (check_text(what, name, CONF_MAXNAME));
}

int
check_path(const char *what, const char *path)
{
	if (*path == '/' && strlen(path) < PATH_MAX)
		return (0);
	conf_error("%s %s: is no absolute path", what, parse_shown(path));
	return (-1);
}
