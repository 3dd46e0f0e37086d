/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Throw-away certificates for tests, made by regress/lib/certs.sh.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs.h"
#include "conf.h"
#include "xmalloc.h"

static char	dir[256];
static pid_t	owner;

static void
certs_remove(void)
{
	char	cmd[512];

	if (owner != getpid())
		return;		/* a child's exit */
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	if (system(cmd) != 0)
		warnx("%s: not removed", dir);
}

const char *
certs_make(void)
{
	const char	*top = getenv("top"), *tmp = getenv("TMPDIR");
	char		 cmd[1024];

	snprintf(dir, sizeof(dir), "%s/wampd-certs.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		err(1, "%s", dir);
	owner = getpid();
	atexit(certs_remove);
	snprintf(cmd, sizeof(cmd), "sh '%s/regress/lib/certs.sh' '%s'",
	    top != NULL ? top : ".", dir);
	if (system(cmd) != 0)
		errx(1, "certs.sh failed");
	return (dir);
}

uint8_t *
certs_read(const char *name, const char *ext, size_t *len)
{
	struct stat	 st;
	uint8_t		*p;
	FILE		*f;
	char		 path[512];

	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, ext);
	if ((f = fopen(path, "r")) == NULL) {
		if (errno == ENOENT)
			return (NULL);
		err(1, "%s", path);
	}
	if (fstat(fileno(f), &st) == -1)
		err(1, "%s", path);
	*len = (size_t)st.st_size;
	p = xcalloc(1, *len + 1);
	if (fread(p, 1, *len, f) != *len)
		err(1, "%s", path);
	fclose(f);
	return (p);
}

static int
certs_open(const char *name, const char *ext)
{
	char	path[512];
	int	fd;

	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, ext);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 && errno != ENOENT)
		err(1, "%s", path);
	return (fd);
}

struct conf_keypair *
certs_keypair(struct conf *c, const char *cert, const char *key)
{
	struct conf_keypair	*kp = conf_add_keypair(c, cert, strlen(cert));
	static uint32_t		 id;

	kp->id = ++id;
	kp->cert = certs_read(cert, "crt", &kp->certlen);
	kp->key = certs_read(key, "key", &kp->keylen);
	kp->ocsp = certs_read(cert, "ocsp", &kp->ocsplen);
	kp->cert_fd = certs_open(cert, "crt");
	kp->key_fd = certs_open(key, "key");
	kp->ocsp_fd = certs_open(cert, "ocsp");
	return (kp);
}
