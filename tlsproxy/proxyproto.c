/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The PROXY protocol: see proxyproto.h.  Only what the specification says
 * word for word is taken; the extensions (TLVs) of version 2 are skipped.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "proxyproto.h"

/* The shortest of either version: what may always be read. */
#define V1_MIN		15		/* "PROXY UNKNOWN\r\n" */
#define V2_HEAD		16

#define V2_SIGLEN	12
#define V2_LOCAL	0
#define V2_PROXY	1
#define V2_UNSPEC	0
#define V2_INET		1
#define V2_INET6	2
#define V2_UNIX		3
#define V2_STREAM	1
#define V2_DGRAM	2

/* Source and destination address and port. */
#define V2_INETLEN	12
#define V2_INET6LEN	36
#define V2_UNIXLEN	216

static const uint8_t	 v2_signature[V2_SIGLEN + 1] =
	"\r\n\r\n\0\r\nQUIT\n";
static const char	 v1_unknown[] = "PROXY UNKNOWN";
static const char	 v1_tcp4[] = "PROXY TCP4 ";
static const char	 v1_tcp6[] = "PROXY TCP6 ";

void
pp_init(struct proxyproto *pp)
{
	memset(pp, 0, sizeof(*pp));
}

static int
is_v1(const struct proxyproto *pp)
{
	return (pp->got > 0 && pp->buf[0] == v1_tcp4[0]);
}

/* Does it begin so, as far as it goes? */
static int
begins(const struct proxyproto *pp, const void *text, size_t len)
{
	return (memcmp(pp->buf, text, pp->got < len ? pp->got : len) == 0);
}

static int
is_unknown(const struct proxyproto *pp)
{
	return (begins(pp, v1_unknown, sizeof(v1_unknown) - 1));
}

/* -- version 1 ----------------------------------------------------------- */

static size_t
v1_spaces(const struct proxyproto *pp)
{
	size_t	i, n = 0;

	for (i = 0; i < pp->got; i++)
		n += pp->buf[i] == ' ';
	return (n);
}

/* Two addresses and two ports, a space before each, then CR and LF. */
static size_t
v1_missing(const struct proxyproto *pp)
{
	size_t	n = 2, spaces;
	uint8_t	last = pp->buf[pp->got - 1];

	if (pp->got < V1_MIN)
		return (V1_MIN - pp->got);
	if (last == '\r')
		return (1);
	if (!is_unknown(pp)) {
		spaces = v1_spaces(pp);
		n += spaces < 5 ? 2 * (5 - spaces) : 0;
		n += last == ' ';
	}
	return (n);
}

/* A field of the line and what ends it: 0, or -1 if it is longer. */
static int
v1_field(const char **p, const char *end, char until, char *dst, size_t size)
{
	const char	*q;
	size_t		 len;

	if ((q = memchr(*p, until, (size_t)(end - *p))) == NULL)
		return (-1);
	len = (size_t)(q - *p);
	if (len == 0 || len >= size || memchr(*p, '\0', len) != NULL)
		return (-1);
	memcpy(dst, *p, len);
	dst[len] = '\0';
	*p = q + 1;
	return (0);
}

static int
v1_port(const char **p, const char *end, char until, in_port_t *port)
{
	char		 text[6];
	const char	*s;
	unsigned int	 n = 0;

	if (v1_field(p, end, until, text, sizeof(text)) == -1 ||
	    (text[0] == '0' && text[1] != '\0'))
		return (-1);
	for (s = text; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return (-1);
		n = n * 10 + (unsigned int)(*s - '0');
	}
	if (n > 65535)
		return (-1);
	*port = htons((uint16_t)n);
	return (0);
}

static void
set_in(struct sockaddr_storage *ss, const void *addr, in_port_t port)
{
	struct sockaddr_in	*sin = (struct sockaddr_in *)(void *)ss;

	sin->sin_family = AF_INET;
	memcpy(&sin->sin_addr, addr, sizeof(sin->sin_addr));
	sin->sin_port = port;
}

