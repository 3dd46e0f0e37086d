/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * One line of a users file, parsed.  Nothing is allocated, and no secret
 * copied but into the line's own structure.
 */
#include <string.h>

#include "credtext.h"
#include "scram.h"
#include "uri.h"
#include "usersfile.h"
#include "userslex.h"
#include "wamp.h"

enum opt {
	OPT_KDF,
	OPT_ITERATIONS,
	OPT_MEMORY,
	OPT_KEYLEN,
	OPT_SALT,
	OPT_KEY,
	OPT_STORED,
	OPT_SERVER,
	NOPTS
};

static const char *const	opt_names[NOPTS] = { "kdf", "iterations",
    "memory", "keylen", "salt", "key", "stored", "server" };

struct parse {
	struct lex		 lex;
	struct users_line	*l;
	struct span		 opts[NOPTS];
};

static int	parse_ticket(struct parse *);
static int	parse_wampcra(struct parse *);
static int	parse_scram(struct parse *);
static int	parse_cryptosign(struct parse *);
static int	parse_tls(struct parse *);

static const struct method {
	const char	*name;
	uint32_t	 bits;
	int		(*parse)(struct parse *);
} methods[] = {
	{ "ticket",	AUTH_TICKET,			parse_ticket },
	{ "wampcra",	AUTH_WAMPCRA,			parse_wampcra },
	{ "scram",	AUTH_SCRAM | AUTH_WAMP_SCRAM,	parse_scram },
	{ "cryptosign",	AUTH_CRYPTOSIGN,		parse_cryptosign },
	{ "tls",	AUTH_TLS,			parse_tls },
};
#define NMETHODS	(sizeof(methods) / sizeof(methods[0]))

const char *
users_method_name(uint32_t bits)
{
	size_t	i;

	for (i = 0; i < NMETHODS; i++)
		if (methods[i].bits & bits)
			return (methods[i].name);
	return (NULL);
}

/* The costs of Argon2: t, and m in KiB, which is no less than 8 p. */
static int
argon2_costs(struct parse *ps, const struct span *t, const struct span *m)
{
	struct lex	*lx = &ps->lex;

	if (lex_number(lx, "iterations (t)", t, 1, 64,
	    &ps->l->iterations) == -1 ||
	    lex_number(lx, "memory (m)", m, 8, 262144, &ps->l->memory) == -1)
		return (-1);
	return (0);
}

static int
parse_ticket(struct parse *ps)
{
	struct lex		*lx = &ps->lex;
	struct users_line	*l = ps->l;
	struct span		 m, t, p, salt, hash;

	if (lex_part(lx, "$argon2id$v=19$m=", ',', &m) == -1 ||
	    lex_part(lx, "t=", ',', &t) == -1 ||
	    lex_part(lx, "p=", '$', &p) == -1 ||
	    lex_part(lx, "", '$', &salt) == -1)
		return (lex_bad(lx, "must be $argon2id$v=19$m=...,t=...,p=..."
		    "$salt$hash"));
	if (lex_take(lx, "", &hash) == -1 ||
	    argon2_costs(ps, &t, &m) == -1 ||
	    lex_number(lx, "parallelism (p)", &p, 1, 16,
	    &l->parallel) == -1 ||
	    lex_base64(lx, "salt", &salt, 0, l->salt, 8, USERS_SALT_MAX,
	    &l->saltlen) == -1 ||
	    lex_base64(lx, "hash", &hash, 0, l->secret, 16, USERS_HASH_MAX,
	    &l->secretlen) == -1)
		return (-1);
	if (l->memory < 8 * l->parallel)
		return (lex_bad(lx, "memory (m) must be 8 times "
		    "parallelism (p) or more"));
	return (0);
}

/* name=value,... of those named in allowed, each once; others are NULL. */
static int
take_options(struct parse *ps, unsigned int allowed)
{
	struct lex	*lx = &ps->lex;
	struct span	 name;
	size_t		 i;
	int		 c;

	do {
		if ((c = lex_take(lx, "=,", &name)) == -1)
			return (-1);
		if (c != '=')
			return (lex_bad(lx, "must be name=value,..."));
		for (i = 0; i < NOPTS; i++)
			if ((allowed & 1U << i) && word_is(&name, opt_names[i]))
				break;
		if (i == NOPTS)
			return (lex_bad(lx, "a name before \"=\" that it "
			    "does not have"));
		if (ps->opts[i].p != NULL)
			return (lex_bad(lx, "%s is there twice", opt_names[i]));
		if ((c = lex_take(lx, ",", &ps->opts[i])) == -1)
			return (-1);
	} while (c == ',');
	return (0);
}

