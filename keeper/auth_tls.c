/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Who a client certificate is, by the lines of "authenticate tls".  That it
 * was verified is the tlsproxy's word; its names are text in the form of
 * tlsproxy/peercert.h, in which no name can look like another.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "keeper.h"
#include "uri.h"
#include "users.h"
#include "wamp.h"

#define HASH_PREFIX	"SHA256:"

/* -- subject ------------------------------------------------------------ */

/* Octets of the next character; a backslash belongs to what follows it. */
static size_t
step(const char *p, size_t left)
{
	return (*p == '\\' && left > 1 ? 2 : 1);
}

/*
 * A star stands for anything within one value, so attribute by attribute
 * pattern and subject go together, and only the last star is ever tried
 * again.
 */
static int
subject_is(const char *pat, const struct text *s)
{
	const char	*t = s->p;
	size_t		 n = strlen(pat), i = 0, j = 0, from = 0, k;
	size_t		 star = SIZE_MAX;

	while (i < s->len) {
		if (j < n && pat[j] == '*') {
			star = ++j;
			from = i;
			continue;
		}
		k = step(t + i, s->len - i);
		if (j < n && step(pat + j, n - j) == k &&
		    memcmp(pat + j, t + i, k) == 0) {
			i += k;
			j += k;
			continue;
		}
		/* the star takes one more, but nothing of what follows */
		if (star == SIZE_MAX || t[from] == '/' || t[from] == '+')
			return (0);
		from += step(t + from, s->len - from);
		i = from;
		j = star;
	}
	while (j < n && pat[j] == '*')
		j++;
	return (j == n && n > 0);
}

/*
 * The value of the one CN, without backslashes: 0, or -1: there is none, or
 * more than one, or it is too long.
 */
static int
subject_cn(const struct text *s, char *buf, size_t size)
{
	const char	*t = s->p;
	size_t		 i, k, n = 0;
	unsigned int	 ncn = 0;
	int		 is_cn = 0;

	for (i = 0; i < s->len; i += k) {
		k = step(t + i, s->len - i);
		if (k == 1 && (t[i] == '/' || t[i] == '+')) {
			is_cn = s->len - i >= 4 &&
			    memcmp(t + i + 1, "CN=", 3) == 0;
			ncn += (unsigned int)is_cn;
			if (is_cn)
				k = 4;
			continue;
		}
		if (!is_cn)
			continue;
		if (n + 1 >= size)
			return (-1);
		buf[n++] = t[i + k - 1];
	}
	buf[n] = '\0';
	return (ncn == 1 ? 0 : -1);
}

/* -- subject alternative names ------------------------------------------ */

/* "dns:*.example.org" stands for one label before it. */
static int
name_is(const char *pat, const char *name)
{
	const char	*p;

	if (strncmp(pat, "dns:*.", 6) != 0)
		return (strcmp(pat, name) == 0);
	if (strncmp(name, "dns:", 4) != 0)
		return (0);
	/* and not for another certificate's star */
	for (p = name + 4; isalnum((unsigned char)*p) || *p == '-' ||
	    *p == '_'; p++)
		;
	return (p != name + 4 && strcmp(pat + 5, p) == 0);
}

/* The first name that the pattern is for, or NULL. */
static const char *
names_find(const char *pat, const struct text *sans)
{
	const char	*p = sans->p, *end;
	size_t		 left = sans->len;

	while (left > 0 && (end = memchr(p, '\0', left)) != NULL) {
		if (name_is(pat, p))
			return (p);
		left -= (size_t)(end - p) + 1;
		p = end + 1;
	}
	return (NULL);
}

/* -- a line ------------------------------------------------------------- */

static void
hash_text(const uint8_t hash[32], char *buf, size_t size)
{
	size_t	i, n;

	n = (size_t)snprintf(buf, size, HASH_PREFIX);
	for (i = 0; i < 32; i++)
		n += (size_t)snprintf(buf + n, size - n, "%02x", hash[i]);
}

/* An authid, which goes to other clients and to logs, is text. */
static int
is_authid(const char *s)
{
	struct uri	u = { .p = s, .len = (uint16_t)strlen(s) };
	size_t		i;

	for (i = 0; i < u.len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return (0);
	return (u.len > 0 && u.len <= AUTHID_MAXLEN && uri_is_utf8(&u));
}

/*
 * Does the line name this certificate, and as whom?  buf: AUTHID_MAXLEN + 1
 * octets at least.
 */
static int
line_authid(const struct conf_auth *a, const struct ask *q, char *buf,
    size_t size)
{
	const char	*name = "";

	switch (a->what) {
	case CONF_AUTH_SUBJECT:
		if (memchr(q->subject.p, '\0', q->subject.len) != NULL ||
		    !subject_is(a->name, &q->subject))
			return (0);
		if (a->authid == NULL &&
		    subject_cn(&q->subject, buf, size) == -1)
			return (0);
		break;
	case CONF_AUTH_FINGERPRINT:
		hash_text(q->m.certhash, buf, size);
		if (strcmp(a->name, buf) != 0)
			return (0);
		break;
	case CONF_AUTH_NAME:
		if ((name = names_find(a->name, &q->sans)) == NULL)
			return (0);
		if (strlcpy(buf, strchr(name, ':') + 1, size) >= size &&
		    a->authid == NULL)
			return (0);
		break;
	default:
		return (0);
	}
	if (a->authid != NULL)
		strlcpy(buf, a->authid, size);
	return (is_authid(buf));
}

const struct proof *
auth_tls_proof(const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q, size_t *key)
{
	struct users		*users;
	const struct proof	*p;

	if (a->what != CONF_AUTH_USERS ||
	    (users = userset_find(a->users)) == NULL ||
	    (p = users_find_cert(users, q->m.certhash, key)) == NULL)
		return (NULL);
	/* in another realm the file may serve other roles */
	return (conf_find_role(r, p->role) != NULL ? p : NULL);
}

int
auth_tls_matches(const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q)
{
	char	authid[AUTHID_MAXLEN + 1];
	size_t	key;

	if ((q->m.proofs & PROOF_TLS) == 0)
		return (0);
	if (a->what == CONF_AUTH_USERS)
		return (auth_tls_proof(r, a, q, &key) != NULL);
	return (line_authid(a, q, authid, sizeof(authid)));
}

void
auth_tls_authid(const struct conf_realm *r, const struct conf_auth *a,
    const struct ask *q, char *buf, size_t size)
{
	const struct proof	*p;
	size_t			 key;

	if (a->what != CONF_AUTH_USERS) {
		if (!line_authid(a, q, buf, size))
			*buf = '\0';
		return;
	}
	*buf = '\0';
	if ((p = auth_tls_proof(r, a, q, &key)) != NULL)
		strlcpy(buf, p->authid, size);
}
