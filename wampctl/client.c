/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The other end of the control socket: a request goes there, frames come.
 * Who serves it is looked at before anything is believed.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "wampctl.h"

static int
is_trusted(int fd, const char *path)
{
	struct ucred	cred;
	socklen_t	len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1 ||
	    len != sizeof(cred)) {
		log_warn("%s", path);
		return (0);
	}
	if (cred.uid == 0 || cred.uid == geteuid())
		return (1);
	log_warnx("%s: is served by uid %u, which is neither root nor you",
	    path, (unsigned int)cred.uid);
	return (0);
}

int
client_connect(const char *path)
{
	struct sockaddr_un	sun;
	int			fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		log_warnx("%s: path is too long", path);
		return (-1);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		log_warn("socket");
		return (-1);
	}
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			log_warnx("%s: no wampd serves it", path);
		else
			log_warn("%s", path);
		close(fd);
		return (-1);
	}
	if (!is_trusted(fd, path)) {
		close(fd);
		return (-1);
	}
	return (fd);
}

int
client_send(int fd, const struct ctl_request *r)
{
	size_t	off = 0;
	ssize_t	n;

	while (off < sizeof(*r)) {
		n = send(fd, (const uint8_t *)r + off, sizeof(*r) - off,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		/* it may have said why before it closed */
		if (n == -1 && (errno == EPIPE || errno == ECONNRESET))
			return (0);
		if (n == -1) {
			log_warn("control socket");
			return (-1);
		}
		off += (size_t)n;
	}
	return (0);
}

/* 1, 0: the end came before it, -1. */
static int
read_whole(int fd, void *p, size_t len)
{
	size_t	off = 0;
	ssize_t	n;

	while (off < len) {
		n = read(fd, (uint8_t *)p + off, len - off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno != ECONNRESET) {
			log_warn("control socket");
			return (-1);
		}
		if (n <= 0)
			return (0);
		off += (size_t)n;
	}
	return (1);
}

int
client_frame(int fd, struct frame *f)
{
	int	rv;

	if ((rv = read_whole(fd, &f->h, sizeof(f->h))) != 1)
		return (rv);
	if (f->h.len > sizeof(f->data) || f->h.kind < CTL_ROW ||
	    f->h.kind > CTL_END) {
		log_warnx("control socket: nonsense");
		return (-1);
	}
	return (read_whole(fd, f->data, f->h.len));
}

void
client_error(const struct frame *f)
{
	fprintf(stderr, "wampctl: ");
	print_clean(f->data, f->h.len, stderr);
	fprintf(stderr, "\n");
}
