/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The statements "keypair", "listen" and "metrics".
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "parse.h"
#include "xmalloc.h"

/* -- keypairs ----------------------------------------------------------- */

void
keypair_begin(const char *name)
{
	struct conf_keypair	*k;

	parser.is_blocklost = 0;
	if (check_name("keypair", name) == -1)
		parser.is_blocklost = 1;
	else if ((k = conf_find_keypair(parser.conf, name)) != NULL) {
		conf_error("keypair %s: is already defined at %s:%d",
		    parse_shown(name), k->file, k->line);
		parser.is_blocklost = 1;
	} else if (parser.conf->nkeypairs >= CONF_MAXKEYPAIRS)
		conf_error("more than %d keypairs", CONF_MAXKEYPAIRS);
	k = conf_add_keypair(parser.conf, name, strlen(name));
	k->id = parser.conf->nkeypairs;
	k->file = parser.file;
	k->line = parser.line;
	parser.keypair = k;
}

void
keypair_path(char **dst, const char *what, const char *path)
{
	if (*dst != NULL)
		conf_error("%s is given twice", what);
	else if (check_path(what, path) == -1)
		parser.is_blocklost = 1;
	else
		*dst = xstrdup(path);
}

void
keypair_end(void)
{
	const struct conf_keypair	*k = parser.keypair;

	if (!parser.is_blocklost && k->cert_path == NULL)
		conf_error_at(k->file, k->line, "keypair %s: no certificate",
		    parse_shown(k->name));
	if (!parser.is_blocklost && k->key_path == NULL)
		conf_error_at(k->file, k->line, "keypair %s: no key",
		    parse_shown(k->name));
}

/* -- listeners ---------------------------------------------------------- */

/* What is in front of "on". */
static const char *
word(const struct conf_listen *l)
{
	return ((l->flags & LISTEN_METRICS) != 0 ? "metrics" : "listen");
}

static struct conf_listen *
add_listen(const char *name)
{
	struct conf_listen	*l;

	if (parser.conf->nlistens >= CONF_MAXLISTENS)
		conf_error("more than %d listeners", CONF_MAXLISTENS);
	l = conf_add_listen(parser.conf, name, strlen(name));
	l->flags = LISTEN_RAWSOCKET | LISTEN_WEBSOCKET;
	return (l);
}

static struct conf_listen *
add_metrics(const char *name)
{
	if (parser.conf->nmetrics >= CONF_MAXMETRICS)
		conf_error("more than %d \"metrics on\"", CONF_MAXMETRICS);
	return (conf_add_metrics(parser.conf, name, strlen(name)));
}

static void
listen_add(const char *name, int is_metrics)
{
	struct conf_listen	*l;

	l = is_metrics ? add_metrics(name) : add_listen(name);
	l->file = parser.file;
	l->line = parser.line;
	parser.listen = l;
	parser.blockseen = 0;
	parser.is_blocklost = 0;
	parser.nrefs = 0;
}

static void
listen_add_in(struct conf_listen *l, struct in_addr in, uint16_t port)
{
	struct sockaddr_in	*sin;

	sin = (struct sockaddr_in *)(void *)&l->addr[l->naddr++];
	sin->sin_family = AF_INET;
	sin->sin_addr = in;
	sin->sin_port = htons(port);
}

static void
listen_add_in6(struct conf_listen *l, const struct in6_addr *in6,
    uint32_t scope, uint16_t port)
{
	struct sockaddr_in6	*sin6;

	sin6 = (struct sockaddr_in6 *)(void *)&l->addr[l->naddr++];
	sin6->sin6_family = AF_INET6;
	sin6->sin6_addr = *in6;
	sin6->sin6_scope_id = scope;
	sin6->sin6_port = htons(port);
}

/* An IPv6 address, with %interface if it is link-local and only then. */
static int
listen_parse_in6(struct conf_listen *l, const char *text, uint16_t port)
{
	struct in6_addr	 in6;
	char		 addr[INET6_ADDRSTRLEN];
	const char	*scope;
	uint32_t	 id = 0;
	size_t		 len = strcspn(text, "%");

	if (len >= sizeof(addr))
		return (-1);
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (inet_pton(AF_INET6, addr, &in6) != 1)
		return (-1);
	scope = text[len] == '%' ? text + len + 1 : NULL;
	if (IN6_IS_ADDR_V4MAPPED(&in6) || IN6_IS_ADDR_MULTICAST(&in6) ||
	    IN6_IS_ADDR_LINKLOCAL(&in6) != (scope != NULL)) {
		conf_error("%s on %s: %s", word(l), parse_shown(text),
		    IN6_IS_ADDR_V4MAPPED(&in6) ? "write it as IPv4" :
		    IN6_IS_ADDR_MULTICAST(&in6) ? "is a multicast address" :
		    scope != NULL ? "only link-local addresses take a scope" :
		    "a link-local address needs a scope (%interface)");
		return (0);
	}
	if (scope != NULL && (id = if_nametoindex(scope)) == 0) {
		conf_error("%s on %s: there is no interface %s", word(l),
		    parse_shown(text), parse_shown(scope));
		return (0);
	}
	listen_add_in6(l, &in6, id, port);
	return (0);
}

