/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The HTTP/1.1 exchange in front of a WebSocket (RFC 9112 as far as RFC
 * 6455, 4 needs it).  No general HTTP: one request without a body, one
 * answer.  Which paths and origins are served is the caller's decision.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "codec.h"
#include "http.h"

#define WS_GUID		"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEYLEN		24	/* base64 of 16 octets */
#define ACCEPTLEN	28	/* base64 of a SHA-1 */

#define MIN(a, b)	((a) < (b) ? (a) : (b))

static const char *const protocols[SER_MAX] = {
	[SER_JSON] = "wamp.2.json",
	[SER_MSGPACK] = "wamp.2.msgpack",
	[SER_CBOR] = "wamp.2.cbor",
};

/* What a head has said besides what stands in the request. */
struct head {
	struct http_req		*req;
	struct http_span	 version;	/* Sec-WebSocket-Version */
	struct http_span	 accept;	/* Sec-WebSocket-Accept */
	struct http_span	 length;	/* Content-Length */
	int			 upgrade;	/* Upgrade: websocket */
	int			 connection;	/* Connection: Upgrade */
	int			 extensions;	/* Sec-WebSocket-Extensions */
};

/* A header we look at; take returns 0, or minus a status. */
struct field {
	const char	*name;
	int		(*take)(struct head *, const struct http_span *);
};

static int
span_is(const struct http_span *s, const char *str)
{
	return (s->len == strlen(str) && memcmp(s->p, str, s->len) == 0);
}

static int
span_caseis(const struct http_span *s, const char *str)
{
	return (s->len == strlen(str) && strncasecmp(s->p, str, s->len) == 0);
}

static int
spans_equal(const struct http_span *a, const struct http_span *b)
{
	return (a->len == b->len && strncasecmp(a->p, b->p, a->len) == 0);
}

static int
is_alnum(unsigned char c)
{
	return (c < 0x80 && isalnum(c));
}

/* RFC 9110, 5.6.2 */
static int
is_token(const struct http_span *s)
{
	size_t	i;

	for (i = 0; i < s->len; i++)
		if (!is_alnum((unsigned char)s->p[i]) &&
		    (s->p[i] == '\0' ||
		    strchr("!#$%&'*+-.^_`|~", s->p[i]) == NULL))
			return (0);
	return (s->len > 0);
}

static void
trim(struct http_span *s)
{
	while (s->len > 0 && (*s->p == ' ' || *s->p == '\t')) {
		s->p++;
		s->len--;
	}
	while (s->len > 0 && (s->p[s->len - 1] == ' ' ||
	    s->p[s->len - 1] == '\t'))
		s->len--;
}

/*
 * Cut s at the first c: what stands before it goes into before, what stands
 * behind it stays.  Returns 0 if there is no c.
 */
static int
cut(struct http_span *s, char c, struct http_span *before)
{
	const char	*p;

	if (s->len == 0 || (p = memchr(s->p, c, s->len)) == NULL)
		return (0);
	before->p = s->p;
	before->len = (size_t)(p - s->p);
	s->len -= before->len + 1;
	s->p = p + 1;
	return (1);
}

/* Next element of a comma separated list; empty ones do not count. */
static int
next_item(struct http_span *list, struct http_span *item)
{
	while (list->len > 0) {
		if (!cut(list, ',', item)) {
			*item = *list;
			list->len = 0;
		}
		trim(item);
		if (item->len > 0)
			return (1);
	}
	return (0);
}

static int
has_item(const struct http_span *value, const char *token)
{
	struct http_span	list = *value, item;

	while (next_item(&list, &item))
		if (span_caseis(&item, token))
			return (1);
	return (0);
}

/*
 * Find the end of a head, and refuse every octet that has no place in it,
 * the moment it is there.  Returns the length, 0 or minus a status.
 */
static int
head_length(const char *buf, size_t len, size_t *from)
{
	size_t		n = MIN(len, HTTP_MAXREQ), i;
	unsigned char	c;

	for (i = *from; i < n; i++) {
		c = (unsigned char)buf[i];
		if (c == '\r') {
			if (i + 1 == n)
				break;
			if (buf[i + 1] != '\n')
				return (-400);
			if (i > 0 && buf[i - 1] == '\n')
				return ((int)i + 2);
			i++;
		} else if ((c < ' ' && c != '\t') || c == 0x7f)
			return (-400);
	}
	*from = i;
	return (len < HTTP_MAXREQ ? 0 : -431);
}

