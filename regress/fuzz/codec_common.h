/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * What holds for any octets in any serializer.
 */
#ifndef WAMPD_CODEC_COMMON_H
#define WAMPD_CODEC_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include "codec.h"

/* A copy that ends where its allocation ends. */
uint8_t	*exact_copy(const uint8_t *, size_t);
/* Read the octets in all ways; abort(3) where two of them disagree. */
void	 reading_agrees(enum ser, const uint8_t *, size_t);

#endif /* WAMPD_CODEC_COMMON_H */
