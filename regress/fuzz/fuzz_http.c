/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The HTTP head as a request and as an answer: the first octet says how the
 * rest is chopped.  Whole and in chops the verdict is the same, what the
 * request points to lies in it, and answers keep to their size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char	key[25] = "dGhlIHNhbXBsZSBub25jZQ==";

/* Growing buffers, each at the end of its own allocation. */
static int
parse(const uint8_t *in, size_t len, uint32_t seed)
{
	struct http_req	 req;
	char		*copy;
	size_t		 have = 0, from = 0, n;
	int		 rc = 0;

	while (rc == 0 && have < len) {
		n = len - have;
		if (seed != 0) {
			seed = seed * 1103515245 + 12345;
			n = 1 + (seed >> 16) % (seed >> 8 & 1 ? 3 : 400);
			if (n > len - have)
				n = len - have;
		}
		have += n;
		if ((copy = malloc(have)) == NULL)
			abort();
		memcpy(copy, in, have);
		rc = http_parse_request(copy, have, &from, &req);
		free(copy);
		if (rc == 0 && (have >= HTTP_MAXREQ || from > have ||
		    have - from > 1))
			abort();
	}
	return (rc);
}

static void
check_span(const struct http_span *s, const char *buf, size_t len)
{
	size_t	i;

	if (s->p == NULL) {
		if (s->len != 0)
			abort();
		return;
	}
	if (s->p < buf || (size_t)(s->p - buf) > len ||
	    s->len > len - (size_t)(s->p - buf))
		abort();
	for (i = 0; i < s->len; i++)
		if (s->p[i] == '\0' || s->p[i] == '\r' || s->p[i] == '\n')
			abort();
}

static void
check_request(const char *buf, size_t len, const struct http_req *req)
{
	static const char *const	allowed[] = { "https://*.b.c",
	    "http://x:8080" };
	char				out[1024];
	size_t				i, n;
	int				ser = 0;

	check_span(&req->path, buf, len);
	check_span(&req->host, buf, len);
	check_span(&req->origin, buf, len);
	check_span(&req->key, buf, len);
	if (req->path.len == 0 || *req->path.p != '/' || req->host.len == 0 ||
	    req->nproto > HTTP_MAXPROTOS)
		abort();
	for (i = 0; i < req->nproto; i++) {
		check_span(&req->proto[i], buf, len);
		if (req->proto[i].len == 0)
			abort();
		if (ser == 0)
			ser = http_subprotocol(&req->proto[i]);
	}
	(void)http_origin_ok(req, allowed, 2);
	(void)http_origin_ok(req, NULL, 0);
	if (req->is_upgrade) {
		if (!req->is_get || req->badversion || req->key.len != 24)
			abort();
		n = http_switching(out, sizeof(out), req, ser == 0 ? 1 : ser);
		if (n == 0 || n > 300)
			abort();
	}
}

static void
check_answer(const uint8_t *in, size_t len)
{
	char	*copy, why[64] = "";
	int	 rc, ser = 0;

	if ((copy = malloc(len)) == NULL)
		abort();
	memcpy(copy, in, len);
	rc = http_client_response(copy, len, key, &ser, why, sizeof(why));
	free(copy);
	if (rc > 0 ? rc > HTTP_MAXREQ || ser < 1 || ser > 3 :
	    rc != 0 && (rc != -1 || why[0] == '\0'))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct http_req	 req;
	char		*copy, out[1024];
	size_t		 from = 0;
	int		 rc;

	if (len < 2)
		return (0);
	rc = parse(in + 1, len - 1, 0);
	if (rc != parse(in + 1, len - 1, in[0] + 1U))
		abort();
	if (rc < 0) {
		if (http_error(out, sizeof(out), -rc, in[0] & 1) >=
		    sizeof(out) || atoi(out + 9) != -rc)
			abort();
	} else if (rc > 0) {
		if ((copy = malloc((size_t)rc)) == NULL)
			abort();
		memcpy(copy, in + 1, (size_t)rc);
		if (http_parse_request(copy, (size_t)rc, &from, &req) != rc)
			abort();
		check_request(copy, (size_t)rc, &req);
		free(copy);
	}
	check_answer(in + 1, len - 1);
	return (0);
}
