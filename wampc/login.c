/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Logging in: what HELLO announces, the answer to CHALLENGE, and what
 * WELCOME must prove (WAMP, Authentication).  The arithmetic is libcred's;
 * here is what a router may ask of a client, and how much work.
 */
#include <openssl/crypto.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "cra.h"
#include "credtext.h"
#include "cryptosign.h"
#include "kdf.h"
#include "log.h"
#include "scram.h"
#include "utf8.h"
#include "wamp.h"
#include "wampc.h"

#define TEXT_MAX	8192	/* a CHALLENGE's texts */
#define NONCE_OCTETS	18	/* no padding: a router's may just follow */

/*
 * Work that is done for a router, and that must be done lest a false one
 * gets a hash that is easily guessed from: RFC 7677, 4; a few seconds and
 * 1 GiB of memory at most; 8 MiB filled in all at least.
 */
#define PBKDF2_MIN	4096
#define PBKDF2_MAX	10000000
#define ARGON2_MIN	8192		/* KiB times passes */
#define ARGON2_MAX	16777216
#define MEMORY_MAX	1048576		/* KiB */

#define PASSWORDS	(AUTH_WAMP_SCRAM | AUTH_SCRAM | AUTH_WAMPCRA)
/* Methods that let a client in without CHALLENGE. */
#define SILENT		(AUTH_ANONYMOUS | AUTH_SOCKET | AUTH_TLS)

/* -- what the command line gives ---------------------------------------- */

static void
announce(struct login *l, unsigned int bit)
{
	if (l->methods & bit)
		return;
	l->methods |= bit;
	l->order[l->norder++] = bit;
}

/* --auth: names, separated by commas. */
static const char *
read_methods(struct login *l, const char *list)
{
	const char	*name;
	unsigned int	 bit;
	size_t		 len;

	for (;; list += len + 1) {
		len = strcspn(list, ",");
		for (bit = 1; (name = wamp_auth_name(bit)) != NULL; bit <<= 1)
			if (strlen(name) == len &&
			    memcmp(name, list, len) == 0)
				break;
		if (name == NULL)
			return ("--auth: must be a list of cryptosign, "
			    "wamp-scram, scram, wampcra, ticket, tls, socket "
			    "and anonymous");
		announce(l, bit);
		if (list[len] == '\0')
			return (NULL);
	}
}

/*
 * What the given secrets allow, the best first.  A password that is asked
 * for goes as a ticket only where nobody reads it on the way.
 */
static void
default_methods(struct login *l, const struct options *o)
{
	int	asked;

	asked = o->authid != NULL && o->secretfile == NULL &&
	    o->ticketfile == NULL && o->signkey == NULL;
	if (o->signkey != NULL)
		announce(l, AUTH_CRYPTOSIGN);
	if (o->secretfile != NULL || asked) {
		announce(l, AUTH_WAMP_SCRAM);
		announce(l, AUTH_SCRAM);
		announce(l, AUTH_WAMPCRA);
	}
	if (o->ticketfile != NULL || (asked && !o->insecure))
		announce(l, AUTH_TICKET);
}

static const char *
check_methods(const struct login *l, const struct options *o)
{
	if (o->authid != NULL && (*o->authid == '\0' ||
	    !utf8_ok((const uint8_t *)o->authid, strlen(o->authid))))
		return ("--authid: not a name");
	if (o->authid == NULL && (l->methods & (PASSWORDS | AUTH_TICKET)))
		return ("--authid is missing");
	if (o->signkey == NULL && (l->methods & AUTH_CRYPTOSIGN))
		return ("--key-file is missing");
	if (o->secretfile != NULL && !(l->methods & PASSWORDS))
		return ("--secret-file: --auth names no method that takes it");
	if (o->ticketfile != NULL && !(l->methods & AUTH_TICKET))
		return ("--ticket-file: --auth names no ticket");
	if (o->signkey != NULL && !(l->methods & AUTH_CRYPTOSIGN))
		return ("--key-file: --auth names no cryptosign");
	return (NULL);
}

