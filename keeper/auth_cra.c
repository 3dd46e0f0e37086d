/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * WAMP, Challenge Response Authentication: the client signs a JSON text of
 * ours by a secret it shares with us, or by a key derived from it.
 */
#include <openssl/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cra.h"
#include "credtext.h"
#include "keeper.h"
#include "users.h"
#include "usersfile.h"
#include "wamp.h"

/* A buffer that a JSON text is written into. */
struct json {
	char	*p;
	size_t	 len, size;	/* one octet stays for the NUL */
};

static void
json_add(struct json *j, const char *s, size_t len)
{
	if (len >= j->size - j->len)
		len = j->size - j->len - 1;
	memcpy(j->p + j->len, s, len);
	j->len += len;
	j->p[j->len] = '\0';
}

static void
json_raw(struct json *j, const char *s)
{
	json_add(j, s, strlen(s));
}

/* A string with its quotes; UTF-8 stays as it is. */
static void
json_str(struct json *j, const char *s)
{
	char	esc[8];

	json_raw(j, "\"");
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			json_raw(j, "\\");
		if ((unsigned char)*s >= 0x20)
			json_add(j, s, 1);
		else {
			snprintf(esc, sizeof(esc), "\\u%04x",
			    (unsigned int)*s);
			json_raw(j, esc);
		}
	}
	json_raw(j, "\"");
}

static void
json_member(struct json *j, const char *key, const char *value)
{
	json_raw(j, j->len > 1 ? ",\"" : "\"");
	json_raw(j, key);
	json_raw(j, "\":");
	json_str(j, value);
}

/* UTC, ISO 8601, with milliseconds. */
static void
now_text(char buf[32])
{
	struct timespec	ts;
	struct tm	tm;
	size_t		n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, 32 - n, ".%03ldZ", ts.tv_nsec / 1000000);
}

/*
 * The seven members that WAMP, Challenge Response Authentication asks for.
 * Names of 256 octets each, all escaped, still fit.
 */
static void
text_make(const struct dialogue *d, char *buf, size_t size)
{
	struct json	j = { buf, 0, size };
	uint8_t		nonce[24];
	char		text[64];

	arc4random_buf(nonce, sizeof(nonce));
	cred_b64_encode(nonce, sizeof(nonce), text, sizeof(text));
	json_raw(&j, "{");
	json_member(&j, "authid", d->authid);
	json_member(&j, "authrole", d->role);
	json_member(&j, "authmethod", wamp_auth_name(d->bit));
	json_member(&j, "authprovider", d->call != NULL ? "dynamic" :
	    "static");
	json_member(&j, "nonce", text);
	now_text(text);
	json_member(&j, "timestamp", text);
	snprintf(text, sizeof(text), ",\"session\":%llu}",
	    (unsigned long long)d->session);
	json_raw(&j, text);
}

/* A salt as ours are made, as long as the neighbour's. */
static void
salt_make(const struct dialogue *d, char *out)
{
	uint8_t	raw[64];
	char	text[CRED_B64_SIZE(sizeof(raw))];
	size_t	n = d->proof->saltlen;

	/* made for all, or the time would tell */
	dialogue_fake(d, "salt", raw, sizeof(raw));
	cred_b64_encode(raw, sizeof(raw), text, sizeof(text));
	memcpy(out, d->is_fake ? text : (const char *)d->proof->salt, n);
	out[n] = '\0';
}

static int
cra_challenge(struct dialogue *d, const struct ask *q, struct challenge *c)
{
	const struct proof	*p = d->proof;

	(void)q;
	text_make(d, c->challenge, sizeof(c->challenge));
	if (p->saltlen > 0) {
		salt_make(d, c->salt);
		c->m.iterations = p->iterations;
		c->m.keylen = p->secretlen;
	}
	return ((d->u.cra = strdup(c->challenge)) != NULL ? 0 : -1);
}

static int
cra_dynamic_key(const struct dialogue *d, uint8_t *key, size_t *len)
{
	*len = d->is_fake ? 32 : authcall_secret(d->call, key);
	return (*len > 0 ? 0 : -1);
}

static enum check
cra_answer(struct dialogue *d, const struct response *r)
{
	uint8_t		*key, rnd[USERS_SECRET_MAX];
	size_t		 len = USERS_SECRET_MAX;
	enum check	 c = CHECK_BUSY;

	if ((key = OPENSSL_secure_malloc(USERS_SECRET_MAX)) == NULL)
		return (CHECK_BUSY);
	/* a derived key is used in base64, as Autobahn and Crossbar do, of
	 * which the specification says nothing (notes: T87) */
	if (d->call != NULL ? cra_dynamic_key(d, key, &len) == 0 :
	    users_cra_key(d->users, d->proof, key, &len) == 0) {
		/* the neighbour's opens nothing for somebody else; drawn for
		 * all, or the time would tell */
		arc4random_buf(rnd, len);
		if (d->is_fake)
			memcpy(key, rnd, len);
		c = cra_check(key, len, d->u.cra, r->sig.p, r->sig.len) ?
		    CHECK_RIGHT : CHECK_WRONG;
	}
	OPENSSL_secure_clear_free(key, USERS_SECRET_MAX);
	return (c);
}

static void
cra_end(struct dialogue *d)
{
	free(d->u.cra);
}

const struct dialogue_method	 cra_method = {
	cra_challenge, cra_answer, cra_end
};
