/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Which certificate a line of "authenticate tls" names, and as whom.  The
 * names need not be such as a good tlsproxy sends.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "wamp.h"
#include "../../keeper/keeper.h"
#include "../../keeper/users.h"

#define X16	"xxxxxxxxxxxxxxxx"
#define X64	X16 X16 X16 X16
#define X256	X64 X64 X64 X64

#define SUBJECT(pat, s, want)						\
	{ CONF_AUTH_SUBJECT, pat, s, sizeof(s) - 1, NULL, want }
#define NAME(pat, s, want)						\
	{ CONF_AUTH_NAME, pat, s, sizeof(s) - 1, NULL, want }

static const struct line {
	int		 what;
	const char	*pattern;
	const char	*text;		/* subject or names */
	size_t		 len;
	const char	*authid;	/* of the line, or NULL */
	const char	*want;		/* authid, NULL: does not match */
} lines[] = {
	SUBJECT("/CN=a", "/CN=a", "a"),
	SUBJECT("/CN=a", "/CN=ab", NULL),
	SUBJECT("/CN=ab", "/CN=a", NULL),
	SUBJECT("/CN=a", "", NULL),
	SUBJECT("/CN=*", "/CN=", NULL),
	SUBJECT("/CN=a*", "/CN=a", "a"),
	SUBJECT("/CN=*", "/CN=a/O=b", NULL),
	SUBJECT("/CN=*", "/CN=a+O=b", NULL),
	SUBJECT("/CN=*", "/CN=a\\/O=b", "a/O=b"),
	SUBJECT("/CN=*", "/CN=a\\+O=b", "a+O=b"),
	SUBJECT("/CN=*/O=b", "/CN=a\\/O=b", NULL),
	SUBJECT("/CN=*/O=b", "/CN=a/O=b", "a"),
	SUBJECT("/CN=*/O=*", "/CN=a/O=b", "a"),
	SUBJECT("/CN=*/O=*", "/CN=a/O=b/O=c", NULL),
	SUBJECT("/CN=*a*a*b", "/CN=aaaab", "aaaab"),
	SUBJECT("/CN=*a*a*b", "/CN=ab", NULL),
	SUBJECT("/CN=*a*a*b/O=*c", "/CN=aaab/O=ccc", "aaab"),
	SUBJECT("/CN=*a*a*b/O=*c", "/CN=aaab/O=ccd", NULL),
	SUBJECT("/CN=**", "/CN=x", "x"),
	SUBJECT("/CN=*\\*", "/CN=a\\*", "a*"),
	SUBJECT("/CN=*\\*", "/CN=a*", NULL),
	SUBJECT("/CN=*\\\\", "/CN=a\\\\", "a\\"),
	SUBJECT("/CN=\\\\*", "/CN=\\\\b", "\\b"),
	SUBJECT("/CN=a+O=*", "/CN=a+O=b", "a"),
	SUBJECT("/O=*+CN=*", "/O=a+CN=b", "b"),
	SUBJECT("/O=*/CN=*", "/O=CN=a/CN=b", "b"),
	SUBJECT("/O=*/CN=*", "/O=\\/CN=a/CN=b", "b"),
	/* what no good tlsproxy sends */
	SUBJECT("/CN=*", "/CN=a\\", "a\\"),
	SUBJECT("/CN=*", "/CN=a\0b", NULL),
	SUBJECT("/CN=*", "/CN=\0", NULL),
	SUBJECT("/CN=*", "/CN=a\n", NULL),
	SUBJECT("/CN=*", "/CN=\xff", NULL),
	SUBJECT("/CN=*", "CN=a", NULL),
	SUBJECT("/CN=*", "/CN=" X256, X256),
	SUBJECT("/CN=*", "/CN=" X256 "x", NULL),
	{ CONF_AUTH_SUBJECT, "/CN=*", "/CN=" X256 "x", 4 + 257, "me", "me" },
	{ CONF_AUTH_SUBJECT, "/O=*", "/O=a", 4, "me", "me" },
	SUBJECT("/O=*", "/O=a", NULL),
	SUBJECT("/CN=*/CN=*", "/CN=a/CN=b", NULL),

	NAME("dns:a", "dns:a\0", "a"),
	NAME("dns:a", "dns:b\0dns:a\0", "a"),
	NAME("dns:a", "dns:ab\0", NULL),
	NAME("dns:a", "email:a\0", NULL),
	NAME("dns:a", "", NULL),
	NAME("uri:x:y", "uri:x:y\0", "x:y"),
	NAME("ip:::1", "ip:::1\0", "::1"),
	NAME("dns:*.b.c", "dns:a.b.c\0", "a.b.c"),
	NAME("dns:*.b.c", "dns:.b.c\0", NULL),
	NAME("dns:*.b.c", "dns:b.c\0", NULL),
	NAME("dns:*.b.c", "dns:x.a.b.c\0", NULL),
	NAME("dns:*.b.c", "dns:*.b.c\0", NULL),
	NAME("dns:*.b.c", "uri:a.b.c\0", NULL),
	NAME("dns:*.b.c", "dns:a.b.cd\0", NULL),
	/* what no good tlsproxy sends */
	NAME("dns:a", "dns:a", NULL),
	NAME("dns:a", "dns:b\0dns:a", NULL),
	NAME("dns:a", "\0\0\0dns:a\0", "a"),
	NAME("dns:a", "a\0dns:\0", NULL),
	NAME("dns:*.b", "dns:\0", NULL),
};

