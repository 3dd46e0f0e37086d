/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Addresses of clients: 16 octets, as m_conn_count has them (msgtypes.h), but
 * whole.
 */
#ifndef WAMPD_ADDR_H
#define WAMPD_ADDR_H

#include <stddef.h>
#include <stdint.h>

struct sockaddr_storage;

/* Neither IPv4 nor IPv6: a local user. */
void	 addr_key(const struct sockaddr_storage *, uint32_t uid,
	    uint8_t addr[16]);
/* For logs. */
void	 addr_text(const struct sockaddr_storage *, uint32_t uid, char *,
	    size_t);
/* By what it is counted: an IPv6 address by so many bits of it. */
void	 addr_cut(uint8_t key[16], const uint8_t addr[16], uint32_t prefix);

#endif /* WAMPD_ADDR_H */
