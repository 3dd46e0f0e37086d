/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * wampc key: an Ed25519 pair for cryptosign, the private key to a file and
 * the public one, or a line of wampd.users(5) with it, to standard output.
 */
#include <sys/types.h>
#include <sys/prctl.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "credtext.h"
#include "cryptosign.h"
#include "log.h"
#include "usersfile.h"
#include "wamp.h"
#include "wampc.h"

#define DEFAULT_FILE	"wampc.key"

/* A new file of the seed in hexadecimal, or none at all. */
static int
write_seed(const char *path, const uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	char	text[2 * CRYPTOSIGN_KEYLEN + 2];
	size_t	len;
	int	fd, bad;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		log_warn("%s", path);
		return (-1);
	}
	cred_hex_encode(seed, CRYPTOSIGN_KEYLEN, text);
	len = strlen(text);
	text[len++] = '\n';
	bad = write(fd, text, len) != (ssize_t)len || fsync(fd) == -1;
	explicit_bzero(text, sizeof(text));
	if (close(fd) == -1 || bad) {
		log_warn("%s", path);
		(void)unlink(path);
		return (-1);
	}
	return (0);
}

static int
print_public(const uint8_t pub[CRYPTOSIGN_KEYLEN])
{
	char	text[2 * CRYPTOSIGN_KEYLEN + 1];

	cred_hex_encode(pub, CRYPTOSIGN_KEYLEN, text);
	if (puts(text) == EOF || fflush(stdout) == EOF) {
		log_warn("standard output");
		return (-1);
	}
	return (0);
}

__attribute__((noreturn))
static void
usage(void)
{
	fprintf(stderr, "usage: wampc key [-i file | -o file] [-r role]"
	    " [authid]\n");
	exit(ST_USAGE);
}

/* The key of a file, or a new one. */
static int
get_seed(const char *in, uint8_t seed[CRYPTOSIGN_KEYLEN])
{
	char	why[512];

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (in == NULL) {
		arc4random_buf(seed, CRYPTOSIGN_KEYLEN);
		return (0);
	}
	if (keyfile_read(in, seed, why, sizeof(why)) == 0)
		return (0);
	log_warnx("%s", why);
	return (-1);
}

static int
make_pair(const char *in, const char *out, struct users_line *l)
{
	uint8_t	seed[CRYPTOSIGN_KEYLEN];
	int	rc;

	if ((rc = get_seed(in, seed)) == 0 &&
	    (rc = cryptosign_public(seed, l->secret)) == -1)
		log_warnx("libcrypto failed");
	if (rc == 0 && in == NULL)
		rc = write_seed(out, seed);
	explicit_bzero(seed, sizeof(seed));
	return (rc);
}

int
key_main(int argc, char **argv)
{
	struct users_line	 l;
	const char		*in = NULL, *out = NULL, *role = NULL;
	int			 ch, has_name;

	while ((ch = getopt(argc, argv, "i:o:r:")) != -1)
		switch (ch) {
		case 'i':
			in = optarg;
			break;
		case 'o':
			out = optarg;
			break;
		case 'r':
			role = optarg;
			break;
		default:
			usage();
		}
	has_name = argc - optind == 1;
	if (argc - optind > 1 || (in != NULL && out != NULL) ||
	    (role != NULL && !has_name))
		usage();
	memset(&l, 0, sizeof(l));
	if (has_name && users_line_names(&l, argv[optind],
	    role != NULL ? role : "user") == -1)
		return (ST_USAGE);
	l.methods = AUTH_CRYPTOSIGN;
	l.secretlen = CRYPTOSIGN_KEYLEN;
	if (make_pair(in, out != NULL ? out : DEFAULT_FILE, &l) == -1)
		return (ST_USAGE);
	if ((has_name ? users_line_write(&l) : print_public(l.secret)) == -1)
		return (ST_USAGE);
	return (ST_OK);
}
