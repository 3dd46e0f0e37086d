/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * Writing strings in parts, for transcode.c; the rest is in codec.h.
 */
#ifndef WAMPD_ENC_H
#define WAMPD_ENC_H

#include <stddef.h>
#include <stdint.h>

#include "codec.h"

/* A base64 encoder between two parts: 0 to 2 octets wait for a third. */
struct b64 {
	uint8_t	 hold[3];
	uint8_t	 n;
};

/* A string of len octets; in JSON len does not matter. */
void	 enc_str_begin(struct enc *, size_t len);
void	 enc_str_part(struct enc *, const uint8_t *, size_t);
void	 enc_str_end(struct enc *);
void	 enc_bin_begin(struct enc *, size_t len, struct b64 *);
void	 enc_bin_part(struct enc *, const uint8_t *, size_t, struct b64 *);
void	 enc_bin_end(struct enc *, struct b64 *);

#endif /* WAMPD_ENC_H */
