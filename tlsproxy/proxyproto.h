/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): whom
 * a balancer that connects to us speaks for.  It owns no descriptor: it says
 * how many octets may be read without reading beyond the header, for what is
 * behind it belongs to TLS.
 */
#ifndef WAMPD_PROXYPROTO_H
#define WAMPD_PROXYPROTO_H

#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>

#define PP_V1MAX	107	/* octets of a line, with its CR and LF */
#define PP_V2MAX	4096	/* octets of a binary header, all told */

struct proxyproto {
	uint8_t		 buf[PP_V1MAX];	/* v2: as far as the addresses */
	size_t		 got, size;	/* size: v2, 0 until it is known */
};

enum pp_result {
	PP_MORE,
	PP_WHOLE,	/* and nothing behind it was read */
	PP_BAD
};

void	 pp_init(struct proxyproto *);
/* How many octets of the header are missing at least; never 0 before it is
 * whole. */
size_t	 pp_missing(const struct proxyproto *);
/*
 * The next octets, not more than pp_missing().  PP_WHOLE: *from is the
 * client's address, or of family AF_UNSPEC where the header names none and
 * that of the connection itself counts.  PP_BAD: *why says what is wrong.
 */
enum pp_result	 pp_feed(struct proxyproto *, const uint8_t *, size_t,
		    struct sockaddr_storage *from, const char **why);

#endif /* WAMPD_PROXYPROTO_H */
