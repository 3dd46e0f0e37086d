/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The one HTTP exchange that opens a WebSocket (RFC 6455, 4): a bounded
 * parser of the request, the answers to it, and for wampc the client's side.
 * Refuses everything it does not need (obs-fold, bare LF, bodies, ...).
 */
#ifndef WAMPD_HTTP_H
#define WAMPD_HTTP_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_MAXREQ	8192	/* whole request head */
#define HTTP_MAXHDRS	100
#define HTTP_MAXPROTOS	32	/* subprotocols looked at */

struct http_span {
	const char	*p;	/* NULL: header absent */
	size_t		 len;
};

/* A parsed request; points into the buffer it was parsed from. */
struct http_req {
	struct http_span	 path;		/* without query */
	struct http_span	 host;
	struct http_span	 origin;
	struct http_span	 key;		/* Sec-WebSocket-Key */
	struct http_span	 proto[HTTP_MAXPROTOS];
	size_t			 nproto;	/* in the client's order */
	int			 is_get;	/* GET, else HEAD */
	int			 is_upgrade;	/* a correct version 13
						 * WebSocket handshake */
	int			 badversion;	/* Upgrade: websocket, but
						 * another version: 426 */
};					/* neither: 426 as well */

/*
 * Parse a request head.  "from" is how far earlier calls with the same,
 * shorter buffer have looked (0 at first; the function updates it), so that
 * a request that comes octet by octet costs linear time.
 * Returns > 0: length of the head, req is filled; 0: incomplete (fewer than
 * HTTP_MAXREQ octets); < 0: minus the status to answer with (400, 405, 413,
 * 431, 505).  Duplicate Host, Key, Version or Origin headers: 400.
 * A method other than GET and HEAD: 405.  A body announced: 413.
 * An attempt at a handshake of version 13 that is not correct: 400.
 * The target is origin-form; its path is neither decoded nor normalized.
 */
int	 http_parse_request(const char *buf, size_t len, size_t *from,
	    struct http_req *req);

/*
 * May a page of this origin connect?  origin absent: yes.  allowed: list of
 * n patterns as in wampd.conf(5): "*", or scheme://host[:port] where host
 * may begin with "*." for any depth of subdomain (not the domain itself).
 * n == 0: only if it is an http or https origin whose host[:port] equals
 * Host.  Default ports of the scheme left out on either side count as
 * equal; case is ignored.  "null" is matched by "*" only.
 */
int	 http_origin_ok(const struct http_req *, const char *const *allowed,
	    size_t n);

/* "wamp.2.json" -> 1, "wamp.2.msgpack" -> 2, "wamp.2.cbor" -> 3, else 0. */
int	 http_subprotocol(const struct http_span *);

/*
 * The answers, complete with CRLFCRLF (and, unless head, the short
 * text/plain body); no octet of the client's is echoed but the negotiated
 * subprotocol's own constant and the accept key.
 * Return the length, never more than size (size >= 1024 always suffices);
 * http_switching() 0 if libcrypto cannot compute SHA-1.
 */
size_t	 http_switching(char *out, size_t size, const struct http_req *,
	    int ser);
size_t	 http_error(char *out, size_t size, int status, int head);

/*
 * The client's side: write a request (key_b64: 24 octets of base64; sers: a
 * mask of 1 << ser, offered in the order of the numbers), returns 0 if it
 * does not fit or host or path hold anything but visible ASCII; and check
 * the answer to it: > 0 length of the head with *ser set (that it was
 * offered is the caller's to check), 0 incomplete, -1 refused with a reason
 * in why, of which no octet is the router's.
 */
size_t	 http_client_request(char *out, size_t size, const char *host,
	    const char *path, const char key_b64[25], unsigned int sers);
int	 http_client_response(const char *buf, size_t len,
	    const char key_b64[25], int *ser, char *why, size_t whysize);

#endif /* WAMPD_HTTP_H */
