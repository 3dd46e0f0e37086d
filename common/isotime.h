/*
 * Copyright (c) 2026 The wampd authors
 * SPDX-License-Identifier: ISC
 *
 * The time of day, and how it is written for others to read.
 */
#ifndef WAMPD_ISOTIME_H
#define WAMPD_ISOTIME_H

#include <stdint.h>

#define ISOTIME_LEN	24	/* 2026-01-31T12:00:00.000Z */

uint64_t	wall_ms(void);	/* milliseconds since 1970, UTC */
/* ISO 8601; terminated. */
void		isotime(char[ISOTIME_LEN + 1], uint64_t ms);

#endif /* WAMPD_ISOTIME_H */
