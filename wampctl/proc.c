/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What the kernel says of a process that wampd named: read here, with the
 * rights of who asks.
 */
#include <sys/types.h>

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wampctl.h"

int
proc_read(uint64_t pid, const char *name, char *buf, size_t size)
{
	char	 path[64];
	FILE	*f;
	size_t	 n;

	snprintf(path, sizeof(path), "/proc/%llu/%s",
	    (unsigned long long)pid, name);
	if ((f = fopen(path, "re")) == NULL)
		return (-1);
	n = fread(buf, 1, size - 1, f);
	fclose(f);
	buf[n] = '\0';
	return (n > 0 ? 0 : -1);
}

/* Its second field may hold anything. */
static int
read_usage(uint64_t pid, uint64_t *cpu_ms, uint64_t *memory)
{
	char			 buf[2048];
	const char		*p;
	unsigned long long	 utime, stime;
	long			 hz = sysconf(_SC_CLK_TCK);
	long			 page = sysconf(_SC_PAGESIZE), rss;

	if (hz <= 0 || page <= 0 ||
	    proc_read(pid, "stat", buf, sizeof(buf)) == -1 ||
	    (p = strrchr(buf, ')')) == NULL || sscanf(p + 1, " %*c %*d %*d "
	    "%*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
	    "%*d %*u %*u %ld", &utime, &stime, &rss) != 3)
		return (-1);
	*cpu_ms = (utime + stime) * 1000 / (unsigned long)hz;
	*memory = rss > 0 ? (uint64_t)rss * (uint64_t)page : 0;
	return (0);
}

/* Its name, or number. */
static void
put_user(struct enc *e, uint64_t pid)
{
	const struct passwd	*pw;
	const char		*p;
	char			 buf[8192], text[32];
	unsigned int		 uid;

	ENC_KEY(e, "user");
	if (proc_read(pid, "status", buf, sizeof(buf)) == -1 ||
	    (p = strstr(buf, "\nUid:")) == NULL ||
	    sscanf(p + 5, "%*u %u", &uid) != 1) {
		enc_nil(e);
		return;
	}
	if ((pw = getpwuid((uid_t)uid)) != NULL) {
		enc_str(e, pw->pw_name, strlen(pw->pw_name));
		return;
	}
	snprintf(text, sizeof(text), "%u", uid);
	enc_str(e, text, strlen(text));
}

/* A row of "show processes" with user, memory and time. */
int
proc_row(const struct val *row, struct wbuf *w)
{
	struct enc	e;
	uint64_t	pid, cpu, memory;

	row_extend(&e, w, row, 3);
	if (row_uint(row, "pid", &pid) == -1)
		pid = 0;
	put_user(&e, pid);
	if (pid == 0 || read_usage(pid, &cpu, &memory) == -1) {
		ENC_KEY(&e, "cpu_ms");
		enc_nil(&e);
		ENC_KEY(&e, "memory");
		enc_nil(&e);
	} else {
		ENC_KEY(&e, "cpu_ms");
		enc_uint(&e, cpu);
		ENC_KEY(&e, "memory");
		enc_uint(&e, memory);
	}
	enc_end(&e);
	return (0);
}
