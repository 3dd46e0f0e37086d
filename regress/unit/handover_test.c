/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Lines of a handover: what each means, and that none of them may have a
 * field too many or too few, out of range, or of another form.
 */
#include <sys/types.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../wampd/handover.h"

static const char *const bad[] = {
	"", " ", "end ", "end 1", "ende", "en", " end", "END",
	"mode", "mode ", "mode x", "mode trial ", "mode trialx",
	"mode replace 1",
	"prefork", "prefork ", "prefork 0", "prefork 33", "prefork -1",
	"prefork +1", "prefork 1 ", "prefork  1", "prefork 1 1", "prefork 1x",
	"prefork\t1", "prefork 18446744073709551617",
	"prefork 340282366920938463463374607431768211457",
	"pidfile", "pidfile 0", "pidfile 2", "pidfile 2147483648",
	"pidfile 3 ", "pidfile 0x3", "notify 2", "client 2", "monitor 2",
	"idle 2", "idle 3 3", "clients 3",
	"caretaker 1 3", "caretaker 0 3 0", "caretaker 2 2 0",
	"caretaker 2 3 31536000001", "caretaker 2 3 0 0",
	"old 1 61", "old 2147483648 61", "old 2", "old 2 ", "old 2 6",
	"old 2 6g", "old 2 6A", "old 2 00", "old 2 6100", "old 2 61 61",
	/* AF_INET is 2, and as long as this */
	"tcp 0 1 3 020050007f0000010000000000000000",
	"tcp 0 1 3 020050007f0000010000000000000000 ",
	"tcp 1 1 3 020050007f0000010000000000000000 61",
	"tcp 0 0 3 020050007f0000010000000000000000 61",
	"tcp 0 33 3 020050007f0000010000000000000000 61",
	"tcp 0 1 2 020050007f0000010000000000000000 61",
	"tcp 0 1 3 020050007f00000100000000000000 61",
	"tcp 0 1 3 020050007f000001000000000000000000 61",
	"tcp 0 1 3 0a0050007f0000010000000000000000 61",
	"tcp 0 1 3 010050007f0000010000000000000000 61",
	"tcp 0 1 3 02 61", "tcp 0 1 3  61",
	"tcp 0 1 3 020050007f0000010000000000000000 61 61",
	"metrics tcp 1 1 3 020050007f0000010000000000000000 61",
	"metrics tcp 0 1 3", "metrics unix 3 4 1 1", "metrics",
	"metrics 3 4 1 1 2f61", "metricsunix 3 4 1 1 2f61",
	"unix 3 4 1 1", "unix 3 4 1 1 ", "unix 3 4 1 1 61",
	"unix 3 4 1 1 612f", "unix 3 4 1 1 2f0061", "unix 3 4 1 1 2f6",
	"unix 2 4 1 1 2f61", "unix 3 2 1 1 2f61", "unix 3 4 -1 1 2f61",
	"unix 3 4 1 18446744073709551616 2f61", "unix 3 4 1 1 2f61 ",
	"control 3 4 1 1 61", "control 3 4 1 1",
};

static struct handover_line
parse(const char *line)
{
	struct handover_line	h;
	char			*copy;

	/* of its own length, for the sanitizers */
	if ((copy = strdup(line)) == NULL)
		err(1, NULL);
	if (handover_parse(copy, &h) == -1)
		errx(1, "%s: refused", line);
	free(copy);
	return (h);
}

static void
want(const char *line, const char *what, uint64_t got, uint64_t n)
{
	if (got != n)
		errx(1, "%s: %s is %llu, not %llu", line, what,
		    (unsigned long long)got, (unsigned long long)n);
}

static void
test_words(void)
{
	static const struct {
		const char		*line;
		enum handover_what	 what;
		int			 fd;
	} t[] = {
		{ "mode trial", HANDOVER_TRIAL, -1 },
		{ "mode replace", HANDOVER_REPLACE, -1 },
		{ "pidfile 3", HANDOVER_PIDFILE, 3 },
		{ "notify 2147483647", HANDOVER_NOTIFY, 2147483647 },
		{ "client 10", HANDOVER_CLIENT, 10 },
		{ "monitor 11", HANDOVER_MONITOR, 11 },
		{ "idle 12", HANDOVER_IDLE, 12 },
		{ "end", HANDOVER_END, -1 },
	};
	struct handover_line	h;
	size_t			i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		h = parse(t[i].line);
		want(t[i].line, "what", h.what, t[i].what);
		want(t[i].line, "fd", (uint64_t)h.fd, (uint64_t)t[i].fd);
	}
}