/* A client has one address, whichever way a balancer writes it. */
static void
set_in6(struct sockaddr_storage *ss, const void *addr, in_port_t port)
{
	struct sockaddr_in6	*sin6 = (struct sockaddr_in6 *)(void *)ss;
	struct in6_addr		 in6;

	memcpy(&in6, addr, sizeof(in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		set_in(ss, (const uint8_t *)addr + 12, port);
		return;
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_addr = in6;
	sin6->sin6_port = port;
}

static int
v1_addresses(const struct proxyproto *pp, struct sockaddr_storage *from)
{
	const char	*p = (const char *)pp->buf, *end = p + pp->got;
	char		 text[2][INET6_ADDRSTRLEN];
	struct in6_addr	 src, dst;
	in_port_t	 sport, dport;
	int		 af;

	af = begins(pp, v1_tcp4, sizeof(v1_tcp4) - 1) ? AF_INET : AF_INET6;
	p += sizeof(v1_tcp4) - 1;
	if (v1_field(&p, end, ' ', text[0], sizeof(text[0])) == -1 ||
	    v1_field(&p, end, ' ', text[1], sizeof(text[1])) == -1 ||
	    v1_port(&p, end, ' ', &sport) == -1 ||
	    v1_port(&p, end, '\r', &dport) == -1 || end - p != 1 ||
	    inet_pton(af, text[0], &src) != 1 ||
	    inet_pton(af, text[1], &dst) != 1)
		return (-1);
	if (af == AF_INET)
		set_in(from, &src, sport);
	else
		set_in6(from, &src, sport);
	return (0);
}

/* A CR and a LF end the line, and neither stands anywhere else. */
static enum pp_result
v1_parse(const struct proxyproto *pp, struct sockaddr_storage *from,
    const char **why)
{
	const uint8_t	*cr = memchr(pp->buf, '\r', pp->got);
	const uint8_t	*lf = memchr(pp->buf, '\n', pp->got);
	const uint8_t	*end = pp->buf + pp->got;

	*why = "is no line of version 1";
	if (pp->got >= sizeof(v1_unknown) - 1 && is_unknown(pp)) {
		if (pp->got >= sizeof(v1_unknown) &&
		    pp->buf[sizeof(v1_unknown) - 1] != ' ' &&
		    pp->buf[sizeof(v1_unknown) - 1] != '\r')
			return (PP_BAD);
	} else if (!is_unknown(pp) && !begins(pp, v1_tcp4,
	    sizeof(v1_tcp4) - 1) && !begins(pp, v1_tcp6, sizeof(v1_tcp6) - 1))
		return (PP_BAD);
	if (lf != NULL && (cr == NULL || lf != cr + 1 || lf != end - 1))
		return (PP_BAD);
	if (cr != NULL && lf == NULL && cr != end - 1)
		return (PP_BAD);
	if (lf == NULL && pp->got == PP_V1MAX) {
		*why = "has no end within 107 octets";
		return (PP_BAD);
	}
	if (lf == NULL)
		return (PP_MORE);
	if (!is_unknown(pp) && v1_addresses(pp, from) == -1)
		return (PP_BAD);
	return (PP_WHOLE);
}

/* -- version 2 ----------------------------------------------------------- */

/* The first 16 octets: NULL, or what is wrong with them. */
static const char *
v2_head(const struct proxyproto *pp)
{
	unsigned int	 family = pp->buf[13] >> 4, proto = pp->buf[13] & 15;
	unsigned int	 command = pp->buf[12] & 15;
	static const size_t	least[] = { 0, V2_INETLEN, V2_INET6LEN,
				    V2_UNIXLEN };

	if (pp->buf[12] >> 4 != 2)
		return ("is of an unknown version");
	if (command != V2_LOCAL && command != V2_PROXY)
		return ("has an unknown command");
	if (pp->size > PP_V2MAX)
		return ("is longer than 4096 octets");
	if (command == V2_LOCAL)
		return (NULL);
	if (family > V2_UNIX || proto > V2_DGRAM)
		return ("has an unknown family");
	if (pp->size - V2_HEAD < least[family])
		return ("is too short for its addresses");
	return (NULL);
}

static void
v2_addresses(const struct proxyproto *pp, struct sockaddr_storage *from)
{
	const uint8_t	*p = pp->buf + V2_HEAD;
	in_port_t	 port;

	if ((pp->buf[12] & 15) != V2_PROXY ||
	    (pp->buf[13] & 15) != V2_STREAM)
		return;
	switch (pp->buf[13] >> 4) {
	case V2_INET:
		memcpy(&port, p + 8, sizeof(port));
		set_in(from, p, port);
		break;
	case V2_INET6:
		memcpy(&port, p + 32, sizeof(port));
		set_in6(from, p, port);
		break;
	default:
		break;
	}
}

static enum pp_result
v2_parse(struct proxyproto *pp, struct sockaddr_storage *from,
    const char **why)
{
	if (!begins(pp, v2_signature, V2_SIGLEN)) {
		*why = "is neither version 1 nor 2";
		return (PP_BAD);
	}
	if (pp->got < V2_HEAD)
		return (PP_MORE);
	if (pp->size == 0) {
		pp->size = V2_HEAD + ((size_t)pp->buf[14] << 8 | pp->buf[15]);
		if ((*why = v2_head(pp)) != NULL)
			return (PP_BAD);
	}
	if (pp->got < pp->size)
		return (PP_MORE);
	v2_addresses(pp, from);
	return (PP_WHOLE);
}

/* -- either -------------------------------------------------------------- */

size_t
pp_missing(const struct proxyproto *pp)
{
	size_t	n;

	if (pp->got == 0)
		return (V1_MIN);
	if (is_v1(pp)) {
		n = v1_missing(pp);
		return (n > PP_V1MAX - pp->got ? PP_V1MAX - pp->got : n);
	}
	return ((pp->size == 0 ? V2_HEAD : pp->size) - pp->got);
}

enum pp_result
pp_feed(struct proxyproto *pp, const uint8_t *p, size_t len,
    struct sockaddr_storage *from, const char **why)
{
	size_t	room;

	memset(from, 0, sizeof(*from));
	if (pp->got < sizeof(pp->buf)) {
		room = sizeof(pp->buf) - pp->got;
		memcpy(pp->buf + pp->got, p, len < room ? len : room);
	}
	pp->got += len;
	return (is_v1(pp) ? v1_parse(pp, from, why) :
	    v2_parse(pp, from, why));
}
