/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * One line of a users file, printed so that it parses to the same.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "credtext.h"
#include "scram.h"
#include "usersfile.h"
#include "wamp.h"

/* Where a line is printed to. */
struct out {
	char	*p;
	size_t	 size, len;
	int	 is_full;
};

static void
put(struct out *o, const void *text, size_t len)
{
	if (o->is_full || len >= o->size - o->len) {
		o->is_full = 1;
		return;
	}
	memcpy(o->p + o->len, text, len);
	o->len += len;
	o->p[o->len] = '\0';
}

__attribute__((format(printf, 2, 3)))
static void
putf(struct out *o, const char *fmt, ...)
{
	va_list	ap;
	char	buf[64];
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(buf))
		o->is_full = 1;
	else
		put(o, buf, (size_t)n);
}

/* In quotes if it has to be. */
static void
put_text(struct out *o, const void *text, size_t len)
{
	const char	*p = text;
	size_t		 i, needs = 0;

	for (i = 0; i < len; i++)
		needs += strchr(" :,\"\\#=", p[i]) != NULL;
	if (needs == 0) {
		put(o, p, len);
		return;
	}
	put(o, "\"", 1);
	for (i = 0; i < len; i++) {
		if (p[i] == '"' || p[i] == '\\')
			put(o, "\\", 1);
		put(o, p + i, 1);
	}
	put(o, "\"", 1);
}

static void
put_base64(struct out *o, const char *name, const uint8_t *p, size_t len,
    int is_padded)
{
	put(o, name, strlen(name));
	if (o->is_full || (is_padded ? cred_b64_encode :
	    cred_b64_encode_nopad)(p, len, o->p + o->len, o->size - o->len) ==
	    -1) {
		o->is_full = 1;
		return;
	}
	o->len += strlen(o->p + o->len);
}

static void
print_wampcra(struct out *o, const struct users_line *l)
{
	if (l->saltlen > 0) {
		put(o, "salt=", 5);
		put_text(o, l->salt, l->saltlen);
		putf(o, ",iterations=%u,keylen=%zu,", l->iterations,
		    l->secretlen);
	}
	put_base64(o, "key=", l->secret, l->secretlen, 1);
}

static void
print_scram(struct out *o, const struct users_line *l)
{
	putf(o, "kdf=%s,iterations=%u",
	    scram_kdf_name((enum scram_kdf)l->kdf), l->iterations);
	if (l->kdf != SCRAM_PBKDF2)
		putf(o, ",memory=%u", l->memory);
	put_base64(o, ",salt=", l->salt, l->saltlen, 1);
	put_base64(o, ",stored=", l->secret, USERS_KEY_LEN, 1);
	put_base64(o, ",server=", l->secret + USERS_KEY_LEN, USERS_KEY_LEN,
	    1);
}

static void
print_keys(struct out *o, const struct users_line *l, const char *prefix)
{
	char	hex[2 * USERS_KEY_LEN + 1];
	size_t	i;

	for (i = 0; i + USERS_KEY_LEN <= l->secretlen; i += USERS_KEY_LEN) {
		cred_hex_encode(l->secret + i, USERS_KEY_LEN, hex);
		putf(o, "%s%s", i > 0 ? "," : "", prefix);
		put(o, hex, sizeof(hex) - 1);
	}
}

static void
print_verifier(struct out *o, const struct users_line *l)
{
	if (l->methods & AUTH_TICKET) {
		putf(o, "$argon2id$v=19$m=%u,t=%u,p=%u", l->memory,
		    l->iterations, l->parallel);
		put_base64(o, "$", l->salt, l->saltlen, 0);
		put_base64(o, "$", l->secret, l->secretlen, 0);
	} else if (l->methods & AUTH_WAMPCRA)
		print_wampcra(o, l);
	else if (l->methods & (AUTH_SCRAM | AUTH_WAMP_SCRAM))
		print_scram(o, l);
	else
		print_keys(o, l, l->methods & AUTH_TLS ? "SHA256:" : "");
}

/* Does the text say what the line says? */
static int
prints_back(const char *text, size_t len, const struct users_line *l)
{
	struct users_line	back;
	char			err[128];
	int			is_same;

	is_same = users_line_parse(text, len, &back, err, sizeof(err)) == 1 &&
	    strcmp(back.authid, l->authid) == 0 &&
	    strcmp(back.role, l->role) == 0;
	users_line_clear(&back);
	return (is_same);
}

int
users_line_print(const struct users_line *l, char *buf, size_t size)
{
	const char	*method = users_method_name(l->methods);
	struct out	 o = { .p = buf, .size = size };

	if (size == 0 || method == NULL || l->authidlen > USERS_NAME_MAX ||
	    l->rolelen > USERS_NAME_MAX || l->saltlen > USERS_SALT_MAX ||
	    l->secretlen > sizeof(l->secret))
		return (-1);
	buf[0] = '\0';
	put_text(&o, l->authid, l->authidlen);
	putf(&o, ":%s:", method);
	put_text(&o, l->role, l->rolelen);
	put(&o, ":", 1);
	print_verifier(&o, l);
	if (!o.is_full && prints_back(buf, o.len, l))
		return ((int)o.len);
	explicit_bzero(buf, size);
	return (-1);
}
