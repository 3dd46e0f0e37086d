/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * PROXY headers of both versions, whole, octet by octet and cut: who is
 * announced, what is refused, and that nothing behind them is ever asked for.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tlsproxy/proxyproto.h"

#define SIG	"\r\n\r\n\0\r\nQUIT\n"
#define LEN(s)	(sizeof(s) - 1)

/* What comes behind must stay there. */
static const char	 tail[] = "\r\nPROXY TCP4 \r\n\026\003\001";

struct result {
	enum pp_result	 rv;
	size_t		 used;
	const char	*why;
	char		 from[80];
};

static void
text(const struct sockaddr_storage *ss, char *buf, size_t size)
{
	const struct sockaddr_in	*in4 = (const void *)ss;
	const struct sockaddr_in6	*in6 = (const void *)ss;
	char				 a[INET6_ADDRSTRLEN];

	if (ss->ss_family == AF_UNSPEC)
		snprintf(buf, size, "real");
	else if (ss->ss_family == AF_INET)
		snprintf(buf, size, "%s:%u", inet_ntop(AF_INET,
		    &in4->sin_addr, a, sizeof(a)), ntohs(in4->sin_port));
	else
		snprintf(buf, size, "[%s]:%u", inet_ntop(AF_INET6,
		    &in6->sin6_addr, a, sizeof(a)), ntohs(in6->sin6_port));
}

/* As from a socket that holds so much; at most "step" octets arrive at once. */
static struct result
play(const void *data, size_t len, size_t step)
{
	struct proxyproto	 pp;
	struct sockaddr_storage	 from;
	struct result		 r = { PP_MORE, 0, NULL, "" };
	uint8_t			*copy;
	size_t			 n;

	pp_init(&pp);
	while (r.rv == PP_MORE && r.used < len) {
		if ((n = pp_missing(&pp)) == 0)
			errx(1, "nothing is missing, but it is not whole");
		if (n > step)
			n = step;
		if (n > len - r.used)
			n = len - r.used;
		/* at the end of its own allocation */
		if ((copy = malloc(n)) == NULL)
			err(1, NULL);
		memcpy(copy, (const uint8_t *)data + r.used, n);
		r.rv = pp_feed(&pp, copy, n, &from, &r.why);
		free(copy);
		r.used += n;
	}
	if (r.rv == PP_WHOLE)
		text(&from, r.from, sizeof(r.from));
	if (r.rv == PP_BAD && (r.why == NULL || *r.why == '\0'))
		errx(1, "refused without a reason");
	return (r);
}

/* It is taken in whatever pieces it comes, and nothing behind it. */
static void
good(const void *data, size_t len, const char *want)
{
	uint8_t		*p;
	struct result	 r;
	size_t		 step, cut;

	if ((p = malloc(len + sizeof(tail))) == NULL)
		err(1, NULL);
	memcpy(p, data, len);
	memcpy(p + len, tail, sizeof(tail));
	for (step = 1; step < 300; step = step < 40 ? step + 1 : step * 2) {
		r = play(p, len + sizeof(tail), step);
		if (r.rv != PP_WHOLE || r.used != len ||
		    strcmp(r.from, want) != 0)
			errx(1, "%.60s: got %d after %zu (%s), want %s",
			    (const char *)data, r.rv, r.used, r.rv == PP_BAD ?
			    r.why : r.from, want);
	}
	for (cut = 0; cut < len; cut++)
		if (play(p, cut, 7).rv != PP_MORE)
			errx(1, "%.60s: cut to %zu", (const char *)data, cut);
	free(p);
}

static void
bad(const void *data, size_t len)
{
	uint8_t		*p;
	size_t		 step;
	struct result	 r;

	/* there is always more to come, if that is wanted */
	if ((p = malloc(len + 5000)) == NULL)
		err(1, NULL);
	memcpy(p, data, len);
	memset(p + len, 'x', 5000);
	for (step = 1; step < 200; step += 9) {
		r = play(p, len + 5000, step);
		if (r.rv != PP_BAD)
			errx(1, "%.60s: got %d (%s), want a refusal",
			    (const char *)data, r.rv, r.from);
	}
	free(p);
}

#define GOOD(s, want)	good(s, LEN(s), want)
#define BAD(s)		bad(s, LEN(s))

/* -- version 1 ----------------------------------------------------------- */