int
login_prepare(struct login *l, const struct options *o, char *why,
    size_t size)
{
	const char	*wrong = NULL;
	uint8_t		 octets[NONCE_OCTETS];

	if (o->auth != NULL)
		wrong = read_methods(l, o->auth);
	else
		default_methods(l, o);
	if (wrong == NULL)
		wrong = check_methods(l, o);
	if (wrong != NULL) {
		snprintf(why, size, "%s", wrong);
		return (-1);
	}
	if (o->ticketfile != NULL &&
	    secret_text(o->ticketfile, l->ticket, why, size) == -1)
		return (-1);
	if (o->secretfile != NULL &&
	    secret_text(o->secretfile, l->secret, why, size) == -1)
		return (-1);
	if (o->signkey != NULL &&
	    keyfile_read(o->signkey, l->seed, why, size) == -1)
		return (-1);
	arc4random_buf(octets, sizeof(octets));
	return (cred_b64_encode(octets, sizeof(octets), l->nonce,
	    sizeof(l->nonce)));
}

void
login_clear(struct login *l)
{
	explicit_bzero(l->ticket, sizeof(l->ticket));
	explicit_bzero(l->secret, sizeof(l->secret));
	explicit_bzero(l->seed, sizeof(l->seed));
}

/* -- HELLO -------------------------------------------------------------- */

uint32_t
login_count(const struct client *c)
{
	return ((c->o.authid != NULL) + (c->login.methods != 0) +
	    ((c->login.methods & (AUTH_CRYPTOSIGN | AUTH_SCRAM |
	    AUTH_WAMP_SCRAM)) != 0));
}

static void
put_text(struct enc *e, const char *s)
{
	enc_str(e, s, strlen(s));
}

void
login_hello(struct client *c, struct enc *e)
{
	struct login	*l = &c->login;
	uint8_t		 pub[CRYPTOSIGN_KEYLEN];
	char		 hex[2 * CRYPTOSIGN_KEYLEN + 1];
	int		 sign, scram;
	size_t		 i;

	if (c->o.authid != NULL) {
		ENC_KEY(e, "authid");
		put_text(e, c->o.authid);
	}
	if (l->methods == 0)
		return;
	ENC_KEY(e, "authmethods");
	enc_array(e, (uint32_t)l->norder);
	for (i = 0; i < l->norder; i++)
		put_text(e, wamp_auth_name(l->order[i]));
	enc_end(e);
	sign = (l->methods & AUTH_CRYPTOSIGN) != 0;
	scram = (l->methods & (AUTH_SCRAM | AUTH_WAMP_SCRAM)) != 0;
	if (!sign && !scram)
		return;
	ENC_KEY(e, "authextra");
	enc_map(e, (uint32_t)(sign + scram));
	if (sign) {
		if (cryptosign_public(l->seed, pub) == -1)
			memset(pub, 0, sizeof(pub));
		cred_hex_encode(pub, sizeof(pub), hex);
		ENC_KEY(e, "pubkey");
		put_text(e, hex);
	}
	if (scram) {
		ENC_KEY(e, "nonce");
		put_text(e, l->nonce);
	}
	enc_end(e);
}

/* -- members of CHALLENGE ----------------------------------------------- */

static int
get_text(const struct val *dict, const char *name, char *buf, size_t size)
{
	struct val	 v;
	const uint8_t	*p;
	size_t		 len;

	if (!val_member(dict, name, &v) || v.type != VAL_STR ||
	    (p = val_str(&v, (uint8_t *)buf, size, &len)) == NULL ||
	    len >= size || memchr(p, '\0', len) != NULL)
		return (-1);
	memmove(buf, p, len);
	buf[len] = '\0';
	return (0);
}

/* There, and not null? */
static int
has_member(const struct val *dict, const char *name, struct val *v)
{
	return (val_member(dict, name, v) && v->type != VAL_NIL);
}

/* What is missing has the given value; NULL, not there must not be. */
static int
get_number(const struct val *dict, const char *name, const uint32_t *missing,
    uint32_t *n)
{
	struct val	v;

	if (!has_member(dict, name, &v)) {
		if (missing == NULL)
			return (-1);
		*n = *missing;
		return (0);
	}
	if (v.type != VAL_UINT || v.u.u > UINT32_MAX)
		return (-1);
	*n = (uint32_t)v.u.u;
	return (0);
}

/* -- answers ------------------------------------------------------------ */

__attribute__((format(printf, 3, 4)))
static void
give_up(struct client *c, enum status status, const char *fmt, ...)
{
	char	text[512];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	session_reason(c, WAMP_ABORT, "wamp.error.authentication_failed",
	    "cannot authenticate");
	client_fail(c, status, "%s", text);
}

