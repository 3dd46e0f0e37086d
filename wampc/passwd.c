/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampc passwd: a line of wampd.users(5) from a password.
 */
#include <sys/types.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "credtext.h"
#include "kdf.h"
#include "log.h"
#include "scram.h"
#include "usersfile.h"
#include "wamp.h"
#include "wampc.h"

#define SALT_OCTETS	16
#define ARGON2_PASSES	3
#define ARGON2_MEMORY	65536	/* KiB */
#define PBKDF2_ITERATIONS 100000
#define CRA_OCTETS	32

/* -- verifiers ---------------------------------------------------------- */

static int
make_ticket(struct users_line *l, const char *password)
{
	struct kdf_cost	cost = { ARGON2_PASSES, ARGON2_MEMORY, 1 };

	l->methods = AUTH_TICKET;
	l->iterations = cost.t;
	l->memory = cost.m;
	l->parallel = cost.p;
	arc4random_buf(l->salt, l->saltlen = SALT_OCTETS);
	return (kdf_argon2id(password, strlen(password), l->salt, l->saltlen,
	    &cost, l->secret, l->secretlen = 32));
}

/* The salt is text: these octets in hexadecimal. */
static int
make_cra(struct users_line *l, const char *password)
{
	uint8_t	octets[SALT_OCTETS];
	char	text[2 * SALT_OCTETS + 1];

	l->methods = AUTH_WAMPCRA;
	l->iterations = PBKDF2_ITERATIONS;
	arc4random_buf(octets, sizeof(octets));
	cred_hex_encode(octets, sizeof(octets), text);
	memcpy(l->salt, text, l->saltlen = strlen(text));
	return (kdf_pbkdf2(password, strlen(password), l->salt, l->saltlen,
	    l->iterations, l->secret, l->secretlen = CRA_OCTETS));
}

static int
make_scram(struct users_line *l, const char *password, enum scram_kdf kdf)
{
	struct scram_exchange	x;
	uint8_t			salted[SCRAM_SALTED_MAX];
	uint8_t			client[SCRAM_KEYLEN];
	char			salt[CRED_B64_SIZE(SALT_OCTETS)];
	size_t			len;

	if (scram_kdf_speaks(kdf, SCRAM_SPEC))
		l->methods |= AUTH_WAMP_SCRAM;
	if (scram_kdf_speaks(kdf, SCRAM_AUTOBAHN))
		l->methods |= AUTH_SCRAM;
	l->kdf = (uint8_t)kdf;
	l->iterations = kdf == SCRAM_PBKDF2 ? PBKDF2_ITERATIONS :
	    ARGON2_PASSES;
	l->memory = kdf == SCRAM_PBKDF2 ? 0 : ARGON2_MEMORY;
	arc4random_buf(l->salt, l->saltlen = SALT_OCTETS);
	(void)cred_b64_encode(l->salt, l->saltlen, salt, sizeof(salt));

	memset(&x, 0, sizeof(x));
	x.salt = salt;
	x.kdf = kdf;
	x.iterations = l->iterations;
	x.memory = l->memory;
	if (scram_salted(password, &x, salted, &len) == -1)
		return (-1);
	scram_keys(salted, len, client, l->secret,
	    l->secret + SCRAM_KEYLEN);
	l->secretlen = 2 * SCRAM_KEYLEN;
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
	return (0);
}

/* -- the line ----------------------------------------------------------- */

static const char *
copy_name(char out[USERS_NAME_MAX + 1], size_t *len, const char *name)
{
	if ((*len = strlen(name)) > USERS_NAME_MAX)
		return ("too long");
	if (*len == 0)
		return ("empty");
	memcpy(out, name, *len + 1);
	return (NULL);
}

int
users_line_names(struct users_line *l, const char *authid, const char *role)
{
	char		 text[USERS_LINE_MAX + 1];
	const char	*why;
	int		 rc;

	if ((why = copy_name(l->authid, &l->authidlen, authid)) != NULL) {
		log_warnx("authid: %s", why);
		return (-1);
	}
	if ((why = copy_name(l->role, &l->rolelen, role)) != NULL) {
		log_warnx("-r: %s", why);
		return (-1);
	}
	/* whatever the method, whether the names may stand there */
	l->methods = AUTH_CRYPTOSIGN;
	l->secretlen = USERS_KEY_LEN;
	rc = users_line_print(l, text, sizeof(text));
	l->methods = 0;
	l->secretlen = 0;
	if (rc == -1)
		log_warnx("this authid or role cannot stand in a users file");
	return (rc == -1 ? -1 : 0);
}

