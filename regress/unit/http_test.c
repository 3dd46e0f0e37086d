/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The WebSocket handshake, at the server and at the client; each request
 * also octet by octet and in every cut in two.  Input stands at the end of
 * exactly sized allocations, so that a sanitizer sees reads beyond it.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

#define KEY		"dGhlIHNhbXBsZSBub25jZQ=="	/* RFC 6455, 1.2 */
#define ACCEPT		"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define LINE		"GET /ws HTTP/1.1\r\n"
#define HOST		"Host: example.org\r\n"
#define UPGRADE		"Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define SECKEY		"Sec-WebSocket-Key: " KEY "\r\n"
#define VERSION13	"Sec-WebSocket-Version: 13\r\n"
#define PROTO		"Sec-WebSocket-Protocol: wamp.2.json\r\n"
#define REST		HOST UPGRADE SECKEY VERSION13
#define END		"\r\n"

/* Parse the first len octets of in, at the end of an allocation. */
static int
parse(const char *in, size_t len, size_t *from, char *words, size_t size)
{
	struct http_req	 req;
	char		*copy;
	size_t		 i;
	int		 n;

	if ((copy = malloc(len)) == NULL && len > 0)
		err(1, NULL);
	if (len > 0)
		memcpy(copy, in, len);
	n = http_parse_request(copy, len, from, &req);
	if (n > 0) {
		snprintf(words, size, "%s %.*s %.*s%s%s%.*s",
		    req.is_get ? "GET" : "HEAD",
		    (int)req.path.len, req.path.p,
		    (int)req.host.len, req.host.p,
		    req.is_upgrade ? " up" : "", req.badversion ? " bad" : "",
		    req.is_upgrade ? (int)req.key.len + 1 : 0,
		    req.is_upgrade ? req.key.p - 1 : "");
		if (req.origin.p != NULL)
			snprintf(words + strlen(words), size - strlen(words),
			    " from %.*s", (int)req.origin.len, req.origin.p);
		for (i = 0; i < req.nproto; i++)
			snprintf(words + strlen(words), size - strlen(words),
			    " %.*s", (int)req.proto[i].len, req.proto[i].p);
	}
	free(copy);
	return (n);
}

/*
 * Feed in pieces: of one octet each (split 0), or split octets and the
 * rest.  Returns what the parser said at last.
 */
static int
feed(const char *name, const char *in, size_t len, size_t split, char *words,
    size_t size)
{
	size_t	from = 0, have = split == 0 ? 1 : split;
	int	n;

	for (;;) {
		words[0] = '\0';
		if ((n = parse(in, have, &from, words, size)) != 0 ||
		    have == len)
			return (n);
		/* nothing but a CR may be looked at twice: linear time */
		if (from > have || have - from > 1)
			errx(1, "%s: looked at %zu of %zu", name, from, have);
		have = split == 0 ? have + 1 : len;
	}
}

static void
expect(const char *in, size_t len, int want, const char *wantwords)
{
	char	words[1024];
	size_t	split;
	int	n;

	if (want > 0)
		want = (int)len;
	for (split = 0; split <= len; split++) {
		n = feed(in, in, len, split, words, sizeof(words));
		if (n != want)
			errx(1, "split %zu: got %d, want %d: %s", split, n,
			    want, in);
		if (n > 0 && strcmp(words, wantwords) != 0)
			errx(1, "split %zu: got %s, want %s: %s", split,
			    words, wantwords, in);
	}
	/* octets behind the head are not looked at */
	if (want > 0) {
		char	*more;

		if ((more = malloc(len + 3)) == NULL)
			err(1, NULL);
		memcpy(more, in, len);
		memcpy(more + len, "\0\n\x80", 3);
		if (feed(in, more, len + 3, len + 3, words,
		    sizeof(words)) != want)
			errx(1, "with octets behind: %s", in);
		free(more);
	}
}

