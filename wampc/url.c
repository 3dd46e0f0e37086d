/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Where the router is: rss://host:port, rs://host:port, wss://host/path,
 * ws://host/path, or the path of a Unix socket.
 */
#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "wampc.h"
#include "xmalloc.h"

static const struct {
	const char	*prefix;
	enum scheme	 scheme;
	const char	*port;		/* NULL: must be given */
} schemes[] = {
	{ "rs://",	SCHEME_RS,	NULL },
	{ "rss://",	SCHEME_RSS,	NULL },
	{ "ws://",	SCHEME_WS,	"80" },
	{ "wss://",	SCHEME_WSS,	"443" },
};
#define NSCHEMES	(sizeof(schemes) / sizeof(schemes[0]))

#define HOST_CHARS	"abcdefghijklmnopqrstuvwxyz" \
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

int
url_is_tls(const struct url *u)
{
	return (u->scheme == SCHEME_RSS || u->scheme == SCHEME_WSS);
}

int
url_is_websocket(const struct url *u)
{
	return (u->scheme == SCHEME_WS || u->scheme == SCHEME_WSS);
}

void
url_free(struct url *u)
{
	free(u->host);
	free(u->port);
	free(u->hosthdr);
	free(u->path);
	memset(u, 0, sizeof(*u));
}

void
url_socket(struct url *u, const char *path)
{
	memset(u, 0, sizeof(*u));
	u->scheme = SCHEME_UNIX;
	u->path = xstrdup(path);
}

/* host, [v6 address], with or without :port; up to end. */
static const char *
parse_authority(struct url *u, const char *p, const char *end,
    const char *defport)
{
	struct in6_addr	 addr;
	const char	*host = p, *q;
	size_t		 len, i;

	if (memchr(p, '@', (size_t)(end - p)) != NULL)
		return ("user names do not belong into it");
	if (*p == '[') {
		host = ++p;
		if ((q = memchr(p, ']', (size_t)(end - p))) == NULL)
			return ("\"]\" is missing");
		u->host = xstrndup(host, (size_t)(q - host));
		if (inet_pton(AF_INET6, u->host, &addr) != 1)
			return ("not an IPv6 address");
		p = q + 1;
	} else {
		if ((q = memchr(p, ':', (size_t)(end - p))) == NULL)
			q = end;
		len = (size_t)(q - host);
		u->host = xstrndup(host, len);
		if (len == 0 || strspn(u->host, HOST_CHARS) != len)
			return ("not a host name or address");
		p = q;
	}
	if (p == end) {
		if (defport == NULL)
			return ("the port is missing");
		u->port = xstrdup(defport);
	} else {
		len = (size_t)(end - ++p);
		if (p[-1] != ':' || len == 0 || len > 5)
			return ("not a port number");
		for (i = 0; i < len; i++)
			if (p[i] < '0' || p[i] > '9')
				return ("not a port number");
		u->port = xstrndup(p, len);
		i = strtoul(u->port, NULL, 10);
		if (i == 0 || i > 65535)
			return ("not a port number");
	}
	return (NULL);
}

/* The Host header names the port only where it is not the scheme's own. */
static void
set_hosthdr(struct url *u, const char *defport)
{
	const char	*l = "", *r = "", *colon = ":", *port = u->port;

	if (strchr(u->host, ':') != NULL) {
		l = "[";
		r = "]";
	}
	if (defport != NULL && strcmp(port, defport) == 0)
		colon = port = "";
	xasprintf(&u->hosthdr, "%s%s%s%s%s", l, u->host, r, colon, port);
}

const char *
url_parse(struct url *u, const char *text)
{
	const char	*p, *end, *why;
	size_t		 i;

	memset(u, 0, sizeof(*u));
	for (i = 0; i < NSCHEMES; i++)
		if (strncmp(text, schemes[i].prefix,
		    strlen(schemes[i].prefix)) == 0)
			break;
	if (i == NSCHEMES)
		return ("does not begin with rss://, rs://, wss:// or ws://");
	u->scheme = schemes[i].scheme;
	p = text + strlen(schemes[i].prefix);
	end = p + strcspn(p, "/?#");
	why = parse_authority(u, p, end, schemes[i].port);
	if (why != NULL)
		return (why);
	set_hosthdr(u, schemes[i].port);

	for (p = end; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '#')
			return ("what follows the host is not a path");
	if (!url_is_websocket(u)) {
		if (*end != '\0' && strcmp(end, "/") != 0)
			return ("RawSocket has no paths");
		return (NULL);
	}
	if (*end == '/')
		u->path = xstrdup(end);
	else
		xasprintf(&u->path, "/%s", end);
	return (NULL);
}