int
users_line_write(struct users_line *l)
{
	char	text[USERS_LINE_MAX + 1];
	int	rc = -1;

	if (users_line_print(l, text, sizeof(text)) == -1)
		log_warnx("this authid or role cannot stand in a users file");
	else if (puts(text) == EOF || fflush(stdout) == EOF)
		log_warn("standard output");
	else
		rc = 0;
	explicit_bzero(text, sizeof(text));
	users_line_clear(l);
	return (rc);
}

/* -- the password ------------------------------------------------------- */

static int
ask_twice(char password[SECRET_SIZE], char *why, size_t size)
{
	char	again[SECRET_SIZE];
	int	rc = -1;

	if (secret_ask("New password: ", password, why, size) == -1)
		return (-1);
	if (secret_ask("The same again: ", again, why, size) == 0) {
		if (strcmp(password, again) == 0)
			rc = 0;
		else
			snprintf(why, size, "these are two passwords");
	}
	explicit_bzero(again, sizeof(again));
	return (rc);
}

/* RFC 5802, 2.2: and it must leave something. */
static int
is_preparable(const char *password)
{
	char	out[SCRAM_PASSWORD_MAX + 1];
	int	ok;

	ok = kdf_saslprep(password, strlen(password), out,
	    sizeof(out)) == 0 && out[0] != '\0';
	explicit_bzero(out, sizeof(out));
	return (ok);
}

__attribute__((noreturn))
static void
usage(void)
{
	fprintf(stderr, "usage: wampc passwd -m ticket|wampcra|scram [-r role]"
	    " [-k kdf] authid\n");
	exit(ST_USAGE);
}

static int
make_line(struct users_line *l, const char *method, enum scram_kdf kdf,
    const char *password)
{
	int	rc;

	if (strcmp(method, "ticket") == 0)
		rc = make_ticket(l, password);
	else if (strcmp(method, "wampcra") == 0)
		rc = make_cra(l, password);
	else if (kdf != SCRAM_ARGON2ID13_AUTOBAHN &&
	    !is_preparable(password)) {
		log_warnx("the password has characters that SASLprep "
		    "(RFC 4013) prohibits");
		return (-1);
	} else
		rc = make_scram(l, password, kdf);
	if (rc == -1)
		log_warnx("not enough memory for the hash");
	return (rc);
}

int
passwd_main(int argc, char **argv)
{
	struct users_line	 l;
	const char		*method = NULL, *role = "user";
	char			 password[SECRET_SIZE], why[512];
	int			 ch, rc, kdf = 0;

	while ((ch = getopt(argc, argv, "k:m:r:")) != -1)
		switch (ch) {
		case 'k':
			kdf = scram_kdf_parse(optarg, strlen(optarg));
			if (kdf == 0) {
				log_warnx("-k: must be argon2id13, "
				    "argon2id-13 or pbkdf2");
				return (ST_USAGE);
			}
			break;
		case 'm':
			method = optarg;
			break;
		case 'r':
			role = optarg;
			break;
		default:
			usage();
		}
	if (method == NULL || argc - optind != 1)
		usage();
	if (strcmp(method, "ticket") != 0 && strcmp(method, "wampcra") != 0 &&
	    strcmp(method, "scram") != 0) {
		log_warnx("-m: must be ticket, wampcra or scram");
		return (ST_USAGE);
	}
	if (kdf != 0 && strcmp(method, "scram") != 0) {
		log_warnx("-k: for scram only");
		return (ST_USAGE);
	}
	memset(&l, 0, sizeof(l));
	if (users_line_names(&l, argv[optind], role) == -1)
		return (ST_USAGE);
	rc = isatty(STDIN_FILENO) ? ask_twice(password, why, sizeof(why)) :
	    secret_input(password, why, sizeof(why));
	if (rc == -1)
		log_warnx("%s", why);
	else
		rc = make_line(&l, method, kdf != 0 ? (enum scram_kdf)kdf :
		    SCRAM_ARGON2ID13, password);
	explicit_bzero(password, sizeof(password));
	if (rc == 0)
		rc = users_line_write(&l);
	users_line_clear(&l);
	return (rc == 0 ? ST_OK : ST_USAGE);
}
