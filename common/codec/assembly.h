/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * A message that arrives in pieces, in a pbuf of its own that grows with what
 * was received.  For rawsocket.c and websocket.c.
 */
#ifndef WAMPD_ASSEMBLY_H
#define WAMPD_ASSEMBLY_H

#include <stddef.h>
#include <stdint.h>

struct pbuf;

/* *pb is NULL before its first octet; wipes: what is given back is wiped. */
void	 assembly_drop(struct pbuf **pb, int wipes);
/*
 * The next n octets of a message of most octets at most, unless they lie
 * where assembly_room() said.  0, or -1 without memory.
 */
int	 assembly_add(struct pbuf **pb, const uint8_t *, size_t n, size_t most,
	    int wipes);
/* Where to read the next octets to, at most *n; NULL: it is too short yet. */
uint8_t	*assembly_room(struct pbuf **pb, size_t most, int wipes, size_t *n);

#endif /* WAMPD_ASSEMBLY_H */