/* Take a line off a head; the last one is empty. */
static void
next_line(struct http_span *head, struct http_span *line)
{
	if (!cut(head, '\r', line)) {
		*line = *head;
		line->len = 0;
		return;
	}
	head->p++;		/* the LF; head_length() has seen it */
	head->len--;
}

/* The lines behind the first one.  Returns 0 or minus a status. */
static int
parse_fields(struct http_span *head, struct head *h, const struct field *f,
    size_t nf)
{
	struct http_span	line, name;
	size_t			n = 0, i;
	int			rc;

	for (;;) {
		next_line(head, &line);
		if (line.len == 0)
			return (0);
		if (++n > HTTP_MAXHDRS)
			return (-431);
		/* no token: obs-fold, space before the colon */
		if (!cut(&line, ':', &name) || !is_token(&name))
			return (-400);
		trim(&line);
		for (i = 0; i < nf; i++)
			if (span_caseis(&name, f[i].name))
				break;
		if (i < nf && (rc = f[i].take(h, &line)) != 0)
			return (rc);
	}
}

static int
take_once(struct http_span *to, const struct http_span *value)
{
	if (to->p != NULL)
		return (-400);
	*to = *value;
	return (0);
}

static int
is_hostchar(char c)
{
	return (is_alnum((unsigned char)c) || c == '-' || c == '.' ||
	    c == '_');
}

/*
 * Split host[:port]; the host of an IPv6 address keeps its brackets, a port
 * left out has length 0.  Returns -1 if s is anything else.
 */
static int
split_host(const struct http_span *s, struct http_span *host,
    struct http_span *port)
{
	size_t	n = 0;

	if (s->len > 0 && s->p[0] == '[') {
		for (n = 1; n < s->len && (s->p[n] == ':' || s->p[n] == '.' ||
		    isxdigit((unsigned char)s->p[n])); n++)
			;
		if (n == s->len || s->p[n] != ']' || n < 3)
			return (-1);
		n++;
	} else
		while (n < s->len && is_hostchar(s->p[n]))
			n++;
	if (n == 0)
		return (-1);
	host->p = s->p;
	host->len = n;
	port->p = s->p + n;
	port->len = 0;
	if (n == s->len)
		return (0);
	if (s->p[n] != ':')
		return (-1);
	port->p++;
	port->len = s->len - n - 1;
	for (n = 0; n < port->len; n++)
		if (!isdigit((unsigned char)port->p[n]))
			return (-1);
	return (port->len > 5 ? -1 : 0);
}

static int
take_host(struct head *h, const struct http_span *value)
{
	struct http_span	host, port;

	if (split_host(value, &host, &port) == -1)
		return (-400);
	return (take_once(&h->req->host, value));
}

static int
take_origin(struct head *h, const struct http_span *value)
{
	return (take_once(&h->req->origin, value));
}

static int
take_key(struct head *h, const struct http_span *value)
{
	return (take_once(&h->req->key, value));
}

static int
take_version(struct head *h, const struct http_span *value)
{
	return (take_once(&h->version, value));
}

static int
take_upgrade(struct head *h, const struct http_span *value)
{
	h->upgrade |= has_item(value, "websocket");
	return (0);
}

static int
take_connection(struct head *h, const struct http_span *value)
{
	h->connection |= has_item(value, "upgrade");
	return (0);
}

static int
take_protocol(struct head *h, const struct http_span *value)
{
	struct http_span	list = *value, item;

	while (next_item(&list, &item)) {
		if (!is_token(&item))
			return (-400);
		if (h->req->nproto < HTTP_MAXPROTOS)
			h->req->proto[h->req->nproto++] = item;
	}
	return (0);
}

static int
take_extensions(struct head *h, const struct http_span *value)
{
	(void)value;
	h->extensions = 1;
	return (0);
}

static int
take_accept(struct head *h, const struct http_span *value)
{
	return (take_once(&h->accept, value));
}

static int
take_length(struct head *h, const struct http_span *value)
{
	size_t	i;
	int	rc = 0;

	for (i = 0; i < value->len; i++) {
		if (!isdigit((unsigned char)value->p[i]))
			return (-400);
		if (value->p[i] != '0')
			rc = -413;
	}
	if (value->len == 0 || take_once(&h->length, value) != 0)
		return (-400);
	return (rc);
}

static int
take_encoding(struct head *h, const struct http_span *value)
{
	(void)h;
	(void)value;
	return (-413);
}