static void
listen_parse_addr(struct conf_listen *l, const char *text, uint16_t port)
{
	struct in_addr	in;

	if (strcmp(text, "*") == 0) {
		in.s_addr = htonl(INADDR_ANY);
		listen_add_in(l, in, port);
		listen_add_in6(l, &in6addr_any, 0, port);
	} else if (strcmp(text, "localhost") == 0) {
		in.s_addr = htonl(INADDR_LOOPBACK);
		listen_add_in(l, in, port);
		listen_add_in6(l, &in6addr_loopback, 0, port);
	} else if (inet_pton(AF_INET, text, &in) == 1) {
		if (IN_MULTICAST(ntohl(in.s_addr)) ||
		    in.s_addr == htonl(INADDR_BROADCAST))
			conf_error("%s on %s: is a multicast or broadcast "
			    "address", word(l), parse_shown(text));
		else
			listen_add_in(l, in, port);
	} else if (listen_parse_in6(l, text, port) == -1)
		conf_error("%s on %s: is no address (names other than "
		    "localhost are not looked up)", word(l),
		    parse_shown(text));
}

/* The text of an address, so that equal ones have equal names. */
static void
listen_set_name(struct conf_listen *l, const char *text, unsigned int port)
{
	char		 addr[INET6_ADDRSTRLEN];
	const char	*scope;
	const void	*p;

	p = &((const struct sockaddr_in6 *)(const void *)
	    &l->addr[0])->sin6_addr;
	free(l->name);
	if (l->naddr == 1 && l->addr[0].ss_family == AF_INET6 &&
	    inet_ntop(AF_INET6, p, addr, sizeof(addr)) != NULL) {
		scope = strchr(text, '%');
		xasprintf(&l->name, "%s%s port %u", addr,
		    scope != NULL ? scope : "", port);
	} else
		xasprintf(&l->name, "%s port %u", text, port);
}

static int
is_loopback(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in	*sin = (const void *)ss;
	const struct sockaddr_in6	*sin6 = (const void *)ss;

	switch (ss->ss_family) {
	case AF_INET:
		return (ntohl(sin->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET);
	case AF_INET6:
		return (IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr));
	default:
		return (1);
	}
}

/* Would the two meet: equal, or one of them for all addresses? */
static int
addr_overlaps(const struct sockaddr_storage *a,
    const struct sockaddr_storage *b)
{
	const struct sockaddr_in	*a4 = (const void *)a;
	const struct sockaddr_in	*b4 = (const void *)b;
	const struct sockaddr_in6	*a6 = (const void *)a;
	const struct sockaddr_in6	*b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return (0);
	if (a->ss_family == AF_INET)
		return (a4->sin_port == b4->sin_port &&
		    (a4->sin_addr.s_addr == b4->sin_addr.s_addr ||
		    a4->sin_addr.s_addr == htonl(INADDR_ANY) ||
		    b4->sin_addr.s_addr == htonl(INADDR_ANY)));
	if (a->ss_family == AF_INET6)
		return (a6->sin6_port == b6->sin6_port &&
		    ((IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr) &&
		    a6->sin6_scope_id == b6->sin6_scope_id) ||
		    IN6_IS_ADDR_UNSPECIFIED(&a6->sin6_addr) ||
		    IN6_IS_ADDR_UNSPECIFIED(&b6->sin6_addr)));
	return (0);
}

static int
listen_overlaps(const struct conf_listen *a, const struct conf_listen *b)
{
	unsigned int	i, j;

	if (a->path != NULL || b->path != NULL)
		return (a->path != NULL && b->path != NULL &&
		    strcmp(a->path, b->path) == 0);
	for (i = 0; i < a->naddr; i++)
		for (j = 0; j < b->naddr; j++)
			if (addr_overlaps(&a->addr[i], &b->addr[j]))
				return (1);
	return (0);
}