/* Those in needed are there, those in barred are not. */
static int
check_options(struct parse *ps, unsigned int needed, unsigned int barred,
    const char *why)
{
	struct lex	*lx = &ps->lex;
	size_t		 i;

	for (i = 0; i < NOPTS; i++) {
		if ((needed & 1U << i) && ps->opts[i].p == NULL)
			return (lex_bad(lx, "%s is missing", opt_names[i]));
		if ((barred & 1U << i) && ps->opts[i].p != NULL)
			return (lex_bad(lx, "%s %s", opt_names[i], why));
	}
	return (0);
}

static int
parse_wampcra(struct parse *ps)
{
	struct lex		*lx = &ps->lex;
	const unsigned int	 salted = 1U << OPT_SALT |
	    1U << OPT_ITERATIONS | 1U << OPT_KEYLEN;
	struct users_line	*l = ps->l;
	const struct span	*o = ps->opts;
	uint32_t		 keylen;

	if (take_options(ps, salted | 1U << OPT_KEY) == -1)
		return (-1);
	if (o[OPT_SALT].p == NULL) {
		if (check_options(ps, 1U << OPT_KEY, salted,
		    "without salt") == -1)
			return (-1);
		return (lex_base64(lx, "key", &o[OPT_KEY], 1, l->secret, 1,
		    USERS_SECRET_MAX, &l->secretlen));
	}
	if (check_options(ps, salted | 1U << OPT_KEY, 0, NULL) == -1)
		return (-1);
	if (span_text(&o[OPT_SALT], l->salt, USERS_SALT_MAX,
	    &l->saltlen) == -1 || l->saltlen == 0)
		return (lex_bad(lx, "salt must be 1 to %d octets of text",
		    USERS_SALT_MAX));
	if (lex_number(lx, "iterations", &o[OPT_ITERATIONS], 1, 10000000,
	    &l->iterations) == -1 ||
	    lex_number(lx, "keylen", &o[OPT_KEYLEN], 16, USERS_HASH_MAX,
	    &keylen) == -1 ||
	    lex_base64(lx, "key", &o[OPT_KEY], 1, l->secret, 16,
	    USERS_HASH_MAX, &l->secretlen) == -1)
		return (-1);
	if (keylen != l->secretlen)
		return (lex_bad(lx, "key has %zu octets, keylen is %u",
		    l->secretlen, keylen));
	return (0);
}

static int
parse_scram(struct parse *ps)
{
	struct lex		*lx = &ps->lex;
	const unsigned int	 needed = 1U << OPT_KDF |
	    1U << OPT_ITERATIONS | 1U << OPT_SALT | 1U << OPT_STORED |
	    1U << OPT_SERVER, memory = 1U << OPT_MEMORY;
	struct users_line	*l = ps->l;
	const struct span	*o = ps->opts;
	size_t			 n;
	int			 kdf, is_pbkdf2;

	if (take_options(ps, needed | memory) == -1 ||
	    check_options(ps, needed, 0, NULL) == -1)
		return (-1);
	if ((kdf = scram_kdf_parse(o[OPT_KDF].p, o[OPT_KDF].len)) == 0)
		return (lex_bad(lx, "kdf must be pbkdf2, argon2id13 or "
		    "argon2id-13"));
	l->kdf = (uint8_t)kdf;
	l->methods = 0;
	if (scram_kdf_speaks(kdf, SCRAM_SPEC))
		l->methods |= AUTH_WAMP_SCRAM;
	if (scram_kdf_speaks(kdf, SCRAM_AUTOBAHN))
		l->methods |= AUTH_SCRAM;
	is_pbkdf2 = kdf == SCRAM_PBKDF2;
	if (check_options(ps, is_pbkdf2 ? 0 : memory, is_pbkdf2 ? memory : 0,
	    "is for Argon2 alone") == -1)
		return (-1);
	if ((is_pbkdf2 ? lex_number(lx, "iterations", &o[OPT_ITERATIONS], 1,
	    10000000, &l->iterations) : argon2_costs(ps, &o[OPT_ITERATIONS],
	    &o[OPT_MEMORY])) == -1)
		return (-1);
	if (lex_base64(lx, "salt", &o[OPT_SALT], 1, l->salt, 8,
	    USERS_SALT_MAX, &l->saltlen) == -1 ||
	    lex_base64(lx, "stored", &o[OPT_STORED], 1, l->secret,
	    USERS_KEY_LEN, USERS_KEY_LEN, &n) == -1 ||
	    lex_base64(lx, "server", &o[OPT_SERVER], 1,
	    l->secret + USERS_KEY_LEN, USERS_KEY_LEN, USERS_KEY_LEN,
	    &n) == -1)
		return (-1);
	l->secretlen = 2 * USERS_KEY_LEN;
	return (0);
}