/* RFC 9112, 3.2.1: origin-form, else -1 */
static int
parse_target(const struct http_span *target, struct http_span *path)
{
	size_t	i;
	char	c;

	if (target->len == 0 || target->p[0] != '/')
		return (-1);
	path->p = target->p;
	for (i = 0; i < target->len && target->p[i] != '?'; i++) {
		c = target->p[i];
		if (c == '%') {
			if (target->len - i < 3 ||
			    !isxdigit((unsigned char)target->p[i + 1]) ||
			    !isxdigit((unsigned char)target->p[i + 2]))
				return (-1);
		} else if (!is_alnum((unsigned char)c) &&
		    strchr("-._~!$&'()*+,;=:@/", c) == NULL)
			return (-1);
	}
	path->len = i;
	/* nobody reads the query, and browsers do not encode all of it */
	for (; i < target->len; i++) {
		c = target->p[i];
		if (c <= ' ' || c > '~' || strchr("\"#<>", c) != NULL)
			return (-1);
	}
	return (0);
}

static int
is_version(const struct http_span *s)
{
	return (s->len == 8 && memcmp(s->p, "HTTP/", 5) == 0 &&
	    isdigit((unsigned char)s->p[5]) && s->p[6] == '.' &&
	    isdigit((unsigned char)s->p[7]));
}

static int
parse_request_line(struct http_span *line, struct http_req *req)
{
	struct http_span	method, target;

	if (!cut(line, ' ', &method) || !cut(line, ' ', &target) ||
	    !is_token(&method) || !is_version(line))
		return (-400);
	if (!span_is(line, "HTTP/1.1"))
		return (-505);
	req->is_get = span_is(&method, "GET");
	if (!req->is_get && !span_is(&method, "HEAD"))
		return (-405);
	if (parse_target(&target, &req->path) == -1)
		return (-400);
	return (0);
}

/* RFC 6455, 4.1: base64 of 16 octets */
static int
is_key(const struct http_span *s)
{
	size_t	i;

	if (s->len != KEYLEN || memcmp(s->p + 22, "==", 2) != 0)
		return (0);
	for (i = 0; i < 22; i++)
		if (!is_alnum((unsigned char)s->p[i]) && s->p[i] != '+' &&
		    s->p[i] != '/')
			return (0);
	return (1);
}

/* RFC 6455, 4.2.1.  Returns 0 or minus a status. */
static int
check_handshake(const struct head *h)
{
	struct http_req	*req = h->req;

	if (!req->is_get || !h->upgrade || !h->connection)
		return (0);
	if (h->version.p == NULL)
		return (-400);
	if (!span_is(&h->version, "13")) {
		req->badversion = 1;
		return (0);
	}
	if (!is_key(&req->key))
		return (-400);
	req->is_upgrade = 1;
	return (0);
}

int
http_parse_request(const char *buf, size_t len, size_t *from,
    struct http_req *req)
{
	static const struct field fields[] = {
		{ "Connection",			take_connection },
		{ "Content-Length",		take_length },
		{ "Host",			take_host },
		{ "Origin",			take_origin },
		{ "Sec-WebSocket-Key",		take_key },
		{ "Sec-WebSocket-Protocol",	take_protocol },
		{ "Sec-WebSocket-Version",	take_version },
		{ "Transfer-Encoding",		take_encoding },
		{ "Upgrade",			take_upgrade },
	};
	struct http_span	head, line;
	struct head		h;
	int			n, rc;

	if ((n = head_length(buf, len, from)) <= 0)
		return (n);
	memset(req, 0, sizeof(*req));
	memset(&h, 0, sizeof(h));
	h.req = req;
	head.p = buf;
	head.len = (size_t)n;
	next_line(&head, &line);
	if ((rc = parse_request_line(&line, req)) != 0 ||
	    (rc = parse_fields(&head, &h, fields,
	    sizeof(fields) / sizeof(fields[0]))) != 0)
		return (rc);
	if (req->host.p == NULL)
		return (-400);
	if ((rc = check_handshake(&h)) != 0)
		return (rc);
	return (n);
}

static void
drop_default_port(const struct http_span *scheme, struct http_span *port)
{
	if ((span_caseis(scheme, "http") && span_is(port, "80")) ||
	    (span_caseis(scheme, "https") && span_is(port, "443")))
		port->len = 0;
}

struct origin {
	struct http_span	scheme, host, port;
	int			wild;	/* host is ".example.org", of any
					 * depth */
};

/*
 * Split scheme://host[:port], leaving out a port that is the scheme's
 * default.  Only a pattern may have "*." in front of the host.
 */