/* AUTHENTICATE; nonce is what wamp-scram repeats, or NULL. */
static void
authenticate(struct client *c, const char *signature, const char *nonce)
{
	struct enc	e;

	session_begin(c, &e, WAMP_AUTHENTICATE, 3);
	put_text(&e, signature);
	enc_map(&e, nonce == NULL ? 0 : 3);
	if (nonce != NULL) {
		ENC_KEY(&e, "nonce");
		put_text(&e, nonce);
		ENC_KEY(&e, "channel_binding");
		enc_nil(&e);
		ENC_KEY(&e, "cbind_data");
		enc_nil(&e);
	}
	enc_end(&e);
	if (session_send(c, &e) == -1)
		give_up(c, ST_REFUSED, "refused: the router takes no message "
		    "as long as AUTHENTICATE");
	explicit_bzero(c->s.msg.buf, c->s.msg.len);
}

/* The secret, which is asked for if no file has it. */
static int
need(struct client *c, char buf[SECRET_SIZE], const char *option)
{
	char	prompt[512], why[512], name[256];

	if (buf[0] != '\0')
		return (0);
	log_vis(name, sizeof(name), c->o.authid, strlen(c->o.authid));
	snprintf(prompt, sizeof(prompt), "Password of %s: ", name);
	if (secret_ask(prompt, buf, why, sizeof(why)) == -1) {
		give_up(c, ST_USAGE, "%s for the router, which wants a "
		    "password; give %s", why, option);
		return (-1);
	}
	/* the time that it took is not the router's */
	event_base_update_cache_time(c->base);
	client_await(c, 1);
	return (0);
}

static const char *
answer_ticket(struct client *c, const struct val *extra)
{
	(void)extra;
	if (need(c, c->login.ticket, "--ticket-file") == 0)
		authenticate(c, c->login.ticket, NULL);
	return (NULL);
}

static const char *
answer_cra(struct client *c, const struct val *extra)
{
	static const uint32_t	iterations = 1000, keylen = 32;
	struct login		*l = &c->login;
	struct val		 v;
	char			 text[TEXT_MAX], salt[TEXT_MAX];
	char			 key[CRED_B64_SIZE(CRA_KEYLEN_MAX)];
	char			 sig[CRA_SIGLEN + 1];
	uint32_t		 n, len;

	if (get_text(extra, "challenge", text, sizeof(text)) == -1)
		return ("CHALLENGE without a challenge");
	if (!has_member(extra, "salt", &v)) {
		if (need(c, l->secret, "--secret-file") == -1)
			return (NULL);
		cra_sign(l->secret, strlen(l->secret), text, sig);
		authenticate(c, sig, NULL);
		return (NULL);
	}
	if (get_text(extra, "salt", salt, sizeof(salt)) == -1 ||
	    get_number(extra, "iterations", &iterations, &n) == -1 ||
	    get_number(extra, "keylen", &keylen, &len) == -1 ||
	    n == 0 || len == 0 || len > CRA_KEYLEN_MAX)
		return ("CHALLENGE with a malformed salt");
	if (n > PBKDF2_MAX) {
		give_up(c, ST_REFUSED, "refused: the router asks for %u "
		    "iterations, more than %u", n, PBKDF2_MAX);
		return (NULL);
	}
	if (need(c, l->secret, "--secret-file") == -1)
		return (NULL);
	if (cra_derive(l->secret, salt, n, len, key, sizeof(key)) == -1) {
		give_up(c, ST_CONNECT, "out of memory");
		return (NULL);
	}
	cra_sign(key, strlen(key), text, sig);
	explicit_bzero(key, sizeof(key));
	authenticate(c, sig, NULL);
	return (NULL);
}

