/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * One line of a handover: a word and fields, with one space before each.
 * What the descriptors are is looked at elsewhere (handover.c).
 */
#include <sys/types.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "handover.h"

#define MAXMS	(1000ULL * 86400 * 365)

/*
 * Fields: a address, d directory, f descriptor, g process of which we know
 * the parent only, i index, k process, m milliseconds, n number of sockets,
 * o inode, p path, t name, v device.
 */
static const struct form {
	const char		*word;
	enum handover_what	 what;
	const char		*fields;
} forms[] = {
	{ "mode trial", HANDOVER_TRIAL, "" },
	{ "mode replace", HANDOVER_REPLACE, "" },
	{ "prefork", HANDOVER_PREFORK, "n" },
	{ "tcp", HANDOVER_TCP, "infat" },
	{ "unix", HANDOVER_UNIX, "fdvop" },
	{ "metrics tcp", HANDOVER_METRICS_TCP, "infat" },
	{ "metrics unix", HANDOVER_METRICS_UNIX, "fdvop" },
	{ "control", HANDOVER_CONTROL, "fdvop" },
	{ "caretaker", HANDOVER_CARETAKER, "gfm" },
	{ "old", HANDOVER_OLD, "kt" },
	{ "pidfile", HANDOVER_PIDFILE, "f" },
	{ "notify", HANDOVER_NOTIFY, "f" },
	{ "client", HANDOVER_CLIENT, "f" },
	{ "monitor", HANDOVER_MONITOR, "f" },
	{ "idle", HANDOVER_IDLE, "f" },
	{ "end", HANDOVER_END, "" },
};
#define NFORMS	(sizeof(forms) / sizeof(forms[0]))

/* Digits alone, at most so much. */
static int
get_num(const char *s, size_t len, uint64_t max, uint64_t *n)
{
	uint64_t	digit;
	size_t		i;

	*n = 0;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return (-1);
		digit = (uint64_t)(s[i] - '0');
		if (*n > (max - digit) / 10 || digit > max)
			return (-1);
		*n = *n * 10 + digit;
	}
	return (len > 0 ? 0 : -1);
}

static int
get_int(const char *s, size_t len, int min, int *n)
{
	uint64_t	u;

	if (get_num(s, len, INT_MAX, &u) == -1 || u < (uint64_t)min)
		return (-1);
	*n = (int)u;
	return (0);
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* Octets that were put in hexadecimal: their number, or -1. */
static ssize_t
get_octets(const char *s, size_t len, void *data, size_t size)
{
	uint8_t	*p = data;
	size_t	 i;
	int	 hi, lo;

	if (len == 0 || len % 2 != 0 || len / 2 > size)
		return (-1);
	for (i = 0; i < len / 2; i++) {
		hi = hex(s[2 * i]);
		lo = hex(s[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return (-1);
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return ((ssize_t)i);
}

static int
get_text(const char *s, size_t len, char *text, size_t size)
{
	ssize_t	n;

	n = get_octets(s, len, text, size - 1);
	if (n == -1 || memchr(text, '\0', (size_t)n) != NULL)
		return (-1);
	text[n] = '\0';
	return (0);
}

static int
get_addr(const char *s, size_t len, struct sockaddr_storage *ss)
{
	ssize_t	n;

	n = get_octets(s, len, ss, sizeof(*ss));
	if ((ss->ss_family == AF_INET && n == sizeof(struct sockaddr_in)) ||
	    (ss->ss_family == AF_INET6 && n == sizeof(struct sockaddr_in6)))
		return (0);
	return (-1);
}

static int
get_field(char type, const char *s, size_t len, struct handover_line *h)
{
	switch (type) {
	case 'a':
		return (get_addr(s, len, &h->addr));
	case 'd':
		return (get_int(s, len, 3, &h->dir));
	case 'f':
		return (get_int(s, len, 3, &h->fd));
	case 'g':
		return (get_int(s, len, 1, &h->pid));
	case 'i':
		return (get_num(s, len, UINT16_MAX, &h->i));
	case 'k':
		return (get_int(s, len, 2, &h->pid));
	case 'm':
		return (get_num(s, len, MAXMS, &h->ms));
	case 'n':
		return (get_num(s, len, CONF_MAXPREFORK, &h->n) == 0 &&
		    h->n > 0 ? 0 : -1);
	case 'o':
		return (get_num(s, len, UINT64_MAX, &h->ino));
	case 'p':
		return (get_text(s, len, h->path, sizeof(h->path)) == 0 &&
		    h->path[0] == '/' ? 0 : -1);
	case 't':
		return (get_text(s, len, h->name, sizeof(h->name)));
	case 'v':
		return (get_num(s, len, UINT64_MAX, &h->dev));
	}
	return (-1);
}

int
handover_form(const char *line)
{
	static const char	word[] = "wampd ";
	int			form;

	if (strncmp(line, word, sizeof(word) - 1) != 0)
		return (-1);
	line += sizeof(word) - 1;
	return (get_int(line, strlen(line), 0, &form) == 0 ? form : -1);
}

int
handover_parse(const char *line, struct handover_line *h)
{
	const struct form	*f;
	const char		*type;
	size_t			 len;

	memset(h, 0, sizeof(*h));
	h->fd = h->dir = -1;
	for (f = forms; f < forms + NFORMS; f++) {
		len = strlen(f->word);
		if (strncmp(line, f->word, len) == 0 &&
		    (line[len] == ' ' || line[len] == '\0'))
			break;
	}
	if (f == forms + NFORMS)
		return (-1);
	h->what = f->what;
	line += len;
	for (type = f->fields; *type != '\0'; type++) {
		if (*line++ != ' ')
			return (-1);
		len = strcspn(line, " ");
		if (get_field(*type, line, len, h) == -1)
			return (-1);
		line += len;
	}
	/* socket i of n */
	return (*line == '\0' && ((h->what != HANDOVER_TCP &&
	    h->what != HANDOVER_METRICS_TCP) || h->i < h->n) ? 0 : -1);
}