static int
parse_origin(const struct http_span *s, int pattern, struct origin *o)
{
	struct http_span	rest = *s;

	if (!cut(&rest, ':', &o->scheme) || o->scheme.len == 0 ||
	    rest.len < 2 || memcmp(rest.p, "//", 2) != 0)
		return (-1);
	rest.p += 2;
	rest.len -= 2;
	o->wild = pattern && rest.len > 2 && memcmp(rest.p, "*.", 2) == 0;
	if (o->wild) {
		rest.p++;
		rest.len--;
	}
	if (split_host(&rest, &o->host, &o->port) == -1)
		return (-1);
	drop_default_port(&o->scheme, &o->port);
	return (0);
}

static int
origin_matches(const struct origin *o, const char *pattern)
{
	struct http_span	s = { pattern, strlen(pattern) }, tail;
	struct origin		p;

	if (parse_origin(&s, 1, &p) == -1 ||
	    !spans_equal(&p.scheme, &o->scheme) ||
	    !spans_equal(&p.port, &o->port))
		return (0);
	tail = o->host;
	if (p.wild && tail.len > p.host.len) {
		tail.p += tail.len - p.host.len;
		tail.len = p.host.len;
		return (spans_equal(&p.host, &tail));
	}
	return (!p.wild && spans_equal(&p.host, &tail));
}

int
http_origin_ok(const struct http_req *req, const char *const *allowed,
    size_t n)
{
	struct http_span	host, port;
	struct origin		o;
	size_t			i;
	int			known;

	if (req->origin.p == NULL)
		return (1);
	known = parse_origin(&req->origin, 0, &o) == 0;
	for (i = 0; i < n; i++)
		if (strcmp(allowed[i], "*") == 0 ||
		    (known && origin_matches(&o, allowed[i])))
			return (1);
	if (n > 0 || !known ||
	    (!span_caseis(&o.scheme, "http") &&
	    !span_caseis(&o.scheme, "https")) ||
	    split_host(&req->host, &host, &port) == -1)
		return (0);
	drop_default_port(&o.scheme, &port);
	return (spans_equal(&o.host, &host) && spans_equal(&o.port, &port));
}

int
http_subprotocol(const struct http_span *s)
{
	int	ser;

	for (ser = SER_JSON; ser < SER_MAX; ser++)
		if (span_is(s, protocols[ser]))
			return (ser);
	return (SER_NONE);
}

/* RFC 6455, 4.2.2: the proof of having read the key. */
static int
accept_key(const char key[KEYLEN], char out[ACCEPTLEN + 1])
{
	unsigned char	in[KEYLEN + sizeof(WS_GUID) - 1];
	unsigned char	md[SHA_DIGEST_LENGTH];

	memcpy(in, key, KEYLEN);
	memcpy(in + KEYLEN, WS_GUID, sizeof(WS_GUID) - 1);
	if (SHA1(in, sizeof(in), md) == NULL)
		return (-1);
	EVP_EncodeBlock((unsigned char *)out, md, sizeof(md));
	return (0);
}

static size_t
written(int n, size_t size)
{
	if (n < 0)
		return (0);
	return ((size_t)n < size ? (size_t)n : size - 1);
}

size_t
http_switching(char *out, size_t size, const struct http_req *req, int ser)
{
	char	accept[ACCEPTLEN + 1];

	if (accept_key(req->key.p, accept) == -1)
		return (0);
	return (written(snprintf(out, size,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n"
	    "Sec-WebSocket-Protocol: %s\r\n"
	    "\r\n", accept, protocols[ser]), size));
}

size_t
http_error(char *out, size_t size, int status, int head)
{
	static const struct {
		int		 status;
		const char	*reason, *more, *text;
	} errors[] = {
		{ 500, "Internal Server Error", "", "no answer to this" },
		{ 400, "Bad Request", "", "malformed request, or none of the "
		    "subprotocols wamp.2.json, wamp.2.msgpack, wamp.2.cbor" },
		{ 403, "Forbidden", "", "pages of this origin are not "
		    "permitted" },
		{ 404, "Not Found", "", "nothing here" },
		{ 405, "Method Not Allowed", "Allow: GET, HEAD\r\n",
		    "only GET" },
		{ 408, "Request Timeout", "", "the request came too slowly" },
		{ 413, "Content Too Large", "", "no request with a body" },
		{ 426, "Upgrade Required", "Upgrade: websocket\r\n"
		    "Sec-WebSocket-Version: 13\r\n",
		    "this is a WAMP router: connect with WebSocket, "
		    "version 13" },
		{ 431, "Request Header Fields Too Large", "",
		    "the request is too long" },
		{ 503, "Service Unavailable", "", "too many connections" },
		{ 505, "HTTP Version Not Supported", "", "only HTTP/1.1" },
	};
	size_t	i = sizeof(errors) / sizeof(errors[0]);

	while (--i > 0)
		if (errors[i].status == status)
			break;
	/* RFC 9110, 7.8: Upgrade stands in Connection as well */
	return (written(snprintf(out, size,
	    "HTTP/1.1 %d %s\r\n"
	    "Content-Type: text/plain\r\n"
	    "Content-Length: %zu\r\n"
	    "Connection: close%s\r\n"
	    "%s"
	    "\r\n"
	    "%s%s", errors[i].status, errors[i].reason,
	    strlen(errors[i].text) + 1,
	    errors[i].status == 426 ? ", Upgrade" : "", errors[i].more,
	    head ? "" : errors[i].text, head ? "" : "\n"), size));
}

