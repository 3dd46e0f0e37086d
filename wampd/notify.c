/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the supervisor that started us is told: systemd by datagrams to
 * NOTIFY_SOCKET (sd_notify(3)), s6 and its like by a newline to a descriptor
 * (-N).  Where there is neither, nothing is sent.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wampd.h"

#define SEND_WITHIN	1	/* s: one that does not read is not waited for */

/*
 * Nobody we start shall speak for us: the variable goes.  A supervisor that
 * cannot be told anything is no reason not to serve.
 */
void
notify_open(struct wampd *w)
{
	static const struct timeval	 within = { SEND_WITHIN, 0 };
	struct sockaddr_un		 sun;
	const char			*name = getenv("NOTIFY_SOCKET");
	size_t				 len;

	if (name == NULL || name[0] == '\0')
		return;
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	len = strlen(name);
	if ((name[0] != '/' && name[0] != '@') || len >= sizeof(sun.sun_path)) {
		log_warnx("NOTIFY_SOCKET: neither a path nor an abstract name");
		goto out;
	}
	memcpy(sun.sun_path, name, len);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	w->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (w->notify == -1 || setsockopt(w->notify, SOL_SOCKET, SO_SNDTIMEO,
	    &within, sizeof(within)) == -1 || connect(w->notify,
	    (struct sockaddr *)&sun, (socklen_t)(offsetof(struct sockaddr_un,
	    sun_path) + len)) == -1) {
		log_warn("NOTIFY_SOCKET %s", name);
		notify_close(w);
	}
out:
	unsetenv("NOTIFY_SOCKET");
}

void
notify_close(struct wampd *w)
{
	if (w->notify != -1)
		close(w->notify);
	w->notify = -1;
}

/* Lines of NAME=value; one datagram. */
void
notify(struct wampd *w, const char *fmt, ...)
{
	char	text[512];
	va_list	ap;
	int	n;

	if (w->notify == -1)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		return;
	if (send(w->notify, text, (size_t)n, MSG_NOSIGNAL) == -1)
		log_warn("NOTIFY_SOCKET");
}

/* A reload begins; notify() with READY=1 ends it, whatever came of it. */
void
notify_reloading(struct wampd *w)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	notify(w, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading",
	    (unsigned long long)ts.tv_sec * 1000000 +
	    (unsigned long long)ts.tv_nsec / 1000);
}

/* -N: once, when every listener accepts. */
void
notify_newline(struct wampd *w)
{
	if (w->newline_fd == -1)
		return;
	if (write(w->newline_fd, "\n", 1) == -1)
		log_warn("descriptor of -N");
	close(w->newline_fd);
	w->newline_fd = -1;
}

/*
 * Does what we write to standard error go to the journal?  Then it wants the
 * level of each line, and adds name and time itself.
 */
int
notify_is_journal(void)
{
	unsigned long long	 dev, ino;
	const char		*s = getenv("JOURNAL_STREAM");
	struct stat		 st;

	return (s != NULL && sscanf(s, "%llu:%llu", &dev, &ino) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t)dev &&
	    st.st_ino == (ino_t)ino);
}
