/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Addresses of clients, as text and as what they are counted by.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"

void
addr_key(const struct sockaddr_storage *ss, uint32_t uid, uint8_t key[16])
{
	const struct sockaddr_in	*in4;
	const struct sockaddr_in6	*in6;

	memset(key, 0, 16);
	switch (ss->ss_family) {
	case AF_INET:
		in4 = (const struct sockaddr_in *)ss;
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &in4->sin_addr, 4);
		break;
	case AF_INET6:
		in6 = (const struct sockaddr_in6 *)ss;
		memcpy(key, &in6->sin6_addr, 16);
		break;
	default:
		memcpy(key, "unix:", 5);
		memcpy(key + 12, &uid, sizeof(uid));
		break;
	}
}

void
addr_cut(uint8_t key[16], const uint8_t addr[16], uint32_t prefix)
{
	static const uint8_t	mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t	zero[16];
	size_t			n = prefix / 8;

	memcpy(key, addr, 16);
	if (memcmp(addr, mapped, sizeof(mapped)) == 0 ||
	    memcmp(addr, "unix:", 5) == 0)
		return;
	if (prefix < 128) {
		key[n] &= (uint8_t)(0xff00 >> prefix % 8);
		memset(key + n + 1, 0, 16 - n - 1);
	}
	if (memcmp(key, zero, sizeof(zero)) == 0)
		key[15] = 1;	/* all zero is everybody: ::1 */
}

void
addr_text(const struct sockaddr_storage *ss, uint32_t uid, char *buf,
    size_t size)
{
	const struct sockaddr_in	*in4;
	const struct sockaddr_in6	*in6;
	char				 a[INET6_ADDRSTRLEN] = "?";

	switch (ss->ss_family) {
	case AF_INET:
		in4 = (const struct sockaddr_in *)ss;
		inet_ntop(AF_INET, &in4->sin_addr, a, sizeof(a));
		snprintf(buf, size, "%s:%u", a, ntohs(in4->sin_port));
		break;
	case AF_INET6:
		in6 = (const struct sockaddr_in6 *)ss;
		inet_ntop(AF_INET6, &in6->sin6_addr, a, sizeof(a));
		snprintf(buf, size, "[%s]:%u", a, ntohs(in6->sin6_port));
		break;
	default:
		snprintf(buf, size, "unix:uid=%u", uid);
		break;
	}
}
