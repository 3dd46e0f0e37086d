/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Where secrets come from: files that nobody else can read, the terminal,
 * or standard input.  Never from an argument or the environment, which
 * others can see.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <readpassphrase.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"
#include "wampc.h"

/* Up to size octets, and whether there were more. */
static int
read_all(int fd, void *buf, size_t size, size_t *len)
{
	uint8_t	*p = buf, more;
	ssize_t	 n;

	for (*len = 0; *len < size; *len += (size_t)n) {
		if ((n = read(fd, p + *len, size - *len)) == 0)
			return (0);
		if (n == -1 && errno != EINTR)
			return (-1);
		if (n == -1)
			n = 0;
	}
	while ((n = read(fd, &more, 1)) == -1 && errno == EINTR)
		;
	if (n == 1)
		errno = EFBIG;
	return (n == 0 ? 0 : -1);
}

int
secret_file(const char *path, void *buf, size_t size, size_t *len,
    char *why, size_t whysize)
{
	struct stat	st;
	int		fd;

	/* a core file would hold it as well */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if ((fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC)) == -1 ||
	    fstat(fd, &st) == -1) {
		snprintf(why, whysize, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		snprintf(why, whysize, "%s: belongs to user %u", path,
		    (unsigned int)st.st_uid);
		goto fail;
	}
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		snprintf(why, whysize, "%s: others than its owner may read "
		    "or write it (mode %03o)", path,
		    (unsigned int)st.st_mode & 0777);
		goto fail;
	}
	if (read_all(fd, buf, size, len) == -1) {
		snprintf(why, whysize, errno == EFBIG ?
		    "%s: longer than %zu octets" : "%s: cannot be read",
		    path, size);
		explicit_bzero(buf, size);
		goto fail;
	}
	close(fd);
	return (0);
fail:
	if (fd != -1)
		close(fd);
	return (-1);
}

/* One line of text in buf[0] to buf[len - 1]; NULL, or what is wrong. */
static const char *
text_line(char *buf, size_t len)
{
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	if (len == 0)
		return ("empty");
	if (memchr(buf, '\0', len) != NULL || memchr(buf, '\n', len) != NULL)
		return ("not one line of text");
	if (!utf8_ok((const uint8_t *)buf, len))
		return ("not UTF-8");
	return (NULL);
}

int
secret_text(const char *path, char buf[SECRET_SIZE], char *why,
    size_t whysize)
{
	const char	*wrong;
	size_t		 len;

	/* one less: there is a newline, or room for the NUL */
	if (secret_file(path, buf, SECRET_SIZE - 1, &len, why,
	    whysize) == -1)
		return (-1);
	if ((wrong = text_line(buf, len)) == NULL)
		return (0);
	snprintf(why, whysize, "%s: %s", path, wrong);
	explicit_bzero(buf, SECRET_SIZE);
	return (-1);
}

int
secret_ask(const char *prompt, char buf[SECRET_SIZE], char *why,
    size_t whysize)
{
	const char	*wrong;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (readpassphrase(prompt, buf, SECRET_SIZE,
	    RPP_ECHO_OFF | RPP_REQUIRE_TTY) == NULL) {
		snprintf(why, whysize, errno == ENOTTY || errno == ENXIO ?
		    "there is no terminal to ask at" : "cannot ask: %s",
		    strerror(errno));
		return (-1);
	}
	if ((wrong = text_line(buf, strlen(buf))) == NULL)
		return (0);
	snprintf(why, whysize, "the password is %s", wrong);
	explicit_bzero(buf, SECRET_SIZE);
	return (-1);
}

int
secret_input(char buf[SECRET_SIZE], char *why, size_t whysize)
{
	const char	*wrong;
	size_t		 len;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (read_all(STDIN_FILENO, buf, SECRET_SIZE - 1, &len) == -1)
		wrong = errno == EFBIG ? "too long" : "cannot be read";
	else
		wrong = text_line(buf, len);
	if (wrong == NULL)
		return (0);
	snprintf(why, whysize, "standard input: %s", wrong);
	explicit_bzero(buf, SECRET_SIZE);
	return (-1);
}
