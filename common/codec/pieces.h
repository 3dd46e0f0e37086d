/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The content of a string piece by piece, however it is written: as it is,
 * with JSON escapes, in CBOR chunks.
 */
#ifndef WAMPD_PIECES_H
#define WAMPD_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "codec.h"

struct pieces {
	const uint8_t	*p, *end;
	uint8_t		 ser, plain;
	uint8_t		 one[4];	/* character of an escape */
};

void	 pieces_init(struct pieces *, const struct val *);
/* 0 at the end.  What it finds is good until the next call. */
int	 pieces_next(struct pieces *, const uint8_t **, size_t *);

#endif /* WAMPD_PIECES_H */