/* No line here has a users file: login.py's and auth_tls.py's business. */
struct users *
userset_find(uint32_t id)
{
	(void)id;
	return (NULL);
}

const struct proof *
users_find_cert(const struct users *u, const uint8_t hash[32], size_t *key)
{
	(void)u;
	(void)hash;
	(void)key;
	return (NULL);
}

static void
check(const struct line *l, size_t i)
{
	struct conf_auth	a;
	struct ask		q;
	char			got[AUTHID_MAXLEN + 1], *text;
	union {
		const char	*c;
		char		*p;
	} u;

	memset(&a, 0, sizeof(a));
	memset(&q, 0, sizeof(q));
	a.method = AUTH_TLS;
	a.what = (uint8_t)l->what;
	u.c = l->pattern;
	a.name = u.p;
	u.c = l->authid;
	a.authid = u.p;
	/* at the end of its own allocation, for sanitizers */
	if ((text = malloc(l->len + 1)) == NULL)
		err(1, NULL);
	memcpy(text + 1, l->text, l->len);
	if (l->what == CONF_AUTH_SUBJECT) {
		q.subject.p = text + 1;
		q.subject.len = l->len;
	} else {
		q.sans.p = text + 1;
		q.sans.len = l->len;
	}
	if (auth_tls_matches(NULL, &a, &q))
		errx(1, "line %zu: matches without a certificate", i);
	q.m.proofs = PROOF_TLS;
	if (auth_tls_matches(NULL, &a, &q) != (l->want != NULL))
		errx(1, "line %zu: \"%s\" should%s match", i, l->pattern,
		    l->want != NULL ? "" : " not");
	auth_tls_authid(NULL, &a, &q, got, sizeof(got));
	if (strcmp(got, l->want != NULL ? l->want : "") != 0)
		errx(1, "line %zu: authid \"%s\", want \"%s\"", i, got,
		    l->want);
	free(text);
}

static void
check_fingerprint(void)
{
	static char		 name[] = "SHA256:0001020304050607"
				    "08090a0b0c0d0e0f1011121314151617"
				    "18191a1b1c1d1e1f";
	struct conf_auth	 a;
	struct ask		 q;
	char			 got[AUTHID_MAXLEN + 1];
	uint8_t			 i;

	memset(&a, 0, sizeof(a));
	memset(&q, 0, sizeof(q));
	a.method = AUTH_TLS;
	a.what = CONF_AUTH_FINGERPRINT;
	a.name = name;
	q.m.proofs = PROOF_TLS;
	for (i = 0; i < 32; i++)
		q.m.certhash[i] = i;
	auth_tls_authid(NULL, &a, &q, got, sizeof(got));
	if (!auth_tls_matches(NULL, &a, &q) || strcmp(got, name) != 0)
		errx(1, "fingerprint: does not match");
	q.m.certhash[31] ^= 1;
	if (auth_tls_matches(NULL, &a, &q))
		errx(1, "fingerprint: another one matches");
}

/* As much work as a certificate can make. */
static void
check_long(void)
{
	static char	pattern[] = "/CN=*a*a*a*a*a*a*a*b";
	static char	subject[AUTH_MAXSUBJECT + 1];
	struct line	l = { CONF_AUTH_SUBJECT, pattern, subject,
			    AUTH_MAXSUBJECT, "x", NULL };

	memset(subject, 'a', AUTH_MAXSUBJECT);
	memcpy(subject, "/CN=", 4);
	check(&l, 1000);
	subject[AUTH_MAXSUBJECT - 1] = 'b';
	l.want = "x";
	check(&l, 1001);
}

int
main(void)
{
	size_t	i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		check(&lines[i], i);
	check_fingerprint();
	check_long();
	return (0);
}