static int
is_visible(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return (0);
	return (1);
}

size_t
http_client_request(char *out, size_t size, const char *host,
    const char *path, const char key_b64[25], unsigned int sers)
{
	char	offer[64] = "";
	int	ser, n;

	if (!is_visible(host) || !is_visible(path))
		return (0);
	for (ser = SER_JSON; ser < SER_MAX; ser++)
		if (sers & 1U << ser) {
			n = (int)strlen(offer);
			snprintf(offer + n, sizeof(offer) - (size_t)n, "%s%s",
			    n > 0 ? ", " : "", protocols[ser]);
		}
	n = snprintf(out, size,
	    "GET %s HTTP/1.1\r\n"
	    "Host: %s\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: %s\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Protocol: %s\r\n"
	    "\r\n", path, host, key_b64, offer);
	return (n < 0 || (size_t)n >= size ? 0 : (size_t)n);
}

/* Returns the status, 0 if this is no status line. */
static int
parse_status_line(const struct http_span *line)
{
	const char	*p = line->p;

	if (line->len < 12 || memcmp(p, "HTTP/1.1 ", 9) != 0 ||
	    !isdigit((unsigned char)p[9]) ||
	    !isdigit((unsigned char)p[10]) ||
	    !isdigit((unsigned char)p[11]) || (line->len > 12 && p[12] != ' '))
		return (0);
	return ((p[9] - '0') * 100 + (p[10] - '0') * 10 + p[11] - '0');
}

/* RFC 6455, 4.1, the list at its end.  Returns NULL, or what is wrong. */
static const char *
check_answer(const struct head *h, const char key_b64[25], int *ser)
{
	char	accept[ACCEPTLEN + 1];

	if (!h->upgrade || !h->connection)
		return ("no upgrade to WebSocket");
	if (accept_key(key_b64, accept) == -1)
		return ("no SHA-1");
	if (h->accept.p == NULL || !span_is(&h->accept, accept))
		return ("wrong Sec-WebSocket-Accept");
	if (h->extensions)
		return ("extension that was not offered");
	if (h->req->nproto != 1 ||
	    (*ser = http_subprotocol(&h->req->proto[0])) == SER_NONE)
		return ("no WAMP subprotocol agreed");
	return (NULL);
}

int
http_client_response(const char *buf, size_t len, const char key_b64[25],
    int *ser, char *why, size_t whysize)
{
	static const struct field fields[] = {
		{ "Connection",			take_connection },
		{ "Sec-WebSocket-Accept",	take_accept },
		{ "Sec-WebSocket-Extensions",	take_extensions },
		{ "Sec-WebSocket-Protocol",	take_protocol },
		{ "Upgrade",			take_upgrade },
	};
	struct http_span	 head, line;
	struct http_req		 req;
	struct head		 h;
	const char		*wrong = "malformed answer";
	size_t			 from = 0;
	int			 n, status;

	if ((n = head_length(buf, len, &from)) == 0)
		return (0);
	if (n < 0)
		goto refuse;
	memset(&req, 0, sizeof(req));
	memset(&h, 0, sizeof(h));
	h.req = &req;
	head.p = buf;
	head.len = (size_t)n;
	next_line(&head, &line);
	if ((status = parse_status_line(&line)) == 0)
		goto refuse;
	if (status != 101) {
		snprintf(why, whysize, "answer with status %d", status);
		return (-1);
	}
	if (parse_fields(&head, &h, fields,
	    sizeof(fields) / sizeof(fields[0])) != 0)
		goto refuse;
	if ((wrong = check_answer(&h, key_b64, ser)) == NULL)
		return (n);
refuse:
	snprintf(why, whysize, "%s", wrong);
	return (-1);
}