/* A list of 64 hexadecimal digits, each after the prefix. */
static int
take_keys(struct parse *ps, const char *prefix)
{
	struct lex		*lx = &ps->lex;
	struct users_line	*l = ps->l;
	struct span		 s;
	const size_t		 n = strlen(prefix);
	uint8_t			*key;
	size_t			 i;
	int			 c;

	do {
		if ((c = lex_take(lx, ",", &s)) == -1)
			return (-1);
		if (l->secretlen == sizeof(l->secret))
			return (lex_bad(lx, "more than %d in a line",
			    USERS_KEYS_MAX));
		key = l->secret + l->secretlen;
		if (s.len != n + 2 * USERS_KEY_LEN ||
		    memcmp(s.p, prefix, n) != 0 || cred_hex_decode(s.p + n,
		    s.len - n, key, USERS_KEY_LEN) == -1)
			return (lex_bad(lx, "each must be %s%s%d hexadecimal "
			    "digits", prefix, n > 0 ? " and " : "",
			    2 * USERS_KEY_LEN));
		for (i = 0; i < l->secretlen; i += USERS_KEY_LEN)
			if (memcmp(l->secret + i, key, USERS_KEY_LEN) == 0)
				return (lex_bad(lx, "the same twice"));
		l->secretlen += USERS_KEY_LEN;
	} while (c == ',');
	return (0);
}

static int
parse_cryptosign(struct parse *ps)
{
	return (take_keys(ps, ""));
}

static int
parse_tls(struct parse *ps)
{
	return (take_keys(ps, "SHA256:"));
}

/* An authid or role and the colon after it. */
static int
take_name(struct parse *ps, const char *what, char *out, size_t *len)
{
	struct lex	*lx = &ps->lex;
	struct span	s;
	int		c;

	if ((c = lex_take(lx, ":,", &s)) == -1)
		return (-1);
	if (c == ',')
		return (lex_bad(lx, "%s: a comma in it needs quotes", what));
	if (c != ':')
		return (lex_bad(lx, "must be authid:method:role:verifier"));
	if (span_text(&s, out, USERS_NAME_MAX, len) == -1)
		return (lex_bad(lx, "%s longer than %d octets", what,
		    USERS_NAME_MAX));
	if (*len == 0)
		return (lex_bad(lx, "%s is empty", what));
	return (0);
}

/* UTF-8 without control characters, tabs excepted. */
static int
check_text(struct parse *ps)
{
	struct lex		*lx = &ps->lex;
	const struct uri	 text = { lx->p, (uint16_t)(lx->end - lx->p) };
	const unsigned char	*p = (const unsigned char *)lx->p;
	size_t			 i;

	if (!uri_is_utf8(&text))
		return (lex_bad(lx, "not UTF-8"));
	for (i = 0; i < text.len; i++)
		if ((p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f ||
		    (p[i] == 0xc2 && p[i + 1] < 0xa0))
			return (lex_bad(lx, "a control character"));
	return (0);
}

static int
parse_line(struct parse *ps)
{
	struct lex		*lx = &ps->lex;
	const struct method	*m = NULL;
	struct users_line	*l = ps->l;
	struct span		 s;
	size_t			 i;
	int			 c;

	if (take_name(ps, "authid", l->authid, &l->authidlen) == -1 ||
	    (c = lex_take(lx, ":", &s)) == -1)
		return (-1);
	if (c != ':')
		return (lex_bad(lx, "must be authid:method:role:verifier"));
	for (i = 0; i < NMETHODS; i++)
		if (word_is(&s, methods[i].name))
			m = &methods[i];
	if (m == NULL)
		return (lex_bad(lx, "method must be ticket, wampcra, scram, "
		    "cryptosign or tls"));
	if (take_name(ps, "role", l->role, &l->rolelen) == -1)
		return (-1);
	l->methods = m->bits;
	lx->method = m->name;
	lex_blanks(lx);
	return (m->parse(ps) == -1 ? -1 : 1);
}

int
users_line_parse(const char *text, size_t len, struct users_line *l,
    char *err, size_t errlen)
{
	struct parse	ps = { .lex = { .p = text, .err = err,
	    .errlen = errlen }, .l = l };

	memset(l, 0, sizeof(*l));
	if (len > USERS_LINE_MAX)
		return (lex_bad(&ps.lex, "line longer than %d octets",
		    USERS_LINE_MAX));
	if (len > 0 && text[len - 1] == '\r')
		len--;
	ps.lex.end = text + len;
	if (check_text(&ps) == -1)
		return (-1);
	lex_blanks(&ps.lex);
	if (ps.lex.p == ps.lex.end || *ps.lex.p == '#')
		return (0);
	return (parse_line(&ps));
}

void
users_line_clear(struct users_line *l)
{
	explicit_bzero(l, sizeof(*l));
}
