/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The statement "authenticate tls": which client certificates are whom.  A
 * line that can match nothing, or that could be read in two ways, is an
 * error; the matching itself is the keeper's.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "msgtypes.h"
#include "parse.h"
#include "wamp.h"
#include "xmalloc.h"

#define HASH_PREFIX	"SHA256:"
#define HASH_DIGITS	64

static const char	*const kinds[] = { "dns:", "email:", "uri:", "ip:" };

/* -- subject ------------------------------------------------------------ */

/*
 * "/CN=sensor-*": attributes as struct peercert has them; a star stands for
 * a part of one value.  Returns what is wrong, or NULL and the number of
 * common names.
 */
static const char *
subject_wrong(const char *s, unsigned int *ncn)
{
	const char	*type;

	*ncn = 0;
	if (*s != '/')
		return ("must begin with \"/\"");
	while (*s != '\0') {
		type = ++s;
		while (isalnum((unsigned char)*s) || *s == '-' || *s == '.')
			s++;
		if (s == type || *s != '=')
			return ("must be made of /TYPE=value");
		if (s - type == 2 && memcmp(type, "CN", 2) == 0)
			(*ncn)++;
		for (s++; *s != '\0' && *s != '/' && *s != '+'; s++)
			if (*s == '\\' && (*++s == '\0' ||
			    strchr("/+*\\", *s) == NULL))
				return ("a backslash goes before \"/\", "
				    "\"+\", \"*\" or a backslash");
	}
	return (NULL);
}

static char *
subject_parse(const char *text, int has_authid)
{
	unsigned int	 ncn;
	const char	*why;

	if (check_text("subject", text, AUTH_MAXSUBJECT) == -1)
		return (NULL);
	if ((why = subject_wrong(text, &ncn)) == NULL && ncn != 1 &&
	    !has_authid)
		why = "needs an authid, since it has not one CN";
	if (why == NULL)
		return (xstrdup(text));
	conf_error("subject %s: %s", parse_shown(text), why);
	return (NULL);
}

/* -- fingerprint -------------------------------------------------------- */

/* Hexadecimal digits of either case, with or without colons, to one form. */
static char *
fingerprint_parse(const char *text)
{
	const char	*s = text;
	char		*out;
	size_t		 n = sizeof(HASH_PREFIX) - 1, i;

	if (strncmp(s, HASH_PREFIX, n) != 0)
		goto wrong;
	out = xcalloc(1, n + HASH_DIGITS + 1);
	memcpy(out, HASH_PREFIX, n);
	s += n;
	for (i = 0; i < HASH_DIGITS && isxdigit((unsigned char)*s); s++) {
		out[n + i++] = (char)tolower((unsigned char)*s);
		if (s[1] == ':' && i % 2 == 0 && i < HASH_DIGITS)
			s++;
	}
	if (i == HASH_DIGITS && *s == '\0')
		return (out);
	free(out);
wrong:
	conf_error("fingerprint %s: must be \"" HASH_PREFIX "\" and %d "
	    "hexadecimal digits", parse_shown(text), HASH_DIGITS);
	return (NULL);
}

/* -- subject alternative name ------------------------------------------- */

/* The form that inet_ntop(3) gives, as the tlsproxy has it; or NULL. */
static char *
ip_parse(const char *text)
{
	unsigned char	 addr[sizeof(struct in6_addr)];
	char		 buf[INET6_ADDRSTRLEN], *out;
	int		 af = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(af, text, addr) != 1 ||
	    inet_ntop(af, addr, buf, sizeof(buf)) == NULL)
		return (NULL);
	xasprintf(&out, "ip:%s", buf);
	return (out);
}

static char *
name_parse(const char *text)
{
	const char	*value = NULL, *p;
	char		*out, *q;
	size_t		 i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(text, kinds[i], strlen(kinds[i])) == 0)
			value = text + strlen(kinds[i]);
	if (value == NULL) {
		conf_error("name %s: must begin with dns:, email:, uri: or "
		    "ip:", parse_shown(text));
		return (NULL);
	}
	if (*text == 'i') {
		if ((out = ip_parse(value)) == NULL)
			conf_error("name %s: is no address",
			    parse_shown(text));
		return (out);
	}
	p = *text == 'd' && strncmp(value, "*.", 2) == 0 ? value + 2 : value;
	if (*p == '\0' || strlen(text) > AUTHID_MAXLEN ||
	    strchr(p, '*') != NULL) {
		conf_error("name %s: %s", parse_shown(text), *p == '\0' ?
		    "is empty" : strchr(p, '*') != NULL ? "a star stands for "
		    "the first label of a dns: name only" : "is too long");
		return (NULL);
	}
	for (; *p > ' ' && *p <= '~'; p++)
		;
	if (*p != '\0') {
		conf_error("name %s: must be visible ASCII",
		    parse_shown(text));
		return (NULL);
	}
	out = xstrdup(text);
	if (*out == 'd')
		for (q = out; *q != '\0'; q++)
			*q = (char)tolower((unsigned char)*q);
	return (out);
}

/* -- the statement ------------------------------------------------------ */

/* The first line that fits decides. */
static void
auth_tls_check(int what, const char *name)
{
	const struct conf_auth	*a;

	TAILQ_FOREACH(a, &parser.realm->auths, entry)
		if (a->method == AUTH_TLS && a->what == what &&
		    strcmp(a->name, name) == 0) {
			conf_error("%s has a line already at %s:%d",
			    parse_shown(name), a->file, a->line);
			return;
		}
}

void
auth_tls(int what, const char *text, const char *authid, const char *role)
{
	struct conf_auth	*a;
	char			*name;

	if (authid != NULL && check_name("authid", authid) == -1) {
		parser.is_blocklost = 1;
		return;
	}
	switch (what) {
	case CONF_AUTH_SUBJECT:
		name = subject_parse(text, authid != NULL);
		break;
	case CONF_AUTH_FINGERPRINT:
		name = fingerprint_parse(text);
		break;
	default:
		name = name_parse(text);
		break;
	}
	if (name == NULL) {
		parser.is_blocklost = 1;
		return;
	}
	auth_tls_check(what, name);
	a = auth_add(AUTH_TLS, what, role);
	a->name = name;
	if (authid != NULL)
		a->authid = xstrdup(authid);
}

/* A certificate nobody asks for proves nothing. */
void
auth_tls_check_whole(void)
{
	const struct conf_realm	*r;
	const struct conf_auth	*a;

	if (conf_has_client_ca(parser.conf))
		return;
	TAILQ_FOREACH(r, &parser.conf->realms, entry) {
		TAILQ_FOREACH(a, &r->auths, entry) {
			if (a->method != AUTH_TLS)
				continue;
			conf_error_at(a->file, a->line, "authenticate tls, "
			    "but no listener has a client ca");
			break;
		}
	}
}