static const char *
answer_cryptosign(struct client *c, const struct val *extra)
{
	struct val	v;
	uint8_t		out[CRYPTOSIGN_SIGLEN + 32];
	char		text[2 * sizeof(out) + 1];

	/* WAMP-Cryptosign, Channel Binding: as requested, so none */
	if (has_member(extra, "channel_binding", &v))
		return ("CHALLENGE with a channel binding, unasked");
	if (get_text(extra, "challenge", text, sizeof(text)) == -1 ||
	    cred_hex_decode(text, strlen(text), out + CRYPTOSIGN_SIGLEN,
	    32) == -1)
		return ("CHALLENGE without 32 octets to sign");
	if (cryptosign_sign(c->login.seed, out + CRYPTOSIGN_SIGLEN, 32,
	    out) == -1) {
		give_up(c, ST_CONNECT, "out of memory");
		return (NULL);
	}
	cred_hex_encode(out, sizeof(out), text);
	authenticate(c, text, NULL);
	return (NULL);
}

/* -- SCRAM -------------------------------------------------------------- */

struct scram_texts {
	char	nonce[512];
	char	salt[CRED_B64_SIZE(SCRAM_SALT_MAX)];
};

static const char *
read_scram(struct client *c, const struct val *extra,
    struct scram_exchange *x, struct scram_texts *t)
{
	static const uint32_t	none = 0;
	struct val		v;
	uint8_t			salt[SCRAM_SALT_MAX];
	char			kdf[32];
	size_t			len;
	int			n;

	memset(x, 0, sizeof(*x));
	x->dialect = c->login.method == AUTH_SCRAM ? SCRAM_AUTOBAHN :
	    SCRAM_SPEC;
	x->authid = c->o.authid;
	x->client_nonce = c->login.nonce;
	x->nonce = t->nonce;
	x->salt = t->salt;
	if (get_text(extra, "nonce", t->nonce, sizeof(t->nonce)) == -1 ||
	    strchr(t->nonce, ',') != NULL)
		return ("CHALLENGE without a nonce");
	if (get_text(extra, "salt", t->salt, sizeof(t->salt)) == -1 ||
	    cred_b64_decode(t->salt, strlen(t->salt), salt, sizeof(salt),
	    &len) == -1 || len < 8)
		return ("CHALLENGE without a salt of 8 octets at least");
	if (get_text(extra, "kdf", kdf, sizeof(kdf)) == -1 ||
	    (n = scram_kdf_parse(kdf, strlen(kdf))) == 0 ||
	    !scram_kdf_speaks((enum scram_kdf)n, x->dialect))
		return ("CHALLENGE with an unknown kdf");
	x->kdf = (enum scram_kdf)n;
	if (get_number(extra, "iterations", NULL, &x->iterations) == -1 ||
	    get_number(extra, "memory", &none, &x->memory) == -1)
		return ("CHALLENGE with malformed costs");
	if (has_member(extra, "channel_binding", &v) &&
	    !(v.type == VAL_STR && val_is(&v, "", 0)))
		return ("CHALLENGE with a channel binding, unasked");
	return (NULL);
}

/* Is it as much work as is proper?  If not, that was said. */
static int
check_costs(struct client *c, const struct scram_exchange *x)
{
	uint64_t	work = (uint64_t)x->iterations * x->memory;

	if (x->kdf == SCRAM_PBKDF2) {
		if (x->iterations >= PBKDF2_MIN && x->iterations <= PBKDF2_MAX)
			return (0);
		give_up(c, ST_REFUSED, "refused: the router asks for %u "
		    "iterations, which is not from %u to %u", x->iterations,
		    PBKDF2_MIN, PBKDF2_MAX);
		return (-1);
	}
	if (x->memory <= MEMORY_MAX && work >= ARGON2_MIN &&
	    work <= ARGON2_MAX)
		return (0);
	give_up(c, ST_REFUSED, "refused: the router asks for %u iterations "
	    "over %u KiB, which is over %u KiB or not from %u to %u KiB in "
	    "all", x->iterations, x->memory, MEMORY_MAX, ARGON2_MIN,
	    ARGON2_MAX);
	return (-1);
}

/* The proof, and what the router has to prove in turn. */
static int
prove(struct client *c, const struct scram_exchange *x, const char *password,
    char proof[SCRAM_TEXTLEN + 1])
{
	uint8_t	salted[SCRAM_SALTED_MAX], client[SCRAM_KEYLEN];
	uint8_t	stored[SCRAM_KEYLEN], server[SCRAM_KEYLEN];
	char	*msg;
	size_t	 len;

	if (scram_salted(password, x, salted, &len) == -1) {
		give_up(c, ST_USAGE, "the password has characters that "
		    "SASLprep (RFC 4013) prohibits, or memory is short");
		return (-1);
	}
	scram_keys(salted, len, client, stored, server);
	explicit_bzero(salted, sizeof(salted));
	if ((msg = scram_auth_message(x)) != NULL) {
		scram_proof(client, stored, msg, proof);
		scram_signature(server, msg, c->login.signature);
		free(msg);
	} else
		give_up(c, ST_USAGE, "--authid: has characters that SASLprep "
		    "(RFC 4013) prohibits");
	explicit_bzero(client, sizeof(client));
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(server, sizeof(server));
	return (msg != NULL ? 0 : -1);
}