/* Is it one of these already? */
static int
listen_is_taken(const struct conf_listen *l, const struct conf_listens *list)
{
	const struct conf_listen	*other;

	TAILQ_FOREACH(other, list, entry) {
		if (other == l || !listen_overlaps(l, other))
			continue;
		conf_error("%s on %s: is taken by \"%s on %s\" at %s:%d",
		    word(l), l->name, word(other), other->name, other->file,
		    other->line);
		return (1);
	}
	return (0);
}

static void
listen_check_new(const struct conf_listen *l)
{
	if (!listen_is_taken(l, &parser.conf->listens))
		(void)listen_is_taken(l, &parser.conf->metrics);
}

static void
begin_inet(const char *addr, const char *port, int is_metrics)
{
	const char	*end;
	uint64_t	 n;

	listen_add("", is_metrics);
	end = parse_digits(port, &n);
	if (end == NULL || *end != '\0' || n < 1 || n > 65535) {
		conf_error("port %s: must be a number from 1 to 65535",
		    parse_shown(port));
		parser.is_blocklost = 1;
		return;
	}
	listen_parse_addr(parser.listen, addr, (uint16_t)n);
	if (parser.listen->naddr == 0) {
		parser.is_blocklost = 1;
		return;
	}
	listen_set_name(parser.listen, addr, (unsigned int)n);
	listen_check_new(parser.listen);
}

void
listen_begin_inet(const char *addr, const char *port)
{
	begin_inet(addr, port, 0);
}

static void
begin_unix(const char *path, int is_metrics)
{
	struct sockaddr_un	*sun;
	char			*name;

	xasprintf(&name, "socket \"%s\"", path);
	listen_add(name, is_metrics);
	free(name);
	parser.listen->flags |= LISTEN_UNIX;
	parser.listen->mode = 0600;
	sun = (struct sockaddr_un *)(void *)&parser.listen->addr[0];
	if (check_socket_path(is_metrics ? "metrics on socket" :
	    "listen on socket", path) == -1) {
		parser.is_blocklost = 1;
		return;
	}
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, strlen(path) + 1);
	parser.listen->naddr = 1;
	parser.listen->path = xstrdup(path);
	listen_check_new(parser.listen);
}

void
listen_begin_unix(const char *path)
{
	begin_unix(path, 0);
}

void
listen_flag(uint32_t flag)
{
	parser.listen->flags |= flag;
}

/* One of the two: without the other. */
void
listen_only(uint32_t other)
{
	if (parse_once(&parser.blockseen, ONCE_ONLY, "only"))
		parser.listen->flags &= ~other;
}

static int
listen_is_unix(const char *what)
{
	if ((parser.listen->flags & LISTEN_UNIX) != 0)
		return (1);
	conf_error("%s is for sockets in the file system", what);
	return (0);
}

void
listen_mode(const char *text)
{
	if (listen_is_unix("mode") &&
	    parse_once(&parser.blockseen, ONCE_MODE, "mode"))
		(void)get_mode(text, &parser.listen->mode);
}

void
listen_owner(const char *name)
{
	if (listen_is_unix("owner") &&
	    parse_once(&parser.blockseen, ONCE_OWNER, "owner"))
		(void)get_owner(name, &parser.listen->owner,
		    &parser.listen->uid);
}

void
listen_group(const char *name)
{
	if (listen_is_unix("group") &&
	    parse_once(&parser.blockseen, ONCE_GROUP, "group"))
		(void)get_group(name, &parser.listen->group,
		    &parser.listen->gid);
}

/* "proxy protocol from", what follows are addresses. */
void
listen_proxy(void)
{
	if (parse_once(&parser.blockseen, ONCE_PROXY, "proxy protocol"))
		parser.listen->flags |= LISTEN_PROXY;
}

/* addr or addr/len: NULL, or what is wrong. */
static const char *
net_parse(const char *text, struct conf_net *n)
{
	char		 addr[INET6_ADDRSTRLEN];
	struct in6_addr	 in6;
	const char	*end;
	uint64_t	 bits;
	size_t		 len = strcspn(text, "/");

	memset(n, 0, sizeof(*n));
	if (len >= sizeof(addr))
		return ("is no address");
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (inet_pton(AF_INET, addr, n->addr) == 1)
		n->family = NET_INET;
	else if (inet_pton(AF_INET6, addr, n->addr) == 1)
		n->family = NET_INET6;
	else
		return ("is no address (names are not looked up)");
	bits = n->family == NET_INET ? 32 : 128;
	if (text[len] == '/') {
		end = parse_digits(text + len + 1, &bits);
		if (end == NULL || *end != '\0' ||
		    bits > (n->family == NET_INET ? 32 : 128))
			return ("has no length from 0 to 32 (IPv4) or 128 "
			    "(IPv6) behind the slash");
	}
	n->len = (uint8_t)bits;
	memcpy(&in6, n->addr, sizeof(in6));
	if (n->family == NET_INET6 && n->len >= 96 &&
	    IN6_IS_ADDR_V4MAPPED(&in6))
		return ("must be written as IPv4");
	if (!conf_net_is_valid(n))
		return ("has bits set beyond its length");
	return (NULL);
}

