/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Sessions that a line of wampd.conf(5) let in (a local user, a certificate,
 * whom a procedure knows, anybody) are as good as that line: when a reload takes it away, or changes
 * whom it names or as what, they end.
 */
#include <string.h>

#include "conf.h"
#include "kdf.h"
#include "keeper.h"

/* Fields one after another, each text with its NUL. */
struct fields {
	uint8_t	 buf[4 * CONF_MAXNAME + AUTH_MAXSUBJECT + 8192];
	size_t	 len;
};

static void
add(struct fields *f, const void *p, size_t len)
{
	if (len > sizeof(f->buf) - f->len)
		len = sizeof(f->buf) - f->len;
	memcpy(f->buf + f->len, p, len);
	f->len += len;
}

static void
add_text(struct fields *f, const char *s)
{
	if (s == NULL)
		s = "";
	add(f, s, strlen(s) + 1);
}

/* The same in each keeper and after each reload; never 0. */
uint64_t
auth_line_proof(const struct conf_auth *a)
{
	static const uint8_t	key[KDF_HMACLEN];
	struct fields		f;
	uint8_t			hash[KDF_HMACLEN];
	uint64_t		proof = 0;

	f.len = 0;
	add(&f, &a->method, sizeof(a->method));
	add(&f, &a->what, sizeof(a->what));
	add(&f, &a->id, sizeof(a->id));
	add_text(&f, a->role_name);
	add_text(&f, a->authid);
	add_text(&f, a->name);
	if (a->what == CONF_AUTH_DYNAMIC) {
		add(&f, &a->dynamic.realm_id, sizeof(a->dynamic.realm_id));
		add_text(&f, a->dynamic.procedure);
	}
	if (kdf_hmac(key, sizeof(key), f.buf, f.len, hash) == 0)
		memcpy(&proof, hash, sizeof(proof));
	return (proof | 1);
}

/* Of all lines that are not a users file's, which are userset.c's. */
static uint32_t
line_proofs(const struct conf_realm *r, uint64_t proofs[CONF_MAXROLES])
{
	const struct conf_auth	*a;
	uint32_t		 n = 0;

	TAILQ_FOREACH(a, &r->auths, entry)
		if (a->what != CONF_AUTH_USERS && n < CONF_MAXROLES)
			proofs[n++] = auth_line_proof(a);
	return (n);
}

static void
lines_gone(const struct conf_realm *was, const struct conf_realm *r)
{
	uint64_t	old[CONF_MAXROLES], new[CONF_MAXROLES];
	uint32_t	i, j, ngone = 0;
	uint32_t	nold = line_proofs(was, old);
	uint32_t	nnew = line_proofs(r, new);

	_Static_assert(CONF_MAXROLES <= REVOKE_MAX, "lines of a realm");
	for (i = 0; i < nold; i++) {
		for (j = 0; j < nnew && new[j] != old[i]; j++)
			;
		if (j == nnew)
			old[ngone++] = old[i];
	}
	auth_revoke(r, old, ngone);
}

void
auth_lines_commit(const struct conf *old)
{
	const struct conf_realm	*was, *r;

	TAILQ_FOREACH(was, &old->realms, entry)
		if ((r = conf_find_realm_id(keeper.conf, was->id)) != NULL)
			lines_gone(was, r);
}
