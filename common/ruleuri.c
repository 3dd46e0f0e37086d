/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Placeholders in the URIs of rules.  What is put in for one is always a part
 * of one component, so that nobody's name reaches further than the rule
 * (threats: lesson 9).
 */
#include <string.h>

#include "ruleuri.h"

static const struct placeholder {
	const char	*text;
	size_t		 len;
	int		 is_role;
} placeholders[] = {
	{ "{authid}", 8, 0 },
	{ "{authrole}", 10, 1 }
};

static const struct placeholder *
placeholder_at(const char *p, size_t left)
{
	size_t	i;

	for (i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++)
		if (left >= placeholders[i].len && memcmp(p,
		    placeholders[i].text, placeholders[i].len) == 0)
			return (&placeholders[i]);
	return (NULL);
}

/* Append to buf; -1 if it gets too long. */
static int
append(char buf[URI_MAXLEN], size_t *len, const void *p, size_t n)
{
	if (n > URI_MAXLEN - *len)
		return (-1);
	memcpy(buf + *len, p, n);
	*len += n;
	return (0);
}

int
ruleuri_expand(const struct uri *u, const char *role, char buf[URI_MAXLEN])
{
	static const char		 authid = RULEURI_AUTHID;
	const struct placeholder	*ph;
	size_t				 i = 0, len = 0;
	int				 rv;

	while (i < u->len) {
		ph = placeholder_at(u->p + i, u->len - i);
		if (ph != NULL) {
			rv = ph->is_role ?
			    append(buf, &len, role, strlen(role)) :
			    append(buf, &len, &authid, 1);
			i += ph->len;
		} else if (strchr("{}#", u->p[i]) != NULL && u->p[i] != '\0')
			return (-1);
		else
			rv = append(buf, &len, u->p + i++, 1);
		if (rv == -1)
			return (-1);
	}
	return ((int)len);
}

int
ruleuri_fill(const struct uri *u, const struct uri *authid,
    char buf[URI_MAXLEN])
{
	const char	*mark;
	size_t		 i = 0, end, len = 0, n;

	for (; i <= u->len; i = end + 1) {
		end = uri_component_end(u, i);
		if (i > 0 && append(buf, &len, ".", 1) == -1)
			return (-1);
		while (i < end) {
			mark = memchr(u->p + i, RULEURI_AUTHID, end - i);
			if (mark != NULL && authid == NULL)
				break;
			n = mark != NULL ? (size_t)(mark - u->p) - i : end - i;
			if (append(buf, &len, u->p + i, n) == -1 ||
			    (mark != NULL && append(buf, &len, authid->p,
			    authid->len) == -1))
				return (-1);
			i += n + (mark != NULL);
		}
	}
	return ((int)len);
}

int
ruleuri_is_component(const struct uri *u, enum uri_rules rules)
{
	size_t	i;

	for (i = 0; i < u->len; i++)
		if (u->p[i] == '.' || (unsigned char)u->p[i] < ' ' ||
		    u->p[i] == 0x7f)
			return (0);
	return (uri_is_valid(u, rules) && uri_is_utf8(u));
}

/* Only known placeholders have braces, and what of them is there? */
static int
has_placeholder(const struct uri *u, int is_role, int *is_wrong)
{
	const struct placeholder	*ph;
	size_t				 i;
	int				 found = 0;

	*is_wrong = 0;
	for (i = 0; i < u->len; i++) {
		ph = placeholder_at(u->p + i, u->len - i);
		if (ph != NULL) {
			found |= ph->is_role == is_role;
			i += ph->len - 1;
		} else if (u->p[i] == '{' || u->p[i] == '}')
			*is_wrong = 1;
	}
	return (found);
}

/*
 * A prefix that ended in an authid would match what begins with it, another
 * authid for one.
 */
enum ruleuri
ruleuri_check(const struct uri *u, enum uri_match match,
    enum uri_rules rules, const char *role)
{
	char		 buf[URI_MAXLEN], *p;
	struct uri	 ru = { role, 0 }, x = { buf, 0 };
	size_t		 i, end, rolelen = strlen(role);
	int		 len, has_role, is_wrong;

	has_role = has_placeholder(u, 1, &is_wrong);
	if (is_wrong)
		return (RULEURI_BRACE);
	ru.len = (uint16_t)rolelen;
	if (has_role && (rolelen > URI_MAXLEN ||
	    !ruleuri_is_component(&ru, rules)))
		return (RULEURI_ROLE);
	if (u->len > URI_MAXLEN || (len = ruleuri_expand(u, role, buf)) == -1)
		return (RULEURI_PATTERN);
	x.len = (uint16_t)len;
	while ((p = memchr(buf, RULEURI_AUTHID, x.len)) != NULL) {
		*p = 'a';
		i = (size_t)(p - buf);
		end = uri_component_end(&x, i);
		if (match == MATCH_PREFIX && end == x.len)
			return (RULEURI_PREFIX);
		if (memchr(p, RULEURI_AUTHID, end - i) != NULL)
			return (RULEURI_TWICE);
	}
	if (!uri_is_pattern(&x, match, rules))
		return (RULEURI_PATTERN);
	return (uri_is_utf8(&x) ? RULEURI_OK : RULEURI_UTF8);
}