void
listen_from(const char *text)
{
	struct conf_listen	*l = parser.listen;
	struct conf_net		 n;
	const char		*why;
	size_t			 i;

	if ((why = net_parse(text, &n)) != NULL) {
		conf_error("proxy protocol from %s: %s", parse_shown(text),
		    why);
		parser.is_blocklost = 1;
		return;
	}
	for (i = 0; i < l->nfrom; i++)
		if (memcmp(&l->from[i], &n, sizeof(n)) == 0) {
			conf_error("proxy protocol from %s: is given twice",
			    parse_shown(text));
			return;
		}
	if (l->nfrom >= CONF_MAXNETS)
		conf_error("proxy protocol: more than %d addresses",
		    CONF_MAXNETS);
	else
		conf_add_from(l, &n);
}

/* It may be defined further down: looked for at the end. */
void
listen_keypair(const char *name)
{
	struct ref	*r;

	TAILQ_FOREACH_REVERSE(r, &parser.refs, refs, entry) {
		if (r->listen != parser.listen)
			break;
		if (strcmp(r->name, name) == 0) {
			conf_error("keypair %s is given twice",
			    parse_shown(name));
			return;
		}
	}
	if (parser.nrefs++ >= CONF_MAXKEYPAIRS) {
		conf_error("more than %d keypairs", CONF_MAXKEYPAIRS);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->listen = parser.listen;
	r->name = xstrdup(name);
	r->file = parser.file;
	r->line = parser.line;
	TAILQ_INSERT_TAIL(&parser.refs, r, entry);
}

void
listen_protocols(const char *text)
{
	uint32_t	flags = 0;
	const char	*p = text;
	size_t		len;

	if (!parse_once(&parser.blockseen, ONCE_PROTOCOLS, "protocols"))
		return;
	for (;;) {
		p += strspn(p, " \t");
		len = strcspn(p, ", \t");
		if (len == 7 && strncmp(p, "tlsv1.2", len) == 0)
			flags |= LISTEN_TLS12;
		else if (len == 7 && strncmp(p, "tlsv1.3", len) == 0)
			flags |= LISTEN_TLS13;
		else {
			conf_error("protocols %s: must be \"tlsv1.3\", "
			    "\"tlsv1.2\" or both", parse_shown(text));
			return;
		}
		p += len;
		p += strspn(p, " \t");
		if (*p == '\0')
			break;
		if (*p == ',')
			p++;
	}
	parser.listen->flags |= flags;
}

void
listen_path(const char *path)
{
	const char	*p;

	for (p = path; *p > ' ' && *p <= '~' && *p != '?' && *p != '#'; p++)
		;
	if (*path != '/' || *p != '\0')
		conf_error("websocket path %s: must begin with \"/\" and be "
		    "visible ASCII without \"?\" and \"#\"", parse_shown(path));
	else
		conf_add_str(&parser.listen->paths, path, strlen(path));
}

/* scheme://host[:port] of lower case letters, host may begin with "*." */
static int
is_origin(const char *s)
{
	const char	*p;
	size_t		 len;

	if (!islower((unsigned char)*s))
		return (0);
	len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
	if (strncmp(s + len, "://", 3) != 0)
		return (0);
	p = s + len + 3;
	if (strncmp(p, "*.", 2) == 0)
		p += 2;
	if (*p == '[') {
		len = strspn(p + 1, "0123456789abcdef:.");
		if (len == 0 || p[len + 1] != ']')
			return (0);
		p += len + 2;
	} else {
		len = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
		if (len == 0 || *p == '.')
			return (0);
		p += len;
	}
	if (*p == ':') {
		len = strspn(p + 1, "0123456789");
		if (len == 0 || len > 5)
			return (0);
		p += len + 1;
	}
	return (*p == '\0');
}

void
listen_origin(const char *text)
{
	char	*s, *p;

	s = xstrdup(text);
	for (p = s; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strcmp(s, "*") == 0 || is_origin(s))
		conf_add_str(&parser.listen->origins, s, strlen(s));
	else
		conf_error("websocket origin %s: must be \"*\" or "
		    "scheme://host[:port]", parse_shown(text));
	free(s);
}

void
listen_serializers(uint32_t sers)
{
	if (parse_once(&parser.blockseen, ONCE_SERIALIZERS, "serializers"))
		parser.listen->sers = sers;
}

void
listen_client_ca(const char *path, int is_required)
{
	if (!parse_once(&parser.blockseen, ONCE_CLIENT_CA, "client ca"))
		return;
	if (check_path("client ca", path) == -1)
		return;
	parser.listen->ca_path = xstrdup(path);
	parser.listen->flags |= LISTEN_CLIENT_CA;
	if (is_required)
		parser.listen->flags |= LISTEN_CLIENT_REQUIRED;
}

void
listen_client_crl(const char *path)
{
	if (!parse_once(&parser.blockseen, ONCE_CLIENT_CRL, "client crl"))
		return;
	if (check_path("client crl", path) == 0)
		parser.listen->crl_path = xstrdup(path);
}

void
listen_complain(const struct conf_listen *l, const char *why)
{
	conf_error_at(l->file, l->line, "%s on %s: %s", word(l), l->name,
	    why);
}

/* Plain text, where that is safe or wanted. */
static void
listen_check_plain(const struct conf_listen *l)
{
	unsigned int	i;

	if ((l->flags & LISTEN_INSECURE) != 0) {
		if ((l->flags & LISTEN_UNIX) != 0)
			listen_complain(l, "insecure is for TCP");
		return;
	}
	for (i = 0; i < l->naddr; i++) {
		if (!is_loopback(&l->addr[i])) {
			listen_complain(l, (l->flags & LISTEN_METRICS) != 0 ?
			    "off loopback it needs the word insecure: "
			    "everybody there could read it" :
			    "plain text off loopback needs the word insecure "
			    "(or tls)");
			break;
		}
	}
}

/* TLS and what goes with it, or plain text. */
static void
listen_check_tls(const struct conf_listen *l)
{
	if ((l->flags & LISTEN_TLS) != 0) {
		if ((l->flags & LISTEN_INSECURE) != 0)
			listen_complain(l, "both tls and insecure");
		if ((l->flags & LISTEN_UNIX) != 0)
			listen_complain(l, "no tls on sockets in the file "
			    "system");
		else if (parser.nrefs == 0)
			listen_complain(l, "tls without a keypair");
		if ((parser.blockseen & (1ULL << ONCE_CLIENT_CRL)) != 0 &&
		    (parser.blockseen & (1ULL << ONCE_CLIENT_CA)) == 0)
			listen_complain(l, "client crl without client ca");
		return;
	}
	if (parser.nrefs > 0)
		listen_complain(l, "keypair without tls");
	if ((parser.blockseen & (1ULL << ONCE_PROTOCOLS)) != 0)
		listen_complain(l, "protocols without tls");
	if ((parser.blockseen & (1ULL << ONCE_CLIENT_CA |
	    1ULL << ONCE_CLIENT_CRL)) != 0)
		listen_complain(l, "client ca or crl without tls");
	listen_check_plain(l);
}

void
listen_end(void)
{
	struct conf_listen	*l = parser.listen;

	if (l->sers == 0)
		l->sers = 1 << SER_JSON | 1 << SER_MSGPACK | 1 << SER_CBOR;
	if ((l->flags & (LISTEN_TLS12 | LISTEN_TLS13)) == 0 &&
	    (l->flags & LISTEN_TLS) != 0)
		l->flags |= LISTEN_TLS12 | LISTEN_TLS13;
	if (parser.is_blocklost)
		return;
	listen_check_tls(l);
	if ((l->flags & LISTEN_PROXY) != 0 && (l->flags & LISTEN_UNIX) != 0)
		listen_complain(l, "proxy protocol is for TCP");
	if ((l->flags & LISTEN_RAWSOCKET) == 0 &&
	    (l->flags & LISTEN_RSPING) != 0)
		listen_complain(l, "rawsocket ping, but only websocket");
	if ((l->flags & LISTEN_WEBSOCKET) == 0 &&
	    (!TAILQ_EMPTY(&l->paths) || !TAILQ_EMPTY(&l->origins)))
		listen_complain(l, "websocket path or origin, but only "
		    "rawsocket");
}

/* -- metrics ------------------------------------------------------------ */

void
metrics_begin_inet(const char *addr, const char *port)
{
	begin_inet(addr, port, 1);
}

void
metrics_begin_unix(const char *path)
{
	begin_unix(path, 1);
}

void
metrics_end(void)
{
	if (!parser.is_blocklost)
		listen_check_plain(parser.listen);
}
