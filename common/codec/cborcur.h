/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The CBOR cursor; cbor_head() and cbor_next() as in mpcur.h.
 */
#ifndef WAMPD_CBORCUR_H
#define WAMPD_CBORCUR_H

#include <stddef.h>
#include <stdint.h>

#include "codec.h"

enum codec_err	 cbor_head(const uint8_t **, const uint8_t *end,
		    struct val *);
enum codec_err	 cbor_next(const uint8_t **, const uint8_t *end,
		    unsigned int depth, struct val *);
enum codec_err	 cbor_split(const uint8_t *, size_t, struct val *,
		    size_t max, size_t *n);
enum codec_err	 cbor_check(const uint8_t *, size_t, struct val *);
enum codec_err	 cbor_values(const uint8_t *, size_t, struct val *, size_t n);

/* Is a break at *pp?  Then it is stepped over. */
int		 cbor_break(const uint8_t **, const uint8_t *end);
/* The next chunk of a checked string of indefinite length; 0: no more. */
int		 cbor_chunk(const uint8_t **, const uint8_t *end,
		    const uint8_t **chunk, size_t *len);

#endif /* WAMPD_CBORCUR_H */