#define S(s)	s, sizeof(s) - 1
#define OK	1
static const struct {
	const char	*in;
	size_t		 n;
	int		 want;
	const char	*words;
} requests[] = {
	{ S(LINE REST PROTO END), OK, "GET /ws example.org up " KEY
	    " wamp.2.json" },
	{ S("GET / HTTP/1.1\r\n" REST END), OK, "GET / example.org up " KEY },
	{ S("GET /a/b?x=/?|^%&y HTTP/1.1\r\n" REST END), OK,
	    "GET /a/b example.org up " KEY },
	{ S("GET /?~ HTTP/1.1\r\n" HOST END), OK, "GET / example.org" },
	{ S("GET / HTTP/1.1\r\nHost: a:65535\r\n" END), OK, "GET / a:65535" },
	{ S("GET /%7e(a);b=c,d@e:f HTTP/1.1\r\n" HOST END), OK,
	    "GET /%7e(a);b=c,d@e:f example.org" },
	{ S("HEAD / HTTP/1.1\r\n" HOST END), OK, "HEAD / example.org" },
	{ S("HEAD /ws HTTP/1.1\r\n" REST END), OK, "HEAD /ws example.org" },
	{ S(LINE "\x48ost:h\r\n" END), OK, "GET /ws h" },
	{ S(LINE "HOST: \t h:80 \t\r\n" END), OK, "GET /ws h:80" },
	{ S(LINE "Host: [::1]:8080\r\n" END), OK, "GET /ws [::1]:8080" },
	{ S(LINE "host: 127.0.0.1:\r\n" END), OK, "GET /ws 127.0.0.1:" },
	{ S(LINE HOST "User-Agent: \xc3\xa4\t (x, \"y\")\r\n" END), OK,
	    "GET /ws example.org" },
	{ S(LINE HOST "Cookie:\r\nX:  \r\n" END), OK, "GET /ws example.org" },

	/* what makes a handshake */
	{ S(LINE HOST "upgrade: h2c, WebSocket\r\n"
	    "connection: keep-alive, ,\tUPGRADE ,\r\n" SECKEY VERSION13 END),
	    OK, "GET /ws example.org up " KEY },
	{ S(LINE HOST "Upgrade: h2c\r\nUpgrade: websocket\r\n"
	    "Connection: close\r\nConnection: upgrade\r\n" SECKEY VERSION13
	    END), OK, "GET /ws example.org up " KEY },
	{ S(LINE HOST "Upgrade: websocket\r\n" SECKEY VERSION13 END), OK,
	    "GET /ws example.org" },
	{ S(LINE HOST "Connection: Upgrade\r\n" SECKEY VERSION13 END), OK,
	    "GET /ws example.org" },
	{ S(LINE HOST "Upgrade: websockets\r\nConnection: Upgrade\r\n" SECKEY
	    VERSION13 END), OK, "GET /ws example.org" },
	{ S(LINE HOST "Upgrade: websocket\r\nConnection: no upgrade\r\n"
	    SECKEY VERSION13 END), OK, "GET /ws example.org" },
	{ S(LINE HOST UPGRADE SECKEY "Sec-WebSocket-Version: 8\r\n" END), OK,
	    "GET /ws example.org bad" },
	{ S(LINE HOST UPGRADE SECKEY "Sec-WebSocket-Version: 13, 8\r\n" END),
	    OK, "GET /ws example.org bad" },
	{ S(LINE HOST UPGRADE SECKEY "Sec-WebSocket-Version:\r\n" END), OK,
	    "GET /ws example.org bad" },
	{ S(LINE HOST UPGRADE SECKEY END), -400, NULL },
	{ S(LINE HOST UPGRADE VERSION13 END), -400, NULL },
	{ S(LINE HOST UPGRADE VERSION13 "Sec-WebSocket-Key:\r\n" END), -400,
	    NULL },
	{ S(LINE HOST UPGRADE VERSION13 "Sec-WebSocket-Key: "
	    "dGhlIHNhbXBsZSBub25jZQ=\r\n" END), -400, NULL },
	{ S(LINE HOST UPGRADE VERSION13 "Sec-WebSocket-Key: "
	    "dGhlIHNhbXBsZSBub25jZQ===\r\n" END), -400, NULL },
	{ S(LINE HOST UPGRADE VERSION13 "Sec-WebSocket-Key: "
	    "dGhlIHNhbXBsZSBub25jZQAA\r\n" END), -400, NULL },
	{ S(LINE HOST UPGRADE VERSION13 "Sec-WebSocket-Key: "
	    "dGhlIHNhbXBsZSBub25j-Q==\r\n" END), -400, NULL },
	{ S(LINE REST "Sec-WebSocket-Protocol: wamp.2.cbor,wamp.2.json\r\n"
	    "Sec-WebSocket-Protocol: , x\r\n" END), OK,
	    "GET /ws example.org up " KEY " wamp.2.cbor wamp.2.json x" },
	{ S(LINE REST "Sec-WebSocket-Protocol: a b\r\n" END), -400, NULL },
	{ S(LINE REST "Sec-WebSocket-Protocol: a;b\r\n" END), -400, NULL },
	{ S(LINE REST "Sec-WebSocket-Protocol:\r\n" END), OK,
	    "GET /ws example.org up " KEY },
	{ S(LINE REST "Sec-WebSocket-Extensions: permessage-deflate; "
	    "client_max_window_bits\r\n" END), OK,
	    "GET /ws example.org up " KEY },
	{ S(LINE REST "Origin: https://example.org\r\n" END), OK,
	    "GET /ws example.org up " KEY " from https://example.org" },

	/* twice */
	{ S(LINE REST HOST END), -400, NULL },
	{ S(LINE REST SECKEY END), -400, NULL },
	{ S(LINE REST VERSION13 END), -400, NULL },
	{ S(LINE REST "Origin: a\r\nOrigin: a\r\n" END), -400, NULL },
	{ S(LINE REST "Origin:\r\nOrigin: a\r\n" END), -400, NULL },
	{ S(LINE HOST "Content-Length: 0\r\nContent-Length: 0\r\n" END),
	    -400, NULL },

	/* bodies */
	{ S(LINE HOST "Content-Length: 0\r\n" END), OK,
	    "GET /ws example.org" },
	{ S(LINE HOST "Content-Length: 1\r\n" END), -413, NULL },
	{ S(LINE HOST "Content-Length: 99999999999999999999\r\n" END), -413,
	    NULL },
	{ S(LINE HOST "Content-Length: -1\r\n" END), -400, NULL },
	{ S(LINE HOST "Content-Length: 0, 0\r\n" END), -400, NULL },
	{ S(LINE HOST "Content-Length:\r\n" END), -400, NULL },
	{ S(LINE HOST "Transfer-Encoding: chunked\r\n" END), -413, NULL },
	{ S(LINE HOST "transfer-encoding: identity\r\n" END), -413, NULL },

	/* request lines */
	{ S("POST /ws HTTP/1.1\r\n" HOST END), -405, NULL },
	{ S("get /ws HTTP/1.1\r\n" HOST END), -405, NULL },
	{ S("OPTIONS * HTTP/1.1\r\n" HOST END), -405, NULL },
	{ S("CONNECT a:1 HTTP/1.1\r\n" HOST END), -405, NULL },
	{ S("GET /ws HTTP/1.0\r\n" END), -505, NULL },
	{ S("GET /ws HTTP/1.2\r\n" END), -505, NULL },
	{ S("PRI * HTTP/2.0\r\n\r\n"), -505, NULL },
	{ S("GET /ws http/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /ws HTTP/11\r\n" HOST END), -400, NULL },
	{ S("GET /ws HTTP/1.1 \r\n" HOST END), -400, NULL },
	{ S("GET /ws HTTP/1.1x\r\n" HOST END), -400, NULL },
	{ S("GET /ws\r\n" END), -400, NULL },
	{ S("GET\r\n" END), -400, NULL },
	{ S("GET  /ws HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /ws  HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S(" GET /ws HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET\t/ws HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("G(T /ws HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("\r\nGET /ws HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("\r\n\r\n"), -400, NULL },
	{ S("GET * HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET ws HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET http://example.org/ws HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /a\\b HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /a#b HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /?a#b HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /\xc3\xa4 HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /?\xc3\xa4 HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /% HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /%4 HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /%zz HTTP/1.1\r\n" HOST END), -400, NULL },
	{ S("GET /%4?4 HTTP/1.1\r\n" HOST END), -400, NULL },

	/* lines and octets */
	{ S(LINE END), -400, NULL },
	{ S(LINE "Host:\r\n" END), -400, NULL },
	{ S(LINE "Host: a b\r\n" END), -400, NULL },
	{ S(LINE "Host: a/b\r\n" END), -400, NULL },
	{ S(LINE "Host: user@a\r\n" END), -400, NULL },
	{ S(LINE "Host: a:b\r\n" END), -400, NULL },
	{ S(LINE "Host: a:100000\r\n" END), -400, NULL },
	{ S(LINE "Host: [::1\r\n" END), -400, NULL },
	{ S(LINE "Host: []\r\n" END), -400, NULL },
	{ S(LINE "Host: [::1]x\r\n" END), -400, NULL },
	{ S(LINE "Host : a\r\n" END), -400, NULL },
	{ S(LINE " Host: a\r\n" END), -400, NULL },
	{ S(LINE HOST "X: a\r\n b\r\n" END), -400, NULL },
	{ S(LINE HOST "X: a\r\n\tb\r\n" END), -400, NULL },
	{ S(LINE HOST ": a\r\n" END), -400, NULL },
	{ S(LINE HOST "X\r\n" END), -400, NULL },
	{ S(LINE HOST "X(: a\r\n" END), -400, NULL },
	{ S(LINE HOST "X\xc3\xa4: a\r\n" END), -400, NULL },
	{ S("GET /ws HTTP/1.1\n"), -400, NULL },
	{ S(LINE "Host: a\n"), -400, NULL },
	{ S(LINE HOST "\n"), -400, NULL },
	{ S(LINE HOST "X: a\rb\r\n" END), -400, NULL },
	{ S(LINE HOST "\r\r\n" END), -400, NULL },
	{ S(LINE HOST "X: a\0b\r\n" END), -400, NULL },
	{ S(LINE HOST "X: a\x7f\r\n" END), -400, NULL },
	{ S(LINE HOST "X: \x1b[2J\r\n" END), -400, NULL },
	{ S("\x16\3\1\2\0\1"), -400, NULL },
	{ S("\0"), -400, NULL },

	/* not all there */
	{ S("G"), 0, NULL },
	{ S(LINE REST), 0, NULL },
	{ S(LINE REST "\r"), 0, NULL },
};

static void
test_requests(void)
{
	size_t	i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		expect(requests[i].in, requests[i].n, requests[i].want,
		    requests[i].words);
}

/* Behaviour at the bounds; fed whole, and octet by octet. */
static void
expect_big(const char *name, const char *in, size_t len, int want)
{
	char	words[1024];
	int	i, n;

	for (i = 0; i < 2; i++) {
		n = feed(name, in, len, i == 0 ? len : 0, words,
		    sizeof(words));
		if (n != want)
			errx(1, "%s: got %d, want %d", name, n, want);
	}
}

static void
test_bounds(void)
{
	static char	in[HTTP_MAXREQ + 2];
	struct http_req	req;
	size_t		n, len, from = 0;
	int		i;

	/* the longest head, and one octet more */
	n = (size_t)snprintf(in, sizeof(in), "%s", LINE HOST "X: ");
	memset(in + n, 'x', sizeof(in) - n);
	memcpy(in + HTTP_MAXREQ - 4, "\r\n\r\n", 4);
	expect_big("longest head", in, HTTP_MAXREQ, HTTP_MAXREQ);
	memset(in + n, 'x', sizeof(in) - n);
	memcpy(in + HTTP_MAXREQ - 3, "\r\n\r\n", 4);
	expect_big("head too long", in, HTTP_MAXREQ, -431);
	expect_big("head too long", in, HTTP_MAXREQ + 1, -431);
	expect_big("head not yet too long", in, HTTP_MAXREQ - 1, 0);

	for (i = HTTP_MAXHDRS - 1; i <= HTTP_MAXHDRS; i++) {
		len = strlcpy(in, LINE HOST, sizeof(in));
		for (n = 0; n < (size_t)i; n++)
			len = strlcat(in, "X:\r\n", sizeof(in));
		len = strlcat(in, "\r\n", sizeof(in));
		expect_big("headers", in, len,
		    i < HTTP_MAXHDRS ? (int)len : -431);
	}

	/* subprotocols beyond the 32nd are not looked at */
	strlcpy(in, LINE REST "Sec-WebSocket-Protocol: a", sizeof(in));
	for (n = 0; n < 200; n++)
		strlcat(in, ",b", sizeof(in));
	len = strlcat(in, "\r\n\r\n", sizeof(in));
	expect_big("protocols", in, len, (int)len);
	if (http_parse_request(in, len, &from, &req) != (int)len ||
	    req.nproto != HTTP_MAXPROTOS || *req.proto[0].p != 'a' ||
	    *req.proto[HTTP_MAXPROTOS - 1].p != 'b')
		errx(1, "protocols: %zu", req.nproto);
}

static void
expect_origin(const char *origin, const char *host, const char *p1,
    const char *p2, int want)
{
	const char	*allowed[2] = { p1, p2 };
	struct http_req	 req = { 0 };
	size_t		 n = p1 == NULL ? 0 : p2 == NULL ? 1 : 2;
	char		*o = NULL;

	if (origin != NULL) {
		req.origin.len = strlen(origin);
		if ((o = malloc(req.origin.len)) == NULL &&
		    req.origin.len > 0)
			err(1, NULL);
		memcpy(o, origin, req.origin.len);
		req.origin.p = req.origin.len > 0 ? o : "";
	}
	req.host.p = host;
	req.host.len = strlen(host);
	if (http_origin_ok(&req, allowed, n) != want)
		errx(1, "origin %s host %s allowed %s: want %d",
		    origin == NULL ? "(none)" : origin, host,
		    p1 == NULL ? "(none)" : p1, want);
	free(o);
}

static void
test_origin(void)
{
	static const struct {
		const char	*origin, *host, *p1, *p2;
		int		 want;
	} t[] = {
		{ NULL, "a", NULL, NULL, 1 },
		{ NULL, "a", "https://b", NULL, 1 },
		/* without patterns: the same host */
		{ "http://a", "a", NULL, NULL, 1 },
		{ "https://A.Example", "a.eXample", NULL, NULL, 1 },
		{ "http://a", "a:80", NULL, NULL, 1 },
		{ "https://a:443", "a", NULL, NULL, 1 },
		{ "http://a:8080", "a:8080", NULL, NULL, 1 },
		{ "http://[::1]:8080", "[::1]:8080", NULL, NULL, 1 },
		{ "https://a", "a:80", NULL, NULL, 0 },
		{ "http://a:443", "a", NULL, NULL, 0 },
		{ "http://a", "a:8080", NULL, NULL, 0 },
		{ "http://a:8080", "a", NULL, NULL, 0 },
		{ "http://b", "a", NULL, NULL, 0 },
		{ "http://aa", "a", NULL, NULL, 0 },
		{ "null", "a", NULL, NULL, 0 },
		{ "null", "null", NULL, NULL, 0 },
		{ "", "a", NULL, NULL, 0 },
		{ "a", "a", NULL, NULL, 0 },
		{ "http:", "a", NULL, NULL, 0 },
		{ "http://", "a", NULL, NULL, 0 },
		{ "file://a", "a", NULL, NULL, 0 },
		{ "http://a/", "a", NULL, NULL, 0 },
		{ "http://a b", "a", NULL, NULL, 0 },
		{ "http://b@a", "a", NULL, NULL, 0 },
		{ "http://*.a", "a", NULL, NULL, 0 },
		/* patterns */
		{ "null", "a", "*", NULL, 1 },
		{ "", "a", "*", NULL, 1 },
		{ "rubbish \xff", "a", "https://b", "*", 1 },
		{ "https://b", "a", "https://b", NULL, 1 },
		{ "HTTPS://B", "a", "https://b", NULL, 1 },
		{ "https://b:443", "a", "https://b", NULL, 1 },
		{ "https://b", "a", "https://b:443", NULL, 1 },
		{ "https://c", "a", "https://b", "https://c", 1 },
		{ "chrome-extension://abcd", "a", "chrome-extension://abcd",
		    NULL, 1 },
		{ "http://b", "a", "https://b", NULL, 0 },
		{ "https://b:8443", "a", "https://b", NULL, 0 },
		{ "https://b", "a", "https://b:8443", NULL, 0 },
		{ "https://b.c", "a", "https://b", NULL, 0 },
		{ "https://a", "a", "https://b", NULL, 0 },
		{ "null", "a", "https://b", NULL, 0 },
		{ "https://x.b.c", "a", "https://*.b.c", NULL, 1 },
		{ "https://y.x.b.c", "a", "https://*.b.c", NULL, 1 },
		{ "https://x.b.c:1", "a", "https://*.b.c:1", NULL, 1 },
		{ "https://x.b.c:1", "a", "https://*.b.c", NULL, 0 },
		{ "https://b.c", "a", "https://*.b.c", NULL, 0 },
		{ "https://.b.c", "a", "https://*.b.c", NULL, 0 },
		{ "https://*.b.c", "a", "https://*.b.c", NULL, 0 },
		{ "https://xb.c", "a", "https://*.b.c", NULL, 0 },
		{ "https://x.b.c.d", "a", "https://*.b.c", NULL, 0 },
		{ "https://d/x.b.c", "a", "https://*.b.c", NULL, 0 },
		{ "https://d#.b.c", "a", "https://*.b.c", NULL, 0 },
		{ "https://d?.b.c", "a", "https://*.b.c", NULL, 0 },
		{ "https://d\\.b.c", "a", "https://*.b.c", NULL, 0 },
		{ "https://d:1@x.b.c", "a", "https://*.b.c", NULL, 0 },
		{ "https://b https://x.b.c", "a", "https://*.b.c", NULL, 0 },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		expect_origin(t[i].origin, t[i].host, t[i].p1, t[i].p2,
		    t[i].want);
}

static void
test_subprotocol(void)
{
	static const struct {
		const char	*s;
		int		 want;
	} t[] = {
		{ "wamp.2.json", 1 }, { "wamp.2.msgpack", 2 },
		{ "wamp.2.cbor", 3 }, { "wamp.2.jso", 0 },
		{ "wamp.2.jsonx", 0 }, { "WAMP.2.json", 0 },
		{ "wamp.2.json.batched", 0 }, { "wamp.2.ubjson", 0 },
		{ "", 0 },
	};
	struct http_span	s;
	size_t			i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		s.p = t[i].s;
		s.len = strlen(t[i].s);
		if (http_subprotocol(&s) != t[i].want)
			errx(1, "subprotocol %s: got %d", t[i].s,
			    http_subprotocol(&s));
	}
}

static void
test_answers(void)
{
	static const int	status[] = { 400, 403, 404, 405, 408, 413, 426,
	    431, 503, 505 };
	struct http_req		req = { 0 };
	char			out[1024], head[1024], *body, line[64];
	size_t			i, n, m;

	req.key.p = KEY;
	req.key.len = 24;
	n = http_switching(out, sizeof(out), &req, 2);
	out[n] = '\0';
	if (strcmp(out, "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: " ACCEPT "\r\n"
	    "Sec-WebSocket-Protocol: wamp.2.msgpack\r\n\r\n") != 0)
		errx(1, "switching: %s", out);

	for (i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
		n = http_error(out, sizeof(out), status[i], 0);
		out[n] = '\0';
		if ((body = strstr(out, "\r\n\r\n")) == NULL)
			errx(1, "error %d: no end of head", status[i]);
		body += 4;
		snprintf(line, sizeof(line), "\r\nContent-Length: %zu\r\n",
		    strlen(body));
		if (strtol(out + 9, NULL, 10) != status[i] ||
		    strstr(out, line) == NULL || *body == '\0' ||
		    strstr(out, "\r\nConnection: close") == NULL)
			errx(1, "error %d: %s", status[i], out);
		if ((strstr(out, "\r\nAllow: GET") != NULL) !=
		    (status[i] == 405))
			errx(1, "Allow in %s", out);
		if ((strstr(out, "\r\nUpgrade: websocket\r\n") != NULL &&
		    strstr(out, "\r\nSec-WebSocket-Version: 13\r\n") !=
		    NULL && strstr(out, "close, Upgrade\r\n") != NULL) !=
		    (status[i] == 426))
			errx(1, "Upgrade in %s", out);
		m = http_error(head, sizeof(head), status[i], 1);
		if (m != (size_t)(body - out) || memcmp(head, out, m) != 0)
			errx(1, "error %d: HEAD is not GET without body",
			    status[i]);
	}
	if (http_error(out, 10, 400, 0) > 10)
		errx(1, "error: wrote behind the buffer");
	http_error(out, sizeof(out), 299, 0);
	if (strncmp(out, "HTTP/1.1 500 ", 13) != 0)
		errx(1, "unknown status: %s", out);
}

static void
expect_response(const char *in, size_t len, int want, int wantser,
    const char *wantwhy)
{
	char	*copy, why[128] = "";
	size_t	 n;
	int	 rc, ser;

	for (n = 0; n <= len; n++) {
		if ((copy = malloc(n)) == NULL && n > 0)
			err(1, NULL);
		memcpy(copy, in, n);
		ser = 0;
		rc = http_client_response(copy, n, KEY, &ser, why,
		    sizeof(why));
		free(copy);
		if (rc != 0 && n < len)
			errx(1, "answered %d after %zu of: %s", rc, n, in);
	}
	if (rc != (want > 0 ? (int)len : want) || (rc > 0 && ser != wantser))
		errx(1, "got %d, serializer %d, want %d %d: %s", rc, ser,
		    want, wantser, in);
	if (rc == -1 && strcmp(why, wantwhy) != 0)
		errx(1, "got %s, want %s", why, wantwhy);
}

static void
test_client(void)
{
#define R101	"HTTP/1.1 101 Switching Protocols\r\n"
#define RACC	"Sec-WebSocket-Accept: " ACCEPT "\r\n"
	static const struct {
		const char	*in;
		size_t		 n;
		int		 want, ser;
		const char	*why;
	} t[] = {
		{ S(R101 UPGRADE RACC PROTO END), 1, 1, NULL },
		{ S("HTTP/1.1 101\r\nDate: x\r\n" UPGRADE RACC
		    "sec-websocket-protocol: wamp.2.cbor\r\n" END), 1, 3,
		    NULL },
		{ S(R101 UPGRADE RACC END), -1, 0,
		    "no WAMP subprotocol agreed" },
		{ S(R101 UPGRADE RACC "Sec-WebSocket-Protocol: x\r\n" END),
		    -1, 0, "no WAMP subprotocol agreed" },
		{ S(R101 UPGRADE RACC PROTO PROTO END), -1, 0,
		    "no WAMP subprotocol agreed" },
		{ S(R101 UPGRADE PROTO END), -1, 0,
		    "wrong Sec-WebSocket-Accept" },
		{ S(R101 UPGRADE PROTO "Sec-WebSocket-Accept: " KEY "\r\n"
		    END), -1, 0, "wrong Sec-WebSocket-Accept" },
		{ S(R101 UPGRADE PROTO RACC RACC END), -1, 0,
		    "malformed answer" },
		{ S(R101 "Connection: Upgrade\r\n" RACC PROTO END), -1, 0,
		    "no upgrade to WebSocket" },
		{ S(R101 "Upgrade: websocket\r\n" RACC PROTO END), -1, 0,
		    "no upgrade to WebSocket" },
		{ S(R101 UPGRADE RACC PROTO "Sec-WebSocket-Extensions: "
		    "permessage-deflate\r\n" END), -1, 0,
		    "extension that was not offered" },
		{ S("HTTP/1.1 404 Not\x1b Found"), -1, 0,
		    "malformed answer" },
		{ S("HTTP/1.1 404 Not Found\r\n\r\n"), -1, 0,
		    "answer with status 404" },
		{ S("HTTP/1.0 101 X\r\n\r\n"), -1, 0, "malformed answer" },
		{ S("HTTP/1.1 1010\r\n\r\n"), -1, 0, "malformed answer" },
		{ S("HTTP/1.1 10\r\n\r\n"), -1, 0, "malformed answer" },
		{ S("SSH-2.0-x\r\n\r\n"), -1, 0, "malformed answer" },
		{ S("\x7f"), -1, 0, "malformed answer" },
		{ S(R101 UPGRADE), 0, 0, NULL },
	};
	char		out[1024];
	struct http_req	req;
	size_t		i, n, from = 0;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (strstr(t[i].in, "\x1b") != NULL)
			/* a bad octet ends it before the rest is there */
			expect_response(t[i].in, strcspn(t[i].in, "\x1b") + 1,
			    -1, 0, t[i].why);
		else
			expect_response(t[i].in, t[i].n, t[i].want, t[i].ser,
			    t[i].why);

	/* our requests pass at our server */
	n = http_client_request(out, sizeof(out), "h:1", "/ws", KEY,
	    1U << 1 | 1U << 2 | 1U << 3);
	if (http_parse_request(out, n, &from, &req) != (int)n ||
	    !req.is_upgrade || req.nproto != 3 ||
	    http_subprotocol(&req.proto[0]) != 1 ||
	    http_subprotocol(&req.proto[2]) != 3)
		errx(1, "client request: %.*s", (int)n, out);
	if (http_client_request(out, n, "h:1", "/ws", KEY, 14) != 0 ||
	    http_client_request(out, n + 1, "h:1", "/ws", KEY, 14) != n)
		errx(1, "client request: size");
	if (http_client_request(out, sizeof(out), "h\r\nX: y", "/", KEY,
	    1U << 1) != 0 || http_client_request(out, sizeof(out), "h",
	    "/ HTTP", KEY, 1U << 1) != 0)
		errx(1, "client request: injection");
}

int
main(void)
{
	test_requests();
	test_bounds();
	test_origin();
	test_subprotocol();
	test_answers();
	test_client();
	return (0);
}