static void
test_sockets(void)
{
	const struct sockaddr_in	*in;
	struct handover_line		 h;
	struct sockaddr_in6		 in6;
	char				 line[512];
	size_t				 i;
	int				 n;

	h = parse("tcp 1 32 7 020050007f0000010000000000000000 6120706f7274");
	in = (const void *)&h.addr;
	want("tcp", "i", h.i, 1);
	want("tcp", "n", h.n, 32);
	want("tcp", "fd", (uint64_t)h.fd, 7);
	want("tcp", "family", in->sin_family, AF_INET);
	want("tcp", "address", ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
	if (strcmp(h.name, "a port") != 0)
		errx(1, "tcp: name is %s", h.name);

	h = parse("metrics tcp 0 1 7 020050007f0000010000000000000000 61");
	want("metrics tcp", "what", h.what, HANDOVER_METRICS_TCP);
	want("metrics tcp", "fd", (uint64_t)h.fd, 7);
	h = parse("metrics unix 3 4 5 6 2f61");
	want("metrics unix", "what", h.what, HANDOVER_METRICS_UNIX);
	want("metrics unix", "dir", (uint64_t)h.dir, 4);

	memset(&in6, 0, sizeof(in6));
	in6.sin6_family = AF_INET6;
	in6.sin6_addr = in6addr_loopback;
	in6.sin6_scope_id = 3;
	n = snprintf(line, sizeof(line), "tcp 0 1 7 ");
	for (i = 0; i < sizeof(in6); i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%02x",
		    ((const uint8_t *)&in6)[i]);
	snprintf(line + n, sizeof(line) - (size_t)n, " 61");
	h = parse(line);
	if (memcmp(&h.addr, &in6, sizeof(in6)) != 0)
		errx(1, "tcp: another address of IPv6");

	h = parse("unix 5 6 0 18446744073709551615 2f72756e2f61");
	want("unix", "fd", (uint64_t)h.fd, 5);
	want("unix", "dir", (uint64_t)h.dir, 6);
	want("unix", "dev", h.dev, 0);
	want("unix", "ino", h.ino, UINT64_MAX);
	if (h.what != HANDOVER_UNIX || strcmp(h.path, "/run/a") != 0)
		errx(1, "unix: path is %s", h.path);
	h = parse("control 5 6 42 7 2f");
	want("control", "dev", h.dev, 42);
	if (h.what != HANDOVER_CONTROL || strcmp(h.path, "/") != 0)
		errx(1, "control: path is %s", h.path);
}

static void
test_processes(void)
{
	struct handover_line	h;

	h = parse("caretaker 1 9 31536000000");
	want("caretaker", "pid", (uint64_t)h.pid, 1);
	want("caretaker", "fd", (uint64_t)h.fd, 9);
	want("caretaker", "ms", h.ms, 31536000000);
	h = parse("old 4194304 62726f6b65722030");
	want("old", "pid", (uint64_t)h.pid, 4194304);
	if (strcmp(h.name, "broker 0") != 0)
		errx(1, "old: name is %s", h.name);
}

/* Names and paths as long as may be, and one octet longer. */
static void
test_lengths(void)
{
	struct handover_line	 h;
	char			*line;
	size_t			 i, n, len;

	for (i = 0; i < 2; i++) {
		n = i == 0 ? HANDOVER_NAME - 1 : PATH_MAX - 1;
		if ((line = malloc(2 * n + 64)) == NULL)
			err(1, NULL);
		len = (size_t)snprintf(line, 64, i == 0 ? "old 2 " :
		    "unix 3 4 0 0 ");
		while (n-- > 0)
			len += (size_t)snprintf(line + len, 3, "2f");
		h = parse(line);
		if (strlen(i == 0 ? h.name : h.path) !=
		    (i == 0 ? HANDOVER_NAME : PATH_MAX) - 1U)
			errx(1, "the longest text was cut");
		snprintf(line + len, 3, "2f");
		if (handover_parse(line, &h) != -1)
			errx(1, "a text that is too long was taken");
		free(line);
	}
}

static void
test_form(void)
{
	static const char *const	bad_forms[] = {
		"", "wampd", "wampd ", "wampd x", "wampd -1", "wampd 1 ",
		" wampd 1", "Wampd 1", "wampd 2147483648", "wampd 1.0"
	};
	size_t				i;

	want("wampd 1", "form", (uint64_t)handover_form("wampd 1"), 1);
	want("wampd 0", "form", (uint64_t)handover_form("wampd 0"), 0);
	want("wampd 77", "form", (uint64_t)handover_form("wampd 77"), 77);
	for (i = 0; i < sizeof(bad_forms) / sizeof(bad_forms[0]); i++)
		if (handover_form(bad_forms[i]) != -1)
			errx(1, "form taken: %s", bad_forms[i]);
}

int
main(void)
{
	struct handover_line	h;
	size_t			i;

	test_words();
	test_sockets();
	test_processes();
	test_lengths();
	test_form();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (handover_parse(bad[i], &h) != -1)
			errx(1, "taken: %s", bad[i]);
	return (0);
}