static const char *
answer_scram(struct client *c, const struct val *extra)
{
	struct scram_exchange	 x;
	struct scram_texts	 t;
	struct login		*l = &c->login;
	char			 proof[SCRAM_TEXTLEN + 1];
	const char		*why;

	if ((why = read_scram(c, extra, &x, &t)) != NULL)
		return (why);
	/* WAMP-SCRAM: the client MUST respond with ABORT if it does not */
	if (strncmp(t.nonce, l->nonce, strlen(l->nonce)) != 0 ||
	    strlen(t.nonce) == strlen(l->nonce)) {
		give_up(c, ST_TRUST, "router not trusted: its nonce does not "
		    "continue ours");
		return (NULL);
	}
	if (check_costs(c, &x) == -1 ||
	    need(c, l->secret, "--secret-file") == -1 ||
	    prove(c, &x, l->secret, proof) == -1)
		return (NULL);
	authenticate(c, proof, x.dialect == SCRAM_SPEC ? t.nonce : NULL);
	return (NULL);
}

/* -- the dialogue ------------------------------------------------------- */

static const struct {
	unsigned int	 bit;
	const char	*(*answer)(struct client *, const struct val *extra);
} answers[] = {
	{ AUTH_TICKET,		answer_ticket },
	{ AUTH_WAMPCRA,		answer_cra },
	{ AUTH_SCRAM,		answer_scram },
	{ AUTH_WAMP_SCRAM,	answer_scram },
	{ AUTH_CRYPTOSIGN,	answer_cryptosign },
};
#define NANSWERS	(sizeof(answers) / sizeof(answers[0]))

const char *
login_challenge(struct client *c, const struct val *method,
    const struct val *extra)
{
	struct login	*l = &c->login;
	const uint8_t	*p;
	uint8_t		 buf[64];
	const char	*name;
	char		 text[128];
	size_t		 i, len;

	if (l->method != 0)
		return ("a second CHALLENGE");
	for (i = 0; i < NANSWERS; i++) {
		name = wamp_auth_name(answers[i].bit);
		if ((l->methods & answers[i].bit) != 0 &&
		    val_is(method, name, strlen(name))) {
			l->method = answers[i].bit;
			return (answers[i].answer(c, extra));
		}
	}
	if ((p = val_str(method, buf, sizeof(buf), &len)) == NULL)
		len = 0;
	log_vis(text, sizeof(text), p, len);
	give_up(c, ST_REFUSED, "refused: the router asks for authentication "
	    "by %s", text);
	return (NULL);
}

const char *
login_welcome(struct client *c, const struct val *details)
{
	struct login	*l = &c->login;
	struct val	 extra;
	char		 sig[128];
	const char	*p = sig;
	int		 spec = l->method == AUTH_WAMP_SCRAM;

	login_clear(l);
	if (l->method == 0 && l->methods != 0 && (l->methods & SILENT) == 0)
		return ("it asks for no proof");
	if (!spec && l->method != AUTH_SCRAM)
		return (NULL);
	if (!val_member(details, "authextra", &extra) ||
	    extra.type != VAL_MAP || val_map_check(&extra) == -1 ||
	    get_text(&extra, spec ? "verifier" : "scram_server_signature",
	    sig, sizeof(sig)) == -1)
		return ("it does not prove that it knows the password");
	/* the specification says base64, and shows RFC 5802's "v=" before */
	if (spec && strncmp(p, "v=", 2) == 0)
		p += 2;
	if (l->signature[0] == '\0' || strlen(p) != SCRAM_TEXTLEN ||
	    CRYPTO_memcmp(p, l->signature, SCRAM_TEXTLEN) != 0)
		return ("its proof that it knows the password is wrong");
	return (NULL);
}