static void
v1_good(void)
{
	GOOD("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n",
	    "192.0.2.1:56324");
	GOOD("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0");
	GOOD("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
	    "255.255.255.255:65535");
	GOOD("PROXY TCP6 2001:DB8::1 :: 1 65535\r\n", "[2001:db8::1]:1");
	GOOD("PROXY TCP6 :: :: 0 0\r\n", "[::]:0");
	GOOD("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1 "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1]:65535");
	/* one client, one address */
	GOOD("PROXY TCP6 ::ffff:192.0.2.9 ::1 7 8\r\n", "192.0.2.9:7");
	GOOD("PROXY UNKNOWN\r\n", "real");
	GOOD("PROXY UNKNOWN \r\n", "real");
	GOOD("PROXY UNKNOWN anything \0 at \377 all\r\n", "real");
	GOOD("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	    "real");
}

static void
v1_bad(void)
{
	char	line[200];
	size_t	n;

	BAD("GET / HTTP/1.1\r\n\r\n");
	BAD("\177\x91\0\0");
	BAD("\026\003\001\002\0\001");
	BAD("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXX TCP4 1.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP4\r\n");
	BAD("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n");
	BAD("PROXY TCP4 1.2.3.4\r\n");
	/* addresses and ports in their one form */
	BAD("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP4 0x1.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4.5 1 2\r\n");
	BAD("PROXY TCP4 ::1 ::1 1 2\r\n");
	BAD("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP6 ::1 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP6 1::2::3 ::1 1 2\r\n");
	BAD("PROXY TCP6 fe80::1%lo ::1 1 2\r\n");
	BAD("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 4294967297\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 2a\r\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\0\r\n");
	/* CR LF and nothing else */
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r");
	BAD("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rx\n");
	BAD("PROXY TCP4 1.2.3.4\r1.2.3.4 1 2\r\n");
	BAD("PROXY TCP4 1.2.3.4\n1.2.3.4 1 2\r\n");
	BAD("PROXY UNKNOWN\n");
	BAD("PROXY UNKNOWN\rx");
	BAD("PROXY UNKNOWN x\ny\r\n");
	BAD("PROXY UNKNOWNx\r\n");
	BAD("PROXY UNKNOW\r\n");
	/* 108 octets */
	memset(line, 'f', sizeof(line));
	n = (size_t)snprintf(line, sizeof(line), "PROXY UNKNOWN ");
	line[n] = 'f';
	memcpy(line + 106, "\r\n", 2);
	bad(line, 108);
	memcpy(line + 105, "\r\n", 2);
	good(line, 107, "real");
}

/* -- version 2 ----------------------------------------------------------- */

#define IN4	"\300\0\2\1" "\306\63\144\7" "\xdc\x04" "\1\xbb"
#define IN6	"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"			\
		"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2" "\1\2" "\3\4"
#define MAPPED	"\0\0\0\0\0\0\0\0\0\0\xff\xff\300\0\2\11"		\
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" "\0\7" "\0\10"

/* With so many octets behind its head, of which it announces n. */
static void
v2(uint8_t command, uint8_t family, size_t n, const void *data, size_t len,
    const char *want)
{
	uint8_t	p[16 + 5000];

	memset(p, 0xa5, sizeof(p));
	memcpy(p, SIG, 12);
	p[12] = command;
	p[13] = family;
	p[14] = (uint8_t)(n >> 8);
	p[15] = (uint8_t)n;
	memcpy(p + 16, data, len);
	if (want != NULL)
		good(p, 16 + n, want);
	else
		bad(p, 16 + (n > 5000 ? 5000 : n));
}

static void
v2_good(void)
{
	static const uint8_t	none[1];

	v2(0x21, 0x11, 12, IN4, 12, "192.0.2.1:56324");
	v2(0x21, 0x21, 36, IN6, 36, "[2001:db8::1]:258");
	v2(0x21, 0x21, 36, MAPPED, 36, "192.0.2.9:7");
	/* extensions, of whatever kind */
	v2(0x21, 0x11, 12 + 3, IN4, 12, "192.0.2.1:56324");
	v2(0x21, 0x21, 36 + 700, IN6, 36, "[2001:db8::1]:258");
	v2(0x21, 0x11, 4096 - 16, IN4, 12, "192.0.2.1:56324");
	/* nobody's, or not TCP's */
	v2(0x20, 0x00, 0, none, 0, "real");
	v2(0x20, 0x11, 12, IN4, 12, "real");
	v2(0x20, 0xff, 1, none, 0, "real");
	v2(0x20, 0x11, 0, none, 0, "real");
	v2(0x21, 0x00, 0, none, 0, "real");
	v2(0x21, 0x00, 300, none, 0, "real");
	v2(0x21, 0x10, 12, IN4, 12, "real");
	v2(0x21, 0x12, 12, IN4, 12, "real");
	v2(0x21, 0x22, 36, IN6, 36, "real");
	v2(0x21, 0x31, 216, none, 0, "real");
}

static void
v2_bad(void)
{
	static const uint8_t	none[1];
	uint8_t			p[16] = SIG "\x21\x11\0\0";
	int			i;

	v2(0x11, 0x11, 12, IN4, 12, NULL);
	v2(0x31, 0x11, 12, IN4, 12, NULL);
	v2(0x22, 0x11, 12, IN4, 12, NULL);
	v2(0x2f, 0x11, 12, IN4, 12, NULL);
	v2(0x21, 0x41, 300, none, 0, NULL);
	v2(0x21, 0x13, 12, IN4, 12, NULL);
	v2(0x21, 0x11, 11, IN4, 12, NULL);
	v2(0x21, 0x11, 0, none, 0, NULL);
	v2(0x21, 0x21, 35, IN6, 36, NULL);
	v2(0x21, 0x31, 215, none, 0, NULL);
	v2(0x21, 0x11, 4096 - 15, IN4, 12, NULL);
	v2(0x20, 0x00, 4096 - 15, none, 0, NULL);
	v2(0x21, 0x11, 65535, IN4, 12, NULL);
	for (i = 0; i < 12; i++) {
		p[i] ^= 1;
		bad(p, sizeof(p));
		p[i] ^= 1;
	}
}

int
main(void)
{
	v1_good();
	v1_bad();
	v2_good();
	v2_bad();
	printf("ok - PROXY headers\n");
	return (0);
}
